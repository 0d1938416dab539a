"""The picture of a thermal impedance: rise, time constants, and both structure functions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.plot.figure import (
    TEXT_COLOR,
    TICK_COLOR,
    draw_header,
    new_figure,
    save_figure,
    title_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from thermostack.impedance.thermal_impedance import ThermalImpedance

COLORS = ("#b5367a", "#1f6f8b", "#3a8f5c", "#c77d1e", "#6b5bb3", "#8a6f4d")  # of other places, in turn
MAIN, SOFT = "#d1495b", "#f3c9c6"
GRID = "#e6e6ea"
MOST_PLACES = 8  # that have a line of their own
MOST_SHOWN = 30.0  # times what the package stores: beyond is the ambient
POINTS = 400  # of a smooth curve
DEEP = 1e-4  # of the greatest term: less is not shown
SHALLOW = 2e-3  # of the resistance: so near to either end the structure functions go up and down without end


def plot_impedance(impedance: ThermalImpedance, path: str | Path | None = None) -> Figure:
    """Return the rise over time, the spectrum of time constants and both structure functions.

    Raises OutputError where the file cannot be written.
    """
    figure = new_figure(13.0, 8.6)
    axes = figure.subplot_mosaic([["rise", "spectrum"], ["cumulative", "differential"]])
    _draw_rise(axes["rise"], impedance)
    _draw_spectrum(axes["spectrum"], impedance)
    _draw_structure(axes["cumulative"], axes["differential"], impedance)
    for each in axes.values():
        _dress(each)
    text = f"{impedance.source},  {impedance.theta:.4g} K/W at rest"
    draw_header(figure, impedance.package, text)
    return save_figure(figure, path)


def _draw_rise(axes: Axes, impedance: ThermalImpedance) -> None:
    own = (impedance.source, f"{impedance.source} peak")
    others = [name for name in impedance.networks if name not in own][:MOST_PLACES]
    for n, name in enumerate(others):
        color = COLORS[n % len(COLORS)]
        axes.plot(impedance.time, impedance.zth[name], color=color, lw=1.3, label=_shown(name))
    axes.plot(impedance.time, impedance.zth[own[1]], color=MAIN, lw=1.4, ls=(0, (4, 2)), label=_shown(own[1]))
    axes.plot(impedance.time, impedance.zth[own[0]], color=MAIN, lw=2.2, label=_shown(own[0]))
    low = float(impedance.zth[own[0]].min())
    axes.set(xscale="log", yscale="log", xlabel="time [s]", ylabel="rise per watt [K/W]")
    axes.set_xlim(impedance.time[0], impedance.time[-1])
    axes.set_ylim(bottom=0.7 * low)
    axes.set_title("after a step of heat", **title_style())
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], frameon=False, fontsize=9.0, labelcolor=TEXT_COLOR, loc="lower right"
    )


def _draw_spectrum(axes: Axes, impedance: ThermalImpedance) -> None:
    tau, resistance = impedance.spectrum
    shown = resistance > DEEP * resistance.max()
    low, high = (float(t) for t in impedance.time[[0, -1]])
    at = np.geomspace(low, high, POINTS)
    density = impedance.foster.density(at)
    axes.fill_between(at, density, color=SOFT, lw=0.0)
    axes.plot(at, density, color=MAIN, lw=1.6, label="density [K/W per unit of ln τ]")
    axes.vlines(tau[shown], 0.0, resistance[shown], color=TEXT_COLOR, lw=1.0)
    axes.plot(tau[shown], resistance[shown], "o", ms=3.6, color=TEXT_COLOR, label="terms [K/W]")
    axes.set(xscale="log", xlabel="time constant τ [s]", ylabel="resistance [K/W]")
    axes.set_xlim(low, high)
    axes.set_ylim(bottom=0.0)
    axes.set_title("time constants", **title_style())
    axes.legend(frameon=False, fontsize=9.0, labelcolor=TEXT_COLOR)


def _draw_structure(cumulative: Axes, differential: Axes, impedance: ThermalImpedance) -> None:
    structure, cauer = impedance.structure, impedance.structure.cauer
    corners = np.append(0.0, np.cumsum(cauer.resistance))
    cumulative.stairs(np.cumsum(cauer.capacity), corners, color=TICK_COLOR, lw=0.8, baseline=None)
    cumulative.plot(structure.resistance, structure.capacity, color=MAIN, lw=2.0)
    cumulative.set(yscale="log", xlabel="resistance from the source [K/W]", ylabel="capacity [J/K]")
    cumulative.set_title("cumulative structure function", **title_style())
    met = structure.resistance
    differential.plot(met, structure.slope, color=MAIN, lw=1.6)
    differential.set(yscale="log", xlabel="resistance from the source [K/W]", ylabel="dC/dR [W² s/K²]")
    differential.set_title("differential structure function", **title_style())
    inner = (met > SHALLOW * impedance.theta) & (met < (1.0 - SHALLOW) * impedance.theta)
    for axes, values in ((cumulative, structure.capacity), (differential, structure.slope)):
        axes.set_xlim(0.0, impedance.theta)
        if inner.any():
            axes.set_ylim(0.5 * values[inner].min(), 2.0 * values[inner].max())
    cumulative.axhline(impedance.capacity, color=TICK_COLOR, lw=1.0, ls=(0, (2, 2)))
    cumulative.annotate(
        "all that the package stores",
        (0.0, impedance.capacity),
        (6.0, 4.0),
        textcoords="offset points",
        fontsize=9.0,
        color=TICK_COLOR,
    )
    low, high = cumulative.get_ylim()
    cumulative.set_ylim(low, min(high, MOST_SHOWN * impedance.capacity))


def _dress(axes: Axes) -> None:
    axes.grid(True, which="major", color=GRID, lw=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=TICK_COLOR, labelcolor=TEXT_COLOR, labelsize=9.0, length=3.0)
    axes.tick_params(which="minor", length=0.0)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(TEXT_COLOR)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(TICK_COLOR)


def _shown(name: str) -> Any:
    return name.replace("$", r"\$")  # a name is no formula
