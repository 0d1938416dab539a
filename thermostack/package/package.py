"""The description of a package: layers in stacks, stacks on and inside each other, and their cooling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials.effective_media import MaterialLike
from thermostack.materials.effective_medium_base import EffectiveMedium
from thermostack.materials.material import VOID, Material
from thermostack.materials.material_library import Definitions, MaterialDefinitions, find_material
from thermostack.package.band import Band
from thermostack.package.contact_resistance import ContactResistance
from thermostack.package.cooling import AMBIENT_FIELDS, Cooling, HtcMap, is_cooling
from thermostack.package.grid_options import GridOptions
from thermostack.package.heights import fill_diagnostics
from thermostack.package.rectangles import lengths_beyond
from thermostack.package.stack import Layer, Stack
from thermostack.package.thermal_link import ThermalLink, link_diagnostics, material_diagnostic
from thermostack.schema.fields import Name
from thermostack.schema.short_repr import html_table
from thermostack.schema.spelling import suggest
from thermostack.schema.usual_ranges import USUAL_AMBIENT
from thermostack.schema.validated_dataclass import (
    FieldPath,
    NamedItems,
    class_key,
    described,
    diagnostic_at,
    path_of,
)
from thermostack.units import format_quantity

MAX_SHOWN_STACKS = 6  # names in the text that represents a package


Locator = Callable[[Diagnostic], Diagnostic]


def _as_contacts(value: Any) -> Any:
    return (value,) if isinstance(value, (ContactResistance, Mapping)) else value


@described
class Package:
    """The description of a package: its stacks, its cooling, and the sources of the numbers.

    Parameters
    ----------
    name : str
        Name of the package.
    stacks : sequence of Stack
        Stacks in any order. Exactly one of them has no support.
    cooling : Cooling
        Coolers of the faces.
    about : str
        Description for people.
    sources : sequence of str
        References of the numbers.
    materials : mapping from str to Material or effective medium
        Materials of the package, in addition to those of the library; a read-only copy is kept.
    contacts : sequence of ContactResistance
        Contact resistances between parts or stacks that touch.
    links : sequence of ThermalLink
        Bond wires, straps and other conductances between two places.
    kind : str
        Kind of package, by which `thermostack packages` filters: "memory", "interposer" ...
    bands : sequence of Band
        Ranges of values that are not known better.
    grid : GridOptions, optional
        Tolerance to which a steady solve refines the default grid.

    Raises
    ------
    DescriptionError
        With every field that is wrong. `discretize` raises it for errors that only the geometry shows.

    Examples
    --------
    >>> from thermostack import ColdPlate, Cooling, Layer, Package, Stack
    >>> die = Stack("die", ("10 mm", "10 mm"), (Layer("si", "0.5 mm", "silicon", power="20 W"),))
    >>> package = Package("one_die", (die,), Cooling(top=ColdPlate("25 degC", "0.1 K/W")))
    >>> package.stack("die").height
    0.0005
    """

    name: Annotated[Name, Field(validation_alias="package", serialization_alias="package")]
    stacks: Annotated[tuple[Stack, ...], NamedItems(Stack)]
    cooling: Cooling
    about: str = ""
    sources: tuple[str, ...] = ()
    materials: MaterialDefinitions = field(default_factory=Definitions)
    contacts: Annotated[tuple[ContactResistance, ...], BeforeValidator(_as_contacts)] = ()
    links: Annotated[tuple[ThermalLink, ...], NamedItems(ThermalLink)] = ()
    kind: str = ""
    bands: Annotated[tuple[Band, ...], NamedItems(Band)] = ()
    grid: GridOptions | None = None
    locator: SkipJsonSchema[Annotated[Locator | None, Field(exclude=True)]] = field(
        default=None, init=False, repr=False, compare=False
    )  # adds file and line to a diagnostic, set by `read_package`
    notes: SkipJsonSchema[Annotated[Any, Field(exclude=True)]] = field(
        default=(), init=False, repr=False, compare=False
    )  # located warnings about the overrides, set by `read_package`

    @property
    def power(self) -> float:
        """Return the power of all layers as described [W], without leakage."""
        return sum(_stack_power(stack) for stack in self.stacks)

    @property
    def leakage(self) -> float:
        """Return the leakage power of all layers [W], each law at its reference temperature."""
        return sum(_stack_leakage(stack) for stack in self.stacks)

    def __repr__(self) -> str:
        """Return the name, the numbers of stacks and layers, the power and the cooled faces, line by line."""
        layers, leakage = sum(len(stack.layers) for stack in self.stacks), self.leakage
        names = ", ".join(stack.name for stack in self.stacks[:MAX_SHOWN_STACKS])
        more = len(self.stacks) - MAX_SHOWN_STACKS
        cooled = (f"{face}: {class_key(type(each.cooler)).replace('_', ' ')}" for face, each in self.cooling)
        rows = {
            "stacks": f"{len(self.stacks)} ({names}{f' and {more} more' if more > 0 else ''})",
            "layers": f"{layers}",
            "power": format_quantity(self.power, "power"),
            **(
                {"leakage": f"{format_quantity(leakage, 'power')} at the reference temperature"}
                if leakage
                else {}
            ),
            "cooling": ", ".join(dict.fromkeys(cooled)) or "none",
        }
        head = f"Package {self.name!r}{': ' if self.about else ''}{self.about}"
        return "\n".join([head, *(f"  {title:8} {text}" for title, text in rows.items())])

    def _repr_html_(self) -> str:
        """Return the stacks as an HTML table: supports, size, layers, power and any leakage of each."""
        titles = ("stack", "on", "size", "layers", "power", *(("leakage",) if self.leakage else ()))
        rows = [
            (
                stack.name,
                ", ".join(stack.supports),
                " x ".join(format_quantity(side, "length") for side in stack.size),
                str(len(stack.layers)),
                *(
                    format_quantity(power, "power") if power else ""
                    for power in (_stack_power(stack), _stack_leakage(stack))[: len(titles) - 4]
                ),
            )
            for stack in self.stacks
        ]
        title = f"{self.name}{': ' if self.about else ''}{self.about}"
        return html_table(title, titles, rows)

    def stack(self, name: str) -> Stack:
        """Return the stack of a name; raises DescriptionError with similar names if there is none."""
        for stack in self.stacks:
            if stack.name == name:
                return stack
        known = [stack.name for stack in self.stacks]
        raise DescriptionError(
            Diagnostic("stacks", f"no stack is named {name!r}", suggest(name, known), "E-NAME")
        )

    def material(self, material: MaterialLike, name: str = "") -> Material:
        """Return the material of a name, or the effective material of a medium.

        Raises DescriptionError where a name is unknown or a medium contains itself.
        """
        if not isinstance(material, str) or name:
            return find_material(material, own=self.materials, name=name)
        if material not in self._named_materials:
            self._named_materials[material] = find_material(material, own=self.materials)
        return self._named_materials[material]

    @cached_property
    def _named_materials(self) -> dict[str, Material]:
        """Return the materials by name; each is found at its first use."""
        return {}

    def refuse(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Raise DescriptionError with the located errors among some diagnostics, if there are any."""
        errors = [diagnostic for diagnostic in diagnostics if not diagnostic.is_warning]
        if errors:
            raise DescriptionError(self.locate(diagnostic) for diagnostic in errors)

    def locate(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic with its file and line, if the package was read from a file."""
        return self.locator(diagnostic) if self.locator is not None else diagnostic

    def is_overridden(self, path: FieldPath) -> bool:
        """Return whether the field at a path was set from outside of the file."""
        is_overridden = getattr(self.locator, "is_overridden", None)
        return is_overridden is not None and bool(is_overridden(path))

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return the errors and warnings of the description that do not depend on the geometry."""
        return tuple(_find_diagnostics(self))


def unusual_ambient(temperature: float) -> str:
    """Return the text of a warning about an ambient temperature [K], "" if it is usual."""
    if USUAL_AMBIENT.contains(temperature):
        return ""
    return f"{temperature:g} K ({temperature - 273.15:.4g} degC) is an unusual ambient temperature"


def _stack_power(stack: Stack) -> float:
    """Return the power of the layers of a stack [W]."""
    return sum(layer.power.power_on(*stack.size) for layer in stack.layers if layer.power is not None)


def _stack_leakage(stack: Stack) -> float:
    """Return the leakage power of the layers of a stack at the reference temperatures [W]."""
    return sum(share.total for layer in stack.leakage_shares for share in layer)


def _find_diagnostics(package: Package) -> Iterator[Diagnostic]:
    if not package.stacks:
        yield diagnostic_at(("stacks",), "a package needs a stack", "", "E-MISSING")
    yield from _duplicate_diagnostics(("stacks",), [stack.name for stack in package.stacks])
    yield from _support_diagnostics(package)
    for name, definition in package.materials.items():
        yield from _material_diagnostics(package, definition, ("materials", name))
    known = {stack.name: stack for stack in package.stacks}
    for stack in package.stacks:
        yield from _stack_diagnostics(package, stack)
        yield from fill_diagnostics(stack, known)
    yield from package.notes
    yield from _link_diagnostics(package, known)
    yield from _cooling_diagnostics(package)


def _duplicate_diagnostics(path: FieldPath, names: list[str]) -> Iterator[Diagnostic]:
    for n, name in enumerate(names):
        if name in names[:n]:
            yield diagnostic_at(
                (*path, n), f"the name {name!r} is used twice", "rename one of the two", "E-DUPLICATE"
            )


def _support_diagnostics(package: Package) -> Iterator[Diagnostic]:
    """Yield the errors in the supports and positions of the stacks."""
    known = {stack.name: stack for stack in package.stacks}
    roots = [stack.name for stack in package.stacks if not stack.supports]
    if len(roots) > 1:
        rest = ", ".join(roots[1:])
        yield diagnostic_at(
            ("stacks", roots[1]),
            f"{rest} and {roots[0]} have no support",
            "write `on:` and the name of a stack",
            "E-GAP",
        )
    in_cycles: set[str] = set()
    for stack in package.stacks:
        stack_path = ("stacks", stack.name)
        if stack.on and stack.inside is not None:
            yield diagnostic_at(stack_path, "has both `on` and `inside`", "give one of the two", "E-VALUE")
        key = "on" if stack.on else "inside"
        for support in stack.supports:
            if support not in known:
                hint = suggest(support, known) or f"there are {', '.join(known)}"
                yield diagnostic_at((*stack_path, key), f"no stack is named {support!r}", hint, "E-NAME")
        yield from _frame_name_diagnostics(stack, known)
        if stack.position is not None and stack.center is not None:
            yield diagnostic_at(
                (*stack_path, "center"), "has both `at` and `center`", "give one of the two", "E-VALUE"
            )
        if stack.supports and stack.position is None and stack.center is None:
            text = f"its position on {stack.supports[0]} is missing"
            yield diagnostic_at(
                (*stack_path, "at"), text, "write at: [2.5 mm, 8 mm], or center:", "E-MISSING"
            )
        if stack.name not in in_cycles and (cycle := _cycle(stack, known)):
            in_cycles.update(cycle)
            is_support = all(above in known[name].supports for name, above in pairwise(cycle))
            text = f"is its own support: {' on '.join(cycle)}" if is_support else ""
            text = text or f"its position depends on itself: {' relative to '.join(cycle)}"
            yield diagnostic_at((*stack_path, key if is_support else "relative_to"), text, "", "E-CYCLE")


def _frame_name_diagnostics(stack: Stack, known: Mapping[str, Stack]) -> Iterator[Diagnostic]:
    """Yield the errors in the stack to which the position of a stack is relative."""
    name = stack.relative_to
    if name is None:
        return
    path = ("stacks", stack.name, "relative_to")
    if name not in known:
        hint = suggest(name, known) or f"there are {', '.join(known)}"
        yield diagnostic_at(path, f"no stack is named {name!r}", hint, "E-NAME")
    elif not stack.supports:
        text = f"{stack.name} has no support, and its corner is the origin of the package"
        yield diagnostic_at(path, text, "remove relative_to", "E-VALUE")


def _cycle(stack: Stack, known: Mapping[str, Stack]) -> list[str]:
    """Return the names from a stack through those that its position depends on back to itself.

    The list is empty where there is no cycle.
    """
    chains = [[stack.name]]
    visited = set()
    while chains:
        chain = chains.pop()
        for support in known[chain[-1]].placed_before:
            if support == stack.name:
                return [*chain, support]
            if support in known and support not in visited:
                visited.add(support)
                chains.append([*chain, support])
    return []


def _stack_diagnostics(package: Package, stack: Stack) -> Iterator[Diagnostic]:
    stack_path = ("stacks", stack.name)
    if not stack.layers:
        yield diagnostic_at((*stack_path, "layers"), "a stack needs a layer", "", "E-MISSING")
    yield from _frame_diagnostics(stack.frame, stack.size, (*stack_path, "frame"))
    if stack.depth and stack.inside is None:
        yield diagnostic_at((*stack_path, "depth"), "depth needs `inside`", "", "E-VALUE")
    for key in ("filler", "gap_fill"):
        material = getattr(stack, key)
        if material is not None:
            yield from _material_diagnostics(package, material, (*stack_path, key))
    yield from _duplicate_diagnostics((*stack_path, "layers"), [layer.name for layer in stack.layers])
    for n, layer in enumerate(stack.layers):
        path = (*stack_path, "layers", n)
        yield from _layer_diagnostics(package, stack, layer, path)


def _frame_diagnostics(
    frame: float | None, size: tuple[float, float], path: FieldPath
) -> Iterator[Diagnostic]:
    if frame is not None and 2.0 * frame >= min(size):
        maximum = format_quantity(0.5 * min(size), "length")
        text = f"a frame of {format_quantity(frame, 'length')} has no opening"
        yield diagnostic_at(path, text, f"less than {maximum}, or no frame", "E-VALUE")


def _layer_diagnostics(package: Package, stack: Stack, layer: Layer, path: FieldPath) -> Iterator[Diagnostic]:
    width, depth = stack.size
    yield from _material_diagnostics(package, layer.material, (*path, "material"))
    if layer.power is not None:
        if layer.material == VOID:
            yield diagnostic_at((*path, "power"), "a void layer cannot have a power", "", "E-POWER")
        for diagnostic in layer.power.diagnostics(width, depth, is_round=stack.diameter is not None):
            yield diagnostic_at(
                (*path, "power", *diagnostic.path), diagnostic.message, diagnostic.hint, diagnostic.code
            )
    yield from _duplicate_diagnostics((*path, "regions"), [region.name for region in layer.regions])
    for region in layer.regions:
        region_path = (*path, "regions", region.name)
        yield from _material_diagnostics(package, region.material, (*region_path, "material"))
        is_round, is_in_circle = region.diameter is not None, stack.diameter is not None
        if beyond := lengths_beyond(
            region.corner, region.size, stack.size, is_round=is_round, is_in_circle=is_in_circle
        ):
            text = f"region {region.name!r} extends beyond its layer by {beyond}"
            yield diagnostic_at(region_path, text, "its `at` is in the frame of the stack", "E-OUTSIDE")
        yield from _frame_diagnostics(region.frame, region.size, (*region_path, "frame"))


def _material_diagnostics(package: Package, material: MaterialLike, path: FieldPath) -> Iterator[Diagnostic]:
    if isinstance(material, str) and (material == VOID or material in package.materials):
        return  # materials of the package are checked at their definition
    if isinstance(material, EffectiveMedium):
        found_inside = [
            diagnostic
            for field, constituent, _ in material.constituents()
            for diagnostic in _material_diagnostics(
                package, constituent, (*path, class_key(type(material)), *path_of(field))
            )
        ]
        yield from found_inside
        if any(not diagnostic.is_warning for diagnostic in found_inside):
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
            yield diagnostic_at(
                (*path, *diagnostic.path), diagnostic.message, diagnostic.hint, diagnostic.code
            )


def _link_diagnostics(package: Package, stacks: Mapping[str, Stack]) -> Iterator[Diagnostic]:
    """Yield the errors in the names, the conductances, the ends and the materials of links."""
    yield from _duplicate_diagnostics(("links",), [link.name for link in package.links])
    yield from link_diagnostics(package.links, stacks)
    for link in package.links:
        if link.material is None or link.material == VOID:
            continue
        path = ("links", link.name, "material")
        found = list(_material_diagnostics(package, link.material, path))
        yield from found
        if all(diagnostic.is_warning for diagnostic in found):
            with suppress(DescriptionError):  # reported where the material is defined
                yield from material_diagnostic(package.material(link.material), path)


def _cooling_diagnostics(package: Package) -> Iterator[Diagnostic]:
    fixes_temperature = False
    for face, entry in package.cooling:
        cooler = entry.cooler
        cooler_path: FieldPath = (
            "cooling",
            face,
            getattr(package.cooling, face).index(entry),
            class_key(type(cooler)),
        )
        if entry.on is not None and (face == "surroundings" or (entry.on == "lowest" and face != "bottom")):
            text = f"`on: {entry.on}` has no meaning for {face}"
            hint = "remove it; on the top and the sides the outermost plane is `highest`"
            yield diagnostic_at((*cooler_path[:3], "on"), text, hint, "E-COOLING")
        h = getattr(cooler, "h", None)
        if isinstance(h, HtcMap) and face not in ("top", "bottom"):
            text = "a map of h is permitted on the top and the bottom only"
            hint = "give one h, or one for each of several regions"
            yield diagnostic_at((*cooler_path, "h"), text, hint, "E-COOLING")
        fixes_temperature = fixes_temperature or is_cooling(cooler)
        for key in AMBIENT_FIELDS:
            value = getattr(cooler, key, None)
            if value is None:
                continue
            if text := unusual_ambient(value):
                yield diagnostic_at((*cooler_path, key), text, "check the unit", "W-RANGE")
        base = getattr(cooler, "base", None)
        if base is not None:
            yield from _material_diagnostics(package, base.material, (*cooler_path, "base", "material"))
            if base.gap_fill is not None:
                yield from _material_diagnostics(package, base.gap_fill, (*cooler_path, "base", "gap_fill"))
            if face not in ("top", "bottom") or entry.region is not None:
                text = "a base needs the whole top or bottom face"
                yield diagnostic_at((*cooler_path, "base"), text, "remove base or region", "E-COOLING")
    if not fixes_temperature and not package.cooling.isolated:
        text = "no face has an ambient or fixed temperature, so no heat leaves the package"
        hint = "give a face convection, a cold plate or a temperature; a transient may have isolated: true"
        yield diagnostic_at(("cooling",), text, hint, "E-COOLING")
