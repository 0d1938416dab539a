"""Steady solves with boundary laws and leakage: exact solutions, runaway, boiling crisis, results."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import lambertw
from support.exposed_packages import exposed
from support.shipped import NAMES

import thermostack as ts
from thermostack import (
    BoilingCrisisError,
    Convection,
    Cooling,
    FixedFlux,
    FixedTemperature,
    ForcedConvection,
    FreeConvection,
    Layer,
    Leakage,
    Material,
    Package,
    PoolBoiling,
    Power,
    Radiation,
    RunawayError,
    Stack,
    TabulatedConvection,
    discretize,
    solve_steady,
)
from thermostack.boundary_laws.boundary_law import STEFAN_BOLTZMANN
from thermostack.package.boundary_law import boundary_law
from thermostack.units import mm

AMBIENT = 298.15


def wall(
    top: Any, bottom: Any, *, thickness: float = 10 * mm, k: Any = 50.0, power: Power | None = None
) -> Package:
    """Return a wall of one material between two coolers."""
    layers = (Layer("slab", thickness, Material("m", k), power),)
    return Package("wall", (Stack("body", (10 * mm, 10 * mm), layers),), Cooling(top=top, bottom=bottom))


def surface(steady: ts.SteadyResult, side: str = "top") -> float:
    return steady.face("body", side).mean


# -- surfaces ----------------------------------------------------------------------------------------

COOLERS = {
    "radiation": Radiation(0.8, AMBIENT),
    "convection and radiation": Convection(12.0, AMBIENT, emissivity=0.9, radiates_to=280.0),
    "free convection": FreeConvection(AMBIENT, length=0.03, emissivity=0.9),
    "forced convection": ForcedConvection(AMBIENT, 2.0, 0.1),
    "table of coefficients": TabulatedConvection(
        AMBIENT, h_table=((300.0, 5.0), (400.0, 12.0), (900.0, 30.0))
    ),
    "table of fluxes": TabulatedConvection(AMBIENT, flux_table=((298.15, 0.0), (400.0, 900.0), (900.0, 2e4))),
    "heat sink": ts.HeatSink(AMBIENT, h=15.0, emissivity=0.5),
    "boiling": PoolBoiling("water", "60 degC", 0.0128, exponent=1.0),
}


@pytest.mark.parametrize("method", ["multigrid", "direct"])
@pytest.mark.parametrize("name", COOLERS)
def test_surface_of_a_wall_has_the_temperature_of_its_law(name: str, method: str) -> None:
    """A heat flux enters at the bottom, and the law at the top gives the surface temperature."""
    flux = 2e4 if name == "boiling" else 1500.0
    cell = (5 * mm, 5 * mm, 2 * mm)
    steady = solve_steady(discretize(wall(COOLERS[name], FixedFlux(flux)), cell=cell), method=method)
    law = boundary_law(COOLERS[name], "top", 1e-4, 2.5 * mm)
    assert law is not None
    exact = brentq(lambda t: float(law.flux(np.array([t]))[0]) - flux, 250.0, 2000.0, xtol=1e-10)
    assert surface(steady) == pytest.approx(exact, abs=1e-6)
    assert surface(steady, "bottom") == pytest.approx(exact + flux * 10 * mm / 50.0, abs=1e-6)
    assert steady.heat_balance.relative < 1e-8
    assert steady.nonlinear is not None
    assert steady.nonlinear.iterations <= 8


@pytest.mark.usefixtures("float64_conductances")
def test_rod_that_radiates() -> None:
    """NAFEMS T2: 0.1 m, 1000 K at one end, radiation with 0.98 to 300 K at the other one; 927.0 K there."""
    rod = wall(Radiation(0.98, 300.0), FixedTemperature(1000.0), thickness=99.9 * mm, k=55.6)
    steady = solve_steady(discretize(rod, cell=(5 * mm, 5 * mm, 5 * mm)))

    def excess(t: float) -> float:
        return 55.6 * (1000.0 - t) / 0.0999 - 0.98 * STEFAN_BOLTZMANN * (t**4 - 300.0**4)

    assert surface(steady) == pytest.approx(brentq(excess, 300.0, 1000.0), abs=1e-6)
    assert surface(steady) == pytest.approx(927.0, abs=0.1)


def test_conductivity_and_radiation_depend_on_temperature_together() -> None:
    """The heat flux through k = k0 (300 K / T)^1.3 is known from the integral of the conductivity."""
    law = {"power_law": {"at_reference": 148.0, "exponent": 1.3}}
    package = wall(Radiation(1.0, 300.0), FixedTemperature(900.0), k=law)
    steady = solve_steady(discretize(package, cell=(5 * mm, 5 * mm, 0.25 * mm)))

    def integral(t: float) -> float:
        return 148.0 * 300.0**1.3 / -0.3 * t**-0.3

    def excess(t: float) -> float:
        return (integral(900.0) - integral(t)) / 0.01 - STEFAN_BOLTZMANN * (t**4 - 300.0**4)

    assert surface(steady) == pytest.approx(brentq(excess, 400.0, 900.0), abs=2e-3)


def test_colder_surroundings_than_the_fluid() -> None:
    """Without power the surface is between the fluid and the surroundings that it radiates to."""
    cooler = Convection(10.0, 300.0, emissivity=1.0, radiates_to=250.0)
    steady = solve_steady(discretize(wall(cooler, ts.Adiabatic()), cell=5 * mm))
    exact = brentq(lambda t: 10.0 * (t - 300.0) + STEFAN_BOLTZMANN * (t**4 - 250.0**4), 250.0, 300.0)
    assert surface(steady) == pytest.approx(exact, abs=1e-6)


# -- leakage -----------------------------------------------------------------------------------------

DYNAMIC, LEAKAGE, BETA = 80.0, 20.0, 0.02


def node(resistance: float, leakage: Any = None) -> ts.Model:
    """Return a die of one temperature that loses its heat through a thermal resistance [K/W]."""
    power = Power(total=DYNAMIC, leakage=leakage or Leakage(LEAKAGE, at=AMBIENT, beta=BETA))
    die = Stack("die", (10 * mm, 10 * mm), (Layer("si", 1e-6, Material("ideal", 1e6), power),))
    return discretize(
        Package("node", (die,), Cooling(top=Convection(1e4 / resistance, AMBIENT))), cell=5 * mm
    )


def exact_rise(resistance: float) -> float:
    """Return the stable rise of the node [K] by Lambert's function."""
    base = resistance * DYNAMIC
    argument = -BETA * resistance * LEAKAGE * math.exp(BETA * base)
    return base - float(lambertw(argument).real) / BETA


