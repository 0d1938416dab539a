"""Laws of the heat flux from a surface as a function of its temperature, with their derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from thermostack.boundary_laws import correlations
from thermostack.boundary_laws.correlations import ValidRange
from thermostack.boundary_laws.fluids import Fluid
from thermostack.units import format_quantity

SCAN_STEP = 0.1  # K, between the temperatures at which a correlation is searched for a falling flux
STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m2 K4), CODATA 2018
Facing = Literal["up", "down", "sideways"]


class BoundaryLaw(Protocol):
    """Law of the heat flux out of a body as a function of the temperature of its surface.

    The flux is continuous and never falls with the temperature of the surface.
    """

    @property
    def ambient(self) -> float:
        """Return the temperature of the surroundings or of the fluid [K]."""

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the range of the temperatures of all surroundings [K].

        The flux is not positive at the lower one and not negative at the upper one.
        """

    @property
    def critical_flux(self) -> float:
        """Return the flux [W/m2] beyond which the law does not hold, infinite where there is none."""

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2] at temperatures of the surface [K]."""

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux [W/(m2 K)], which is not negative."""

    def range_warnings(self, surface: np.ndarray) -> list[str]:
        """Return one text for each range of a correlation that temperatures of the surface [K] leave."""


class _OneAmbient:
    """Properties of a law with one temperature of the surroundings and without a critical flux."""

    ambient: float

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the ambient temperature [K] twice."""
        return self.ambient, self.ambient

    @property
    def critical_flux(self) -> float:
        """Return infinity."""
        return math.inf

    def range_warnings(self, surface: np.ndarray) -> list[str]:
        """Return no text."""
        return []


@dataclass(frozen=True)
class LinearLaw(_OneAmbient):
    """Flux = h (T - ambient)."""

    h: float  # W/(m2 K)
    ambient: float  # K

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2]."""
        return np.asarray(self.h * (surface - self.ambient))

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return h [W/(m2 K)]."""
        return np.full(np.shape(surface), self.h)


@dataclass(frozen=True)
class Radiation(_OneAmbient):
    """Flux = emissivity sigma (T^4 - ambient^4): a grey surface in large surroundings.

    Temperatures below zero, which an iteration may try, have the flux of -T^4, so that the flux still rises.
    """

    emissivity: float
    ambient: float  # K

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2]."""
        fourth_power = np.abs(surface) ** 3 * surface
        return np.asarray(self.emissivity * STEFAN_BOLTZMANN * (fourth_power - self.ambient**4))

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return 4 emissivity sigma T^3 [W/(m2 K)]."""
        return np.asarray(4.0 * self.emissivity * STEFAN_BOLTZMANN * np.abs(surface) ** 3)


class _Convection(_OneAmbient):
    """Convection whose fluid properties are those at the mean of surface and ambient temperature.

    Where a correlation gives a smaller flux at a larger temperature difference, because the properties change
    more than the difference, the flux is held at the largest one of the smaller differences.
    """

    fluid: Fluid
    length: float  # m

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2]."""
        surface = np.asarray(surface, dtype=float)
        flux = self._flux(surface)
        for low, high, held in self._held:
            flux = np.where((surface > low) & (surface < high), held, flux)
        return flux

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux [W/(m2 K)]."""
        surface = np.asarray(surface, dtype=float)
        slope = self._slope(surface)
        for low, high, _ in self._held:
            slope = np.where((surface > low) & (surface < high), 0.0, slope)
        return np.asarray(np.maximum(slope, 0.0))

    @cached_property
    def _held(self) -> list[tuple[float, float, float]]:
        """Return ranges of the surface temperature [K] and the flux [W/m2] at which it is held in each."""
        low, high = (2.0 * limit - self.ambient for limit in self.fluid.range)
        ends = (min(low, self.ambient) - SCAN_STEP, max(high, self.ambient) + SCAN_STEP)
        return [held for end in ends for held in self._held_towards(max(end, SCAN_STEP))]

    def _held_towards(self, end: float) -> list[tuple[float, float, float]]:
        """Return the ranges between the ambient and a temperature [K], as `_held` does."""
        if end == self.ambient:
            return []
        sign = math.copysign(1.0, end - self.ambient)

        def size(t: float) -> float:
            return sign * float(self._flux(np.array(t)))

        t = np.linspace(self.ambient, end, 2 + int(abs(end - self.ambient) / SCAN_STEP))
        sizes = sign * self._flux(t)
        is_lower = (sizes < np.maximum.accumulate(sizes)) | (self._slope(t) < 0.0)
        is_lower[0] = False
        starts = (np.flatnonzero(is_lower[1:] & ~is_lower[:-1]) + 1).tolist()
        if not starts:
            return []
        from scipy.optimize import brentq, minimize_scalar  # it takes long to load

        found = []
        for first in starts:
            left, right = sorted((float(t[max(first - 2, 0)]), float(t[first])))
            peak = float(minimize_scalar(lambda t: -size(t), bounds=(left, right), options={"xatol": 1e-9}).x)
            held = max(size(peak), float(sizes[first - 1]))
            above = np.flatnonzero(sizes[first:] > held)
            limit = math.copysign(math.inf, sign)
            if above.size:
                last = first + above[0]
                limit = brentq(lambda t: size(t) - held, t[last - 1], t[last], xtol=1e-12)  # noqa: B023
            found.append((min(peak, limit), max(peak, limit), sign * held))
        return found

    def _flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux of the correlation out of the body [W/m2]."""
        raise NotImplementedError

    def _slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux of the correlation [W/(m2 K)]."""
        raise NotImplementedError

    def _mean(self, surface: np.ndarray) -> np.ndarray:
        """Return the mean of surface and ambient temperature [K], at which properties are taken."""
        return np.asarray(0.5 * (surface + self.ambient))

    def _log_slopes(self, surface: np.ndarray) -> dict[str, np.ndarray]:
        """Return the derivative of the logarithm of each property by the surface temperature [1/K]."""
        mean = self._mean(surface)
        values, slopes = self.fluid.at(mean), self.fluid.slopes_at(mean)
        return {
            name: 0.5 * slope / value
            for name, value, slope in zip(values._fields, values, slopes, strict=True)
        }

    def range_warnings(self, surface: np.ndarray) -> list[str]:
        """Return texts about temperatures outside the table of the fluid and numbers outside the range."""
        surface = np.asarray(surface, dtype=float)
        if surface.size == 0:
            return []
        found = []
        mean, (low, high) = self._mean(surface), self.fluid.range
        extreme = float(max((float(mean.min()), float(mean.max())), key=lambda t: max(low - t, t - high)))
        if not low <= extreme <= high:
            text = format_quantity(extreme, "temperature")
            found.append(
                f"{self.fluid.name} at {text}, the mean of surface and ambient, is outside its table, "
                f"{self.fluid.range_text()}"
            )
        number, valid = float(self._number(surface).max()), self._valid_range(surface)
        if not valid.min <= number <= valid.max:
            found.append(
                f"the {valid.number} {number:.3g} is outside the range of the correlation, "
                f"{valid.min:g} to {valid.max:g}"
            )
        return found

    def _number(self, surface: np.ndarray) -> np.ndarray:
        """Return the dimensionless number that limits the correlation."""
        raise NotImplementedError

    def _valid_range(self, surface: np.ndarray) -> ValidRange:
        raise NotImplementedError


@dataclass(frozen=True)
class FreeConvectionLaw(_Convection):
    """Free convection from a plate that faces up, down or sideways; see `correlations`.

    A plate that is colder than the fluid has the correlation of the other side: below a cold plate the fluid
    moves as above a warm one. The largest Rayleigh number decides about the range, as it is zero without a
    temperature difference.
    """

    ambient: float  # K
    length: float  # m: area over perimeter, height of a vertical plate
    facing: Facing
    fluid: Fluid

    def _flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux of the correlation out of the body [W/m2]."""
        difference = np.asarray(surface - self.ambient)
        nusselt, _, _ = self._nusselt(surface)
        conductivity = self.fluid.at(self._mean(surface)).conductivity
        return np.asarray(conductivity / self.length * nusselt * difference)

    def _slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux of the correlation [W/(m2 K)].

        With q = k Nu dT / L it is (k / L) (Nu + dT dNu/dT + Nu dT k'/k), where dT times the derivative of
        ln Ra is 1 plus dT times the derivatives of the logarithms of the properties.
        """
        difference = np.asarray(surface - self.ambient)
        nusselt, by_rayleigh, by_prandtl = self._nusselt(surface)
        log = self._log_slopes(surface)
        shared = log["specific_heat"] - log["conductivity"]
        rayleigh = log["expansion"] + 2.0 * log["density"] - log["viscosity"] + shared
        change = by_rayleigh * (1.0 + difference * rayleigh)
        change = change + by_prandtl * difference * (log["viscosity"] + shared)
        total = nusselt * (1.0 + difference * log["conductivity"]) + change
        return np.asarray(self.fluid.at(self._mean(surface)).conductivity / self.length * total)

    def _nusselt(self, surface: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the Nusselt number and its derivatives by ln Ra and ln Pr."""
        properties = self.fluid.at(self._mean(surface))
        rayleigh = self._number(surface)
        if self.facing == "sideways":
            prandtl = correlations.prandtl_number(properties)
            nusselt = correlations.nusselt_vertical(rayleigh, prandtl)
            part = nusselt - correlations.nusselt_vertical(np.zeros_like(rayleigh), prandtl)
            ratio = (0.492 / prandtl) ** (9.0 / 16.0)
            return nusselt, 0.25 * part, 0.25 * part * ratio / (1.0 + ratio)
        up = correlations.nusselt_facing_up(rayleigh)
        is_laminar = up**3 > 0.15**3 * rayleigh * (1.0 + 1e-12)
        down = correlations.nusselt_facing_down(rayleigh)
        is_up = self._acts_upwards(surface)
        power = np.where(is_up, np.where(is_laminar, 0.25, 1.0 / 3.0), 0.2)
        nusselt = np.where(is_up, up, down)
        return nusselt, power * nusselt, np.zeros_like(nusselt)

    def _acts_upwards(self, surface: np.ndarray) -> np.ndarray:
        return np.asarray((np.asarray(surface) >= self.ambient) == (self.facing == "up"))

    def _number(self, surface: np.ndarray) -> np.ndarray:
        """Return the Rayleigh number."""
        properties = self.fluid.at(self._mean(surface))
        return correlations.rayleigh_number(properties, np.asarray(surface - self.ambient), self.length)

    def _valid_range(self, surface: np.ndarray) -> ValidRange:
        if self.facing == "sideways":
            return correlations.VERTICAL
        largest = np.asarray(surface).flat[int(np.argmax(self._number(surface)))]
        is_up = bool(self._acts_upwards(largest))
        return correlations.FACING_UP if is_up else correlations.FACING_DOWN


@dataclass(frozen=True)
class ForcedConvectionLaw(_Convection):
    """Forced convection over a plate along a uniform flow; see `correlations.nusselt_along_plate`."""

    ambient: float  # K
    speed: float  # m/s
    length: float  # m, along the flow
    fluid: Fluid

    def _flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux of the correlation out of the body [W/m2]."""
        difference = np.asarray(surface - self.ambient)
        properties = self.fluid.at(self._mean(surface))
        nusselt = correlations.nusselt_along_plate(
            self._number(surface), correlations.prandtl_number(properties)
        )
        return np.asarray(properties.conductivity / self.length * nusselt * difference)

    def _slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux of the correlation [W/(m2 K)]."""
        difference = np.asarray(surface - self.ambient)
        properties = self.fluid.at(self._mean(surface))
        reynolds, prandtl = self._number(surface), correlations.prandtl_number(properties)
        nusselt = correlations.nusselt_along_plate(reynolds, prandtl)
        log = self._log_slopes(surface)
        turbulent = 0.037 * reynolds**0.8
        laminar = 0.664 * np.sqrt(reynolds)
        is_laminar = laminar >= turbulent - 871.0
        power = np.where(is_laminar, 0.5, 0.8 * turbulent / np.maximum(turbulent - 871.0, laminar))
        change = power * (log["density"] - log["viscosity"])
        change = change + (log["viscosity"] + log["specific_heat"] - log["conductivity"]) / 3.0
        change = change + log["conductivity"]
        coefficient = properties.conductivity / self.length * nusselt
        return np.asarray(coefficient * (1.0 + difference * change))

    def _number(self, surface: np.ndarray) -> np.ndarray:
        """Return the Reynolds number."""
        return correlations.reynolds_number(self.fluid.at(self._mean(surface)), self.speed, self.length)

    def _valid_range(self, surface: np.ndarray) -> ValidRange:
        return correlations.ALONG_PLATE


@dataclass(frozen=True)
class TabulatedLaw(_OneAmbient):
    """Linear interpolation of a heat-transfer coefficient or of a flux over the surface temperature.

    Beyond the ends of the table the heat-transfer coefficient is that of the nearer end. A flux table whose
    end is at the ambient continues with its first or last slope. `monotone_error` and `zero_error` check a
    table.
    """

    ambient: float  # K
    temperature: tuple[float, ...]  # K, ascending
    values: tuple[float, ...]  # W/(m2 K), or W/m2 where `is_flux`
    is_flux: bool = False

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2]."""
        surface = np.asarray(surface, dtype=float)
        difference = surface - self.ambient
        if not self.is_flux:
            return np.asarray(np.interp(surface, self.temperature, self.values) * difference)
        (low, high), (h_low, h_high) = self._ends, self._end_coefficients
        inside = np.interp(surface, self.temperature, self.values)
        found = np.where(surface < low, h_low * difference, inside)
        return np.where(surface > high, h_high * difference, found)

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux [W/(m2 K)]; at a row that of the interval above it."""
        surface = np.asarray(surface, dtype=float)
        rows, (low, high) = np.array(self.temperature), self._ends
        interval = np.clip(np.searchsorted(rows, surface, side="right") - 1, 0, rows.size - 2)
        steps = (np.diff(self.values) / np.diff(rows))[interval]
        is_inside = (surface >= low) & (surface < high)
        if not self.is_flux:
            value = np.interp(surface, rows, self.values)
            return np.asarray(value + np.where(is_inside, steps * (surface - self.ambient), 0.0))
        h_low, h_high = self._end_coefficients
        return np.where(surface < low, h_low, np.where(surface >= high, h_high, steps))

    @property
    def _ends(self) -> tuple[float, float]:
        return self.temperature[0], self.temperature[-1]

    @cached_property
    def _end_coefficients(self) -> tuple[float, float]:
        """Return the heat-transfer coefficient of a flux table below and above it [W/(m2 K)]."""
        t, q = self.temperature, self.values
        low = q[0] / (t[0] - self.ambient) if t[0] != self.ambient else (q[1] - q[0]) / (t[1] - t[0])
        high = q[-1] / (t[-1] - self.ambient) if t[-1] != self.ambient else (q[-1] - q[-2]) / (t[-1] - t[-2])
        return low, high

    def monotone_error(self) -> str:
        """Return a text about the first interval in which the flux falls, "" where there is none."""
        for n, (low, high) in enumerate(zip(self.temperature, self.temperature[1:], strict=False)):
            step = (self.values[n + 1] - self.values[n]) / (high - low)
            for end, value in ((low, self.values[n]), (high, self.values[n + 1])):
                if (step if self.is_flux else value + step * (end - self.ambient)) < 0.0:
                    between = " and ".join(format_quantity(each, "temperature") for each in (low, high))
                    return f"the flux falls with temperature between {between}"
        return ""

    def zero_error(self) -> str:
        """Return a text where the flux is not zero at the ambient or has the wrong sign, "" otherwise."""
        if not self.is_flux:
            return ""
        found = float(self.flux(np.array(self.ambient)))
        scale = max(map(abs, self.values))
        at = format_quantity(self.ambient, "temperature")
        if abs(found) > 1e-9 * scale:
            return f"the flux at the ambient, {at}, is {format_quantity(found, 'heat_flux')} and not zero"
        if any(q * (t - self.ambient) < 0.0 for t, q in zip(self.temperature, self.values, strict=True)):
            return f"a flux has the wrong sign: heat flows from the hotter side, and the ambient is {at}"
        return ""


