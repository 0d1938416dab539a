"""Figures of a steady result: layer maps, cross-sections, an overview of both, and the grid.

Only the cells of the planes are drawn, at their true edges. The functions return a `Figure`, and write it
where a path is given; they use neither a display nor the global state of matplotlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thermostack.mesh.model import Model, window_of_parts
from thermostack.plot.figure import (
    TEXT_COLOR,
    draw_header,
    new_figure,
    save_figure,
    title_style,
)
from thermostack.plot.panels import draw_color_scale, new_panels, place_panels
from thermostack.plot.planes import (
    MM_PER_M,
    annotate_peak,
    crop,
    draw_cells,
    draw_color_bar,
    draw_temperatures,
    edges_of,
    label_outlines,
    stretch_z,
)
from thermostack.results.fields import PlaneSlice, slice_plane
from thermostack.schema.arguments import argument_error
from thermostack.units import ZERO_CELSIUS, format_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from thermostack.finite_volume.part_temperatures import PartTemperature
    from thermostack.results.steady_result import SteadyResult

TEMPERATURE_LABEL = "temperature [°C]"

# -- figures ---------------------------------------------------------------------------------


def plot_overview(steady: SteadyResult, path: str | Path | None = None) -> Figure:
    """Return the map of the hottest layer and two cross-sections through the peak.

    Parameters
    ----------
    steady
        Result of `solve_steady` or `read_result`.
    path
        File to write, .png, .svg or .pdf.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    peak = steady.peak
    x, y, _ = peak.at
    layer = _hottest_layer(steady, peak)
    sections = [slice_plane(steady.model.grid, "y", y), slice_plane(steady.model.grid, "x", x)]
    rows, columns = crop(layer, layer.take_values(steady.model.part))
    right, up = edges_of(layer, rows, columns)
    height = float(np.clip(5.9 * np.ptp(up) / np.ptp(right), 3.6, 6.2))  # inches, of the layer map
    figure, axes = new_panels(13.0, height + 1.5)
    limits = _temperature_range(steady, [layer, *sections])
    mesh = draw_temperatures(axes["z"], steady, layer, limits)
    for section in sections:
        draw_temperatures(axes[section.axis], steady, section, limits)
        stretch_z(axes[section.axis], 5.2, 0.5 * height - 0.35)
    draw_color_scale(figure, mesh, axes["bar"], TEMPERATURE_LABEL)
    axes["z"].set_title(f"{peak.name}, {_position(layer)}", **title_style())
    for section in sections:
        axes[section.axis].set_title(f"through the peak, {_position(section)}", **title_style())
        annotate_peak(axes[section.axis], peak, section, with_value=False)
    annotate_peak(axes["z"], peak, layer)
    place_panels(figure, axes)
    label_outlines(figure, steady.model, [(axes[plane.axis], plane) for plane in (layer, *sections)])
    draw_header(figure, steady.package.name, _summary(steady))
    return save_figure(figure, path)


def plot_layer_map(
    steady: SteadyResult, part: str | None = None, *, z: float | None = None, path: str | Path | None = None
) -> Figure:
    """Return the temperatures of a horizontal plane.

    Parameters
    ----------
    steady
        Result of `solve_steady` or `read_result`.
    part
        Name of a part, block or stack; the plane is that of its maximum temperature.
    z
        Height of the plane [m]. Without `part` and `z` the plane is that of the peak.
    path
        File to write, .png, .svg or .pdf.

    Raises
    ------
    KeyError
        If no part has that name.
    ValueError
        If the height is outside the grid.
    OutputError
        If the file cannot be written.
    """
    hottest = steady.peak if part is None else steady.of(part)
    layer = _hottest_layer(steady, hottest) if z is None else slice_plane(steady.model.grid, "z", z)
    figure = new_figure(8.0, 6.6)
    axes = figure.subplots()
    mesh = draw_temperatures(axes, steady, layer, _temperature_range(steady, [layer]))
    draw_color_bar(figure, mesh, [axes], TEMPERATURE_LABEL)
    name = f"{hottest.name}, " if z is None else ""
    axes.set_title(f"{name}{_position(layer)}", **title_style())
    if z is None:
        annotate_peak(axes, hottest, layer)
    label_outlines(figure, steady.model, [(axes, layer)])
    draw_header(figure, steady.package.name, f"{steady.heat_balance.heat_in:.4g} W")
    return save_figure(figure, path)


def plot_section(
    steady: SteadyResult, axis: str = "y", *, at: float | None = None, path: str | Path | None = None
) -> Figure:
    """Return the temperatures of a vertical cross-section.

    Parameters
    ----------
    steady
        Result of `solve_steady` or `read_result`.
    axis
        Axis normal to the section, "x" or "y".
    at
        Position of the section on that axis [m]; through the peak if None.
    path
        File to write, .png, .svg or .pdf.

    Raises
    ------
    ValueError
        If the axis is another, or the position is outside the grid.
    OutputError
        If the file cannot be written.
    """
    if axis not in ("x", "y"):
        raise argument_error("axis", f"the axis of a section must be x or y, got {axis!r}")
    peak = steady.peak
    section = slice_plane(steady.model.grid, axis, peak.at["xy".index(axis)] if at is None else at)
    figure = new_figure(11.0, 4.4)
    axes = figure.subplots()
    mesh = draw_temperatures(axes, steady, section, _temperature_range(steady, [section]))
    stretch_z(axes, 9.5, 3.2)
    draw_color_bar(figure, mesh, [axes], TEMPERATURE_LABEL)
    axes.set_title(_position(section), **title_style())
    if at is None:
        annotate_peak(axes, peak, section)
    label_outlines(figure, steady.model, [(axes, section)])
    draw_header(figure, steady.package.name, f"{steady.heat_balance.heat_in:.4g} W")
    return save_figure(figure, path)


