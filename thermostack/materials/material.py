"""A material: conductivity along x, y and z, heat capacity, and the source of the values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast, overload

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials.material_kind import Kind, kind_of_names
from thermostack.materials.temperature_laws import (
    Array,
    ArrayAxes,
    Axes,
    CapacityLaw,
    Conductivity,
    ConductivityLaw,
    SpecificHeat,
    VolumetricHeatCapacity,
)
from thermostack.schema.arguments import quantities_in_si
from thermostack.schema.fields import Density, PathName, Temperature, fail
from thermostack.schema.usual_ranges import USUAL_CONDUCTIVITY, USUAL_HEAT_CAPACITY
from thermostack.schema.validated_dataclass import described
from thermostack.units import format_quantity

VOID = "void"  # the space outside the body
ROOM_TEMPERATURE = 300.0  # K, of most handbook values
CAPACITY_TOLERANCE = 1e-3  # relative difference that rounded handbook values may have


@described
class Material:
    """A solid or a resting fluid, homogeneous or taken as such.

    Parameters
    ----------
    name : str
        Name of the material.
    conductivity : float, tuple of 2 or 3 floats, or temperature law
        Conductivity [W/(m K)]: one value, two (in-plane, through-plane), three (x, y, z), or a law.
    density : float, optional
        Density [kg/m3].
    specific_heat : float or temperature law, optional
        Specific heat [J/(kg K)]; with the density it gives the heat capacity.
    volumetric_heat_capacity : float, optional
        Heat capacity [J/(m3 K)], instead of density and specific heat. Only transients need a heat capacity.
    source : str
        Source of the values.
    melting_point : float, optional
        Temperature [K] at which it begins to melt; None for a material that does not melt, and for one that
        is liquid in use. A result above it has a warning.
    kind : {"wiring", "deposited", "interface", "gas"}, optional
        Kind of layer that consists of it: wiring of a die (BEOL), deposited dielectric or semiconductor,
        thermal interface material; or a gas. A layer that is too thick for its kind has a warning. Without it
        the kind follows from the name, see `thermostack.materials.material_kind`.

    Raises
    ------
    DescriptionError
        If a value is out of range, or the fields of the heat capacity are incomplete or disagree.

    Examples
    --------
    >>> silicon = Material("my_silicon", {"power_law": {"at_reference": 148.0, "exponent": 1.3}})
    >>> round(silicon.conductivity_at(400.0)[0], 1)  # W/(m K)
    101.8
    """

    name: PathName
    conductivity: Conductivity  # a ConductivityLaw [W/(m K)]
    density: Density | None = None  # kg/m3
    specific_heat: SpecificHeat | None = None  # J/(kg K), a number or a CapacityLaw
    volumetric_heat_capacity: VolumetricHeatCapacity | None = None  # J/(m3 K), a number or a CapacityLaw
    source: str = ""
    melting_point: Temperature | None = None  # K
    kind: Kind | None = None

    def __post_init__(self) -> None:
        """Check the name, and that the fields of the heat capacity are complete and agree."""
        if self.name == VOID:
            raise fail("E-NAME", "void is the space outside the body, not a material", "choose another name")
        if self.volumetric_heat_capacity is None:
            if (self.density is None) != (self.specific_heat is None):
                given, missing = (
                    ("density", "specific_heat") if self.density else ("specific_heat", "density")
                )
                hint = f"give {missing} as well, or volumetric_heat_capacity alone"
                raise fail("E-MISSING", f"{given} without {missing} is not a heat capacity", hint)
            return
        if self.density is None or self.specific_heat is None:
            return
        product = self.density * _value(self.specific_heat, np.array(ROOM_TEMPERATURE))
        stated = _value(self.volumetric_heat_capacity, np.array(ROOM_TEMPERATURE))
        if not math.isclose(product, stated, rel_tol=CAPACITY_TOLERANCE):
            values = [format_quantity(float(each), "volumetric_heat_capacity") for each in (product, stated)]
            text = f"density times specific_heat is {values[0]}, volumetric_heat_capacity is {values[1]}"
            raise fail("E-RANGE", text, "give only one of them")

    @property
    def law(self) -> ConductivityLaw:
        """Return the temperature law of the conductivity."""
        return cast(ConductivityLaw, self.conductivity)

    @property
    def is_constant(self) -> bool:
        """Return whether the conductivity is independent of temperature."""
        return self.law.is_constant

    @property
    def is_isotropic(self) -> bool:
        """Return whether the conductivity is equal in all directions at every temperature."""
        return self.law.is_isotropic

    @property
    def is_isotropic_in_plane(self) -> bool:
        """Return whether the conductivity is equal along x and y at every temperature."""
        return self.law.is_isotropic_in_plane

    @property
    def temperature_range(self) -> tuple[float, float] | None:
        """Return the range [K] in which the conductivity is known, None if it is constant.

        Outside the range, the conductivity is that of the nearer end, and the solver adds a warning.
        """
        return getattr(self.law, "range", None)  # a law of the user may omit it

    @overload
    def conductivity_at(self, temperature: float | str) -> Axes: ...
    @overload
    def conductivity_at(self, temperature: Array) -> ArrayAxes: ...
    def conductivity_at(self, temperature: float | str | Array) -> Axes | ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at a temperature or at each of an array [K].

        Text has a unit, "85 degC".
        """
        kelvin = quantities_in_si(temperature, "temperature", "temperature")
        values = self.law.evaluate(kelvin)
        if kelvin.ndim > 0:
            return values
        x, y, z = (float(value) for value in values)
        return x, y, z

    @cached_property
    def room_conductivity(self) -> Axes:
        """Return the conductivity [W/(m K)] along x, y and z at `ROOM_TEMPERATURE`."""
        return self.conductivity_at(ROOM_TEMPERATURE)

    @property
    def has_capacity(self) -> bool:
        """Return whether a heat capacity is given; transients need one."""
        return self.volumetric_heat_capacity is not None or self.specific_heat is not None

    @overload
    def capacity_at(self, temperature: float | str) -> float: ...
    @overload
    def capacity_at(self, temperature: Array) -> Array: ...
    def capacity_at(self, temperature: float | str | Array) -> float | Array:
        """Return the heat capacity [J/(m3 K)] at a temperature or at each of an array [K].

        Text has a unit, "85 degC". Raises DescriptionError (E-MISSING) if none is given.
        """
        if not self.has_capacity:
            hint = "give density and specific_heat, or volumetric_heat_capacity"
            diagnostic = Diagnostic(f"materials.{self.name}", "has no heat capacity", hint, "E-MISSING")
            raise DescriptionError(diagnostic)
        kelvin = quantities_in_si(temperature, "temperature", "temperature")
        if self.volumetric_heat_capacity is not None:
            capacity = _value(self.volumetric_heat_capacity, kelvin)
        else:
            capacity = cast(float, self.density) * _value(self.specific_heat, kelvin)
        return capacity if kelvin.ndim > 0 else float(capacity)

    @property
    def has_constant_capacity(self) -> bool:
        """Return whether the heat capacity, if any, is independent of temperature."""
        return not isinstance(self.volumetric_heat_capacity, CapacityLaw) and (
            self.volumetric_heat_capacity is not None or not isinstance(self.specific_heat, CapacityLaw)
        )

    def kind_in(self, layer: str = "") -> Kind | None:
        """Return its kind in a layer of a name: as stated, or by its own name or that of the layer."""
        return self.kind or kind_of_names(self.name, layer)

    @property
    def capacity_range(self) -> tuple[float, float] | None:
        """Return the range [K] in which the heat capacity is known, None if it is constant."""
        for capacity in (self.volumetric_heat_capacity, self.specific_heat):
            if isinstance(capacity, CapacityLaw):
                return capacity.range
        return None

    def warnings(self) -> tuple[Diagnostic, ...]:
        """Return W-RANGE for a conductivity and for a heat capacity outside the usual range."""
        return self._warnings

    @cached_property
    def _warnings(self) -> tuple[Diagnostic, ...]:
        return (*self._conductivity_warnings(), *self._capacity_warnings())

    def _conductivity_warnings(self) -> Iterator[Diagnostic]:
        if self.law.is_expensive:  # it lies between those of the constituents, which have their own warnings
            return
        ends = self.temperature_range or (ROOM_TEMPERATURE,)
        values = [value for end in ends for value in self.conductivity_at(end)]
        worst = max(values, key=USUAL_CONDUCTIVITY.excess)
        if not USUAL_CONDUCTIVITY.contains(worst):
            low, high = USUAL_CONDUCTIVITY.min, USUAL_CONDUCTIVITY.max
            shown = format_quantity(worst, "conductivity")
            text = f"{self.name} has a conductivity of {shown}, outside {low:g} to {high:g} W/m/K"
            yield Diagnostic("conductivity", text, "check the unit", "W-RANGE")

    def _capacity_warnings(self) -> Iterator[Diagnostic]:
        if not self.has_capacity:
            return
        ends = self.capacity_range or (ROOM_TEMPERATURE,)
        worst = max((self.capacity_at(end) for end in ends), key=USUAL_HEAT_CAPACITY.excess)
        low, high = USUAL_HEAT_CAPACITY.min, USUAL_HEAT_CAPACITY.max
        if worst > high or (worst < low and self.kind_in() != "gas"):
            shown = format_quantity(worst, "volumetric_heat_capacity")
            is_per_volume = self.volumetric_heat_capacity is not None
            name = "volumetric_heat_capacity" if is_per_volume else "density times specific_heat"
            text = f"{name} of {self.name} is {shown}, outside {low / 1e6:g} to {high / 1e6:g} MJ/m3/K"
            hint = "check the units" if worst > high else "check the units; a gas needs kind: gas"
            key = "volumetric_heat_capacity" if is_per_volume else "density"
            yield Diagnostic(key, text, hint, "W-RANGE", path=(key,))


