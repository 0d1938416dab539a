"""What the engineer draws: layers in stacks, stacks on and in each other, and how they are cooled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from thermostack.errors import DescriptionError, Fault
from thermostack.materials.effective_media import MaterialLike, Mixture
from thermostack.materials.material import VOID, Material
from thermostack.materials.material_library import MaterialDefinitions, find_material
from thermostack.package.cooling import Cooling, FilmMap
from thermostack.package.power import Power
from thermostack.schema.fields import (
    AreaResistance,
    Depth,
    Extent,
    Name,
    PathName,
    Point,
    Size,
    Temperature,
    Thickness,
    nearest,
)
from thermostack.schema.validated_dataclass import Named, described, fault_at, key_of
from thermostack.units import format_quantity

UNUSUAL_BELOW, UNUSUAL_ABOVE = 173.15, 673.15  # K: outside, a slip of the temperature unit is likely


@described
class Interface:
    """Thermal resistance per area at the faces of a layer, beside that of its material."""

    top: AreaResistance = 0.0  # m2 K/W
    bottom: AreaResistance = 0.0  # m2 K/W


@described
class Region:
    """A rectangle of a layer that is of another material; with `frame` only a frame of that width."""

    name: Name
    size: Size
    material: MaterialLike
    position: Annotated[Point, Field(validation_alias="at", serialization_alias="at")] = (
        0.0,
        0.0,
    )  # in the frame of the stack
    frame: Extent | None = None


@described
class Layer:
    """A sheet of one material, as large as its stack."""

    name: Name
    thickness: Thickness
    material: MaterialLike
    power: Power | None = None
    interface: Interface = Interface()
    regions: Annotated[tuple[Region, ...], Named(Region)] = ()
    limit: Temperature | None = None  # the highest temperature its maker allows


def _as_tuple(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


Supports = Annotated[tuple[PathName, ...], BeforeValidator(_as_tuple)]


@described
class Stack:
    """Layers of one size on top of each other, bottom first, and where they stand.

    A stack stands `on` another (or on several of one height, whose gaps `gap_fill` fills), or is
    embedded `inside` another with its top face `depth` below the other's. The one stack that does
    neither carries all others. Positions are lower-left corners in the frame of what it stands on.
    """

    name: PathName
    size: Size  # before rotation
    layers: tuple[Layer, ...]
    on: Supports = ()
    inside: PathName | None = None
    position: Annotated[Point | None, Field(validation_alias="at", serialization_alias="at")] = None
    center: Point | None = None
    depth: Depth = 0.0
    filler: MaterialLike | None = None  # surrounds what stands on it, up to the highest of them
    gap_fill: MaterialLike | None = None  # between it and the lower ones of what it stands on
    frame: Extent | None = None  # only a frame of this width is solid
    rotate: Literal[0, 90, 180, 270] = 0  # degrees, counter-clockwise
    flip: bool = False  # face down: layers in reverse, plan mirrored in x
    limit: Temperature | None = None

    @property
    def height(self) -> float:
        """Return the sum of the thicknesses [m]."""
        return sum(layer.thickness for layer in self.layers)

    @property
    def footprint(self) -> tuple[float, float]:
        """Return the size after rotation [m]."""
        width, depth = self.size
        return (depth, width) if self.rotate in (90, 270) else (width, depth)

    @property
    def corner(self) -> tuple[float, float]:
        """Return the lower-left corner [m] in the frame of what it stands on."""
        if self.center is not None:
            return self.center[0] - 0.5 * self.footprint[0], self.center[1] - 0.5 * self.footprint[1]
        return self.position or (0.0, 0.0)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names of the stacks it stands on or in."""
        return self.on or ((self.inside,) if self.inside is not None else ())

    def at(self, x: float, y: float, name: str | None = None) -> Stack:
        """Return a copy with its lower-left corner at (x, y) [m], under another name where one is given."""
        return replace(self, position=(x, y), center=None, name=name or self.name)


Path = tuple[str | int, ...]  # of a field
Places = Callable[[Fault], Fault]


