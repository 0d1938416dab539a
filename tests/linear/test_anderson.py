"""Steep conductivity tables: the accelerated iteration converges where the Picard iteration does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

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
    discretize,
    solve_steady,
)
from thermostack.errors import ConvergenceError
from thermostack.finite_volume.kirchhoff_variable import KirchhoffVariable, steepest_interval
from thermostack.linear import steady_problem as problem_module
from thermostack.linear.anderson import AndersonSettings, solve_anderson
from thermostack.linear.nonlinear_iteration import NonlinearSettings
from thermostack.units import mm

Rows = tuple[tuple[float, float], tuple[float, float]]  # temperatures [K] and conductivities [W/(m K)]
COLD, HOT = 273.15, 373.15  # K
SIDE = 2 * mm


def law(rows: Rows) -> dict[str, Any]:
    return {"table": {"temperature": list(rows[0]), "conductivity": list(rows[1])}}


def integral(rows: Rows, low: float, high: float) -> float:
    """Return the integral of the conductivity [W/m] from one temperature [K] to another."""
    points = np.unique([low, high, *(t for t in rows[0] if low < t < high)])
    return float(np.trapezoid(np.interp(points, *rows), points))


def layered(*layers: tuple[float, Rows], power: float | None = None, cell: float = 0.1 * mm) -> Any:
    """Return a model of layers, each a thickness [m] and a table, between 100 degC above and 0 degC below."""
    stack = Stack(
        "s",
        (SIDE, SIDE),
        tuple(
            Layer(f"l{n}", thickness, Material(f"m{n}", law(rows)), None if power is None else Power(power))
            for n, (thickness, rows) in enumerate(layers)
        ),
    )
    cooling = Cooling(bottom=FixedTemperature(COLD), top=FixedTemperature(HOT))
    return discretize(Package("p", (stack,), cooling), cell=(1 * mm, 1 * mm, cell))


@pytest.fixture
def few_picard_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the accelerated iteration begin after three Picard iterations, which are too few."""
    monkeypatch.setattr(problem_module, "NONLINEAR", NonlinearSettings(max_iterations=3))


STEPS: list[Rows] = [
    ((322.65, 323.65), (20.0, 2.0)),
    ((322.65, 323.65), (2.0, 20.0)),
    ((280.0, 280.01), (20.0, 2.0)),
    ((300.0, 301.0), (1.0, 1000.0)),
    ((360.0, 360.1), (500.0, 1.0)),
]


@pytest.mark.usefixtures("few_picard_iterations")
@pytest.mark.parametrize("rows", STEPS)
@pytest.mark.parametrize("power", [None, 0.5])
def test_slab_of_one_material_conducts_the_exact_heat(rows: Rows, power: float | None) -> None:
    """Half of an even power leaves below, beside the heat by Kirchhoff's transformation."""
    steady = solve_steady(layered((2 * mm, rows), power=power), estimate=False)
    exact = integral(rows, COLD, HOT) * SIDE**2 / (2 * mm) + 0.5 * (power or 0.0)
    assert steady.heat_balance.out["bottom"] == pytest.approx(exact, rel=1e-6)
    assert steady.heat_balance.relative < 1e-8


def test_layers_for_which_picard_iterations_fail() -> None:
    """Two steep tables in series; the temperature between them follows from equal heat flows."""
    lower: Rows = ((305.0, 305.1), (200.0, 5.0))
    upper: Rows = ((339.0, 339.1), (20.0, 0.2))
    steady = solve_steady(layered((0.5 * mm, lower), (1.5 * mm, upper), cell=0.02 * mm))

    def excess(between: float) -> float:
        return integral(lower, COLD, between) / 0.5 - integral(upper, between, HOT) / 1.5

    between = brentq(excess, COLD, HOT, xtol=1e-12)
    exact = integral(lower, COLD, between) / (0.5 * mm) * SIDE**2
    assert steady.heat_balance.out["bottom"] == pytest.approx(exact, rel=1e-5)
    low, high = (part for part in steady.parts if not part.is_block)
    assert low.max == pytest.approx(between, abs=0.02)
    assert high.min == pytest.approx(between, abs=0.02)
    assert low.error is not None
    assert high.error is not None
    assert max(low.error, high.error) < 0.1 * (HOT - COLD)


