"""The mesh builder: from a package to cells with parts, heat sources, interfaces and boundary faces."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from thermostack.errors import ArgumentError, DescriptionError, Diagnostic, ResourceError
from thermostack.mesh.block_cells import BlockCells, find_block_cells
from thermostack.mesh.boundary_faces import BoundaryFaces, find_boundary_faces
from thermostack.mesh.cooler_coverage import CoolerCoverage, cooler_coverage, cooler_warnings
from thermostack.mesh.grid import Grid
from thermostack.mesh.grid_lines import (
    MAX_BLOCK_PLANES,
    Cell,
    CellSize,
    find_powered_regions,
    fixed_planes,
)
from thermostack.mesh.heat_sources import HeatSources, find_heat_sources
from thermostack.mesh.layer_heat_source import LayerHeatSource, layer_heat_sources
from thermostack.mesh.leakage_sources import (
    LeakageSources,
    find_leakage_sources,
    leakage_of_blocks,
    leakage_of_parts,
)
from thermostack.mesh.link_cells import LinkCells, find_link_cells
from thermostack.mesh.link_dimensions import link_dimension_warnings
from thermostack.mesh.link_faces import link_face_diagnostics
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.merged_planes import merge_warnings
from thermostack.mesh.mesh_diagnostics import (
    closed_cavity_warnings,
    grid_diagnostics,
    remove_unpowered_islands,
    single_cell_warnings,
)
from thermostack.mesh.nonlinear_faces import NonlinearFaces, find_nonlinear_faces, with_secants
from thermostack.mesh.part_cell_sizes import names_of_parts, split_axis
from thermostack.mesh.part_contacts import PartContacts, find_part_contacts, part_contact_diagnostics
from thermostack.mesh.part_map import PartMap, Window, cell_range, cell_window, nearest_plane, rasterize
from thermostack.package.cooling import FACES, ColdPlate, Cooler, FixedTemperature, HeatSink
from thermostack.package.geometry import Geometry, InterfaceResistance, Part, package_geometry
from thermostack.package.package import Package
from thermostack.schema.arguments import (
    argument_error,
    check_number,
    check_quantity,
    check_whole_number,
    require_instance,
)
from thermostack.schema.fields import to_si
from thermostack.schema.spelling import counted, suggest
from thermostack.schema.validated_dataclass import class_key, diagnostic_at
from thermostack.units import format_quantity

AXES = 3
MAX_SHORT_TIME_CELLS = 20_000_000  # of a grid for a shortest time
CellInput = float | str | Sequence[float | str] | Mapping[str, float | str] | None  # m, or text with a unit


@dataclass(frozen=True)
class PlaneContact:
    """An interface resistance between cells k - 1 and k in a window of columns."""

    k: int
    j: slice
    i: slice
    resistance: float  # m2 K/W


@dataclass(frozen=True, eq=False)
class Model:
    """The cells of a package with their parts, heat sources, interface resistances and boundary faces.

    `discretize` returns it. Material properties follow from the part and the temperature of a cell.

    Parameters
    ----------
    geometry : Geometry
        Geometry of the package.
    grid : Grid
        Planes of the cells.
    part : ndarray, shape (nz, ny, nx), uint16
        0 outside the body, else 1 + index of the part in `parts`.
    layer_sources : tuple of LayerHeatSource
        Described power of each powered layer on its cells.
    blocks : tuple of BlockCells
        Blocks of floorplans, with or without power.
    contacts : tuple of PlaneContact
        Interface resistances between cells.
    boundary : BoundaryFaces
        Boundary faces with a cooler.
    warnings : tuple of str
        Warnings about the description and the grid.
    nonlinear_faces : NonlinearFaces, optional
        Boundary faces whose heat flux is not linear in the temperature, with their laws.
    leakage : LeakageSources, optional
        Leakage power of the cells at their temperature; None without leakage.

    Examples
    --------
    >>> from thermostack import discretize, read_package
    >>> model = discretize(read_package("hbm3_8h"), cell="2 mm")
    >>> model.grid.shape, len(model.parts)
    ((23, 8, 8), 23)
    """

    geometry: Geometry
    grid: Grid
    part: np.ndarray
    layer_sources: tuple[LayerHeatSource, ...]
    blocks: tuple[BlockCells, ...]
    contacts: tuple[PlaneContact, ...]
    boundary: BoundaryFaces
    warnings: tuple[str, ...]
    nonlinear_faces: NonlinearFaces | None = None
    leakage: LeakageSources | None = None

    def __post_init__(self) -> None:
        """Make the arrays read-only: sources, sums and results are computed from them once and kept."""
        planes = [array for source in self.layer_sources for array in (source.shares, source.plane)]
        laws = () if self.nonlinear_faces is None else (self.nonlinear_faces.face, self.nonlinear_faces.law)
        planes += [*laws] if self.leakage is None else [*laws, *self.leakage.arrays]
        for array in (self.part, *vars(self.boundary).values(), *planes):
            array.flags.writeable = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the attributes of an unpickled or copied model, with read-only arrays."""
        vars(self).update(state)
        self.__post_init__()

    def __repr__(self) -> str:
        """Return the package, the cells, the parts, the power and the boundary faces, line by line."""
        nz, ny, nx = self.grid.shape
        faces, sources = self.boundary.cell.size, len(self.layer_sources)
        rows = {
            "cells": f"{self.grid.cells} ({nx} x {ny} x {nz}), {self.active} in the body",
            "parts": f"{len(self.parts)}, {counted(len(self.blocks), 'block')} of floorplans",
            "power": f"{format_quantity(self.total_power, 'power')} in {counted(sources, 'heat source')}",
            **({} if self.leakage is None else {"leakage": _at_reference(self.leakage)}),
            "boundary": f"{faces} faces of cells with a boundary condition",
            "warnings": f"{len(self.warnings)}",
        }
        return "\n".join(
            [f"Model of {self.package.name!r}", *(f"  {key:8} {text}" for key, text in rows.items())]
        )

    @cached_property
    def part_contacts(self) -> PartContacts:
        """Return the faces between cells with the resistance of a contact of the package."""
        return find_part_contacts(self.geometry, self.grid, self.part)

    @cached_property
    def link_cells(self) -> tuple[LinkCells, ...]:
        """Return the links of the package with the cells at their ends."""
        return find_link_cells(self.geometry, self.grid, self.part)

    @property
    def package(self) -> Package:
        """Return the package."""
        return self.geometry.package

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the parts; part n has number n + 1 in the cells."""
        return self.geometry.parts

    @cached_property
    def active(self) -> int:
        """Return the number of cells in the body."""
        return int(np.count_nonzero(self.part))

    @property
    def outside(self) -> float:
        """Return the fraction of the cells of the grid that lie outside the body."""
        return 1.0 - self.active / self.grid.cells

    @property
    def is_linear(self) -> bool:
        """Return whether conductivities, boundary conditions and powers do not depend on temperature."""
        return self.has_constant_conductivity and self.nonlinear_faces is None and self.leakage is None

    @property
    def has_constant_conductivity(self) -> bool:
        """Return whether no conductivity depends on temperature."""
        return self.geometry.is_linear

    def require_linear_terms(self, analysis: str) -> None:
        """Raise ArgumentError for an analysis of linear boundary conditions and constant powers alone."""
        terms = []
        if self.nonlinear_faces is not None:
            terms.append("a cooler that is no linear function of temperature")
        if self.leakage is not None:
            terms.append("leakage")
        if terms:
            found = " and ".join(terms)
            text = f"{analysis} needs linear cooling and constant power; the package has {found}"
            raise argument_error("model", text, "solve it with solve_steady or solve_transient", "E-COOLING")

    def linearised(self, boundary: BoundaryFaces, layer_sources: tuple[LayerHeatSource, ...]) -> Model:
        """Return the model with other boundary coefficients and sources, on the same cells and faces.

        The powers of its parts stay those of this model, which are without leakage.
        """
        other = copy.copy(self)
        powers = {"power_of_parts": self.power_of_parts}
        vars(other).update(boundary=boundary, layer_sources=layer_sources, **powers)
        for name in ("heat_sources", "coolers"):
            vars(other).pop(name, None)
        return other

    @property
    def memory(self) -> int:
        """Return the memory of the part numbers and the boundary faces [bytes]."""
        columns: list[np.ndarray] = list(vars(self.boundary).values())
        return self.part.nbytes + sum(column.nbytes for column in columns)

    @cached_property
    def _first_of_plane(self) -> np.ndarray:
        """Return the index of the first boundary face of each height, (nz + 1,)."""
        nz, ny, nx = self.grid.shape
        return np.searchsorted(self.boundary.cell, np.arange(nz + 1) * ny * nx)

    def boundary_of_plane(self, k: int) -> slice:
        """Return the boundary faces of the cells at height k."""
        return slice(int(self._first_of_plane[k]), int(self._first_of_plane[k + 1]))

    def columns_of(self, faces: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return (j, i) of the cells of some boundary faces."""
        _, ny, nx = self.grid.shape
        j, i = np.divmod(self.boundary.cell[faces] % (ny * nx), nx)
        return j, i

    @cached_property
    def coolers(self) -> list[CoolerCoverage]:
        """Return the area and the parts on which each cooler acts."""
        return cooler_coverage(self.geometry, self.boundary, self.part.ravel()[self.boundary.cell])

    @cached_property
    def heat_sources(self) -> HeatSources:
        """Return the sources whose power can be set by name: blocks, maps and evenly powered layers."""
        return find_heat_sources(self.geometry, self.grid, self.part, self.layer_sources, self.blocks)

    def power_of_plane(self, k: int) -> np.ndarray:
        """Return the power of the cells at height k [W], (ny, nx)."""
        power = np.zeros(self.grid.shape[1:])
        for source in self.layer_sources:
            source.add_plane_to(power, k)
        return power

    @property
    def power(self) -> np.ndarray:
        """Return the power of every cell [W], without leakage, (nz, ny, nx)."""
        power = np.zeros(self.grid.shape)
        for k, plane in enumerate(power):
            for source in self.layer_sources:
                source.add_plane_to(plane, k)
        return power

    @cached_property
    def power_of_parts(self) -> np.ndarray:
        """Return the power of every part [W], without leakage, (parts,)."""
        power = np.zeros(len(self.parts) + 1)
        for source in self.layer_sources:
            source.add_to_parts(power, self.part)
        return power[1:]

    def leakage_of_zones(self, temperature: np.ndarray | None = None) -> np.ndarray | None:
        """Return the leakage power of every part and block [W], (parts + blocks,); None without leakage.

        `temperature` [K], (nz, ny, nx), is that of the cells; without it every law is at its reference
        temperature. The leakage of a part includes that of its blocks.
        """
        if temperature is None:
            return self._reference_leakage
        return self._leakage_of_zones(temperature)

    @cached_property
    def _reference_leakage(self) -> np.ndarray | None:
        """Return the leakage power of every part and block at the reference temperature [W]."""
        return self._leakage_of_zones(None)

    def _leakage_of_zones(self, temperature: np.ndarray | None) -> np.ndarray | None:
        if self.leakage is None:
            return None
        of_parts = leakage_of_parts(self.leakage, self.part, len(self.parts), temperature)
        of_blocks = leakage_of_blocks(self.leakage, temperature)
        return np.concatenate([of_parts, [of_blocks.get(block.name, 0.0) for block in self.blocks]])

    @cached_property
    def volume_of_parts(self) -> np.ndarray:
        """Return the volume of every part [m3], (parts,)."""
        area = (self.grid.dy[:, None] * self.grid.dx).reshape(-1)
        count = len(self.parts) + 1
        volume = np.zeros(count)
        areas: np.ndarray = np.zeros(count)  # m2, of the parts in a plane
        for k, dz in enumerate(self.grid.dz):
            if k == 0 or not np.array_equal(self.part[k], self.part[k - 1]):
                areas = np.bincount(self.part[k].reshape(-1), weights=area, minlength=count)
            volume += dz * areas
        volume.flags.writeable = False
        return volume[1:]

    @property
    def is_powered(self) -> bool:
        """Return whether any cell has power or leakage."""
        return self.leakage is not None or any(source.plane.any() for source in self.layer_sources)

    @property
    def total_power(self) -> float:
        """Return the power of all parts [W], without leakage."""
        return float(sum(source.plane.sum() for source in self.layer_sources))


