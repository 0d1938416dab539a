"""The command `zoom`: a local model of a result file with vias, bumps or lines resolved."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, show_run, warn
from thermostack.cli.options import (
    AllParts,
    Debug,
    Json,
    NoPlot,
    NoSave,
    Quiet,
    Threads,
    output_option,
    read_length,
    read_output,
    read_positive,
    require_not_read,
    usage_error,
)
from thermostack.cli.part_rows import OnlyParts, require_parts, selected_names
from thermostack.cli.timing import StageTimer
from thermostack.cli.transient_options import read_traces
from thermostack.errors import ArgumentError
from thermostack.io.files.output_lock import output_lock
from thermostack.io.files.output_paths import RESULT_SUFFIX, Destination

if TYPE_CHECKING:
    from thermostack.results.steady_result import SteadyResult
    from thermostack.results.transient_result import TransientResult

ARGUMENTS = ("box", "margin", "cell", "resolve", "loads", "duration")  # with an option of the same name
TRACE_OPTION = {"loads": "trace"}  # options with another name than the argument


def zoom(
    result: Annotated[Path, Parameter(help="A result file (.vtkhdf) of solve, transient or zoom.")],
    /,
    *,
    box: Annotated[
        str | None,
        Parameter(help='Low and high corner, as "1 mm, 1 mm, 0 mm : 2 mm, 2 mm, 0.5 mm".'),
    ] = None,
    around: Annotated[
        str | None, Parameter(help="A part, block or stack in the box, as gpu.active.gpc_1.")
    ] = None,
    margin: Annotated[
        str | None,
        Parameter(help="Distance from --around to the box. Default: half of its larger side."),
    ] = None,
    cell: Annotated[
        str | None,
        Parameter(help='Largest cell size: "1 um", or "1 um, 1 um, 5 um". Default: 32 cells across the box.'),
    ] = None,
    resolve: Annotated[
        tuple[str, ...],
        Parameter(help="A part whose vias, bumps or lines are resolved; may be repeated."),
    ] = (),
    boundary: Annotated[
        Literal["temperature", "flux"],
        Parameter(help="Quantity of a steady result on the cut surfaces.", show_default=True),
    ] = "temperature",
    trace: Annotated[
        tuple[Path, ...], Parameter(help="A trace of the run, for a transient result; may be repeated.")
    ] = (),
    duration: Annotated[
        str | None, Parameter(help="End of a local transient. Default: the last frame of the run.")
    ] = None,
    tolerance: Annotated[
        str | None,
        Parameter(help='Time-integration error of a local transient, as a temperature. Default: "0.1 K".'),
    ] = None,
    output: Annotated[
        Path | None, output_option("RESULT_zoom.vtkhdf and RESULT_zoom.png", (RESULT_SUFFIX,))
    ] = None,
    no_save: NoSave = False,
    no_estimate: Annotated[bool, Parameter(help="Do not estimate discretisation errors.")] = False,
    threads: Threads = None,
    all_parts: AllParts = False,
    only: OnlyParts = (),
    no_plot: NoPlot = False,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Solve a box of a result on a finer grid; write a result file and a figure."""
    from thermostack.io.results.hdf5_arrays import result_kind

    destination = read_output(output, no_save, (RESULT_SUFFIX,))
    printed = _Printed(all_parts, tuple(only), no_plot, quiet, json)
    arguments = {
        "box": _read_place(box, around),
        "margin": None if margin is None else read_length("--margin", margin),
        "cell": None if cell is None else [read_length("--cell", item.strip()) for item in cell.split(",")],
        "resolve": resolve,
        "threads": threads,
    }
    over_time = {"--trace": trace or None, "--duration": duration, "--tolerance": tolerance}
    if result_kind(result) == "transient":
        if boundary == "flux":
            raise usage_error("--boundary", "flux needs a steady result", "leave it out for a transient")
        _zoom_transient(result, arguments, over_time, destination, printed)
        return
    if given := [option for option, value in over_time.items() if value is not None]:
        raise usage_error(given[0], "needs a transient result", f"leave it out: {result} is steady")
    arguments |= {"boundary": boundary, "estimate": not no_estimate}
    _zoom_steady(result, arguments, destination, printed)


class _Printed(NamedTuple):
    """The options of the printed tables and of the progress."""

    all_parts: bool
    only: tuple[str, ...]
    no_plot: bool
    quiet: bool
    json: bool


def _zoom_steady(
    path: Path,
    arguments: Mapping[str, Any],
    destination: Destination | None,
    printed: _Printed,
) -> None:
    """Solve a local model of a steady result; write and print its result."""
    with show_progress(quiet=printed.quiet) as progress, ExitStack() as stack:
        timer = StageTimer(progress)
        from thermostack.io.results.steady_file import read_result

        progress("open")
        steady = read_result(path)
        files = _output_files(destination, path, stack, no_plot=printed.no_plot)
        local = _call(steady.zoom, {**arguments, "progress": progress})
        if files:
            timer.save(local, *files)
    local = replace(local, seconds={**local.seconds, **timer.seconds})
    _print_steady(local, [str(file) for file in files], printed)


