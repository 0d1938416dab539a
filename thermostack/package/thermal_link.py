"""Thermal links: bond wires, straps and other slender conductors between two places."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials.effective_media import MaterialLike
from thermostack.materials.material import VOID, Material
from thermostack.package.rectangles import lengths_beyond
from thermostack.package.stack import Stack, lower_left
from thermostack.schema.fields import (
    Area,
    Conductance,
    Extent,
    Name,
    PathName,
    Point,
    Size,
    ThermalResistance,
    fail,
    quote_value,
)
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import FieldPath, described, diagnostic_at
from thermostack.units import format_quantity

END_KEYS = {"start": "from", "end": "to"}  # of a link: field, key in a file
_WIRE_FIELDS = ("material", "diameter", "area", "length")


def _read_count(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        text = f"{quote_value(value)} is not a number of conductors"
        raise fail("E-VALUE", text, "write a whole number from 1")
    return int(value)


Count = Annotated[int, BeforeValidator(_read_count)]


@described
class LinkEnd:
    """The place where a link ends: a rectangle on the top or bottom face of a part or a stack.

    Parameters
    ----------
    part : str
        Part or stack: "die.bulk" or "die".
    position : pair of float or str, optional
        Lower-left corner in the frame of the stack [m].
    size : pair of float or str, optional
        Width and depth of the rectangle [m]: the bond pad, or the row of pads of several wires.
    center : pair of float or str, optional
        Centre instead of the lower-left corner [m].
    face : {"top", "bottom"}
        Face that looks up or down in the package.

    Notes
    -----
    Without position and size the link ends on the whole face. Heat enters evenly over the area, and the
    temperature of the end is the mean over the area. A rectangle has a size because the temperature at a
    point would not converge as cells become smaller.

    Examples
    --------
    >>> LinkEnd("die", ("0.1 mm", "0.1 mm"), ("60 um", "60 um")).corner
    (0.0001, 0.0001)
    """

    part: PathName
    position: Annotated[Point | None, Field(validation_alias="at", serialization_alias="at")] = None
    size: Size | None = None
    center: Point | None = None
    face: Literal["top", "bottom"] = "top"

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return the fields of an end; a name alone is the whole top face of its part."""
        return {"part": value} if isinstance(value, str) else value

    @property
    def corner(self) -> tuple[float, float]:
        """Return the lower-left corner in the frame of the stack [m]."""
        return lower_left(self.position, self.center, self.size or (0.0, 0.0))

    def stack_in(self, stacks: Iterable[Stack]) -> Stack | None:
        """Return the stack of the part, None if there is none."""
        found = [stack for stack in stacks if f"{self.part}.".startswith(f"{stack.name}.")]
        return max(found, key=lambda stack: len(stack.name), default=None)


@described
class ThermalLink:
    """A conductance between two places that no cells represent: bond wires, a ribbon, a clip, a heat strap.

    Give material, length, and diameter or area of the cross-section of one conductor, or its conductance, or
    its resistance.

    Parameters
    ----------
    name : str
        Name of the link.
    start, end : LinkEnd or str
        The two places; the keys in a file are `from` and `to`.
    material : str, Material or effective medium, optional
        Material of the conductor, isotropic.
    diameter : float or str, optional
        Diameter of a round conductor [m].
    area : float or str, optional
        Area of the cross-section instead of the diameter [m2].
    length : float or str, optional
        Length of the conductor along its loop [m].
    count : int
        Number of equal conductors in parallel.
    conductance : float or str, optional
        Thermal conductance of one conductor [W/K].
    resistance : float or str, optional
        Thermal resistance of one conductor [K/W].

    Raises
    ------
    DescriptionError
        Where a value is out of range. `discretize` raises it where the conductance has no or more than one
        definition, and where an end is not on its part.

    Notes
    -----
    The conductance is `count` k A / L, with k at the mean temperature of both ends. All conductors of a link
    together carry one heat flow between the mean temperatures of its ends. The heat capacity of the
    conductors, their surface to the ambient and Joule heat are neglected.

    Examples
    --------
    >>> wires = ThermalLink("wires", "die", "leads", "gold", diameter="25 um", length="2 mm", count=40)
    >>> round(wires.conductance_of(310.0), 6)
    0.003043
    >>> ThermalLink("strap", "die", "lid", resistance="20 K/W").conductance_of(0.0)
    0.05
    """

    name: Name
    start: Annotated[LinkEnd, Field(validation_alias="from", serialization_alias="from")]
    end: Annotated[LinkEnd, Field(validation_alias="to", serialization_alias="to")]
    material: MaterialLike | None = None
    diameter: Extent | None = None
    area: Area | None = None
    length: Extent | None = None
    count: Count = 1
    conductance: Conductance | None = None
    resistance: ThermalResistance | None = None

    @property
    def ends(self) -> tuple[tuple[str, LinkEnd], tuple[str, LinkEnd]]:
        """Return both ends, each with its key in a file."""
        return ("from", self.start), ("to", self.end)

    @property
    def is_wire(self) -> bool:
        """Return whether the conductance follows from material and dimensions."""
        return self.conductance is None and self.resistance is None

    @property
    def conductor_width(self) -> float | None:
        """Return the diameter of a conductor [m], or the side of a square of its area; None without both."""
        if self.diameter is not None or self.area is None:
            return self.diameter
        return math.sqrt(self.area)

    def conductance_of(self, conductivity: float) -> float:
        """Return the conductance of all conductors [W/K], of a material with a conductivity [W/(m K)]."""
        if self.conductance is not None:
            return self.count * self.conductance
        if self.resistance is not None:
            return self.count / self.resistance
        area = self.area if self.diameter is None else 0.25 * math.pi * self.diameter**2
        if area is None or self.length is None:
            raise DescriptionError(_conductance_diagnostics(self, (type(self).__name__, self.name)))
        return self.count * conductivity * area / self.length


