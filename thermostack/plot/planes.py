"""A plane of cells at its true cell edges: temperatures or parts, outlines with names, and the peak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.mesh.model import Model
from thermostack.package.placement import place_stacks
from thermostack.plot.figure import (
    POINTS_PER_INCH,
    TEXT_COLOR,
    TICK_COLOR,
    freeze_layout,
    style_color_bar,
    style_spines,
    text_outline,
)
from thermostack.results.fields import PlaneSlice
from thermostack.units import ZERO_CELSIUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from thermostack.finite_volume.part_temperatures import PartTemperature
    from thermostack.results.steady_result import SteadyResult

MM_PER_M = 1e3
COLOR_MAP = "inferno"  # perceptually uniform, and monotonic in grey
MAX_OUTLINED_BLOCKS = 200  # in a layer map; more outlines would hide the temperatures
CHARACTER_WIDTH = 0.62  # mean, as a fraction of the font size
HUE_STEP = 0.618034  # golden ratio: adjacent parts of the list are far apart on the circle of hues
BOUNDARY_COLOR, BLOCK_COLOR, CELL_EDGE_COLOR = "#9c9ca899", "#ffffff80", "#00000070"
PLANE_AXES = {"x": ("y", "z"), "y": ("x", "z"), "z": ("x", "y")}  # by the axis normal to the plane


@dataclass(frozen=True)
class Outline:
    """A named rectangle in a plane [mm]: the outline of a stack or of the base of a cooler."""

    name: str
    left: float
    bottom: float
    width: float
    height: float


def crop(plane: PlaneSlice, part: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns of a plane that enclose the body."""
    inside = part > 0
    ranges = []
    for axis in (1, 0):
        occupied = np.flatnonzero(inside.any(axis=axis))
        full = slice(0, inside.shape[1 - axis])
        ranges.append(slice(occupied[0], occupied[-1] + 1) if occupied.size else full)
    return ranges[0], ranges[1]


def draw_temperatures(
    axes: Axes, steady: SteadyResult, plane: PlaneSlice, limits: tuple[float, float]
) -> Any:
    """Draw the temperatures of a plane with outlines of parts, blocks and stacks; return the mesh.

    `limits` are the temperatures [degC] at the ends of the colour map.
    """
    values = plane.take_values(steady.field) - ZERO_CELSIUS
    mesh = draw_values(axes, plane, values, plane.take_values(steady.model.part), limits, COLOR_MAP)
    if plane.axis == "z":
        _draw_blocks(axes, steady.model, plane)
    draw_outlines(axes, steady.model, plane)
    return mesh


def draw_values(
    axes: Axes,
    plane: PlaneSlice,
    values: np.ndarray,
    part: np.ndarray,
    limits: tuple[float, float],
    color_map: str,
) -> Any:
    """Draw values in the cells of a plane, (up, right), with the interfaces of parts; return the mesh.

    `part` has the part number of each cell, 0 outside the body. `limits` are the values at the ends of the
    colour map.
    """
    rows, columns = crop(plane, part)
    right, up = edges_of(plane, rows, columns)
    mesh = axes.pcolormesh(
        right,
        up,
        np.ma.masked_invalid(values[rows, columns]),
        cmap=color_map,
        vmin=limits[0],
        vmax=limits[1],
        rasterized=True,
    )
    _draw_boundaries(axes, right, up, part[rows, columns])
    _style_axes(axes, plane)
    return mesh


def draw_color_bar(figure: Figure, mesh: Any, axes: list[Axes], label: str) -> None:
    """Draw the colour bar of a mesh beside some axes."""
    style_color_bar(figure.colorbar(mesh, ax=axes, aspect=34, pad=0.015, fraction=0.04), label)


def draw_cells(axes: Axes, model: Model, plane: PlaneSlice) -> None:
    """Draw the cells of a plane, coloured by part."""
    from matplotlib.collections import LineCollection

    part = plane.take_values(model.part)
    rows, columns = crop(plane, part)
    right, up = edges_of(plane, rows, columns)
    colors = _part_colors(model)[part[rows, columns]]
    axes.pcolormesh(right, up, colors, rasterized=True)
    inside = np.pad(part[rows, columns] > 0, 1)
    horizontal = [
        ((right[a], up[k - 1]), (right[b], up[k - 1]))
        for k, a, b in _runs((inside[1:] | inside[:-1])[:, 1:-1])
    ]
    is_side = (inside[:, 1:] | inside[:, :-1])[1:-1].T
    vertical = [((right[i - 1], up[a]), (right[i - 1], up[b])) for i, a, b in _runs(is_side)]
    width = float(np.clip(60.0 / max(right.size, up.size), 0.1, 0.5))
    axes.add_collection(LineCollection([*vertical, *horizontal], colors=CELL_EDGE_COLOR, linewidths=width))
    _style_axes(axes, plane)


