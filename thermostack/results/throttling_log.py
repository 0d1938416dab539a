"""Throttling logs: the states that a controller went through in a run, and the performance they cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, repr=False)
class ThrottlingLog:
    """The states of one controller in a run, in the order of time.

    Parameters
    ----------
    name : str
        Name of the controller.
    stacks : tuple of str
        Names of the stacks, parts or blocks whose power it limits.
    states : tuple of str
        Names of its states, from full power downwards.
    performance : tuple of (float or None)
        Performance in each state relative to full power; None where it is not known.
    start, end : float
        First and last time of the log [s].
    times : tuple of float
        Time [s] at which each state begins; the first is `start`.
    levels : tuple of int
        Index into `states` of the state that begins at each of `times`.

    Examples
    --------
    >>> log = ThrottlingLog("gpu", ("gpu",), ("full", "half"), (1.0, 0.5), 0.0, 4.0, (0.0, 1.0), (0, 1))
    >>> log.throttled, log.performance_lost
    (3.0, 0.375)
    >>> log
    ThrottlingLog('gpu': throttled 3 of 4 s, first at 1 s, 1 change of state)
    """

    name: str
    stacks: tuple[str, ...]  # whose power it limits
    states: tuple[str, ...]  # from full power downwards
    performance: tuple[float | None, ...]  # relative to full power, by state; None: not known
    start: float  # s
    end: float  # s
    times: tuple[float, ...]  # s at which a state begins, first `start`
    levels: tuple[int, ...]  # index of `states` that begins at each time

    def __repr__(self) -> str:
        """Return name, throttled time and number of changes in one line."""
        changes = f"{self.changes} change{'' if self.changes == 1 else 's'} of state"
        if self.first is None:
            return f"ThrottlingLog({self.name!r}: not throttled, {changes})"
        time = f"throttled {self.throttled:g} of {self.end - self.start:g} s, first at {self.first:g} s"
        return f"ThrottlingLog({self.name!r}: {time}, {changes})"

    @property
    def history(self) -> tuple[tuple[float, str], ...]:
        """Return the time [s] at which each state began, and its name."""
        return tuple((t, self.states[n]) for t, n in zip(self.times, self.levels, strict=True))

    @property
    def seconds(self) -> dict[str, float]:
        """Return the time [s] spent in each state."""
        spent = dict.fromkeys(self.states, 0.0)
        for begin, end, level in self.intervals():
            spent[self.states[level]] += end - begin
        return spent

    @property
    def throttled(self) -> float:
        """Return the time [s] spent in any state but the first."""
        return math.fsum(end - begin for begin, end, level in self.intervals() if level > 0)

    @property
    def first(self) -> float | None:
        """Return the time [s] at which the controller first throttled, None if it never did."""
        return next((begin for begin, _, level in self.intervals() if level > 0), None)

    @property
    def changes(self) -> int:
        """Return the number of changes of state."""
        return len(self.times) - 1

    @property
    def performance_lost(self) -> float | None:
        """Return 1 minus the mean performance over time; None if that of a state it was in is not known."""
        return combined_performance_loss([self])

    def intervals(self) -> Iterator[tuple[float, float, int]]:
        """Yield begin [s], end [s] and level of every interval spent in one state."""
        yield from zip(self.times, (*self.times[1:], self.end), self.levels, strict=True)

    def levels_at(self, times: np.ndarray) -> np.ndarray:
        """Return the level from each of some times [s] on; times before the start have the first level."""
        last = np.searchsorted(np.array(self.times), times, side="right") - 1
        levels: np.ndarray = np.array(self.levels)[np.maximum(last, 0)]
        return levels


def combined_performance_loss(logs: Sequence[ThrottlingLog]) -> float | None:
    """Return the performance lost by a machine that is as slow as its slowest part, relative to full.

    At every time the minimum of the performances counts. None if the performance of a state that occurred
    is not known; zero if there are no logs or the time is empty.
    """
    if not logs:
        return 0.0
    start, end = max(log.start for log in logs), min(log.end for log in logs)
    if any(log.performance[level] is None for log in logs for level in {*log.levels}):
        return None
    if end <= start:
        return 0.0
    edges = np.unique([start, end, *(time for log in logs for time in log.times if start < time < end)])
    performance = np.full(edges.size - 1, np.inf)
    for log in logs:
        known = np.array([np.nan if value is None else value for value in log.performance])
        performance = np.minimum(performance, known[log.levels_at(edges[:-1])])
    return 1.0 - math.fsum(performance * np.diff(edges)) / (end - start)
