"""A result, a grid and the materials as tables of text that fit the width there is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from thermostack.finite_volume.heat_balance import HeatBalance
from thermostack.finite_volume.part_temperatures import PartTemperature, merge_parts
from thermostack.materials.material import ROOM_TEMPERATURE, Material
from thermostack.mesh.model import Model
from thermostack.results.steady_result import SteadyResult
from thermostack.units import format_quantity

ZERO = 273.15  # K
NARROW_MARGIN = 5.0  # K: nearer to a limit than this is marked
MOST_BLOCKS = 40  # of a layer that are listed; the hottest where there are more


def as_text(table: RenderableType, width: int = 120) -> str:
    """Return a table as plain lines of so many columns of text at most."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


# -- results -----------------------------------------------------------------------------------


def result_table(steady: SteadyResult, width: int) -> RenderableType:
    """Return the temperatures of every part, stack by stack, in so many columns of text."""
    table, columns = table_of_parts(_COLUMNS, _LEAST_IMPORTANT, width)
    hottest = steady.peak.name
    for n, (stack, parts) in enumerate(_stacks(steady).items()):
        if n > 0:
            table.add_row()
        solid = [part for part in parts if not part.is_block]
        if len(solid) > 1:
            table.add_row(Text(stack), *_cells(merge_parts(stack, solid), columns), style="bold")
        for depth, part in _listed(parts):
            name = part.name if len(solid) == 1 and depth == 0 else _inner_name(part.name, stack, depth)
            indent = 2 * (depth + (len(solid) > 1))
            style = "bold red" if part.name == hottest else "bold" if len(solid) == 1 else ""
            table.add_row(Text(" " * indent + name), *_cells(part, columns), style=style)
        dropped = _blocks_left_out(parts)
        if dropped:
            table.add_row(Text(f"    and {dropped} cooler blocks"), style="dim")
    return table


_COLUMNS = {  # title: unit, and the characters it takes with the space beside it
    "power": ("W", 9),
    "min": ("degC", 8),
    "mean": ("degC", 8),
    "peak": ("degC", 8),
    "error": ("K", 7),
    "x": ("mm", 8),
    "y": ("mm", 8),
    "z": ("mm", 7),
    "limit": ("degC", 7),
    "margin": ("K", 8),
}
_LEAST_IMPORTANT = (("min",), ("limit",), ("mean",), ("x", "y", "z"), ("power",))
_NAME = 24  # characters for the names; longer ones are cut where there is no room


def table_of_parts(
    columns: Mapping[str, tuple[str, int]], least_important: Sequence[Sequence[str]], width: int
) -> tuple[Table, list[str]]:
    """Return an empty table with a column of names, and the titles of the others that have room in it.

    Columns have a unit and the characters that they take; the least important are left out first.
    """
    titles = list(columns)
    for dropped in least_important:
        if _NAME + sum(columns[title][1] for title in titles) <= width:
            break
        titles = [title for title in titles if title not in dropped]
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold", show_edge=False)
    table.add_column("part", no_wrap=True, overflow="ellipsis", max_width=34, min_width=16)
    for title in titles:
        unit, _ = columns[title]
        table.add_column(Text(f"{title}\n{unit}", justify="right"), justify="right", no_wrap=True)
    return table, titles


def _cells(part: PartTemperature, columns: Sequence[str]) -> list[Text]:
    x, y, z = (f"{1e3 * place:.3f}" for place in part.at)
    limit = "" if part.limit is None else f"{part.limit - ZERO:.0f}"
    values = {
        "power": f"{part.power:.3f}" if part.power else "",
        "min": f"{part.min - ZERO:.2f}",
        "mean": f"{part.mean - ZERO:.2f}",
        "peak": f"{part.max - ZERO:.2f}",
        "error": "?"
        if part.error is None
        else f"{part.error:.2g}"
        if part.error < 9.5
        else f"{part.error:.0f}",
        "x": x,
        "y": y,
        "z": z,
        "limit": limit,
        "margin": "" if part.margin is None else f"{part.margin:.1f}",
    }
    return [Text(values[title], style=_margin_style(part) if title == "margin" else "") for title in columns]


def shown_error(error: float) -> str:
    """Return an error with two digits, more where it is large."""
    return f"{error:.2g}" if error < 9.5 else f"{error:.0f}"


def _margin_style(part: PartTemperature) -> str:
    if part.margin is None:
        return ""
    return "red" if part.margin < 0.0 else "yellow" if part.margin < NARROW_MARGIN else "green"


def _stacks(steady: SteadyResult) -> dict[str, list[PartTemperature]]:
    """Return the parts and blocks of each stack, in the order of the drawing."""
    names = sorted((stack.name for stack in steady.package.stacks), key=len, reverse=True)
    stacks: dict[str, list[PartTemperature]] = {}
    for part in steady.parts:
        stack = next(
            (name for name in names if part.name.startswith(f"{name}.")), part.name.rpartition(".")[0]
        )
        stacks.setdefault(stack, []).append(part)
    for parts in stacks.values():
        parts.sort(key=lambda part: part.name.endswith((".filler", ".gap_fill")))
    return stacks


