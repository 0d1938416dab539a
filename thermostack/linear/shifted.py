"""The operators `G + s C` of one body for any shift s: prepared once, changed at little more cost than a use.

An implicit step of length h solves with s = 1 / (gamma h), a thermal impedance with shifts over many decades.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.linear.amg import dot
from thermostack.linear.multigrid import Widths, apply_operator
from thermostack.linear.solver import prepare
from thermostack.linear.solver_report import SolverReport

Array = np.ndarray

LEAST = 2e-5  # reduction that the recurrence alone is trusted with
SLOW = 1e-6  # 1/s: a shift with which columns are paired as the steady problem has them


class ShiftedOperator:
    """`(G + s C) T = P`, solved for one shift after the other."""

    def __init__(
        self,
        conduction: Conduction,
        capacity: Array,
        *,
        widths: Widths | None = None,
        method: str = "multigrid",
        threads: int | None = None,
    ) -> None:
        """Prepare it. `capacity` (nz, ny, nx) [J/K] is that of each cell, zero outside the body alone."""
        self.shift = SLOW
        own = conduction.boundary
        self._cell = np.union1d(np.flatnonzero(capacity), own.cell)  # of the body
        self._own, self._place = np.zeros(0, np.intp), np.zeros(0, np.intp)  # the ground's cells, and where
        self._ground = BoundaryConductance(own.shape, self._cell, np.zeros(self._cell.size))
        self._total = np.zeros(self._cell.size)
        self._inertia = _least_inertia(conduction, capacity)
        self._take(conduction, capacity)
        self.solver = prepare(self.operator, method, widths=widths, threads=threads, is_fixed=False)

    def _take(self, conduction: Conduction, capacity: Array) -> None:
        self.conduction, self.capacity = conduction, capacity
        if conduction.boundary.cell is not self._own:
            self._own = conduction.boundary.cell
            self._place = np.searchsorted(self._cell, self._own)
        self.stores = float(capacity.sum())  # J/K
        self._grounded = float(conduction.boundary.conductance.sum())

    @property
    def operator(self) -> Conduction:
        """Return `G + s C` of the present shift, whose ground the next one overwrites."""
        np.take(self.capacity.reshape(-1), self._cell, out=self._total, mode="clip")
        self._total *= self.shift
        self._total[self._place] += self.conduction.boundary.conductance
        return replace(self.conduction, boundary=self._ground.with_conductance(self._total))

    @property
    def memory(self) -> int:
        """Return the bytes held, the conductances and capacities that were given not counted."""
        return self.solver.memory + self._cell.nbytes + self._place.nbytes + self._total.nbytes

    def change(self, conduction: Conduction, capacity: Array, shift: float | None = None) -> None:
        """Take other conductances and capacities of the same cells, and a shift [1/s] where one is given."""
        self.shift = self.shift if shift is None else shift
        self._take(conduction, capacity)
        self.solver.change(self.operator, holding=self.shift * self._inertia)

    def update_shift(self, shift: float) -> ShiftedOperator:
        """Return this with another shift [1/s].

        A shift of zero is the steady problem, which needs ground. Raises ValueError on one below zero.
        """
        if not shift >= 0.0:
            raise ValueError(f"a shift of {shift:g} 1/s is below zero")
        if shift != self.shift:
            self.shift = shift
            self.solver.change(self.operator, only_ground=True, holding=self.shift * self._inertia)
        return self

    def solve(
        self, heat: Array, guess: Array | None = None, tolerance: float = 1e-8, *, of_guess: bool = False
    ) -> tuple[Array, SolverReport]:
        """Return the temperature [K] over the caller's zero, (nz, ny, nx), in the guess's place if given.

        As `Solver.solve`; `of_guess` says that the tolerance is relative to the residual of the guess.
        """
        return self.solver.solve(heat, guess, tolerance, overwrites_guess=True, of_guess=of_guess)

    def improve(self, heat: Array, t: Array, reduction: float) -> tuple[int, float]:
        """Bring the residual of a guess t [K] down by a factor, in place, and balance its heat exactly.

        Returns the iterations it took, and the factor reached. What the fast way does not do goes to
        `solve`, with its fall-backs. Raises ConvergenceError where that fails, too.
        """
        if reduction >= LEAST and self.held > 0.0:
            done = self.solver.improve(heat, t, reduction, self.held)
            if done is not None:
                return done
        _, report = self.solve(heat, t, reduction, of_guess=True)
        self.balance(heat, t)
        return report.iterations, reduction

    @property
    def held(self) -> float:
        """Return the sum of the ground conductances of `G + s C` [W/K]."""
        return self.shift * self.stores + self._grounded

    def balance(self, heat: Array, t: Array) -> None:
        """Add to t [K], in place, the constant with which as much heat leaves as is given.

        Of all fields that differ from t by a constant it is the nearest to the answer, in the norm of the
        operator.
        """
        own, place = self.conduction.boundary, t.reshape(-1)
        if self.held > 0.0:
            leaving = self.shift * dot(self.capacity, t) + float((own.conductance * place[own.cell]).sum())
            t += (float(heat.sum()) - leaving) / self.held

    def conduction_of(self, t: Array) -> Array:
        """Return `G t` [W], the heat that leaves each cell at temperatures t [K] over the caller's zero."""
        out = np.empty(t.shape)
        apply_operator(self.conduction, t, out, self.solver.threads)
        return out


def _least_inertia(conduction: Conduction, capacity: Array) -> float:
    """Return the least time [s] a cell stores for what it gives sideways: capacity over conductance."""
    least = np.inf
    for g_x, g_y, stored in zip(conduction.g_x, conduction.g_y, capacity, strict=True):
        sideways = np.zeros(stored.shape)
        for g, low, high in (
            (g_x, np.s_[:, :-1], np.s_[:, 1:]),
            (g_y, np.s_[:-1], np.s_[1:]),
        ):
            sideways[low] += g
            sideways[high] += g
        inside = sideways > 0.0
        least = min(least, float(np.min(stored[inside] / sideways[inside], initial=np.inf)))
    return least if np.isfinite(least) else 0.0
