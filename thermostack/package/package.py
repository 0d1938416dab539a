"""What the engineer draws: layers in stacks, stacks on and in each other, and how they are cooled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials.effective_media import EffectiveMedium, MaterialLike
from thermostack.materials.material import VOID, Material
from thermostack.materials.material_library import MaterialDefinitions, find_material
from thermostack.package.cooling import Cooling, HtcMap
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
    suggest,
)
from thermostack.schema.short_repr import html_table
from thermostack.schema.validated_dataclass import NamedItems, class_key, described, diagnostic_at
from thermostack.units import format_quantity

MAX_SHOWN_STACKS = 6  # names in the text that represents a package
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
    regions: Annotated[tuple[Region, ...], NamedItems(Region)] = ()
    limit: Temperature | None = None  # the highest temperature its maker allows


def _as_tuple(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


SupportNames = Annotated[tuple[PathName, ...], BeforeValidator(_as_tuple)]


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
    on: SupportNames = ()
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
    def supports(self) -> tuple[str, ...]:
        """Return the names of the stacks it stands on or in."""
        return self.on or ((self.inside,) if self.inside is not None else ())

    def at(self, x: float, y: float, name: str | None = None) -> Stack:
        """Return a copy with its lower-left corner at (x, y) [m], under another name where one is given."""
        return replace(self, position=(x, y), center=None, name=name or self.name)


Path = tuple[str | int, ...]  # of a field
Locator = Callable[[Diagnostic], Diagnostic]


@described
class Package:
    """A package as drawn: its stacks, its cooling, and where the numbers come from."""

    name: Annotated[Name, Field(validation_alias="package", serialization_alias="package")]
    stacks: Annotated[tuple[Stack, ...], NamedItems(Stack)]
    cooling: Cooling
    about: str = ""
    sources: tuple[str, ...] = ()
    materials: MaterialDefinitions = field(default_factory=dict)
    locator: SkipJsonSchema[Annotated[Locator | None, Field(exclude=True)]] = field(
        default=None, init=False, repr=False, compare=False
    )  # where its fields stand in a file, set by who read it

    @property
    def power(self) -> float:
        """Return the power of all layers as described [W]."""
        return sum(_stack_power(stack) for stack in self.stacks)

    def __repr__(self) -> str:
        """Return the name, the numbers of stacks and layers, the power and the cooled faces, line by line."""
        layers = sum(len(stack.layers) for stack in self.stacks)
        names = ", ".join(stack.name for stack in self.stacks[:MAX_SHOWN_STACKS])
        more = len(self.stacks) - MAX_SHOWN_STACKS
        cooled = (f"{face}: {class_key(type(each.cooler)).replace('_', ' ')}" for face, each in self.cooling)
        rows = {
            "stacks": f"{len(self.stacks)} ({names}{f' and {more} more' if more > 0 else ''})",
            "layers": f"{layers}",
            "power": format_quantity(self.power, "power"),
            "cooling": ", ".join(dict.fromkeys(cooled)) or "none",
        }
        head = f"Package {self.name!r}{': ' if self.about else ''}{self.about}"
        return "\n".join([head, *(f"  {title:8} {text}" for title, text in rows.items())])

    def _repr_html_(self) -> str:
        """Return the stacks as an HTML table: supports, size, layers and power of each."""
        rows = [
            (
                stack.name,
                ", ".join(stack.supports),
                " x ".join(format_quantity(side, "length") for side in stack.size),
                str(len(stack.layers)),
                format_quantity(power, "power") if (power := _stack_power(stack)) else "",
            )
            for stack in self.stacks
        ]
        title = f"{self.name}{': ' if self.about else ''}{self.about}"
        return html_table(title, ("stack", "on", "size", "layers", "power"), rows)

    def stack(self, name: str) -> Stack:
        """Return the stack of that name; raises DescriptionError with the nearest names."""
        for stack in self.stacks:
            if stack.name == name:
                return stack
        known = [stack.name for stack in self.stacks]
        raise DescriptionError(
            Diagnostic("stacks", f"no stack is named {name!r}", suggest(name, known), "E-NAME")
        )

    def material(self, material: MaterialLike, name: str = "") -> Material:
        """Return the material a name stands for, or the one a mixture makes.

        Raises DescriptionError where a name is unknown or a mixture contains itself.
        """
        return find_material(material, own=self.materials, name=name)

    def refuse(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Raise DescriptionError where any of the faults is more than a warning, each with its place."""
        located = [self.locate(diagnostic) for diagnostic in diagnostics]
        if any(not diagnostic.is_warning for diagnostic in located):
            raise DescriptionError(diagnostic for diagnostic in located if not diagnostic.is_warning)

    def locate(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a fault with its place in the file the package came from, where it came from one."""
        return self.locator(diagnostic) if self.locator is not None else diagnostic

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what is wrong or unusual in the drawing, but for what only its geometry shows."""
        return tuple(_find_diagnostics(self))


def _stack_power(stack: Stack) -> float:
    """Return the power of the layers of a stack [W]."""
    return sum(layer.power.power_on(*stack.size) for layer in stack.layers if layer.power is not None)


def _find_diagnostics(package: Package) -> Iterator[Diagnostic]:
    if not package.stacks:
        yield diagnostic_at(("stacks",), "a package needs a stack", "", "E-MISSING")
    yield from _duplicates(("stacks",), [stack.name for stack in package.stacks])
    yield from _family_diagnostics(package)
    for name, definition in package.materials.items():
        yield from _material_diagnostics(package, definition, ("materials", name))
    for stack in package.stacks:
        yield from _stack_diagnostics(package, stack)
    yield from _cooling_diagnostics(package)


def _duplicates(path: Path, names: list[str]) -> Iterator[Diagnostic]:
    for n, name in enumerate(names):
        if name in names[:n]:
            yield diagnostic_at(
                (*path, n), f"the name {name!r} stands twice", "give one another name", "E-DUPLICATE"
            )


def _family_diagnostics(package: Package) -> Iterator[Diagnostic]:
    """Yield what is wrong with who stands on whom."""
    known = {stack.name: stack for stack in package.stacks}
    roots = [stack.name for stack in package.stacks if not stack.supports]
    if len(roots) > 1:
        rest = ", ".join(roots[1:])
        yield diagnostic_at(
            ("stacks", roots[1]),
            f"{rest} and {roots[0]} all stand on nothing",
            "say `on:` which stack",
            "E-GAP",
        )
    circling: set[str] = set()
    for stack in package.stacks:
        here = ("stacks", stack.name)
        if stack.on and stack.inside is not None:
            yield diagnostic_at(
                here, "stands on one stack and inside another", "give `on` or `inside`", "E-VALUE"
            )
        key = "on" if stack.on else "inside"
        for host in stack.supports:
            if host not in known:
                remedy = suggest(host, known) or f"there are {', '.join(known)}"
                yield diagnostic_at((*here, key), f"no stack is named {host!r}", remedy, "E-NAME")
        if stack.position is not None and stack.center is not None:
            yield diagnostic_at(
                (*here, "center"), "at and center both say where it stands", "give one", "E-VALUE"
            )
        if stack.supports and stack.position is None and stack.center is None:
            text = f"nothing says where on {stack.supports[0]} it stands"
            yield diagnostic_at((*here, "at"), text, "write at: [2.5 mm, 8 mm], or center:", "E-MISSING")
        if stack.name not in circling and (cycle := _cycle(stack, known)):
            circling.update(cycle)
            yield diagnostic_at((*here, key), f"stands on itself: {' on '.join(cycle)}", "", "E-CYCLE")


def _cycle(stack: Stack, known: Mapping[str, Stack]) -> list[str]:
    """Return the way from a stack through its hosts back to itself, empty where there is none."""
    stack_of_ways = [[stack.name]]
    seen = set()
    while stack_of_ways:
        way = stack_of_ways.pop()
        for host in known[way[-1]].supports:
            if host == stack.name:
                return [*way, host]
            if host in known and host not in seen:
                seen.add(host)
                stack_of_ways.append([*way, host])
    return []


def _stack_diagnostics(package: Package, stack: Stack) -> Iterator[Diagnostic]:
    here = ("stacks", stack.name)
    if not stack.layers:
        yield diagnostic_at((*here, "layers"), "a stack needs a layer", "", "E-MISSING")
    yield from _frame_diagnostics(stack.frame, stack.size, (*here, "frame"))
    if stack.depth and stack.inside is None:
        yield diagnostic_at((*here, "depth"), "depth is for a stack inside another", "", "E-VALUE")
    for key in ("filler", "gap_fill"):
        material = getattr(stack, key)
        if material is not None:
            yield from _material_diagnostics(package, material, (*here, key))
    yield from _duplicates((*here, "layers"), [layer.name for layer in stack.layers])
    for n, layer in enumerate(stack.layers):
        path = (*here, "layers", n)
        yield from _layer_diagnostics(package, stack, layer, path)


def _frame_diagnostics(frame: float | None, size: tuple[float, float], path: Path) -> Iterator[Diagnostic]:
    if frame is not None and 2.0 * frame >= min(size):
        most = format_quantity(0.5 * min(size), "length")
        text = f"a frame of {format_quantity(frame, 'length')} leaves nothing open inside"
        yield diagnostic_at(path, text, f"less than {most}, or no frame", "E-VALUE")


def _layer_diagnostics(package: Package, stack: Stack, layer: Layer, path: Path) -> Iterator[Diagnostic]:
    width, depth = stack.size
    yield from _material_diagnostics(package, layer.material, (*path, "material"))
    if layer.power is not None:
        if layer.material == VOID:
            yield diagnostic_at((*path, "power"), "there is nothing to heat in a void layer", "", "E-POWER")
        for diagnostic in layer.power.diagnostics(width, depth):
            yield diagnostic_at(
                (*path, "power", *diagnostic.path), diagnostic.message, diagnostic.hint, diagnostic.code
            )
    yield from _duplicates((*path, "regions"), [region.name for region in layer.regions])
    for region in layer.regions:
        here = (*path, "regions", region.name)
        yield from _material_diagnostics(package, region.material, (*here, "material"))
        (x, y), (w, d) = region.position, region.size
        beyond = {"west": -x, "east": x + w - width, "south": -y, "north": y + d - depth}
        sides = [f"{format_quantity(by, 'length')} to the {side}" for side, by in beyond.items() if by > 1e-9]
        if sides:
            text = f"region {region.name!r} leaves its layer by {' and '.join(sides)}"
            yield diagnostic_at(here, text, "its `at` is in the frame of the stack", "E-OUTSIDE")
        yield from _frame_diagnostics(region.frame, region.size, (*here, "frame"))


def _material_diagnostics(package: Package, material: MaterialLike, path: Path) -> Iterator[Diagnostic]:
    if isinstance(material, str) and (material == VOID or material in package.materials):
        return  # own materials are checked where they are defined
    if isinstance(material, EffectiveMedium):
        parts = [
            diagnostic
            for field, part, _ in material.constituents()
            for diagnostic in _material_diagnostics(
                package, part, (*path, class_key(type(material)), *field.split("."))
            )
        ]
        yield from parts
        if any(not diagnostic.is_warning for diagnostic in parts):
            return
    try:
        found = package.material(material)
    except DescriptionError as error:
        for diagnostic in error.diagnostics:
            yield diagnostic_at(
                (*path, *diagnostic.path), diagnostic.message, diagnostic.hint, diagnostic.code
            )
    else:
        for diagnostic in found.warnings():
            yield diagnostic_at(path, diagnostic.message, diagnostic.hint, diagnostic.code)


def _cooling_diagnostics(package: Package) -> Iterator[Diagnostic]:
    fixes_temperature = False
    for face, cooled in package.cooling:
        cooler = cooled.cooler
        here: Path = ("cooling", face, getattr(package.cooling, face).index(cooled), class_key(type(cooler)))
        h = getattr(cooler, "h", None)
        carries_heat = bool(h.values.any()) if isinstance(h, HtcMap) else h != 0.0
        if isinstance(h, HtcMap) and face not in ("top", "bottom"):
            text = "only the top and the bottom may have a map of films"
            remedy = "give one h, or one for each of several regions"
            yield diagnostic_at((*here, "h"), text, remedy, "E-COOLING")
        for key in ("ambient", "coolant", "temperature"):
            value = getattr(cooler, key, None)
            if value is None:
                continue
            fixes_temperature = fixes_temperature or carries_heat
            if not UNUSUAL_BELOW <= value <= UNUSUAL_ABOVE:
                text = f"{value:g} K ({value - 273.15:.4g} degC) is an unusual temperature to cool with"
                yield diagnostic_at((*here, key), text, "check the unit", "W-RANGE")
        base = getattr(cooler, "base", None)
        if base is not None:
            yield from _material_diagnostics(package, base.material, (*here, "base", "material"))
            if face not in ("top", "bottom") or cooled.region is not None:
                text = "only the whole top or bottom carries a base"
                yield diagnostic_at((*here, "base"), text, "leave out base, or region", "E-COOLING")
    if not fixes_temperature and not package.cooling.isolated:
        text = "no boundary fixes the temperature: nothing carries the heat away"
        remedy = "give a face convection, a cold plate or a temperature; a transient may be isolated: true"
        yield diagnostic_at(("cooling",), text, remedy, "E-COOLING")
