"""Correlations of convection and boiling against values computed from their formulas, and against `ht`."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack.boundary_laws.correlations import (
    DOWN,
    UP,
    VERTICAL,
    NucleateBoiling,
    critical_heat_flux,
    nusselt_free,
    nusselt_plate,
)
from thermostack.boundary_laws.fluids import find_fluid, fluids
from thermostack.boundary_laws.laws import ForcedConvectionLaw, FreeConvectionLaw, RadiationLaw
from thermostack.errors import UnknownNameError

AMBIENT = 298.15


def area_over_perimeter(width: float, depth: float) -> float:
    return 1e-3 * width * depth / (2.0 * (width + depth))


@pytest.mark.parametrize(
    ("plate", "rise", "rayleigh", "up", "down"),
    [
        ((114.3, 76.2), 20.0, 1.97e4, 7.55, 3.77),
        ((114.3, 76.2), 50.0, 3.95e4, 9.35, 4.68),
        ((114.5, 101.5), 20.0, 3.21e4, 7.25, 3.62),
        ((114.5, 101.5), 50.0, 6.44e4, 8.98, 4.49),
    ],
)
def test_free_convection_of_jedec_boards(
    plate: tuple[float, float], rise: float, rayleigh: float, up: float, down: float
) -> None:
    air, surface = find_fluid("air"), np.array([AMBIENT + rise])
    laws = [FreeConvectionLaw(air, AMBIENT, area_over_perimeter(*plate), side) for side in (UP, DOWN)]
    assert laws[0].rayleigh(surface)[0] == pytest.approx(rayleigh, rel=5e-3)
    assert laws[0].coefficient(surface)[0] == pytest.approx(up, rel=2e-3)
    assert laws[1].coefficient(surface)[0] == pytest.approx(down, rel=3e-3)


@pytest.mark.parametrize(("speed", "h"), [(1.0, 11.6), (2.0, 16.4), (3.0, 20.1)])
def test_flow_along_a_board(speed: float, h: float) -> None:
    law = ForcedConvectionLaw(find_fluid("air"), 320.0, speed, 0.1143)
    assert law.coefficient(np.array([320.0]))[0] == pytest.approx(h, abs=0.05)


@pytest.mark.parametrize(
    ("emissivity", "surface", "h"),
    [(0.9, 330.0, 6.336), (0.9, 350.0, 6.988), (0.1, 330.0, 0.704), (0.1, 350.0, 0.776)],
)
def test_radiation(emissivity: float, surface: float, h: float) -> None:
    law = RadiationLaw(emissivity, 298.0)
    assert law.flux(np.array(surface)) / (surface - 298.0) == pytest.approx(h, abs=6e-4)


@pytest.mark.parametrize(
    ("name", "flux", "finite", "factors"),
    [
        ("water", 110.8, 126.1, None),
        ("FC-72", 13.66, 15.54, (1.471, 2.413)),
        ("HFE-7100", 15.58, 17.72, (1.464, 2.393)),
        ("R1234ze(E)", 23.0, 26.2, None),
    ],
)
def test_critical_heat_flux(
    name: str, flux: float, finite: float, factors: tuple[float, float] | None
) -> None:
    fluid = find_fluid(name)
    assert critical_heat_flux(fluid, 0.131) / 1e4 == pytest.approx(flux, rel=3e-3)
    assert critical_heat_flux(fluid, 0.149) / 1e4 == pytest.approx(finite, rel=3e-3)
    for subcooling, factor in zip((10.0, 30.0), factors or (), strict=False):
        ratio = critical_heat_flux(fluid, 0.149, subcooling) / critical_heat_flux(fluid, 0.149)
        assert ratio == pytest.approx(factor, abs=6e-4)


@pytest.mark.parametrize(
    ("name", "surface_factor", "exponent", "rises", "fluxes"),
    [
        ("water", 0.0128, 1.0, (5.0, 10.0, 15.0), (1.83, 14.64, 49.40)),
        ("FC-72", 0.0053, 1.7, (10.0, 15.0, 20.0), (1.02, 3.46, 8.19)),
        ("HFE-7100", 0.0053, 1.7, (10.0, 15.0, 20.0), (1.54, 5.21, 12.3)),
    ],
)
def test_nucleate_boiling(
    name: str, surface_factor: float, exponent: float, rises: tuple[float, ...], fluxes: tuple[float, ...]
) -> None:
    coefficient = NucleateBoiling(find_fluid(name), surface_factor, exponent).coefficient
    assert [coefficient * rise**3 / 1e4 for rise in rises] == pytest.approx(fluxes, rel=5e-3)


@pytest.mark.parametrize("orientation", [UP, DOWN, VERTICAL])
def test_free_convection_rises_without_jumps(orientation: str) -> None:
    rayleigh = np.geomspace(1.0, 1e12, 4001)
    nusselt = nusselt_free(rayleigh, np.full(rayleigh.size, 0.71), orientation)
    steps = np.diff(np.log(nusselt))
    assert steps.min() > 0.0
    assert steps.max() < 0.4 * np.log(rayleigh[1] / rayleigh[0])


def test_flow_along_a_plate_rises_without_jumps() -> None:
    reynolds = np.geomspace(10.0, 1e7, 4001)
    steps = np.diff(np.log(nusselt_plate(reynolds, np.full(reynolds.size, 0.71))))
    assert steps.min() > 0.0
    assert steps.max() < 0.01


def test_plate_and_wall_agree_with_another_library() -> None:
    ht = pytest.importorskip("ht", reason="the library ht is not installed")
    assert nusselt_plate(np.array(1e5), np.array(0.7)) == pytest.approx(
        ht.conv_external.Nu_horizontal_plate_laminar_Baehr(Re=1e5, Pr=0.7), rel=0.03
    )
    for rayleigh in (1e5, 1e7):
        other = ht.conv_free_immersed.Nu_vertical_plate_Churchill(0.71, rayleigh / 0.71)
        assert nusselt_free(np.array(rayleigh), np.array(0.71), VERTICAL) == pytest.approx(other, rel=0.08)
    water = find_fluid("water")
    assert water.saturation is not None
    other = ht.boiling_nucleic.Zuber(
        sigma=water.saturation.surface_tension,
        Hvap=water.saturation.latent_heat,
        rhol=float(water.at(373.1).density),
        rhog=water.saturation.vapour_density,
        K=0.149,
    )
    assert critical_heat_flux(water, 0.149) == pytest.approx(other, rel=2e-3)


# -- fluids ------------------------------------------------------------------------------------------


def test_tables_ascend_and_have_a_source() -> None:
    for fluid in fluids().values():
        assert fluid.source
        assert (np.diff(fluid.temperature) > 0.0).all()
        assert all(column.size == fluid.temperature.size for column in fluid.columns.values())
        assert all((column > 0.0).all() for column in fluid.columns.values())
        if fluid.saturation:
            assert fluid.range[1] == pytest.approx(fluid.saturation.temperature, abs=0.5)


@pytest.mark.parametrize(
    ("name", "other", "low", "high"),
    [
        ("air", "Air", 250.0, 450.0),
        ("water", "Water", 280.0, 370.0),
        ("PG25", "INCOMP::MPG[0.25]", 280.0, 345.0),
    ],
)
def test_properties_agree_with_another_library(name: str, other: str, low: float, high: float) -> None:
    properties = pytest.importorskip("CoolProp.CoolProp", reason="the library CoolProp is not installed")
    columns = {"conductivity": "L", "density": "D", "specific_heat": "C", "viscosity": "V"}
    for t in np.linspace(low, high, 7).tolist():
        ours = find_fluid(name).at(t)
        for column, key in columns.items():
            theirs = properties.PropsSI(key, "T", t, "P", 2e5 if name == "PG25" else 101325.0, other)
            assert float(getattr(ours, column)) == pytest.approx(theirs, rel=0.02)


def test_unknown_fluid_has_a_hint() -> None:
    with pytest.raises(UnknownNameError, match="did you mean water"):
        find_fluid("watr")
