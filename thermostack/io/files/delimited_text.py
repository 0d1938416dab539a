"""Reader of delimited text files: lines, header labels with units, cells, numbers, and their diagnostics.

Floorplans, maps and traces are read by it. Lines that begin with # are comments; blank lines are skipped.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from itertools import compress
from pathlib import Path
from typing import NoReturn

import numpy as np
from pydantic_core import PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.files.file_kinds import SIGNATURE_BYTES, dangling_link, kind_of_content
from thermostack.schema.fields import fail, quote_value
from thermostack.schema.spelling import suggest
from thermostack.units import UnitError, exact_scale

MAX_BYTES = 200_000_000  # a map of 4000 x 4000 numbers as text is smaller
MAX_DIAGNOSTICS = 1000  # per file; reading stops there
MAX_NUMBER_LENGTH = 64  # characters
NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_NUMBER = re.compile(NUMBER)
_NUMBER_LINES = re.compile(rf"(?:{NUMBER}\n)*+")
_LABEL = re.compile(r"(.*?)\s*\[([^\[\]]*)\]")
_DIGITS = Context(prec=100, traps=[])  # exact for the product of any number read here and a decimal unit
_SAVE_AS_CSV = "save it as CSV (comma separated, UTF-8)"


@lru_cache
def _cell_pattern(separator: str) -> re.Pattern[str]:
    return re.compile(
        rf'[ \t]*+"((?:[^"]|"")*+)"[ \t]*+(?:{separator}|\Z)|([^"{separator}]*+)(?:{separator}|\Z)'
    )


@dataclass(frozen=True)
class Column:
    """A column of a table; value [SI] = factor * number + zero."""

    name: str  # the label without its unit
    label: str  # as written in the header
    start: int  # position of the label in the header line, from 0
    unit: str = ""
    factor: Decimal = Decimal(1)
    zero: Decimal = Decimal(0)

    def values(self, cells: list[str]) -> np.ndarray:
        """Return the values [SI] of the cells (n,), each rounded once from its text; NaN if not a number."""
        text = "\n".join(cells)
        if " " in text or "\t" in text:
            cells = [cell.strip() for cell in cells]
            text = "\n".join(cells)
        is_short = max(map(len, cells), default=0) <= MAX_NUMBER_LENGTH
        if is_short and _NUMBER_LINES.fullmatch(f"{text}\n"):
            return np.array(self._scale(cells))
        is_number = [len(cell) <= MAX_NUMBER_LENGTH and bool(_NUMBER.fullmatch(cell)) for cell in cells]
        values = np.full(len(cells), np.nan)
        values[is_number] = self._scale(list(compress(cells, is_number)))
        return values

    def _scale(self, numbers: Sequence[str]) -> list[float]:
        if self.factor == 1 and self.zero == 0:
            return [float(number) for number in numbers]
        exponent = self.factor.adjusted()
        if self.zero == 0 and self.factor == _DIGITS.scaleb(Decimal(1), exponent):
            suffix = f"e{exponent}"
            if not any("e" in number or "E" in number for number in numbers):
                return [float(number + suffix) for number in numbers]
        multiply, add = _DIGITS.multiply, _DIGITS.add
        return [float(add(multiply(Decimal(number), self.factor), self.zero)) for number in numbers]


@dataclass(frozen=True)
class Header:
    """The columns of a table and the character between its cells."""

    columns: list[Column]
    separator: str = ","
    place: str = "the header"  # for messages: the line that sets the number of columns

    def index(self, name: str) -> int:
        """Return the position of the column of a name, from 0."""
        return [column.name for column in self.columns].index(name)


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of a table that have one cell for each column."""

    numbers: np.ndarray  # (n,) of the rows, counted from 0 below the header
    cells: list[list[str]]  # by column


