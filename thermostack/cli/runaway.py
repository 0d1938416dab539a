"""The command `runaway`: the distance of a package with leakage from thermal runaway."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, warn
from thermostack.cli.options import (
    CellOption,
    Debug,
    IncludeRoot,
    Json,
    PackageName,
    Settings,
    Threads,
    read_cell,
    read_settings,
)
from thermostack.cli.timing import StageTimer
from thermostack.errors import RunawayError

if TYPE_CHECKING:
    from thermostack.results.runaway_result import RunawayResult


def runaway(
    package: PackageName,
    /,
    *,
    plot: Annotated[
        Path | None, Parameter(help="Figure of temperature and loop gain to write, as runaway.png.")
    ] = None,
    cell: CellOption = None,
    settings: Settings = (),
    threads: Threads = None,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Compute the loop gain of leakage, and the power, ambient and cooler at which it runs away."""
    overrides, size = read_settings(settings), read_cell(cell)
    with show_progress() as progress:
        timer = StageTimer(progress)
        description = timer.read(package, overrides, allow_include_root=allow_include_root)
        model = timer.discretize(description, size)
        from thermostack.design.runaway import runaway as find_runaway

        found = find_runaway(model, threads=threads, progress=progress)
    warn(model.warnings)
    if plot is not None:
        found.plot(plot)
    if json:
        print_json(found.to_dict())
        _end(found)
        return
    from thermostack.report.runaway_table import operating_point, runaway_table

    print_tables(
        lambda width: [operating_point(found), "", runaway_table(found)],
        (description.name, description.about),
    )
    _end(found)


def _end(found: RunawayResult) -> None:
    """End the command with exit code 3 where the described powers have no steady state."""
    if found.loop_gain is None:
        sys.stdout.flush()
        raise SystemExit(RunawayError.exit_code)