CRITICAL = brentq(lambda r: BETA * r * LEAKAGE * math.exp(BETA * r * DYNAMIC) - math.exp(-1.0), 0.1, 1.0)


@pytest.mark.parametrize("method", ["multigrid", "direct"])
@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.9, 0.99, 0.999])
def test_leakage_of_a_node_is_that_of_lamberts_function(ratio: float, method: str) -> None:
    resistance = ratio * CRITICAL
    steady = solve_steady(node(resistance), method=method)
    rise = exact_rise(resistance)
    assert steady.peak.max - AMBIENT == pytest.approx(rise, rel=1e-6)
    report = steady.nonlinear
    assert report is not None
    assert report.loop_gain == pytest.approx(BETA * resistance * LEAKAGE * math.exp(BETA * rise), rel=1e-4)
    assert report.leakage == pytest.approx(rise / resistance - DYNAMIC, rel=1e-6)
    assert steady.of("die").leakage == pytest.approx(report.leakage)
    assert steady.of("die").power == pytest.approx(DYNAMIC)
    assert report.iterations <= 12


@pytest.mark.parametrize("method", ["multigrid", "direct"])
@pytest.mark.parametrize("ratio", [1.001, 1.1, 3.0, 100.0])
def test_node_above_the_critical_resistance_runs_away(ratio: float, method: str) -> None:
    with pytest.raises(RunawayError, match=r"thermal runaway.*leakage power grows faster.*20 W") as caught:
        solve_steady(node(ratio * CRITICAL), method=method)
    assert caught.value.exit_code == 3


def test_published_values_of_a_node() -> None:
    assert solve_steady(node(0.2)).peak.max - 273.15 == pytest.approx(47.2408, abs=1e-4)
    assert solve_steady(node(0.4)).peak.max - 273.15 == pytest.approx(82.0283, abs=1e-4)
    assert pytest.approx(0.448640, abs=1e-6) == CRITICAL


def bratu(parameter: float, cells: int) -> ts.Model:
    """Return a wall between surfaces of one temperature with the leakage of Bratu's equation."""
    beta, length, k, area = 0.02, 10 * mm, 100.0, 1e-4
    total = parameter * k * area / (beta * length)
    power = Power(leakage=Leakage(total, at=AMBIENT, beta=beta))
    package = wall(FixedTemperature(AMBIENT), FixedTemperature(AMBIENT), k=k, power=power)
    return discretize(package, cell=(10 * mm, 10 * mm, length / cells))


