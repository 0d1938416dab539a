"""The package cut into cells: which part each belongs to, what heats it, and what cools its faces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.ndimage as ndimage

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.boundary_faces import BoundaryFaces, find_boundary_faces
from thermostack.mesh.cell_size import (
    BLOCK_PLANES,
    MERGE,
    MOST_BLOCKS,
    Cell,
    CellSize,
    find_heated,
    fixed_planes,
)
from thermostack.mesh.grid import Grid
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.part_map import PartMap, Window, cell_range, cell_window, nearest_plane, rasterize
from thermostack.package.cooling import FACES, ColdPlate, Cooler, FixedTemperature, HeatSink
from thermostack.package.geometry import Geometry, HeatSource, InterfaceResistance, Part, build_geometry
from thermostack.package.package import Package
from thermostack.package.power import deposit_power, power_rectangles
from thermostack.schema.fields import suggest
from thermostack.schema.validated_dataclass import class_key, diagnostic_at
from thermostack.units import format_quantity

COARSE = "only one cell across"


@dataclass(frozen=True, eq=False)
class LayerHeatSource:
    """The heat of a source: one plane of cells, the same shares of it in layers k0 to k1 - 1."""

    part: int
    k0: int
    shares: np.ndarray  # (k1 - k0,), sum 1
    j0: int
    i0: int
    plane: np.ndarray  # (rows, columns) W, from cell (j0, i0)

    @property
    def window(self) -> Window:
        """Return the cells it heats."""
        rows, columns = self.plane.shape
        return (
            slice(self.k0, self.k0 + self.shares.size),
            slice(self.j0, self.j0 + rows),
            slice(self.i0, self.i0 + columns),
        )


@dataclass(frozen=True)
class PlaneContact:
    """Thermal resistance per area [m2 K/W] between cells k - 1 and k of a window of columns."""

    k: int
    j: slice
    i: slice
    resistance: float


@dataclass(frozen=True)
class BlockCells:
    """A heated block of a floorplan and the window of cells it fills."""

    name: str  # "<stack>.<layer>.<block>"
    part: int
    power: float  # W
    window: Window


@dataclass(frozen=True, eq=False)
class Model:
    """Cells and their parts; conductivities follow from the part and the temperature when they are needed."""

    geometry: Geometry
    grid: Grid
    part: np.ndarray  # (nz, ny, nx) uint16: 0 outside the body, else 1 + index into geometry.parts
    layer_sources: tuple[LayerHeatSource, ...]
    blocks: tuple[BlockCells, ...]
    contacts: tuple[PlaneContact, ...]
    boundary: BoundaryFaces
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        """Return the package, the cells, the parts, the power and the boundary faces, line by line."""
        nz, ny, nx = self.grid.shape
        faces, sources = self.boundary.cell.size, len(self.layer_sources)
        rows = {
            "cells": f"{self.grid.cells} ({nx} x {ny} x {nz}), {self.active} in the body",
            "parts": f"{len(self.parts)}, {len(self.blocks)} blocks with cells of their own",
            "power": f"{format_quantity(self.total_power, 'power')} in {sources} heat sources",
            "boundary": f"{faces} faces of cells with a boundary condition",
            "warnings": f"{len(self.warnings)}",
        }
        return "\n".join(
            [f"Model of {self.package.name!r}", *(f"  {key:8} {text}" for key, text in rows.items())]
        )

    @property
    def package(self) -> Package:
        """Return the package this is a model of."""
        return self.geometry.package

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the parts; part n has index n + 1 in the cells."""
        return self.geometry.parts

    @cached_property
    def active(self) -> int:
        """Return the number of cells in the body."""
        return int(np.count_nonzero(self.part))

    @property
    def is_linear(self) -> bool:
        """Return whether no conductivity depends on temperature."""
        return self.geometry.is_linear

    @property
    def memory(self) -> int:
        """Return the bytes of the cells and the surfaces."""
        columns: list[np.ndarray] = list(vars(self.boundary).values())
        return self.part.nbytes + sum(column.nbytes for column in columns)

    @cached_property
    def _first_surface(self) -> np.ndarray:
        nz, ny, nx = self.grid.shape
        return np.searchsorted(self.boundary.cell, np.arange(nz + 1) * ny * nx)

    def boundary_of_plane(self, k: int) -> slice:
        """Return which of the surfaces belong to cells at height k."""
        return slice(int(self._first_surface[k]), int(self._first_surface[k + 1]))

    def columns_of(self, surfaces: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return (j, i) of the cells of some surfaces."""
        _, ny, nx = self.grid.shape
        j, i = np.divmod(self.boundary.cell[surfaces] % (ny * nx), nx)
        return j, i

    def power_of_plane(self, k: int) -> np.ndarray:
        """Return the heat of the cells at height k [W], (ny, nx)."""
        power = np.zeros(self.grid.shape[1:])
        for source in self.layer_sources:
            if source.k0 <= k < source.k0 + source.shares.size:
                power[source.window[1:]] += source.shares[k - source.k0] * source.plane
        return power

    @property
    def power(self) -> np.ndarray:
        """Return the heat of every cell [W], (nz, ny, nx)."""
        power = np.zeros(self.grid.shape)
        for source in self.layer_sources:
            for k, share in enumerate(source.shares.tolist(), source.k0):
                power[k][source.window[1:]] += share * source.plane
        return power

    @cached_property
    def power_of_parts(self) -> np.ndarray:
        """Return the heat of every part [W], (parts,)."""
        heat = np.zeros(len(self.parts) + 1)
        for source in self.layer_sources:
            _, rows, columns = source.window
            part = self.part[source.k0, rows, columns]  # what is heated is of one part from k0 to k1
            for number in np.unique(part[source.plane != 0.0]).tolist():
                heat[number] += source.plane[part == number].sum()
        return heat[1:]

    @property
    def total_power(self) -> float:
        """Return the heat of all parts [W]."""
        return float(sum(source.plane.sum() for source in self.layer_sources))


def discretize(
    package: Package | Geometry,
    cell: Cell = None,
    *,
    fineness: float = 1.0,
    block_planes: int = BLOCK_PLANES,
    grid: Grid | None = None,
) -> Model:
    """Return the package cut into cells.

    `cell` is the largest size [m] of a cell: one number for all directions, (x, y) or (x, y, z), or a
    mapping from part to size, which the default rule completes; without it the default rule decides
    (docs/numerics.md, section 6), its sizes divided by `fineness`. The edges of the blocks of a floorplan
    are planes of the grid where they are no more than `block_planes` along an axis; else the blocks are
    spread by overlap alone. `grid` gives the planes themselves.

    Raises DescriptionError where the drawing is wrong, and ResourceError, before anything is
    allocated, where a solve on the grid would not fit in this machine's memory.
    """
    geometry = package if isinstance(package, Geometry) else build_geometry(package)
    heated = find_heated(geometry, block_planes)
    fixed, merged = zip(*(fixed_planes(geometry, heated, axis) for axis in range(3)), strict=True)
    if cell is not None:
        _check_cell(geometry, cell)
    if grid is None:
        planes = [CellSize(geometry, heated, axis, cell, fineness).planes(fixed[axis]) for axis in range(3)]
        grid = Grid(*planes)
    else:
        geometry.package.refuse(_grid_diagnostics(geometry, grid, fixed))
    check_memory(MemoryEstimate(grid, geometry.is_linear))
    mosaic = rasterize(geometry, grid)
    warnings = [*geometry.warnings, *(diagnostic for diagnostics in merged for diagnostic in diagnostics)]
    surfaces = find_boundary_faces(geometry, grid, mosaic)
    heating = tuple(_heat(geometry, grid, mosaic, source) for source in geometry.sources)
    blocks = tuple(block for source in geometry.sources for block in _blocks(geometry, grid, source))
    warnings += _coarse_heat(geometry, grid, heating, blocks)
    warnings += _drop_idle_islands(geometry, mosaic, surfaces, heating)
    model = Model(
        geometry,
        grid,
        mosaic.cells(),
        heating,
        blocks,
        tuple(_contact(grid, contact) for contact in geometry.contacts),
        surfaces,
        tuple(str(diagnostic) for diagnostic in warnings),
    )
    _check(model)
    return model


def _check_cell(geometry: Geometry, cell: float | Sequence[float] | Mapping[str, float]) -> None:
    """Raise DescriptionError where a size of cells is none, or names a part that is not there."""
    if isinstance(cell, Mapping):
        known = [part.name for part in geometry.parts]
        stacks = {name.rsplit(".", n)[0] for name in known for n in range(name.count(".") + 1)}
        for name in cell:
            if name not in stacks:
                diagnostic = Diagnostic("cell", f"no part is named {name!r}", suggest(name, stacks), "E-NAME")
                raise DescriptionError(diagnostic)
        sizes = list(cell.values())
    else:
        sizes = [cell] if isinstance(cell, (int, float)) else list(cell)
    for size in sizes:
        if not size > 0.0:
            text = f"{size} m is not a size of a cell"
            raise DescriptionError(Diagnostic("cell", text, 'like "0.25 mm"', "E-GRID"))


def _grid_diagnostics(geometry: Geometry, grid: Grid, fixed: Sequence[np.ndarray]) -> Iterator[Diagnostic]:
    """Yield where given planes leave out a piece of the body, or have no cell for a part."""
    for name, planes, drawn in zip("xyz", (grid.x, grid.y, grid.z), fixed, strict=True):
        if planes[0] - drawn[0] > MERGE[name] or drawn[-1] - planes[-1] > MERGE[name]:
            ends = [format_quantity(float(end), "length") for end in (drawn[0], drawn[-1])]
            text = f"the planes do not cover the body, which lies from {' to '.join(ends)} in {name}"
            yield diagnostic_at(("grid", name), text, "begin and end with its faces", "E-GRID")
    held = {box.part for box in geometry.boxes if all(cut.start < cut.stop for cut in cell_window(grid, box))}
    for n, part in enumerate(geometry.parts):
        if n not in held:
            yield diagnostic_at(("grid",), f"no cell for {part.name}", "set planes on its faces", "E-GRID")


def window_of_parts(model: Model) -> list[Window]:
    """Return, for every part, the smallest window of cells that holds its boxes."""
    grid, windows = model.grid, []
    for n in range(len(model.parts)):
        spans = [cell_window(grid, box) for box in model.geometry.boxes if box.part == n]
        windows.append(
            tuple(slice(min(s[a].start for s in spans), max(s[a].stop for s in spans)) for a in range(3))
            if spans
            else (slice(0, 0),) * 3
        )
    return windows  # type: ignore[return-value]


def _heat(geometry: Geometry, grid: Grid, mosaic: PartMap, source: HeatSource) -> LayerHeatSource:
    """Return a source spread over its cells, its sum kept."""
    x0, y0, x1, y1 = source.rectangle
    k, j, i = cell_range(grid.z, source.z0, source.z1), cell_range(grid.y, y0, y1), cell_range(grid.x, x0, x1)
    x, y = grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1]
    try:
        plane = deposit_power(source.power, x, y, source.rectangle)
    except ValueError as error:
        diagnostic = Diagnostic("grid", str(error), "set planes on the edges of what is heated", "E-GRID")
        raise DescriptionError(diagnostic) from None
    total = plane.sum()
    kept = plane.copy()
    for part in mosaic.planes_in(k):
        kept[~is_layer(geometry, part[j, i], source.part)] = 0.0
    lost = np.abs(plane - kept).sum()  # heat and cold may cancel
    if lost > 1e-9 * np.abs(plane).sum():
        is_even = not source.power.blocks and source.power.map is None
        if not is_even or not kept.any():
            shown = format_quantity(float(lost), "power")
            text = f"{shown} of the power lie where the layer is open, or another stack is"
            geometry.package.refuse(
                [diagnostic_at(source.path, text, "move the blocks onto the layer", "E-POWER")]
            )
        kept *= total / kept.sum()  # a bare total is spread over what there is of the layer
    plane = kept
    shares = grid.dz[k] / grid.dz[k].sum()
    return LayerHeatSource(source.part, k.start, shares, j.start, i.start, plane)


def is_layer(geometry: Geometry, part: np.ndarray, number: int) -> np.ndarray:
    """Return which cells belong to a layer, given as the number of its part, or to a region of it."""
    name = geometry.parts[number].name
    belongs = [other.name == name or other.name.startswith(f"{name}.") for other in geometry.parts]
    inside: np.ndarray = np.array([False, *belongs])[part]
    return inside


def _blocks(geometry: Geometry, grid: Grid, source: HeatSource) -> Iterator[BlockCells]:
    """Yield the heated blocks of a source whose edges are planes of the grid."""
    power = source.power
    if not power.blocks or len(power.blocks) > MOST_BLOCKS:
        return
    x0, y0, x1, y1 = source.rectangle
    drawn = power_rectangles(power, x1 - x0, y1 - y0)
    names = [block.name for block in power.blocks if block.drawn_power != 0.0]
    if not (_are_planes(grid.x, x0, drawn.x0, drawn.x1) and _are_planes(grid.y, y0, drawn.y0, drawn.y1)):
        return
    k = cell_range(grid.z, source.z0, source.z1)
    for n, name in enumerate(names):
        j = cell_range(grid.y, y0 + drawn.y0[n], y0 + drawn.y1[n])
        i = cell_range(grid.x, x0 + drawn.x0[n], x0 + drawn.x1[n])
        full = f"{geometry.parts[source.part].name}.{name}"
        yield BlockCells(full, source.part, float(drawn.power[n]), (k, j, i))


def _are_planes(planes: np.ndarray, origin: float, *edges: np.ndarray) -> bool:
    values = origin + np.concatenate(edges)
    nearby = np.array([planes[nearest_plane(planes, value)] for value in values.tolist()])
    return bool(np.all(np.abs(values - nearby) <= 2.0 * MERGE["x"]))


def _coarse_heat(
    geometry: Geometry, grid: Grid, heating: Sequence[LayerHeatSource], blocks: Sequence[BlockCells]
) -> list[Diagnostic]:
    """Return a warning that names what is heated and one cell across, where the body is more."""
    windows = [(geometry.parts[source.part].name, source.window) for source in heating]
    windows += [(block.name, block.window) for block in blocks]
    found = [
        name
        for name, window in windows
        if any(grid.shape[axis] > 1 and window[axis].stop - window[axis].start < 2 for axis in (1, 2))
    ]
    if not found:
        return []
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    text = f"{COARSE}: {', '.join(found[:3])}{more}; the error there is hardly known"
    return [Diagnostic("grid", text, "ask for smaller cells there", "W-GRID")]


def _contact(grid: Grid, contact: InterfaceResistance) -> PlaneContact:
    x0, y0, x1, y1 = contact.rectangle
    return PlaneContact(
        nearest_plane(grid.z, contact.z),
        cell_range(grid.y, y0, y1),
        cell_range(grid.x, x0, x1),
        contact.resistance,
    )


# -- what only the cells show ----------------------------------------------------------------


def _check(model: Model) -> None:
    model.package.refuse(_bare_contacts(model))


def _bare_contacts(model: Model) -> Iterator[Diagnostic]:
    for contact, drawn in zip(model.contacts, model.geometry.contacts, strict=True):
        k, columns = contact.k, (contact.j, contact.i)
        below = model.part[k - 1][columns] > 0 if k > 0 else np.zeros(1, dtype=bool)
        above = model.part[k][columns] > 0 if k < model.grid.shape[0] else np.zeros(1, dtype=bool)
        if not np.any(below & above):
            text, remedy = "nothing touches this face", "remove it, or draw what touches there"
            face = _cooler_at(model, k - 1 if drawn.is_top else k, columns, is_high=drawn.is_top)
            if face in ("top", "bottom"):
                text = "only a cooler without a base touches this face"
                remedy = _in_series(model.package.cooling.face(face)[-1].cooler, drawn.resistance)
            yield diagnostic_at(drawn.path, text, remedy, "E-GAP")


def _cooler_at(model: Model, k: int, columns: tuple[slice, slice], *, is_high: bool) -> str:
    """Return which face's cooler acts on cells at height k from above or below, "" where none does."""
    here = model.boundary_of_plane(k)
    surfaces = model.boundary
    facing = (surfaces.axis[here] == 0) & (surfaces.is_high[here] == is_high) & (surfaces.h[here] > 0.0)
    faces = np.full(model.grid.shape[1:], -1)
    j, i = model.columns_of(here)
    faces[j[facing], i[facing]] = surfaces.face[here][facing]
    return (*FACES, "surroundings", "")[int(faces[columns].max(initial=-1))]


def _in_series(cooler: Cooler, resistance: float) -> str:
    """Return how a cooler takes the resistance [m2 K/W] of the face it touches into its own."""
    h = getattr(cooler, "h", None)
    if isinstance(cooler, (HeatSink, ColdPlate)):
        remedy = f"give the {class_key(type(cooler)).replace('_', ' ')} a base, or "
    else:
        remedy = "make it a heat_sink or cold_plate with a base, or "
    if isinstance(cooler, FixedTemperature):
        film_of_it = format_quantity(1.0 / resistance, "heat_transfer_coefficient")
        return f"{remedy}a convection with h: {film_of_it}"
    if isinstance(h, float) and h > 0.0:
        both = format_quantity(1.0 / (1.0 / h + resistance), "heat_transfer_coefficient")
        return f"{remedy}add it to the film: h: {both}"
    own = format_quantity(resistance, "area_resistance")
    if h is None and isinstance(cooler, (HeatSink, ColdPlate)):
        return f"{remedy}add it to the cooler's resistance: {own} over the area of the face"
    return f"{remedy}add {own} to its 1 / h"


def _drop_idle_islands(
    geometry: Geometry, mosaic: PartMap, surfaces: BoundaryFaces, heating: Sequence[LayerHeatSource]
) -> list[Diagnostic]:
    """Take the pieces of the body that nothing joins to a cooler out of the tiles, and warn of each.

    Raises DescriptionError where one of them is heated, or there is no other piece.
    """
    part = mosaic.part
    labels, count = ndimage.label(part > 0)
    cooled = np.unique(labels[mosaic.tiles_of(surfaces.cell[surfaces.h > 0.0])])
    heated = [labels[mosaic.tiles_of(surfaces.cell[surfaces.flux != 0.0])]]
    for source in heating:
        j, i = np.nonzero(source.plane)
        k = mosaic.tiles_at(np.arange(source.k0, source.k0 + source.shares.size), 0)
        columns = mosaic.tiles_at(source.j0 + j, 1), mosaic.tiles_at(source.i0 + i, 2)
        heated += [labels[tile][columns] for tile in np.unique(k).tolist()]
    diagnostics: list[Diagnostic] = []
    if geometry.package.cooling.isolated:
        return diagnostics
    for label in np.setdiff1d(np.arange(1, count + 1), cooled).tolist():
        island = labels == label
        names = [geometry.parts[number - 1].name for number in np.unique(part[island]).tolist()]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        text = f"nothing carries heat away from {shown}: no path of solid leads to a cooled face"
        remedy = "close the gap around it, or cool one of its faces"
        is_idle = cooled.size > 0 and not any(np.any(found == label) for found in heated)
        if is_idle:
            text += "; it is left out, for nothing says how warm it is"
            part[island] = 0
        diagnostics.append(diagnostic_at(("stacks",), text, remedy, "W-GAP" if is_idle else "E-COOLING"))
    geometry.package.refuse(diagnostics)
    return [geometry.package.locate(diagnostic) for diagnostic in diagnostics]
