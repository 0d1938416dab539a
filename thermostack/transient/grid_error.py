"""Estimated discretisation error of the maximum temperatures of a transient run.

The temperature at a time is the sum of the responses to all changes of the loads before it. The changes are
collected by their age, one sum for each decade, and the change of each response on a bisected grid is that of
the response at a real rate (`finite_volume.response_error`). A steady start is a change of infinite age.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from thermostack.errors import ConvergenceError, Diagnostic
from thermostack.finite_volume.response_error import (
    AXIS_GROUPS,
    ESTIMATE_TOLERANCE,
    RATE_OF_TIME,
    SLOPE_CHANGE_WEIGHT,
    STORED_SLOPE_CHANGE_WEIGHT,
    CellPoints,
    ResponseError,
    estimate_response_error,
)
from thermostack.results.result_warnings import WARNED_ERROR
from thermostack.transient.peak_record import PeakRecord
from thermostack.transient.simulation import Simulation, response_operators
from thermostack.units import format_quantity, format_share

Array = np.ndarray

MIN_CHANGE = 0.05  # of the largest change of the loads: a smaller one sets no age
MAX_TIMES = 3  # of a run, at which the error is estimated
RESPONSE_TOLERANCE = 1e-5  # relative residual of a response
NEGLIGIBLE_CHANGE = (
    1e-3  # of the sum of all magnitudes: smaller changes of the loads of a decade are left out
)
MIN_COMPARABLE_RISE = 0.3  # of a part's rise, at the time of another part's maximum


@dataclass(frozen=True, eq=False)
class PeakErrors:
    """Estimated discretisation errors of the maxima of a run."""

    error: Array  # (members,) K, NaN where unknown
    rise: Array  # (members,) K, over the ambient temperature
    age: Array  # (members,) s, of the last large change of the loads before the maximum
    axes: tuple[str, ...]  # (members,) directions of the cells that cause most of the error
    reason: str = ""  # why none is known


def estimate_peak_errors(simulation: Simulation, record: PeakRecord, *, is_steady_start: bool) -> PeakErrors:
    """Return the estimated errors of the maxima of all parts and blocks in a run that has ended.

    They are unknown where the solution of the estimate fails: it uses the cooling at the end of the run, and
    the response to a steady start does not exist without a cooler.
    """
    try:
        return _peak_errors(simulation, record, is_steady_start)
    except ConvergenceError as failure:
        unknown = np.full(record.cell.size, np.nan)
        rise = record.temperature - simulation.model.boundary.mean_ambient
        return PeakErrors(unknown, rise, unknown, ("",) * record.cell.size, _reason(failure))


def _reason(failure: ConvergenceError) -> str:
    """Return the first clause of a message, without "there is no solution"."""
    return str(failure).removeprefix("there is no solution: ").partition(",")[0]


def _peak_errors(simulation: Simulation, record: PeakRecord, is_steady_start: bool) -> PeakErrors:
    """Return the estimated errors of the maxima of all parts and blocks.

    The operator is that of the materials and heat-transfer coefficients at the end. The maxima of parts at
    other times than those of the estimate have the relative error of the nearest of these times.
    """
    count = record.cell.size
    found = PeakErrors(
        np.full(count, np.nan),
        record.temperature - simulation.model.boundary.mean_ambient,
        np.full(count, np.nan),
        ("",) * count,
    )
    axes = list(found.axes)
    estimate = _Estimate(simulation, record, is_steady_start)
    exists = record.cell >= 0
    times = _chosen_times(record, exists)
    responses, errors = [], []
    for time in times:
        error, response, age, main_axes = estimate.at(time, exists)
        responses.append(response)
        errors.append(error)
        own = np.flatnonzero(exists & (record.time == time))
        found.error[own], found.age[own] = error[own], age
        for n in own.tolist():
            axes[n] = main_axes[n]
    for n in np.flatnonzero(exists & np.isnan(found.error)).tolist():
        nearest = int(np.argmin(np.abs(np.array(times) - record.time[n])))
        response = responses[nearest][n]
        if response > MIN_COMPARABLE_RISE * found.rise[n] > 0.0:
            found.error[n] = errors[nearest][n] * max(1.0, found.rise[n] / response)
    return PeakErrors(found.error, found.rise, found.age, tuple(axes))


def _chosen_times(record: PeakRecord, exists: Array) -> list[float]:
    """Return the times [s] of the estimate: those of the hottest part and of the largest rises."""
    rise = np.where(exists, record.temperature - record.start, -np.inf)
    order = [int(np.argmax(np.where(exists, record.temperature, -np.inf))), *np.argsort(-rise).tolist()]
    times = dict.fromkeys(float(record.time[n]) for n in order if exists[n])
    return list(times)[:MAX_TIMES]


class _Estimate:
    """The responses of a simulation to the recorded changes of its loads, and their errors."""

    def __init__(self, simulation: Simulation, record: PeakRecord, is_steady_start: bool) -> None:
        self.simulation, self.record, self.is_steady_start = simulation, record, is_steady_start
        self.shifted, conductivity = response_operators(simulation)
        self.capacity, conduction = self.shifted.capacity, self.shifted.conduction
        self.error = ResponseError(simulation.model, conduction, conductivity, self.capacity)
        self.surface = conduction.boundary_face_conductance
        # Temperatures are rises over the start, or over the ambient if it is steady.
        steady_reference = simulation.model.boundary.mean_ambient  # K
        self.reference = steady_reference if is_steady_start else record.mean_start

    def at(self, time: float, exists: Array) -> tuple[Array, Array, float, list[str]]:
        """Return errors and responses [K] of all maxima at a time [s], the age of the last load, and axes."""
        record = self.record
        points = CellPoints(np.where(exists, record.cell, 0), record.offset)
        change = np.zeros((len(AXIS_GROUPS), points.cell.size))
        response = np.zeros(points.cell.size)
        for age, power in self._loads_by_age(time):
            rate = RATE_OF_TIME / age
            self.shifted.update_shift(rate)
            rise = self.shifted.solve(power.copy(), tolerance=RESPONSE_TOLERANCE)[0]
            change += self.error.changes(
                rise,
                power,
                rate,
                points,
                lambda rhs: self.shifted.solve(rhs, tolerance=ESTIMATE_TOLERANCE)[0],
            )
            response += rise.reshape(-1)[points.cell]
        if not response.any():  # the temperatures are those of the start
            return response, response, np.inf, [""] * response.size
        last_age = self._last_age(time)
        error = estimate_response_error(np.abs(change).sum(axis=0), np.abs(response))
        weight = np.where(record.is_powered, SLOPE_CHANGE_WEIGHT, STORED_SLOPE_CHANGE_WEIGHT)
        error += weight * record.slope_change / 8.0 + self._profile_error(points, last_age)
        main = [list(AXIS_GROUPS)[n] for n in np.argmax(np.abs(change), axis=0).tolist()]
        return error, response, last_age, main

    def _last_age(self, time: float) -> float:
        """Return the age [s] of the last change of the loads before a time that is not small, or infinity."""
        before = [change for change in self.record.changes if change[0] < time]
        rates = [self._heat(powers, ambient) for _, powers, ambient in before]
        if self.is_steady_start:
            differences = [b - a for a, b in pairwise(rates)]
        else:
            differences = [rate - last for rate, last in zip(rates, [0.0, *rates], strict=False)]
        sizes = np.array([np.abs(difference).sum() for difference in differences])
        is_large = np.flatnonzero(sizes > MIN_CHANGE * sizes.max(initial=0.0))
        if not is_large.size:
            return float("inf")
        return float(time - before[int(is_large[-1]) - len(sizes)][0])

    def _solve_loosely(self, rhs: Array) -> Array:
        solution: Array = self.shifted.solve(rhs, tolerance=ESTIMATE_TOLERANCE)[0]
        return solution

    def _profile_error(self, points: CellPoints, age: float) -> Array:
        """Return the error [K] of the profiles in cells that heat has not crossed since the last load.

        Their fluxes determine no parabola over the cell, so the rise above its centre is uncertain.
        """
        if not np.isfinite(age):
            return np.zeros(points.cell.size)
        unresolved = np.clip(1.0 - self.error.reach(points.cell, age), 0.0, 1.0)
        error: Array = (unresolved * np.abs(self.record.rise)).sum(axis=0)
        return error

    def _loads_by_age(self, time: float) -> Iterator[tuple[float, Array]]:
        """Yield an age [s] and the change of the heat of all cells [W], (nz, ny, nx), by decade of ages."""
        sums: dict[float, tuple[float, float, Array]] = {}  # weight, weighted logarithm of the age, change
        last = None
        for when, powers, ambient in self.record.changes:
            if when >= time and when > 0.0:
                break
            heat = self._heat(powers, ambient)
            is_start = last is None
            difference = heat if last is None else heat - last
            last = heat
            size = float(np.abs(difference).sum())
            age = np.inf if is_start and self.is_steady_start else time - when
            if not size or age <= 0.0:
                continue
            decade = np.floor(np.log10(age)) if np.isfinite(age) else np.inf
            weight, logarithm, total = sums.get(decade, (0.0, 0.0, np.zeros_like(difference)))
            logarithm += size * (np.log(age) if np.isfinite(age) else 0.0)
            sums[decade] = weight + size, logarithm, total + difference
        scale = max((float(np.abs(total).sum()) for *_, total in sums.values()), default=0.0)
        for decade, (weight, logarithm, total) in sorted(sums.items()):
            if np.abs(total).sum() > NEGLIGIBLE_CHANGE * scale:
                age = float(np.exp(logarithm / weight)) if np.isfinite(decade) else np.inf
                yield age, self._in_cells(total)

    def _heat(self, powers: Array, ambient: Array) -> Array:
        """Return the power of the heated cells, then the heat through the boundary faces [W]."""
        cells = self.simulation.loads.sources.cell_powers(powers)
        return np.concatenate([cells, self.surface * (ambient - self.reference)])

    def _in_cells(self, heat: Array) -> Array:
        """Return the heat [W] of all cells, (nz, ny, nx)."""
        sources, boundary = self.simulation.loads.sources, self.simulation.model.boundary
        field = np.zeros(self.capacity.size)
        count = sources.cell.size
        field[sources.cell] = heat[:count]
        np.add.at(field, boundary.cell, heat[count:])
        field[self.capacity.reshape(-1) == 0.0] = 0.0
        return field.reshape(self.capacity.shape)


def peak_warnings(errors: PeakErrors, names: list[str], is_powered: Array, tolerance: float) -> list[str]:
    """Return a warning for the powered part with the largest relative error of its rise, if that is large.

    Errors below the tolerance of the error in time [K] cause none.
    """
    if errors.reason:
        text = "the error of the maxima by the grid is unknown, because its estimate has no solution"
        hint = f"with the cooling at the end of the run, {errors.reason}"
        return [str(Diagnostic("grid", text, hint, "W-GRID"))]
    relative = np.where(errors.rise > 0.0, errors.error / np.where(errors.rise > 0.0, errors.rise, 1.0), 0.0)
    relative = np.where(is_powered & (errors.error > tolerance), np.nan_to_num(relative), 0.0)
    if not relative.size or not relative.max() > WARNED_ERROR:
        return []
    n = int(np.argmax(relative))
    kelvin = format_quantity(float(errors.error[n]), "temperature_difference")
    text = f"the grid causes an estimated error of {kelvin}, {format_share(relative[n])} of its largest rise"
    hint = f"most of it from the cells along {errors.axes[n]}" if errors.axes[n] else "use smaller cells"
    if np.isfinite(errors.age[n]):
        hint += f'; use --from "{format_quantity(float(errors.age[n]), "time")}", or smaller cells there'
    return [str(Diagnostic(names[n], text, hint, "W-GRID"))]
