"""Throttles: power states one under the other, a sensor that lags, limits with hysteresis; ready-made ones.

A throttle reads its sensor each period, as it was `delay` ago, and goes one state down where it shows
more than that state's limit, one up where it shows less than the limit of the state it is in by the
hysteresis.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator

from thermostack.errors import DescriptionError
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.schema.fields import Length, PathName, Quantity, Temperature, fail, quote_value, suggest
from thermostack.schema.validated_dataclass import described, diagnostic_at
from thermostack.transient.controllers import (
    BEAT,
    Duration,
    Period,
    Place,
    Share,
    State,
    StateLog,
    Temperatures,
)
from thermostack.transient.controllers import beats as beats_until
from thermostack.units import celsius, format_quantity

Difference = Annotated[float, Quantity("temperature_difference", min=0.0)]

REFRESH = 350e-9 / 3.9e-6  # of the time: tRFC of 8 Gb in a channel over tREFI, as in Ramulator 2's HBM3
REFRESH_POWER = 0.1  # of a busy stack's power; assumed
IDLE_POWER = 0.2  # of its power that a stack draws which transfers nothing; assumed
LOOP = 10e-3  # s between two looks at a sensor; assumed
STILL_POWER = 0.2  # of a processor's power that does not follow its clock; assumed


@described
class PowerState:
    """One state of a throttle: the share of power that is drawn in it, and what it performs."""

    name: str
    power: Share  # of that drawn in full state
    performance: Share | None = None  # of that in full state; None: not known
    limit: Temperature | None = None  # K: entered from the state above it beyond this


@described
class Sensor:
    """What a throttle reads: the greatest, mean or least temperature of a part, block or stack, or a place.

    In short its name, or the place: `"gpu.active"`, `("12 mm", "8 mm", "1.2 mm")`.
    """

    part: PathName | None = None
    reads: Literal["max", "mean", "min"] = "max"
    at: tuple[Length, Length, Length] | None = None  # m; instead of a part

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return a bare name as the part, a bare point as the place."""
        if isinstance(value, str):
            return {"part": value}
        return {"at": value} if isinstance(value, (list, tuple)) else value

    def __post_init__(self) -> None:
        """Check that it is one of the two."""
        if (self.part is None) == (self.at is None):
            raise fail("E-MISSING", "a sensor sits in a part or at a place", "give one of part and at")


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


@described
class Throttle:
    """Power states that a stack goes through when it gets hot.

    The states are listed from the full one downwards. `also` names others whose power goes down with
    that of the stack. A state is kept for `dwell` at least, in either direction.
    """

    stack: PathName
    states: tuple[PowerState, ...]
    limit: Temperature | None = None  # K, of every state that has none of its own
    hysteresis: Difference = 3.0  # K
    sensor: Sensor | None = None  # None: the greatest temperature of the stack
    delay: Duration = 0.0  # s: how old what the sensor shows is, up to whole periods
    period: Period = 1e-3  # s
    dwell: Duration = 0.0  # s
    also: Annotated[tuple[PathName, ...], BeforeValidator(_as_tuple)] = ()
    name: str = ""  # by which it is told from others; without it the stack's

    def __post_init__(self) -> None:
        """Check the states and the order of their limits."""
        if len(self.states) < 2:
            raise fail("E-MISSING", "a throttle has a full state and at least one below it", "add a state")
        names = [state.name for state in self.states]
        twice = next((name for n, name in enumerate(names) if name in names[:n]), None)
        if twice is not None:
            raise fail("E-DUPLICATE", f"the state {twice!r} stands twice", "give one another name")
        if self.states[0].limit is not None:
            raise fail("E-VALUE", f"{names[0]!r} is the full state, which no limit leads to", "remove it")
        limits = [self.limit if state.limit is None else state.limit for state in self.states[1:]]
        missing = next((names[n] for n, limit in enumerate(limits, 1) if limit is None), None)
        if missing is not None:
            raise fail("E-MISSING", f"the state {missing!r} has no limit", "give it one, or the throttle")
        for n in range(1, len(self.limits)):
            if self.limits[n] < self.limits[n - 1]:
                low, high = (format_quantity(self.limits[m], "temperature") for m in (n, n - 1))
                text = f"{names[n + 1]!r} lies below {names[n]!r} but has the lower limit, {low} under {high}"
                raise fail("E-VALUE", text, "states are listed from full downwards, limits rise")

    @property
    def limits(self) -> tuple[float, ...]:
        """Return the limit [K] of each state below the full one."""
        limits = (self.limit if state.limit is None else state.limit for state in self.states[1:])
        return tuple(limit for limit in limits if limit is not None)

    def start(self, time: float = 0.0) -> RunningThrottle:
        """Return the throttle at work from a time [s] on, in its full state."""
        return RunningThrottle(self, time)


