"""Output of the commands: results on stdout; progress, warnings and errors on stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from thermostack.units import ZERO_CELSIUS, format_quantity

if TYPE_CHECKING:
    from rich.console import RenderableType

FILE_WIDTH = 132  # characters a line where stdout is not a terminal
WARNING_COLOR, ERROR_COLOR = "33", "31"  # ANSI codes: yellow, red
MIN_ELAPSED_FOR_ETA = 3.0  # s; no remaining time is shown before
STEADY_SPEED_RATIO = 1.3  # the speed of a run counts as constant if it changed by less than this factor
MIN_SAMPLE_SPACING = 5e-3  # of the elapsed time, between two samples of the progress
MAX_LOG_INTERVAL = 60.0  # s between two lines of progress

STAGE_MESSAGES = {
    "read": "reading the description",
    "open": "reading the result",
    "mesh": "building the grid",
    "assemble": "assembling conductances",
    "prepare": "preparing the solver",
    "solve": "solving",
    "reduce": "building the reduced model",
    "measure": "computing part temperatures",
    "estimate": "estimating errors",
    "write": "writing the result",
    "plot": "plotting",
}


def print_json(data: Mapping[str, Any]) -> None:
    """Print data as JSON; NaN is an error, because JSON has none.

    Other characters than those of ASCII are escaped unless the output is UTF-8, the encoding of JSON.
    """
    is_utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    print(json_text(data, is_ascii=not is_utf8))


def json_text(data: Mapping[str, Any], *, is_ascii: bool = False) -> str:
    """Return data as JSON; NaN is an error, because JSON has none."""
    return json.dumps(data, indent=2, ensure_ascii=is_ascii, allow_nan=False)


def print_tables(
    build: Callable[[int], Sequence[RenderableType]], heading: tuple[str, str] | None = None
) -> None:
    """Print the tables that `build` returns for a width in characters, below a name and its description."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = FILE_WIDTH
    items = list(build(console.width))
    if heading is not None:
        items[:0] = [Text.assemble((heading[0], "bold"), "  ", heading[1]), ""]
    with console.capture() as capture:
        for item in items:
            console.print(item)
    text = capture.get()
    print("\n".join(line.rstrip() for line in text.splitlines()))


def log(text: str, color: str = "") -> None:
    """Print text on stderr; characters that would control the terminal are escaped."""
    safe = "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)
    if color and sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        safe = f"\x1b[{color}m{safe}\x1b[0m"
    print(safe, file=sys.stderr)


