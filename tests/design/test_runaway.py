"""Distance to thermal runaway: critical values of a node against Lambert's function, packages, command."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.optimize import brentq

import thermostack as ts
from thermostack import Convection, Cooling, Layer, Leakage, Material, Package, Power, Stack, discretize
from thermostack.cli.main import main
from thermostack.units import mm

AMBIENT, DYNAMIC, LEAKAGE, BETA = 298.15, 80.0, 20.0, 0.02


def node(resistance: float, cooler: object = None, leakage: float = LEAKAGE) -> ts.Model:
    """Return a die of one temperature that loses its heat through a thermal resistance [K/W]."""
    power = Power(total=DYNAMIC, leakage=Leakage(leakage, at=AMBIENT, beta=BETA))
    die = Stack("die", (10 * mm, 10 * mm), (Layer("si", 1e-6, Material("ideal", 1e6), power),))
    top = Convection(1e4 / resistance, AMBIENT) if cooler is None else cooler
    return discretize(Package("node", (die,), Cooling(top=top)), cell=5 * mm)


def gain_of(resistance: float, scale: float, change: float) -> float:
    """Return beta R P_l exp(beta (T_a + R P_d - T_0)), which is 1/e at the critical values."""
    exponent = BETA * (change + resistance * scale * DYNAMIC)
    return BETA * resistance * scale * LEAKAGE * math.exp(exponent) - math.exp(-1.0)


@pytest.mark.parametrize("resistance", [0.2, 0.4, 0.44, 0.6])
def test_critical_values_of_a_node(resistance: float) -> None:
    found = ts.runaway(node(resistance))
    exact = {
        "power scale": brentq(lambda scale: gain_of(resistance, scale, 0.0), 1e-3, 100.0),
        "ambient change": brentq(lambda change: gain_of(resistance, 1.0, change), -200.0, 500.0),
        "cooler resistance": brentq(lambda r: gain_of(r, 1.0, 0.0), 1e-3, 10.0),
    }
    assert (found.loop_gain is None) == (resistance == 0.6)
    for each in found.critical:
        width = each.high - each.low
        value = exact[each.quantity]
        assert each.low - 1e-6 <= value <= each.high + 1e-6
        scale = 150.0 if each.quantity == "ambient change" else value
        assert width <= 0.011 * scale
        assert each.points[0].loop_gain < each.points[-1].loop_gain < 1.0


def test_package_whose_power_runs_away_has_no_operating_point() -> None:
    found = ts.runaway(node(1.0))
    assert found.loop_gain is None
    assert found.temperature is None
    assert "no steady state" in repr(found)
    assert found.of("power scale").value < 1.0
    assert found.of("cooler resistance").value == pytest.approx(0.44864, rel=0.01)


def test_leakage_that_is_small_never_runs_away_below_the_bound() -> None:
    scale = ts.runaway(node(1e-6)).of("power scale")
    assert math.isinf(scale.high)
    assert scale.low == pytest.approx(100.0)
    assert "none below 100" in ts.runaway(node(1e-6)).table()


def test_coolers_that_have_no_resistance_are_left_out() -> None:
    found = ts.runaway(node(0.2, ts.FreeConvection("25 degC", length="1 m", emissivity=0.9), leakage=1e-3))
    assert [each.quantity for each in found.critical] == ["power scale", "ambient change"]
    pool = ts.PoolBoiling("water", "99.9 degC", 0.0128, exponent=1.0)
    found = ts.runaway(node(0.2, pool, leakage=0.1))
    assert [each.quantity for each in found.critical] == ["power scale"]


def test_package_with_several_coolers() -> None:
    package = ts.read_package("fcbga")
    stacks = tuple(
        replace(stack, leakage=Leakage("0.5 W", at="85 degC", doubles_every="30 K"))
        if any(layer.power is not None for layer in stack.layers)
        else stack
        for stack in package.stacks
    )
    model = discretize(replace(package, stacks=stacks), cell="3 mm")
    found = ts.runaway(model)
    scale = found.of("power scale")
    with pytest.raises(ts.RunawayError):
        ts.solve_steady(_scaled(model, 1.01 * scale.high), estimate=False)
    assert ts.solve_steady(_scaled(model, 0.99 * scale.low), estimate=False).nonlinear is not None
    assert found.of("cooler resistance").name == "cooling.top"


def _scaled(model: ts.Model, factor: float) -> ts.Model:
    from thermostack.design.runaway import scaled_powers

    return scaled_powers(model, factor)


def test_package_without_leakage_is_refused() -> None:
    with pytest.raises(ts.ArgumentError, match="the package has no leakage"):
        ts.runaway(ts.read_package("fcbga"))


def test_figure_and_data(tmp_path: Path) -> None:
    found = ts.runaway(node(0.4))
    found.plot(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 5000
    data = json.loads(json.dumps(found.to_dict()))
    assert data["loop_gain"] == pytest.approx(0.5006, abs=1e-3)
    assert {each["quantity"] for each in data["critical"]} >= {"power scale", "cooler resistance"}


SETTINGS = (
    "--set",
    "stacks.die.leakage={total: 0.5 W, at: 85 degC, doubles_every: 30 K}",
    "--cell",
    "4 mm",
)


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runaway", "fcbga", *SETTINGS]) == 0
    text = capsys.readouterr().out
    assert "loop gain" in text
    assert "cooler resistance, cooling.top" in text
    assert main(["runaway", "fcbga", *SETTINGS, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["critical"][0]["quantity"] == "power scale"


def test_command_without_steady_state_ends_with_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    hot = [text.replace("0.5 W", "50 W") for text in SETTINGS]
    assert main(["runaway", "fcbga", *hot]) == 3
    assert "no steady state" in capsys.readouterr().out
    assert main(["solve", "fcbga", *hot, "--no-save"]) == 3
    assert "thermal runaway" in capsys.readouterr().err
    assert main(["runaway", "fcbga", "--cell", "4 mm"]) == 2
