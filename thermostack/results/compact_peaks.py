"""Peaks of many power vectors: the points that can be a maximum, and their rises as matrices of low rank.

A face between two cells of a part has a temperature between those of the two centres. It is never the maximum
alone, for powers of any sign. The rises of the other points of a part are nearly dependent, because the heat
of distant sources gives a smooth field: `R = 1 m^T + A B` with few columns of A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

RELATIVE_ERROR = 2e-6  # of an entry of the rises, relative to the largest rise per watt of the part
BETWEEN_ERROR = 2e-6  # of a face between two centres, relative to the same, and for ambients to 1
CONSTANT_SCALE = 10.0  # K: difference of constant temperatures that counts as 1
POSITION_DIGITS = 11  # decimals of positions [m] that are compared
VECTORS = 1024  # power vectors together
ROWS = 1024  # points together: their temperatures for all vectors stay in the cache of a core
LOW_FACES = (1, 3, 5)  # points of a cell at its low faces along z, y and x; the next is the high face


class RisePoints(Protocol):
    """The points of cells with their rises per watt: those attributes of a `PeakMap` that are used here."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def start(self) -> np.ndarray: ...
    @property
    def member(self) -> np.ndarray: ...
    @property
    def center(self) -> np.ndarray: ...
    @property
    def width(self) -> np.ndarray: ...
    @property
    def rise(self) -> np.ndarray: ...
    @property
    def constant(self) -> np.ndarray: ...
    @property
    def ambient(self) -> np.ndarray: ...

    def points_of(self, n: int) -> np.ndarray:
        """Return the indices of the points of a part or block."""


@dataclass(frozen=True, eq=False)
class CompactGroup:
    """The points of one part or block that can be its maximum."""

    point: np.ndarray  # (n,) index of each point in the peak map
    mean: np.ndarray  # (sources,) K/W, mean rise of the points
    left: np.ndarray  # (n, rank) float32
    right: np.ndarray  # (rank, sources) float32


def compact_groups(peaks: RisePoints) -> list[CompactGroup]:
    """Return the points and the factors of every part and block of a peak map."""
    rows = _comparable_rows(peaks)
    return [_factorise(peaks, _candidates(peaks, rows, n)) for n in range(len(peaks.names))]


def compact_maxima(
    peaks: RisePoints, groups: list[CompactGroup], power: np.ndarray, constant: np.ndarray
) -> np.ndarray:
    """Return the maxima [K], (vectors, names), for powers (vectors, sources) [W] of any sign."""
    base = np.array([constant[group.point].mean() for group in groups])
    found: np.ndarray = power @ np.stack([group.mean for group in groups], axis=1)
    found += base
    left = []
    for group, mean in zip(groups, base.tolist(), strict=True):
        offset = (constant[group.point] - mean).astype(np.float32)
        left.append(np.column_stack([group.left, offset]))
    right = np.concatenate([group.right for group in groups])
    start = np.cumsum([0, *(group.right.shape[0] for group in groups)]).tolist()
    for first in range(0, len(power), VECTORS):
        batch = slice(first, first + VECTORS)
        of_batch = np.ascontiguousarray(power[batch].T, dtype=np.float32)
        reduced, ones = right @ of_batch, np.ones((1, of_batch.shape[1]), np.float32)
        for n, matrix in enumerate(left):
            factors = np.concatenate([reduced[start[n] : start[n + 1]], ones])
            parts = [(matrix[row : row + ROWS] @ factors).max(axis=0) for row in range(0, len(matrix), ROWS)]
            found[batch, n] += parts[0] if len(parts) == 1 else np.max(parts, axis=0)
    return found


def _comparable_rows(peaks: RisePoints) -> np.ndarray:
    """Return rises, ambient weights and constants of all points, scaled to numbers of the order of one."""
    scale = max(float(np.abs(peaks.rise).max(initial=0.0)), float(np.finfo(np.float32).tiny))
    constant = (peaks.constant - peaks.constant.mean()) / CONSTANT_SCALE
    return np.column_stack([peaks.rise / np.float32(scale), peaks.ambient, constant]).astype(np.float32)


def _candidates(peaks: RisePoints, rows: np.ndarray, n: int) -> np.ndarray:
    """Return the points of a part or block without the faces between two of its cells.

    Such a face is left out where its row is that of a point between the two centres.
    """
    own = peaks.member[peaks.start[n] : peaks.start[n + 1]]
    points = peaks.points_of(n).reshape(own.size, -1)
    kept = np.ones(points.shape, dtype=bool)
    for low in LOW_FACES:
        pair = _face_pairs(peaks, own, low)
        first, second = rows[points[pair[0], 0]], rows[points[pair[1], 0]]
        difference = second - first
        square = np.einsum("ij,ij->i", difference, difference)
        for side, cell in ((low + 1, pair[0]), (low, pair[1])):
            offset = rows[points[cell, side]] - first
            share = np.einsum("ij,ij->i", offset, difference)
            share = np.clip(np.divide(share, square, out=np.zeros_like(share), where=square > 0.0), 0.0, 1.0)
            error = np.abs(offset - share[:, np.newaxis] * difference).max(axis=1, initial=0.0)
            kept[cell, side] = error > BETWEEN_ERROR
    return points[kept]


def _face_pairs(peaks: RisePoints, cell: np.ndarray, low: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions in `cell` of cells and of their neighbours at the high side along an axis."""
    axis = 2 - (low - 1) // 2
    center, half = peaks.center[cell], np.zeros((cell.size, 3))
    half[:, axis] = 0.5 * peaks.width[cell, axis]
    both = np.round(np.concatenate([center + half, center - half]), POSITION_DIGITS)
    order = np.lexsort(both.T)
    same = np.flatnonzero((both[order[1:]] == both[order[:-1]]).all(axis=1))
    one, other = order[same], order[same + 1]
    first, second = np.minimum(one, other), np.maximum(one, other) - cell.size
    return first, second


def _factorise(peaks: RisePoints, point: np.ndarray) -> CompactGroup:
    """Return points with their mean rise and the factors of least rank of the differences from it."""
    rise = peaks.rise[point].astype(np.float64)
    mean = rise.mean(axis=0)
    difference = rise - mean
    _, vectors = np.linalg.eigh(difference.T @ difference)
    vectors = vectors[:, ::-1]
    left = difference @ vectors
    allowed = RELATIVE_ERROR * float(np.abs(rise).max(initial=0.0))
    low, rank = 0, vectors.shape[1]
    while low < rank:  # bisection: the error falls with the rank
        middle = (low + rank) // 2
        error = np.abs(difference - left[:, :middle] @ vectors[:, :middle].T).max()
        low, rank = (low, middle) if error <= allowed else (middle + 1, rank)
    return CompactGroup(
        point, mean, left[:, :rank].astype(np.float32), vectors[:, :rank].T.astype(np.float32)
    )