def warn(warnings: Iterable[str]) -> None:
    """Print warnings on stderr, each of them once."""
    for warning in dict.fromkeys(warnings):
        log(f"warning: {warning}", WARNING_COLOR)


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows a stage on stderr: one status line on a terminal, else a line each.

    It shows nothing if `quiet`.
    """
    if quiet:
        yield lambda stage: None
        return
    if not sys.stderr.isatty():
        yield _StageLog()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda stage: bar.update(task, description=STAGE_MESSAGES.get(stage, stage))


class _StageLog:
    """Prints a line for each stage, once: an iteration passes through the same stages again."""

    def __init__(self) -> None:
        self.printed: set[str] = set()

    def __call__(self, stage: str) -> None:
        if stage not in self.printed:
            self.printed.add(stage)
            log(STAGE_MESSAGES.get(stage, stage))


# -- progress of transients ----------------------------------------------------------------------

StepCallback = Callable[[float, float, float], None]  # time [s], step size [s], maximum temperature [K]


@contextmanager
def show_run(duration: float, start: float = 0.0, *, quiet: bool = False) -> Iterator[StepCallback]:
    """Yield a function that shows the progress of a run on stderr: a bar on a terminal, else lines.

    `duration` and `start` are simulated times [s]. The function is called after every step with the simulated
    time [s], the step size [s], and the maximum temperature [K]. It shows nothing if `quiet`.
    """
    if quiet:
        yield lambda now, step, peak: None
        return
    eta = EtaEstimator(start + duration)
    if not sys.stderr.isatty():
        yield _RunLog(start, duration, eta)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), BarColumn(24), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=duration)

        def show(now: float, step: float, peak: float) -> None:
            eta.update(now)
            text = format_progress(now - start, duration, step, peak, eta)
            bar.update(task, completed=now - start, description=text)

        yield show


def format_progress(elapsed: float, duration: float, step: float, peak: float, eta: EtaEstimator) -> str:
    """Return simulated time and duration, step size [all s], peak temperature [K], and the remaining time."""
    times = f"{format_quantity(elapsed, 'time')} of {format_quantity(duration, 'time')}"
    text = f"{times}, step {format_quantity(step, 'time')}, peak {peak - ZERO_CELSIUS:.1f} degC"
    return f"{text}, {eta}" if str(eta) else text


class EtaEstimator:
    """Estimate of the remaining wall time of a run from its recent speed in simulated time.

    Step sizes grow while temperatures settle and shrink where powers jump, so the mean speed of the whole
    run is a poor predictor. The speed over the last quarter of the elapsed wall time is compared with that
    over the last half. If both agree, the estimate is "about"; if the run became faster, the estimate is an
    upper bound ("less than"); if it became slower, a lower bound ("more than").
    """

    def __init__(self, end: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.end = end  # s, simulated
        self.clock = clock
        self.start = clock()
        self.samples: deque[tuple[float, float]] = deque()  # s: clock, simulated time

    def update(self, simulated: float) -> None:
        """Record that the run has reached a simulated time [s]."""
        now = self.clock()
        elapsed = now - self.start
        if len(self.samples) > 1 and now - self.samples[-2][0] < MIN_SAMPLE_SPACING * elapsed:
            self.samples.pop()  # bounds the number of samples
        self.samples.append((now, simulated))
        while len(self.samples) > 2 and self.samples[1][0] <= self._clock_before(0.5):
            self.samples.popleft()

    def _clock_before(self, share: float) -> float:
        """Return the clock [s] at which the last `share` of the elapsed wall time began."""
        now = self.samples[-1][0]
        return now - share * (now - self.start)

    def seconds(self) -> tuple[float, float] | None:
        """Return the remaining wall time [s] at the speed of the last quarter, and at that of the last half.

        None where too little time has elapsed, or the run is at its end.
        """
        if len(self.samples) < 3 or self.samples[-1][0] - self.start < MIN_ELAPSED_FOR_ETA:
            return None
        now, simulated = self.samples[-1]
        if simulated >= self.end:
            return None
        remaining = []
        for share in (0.25, 0.5):
            earlier = [sample for sample in self.samples if sample[0] <= self._clock_before(share)]
            then, simulated_then = max(earlier, default=self.samples[0])
            if simulated <= simulated_then or now <= then:
                return None
            remaining.append((self.end - simulated) * (now - then) / (simulated - simulated_then))
        return remaining[0], remaining[1]

    def __str__(self) -> str:
        """Return a text like "about 2 min left"; empty where there is no estimate yet."""
        found = self.seconds()
        if found is None:
            return ""
        quarter, half = found
        is_steady = quarter < STEADY_SPEED_RATIO * half and half < STEADY_SPEED_RATIO * quarter
        bound = "about" if is_steady else "less than" if quarter < half else "more than"
        return f"{bound} {format_wall_time(quarter)} left"


def format_wall_time(seconds: float) -> str:
    """Return a rounded duration.

    >>> [format_wall_time(seconds) for seconds in (8.0, 43.0, 170.0, 7900.0)]
    ['8 s', '45 s', '3 min', '2 h 10 min']
    """
    if seconds < 9.5:
        return f"{max(1.0, seconds):.0f} s"
    if seconds < 57.5:
        return f"{5 * round(seconds / 5)} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    minutes = 10 * round(minutes / 10)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


class _RunLog:
    """Prints a line of progress at every tenth of a run, and at least every `MAX_LOG_INTERVAL`."""

    def __init__(self, start: float, duration: float, eta: EtaEstimator) -> None:
        self.start, self.duration, self.eta = start, duration, eta
        self.tenth, self.printed_at = 0, eta.clock()

    def __call__(self, now: float, step: float, peak: float) -> None:
        self.eta.update(now)
        elapsed = now - self.start
        tenth = int(10.0 * elapsed / self.duration + 1e-9) if self.duration > 0.0 else 10
        if tenth > self.tenth or self.eta.clock() - self.printed_at > MAX_LOG_INTERVAL:
            self.tenth, self.printed_at = tenth, self.eta.clock()
            log(format_progress(elapsed, self.duration, step, peak, self.eta))
