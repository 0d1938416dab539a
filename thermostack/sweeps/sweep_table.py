"""Table of a sweep as text and in notebooks: cases, inputs, outputs with their errors, and the status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from thermostack.report.table_layout import add_number_column, header_table
from thermostack.sweeps.case_rows import FAILED

if TYPE_CHECKING:
    from rich.table import Table

    from thermostack.sweeps.sweep_result import SweepResult

MAX_ROWS = 40  # of a table; the first cases are shown
SIGNIFICANT_DIGITS = 5
MAX_MESSAGE = 60  # characters


def sweep_table(result: SweepResult) -> Table:
    """Return the first rows of a sweep."""
    table = header_table()
    names = ["case", *result.inputs, *result.outputs]
    for name in names:
        add_number_column(table, name, result.units.get(name, ""))
    table.add_column("")
    for n in range(min(len(result), MAX_ROWS)):
        cells = [format_cell(result.columns[name][n]) for name in names]
        message = str(result.columns["message"][n]) if "message" in result.columns else ""
        note = f"failed: {message}" if result.columns["status"][n] == FAILED else message
        table.add_row(*cells, note if len(note) <= MAX_MESSAGE else f"{note[:MAX_MESSAGE]}...")
    if len(result) > MAX_ROWS:
        table.add_row(*[""] * len(names), f"and {len(result) - MAX_ROWS} more cases")
    return table


def format_cell(value: object) -> str:
    """Return a number with five significant digits, a text unchanged, and "" where it is unknown.

    >>> format_cell(np.float64(351.23456)), format_cell(np.str_("copper")), format_cell(np.float64("nan"))
    ('351.23', 'copper', '')
    """
    if isinstance(value, np.floating):
        return "" if np.isnan(value) else f"{value:.{SIGNIFICANT_DIGITS}g}"
    return str(value)
