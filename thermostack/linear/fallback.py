"""Fallback chain of the iterative solver: its methods, from the fastest to the most robust."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from thermostack.errors import ResourceError
from thermostack.finite_volume.conduction import Conduction, conductivity_contrast
from thermostack.linear.amg import AmgPreconditioner
from thermostack.linear.corrected_backend import CorrectedBackend
from thermostack.linear.error_target import ErrorTarget
from thermostack.linear.iteration_state import IterationState
from thermostack.linear.linked_backend import LinkCorrection, LinkedBackend
from thermostack.linear.multigrid import Multigrid, Widths
from thermostack.linear.null_space import why_unsolvable
from thermostack.linear.pcg import ErrorReduction, reduce_error, reduce_residual, solve_pcg
from thermostack.linear.pcg_backend import PcgBackend
from thermostack.mesh.coarsening_rule import COARSENING, GENTLE_COARSENING, CoarseningRule

Array = np.ndarray

# Ratio of conductivities in one plane of cells above which the column multigrid is not used; that of real
# materials is smaller, except with vacuum.
MAX_CONTRAST = 1e6
# Ratio above which the tolerance is smaller by a factor: the error of a body that hardly couples to its
# neighbours changes the residual little.
LARGE_CONTRAST, LARGE_CONTRAST_TOLERANCE = 1e5, 0.1
ADVICE = (
    f"Use larger cells, the direct method, or no conductivity below {1 / MAX_CONTRAST:g} of the largest one"
)


@dataclass(frozen=True)
class Method:
    """A preconditioner of the conjugate gradients, and the iterations after which the next one is used.

    Parameters
    ----------
    name
        Name in reports.
    max_predicted
        Predicted iterations above which the method is given up.
    max_iterations
        Iterations after which it is given up; those of all methods together are about 60 on random stacks.
    dtype
        Precision of the column multigrid.
    rule
        Coarsening rule of the column multigrid.
    """

    name: str
    max_predicted: float
    max_iterations: int
    dtype: type = np.float64
    rule: CoarseningRule = COARSENING


SINGLE_PRECISION = Method("float32 cycle", 50.0, 50, np.float32)
DOUBLE_PRECISION = Method("float64 cycle", 30.0, 20)
ALGEBRAIC_MULTIGRID = Method("algebraic multigrid", math.inf, 200)
# The method that needs the least memory.
GENTLE_CYCLE = Method("float64 cycle, gentler coarsening", math.inf, 500, rule=GENTLE_COARSENING)


class FallbackChain:
    """The method in use, prepared; a method that was given up is not tried again.

    A body of high conductivity that is hardly coupled to its neighbours may have a large error at a small
    residual, and the column multigrid, whose coarse columns contain body and neighbours, does not reduce it.
    Therefore operators of a contrast above `max_contrast` start with algebraic multigrid.
    """

    def __init__(
        self,
        conduction: Conduction,
        widths: Widths,
        threads: int,
        *,
        keeps_boundary: bool = False,
        max_contrast: float | None = None,
    ) -> None:
        """Prepare the first method; raise ResourceError where it needs more memory than there is."""
        self._set_conduction(conduction)
        self._keeps_boundary = keeps_boundary
        self.replacements: list[str] = []  # methods that replaced others, each with its reason
        self._widths, self._threads = widths, threads
        self._preconditioner: Multigrid | AmgPreconditioner | None
        self._method, self._preconditioner = SINGLE_PRECISION, None
        contrast = conductivity_contrast(conduction, *widths, threads)
        self._tolerance_factor = LARGE_CONTRAST_TOLERANCE if contrast > LARGE_CONTRAST else 1.0
        if not contrast > (MAX_CONTRAST if max_contrast is None else max_contrast):
            self._preconditioner = self._build()
            return
        reason = f"conductivities are {contrast:.0e}-fold apart in a plane"
        if not self._use(ALGEBRAIC_MULTIGRID, reason):
            raise ResourceError(
                f"{reason}, and {self.replacements[-1]}; no other iterative method is reliable then. {ADVICE}"
            )

    @property
    def memory(self) -> int:
        """Return the bytes held."""
        return self._preconditioner.memory if self._preconditioner else 0

    @property
    def levels(self) -> int:
        """Return the number of grids."""
        return len(self._preconditioner.levels) if self._preconditioner else 0

    def update(self, conduction: Conduction, *, only_boundary: bool, min_boundary_ratio: float) -> None:
        """Replace the operator, with boundary conductances on the same cells; the pairs of columns stay."""
        self._set_conduction(conduction)
        if not isinstance(self._preconditioner, Multigrid):
            self._preconditioner = None
            self._preconditioner = self._build()
        elif only_boundary:
            self._preconditioner.update_diagonal(self._preconditioned, min_boundary_ratio)
        else:
            self._preconditioner.update_operator(self._preconditioned, min_boundary_ratio)

    def _set_conduction(self, conduction: Conduction) -> None:
        """Set the operator, and the part of it that the preconditioner has."""
        self.conduction = conduction
        self._without_slope = self._preconditioned = replace(conduction, power_slope=None)
        self._of_links: LinkCorrection | None = None
        if conduction.links is not None:
            self._of_links = LinkCorrection(conduction.links, self._without_slope)
            self._preconditioned = self._of_links.preconditioned_part(self._without_slope)

    @property
    def _backend(self) -> PcgBackend:
        """Return the operator and the preconditioner of the method in use."""
        assert self._preconditioner is not None
        backend: PcgBackend = self._preconditioner
        if self._of_links is not None:
            backend = LinkedBackend(backend, self._without_slope, self._of_links)
        if self.conduction.power_slope is not None:
            backend = CorrectedBackend(backend, self.conduction, self.conduction.power_slope)
        return backend

    def solve(
        self, rhs: Array, fields: Array, tolerance: float, *, is_zero: bool, relative_to_guess: bool = False
    ) -> list[IterationState]:
        """Solve G field = rhs [W] in place to a tolerance, and return the final states.

        `rhs` and `fields` are (right-hand sides, nz, ny, nx); they are solved together while one method
        serves all. `is_zero`: the fields are zero everywhere; `relative_to_guess`: the tolerance is
        relative to the residual of the guess. Iterations and history are those of all methods together.
        """
        first, tolerance = self._method, self._tolerance_factor * tolerance
        states = self._run(rhs, fields, tolerance, is_zero=is_zero, relative_to_guess=relative_to_guess)
        for n, state in enumerate(states):
            if self._method is not first and not state.is_converged:  # another right-hand side changed it
                states[n] = self._continue(rhs[n], fields[n], state)
            states[n] = self._solve_with_fallbacks(rhs[n], fields[n], states[n])
        return states

    def reduce_residual(
        self, rhs: Array, t: Array, reduction: float, total_boundary: float
    ) -> tuple[int, float] | None:
        """Reduce the residual of a guess by a factor, in place; None where the method is not multigrid."""
        if not isinstance(self._preconditioner, Multigrid):
            return None
        return reduce_residual(self._backend, rhs, t, reduction, total_boundary)

    def reduce_error(
        self, rhs: Array, fields: Array, target: ErrorTarget, total_boundary: float, *, is_zero: bool
    ) -> list[ErrorReduction] | None:
        """Reduce the errors of guesses, in place; None where an iteration fails or its bound is not reliable.

        The bound needs the column multigrid, and a contrast at which every error shows in the residual.
        """
        if not isinstance(self._preconditioner, Multigrid) or self._tolerance_factor < 1.0:
            return None
        return reduce_error(self._backend, rhs, fields, target, total_boundary, is_zero=is_zero)

    def _solve_with_fallbacks(self, rhs: Array, t: Array, state: IterationState) -> IterationState:
        """Try one method after the other until one converges or none is left."""
        while not state.is_converged and not why_unsolvable(self.conduction, rhs):
            if state.is_indefinite and self.conduction.power_slope is not None:
                break  # the equations have no positive definite operator, whatever the method
            if not self._use_next(state):
                break
            state = self._continue(rhs, t, state)
        return state

    def _continue(self, rhs: Array, t: Array, before: IterationState) -> IterationState:
        """Continue with the method in use, and return the state with the history of all methods."""
        if is_zero := not before.history[-1] < 1.0:  # zero is a better guess
            t[...] = 0.0
        (state,) = self._run(rhs[None], t[None], before.tolerance, is_zero=is_zero)
        state.history = before.history + state.history[1:]
        return state

    def _run(
        self, rhs: Array, fields: Array, tolerance: float, *, is_zero: bool, relative_to_guess: bool = False
    ) -> list[IterationState]:
        backend = self._backend
        together = len(rhs) if isinstance(self._preconditioner, Multigrid) else 1
        states: list[IterationState] = []
        for first in range(0, len(rhs), together):
            batch = slice(first, first + together)
            states += solve_pcg(
                backend,
                rhs[batch],
                fields[batch],
                is_zero=is_zero,
                tolerance=tolerance,
                max_predicted=self._method.max_predicted,
                max_iterations=self._method.max_iterations,
                relative_to_guess=relative_to_guess and not is_zero,
            )
        return states

    def _use_next(self, state: IterationState) -> bool:
        """Prepare the next method that fits in memory; False where there is none left."""
        if self._method is GENTLE_CYCLE:
            return False
        following = GENTLE_CYCLE if self._method is ALGEBRAIC_MULTIGRID else ALGEBRAIC_MULTIGRID
        if state.exceeds_float32:
            following = DOUBLE_PRECISION
        return self._use(following, state.reason) or self._use(GENTLE_CYCLE, state.reason)

    def _use(self, method: Method, reason: str) -> bool:
        """Prepare a method; False where it does not fit in memory."""
        before, self._method = self._method, method
        self._preconditioner = None  # its memory is freed before the next one is built
        try:
            self._preconditioner = self._build()
        except ResourceError as error:
            self._method = before
            self.replacements.append(str(error))
            return False
        self.replacements.append(f"{method.name} because {reason}")
        return True

    def _build(self) -> Multigrid | AmgPreconditioner:
        method = self._method
        if method is ALGEBRAIC_MULTIGRID:
            return AmgPreconditioner(self._preconditioned, self._threads)
        return Multigrid(
            self._preconditioned,
            self._widths,
            dtype=method.dtype,
            rule=method.rule,
            keeps_boundary=self._keeps_boundary,
            threads=self._threads,
        )