class RunningThrottle:
    """A throttle at work: its state, and what its sensor showed of late."""

    def __init__(self, throttle: Throttle, time: float) -> None:
        self.throttle, self.limits = throttle, throttle.limits
        self.name, self.period = throttle.name or throttle.stack, throttle.period
        self.record = StateLog(time)
        self.readings: deque[tuple[float, float]] = deque()  # s, K; the oldest is what is seen
        self.beat: int | None = None  # the period it last acted in

    @property
    def places(self) -> Mapping[str, Place]:
        """Return the place [m] of its sensor by the name it asks for it under; none for one in a part."""
        sensor = self.throttle.sensor
        return {} if sensor is None or sensor.at is None else {f"sensor of {self.name}": sensor.at}

    @property
    def state_name(self) -> str:
        """Return the name of the state it is in."""
        return self.throttle.states[self.record.level].name

    def act(self, time: float, temperatures: Temperatures) -> Mapping[str, float]:
        """Return the share of its power that the stack may draw from a time [s] on.

        Asked again within a period it says the same. Raises DescriptionError where nobody is told what
        the sensor reads.
        """
        beat = beats_until(time, self.period)
        if self.beat is None or beat > self.beat:
            self.beat = beat
            self.readings.append((time, self._read(temperatures)))
            self._move(time, self._seen(time))
        share = self.throttle.states[self.record.level].power
        return dict.fromkeys((self.throttle.stack, *self.throttle.also), share)

    def _read(self, temperatures: Temperatures) -> float:
        """Return what the sensor shows now [K]."""
        sensor = self.throttle.sensor or Sensor(part=self.throttle.stack)
        name = next(iter(self.places), sensor.part or "")
        path = ("controllers", self.name, "sensor")
        if name not in temperatures:
            text, remedy = f"nothing is named {name!r}", suggest(name, temperatures)
            raise DescriptionError(diagnostic_at(path, text, remedy, "E-NAME"))
        value: float = getattr(temperatures[name], sensor.reads)
        if not math.isfinite(value):
            text = f"{name} has no temperature: it shows {quote_value(value)}"
            raise DescriptionError(diagnostic_at(path, text, "place it inside the body", "E-OUTSIDE"))
        return value

    def _seen(self, time: float) -> float:
        """Return what the sensor shows with its delay [K]; before the start it showed the same as then."""
        due = time - self.throttle.delay + BEAT * self.period
        while len(self.readings) > 1 and self.readings[1][0] <= due:
            self.readings.popleft()
        return self.readings[0][1]

    def _move(self, time: float, seen: float) -> None:
        """Go at most one state down or up, by what is seen [K]."""
        throttle, level = self.throttle, self.record.level
        if time - self.record.since < throttle.dwell - BEAT * self.period:
            return
        if level < len(self.limits) and seen > self.limits[level]:
            self.record.enter(time, level + 1)
        elif level > 0 and seen < self.limits[level - 1] - throttle.hysteresis:
            self.record.enter(time, level - 1)

    def outcome(self, time: float) -> ThrottlingLog:
        """Return what it did until a time [s]."""
        states = self.throttle.states
        return ThrottlingLog(
            self.name,
            (self.throttle.stack, *self.throttle.also),
            tuple(state.name for state in states),
            tuple(state.performance for state in states),
            self.record.start,
            time,
            tuple(self.record.times),
            tuple(self.record.levels),
        )

    def state(self) -> State:
        """Return its history and the readings still to be seen."""
        readings = np.array(self.readings, dtype=float).reshape(-1, 2)
        return {**self.record.state(), "readings": readings, "beat": -1 if self.beat is None else self.beat}

    def restore(self, state: State) -> None:
        """Go on from a history and the readings that belong to it."""
        self.record.restore(state)
        self.readings = deque((t, kelvin) for t, kelvin in np.asarray(state["readings"]).tolist())
        self.beat = None if int(state["beat"]) < 0 else int(state["beat"])


