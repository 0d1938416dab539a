"""Floorplans in files: read with every fault at its line and column, and written back."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.delimited_text import (
    IS_NUMBER,
    MAX_DIAGNOSTICS,
    MAX_NUMBER_LENGTH,
    NUMBER,
    DelimitedTable,
    check_number,
    error_parts,
    quote_value,
    read_table,
    split_line,
)
from thermostack.package.power import Block, blocks_of, read_block_name
from thermostack.schema.fields import Extent, Length, Quantity, SignedPower, fail, suggest
from thermostack.units import UnitError, parse_quantity

HEADER = "name,x [mm],y [mm],width [mm],height [mm],power [W]"
COLUMNS: dict[str, Any] = {
    "name": None, "x": Length, "y": Length, "width": Extent, "height": Extent, "power": SignedPower,
}  # fmt: skip
_ARE_NUMBERS = re.compile(rf"(?:[ \t]*+{NUMBER}[ \t]*+\n)*+")
_FORMULA = re.compile(r"'*[=+\-@]")  # a spreadsheet would run what begins so


# -- floorplans ------------------------------------------------------------------------------


def read_floorplan(path: str | Path) -> tuple[Block, ...]:
    """Return the blocks of a CSV file whose header is like `HEADER`, its columns in any order.

    The power column may be missing, and its cells blank: then nothing is said about a block's power.
    Lines that begin with # are comments. Raises DescriptionError with every fault of the file.
    """
    sheet = read_table(path)
    columns = _read_header(sheet)
    table, diagnostics = _read_rows(sheet, len(columns))
    if not table.lines and not diagnostics:
        raise DescriptionError(sheet.diagnostic("", "has a header but no blocks", HEADER, "E-MISSING"))
    names, found = _read_names(sheet, table, [column.key for column in columns].index("name"))
    diagnostics += found
    values: dict[str, np.ndarray] = {}
    for place, column in enumerate(columns):
        if column.quantity is not None:
            values[column.key], found = _read_column(sheet, table, place, column, names)
            diagnostics += found
    if diagnostics:
        diagnostics.sort(key=lambda diagnostic: (diagnostic.line or 0, diagnostic.column or 0))
        raise DescriptionError(diagnostics[:MAX_DIAGNOSTICS])
    places = np.stack([values[key] for key in ("x", "y", "width", "height")], axis=1)
    given = values.get("power", np.full(len(names), np.nan)).tolist()
    return blocks_of(names, places, [None if math.isnan(heat) else heat for heat in given])


def write_floorplan(path: str | Path, blocks: Sequence[Block]) -> None:
    """Write blocks as a CSV file that reads back as exactly the same; OutputError where it cannot be."""
    has_power = any(block.power is not None for block in blocks)
    lines = [HEADER if has_power else HEADER.removesuffix(",power [W]")]
    for block in blocks:
        numbers = [_millimetres(length) for length in (*block.position, *block.size)]
        heat = [] if not has_power else ["" if block.power is None else repr(block.power)]
        lines.append(",".join([_escaped(block.name), *numbers, *heat]))
    write_atomic(path, ("\n".join(lines) + "\n").encode())


@dataclass(frozen=True)
class _Column:
    key: str  # of COLUMNS
    label: str  # as in the file
    unit: str = ""
    quantity: Quantity | None = None
    exponent: int | None = None  # of ten, in SI; None: the unit is no power of ten


@dataclass(frozen=True)
class _Table:
    """The cells of the rows that have one for each column."""

    cells: list[list[str]]  # by column
    lines: list[int]  # of the rows, places in the lists of the sheet

    def diagnostic(
        self, sheet: DelimitedTable, field: str, error: PydanticCustomError, row: int, place: int
    ) -> Diagnostic:
        """Return what is wrong with a cell."""
        line = self.lines[row]
        column = split_line(sheet.texts[line])[place][0] + 1
        return sheet.diagnostic(field, *error_parts(error), sheet.numbers[line], column)


def _read_header(sheet: DelimitedTable) -> list[_Column]:
    """Return the columns of a floorplan in their order, or raise all that is wrong with its header."""
    line, text = sheet.numbers[0], sheet.texts[0]
    try:
        cells = split_line(text)
    except ValueError as error:
        hint = f"the header is like {HEADER}"
        raise DescriptionError(sheet.diagnostic("", str(error), hint, "E-FILE", line, 1)) from None
    if len(cells) == 1 and re.search(r"[;\t]", text):
        message, hint = "the columns are not separated by commas", f"write {HEADER}, with decimal points"
        raise DescriptionError(sheet.diagnostic("", message, hint, "E-FILE", line, 1))
    columns: list[_Column] = []
    diagnostics: list[Diagnostic] = []
    for start, cell in cells:
        place = (line, start + 1)
        try:
            column = _read_label(cell)
        except PydanticCustomError as error:
            diagnostics.append(sheet.diagnostic(cell, *error_parts(error), *place))
            continue
        if column.key in [other.key for other in columns]:
            diagnostics.append(
                sheet.diagnostic(cell, f"there are two columns {column.key!r}", "", "E-DUPLICATE", *place)
            )
        columns.append(column)
    named = {column.key for column in columns} | {re.split(r"\s*[\[(]", cell)[0] for _, cell in cells}
    for key in COLUMNS:
        if key not in named and key != "power":
            hint = f"the header is like {HEADER}"
            diagnostics.append(
                sheet.diagnostic(key, f"there is no column {key!r}", hint, "E-MISSING", line, 1)
            )
    if diagnostics:
        raise DescriptionError(diagnostics)
    return columns


def _read_label(label: str) -> _Column:
    match = re.fullmatch(r"([^\[\]]*?)\s*(?:\[([^\[\]]*)\])?", label)
    key, unit = (match[1], match[2]) if match else (label, None)
    if key not in COLUMNS:
        known = suggest(key, COLUMNS) or f"the columns are {', '.join(COLUMNS)}"
        raise fail("E-KEY", f"unknown column {quote_value(label)}", known)
    if key == "name":
        return _Column(key, label)
    quantity = next(part for part in COLUMNS[key].__metadata__ if isinstance(part, Quantity))
    default = "W" if key == "power" else "mm"
    if unit is None:
        raise fail("E-UNIT", f"the column {label!r} has no unit", f"write {key} [{default}]")
    try:
        size = parse_quantity(f"1 {unit}", quantity.dimension)
    except UnitError as error:
        raise fail("E-UNIT", f"the unit of a column: {error}", f"write {key} [{default}]") from None
    exponent = round(math.log10(size))
    return _Column(key, label, unit, quantity, exponent if float(f"1e{exponent}") == size else None)


def _read_rows(sheet: DelimitedTable, width: int) -> tuple[_Table, list[Diagnostic]]:
    """Return the cells of the lines that have one for each column, and a fault for each that has not."""
    rows, diagnostics = sheet.texts[1:], []
    lines = list(range(1, len(sheet.texts)))
    if all(row.count(",") == width - 1 and '"' not in row for row in rows):
        cells = ",".join(rows).split(",") if rows else []  # without a list per row: that is twice as fast
        return _Table([cells[place::width] for place in range(width)], lines), []
    kept: list[int] = []
    table: list[list[str]] = [[] for _ in range(width)]
    for line in lines:
        try:
            found = [cell for _, cell in split_line(sheet.texts[line])]
            message = f"{len(found)} cells where the header has {width}"
            hint = "write decimal points, not commas" if len(found) > width else ""
        except ValueError as error:
            found, message, hint = [], str(error), 'write "" for a quote inside quotes'
        if len(found) == width:
            kept.append(line)
            for column, cell in zip(table, found, strict=True):
                column.append(cell)
        else:
            diagnostics.append(sheet.diagnostic("", message, hint, "E-FILE", sheet.numbers[line], 1))
            if len(diagnostics) >= MAX_DIAGNOSTICS:
                break
    return _Table(table, kept), diagnostics


def _read_names(sheet: DelimitedTable, table: _Table, place: int) -> tuple[list[str], list[Diagnostic]]:
    names = [cell.strip() for cell in table.cells[place]]
    if any(name.startswith("'") for name in names):
        names = [name[1:] if name.startswith("'") and _FORMULA.match(name) else name for name in names]
    diagnostics: list[Diagnostic] = []
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        try:
            read_block_name(name)
            if first.setdefault(name, row) != row:
                line = sheet.numbers[table.lines[first[name]]]
                raise fail("E-DUPLICATE", f"{name!r} names two blocks, the first in line {line}")
        except PydanticCustomError as error:
            diagnostics.append(table.diagnostic(sheet, "name", error, row, place))
            if len(diagnostics) >= MAX_DIAGNOSTICS:
                break
    return names, diagnostics


def _read_column(
    sheet: DelimitedTable, table: _Table, place: int, column: _Column, names: Sequence[str]
) -> tuple[np.ndarray, list[Diagnostic]]:
    """Return a column in SI units, NaN for a blank power, and its faults."""
    quantity = column.quantity
    assert quantity is not None
    values = _numbers(table.cells[place], column)
    low, high = quantity.plausible or (-math.inf, math.inf)
    diagnostics = []
    with np.errstate(invalid="ignore"):
        suspects = np.flatnonzero(~(np.isfinite(values) & (values >= low) & (values <= high)))
    for row in suspects.tolist():
        cell = table.cells[place][row].strip()
        if not cell and column.key == "power":
            continue
        try:
            check_number(cell)
            quantity.check(float(values[row]))
        except PydanticCustomError as error:
            diagnostics.append(table.diagnostic(sheet, f"{names[row]}.{column.key}", error, row, place))
            if len(diagnostics) >= MAX_DIAGNOSTICS:
                break
    return values, diagnostics


def _numbers(cells: Sequence[str], column: _Column) -> np.ndarray:
    """Return the numbers of a column [SI], each rounded once from its text; NaN where there is none."""
    text = "\n".join(cells) + "\n"
    is_plain = max(map(len, cells), default=0) <= MAX_NUMBER_LENGTH and _ARE_NUMBERS.fullmatch(text)
    if is_plain and column.exponent == 0:
        return np.array([float(cell) for cell in cells])
    if is_plain and column.exponent is not None and not re.search("[eE \t]", text):
        tail = f"e{column.exponent}"
        return np.array([float(cell + tail) for cell in cells])
    return np.array([_number(cell.strip(), column) for cell in cells])


def _number(cell: str, column: _Column) -> float:
    assert column.quantity is not None
    if len(cell) > MAX_NUMBER_LENGTH or not IS_NUMBER.fullmatch(cell):
        return math.nan
    if column.exponent is None:
        try:
            return parse_quantity(f"{cell} {column.unit}", column.quantity.dimension)
        except UnitError:  # beyond the range of floats
            return math.inf
    mantissa, _, exponent = cell.lower().partition("e")
    return float(f"{mantissa}e{int(exponent or 0) + column.exponent}")


def _escaped(name: str) -> str:
    """Return a name as a cell: quoted where it must be, marked where a spreadsheet would run it."""
    if _FORMULA.match(name):
        name = f"'{name}"
    return '"' + name.replace('"', '""') + '"' if re.search(r'[",]|\A#', name) else name


def _millimetres(length: float) -> str:
    exact = Decimal(repr(length)).scaleb(3).normalize()
    plain = f"{exact:f}"
    return plain if len(plain) <= 24 else str(exact)