@dataclass(frozen=True)
class EffectiveHeatCapacity(CapacityLaw):
    """Heat capacity [J/(m3 K)] of an effective medium, the mean by volume."""

    shares: tuple[float, ...]
    materials: tuple[Material, ...]  # of the constituents

    @property
    def range(self) -> tuple[float, float] | None:  # type: ignore[override]  # read-only here
        """Return the range [K] in which the capacities of all constituents are known."""
        ranges = [known for part in self.materials if (known := part.capacity_range) is not None]
        return (max(low for low, _ in ranges), min(high for _, high in ranges)) if ranges else None

    def evaluate(self, temperature: Array) -> Array:
        """Return the capacity [J/(m3 K)] at temperatures [K]."""
        return np.asarray(
            sum(
                share * part.capacity_at(temperature)
                for share, part in zip(self.shares, self.materials, strict=True)
            )
        )

    @property
    def written(self) -> Any:
        """Raise TypeError: a file contains the effective medium, not this law."""
        raise TypeError("write the effective medium of this law")


def _value(capacity: Any, temperature: Array) -> Array:
    """Return a capacity, given as a number or a law, at temperatures [K], in their shape."""
    if isinstance(capacity, CapacityLaw):
        return capacity.evaluate(temperature)
    return np.broadcast_to(np.float64(capacity), temperature.shape)
