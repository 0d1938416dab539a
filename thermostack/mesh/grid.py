"""A rectilinear grid: the planes that cut the body into cells. It knows no package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells between planes at x, y and z [m]; cell (k, j, i) lies between planes k and k + 1 of z."""

    x: np.ndarray  # (nx + 1,) m, ascending
    y: np.ndarray  # (ny + 1,) m, ascending
    z: np.ndarray  # (nz + 1,) m, ascending, z[0] at the board

    def __post_init__(self) -> None:
        """Check that every axis has at least one cell and ascends."""
        for name in ("x", "y", "z"):
            edges = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            ascends = edges.ndim == 1 and edges.size >= 2 and np.all(np.diff(edges) > 0.0)
            if not ascends or not np.isfinite(edges[[0, -1]]).all():
                raise ValueError(f"the {name} planes of a grid must ascend, be finite and at least two")
            edges.flags.writeable = False
            object.__setattr__(self, name, edges)

    def __repr__(self) -> str:
        """Return the number of cells along x, y and z and the extent [m] in each direction."""
        nz, ny, nx = self.shape
        extent = ", ".join(
            f"{name} {planes[0]:.6g} to {planes[-1]:.6g} m"
            for name, planes in (("x", self.x), ("y", self.y), ("z", self.z))
        )
        return f"Grid({nx} x {ny} x {nz} cells, {extent})"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (nz, ny, nx)."""
        return self.z.size - 1, self.y.size - 1, self.x.size - 1

    @property
    def cells(self) -> int:
        """Return the number of cells, outside the body too."""
        nz, ny, nx = self.shape
        return nz * ny * nx

    @cached_property
    def dx(self) -> np.ndarray:
        """Return the widths along x [m], (nx,)."""
        return np.diff(self.x)

    @cached_property
    def dy(self) -> np.ndarray:
        """Return the widths along y [m], (ny,)."""
        return np.diff(self.y)

    @cached_property
    def dz(self) -> np.ndarray:
        """Return the heights along z [m], (nz,)."""
        return np.diff(self.z)

    @cached_property
    def x_center(self) -> np.ndarray:
        """Return the cell centres along x [m], (nx,)."""
        return _middles(self.x)

    @cached_property
    def y_center(self) -> np.ndarray:
        """Return the cell centres along y [m], (ny,)."""
        return _middles(self.y)

    @cached_property
    def z_center(self) -> np.ndarray:
        """Return the cell centres along z [m], (nz,)."""
        return _middles(self.z)

    @property
    def volume(self) -> np.ndarray:
        """Return the cell volumes [m3], (nz, ny, nx)."""
        volume: np.ndarray = self.dz[:, None, None] * self.dy[None, :, None] * self.dx[None, None, :]
        return volume


def _middles(planes: np.ndarray) -> np.ndarray:
    middles: np.ndarray = 0.5 * (planes[1:] + planes[:-1])
    return middles
