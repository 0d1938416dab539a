"""Boundary laws: the heat flux out of a surface as a function of its temperature, and the slope of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from thermostack.boundary_laws.correlations import (
    DOWN,
    GRAVITY,
    RAYLEIGH_RANGES,
    STEFAN_BOLTZMANN,
    UP,
    NucleateBoiling,
    critical_heat_flux,
    nusselt_free,
    nusselt_plate,
)
from thermostack.boundary_laws.fluids import Fluid

Array = np.ndarray

DIFFERENCE = 1e-3  # K, of the central difference that gives the slope of a correlation
MIN_RISE = 1e-6  # K over the ambient, below which free convection has the coefficient at this rise


class BoundaryLaw(Protocol):
    """The heat flux out of a surface by its temperature; it never falls with temperature."""

    @property
    def ambient(self) -> float:
        """Return the temperature of the fluid or the surroundings [K]."""

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the range of the temperatures of all surroundings [K]."""

    @property
    def critical_flux(self) -> float:
        """Return the critical heat flux [W/m2], infinite where nothing boils."""

    def flux(self, surface: Array) -> Array:
        """Return the heat flux out of the body [W/m2] at surface temperatures [K]."""

    def slope(self, surface: Array) -> Array:
        """Return the derivative of the flux [W/(m2 K)]."""

    def range_warnings(self, surface: Array) -> list[str]:
        """Return what is outside the range of its correlation at surface temperatures [K]."""


@dataclass(frozen=True)
class RadiationLaw:
    """Radiation of a grey surface to large surroundings: emissivity sigma (T^4 - T_s^4).

    >>> round(float(RadiationLaw(0.9, 298.0).flux(np.array(330.0)) / 32.0), 3)
    6.336
    """

    emissivity: float
    ambient: float  # K
    critical_flux = math.inf

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the temperature of the surroundings twice [K]."""
        return self.ambient, self.ambient

    def flux(self, surface: Array) -> Array:
        """Return the heat flux [W/m2]."""
        return np.asarray(self.emissivity * STEFAN_BOLTZMANN * (surface**4 - self.ambient**4))

    def slope(self, surface: Array) -> Array:
        """Return 4 emissivity sigma T^3 [W/(m2 K)]."""
        return np.asarray(4.0 * self.emissivity * STEFAN_BOLTZMANN * surface**3)

    def range_warnings(self, surface: Array) -> list[str]:
        """Return no warning."""
        return []


@dataclass(frozen=True)
class ConstantCoefficientLaw:
    """Convection with a constant heat-transfer coefficient."""

    h: float  # W/(m2 K)
    ambient: float  # K
    critical_flux = math.inf

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the ambient temperature twice [K]."""
        return self.ambient, self.ambient

    def flux(self, surface: Array) -> Array:
        """Return h (T - ambient) [W/m2]."""
        return np.asarray(self.h * (surface - self.ambient))

    def slope(self, surface: Array) -> Array:
        """Return h [W/(m2 K)]."""
        return np.full(np.shape(surface), self.h)

    def range_warnings(self, surface: Array) -> list[str]:
        """Return no warning."""
        return []


