"""VTKHDF datasets of a model: grid coordinates, part numbers, power, hidden cells and part names."""

from __future__ import annotations

import h5py
import numpy as np

from thermostack.io.results.hdf5_arrays import write_array
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model

VTKHDF_VERSION = (2, 8)  # the first with RectilinearGrid
HIDDEN_CELL = 32  # vtkDataSetAttributes::HIDDENCELL


def write_grid(group: h5py.Group, grid: Grid) -> None:
    """Write the coordinates of the grid planes."""
    group.attrs["Version"] = np.array(VTKHDF_VERSION)
    group.attrs["Type"] = np.bytes_(b"RectilinearGrid")
    group.attrs["Dimensions"] = np.array([grid.x.size, grid.y.size, grid.z.size], dtype=np.int32)
    for axis in ("x", "y", "z"):
        write_array(group, f"{axis.upper()}Coordinates", getattr(grid, axis))


def write_cells(cells: h5py.Group, model: Model, leading: tuple[int, ...] = ()) -> list[str]:
    """Write the constant cell data, and return their names; `leading` is put before the shape of the grid."""
    grid, part = model.grid, model.part
    values = {"part": part, "power": model.power}
    if model.active < grid.cells:
        values["vtkGhostType"] = np.where(part > 0, 0, HIDDEN_CELL).astype(np.uint8)
    for name, array in values.items():
        write_array(cells, name, array.reshape(*leading, *grid.shape))
    return list(values)


def write_names(group: h5py.Group, model: Model) -> int:
    """Write the names of the parts, with number 0 for outside, and return their number."""
    group.create_group("PointData")
    names = ["outside", *(part.name for part in model.parts)]
    # The VTK reader needs this type of text, and crashes on text that is marked as UTF-8.
    data = np.array([name.encode() for name in names], dtype=object)
    group.create_group("FieldData").create_dataset("part_names", data=data, dtype=h5py.string_dtype("ascii"))
    return len(names)
