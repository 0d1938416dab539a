"""Boundary faces of the cells, with the Robin coefficients of the cooler on each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.area_overlap import overlap_fractions
from thermostack.mesh.grid import Grid
from thermostack.mesh.part_map import PartMap
from thermostack.package.cooling import FACES, FaceCooling, FixedFlux, HtcMap
from thermostack.package.geometry import Geometry
from thermostack.package.rectangles import Rectangle
from thermostack.package.robin_coefficients import RobinCoefficients, robin_coefficients
from thermostack.schema.validated_dataclass import diagnostic_at

SURROUNDINGS = len(FACES)  # label of the boundary faces that are on none of the six faces
MAX_AMBIENT_WEIGHT = 1e9  # W/(m2 K): coefficient that stands for a fixed temperature in the mean ambient


@dataclass(frozen=True, eq=False)
class BoundaryFaces:
    """The boundary faces with a cooler, in the order of the cells."""

    cell: np.ndarray  # (n,) index of the cell in the raveled grid
    axis: np.ndarray  # (n,) normal direction: 0 z, 1 y, 2 x
    is_high: np.ndarray  # (n,) True where the normal points in the positive direction
    area: np.ndarray  # (n,) m2
    h: np.ndarray  # (n,) W/(m2 K), infinite where the surface temperature is fixed
    temperature: np.ndarray  # (n,) K
    flux: np.ndarray  # (n,) W/m2, positive into the body
    face: np.ndarray  # (n,) index into FACES, or SURROUNDINGS

    @property
    def mean_ambient(self) -> float:
        """Return the mean ambient temperature [K], weighted by h times area; 300 K without any."""
        cools = self.h > 0.0
        if not cools.any():
            return ROOM_TEMPERATURE
        weight = self.area[cools] * np.minimum(self.h[cools], MAX_AMBIENT_WEIGHT)
        ambient = self.temperature[cools]
        mean = np.average(ambient, weights=weight)
        return float(np.clip(mean, ambient.min(), ambient.max()))  # exact where all ambients are equal


CoolerEntry = tuple[str, int, FaceCooling]  # face or "surroundings", index in its list, cooler


def find_boundary_faces(geometry: Geometry, grid: Grid, part_map: PartMap) -> BoundaryFaces:
    """Return the boundary faces of the body that have a cooler.

    A thermal resistance and a total heat rate are distributed over the area of their cooler that no later
    cooler covers. Raises DescriptionError where none of that area is left.
    """
    cooling = geometry.package.cooling
    entries = [
        (face, n, cooler)
        for face in ("surroundings", *FACES)
        for n, cooler in enumerate(getattr(cooling, face))
    ]
    sides = [_side(entries, grid, part_map, axis, is_high) for axis in range(3) for is_high in (False, True)]
    cell, axis, is_high, area, entry = (np.concatenate(column) for column in zip(*sides, strict=True))
    areas = np.bincount(entry, weights=area, minlength=len(entries)).tolist()
    geometry.package.refuse(_unused_cooler_diagnostics(entries, areas))
    coefficients = [
        robin_coefficients(cooler.cooler, covered) if covered > 0.0 else RobinCoefficients(0.0, 0.0)
        for (_, _, cooler), covered in zip(entries, areas, strict=True)
    ]
    table = np.array([(robin.h, robin.temperature, robin.flux) for robin in coefficients]).reshape(-1, 3)
    h, temperature, flux = table.T[:, entry]
    _set_mapped_htc(h, entries, grid, part_map, cell, entry)
    faces = np.array([(*FACES, "surroundings").index(name) for name, _, _ in entries], dtype=np.uint8)
    acts = np.flatnonzero((h > 0.0) | (flux != 0.0))
    order = acts[np.argsort(cell[acts], kind="stable")]
    columns = (cell, axis, is_high, area, h, temperature, flux, faces[entry])
    return BoundaryFaces(*(column[order] for column in columns))


def _side(
    entries: Sequence[CoolerEntry], grid: Grid, part_map: PartMap, axis: int, is_high: bool
) -> tuple[np.ndarray, ...]:
    """Return cell, axis, side, area [m2] and entry of the boundary faces with one normal direction."""
    k, j, i = part_map.boundary_cells(axis, is_high)
    normal_index = (k, j, i)[axis]
    widths = [(grid.dy, j, grid.dx, i), (grid.dz, k, grid.dx, i), (grid.dz, k, grid.dy, j)][axis]
    area = widths[0][widths[1]] * widths[2][widths[3]]
    name = ("bottom", "south", "west")[axis] if not is_high else ("top", "north", "east")[axis]
    centers = [
        (grid.x_center, i, grid.y_center, j),
        (grid.x_center, i, grid.z_center, k),
        (grid.y_center, j, grid.z_center, k),
    ]
    outermost = normal_index == (
        normal_index.max(initial=0) if is_high else normal_index.min(initial=grid.cells)
    )
    chosen = np.full(k.size, -1)
    for n, (face, _, cooler) in enumerate(entries):
        if face in (name, "surroundings"):
            is_covered = _in_region(cooler, *centers[axis])
            chosen[is_covered & outermost if face == name else is_covered] = n
    kept = chosen >= 0
    count = int(kept.sum())
    sides = np.full(count, axis, np.uint8), np.full(count, is_high)
    _, ny, nx = grid.shape
    cell = (k[kept] * ny + j[kept]) * nx + i[kept]
    return cell, *sides, area[kept], chosen[kept]


def _set_mapped_htc(
    h: np.ndarray,
    entries: Sequence[CoolerEntry],
    grid: Grid,
    part_map: PartMap,
    cell: np.ndarray,
    entry: np.ndarray,
) -> None:
    """Replace the mean h [W/(m2 K)] of each cooler with a map by the h of each boundary face, in place."""
    for n, (_, _, cooler) in enumerate(entries):
        htc_map = getattr(cooler.cooler, "h", None)
        own = np.flatnonzero(entry == n) if isinstance(htc_map, HtcMap) else np.zeros(0, np.intp)
        if own.size == 0 or not isinstance(htc_map, HtcMap):
            continue
        k, j, i = np.unravel_index(cell[own], grid.shape)
        plane = part_map.plane(int(k[0]))
        rows, columns = (np.flatnonzero(np.any(plane > 0, axis=axis)) for axis in (1, 0))
        face = grid.x[columns[0]], grid.y[rows[0]], grid.x[columns[-1] + 1], grid.y[rows[-1] + 1]
        rectangle = face
        if cooler.region is not None:
            (x, y), (width, depth) = cooler.region.position, cooler.region.size
            rectangle = x, y, x + width, y + depth
        columns = columns[(grid.x_center > rectangle[0])[columns] & (grid.x_center < rectangle[2])[columns]]
        rows = rows[(grid.y_center > rectangle[1])[rows] & (grid.y_center < rectangle[3])[rows]]
        x_planes, y_planes = grid.x[columns[0] : columns[-1] + 2], grid.y[rows[0] : rows[-1] + 2]
        h[own] = deposit_htc(htc_map, x_planes, y_planes, rectangle, face)[j - rows[0], i - columns[0]]


def deposit_htc(
    htc_map: HtcMap, x: np.ndarray, y: np.ndarray, rectangle: Rectangle, face: Rectangle
) -> np.ndarray:
    """Return the heat-transfer coefficient [W/(m2 K)] of each cell between the planes x and y [m], (ny, nx).

    The map covers `rectangle`; pixels outside the `face` have no effect. The coefficient of a cell is the
    mean of the pixels that it overlaps, weighted by area, so that the sum of coefficient times area is kept.
    """
    rows, columns = htc_map.values.shape
    x_edges = np.clip(np.linspace(rectangle[0], rectangle[2], columns + 1), face[0], face[2])
    y_edges = np.clip(np.linspace(rectangle[1], rectangle[3], rows + 1), face[1], face[3])
    conductance = htc_map.values * np.diff(y_edges)[:, None] * np.diff(x_edges)  # W/K of each pixel
    of_cells = (overlap_fractions(x, x_edges) @ (overlap_fractions(y, y_edges) @ conductance).T).T
    h: np.ndarray = of_cells / (np.diff(y)[:, None] * np.diff(x))
    return h


def _unused_cooler_diagnostics(
    entries: Sequence[CoolerEntry], areas: Sequence[float]
) -> Iterator[Diagnostic]:
    """Yield an error for each cooler with a region or a fixed flux that has no boundary face."""
    for (face, n, cooler), area in zip(entries, areas, strict=True):
        if area == 0.0 and (cooler.region is not None or isinstance(cooler.cooler, FixedFlux)):
            text = "lies on no face of the body, or later coolers cover it"
            yield diagnostic_at(("cooling", face, n), text, "check its region", "E-COOLING")


def _in_region(entry: FaceCooling, a: np.ndarray, i: np.ndarray, b: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Return whether the centre of each boundary face lies in the region of a cooler."""
    if entry.region is None:
        return np.ones(i.size, dtype=bool)
    (x, y), (width, depth) = entry.region.position, entry.region.size
    inside: np.ndarray = ((a > x) & (a < x + width))[i] & ((b > y) & (b < y + depth))[j]
    return inside
