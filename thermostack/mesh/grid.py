"""A rectilinear grid of cells between planes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thermostack.schema.arguments import argument_error, quantities_in_si
from thermostack.schema.raster import restore_read_only


@dataclass(frozen=True, eq=False)
class Grid:
    """A rectilinear grid. Cell (k, j, i) lies between planes k and k + 1 of z, and so on.

    Parameters
    ----------
    x, y, z : array_like, shapes (nx + 1,), (ny + 1,), (nz + 1,)
        Planes [m, or text with a unit], ascending; z[0] is at the board.

    Raises
    ------
    ArgumentError
        Where the planes of an axis are fewer than two, do not ascend, or are not finite.

    Examples
    --------
    >>> grid = Grid([0.0, 1e-3, 3e-3], [0.0, 1e-3], [0.0, 1e-4, 2e-4])
    >>> grid.shape, grid.cells
    ((2, 1, 2), 4)
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray

    __setstate__ = restore_read_only

    def __post_init__(self) -> None:
        """Copy the planes to read-only arrays of doubles; raise ArgumentError where they form no cells."""
        for name in ("x", "y", "z"):
            edges = np.ascontiguousarray(quantities_in_si(getattr(self, name), "length", name))
            ascends = edges.ndim == 1 and edges.size >= 2 and np.all(np.diff(edges) > 0.0)
            if not ascends or not np.isfinite(edges[[0, -1]]).all():
                text = f"the {name} planes of a grid must ascend, be finite and at least two"
                raise argument_error(name, text, "", "E-GRID")
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
        """Return the number of cells, including those outside the body."""
        nz, ny, nx = self.shape
        return nz * ny * nx

    @cached_property
    def dx(self) -> np.ndarray:
        """Return the cell widths along x [m], (nx,)."""
        return np.diff(self.x)

    @cached_property
    def dy(self) -> np.ndarray:
        """Return the cell widths along y [m], (ny,)."""
        return np.diff(self.y)

    @cached_property
    def dz(self) -> np.ndarray:
        """Return the cell heights [m], (nz,)."""
        return np.diff(self.z)

    @cached_property
    def x_center(self) -> np.ndarray:
        """Return the cell centres along x [m], (nx,)."""
        return _midpoints(self.x)

    @cached_property
    def y_center(self) -> np.ndarray:
        """Return the cell centres along y [m], (ny,)."""
        return _midpoints(self.y)

    @cached_property
    def z_center(self) -> np.ndarray:
        """Return the cell centres along z [m], (nz,)."""
        return _midpoints(self.z)

    @property
    def volume(self) -> np.ndarray:
        """Return the cell volumes [m3], (nz, ny, nx)."""
        volume: np.ndarray = self.dz[:, None, None] * self.dy[None, :, None] * self.dx[None, None, :]
        return volume


def _midpoints(planes: np.ndarray) -> np.ndarray:
    midpoints: np.ndarray = 0.5 * (planes[1:] + planes[:-1])
    return midpoints
