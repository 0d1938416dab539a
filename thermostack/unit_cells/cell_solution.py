"""Solution of a unit cell: conductivity along x, y and z with bounds and an estimate of the error, cached."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import numpy as np

from thermostack.materials.cell_bounds import conductivity_bounds
from thermostack.materials.cell_geometry import CellGeometry
from thermostack.materials.cell_symmetry import has_equal_axes, mirror_plane, shifted
from thermostack.unit_cells.axis_solution import AxisSolution, CellSolution, Grids
from thermostack.unit_cells.cell_conductance import cell_conductances
from thermostack.unit_cells.cell_grid import coarsest_grid
from thermostack.unit_cells.cell_problem import CellProblem
from thermostack.unit_cells.extrapolation import MIN_GRIDS, extrapolate
from thermostack.unit_cells.solution_cache import cached_solution
from thermostack.unit_cells.thin_shells import widened

Array: TypeAlias = np.ndarray

RELATIVE_TOLERANCE = 1e-3  # of the estimated error, at which the refinement ends
# Cells of the coarsest and of the finest grid of straight columns, of other cells, and of those without
# mirror planes, whose solution takes several times as long.
MAX_CELLS_OF_COLUMNS = 30_000, 1_000_000
MAX_CELLS_OF_SKEW_COLUMNS = 20_000, 300_000
MAX_CELLS = 5_000, 320_000
MAX_CELLS_WITHOUT_MIRRORS = 2_000, 150_000
COARSE_GRIDS = 2  # of values of which only the ratio counts
MIN_GRIDS_OF_COLUMNS = 4  # with mirror planes, where one more costs little; others have MIN_GRIDS
MIN_BOUND_DISTANCE = 1e-9  # relative; bounds closer than this are the value


def solve_geometry(
    geometry: CellGeometry, conductivity: Array, tolerance: float = RELATIVE_TOLERANCE
) -> CellSolution:
    """Return the effective conductivities for those of the constituents along x, y, z, (n, 3) [W/(m K)].

    Grids are refined until the estimated errors are below a fraction `tolerance` of the values. A cell that
    was solved before is read from the cache.
    """
    plan = SolutionPlan(tolerance)
    return cached_solution(geometry, conductivity, asdict(plan), lambda: _solve(geometry, conductivity, plan))


def solve_coarsely(geometry: CellGeometry, conductivity: Array) -> CellSolution:
    """Return the conductivities on the second grid, for ratios of values at different temperatures."""
    plan = SolutionPlan(0.0, COARSE_GRIDS)
    return cached_solution(geometry, conductivity, asdict(plan), lambda: _solve(geometry, conductivity, plan))


@dataclass(frozen=True)
class SolutionPlan:
    """Relative tolerance of the error, or a number of grids without extrapolation."""

    tolerance: float
    grids: int | None = None


def _solve(geometry: CellGeometry, conductivity: Array, plan: SolutionPlan) -> CellSolution:
    bounds = conductivity_bounds(geometry, conductivity)
    planes = mirror_plane(geometry, 0), mirror_plane(geometry, 1)
    is_equal = has_equal_axes(geometry, planes) and bool(np.all(conductivity[:, 0] == conductivity[:, 1]))
    exact = bounds.upper - bounds.lower <= MIN_BOUND_DISTANCE * bounds.upper
    open_axes = [axis for axis in range(3) if not exact[axis] and not (is_equal and axis == 1)]
    solved: dict[int, AxisSolution] = {}
    cross = 0.0
    if open_axes:
        refinement = _Refinement(geometry, conductivity, planes, plan)
        solved, cross = refinement.solve(open_axes), refinement.cross
    axes = []
    for axis, (lower, upper) in enumerate(zip(bounds.lower.tolist(), bounds.upper.tolist(), strict=True)):
        found = solved.get(axis, AxisSolution(0.5 * (lower + upper), 0.0, lower, upper))
        axes.append(replace(found, value=min(max(found.value, lower), upper), lower=lower, upper=upper))
    if is_equal:  # the bounds of both axes hold for both
        lower, upper = max(axes[0].lower, axes[1].lower), min(axes[0].upper, axes[1].upper)
        axes[0] = axes[1] = replace(axes[0], lower=lower, upper=upper)
    return CellSolution((axes[0], axes[1], axes[2]), cross)


class _Refinement:
    """The problem of a cell on grids of halved cells."""

    def __init__(
        self,
        geometry: CellGeometry,
        conductivity: Array,
        planes: tuple[float | None, float | None],
        plan: SolutionPlan,
    ) -> None:
        self.plan = plan
        self.has_mirrors = planes[0] is not None, planes[1] is not None
        wide, self.conductivity = widened(geometry, conductivity)
        self.geometry = shifted(wide, planes[0] or 0.0, planes[1] or 0.0)
        self.extent = tuple(
            pitch if plane is None else 0.5 * pitch
            for pitch, plane in zip(geometry.pitch, planes, strict=True)
        )
        self.limits = MAX_CELLS if all(self.has_mirrors) else MAX_CELLS_WITHOUT_MIRRORS
        if geometry.is_columnar:
            self.limits = MAX_CELLS_OF_COLUMNS if all(self.has_mirrors) else MAX_CELLS_OF_SKEW_COLUMNS
        is_fast = geometry.is_columnar and all(self.has_mirrors)
        self.min_grids = MIN_GRIDS_OF_COLUMNS if is_fast else MIN_GRIDS
        self.cross = 0.0  # component xy [W/(m K)]

    def solve(self, open_axes: list[int]) -> dict[int, AxisSolution]:
        """Return the solutions of some axes, without bounds."""
        grid = coarsest_grid(self.geometry, (self.extent[0], self.extent[1]), self.limits[0])
        self.is_cut = self.geometry.is_round or not grid.has_edges
        solved: dict[int, Grids] = dict.fromkeys(open_axes, ())
        while True:
            conductances = cell_conductances(self.geometry, grid, self.conductivity)
            problem = CellProblem(grid, conductances, self.has_mirrors)
            for axis in open_axes:
                solved[axis] += ((grid.cells, problem.conductivity(axis)),)
            if 0 in open_axes:
                self.cross = problem.cross_conductivity()
            count = max(len(grids) for grids in solved.values())
            open_axes = [axis for axis in open_axes if not self._is_sufficient(solved[axis])]
            grid = grid.refined()
            is_last = count >= MIN_GRIDS and grid.cells > self.limits[1]
            if not open_axes or is_last:
                return {axis: self._solution(grids) for axis, grids in solved.items()}

    def _is_sufficient(self, grids: Grids) -> bool:
        """Return whether the grids of an axis are as many as wanted, or its error small enough."""
        if self.plan.grids is not None:
            return len(grids) >= self.plan.grids
        if len(grids) < self.min_grids:
            return False
        found = self._solution(grids)
        return found.error <= self.plan.tolerance * found.value

    def _solution(self, grids: Grids) -> AxisSolution:
        values = [value for _, value in grids]
        if len(grids) < MIN_GRIDS:
            return AxisSolution(values[-1], abs(values[-1] - values[0]), 0.0, 0.0, None, grids)
        found = extrapolate(values, is_cut=self.is_cut)
        return AxisSolution(found.value, found.error, 0.0, 0.0, found.order, grids)
