"""The command `zth`: thermal impedance of a heat source, its RC networks and structure functions."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, warn
from thermostack.cli.options import (
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
    read_quantity,
    read_settings,
    usage_error,
)
from thermostack.cli.timing import StageTimer
from thermostack.errors import ArgumentError, UnknownNameError
from thermostack.io.files.output_lock import output_lock
from thermostack.io.files.output_paths import FIGURE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from thermostack.io.files.output_paths import Destination
    from thermostack.package.package import Package
    from thermostack.results.impedance_result import ThermalImpedance

TIMES_PER_DECADE = 20  # by default
MAX_TIMES = 100_000


SourceOption = Annotated[
    str | None,
    Parameter(
        help="The stack, part or block that dissipates one watt. Default: the stack with the highest power."
    ),
]
OutputsOption = Annotated[
    str | None,
    Parameter(help='Stacks, parts or blocks for transfer impedances, as "hbm.west_0, hbm.east_0".'),
]
TimesOption = Annotated[
    str | None,
    Parameter(
        help='First time, last time, and number per decade. Default: "1 us, 100 s, 20", from the time of '
        "--from on if given, with a later end for a package that needs longer to reach the steady state."
    ),
]
TemperatureOption = Annotated[
    str | None,
    Parameter(
        help='Temperature at which conductivities are evaluated, as "85 degC". Default: the steady field.'
    ),
]
ToleranceOption = Annotated[
    float, Parameter(help="Error of the impedances, relative to that of the source.", show_default=True)
]


def zth(
    package: PackageName,
    /,
    *,
    source: SourceOption = None,
    outputs: OutputsOption = None,
    times: TimesOption = None,
    temperature: TemperatureOption = None,
    tolerance: ToleranceOption = 1e-4,
    cell: CellOption = None,
    from_: FromOption = None,
    settings: Settings = (),
    output: Annotated[Path | None, output_option("NAME_zth.png and its tables", FIGURE_SUFFIXES)] = None,
    no_save: NoSave = False,
    threads: Threads = None,
    no_plot: NoPlot = False,
    quiet: Quiet = False,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Compute a thermal impedance: Zth over time, time constants, networks and structure functions."""
    from thermostack.impedance.thermal_impedance import MAX_TOLERANCE, MIN_TOLERANCE, thermal_impedance

    if not MIN_TOLERANCE <= tolerance < MAX_TOLERANCE:
        message = f"must be at least {MIN_TOLERANCE:g} and below {MAX_TOLERANCE:g}, got {tolerance:g}"
        raise usage_error("--tolerance", message, "as 1e-4", "E-RANGE")
    points = read_times(times)
    kelvin = None if temperature is None else read_quantity("--temperature", temperature, "temperature")
    destination = read_output(output, no_save, FIGURE_SUFFIXES)
    overrides, size, from_time = read_settings(settings), read_cell(cell), read_from(from_)
    names = [name.strip() for name in (outputs or "").split(",") if name.strip()]
    with show_progress(quiet=quiet) as progress, ExitStack() as stack:
        timer = StageTimer(progress)
        description = timer.read(package, overrides, allow_include_root=allow_include_root)
        files = _output_files(destination, description) if destination is not None else []
        if files:
            stack.enter_context(output_lock(files[0]))
            files = files[1:] if no_plot else files
        model = timer.discretize(description, size, from_time)
        before = dict(timer.seconds)
        from thermostack.impedance.thermal_impedance import FIRST_TIME, thermal_impedance

        try:
            impedance = thermal_impedance(
                model,
                source,
                times=points,
                first_time=from_time or FIRST_TIME,
                outputs=names,
                tolerance=tolerance,
                temperature=kelvin,
                threads=threads,
                progress=progress,
            )
        except (ArgumentError, UnknownNameError) as error:
            (found,) = error.diagnostics
            option = "--source" if source and str(source) in found.message else "--outputs"
            option = f"--{found.field}" if found.field else option
            raise usage_error(option, found.message, found.hint, found.code) from None
        if files:
            _write_files(impedance, files, timer)
    seconds = {**before, **impedance.seconds, **timer.seconds}  # in the order of the stages
    _print_result(impedance, description, seconds, [str(file) for file in files], json=json)


def _output_files(destination: Destination, package: Package) -> list[Path]:
    """Return the paths of the figure and of the tables."""
    from thermostack.io.results.impedance_files import impedance_files

    figure = destination.file(f"{package.name}_zth.png")
    return [figure, *impedance_files(figure.with_suffix(""))]


def _write_files(impedance: ThermalImpedance, files: Sequence[Path], timer: StageTimer) -> None:
    from thermostack.io.results.impedance_files import write_impedance

    files[0].parent.mkdir(exist_ok=True)
    figures = [file for file in files if file.suffix in FIGURE_SUFFIXES]
    with timer.stage("write"):
        write_impedance(impedance, [file for file in files if file not in figures])
    for figure in figures:
        with timer.stage("plot"):
            impedance.plot(figure)


def _print_result(
    impedance: ThermalImpedance,
    package: Package,
    seconds: Mapping[str, float],
    files: Sequence[str],
    *,
    json: bool,
) -> None:
    warn(impedance.warnings)
    if json:
        from thermostack.io.results.impedance_files import impedance_summary

        print_json({**impedance_summary(impedance), "seconds": dict(seconds), "files": list(files)})
        return
    from thermostack.report.impedance_table import impedance_table, networks_table

    print_tables(
        lambda width: [impedance_table(impedance, width), "", networks_table(impedance, seconds, files)],
        (package.name, package.about),
    )


def read_times(text: str | None) -> np.ndarray | None:
    """Return the times [s] of an option: first, last, and number per decade.

    >>> read_times("1 ms, 10 s, 2").round(4).tolist()
    [0.001, 0.0032, 0.01, 0.0316, 0.1, 0.3162, 1.0, 3.1623, 10.0]
    """
    if text is None:
        return None
    import numpy as np

    pieces = [piece.strip() for piece in text.split(",")]
    hint = 'as "1 us, 100 s" or "1 us, 100 s, 50"'
    if len(pieces) not in (2, 3):
        message = f"{text!r} is not a first time, a last time and a number per decade"
        raise usage_error("--times", message, hint)
    first, last = (read_quantity("--times", piece, "time") for piece in pieces[:2])
    if not 0.0 < first < last:
        message = f"the first time must be positive and before the last, got {text!r}"
        raise usage_error("--times", message, hint, "E-RANGE")
    per_decade = pieces[2] if len(pieces) == 3 else str(TIMES_PER_DECADE)
    count = round(int(per_decade) * np.log10(last / first)) + 1 if per_decade.isdecimal() else 0
    if not 2 <= count <= MAX_TIMES:
        message = f"{per_decade} per decade must give 2 to {MAX_TIMES} times"
        raise usage_error("--times", message, hint, "E-RANGE")
    return np.geomspace(first, last, count)
