"""The cells of a layer with heat sources, and those of them that the layer itself occupies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from thermostack.mesh.grid import Grid
from thermostack.mesh.part_map import Window, cell_range
from thermostack.package.disc import disc_rectangles
from thermostack.package.geometry import Geometry, HeatSource


def layer_window(grid: Grid, source: HeatSource) -> Window:
    """Return the cells of the layer of a heat source."""
    x0, y0, x1, y1 = source.rectangle
    return cell_range(grid.z, source.z0, source.z1), cell_range(grid.y, y0, y1), cell_range(grid.x, x0, x1)


def layer_mask(geometry: Geometry, planes: Iterable[np.ndarray], part: int) -> np.ndarray:
    """Return the cells of a layer or its regions in all of some planes of part numbers, (rows, columns)."""
    name = geometry.parts[part].name
    belongs = [other.name == name or other.name.startswith(f"{name}.") for other in geometry.parts]
    is_inside = np.array([False, *belongs])
    mask = np.ones((), dtype=bool)
    for plane in planes:
        mask = mask & is_inside[plane]
    return mask


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