@dataclass(frozen=True)
class DelimitedTable:
    """The lines of a text file."""

    file: str
    texts: list[str]  # of the lines, without comments and blank lines
    numbers: list[int]  # of these lines in the file, from 1
    comments: tuple[tuple[int, str], ...] = ()  # (line number, text)

    def diagnostic(
        self,
        field: str,
        message: str,
        hint: str,
        code: str,
        line: int | None = None,
        column: int | None = None,
    ) -> Diagnostic:
        """Return a diagnostic at a line and a column of this file."""
        return Diagnostic(field, message, hint, code, self.file, line, column)

    def read_header(
        self, example: str, read_label: Callable[[str, int], Column], separators: str = ","
    ) -> tuple[Header, list[Diagnostic]]:
        """Return the header in the first line, and the diagnostics of its labels.

        `read_label` returns the column of a label and its position, or raises the error of `fail`; such a
        column is kept by its name. `example` is shown in messages. Raises DescriptionError if a quote is not
        closed.
        """
        line, text = self.numbers[0], self.texts[0]
        separator, hint = separators[0], f"the header is like {example}"
        labels = self.first_cells(separator, hint)
        if len(labels) == 1 and (other := next((s for s in separators[1:] if s in text), "")):
            separator, labels = other, self.first_cells(other, hint)
        columns: list[Column] = []
        diagnostics: list[Diagnostic] = []
        for start, label in labels:
            column = Column(split_label(label)[0], label, start)
            try:
                column = read_label(label, start)
                if column.name in [other.name for other in columns]:
                    raise fail("E-DUPLICATE", f"there are two columns {column.name!r}")
            except PydanticCustomError as error:
                diagnostics.append(self.diagnostic(label, *error_parts(error), line, start + 1))
            columns.append(column)
        return Header(columns, separator), diagnostics

    def missing_column(self, name: str, example: str) -> Diagnostic:
        """Return the diagnostic of a header without a required column."""
        hint = f"the header is like {example}"
        return self.diagnostic(name, f"there is no column {name!r}", hint, "E-MISSING", self.numbers[0], 1)

    def first_cells(self, separator: str, hint: str) -> list[tuple[int, str]]:
        """Return the position (from 0) and the content of each cell of the first line.

        Raises DescriptionError (E-FILE) with the hint if a quote is not closed.
        """
        try:
            return split_line(self.texts[0], separator)
        except ValueError as error:
            refuse([self.diagnostic("", str(error), hint, "E-FILE", self.numbers[0], 1)])

    def read_rows(
        self, header: Header, first: int = 1, start: int = 0, stop: int | None = None
    ) -> tuple[Rows, list[tuple[Diagnostic, int]]]:
        """Return rows `start` to `stop`, and for each row of another length a diagnostic and its number.

        `first` is the position of row 0 among the lines.
        """
        width, separator = len(header.columns), header.separator
        texts = self.texts[first + start : None if stop is None else first + stop]
        if texts and all(text.count(separator) == width - 1 and '"' not in text for text in texts):
            cells = separator.join(texts).split(separator)  # several times faster than a list for each row
            return Rows(
                np.arange(start, start + len(texts)), [cells[column::width] for column in range(width)]
            ), []
        numbers: list[int] = []
        table: list[list[str]] = [[] for _ in range(width)]
        diagnostics: list[tuple[Diagnostic, int]] = []
        for row, text in enumerate(texts, start):
            try:
                found = _split_row(text, header)
            except PydanticCustomError as error:
                line = self.numbers[first + row]
                diagnostics.append((self.diagnostic("", *error_parts(error), line, 1), row))
                if len(diagnostics) >= MAX_DIAGNOSTICS:
                    break
                continue
            numbers.append(row)
            for column, cell in zip(table, found, strict=True):
                column.append(cell)
        return Rows(np.array(numbers, dtype=np.intp), table), diagnostics

    def cell_diagnostic(
        self, header: Header, field: str, error: PydanticCustomError, row: int, column: int, first: int = 1
    ) -> Diagnostic:
        """Return the diagnostic of a cell, at its line and column of the file."""
        start = split_line(self.texts[first + row], header.separator)[column][0]
        return self.diagnostic(field, *error_parts(error), self.numbers[first + row], start + 1)


def refuse(diagnostics: Sequence[Diagnostic]) -> NoReturn:
    """Raise DescriptionError with the first diagnostics in the order of lines and columns."""
    in_order = sorted(diagnostics, key=lambda each: (each.line or 0, each.column or 0))
    raise DescriptionError(in_order[:MAX_DIAGNOSTICS])


