"""An empty figure, its header and panel titles, its colours, and its output file."""

from __future__ import annotations

import io
import zlib
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


def place_axes(figure: Figure) -> None:
    """Compute the positions of the axes from the artists that the figure has so far."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    for axes in figure.axes:
        axes.apply_aspect()


def freeze_layout(figure: Figure) -> None:
    """Compute the positions of the axes; later artists and the output do not change them.

    The layout takes as long as the output of the figure, and matplotlib would repeat it before each output.
    """
    place_axes(figure)
    figure.set_layout_engine("none")


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


def style_color_bar(bar: Any, label: str) -> None:
    """Set the label of a colour bar, and the style of its ticks."""
    bar.set_label(label, color=TEXT_COLOR)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=TICK_COLOR, labelcolor=TEXT_COLOR, labelsize=9.0, length=3.0)


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
    freeze_layout(figure)
    image = io.BytesIO()
    if path.suffix.lower() == ".png":
        _write_png(figure, image)
    else:
        figure.savefig(image, format=path.suffix[1:].lower())
    write_atomic(path, image.getvalue())
    return figure


def _write_png(figure: Figure, image: io.BytesIO) -> None:
    """Draw a figure once and write its pixels without transparency, which all of them lack.

    The run lengths of PNG are as short as those of the default compression, in half of its time: figures have
    large areas of one colour.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height(physical=True)
    pixels = Image.frombuffer("RGBA", (width, height), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    pixels.convert("RGB").save(image, format="png", dpi=(DPI, DPI), compress_type=zlib.Z_RLE)
