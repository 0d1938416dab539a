"""Conductivity of a unit cell over temperature: solved at some temperatures, interpolated between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from thermostack.materials.cell_geometry import CellGeometry
from thermostack.materials.cell_table import CellTable, cell_table
from thermostack.materials.effective_medium_base import EffectiveConductivity
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.materials.temperature_laws import Array, ArrayAxes, Axes

# The solver belongs to a later stage than materials, and is imported by name when a cell is solved
# (docs/decisions/0022-unit-cells.md).
SOLVER = "thermostack.unit_cells.cell_solution"
RANGE_WITHOUT_LIMITS = (150.0, 1500.0)  # K, of constituents whose laws have no range


def solved_conductivity(geometry: CellGeometry, conductivity: Array) -> Array:
    """Return the conductivity along x, y and z, (3,), for those of the constituents, (n, 3) [W/(m K)]."""
    return np.array([axis.value for axis in _solution(geometry, conductivity).axes])


def _solution(geometry: CellGeometry, conductivity: Array) -> Any:
    return import_module(SOLVER).solve_geometry(geometry, conductivity)


@dataclass(frozen=True)
class UnitCellConductivity(EffectiveConductivity):
    """Effective conductivity of a unit cell; it is solved when it is first evaluated.

    If constituents depend on temperature, the cell is solved at several temperatures (`cell_table`).
    """

    is_expensive = True

    @property
    def is_constant(self) -> bool:  # type: ignore[override]  # read-only here
        """Return whether no constituent depends on temperature."""
        return all(part.is_constant for part in self.materials)

    @property
    def relative_errors(self) -> Axes:  # type: ignore[override]  # read-only here
        """Return the largest estimated errors of the solutions along x, y and z relative to the values."""
        if self.is_constant:
            x, y, z = (axis.error / axis.value for axis in self._constant.axes)
            own = x, y, z
        else:
            own = self._table.errors
        of_parts = super().relative_errors
        return own[0] + of_parts[0], own[1] + of_parts[1], own[2] + of_parts[2]

    def evaluate(self, temperature: Array) -> ArrayAxes:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K]."""
        if not self.is_constant:
            return self._table.evaluate(temperature)
        x, y, z = (np.broadcast_to(axis.value, np.shape(temperature)) for axis in self._constant.axes)
        return x, y, z

    @cached_property
    def _constant(self) -> Any:
        return _solution(self.geometry, self._rows(ROOM_TEMPERATURE))

    @cached_property
    def _table(self) -> CellTable:
        known = self.breakpoints if len(self.breakpoints) > 1 else RANGE_WITHOUT_LIMITS
        geometry = self.geometry
        return cell_table(geometry, self._rows, known, lambda rows: _solution(geometry, rows))

    def _rows(self, temperature: float) -> Array:
        """Return the conductivities [W/(m K)] of the constituents along x, y and z, (n, 3)."""
        return np.array([part.law.evaluate(np.array(temperature)) for part in self.materials], dtype=float)

    @property
    def geometry(self) -> CellGeometry:
        """Return the geometry of the cell."""
        cell: Any = self.medium
        geometry: CellGeometry = cell.geometry
        return geometry
