"""Direction cosines of the sides of round parts, whose staircases have a greater area than the sides.

A face of the staircase stands for a piece of the side whose area is smaller by the cosine of the angle
between the normals of both. Coolers and contact resistances act on the area of the side; heat conduction
through the cells needs no correction, because the staircase encloses the area of the disc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.mesh.grid import Grid
from thermostack.mesh.part_map import PartMap, cell_window, rasterize
from thermostack.package.box import Box
from thermostack.package.disc import step_cosines
from thermostack.package.geometry import Geometry

NO_SIDE, FLAT, FIRST_STEP = 0, 1, 2  # state of a face between tiles; FIRST_STEP + n is step n of a staircase

_COSINES = np.array([1.0, 1.0, *step_cosines()])  # by state


@dataclass(frozen=True, eq=False)
class RoundSides:
    """The states of the lateral faces between tiles of a part map."""

    part_map: PartMap
    states: dict[int, np.ndarray]  # by axis, 1 y and 2 x; empty without round parts

    def direction_cosine(self, axis: int, cells: tuple[np.ndarray, ...], *, is_high: bool) -> np.ndarray:
        """Return the direction cosine of one face of each of some cells, given by k, j and i, (n,)."""
        cosine = np.ones(cells[0].size)
        if axis not in self.states:
            return cosine
        index = [self.part_map.tile_index(each, n) for n, each in enumerate(cells)]
        first = self.part_map.first[axis]
        plane = cells[axis] + is_high
        index[axis] += is_high
        is_between = first[index[axis]] == plane  # other faces lie inside a tile
        at = tuple(each[is_between] for each in index)
        cosine[is_between] = _COSINES[self.states[axis][at]]
        return cosine


def find_round_sides(geometry: Geometry, grid: Grid, part_map: PartMap | None = None) -> RoundSides:
    """Return the sides of the round parts of a geometry on a grid; `part_map` saves its computation."""
    part_map = rasterize(geometry, grid) if part_map is None else part_map
    if not any(box.circles for box in geometry.boxes):
        return RoundSides(part_map, {})
    states = {}
    for axis in (1, 2):
        shape = [count + (n == axis) for n, count in enumerate(part_map.part.shape)]
        states[axis] = np.zeros(shape, dtype=np.uint8)
    for box in geometry.boxes:
        window = cell_window(grid, box)
        tiles = tuple(
            slice(*np.searchsorted(first, (cut.start, cut.stop)).tolist())
            for first, cut in zip(part_map.first, window, strict=True)
        )
        for axis, state in states.items():
            _set_faces(state, axis, box, tiles, _tile_middles(part_map, grid, 3 - axis))
    return RoundSides(part_map, states)


def _tile_middles(part_map: PartMap, grid: Grid, axis: int) -> np.ndarray:
    """Return the middle [m] of each tile along an axis, 1 y or 2 x."""
    edges = (grid.z, grid.y, grid.x)[axis][part_map.first[axis]]
    return np.asarray(0.5 * (edges[1:] + edges[:-1]))


def _set_faces(state: np.ndarray, axis: int, box: Box, tiles: tuple[slice, ...], middles: np.ndarray) -> None:
    """Set the states of the faces of a box and inside it along an axis, which covers all earlier boxes.

    Where a flat side and a step of a staircase coincide, as where a disc touches the side of the layer around
    it, the side is flat.
    """
    low, high = tiles[axis].start, tiles[axis].stop
    inside = list(tiles)
    inside[axis] = slice(low + 1, high)
    state[tuple(inside)] = NO_SIDE
    for plane, position in ((low, box.low[2 - axis]), (high, box.high[2 - axis])):
        if not box.circles:
            inside[axis] = slice(plane, plane + 1)
            state[tuple(inside)] = FLAT
            continue
        for tile in range(tiles[3 - axis].start, tiles[3 - axis].stop):
            steps = (circle.step_at(2 - axis, position, float(middles[tile])) for circle in box.circles)
            step = next((n for n in steps if n is not None), None)
            if step is not None:
                at = (tiles[0], tile, plane) if axis == 2 else (tiles[0], plane, tile)
                state[at] = np.where(state[at] == FLAT, FLAT, FIRST_STEP + step)
