"""Estimates of the discretisation error of the mean and maximum temperature of every part and block.

Two quantities show the error. Along each axis in turn all cells are bisected, the field is interpolated to
the halves by its slopes, and the residual of the heat balance of the halves is restricted to the original
cells. The solution for the sum of these residuals is the change of each temperature on the bisected grid. The
second quantity is the difference to the corner scheme on the same grid (docs/numerics.md, section 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from thermostack.finite_volume import _bisection
from thermostack.finite_volume.corner_scheme import CornerSolve, CornerTemperatures, solve_corners
from thermostack.finite_volume.part_temperatures import PartMeasurements, PartsAndBlocks, PartTemperature
from thermostack.finite_volume.reconstruction import FaceFluxes, X, Y, Z
from thermostack.mesh.mesh_diagnostics import single_cell_sources


@dataclass(frozen=True)
class EstimateWeights:
    """Weights of the change on bisection and of the difference to the corner scheme.

    They were chosen on packages other than those of benchmarks/error_estimate_classes.py.

    Parameters
    ----------
    mean_change, mean_difference
        In the estimate of a mean.
    max_change, max_difference, slope_change
        In the estimate of a maximum; the last one is of the slope change across the hottest cell.
    extrapolated_change, extrapolated_difference
        In the extrapolated value.
    """

    mean_change: float = 1.2
    mean_difference: float = 0.4
    max_change: float = 1.0
    max_difference: float = 0.4
    slope_change: float = 0.05
    extrapolated_change: float = 0.7
    extrapolated_difference: float = 0.15


WEIGHTS = EstimateWeights()
MAX_SLOPE_CHANGE_RATIO = 4.0  # to the smaller slope change of the neighbours; the excess comes from an edge
# Of the rise of a temperature: an extrapolation by more is omitted. It is the first term of a series in the
# size of the cells, and the terms that follow are not small compared with it there.
MAX_EXTRAPOLATION = 0.2
MIN_STABILITY = 1e-3  # of 1 minus the loop gain, in place of a smaller one
MIN_RISE = 1e-9  # K, in place of a smaller one, which is rounding
CHANGE_TOLERANCE = 1e-2  # relative, of the solution for the change on bisection: 1 % of the change
CORNER_TOLERANCE = 3e-3  # relative, of the corner scheme: 1 % of the difference, because its guess is good

LinearSolve = Callable[[np.ndarray], np.ndarray]  # heat [W] to temperature rise [K], each (nz, ny, nx)


@dataclass(frozen=True, eq=False)
class CellHeat:
    """Power and storage of every cell in place of the power of the description, for (G + S) T = P."""

    power: np.ndarray  # (nz, ny, nx) W
    storage: np.ndarray  # (nz, ny, nx) W/K: heat capacity times a rate


class BisectedGrid:
    """All cells bisected along one axis, processed plane by plane upwards.

    A layer of low conductivity has the temperature of the layers above and below it, except in a boundary
    layer at its edge that is thinner than a cell. The slope at that edge does not represent the cell: it
    produces a slope change that the neighbours do not have. So the larger of the two slopes is limited.
    """

    def __init__(
        self, fluxes: FaceFluxes, axis: int, windows: np.ndarray, heat: CellHeat | None = None
    ) -> None:
        """Bisect the cells along an axis; `windows` (blocks, 7) are those of `PartsAndBlocks`.

        `heat` replaces the power of the description and adds storage.
        """
        self.fluxes, self.heat = fluxes, heat
        self._no_storage = np.zeros(fluxes.t.shape[1:])
        self._axis = axis
        arrays = _bisection.PlaneFluxes(*fluxes.plane_arrays(windows))
        has_halves = fluxes.conductivity.has_halves
        self._planes = _bisection.BisectedPlanes(arrays, axis, MAX_SLOPE_CHANGE_RATIO, has_halves)
        self._interpolate(0)

    def _interpolate(self, k: int) -> None:
        """Bisect the cells at height k."""
        plane = self.fluxes.conductivity.plane(k)
        self._planes.interpolate(k, plane, *self.fluxes.conductivity.halves(k, plane, self._axis))

    def restrict_residual(
        self, k: int, residual: np.ndarray, mean_change: np.ndarray, probes: np.ndarray
    ) -> np.ndarray:
        """Set `residual` (nz, ny, nx) [W] at height k to the residual of the halves, restricted to the cells.

        Along z the residual at height k - 1 is completed too. The change of the temperature by bisection,
        integrated over each part and block, is added to `mean_change` (zones,) [K m3]. Returns an array
        (probes, 5) [K]: the temperatures of both halves and h s at the low, the new and the high face of the
        cells `probes`, which are indices j nx + i in ascending order.
        """
        if k + 1 < self.fluxes.t.shape[0]:
            self._interpolate(k + 1)
        probe_values = np.empty((probes.size, 5))
        power, storage = (
            (self.fluxes.model.power_of_plane(k), self._no_storage)
            if self.heat is None
            else (self.heat.power[k], self.heat.storage[k])
        )
        self._planes.restrict_residual(k, power, probes, residual, mean_change, probe_values, storage)
        return probe_values

    def add_residuals(self, total: np.ndarray, mean_change: np.ndarray, probes: np.ndarray) -> np.ndarray:
        """Add the restricted residuals of all heights [W] to `total` (nz, ny, nx).

        `mean_change` is that of `restrict_residual`. Returns its array (n, 5) [K] for the cells `probes`
        (n,), which are indices in the raveled grid in any order.
        """
        nz, ny, nx = self.fluxes.t.shape
        heights, columns = np.divmod(probes, ny * nx)
        order = np.argsort(probes)
        values, residual = np.zeros((probes.size, 5)), np.empty(self.fluxes.t.shape)
        for k in range(nz):
            of_plane = order[heights[order] == k]
            values[of_plane] = self.restrict_residual(k, residual, mean_change, columns[of_plane])
            if k > 0:
                total[k - 1] += residual[k - 1]
        total[-1] += residual[-1]
        return values


@dataclass(frozen=True, eq=False)
class BisectionChange:
    """The change of mean and maximum temperatures when all cells are bisected, each (zones,) K."""

    mean: np.ndarray
    max: np.ndarray


def bisection_change(fluxes: FaceFluxes, measured: PartMeasurements, solve: LinearSolve) -> BisectionChange:
    """Return the sum of the changes when cells are bisected along each axis.

    The change is linear in the residual, so that one solution gives the sum.
    """
    zones, peaks = measured.zones, measured.peaks
    integral, at_peak = np.zeros(zones.count), np.zeros(zones.count)
    total = np.zeros(fluxes.t.shape)
    for axis in (Z, Y, X):
        bisected = BisectedGrid(fluxes, axis, zones.windows)
        values = bisected.add_residuals(total, integral, peaks.source_cell)
        at_peak += _max_along_axis(values.T, peaks.source_offset[axis]) - peaks.rise[axis]
        at_peak -= fluxes.t.reshape(-1)[peaks.source_cell]
    del bisected
    change = solve(total)
    for k in range(change.shape[0]):
        zones.add_integral(k, change[k], integral)
    mean = np.divide(integral, zones.volume, out=np.zeros(zones.count), where=zones.volume > 0.0)
    return BisectionChange(mean, at_peak + change.reshape(-1)[peaks.source_cell])


def change_field(fluxes: FaceFluxes, zones: PartsAndBlocks, solve: LinearSolve) -> np.ndarray:
    """Return the change of the temperature of each cell [K], (nz, ny, nx), when all cells are bisected."""
    total = np.zeros(fluxes.t.shape)
    for axis in (Z, Y, X):
        bisected = BisectedGrid(fluxes, axis, zones.windows)
        bisected.add_residuals(total, np.zeros(zones.count), np.zeros(0, dtype=np.intp))
    return solve(total)


def _max_along_axis(values: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return temperatures in bisected cells [K], (n,): at a face, for offset 0 the maximum on the axis.

    `values` (5, n) [K] are the temperatures of both halves, and h s at the low, the new and the high face.
    """
    low, high, low_slope, _, high_slope = values
    at_low, at_high = low - 0.5 * low_slope, high + 0.5 * high_slope
    on_axis = np.max([at_low, low, high, at_high], axis=0)
    at_point: np.ndarray = np.where(offset < 0.0, at_low, np.where(offset > 0.0, at_high, on_axis))
    return at_point


