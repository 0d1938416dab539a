"""Materials that depend on temperature: heat flows agree with the temperatures of the result, or an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import random_packages
from support.random_packages import with_materials

import thermostack as ts
from thermostack import (
    Convection,
    Cooling,
    FixedTemperature,
    Layer,
    Material,
    Package,
    Power,
    Region,
    Stack,
    SteadyResult,
    discretize,
    solve_steady,
)
from thermostack.errors import ConvergenceError
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.heat_balance import heat_through, residual_rounding, total_residual
from thermostack.linear import steady_problem as problem_module
from thermostack.linear.anderson import AndersonSettings
from thermostack.linear.nonlinear_iteration import NONLINEAR, NonlinearSettings, solve_nonlinear
from thermostack.package.stack import Interface
from thermostack.units import mm

CASE = Path(__file__).parents[1] / "validation/cases/k_700_250.yaml"
FALLING = {"power_law": {"at_reference": 148.0, "exponent": 1.3}}


def heat_through_top(steady: SteadyResult) -> float:
    return steady.heat_balance.out["top"]


# -- a slab between two fixed temperatures -----------------------------------------------------------


@pytest.mark.parametrize("method", ["multigrid", "direct"])
def test_thin_cells_between_fixed_temperatures(method: str) -> None:
    """Fixed temperatures bring 30 times more heat to the half cells than passes through the body."""
    model = discretize(ts.read_package(CASE), cell=(2.5 * mm, 2.5 * mm, 0.04 * mm))
    steady = solve_steady(model, method=method)
    assert heat_through_top(steady) == pytest.approx(544.67, abs=0.005)
    assert steady.of("body.slab").mean - 273.15 == pytest.approx(148.875, abs=1e-3)


def test_steady_start_of_a_transient_settles_too() -> None:
    law = {"power_law": {"at_reference": 40.0, "exponent": 1.4}}
    material = Material("m", law, volumetric_heat_capacity=2e6)
    described = ts.read_package(CASE)
    stack = Stack("body", (10 * mm, 10 * mm), (Layer("slab", 2 * mm, material),))
    model = discretize(replace(described, stacks=(stack,)), cell=(5 * mm, 5 * mm, 0.1 * mm))
    steady = solve_steady(model, residual=1e-11, estimate=False)
    start = ts.Simulation(model, initial="steady")
    assert np.abs(start.field - steady.field).max() < 1e-3


# -- random laws -------------------------------------------------------------------------------------


@st.composite
def laws(draw: st.DrawFn) -> Any:
    """Return a constant, a power law, or a table that may rise or fall tenfold within a few kelvin."""
    at_300_k = 10.0 ** draw(st.floats(0.5, 2.6))
    kind = draw(st.sampled_from(("constant", "power_law", "orthotropic", "table", "steep")))
    if kind == "constant":
        return at_300_k
    if kind == "power_law":
        return {"power_law": {"at_reference": at_300_k, "exponent": draw(st.floats(-3.0, 3.0))}}
    if kind == "orthotropic":
        values = (at_300_k, at_300_k * draw(st.floats(0.1, 1.0)))
        return {"power_law": {"at_reference": values, "exponent": draw(st.floats(-2.0, 2.0))}}
    if kind == "table":
        rows = [250.0, 320.0, 400.0, 520.0, 800.0]
        factors = [10.0 ** draw(st.floats(-0.4, 0.4)) for _ in rows]
        return {"table": {"temperature": rows, "conductivity": [at_300_k * f for f in factors]}}
    step, width = draw(st.floats(290.0, 450.0)), draw(st.floats(2.0, 20.0))
    values = [at_300_k, at_300_k, at_300_k * 10.0 ** draw(st.floats(-1.0, 1.0))]
    return {"table": {"temperature": [200.0, step, step + width], "conductivity": values}}


@st.composite
def coolers(draw: st.DrawFn) -> Any:
    temperature = draw(st.floats(250.0, 600.0))
    if draw(st.booleans()):
        return FixedTemperature(temperature)
    return Convection(10.0 ** draw(st.floats(2.0, 5.0)), temperature)


@st.composite
def packages(draw: st.DrawFn) -> Package:
    """Return one to three layers, some heated, some with an insert, between two coolers."""
    layers = []
    for n in range(draw(st.integers(1, 3))):
        insert = Region("insert", (2 * mm, 2 * mm), Material(f"insert_{n}", draw(laws())), (1 * mm, 1 * mm))
        power = Power(total=draw(st.floats(0.1, 10.0))) if draw(st.booleans()) else None
        join = Interface(bottom=1e-5) if n and draw(st.booleans()) else Interface()
        thickness = draw(st.sampled_from((0.1, 0.5, 1.5))) * mm
        regions = (insert,) if draw(st.booleans()) else ()
        layers.append(Layer(f"l{n}", thickness, Material(f"m{n}", draw(laws())), power, join, regions))
    cooling = Cooling(bottom=draw(coolers()), top=draw(coolers()))
    return Package("random", (Stack("s", (5 * mm, 4 * mm), tuple(layers)),), cooling)


@pytest.mark.usefixtures("float64_conductances")
@settings(max_examples=25, deadline=None)
@given(packages())
def test_heat_flows_equal_those_of_a_tight_run(package: Package) -> None:
    """Each heat flow to 1e-6 of the heat that passes through, and the balance closes."""
    model = discretize(package, cell=(1 * mm, 1 * mm, 0.1 * mm))
    steady = solve_steady(model, estimate=False)
    tight = solve_steady(model, residual=1e-12, estimate=False)
    out = steady.heat_balance.out
    passing = max(abs(steady.heat_balance.heat_in), sum(map(abs, out.values())) / 2.0)
    for face, heat in tight.heat_balance.out.items():
        assert out[face] == pytest.approx(heat, abs=1e-6 * passing)
    assert steady.heat_balance.relative <= 1e-8
    assert np.nanmax(np.abs(steady.field - tight.field)) < 1e-2


@st.composite
def packages_of_stacks(draw: st.DrawFn) -> Package:
    """Return dies beside, on and inside each other whose materials have random laws."""
    known: dict[str, Material] = {}

    def become(material: Material) -> Material:
        if material.name not in known:
            known[material.name] = Material(material.name, draw(laws()))
        return known[material.name]

    return with_materials(draw(random_packages.packages()), become)


@pytest.mark.usefixtures("float64_conductances")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(packages_of_stacks())
def test_heat_and_means_of_random_packages_equal_those_of_a_tight_run(package: Package) -> None:
    """Heat of each cooler to 1e-6 of the heat that passes, means to 1e-5 of the range of temperatures."""
    model = discretize(package, cell=(1.5 * mm, 1.5 * mm, 0.2 * mm))
    steady = solve_steady(model, estimate=False)
    tight = solve_steady(model, residual=1e-12, estimate=False)
    out = steady.heat_balance.out
    passing = max(abs(steady.heat_balance.heat_in), sum(map(abs, out.values())) / 2.0, 1e-9)
    for name, heat in tight.heat_balance.out.items():
        assert out[name] == pytest.approx(heat, abs=1e-6 * passing)
    assert steady.heat_balance.relative <= 1e-8
    span = np.nanmax(tight.field) - np.nanmin(tight.field)
    for part in tight.parts:
        assert steady.of(part.name).mean == pytest.approx(part.mean, abs=1e-5 * span + 1e-6)


@pytest.mark.parametrize("factor", [0.02, 50.0])
def test_conductivity_that_jumps_within_a_tenth_of_a_kelvin(factor: float) -> None:
    """The iteration oscillates across the jump; smaller changes of temperature let it converge."""
    rows = {"temperature": [250.0, 400.0, 400.1, 800.0], "conductivity": [40.0, 40.0, *[40.0 * factor] * 2]}
    stack = Stack("s", (2 * mm, 2 * mm), (Layer("l", 2 * mm, Material("jump", {"table": rows})),))
    cooling = Cooling(bottom=FixedTemperature(600.0), top=FixedTemperature(300.0))
    steady = solve_steady(discretize(Package("p", (stack,), cooling), cell=(1 * mm, 1 * mm, 0.05 * mm)))
    integral = 40.0 * 100.0 + 20.0 * (1.0 + factor) * 0.1 + 40.0 * factor * 199.9
    assert heat_through_top(steady) == pytest.approx(integral * 2e-3, rel=1e-4)


# -- an iteration that fails -------------------------------------------------------------------------


def heated_slab() -> Package:
    layers = (Layer("bulk", 1 * mm, Material("si", FALLING), Power(total=40.0)),)
    return Package("slab", (Stack("s", (2 * mm, 2 * mm), layers),), Cooling(bottom=FixedTemperature(300.0)))


def test_iteration_without_convergence_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem_module, "NONLINEAR", NonlinearSettings(max_iterations=2))
    monkeypatch.setattr(problem_module, "ANDERSON", AndersonSettings(max_iterations=1))
    message = "do not agree after 2 iterations: cells are out of balance by .* of the heat"
    with pytest.raises(ConvergenceError, match=message) as caught:
        solve_steady(heated_slab())
    assert len(caught.value.history) == 2
    assert caught.value.history[0] > 1e-3


class Scalar:
    """The equation g(x) x = 1 in one unknown, whose Picard iteration is x = 1 / g(x)."""

    is_linear = has_boundary_laws = has_leakage = False

    def __init__(self, exponent: float) -> None:
        self.exponent, self.conductance, self.rounded = exponent, 2.0, 0.0

    def solve(self, rise: np.ndarray | None, reduction: float) -> np.ndarray:
        return np.full((1, 1, 1), 1.0 / self.conductance)

    def update(self, rise: np.ndarray) -> float:
        self.conductance = 2.0 * float(rise[0, 0, 0]) ** self.exponent
        return abs(1.0 - self.conductance * float(rise[0, 0, 0]))

    def rounding(self, rise: np.ndarray) -> float:
        return self.rounded


@pytest.mark.parametrize("exponent", [-0.8, 0.5, 1.0, 2.0])
def test_oscillating_iteration_converges_with_relaxation(exponent: float) -> None:
    """Without relaxation the error of x is multiplied by -exponent in each iteration."""
    rise = solve_nonlinear(Scalar(exponent), NONLINEAR)
    assert rise[0, 0, 0] == pytest.approx(0.5 ** (1.0 / (1.0 + exponent)), rel=1e-5)


def test_residual_that_is_rounding_is_accepted_only_where_it_stagnates() -> None:
    """The iteration of x = 1 / (2 x) alternates between two values without relaxation."""
    problem, settings = Scalar(1.0), NonlinearSettings(min_relaxation=1.0, max_relaxation=1.0)
    with pytest.raises(ConvergenceError, match="after 150 iterations") as caught:
        solve_nonlinear(problem, settings)
    assert list(caught.value.history[:4]) == [0.5, 1.0, 0.5, 1.0]
    problem.conductance, problem.rounded = 2.0, 1.0
    assert solve_nonlinear(problem, settings)[0, 0, 0] == 1.0


# -- the residual ------------------------------------------------------------------------------------


def test_residual_is_that_of_the_operator() -> None:
    model = discretize(heated_slab(), cell=0.5 * mm)
    conduction = assemble_conduction(model)
    rng = np.random.default_rng(0)
    t, rhs = rng.standard_normal((2, *model.grid.shape))
    assert total_residual(conduction, rhs, t) == pytest.approx(np.abs(rhs - conduction.apply(t)).sum())
    assert 0.0 < residual_rounding(conduction, t) < 1e-6 * total_residual(conduction, rhs, t)


def test_heat_through_is_what_enters_or_what_leaves() -> None:
    power = np.array([3.0, -1.0])
    assert heat_through([power], np.array([2.0, 0.5])) == 3.5
    assert heat_through([power], np.array([-4.0, 1.0])) == 7.0
    assert heat_through([], np.zeros(0)) == 0.0