class _Correlation:
    """A law whose coefficient h follows from a correlation at the mean temperature of surface and fluid."""

    fluid: Fluid
    ambient: float  # K
    critical_flux = math.inf

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the ambient temperature twice [K]."""
        return self.ambient, self.ambient

    def coefficient(self, surface: Array) -> Array:
        """Return the heat-transfer coefficient [W/(m2 K)] at surface temperatures [K]."""
        raise NotImplementedError

    def flux(self, surface: Array) -> Array:
        """Return the heat flux [W/m2]."""
        surface = np.asarray(surface, dtype=np.float64)
        return np.asarray(self.coefficient(surface) * (surface - self.ambient))

    def slope(self, surface: Array) -> Array:
        """Return the derivative of the flux [W/(m2 K)], by a central difference."""
        surface = np.asarray(surface, dtype=np.float64)
        difference = self.flux(surface + DIFFERENCE) - self.flux(surface - DIFFERENCE)
        return np.asarray(np.maximum(difference / (2.0 * DIFFERENCE), 0.0))

    def _mean(self, surface: Array) -> Array:
        return np.asarray(0.5 * (surface + self.ambient))

    def _fluid_warnings(self, surface: Array) -> list[str]:
        low, high = self.fluid.range
        mean = self._mean(surface)
        if mean.size == 0 or (mean.min() >= low - 1e-6 and mean.max() <= high + 1e-6):
            return []
        extreme = float(mean.max() if mean.max() > high else mean.min()) - 273.15
        text = f"{self.fluid.name} at {extreme:.0f} degC, outside its table of {low - 273.15:.0f} to "
        return [f"{text}{high - 273.15:.0f} degC"]


@dataclass(frozen=True, eq=False)
class FreeConvectionLaw(_Correlation):
    """Free convection of a horizontal or vertical face by `nusselt_free`."""

    fluid: Fluid
    ambient: float  # K
    length: float  # m: area over perimeter of a horizontal face, height of a vertical one
    orientation: str  # "up", "down" or "vertical": to which side the face looks

    def rayleigh(self, surface: Array) -> Array:
        """Return the Rayleigh number."""
        rise = np.maximum(np.abs(surface - self.ambient), MIN_RISE)
        at = self.fluid.at(self._mean(surface))
        buoyancy = GRAVITY * at.expansion * rise * self.length**3
        return np.asarray(buoyancy / at.kinematic_viscosity**2 * at.prandtl)

    def coefficient(self, surface: Array) -> Array:
        """Return the heat-transfer coefficient [W/(m2 K)].

        A surface that is colder than the fluid has the flow of a heated one that looks to the other side.
        """
        at, rayleigh = self.fluid.at(self._mean(surface)), self.rayleigh(surface)
        own = nusselt_free(rayleigh, at.prandtl, self.orientation)
        other = nusselt_free(
            rayleigh, at.prandtl, {UP: DOWN, DOWN: UP}.get(self.orientation, self.orientation)
        )
        nusselt = np.where(surface >= self.ambient, own, other)
        return np.asarray(nusselt * at.conductivity / self.length)

    def range_warnings(self, surface: Array) -> list[str]:
        """Return Rayleigh numbers and fluid temperatures outside their range."""
        low, high = RAYLEIGH_RANGES[self.orientation]
        found = self._fluid_warnings(surface)
        rayleigh = self.rayleigh(surface)
        if rayleigh.size and not low <= (largest := float(rayleigh.max())) <= high:
            found.append(
                f"Rayleigh number {largest:.2g} at most, outside {low:.0e} to {high:.0e} of free convection "
                f"({self.orientation}, length {1e3 * self.length:.3g} mm); give the length of the whole board"
            )
        return found


@dataclass(frozen=True, eq=False)
class ForcedConvectionLaw(_Correlation):
    """Flow along a plate by `nusselt_plate`: the mean coefficient over the length."""

    fluid: Fluid
    ambient: float  # K
    speed: float  # m/s
    length: float  # m, along the flow

    def reynolds(self, surface: Array) -> Array:
        """Return the Reynolds number."""
        return np.asarray(self.speed * self.length / self.fluid.at(self._mean(surface)).kinematic_viscosity)

    def coefficient(self, surface: Array) -> Array:
        """Return the heat-transfer coefficient [W/(m2 K)]."""
        at = self.fluid.at(self._mean(surface))
        return np.asarray(nusselt_plate(self.reynolds(surface), at.prandtl) * at.conductivity / self.length)

    def range_warnings(self, surface: Array) -> list[str]:
        """Return fluid temperatures outside their range."""
        return self._fluid_warnings(surface)


@dataclass(frozen=True, eq=False)
class TabulatedFluxLaw:
    """Heat flux by surface temperature, linear between rows; beyond the ends the slope of the last rows."""

    ambient: float  # K
    temperature: Array  # (rows,) K
    heat_flux: Array  # (rows,) W/m2, out of the body, not falling
    critical_flux = math.inf

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the temperatures between which the flux changes its sign [K]."""
        low, high = float(self.temperature[0]), float(self.temperature[-1])
        if self.heat_flux[0] > 0.0:
            low -= float(self.heat_flux[0] / self._slopes[0])
        if self.heat_flux[-1] < 0.0:
            high -= float(self.heat_flux[-1] / self._slopes[-1])
        return min(low, self.ambient), max(high, self.ambient)

    @cached_property
    def _slopes(self) -> Array:
        return np.asarray(np.diff(self.heat_flux) / np.diff(self.temperature))

    def _interval(self, surface: Array) -> Array:
        found = np.searchsorted(self.temperature, surface, side="right") - 1
        return np.clip(found, 0, self.temperature.size - 2)

    def flux(self, surface: Array) -> Array:
        """Return the heat flux [W/m2]."""
        n = self._interval(surface)
        return np.asarray(self.heat_flux[n] + self._slopes[n] * (surface - self.temperature[n]))

    def slope(self, surface: Array) -> Array:
        """Return the slope of the interval [W/(m2 K)]."""
        return np.asarray(self._slopes[self._interval(surface)])

    def range_warnings(self, surface: Array) -> list[str]:
        """Return temperatures outside the table."""
        return _table_warnings(self.temperature, surface)


