"""Histories: temperature and power of parts, blocks and stacks over a run, and groups of equal stacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from thermostack.mesh.model import Model
from thermostack.results.names import unknown_name, with_stacks
from thermostack.schema.arguments import as_names

TIME_ROUNDING = 1e-12  # relative: two times that differ by less are the same time


class MemberHistories(Protocol):
    """The fields of a transient result that histories are taken from."""

    @property
    def model(self) -> Model:
        """Return the mesh."""

    @property
    def time(self) -> np.ndarray:
        """Return the times of the start and of every step [s], (n,)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the members: parts, then blocks."""

    @property
    def mean(self) -> np.ndarray:
        """Return the mean temperatures [K], (n, members)."""

    @property
    def max(self) -> np.ndarray:
        """Return the maximum temperatures [K], (n, members)."""

    @property
    def power(self) -> np.ndarray:
        """Return the powers from each time on [W], (n, members)."""

    @property
    def peak_error(self) -> tuple[float | None, ...]:
        """Return the estimated discretisation errors of the maxima [K], (members,); empty where unknown."""


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """Maximum temperature and power of a part, a block or a stack at every accepted step.

    Parameters
    ----------
    name : str
        Name of the part, block or stack.
    time : numpy.ndarray, shape (n,)
        Times [s].
    peak : numpy.ndarray, shape (n,)
        Maximum temperature [K].
    mean : numpy.ndarray, shape (n,)
        Mean temperature over the volume [K].
    power : numpy.ndarray, shape (n,)
        Power from each time on [W].
    limit : float or None
        Temperature limit [K], of a stack the minimum of the limits of its parts.
    error : float or None
        Estimated discretisation error of the maximum over the run [K], of a stack that of its hottest part.

    Examples
    --------
    >>> time, peak = np.array([0.0, 1.0, 2.0]), np.array([300.0, 360.0, 340.0])
    >>> history = History("gpu", time, peak, peak, np.array([10.0, 10.0, 0.0]), 350.0)
    >>> history.hottest, history.when, round(history.above, 3)
    (360.0, 1.0, 0.667)
    >>> history
    History('gpu': 3 times from 0 to 2 s, peak 360.00 K at 1 s, limit 350.00 K)
    """

    name: str
    time: np.ndarray  # (n,) s
    peak: np.ndarray  # (n,) K
    mean: np.ndarray  # (n,) K, over the volume
    power: np.ndarray  # (n,) W, from each time on
    limit: float | None  # K, of a stack the minimum over its parts
    error: float | None = None  # K, of the maximum over the run

    def __repr__(self) -> str:
        """Return name, time range and peak in one line."""
        limit = "no limit" if self.limit is None else f"limit {self.limit:.2f} K"
        times = f"{self.time.size} times from {self.time[0]:g} to {self.time[-1]:g} s"
        return f"History({self.name!r}: {times}, peak {self.hottest:.2f} K at {self.when:g} s, {limit})"

    @property
    def hottest(self) -> float:
        """Return the maximum temperature of the run [K]."""
        return float(self.peak.max())

    @property
    def when(self) -> float:
        """Return the first time at which the maximum temperature occurs [s]."""
        return float(self.time[int(self.peak.argmax())])

    @property
    def above(self) -> float:
        """Return the time spent above the limit [s]; zero if there is no limit."""
        return 0.0 if self.limit is None else time_above(self.time, self.peak, self.limit)


def time_above(time: np.ndarray, values: np.ndarray, limit: float) -> float:
    """Return the time [s] that a piecewise linear function of time spends above a limit.

    >>> time_above(np.array([0.0, 1.0]), np.array([0.0, 4.0]), 3.0)
    0.25
    """
    low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
    fraction = (high > limit).astype(float)
    crosses = (low < limit) & (limit < high)
    fraction[crosses] = (high[crosses] - limit) / (high[crosses] - low[crosses])
    return float(fraction @ np.diff(time))


def step_lengths(time: np.ndarray) -> np.ndarray:
    """Return the lengths of the steps between times [s]; the two times of a jump are not a step."""
    lengths = np.diff(time)
    steps: np.ndarray = lengths[lengths > TIME_ROUNDING * np.abs(time[1:])]
    return steps


def history_of(transient: MemberHistories, name: str) -> History:
    """Return the history of a part, a block, a stack, or of all stacks with a common first name.

    Raises UnknownNameError with similar names.
    """
    members = [n for n, each in enumerate(transient.names) if each == name]
    if not members:
        parts = transient.names[: len(transient.model.parts)]
        members = [n for n, each in enumerate(parts) if each.startswith(f"{name}.")]
    members = [n for n in members if np.isfinite(transient.max[:, n]).all()]
    if not members:
        raise unknown_name(name, with_stacks(transient.names))
    limits = [limit for n in members if (limit := _limit(transient, n)) is not None]
    return History(
        name,
        transient.time,
        transient.max[:, members].max(axis=1),
        _mean(transient, members),
        transient.power[:, members].sum(axis=1),
        min(limits, default=None),
        _peak_error(transient, members),
    )


def _peak_error(transient: MemberHistories, members: list[int]) -> float | None:
    """Return the estimated error [K] of the maximum of the hottest of some members; None where unknown."""
    errors = transient.peak_error
    hottest = members[int(np.argmax(transient.max[:, members].max(axis=0)))]
    return errors[hottest] if errors else None


def _mean(transient: MemberHistories, members: list[int]) -> np.ndarray:
    """Return the mean temperature over the volume of a part, a block or several parts, (n,) K."""
    means: np.ndarray = transient.mean[:, members]
    if len(members) == 1:
        return means[:, 0].copy()
    mean = np.average(means, axis=1, weights=transient.model.volume_of_parts[members])
    return np.clip(mean, means.min(axis=1), means.max(axis=1))  # rounding does not exceed the means


def _limit(transient: MemberHistories, member: int) -> float | None:
    """Return the temperature limit [K] of a part, or of the part that holds a block."""
    parts, blocks = transient.model.parts, transient.model.blocks
    return parts[member if member < len(parts) else blocks[member - len(parts)].part].limit


@dataclass(frozen=True, eq=False, repr=False)
class StackGroup:
    """Stacks that are instances of one description, such as "hbm.west_0" and "hbm.east_0"."""

    name: str
    histories: tuple[History, ...]

    def __repr__(self) -> str:
        """Return the name and the number of stacks in one line."""
        return f"StackGroup({self.label!r})"

    @property
    def label(self) -> str:
        """Return the name, followed by the number of stacks where it is above one."""
        return self.name if len(self.histories) == 1 else f"{self.name}, {len(self.histories)} stacks"

    @property
    def max(self) -> np.ndarray:
        """Return the maximum of their maximum temperatures at each time, (n,) K."""
        peaks: np.ndarray = np.stack([history.peak for history in self.histories]).max(axis=0)
        return peaks

    @property
    def min(self) -> np.ndarray:
        """Return the minimum of their maximum temperatures at each time, (n,) K."""
        peaks: np.ndarray = np.stack([history.peak for history in self.histories]).min(axis=0)
        return peaks

    @property
    def power(self) -> np.ndarray:
        """Return the sum of their powers, (n,) W."""
        power: np.ndarray = np.stack([history.power for history in self.histories]).sum(axis=0)
        return power

    @property
    def limit(self) -> float | None:
        """Return the minimum of their temperature limits [K]."""
        return min((history.limit for history in self.histories if history.limit is not None), default=None)


def group_stacks(transient: MemberHistories, names: str | Sequence[str] | None = None) -> list[StackGroup]:
    """Return the histories of some parts, blocks or stacks, each as a group of its own.

    Without names, those of all stacks with power or a temperature limit, grouped by their first name.
    Raises KeyError for an unknown name.
    """
    if names is not None:
        return [StackGroup(name, (history_of(transient, name),)) for name in as_names(names, "names")]
    groups: dict[str, list[History]] = {}
    stacks = list(stack_histories(transient))
    chosen = [history for history in stacks if history.power.any() or history.limit is not None] or stacks
    for history in chosen:
        groups.setdefault(history.name.partition(".")[0], []).append(history)
    return [
        StackGroup(name if len(members) > 1 else members[0].name, tuple(members))
        for name, members in groups.items()
    ]


def stack_histories(transient: MemberHistories) -> Iterator[History]:
    """Yield the history of each stack that has parts, in the order of the package."""
    parts = transient.names[: len(transient.model.parts)]
    for stack in transient.model.package.stacks:
        if any(part.startswith(f"{stack.name}.") for part in parts):
            yield history_of(transient, stack.name)
