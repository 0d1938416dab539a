"""Figure of a comparison: the difference of two temperature fields in a layer and in two sections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thermostack.plot.figure import TEXT_COLOR, draw_header, save_figure, title_style
from thermostack.plot.panels import draw_color_scale, new_panels, place_panels
from thermostack.plot.planes import (
    MM_PER_M,
    crop,
    draw_outlines,
    draw_values,
    edges_of,
    label_outlines,
    stretch_z,
)
from thermostack.results.fields import PlaneSlice, slice_plane
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import argument_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from thermostack.results.comparison import Comparison

COLOR_MAP = "RdBu_r"  # blue where the second result is colder, white without a difference
MISSING_COLOR = "#e6e6ec"  # of what is not in both bodies
MIN_RANGE = 1e-6  # K of the colour map to each side of zero
PEAK_SHARE = 0.9  # of the largest difference: with more of it at the peak, the planes are those of the peak


def plot_difference(comparison: Comparison, path: str | Path | None = None) -> Figure:
    """Return the difference of two fields in a layer and in two cross-sections, second minus first.

    The planes pass through the peak of the second result, or through the largest difference where that at
    the peak is much smaller. The colour map is symmetric about zero; what is not in both bodies is grey.

    Parameters
    ----------
    comparison
        Result of `compare`.
    path
        File to write, .png, .svg or .pdf.

    Raises
    ------
    ArgumentError
        If the bodies have no common volume.
    OutputError
        If the file cannot be written.
    """
    field, model = comparison.field, comparison.first.model
    if not field.is_common.any():
        raise argument_error("comparison", "the bodies of both results have no common volume")
    (x, y, z), place = _shown_position(comparison)
    layer, *sections = [slice_plane(field.grid, axis, at) for axis, at in (("z", z), ("y", y), ("x", x))]
    part = np.where(field.is_common, field.part, 0)
    right, up = edges_of(layer, *crop(layer, layer.take_values(part)))
    height = float(np.clip(5.9 * np.ptp(up) / np.ptp(right), 3.6, 6.2))  # inches, of the layer map
    figure, axes = new_panels(13.0, height + 1.5)
    limit = max(float(np.nanmax(np.abs(field.values))), MIN_RANGE)
    for plane in (layer, *sections):
        mesh = draw_values(
            axes[plane.axis],
            plane,
            plane.take_values(field.values),
            plane.take_values(part),
            (-limit, limit),
            COLOR_MAP,
        )
        axes[plane.axis].set_facecolor(MISSING_COLOR)
        draw_outlines(axes[plane.axis], model, plane)
        axes[plane.axis].set_title(_title(plane, place), **title_style())
    for section in sections:
        stretch_z(axes[section.axis], 5.2, 0.5 * height - 0.35)
    draw_color_scale(figure, mesh, axes["bar"], "temperature difference, B − A [K]")
    place_panels(figure, axes)
    planes = [(axes[plane.axis], plane) for plane in (layer, *sections)]
    label_outlines(figure, model, planes, color=TEXT_COLOR)
    draw_header(figure, "difference", _summary(comparison))
    return save_figure(figure, path)


def _shown_position(comparison: Comparison) -> tuple[tuple[float, float, float], str]:
    """Return the position (x, y, z) [m] through which the planes pass, and its description."""
    field, second = comparison.field, comparison.second
    if isinstance(second, SteadyResult):
        peak = second.peak.at
    else:
        grid = second.model.grid
        k, j, i = np.unravel_index(int(np.nanargmax(second.field)), grid.shape)
        peak = (float(grid.x_center[i]), float(grid.y_center[j]), float(grid.z_center[k]))
    indices = [slice_plane(field.grid, axis, at).index for axis, at in zip("zyx", peak[::-1], strict=True)]
    at_peak = abs(float(field.values[tuple(indices)]))
    if at_peak >= PEAK_SHARE * float(np.nanmax(np.abs(field.values))):  # False for NaN
        return peak, "through the peak of B"
    return field.largest_at, "through the largest difference"


def _title(plane: PlaneSlice, place: str) -> str:
    position = f"{plane.axis} = {plane.at * MM_PER_M:.4g} mm"
    return f"{place}, {position}"


def _summary(comparison: Comparison) -> str:
    """Return the names of both results, the range of the difference and its mean."""
    field = comparison.field
    first, second = comparison.labels
    values = f"{field.min:+.3g} to {field.max:+.3g} K, mean {field.mean:+.3g} K"
    return f"A {first},  B {second},  B − A {values}"
