"""Cooling of the six faces, with the coolers of constant coefficients; `nonlinear_coolers` has the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Discriminator, Field, Tag
from pydantic_core import ArgsKwargs

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.materials.effective_media import MaterialLike
from thermostack.package.nonlinear_coolers import (
    ForcedConvection,
    FreeConvection,
    PoolBoiling,
    Radiation,
    TabulatedConvection,
    check_radiation,
)
from thermostack.schema.fields import (
    Emissivity,
    HeatFlux,
    HeatTransferCoefficient,
    PathName,
    Point,
    SignedPower,
    Size,
    Temperature,
    ThermalResistance,
    Thickness,
    fail,
    quote_value,
)
from thermostack.schema.raster import RasterField
from thermostack.schema.validated_dataclass import TaggedUnion, class_key, described

FACES = ("top", "bottom", "west", "east", "south", "north")  # z+, z-, x-, x+, y-, y+


@described
class Adiabatic:
    """A face that no heat crosses.

    Examples
    --------
    >>> Cooling(surroundings=Adiabatic(), bottom=FixedTemperature(300.0)).face("top")[0].cooler
    Adiabatic()
    """


@described
class HtcMap:
    """Heat-transfer coefficients on equal pixels over the region of a cooler, or over its whole face.

    Parameters
    ----------
    values : array_like, shape (ny, nx)
        Heat-transfer coefficient of each pixel [W/(m2 K)]; row 0 is at the south edge.
    unit : {"W/m2/K"}
        Unit of the values.
    source : str
        File that the values were read from, "" for an array from Python.

    Raises
    ------
    DescriptionError
        Where a value is negative or not finite.

    Examples
    --------
    >>> HtcMap([[1e4, 2e4], [0.0, 1e4]]).values.max()
    np.float64(20000.0)
    """

    values: Annotated[
        np.ndarray, RasterField, Field(validation_alias="map", serialization_alias="map")
    ]  # (ny, nx), row 0 at the south edge
    unit: Literal["W/m2/K"] = "W/m2/K"
    source: str = ""  # the file it was read from

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return an array without a key as the values of the map."""
        return {"values": value} if isinstance(value, (np.ndarray, list, tuple)) else value

    def __post_init__(self) -> None:
        """Raise where a heat-transfer coefficient is negative."""
        if self.values.min() < 0.0:
            negative = np.argwhere(self.values < 0.0)
            row, column = negative[0]
            text = (
                f"{len(negative)} of its pixels are negative, the first {self.values[row, column]:g} "
                f"{self.unit} in row {row + 1} from the south, column {column + 1}"
            )
            raise fail("E-RANGE", text, "write 0 where nothing cools")

    def __eq__(self, other: object) -> bool:
        """Return whether two maps have the same values and the same source."""
        if not isinstance(other, HtcMap):
            return NotImplemented
        return self.source == other.source and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.source, self.values.shape))


def _is_map(value: Any) -> str:
    is_table = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return "@map" if is_table or isinstance(value, (HtcMap, Mapping)) else "@quantity"


HtcField = Annotated[
    Annotated[HeatTransferCoefficient, Tag("@quantity")] | Annotated[HtcMap, Tag("@map")],
    Discriminator(_is_map),
]


@described
class Convection:
    """Convection: heat flux = h (surface temperature - ambient).

    Parameters
    ----------
    h : float, str or HtcMap
        Heat-transfer coefficient [W/(m2 K)]; a map only on the top and the bottom face.
    ambient : float or str
        Ambient temperature [K].
    emissivity : float, optional
        Emissivity of the surface, which radiates as well; not beside a map of h.
    radiates_to : float or str, optional
        Temperature of the surroundings of radiation [K]; by default the ambient.

    Raises
    ------
    DescriptionError
        Where a value is out of range, or text has no unit of the right dimension.

    Examples
    --------
    >>> Convection("10 W/m2/K", "25 degC").ambient
    298.15
    """

    h: HtcField
    ambient: Temperature
    emissivity: Emissivity | None = None
    radiates_to: Temperature | None = None

    def __post_init__(self) -> None:
        """Check the fields of radiation."""
        _check_radiation(self)


