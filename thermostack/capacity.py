"""The heat that cells store: one capacity per cell, which makes a transient of a steady problem."""

from __future__ import annotations

import numpy as np

from thermostack.errors import DescriptionError, Fault
from thermostack.materials import ROOM_TEMPERATURE
from thermostack.model import Model


def assemble_capacity(model: Model, temperature: np.ndarray | None = None) -> np.ndarray:
    """Return the heat capacity of every cell [J/K], (nz, ny, nx), zero outside the body.

    `temperature` [K], (nz, ny, nx), is where capacities that depend on it are taken, by default 300 K.
    Raises DescriptionError (E-MISSING) that names every material which has none.
    """
    _check(model)
    grid = model.grid
    constant = [part.material.capacity_at(ROOM_TEMPERATURE) for part in model.parts]
    table = np.array([0.0, *constant])  # J/(m3 K) by 1 + part
    varying = [] if temperature is None else list(_varying(model))
    area = grid.dy[:, None] * grid.dx
    capacity = np.empty(grid.shape)
    for k, (part, plane) in enumerate(zip(model.part, capacity, strict=True)):
        np.multiply(table[part], grid.dz[k] * area, out=plane)
        for n in varying:
            where = part == n
            if temperature is not None and where.any():
                per_volume = model.parts[n - 1].material.capacity_at(temperature[k][where])
                plane[where] = per_volume * (grid.dz[k] * area)[where]
    return capacity


def is_constant(model: Model) -> bool:
    """Return whether no heat capacity depends on temperature."""
    return not list(_varying(model))


def _varying(model: Model) -> list[int]:
    """Return the numbers, from 1, of the parts whose heat capacity depends on temperature."""
    return [n for n, part in enumerate(model.parts, 1) if not part.material.has_constant_capacity]


def _check(model: Model) -> None:
    without: dict[str, list[str]] = {}
    for part in model.parts:
        if not part.material.has_capacity:
            without.setdefault(part.material.name, []).append(part.name)
    remedy = "give density and specific_heat, or volumetric_heat_capacity"
    faults = [
        Fault(f"materials.{name}", f"{parts[0]} is of it, and it has no heat capacity", remedy, "E-MISSING")
        for name, parts in without.items()
    ]
    if faults:
        raise DescriptionError(faults)
