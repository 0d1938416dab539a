"""Area overlap of rectangles and pixels with the cells of a plane grid."""

from __future__ import annotations

import numpy as np
import scipy

from thermostack.mesh import _area_overlap


def deposit_rectangles(
    x: np.ndarray,  # (nx + 1,) m, ascending
    y: np.ndarray,  # (ny + 1,) m, ascending
    x0: np.ndarray,  # (rectangles,) m
    y0: np.ndarray,
    x1: np.ndarray,
    y1: np.ndarray,
    power: np.ndarray,  # (rectangles,) W
) -> np.ndarray:
    """Return the power [W] of each cell, (ny, nx), of rectangles of even power; the sum is preserved.

    Power beyond the grid goes to the nearest cells.
    """
    cell_power = np.zeros((y.size - 1, x.size - 1))
    x0, x1 = _clip_intervals(x, x0, x1)
    y0, y1 = _clip_intervals(y, y0, y1)
    bounds = np.stack([x0, x1, y0, y1])
    _area_overlap.deposit_rectangles(x, y, bounds, np.ascontiguousarray(power), cell_power)
    return cell_power


def deposit_raster(
    x: np.ndarray,  # (nx + 1,) m, ascending
    y: np.ndarray,  # (ny + 1,) m, ascending
    power: np.ndarray,  # (rows, columns) W, of equal pixels over the rectangle
    x0: float,
    y0: float,
    x1: float,
    y1: float,
) -> np.ndarray:
    """Return the power [W] of each cell, (ny, nx), of a map over a rectangle [m]; the sum is preserved."""
    rows = overlap_fractions(y, np.linspace(y0, y1, power.shape[0] + 1))
    columns = overlap_fractions(x, np.linspace(x0, x1, power.shape[1] + 1))
    cell_power: np.ndarray = (columns @ (rows @ power).T).T
    return np.ascontiguousarray(cell_power)


def overlap_fractions(cells: np.ndarray, intervals: np.ndarray) -> scipy.sparse.csr_array:
    """Return the fraction of each interval of an axis in each cell, (cells, intervals); columns add to 1.

    Cells and intervals are given by their edges [m], ascending. An interval beyond the grid belongs to the
    nearest cell.
    """
    edges = np.clip(intervals, cells[0], cells[-1])
    planes = np.unique(np.concatenate([edges, cells[(cells > edges[0]) & (cells < edges[-1])]]))
    lengths = np.diff(edges)
    interval = np.searchsorted(edges, planes[:-1], side="right") - 1
    fraction = np.diff(planes) / lengths[interval]
    empty = np.flatnonzero(lengths == 0.0)
    cell = np.concatenate([_cell_of(cells, planes[:-1]), _cell_of(cells, edges[empty])])
    column = np.concatenate([interval, empty])
    fractions = np.concatenate([fraction, np.ones(empty.size)])
    return scipy.sparse.csr_array((fractions, (cell, column)), shape=(cells.size - 1, intervals.size - 1))


def rectangle_fractions(
    x: np.ndarray,  # (nx + 1,) m, ascending
    y: np.ndarray,  # (ny + 1,) m, ascending
    x0: np.ndarray,  # (rectangles,) m
    y0: np.ndarray,
    x1: np.ndarray,
    y1: np.ndarray,
) -> scipy.sparse.csr_array:
    """Return the fraction of each rectangle in each cell, (ny nx, rectangles); columns add to 1.

    Parts beyond the grid belong to the nearest cells. A fraction is the product of those along x and y.
    """
    i, fraction_x, count_x = _fractions_along(x, x0, x1)
    j, fraction_y, count_y = _fractions_along(y, y0, y1)
    count = count_x * count_y  # cells of each rectangle
    rectangle = np.repeat(np.arange(count.size), count)
    row, column = np.divmod(_count_up(count), count_x[rectangle])
    row += (np.cumsum(count_y) - count_y)[rectangle]
    column += (np.cumsum(count_x) - count_x)[rectangle]
    cell = j[row] * (x.size - 1) + i[column]
    shape = (y.size - 1) * (x.size - 1), count.size
    return scipy.sparse.csr_array((fraction_y[row] * fraction_x[column], (cell, rectangle)), shape=shape)


def _fractions_along(
    edges: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the cells and fractions of intervals one after the other, and the number of cells of each."""
    low, high = _clip_intervals(edges, low, high)
    first = _cell_of(edges, low)
    count = np.searchsorted(edges[:-1], high, side="left") - first
    interval = np.repeat(np.arange(low.size), count)
    cell = first[interval] + _count_up(count)
    covered = np.minimum(edges[cell + 1], high[interval]) - np.maximum(edges[cell], low[interval])
    return cell, covered / (high - low)[interval], count


def _count_up(count: np.ndarray) -> np.ndarray:
    """Return 0, 1, ..., n - 1 for each n of some counts, one after the other."""
    ends = np.cumsum(count)
    numbers: np.ndarray = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - count, count)
    return numbers


def _cell_of(edges: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the cell of each position on an axis [m]; one beyond the grid has the nearest cell."""
    return np.clip(np.searchsorted(edges, position, side="right") - 1, 0, edges.size - 2)


def _clip_intervals(edges: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of intervals inside the grid; an interval without length becomes the cell around it."""
    low, high = np.clip(low, edges[0], edges[-1]), np.clip(high, edges[0], edges[-1])
    cell = _cell_of(edges, low)
    is_empty = low >= high
    return np.where(is_empty, edges[cell], low), np.where(is_empty, edges[cell + 1], high)
