"""Controllers act when they are due, keep account, and go on from a saved state as if nothing had been."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack.errors import DescriptionError
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.results.throttling_log import ThrottlingLog, combined_performance_loss
from thermostack.transient.controllers import (
    ControllerSet,
    Governor,
    StateLog,
    whole_periods,
)
from thermostack.transient.throttle_presets import clock_states, gpu_throttle, hbm_throttle
from thermostack.transient.throttling import (
    PowerState,
    Sensor,
    Throttle,
)
from thermostack.units import celsius

MS = 1e-3


def part(name: str, kelvin: float, *, mean: float | None = None, low: float | None = None) -> PartTemperature:
    """Return the temperatures of a part."""
    mean = kelvin if mean is None else mean
    return PartTemperature(name, 1.0, mean if low is None else low, mean, kelvin, (0.0, 0.0, 0.0), 1e-9)


def warm(kelvin: float, name: str = "gpu") -> dict[str, PartTemperature]:
    """Return the temperatures of one part by its name."""
    return {name: part(name, kelvin)}


def two_states(**options: Any) -> Throttle:
    """Return a throttle of a GPU that knows full and half power."""
    states = (PowerState("full", 1.0, 1.0), PowerState("half", 0.5, 0.7))
    return Throttle(**{"stack": "gpu", "limit": 360.0, "states": states, "hysteresis": 5.0, **options})


def played(throttle: Throttle, curve: Callable[[int], float], count: int) -> list[float]:
    """Return the power share after each of so many periods, at the temperature [K] of the curve."""
    run = throttle.start()
    return [run.act(n * throttle.period, warm(curve(n)))["gpu"] for n in range(count)]


def codes(error: pytest.ExceptionInfo[DescriptionError]) -> list[str]:
    return [diagnostic.code for diagnostic in error.value.diagnostics]


# -- a throttle ----------------------------------------------------------------------------------


def test_it_goes_down_above_the_limit_and_up_below_it_less_the_hysteresis() -> None:
    curve = [350.0, 360.0, 360.001, 358.0, 355.0, 354.999, 359.0, 361.0]
    shares = played(two_states(), lambda n: curve[n], len(curve))
    assert shares == [1.0, 1.0, 0.5, 0.5, 0.5, 1.0, 1.0, 0.5]


def test_it_takes_one_state_each_period_and_comes_back_through_all_of_them() -> None:
    throttle = Throttle("gpu", clock_states(0.8, 0.6, 0.4), limit="90 degC", hysteresis="2 K")
    powers = [state.power for state in throttle.states]
    curve = [celsius(100.0)] * 5 + [celsius(80.0)] * 5
    shares = played(throttle, lambda n: curve[n], 10)
    assert shares == [powers[n] for n in (1, 2, 3, 3, 3, 2, 1, 0, 0, 0)]


def test_each_state_has_its_own_limit() -> None:
    throttle = hbm_throttle("gpu", refresh="95 degC", delay=0.0)
    run = throttle.start()
    seen = []
    for n, degrees in enumerate((94.0, 95.1, 104.9, 105.1, 102.5, 101.9, 92.5, 91.9)):
        run.act(n * throttle.period, warm(celsius(degrees)))
        seen.append(run.state_name)
    twice, stop = "double refresh", "stopped"
    assert seen == ["full", twice, twice, stop, stop, twice, twice, "full"]


@pytest.mark.parametrize("periods", [0, 1, 2, 7])
def test_a_delay_of_whole_periods_is_exact(periods: int) -> None:
    shares = played(two_states(delay=periods * MS), lambda n: 370.0 if n >= 10 else 340.0, 30)
    assert shares.index(0.5) == 10 + periods


@pytest.mark.parametrize(("delay", "periods"), [(0.2, 1), (1.0, 1), (1.5, 2), (2.999, 3), (3.0, 3)])
def test_a_delay_counts_up_to_whole_periods(delay: float, periods: int) -> None:
    shares = played(two_states(delay=delay * MS), lambda n: 370.0 if n >= 5 else 340.0, 20)
    assert shares.index(0.5) == 5 + periods


def test_a_short_pulse_is_seen_late_but_whole() -> None:
    shares = played(two_states(delay=4 * MS), lambda n: 370.0 if n in (3, 4) else 350.0, 12)
    assert shares == [1.0] * 7 + [0.5] * 2 + [1.0] * 3


def test_before_the_start_the_sensor_showed_what_it_shows_at_the_start() -> None:
    assert played(two_states(delay=5 * MS), lambda n: 400.0, 3) == [0.5] * 3


@given(st.lists(st.floats(300.0, 420.0), min_size=2, max_size=60), st.integers(0, 5))
def test_changes_are_periods_apart_and_obey_the_limits(curve: list[float], delay: int) -> None:
    throttle = two_states(delay=delay * MS)
    run = throttle.start()
    seen, states = [], []
    for n, kelvin in enumerate(curve):
        run.act(n * MS, warm(kelvin))
        seen.append(curve[max(n - delay, 0)])
        states.append(run.record.level)
    for before, after, kelvin in zip([0, *states], states, seen, strict=False):
        if after > before:
            assert kelvin > 360.0
        elif after < before:
            assert kelvin < 355.0
        else:
            assert (kelvin <= 360.0) if after == 0 else (kelvin >= 355.0)
    gaps = np.diff(run.outcome(len(curve) * MS).times)
    assert (gaps > MS * (1.0 - 1e-9)).all()


@given(st.integers(0, 1000))
def test_between_the_edges_of_the_hysteresis_nothing_changes(seed: int) -> None:
    curve = np.random.default_rng(seed).uniform(355.0, 360.0, 50)
    run = two_states().start()
    run.act(0.0, warm(361.0))
    for n, kelvin in enumerate(curve, 1):
        run.act(n * MS, warm(kelvin))
    assert run.outcome(51 * MS).levels == (1,)


def test_it_does_not_chatter_faster_than_its_period_however_often_it_is_asked() -> None:
    run = two_states(hysteresis=0.0).start()
    for n in range(1000):  # ten times each period, hot and cold by turns
        run.act(n * 0.1 * MS, warm(370.0 if n % 2 else 350.0))
    times = np.array(run.outcome(0.1).times)
    assert (np.diff(times) > 0.99 * MS).all()


def test_a_dwell_keeps_a_state() -> None:
    shares = played(two_states(dwell="5 ms"), lambda n: 370.0 if n % 2 else 340.0, 14)
    assert shares == [1.0, *[0.5] * 5, *[1.0] * 5, *[0.5] * 3]


@pytest.mark.parametrize(("reads", "expected"), [("max", 1), ("mean", 0), ("min", 0)])
def test_a_sensor_reads_what_it_is_told_to(reads: str, expected: int) -> None:
    run = two_states(sensor=Sensor("gpu.active", reads)).start()  # type: ignore[arg-type]
    run.act(0.0, {"gpu.active": part("gpu.active", 370.0, mean=350.0, low=340.0), "gpu": part("gpu", 300.0)})
    assert run.record.level == expected


def test_a_sensor_may_stand_at_a_place() -> None:
    run = two_states(sensor=("12 mm", "8 mm", "1.2 mm")).start()
    ((name, place),) = run.probes.items()
    assert place == (12e-3, 8e-3, 1.2e-3)
    run.act(0.0, {"gpu": part("gpu", 300.0), name: part(name, 370.0)})
    assert run.record.level == 1


def test_others_may_go_down_with_it() -> None:
    run = two_states(also=("hbm.west_0", "hbm.east_0")).start()
    assert run.act(0.0, warm(370.0)) == {"gpu": 0.5, "hbm.west_0": 0.5, "hbm.east_0": 0.5}


def test_an_unknown_sensor_is_named_with_the_nearest() -> None:
    run = two_states(sensor="gpu.activ").start()
    with pytest.raises(
        DescriptionError, match=r"nothing is named 'gpu.activ' \(did you mean gpu.active"
    ) as error:
        run.act(0.0, {"gpu.active": part("gpu.active", 300.0)})
    assert codes(error) == ["E-NAME"]
    assert error.value.diagnostics[0].field == "controllers.gpu.sensor"


def test_a_sensor_that_shows_nothing_is_refused() -> None:
    with pytest.raises(DescriptionError, match="has no temperature") as error:
        two_states().start().act(0.0, warm(math.nan))
    assert codes(error) == ["E-OUTSIDE"]


# -- what a throttle may not be ------------------------------------------------------------------

FULL, HALF = PowerState("full", 1.0), PowerState("half", 0.5)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"states": (FULL,)}, "E-MISSING", "at least one below"),
        ({"states": (FULL, FULL)}, "E-DUPLICATE", "two states are named 'full'"),
        (
            {"states": (PowerState("full", 1.0, limit=350.0), HALF)},
            "E-VALUE",
            "the full state 'full' has a limit",
        ),
        ({"limit": None}, "E-MISSING", "'half' has no limit"),
        (
            {
                "states": (FULL, replace(HALF, limit="90 degC"), PowerState("low", 0.2, limit="80 degC")),
                "limit": None,
            },
            "E-VALUE",
            "80 degC under 90 degC",
        ),
        ({"states": (FULL, replace(HALF, limit="90 degC"))}, "E-VALUE", "limit has no effect"),
        ({"hysteresis": "-1 K"}, "E-RANGE", "less than zero"),
        ({"period": 0.0}, "E-RANGE", "not greater than zero"),
        ({"delay": "-1 ms"}, "E-RANGE", "less than zero"),
        ({"limit": "105"}, "E-UNIT", "no unit"),
        ({"limit": "105 W"}, "E-UNIT", "105 W"),
        ({"stack": "gp u"}, "E-NAME", "not a name"),
        ({"sensor": Mapping}, "E-TYPE", "is not a sensor"),
        ({"dwel": 1.0}, "E-KEY", "did you mean dwell"),
    ],
)
def test_a_throttle_that_cannot_be_is_refused(options: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(DescriptionError) as error:
        two_states(**options)
    assert codes(error) == [code]
    assert words in str(error.value)


@pytest.mark.parametrize(("power", "performance"), [(-0.1, 1.0), (math.nan, 1.0), ("5 W", 1.0), (1.0, -1.0)])
def test_shares_that_cannot_be_are_refused(power: Any, performance: float) -> None:
    with pytest.raises(DescriptionError):
        PowerState("odd", power, performance)


def test_a_sensor_sits_in_a_part_or_at_a_place() -> None:
    for both in ({}, {"part": "gpu", "at": (0.0, 0.0, 0.0)}):
        with pytest.raises(DescriptionError, match="in a part or at a position"):
            Sensor(**both)  # type: ignore[arg-type]


def test_units_are_read_at_the_door() -> None:
    throttle = two_states(limit="105 degC", period="2 ms", delay="500 us", dwell="1 s", hysteresis="5 K")
    assert (throttle.limit, throttle.period, throttle.delay, throttle.dwell) == (378.15, 2e-3, 5e-4, 1.0)
    assert PowerState("half", "50 %").power == 0.5
    assert throttle == replace(throttle, limit=378.15)
    assert hash(throttle) == hash(replace(throttle))


# -- ready-made ------------------------------------------------------------------------------------


def test_a_processor_throttles_at_the_slowdown_temperature_of_its_product() -> None:
    throttle = gpu_throttle()
    assert throttle.stack == "gpu"
    assert set(throttle.limits) == {362.15}
    assert set(gpu_throttle(product="mi100").limits) == {373.15}
    assert set(gpu_throttle("gpu", "105 degC", product="a100").limits) == {378.15}
    powers = [state.power for state in throttle.states]
    assert powers == sorted(powers, reverse=True)
    assert [state.performance for state in throttle.states] == [1.0, 0.9, 0.8, 0.7, 0.6, 0.5]
    assert powers[-1] == pytest.approx(0.2 + 0.8 * 0.125)
    assert gpu_throttle("die", "85 degC", period="20 ms").period == 0.02


def test_a_memory_is_refreshed_twice_as_often_above_85_degc_and_stopped_above_105_degc() -> None:
    throttle = hbm_throttle("hbm.west_0")
    assert throttle.limits == (358.15, 378.15)
    assert hbm_throttle("hbm", refresh="95 degC", trip=celsius(110.0)).limits == (368.15, 383.15)
    full, twice, stopped = throttle.states
    assert twice.performance == pytest.approx((3900 - 700) / (3900 - 350))
    assert twice.power == pytest.approx(0.9 * 3200 / 3550 + 0.2)
    assert (stopped.performance, stopped.power) == (0.0, 0.2)
    assert full.power == full.performance == 1.0


# -- what was done ---------------------------------------------------------------------------------


def done(times: tuple[float, ...], levels: tuple[int, ...], end: float, **options: Any) -> ThrottlingLog:
    """Return an account of full, 0.8 and 0.5 of the performance."""
    known: dict[str, Any] = {"performance": (1.0, 0.8, 0.5), "name": "gpu", **options}
    return ThrottlingLog(
        stacks=("gpu",),
        states=("full", "less", "least"),
        start=times[0],
        end=end,
        times=times,
        levels=levels,
        **known,
    )


def test_an_account_adds_up() -> None:
    account = done((1.0, 2.0, 2.5, 4.0), (0, 1, 2, 0), 5.0)
    assert account.seconds == {"full": 2.0, "less": 0.5, "least": 1.5}
    assert account.throttled == 2.0
    assert account.first == 2.0
    assert account.changes == 3
    assert account.performance_lost == pytest.approx(1.0 - (2.0 + 0.5 * 0.8 + 1.5 * 0.5) / 4.0)
    assert account.history == ((1.0, "full"), (2.0, "less"), (2.5, "least"), (4.0, "full"))
    assert account.levels_at(np.array([0.0, 1.0, 2.0, 2.4, 4.5])).tolist() == [0, 0, 1, 1, 0]


def test_who_never_throttles_loses_nothing() -> None:
    account = done((0.0,), (0,), 5.0)
    assert (account.throttled, account.first, account.changes, account.performance_lost) == (
        0.0,
        None,
        0,
        0.0,
    )


def test_an_account_of_no_time_is_of_nothing_lost() -> None:
    assert done((1.0,), (1,), 1.0).performance_lost == 0.0
    assert combined_performance_loss([]) == 0.0


def test_a_loss_that_is_not_known_is_not_made_up() -> None:
    unknown = (1.0, None, 0.5)
    assert done((0.0, 1.0), (0, 1), 2.0, performance=unknown).performance_lost is None
    assert done((0.0, 1.0), (0, 2), 2.0, performance=unknown).performance_lost == pytest.approx(0.25)


@given(st.data())
def test_seconds_add_up_to_the_time_and_the_loss_is_their_mean(data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.floats(1e-3, 10.0), min_size=1, max_size=20))
    times = np.cumsum([0.0, *gaps])
    levels = tuple(data.draw(st.integers(0, 2)) for _ in gaps)
    account = done(tuple(times[:-1].tolist()), levels, float(times[-1]))
    assert sum(account.seconds.values()) == pytest.approx(account.end)
    assert account.throttled == pytest.approx(account.end - account.seconds["full"])
    share = {"full": 1.0, "less": 0.8, "least": 0.5}
    mean = sum(share[name] * spent for name, spent in account.seconds.items()) / account.end
    assert account.performance_lost == pytest.approx(1.0 - mean, abs=1e-12)


def test_together_the_slowest_counts() -> None:
    one, other = done((0.0, 1.0, 3.0), (0, 1, 0), 4.0), done((0.0, 2.0), (0, 2), 4.0)
    assert combined_performance_loss([one, other]) == pytest.approx((0.2 * 1.0 + 0.5 * 2.0) / 4.0)
    assert combined_performance_loss([one, one]) == pytest.approx(one.performance_lost)
    alone = [t.performance_lost for t in (one, other)]
    assert max(alone) <= combined_performance_loss([one, other]) <= sum(alone)  # type: ignore[operator,type-var,arg-type]


def test_a_state_that_lasted_no_time_is_not_noted() -> None:
    record = StateLog(1.0)
    record.enter(1.0, 2)
    record.enter(2.0, 1)
    record.enter(2.0, 0)
    assert (record.times, record.levels) == ([1.0, 2.0], [2, 0])


# -- a function ------------------------------------------------------------------------------------


def test_a_function_is_given_time_and_temperatures_and_says_the_shares() -> None:
    calls = []

    def less_when_hot(time: float, temperatures: Mapping[str, PartTemperature]) -> dict[str, float]:
        calls.append(time)
        return {"gpu": 0.5} if temperatures["gpu"].max > 360.0 else {}

    run = Governor(less_when_hot, "10 ms").start()
    assert run.act(0.0, warm(350.0)) == {}
    assert run.act(0.01, warm(370.0)) == {"gpu": 0.5}
    assert run.act(0.02, warm(350.0)) == {}
    assert calls == [0.0, 0.01, 0.02]
    account = run.outcome(0.04)
    assert account.history == ((0.0, "free"), (0.01, "held"), (0.02, "free"))
    assert account.throttled == pytest.approx(0.01)
    assert account.stacks == ("gpu",)
    assert account.performance_lost is None


def test_an_answer_that_stays_is_no_change() -> None:
    run = Governor(lambda time, temperatures: {"gpu": 0.5 if time < 2.0 else 1.0}, 1.0).start()
    for time in range(4):
        run.act(float(time), {})
    assert run.outcome(4.0).history == ((0.0, "held"), (2.0, "free"))


@pytest.mark.parametrize(
    ("returned", "code", "words"),
    [
        (0.5, "E-TYPE", "returned 0.5"),
        (None, "E-TYPE", "returned None"),
        ({"gpu": -0.1}, "E-RANGE", "controllers.fan.gpu: -0.1 is not a factor of power"),
        ({"gpu": math.nan}, "E-RANGE", "nan is not a factor of power"),
        ({"gpu": "50 %"}, "E-RANGE", "is not a factor of power"),
        ({"gpu": True}, "E-RANGE", "True is not a factor of power"),
    ],
)
def test_what_a_function_may_not_say(returned: Any, code: str, words: str) -> None:
    run = Governor(lambda time, temperatures: returned, 1.0, "fan").start()
    with pytest.raises(DescriptionError) as error:
        run.act(0.0, {})
    assert codes(error) == [code]
    assert words in str(error.value)


def test_a_governor_needs_a_function_and_a_period() -> None:
    for options in (
        {"function": 3, "period": 1.0},
        {"function": print, "period": "0 s"},
        {"function": print},
    ):
        with pytest.raises(DescriptionError):
            Governor(**options)  # type: ignore[arg-type]


# -- several at once -------------------------------------------------------------------------------


class Counter:
    """A controller of somebody else: it counts, and holds nothing but that."""

    period = 2.0

    def __init__(self) -> None:
        self.count = 0

    def act(self, time: float, temperatures: Mapping[str, PartTemperature]) -> Mapping[str, float]:
        self.count += 1
        return {"gpu": 1.0 / self.count}

    def state(self) -> dict[str, Any]:
        return {"count": self.count}

    def restore(self, state: dict[str, Any]) -> None:
        self.count = int(state["count"])


def test_shares_multiply() -> None:
    one, other = two_states(name="one", also="hbm"), two_states(name="other")
    control = ControllerSet([one, other])
    assert control.act(0.0, warm(370.0)) == {"gpu": 0.25, "hbm": 0.5}
    assert control.combined() == {"gpu": 0.25, "hbm": 0.5}


def test_each_acts_at_the_multiples_of_its_own_period() -> None:
    times: dict[str, list[float]] = {"fast": [], "slow": []}

    def noting(name: str) -> Callable[..., dict[str, float]]:
        def note(time: float, temperatures: object) -> dict[str, float]:
            times[name].append(time)
            return {}

        return note

    control = ControllerSet([Governor(noting("fast"), 0.2, "fast"), Governor(noting("slow"), 0.5, "slow")])
    time = 0.0
    while time < 1.05:
        control.act(time, {})
        time = control.next_after(time)
    assert times["fast"] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert times["slow"] == pytest.approx([0.0, 0.5, 1.0])


@given(st.floats(1e-7, 10.0), st.integers(0, 10**7))
def test_the_next_time_is_the_next_multiple(period: float, n: int) -> None:
    control = ControllerSet([Governor(print, period)])
    time = n * period
    assert control.next_after(time) == (n + 1) * period
    assert control.next_after(time * (1.0 + 1e-15)) == (n + 1) * period
    assert control.next_after(time + 0.5 * period) == (n + 1) * period
    assert whole_periods(time, period) == n


@pytest.mark.parametrize("n", [1, 3, 1000, 10**7])
def test_a_time_that_rounding_put_before_a_multiple_is_there(n: int) -> None:
    period = 0.1
    assert whole_periods(n * period * (1.0 - 1e-15), period) == n
    assert whole_periods((n - 0.001) * period, period) == n - 1


def test_a_late_call_is_one_call() -> None:
    counter = Counter()
    control = ControllerSet([counter])
    for time in (0.0, 1.0, 2.0, 7.9, 8.0, 9.9):
        control.act(time, {})
    assert counter.count == 4  # at 0, at 2, once for 4 and 6, at 8


def test_without_controllers_there_is_nothing_to_wait_for() -> None:
    control = ControllerSet([])
    assert control.next_after(3.0) == math.inf
    assert control.act(0.0, {}) == {}
    assert control.outcomes(1.0) == ()
    assert control.probes == {}
    control.restore(control.state())


def test_who_keeps_no_account_gives_none() -> None:
    control = ControllerSet([Counter(), two_states()])
    control.act(0.0, warm(370.0))
    assert [account.name for account in control.outcomes(1.0)] == ["gpu"]


@pytest.mark.parametrize(
    ("controllers", "code"),
    [([two_states(), two_states()], "E-DUPLICATE"), (["gpu"], "E-TYPE"), ([lambda time: {}], "E-TYPE")],
)
def test_what_cannot_be_controlled_with_is_refused(controllers: list[Any], code: str) -> None:
    with pytest.raises(DescriptionError) as error:
        ControllerSet(controllers)
    assert codes(error) == [code]


def test_a_description_starts_again_in_every_run() -> None:
    throttle = two_states()
    ControllerSet([throttle]).act(0.0, warm(370.0))
    assert ControllerSet([throttle]).act(0.0, warm(350.0)) == {"gpu": 1.0}


# -- saved and resumed -----------------------------------------------------------------------------


def several() -> ControllerSet:
    def spare(time: float, temperatures: Mapping[str, PartTemperature]) -> dict[str, float]:
        return {"hbm": 0.9} if temperatures["gpu"].max > 355.0 else {}

    throttles = (two_states(delay=4 * MS), two_states(name="slow", period=5 * MS, dwell=10 * MS))
    counter = Counter()
    counter.period = 4 * MS
    return ControllerSet([*throttles, Governor(spare, 3 * MS), counter])


def course(control: ControllerSet, curve: np.ndarray, start: int) -> list[dict[str, float]]:
    return [control.act(n * MS, warm(float(kelvin))) for n, kelvin in enumerate(curve, start)]


@pytest.mark.parametrize("stop", [0, 1, 2, 7, 50, 99])
def test_a_run_that_is_resumed_goes_on_as_if_nothing_had_been_between(stop: int) -> None:
    curve = np.random.default_rng(stop).uniform(340.0, 380.0, 100)
    whole, first, second = several(), several(), several()
    expected = course(whole, curve, 0)
    begun = course(first, curve[:stop], 0)
    saved = {key: np.array(value) for key, value in first.state().items()}  # as a file would hold it
    second.restore(saved)
    assert second.combined() == first.combined()
    assert begun + course(second, curve[stop:], stop) == expected
    assert second.outcomes(0.1) == whole.outcomes(0.1)


def test_what_was_held_down_is_remembered() -> None:
    first, second = several(), several()
    course(first, np.full(5, 370.0), 0)
    second.restore(first.state())
    assert second.outcomes(0.1) == first.outcomes(0.1)


def test_after_a_resume_a_period_is_not_acted_in_twice() -> None:
    states = tuple(PowerState(name, 1.0) for name in ("full", "less", "least"))
    first, second = (two_states(states=states).start() for _ in range(2))
    first.act(1 * MS, warm(370.0))
    second.restore(first.state())
    second.act(1.5 * MS, warm(370.0))
    assert second.record.level == first.record.level == 1


def test_a_state_is_made_of_numbers() -> None:
    control = several()
    course(control, np.linspace(340.0, 380.0, 30), 0)
    for key, value in control.state().items():
        assert np.asarray(value).dtype.kind in "iuf", key


def test_a_state_does_not_change_with_the_run_it_was_taken_from() -> None:
    control = several()
    course(control, np.full(5, 370.0), 0)
    state = control.state()
    kept = {key: np.array(value) for key, value in state.items()}
    course(control, np.full(50, 340.0), 5)
    assert all(np.array_equal(kept[key], value, equal_nan=True) for key, value in state.items())


def test_a_state_of_other_controllers_is_refused() -> None:
    state = ControllerSet([two_states()]).state()
    with pytest.raises(DescriptionError, match="saved with gpu, not with other") as error:
        ControllerSet([two_states(name="other")]).restore(state)
    assert codes(error) == ["E-VALUE"]
    with pytest.raises(DescriptionError, match="saved with gpu, not with none"):
        ControllerSet([]).restore(state)
