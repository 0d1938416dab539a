"""Maps of power and of films in files: read with every fault at its line and column, and written back."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
from pydantic_core import PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.delimited_text import (
    MAX_DIAGNOSTICS,
    DelimitedTable,
    check_number,
    error_parts,
    parse_table,
    quote_value,
    read_bytes,
)
from thermostack.package.cooling import HtcMap
from thermostack.package.power import PowerMap
from thermostack.schema.fields import fail
from thermostack.units import UnitError, parse_quantity

PLAIN = b"0123456789+-.eE, \t"  # all a table of finite numbers is written with
Origin = Literal["south", "north"]
Map = TypeVar("Map", PowerMap, HtcMap)


def read_power_map(path: str | Path, unit: str = "W", origin: str = "south") -> PowerMap:
    """Return the map of a CSV file (rows of numbers, # comments) or of an NPY file (one plain array).

    `unit` is that of a value, a heat per pixel ("W", "mW") or a heat per area ("W/m2", "W/cm2");
    `origin` says at which edge of the layer the first row lies. Raises DescriptionError with every fault.
    """
    per_pixel, scale = _read_unit(unit)
    values = _read_values(path, origin) * scale
    return _drawn(lambda: PowerMap(values, "W" if per_pixel else "W/m2", source=Path(path).name), path)


def read_htc_map(path: str | Path, unit: str, origin: str = "south") -> HtcMap:
    """Return the map of films in a CSV or NPY file, like that of powers.

    `unit` is that of a value ("W/m2/K", "kW/m2/K"); `origin` says at which edge of the face the first row
    lies. Raises DescriptionError with every fault.
    """
    try:
        scale = parse_quantity(f"1 {unit}", "heat_transfer_coefficient")
    except UnitError:
        message = f"{quote_value(unit)} is not the unit of a map of films"
        raise DescriptionError(Diagnostic("unit", message, "W/m2/K, also kW/m2/K, ...", "E-UNIT")) from None
    values = _read_values(path, origin) * scale
    return _drawn(lambda: HtcMap(values, source=Path(path).name), path)


def _read_values(path: str | Path, origin: str) -> np.ndarray:
    """Return the numbers of a map, the first row in the south."""
    if origin not in get_args(Origin):
        message = f"{quote_value(origin)} is not where a map begins"
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


def _drawn(make: Callable[[], Map], path: str | Path) -> Map:
    """Return a map; what its values lack is a fault of their file."""
    try:
        return make()
    except DescriptionError as error:
        file = os.fspath(path)
        raise DescriptionError(
            replace(diagnostic.located_at(file), field="") for diagnostic in error.diagnostics
        ) from None


def write_map(path: str | Path, drawn: PowerMap | HtcMap) -> None:
    """Write the values of a map, its first row in the south, as NPY or else as CSV by the file's name.

    Read it back with the unit of the map. Raises OutputError where it cannot be written.
    """
    if os.fspath(path).endswith(".npy"):
        out = BytesIO()
        np.save(out, drawn.values, allow_pickle=False)
        return write_atomic(path, out.getvalue())
    per = "W of each pixel" if drawn.unit == "W" else f"{drawn.unit} in each pixel"
    rows = [",".join(map(repr, row)) for row in drawn.values.tolist()]
    return write_atomic(path, "\n".join([f"# {per}, the first row in the south", *rows, ""]).encode())


def _read_unit(unit: str) -> tuple[bool, float]:
    for dimension in ("power", "heat_flux"):
        try:
            return dimension == "power", parse_quantity(f"1 {unit}", dimension)
        except UnitError:
            continue
    message = f"{quote_value(unit)} is not the unit of a power map"
    raise DescriptionError(
        Diagnostic("unit", message, "W (of a pixel) or W/m2, also mW, W/cm2, ...", "E-UNIT")
    )


def _read_table(sheet: DelimitedTable) -> np.ndarray:
    """Return the numbers of a table, or raise all that is wrong with it."""
    rows = sheet.texts
    is_plain = not any(row.encode().translate(None, PLAIN) for row in rows)
    try:
        values = np.loadtxt(rows, delimiter=",", comments=None, ndmin=2) if is_plain else None
    except ValueError:
        values = None  # the faults are found below, with their places
    if values is None or not np.isfinite(values).all():
        width = len(rows[0].split(","))
        lines = zip(sheet.numbers, rows, strict=True)
        diagnostics = (
            diagnostic for line, text in lines for diagnostic in _row_diagnostics(sheet, line, text, width)
        )
        found = list(islice(diagnostics, MAX_DIAGNOSTICS))
        if found:
            raise DescriptionError(found)
        values = np.array([[float(cell) for cell in row.split(",")] for row in rows])
    return values


def _row_diagnostics(sheet: DelimitedTable, line: int, text: str, width: int) -> Iterator[Diagnostic]:
    cells = text.split(",")
    if len(cells) != width:
        message = f"{len(cells)} numbers where the first row has {width}"
        yield sheet.diagnostic("", message, "", "E-FILE", line, 1)
        return
    column = 1
    for n, cell in enumerate(cells):
        try:
            check_number(cell.strip())
            if math.isinf(float(cell)):
                raise fail("E-RANGE", f"{cell.strip()} is not a finite number", "")
        except PydanticCustomError as error:
            yield sheet.diagnostic(
                f"pixel {n + 1}", *error_parts(error), line, column + len(cell) - len(cell.lstrip())
            )
        column += len(cell) + 1


def _read_array(data: bytes, file: str) -> np.ndarray:
    """Return the array of an NPY file; nothing in it is run, and its size is checked before its data."""

    def refuse(message: str, hint: str) -> DescriptionError:
        return DescriptionError(Diagnostic("", message, hint, "E-FILE", file))

    stream = BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read[version](stream)
    except (ValueError, KeyError) as error:
        raise refuse(
            f"its header cannot be read: {str(error).splitlines()[0]}", "write it with numpy.save"
        ) from None
    if dtype.hasobject:
        raise refuse("holds Python objects, which are never unpacked", "save an array of float64")
    if dtype.kind not in "fiu" or len(shape) != 2:
        message = f"holds {dtype} of shape {shape}"
        raise refuse(message, "two dimensions of real numbers are due")
    due = math.prod(shape) * dtype.itemsize
    if len(data) - stream.tell() != due:
        raise refuse(
            f"{len(data) - stream.tell()} bytes follow its header, {due} are due", "the file is damaged"
        )
    array: np.ndarray = np.load(BytesIO(data), allow_pickle=False)
    return array.astype(np.float64)
