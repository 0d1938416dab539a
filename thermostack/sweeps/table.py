"""Table of a sweep: a row for each case, as CSV and as Parquet, written from the log."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from thermostack.errors import DescriptionError, Diagnostic, ThermostackError
from thermostack.io.files.atomic_file import atomic_file, write_all, write_atomic
from thermostack.io.files.delimited_text import split_label
from thermostack.io.results.summary import escape_formula
from thermostack.sweeps.case_log import read_log
from thermostack.sweeps.case_rows import Cell, Row

ROWS_PER_WRITE = 1000  # rows in memory as text at the same time
PARQUET_SUFFIX = ".parquet"
INSTALL_HINT = 'pip install "thermostack[sweep]"'


def write_csv(log: Path, table: Path) -> int:
    """Write the rows of a log as CSV in the order of the cases; return their number.

    The header has the units; unknown values are empty. Raises OutputError if the file cannot be written.
    """
    header, rows = read_log(log)
    count = 0
    with atomic_file(table, log.stat().st_size) as file:
        write_all(file, _text([[escape_formula(name) for name in header["columns"]]]))
        for batch in _batches(rows):
            write_all(file, _text(map(_as_texts, batch)))
            count += len(batch)
    return count


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == ROWS_PER_WRITE:
            yield batch
            batch = []
    if batch:
        yield batch


def _as_texts(row: Row) -> list[str]:
    return [_as_text(cell) for cell in row]


def _as_text(cell: Cell) -> str:
    if cell is None:
        return ""
    return escape_formula(cell) if isinstance(cell, str) else repr(cell)


def _text(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


# -- Parquet -----------------------------------------------------------------------------------------------


def import_pyarrow() -> Any:
    """Return pyarrow. Raises ThermostackError with the command that installs it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ThermostackError(f"Parquet tables need pyarrow: {INSTALL_HINT}") from None
    return pyarrow


def write_parquet(log: Path, table: Path) -> None:
    """Write the rows of a log as Parquet, with the columns of the CSV table.

    Raises ThermostackError without pyarrow, OutputError if the file cannot be written.
    """
    pyarrow = import_pyarrow()
    header, rows = read_log(log)
    names = header["columns"]
    kinds = dict(zip(names, header["kinds"], strict=True))
    types = {"text": pyarrow.string(), "whole": pyarrow.int64(), "number": pyarrow.float64()}
    schema = pyarrow.schema([pyarrow.field(name, types[kinds[name]]) for name in names])
    sink = pyarrow.BufferOutputStream()
    with pyarrow.parquet.ParquetWriter(sink, schema) as writer:
        for batch in _batches(rows):
            columns = [pyarrow.array(list(cells), types[kinds[name]]) for name, cells in
                       zip(names, zip(*batch, strict=True), strict=True)]  # fmt: skip
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
    write_atomic(table, sink.getvalue().to_pybytes())


# -- reading -------------------------------------------------------------------------------------------------


def read_cells(path: Path) -> tuple[list[str], list[list[Any]]]:
    """Return the header and the columns of a table: CSV, Parquet, or the log of a sweep.

    Raises DescriptionError (E-FILE) if the file is not the table of a sweep.
    """
    if path.suffix == PARQUET_SUFFIX:
        table = import_pyarrow().parquet.read_table(os.fspath(path))
        names, columns = table.column_names, [column.to_pylist() for column in table.columns]
    elif path.suffix == ".csv":
        names, columns = _read_csv(path)
    else:
        header, rows = read_log(path)
        names = header["columns"]
        columns = [list(cells) for cells in zip(*rows, strict=True)] or [[] for _ in names]
    if names[:1] != ["case"] or "status" not in names or names[-1:] != ["message"]:
        hint = "name the .csv, .parquet or .sweeplog file that `thermostack sweep` has written"
        raise DescriptionError(Diagnostic("", "is not the table of a sweep", hint, "E-FILE", str(path)))
    return names, columns


def _read_csv(path: Path) -> tuple[list[str], list[list[Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names, *rows = [*csv.reader(file)] or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        text = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise DescriptionError(Diagnostic("", text, "", "E-FILE", str(path))) from None
    for line, row in enumerate(rows, 2):
        if len(row) != len(names):
            text = f"expected {len(names)} cells as in the header, got {len(row)}"
            raise DescriptionError(Diagnostic("", text, "", "E-FILE", str(path), line))
    names = [_unescaped(name) for name in names]
    return names, [[_unescaped(row[n]) for row in rows] for n in range(len(names))]


def _unescaped(text: str) -> str:
    """Return a text without the apostrophe of `escape_formula`."""
    return text[1:] if text.startswith("'") and escape_formula(text[1:]) == text else text


def name_and_unit(label: str) -> tuple[str, str]:
    """Return the name and the unit of a column; the unit is "" if there is none."""
    name, unit = split_label(label)
    return name, unit or ""
