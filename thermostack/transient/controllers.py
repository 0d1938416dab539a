"""Who holds the power down while time passes: controllers, several of them at once, and what they did.

A controller acts at the multiples of its period. It is told the temperatures and answers with shares
of the power that would be drawn without it, by name; what it does not name is left alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol, runtime_checkable

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.results.throttling_log import ThrottlingLog
from thermostack.schema.fields import Quantity, quote_value
from thermostack.schema.validated_dataclass import described, diagnostic_at

Temperatures = Mapping[str, PartTemperature]  # of parts, heated blocks, stacks and places, by name
Shares = Mapping[str, float]  # of the power drawn without controllers, by name
State = dict[str, Any]  # numbers and arrays of numbers: what a run is resumed from
Place = tuple[float, float, float]  # x, y, z in m

Period = Annotated[float, Quantity("time", above=0.0)]
Duration = Annotated[float, Quantity("time", min=0.0)]
Share = Annotated[float, Quantity("fraction", min=0.0)]

BEAT = 1e-6  # of a period: how far from its multiple a time may be that is meant to be there


@runtime_checkable
class Controller(Protocol):
    """What takes part in a run. It may also have `places` and `outcome`, as those of this house do."""

    period: float  # s

    def act(self, time: float, temperatures: Temperatures) -> Shares:
        """Return the share of its power that each named part may draw from this time [s] on."""

    def state(self) -> State:
        """Return what it remembers."""

    def restore(self, state: State) -> None:
        """Remember what `state` returned, so that all goes on as if nothing had been between."""


@runtime_checkable
class Startable(Protocol):
    """A description of a controller: frozen, it may be used for many runs."""

    def start(self, time: float = 0.0) -> Controller:
        """Return a controller that begins at a time [s]."""


def beats(time: float, period: float) -> int:
    """Return how many whole periods [s] lie before a time [s], or end with it."""
    return math.floor(time / period + BEAT)


class StateLog:
    """The changes of state of a controller that runs."""

    def __init__(self, start: float) -> None:
        self.start = start  # s
        self.times: list[float] = [start]
        self.levels: list[int] = [0]

    @property
    def level(self) -> int:
        """Return the state that holds."""
        return self.levels[-1]

    @property
    def since(self) -> float:
        """Return when the state last changed [s], minus infinity where it never did."""
        return self.times[-1] if len(self.times) > 1 or self.level > 0 else -math.inf

    def enter(self, time: float, level: int) -> None:
        """Note the state that holds from a time [s] on."""
        if level == self.level:
            return
        if time <= self.times[-1]:  # nothing was done in a state that lasted no time
            self.levels[-1] = level
        else:
            self.times.append(time)
            self.levels.append(level)

    def state(self) -> State:
        return {"times": np.array(self.times), "levels": np.array(self.levels, dtype=np.int64)}

    def restore(self, state: State) -> None:
        self.times, self.levels = np.asarray(state["times"]).tolist(), np.asarray(state["levels"]).tolist()
        self.start = self.times[0]


# -- a function -----------------------------------------------------------------------------------


@described
class Governor:
    """A function of time [s] and temperatures that returns shares of power by name, called each period.

    `function(time, temperatures)` gets a mapping of `PartTemperature` by the names of parts, heated
    blocks and stacks. What the function remembers for itself is not saved with a run; a class with
    `period`, `act`, `state` and `restore` is what can be resumed then.
    """

    function: Callable[..., Any]
    period: Period  # s
    name: str = "governor"

    def start(self, time: float = 0.0) -> RunningGovernor:
        """Return a controller that begins at a time [s]."""
        return RunningGovernor(self, time)


class RunningGovernor:
    """A function at work; its states are "free", where every share is one or more, and "held"."""

    def __init__(self, governor: Governor, time: float) -> None:
        self.governor, self.name, self.period = governor, governor.name, governor.period
        self.record = StateLog(time)
        self.held: dict[str, None] = {}  # names it has held down so far

    def act(self, time: float, temperatures: Temperatures) -> Shares:
        """Return what the function says.

        Raises DescriptionError where that is no mapping of shares of zero or more by name.
        """
        shares = self.governor.function(time, temperatures)
        if not isinstance(shares, Mapping):
            remedy = "return a mapping from name to share, {} to leave all alone"
            raise self._refused((), f"the function returned {quote_value(shares)}", remedy, "E-TYPE")
        for name, share in shares.items():
            is_number = isinstance(share, (int, float, np.floating)) and not isinstance(share, bool)
            if not (is_number and math.isfinite(share) and share >= 0.0):
                text = f"{quote_value(share)} is no share of the power"
                raise self._refused((str(name),), text, "a number of zero or more", "E-RANGE")
        held = [name for name, share in shares.items() if share < 1.0]
        self.held.update(dict.fromkeys(held))
        self.record.enter(time, int(bool(held)))
        return {name: float(share) for name, share in shares.items()}

    def _refused(self, path: tuple[str, ...], text: str, remedy: str, code: str) -> DescriptionError:
        return DescriptionError(diagnostic_at(("controllers", self.name, *path), text, remedy, code))

    def outcome(self, time: float) -> ThrottlingLog:
        """Return what it did until a time [s]; how much performance that cost is not known."""
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
        """Return its history."""
        return {**self.record.state(), "held": _as_bytes(self.held)}

    def restore(self, state: State) -> None:
        """Go on from a history."""
        self.record.restore(state)
        self.held = dict.fromkeys(_as_names(state["held"]))


# -- several at once ------------------------------------------------------------------------------


class ControllerSet:
    """Controllers at work. The share of a part is the product of what each of them allows it."""

    def __init__(self, controllers: Iterable[Startable | Controller], time: float = 0.0) -> None:
        """Start those that are descriptions at a time [s].

        Raises DescriptionError where one is no controller, or two of a name would be confused.
        """
        self.running: list[Controller] = []
        for n, item in enumerate(controllers):
            made = item.start(time) if isinstance(item, Startable) else item
            if not isinstance(made, Controller) or not made.period > 0.0:
                text = f"{quote_value(item)} is no controller"
                remedy = "it needs a period [s] above zero, act, state and restore"
                raise DescriptionError(diagnostic_at(("controllers", n), text, remedy, "E-TYPE"))
            self.running.append(made)
        self.names = [getattr(each, "name", f"controller_{n}") for n, each in enumerate(self.running)]
        for n, name in enumerate(self.names):
            if name in self.names[:n]:
                text = f"the name {name!r} stands twice"
                diagnostic = diagnostic_at(("controllers", n), text, "give one another name", "E-DUPLICATE")
                raise DescriptionError(diagnostic)
        self.shares: list[dict[str, float]] = [{} for _ in self.running]
        self.acted: float | None = None  # s, when any of them last was asked

    @property
    def probes(self) -> dict[str, Place]:
        """Return the places [m] whose temperatures they are to be told, by the name they know them under."""
        found: dict[str, Place] = {}
        for each in self.running:
            found.update(getattr(each, "places", {}))
        return found

    def next_after(self, time: float) -> float:
        """Return the next time [s] at which one of them acts; infinity where there are none."""
        return min(
            ((beats(time, each.period) + 1) * each.period for each in self.running),
            default=math.inf,
        )

    def act(self, time: float, temperatures: Temperatures) -> dict[str, float]:
        """Return the share of its power that each named part may draw from this time [s] on.

        At the first call all act, later those of whom a multiple of their period has come since.
        """
        for n, each in enumerate(self.running):
            if self.acted is None or beats(time, each.period) > beats(self.acted, each.period):
                self.shares[n] = dict(each.act(time, temperatures))
        self.acted = time
        return self.combined()

    def combined(self) -> dict[str, float]:
        """Return the shares that hold, as `act` returned them last."""
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
        state: State = {"acted": math.nan if self.acted is None else self.acted}
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
        self.acted = None if math.isnan(acted := float(state["acted"])) else acted
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
