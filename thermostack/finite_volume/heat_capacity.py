"""The heat that cells store: one capacity per cell, which makes a transient of a steady problem."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.finite_volume.cell_properties import CellProperties, Law
from thermostack.materials.material import ROOM_TEMPERATURE, Material
from thermostack.mesh.model import Model


class CellHeatCapacity(CellProperties):
    """The heat capacity [J/(m3 K)] of every cell: `plane(k)` is that at height k, (1, ny, nx)."""

    def __init__(self, model: Model, temperature: np.ndarray | None = None) -> None:
        """Take it at temperatures (nz, ny, nx) [K], where none are given at 300 K.

        Raises DescriptionError (E-MISSING) that names every material which has none.
        """
        _check(model)
        materials = [part.material for part in model.parts]
        super().__init__(
            model.part,
            [[material.capacity_at(ROOM_TEMPERATURE)] for material in materials],
            {
                n: (id(material), _stored(material))
                for n, material in enumerate(materials)
                if not material.has_constant_capacity
            },
        )
        self.temperature = temperature


def _stored(material: Material) -> Law:
    return lambda temperature: [material.capacity_at(temperature)]


def assemble_capacity(model: Model, temperature: np.ndarray | None = None) -> np.ndarray:
    """Return the heat capacity of every cell [J/K], (nz, ny, nx), zero outside the body.

    `temperature` [K], (nz, ny, nx), is where capacities that depend on it are taken, by default 300 K.
    Raises DescriptionError (E-MISSING) that names every material which has none.
    """
    storage, capacity = CellHeatCapacity(model, temperature), np.empty(model.grid.shape)
    _fill(model, storage, range(len(capacity)), capacity)
    return capacity


def update_capacity(
    capacity: np.ndarray, model: Model, storage: CellHeatCapacity, planes: np.ndarray | None = None
) -> None:
    """Set a model's capacities [J/K], in place, to those at other temperatures.

    Only in some planes (nz,) bool, by default in all where a capacity depends on temperature.
    """
    _fill(model, storage, np.flatnonzero(storage.varies if planes is None else planes).tolist(), capacity)


def _fill(model: Model, storage: CellHeatCapacity, planes: Iterable[int], capacity: np.ndarray) -> None:
    grid = model.grid
    area = grid.dy[:, None] * grid.dx
    for k in planes:
        np.multiply(storage.plane(k)[0], grid.dz[k] * area, out=capacity[k])


def is_constant(model: Model) -> bool:
    """Return whether no heat capacity depends on temperature."""
    return all(part.material.has_constant_capacity for part in model.parts)


def _check(model: Model) -> None:
    without: dict[str, list[str]] = {}
    for part in model.parts:
        if not part.material.has_capacity:
            without.setdefault(part.material.name, []).append(part.name)
    remedy = "give density and specific_heat, or volumetric_heat_capacity"
    diagnostics = [
        Diagnostic(
            f"materials.{name}", f"{parts[0]} is of it, and it has no heat capacity", remedy, "E-MISSING"
        )
        for name, parts in without.items()
    ]
    if diagnostics:
        raise DescriptionError(diagnostics)
