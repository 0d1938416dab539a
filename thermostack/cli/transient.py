"""The command `transient`: temperatures over time for a workload."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from thermostack.cli.console import log, print_json, print_tables, show_progress, show_run, warn
from thermostack.cli.limits import FailOnLimit, fail_above_limit, require_limits
from thermostack.cli.options import (
    AllParts,
    CellOption,
    Debug,
    FromOption,
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
    read_from,
    read_output,
    read_positive,
    read_settings,
)
from thermostack.cli.part_rows import OnlyParts, require_parts, selected_names
from thermostack.cli.signals import between_steps
from thermostack.cli.timing import StageTimer
from thermostack.cli.transient_options import (
    CheckpointOption,
    DurationOption,
    FramesOption,
    InitialOption,
    OverwriteOption,
    ProbeOptions,
    ResumeOption,
    SchemeOption,
    StepOption,
    ThrottleOptions,
    ToleranceOption,
    TraceOptions,
    check_combination,
    check_probes,
    find_throttles,
    read_duration,
    read_frames,
    read_initial,
    read_probes,
    read_throttles,
    read_traces,
)
from thermostack.errors import DescriptionError, Diagnostic, OutputError
from thermostack.io.files.output_paths import RESULT_SUFFIX, require_replaceable

if TYPE_CHECKING:
    from thermostack.io.files.output_paths import Destination
    from thermostack.mesh.model import Model
    from thermostack.results.transient_result import TransientResult
    from thermostack.transient.trace import Trace


def transient(
    package: PackageName,
    /,
    *,
    trace: TraceOptions = (),
    duration: DurationOption = None,
    tolerance: ToleranceOption = "0.1 K",
    scheme: SchemeOption = "sdirk3",
    step: StepOption = None,
    initial: InitialOption = None,
    frames: FramesOption = None,
    probe: ProbeOptions = (),
    throttle: ThrottleOptions = (),
    resume: ResumeOption = False,
    overwrite: OverwriteOption = False,
    checkpoint: CheckpointOption = "60 s",
    cell: CellOption = None,
    from_: FromOption = None,
    settings: Settings = (),
    output: Annotated[
        Path | None, output_option("NAME_transient.vtkhdf, its history and its figure", (RESULT_SUFFIX,))
    ] = None,
    no_save: NoSave = False,
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
    """Simulate a workload over time; write a time series of fields, a history table and a figure."""
    check_combination(scheme, step, resume=resume, overwrite=overwrite, no_save=no_save)
    options: dict[str, Any] = {
        "tolerance": read_positive("--tolerance", tolerance, "temperature_difference"),
        "step": None if step is None else read_positive("--step", step, "time"),
        "checkpoint": read_positive("--checkpoint", checkpoint, "time"),
        "initial": read_initial(initial or ("steady" if trace else "outside")),
        "probes": read_probes(probe),
        "scheme": scheme,
        "threads": threads,
        "resume": resume,
    }
    throttles = read_throttles(throttle)
    destination = read_output(output, no_save, (RESULT_SUFFIX,))
    overrides, size, from_time = read_settings(settings), read_cell(cell), read_from(from_)
    with show_progress(quiet=quiet) as progress:
        timer = StageTimer(progress)
        description = timer.read(package, overrides, allow_include_root=allow_include_root)
        traces = read_traces(trace)
        seconds = read_duration(duration, traces)
        frame_times = read_frames(frames, seconds)
        files = []
        if destination is not None:
            files = _output_files(destination, description.name, trace)[: 2 if no_plot else 3]
        if files and not (resume or overwrite):
            _require_no_unfinished_run(files[0])
        model = timer.discretize(description, size, from_time)
        require_parts(only, model)
        if fail_on_limit:
            require_limits(model)
        check_probes(options["probes"], model)
        options["controllers"] = find_throttles(throttles, model)
    options["times"] = frame_times if files else ()
    result = _simulate(model, seconds, traces, files, options, quiet=quiet)
    timer.seconds["solve"] = result.report.seconds if result.report is not None else 0.0
    if files:
        with show_progress(quiet=quiet) as timer.progress:
            _write_history_and_figure(result, files, timer)
    _print_result(result, [str(file) for file in files], timer, all_parts=all_parts, only=only, json=json)
    if fail_on_limit:
        fail_above_limit(result)


def _simulate(
    model: Model,
    duration: float,
    traces: Sequence[Trace],
    files: Sequence[Path],
    options: dict[str, Any],
    *,
    quiet: bool,
) -> TransientResult:
    """Return the transient result for a duration [s]; a signal interrupts between two time steps."""
    from thermostack.transient.run import solve_transient

    if files:
        files[0].parent.mkdir(exist_ok=True)
    try:
        with between_steps() as raise_pending, show_run(duration, quiet=quiet) as show:
            steps = 0

            def after_step(now: float, step: float, peak: float) -> None:
                nonlocal steps
                steps += 1
                show(now, step, peak)
                raise_pending()

            path = files[0] if files else None
            result = solve_transient(model, duration, traces, progress=after_step, path=path, **options)
        if options["resume"] and not steps:
            log(f"{path} is complete: the run had finished, and nothing was simulated")
        return result
    except KeyboardInterrupt:
        _print_how_to_resume(files)
        raise


def _output_files(destination: Destination, name: str, traces: Sequence[Path]) -> list[Path]:
    """Return the paths of result file, history and figure. Raises OutputError where another file is there."""
    result = destination.file(f"{name}_transient", RESULT_SUFFIX)
    history = require_replaceable(result.with_name(f"{result.stem}_history.csv"), b"time [s],")
    for trace in traces:
        if history.exists() and history.samefile(trace):
            message = f"{history} is a trace of this run and is not overwritten; choose another --output"
            raise OutputError(message)
    return [result, history, require_replaceable(result.with_name(f"{result.stem}.png"))]


def _require_no_unfinished_run(result: Path) -> None:
    """Raise DescriptionError if a new run would overwrite the checkpoint of an unfinished one."""
    from thermostack.transient.run import find_unfinished
    from thermostack.units import format_quantity

    found = find_unfinished(result)
    if found is None or found[1] == 0.0:  # a run that was interrupted at its start has no progress to lose
        return
    checkpoint, time = found
    when = datetime.fromtimestamp(checkpoint.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    message = f"an unfinished run stopped at {format_quantity(time, 'time')} on {when}"
    hint = "continue it with --resume, discard it with --overwrite, or choose another --output"
    raise DescriptionError(Diagnostic("", message, hint, "E-UNFINISHED", str(checkpoint)))


def _print_how_to_resume(files: Sequence[Path]) -> None:
    if files:
        from thermostack.io.results.transient_writer import checkpoint_path

        checkpoint = checkpoint_path(files[0])
        if checkpoint.exists():
            log(f"{checkpoint} holds the state of the run: to continue, repeat the command with --resume")


def _write_history_and_figure(result: TransientResult, files: Sequence[Path], timer: StageTimer) -> None:
    """Write the files beside the result file, which the run itself has written."""
    from thermostack.io.results.history_files import write_history_csv

    with timer.stage("write"):
        write_history_csv(result, files[1])
    for figure in files[2:]:
        with timer.stage("plot"):
            result.plot(figure)


def _print_result(
    result: TransientResult,
    files: list[str],
    timer: StageTimer,
    *,
    all_parts: bool,
    only: Sequence[str],
    json: bool,
) -> None:
    from thermostack.report.history_table import history_table
    from thermostack.report.run_summary import run_summary, transient_summary

    warn(result.warnings)
    if json:
        print_json({**run_summary(result), "seconds": timer.seconds, "files": files})
        return
    names = selected_names(only, result.names) if only else None
    print_tables(
        lambda width: [
            history_table(result, width, names, all_parts=all_parts),
            "",
            transient_summary(result, timer.seconds, files),
        ],
        (result.package.name, result.package.about),
    )
