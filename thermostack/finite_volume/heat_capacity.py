"""The heat capacity of every cell, the term of the transient heat equation beside the conductances."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.finite_volume.cell_properties import CellProperties, Law
from thermostack.materials.material import ROOM_TEMPERATURE, Material
from thermostack.mesh.model import Model


class CellHeatCapacity(CellProperties):
    """The volumetric heat capacity [J/(m3 K)] of every cell; `plane(k)` is (1, ny, nx)."""

    def __init__(self, model: Model, temperature: np.ndarray | None = None) -> None:
        """Store the heat capacities at temperatures (nz, ny, nx) [K], by default at 300 K.

        Raises DescriptionError (E-MISSING) with every material that has no heat capacity.
        """
        _require_capacities(model)
        materials = [part.material for part in model.parts]
        super().__init__(
            model.part,
            [[material.capacity_at(ROOM_TEMPERATURE)] for material in materials],
            {
                n: (id(material), _capacity_law(material))
                for n, material in enumerate(materials)
                if not material.has_constant_capacity
            },
        )
        self.temperature = temperature


def _capacity_law(material: Material) -> Law:
    return lambda temperature: [material.capacity_at(temperature)]


def assemble_capacity(model: Model, temperature: np.ndarray | None = None) -> np.ndarray:
    """Return the heat capacity of every cell [J/K], (nz, ny, nx), zero outside the body.

    Capacities that depend on temperature are evaluated at `temperature` (nz, ny, nx) [K], by default 300 K.
    Raises DescriptionError (E-MISSING) with every material that has no heat capacity.
    """
    storage, capacity = CellHeatCapacity(model, temperature), np.empty(model.grid.shape)
    _set_capacity(model, storage, range(len(capacity)), capacity)
    return capacity


def update_capacity(
    capacity: np.ndarray, model: Model, storage: CellHeatCapacity, planes: np.ndarray | None = None
) -> None:
    """Set the heat capacities of a model [J/K], in place, to those at other temperatures.

    Only the given planes (nz,) bool are set, by default all in which a capacity depends on temperature.
    """
    _set_capacity(
        model, storage, np.flatnonzero(storage.varies if planes is None else planes).tolist(), capacity
    )


def _set_capacity(
    model: Model, storage: CellHeatCapacity, planes: Iterable[int], capacity: np.ndarray
) -> None:
    grid = model.grid
    area = grid.dy[:, None] * grid.dx
    for k in planes:
        np.multiply(storage.plane(k)[0], grid.dz[k] * area, out=capacity[k])


def has_constant_capacity(model: Model) -> bool:
    """Return whether no heat capacity depends on temperature."""
    return all(part.material.has_constant_capacity for part in model.parts)


def _require_capacities(model: Model) -> None:
    without: dict[str, list[str]] = {}
    for part in model.parts:
        if not part.material.has_capacity:
            without.setdefault(part.material.name, []).append(part.name)
    hint = "give density and specific_heat, or volumetric_heat_capacity"
    diagnostics = [
        Diagnostic(f"materials.{name}", f"the material of {parts[0]} has no heat capacity", hint, "E-MISSING")
        for name, parts in without.items()
    ]
    if diagnostics:
        raise DescriptionError(diagnostics)
