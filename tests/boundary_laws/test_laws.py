"""Boundary laws: slopes are derivatives of the fluxes, and fluxes rise with temperature."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from thermostack.boundary_laws.fluids import find_fluid
from thermostack.boundary_laws.laws import (
    BoundaryLaw,
    ConstantCoefficientLaw,
    ForcedConvectionLaw,
    FreeConvectionLaw,
    PoolBoilingLaw,
    RadiationLaw,
    TabulatedCoefficientLaw,
    TabulatedFluxLaw,
    sum_of_laws,
)


@st.composite
def laws(draw: st.DrawFn) -> BoundaryLaw:
    """Return a law of each kind, or the sum of two."""
    ambient = draw(st.floats(270.0, 350.0))
    length, side = draw(st.floats(0.005, 0.3)), draw(st.sampled_from(("up", "down", "vertical")))
    fluid = find_fluid(draw(st.sampled_from(("air", "water", "FC-72"))))
    free = FreeConvectionLaw(fluid, ambient, length, side)
    rows = ambient + np.array([-20.0, 0.0, 30.0, 90.0])
    dielectric = find_fluid("FC-72")
    kinds: list[BoundaryLaw] = [
        RadiationLaw(draw(st.floats(0.05, 1.0)), ambient),
        free,
        ForcedConvectionLaw(fluid, ambient, draw(st.floats(0.1, 20.0)), length),
        TabulatedCoefficientLaw(ambient, rows, np.array([5.0, 7.0, 9.0, 20.0])),
        TabulatedFluxLaw(ambient, rows, np.array([-200.0, 10.0, 500.0, 4000.0])),
        PoolBoilingLaw.of_pool(
            dielectric, 320.0, FreeConvectionLaw(dielectric, 320.0, length, side), 0.005, 1.7, 0.149
        ),
        ConstantCoefficientLaw(draw(st.floats(1.0, 1e4)), ambient),
    ]
    chosen = draw(st.sampled_from(kinds))
    return sum_of_laws([chosen, RadiationLaw(0.8, 300.0)]) if draw(st.booleans()) else chosen


@given(laws(), st.floats(250.0, 600.0))
def test_slope_is_the_derivative(law: BoundaryLaw, t: float) -> None:
    step = 1e-2
    below, above = (float(law.flux(np.array([t + d]))[0]) for d in (-step, step))
    slopes = [float(law.slope(np.array([t + d]))[0]) for d in (-step, 0.0, step)]
    difference = (above - below) / (2.0 * step)
    assert min(slopes) * (1.0 - 1e-3) - 1e-6 <= difference <= max(slopes) * (1.0 + 1e-3) + 1e-6


@given(laws(), st.floats(250.0, 900.0), st.floats(0.1, 100.0))
def test_flux_rises(law: BoundaryLaw, t: float, step: float) -> None:
    flux = law.flux(np.array([t, t + step]))
    assert flux[1] > flux[0]


@given(laws())
def test_flux_changes_its_sign_between_the_surroundings(law: BoundaryLaw) -> None:
    low, high = law.temperatures
    assert law.flux(np.array([low]))[0] <= 1e-6
    assert law.flux(np.array([high]))[0] >= -1e-6


def test_boiling_begins_where_its_flux_exceeds_that_of_convection() -> None:
    fluid = find_fluid("FC-72")
    free = FreeConvectionLaw(fluid, 320.0, 0.01, "up")
    law: Any = PoolBoilingLaw.of_pool(fluid, 320.0, free, 0.0053, 1.7, 0.149)
    t = np.linspace(321.0, 352.0, 63)
    boils = law.flux(t) > free.flux(t)
    assert not boils[t < 329.75].any()
    assert boils[-1]
    assert law.critical_flux > 155e3  # the pool is 9.75 K below saturation


def test_ranges_are_reported() -> None:
    air = find_fluid("air")
    hot, warm = np.array([1500.0]), np.array([320.0])
    assert FreeConvectionLaw(air, 300.0, 0.05, "up").range_warnings(warm) == []
    assert "Rayleigh number" in FreeConvectionLaw(air, 300.0, 0.005, "up").range_warnings(warm)[0]
    assert "air at 627 degC" in ForcedConvectionLaw(air, 300.0, 1.0, 0.1).range_warnings(hot)[0]
    rows = np.array([300.0, 350.0])
    for law in (
        TabulatedCoefficientLaw(300.0, rows, np.array([5.0, 6.0])),
        TabulatedFluxLaw(300.0, rows, np.array([0.0, 600.0])),
    ):
        assert law.range_warnings(warm) == []
        assert "outside the table of 27 to 77 degC" in law.range_warnings(hot)[0]
