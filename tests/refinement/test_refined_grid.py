"""Planes of refined grids: which intervals are bisected, the ratio of neighbours, and the limits."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack import Grid
from thermostack.refinement.refined_grid import bisect_intervals, refined_grid
from thermostack.refinement.settings import RULE

GRID = Grid([0.0, 1e-3, 2e-3, 3e-3, 4e-3], [0.0, 1e-3, 2e-3], [0.0, 1e-4, 2e-4])
FLAT = np.zeros(2), np.zeros(2), np.zeros(4)


def indicators(**of_axis: list[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    z, y, x = (np.array(of_axis.get(axis, zeros.tolist())) for axis, zeros in zip("zyx", FLAT, strict=True))
    return z, y, x


def test_refined_planes_contain_the_old_ones() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        planes = np.cumsum(rng.uniform(1e-6, 1e-3, 30))
        mark = rng.random(29) < 0.3
        refined = bisect_intervals(planes, mark, 3.0)
        assert set(planes) <= set(refined)
        assert np.all(np.diff(refined) > 0.0)
        assert refined.size >= planes.size + mark.sum()


def test_neighbours_are_within_the_ratio() -> None:
    planes = np.concatenate(([0.0], np.cumsum(3.0 ** np.arange(6))))
    mark = np.array([True, False, False, False, False, False])
    refined = np.diff(bisect_intervals(planes, mark, 3.0))
    ratio = refined[1:] / refined[:-1]
    assert refined[0] == 0.5
    assert ratio.max() < 3.0 * (1.0 + 1e-6)


def test_wide_intervals_are_bisected_beside_thin_layers_that_stay() -> None:
    planes = np.array([0.0, 1e-6, 1e-3, 2e-3])
    refined = bisect_intervals(planes, np.zeros(3, bool), 3.0)
    assert refined.tolist() == pytest.approx([0.0, 1e-6, 0.5005e-3, 1e-3, 2e-3])
    assert bisect_intervals(planes[1:], np.zeros(2, bool), 3.0).tolist() == planes[1:].tolist()


def test_score_is_the_indicator_times_the_intervals_of_its_direction() -> None:
    """Twice the indicator along y, where half as many intervals are, has the same score."""
    grid = refined_grid(GRID, indicators(x=[1.0, 0.0, 0.0, 0.2], y=[2.0, 0.4]), 1.0, RULE)
    assert grid is not None
    assert grid.shape == (2, 3, 5)
    assert grid.x[1] == pytest.approx(0.5e-3)


def test_no_more_intervals_are_bisected_than_needed() -> None:
    values = indicators(x=[4.0, 3.0, 2.0, 1.9])
    few = refined_grid(GRID, values, 0.2, RULE)
    all_of_them = refined_grid(GRID, values, 1.0, RULE)
    assert few is not None
    assert all_of_them is not None
    assert (few.shape, all_of_them.shape) == ((2, 2, 5), (2, 2, 8))


def test_mirrored_intervals_are_bisected_together() -> None:
    grid = refined_grid(GRID, indicators(x=[1.0, 0.0, 0.0, 1.0 - 1e-9]), 0.01, RULE)
    assert grid is not None
    assert grid.shape == (2, 2, 6)


def test_forced_intervals_are_bisected_first() -> None:
    forced = np.zeros(2, bool), np.array([True, False]), np.zeros(4, bool)
    grid = refined_grid(GRID, indicators(x=[1.0, 0.0, 0.0, 0.0]), 0.0, RULE, forced)
    assert grid is not None
    assert grid.shape == (2, 3, 4)


def test_fewer_intervals_are_bisected_within_a_limit() -> None:
    values = indicators(x=[4.0, 3.0, 2.0, 1.9])
    grid = refined_grid(GRID, values, 1.0, RULE, fits=lambda grid: grid.cells <= 24)
    assert grid is not None
    assert grid.shape == (2, 2, 6)
    assert refined_grid(GRID, values, 1.0, RULE, fits=lambda grid: False) is None


def test_grid_without_indicators_stays() -> None:
    assert refined_grid(GRID, FLAT, 0.5, RULE) is GRID


def test_intervals_are_not_bisected_below_the_distance_of_merged_planes() -> None:
    thin = Grid(GRID.x, GRID.y, [0.0, 1.5e-9, 3e-9])
    grid = refined_grid(thin, indicators(z=[1.0, 0.0]), 1.0, RULE)
    assert grid is thin
