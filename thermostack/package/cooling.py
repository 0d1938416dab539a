"""Who cools: films, fixed temperatures, fixed fluxes, heat sinks and cold plates, face by face."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Discriminator, Field, Tag

from thermostack.materials.effective_media import MaterialLike
from thermostack.mesh.area_overlap import overlap_fractions
from thermostack.schema.fields import (
    HeatFlux,
    HeatTransferCoefficient,
    Point,
    SignedPower,
    Size,
    Temperature,
    ThermalResistance,
    Thickness,
    fail,
)
from thermostack.schema.raster import RasterField
from thermostack.schema.validated_dataclass import TaggedUnion, described

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 in m

FACES = ("top", "bottom", "west", "east", "south", "north")  # z+, z-, x-, x+, y-, y+


@described
class Adiabatic:
    """No heat crosses."""


@described
class HtcMap:
    """Films [W/(m2 K)] of equal pixels over the region that a cooler is on, or over its whole face."""

    values: Annotated[
        np.ndarray, RasterField, Field(validation_alias="map", serialization_alias="map")
    ]  # (ny, nx), row 0 at the south edge
    unit: Literal["W/m2/K"] = "W/m2/K"
    source: str = ""  # the file it was read from

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return a bare table as the values."""
        return {"values": value} if isinstance(value, (np.ndarray, list, tuple)) else value

    def __post_init__(self) -> None:
        """Check that no film is below zero."""
        if self.values.min() < 0.0:
            where = np.argwhere(self.values < 0.0)
            row, column = where[0]
            text = (
                f"{len(where)} of its pixels are negative, the first {self.values[row, column]:g} "
                f"{self.unit} in row {row + 1} from the south, column {column + 1}"
            )
            raise fail("E-RANGE", text, "0 where nothing cools")

    def __eq__(self, other: object) -> bool:
        """Return whether two maps are the same drawing."""
        if not isinstance(other, HtcMap):
            return NotImplemented
        return self.source == other.source and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.source, self.values.shape))

    def on(self, x: np.ndarray, y: np.ndarray, rectangle: Rectangle, face: Rectangle) -> np.ndarray:
        """Return the film [W/(m2 K)] of each cell between the planes x and y [m], (ny, nx).

        The map covers `rectangle`; what of it lies beyond the `face` cools nothing. A cell has the mean
        of the pixels it overlaps, weighted by area, so the sum of film times area is that of the map.
        """
        rows, columns = self.values.shape
        across = np.clip(np.linspace(rectangle[0], rectangle[2], columns + 1), face[0], face[2])
        along = np.clip(np.linspace(rectangle[1], rectangle[3], rows + 1), face[1], face[3])
        conductance = self.values * np.diff(along)[:, None] * np.diff(across)  # W/K of each pixel
        spread = (overlap_fractions(x, across) @ (overlap_fractions(y, along) @ conductance).T).T
        film: np.ndarray = spread / (np.diff(y)[:, None] * np.diff(x))
        return film


def _is_map(value: Any) -> str:
    return "@map" if isinstance(value, (HtcMap, Mapping, np.ndarray, list, tuple)) else "@quantity"


HtcField = Annotated[
    Annotated[HeatTransferCoefficient, Tag("@quantity")] | Annotated[HtcMap, Tag("@map")],
    Discriminator(_is_map),
]


@described
class Convection:
    """A film: heat flux = h (surface temperature - ambient)."""

    h: HtcField
    ambient: Temperature


@described
class FixedTemperature:
    """The surface itself is held at a temperature."""

    temperature: Temperature


@described
class FixedFlux:
    """Heat that enters through the surface (negative: leaves): per area, or in all over the face."""

    flux: HeatFlux | None = None
    heat: SignedPower | None = None

    def __post_init__(self) -> None:
        """Check that exactly one of the two is given."""
        if (self.flux is None) == (self.heat is None):
            raise fail(
                "E-COOLING", "exactly one of flux and heat is due", 'write flux: "1 W/cm2" or heat: "5 W"'
            )


@described
class Base:
    """The solid base of a cooler: a plate that covers the face and spreads the heat."""

    material: MaterialLike
    thickness: Thickness
    size: Size | None = None  # None: as large as the face
    center: Point | None = None  # in the frame of the package; None: centred on the face