def estimate_errors(
    fluxes: FaceFluxes,
    measured: PartMeasurements,
    solve: LinearSolve,
    solve_by_corners: CornerSolve,
    *,
    loop_gain: float = 0.0,
) -> list[PartTemperature]:
    """Return the part temperatures with errors and extrapolated values [K] of each mean and maximum.

    No value is extrapolated where a source has one cell across, because the change on bisection does not show
    its error, and none by more than MAX_EXTRAPOLATION. `solve` returns the temperature rise [K] by heat [W]
    to CHANGE_TOLERANCE, `solve_by_corners` solves the corner scheme to CORNER_TOLERANCE. The corner scheme
    has the leakage power of the cells; its difference is enlarged by the leakage that it causes at most,
    according to the `loop_gain`.
    """
    change = bisection_change(fluxes, measured, solve)
    corners = solve_corners(fluxes, measured.zones, solve_by_corners)
    if loop_gain > 0.0:
        corners = _with_feedback(corners, measured, 1.0 / max(1.0 - loop_gain, MIN_STABILITY))
    slope_change = measured.peaks.slope_change.sum(axis=0) / 8.0
    model = fluxes.model
    parts = [
        _with_errors(part, n, change, corners, float(slope_change[n]))
        for n, part in measured.temperatures.items()
    ]
    if single_cell_sources(model.geometry, model.grid, model.layer_sources, model.blocks):
        return parts
    ambient = model.boundary.temperature[model.boundary.h > 0.0]
    return [
        _with_extrapolation(part, n, change, corners, ambient)
        for part, n in zip(parts, measured.temperatures, strict=True)
    ]


