"""Tables of the agreement of a local model with its global model: sides of the box, means of parts."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.table_layout import (
    add_name_column,
    add_number_column,
    fact_table,
    format_celsius,
    header_table,
)
from thermostack.results.zoom_agreement import ErrorContribution, Point3, ZoomAgreement
from thermostack.units import format_quantity


def zoom_table(agreement: ZoomAgreement) -> RenderableType:
    """Return the box, its power, and the tables of sides and parts in both models."""
    facts = fact_table()
    facts.add_row("box", Text(box_text(agreement.low, agreement.high)))
    facts.add_row("boundary", Text(f"{agreement.boundary} of the global model"))
    power, before = (format_quantity(value, "power") for value in (agreement.power, agreement.global_power))
    facts.add_row("power", Text(f"{power}, in the global model {before}"))
    share = 100.0 * agreement.heat_difference
    text = (
        f"heat flows differ by {share:.2g} % of the heat, means of parts by {agreement.max_difference:.2g} K"
    )
    facts.add_row("agreement", Text(text))
    if (worst := agreement.worst_error) is not None:
        facts.add_row("error", Text(error_text(worst)))
    tables = [_faces_table(agreement), _parts_table(agreement)]
    if agreement.errors:
        tables.append(_errors_table(agreement))
    return Group(facts, *(each for table in tables for each in (Text(), table)))


def error_text(error: ErrorContribution) -> str:
    """Return the contributions to the error of a maximum, with a hint where the boundary causes most of it.

    >>> error_text(ErrorContribution("die.active", 0.01, 0.002))
    '0.01 K by the local grid, 0.002 K by the boundary, in die.active'
    """
    text = f"{error.grid:.2g} K by the local grid, {error.boundary:.2g} K by the boundary, in {error.name}"
    return f"{text}; solve the global model with --tolerance first" if error.is_of_boundary else text


def box_text(low: Point3, high: Point3) -> str:
    """Return the corners of a box.

    >>> box_text((0.0, 0.0, 0.0), (1e-3, 1e-3, 5e-4))
    '0 um, 0 um, 0 um : 1 mm, 1 mm, 500 um'
    """
    corners = (", ".join(format_quantity(value, "length") for value in corner) for corner in (low, high))
    return " : ".join(corners)


def _faces_table(agreement: ZoomAgreement) -> Table:
    """Return one row for each side of the box: heat flow out of it and mean temperature in both models."""
    table = header_table()
    add_name_column(table, "side")
    _add_number_columns(table, ("heat out", "global"), "W")
    _add_number_columns(table, ("mean", "global"), "degC")
    for face in agreement.faces:
        flows = (f"{heat:.4g}" for heat in (face.heat, face.global_heat))
        means = (format_celsius(mean) for mean in (face.mean, face.global_mean))
        table.add_row(face.side, *flows, *means)
    return table


def _parts_table(agreement: ZoomAgreement) -> Table:
    """Return one row for each part in the box: mean temperature in both models and the change."""
    table = header_table()
    add_name_column(table, "part")
    _add_number_columns(table, ("mean", "global"), "degC")
    add_number_column(table, "change", "K")
    for part in agreement.parts:
        means = (format_celsius(mean) for mean in (part.mean, part.global_mean))
        table.add_row(Text(part.name), *means, f"{part.difference:+.3f}")
    return table


def _errors_table(agreement: ZoomAgreement) -> Table:
    """Return one row for each part and block: the errors of its maximum by the grid and by the boundary."""
    table = header_table()
    add_name_column(table, "error of the maximum")
    _add_number_columns(table, ("grid", "boundary"), "K")
    for error in agreement.errors:
        table.add_row(Text(error.name), *(f"{value:.2g}" for value in (error.grid, error.boundary)))
    return table


def _add_number_columns(table: Table, titles: Iterable[str], unit: str) -> None:
    for title in titles:
        add_number_column(table, title, unit)
