"""Warnings about the temperatures of a result; all commands and Python functions use the same ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.materials.material import Material
from thermostack.mesh.model import Model
from thermostack.mesh.source_names import listed
from thermostack.package.geometry import Part
from thermostack.package.plausibility import heat_flux_text
from thermostack.results.cell_warnings import cell_warnings
from thermostack.schema.usual_ranges import MAX_USUAL_HEAT_FLUX, MAX_USUAL_TEMPERATURE, MIN_TEMPERATURE_SPREAD
from thermostack.schema.validated_dataclass import FieldPath, diagnostic_at
from thermostack.units import ZERO_CELSIUS, format_quantity, format_share

TIE_DIGITS = 3  # of temperatures [K]: of equal copies, the first is named
WARNED_ERROR = 0.05  # of the rise of a part or block: a larger error that the grid causes is a warning
MIN_WARNED_ERROR = 0.01  # K: smaller errors are none
ADVISED_ERROR = 0.02  # of the rise, as the tolerance that such a warning names
POWER_ROUNDING = 1.0 + 1e-9  # a power of a trace above the described one by this factor is larger


@dataclass(frozen=True)
class Extremes:
    """The minimum and maximum temperature of a part [K]: in a field, or during a whole run."""

    min: float
    max: float
    error: float | None = None  # K, estimated, of the maximum
    time: float | None = None  # s, of the maximum of a run
    doubt: float = 0.0  # K: a bound counts as exceeded if the excess is more than that

    def exceeds(self, bound: float) -> bool:
        """Return whether the maximum exceeds a bound [K] beyond doubt."""
        return self.max - self.doubt > bound


def extremes_of_parts(parts: Iterable[PartTemperature]) -> dict[str, Extremes]:
    """Return the extremes of the parts by name, without those of blocks."""
    return {part.name: Extremes(part.min, part.max, part.error) for part in parts if not part.is_block}


def extremes_beyond_doubt(parts: Iterable[PartTemperature]) -> dict[str, Extremes]:
    """Return the extremes of the parts by name, whose estimated error is their doubt, for a coarse grid."""
    found = extremes_of_parts(parts)
    return {name: dataclasses.replace(each, doubt=each.error or 0.0) for name, each in found.items()}


def widened_extremes(parts: Iterable[PartTemperature], errors: float) -> dict[str, Extremes]:
    """Return the extremes of the parts by name, each larger by a number of estimated errors."""
    found = extremes_of_parts(parts)
    return {
        name: dataclasses.replace(
            each, min=each.min - errors * (each.error or 0.0), max=each.max + errors * (each.error or 0.0)
        )
        for name, each in found.items()
    }


def extremes_of_field(model: Model, field: np.ndarray) -> dict[str, Extremes]:
    """Return the extremes of the parts by name in a temperature field of the cells, (nz, ny, nx) [K]."""
    count = len(model.parts) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    for part, plane in zip(model.part, field, strict=True):
        np.minimum.at(low, part, plane)
        np.maximum.at(high, part, plane)
    return {
        part.name: Extremes(float(low[n]), float(high[n]))
        for n, part in enumerate(model.parts, 1)
        if low[n] <= high[n]
    }


def result_warnings(
    model: Model, extremes: Mapping[str, Extremes], *, is_powered: bool, uses_capacity: bool = False
) -> list[str]:
    """Return the warnings about the temperatures of a field or of a run.

    These are those of `temperature_warnings`, W-LIMIT for parts above their limit, and W-POWER where nothing
    heats the body: `is_powered` tells whether any part had power.
    """
    found = [*temperature_warnings(model, extremes, uses_capacity=uses_capacity)]
    found += limit_warnings(model, extremes)
    if not is_powered and not model.boundary.flux.any() and extremes:
        coldest = min(each.min for each in extremes.values())
        hottest = max(each.max for each in extremes.values())
        if hottest - coldest < MIN_TEMPERATURE_SPREAD:
            text = f"no part has power, and all temperatures are {format_quantity(coldest, 'temperature')}"
            hint = "write `power:` at a layer; in a transient a trace may set it"
            located = model.package.locate(diagnostic_at(("stacks",), text, hint, "W-POWER"))
            found.append(str(located))
    return found


def temperature_warnings(
    model: Model, extremes: Mapping[str, Extremes], *, uses_capacity: bool = False
) -> list[str]:
    """Return W-RANGE and W-TEMPERATURE for materials that are too cold or too hot, and those of unit cells.

    W-RANGE is for each material that is used outside its temperature range, W-TEMPERATURE for each above its
    melting point or above `MAX_USUAL_TEMPERATURE`. A material of several parts gives one warning, which names
    the part farthest outside. `uses_capacity` includes the range of the heat capacity, which steady
    temperatures do not depend on.
    """
    found = [*_range_warnings(model, extremes, "conductivity")]
    if uses_capacity:
        found += _range_warnings(model, extremes, "heat capacity")
    found += _melting_warnings(model, extremes)
    found += _absolute_zero_warnings(model, extremes)
    found += cell_warnings(model)
    return [str(diagnostic) for diagnostic in found]


def limit_warnings(model: Model, extremes: Mapping[str, Extremes]) -> list[str]:
    """Return W-LIMIT for each limit of the description that a part exceeds.

    A limit of several parts, such as that of a stack or of its copies, gives one warning.
    """
    above: dict[Any, list[tuple[float, Part, Diagnostic]]] = {}  # by the place of the limit
    for part in model.parts:
        reached = extremes.get(part.name)
        if part.limit is None or reached is None or not reached.exceeds(part.limit):
            continue
        place = model.package.locate(diagnostic_at(_limit_path(model, part), "", "", "W-LIMIT"))
        in_file = (place.file, place.line, place.column, place.field)
        key = place.path if place.file is None else in_file
        above.setdefault(key, []).append((reached.max - part.limit, part, place))
    found = []
    for parts in above.values():
        excess, part, place = max(parts, key=lambda each: round(each[0], TIE_DIGITS))
        text = _excess_text(part, excess, extremes[part.name])
        text += _also([other.name for _, other, _ in parts if other is not part], "exceed")
        hint = "improve the cooling, or reduce the power"
        found.append(str(dataclasses.replace(place, message=text, hint=hint)))
    return found


def grid_error_warnings(parts: Iterable[PartTemperature], ambients: np.ndarray) -> list[str]:
    """Return W-GRID for the powered part or block with the largest error of its peak relative to its rise.

    There is none up to WARNED_ERROR of the rise above the farthest of the `ambients` (n,) [K], and none
    without estimate or ambient.
    """
    found = [
        (part.error / rise, rise, part)
        for part in parts
        if part.power != 0.0
        and part.error is not None
        and part.error > MIN_WARNED_ERROR
        and (rise := float(np.abs(part.max - ambients).max(initial=0.0))) > 0.0
    ]
    if not found:
        return []
    relative, rise, part = max(found, key=lambda each: each[0])
    if not relative > WARNED_ERROR:
        return []
    error = format_quantity(float(f"{relative * rise:.2g}"), "temperature_difference")
    advised = format_quantity(float(f"{ADVISED_ERROR * rise:.1g}"), "temperature_difference")
    text = (
        f"the grid causes an estimated error of {error} in its maximum, {format_share(relative)} of its rise"
    )
    hint = f'use --tolerance "{advised}", or smaller cells there'
    return [str(Diagnostic(part.name, text, hint, "W-GRID"))]


def _limit_path(model: Model, part: Part) -> FieldPath:
    """Return the path of the limit of a part: that of its layer, or that of its stack."""
    path = part.path[:4]  # ("stacks", name, "layers", n)
    if len(path) < 4:
        return path
    layer = model.package.stack(str(path[1])).layers[int(path[3])]
    return (*(path if layer.limit is not None else path[:2]), "limit")


def _excess_text(part: Part, excess: float, reached: Extremes) -> str:
    """Return the text about a part that exceeds its limit by a temperature difference [K]."""
    limit, peak = (format_quantity(t, "temperature") for t in (part.limit or 0.0, reached.max))
    difference = f"{excess:.1f}" if excess >= 1.0 else f"{excess:.1g}"
    text = f"{part.name} exceeds its limit of {limit} by {difference} K with {peak}"
    if reached.time is not None:
        text += f" at {format_quantity(reached.time, 'time')}"
    if reached.error is not None and reached.error >= excess:
        text += f", which is less than the estimated error of {reached.error:.2g} K"
    return text


def _also(names: Iterable[str], verb: str) -> str:
    """Return a note on other parts."""
    others = sorted(names)
    return f"; {listed(others)} {f'{verb}s' if len(others) == 1 else verb} it too" if others else ""


def _melting_warnings(model: Model, extremes: Mapping[str, Extremes]) -> Iterator[Diagnostic]:
    """Yield a warning for each material above its melting point, and for each above the usual maximum."""
    hot: dict[tuple[str, float], list[tuple[float, Part]]] = {}  # by material and the bound that it exceeds
    for part in model.parts:
        reached = extremes.get(part.name)
        melting = part.material.melting_point
        is_melted = reached is not None and melting is not None and reached.exceeds(melting)
        bound = melting if is_melted and melting is not None else MAX_USUAL_TEMPERATURE
        if reached is not None and reached.exceeds(bound):
            hot.setdefault((part.material.name, bound), []).append((reached.max, part))
    for (material_name, bound), parts in hot.items():
        value, part = max(parts, key=lambda each: round(each[0], TIE_DIGITS))
        shown, limit = (format_quantity(t, "temperature") for t in (value, bound))
        text = f"{shown} is reached in {part.name}, above {limit}, the melting point of {material_name}"
        hint = "the model has no melting: reduce the power or improve the cooling"
        if bound == MAX_USUAL_TEMPERATURE and part.material.melting_point != bound:
            text = f"{shown} is reached in {part.name}, more than {limit} ({bound:g} K)"
            hint = "check the power, the cooling, and whether the parts touch"
        text += _also([other.name for _, other in parts if other is not part], "exceed")
        path = part.path if part.path[-1:] in (("filler",), ("gap_fill",)) else (*part.path, "material")
        yield model.package.locate(diagnostic_at(path, text, hint, "W-TEMPERATURE"))


def _absolute_zero_warnings(model: Model, extremes: Mapping[str, Extremes]) -> Iterator[Diagnostic]:
    """Yield a warning for the coldest part if it is below absolute zero."""
    cold = [
        (reached.min, part)
        for part in model.parts
        if (reached := extremes.get(part.name)) and reached.min < 0.0
    ]
    if cold:
        value, part = min(cold, key=lambda each: round(each[0], TIE_DIGITS))
        text = f"{value - ZERO_CELSIUS:.4g} degC is reached in {part.name}, below absolute zero"
        if others := sorted(other.name for _, other in cold if other is not part):
            text += f"; {listed(others)} {'is' if len(others) == 1 else 'are'} below it too"
        hint = "more heat is extracted than can flow there: check negative powers and fluxes"
        yield model.package.locate(diagnostic_at(part.path, text, hint, "W-TEMPERATURE"))


def power_warnings(model: Model, max_power: np.ndarray) -> list[str]:
    """Return W-POWER where a trace raises a heat flux above `MAX_USUAL_HEAT_FLUX`.

    `max_power` (members,) [W] are the maximum powers of parts and blocks in a run. Those that the description
    itself reaches are warnings of the geometry.
    """
    areas: dict[int, float] = {}  # m2, of members by index
    names = [part.name for part in model.parts]
    described = [*model.power_of_parts.tolist()]
    powered = {source.part for source in model.geometry.sources}
    for box in model.geometry.boxes:
        if box.part in powered:  # a layer, whose boxes lie side by side
            (x0, y0, _), (x1, y1, _) = box.low, box.high
            areas[box.part] = areas.get(box.part, 0.0) + (x1 - x0) * (y1 - y0)
    for n, block in enumerate(model.blocks, len(names)):
        _, j, i = block.window
        areas[n] = float(model.grid.dy[j].sum() * model.grid.dx[i].sum())
        names.append(block.name)
        described.append(block.power)
    found = [
        (float(max_power[n]) / area, names[n])
        for n, area in areas.items()
        if max_power[n] > max(MAX_USUAL_HEAT_FLUX * area, POWER_ROUNDING * abs(described[n]))
    ]
    if not found:
        return []
    flux, name = max(found)
    also = _also([each for _, each in found if each != name], "exceed")
    text = f"reaches a heat flux of {heat_flux_text(flux)}{also}"
    return [str(Diagnostic(name, text, "check the unit of the trace", "W-POWER"))]


def _range_warnings(model: Model, extremes: Mapping[str, Extremes], quantity: str) -> Iterator[Diagnostic]:
    outside: dict[tuple[str, tuple[float, float]], list[tuple[float, str, float]]] = {}  # by material, range
    used = [(part.name, part.material, extremes[part.name]) for part in model.parts if part.name in extremes]
    used += _extremes_of_links(model, extremes) if quantity == "conductivity" else []
    for name, material, reached in used:
        known = material.temperature_range if quantity == "conductivity" else material.capacity_range
        if known is None:
            continue
        excess, value = max((reached.max - known[1], reached.max), (known[0] - reached.min, reached.min))
        if excess > reached.doubt:
            outside.setdefault((material.name, known), []).append((excess, name, value))
    for (material_name, known), parts in outside.items():
        _, name, value = max(parts)
        low, high, shown = (format_quantity(t, "temperature") for t in (*known, value))
        text = f"{shown} is reached, {material_name} is known from {low} to {high}"
        others = sorted(other for _, other, *_ in parts if other != name)
        more = f"; {listed(others)} {'is' if len(others) == 1 else 'are'} outside too" if others else ""
        hint = f"the {quantity} at the end of that range was used"
        yield Diagnostic(name, f"{text}{more}", hint, "W-RANGE")


def _extremes_of_links(
    model: Model, extremes: Mapping[str, Extremes]
) -> list[tuple[str, Material, Extremes]]:
    """Return name, material and bounds of the mean temperature of both ends of the links with a material."""
    found = []
    for link in model.geometry.links:
        names = [f"{place.part}." for place in link.ends]
        ends = [[each for part, each in extremes.items() if f"{part}.".startswith(name)] for name in names]
        if link.material is not None and all(ends):
            low = sum(min(each.min for each in end) for end in ends) / len(ends)
            high = sum(max(each.max for each in end) for end in ends) / len(ends)
            doubt = max(each.doubt for end in ends for each in end)
            found.append((f"links.{link.link.name}", link.material, Extremes(low, high, doubt=doubt)))
    return found
