"""The grid whose planes are the faces of the boxes of a geometry, and the parts of its cells."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from thermostack.mesh.grid import Grid
from thermostack.mesh.merged_planes import merge_planes
from thermostack.mesh.part_map import rasterize
from thermostack.package.geometry import Geometry


class FaceGrid:
    """The planes at the faces of boxes, and the part of each cell between them."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry

    @cached_property
    def grid(self) -> Grid:
        """Return the grid with a plane at each distinct face."""
        return Grid(*(merge_planes(box_faces(self.geometry, axis), axis)[0] for axis in range(3)))

    @property
    def planes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the planes [m] along x, y and z."""
        return self.grid.x, self.grid.y, self.grid.z

    @cached_property
    def part(self) -> np.ndarray:
        """Return the part of each cell, (nz, ny, nx): 0 outside the body, else 1 + index of the part."""
        return rasterize(self.geometry, self.grid).cells()


def box_faces(geometry: Geometry, axis: int) -> np.ndarray:
    """Return the position of every face of a box along an axis, and the extent of the box [m], (faces, 2)."""
    low, high = geometry.corners[:, axis], geometry.corners[:, axis + 3]
    return np.concatenate([np.column_stack([end, high - low]) for end in (low, high)])


def body_extent(geometry: Geometry, axis: int) -> tuple[float, float]:
    """Return the minimum and the maximum coordinate of the solid boxes along an axis [m]."""
    solid = geometry.corners[geometry.is_solid]
    return float(solid[:, axis].min()), float(solid[:, axis + 3].max())
