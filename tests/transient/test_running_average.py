"""The limit of the running average of power: its equation, the allowed energy, states, runs, errors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import thermostack as ts
from thermostack.errors import DescriptionError
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.transient.running_average import RunningAverage

PL1, PL2, TAU = 100.0, 125.0, 1.0


def simulate(
    running: RunningAverage, demand: Callable[[float], float], count: int, first: int = 0, share: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the power after each reading and the average at it [W], for a demand [W] over time [s]."""
    powers, averages = [], []
    for n in range(first, first + count):
        time = n * running.period
        now = PartTemperature("gpu", share * demand(time), 300.0, 300.0, 300.0, (0.0, 0.0, 0.0), 1e-9)
        share = running.act(time, {"gpu": now})["gpu"]
        powers.append(share * demand(time))
        averages.append(running.average)
    return np.array(powers), np.array(averages)


def test_the_average_obeys_its_equation_exactly_between_readings() -> None:
    running = ts.running_average_limit("gpu", PL1, PL2, TAU).start()
    powers, averages = simulate(running, lambda time: 160.0 if math.fmod(time, 3.0) < 2.0 else 10.0, 900)
    decay = math.exp(-running.period / TAU)
    assert averages[0] == 0.0
    assert averages[1:] == pytest.approx(powers[:-1] + (averages[:-1] - powers[:-1]) * decay, rel=1e-12)
    assert powers.max() == pytest.approx(PL2)
    assert averages.max() > PL1
    assert averages.max() <= PL1 + (PL2 - PL1) * running.period / TAU
    assert powers[(averages > PL1)].max() <= PL1 * (1.0 + 1e-12)


def test_from_idle_pl2_lasts_its_closed_form_time() -> None:
    running = ts.running_average_limit("gpu", PL1, tau=TAU, period="1 ms").start()
    powers, _ = simulate(running, lambda time: 500.0, 3000)
    lasted = running.period * np.count_nonzero(powers > PL1 * (1.0 + 1e-9))
    expected = TAU * math.log(PL2 / (PL2 - PL1))  # 1.609 tau
    assert expected <= lasted <= expected + 1.01 * running.period


def test_the_energy_is_at_most_that_of_the_average_and_of_its_reserve() -> None:
    random = np.random.default_rng(1)
    demand = random.uniform(0.0, 300.0, 4000)
    running = ts.running_average_limit("gpu", PL1, PL2, TAU).start()
    powers, averages = simulate(running, lambda time: float(demand[round(time / 0.01)]), 4000)
    energy = np.cumsum(powers) * running.period
    time = running.period * np.arange(1, 4001)
    # The integral of tau dA/dt = P - A: the energy is that of the average and tau times its change.
    bound = PL1 + (PL2 - PL1) * running.period / TAU
    assert (energy <= bound * time + TAU * bound).all()
    within = averages[:-1] + (powers[:-1] - averages[:-1]) * (
        1.0 - TAU / running.period * (1.0 - math.exp(-running.period / TAU))
    )
    of_average = np.cumsum(within) * running.period
    assert energy[:-1] == pytest.approx(of_average + TAU * averages[1:], rel=1e-9)


def test_a_demand_below_both_limits_is_free() -> None:
    running = ts.running_average_limit("gpu", PL1, PL2).start()
    powers, _ = simulate(running, lambda time: 90.0, 1000)
    assert (powers == 90.0).all()
    log = running.outcome(10.0)
    assert log.throttled == 0.0
    assert log.states == ("free", "PL2", "PL1")


def test_a_restored_controller_continues_to_the_last_bit() -> None:
    limit = ts.running_average_limit("gpu", PL1, PL2)
    whole, first, second = limit.start(), limit.start(), limit.start()
    powers, _ = simulate(whole, lambda time: 200.0, 300)
    half, _ = simulate(first, lambda time: 200.0, 150)
    second.restore(first.state())
    rest, _ = simulate(second, lambda time: 200.0, 150, 150, float(half[-1]) / 200.0)
    assert [*half, *rest] == powers.tolist()
    assert second.outcome(3.0) == whole.outcome(3.0)
    assert "PL1" in repr(whole) or "PL2" in repr(whole)


def test_a_transient_of_a_package_is_limited() -> None:
    model = ts.discretize(ts.read_package("fcbga"), cell=6e-3)  # 10 W
    limit = ts.running_average_limit("die", "4 W", "8 W", "1 s", period="50 ms")
    run = ts.solve_transient(model, 3.0, controllers=limit, initial="outside")
    log = run.throttling[0]
    assert [log.states[level] for level in log.levels] == ["PL2", "PL1"]
    assert log.times[1] == pytest.approx(math.log(2.0), abs=0.051)
    energy = 8.0 * log.times[1] + 4.0 * (3.0 - log.times[1])
    assert run.energy[-1, 0] == pytest.approx(energy, rel=1e-6)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pl2": 90.0}, "is below pl1"),
        ({"tau": "5 ms"}, "is above tau"),
        ({"tau": 0.0}, "tau"),
        ({"average": -1.0}, "average"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        ts.running_average_limit("gpu", PL1, **fields)  # type: ignore[arg-type]


def test_an_unknown_stack_is_named() -> None:
    with pytest.raises(DescriptionError, match="nothing is named 'gpu'"):
        ts.running_average_limit("gpu", PL1).start().act(0.0, {})
