"""The surface that each cooler covers: its area and its parts, and the warnings about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.mesh.boundary_faces import BoundaryFaces, cooler_entries
from thermostack.package.cooling import (
    ColdPlate,
    Convection,
    Cooler,
    Cooling,
    FixedFlux,
    HeatSink,
    HtcMap,
    is_cooling,
)
from thermostack.package.geometry import Geometry
from thermostack.package.plausibility import heat_flux_text
from thermostack.schema.usual_ranges import MAX_USUAL_HEAT_FLUX, USUAL_HTC
from thermostack.schema.validated_dataclass import class_key, diagnostic_at
from thermostack.units import format_quantity

MIN_LISTED_SHARE = 0.01  # of the area of a cooler: materials that cover less are not named in a warning


@dataclass(frozen=True)
class CoolerCoverage:
    """The surface on which a cooler acts.

    Parameters
    ----------
    name : str
        Face, number in its list where there are several, and kind: "top convection", "top[1] cold plate".
    area : float
        Area [m2].
    parts : mapping from str to float
        Area of each part [m2], the largest first.
    detail : str
        Fluid, speed, length, emissivity and pool of a cooler that has them, "" for others.

    Examples
    --------
    >>> import thermostack as ts
    >>> [cooler.name for cooler in ts.discretize(ts.read_package("hbm3_8h"), cell=2e-3).coolers]
    ['surroundings convection', 'top convection', 'bottom convection']
    """

    name: str
    area: float
    parts: dict[str, float]
    detail: str = ""


def cooling_summary(coolers: Iterable[CoolerCoverage]) -> dict[str, Any]:
    """Return the area [m2] of each cooler, and of each part under it, by name."""
    return {cooler.name: {"area": cooler.area, "parts": dict(cooler.parts)} for cooler in coolers}


def cooler_coverage(geometry: Geometry, boundary: BoundaryFaces, part: np.ndarray) -> list[CoolerCoverage]:
    """Return what each cooler covers; `part` is 1 + the index of the part of each boundary face.

    Adiabatic faces are not among the boundary faces and are omitted.
    """
    found = []
    for number, (face, n, entry) in enumerate(cooler_entries(geometry.package.cooling)):
        own = boundary.cooler == number
        if not own.any():
            continue
        areas = np.bincount(part[own], weights=boundary.area[own], minlength=len(geometry.parts) + 1)[1:]
        order = [index for index in np.argsort(-areas, kind="stable").tolist() if areas[index] > 0.0]
        parts = {geometry.parts[index].name: float(areas[index]) for index in order}
        several = len(getattr(geometry.package.cooling, face)) > 1
        title = f"{face}[{n}]" if several else face
        kind = class_key(type(entry.cooler)).replace("_", " ")
        found.append(
            CoolerCoverage(f"{title} {kind}", float(areas.sum()), parts, cooler_detail(entry.cooler))
        )
    return found


def cooler_detail(cooler: Cooler) -> str:
    """Return the fluid, speed, length, pool and emissivity of a cooler that has them."""
    found = [str(getattr(cooler, "fluid", ""))]
    for key, dimension in (("speed", "velocity"), ("length", "length")):
        if (value := getattr(cooler, key, None)) is not None:
            found.append(f"{key} {format_quantity(value, dimension)}")
    if (pool := getattr(cooler, "pool", None)) is not None:
        found.append(f"pool at {format_quantity(pool, 'temperature')}")
    if (emissivity := getattr(cooler, "emissivity", None)) is not None:
        found.append(f"emissivity {emissivity:g}")
    if (other := getattr(cooler, "radiates_to", None)) is not None:
        found.append(f"radiates to {format_quantity(other, 'temperature')}")
    return ", ".join(text for text in found if text)


def cooler_names(cooling: Cooling) -> list[str]:
    """Return the name of each cooler in the order of `cooler_entries`: face, number in its list, kind."""
    names = []
    for face, n, entry in cooler_entries(cooling):
        title = f"{face}[{n}]" if len(getattr(cooling, face)) > 1 else face
        kind = class_key(type(entry.cooler)).replace("_", " ")
        names.append(f"{title} {kind}")
    return names


def cooler_warnings(geometry: Geometry, boundary: BoundaryFaces, part: np.ndarray) -> list[Diagnostic]:
    """Return warnings about hidden coolers, uniform coefficients over several materials, and unusual ones.

    `part` is 1 + the index of the part of each boundary face.
    """
    found = [*_hidden_coolers(geometry, boundary), *_uneven_faces(geometry, boundary, part)]
    found += _unusual_coolers(geometry, boundary)
    return [geometry.package.locate(diagnostic) for diagnostic in found]


def _hidden_coolers(geometry: Geometry, boundary: BoundaryFaces) -> Iterator[Diagnostic]:
    """Yield a warning for each cooler of a face without any surface of its own."""
    present = set(np.unique(boundary.cooler).tolist())
    for number, (face, n, entry) in enumerate(cooler_entries(geometry.package.cooling)):
        acts = isinstance(entry.cooler, FixedFlux) or is_cooling(entry.cooler)
        if face == "surroundings" or not acts or number in present:
            continue
        text = "covers no surface: later coolers of the face replace it, or the body has no such surface"
        hint = "remove it, or write a region: or part: for the later one"
        yield diagnostic_at(("cooling", face, n), text, hint, "W-COOLING")


def _uneven_faces(geometry: Geometry, boundary: BoundaryFaces, part: np.ndarray) -> Iterator[Diagnostic]:
    """Yield a warning for each heat sink or cold plate without a base on parts of several materials."""
    for number, (face, n, entry) in enumerate(cooler_entries(geometry.package.cooling)):
        cooler = entry.cooler
        if not isinstance(cooler, (HeatSink, ColdPlate)) or cooler.base is not None or entry.part is not None:
            continue
        own = boundary.cooler == number
        areas = np.bincount(part[own], weights=boundary.area[own], minlength=len(geometry.parts) + 1)[1:]
        shares: dict[str, float] = {}
        for index in np.flatnonzero(areas).tolist():
            name = geometry.parts[index].material.name
            shares[name] = shares.get(name, 0.0) + float(areas[index] / areas.sum())
        named = [name for name, share in shares.items() if share >= MIN_LISTED_SHARE]
        if len(named) > 1:
            listed = ", ".join(
                f"{name} ({shares[name]:.0%})" for name in sorted(named, key=lambda name: -shares[name])
            )
            text = f"without a base its heat-transfer coefficient is the same on all its materials: {listed}"
            hint = "give it a base, which spreads the heat, or part: for the parts that it touches"
            yield diagnostic_at(("cooling", face, n), text, hint, "W-COOLING")


def _unusual_coolers(geometry: Geometry, boundary: BoundaryFaces) -> Iterator[Diagnostic]:
    """Yield a warning for each cooler with an unusual heat-transfer coefficient or heat flux."""
    for number, (face, n, entry) in enumerate(cooler_entries(geometry.package.cooling)):
        own = boundary.cooler == number
        if not own.any():
            continue
        path = ("cooling", face, n, class_key(type(entry.cooler)))
        described = getattr(entry.cooler, "h", None)
        is_map = isinstance(described, HtcMap)
        h = described.values[described.values > 0.0] if is_map else boundary.h[own]  # type: ignore[union-attr]
        h = h[np.isfinite(h) & (h > 0.0)]
        worst = max((float(h.min()), float(h.max())), key=USUAL_HTC.excess) if h.size else USUAL_HTC.min
        if not USUAL_HTC.contains(worst):
            text = f"a heat-transfer coefficient of {format_quantity(worst, USUAL_HTC.dimension)}"
            if not isinstance(entry.cooler, (Convection, HeatSink, ColdPlate)):
                if worst > USUAL_HTC.max:  # radiation of bare metal is below the usual range
                    text = f"20 K above its ambient it has {text}, more than usual"
                    hint = "check the units; the coefficient follows from its law"
                    yield diagnostic_at(path, text, hint, "W-COOLING")
                continue
            if described is None:
                area = format_quantity(float(boundary.area[own].sum()), "area")
                text = f"over {area} it is {text}"
            text += f" is outside {USUAL_HTC}" if described is not None else f", outside {USUAL_HTC}"
            key = "resistance" if described is None else "h"
            yield diagnostic_at((*path, key), text, "check the unit", "W-COOLING")
        flux = float(np.abs(boundary.flux[own]).max())
        if flux > MAX_USUAL_HEAT_FLUX:
            text = f"a heat flux of {heat_flux_text(flux)}"
            yield diagnostic_at(path, text, "check the unit and the area", "W-COOLING")