@described
class HeatSink:
    """A heat sink: its resistance from the cooled face to the air, or its film referred to that face."""

    ambient: Temperature
    resistance: ThermalResistance | None = None
    h: HtcField | None = None
    base: Base | None = None

    def __post_init__(self) -> None:
        """Check that exactly one of resistance and h is given."""
        _check_one_law(self.resistance, self.h)


@described
class ColdPlate:
    """A cold plate: its resistance from the cooled face to the coolant, or its film referred to that face."""

    coolant: Temperature
    resistance: ThermalResistance | None = None
    h: HtcField | None = None
    base: Base | None = None

    def __post_init__(self) -> None:
        """Check that exactly one of resistance and h is given."""
        _check_one_law(self.resistance, self.h)


def _check_one_law(resistance: float | None, h: float | HtcMap | None) -> None:
    if (resistance is None) == (h is None):
        remedy = 'write resistance: "0.05 K/W" or h: "25 kW/m2/K"'
        raise fail("E-COOLING", "exactly one of resistance and h is due", remedy)


KINDS = (Adiabatic, Convection, FixedTemperature, FixedFlux, HeatSink, ColdPlate)
Cooler = Annotated[
    Adiabatic | Convection | FixedTemperature | FixedFlux | HeatSink | ColdPlate, TaggedUnion(KINDS)
]


@described
class FaceRectangle:
    """A rectangle of a face: in x and y of the package for top and bottom, along the face and z for sides."""

    position: Annotated[Point, Field(validation_alias="at", serialization_alias="at")]
    size: Size


@described
class FaceCooling:
    """A cooler, on a whole face or on a region of it."""

    cooler: Cooler
    region: FaceRectangle | None = None

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return `{convection: {...}, region: {...}}` as cooler and region."""
        if isinstance(value, KINDS):
            return {"cooler": value}
        if isinstance(value, Mapping) and "cooler" not in value:
            rest = {key: item for key, item in value.items() if key != "region"}
            return {"cooler": rest, **({"region": value["region"]} if "region" in value else {})}
        return value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


FaceCoolings = Annotated[tuple[FaceCooling, ...], BeforeValidator(_as_list)]


@described
class Cooling:
    """How each face of the body is cooled; a later entry of a face covers an earlier one.

    `top` and `bottom` are the exposed faces at the highest and the lowest plane of the body, the sides
    those at its westmost (x-), eastmost (x+), southmost (y-) and northmost (y+) planes. `surroundings`
    cool every other exposed face, and every face that is not named. What nothing cools is adiabatic.
    `isolated` says that nothing may fix the temperature, for a transient: at rest it would have no end.
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
        """Return what cools a face, the surroundings where nothing else is said."""
        given: tuple[FaceCooling, ...] = getattr(self, face)
        return given or self.surroundings

    def __iter__(self) -> Iterator[tuple[str, FaceCooling]]:
        """Yield every entry with its face."""
        for face in (*FACES, "surroundings"):
            for cooled in getattr(self, face):
                yield face, cooled


@dataclass(frozen=True)
class RobinCoefficients:
    """What a cooler does to a piece of surface: heat out = area (h (T - temperature) - flux)."""

    h: float  # W/(m2 K), infinite where the surface temperature is fixed
    temperature: float  # K
    flux: float = 0.0  # W/m2 into the body


def robin_coefficients(cooler: Cooler, area: float) -> RobinCoefficients:
    """Return what a cooler does to each square metre of its `area` [m2], by the mean of its map."""
    if isinstance(cooler, Convection):
        return RobinCoefficients(_mean(cooler.h), cooler.ambient)
    if isinstance(cooler, FixedTemperature):
        return RobinCoefficients(math.inf, cooler.temperature)
    if isinstance(cooler, FixedFlux):
        flux = cooler.flux if cooler.flux is not None else (cooler.heat or 0.0) / area
        return RobinCoefficients(0.0, 0.0, flux)
    if isinstance(cooler, (HeatSink, ColdPlate)):
        outside = cooler.ambient if isinstance(cooler, HeatSink) else cooler.coolant
        if cooler.h is not None:
            return RobinCoefficients(_mean(cooler.h), outside)
        return RobinCoefficients(1.0 / (cooler.resistance * area), outside)  # type: ignore[operator]
    return RobinCoefficients(0.0, 0.0)


def _mean(h: float | HtcMap) -> float:
    return float(h.values.mean()) if isinstance(h, HtcMap) else h