def critical_parameter(cells: int) -> float:
    """Return the largest parameter of Bratu's equation with a solution, by bisection."""
    low, high = 3.0, 4.0
    while high - low > 1e-5:
        middle = 0.5 * (low + high)
        try:
            solve_steady(bratu(middle, cells), estimate=False)
            low = middle
        except RunawayError:
            high = middle
    return low


def test_critical_parameter_of_bratus_equation_is_of_second_order() -> None:
    exact = 3.513830719
    errors = [critical_parameter(cells) - exact for cells in (8, 16, 32)]
    assert abs(errors[2]) < 2e-3 * exact
    assert [errors[0] / errors[1], errors[1] / errors[2]] == pytest.approx([4.0, 4.0], rel=0.1)


def test_solution_of_bratus_equation() -> None:
    """The maximum of u'' + e^u = 0 between zeros is 2 ln cosh(c), with cosh(c) = c sqrt(8)."""
    root = brentq(lambda c: math.cosh(c) - math.sqrt(8.0) * c, 0.1, 1.0)
    steady = solve_steady(bratu(1.0, 64))
    assert (steady.peak.max - AMBIENT) * 0.02 == pytest.approx(2.0 * math.log(math.cosh(root)), rel=5e-4)


@pytest.mark.parametrize(
    "law",
    [
        {"doubles_every": 30.0, "at": 358.15},
        {"beta": "0.02 1/K", "at": "85 degC"},
        {"table": ((300.0, 0.4), (358.15, 1.0), (400.0, 2.1)), "at": 358.15},
        {"polynomial": (1.0, 0.02, 1e-4), "at": 358.15},
        {"preset": "finfet_5nm", "at": 358.15},
        {"preset": "gaa_2nm_backside", "at": 368.15},
    ],
)
def test_laws_of_leakage(law: dict[str, Any]) -> None:
    leakage = Leakage(4.0, **law)
    steady = solve_steady(node(0.2, leakage))
    assert leakage.law is not None
    factor = float(leakage.law.factor(np.array(steady.peak.max)))
    assert steady.peak.max - AMBIENT == pytest.approx(0.2 * (DYNAMIC + 4.0 * factor), rel=1e-6)


def test_table_of_parts_has_the_leakage_at_the_solution() -> None:
    blocks = (
        ts.Block("a", (0.0, 0.0), (2 * mm, 4 * mm), 3.0, Leakage(1.0, at=350.0, beta=0.01)),
        ts.Block("b", (2 * mm, 0.0), (2 * mm, 4 * mm), 1.0, Leakage(2.0, at=350.0, beta=0.02)),
    )
    active = Layer("active", 1e-5, "silicon", Power(blocks=blocks))
    stack = Stack("die", (4 * mm, 4 * mm), (active, Layer("bulk", 0.3 * mm, "silicon")))
    package = Package("p", (stack,), Cooling(bottom=FixedTemperature(350.0)))
    steady = solve_steady(discretize(package, cell=0.5 * mm))
    parts = {part.name: part for part in steady.parts}
    assert parts["die.active"].reference_leakage == pytest.approx(3.0)
    assert parts["die.active"].leakage == pytest.approx(3.0, rel=0.02)  # near 350 K
    assert parts["die.active.b"].leakage == pytest.approx(2.0, rel=0.02)
    assert parts["die.active.b"].power == pytest.approx(1.0)
    assert steady.nonlinear is not None
    assert parts["die.active"].leakage == pytest.approx(steady.nonlinear.leakage)
    assert steady.heat_balance.heat_in == pytest.approx(4.0 + steady.nonlinear.leakage)


# -- all at once -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fcbga", "cowos_s_h100", "v_cache", "hbm3_8h", "emib_spr"])
def test_few_outer_iterations_with_everything_at_once(name: str) -> None:
    steady = solve_steady(discretize(exposed(name, leakage=0.05), fineness=0.5), estimate=False)
    report = steady.nonlinear
    assert report is not None
    assert report.iterations <= 8
    assert steady.heat_balance.relative < 1e-7


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_package_needs_few_outer_iterations(name: str) -> None:
    """Leakage, conductivities, radiation and free convection at once, below the critical leakage."""
    leakage = 0.05
    while True:
        try:
            steady = solve_steady(discretize(exposed(name, leakage=leakage), fineness=0.7), estimate=False)
            break
        except RunawayError:
            leakage *= 0.5
    assert steady.nonlinear is not None
    assert steady.nonlinear.loop_gain is not None
    # 9 of sip_rf_power at a loop gain of 0.52, where leakage of 0.3 W at 85 degC is 2 W at 196 degC
    assert steady.nonlinear.iterations <= (8 if steady.nonlinear.loop_gain < 0.5 else 12)