@described
class FixedTemperature:
    """A surface of fixed temperature.

    Parameters
    ----------
    temperature : float or str
        Temperature of the surface [K].

    Examples
    --------
    >>> FixedTemperature("85 degC").temperature
    358.15
    """

    temperature: Temperature


@described
class FixedFlux:
    """A fixed heat flux into the body (negative: out of it), per area or as a total over the face.

    Parameters
    ----------
    flux : float or str, optional
        Heat flux [W/m2].
    heat : float or str, optional
        Heat rate [W], distributed evenly over the area that the cooler covers.

    Raises
    ------
    DescriptionError
        Unless exactly one of the two is given.

    Examples
    --------
    >>> FixedFlux(heat="5 W").heat
    5.0
    """

    flux: HeatFlux | None = None
    heat: SignedPower | None = None

    def __post_init__(self) -> None:
        """Raise unless exactly one of flux and heat is given."""
        if (self.flux is None) == (self.heat is None):
            raise fail(
                "E-COOLING", "give exactly one of flux and heat", 'write flux: "1 W/cm2" or heat: "5 W"'
            )


@described
class Base:
    """The solid base plate of a heat sink or cold plate.

    Parameters
    ----------
    material : str, Material or effective medium
        Material of the plate.
    thickness : float or str
        Thickness [m].
    size : pair of float or str, optional
        Width and depth [m]; by default those of the face.
    center : pair of float or str, optional
        Centre in coordinates of the package [m]; by default the centre of the face.
    gap_fill : str, Material or effective medium, optional
        Material between the base and the stacks below it that do not reach up to it; "void" leaves the gaps
        empty. Without it such a gap is an error.

    Examples
    --------
    >>> Base("copper", "3 mm", size=("60 mm", "60 mm")).thickness
    0.003
    """

    material: MaterialLike
    thickness: Thickness
    size: Size | None = None
    center: Point | None = None
    gap_fill: MaterialLike | None = None


@described
class HeatSink:
    """A heat sink, given by its resistance or by its heat-transfer coefficient referred to the cooled face.

    Parameters
    ----------
    ambient : float or str
        Ambient temperature [K].
    resistance : float or str, optional
        Thermal resistance from the cooled face to the ambient [K/W].
    h : float, str or HtcMap, optional
        Heat-transfer coefficient [W/(m2 K)].
    base : Base, optional
        Base plate, which is meshed as a solid.
    emissivity : float, optional
        Emissivity of the surface, which radiates as well; not beside a map of h.
    radiates_to : float or str, optional
        Temperature of the surroundings of radiation [K]; by default the ambient.

    Raises
    ------
    DescriptionError
        Unless exactly one of resistance and h is given.

    Notes
    -----
    A resistance R over the area A of the cooled face is the coefficient h = 1 / (R A).

    Examples
    --------
    >>> HeatSink("25 degC", resistance="0.1 K/W", base=Base("copper", "3 mm")).resistance
    0.1
    """

    ambient: Temperature
    resistance: ThermalResistance | None = None
    h: HtcField | None = None
    base: Base | None = None
    emissivity: Emissivity | None = None
    radiates_to: Temperature | None = None

    def __post_init__(self) -> None:
        """Raise unless exactly one of resistance and h is given; check the fields of radiation."""
        _check_resistance_or_htc(self.resistance, self.h)
        _check_radiation(self)


