"""Steady solves from nanowatts to kilowatts: the heat balance closes, and resistances are the same."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    FixedTemperature,
    Layer,
    Material,
    Package,
    Power,
    Stack,
    discretize,
    solve_steady,
)
from thermostack.steady import BALANCE_TOLERANCE
from thermostack.units import mm, um

AMBIENT = 300.0  # K
POWERS = [10.0**n for n in range(-9, 4)]  # W
TEMPERATURE_ROUNDING = 2e-13  # K, of temperatures near 300 K in float64

COOLINGS = {
    "natural convection": Cooling(surroundings=Convection(10.0, AMBIENT)),
    "strong convection": Cooling(top=Convection(1e6, AMBIENT), surroundings=Convection(5.0, AMBIENT)),
    "fixed temperature": Cooling(bottom=FixedTemperature(AMBIENT)),
}


def die_on_board(power: float, cooling: Cooling, silicon: Material) -> Package:
    """Return a die with one heated block on a board."""
    block = Block("core", (2 * mm, 2 * mm), (1 * mm, 1 * mm), power)
    active = Layer("active", 10 * um, silicon, Power(blocks=(block,)))
    board = Stack("board", (20 * mm, 20 * mm), (Layer("fr4", 1 * mm, "fr4"),))
    layers = (Layer("bulk", 0.5 * mm, silicon), active)
    die = Stack("die", (5 * mm, 5 * mm), layers, on="board", position=(5 * mm, 5 * mm))
    return Package("tiny", (board, die), cooling)


@pytest.mark.parametrize("name", COOLINGS)
def test_resistance_does_not_depend_on_the_power(name: str) -> None:
    silicon = Material("constant", 148.0)
    found = []
    for power in POWERS:
        model = discretize(die_on_board(power, COOLINGS[name], silicon), fineness=0.4)
        steady = solve_steady(model, estimate=power == POWERS[0])
        assert steady.heat_balance.relative < 1e-8
        assert steady.heat_balance.out[next(iter(steady.heat_balance.out))] > 0.0
        found.append((steady.peak.max - AMBIENT) / power)
    np.testing.assert_allclose(found[3:], found[-1], rtol=1e-6)
    for power, resistance in zip(POWERS, found, strict=True):
        assert resistance == pytest.approx(found[-1], rel=1e-6, abs=TEMPERATURE_ROUNDING / power)


@pytest.mark.parametrize("name", COOLINGS)
@pytest.mark.parametrize("power", [1e-9, 1e-6, 1e-5, 1.0])
def test_conductivity_that_depends_on_temperature(name: str, power: float) -> None:
    silicon = Material("falling", {"power_law": {"at_reference": 148.0, "exponent": 1.3}})
    steady = solve_steady(discretize(die_on_board(power, COOLINGS[name], silicon), fineness=0.4))
    assert steady.heat_balance.relative < 1e-8
    assert sum(steady.heat_balance.out.values()) == pytest.approx(power, rel=1e-7)


@pytest.mark.parametrize("method", ["multigrid", "direct"])
@pytest.mark.parametrize("power", [1e-9, 1e-5])
def test_small_power_beside_a_large_difference_of_ambient_temperatures(power: float, method: str) -> None:
    """Two bodies that do not touch, one at 125 degC, or two ambient temperatures 1e-9 K apart."""
    gap = (Layer("a", 0.5 * mm, "copper", Power(total=power)), Layer("gap", 1 * mm, "void"))
    apart = Stack("s", (20 * mm, 20 * mm), (*gap, Layer("b", 0.5 * mm, "copper")))
    cooling = Cooling(bottom=Convection(1e6, 298.15), top=Convection(1e6, 398.15))
    steady = solve_steady(discretize(Package("p", (apart,), cooling), cell=5 * mm), method=method)
    assert steady.heat_balance.relative <= BALANCE_TOLERANCE
    joined = Stack("s", (20 * mm, 20 * mm), (gap[0],))
    cooling = Cooling(bottom=FixedTemperature(AMBIENT), top=FixedTemperature(AMBIENT + 1e-9))
    steady = solve_steady(discretize(Package("p", (joined,), cooling), cell=5 * mm), method=method)
    assert steady.heat_balance.relative <= BALANCE_TOLERANCE