def _with_feedback(
    corners: CornerTemperatures, measured: PartMeasurements, factor: float
) -> CornerTemperatures:
    """Return the temperatures of the corner scheme with `factor` times the differences to the cells."""
    mean, largest = corners.mean.copy(), corners.max.copy()
    for part, n in ((part, n) for n, part in measured.temperatures.items()):
        mean[n] = part.mean + factor * (mean[n] - part.mean)
        largest[n] = part.max + factor * (largest[n] - part.max)
    return CornerTemperatures(mean, largest)


def _with_errors(
    part: PartTemperature, n: int, change: BisectionChange, corners: CornerTemperatures, slope_change: float
) -> PartTemperature:
    """Return the temperatures of zone n with its errors."""
    w = WEIGHTS
    mean_difference, max_difference = float(corners.mean[n]) - part.mean, float(corners.max[n]) - part.max
    return replace(
        part,
        error=w.max_change * abs(float(change.max[n]))
        + w.max_difference * abs(max_difference)
        + w.slope_change * slope_change,
        mean_error=w.mean_change * abs(float(change.mean[n])) + w.mean_difference * abs(mean_difference),
    )


def _with_extrapolation(
    part: PartTemperature, n: int, change: BisectionChange, corners: CornerTemperatures, ambient: np.ndarray
) -> PartTemperature:
    """Return the temperatures of zone n with its extrapolated values; `ambient` (n,) are temperatures [K]."""
    return replace(
        part,
        extrapolated=_extrapolate(part.max, float(change.max[n]), float(corners.max[n]), ambient),
        extrapolated_mean=_extrapolate(part.mean, float(change.mean[n]), float(corners.mean[n]), ambient),
    )


def _extrapolate(value: float, change: float, by_corners: float, ambient: np.ndarray) -> float | None:
    """Return a temperature extrapolated to cells of size zero [K], None where that has no meaning.

    The extrapolation is at most MAX_EXTRAPOLATION times the rise, the distance from the farthest ambient.
    """
    term = WEIGHTS.extrapolated_change * change + WEIGHTS.extrapolated_difference * (by_corners - value)
    rise = max(float(np.abs(value - ambient).max()), MIN_RISE)
    return value + term if abs(term) <= MAX_EXTRAPOLATION * rise else None
