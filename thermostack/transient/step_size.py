"""Step-size controller: lengths of the steps in time from the estimated error of each step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StepSizeSettings:
    """Limits of the step-size controller. Growth is the length of a step over that of the last one."""

    safety: float = 0.9  # factor of the length at which the estimated error would equal the tolerance
    max_growth: float = 8.0
    min_growth: float = 0.1
    max_growth_after_rejection: float = 0.7
    min_useful_growth: float = 1.25  # below, the step and the prepared solver are kept
    max_attempts: int = 30  # of one step
    end_rounding: float = 1e-9  # of the remaining time: a step that ends nearer to its end ends there


class StepSizeController:
    """Lengths of the steps of a run, such that the estimated error of each step meets the tolerance.

    The next length is `step * safety * (tolerance / error)^(1 / (q + 1))`, q being the order of the embedded
    method, within limits of growth (Hairer and Wanner, Solving Ordinary Differential Equations II, 1996,
    section IV.8). A fixed step is never rejected.
    """

    def __init__(
        self,
        tolerance: float,
        embedded_order: int,
        fixed_step: float | None = None,
        settings: StepSizeSettings | None = None,
    ) -> None:
        """Start without a next length; `tolerance` is in K, `fixed_step` in s."""
        self.tolerance, self.embedded_order, self.fixed_step = tolerance, embedded_order, fixed_step
        self.settings = StepSizeSettings() if settings is None else settings
        self.next_step = 0.0  # s; 0: from the rates of change
        self.rejected = 0

    def propose(self, remaining: float, initial_step: Callable[[float], float]) -> float:
        """Return the length of the next step [s], before it is fitted to the remaining time [s].

        `initial_step` returns the length of the first step after a jump.
        """
        return self.fixed_step or self.next_step or initial_step(remaining)

    def fit(self, proposed: float, remaining: float) -> tuple[float, bool]:
        """Return the length of a step [s] and whether it is the last before the end of the remaining time.

        The last two steps have equal lengths, so that no short step remains.
        """
        if proposed >= remaining * (1.0 - self.settings.end_rounding):
            return remaining, True
        return (0.5 * remaining if proposed > 0.5 * remaining else proposed), False

    def accept(self, step: float, proposed: float, error: float) -> bool:
        """Return whether the error [K] of a step meets the tolerance, and set the length of the next step."""
        if self.fixed_step is not None:
            return True
        limits = self.settings
        ratio = self.tolerance / error if error > 0.0 else np.inf
        growth = limits.safety * ratio ** (1.0 / (self.embedded_order + 1))
        growth = float(np.clip(growth, limits.min_growth, limits.max_growth))
        if not error <= self.tolerance:
            self.rejected += 1
            shorter = min(growth, limits.max_growth_after_rejection)
            self.next_step = step * (shorter if math.isfinite(error) else limits.min_growth)
            return False
        longer = step * growth if growth > limits.min_useful_growth else step
        self.next_step = max(longer, proposed) if step < proposed else longer
        return True

    def restart(self) -> None:
        """Discard the next length, as after a jump of the loads."""
        self.next_step = 0.0