def _at_reference(leakage: LeakageSources) -> str:
    return f"{format_quantity(leakage.reference, 'power')} at the reference temperature"


def has_equal_cells(one: Model, other: Model) -> bool:
    """Return whether two models have the same planes, and the same part names in every cell."""
    return one is other or (
        all(np.array_equal(getattr(one.grid, axis), getattr(other.grid, axis)) for axis in "xyz")
        and [part.name for part in one.parts] == [part.name for part in other.parts]
        and np.array_equal(one.part, other.part)
    )


def is_equal_model(one: Model, other: Model) -> bool:
    """Return whether two models have equal packages, cells and blocks."""
    return one is other or (
        has_equal_cells(one, other) and one.blocks == other.blocks and one.package == other.package
    )


def discretize(
    package: Package | Geometry,
    cell: CellInput = None,
    *,
    fineness: float = 1.0,
    block_planes: int = MAX_BLOCK_PLANES,
    from_time: float | str | None = None,
    grid: Grid | None = None,
) -> Model:
    """Return the cells of a package.

    Parameters
    ----------
    package : Package or Geometry
        Description of the package.
    cell : float, str, sequence or mapping, optional
        Maximum cell size [m], as a number or as text with a unit, "0.25 mm". One size holds for all
        directions, and the default rule limits the sizes along z further. A sequence gives (x, y) or
        (x, y, z). A mapping gives sizes by part, for one direction with ".x", ".y" or ".z" after the name of
        the part, and adds them to the default rule: {"die.bulk.z": "20 um"}. Without `cell` the default rule
        decides (docs/numerics.md, section 6).
    fineness : float
        Factor, greater than zero, that divides the sizes of the default rule.
    block_planes : int
        Maximum number of block edges of a floorplan along an axis that become planes of the grid. The power
        of a floorplan with more edges is distributed by overlap alone.
    from_time : float or str, optional
        Shortest time [s, or text with a unit] after a change of power whose temperatures the cells resolve:
        the estimated error of the rise of a heated part is below 5 % from that time on.
    grid : Grid, optional
        Planes to use instead of those of `cell`.

    Returns
    -------
    Model
        The cells with their parts, heat sources and boundary faces.

    Raises
    ------
    DescriptionError
        Where the description, a cell size or a given grid is wrong.
    ResourceError
        Before anything is allocated, where a solve on the grid does not fit in the memory of this machine.

    Examples
    --------
    >>> from thermostack import read_package
    >>> package = read_package("hbm3_8h")
    >>> discretize(package, cell="2 mm").grid.shape == discretize(package, cell=2e-3).grid.shape
    True
    """
    geometry = _as_geometry(package)
    fineness = check_number(fineness, "fineness", above=0.0)
    powered = find_powered_regions(geometry, check_whole_number(block_planes, "block_planes", min=0))
    fixed, merged = zip(*(fixed_planes(geometry, powered, axis) for axis in range(3)), strict=True)
    sizes = _cell_in_metres(geometry, cell)
    if grid is None:
        time = None if from_time is None else check_quantity(from_time, "time", "from_time", above=0.0)
        rules = [CellSize(geometry, powered, axis, sizes, fineness, time) for axis in range(3)]
        grid = Grid(*(rule.planes(planes) for rule, planes in zip(rules, fixed, strict=True)))
        if time is not None:
            _require_few_cells(grid, time)
    else:
        require_instance(grid, (Grid,), "grid", "a Grid", "write Grid(x, y, z) with the planes in m")
        if wrong := list(grid_diagnostics(geometry, grid, fixed)):
            raise ArgumentError(wrong)
    check_memory(MemoryEstimate(grid, geometry.is_linear))
    part_map = rasterize(geometry, grid)
    warnings = [*geometry.warnings, *merge_warnings([plane for planes in merged for plane in planes])]
    boundary = find_boundary_faces(geometry, grid, part_map)
    nonlinear = find_nonlinear_faces(geometry, grid, boundary)
    boundary = with_secants(boundary, nonlinear)
    sources = layer_heat_sources(geometry, grid, part_map)
    leakage = find_leakage_sources(geometry, grid, part_map)
    blocks, of_blocks = find_block_cells(geometry, grid, part_map)
    warnings += of_blocks
    warnings += single_cell_warnings(geometry, grid, sources, blocks)
    warnings += closed_cavity_warnings(geometry, grid, part_map)
    part = part_map.cells()
    warnings += cooler_warnings(geometry, boundary, part.reshape(-1)[boundary.cell])
    if of_pieces := _link_warnings(
        geometry,
        grid,
        part_map,
        part,
        boundary,
        (*sources, *(() if leakage is None else leakage.reference_sources)),
    ):
        warnings += of_pieces
        part = part_map.cells()  # without the pieces that were removed
    model = Model(
        geometry,
        grid,
        part,
        sources,
        blocks,
        tuple(plane_contact(grid, contact) for contact in geometry.contacts),
        boundary,
        tuple(str(diagnostic) for diagnostic in warnings),
        nonlinear,
        leakage,
    )
    model.package.refuse(
        [*_contact_diagnostics(model), *part_contact_diagnostics(geometry, model.part_contacts)]
    )
    return model


