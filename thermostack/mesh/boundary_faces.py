"""Boundary faces of the cells, with the Robin coefficients of the cooler on each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.area_overlap import overlap_fractions
from thermostack.mesh.grid import Grid
from thermostack.mesh.part_map import PartMap
from thermostack.mesh.part_selection import select_parts
from thermostack.mesh.round_sides import RoundSides, find_round_sides
from thermostack.package.cooling import FACES, Cooling, FaceCooling, FixedFlux, HtcMap
from thermostack.package.geometry import Geometry
from thermostack.package.rectangles import Rectangle
from thermostack.package.robin_coefficients import RobinCoefficients, robin_coefficients
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

SURROUNDINGS = len(FACES)  # label of the boundary faces that are on none of the six faces
MAX_AMBIENT_WEIGHT = 1e9  # W/(m2 K): coefficient that stands for a fixed temperature in the mean ambient


@dataclass(frozen=True, eq=False)
class BoundaryFaces:
    """The boundary faces with a cooler, in the order of the cells."""

    cell: np.ndarray  # (n,) index of the cell in the raveled grid
    axis: np.ndarray  # (n,) normal direction: 0 z, 1 y, 2 x
    is_high: np.ndarray  # (n,) True where the normal points in the positive direction
    area: np.ndarray  # (n,) m2, of the side of a round part that the face stands for
    direction_cosine: np.ndarray  # (n,) area over that of the face of the cell: below 1 on round sides alone
    h: np.ndarray  # (n,) W/(m2 K), infinite where the surface temperature is fixed
    temperature: np.ndarray  # (n,) K
    flux: np.ndarray  # (n,) W/m2, positive into the body
    face: np.ndarray  # (n,) index into FACES, or SURROUNDINGS
    cooler: np.ndarray  # (n,) index of the cooler in the order of `Cooling`

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
    cooler covers. Raises DescriptionError where none of that area is left, where a part of a cooler does not
    exist, and where a fixed temperature or flux does not say on which of several planes it lies.
    """
    entries = cooler_entries(geometry.package.cooling)
    numbers = [_part_numbers(geometry, entry) for entry in entries]
    round_sides = find_round_sides(geometry, grid, part_map)
    sides = [
        _Side(grid, part_map, round_sides, axis, is_high) for axis in range(3) for is_high in (False, True)
    ]
    is_base = [part.name.startswith("cooling.") for part in geometry.parts]
    geometry.package.refuse(_plane_diagnostics(entries, numbers, sides, np.flatnonzero(is_base) + 1))
    found = [side.faces(entries, numbers) for side in sides]
    cell, axis, is_high, area, cosine, entry = (np.concatenate(column) for column in zip(*found, strict=True))
    areas = np.bincount(entry, weights=area, minlength=len(entries)).tolist()
    geometry.package.refuse(_unused_cooler_diagnostics(entries, areas))
    coefficients = [
        robin_coefficients(cooler.cooler, covered) if covered > 0.0 else RobinCoefficients(0.0, 0.0)
        for (_, _, cooler), covered in zip(entries, areas, strict=True)
    ]
    table = np.array([(robin.h, robin.temperature, robin.flux) for robin in coefficients]).reshape(-1, 3)
    h, temperature, flux = table.T[:, entry]
    covers = [_columns(sides, each, own) for each, own in zip(entries, numbers, strict=True)]
    _set_mapped_htc(h, entries, covers, grid, cell, entry)
    faces = np.array([(*FACES, "surroundings").index(name) for name, _, _ in entries], dtype=np.uint8)
    acts = np.flatnonzero((h > 0.0) | (flux != 0.0))
    order = acts[np.argsort(cell[acts], kind="stable")]
    of_cells = cell, axis, is_high, area, cosine
    columns = (*of_cells, h, temperature, flux, faces[entry], entry.astype(np.uint16))
    return BoundaryFaces(*(column[order] for column in columns))