@dataclass(frozen=True)
class RohsenowLaw(_OneAmbient):
    """Nucleate boiling by Rohsenow's correlation, zero below saturation."""

    fluid: Fluid
    surface_factor: float
    exponent: float

    @property
    def ambient(self) -> float:  # type: ignore[override]  # read-only here
        """Return the saturation temperature [K]."""
        assert self.fluid.saturation is not None
        return self.fluid.saturation.temperature

    @cached_property
    def _coefficient(self) -> float:
        return correlations.boiling_coefficient(self.fluid, self.surface_factor, self.exponent)

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2]."""
        return np.asarray(self._coefficient * np.maximum(surface - self.ambient, 0.0) ** 3)

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux [W/(m2 K)]."""
        return np.asarray(3.0 * self._coefficient * np.maximum(surface - self.ambient, 0.0) ** 2)


@dataclass(frozen=True)
class PoolBoilingLaw(_OneAmbient):
    """Pool boiling: the larger of the fluxes of nucleate boiling and of free convection to the pool.

    Beyond the critical flux the law continues on the branch of nucleate boiling; a solver reports
    the boiling crisis.
    """

    boiling: RohsenowLaw | TabulatedLaw
    convection: FreeConvectionLaw
    critical_flux: float = math.inf  # W/m2

    @property
    def ambient(self) -> float:  # type: ignore[override]  # read-only here
        """Return the temperature of the pool [K]."""
        return self.convection.ambient

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2]."""
        boils, boiling, convection = self._fluxes(surface)
        return np.where(boils, boiling, convection)

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux [W/(m2 K)]."""
        boils, _, _ = self._fluxes(surface)
        return np.where(boils, self.boiling.slope(surface), self.convection.slope(surface))

    def _fluxes(self, surface: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return whether the surface boils, and the fluxes of boiling and free convection [W/m2]."""
        boiling, convection = self.boiling.flux(surface), self.convection.flux(surface)
        is_above = np.asarray(surface) > self.boiling.ambient
        return is_above & (boiling > convection), boiling, convection

    def range_warnings(self, surface: np.ndarray) -> list[str]:
        """Return texts about the surfaces that do not boil."""
        surface = np.asarray(surface)
        return self.convection.range_warnings(surface[~self._fluxes(surface)[0]])


@dataclass(frozen=True)
class LawSum:
    """Sum of several laws, such as convection and radiation to another temperature."""

    laws: tuple[BoundaryLaw, ...]

    @property
    def ambient(self) -> float:
        """Return the ambient temperature of the first law [K]."""
        return self.laws[0].ambient

    @property
    def temperatures(self) -> tuple[float, float]:
        """Return the lowest and the highest temperature of the surroundings of all laws [K]."""
        low, high = zip(*(law.temperatures for law in self.laws), strict=True)
        return min(low), max(high)

    @property
    def critical_flux(self) -> float:
        """Return the smallest critical flux of the laws [W/m2]."""
        return min(law.critical_flux for law in self.laws)

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2]."""
        return np.asarray(sum(law.flux(surface) for law in self.laws))

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux [W/(m2 K)]."""
        return np.asarray(sum(law.slope(surface) for law in self.laws))

    def range_warnings(self, surface: np.ndarray) -> list[str]:
        """Return the texts of all laws."""
        return [text for law in self.laws for text in law.range_warnings(surface)]


def secant_coefficient(law: BoundaryLaw) -> float:
    """Return the flux at 20 K above the ambient over 20 K [W/(m2 K)].

    Where that is not positive, as in a table that begins above, a larger difference is used. The flux of the
    surroundings at the ambient is subtracted.
    """
    start = float(law.flux(np.array(law.ambient)))
    for difference in (20.0, 200.0, 2000.0):
        found = (float(law.flux(np.array(law.ambient + difference))) - start) / difference
        if found > 0.0:
            return found
    return 0.0
