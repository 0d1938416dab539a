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
from thermostack.unit_cells.cell_grid import coarsest_grid, unresolved_width
from thermostack.unit_cells.cell_problem import CellProblem
from thermostack.unit_cells.extrapolation import MIN_GRIDS, extrapolate
from thermostack.unit_cells.solution_cache import cached_solution
from thermostack.unit_cells.thin_shells import WidenedCell, widened

Array: TypeAlias = np.ndarray

RELATIVE_TOLERANCE = 1e-3  # of the estimated error, at which the refinement ends
# Cells of the coarsest and of the finest grid of straight columns, of other cells, and of those without
# mirror planes, whose solution takes several times as long.
MAX_CELLS_OF_COLUMNS = 30_000, 1_000_000
MAX_CELLS_OF_SKEW_COLUMNS = 20_000, 300_000
MAX_CELLS = 5_000, 320_000
MAX_CELLS_OF_SHELLS = 12_000, 800_000  # with mirror planes and widened shells
MAX_CELLS_WITHOUT_MIRRORS = 2_000, 150_000
MIN_GRIDS_OF_COLUMNS = 4  # with mirror planes, where one more costs little; others have MIN_GRIDS
MIN_SHELL = 0.05  # of the outer diameter, to which thinner shells of discs are widened
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


@dataclass(frozen=True)
class SolutionPlan:
    """Relative tolerance of the error."""

    tolerance: float


def _solve(geometry: CellGeometry, conductivity: Array, plan: SolutionPlan) -> CellSolution:
    bounds = conductivity_bounds(geometry, conductivity)
    planes = mirror_plane(geometry, 0), mirror_plane(geometry, 1)
    is_equal = has_equal_axes(geometry, planes) and bool(np.all(conductivity[:, 0] == conductivity[:, 1]))
    exact = bounds.upper - bounds.lower <= MIN_BOUND_DISTANCE * bounds.upper
    open_axes = [axis for axis in range(3) if not exact[axis] and not (is_equal and axis == 1)]
    solved, cross, unresolved = _solved_axes(geometry, conductivity, plan, planes, open_axes)
    axes = []
    for axis, (lower, upper) in enumerate(zip(bounds.lower.tolist(), bounds.upper.tolist(), strict=True)):
        found = solved.get(axis, AxisSolution(0.5 * (lower + upper), 0.0, lower, upper))
        value, error = min(max(found.value, lower), upper), found.error
        if unresolved and axis in solved:
            error = max(error, value - lower, upper - value)
        axes.append(replace(found, value=value, error=error, lower=lower, upper=upper))
    if is_equal:  # the bounds of both axes hold for both
        lower, upper = max(axes[0].lower, axes[1].lower), min(axes[0].upper, axes[1].upper)
        axes[0] = axes[1] = replace(axes[0], lower=lower, upper=upper)
    return CellSolution((axes[0], axes[1], axes[2]), cross, unresolved)


Solved: TypeAlias = dict[int, AxisSolution]
Planes: TypeAlias = tuple[float | None, float | None]


def _solved_axes(
    geometry: CellGeometry, conductivity: Array, plan: SolutionPlan, planes: Planes, open_axes: list[int]
) -> tuple[Solved, float, float]:
    """Return solutions of some axes without bounds, the component xy, and the unresolved width [m].

    Of straight columns the error of widened shells is that of their multipoles. Of other cells two widths
    are solved, and their limit is that of the true thickness if the error is proportional to the width.
    """
    if not open_axes:
        return {}, 0.0, 0.0
    wide = widened(geometry, conductivity, MIN_SHELL)
    first = _Refinement(wide, planes, plan)
    solved = first.solve(open_axes)
    if not wide.change:
        return solved, first.cross, first.unresolved
    if geometry.is_columnar:
        found = {
            axis: replace(each, error=each.error + wide.multipole_error * each.value)
            for axis, each in solved.items()
        }
        return found, first.cross, first.unresolved
    narrow = widened(geometry, conductivity, 0.5 * MIN_SHELL)
    second = _Refinement(narrow, planes, plan)
    narrower = second.solve(open_axes)
    found = {axis: _limit_of_widths(solved[axis], narrower[axis], narrow) for axis in open_axes}
    return found, second.cross, max(first.unresolved, second.unresolved)


def _limit_of_widths(wide: AxisSolution, narrow: AxisSolution, cell: WidenedCell) -> AxisSolution:
    """Return the limit of the solutions of shells of two widths, of which the wider is twice the other."""
    step = (narrow.value - wide.value) * cell.change
    error = max(wide.error, narrow.error) + abs(step) * cell.halvings
    return replace(narrow, value=narrow.value + step, error=error)


class _Refinement:
    """The problem of a cell on grids of halved cells."""

    def __init__(self, cell: WidenedCell, planes: Planes, plan: SolutionPlan) -> None:
        self.plan, self.conductivity = plan, cell.conductivity
        geometry = cell.geometry
        self.has_mirrors = planes[0] is not None, planes[1] is not None
        self.geometry = shifted(geometry, planes[0] or 0.0, planes[1] or 0.0)
        self.extent = tuple(
            pitch if plane is None else 0.5 * pitch
            for pitch, plane in zip(geometry.pitch, planes, strict=True)
        )
        layered = MAX_CELLS_OF_SHELLS if cell.change else MAX_CELLS
        self.limits = layered if all(self.has_mirrors) else MAX_CELLS_WITHOUT_MIRRORS
        if geometry.is_columnar:
            self.limits = MAX_CELLS_OF_COLUMNS if all(self.has_mirrors) else MAX_CELLS_OF_SKEW_COLUMNS
        is_fast = geometry.is_columnar and all(self.has_mirrors)
        self.min_grids = MIN_GRIDS_OF_COLUMNS if is_fast else MIN_GRIDS
        self.cross = 0.0  # component xy [W/(m K)]
        self.unresolved = 0.0  # width [m]

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
            self.unresolved = unresolved_width(self.geometry, grid)
            open_axes = [axis for axis in open_axes if not self._is_sufficient(solved[axis])]
            grid = grid.refined()
            is_last = count >= MIN_GRIDS and grid.cells > self.limits[1]
            if not open_axes or is_last:
                return {axis: self._solution(grids) for axis, grids in solved.items()}

    def _is_sufficient(self, grids: Grids) -> bool:
        """Return whether the error of an axis is small enough."""
        if len(grids) < self.min_grids:
            return False
        found = self._solution(grids)
        return found.error <= self.plan.tolerance * found.value

    def _solution(self, grids: Grids) -> AxisSolution:
        values = [value for _, value in grids]
        found = extrapolate(values, is_cut=self.is_cut)
        return AxisSolution(found.value, found.error, 0.0, 0.0, found.order, grids)
