"""Conjugate gradients preconditioned by the cycle, stopped on the true residual and the heat balance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from thermostack.conduction import Conduction
from thermostack.linear.multigrid import Multigrid

Array = np.ndarray

LOOK_AT = 12  # iterations whose mean contraction predicts how many are needed in all
REPLACE_AT = 1e-4  # reduction after which a float32 recurrence is set right, before its drift can matter
DRIFT = 1e-6  # of the residual it started from, the most it is expected to drift
SUDDEN = 1e3  # fold fall of the residual in one iteration: the cycle is all but exact, as on a few cells
GROWN = 30.0  # fold growth in one iteration
ROUNDING = 1.0  # unit roundoffs of each flux that count as rounding
MARGIN = 0.9  # of the tolerance, because the recurrence only estimates the true residual


@dataclass
class Progress:
    """Where an iteration stands."""

    residual: float = 1.0  # relative, recomputed
    imbalance: float = 1.0
    history: list[float] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)  # root of r.z before each iteration
    is_converged: bool = False
    reason: str = ""

    @property
    def iterations(self) -> int:
        """Return how many iterations were made."""
        return len(self.history) - 1


def iterate(
    multigrid: Multigrid,
    heat: Array,
    t: Array,
    *,
    is_zero: bool,
    tolerance: float,
    patience: float,
    limit: int,
) -> Progress:
    """Improve t [K] in place until G t = heat [W] within the tolerance, and return how it went.

    `is_zero` says that t is zero everywhere, which saves applying G to it. Gives up where more than
    `patience` iterations are foreseen, after `limit`, and where nothing is gained.
    Flexible form of beta: Golub and Ye, SIAM J. Sci. Comput. 21 (1999) 1305.
    """
    scale, power = norm(heat), float(np.abs(heat).sum())
    finest, state = multigrid.finest, Progress()

    def recompute(step: float) -> None:
        left, total = multigrid.residual(heat, step, t, 1.0 / scale)
        state.residual, state.imbalance = left / scale, abs(total) / power
        state.is_converged = state.residual <= tolerance and state.imbalance <= tolerance

    if is_zero:
        multigrid.begin(heat, 1.0 / scale)
    else:
        recompute(0.0)
    state.history.append(state.residual)
    target = MARGIN * tolerance
    drift_from = state.residual if finest.p.itemsize == 4 else 0.0
    alpha = rz_old = pending = 0.0
    rounds = 0
    while not state.is_converged:
        if reason := _is_hopeless(state, tolerance, patience, limit):
            state.reason = reason
            break
        multigrid.cycle()
        rz, qz = finest.products()
        state.energies.append(math.sqrt(max(rz, 0.0)))
        beta = -alpha * qz / rz_old if rz_old > 0.0 else 0.0
        energy = finest.advance(pending * scale, beta, t)
        if not (rz > 0.0 and energy > 0.0):
            pending = 0.0
            state.reason = "the search direction lost its energy"
            break
        alpha = pending = rz / energy
        rz_old = rz
        seen = math.sqrt(finest.reduce(alpha))
        if not state.history[-1] / SUDDEN < seen < GROWN * state.history[-1]:
            rz_old = 0.0  # begin anew: what is left is rounding, and conjugate to nothing
        state.history.append(seen)
        if seen <= target:
            before = state.residual
            recompute(pending * scale)
            pending, drift_from = 0.0, min(drift_from, state.residual)
            if not state.is_converged:
                settle(state, multigrid.conduction, heat, t, tolerance)
                rounds += 1
                if not state.is_converged and rounds > 3 and state.residual > 0.5 * before:
                    state.reason = "the true residual no longer follows the iteration"
                    break
                target *= 0.1 if state.residual <= tolerance else 1.0
        elif seen <= REPLACE_AT * drift_from and DRIFT * drift_from > tolerance:
            recompute(pending * scale)
            pending, drift_from = 0.0, state.residual
    if pending:
        finest.advance(pending * scale, 0.0, t)
    state.reason = state.reason or "residual and heat balance within the tolerance"
    return state


def norm(values: Array) -> float:
    """Return the root of the sum of squares, without the threads a linear-algebra library would start."""
    return math.sqrt(np.einsum("kji,kji->", values, values))


def settle(state: Progress, conduction: Conduction, heat: Array, t: Array, tolerance: float) -> None:
    """Accept a residual that is all rounding: a temperature stored in float64 has none smaller.

    The bound is the rounding of each face's flux, after Higham, Accuracy and Stability (2002), section 7.1.
    """
    flux = 2.0 * conduction.diagonal() * np.abs(t)
    floor = ROUNDING * np.finfo(np.float64).eps * norm(flux) / norm(heat)
    if tolerance < state.residual <= floor and state.imbalance <= tolerance:
        state.is_converged = True
        state.reason = f"the residual is the rounding of float64 temperatures, {floor:.1e} at most"


def _is_hopeless(state: Progress, tolerance: float, patience: float, limit: int) -> str:
    """Return why to give up, or "" to go on."""
    done = state.iterations
    if not np.isfinite(state.history[-1]):
        return "the residual is no longer a number"
    if done >= limit:
        return f"{limit} iterations were not enough"
    if done == LOOK_AT:
        # The residual of a graded grid may grow for a while as the error falls; the energy tells.
        fallen = max(state.history[0] / state.history[-1], state.energies[0] / state.energies[-1])
        needed = (
            done * math.log(state.history[0] / tolerance) / math.log(fallen) if fallen > 1.0 else math.inf
        )
        if needed > patience:
            return f"{needed:.0f} iterations foreseen from the first {done}"
    return ""
