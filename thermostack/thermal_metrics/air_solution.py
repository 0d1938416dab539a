"""The steady solution of a board in air, whose coefficients follow from the surface temperatures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from thermostack.errors import ConvergenceError
from thermostack.package.package import Package
from thermostack.results.steady_result import SteadyResult
from thermostack.thermal_metrics.body import PlacedBody
from thermostack.thermal_metrics.environments import FIRST_HTC, ZONES, Air, air_cooling

MAX_ITERATIONS = 30
COEFFICIENT_TOLERANCE = 1e-4  # relative change of every coefficient in the last iteration
DAMPING = 0.7  # exponent of the change: h grows as the rise to the power 1/4 (convection) to 3 (radiation)


@dataclass(frozen=True)
class AirSolution:
    """A solution in air with the coefficient of each zone [W/(m2 K)] and the number of solves."""

    result: SteadyResult
    coefficients: dict[str, float]
    solves: int


def solve_in_air(
    placed: PlacedBody,
    air: Air,
    solve: Callable[[Package], SteadyResult],
    start: dict[str, float] | None = None,
) -> AirSolution:
    """Return the solution with coefficients at the mean surface temperature of each zone.

    `solve` returns the result of a package. Raises ConvergenceError where the coefficients do not converge.
    """
    assert placed.board_size is not None
    coefficients = dict(start) if start is not None else {zone.name: FIRST_HTC for zone in ZONES}
    for solves in range(1, MAX_ITERATIONS + 1):
        result = solve(placed.cooled(air_cooling(placed, air.ambient, coefficients)))
        surface = mean_surface_temperatures(result)
        new = {
            zone.name: air.coefficient(zone, surface.get(n, air.ambient), placed.board_size)
            for n, zone in enumerate(ZONES)
        }
        change = max(abs(new[name] / old - 1.0) for name, old in coefficients.items())
        if change < COEFFICIENT_TOLERANCE:
            return AirSolution(result, coefficients, solves)
        coefficients = {
            name: old ** (1.0 - DAMPING) * new[name] ** DAMPING for name, old in coefficients.items()
        }
    text = f"the heat-transfer coefficients of {air.name} still change by {100 * change:.2g} %"
    raise ConvergenceError(f"{text} after {MAX_ITERATIONS} solves", ())


def mean_surface_temperatures(result: SteadyResult) -> dict[int, float]:
    """Return the mean temperature of the surface [K] of each cooler, by the index of the cooler."""
    boundary = result.model.boundary
    outflow = np.bincount(boundary.cooler, weights=result.fluxes.boundary_outflow)
    conductance = np.bincount(boundary.cooler, weights=boundary.h * boundary.area)
    ambient = np.bincount(boundary.cooler, weights=boundary.h * boundary.area * boundary.temperature)
    present = np.flatnonzero(conductance > 0.0)
    return {int(n): float((ambient[n] + outflow[n]) / conductance[n]) for n in present}


def heat_by_cooler(result: SteadyResult) -> dict[int, float]:
    """Return the heat that leaves through each cooler [W], by the index of the cooler."""
    boundary = result.model.boundary
    outflow = np.bincount(boundary.cooler, weights=result.fluxes.boundary_outflow)
    return {int(n): float(outflow[n]) for n in np.unique(boundary.cooler)}
