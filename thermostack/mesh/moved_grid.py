"""The grid of a changed package: the planes of a grid, moved with the faces of the package."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.mesh.grid import Grid
from thermostack.mesh.grid_lines import find_powered_regions, fixed_planes
from thermostack.package.geometry import Geometry

MAX_STRETCH = 2.0  # of the distance of two fixed planes, up to which the cells between them are moved


@dataclass(frozen=True, eq=False)
class FixedPlanes:
    """The planes along x, y and z that every grid of a geometry has [m]."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray

    @classmethod
    def of_geometry(cls, geometry: Geometry) -> FixedPlanes:
        """Return the fixed planes of a geometry."""
        powered = find_powered_regions(geometry)
        return cls(*(fixed_planes(geometry, powered, axis)[0] for axis in range(3)))

    def is_near(self, other: FixedPlanes) -> bool:
        """Return whether the other planes are as many, at distances that differ by MAX_STRETCH at most."""
        return all(map(_is_near, (self.x, self.y, self.z), (other.x, other.y, other.z)))


def _is_near(one: np.ndarray, other: np.ndarray) -> bool:
    if one.size != other.size:
        return False
    stretch = np.diff(other) / np.diff(one)
    return bool(stretch.max() <= MAX_STRETCH and stretch.min() >= 1.0 / MAX_STRETCH)


def max_stretch(one: Grid, other: Grid) -> float:
    """Return the largest factor between the widths of the cells of two grids of one shape."""
    ratios = [b / a for a, b in ((one.dx, other.dx), (one.dy, other.dy), (one.dz, other.dz))]
    return max(float(max(ratio.max(), 1.0 / ratio.min())) for ratio in ratios)


def move_grid(grid: Grid, before: FixedPlanes, after: FixedPlanes) -> Grid:
    """Return the planes of a grid, moved in proportion between the fixed planes around them."""
    moved = [
        np.interp(getattr(grid, axis), getattr(before, axis), getattr(after, axis))
        for axis in ("x", "y", "z")
    ]
    return Grid(*moved)
