"""Discretisation error of a thermal impedance at every port, over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from thermostack.finite_volume.response_error import (
    AXIS_GROUPS,
    ESTIMATE_TOLERANCE,
    RATE_OF_TIME,
    CellPoints,
    ResponseError,
    estimate_response_error,
)
from thermostack.impedance.ports import Port
from thermostack.impedance.reduced_model import KrylovBasis
from thermostack.linear.shifted import ShiftedOperator
from thermostack.results.impedance_error import ImpedanceError

Array = np.ndarray

SAMPLES_PER_DECADE = 1.0  # times at which the error is estimated; between them it is interpolated
STEADY_TIME_CONSTANTS = 10.0  # largest time constants after which a rise is steady


def estimate_impedance_error(
    response_error: ResponseError,
    shifted: ShiftedOperator,
    basis: KrylovBasis,
    ports: Mapping[str, Port],
    time: Array,
) -> ImpedanceError:
    """Return the estimated error of the rise at every port over the range of times [s].

    The first port is the source. Its responses are those of the reduced model.
    """
    source = next(iter(ports.values()))
    power = source.source_field(shifted.capacity.shape)
    points = CellPoints(np.unique(np.concatenate([port.cell for port in ports.values()])))
    weights = np.zeros((len(ports), points.cell.size))
    for row, port in zip(weights, ports.values(), strict=True):
        row[np.searchsorted(points.cell, port.cell)] = port.weight
    largest = float(np.linalg.eigvalsh(basis.capacity_matrix)[-1])
    steady = max(float(time[-1]) * 1.001, STEADY_TIME_CONSTANTS * largest)
    samples = [*_sample_times(time), np.inf]
    errors, axes = np.empty((len(ports), len(samples))), []
    for n, sample in enumerate(samples):
        rate = RATE_OF_TIME / sample
        shifted.update_shift(rate)
        response = basis.response(rate)
        change = response_error.changes(
            response, power, rate, points, lambda rhs: shifted.solve(rhs, tolerance=ESTIMATE_TOLERANCE)[0]
        )
        by_port = np.abs(change @ weights.T)  # (groups, ports)
        rise = np.array([port.mean(response) for port in ports.values()])
        errors[:, n] = estimate_response_error(by_port.sum(axis=0), rise)
        axes.append(list(AXIS_GROUPS)[int(np.argmax(by_port[:, 0]))])
    return ImpedanceError(
        np.array([*samples[:-1], steady]), dict(zip(ports, errors, strict=True)), tuple(axes)
    )


def _sample_times(time: Array) -> list[float]:
    """Return times [s] from the first to the last, at most a decade apart."""
    first, last = float(time[0]), float(time[-1])
    count = 1 + int(np.ceil(SAMPLES_PER_DECADE * np.log10(last / first) - 1e-9))
    samples: list[float] = np.geomspace(first, last, max(count, 1)).tolist()
    return samples