@described
class ColdPlate:
    """A cold plate, given by its resistance or by its heat-transfer coefficient referred to the cooled face.

    Parameters
    ----------
    coolant : float or str
        Temperature of the coolant [K].
    resistance : float or str, optional
        Thermal resistance from the cooled face to the coolant [K/W].
    h : float, str or HtcMap, optional
        Heat-transfer coefficient [W/(m2 K)].
    base : Base, optional
        Base plate, which is meshed as a solid.
    emissivity : float, optional
        Emissivity of the surface, which radiates as well; not beside a map of h.
    radiates_to : float or str, optional
        Temperature of the surroundings of radiation [K]; by default the coolant.

    Raises
    ------
    DescriptionError
        Unless exactly one of resistance and h is given.

    Notes
    -----
    A resistance R over the area A of the cooled face is the coefficient h = 1 / (R A).

    Examples
    --------
    >>> ColdPlate("40 degC", h="25 kW/m2/K").h
    25000.0
    """

    coolant: Temperature
    resistance: ThermalResistance | None = None
    h: HtcField | None = None
    base: Base | None = None
    emissivity: Emissivity | None = None
    radiates_to: Temperature | None = None

    def __post_init__(self) -> None:
        """Raise unless exactly one of resistance and h is given; check the fields of radiation."""
        _check_resistance_or_htc(self.resistance, self.h)
        _check_radiation(self)


def _check_resistance_or_htc(resistance: float | None, h: float | HtcMap | None) -> None:
    if (resistance is None) == (h is None):
        hint = 'write resistance: "0.05 K/W" or h: "25 kW/m2/K"'
        raise fail("E-COOLING", "give exactly one of resistance and h", hint)


def _check_radiation(cooler: Convection | HeatSink | ColdPlate) -> None:
    """Raise where the fields of radiation have no effect, or stand beside a map of h."""
    check_radiation(cooler.emissivity, cooler.radiates_to)
    if cooler.emissivity is not None and isinstance(cooler.h, HtcMap):
        text = "a cooler with a map of h cannot have an emissivity"
        raise fail("E-COOLING", text, "write one h for each of several regions, or remove the emissivity")


COOLER_TYPES = (
    Adiabatic,
    Convection,
    FreeConvection,
    ForcedConvection,
    TabulatedConvection,
    Radiation,
    PoolBoiling,
    FixedTemperature,
    FixedFlux,
    HeatSink,
    ColdPlate,
)
Cooler = Annotated[
    Adiabatic
    | Convection
    | FreeConvection
    | ForcedConvection
    | TabulatedConvection
    | Radiation
    | PoolBoiling
    | FixedTemperature
    | FixedFlux
    | HeatSink
    | ColdPlate,
    TaggedUnion(COOLER_TYPES),
]
AMBIENT_FIELDS = ("ambient", "coolant", "pool", "temperature", "radiates_to")  # temperatures of coolers


def is_cooling(cooler: Cooler) -> bool:
    """Return whether heat can leave through a cooler to a given temperature."""
    if isinstance(cooler, (Adiabatic, FixedFlux)):
        return False
    if getattr(cooler, "emissivity", None) is not None:
        return True
    h = getattr(cooler, "h", None)
    return bool(h.values.any()) if isinstance(h, HtcMap) else h != 0.0


@described
class FaceRectangle:
    """A rectangle on a face: in x and y on top and bottom, in x or y and z on the four sides.

    Parameters
    ----------
    position : tuple of float
        Lower-left corner [m]; the key in a file is `at`.
    size : tuple of float
        Width and height [m].

    Examples
    --------
    >>> from thermostack import FaceRectangle
    >>> FaceRectangle(("1 mm", "2 mm"), ("10 mm", "10 mm")).size
    (0.01, 0.01)
    """

    position: Annotated[Point, Field(validation_alias="at", serialization_alias="at")]
    size: Size