@described
class Package:
    """A package as drawn: its stacks, its cooling, and where the numbers come from."""

    name: Annotated[Name, Field(validation_alias="package", serialization_alias="package")]
    stacks: Annotated[tuple[Stack, ...], Named(Stack)]
    cooling: Cooling
    about: str = ""
    sources: tuple[str, ...] = ()
    materials: MaterialDefinitions = field(default_factory=dict)
    places: SkipJsonSchema[Annotated[Places | None, Field(exclude=True)]] = field(
        default=None, init=False, repr=False, compare=False
    )  # where its fields stand in a file, set by who read it

    def stack(self, name: str) -> Stack:
        """Return the stack of that name; raises DescriptionError with the nearest names."""
        for stack in self.stacks:
            if stack.name == name:
                return stack
        known = [stack.name for stack in self.stacks]
        raise DescriptionError(Fault("stacks", f"no stack is named {name!r}", nearest(name, known), "E-NAME"))

    def material(self, material: MaterialLike, name: str = "") -> Material:
        """Return the material a name stands for, or the one a mixture makes.

        Raises DescriptionError where a name is unknown or a mixture contains itself.
        """
        return find_material(material, own=self.materials, name=name)

    def refuse(self, faults: Iterable[Fault]) -> None:
        """Raise DescriptionError where any of the faults is more than a warning, each with its place."""
        located = [self.locate(fault) for fault in faults]
        if any(not fault.is_warning for fault in located):
            raise DescriptionError(fault for fault in located if not fault.is_warning)

    def locate(self, fault: Fault) -> Fault:
        """Return a fault with its place in the file the package came from, where it came from one."""
        return self.places(fault) if self.places is not None else fault

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """Return what is wrong or unusual in the drawing, but for what only its geometry shows."""
        return tuple(_find_faults(self))


def _find_faults(package: Package) -> Iterator[Fault]:
    if not package.stacks:
        yield fault_at(("stacks",), "a package needs a stack", "", "E-MISSING")
    yield from _duplicates(("stacks",), [stack.name for stack in package.stacks])
    yield from _family_faults(package)
    for name, definition in package.materials.items():
        yield from _material_faults(package, definition, ("materials", name))
    for stack in package.stacks:
        yield from _stack_faults(package, stack)
    yield from _cooling_faults(package)


def _duplicates(path: Path, names: list[str]) -> Iterator[Fault]:
    for n, name in enumerate(names):
        if name in names[:n]:
            yield fault_at(
                (*path, n), f"the name {name!r} stands twice", "give one another name", "E-DUPLICATE"
            )


def _family_faults(package: Package) -> Iterator[Fault]:
    """Yield what is wrong with who stands on whom."""
    known = {stack.name: stack for stack in package.stacks}
    roots = [stack.name for stack in package.stacks if not stack.hosts]
    if len(roots) > 1:
        rest = ", ".join(roots[1:])
        yield fault_at(
            ("stacks", roots[1]),
            f"{rest} and {roots[0]} all stand on nothing",
            "say `on:` which stack",
            "E-GAP",
        )
    circling: set[str] = set()
    for stack in package.stacks:
        here = ("stacks", stack.name)
        if stack.on and stack.inside is not None:
            yield fault_at(here, "stands on one stack and inside another", "give `on` or `inside`", "E-VALUE")
        key = "on" if stack.on else "inside"
        for host in stack.hosts:
            if host not in known:
                remedy = nearest(host, known) or f"there are {', '.join(known)}"
                yield fault_at((*here, key), f"no stack is named {host!r}", remedy, "E-NAME")
        if stack.position is not None and stack.center is not None:
            yield fault_at((*here, "center"), "at and center both say where it stands", "give one", "E-VALUE")
        if stack.hosts and stack.position is None and stack.center is None:
            text = f"nothing says where on {stack.hosts[0]} it stands"
            yield fault_at((*here, "at"), text, "write at: [2.5 mm, 8 mm], or center:", "E-MISSING")
        if stack.name not in circling and (cycle := _cycle(stack, known)):
            circling.update(cycle)
            yield fault_at((*here, key), f"stands on itself: {' on '.join(cycle)}", "", "E-CYCLE")


def _cycle(stack: Stack, known: Mapping[str, Stack]) -> list[str]:
    """Return the way from a stack through its hosts back to itself, empty where there is none."""
    stack_of_ways = [[stack.name]]
    seen = set()
    while stack_of_ways:
        way = stack_of_ways.pop()
        for host in known[way[-1]].hosts:
            if host == stack.name:
                return [*way, host]
            if host in known and host not in seen:
                seen.add(host)
                stack_of_ways.append([*way, host])
    return []


def _stack_faults(package: Package, stack: Stack) -> Iterator[Fault]:
    here = ("stacks", stack.name)
    if not stack.layers:
        yield fault_at((*here, "layers"), "a stack needs a layer", "", "E-MISSING")
    yield from _frame_faults(stack.frame, stack.size, (*here, "frame"))
    if stack.depth and stack.inside is None:
        yield fault_at((*here, "depth"), "depth is for a stack inside another", "", "E-VALUE")
    for key in ("filler", "gap_fill"):
        material = getattr(stack, key)
        if material is not None:
            yield from _material_faults(package, material, (*here, key))
    yield from _duplicates((*here, "layers"), [layer.name for layer in stack.layers])
    for n, layer in enumerate(stack.layers):
        path = (*here, "layers", n)
        yield from _layer_faults(package, stack, layer, path)


