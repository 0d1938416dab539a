"""The part of every cell, stored for tiles: windows of cells between the faces of boxes, each of one part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.connected_pieces import label_pieces
from thermostack.mesh.grid import Grid
from thermostack.package.box import Box
from thermostack.package.geometry import Geometry

Window = tuple[slice, slice, slice]  # of cells, along z, y and x

MAX_PARTS = np.iinfo(np.uint16).max - 1  # 0 marks cells outside the body


@dataclass(frozen=True, eq=False)
class PartMap:
    """The part of every cell, stored for tiles.

    Memory and time of its methods depend on the number of tiles where the result is given for tiles, not on
    the number of cells.
    """

    part: np.ndarray  # (tiles along z, y, x) uint16: 0 outside the body, else 1 + index of the part
    first: tuple[
        np.ndarray, np.ndarray, np.ndarray
    ]  # along z, y, x: first cell of each tile, then the cell count

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the number of cells (nz, ny, nx)."""
        nz, ny, nx = (int(first[-1]) for first in self.first)
        return nz, ny, nx

    def expand(self, values: np.ndarray, axis: int, grid_axis: int) -> np.ndarray:
        """Return values of tiles as values of cells along an axis, which is `grid_axis` of the grid."""
        return np.repeat(values, np.diff(self.first[grid_axis]), axis=axis)

    def expand_plane(self, values: np.ndarray) -> np.ndarray:
        """Return values of the tiles at one height as values of their cells, (ny, nx)."""
        return self.expand(self.expand(values, 1, 2), 0, 1)

    def plane(self, k: int) -> np.ndarray:
        """Return the part of every cell at height k, (ny, nx) uint16."""
        return self.expand_plane(self.part[self.tile_index(np.array([k]), 0)[0]])

    def planes_in(self, k: slice) -> Iterator[np.ndarray]:
        """Yield the parts of the cells, (ny, nx), once for each range of heights in k with the same tiles."""
        tiles = self.tiles_in(k, 0)
        yield from (self.expand_plane(self.part[tile]) for tile in range(tiles.start, tiles.stop))

    def tiles_in(self, cells: slice, axis: int) -> slice:
        """Return the tiles of a range of cells along an axis."""
        if cells.stop <= cells.start:
            return slice(0, 0)
        low, high = self.tile_index(np.array([cells.start, cells.stop - 1]), axis).tolist()
        return slice(low, high + 1)

    def cells(self) -> np.ndarray:
        """Return the part of every cell, (nz, ny, nx) uint16."""
        part = np.empty(self.shape, dtype=np.uint16)
        for tile, (start, stop) in enumerate(zip(self.first[0][:-1], self.first[0][1:], strict=True)):
            part[start:stop] = self.expand_plane(self.part[tile])
        return part

    def tile_index(self, cells: np.ndarray, axis: int) -> np.ndarray:
        """Return the index of the tile of each of some cell indices along an axis."""
        return self.first[axis].searchsorted(cells, side="right") - 1

    def tile_indices(self, cells: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the tile indices along z, y and x of cells given by their index in the raveled grid."""
        indices = np.unravel_index(cells, self.shape)
        return tuple(self.tile_index(index, axis) for axis, index in enumerate(indices))

    @cached_property
    def _is_outside(self) -> np.ndarray:
        """Return whether each tile is empty and connected to the outside through empty tiles."""
        is_empty = np.pad(self.part == 0, 1, constant_values=True)
        piece, _ = label_pieces(is_empty)
        is_outside: np.ndarray = (piece == piece[0, 0, 0])[1:-1, 1:-1, 1:-1]
        return is_outside

    def closed_cavities(self) -> np.ndarray:
        """Return whether each tile is empty and closed on all sides by parts."""
        return np.asarray((self.part == 0) & ~self._is_outside)

    def boundary_cells(self, axis: int, is_high: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (k, j, i) of the cells of the body with a boundary face on one side, in tile order.

        Faces towards a closed cavity are none: no air or coolant reaches them.
        """
        is_boundary, is_outside = self.part > 0, self._is_outside
        inner, outer = [slice(None)] * 3, [slice(None)] * 3
        inner[axis], outer[axis] = (
            (slice(None, -1), slice(1, None)) if is_high else (slice(1, None), slice(None, -1))
        )
        is_boundary[tuple(inner)] &= is_outside[tuple(outer)]
        used = np.flatnonzero(is_boundary.any(axis=tuple({0, 1, 2} - {axis})))  # few layers of tiles have any
        is_boundary = is_boundary.take(used, axis)
        for other in {0, 1, 2} - {axis}:
            is_boundary = self.expand(is_boundary, other, other)
        indices = list(np.nonzero(is_boundary))
        end_cells = self.first[axis][1:] - 1 if is_high else self.first[axis][:-1]
        indices[axis] = end_cells[used][indices[axis]]
        k, j, i = indices
        return k, j, i


def rasterize(geometry: Geometry, grid: Grid) -> PartMap:
    """Return the part map of a geometry on a grid; a later box covers an earlier one.

    Raises DescriptionError where the parts are more than a 16-bit number can count.
    """
    if len(geometry.parts) > MAX_PARTS:
        text = f"{len(geometry.parts)} parts are too many"
        hint = f"describe arrays of equal parts as an effective medium: {MAX_PARTS} parts at most"
        raise DescriptionError(Diagnostic("stacks", text, hint, "E-GRID"))
    ends = cells_of_boxes(geometry, grid)
    along_z, along_y, along_x = (
        np.unique(np.concatenate([[0, count], own.reshape(-1)]))
        for count, own in zip(grid.shape, ends, strict=True)
    )
    first = along_z, along_y, along_x
    part = np.zeros([own.size - 1 for own in first], dtype=np.uint16)
    tiles = [np.searchsorted(of_tiles, own).tolist() for of_tiles, own in zip(first, ends, strict=True)]
    for box, (k0, k1), (j0, j1), (i0, i1) in zip(geometry.boxes, *tiles, strict=True):
        part[k0:k1, j0:j1, i0:i1] = box.part + 1
    return PartMap(part, first)


def cells_of_boxes(geometry: Geometry, grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first cell and the end of the cells of each box along z, y and x, (boxes, 2) each."""
    z, y, x = (
        nearest_planes(planes, geometry.corners[:, [axis, axis + 3]])
        for planes, axis in ((grid.z, 2), (grid.y, 1), (grid.x, 0))
    )
    return z, y, x


def cell_window(grid: Grid, box: Box) -> Window:
    """Return the window of cells that a box fills."""
    z, y, x = (
        cell_range(planes, box.low[axis], box.high[axis])
        for planes, axis in ((grid.z, 2), (grid.y, 1), (grid.x, 0))
    )
    return z, y, x


def cell_range(planes: np.ndarray, low: float, high: float) -> slice:
    """Return the cells between the planes nearest to two coordinates [m]."""
    return slice(nearest_plane(planes, low), nearest_plane(planes, high))


def nearest_plane(planes: np.ndarray, coordinate: float) -> int:
    """Return the index of the plane nearest to a coordinate [m]."""
    n = int(planes.searchsorted(coordinate))
    if n == planes.size or (n > 0 and coordinate - planes[n - 1] <= planes[n] - coordinate):
        n -= 1
    return n


def nearest_planes(planes: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """Return the index of the plane nearest to each coordinate [m], as `nearest_plane` does."""
    above = planes.searchsorted(coordinates)
    below = np.maximum(above - 1, 0)
    last = np.minimum(above, planes.size - 1)
    is_below = (above == planes.size) | (coordinates - planes[below] <= planes[last] - coordinates)
    return np.asarray(np.where(is_below, below, above))
