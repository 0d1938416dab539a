"""Warnings about the temperatures of a result; all commands and Python functions use the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.mesh.model import Model
from thermostack.mesh.source_names import listed
from thermostack.units import format_quantity


@dataclass(frozen=True)
class Extremes:
    """The minimum and maximum temperature of a part [K]: in a field, or during a whole run."""

    min: float
    max: float


def extremes_of_parts(parts: Iterable[PartTemperature]) -> dict[str, Extremes]:
    """Return the extremes of the parts by name, without those of blocks."""
    return {part.name: Extremes(part.min, part.max) for part in parts if not part.is_block}


def extremes_of_field(model: Model, field: np.ndarray) -> dict[str, Extremes]:
    """Return the extremes of the parts by name in a temperature field of the cells, (nz, ny, nx) [K]."""
    count = len(model.parts) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    for part, plane in zip(model.part, field, strict=True):
        np.minimum.at(low, part, plane)
        np.maximum.at(high, part, plane)
    return {
        part.name: Extremes(float(low[n]), float(high[n]))
        for n, part in enumerate(model.parts, 1)
        if low[n] <= high[n]
    }


def temperature_warnings(
    model: Model, extremes: Mapping[str, Extremes], *, uses_capacity: bool = False
) -> list[str]:
    """Return W-RANGE for each material that is used outside its temperature range.

    `uses_capacity` includes the range of the heat capacity, which steady temperatures do not depend on. A
    material of several parts gives one warning, which names the part farthest outside.
    """
    found = [*_range_warnings(model, extremes, "conductivity")]
    if uses_capacity:
        found += _range_warnings(model, extremes, "heat capacity")
    return [str(diagnostic) for diagnostic in found]


def _range_warnings(model: Model, extremes: Mapping[str, Extremes], quantity: str) -> Iterator[Diagnostic]:
    outside: dict[tuple[str, tuple[float, float]], list[tuple[float, str, float]]] = {}  # by material, range
    for part in model.parts:
        material = part.material
        known = material.temperature_range if quantity == "conductivity" else material.capacity_range
        if part.name not in extremes or known is None:
            continue
        reached = extremes[part.name]
        excess, value = max((reached.max - known[1], reached.max), (known[0] - reached.min, reached.min))
        if excess > 0.0:
            outside.setdefault((material.name, known), []).append((excess, part.name, value))
    for (material_name, known), parts in outside.items():
        _, name, value = max(parts)
        low, high, shown = (format_quantity(t, "temperature") for t in (*known, value))
        text = f"{shown} is reached, {material_name} is known from {low} to {high}"
        others = sorted(other for _, other, *_ in parts if other != name)
        more = f"; {listed(others)} {'is' if len(others) == 1 else 'are'} outside too" if others else ""
        hint = f"the {quantity} at the end of that range was used"
        yield Diagnostic(name, f"{text}{more}", hint, "W-RANGE")
