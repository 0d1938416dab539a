"""What a command says: its answer on stdout; what it does, warns of and finds wrong on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTH_OF_A_FILE = 132  # columns of text where stdout is no terminal
WARNING, FAULT = "33", "31"  # yellow, red

STAGES = {
    "read": "reading the description",
    "mesh": "cutting it into cells",
    "assemble": "assembling conductances",
    "prepare": "preparing the solver",
    "solve": "solving",
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
