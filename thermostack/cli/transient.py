"""The command `transient`: a workload played through a package, its temperatures over time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from thermostack.cli.console import log, print_json, print_tables, show_progress, show_run, warn
from thermostack.cli.options import (
    CellOption,
    Debug,
    IncludeRoot,
    Json,
    NoSave,
    PackageName,
    Settings,
    Threads,
    output_option,
    read_cell,
    read_output,
    read_positive,
    read_settings,
    usage_error,
)
from thermostack.cli.signals import between_steps
from thermostack.cli.timing import StageTimer
from thermostack.cli.transient_options import (
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
    from thermostack.results.transient_result import TransientResult


def transient(
    package: PackageName,
    /,
    *,
    trace: Annotated[
        tuple[Path, ...],
        Parameter(
            help='A CSV file of powers over time, its header like "time [ms],gpu [W]"; may be repeated. '
            "Without it the power is the drawn one, switched on at the start."
        ),
    ] = (),
    duration: Annotated[
        str | None, Parameter(help='How long the run is, as "10 s"; without it until the trace ends.')
    ] = None,
    tolerance: Annotated[
        str, Parameter(help="Largest error in time of any cell, as a temperature.", show_default=True)
    ] = "0.1 K",
    scheme: Annotated[
        Literal["sdirk3", "sdirk4", "implicit_euler"],
        Parameter(help="How steps are made; implicit_euler needs --step.", show_default=True),
    ] = "sdirk3",
    step: Annotated[
        str | None,
        Parameter(help='Steps of one length, as "1 ms", in the place of those that hold the tolerance.'),
    ] = None,
    initial: Annotated[
        str | None,
        Parameter(
            help='Temperatures at the start: steady, with the power at the start; outside; or "25 degC". '
            "Without it steady, but outside where there is no trace."
        ),
    ] = None,
    frames: Annotated[
        str | None,
        Parameter(
            help='Which fields the film keeps: "every 10 ms", a number of them, or times as "1 ms, 5 ms". '
            "Without it those at both ends."
        ),
    ] = None,
    probe: Annotated[
        tuple[str, ...],
        Parameter(help='A place whose temperature is noted, as "sensor=12 mm, 8 mm, 1 mm"; may be repeated.'),
    ] = (),
    throttle: Annotated[
        tuple[str, ...],
        Parameter(
            help='A stack that slows down when it is hot: "gpu=105 degC" lowers the clock of a processor, '
            "gpu=gpu and hbm=hbm have the usual limits; may be repeated."
        ),
    ] = (),
    resume: Annotated[
        bool, Parameter(help="Go on with the same run where it was interrupted or killed.")
    ] = False,
    anew: Annotated[
        bool, Parameter(help="Begin again, even if that drops a run that could be gone on with.")
    ] = False,
    checkpoint: Annotated[
        str, Parameter(help="How often a state is kept to go on from.", show_default=True)
    ] = "60 s",
    cell: CellOption = None,
    settings: Settings = (),
    output: Annotated[
        Path | None, output_option("NAME_transient.vtkhdf, its history and its picture", (RESULT_SUFFIX,))
    ] = None,
    no_save: NoSave = False,
    threads: Threads = None,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Play a workload: the temperatures of every part over time; write a film, a history and a picture."""
    held = read_positive("--tolerance", tolerance, "temperature_difference")
    fixed = None if step is None else read_positive("--step", step, "time")
    if scheme == "implicit_euler" and fixed is None:
        text = "implicit_euler does not estimate its error"
        raise usage_error("--scheme", text, 'give the length of its steps, as --step "1 ms"', "E-MISSING")
    if resume and no_save:
        raise usage_error(
            "--resume", "goes on from a file, and --no-save writes none", "leave one of them out"
        )
    if resume and anew:
        raise usage_error("--resume", "goes on, and --anew begins again", "leave one of them out")
    every = read_positive("--checkpoint", checkpoint, "time")
    start = read_initial(initial or ("steady" if trace else "outside"))
    probes, asked = read_probes(probe), read_throttles(throttle)
    destination = read_output(output, no_save, (RESULT_SUFFIX,))
    overrides, size = read_settings(settings), read_cell(cell)
    with show_progress() as progress:
        timed = StageTimer(progress)
        drawn = timed.read(package, overrides, may_leave=allow_include_root)
        traces = read_traces(trace)
        seconds = read_duration(duration, traces)
        times = read_frames(frames, seconds)
        files = _places(destination, drawn.name, trace) if destination is not None else []
        if files and not (resume or anew):
            _refuse_to_drop(files[0])
        model = timed.discretize(drawn, size)
        check_probes(probes, model)
        controllers = find_throttles(asked, model)
    from thermostack.transient.run import solve_transient

    if files:
        files[0].parent.mkdir(exist_ok=True)
    try:
        with between_steps() as look, show_run(seconds) as show:

            def after_step(now: float, length: float, peak: float) -> None:
                show(now, length, peak)
                look()

            played = solve_transient(
                model,
                seconds,
                traces,
                controllers=controllers,
                initial=start,
                tolerance=held,
                scheme=scheme,
                step=fixed,
                times=times if files else (),
                probes=probes,
                threads=threads,
                progress=after_step,
                path=files[0] if files else None,
                checkpoint=every,
                resume=resume,
            )
    except KeyboardInterrupt:
        _say_how_to_go_on(files)
        raise
    timed.seconds["solve"] = played.report.seconds if played.report is not None else 0.0
    if files:
        with show_progress() as timed.progress:
            _write(played, files, timed)
    _print(played, [str(file) for file in files], timed, json)


