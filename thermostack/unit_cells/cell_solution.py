"""Solution of a unit cell: conductivity along x, y and z with bounds and an estimate of the error, cached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from thermostack.materials.cell_bounds import CellBounds, conductivity_bounds
from thermostack.materials.cell_geometry import CellGeometry
from thermostack.materials.cell_symmetry import has_equal_axes, mirror_plane, shifted
from thermostack.unit_cells.axis_solution import AxisSolution, CellSolution, Grids
from thermostack.unit_cells.cell_conductance import cell_conductances
from thermostack.unit_cells.cell_grid import CellGrid, coarsest_grid
from thermostack.unit_cells.cell_problem import CellProblem
from thermostack.unit_cells.extrapolation import MIN_GRIDS, extrapolate
from thermostack.unit_cells.solution_cache import cached_solution

Array: TypeAlias = np.ndarray

RELATIVE_TOLERANCE = 1e-3  # of the estimated error, at which the refinement ends
# Cells of the coarsest and of the finest grid of straight columns, of other cells, and of those without mirror
# planes, whose solution takes several times as long.
MAX_CELLS_OF_COLUMNS = 30_000, 600_000
MAX_CELLS = 5_000, 320_000
MAX_CELLS_WITHOUT_MIRRORS = 2_000, 150_000
MIN_BOUND_DISTANCE = 1e-9  # relative; bounds closer than this are the value


def solve_geometry(
    geometry: CellGeometry, conductivity: Array, tolerance: float = RELATIVE_TOLERANCE
) -> CellSolution:
    """Return the effective conductivities for those of the constituents along x, y, z, (n, 3) [W/(m K)].

    Grids are refined until the estimated errors are below a fraction `tolerance` of the values. A cell that
    was solved before is read from the cache.
    """
    return cached_solution(geometry, conductivity, tolerance, lambda: _solve(geometry, conductivity, tolerance))


def _solve(geometry: CellGeometry, conductivity: Array, tolerance: float) -> CellSolution:
    bounds = conductivity_bounds(geometry, conductivity)
    planes = mirror_plane(geometry, 0), mirror_plane(geometry, 1)
    is_equal = has_equal_axes(geometry, planes) and bool(np.all(conductivity[:, 0] == conductivity[:, 1]))
    exact = bounds.upper - bounds.lower <= MIN_BOUND_DISTANCE * bounds.upper
    open_axes = [axis for axis in range(3) if not exact[axis] and not (is_equal and axis == 1)]
    at_corner = shifted(geometry, planes[0] or 0.0, planes[1] or 0.0)
    x, y = (
        pitch if plane is None else 0.5 * pitch
        for pitch, plane in zip(geometry.pitch, planes, strict=True)
    )
    has_mirrors = planes[0] is not None, planes[1] is not None

    def problem(grid: CellGrid) -> CellProblem:
        return CellProblem(grid, cell_conductances(at_corner, grid, conductivity), has_mirrors)

    limits = MAX_CELLS if all(has_mirrors) else MAX_CELLS_WITHOUT_MIRRORS
    if geometry.is_columnar:
        limits = MAX_CELLS_OF_COLUMNS
    coarsest = coarsest_grid(at_corner, (x, y), limits[0])
    solved = _refine(coarsest, problem, open_axes, limits[1], tolerance, is_cut=geometry.is_round)
    axes = [_axis_solution(bounds, axis, solved.get(axis, ()), is_cut=geometry.is_round) for axis in range(3)]
    if is_equal:  # the bounds of both axes hold for both
        lower, upper = max(axes[0].lower, axes[1].lower), min(axes[0].upper, axes[1].upper)
        axes[0] = axes[1] = replace(axes[0], lower=lower, upper=upper)
    return CellSolution((axes[0], axes[1], axes[2]))


def _refine(
    grid: CellGrid,
    problem: Callable[[CellGrid], CellProblem],
    open_axes: list[int],
    max_cells: int,
    tolerance: float,
    *,
    is_cut: bool,
) -> dict[int, Grids]:
    """Return the number of cells and the value of each grid, by axis."""
    solved: dict[int, Grids] = {axis: () for axis in open_axes}
    while open_axes:
        on_grid = problem(grid)
        for axis in open_axes:
            solved[axis] += ((grid.cells, on_grid.conductivity(axis)),)
        count = len(solved[open_axes[0]])
        if count >= MIN_GRIDS:
            open_axes = [
                axis for axis in open_axes if _error(solved[axis], is_cut=is_cut) > tolerance
            ]
            if grid.refined().cells > max_cells:
                break
        grid = grid.refined()
    return solved


def _error(grids: Grids, *, is_cut: bool) -> float:
    """Return the estimated error relative to the value."""
    found = extrapolate([value for _, value in grids], is_cut=is_cut)
    return found.error / found.value


def _axis_solution(bounds: CellBounds, axis: int, grids: Grids, *, is_cut: bool) -> AxisSolution:
    lower, upper = float(bounds.lower[axis]), float(bounds.upper[axis])
    if not grids:
        return AxisSolution(0.5 * (lower + upper), 0.0, lower, upper)
    found = extrapolate([value for _, value in grids], is_cut=is_cut)
    value = min(max(found.value, lower), upper)
    return AxisSolution(value, found.error, lower, upper, found.order, grids)
