"""The linear solver: preparation for an operator, and solution for any number of right-hand sides."""

from __future__ import annotations

import math
import os
import time
from typing import NamedTuple

import numpy as np

from thermostack.errors import ConvergenceError, RunawayError
from thermostack.finite_volume.conduction import Conduction
from thermostack.linear.direct import LuFactorization
from thermostack.linear.error_target import SpectrumBounds
from thermostack.linear.fallback import FallbackChain
from thermostack.linear.iteration_state import IterationState, accept_rounding
from thermostack.linear.multigrid import Widths, vector_norms
from thermostack.linear.null_space import FloatingBodies, why_unsolvable
from thermostack.linear.solver_report import SolverReport
from thermostack.linear.thread_count import choose_threads, require_same_process
from thermostack.schema.arguments import argument_error, check_number, check_threads

Array = np.ndarray

MIN_TOLERANCE = 1e-15  # of a relative residual: rounding of double precision
MAX_RHS_TOGETHER = 2  # side by side in registers; more would not fit the cache of a core
MAX_ERROR_ITERATIONS = 60  # of an error reduction, together; the strict solver takes over
ADVICE = "conductances many orders of magnitude apart; try a looser tolerance or method='direct'"


class ErrorReport(NamedTuple):
    """Iterations of an error reduction, and the bound of the error of each result."""

    iterations: int
    error: float  # sqrt(W K), in the energy norm


def prepare(
    conduction: Conduction,
    method: str = "multigrid",
    *,
    widths: Widths | None = None,
    weights: Array | None = None,
    threads: int | None = None,
    is_fixed: bool = True,
    max_contrast: float | None = None,
) -> Solver:
    """Return a solver of `G T = P` for any number of right-hand sides P.

    Parameters
    ----------
    conduction : Conduction
        The operator G [W/K]. Its conductances must not change; where `is_fixed` is False, `Solver.update`
        replaces them.
    method : {"multigrid", "direct"}
        "multigrid" is conjugate gradients preconditioned by multigrid, "direct" a sparse factorization.
    widths : tuple of ndarray, optional
        Cell widths (dx, dy) [m], from which the multigrid knows the distances of columns. Without them all
        are equal, which costs iterations on a graded grid.
    weights : ndarray, optional
        Weights (nz, ny, nx) of the mean temperature of floating bodies, such as capacities [J/K].
    threads : int, optional
        Number of threads; by default one per processor, and one below 200 000 cells. It is one in a process
        that was forked after threads had started. The solution does not depend on it.
    is_fixed : bool
        Whether the operator stays the same.
    max_contrast : float, optional
        Ratio of conductivities in a plane above which the multigrid is algebraic from the start; by default
        `fallback.MAX_CONTRAST`.

    Returns
    -------
    Solver
        The prepared solver.

    Raises
    ------
    ConvergenceError
        If the direct method finds G singular.
    ArgumentError
        If the method is unknown, or the number of threads is not a whole number from 1 to 1024.
    ValueError
        If the widths do not match.
    ResourceError
        If the contrast of conductivities needs a method that does not fit in memory.

    Notes
    -----
    docs/numerics.md, section 5, describes the method. Without boundary conductances G is singular: there is a
    solution where the powers on each body sum to zero, and the one of zero weighted mean on each body is
    returned.

    Examples
    --------
    >>> import numpy as np
    >>> from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
    >>> boundary = BoundaryConductance.from_dense(np.full((1, 1, 2), 0.5))
    >>> faces = np.ones((1, 1, 1)), np.ones((1, 0, 2)), np.ones((0, 1, 2))
    >>> solver = prepare(Conduction(*faces, boundary))
    >>> t, report = solver.solve(np.array([[[1.0, 0.0]]]))
    >>> t.round(6).tolist()
    [[[1.2, 0.8]]]
    """
    if method not in ("multigrid", "direct"):
        raise argument_error("method", f"{method!r} is not a method", "'multigrid' or 'direct'", "E-NAME")
    threads = choose_threads(check_threads(threads), conduction.cells)
    return Solver(conduction, method, widths, weights, threads, is_fixed=is_fixed, max_contrast=max_contrast)