def _part_colors(model: Model) -> np.ndarray:
    """Return a light RGBA colour for every part, (parts + 1, 4); parts with the same layer name share it."""
    from matplotlib.colors import hsv_to_rgb

    names = list(dict.fromkeys(part.name.rpartition(".")[2] for part in model.parts))
    hues = {name: (0.58 + HUE_STEP * n) % 1.0 for n, name in enumerate(names)}
    colors = np.zeros((len(model.parts) + 1, 4))
    for n, part in enumerate(model.parts, 1):
        colors[n] = (*hsv_to_rgb((hues[part.name.rpartition(".")[2]], 0.30, 0.95)), 1.0)
    return colors


def edges_of(plane: PlaneSlice, rows: slice, columns: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell edges [mm] of a part of a plane, along its first and second axis."""
    right, up = plane.right[columns.start : columns.stop + 1], plane.up[rows.start : rows.stop + 1]
    return right * MM_PER_M, up * MM_PER_M


def _draw_boundaries(axes: Axes, right: np.ndarray, up: np.ndarray, part: np.ndarray) -> None:
    """Draw thin lines along the interfaces between parts."""
    from matplotlib.collections import LineCollection

    horizontal = [((right[a], up[k]), (right[b], up[k])) for k, a, b in _runs(part[1:] != part[:-1])]
    is_interface = (part[:, 1:] != part[:, :-1]).T
    vertical = [((right[i], up[a]), (right[i], up[b])) for i, a, b in _runs(is_interface)]
    axes.add_collection(LineCollection([*horizontal, *vertical], colors=BOUNDARY_COLOR, linewidths=0.35))


def _runs(mask: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Yield row + 1, first column and last column + 1 of each run of True in each row."""
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)
    starts, ends = np.argwhere(steps == 1), np.argwhere(steps == -1)
    for (row, first), (_, last) in zip(starts.tolist(), ends.tolist(), strict=True):
        yield row + 1, first, last


def _outlines(model: Model, plane: PlaneSlice) -> Iterator[Outline]:
    """Yield the outlines [mm] of the stacks and cooler bases that a plane intersects."""
    planes = getattr(plane.grid, plane.axis)
    at = 0.5 * (planes[plane.index] + planes[plane.index + 1])
    placements = place_stacks(model.package).items()
    solids = [(name, (*p.outline[:2], p.z0), (*p.outline[2:], p.z1)) for name, p in placements]
    bases = {n: part.name for n, part in enumerate(model.parts) if part.name.startswith("cooling.")}
    solids += [(bases[box.part], box.low, box.high) for box in model.geometry.boxes if box.part in bases]
    normal = "xyz".index(plane.axis)
    first, second = (n for n in range(3) if n != normal)
    region = model.geometry.region
    for name, low, high in solids:
        if region is not None:  # a local model has the parts of the stacks in its box
            x0, y0, z0 = (max(pair) for pair in zip(low, region.low, strict=True))
            x1, y1, z1 = (min(pair) for pair in zip(high, region.high, strict=True))
            low, high = (x0, y0, z0), (x1, y1, z1)
        has_area = low[first] < high[first] and low[second] < high[second]
        if has_area and low[normal] < at < high[normal]:
            size = [(high[n] - low[n]) * MM_PER_M for n in (first, second)]
            yield Outline(name, low[first] * MM_PER_M, low[second] * MM_PER_M, *size)


def draw_outlines(axes: Axes, model: Model, plane: PlaneSlice) -> None:
    """Draw the outlines of stacks and cooler bases, thicker in a layer map than in a section."""
    from matplotlib.patches import Rectangle

    width = 0.9 if plane.axis == "z" else 0.5  # points
    for outline in _outlines(model, plane):
        axes.add_patch(
            Rectangle(
                (outline.left, outline.bottom),
                outline.width,
                outline.height,
                fill=False,
                ec="white",
                lw=width,
                path_effects=text_outline("black", width + 0.7),
            )
        )


