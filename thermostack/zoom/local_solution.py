"""Zoom: the solution of a local model that is cut out of the result of a package or a local model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.steady_problem import timed
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.local_model import (
    CellSizes,
    LocalFaces,
    cooled_faces,
    cut_boundary,
    find_local_faces,
    find_positions,
    join_boundaries,
    local_blocks,
    local_grid,
    local_heat_source,
    require_memory,
)
from thermostack.mesh.mesh_diagnostics import remove_unpowered_islands
from thermostack.mesh.model import Model, plane_contact
from thermostack.mesh.part_map import rasterize
from thermostack.package.geometry import Geometry, package_geometry
from thermostack.package.local_geometry import array_lattice, local_geometry
from thermostack.package.local_region import LocalRegion, Point3, ResolvedArray
from thermostack.package.package import Package
from thermostack.package.power import Power, PowerMap
from thermostack.package.resolved_arrays import ArrayLattice
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import argument_error, as_names, check_quantity, require_mapping
from thermostack.schema.fields import quote_value
from thermostack.schema.spelling import suggest
from thermostack.steady import solve_steady
from thermostack.zoom.agreement import measure_agreement, zoom_warnings
from thermostack.zoom.boundary_error import SolverChoice, with_boundary_error
from thermostack.zoom.local_boundary import CutFaces, find_cut_faces
from thermostack.zoom.zoom_box import read_box

BOUNDARIES = ("temperature", "flux")
CELLS_ACROSS_BOX = 32  # along x and y without `cell`
CELLS_IN_HEIGHT = 16  # along z without `cell`
CELLS_ACROSS_INCLUSION = 4  # of a resolved array without `cell`
LEVEL_SHARE = 1e-4  # of the heat, at most, through the coefficients that fix the level of a flux boundary
DETACHED_SHARE = 1e-7  # of the heat: the same where coolers fix the level, for pieces without a cooler


def zoom(
    result: SteadyResult,
    box: Any,
    *,
    margin: Any = None,
    cell: Any = None,
    resolve: Any = (),
    boundary: str = "temperature",
    power: Mapping[str, Any] | None = None,
    estimate: bool = True,
    method: str = "multigrid",
    threads: int | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> SteadyResult:
    """Return the result of a local model; `SteadyResult.zoom` describes the arguments."""
    if boundary not in BOUNDARIES:
        text = f"{quote_value(boundary)} is not a boundary of a local model"
        raise argument_error("boundary", text, "write temperature or flux")
    result.model.require_linear_terms("a local model")
    problem = LocalProblem.build(result.model, read_box(result.model, box, margin), resolve, power)
    progress("mesh")
    cells = problem.discretize(result.fluxes, cell, boundary)
    model, cut = cells.model, cells.cut
    solved = solve_steady(model, estimate=estimate, method=method, threads=threads, progress=progress)
    region = problem.region
    agreement = measure_agreement(result, solved, region, cut, boundary)
    warnings = zoom_warnings(agreement, cut, region, problem.lattices)
    solved = replace(solved, agreement=agreement, warnings=(*solved.warnings, *warnings))
    if not estimate:
        return solved
    with timed(solved.seconds, "boundary error", progress):
        same_body = not problem.lattices and not power
        return with_boundary_error(result, solved, cut, SolverChoice(method, threads), is_same_body=same_body)


@dataclass(frozen=True, eq=False)
class LocalCells:
    """The cells of a local model, and the origin of its boundary faces."""

    model: Model
    faces: LocalFaces
    cut: CutFaces
    cooled: np.ndarray  # (m,) index of the boundary faces on the surface of the parent
    cooled_of_parent: np.ndarray  # (m,) index of the boundary face of the parent behind each


@dataclass(frozen=True, eq=False)
class LocalProblem:
    """A local model before its cells: the parent, the geometry and the arrays that are resolved."""

    parent: Model
    geometry: Geometry
    region: LocalRegion
    lattices: dict[str, ArrayLattice]

    @classmethod
    def build(
        cls,
        parent: Model,
        corners: tuple[Point3, Point3],
        resolve: Any,
        power: Mapping[str, Any] | None = None,
    ) -> LocalProblem:
        """Return the local problem of a box [m] of a model."""
        package = _with_powers(parent.package, {} if power is None else power)
        before = parent.geometry.region
        arrays = {array.name: array for array in (before.resolved if before is not None else ())}
        arrays |= {array.name: array for array in _read_arrays(resolve)}
        region = LocalRegion(corners[0], corners[1], tuple(arrays.values()))
        whole = package_geometry(package)
        _require_no_links(parent, region)
        lattices = {array.name: array_lattice(whole, array) for array in region.resolved}
        return cls(parent, local_geometry(whole, region), region, lattices)

    def discretize(self, fluxes: FaceFluxes, cell: Any, boundary: str = "temperature") -> LocalCells:
        """Return the cells of the local model for a maximum cell size [m], with the boundary of a field."""
        parent, geometry = self.parent, self.geometry
        grid = local_grid(parent, geometry, _cell_sizes(cell, self))
        require_memory(grid, geometry)
        part_map = rasterize(geometry, grid)
        sources = tuple(
            local_heat_source(parent, geometry, grid, part_map, source) for source in geometry.sources
        )
        faces = find_local_faces(parent, self.region, grid, part_map)
        cut = find_cut_faces(fluxes, self.region, grid, faces)
        cooled, of_parent = cooled_faces(parent, faces)
        total = sum(float(source.plane.sum()) for source in sources)
        values = _cut_values(cut, cooled, total, boundary)
        joined = join_boundaries(cooled, cut_boundary(parent, cut.faces, *values))
        warnings = remove_unpowered_islands(geometry, part_map, joined, sources, ())
        model = Model(
            geometry,
            grid,
            part_map.cells(),
            sources,
            tuple(local_blocks(geometry, grid, part_map, {block.name for block in parent.blocks})),
            tuple(plane_contact(grid, contact) for contact in geometry.contacts),
            joined,
            tuple(str(warning) for warning in warnings),
        )
        return LocalCells(model, faces, cut, find_positions(joined, cooled), of_parent)


def _cut_values(
    cut: CutFaces, cooled: BoundaryFaces, power: float, boundary: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return h [W/(m2 K)], temperature [K] and flux [W/m2] of the cut faces.

    With the boundary "flux", a small coefficient fixes the temperature level. At a temperature difference
    equal to the range on the faces, it carries `LEVEL_SHARE` of the heat, or `DETACHED_SHARE`.
    """
    count = cut.temperature.size
    if boundary == "temperature" or count == 0:
        return np.full(count, np.inf), cut.temperature, np.zeros(count)
    inflow, area = cut.inflow, cut.faces.area
    is_cooled = bool((cooled.h > 0.0).any())
    if not is_cooled:  # then the heat flows must balance the power: the grids differ by rounding
        excess = power + float(inflow.sum()) + float((cooled.flux * cooled.area).sum())
        inflow = inflow - excess * area / area.sum()
    heat = max(abs(power), 0.5 * float(np.abs(inflow).sum()))
    span = max(float(np.ptp(cut.temperature)), 1e-3)
    h = (DETACHED_SHARE if is_cooled else LEVEL_SHARE) * heat / (float(area.sum()) * span)
    return np.full(count, h), cut.temperature, inflow / area


