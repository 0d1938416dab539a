"""The command `solve`: steady temperatures of a package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, warn
from thermostack.cli.limits import FailOnLimit, fail_above_limit, require_limits
from thermostack.cli.options import (
    AllParts,
    CellOption,
    Debug,
    IncludeRoot,
    Json,
    NoPlot,
    NoSave,
    PackageName,
    Quiet,
    Settings,
    Threads,
    output_option,
    read_cell,
    read_output,
    read_settings,
)
from thermostack.cli.part_rows import OnlyParts, require_parts
from thermostack.cli.refinement_options import (
    MaxMemory,
    MaxTime,
    SteadyTolerance,
    read_refinement,
    require_solver_error,
    start_fineness,
)
from thermostack.cli.timing import StageTimer
from thermostack.io.files.output_lock import output_lock
from thermostack.io.files.output_paths import RESULT_SUFFIX

if TYPE_CHECKING:
    from thermostack.results.steady_result import SteadyResult


def solve(
    package: PackageName,
    /,
    *,
    cell: CellOption = None,
    settings: Settings = (),
    output: Annotated[Path | None, output_option("NAME.vtkhdf and NAME.png", (RESULT_SUFFIX,))] = None,
    no_save: NoSave = False,
    no_estimate: Annotated[bool, Parameter(help="Do not estimate discretisation errors.")] = False,
    method: Annotated[
        Literal["multigrid", "direct"],
        Parameter(
            help="Linear solver; direct is slow and serves to check the multigrid solver.",
            show_default=True,
        ),
    ] = "multigrid",
    tolerance: SteadyTolerance = None,
    max_memory: MaxMemory = None,
    max_time: MaxTime = None,
    solver_error: Annotated[
        str | None,
        Parameter(
            help='Stop the solver at this algebraic error of heated parts, as "0.02 K", or at a share of the '
            'estimated error of the grid, "10 %". By default it stops at a residual of 1e-8.'
        ),
    ] = None,
    threads: Threads = None,
    fail_on_limit: FailOnLimit = False,
    all_parts: AllParts = False,
    only: OnlyParts = (),
    no_plot: NoPlot = False,
    quiet: Quiet = False,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Compute steady temperatures; write a result file and a figure."""
    destination = read_output(output, no_save, (RESULT_SUFFIX,))
    overrides, size = read_settings(settings), read_cell(cell)
    refinement = read_refinement(tolerance, max_memory, max_time, no_estimate=no_estimate)
    require_solver_error(solver_error, method, no_estimate=no_estimate)
    with ExitStack() as stack:
        with show_progress(quiet=quiet) as progress:
            timer = StageTimer(progress)
            description = timer.read(package, overrides, allow_include_root=allow_include_root)
            paths = []
            if destination is not None:
                suffixes = (RESULT_SUFFIX,) if no_plot else (RESULT_SUFFIX, ".png")
                paths = [destination.file(description.name, suffix) for suffix in suffixes]
                stack.enter_context(output_lock(paths[0]))
            fineness = start_fineness() if refinement and size is None else 1.0
            model = timer.discretize(description, size, fineness=fineness)
            require_parts(only, model)
            if fail_on_limit:
                require_limits(model)
            if description.grid is not None and size is None and not (refinement or no_estimate):
                refinement = {"tolerance": description.grid.tolerance}
            from thermostack.steady import solve_steady

            steady = solve_steady(
                model,
                method=method,
                solver_error=solver_error,
                threads=threads,
                estimate=not no_estimate,
                progress=progress,
                **refinement,
            )
        warn(steady.warnings)
        if not json:
            _print_solution(steady, all_parts=all_parts, only=only, has_files=bool(paths))
        steady = _write(steady, paths, timer, quiet=quiet)
    _print_run(steady, [str(path) for path in paths], json=json)
    if fail_on_limit:
        fail_above_limit(steady)


def _write(steady: SteadyResult, paths: Sequence[Path], timer: StageTimer, *, quiet: bool) -> SteadyResult:
    """Write the result file and the figure; return the result with the time of all stages."""
    steady = replace(steady, seconds={**timer.seconds, **steady.seconds})
    with show_progress(quiet=quiet) as timer.progress:
        for path in paths:
            if path.suffix == RESULT_SUFFIX:
                timer.write(steady, path)
            else:
                timer.plot(steady, path)
    return replace(steady, seconds={**steady.seconds, **timer.seconds})


def _print_solution(steady: SteadyResult, *, all_parts: bool, only: Sequence[str], has_files: bool) -> None:
    """Print the temperatures, the heat balance and the solver, before the files are written."""
    from thermostack.report.steady_table import solution_facts, steady_table

    print_tables(
        lambda width: [
            steady_table(steady, width, all_parts=all_parts, only=only),
            "",
            solution_facts(steady, has_files=has_files),
        ],
        (steady.package.name, steady.package.about),
    )
    sys.stdout.flush()


def _print_run(steady: SteadyResult, files: list[str], *, json: bool) -> None:
    """Print time, memory and files, or the whole result as JSON."""
    if json:
        from thermostack.io.results.summary import result_summary

        print_json({**result_summary(steady), "files": files})
        return
    from thermostack.report.steady_table import run_facts

    print_tables(lambda width: [run_facts(steady, files)])
