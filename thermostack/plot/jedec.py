"""The page of JEDEC metrics: their table, the temperatures of the board, and theta_JA over air speed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.plot.figure import (
    TEXT_COLOR,
    TICK_COLOR,
    draw_header,
    freeze_layout,
    new_figure,
    save_figure,
    style_color_bar,
    style_spines,
    title_style,
)
from thermostack.units import ZERO_CELSIUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from thermostack.results.jedec_result import JedecMetric, JedecResult
    from thermostack.results.steady_result import SteadyResult

CURVE, GRID = "#d1495b", "#e6e6ea"
PSI_COLORS = {"psi_JT": "#1f6f8b", "psi_JB": "#3a8f5c"}
MM_PER_M = 1e3
SYMBOLS = {
    "theta_JA": "θ_JA",
    "theta_JMA": "θ_JMA",
    "theta_JB": "θ_JB",
    "theta_JC_top": "θ_JC(top)",
    "theta_JC_bottom": "θ_JC(bottom)",
    "psi_JT": "Ψ_JT",
    "psi_JB": "Ψ_JB",
}


def plot_jedec(result: JedecResult, path: str | Path | None = None) -> Figure:
    """Return the page of a result; panels without data are left out.

    Raises OutputError if the file cannot be written.
    """
    board = next((each for each in result.fields.values() if "on_board" in each.package.name), None)
    speeds = air_speeds(result)
    panels = [name for name, shown in (("board", board), ("speed", len(speeds) > 1)) if shown]
    rows: Any = [["table"] * max(1, len(panels))] + ([panels] if panels else [])
    height = 1.6 + 0.26 * len(result.metrics)
    figure = new_figure(11.0, height + (5.0 if panels else 0.0))
    ratios = [height, 5.0] if panels else [height]
    axes = figure.subplot_mosaic(rows, height_ratios=ratios)
    _draw_table(axes["table"], result)
    if board is not None:
        _draw_board(figure, axes["board"], result, board)
    if "speed" in axes:
        _draw_speeds(axes["speed"], result, speeds)
    freeze_layout(figure)
    text = f"{result.board},  {result.power:.4g} W,  {result.ambient - ZERO_CELSIUS:.4g} degC"
    draw_header(figure, result.package, text)
    return save_figure(figure, path)


def air_speeds(result: JedecResult) -> dict[float, list[JedecMetric]]:
    """Return the metrics in air by its speed [m/s]."""
    found: dict[float, list[JedecMetric]] = {}
    for metric in result.metrics:
        if metric.environment == "still air":
            found.setdefault(0.0, []).append(metric)
        elif metric.environment.startswith("air "):
            found.setdefault(float(metric.environment.split()[1]), []).append(metric)
    return found


def _draw_table(axes: Axes, result: JedecResult) -> None:
    from matplotlib.transforms import Bbox

    axes.axis("off")
    titles = ["metric", "K/W", "± K/W", "environment", "difference [K]", "reference"]
    cells = [
        [
            SYMBOLS.get(each.name, each.name),
            f"{each.value:.4g}",
            f"{each.error:.2g}",
            each.environment,
            f"{each.difference:.4g}",
            each.reference.place,
        ]
        for each in result.metrics
    ]
    table = axes.table(
        cells,
        colLabels=titles,
        cellLoc="left",
        colLoc="left",
        edges="horizontal",
        bbox=Bbox.from_bounds(0.0, 0.0, 1.0, 1.0),
        colWidths=[0.13, 0.09, 0.09, 0.27, 0.14, 0.28],
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9.0)
    for (row, _), cell in table.get_celld().items():
        cell.set_edgecolor(GRID)
        text = cell.get_text()
        text.set_color(TEXT_COLOR)
        text.set_parse_math(False)
        if row == 0:
            text.set_fontweight("bold")


def _draw_board(figure: Figure, axes: Axes, result: JedecResult, field: SteadyResult) -> None:
    """Draw the temperatures of the surface that looks up, with the outline of the package."""
    model = field.model
    part = model.part
    nz = part.shape[0]
    upper = nz - 1 - np.argmax(part[::-1] > 0, axis=0)  # of each column; every column has a board
    t = np.take_along_axis(field.field, upper[np.newaxis], axis=0)[0] - ZERO_CELSIUS
    x, y = MM_PER_M * model.grid.x, MM_PER_M * model.grid.y
    mesh = axes.pcolormesh(x, y, t, cmap="inferno", shading="flat", rasterized=True)
    x0, y0, x1, y1 = (MM_PER_M * each for each in result.outline)
    axes.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="white", lw=0.9)
    axes.set(aspect="equal", xlabel="x [mm]", ylabel="y [mm]")
    name = next(key for key, each in result.fields.items() if each is field)
    axes.set_title(f"surface of board and package, {name}", **title_style())
    axes.tick_params(colors=TICK_COLOR, labelcolor=TEXT_COLOR, labelsize=9.0)
    style_color_bar(figure.colorbar(mesh, ax=axes, shrink=0.85), "temperature [degC]")


def _draw_speeds(axes: Axes, result: JedecResult, speeds: dict[float, list[JedecMetric]]) -> None:
    """Draw theta_JA, psi_JT and psi_JB over the speed of the air, with their errors."""
    x = sorted(speeds)
    lines = {"theta_JA": CURVE, **PSI_COLORS}
    for name, color in lines.items():
        wanted = ("theta_JA", "theta_JMA") if name == "theta_JA" else (name,)
        found = [next(each for each in speeds[speed] if each.name in wanted) for speed in x]
        axes.errorbar(
            x,
            [each.value for each in found],
            [each.error for each in found],
            color=color,
            lw=1.8,
            marker="o",
            ms=4.0,
            capsize=2.5,
            label=SYMBOLS[name],
        )
    axes.set(xlabel="air speed [m/s]", ylabel="K/W", xticks=x)
    axes.set_ylim(bottom=0.0)
    axes.set_title("over the speed of the air", **title_style())
    axes.grid(True, color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=TICK_COLOR, labelcolor=TEXT_COLOR, labelsize=9.0)
    style_spines(axes, "left", "bottom")
    axes.legend(frameon=False, fontsize=9.0, labelcolor=TEXT_COLOR)
