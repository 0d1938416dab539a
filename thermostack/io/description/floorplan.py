"""Floorplan files: CSV tables of blocks, read with diagnostics by line and column, and written."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.delimited_text import (
    MAX_DIAGNOSTICS,
    Column,
    DelimitedTable,
    Header,
    Rows,
    column_with_unit,
    number_error,
    read_table,
    refuse,
    split_label,
)
from thermostack.package.leakage import leakage_of_total
from thermostack.package.power import Block, blocks_of, read_block_name
from thermostack.schema.fields import Extent, Length, PowerValue, Quantity, SignedPower, fail, quote_value
from thermostack.schema.spelling import suggest

HEADER = "name,x [mm],y [mm],width [mm],height [mm],power [W]"
COLUMNS: dict[str, Any] = {
    "name": None, "x": Length, "y": Length, "width": Extent, "height": Extent, "power": SignedPower,
    "leakage": PowerValue,
}  # fmt: skip
OPTIONAL = ("power", "leakage")  # columns, whose cells may be blank
_FORMULA = re.compile(r"'*[=+\-@]")  # a spreadsheet would evaluate text that begins so


def read_floorplan(path: str | Path) -> tuple[Block, ...]:
    """Return the blocks of a CSV file whose header is like `HEADER`, with its columns in any order.

    The columns of power and leakage are optional, and their cells may be blank; such a block has no power or
    leakage of its own. The leakage [W] holds at the reference temperature of the layer, whose law it has.
    Raises DescriptionError with all diagnostics of the file.
    """
    table = read_table(path)
    header = _read_header(table)
    rows, misfits = table.read_rows(header)
    diagnostics = [diagnostic for diagnostic, _ in misfits]
    if not rows.numbers.size and not diagnostics:
        raise DescriptionError(table.diagnostic("", "has a header but no blocks", HEADER, "E-MISSING"))
    names, found = _read_names(table, header, rows)
    diagnostics += found
    values: dict[str, np.ndarray] = {}
    for place, column in enumerate(header.columns):
        if COLUMNS[column.name] is not None:
            values[column.name], found = _read_column(table, header, rows, place, names)
            diagnostics += found
    if diagnostics:
        refuse(diagnostics)
    rectangles = np.stack([values[key] for key in ("x", "y", "width", "height")], axis=1)
    powers = values.get("power", np.full(len(names), np.nan)).tolist()
    watts = [None if math.isnan(power) else power for power in powers]
    leakages = None
    if "leakage" in values:
        totals = values["leakage"].tolist()
        leakages = [None if math.isnan(total) else leakage_of_total(total) for total in totals]
    return blocks_of(names, rectangles, watts, leakages)


def write_floorplan(path: str | Path, blocks: Sequence[Block]) -> None:
    """Write blocks as a CSV file that reads back as exactly the same blocks, without laws of their leakage.

    Raises OutputError if the file cannot be written.
    """
    leakages = [None if block.leakage is None else block.leakage.total for block in blocks]
    columns = {"power": [block.power for block in blocks], "leakage": leakages}
    given = {name: column for name, column in columns.items() if any(watts is not None for watts in column)}
    lines = [HEADER.removesuffix(",power [W]") + "".join(f",{name} [W]" for name in given)]
    for n, block in enumerate(blocks):
        numbers = [_millimetres(length) for length in (*block.position, *block.size)]
        watts = ["" if column[n] is None else repr(column[n]) for column in given.values()]
        lines.append(",".join([_escaped(block.name), *numbers, *watts]))
    write_atomic(path, ("\n".join(lines) + "\n").encode())


def _read_header(table: DelimitedTable) -> Header:
    """Return the columns of a floorplan in their order. Raises DescriptionError with all diagnostics."""
    line, text = table.numbers[0], table.texts[0]
    if "," not in text and re.search(r"[;\t]", text):
        message, hint = "the columns are not separated by commas", f"write {HEADER}, with decimal points"
        raise DescriptionError(table.diagnostic("", message, hint, "E-FILE", line, 1))
    header, diagnostics = table.read_header(HEADER, _read_label)
    given = {column.name for column in header.columns}
    given |= {re.split(r"\s*[\[(]", column.label)[0] for column in header.columns}
    diagnostics += [
        table.missing_column(name, HEADER) for name in COLUMNS if name not in given and name not in OPTIONAL
    ]
    if diagnostics:
        raise DescriptionError(diagnostics)
    return header


def _read_label(label: str, start: int) -> Column:
    name, _ = split_label(label)
    if name not in COLUMNS:
        known = suggest(name, COLUMNS) or f"the columns are {', '.join(COLUMNS)}"
        raise fail("E-KEY", f"unknown column {quote_value(label)}", known)
    if name == "name":
        return Column(name, label, start)
    return column_with_unit(name, label, start, _quantity(name).dimension, "W" if name in OPTIONAL else "mm")


def _quantity(name: str) -> Quantity:
    """Return the quantity of a column of numbers."""
    quantity: Quantity = next(part for part in COLUMNS[name].__metadata__ if isinstance(part, Quantity))
    return quantity


def _read_names(table: DelimitedTable, header: Header, rows: Rows) -> tuple[list[str], list[Diagnostic]]:
    place = header.index("name")
    names = [cell.strip() for cell in rows.cells[place]]
    if any(name.startswith("'") for name in names):
        names = [name[1:] if name.startswith("'") and _FORMULA.match(name) else name for name in names]
    diagnostics: list[Diagnostic] = []
    first: dict[str, int] = {}
    for row, name in zip(rows.numbers.tolist(), names, strict=True):
        try:
            read_block_name(name)
            if first.setdefault(name, row) != row:
                line = table.numbers[1 + first[name]]
                raise fail("E-DUPLICATE", f"two blocks are named {name!r}, the first in line {line}")
        except PydanticCustomError as error:
            diagnostics.append(table.cell_diagnostic(header, "name", error, row, place))
            if len(diagnostics) >= MAX_DIAGNOSTICS:
                break
    return names, diagnostics


def _read_column(
    table: DelimitedTable, header: Header, rows: Rows, place: int, names: Sequence[str]
) -> tuple[np.ndarray, list[Diagnostic]]:
    """Return a column in SI units, NaN for a blank power or leakage, and its diagnostics."""
    column, cells = header.columns[place], rows.cells[place]
    quantity = _quantity(column.name)
    values = column.values(cells)
    low, high = quantity.plausible or (-math.inf, math.inf)
    low = low if quantity.min is None else max(low, quantity.min)
    diagnostics = []
    with np.errstate(invalid="ignore"):
        suspects = np.flatnonzero(~(np.isfinite(values) & (values >= low) & (values <= high)))
    for n in suspects.tolist():
        cell, value = cells[n].strip(), float(values[n])
        if not cell and column.name in OPTIONAL:
            continue
        try:
            if not math.isfinite(value):
                raise number_error(cell)
            quantity.check(value)
        except PydanticCustomError as error:
            field, row = f"{names[n]}.{column.name}", int(rows.numbers[n])
            diagnostics.append(table.cell_diagnostic(header, field, error, row, place))
            if len(diagnostics) >= MAX_DIAGNOSTICS:
                break
    return values, diagnostics


def _escaped(name: str) -> str:
    """Return a name as a cell: quoted if needed, and with an apostrophe if it looks like a formula."""
    if _FORMULA.match(name):
        name = f"'{name}"
    return '"' + name.replace('"', '""') + '"' if re.search(r'[",]|\A#', name) else name


def _millimetres(length: float) -> str:
    """Return a length [m] as the exact decimal number of millimetres."""
    exact = Decimal(repr(length)).scaleb(3).normalize()
    plain = f"{exact:f}"
    return plain if len(plain) <= 24 else str(exact)
