"""Warnings about links whose conductors are shorter than their span, or wider than their ends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.mesh.grid import Grid
from thermostack.mesh.link_cells import EndCells, LinkCells
from thermostack.package.link_geometry import LinkRectangle
from thermostack.package.thermal_link import ThermalLink
from thermostack.schema.validated_dataclass import FieldPath, diagnostic_at
from thermostack.units import format_quantity

# Relative: less is rounding of a description, or the distance by which planes of the grid are merged.
MAX_LENGTH_DEFICIT = 1e-3


def link_dimension_warnings(grid: Grid, links: Sequence[LinkCells]) -> Iterator[Diagnostic]:
    """Yield a warning for each link that is too short for its ends, and for each end that is too narrow."""
    for cells in links:
        link, path = cells.link.link, ("links", cells.link.link.name)
        ends = [
            end_rectangles(grid, end, place) for end, place in zip(cells.ends, cells.link.ends, strict=True)
        ]
        heights = [
            float(grid.z[end.k[0] + place.is_top])
            for end, place in zip(cells.ends, cells.link.ends, strict=True)
        ]
        yield from _length_warnings(link, math.hypot(plan_distance(*ends), heights[1] - heights[0]), path)
        for (key, _), rectangles in zip(link.ends, ends, strict=True):
            yield from _width_warnings(link, rectangles, key, path)


def end_rectangles(grid: Grid, end: EndCells, place: LinkRectangle) -> np.ndarray:
    """Return the rectangles [m] of an end, (n, 4) as x0, y0, x1, y1.

    A whole face has one for each run of cells along x; equal runs of consecutive rows are joined.
    """
    if place.rectangle is not None:
        return np.array([place.rectangle])
    order = np.lexsort((end.i, end.j))
    j, i = end.j[order], end.i[order]
    first = np.flatnonzero((np.diff(j, prepend=-1) != 0) | (np.diff(i, prepend=-2) != 1))
    last = np.append(first[1:], i.size) - 1
    rows: dict[tuple[int, int], list[int]] = {}  # the last rectangle [j0, j1] of each run of cells along x
    found = []
    for row, low, high in zip(j[first].tolist(), i[first].tolist(), i[last].tolist(), strict=True):
        span = rows.get((low, high))
        if span is not None and span[1] == row - 1:
            span[1] = row
        else:
            rows[low, high] = span = [row, row]
            found.append((low, high, span))
    return np.array([(grid.x[i0], grid.y[j0], grid.x[i1 + 1], grid.y[j1 + 1]) for i0, i1, (j0, j1) in found])


def plan_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the distance in the plan [m] between the nearest points of two sets of rectangles, (n, 4)."""
    distance = math.inf
    for x0, y0, x1, y1 in a:
        apart = [np.maximum(b[:, 0] - x1, x0 - b[:, 2]), np.maximum(b[:, 1] - y1, y0 - b[:, 3])]
        distance = min(distance, float(np.hypot(*np.maximum(apart, 0.0)).min()))
    return distance


def _length_warnings(link: ThermalLink, distance: float, path: FieldPath) -> Iterator[Diagnostic]:
    """Yield a warning where conductors are shorter than the straight distance [m] of their ends."""
    if link.length is None or link.length >= (1.0 - MAX_LENGTH_DEFICIT) * distance:
        return
    shown, needed = (format_quantity(each, "length") for each in (link.length, distance))
    text = f"{link.name} is {shown} long, and the straight distance between its ends is {needed}"
    hint = "write the length along the loop, or correct the positions of the ends"
    yield diagnostic_at((*path, "length"), text, hint, "W-LINK")


def _width_warnings(
    link: ThermalLink, rectangles: np.ndarray, key: str, path: FieldPath
) -> Iterator[Diagnostic]:
    """Yield a warning where the conductors, side by side, are wider than the longer side of an end."""
    width = link.conductor_width
    if width is None:
        return
    low, high = rectangles[:, :2].min(axis=0), rectangles[:, 2:].max(axis=0)
    side = float(np.max(high - low))
    if link.count * width <= (1.0 + MAX_LENGTH_DEFICIT) * side:
        return
    total, available = (format_quantity(each, "length") for each in (link.count * width, side))
    text = f"{link.name} is {total} wide, and the longer side of its end `{key}` is {available}"
    hint = "give the end the size of all pads, or check the dimensions and the count"
    if link.count > 1:
        each = format_quantity(width, "length")
        text = f"{link.count} conductors of {link.name}, each {each} wide, need {total} side by side, "
        text += f"and the longer side of its end `{key}` is {available}"
        hint += "; several rows of conductors are several links"
    yield diagnostic_at(path, text, hint, "W-LINK")