# -- files ------------------------------------------------------------------------------------


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file. Raises DescriptionError (E-FILE) if it cannot be read."""
    path = Path(path)

    def file_error(message: str, hint: str = "") -> DescriptionError:
        return DescriptionError(Diagnostic("", message, hint, "E-FILE", str(path)))

    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise file_error("is a directory", "name a file in it")
        if not stat.S_ISREG(status.st_mode):
            raise file_error("is not a regular file")
        if status.st_size > MAX_BYTES:
            size = f"has {status.st_size / 1e6:.0f} MB, more than the maximum of {MAX_BYTES / 1e6:.0f} MB"
            raise file_error(size, "make the map coarser, or save it as NPY")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if problem := dangling_link(path):
            raise file_error(problem) from None
        near = [other.name for other in path.parent.glob(f"*{path.suffix}")] if path.parent.is_dir() else []
        raise file_error("there is no such file", suggest(path.name, near)) from None
    except (OSError, ValueError) as error:
        raise file_error(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not data.strip():
        raise file_error("is empty")
    return data


def read_table(path: str | Path) -> DelimitedTable:
    """Return the lines of a text file. Raises DescriptionError (E-FILE) if it has none."""
    return parse_table(read_bytes(path), os.fspath(path))


def parse_table(data: bytes, file: str) -> DelimitedTable:
    """Return the lines of UTF-8 text with any line ends. Raises DescriptionError (E-FILE) for other data."""

    def file_error(message: str, hint: str) -> DescriptionError:
        return DescriptionError(Diagnostic("", message, hint, "E-FILE", file))

    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise file_error("is UTF-16 text", _SAVE_AS_CSV)
    if (kind := kind_of_content(data[:SIGNATURE_BYTES])) is not None:
        raise file_error(f"is {kind.noun}, not a table", _SAVE_AS_CSV)
    if b"\0" in data:
        raise file_error("is not text", _SAVE_AS_CSV)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        head = data[: error.start]
        line, column = head.count(b"\n") + 1, len(head.rpartition(b"\n")[2].decode()) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8 text"
        raise DescriptionError(Diagnostic("", message, _SAVE_AS_CSV, "E-FILE", file, line, column)) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    numbers = [n for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not numbers:
        raise file_error("contains only blank lines and comments", "")
    comments = tuple((n, line) for n, line in enumerate(lines, 1) if line.startswith("#"))
    return DelimitedTable(file, [lines[n - 1] for n in numbers], numbers, comments)


# -- lines and cells --------------------------------------------------------------------------


def split_line(text: str, separator: str = ",") -> list[tuple[int, str]]:
    """Return the position (from 0) and the content of each cell of a line, without quotes and outer blanks.

    Raises ValueError if a quote is not closed or not doubled.
    """
    pattern = _cell_pattern(separator)
    cells: list[tuple[int, str]] = []
    position = 0
    while position <= len(text):
        match = pattern.match(text, position)
        if match is None:
            column = text.index('"', position) + 1
            raise ValueError(f"the quote in column {column} is not closed or not doubled")
        cell = match[2] if match[1] is None else match[1].replace('""', '"')
        cells.append((position + len(match[0]) - len(match[0].lstrip()), cell.strip()))
        position = match.end() if match[0].endswith(separator) else len(text) + 1
    return cells


def split_label(label: str) -> tuple[str, str | None]:
    """Return the name and the unit of a label like "width [mm]"; the unit is None if there is none."""
    match = _LABEL.fullmatch(label)
    return (match[1], match[2].strip()) if match else (label, None)


def column_with_unit(name: str, label: str, start: int, dimension: str, default: str) -> Column:
    """Return a column whose label has a unit of a dimension. Raises the error of `fail` if it has not."""
    unit = split_label(label)[1]
    if unit is None:
        raise fail("E-UNIT", f"the column {quote_value(label)} has no unit", f"write {name} [{default}]")
    try:
        return Column(name, label, start, unit, *unit_scale(unit, dimension))
    except UnitError as error:
        raise fail("E-UNIT", f"the unit of a column: {error}", f"write {name} [{default}]") from None


def unit_scale(unit: str, dimension: str) -> tuple[Decimal, Decimal]:
    """Return (factor, zero) of a unit in 100 decimal digits. Raises UnitError as `units.exact_scale` does."""
    factor, zero = (
        _DIGITS.divide(Decimal(exact.numerator), Decimal(exact.denominator))
        for exact in exact_scale(unit, dimension)
    )
    return factor, zero


def _split_row(text: str, header: Header) -> list[str]:
    """Return the cells of a row, one for each column."""
    width = len(header.columns)
    try:
        if '"' in text:
            cells = [cell for _, cell in split_line(text, header.separator)]
        else:
            cells = [cell.strip() for cell in text.split(header.separator)]
    except ValueError as error:
        raise fail("E-FILE", str(error), 'write "" for a quote inside quotes') from None
    if len(cells) != width:
        has_commas = len(cells) > width and header.separator == ","
        message = f"expected {width} cells as in {header.place}, got {len(cells)}"
        raise fail("E-FILE", message, "write decimal points, not commas" if has_commas else "")
    return cells


# -- numbers ----------------------------------------------------------------------------------


def number_error(cell: str) -> PydanticCustomError:
    """Return the error of a cell that is not the text of a finite number."""
    if not cell:
        return fail("E-MISSING", "is blank", "expected a number")
    if len(cell) > MAX_NUMBER_LENGTH:
        hint = f"a number has up to {MAX_NUMBER_LENGTH} characters"
        return fail("E-TYPE", f"{quote_value(cell)} is not a number", hint)
    if _NUMBER.fullmatch(cell):
        return fail("E-RANGE", f"{cell} is not a finite number")
    if cell.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return fail("E-RANGE", f"{cell!r} is not a finite number")
    hint = ""
    if _NUMBER.fullmatch(point := cell.replace(",", ".")):
        hint = f"did you mean {point}?"
    elif _NUMBER.match(cell):
        hint = "expected a number without a unit"
    return fail("E-TYPE", f"{quote_value(cell)} is not a number", hint)


def error_parts(error: PydanticCustomError) -> tuple[str, str, str]:
    """Return the message, the hint and the code of an error of `fail`."""
    context = error.context or {}
    return context["text"], context["hint"], error.type
