"""The faces of the body that look outside, and what cools each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.grid import Grid
from thermostack.mesh.part_map import PartMap
from thermostack.package.cooling import (
    FACES,
    FaceCooling,
    FixedFlux,
    HtcMap,
    RobinCoefficients,
    robin_coefficients,
)
from thermostack.package.geometry import Geometry
from thermostack.schema.validated_dataclass import diagnostic_at

SURROUNDINGS = len(FACES)  # the label of a surface that is not one of the six faces
BEST = 1e9  # W/(m2 K): a fixed temperature weighs as much as a film this good


@dataclass(frozen=True, eq=False)
class BoundaryFaces:
    """The faces of cells that a cooler acts on, one entry each, in the order of the cells."""

    cell: np.ndarray  # (n,) index of the cell in the raveled grid
    axis: np.ndarray  # (n,) 0 z, 1 y, 2 x: across which the face lies
    is_high: np.ndarray  # (n,) the face at the high side of its cell
    area: np.ndarray  # (n,) m2
    h: np.ndarray  # (n,) W/(m2 K), infinite where the surface temperature is fixed
    temperature: np.ndarray  # (n,) K
    flux: np.ndarray  # (n,) W/m2 into the body
    face: np.ndarray  # (n,) index into FACES, or SURROUNDINGS

    @property
    def mean_ambient(self) -> float:
        """Return the mean temperature [K] of what cools, weighed by how well it does; 300 K if nothing."""
        cools = self.h > 0.0
        if not cools.any():
            return ROOM_TEMPERATURE
        outside, weight = self.temperature[cools], self.area[cools] * np.minimum(self.h[cools], BEST)
        mean = np.average(outside, weights=weight)
        return float(np.clip(mean, outside.min(), outside.max()))  # exact if all are one


Entry = tuple[str, int, FaceCooling]  # the face or "surroundings", its place there, and what cools


def find_boundary_faces(geometry: Geometry, grid: Grid, mosaic: PartMap) -> BoundaryFaces:
    """Return every face of the body that a cooler acts on.

    A resistance, or a given heat, is shared by all that its cooler is left with: a later one covers it.
    """
    cooling = geometry.package.cooling
    entries = [
        (face, n, cooled)
        for face in ("surroundings", *FACES)
        for n, cooled in enumerate(getattr(cooling, face))
    ]
    sides = [_side(entries, grid, mosaic, axis, is_high) for axis in range(3) for is_high in (False, True)]
    cell, axis, is_high, area, entry = (np.concatenate(column) for column in zip(*sides, strict=True))
    areas = np.bincount(entry, weights=area, minlength=len(entries)).tolist()
    geometry.package.refuse(_idle_coolers(entries, areas))
    laws = [
        robin_coefficients(cooled.cooler, covered) if covered > 0.0 else RobinCoefficients(0.0, 0.0)
        for (_, _, cooled), covered in zip(entries, areas, strict=True)
    ]
    told = np.array([(law.h, law.temperature, law.flux) for law in laws]).reshape(-1, 3)
    h, temperature, flux = told.T[:, entry]
    _lay_films(h, entries, grid, mosaic, cell, entry)
    faces = np.array([(*FACES, "surroundings").index(name) for name, _, _ in entries], dtype=np.uint8)
    acts = np.flatnonzero((h > 0.0) | (flux != 0.0))
    order = acts[np.argsort(cell[acts], kind="stable")]
    columns = (cell, axis, is_high, area, h, temperature, flux, faces[entry])
    return BoundaryFaces(*(column[order] for column in columns))


def _side(
    entries: Sequence[Entry], grid: Grid, mosaic: PartMap, axis: int, is_high: bool
) -> tuple[np.ndarray, ...]:
    """Return cell, axis, side, area [m2] and entry of the exposed faces that look one way."""
    k, j, i = mosaic.boundary_cells(axis, is_high)
    across = (k, j, i)[axis]
    widths = [(grid.dy, j, grid.dx, i), (grid.dz, k, grid.dx, i), (grid.dz, k, grid.dy, j)][axis]
    area = widths[0][widths[1]] * widths[2][widths[3]]
    name = ("bottom", "south", "west")[axis] if not is_high else ("top", "north", "east")[axis]
    centers = [
        (grid.x_center, i, grid.y_center, j),
        (grid.x_center, i, grid.z_center, k),
        (grid.y_center, j, grid.z_center, k),
    ]
    outermost = across == (across.max(initial=0) if is_high else across.min(initial=grid.cells))
    chosen = np.full(k.size, -1)
    for n, (face, _, cooled) in enumerate(entries):
        if face in (name, "surroundings"):
            where = _in_region(cooled, *centers[axis])
            chosen[where & outermost if face == name else where] = n
    kept = chosen >= 0
    count = int(kept.sum())
    sides = np.full(count, axis, np.uint8), np.full(count, is_high)
    _, ny, nx = grid.shape
    cell = (k[kept] * ny + j[kept]) * nx + i[kept]
    return cell, *sides, area[kept], chosen[kept]


def _lay_films(
    h: np.ndarray, entries: Sequence[Entry], grid: Grid, mosaic: PartMap, cell: np.ndarray, entry: np.ndarray
) -> None:
    """Put the films [W/(m2 K)] of maps in the place of their means."""
    for n, (_, _, cooled) in enumerate(entries):
        drawn = getattr(cooled.cooler, "h", None)
        own = np.flatnonzero(entry == n) if isinstance(drawn, HtcMap) else np.zeros(0, np.intp)
        if own.size == 0 or not isinstance(drawn, HtcMap):
            continue
        k, j, i = np.unravel_index(cell[own], grid.shape)
        plane = mosaic.plane(int(k[0]))
        rows, columns = (np.flatnonzero(np.any(plane > 0, axis=axis)) for axis in (1, 0))
        face = grid.x[columns[0]], grid.y[rows[0]], grid.x[columns[-1] + 1], grid.y[rows[-1] + 1]
        rectangle = face
        if cooled.region is not None:
            (x, y), (width, depth) = cooled.region.position, cooled.region.size
            rectangle = x, y, x + width, y + depth
        columns = columns[(grid.x_center > rectangle[0])[columns] & (grid.x_center < rectangle[2])[columns]]
        rows = rows[(grid.y_center > rectangle[1])[rows] & (grid.y_center < rectangle[3])[rows]]
        x_planes, y_planes = grid.x[columns[0] : columns[-1] + 2], grid.y[rows[0] : rows[-1] + 2]
        h[own] = drawn.on(x_planes, y_planes, rectangle, face)[j - rows[0], i - columns[0]]


def _idle_coolers(entries: Sequence[Entry], areas: Sequence[float]) -> Iterator[Diagnostic]:
    """Yield the coolers that were meant for a place, or given a heat, and are left with no face."""
    for (face, n, cooled), area in zip(entries, areas, strict=True):
        if area == 0.0 and (cooled.region is not None or isinstance(cooled.cooler, FixedFlux)):
            text = "lies on no face of the body, or later entries cover it"
            yield diagnostic_at(("cooling", face, n), text, "check its region", "E-COOLING")


def _in_region(entry: FaceCooling, a: np.ndarray, i: np.ndarray, b: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return which faces lie in the region of an entry, by their centres."""
    if entry.region is None:
        return np.ones(i.size, dtype=bool)
    (x, y), (width, depth) = entry.region.position, entry.region.size
    inside: np.ndarray = ((a > x) & (a < x + width))[i] & ((b > y) & (b < y + depth))[j]
    return inside
