"""Traces in files: a header with units, rows of times and values, every fault at its line and column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic
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
from thermostack.schema.fields import fail, suggest
from thermostack.transient.trace import Origin, Trace
from thermostack.transient.trace_checks import CHOICES, After, Kind, Rest
from thermostack.transient.waveform import column_diagnostic, face_of
from thermostack.units import UnitError, parse_quantity

HEADER = "time [ms],gpu [W]"
CHUNK = 20_000  # rows that are texts at one time
_UNITS = {"power": "W", "fraction": "1", "temperature": "K"}  # what a column may be, and its unit in a trace
_ARE_NUMBERS = re.compile(rf"(?:{NUMBER}\n)*+")
_DIGITS = Context(prec=100, traps=[])  # exact for any number that is read and any unit
_PRAGMA = re.compile(r"#!(.*)")
_FORGOTTEN = re.compile(r"#\s*(kind|after|rest|period)\s*[:=]")
_SETTINGS = "like #! kind: linear, after: repeat"


def read_trace(
    path: str | Path,
    *,
    kind: Kind | None = None,
    after: After | None = None,
    period: float | None = None,
    rest: Rest | None = None,
) -> Trace:
    """Return the trace of a CSV file whose header is like "time [ms], gpu [W], hbm.west_0 [%]".

    Columns are named as those of a `Trace`, each with its unit; % is a share of what is drawn. Cells are
    separated by commas or by semicolons, and lines that begin with # are comments. One that begins with #!
    says how the rows are meant, "#! kind: linear, after: repeat, period: 20 ms, rest: drawn"; an argument
    goes before it. Without either it is steps, a run longer than the trace is refused, and a layer has a
    column for all of its blocks or for none. Raises DescriptionError with every fault of the file.
    """
    sheet = read_table(path)
    settings, diagnostics = _read_settings(sheet)
    given = {"kind": kind, "after": after, "period": period, "rest": rest}
    settings |= {key: value for key, value in given.items() if value is not None}
    settings = {"kind": "steps", "after": "refuse", "period": None, "rest": "refuse"} | settings
    header, found = _read_header(sheet, is_stepped=settings["kind"] != "linear")
    if diagnostics or found:
        _refuse([*diagnostics, *found])
    if len(sheet.texts) == 1:
        _refuse([sheet.diagnostic("", "has a header but no rows", HEADER, "E-MISSING")])
    table, diagnostics, is_told = _read_rows(sheet, header)
    time = next(place for place, column in enumerate(header.columns) if column.name == "time")
    rest_of = [place for place in range(len(header.columns)) if place != time]
    columns = [header.columns[place] for place in rest_of]
    origin = Origin(
        sheet.file,
        sheet.numbers[0],
        tuple(column.start + 1 for column in columns),
        np.array(sheet.numbers[1:], dtype=np.int32),
    )
    names, units = (tuple(getattr(column, key) for column in columns) for key in ("name", "unit"))
    try:
        trace = Trace(table[:, time], names, units, table[:, rest_of], **settings, origin=origin)
    except DescriptionError as error:
        for diagnostic in error.diagnostics:
            place, row = _place_of(diagnostic, time, rest_of)
            if row is None or not is_told[row, place]:
                diagnostics.append(_placed(sheet, header, diagnostic, place, row))
    if diagnostics:
        _refuse(diagnostics)
    return trace


def _refuse(diagnostics: list[Diagnostic]) -> None:
    diagnostics.sort(key=lambda diagnostic: (diagnostic.line or 0, diagnostic.column or 0))
    raise DescriptionError(diagnostics[:MAX_DIAGNOSTICS])


def _place_of(diagnostic: Diagnostic, time: int, rest_of: Sequence[int]) -> tuple[int, int | None]:
    """Return column and row in the file that a fault of a trace is about."""
    _, part, *where = diagnostic.path
    if part == "times" and where:
        return time, int(where[0])
    if part == "values" and len(where) == 2:
        return rest_of[int(where[1])], int(where[0])
    return time, None


def _placed(
    sheet: DelimitedTable, header: _Header, diagnostic: Diagnostic, place: int, row: int | None
) -> Diagnostic:
    """Return a fault of a trace at the cell of the file it is about; without a row, at the file's last."""
    if row is None:
        key = str(diagnostic.path[1])
        return replace(diagnostic, field="" if key == "values" else key).located_at(
            sheet.file, sheet.numbers[-1]
        )
    cells = split_line(sheet.texts[row + 1], header.separator)
    field = header.columns[place].name
    return replace(diagnostic, field=field).located_at(
        sheet.file, sheet.numbers[row + 1], cells[place][0] + 1
    )


# -- what comments say -----------------------------------------------------------------------


