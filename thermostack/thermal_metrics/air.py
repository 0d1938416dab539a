"""Heat-transfer coefficients of air: free convection, a plate in a stream, and radiation."""

from __future__ import annotations

import math
from dataclasses import dataclass

GRAVITY = 9.80665  # m/s2
STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m2 K4)
PRESSURE, GAS_CONSTANT = 101325.0, 287.05  # Pa, J/(kg K)
SPECIFIC_HEAT = 1007.0  # J/(kg K), of air near 320 K
MAX_LAMINAR_RAYLEIGH = 1e7  # of a horizontal plate that looks up


@dataclass(frozen=True)
class AirProperties:
    """Properties of dry air at one atmosphere."""

    conductivity: float  # W/(m K)
    kinematic_viscosity: float  # m2/s
    prandtl: float


def air_properties(temperature: float) -> AirProperties:
    """Return the properties of air at a temperature [K].

    Viscosity and conductivity follow Sutherland's law (White, Viscous Fluid Flow, tables 1-2 and 1-3), the
    density the law of ideal gases.
    """
    ratio = temperature / 273.15
    viscosity = 1.716e-5 * ratio**1.5 * (273.15 + 110.6) / (temperature + 110.6)
    conductivity = 0.0241 * ratio**1.5 * (273.15 + 194.0) / (temperature + 194.0)
    density = PRESSURE / (GAS_CONSTANT * temperature)
    return AirProperties(conductivity, viscosity / density, viscosity * SPECIFIC_HEAT / conductivity)


def rayleigh_number(surface: float, ambient: float, length: float) -> float:
    """Return the Rayleigh number of a surface [K] in air [K] for a length [m]."""
    mean = 0.5 * (surface + ambient)
    air = air_properties(mean)
    buoyancy = GRAVITY * abs(surface - ambient) / mean
    return buoyancy * length**3 / air.kinematic_viscosity**2 * air.prandtl


def free_convection(surface: float, ambient: float, length: float, orientation: str) -> float:
    """Return the mean coefficient of free convection [W/(m2 K)] of a hot surface in still air.

    `orientation` is "up", "down" or "vertical"; `length` [m] is area over perimeter of a horizontal plate,
    and the height of a vertical one. The correlations are those of McAdams for horizontal plates and of
    Churchill and Chu for a vertical one (Incropera and DeWitt, chapter 9), with air at the mean temperature.
    A surface colder than the air exchanges the heat of the opposite orientation.
    """
    air = air_properties(0.5 * (surface + ambient))
    rayleigh = rayleigh_number(surface, ambient, length)
    if surface < ambient:
        orientation = {"up": "down", "down": "up"}.get(orientation, orientation)
    if orientation == "up":
        is_laminar = rayleigh <= MAX_LAMINAR_RAYLEIGH
        nusselt = 0.54 * rayleigh**0.25 if is_laminar else 0.15 * rayleigh ** (1.0 / 3.0)
    elif orientation == "down":
        nusselt = 0.27 * rayleigh**0.25
    else:
        nusselt = 0.68 + 0.663 * rayleigh**0.25 / (1.0 + (0.492 / air.prandtl) ** (9 / 16)) ** (4 / 9)
    return float(nusselt * air.conductivity / length)


def forced_convection(surface: float, ambient: float, speed: float, length: float) -> float:
    """Return the mean coefficient of laminar flow along a plate [W/(m2 K)], Nu = 0.664 Re^1/2 Pr^1/3.

    `speed` is in m/s, `length` [m] along the flow.
    """
    air = air_properties(0.5 * (surface + ambient))
    reynolds = speed * length / air.kinematic_viscosity
    nusselt = 0.664 * math.sqrt(reynolds) * air.prandtl ** (1.0 / 3.0)
    return float(nusselt * air.conductivity / length)


def radiation(surface: float, ambient: float, emissivity: float) -> float:
    """Return the coefficient of radiation [W/(m2 K)] between a surface and large surroundings."""
    return emissivity * STEFAN_BOLTZMANN * (surface + ambient) * (surface**2 + ambient**2)
