"""Figure of the power that is allowed for a limited time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thermostack.plot.figure import TEXT_COLOR, TICK_COLOR, draw_header, new_figure, save_figure, style_spines
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from thermostack.results.power_limit_curve import PowerLimitCurve

CURVE, BAND, GRID = "#d1495b", "#f3c9c6", "#e6e6ea"
RELATIVE_FLOOR = 1e-3  # of the power: lower end of the band of the error on the logarithmic axis


def plot_power_limits(curve: PowerLimitCurve, path: str | Path | None = None) -> Figure:
    """Return the log-log figure of power over duration with the band of its error by the grid.

    Raises OutputError if the file cannot be written.
    """
    figure = new_figure(8.0, 5.4)
    axes = figure.subplots()
    error = np.nan_to_num(curve.error)
    low = np.maximum(curve.power - error, RELATIVE_FLOOR * curve.power)
    axes.fill_between(curve.duration, low, curve.power + error, color=BAND, lw=0.0)
    axes.plot(curve.duration, curve.power, color=CURVE, lw=2.0, marker="o", ms=3.0, label="allowed power")
    axes.axhline(
        curve.steady_power, color=TEXT_COLOR, lw=1.0, ls=(0, (4, 2)), label="allowed at steady state"
    )
    if curve.base_power > 0.0:
        axes.axhline(curve.base_power, color=TICK_COLOR, lw=1.0, label="power before")
    axes.set(xscale="log", yscale="log", xlabel="duration [s]", ylabel="power [W]")
    axes.grid(True, which="major", color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=TICK_COLOR, labelcolor=TEXT_COLOR, labelsize=9.0)
    style_spines(axes, "left", "bottom")
    axes.legend(frameon=False, fontsize=9.0, labelcolor=TEXT_COLOR)
    limit = format_quantity(curve.limit, "temperature")
    draw_header(figure, curve.package, f"{curve.source},  limit {limit}")
    return save_figure(figure, path)
