"""One file holds a result: what ParaView and PyVista open as it is, and all that is needed to come back.

The file is VTKHDF. Its grid is a `RectilinearGrid` (VTK 9.7, ParaView 6.2 and newer) with the cell data
`temperature` [K], `part`, `power` [W] and, where there are cells outside the body, `vtkGhostType`, which
hides them. `FieldData/part_names` holds the parts' names, number 0 being outside. A steady result has no
`Steps` group. The group `thermostack` holds the rest: the description with the definitions of the library
materials it uses, the planes of heat, the cooled surfaces, the parts' temperatures with their errors, the
heat balance, the solver's report, the warnings and where all that comes from. Texts are JSON in UTF-8.

Every array has a checksum (fletcher32), and so has all else in the file (HDF5 1.10 metadata): damage is
found, not read. The file is made in memory, packed to a few bytes per cell, and written whole or not at all.
"""

from __future__ import annotations

import dataclasses
import io
import platform
import sys
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from pydantic import TypeAdapter, ValidationError

from thermostack import __version__
from thermostack.io.safe_file import write_whole
from thermostack.io.stored import Stored, open_stored, put_array, put_json
from thermostack.io.stored_model import HOME, get_model, input_hash, put_model
from thermostack.model import Model

FORMAT = 1  # raised when an older thermostack would misread the file
NEEDS = "0.1.0"  # the oldest thermostack that reads this format
VTKHDF_VERSION = (2, 8)  # the first with RectilinearGrid
HIDDEN_CELL = 32  # vtkDataSetAttributes::HIDDENCELL
SUFFIX = ".vtkhdf"

Result = TypeVar("Result")


def write_result(result: Any, path: str | Path) -> None:
    """Write a steady result to a file, which `read_result`, ParaView and PyVista open.

    Raises OutputError where the file cannot be written whole; what stood under that name is untouched.
    """
    write_whole(path, result_bytes(result))


def read_result(path: str | Path, kind: type[Result]) -> Result:
    """Return the result a file holds, of the class it was written from, equal to the last bit.

    Raises ResultFileError where the file is damaged, foreign, of another kind, or of a newer version, and
    DescriptionError (E-FILE) where there is none.
    """
    with open_stored(Path(path), FORMAT, _kind(kind)) as stored:
        model = get_model(stored)
        values = stored.array("VTKHDF/CellData/temperature", np.float64, model.grid.shape)
        if not np.array_equal(np.isfinite(values), model.part > 0):
            raise stored.fail("VTKHDF/CellData/temperature is not finite in the body, or not empty outside")
        make: Callable[..., Result] = kind
        return make(model=model, field=values, **_facts(stored, kind))


# -- writing ---------------------------------------------------------------------------------


def result_bytes(result: Any) -> bytes:
    """Return the content of the file of a result."""
    image = io.BytesIO()
    with h5py.File(image, "w", libver=("v110", "v110")) as file:
        _put_grid(file.create_group("VTKHDF"), result.model, result.field)
        home = file.create_group(HOME)
        home.attrs["format"] = FORMAT
        home.attrs["needs"] = NEEDS
        home.attrs["version"] = __version__
        home.attrs["kind"] = _kind(type(result))
        put_model(home, result.model)
        hints = _fact_types(type(result))
        facts = {
            name: TypeAdapter(hint).dump_python(getattr(result, name), mode="json")
            for name, hint in hints.items()
        }
        put_json(home, "result", facts)
        put_json(home, "provenance", _provenance(result.model))
    return image.getvalue()


def _put_grid(group: h5py.Group, model: Model, temperature: np.ndarray) -> None:
    """Write what VTK reads."""
    grid, part = model.grid, model.part
    group.attrs["Version"] = np.array(VTKHDF_VERSION)
    group.attrs["Type"] = np.bytes_(b"RectilinearGrid")
    group.attrs["Dimensions"] = np.array([grid.x.size, grid.y.size, grid.z.size], dtype=np.int32)
    for axis in ("x", "y", "z"):
        put_array(group, f"{axis.upper()}Coordinates", getattr(grid, axis))
    cells = group.create_group("CellData")
    put_array(cells, "temperature", temperature).attrs["Attribute"] = np.bytes_(b"Scalars")
    put_array(cells, "part", part)
    put_array(cells, "power", model.power)
    if model.active < grid.cells:
        put_array(cells, "vtkGhostType", np.where(part > 0, 0, HIDDEN_CELL).astype(np.uint8))
    group.create_group("PointData")
    names = ["outside", *(part.name for part in model.parts)]
    # The VTK reader takes texts of this type only; it breaks down on ones that are marked as UTF-8.
    data = np.array([name.encode() for name in names], dtype=object)
    group.create_group("FieldData").create_dataset("part_names", data=data, dtype=h5py.string_dtype("ascii"))


def _provenance(model: Model) -> dict[str, str]:
    return {
        "thermostack": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "hdf5": h5py.version.hdf5_version,
        "platform": f"{sys.platform} {platform.machine()}",
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": input_hash(model),
    }


# -- what a result says beside its field -----------------------------------------------------


def _kind(kind: type) -> str:
    return kind.__name__.lower()


def _fact_types(kind: Any) -> dict[str, Any]:
    """Return the types of a result's fields by name, but for the model and the temperatures."""
    hints = typing.get_type_hints(kind)
    names = (field.name for field in dataclasses.fields(kind))
    return {name: hints[name] for name in names if name not in ("model", "field")}


def _facts(stored: Stored, kind: Any) -> dict[str, Any]:
    written = stored.json(f"{HOME}/result")
    facts = {}
    for name, hint in _fact_types(kind).items():
        if not isinstance(written, dict) or name not in written:
            raise stored.fail(f"{HOME}/result says nothing of {name}")
        try:
            facts[name] = TypeAdapter(hint).validate_python(written[name])
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(piece) for piece in (name, *first["loc"]))
            raise stored.fail(f"{HOME}/result.{place}: {first['msg']}") from None
    return facts
