"""Nonlinear iteration of steady equations G(T) T = P(T), judged by the heat balance of the cells.

Boundary laws and leakage power are linearised at the last temperatures (Newton's method); conductivities are
evaluated at them (Picard iteration). docs/numerics.md, section 4, describes the equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from thermostack.errors import ConvergenceError, RunawayError
from thermostack.mesh.leakage_sources import LeakageSources
from thermostack.units import format_quantity


@dataclass(frozen=True)
class NonlinearSettings:
    """Limits and step lengths of the iteration for materials, boundary laws and leakage.

    Parameters
    ----------
    tolerance
        Sum of the heat by which cells are out of balance, relative to the heat that passes through the body.
    max_iterations
        Number of iterations after which the iteration fails.
    reduction
        Residual of each linear solve with materials alone, relative to that of its guess.
    min_relaxation, max_relaxation
        Bounds of the multiple of a change of temperature that is used.
    max_newton_reduction
        Largest reduction of the residual of a Newton step, relative to that of its guess.
    forcing
        Factor of the square of the last contraction, which is the reduction of a Newton step (Eisenstat and
        Walker, SIAM J. Sci. Comput. 17 (1996) 16, choice 2).
    final_reduction
        Fraction of the tolerance to which the last Newton step is solved.
    max_growth
        Growth of the residual in a Newton step above which half of the step is used.
    max_halvings
        Number of halvings of one step.
    max_extension
        Largest multiple of a Newton step. Steps to the solution at a critical power halve, which asks for a
        multiple of two: that is not used, because the solution would be passed.
    """

    tolerance: float = 1e-6
    max_iterations: int = 150
    reduction: float = 1e-2
    min_relaxation: float = 1.0 / 32.0
    max_relaxation: float = 4.0
    max_newton_reduction: float = 0.1
    forcing: float = 0.5
    final_reduction: float = 0.3
    max_growth: float = 1.0
    max_halvings: int = 6
    max_extension: float = 1.7


MAX_RISE = 5000.0  # K, above which leakage counts as runaway: Newton steps from below stay below the solution
GROWS_FASTER = "power grows faster with temperature than cooling"
NONLINEAR = NonlinearSettings()  # of a steady solve; five iterations are usual


class NonlinearProblem(Protocol):
    """Steady equations whose materials, boundary laws and powers may depend on temperature."""

    @property
    def is_linear(self) -> bool:
        """Return whether nothing depends on temperature."""

    @property
    def has_boundary_laws(self) -> bool:
        """Return whether the heat flow through boundary faces is a law of the surface temperature."""

    @property
    def has_leakage(self) -> bool:
        """Return whether powers depend on temperature."""

    def solve(self, rise: np.ndarray | None, reduction: float) -> np.ndarray:
        """Return the rise over the reference [K] of the present linear equations, in the array of a guess.

        The residual of a guess is reduced by the factor `reduction`.
        """

    def update(self, rise: np.ndarray) -> float:
        """Evaluate materials, boundary laws and powers at a rise [K] and return the residual with them.

        It is the sum over all cells of the heat by which they are out of balance, relative to the heat that
        passes through the body. The array is kept until the next call.
        """

    def rounding(self, rise: np.ndarray) -> float:
        """Return the residual that rounding may cause."""


def solve_nonlinear(
    problem: NonlinearProblem,
    settings: NonlinearSettings,
    guess: np.ndarray | None = None,
    history: list[float] | None = None,
) -> np.ndarray:
    """Return the rise over the reference [K] that solves the nonlinear equations, (nz, ny, nx).

    The residual of each evaluation is appended to `history`.

    The residual is that of the equations at the temperatures of the result, so that it does not depend on the
    tolerance of the linear solver. Raises ConvergenceError with the residual of every iteration if it does
    not reach the tolerance, and RunawayError where a Newton step shows that there is no solution.
    """
    rise = problem.solve(None, settings.reduction) if guess is None else guess
    if problem.is_linear:
        return rise
    residuals: list[float] = [] if history is None else history
    evaluated = np.empty(rise.shape)  # K, the rise at which the equations are evaluated
    control: _StepControl = _RelaxedSteps(settings)
    if problem.has_boundary_laws or problem.has_leakage:
        # From below, the steps with leakage stay below the solution; longer ones show that there is none.
        control = _NewtonSteps(settings, max_halvings=0 if problem.has_leakage else settings.max_halvings)
    for _ in range(settings.max_iterations):
        if problem.has_leakage and not rise.max() <= MAX_RISE:
            raise RunawayError(GROWS_FASTER, residuals)
        np.copyto(evaluated, rise)
        residuals.append(problem.update(evaluated))
        if residuals[-1] <= settings.tolerance:
            return rise
        is_worse = len(residuals) > 1 and not residuals[-1] < residuals[-2]
        if is_worse and residuals[-1] <= problem.rounding(evaluated):
            return rise
        if control.shortens(rise, residuals):
            continue
        try:
            rise = problem.solve(rise, control.reduction(residuals))
        except RunawayError:
            if not control.withdraws(rise):
                raise
            continue
        control.apply(rise, evaluated, is_worse=is_worse)
    text = f"temperatures and what depends on them do not agree after {settings.max_iterations} iterations"
    text += f": cells are out of balance by {residuals[-1]:.1e} of the heat that passes through the body"
    raise ConvergenceError(f"{text}; check the temperature laws for jumps, or heat and cool less", residuals)


def runaway_error(leakage: LeakageSources | None, history: Sequence[float]) -> RunawayError:
    """Return the error of a package that has no steady temperature."""
    reference = 0.0 if leakage is None else leakage.reference
    return RunawayError(
        "no steady temperature exists (thermal runaway): the leakage power grows faster with temperature "
        f"than the heat that leaves; it is {format_quantity(reference, 'power')} at its reference "
        "temperature. Cool more, or reduce the power",
        history,
    )


class _StepControl(Protocol):
    """The length of a step, and the accuracy of its linear solve."""

    def shortens(self, rise: np.ndarray, residuals: list[float]) -> bool:
        """Return whether the last step was too long; then `rise` [K] is that after a shorter one."""

    def reduction(self, residuals: list[float]) -> float:
        """Return the factor by which the next linear solve reduces the residual of its guess."""

    def apply(self, rise: np.ndarray, before: np.ndarray, *, is_worse: bool) -> None:
        """Change the step from `before` to `rise` [K], in place."""

    def withdraws(self, rise: np.ndarray) -> bool:
        """Return whether the last step was extended; then `rise` [K] is the state that it started from."""


class _NewtonSteps:
    """Newton steps, halved while the residual grows, with linear solves as accurate as they need to be.

    Steps that become shorter by a constant factor, as conductivities make them, are extended by Aitken's
    extrapolation.
    """

    def __init__(self, settings: NonlinearSettings, max_halvings: int) -> None:
        self.settings, self.max_halvings = settings, max_halvings
        self._extrapolation = _Extrapolation()
        self._max_extension = settings.max_extension
        self._halvings = 0
        self._accepted: list[float] = []  # residuals of the states that steps started from
        self._before = np.zeros(0)  # (nz, ny, nx) K, the state that the last step started from

    def shortens(self, rise: np.ndarray, residuals: list[float]) -> bool:
        """Halve the last step where the residual grew."""
        settings = self.settings
        grows = bool(self._accepted) and not residuals[-1] <= settings.max_growth * self._accepted[-1]
        if grows and self._halvings < self.max_halvings:
            self._halvings += 1
            rise += self._before
            rise *= 0.5
            return True
        self._halvings = 0
        self._accepted.append(residuals[-1])
        return False

    def reduction(self, residuals: list[float]) -> float:
        """Return the reduction of the next linear solve, from the contraction of the last two steps."""
        settings, residual = self.settings, self._accepted[-1]
        before = self._accepted[-2] if len(self._accepted) > 1 else residual
        wanted = min(settings.max_newton_reduction, settings.forcing * (residual / before) ** 2)
        return max(wanted, settings.final_reduction * settings.tolerance / residual)

    def apply(self, rise: np.ndarray, before: np.ndarray, *, is_worse: bool) -> None:
        """Keep the state that the step started from, and extend the step where steps shorten slowly."""
        if self._before.size == 0:
            self._before = np.empty(before.shape)
        np.copyto(self._before, before)
        factor = self._extrapolation.factor(rise, before)
        if factor is None or is_worse or not 1.0 < factor <= self._max_extension:
            factor = 1.0
        self._extrapolation.take_step(rise, before, factor)

    def withdraws(self, rise: np.ndarray) -> bool:
        """Go back before an extended step, and extend no more: it may have passed the solution."""
        if self._extrapolation.last_factor == 1.0:
            return False
        np.copyto(rise, self._before)
        self._extrapolation.last_factor = self._max_extension = 1.0
        return True


class _RelaxedSteps:
    """Multiples of each change of temperature by the materials, from Aitken's extrapolation."""

    def __init__(self, settings: NonlinearSettings) -> None:
        self.settings = settings
        self._extrapolation = _Extrapolation()

    def shortens(self, rise: np.ndarray, residuals: list[float]) -> bool:
        """Return False: the next step is shorter instead."""
        return False

    def reduction(self, residuals: list[float]) -> float:
        """Return the constant reduction of every linear solve."""
        return self.settings.reduction

    def apply(self, rise: np.ndarray, before: np.ndarray, *, is_worse: bool) -> None:
        """Use a multiple of the change from `before` to `rise` [K], in place; halve it where it is worse."""
        last = self._extrapolation.last_factor
        factor = self._extrapolation.factor(rise, before)
        if factor is None:
            factor = last
        else:
            bound = 0.5 * last if is_worse else self.settings.max_relaxation
            factor = max(min(factor, bound), self.settings.min_relaxation)
        self._extrapolation.take_step(rise, before, factor)

    def withdraws(self, rise: np.ndarray) -> bool:
        """Return False: no step shows that there is no solution."""
        return False


class _Extrapolation:
    """The multiple of a change that reaches the limit of changes in a geometric sequence.

    Irons and Tuck, Int. J. Numer. Methods Eng. 1 (1969) 275.
    """

    def __init__(self) -> None:
        self.last_factor = 1.0
        self._last: np.ndarray = np.zeros(0, np.float32)  # (nz, ny, nx) K, change before its factor

    def factor(self, rise: np.ndarray, before: np.ndarray) -> float | None:
        """Replace `rise` [K] by its change from `before`, and return the multiple to use.

        It is None where there was no change before, or an equal one.
        """
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
        return None if is_first or square == 0.0 else -self.last_factor * product / square

    def take_step(self, change: np.ndarray, before: np.ndarray, factor: float) -> None:
        """Replace a change [K] by `before` and the multiple of the change, in place."""
        self.last_factor = factor
        for new, old in zip(change, before, strict=True):
            if factor != 1.0:
                new *= factor
            new += old
