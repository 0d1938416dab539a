"""Superposition of peak temperatures: the rise per watt at the centre and the faces of the hottest cells.

The temperature of a face of a cell follows from the heat flux through it. The maximum over the centres and
the faces is the maximum that a steady result reports, except where a hotter part touches a vertex of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from thermostack.results.compact_peaks import CompactGroup, compact_groups, compact_maxima

POINTS = 7  # of a cell: centre, and faces at the low and the high side along z, y and x
OFFSETS = np.array([(0, 0, 0), (0, 0, -1), (0, 0, 1), (0, -1, 0), (0, 1, 0), (-1, 0, 0), (1, 0, 0)]) / 2.0
BATCH = 64  # power vectors whose temperatures of all cells are computed together
COMPACT_VECTORS = 512  # power vectors from which the time to factorise the rises is regained
RISE_DTYPE: type = np.float32  # of the rises per watt: temperatures are rounded by 3e-5 K


@dataclass(frozen=True, eq=False, repr=False)
class PeakMap:
    """Temperatures at the points of the cells that can be the hottest of a part, for any powers.

    Parameters
    ----------
    names : tuple of str
        Parts, each followed by its blocks.
    limits : tuple of float or None
        Limit of each [K].
    is_block : tuple of bool
        Whether each is a block.
    start, member : numpy.ndarray, shapes (names + 1,) and (members,)
        Indices of the cells of each name: `member[start[n]:start[n + 1]]`.
    center, width : numpy.ndarray, shape (cells, 3)
        Centre and widths along x, y and z of each cell [m].
    rise : numpy.ndarray, shape (7 cells, sources)
        Rise per watt of each source at the points [K/W], in single precision.
    constant : numpy.ndarray, shape (7 cells,)
        Temperatures at zero power [K].
    ambient : numpy.ndarray, shape (7 cells, ambients)
        Weights of the ambient temperatures.
    difference : float
        Maximum difference from the maxima that a steady result reports, at the described powers [K].
    differences : numpy.ndarray, shape (names,)
        Maximum of a steady result minus that of the map for each name, at the described powers [K]; empty if
        it is not known.

    Examples
    --------
    >>> import thermostack as ts
    >>> peaks = ts.influence(ts.discretize(ts.read_package("hbm3_8h"), cell=3e-3)).peaks
    >>> "hbm3_8h.base_active" in peaks.names, peaks.rise.shape[0] == 7 * peaks.cells
    (True, True)
    """

    names: tuple[str, ...]
    limits: tuple[float | None, ...]
    is_block: tuple[bool, ...]
    start: np.ndarray
    member: np.ndarray
    center: np.ndarray
    width: np.ndarray
    rise: np.ndarray
    constant: np.ndarray
    ambient: np.ndarray
    difference: float = float("nan")
    differences: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __repr__(self) -> str:
        """Return names, cells and memory in one line."""
        count = len(self.names)
        return f"PeakMap({count} parts and blocks, {self.cells} cells, {self.memory / 1e6:.3g} MB)"

    @property
    def cells(self) -> int:
        """Return the number of cells."""
        return len(self.center)

    @property
    def memory(self) -> int:
        """Return the memory of the rises per watt [bytes]."""
        return int(self.rise.nbytes + self.ambient.nbytes)

    def position(self, point: int) -> tuple[float, float, float]:
        """Return x, y and z of a point [m]."""
        cell, side = divmod(int(point), POINTS)
        x, y, z = (self.center[cell] + OFFSETS[side] * self.width[cell]).tolist()
        return x, y, z

    def constant_at(self, change: np.ndarray) -> np.ndarray:
        """Return the temperatures at zero power [K], (7 cells,), for changes of the ambients [K]."""
        constant: np.ndarray = self.constant + self.ambient @ change
        return constant

    def temperatures(self, power: np.ndarray, constant: np.ndarray | None = None) -> np.ndarray:
        """Return the temperatures of all points [K], (7 cells,), for powers (sources,) [W]."""
        rise: np.ndarray = self.rise @ power.astype(RISE_DTYPE)
        t: np.ndarray = rise + (self.constant if constant is None else constant)
        return t

    def points_of(self, n: int) -> np.ndarray:
        """Return the indices of the points of a part or block."""
        own = self.member[self.start[n] : self.start[n + 1]]
        points: np.ndarray = np.add.outer(own * POINTS, np.arange(POINTS)).reshape(-1)
        return points

    @cached_property
    def _group(self) -> np.ndarray:
        """The name of each member."""
        return np.repeat(np.arange(len(self.names)), np.diff(self.start))

    def maxima(self, power: np.ndarray, constant: np.ndarray | None = None) -> np.ndarray:
        """Return the maxima [K], (vectors, names), for powers (vectors, sources) [W].

        From 512 vectors on, the rises are used as products of low rank, which changes a rise by about 2e-6 of
        the largest rise of its part.
        """
        constant = self.constant if constant is None else constant
        if len(power) >= COMPACT_VECTORS:
            return compact_maxima(self, self._compact, power, constant)
        found = np.empty((len(power), len(self.names)))
        for first in range(0, len(power), BATCH):
            batch = slice(first, first + BATCH)
            t = self.rise @ power[batch].T.astype(RISE_DTYPE)
            t += constant[:, np.newaxis].astype(RISE_DTYPE)
            of_cells = t.reshape(self.cells, POINTS, -1).max(axis=1)
            found[batch] = np.maximum.reduceat(of_cells[self.member], self.start[:-1], axis=0).T
        return found

    @cached_property
    def _compact(self) -> list[CompactGroup]:
        """The points of each name that can be its maximum, with the factors of their rises."""
        return compact_groups(self)

    def hottest_points(self, power: np.ndarray, constant: np.ndarray | None = None) -> np.ndarray:
        """Return the index of the hottest point of each name, (names,), for powers (sources,) [W]."""
        t = self.temperatures(power, constant).reshape(self.cells, POINTS)
        of_members = t.max(axis=1)[self.member]
        largest = np.maximum.reduceat(of_members, self.start[:-1])
        where = np.flatnonzero(of_members == largest[self._group])
        cell = self.member[where[np.flatnonzero(np.diff(self._group[where], prepend=-1))]]
        return np.asarray(cell * POINTS + t[cell].argmax(axis=1))
