"""Conjugate gradients preconditioned by the cycle, stopped on the true residual and the heat balance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from thermostack.finite_volume.conduction import Conduction
from thermostack.linear.multigrid import Multigrid, vector_norms

Array = np.ndarray

LOOK_AT = 12  # iterations after which the contraction of the last LOOK_BACK predicts the number in all
LOOK_BACK = 8
LOST = 1e4  # fold growth of the residual in one or two iterations that rounding in float32 alone explains
REPLACE_AT = 1e-4  # reduction after which a float32 recurrence is set right, before its drift can matter
DRIFT = 1e-6  # of the residual it started from, the most it is expected to drift
SLACK = 3.0  # fold by which an iteration may contract more than the one before it, where the end is foreseen
SUDDEN = 1e3  # fold fall of the residual in one iteration: the cycle is all but exact, as on a few cells
GROWN = 30.0  # fold growth in one iteration
ROUNDING = 1.0  # unit roundoffs of each flux that count as rounding
MARGIN = 0.9  # of the tolerance, because the recurrence only estimates the true residual
FINEST = 1e-14  # tolerance that is asked for, however good the guess


@dataclass
class IterationState:
    """Where an iteration stands."""

    residual: float = 1.0  # relative, recomputed
    imbalance: float = 1.0
    tolerance: float = 0.0  # of both
    history: list[float] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)  # root of r.z before each iteration
    is_converged: bool = False
    is_lost: bool = False  # float32 does not hold the rise
    reason: str = ""

    @classmethod
    def initial(cls, power: float, tolerance: float) -> IterationState:
        """Return the start, which is the end already where the heats' absolute values sum to nothing."""
        if power > 0.0:
            return cls(tolerance=tolerance)
        return cls(0.0, 0.0, tolerance, [0.0], is_converged=True, reason="no heat")

    def set_tolerance(self, tolerance: float) -> None:
        """Set the tolerance, and judge by it."""
        self.tolerance = max(FINEST, tolerance)
        self.update_convergence()

    def update_convergence(self) -> None:
        """Say whether residual and balance are within the tolerance."""
        self.is_converged = self.residual <= self.tolerance and self.imbalance <= self.tolerance

    @property
    def iterations(self) -> int:
        """Return how many iterations were made."""
        return len(self.history) - 1