def cooler_entries(cooling: Cooling) -> list[CoolerEntry]:
    """Return the coolers in the order in which later ones replace earlier ones."""
    return [
        (face, n, cooler)
        for face in ("surroundings", *FACES)
        for n, cooler in enumerate(getattr(cooling, face))
    ]


def _part_numbers(geometry: Geometry, entry: CoolerEntry) -> np.ndarray | None:
    """Return the numbers of the parts on which a cooler acts, None for all.

    Raises DescriptionError where no part and no stack has the name that the cooler gives.
    """
    face, n, cooler = entry
    if cooler.part is None:
        return None
    return select_parts(geometry, cooler.part, ("cooling", face, n, "part"))


@dataclass(frozen=True, eq=False)
class _Side:
    """The boundary faces of the body with one normal direction."""

    grid: Grid
    part_map: PartMap
    round_sides: RoundSides
    axis: int  # 0 z, 1 y, 2 x
    is_high: bool

    @cached_property
    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return k, j and i of the cells."""
        return self.part_map.boundary_cells(self.axis, self.is_high)

    @cached_property
    def raveled(self) -> np.ndarray:
        """Return the index of the cells in the raveled grid."""
        k, j, i = self.cells
        _, ny, nx = self.grid.shape
        return np.asarray((k * ny + j) * nx + i)

    @cached_property
    def part(self) -> np.ndarray:
        """Return 1 + the index of the part of each cell."""
        return np.asarray(self.part_map.part[self.part_map.tile_indices(self.raveled)])

    @property
    def name(self) -> str:
        """Return the name of the face of the body."""
        return (("bottom", "top"), ("south", "north"), ("west", "east"))[self.axis][self.is_high]

    def area(self) -> np.ndarray:
        """Return the area of the face of each cell [m2]."""
        (a, i), (b, j) = ((widths, index) for _, widths, index in self._tangential)
        return np.asarray(a[i] * b[j])

    def direction_cosine(self) -> np.ndarray:
        """Return the direction cosine of each face."""
        return self.round_sides.direction_cosine(self.axis, self.cells, is_high=self.is_high)

    @property
    def _tangential(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return centres [m], widths [m] and cell indices along the axes of the face, x or y first."""
        k, j, i = self.cells
        grid = self.grid
        axes = [(grid.z_center, grid.dz, k), (grid.y_center, grid.dy, j), (grid.x_center, grid.dx, i)]
        del axes[self.axis]
        return axes[::-1]

    def chosen(self, cooler: FaceCooling, numbers: np.ndarray | None) -> np.ndarray:
        """Return whether each face lies in the region and on the parts of a cooler."""
        found = np.ones(self.raveled.size, dtype=bool)
        if cooler.region is not None:
            corner, size = cooler.region.position, cooler.region.size
            for low, length, (centers, _, index) in zip(corner, size, self._tangential, strict=True):
                found &= ((centers > low) & (centers < low + length))[index]
        return found if numbers is None else found & np.isin(self.part, numbers)

    def planes(self, faces: np.ndarray) -> np.ndarray:
        """Return the indices of the planes on which some faces lie, the outermost first."""
        planes = np.unique(self.cells[self.axis][faces])
        return planes[::-1] if self.is_high else planes

    def covered(self, entry: CoolerEntry, numbers: np.ndarray | None) -> np.ndarray:
        """Return whether a cooler acts on each face, regardless of other coolers."""
        face, _, cooler = entry
        if face not in (self.name, "surroundings"):
            return np.zeros(self.raveled.size, dtype=bool)
        found = self.chosen(cooler, numbers)
        if face == self.name and cooler.planes != "all" and found.any():
            found &= self.cells[self.axis] == self.planes(found)[0]
        return found

    def faces(
        self, entries: Sequence[CoolerEntry], numbers: Sequence[np.ndarray | None]
    ) -> tuple[np.ndarray, ...]:
        """Return cell, axis, side, area [m2], direction cosine and entry of the faces with a cooler."""
        chosen = np.full(self.raveled.size, -1)
        for n, (entry, own) in enumerate(zip(entries, numbers, strict=True)):
            chosen[self.covered(entry, own)] = n
        kept = chosen >= 0
        count = int(kept.sum())
        sides = np.full(count, self.axis, np.uint8), np.full(count, self.is_high)
        cosine = self.direction_cosine()[kept]
        return self.raveled[kept], *sides, self.area()[kept] * cosine, cosine, chosen[kept]


