"""Grids of unit cells: edges of shapes, limits of the number of cells, refinement; and extrapolation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice
from thermostack.unit_cells.cell_grid import CellGrid, coarsest_grid
from thermostack.unit_cells.cell_solution import solve_geometry
from thermostack.unit_cells.extrapolation import extrapolate


def rectangle(x: float, y: float, width: float, depth: float) -> CellShape:
    return CellShape(1, (x, y), (width, depth), is_round=False)


def disc(x: float, y: float, diameter: float, material: int = 1) -> CellShape:
    return CellShape(material, (x, y), (diameter, diameter), is_round=True)


def columns(*shapes: CellShape, pitch: tuple[float, float] = (1.0, 1.0)) -> CellGeometry:
    return CellGeometry(pitch, (CellSlice(1.0, 0, shapes),), 3)


def test_grid_contains_the_edges_and_the_levels() -> None:
    slices = (CellSlice(1.0, 0, (rectangle(0.3, 0.5, 0.2, 0.4),)), CellSlice(2.0, 0), CellSlice(0.5, 0))
    grid = coarsest_grid(CellGeometry((1.0, 1.0), slices, 2), (1.0, 1.0), 10_000)
    for edges, expected in ((grid.x, [0.2, 0.4]), (grid.y, [0.3, 0.7]), (grid.z, [1.0, 3.5])):
        assert edges[0] == 0.0
        assert (np.diff(edges) > 0.0).all()
        for place in expected:
            assert np.abs(edges - place).min() < 1e-12
    assert grid.has_edges
    assert np.abs(grid.z - 3.0).min() > 1e-3  # both slices above are equal


@pytest.mark.parametrize("max_cells", [100, 500, 5_000, 50_000])
def test_number_of_cells_is_limited(max_cells: int) -> None:
    shapes = tuple(rectangle(0.05 + 0.0901 * n, 0.03 + 0.093 * n, 0.02, 0.03) for n in range(10))
    grid = coarsest_grid(columns(*shapes), (1.0, 1.0), max_cells)
    assert grid.cells <= max_cells
    assert grid.has_edges == (max_cells >= 5_000)


def test_refined_grid_halves_every_cell() -> None:
    grid = CellGrid(
        np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0]), np.array([0.0, 1.0, 2.0]), has_edges=False
    )
    fine = grid.refined()
    assert fine.x.tolist() == [0.0, 0.5, 1.0, 2.0, 3.0]
    assert fine.cells == 8 * grid.cells
    assert not fine.has_edges
    flat = CellGrid(grid.x, grid.y, np.array([0.0, 1.0]))
    assert flat.refined().cells == 4 * flat.cells


def test_narrow_gaps_and_thin_shells_have_small_cells() -> None:
    gap = 0.01
    touching = coarsest_grid(columns(disc(0.0, 0.0, 1.0 - gap)), (0.5, 0.5), 30_000)
    assert np.diff(touching.x)[-1] <= gap / 3.9  # half of the gap is in a quarter of the period
    assert np.diff(touching.x)[0] <= math.sqrt(0.5 * gap) / 4.0 * 1.1  # the gap along y ends there
    diagonal = coarsest_grid(
        columns(disc(0.0, 0.0, 0.99), disc(0.5, 0.5 * math.sqrt(3.0), 0.99), pitch=(1.0, math.sqrt(3.0))),
        (0.5, 0.5 * math.sqrt(3.0)),
        30_000,
    )
    near = np.searchsorted(diagonal.x, 0.25)
    assert diagonal.x[near] - diagonal.x[near - 1] < 2.0 * gap
    shell = columns(disc(0.0, 0.0, 0.8, 1), disc(0.0, 0.0, 0.78, 2))
    assert np.diff(coarsest_grid(shell, (0.5, 0.5), 30_000).x)[:3].max() <= 0.0101


def test_slender_period_is_resolved_along_both_axes() -> None:
    """The period is 100 times as long as wide; along z the pillars spread into the layer above."""
    slices = CellSlice(50.0, 0, (disc(0.5, 50.0, 0.5),)), CellSlice(0.05, 0)
    solution = solve_geometry(CellGeometry((1.0, 100.0), slices, 2), np.array([[0.35] * 3, [400.0] * 3]))
    for axis in solution.axes:
        assert axis.error < 0.01 * axis.value
        assert axis.lower < axis.value < axis.upper


# -- extrapolation ---------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0.4, 1.0, 1.3, 2.0])
def test_limit_of_an_observed_order_is_exact(order: float) -> None:
    found = extrapolate([3.0 + 2.0 ** -(order * n) for n in range(3)], is_cut=False)
    assert found.value == pytest.approx(3.0, abs=1e-12)
    assert found.order == pytest.approx(order)
    assert found.error == pytest.approx(2.0 ** (-2.0 * order))


def test_cut_cells_are_extrapolated_in_first_order() -> None:
    found = extrapolate([5.0 + 2.0**-n for n in range(4)], is_cut=True)
    assert found.value == pytest.approx(5.0, abs=1e-12)
    assert found.error == pytest.approx(0.1 * 0.125)
    slow = extrapolate([5.0 + 2.0 ** (-0.5 * n) for n in range(3)], is_cut=True)
    assert slow.value + slow.error >= 5.0 >= slow.value - slow.error


def test_lucky_last_step_does_not_hide_earlier_changes() -> None:
    calm = extrapolate([5.1, 5.05, 5.025, 5.0125], is_cut=True)
    lucky = extrapolate([5.3, 5.05, 5.025, 5.0125], is_cut=True)
    assert lucky.value == calm.value
    assert lucky.error > 5.0 * calm.error


def test_values_that_oscillate_have_a_large_error() -> None:
    for is_cut in (True, False):
        found = extrapolate([1.0, 1.2, 1.1], is_cut=is_cut)
        assert found.order is None
        assert found.error >= 0.1
