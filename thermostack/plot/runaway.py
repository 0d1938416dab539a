"""Figure of temperature and loop gain up to thermal runaway."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from thermostack.plot.figure import TEXT_COLOR, TICK_COLOR, draw_header, new_figure, save_figure, style_spines
from thermostack.units import ZERO_CELSIUS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from thermostack.results.runaway_result import RunawayResult

TEMPERATURE, GAIN, GRID = "#d1495b", "#2e6f95", "#e6e6ea"
LABELS = {
    "power scale": "factor of all powers",
    "ambient change": "change of the ambient [K]",
    "cooler resistance": "cooler resistance [K/W]",
}


def plot_runaway(result: RunawayResult, path: str | Path | None = None) -> Figure:
    """Return a figure with one panel for each quantity. Raises OutputError if the file cannot be written."""
    shown = [each for each in result.critical if each.points]
    figure = new_figure(4.2 * max(len(shown), 1), 4.6)
    for n, each in enumerate(shown):
        axes = figure.add_subplot(1, len(shown), n + 1)
        values = [point.value for point in each.points]
        axes.plot(
            values,
            [point.temperature - ZERO_CELSIUS for point in each.points],
            color=TEMPERATURE,
            lw=2.0,
            marker="o",
            ms=3.0,
        )
        axes.set(xlabel=LABELS[each.quantity])
        if n == 0:
            axes.set_ylabel("maximum temperature [degC]", color=TEMPERATURE)
        gain = axes.twinx()
        gain.plot(values, [point.loop_gain for point in each.points], color=GAIN, lw=1.5, marker="o", ms=3.0)
        gain.set(ylim=(0.0, 1.05))
        if n == len(shown) - 1:
            gain.set_ylabel("loop gain", color=GAIN)
        if math.isfinite(each.high):
            axes.axvline(each.value, color=TEXT_COLOR, lw=1.0, ls=(0, (4, 2)))
        axes.axvline(each.present, color=TICK_COLOR, lw=1.0)
        axes.grid(True, color=GRID, lw=0.7)
        axes.set_axisbelow(True)
        for one in (axes, gain):
            one.tick_params(colors=TICK_COLOR, labelcolor=TEXT_COLOR, labelsize=9.0)
        style_spines(axes, "left", "bottom")
    draw_header(figure, result.package, "thermal runaway: grey line now, dashed line critical")
    return save_figure(figure, path)
