"""Probes of a run: positions whose temperature is recorded, and the check that they are inside the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thermostack.mesh.model import Model
from thermostack.schema.arguments import argument_error, require_mapping
from thermostack.schema.fields import point_in_metres
from thermostack.units import format_quantity

Position = tuple[float, float, float]  # x, y, z in m

POSITION_TOLERANCE = 1e-9  # m; a probe this close to a face of the body is inside


def positions_in_metres(
    probes: Mapping[str, Sequence[float | str]] | None, argument: str = "probes"
) -> dict[str, Position]:
    """Return the positions [m] of probes by name.

    Raises ArgumentError where they are no mapping, or where a position has no three coordinates.
    """
    if probes is None:
        return {}
    require_mapping(probes, argument, 'write {"sensor": ("12 mm", "8 mm", "1.2 mm")}')
    return {name: point_in_metres(point, f"{argument}.{name}") for name, point in probes.items()}


def require_inside(probes: Mapping[str, Position], model: Model, argument: str = "probes") -> None:
    """Raise ArgumentError (E-OUTSIDE) where a probe is outside the body."""
    grid = model.grid
    for name, (x, y, z) in probes.items():
        cells: list[Any] = []
        for planes, value in ((grid.z, z), (grid.y, y), (grid.x, x)):
            near = np.searchsorted(planes, [value - POSITION_TOLERANCE, value + POSITION_TOLERANCE]) - 1
            cells.append(sorted({int(n) for n in near if 0 <= n < planes.size - 1}))
        if not (all(cells) and (model.part[np.ix_(*cells)] > 0).any()):
            position = ", ".join(format_quantity(value, "length") for value in (x, y, z))
            ends = (format_quantity(float(planes[-1]), "length") for planes in (grid.x, grid.y, grid.z))
            hint = f"the package extends from 0 to {' x '.join(ends)}"
            raise argument_error(argument, f"{name} at {position} is outside the body", hint, "E-OUTSIDE")
