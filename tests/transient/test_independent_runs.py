"""Runs do not change the loads of the next run, and refuse loads and initial fields of other models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.small_workloads import pulses, workload_model, workload_package

from thermostack import (
    DescriptionError,
    Governor,
    Grid,
    Loads,
    Simulation,
    TransientResult,
    discretize,
    solve_steady,
    solve_transient,
)
from thermostack.units import mm

MODEL = workload_model()
END = 0.02  # s


def play(loads: Any, **options: Any) -> TransientResult:
    usual = {"initial": "outside", "threads": 1, "tolerance": 0.5}
    return solve_transient(MODEL, END, loads, **{**usual, **options})


def equal(one: TransientResult, other: TransientResult) -> bool:
    names = ("time", "mean", "power", "field")
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in names)


# -- loads of several runs -----------------------------------------------------------------------


def test_throttling_of_a_run_does_not_change_its_loads() -> None:
    loads = Loads(MODEL, pulses())
    free = play(pulses())
    held = play(loads, controllers=[Governor(lambda time, t: {"die": 0.3}, period=1e-3)])
    assert held.energy[-1, 0] < 0.9 * free.energy[-1, 0]
    assert equal(play(loads), free)


def test_steps_of_a_simulation_do_not_change_its_loads() -> None:
    loads = Loads(MODEL, pulses())
    simulation = Simulation(MODEL, loads, initial="outside", threads=1)
    simulation.step(0.01, {"die": 1.0})
    simulation.scale({"memory": 0.5})
    assert simulation.loads.power(0.0).sum() < loads.power(0.0).sum()
    assert equal(play(loads), play(pulses()))


def test_powers_replaced_before_a_run_hold_in_it_and_in_the_next() -> None:
    loads = Loads(MODEL)
    loads.override({"die": 1.0})
    first, second = play(loads), play(loads)
    assert first.power[0, first.names.index("die.active")] == pytest.approx(1.0)
    assert equal(first, second)


# -- loads and initial fields of other models ----------------------------------------------------


def other_models() -> dict[str, Any]:
    package = workload_package()
    die = package.stack("die")
    powered = die.layers[0].power
    assert powered is not None
    hot = replace(die.layers[0], power=replace(powered, scale_to=100.0))
    stacks = [replace(die, layers=(hot, die.layers[1])) if s is die else s for s in package.stacks]
    moved = Grid(MODEL.grid.x, MODEL.grid.y, np.where(MODEL.grid.z == 0.5 * mm, 0.4 * mm, MODEL.grid.z))
    return {
        "power": discretize(replace(package, stacks=tuple(stacks)), grid=MODEL.grid),
        "cooling": discretize(workload_package(top=3e3), grid=MODEL.grid),
        "grid": discretize(package, 1 * mm),
        "planes": discretize(package, grid=moved),
    }


OTHERS = other_models()


@pytest.mark.parametrize("name", OTHERS)
def test_loads_of_another_model_are_refused(name: str) -> None:
    loads = Loads(OTHERS[name])
    for run in (lambda: play(loads), lambda: Simulation(MODEL, loads, initial=300.0)):
        with pytest.raises(DescriptionError, match=r"loads: they belong to a model of 'workload' .*Loads\("):
            run()


def test_loads_of_an_equal_model_are_accepted() -> None:
    assert equal(play(Loads(workload_model(), pulses())), play(pulses()))


@pytest.mark.parametrize("name", ["grid", "planes", "parts"])
def test_initial_result_with_other_cells_is_refused(name: str) -> None:
    package = workload_package()
    stacks = tuple(replace(s, name="board2") if s.name == "board" else s for s in package.stacks)
    stacks = tuple(replace(s, on=("board2",)) if s.on else s for s in stacks)
    parts = discretize(replace(package, stacks=stacks), grid=MODEL.grid)
    steady = solve_steady({**OTHERS, "parts": parts}[name], estimate=False)
    with pytest.raises(ValueError, match="a result of 'workload' with other parts or another grid"):
        play(pulses(), initial=steady)


@pytest.mark.parametrize("name", ["power", "cooling"])
def test_initial_result_of_another_power_or_cooling_is_accepted(name: str) -> None:
    steady = solve_steady(OTHERS[name], estimate=False)
    simulation = Simulation(MODEL, pulses(), initial=steady, threads=1)
    np.testing.assert_allclose(simulation.field, steady.field, rtol=1e-12)
