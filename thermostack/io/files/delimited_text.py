"""Text files of separated cells: what is in them, at which line and column, and what is not right."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic_core import PydanticCustomError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.schema.fields import fail, suggest

MAX_BYTES = 200_000_000  # a map of 4000 x 4000 as text is under this
MAX_DIAGNOSTICS = 1000  # faults of a file beyond these are not looked for
MAX_NUMBER_LENGTH = 64  # characters of a number
NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
IS_NUMBER = re.compile(NUMBER)


@lru_cache
def _cell(separator: str) -> re.Pattern[str]:
    return re.compile(
        rf'[ \t]*+"((?:[^"]|"")*+)"[ \t]*+(?:{separator}|\Z)|([^"{separator}]*+)(?:{separator}|\Z)'
    )


@dataclass(frozen=True)
class DelimitedTable:
    """The lines of a text file."""

    file: str
    texts: list[str]  # of the lines, comments and blank ones left out
    numbers: list[int]  # of those lines, from 1
    comments: tuple[tuple[int, str], ...] = ()  # number and text of the lines that begin with #

    def diagnostic(
        self,
        field: str,
        message: str,
        hint: str,
        code: str,
        line: int | None = None,
        column: int | None = None,
    ) -> Diagnostic:
        """Return a fault at a place of this file."""
        return Diagnostic(field, message, hint, code, self.file, line, column)


def read_bytes(path: str | Path) -> bytes:
    """Return what a file holds, or raise why it cannot be read."""
    path = Path(path)

    def refuse(message: str, hint: str = "") -> DescriptionError:
        return DescriptionError(Diagnostic("", message, hint, "E-FILE", str(path)))

    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise refuse("is a directory", "name a file in it")
        if not stat.S_ISREG(status.st_mode):
            raise refuse("is not a plain file")
        if status.st_size > MAX_BYTES:
            size = f"{status.st_size / 1e6:.0f} MB are more than the {MAX_BYTES / 1e6:.0f} MB allowed"
            raise refuse(size, "make the map coarser, or save it as NPY")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        near = [other.name for other in path.parent.glob(f"*{path.suffix}")] if path.parent.is_dir() else []
        raise refuse("there is no such file", suggest(path.name, near)) from None
    except (OSError, ValueError) as error:
        raise refuse(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not data.strip():
        raise refuse("is empty")
    return data


def read_table(path: str | Path) -> DelimitedTable:
    """Return the lines of a text file, or raise why there are none."""
    return parse_table(read_bytes(path), os.fspath(path))


def parse_table(data: bytes, file: str) -> DelimitedTable:
    """Return the lines of a text file in UTF-8 with any line ends, or raise what it is instead."""

    def refuse(message: str, hint: str) -> DescriptionError:
        return DescriptionError(Diagnostic("", message, hint, "E-FILE", file))

    hint = "save it as CSV (comma separated, UTF-8)"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse("is UTF-16 text", hint)
    kinds = {
        b"PK\x03\x04": "is a ZIP archive or a workbook",
        b"\x1f\x8b": "is compressed",
        b"\x93NUMPY": "is a NumPy array",
    }
    for magic, what in kinds.items():
        if data.startswith(magic):
            raise refuse(what, hint)
    if b"\0" in data:
        raise refuse("is not text", hint)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        head = data[: error.start]
        line, column = head.count(b"\n") + 1, len(head.rpartition(b"\n")[2].decode()) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8 text"
        raise DescriptionError(Diagnostic("", message, hint, "E-FILE", file, line, column)) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    numbers = [n for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not numbers:
        raise refuse("holds nothing but blank lines and comments", "")
    comments = tuple((n, line) for n, line in enumerate(lines, 1) if line.startswith("#"))
    return DelimitedTable(file, [lines[n - 1] for n in numbers], numbers, comments)


def split_line(text: str, separator: str = ",") -> list[tuple[int, str]]:
    """Return where each cell of a line begins, from 0, and what it says; quotes are taken off."""
    pattern = _cell(separator)
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


def check_number(cell: str) -> None:
    """Raise where a cell is not the text of a finite number."""
    if not cell:
        raise fail("E-MISSING", "is blank", "a number is due")
    if len(cell) > MAX_NUMBER_LENGTH:
        hint = f"a number has up to {MAX_NUMBER_LENGTH} characters"
        raise fail("E-TYPE", f"{quote_value(cell)} is not a number", hint)
    if IS_NUMBER.fullmatch(cell):
        return
    if cell.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise fail("E-RANGE", f"{cell!r} is not a finite number", "")
    hint = ""
    if IS_NUMBER.fullmatch(point := cell.replace(",", ".")):
        hint = f"did you mean {point}?"
    elif IS_NUMBER.match(cell):
        hint = "a number alone is due; its unit stands elsewhere"
    raise fail("E-TYPE", f"{quote_value(cell)} is not a number", hint)


def error_parts(error: PydanticCustomError) -> tuple[str, str, str]:
    """Return message, remedy and code of what a check raised."""
    context = error.context or {}
    return context["text"], context["hint"], error.type


def quote_value(text: object) -> str:
    """Return a text in quotes, shortened."""
    whole = repr(text)
    return whole if len(whole) <= 60 else f"{whole[:57]}..."