def inserts() -> Any:
    """Return two layers with steep tables, one with an insert of another material."""
    rows: Rows = ((323.645, 323.6877), (1.0302, 0.032824))
    insert = Region("i", (2 * mm, 2 * mm), "diamond_cvd", (1 * mm, 1 * mm))
    layers = (
        Layer("low", 0.1 * mm, Material("m0", law(rows)), regions=(insert,)),
        Layer("high", 1.5 * mm, Material("m1", law(((305.177, 306.339), (186.987, 3.8754))))),
    )
    cooling = Cooling(bottom=Convection(54755.0, COLD), top=Convection(4607.0, HOT))
    stack = Stack("s", (5 * mm, 4 * mm), layers)
    return discretize(Package("p", (stack,), cooling), cell=(0.5 * mm, 0.5 * mm, 0.05 * mm))


@pytest.mark.usefixtures("few_picard_iterations")
@pytest.mark.parametrize("method", ["multigrid", "direct"])
def test_steep_tables_beside_other_materials(method: str) -> None:
    """The heat that enters above leaves below, and a tighter tolerance gives the same heat."""
    steady = solve_steady(inserts(), estimate=False, method=method)
    tight = solve_steady(inserts(), estimate=False, method=method, residual=1e-10)
    assert steady.heat_balance.relative < 1e-8
    assert steady.heat_balance.out["bottom"] == pytest.approx(tight.heat_balance.out["bottom"], rel=2e-6)
    assert -steady.heat_balance.out["top"] == pytest.approx(steady.heat_balance.out["bottom"], rel=1e-7)


def test_iteration_that_fails_names_the_steepest_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem_module, "NONLINEAR", NonlinearSettings(max_iterations=2))
    monkeypatch.setattr(problem_module, "ANDERSON", AndersonSettings(max_iterations=1))
    message = (
        r"do not agree after 2 iterations.*; the table of m0 goes from 20 W/m/K at 49\.5 degC to "
        r"2 W/m/K at 50\.5 degC: write rows that are farther apart, or a smaller change"
    )
    with pytest.raises(ConvergenceError, match=message) as caught:
        solve_steady(layered((1 * mm, STEPS[0]), (1 * mm, ((300.0, 400.0), (20.0, 2.0)))))
    assert len(caught.value.history) == 2


def test_text_about_the_steepest_table_needs_a_table() -> None:
    power_law = Material("m", {"power_law": {"at_reference": 148.0, "exponent": 1.3}})
    stack = Stack("s", (SIDE, SIDE), (Layer("a", 1 * mm, power_law),))
    package = Package("p", (stack,), Cooling(bottom=FixedTemperature(COLD)))
    assert steepest_interval(discretize(package, cell=1 * mm)) == ""


# -- the variable and the iteration ----------------------------------------------------------------


@pytest.mark.parametrize("rows", STEPS)
def test_transformation_is_the_integral_of_the_law(rows: Rows) -> None:
    model = layered((2 * mm, rows))
    variable = KirchhoffVariable(model)
    t = np.linspace(250.0, 420.0, model.part.size).reshape(model.part.shape)
    u = variable.of_temperature(t)
    np.testing.assert_allclose(variable.to_temperature(u), t, rtol=1e-9)
    expected = integral(rows, 250.0, 420.0) / np.interp(300.0, *rows)
    assert float(u.max() - u.min()) == pytest.approx(expected, rel=1e-6)


class Diagonal:
    """The equations x + 0.9 sin(x) = b, whose change is that of the equations without the sine."""

    def __init__(self) -> None:
        self.b, self.residual = np.linspace(-3.0, 3.0, 24).reshape(2, 3, 4), np.zeros(0)

    def set_state(self, u: np.ndarray) -> float:
        self.residual = self.b - u - 0.9 * np.sin(u)
        return float(np.abs(self.residual).sum())

    def change(self) -> np.ndarray:
        return self.residual


def test_acceleration_needs_fewer_evaluations() -> None:
    found = {}
    for window in (1, 5):
        problem = Diagonal()
        settings = AndersonSettings(window=window)
        u = solve_anderson(problem, np.zeros((2, 3, 4)), 1e-6, settings)
        np.testing.assert_allclose(u + 0.9 * np.sin(u), problem.b, atol=1e-6)
        evaluations = 0
        for limit in range(1, 200):
            try:
                solve_anderson(Diagonal(), np.zeros((2, 3, 4)), 1e-6, AndersonSettings(limit, window=window))
            except ConvergenceError:
                continue
            evaluations = limit
            break
        found[window] = evaluations
    assert found[5] < found[1]
    with pytest.raises(ConvergenceError, match="stopped after 3 evaluations") as caught:
        solve_anderson(Diagonal(), np.zeros((2, 3, 4)), 1e-6, AndersonSettings(max_iterations=3))
    assert len(caught.value.history) == 3
