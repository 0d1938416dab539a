"""A comparison of two results as plain data for JSON, and a table of its parts as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from thermostack.io.results.summary import escape_formula

if TYPE_CHECKING:
    from thermostack.results.comparison import Comparison, PartComparison
    from thermostack.results.field_difference import FieldDifference

_VALUES = (  # attribute of a state, its title in CSV, and its unit
    ("power", "power", "W"),
    ("mean", "mean", "K"),
    ("max", "max", "K"),
    ("error", "error of max", "K"),
    ("mean_error", "error of mean", "K"),
    ("margin", "margin", "K"),
    ("final_max", "max at the end", "K"),
)
_DIFFERENCES = (  # attribute of a comparison, its title in CSV, and its unit
    ("difference", "difference of max", "K"),
    ("error", "sum of errors of max", "K"),
    ("mean_difference", "difference of mean", "K"),
    ("mean_error", "sum of errors of mean", "K"),
    ("margin_difference", "difference of margin", "K"),
    ("power_difference", "difference of power", "W"),
    ("final_difference", "difference of max at the end", "K"),
)


def comparison_summary(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data in SI units; null where a value is unknown.

    The keys, which `thermostack compare --json` prints, are stable. The field of cells is not contained.
    """
    return {
        "first": comparison.labels[0],
        "second": comparison.labels[1],
        "kind": "transient" if comparison.is_transient else "steady",
        "parts": {part.name: part_summary(part) for part in comparison.parts},
        "heat": {
            each.name: {
                "first": each.first,
                "second": each.second,
                "difference": each.difference,
                "unit": each.unit,
            }
            for each in comparison.heat
        },
        "only_first": list(comparison.only_first),
        "only_second": list(comparison.only_second),
        "descriptions": differences_summary(comparison.descriptions),
        "warnings": list(comparison.warnings),
    }


def part_summary(part: PartComparison) -> dict[str, Any]:
    """Return both states of a part and their differences as plain data."""
    return {
        "kind": part.kind,
        "first": vars(part.first),
        "second": vars(part.second),
        **{name: getattr(part, name) for name, _, _ in _DIFFERENCES},
        "exceeds_error": part.exceeds_error,
    }


def differences_summary(differences: Iterable[FieldDifference]) -> dict[str, Any]:
    """Return the differences of two descriptions as plain data by path."""
    return {
        each.path: {"kind": each.kind, "first": each.first, "second": each.second} for each in differences
    }


def parts_csv(parts: Iterable[PartComparison]) -> str:
    """Return the CSV table of parts in two results; unknown values are empty."""
    header = ["name", "kind"]
    header += [f"{title} [{unit}], {which}" for title, unit in _titles() for which in ("first", "second")]
    header += [f"{title} [{unit}]" for _, title, unit in _DIFFERENCES]
    rows = []
    for part in parts:
        values = [getattr(state, name) for name, _, _ in _VALUES for state in (part.first, part.second)]
        values += [getattr(part, name) for name, _, _ in _DIFFERENCES]
        texts = ("" if value is None else repr(float(value)) for value in values)
        rows.append([escape_formula(part.name), part.kind, *texts])
    return _csv_text(header, rows)


def differences_csv(differences: Iterable[FieldDifference]) -> str:
    """Return the CSV table of the differences of two descriptions; absent values are empty."""
    rows = [[each.path, each.kind, each.first or "", each.second or ""] for each in differences]
    rows = [[escape_formula(text) for text in row] for row in rows]
    return _csv_text(["path", "kind", "first", "second"], rows)


def _titles() -> list[tuple[str, str]]:
    return [(title, unit) for _, title, unit in _VALUES]


def _csv_text(header: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()
