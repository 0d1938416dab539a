"""Preconditioned conjugate gradients: the one loop, its search direction, and its stopping criteria.

The loop works with any `PcgBackend`: the column multigrid, whose kernels fuse the vector operations, or the
algebraic multigrid. All decisions are made here, once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from thermostack.linear.error_target import ErrorTarget
from thermostack.linear.iteration_state import IterationState, accept_rounding
from thermostack.linear.multigrid import vector_norms
from thermostack.linear.pcg_backend import PCG_SETTINGS, PcgBackend, PcgSettings

Array = np.ndarray


class PcgSearch:
    """The iteration for one right-hand side, to a tolerance of the true residual and of the heat balance.

    beta is that of the flexible method: Golub and Ye, SIAM J. Sci. Comput. 21 (1999) 1305.
    """

    def __init__(
        self,
        backend: PcgBackend,
        index: int,
        rhs: Array,
        t: Array,
        tolerance: float,
        *,
        max_predicted: float,
        max_iterations: int,
        settings: PcgSettings,
    ) -> None:
        self.backend, self.index, self.settings = backend, index, settings
        self.rhs, self.t, self.tolerance = rhs, t, tolerance
        self.max_predicted, self.max_iterations = max_predicted, max_iterations
        self.scale, self.power = vector_norms(rhs, backend.threads)  # W
        self.state = IterationState.initial(self.power, tolerance)
        self.target = settings.tolerance_margin * tolerance  # of the recurrence
        self.energy = 0.0  # p.Gp of the last direction, zero where the direction restarts
        self.is_true = True  # the residual of `state` is that of t
        self.predicted_end = math.inf  # relative residual, once the end has been predicted
        self.corrections = 0
        self.drift_start = 0.0  # relative residual where the recurrence started

    def start(self, *, is_zero: bool, relative_to_guess: bool) -> None:
        """Set the residual of the guess; `relative_to_guess`: the tolerance is relative to it."""
        if self.state.is_converged:
            self.t[...] = 0.0
            return
        if is_zero:
            self.backend.set_rhs(self.index, self.rhs, 1.0 / self.scale)
        else:
            self._recompute()
            if relative_to_guess:
                self.state.set_tolerance(self.tolerance * self.state.residual, self.settings.min_tolerance)
                self.tolerance = self.state.tolerance
                self.target = self.settings.tolerance_margin * self.tolerance
        self.state.history.append(self.state.residual)
        self.drift_start = self.state.residual if self.backend.is_single else 0.0

    def next_step(self) -> tuple[float, float, float, float] | None:
        """Return beta, alpha, step and constant of the next update, None where the direction fails."""
        zr, zgz, zgp, _ = self.backend.products(self.index)
        self.state.energies.append(math.sqrt(max(zr, 0.0)))
        beta, self.energy = next_direction(zgz, zgp, self.energy)
        if not (zr > 0.0 and 0.0 < self.energy < math.inf):
            self.state.is_indefinite = zr > 0.0 > self.energy
            self.state.reason = "the search direction lost its energy"
            return None
        alpha = zr / self.energy
        self.state.coefficients.append((alpha, beta))
        return beta, alpha, alpha * self.scale, 0.0

    def predicts_end(self) -> bool:
        """Return whether the true residual is needed after a step that contracts like the last one.

        The end is predicted once; where it does not come, the recurrence tells when to look again.
        """
        before, now = [0.0, *self.state.history][-2:]
        if before == 0.0:
            return False
        predicted = now * min(1.0, now / before)
        is_end = predicted <= self.settings.contraction_slack * self.target and self.predicted_end == math.inf
        if is_end:
            self.predicted_end = predicted
        return is_end or self._drifts(predicted)

    def update_state(self, residual: float, true: tuple[float, float] | None = None) -> None:
        """Record the relative residual of the recurrence, or norm and sum of the true residual [W]."""
        state, settings = self.state, self.settings
        before = state.residual
        self.is_true = False
        if true:
            self._set_true_residual(*true)
            residual = state.residual
            self.drift_start = min(self.drift_start, residual)
        if not state.history[-1] / settings.max_fall < residual < settings.max_growth * state.history[-1]:
            self.energy = 0.0  # restart: the remaining residual is rounding and conjugate to no direction
        state.history.append(residual)
        if self.backend.is_single and state.iterations <= 2:
            state.exceeds_float32 = not residual < settings.max_growth_in_float32 * state.history[0]
        if residual <= self.target or (true and self.predicted_end <= self.target):
            self._check_end(before)
        elif self._drifts(residual):
            self._recompute()
            self.drift_start = state.residual

    def should_stop(self) -> bool:
        """Return whether the iteration ends, converged or given up; then the residual is that of t."""
        state = self.state
        if not state.is_converged:
            state.reason = state.reason or self._reason_to_give_up()
        if state.is_converged or state.reason:
            if not self.is_true:
                self._recompute()
            if state.is_converged:
                state.reason = state.reason or "residual and heat balance within the tolerance"
            return True
        return False

    def _check_end(self, before: float) -> None:
        """Check the true residual against the tolerance; `before` is the previous true residual."""
        state, settings = self.state, self.settings
        if not self.is_true:
            self._recompute()
        self.drift_start = min(self.drift_start, state.residual)
        if state.is_converged:
            return
        accept_rounding(state, self.backend.conduction, self.rhs, self.t, self.tolerance, settings)
        self.corrections += 1
        is_stagnant = state.residual > settings.min_correction * before
        if not state.is_converged and self.corrections > settings.max_corrections and is_stagnant:
            state.reason = "the true residual no longer follows the iteration"
        self.target *= settings.target_reduction if state.residual <= self.tolerance else 1.0

    def _recompute(self) -> None:
        self._set_true_residual(*self.backend.residual(self.index, self.rhs, self.t, 1.0 / self.scale))

    def _set_true_residual(self, norm: float, total: float) -> None:
        state = self.state
        state.residual, state.imbalance = norm / self.scale, abs(total) / self.power
        state.update_convergence()
        self.is_true = True

    def _drifts(self, residual: float) -> bool:
        """Return whether the recurrence is reduced so far that its drift may matter before the end."""
        settings = self.settings
        is_reduced = residual <= settings.replacement_reduction * self.drift_start
        return is_reduced and settings.recurrence_drift * self.drift_start > self.tolerance

    def _reason_to_give_up(self) -> str:
        """Return why to give up, or "" to go on."""
        state, settings = self.state, self.settings
        done = state.iterations
        if not np.isfinite(state.history[-1]):
            return "the residual is no longer a number"
        if done >= self.max_iterations:
            return f"{self.max_iterations} iterations were not enough"
        if state.exceeds_float32:
            return f"the residual grew {state.history[-1] / state.history[0]:.0e}-fold, which is rounding"
        if done == settings.forecast_iteration:
            predicted = done + self._remaining_iterations()
            if predicted > self.max_predicted:
                return f"{predicted:.0f} iterations foreseen from the first {done}"
        return ""

    def _remaining_iterations(self) -> float:
        # The residual of a graded grid may grow for a while although the error falls; the energy shows it.
        # Slowly contracting components show when the others are gone, so the first iterations do not count.
        state, window = self.state, self.settings.forecast_window
        then = -1 - window
        reduction = max(state.history[then] / state.history[-1], state.energies[then] / state.energies[-1])
        left = window * math.log(state.history[-1] / self.tolerance)
        return left / math.log(reduction) if reduction > 1.0 else math.inf


class BalancedReduction:
    """The iteration for one right-hand side that reduces the residual of a guess and balances its heat.

    It relies on the recurrence of the residual alone. The constant that balances the heat is the best one in
    the norm of the operator. Each step adds its constant to the field, but not to the recurrence.
    """

    def __init__(
        self,
        backend: PcgBackend,
        rhs: Array,
        t: Array,
        reduction: float,
        total_boundary: float,
        max_iterations: int,
        index: int = 0,
    ) -> None:
        """Set the residual of the guess; `total_boundary` is the sum of all boundary conductances [W/K]."""
        self.backend, self.reduction, self.index = backend, reduction, index
        self.total_boundary, self.max_iterations = total_boundary, max_iterations
        self.scale = total_boundary  # heat [W] that a rise of 1 K everywhere would remove
        self.first, self.excess = self._set_residual(rhs, t)  # W
        self.norm = self.first
        self.energy = self.outflow = self.added = self.zr = 0.0
        self.iterations, self.has_failed = 0, False
        self.coefficients: list[tuple[float, float]] = []  # alpha and beta of each step

    def _set_residual(self, rhs: Array, t: Array) -> tuple[float, float]:
        """Set the residual of the guess, and return its norm and its sum [W]."""
        return self.backend.residual(self.index, rhs, t, 1.0 / self.scale)

    def next_step(self) -> tuple[float, float, float, float] | None:
        """Return beta, alpha, step and constant of the next update; None where the iteration fails."""
        zr, zgz, zgp, sent = self.backend.products(self.index)
        self.zr = zr
        beta, self.energy = next_direction(zgz, zgp, self.energy)
        self.has_failed = not (
            zr > 0.0 and 0.0 < self.energy < math.inf and self.iterations < self.max_iterations
        )
        if self.has_failed:
            return None
        alpha = zr / self.energy
        self.coefficients.append((alpha, beta))
        step = alpha * self.scale
        self.outflow = sent + beta * self.outflow
        self.excess -= step * self.outflow
        balance = self.excess / self.total_boundary
        constant, self.added = balance - self.added, balance
        return beta, alpha, step, constant

    def predicts_end(self) -> bool:
        """Return False: the true residual is not needed."""
        return False

    def update_state(self, residual: float, true: tuple[float, float] | None = None) -> None:
        """Record the scaled residual of the recurrence."""
        self.norm = residual * self.scale
        self.iterations += 1

    def should_stop(self) -> bool:
        """Return whether the residual is reduced or the iteration has failed."""
        return self.has_failed or not self.norm > self.reduction * self.first


class ErrorReduction(BalancedReduction):
    """The iteration for one right-hand side until its error in the energy norm is below a bound.

    The error e before a step satisfies e.Ge <= z.r / mu, where mu is not above the smallest eigenvalue of the
    preconditioned operator (Golub and Meurant, Matrices, Moments and Quadrature with Applications, 2010,
    chapter 12), and the step reduces it by a known factor at least.
    """

    def __init__(
        self,
        backend: PcgBackend,
        rhs: Array,
        t: Array,
        target: ErrorTarget,
        total_boundary: float,
        *,
        is_zero: bool,
        index: int = 0,
    ) -> None:
        """Set the residual of the guess t [K]; `is_zero`: it is zero everywhere."""
        self.is_zero, self.target = is_zero, target
        super().__init__(backend, rhs, t, 0.0, total_boundary, target.max_iterations, index)
        self.error = math.inf if self.first > 0.0 else 0.0  # sqrt(W K), bound of the error in the energy norm
        self._max_zr = self._last_zr = 0.0

    def _set_residual(self, rhs: Array, t: Array) -> tuple[float, float]:
        if not self.is_zero:
            return super()._set_residual(rhs, t)
        self.backend.set_rhs(self.index, rhs, 1.0 / self.scale)
        return math.sqrt(float(np.vdot(rhs, rhs))), float(rhs.sum())

    def next_step(self) -> tuple[float, float, float, float] | None:
        """Return the next step and set the bound of the error before it; None where the iteration fails."""
        step = super().next_step()
        is_cycle = not (
            self.is_zero and self.iterations == 0
        )  # the start from zero is another preconditioner
        if step is not None and is_cycle:
            self._max_zr = max(self._max_zr, self.zr)
            self._last_zr = max(self.zr, self.target.drift**2 * self._max_zr) * self.scale**2
            self.error = self.target.bound_after_step(self._last_zr)
        return step

    def should_stop(self) -> bool:
        """Return whether the error is within its bound, or the iteration has failed."""
        is_known = self.first == 0.0 or len(self.cycle_coefficients) >= self.target.min_iterations
        return self.has_failed or (is_known and self.error <= self.target.max_error)

    def error_with(self, target: ErrorTarget) -> float:
        """Return the bound of the error with other bounds of the eigenvalues [sqrt(W K)]."""
        return target.bound_after_step(self._last_zr)

    @property
    def cycle_coefficients(self) -> list[tuple[float, float]]:
        """Return alpha and beta of the steps whose preconditioner is the cycle."""
        return self.coefficients[1:] if self.is_zero else self.coefficients


def iterate(
    backend: PcgBackend,
    searches: Sequence[PcgSearch] | Sequence[BalancedReduction],
    fields: Array,
    replacement: Any | None = None,
    first_preconditioner: Callable[[], None] | None = None,
) -> None:
    """Run conjugate gradients until every search stops, and change the fields [K] in place.

    `fields` has the shape (right-hand sides, nz, ny, nx). Each application of the
    preconditioner reads the conductances once for all right-hand sides.
    """
    steps, squares = np.zeros((4, len(fields))), np.zeros(len(fields))
    precondition = first_preconditioner or backend.apply_preconditioner
    while active := [search for search in searches if not search.should_stop()]:
        backend.set_active([search.index for search in active])
        precondition()
        precondition = backend.apply_preconditioner
        continuing = []
        for search in active:
            step = search.next_step()
            if step is None:
                continue
            steps[:, search.index] = step
            continuing.append(search)
            if replacement:
                replacement.request(search.index, search.predicts_end())
        if len(continuing) < len(active):
            backend.set_active([search.index for search in continuing])
        if continuing:
            backend.update(steps, fields, squares, replacement)
        for search in continuing:
            n = search.index
            search.update_state(math.sqrt(squares[n]), replacement.result(n) if replacement else None)


def solve_pcg(
    backend: PcgBackend,
    rhs: Array,
    fields: Array,
    *,
    is_zero: bool,
    tolerance: float,
    max_predicted: float,
    max_iterations: int,
    relative_to_guess: bool = False,
    settings: PcgSettings = PCG_SETTINGS,
) -> list[IterationState]:
    """Return the final states of G field = rhs, solved in place to a tolerance.

    Parameters
    ----------
    backend
        Operator, preconditioner and vectors.
    rhs
        Right-hand sides [W], (right-hand sides, nz, ny, nx).
    fields
        Guesses and solutions [K], of the same shape.
    is_zero
        Whether the guesses are zero everywhere, which saves an application of G.
    tolerance
        Of the true residual relative to the right-hand side, and of the heat balance.
    max_predicted
        Iterations above which a prediction ends the iteration.
    max_iterations
        Iterations after which the iteration ends.
    relative_to_guess
        Whether the tolerance is relative to the residual of the guess instead of the right-hand side.
    settings
        Tuning constants.
    """
    backend.allocate(len(rhs))
    searches = [
        PcgSearch(
            backend,
            n,
            one,
            t,
            tolerance,
            max_predicted=max_predicted,
            max_iterations=max_iterations,
            settings=settings,
        )
        for n, (one, t) in enumerate(zip(rhs, fields, strict=True))
    ]
    for search in searches:
        search.start(is_zero=is_zero, relative_to_guess=relative_to_guess)
    scales = np.array([1.0 / (search.scale or 1.0) for search in searches])
    replacement = backend.residual_replacement(rhs, scales)
    first = backend.apply_first_preconditioner if is_zero else None
    iterate(backend, searches, fields, replacement, first)
    return [search.state for search in searches]


def reduce_residual(
    backend: PcgBackend,
    rhs: Array,
    t: Array,
    reduction: float,
    total_boundary: float,
    settings: PcgSettings = PCG_SETTINGS,
) -> tuple[int, float] | None:
    """Return iterations and factor by which the residual of a guess t [K] was reduced, in place.

    `rhs` [W] and t are (nz, ny, nx), `total_boundary` [W/K] is the sum of all boundary conductances. The heat
    of the result balances exactly. None where too many iterations would be needed; then t is still a guess.
    `reduction` must be more than ten times `settings.recurrence_drift`, which is also the smallest factor
    returned.
    """
    backend.allocate(1)
    backend.set_active([0])
    limit = settings.forecast_iteration
    search = BalancedReduction(backend, rhs, t, reduction, total_boundary, limit)
    iterate(backend, [search], t[None])
    if search.has_failed:
        return None
    if search.iterations == 0:
        t += search.excess / total_boundary
    smallest = 10.0 * settings.recurrence_drift
    return search.iterations, max(search.norm / search.first, smallest) if search.first > 0.0 else 0.0


def reduce_error(
    backend: PcgBackend,
    rhs: Array,
    fields: Array,
    target: ErrorTarget,
    total_boundary: float,
    *,
    is_zero: bool,
) -> list[ErrorReduction] | None:
    """Reduce the errors of guesses in the energy norm, in place, and return the iterations.

    `rhs` [W] and `fields` [K] are (right-hand sides, nz, ny, nx), `total_boundary` [W/K] is the sum of all
    boundary conductances. The heat of each result balances up to the rounding of the recurrence. None where
    an iteration fails; then the fields are still guesses.
    """
    backend.allocate(len(rhs))
    backend.set_active(list(range(len(rhs))))
    searches = [
        ErrorReduction(backend, one, t, target, total_boundary, is_zero=is_zero, index=n)
        for n, (one, t) in enumerate(zip(rhs, fields, strict=True))
    ]
    iterate(backend, searches, fields, None, backend.apply_first_preconditioner if is_zero else None)
    return None if any(search.has_failed for search in searches) else searches


def next_direction(zgz: float, zgp: float, energy: float) -> tuple[float, float]:
    """Return beta of p = z + beta p', which is conjugate to p', and the energy p.Gp.

    From z.Gz, z.Gp' and p'.Gp'; where the last is zero, p is z.
    """
    beta = -zgp / energy if energy > 0.0 else 0.0
    return beta, zgz + beta * zgp
