"""Throttles: power states, a delayed temperature sensor and limits with hysteresis.

A throttle reads its sensor each period, with a delay. It enters the next lower state if the reading exceeds
the limit of that state, and the next higher one if the reading is below the limit of its present state by
more than the hysteresis.
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
from thermostack.schema.fields import Length, PathName, Quantity, Temperature, fail, quote_value
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import described, diagnostic_at
from thermostack.transient.controllers import (
    PERIOD_ROUNDING,
    Duration,
    Period,
    Position,
    State,
    StateLog,
    Temperatures,
    whole_periods,
)
from thermostack.units import format_quantity

MAX_RELATIVE_POWER = 1.1  # a memory that refreshes more often may draw slightly more power than at full speed
RelativePower = Annotated[float, Quantity("fraction", min=0.0, max=MAX_RELATIVE_POWER)]
Performance = Annotated[float, Quantity("fraction", min=0.0, max=1.0)]
Difference = Annotated[float, Quantity("temperature_difference", min=0.0)]


@described
class PowerState:
    """One state of a throttle: its power and its performance.

    Parameters
    ----------
    name : str
        Name of the state.
    power : float or str
        Power relative to that of the full state, 110 % at most.
    performance : float or str, optional
        Performance relative to that of the full state, 100 % at most; None if it is not known.
    limit : float or str, optional
        Temperature [K] above which the state is entered from the state above it.

    Examples
    --------
    >>> import thermostack as ts
    >>> ts.PowerState("half clock", 0.4, 0.5, "95 degC").limit
    368.15
    """

    name: str
    power: RelativePower  # relative to the full state
    performance: Performance | None = None  # relative to the full state; None: not known
    limit: Temperature | None = None  # K: above, entered from the state above it


@described
class Sensor:
    """The temperature that a throttle reads: that of a part, block or stack, or at a position.

    The short form in a description is the name, `"gpu.active"`, or the position,
    `("12 mm", "8 mm", "1.2 mm")`.

    Parameters
    ----------
    part : str, optional
        Name of the part, block or stack.
    reads : {"max", "mean", "min"}
        Which of its temperatures.
    at : tuple of float or str, optional
        Position x, y, z [m], instead of a part.

    Raises
    ------
    DescriptionError
        If neither or both of `part` and `at` are given.

    Examples
    --------
    >>> import thermostack as ts
    >>> ts.Sensor(at=("12 mm", "8 mm", "1.2 mm")).at
    (0.012, 0.008, 0.0012)
    """

    part: PathName | None = None
    reads: Literal["max", "mean", "min"] = "max"
    at: tuple[Length, Length, Length] | None = None  # m; instead of a part

    @classmethod
    def from_description(cls, value: Any) -> Any:
        """Return the fields of a sensor from its short form, a name or a position."""
        if isinstance(value, str):
            return {"part": value}
        return {"at": value} if isinstance(value, (list, tuple)) else value

    def __post_init__(self) -> None:
        """Check that one of part and position is given."""
        if (self.part is None) == (self.at is None):
            raise fail("E-MISSING", "a sensor is in a part or at a position", "give one of part and at")


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


@described
class Throttle:
    """Power states of a stack that depend on its temperature.

    Parameters
    ----------
    stack : str
        Name of the stack, part or block whose power is reduced.
    states : tuple of PowerState
        States from full power downwards, two at least.
    limit : float or str, optional
        Temperature limit [K] of every state without one of its own, of which there must be one.
    hysteresis : float or str
        A state is left upwards when the reading is below its limit by more than this [K].
    sensor : Sensor, optional
        The temperature it reads; by default the maximum of the stack.
    delay : float or str
        Age of a reading [s]; readings are taken once in a period.
    period : float or str
        Time between two readings [s].
    dwell : float or str
        Minimum time in a state [s].
    also : tuple of str
        Names of other stacks, parts or blocks whose power is reduced by the same factor.
    name : str
        Name in the throttling log; by default that of the stack.

    Raises
    ------
    DescriptionError
        If states are missing, have equal names, or have limits that do not ascend.

    Examples
    --------
    >>> import thermostack as ts
    >>> ts.Throttle("gpu", ts.clock_states(0.8, 0.6), limit="95 degC").limits
    (368.15, 368.15)
    """

    stack: PathName
    states: tuple[PowerState, ...]
    limit: Temperature | None = None  # K, of every state without one of its own
    hysteresis: Difference = 3.0  # K
    sensor: Sensor | None = None  # None: the maximum temperature of the stack
    delay: Duration = 0.0  # s, age of a reading
    period: Period = 1e-3  # s
    dwell: Duration = 0.0  # s
    also: Annotated[tuple[PathName, ...], BeforeValidator(_as_tuple)] = ()
    name: str = ""  # "": that of the stack

    def __post_init__(self) -> None:
        """Check the states and the order of their limits."""
        if len(self.states) < 2:
            raise fail("E-MISSING", "a throttle needs a full state and at least one below it", "add a state")
        names = [state.name for state in self.states]
        twice = next((name for n, name in enumerate(names) if name in names[:n]), None)
        if twice is not None:
            raise fail("E-DUPLICATE", f"two states are named {twice!r}", "rename one of them")
        if self.states[0].limit is not None:
            raise fail("E-VALUE", f"the full state {names[0]!r} has a limit", "remove the limit")
        if self.limit is not None and all(state.limit is not None for state in self.states[1:]):
            text = "limit has no effect: every state below the full one has a limit of its own"
            raise fail("E-VALUE", text, "remove it, or change the limits of the states")
        limits = [self.limit if state.limit is None else state.limit for state in self.states[1:]]
        missing = next((names[n] for n, limit in enumerate(limits, 1) if limit is None), None)
        if missing is not None:
            raise fail(
                "E-MISSING",
                f"the state {missing!r} has no limit",
                "give a limit to the state or to the throttle",
            )
        for n in range(1, len(self.limits)):
            if self.limits[n] < self.limits[n - 1]:
                low, high = (format_quantity(self.limits[m], "temperature") for m in (n, n - 1))
                text = f"{names[n + 1]!r} is below {names[n]!r} but has the lower limit, {low} under {high}"
                raise fail("E-VALUE", text, "list states from full power downwards, with ascending limits")

    @property
    def limits(self) -> tuple[float, ...]:
        """Return the limit [K] of each state below the full one."""
        limits = (self.limit if state.limit is None else state.limit for state in self.states[1:])
        return tuple(limit for limit in limits if limit is not None)

    def start(self, time: float = 0.0) -> RunningThrottle:
        """Return a running throttle that starts at a time [s] in its full state."""
        return RunningThrottle(self, time)


class RunningThrottle:
    """A running throttle: its state and the recent readings of its sensor."""

    def __init__(self, throttle: Throttle, time: float) -> None:
        self.throttle, self.limits = throttle, throttle.limits
        self.name, self.period = throttle.name or throttle.stack, throttle.period
        self.record = StateLog(time)
        self.readings: deque[tuple[float, float]] = deque()  # s, K; the first is the delayed reading
        self.last_period: int | None = None  # number of the period in which it last acted

    def __repr__(self) -> str:
        """Return the name, the present state and the time of its beginning in one line."""
        return f"RunningThrottle({self.name!r}: {self.state_name!r} since {self.record.times[-1]:g} s)"

    @property
    def probes(self) -> Mapping[str, Position]:
        """Return the position [m] of its sensor by name, {} if the sensor is that of a part."""
        sensor = self.throttle.sensor
        return {} if sensor is None or sensor.at is None else {f"sensor of {self.name}": sensor.at}

    @property
    def state_name(self) -> str:
        """Return the name of the present state."""
        return self.throttle.states[self.record.level].name

    def act(self, time: float, temperatures: Temperatures) -> Mapping[str, float]:
        """Return the factor of the power of the stack from a time [s] on.

        A second call within a period returns the same. Raises DescriptionError if `temperatures` has no
        value for the sensor.
        """
        period = whole_periods(time, self.period)
        if self.last_period is None or period > self.last_period:
            self.last_period = period
            self.readings.append((time, self._read(temperatures)))
            self._change_state(time, self._delayed_reading(time))
        share = self.throttle.states[self.record.level].power
        return dict.fromkeys((self.throttle.stack, *self.throttle.also), share)

    def _read(self, temperatures: Temperatures) -> float:
        """Return the present temperature of the sensor [K]."""
        sensor = self.throttle.sensor or Sensor(part=self.throttle.stack)
        name = next(iter(self.probes), sensor.part or "")
        path = ("controllers", self.name, "sensor")
        if name not in temperatures:
            text, hint = f"nothing is named {name!r}", suggest(name, temperatures)
            raise DescriptionError(diagnostic_at(path, text, hint, "E-NAME"))
        value: float = getattr(temperatures[name], sensor.reads)
        if not math.isfinite(value):
            text = f"{name} has no temperature, but {quote_value(value)}"
            raise DescriptionError(diagnostic_at(path, text, "put it inside the body", "E-OUTSIDE"))
        return value

    def _delayed_reading(self, time: float) -> float:
        """Return the reading of the sensor with its delay [K]; before the start it is the first reading."""
        due = time - self.throttle.delay + PERIOD_ROUNDING * self.period
        while len(self.readings) > 1 and self.readings[1][0] <= due:
            self.readings.popleft()
        return self.readings[0][1]

    def _change_state(self, time: float, reading: float) -> None:
        """Enter the next state down or up if the reading [K] requires it."""
        throttle, level = self.throttle, self.record.level
        if time - self.record.since < throttle.dwell - PERIOD_ROUNDING * self.period:
            return
        if level < len(self.limits) and reading > self.limits[level]:
            self.record.enter(time, level + 1)
        elif level > 0 and reading < self.limits[level - 1] - throttle.hysteresis:
            self.record.enter(time, level - 1)

    def outcome(self, time: float) -> ThrottlingLog:
        """Return the log of its states until a time [s]."""
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
        """Return the log of its states and the readings within the delay."""
        readings = np.array(self.readings, dtype=float).reshape(-1, 2)
        return {
            **self.record.state(),
            "readings": readings,
            "last_period": -1 if self.last_period is None else self.last_period,
        }

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self.record.restore(state)
        self.readings = deque((t, kelvin) for t, kelvin in np.asarray(state["readings"]).tolist())
        last = int(state["last_period"])
        self.last_period = None if last < 0 else last
