"""Table of the shipped packages: kind, size, dies, power, peak and margin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from thermostack.report.table_layout import add_name_column, add_number_column, header_table
from thermostack.units import ZERO_CELSIUS

MM_PER_M = 1e3


def packages_table(summaries: Mapping[str, Mapping[str, Any]], width: int) -> Table:
    """Return a table of packages; below a width of 100 characters without kind and number of cells.

    Each has the facts of `thermostack.report.package_summary.package_summary`, and the result on the default
    grid: the peak [K], the smallest margin to a limit [K], that limit [K] and the number of cells.
    """
    table, is_wide = header_table(), width >= 100
    add_name_column(table, "package")
    if is_wide:
        table.add_column("kind", no_wrap=True)
    for title, unit in (
        ("size", "mm"),
        ("dies", ""),
        ("power", "W"),
        ("peak", "degC"),
        ("limit", "degC"),
        ("margin", "K"),
    ):
        add_number_column(table, title, unit)
    if is_wide:
        add_number_column(table, "cells", "10^3")
    for name, facts in summaries.items():
        x, y, _ = (MM_PER_M * length for length in facts["size"])
        margin = "" if facts["margin"] is None else f"{facts['margin']:.1f}"
        row = [name, *([facts["kind"]] if is_wide else []), f"{x:.4g} x {y:.4g}"]
        row += [str(facts["dies"]), f"{facts['power']:.4g}"]
        limit = "" if facts["limit"] is None else f"{facts['limit'] - ZERO_CELSIUS:.4g}"
        row += [f"{facts['peak'] - ZERO_CELSIUS:.1f}", limit, margin]
        table.add_row(*row, *([f"{facts['cells'] / 1e3:.0f}"] if is_wide else []))
    return table
