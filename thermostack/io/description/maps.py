"""Map files of power and of heat transfer coefficients: CSV or NPY, read with diagnostics, and written."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.delimited_text import (
    Column,
    DelimitedTable,
    Header,
    number_error,
    parse_table,
    read_bytes,
)
from thermostack.package.cooling import HtcMap
from thermostack.package.power import PowerMap
from thermostack.schema.fields import quote_value
from thermostack.units import UnitError, parse_quantity

NUMBER_CHARACTERS = b"0123456789+-.eE, \t"  # a table of finite numbers has no others
Origin = Literal["south", "north"]
Map = TypeVar("Map", PowerMap, HtcMap)


def read_power_map(path: str | Path, unit: str = "W", origin: str = "south") -> PowerMap:
    """Return the power map of a CSV file (rows of numbers) or an NPY file (one array).

    `unit` is the unit of a value: power of a pixel ("W", "mW") or power per area ("W/m2", "W/cm2"). `origin`
    is the edge of the layer at which the first row lies. Raises DescriptionError with all diagnostics.
    """
    per_pixel, scale = _read_unit(unit)
    values = _read_values(path, origin) * scale
    return _construct(lambda: PowerMap(values, "W" if per_pixel else "W/m2", source=Path(path).name), path)


def read_htc_map(path: str | Path, unit: str, origin: str = "south") -> HtcMap:
    """Return the map of heat transfer coefficients of a CSV file or an NPY file.

    `unit` is the unit of a value ("W/m2/K", "kW/m2/K"); `origin` is the edge of the face at which the first
    row lies. Raises DescriptionError with all diagnostics.
    """
    try:
        scale = parse_quantity(f"1 {unit}", "heat_transfer_coefficient")
    except UnitError:
        message = f"{quote_value(unit)} is not a unit of a heat transfer coefficient"
        raise DescriptionError(Diagnostic("unit", message, "W/m2/K, also kW/m2/K, ...", "E-UNIT")) from None
    values = _read_values(path, origin) * scale
    return _construct(lambda: HtcMap(values, source=Path(path).name), path)


def write_map(path: str | Path, raster: PowerMap | HtcMap) -> None:
    """Write the values of a map, the first row in the south: as NPY if the name ends in .npy, else as CSV.

    The file is read back with the unit of the map. Raises OutputError if it cannot be written.
    """
    if os.fspath(path).endswith(".npy"):
        out = BytesIO()
        np.save(out, raster.values, allow_pickle=False)
        return write_atomic(path, out.getvalue())
    unit = "W of each pixel" if raster.unit == "W" else f"{raster.unit} in each pixel"
    rows = [",".join(map(repr, row)) for row in raster.values.tolist()]
    return write_atomic(path, "\n".join([f"# {unit}, the first row in the south", *rows, ""]).encode())


def _construct(make: Callable[[], Map], path: str | Path) -> Map:
    """Return a map; its diagnostics are located at the file."""
    try:
        return make()
    except DescriptionError as error:
        file = os.fspath(path)
        raise DescriptionError(
            replace(diagnostic.located_at(file), field="") for diagnostic in error.diagnostics
        ) from None


def _read_unit(unit: str) -> tuple[bool, float]:
    """Return whether a unit is of the power of a pixel, not per area, and its size [W or W/m2]."""
    for dimension in ("power", "heat_flux"):
        try:
            return dimension == "power", parse_quantity(f"1 {unit}", dimension)
        except UnitError:
            continue
    message = f"{quote_value(unit)} is not a unit of a power map"
    raise DescriptionError(
        Diagnostic("unit", message, "W (of a pixel) or W/m2, also mW, W/cm2, ...", "E-UNIT")
    )


def _read_values(path: str | Path, origin: str) -> np.ndarray:
    """Return the numbers of a map (ny, nx) in its own unit, the first row in the south."""
    if origin not in get_args(Origin):
        message = f"{quote_value(origin)} is not an edge at which a map begins"
        raise DescriptionError(Diagnostic("origin", message, "the first row lies south or north", "E-NAME"))
    data, file = read_bytes(path), os.fspath(path)
    if data.startswith(b"\x93NUMPY"):
        values = _read_array(data, file)
    elif file.endswith(".npy"):
        raise DescriptionError(
            Diagnostic("", "is not a NumPy file", "write it with numpy.save", "E-FILE", file)
        )
    else:
        values = _read_table(parse_table(data, file))
    return values if origin == "south" else values[::-1]


def _read_table(table: DelimitedTable) -> np.ndarray:
    """Return the numbers of a table (rows, columns). Raises DescriptionError with all diagnostics."""
    if not any(row.encode().translate(None, NUMBER_CHARACTERS) for row in table.texts):
        try:
            values = np.loadtxt(table.texts, delimiter=",", comments=None, ndmin=2)
        except ValueError:
            pass  # read below, which finds the diagnostics
        else:
            if np.isfinite(values).all():
                return values
    cells = table.first_cells(",", "a map has numbers only")
    labels = [f"pixel {n + 1}" for n in range(len(cells))]
    header = Header([Column(label, label, 0) for label in labels], place="the first row")
    rows, misfits = table.read_rows(header, first=0)
    values = np.stack(
        [column.values(cells) for column, cells in zip(header.columns, rows.cells, strict=True)], axis=1
    )
    wrong = np.argwhere(~np.isfinite(values))
    if misfits:
        raise _first_of(misfits[0][0], len(misfits), "rows have another number of cells")
    if wrong.size:
        n, place = wrong[0].tolist()
        problem, row = number_error(rows.cells[place][n].strip()), int(rows.numbers[n])
        first = table.cell_diagnostic(header, labels[place], problem, row, place, first=0)
        raise _first_of(first, len(wrong), "pixels are not finite numbers")
    return values


def _first_of(diagnostic: Diagnostic, count: int, problem: str) -> DescriptionError:
    """Return the error of the first of `count` wrong places: one fault of a map is one message."""
    more = f"; {count} {problem}" if count > 1 else ""
    return DescriptionError(replace(diagnostic, message=f"{diagnostic.message}{more}"))


def _read_array(data: bytes, file: str) -> np.ndarray:
    """Return the array of an NPY file. Objects are never unpacked, and the size is checked before reading."""

    def file_error(message: str, hint: str) -> DescriptionError:
        return DescriptionError(Diagnostic("", message, hint, "E-FILE", file))

    stream = BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read[version](stream)
    except (ValueError, KeyError) as error:
        message = f"its header cannot be read: {str(error).splitlines()[0]}"
        raise file_error(message, "write it with numpy.save") from None
    if dtype.hasobject:
        raise file_error("contains Python objects, which are never unpacked", "save an array of float64")
    if dtype.kind not in "fiu" or len(shape) != 2:
        message = f"contains {dtype} of shape {shape}"
        raise file_error(message, "expected a two-dimensional array of real numbers")
    size, expected = len(data) - stream.tell(), math.prod(shape) * dtype.itemsize
    if size != expected:
        raise file_error(f"has {size} bytes after its header, expected {expected}", "the file is damaged")
    array: np.ndarray = np.load(BytesIO(data), allow_pickle=False)
    return array.astype(np.float64)
