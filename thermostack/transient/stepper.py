"""One step in time: stages solved by multigrid, each from a guess, and the error of the step in kelvin."""

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

NEAREST = 3  # temperatures in time that a guess is a parabola through
WILD = 12.0  # sum of a guess's weights without their signs, beyond which a lower degree is taken
SAMPLE = 4096  # cells in which a guess is compared with what it became
LEAST_REDUCTION = 0.1  # of the residual of a guess, even of a good one
MOST_REDUCTION = 1e-9
UNKNOWN_REDUCTION = 1e-3  # where nobody knows yet how good guesses are
MOST_ROUNDS = 4  # of solving on, until what remains is small enough


@dataclass
class Work:
    """What was done so far."""

    solves: int = 0
    iterations: int = 0
    changes: int = 0  # of the shift


@dataclass(frozen=True, eq=False)
class SparseSource:
    """What some cells receive, to a body at the caller's zero; all others receive nothing."""

    sources: tuple[tuple[Array, Array], ...]  # of each: cells, index in the raveled grid, each once; and W

    def add_to(self, heat: Array) -> None:
        """Add it to what all cells receive, (nz, ny, nx) [W]."""
        flat = heat.reshape(-1)
        for cell, watts in self.sources:
            flat[cell] += watts


@dataclass(frozen=True, eq=False)
class LinearCombination:
    """Temperatures that are a weighted sum of others, and stand nowhere themselves."""

    fields: Array  # (rows, cells) K
    rows: Array  # (n,) int32, which of them
    weights: Array  # (n,)
    threads: int = 1

    def distances(self, other: Array, planes: Array) -> Array:
        """Return how far they are from others (nz, ny, nx), where farthest in each of some planes [K], (n,).

        `planes` (n,) intp are indices along z. Where something is no number, neither is the distance.
        """
        found, flat = np.empty(planes.size), other.reshape(len(other), -1)
        terms = _stage_vectors.WeightedSum(self.fields, self.rows, self.weights)
        _stage_vectors.distance(terms, flat, planes, found, self.threads)
        return found

    def write(self, k: int, plane: Array) -> None:
        """Set a plane of others (ny, nx) to those at height k."""
        out = plane.reshape(-1)
        terms = _stage_vectors.WeightedSum(self.fields, self.rows, self.weights)
        _stage_vectors.combine(terms, k * out.size, out, self.threads)