def plot_grid(model: Model, path: str | Path | None = None) -> Figure:
    """Return the cells, coloured by part, of a layer and a section through the highest power density.

    Parameters
    ----------
    model
        Result of `discretize`.
    path
        File to write, .png, .svg or .pdf.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    y, z, layers = _max_power_density(model)
    layer, section = slice_plane(model.grid, "z", z, within=layers), slice_plane(model.grid, "y", y)
    figure = new_figure(11.0, 10.0)
    axes = figure.subplot_mosaic([["z"], ["y"]], height_ratios=[1.8, 1.0])
    for plane, along in ((layer, "xy"), (section, "xz")):
        draw_cells(axes[plane.axis], model, plane)
        sizes = ", ".join(f"{axis} {_cell_sizes(getattr(model.grid, f'd{axis}'))}" for axis in along)
        axes[plane.axis].set_title(f"{_position(plane)};  cells along {sizes}", **title_style())
    stretch_z(axes["y"], 9.8, 2.9)
    label_outlines(figure, model, [(axes["z"], layer), (axes["y"], section)], color=TEXT_COLOR)
    nz, ny, nx = model.grid.shape
    count = f"{nx} x {ny} x {nz} = {model.grid.cells} cells, {model.active} of them in the body"
    draw_header(figure, model.package.name, count)
    return save_figure(figure, path)


def _cell_sizes(widths: np.ndarray) -> str:
    low, high = (format_quantity(float(width), "length") for width in (widths.min(), widths.max()))
    return low if low == high else f"{low} to {high}"


def _position(plane: PlaneSlice) -> str:
    return f"{plane.axis} = {plane.at * MM_PER_M:.4g} mm"


# -- planes ----------------------------------------------------------------------------------


def _hottest_layer(steady: SteadyResult, hottest: PartTemperature) -> PlaneSlice:
    """Return the layer of cells of a part that holds its peak, also where the peak is on its face."""
    model = steady.model
    windows = window_of_parts(model)
    layers = [
        window[0]
        for part, window in zip(model.parts, windows, strict=True)
        if hottest.name == part.name or hottest.name.startswith(f"{part.name}.")
    ]
    z = hottest.at[2]
    return slice_plane(
        model.grid, "z", z, within=layers[0] if layers and layers[0].stop > layers[0].start else None
    )


def _max_power_density(model: Model) -> tuple[float, float, slice | None]:
    """Return y and z [m] of the maximum power density and the layers of its source, else the centre."""
    grid = model.grid
    max_density = 0.0
    y, z = (0.5 * float(edges[0] + edges[-1]) for edges in (grid.y, grid.z))
    layers: slice | None = None
    for source in model.layer_sources:
        k, j, i = source.window
        density = source.plane / (grid.dy[j, None] * grid.dx[i]) / grid.dz[k].sum()
        if density.max() > max_density:
            max_density = float(density.max())
            row = int(density.argmax()) // density.shape[1]
            y, z, layers = float(grid.y_center[j][row]), float(grid.z_center[k.start]), k
    return y, z, layers


def _temperature_range(steady: SteadyResult, planes: Sequence[PlaneSlice]) -> tuple[float, float]:
    """Return the minimum and maximum temperature [degC] of several planes."""
    values = [plane.take_values(steady.field) for plane in planes]
    low = min((float(np.nanmin(v)) for v in values if np.isfinite(v).any()), default=ZERO_CELSIUS)
    high = max((float(np.nanmax(v)) for v in values if np.isfinite(v).any()), default=ZERO_CELSIUS)
    return low - ZERO_CELSIUS, max(high - ZERO_CELSIUS, low - ZERO_CELSIUS + 1e-6)


# -- texts -----------------------------------------------------------------------------------


def _summary(steady: SteadyResult) -> str:
    """Return total power, peak temperature with error estimate, and minimum distance from a limit."""
    peak = steady.peak
    value = peak.max - ZERO_CELSIUS
    if peak.error is None:
        temperature = f"{value:.1f} °C (error not estimated)"
    else:
        digits = int(np.clip(1.0 - np.floor(np.log10(max(peak.error, 1e-3))), 0, 3))
        temperature = f"{value:.{digits}f} ± {peak.error:.{digits}f} °C"
    text = f"{steady.heat_balance.heat_in:.4g} W,  peak {temperature} in {peak.name}"
    nearest = steady.nearest_to_limit
    if nearest is not None:
        margin = nearest.margin or 0.0
        limit = "its limit" if nearest.name == peak.name else f"the limit of {nearest.name}"
        text += f",  {abs(margin):.1f} K {'below' if margin >= 0.0 else 'above'} {limit}"
    return text
