"""Boundary laws: exact values, derivatives, continuity, monotony, and ranges of validity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack.boundary_laws import correlations
from thermostack.boundary_laws.boundary_law import (
    BoundaryLaw,
    ForcedConvectionLaw,
    FreeConvectionLaw,
    LawSum,
    LinearLaw,
    PoolBoilingLaw,
    Radiation,
    RohsenowLaw,
    TabulatedLaw,
    secant_coefficient,
)
from thermostack.boundary_laws.fluids import find_fluid, fluids

AIR, FC72 = find_fluid("air"), find_fluid("FC-72")
BOILING = RohsenowLaw(FC72, 0.0053, 1.7)
POOL = FreeConvectionLaw(310.0, 0.01, "up", FC72)
LAWS: dict[str, BoundaryLaw] = {
    "linear": LinearLaw(12.0, 300.0),
    "radiation": Radiation(0.9, 298.15),
    "up": FreeConvectionLaw(298.15, 0.023, "up", AIR),
    "up, turbulent": FreeConvectionLaw(298.15, 0.3, "up", AIR),
    "down": FreeConvectionLaw(298.15, 0.023, "down", AIR),
    "sideways": FreeConvectionLaw(298.15, 0.05, "sideways", AIR),
    "forced": ForcedConvectionLaw(298.15, 2.0, 0.1143, AIR),
    "forced, turbulent": ForcedConvectionLaw(298.15, 80.0, 0.1143, AIR),
    "h table": TabulatedLaw(298.15, (298.15, 348.15, 398.15), (5.0, 9.0, 8.0)),
    "flux table": TabulatedLaw(298.15, (298.15, 320.0, 400.0), (0.0, 2e3, 9e3), is_flux=True),
    "boiling": PoolBoilingLaw(BOILING, POOL, 15e4),
    "boiling table": PoolBoilingLaw(
        TabulatedLaw(310.0, (330.0, 345.0), (1e3, 8e4), is_flux=True), POOL, 15e4
    ),
    "sum": LawSum((FreeConvectionLaw(298.15, 0.023, "up", AIR), Radiation(0.9, 290.0))),
}


@pytest.mark.parametrize(
    ("emissivity", "surface", "h"),
    [(0.9, 330.0, 6.336), (0.9, 350.0, 6.988), (0.1, 330.0, 0.704), (0.1, 350.0, 0.7764)],
)
def test_radiation_has_the_linear_coefficient(emissivity: float, surface: float, h: float) -> None:
    law = Radiation(emissivity, 298.0)
    assert float(law.flux(np.array(surface))) / (surface - 298.0) == pytest.approx(h, rel=6e-4)


@pytest.mark.parametrize("name", LAWS)
def test_slopes_are_the_derivatives_of_the_fluxes(name: str) -> None:
    """Central difference of fourth order, without the temperatures within its step of a kink."""
    law = LAWS[name]
    surface = np.linspace(253.0, 420.0, 911)
    h = 1e-3
    one, two = (law.flux(surface + n * h) - law.flux(surface - n * h) for n in (1, 2))
    expected = (8.0 * one - two) / (12.0 * h)
    first, second = (one / (2.0 * h), two / (4.0 * h))
    smooth = np.abs(first - second) <= 1e-6 * np.abs(first) + 1e-9
    smooth &= np.abs(surface - law.ambient) > 0.05
    assert smooth.mean() > 0.95
    found = law.slope(surface)
    assert found[smooth] == pytest.approx(expected[smooth], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", LAWS)
def test_fluxes_are_continuous_and_vanish_at_the_ambient(name: str) -> None:
    law = LAWS[name]
    surface = np.arange(200.0, 600.0, 1e-2)
    steps = np.diff(law.flux(surface))
    assert np.all(steps >= -1e-9)
    assert np.all(steps <= 1.5e-2 * np.maximum(law.slope(surface)[:-1], law.slope(surface)[1:]) + 1e-3)
    low, high = law.temperatures
    assert law.flux(np.array(low)) <= 1e-9 <= law.flux(np.array(high)) + 2e-9
    assert np.all(law.slope(surface) >= 0.0)


temperatures = st.floats(250.0, 500.0)


@given(
    st.sampled_from(sorted(fluids())),
    temperatures,
    st.floats(1e-3, 0.5),
    st.sampled_from(["up", "down", "sideways"]),
    st.floats(0.01, 100.0),
    temperatures,
    st.floats(0.01, 60.0),
)
def test_convection_rises_with_temperature(
    name: str, ambient: float, length: float, facing: Any, speed: float, surface: float, step: float
) -> None:
    fluid = find_fluid(name)
    ambient = float(np.clip(ambient, *fluid.range))
    for law in (
        FreeConvectionLaw(ambient, length, facing, fluid),
        ForcedConvectionLaw(ambient, speed, length, fluid),
    ):
        low, high = law.flux(np.array([surface, surface + step]))
        assert low <= high + 1e-6 * abs(low)
        assert math.copysign(1.0, low) == math.copysign(1.0, surface - ambient) or low == 0.0
        assert law.slope(np.array(surface)) >= 0.0


@pytest.mark.parametrize(
    "law",
    [
        ForcedConvectionLaw(347.525, 64.91, 0.01588, find_fluid("PG25")),  # laminar below some temperature
        ForcedConvectionLaw(225.63, 25.3, 0.471, find_fluid("air")),
        FreeConvectionLaw(306.31, 0.469, "up", find_fluid("water")),  # water of 4 degC does not expand
    ],
)
def test_a_flux_that_would_fall_is_held(law: Any) -> None:
    """With a larger difference to the ambient the flux is the largest one of the smaller differences."""
    for end in (250.0, 500.0):
        surface = np.linspace(law.ambient, end, 20001)
        of_correlation = np.abs(law._flux(surface))
        largest = np.maximum.accumulate(of_correlation)
        np.testing.assert_allclose(np.abs(law.flux(surface)), largest, rtol=1e-6, atol=1e-9)
        assert np.all(law.slope(surface) >= 0.0)
    assert law._held


def test_a_cold_plate_has_the_correlation_of_the_other_side() -> None:
    """A plate that faces up and is colder than the air is cooled as one that faces down and is warmer."""
    fluid = find_fluid("PG25")
    middle = fluid.temperature[3]
    up, down = (FreeConvectionLaw(middle, 0.05, facing, fluid) for facing in ("up", "down"))  # type: ignore[arg-type]
    for law, correlation in (
        (up, correlations.nusselt_facing_down),
        (down, correlations.nusselt_facing_up),
    ):
        surface = np.array(middle - 8.0)
        properties = fluid.at(surface + 4.0)
        number = correlations.rayleigh_number(properties, np.array(8.0), 0.05)
        expected = -8.0 * properties.conductivity / 0.05 * correlation(number)
        assert law.flux(surface) == pytest.approx(float(expected), rel=1e-12)


def test_the_larger_of_boiling_and_free_convection_acts() -> None:
    law = LAWS["boiling"]
    cold, hot = np.array(320.0), np.array(350.0)
    assert law.flux(cold) == POOL.flux(cold)
    assert law.flux(hot) == BOILING.flux(hot) > POOL.flux(hot)
    assert (law.ambient, law.critical_flux) == (310.0, 15e4)


def test_a_sum_adds_and_joins_the_ambients() -> None:
    law = LawSum((LinearLaw(10.0, 310.0), Radiation(0.5, 290.0), LAWS["boiling"]))
    assert (law.ambient, law.temperatures, law.critical_flux) == (310.0, (290.0, 310.0), 15e4)
    surface = np.array([300.0, 333.0])
    assert law.flux(surface) == pytest.approx(sum(each.flux(surface) for each in law.laws))


def test_a_table_keeps_its_coefficient_beyond_its_ends() -> None:
    h_table, flux_table = LAWS["h table"], LAWS["flux table"]
    surface = np.array([280.0, 500.0])
    assert h_table.flux(surface) == pytest.approx([5.0 * (280.0 - 298.15), 8.0 * (500.0 - 298.15)])
    first, last = 2e3 / (320.0 - 298.15), 9e3 / (400.0 - 298.15)
    assert flux_table.flux(surface) == pytest.approx([first * (280.0 - 298.15), last * (500.0 - 298.15)])


def test_errors_of_tables() -> None:
    falling = TabulatedLaw(300.0, (300.0, 320.0, 340.0), (0.0, 5e3, 4e3), is_flux=True)
    assert "falls with temperature between 46.85 degC and 66.85 degC" in falling.monotone_error()
    steep = TabulatedLaw(300.0, (300.0, 320.0, 340.0), (50.0, 50.0, 5.0))
    assert "falls with temperature" in steep.monotone_error()
    offset = TabulatedLaw(310.0, (300.0, 320.0), (0.0, 5e3), is_flux=True)
    assert "not zero" in offset.zero_error()
    wrong = TabulatedLaw(290.0, (300.0, 320.0), (-10.0, 5e3), is_flux=True)
    assert "wrong sign" in wrong.zero_error()
    for name in ("h table", "flux table"):
        law = LAWS[name]
        assert isinstance(law, TabulatedLaw)
        assert law.monotone_error() == law.zero_error() == ""


def test_secant_coefficient() -> None:
    assert secant_coefficient(LinearLaw(12.0, 300.0)) == pytest.approx(12.0)
    expected = float(Radiation(0.9, 298.15).flux(np.array(318.15))) / 20.0
    assert secant_coefficient(Radiation(0.9, 298.15)) == pytest.approx(expected)
    late = TabulatedLaw(300.0, (330.0, 400.0), (0.0, 7e3), is_flux=True)
    assert secant_coefficient(late) == pytest.approx(7e3 / 100.0)


def test_ranges_of_the_correlations_are_reported() -> None:
    inside = np.array([300.0, 340.0])
    assert LAWS["up"].range_warnings(inside) == []
    assert LAWS["up"].range_warnings(np.zeros(0)) == []
    (text,) = LAWS["up"].range_warnings(np.array([298.2, 299.0]))
    assert "Rayleigh number" in text
    assert "10000 to 1e+11" in text
    (text,) = LAWS["forced"].range_warnings(np.array([300.0, 900.0]))
    assert "air at 325.9 degC" in text
    assert "-50 degC to 300 degC" in text
    (text,) = ForcedConvectionLaw(298.15, 0.01, 0.1, AIR).range_warnings(inside)
    assert "Reynolds number" in text
    assert LAWS["sum"].range_warnings(np.array([298.2])) == LAWS["up"].range_warnings(np.array([298.2]))
    assert Radiation(0.9, 300.0).range_warnings(inside) == []
    assert LAWS["boiling"].range_warnings(np.array([360.0])) == []
