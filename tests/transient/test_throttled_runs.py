"""Controllers in runs: they act when they should, on whom they should, and the heat is what they leave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from thermostack import Convection, Cooling, Layer, Material, Model, Package, Power, Stack, discretize
from thermostack.errors import DescriptionError
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.package.cooling import FaceCooling
from thermostack.results.transient_result import TransientResult
from thermostack.transient.controllers import Governor
from thermostack.transient.run import solve_transient
from thermostack.transient.throttling import PowerState, Sensor, Throttle
from thermostack.units import mm

AMBIENT, H, POWER = 300.0, 1000.0, 5.0  # K, W/m2/K, W
AREA, THICKNESS = 1e-4, 1e-3  # m2, m
CAPACITY = 3.45e6 * AREA * THICKNESS  # J/K
LOW = 0.2  # share of the power
RISE, TAU = POWER / (H * AREA), CAPACITY / (H * AREA)  # 50 K, 3.45 s of a body of one temperature


@cache
def plate() -> Model:
    """Return a plate of so good a conductor that its temperature is one to 0.01 K."""
    conductor = Material("conductor", 1e5, volumetric_heat_capacity=3.45e6)
    stack = Stack("die", (10 * mm, 10 * mm), (Layer("body", 1 * mm, conductor, power=Power(POWER)),))
    return discretize(
        Package("plate", (stack,), Cooling(top=FaceCooling(Convection(H, AMBIENT)))), cell=5 * mm
    )


def crossing(limit: float) -> float:
    """Return when the plate passes a temperature [K], heated from the start on [s]."""
    return -TAU * math.log(1.0 - (limit - AMBIENT) / RISE)


def throttle(**options: object) -> Throttle:
    states = (PowerState("full", 1.0, 1.0), PowerState("low", LOW, 0.4))
    known = {"limit": 320.0, "hysteresis": 2.0, "period": 0.1, **options}
    return Throttle("die", states, **known)  # type: ignore[arg-type]


def run_of(*controllers: object, duration: float = 4.0) -> TransientResult:
    return solve_transient(plate(), duration, controllers=controllers, initial="outside", tolerance=0.01)  # type: ignore[arg-type]


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.35, 0.7])
def test_it_throttles_at_the_first_period_after_the_limit_and_the_delay(delay: float) -> None:
    (account,) = run_of(throttle(delay=delay)).throttling
    seen = math.ceil(crossing(320.0) / 0.1) * 0.1
    assert account.first == pytest.approx(seen + math.ceil(delay / 0.1) * 0.1)


def test_each_spell_heats_and_cools_as_one_body_does() -> None:
    run = run_of(throttle(), duration=6.0)
    (account,) = run.throttling
    assert account.changes >= 4
    temperature = AMBIENT
    for begin, end, level in account.intervals():
        settled = AMBIENT + RISE * (1.0, LOW)[level]
        temperature = settled + (temperature - settled) * math.exp(-(end - begin) / TAU)
        found = run.of("die").peak[np.searchsorted(run.time, end - 1e-9)]
        assert found == pytest.approx(temperature, abs=0.05)


def test_power_and_energy_are_those_of_the_states() -> None:
    run = run_of(throttle(), duration=6.0)
    (account,) = run.throttling
    middle = 0.5 * (run.time[1:] + run.time[:-1])
    expected = POWER * np.where(account.levels_at(middle) > 0, LOW, 1.0)
    made = POWER * (account.seconds["full"] + LOW * account.seconds["low"])
    assert run.energy[-1, 0] == pytest.approx(made, rel=1e-9)
    assert float(expected @ np.diff(run.time)) == pytest.approx(made, rel=1e-9)
    assert run.imbalance < 1e-6


def test_a_row_has_the_power_from_its_time_on() -> None:
    run = run_of(throttle(), duration=6.0)
    (account,) = run.throttling
    assert run.of("die").power == pytest.approx(np.where(account.levels_at(run.time) > 0, LOW, 1.0) * POWER)


def test_it_swings_between_its_edges() -> None:
    run = run_of(throttle(period=0.02), duration=5.0)
    (account,) = run.throttling
    assert account.changes > 3
    late = run.of("die").peak[run.time > crossing(320.0) + 0.1]
    reach = RISE / TAU * 0.02 + 0.02  # K that a period can bring, and the error in time
    assert late.max() < 320.0 + reach
    assert late.min() > 318.0 - reach


def test_who_never_acts_changes_nothing() -> None:
    times = (1.0, 2.5, 4.0)
    runs = [
        solve_transient(plate(), 4.0, controllers=acting, initial="outside", tolerance=0.01, times=times)
        for acting in ([], [throttle(limit=400.0)])
    ]
    assert runs[1].throttling[0].throttled == 0.0
    assert np.nanmax(np.abs(np.asarray(runs[0].frames) - np.asarray(runs[1].frames))) < 0.02


def test_a_sensor_at_a_place_reads_the_field_there() -> None:
    inside = run_of(throttle(sensor=Sensor(at=(5 * mm, 5 * mm, 0.5 * mm)))).throttling[0]
    assert inside.first == pytest.approx(math.ceil(crossing(320.0) / 0.1) * 0.1)
    with pytest.raises(DescriptionError, match="has no temperature"):
        run_of(throttle(sensor=Sensor(at=(50 * mm, 5 * mm, 0.5 * mm))))


def test_a_function_is_called_at_the_multiples_of_its_period() -> None:
    calls: list[tuple[float, float]] = []

    def note(time: float, temperatures: Mapping[str, PartTemperature]) -> dict[str, float]:
        calls.append((time, temperatures["die"].max))
        return {"die.body": 0.0}

    run = run_of(Governor(note, 0.5), duration=2.0)
    assert [time for time, _ in calls] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])
    assert all(kelvin == pytest.approx(AMBIENT) for _, kelvin in calls)
    assert run.energy[-1, 0] == 0.0
    assert run.throttling[0].throttled == 2.0


def test_two_hold_down_more_than_one() -> None:
    run = run_of(Governor(lambda time, temperatures: {"die": 0.5}, 1.0), throttle(limit=310.0), duration=6.0)
    assert run.throttling[1].throttled > 0.0
    spent = run.throttling[1].seconds
    made = 0.5 * POWER * (spent["full"] + LOW * spent["low"])
    assert run.energy[-1, 0] == pytest.approx(made, rel=1e-9)


def test_a_controller_of_what_does_not_heat_is_refused() -> None:
    with pytest.raises(DescriptionError, match="has no heat source"):
        run_of(Governor(lambda time, temperatures: {"dye": 0.5}, 1.0))


def test_progress_is_told_of_every_step_and_how_long_it_was() -> None:
    reported: list[tuple[float, float, float]] = []
    run = solve_transient(
        plate(),
        1.0,
        controllers=[throttle()],
        initial="outside",
        progress=lambda time, step, peak: reported.append((time, step, peak)),
    )
    times, steps, peaks = np.array(reported).T
    assert np.array_equal(times, run.time[1:])
    assert steps == pytest.approx(np.diff(run.time))
    assert peaks == pytest.approx(run.of("die").peak[1:])
