"""Transients with boundary laws and leakage: lumped bodies, steady starts, outcomes, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import thermostack as ts
from thermostack import (
    BoilingCrisisError,
    Convection,
    Cooling,
    Layer,
    Leakage,
    Material,
    Package,
    Power,
    Radiation,
    RunawayError,
    Simulation,
    Stack,
    discretize,
    solve_steady,
    solve_transient,
)
from thermostack.boundary_laws.boundary_law import STEFAN_BOLTZMANN
from thermostack.units import mm

AMBIENT = 298.15
AREA, HEIGHT, CAPACITY = 1e-4, 1 * mm, 2e6  # m2, m, J/(m3 K)
STORED = AREA * HEIGHT * CAPACITY  # J/K


def body(power: Power, top: Any, conductivity: float = 1e5) -> ts.Model:
    """Return a body of one temperature."""
    material = Material("ideal", conductivity, volumetric_heat_capacity=CAPACITY)
    stack = Stack("die", (10 * mm, 10 * mm), (Layer("si", HEIGHT, material, power),))
    return discretize(Package("lumped", (stack,), Cooling(top=top)), cell=5 * mm)


def lumped(rate: Any, duration: float) -> Any:
    return solve_ivp(rate, (0.0, duration), [AMBIENT], rtol=1e-10, atol=1e-8, dense_output=True)


@pytest.mark.parametrize("tolerance", [0.5, 0.05])
def test_body_that_radiates_follows_its_equation(tolerance: float) -> None:
    model = body(Power(total=0.5), Radiation(0.9, AMBIENT))

    def rate(_: float, t: Any) -> Any:
        return (0.5 - AREA * 0.9 * STEFAN_BOLTZMANN * (t**4 - AMBIENT**4)) / STORED

    exact = lumped(rate, 600.0)
    simulation = Simulation(model, initial="outside", tolerance=tolerance)
    for time in (50.0, 200.0, 600.0):
        simulation.advance(time)
        assert simulation.peak == pytest.approx(exact.sol(time)[0], abs=2.0 * tolerance)
    balance = simulation.energy
    assert balance.imbalance == pytest.approx(0.0, abs=1e-6 * balance.generated)


@pytest.mark.parametrize("tolerance", [0.5, 0.05])
def test_body_with_leakage_follows_its_equation(tolerance: float) -> None:
    leakage = Leakage("1 W", at="85 degC", beta=0.02)
    model = body(Power(total=2.0, leakage=leakage), Convection(600.0, AMBIENT))

    def rate(_: float, t: Any) -> Any:
        return (2.0 + np.exp(0.02 * (t - 358.15)) - 600.0 * AREA * (t - AMBIENT)) / STORED

    exact = lumped(rate, 40.0)
    simulation = Simulation(model, initial="outside", tolerance=tolerance)
    for time in (2.0, 10.0, 40.0):
        simulation.advance(time)
        assert simulation.peak == pytest.approx(exact.sol(time)[0], abs=2.0 * tolerance)
    parts = simulation.temperatures()
    leaked = float(np.exp(0.02 * (simulation.peak - 358.15)))
    assert parts["die"].leakage == pytest.approx(leaked, rel=1e-3)
    assert parts["die"].power == 2.0


def test_runaway_has_the_time_of_the_equation() -> None:
    leakage = Leakage("3 W", at="85 degC", beta=0.02)
    model = body(Power(total=3.0, leakage=leakage), Convection(400.0, AMBIENT))

    def rate(_: float, t: Any) -> Any:
        return (3.0 + 3.0 * np.exp(0.02 * (t - 358.15)) - 400.0 * AREA * (t - AMBIENT)) / STORED

    def is_hot(_: float, t: Any) -> float:
        return float(t[0] - 1500.0)

    is_hot.terminal = True  # type: ignore[attr-defined]
    exact = solve_ivp(rate, (0.0, 1000.0), [AMBIENT], rtol=1e-9, events=is_hot)
    with pytest.raises(RunawayError, match=r"thermal runaway: at .* s the maximum temperature") as caught:
        solve_transient(model, 1000.0, initial="outside", tolerance=0.1)
    time = float(str(caught.value).split(": at ")[1].split(" s ")[0])
    assert time == pytest.approx(exact.t[-1], rel=5e-3)
    with pytest.raises(RunawayError, match="no steady temperature exists"):
        Simulation(model, initial="steady")


@pytest.mark.parametrize("leakage", [None, Leakage("0.2 W", at="85 degC", beta=0.02)])
def test_steady_start_stays_and_long_runs_end_there(leakage: Leakage | None) -> None:
    cooler = ts.FreeConvection(AMBIENT, length="60 mm", emissivity=0.9)
    silicon = Material(
        "k", {"power_law": {"at_reference": 20.0, "exponent": 1.3}}, volumetric_heat_capacity=2e6
    )
    layers = (Layer("si", 2 * mm, silicon, Power(total=1.0, leakage=leakage)),)
    package = Package("p", (Stack("die", (20 * mm, 20 * mm), layers),), Cooling(surroundings=cooler))
    model = discretize(package, cell=4 * mm)
    steady = solve_steady(model, estimate=False)
    simulation = Simulation(model, initial="steady", tolerance=0.1)
    simulation.advance(100.0)
    assert np.nanmax(np.abs(simulation.field - steady.field)) < 1e-3
    simulation = Simulation(model, initial="outside", tolerance=0.1)
    simulation.advance(20_000.0)
    assert np.nanmax(np.abs(simulation.field - steady.field)) < 0.1


def test_state_continues_to_the_same_temperatures() -> None:
    leakage = Leakage("0.5 W", at="85 degC", beta=0.02)
    model = body(Power(total=1.0, leakage=leakage), Convection(300.0, AMBIENT, emissivity=0.9), 50.0)
    first = Simulation(model, initial="outside", tolerance=0.1)
    first.advance(3.0)
    second = Simulation(model, initial="outside", tolerance=0.1)
    second.restore(first.state())
    for simulation in (first, second):
        simulation.advance(9.0)
    assert np.nanmax(np.abs(first.field - second.field)) < 1e-9


def test_history_has_power_with_leakage(tmp_path: Path) -> None:
    leakage = Leakage("0.5 W", at="85 degC", beta=0.02)
    model = body(Power(total=1.0, leakage=leakage), Convection(300.0, AMBIENT))
    run = solve_transient(model, 5.0, initial="outside", path=tmp_path / "a.vtkhdf")
    power = run.power[:, list(run.names).index("die.si")]
    expected = 1.0 + 0.5 * np.exp(0.02 * (run.mean[:, list(run.names).index("die.si")] - 358.15))
    assert power == pytest.approx(expected, rel=1e-3)
    again = ts.read_transient(tmp_path / "a.vtkhdf")
    assert again.power == pytest.approx(run.power)


def test_boiling_crisis_has_its_time() -> None:
    model = body(Power(total=20.0), ts.PoolBoiling("FC-72", "50 degC", 0.0053))
    with pytest.raises(BoilingCrisisError, match=r"boiling crisis at .* s"):
        solve_transient(model, 20.0, initial="outside")


def test_traces_of_laws_are_refused() -> None:
    model = body(Power(total=1.0), Radiation(0.9, AMBIENT))
    trace = ts.Trace([0.0, 1.0], ("cooling.top",), ("K",), np.array([[300.0], [310.0]]), after="hold")
    with pytest.raises(ts.DescriptionError, match="follows from the temperature"):
        solve_transient(model, 1.0, trace, initial="outside")
