"""The geometry of a package: boxes, heat sources and interface resistances in coordinates of the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, overload

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.effective_media import MaterialLike
from thermostack.materials.material import VOID, Material
from thermostack.materials.temperature_laws import Array, ArrayAxes, Axes
from thermostack.package.box import Box, boxes_over
from thermostack.package.contact import (
    MAX_SUSPICIOUS_GAP,
    base_gap_error,
    base_gap_warning,
    gap_diagnostics,
    gaps_above_base,
    gaps_below_base,
    is_probable_error,
    support_diagnostics,
    touched_carriers,
)
from thermostack.package.cooling import Base, ColdPlate, HeatSink
from thermostack.package.disc import Circle, plan_circles, plan_rectangles
from thermostack.package.leakage_shares import LeakageShare
from thermostack.package.link_geometry import LinkGeometry, LinkRectangle
from thermostack.package.local_region import LocalRegion
from thermostack.package.package import Package
from thermostack.package.placement import Placement, place_and_diagnose
from thermostack.package.plausibility import plausibility_warnings
from thermostack.package.power import Power
from thermostack.package.power_layout import PowerLayout, lay_out_power, orient_power
from thermostack.package.rectangles import (
    COINCIDENCE_TOLERANCE,
    Rectangle,
    difference,
    intersection,
)
from thermostack.package.stack import Layer
from thermostack.package.tangent_discs import tangent_warnings
from thermostack.package.thermal_link import ThermalLink
from thermostack.schema.validated_dataclass import FieldPath


@dataclass(frozen=True)
class Part:
    """A piece of the package with a name and one material, for which every result lists temperatures.

    Parameters
    ----------
    name : str
        Name of the stack and the layer, region or filler: "gpu.active".
    material : Material
        Its material.
    limit : float, optional
        Maximum permitted temperature [K].
    is_turned : bool
        Whether the x axis of the material lies along the y axis of the package.
    path : tuple of str or int
        Keys and indices that lead to its layer, region or filler in the description.

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("hbm3_8h"), cell=2e-3)
    >>> model.parts[0].name, model.parts[0].material.name
    ('interposer.filler', 'emc')
    """

    name: str
    material: Material
    limit: float | None = None  # K
    is_turned: bool = False  # by 90 degrees: x of the material lies along y of the package
    path: FieldPath = ()  # in the description

    @overload
    def conductivity_at(self, temperature: float | str) -> Axes: ...
    @overload
    def conductivity_at(self, temperature: Array) -> ArrayAxes: ...
    def conductivity_at(self, temperature: float | str | Array) -> Any:
        """Return the conductivity [W/(m K)] along x, y and z of the package at a temperature [K]."""
        x, y, z = self.material.conductivity_at(temperature)
        return (y, x, z) if self.is_turned else (x, y, z)

    @property
    def room_conductivity(self) -> Axes:
        """Return the conductivity [W/(m K)] along x, y and z of the package at `ROOM_TEMPERATURE`."""
        x, y, z = self.material.room_conductivity
        return (y, x, z) if self.is_turned else (x, y, z)


@dataclass(frozen=True)
class HeatSource:
    """The power of a layer: laid out over a rectangle [m], distributed evenly from z0 to z1 [m]."""

    part: int
    power: Power
    rectangle: Rectangle
    z0: float
    z1: float
    path: FieldPath  # of the power in the description
    leakage: tuple[LeakageShare, ...] = ()  # of the layer or its blocks

    @cached_property
    def layout(self) -> PowerLayout:
        """Return the power as rectangles and pixels in coordinates of the package."""
        leaking = [share.block for share in self.leakage if share.total > 0.0]
        return lay_out_power(self.power, self.rectangle, leaking)


@dataclass(frozen=True)
class InterfaceResistance:
    """Thermal resistance per area on a horizontal rectangle."""

    z: float
    rectangle: Rectangle
    is_top: bool  # at the top face of its layer, which then lies below it
    resistance: float  # m2 K/W
    path: FieldPath


@dataclass(frozen=True)
class Geometry:
    """Boxes, heat sources and interface resistances of a package [m]; z increases from board to cooler.

    `read_package` and `discretize` build it once for a package and keep it; `discretize` accepts it in place
    of a package.

    Parameters
    ----------
    package : Package
        The description it was built from.
    parts : tuple of Part
        Pieces with a name and a material.
    boxes : tuple of Box
        Cuboids of the parts; a later box replaces an earlier one where they overlap.
    sources : tuple of HeatSource
        Powers of the layers with their rectangles.
    contacts : tuple of InterfaceResistance
        Area resistances of horizontal interfaces.
    warnings : tuple of Diagnostic
        Warnings about the description.
    fills : tuple of (str, float)
        Layers of thickness `fill`, "die.tim", with the thickness [m] that follows.
    links : tuple of LinkGeometry
        Links with the rectangles of their ends.
    region : LocalRegion, optional
        Box of the package that the geometry is restricted to, as in the model of `SteadyResult.zoom`.

    Examples
    --------
    >>> import thermostack as ts
    >>> geometry = ts.discretize(ts.read_package("hbm3_8h"), cell=2e-3).geometry
    >>> len(geometry.boxes) >= len(geometry.parts)
    True
    """

    package: Package
    parts: tuple[Part, ...]
    boxes: tuple[Box, ...]
    sources: tuple[HeatSource, ...]
    contacts: tuple[InterfaceResistance, ...]
    warnings: tuple[Diagnostic, ...]
    fills: tuple[tuple[str, float], ...] = ()
    links: tuple[LinkGeometry, ...] = ()
    region: LocalRegion | None = None

    @cached_property
    def corners(self) -> np.ndarray:
        """Return x0, y0, z0, x1, y1, z1 [m] of the boxes, (boxes, 6)."""
        found = np.array([(*box.low, *box.high) for box in self.boxes]).reshape(-1, 6)
        found.flags.writeable = False
        return found

    @cached_property
    def is_solid(self) -> np.ndarray:
        """Return whether each box is no empty space, (boxes,)."""
        found = np.array([box.part >= 0 for box in self.boxes], dtype=bool)
        found.flags.writeable = False
        return found

    @cached_property
    def parts_by_prefix(self) -> dict[str, list[int]]:
        """Return the indices of the parts by their names, and by those of their layers, stacks and groups."""
        found: dict[str, list[int]] = {}
        for n, part in enumerate(self.parts):
            keys = part.name.split(".")
            for count in range(1, len(keys) + 1):
                found.setdefault(".".join(keys[:count]), []).append(n)
        return found

    @property
    def is_linear(self) -> bool:
        """Return whether no conductivity depends on temperature."""
        parts = all(part.material.is_constant for part in self.parts)
        return parts and all(link.is_constant for link in self.links)


def build_geometry(package: Package) -> Geometry:
    """Return a new geometry of a package. `package_geometry` returns the one that is kept.

    Raises DescriptionError with every error of the description: names, values, and stacks that overlap,
    extend beyond their support or lie over a gap.
    """
    placements, errors = place_and_diagnose(package)
    package.refuse([*package.diagnostics, *errors])
    package.refuse(support_diagnostics(placements, package.is_overridden))
    builder = _GeometryBuilder(package, placements)
    for placement in placements.values():
        builder.add_fill_beside_supports(placement)
    for placement in placements.values():
        builder.add_filler(placement)
    for placement in placements.values():
        builder.add_gap_fill(placement)
    builder.first_stack_box = len(builder.boxes)
    for placement in placements.values():
        builder.add_stack(placement)
    package.refuse(gap_diagnostics(builder.boxes, placements))
    for face in ("bottom", "top"):
        builder.add_base(face)
    return builder.geometry()


_KEPT = "_geometry"  # key in the instance dictionary of a package; no field, so `replace` does not copy it


def package_geometry(package: Package) -> Geometry:
    """Return the geometry of a package. The first call builds it and keeps it with the package.

    Raises DescriptionError as `build_geometry` does.
    """
    kept: Geometry | None = vars(package).get(_KEPT)
    if kept is None:
        kept = build_geometry(package)
        vars(package)[_KEPT] = kept
    return kept


# -- boxes -----------------------------------------------------------------------------------


@dataclass
class _GeometryBuilder:
    """The boxes, sources and interface resistances that are added one stack after the other."""

    package: Package
    placements: Mapping[str, Placement]
    parts: list[Part] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    sources: list[HeatSource] = field(default_factory=list)
    contacts: list[InterfaceResistance] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)
    gap_parts: dict[str, int] = field(default_factory=dict)  # by the name of the gap fill
    first_stack_box: int = 0  # index in `boxes`; the earlier ones are fillers and gap fills

    def geometry(self) -> Geometry:
        """Return the finished geometry with the located warnings."""
        diagnostics = [diagnostic for diagnostic in self.package.diagnostics if diagnostic.is_warning]
        stacks = [placement.stack for placement in self.placements.values()]
        diagnostics += [*self.warnings, *plausibility_warnings(self.package, stacks)]
        diagnostics += tangent_warnings(self.placements)
        return Geometry(
            self.package,
            tuple(self.parts),
            tuple(self.boxes),
            tuple(self.sources),
            tuple(self.contacts),
            tuple(_without_copies(self.package.locate(diagnostic) for diagnostic in diagnostics)),
            tuple(self.find_fills()),
            tuple(self.place_link(link) for link in self.package.links),
        )

    def place_link(self, link: ThermalLink) -> LinkGeometry:
        """Return a link with its material and its ends in coordinates of the package."""
        ends = []
        for key, end in link.ends:
            stack = end.stack_in(placement.stack for placement in self.placements.values())
            rectangle = None
            if end.size is not None and stack is not None:
                rectangle = self.placements[stack.name].rectangle(*end.corner, *end.size)
            path = ("links", link.name, key)
            ends.append(LinkRectangle(end.part, end.face == "top", rectangle, path))
        material = None if link.material is None else self.package.material(link.material)
        return LinkGeometry(link, material, *ends)

    def find_fills(self) -> Iterator[tuple[str, float]]:
        """Yield the name and the thickness [m] of each layer whose thickness follows from its neighbours."""
        for stack in self.package.stacks:
            layers = self.placements[stack.name].stack.layers
            for described, placed in zip(stack.layers, layers, strict=True):
                if described.is_fill:
                    yield f"{stack.name}.{placed.name}", placed.thickness

    def add_part(
        self,
        name: str,
        material: MaterialLike,
        path: FieldPath,
        limit: float | None = None,
        *,
        is_turned: bool = False,
    ) -> int:
        """Return the index of a new part of a path in the description, -1 for an empty space."""
        if material == VOID:
            return -1
        self.parts.append(Part(name, self.package.material(material), limit, is_turned, path))
        return len(self.parts) - 1

    def add_boxes(
        self,
        part: int,
        rectangles: Iterable[Rectangle],
        z0: float,
        z1: float,
        circles: tuple[Circle, ...] = (),
    ) -> None:
        """Add a box over each of some rectangles [m], pieces of round plans, from z0 to z1 [m]."""
        self.boxes += boxes_over(rectangles, part, z0, z1, circles)

    def add_filler(self, placement: Placement) -> None:
        """Add the filler around the stacks on a stack, up to their maximum height."""
        stack = placement.stack
        if stack.filler is None:
            return
        top = max((other.z1 for other in self.stacks_on(stack.name)), default=placement.z1)
        if top > placement.z1:
            path = ("stacks", stack.name, "filler")
            part = self.add_part(f"{stack.name}.filler", stack.filler, path, is_turned=placement.swaps_xy)
            self.add_boxes(part, placement.plan, placement.z1, top, placement.circles)

    def add_fill_beside_supports(self, placement: Placement) -> None:
        """Add the gap fill of a stack above the stacks that carry its supports.

        Fillers and stacks, which are added later, take precedence.
        """
        for support in (self.placements[name] for name in placement.stack.on):
            for carrier in (self.placements[name] for name in support.stack.supports):
                self.add_gap_boxes(placement, carrier)

    def add_gap_fill(self, placement: Placement) -> None:
        """Add the gap fill between a stack and the lower ones of its supports."""
        for support in (self.placements[name] for name in placement.stack.on):
            self.add_gap_boxes(placement, support)

    def add_gap_boxes(self, placement: Placement, support: Placement) -> None:
        """Add the gap fill of a stack from the top of a lower one to its bottom."""
        floor = support.z1
        if placement.stack.gap_fill is None or placement.z0 - floor <= COINCIDENCE_TOLERANCE:
            return
        name = f"{placement.stack.name}.gap_fill"
        if name not in self.gap_parts:
            path = ("stacks", placement.stack.name, "gap_fill")
            self.gap_parts[name] = self.add_part(
                name, placement.stack.gap_fill, path, is_turned=placement.swaps_xy
            )
        common = (intersection(a, b) for a in support.plan for b in placement.plan)
        circles = (*support.circles, *placement.circles)
        self.add_boxes(self.gap_parts[name], filter(None, common), floor, placement.z0, circles)

    def add_stack(self, placement: Placement) -> None:
        """Add the layers of a stack, which replace everything in the same space."""
        self.cut_contacts(placement)
        stack, z0 = placement.stack, placement.z0
        order, shares = list(enumerate(stack.layers)), stack.leakage_shares
        for n, layer in reversed(order) if stack.flip else order:
            z1 = z0 + layer.thickness
            self.add_layer(placement, layer, z0, z1, ("stacks", stack.name, "layers", n), shares[n])
            z0 = z1

    def add_layer(
        self,
        placement: Placement,
        layer: Layer,
        z0: float,
        z1: float,
        path: tuple[str | int, ...],
        leakage: tuple[LeakageShare, ...],
    ) -> None:
        """Add the boxes, regions, power, leakage and interfaces of a layer from z0 to z1 [m]."""
        stack = placement.stack
        limit = layer.limit if layer.limit is not None else stack.limit
        name = f"{stack.name}.{layer.name}"
        part = self.add_part(name, layer.material, path, limit, is_turned=placement.swaps_xy)
        self.add_boxes(part, placement.solid, z0, z1, placement.circles)
        for region in layer.regions:
            outline = placement.rectangle(*region.corner, *region.size)
            is_round = region.diameter is not None
            title = f"{name}.{region.name}"
            inner_path = (*path, "regions", region.name)
            inner = self.add_part(title, region.material, inner_path, limit, is_turned=placement.swaps_xy)
            plan = plan_rectangles(outline, region.frame, is_round=is_round)
            self.add_boxes(inner, plan, z0, z1, plan_circles(outline, region.frame, is_round=is_round))
        if layer.power is not None:
            rotate, is_mirrored = placement.orientation
            power = orient_power(layer.power, *stack.size, rotate, is_mirrored)
            self.sources.append(HeatSource(part, power, placement.outline, z0, z1, (*path, "power"), leakage))
        low, high = ("top", "bottom") if stack.flip else ("bottom", "top")
        for key, z in ((low, z0), (high, z1)):
            if (resistance := getattr(layer.interface, key)) > 0.0:
                for rectangle in placement.solid:
                    interface_path = (*path, "interface", key)
                    self.contacts.append(
                        InterfaceResistance(z, rectangle, key == high, resistance, interface_path)
                    )

    def cut_contacts(self, placement: Placement) -> None:
        """Remove the interface resistances of earlier layers inside the space of a stack."""
        low, high = placement.z0, placement.z1
        for rectangle in placement.solid:
            kept = []
            for contact in self.contacts:
                offset = -COINCIDENCE_TOLERANCE if contact.is_top else COINCIDENCE_TOLERANCE
                side = contact.z + offset  # inside the layer of the contact
                if low < side < high:
                    pieces = difference(contact.rectangle, rectangle)
                    kept += [replace(contact, rectangle=piece) for piece in pieces]
                else:
                    kept.append(contact)
            self.contacts = kept

    def add_base(self, face: str) -> None:
        """Add the base plates of the coolers on the top or the bottom face."""
        for n, entry in enumerate(self.package.cooling.face(face)):
            base = entry.cooler.base if isinstance(entry.cooler, (HeatSink, ColdPlate)) else None
            if base is None:
                continue
            is_top = face == "top"
            solids = [box for box in self.boxes if box.part >= 0]
            z = max(box.high[2] for box in solids) if is_top else min(box.low[2] for box in solids)
            touching = [
                box for box in solids if abs((box.high if is_top else box.low)[2] - z) < COINCIDENCE_TOLERANCE
            ]
            x0, y0 = (min(box.low[axis] for box in touching) for axis in (0, 1))
            x1, y1 = (max(box.high[axis] for box in touching) for axis in (0, 1))
            width, depth = base.size or (x1 - x0, y1 - y0)
            x, y = base.center or (0.5 * (x0 + x1), 0.5 * (y0 + y1))
            outline = (x - 0.5 * width, y - 0.5 * depth, x + 0.5 * width, y + 0.5 * depth)
            path = ("cooling", face, n)
            if is_top:
                self.fill_gaps_below_base(base, outline, z, path)
            else:
                self.fill_gaps_above_base(base, outline, z, path)
            part = self.add_part(f"cooling.{face}.base", base.material, (*path, "base"))
            self.add_boxes(part, [outline], *((z, z + base.thickness) if is_top else (z - base.thickness, z)))

    def fill_gaps_below_base(self, base: Base, outline: Rectangle, z: float, path: FieldPath) -> None:
        """Add the gap fill of a base between its bottom at height z [m] and the stacks that do not touch it.

        Raises DescriptionError where it has none and a gap separates it from a stack that it should cool.
        """
        gaps = gaps_below_base(self.boxes, outline, z, self.placements)
        carriers = touched_carriers(z, self.placements)
        filled = [] if base.gap_fill is None else [name for name in gaps if name not in carriers]
        if base.gap_fill != VOID:
            wrong = [
                (name, z - self.placements[name].z1)
                for name in gaps
                if name not in filled and is_probable_error(name, z, self.placements)
            ]
            self.package.refuse([base_gap_error(*gap, path) for gap in wrong if gap[0] not in carriers])
            self.warnings += [
                base_gap_warning(*gap, path, is_fillable=False) for gap in wrong if gap[0] in carriers
            ]
        self.fill_base_gaps(base, [(name, gaps[name], self.placements[name].z1, z) for name in filled], path)

    def fill_gaps_above_base(self, base: Base, outline: Rectangle, z: float, path: FieldPath) -> None:
        """Add the gap fill of a base on the bottom face with its top at height z [m]; without one, warn."""
        gaps = gaps_above_base(self.boxes, outline, z, self.placements)
        if base.gap_fill is None:
            self.warnings += [
                base_gap_warning(name, gap, path, is_fillable=True)
                for name in gaps
                if (gap := self.placements[name].z0 - z) < MAX_SUSPICIOUS_GAP
            ]
        self.fill_base_gaps(base, [(name, gaps[name], z, self.placements[name].z0) for name in gaps], path)

    def fill_base_gaps(
        self, base: Base, gaps: list[tuple[str, list[Rectangle], float, float]], path: FieldPath
    ) -> None:
        """Add the gap fill of a base over or under stacks; stacks take precedence.

        A gap is the name of the stack, rectangles [m] and the heights of their bottom and top [m].
        """
        if gaps and base.gap_fill not in (None, VOID):
            part = self.add_part(f"{path[0]}.{path[1]}.gap_fill", base.gap_fill, (*path, "base", "gap_fill"))
            filled = [
                box
                for name, plan, low, high in gaps
                for box in boxes_over(plan, part, low, high, self.placements[name].circles)
            ]
            self.boxes[self.first_stack_box : self.first_stack_box] = filled

    def stacks_on(self, name: str) -> list[Placement]:
        """Return the stacks whose only support is a stack, and those on them."""
        found = [placement for placement in self.placements.values() if placement.stack.on == (name,)]
        for placement in list(found):
            found += self.stacks_on(placement.stack.name)
        return found


def _without_copies(diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield diagnostics, those about the same place of a file once: it may describe several copies."""
    seen: set[tuple[str | int | None, ...]] = set()
    for each in diagnostics:
        place = (each.file, each.line, each.column, each.field, each.message, each.code)
        if each.file is None or place not in seen:
            seen.add(place)
            yield each