class PcgSearch:
    """The search for the temperatures of one load: all that is decided, while the kernels do the work.

    Flexible form of beta: Golub and Ye, SIAM J. Sci. Comput. 21 (1999) 1305.
    """

    def __init__(self, multigrid: Multigrid, load: int, heat: Array, t: Array, tolerance: float) -> None:
        self.multigrid, self.load = multigrid, load
        self.heat, self.t, self.tolerance = heat, t, tolerance
        self.scale, self.power = vector_norms(heat, multigrid.threads)
        self.state = IterationState.initial(self.power, tolerance)
        self.target = MARGIN * tolerance
        self.energy = 0.0  # p.Gp of the last direction, zero where the next one is to begin anew
        self.is_judged = True  # the true residual is that of t
        self.foreseen = math.inf  # residual, relative, once the end has been foreseen
        self.rounds = 0
        self.drift_from = 0.0

    def set_rhs(self, *, is_zero: bool, of_guess: bool) -> None:
        """Set the residual of the first guess; `of_guess` says that the tolerance is relative to it."""
        if self.state.is_converged:
            self.t[...] = 0.0
            return
        if is_zero:
            self.multigrid.set_rhs(self.load, self.heat, 1.0 / self.scale)
        else:
            self.recompute()
            if of_guess:
                self.state.set_tolerance(self.tolerance * self.state.residual)
                self.tolerance = self.state.tolerance
                self.target = MARGIN * self.tolerance
        self.state.history.append(self.state.residual)
        self.drift_from = self.state.residual if self.multigrid.dtype is np.float32 else 0.0

    def recompute(self) -> None:
        """Judge by the true residual."""
        self._take(*self.multigrid.residual(self.load, self.heat, self.t, 1.0 / self.scale))

    def _take(self, left: float, total: float) -> None:
        state = self.state
        state.residual, state.imbalance = left / self.scale, abs(total) / self.power
        state.update_convergence()
        self.is_judged = True

    def direction_step(self) -> tuple[float, float]:
        """Return beta of the next direction and the step along it, from the cycle's answer."""
        zr, own, along, _ = self.multigrid.finest.products(self.load)
        self.state.energies.append(math.sqrt(max(zr, 0.0)))
        beta, self.energy = next_direction(own, along, self.energy)
        if not (zr > 0.0 and 0.0 < self.energy < math.inf):
            self.state.reason = "the search direction lost its energy"
            return 0.0, 0.0
        return beta, zr / self.energy

    def foresees_end(self) -> bool:
        """Return whether the true residual will be due after a step that contracts as the last one did.

        The end is foreseen once; where it does not come, the recurrence tells when to look again.
        """
        before, now = [0.0, *self.state.history][-2:]
        if before == 0.0:
            return False
        next_one = now * min(1.0, now / before)
        is_end = next_one <= SLACK * self.target and self.foreseen == math.inf
        if is_end:
            self.foreseen = next_one
        return is_end or self._drifts(next_one)

    def _drifts(self, seen: float) -> bool:
        """Return whether the recurrence has come so far that its drift may matter before the end."""
        return seen <= REPLACE_AT * self.drift_from and DRIFT * self.drift_from > self.tolerance

    def judge(self, seen: float, found: tuple[float, float] | None = None) -> None:
        """Take the residual the recurrence sees, or the true one found; look at that where it is due."""
        state = self.state
        before = state.residual
        self.is_judged = False
        if found:
            self._take(*found)
            seen = state.residual
            self.drift_from = min(self.drift_from, seen)
        if not state.history[-1] / SUDDEN < seen < GROWN * state.history[-1]:
            self.energy = 0.0  # begin anew: what is left is rounding, and conjugate to nothing
        state.history.append(seen)
        if self.multigrid.dtype is np.float32 and state.iterations <= 2:
            state.is_lost = not seen < LOST * state.history[0]
        if seen <= self.target or (found and self.foreseen <= self.target):
            if not self.is_judged:
                self.recompute()
            self.drift_from = min(self.drift_from, state.residual)
            if not state.is_converged:
                accept_rounding(state, self.multigrid.conduction, self.heat, self.t, self.tolerance)
                self.rounds += 1
                if not state.is_converged and self.rounds > 3 and state.residual > 0.5 * before:
                    state.reason = "the true residual no longer follows the iteration"
                self.target *= 0.1 if state.residual <= self.tolerance else 1.0
        elif self._drifts(seen):
            self.recompute()
            self.drift_from = state.residual

    def should_stop(self, patience: float, limit: int) -> bool:
        """Return whether there is nothing left to do, or no hope; then t is up to date."""
        state = self.state
        if not state.is_converged:
            state.reason = state.reason or _despair(state, self.tolerance, patience, limit)
        if state.is_converged or state.reason:
            if not self.is_judged:
                self.recompute()
            if state.is_converged:
                state.reason = state.reason or "residual and heat balance within the tolerance"
            return True
        return False


def solve_pcg(
    multigrid: Multigrid,
    heats: Array,
    fields: Array,
    *,
    is_zero: bool,
    tolerance: float,
    patience: float,
    limit: int,
    of_guess: bool = False,
) -> list[IterationState]:
    """Improve each field [K] in place until G field = heat [W] within the tolerance; return how each went.

    `heats` and `fields` are (loads, nz, ny, nx); each cycle reads the conductances once for all of them.
    `is_zero` says that the fields are zero everywhere, which saves applying G to them; `of_guess` that the
    tolerance is relative to the residual of the guess instead of the heat. Gives up where more
    than `patience` iterations are foreseen, after `limit`, and where nothing is gained.
    """
    multigrid.allocate(len(heats))
    finest = multigrid.finest
    searches = [
        PcgSearch(multigrid, n, heat, t, tolerance)
        for n, (heat, t) in enumerate(zip(heats, fields, strict=True))
    ]
    beta, alpha, step, constant, square = np.zeros((5, len(heats)))
    for search in searches:
        search.set_rhs(is_zero=is_zero, of_guess=of_guess)
    live: Sequence[PcgSearch] = searches
    true = multigrid.true_residual(heats, np.array([1.0 / (s.scale or 1.0) for s in searches]))
    # From zero the start is as good as a cycle, at two thirds of its cost.
    improve = multigrid.full_multigrid_start if is_zero else multigrid.cycle
    while live := [search for search in live if not search.should_stop(patience, limit)]:
        multigrid.set_active([search.load for search in live])
        improve()
        improve = multigrid.cycle
        for search in live:
            n = search.load
            beta[n], alpha[n] = search.direction_step()
            step[n] = alpha[n] * search.scale
            if true:
                true.ask(n, search.foresees_end())
        finest.descend(beta, alpha, step, constant, fields, square, true)
        for search in live:
            if not search.state.reason:
                n = search.load
                search.judge(math.sqrt(square[n]), true.found(n) if true else None)
    return [search.state for search in searches]


