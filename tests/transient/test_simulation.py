"""A package in time, step by step: its start, what it is told on the way, and how it goes on from a state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from support.small_workloads import AMBIENT, HOT_SILICON, pulses, workload_model, workload_package

from thermostack import ArgumentError, DescriptionError, Simulation, Trace, discretize, solve_steady
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.heat_capacity import assemble_capacity
from thermostack.mesh.model import Model
from thermostack.transient.loads import Loads
from thermostack.units import mm

NONLINEAR = pytest.mark.parametrize(
    "model", [workload_model(), workload_model(HOT_SILICON)], ids=["linear", "not"]
)


def simulate(model: Model | None = None, loads: Any = None, **options: Any) -> Simulation:
    return Simulation(model or workload_model(), loads, threads=1, **{"tolerance": 0.05, **options})


def inside(model: Model) -> np.ndarray:
    return model.part > 0


# -- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scheme": "rk4"}, r"'rk4' is not a scheme \(it is one of implicit_euler, sdirk3, sdirk4\)"),
        ({"scheme": "implicit_euler"}, "give the length of its steps"),
        ({"tolerance": 0.0}, "greater than zero"),
        ({"tolerance": -1.0}, "greater than zero"),
        ({"tolerance": math.nan}, "nan is not a finite temperature difference"),
        ({"tolerance": math.inf}, "inf is not a finite temperature difference"),
        ({"step": 0.0}, "greater than zero"),
        ({"step": -1e-3}, "greater than zero"),
        ({"step": math.nan}, "nan is not a finite time"),
        ({"step": math.inf}, "inf is not a finite time"),
        ({"time": math.nan}, "nan is not a finite time"),
        ({"initial": "cold"}, r"initial: 'cold' is not an initial temperature \(it is"),
        ({"initial": math.nan}, "nan is not a finite temperature"),
        ({"initial": -20.0}, "-20 K is not above absolute zero"),
        (
            {"initial": np.full((2, 2, 2), 300.0)},
            r"shape \(2, 2, 2\) is no field of temperatures \(give numbers \[K\] of shape \(4, 5, 8\)",
        ),
        ({"initial": np.full((4, 5, 8), np.nan)}, "finite in every cell of the body"),
        ({"method": "magic"}, "method: 'magic' is not a method"),
    ],
)
def test_invalid_argument_raises(options: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        simulate(**options)


def test_trace_of_another_package_raises() -> None:
    with pytest.raises(DescriptionError, match="'gpu' has no heat source"):
        simulate(loads=Trace.of([0.0], {"gpu": [1.0]}, after="hold"))


# -- how it starts -------------------------------------------------------------------------------


def test_initial_temperatures() -> None:
    model = workload_model()
    body = inside(model)
    own = np.where(body, 310.0 + np.random.default_rng(1).random(body.shape), np.nan)
    assert np.array_equal(simulate(initial=own).field, own, equal_nan=True)
    assert np.array_equal(np.isnan(simulate(initial="outside").field), ~body)
    assert np.allclose(simulate(initial=350.0).field[body], 350.0, rtol=1e-15)
    outside = simulate(initial="outside").field[body]
    assert (outside == outside[0]).all()
    assert AMBIENT < outside[0] < AMBIENT + 10.0  # between the two heat-transfer coefficients


def cells_of(model: Model, *names: str) -> np.ndarray:
    """Return the cells of parts whose names begin with one of the names."""
    numbers = [n for n, part in enumerate(model.parts, 1) if f"{part.name}.".startswith(names)]
    return np.isin(model.part, numbers)


def test_initial_temperatures_by_stack_and_part() -> None:
    model = workload_model()
    stack, *others = (each.name for each in model.package.stacks)
    part = next(each.name for each in model.parts if each.name.startswith(f"{others[0]}."))
    initial = {part: "70 degC", others[0]: 350.0, "*": 310.0}
    field = simulate(model, initial=initial).field
    of_part, of_stack = cells_of(model, f"{part}."), cells_of(model, f"{others[0]}.")
    assert of_part.any()
    assert of_part.sum() < of_stack.sum()
    assert np.allclose(field[of_part], 343.15)
    assert np.allclose(field[of_stack & ~of_part], 350.0)
    assert np.allclose(field[inside(model) & ~of_stack], 310.0)
    field = simulate(model, initial={stack: 350.0}).field
    assert np.allclose(field[cells_of(model, f"{stack}.")], 350.0)
    assert np.allclose(field[inside(model) & ~cells_of(model, f"{stack}.")], model.boundary.mean_ambient)


def test_initial_temperature_beside_the_steady_field() -> None:
    model = workload_model()
    name = model.package.stacks[0].name
    steady = simulate(model).field
    field = simulate(model, initial={name: 300.0, "*": "steady"}).field
    other = inside(model) & ~cells_of(model, f"{name}.")
    assert np.array_equal(field[other], steady[other])
    assert np.allclose(field[cells_of(model, f"{name}.")], 300.0)


def test_energy_of_bodies_with_different_initial_temperatures_is_conserved() -> None:
    model = workload_model()
    simulation = simulate(model, initial={model.package.stacks[0].name: 400.0, "*": 300.0})
    capacity = assemble_capacity(model, simulation.field).reshape(model.part.shape)
    before = float(np.nansum(capacity * simulation.field))
    simulation.step(0.5)
    after = float(np.nansum(capacity * simulation.field))
    assert after - before == pytest.approx(simulation.energy.stored, rel=1e-6)


def test_unknown_name_of_an_initial_temperature() -> None:
    name = workload_package().stacks[-1].name
    with pytest.raises(
        DescriptionError, match=rf"initial: no stack or part is named '{name}x' \(did you mean"
    ):
        simulate(initial={f"{name}x": 300.0})
    with pytest.raises(ValueError, match=r"initial\['memory'\]: -1 K is not above absolute zero"):
        simulate(initial={name: -1.0})
    with pytest.raises(DescriptionError, match=r"initial\['x'\]: \"5 W\" is a power"):
        simulate(initial={"x": "5 W"})


@NONLINEAR
def test_steady_start_equals_steady_solution(model: Model) -> None:
    steady = solve_steady(model, threads=1, estimate=False)
    assert np.nanmax(np.abs(simulate(model).field - steady.field)) < 1e-4
    given = simulate(model, initial=steady)
    assert np.nanmax(np.abs(given.field - steady.field)) < 1e-9


@NONLINEAR
def test_steady_state_is_stationary(model: Model) -> None:
    simulation = simulate(model)
    before = simulation.field
    simulation.advance(50.0)
    assert np.nanmax(np.abs(simulation.field - before)) < 0.02
    assert simulation.time == 50.0


def test_steady_start_uses_present_loads() -> None:
    trace = Trace.of(
        [0.0, 1.0, 2.0],
        {"die": [5.0, 20.0, 5.0], "cooling.top": [300.0, 320.0, 300.0], "cooling.top.h": [1.0, 0.5, 1.0]},
        after="hold",
    )
    late = simulate(loads=trace, time=1.0)
    fixed = Trace.constant({"die": 20.0, "cooling.top": 320.0, "cooling.top.h": 0.5})
    assert np.array_equal(late.field, simulate(loads=fixed).field, equal_nan=True)
    assert late.peak > simulate(loads=trace).peak + 10.0
    before = late.field
    late.advance(1.5)
    assert np.nanmax(np.abs(late.field - before)) < 0.02  # it was at rest under all three


def test_package_is_discretized() -> None:
    simulation = Simulation(workload_package(), initial="outside", threads=1)
    assert simulation.model.package.name == "workload"


# -- on its way ----------------------------------------------------------------------------------


@NONLINEAR
def test_error_is_below_tolerance(model: Model) -> None:
    """Against a run at a hundredth of the tolerance, in every cell, at several times."""
    coarse = simulate(model, pulses(), tolerance=0.2, initial="outside")
    fine = simulate(model, pulses(), tolerance=0.002, scheme="sdirk4", initial="outside")
    for time in (0.001, 0.02, 0.03, 0.05, 0.2):
        coarse.advance(time)
        fine.advance(time)
        assert np.nanmax(np.abs(coarse.field - fine.field)) < 0.2
    assert coarse.steps < fine.steps


def test_materials_depend_on_temperature() -> None:
    """Silicon that conducts worse when it is hot gets hotter than silicon that does not change."""
    hot, cold = workload_model(HOT_SILICON), workload_model()
    trace = Trace.constant({"die": 60.0})
    increases = [simulate(model, trace, initial="outside") for model in (hot, cold)]
    for simulation in increases:
        simulation.advance(5.0)
    assert increases[0].peak > increases[1].peak + 0.5


def test_materials_are_evaluated_in_the_middle_of_a_step() -> None:
    """Also in one that is so long that nobody foresees where it goes."""
    trace = Trace.constant({"die": 60.0})
    fixed = {"scheme": "implicit_euler", "step": 0.05, "initial": "outside"}
    simulation = simulate(workload_model(HOT_SILICON), trace, **fixed)
    start = simulation.field
    simulation.advance(0.05)
    rise = simulation.field - start
    assert simulation.steps == 1
    assert np.nanmax(rise) > 20.0
    taken = simulation.state()["materials"][
        "conductivity_at"
    ]  # over the temperature outside, where all begins
    varies = CellConductivity(simulation.model).varies  # planes; in the others nobody asks
    off = np.abs(taken - 0.5 * rise)[varies]
    assert np.nanmax(off) < 0.02 * np.nanmax(rise)


def test_steps_end_at_events_and_at_the_end() -> None:
    seen: list[float] = []
    simulation = simulate(loads=pulses(), initial="outside")
    simulation.advance(0.0437, lambda each: seen.append(each.time))
    assert {0.02, 0.04} < set(seen)
    assert seen[-1] == simulation.time == 0.0437
    assert seen == sorted(set(seen))
    assert len(seen) == simulation.steps


def test_times_that_differ_by_rounding_are_one() -> None:
    """Three periods of 0.1 s end at 0.30000000000000004 s, and nobody wants a step of 6e-17 s."""
    trace = Trace.duty_cycle("die", 30.0, 0.1, 0.5)
    simulation = simulate(loads=trace, initial="outside")
    lengths: list[float] = [0.0]
    for n in range(1, 8):
        simulation.advance(n * 0.1 if n % 2 else round(n * 0.1, 9), lambda each: lengths.append(each.time))
        assert simulation.time in (n * 0.1, round(n * 0.1, 9))
    steps = np.diff(lengths)
    assert (steps[steps > 1e-12] > 1e-8).all()
    assert simulation.steps == (steps > 1e-12).sum()


def test_jump_within_rounding_takes_no_step() -> None:
    trace = Trace.duty_cycle("die", 30.0, 0.1, 0.5)
    simulation = simulate(loads=trace, initial="outside", tolerance=1.0)
    jump = 3 * 0.1
    assert trace.next_event(0.26) == jump > 0.3
    simulation.advance(0.3)
    steps, field = simulation.steps, simulation.field
    assert simulation.temperatures()["die"].power == 0.0
    simulation.advance(jump)
    assert simulation.temperatures()["die"].power == pytest.approx(30.0)
    assert (simulation.time, simulation.steps) == (jump, steps)
    assert np.array_equal(simulation.field, field, equal_nan=True)


def test_fixed_step_length() -> None:
    seen: list[float] = [0.0]
    simulation = simulate(loads=pulses(), scheme="implicit_euler", step=0.003)
    simulation.advance(0.05, lambda each: seen.append(each.time))
    lengths = np.diff(seen)
    assert lengths.max() == pytest.approx(0.003)
    assert {0.02, 0.04, 0.05} < set(seen)
    assert simulation.rejected == 0


def test_fixed_step_can_be_changed_between_steps() -> None:
    seen: list[float] = [0.0]
    simulation = simulate(loads=pulses(), scheme="implicit_euler", step=0.01)
    simulation.advance(0.02, lambda each: seen.append(each.time))
    simulation.fixed_step = "5 ms"
    simulation.advance(0.04, lambda each: seen.append(each.time))
    assert np.diff(seen) == pytest.approx([0.01, 0.01, 0.005, 0.005, 0.005, 0.005])
    with pytest.raises(ValueError, match="greater than zero"):
        simulation.fixed_step = -1.0
    with pytest.raises(ValueError, match="does not estimate its error"):
        simulation.fixed_step = None


def test_energy_balance_closes() -> None:
    simulation = simulate(loads=pulses(), initial="outside")
    start, capacity = simulation.field, assemble_capacity(simulation.model)
    simulation.advance(0.3)
    made = 5.0 * 0.02 + 30.0 * 0.02 + 30.0 * 0.01 + 5.0 * 0.25 + 2.0 * 0.04 + 4.0 * 0.26
    energy = simulation.energy
    assert energy.generated == pytest.approx(made, rel=1e-9)
    stored = float(np.nansum(capacity * (simulation.field - start)))
    assert energy.stored == pytest.approx(stored, rel=1e-9)
    assert abs(energy.imbalance) < 1e-6 * energy.generated


def test_inactive_cells_stay_near_zero() -> None:
    """Cells without a capacity are no part of any equation; what a balance adds there must not grow."""
    simulation = simulate(loads=pulses())
    empty = (simulation.model.part == 0).reshape(-1)
    for time in (0.5, 5.0, 50.0):
        simulation.advance(time)
        assert np.abs(simulation.state()["stepper"]["fields"][:, empty]).max() < 1e-3


def test_result_is_independent_of_threads() -> None:
    fields = []
    for threads in (1, 2):
        simulation = Simulation(workload_model(), pulses(), tolerance=0.1, threads=threads)
        simulation.advance(0.06)
        fields.append(simulation.field.tobytes())
    assert fields[0] == fields[1]


def test_direct_method_agrees() -> None:
    found = [simulate(loads=pulses(), method=method, tolerance=0.01) for method in ("multigrid", "direct")]
    for simulation in found:
        simulation.advance(0.05)
    assert np.nanmax(np.abs(found[0].field - found[1].field)) < 0.005


# -- what is outside -----------------------------------------------------------------------------


def test_warmer_ambient_shifts_all_temperatures() -> None:
    warm = Trace.constant({"cooling.top": AMBIENT + 7.0, "cooling.bottom": AMBIENT + 17.0})
    one, other = simulate(), simulate(loads=warm, initial="steady")
    assert np.allclose(other.field, one.field + 7.0, rtol=0.0, atol=1e-6, equal_nan=True)


def test_a_htc_that_stops_heats_and_one_that_starts_cools() -> None:
    trace = Trace.of([0.0, 0.1, 0.2], {"cooling.top.h": [1.0, 0.0, 3.0]}, after="hold")
    simulation = simulate(loads=trace)
    at = [simulation.peak]
    for time in (0.1, 0.2, 0.3):
        simulation.advance(time)
        at.append(simulation.peak)
    assert at[1] == pytest.approx(at[0], abs=0.02)
    assert at[2] > at[1] + 0.1
    assert at[3] < at[2] - 0.1
    assert abs(simulation.energy.imbalance) < 1e-6 * simulation.energy.generated


# -- co-simulation -------------------------------------------------------------------------------


def test_a_step_goes_on_and_returns_all_temperatures_by_name() -> None:
    simulation = simulate()
    found = simulation.step(0.01, {"die": 40.0, "memory": 0.0})
    assert simulation.time == 0.01
    assert {"board", "board.plate", "die", "die.active", "die.active.left", "die.bulk"} < set(found)
    assert {"memory", "memory.active"} < set(found)
    assert found["die"].max == max(found["die.active"].max, found["die.bulk"].max)
    assert found["die"].power == pytest.approx(40.0)
    assert found["die.active.left"].power == pytest.approx(28.0)  # in proportion to what is drawn
    assert found["memory"].power == 0.0
    for part in found.values():
        assert part.min <= part.mean <= part.max
    hotter = simulation.step(0.01)  # the power stays
    assert hotter["die"].max > found["die"].max
    assert simulation.step(0.05, {"die": 0.0})["die"].max < hotter["die"].max


def test_a_loop_of_steps_is_the_run_of_its_trace() -> None:
    powers = (5.0, 30.0, 12.0)
    loop = simulate(initial="outside")
    for power in powers:
        loop.step(0.01, {"die": power})
    trace = Trace.of([0.0, 0.01, 0.02], {"die": list(powers)}, after="hold")
    run = simulate(loads=trace, initial="outside")
    run.advance(0.03)
    assert np.nanmax(np.abs(loop.field - run.field)) < 0.01
    assert loop.energy.generated == pytest.approx(run.energy.generated)


@pytest.mark.parametrize("duration", [0.0, -1.0, math.nan])
def test_a_step_goes_forward(duration: float) -> None:
    with pytest.raises(ArgumentError, match="duration: "):
        simulate(initial="outside").step(duration)


def test_powers_of_nothing_are_refused_and_change_nothing() -> None:
    simulation = simulate()
    with pytest.raises(DescriptionError, match="'dye' has no heat source"):
        simulation.step(0.01, {"die": 90.0, "dye": 1.0})
    assert simulation.time == 0.0
    assert simulation.temperatures()["die"].power == pytest.approx(10.0)


def test_shares_scale_what_the_trace_says_until_said_otherwise() -> None:
    simulation = simulate(loads=pulses())
    simulation.scale({"die": 0.5})
    assert simulation.temperatures()["die"].power == pytest.approx(2.5)
    simulation.advance(0.03)
    assert simulation.temperatures()["die"].power == pytest.approx(15.0)
    simulation.scale({})
    assert simulation.temperatures()["die"].power == pytest.approx(30.0)
    assert simulation.temperatures()["memory"].power == pytest.approx(2.0)


def test_places_have_temperatures_inside_the_body_alone() -> None:
    simulation = simulate()
    found = simulation.at({"in": (2 * mm, 2 * mm, 1.1 * mm), "out": (0.5 * mm, 0.5 * mm, 1.2 * mm)})
    assert math.isnan(found["out"])
    die = simulation.temperatures()["die"]
    assert die.min <= found["in"] <= die.max
    assert simulation.at({}) == {}


# -- going on from a state -----------------------------------------------------------------------


def everything(simulation: Simulation) -> list[bytes]:
    energy = simulation.energy
    numbers = [simulation.time, simulation.next_step, energy.generated, energy.outflow, energy.stored]
    counts = [simulation.steps, simulation.rejected, simulation.work.solves, simulation.work.iterations]
    return [simulation.field.tobytes(), np.array(numbers).tobytes(), np.array(counts).tobytes()]


HTC = Trace.of([0.0, 0.015, 0.045], {"cooling.top.h": [0.7, 1.5, 0.4]}, after="hold")


@pytest.mark.parametrize("scheme", ["sdirk3", "sdirk4"])
@pytest.mark.parametrize("loads", [[pulses()], [pulses(), HTC]], ids=["power", "heat-transfer coefficient"])
@NONLINEAR
def test_it_goes_on_to_the_last_bit(model: Model, loads: list[Trace], scheme: str) -> None:
    whole = simulate(model, loads, scheme=scheme)
    states = []
    for time in (0.0, 0.013, 0.02, 0.031):
        whole.advance(time)
        states.append(whole.state())
    whole.scale({"die": 0.8})
    whole.override({"memory": 1.0})
    whole.advance(0.04)
    states.append(whole.state())
    whole.advance(0.08)
    for n, state in enumerate(states):
        other = simulate(model, loads, scheme=scheme, initial="outside")
        other.restore(state)
        if n < len(states) - 1:
            for time in (0.013, 0.02, 0.031):
                other.advance(time)
            other.scale({"die": 0.8})
            other.override({"memory": 1.0})
            other.advance(0.04)
        other.advance(0.08)
        assert everything(other) == everything(whole)


@NONLINEAR
def test_a_state_does_not_change_with_the_simulation_it_is_of(model: Model) -> None:
    simulation = simulate(model, pulses())
    simulation.advance(0.01)
    state = simulation.state()
    simulation.advance(0.05)
    end = everything(simulation)
    simulation.restore(state)
    assert simulation.time == 0.01
    simulation.advance(0.05)
    assert everything(simulation) == end


def test_a_state_of_something_else_is_refused() -> None:
    state = simulate().state()
    others = {
        "the state has 160 cells": simulate(discretize(workload_package(), 0.5 * mm)),
        "and 3 stages in a step": simulate(scheme="sdirk4"),
    }
    for said, other in others.items():
        before = other.field
        with pytest.raises(DescriptionError, match=said):
            other.restore(state)
        assert np.array_equal(other.field, before, equal_nan=True)


def test_loads_may_be_made_before() -> None:
    model = workload_model()
    one = simulate(model, Loads(model, pulses()))
    other = simulate(model, pulses())
    one.advance(0.03)
    other.advance(0.03)
    assert everything(one) == everything(other)