def _read_settings(sheet: DelimitedTable) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Return what the lines that begin with #! say, and what is wrong with them."""
    settings: dict[str, Any] = {}
    diagnostics: list[Diagnostic] = []
    for number, text in sheet.comments:
        if forgotten := _FORGOTTEN.match(text):
            hint = f"write #! {forgotten[1]}: ... where it is meant"
            diagnostics.append(
                sheet.diagnostic(forgotten[1], "stands in a plain comment", hint, "E-KEY", number, 1)
            )
        match = _PRAGMA.match(text)
        if match is None:
            continue
        column = 3
        for piece in match[1].split(","):
            try:
                key, value = _read_setting(piece)
                if key in settings:
                    raise fail("E-DUPLICATE", f"{key} is said twice")
                settings[key] = value
            except PydanticCustomError as error:
                start = column + len(piece) - len(piece.lstrip())
                diagnostics.append(
                    sheet.diagnostic(piece.partition(":")[0].strip(), *error_parts(error), number, start)
                )
            column += len(piece) + 1
    return settings, diagnostics


def _read_setting(text: str) -> tuple[str, Any]:
    key, colon, value = (part.strip() for part in text.partition(":"))
    known = (*CHOICES, "period")
    if not colon or key not in known:
        hint = suggest(key, known) or _SETTINGS
        raise fail("E-KEY", f"{quote_value(text.strip())} says nothing about a trace", hint)
    if key == "period":
        try:
            return key, parse_quantity(value, "time")
        except UnitError as error:
            raise fail("E-UNIT", str(error)) from None
    if value not in CHOICES[key]:
        hint = suggest(value, CHOICES[key])
        raise fail("E-NAME", f"{quote_value(value)} is not one of {', '.join(CHOICES[key])}", hint)
    return key, value


# -- the header ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    """A column of the file, and how its numbers become those of a trace: value = number * factor + zero."""

    name: str
    start: int  # of its label in the header, from 0
    unit: str = ""  # in the trace
    factor: Decimal = Decimal(1)
    zero: Decimal = Decimal(0)

    def values(self, cells: Sequence[str]) -> np.ndarray:
        """Return the values of plain numbers, each rounded once from its text."""
        if self.factor == 1 and self.zero == 0:
            return np.array([float(cell) for cell in cells])
        exponent = self.factor.adjusted()
        if self.zero == 0 and self.factor == Decimal(1).scaleb(exponent):
            tail = f"e{exponent}"
            if not any("e" in cell or "E" in cell for cell in cells):
                return np.array([float(cell + tail) for cell in cells])
        return np.array([self._value(cell) for cell in cells])

    def _value(self, cell: str) -> float:
        return float(_DIGITS.add(_DIGITS.multiply(Decimal(cell), self.factor), self.zero))


@dataclass(frozen=True)
class _Header:
    columns: list[_Column]
    separator: str


def _read_header(sheet: DelimitedTable, *, is_stepped: bool) -> tuple[_Header, list[Diagnostic]]:
    """Return the columns in their order, and what is wrong with them."""
    line, text = sheet.numbers[0], sheet.texts[0]
    separator = ","
    try:
        cells = split_line(text)
        if len(cells) == 1 and ";" in text:
            separator = ";"
            cells = split_line(text, separator)
    except ValueError as error:
        _refuse([sheet.diagnostic("", str(error), f"the header is like {HEADER}", "E-FILE", line, 1)])
    columns: list[_Column] = []
    diagnostics: list[Diagnostic] = []
    for start, label in cells:
        try:
            column = _read_label(label, start, is_stepped)
            if column.name in [other.name for other in columns]:
                raise fail("E-DUPLICATE", f"there are two columns {column.name!r}")
        except PydanticCustomError as error:
            diagnostics.append(sheet.diagnostic(label, *error_parts(error), line, start + 1))
            column = _Column(_name_and_unit(label)[0], start)
        columns.append(column)
    hint = f"the header is like {HEADER}"
    if len(columns) == 1 and "\t" in text:
        diagnostic = sheet.diagnostic(
            "", "the columns are separated by tabs", "write commas", "E-FILE", line, 1
        )
        return _Header(columns, separator), [diagnostic]
    if "time" not in [column.name for column in columns]:
        diagnostics.append(sheet.diagnostic("time", "there is no column 'time'", hint, "E-MISSING", line, 1))
    elif len(columns) == 1:
        diagnostics.append(
            sheet.diagnostic("", "there are times but nothing over them", hint, "E-MISSING", line, 1)
        )
    return _Header(columns, separator), diagnostics


def _name_and_unit(label: str) -> tuple[str, str | None]:
    match = re.fullmatch(r"(.*?)\s*\[([^\[\]]*)\]", label)
    return (match[1], match[2].strip()) if match else (label, None)


def _read_label(label: str, start: int, is_stepped: bool) -> _Column:
    name, unit = _name_and_unit(label)
    if not name:
        raise fail("E-NAME", "a column has no name", f"the header is like {HEADER}")
    face = face_of(name)
    example = {"time": "ms"}.get(name, "W" if face is None else "%" if face[1] else "degC")
    if unit is None:
        raise fail("E-UNIT", f"the column {quote_value(name)} has no unit", f"write {name} [{example}]")
    if name == "time":
        try:
            return _Column(name, start, "s", _size(unit, "time"))
        except UnitError as error:
            raise fail("E-UNIT", f"the unit of a column: {error}", f"write {name} [{example}]") from None
    for dimension, own in _UNITS.items():
        try:
            zero = Decimal(repr(parse_quantity(f"0 {unit}", dimension)))
        except UnitError:
            continue
        wrong = column_diagnostic(name, own, is_stepped=is_stepped)
        if wrong is not None:
            text, hint, code = wrong
            raise fail(code, text, hint)
        difference = "temperature_difference" if dimension == "temperature" else dimension
        return _Column(name, start, own, _size(unit, difference), zero)
    text = f"{quote_value(unit)} is no unit of a power, a share or a temperature"
    raise fail("E-UNIT", text, f"write {name} [{example}]{' or [%]' if face is None else ''}")


