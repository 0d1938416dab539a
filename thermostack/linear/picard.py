"""Picard iteration of steady equations G(T) T = P(T), judged by the heat balance of the cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from thermostack.errors import ConvergenceError


@dataclass(frozen=True)
class PicardSettings:
    """Limits and relaxation of the Picard iteration for materials that depend on temperature.

    Parameters
    ----------
    tolerance
        Sum of the heat by which cells are out of balance, relative to the heat that passes through the body.
    max_iterations
        Number of iterations after which the iteration fails.
    reduction
        Residual of each linear solve, relative to that of its guess.
    min_relaxation, max_relaxation
        Bounds of the multiple of a change of temperature that is used.
    """

    tolerance: float = 1e-6
    max_iterations: int = 150
    reduction: float = 1e-2
    min_relaxation: float = 1.0 / 32.0
    max_relaxation: float = 4.0


PICARD = PicardSettings()  # of a steady solve; five iterations are usual


class NonlinearProblem(Protocol):
    """Steady equations whose materials may depend on temperature."""

    @property
    def is_linear(self) -> bool:
        """Return whether no material depends on temperature."""

    def solve(self, rise: np.ndarray | None, reduction: float) -> np.ndarray:
        """Return the rise over the reference [K] with the present materials, in the array of a guess.

        The residual of a guess is reduced by the factor `reduction`.
        """

    def update_materials(self, rise: np.ndarray) -> float:
        """Evaluate the materials at a rise [K] and return the residual with them.

        It is the sum over all cells of the heat by which they are out of balance, relative to the heat that
        passes through the body. The array is kept until the next call.
        """

    def rounding(self, rise: np.ndarray) -> float:
        """Return the residual that rounding may cause."""


def solve_picard(problem: NonlinearProblem, settings: PicardSettings) -> np.ndarray:
    """Return the rise over the reference [K] at which materials and temperatures agree, (nz, ny, nx).

    The residual is that of the materials at the temperatures of the result, so that it does not depend on the
    tolerance of the linear solver. Raises ConvergenceError with the residual of every iteration if it does
    not reach the tolerance.
    """
    rise = problem.solve(None, settings.reduction)
    if problem.is_linear:
        return rise
    residuals: list[float] = []
    evaluated = np.empty(rise.shape)  # K, the rise at which the materials are evaluated
    relaxation = _Relaxation(settings)
    for _ in range(settings.max_iterations):
        np.copyto(evaluated, rise)
        residuals.append(problem.update_materials(evaluated))
        if residuals[-1] <= settings.tolerance:
            return rise
        is_worse = len(residuals) > 1 and not residuals[-1] < residuals[-2]
        if is_worse and residuals[-1] <= problem.rounding(evaluated):
            return rise
        rise = problem.solve(rise, settings.reduction)
        relaxation.apply(rise, evaluated, is_worse=is_worse)
    text = f"conductivities and temperatures do not agree after {settings.max_iterations} Picard iterations"
    text += f": cells are out of balance by {residuals[-1]:.1e} of the heat that passes through the body"
    raise ConvergenceError(f"{text}; check the temperature laws for jumps, or heat and cool less", residuals)


class _Relaxation:
    """The multiple of each change of temperature that is used, from Aitken's extrapolation of two changes.

    Irons and Tuck, Int. J. Numer. Methods Eng. 1 (1969) 275.
    """

    def __init__(self, settings: PicardSettings) -> None:
        self.settings = settings
        self._factor = 1.0
        self._last: np.ndarray = np.zeros(0, np.float32)  # (nz, ny, nx) K, the last change

    def apply(self, rise: np.ndarray, before: np.ndarray, *, is_worse: bool) -> None:
        """Use a multiple of the change from `before` to `rise` [K], in place; halve it where it is worse."""
        product = square = 0.0
        is_first = self._last.size == 0
        if is_first:
            self._last = np.zeros(rise.shape, np.float32)
        for new, old, last in zip(rise, before, self._last, strict=True):
            new -= old
            difference = new - last
            product += float(np.vdot(last, difference))
            square += float(np.vdot(difference, difference))
            last[...] = new
        if not is_first and square > 0.0:
            bound = 0.5 * self._factor if is_worse else self.settings.max_relaxation
            factor = max(-self._factor * product / square, self.settings.min_relaxation)
            self._factor = max(min(factor, bound), self.settings.min_relaxation)
        for new, old in zip(rise, before, strict=True):
            if self._factor != 1.0:
                new *= self._factor
            new += old
