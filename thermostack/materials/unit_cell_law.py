"""Conductivity of a unit cell over temperature: solved at some temperatures, interpolated between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from thermostack.materials.cell_geometry import CellGeometry
from thermostack.materials.effective_medium_base import EffectiveConductivity
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.materials.temperature_laws import Array, ArrayAxes

# The solver belongs to a later stage than materials, and is imported by name when a cell is solved
# (docs/decisions/0022-unit-cells.md).
SOLVER = "thermostack.unit_cells.cell_solution"
MAX_TEMPERATURE_RATIO = 1.5  # of a piece of the table; the error of the interpolation is then below 1e-4
RANGE_WITHOUT_LIMITS = (150.0, 1500.0)  # K, of constituents whose laws have no range


def solved_conductivity(
    geometry: CellGeometry, conductivity: Array, function: str = "solve_geometry"
) -> Array:
    """Return the effective conductivity along x, y and z (3,) for those of the constituents (n, 3) [W/(m K)].

    `function` is that of the solver.
    """
    solution: Any = getattr(import_module(SOLVER), function)(geometry, conductivity)
    return np.array([axis.value for axis in solution.axes])


@dataclass(frozen=True)
class UnitCellConductivity(EffectiveConductivity):
    """Effective conductivity of a unit cell; it is solved when it is first evaluated.

    If constituents depend on temperature, the cell is solved at the breakpoints of their laws and in between,
    and the logarithm of the conductivity is a parabola in the logarithm of the temperature on each piece.
    """

    is_expensive = True

    @property
    def is_constant(self) -> bool:  # type: ignore[override]  # read-only here
        """Return whether no constituent depends on temperature."""
        return all(part.is_constant for part in self.materials)

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K]."""
        if self.is_constant:
            x, y, z = (
                np.broadcast_to(value, np.shape(temperature)) for value in self._solved(ROOM_TEMPERATURE)
            )
            return x, y, z
        nodes, logs = self._table  # pieces of three nodes, the last of one is the first of the next
        ends = nodes[::2]
        log_t = np.clip(np.log(temperature), ends[0], ends[-1])
        piece = np.clip(np.searchsorted(ends, log_t, side="right") - 1, 0, ends.size - 2)
        s = (log_t - ends[piece]) / (ends[piece + 1] - ends[piece])
        weights = (1.0 - s) * (1.0 - 2.0 * s), 4.0 * s * (1.0 - s), s * (2.0 * s - 1.0)
        x, y, z = (
            np.exp(sum(weight * log[2 * piece + n] for n, weight in enumerate(weights))) for log in logs
        )
        return x, y, z

    @cached_property
    def _table(self) -> tuple[Array, Array]:
        """Return logarithms of temperatures [K], (n,), and of the conductivities [W/(m K)] there, (3, n)."""
        known = self.breakpoints if len(self.breakpoints) > 1 else RANGE_WITHOUT_LIMITS
        nodes = [math.log(known[0])]
        for low, high in pairwise(known):
            count = 2 * math.ceil(math.log(high / low) / math.log(MAX_TEMPERATURE_RATIO) - 1e-9)
            nodes += np.linspace(math.log(low), math.log(high), count + 1)[1:].tolist()
        return np.array(nodes), np.log(self._solved_at([math.exp(node) for node in nodes]).T)

    def _solved_at(self, temperatures: list[float]) -> Array:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K], (n, 3).

        Cells of several slices are solved on a coarse grid, and the values scaled to that of all grids at the
        temperature next to 300 K. The error of the grid is nearly the same fraction at every temperature.
        """
        if self.geometry.is_columnar:
            return np.array([self._solved(each) for each in temperatures])
        reference = min(temperatures, key=lambda each: abs(each - ROOM_TEMPERATURE))
        coarse = np.array([self._solved(each, "solve_coarsely") for each in temperatures])
        scale = self._solved(reference) / coarse[temperatures.index(reference)]
        return np.asarray(scale * coarse)

    def _solved(self, temperature: float, function: str = "solve_geometry") -> Array:
        """Return the conductivity [W/(m K)] along x, y and z at one temperature [K], (3,)."""
        rows = [part.law.evaluate(np.array(temperature)) for part in self.materials]
        return solved_conductivity(self.geometry, np.array(rows, dtype=np.float64), function)

    @property
    def geometry(self) -> CellGeometry:
        """Return the geometry of the cell."""
        cell: Any = self.medium
        geometry: CellGeometry = cell.geometry
        return geometry
