"""The boundary law of a cooler on a face: coefficients of convection, radiation and boiling."""

from __future__ import annotations

import math
from typing import Any

from thermostack.boundary_laws.boundary_law import (
    BoundaryLaw,
    Facing,
    ForcedConvectionLaw,
    FreeConvectionLaw,
    LawSum,
    LinearLaw,
    PoolBoilingLaw,
    RohsenowLaw,
)
from thermostack.boundary_laws.boundary_law import Radiation as RadiationLaw
from thermostack.boundary_laws.correlations import critical_boiling_flux, subcooling_factor
from thermostack.boundary_laws.fluids import find_fluid
from thermostack.package.cooling import ColdPlate, Convection, Cooler, HeatSink, HtcMap
from thermostack.package.nonlinear_coolers import (
    ForcedConvection,
    FreeConvection,
    PoolBoiling,
    Radiation,
    TabulatedConvection,
    make_table,
)


def boundary_law(cooler: Cooler, face: str, area: float, length: float) -> BoundaryLaw | None:
    """Return the law of a cooler on a face of `area` [m2], None where its Robin coefficients are exact.

    `face` is "top", "bottom" or a side, whose direction decides about free convection. `length` [m] is the
    characteristic length of free convection where the cooler gives none.
    """
    if isinstance(cooler, Radiation):
        return RadiationLaw(cooler.emissivity, cooler.ambient)
    if isinstance(cooler, PoolBoiling):
        return _boiling_law(cooler, face, length)
    law: BoundaryLaw
    if isinstance(cooler, FreeConvection):
        law = FreeConvectionLaw(
            cooler.ambient, cooler.length or length, facing_of(face), find_fluid(cooler.fluid)
        )
    elif isinstance(cooler, ForcedConvection):
        law = ForcedConvectionLaw(cooler.ambient, cooler.speed, cooler.length, find_fluid(cooler.fluid))
    elif isinstance(cooler, TabulatedConvection):
        law = make_table(cooler.ambient, cooler.h_table, cooler.flux_table)
    elif isinstance(cooler, (Convection, HeatSink, ColdPlate)) and cooler.emissivity is not None:
        law = linear_law(cooler, area)
    else:
        return None
    return _with_radiation(law, cooler)


def linear_law(cooler: Convection | HeatSink | ColdPlate, area: float) -> LinearLaw:
    """Return the convection of a cooler over its `area` [m2]; a map is replaced by its mean."""
    ambient = cooler.coolant if isinstance(cooler, ColdPlate) else cooler.ambient
    if isinstance(cooler.h, HtcMap):
        return LinearLaw(float(cooler.h.values.mean()), ambient)
    if cooler.h is None:
        assert not isinstance(cooler, Convection)
        assert cooler.resistance is not None
        return LinearLaw(1.0 / (cooler.resistance * area), ambient)
    return LinearLaw(cooler.h, ambient)


def facing_of(face: str) -> Facing:
    """Return the direction in which a face looks."""
    if face in ("top", "bottom"):
        return "up" if face == "top" else "down"
    return "sideways"


def first_law(cooler: Cooler, area: float) -> BoundaryLaw | None:
    """Return the law of a cooler on a square plate of `area` [m2] that faces up, None as `boundary_law`.

    It estimates coefficients where the faces are not known.
    """
    return boundary_law(cooler, "top", area, math.sqrt(area) / 4.0)


def _with_radiation(law: BoundaryLaw, cooler: Any) -> BoundaryLaw:
    """Return a law with the radiation of its cooler added."""
    if cooler.emissivity is None:
        return law
    ambient = law.ambient if cooler.radiates_to is None else cooler.radiates_to
    return LawSum((law, RadiationLaw(cooler.emissivity, ambient)))


def _boiling_law(cooler: PoolBoiling, face: str, length: float) -> PoolBoilingLaw:
    fluid = find_fluid(cooler.fluid)
    assert fluid.saturation is not None
    if cooler.flux_table is not None:
        boiling: Any = make_table(cooler.pool, None, cooler.flux_table)
    else:
        assert cooler.surface_factor is not None
        boiling = RohsenowLaw(fluid, cooler.surface_factor, cooler.exponent)
    limit = critical_boiling_flux(fluid, cooler.critical_flux_factor)
    limit *= subcooling_factor(fluid, fluid.saturation.temperature - cooler.pool)
    convection = FreeConvectionLaw(cooler.pool, cooler.length or length, facing_of(face), fluid)
    return PoolBoilingLaw(boiling, convection, limit)
