"""Rate of the cases of a sweep, and the remaining time that follows from it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from statistics import median

from thermostack.cli.console import MIN_ELAPSED_FOR_ETA, format_wall_time

WINDOW_SHARE = 0.5  # of the elapsed time, whose cases count
MIN_WINDOW = 20.0  # s
MAX_SAMPLES = 100  # of the number of ended cases, in the window
SPAN_SHARE = 0.25  # of the samples of the window, between both ends of a slope
SMOOTHING_SHARE = 0.2  # of the elapsed or remaining time, in which the end follows a changed rate
UPDATE_INTERVAL = 0.5  # s between two evaluations


class CaseRate:
    """The rate of ended cases, as the median of slopes over the recent half of the elapsed time.

    Cases end in bursts, because several workers solve them and tasks of a cluster return several, and another
    process can stop all of them for a while. A pause is in fewer than half of the slopes, so that it hardly
    changes their median (Theil, Indagationes Mathematicae 12, 85 (1950)). The time of the end is smoothed,
    not the remaining time, so that the latter falls steadily.
    """

    def __init__(self, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.count, self.clock = count, clock
        self.start = self.evaluated = clock()  # s
        self.samples: deque[tuple[float, int]] = deque()  # clock [s], ended cases
        self.rate: float | None = None  # 1/s
        self.end: float | None = None  # s of the clock

    def update(self, done: int) -> None:
        """Record the number of ended cases."""
        now = self.clock()
        window = max(MIN_WINDOW, WINDOW_SHARE * (now - self.start))
        if len(self.samples) > 1 and now - self.samples[-2][0] < window / MAX_SAMPLES:
            self.samples.pop()
        self.samples.append((now, done))
        while len(self.samples) > 2 and self.samples[1][0] <= now - window:
            self.samples.popleft()
        if now - self.evaluated >= UPDATE_INTERVAL:
            self._evaluate(now, done)

    def _evaluate(self, now: float, done: int) -> None:
        samples = [*self.samples]
        span = max(1, round(SPAN_SHARE * (len(samples) - 1)))
        pairs = zip(samples, samples[span:], strict=False)
        slopes = [(n - before) / (t - then) for (then, before), (t, n) in pairs if t > then]
        passed, self.evaluated = now - self.evaluated, now
        if not slopes or not (rate := median(slopes)) > 0.0:
            return
        self.rate, end = rate, now + (self.count - done) / rate
        elapsed = now - self.start
        is_known = self.end is not None and elapsed >= MIN_ELAPSED_FOR_ETA
        duration = SMOOTHING_SHARE * min(elapsed, max(end - now, UPDATE_INTERVAL))
        weight = -math.expm1(-passed / duration) if is_known else 1.0
        self.end = end if self.end is None else self.end + weight * (end - self.end)

    @property
    def remaining(self) -> float | None:
        """Return the remaining time [s], None before three seconds and at the end."""
        now = self.clock()
        if self.end is None or now - self.start < MIN_ELAPSED_FOR_ETA or self.samples[-1][1] >= self.count:
            return None
        return max(0.0, self.end - now)

    def __str__(self) -> str:
        """Return a text like "12.5 cases/s, about 2 min left"; empty where there is no rate yet."""
        if self.rate is None:
            return ""
        remaining = self.remaining
        text = f"{self.rate:.3g} cases/s"
        return text if remaining is None else f"{text}, about {format_wall_time(remaining)} left"
