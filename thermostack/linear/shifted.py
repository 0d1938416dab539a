"""Operators `G + s C` for any shift s, prepared once; a change of the shift costs little more than a solve.

An implicit time step of length h solves with s = 1 / (gamma h), a thermal impedance with shifts over many
decades.
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

MIN_RECURRENCE_REDUCTION = 2e-5  # smallest reduction for which the recurrence of the residual is accurate
INITIAL_SHIFT = 1e-6  # 1/s: so small that columns are paired as in the steady problem


class ShiftedOperator:
    """`(G + s C) T = P`, solved for one shift after the other.

    Parameters
    ----------
    conduction
        The operator G [W/K].
    capacity
        Heat capacity C of each cell [J/K], (nz, ny, nx), zero exactly in inactive cells.
    widths
        Cell widths (dx, dy) [m].
    method
        "multigrid" or "direct".
    threads
        Number of threads; None: chosen by `prepare`.
    """

    def __init__(
        self,
        conduction: Conduction,
        capacity: Array,
        *,
        widths: Widths | None = None,
        method: str = "multigrid",
        threads: int | None = None,
    ) -> None:
        self.shift = INITIAL_SHIFT  # 1/s
        boundary = conduction.boundary
        self._cells = np.union1d(np.flatnonzero(capacity), boundary.cell)  # active cells
        # Cells of the boundary of G, and their positions among the active cells.
        self._boundary_cells, self._position = np.zeros(0, np.intp), np.zeros(0, np.intp)
        self._boundary = BoundaryConductance(boundary.shape, self._cells, np.zeros(self._cells.size))
        self._diagonal = np.zeros(self._cells.size)
        self._min_time_constant = _min_lateral_time_constant(conduction, capacity)
        self._set_operator(conduction, capacity)
        self.solver = prepare(self.operator, method, widths=widths, threads=threads, is_fixed=False)

    def _set_operator(self, conduction: Conduction, capacity: Array) -> None:
        self.conduction, self.capacity = conduction, capacity
        if conduction.boundary.cell is not self._boundary_cells:
            self._boundary_cells = conduction.boundary.cell
            self._position = np.searchsorted(self._cells, self._boundary_cells)
        self.total_capacity = float(capacity.sum())  # J/K
        self._total_conductance = float(conduction.boundary.conductance.sum())
        if conduction.power_slope is not None:
            self._total_conductance -= float(conduction.power_slope.slope.sum())

    @property
    def operator(self) -> Conduction:
        """Return `G + s C` of the present shift; the next call overwrites its boundary conductances."""
        np.take(self.capacity.reshape(-1), self._cells, out=self._diagonal, mode="clip")
        self._diagonal *= self.shift
        self._diagonal[self._position] += self.conduction.boundary.conductance
        return replace(self.conduction, boundary=self._boundary.with_conductance(self._diagonal))

    @property
    def memory(self) -> int:
        """Return the bytes held, without the given conductances and capacities."""
        return self.solver.memory + self._cells.nbytes + self._position.nbytes + self._diagonal.nbytes

    def update_operator(
        self,
        conduction: Conduction,
        capacity: Array,
        shift: float | None = None,
        *,
        only_boundary: bool = False,
    ) -> None:
        """Set conductances and capacities of the same cells, and the shift [1/s] if given.

        `only_boundary`: the conductances between cells are those of before.
        """
        self.shift = self.shift if shift is None else shift
        self._set_operator(conduction, capacity)
        self.solver.update(
            self.operator,
            only_boundary=only_boundary,
            min_boundary_ratio=self.shift * self._min_time_constant,
        )

    def update_shift(self, shift: float) -> ShiftedOperator:
        """Set the shift [1/s] and recompute the pivots, in place; return self.

        A shift of zero is the steady problem, which needs boundary conductances. Raises ValueError where the
        shift is negative.
        """
        if not shift >= 0.0:
            raise ValueError(f"a shift of {shift:g} 1/s is below zero")
        if shift != self.shift:
            self.shift = shift
            self.solver.update(
                self.operator,
                only_boundary=True,
                min_boundary_ratio=self.shift * self._min_time_constant,
            )
        return self

    def solve(
        self,
        rhs: Array,
        guess: Array | None = None,
        tolerance: float = 1e-8,
        *,
        relative_to_guess: bool = False,
    ) -> tuple[Array, SolverReport]:
        """Return the temperature rise [K], (nz, ny, nx), and the report; a guess is overwritten.

        As `Solver.solve`; `relative_to_guess`: the tolerance is relative to the residual of the guess.
        """
        return self.solver.solve(
            rhs, guess, tolerance, overwrites_guess=True, relative_to_guess=relative_to_guess
        )

    def reduce_residual(self, rhs: Array, t: Array, reduction: float) -> tuple[int, float]:
        """Return iterations and factor by which the residual of a guess t [K] was reduced, in place.

        The heat of the result balances exactly. Where the fast iteration fails, `solve` with its fallbacks is
        used. Raises ConvergenceError where that fails too.
        """
        if reduction >= MIN_RECURRENCE_REDUCTION and self.total_boundary > 0.0:
            done = self.solver.reduce_residual(rhs, t, reduction, self.total_boundary)
            if done is not None:
                return done
        _, report = self.solve(rhs, t, reduction, relative_to_guess=True)
        self.balance(rhs, t)
        return report.iterations, reduction

    @property
    def total_boundary(self) -> float:
        """Return the sum of all terms of `G + s C` [W/K]: boundary conductances, storage, slope of powers."""
        return self.shift * self.total_capacity + self._total_conductance

    def balance(self, rhs: Array, t: Array) -> None:
        """Add to t [K], in place, the constant for which the heat that leaves equals the sum of rhs [W].

        Of all fields that differ from t by a constant it is the nearest to the solution, in the norm of the
        operator.
        """
        boundary, values = self.conduction.boundary, t.reshape(-1)
        if self.total_boundary > 0.0:
            outflow = self.shift * dot(self.capacity, t) + float(
                (boundary.conductance * values[boundary.cell]).sum()
            )
            if (of_power := self.conduction.power_slope) is not None:
                outflow += float(of_power.apply(values[of_power.cell]).sum())
            t += (float(rhs.sum()) - outflow) / self.total_boundary

    def apply_conduction(self, t: Array) -> Array:
        """Return `G t` [W], the heat that leaves each cell at a temperature rise t [K]."""
        out = np.empty(t.shape)
        apply_operator(self.conduction, t, out, self.solver.threads)
        return out


def _min_lateral_time_constant(conduction: Conduction, capacity: Array) -> float:
    """Return the minimum over the cells of capacity over lateral conductance [s]."""
    minimum = np.inf
    for g_x, g_y, stored in zip(conduction.g_x, conduction.g_y, capacity, strict=True):
        lateral = np.zeros(stored.shape)
        for g, low, high in (
            (g_x, np.s_[:, :-1], np.s_[:, 1:]),
            (g_y, np.s_[:-1], np.s_[1:]),
        ):
            lateral[low] += g
            lateral[high] += g
        has_neighbour = lateral > 0.0
        ratio = stored[has_neighbour] / lateral[has_neighbour]
        minimum = min(minimum, float(np.min(ratio, initial=np.inf)))
    return minimum if np.isfinite(minimum) else 0.0
