"""Heat flow through links, and the temperatures of their ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.finite_volume.link_conductance import LinkConductance
from thermostack.mesh.model import Model


@dataclass(frozen=True)
class LinkHeat:
    """The heat flow through a link, and the temperatures between which it flows.

    Parameters
    ----------
    name : str
        Name of the link.
    start, end : str
        Parts or stacks that it joins.
    conductance : float
        Conductance of all its conductors [W/K].
    start_temperature, end_temperature : float
        Mean temperatures of the faces under its ends [K].
    heat : float
        Heat flow from the start to the end [W].

    Examples
    --------
    >>> link = LinkHeat("wires", "die", "leads", 2e-3, 360.0, 340.0, 0.04)
    >>> link.conductance * (link.start_temperature - link.end_temperature) == link.heat
    True
    """

    name: str
    start: str
    end: str
    conductance: float
    start_temperature: float
    end_temperature: float
    heat: float


def measure_links(model: Model, links: LinkConductance | None, t: np.ndarray) -> tuple[LinkHeat, ...]:
    """Return the heat flow of every link of a model at temperatures t (nz, ny, nx) [K]."""
    if links is None:
        return ()
    heat = links.heat(t)
    at_face = t.reshape(-1)[links.cell] - links.half_cell * links.outflow(t)
    found = []
    for n, link in enumerate(model.link_cells):
        cells = [np.searchsorted(links.cell, end.index(t.shape)) for end in link.ends]
        start, end = (float(end.weight @ at_face[own]) for end, own in zip(link.ends, cells, strict=True))
        described = link.link.link
        parts = described.start.part, described.end.part
        conductance = float(links.own_conductance[n])
        found.append(LinkHeat(described.name, *parts, conductance, start, end, float(heat[n])))
    return tuple(found)


def link_summary(links: tuple[LinkHeat, ...]) -> dict[str, dict[str, str | float]]:
    """Return parts, conductance [W/K], temperatures of the ends [K] and heat flow [W] of links by name."""
    return {
        link.name: {
            "from": link.start,
            "to": link.end,
            "conductance": link.conductance,
            "from_temperature": link.start_temperature,
            "to_temperature": link.end_temperature,
            "heat": link.heat,
        }
        for link in links
    }
