"""The package as boxes in absolute coordinates: a later box covers an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.effective_media import MaterialLike
from thermostack.materials.material import VOID, Material
from thermostack.materials.temperature_laws import Array, ArrayAxes, Axes
from thermostack.package.cooling import ColdPlate, HeatSink
from thermostack.package.package import Layer, Package
from thermostack.package.placement import (
    TOUCH,
    Placement,
    Rectangle,
    difference,
    frame_rectangles,
    intersection,
    place_stacks,
    spatial_diagnostics,
)
from thermostack.package.power import Power, orient_power
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

NEAR = 0.2e-3  # m: a stack that ends nearer to a base than this was meant to touch it: bond lines are thinner


@dataclass(frozen=True)
class Part:
    """A piece of the package that has a name, one material, and a temperature of its own in every result."""

    name: str
    material: Material
    limit: float | None = None  # K
    is_turned: bool = False  # by a quarter: the x of the material lies along the y of the package

    @overload
    def conductivity_at(self, temperature: float) -> Axes: ...
    @overload
    def conductivity_at(self, temperature: Array) -> ArrayAxes: ...
    def conductivity_at(self, temperature: float | Array) -> Any:
        """Return the conductivity [W/(m K)] along x, y and z of the package at a temperature [K]."""
        x, y, z = self.material.conductivity_at(temperature)
        return (y, x, z) if self.is_turned else (x, y, z)


@dataclass(frozen=True)
class Box:
    """A block of one part, or of nothing (part -1)."""

    part: int
    low: tuple[float, float, float]  # x, y, z in m
    high: tuple[float, float, float]


@dataclass(frozen=True)
class HeatSource:
    """The power of a part: drawn in the frame of a rectangle, spread evenly from z0 to z1."""

    part: int
    power: Power
    rectangle: Rectangle
    z0: float
    z1: float
    path: tuple[str | int, ...]  # of the power in the description


@dataclass(frozen=True)
class InterfaceResistance:
    """Thermal resistance per area at a horizontal rectangle."""

    z: float
    rectangle: Rectangle
    is_top: bool  # of the layer it belongs to, which lies below it
    resistance: float  # m2 K/W
    path: tuple[str | int, ...]


@dataclass(frozen=True)
class Geometry:
    """Boxes, sources and contacts in absolute coordinates: x right, y up, z from the board to the cooler."""

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
    """Return the boxes of a package in absolute coordinates.

    Raises DescriptionError with every fault of the drawing: names, values, stacks that overlap, leave
    what they stand on, or hang over a gap.
    """
    places = place_stacks(package)
    package.refuse([*package.diagnostics, *spatial_diagnostics(places)])
    draft = _GeometryBuilder(package)
    for placement in places.values():
        draft.fill_around(placement, places)
    for placement in places.values():
        draft.fill_gaps(placement, places)
    for placement in places.values():
        draft.add_stack(placement)
    for face in ("bottom", "top"):
        draft.add_base(face, places)
    geometry = draft.geometry()
    package.refuse(_gap_diagnostics(geometry, places))
    return geometry


# -- boxes -----------------------------------------------------------------------------------


@dataclass
class _GeometryBuilder:
    """The boxes so far."""

    package: Package
    parts: list[Part] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    sources: list[HeatSource] = field(default_factory=list)
    contacts: list[InterfaceResistance] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)

    def geometry(self) -> Geometry:
        diagnostics = [diagnostic for diagnostic in self.package.diagnostics if diagnostic.is_warning]
        return Geometry(
            self.package,
            tuple(self.parts),
            tuple(self.boxes),
            tuple(self.sources),
            tuple(self.contacts),
            tuple(self.package.locate(diagnostic) for diagnostic in (*diagnostics, *self.warnings)),
        )

    def part(
        self, name: str, material: MaterialLike, limit: float | None = None, *, is_turned: bool = False
    ) -> int:
        """Return the number of a new part, -1 for one of nothing."""
        if material == VOID:
            return -1
        self.parts.append(Part(name, self.package.material(material), limit, is_turned))
        return len(self.parts) - 1

    def add(self, part: int, rectangles: Iterable[Rectangle], z0: float, z1: float) -> None:
        for x0, y0, x1, y1 in rectangles:
            self.boxes.append(Box(part, (x0, y0, z0), (x1, y1, z1)))

    def fill_around(self, placement: Placement, places: dict[str, Placement]) -> None:
        """Add the filler around what stands on a stack, up to the highest of it."""
        stack = placement.stack
        if stack.filler is None:
            return
        top = max((place.z1 for place in _standing_on(stack.name, places)), default=placement.z1)
        if top > placement.z1:
            part = self.part(f"{stack.name}.filler", stack.filler, is_turned=placement.is_turned)
            self.add(part, [placement.outline], placement.z1, top)

    def fill_gaps(self, placement: Placement, places: dict[str, Placement]) -> None:
        """Add what fills the gaps between a stack and the lower ones of those it stands on."""
        stack = placement.stack
        if stack.gap_fill is None or len(stack.on) < 2:
            return
        part, name = None, f"{stack.name}.gap_fill"
        for host in (places[name] for name in stack.on):
            gap = intersection(host.outline, placement.outline)
            if gap and placement.z0 - host.z1 > TOUCH:
                if part is None:
                    part = self.part(name, stack.gap_fill, is_turned=placement.is_turned)
                self.add(part, [gap], host.z1, placement.z0)

    def add_stack(self, placement: Placement) -> None:
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
        stack = placement.stack
        limit = layer.limit if layer.limit is not None else stack.limit
        name = f"{stack.name}.{layer.name}"
        part = self.part(name, layer.material, limit, is_turned=placement.is_turned)
        self.add(part, placement.solid(), z0, z1)
        for region in layer.regions:
            outline = placement.rectangle(*region.position, *region.size)
            title = f"{name}.{region.name}"
            inner = self.part(title, region.material, limit, is_turned=placement.is_turned)
            self.add(inner, frame_rectangles(outline, region.frame), z0, z1)
        if layer.power is not None:
            rotate, is_mirrored = placement.turn
            power = orient_power(layer.power, *stack.size, rotate, is_mirrored)
            self.sources.append(HeatSource(part, power, placement.outline, z0, z1, (*path, "power")))
        low, high = ("top", "bottom") if stack.flip else ("bottom", "top")
        for key, z in ((low, z0), (high, z1)):
            if (resistance := getattr(layer.interface, key)) > 0.0:
                for rectangle in placement.solid():
                    where = (*path, "interface", key)
                    self.contacts.append(InterfaceResistance(z, rectangle, key == high, resistance, where))

    def cut_contacts(self, placement: Placement) -> None:
        """Take the contacts of earlier layers away where a stack stands in their place."""
        low, high = placement.z0, placement.z1
        for rectangle in placement.solid():
            kept = []
            for contact in self.contacts:
                side = contact.z + (-TOUCH if contact.is_top else TOUCH)  # in the layer it belongs to
                if low < side < high:
                    pieces = difference(contact.rectangle, rectangle)
                    kept += [replace(contact, rectangle=piece) for piece in pieces]
                else:
                    kept.append(contact)
            self.contacts = kept

    def add_base(self, face: str, places: dict[str, Placement]) -> None:
        """Add the solid base of the cooler on the top or the bottom face."""
        for cooled in self.package.cooling.face(face):
            base = cooled.cooler.base if isinstance(cooled.cooler, (HeatSink, ColdPlate)) else None
            if base is None:
                continue
            is_top = face == "top"
            solids = [box for box in self.boxes if box.part >= 0]
            z = max(box.high[2] for box in solids) if is_top else min(box.low[2] for box in solids)
            touching = [box for box in solids if abs((box.high if is_top else box.low)[2] - z) < TOUCH]
            x0, y0 = (min(box.low[axis] for box in touching) for axis in (0, 1))
            x1, y1 = (max(box.high[axis] for box in touching) for axis in (0, 1))
            width, depth = base.size or (x1 - x0, y1 - y0)
            x, y = base.center or (0.5 * (x0 + x1), 0.5 * (y0 + y1))
            outline = (x - 0.5 * width, y - 0.5 * depth, x + 0.5 * width, y + 0.5 * depth)
            if is_top:
                self.warnings += _gaps_under_base(self.boxes, outline, z, places)
            part = self.part(f"cooling.{face}.base", base.material)
            self.add(part, [outline], *((z, z + base.thickness) if is_top else (z - base.thickness, z)))


def _standing_on(name: str, places: dict[str, Placement]) -> list[Placement]:
    """Return the stacks that stand on a stack alone, directly or on top of each other."""
    found = [place for place in places.values() if place.stack.on == (name,)]
    for place in list(found):
        found += _standing_on(place.stack.name, places)
    return found


# -- gaps ------------------------------------------------------------------------------------


def _gap_diagnostics(geometry: Geometry, places: dict[str, Placement]) -> Iterator[Diagnostic]:
    """Yield the places where a stack that stands on several hangs over nothing."""
    for placement in places.values():
        stack = placement.stack
        if len(stack.on) < 2 or stack.gap_fill == VOID:
            continue
        for outline in placement.solid():
            open_at = _open_below(geometry.boxes, outline, placement.z0)
            if open_at is None:
                continue
            x, y, ground = open_at
            values = [format_quantity(value, "length") for value in (ground, placement.z0, x, y)]
            text = "nothing fills the gap from z = {} to {} under it, at ({}, {})".format(*values)
            remedy = (
                "say what does: gap_fill of this stack, or filler of the one below; `void` leaves it open"
            )
            yield diagnostic_at(("stacks", stack.name), text, remedy, "E-GAP")
            break


def _gaps_under_base(
    boxes: Sequence[Box], base: Rectangle, z: float, places: dict[str, Placement]
) -> Iterator[Diagnostic]:
    """Yield a warning for each stack that ends a little below a base at height z, with nothing between."""
    for placement in places.values():
        if not TOUCH < z - placement.z1 < NEAR:
            continue
        under = [common for outline in placement.solid() if (common := intersection(outline, base))]
        if any(_open_below(boxes, outline, z, placement.z1) for outline in under):
            name, gap = placement.stack.name, format_quantity(z - placement.z1, "length")
            text = f"{gap} of nothing lie between {name} and the base of the cooler: no heat crosses them"
            remedy = "fill them by a layer on it, or by a sheet on all that the base covers, with gap_fill"
            yield diagnostic_at(("stacks", name), text, remedy, "W-GAP")


def _open_below(
    boxes: Sequence[Box], outline: Rectangle, z: float, ground_at: float | None = None
) -> tuple[float, float, float] | None:
    """Return a point of a rectangle at height z with nothing just below it, and how far down the gap goes.

    With `ground_at` only where it goes down to that height.
    """
    below = [box for box in boxes if box.low[2] < z - TOUCH and intersection(_plan(box), outline)]
    x, y = (0.5 * (cuts[1:] + cuts[:-1]) for cuts in (_cuts(below, outline, axis) for axis in (0, 1)))
    is_closed = np.zeros((x.size, y.size), dtype=bool)
    ground = np.zeros(is_closed.shape)
    for box in below:
        west, east = np.searchsorted(x, (box.low[0], box.high[0]))
        south, north = np.searchsorted(y, (box.low[1], box.high[1]))
        window = slice(west, east), slice(south, north)
        if box.high[2] > z - TOUCH:
            is_closed[window] = box.part >= 0
        elif box.part >= 0:
            ground[window] = np.maximum(ground[window], box.high[2])
    is_open = ~is_closed if ground_at is None else ~is_closed & (np.abs(ground - ground_at) < TOUCH)
    if not is_open.any():
        return None
    i, j = np.argwhere(is_open)[0]
    return float(x[i]), float(y[j]), float(ground[i, j])


def _cuts(boxes: list[Box], outline: Rectangle, axis: int) -> np.ndarray:
    edges = [outline[axis], outline[axis + 2]]
    edges += [
        edge
        for box in boxes
        for edge in (box.low[axis], box.high[axis])
        if outline[axis] < edge < outline[axis + 2]
    ]
    found = np.unique(edges)
    return found[np.concatenate(([True], np.diff(found) > TOUCH))]


def _plan(box: Box) -> Rectangle:
    return box.low[0], box.low[1], box.high[0], box.high[1]
