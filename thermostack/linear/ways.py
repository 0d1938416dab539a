"""The ways to solve with one operator, from the fastest to the surest, and when to go on to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from thermostack.conduction import Conduction
from thermostack.errors import ResourceError
from thermostack.linear.algebraic import Algebraic
from thermostack.linear.conjugate_gradient import Progress, iterate
from thermostack.linear.multigrid import Multigrid, Widths

Array = np.ndarray

STARK = 1e5  # fold contrast of conductivities in one plane, beyond any of real materials but vacuum
LOST = 1e4  # fold growth of the residual in two iterations that only rounding in float32 explains
EARLY = 14  # iterations after which there are enough left of 60 for float64 and what may follow it


@dataclass(frozen=True)
class Way:
    """One way to precondition conjugate gradients; limits leave the next one its share of 60 in all."""

    name: str
    patience: float  # iterations foreseen beyond which the next way is taken
    limit: int
    dtype: type = np.float64
    is_gentle: bool = False


FAST = Way("float32 cycle", 50.0, 34, np.float32)
DOUBLE = Way("float64 cycle", 30.0, 20)
ALGEBRAIC = Way("algebraic multigrid", math.inf, 200)
PATIENT = Way("float64 cycle, gentler coarsening", math.inf, 500, is_gentle=True)  # needs least memory


class Ways:
    """The way that is taken now, made ready; once one has been given up it is not tried again.

    What conducts well and hardly touches the rest may be far from its temperature at a small residual, and
    the cycle, which joins it to its neighbours, does not see it. So stark contrasts are not left to it.
    """

    def __init__(self, conduction: Conduction, widths: Widths | None, threads: int) -> None:
        self.conduction = conduction
        self.fallback: list[str] = []  # what was taken instead of what, and why
        self._widths, self._threads = widths, threads
        self._tool: Multigrid | Algebraic | None
        self._way, self._tool = FAST, None
        contrast = contrast_of(conduction, widths)
        if not (
            contrast > STARK
            and self._take(ALGEBRAIC, f"conductivities are {contrast:.0e}-fold apart in a plane")
        ):
            self._tool = self._build()

    @property
    def memory(self) -> int:
        """Return the bytes held."""
        return self._tool.memory if self._tool else 0

    @property
    def levels(self) -> int:
        """Return how many grids there are."""
        return len(self._tool.levels) if self._tool else 0

    def iterate(self, heat: Array, t: Array, tolerance: float, *, is_zero: bool) -> Progress:
        """Improve t [K] in place until G t = heat [W] within the tolerance, by as many ways as it takes.

        `is_zero` says that t is zero everywhere. Iterations and history are those of all ways together.
        """
        history: list[float] = []
        while True:
            state = self._run(heat, t, tolerance, is_zero=is_zero)
            is_lost = self._is_lost(state)
            last = state.history[-1]
            history += state.history[1:] if history else state.history
            state.history = history
            if state.is_converged or without_answer(self.conduction, heat):
                return state
            if not self._go_on(state.reason, is_lost=is_lost):
                return state
            if is_zero := not last < 1.0:  # worse than nothing
                t[...] = 0.0

    def _run(self, heat: Array, t: Array, tolerance: float, *, is_zero: bool) -> Progress:
        way, tool = self._way, self._tool
        if isinstance(tool, Algebraic):
            return tool.iterate(heat, t, tolerance, way.limit)
        assert tool is not None
        (state,) = iterate(
            tool,
            heat[None],
            t[None],
            is_zero=is_zero,
            tolerance=tolerance,
            patience=way.patience,
            limit=way.limit,
        )
        return state

    def _is_lost(self, state: Progress) -> bool:
        is_early = self._way is FAST and state.iterations <= EARLY
        return is_early and not max(state.history[:3]) < LOST * state.history[0]

    def _go_on(self, reason: str, *, is_lost: bool) -> bool:
        """Make the next way ready that there is memory for; False where there is none left."""
        if self._way is PATIENT:
            return False
        after = DOUBLE if is_lost else PATIENT if self._way is ALGEBRAIC else ALGEBRAIC
        return self._take(after, reason) or self._take(PATIENT, reason)

    def _take(self, way: Way, reason: str) -> bool:
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

    def _build(self) -> Multigrid | Algebraic:
        way = self._way
        if way is ALGEBRAIC:
            return Algebraic(self.conduction, self._threads)
        return Multigrid(
            self.conduction, self._widths, dtype=way.dtype, is_gentle=way.is_gentle, threads=self._threads
        )


def contrast_of(conduction: Conduction, widths: Widths | None) -> float:
    """Return the largest conductivity over the smallest within one plane of cells, the most of all planes.

    They are taken along x, or along y where there is one cell along x, from face to face.
    """
    _, ny, nx = conduction.shape
    dx, dy = widths if widths is not None else (np.ones(nx), np.ones(ny))
    if nx > 1:
        faces, ratio = conduction.g_x, (dx[1:] + dx[:-1]) / dy[:, None]
    else:
        faces, ratio = conduction.g_y, (dy[1:] + dy[:-1])[:, None] / dx
    ratio, most = ratio.astype(faces.dtype), 1.0
    for plane in faces:
        conductivity = plane * ratio  # times thickness
        high = float(conductivity.max(initial=0.0))
        conductivity[conductivity == 0.0] = np.inf  # there is no face
        low = float(conductivity.min(initial=np.inf))
        if high > low > 0.0:
            most = max(most, high / low)
    return most


def without_answer(conduction: Conduction, heat: Array) -> str:
    """Return why no temperature satisfies G t = heat, "" where one does."""
    given = {name: getattr(conduction, name) for name in ("g_x", "g_y", "g_z")}
    for name, values in (given | {"ground": conduction.ground.conductance}).items():
        if not (np.isfinite(values) & (values >= 0.0)).all():
            return f"{name} has conductances that are negative or no number"
    astray = np.flatnonzero((heat != 0.0) & ~conduction.is_active)
    if astray.size:
        k, j, i = np.unravel_index(astray[0], heat.shape)
        return f"heat in {astray.size} cells outside the body, the first at (k, j, i) = ({k}, {j}, {i})"
    count, part = connected_components(conduction.to_csr(), directed=False)
    grounded = np.bincount(part[conduction.ground.cell], conduction.ground.conductance, count) > 0.0
    adrift = np.flatnonzero(~grounded[part] & conduction.is_active.ravel())
    if adrift.size:
        k, j, i = np.unravel_index(adrift[0], heat.shape)
        return (
            f"{adrift.size} cells with no path to an ambient, the first at (k, j, i) = ({k}, {j}, {i}); "
            "cool them or join them to a part that is"
        )
    return ""
