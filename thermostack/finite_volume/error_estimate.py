"""How far the temperatures are from those of an infinitely fine grid, estimated for every part at once.

For each axis in turn all cells are halved along it, the field is carried over by its slopes, and what
then fails to balance is brought back to the original cells and solved for there: the answer is how
each temperature would change on the halved grid (docs/numerics.md, section 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from thermostack.finite_volume import _bisection
from thermostack.finite_volume.part_temperatures import PartMeasurements, PartTemperature
from thermostack.finite_volume.reconstruction import Fluxes, X, Y, Z, profile

CHANGE_WEIGHT = 1.6  # of the change on halving, summed over the axes
BEND_WEIGHT = 0.25  # of the bend of the temperature inside the hottest cell; means need none
REMOVED = 1.33  # of the change: what is left of a second-order error is a third of it
SHARED = 4.0  # times the bend of the flatter cell beside: more is no bend of the cell but of its edge
LOOSE = 1e-3  # relative tolerance of the three solves

Solve = Callable[[np.ndarray], np.ndarray]


class BisectedGrid:
    """All cells halved along one axis, taken plane by plane upwards.

    Where a layer hardly conducts along, its temperature is that of the layers above and below but for a
    skin at its edge, thinner than a cell. The slope at that edge says nothing of the cell. It shows as a
    bend that the cells beside do not share, and the larger slope is brought near to the smaller.
    """

    def __init__(self, fluxes: Fluxes, axis: int) -> None:
        self.fluxes, self.axis = fluxes, axis
        _, ny, nx = fluxes.t.shape
        self._planes = np.zeros((3, _bisection.HALVES, ny, nx))  # the last three heights
        self._work = np.empty((_bisection.WORK_ROWS, nx + 2))
        self._through, self._on_high = np.zeros((ny, nx)), np.zeros((ny, nx))
        self._carry(0)

    def _carry(self, k: int) -> None:
        """Cut the cells at height k."""
        fluxes, c, grid = self.fluxes, self.fluxes.conduction, self.fluxes.model.grid
        surfaces = fluxes.surfaces_of_plane(k)
        _bisection.carry_plane(
            self.axis,
            k,
            SHARED,
            c.g_x,
            c.g_y,
            c.g_z,
            fluxes.t,
            fluxes.conductivity.plane(k),
            grid.dz,
            grid.dy,
            grid.dx,
            surfaces.column,
            surfaces.axis,
            surfaces.is_high,
            fluxes.leaving[surfaces.which],
            self._work,
            self._planes[k % 3],
        )

    def restrict_residual(
        self, k: int, back: np.ndarray, windows: np.ndarray, integral: np.ndarray, asked: np.ndarray
    ) -> np.ndarray:
        """Set `back` [W] at height k to what fails to balance in the halves there, summed onto the cells.

        Along z it settles height k - 1 too. Adds to `integral` [K m3] how the cut changes the means of
        parts and of the blocks in `windows`, and returns the temperatures [K] in the halves and their h s
        at the low, the new and the high face for the columns `asked` for, ascending, (columns, 5).
        """
        fluxes, c, model = self.fluxes, self.fluxes.conduction, self.fluxes.model
        if k + 1 < fluxes.t.shape[0]:
            self._carry(k + 1)
        surfaces, s, grid = fluxes.surfaces_of_plane(k), model.boundary, model.grid
        which = surfaces.which
        told = np.empty((asked.size, 5))
        _bisection.balance_plane(
            self.axis,
            k,
            c.g_x,
            c.g_y,
            c.g_z,
            model.part,
            model.power_of_plane(k),
            self._planes[(k - 1) % 3],
            self._planes[k % 3],
            self._planes[(k + 1) % 3],
            grid.dz,
            grid.dy,
            grid.dx,
            surfaces.column,
            surfaces.axis,
            surfaces.is_high,
            c.surface[which],
            s.temperature[which],
            s.flux[which] * s.area[which],
            windows,
            asked,
            self._work,
            self._through,
            self._on_high,
            back,
            integral,
            told,
        )
        return told


@dataclass(frozen=True, eq=False)
class Changes:
    """How means and peaks change when cells are halved along one axis, (members,) K."""

    mean: np.ndarray
    peak: np.ndarray


def _find_changes(
    fluxes: Fluxes, measured: PartMeasurements, axis: int, solve: Solve, back: np.ndarray
) -> Changes:
    """Return the changes when cells are halved along one axis; `back` (nz, ny, nx) is overwritten."""
    members, peaks = measured.members, measured.peaks
    nz, ny, nx = fluxes.t.shape
    heights, columns = np.divmod(peaks.cell, ny * nx)
    order = np.argsort(peaks.cell)
    integral, told = np.zeros(members.count), np.zeros((members.count, 5))
    halving = BisectedGrid(fluxes, axis)
    for k in range(nz):
        here = order[heights[order] == k]
        told[here] = halving.restrict_residual(k, back, members.windows, integral, columns[here])
    del halving
    change = solve(back)
    for k in range(nz):
        members.add(k, change[k], integral)
    mean = np.divide(integral, members.volume, out=np.zeros(members.count), where=members.volume > 0.0)
    low, high, *ends = told.T
    x = peaks.offset[axis]
    in_low = low + profile(ends[0], ends[1], 2.0 * x + 0.5)
    in_high = high + profile(ends[1], ends[2], 2.0 * x - 0.5)
    carried = np.where(x < 0.0, in_low, in_high) - fluxes.t.reshape(-1)[peaks.cell] - peaks.rise[axis]
    return Changes(mean, carried + change.reshape(-1)[peaks.cell])


def estimate_errors(fluxes: Fluxes, measured: PartMeasurements, solve: Solve) -> list[PartTemperature]:
    """Return the parts' temperatures with the estimated error [K] of each mean and greatest one.

    `solve` returns the temperatures [K] that a heat [W] raises, to a loose tolerance.
    """
    back = np.empty(fluxes.t.shape)
    along = [_find_changes(fluxes, measured, axis, solve, back) for axis in (Z, Y, X)]
    found = []
    for n, part in measured.temperatures.items():
        peaks = [float(changes.peak[n]) for changes in along]
        bend = float(measured.peaks.bend[:, n].sum()) / 8.0
        found.append(
            replace(
                part,
                error=CHANGE_WEIGHT * sum(map(abs, peaks)) + BEND_WEIGHT * bend,
                mean_error=CHANGE_WEIGHT * sum(abs(float(changes.mean[n])) for changes in along),
                extrapolated=part.max + REMOVED * sum(peaks),
            )
        )
    return found
