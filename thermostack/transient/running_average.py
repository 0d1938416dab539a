"""A limit of the running average of power: PL2 for a short time, PL1 on average over a time constant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np

from thermostack.errors import DescriptionError
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.schema.arguments import check_quantity
from thermostack.schema.fields import PathName, PowerValue, Quantity, fail
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import described, diagnostic_at
from thermostack.transient.controllers import Period, State, StateLog, Temperatures, whole_periods
from thermostack.units import format_quantity

PL2_FACTOR = 1.25  # PL2 over PL1: default in data sheets of Intel processors
TIME_CONSTANT = 1.0  # s: hardware default in the same data sheets
AVERAGE_PERIOD = 10e-3  # s between two readings of the power; the data sheets exceed PL2 for 10 ms at most
STATES = ("free", "PL2", "PL1")

PositivePower = Annotated[float, Quantity("power", above=0.0)]
TimeConstant = Annotated[float, Quantity("time", above=0.0)]


@described
class RunningAverageLimit:
    """A controller that limits the exponential average of the power of a stack.

    Parameters
    ----------
    stack : str
        Name of the stack, part or block whose power is limited.
    pl1 : float or str
        Limit of the average power [W].
    pl2 : float or str
        Limit of the power while the average is at most `pl1` [W].
    tau : float or str
        Time constant of the average [s].
    period : float or str
        Time between two readings of the power [s], `tau` at most.
    average : float or str
        Average power at the start of a run [W].
    name : str
        Name in the throttling log; by default that of the stack.

    Raises
    ------
    DescriptionError
        If `pl2` is below `pl1`, or `period` is above `tau`.

    Examples
    --------
    >>> import thermostack as ts
    >>> ts.RunningAverageLimit("gpu", "700 W", "875 W").tau
    1.0
    """

    stack: PathName
    pl1: PositivePower  # W
    pl2: PositivePower  # W
    tau: TimeConstant = TIME_CONSTANT  # s
    period: Period = AVERAGE_PERIOD  # s
    average: PowerValue = 0.0  # W, at the start
    name: str = ""  # "": that of the stack

    def __post_init__(self) -> None:
        """Check the order of the limits and of the times."""
        if self.pl2 < self.pl1:
            high, low = (format_quantity(power, "power") for power in (self.pl2, self.pl1))
            raise fail("E-RANGE", f"pl2 of {high} is below pl1 of {low}", "give a pl2 of at least pl1")
        if self.period > self.tau:
            period, tau = (format_quantity(time, "time") for time in (self.period, self.tau))
            raise fail("E-RANGE", f"the period of {period} is above tau of {tau}", "shorten the period")

    def start(self, time: float = 0.0) -> RunningAverage:
        """Return a running controller that starts at a time [s]."""
        return RunningAverage(self, time)


class RunningAverage:
    """A running controller: the average power, and the factor of power since the last reading."""

    def __init__(self, limit: RunningAverageLimit, time: float) -> None:
        self.limit, self.name, self.period = limit, limit.name or limit.stack, limit.period
        self.record = StateLog(time)
        self.average = limit.average  # W
        self.power = 0.0  # W, since the last reading
        self.share = 1.0
        self.last_time: float | None = None  # s, of the last reading

    def __repr__(self) -> str:
        """Return the name, the average power and the present state in one line."""
        return f"RunningAverage({self.name!r}: {self.average:.5g} W, {STATES[self.record.level]})"

    def act(self, time: float, temperatures: Temperatures) -> Mapping[str, float]:
        """Return the factor of the power of the stack from a time [s] on.

        A second call within a period returns the same. Raises DescriptionError if `temperatures` does not
        contain the stack.
        """
        limit = self.limit
        if self.last_time is None or whole_periods(time, self.period) > whole_periods(
            self.last_time, self.period
        ):
            demand = self._read(temperatures) / self.share
            if self.last_time is not None:
                decay = math.exp(-(time - self.last_time) / limit.tau)
                self.average = self.power + (self.average - self.power) * decay
            self.last_time = time
            level = 1 if self.average <= limit.pl1 else 2
            allowed = limit.pl2 if level == 1 else limit.pl1
            self.share = min(1.0, allowed / demand) if demand > 0.0 else 1.0
            self.power = self.share * demand
            self.record.enter(time, level if self.share < 1.0 else 0)
        return {limit.stack: self.share}

    def _read(self, temperatures: Temperatures) -> float:
        """Return the present power of the stack [W]."""
        if self.limit.stack not in temperatures:
            path, hint = ("controllers", self.name, "stack"), suggest(self.limit.stack, temperatures)
            raise DescriptionError(
                diagnostic_at(path, f"nothing is named {self.limit.stack!r}", hint, "E-NAME")
            )
        return float(temperatures[self.limit.stack].power)

    def outcome(self, time: float) -> ThrottlingLog:
        """Return the log until a time [s]; the performance at a limited power is not known."""
        return ThrottlingLog(
            self.name,
            (self.limit.stack,),
            STATES,
            (1.0, None, None),
            self.record.start,
            time,
            tuple(self.record.times),
            tuple(self.record.levels),
        )

    def state(self) -> State:
        """Return the log, the average, the power, the factor, and the time of the last reading."""
        last = math.nan if self.last_time is None else self.last_time
        return {**self.record.state(), "reading": np.array([self.average, self.power, self.share, last])}

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""
        self.record.restore(state)
        self.average, self.power, self.share, last = np.asarray(state["reading"]).tolist()
        self.last_time = None if math.isnan(last) else last


def running_average_limit(
    stack: str,
    pl1: float | str,
    pl2: float | str | None = None,
    tau: float | str = TIME_CONSTANT,
    **options: Any,
) -> RunningAverageLimit:
    """Return a controller that allows the power PL2 while the average power is at most PL1.

    Parameters
    ----------
    stack : str
        Name of the stack, part or block whose power is limited.
    pl1 : float or str
        Limit of the average power [W].
    pl2 : float or str, optional
        Limit of the power for a short time [W]; 1.25 times PL1 by default.
    tau : float or str
        Time constant of the average [s]; 1 s by default.
    **options
        Other fields of `RunningAverageLimit`: `period`, `average`, `name`.

    Returns
    -------
    RunningAverageLimit
        Description of the controller, for `solve_transient(controllers=...)`.

    Raises
    ------
    DescriptionError
        If a value is out of its range, or `pl2` is below `pl1`.

    Notes
    -----
    The average A of the power P follows `tau dA/dt = P - A`. Between two readings P is constant, and the
    average after a time h is `P + (A - P) exp(-h / tau)`. The power is limited to PL2 while `A <= PL1`, and
    to PL1 otherwise. From A = 0 the power PL2 lasts for `tau ln(PL2 / (PL2 - PL1))`, 1.61 tau for the default
    ratio. The average exceeds PL1 by `(PL2 - PL1) period / tau` at most, if the power without controllers
    changes at readings only; a rise between two readings acts until the next one.

    PL1, PL2 and tau are those of Intel data sheets: PL2 is 1.25 times the thermal design power and may be
    exceeded for up to 10 ms; tau is 1 s by default of the hardware and 28 s as recommended for mobile
    processors (DBS1200V3RPS, p. 61; i7-7500, p. 91; E3-1200 v3, p. 75).

    Examples
    --------
    >>> import thermostack as ts
    >>> ts.running_average_limit("gpu", "700 W", tau="28 s").pl2
    875.0
    """
    pl1 = check_quantity(pl1, "power", "pl1", above=0.0)
    pl2 = PL2_FACTOR * pl1 if pl2 is None else check_quantity(pl2, "power", "pl2", above=0.0)
    return RunningAverageLimit(stack, pl1, pl2, check_quantity(tau, "time", "tau", above=0.0), **options)
