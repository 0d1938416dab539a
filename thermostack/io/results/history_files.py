"""Writer of the history of a transient as CSV: values at every step, and powers as a trace."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thermostack.io.files.atomic_file import atomic_file, write_all
from thermostack.io.results.summary import escape_formula

if TYPE_CHECKING:
    from thermostack.results.transient_result import TransientResult

_ROWS_PER_WRITE = 1000  # rows in memory as text at the same time
_BYTES_PER_NUMBER = 20  # approximate length of a number as text
_ENERGIES = ("generated [J]", "outflow [J]", "stored [J]")


def write_history_csv(transient: TransientResult, path: str | Path) -> None:
    """Write a row for every step: time, power and temperatures of parts and blocks, probes, energies.

    The header has the units; numbers have all digits, and unknown values are empty. Raises OutputError if the
    file cannot be written.
    """
    header = ["time [s]"]
    columns = [transient.time]
    for n, name in enumerate(transient.names):
        for quantity, unit, values in (
            ("power", "W", transient.power),
            ("min", "K", transient.min),
            ("mean", "K", transient.mean),
            ("max", "K", transient.max),
        ):
            header.append(f"{name} {quantity} [{unit}]")
            columns.append(values[:, n])
    for name, values in transient.probes.items():
        header.append(f"{name} [K]")
        columns.append(values)
    _write(path, "", [*header, *_ENERGIES], [*columns, *transient.energy.T])


def write_power_csv(transient: TransientResult, path: str | Path) -> None:
    """Write the powers at every step as a trace of steps, which `read_trace` reads.

    A layer with blocks has a column for each block, and any other powered layer has one. If the power changed
    in steps, the trace is exactly this power; if it changed linearly or with temperature, each value is held
    until the next. Raises OutputError if the file cannot be written.
    """
    model, names = transient.model, transient.names
    with_blocks = {model.parts[block.part].name for block in model.blocks}
    is_powered = np.any(transient.power != 0.0, axis=0)
    chosen = [n for n, name in enumerate(names) if name not in with_blocks and is_powered[n]]
    header = ["time [s]", *(f"{names[n]} [W]" for n in chosen)]
    columns = [transient.time, *(transient.power[:, n] for n in chosen)]
    _write(path, "#! kind: steps, after: hold\n", header, columns)


def _write(path: str | Path, first: str, header: Sequence[str], columns: Sequence[np.ndarray]) -> None:
    count = len(columns[0])
    with atomic_file(path, _BYTES_PER_NUMBER * len(columns) * count) as file:
        write_all(file, (first + _lines([[escape_formula(name) for name in header]])).encode())
        for start in range(0, count, _ROWS_PER_WRITE):
            rows = np.column_stack([column[start : start + _ROWS_PER_WRITE] for column in columns])
            write_all(file, _lines(_cells(rows)).encode())


def _cells(rows: np.ndarray) -> Iterator[list[str]]:
    for row in rows.tolist():
        yield [repr(value) if value == value else "" for value in row]  # NaN is not known


def _lines(rows: Sequence[list[str]] | Iterator[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
