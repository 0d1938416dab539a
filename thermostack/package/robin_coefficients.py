"""The Robin coefficients of a cooler: heat-transfer coefficient, ambient temperature and flux."""

from __future__ import annotations

import math
from dataclasses import dataclass

from thermostack.package.cooling import (
    ColdPlate,
    Convection,
    Cooler,
    FixedFlux,
    FixedTemperature,
    HeatSink,
    HtcMap,
)


@dataclass(frozen=True)
class RobinCoefficients:
    """Coefficients of the Robin condition of a surface: heat flux out = h (T - temperature) - flux."""

    h: float  # W/(m2 K), infinite where the surface temperature is fixed
    temperature: float  # K
    flux: float = 0.0  # W/m2, positive into the body


def robin_coefficients(cooler: Cooler, area: float) -> RobinCoefficients:
    """Return the Robin coefficients of a cooler over its `area` [m2]; a map is replaced by its mean."""
    if isinstance(cooler, Convection):
        return RobinCoefficients(_mean_htc(cooler.h), cooler.ambient)
    if isinstance(cooler, FixedTemperature):
        return RobinCoefficients(math.inf, cooler.temperature)
    if isinstance(cooler, FixedFlux):
        flux = cooler.flux if cooler.flux is not None else (cooler.heat or 0.0) / area
        return RobinCoefficients(0.0, 0.0, flux)
    if isinstance(cooler, (HeatSink, ColdPlate)):
        ambient = cooler.ambient if isinstance(cooler, HeatSink) else cooler.coolant
        if cooler.h is not None:
            return RobinCoefficients(_mean_htc(cooler.h), ambient)
        return RobinCoefficients(1.0 / (cooler.resistance * area), ambient)  # type: ignore[operator]
    return RobinCoefficients(0.0, 0.0)


def _mean_htc(h: float | HtcMap) -> float:
    return float(h.values.mean()) if isinstance(h, HtcMap) else h
