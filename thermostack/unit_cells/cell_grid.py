"""Rectilinear grid of a unit cell, graded towards the edges of its shapes and gaps between discs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise, permutations, product

import numpy as np

from thermostack.materials.cell_geometry import MIN_EDGE_DISTANCE, CellGeometry, CellShape

Array = np.ndarray

# Cells of the coarsest grid across half the smaller pitch, for cells with equal slices and for others.
CELLS_PER_HALF_PITCH = {True: 16, False: 8}
# Cells between two edges, growth of the cell size with the distance from them, and factor of the largest
# size, from the best grading to the coarsest.
GRADINGS = ((2, 0.25, 1.0), (2, 0.5, 1.0), (1, 0.5, 1.0), (1, 1.0, 1.0), (1, 1.0, 1.5), (1, 1.0, 2.5))
MAX_CELL_RATIO = 4.0  # of the pitches up to which the cells have one largest size along x and y
GROWTH_UPWARDS = 0.5  # of the heights of the cells
MIN_PLANES = 4  # of cells over the height
CELLS_ALONG_GAP = 4  # in the half width over which a gap between discs is narrow
MAX_GAP = 0.25  # of the smaller radius; wider gaps need no cells of their own
MAX_SHELL = 0.1  # of the outer diameter; thicker shells need no cells of their own
MIN_COSINE = 1e-6  # of directions that count
SAMPLES = 4001  # of the cell size along an axis


@dataclass(frozen=True, eq=False)
class CellGrid:
    """Coordinates [m] of the edges of the grid cells along x, y and z.

    `has_edges` states that the straight edges of all shapes are edges of grid cells.
    """

    x: Array
    y: Array
    z: Array
    has_edges: bool = True

    @property
    def cells(self) -> int:
        """Return the number of cells."""
        return (self.x.size - 1) * (self.y.size - 1) * (self.z.size - 1)

    def refined(self) -> CellGrid:
        """Return the grid with every cell halved along every axis; a single cell along z stays."""
        z = self.z if self.z.size == 2 else _halved(self.z)
        return CellGrid(_halved(self.x), _halved(self.y), z, self.has_edges)


def coarsest_grid(geometry: CellGeometry, extent: tuple[float, float], max_cells: int) -> CellGrid:
    """Return the coarsest grid of the part of a cell from its corner to `extent` [m] along x and y.

    Of several gradings it is the best one with at most `max_cells` cells. If all have more, the cells are
    equal in the plane, and edges lie inside them.
    """
    gaps, shells = list(_narrow_gaps(geometry)), list(_thin_shells(geometry))
    levels = _levels(geometry)
    for min_cells, growth, factor in GRADINGS:
        x, y = (
            _graded_edges(
                [*(edge for edge in geometry.edges(axis) if edge < (1.0 - MIN_EDGE_DISTANCE) * end), end],
                [
                    *_wanted_at_gaps(gaps, axis, min_cells, geometry.pitch[axis]),
                    *_wanted_at_shells(shells, axis, min_cells, geometry.pitch[axis]),
                ],
                (min_cells, growth, factor * _largest_size(geometry, axis)),
            )
            for axis, end in enumerate(extent)
        )
        z = np.array(levels)
        if not geometry.is_columnar:
            z = _graded_edges(levels, [], (min_cells, GROWTH_UPWARDS, levels[-1] / MIN_PLANES))
        grid = CellGrid(x, y, z)
        if grid.cells <= max_cells:
            return grid
    layers = max(1, z.size - 1)
    count = max(4, math.isqrt(max_cells // layers))
    x, y = (np.linspace(0.0, end, count + 1) for end in extent)
    return CellGrid(x, y, z, has_edges=False)


def _largest_size(geometry: CellGeometry, axis: int) -> float:
    """Return the largest cell size [m] along an axis: equal for x and y, unless one pitch is much longer."""
    length = max(min(geometry.pitch), geometry.pitch[axis] / MAX_CELL_RATIO)
    return 0.5 * length / CELLS_PER_HALF_PITCH[geometry.is_columnar]


def _levels(geometry: CellGeometry) -> list[float]:
    """Return the heights [m] between different slices, with bottom and top."""
    tops = np.cumsum([each.thickness for each in geometry.slices]).tolist()
    patterns = [each.pattern for each in geometry.slices]
    inner = [top for top, (below, above) in zip(tops, pairwise(patterns), strict=False) if below != above]
    return [0.0, *inner, tops[-1]]


# A gap between two discs: its middle, its width [m], the direction across it, and the smaller radius [m].
Gap = tuple[tuple[float, float], float, tuple[float, float], float]


def _narrow_gaps(geometry: CellGeometry) -> Iterable[Gap]:
    """Yield the narrow gaps between discs of a slice, with those of adjacent periods."""
    seen: set[tuple[CellShape, CellShape]] = set()
    for each in geometry.slices:
        discs = [shape for shape in each.shapes if shape.is_round]
        for pair in combinations_with_replacement(discs, 2):
            if pair not in seen:
                seen.add(pair)
                yield from _gaps_of_pair(geometry, *pair)


def _gaps_of_pair(geometry: CellGeometry, one: CellShape, other: CellShape) -> Iterable[Gap]:
    radii = 0.5 * one.size[0], 0.5 * other.size[0]
    for shift in product((-1, 0, 1), repeat=2):
        away = [other.center[axis] + shift[axis] * geometry.pitch[axis] - one.center[axis] for axis in (0, 1)]
        distance = math.hypot(*away)
        width = distance - sum(radii)
        if 0.0 < width < MAX_GAP * min(radii):
            direction = away[0] / distance, away[1] / distance
            reach = radii[0] + 0.5 * width
            middle = [(one.center[axis] + reach * direction[axis]) for axis in (0, 1)]
            yield (middle[0], middle[1]), width, direction, min(radii)


# A thin shell of one disc around another: the outer disc, and the thickness [m].
Shell = tuple[CellShape, float]


def _thin_shells(geometry: CellGeometry) -> Iterable[Shell]:
    """Yield the thin shells between two discs one inside the other, such as liners."""
    for each in geometry.slices:
        discs = [shape for shape in each.shapes if shape.is_round]
        for outer, inner in permutations(discs, 2):
            distance = math.dist(outer.center, inner.center)
            thickness = 0.5 * (outer.size[0] - inner.size[0]) - distance
            if 0.0 < thickness < MAX_SHELL * outer.size[0]:
                yield outer, thickness


def _wanted_at_shells(shells: Iterable[Shell], axis: int, min_cells: int, period: float) -> list[Wanted]:
    """Return the cell sizes along an axis at thin shells, which cross all cells over the diameter."""
    return [
        (
            outer.center[axis] + n * period - 0.5 * outer.size[0],
            outer.center[axis] + n * period + 0.5 * outer.size[0],
            thickness / min_cells,
        )
        for outer, thickness in shells
        for n in (-1, 0, 1)
    ]


def unresolved_width(geometry: CellGeometry, grid: CellGrid) -> float:
    """Return the width [m] of the narrowest gap or shell of discs that is narrower than the cells there.

    It is zero if there is none.
    """
    found = [
        width for middle, width, *_ in _narrow_gaps(geometry) if width < _size_at(geometry, grid, middle)
    ]
    for outer, thickness in _thin_shells(geometry):
        x, y = outer.center
        reach = 0.5 * (outer.size[0] - thickness)
        sides = (x - reach, y), (x + reach, y), (x, y - reach), (x, y + reach)
        if thickness < min(_size_at(geometry, grid, side) for side in sides):
            found.append(thickness)
    return min(found, default=0.0)


def _size_at(geometry: CellGeometry, grid: CellGrid, point: tuple[float, float]) -> float:
    """Return the smaller size [m] of the cell at a point, also of one beyond a mirror plane."""
    sizes = []
    for edges, place, pitch in zip((grid.x, grid.y), point, geometry.pitch, strict=True):
        inside = place % pitch
        if inside > edges[-1]:  # the grid ends at the mirror plane at half the pitch
            inside = pitch - inside
        cell = min(max(int(np.searchsorted(edges, inside)), 1), edges.size - 1)
        sizes.append(float(edges[cell] - edges[cell - 1]))
    return min(sizes)


Wanted = tuple[float, float, float]  # low and high end of an interval, and the cell size in it [m]


def _wanted_at_gaps(gaps: Iterable[Gap], axis: int, min_cells: int, period: float) -> list[Wanted]:
    """Return the cell sizes along an axis at narrow gaps, which repeat with a period [m].

    Across a gap heat flows over its width, along it over a length of the root of width times radius.
    """
    wanted = []
    for middle, width, direction, radius in gaps:
        across, along = abs(direction[axis]), abs(direction[1 - axis])
        tangential = math.sqrt(width * radius)
        half = 0.5 * across * width + 2.0 * along * tangential
        sizes = [width / (min_cells * across)] if across > MIN_COSINE else []
        sizes += [tangential / (CELLS_ALONG_GAP * along)] if along > MIN_COSINE else []
        for n in (-1, 0, 1):
            place = middle[axis] + n * period
            wanted.append((place - half, place + half, min(sizes)))
    return wanted


def _graded_edges(edges: Sequence[float], wanted: list[Wanted], grading: tuple[float, float, float]) -> Array:
    """Return the coordinates [m] of a grid that contains the edges.

    `grading` has the cells between two edges, the growth of the size, and the largest size [m].
    """
    min_cells, growth, size = grading
    between = [(a, b, (b - a) / min_cells) for a, b in pairwise(edges)]
    return _edges_of_size(edges, [*between, *wanted], growth, size)


def _edges_of_size(edges: Sequence[float], wanted: Sequence[Wanted], growth: float, size: float) -> Array:
    """Return a grid with cells of the size wanted in intervals (low, high, size), growing away from them."""
    x = np.linspace(edges[0], edges[-1], SAMPLES)
    local = np.full_like(x, size)
    for low, high, own in wanted:
        distance = np.maximum(np.maximum(low - x, x - high), 0.0)
        np.minimum(local, own + growth * distance, out=local)
    density = 1.0 / local
    count = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(x))])
    found = [edges[0]]
    for low, high in pairwise(edges):
        first, last = np.interp([low, high], x, count)
        cells = max(1, math.ceil(last - first - 1e-6))
        inner = np.interp(np.linspace(first, last, cells + 1), count, x)[1:-1]
        found += [*inner[(inner > low) & (inner < high)].tolist(), high]
    return np.array(found)


def _halved(edges: Array) -> Array:
    return np.sort(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])]))
