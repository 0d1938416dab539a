"""One Runge-Kutta step: stages solved from extrapolated initial guesses, and the estimated error in K."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.linear.shifted import ShiftedOperator
from thermostack.transient import _stage_vectors
from thermostack.transient.runge_kutta import RungeKuttaScheme

Array = np.ndarray

MAX_EXTRAPOLATION_POINTS = 3  # an initial guess is a polynomial of degree 2 in time at most
MAX_EXTRAPOLATION_WEIGHT = 12.0  # sum of its absolute weights; above, the degree is reduced
GUESS_SAMPLE = 4096  # cells in which an initial guess is compared with the solution
MAX_REDUCTION = 0.1  # of the residual of a guess, even of a good one
MIN_REDUCTION = 1e-9
FIRST_REDUCTION = 1e-3  # while the error of initial guesses is not known
MAX_SOLVES = 4  # of one stage, until its error is small enough


@dataclass
class Counts:
    """Numbers of linear systems, of conjugate gradient iterations, and of changes of the shift."""

    solves: int = 0
    iterations: int = 0
    changes: int = 0  # of the shift


@dataclass(frozen=True, eq=False)
class SparseSource:
    """Heat that some cells at the reference temperature receive [W]; all other cells receive none."""

    sources: tuple[tuple[Array, Array], ...]  # pairs of cells (index in the raveled grid, unique) and W

    def add_to(self, rhs: Array) -> None:
        """Add the heat to a right-hand side (nz, ny, nx) [W]."""
        flat = rhs.reshape(-1)
        for cell, power in self.sources:
            flat[cell] += power


@dataclass(frozen=True, eq=False)
class LinearCombination:
    """A weighted sum of temperature fields, evaluated plane by plane."""

    fields: Array  # (rows, cells) K
    rows: Array  # (n,) int32, rows of `fields`
    weights: Array  # (n,)
    threads: int = 1

    def distances(self, other: Array, planes: Array) -> Array:
        """Return the maximum difference from temperatures (nz, ny, nx) in each of some planes [K], (n,).

        `planes` (n,) intp are indices along z. A plane that contains NaN has the difference NaN.
        """
        found, flat = np.empty(planes.size), other.reshape(len(other), -1)
        terms = _stage_vectors.WeightedSum(self.fields, self.rows, self.weights)
        _stage_vectors.distance(terms, flat, planes, found, self.threads)
        return found

    def write(self, k: int, plane: Array) -> None:
        """Write the temperatures of plane k into an array (ny, nx)."""
        out = plane.reshape(-1)
        terms = _stage_vectors.WeightedSum(self.fields, self.rows, self.weights)
        _stage_vectors.combine(terms, k * out.size, out, self.threads)


class Stepper:
    """Temperatures over a reference temperature [K], advanced by one Runge-Kutta scheme.

    The initial guess of a stage is the polynomial through the temperatures nearest in time. The solver stops
    when the remaining error of the guess meets a tolerance in kelvin. Then a constant is added that makes the
    heat balance of the stage exact: of all fields that differ by a constant it has the smallest error in the
    norm of the operator.
    """

    def __init__(
        self,
        shifted: ShiftedOperator,
        scheme: RungeKuttaScheme,
        shape: tuple[int, int, int],
        threads: int = 1,
    ) -> None:
        """Allocate fields of a shape (nz, ny, nx). `field` is zero and may be set to initial values."""
        self.shifted, self.scheme, self.threads = shifted, scheme, threads
        self.shape = shape
        stages, cells = scheme.stages, math.prod(shape)
        self._fields = np.zeros((2 * stages + 1, cells))  # (rows, cells) K
        self._rhs = np.empty(cells)
        self._present = 0  # row of the present temperatures
        self._stages: list[int] = list(range(1, stages + 1))  # rows of the stages of the next step
        self._history: list[tuple[float, int]] = []  # time from now [s], and row
        self._free = list(range(stages + 1, 2 * stages + 1))  # rows
        self._guess_error = np.full(stages, np.nan)  # K, of the last initial guess of each stage
        self._step = 0.0  # s, length of the last attempt
        self._sample = np.linspace(0, cells - 1, min(GUESS_SAMPLE, cells)).astype(np.intp)
        self.counts = Counts()

    @property
    def field(self) -> Array:
        """Return the present temperatures (nz, ny, nx) [K], a view that the next step overwrites."""
        field: Array = self._fields[self._present].reshape(self.shape)
        return field

    @property
    def end(self) -> Array:
        """Return the temperatures at the end of the last attempted step, (nz, ny, nx) [K]."""
        return self.stage(-1)

    def stage(self, n: int) -> Array:
        """Return the temperatures of stage n of the last attempted step, (nz, ny, nx) [K]."""
        field: Array = self._fields[self._stages[n]].reshape(self.shape)
        return field

    @property
    def memory(self) -> int:
        """Return the memory of the fields [bytes]."""
        return self._fields.nbytes + self._rhs.nbytes

    def try_step(self, step: float, sources: Sequence[SparseSource], tolerance: float) -> None:
        """Solve the stages of a step of a length [s], without accepting it.

        `sources` is the heat of each stage, `tolerance` [K] the error to which its linear system is solved.
        Raises ConvergenceError if that is not reached.
        """
        scheme = self.scheme
        shift = self.shift_of(step)
        if shift != self.shifted.shift:
            self.shifted.update_shift(shift)
            self.counts.changes += 1
        for n in range(scheme.stages):
            stages = [(float(scheme.c[j]) * step, self._stages[j]) for j in range(n)]
            guess = self._extrapolation(float(scheme.c[n]) * step, stages)
            self._set_stage(n, shift, sources[n], *guess)
            self._solve_stage(n, tolerance)
        self._step = step

    def shift_of(self, step: float) -> float:
        """Return the shift 1 / (gamma step) [1/s] of the operator of a step of a length [s]."""
        return 1.0 / (self.scheme.gamma * step)

    def error_norm(self) -> tuple[float, float]:
        """Return the maximum estimated error [K] of the last attempted step, and the heat it stores [J].

        The error is zero if the scheme has no embedded method.
        """
        rows = np.array([self._present, *self._stages], dtype=np.intc)
        e = self.scheme.e if self.scheme.embedded is not None else np.zeros(self.scheme.stages)
        found = np.empty((-(-self._rhs.size // _stage_vectors.CELLS_PER_PIECE), 2))
        capacity = self.shifted.capacity.reshape(-1)
        weights = np.array([-e.sum(), *e])
        error = _stage_vectors.WeightedSum(self._fields, rows, weights)
        _stage_vectors.error_and_storage(error, capacity, found, self.threads)
        return float(found[:, 0].max()), float(found[:, 1].sum())

    def add_constant(self, by: float) -> None:
        """Add a constant [K] to the temperatures at the end of the last attempted step."""
        self._fields[self._stages[-1]] += by

    def accept(self) -> None:
        """Make the end of the last attempted step the present temperatures."""
        end = -self._step
        old = [row for _, row in self._history]
        stages = zip(self.scheme.c[:-1].tolist(), self._stages[:-1], strict=True)
        self._history = [(end, self._present), *(((c - 1.0) * self._step, row) for c, row in stages)]
        self._present = self._stages[-1]
        spare = [*self._free, *old]
        self._stages, self._free = spare[: self.scheme.stages], spare[self.scheme.stages :]

    def reset_history(self) -> None:
        """Discard earlier temperatures and guess errors: loads jump, so they predict nothing."""
        self._free += [row for _, row in self._history]
        self._history = []
        self._guess_error[:] = np.nan

    def state(self) -> dict[str, Any]:
        """Return the state that the next step depends on: arrays and numbers by name."""
        rows = [self._present, *(row for _, row in self._history)]
        return {
            "fields": self._fields[rows],
            "times": [time for time, _ in self._history],
            "guess_error": self._guess_error.copy(),
            "counts": [self.counts.solves, self.counts.iterations, self.counts.changes],
        }

    def check(self, state: Mapping[str, Any]) -> None:
        """Raise DescriptionError if a state belongs to other cells or to another scheme."""
        cells, stages = np.shape(state["fields"])[1], np.size(state["guess_error"])
        if (cells, stages) != (self._rhs.size, self.scheme.stages):
            text = f"the state has {cells} cells and {stages} stages in a step"
            text += f", the simulation has {self._rhs.size} and {self.scheme.stages}"
            hint = "resume with the same cells and the same scheme"
            raise DescriptionError(Diagnostic("simulation", text, hint, "E-VALUE"))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that `state` returned."""
        fields = state["fields"]
        count, stages = len(fields), self.scheme.stages
        self._fields[:count] = fields
        self._present = 0
        self._history = list(zip(map(float, state["times"]), range(1, count), strict=True))
        self._stages = list(range(count, count + stages))
        self._free = list(range(count + stages, 2 * stages + 1))
        self._guess_error[:] = state["guess_error"]
        self.counts = Counts(*map(int, state["counts"]))

    def extrapolate(self, time: float) -> LinearCombination:
        """Return the temperatures extrapolated to a time from now [s]."""
        return LinearCombination(self._fields, *self._extrapolation(time, []), self.threads)

    @property
    def middle(self) -> LinearCombination:
        """Return the mean of the present temperatures and those at the end of the last attempted step."""
        rows = np.array([self._present, self._stages[-1]], dtype=np.intc)
        return LinearCombination(self._fields, rows, np.full(2, 0.5), self.threads)

    def max_rate(self, source: SparseSource) -> float:
        """Return the maximum rate of change of the present temperatures under a source [K/s]."""
        net = -self.shifted.apply_conduction(self.field)  # W
        source.add_to(net)
        capacity = self.shifted.capacity
        return float(np.abs(np.divide(net, capacity, out=np.zeros_like(net), where=capacity > 0.0)).max())

    # -- a stage ---------------------------------------------------------------------------------

    def _base(self, n: int) -> tuple[Array, Array]:
        """Return rows and weights of the temperatures B_n in the right-hand side of stage n."""
        w = self.scheme.w[n, :n]
        return np.array([self._present, *self._stages[:n]], dtype=np.intc), np.array([1.0 - w.sum(), *w])

    def _set_stage(self, n: int, shift: float, source: SparseSource, near: Array, weights: Array) -> None:
        """Set the right-hand side of stage n, and its initial guess from rows `near` with `weights`."""
        rows, base = self._base(n)
        capacity, guess = self.shifted.capacity.reshape(-1), self._fields[self._stages[n]]
        terms = _stage_vectors.WeightedSum(self._fields, rows, base)
        predictor = _stage_vectors.WeightedSum(self._fields, near, weights)
        _stage_vectors.stage_rhs(terms, predictor, shift, capacity, self._rhs, guess, self.threads)
        source.add_to(self._rhs)

    def _extrapolation(self, time: float, stages: Sequence[tuple[float, int]]) -> tuple[Array, Array]:
        """Return rows and weights of the value at a time of the polynomial through the nearest temperatures.

        Times are in s from now; `stages` are pairs of time and row of stages already solved.
        """
        known = sorted([(0.0, self._present), *self._history, *stages], key=lambda node: abs(node[0] - time))
        for count in range(min(MAX_EXTRAPOLATION_POINTS, len(known)), 0, -1):
            times = np.array([node for node, _ in known[:count]])
            weights = _lagrange(times, time)
            if count == 1 or np.abs(weights).sum() <= MAX_EXTRAPOLATION_WEIGHT:
                break
        return np.array([row for _, row in known[:count]], dtype=np.intc), weights

    def _solve_stage(self, n: int, tolerance: float) -> None:
        """Solve stage n from the guess in its row, until its error meets a tolerance [K].

        The error of the guess, measured in a sample of cells, times the reduction of the residual estimates
        the error that remains.
        """
        row = self._stages[n]
        field, rhs = self._fields[row].reshape(self.shape), self._rhs.reshape(self.shape)
        guess = self._fields[row][self._sample]
        last_error = self._guess_error[n]
        reduction = tolerance / last_error if last_error > 0.0 else FIRST_REDUCTION
        remaining = 1.0  # of the error of the guess
        for _ in range(MAX_SOLVES):
            reduction = float(np.clip(reduction, MIN_REDUCTION, MAX_REDUCTION))
            self.counts.solves += 1
            iterations, reached = self.shifted.reduce_residual(rhs, field, reduction)
            self.counts.iterations += iterations
            remaining *= reached
            guess_error = float(np.abs(self._fields[row][self._sample] - guess).max())
            error = remaining * guess_error  # K
            if error <= tolerance or remaining <= MIN_REDUCTION:
                break
            reduction = 0.5 * tolerance / error
        self._guess_error[n] = max(guess_error, 1e-300)


def _lagrange(nodes: Array, at: float) -> Array:
    """Return the weights of the values at nodes in the value at a point of the polynomial through them."""
    weights = np.ones(nodes.size)
    for n in range(nodes.size):
        for m in range(nodes.size):
            if m != n:
                weights[n] *= (at - nodes[m]) / (nodes[n] - nodes[m])
    return weights
