"""Correlations of convection and boiling as functions of dimensionless numbers and fluid properties.

The functions take floats or arrays. "published" and "remembered" state how the formula was checked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from thermostack.boundary_laws.fluids import Fluid, PropertyValues, Saturation

GRAVITY = 9.80665  # m/s2, standard gravity


class ValidRange(NamedTuple):
    """Range of a dimensionless number in which a correlation is valid."""

    number: str
    min: float
    max: float


FACING_UP = ValidRange("Rayleigh number", 1e4, 1e11)
FACING_DOWN = ValidRange("Rayleigh number", 1e4, 1e9)
VERTICAL = ValidRange("Rayleigh number", 0.0, 1e9)
ALONG_PLATE = ValidRange("Reynolds number", 1e3, 1e8)


def rayleigh_number(fluid: PropertyValues, difference: np.ndarray, length: float) -> np.ndarray:
    """Return g beta |dT| L3 rho2 cp / (mu k) of a temperature difference [K] and a length [m]."""
    square = fluid.density**2 * fluid.specific_heat / (fluid.viscosity * fluid.conductivity)
    return np.asarray(GRAVITY * fluid.expansion * np.abs(difference) * length**3 * square)


def reynolds_number(fluid: PropertyValues, speed: float, length: float) -> np.ndarray:
    """Return rho V L / mu of a speed [m/s] and a length [m]."""
    return np.asarray(fluid.density * speed * length / fluid.viscosity)


def prandtl_number(fluid: PropertyValues) -> np.ndarray:
    """Return mu cp / k."""
    return np.asarray(fluid.viscosity * fluid.specific_heat / fluid.conductivity)


def nusselt_facing_up(rayleigh: np.ndarray) -> np.ndarray:
    """Return the mean Nusselt number of a warm horizontal plate that faces up, or a cold one that faces down.

    The length is area over perimeter. 0.54 Ra^(1/4) (1e4 to 1e7) and 0.15 Ra^(1/3) (1e7 to 1e11), published:
    Incropera and DeWitt, section 9.6.2, after McAdams and Lloyd and Moran. The larger of the two is used,
    which is continuous; they intersect at Ra = 4.7e6, and up to 1e7 the value is at most 7 % above the first.
    """
    return np.asarray(np.maximum(0.54 * rayleigh**0.25, 0.15 * np.cbrt(rayleigh)))


def nusselt_facing_down(rayleigh: np.ndarray) -> np.ndarray:
    """Return the mean Nusselt number of a warm horizontal plate that faces down, or a cold one that faces up.

    The length is area over perimeter. 0.52 Ra^(1/5) (1e4 to 1e9), remembered: Incropera and DeWitt, 7th
    edition, section 9.6.2, after Radziemska and Lewandowski. The earlier 0.27 Ra^(1/4) begins at 1e5, above
    the Rayleigh number of boards in still air, and is smaller below Ra = 4.9e5.
    """
    return np.asarray(0.52 * rayleigh**0.2)


def nusselt_vertical(rayleigh: np.ndarray, prandtl: np.ndarray) -> np.ndarray:
    """Return the mean Nusselt number of a vertical plate; the length is its height.

    0.68 + 0.670 Ra^(1/4) / [1 + (0.492/Pr)^(9/16)]^(4/9), Ra <= 1e9, remembered: Churchill and Chu, Int. J.
    Heat Mass Transfer 18 (1975) 1323. For large Pr the factor is that of the similarity solution.
    """
    return np.asarray(0.68 + 0.670 * rayleigh**0.25 * vertical_prandtl_factor(prandtl))


def vertical_prandtl_factor(prandtl: np.ndarray) -> np.ndarray:
    """Return 1 / [1 + (0.492/Pr)^(9/16)]^(4/9)."""
    return np.asarray((1.0 + (0.492 / prandtl) ** (9.0 / 16.0)) ** (-4.0 / 9.0))


def nusselt_along_plate(reynolds: np.ndarray, prandtl: np.ndarray) -> np.ndarray:
    """Return the mean Nusselt number of a plate along a uniform flow.

    Laminar 0.664 Re^(1/2) Pr^(1/3); beyond Re = 5e5 (0.037 Re^(4/5) - 871) Pr^(1/3), Pr >= 0.6, Re <= 1e8,
    published: Incropera and DeWitt, section 7.2. The larger of the two is used, which is continuous: they
    intersect at 4.99e5. A turbulent stream, as in most wind tunnels, has 20 to 50 % more (assumed).
    """
    largest = np.maximum(0.664 * np.sqrt(reynolds), 0.037 * reynolds**0.8 - 871.0)
    return np.asarray(largest * np.cbrt(prandtl))


def nucleate_boiling_flux(
    fluid: Fluid, superheat: np.ndarray, surface_factor: float, exponent: float
) -> np.ndarray:
    """Return the heat flux [W/m2] of nucleate boiling at a superheat T_surface - T_saturation [K].

    mu h_fg [g (rho_l - rho_v) / sigma]^(1/2) [cp dT / (C_sf h_fg Pr^n)]^3, 0 without superheat. Remembered:
    Rohsenow, Trans. ASME 74 (1952) 969. The flux changes as C_sf^-3: water on polished copper has 0.0128 and
    n = 1, dielectric fluids 0.003 to 0.0075 and n = 1.7.
    """
    return np.asarray(boiling_coefficient(fluid, surface_factor, exponent) * np.maximum(superheat, 0.0) ** 3)


def boiling_coefficient(fluid: Fluid, surface_factor: float, exponent: float) -> float:
    """Return the flux of `nucleate_boiling_flux` over the cube of the superheat [W/(m2 K3)]."""
    liquid, state = _saturated(fluid)
    buoyancy = GRAVITY * (float(liquid.density) - state.vapour_density) / state.surface_tension
    prandtl = float(prandtl_number(liquid))
    per_kelvin = float(liquid.specific_heat) / (surface_factor * state.latent_heat * prandtl**exponent)
    return float(float(liquid.viscosity) * state.latent_heat * np.sqrt(buoyancy) * per_kelvin**3)


def critical_boiling_flux(fluid: Fluid, factor: float) -> float:
    """Return the largest heat flux of nucleate boiling in a saturated pool [W/m2].

    C h_fg rho_v^(1/2) [sigma g (rho_l - rho_v)]^(1/4), remembered: Zuber (1958) with C = 0.131 for an
    infinite flat surface, Lienhard and Dhir (1973) with 0.149 for a large finite plate.
    """
    liquid, state = _saturated(fluid)
    force = state.surface_tension * GRAVITY * (float(liquid.density) - state.vapour_density)
    return float(factor * state.latent_heat * np.sqrt(state.vapour_density) * force**0.25)


def subcooling_factor(fluid: Fluid, subcooling: float) -> float:
    """Return the factor of the critical heat flux of a pool that is colder than saturation by some kelvin.

    1 + 0.1 (rho_l / rho_v)^(3/4) cp dT / h_fg, remembered: Ivey and Morris, AEEW-R 137 (1962).
    """
    liquid, state = _saturated(fluid)
    ratio = float(liquid.density) / state.vapour_density
    return float(1.0 + 0.1 * ratio**0.75 * float(liquid.specific_heat) * subcooling / state.latent_heat)


def _saturated(fluid: Fluid) -> tuple[PropertyValues, Saturation]:
    """Return the liquid and the state of boiling at 1 atm."""
    if fluid.saturation is None:
        raise ValueError(f"{fluid.name} has no state of boiling")
    return fluid.at(np.array(fluid.saturation.temperature)), fluid.saturation
