"""Anderson's acceleration of a fixed-point iteration in the Kirchhoff variable, for steep conductivity laws.

Walker and Ni, SIAM J. Numer. Anal. 49 (2011) 1715. It is used where the Picard iteration fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from thermostack.errors import ConvergenceError

Array = np.ndarray


@dataclass(frozen=True)
class AndersonSettings:
    """Limits of the accelerated iteration.

    Parameters
    ----------
    max_iterations
        Number of evaluations of the materials after which the iteration fails.
    window
        Number of differences that are kept.
    max_growth
        Residual relative to that before, above which a step is shortened.
    min_damping
        Minimum multiple of a change that is used.
    """

    max_iterations: int = 200
    window: int = 5
    max_growth: float = 1.5
    min_damping: float = 1.0 / 64.0


ANDERSON = AndersonSettings()
FORGETTING = 1.02  # factor of the residual that a rejected step must stay below, which permits a way out


class FixedPointProblem(Protocol):
    """Nonlinear equations with an approximate inverse of their derivative."""

    def set_state(self, u: Array) -> float:
        """Evaluate the equations at u and return the relative residual."""

    def change(self) -> Array:
        """Return the change of u that reduces the residual of the last state."""


def solve_anderson(
    problem: FixedPointProblem, u: Array, tolerance: float, settings: AndersonSettings = ANDERSON
) -> Array:
    """Return the state at which the residual is within the tolerance, from a first state u.

    Raises ConvergenceError with the residual of every evaluation if it is not reached.
    """
    mixing = _Mixing(settings.window)
    residuals: list[float] = []
    accepted, best, damping = np.inf, u, 1.0  # the residual and the state to which rejected steps return
    change = np.zeros_like(u)
    for _ in range(settings.max_iterations):
        residuals.append(problem.set_state(u))
        if residuals[-1] <= tolerance:
            return u
        if not residuals[-1] <= settings.max_growth * accepted:
            mixing.restart()
            damping = max(0.5 * damping, settings.min_damping)
            accepted *= FORGETTING
            u = best + damping * change
            continue
        accepted, best, change = residuals[-1], u, problem.change()
        u = mixing.next_state(best, change, damping)
        damping = min(2.0 * damping, 1.0)
    text = f"the accelerated iteration stopped after {settings.max_iterations} evaluations"
    raise ConvergenceError(f"{text} at a residual of {residuals[-1]:.1e}", residuals)


class _Mixing:
    """The last states and changes, and the combination of them with the smallest change."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.restart()

    def restart(self) -> None:
        """Forget all states."""
        self._last: tuple[Array, Array] | None = None
        self._states: list[Array] = []  # differences, (cells,) float32
        self._changes: list[Array] = []

    def next_state(self, u: Array, change: Array, damping: float) -> Array:
        """Return the next state from the present one and its change."""
        if self._last is not None:
            self._states.append((u - self._last[0]).astype(np.float32).ravel())
            self._changes.append((change - self._last[1]).astype(np.float32).ravel())
            del self._states[: -self.window], self._changes[: -self.window]
        self._last = u, change
        made = u + damping * change
        if self._changes:
            gram = np.array([[np.vdot(a, b) for b in self._changes] for a in self._changes], dtype=np.float64)
            product = np.array([np.vdot(a, change.ravel()) for a in self._changes], dtype=np.float64)
            weights = np.linalg.lstsq(gram, product, rcond=1e-10)[0]
            for weight, state, difference in zip(weights, self._states, self._changes, strict=True):
                made -= weight * (state + damping * difference).reshape(u.shape)
        return np.asarray(made)