@dataclass(frozen=True, eq=False)
class TabulatedCoefficientLaw:
    """Convection with a heat-transfer coefficient by surface temperature, constant beyond the ends."""

    ambient: float  # K
    temperature: Array  # (rows,) K
    h: Array  # (rows,) W/(m2 K)
    critical_flux = math.inf

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the ambient temperature twice [K]."""
        return self.ambient, self.ambient

    def flux(self, surface: Array) -> Array:
        """Return h(T) (T - ambient) [W/m2]."""
        return np.asarray(np.interp(surface, self.temperature, self.h) * (surface - self.ambient))

    def slope(self, surface: Array) -> Array:
        """Return the derivative of the flux [W/(m2 K)]."""
        surface = np.asarray(surface, dtype=np.float64)
        n = np.clip(
            np.searchsorted(self.temperature, surface, side="right") - 1, 0, self.temperature.size - 2
        )
        inside = (surface >= self.temperature[0]) & (surface <= self.temperature[-1])
        change = np.where(inside, (np.diff(self.h) / np.diff(self.temperature))[n], 0.0)
        return np.asarray(np.interp(surface, self.temperature, self.h) + change * (surface - self.ambient))

    def range_warnings(self, surface: Array) -> list[str]:
        """Return temperatures outside the table."""
        return _table_warnings(self.temperature, surface)


def _table_warnings(temperature: Array, surface: Array) -> list[str]:
    if surface.size == 0 or (surface.min() >= temperature[0] and surface.max() <= temperature[-1]):
        return []
    extreme = float(surface.max() if surface.max() > temperature[-1] else surface.min()) - 273.15
    low, high = float(temperature[0]) - 273.15, float(temperature[-1]) - 273.15
    return [f"a surface of {extreme:.0f} degC, outside the table of {low:.0f} to {high:.0f} degC"]


@dataclass(frozen=True, eq=False)
class PoolBoilingLaw:
    """A surface in a pool at 1 atm: free convection, and nucleate boiling where its flux is larger."""

    fluid: Fluid
    ambient: float  # K, of the pool
    convection: FreeConvectionLaw
    boiling: NucleateBoiling
    critical_flux: float  # W/m2

    @classmethod
    def of_pool(
        cls,
        fluid: Fluid,
        pool: float,
        convection: FreeConvectionLaw,
        surface_factor: float,
        exponent: float,
        critical_flux_factor: float,
    ) -> PoolBoilingLaw:
        """Return the law of a pool at a temperature [K]."""
        assert fluid.saturation is not None
        subcooling = fluid.saturation.temperature - pool
        critical = critical_heat_flux(fluid, critical_flux_factor, max(subcooling, 0.0))
        return cls(fluid, pool, convection, NucleateBoiling(fluid, surface_factor, exponent), critical)

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the temperature of the pool twice [K]."""
        return self.ambient, self.ambient

    @cached_property
    def _coefficient(self) -> float:
        return self.boiling.coefficient

    @property
    def _saturation(self) -> float:
        assert self.fluid.saturation is not None
        return self.fluid.saturation.temperature

    def _nucleate(self, surface: Array) -> Array:
        return np.asarray(self._coefficient * np.maximum(surface - self._saturation, 0.0) ** 3)

    def flux(self, surface: Array) -> Array:
        """Return the larger of the fluxes of free convection and of nucleate boiling [W/m2]."""
        surface = np.asarray(surface, dtype=np.float64)
        return np.asarray(np.maximum(self._nucleate(surface), self.convection.flux(surface)))

    def slope(self, surface: Array) -> Array:
        """Return the derivative of the larger flux [W/(m2 K)]."""
        surface = np.asarray(surface, dtype=np.float64)
        excess = np.maximum(surface - self._saturation, 0.0)
        boils = self._nucleate(surface) > self.convection.flux(surface)
        return np.asarray(
            np.where(boils, 3.0 * self._coefficient * excess**2, self.convection.slope(surface))
        )

    def range_warnings(self, surface: Array) -> list[str]:
        """Return what is outside the range of free convection, where the surface does not boil."""
        surface = np.asarray(surface)
        return self.convection.range_warnings(
            surface[self._nucleate(surface) <= self.convection.flux(surface)]
        )


@dataclass(frozen=True, eq=False)
class LawSum:
    """The sum of several laws, as convection and radiation of one surface."""

    laws: tuple[BoundaryLaw, ...]

    @property
    def ambient(self) -> float:
        """Return the temperature of the surroundings of the first law [K]."""
        return self.laws[0].ambient

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the range of the temperatures of all surroundings [K]."""
        low, high = zip(*(law.temperatures for law in self.laws), strict=True)
        return min(low), max(high)

    @property
    def critical_flux(self) -> float:
        """Return the smallest critical heat flux [W/m2]."""
        return min(law.critical_flux for law in self.laws)

    def flux(self, surface: Array) -> Array:
        """Return the sum of the heat fluxes [W/m2]."""
        return np.asarray(sum(law.flux(surface) for law in self.laws))

    def slope(self, surface: Array) -> Array:
        """Return the sum of the slopes [W/(m2 K)]."""
        return np.asarray(sum(law.slope(surface) for law in self.laws))

    def range_warnings(self, surface: Array) -> list[str]:
        """Return the warnings of all laws."""
        return [text for law in self.laws for text in law.range_warnings(surface)]


def sum_of_laws(laws: Sequence[BoundaryLaw]) -> BoundaryLaw:
    """Return one law for several, the law itself if there is one."""
    return laws[0] if len(laws) == 1 else LawSum(tuple(laws))
