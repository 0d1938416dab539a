"""Fields carry their coordinates, and planes are cut where they are asked."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack.mesh.grid import Grid
from thermostack.results.fields import cell_field, slice_plane


@pytest.fixture
def grid() -> Grid:
    return Grid(
        np.array([0.0, 1.0, 3.0]), np.array([0.0, 2.0, 3.0, 7.0]), np.array([0.0, 1.0, 1.5, 4.0, 5.0])
    )


def test_a_field_stands_at_the_cell_centres(grid: Grid) -> None:
    values = np.arange(24.0).reshape(grid.shape)
    field = cell_field(grid, values, "temperature", "K")
    assert field.dims == ("z", "y", "x")
    assert field.x.values.tolist() == [0.5, 2.0]
    assert field.y.values.tolist() == [1.0, 2.5, 5.0]
    assert field.z.values.tolist() == [0.5, 1.25, 2.75, 4.5]
    assert {field[axis].attrs["units"] for axis in ("x", "y", "z", "dx", "dy", "dz")} == {"m"}
    assert field.name == "temperature"
    assert field.attrs["units"] == "K"
    assert float(field.sel(x=1.9, y=5.1, z=0.4, method="nearest")) == values[0, 2, 1]


def test_a_weighted_mean_is_that_over_the_volume(grid: Grid) -> None:
    x = np.broadcast_to(grid.x_center, grid.shape)
    field = cell_field(grid, x, "distance", "m")
    assert float(field.weighted(field.dz * field.dy * field.dx).mean()) == pytest.approx(1.5)


def test_values_are_not_copied(grid: Grid) -> None:
    values = np.full(grid.shape, np.nan)
    assert np.shares_memory(cell_field(grid, values, "temperature", "K").values, values)


def test_values_of_another_grid_are_refused(grid: Grid) -> None:
    with pytest.raises(ValueError, match="shape"):
        cell_field(grid, np.zeros((2, 3, 4)), "temperature", "K")


@pytest.mark.parametrize(
    ("axis", "at", "index"),
    [
        ("z", 0.0, 0),
        ("z", 1.0, 1),
        ("z", 1.2, 1),
        ("z", 5.0, 3),
        ("y", 2.5, 1),
        ("x", 0.99, 0),
        ("x", 3.0, 1),
    ],
)
def test_a_cut_lies_in_the_cells_at_its_place(grid: Grid, axis: str, at: float, index: int) -> None:
    assert slice_plane(grid, axis, at).index == index


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_cut_has_one_edge_more_than_values(grid: Grid, axis: str) -> None:
    plane = slice_plane(grid, axis, 0.5)
    values = np.arange(24.0).reshape(grid.shape)
    assert plane.take_values(values).shape == (plane.up.size - 1, plane.right.size - 1)
    assert (
        plane.take_values(values)[-1, 0]
        == {"x": values[3, 0, 0], "y": values[3, 0, 0], "z": values[0, 2, 0]}[axis]
    )


def test_a_cut_on_a_face_may_stay_below_it(grid: Grid) -> None:
    assert slice_plane(grid, "z", 1.5).index == 2
    assert slice_plane(grid, "z", 1.5, within=slice(1, 2)).index == 1


def test_a_cut_on_the_outer_planes_is_taken_in_spite_of_rounding(grid: Grid) -> None:
    assert slice_plane(grid, "z", np.nextafter(grid.z[-1], np.inf)).index == grid.shape[0] - 1
    assert slice_plane(grid, "z", np.nextafter(grid.z[0], -np.inf)).index == 0


@pytest.mark.parametrize("at", [-0.1, 5.1, float("nan")])
def test_a_cut_outside_is_refused(grid: Grid, at: float) -> None:
    with pytest.raises(ValueError, match="outside the grid"):
        slice_plane(grid, "z", at)
