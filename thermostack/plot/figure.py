"""An empty figure, its header and panel titles, its colours, and its output file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import FIGURE_SUFFIXES, require_replaceable, require_suffix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 150.0  # pixels per inch
HEADER_HEIGHT = 0.42  # inches above the panels
HEADER_MARGIN = 0.14  # inches from the top edge
POINTS_PER_INCH = 72.0
TEXT_COLOR, TICK_COLOR = "#1b1b1f", "#6b6b76"


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size [inches] with space for a header."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0.0, 0.0, 1.0, 1.0 - HEADER_HEIGHT / height))  # type: ignore[call-arg]
    return figure


def title_style() -> dict[str, Any]:
    """Return the text style of the title of a panel; names are not parsed as formulas."""
    return {"fontsize": 10.5, "color": TEXT_COLOR, "loc": "left", "parse_math": False}


def draw_header(figure: Figure, name: str, summary: str) -> None:
    """Write a bold name and a summary above the panels. The layout must be final."""
    style: dict[str, Any] = {"fontsize": 13.0, "color": TEXT_COLOR, "parse_math": False, "va": "top"}
    y = 1.0 - HEADER_MARGIN / figure.get_figheight()
    title = figure.text(0.012, y, name, fontweight="bold", **style)
    end = title.get_window_extent().transformed(figure.transFigure.inverted()).x1
    figure.text(end + 0.018, y, summary, **style)


def style_spines(axes: Axes, *visible: str) -> None:
    """Show the spines "left", "bottom" ... that are named, and hide the others."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in visible)
        spine.set_color(TICK_COLOR)


def text_outline(color: str, width: float = 2.0) -> list[Any]:
    """Return the path effect that separates a text or a line from its background."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground=color, alpha=0.7)]


def save_figure(figure: Figure, path: str | Path | None) -> Figure:
    """Return the figure, after writing it where a path is given; the suffix gives the format.

    Raises OutputError if the format is unknown or the file cannot be written.
    """
    if path is None:
        return figure
    path = require_replaceable(require_suffix(path, FIGURE_SUFFIXES))
    image = io.BytesIO()
    figure.savefig(image, format=path.suffix[1:].lower())
    write_atomic(path, image.getvalue())
    return figure
