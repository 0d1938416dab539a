"""Tables of an influence matrix: resistances of outputs by sources, heat through faces, and a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.table_layout import (
    MAX_NAME_WIDTH,
    add_files_row,
    add_name_column,
    add_number_column,
    fact_table,
    format_celsius,
    format_stage_times,
    header_table,
)

if TYPE_CHECKING:
    from thermostack.results.influence_result import InfluenceMatrix

MIN_COLUMN_WIDTH = 10  # characters of a column with the space beside it
MAX_ROWS = 40  # outputs that are listed without --all


def influence_table(matrix: InfluenceMatrix, width: int, *, all_parts: bool = False) -> list[RenderableType]:
    """Return the table of resistances [K/W] and heat [W/W], with a line on omitted rows and columns.

    The sources are those with the most power, the outputs those with the largest rise at these powers.
    """
    order = np.argsort(-matrix.power, kind="stable")
    widths = [max(MIN_COLUMN_WIDTH, len(matrix.sources[n]) + 2) for n in order.tolist()]
    left = width - MAX_NAME_WIDTH - 2 * MIN_COLUMN_WIDTH
    shown = max(1, sum(total <= left for total in accumulate(widths)))
    columns = np.sort(order[:shown]).tolist()
    rows = np.arange(len(matrix.outputs))
    if not all_parts and rows.size > MAX_ROWS:
        rise = matrix.resistance @ matrix.power
        rows = np.sort(np.argsort(-rise, kind="stable")[:MAX_ROWS])
    table = _empty_table(matrix, columns)
    t = matrix.temperatures()
    for n in rows.tolist():
        cells = [f"{matrix.resistance[n, column]:.4g}" for column in columns]
        table.add_row(matrix.outputs[n], format_celsius(float(t[n])), *cells)
    for face, heat in matrix.heat_by_face.items():
        total = heat @ matrix.power
        cells = [f"{heat[column]:.4f}" for column in columns]
        table.add_row(f"heat through {face}", f"{total:.4g} W", *cells, style="dim")
    notes = []
    if hidden := len(matrix.sources) - len(columns):
        notes.append(f"{hidden} more sources")
    if hidden := len(matrix.outputs) - rows.size:
        notes.append(f"{hidden} more outputs (--all)")
    note = f"and {' and '.join(notes)} in the files and in --json" if notes else ""
    return [table, Text(note, style="dim")] if note else [table]


def _empty_table(matrix: InfluenceMatrix, columns: Sequence[int]) -> Table:
    """Return an empty table with a column for the output, its temperature and some sources."""
    table = header_table()
    add_name_column(table, "output (mean)")
    add_number_column(table, "described", "degC")
    for n in columns:
        add_number_column(table, matrix.sources[n], "K/W, W/W")
    return table


def summary_table(
    matrix: InfluenceMatrix, seconds: Mapping[str, float], files: Sequence[str]
) -> RenderableType:
    """Return the table of sources, ambients, operating point, check, wall-clock times [s] and files."""
    table = fact_table()
    described = f"{len(matrix.sources)} with {matrix.power.sum():.5g} W"
    other = f", {matrix.other_power:.5g} W of other sources in the constant" if matrix.other_power else ""
    table.add_row("sources", Text(described + other))
    ambients = zip(matrix.ambients, matrix.ambient_temperature.tolist(), strict=True)
    table.add_row("ambients", Text(", ".join(f"{name} {format_celsius(t)} degC" for name, t in ambients)))
    table.add_row("linear", Text(matrix.linearised_at))
    if matrix.peaks is not None:
        hottest = max(matrix.hottest(), key=lambda each: each.max)
        text = f"{hottest.name} {format_celsius(hottest.max)} degC at the described powers"
        error = "" if hottest.error is None else f" +- {hottest.error:.2g} K of a solve"
        table.add_row("peak", Text(f"{text}{error}; all peaks within {matrix.peaks.difference:.2g} K"))
    columns = len(matrix.sources) + len(matrix.ambients)
    table.add_row("solver", Text(f"{matrix.iterations} iterations for {columns} columns"))
    table.add_row("time", format_stage_times(seconds))
    add_files_row(table, files)
    return table
