"""Stacks and their layers: thickness, material, power and position."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from thermostack.materials.effective_media import MaterialLike
from thermostack.package.disc import check_diameter, size_from_diameter
from thermostack.package.leakage import Leakage
from thermostack.package.leakage_shares import LeakageShare, stack_shares
from thermostack.package.power import Power
from thermostack.package.stack_power import described_powers, distribute_power
from thermostack.schema.fields import (
    AreaResistance,
    Depth,
    Extent,
    LayerThickness,
    Name,
    PathName,
    Point,
    PowerValue,
    Size,
    Temperature,
    fail,
    read_path_name,
)
from thermostack.schema.validated_dataclass import NamedItems, described


def lower_left(
    position: tuple[float, float] | None, center: tuple[float, float] | None, size: tuple[float, float]
) -> tuple[float, float]:
    """Return the lower-left corner [m] of a plan whose corner or centre is given, the origin without both."""
    if center is not None:
        return center[0] - 0.5 * size[0], center[1] - 0.5 * size[1]
    return position or (0.0, 0.0)


@described
class Interface:
    """Thermal resistance per area at the faces of a layer, in addition to that of its material.

    Parameters
    ----------
    top, bottom : float or str
        Area resistance of the face [m2 K/W].

    Examples
    --------
    >>> Interface(top="5 mm2 K/W").top
    5e-06
    """

    top: AreaResistance = 0.0
    bottom: AreaResistance = 0.0


@described
class Region:
    """A rectangle or a disc of a layer that has another material.

    Parameters
    ----------
    name : str
        Name of the region; its part is called "<stack>.<layer>.<region>".
    size : pair of float or str
        Width and depth [m].
    material : str, Material or effective medium
        Material of the region.
    position : pair of float or str
        Lower-left corner in the frame of the stack [m].
    frame : float or str, optional
        Only a frame of this width [m] along the outline has the material.
    center : pair of float or str, optional
        Centre instead of the lower-left corner [m].
    diameter : float or str, optional
        Diameter of a round region instead of its size [m]; see `Stack`.

    Examples
    --------
    >>> Region("coin", ("3 mm", "3 mm"), "copper", position=("1 mm", "1 mm")).size
    (0.003, 0.003)
    >>> Region("via", material="copper", diameter="0.4 mm", center=("1 mm", "1 mm")).corner
    (0.0008, 0.0008)
    """

    name: Name
    size: Size
    material: MaterialLike
    position: Annotated[Point, Field(validation_alias="at", serialization_alias="at")] = (0.0, 0.0)
    frame: Extent | None = None
    center: Point | None = None
    diameter: Extent | None = None

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return the fields of a region; a diameter gives its size."""
        return size_from_diameter(value)

    def __post_init__(self) -> None:
        """Check the diameter."""
        check_diameter(self.diameter, self.size, "Region")

    @property
    def corner(self) -> tuple[float, float]:
        """Return the lower-left corner in the frame of the stack [m]."""
        return lower_left(self.position, self.center, self.size)


@described
class Layer:
    """A sheet of one material with the plan of its stack.

    Parameters
    ----------
    name : str
        Name of the layer; its part is called "<stack>.<layer>".
    thickness : float or str
        Thickness [m]. "fill" stands for the height that is left between the layer's neighbours, for one layer
        of a stack; it is infinite until the package is built.
    material : str, Material or effective medium
        Material; "void" is an empty space.
    power : Power, optional
        Power generated in the layer, distributed evenly over its thickness.
    interface : Interface
        Area resistance of its top and bottom face.
    regions : sequence of Region
        Rectangles of other materials; a later one covers an earlier one.
    limit : float or str, optional
        Maximum temperature that the manufacturer permits [K].

    Examples
    --------
    >>> Layer("active", "2 um", "silicon", power="560 W").power.total_power
    560.0
    """

    name: Name
    thickness: LayerThickness
    material: MaterialLike
    power: Power | None = None
    interface: Interface = Interface()
    regions: Annotated[tuple[Region, ...], NamedItems(Region)] = ()
    limit: Temperature | None = None

    @property
    def is_fill(self) -> bool:
        """Return whether the thickness is the height that is left between the neighbours."""
        return math.isinf(self.thickness)


