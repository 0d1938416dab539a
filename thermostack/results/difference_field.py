"""Difference of two temperature fields on the common grid of their planes, with the same volume integrals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from thermostack.errors import ResourceError
from thermostack.mesh.grid import Grid
from thermostack.mesh.memory_estimate import available_memory
from thermostack.mesh.model import Model
from thermostack.results.fields import cell_field

if TYPE_CHECKING:
    import xarray

MERGE_TOLERANCE = 1e-9  # of the extent of an axis: closer planes of two grids are one plane
BYTES_PER_CELL = 40  # of the common grid: two temperatures, their difference, parts, and work space


@dataclass(frozen=True, eq=False, repr=False)
class DifferenceField:
    """Two temperature fields on a common grid, and their difference, second minus first.

    The common grid has the planes of both grids, so that each of its cells lies in one cell of each field and
    has its temperature. Volume integrals of both fields are preserved.

    Parameters
    ----------
    grid : Grid
        The common grid.
    first, second : numpy.ndarray, shape (nz, ny, nx)
        Temperatures [K]; NaN outside the body of each result.
    part : numpy.ndarray, shape (nz, ny, nx)
        1 + index of the part of the first result in each cell, 0 outside its body.

    Examples
    --------
    >>> import thermostack as ts
    >>> package = ts.read_package("fcbga")
    >>> results = [ts.solve_steady(ts.discretize(package, cell=cell)) for cell in ("6 mm", "5 mm")]
    >>> field = ts.compare(*results).field
    >>> field.values.shape == field.grid.shape
    True
    """

    grid: Grid
    first: np.ndarray
    second: np.ndarray
    part: np.ndarray

    @classmethod
    def between(
        cls, first: Model, first_field: np.ndarray, second: Model, second_field: np.ndarray
    ) -> DifferenceField:
        """Return the fields [K] of two models, (nz, ny, nx) each, on their common grid.

        Raises ResourceError if it does not fit in the memory of this machine.
        """
        grid = common_grid(first.grid, second.grid)
        if grid.cells * BYTES_PER_CELL > available_memory():
            text = f"the common grid of both results has {grid.cells} cells, too many for the memory"
            raise ResourceError(f"{text}; solve both on the same grid, or on larger cells")
        return cls(
            grid,
            resample(first_field, first.grid, grid, np.nan),
            resample(second_field, second.grid, grid, np.nan),
            resample(first.part, first.grid, grid, 0),
        )

    def __repr__(self) -> str:
        """Return the number of cells, and the minimum and maximum difference."""
        if not self.is_common.any():
            return f"DifferenceField({self.grid!r}, no common volume)"
        return f"DifferenceField({self.grid!r}, {self.min:+.4g} to {self.max:+.4g} K)"

    @cached_property
    def values(self) -> np.ndarray:
        """Return the second temperature minus the first [K], (nz, ny, nx); NaN where a body is missing."""
        values: np.ndarray = self.second - self.first
        return values

    @property
    def is_common(self) -> np.ndarray:
        """Return whether each cell is in both bodies, (nz, ny, nx)."""
        is_common: np.ndarray = np.isfinite(self.values)
        return is_common

    @cached_property
    def volume(self) -> float:
        """Return the volume that both bodies have in common [m3]."""
        return float(np.sum(self.grid.volume, where=self.is_common))

    @cached_property
    def integral(self) -> float:
        """Return the integral of the difference over the common volume [K m3]."""
        return float(np.sum(self.values * self.grid.volume, where=self.is_common))

    @property
    def mean(self) -> float:
        """Return the mean difference over the common volume [K]; NaN without one."""
        return self.integral / self.volume if self.volume > 0.0 else float("nan")

    @cached_property
    def rms(self) -> float:
        """Return the root mean square of the difference over the common volume [K]; NaN without one."""
        squares = float(np.sum(self.values**2 * self.grid.volume, where=self.is_common))
        return float(np.sqrt(squares / self.volume)) if self.volume > 0.0 else float("nan")

    @property
    def min(self) -> float:
        """Return the minimum difference [K]; NaN without a common volume."""
        return float(np.nanmin(self.values)) if self.is_common.any() else float("nan")

    @property
    def max(self) -> float:
        """Return the maximum difference [K]; NaN without a common volume."""
        return float(np.nanmax(self.values)) if self.is_common.any() else float("nan")

    @property
    def largest_at(self) -> tuple[float, float, float]:
        """Return the centre (x, y, z) [m] of the cell with the largest magnitude of the difference."""
        magnitude = np.where(self.is_common, np.abs(self.values), -1.0)
        k, j, i = np.unravel_index(int(magnitude.argmax()), magnitude.shape)
        grid = self.grid
        return float(grid.x_center[i]), float(grid.y_center[j]), float(grid.z_center[k])

    @property
    def temperature_difference(self) -> xarray.DataArray:
        """Return the difference [K] at the cell centres, over z, y and x [m]."""
        return cell_field(self.grid, self.values, "temperature difference", "K")


def common_grid(first: Grid, second: Grid) -> Grid:
    """Return the grid with the planes of two grids."""
    return Grid(*(_union(getattr(first, axis), getattr(second, axis)) for axis in "xyz"))


def _union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the planes of an axis of two grids, ascending; those closer than rounding once."""
    planes = np.union1d(first, second)
    is_kept = np.diff(planes, prepend=-np.inf) > MERGE_TOLERANCE * (planes[-1] - planes[0])
    kept: np.ndarray = planes[is_kept]
    return kept


def resample(values: np.ndarray, grid: Grid, onto: Grid, outside: float) -> np.ndarray:
    """Return the value of the cell that contains the centre of each cell of another grid, (nz, ny, nx).

    Cells whose centre is beyond the grid have the value `outside`.
    """
    made = values
    for axis, name in enumerate("zyx"):
        edges, centers = getattr(grid, name), getattr(onto, f"{name}_center")
        cell = np.searchsorted(edges, centers, side="right") - 1
        is_inside = (cell >= 0) & (cell < edges.size - 1)
        made = np.take(made, np.clip(cell, 0, edges.size - 2), axis=axis)
        if not is_inside.all():
            made[(slice(None),) * axis + (~is_inside,)] = outside
    return made
