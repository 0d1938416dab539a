"""Models of changed packages on the cells of a model: what stays the same is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Flag, auto

import numpy as np

from thermostack.mesh.block_cells import BlockCells
from thermostack.mesh.boundary_faces import BoundaryFaces, CoolerEntry, cooler_entries
from thermostack.mesh.cooler_coverage import cooler_warnings
from thermostack.mesh.layer_heat_source import LayerHeatSource, layer_heat_source
from thermostack.mesh.leakage_sources import find_leakage_sources
from thermostack.mesh.model import Model, plane_contact
from thermostack.mesh.part_map import PartMap
from thermostack.package.cooling import HtcMap
from thermostack.package.geometry import Geometry, HeatSource, InterfaceResistance
from thermostack.package.rectangles import Rectangle
from thermostack.package.robin_coefficients import RobinCoefficients, robin_coefficients

KEPT_WITH_CELLS = ("active", "volume_of_parts", "link_cells", "_first_of_plane")  # cached in a model


class Change(Flag):
    """The kinds of change from one model to another."""

    NONE = 0
    POWER = auto()  # also leakage
    BOUNDARY = auto()  # coefficients and ambient temperatures of the same boundary faces
    CONDUCTANCE = auto()  # materials and contact resistances
    CELLS = auto()  # anything else


def has_equal_plan(model: Model, geometry: Geometry) -> bool:
    """Return whether a geometry has the boxes, the planes and the names of that of a model.

    Then its cells on the same grid are those of the model, the coolers act on the same faces, and the same
    layers and blocks have power.
    """
    old = model.geometry
    return (
        old.boxes == geometry.boxes
        and [part.name for part in old.parts] == [part.name for part in geometry.parts]
        and _are_links_alike(old, geometry)
        and list(map(_contact_place, old.contacts)) == list(map(_contact_place, geometry.contacts))
        and old.package.contacts == geometry.package.contacts
        and _are_sources_alike(old.sources, geometry.sources)
        and _are_coolers_alike(old, geometry)
        and old.fills == geometry.fills
    )


def differs_in_power(model: Model, geometry: Geometry) -> bool:
    """Return whether a geometry with an equal plan differs from that of a model in powers at most."""
    old = model.geometry
    return (
        [part.material for part in old.parts] == [part.material for part in geometry.parts]
        and [each.resistance for each in old.contacts] == [each.resistance for each in geometry.contacts]
        and change_coefficients(model.boundary, geometry) is model.boundary
    )


def _are_links_alike(old: Geometry, new: Geometry) -> bool:
    """Return whether links and, where there are any, the warnings about them are the same."""
    if not (old.links or new.links):
        return True
    return (
        old.links == new.links
        and old.package.cooling == new.package.cooling
        and [part.material for part in old.parts] == [part.material for part in new.parts]
    )


def _contact_place(contact: InterfaceResistance) -> tuple[float, Rectangle, bool]:
    return contact.z, contact.rectangle, contact.is_top


def _are_sources_alike(old: Sequence[HeatSource], new: Sequence[HeatSource]) -> bool:
    """Return whether two lists of sources have the same rectangles and blocks, whatever their powers."""
    return len(old) == len(new) and all(map(_is_source_alike, old, new))


def _is_source_alike(old: HeatSource, new: HeatSource) -> bool:
    if old == new:
        return True
    if (old.part, old.rectangle, old.z0, old.z1) != (new.part, new.rectangle, new.z0, new.z1):
        return False
    if old.power.map != new.power.map:
        return False
    before, after = old.layout, new.layout
    return (
        before.names == after.names
        and np.array_equal(before.corners, after.corners)
        and np.array_equal(before.is_powered, after.is_powered)
        and bool(before.scale) == bool(after.scale)
    )


def _are_coolers_alike(old: Geometry, new: Geometry) -> bool:
    """Return whether two cooling descriptions differ in coefficients and temperatures alone."""
    before, after = cooler_entries(old.package.cooling), cooler_entries(new.package.cooling)
    return len(before) == len(after) and all(
        one == other or _is_cooler_alike(one, other) for one, other in zip(before, after, strict=True)
    )


def _is_cooler_alike(one: CoolerEntry, other: CoolerEntry) -> bool:
    """Return whether two coolers act on the same faces, with other coefficients of the same kind."""
    (face, n, a), (face_2, n_2, b) = one, other
    if (face, n, type(a.cooler)) != (face_2, n_2, type(b.cooler)):
        return False
    if replace(a, cooler=b.cooler) != b or getattr(a.cooler, "base", None) != getattr(b.cooler, "base", None):
        return False
    h = getattr(a.cooler, "h", None), getattr(b.cooler, "h", None)
    if any(isinstance(each, HtcMap) for each in h):
        return False
    robin = robin_coefficients(a.cooler, 1.0), robin_coefficients(b.cooler, 1.0)
    return _acts(robin[0]) == _acts(robin[1])


def _acts(robin: RobinCoefficients) -> tuple[bool, bool]:
    return robin.h > 0.0, robin.flux != 0.0


def change_model(model: Model, geometry: Geometry, part_map: PartMap) -> tuple[Model, Change]:
    """Return the model of a geometry on the cells of another model, and the kinds of change.

    `has_equal_plan` holds. `part_map` is that of the geometry on the grid before islands are removed.
    """
    old, change = model.geometry, Change.NONE
    sources = list(model.layer_sources)
    for n, (before, after) in enumerate(zip(old.sources, geometry.sources, strict=True)):
        if before.power != after.power:
            sources[n] = layer_heat_source(geometry, model.grid, part_map, after)
    if _differ(sources, model.layer_sources):
        change |= Change.POWER
    leakage = model.leakage
    if [source.leakage for source in old.sources] != [source.leakage for source in geometry.sources]:
        leakage = find_leakage_sources(geometry, model.grid, part_map)
        change |= Change.POWER
    boundary = change_coefficients(model.boundary, geometry)
    if boundary is not model.boundary:
        change |= Change.BOUNDARY
    contacts = tuple(plane_contact(model.grid, contact) for contact in geometry.contacts)
    is_conductor_equal = [part.material for part in old.parts] == [part.material for part in geometry.parts]
    if not is_conductor_equal or [each.resistance for each in contacts] != [
        each.resistance for each in model.contacts
    ]:
        change |= Change.CONDUCTANCE
    blocks = _blocks_with_power(model, geometry) if change & Change.POWER else model.blocks
    of_grid = model.warnings[len(old.warnings) :]
    if change & (Change.BOUNDARY | Change.CONDUCTANCE):
        of_grid = _with_cooler_warnings(of_grid, model, geometry, boundary)
    warnings = (*map(str, geometry.warnings), *of_grid)
    made = Model(
        geometry,
        model.grid,
        model.part,
        tuple(sources),
        blocks,
        contacts,
        boundary,
        warnings,
        leakage=leakage,
    )
    for name in KEPT_WITH_CELLS:
        if name in vars(model):
            vars(made)[name] = vars(model)[name]
    return made, change


def _differ(one: Sequence[LayerHeatSource], other: Sequence[LayerHeatSource]) -> bool:
    return any(a is not b and not np.array_equal(a.plane, b.plane) for a, b in zip(one, other, strict=True))


def _with_cooler_warnings(
    warnings: Sequence[str], model: Model, geometry: Geometry, boundary: BoundaryFaces
) -> tuple[str, ...]:
    """Return the warnings about the grid of a model, with those about coolers of another geometry."""
    part = model.part.reshape(-1)[boundary.cell]
    before = [str(each) for each in cooler_warnings(model.geometry, model.boundary, part)]
    after = [str(each) for each in cooler_warnings(geometry, boundary, part)]
    first = next((n for n, each in enumerate(warnings) if each in before), len(warnings))
    others = [each for each in warnings if each not in before]
    return (*others[:first], *after, *others[first:])


def _blocks_with_power(model: Model, geometry: Geometry) -> tuple[BlockCells, ...]:
    """Return the blocks of a model with the powers of a geometry."""
    power: dict[str, float] = {}
    for source in geometry.sources:
        layout = source.layout
        title = geometry.parts[source.part].name
        power |= {
            f"{title}.{name}": each for name, each in zip(layout.names, layout.power.tolist(), strict=True)
        }
    return tuple(replace(block, power=power[block.name]) for block in model.blocks)


def change_coefficients(boundary: BoundaryFaces, geometry: Geometry) -> BoundaryFaces:
    """Return the same boundary faces with the coefficients of the coolers of a geometry."""
    entries = cooler_entries(geometry.package.cooling)
    area = np.bincount(boundary.cooler, weights=boundary.area, minlength=len(entries))
    table = np.zeros((3, len(entries)))
    for n, (_, _, entry) in enumerate(entries):
        if area[n] > 0.0:
            robin = robin_coefficients(entry.cooler, float(area[n]))
            table[:, n] = robin.h, robin.temperature, robin.flux
    mapped = [
        n for n, (*_, entry) in enumerate(entries) if isinstance(getattr(entry.cooler, "h", None), HtcMap)
    ]
    h, temperature, flux = table[:, boundary.cooler]
    is_mapped = np.isin(boundary.cooler, mapped)
    h[is_mapped] = boundary.h[is_mapped]
    new = {"h": h, "temperature": temperature, "flux": flux}
    if all(np.array_equal(values, getattr(boundary, name)) for name, values in new.items()):
        return boundary
    return replace(boundary, **new)
