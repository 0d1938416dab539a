"""Table of the links of a package: places, conductances, temperatures of the ends and heat flow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table
from rich.text import Text

from thermostack.finite_volume.link_heat import LinkHeat
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.model import Model
from thermostack.report.table_layout import format_celsius, format_power
from thermostack.units import format_quantity


def link_table(links: Iterable[LinkHeat]) -> Table:
    """Return one row for each link: name, heat flow, parts and temperatures of its ends."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for link in links:
        ends = [
            f"{part} at {format_celsius(t)} degC"
            for part, t in ((link.start, link.start_temperature), (link.end, link.end_temperature))
        ]
        cells = link.name, f"{format_power(link.heat)} W", f"from {ends[0]} to {ends[1]}"
        table.add_row(*(Text(text) for text in cells))
    return table


def link_facts(model: Model) -> dict[str, dict[str, Any]]:
    """Return parts, areas of the ends [m2] and conductance at 300 K [W/K] of each link by name."""
    return {
        link.link.link.name: {
            "from": link.link.start.part,
            "to": link.link.end.part,
            "areas": [end.area for end in link.ends],
            "conductance": link.link.conductance_at(ROOM_TEMPERATURE),
        }
        for link in model.link_cells
    }


def link_lines(model: Model) -> list[str]:
    """Return one line for each link: its name, the parts that it joins, and its conductance at 300 K."""
    return [
        f"link {name}: {fact['from']} to {fact['to']}, {format_quantity(fact['conductance'], 'conductance')}"
        for name, fact in link_facts(model).items()
    ]
