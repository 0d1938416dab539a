"""The cells of a layer with heat sources, and those of them that the layer itself occupies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from thermostack.mesh.grid import Grid
from thermostack.mesh.part_map import PartMap, Window, cell_range
from thermostack.package.disc import disc_rectangles
from thermostack.package.geometry import Geometry, HeatSource


def layer_window(grid: Grid, source: HeatSource) -> Window:
    """Return the cells of the layer of a heat source."""
    x0, y0, x1, y1 = source.rectangle
    return cell_range(grid.z, source.z0, source.z1), cell_range(grid.y, y0, y1), cell_range(grid.x, x0, x1)


def layer_mask(geometry: Geometry, planes: Iterable[np.ndarray], part: int) -> np.ndarray:
    """Return the cells of a layer or its regions in all of some planes of part numbers, (rows, columns)."""
    is_inside = _is_part_of_layer(geometry, part)
    mask = np.ones((), dtype=bool)
    for plane in planes:
        mask = mask & is_inside[plane]
    return mask


def layer_columns(geometry: Geometry, part_map: PartMap, k: slice, part: int) -> np.ndarray:
    """Return which columns the layer of a part or its regions occupy at all heights of k, (ny, nx)."""
    tiles = part_map.tiles_in(k, 0)
    return part_map.expand_plane(_is_part_of_layer(geometry, part)[part_map.part[tiles]].all(axis=0))


def fills_window(geometry: Geometry, part_map: PartMap, window: Window, part: int) -> bool:
    """Return whether the layer of a part or its regions occupy all tiles with cells of a window."""
    tiles = tuple(part_map.tiles_in(cells, axis) for axis, cells in enumerate(window))
    return bool(_is_part_of_layer(geometry, part)[part_map.part[tiles]].all())


def _is_part_of_layer(geometry: Geometry, part: int) -> np.ndarray:
    """Return whether each part number means the layer of a part or a region of it, (1 + parts,)."""
    found = np.zeros(len(geometry.parts) + 1, dtype=bool)
    found[[n + 1 for n in geometry.parts_by_prefix[geometry.parts[part].name]]] = True
    return found


def disc_plan(geometry: Geometry, grid: Grid, source: HeatSource) -> np.ndarray | None:
    """Return which columns of cells lie in the disc of a round layer, (ny, nx), None if it is not round.

    The disc is a staircase, in which a block that lies in the circle need not lie completely.
    """
    if not any(box.circles for box in geometry.boxes if box.part == source.part):
        return None
    is_inside = np.zeros(grid.shape[1:], dtype=bool)
    for x0, y0, x1, y1 in disc_rectangles(source.rectangle):
        is_inside[cell_range(grid.y, y0, y1), cell_range(grid.x, x0, x1)] = True
    return is_inside
