"""Thresholds of the warnings about unusual values and results; docs/guide/warnings.md lists them."""

from __future__ import annotations

import math
from typing import NamedTuple

from thermostack.units import format_quantity


class UsualRange(NamedTuple):
    """Bounds of a quantity [SI]: a value outside them is possible, but its unit is probably wrong.

    >>> USUAL_HTC.contains(2e6), str(USUAL_HTC)
    (False, '1 W/m2/K to 1000 kW/m2/K')
    """

    min: float
    max: float
    dimension: str

    def contains(self, value: float) -> bool:
        """Return whether a value [SI] lies within the bounds."""
        return self.min <= value <= self.max

    def excess(self, value: float) -> float:
        """Return a value [SI] relative to the bound that it exceeds, more than 1 outside the bounds."""
        return max(value / self.max, self.min / value if value > 0.0 else math.inf)

    def __str__(self) -> str:
        """Return the bounds with their units."""
        low, high = (format_quantity(bound, self.dimension) for bound in (self.min, self.max))
        return f"{low} to {high}"


# Materials. An aerogel has 1e-2 W/(m K), diamond 2e3; a foam has 0.1 MJ/(m3 K), water 4.2.
USUAL_CONDUCTIVITY = UsualRange(1e-3, 1e4, "conductivity")
USUAL_HEAT_CAPACITY = UsualRange(0.1e6, 6e6, "volumetric_heat_capacity")

# Layers, by the kind of their material: a thicker one probably has the wrong unit or the wrong material.
MAX_USUAL_THICKNESS = {"wiring": 1e-3, "deposited": 1e-3, "interface": 5e-3}  # m

# Cooling. Conduction through still air over 30 mm gives 1 W/(m2 K); jets and boiling reach a few 1e5.
USUAL_AMBIENT = UsualRange(173.15, 673.15, "temperature")
USUAL_HTC = UsualRange(1.0, 1e6, "heat_transfer_coefficient")

# Power. Hot spots of processors reach 1e7 W/m2; single transistors are smaller than a block should be.
MAX_USUAL_HEAT_FLUX = 1e8  # W/m2
MIN_USUAL_BLOCK_WIDTH = 10e-6  # m
MIN_TEMPERATURE_SPREAD = 1e-6  # K: a body without power whose temperatures differ by less is at rest

# Results.
MAX_USUAL_TEMPERATURE = 1000.0  # K
