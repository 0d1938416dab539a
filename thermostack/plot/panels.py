"""Panels of a layer map with two sections and a colour bar, placed by one measurement of their texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from thermostack.plot.figure import DPI, HEADER_HEIGHT, style_color_bar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAD = 0.06  # inches between the edge of the figure and the texts of a panel
GAP = 0.16  # inches between the texts of two panels
BAR_ASPECT = 34.0  # height of the colour bar over its width
MAP_SHARE = 1.05 / 2.05  # of the layer map in the width of both columns
# Left, bottom, width and height of the panels and the bar while their texts are measured, as fractions.
FIRST_POSITIONS = {
    "z": (0.04, 0.08, 0.43, 0.8),
    "y": (0.51, 0.53, 0.42, 0.35),
    "x": (0.51, 0.08, 0.42, 0.35),
    "bar": (0.945, 0.02, 0.015, 0.9),
}


class _Margins(NamedTuple):
    """Widths [inches] of the texts around a panel."""

    left: float
    bottom: float
    right: float
    top: float


def new_panels(width: float, height: float) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure of that size [inches] with panels "z", "y" and "x" and the axes of the colour bar."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    return figure, {name: figure.add_axes(position) for name, position in FIRST_POSITIONS.items()}


def draw_color_scale(figure: Figure, mesh: Any, bar_axes: Axes, label: str) -> None:
    """Draw the colour bar of a mesh into its axes."""
    style_color_bar(figure.colorbar(mesh, cax=bar_axes), label)


def place_panels(figure: Figure, axes: Mapping[str, Axes]) -> None:
    """Set the positions: the map on the left, the sections above each other, the bar on the right.

    The constrained layout of matplotlib measures all texts several times, which takes half of the time of the
    figure; here they are measured once.
    """
    width, height = figure.get_size_inches().tolist()
    margins = {name: _margins(each) for name, each in axes.items()}
    top = height - HEADER_HEIGHT
    bar_height = top - 2.0 * PAD
    bar_left = width - PAD - margins["bar"].right - bar_height / BAR_ASPECT
    left = PAD + margins["z"].left
    right = bar_left - GAP - max(margins["y"].right, margins["x"].right)
    between = margins["z"].right + GAP + max(margins["y"].left, margins["x"].left)
    map_width = MAP_SHARE * (right - left - between)
    section_left = left + map_width + between
    heights = top - PAD - sum(margins[name].bottom + margins[name].top for name in "yx") - GAP
    low = PAD + margins["x"].bottom
    high = low + 0.5 * heights + margins["x"].top + GAP + margins["y"].bottom
    map_bottom = PAD + margins["z"].bottom
    positions = {
        "z": (left, map_bottom, map_width, top - margins["z"].top - map_bottom),
        "y": (section_left, high, right - section_left, 0.5 * heights),
        "x": (section_left, low, right - section_left, 0.5 * heights),
        "bar": (bar_left, PAD, bar_height / BAR_ASPECT, bar_height),
    }
    for name, (x, y, dx, dy) in positions.items():
        axes[name].set_position((x / width, y / height, dx / width, dy / height))
        axes[name].apply_aspect()


def _margins(axes: Axes) -> _Margins:
    """Return the widths of the texts around a panel [inches]; a title may be wider than the panel."""
    whole: Any = axes.get_tightbbox(for_layout_only=True)
    own = axes.get_window_extent()
    left, bottom, right, top = own.x0 - whole.x0, own.y0 - whole.y0, whole.x1 - own.x1, whole.y1 - own.y1
    return _Margins(*(max(0.0, each) / DPI for each in (left, bottom, right, top)))
