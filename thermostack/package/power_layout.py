"""The power of a layer as rectangles and pixels in coordinates of the package, and its orientation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thermostack.package.power import Power, PowerMap, block_table, blocks_of, snap_to_edges
from thermostack.package.rectangles import Rectangle


@dataclass(frozen=True, eq=False)
class PowerLayout:
    """The power of a layer in coordinates of the package: rectangles of even power, and a map."""

    rectangle: Rectangle  # m, of the layer
    names: tuple[str, ...]  # (rectangles,) of the blocks; "" for the whole layer
    x0: np.ndarray  # (rectangles,) m
    y0: np.ndarray
    x1: np.ndarray
    y1: np.ndarray
    area: np.ndarray  # (rectangles,) m2
    power: np.ndarray  # (rectangles,) W, scaled
    is_powered: np.ndarray  # (rectangles,) bool: the power before scaling is not 0 W, or there is leakage
    is_given: np.ndarray  # (rectangles,) bool: the description contains a power, which may be 0 W
    scale: float  # factor of `scale_to`: 1 without it
    pixels: np.ndarray | None  # (rows, columns) W before scaling, None without a map
    map_rectangle: Rectangle | None  # m
    map_area: float  # m2, 0 without a map

    def __post_init__(self) -> None:
        """Make the arrays read-only: a heat source keeps its layout."""
        for array in vars(self).values():
            if isinstance(array, np.ndarray):
                array.flags.writeable = False

    @property
    def is_even(self) -> bool:
        """Return whether the whole layer is one rectangle of a bare total."""
        return self.names == ("",)

    @cached_property
    def corners(self) -> np.ndarray:
        """Return x0, y0, x1, y1 [m] of all rectangles, (rectangles, 4)."""
        return np.stack([self.x0, self.y0, self.x1, self.y1], axis=1)


def lay_out_power(power: Power, rectangle: Rectangle, leaking: Sequence[int | None] = ()) -> PowerLayout:
    """Return the power of a layer that covers a rectangle [m] of the package.

    Each block is one rectangle of the layout, and so is a bare total. `leaking` are the indices of the blocks
    with leakage, None for the whole layer.
    """
    left, front, right, back = rectangle
    width, height = right - left, back - front
    if not power.is_bare_total:
        table = block_table(power.blocks)
        names = tuple(block.name for block in power.blocks)
        is_given = np.array([block.power is not None for block in power.blocks], dtype=bool)
    else:
        table = np.array([[0.0, 0.0, width, height, power.total or 0.0]])
        names, is_given = ("",), np.ones(1, dtype=bool)
    x, y, w, h, watts = table.T
    lengths = np.array([[width], [width], [height], [height]])
    x0, x1, y0, y1 = snap_to_edges(np.array([x, x + w, y, y + h]), lengths)
    is_powered = watts != 0.0
    is_powered[[n for n in leaking if n is not None]] = True
    if power.is_bare_total and None in leaking:
        is_powered[:] = True
    scale = _scale_factor(power, width, height)
    pixels, map_rectangle, map_area = None, None, 0.0
    if power.map is not None:
        pixels = power.map.pixel_powers(width, height)
        a0, b0, a1, b1 = power.map.rectangle(width, height)
        map_rectangle = left + a0, front + b0, left + a1, front + b1
        map_area = (a1 - a0) * (b1 - b0)
    return PowerLayout(
        rectangle,
        names,
        x0 + left,
        y0 + front,
        x1 + left,
        y1 + front,
        (x1 - x0) * (y1 - y0),
        watts * scale,
        is_powered,
        is_given,
        scale,
        pixels,
        map_rectangle,
        map_area,
    )


def _scale_factor(power: Power, width: float, height: float) -> float:
    """Return the factor of all powers on a layer of a size [m]: 1 without `scale_to`."""
    if power.scale_to is None:
        return 1.0
    unscaled = power.unscaled_power_on(width, height)
    return power.scale_to / unscaled if unscaled else 0.0


def orient_power(power: Power, width: float, height: float, rotate: int = 0, flip: bool = False) -> Power:
    """Return the power of a layer of a size [m] after the layer is flipped and rotated.

    First x is mirrored if `flip` is set. Then the layer is rotated counter-clockwise by `rotate` degrees
    (0, 90, 180 or 270) and moved so that its lower-left corner is the origin.
    """
    if rotate not in (0, 90, 180, 270):
        raise ValueError(f"rotate must be 0, 90, 180 or 270 degrees, got {rotate}")
    if (rotate == 0 and not flip) or power.is_bare_total:
        return power
    oriented = _orient(block_table(power.blocks)[:, :4], width, height, rotate, flip)
    names = [block.name for block in power.blocks]
    leakages = [block.leakage for block in power.blocks]
    blocks = blocks_of(names, oriented, [block.power for block in power.blocks], leakages)
    power_map = power.map
    if power_map is not None:
        values = np.rot90(power_map.values[:, ::-1] if flip else power_map.values, -(rotate // 90))
        position, size = power_map.position, power_map.size
        if position is not None and size is not None:
            x, y, w, h = _orient(np.array([[*position, *size]]), width, height, rotate, flip)[0].tolist()
            position, size = (x, y), (w, h)
        power_map = PowerMap(values, power_map.unit, position, size, power_map.source)
    return replace(power, blocks=blocks, map=power_map)


def _orient(table: np.ndarray, width: float, height: float, rotate: int, flip: bool) -> np.ndarray:
    """Return x, y, width, height [m], (n, 4), of rectangles of a layer after a flip and a rotation."""
    x, y, w, h = table.T
    if flip:
        x = width - (x + w)
    for _ in range(rotate // 90):
        x, y, w, h = height - (y + h), x, h, w
        width, height = height, width
    return np.stack([x, y, w, h], axis=1)
