"""The grid: widths, centres and volumes of its cells, and invalid planes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from thermostack import Grid

GRID = Grid(np.array([0.0, 1.0, 3.0, 6.0]), np.array([-1.0, 1.0]), np.array([2.0, 2.5, 3.5]))


# -- what it says ----------------------------------------------------------------------------


def test_shape_equals_that_of_the_arrays() -> None:
    assert GRID.shape == (2, 1, 3)
    assert GRID.cells == 6


def test_widths_and_centres() -> None:
    assert GRID.dx.tolist() == [1.0, 2.0, 3.0]
    assert GRID.dy.tolist() == [2.0]
    assert GRID.dz.tolist() == [0.5, 1.0]
    assert GRID.x_center.tolist() == [0.5, 2.0, 4.5]
    assert GRID.y_center.tolist() == [0.0]
    assert GRID.z_center.tolist() == [2.25, 3.0]


def test_volumes_have_the_order_of_the_cells_and_sum_to_the_whole() -> None:
    assert GRID.volume.shape == GRID.shape
    assert GRID.volume[1, 0, 2] == 1.0 * 2.0 * 3.0
    assert GRID.volume[0, 0, 1] == 0.5 * 2.0 * 2.0
    assert GRID.volume.sum() == 6.0 * 2.0 * 1.5


def test_planes_are_converted_to_read_only_doubles() -> None:
    """Integers, lists and strided views are accepted; the stored arrays are read-only."""
    strided = np.arange(8, dtype=np.float32)[::2]
    grid = Grid([0, 1, 2], np.array([0, 5]), strided)  # type: ignore[arg-type]
    for planes in (grid.x, grid.y, grid.z):
        assert planes.dtype == np.float64
        assert planes.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            planes[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        grid.x = strided  # type: ignore[misc]


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [1.0],
        [0.0, 1.0, 1.0],
        [0.0, 2.0, 1.0],
        [1.0, 0.0],
        [0.0, np.nan, 1.0],
        [0.0, 1.0, np.inf],
        [-np.inf, 1.0],
        [[0.0, 1.0], [2.0, 3.0]],
    ],
    ids=[
        "none",
        "one",
        "twice the same",
        "back and forth",
        "descending",
        "not a number",
        "without end",
        "without beginning",
        "a table",
    ],
)
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_invalid_planes_are_rejected_with_their_axis(axis: str, bad: list[float]) -> None:
    planes = {name: np.array([0.0, 1.0]) for name in ("x", "y", "z")} | {axis: np.array(bad)}
    with pytest.raises(ValueError, match=f"the {axis} planes of a grid must ascend"):
        Grid(**planes)