@described
class FaceCooling:
    """A cooler on a face of the body, or on a region or a part of it.

    A face is all exposed surface whose normal has its direction: `top` looks up.

    Parameters
    ----------
    cooler : Adiabatic, Convection, FreeConvection, FixedTemperature, HeatSink, ColdPlate or another cooler
        Boundary condition of the face.
    region : FaceRectangle, optional
        Rectangle of the face on which the cooler acts; without it the whole face.
    part : str, optional
        Name of a part or a stack; the cooler acts on its surface only.
    on : {"highest", "lowest", "all"}, optional
        "highest": the outermost plane of the chosen surface alone, which is called "lowest" on `bottom`;
        "all": every plane. By default convection, radiation, boiling and adiabatic surfaces lie on all
        planes, and heat sinks and cold plates on the outermost one. A fixed temperature or flux needs it
        where there are several planes.

    Examples
    --------
    >>> from thermostack import Convection, Cooling, FaceCooling, FaceRectangle
    >>> window = FaceRectangle((0.0, 0.0), ("5 mm", "5 mm"))
    >>> cooling = Cooling(top=FaceCooling(Convection(2000.0, 300.0), window))
    >>> cooling.top[0].region == window
    True
    """

    cooler: Cooler
    region: FaceRectangle | None = None
    part: PathName | None = None
    on: Literal["highest", "lowest", "all"] | None = None

    @property
    def planes(self) -> Literal["highest", "all"] | None:
        """Return the planes on which the cooler acts, None where the description must say it."""
        if self.on == "lowest":  # the outermost plane of the bottom
            return "highest"
        if self.on is not None or isinstance(self.cooler, (FixedTemperature, FixedFlux)):
            return self.on
        return "highest" if isinstance(self.cooler, (HeatSink, ColdPlate)) else "all"

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return the fields of `{convection: {...}, region: {...}, part: gpu, on: highest}`."""
        if isinstance(value, COOLER_TYPES):
            return {"cooler": value}
        if isinstance(value, Mapping) and "cooler" not in value:
            beside = {key: item for key, item in value.items() if key in ("region", "part", "on")}
            return {"cooler": {key: item for key, item in value.items() if key not in beside}, **beside}
        if not isinstance(value, (Mapping, ArgsKwargs)):
            kinds = ", ".join(class_key(kind) for kind in COOLER_TYPES)
            hint = f"it is one of {kinds}: {{fixed_temperature: {{temperature: 25 degC}}}}"
            given = "an empty value (null)" if value is None else quote_value(value)
            raise fail("E-TYPE", f"{given} is not a cooler", hint)
        return value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


FaceCoolings = Annotated[tuple[FaceCooling, ...], BeforeValidator(_as_list)]


@described
class Cooling:
    """The coolers of each face of the body; a later entry of a face covers an earlier one.

    Surfaces without a cooler are adiabatic.

    Parameters
    ----------
    top, bottom : cooler or sequence of coolers
        Coolers of the exposed surface that looks up and of that which looks down. Heat sinks and cold plates
        lie on its outermost plane alone, see `FaceCooling`.
    west, east, south, north : cooler or sequence of coolers
        Coolers of the exposed surface that looks to -x, +x, -y and +y.
    surroundings : cooler or sequence of coolers
        Coolers of the exposed surface that no other cooler covers.
    isolated : bool
        True permits a package without any ambient temperature. Only transients of it exist: a heated body
        that is isolated has no steady state.

    Raises
    ------
    DescriptionError
        With every entry that is no cooler.

    Examples
    --------
    >>> cooling = Cooling(top=HeatSink("25 degC", "0.1 K/W"), surroundings=Convection(10.0, 298.15))
    >>> [face for face, _ in cooling]
    ['top', 'surroundings']
    """

    top: FaceCoolings = ()
    bottom: FaceCoolings = ()
    west: FaceCoolings = ()
    east: FaceCoolings = ()
    south: FaceCoolings = ()
    north: FaceCoolings = ()
    surroundings: FaceCoolings = ()
    isolated: bool = False

    def face(self, face: str) -> tuple[FaceCooling, ...]:
        """Return the coolers of a face; those of the surroundings where it has none of its own."""
        if face not in (*FACES, "surroundings"):
            hint = f"the faces are {', '.join(FACES)} and surroundings"
            raise UnknownNameError(Diagnostic("face", f"no face is named {face!r}", hint, "E-NAME"))
        own: tuple[FaceCooling, ...] = getattr(self, face)
        return own or self.surroundings

    def __iter__(self) -> Iterator[tuple[str, FaceCooling]]:
        """Yield every cooler with its face or "surroundings"."""
        for face in (*FACES, "surroundings"):
            for entry in getattr(self, face):
                yield face, entry
