"""The Robin coefficients of a cooler: heat-transfer coefficient, ambient temperature and flux."""

from __future__ import annotations

import math
from dataclasses import dataclass

from thermostack.boundary_laws.boundary_law import BoundaryLaw, secant_coefficient
from thermostack.package.boundary_law import first_law, linear_law
from thermostack.package.cooling import ColdPlate, Convection, Cooler, FixedFlux, FixedTemperature, HeatSink


@dataclass(frozen=True)
class RobinCoefficients:
    """Coefficients of the Robin condition of a surface: heat flux out = h (T - temperature) - flux."""

    h: float  # W/(m2 K), infinite where the surface temperature is fixed
    temperature: float  # K
    flux: float = 0.0  # W/m2, positive into the body


def robin_coefficients(cooler: Cooler, area: float) -> RobinCoefficients:
    """Return the Robin coefficients of a cooler over its `area` [m2]; a map is replaced by its mean.

    Those of a nonlinear cooler are the secant of its law on a square plate that faces up, an estimate.
    """
    if (law := first_law(cooler, area)) is not None:
        return secant_coefficients(law)
    if isinstance(cooler, FixedTemperature):
        return RobinCoefficients(math.inf, cooler.temperature)
    if isinstance(cooler, FixedFlux):
        flux = cooler.flux if cooler.flux is not None else (cooler.heat or 0.0) / area
        return RobinCoefficients(0.0, 0.0, flux)
    if isinstance(cooler, (Convection, HeatSink, ColdPlate)):
        linear = linear_law(cooler, area)
        return RobinCoefficients(linear.h, linear.ambient)
    return RobinCoefficients(0.0, 0.0)


def secant_coefficients(law: BoundaryLaw) -> RobinCoefficients:
    """Return the coefficients of the line through the ambient and 20 K above it, the first guess of a law."""
    return RobinCoefficients(secant_coefficient(law), law.ambient)