def _zoom_transient(
    path: Path,
    arguments: Mapping[str, Any],
    over_time: Mapping[str, Any],
    destination: Destination | None,
    printed: _Printed,
) -> None:
    """Simulate a local model of a transient result; write and print its result."""
    text = over_time["--tolerance"] or "0.1 K"
    tolerance = read_positive("--tolerance", text, "temperature_difference")
    until = over_time["--duration"]
    traces = read_traces(over_time["--trace"] or ())
    from thermostack.io.results.transient_file import read_transient

    run = read_transient(path)
    end = float(run.frame_time[-1]) if until is None else read_positive("--duration", until, "time")
    with ExitStack() as stack:
        files = _output_files(destination, path, stack, no_plot=printed.no_plot)
        with show_run(end, quiet=printed.quiet) as show:
            options = {"loads": traces, "duration": end, "tolerance": tolerance, "progress": show}
            local = _call(run.zoom, {**arguments, **options})
        if files:
            files[0].parent.mkdir(exist_ok=True)
            local.save(files[0])
            for figure in files[1:]:
                local.plot(figure)
    _print_transient(local, [str(file) for file in files], printed)


def _call(function: Any, arguments: Mapping[str, Any]) -> Any:
    """Return the value of the method `zoom` of a result; a wrong argument is an error of its option."""
    try:
        return function(**arguments)
    except ArgumentError as error:
        (found,) = error.diagnostics
        name = found.field.partition(".")[0].partition("[")[0]
        option = f"--{TRACE_OPTION.get(name, name)}" if name in ARGUMENTS else found.field
        raise usage_error(option, found.message, found.hint, found.code) from None


def _output_files(
    destination: Destination | None, path: Path, stack: ExitStack, *, no_plot: bool
) -> list[Path]:
    """Return the paths of the result and of the figure, which other commands cannot write until the end.

    Their name follows from that of the file that is read. Raises DescriptionError if it is one of them.
    """
    if destination is None:
        return []
    suffixes = (RESULT_SUFFIX,) if no_plot else (RESULT_SUFFIX, ".png")
    files = [destination.file(f"{path.stem}_zoom", suffix) for suffix in suffixes]
    for file in files:
        require_not_read(file, path)
    stack.enter_context(output_lock(files[0]))
    return files


# -- options ---------------------------------------------------------------------------------------


def _read_place(box: str | None, around: str | None) -> Any:
    """Return the corners of a box [m], or the name of a part in it."""
    if (box is None) == (around is None):
        raise usage_error("--box", "give one of --box and --around", 'as --around gpu.active --margin "1 mm"')
    return around if box is None else read_corners(box)


def read_corners(text: str) -> list[list[float]]:
    """Return the two corners [m] of a box.

    >>> read_corners("0 mm, 0 mm, 0 mm : 1 mm, 1 mm, 0.5 mm")
    [[0.0, 0.0, 0.0], [0.001, 0.001, 0.0005]]
    """
    corners = [
        [read_length("--box", item.strip()) for item in corner.split(",") if item.strip()]
        for corner in text.split(":")
    ]
    if [len(corner) for corner in corners] != [3, 3]:
        message = f"{text!r} is not a box"
        raise usage_error("--box", message, 'write "1 mm, 1 mm, 0 mm : 2 mm, 2 mm, 0.5 mm"')
    return corners


# -- printing --------------------------------------------------------------------------------------


def _print_steady(local: SteadyResult, files: list[str], printed: _Printed) -> None:
    """Print the tables of the local result and of its agreement with the global one, or JSON."""
    warn(local.warnings)
    require_parts(printed.only, local.model)
    if printed.json:
        from thermostack.io.results.summary import result_summary

        print_json({**result_summary(local), "files": files})
        return
    from thermostack.report.steady_table import steady_summary, steady_table
    from thermostack.report.zoom_table import zoom_table

    print_tables(
        lambda width: [
            steady_table(local, width, all_parts=printed.all_parts, only=printed.only),
            "",
            zoom_table(local.agreement) if local.agreement else "",
            "",
            steady_summary(local, files),
        ],
        (local.package.name, local.package.about),
    )


def _print_transient(local: TransientResult, files: list[str], printed: _Printed) -> None:
    """Print the tables of the local run and of its agreement with the global one, or JSON."""
    from thermostack.report.history_table import history_table
    from thermostack.report.run_summary import run_summary, transient_summary
    from thermostack.report.zoom_table import zoom_table

    warn(local.warnings)
    require_parts(printed.only, local.model)
    if printed.json:
        print_json({**run_summary(local), "files": files})
        return
    names = selected_names(printed.only, local.names) if printed.only else None
    seconds = {"solve": local.report.seconds} if local.report is not None else {}
    print_tables(
        lambda width: [
            history_table(local, width, names, all_parts=printed.all_parts),
            "",
            zoom_table(local.agreement) if local.agreement else "",
            "",
            transient_summary(local, seconds, files),
        ],
        (local.package.name, local.package.about),
    )
