"""Figure of a transient result: peak temperatures, throttling states and powers over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.plot.figure import (
    POINTS_PER_INCH,
    TEXT_COLOR,
    TICK_COLOR,
    draw_header,
    new_figure,
    place_axes,
    save_figure,
    style_spines,
    text_outline,
)
from thermostack.results.history import StackGroup, group_stacks
from thermostack.units import ZERO_CELSIUS, format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from thermostack.results.throttling_log import ThrottlingLog
    from thermostack.results.transient_result import TransientResult

# Vermilion, blue, green, purple, ochre and sky blue after Okabe and Ito, "Color universal design", 2008,
# distinguishable with colour vision deficiency; darkened for thin lines on white.
PALETTE = ("#c8451b", "#0b62a4", "#12805f", "#8d4a86", "#a87a00", "#3d8fb8", TEXT_COLOR)
STRIP_COLOR, GRID_COLOR = "#f1f1f4", "#e7e7ec"
MAX_SHADE = 0.06  # opacity of the background while a controller throttles
BIN_COUNT = 1400  # of the time axis of the throttling states; a state shorter than a bin is averaged
UNITS = (  # longest duration [s], units per second, unit
    (1e-3, 1e6, "us"),
    (1.0, 1e3, "ms"),
    (600.0, 1.0, "s"),
    (36e3, 1.0 / 60.0, "min"),
    (np.inf, 1.0 / 3600.0, "h"),
)


def plot_history(
    transient: TransientResult,
    path: str | Path | None = None,
    parts: str | Sequence[str] | None = None,
    *,
    log: bool = False,
) -> Figure:
    """Return peak temperatures, throttling states and powers of a transient result over time.

    Copies of a stack are one band between their minimum and maximum. Limits are dashed lines. While a
    controller throttles, the background is shaded, and a strip shows its lost performance.

    Parameters
    ----------
    transient
        Result of `solve_transient` or `read_transient`.
    path
        File to write, .png, .svg or .pdf.
    parts
        Names of parts, blocks or stacks; by default all stacks that have power or a limit.
    log
        Logarithmic time axis from the end of the first step.

    Raises
    ------
    KeyError
        If no part, block or stack has one of the names.
    OutputError
        If the file cannot be written.
    """
    groups = group_stacks(transient, parts)
    colors = [PALETTE[n % len(PALETTE)] for n in range(len(groups))]
    logs = transient.throttling
    figure, axes = _new_panels(len(logs))
    scale, unit, edges = _time_axis(transient.time, is_log=log)
    time = transient.time * scale
    axes["power"].set_xscale("log" if log else "linear")
    for group, color in zip(groups, colors, strict=True):
        _draw_temperature(axes["temperature"], time, group, color)
        _draw_power(axes["power"], time, group.power, color)
    total = _total_power(transient) if parts is None and len(groups) > 1 else None
    if total is not None:
        _draw_power(axes["power"], time, total, TEXT_COLOR)
    _draw_limits(axes["temperature"], groups, colors)
    if logs:
        _draw_states(axes["states"], scale, edges, logs, groups, colors)
        _shade_throttled_times(axes["temperature"], scale, edges, logs)
    for name, panel in axes.items():
        _style_axes(panel, name)
    axes["power"].set(xlim=(edges[0] * scale, edges[-1] * scale), xlabel=f"time [{unit}]")
    axes["power"].set_ylim(bottom=min(0.0, axes["power"].get_ylim()[0]))
    _label_temperatures(figure, axes["temperature"], groups, colors)
    _label_powers(figure, axes["power"], groups, colors, total)
    draw_header(figure, transient.model.package.name, _summary(transient, groups))
    return save_figure(figure, path)


def _new_panels(strip_count: int) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure with panels for temperature and power, and one of throttling states between them."""
    heights = {"temperature": 3.9, "states": 0.17 * strip_count + 0.05, "power": 1.35}  # inches
    if not strip_count:
        del heights["states"]
    figure = new_figure(11.0, sum(heights.values()) + 1.35)
    axes = figure.subplot_mosaic(
        [[name] for name in heights], height_ratios=list(heights.values()), sharex=True
    )
    return figure, axes


def _time_axis(time: np.ndarray, *, is_log: bool) -> tuple[float, str, np.ndarray]:
    """Return the number of time units in a second, the unit, and the bin edges, (BIN_COUNT + 1,) s."""
    later = time[time > 0.0] if is_log else time
    begin = float(later[0]) if later.size else 1.0
    end = float(time[-1]) if time[-1] > begin else 2.0 * begin + 1e-3
    duration = end - (0.0 if is_log else begin)
    scale, unit = next((factor, unit) for longest, factor, unit in UNITS if duration <= longest)
    return scale, unit, (np.geomspace if is_log else np.linspace)(begin, end, BIN_COUNT + 1)


def _total_power(transient: TransientResult) -> np.ndarray:
    """Return the power of all parts, (n,) W; parts without cells hold NaN and are left out."""
    total: np.ndarray = np.nansum(transient.power[:, : len(transient.model.parts)], axis=1)
    return total