def _frame_faults(frame: float | None, size: tuple[float, float], path: Path) -> Iterator[Fault]:
    if frame is not None and 2.0 * frame >= min(size):
        most = format_quantity(0.5 * min(size), "length")
        text = f"a frame of {format_quantity(frame, 'length')} leaves nothing open inside"
        yield fault_at(path, text, f"less than {most}, or no frame", "E-VALUE")


def _layer_faults(package: Package, stack: Stack, layer: Layer, path: Path) -> Iterator[Fault]:
    width, depth = stack.size
    yield from _material_faults(package, layer.material, (*path, "material"))
    if layer.power is not None:
        if layer.material == VOID:
            yield fault_at((*path, "power"), "there is nothing to heat in a void layer", "", "E-POWER")
        for fault in layer.power.faults(width, depth):
            yield fault_at((*path, "power", *fault.path), fault.message, fault.remedy, fault.code)
    yield from _duplicates((*path, "regions"), [region.name for region in layer.regions])
    for region in layer.regions:
        here = (*path, "regions", region.name)
        yield from _material_faults(package, region.material, (*here, "material"))
        (x, y), (w, d) = region.position, region.size
        beyond = {"west": -x, "east": x + w - width, "south": -y, "north": y + d - depth}
        sides = [f"{format_quantity(by, 'length')} to the {side}" for side, by in beyond.items() if by > 1e-9]
        if sides:
            text = f"region {region.name!r} leaves its layer by {' and '.join(sides)}"
            yield fault_at(here, text, "its `at` is in the frame of the stack", "E-OUTSIDE")
        yield from _frame_faults(region.frame, region.size, (*here, "frame"))


def _material_faults(package: Package, material: MaterialLike, path: Path) -> Iterator[Fault]:
    if isinstance(material, str) and (material == VOID or material in package.materials):
        return  # own materials are checked where they are defined
    if isinstance(material, Mixture):
        parts = [
            fault
            for field, part, _ in material.contents()
            for fault in _material_faults(package, part, (*path, key_of(type(material)), *field.split(".")))
        ]
        yield from parts
        if any(not fault.is_warning for fault in parts):
            return
    try:
        found = package.material(material)
    except DescriptionError as error:
        for fault in error.faults:
            yield fault_at((*path, *fault.path), fault.message, fault.remedy, fault.code)
    else:
        for fault in found.warnings():
            yield fault_at(path, fault.message, fault.remedy, fault.code)


def _cooling_faults(package: Package) -> Iterator[Fault]:
    fixes_temperature = False
    for face, cooled in package.cooling:
        cooler = cooled.cooler
        here: Path = ("cooling", face, getattr(package.cooling, face).index(cooled), key_of(type(cooler)))
        h = getattr(cooler, "h", None)
        carries_heat = bool(h.values.any()) if isinstance(h, FilmMap) else h != 0.0
        if isinstance(h, FilmMap) and face not in ("top", "bottom"):
            text = "only the top and the bottom may have a map of films"
            remedy = "give one h, or one for each of several regions"
            yield fault_at((*here, "h"), text, remedy, "E-COOLING")
        for key in ("ambient", "coolant", "temperature"):
            value = getattr(cooler, key, None)
            if value is None:
                continue
            fixes_temperature = fixes_temperature or carries_heat
            if not UNUSUAL_BELOW <= value <= UNUSUAL_ABOVE:
                text = f"{value:g} K ({value - 273.15:.4g} degC) is an unusual temperature to cool with"
                yield fault_at((*here, key), text, "check the unit", "W-RANGE")
        base = getattr(cooler, "base", None)
        if base is not None:
            yield from _material_faults(package, base.material, (*here, "base", "material"))
            if face not in ("top", "bottom") or cooled.region is not None:
                text = "only the whole top or bottom carries a base"
                yield fault_at((*here, "base"), text, "leave out base, or region", "E-COOLING")
    if not fixes_temperature and not package.cooling.isolated:
        text = "no boundary fixes the temperature: nothing carries the heat away"
        remedy = "give a face convection, a cold plate or a temperature; a transient may be isolated: true"
        yield fault_at(("cooling",), text, remedy, "E-COOLING")
