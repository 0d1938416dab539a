"""Warnings about unit cells that were not solved with a small error, for every result that uses them."""

from __future__ import annotations

from collections.abc import Iterator

from thermostack.errors import Diagnostic
from thermostack.materials.effective_medium_base import law_errors
from thermostack.mesh.model import Model
from thermostack.mesh.source_names import listed
from thermostack.package.geometry import Part
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_share

WARNED_CELL_ERROR = 0.01  # of a conductivity of a unit cell


def cell_warnings(model: Model) -> Iterator[Diagnostic]:
    """Yield W-CELL for each material whose unit cell has a large estimated error; the cells are solved."""
    found: dict[str, tuple[tuple[float, str], list[Part]]] = {}  # by material: error and axis, and its parts
    for part in model.parts:
        if part.material.name in found:
            found[part.material.name][1].append(part)
            continue
        worst = max(zip(law_errors(part.material.law), "xyz", strict=True), key=lambda each: each[0])
        if worst[0] > WARNED_CELL_ERROR:
            found[part.material.name] = worst, [part]
    for name, ((error, axis), parts) in found.items():
        text = f"the unit cell of {name} has an estimated error of {format_share(error)} along {axis}"
        if len(parts) > 1:
            text += f"; {listed(sorted(part.name for part in parts[1:]))} use{'s' * (len(parts) == 2)} it too"
        hint = (
            "leave out narrow gaps and touching corners, or give a conductivity; see `thermostack unit-cell`"
        )
        path = parts[0].path
        path = path if path[-1:] in (("filler",), ("gap_fill",)) else (*path, "material")
        yield model.package.locate(diagnostic_at(path, text, hint, "W-CELL"))
