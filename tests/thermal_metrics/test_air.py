"""Coefficients in air against values that were computed separately from the same correlations."""

from __future__ import annotations

import pytest

from thermostack.thermal_metrics.air import (
    air_properties,
    forced_convection,
    free_convection,
    radiation,
    rayleigh_number,
)

AMBIENT = 298.15


@pytest.mark.parametrize(
    ("width", "depth", "rise", "rayleigh", "up", "down", "radiative"),
    [
        (0.1143, 0.0762, 20.0, 1.97e4, 7.55, 3.77, 5.98),
        (0.1143, 0.0762, 50.0, 3.95e4, 9.35, 4.68, 6.93),
        (0.1145, 0.1015, 20.0, 3.21e4, 7.25, 3.62, 5.98),
        (0.1145, 0.1015, 50.0, 6.44e4, 8.98, 4.49, 6.93),
    ],
)
def test_boards_in_still_air(
    width: float, depth: float, rise: float, rayleigh: float, up: float, down: float, radiative: float
) -> None:
    length = width * depth / (2.0 * (width + depth))
    surface = AMBIENT + rise
    assert rayleigh_number(surface, AMBIENT, length) == pytest.approx(rayleigh, rel=0.02)
    assert free_convection(surface, AMBIENT, length, "up") == pytest.approx(up, rel=0.01)
    assert free_convection(surface, AMBIENT, length, "down") == pytest.approx(down, rel=0.01)
    assert radiation(surface, AMBIENT, 0.9) == pytest.approx(radiative, rel=2e-3)


@pytest.mark.parametrize(("speed", "htc"), [(1.0, 11.6), (2.0, 16.4), (3.0, 20.1)])
def test_plate_in_a_stream(speed: float, htc: float) -> None:
    assert forced_convection(320.0, 320.0, speed, 0.1143) == pytest.approx(htc, rel=0.01)


def test_air_at_300_K_is_that_of_tables() -> None:
    air = air_properties(300.0)
    assert air.conductivity == pytest.approx(0.0263, rel=0.02)
    assert air.kinematic_viscosity == pytest.approx(15.89e-6, rel=0.02)
    assert air.prandtl == pytest.approx(0.707, rel=0.02)


def test_cold_surface_that_looks_down_is_like_a_hot_one_that_looks_up() -> None:
    cold = free_convection(AMBIENT - 10.0, AMBIENT, 0.02, "down")
    assert cold > free_convection(AMBIENT - 10.0, AMBIENT, 0.02, "up")


def test_vertical_plate_without_rise_conducts() -> None:
    """At a Rayleigh number of zero the Nusselt number of Churchill and Chu is 0.68."""
    conductivity = air_properties(AMBIENT).conductivity
    assert free_convection(AMBIENT, AMBIENT, 0.02, "vertical") == pytest.approx(0.68 * conductivity / 0.02)
