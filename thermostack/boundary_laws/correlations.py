"""Correlations of convection and boiling, as functions of dimensionless numbers or of fluid properties.

Sources: Incropera et al., Fundamentals of Heat and Mass Transfer, chapters 7, 9 and 10 (remembered), unless a
function names another one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.boundary_laws.fluids import Fluid

Array = np.ndarray

GRAVITY = 9.80665  # m/s2
STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m2 K4)
MAX_LAMINAR_RAYLEIGH = 1e9  # of a vertical plate
CRITICAL_REYNOLDS = 5e5  # of a boundary layer on a plate, where it becomes turbulent

UP, DOWN, VERTICAL = "up", "down", "vertical"  # to which side a heated face looks
# Range of the Rayleigh number of each correlation.
RAYLEIGH_RANGES = {UP: (1e4, 1e11), DOWN: (1e5, 1e10), VERTICAL: (1e-1, 1e12)}


def nusselt_free(rayleigh: Array, prandtl: Array, orientation: str) -> Array:
    """Return the mean Nusselt number of free convection at a plate.

    Up (heated, or down and cooled): the larger of 0.54 Ra^1/4 and 0.15 Ra^1/3, which meet near Ra = 5e6.
    Down: 0.27 Ra^1/4. Vertical: Churchill and Chu, Int. J. Heat Mass Transfer 18 (1975) 1323, with their
    laminar formula up to Ra = 1e9, and beyond it the growth of that for turbulent flow. The length is area
    over perimeter of a horizontal face and the height of a vertical one.
    """
    ra = np.maximum(rayleigh, 0.0)
    if orientation == UP:
        return np.asarray(np.maximum(0.54 * ra**0.25, 0.15 * np.cbrt(ra)))
    if orientation == DOWN:
        return np.asarray(0.27 * ra**0.25)
    laminar = 0.68 + 0.670 * np.minimum(ra, MAX_LAMINAR_RAYLEIGH) ** 0.25 / _prandtl_factor(prandtl) ** (
        4.0 / 9.0
    )
    growth = _turbulent(np.maximum(ra, MAX_LAMINAR_RAYLEIGH), prandtl) / _turbulent(
        MAX_LAMINAR_RAYLEIGH, prandtl
    )
    return np.asarray(laminar * growth)


def _turbulent(rayleigh: Array | float, prandtl: Array) -> Array:
    """Return the Nusselt number of turbulent free convection at a vertical plate."""
    return np.asarray(
        (0.825 + 0.387 * rayleigh ** (1.0 / 6.0) / _prandtl_factor(prandtl) ** (8.0 / 27.0)) ** 2
    )


def _prandtl_factor(prandtl: Array) -> Array:
    return np.asarray(1.0 + (0.492 / prandtl) ** (9.0 / 16.0))


def nusselt_plate(reynolds: Array, prandtl: Array) -> Array:
    """Return the mean Nusselt number of flow along a plate, laminar up to CRITICAL_REYNOLDS, mixed beyond."""
    laminar = 0.664 * np.sqrt(reynolds) * np.cbrt(prandtl)
    mixed = (0.037 * np.maximum(reynolds, 1.0) ** 0.8 - 871.0) * np.cbrt(prandtl)
    return np.asarray(np.where(reynolds <= CRITICAL_REYNOLDS, laminar, np.maximum(mixed, laminar)))


@dataclass(frozen=True)
class NucleateBoiling:
    """Rohsenow's flux of nucleate boiling, q = c (T - T_sat)^3.

    Parameters
    ----------
    fluid
        Fluid with saturation properties.
    surface_factor
        C_sf of the pair of surface and fluid; the flux goes with its power of -3.
    exponent
        Exponent n of the Prandtl number: 1 for water, 1.7 for other fluids.
    """

    fluid: Fluid
    surface_factor: float
    exponent: float

    @property
    def coefficient(self) -> float:
        """Return c [W/(m2 K3)]."""
        saturation = self.fluid.saturation
        assert saturation is not None
        liquid = self.fluid.at(saturation.temperature)
        difference = float(liquid.density) - saturation.vapour_density
        length = np.sqrt(saturation.surface_tension / (GRAVITY * difference))
        ratio = float(liquid.specific_heat) / (
            self.surface_factor * saturation.latent_heat * float(liquid.prandtl) ** self.exponent
        )
        return float(float(liquid.viscosity) * saturation.latent_heat / length * ratio**3)


def critical_heat_flux(fluid: Fluid, factor: float, subcooling: float = 0.0) -> float:
    """Return the critical heat flux [W/m2] of a pool at 1 atm, colder than saturation by `subcooling` [K].

    Zuber's formula with its factor: 0.131 for an infinite plate, 0.149 for a large finite one (Lienhard). The
    increase with subcooling is that of Ivey and Morris (1962).
    """
    saturation = fluid.saturation
    assert saturation is not None
    liquid = fluid.at(saturation.temperature)
    density, vapour = float(liquid.density), saturation.vapour_density
    buoyancy = (saturation.surface_tension * GRAVITY * (density - vapour)) ** 0.25
    saturated = factor * saturation.latent_heat * np.sqrt(vapour) * buoyancy
    heat = float(liquid.specific_heat) * subcooling / saturation.latent_heat
    return float(saturated * (1.0 + 0.1 * (density / vapour) ** 0.75 * heat))