def _draw_blocks(axes: Axes, model: Model, plane: PlaneSlice) -> None:
    """Draw the outlines of the blocks in a plane, at most `MAX_OUTLINED_BLOCKS`, else none."""
    from matplotlib.collections import LineCollection

    x, y = model.grid.x * MM_PER_M, model.grid.y * MM_PER_M
    outlines = []
    for block in model.blocks:
        k, j, i = block.window
        if k.start <= plane.index < k.stop:
            left, right, low, high = x[i.start], x[i.stop], y[j.start], y[j.stop]
            outlines.append([(left, low), (right, low), (right, high), (left, high), (left, low)])
    if len(outlines) <= MAX_OUTLINED_BLOCKS:
        axes.add_collection(LineCollection(outlines, colors=BLOCK_COLOR, linewidths=0.4))


def label_outlines(
    figure: Figure, model: Model, panels: Sequence[tuple[Axes, PlaneSlice]], color: str = "white"
) -> None:
    """Write the names of stacks and cooler bases into their outlines, where they fit."""
    freeze_layout(figure)
    for axes, plane in panels:
        box = axes.get_window_extent()
        per_x = box.width / abs(np.diff(axes.get_xlim())[0]) * POINTS_PER_INCH / figure.dpi  # points per mm
        per_y = box.height / abs(np.diff(axes.get_ylim())[0]) * POINTS_PER_INCH / figure.dpi
        for outline in _outlines(model, plane):
            _label_outline(axes, outline, outline.width * per_x, outline.height * per_y, color)


def _label_outline(axes: Axes, outline: Outline, width: float, height: float, color: str) -> None:
    """Write the name into the lower left corner of an outline of that size [points], if it fits."""
    for size in (9.0, 8.0, 7.0, 6.0):
        length = CHARACTER_WIDTH * size * len(outline.name) + 6.0
        for rotation, along, across in ((0.0, width, height), (90.0, height, width)):
            if length <= along and size + 5.0 <= across:
                offset = (3.5, 3.5) if rotation == 0.0 else (3.0, 4.0)
                axes.annotate(
                    outline.name,
                    (outline.left, outline.bottom),
                    offset,
                    textcoords="offset points",
                    rotation=rotation,
                    fontsize=size,
                    color=color,
                    parse_math=False,
                    path_effects=text_outline("black" if color == "white" else "white"),
                    ha="left",
                    va="bottom",
                )
                return


def annotate_peak(
    axes: Axes, hottest: PartTemperature, plane: PlaneSlice, *, with_value: bool = True
) -> None:
    """Draw a circle at the location of the peak, and write its temperature beside it."""
    position = dict(zip("xyz", (value * MM_PER_M for value in hottest.at), strict=True))
    right, up = PLANE_AXES[plane.axis]
    point = (position[right], position[up])
    for width, color in ((2.6, "white"), (1.2, TEXT_COLOR)):
        axes.plot(*point, "o", ms=8.0, mfc="none", mec=color, mew=width)
    is_right = point[0] > float(np.mean(axes.get_xlim()))
    if not with_value:
        return
    axes.annotate(
        f"{hottest.max - ZERO_CELSIUS:.1f} °C",
        point,
        (-9.0 if is_right else 9.0, 7.0),
        textcoords="offset points",
        ha="right" if is_right else "left",
        fontsize=10.0,
        fontweight="bold",
        color="white",
        path_effects=text_outline("black"),
    )


# -- axes -------------------------------------------------------------------------------------


def _style_axes(axes: Axes, plane: PlaneSlice) -> None:
    """Set aspect ratio, labels, ticks and spines."""
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.margins(0.012)
    first, second = PLANE_AXES[plane.axis]
    axes.set_xlabel(f"{first} [mm]", color=TEXT_COLOR)
    axes.set_ylabel(f"{second} [mm]", color=TEXT_COLOR)
    axes.tick_params(colors=TICK_COLOR, labelcolor=TEXT_COLOR, labelsize=9.0, length=3.0)
    style_spines(axes, "left", "bottom")


def stretch_z(axes: Axes, width: float, height: float) -> None:
    """Stretch z so that a section fills an area of that size [inches], and write the factor on the z axis."""
    right, up = (abs(float(np.diff(limits)[0])) for limits in (axes.get_xlim(), axes.get_ylim()))
    exact = right / up * height / width
    stretch = max(np.floor(2.0 * exact) / 2.0 if exact < 10.0 else np.floor(exact / 5.0) * 5.0, 1.0)
    axes.set_aspect(stretch)
    axes.set_ylabel("z [mm], true to scale" if stretch == 1.0 else f"z [mm], stretched {stretch:g} times")
