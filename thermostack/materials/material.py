"""A material: its conductivity along x, y and z and its heat capacity, and where the numbers come from."""

from __future__ import annotations

import math
from typing import Any, cast, overload

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
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
from thermostack.schema.fields import Density, PathName, fail
from thermostack.schema.validated_dataclass import described
from thermostack.units import format_quantity

VOID = "void"  # space outside the body, not a material
ROOM_TEMPERATURE = 300.0  # K, where handbooks state their values
USUAL_CONDUCTIVITY = (1e-3, 1e4)  # W/(m K): from an aerogel to more than diamond
CAPACITY_AGREEMENT = 1e-3  # relative: what the rounding of handbook numbers explains


@described
class Material:
    """A solid or a resting fluid, homogeneous or taken as such.

    `conductivity` is one quantity, two (in-plane, through-plane), three (x, y, z), or a law of
    temperature. The heat capacity is `density` times `specific_heat`, or `volumetric_heat_capacity`;
    a steady temperature does not need it.

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

    def __post_init__(self) -> None:
        """Check the name and that the ways to say the heat capacity are complete and agree."""
        if self.name == VOID:
            raise fail("E-NAME", "void is the space outside the body, no material", "choose another name")
        if self.volumetric_heat_capacity is None:
            if (self.density is None) != (self.specific_heat is None):
                given, due = ("density", "specific_heat") if self.density else ("specific_heat", "density")
                remedy = f"give {due} as well, or volumetric_heat_capacity alone"
                raise fail("E-MISSING", f"{given} without {due} is no heat capacity", remedy)
            return
        if self.density is None or self.specific_heat is None:
            return
        product = self.density * _value(self.specific_heat, np.array(ROOM_TEMPERATURE))
        stated = _value(self.volumetric_heat_capacity, np.array(ROOM_TEMPERATURE))
        if not math.isclose(product, stated, rel_tol=CAPACITY_AGREEMENT):
            both = [format_quantity(float(each), "volumetric_heat_capacity") for each in (product, stated)]
            text = f"density times specific_heat is {both[0]}, volumetric_heat_capacity {both[1]}"
            raise fail("E-RANGE", text, "give one of the two")

    @property
    def law(self) -> ConductivityLaw:
        """Return how the conductivity depends on temperature."""
        return cast(ConductivityLaw, self.conductivity)

    @property
    def is_constant(self) -> bool:
        """True where the conductivity does not depend on temperature."""
        return self.law.is_constant

    @property
    def is_isotropic(self) -> bool:
        """True where the conductivity is alike in all directions, at every temperature."""
        return self.law.is_isotropic

    @property
    def is_isotropic_in_plane(self) -> bool:
        """True where the conductivity is alike along x and y, at every temperature."""
        return self.law.is_isotropic_in_plane

    @property
    def temperature_range(self) -> tuple[float, float] | None:
        """Return the temperatures [K] between which the conductivity is known, None where it is constant.

        Outside them the value at the nearer end is taken, and whoever evaluates it there says so.
        """
        return self.law.range

    @overload
    def conductivity_at(self, temperature: float) -> Axes: ...
    @overload
    def conductivity_at(self, temperature: Array) -> ArrayAxes: ...
    def conductivity_at(self, temperature: float | Array) -> Axes | ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at a temperature [K], or at each of an array."""
        values = self.law.evaluate(np.asarray(temperature, dtype=np.float64))
        if np.ndim(temperature) > 0:
            return values
        x, y, z = (float(value) for value in values)
        return x, y, z

    @property
    def has_capacity(self) -> bool:
        """True where a heat capacity is given, which transients need."""
        return self.volumetric_heat_capacity is not None or self.specific_heat is not None

    @overload
    def capacity_at(self, temperature: float) -> float: ...
    @overload
    def capacity_at(self, temperature: Array) -> Array: ...
    def capacity_at(self, temperature: float | Array) -> float | Array:
        """Return the heat capacity [J/(m3 K)] at a temperature [K], or at each of an array.

        Raises DescriptionError (E-MISSING) where none is given.
        """
        if not self.has_capacity:
            remedy = "give density and specific_heat, or volumetric_heat_capacity"
            diagnostic = Diagnostic(f"materials.{self.name}", "has no heat capacity", remedy, "E-MISSING")
            raise DescriptionError(diagnostic)
        at = np.asarray(temperature, dtype=np.float64)
        if self.volumetric_heat_capacity is not None:
            capacity = _value(self.volumetric_heat_capacity, at)
        else:
            capacity = cast(float, self.density) * _value(self.specific_heat, at)
        return capacity if np.ndim(temperature) > 0 else float(capacity)

    @property
    def has_constant_capacity(self) -> bool:
        """True where the heat capacity, if any, does not depend on temperature."""
        return not isinstance(self.volumetric_heat_capacity, CapacityLaw) and (
            self.volumetric_heat_capacity is not None or not isinstance(self.specific_heat, CapacityLaw)
        )

    def warnings(self) -> tuple[Diagnostic, ...]:
        """Return what is unusual: W-RANGE for a conductivity outside 0.001 to 10000 W/(m K)."""
        low, high = USUAL_CONDUCTIVITY
        ends = self.temperature_range or (ROOM_TEMPERATURE,)
        values = [value for end in ends for value in self.conductivity_at(end)]
        worst = max(values, key=lambda value: abs(math.log(value / math.sqrt(low * high))))
        if low <= worst <= high:
            return ()
        shown = format_quantity(worst, "conductivity")
        text = f"{self.name} conducts {shown}, outside {low:g} to {high:g} W/m/K"
        return (Diagnostic("conductivity", text, "check the unit", "W-RANGE"),)


def _value(capacity: Any, temperature: Array) -> Array:
    """Return a capacity, a number or a law, at temperatures [K] in their shape."""
    if isinstance(capacity, CapacityLaw):
        return capacity.evaluate(temperature)
    return np.broadcast_to(np.float64(capacity), temperature.shape)
