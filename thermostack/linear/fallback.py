"""The ways to solve with one operator, from the fastest to the surest, and when to go on to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from thermostack.errors import ResourceError
from thermostack.finite_volume.conduction import Conduction, conductivity_contrast
from thermostack.linear.amg import AmgPreconditioner
from thermostack.linear.multigrid import Multigrid, Widths
from thermostack.linear.null_space import why_unsolvable
from thermostack.linear.pcg import IterationState, improve, solve_pcg
from thermostack.mesh.coarsening_rule import COARSENING, GENTLE_COARSENING, CoarseningRule

Array = np.ndarray

STARK = 1e5  # fold contrast of conductivities in one plane, beyond any of real materials but vacuum
ADVICE = f"Ask for larger cells or the direct method, or for no conductivity below {1 / STARK:g} of the best"


@dataclass(frozen=True)
class Method:
    """One way to precondition conjugate gradients; limits leave the next one its share of 60 in all."""

    name: str
    patience: float  # iterations foreseen beyond which the next way is taken
    limit: int
    dtype: type = np.float64
    rule: CoarseningRule = COARSENING


FAST = Method("float32 cycle", 50.0, 34, np.float32)
DOUBLE = Method("float64 cycle", 30.0, 20)
ALGEBRAIC = Method("algebraic multigrid", math.inf, 200)
# The method of the smallest memory.
PATIENT = Method("float64 cycle, gentler coarsening", math.inf, 500, rule=GENTLE_COARSENING)


class FallbackChain:
    """The way that is taken now, made ready; once one has been given up it is not tried again.

    What conducts well and hardly touches the rest may be far from its temperature at a small residual, and
    the cycle, which joins it to its neighbours, does not see it. So stark contrasts are never left to it.
    """

    def __init__(
        self, conduction: Conduction, widths: Widths, threads: int, *, keeps_ground: bool = False
    ) -> None:
        """Make the first way ready; ResourceError where it would have to be one there is no memory for."""
        self.conduction = conduction
        self._keeps_ground = keeps_ground
        self.fallback: list[str] = []  # what was taken instead of what, and why
        self._widths, self._threads = widths, threads
        self._tool: Multigrid | AmgPreconditioner | None
        self._way, self._tool = FAST, None
        contrast = conductivity_contrast(conduction, *widths, threads)
        if not contrast > STARK:
            self._tool = self._build()
            return
        apart = f"conductivities are {contrast:.0e}-fold apart in a plane"
        if not self._take(ALGEBRAIC, apart):
            raise ResourceError(f"{apart}, and {self.fallback[-1]}, which alone is sure then. {ADVICE}")

    @property
    def memory(self) -> int:
        """Return the bytes held."""
        return self._tool.memory if self._tool else 0

    @property
    def levels(self) -> int:
        """Return how many grids there are."""
        return len(self._tool.levels) if self._tool else 0

    def change(self, conduction: Conduction, *, only_ground: bool, holding: float) -> None:
        """Take another operator, grounded in the same cells; the grids' pairs of columns stay."""
        self.conduction = conduction
        if not isinstance(self._tool, Multigrid):
            self._tool = None
            self._tool = self._build()
        elif only_ground:
            self._tool.update_diagonal(conduction, holding)
        else:
            self._tool.update_operator(conduction, holding)

    def iterate(
        self, heats: Array, fields: Array, tolerance: float, *, is_zero: bool, of_guess: bool = False
    ) -> list[IterationState]:
        """Improve each field [K] in place until G field = heat [W] within the tolerance, as it may take.

        `heats` and `fields` are (loads, nz, ny, nx), taken together while one way serves them all. `is_zero`
        says that the fields are zero everywhere, `of_guess` that the tolerance is relative to the residual
        of the guess. Iterations and history are those of all ways together.
        """
        first = self._way
        states = self._run(heats, fields, tolerance, is_zero=is_zero, of_guess=of_guess)
        for n, state in enumerate(states):
            if self._way is not first and not state.is_converged:  # it was given up for another load
                states[n] = self._run_on(heats[n], fields[n], state)
            states[n] = self._pursue(heats[n], fields[n], states[n])
        return states

    def improve(self, heat: Array, t: Array, reduction: float, held: float) -> tuple[int, float] | None:
        """Bring the residual of a guess down by a factor, in place; None where another way is taken."""
        if not isinstance(self._tool, Multigrid):
            return None
        return improve(self._tool, heat, t, reduction, held)

    def _pursue(self, heat: Array, t: Array, state: IterationState) -> IterationState:
        """Take one way after the other until there is an answer, or none left."""
        while not state.is_converged and not why_unsolvable(self.conduction, heat):
            if not self._go_on(state):
                break
            state = self._run_on(heat, t, state)
        return state

    def _run_on(self, heat: Array, t: Array, before: IterationState) -> IterationState:
        """Go on by the way that is taken now, and return the state with the history of all."""
        if is_zero := not before.history[-1] < 1.0:  # worse than nothing
            t[...] = 0.0
        (state,) = self._run(heat[None], t[None], before.tolerance, is_zero=is_zero)
        state.history = before.history + state.history[1:]
        return state

    def _run(
        self, heats: Array, fields: Array, tolerance: float, *, is_zero: bool, of_guess: bool = False
    ) -> list[IterationState]:
        way, tool = self._way, self._tool
        if isinstance(tool, AmgPreconditioner):
            pairs = zip(heats, fields, strict=True)
            return [
                tool.iterate(heat, t, tolerance, way.limit, of_guess=of_guess and not is_zero)
                for heat, t in pairs
            ]
        assert tool is not None
        return solve_pcg(
            tool,
            heats,
            fields,
            is_zero=is_zero,
            tolerance=tolerance,
            patience=way.patience,
            limit=way.limit,
            of_guess=of_guess,
        )

    def _go_on(self, state: IterationState) -> bool:
        """Make the next way ready that there is memory for; False where there is none left."""
        if self._way is PATIENT:
            return False
        after = DOUBLE if state.is_lost else PATIENT if self._way is ALGEBRAIC else ALGEBRAIC
        return self._take(after, state.reason) or self._take(PATIENT, state.reason)

    def _take(self, way: Method, reason: str) -> bool:
        """Make a way ready; False where there is no memory for it."""
        before, self._way = self._way, way
        self._tool = None  # its memory is free before the next one is built
        try:
            self._tool = self._build()
        except ResourceError as error:
            self._way = before
            self.fallback.append(str(error))
            return False
        self.fallback.append(f"{way.name} because {reason}")
        return True

    def _build(self) -> Multigrid | AmgPreconditioner:
        way = self._way
        if way is ALGEBRAIC:
            return AmgPreconditioner(self.conduction, self._threads)
        return Multigrid(
            self.conduction,
            self._widths,
            dtype=way.dtype,
            rule=way.rule,
            keeps_ground=self._keeps_ground,
            threads=self._threads,
        )
