"""Table of the distance to thermal runaway."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from thermostack.report.table_layout import add_number_column, format_power, header_table
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from thermostack.results.runaway_result import CriticalValue, RunawayResult


def runaway_table(result: RunawayResult) -> Table:
    """Return the operating point, and one row for each critical value."""
    table = header_table()
    add_number_column(table, "now")
    add_number_column(table, "critical")
    add_number_column(table, "within")
    add_number_column(table, "states solved")
    for each in result.critical:
        table.add_row(Text(_title(each)), *_values(each), str(len(each.points)))
    return table


def operating_point(result: RunawayResult) -> str:
    """Return the sentence on the operating point."""
    leakage = f"{format_power(result.power)} W and {format_power(result.leakage)} W of leakage"
    if result.loop_gain is None or result.temperature is None:
        return f"no steady state at {leakage} at its reference temperature: thermal runaway"
    temperature = format_quantity(result.temperature, "temperature")
    return f"loop gain {result.loop_gain:.3g} at {temperature}, with {leakage}"


def _title(value: CriticalValue) -> str:
    title = f"{value.quantity}, {value.name}" if value.name else value.quantity
    return title if value.outcome == "runaway" or math.isinf(value.high) else f"{title} ({value.outcome})"


def _values(value: CriticalValue) -> tuple[str, str, str]:
    """Return the present and the critical value, and the width of the interval."""
    unit = {"ambient change": "temperature_difference", "cooler resistance": "thermal_resistance"}
    dimension = unit.get(value.quantity)

    def shown(number: float) -> str:
        return f"{number:.4g}" if dimension is None else format_quantity(number, dimension)

    if math.isinf(value.high):
        return shown(value.present), f"none below {shown(value.low)}", ""
    if not value.points:
        return shown(value.present), f"below {shown(value.high)}", ""
    return shown(value.present), shown(value.value), shown(value.high - value.low)
