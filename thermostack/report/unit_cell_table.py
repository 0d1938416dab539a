"""Tables of a solved unit cell: conductivities with bounds, error and formula, and its constituents."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.report.html_table import as_html
from thermostack.report.table_layout import add_number_column, as_text, header_table
from thermostack.unit_cells.axis_solution import AxisSolution
from thermostack.unit_cells.cell_solution import RELATIVE_TOLERANCE
from thermostack.unit_cells.unit_cell_result import UnitCellResult
from thermostack.units import format_quantity


def unit_cell_table(result: UnitCellResult) -> RenderableType:
    """Return the conductivities along each axis, the constituents, and notes."""
    return Group(_axes_table(result), Text(), _constituents_table(result), *_notes(result))


def unit_cell_text(result: UnitCellResult) -> str:
    """Return the tables as text."""
    return as_text(unit_cell_table(result))


def unit_cell_html(result: UnitCellResult) -> str:
    """Return the conductivities along each axis as HTML."""
    return as_html(_axes_table(result))


def unit_cell_summary(result: UnitCellResult) -> dict[str, object]:
    """Return a result as a dictionary in SI units."""
    formula = None
    if result.formula is not None:
        formula = {"kind": result.formula[0], "conductivity": list(result.formula[1])}
    return {
        "temperature": result.temperature,
        "conductivity": list(result.conductivity),
        "axes": {name: _axis_summary(axis) for name, axis in _axes(result)},
        "cross": result.cross,
        "unresolved": result.unresolved,
        "height": result.cell.geometry.height if result.cell.has_height else None,
        "area_resistance": result.area_resistance,
        "volumetric_heat_capacity": result.volumetric_heat_capacity,
        "formula": formula,
        "constituents": [
            {"field": field, "material": name, "fraction": share, "conductivity": list(row)}
            for field, name, share, row in result.constituents
        ],
        "warnings": list(result.warnings),
    }


def _axes(result: UnitCellResult) -> tuple[tuple[str, AxisSolution], ...]:
    return ("x", result.x), ("y", result.y), ("z", result.z)


def _axis_summary(axis: AxisSolution) -> dict[str, object]:
    return {
        "value": axis.value,
        "error": axis.error,
        "lower": axis.lower,
        "upper": axis.upper,
        "order": axis.order,
        "grids": [{"cells": cells, "value": value} for cells, value in axis.grids],
    }


def _axes_table(result: UnitCellResult) -> Table:
    table = header_table()
    table.add_column("axis", no_wrap=True)
    for title in ("conductivity", "error", "tubes", "planes"):
        add_number_column(table, title, "W/m/K")
    if result.formula is not None:
        add_number_column(table, result.formula[0], "W/m/K")
    add_number_column(table, "order")
    add_number_column(table, "cells")
    for n, (name, axis) in enumerate(_axes(result)):
        formula = [] if result.formula is None else [f"{result.formula[1][n]:.4g}"]
        order = "" if axis.order is None else f"{axis.order:.1f}"
        error = f"{axis.error:.1g}" if axis.error else "exact"
        cells = f"{axis.grids[-1][0]}" if axis.grids else ""
        bounds = f"{axis.lower:.4g}", f"{axis.upper:.4g}"
        table.add_row(name, f"{axis.value:.4g}", error, *bounds, *formula, order, cells)
    return table


def _constituents_table(result: UnitCellResult) -> Table:
    table = header_table()
    table.add_column("constituent", no_wrap=True)
    table.add_column("material", no_wrap=True)
    add_number_column(table, "volume", "%")
    add_number_column(table, "conductivity", "W/m/K")
    for field, name, share, row in result.constituents:
        values = [f"{value:.4g}" for value in row]
        shown = values[0] if len(set(values)) == 1 else ", ".join(values)
        table.add_row(field, name, f"{100.0 * share:.2f}", shown)
    return table


def _notes(result: UnitCellResult) -> list[Text]:
    temperature = format_quantity(result.temperature, "temperature")
    text = f"at {temperature}"
    if result.area_resistance is not None:
        resistance = format_quantity(result.area_resistance, "area_resistance")
        height = format_quantity(result.cell.geometry.height, "length")
        text += f"; a layer of {height} has {resistance} between isothermal faces"
    notes = [Text(), Text(text)]
    if result.volumetric_heat_capacity is not None:
        capacity = format_quantity(result.volumetric_heat_capacity, "volumetric_heat_capacity")
        notes.append(Text(f"heat capacity {capacity}"))
    if result.cross:
        text = f"x and y are not principal axes: the component xy of {result.cross:.3g} W/m/K is neglected"
        notes.append(Text(text))
    bounds = "tubes: lower bound, straight adiabatic tubes; planes: upper bound, isothermal planes"
    notes.append(Text(bounds, style="dim"))
    large = [
        f"{name} {100.0 * axis.error / axis.value:.1f} %"
        for name, axis in _axes(result)
        if axis.error > RELATIVE_TOLERANCE * axis.value
    ]
    if large:
        reason = "the largest grid, or widened shells"
        if result.unresolved:
            reason = f"a gap or shell of {format_quantity(result.unresolved, 'length')} is not resolved"
        notes.append(Text(f"estimated errors: {', '.join(large)} ({reason})", style="dim"))
    return notes