def _link_warnings(
    geometry: Geometry,
    grid: Grid,
    part_map: PartMap,
    part: np.ndarray,
    boundary: BoundaryFaces,
    sources: Sequence[LayerHeatSource],
) -> list[Diagnostic]:
    """Return the warnings about links and about the pieces of the body that are not joined to a cooler.

    Those pieces are removed. Raises DescriptionError where they have power, or where a link is wrong.
    """
    if not geometry.links:
        return remove_unpowered_islands(geometry, part_map, boundary, sources, ())
    links = find_link_cells(geometry, grid, part)
    found = list(link_face_diagnostics(geometry, grid, boundary, part, links))
    geometry.package.refuse(found)
    found += link_dimension_warnings(grid, links)
    removed = remove_unpowered_islands(geometry, part_map, boundary, sources, links)
    return [*(geometry.package.locate(diagnostic) for diagnostic in found), *removed]


def as_model(model: Model | Package | Geometry, argument: str = "model") -> Model:
    """Return a model as it is, and the cells of a package or a geometry on the default grid.

    Raises ArgumentError where it is none of them.
    """
    if isinstance(model, (Package, Geometry)):
        return discretize(model)
    hint = "discretize(package) returns a model"
    require_instance(model, (Model,), argument, "a Model or a Package", hint, reader="read_package")
    return model