def _places(destination: Destination, name: str, traces: tuple[Path, ...]) -> list[Path]:
    """Return where film, history and picture go. Raises OutputError where something else stands there."""
    film = destination.file(f"{name}_transient", RESULT_SUFFIX)
    history = require_replaceable(film.with_name(f"{film.stem}_history.csv"), b"time [s],")
    for trace in traces:
        if history.exists() and history.samefile(trace):
            raise OutputError(f"{history} is a trace of this run and is not replaced; name another --output")
    return [film, history, require_replaceable(film.with_name(f"{film.stem}.png"))]


def _refuse_to_drop(film: Path) -> None:
    """Raise DescriptionError where a run has left something to go on from, which a new one would replace."""
    from thermostack.transient.run import find_unfinished
    from thermostack.units import format_quantity

    found = find_unfinished(film)
    if found is None or found[1] == 0.0:  # nothing is lost
        return
    state, time = found
    when = datetime.fromtimestamp(state.stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    text = f"a run was left at {format_quantity(time, 'time')}, on {when}, before its end"
    remedy = "go on with it by --resume, drop it by --anew, or name another --output"
    raise DescriptionError(Diagnostic("", text, remedy, "E-UNFINISHED", str(state)))


def _say_how_to_go_on(files: list[Path]) -> None:
    if files:
        from thermostack.io.results.transient_file import checkpoint_path

        state = checkpoint_path(files[0])
        if state.exists():
            log(f"{state} has what is needed to go on: give the same command with --resume")


def _write(played: TransientResult, files: list[Path], timed: StageTimer) -> None:
    """Write what is beside the film."""
    from thermostack.io.results.history_files import write_history_csv

    with timed.stage("write"):
        write_history_csv(played, files[1])
    with timed.stage("plot"):
        played.plot(files[2])


def _print(played: TransientResult, files: list[str], timed: StageTimer, json: bool) -> None:
    from thermostack.report.history_table import history_table
    from thermostack.report.run_summary import run_summary, run_table

    warn(played.warnings)
    if json:
        print_json({**run_summary(played), "seconds": timed.seconds, "files": files})
        return
    drawn = played.package
    print_tables(
        lambda width: [history_table(played, width), "", run_table(played, timed.seconds, files)],
        (drawn.name, drawn.about),
    )
