"""Table of the power that is allowed for a limited time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table

from thermostack.report.table_layout import add_number_column, format_power, header_table
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from thermostack.results.power_limit_curve import PowerLimitCurve


def power_limit_table(curve: PowerLimitCurve) -> Table:
    """Return the table of durations, powers with their errors by the grid, and energies above the base."""
    table = header_table()
    add_number_column(table, "duration")
    add_number_column(table, "power", "W")
    add_number_column(table, "grid error", "W")
    add_number_column(table, "energy above", "J")
    rows = (curve.duration.tolist(), curve.power.tolist(), curve.error.tolist(), curve.energy.tolist())
    for duration, power, error, energy in zip(*rows, strict=True):
        shown = "" if math.isnan(error) else f"{error:.2g}"
        table.add_row(format_quantity(duration, "time"), format_power(power), shown, f"{energy:.4g}")
    table.add_row("steady", format_power(curve.steady_power), "", "", style="bold")
    return table
