"""Warnings of a unit cell whose constituents are used outside the temperatures at which they are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from thermostack.errors import Diagnostic
from thermostack.materials.material import Material
from thermostack.units import format_quantity


def range_warnings(constituents: Iterable[tuple[str, Material]], temperature: float) -> list[str]:
    """Return W-RANGE for each material that is not known at a temperature [K], in the order of the fields.

    `constituents` are the fields of a cell, as "via.host", with their materials. A material in several fields
    gives one warning for its conductivity and one for its heat capacity.
    """
    return list(dict.fromkeys(str(each) for each in _diagnostics(constituents, temperature)))


def _diagnostics(constituents: Iterable[tuple[str, Material]], temperature: float) -> Iterator[Diagnostic]:
    seen = set()
    for field, material in constituents:
        if material.name in seen:
            continue
        seen.add(material.name)
        known_ranges = {"conductivity": material.temperature_range, "heat capacity": material.capacity_range}
        for quantity, known in known_ranges.items():
            if known is None or known[0] <= temperature <= known[1]:
                continue
            shown, low, high = (format_quantity(value, "temperature") for value in (temperature, *known))
            text = f"{shown} is outside the range of {material.name}, known from {low} to {high}"
            yield Diagnostic(field, text, f"the {quantity} at the end of that range was used", "W-RANGE")