def _columns(
    sides: Sequence[_Side], entry: CoolerEntry, numbers: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (j, i) of the faces on which a cooler with a map acts, regardless of other coolers."""
    if not isinstance(getattr(entry[2].cooler, "h", None), HtcMap):
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    side = next(side for side in sides if side.name == entry[0])
    covered = side.covered(entry, numbers)
    return side.cells[1][covered], side.cells[2][covered]


def _plane_diagnostics(
    entries: Sequence[CoolerEntry],
    numbers: Sequence[np.ndarray | None],
    sides: Sequence[_Side],
    bases: np.ndarray,
) -> Iterator[Diagnostic]:
    """Yield an error for each fixed temperature or flux that may lie on several planes.

    The planes of the base plates of coolers, whose parts are `bases`, do not count.
    """
    for entry, own in zip(entries, numbers, strict=True):
        face, n, cooler = entry
        if cooler.planes is not None or face == "surroundings":
            continue
        side = next(side for side in sides if side.name == face)
        planes = side.planes(side.chosen(cooler, own) & ~np.isin(side.part, bases))
        if planes.size > 1:
            edges = (side.grid.z, side.grid.y, side.grid.x)[side.axis][planes + side.is_high]
            heights = ", ".join(format_quantity(float(edge), "length") for edge in edges[:4])
            text = f"the {face} face has {planes.size} planes, at {'zyx'[side.axis]} = {heights}"
            text += " ..." if planes.size > 4 else ""
            hint = "write `on: highest` for the outermost plane or `on: all`; `part:` chooses a part"
            yield diagnostic_at(("cooling", face, n), text, hint, "E-COOLING")


def _set_mapped_htc(
    h: np.ndarray,
    entries: Sequence[CoolerEntry],
    covers: Sequence[tuple[np.ndarray, np.ndarray]],
    grid: Grid,
    cell: np.ndarray,
    entry: np.ndarray,
) -> None:
    """Replace the mean h [W/(m2 K)] of each cooler with a map by the h of each boundary face, in place.

    `covers` has the columns (j, i) of the faces of each cooler, regardless of the coolers that replace it.
    """
    for n, (_, _, cooler) in enumerate(entries):
        htc_map = getattr(cooler.cooler, "h", None)
        own = np.flatnonzero(entry == n) if isinstance(htc_map, HtcMap) else np.zeros(0, np.intp)
        if own.size == 0 or not isinstance(htc_map, HtcMap):
            continue
        rows, columns = (slice(index.min(), index.max() + 1) for index in covers[n])
        x_planes, y_planes = grid.x[columns.start : columns.stop + 1], grid.y[rows.start : rows.stop + 1]
        face = x_planes[0], y_planes[0], x_planes[-1], y_planes[-1]
        rectangle = face
        if cooler.region is not None:
            (x, y), (width, depth) = cooler.region.position, cooler.region.size
            rectangle = x, y, x + width, y + depth
        _, j, i = np.unravel_index(cell[own], grid.shape)
        h[own] = deposit_htc(htc_map, x_planes, y_planes, rectangle, face)[j - rows.start, i - columns.start]


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
            hint = "check its region, and the order of the list: a later entry covers earlier ones"
            yield diagnostic_at(("cooling", face, n), text, hint, "E-COOLING")
