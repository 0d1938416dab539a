"""A transient as tables of text: temperatures of stacks and parts over the run, and throttling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.tables import NARROW_MARGIN, ZERO, table_of_parts
from thermostack.results.history import History, history_of, stack_histories
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.results.transient_result import TransientResult
from thermostack.units import format_quantity

MOST_BLOCKS = 8  # of a stack that are listed; the hottest where there are more


def history_table(
    transient: TransientResult, width: int = 120, names: Sequence[str] | None = None
) -> RenderableType:
    """Return how hot each stack and its parts were in a run, when, how long above the limit, and at its end.

    With names only those parts, blocks or stacks. What the controllers did stands below.
    Raises KeyError for an unknown name.
    """
    table, columns = table_of_parts(_COLUMNS, _LEAST_IMPORTANT, width)
    if names is not None:
        for name in names:
            table.add_row(Text(name), *_cells(history_of(transient, name), columns))
    else:
        for n, stack in enumerate(stack_histories(transient)):
            if n > 0:
                table.add_row()
            _add_stack(table, transient, stack, columns)
    if not transient.throttling:
        return table
    return Group(table, Text(), throttling_table(transient.throttling))


_COLUMNS = {  # title: unit, and the characters it takes with the space beside it
    "power": ("W, mean", 10),
    "start": ("degC", 8),
    "peak": ("degC", 8),
    "at": ("", 11),
    "end": ("degC", 8),
    "limit": ("degC", 7),
    "above limit": ("", 13),
    "margin": ("K", 8),
}
_LEAST_IMPORTANT = (("start",), ("limit",), ("power",), ("margin",))


def _add_stack(table: Table, transient: TransientResult, stack: History, columns: Sequence[str]) -> None:
    """Add the rows of a stack: itself, its parts, and of its heated blocks the hottest."""
    solid = len(transient.model.parts)
    inner = [n for n, name in enumerate(transient.names) if name.startswith(f"{stack.name}.")]
    inner = [n for n in inner if np.isfinite(transient.max[:, n]).all()]
    blocks = sorted((n for n in inner if n >= solid), key=lambda n: -transient.max[:, n].max())[:MOST_BLOCKS]
    table.add_row(Text(stack.name), *_cells(stack, columns), style="bold")
    for n in (n for n in inner if n < solid):
        name = transient.names[n]
        table.add_row(
            Text("  " + name.removeprefix(f"{stack.name}.")), *_cells(history_of(transient, name), columns)
        )
        for m in (m for m in blocks if transient.model.blocks[m - solid].part == n):
            block = transient.names[m]
            table.add_row(
                Text("    " + block.removeprefix(f"{name}.")), *_cells(history_of(transient, block), columns)
            )
    dropped = sum(n >= solid for n in inner) - len(blocks)
    if dropped > 0:
        table.add_row(Text(f"    and {dropped} cooler blocks"), style="dim")


def _cells(curve: History, columns: Sequence[str]) -> list[Text]:
    margin = None if curve.limit is None else curve.limit - curve.hottest
    duration = float(curve.time[-1] - curve.time[0])
    mean_power = float(curve.power[:-1] @ np.diff(curve.time)) / duration if duration > 0.0 else 0.0
    style = (
        "" if margin is None else "red" if margin < 0.0 else "yellow" if margin < NARROW_MARGIN else "green"
    )
    values = {
        "power": f"{mean_power:.3f}" if curve.power.any() else "",
        "start": f"{curve.peak[0] - ZERO:.2f}",
        "peak": f"{curve.hottest - ZERO:.2f}",
        "at": format_quantity(curve.when, "time"),
        "end": f"{curve.peak[-1] - ZERO:.2f}",
        "limit": "" if curve.limit is None else f"{curve.limit - ZERO:.0f}",
        "above limit": ""
        if curve.limit is None
        else format_quantity(curve.above, "time")
        if curve.above
        else "never",
        "margin": "" if margin is None else f"{margin:.1f}",
    }
    marked, style = ("margin", "above limit"), _style(margin)
    return [Text(values[title], style=style if title in marked else "") for title in columns]


def _style(margin: float | None) -> str:
    if margin is None:
        return ""
    return "red" if margin < 0.0 else "yellow" if margin < NARROW_MARGIN else "green"


def throttling_table(throttling: Sequence[ThrottlingLog]) -> RenderableType:
    """Return of each controller when it first throttled, how long, how often, and what that cost."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold", show_edge=False)
    table.add_column("controller", no_wrap=True, overflow="ellipsis", max_width=34, min_width=16)
    for title in ("first", "throttled", "", "changes", "lost"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("time in each state")
    for each in throttling:
        span, lost = each.end - each.start, each.performance_lost
        states = ", ".join(
            f"{name} {_percent(spent, span)}" for name, spent in each.seconds.items() if spent > 0.0
        )
        table.add_row(
            Text(each.name),
            "never" if each.first is None else format_quantity(each.first, "time"),
            format_quantity(each.throttled, "time") if each.throttled else "",
            _percent(each.throttled, span) if each.throttled else "",
            str(each.changes),
            "?" if lost is None else f"{100.0 * lost:.1f} %",
            Text(states),
        )
    return table


def _percent(part: float, whole: float) -> str:
    return f"{100.0 * part / whole if whole > 0.0 else 0.0:.1f} %"
