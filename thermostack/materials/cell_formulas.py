"""Formulas beside unit cells: the effective medium with a closed form that describes the same structure."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeAlias

from thermostack.errors import DescriptionError
from thermostack.materials.effective_media import BumpArray, LineLayer, ViaArray
from thermostack.materials.unit_cell import UnitCell

Formula: TypeAlias = ViaArray | BumpArray | LineLayer


def formula_of(cell: UnitCell) -> Formula | None:
    """Return the medium whose formula describes the cell without its pads, None where there is none."""
    with suppress(DescriptionError):  # the formula is not valid for these numbers
        for own in (cell.via, cell.bump, cell.hybrid_bond):
            if own is not None:
                return _of_ready_made(own)
        if len(cell.layers) == 1:
            return _of_layer(cell)
    return None


def _of_ready_made(cell: Any) -> Formula | None:
    if hasattr(cell, "core"):
        return ViaArray(
            cell.core,
            cell.host,
            cell.diameter,
            cell.pitch,
            liner=cell.liner,
            liner_thickness=cell.liner_thickness,
            arrangement=cell.arrangement,
        )
    if hasattr(cell, "bump"):
        if cell.pillar is not None:
            return None
        return BumpArray(cell.bump, cell.fill, cell.diameter, cell.pitch, arrangement=cell.arrangement)
    if cell.pad_shape != "round" or cell.upper_diameter not in (None, cell.diameter):
        return None
    return BumpArray(cell.pad, cell.dielectric, cell.diameter, cell.pitch, arrangement=cell.arrangement)


def _of_layer(cell: UnitCell) -> Formula | None:
    """Return the formula of a layer with one disc in a square, or with one line over the whole period."""
    (layer,), pitch = cell.layers, cell.pitch
    if pitch is None or len(layer.inclusions) != 1:
        return None
    (inclusion,) = layer.inclusions
    if inclusion.diameter is not None:
        is_square = pitch[0] == pitch[1]
        disc = BumpArray(inclusion.material, layer.material, inclusion.diameter, pitch[0])
        return disc if is_square else None
    assert inclusion.size is not None
    is_full = [size == period for size, period in zip(inclusion.size, pitch, strict=True)]
    if is_full.count(True) != 1:
        return None
    across = is_full.index(False)
    direction: Any = "y" if across == 0 else "x"
    return LineLayer(
        inclusion.material, layer.material, inclusion.size[across], pitch[across], direction=direction
    )
