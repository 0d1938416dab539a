"""Tables of a comparison: parts in both results, heat, names of one result alone, and descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.table_layout import (
    MAX_LISTED_BLOCKS,
    UNCERTAIN_MARK,
    Column,
    add_name_column,
    add_number_column,
    fact_table,
    format_celsius,
    format_error,
    format_margin,
    format_power,
    header_table,
    note_on_rows,
    part_table,
)
from thermostack.results.comparison import Comparison, PartComparison
from thermostack.results.field_difference import FieldDifference

MAX_LISTED_NAMES = 12  # of one result alone
MAX_LISTED_DIFFERENCES = 25  # of the descriptions, without `all_parts`
_COLUMNS = {
    "peak A": Column("degC", 9),
    "peak B": Column("degC", 9),
    "change": Column("K", 10),
    "errors": Column("K", 8),
    "mean A": Column("degC", 9),
    "mean B": Column("degC", 9),
    "of mean": Column("K", 10),
    "end A": Column("degC", 9),
    "end B": Column("degC", 9),
    "of end": Column("K", 10),
    "margin A": Column("K", 10),
    "margin B": Column("K", 10),
    "power A": Column("W", 10),
    "power B": Column("W", 10),
}
_OF_TRANSIENTS = ("end A", "end B", "of end")
_DROP_ORDER = (
    ("end A", "end B"),
    ("mean A", "mean B"),
    ("of end",),
    ("power A", "power B"),
    ("of mean",),
    ("margin A", "margin B"),
)


def comparison_tables(
    comparison: Comparison, width: int, *, all_parts: bool = False, only: Sequence[str] = ()
) -> list[RenderableType]:
    """Return the tables of a comparison for a width in characters."""
    tables: list[RenderableType] = [
        labels_table(comparison.labels),
        part_rows_table(comparison, width, all_parts=all_parts, only=only),
        heat_table(comparison),
    ]
    if comparison.only_first or comparison.only_second:
        tables.append(_names_table(comparison))
    if comparison.descriptions:
        tables.append(differences_table(comparison.descriptions, all_parts=all_parts))
    return tables


def labels_table(labels: tuple[str, str]) -> Table:
    """Return the names of both results or packages."""
    table = fact_table()
    for letter, label in zip("AB", labels, strict=True):
        table.add_row(letter, Text(label))
    return table


def part_rows_table(
    comparison: Comparison, width: int, *, all_parts: bool = False, only: Sequence[str] = ()
) -> RenderableType:
    """Return one row for each stack and powered block, or for each part in both results.

    Changes are those from A to B. With `only`, the rows are the stacks, parts and blocks of these names.
    """
    columns = _COLUMNS if comparison.is_transient else _without(_COLUMNS, _OF_TRANSIENTS)
    rows = chosen_parts(comparison, all_parts=all_parts, only=only)
    if not any(part.first.margin is not None or part.second.margin is not None for part in rows):
        columns = _without(columns, ("margin A", "margin B"))
    drop_order = [tuple(title for title in titles if title in columns) for titles in _DROP_ORDER]
    table, titles = part_table(columns, [titles for titles in drop_order if titles], width)
    for part in rows:
        values = _values(part)
        style = "" if part.exceeds_error is not False else "dim"
        table.add_row(Text(part.name), *(Text(values[title]) for title in titles), style=style)
    notes = []
    if any(part.exceeds_error is False for part in rows):
        text = "the change is less than the sum of the errors of both maxima"
        notes.append(Text(f"{UNCERTAIN_MARK} {text}", style="dim"))
    shown = {part.name for part in rows}
    missing = sum(part.kind != "stack" and part.name not in shown for part in comparison.parts)
    if missing and not only:
        notes.append(note_on_rows(missing))
    return Group(table, *notes)


def chosen_parts(
    comparison: Comparison, *, all_parts: bool = False, only: Sequence[str] = ()
) -> list[PartComparison]:
    """Return the stacks, parts and blocks of the rows: those of `only`, all, or stacks and powered blocks."""
    parts = comparison.parts
    if only:
        return [part for part in parts if any(f"{part.name}.".startswith(f"{name}.") for name in only)]
    if all_parts:
        return list(parts)
    stacks = {part.name for part in parts if part.kind == "stack"}
    powered = [part for part in parts if part.kind == "block" and (part.first.power or part.second.power)]
    powered.sort(key=lambda part: max(part.first.max, part.second.max), reverse=True)
    listed = {part.name for part in powered[:MAX_LISTED_BLOCKS]}
    return [
        part
        for part in parts
        if part.kind == "stack"
        or part.name in listed
        or (part.kind == "part" and not any(part.name.startswith(f"{stack}.") for stack in stacks))
    ]


def heat_table(comparison: Comparison) -> Table:
    """Return one row for the power and for the heat flow through each face, or for each energy."""
    table = header_table()
    add_name_column(table, "heat")
    unit = comparison.heat[0].unit if comparison.heat else "W"
    for title in ("A", "B", "change"):
        add_number_column(table, title, unit)
    for each in comparison.heat:
        table.add_row(
            each.name, format_power(each.first), format_power(each.second), _signed_power(each.difference)
        )
    return table


def differences_table(differences: Sequence[FieldDifference], *, all_parts: bool = True) -> RenderableType:
    """Return one row for each difference of two descriptions, without `all_parts` the first ones."""
    table = header_table()
    table.add_column("description", overflow="fold")
    for title in ("A", "B"):
        table.add_column(title, overflow="fold")
    listed = differences if all_parts else differences[:MAX_LISTED_DIFFERENCES]
    for each in listed:
        texts = (Text("-", style="dim") if text is None else Text(text) for text in (each.first, each.second))
        table.add_row(Text(each.path), *texts)
    missing = len(differences) - len(listed)
    notes = [Text(f"{missing} differences are not listed (--all)", style="dim")] if missing else []
    return Group(table, *notes)


def _names_table(comparison: Comparison) -> Table:
    table = fact_table()
    for letter, names in (("A", comparison.only_first), ("B", comparison.only_second)):
        if names:
            more = f" and {len(names) - MAX_LISTED_NAMES} more" if len(names) > MAX_LISTED_NAMES else ""
            table.add_row(f"only in {letter}", Text(", ".join(names[:MAX_LISTED_NAMES]) + more))
    return table


def _values(part: PartComparison) -> dict[str, str]:
    """Return the texts of all columns of a part."""
    first, second = part.first, part.second
    mark = f"{UNCERTAIN_MARK} " if part.exceeds_error is False else ""
    return {
        "peak A": format_celsius(first.max),
        "peak B": format_celsius(second.max),
        "change": mark + _signed(part.difference),
        "errors": format_error(part.error),
        "mean A": format_celsius(first.mean),
        "mean B": format_celsius(second.mean),
        "of mean": _signed(part.mean_difference),
        "end A": "" if first.final_max is None else format_celsius(first.final_max),
        "end B": "" if second.final_max is None else format_celsius(second.final_max),
        "of end": "" if part.final_difference is None else _signed(part.final_difference),
        "margin A": format_margin(first.margin),
        "margin B": format_margin(second.margin),
        "power A": format_power(first.power) if first.power else "",
        "power B": format_power(second.power) if second.power else "",
    }


def _signed(difference: float) -> str:
    """Return a difference [K] with its sign, and with its first two digits if it is small.

    >>> _signed(1.234), _signed(-0.00123), _signed(0.0)
    ('+1.23', '-0.0012', '0.00')
    """
    if difference == 0.0:
        return "0.00"
    return f"{difference:+.2f}" if abs(difference) >= 0.0995 else f"{difference:+.2g}"


def _signed_power(difference: float) -> str:
    text = format_power(difference)
    return f"+{text}" if difference > 0.0 else text


def _without(columns: dict[str, Column], titles: Iterable[str]) -> dict[str, Column]:
    return {title: column for title, column in columns.items() if title not in titles}
