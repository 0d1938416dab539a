"""Means and peaks of a package from three grids fine at all edges, extrapolated by the observed order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from thermostack import Grid, Package, discretize, solve_steady
from thermostack.mesh.grid_lines import CellSize, find_powered_regions, fixed_planes
from thermostack.package.geometry import Geometry, package_geometry

EDGE_FRACTION = 0.125  # cell size at an edge in plan on the coarsest grid, in thicknesses of the thickest die
FACE_FRACTION = 0.4  # cell size at a face along z, in thicknesses of the thinner layer beside it
GROWTH = 0.5  # m/m: of the cell size per distance from an edge
MAX_CELLS = {True: 100_000, False: 50_000}  # of the coarsest grid, by whether the package is linear
RATIOS = (0.2, 0.55)  # of successive changes that an order between 0.86 and 2.3 explains
ASSUMED_RATIO = 2.0**-1.25  # where the observed one is outside
SAMPLES = 65


@dataclass(frozen=True)
class Reference:
    """The extrapolated value of a mean or a peak [K], and the change from the value on the finest grid."""

    value: float
    correction: float


def fine_references(package: Package) -> tuple[dict[str, tuple[Reference, Reference]], tuple[int, ...]]:
    """Return mean and peak of every part and block, and the cells of the three grids."""
    geometry = package_geometry(package)
    grid = coarsest_grid(geometry)
    found: dict[str, list[tuple[float, float]]] = {}
    cells = []
    for n in range(3):
        grid = bisected(grid) if n else grid
        steady = solve_steady(discretize(geometry, grid=grid), threads=1, estimate=False)
        cells.append(grid.cells)
        for part in steady.parts:
            found.setdefault(part.name, []).append((part.mean, part.max))
    return {
        name: (extrapolated([row[0] for row in rows]), extrapolated([row[1] for row in rows]))
        for name, rows in found.items()
    }, tuple(cells)


def extrapolated(values: list[float]) -> Reference:
    """Return the limit of the values on three grids, each with half the cell size of the one before."""
    first, last = values[1] - values[0], values[2] - values[1]
    ratio = last / first if first else 0.0
    if not RATIOS[0] <= ratio <= RATIOS[1]:
        ratio = ASSUMED_RATIO if ratio > RATIOS[1] else RATIOS[0]
    correction = last * ratio / (1.0 - ratio)
    return Reference(values[2] + correction, correction)


def bisected(grid: Grid) -> Grid:
    """Return the grid with every interval halved."""
    return Grid(*(np.sort(np.concatenate([p, 0.5 * (p[1:] + p[:-1])])) for p in (grid.x, grid.y, grid.z)))


def coarsest_grid(geometry: Geometry) -> Grid:
    """Return a grid of the default cell sizes, with small cells at edges of boxes and faces of layers."""
    powered = find_powered_regions(geometry)
    fixed = [fixed_planes(geometry, powered, axis)[0] for axis in range(3)]
    heights = [box.high[2] - box.low[2] for box in geometry.boxes if "die" in geometry.parts[box.part].name]
    edges = [np.full(planes.size, EDGE_FRACTION * max(heights)) for planes in fixed[:2]]
    thickness = np.concatenate(([np.inf], np.diff(fixed[2]), [np.inf]))
    edges.append(FACE_FRACTION * np.minimum(thickness[1:], thickness[:-1]))
    for factor in 1.1 ** np.arange(40):
        rules = [CellSize(geometry, powered, axis, None, 1.0 / factor) for axis in range(3)]
        rows = zip(fixed, (factor * edge for edge in edges), rules, strict=True)
        grid = Grid(*(_graded(*row) for row in rows))
        if grid.cells <= MAX_CELLS[geometry.is_linear]:
            break
    return grid


def _graded(fixed: np.ndarray, edge: np.ndarray, rule: CellSize) -> np.ndarray:
    """Return planes [m]: the fixed ones, and others by the rule and by sizes that grow from them."""
    planes = [fixed[:1]]
    for (low, high), (first, last) in zip(pairwise(fixed.tolist()), pairwise(edge.tolist()), strict=True):
        s = np.linspace(low, high, SAMPLES)
        middle = 0.5 * (s[1:] + s[:-1])
        local = np.minimum(first + GROWTH * (middle - low), last + GROWTH * (high - middle))
        number = np.concatenate(([0.0], np.cumsum(np.diff(s) / np.minimum(local, rule.size(middle)))))
        cells = max(1, round(number[-1]))
        planes.append(np.interp(np.linspace(0.0, number[-1], cells + 1)[1:], number, s))
    return np.concatenate(planes)
