"""Tables of a power budget: powers, and the limits with their prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.table_layout import (
    add_files_row,
    add_name_column,
    add_number_column,
    fact_table,
    format_celsius,
    format_limit,
    format_power,
    format_stage_times,
    header_table,
)

if TYPE_CHECKING:
    from thermostack.results.budget_result import PowerBudget


def power_table(budget: PowerBudget, described: Mapping[str, float]) -> Table:
    """Return the table of the free powers [W] beside the described ones, and the value of their bounds."""
    table = header_table()
    add_name_column(table, "power of")
    add_number_column(table, "budget", "W")
    add_number_column(table, "described", "W")
    add_number_column(table, "at its bound", "W/W")
    for name, power in budget.powers.items():
        bound = budget.bounds.get(name)
        now = described.get(name)
        table.add_row(
            name,
            format_power(power),
            "" if now is None else format_power(now),
            "" if bound is None else f"{bound:.3g}",
        )
    total = sum(described.values())
    table.add_row("all sources", format_power(budget.total), format_power(total), "", style="bold")
    return table


def limit_table(budget: PowerBudget) -> Table:
    """Return the table of the limits that are reached: temperature, limit, price, and resistances [K/W]."""
    table = header_table()
    add_name_column(table, f"limit of the {budget.kind} of")
    add_number_column(table, budget.kind, "degC")
    add_number_column(table, "limit", "degC")
    add_number_column(table, "price", "W/K")
    add_number_column(table, "largest influence", "K/W")
    for each in budget.binding:
        name, rise = max(each.resistance.items(), key=lambda item: item[1])
        t, limit = format_celsius(each.temperature), format_limit(each.limit)
        table.add_row(each.name, t, limit, f"{each.price:.4g}", f"{rise:.4g} from {name}")
    return table


def check_table(
    budget: PowerBudget, seconds: Mapping[str, float], files: Sequence[str] = ()
) -> RenderableType:
    """Return the table of the next limit, the size of the programme, the check, the times [s] and files."""
    table = fact_table()
    binding = {each.name for each in budget.binding}
    others = {name: margin for name, margin in budget.margins.items() if name not in binding}
    if others:
        name = min(others, key=others.__getitem__)
        table.add_row("next limit", Text(f"{name} has a margin of {others[name]:.3g} K"))
    table.add_row("programme", Text(f"{budget.rows} of {budget.candidates} points"))
    table.add_row("full solve", Text(budget.check))
    table.add_row("time", format_stage_times(seconds))
    add_files_row(table, files)
    return table


def budget_summary(budget: PowerBudget) -> dict[str, Any]:
    """Return a budget as dictionaries, lists and numbers in SI units: W, K, m.

    The keys are a contract with programs that read the JSON: no key is removed or changes its meaning.
    """
    return {
        "package": budget.package,
        "kind": budget.kind,
        "total": budget.total,
        "powers": dict(budget.powers),
        "source_power": dict(zip(budget.sources, budget.source_power.tolist(), strict=True)),
        "binding": [
            {
                "name": each.name,
                "temperature": each.temperature,
                "limit": each.limit,
                "price": each.price,
                "resistance": dict(each.resistance),
                "at": None if each.at is None else list(each.at),
            }
            for each in budget.binding
        ],
        "margins": dict(budget.margins),
        "bounds": dict(budget.bounds),
        "candidates": budget.candidates,
        "rows": budget.rows,
        "is_verified": budget.is_verified,
        "error": budget.error,
        "solves": budget.solves,
        "seconds": dict(budget.seconds),
    }