def _listed(parts: Sequence[PartTemperature]) -> Iterator[tuple[int, PartTemperature]]:
    """Yield the parts of a stack at depth 0, their blocks at depth 1."""
    blocks = sorted((part for part in parts if part.is_block), key=lambda part: part.max, reverse=True)
    shown = {part.name for part in blocks[:MOST_BLOCKS]}
    for part in parts:
        if not part.is_block:
            yield 0, part
        elif part.name in shown:
            yield 1, part


def _blocks_left_out(parts: Sequence[PartTemperature]) -> int:
    return max(0, sum(part.is_block for part in parts) - MOST_BLOCKS)


def _inner_name(name: str, stack: str, depth: int) -> str:
    inner = name.removeprefix(f"{stack}.")
    return inner.partition(".")[2] if depth else inner


def summary_table(steady: SteadyResult, files: Sequence[str]) -> RenderableType:
    """Return the peak, the heat balance by face, the grid, the solver, the time, the memory and the files."""
    report = steady.report
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("peak", _peak(steady.peak))
    if (tightest := _tightest(steady)) is not None:
        table.add_row("margin", Text(tightest))
    table.add_row("heat", _heat_table(steady.heat_balance))
    table.add_row("grid", Text(cells_of(steady.model)))
    solver = f"{report.method}, {report.iterations} iterations, residual {report.residual:.1e}"
    table.add_row("solver", Text(solver))
    table.add_row("time", stage_times(steady.seconds))
    table.add_row("memory", Text(_bytes(steady.memory)))
    if files:
        table.add_row("written", Text(", ".join(files)))
    return table


def stage_times(seconds: Mapping[str, float]) -> Text:
    """Return how long a command took, and each of its stages."""
    stages = ", ".join(f"{stage} {each:.2f}" for stage, each in seconds.items())
    return Text(f"{sum(seconds.values()):.2f} s ({stages})")


def _peak(part: PartTemperature) -> Text:
    error = "error not estimated" if part.error is None else f"+- {part.error:.2g} K"
    x, y, z = (f"{1e3 * place:.3f}" for place in part.at)
    text = f"{part.max - ZERO:.2f} degC {error}, in {part.name} at x {x}, y {y}, z {z} mm"
    return Text(text, style="bold red" if part.margin is not None and part.margin < 0.0 else "bold")


def _tightest(steady: SteadyResult) -> str | None:
    limited = [part for part in steady.parts if part.margin is not None and not part.is_block]
    if not limited:
        return None
    # A face is shared by two parts of one temperature; the one that heats is the one to name.
    part = min(limited, key=lambda part: (round(part.margin or 0.0, 2), part.power == 0.0))
    margin, limit = part.margin or 0.0, (part.limit or 0.0) - ZERO
    side = "below" if margin >= 0.0 else "above"
    return f"{part.name} comes nearest to its limit: {abs(margin):.1f} K {side} {limit:.0f} degC"


def _heat_table(balance: HeatBalance) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_row("in", f"{balance.heat_in:.3f} W")
    for face, heat in balance.out.items():
        share = f"{100.0 * heat / balance.heat_in:.1f} %" if balance.heat_in > 0.0 else ""
        table.add_row(f"out, {face}", f"{heat:.3f} W", share)
    table.add_row("imbalance", f"{balance.imbalance:.1e} W")
    return table


# -- grids ---------------------------------------------------------------------------------------


def grid_table(model: Model, files: Sequence[str] = ()) -> RenderableType:
    """Return how many cells a grid has, how large they are, and how it is cut along each axis."""
    grid = model.grid
    axes = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    axes.add_column("axis")
    for title in ("planes", "from", "to", "smallest", "largest", "step"):
        axes.add_column(title, justify="right", no_wrap=True)
    for axis in ("x", "y", "z"):
        planes, widths = getattr(grid, axis), getattr(grid, f"d{axis}")
        values = (planes[0], planes[-1], widths.min(), widths.max())
        lengths = [format_quantity(float(value), "length") for value in values]
        axes.add_row(axis, str(planes.size), *lengths, f"{steepest_step(widths):.3g}")
    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column()
    rows.add_row("cells", cells_of(model))
    rows.add_row("aspect", f"{largest_aspect(model):.3g} at most, longest to shortest side of a cell")
    rows.add_row("parts", f"{len(model.parts)}")
    rows.add_row("power", format_quantity(model.total_power, "power"))
    if files:
        rows.add_row("written", ", ".join(files))
    return Group(axes, Text(), rows)


def cells_of(model: Model) -> str:
    """Return how many cells there are, along each axis and in the body."""
    nz, ny, nx = model.grid.shape
    cells = f"{_number(model.grid.cells)} cells ({nx} x {ny} x {nz})"
    return f"{cells}, {_number(model.active)} of them in the body"


