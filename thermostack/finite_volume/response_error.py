"""Discretisation error of the response of a body with heat storage, (G + s C) T = P, in single cells.

The response to a power at a rate s [1/s] is the mean of the temperature rise after a step of power, weighted
by s exp(-s t). As in the steady state, which is s = 0, all cells are bisected along one axis, the response is
interpolated to the halves, and the response to the residual of the halves is the change of each temperature
on the bisected grid (docs/numerics.md, section 9). The storage of the halves belongs to the residual.

A step of power in a half-space causes a rise that is proportional to the root of time. The relative error of
its response at the rate RATE_OF_TIME / t equals the relative error of the rise at the time t, to the leading
order in the cell size. In the steady state any rate gives the same relative error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import Conduction
from thermostack.finite_volume.error_estimate import BisectedGrid, CellHeat
from thermostack.finite_volume.reconstruction import FaceFluxes, X, Y, Z
from thermostack.mesh.model import Model

RATE_OF_TIME = 0.5  # rate s times the time t whose relative error it gives
ESTIMATE_TOLERANCE = 1e-3  # relative, of the responses to the residuals
# Weights of the slope change across the hottest cell: with power, which the values at its faces contain, and
# without, where only stored heat bends the profile.
SLOPE_CHANGE_WEIGHT, STORED_SLOPE_CHANGE_WEIGHT = 0.25, 0.6
RESPONSE_ERROR_WEIGHT = 2.0  # of the change on bisection in the estimate
MAX_WEIGHT_GROWTH = 0.5  # where cells are wide, one bisection shows a smaller fraction of the error
LEAK_WEIGHT = 0.4  # of diffusion length over width: fraction of its rise that a heated cell loses or gains
AXIS_GROUPS = {"z": (Z,), "x and y": (Y, X)}  # axes whose residuals are solved for together

Array = np.ndarray
LinearSolve = Callable[[Array], Array]  # power [W] to temperature rise [K], each (nz, ny, nx)


@dataclass(frozen=True, eq=False)
class CellPoints:
    """Points whose temperatures are compared: a position in each of some cells, or the mean of its halves."""

    cell: Array  # (n,) index in the raveled grid
    offset: Array | None = None  # (3, n) -1/2, 0 (mean of both halves) or 1/2 along z, y, x; None: all 0


class ResponseError:
    """The change of responses at some points on a bisected grid."""

    def __init__(
        self, model: Model, conduction: Conduction, conductivity: CellConductivity, capacity: Array
    ) -> None:
        """Take the operator of a model and the heat capacity of its cells [J/K], (nz, ny, nx)."""
        boundary = model.boundary
        zero = np.zeros(boundary.cell.size)
        # A response is a rise over the ambient; fluxes through faces do not depend on it.
        self.model = replace(model, boundary=replace(boundary, temperature=zero, flux=zero))
        self.conduction, self.conductivity, self.capacity = conduction, conductivity, capacity

    def changes(
        self, response: Array, power: Array, rate: float, points: CellPoints, solve: LinearSolve
    ) -> Array:
        """Return the change [K] at points by bisection along each group of axes, (groups, n).

        `response` (nz, ny, nx) [K] is that to `power` (nz, ny, nx) [W] at a rate [1/s], and `solve` returns
        responses at the same rate.
        """
        heat = CellHeat(power, rate * self.capacity)
        fluxes = FaceFluxes(self.model, self.conduction, self.conductivity, response)
        changes: Array = np.zeros((len(AXIS_GROUPS), points.cell.size))
        limits = self._limits(response, power, rate, points)
        residual = np.empty(response.shape)
        for change, limit, axes in zip(changes, limits, AXIS_GROUPS.values(), strict=True):
            total = np.zeros(response.shape)
            for axis in axes:
                change += self._interpolation_change(fluxes, axis, heat, points, residual)
                total += residual
            change += solve(total).reshape(-1)[points.cell]
            np.clip(change, -limit, limit, out=change)
        return changes

    def reach(self, cell: Array, time: float) -> Array:
        """Return the diffusion length in a time [s] over the width of some cells along z, y and x, (3, n)."""
        fluxes = FaceFluxes(self.model, self.conduction, self.conductivity, self.capacity)
        time_constant = fluxes.resistance_of(cell) * self.capacity.reshape(-1)[cell]
        with np.errstate(divide="ignore"):
            value: Array = np.sqrt(time / time_constant)
        return value

    def _limits(self, response: Array, power: Array, rate: float, points: CellPoints) -> Array:
        """Return the bounds of the changes [K], (groups, n): infinite but in heated cells.

        Heat crosses no more than a diffusion length, so in a cell that is wider no more than that fraction of
        its own rise depends on its neighbours.
        """
        limits: Array = np.full((len(AXIS_GROUPS), points.cell.size), np.inf)
        if rate > 0.0:
            rise = np.abs(response.reshape(-1)[points.cell])
            is_heated = power.reshape(-1)[points.cell] != 0.0
            reach = self.reach(points.cell, RATE_OF_TIME / rate)
            for limit, axes in zip(limits, AXIS_GROUPS.values(), strict=True):
                bound = LEAK_WEIGHT * reach[list(axes)].sum(axis=0) * rise
                limit[is_heated] = bound[is_heated]
        return limits

    def _interpolation_change(
        self, fluxes: FaceFluxes, axis: int, heat: CellHeat, points: CellPoints, residual: Array
    ) -> Array:
        """Return the change of the points by interpolation to the halves [K], and set the residual [W]."""
        nz, ny, nx = fluxes.t.shape
        height, column = np.divmod(points.cell, ny * nx)
        order = np.argsort(points.cell, kind="stable")
        values = np.zeros((points.cell.size, 5))
        bisected = BisectedGrid(fluxes, axis, np.zeros((0, 7), dtype=np.intp), heat)
        means = np.zeros(len(self.model.parts))
        for k in range(nz):
            own = order[height[order] == k]
            values[own] = bisected.restrict_residual(k, residual, means, column[own])
        low, high, *slopes = values.T
        at_center = fluxes.t.reshape(-1)[points.cell]
        if points.offset is None:
            mean_change: Array = 0.5 * (low + high) - at_center
            return mean_change
        x = points.offset[axis]
        low_slope, _, high_slope = slopes
        interpolated = [low - 0.5 * low_slope, high + 0.5 * high_slope]
        a, b = (slope[axis] for slope in fluxes.slopes_of(points.cell))
        at_face: Array = np.where(x < 0.0, interpolated[0] + 0.5 * a, interpolated[1] - 0.5 * b) - at_center
        change: Array = np.where(x == 0.0, 0.5 * (low + high) - at_center, at_face)
        return change


def estimate_response_error(change: Array, rise: Array) -> Array:
    """Return the estimated error from the sum of the changes on bisection, (n,) each, in the unit of `rise`.

    >>> estimate_response_error(np.array([1e-3, 1.0]), np.ones(2)).round(6).tolist()
    [0.002004, 3.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(rise > 0.0, change / rise, np.inf)
    growth = np.minimum(RESPONSE_ERROR_WEIGHT * relative, MAX_WEIGHT_GROWTH)
    error: Array = RESPONSE_ERROR_WEIGHT * change * (1.0 + growth)
    return error