def _require_no_links(model: Model, region: LocalRegion) -> None:
    """Raise ArgumentError where a link of the package ends in the region."""
    for link in model.link_cells if model.geometry.links else ():
        for end in link.ends:
            k, j, i = np.unravel_index(end.index(model.grid.shape), model.grid.shape)
            centers = (model.grid.x_center[i], model.grid.y_center[j], model.grid.z_center[k])
            pairs = zip(region.low, centers, region.high, strict=True)
            if np.all([(low < at) & (at < high) for low, at, high in pairs], axis=0).any():
                text = f"the link {link.link.link.name} ends in the box, and a local model has no links"
                raise argument_error("box", text, "choose a box without the ends of links")


# -- arguments -------------------------------------------------------------------------------------


def _read_arrays(resolve: Any) -> Iterable[ResolvedArray]:
    """Yield the arrays of names, or of a mapping from names to the corner (x, y) of a unit cell."""
    if not isinstance(resolve, Mapping):
        yield from (ResolvedArray(name) for name in dict.fromkeys(as_names(resolve, "resolve")))
        return
    for name, origin in resolve.items():
        if origin is None:
            yield ResolvedArray(name)
            continue
        if isinstance(origin, str) or not isinstance(origin, Iterable) or len(pair := list(origin)) != 2:
            text = f"{quote_value(origin)} is not the position (x, y) of a corner of a unit cell"
            raise argument_error("resolve", text, 'write {"interposer.core": ("1 mm", "1 mm")}', "E-TYPE")
        x, y = (check_quantity(value, "length", f"resolve.{name}") for value in pair)
        yield ResolvedArray(name, (x, y))


def _with_powers(package: Package, powers: Mapping[str, Any]) -> Package:
    """Return a package with other powers of some layers: a Power, a map, an array [W] or a total."""
    require_mapping(powers, "power", 'write {"gpu.active": power_map}')
    if not powers:
        return package
    remaining = dict(powers)
    stacks = []
    for stack in package.stacks:
        changed = {layer.name: remaining.pop(f"{stack.name}.{layer.name}", None) for layer in stack.layers}
        layers = [
            layer if changed[layer.name] is None else replace(layer, power=_as_power(changed[layer.name]))
            for layer in stack.layers
        ]
        is_same = all(value is None for value in changed.values())
        stacks.append(stack if is_same else replace(stack, layers=tuple(layers), power=None))
    for name in remaining:
        known = [f"{stack.name}.{layer.name}" for stack in package.stacks for layer in stack.layers]
        raise argument_error("power", f"no layer is named {name!r}", suggest(name, known), "E-NAME")
    return replace(package, stacks=tuple(stacks))


def _as_power(value: Any) -> Any:
    """Return the power of a layer in a form that `Layer` accepts."""
    if isinstance(value, np.ndarray):
        value = PowerMap(value)
    return Power(map=value) if isinstance(value, PowerMap) else value


def _cell_sizes(cell: Any, problem: LocalProblem) -> CellSizes:
    """Return the maximum cell sizes along x, y and z [m]."""
    region = problem.region
    if cell is None:
        x, y, z = (high - low for low, high in zip(region.low, region.high, strict=True))
        inclusions = [lattice.smallest / CELLS_ACROSS_INCLUSION for lattice in problem.lattices.values()]
        size = min([min(x, y) / CELLS_ACROSS_BOX, *inclusions])
        return size, size, z / CELLS_IN_HEIGHT
    if isinstance(cell, str) or not isinstance(cell, Iterable):
        size = check_quantity(cell, "length", "cell", above=0.0)
        return size, size, size
    sizes = [check_quantity(value, "length", f"cell[{n}]", above=0.0) for n, value in enumerate(cell)]
    if not 1 <= len(sizes) <= 3:
        text = f"{len(sizes)} sizes for 3 axes"
        raise argument_error("cell", text, "write one size, (x, y) or (x, y, z)", "E-GRID")
    sizes += [max(sizes)] * (3 - len(sizes))
    return sizes[0], sizes[1], sizes[2]
