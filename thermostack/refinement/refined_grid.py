"""The refined grid: the intervals that are bisected, their neighbours, and the limit of the cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from thermostack.mesh.grid import Grid
from thermostack.mesh.merged_planes import MERGE_DISTANCES
from thermostack.refinement.indicators import Intervals
from thermostack.refinement.settings import RefinementRule

AXES = ("z", "y", "x")
RATIO_SLACK = 1e-6  # relative, of the ratio of two widths: rounding of the planes
TIE_SLACK = 1e-3  # relative, of a score: mirrored intervals differ by rounding, and are bisected together
FEWER = 0.7  # of the intervals, if the cells of more would exceed a limit


def refined_grid(
    grid: Grid,
    indicators: Intervals,
    needed: float,
    rule: RefinementRule,
    forced: Intervals | None = None,
    fits: Callable[[Grid], bool] = lambda grid: True,
) -> Grid | None:
    """Return the grid with the intervals of the largest scores bisected, None if no such grid fits.

    The score of an interval is its indicator times the number of intervals in its direction: the error that
    its bisection removes per cell that it adds. The indicators removed are at least the fraction `needed` of
    all, as far as scores above `min_score` of the largest permit; fewer intervals are bisected where that
    grid does not fit. `forced` intervals are bisected first. The grid itself is returned where nothing is to
    be bisected.
    """
    scores = [each * each.size for each in indicators]
    permitted = [_is_wide(planes, name) for name, planes in zip(AXES, _planes(grid), strict=True)]
    if forced is not None:
        scores = [np.where(must, np.inf, score) for must, score in zip(forced, scores, strict=True)]
    rank = np.concatenate([np.where(wide, score, 0.0) for wide, score in zip(permitted, scores, strict=True)])
    finite = rank[np.isfinite(rank)]
    threshold = rule.min_score * finite.max(initial=0.0)
    order = [int(n) for n in np.argsort(-rank, kind="stable") if rank[n] > 0.0 and rank[n] >= threshold]
    if not order:
        return grid
    values = np.concatenate(indicators)[order]
    total = sum(float(each.sum()) for each in indicators)
    removed = rule.reduction * np.cumsum(values) / max(total, 1e-300)
    count = 1 + min(int(np.searchsorted(removed, needed)), len(order) - 1)
    count = max(count, int(np.isinf(rank).sum()))
    while count > 0:
        marks = _split(rank >= (1.0 - TIE_SLACK) * rank[order[count - 1]], [each.size for each in scores])
        refined = _bisected(grid, marks, rule.max_ratio)
        if fits(refined):
            return refined
        count = int(FEWER * count)
    return None


def _bisected(grid: Grid, marks: Sequence[np.ndarray], max_ratio: float) -> Grid:
    """Return the grid with the marked intervals along z, y and x bisected, and wide neighbours too."""
    z, y, x = (
        bisect_intervals(planes, mark, max_ratio) for planes, mark in zip(_planes(grid), marks, strict=True)
    )
    return Grid(x, y, z)


def bisect_intervals(planes: np.ndarray, mark: np.ndarray, max_ratio: float) -> np.ndarray:
    """Return planes [m] with the marked intervals bisected.

    An interval that would be more than `max_ratio` times as wide as a neighbour is bisected too, also beside
    layers that stay: without it the estimate at the edges of thin dies does not fall (decision 0021).
    """
    width = np.diff(planes)
    while True:
        size = np.where(mark, 0.5 * width, width)
        bound = max_ratio * (1.0 + RATIO_SLACK) * size
        beside = np.zeros(mark.shape, dtype=bool)
        beside[1:] |= size[1:] > bound[:-1]
        beside[:-1] |= size[:-1] > bound[1:]
        if not np.any(beside & ~mark):
            break
        mark = mark | beside
    middle = 0.5 * (planes[1:] + planes[:-1])[mark]
    return np.sort(np.concatenate([planes, middle]))


def _is_wide(planes: np.ndarray, axis: str) -> np.ndarray:
    """Return whether the halves of each interval are not closer than planes that would be merged."""
    wide: np.ndarray = np.diff(planes) >= 2.0 * MERGE_DISTANCES[axis]
    return wide


def _planes(grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return grid.z, grid.y, grid.x


def _split(values: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    return np.split(values, np.cumsum(sizes)[:-1])
