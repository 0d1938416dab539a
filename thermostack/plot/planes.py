"""A plane of cells drawn on its true edges: temperatures or parts, outlines, names, the hottest place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.mesh.model import Model
from thermostack.package.placement import place_stacks
from thermostack.results.fields import PlaneSlice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from thermostack.finite_volume.part_temperatures import PartTemperature
    from thermostack.results.steady_result import SteadyResult

ZERO_CELSIUS = 273.15  # K
MM = 1e3  # mm in a metre
COLORS = "inferno"  # perceptually uniform, and reads in grey
INK, FAINT = "#1b1b1f", "#6b6b76"
MOST_BLOCKS = 200  # outlined in a plan; more would hide the temperatures
CHARACTER = 0.62  # mean width of a letter in units of its size


@dataclass(frozen=True)
class Frame:
    """A rectangle in a plane with a name: the outline of a stack or of a cooler's base [mm]."""

    name: str
    left: float
    bottom: float
    width: float
    height: float


def crop(plane: PlaneSlice, part: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns of a plane between which the body lies."""
    inside = part > 0
    spans = []
    for axis in (1, 0):
        where = np.flatnonzero(inside.any(axis=axis))
        spans.append(slice(where[0], where[-1] + 1) if where.size else slice(0, inside.shape[1 - axis]))
    return spans[0], spans[1]


def draw_temperatures(
    axes: Axes, steady: SteadyResult, plane: PlaneSlice, colors: tuple[float, float]
) -> Any:
    """Draw the temperatures of a plane with the outlines of what lies in it; return the mesh."""
    part = plane.take_values(steady.model.part)
    rows, columns = crop(plane, part)
    right, up = edges_of(plane, rows, columns)
    values = plane.take_values(steady.field)[rows, columns] - ZERO_CELSIUS
    mesh = axes.pcolormesh(
        right, up, np.ma.masked_invalid(values), cmap=COLORS, vmin=colors[0], vmax=colors[1], rasterized=True
    )
    _draw_boundaries(axes, right, up, part[rows, columns])
    if plane.axis == "z":
        _draw_blocks(axes, steady.model, plane)
    _draw_frames(axes, steady.model, plane, 0.9 if plane.axis == "z" else 0.5)
    _dress(axes, plane)
    return mesh


def draw_cells(axes: Axes, model: Model, plane: PlaneSlice) -> None:
    """Draw the cells of a plane, coloured by part."""
    from matplotlib.collections import LineCollection

    part = plane.take_values(model.part)
    rows, columns = crop(plane, part)
    right, up = edges_of(plane, rows, columns)
    colors = _part_colors(model)[part[rows, columns]]
    axes.pcolormesh(right, up, colors, rasterized=True)
    inside = np.pad(part[rows, columns] > 0, 1)
    level = [
        ((right[a], up[k - 1]), (right[b], up[k - 1]))
        for k, a, b in _runs((inside[1:] | inside[:-1])[:, 1:-1])
    ]
    beside = (inside[:, 1:] | inside[:, :-1])[1:-1].T
    upright = [((right[i - 1], up[a]), (right[i - 1], up[b])) for i, a, b in _runs(beside)]
    width = float(np.clip(60.0 / max(right.size, up.size), 0.1, 0.5))
    axes.add_collection(LineCollection([*upright, *level], colors="#00000070", linewidths=width))
    _dress(axes, plane)


def _part_colors(model: Model) -> np.ndarray:
    """Return a light colour for every part, (parts + 1, 4); layers of one name share it."""
    from matplotlib.colors import hsv_to_rgb

    names = list(dict.fromkeys(part.name.rpartition(".")[2] for part in model.parts))
    turn = 0.618034  # of the circle of hues: neighbours in the list are far apart in colour
    hues = {name: (0.58 + turn * n) % 1.0 for n, name in enumerate(names)}
    colors = np.zeros((len(model.parts) + 1, 4))
    for n, part in enumerate(model.parts, 1):
        colors[n] = (*hsv_to_rgb((hues[part.name.rpartition(".")[2]], 0.30, 0.95)), 1.0)
    return colors


def edges_of(plane: PlaneSlice, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell edges [mm] of a piece of a plane, along its first and its second axis."""
    return plane.right[columns.start : columns.stop + 1] * MM, plane.up[rows.start : rows.stop + 1] * MM


def _draw_boundaries(axes: Axes, right: np.ndarray, up: np.ndarray, part: np.ndarray) -> None:
    """Draw thin lines where one part ends and another begins."""
    from matplotlib.collections import LineCollection

    level = [((right[a], up[k]), (right[b], up[k])) for k, a, b in _runs(part[1:] != part[:-1])]
    upright = [((right[i], up[a]), (right[i], up[b])) for i, a, b in _runs((part[:, 1:] != part[:, :-1]).T)]
    axes.add_collection(LineCollection([*level, *upright], colors="#9c9ca899", linewidths=0.35))


def _runs(differs: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Yield row + 1, first and last + 1 of each run of True in each row."""
    padded = np.pad(differs, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    starts, ends = np.argwhere(steps == 1), np.argwhere(steps == -1)
    for (row, first), (_, last) in zip(starts.tolist(), ends.tolist(), strict=True):
        yield row + 1, first, last


def _frames(model: Model, plane: PlaneSlice) -> Iterator[Frame]:
    """Yield the outlines [mm] of the stacks and coolers' bases that a plane cuts."""
    planes = getattr(model.grid, plane.axis)
    at = 0.5 * (planes[plane.index] + planes[plane.index + 1])
    places = place_stacks(model.package).items()
    solids = [(name, (*p.outline[:2], p.z0), (*p.outline[2:], p.z1)) for name, p in places]
    bases = {n: part.name for n, part in enumerate(model.parts) if part.name.startswith("cooling.")}
    solids += [(bases[box.part], box.low, box.high) for box in model.geometry.boxes if box.part in bases]
    across = "xyz".index(plane.axis)
    first, second = (n for n in range(3) if n != across)
    for name, low, high in solids:
        if low[across] < at < high[across]:
            size = [(high[n] - low[n]) * MM for n in (first, second)]
            yield Frame(name, low[first] * MM, low[second] * MM, *size)


def _draw_frames(axes: Axes, model: Model, plane: PlaneSlice, width: float) -> None:
    from matplotlib.patches import Rectangle

    for frame in _frames(model, plane):
        place = (frame.left, frame.bottom)
        axes.add_patch(
            Rectangle(
                place,
                frame.width,
                frame.height,
                fill=False,
                ec="white",
                lw=width,
                path_effects=halo("black", width + 0.7),
            )
        )


def _draw_blocks(axes: Axes, model: Model, plane: PlaneSlice) -> None:
    """Draw the outlines of the heated blocks in a plane, while they are few."""
    from matplotlib.collections import LineCollection

    x, y = model.grid.x * MM, model.grid.y * MM
    outlines = []
    for block in model.blocks:
        k, j, i = block.window
        if k.start <= plane.index < k.stop:
            left, right, low, high = x[i.start], x[i.stop], y[j.start], y[j.stop]
            outlines.append([(left, low), (right, low), (right, high), (left, high), (left, low)])
    if len(outlines) <= MOST_BLOCKS:
        axes.add_collection(LineCollection(outlines, colors="#ffffff80", linewidths=0.4))


def name_frames(
    figure: Figure, model: Model, drawn: Sequence[tuple[Axes, PlaneSlice]], color: str = "white"
) -> None:
    """Write the names of the stacks into their outlines, where they fit."""
    figure.draw_without_rendering()  # settles where the axes are
    for axes, plane in drawn:
        box = axes.get_window_extent()
        per_x = box.width / abs(np.diff(axes.get_xlim())[0]) * 72.0 / figure.dpi  # points per mm
        per_y = box.height / abs(np.diff(axes.get_ylim())[0]) * 72.0 / figure.dpi
        for frame in _frames(model, plane):
            _name_frame(axes, frame, frame.width * per_x, frame.height * per_y, color)


def _name_frame(axes: Axes, frame: Frame, width: float, height: float, color: str) -> None:
    """Write a name into the lower left corner of an outline of that size [points], if it fits."""
    for size in (9.0, 8.0, 7.0, 6.0):
        length = CHARACTER * size * len(frame.name) + 6.0
        for rotation, along, across in ((0.0, width, height), (90.0, height, width)):
            if length <= along and size + 5.0 <= across:
                shift = (3.5, 3.5) if rotation == 0.0 else (3.0, 4.0)
                axes.annotate(
                    frame.name,
                    (frame.left, frame.bottom),
                    shift,
                    textcoords="offset points",
                    rotation=rotation,
                    fontsize=size,
                    color=color,
                    parse_math=False,
                    path_effects=halo("black" if color == "white" else "white"),
                    ha="left",
                    va="bottom",
                )
                return


def halo(color: str, width: float = 2.0) -> list[Any]:
    """Return what sets a text or line off from what lies behind it."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground=color, alpha=0.7)]


def mark(axes: Axes, hottest: PartTemperature, plane: PlaneSlice, *, is_named: bool = True) -> None:
    """Mark the hottest place, with its temperature beside it."""
    x, y, z = (value * MM for value in hottest.at)
    place = {"x": (y, z), "y": (x, z), "z": (x, y)}[plane.axis]
    for width, color in ((2.6, "white"), (1.2, INK)):
        axes.plot(*place, "o", ms=8.0, mfc="none", mec=color, mew=width)
    is_right = place[0] > float(np.mean(axes.get_xlim()))
    if not is_named:
        return
    axes.annotate(
        f"{hottest.max - ZERO_CELSIUS:.1f} °C",
        place,
        (-9.0 if is_right else 9.0, 7.0),
        textcoords="offset points",
        ha="right" if is_right else "left",
        fontsize=10.0,
        fontweight="bold",
        color="white",
        path_effects=halo("black"),
    )


# -- axes -------------------------------------------------------------------------------------


def _dress(axes: Axes, plane: PlaneSlice) -> None:
    """Set scales, labels and spines."""
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.margins(0.012)
    first, second = {"x": ("y", "z"), "y": ("x", "z"), "z": ("x", "y")}[plane.axis]
    axes.set_xlabel(f"{first} [mm]", color=INK)
    axes.set_ylabel(f"{second} [mm]", color=INK)
    axes.tick_params(colors=FAINT, labelcolor=INK, labelsize=9.0, length=3.0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)


def stretch_z(axes: Axes, width: float, height: float) -> None:
    """Stretch z so that a section fills a page of about that size [inches], and say by how much."""
    across, up = (abs(float(np.diff(limits)[0])) for limits in (axes.get_xlim(), axes.get_ylim()))
    wanted = across / up * height / width
    stretch = max(np.floor(2.0 * wanted) / 2.0 if wanted < 10.0 else np.floor(wanted / 5.0) * 5.0, 1.0)
    axes.set_aspect(stretch)
    axes.set_ylabel("z [mm], true to scale" if stretch == 1.0 else f"z [mm], stretched {stretch:g} times")
