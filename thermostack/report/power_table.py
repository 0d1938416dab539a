"""Table of the powers of a model: power without leakage, and leakage at the reference temperature."""

from __future__ import annotations

from rich.table import Table

from thermostack.mesh.model import Model
from thermostack.report.table_layout import add_name_column, add_number_column, format_power, header_table


def power_table(model: Model) -> Table:
    """Return the power without leakage and the leakage power [W] of the parts and blocks that have one.

    Blocks follow their part, whose powers include theirs. The last row is the sum over all parts.
    """
    table = header_table()
    add_name_column(table, "part")
    add_number_column(table, "power", "W")
    add_number_column(table, "reference leakage", "W")
    leakage = model.leakage_of_zones()
    of_zones = [0.0] * (len(model.parts) + len(model.blocks)) if leakage is None else leakage.tolist()
    rows = list(
        zip((part.name for part in model.parts), model.power_of_parts.tolist(), of_zones, strict=False)
    )
    blocks = zip(model.blocks, of_zones[len(model.parts) :], strict=True)
    of_part: dict[int, list[tuple[str, float, float]]] = {}
    for block, power in blocks:
        of_part.setdefault(block.part, []).append((f"  {block.name}", block.power, power))
    for n, row in enumerate(rows):
        for name, dynamic, own in (row, *of_part.get(n, ())):
            if dynamic or own:
                table.add_row(name, format_power(dynamic), format_power(own))
    reference = 0.0 if model.leakage is None else model.leakage.reference
    table.add_row("all", format_power(model.total_power), format_power(reference), style="bold")
    return table
