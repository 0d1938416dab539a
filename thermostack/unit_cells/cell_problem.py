"""Heat through a unit cell along one axis, on one grid, by the project's linear solver.

Along z the bottom and the top are isothermal. In the plane the structure repeats: between two mirror planes
these are isothermal along the axis and adiabatic across it; without them the last cells are joined to the
first ones, with a temperature that differs by the drop over a period. These couplings are links, which the
column multigrid does not contain; the preconditioner is then algebraic multigrid of the whole matrix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from thermostack.errors import ConvergenceError
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.finite_volume.link_conductance import LinkConductance, join_points
from thermostack.linear.amg import AmgPreconditioner
from thermostack.linear.pcg import solve_pcg
from thermostack.linear.solver import prepare
from thermostack.unit_cells.cell_conductance import CellConductances
from thermostack.unit_cells.cell_grid import CellGrid

Array = np.ndarray

RESIDUAL_TOLERANCE = 1e-6  # the error of the conductance is of the order of its square
MAX_ITERATIONS = 300  # of cells without mirror planes; 15 are usual


@dataclass(frozen=True, eq=False)
class CellProblem:
    """The conductances of a cell on a grid, and the axes x and y whose ends are mirror planes."""

    grid: CellGrid
    conductances: CellConductances
    has_mirrors: tuple[bool, bool]
    _preconditioners: dict[int, AmgPreconditioner] = field(default_factory=dict, repr=False)
    _temperatures: dict[int, Array] = field(default_factory=dict, repr=False)

    def conductivity(self, axis: int) -> float:
        """Return the effective conductivity along x (0), y (1) or z (2) [W/(m K)]."""
        is_periodic = axis < 2 and not self.has_mirrors[axis]
        conductance = self._periodic(axis) if is_periodic else self._between_ends(axis)
        sides = [float(edges[-1] - edges[0]) for edges in (self.grid.x, self.grid.y, self.grid.z)]
        length = sides.pop(axis)
        return conductance * length / (sides[0] * sides[1])

    def _between_ends(self, axis: int) -> float:
        """Return the conductance [W/K] between isothermal ends."""
        low, high = self.conductances.low[axis], self.conductances.high[axis]
        ends = np.zeros(self._shape)
        first, last = _end(axis, 0), _end(axis, -1)
        ends[first] += low
        ends[last] += high
        rhs = np.zeros(self._shape)
        rhs[first] = low  # one kelvin at the low end, zero at the high end
        t = self._solve(ends, rhs)
        at_ends = float(np.sum(low * (1.0 - t[first]) ** 2) + np.sum(high * t[last] ** 2))
        return at_ends + self._dissipation(t, axis, 0.0)

    def _periodic(self, axis: int) -> float:
        """Return the conductance [W/K] of a period in an endless row."""
        around = self.conductances.around[axis]
        rhs = np.zeros(self._shape)
        rhs[_end(axis, 0)] += around  # the period that follows is colder by one kelvin
        rhs[_end(axis, -1)] -= around
        # One cell is held at zero, which adds no heat because the sum of the right-hand side is zero.
        held = np.zeros(self._shape)
        held[0, 0, 0] = sum(float(each.mean()) for each in self.conductances.around)
        t = self._temperatures[axis] = self._solve(held, rhs)
        return self._dissipation(t, axis, 1.0)

    def cross_conductivity(self) -> float:
        """Return the component xy [W/(m K)]: the mean heat flux along y over the mean gradient along x.

        It is zero where a mirror plane is normal to x or y. The cell is solved along x first.
        """
        if any(self.has_mirrors):
            return 0.0
        t, centre = self._temperatures[0], 0.5 * (self.grid.y[1:] + self.grid.y[:-1])
        flow = (self.conductances.inner[1] * -np.diff(t, axis=1)).sum(axis=(0, 2))
        around = self.conductances.around[1] * (t[:, -1] - t[:, 0])
        pitch = float(self.grid.y[-1] - self.grid.y[0])
        moment = float(flow @ np.diff(centre)) + float(around.sum()) * (pitch - centre[-1] + centre[0])
        return float(moment / (pitch * float(self.grid.z[-1] - self.grid.z[0])))

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.grid.z.size - 1, self.grid.y.size - 1, self.grid.x.size - 1

    def _solve(self, ends: Array, rhs: Array) -> Array:
        """Return the temperatures [K] for conductances to isothermal ends and heat at cells."""
        x, y, z = (np.ascontiguousarray(each) for each in self.conductances.inner)
        conduction = Conduction(x, y, z, BoundaryConductance.from_dense(ends), links=self._links)
        if conduction.links is None:
            widths = np.diff(self.grid.x), np.diff(self.grid.y)
            return prepare(conduction, widths=widths, threads=1).solve(rhs, tolerance=RESIDUAL_TOLERANCE)[0]
        t = np.zeros((1, *self._shape))
        (state,) = solve_pcg(
            self._preconditioner(conduction),
            rhs[np.newaxis],
            t,
            is_zero=True,
            tolerance=RESIDUAL_TOLERANCE,
            max_predicted=math.inf,
            max_iterations=MAX_ITERATIONS,
        )
        if not state.is_converged:
            text = f"a unit cell without mirror planes was not solved: {state.reason}"
            raise ConvergenceError(text, state.history)
        return np.asarray(t[0])

    def _preconditioner(self, conduction: Conduction) -> AmgPreconditioner:
        """Return the preconditioner, the same for x and y if both have no mirror planes."""
        key = conduction.boundary.cell.size
        if key not in self._preconditioners:
            self._preconditioners.clear()
            self._preconditioners[key] = AmgPreconditioner(conduction)
        return self._preconditioners[key]

    @cached_property
    def _links(self) -> LinkConductance | None:
        """Return the links from the last to the first cells along the axes without mirror planes."""
        index = np.arange(int(np.prod(self._shape))).reshape(self._shape)
        ends, conductances, one = [], [], np.ones(1)
        for axis in (0, 1):
            if self.has_mirrors[axis] or self._shape[2 - axis] == 1:
                continue
            pairs = zip(index[_end(axis, -1)].ravel(), index[_end(axis, 0)].ravel(), strict=True)
            ends += [((np.array([last]), one), (np.array([first]), one)) for last, first in pairs]
            conductances.append(self.conductances.around[axis].ravel())
        return join_points(ends, np.concatenate(conductances)) if ends else None

    def _dissipation(self, t: Array, axis: int, drop: float) -> float:
        """Return the sum of conductance times squared temperature difference [W K], per kelvin squared [W/K].

        Of all admissible temperatures the solution has the smallest sum: an error of t enters squared.
        """
        x, y, z = self.conductances.inner
        total = sum(float(np.sum(g * np.diff(t, axis=2 - n) ** 2)) for n, g in enumerate((x, y, z)))
        for n in (0, 1):
            if not self.has_mirrors[n]:
                step = t[_end(n, -1)] - t[_end(n, 0)] + (drop if n == axis else 0.0)
                total += float(np.sum(self.conductances.around[n] * step**2))
        return total


def _end(axis: int, position: int) -> tuple[slice | int, ...]:
    """Return the index of the first (0) or last (-1) cells along x (0), y (1) or z (2)."""
    return tuple(position if 2 - axis == n else slice(None) for n in range(3))
