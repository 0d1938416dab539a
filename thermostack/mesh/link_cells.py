"""Cells at the ends of links: those of a part just under its upper, or above its lower face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.mesh.grid import Grid
from thermostack.mesh.part_selection import layer_part_names, select_parts
from thermostack.package.geometry import Geometry
from thermostack.package.link_geometry import LinkGeometry, LinkRectangle
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

# Of the rectangle of an end that may lie off its face: planes that nearly coincide are merged.
MAX_UNCOVERED_FRACTION = 1e-3
MIN_OVERLAP = 1e-6  # of the width of a cell: less is rounding


@dataclass(frozen=True, eq=False)
class EndCells:
    """The cells under one end of a link."""

    k: np.ndarray  # (n,)
    j: np.ndarray
    i: np.ndarray
    weight: np.ndarray  # (n,) fraction of the area of the end, sum 1
    area: float  # m2, of the end

    def index(self, shape: tuple[int, int, int]) -> np.ndarray:
        """Return the indices of the cells in the raveled grid (nz, ny, nx), ascending in each plane."""
        return np.asarray(np.ravel_multi_index((self.k, self.j, self.i), shape))


@dataclass(frozen=True, eq=False)
class LinkCells:
    """A link with the cells at its two ends."""

    link: LinkGeometry
    start: EndCells
    end: EndCells

    @property
    def ends(self) -> tuple[EndCells, EndCells]:
        """Return both ends."""
        return self.start, self.end


def find_link_cells(geometry: Geometry, grid: Grid, part: np.ndarray) -> tuple[LinkCells, ...]:
    """Return the cells at the ends of every link.

    `part` (nz, ny, nx) is 1 + the index of the part of each cell, 0 outside the body. Raises DescriptionError
    where a part is unknown, where an end has no cell or is not on its face, and where both ends share a
    face of a cell.
    """
    found = []
    for link in geometry.links:
        start, end = (_end_cells(geometry, grid, part, place) for place in link.ends)
        common = np.intersect1d(start.index(part.shape), end.index(part.shape))
        if common.size and link.start.is_top == link.end.is_top:
            text = "both ends are in the same place"
            hint = "move one of them; a link joins two different places"
            path = ("links", link.link.name)
            geometry.package.refuse([diagnostic_at(path, text, hint, "E-LINK")])
        found.append(LinkCells(link, start, end))
    return tuple(found)


def _end_cells(geometry: Geometry, grid: Grid, part: np.ndarray, place: LinkRectangle) -> EndCells:
    """Return the outermost cells of the part of an end in the columns under its rectangle."""
    numbers = select_parts(geometry, place.part, (*place.path, "part"))
    of_layers = layer_part_names(geometry, place.part)
    numbers = numbers[[geometry.parts[number - 1].name in of_layers for number in numbers]]
    x0, y0, x1, y1 = place.rectangle or (grid.x[0], grid.y[0], grid.x[-1], grid.y[-1])
    depth, width = _overlap(grid.y, y0, y1), _overlap(grid.x, x0, x1)
    rows, columns = np.flatnonzero(depth), np.flatnonzero(width)
    belongs = np.isin(part[:, rows[:, None], columns], numbers)
    j, i = np.nonzero(belongs.any(axis=0))
    k = np.argmax(belongs[::-1, j, i] if place.is_top else belongs[:, j, i], axis=0)
    k = len(part) - 1 - k if place.is_top else k
    if place.rectangle is None:  # the whole face is that at the top or bottom, without steps and holes
        is_outermost = k == (k.max() if place.is_top else k.min()) if k.size else np.zeros(0, dtype=bool)
        j, i, k = j[is_outermost], i[is_outermost], k[is_outermost]
    j, i = rows[j], columns[i]
    area = depth[j] * width[i]
    total = float(area.sum())
    geometry.package.refuse(_coverage_diagnostics(place, total))
    if place.rectangle is not None:
        geometry.package.refuse(_height_diagnostics(place, grid.z[np.unique(k) + place.is_top]))
    return EndCells(k, j, i, area / total, total)


def _height_diagnostics(place: LinkRectangle, heights: np.ndarray) -> Iterator[Diagnostic]:
    """Yield an error where the faces under an end are at several heights [m]."""
    if heights.size > 1:
        low, high = (format_quantity(float(end), "length") for end in (heights[0], heights[-1]))
        text = f"this end is on faces of {place.part} at different heights, {low} to {high}"
        hint = "move it, reduce its size, or name the layer"
        yield diagnostic_at(place.path, text, hint, "E-OUTSIDE")


def _overlap(planes: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the length [m] of each interval between planes that lies between two coordinates [m]."""
    length = np.minimum(planes[1:], high) - np.maximum(planes[:-1], low)
    return np.asarray(np.where(length > MIN_OVERLAP * np.diff(planes), length, 0.0))


def _coverage_diagnostics(place: LinkRectangle, covered: float) -> Iterator[Diagnostic]:
    """Yield an error where an end, of which an area [m2] is on its face, is not there completely."""
    side = "top" if place.is_top else "bottom"
    if place.rectangle is None:
        if covered == 0.0:
            text = f"{place.part} has no cells"
            yield diagnostic_at(place.path, text, "use smaller cells", "E-LINK")
        return
    x0, y0, x1, y1 = place.rectangle
    uncovered = 1.0 - covered / ((x1 - x0) * (y1 - y0))
    if uncovered > MAX_UNCOVERED_FRACTION:
        text = f"{100.0 * uncovered:.3g} % of this end is not on the {side} of {place.part}"
        hint = "move it, reduce its size, or name the part that lies there"
        yield diagnostic_at(place.path, text, hint, "E-OUTSIDE")