class Solver:
    """A conduction operator prepared for solution; `prepare` returns it."""

    def __init__(
        self,
        conduction: Conduction,
        method: str,
        widths: Widths | None,
        weights: Array | None,
        threads: int,
        *,
        is_fixed: bool = True,
        max_contrast: float | None = None,
    ) -> None:
        self.conduction = conduction
        self.method, self._is_fixed = method, is_fixed
        self.threads, self._weights, self._process = threads, weights, os.getpid()
        widths = _checked_widths(conduction, widths)
        self._find_floating_bodies()
        self._factors: LuFactorization | None = None
        self._chain: FallbackChain | None = None
        self._spectrum = SpectrumBounds()
        if method == "direct":
            self._factorize()
        else:
            self._chain = FallbackChain(
                conduction, widths, threads, keeps_boundary=not is_fixed, max_contrast=max_contrast
            )

    def __repr__(self) -> str:
        nz, ny, nx = self.conduction.shape
        return f"Solver({self.method}, {nx} x {ny} x {nz} cells, {self.threads} threads)"

    def _find_floating_bodies(self) -> None:
        boundary = self.conduction.boundary.conductance
        # Mostly the first value is positive, which saves reading the others.
        has_ambient = bool(boundary.size and (boundary[0] > 0.0 or (boundary > 0.0).any()))
        self._floating = None if has_ambient else FloatingBodies(self.conduction, self._weights)

    def _factorize(self) -> None:
        self._factors = None  # its memory is freed before the next factors are computed
        pinned = self._floating.first_cells if self._floating else None
        self._factors = LuFactorization(self.conduction, pinned)

    def update(
        self, conduction: Conduction, *, only_boundary: bool = False, min_boundary_ratio: float = 0.0
    ) -> None:
        """Replace all conductances, or the boundary conductances only.

        The boundary cells stay the same (zeros count), and the solver was prepared with `is_fixed=False`. The
        pairs of columns are kept, so that an update costs little. `min_boundary_ratio` is a lower bound of
        boundary over lateral conductance of all cells.
        """
        self.require_own_process()
        if self._is_fixed:
            raise ValueError("the solver was prepared for a fixed operator; pass is_fixed=False to `prepare`")
        self.conduction = conduction
        self._find_floating_bodies()
        if self._chain:
            self._chain.update(conduction, only_boundary=only_boundary, min_boundary_ratio=min_boundary_ratio)
        else:
            self._factorize()

    def require_own_process(self) -> None:
        """Raise ThermostackError if the process was forked after the solver with its threads was prepared."""
        require_same_process(self.threads, self._process)

    @property
    def memory(self) -> int:
        """Return the bytes this solver holds, without the given conductances."""
        part = self._factors or self._chain
        return part.memory if part else 0

    @property
    def levels(self) -> int:
        """Return the number of grids of the multigrid hierarchy, 1 for the direct method."""
        return self._chain.levels if self._chain else 1

    @property
    def fallback(self) -> str:
        """Return the methods that replaced the first one, each with its reason."""
        return "; then ".join(self._chain.replacements) if self._chain else ""

    def solve(
        self,
        rhs: Array,
        guess: Array | None = None,
        tolerance: float = 1e-8,
        *,
        overwrites_guess: bool = False,
        relative_to_guess: bool = False,
    ) -> tuple[Array, SolverReport]:
        """Return the temperature rise over a reference [K], (nz, ny, nx), and the report.

        Parameters
        ----------
        rhs : ndarray
            Power of each cell [W], (nz, ny, nx), with boundary conductance times ambient temperature over the
            reference added.
        guess : ndarray, optional
            Initial temperature rise [K].
        tolerance : float
            Bound of the true residual relative to `rhs`, and of the heat balance.
        overwrites_guess : bool
            Whether the solution is stored in the guess, which saves a field.
        relative_to_guess : bool
            Whether the tolerance is relative to the residual of the guess instead of `rhs`.

        Returns
        -------
        tuple of ndarray and SolverReport
            The rise, zero in inactive cells, and the report.

        Raises
        ------
        ConvergenceError
            If the tolerance is not reached; it contains the history.
        ValueError
            If the input is invalid.
        """
        guesses = None if guess is None else np.asarray(guess)[None]
        fields, reports = self.solve_many(
            np.asarray(rhs)[None],
            guesses,
            tolerance,
            overwrites_guess=overwrites_guess,
            relative_to_guess=relative_to_guess,
        )
        return fields[0], reports[0]

    def solve_many(
        self,
        rhs: Array,
        guesses: Array | None = None,
        tolerance: float = 1e-8,
        *,
        overwrites_guess: bool = False,
        relative_to_guess: bool = False,
    ) -> tuple[Array, list[SolverReport]]:
        """Return the temperature rises [K] of several right-hand sides [W], and the report of each.

        Both have the shape (right-hand sides, nz, ny, nx). The results are those of `solve` for each, in less
        time: the conductances are read once for two right-hand sides. The columns of an influence matrix are
        the solutions for 1 W in each part.
        """
        self.require_own_process()
        check_number(tolerance, "tolerance", min=MIN_TOLERANCE, below=1.0)
        rhs = self._checked(rhs, "rhs")
        fields = np.zeros(rhs.shape) if guesses is None else self._checked(guesses, "guess")
        if guesses is not None and not overwrites_guess and np.may_share_memory(fields, guesses):
            fields = fields.copy()
        if fields.shape != rhs.shape:
            raise ValueError(f"{len(fields)} guesses for {len(rhs)} right-hand sides")
        reports: list[SolverReport] = []
        is_zero = guesses is None
        for first in range(0, len(rhs), MAX_RHS_TOGETHER):
            batch = slice(first, first + MAX_RHS_TOGETHER)
            reports += self._solve(rhs[batch], fields[batch], tolerance, is_zero, relative_to_guess)
        return fields, reports

    def _solve(
        self, rhs: Array, fields: Array, tolerance: float, is_zero: bool, relative_to_guess: bool
    ) -> list[SolverReport]:
        start = time.perf_counter()
        for one in rhs:
            if self._floating and self._floating.net_power(one):
                raise ConvergenceError(f"there is no solution: {why_unsolvable(self.conduction, one)}", [])
        if self._chain:
            states = self._chain.solve(
                rhs, fields, tolerance, is_zero=is_zero, relative_to_guess=relative_to_guess
            )
        else:
            states = [self._solve_directly(one, t, tolerance) for one, t in zip(rhs, fields, strict=True)]
        seconds = (time.perf_counter() - start) / len(rhs)
        for state, one, t in zip(states, rhs, fields, strict=True):
            self._spectrum.add(state.coefficients[1:] if is_zero else state.coefficients)
            if not state.is_converged:
                raise self._failure(state, one)
            if self._floating:
                self._floating.remove_mean(t)
        return [self._report(state, seconds) for state in states]

    def reduce_residual(
        self, rhs: Array, t: Array, reduction: float, total_boundary: float
    ) -> tuple[int, float] | None:
        """Reduce the residual of a guess by a factor, in place; see `pcg.reduce_residual`.

        None where the column multigrid is not in use.
        """
        return self._chain.reduce_residual(rhs, t, reduction, total_boundary) if self._chain else None

    def reduce_error(
        self, rhs: Array, fields: Array, max_error: float, *, is_zero: bool = False
    ) -> ErrorReport | None:
        """Reduce the errors of guesses in the energy norm to a bound, in place.

        Parameters
        ----------
        rhs : ndarray
            Powers of the cells [W], (right-hand sides, nz, ny, nx).
        fields : ndarray
            Guesses and solutions [K], of the same shape.
        max_error : float
            Bound of the error e of each solution in the energy norm, sqrt(e.Ge) [sqrt(W K)].
        is_zero : bool
            Whether the guesses are zero everywhere.

        Returns
        -------
        ErrorReport or None
            Iterations, and the bound of the error. None where no boundary fixes the temperature, the column
            multigrid is not in use, or the iteration fails; then `fields` are still guesses.
        """
        self.require_own_process()
        if self._chain is None or self._floating:
            return None
        total_boundary = float(self.conduction.boundary.conductance.sum())
        iterations = 0
        while iterations < MAX_ERROR_ITERATIONS:
            target = self._spectrum.target(max_error)
            found = self._chain.reduce_error(rhs, fields, target, total_boundary, is_zero=is_zero)
            if found is None:
                return None
            for search in found:
                self._spectrum.add(search.cycle_coefficients)
            iterations += max(search.iterations for search in found)
            target = self._spectrum.target(max_error)  # with the eigenvalues that these iterations have shown
            error = max(search.error_with(target) for search in found)
            if error <= max_error:
                return ErrorReport(iterations, error)
            is_zero = False
        return None

    def _failure(self, state: IterationState, rhs: Array) -> ConvergenceError:
        if state.is_indefinite and self.conduction.power_slope is not None:
            return RunawayError("power grows faster with temperature than cooling", state.history)
        fallback = f" Methods used instead: {self.fallback}." if self.fallback else ""
        return ConvergenceError(
            f"the {self.method} solver stopped at a residual of {state.residual:.1e} and a heat balance "
            f"of {state.imbalance:.1e}, above the tolerance of {state.tolerance:.1e}: {state.reason}."
            f"{fallback} Probable cause: {why_unsolvable(self.conduction, rhs) or ADVICE}",
            state.history,
        )

    def _solve_directly(self, rhs: Array, t: Array, tolerance: float) -> IterationState:
        assert self._factors is not None
        state = IterationState.initial(vector_norms(rhs)[1], tolerance)
        if state.is_converged:  # no heat: the guess in t is not the solution
            t[...] = 0.0
        else:
            t[...] = self._factors.solve(rhs)
            self._check_residual(state, rhs, t, tolerance)
        return state

    def _check_residual(self, state: IterationState, rhs: Array, t: Array, tolerance: float) -> None:
        residual = rhs - self.conduction.apply(t)
        scale, power = vector_norms(rhs)
        state.residual, state.imbalance = (
            vector_norms(residual)[0] / scale,
            float(abs(residual.sum())) / power,
        )
        state.update_convergence()
        state.history.append(state.residual)
        state.reason = "factorised" if state.is_converged else "the factors are not accurate enough"
        if not state.is_converged:
            accept_rounding(state, self.conduction, rhs, t, tolerance)

    def _checked(self, values: Array, name: str) -> Array:
        values = np.ascontiguousarray(values, dtype=np.float64)
        if values.shape[1:] != self.conduction.shape:
            shape = values.shape[1:]
            raise ValueError(f"{name} has shape {shape}; the conductances have {self.conduction.shape}")
        if not all(math.isfinite(vector_norms(field, self.threads)[1]) for field in values):
            raise ValueError(f"{name} is not a finite number in every cell")
        return values

    def _report(self, state: IterationState, seconds: float) -> SolverReport:
        iterations = state.iterations if self._chain else 0
        return SolverReport(
            method=self.method,
            iterations=iterations,
            residual=state.residual,
            imbalance=state.imbalance,
            history=tuple(state.history),
            reason=state.reason,
            levels=self.levels,
            fallback=self.fallback,
            seconds=seconds,
            memory=self.memory,
            total_iterations=iterations,
        )


def _checked_widths(conduction: Conduction, widths: Widths | None) -> Widths:
    _, ny, nx = conduction.shape
    if widths is None:
        return np.ones(nx), np.ones(ny)
    dx, dy = (np.asarray(width, dtype=np.float64) for width in widths)
    if dx.shape != (nx,) or dy.shape != (ny,):
        raise ValueError(f"widths have shapes {dx.shape}, {dy.shape}; the cells require ({nx},), ({ny},)")
    if not all(width.min() > 0.0 and width.max() < math.inf for width in (dx, dy)):
        raise ValueError("widths are not all greater than zero")
    return dx, dy