def grid_summary(model: Model) -> dict[str, object]:
    """Return the same as plain data, lengths in metres."""
    grid = model.grid
    axes = {
        axis: {
            "planes": int(getattr(grid, axis).size),
            "from": float(getattr(grid, axis)[0]),
            "to": float(getattr(grid, axis)[-1]),
            "smallest": float(getattr(grid, f"d{axis}").min()),
            "largest": float(getattr(grid, f"d{axis}").max()),
            "step": steepest_step(getattr(grid, f"d{axis}")),
        }
        for axis in ("x", "y", "z")
    }
    return {
        "package": model.package.name,
        "grid": {"cells": grid.cells, "active": model.active, "shape": list(grid.shape)},
        "axes": axes,
        "aspect": largest_aspect(model),
        "parts": len(model.parts),
        "power": model.total_power,
        "warnings": list(model.warnings),
    }


def steepest_step(widths: np.ndarray) -> float:
    """Return the greatest ratio of two neighbouring widths, 1 where there is only one."""
    ratios = np.exp(np.abs(np.diff(np.log(widths))))
    return float(ratios.max(initial=1.0))


def largest_aspect(model: Model) -> float:
    """Return the greatest ratio of the longest to the shortest side of a cell in the body."""
    grid = model.grid
    worst = 1.0
    for k in np.flatnonzero(model.part.any(axis=(1, 2))):
        rows, columns = np.nonzero(model.part[k])
        sides = np.stack([np.full(rows.size, grid.dz[k]), grid.dy[rows], grid.dx[columns]])
        worst = max(worst, float((sides.max(axis=0) / sides.min(axis=0)).max()))
    return worst


# -- materials -----------------------------------------------------------------------------------


def materials_table(materials: Sequence[Material], width: int) -> RenderableType:
    """Return a line for each material: conductivity along x and z at 300 K, heat capacity, source."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    table.add_column("material", no_wrap=True)
    table.add_column(Text("in-plane\nW/m/K", justify="right"), justify="right", no_wrap=True)
    table.add_column(Text("through\nW/m/K", justify="right"), justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column(Text("capacity\nMJ/m3/K", justify="right"), justify="right", no_wrap=True)
    table.add_column("source", no_wrap=True, overflow="ellipsis", max_width=max(20, width - 66))
    for material in materials:
        x, _, z = material.conductivity_at(ROOM_TEMPERATURE)
        capacity = f"{1e-6 * material.capacity_at(ROOM_TEMPERATURE):.3g}" if material.has_capacity else ""
        law = "" if material.is_constant else "T"
        table.add_row(material.name, f"{x:.4g}", f"{z:.4g}", law, capacity, Text(material.source))
    if all(material.is_constant for material in materials):
        return table
    return Group(table, Text("T: depends on temperature; the values are those at 300 K", style="dim"))


def material_table(material: Material) -> RenderableType:
    """Return all that is known of one material, its conductivity at some temperatures."""
    low, high = material.temperature_range or (ROOM_TEMPERATURE, ROOM_TEMPERATURE)
    usual = [t + ZERO for t in (-50.0, 25.0, 75.0, 100.0, 150.0, 200.0)]
    temperatures = [t for t in usual if low <= t <= high] or [ROOM_TEMPERATURE]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("temperature", "along x", "along y", "along z", "capacity"):
        table.add_column(title, justify="right", no_wrap=True)
    for t in temperatures:
        axes = [format_quantity(value, "conductivity") for value in material.conductivity_at(t)]
        capacity = (
            format_quantity(material.capacity_at(t), "volumetric_heat_capacity")
            if material.has_capacity
            else ""
        )
        label = "any" if material.is_constant else format_quantity(t, "temperature")
        table.add_row(label, *axes, capacity)
    known = (
        "taken as constant"
        if material.temperature_range is None
        else "known from {} to {}".format(*(format_quantity(t, "temperature") for t in (low, high)))
    )
    source = Padding(Text(f"{known}\nsource: {material.source or 'none given'}"), (1, 0, 0, 0))
    return Group(Text(material.name, style="bold"), table, source)


def material_summary(material: Material) -> dict[str, object]:
    """Return a material as plain data in SI units, at 300 K where it depends on temperature."""
    capacity = material.capacity_at(ROOM_TEMPERATURE) if material.has_capacity else None
    return {
        "conductivity": list(material.conductivity_at(ROOM_TEMPERATURE)),
        "volumetric_heat_capacity": capacity,
        "constant": material.is_constant,
        "temperature_range": list(material.temperature_range) if material.temperature_range else None,
        "source": material.source,
    }


def _number(count: int) -> str:
    return f"{count:,}".replace(",", " ")


def _bytes(count: int) -> str:
    power = min(3, int(math.log10(max(count, 1)) // 3))
    return f"{count / 1000.0**power:.3g} {('bytes', 'kB', 'MB', 'GB')[power]} at most"