def _draw_temperature(axes: Axes, time: np.ndarray, group: StackGroup, color: str) -> None:
    high, low = group.max - ZERO_CELSIUS, group.min - ZERO_CELSIUS
    if len(group.histories) > 1:
        axes.fill_between(time, low, high, color=color, alpha=0.16, lw=0.0)
        axes.plot(time, low, color=color, lw=0.5, alpha=0.6)
    axes.plot(time, high, color=color, lw=1.6, solid_joinstyle="round")


def _draw_power(axes: Axes, time: np.ndarray, power: np.ndarray, color: str) -> None:
    axes.plot(time, power, color=color, lw=1.1, solid_joinstyle="round", drawstyle="steps-post")


def _draw_limits(axes: Axes, groups: Sequence[StackGroup], colors: Sequence[str]) -> None:
    """Draw limits as dashed lines, one for equal limits; limits far above the temperatures are left out."""
    low, high = axes.get_ylim()
    groups_by_limit: dict[float, list[int]] = {}
    for n, group in enumerate(groups):
        if group.limit is not None and group.limit - ZERO_CELSIUS <= high + 0.8 * (high - low):
            groups_by_limit.setdefault(round(group.limit - ZERO_CELSIUS, 6), []).append(n)
    for limit, indices in groups_by_limit.items():
        color = colors[indices[0]] if len(indices) == 1 else TICK_COLOR
        axes.axhline(limit, color=color, lw=1.0, ls=(0, (5, 3)), alpha=0.85)
        text = f"limit of {', '.join(groups[n].name for n in indices)}, {limit:.4g} °C"
        axes.annotate(
            text,
            (0.0, limit),
            (6.0, 3.0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=8.5,
            color=color,
            parse_math=False,
            path_effects=text_outline("white"),
        )
    if groups_by_limit:
        axes.set_ylim(top=max(high, max(groups_by_limit) + 0.06 * (max(*groups_by_limit, high) - low)))


# -- throttling ------------------------------------------------------------------------------------


def _lost_performance(log: ThrottlingLog, edges: np.ndarray) -> np.ndarray:
    """Return the mean lost performance of a controller in each bin, (bins,) from 0 (full) to 1 (stopped).

    For a state of unknown performance it is the index of the state, relative to the last.
    """
    last = max(len(log.states) - 1, 1)
    lost = [
        n / last if performance is None else 1.0 - performance
        for n, performance in enumerate(log.performance)
    ]
    return _bin_means(log, np.array(lost), edges)


def _throttled_fraction(log: ThrottlingLog, edges: np.ndarray) -> np.ndarray:
    """Return the fraction of each bin in which a controller throttles, (bins,)."""
    return _bin_means(log, (np.arange(len(log.states)) > 0).astype(float), edges)


def _bin_means(log: ThrottlingLog, state_values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the time average in each bin of a value that belongs to each state, (bins,)."""
    times = np.array([*log.times, log.end])
    values = state_values[list(log.levels)]
    total = np.concatenate([[0.0], np.cumsum(values * np.diff(times))])
    mean: np.ndarray = np.diff(np.interp(edges, times, total)) / np.diff(edges)
    return mean


def _draw_states(
    axes: Axes,
    scale: float,
    edges: np.ndarray,
    logs: Sequence[ThrottlingLog],
    groups: Sequence[StackGroup],
    colors: Sequence[str],
) -> None:
    """Draw a strip for each controller, darker where it loses more performance."""
    from matplotlib.colors import to_rgb

    style: dict[str, Any] = {"fontsize": 8.0, "va": "center", "parse_math": False, "annotation_clip": False}
    for row, log in enumerate(logs):
        stack = log.stacks[0] if log.stacks else ""
        own = (color for group, color in zip(groups, colors, strict=True) if _belongs(stack, group))
        lost = _lost_performance(log, edges)
        throttled = _throttled_fraction(log, edges)
        alpha = np.clip(0.22 * throttled + 0.78 * lost, 0.0, 1.0)
        rgba = np.empty((1, lost.size, 4))
        rgba[..., :3] = to_rgb(next(own, TEXT_COLOR))
        rgba[..., 3] = np.where(throttled > 0.0, np.maximum(alpha, 0.07), 0.0)
        axes.axhspan(row + 0.12, row + 0.88, color=STRIP_COLOR, lw=0.0, zorder=0)
        axes.pcolormesh(edges * scale, [row + 0.12, row + 0.88], rgba, rasterized=True)
        total = log.performance_lost
        text = "" if total is None else f"{100.0 * total:.1f} % lost"
        axes.annotate(text, (1.0, row + 0.5), (6, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", color=TEXT_COLOR, **style)  # fmt: skip
    axes.set_ylim(len(logs), 0.0)
    axes.set_yticks(np.arange(len(logs)) + 0.5, [log.name for log in logs], fontsize=8.0, parse_math=False)


def _belongs(stack: str, group: StackGroup) -> bool:
    """Return whether a stack is in a group, contains it, or is contained in it by its name."""
    names = [group.name, *(history.name for history in group.histories)]
    return any(
        stack == name or stack.startswith(f"{name}.") or name.startswith(f"{stack}.") for name in names
    )


def _shade_throttled_times(
    axes: Axes, scale: float, edges: np.ndarray, logs: Sequence[ThrottlingLog]
) -> None:
    """Shade the background where at least one controller throttles."""
    rgba = np.zeros((1, edges.size - 1, 4))
    rgba[..., 3] = MAX_SHADE * np.max([_throttled_fraction(log, edges) for log in logs], axis=0)
    transform = axes.get_xaxis_transform()
    axes.pcolormesh(edges * scale, [0.0, 1.0], rgba, transform=transform, rasterized=True, zorder=0)


# -- texts -----------------------------------------------------------------------------------------


def _style_axes(axes: Axes, name: str) -> None:
    """Set labels, ticks, grid lines and spines of a panel."""
    labels = {"temperature": "peak temperature [°C]", "power": "power [W]", "states": ""}
    is_last = name == "power"
    axes.set_ylabel(labels[name], color=TEXT_COLOR)
    is_strip = name == "states"
    axes.tick_params(colors=TICK_COLOR, labelcolor=TEXT_COLOR, labelsize=8.0 if is_strip else 9.0, length=3.0)
    axes.tick_params(axis="x", labelbottom=is_last, length=3.0 if is_last else 0.0)
    axes.tick_params(axis="x", which="minor", length=2.0 if is_last else 0.0, colors=TICK_COLOR)
    if is_strip:
        axes.tick_params(axis="y", length=0.0)
    else:
        axes.grid(axis="y", color=GRID_COLOR, lw=0.7)
        axes.set_axisbelow(True)
    style_spines(axes, *([] if is_strip else ["left"]), *(["bottom"] if is_last else []))


def _label_temperatures(
    figure: Figure, axes: Axes, groups: Sequence[StackGroup], colors: Sequence[str]
) -> None:
    """Write name and maximum beside the end of each temperature curve, without overlap."""
    texts = [f"{group.label}\nmax {group.max.max() - ZERO_CELSIUS:.1f} °C" for group in groups]
    ends = [float(group.max[-1]) - ZERO_CELSIUS for group in groups]
    _write_beside(figure, axes, texts, ends, colors, lines=2)


def _label_powers(
    figure: Figure,
    axes: Axes,
    groups: Sequence[StackGroup],
    colors: Sequence[str],
    total: np.ndarray | None,
) -> None:
    """Write the name beside the end of each power curve, without overlap."""
    texts, ends = [group.name for group in groups], [float(group.power[-1]) for group in groups]
    if total is not None:
        texts, ends, colors = [*texts, "all"], [*ends, float(total[-1])], [*colors, TEXT_COLOR]
    _write_beside(figure, axes, texts, ends, colors, lines=1)


def _write_beside(
    figure: Figure,
    axes: Axes,
    texts: Sequence[str],
    ends: Sequence[float],
    colors: Sequence[str],
    *,
    lines: int,
) -> None:
    """Write texts to the right of the axes, as near to their heights [data] as possible without overlap."""
    size = 9.0 if lines > 1 else 8.5
    place_axes(figure)
    axes_height = axes.get_window_extent().height * POINTS_PER_INCH / figure.dpi  # points
    low, high = axes.get_ylim()
    wanted = (np.array(ends) - low) / (high - low) * axes_height
    heights = _separate(wanted, size * 1.3 * lines, axes_height)
    for text, height, color in zip(texts, heights, colors, strict=True):
        axes.annotate(
            text,
            (1.0, height / axes_height),
            (6, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=size,
            color=color,
            va="center",
            linespacing=1.15,
            parse_math=False,
            annotation_clip=False,
        )


def _separate(wanted: np.ndarray, spacing: float, axes_height: float) -> np.ndarray:
    """Return the heights at least `spacing` apart that are nearest to those wanted, in the same order.

    They minimize the sum of squared shifts (isotonic regression), and lie within the axes if these are
    high enough.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(wanted, kind="stable")
    below = spacing * np.arange(order.size)  # occupied by the texts below
    free = isotonic_regression(wanted[order] - below).x
    heights = np.empty(order.size)
    max_top = max(axes_height - below[-1] - 0.5 * spacing, 0.5 * spacing)
    heights[order] = np.clip(free, 0.5 * spacing, max_top) + below
    return heights


def _summary(transient: TransientResult, groups: Sequence[StackGroup]) -> str:
    """Return duration, peak temperature with its time, and the longest time above a limit."""
    duration = format_quantity(float(transient.time[-1] - transient.time[0]), "time")
    histories = [history for group in groups for history in group.histories]
    hottest = max(histories, key=lambda history: history.hottest)
    when = format_quantity(hottest.when, "time")
    text = f"{duration},  peak {hottest.hottest - ZERO_CELSIUS:.1f} °C in {hottest.name} at {when}"
    limited = [history for history in histories if history.limit is not None]
    above = max(limited, key=lambda history: history.above, default=None)
    if above is not None and above.above > 0.0:
        text += f",  {above.name} {format_quantity(above.above, 'time')} above its limit"
    return text
