"""Tables of materials: a line for each of several, or the properties of one over temperature."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from thermostack.materials.material import ROOM_TEMPERATURE, Material
from thermostack.report.table_layout import add_number_column, header_table
from thermostack.units import ZERO_CELSIUS, format_quantity

SAMPLE_TEMPERATURES = (-50.0, 25.0, 75.0, 100.0, 150.0, 200.0)  # degC
OTHER_COLUMNS_WIDTH = 66  # characters of the columns left of the source
MIN_SOURCE_WIDTH = 20  # characters


def materials_table(materials: Sequence[Material], width: int) -> RenderableType:
    """Return a line for each material: conductivity along x and z, heat capacity at 300 K, source."""
    table = header_table()
    table.add_column("material", no_wrap=True)
    add_number_column(table, "in-plane", "W/m/K")
    add_number_column(table, "through", "W/m/K")
    table.add_column("", no_wrap=True)
    add_number_column(table, "capacity", "MJ/m3/K")
    source_width = max(MIN_SOURCE_WIDTH, width - OTHER_COLUMNS_WIDTH)
    table.add_column("source", no_wrap=True, overflow="ellipsis", max_width=source_width)
    for material in materials:
        x, _, z = material.conductivity_at(ROOM_TEMPERATURE)
        capacity = f"{1e-6 * material.capacity_at(ROOM_TEMPERATURE):.3g}" if material.has_capacity else ""
        mark = "" if material.is_constant else "T"
        table.add_row(material.name, f"{x:.4g}", f"{z:.4g}", mark, capacity, Text(material.source))
    if all(material.is_constant for material in materials):
        return table
    return Group(table, Text("T: depends on temperature; the values are those at 300 K", style="dim"))


def material_table(material: Material) -> RenderableType:
    """Return conductivity and heat capacity of one material at several temperatures, and its source."""
    low, high = material.temperature_range or (ROOM_TEMPERATURE, ROOM_TEMPERATURE)
    samples = [t + ZERO_CELSIUS for t in SAMPLE_TEMPERATURES]
    temperatures = [t for t in samples if low <= t <= high] or [ROOM_TEMPERATURE]
    table = header_table()
    for title in ("temperature", "along x", "along y", "along z", "capacity"):
        add_number_column(table, title)
    for t in temperatures:
        axes = [format_quantity(value, "conductivity") for value in material.conductivity_at(t)]
        capacity = ""
        if material.has_capacity:
            capacity = format_quantity(material.capacity_at(t), "volumetric_heat_capacity")
        label = "any" if material.is_constant else format_quantity(t, "temperature")
        table.add_row(label, *axes, capacity)
    if material.temperature_range is None:
        validity = "taken as constant"
    else:
        limits = [format_quantity(t, "temperature") for t in (low, high)]
        validity = f"known from {limits[0]} to {limits[1]}"
    if material.melting_point is not None:
        validity += f"\nmelts at {format_quantity(material.melting_point, 'temperature')}"
    source = Padding(Text(f"{validity}\nsource: {material.source or 'none given'}"), (1, 0, 0, 0))
    return Group(Text(material.name, style="bold"), table, source)


def material_summary(material: Material) -> dict[str, object]:
    """Return a material as a dictionary in SI units, at 300 K where it depends on temperature."""
    capacity = material.capacity_at(ROOM_TEMPERATURE) if material.has_capacity else None
    return {
        "conductivity": list(material.conductivity_at(ROOM_TEMPERATURE)),
        "volumetric_heat_capacity": capacity,
        "constant": material.is_constant,
        "temperature_range": list(material.temperature_range) if material.temperature_range else None,
        "melting_point": material.melting_point,
        "kind": material.kind_in(),
        "source": material.source,
    }