def _require_few_cells(grid: Grid, time: float) -> None:
    """Raise ResourceError where the cells for a shortest time [s] are more than MAX_SHORT_TIME_CELLS."""
    if grid.cells > MAX_SHORT_TIME_CELLS:
        nz, ny, nx = grid.shape
        shown = format_quantity(time, "time")
        text = f"{grid.cells:.3g} cells ({nx} x {ny} x {nz}) would be needed from {shown} on, more than"
        hint = "use a later time, fewer powered blocks, or smaller cells at one source only (cell by part)"
        raise ResourceError(f"from_time: {text} {MAX_SHORT_TIME_CELLS:.0e} ({hint})")


def _as_geometry(package: Package | Geometry) -> Geometry:
    """Return the boxes of a package. Raises ArgumentError where it is neither a package nor a geometry."""
    if isinstance(package, Geometry):
        if package.region is not None:
            text = "the geometry is that of a local model, whose boundary follows from a result"
            raise argument_error("package", text, "call `zoom` of the result, or pass the package")
        return package
    hint = "read_package returns a package"
    require_instance(package, (Package,), "package", "a Package", hint, reader="read_package")
    return package_geometry(package)


def _cell_in_metres(geometry: Geometry, cell: CellInput) -> Cell:
    """Return the cell sizes as numbers [m].

    Raises DescriptionError where one is no positive length, where a name is of no part, or where there are
    more sizes than axes.
    """
    if cell is None:
        return None
    if isinstance(cell, Mapping):
        _check_part_names(geometry, cell)
        return {name: _size_in_metres(size, f"cell.{name}") for name, size in cell.items()}
    if isinstance(cell, str) or not isinstance(cell, (Sequence, np.ndarray)):
        return _size_in_metres(cell, "cell")
    if not 1 <= len(cell) <= AXES:
        hint = 'write one size, (x, y) or (x, y, z): ("0.25 mm", "0.25 mm", "0.1 mm")'
        raise argument_error("cell", f"{len(cell)} sizes for {AXES} axes", hint, "E-GRID")
    return [_size_in_metres(size, f"cell[{n}]") for n, size in enumerate(cell)]


