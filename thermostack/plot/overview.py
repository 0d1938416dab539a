"""Pictures of a result: layer maps, cross-sections, both on one page, and the grid.

A plane of cells is drawn on its true edges, so a picture of millions of cells costs what its pixels do.
Nothing here touches the global state of matplotlib or needs a display: a `Figure` is returned, and
written whole where a path is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.mesh.model import Model, window_of_parts
from thermostack.plot.figure import caption, finish_page, new_page, write_head
from thermostack.plot.planes import (
    FAINT,
    INK,
    MM,
    ZERO_CELSIUS,
    crop,
    draw_cells,
    draw_temperatures,
    edges_of,
    mark,
    name_frames,
    stretch_z,
)
from thermostack.results.fields import PlaneSlice, slice_plane
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from thermostack.finite_volume.part_temperatures import PartTemperature
    from thermostack.results.steady_result import SteadyResult


# -- pictures --------------------------------------------------------------------------------


def plot_overview(steady: SteadyResult, path: str | Path | None = None) -> Figure:
    """Return the hottest layer, and cross-sections through its hottest place; written to a path.

    Raises OutputError where the file cannot be written.
    """
    peak = steady.peak
    x, y, _ = peak.at
    plan = _plan_of(steady, peak)
    sections = [slice_plane(steady.model.grid, "y", y), slice_plane(steady.model.grid, "x", x)]
    rows, columns = crop(plan, plan.take_values(steady.model.part))
    right, up = edges_of(plan, rows, columns)
    height = float(np.clip(5.9 * np.ptp(up) / np.ptp(right), 3.6, 6.2))  # inches, of the plan
    figure = new_page(13.0, height + 1.5)
    axes = figure.subplot_mosaic([["plan", "y"], ["plan", "x"]], width_ratios=[1.05, 1.0])
    colors = _range(steady, [plan, *sections])
    mesh = draw_temperatures(axes["plan"], steady, plan, colors)
    for section in sections:
        draw_temperatures(axes[section.axis], steady, section, colors)
        stretch_z(axes[section.axis], 5.2, 0.5 * height - 0.35)
    _color_bar(figure, mesh, list(axes.values()))
    axes["plan"].set_title(f"{peak.name}, z = {plan.at * MM:.4g} mm", **caption())
    for section in sections:
        axes[section.axis].set_title(
            f"through the peak, {section.axis} = {section.at * MM:.4g} mm", **caption()
        )
        mark(axes[section.axis], peak, section, is_named=False)
    mark(axes["plan"], peak, plan)
    name_frames(figure, steady.model, [(axes["plan"], plan), *((axes[s.axis], s) for s in sections)])
    write_head(figure, steady.package.name, _verdict(steady))
    return finish_page(figure, path)


def plot_layer_map(
    steady: SteadyResult, part: str | None = None, *, z: float | None = None, path: str | Path | None = None
) -> Figure:
    """Return the temperatures in plan: where a part is hottest, at a height z [m], or at the peak.

    Raises KeyError for an unknown part, ValueError for a height outside the body, and OutputError.
    """
    hottest = steady.peak if part is None else steady.of(part)
    plan = _plan_of(steady, hottest) if z is None else slice_plane(steady.model.grid, "z", z)
    figure = new_page(8.0, 6.6)
    axes = figure.subplots()
    mesh = draw_temperatures(axes, steady, plan, _range(steady, [plan]))
    _color_bar(figure, mesh, [axes])
    name = f"{hottest.name}, " if z is None else ""
    axes.set_title(f"{name}z = {plan.at * MM:.4g} mm", **caption())
    if z is None:
        mark(axes, hottest, plan)
    name_frames(figure, steady.model, [(axes, plan)])
    write_head(figure, steady.package.name, f"{steady.heat_balance.heat_in:.4g} W")
    return finish_page(figure, path)


def plot_section(
    steady: SteadyResult, axis: str = "y", *, at: float | None = None, path: str | Path | None = None
) -> Figure:
    """Return the temperatures in a cross-section across x or y, at a place [m] or through the peak.

    Raises ValueError for another axis or a place outside the body, and OutputError.
    """
    if axis not in ("x", "y"):
        raise ValueError(f"a section lies across x or y, not {axis!r}")
    peak = steady.peak
    place = peak.at["xy".index(axis)] if at is None else at
    section = slice_plane(steady.model.grid, axis, place)
    figure = new_page(11.0, 4.4)
    axes = figure.subplots()
    mesh = draw_temperatures(axes, steady, section, _range(steady, [section]))
    stretch_z(axes, 9.5, 3.2)
    _color_bar(figure, mesh, [axes])
    axes.set_title(f"{axis} = {place * MM:.4g} mm", **caption())
    if at is None:
        mark(axes, peak, section)
    name_frames(figure, steady.model, [(axes, section)])
    write_head(figure, steady.package.name, f"{steady.heat_balance.heat_in:.4g} W")
    return finish_page(figure, path)


def plot_grid(model: Model, path: str | Path | None = None) -> Figure:
    """Return the cells in plan and in section, coloured by part, through the place that heats most."""
    y, z, layers = _most_heated(model)
    plan, section = slice_plane(model.grid, "z", z, within=layers), slice_plane(model.grid, "y", y)
    figure = new_page(11.0, 10.0)
    axes = figure.subplot_mosaic([["plan"], ["y"]], height_ratios=[1.8, 1.0])
    for name, plane, along in (("plan", plan, "xy"), ("y", section, "xz")):
        draw_cells(axes[name], model, plane)
        sizes = ", ".join(f"{axis} {_sizes(getattr(model.grid, f'd{axis}'))}" for axis in along)
        axes[name].set_title(f"{plane.axis} = {plane.at * MM:.4g} mm;  cells along {sizes}", **caption())
    stretch_z(axes["y"], 9.8, 2.9)
    name_frames(figure, model, [(axes["plan"], plan), (axes["y"], section)], color=INK)
    nz, ny, nx = model.grid.shape
    count = f"{nx} x {ny} x {nz} = {model.grid.cells} cells, {model.active} of them in the body"
    write_head(figure, model.package.name, count)
    return finish_page(figure, path)


def _sizes(widths: np.ndarray) -> str:
    low, high = (format_quantity(float(width), "length") for width in (widths.min(), widths.max()))
    return low if low == high else f"{low} to {high}"


# -- planes ----------------------------------------------------------------------------------


def _plan_of(steady: SteadyResult, hottest: PartTemperature) -> PlaneSlice:
    """Return the plane of the cells in which a part is hottest, not those on the other side of its face."""
    model = steady.model
    windows = window_of_parts(model)
    near = [
        window[0]
        for part, window in zip(model.parts, windows, strict=True)
        if hottest.name == part.name or hottest.name.startswith(f"{part.name}.")
    ]
    z = hottest.at[2]
    return slice_plane(model.grid, "z", z, within=near[0] if near and near[0].stop > near[0].start else None)


def _most_heated(model: Model) -> tuple[float, float, slice | None]:
    """Return y and z [m] of what heats most per volume and its layers; the middle if nothing does."""
    grid = model.grid
    best = 0.0
    y, z = (0.5 * float(edges[0] + edges[-1]) for edges in (grid.y, grid.z))
    layers: slice | None = None
    for source in model.layer_sources:
        k, j, i = source.window
        density = source.plane / (grid.dy[j, None] * grid.dx[i]) / grid.dz[k].sum()
        if density.max() > best:
            best = float(density.max())
            row = int(density.argmax()) // density.shape[1]
            y, z, layers = float(grid.y_center[j][row]), float(grid.z_center[k.start]), k
    return y, z, layers


def _range(steady: SteadyResult, planes: Sequence[PlaneSlice]) -> tuple[float, float]:
    """Return the least and greatest temperature [degC] in some planes."""
    values = [plane.take_values(steady.field) for plane in planes]
    low = min((float(np.nanmin(v)) for v in values if np.isfinite(v).any()), default=ZERO_CELSIUS)
    high = max((float(np.nanmax(v)) for v in values if np.isfinite(v).any()), default=ZERO_CELSIUS)
    return low - ZERO_CELSIUS, max(high - ZERO_CELSIUS, low - ZERO_CELSIUS + 1e-6)


# -- page ------------------------------------------------------------------------------------


def _color_bar(figure: Figure, mesh: Any, axes: list[Axes]) -> None:
    bar = figure.colorbar(mesh, ax=axes, aspect=34, pad=0.015, fraction=0.04)
    bar.set_label("temperature [°C]", color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=FAINT, labelcolor=INK, labelsize=9.0, length=3.0)


def _verdict(steady: SteadyResult) -> str:
    """Return the power, the peak with its error, and how far it is from its limit."""
    peak = steady.peak
    value = peak.max - ZERO_CELSIUS
    if peak.error is None:
        reached = f"{value:.1f} °C (error not estimated)"
    else:
        digits = int(np.clip(1.0 - np.floor(np.log10(max(peak.error, 1e-3))), 0, 3))
        reached = f"{value:.{digits}f} ± {peak.error:.{digits}f} °C"
    text = f"{steady.heat_balance.heat_in:.4g} W,  peak {reached} in {peak.name}"
    if peak.margin is not None:
        text += f",  {abs(peak.margin):.1f} K {'below' if peak.margin >= 0.0 else 'above'} its limit"
    return text
