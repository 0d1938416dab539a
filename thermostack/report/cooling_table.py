"""Table of the coolers with their surface, and of the layers whose thickness follows from others."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from thermostack.mesh.cooler_coverage import CoolerCoverage
from thermostack.mesh.model import Model
from thermostack.units import format_quantity

MAX_NAMED_PARTS = 3  # of a cooler, the largest first


def cooling_table(model: Model) -> Table:
    """Return one row for each cooler: face and kind, area, parts."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for cooler in model.coolers:
        table.add_row(*(Text(text) for text in _cells(cooler)))
    return table


def cooling_lines(model: Model) -> list[str]:
    """Return one line for each cooler and each layer of thickness `fill`."""
    lines = ["{}: {} on {}".format(*_cells(cooler)) for cooler in model.coolers]
    return [*lines, *(f"{name}: fills {thickness}" for name, thickness in fill_rows(model))]


def fill_rows(model: Model) -> list[tuple[str, str]]:
    """Return the name and the thickness of each layer of thickness `fill`."""
    return [(name, format_quantity(thickness, "length")) for name, thickness in model.geometry.fills]


def _cells(cooler: CoolerCoverage) -> tuple[str, str, str]:
    """Return the name with its details, the area and the parts of a cooler."""
    names = list(cooler.parts)
    more = f" and {len(names) - MAX_NAMED_PARTS} more" if len(names) > MAX_NAMED_PARTS else ""
    name = f"{cooler.name} ({cooler.detail})" if cooler.detail else cooler.name
    return name, f"{cooler.area * 1e4:.4g} cm2", ", ".join(names[:MAX_NAMED_PARTS]) + more
