"""Warnings about a description that is possible, but improbable: thicknesses, power densities and limits.

The thresholds are those of `thermostack.schema.usual_ranges`. Warnings about properties of materials come
from `Material.warnings`, and those about the temperatures of a result from `results.result_warnings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.material import VOID
from thermostack.package.cooling import AMBIENT_FIELDS, Cooling, FixedFlux, is_cooling
from thermostack.package.disc import plan_rectangles
from thermostack.package.package import Package
from thermostack.package.power import Power
from thermostack.package.power_layout import PowerLayout, lay_out_power
from thermostack.package.stack import Layer, Stack
from thermostack.schema.usual_ranges import (
    MAX_USUAL_HEAT_FLUX,
    MAX_USUAL_THICKNESS,
    MIN_USUAL_BLOCK_WIDTH,
)
from thermostack.schema.validated_dataclass import FieldPath, diagnostic_at
from thermostack.units import format_quantity

KIND_NAMES = {
    "wiring": "wiring of a die",
    "deposited": "a deposited layer",
    "interface": "a thermal interface material",
}
UNIT_HINT = "check the units"
PLURAL = {"does": "do", "is": "are"}


def plausibility_warnings(package: Package, stacks: Iterable[Stack]) -> Iterator[Diagnostic]:
    """Yield the warnings about a package; in `stacks` the layers of thickness `fill` have their height."""
    usual: set[tuple[object, ...]] = set()  # bare totals without a warning: stacks repeat equal layers
    coldest = None if _can_cool_below_ambient(package) else _coldest_ambient(package.cooling)
    for stack in stacks:
        path: FieldPath = ("stacks", stack.name)
        yield from limit_warnings(stack.limit, coldest, path)
        for n, layer in enumerate(stack.layers):
            layer_path = (*path, "layers", n)
            yield from limit_warnings(layer.limit, coldest, layer_path)
            yield from thickness_warnings(package, layer, layer_path)
            power = layer.power
            if power is None:
                continue
            key = (power, stack.size, stack.frame, stack.diameter) if power.is_bare_total else None
            if key not in usual:
                found = list(power_warnings(power, stack, (*layer_path, "power")))
                yield from found
                if key is not None and not found:
                    usual.add(key)


def thickness_warnings(package: Package, layer: Layer, path: FieldPath) -> Iterator[Diagnostic]:
    """Yield a warning where a layer is thicker than its kind is made."""
    if layer.material == VOID:
        return
    material = package.material(layer.material)
    kind = material.kind_in(layer.name)
    maximum = MAX_USUAL_THICKNESS.get(kind or "")
    if kind is None or maximum is None or layer.thickness <= maximum:
        return
    thickness, bound = (format_quantity(each, "length") for each in (layer.thickness, maximum))
    text = f"{thickness} of {material.name} is more than the {bound} that {KIND_NAMES[kind]} may have"
    hint = "check the unit and the material; a `kind:` of the material states another kind"
    yield diagnostic_at((*path, "thickness"), text, hint, "W-RANGE")


def limit_warnings(limit: float | None, ambient: float | None, path: FieldPath) -> Iterator[Diagnostic]:
    """Yield a warning where a limit [K] is below the lowest ambient temperature [K] of the package."""
    if limit is not None and ambient is not None and limit < ambient:
        values = [format_quantity(each, "temperature") for each in (limit, ambient)]
        text = f"a limit of {values[0]} is below the lowest ambient temperature, {values[1]}"
        yield diagnostic_at((*path, "limit"), text, "check the units of both", "W-LIMIT")


def power_warnings(power: Power, stack: Stack, path: FieldPath) -> Iterator[Diagnostic]:
    """Yield warnings about the heat flux and the width of the blocks, the map and the total of a layer."""
    layout = lay_out_power(power, (0.0, 0.0, *stack.size))
    area = layout.area
    if layout.is_even:  # a total is generated in the solid part of the plan
        solid = plan_rectangles(layout.rectangle, stack.frame, is_round=stack.diameter is not None)
        area = np.array([sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in solid)])
    yield from _flux_warnings(layout, area, path)
    width = np.minimum(layout.x1 - layout.x0, layout.y1 - layout.y0)
    narrow = np.flatnonzero((width < MIN_USUAL_BLOCK_WIDTH) & layout.is_powered)
    if narrow.size:
        n = int(narrow[np.argmin(width[narrow])])
        shown, bound = (format_quantity(each, "length") for each in (float(width[n]), MIN_USUAL_BLOCK_WIDTH))
        text = f"{_source_name(layout, n)} is {shown} wide, less than {bound}{_others(narrow.size, 'is')}"
        yield diagnostic_at(_source_path(layout, n, path), text, UNIT_HINT, "W-POWER")


def _flux_warnings(layout: PowerLayout, area: np.ndarray, path: FieldPath) -> Iterator[Diagnostic]:
    """Yield a warning for the rectangle and for the pixel with the largest heat flux, if it is unusual."""
    flux = np.divide(np.abs(layout.power), area, out=np.zeros(area.size), where=area > 0.0)
    count = int(np.count_nonzero(flux > MAX_USUAL_HEAT_FLUX))
    if count:
        n = int(np.argmax(flux))
        text = f"{_source_name(layout, n)} generates {heat_flux_text(flux[n])}{_others(count)}"
        yield diagnostic_at(_source_path(layout, n, path), text, UNIT_HINT, "W-POWER")
    if layout.pixels is not None and layout.map_area > 0.0:
        pixels = np.abs(layout.pixels) * abs(layout.scale) * (layout.pixels.size / layout.map_area)
        count = int(np.count_nonzero(pixels > MAX_USUAL_HEAT_FLUX))
        if count:
            text = f"a pixel of the map generates {heat_flux_text(pixels.max())}{_others(count)}"
            yield diagnostic_at((*path, "map"), text, UNIT_HINT, "W-POWER")


def expects_trace(package: Package) -> bool:
    """Return whether a floorplan leaves the power of a block open, which a trace sets."""
    layers = (layer for stack in package.stacks for layer in stack.layers)
    return any(
        block.power is None for layer in layers if layer.power is not None for block in layer.power.blocks
    )


def heat_flux_text(flux: float) -> str:
    """Return a heat flux [W/m2] and the threshold that it exceeds."""
    shown, bound = (format_quantity(each, "heat_flux") for each in (float(flux), MAX_USUAL_HEAT_FLUX))
    return f"{shown}, more than {bound}"


def _others(count: int, verb: str = "does") -> str:
    """Return a note on all but one of several."""
    if count <= 2:
        return "" if count == 1 else f"; 1 other {verb} too"
    return f"; {count - 1} others {PLURAL[verb]} too"


def _source_name(layout: PowerLayout, n: int) -> str:
    return f"block {layout.names[n]!r}" if layout.names[n] else "the layer"


def _source_path(layout: PowerLayout, n: int, path: FieldPath) -> FieldPath:
    return (*path, "blocks", layout.names[n]) if layout.names[n] else path


def _coldest_ambient(cooling: Cooling) -> float | None:
    """Return the lowest temperature [K] of an ambient, a coolant or a surface, None without any."""
    found = []
    for _, entry in cooling:
        for key in AMBIENT_FIELDS:
            value = getattr(entry.cooler, key, None)
            if is_cooling(entry.cooler) and value is not None:
                found.append(float(value))
    return min(found, default=None)


def _can_cool_below_ambient(package: Package) -> bool:
    """Return whether a heat sink in the body or at its surface may cool a part below every ambient."""
    for _, entry in package.cooling:
        cooler = entry.cooler
        if isinstance(cooler, FixedFlux) and min(cooler.flux or 0.0, cooler.heat or 0.0) < 0.0:
            return True
    layers = (layer for stack in package.stacks for layer in stack.layers)
    return any(layer.power is not None and layer.power.allow_negative for layer in layers)