def improve(
    multigrid: Multigrid, heat: Array, t: Array, reduction: float, held: float
) -> tuple[int, float] | None:
    """Bring the residual of a guess t [K] down by a factor, in place, and make its heat balance exact.

    `heat` [W] is what the cells receive, `held` [W/K] the sum of all ground conductances. Returns the
    iterations and the factor that was reached, or None where they are too many or lead nowhere; then t is no
    worse than a guess. By the recurrence alone, whose drift in float32 is `DRIFT`: the `reduction` is more
    than ten times that, and so is the factor that counts as reached. The constant that balances is the best
    one in the norm of the operator; each iteration adds what it takes after its step, and the iteration goes
    on as if it did not.
    """
    scale = held  # of the heat that 1 K everywhere would take
    multigrid.allocate(1)
    multigrid.set_active([0])
    finest = multigrid.finest
    first, excess = multigrid.residual(0, heat, t, 1.0 / scale)
    beta, alpha, step, constant, square = np.zeros((5, 1))
    energy = leaving = added = 0.0
    norm, iterations = first, 0
    while norm > reduction * first:
        multigrid.cycle()
        zr, own, along, sent = finest.products(0)
        beta[0], energy = next_direction(own, along, energy)
        if not (zr > 0.0 and 0.0 < energy < math.inf and iterations < LOOK_AT):
            return None
        alpha[0] = zr / energy
        step[0] = alpha[0] * scale
        leaving = sent + beta[0] * leaving
        excess -= step[0] * leaving
        constant[0], added = excess / held - added, excess / held
        finest.descend(beta, alpha, step, constant, t[None], square)
        norm = math.sqrt(square[0]) * scale
        iterations += 1
    if iterations == 0:
        t += excess / held
    return iterations, max(norm / first, 10.0 * DRIFT) if first > 0.0 else 0.0


def next_direction(own: float, along: float, energy: float) -> tuple[float, float]:
    """Return beta, for which p = z + beta p' has no energy in common with p', and the energy p.Gp.

    From z.Gz, z.Gp' and p'.Gp'; where that is zero, p is z.
    """
    beta = -along / energy if energy > 0.0 else 0.0
    return beta, own + beta * along


def accept_rounding(
    state: IterationState, conduction: Conduction, heat: Array, t: Array, tolerance: float
) -> None:
    """Accept a residual that is all rounding: a temperature stored in float64 has none smaller.

    The bound is the rounding of each face's flux, after Higham, Accuracy and Stability (2002), section 7.1.
    """
    squares = (np.square(2.0 * conduction.diagonal_of_plane(k) * t[k]).sum() for k in range(len(t)))
    floor = ROUNDING * np.finfo(np.float64).eps * math.sqrt(sum(map(float, squares))) / vector_norms(heat)[0]
    if tolerance < state.residual <= floor and state.imbalance <= tolerance:
        state.is_converged = True
        state.reason = f"the residual is the rounding of float64 temperatures, {floor:.1e} at most"


def _despair(state: IterationState, tolerance: float, patience: float, limit: int) -> str:
    """Return why to give up, or "" to go on."""
    done = state.iterations
    if not np.isfinite(state.history[-1]):
        return "the residual is no longer a number"
    if done >= limit:
        return f"{limit} iterations were not enough"
    if state.is_lost:
        return f"the residual grew {state.history[-1] / state.history[0]:.0e}-fold, which is rounding"
    if done == LOOK_AT:
        # The residual of a graded grid may grow for a while as the error falls; the energy tells. What hardly
        # contracts shows when the rest is gone, so the first iterations do not count.
        then = -1 - LOOK_BACK
        fallen = max(state.history[then] / state.history[-1], state.energies[then] / state.energies[-1])
        left = LOOK_BACK * math.log(state.history[-1] / tolerance)
        needed = done + left / math.log(fallen) if fallen > 1.0 else math.inf
        if needed > patience:
            return f"{needed:.0f} iterations foreseen from the first {done}"
    return ""