def _as_layers(value: Any) -> Any:
    return (value,) if isinstance(value, Layer) else value


def _as_tuple(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


SupportNames = Annotated[tuple[PathName, ...], BeforeValidator(_as_tuple)]


def _read_height(value: Any) -> Any:
    """Return the name in `to NAME`."""
    name = value.removeprefix("to ").strip() if isinstance(value, str) else ""
    if not name or " " in name:
        hint = "the height of a stack is the sum of its layers; to follow another, write height: to NAME"
        raise fail("E-VALUE", "is no stack to reach up to", hint)
    return read_path_name(name)


HeightTarget = Annotated[str, BeforeValidator(_read_height), PlainSerializer(lambda name: f"to {name}")]


@described
class Stack:
    """Layers of the same plan on top of each other, and their position in the package.

    A stack stands `on` another, on several others, or is embedded `inside` another. Exactly one stack of a
    package, the root, has no support.

    Parameters
    ----------
    name : str
        Name of the stack, names joined by dots ("hbm.a") for a stack of a group.
    size : pair of float or str
        Width and depth before the rotation [m].
    layers : sequence of Layer
        Layers from the bottom to the top.
    on : str or sequence of str
        Stacks that it stands on. With several, `gap_fill` fills the gaps over the lower ones.
    inside : str, optional
        Stack that it is embedded in, with its top face `depth` below the top face of that stack.
    position : pair of float or str, optional
        Lower-left corner [m] relative to that of its support. With several supports it is relative to the
        stack that carries them; `relative_to` is required if different stacks carry them.
    center : pair of float or str, optional
        Centre instead of the lower-left corner [m].
    relative_to : str, optional
        Stack to whose lower-left corner the position is relative, also if it is not a support.
    depth : float or str
        Depth of its top face below that of the stack it is inside of [m].
    filler : str, Material or effective medium, optional
        Material around the stacks on it, up to the maximum height of those.
    gap_fill : str, Material or effective medium, optional
        Material of the empty space below it, down to its supports and to the stacks that carry them.
    frame : float or str, optional
        Only a frame of this width [m] along the outline is solid.
    height_to : str, optional
        "to NAME": the top is level with that of the stack NAME, and the layer with the thickness "fill"
        follows; the key in a file is `height`.
    overhang : bool
        Whether it may extend beyond its support on a side where it would fit. A stack that is wider than its
        support may always extend beyond it.
    rotate : {0, 90, 180, 270}
        Rotation, counter-clockwise [degrees].
    flip : bool
        Face down: the layers in reverse order, the plan mirrored in x before the rotation.
    limit : float or str, optional
        Maximum temperature of its layers [K], where a layer has none of its own.
    power : float or str, optional
        Power of all its layers [W]. The powers of the layers are scaled by one factor to this sum.
    diameter : float or str, optional
        Diameter of a round stack instead of its size [m]. The grid has planes along x and y only, so the edge
        is a staircase that encloses the same area. It changes the spreading resistance by 0.3 %.
    leakage : Leakage, optional
        Leakage power of all its layers, which includes that of layers and blocks with their own. The rest is
        distributed over its layers with a power in proportion to their area.

    Raises
    ------
    DescriptionError
        With every value that is out of range, or if the power has no layer to be distributed over.

    Examples
    --------
    >>> die = Stack("die", ("10 mm", "8 mm"), (Layer("si", "0.5 mm", "silicon"),), on="board", rotate=90)
    >>> die.footprint
    (0.008, 0.01)
    >>> Stack("slug", layers=Layer("cu", "1 mm", "copper"), diameter="6 mm").size
    (0.006, 0.006)
    """

    name: PathName
    file_keys = ("use", "copies", "array")  # expanded before the fields are read

    size: Size
    layers: Annotated[tuple[Layer, ...], BeforeValidator(_as_layers)]
    on: SupportNames = ()
    inside: PathName | None = None
    position: Annotated[Point | None, Field(validation_alias="at", serialization_alias="at")] = None
    center: Point | None = None
    relative_to: PathName | None = None
    depth: Depth = 0.0
    filler: MaterialLike | None = None
    gap_fill: MaterialLike | None = None
    frame: Extent | None = None
    height_to: Annotated[
        HeightTarget | None, Field(validation_alias="height", serialization_alias="height")
    ] = None
    overhang: bool = False
    rotate: Literal[0, 90, 180, 270] = 0
    flip: bool = False
    limit: Temperature | None = None
    power: PowerValue | None = None
    diameter: Extent | None = None
    leakage: Leakage | None = None

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return the fields of a stack; a diameter gives its size."""
        return size_from_diameter(value)

    def __post_init__(self) -> None:
        """Check the diameter, and distribute the power of the stack over its layers."""
        check_diameter(self.diameter, self.size, "Stack")
        self._check_leakage()
        if self.power is None or not self.layers:
            return
        try:
            powers = distribute_power(self.power, [layer.power for layer in self.layers], self.size)
        except PydanticCustomError as error:
            details = InitErrorDetails(type=error, loc=("power",), input=self.power)
            raise ValidationError.from_exception_data("Stack", [details]) from None
        layers = (
            layer if power is layer.power else replace(layer, power=power)
            for layer, power in zip(self.layers, powers, strict=True)
        )
        object.__setattr__(self, "layers", tuple(layers))

    def _check_leakage(self) -> None:
        """Raise where the leakage of the stack is not complete, or cannot be distributed over its layers."""
        if self.leakage is None or not self.layers:
            return
        error: PydanticCustomError | None = None
        key: tuple[str, ...] = ()
        if self.leakage.total is None:
            error = fail("E-MISSING", "the leakage of a stack has no total", "write total: 20 W")
        elif self.leakage.law is None:
            hint = "write at: 85 degC and doubles_every: 30 K, beta, table, polynomial or preset"
            error = fail("E-MISSING", "the leakage of a stack has no law", hint)
        else:
            try:
                _ = self.leakage_shares
            except PydanticCustomError as found:
                key, error = ("total",), found
        if error is not None:
            details = InitErrorDetails(type=error, loc=("leakage", *key), input=None)
            raise ValidationError.from_exception_data("Stack", [details])

    @property
    def leakage_shares(self) -> tuple[tuple[LeakageShare, ...], ...]:
        """Return the leakage of each layer: its own, and the part of that of the stack."""
        powers = [layer.power for layer in self.layers]
        return stack_shares(self.leakage, powers, self.size[0] * self.size[1])

    @property
    def described_powers(self) -> tuple[Power | None, ...]:
        """Return the power of each layer as described, before it was scaled to the power of the stack."""
        return described_powers(self.power, [layer.power for layer in self.layers], self.size)

    @property
    def height(self) -> float:
        """Return the sum of the layer thicknesses [m], infinite where one of them is `fill`."""
        return sum(layer.thickness for layer in self.layers)

    @property
    def has_fill(self) -> bool:
        """Return whether the thickness of a layer follows from the neighbours."""
        return any(layer.is_fill for layer in self.layers)

    @property
    def footprint(self) -> tuple[float, float]:
        """Return the width and depth after the rotation [m]."""
        width, depth = self.size
        return (depth, width) if self.rotate in (90, 270) else (width, depth)

    @property
    def corner(self) -> tuple[float, float]:
        """Return the lower-left corner in the frame of the support [m]."""
        return lower_left(self.position, self.center, self.footprint)

    @property
    def supports(self) -> tuple[str, ...]:
        """Return the names of the stacks that it stands on or is inside of."""
        return self.on or ((self.inside,) if self.inside is not None else ())

    @property
    def placed_before(self) -> tuple[str, ...]:
        """Return the names of the stacks on which its position depends."""
        return self.supports if self.relative_to is None else (*self.supports, self.relative_to)

    def at(self, x: float, y: float, name: str | None = None) -> Stack:
        """Return a copy with its lower-left corner at (x, y) [m], renamed if `name` is given."""
        return replace(self, position=(x, y), center=None, name=name or self.name)
