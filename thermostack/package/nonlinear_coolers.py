"""Coolers whose heat flux is not linear: radiation, free and forced convection, tables, pool boiling."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from thermostack.boundary_laws.boundary_law import TabulatedLaw
from thermostack.boundary_laws.fluids import Fluid, find_fluid, fluids
from thermostack.errors import UnknownNameError
from thermostack.schema.fields import (
    Emissivity,
    Extent,
    HeatFlux,
    HeatTransferCoefficient,
    Temperature,
    Velocity,
    fail,
    quote_value,
)
from thermostack.schema.validated_dataclass import described
from thermostack.units import format_quantity


def _read_fluid(value: Any) -> str:
    """Return the name of a fluid as the list of fluids has it."""
    if not isinstance(value, str):
        hint = f"the fluids are {', '.join(fluids())}"
        raise fail("E-TYPE", f"{quote_value(value)} is not the name of a fluid", hint)
    try:
        return find_fluid(value).name
    except UnknownNameError as error:
        (diagnostic,) = error.diagnostics
        raise fail(diagnostic.code, diagnostic.message, diagnostic.hint) from None


def _as_rows(value: Any) -> Any:
    """Return a table as a list of rows, from a list or an array."""
    value = value.tolist() if hasattr(value, "tolist") else value
    is_table = isinstance(value, (list, tuple)) and all(
        isinstance(row, (list, tuple)) and len(row) == 2 for row in value
    )
    if not is_table:
        hint = "write [[25 degC, 5 W/m2/K], [100 degC, 9 W/m2/K]]"
        raise fail("E-TYPE", f"{quote_value(value)} is not a table with rows of two values", hint)
    return value


FluidName = Annotated[str, BeforeValidator(_read_fluid)]
HtcTable = Annotated[tuple[tuple[Temperature, HeatTransferCoefficient], ...], BeforeValidator(_as_rows)]
FluxTable = Annotated[tuple[tuple[Temperature, HeatFlux], ...], BeforeValidator(_as_rows)]


def check_radiation(emissivity: float | None, radiates_to: float | None) -> None:
    """Raise where a temperature of radiation is given without an emissivity."""
    if radiates_to is not None and emissivity is None:
        text = "radiates_to has no effect without an emissivity"
        raise fail("E-COOLING", text, "add emissivity: 0.9, or remove radiates_to")


def _check_fluid_temperature(fluid: Fluid, temperature: float, noun: str) -> None:
    """Raise where the temperature of a fluid [K] is outside its table."""
    low, high = fluid.range
    if not low <= temperature <= high:
        given = format_quantity(temperature, "temperature")
        text = f"the {noun} {given} is outside the table of {fluid.name}"
        raise fail("E-RANGE", f"{text}, {fluid.range_text()}", "use another fluid or temperature")


def make_table(ambient: float, h: Any, flux: Any) -> TabulatedLaw:
    """Return the law of a table of (temperature [K], h [W/(m2 K)]) or (temperature, flux [W/m2]).

    Raises the error of `fail` where the table is too short, does not ascend, or the flux falls.
    """
    rows = flux if flux is not None else h
    if len(rows) < 2:
        hint = "add a row, or use convection for a constant h"
        raise fail("E-RANGE", f"a table needs at least two rows, not {len(rows)}", hint)
    temperature, values = (tuple(column) for column in zip(*rows, strict=True))
    for n in range(1, len(rows)):
        if temperature[n] <= temperature[n - 1]:
            before, after = (format_quantity(each, "temperature") for each in temperature[n - 1 : n + 1])
            text = f"row {n + 1} of the table: {after} follows {before}"
            raise fail("E-RANGE", text, "sort the rows by ascending temperature, without repetition")
    law = TabulatedLaw(ambient, temperature, values, is_flux=flux is not None)
    if not any(values):
        raise fail("E-RANGE", "all values of the table are zero", "use adiabatic, or write values above zero")
    if text := law.zero_error():
        at = format_quantity(ambient, "temperature")
        raise fail("E-RANGE", text, f"add the row [{at}, 0 W/m2], or correct the ambient")
    if text := law.monotone_error():
        hint = "a steady solution needs a flux that rises; end the table before its maximum"
        raise fail("E-RANGE", text, hint)
    return law


@described
class Radiation:
    """Radiation of a grey surface to large surroundings.

    Parameters
    ----------
    emissivity : float
        Emissivity of the surface, above 0 and up to 1.
    ambient : float or str
        Temperature of the surroundings [K].

    Raises
    ------
    DescriptionError
        Where a value is out of range.

    Notes
    -----
    Heat flux = emissivity sigma (T^4 - ambient^4), with sigma = 5.670374419e-8 W/(m2 K4).

    Examples
    --------
    >>> Radiation(0.9, "25 degC").emissivity
    0.9
    """

    emissivity: Emissivity
    ambient: Temperature


@described
class FreeConvection:
    """Free convection from a plate in a fluid at rest.

    The correlation follows from the direction of each face: up, down, or vertical.

    Parameters
    ----------
    ambient : float or str
        Temperature of the fluid [K].
    length : float or str, optional
        Characteristic length [m]; by default area over perimeter of the faces that the cooler covers, and for
        vertical faces their height.
    fluid : str
        Name of a fluid.
    emissivity : float, optional
        Emissivity of the surface, which radiates as well.
    radiates_to : float or str, optional
        Temperature of the surroundings of radiation [K]; by default the ambient.

    Raises
    ------
    DescriptionError
        Where a value is out of range, or the fluid is unknown.

    Notes
    -----
    Incropera and DeWitt, chapter 9; Churchill and Chu (1975) for vertical plates. Fluid properties are those
    at the mean of surface and ambient temperature.

    Examples
    --------
    >>> FreeConvection("25 degC").fluid
    'air'
    """

    ambient: Temperature
    length: Extent | None = None
    fluid: FluidName = "air"
    emissivity: Emissivity | None = None
    radiates_to: Temperature | None = None

    def __post_init__(self) -> None:
        """Check the temperature of the fluid and the fields of radiation."""
        check_radiation(self.emissivity, self.radiates_to)
        _check_fluid_temperature(find_fluid(self.fluid), self.ambient, "ambient")


@described
class ForcedConvection:
    """Forced convection over a plate along a uniform flow.

    Parameters
    ----------
    ambient : float or str
        Temperature of the fluid [K].
    speed : float or str
        Speed of the flow [m/s].
    length : float or str
        Length of the plate along the flow [m]; the mean coefficient of that length acts everywhere.
    fluid : str
        Name of a fluid.
    emissivity : float, optional
        Emissivity of the surface, which radiates as well.
    radiates_to : float or str, optional
        Temperature of the surroundings of radiation [K]; by default the ambient.

    Raises
    ------
    DescriptionError
        Where a value is out of range, or the fluid is unknown.

    Notes
    -----
    Incropera and DeWitt, section 7.2: laminar, and mixed beyond a Reynolds number of 5e5.

    Examples
    --------
    >>> ForcedConvection("25 degC", "2 m/s", "114.3 mm", emissivity=0.9).speed
    2.0
    """

    ambient: Temperature
    speed: Velocity
    length: Extent
    fluid: FluidName = "air"
    emissivity: Emissivity | None = None
    radiates_to: Temperature | None = None

    def __post_init__(self) -> None:
        """Check the temperature of the fluid and the fields of radiation."""
        check_radiation(self.emissivity, self.radiates_to)
        _check_fluid_temperature(find_fluid(self.fluid), self.ambient, "ambient")


@described
class TabulatedConvection:
    """A table of the heat-transfer coefficient or of the heat flux over the temperature of the surface.

    Parameters
    ----------
    ambient : float or str
        Temperature of the fluid [K].
    h_table : sequence of pairs, optional
        Rows of surface temperature [K] and heat-transfer coefficient [W/(m2 K)]; the key in a file is `h`.
    flux_table : sequence of pairs, optional
        Rows of surface temperature [K] and heat flux out of the body [W/m2]; the key in a file is `flux`.
    emissivity : float, optional
        Emissivity of the surface, which radiates as well.
    radiates_to : float or str, optional
        Temperature of the surroundings of radiation [K]; by default the ambient.

    Raises
    ------
    DescriptionError
        Unless exactly one of the two tables is given, it ascends, and its flux never falls.

    Notes
    -----
    Values between rows are interpolated linearly; beyond the ends the heat-transfer coefficient is constant.

    Examples
    --------
    >>> TabulatedConvection("25 degC", [("25 degC", 5.0), ("100 degC", 9.0)]).h_table
    ((298.15, 5.0), (373.15, 9.0))
    """

    ambient: Temperature
    h_table: Annotated[HtcTable | None, Field(validation_alias="h", serialization_alias="h")] = None
    flux_table: Annotated[FluxTable | None, Field(validation_alias="flux", serialization_alias="flux")] = None
    emissivity: Emissivity | None = None
    radiates_to: Temperature | None = None

    def __post_init__(self) -> None:
        """Raise unless exactly one table is given and its flux rises."""
        check_radiation(self.emissivity, self.radiates_to)
        if (self.h_table is None) == (self.flux_table is None):
            hint = "write h: [[25 degC, 5 W/m2/K], [100 degC, 9 W/m2/K]] or flux: [[25 degC, 0 W/m2], ...]"
            raise fail("E-COOLING", "give exactly one of h and flux", hint)
        make_table(self.ambient, self.h_table, self.flux_table)


@described
class PoolBoiling:
    """Boiling of a pool of liquid at 1 atm on the surface.

    Parameters
    ----------
    fluid : str
        Name of a fluid with a state of boiling.
    pool : float or str
        Temperature of the pool [K], at most that of saturation.
    surface_factor : float, optional
        Factor C_sf of Rohsenow's correlation; it depends on surface and fluid, and the flux changes as its
        power of -3.
    exponent : float
        Exponent n of the Prandtl number in Rohsenow's correlation: 1 for water, 1.7 for other liquids.
    critical_flux_factor : float
        Factor of the critical heat flux: 0.131 of Zuber for an infinite surface, 0.149 for a large plate.
    flux_table : sequence of pairs, optional
        Measured rows of surface temperature [K] and heat flux [W/m2], instead of `surface_factor`; the key in
        a file is `flux`.
    length : float or str, optional
        Characteristic length of free convection below boiling [m], as that of `FreeConvection`.

    Raises
    ------
    DescriptionError
        Where a value is out of range, the fluid cannot boil, the pool is above saturation, or not exactly one
        of `surface_factor` and `flux` is given.

    Notes
    -----
    The larger of the fluxes of boiling and of free convection to the pool acts. A pool below saturation
    raises the critical heat flux (Ivey and Morris).

    Examples
    --------
    >>> PoolBoiling("FC-72", "50 degC", surface_factor=0.0053).critical_flux_factor
    0.149
    """

    fluid: FluidName
    pool: Temperature
    surface_factor: Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] | None = None
    exponent: Annotated[float, Field(gt=0.0, le=5.0, allow_inf_nan=False)] = 1.7
    critical_flux_factor: Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] = 0.149
    flux_table: Annotated[FluxTable | None, Field(validation_alias="flux", serialization_alias="flux")] = None
    length: Extent | None = None

    def __post_init__(self) -> None:
        """Check that the fluid boils, and how its flux is given."""
        fluid = find_fluid(self.fluid)
        if fluid.saturation is None:
            able = ", ".join(name for name, each in fluids().items() if each.saturation is not None)
            hint = f"use one of {able}, or give measured fluxes to tabulated_convection"
            raise fail("E-COOLING", f"{fluid.name} has no data of boiling", hint)
        saturation = format_quantity(fluid.saturation.temperature, "temperature")
        if self.pool > fluid.saturation.temperature:
            pool = format_quantity(self.pool, "temperature")
            text = f"the pool, {pool}, is above saturation, {saturation} at 1 atm"
            raise fail("E-RANGE", text, f"write a pool up to {saturation}")
        _check_fluid_temperature(fluid, self.pool, "pool")
        if (self.surface_factor is None) == (self.flux_table is None):
            hint = "write surface_factor: 0.0053, measured for this surface and fluid, or flux: [[T, q], ...]"
            raise fail("E-COOLING", "give exactly one of surface_factor and flux", hint)
        if self.flux_table is not None:
            make_table(self.pool, None, self.flux_table)