class Stepper:
    """Temperatures on their way in time, over the caller's zero [K].

    A stage's guess is a parabola through the temperatures nearest in time, and the solver stops when what
    remains of the guess's error is as small as asked, in kelvin. Then a constant is added that makes the
    heat balance of the stage exact: of all fields that differ by a constant it is the nearest to the answer.
    """

    def __init__(
        self,
        shifted: ShiftedOperator,
        scheme: RungeKuttaScheme,
        shape: tuple[int, int, int],
        threads: int = 1,
    ) -> None:
        """Make room for fields of a shape (nz, ny, nx); `field` is zero, and may be set to where to begin."""
        self.shifted, self.scheme, self.threads = shifted, scheme, threads
        self.shape = shape
        stages, cells = scheme.stages, math.prod(shape)
        self._fields = np.zeros((2 * stages + 1, cells))  # (rows, cells) K
        self._heat = np.empty(cells)
        self._now = 0  # row of the present temperatures
        self._new: list[int] = list(range(1, stages + 1))  # rows of the stages of the next step
        self._past: list[tuple[float, int]] = []  # when, in s from now, and row
        self._spare = list(range(stages + 1, 2 * stages + 1))
        self._expected = np.full(stages, np.nan)  # K by which guesses of each stage were wrong the last time
        self._step = 0.0  # s, of the last attempt
        self._sample = np.linspace(0, cells - 1, min(SAMPLE, cells)).astype(np.intp)
        self.work = Work()

    @property
    def field(self) -> Array:
        """Return the present temperatures (nz, ny, nx); a view that the next step overwrites."""
        field: Array = self._fields[self._now].reshape(self.shape)
        return field

    @property
    def end(self) -> Array:
        """Return those at the end of the step attempted last."""
        return self.stage(-1)

    def stage(self, n: int) -> Array:
        """Return those of a stage of the step attempted last."""
        field: Array = self._fields[self._new[n]].reshape(self.shape)
        return field

    @property
    def memory(self) -> int:
        """Return the bytes of the fields."""
        return self._fields.nbytes + self._heat.nbytes

    def try_step(self, step: float, heat: Sequence[SparseSource], accuracy: float) -> None:
        """Solve the stages of a step of so many seconds.

        `heat` is what cells receive in each stage; `accuracy` [K] is how near to its answer each stage is
        solved. Raises ConvergenceError where that is not reached.
        """
        scheme = self.scheme
        shift = self.shift_of(step)
        if shift != self.shifted.shift:
            self.shifted.update_shift(shift)
            self.work.changes += 1
        for n in range(scheme.stages):
            stages = [(float(scheme.c[j]) * step, self._new[j]) for j in range(n)]
            near = self._nearest(float(scheme.c[n]) * step, stages)
            self._begin(n, shift, heat[n], *near)
            self._solve(n, accuracy)
        self._step = step

    def shift_of(self, step: float) -> float:
        """Return the shift [1/s] that steps of so many seconds are solved with."""
        return 1.0 / (self.scheme.gamma * step)

    def error_norm(self) -> tuple[float, float]:
        """Return the error of the step attempted last, the largest of all [K], and the heat it stores [J].

        A scheme that does not estimate its error has none.
        """
        rows = np.array([self._now, *self._new], dtype=np.intc)
        e = self.scheme.e if self.scheme.embedded is not None else np.zeros(self.scheme.stages)
        found = np.empty((-(-self._heat.size // _stage_vectors.CELLS_PER_PIECE), 2))
        capacity = self.shifted.capacity.reshape(-1)
        weights = np.array([-e.sum(), *e])
        error = _stage_vectors.WeightedSum(self._fields, rows, weights)
        _stage_vectors.error_and_storage(error, capacity, found, self.threads)
        return float(found[:, 0].max()), float(found[:, 1].sum())

    def add_constant(self, by: float) -> None:
        """Add a constant [K] to the end of the step attempted last."""
        self._fields[self._new[-1]] += by

    def accept(self) -> None:
        """Go to the end of the step attempted last."""
        end = -self._step
        old = [row for _, row in self._past]
        stages = zip(self.scheme.c[:-1].tolist(), self._new[:-1], strict=True)
        self._past = [(end, self._now), *(((c - 1.0) * self._step, row) for c, row in stages)]
        self._now = self._new[-1]
        spare = [*self._spare, *old]
        self._new, self._spare = spare[: self.scheme.stages], spare[self.scheme.stages :]

    def reset_history(self) -> None:
        """Take no guess from what was before: from here on it is another story."""
        self._spare += [row for _, row in self._past]
        self._past = []
        self._expected[:] = np.nan

    def state(self) -> dict[str, Any]:
        """Return all that the next step depends on: arrays and numbers by name."""
        rows = [self._now, *(row for _, row in self._past)]
        return {
            "fields": self._fields[rows],
            "times": [time for time, _ in self._past],
            "expected": self._expected.copy(),
            "work": [self.work.solves, self.work.iterations, self.work.changes],
        }

    def check(self, state: Mapping[str, Any]) -> None:
        """Raise DescriptionError where a state is of other cells or of another scheme."""
        cells, stages = np.shape(state["fields"])[1], np.size(state["expected"])
        if (cells, stages) != (self._heat.size, self.scheme.stages):
            text = f"the state is of {cells} cells and {stages} stages in a step"
            text += f", here they are {self._heat.size} and {self.scheme.stages}"
            raise DescriptionError(Diagnostic("simulation", text, "go on with the same ones", "E-VALUE"))

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned."""
        fields = state["fields"]
        count, stages = len(fields), self.scheme.stages
        self._fields[:count] = fields
        self._now = 0
        self._past = list(zip(map(float, state["times"]), range(1, count), strict=True))
        self._new = list(range(count, count + stages))
        self._spare = list(range(count + stages, 2 * stages + 1))
        self._expected[:] = state["expected"]
        self.work = Work(*map(int, state["work"]))

    def extrapolate(self, when: float) -> LinearCombination:
        """Return the temperatures foreseen so many seconds from now."""
        return LinearCombination(self._fields, *self._nearest(when, []), self.threads)

    @property
    def middle(self) -> LinearCombination:
        """Return the mean of the present temperatures and those at the end of the step attempted last."""
        rows = np.array([self._now, self._new[-1]], dtype=np.intc)
        return LinearCombination(self._fields, rows, np.full(2, 0.5), self.threads)

    def rates(self, heat: SparseSource) -> float:
        """Return how fast temperatures change now with the heat that cells receive, where fastest [K/s]."""
        left = -self.shifted.apply_conduction(self.field)
        heat.add_to(left)
        capacity = self.shifted.capacity
        return float(np.abs(np.divide(left, capacity, out=np.zeros_like(left), where=capacity > 0.0)).max())

    # -- a stage ---------------------------------------------------------------------------------

    def _base(self, n: int) -> tuple[Array, Array]:
        """Return rows and weights of what stage n begins with."""
        w = self.scheme.w[n, :n]
        return np.array([self._now, *self._new[:n]], dtype=np.intc), np.array([1.0 - w.sum(), *w])

    def _begin(self, n: int, shift: float, heat: SparseSource, near: Array, weights: Array) -> None:
        """Set what stage n is solved with, and its guess."""
        rows, base = self._base(n)
        capacity, guess = self.shifted.capacity.reshape(-1), self._fields[self._new[n]]
        terms = _stage_vectors.WeightedSum(self._fields, rows, base)
        predictor = _stage_vectors.WeightedSum(self._fields, near, weights)
        _stage_vectors.stage_rhs(terms, predictor, shift, capacity, self._heat, guess, self.threads)
        heat.add_to(self._heat)

    def _nearest(self, when: float, stages: Sequence[tuple[float, int]]) -> tuple[Array, Array]:
        """Return rows and weights of the polynomial through the temperatures nearest in time."""
        known = sorted([(0.0, self._now), *self._past, *stages], key=lambda node: abs(node[0] - when))
        for count in range(min(NEAREST, len(known)), 0, -1):
            times = np.array([time for time, _ in known[:count]])
            weights = _lagrange(times, when)
            if count == 1 or np.abs(weights).sum() <= WILD:
                break
        return np.array([row for _, row in known[:count]], dtype=np.intc), weights

    def _solve(self, n: int, accuracy: float) -> None:
        """Solve stage n from the guess in its row."""
        row = self._new[n]
        field, heat = self._fields[row].reshape(self.shape), self._heat.reshape(self.shape)
        guess = self._fields[row][self._sample]
        expected = self._expected[n]
        reduction = accuracy / expected if expected > 0.0 else UNKNOWN_REDUCTION
        remains, reached = 1.0, np.inf  # share of the guess's error, and K
        for _ in range(MOST_ROUNDS):
            reduction = float(np.clip(reduction, MOST_REDUCTION, LEAST_REDUCTION))
            self.work.solves += 1
            iterations, gained = self.shifted.reduce_residual(heat, field, reduction)
            self.work.iterations += iterations
            remains *= gained
            wrong = float(np.abs(self._fields[row][self._sample] - guess).max())
            reached = remains * wrong
            if reached <= accuracy or remains <= MOST_REDUCTION:
                break
            reduction = 0.5 * accuracy / reached
        self._expected[n] = max(wrong, 1e-300)


def _lagrange(nodes: Array, at: float) -> Array:
    """Return the weights of values at some nodes in the value at a place of the polynomial through them."""
    weights = np.ones(nodes.size)
    for n in range(nodes.size):
        for m in range(nodes.size):
            if m != n:
                weights[n] *= (at - nodes[m]) / (nodes[n] - nodes[m])
    return weights
