"""The picture of a run: peak temperatures over time, what the controllers did, and the power below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.plot.figure import finish_page, new_page, write_head
from thermostack.plot.planes import FAINT, INK, ZERO_CELSIUS, halo
from thermostack.results.history import StackGroup, group_stacks
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from thermostack.results.throttling_log import ThrottlingLog
    from thermostack.results.transient_result import TransientResult

# Told apart by people who see colours otherwise too: vermilion, blue, green, purple, ochre, sky (after
# Okabe and Ito, "Color universal design", 2008), darkened for thin lines on white.
PALETTE = ("#c8451b", "#0b62a4", "#12805f", "#8d4a86", "#a87a00", "#3d8fb8", INK)
BINS = 1400  # columns of the strips of states: what is shorter than one is shown as its share
UNITS = (  # up to this duration [s], how many of a unit are in a second, the unit
    (1e-3, 1e6, "us"),
    (1.0, 1e3, "ms"),
    (600.0, 1.0, "s"),
    (36e3, 1.0 / 60.0, "min"),
    (np.inf, 1.0 / 3600.0, "h"),
)


def plot_history(
    transient: TransientResult,
    path: str | Path | None = None,
    parts: Sequence[str] | None = None,
    *,
    log: bool = False,
) -> Figure:
    """Return the peak temperatures and the powers of a run over time; written to a path.

    Without `parts`, all stacks that heat or have a limit, copies of one another as one band from the
    coolest to the hottest; with them these parts, blocks or stacks. Limits are dashed; where a controller
    throttles, the ground is shaded and a strip shows how deep. `log` puts time on a logarithmic axis,
    which begins at the first step. Raises KeyError for an unknown name, and OutputError.
    """
    families = group_stacks(transient, parts)
    colors = [PALETTE[n % len(PALETTE)] for n in range(len(families))]
    strips = transient.throttling
    heights = {"temperature": 3.9, "states": 0.17 * len(strips) + 0.05, "power": 1.35}  # inches
    if not strips:
        del heights["states"]
    figure = new_page(11.0, sum(heights.values()) + 1.35)
    axes = figure.subplot_mosaic(
        [[name] for name in heights], height_ratios=list(heights.values()), sharex=True
    )
    scale, unit, seconds = _time_axis(transient.time, is_log=log)
    time, edges = transient.time * scale, seconds * scale
    axes["power"].set_xscale("log" if log else "linear")
    for family, color in zip(families, colors, strict=True):
        _draw_temperature(axes["temperature"], time, family, color)
        _draw_power(axes["power"], time, family.power, color)
    total = _total(transient) if parts is None and len(families) > 1 else None
    if total is not None:
        _draw_power(axes["power"], time, total, INK)
    _draw_limits(axes["temperature"], families, colors)
    if strips:
        _draw_states(axes["states"], edges, seconds, strips, families, colors)
        _shade(axes["temperature"], edges, seconds, strips)
    for name in heights:
        _dress(axes[name], name)
    axes["power"].set(xlim=(edges[0], edges[-1]), xlabel=f"time [{unit}]")
    axes["power"].set_ylim(bottom=min(0.0, axes["power"].get_ylim()[0]))
    _name_curves(figure, axes["temperature"], families, colors)
    _name_powers(figure, axes["power"], families, colors, total)
    write_head(figure, transient.model.package.name, _verdict(transient, families))
    return finish_page(figure, path)


def _time_axis(time: np.ndarray, *, is_log: bool) -> tuple[float, str, np.ndarray]:
    """Return how many of a unit are in a second, the unit, and the edges [s] of the bins of the axis."""
    later = time[time > 0.0] if is_log else time
    begin = float(later[0]) if later.size else 1.0
    end = float(time[-1]) if time[-1] > begin else 2.0 * begin + 1e-3
    duration = end - (0.0 if is_log else begin)
    scale, unit = next((factor, unit) for most, factor, unit in UNITS if duration <= most)
    return scale, unit, (np.geomspace if is_log else np.linspace)(begin, end, BINS + 1)


def _total(transient: TransientResult) -> np.ndarray:
    """Return the power of all parts, (n,) W; those without a cell have none."""
    total: np.ndarray = np.nansum(transient.power[:, : len(transient.model.parts)], axis=1)
    return total


def _draw_temperature(axes: Axes, time: np.ndarray, family: StackGroup, color: str) -> None:
    high, low = family.max - ZERO_CELSIUS, family.min - ZERO_CELSIUS
    if len(family.histories) > 1:
        axes.fill_between(time, low, high, color=color, alpha=0.16, lw=0.0)
        axes.plot(time, low, color=color, lw=0.5, alpha=0.6)
    axes.plot(time, high, color=color, lw=1.6, solid_joinstyle="round")


def _draw_power(axes: Axes, time: np.ndarray, power: np.ndarray, color: str) -> None:
    axes.plot(time, power, color=color, lw=1.1, solid_joinstyle="round", drawstyle="steps-post")


def _draw_limits(axes: Axes, families: Sequence[StackGroup], colors: Sequence[str]) -> None:
    """Draw the limits as dashed lines, those of one temperature as one; far ones are left out."""
    low, high = axes.get_ylim()
    at: dict[float, list[int]] = {}
    for n, family in enumerate(families):
        if family.limit is not None and family.limit - ZERO_CELSIUS <= high + 0.8 * (high - low):
            at.setdefault(round(family.limit - ZERO_CELSIUS, 6), []).append(n)
    for limit, whose in at.items():
        color = colors[whose[0]] if len(whose) == 1 else FAINT
        axes.axhline(limit, color=color, lw=1.0, ls=(0, (5, 3)), alpha=0.85)
        text = f"limit of {', '.join(families[n].name for n in whose)}, {limit:.4g} °C"
        axes.annotate(
            text,
            (0.0, limit),
            (6.0, 3.0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            fontsize=8.5,
            color=color,
            parse_math=False,
            path_effects=halo("white"),
        )
    if at:
        axes.set_ylim(top=max(high, max(at) + 0.06 * (max(*at, high) - low)))


# -- what controllers did --------------------------------------------------------------------------


def _depth(throttling: ThrottlingLog, edges: np.ndarray) -> np.ndarray:
    """Return how deep a controller throttled between some times [s], (n - 1,) from 0, full, to 1, stopped.

    It is the performance that is lost, or where that is not known how far down the list the state is.
    """
    last = max(len(throttling.states) - 1, 1)
    lost = np.array(
        [
            n / last if performance is None else 1.0 - performance
            for n, performance in enumerate(throttling.performance)
        ]
    )
    return _mean_over(throttling, lost, edges)


def _mean_over(throttling: ThrottlingLog, by_level: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the mean between some times [s] of what belongs to each level, (n - 1,)."""
    times = np.array([*throttling.times, throttling.end])
    values = by_level[list(throttling.levels)]
    total = np.concatenate([[0.0], np.cumsum(values * np.diff(times))])
    mean: np.ndarray = np.diff(np.interp(edges, times, total)) / np.diff(edges)
    return mean


