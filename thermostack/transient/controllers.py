"""Controllers of power: their interface, the log of their states, governors, and sets of controllers.

A controller acts at the multiples of its period. It receives the temperatures and returns factors of power by
name; the power of a part without a factor is unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol, runtime_checkable

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.schema.arguments import argument_error
from thermostack.schema.fields import Quantity, quote_value
from thermostack.schema.validated_dataclass import described, diagnostic_at

Temperatures = Mapping[str, PartTemperature]  # of parts, blocks, stacks and probes, by name
Shares = Mapping[str, float]  # factors of the power without controllers, by name
State = dict[str, Any]  # numbers and arrays of numbers from which a run is resumed
Position = tuple[float, float, float]  # x, y, z in m

Period = Annotated[float, Quantity("time", above=0.0)]
Duration = Annotated[float, Quantity("time", min=0.0)]

PERIOD_ROUNDING = 1e-6  # of a period: a time that is nearer to a multiple of the period is that multiple


@runtime_checkable
class Controller(Protocol):
    """Interface of an object that limits power during a run.

    It may also have a `name`, `probes` (positions x, y, z [m] by name, whose temperatures it receives) and
    `outcome(time)`, which returns its `ThrottlingLog`.

    Examples
    --------
    >>> class HalfPower:
    ...     period = 0.01  # s
    ...     def act(self, time, temperatures):
    ...         return {"gpu": 0.5}
    ...     def state(self):
    ...         return {}
    ...     def restore(self, state):
    ...         pass
    >>> isinstance(HalfPower(), Controller)
    True
    """

    period: float  # s

    def act(self, time: float, temperatures: Temperatures) -> Shares:
        """Return the factor of the power of each named part from this time [s] on."""

    def state(self) -> State:
        """Return the state of the controller: numbers and arrays by name."""

    def restore(self, state: State) -> None:
        """Continue from a state that `state` returned."""


@runtime_checkable
class Startable(Protocol):
    """Interface of an immutable description of a controller, from which each run starts its own."""

    def start(self, time: float = 0.0) -> Controller:
        """Return a controller that starts at a time [s]."""


def whole_periods(time: float, period: float) -> int:
    """Return the number of whole periods [s] up to a time [s].

    >>> whole_periods(0.3, 0.1)
    3
    """
    return math.floor(time / period + PERIOD_ROUNDING)


class StateLog:
    """Times at which the state of a running controller changed."""

    def __init__(self, start: float) -> None:
        self.start = start  # s
        self.times: list[float] = [start]
        self.levels: list[int] = [0]

    @property
    def level(self) -> int:
        """Return the number of the present state."""
        return self.levels[-1]

    @property
    def since(self) -> float:
        """Return the time of the last change [s], minus infinity if there was none."""
        return self.times[-1] if len(self.times) > 1 or self.level > 0 else -math.inf

    def enter(self, time: float, level: int) -> None:
        """Add the state that begins at a time [s]."""
        if level == self.level:
            return
        if time <= self.times[-1]:  # a state of zero duration is not logged
            self.levels[-1] = level
        else:
            self.times.append(time)
            self.levels.append(level)

    def state(self) -> State:
        return {"times": np.array(self.times), "levels": np.array(self.levels, dtype=np.int64)}

    def restore(self, state: State) -> None:
        self.times, self.levels = np.asarray(state["times"]).tolist(), np.asarray(state["levels"]).tolist()
        self.start = self.times[0]


# -- governor -----------------------------------------------------------------------------------


@described
class Governor:
    """A controller from a Python function that returns factors of power.

    Parameters
    ----------
    function : callable
        `function(time, temperatures)` receives the time [s] and a mapping of `PartTemperature` by the names
        of parts, blocks and stacks. It returns a mapping of names to factors of power, zero or more.
    period : float or str
        Time between two calls [s].
    name : str
        Name in the throttling log.

    Notes
    -----
    Variables that the function keeps are not saved in a checkpoint. A class with the interface of
    `Controller` can be resumed with its state.

    Examples
    --------
    >>> import thermostack as ts
    >>> limit = ts.Governor(lambda time, t: {"gpu": 0.5 if t["gpu"].max > 380.0 else 1.0}, period="10 ms")
    >>> limit.period
    0.01
    """

    function: Callable[..., Any]
    period: Period  # s
    name: str = "governor"

    def start(self, time: float = 0.0) -> RunningGovernor:
        """Return a controller that starts at a time [s]."""
        return RunningGovernor(self, time)


class RunningGovernor:
    """A running governor; its states are "free" (every factor is one or more) and "held"."""

    def __init__(self, governor: Governor, time: float) -> None:
        self.governor, self.name, self.period = governor, governor.name, governor.period
        self.record = StateLog(time)
        self.held: dict[str, None] = {}  # names whose power it has reduced so far

    def act(self, time: float, temperatures: Temperatures) -> Shares:
        """Return the factors of power that the function returns.

        Raises DescriptionError if they are not a mapping of names to numbers of zero or more.
        """
        shares = self.governor.function(time, temperatures)
        if not isinstance(shares, Mapping):
            hint = "return a mapping of names to factors of power, {} to change none"
            raise self._error((), f"the function returned {quote_value(shares)}", hint, "E-TYPE")
        for name, share in shares.items():
            is_number = isinstance(share, (int, float, np.floating)) and not isinstance(share, bool)
            if not (is_number and math.isfinite(share) and share >= 0.0):
                text = f"{quote_value(share)} is not a factor of power"
                raise self._error((str(name),), text, "a number of zero or more", "E-RANGE")
        held = [name for name, share in shares.items() if share < 1.0]
        self.held.update(dict.fromkeys(held))
        self.record.enter(time, int(bool(held)))
        return {name: float(share) for name, share in shares.items()}

    def _error(self, path: tuple[str, ...], text: str, hint: str, code: str) -> DescriptionError:
        return DescriptionError(diagnostic_at(("controllers", self.name, *path), text, hint, code))

    def outcome(self, time: float) -> ThrottlingLog:
        """Return the log until a time [s]; the performance in the state "held" is not known."""
        return ThrottlingLog(
            self.name,
            tuple(self.held),
            ("free", "held"),
            (1.0, None),
            self.record.start,
            time,
            tuple(self.record.times),
            tuple(self.record.levels),
        )

    def state(self) -> State:
        """Return the log of its states."""
        return {**self.record.state(), "held": _as_bytes(self.held)}

    def restore(self, state: State) -> None:
        """Continue from a log that `state` returned."""
        self.record.restore(state)
        self.held = dict.fromkeys(_as_names(state["held"]))


# -- sets of controllers ------------------------------------------------------------------------------


def as_controllers(
    controllers: Startable | Controller | Iterable[Startable | Controller],
) -> list[Startable | Controller]:
    """Return one or several controllers as a list. Raises ArgumentError if they are neither."""
    if isinstance(controllers, (Startable, Controller)):
        return [controllers]
    given: Any = controllers
    if isinstance(given, str) or not isinstance(given, Iterable):
        text = f"{quote_value(given)} is not a sequence of controllers"
        raise argument_error("controllers", text, 'write [gpu_throttle("gpu")]', "E-TYPE")
    return list(given)


class ControllerSet:
    """The running controllers of a run; the factor of a part is the product of their factors."""

    def __init__(self, controllers: Iterable[Startable | Controller], time: float = 0.0) -> None:
        """Start the controllers that are descriptions at a time [s].

        Raises DescriptionError if an item is not a controller or two have the same name.
        """
        self.running: list[Controller] = []
        for n, item in enumerate(controllers):
            controller = item.start(time) if isinstance(item, Startable) else item
            if not isinstance(controller, Controller) or not controller.period > 0.0:
                text = f"{quote_value(item)} is not a controller"
                hint = "it needs a period [s] above zero, act, state and restore"
                raise DescriptionError(diagnostic_at(("controllers", n), text, hint, "E-TYPE"))
            self.running.append(controller)
        self.names = [getattr(each, "name", f"controller_{n}") for n, each in enumerate(self.running)]
        for n, name in enumerate(self.names):
            if name in self.names[:n]:
                text = f"two controllers are named {name!r}"
                diagnostic = diagnostic_at(("controllers", n), text, "rename one of them", "E-DUPLICATE")
                raise DescriptionError(diagnostic)
        self.shares: list[dict[str, float]] = [{} for _ in self.running]
        self.last_time: float | None = None  # s, of the last call of `act`

    @property
    def probes(self) -> dict[str, Position]:
        """Return the positions [m] of all sensors that are not those of a part, by name."""
        found: dict[str, Position] = {}
        for each in self.running:
            found.update(getattr(each, "probes", {}))
        return found

    def next_after(self, time: float) -> float:
        """Return the next time [s] at which a controller acts, infinity if there are none."""
        return min(
            ((whole_periods(time, each.period) + 1) * each.period for each in self.running),
            default=math.inf,
        )

    def act(self, time: float, temperatures: Temperatures) -> dict[str, float]:
        """Return the factor of the power of each named part from this time [s] on.

        At the first call all controllers act, later those whose period has ended since the last call.
        """
        for n, each in enumerate(self.running):
            if self.last_time is None or whole_periods(time, each.period) > whole_periods(
                self.last_time, each.period
            ):
                self.shares[n] = dict(each.act(time, temperatures))
        self.last_time = time
        return self.combined()

    def combined(self) -> dict[str, float]:
        """Return the products of the factors that the controllers returned last."""
        product: dict[str, float] = {}
        for shares in self.shares:
            for name, share in shares.items():
                product[name] = product.get(name, 1.0) * share
        return product

    def outcomes(self, time: float) -> tuple[ThrottlingLog, ...]:
        """Return what those of them that keep account did until a time [s]."""
        accounts = (getattr(each, "outcome", None) for each in self.running)
        return tuple(account(time) for account in accounts if account is not None)

    def state(self) -> State:
        """Return what all of them remember, numbers and arrays of numbers by name."""
        state: State = {"acted": math.nan if self.last_time is None else self.last_time}
        for n, (each, shares) in enumerate(zip(self.running, self.shares, strict=True)):
            state[f"{n}.name"] = _as_bytes([self.names[n]])
            state[f"{n}.shares.names"] = _as_bytes(shares)
            state[f"{n}.shares.values"] = np.array(list(shares.values()), dtype=float)
            state |= {f"{n}.own.{key}": value for key, value in each.state().items()}
        return state

    def restore(self, state: State) -> None:
        """Go on from a state, to the last bit. Raises DescriptionError where it is of other controllers."""
        saved = [_as_names(state[key])[0] for key in _numbered(state)]
        if saved != self.names:
            text = f"the run was saved with {_listed(saved)}, not with {_listed(self.names)}"
            raise DescriptionError(Diagnostic("controllers", text, "resume it with the same", "E-VALUE"))
        self.last_time = None if math.isnan(acted := float(state["acted"])) else acted
        for n, each in enumerate(self.running):
            names, values = _as_names(state[f"{n}.shares.names"]), state[f"{n}.shares.values"]
            self.shares[n] = dict(zip(names, np.asarray(values).tolist(), strict=True))
            head = f"{n}.own."
            own = {key.removeprefix(head): value for key, value in state.items() if key.startswith(head)}
            each.restore(own)


def _numbered(state: State) -> list[str]:
    """Return the keys of the names of controllers, in order."""
    keys = [key for key in state if key.endswith(".name") and key.removesuffix(".name").isdecimal()]
    return sorted(keys, key=lambda key: int(key.removesuffix(".name")))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


def _as_bytes(names: Iterable[str]) -> np.ndarray:
    """Return names, which hold no line break, as numbers."""
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8).copy()


def _as_names(numbers: Any) -> list[str]:
    text = np.asarray(numbers, dtype=np.uint8).tobytes().decode()
    return text.split("\n") if text else []
