"""The box of a local model: corners, or the name of a part with a margin, inside the body of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from thermostack.mesh.model import Model
from thermostack.package.local_region import Point3
from thermostack.results.names import unknown_name
from thermostack.schema.arguments import argument_error, check_quantity
from thermostack.schema.fields import point_in_metres, quote_value
from thermostack.units import format_quantity

DEFAULT_MARGIN = 0.5  # of the larger side of a named part in the plane
MIN_EXTENT = 1e-8  # m


def read_box(model: Model, box: Any, margin: Any = None) -> tuple[Point3, Point3]:
    """Return the corners [m] of a box of the body of a model.

    Parts of the box beyond the grid of the model are left out. Raises ArgumentError or UnknownNameError where
    it is no box, has no extent, or lies outside.
    """
    if isinstance(box, str):
        low, high = _named_box(model, box, margin)
    else:
        if margin is not None:
            raise argument_error("margin", "a margin needs the name of a part", "enlarge the box instead")
        low, high = _corners(box)
    for axis, a, b in zip("xyz", low, high, strict=True):
        if not b - a > MIN_EXTENT:
            shown = " to ".join(format_quantity(value, "length") for value in (a, b))
            text = f"the box has no extent along {axis}: {shown}"
            raise argument_error("box", text, "give the low corner, then the high corner", "E-RANGE")
    planes = (model.grid.x, model.grid.y, model.grid.z)
    inside = [
        (max(a, float(own[0])), min(b, float(own[-1]))) for a, b, own in zip(low, high, planes, strict=True)
    ]
    for axis, (a, b), own in zip("xyz", inside, planes, strict=True):
        if not b - a > MIN_EXTENT:
            shown = " to ".join(format_quantity(float(value), "length") for value in own[[0, -1]])
            text = f"the box lies outside the model, which extends along {axis} from {shown}"
            raise argument_error("box", text, "coordinates are those of the package", "E-OUTSIDE")
    (x0, x1), (y0, y1), (z0, z1) = inside
    _require_body(model, (x0, y0, z0), (x1, y1, z1))
    return (x0, y0, z0), (x1, y1, z1)


def overlap_lengths(planes: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the length [m] of each cell between planes [m] that lies between two coordinates [m]."""
    lengths: np.ndarray = np.clip(np.minimum(planes[1:], high) - np.maximum(planes[:-1], low), 0.0, None)
    return lengths


def _require_body(model: Model, low: Point3, high: Point3) -> None:
    """Raise ArgumentError where a box contains no part."""
    planes = (model.grid.z, model.grid.y, model.grid.x)
    k, j, i = (
        np.flatnonzero(overlap_lengths(own, low[2 - n], high[2 - n]) > 0.0) for n, own in enumerate(planes)
    )
    if not model.part[np.ix_(k, j, i)].any():
        raise argument_error("box", "the box contains no part", "it lies in empty space", "E-OUTSIDE")


def _corners(box: Any) -> tuple[Point3, Point3]:
    """Return the two corners [m] of a box of numbers or texts."""
    if not isinstance(box, Iterable) or len(corners := list(box)) != 2:
        text = f"{quote_value(box)} is not a box"
        hint = 'write (("1 mm", "1 mm", "0 mm"), ("2 mm", "2 mm", "0.5 mm")), or the name of a part'
        raise argument_error("box", text, hint, "E-TYPE")
    return point_in_metres(corners[0], "box.low"), point_in_metres(corners[1], "box.high")


def _named_box(model: Model, name: str, margin: Any) -> tuple[Point3, Point3]:
    """Return the corners [m] of the box around a part, a block or a stack, with a margin on all sides."""
    windows = [(block.window) for block in model.blocks if block.name == name]
    grid = model.grid
    if windows:
        k, j, i = windows[0]
        low = float(grid.x[i.start]), float(grid.y[j.start]), float(grid.z[k.start])
        high = float(grid.x[i.stop]), float(grid.y[j.stop]), float(grid.z[k.stop])
    else:
        own = {n for n, part in enumerate(model.parts) if f"{part.name}.".startswith(f"{name}.")}
        boxes = [box for box in model.geometry.boxes if box.part in own]
        if not boxes:
            known = [part.name for part in model.parts] + [block.name for block in model.blocks]
            raise unknown_name(name, known)
        x0, y0, z0 = (min(box.low[axis] for box in boxes) for axis in range(3))
        x1, y1, z1 = (max(box.high[axis] for box in boxes) for axis in range(3))
        low, high = (x0, y0, z0), (x1, y1, z1)
    default = DEFAULT_MARGIN * max(high[0] - low[0], high[1] - low[1])
    width = default if margin is None else check_quantity(margin, "length", "margin", min=0.0)
    x0, y0, z0 = (value - width for value in low)
    x1, y1, z1 = (value + width for value in high)
    return (x0, y0, z0), (x1, y1, z1)
