"""The default grid of a geometry without its cells: planes, and the fraction outside the body."""

from __future__ import annotations

import numpy as np

from thermostack.mesh.grid import Grid
from thermostack.mesh.grid_lines import CellSize, find_powered_regions, fixed_planes
from thermostack.mesh.part_map import rasterize
from thermostack.package.geometry import Geometry


def default_grid(geometry: Geometry) -> Grid:
    """Return the planes of the default grid."""
    powered = find_powered_regions(geometry)
    planes = [
        CellSize(geometry, powered, axis, None).planes(fixed_planes(geometry, powered, axis)[0])
        for axis in range(3)
    ]
    return Grid(*planes)


def fraction_outside(geometry: Geometry, grid: Grid) -> float:
    """Return the fraction of the cells of a grid that lie outside the body, without allocating the cells."""
    part_map = rasterize(geometry, grid)
    nz, ny, nx = (np.diff(first) for first in part_map.first)
    cells = nz[:, None, None] * ny[:, None] * nx
    return float(cells[part_map.part == 0].sum()) / grid.cells
