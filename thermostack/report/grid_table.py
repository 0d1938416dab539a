"""Table of a grid: cells, sizes and growth along each axis, aspect ratio, parts and power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from thermostack.mesh.model import Model
from thermostack.report.cooling_table import cooling_table
from thermostack.report.power_table import power_table
from thermostack.report.table_layout import (
    add_files_row,
    add_number_column,
    fact_table,
    format_count,
    header_table,
)
from thermostack.units import format_quantity, format_share


def grid_table(model: Model, files: Sequence[str] = ()) -> RenderableType:
    """Return grid planes and cell sizes along each axis, number of cells, aspect ratio, and written files.

    A model with leakage has the table of its powers, too.
    """
    grid = model.grid
    axes = header_table()
    axes.add_column("axis")
    for title in ("planes", "from", "to", "smallest", "largest", "step"):
        add_number_column(axes, title)
    for axis in ("x", "y", "z"):
        planes, widths = getattr(grid, axis), getattr(grid, f"d{axis}")
        values = (planes[0], planes[-1], widths.min(), widths.max())
        lengths = [format_quantity(float(value), "length") for value in values]
        axes.add_row(axis, str(planes.size), *lengths, f"{max_growth(widths):.3g}")
    facts = fact_table()
    facts.add_row("cells", cell_counts(model))
    facts.add_row("aspect", f"{max_aspect_ratio(model):.3g} at most, longest to shortest side of a cell")
    facts.add_row("parts", f"{len(model.parts)}")
    facts.add_row("cooled", cooling_table(model))
    facts.add_row("power", format_quantity(model.total_power, "power"))
    if model.leakage is not None:
        reference = format_quantity(model.leakage.reference, "power")
        facts.add_row("leakage", f"{reference} at the reference temperature")
    add_files_row(facts, files)
    powers = () if model.leakage is None else (Text(), power_table(model))
    return Group(axes, *powers, Text(), facts)


def cell_counts(model: Model) -> str:
    """Return the number of cells: in all, along each axis, in the body, and the fraction outside it."""
    nz, ny, nx = model.grid.shape
    cells = f"{format_count(model.grid.cells)} cells ({nx} x {ny} x {nz})"
    outside = f", {format_share(model.outside)} outside" if model.outside > 0.0 else ""
    return f"{cells}, {format_count(model.active)} of them in the body{outside}"


def grid_summary(model: Model) -> dict[str, object]:
    """Return the data of `grid_table` as a dictionary, lengths in metres, power in watts."""
    grid = model.grid
    axes = {
        axis: {
            "planes": int(getattr(grid, axis).size),
            "from": float(getattr(grid, axis)[0]),
            "to": float(getattr(grid, axis)[-1]),
            "smallest": float(getattr(grid, f"d{axis}").min()),
            "largest": float(getattr(grid, f"d{axis}").max()),
            "step": max_growth(getattr(grid, f"d{axis}")),
        }
        for axis in ("x", "y", "z")
    }
    return {
        "package": model.package.name,
        "grid": {
            "cells": model.grid.cells,
            "active": model.active,
            "outside": model.outside,
            "shape": list(model.grid.shape),
        },
        "axes": axes,
        "aspect": max_aspect_ratio(model),
        "parts": len(model.parts),
        "power": model.total_power,
        "leakage": 0.0 if model.leakage is None else model.leakage.reference,
        "warnings": list(model.warnings),
    }


def max_growth(widths: np.ndarray) -> float:
    """Return the largest ratio of two adjacent cell widths; 1 for a single cell."""
    ratios = np.exp(np.abs(np.diff(np.log(widths))))
    return float(ratios.max(initial=1.0))


def max_aspect_ratio(model: Model) -> float:
    """Return the largest ratio of the longest to the shortest side of a cell in the body."""
    grid = model.grid
    ratio = 1.0
    for k in np.flatnonzero(model.part.any(axis=(1, 2))):
        rows, columns = np.nonzero(model.part[k])
        sides = np.stack([np.full(rows.size, grid.dz[k]), grid.dy[rows], grid.dx[columns]])
        ratio = max(ratio, float((sides.max(axis=0) / sides.min(axis=0)).max()))
    return ratio
