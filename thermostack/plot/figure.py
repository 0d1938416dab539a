"""The page a picture is drawn on: its size, what stands above it, and the file it becomes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thermostack.errors import OutputError
from thermostack.io.files.atomic_file import write_atomic
from thermostack.plot.planes import INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 150.0
HEAD = 0.42  # inches, the line above the picture


def new_page(width: float, height: float) -> Figure:
    """Return an empty figure of that size [inches] with room for a line above."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0.0, 0.0, 1.0, 1.0 - HEAD / height))  # type: ignore[call-arg]
    return figure


def caption() -> dict[str, Any]:
    """Return how the title of one picture on the page is written."""
    return {"fontsize": 10.5, "color": INK, "loc": "left", "parse_math": False}


def write_head(figure: Figure, name: str, rest: str) -> None:
    """Write a name and what there is to say of it above all; the layout is settled."""
    style: dict[str, Any] = {"fontsize": 13.0, "color": INK, "parse_math": False, "va": "top"}
    y = 1.0 - 0.14 / figure.get_figheight()
    title = figure.text(0.012, y, name, fontweight="bold", **style)
    end = title.get_window_extent().transformed(figure.transFigure.inverted()).x1
    figure.text(end + 0.018, y, rest, **style)


def finish_page(figure: Figure, path: str | Path | None) -> Figure:
    """Return the figure, written to a file of the kind its suffix names where a path is given.

    Raises OutputError where the file cannot be written.
    """
    if path is None:
        return figure
    kind = Path(path).suffix.lstrip(".").lower()
    if kind not in ("png", "svg", "pdf"):
        raise OutputError(f"cannot write {path}: a picture is a .png, .svg or .pdf file")
    image = io.BytesIO()
    figure.savefig(image, format=kind)
    write_atomic(path, image.getvalue())
    return figure
