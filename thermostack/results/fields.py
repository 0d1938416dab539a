"""Cell fields with coordinates, and planes sliced from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thermostack.finite_volume.nodal_values import ON_FACE_TOLERANCE
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model
from thermostack.schema.arguments import argument_error

if TYPE_CHECKING:
    import xarray

AXES = ("z", "y", "x")  # in the order of the arrays

_LONG_NAME = {
    "x": "distance from the west edge of the first stack",
    "y": "distance from its south edge",
    "z": "height over its bottom",
}


def cell_field(grid: Grid, values: np.ndarray, name: str, unit: str) -> xarray.DataArray:
    """Return values of all cells, (nz, ny, nx), at the cell centres z, y, x [m].

    The coordinates dz, dy, dx [m] are the widths of the cells. A mean over a region needs them as weights:
    `field.weighted(field.dz * field.dy * field.dx).mean()`. Cells outside the body are NaN. The values are
    not copied.
    """
    import xarray

    if values.shape != grid.shape:
        raise ValueError(f"values of shape {values.shape} are not those of a grid of shape {grid.shape}")
    coordinates: dict[str, xarray.Variable] = {}
    for axis in AXES:
        centers = getattr(grid, f"{axis}_center")
        attributes = {"units": "m", "long_name": _LONG_NAME[axis]}
        coordinates[axis] = xarray.Variable(axis, centers, attributes)
        widths = {"units": "m", "long_name": f"width of the cells along {axis}"}
        coordinates[f"d{axis}"] = xarray.Variable(axis, getattr(grid, f"d{axis}"), widths)
    attributes = {"units": unit, "long_name": name.replace("_", " "), "cell_methods": "at the cell centre"}
    return xarray.DataArray(values, dims=AXES, coords=coordinates, name=name, attrs=attributes)


def fill_inactive(model: Model, field: np.ndarray, value: float) -> None:
    """Set the cells outside the body, in a field (nz, ny, nx), to a value."""
    for plane, part in zip(field, model.part, strict=True):
        plane[part == 0] = value


@dataclass(frozen=True, eq=False)
class PlaneSlice:
    """A plane normal to an axis: its layer of cells, and the cell edges in the plane."""

    grid: Grid
    axis: str  # "x", "y" or "z", normal to the plane
    at: float  # m
    index: int  # of the layer of cells along the axis

    @property
    def right(self) -> np.ndarray:
        """Return the cell edges [m] along the first axis of the plane: x, or y if it is normal to x."""
        return self.grid.y if self.axis == "x" else self.grid.x

    @property
    def up(self) -> np.ndarray:
        """Return the cell edges [m] along the second axis of the plane: z, or y if it is normal to z."""
        return self.grid.y if self.axis == "z" else self.grid.z

    def take_values(self, values: np.ndarray) -> np.ndarray:
        """Return the cell values in the plane, (up, right), of an array (nz, ny, nx); a view."""
        return values[tuple(self.index if axis == self.axis else slice(None) for axis in AXES)]


def slice_plane(grid: Grid, axis: str, at: float, within: slice | None = None) -> PlaneSlice:
    """Return the plane normal to an axis at a coordinate [m]; on a grid plane, in the cells above it.

    `within` restricts the layers of cells, for example to those of a part for a plane on its face.
    Raises ArgumentError (E-OUTSIDE) if the coordinate is outside the grid.
    """
    edges: np.ndarray = getattr(grid, axis)
    if not edges[0] - ON_FACE_TOLERANCE <= at <= edges[-1] + ON_FACE_TOLERANCE:
        text = f"{axis} = {at:g} m is outside the grid, from {edges[0]:g} m to {edges[-1]:g} m"
        raise argument_error(axis, text, "", "E-OUTSIDE")
    low, high = (within.start, within.stop - 1) if within is not None else (0, edges.size - 2)
    index = int(np.clip(np.searchsorted(edges, at, side="right") - 1, low, high))
    return PlaneSlice(grid, axis, at, index)