def test_error_estimate_contains_the_leakage() -> None:
    """A finer grid changes the temperature by less than the estimate, also near runaway."""
    package = exposed("fcbga", leakage=0.05)
    coarse = solve_steady(discretize(package, fineness=0.5))
    fine = solve_steady(discretize(package, fineness=1.5), estimate=False)
    error = coarse.peak.error
    assert error is not None
    assert abs(coarse.peak.max - fine.peak.max) < error


def test_refinement_to_a_tolerance() -> None:
    steady = solve_steady(exposed("fcbga", leakage=0.02), tolerance="2 K")
    assert steady.refinement is not None
    assert steady.peak.error is not None
    assert steady.peak.error <= 2.0
    assert steady.nonlinear is not None


def test_file_and_fluxes(tmp_path: Path) -> None:
    steady = solve_steady(discretize(exposed("fcbga", leakage=0.05), fineness=0.5))
    steady.save(tmp_path / "a.vtkhdf")
    again = ts.read_result(tmp_path / "a.vtkhdf")
    assert again.nonlinear == steady.nonlinear
    assert again.parts == steady.parts
    point = (1e-3, 1e-3, 1.5e-3)
    assert again.at(*point) == pytest.approx(steady.at(*point), abs=1e-9)
    assert again.fluxes.boundary_outflow.sum() == pytest.approx(steady.heat_balance.heat_in, rel=1e-6)
    assert again.fluxes.model.total_power == pytest.approx(steady.heat_balance.heat_in, rel=1e-6)


def test_session_follows_changes() -> None:
    session = ts.Session(exposed("fcbga", leakage=0.03), cell="2 mm")
    changes: list[Callable[[], Any]] = [
        lambda: session.set("cooling.surroundings.free_convection.emissivity", 0.1),
        lambda: session.set("cooling.surroundings.free_convection.ambient", "45 degC"),
    ]
    for change in changes:
        change()
        result = session.solve(tolerance="0.1 K")
        fresh = solve_steady(session.model)
        assert result.peak.max == pytest.approx(fresh.peak.max, abs=0.1)
        assert result.nonlinear is not None
        assert fresh.nonlinear is not None
        assert result.nonlinear.loop_gain == pytest.approx(fresh.nonlinear.loop_gain, rel=1e-2)


@pytest.mark.parametrize(
    "analysis",
    [
        lambda model: ts.influence(model),
        lambda model: ts.thermal_impedance(model, times=[1e-3, 1.0]),
        lambda model: solve_steady(model, estimate=False).zoom("die"),
    ],
)
def test_linear_analyses_refuse_it(analysis: Callable[[ts.Model], Any]) -> None:
    model = discretize(exposed("fcbga", leakage=0.02), cell=4 * mm)
    with pytest.raises(ts.ArgumentError, match=r"needs linear cooling.*no linear function.*and leakage"):
        analysis(model)


# -- boiling -----------------------------------------------------------------------------------------


def test_boiling_crisis_has_its_place_and_no_result() -> None:
    die = Stack("die", (10 * mm, 10 * mm), (Layer("si", 0.5 * mm, "silicon", Power(total=16.0)),))
    cooling = Cooling(top=PoolBoiling("FC-72", "56.6 degC", 0.0053))
    with pytest.raises(
        BoilingCrisisError, match=r"boiling crisis: the heat flux at .* critical heat flux of 15.5"
    ):
        solve_steady(discretize(Package("bare", (die,), cooling), cell=mm))


def test_margin_to_the_boiling_crisis() -> None:
    die = Stack("die", (10 * mm, 10 * mm), (Layer("si", 0.5 * mm, "silicon", Power(total=5.0)),))
    steady = solve_steady(
        discretize(Package("bare", (die,), Cooling(top=PoolBoiling("FC-72", "56.6 degC", 0.0053))), cell=mm)
    )
    assert steady.nonlinear is not None
    boiling = steady.nonlinear.boiling
    assert boiling is not None
    assert boiling.flux == pytest.approx(5e4, rel=0.05)  # the flux is larger over the centre
    assert boiling.ratio == pytest.approx(15.54e4 / boiling.flux, rel=2e-3)


def test_correlation_outside_its_range_warns() -> None:
    die = Stack("die", (10 * mm, 10 * mm), (Layer("si", 0.5 * mm, "silicon", Power(total=0.1)),))
    steady = solve_steady(
        discretize(Package("b", (die,), Cooling(surroundings=FreeConvection(AMBIENT))), cell=mm)
    )
    found = [warning for warning in steady.warnings if "W-RANGE" in warning]
    assert any("Rayleigh number" in warning and "outside the range" in warning for warning in found)