def _draw_states(
    axes: Axes,
    edges: np.ndarray,
    seconds: np.ndarray,
    strips: Sequence[ThrottlingLog],
    families: Sequence[StackGroup],
    colors: Sequence[str],
) -> None:
    """Draw a strip for each controller, the darker the more performance it takes."""
    from matplotlib.colors import to_rgb

    for row, each in enumerate(strips):
        stack = each.stacks[0] if each.stacks else ""
        own = (color for family, color in zip(families, colors, strict=True) if _belongs(stack, family))
        depth = _depth(each, seconds)
        is_held = _mean_over(each, (np.arange(len(each.states)) > 0).astype(float), seconds)
        alpha = np.clip(0.22 * is_held + 0.78 * depth, 0.0, 1.0)
        rgba = np.empty((1, depth.size, 4))
        rgba[..., :3] = to_rgb(next(own, INK))
        rgba[..., 3] = np.where(is_held > 0.0, np.maximum(alpha, 0.07), 0.0)
        axes.axhspan(row + 0.12, row + 0.88, color="#f1f1f4", lw=0.0, zorder=0)
        axes.pcolormesh(edges, [row + 0.12, row + 0.88], rgba, rasterized=True)
        lost = each.performance_lost
        said = "" if lost is None else f"{100.0 * lost:.1f} % lost"
        style: dict[str, Any] = {
            "fontsize": 8.0,
            "va": "center",
            "parse_math": False,
            "annotation_clip": False,
        }
        axes.annotate(said, (1.0, row + 0.5), (6, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", color=INK, **style)  # fmt: skip
    axes.set_ylim(len(strips), 0.0)
    axes.set_yticks(
        np.arange(len(strips)) + 0.5, [each.name for each in strips], fontsize=8.0, parse_math=False
    )


def _belongs(stack: str, family: StackGroup) -> bool:
    names = [family.name, *(curve.name for curve in family.histories)]
    return any(
        stack == name or stack.startswith(f"{name}.") or name.startswith(f"{stack}.") for name in names
    )


def _shade(axes: Axes, edges: np.ndarray, seconds: np.ndarray, strips: Sequence[ThrottlingLog]) -> None:
    """Shade the ground where any controller throttles."""
    held = [_mean_over(each, (np.arange(len(each.states)) > 0).astype(float), seconds) for each in strips]
    rgba = np.zeros((1, edges.size - 1, 4))
    rgba[..., 3] = 0.06 * np.max(held, axis=0)
    axes.pcolormesh(edges, [0.0, 1.0], rgba, transform=axes.get_xaxis_transform(), rasterized=True, zorder=0)


# -- words -----------------------------------------------------------------------------------------


def _dress(axes: Axes, name: str) -> None:
    labels = {"temperature": "peak temperature [°C]", "power": "power [W]", "states": ""}
    is_last = name == "power"
    axes.set_ylabel(labels[name], color=INK)
    is_strip = name == "states"
    axes.tick_params(colors=FAINT, labelcolor=INK, labelsize=8.0 if is_strip else 9.0, length=3.0)
    axes.tick_params(axis="x", labelbottom=is_last, length=3.0 if is_last else 0.0)
    axes.tick_params(axis="x", which="minor", length=2.0 if is_last else 0.0, colors=FAINT)
    if is_strip:
        axes.tick_params(axis="y", length=0.0)
    else:
        axes.grid(axis="y", color="#e7e7ec", lw=0.7)
        axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible((side == "left" and not is_strip) or (side == "bottom" and is_last))
        spine.set_color(FAINT)


def _name_curves(figure: Figure, axes: Axes, families: Sequence[StackGroup], colors: Sequence[str]) -> None:
    """Write beside the end of each curve whose it is and how hot it got, none over another."""
    texts = [f"{family.label}\nmax {family.max.max() - ZERO_CELSIUS:.1f} °C" for family in families]
    ends = [float(family.max[-1]) - ZERO_CELSIUS for family in families]
    _write_beside(figure, axes, texts, ends, colors, lines=2)


def _name_powers(
    figure: Figure,
    axes: Axes,
    families: Sequence[StackGroup],
    colors: Sequence[str],
    total: np.ndarray | None,
) -> None:
    """Write beside the end of each power whose it is."""
    texts, ends = [family.name for family in families], [float(family.power[-1]) for family in families]
    if total is not None:
        texts, ends, colors = [*texts, "all"], [*ends, float(total[-1])], [*colors, INK]
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
    """Write texts to the right of the axes, each as near to its height [data] as the others let it."""
    size = 9.0 if lines > 1 else 8.5
    figure.draw_without_rendering()  # settles where the axes are
    points = axes.get_window_extent().height * 72.0 / figure.dpi
    low, high = axes.get_ylim()
    wanted = (np.array(ends) - low) / (high - low) * points
    places = _spread(wanted, size * 1.3 * lines, points)
    for text, place, color in zip(texts, places, colors, strict=True):
        axes.annotate(
            text,
            (1.0, place / points),
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


def _spread(wanted: np.ndarray, height: float, room: float) -> np.ndarray:
    """Return places in the order of those wanted and `height` apart, as near to them as can be.

    All lie within the room where it suffices.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(wanted, kind="stable")
    below = height * np.arange(order.size)  # taken by those below
    free = isotonic_regression(wanted[order] - below).x
    places = np.empty(order.size)
    places[order] = np.clip(free, 0.5 * height, max(room - below[-1] - 0.5 * height, 0.5 * height)) + below
    return places


def _verdict(transient: TransientResult, families: Sequence[StackGroup]) -> str:
    """Return the length of the run and how hot the hottest became, and when."""
    duration = format_quantity(float(transient.time[-1] - transient.time[0]), "time")
    curves = [curve for family in families for curve in family.histories]
    hottest = max(curves, key=lambda curve: curve.hottest)
    when = format_quantity(hottest.when, "time")
    text = f"{duration},  peak {hottest.hottest - ZERO_CELSIUS:.1f} °C in {hottest.name} at {when}"
    limited = [curve for curve in curves if curve.limit is not None]
    above = max(limited, key=lambda curve: curve.above, default=None)
    if above is not None and above.above > 0.0:
        text += f",  {above.name} {format_quantity(above.above, 'time')} above its limit"
    return text
