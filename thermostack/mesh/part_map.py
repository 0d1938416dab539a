"""The body as tiles: windows of cells that are all of one part, as few as its boxes need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.grid import Grid
from thermostack.package.geometry import Box, Geometry

Window = tuple[slice, slice, slice]  # of cells, along z, y and x


@dataclass(frozen=True, eq=False)
class PartMap:
    """What is where in the body, told without naming every cell.

    All that depends on the drawing alone is found here, in time and memory that cells inside a tile do
    not count for.
    """

    part: np.ndarray  # (tiles along z, y, x) uint16: 0 outside the body, else 1 + index of the part
    first: tuple[np.ndarray, np.ndarray, np.ndarray]  # along z, y, x: first cell of each tile, one beyond all

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the cells (nz, ny, nx) it covers."""
        nz, ny, nx = (int(first[-1]) for first in self.first)
        return nz, ny, nx

    def expand(self, tiles: np.ndarray, axis: int, of: int) -> np.ndarray:
        """Return an array that has tiles on an axis with cells there instead; `of` is which axis it is."""
        return np.repeat(tiles, np.diff(self.first[of]), axis=axis)

    def plane_of(self, tiles: np.ndarray) -> np.ndarray:
        """Return values of the tiles at one height as values of their cells, (ny, nx)."""
        return self.expand(self.expand(tiles, 1, 2), 0, 1)

    def plane(self, k: int) -> np.ndarray:
        """Return the part of every cell at height k, (ny, nx) uint16."""
        return self.plane_of(self.part[self.tiles_at(np.array([k]), 0)[0]])

    def planes_in(self, k: slice) -> Iterator[np.ndarray]:
        """Yield the parts of the cells at each height in k that differs from the one below, (ny, nx)."""
        if k.stop > k.start:
            low, high = self.tiles_at(np.array([k.start, k.stop - 1]), 0).tolist()
            yield from (self.plane_of(self.part[tile]) for tile in range(low, high + 1))

    def cells(self) -> np.ndarray:
        """Return the part of every cell, (nz, ny, nx) uint16."""
        part = np.empty(self.shape, dtype=np.uint16)
        for tile, (start, stop) in enumerate(zip(self.first[0][:-1], self.first[0][1:], strict=True)):
            part[start:stop] = self.plane_of(self.part[tile])
        return part

    def tiles_at(self, cells: np.ndarray, axis: int) -> np.ndarray:
        """Return the tile of each of some cells along an axis."""
        return np.searchsorted(self.first[axis], cells, side="right") - 1

    def tiles_of(self, cells: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the tiles along z, y and x of some cells, given by their index in the raveled grid."""
        places = np.unravel_index(cells, self.shape)
        return tuple(self.tiles_at(place, axis) for axis, place in enumerate(places))

    def boundary_cells(self, axis: int, is_high: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (k, j, i) of the cells of the body whose face on one side looks outside, in their order."""
        looks_out = self.part > 0
        inner, outer = [slice(None)] * 3, [slice(None)] * 3
        inner[axis], outer[axis] = (
            (slice(None, -1), slice(1, None)) if is_high else (slice(1, None), slice(None, -1))
        )
        looks_out[tuple(inner)] &= self.part[tuple(outer)] == 0
        for other in {0, 1, 2} - {axis}:
            looks_out = self.expand(looks_out, other, other)
        places = list(np.nonzero(looks_out))
        outermost = self.first[axis][1:] - 1 if is_high else self.first[axis][:-1]
        places[axis] = outermost[places[axis]]
        k, j, i = places
        return k, j, i


def rasterize(geometry: Geometry, grid: Grid) -> PartMap:
    """Return the tiles that the boxes of a geometry make of a grid; a later box covers an earlier one.

    Raises DescriptionError where there are more parts than a cell can name.
    """
    if len(geometry.parts) >= np.iinfo(np.uint16).max:
        text = f"{len(geometry.parts)} parts are more than a model can tell apart"
        remedy = f"describe arrays of like things as a mixture: {np.iinfo(np.uint16).max - 1} parts at most"
        raise DescriptionError(Diagnostic("stacks", text, remedy, "E-GRID"))
    windows = [cell_window(grid, box) for box in geometry.boxes]
    first = []
    for axis, count in enumerate(grid.shape):
        ends = [end for window in windows for end in (window[axis].start, window[axis].stop)]
        first.append(np.unique([0, count, *ends]))
    part = np.zeros([ends.size - 1 for ends in first], dtype=np.uint16)
    for box, window in zip(geometry.boxes, windows, strict=True):
        tiles = (np.searchsorted(first[axis], (cut.start, cut.stop)) for axis, cut in enumerate(window))
        part[tuple(slice(low, high) for low, high in tiles)] = box.part + 1
    return PartMap(part, (first[0], first[1], first[2]))


def cell_window(grid: Grid, box: Box) -> Window:
    """Return the cells that a box fills."""
    z, y, x = (
        cell_range(planes, box.low[axis], box.high[axis])
        for planes, axis in ((grid.z, 2), (grid.y, 1), (grid.x, 0))
    )
    return z, y, x


def cell_range(planes: np.ndarray, low: float, high: float) -> slice:
    """Return the cells between the planes nearest to two values."""
    return slice(nearest_plane(planes, low), nearest_plane(planes, high))


def nearest_plane(planes: np.ndarray, value: float) -> int:
    """Return the number of the plane nearest to a value."""
    n = int(np.searchsorted(planes, value))
    if n == planes.size or (n > 0 and value - planes[n - 1] <= planes[n] - value):
        n -= 1
    return n