# -- ready-made ------------------------------------------------------------------------------------


def clock_states(*clocks: float, still: float = STILL_POWER) -> tuple[PowerState, ...]:
    """Return the full state of a processor and those at shares of its clock: "90 % clock", ...

    The power is still + (1 - still) clock^3: dynamic power goes with clock times voltage squared
    (Chandrakasan, Sheng and Brodersen, IEEE J. Solid-State Circuits 27, 473, 1992), the voltage is taken
    to follow the clock, which holds until it reaches its least (assumed), and `still` of the power does
    not depend on the clock (0.2: assumed). The performance is that of the clock: a load bound by compute.
    """
    below = (
        PowerState(f"{100.0 * clock:.3g} % clock", still + (1.0 - still) * clock**3, clock)
        for clock in clocks
    )
    return PowerState("full", 1.0, 1.0), *below


def gpu_throttle(stack: str = "gpu", limit: float | str = celsius(105.0), **options: Any) -> Throttle:
    """Return a throttle that lowers the clock of a processor beyond a limit [K or "105 degC"].

    Five states from 90 % to 50 % of the clock (`clock_states`), the hottest place read every 10 ms and seen
    10 ms later, a state kept for 20 ms, 3 K of hysteresis: assumed, vendors do not publish theirs. `options`
    are fields of `Throttle` that differ.
    """
    usual = {
        "states": clock_states(0.9, 0.8, 0.7, 0.6, 0.5),
        "period": LOOP,
        "delay": LOOP,
        "dwell": 2 * LOOP,
    }
    return Throttle(stack=stack, limit=limit, **{**usual, **options})  # type: ignore[arg-type]


def hbm_throttle(stack: str, **options: Any) -> Throttle:
    """Return the throttle of an HBM stack: refreshed twice as often above 95 degC, stopped above 105 degC.

    While it refreshes all its banks a channel transfers nothing: tRFC / tREFI = 350 ns / 3.9 us = 9 % of
    the time with 8 Gb in a channel (the HBM3 model of Ramulator 2, SAFARI group, 2023), and 18 % when tREFI
    is halved. So 90 % of the performance is left; less is lost where banks are refreshed one by one. The
    power hardly changes: the transfers that are lost save about what the refreshes take, with 10 % of the
    power for them (assumed). Stopped it transfers nothing and draws 20 % (assumed). It reads its hottest
    place every 10 ms and sees it 10 ms later, with 3 K of hysteresis (assumed). The limits are those of
    JEDEC's HBM parts, remembered. `options` are fields of `Throttle` that differ.
    """
    left = (1.0 - 2.0 * REFRESH) / (1.0 - REFRESH)
    power = (1.0 - REFRESH_POWER) * left + 2.0 * REFRESH_POWER
    states = (
        PowerState("full", 1.0, 1.0),
        PowerState("double refresh", power, left, celsius(95.0)),
        PowerState("stopped", IDLE_POWER, 0.0, celsius(105.0)),
    )
    return Throttle(stack=stack, **{"states": states, "period": LOOP, "delay": LOOP, **options})
