"""The geometry of a package: boxes, heat sources and interface resistances in coordinates of the package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.effective_media import MaterialLike
from thermostack.materials.material import VOID, Material
from thermostack.materials.temperature_laws import Array, ArrayAxes, Axes
from thermostack.package.cooling import ColdPlate, HeatSink
from thermostack.package.package import Package
from thermostack.package.placement import Placement, place_stacks, placement_diagnostics
from thermostack.package.power import Power
from thermostack.package.power_layout import orient_power
from thermostack.package.rectangles import (
    COINCIDENCE_TOLERANCE,
    Rectangle,
    difference,
    frame_rectangles,
    intersection,
)
from thermostack.package.stack import Layer
from thermostack.schema.validated_dataclass import FieldPath, diagnostic_at
from thermostack.units import format_quantity

# m: a gap between a stack and a base that is narrower than this is probably an error. Bond lines are thinner.
MAX_SUSPICIOUS_GAP = 0.2e-3


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

    @overload
    def conductivity_at(self, temperature: float | str) -> Axes: ...
    @overload
    def conductivity_at(self, temperature: Array) -> ArrayAxes: ...
    def conductivity_at(self, temperature: float | str | Array) -> Any:
        """Return the conductivity [W/(m K)] along x, y and z of the package at a temperature [K]."""
        x, y, z = self.material.conductivity_at(temperature)
        return (y, x, z) if self.is_turned else (x, y, z)


@dataclass(frozen=True)
class Box:
    """A cuboid of one part, or an empty space (part -1). A later box covers an earlier one."""

    part: int
    low: tuple[float, float, float]  # x, y, z in m
    high: tuple[float, float, float]


@dataclass(frozen=True)
class HeatSource:
    """The power of a layer: laid out over a rectangle [m], distributed evenly from z0 to z1 [m]."""

    part: int
    power: Power
    rectangle: Rectangle
    z0: float
    z1: float
    path: FieldPath  # of the power in the description


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

    @property
    def is_linear(self) -> bool:
        """Return whether no conductivity depends on temperature."""
        return all(part.material.is_constant for part in self.parts)


def build_geometry(package: Package) -> Geometry:
    """Return a new geometry of a package. `package_geometry` returns the one that is kept.

    Raises DescriptionError with every error of the description: names, values, and stacks that overlap,
    extend beyond their support or lie over a gap.
    """
    placements = place_stacks(package)
    package.refuse([*package.diagnostics, *placement_diagnostics(placements)])
    builder = _GeometryBuilder(package, placements)
    for placement in placements.values():
        builder.add_filler(placement)
    for placement in placements.values():
        builder.add_gap_fill(placement)
    for placement in placements.values():
        builder.add_stack(placement)
    for face in ("bottom", "top"):
        builder.add_base(face)
    geometry = builder.geometry()
    package.refuse(_gap_diagnostics(geometry, placements))
    return geometry


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

    def geometry(self) -> Geometry:
        """Return the finished geometry with the located warnings."""
        diagnostics = [diagnostic for diagnostic in self.package.diagnostics if diagnostic.is_warning]
        return Geometry(
            self.package,
            tuple(self.parts),
            tuple(self.boxes),
            tuple(self.sources),
            tuple(self.contacts),
            tuple(self.package.locate(diagnostic) for diagnostic in (*diagnostics, *self.warnings)),
        )

    def add_part(
        self, name: str, material: MaterialLike, limit: float | None = None, *, is_turned: bool = False
    ) -> int:
        """Return the index of a new part, -1 for an empty space."""
        if material == VOID:
            return -1
        self.parts.append(Part(name, self.package.material(material), limit, is_turned))
        return len(self.parts) - 1

    def add_boxes(self, part: int, rectangles: Iterable[Rectangle], z0: float, z1: float) -> None:
        """Add a box over each of some rectangles [m] from z0 to z1 [m]."""
        for x0, y0, x1, y1 in rectangles:
            self.boxes.append(Box(part, (x0, y0, z0), (x1, y1, z1)))

    def add_filler(self, placement: Placement) -> None:
        """Add the filler around the stacks on a stack, up to their maximum height."""
        stack = placement.stack
        if stack.filler is None:
            return
        top = max((other.z1 for other in self.stacks_on(stack.name)), default=placement.z1)
        if top > placement.z1:
            part = self.add_part(f"{stack.name}.filler", stack.filler, is_turned=placement.swaps_xy)
            self.add_boxes(part, [placement.outline], placement.z1, top)

    def add_gap_fill(self, placement: Placement) -> None:
        """Add the gap fill between a stack and the lower ones of its supports."""
        stack = placement.stack
        if stack.gap_fill is None or len(stack.on) < 2:
            return
        part, name = None, f"{stack.name}.gap_fill"
        for support in (self.placements[name] for name in stack.on):
            gap = intersection(support.outline, placement.outline)
            if gap and placement.z0 - support.z1 > COINCIDENCE_TOLERANCE:
                if part is None:
                    part = self.add_part(name, stack.gap_fill, is_turned=placement.swaps_xy)
                self.add_boxes(part, [gap], support.z1, placement.z0)

    def add_stack(self, placement: Placement) -> None:
        """Add the layers of a stack, which replace everything in the same space."""
        self.cut_contacts(placement)
        stack, z0 = placement.stack, placement.z0
        order = list(enumerate(stack.layers))
        for n, layer in reversed(order) if stack.flip else order:
            z1 = z0 + layer.thickness
            self.add_layer(placement, layer, z0, z1, ("stacks", stack.name, "layers", n))
            z0 = z1

    def add_layer(
        self, placement: Placement, layer: Layer, z0: float, z1: float, path: tuple[str | int, ...]
    ) -> None:
        """Add the boxes, regions, power and interfaces of a layer from z0 to z1 [m]."""
        stack = placement.stack
        limit = layer.limit if layer.limit is not None else stack.limit
        name = f"{stack.name}.{layer.name}"
        part = self.add_part(name, layer.material, limit, is_turned=placement.swaps_xy)
        self.add_boxes(part, placement.solid(), z0, z1)
        for region in layer.regions:
            outline = placement.rectangle(*region.position, *region.size)
            title = f"{name}.{region.name}"
            inner = self.add_part(title, region.material, limit, is_turned=placement.swaps_xy)
            self.add_boxes(inner, frame_rectangles(outline, region.frame), z0, z1)
        if layer.power is not None:
            rotate, is_mirrored = placement.orientation
            power = orient_power(layer.power, *stack.size, rotate, is_mirrored)
            self.sources.append(HeatSource(part, power, placement.outline, z0, z1, (*path, "power")))
        low, high = ("top", "bottom") if stack.flip else ("bottom", "top")
        for key, z in ((low, z0), (high, z1)):
            if (resistance := getattr(layer.interface, key)) > 0.0:
                for rectangle in placement.solid():
                    interface_path = (*path, "interface", key)
                    self.contacts.append(
                        InterfaceResistance(z, rectangle, key == high, resistance, interface_path)
                    )

    def cut_contacts(self, placement: Placement) -> None:
        """Remove the interface resistances of earlier layers inside the space of a stack."""
        low, high = placement.z0, placement.z1
        for rectangle in placement.solid():
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
        for entry in self.package.cooling.face(face):
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
            if is_top:
                self.warnings += _base_gap_warnings(self.boxes, outline, z, self.placements)
            part = self.add_part(f"cooling.{face}.base", base.material)
            self.add_boxes(part, [outline], *((z, z + base.thickness) if is_top else (z - base.thickness, z)))

    def stacks_on(self, name: str) -> list[Placement]:
        """Return the stacks whose only support is a stack, and those on them."""
        found = [placement for placement in self.placements.values() if placement.stack.on == (name,)]
        for placement in list(found):
            found += self.stacks_on(placement.stack.name)
        return found


# -- gaps ------------------------------------------------------------------------------------


def _gap_diagnostics(geometry: Geometry, placements: Mapping[str, Placement]) -> Iterator[Diagnostic]:
    """Yield an error for each stack on several others with an empty space below it."""
    for placement in placements.values():
        stack = placement.stack
        if len(stack.on) < 2 or stack.gap_fill == VOID:
            continue
        for outline in placement.solid():
            gap = _find_gap_below(geometry.boxes, outline, placement.z0)
            if gap is None:
                continue
            x, y, floor = gap
            values = [format_quantity(value, "length") for value in (floor, placement.z0, x, y)]
            text = "nothing fills the gap from z = {} to {} under it, at ({}, {})".format(*values)
            hint = "give this stack a gap_fill, or the stack below a filler; `void` permits an empty space"
            yield diagnostic_at(("stacks", stack.name), text, hint, "E-GAP")
            break


def _base_gap_warnings(
    boxes: Sequence[Box], base: Rectangle, z: float, placements: Mapping[str, Placement]
) -> Iterator[Diagnostic]:
    """Yield a warning for each stack with a narrow empty gap to a base whose bottom is at height z [m]."""
    for placement in placements.values():
        if not COINCIDENCE_TOLERANCE < z - placement.z1 < MAX_SUSPICIOUS_GAP:
            continue
        under = [common for outline in placement.solid() if (common := intersection(outline, base))]
        if any(_find_gap_below(boxes, outline, z, placement.z1) for outline in under):
            name, gap = placement.stack.name, format_quantity(z - placement.z1, "length")
            text = f"an empty gap of {gap} between {name} and the base of the cooler blocks the heat"
            hint = "add a layer to the stack, or a stack on all stacks below the base, with gap_fill"
            yield diagnostic_at(("stacks", name), text, hint, "W-GAP")


def _find_gap_below(
    boxes: Sequence[Box], outline: Rectangle, z: float, required_floor: float | None = None
) -> tuple[float, float, float] | None:
    """Return a point (x, y) of a rectangle with an empty space below height z, and the floor of that [m].

    With `required_floor` [m] only gaps with this floor are found.
    """
    below = [
        box for box in boxes if box.low[2] < z - COINCIDENCE_TOLERANCE and intersection(_plan(box), outline)
    ]
    x, y = (0.5 * (cuts[1:] + cuts[:-1]) for cuts in (_cuts(below, outline, axis) for axis in (0, 1)))
    is_closed = np.zeros((x.size, y.size), dtype=bool)
    floor = np.zeros(is_closed.shape)
    for box in below:
        west, east = np.searchsorted(x, (box.low[0], box.high[0]))
        south, north = np.searchsorted(y, (box.low[1], box.high[1]))
        window = slice(west, east), slice(south, north)
        if box.high[2] > z - COINCIDENCE_TOLERANCE:
            is_closed[window] = box.part >= 0
        elif box.part >= 0:
            floor[window] = np.maximum(floor[window], box.high[2])
    is_open = ~is_closed
    if required_floor is not None:
        is_open &= np.abs(floor - required_floor) < COINCIDENCE_TOLERANCE
    if not is_open.any():
        return None
    i, j = np.argwhere(is_open)[0]
    return float(x[i]), float(y[j]), float(floor[i, j])


def _cuts(boxes: list[Box], outline: Rectangle, axis: int) -> np.ndarray:
    """Return the ends of a rectangle and the faces of boxes between them along an axis [m], ascending."""
    edges = [outline[axis], outline[axis + 2]]
    edges += [
        edge
        for box in boxes
        for edge in (box.low[axis], box.high[axis])
        if outline[axis] < edge < outline[axis + 2]
    ]
    found = np.unique(edges)
    return found[np.concatenate(([True], np.diff(found) > COINCIDENCE_TOLERANCE))]


def _plan(box: Box) -> Rectangle:
    """Return the plan of a box [m]."""
    return box.low[0], box.low[1], box.high[0], box.high[1]
