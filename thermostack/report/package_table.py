"""Table of the shipped packages: kind, size, dies, power, peak with its error, and margin with its part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.table import Table

from thermostack.report.table_layout import add_name_column, add_number_column, header_table
from thermostack.units import ZERO_CELSIUS

MM_PER_M = 1e3
WIDE = 126  # characters from which kind, size and number of dies are listed
NUMBERS_WIDTH = 58  # characters of the names and numbers that are always listed
OTHERS_WIDTH = 130  # characters of all columns but the descriptions
MIN_ABOUT_WIDTH = 24  # characters of the descriptions
MIN_PART_WIDTH = 12  # characters

Facts = Mapping[str, Any]


def packages_table(summaries: Mapping[str, Facts], width: int) -> Table:
    """Return a table of packages for a terminal of `width` characters.

    Each has the facts of `thermostack.report.package_summary.package_summary`, and the result on the default
    grid: the peak and its estimated error [K], and the smallest margin to a limit [K], that limit [K] and the
    part that has them, which need not be the hottest one.
    """
    table = header_table()
    add_name_column(table, "package")
    columns = [_add_number(table, *each) for each in _NUMBERS if width >= WIDE or each[0] in _ALWAYS]
    part_width = max(MIN_PART_WIDTH, width - NUMBERS_WIDTH)
    table.add_column("limited part", no_wrap=True, overflow="ellipsis", max_width=part_width)
    columns.append(lambda facts: facts["limited_part"] or "")
    if width >= WIDE:
        table.add_column("kind", no_wrap=True)
        columns.append(lambda facts: str(facts["kind"]))
    about_width = width - OTHERS_WIDTH
    if about_width >= MIN_ABOUT_WIDTH:
        table.add_column("about", no_wrap=True, overflow="ellipsis", max_width=about_width)
        columns.append(lambda facts: str(facts["about"]).split(", ")[0])
    for name, facts in summaries.items():
        table.add_row(name, *(column(facts) for column in columns))
    return table


def _add_number(table: Table, title: str, unit: str, text: Callable[[Facts], str]) -> Callable[[Facts], str]:
    """Add a column of numbers, and return the function of the text in a row."""
    add_number_column(table, title, unit)
    return text


def _size(facts: Facts) -> str:
    x, y, _ = (MM_PER_M * length for length in facts["size"])
    return f"{x:.4g} x {y:.4g}"


_ALWAYS = ("power", "peak", "error", "limit", "margin")
_NUMBERS: tuple[tuple[str, str, Callable[[Facts], str]], ...] = (  # title, unit, and text of a row
    ("size", "mm", _size),
    ("dies", "", lambda facts: str(facts["dies"])),
    ("power", "W", lambda facts: f"{facts['power']:.4g}"),
    ("peak", "degC", lambda facts: f"{facts['peak'] - ZERO_CELSIUS:.1f}"),
    ("error", "K", lambda facts: f"{facts['error']:.1g}"),
    ("limit", "degC", lambda facts: "" if facts["limit"] is None else f"{facts['limit'] - ZERO_CELSIUS:.4g}"),
    ("margin", "K", lambda facts: "" if facts["margin"] is None else f"{facts['margin']:.1f}"),
)