def link_diagnostics(links: Iterable[ThermalLink], stacks: Mapping[str, Stack]) -> Iterator[Diagnostic]:
    """Yield the errors in the conductances and the ends of links, except those in their materials."""
    for link in links:
        path: FieldPath = ("links", link.name)
        yield from _conductance_diagnostics(link, path)
        for key, end in link.ends:
            yield from _end_diagnostics(end, stacks, (*path, key))


def material_diagnostic(material: Material, path: FieldPath) -> Iterator[Diagnostic]:
    """Yield an error where the conductivity of a link depends on the direction, which a link has not."""
    if not material.is_isotropic:
        text = f"{material.name} conducts differently along x, y and z, and a link has no such axes"
        yield diagnostic_at(path, text, "give the conductance of the link", "E-LINK")


def _conductance_diagnostics(link: ThermalLink, path: FieldPath) -> Iterator[Diagnostic]:
    """Yield the errors in the definition of a conductance: material and dimensions, or one value."""
    given = [key for key in _WIRE_FIELDS if getattr(link, key) is not None]
    values = [key for key in ("conductance", "resistance") if getattr(link, key) is not None]
    hint = "write material, diameter and length, or conductance, or resistance"
    if len(values) == 2 or (values and given):
        text = f"has both `{values[0]}` and `{(given or values[1:])[0]}`"
        yield diagnostic_at((*path, values[0]), text, "give one of the two", "E-VALUE")
    elif not values and not given:
        yield diagnostic_at(path, "its conductance is missing", hint, "E-MISSING")
    elif not values:
        if "diameter" in given and "area" in given:
            yield diagnostic_at((*path, "area"), "has both `diameter` and `area`", "give one of the two")
        missing = [key for key in ("material", "length") if key not in given]
        missing += [] if {"diameter", "area"} & {*given} else ["diameter or area"]
        if missing:
            text = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
            yield diagnostic_at(path, text, hint, "E-MISSING")
    if link.material == VOID:
        yield diagnostic_at((*path, "material"), "void does not conduct", "name a solid material", "E-LINK")


def _end_diagnostics(end: LinkEnd, stacks: Mapping[str, Stack], path: FieldPath) -> Iterator[Diagnostic]:
    """Yield the errors in the place of an end: its stack, its position and its size."""
    stack = end.stack_in(stacks.values())
    if stack is None:
        members = [name for name in stacks if name.startswith(f"{end.part}.")]
        text = f"no stack is named {end.part!r}"
        hint = suggest(end.part, stacks) or f"there are {', '.join(stacks)}"
        if members:
            text, hint = f"{end.part!r} is a group of stacks", f"name one of {', '.join(members)}"
        yield diagnostic_at((*path, "part"), text, hint, "E-NAME")
        return
    if end.position is not None and end.center is not None:
        yield diagnostic_at((*path, "center"), "has both `at` and `center`", "give one of the two")
    has_position = end.position is not None or end.center is not None
    if has_position and end.size is None:
        hint = "write size: [60 um, 60 um], the area of the pads; a point has no definite temperature"
        yield diagnostic_at(path, "the size of this end is missing", hint, "E-MISSING")
    elif end.size is not None and not has_position:
        text = f"the position of this end on {stack.name} is missing"
        yield diagnostic_at(path, text, "write at: [0.1 mm, 0.1 mm], or center:", "E-MISSING")
    elif end.size is not None and (
        beyond := lengths_beyond(end.corner, end.size, stack.size, is_in_circle=stack.diameter is not None)
    ):
        text = f"extends beyond {stack.name} by {beyond}"
        shown = " x ".join(format_quantity(side, "length") for side in stack.size)
        shown = f"is {shown}" if stack.diameter is None else f"has a diameter of {shown.split(' x ')[0]}"
        hint = f"`at` is in the frame of {stack.name}, which {shown}"
        yield diagnostic_at(path, text, hint, "E-OUTSIDE")
