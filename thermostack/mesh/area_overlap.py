"""What lies in the cells of a plane grid: rectangles and pixels laid on them by their overlap."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from thermostack.mesh import _area_overlap


def deposit_rectangles(
    x: np.ndarray,  # (nx + 1,) m, ascending
    y: np.ndarray,  # (ny + 1,) m, ascending
    x0: np.ndarray,  # (rectangles,) m
    y0: np.ndarray,
    x1: np.ndarray,
    y1: np.ndarray,
    heat: np.ndarray,  # (rectangles,) W
) -> np.ndarray:
    """Return the heat [W] in each cell, (ny, nx), of rectangles that heat evenly; the sum is kept.

    What lies beyond the grid goes into the nearest cells.
    """
    spread = np.zeros((y.size - 1, x.size - 1))
    x0, x1 = _fitted(x, x0, x1)
    y0, y1 = _fitted(y, y0, y1)
    bounds = np.stack([x0, x1, y0, y1])
    _area_overlap.deposit_rectangles(x, y, bounds, np.ascontiguousarray(heat), spread)
    return spread


def deposit_raster(
    x: np.ndarray,  # (nx + 1,) m, ascending
    y: np.ndarray,  # (ny + 1,) m, ascending
    heat: np.ndarray,  # (rows, columns) W, equal pixels over the rectangle
    x0: float,
    y0: float,
    x1: float,
    y1: float,
) -> np.ndarray:
    """Return the heat [W] in each cell, (ny, nx), of a map over a rectangle [m]; the sum is kept."""
    rows = overlap_fractions(y, np.linspace(y0, y1, heat.shape[0] + 1))
    columns = overlap_fractions(x, np.linspace(x0, x1, heat.shape[1] + 1))
    spread: np.ndarray = (columns @ (rows @ heat).T).T
    return np.ascontiguousarray(spread)


def overlap_fractions(cells: np.ndarray, pieces: np.ndarray) -> sp.csr_array:
    """Return which share of each piece of an axis lies in each cell, (cells, pieces); columns add to 1.

    Both are given by their edges [m], ascending; a piece beyond the grid belongs to the nearest cell.
    """
    edges = np.clip(pieces, cells[0], cells[-1])
    planes = np.unique(np.concatenate([edges, cells[(cells > edges[0]) & (cells < edges[-1])]]))
    lengths = np.diff(edges)
    piece = np.searchsorted(edges, planes[:-1], side="right") - 1
    share = np.diff(planes) / lengths[piece]
    lost = np.flatnonzero(lengths == 0.0)
    where = np.concatenate([_cell_of(cells, planes[:-1]), _cell_of(cells, edges[lost])])
    which = np.concatenate([piece, lost])
    shares = np.concatenate([share, np.ones(lost.size)])
    return sp.csr_array((shares, (where, which)), shape=(cells.size - 1, pieces.size - 1))


def rectangle_fractions(
    x: np.ndarray,  # (nx + 1,) m, ascending
    y: np.ndarray,  # (ny + 1,) m, ascending
    x0: np.ndarray,  # (rectangles,) m
    y0: np.ndarray,
    x1: np.ndarray,
    y1: np.ndarray,
) -> sp.csr_array:
    """Return which share of each rectangle lies in each cell, (ny nx, rectangles); columns add to 1.

    What lies beyond the grid belongs to the nearest cells. Shares are products of those along x and y.
    """
    i, share_x, count_x = _shares_along(x, x0, x1)
    j, share_y, count_y = _shares_along(y, y0, y1)
    cells = count_x * count_y  # of each rectangle
    rectangle = np.repeat(np.arange(cells.size), cells)
    row, column = np.divmod(_counted(cells), count_x[rectangle])
    row += (np.cumsum(count_y) - count_y)[rectangle]
    column += (np.cumsum(count_x) - count_x)[rectangle]
    where = j[row] * (x.size - 1) + i[column]
    shape = (y.size - 1) * (x.size - 1), cells.size
    return sp.csr_array((share_y[row] * share_x[column], (where, rectangle)), shape=shape)


def _shares_along(
    edges: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return cells and shares of intervals of an axis, one after the other, and how many each has."""
    low, high = _fitted(edges, low, high)
    first = _cell_of(edges, low)
    count = np.searchsorted(edges[:-1], high, side="left") - first
    interval = np.repeat(np.arange(low.size), count)
    cell = first[interval] + _counted(count)
    covered = np.minimum(edges[cell + 1], high[interval]) - np.maximum(edges[cell], low[interval])
    return cell, covered / (high - low)[interval], count


def _counted(count: np.ndarray) -> np.ndarray:
    """Return 0, 1, ... up to each of some counts, one after the other."""
    ends = np.cumsum(count)
    numbers: np.ndarray = np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - count, count)
    return numbers


def _cell_of(edges: np.ndarray, position: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(edges, position, side="right") - 1, 0, edges.size - 2)


def _fitted(edges: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends cut to the grid; what then has no length becomes the whole cell there."""
    low, high = np.clip(low, edges[0], edges[-1]), np.clip(high, edges[0], edges[-1])
    cell = _cell_of(edges, low)
    is_lost = low >= high
    return np.where(is_lost, edges[cell], low), np.where(is_lost, edges[cell + 1], high)