def _size_in_metres(size: float | str, argument: str) -> float:
    """Return a cell size [m]. Raises ArgumentError where it is no positive length."""
    size = to_si(size, "length", argument)
    if not size > 0.0:
        text = f"a cell size must be positive, got {size} m"
        raise argument_error(argument, text, 'write a length like "0.25 mm"', "E-GRID")
    return size


def _check_part_names(geometry: Geometry, names: Iterable[str]) -> None:
    """Raise DescriptionError where a name is of no part and no stack."""
    known = names_of_parts(geometry)
    for name in names:
        part, _ = split_axis(name, known)
        if part and part not in known:
            diagnostic = Diagnostic("cell", f"no part is named {name!r}", suggest(name, known), "E-NAME")
            raise DescriptionError(diagnostic)


def window_of_parts(model: Model) -> list[Window]:
    """Return the minimum window of cells around the boxes of every part."""
    grid, windows = model.grid, []
    for n in range(len(model.parts)):
        spans = [cell_window(grid, box) for box in model.geometry.boxes if box.part == n]
        windows.append(
            tuple(slice(min(s[a].start for s in spans), max(s[a].stop for s in spans)) for a in range(3))
            if spans
            else (slice(0, 0),) * 3
        )
    return windows  # type: ignore[return-value]


