"""The command `sweep`: the cases of a parameter study, and their table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from thermostack.cli.case_rate import CaseRate
from thermostack.cli.console import log, print_json, print_tables, warn
from thermostack.cli.options import Debug, Json, Quiet, usage_error
from thermostack.schema.spelling import counted

if TYPE_CHECKING:
    import numpy as np

    from thermostack.sweeps.run import SweepFiles
    from thermostack.sweeps.sweep_result import SweepResult

LOG_INTERVAL = 10.0  # s between two lines of progress where stderr is not a terminal
ALL_FAILED_EXIT_CODE = 3

StudyName = Annotated[Path, Parameter(help="The file of a study (YAML).")]
OutputOption = Annotated[
    Path | None,
    Parameter(name=["--output", "-o"], help="The table, a .csv file. Default: the name of the study."),
]
WorkersOption = Annotated[
    int | None,
    Parameter(help="Number of processes, each with one solver thread. Default: that of the processors."),
]
SchedulerOption = Annotated[
    str | None, Parameter(help='Address of the scheduler of a Dask cluster, as "tcp://10.0.0.1:8786".')
]
OverwriteOption = Annotated[
    bool, Parameter(help="Solve all cases again, and discard the log of this or of another study.")
]
ParquetOption = Annotated[bool, Parameter(help="Write the table as Parquet too; needs pyarrow.")]


def sweep(
    study: StudyName,
    /,
    *,
    output: OutputOption = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    overwrite: OverwriteOption = False,
    parquet: ParquetOption = False,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Solve the cases of a parameter study, or the rest of them; write a table with a row for each."""
    from thermostack.sweeps.run import MAX_WORKERS, SweepFiles
    from thermostack.sweeps.run import sweep as run_sweep
    from thermostack.sweeps.study_file import load_study

    if workers is not None and not 1 <= workers <= MAX_WORKERS:
        raise usage_error("--workers", f"must be from 1 to {MAX_WORKERS}, got {workers}", "", "E-RANGE")
    files = SweepFiles.of(load_study(study), output)
    start = time.perf_counter()
    try:
        with show_sweep(quiet=quiet) as progress:
            result = run_sweep(
                study,
                output,
                workers=workers,
                scheduler=scheduler,
                overwrite=overwrite,
                parquet=parquet,
                progress=progress,
            )
    except KeyboardInterrupt:
        if files.log.exists():
            log(f"{files.log} has the rows of the cases that ended: to continue, repeat the command")
        raise
    _print_result(result, files, time.perf_counter() - start, parquet=parquet, json=json)
    if result.failed.size == len(result):
        raise SystemExit(ALL_FAILED_EXIT_CODE)


def _print_result(
    result: SweepResult, files: SweepFiles, seconds: float, *, parquet: bool, json: bool
) -> None:
    """Print the table, or the counts and files as JSON."""
    written = [str(path) for path in (files.table, files.log, *([files.parquet] if parquet else []))]
    if files.fields.is_dir():
        written.append(str(files.fields))
    if result.failed.size:
        first = result.failed[0]
        reason = result.column("message")[list(result.column("case")).index(first)]
        warn([f"{counted(result.failed.size, 'case')} failed; case {first}: {reason}"])
    if json:
        facts = {"cases": len(result), "failed": int(result.failed.size), "seconds": seconds}
        table = {"units": result.units, "columns": {n: _as_list(v) for n, v in result.columns.items()}}
        print_json({**facts, "inputs": result.inputs, "outputs": result.outputs, **table, "files": written})
        return
    from thermostack.report.table_layout import add_files_row, fact_table
    from thermostack.sweeps.sweep_table import sweep_table

    def build(width: int) -> list[object]:
        facts = fact_table()
        failed = f", {result.failed.size} failed" if result.failed.size else ""
        facts.add_row("cases", f"{len(result)}{failed}")
        facts.add_row("time", f"{seconds:.2f} s")
        add_files_row(facts, written)
        return [sweep_table(result), "", facts]

    print_tables(build)  # type: ignore[arg-type]


def _as_list(values: np.ndarray) -> list[Any]:
    """Return a column as numbers or texts, None where a number is unknown."""
    return [None if value != value else value for value in values.tolist()]


@contextmanager
def show_sweep(*, quiet: bool = False) -> Iterator[Callable[[int, int, int], None]]:
    """Yield a function that shows ended, all and failed cases, the rate and the remaining time on stderr."""
    if quiet:
        yield lambda done, count, failed: None
        return
    import sys

    line = _ProgressLine()
    if not sys.stderr.isatty():
        yield line.print
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(24), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking the study", total=None)
        yield lambda done, count, failed: bar.update(
            task, total=count, completed=done, description=line.text(done, count, failed)
        )


class _ProgressLine:
    """The text of the progress of a sweep, with the recent rate and the remaining time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.rate: CaseRate | None = None
        self.first = 0  # cases that had ended before
        self.printed = 0.0  # s

    def text(self, done: int, count: int, failed: int) -> str:
        """Return for example "120 of 1000 cases, 3 failed, 12.5 cases/s, about 1 min left"."""
        if self.rate is None:
            self.rate, self.first = CaseRate(count, self.clock), done
        self.rate.update(done)
        pieces = [f"{done} of {count} cases", f"{failed} failed" if failed else "", str(self.rate)]
        return ", ".join(filter(None, pieces))

    def print(self, done: int, count: int, failed: int) -> None:
        """Print a line at the start, at the end and every ten seconds."""
        text = self.text(done, count, failed)
        if done in (self.first, count) or self.clock() - self.printed > LOG_INTERVAL:
            self.printed = self.clock()
            log(text)
