"""Prepare once, solve often: the choice of method, its fall-backs, and the refusal of a wrong answer."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable

import numpy as np

from thermostack.errors import ConvergenceError
from thermostack.finite_volume.conduction import Conduction
from thermostack.linear.direct import LuFactorization
from thermostack.linear.fallback import FallbackChain
from thermostack.linear.multigrid import Widths, vector_norms
from thermostack.linear.null_space import FloatingBodies, why_unsolvable
from thermostack.linear.pcg import IterationState, accept_rounding
from thermostack.linear.solver_report import SolverReport

Array = np.ndarray

LOADS_AT_ONCE = 2  # side by side in registers; more would not fit the cache of a core
CELLS_PER_THREAD = 100_000  # least, unless the user says how many threads; one does so few in 20 ms
ADVICE = "conductances many orders of magnitude apart; try a looser tolerance or method='direct'"


def prepare(
    conduction: Conduction,
    method: str = "multigrid",
    *,
    widths: Widths | None = None,
    weights: Array | None = None,
    threads: int | None = None,
    is_fixed: bool = True,
) -> Solver:
    """Return a solver of `G T = P` for any number of heat loads P.

    `widths` are the cells' (dx, dy) [m], which tell the multigrid how far apart columns are; without them
    all are taken for equal, which costs iterations on a graded grid and nothing else. `threads` is one per
    processor unless said, one below 200 000 cells; the answer does not depend on it. The conductances must
    not change afterwards; where `is_fixed` is False, `Solver.change` takes others.

    Without any ground conductance G is singular: there is an answer where the heats on each body cancel,
    and of all that differ by a constant the one of zero mean is returned. `weights` (nz, ny, nx) are those
    of this mean, as the cells' capacities [J/K]; without them each cell has one. They serve nothing else.
    Raises ConvergenceError where the direct method finds G singular, ValueError on an unknown method, and
    ResourceError where conductivities are too far apart for any but a method there is no memory for.
    """
    if method not in ("multigrid", "direct"):
        raise ValueError(f"method is {method!r}; it is 'multigrid' or 'direct'")
    enough = max(1, conduction.cells // CELLS_PER_THREAD)
    threads = threads or min(_processors(), enough)
    return Solver(conduction, method, widths, weights, threads, is_fixed=is_fixed)


class Solver:
    """A conduction operator made ready to be solved."""

    def __init__(
        self,
        conduction: Conduction,
        method: str,
        widths: Widths | None,
        weights: Array | None,
        threads: int,
        *,
        is_fixed: bool = True,
    ) -> None:
        self.conduction = conduction
        self.method = method
        self.threads, self._weights = threads, weights
        widths = _checked_widths(conduction, widths)
        self._set_floating()
        self._factors: LuFactorization | None = None
        self._ways: FallbackChain | None = None
        if method == "direct":
            self._factorise()
        else:
            self._ways = FallbackChain(conduction, widths, threads, keeps_ground=not is_fixed)

    def _set_floating(self) -> None:
        ground = self.conduction.boundary.conductance
        is_held = bool(ground.size and (ground[0] > 0.0 or (ground > 0.0).any()))  # mostly the first tells
        self._floating = None if is_held else FloatingBodies(self.conduction, self._weights)

    def _factorise(self) -> None:
        self._factors = None  # its memory is free before the next factors are made
        self._factors = LuFactorization(self.conduction, self._floating.first if self._floating else None)

    def change(self, conduction: Conduction, *, only_ground: bool = False, holding: float = 0.0) -> None:
        """Take an operator with other conductances, or with other ground conductances only.

        It has ground in the same cells (zeros count), and the solver was prepared with `is_fixed=False`.
        What was decided once, as which columns make a coarse one, stays, so that it costs little. `holding`
        is the least ratio of a cell's ground to what it gives sideways, as far as it is known.
        """
        self.conduction = conduction
        self._set_floating()
        if self._ways:
            self._ways.change(conduction, only_ground=only_ground, holding=holding)
        else:
            self._factorise()

    @property
    def memory(self) -> int:
        """Return the bytes this solver holds, the conductances it was given not counted."""
        part = self._factors or self._ways
        return part.memory if part else 0

    @property
    def _fallback(self) -> str:
        return "; then ".join(self._ways.fallback) if self._ways else ""

    def solve(
        self,
        heat: Array,
        guess: Array | None = None,
        tolerance: float = 1e-8,
        *,
        overwrites_guess: bool = False,
        of_guess: bool = False,
    ) -> tuple[Array, SolverReport]:
        """Return the temperature [K] over the caller's zero, (nz, ny, nx), and how it was found.

        `heat` [W] is what each cell receives, ground times the temperature outside included. `tolerance`
        bounds the true residual relative to the heat, and the heat balance. Cells outside the body are 0.
        `overwrites_guess` lets the answer take the place of the guess, which saves a field; `of_guess` says
        that the tolerance is relative to the residual of the guess instead of the heat.
        Raises ConvergenceError, with the history, where that is not reached; ValueError on wrong input.
        """
        guesses = None if guess is None else np.asarray(guess)[None]
        fields, reports = self.solve_many(
            np.asarray(heat)[None], guesses, tolerance, overwrites_guess=overwrites_guess, of_guess=of_guess
        )
        return fields[0], reports[0]

    def solve_many(
        self,
        heats: Array,
        guesses: Array | None = None,
        tolerance: float = 1e-8,
        *,
        overwrites_guess: bool = False,
        of_guess: bool = False,
    ) -> tuple[Array, list[SolverReport]]:
        """Return the temperatures [K] of several heats [W], both (loads, nz, ny, nx), and how each was found.

        It is `solve` for each, in less time: they share the reading of the conductances, a few at a time.
        The columns of an influence matrix are the answers to 1 W in each part.
        """
        if not 1e-15 <= tolerance < 1.0:
            raise ValueError(f"tolerance is {tolerance:g}; it lies between 1e-15 and 1")
        heats = self._checked(heats, "heat")
        fields = np.zeros(heats.shape) if guesses is None else self._checked(guesses, "guess")
        if guesses is not None and not overwrites_guess and np.may_share_memory(fields, guesses):
            fields = fields.copy()
        if fields.shape != heats.shape:
            raise ValueError(f"{len(fields)} guesses for {len(heats)} loads")
        reports: list[SolverReport] = []
        for first in range(0, len(heats), LOADS_AT_ONCE):
            batch = slice(first, first + LOADS_AT_ONCE)
            is_zero = guesses is None
            reports += self._solve(heats[batch], fields[batch], tolerance, is_zero, of_guess)
        return fields, reports

    def _solve(
        self, heats: Array, fields: Array, tolerance: float, is_zero: bool, of_guess: bool
    ) -> list[SolverReport]:
        start = time.perf_counter()
        for heat in heats:
            if self._floating and self._floating.excess(heat):
                raise ConvergenceError(f"there is no answer: {why_unsolvable(self.conduction, heat)}", [])
        if self._ways:
            states = self._ways.iterate(heats, fields, tolerance, is_zero=is_zero, of_guess=of_guess)
        else:
            states = [self._factorised(heat, t, tolerance) for heat, t in zip(heats, fields, strict=True)]
        seconds = (time.perf_counter() - start) / len(heats)
        for state, heat, t in zip(states, heats, fields, strict=True):
            if not state.is_converged:
                raise self._failure(state, heat)
            if self._floating:
                self._floating.remove_mean(t)
        return [self._report(state, seconds) for state in states]

    def improve(self, heat: Array, t: Array, reduction: float, held: float) -> tuple[int, float] | None:
        """Bring the residual of a guess down by a factor, in place; see `conjugate_gradient.improve`.

        None where the multigrid of this house is not the one in use.
        """
        return self._ways.improve(heat, t, reduction, held) if self._ways else None

    def _failure(self, state: IterationState, heat: Array) -> ConvergenceError:
        fallback = f" It took the {self._fallback}." if self._fallback else ""
        return ConvergenceError(
            f"the {self.method} solver stopped at a residual of {state.residual:.1e} and a heat balance "
            f"of {state.imbalance:.1e} where {state.tolerance:.1e} was asked: {state.reason}."
            f"{fallback} The cause: {why_unsolvable(self.conduction, heat) or ADVICE}",
            state.history,
        )

    def _factorised(self, heat: Array, t: Array, tolerance: float) -> IterationState:
        assert self._factors is not None
        state = IterationState.initial(vector_norms(heat)[1], tolerance)
        if not state.is_converged:
            t[...] = self._factors.solve(heat)
            self._judge(state, heat, t, tolerance)
        return state

    def _judge(self, state: IterationState, heat: Array, t: Array, tolerance: float) -> None:
        left = heat - self.conduction.apply(t)
        scale, power = vector_norms(heat)
        state.residual, state.imbalance = vector_norms(left)[0] / scale, float(abs(left.sum())) / power
        state.update_convergence()
        state.history.append(state.residual)
        state.reason = "factorised" if state.is_converged else "the factors are not accurate enough"
        if not state.is_converged:
            accept_rounding(state, self.conduction, heat, t, tolerance)

    def _checked(self, values: Array, name: str) -> Array:
        values = np.ascontiguousarray(values, dtype=np.float64)
        if values.shape[1:] != self.conduction.shape:
            shape = values.shape[1:]
            raise ValueError(f"{name} has shape {shape}; the conductances have {self.conduction.shape}")
        if not all(math.isfinite(vector_norms(field, self.threads)[1]) for field in values):
            raise ValueError(f"{name} is not a finite number in every cell")
        return values

    def _report(self, state: IterationState, seconds: float) -> SolverReport:
        return SolverReport(
            method=self.method,
            iterations=state.iterations if self._ways else 0,
            residual=state.residual,
            imbalance=state.imbalance,
            history=tuple(state.history),
            reason=state.reason,
            levels=self._ways.levels if self._ways else 1,
            fallback=self._fallback,
            seconds=seconds,
            memory=self.memory,
        )


def _checked_widths(conduction: Conduction, widths: Widths | None) -> Widths:
    _, ny, nx = conduction.shape
    if widths is None:
        return np.ones(nx), np.ones(ny)
    dx, dy = (np.asarray(width, dtype=np.float64) for width in widths)
    if dx.shape != (nx,) or dy.shape != (ny,):
        raise ValueError(f"widths have shapes {dx.shape}, {dy.shape}; the cells ask for ({nx},), ({ny},)")
    if not all(width.min() > 0.0 and width.max() < math.inf for width in (dx, dy)):
        raise ValueError("widths are not all greater than zero")
    return dx, dy


def _processors() -> int:
    """Return the processors this process may use, at most OMP_NUM_THREADS."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    there = len(affinity(0)) if affinity else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return max(1, min(there, int(asked))) if asked.isdigit() else there
