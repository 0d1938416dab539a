"""What a command says: its answer on stdout; what it does, warns of and finds wrong on stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from thermostack.units import celsius, format_quantity

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH_OF_A_FILE = 132  # columns of text where stdout is no terminal
WARNING, FAULT = "33", "31"  # yellow, red
SOON = 3.0  # s: before that nothing is said of the time left
STEADY = 1.3  # a run whose speed changed by less than this goes on as it does, for all we know

STAGES = {
    "read": "reading the description",
    "open": "reading the result",
    "mesh": "cutting it into cells",
    "assemble": "assembling conductances",
    "prepare": "preparing the solver",
    "solve": "solving",
    "reduce": "solving at one rate after the other",
    "measure": "measuring parts",
    "estimate": "estimating errors",
    "write": "writing the result",
    "plot": "drawing",
}


def print_json(data: Mapping[str, Any]) -> None:
    """Print data as JSON, which knows no NaN."""
    print(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def print_tables(
    build: Callable[[int], Sequence[RenderableType]], heading: tuple[str, str] | None = None
) -> None:
    """Print what `build` returns for the columns of text there are, under a name and what it is about."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_OF_A_FILE
    items = list(build(console.width))
    if heading is not None:
        items[:0] = [Text.assemble((heading[0], "bold"), "  ", heading[1]), ""]
    with console.capture() as capture:
        for item in items:
            console.print(item)
    text = capture.get()
    print("\n".join(line.rstrip() for line in text.splitlines()))


def log(text: str, color: str = "") -> None:
    """Print lines on stderr, as they are but for signs that would control the terminal."""
    safe = "".join(sign if sign.isprintable() or sign in "\n\t" else f"\\x{ord(sign):02x}" for sign in text)
    if color and sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        safe = f"\x1b[{color}m{safe}\x1b[0m"
    print(safe, file=sys.stderr)


def warn(warnings: Iterable[str]) -> None:
    """Print warnings on stderr, each once."""
    for warning in dict.fromkeys(warnings):
        log(f"warning: {warning}", WARNING)


@contextmanager
def show_progress() -> Iterator[Callable[[str], None]]:
    """Yield what shows the stages of long work on stderr: one moving line on a terminal, else a line each."""
    if not sys.stderr.isatty():
        yield _Log()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda stage: bar.update(task, description=STAGES.get(stage, stage))


class _Log:
    """Prints a line for each stage, once: an iteration comes by the same stages again."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def __call__(self, stage: str) -> None:
        if stage not in self.seen:
            self.seen.add(stage)
            log(STAGES.get(stage, stage))


# -- runs ----------------------------------------------------------------------------------------

Step = Callable[[float, float, float], None]  # time, step [s] and the greatest temperature [K]


@contextmanager
def show_run(duration: float, start: float = 0.0) -> Iterator[Step]:
    """Yield what shows on stderr how far a run of that duration [s] is: a bar on a terminal, else lines.

    It is called after every step with the simulated time, the length of the step [s], and the greatest
    temperature [K].
    """
    left = EtaEstimator(start + duration)
    if not sys.stderr.isatty():
        yield _RunLog(start, duration, left)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), BarColumn(24), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=duration)

        def show(now: float, step: float, peak: float) -> None:
            left.note(now)
            bar.update(
                task, completed=now - start, description=_said(now - start, duration, step, peak, left)
            )

        yield show


def _said(passed: float, duration: float, step: float, peak: float, left: EtaEstimator) -> str:
    times = f"{format_quantity(passed, 'time')} of {format_quantity(duration, 'time')}"
    text = f"{times}, step {format_quantity(step, 'time')}, peak {peak - celsius(0.0):.1f} degC"
    return f"{text}, {left}" if str(left) else text


class EtaEstimator:
    """How long a run will still take, by how fast simulated time went by lately.

    Steps grow while temperatures settle and shrink where powers jump, so the whole past says little. The
    last quarter of the time on the clock is set against the last half: where both are equally fast the run
    is taken to go on so; where it became faster less time is left than that, where slower more.
    """

    def __init__(self, end: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.end = end  # s, simulated
        self.clock = clock
        self.began = clock()
        self.marks: deque[tuple[float, float]] = deque()  # clock, simulated time

    def note(self, simulated: float) -> None:
        """Note that a simulated time [s] was reached."""
        now = self.clock()
        if len(self.marks) > 1 and now - self.marks[-2][0] < 5e-3 * (now - self.began):
            self.marks.pop()  # marks closer than this tell nothing, and would become too many
        self.marks.append((now, simulated))
        while len(self.marks) > 2 and self.marks[1][0] <= self._back(0.5):
            self.marks.popleft()

    def _back(self, share: float) -> float:
        """Return what the clock showed when so much of the run's time till now was still to come."""
        now = self.marks[-1][0]
        return now - share * (now - self.began)

    def seconds(self) -> tuple[float, float] | None:
        """Return the time left at the speed of the last quarter and of the last half [s]; None: too early."""
        if len(self.marks) < 3 or self.marks[-1][0] - self.began < SOON:
            return None
        now, simulated = self.marks[-1]
        if simulated >= self.end:
            return None
        found = []
        for share in (0.25, 0.5):
            since, then = max(
                (mark for mark in self.marks if mark[0] <= self._back(share)), default=self.marks[0]
            )
            if simulated <= then or now <= since:
                return None
            found.append((self.end - simulated) * (now - since) / (simulated - then))
        return found[0], found[1]

    def __str__(self) -> str:
        """Return "about 2 min left", or less or more than that; nothing where it is too early to say."""
        found = self.seconds()
        if found is None:
            return ""
        lately, before = found
        word = "about" if lately < STEADY * before and before < STEADY * lately else ""
        return f"{word or ('less' if lately < before else 'more') + ' than'} {_rounded(lately)} left"


def _rounded(seconds: float) -> str:
    """Return a time as people tell it: 8 s, 45 s, 3 min, 2 h 10 min."""
    if seconds < 9.5:
        return f"{max(1.0, seconds):.0f} s"
    if seconds < 57.5:
        return f"{5 * round(seconds / 5)} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    tens = 10 * round(minutes / 10)
    return f"{tens // 60} h {tens % 60} min" if tens % 60 else f"{tens // 60} h"


class _RunLog:
    """Prints a line at every tenth of a run, and at least one a minute."""

    def __init__(self, start: float, duration: float, left: EtaEstimator) -> None:
        self.start, self.duration, self.left = start, duration, left
        self.tenth, self.said = 0, left.clock()

    def __call__(self, now: float, step: float, peak: float) -> None:
        self.left.note(now)
        passed = now - self.start
        tenth = int(10.0 * passed / self.duration + 1e-9) if self.duration > 0.0 else 10
        if tenth > self.tenth or self.left.clock() - self.said > 60.0:
            self.tenth, self.said = tenth, self.left.clock()
            log(_said(passed, self.duration, step, peak, self.left))
