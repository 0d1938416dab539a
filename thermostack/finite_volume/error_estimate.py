"""Estimates of the discretisation error of the mean and maximum temperature of every part and block.

Along each axis in turn all cells are bisected, the field is interpolated to the halves by its slopes, and the
residual of the heat balance of the halves is restricted to the original cells. The solution for this residual
is the change of each temperature on the bisected grid (docs/numerics.md, section 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from thermostack.finite_volume import _bisection
from thermostack.finite_volume.part_temperatures import PartMeasurements, PartTemperature
from thermostack.finite_volume.reconstruction import FaceFluxes, X, Y, Z

CHANGE_WEIGHT = 1.6  # of the change on bisection, summed over the axes, in the estimate
SLOPE_CHANGE_WEIGHT = 0.2  # of the slope change across the hottest cell in the estimate; means need none
EXTRAPOLATION_FACTOR = 1.33  # of the change: of a second-order error, bisection leaves a third of the change
MAX_SLOPE_CHANGE_RATIO = 4.0  # to the smaller slope change of the neighbours; the excess comes from an edge
ESTIMATE_TOLERANCE = 1e-3  # relative tolerance of the solves for the residuals

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
        arrays = _bisection.PlaneFluxes(*fluxes.plane_arrays(windows))
        self._planes = _bisection.BisectedPlanes(arrays, axis, MAX_SLOPE_CHANGE_RATIO)
        self._planes.interpolate(0, fluxes.conductivity.plane(0))

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
            self._planes.interpolate(k + 1, self.fluxes.conductivity.plane(k + 1))
        probe_values = np.empty((probes.size, 5))
        power, storage = (
            (self.fluxes.model.power_of_plane(k), self._no_storage)
            if self.heat is None
            else (self.heat.power[k], self.heat.storage[k])
        )
        self._planes.restrict_residual(k, power, probes, residual, mean_change, probe_values, storage)
        return probe_values


@dataclass(frozen=True, eq=False)
class BisectionChange:
    """The change of mean and maximum temperatures when cells are bisected along one axis, each (zones,) K."""

    mean: np.ndarray
    max: np.ndarray


def _bisection_change(
    fluxes: FaceFluxes, measured: PartMeasurements, axis: int, solve: LinearSolve, residual: np.ndarray
) -> BisectionChange:
    """Return the changes when cells are bisected along one axis; `residual` (nz, ny, nx) is workspace."""
    zones, peaks = measured.zones, measured.peaks
    nz, ny, nx = fluxes.t.shape
    heights, columns = np.divmod(peaks.source_cell, ny * nx)
    order = np.argsort(peaks.source_cell)
    integral, values = np.zeros(zones.count), np.zeros((zones.count, 5))
    bisected = BisectedGrid(fluxes, axis, zones.windows)
    for k in range(nz):
        of_plane = order[heights[order] == k]
        values[of_plane] = bisected.restrict_residual(k, residual, integral, columns[of_plane])
    del bisected
    change = solve(residual)
    for k in range(nz):
        zones.add_integral(k, change[k], integral)
    mean = np.divide(integral, zones.volume, out=np.zeros(zones.count), where=zones.volume > 0.0)
    interpolated = _max_along_axis(values.T, peaks.source_offset[axis]) - peaks.rise[axis]
    interpolated -= fluxes.t.reshape(-1)[peaks.source_cell]
    return BisectionChange(mean, interpolated + change.reshape(-1)[peaks.source_cell])


def _max_along_axis(values: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return temperatures in bisected cells [K], (n,): at a face, for offset 0 the maximum on the axis.

    `values` (5, n) [K] are the temperatures of both halves, and h s at the low, the new and the high face.
    """
    low, high, low_slope, _, high_slope = values
    at_low, at_high = low - 0.5 * low_slope, high + 0.5 * high_slope
    highest = np.max([at_low, low, high, at_high], axis=0)
    at_point: np.ndarray = np.where(offset < 0.0, at_low, np.where(offset > 0.0, at_high, highest))
    return at_point


def estimate_errors(
    fluxes: FaceFluxes, measured: PartMeasurements, solve: LinearSolve
) -> list[PartTemperature]:
    """Return the part temperatures with the estimated error [K] of each mean and maximum.

    `solve` returns the temperature rise [K] by heat [W], to a relative tolerance of ESTIMATE_TOLERANCE.
    """
    residual = np.empty(fluxes.t.shape)
    changes = [_bisection_change(fluxes, measured, axis, solve, residual) for axis in (Z, Y, X)]
    parts = []
    for n, part in measured.temperatures.items():
        max_changes = [float(change.max[n]) for change in changes]
        slope_change = float(measured.peaks.slope_change[:, n].sum()) / 8.0
        parts.append(
            replace(
                part,
                error=CHANGE_WEIGHT * sum(map(abs, max_changes)) + SLOPE_CHANGE_WEIGHT * slope_change,
                mean_error=CHANGE_WEIGHT * sum(abs(float(change.mean[n])) for change in changes),
                extrapolated=part.max + EXTRAPOLATION_FACTOR * sum(max_changes),
            )
        )
    return parts