def _size(unit: str, dimension: str) -> Decimal:
    return Decimal(repr(parse_quantity(f"1 {unit}", dimension)))


# -- the rows --------------------------------------------------------------------------------


def _read_rows(sheet: DelimitedTable, header: _Header) -> tuple[np.ndarray, list[Diagnostic], np.ndarray]:
    """Return the values, (rows, columns), the faults of their cells, and for which cells one is told."""
    rows = len(sheet.texts) - 1
    table = np.full((rows, len(header.columns)), np.nan)
    is_told = np.zeros(table.shape, dtype=bool)
    diagnostics: list[Diagnostic] = []
    for start in range(0, rows, CHUNK):
        rows_of, cells, found = _split_rows(sheet, header, start)
        for diagnostic, row in found:
            is_told[row] = True
            diagnostics.append(diagnostic)
        for place, (column, texts) in enumerate(zip(header.columns, cells, strict=True)):
            is_number = _are_numbers(texts)
            plain = texts if is_number.all() else list(compress(texts, is_number))
            table[rows_of[is_number], place] = column.values(plain)
            for n in np.flatnonzero(~np.isfinite(table[rows_of, place]))[:MAX_DIAGNOSTICS].tolist():
                is_told[rows_of[n], place] = True
                diagnostics.append(_cell_diagnostic(sheet, header, place, int(rows_of[n]), texts[n]))
        if len(diagnostics) >= MAX_DIAGNOSTICS:
            is_told[start:] = True
            break
    return table, diagnostics, is_told


def _split_rows(
    sheet: DelimitedTable, header: _Header, start: int
) -> tuple[np.ndarray, list[list[str]], list[tuple[Diagnostic, int]]]:
    """Return some rows from `start` on: their numbers, their cells by column, and faults of others."""
    texts, width = sheet.texts[1 + start : 1 + start + CHUNK], len(header.columns)
    if all(text.count(header.separator) == width - 1 and '"' not in text for text in texts):
        joined = header.separator.join(texts)
        cells = joined.split(header.separator)  # without a list per row: that is several times as fast
        if " " in joined or "\t" in joined:
            cells = [cell.strip() for cell in cells]
        return np.arange(start, start + len(texts)), [cells[place::width] for place in range(width)], []
    numbers: list[int] = []
    table: list[list[str]] = [[] for _ in range(width)]
    diagnostics: list[tuple[Diagnostic, int]] = []
    for row, text in enumerate(texts, start):
        try:
            found = _cells_of(text, header)
        except PydanticCustomError as error:
            diagnostics.append((sheet.diagnostic("", *error_parts(error), sheet.numbers[row + 1], 1), row))
            continue
        numbers.append(row)
        for column, cell in zip(table, found, strict=True):
            column.append(cell)
    return np.array(numbers, dtype=np.intp), table, diagnostics


def _cells_of(text: str, header: _Header) -> list[str]:
    """Return the cells of a row, one for each column."""
    try:
        if '"' in text:
            cells = [cell for _, cell in split_line(text, header.separator)]
        else:
            cells = [cell.strip() for cell in text.split(header.separator)]
    except ValueError as error:
        raise fail("E-FILE", str(error), 'write "" for a quote inside quotes') from None
    if len(cells) != len(header.columns):
        is_more = len(cells) > len(header.columns) and header.separator == ","
        message = f"{len(cells)} cells where the header has {len(header.columns)}"
        raise fail("E-FILE", message, "write decimal points, not commas" if is_more else "")
    return cells


def _are_numbers(cells: Sequence[str]) -> np.ndarray:
    """Return which cells are the text of a number."""
    is_short = max(map(len, cells), default=0) <= MAX_NUMBER_LENGTH
    if is_short and _ARE_NUMBERS.fullmatch("".join(f"{cell}\n" for cell in cells)):
        return np.ones(len(cells), dtype=bool)
    each = [len(cell) <= MAX_NUMBER_LENGTH and IS_NUMBER.fullmatch(cell) is not None for cell in cells]
    return np.array(each, dtype=bool)


def _cell_diagnostic(sheet: DelimitedTable, header: _Header, place: int, row: int, cell: str) -> Diagnostic:
    """Return what is wrong with a cell that is no finite number."""
    line = sheet.numbers[row + 1]
    start = split_line(sheet.texts[row + 1], header.separator)[place][0]
    try:
        check_number(cell)
        raise fail("E-RANGE", f"{cell} is not a finite number")
    except PydanticCustomError as error:
        return sheet.diagnostic(header.columns[place].name, *error_parts(error), line, start + 1)
