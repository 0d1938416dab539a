"""Correlations and fluids: published check values, and the libraries `ht` and CoolProp."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from thermostack import UnknownNameError
from thermostack.boundary_laws import correlations
from thermostack.boundary_laws.fluids import find_fluid, fluids


def library(name: str) -> Any:
    """Return an optional library of the tests; skip without it."""
    return pytest.importorskip(name, reason=f"{name} is in the extra `test` and is not installed")


# -- check values ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "infinite", "plate"),
    [
        ("water", 110.8, 126.1),
        ("FC-72", 13.66, 15.54),
        ("HFE-7100", 15.58, 17.72),
        ("R1234ze(E)", 23.0, 26.2),
    ],
)
def test_critical_flux_of_a_saturated_pool(name: str, infinite: float, plate: float) -> None:
    """W/cm2, of properties from data sheets and CoolProp; four digits."""
    found = [correlations.critical_boiling_flux(find_fluid(name), factor) / 1e4 for factor in (0.131, 0.149)]
    digits = 5e-4 if name != "R1234ze(E)" else 2e-3
    assert found == pytest.approx([infinite, plate], rel=digits)


@pytest.mark.parametrize(("name", "factors"), [("FC-72", (1.471, 2.413)), ("HFE-7100", (1.464, 2.393))])
def test_subcooling_raises_the_critical_flux(name: str, factors: tuple[float, float]) -> None:
    found = [correlations.subcooling_factor(find_fluid(name), kelvin) for kelvin in (10.0, 30.0)]
    assert found == pytest.approx(factors, abs=6e-4)
    assert correlations.subcooling_factor(find_fluid(name), 0.0) == 1.0


@pytest.mark.parametrize(
    ("name", "surface_factor", "exponent", "superheats", "expected"),
    [
        ("water", 0.0128, 1.0, (5.0, 10.0, 15.0), (1.83, 14.64, 49.40)),
        ("FC-72", 0.0053, 1.7, (10.0, 15.0, 20.0), (1.02, 3.46, 8.19)),
        ("HFE-7100", 0.0053, 1.7, (10.0, 15.0, 20.0), (1.54, 5.21, 12.34)),
    ],
)
def test_nucleate_boiling_flux(
    name: str, surface_factor: float, exponent: float, superheats: Any, expected: Any
) -> None:
    """W/cm2; the flux is the cube of the superheat, and zero below saturation."""
    fluid = find_fluid(name)
    found = correlations.nucleate_boiling_flux(fluid, np.array(superheats), surface_factor, exponent)
    assert found / 1e4 == pytest.approx(expected, rel=4e-3)
    assert found == pytest.approx(found[0] * (np.array(superheats) / superheats[0]) ** 3)
    assert correlations.nucleate_boiling_flux(fluid, np.array(-3.0), surface_factor, exponent) == 0.0


@pytest.mark.parametrize(
    ("width", "depth", "difference", "rayleigh", "up", "down"),
    [
        (0.1143, 0.0762, 20.0, 1.97e4, 7.55, 4.43),
        (0.1143, 0.0762, 50.0, 3.95e4, 9.35, 5.31),
        (0.1145, 0.1015, 20.0, 3.21e4, 7.25, 4.16),
        (0.1145, 0.1015, 50.0, 6.44e4, 8.98, 4.97),
    ],
)
def test_boards_of_jesd51_in_still_air(
    width: float, depth: float, difference: float, rayleigh: float, up: float, down: float
) -> None:
    """W/(m2 K) of a test board at an ambient of 25 degC, with properties of air from another source."""
    air = find_fluid("air").at(np.array(298.15 + difference / 2.0))
    length = width * depth / (2.0 * (width + depth))
    number = correlations.rayleigh_number(air, np.array(difference), length)
    assert number == pytest.approx(rayleigh, rel=0.01)
    scale = air.conductivity / length
    assert scale * correlations.nusselt_facing_up(number) == pytest.approx(up, rel=3e-3)
    assert scale * correlations.nusselt_facing_down(number) == pytest.approx(down, rel=3e-3)


@pytest.mark.parametrize(("speed", "expected"), [(1.0, 11.6), (2.0, 16.4), (3.0, 20.1)])
def test_a_board_in_moving_air(speed: float, expected: float) -> None:
    """W/(m2 K) over 114.3 mm at 320 K."""
    air = find_fluid("air").at(np.array(320.0))
    reynolds = correlations.reynolds_number(air, speed, 0.1143)
    nusselt = correlations.nusselt_along_plate(reynolds, correlations.prandtl_number(air))
    assert air.conductivity / 0.1143 * nusselt == pytest.approx(expected, rel=5e-3)


def test_the_vertical_plate_tends_to_the_similarity_solution() -> None:
    """For a large Prandtl number the mean of 0.503 Ra^(1/4) over the height is 0.670 Ra^(1/4)."""
    rayleigh = np.array(1e8)
    found = correlations.nusselt_vertical(rayleigh, np.array(1e8)) - 0.68
    assert found == pytest.approx(0.503 * 4.0 / 3.0 * rayleigh**0.25, rel=2e-3)


@pytest.mark.parametrize(
    ("nusselt", "boundary"),
    [
        (correlations.nusselt_facing_up, 3.6**12),
        (lambda re: correlations.nusselt_along_plate(re, np.array(0.7)), 4.99e5),
    ],
)
def test_two_regimes_join_continuously(nusselt: Any, boundary: float) -> None:
    numbers = boundary * (1.0 + np.linspace(-0.02, 0.02, 4001))
    found = nusselt(numbers)
    assert np.all(np.diff(found) > 0.0)
    assert np.max(np.diff(found) / found[1:]) < 1e-4


# -- libraries -------------------------------------------------------------------------------


def test_correlations_agree_with_ht() -> None:
    """The formulas of `ht` with the same limits, and 0.149 for the limit of Zuber."""
    library("ht")
    boiling = importlib.import_module("ht.boiling_nucleic")
    external = importlib.import_module("ht.conv_external")
    water = find_fluid("water")
    assert water.saturation is not None
    liquid = water.at(np.array(water.saturation.temperature))
    state = {
        "rhol": float(liquid.density),
        "rhog": water.saturation.vapour_density,
        "sigma": water.saturation.surface_tension,
        "Hvap": water.saturation.latent_heat,
    }
    transport = {"mul": float(liquid.viscosity), "kl": float(liquid.conductivity)}
    per_area = boiling.Rohsenow(
        **state, **transport, Cpl=float(liquid.specific_heat), Te=10.0, Csf=0.0128, n=1.0
    )
    own = correlations.nucleate_boiling_flux(water, np.array(10.0), 0.0128, 1.0) / 10.0
    assert own == pytest.approx(per_area, rel=1e-6)
    limit = boiling.Zuber(**{key: state[key] for key in ("sigma", "Hvap", "rhol", "rhog")}, K=0.149)
    assert correlations.critical_boiling_flux(water, 0.149) == pytest.approx(limit, rel=1e-6)
    laminar = external.Nu_horizontal_plate_laminar_Baehr(1e5, 0.7)
    assert correlations.nusselt_along_plate(np.array(1e5), np.array(0.7)) == pytest.approx(laminar, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "other", "pressure"),
    [
        ("air", "Air", 101325.0),
        ("water", "Water", 101325.0),
        ("R1234ze(E)", "R1234ze(E)", None),
        ("PG25", "INCOMP::MPG-25%", 3e5),
    ],
)
def test_tables_agree_with_coolprop(name: str, other: str, pressure: float | None) -> None:
    """Rows to their four digits; in the middle of two rows linear interpolation errs by at most 4 %."""
    library("CoolProp")
    value = importlib.import_module("CoolProp.CoolProp").PropsSI
    fluid = find_fluid(name)
    rows = np.array(fluid.temperature)
    keys = {"conductivity": "L", "density": "D", "specific_heat": "C", "viscosity": "V"}
    for temperatures, tolerance in ((rows[:-1], 2e-3), ((rows[1:] + rows[:-1]) / 2.0, 0.04)):
        for temperature in temperatures.tolist():
            state = ("Q", 0) if pressure is None else ("P", pressure)
            found = fluid.at(np.array(temperature))
            for key, symbol in keys.items():
                expected = value(symbol, "T", temperature, *state, other)
                assert getattr(found, key) == pytest.approx(expected, rel=tolerance), (key, temperature)


# -- fluids ----------------------------------------------------------------------------------


def test_every_fluid_is_complete_and_has_a_source() -> None:
    assert set(fluids()) == {
        "air", "water", "FC-72", "HFE-7100", "Novec 649", "R1233zd(E)", "R1234ze(E)", "PG25",
    }  # fmt: skip
    for fluid in fluids().values():
        columns = [getattr(fluid, key) for key in ("temperature", *fluid.at(np.array(300.0))._fields)]
        assert {len(column) for column in columns} == {len(fluid.temperature)}
        assert all(np.all(np.array(column) > 0.0) for column in columns)
        assert np.all(np.diff(fluid.temperature) > 0.0)
        assert any(tag in fluid.source for tag in ("published", "remembered", "computed", "assumed"))
        if fluid.saturation is not None:
            assert fluid.range[0] < fluid.saturation.temperature <= fluid.range[1]
            assert fluid.saturation.vapour_density < 0.02 * fluid.density[-1]


def test_properties_are_interpolated_and_kept_beyond_the_table() -> None:
    water = find_fluid("water")
    first, second = water.temperature[:2]
    middle = water.at(np.array([first - 50.0, (first + second) / 2.0, 900.0]))
    density = [water.density[0], (water.density[0] + water.density[1]) / 2.0, water.density[-1]]
    assert middle.density == pytest.approx(density)
    slopes = water.slopes_at(np.array([first - 50.0, first, 900.0])).density
    assert slopes == pytest.approx([0.0, (water.density[1] - water.density[0]) / (second - first), 0.0])


@pytest.mark.parametrize("name", ["fc 72", "FC72", "novec649", "r1233ZD-e", "Air"])
def test_names_of_fluids_ignore_capitals_and_hyphens(name: str) -> None:
    assert find_fluid(name).name in fluids()


def test_an_unknown_fluid_is_an_error_with_the_names() -> None:
    with pytest.raises(UnknownNameError, match="no fluid is named 'mercury'") as caught:
        find_fluid("mercury")
    assert "the fluids are air, water" in str(caught.value)
    with pytest.raises(UnknownNameError, match="did you mean"):
        find_fluid("watr")