def plane_contact(grid: Grid, contact: InterfaceResistance) -> PlaneContact:
    """Return an interface resistance on the grid."""
    x0, y0, x1, y1 = contact.rectangle
    return PlaneContact(
        nearest_plane(grid.z, contact.z),
        cell_range(grid.y, y0, y1),
        cell_range(grid.x, x0, x1),
        contact.resistance,
    )


def _contact_diagnostics(model: Model) -> Iterator[Diagnostic]:
    """Yield an error for each interface resistance without solid on both sides."""
    for contact, described in zip(model.contacts, model.geometry.contacts, strict=True):
        k, columns = contact.k, (contact.j, contact.i)
        below = model.part[k - 1][columns] > 0 if k > 0 else np.zeros(1, dtype=bool)
        above = model.part[k][columns] > 0 if k < model.grid.shape[0] else np.zeros(1, dtype=bool)
        if not np.any(below & above):
            text, hint = "nothing touches this face", "remove the interface, or add a layer or stack there"
            face = _cooled_face(model, k - 1 if described.is_top else k, columns, is_high=described.is_top)
            if face in ("top", "bottom"):
                text = "only a cooler without a base touches this face"
                hint = _series_resistance_hint(
                    model.package.cooling.face(face)[-1].cooler, described.resistance
                )
            yield diagnostic_at(described.path, text, hint, "E-GAP")


def _cooled_face(model: Model, k: int, columns: tuple[slice, slice], *, is_high: bool) -> str:
    """Return the face whose cooler acts on cells at height k from above or below, "" without one."""
    plane = model.boundary_of_plane(k)
    boundary = model.boundary
    is_vertical = (boundary.axis[plane] == 0) & (boundary.is_high[plane] == is_high)
    is_cooled = is_vertical & (boundary.h[plane] > 0.0)
    faces = np.full(model.grid.shape[1:], -1)
    j, i = model.columns_of(plane)
    faces[j[is_cooled], i[is_cooled]] = boundary.face[plane][is_cooled]
    return (*FACES, "surroundings", "")[int(faces[columns].max(initial=-1))]


def _series_resistance_hint(cooler: Cooler, resistance: float) -> str:
    """Return how to add the resistance [m2 K/W] of an interface to that of the cooler on it."""
    h = getattr(cooler, "h", None)
    if isinstance(cooler, (HeatSink, ColdPlate)):
        hint = f"give the {class_key(type(cooler)).replace('_', ' ')} a base, or "
    else:
        hint = "make it a heat_sink or cold_plate with a base, or "
    if isinstance(cooler, FixedTemperature):
        equivalent = format_quantity(1.0 / resistance, "heat_transfer_coefficient")
        return f"{hint}a convection with h: {equivalent}"
    if isinstance(h, float) and h > 0.0:
        both = format_quantity(1.0 / (1.0 / h + resistance), "heat_transfer_coefficient")
        return f"{hint}add it to the coefficient: h: {both}"
    own = format_quantity(resistance, "area_resistance")
    if h is None and isinstance(cooler, (HeatSink, ColdPlate)):
        return f"{hint}add it to the cooler's resistance: {own} over the area of the face"
    return f"{hint}add {own} to its 1 / h"
