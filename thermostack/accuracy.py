"""How far the temperatures are from those of an infinitely fine grid, estimated for every part at once.

For each axis in turn all cells are halved along it, the field is carried over by its slopes, and what
then fails to balance is brought back to the original cells and solved for there: the answer is how
each temperature would change on the halved grid (docs/numerics.md, section 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from thermostack.metrics import Measured, PartTemperature
from thermostack.reconstruction import Fluxes, PlaneFluxes, X, Y, Z, place_surfaces, profile

CHANGE_WEIGHT = 1.6  # of the change on halving, summed over the axes
BEND_WEIGHT = 0.25  # of the bend of the temperature inside the hottest cell; means need none
REMOVED = 1.33  # of the change: what is left of a second-order error is a third of it
SHARED = 4.0  # times the bend of the flatter cell beside: more is no bend of the cell but of its edge
LOOSE = 1e-3  # relative tolerance of the three solves

Solve = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Halves:
    """The cells at one height cut in two along one axis, with the field carried over by its slopes."""

    whole: PlaneFluxes
    trust: tuple[np.ndarray, np.ndarray]  # (ny, nx) each: of the slopes at the low and the high face
    low: np.ndarray  # (ny, nx) K, in the low halves
    high: np.ndarray


@dataclass(frozen=True, eq=False)
class Balance:
    """What fails to balance in the halves at one height, and the heat through their faces."""

    low: np.ndarray  # (ny, nx) W, in the low halves
    high: np.ndarray
    into: np.ndarray  # (ny, nx) W towards the high side through the low face of each cell
    between: np.ndarray  # through the new face in its middle
    out_of: np.ndarray  # through its high face


class Halving:
    """All cells halved along one axis, taken plane by plane upwards."""

    def __init__(self, fluxes: Fluxes, axis: int) -> None:
        self.fluxes, self.axis = fluxes, axis
        self.model, self.conduction = fluxes.model, fluxes.conduction
        self._known: dict[int, Halves] = {}

    def halves(self, k: int) -> Halves | None:
        """Return the halves at height k, None beyond the grid; the last three heights are kept."""
        if not 0 <= k < self.model.grid.shape[0]:
            return None
        if k not in self._known:
            whole = self.fluxes.plane(k)
            a, b = (slope[self.axis] for slope in whole.slopes)
            trust = _trust(a, b, self.axis)
            a, b = a * trust[0], b * trust[1]
            t, bend = self.fluxes.t[k], (b - a) / 32.0
            self._known[k] = Halves(whole, trust, t - (a + b) / 8.0 + bend, t + (a + b) / 8.0 + bend)
            self._known.pop(k - 3, None)
        return self._known[k]

    def balance(self, k: int) -> Balance:
        """Return what fails to balance in the halves at height k."""
        here = self.halves(k)
        assert here is not None
        ratio = here.whole.width_over_conductance[self.axis]
        with np.errstate(divide="ignore"):
            between = np.where(ratio > 0.0, 2.0 / ratio, 0.0) * (here.low - here.high)
        into, out_of = self._old_faces(k, here)
        own = 0.5 * self.model.power_of_plane(k)
        low, high = own + into - between, own + between - out_of
        below, above = self.halves(k - 1), self.halves(k + 1)
        self._add_across(low, k, here.low, below.low if below else None, above.low if above else None)
        self._add_across(high, k, here.high, below.high if below else None, above.high if above else None)
        return Balance(low, high, into, between, out_of)

    def _old_faces(self, k: int, here: Halves) -> tuple[np.ndarray, np.ndarray]:
        """Return the heat [W] through the low and the high face of each cell, between the halves beside them.

        A half of a cell brings half the resistance to a face that the cell brought.
        """
        c, ratio = self.conduction, here.whole.width_over_conductance[self.axis]
        low, high = np.zeros((3, *ratio.shape)), np.zeros((3, *ratio.shape))
        if self.axis == X:
            g = _nearer(c.g_x[k], ratio[:, :-1], ratio[:, 1:])
            low[X, :, 1:] = high[X, :, :-1] = g * (here.high[:, :-1] - here.low[:, 1:])
        elif self.axis == Y:
            g = _nearer(c.g_y[k], ratio[:-1], ratio[1:])
            low[Y, 1:] = high[Y, :-1] = g * (here.high[:-1] - here.low[1:])
        else:
            if below := self.halves(k - 1):
                g = _nearer(c.g_z[k - 1], below.whole.width_over_conductance[Z], ratio)
                low[Z] = g * (below.high - here.low)
            if above := self.halves(k + 1):
                g = _nearer(c.g_z[k], ratio, above.whole.width_over_conductance[Z])
                high[Z] = g * (here.high - above.low)
        place_surfaces(self.model, k, self._leaving(k, here, ratio), low, high)
        return low[self.axis], high[self.axis]

    def _leaving(self, k: int, here: Halves, ratio: np.ndarray) -> np.ndarray:
        """Return the heat [W] that leaves through each of the surfaces, right for those at height k."""
        s, chosen = self.model.surfaces, self.model.surfaces_of_plane(k)
        columns = self.model.columns_of(chosen)
        beside = np.where(s.is_high[chosen], here.high[columns], here.low[columns])
        leaving = np.zeros(s.cell.size)
        with np.errstate(divide="ignore", invalid="ignore"):  # at surfaces across the other axes
            film = _nearer(self.conduction.surface[chosen], ratio[columns], 0.0)
            leaving[chosen] = film * (beside - s.temperature[chosen]) - s.flux[chosen] * s.area[chosen]
        return leaving

    def _add_across(
        self, residual: np.ndarray, k: int, t: np.ndarray, below: np.ndarray | None, above: np.ndarray | None
    ) -> None:
        """Add what enters halves at temperatures t [K] through their faces across the other axes."""
        c, s = self.conduction, self.model.surfaces
        if self.axis != X:
            through = 0.5 * c.g_x[k] * (t[:, :-1] - t[:, 1:])
            residual[:, :-1] -= through
            residual[:, 1:] += through
        if self.axis != Y:
            through = 0.5 * c.g_y[k] * (t[:-1] - t[1:])
            residual[:-1] -= through
            residual[1:] += through
        if self.axis != Z and below is not None:
            residual += 0.5 * c.g_z[k - 1] * (below - t)
        if self.axis != Z and above is not None:
            residual += 0.5 * c.g_z[k] * (above - t)
        here = self.model.surfaces_of_plane(k)
        other = np.flatnonzero(s.axis[here] != self.axis) + here.start
        j, i = (index[other - here.start] for index in self.model.columns_of(here))
        leaving = c.surface[other] * (t[j, i] - s.temperature[other]) - s.flux[other] * s.area[other]
        np.subtract.at(residual, (j, i), 0.5 * leaving)

    def restrict(self, k: int, balance: Balance, back: np.ndarray, below: np.ndarray | None) -> np.ndarray:
        """Add to `back` [W] what the halves at height k bring back by the transpose of the way there.

        `below` is what this returned for the height below.
        """
        c, here = self.conduction, self.halves(k)
        assert here is not None
        low, high = (trust * here.whole.width_over_conductance[self.axis] for trust in here.trust)
        on_low = low * (5.0 * balance.low - 3.0 * balance.high) / 32.0  # per watt through the face
        on_high: np.ndarray = high * (3.0 * balance.low - 5.0 * balance.high) / 32.0
        back[k] += balance.low + balance.high
        if self.axis == X:
            moved = c.g_x[k] * (on_high[:, :-1] + on_low[:, 1:])
            back[k, :, :-1] += moved
            back[k, :, 1:] -= moved
        elif self.axis == Y:
            moved = c.g_y[k] * (on_high[:-1] + on_low[1:])
            back[k, :-1] += moved
            back[k, 1:] -= moved
        elif below is not None:
            moved = c.g_z[k - 1] * (below + on_low)
            back[k - 1] += moved
            back[k] -= moved
        s, chosen = self.model.surfaces, self.model.surfaces_of_plane(k)
        own = np.flatnonzero(s.axis[chosen] == self.axis)
        j, i = (index[own] for index in self.model.columns_of(chosen))
        on_face = np.where(s.is_high[chosen][own], on_high[j, i], -on_low[j, i])
        np.add.at(back[k], (j, i), c.surface[chosen][own] * on_face)
        return on_high


def _trust(a: np.ndarray, b: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of the slopes h s_lo = a and h s_hi = b [K] carries over into the halves of the cells.

    Where a layer hardly conducts along, its temperature is that of the layers above and below but for a
    skin at its edge, thinner than a cell. The slope at that edge says nothing of the cell. It shows as a
    bend that the cells beside do not share, and the larger slope is brought near to the smaller.
    """
    ones = np.ones(a.shape)
    if axis == Z:
        return ones, ones
    bend = np.moveaxis(np.abs(b - a), axis - 1, 0)
    shared = np.full(bend.shape, np.inf)
    shared[1:] = bend[:-1]
    shared[:-1] = np.minimum(shared[:-1], bend[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.moveaxis(np.where(SHARED * shared < bend, SHARED * shared / bend, 1.0), 0, axis - 1)
        low = np.where(np.abs(a) > np.abs(b), kept + (1.0 - kept) * b / a, 1.0)
        high = np.where(np.abs(b) > np.abs(a), kept + (1.0 - kept) * a / b, 1.0)
    return low, high


def _nearer(g: np.ndarray, low: np.ndarray, high: np.ndarray | float) -> np.ndarray:
    """Return conductances [W/K] whose cells of h / (k A) [K/W] beside the face are cut to the nearer half."""
    nearer: np.ndarray = g / (1.0 - 0.25 * g * (low + high))
    return nearer


@dataclass(eq=False)
class Changes:
    """How means and peaks change when cells are halved along one axis [K], by member."""

    mean: np.ndarray
    peak: dict[int, float]
    bend: dict[int, float]  # of the temperature in the hottest cell


def _find_changes(fluxes: Fluxes, measured: Measured, axis: int, solve: Solve) -> Changes:
    members, halving = measured.members, Halving(fluxes, axis)
    changes = Changes(np.zeros(members.count), {}, {})
    back = np.zeros(fluxes.t.shape)
    below = None
    for k in range(fluxes.t.shape[0]):
        balance = halving.balance(k)
        below = halving.restrict(k, balance, back, below)
        here = halving.halves(k)
        assert here is not None
        ratio = here.whole.width_over_conductance[axis]
        a, b = (slope[axis] for slope in here.whole.slopes)
        ends = tuple(-0.5 * ratio * flux for flux in (balance.into, balance.between, balance.out_of))  # h s
        carried = 0.5 * (here.low + here.high) + (ends[2] - ends[0]) / 48.0 - fluxes.t[k] - (b - a) / 24.0
        changes.mean += members.sums(k, carried)
        for n, peak in measured.peaks.items():
            if peak.cell[0] == k:
                at, x = peak.cell[1:], peak.offset[axis]
                before = fluxes.t[k][at] + peak.rise[axis]
                low = here.low[at] + profile(ends[0][at], ends[1][at], 2.0 * x + 0.5)
                high = here.high[at] + profile(ends[1][at], ends[2][at], 2.0 * x - 0.5)
                changes.peak[n] = float((low if x < 0.0 else high) - before)
                changes.bend[n] = float(abs(b[at] - a[at]))
    change = solve(back)
    for k in range(fluxes.t.shape[0]):
        changes.mean += members.sums(k, change[k])
    for n, peak in measured.peaks.items():
        changes.peak[n] += float(change[peak.cell])
    present = members.volume > 0.0
    changes.mean[present] /= members.volume[present]
    return changes


def estimate_errors(fluxes: Fluxes, measured: Measured, solve: Solve) -> list[PartTemperature]:
    """Return the parts' temperatures with the estimated error [K] of each mean and greatest one.

    `solve` returns the temperatures [K] that a heat [W] raises, to a loose tolerance.
    """
    along = [_find_changes(fluxes, measured, axis, solve) for axis in (Z, Y, X)]
    found = []
    for n, part in measured.temperatures.items():
        peaks = [changes.peak[n] for changes in along]
        bend = sum(changes.bend[n] for changes in along) / 8.0
        found.append(
            replace(
                part,
                error=CHANGE_WEIGHT * sum(map(abs, peaks)) + BEND_WEIGHT * bend,
                mean_error=CHANGE_WEIGHT * sum(abs(float(changes.mean[n])) for changes in along),
                extrapolated=part.max + REMOVED * sum(peaks),
            )
        )
    return found
