"""Tables of a transient result: temperatures of stacks, parts and blocks over the run, and throttling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.table_layout import (
    Column,
    Member,
    add_name_column,
    add_number_column,
    format_celsius,
    format_error,
    format_limit,
    format_margin,
    format_percent,
    format_power,
    header_table,
    margin_notes,
    margin_style,
    note_on_rows,
    part_table,
    stack_heading,
    stack_rows,
)
from thermostack.results.history import History, history_of, stack_histories
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.results.transient_result import TransientResult
from thermostack.units import format_quantity

COLUMNS = {
    "power": Column("W, mean", 10),
    "start": Column("degC", 8),
    "peak": Column("degC", 8),
    "error": Column("K", 8),
    "at": Column("", 11),
    "end": Column("degC", 8),
    "limit": Column("degC", 7),
    "above limit": Column("", 13),
    "margin": Column("K", 10),
}
DROP_ORDER = (("start",), ("limit",), ("power",), ("error",), ("margin",))  # in a narrow terminal


def history_table(
    transient: TransientResult,
    width: int = 120,
    names: Sequence[str] | None = None,
    *,
    all_parts: bool = False,
) -> RenderableType:
    """Return temperatures at start, peak and end, the time of the peak, and the time above the limit.

    The rows are the stacks and their blocks, with `all_parts` all parts and blocks, with `names`
    those parts, blocks or stacks. The throttling of the controllers is a second table below.
    Raises KeyError for an unknown name.
    """
    table, columns = part_table(COLUMNS, DROP_ORDER, width)
    items: list[RenderableType] = [table]
    if names is not None:
        for name in names:
            table.add_row(Text(name), *_cells(history_of(transient, name), columns))
    else:
        missing = 0
        for n, stack in enumerate(stack_histories(transient)):
            if n > 0 and all_parts:
                table.add_row()
            missing += _add_stack(table, transient, stack.name, columns, all_parts=all_parts)
        if missing:
            items.append(note_on_rows(missing))
    if "margin" in columns:
        items[1:1] = margin_notes([str(cell) for cell in table.columns[-1].cells])
    if transient.throttling:
        items += [Text(), throttling_table(transient.throttling)]
    return Group(*items) if len(items) > 1 else table


def _add_stack(
    table: Table, transient: TransientResult, stack: str, columns: Sequence[str], *, all_parts: bool
) -> int:
    """Add the rows of a stack; return the number of its parts and blocks without a row."""
    indices = _members_of(transient, stack)
    part_count = len(transient.model.parts)
    members = [
        Member(
            transient.names[n],
            n >= part_count,
            float(transient.max[:, n].max()),
        )
        for n in indices
    ]
    heading = stack_heading(stack, members)
    table.add_row(Text(heading), *_cells(history_of(transient, heading), columns), style="bold")
    rows = list(stack_rows(stack, members, all_parts=all_parts))
    for row in rows:
        history = history_of(transient, members[row.member].name)
        table.add_row(row.name, *_cells(history, columns))
    return len(members) - len(rows) - (heading != stack)


def _members_of(transient: TransientResult, stack: str) -> list[int]:
    """Return the indices of the parts of a stack that have cells, each followed by those of its blocks."""
    model = transient.model
    part_count = len(model.parts)
    inner = [n for n, name in enumerate(transient.names) if name.startswith(f"{stack}.")]
    inner = [n for n in inner if np.isfinite(transient.max[:, n]).all()]
    blocks = [n for n in inner if n >= part_count]
    ordered = []
    for n in inner:
        if n < part_count:
            ordered += [n, *(m for m in blocks if model.blocks[m - part_count].part == n)]
    return ordered


def _cells(history: History, columns: Sequence[str]) -> list[Text]:
    margin = None if history.limit is None else history.limit - history.hottest
    duration = float(history.time[-1] - history.time[0])
    mean_power = float(history.power[:-1] @ np.diff(history.time)) / duration if duration > 0.0 else 0.0
    values = {
        "power": format_power(mean_power) if history.power.any() else "",
        "start": format_celsius(float(history.peak[0])),
        "peak": format_celsius(history.hottest),
        "error": "" if history.error is None else format_error(history.error),
        "at": format_quantity(history.when, "time"),
        "end": format_celsius(float(history.peak[-1])),
        "limit": format_limit(history.limit),
        "above limit": _time_above_limit(history),
        "margin": format_margin(margin),
    }
    style = margin_style(margin)
    styled = ("margin", "above limit")
    return [Text(values[title], style=style if title in styled else "") for title in columns]


def _time_above_limit(history: History) -> str:
    if history.limit is None:
        return ""
    return format_quantity(history.above, "time") if history.above else "never"


def throttling_table(throttling: Sequence[ThrottlingLog]) -> RenderableType:
    """Return first and total throttled time, state changes, and lost performance of each controller."""
    table = header_table()
    add_name_column(table, "controller")
    for title in ("first", "throttled", "", "changes", "lost"):
        add_number_column(table, title)
    table.add_column("time in each state")
    for log in throttling:
        duration, lost = log.end - log.start, log.performance_lost
        states = ", ".join(
            f"{name} {format_percent(spent, duration)}" for name, spent in log.seconds.items() if spent > 0.0
        )
        table.add_row(
            Text(log.name),
            "never" if log.first is None else format_quantity(log.first, "time"),
            format_quantity(log.throttled, "time") if log.throttled else "",
            format_percent(log.throttled, duration) if log.throttled else "",
            str(log.changes),
            "?" if lost is None else f"{100.0 * lost:.1f} %",
            Text(states),
        )
    return table
