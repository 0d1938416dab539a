"""The command `zth`: the thermal impedance of a part, its networks and its structure functions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, warn
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
    read_quantity,
    read_settings,
    usage_error,
)
from thermostack.cli.timing import StageTimer
from thermostack.io.files.output_paths import FIGURE_SUFFIXES

if TYPE_CHECKING:
    import numpy as np

PER_DECADE = 20  # times, unless said otherwise
MOST_TIMES = 100_000


def zth(
    package: PackageName,
    /,
    *,
    source: Annotated[
        str | None,
        Parameter(help="The stack, part or block that gets a watt; without it the stack that heats most."),
    ] = None,
    outputs: Annotated[
        str | None, Parameter(help='Others whose rise is asked for, as "hbm.west_0, hbm.east_0".')
    ] = None,
    times: Annotated[
        str | None,
        Parameter(
            help='From, to, and how many a decade: "1 us, 100 s, 20", which it is unless the package is '
            "slower.",
        ),
    ] = None,
    temperature: Annotated[
        str | None,
        Parameter(
            help='Where conductivities are taken, as "85 degC"; without it at the steady temperatures.'
        ),
    ] = None,
    tolerance: Annotated[
        float, Parameter(help="Of the rises, relative to that of the source.", show_default=True)
    ] = 1e-4,
    cell: CellOption = None,
    settings: Settings = (),
    output: Annotated[
        Path | None, output_option("NAME_zth.png and the tables beside it", FIGURE_SUFFIXES)
    ] = None,
    no_save: NoSave = False,
    threads: Threads = None,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Find the thermal impedance of a part: rise over time, time constants, networks, structure functions."""
    if not 1e-7 <= tolerance < 1.0:
        raise usage_error("--tolerance", f"{tolerance:g} is not between 1e-7 and 1", "as 1e-4", "E-RANGE")
    asked = read_times(times)
    at = None if temperature is None else read_quantity("--temperature", temperature, "temperature")
    destination = read_output(output, no_save, FIGURE_SUFFIXES)
    overrides, size = read_settings(settings), read_cell(cell)
    places = [name.strip() for name in (outputs or "").split(",") if name.strip()]
    with show_progress() as progress:
        timed = StageTimer(progress)
        drawn = timed.read(package, overrides, may_leave=allow_include_root)
        files: list[Path] = []
        if destination is not None:
            from thermostack.io.results.impedance_files import impedance_files

            picture = destination.file(f"{drawn.name}_zth.png")
            files = [picture, *impedance_files(picture.with_suffix(""))]
        model = timed.discretize(drawn, size)
        from thermostack.impedance.thermal_impedance import thermal_impedance

        try:
            impedance = thermal_impedance(
                model,
                source,
                times=asked,
                outputs=places,
                tolerance=tolerance,
                temperature=at,
                threads=threads,
                progress=progress,
            )
        except (KeyError, ValueError) as error:
            option = "--source" if source and str(source) in str(error.args[0]) else "--outputs"
            raise usage_error(option, str(error.args[0]), code="E-NAME") from None
        if files:
            from thermostack.io.results.impedance_files import write_impedance

            files[0].parent.mkdir(exist_ok=True)
            with timed.stage("write"):
                write_impedance(impedance, files[1:])
            with timed.stage("plot"):
                impedance.plot(files[0])
    warn(impedance.warnings)
    seconds = {**timed.seconds, **impedance.seconds}
    written = [str(file) for file in files]
    if json:
        from thermostack.io.results.impedance_files import impedance_summary

        print_json({**impedance_summary(impedance), "seconds": seconds, "files": written})
        return
    from thermostack.report.impedance_table import impedance_table, networks_table

    heading = (drawn.name, drawn.about)
    print_tables(
        lambda width: [impedance_table(impedance, width), "", networks_table(impedance, seconds, written)],
        heading,
    )


def read_times(text: str | None) -> np.ndarray | None:
    """Return the times [s] that an option says: from, to, and how many a decade.

    >>> read_times("1 ms, 10 s, 2").round(4).tolist()
    [0.001, 0.0032, 0.01, 0.0316, 0.1, 0.3162, 1.0, 3.1623, 10.0]
    """
    if text is None:
        return None
    import numpy as np

    pieces = [piece.strip() for piece in text.split(",")]
    remedy = 'as "1 us, 100 s" or "1 us, 100 s, 50"'
    if len(pieces) not in (2, 3):
        raise usage_error("--times", f"{text!r} is not from, to, and how many a decade", remedy)
    first, last = (read_quantity("--times", piece, "time") for piece in pieces[:2])
    if not 0.0 < first < last:
        raise usage_error(
            "--times", f"{text!r} does not go up from a time greater than zero", remedy, "E-RANGE"
        )
    per_decade = pieces[2] if len(pieces) == 3 else str(PER_DECADE)
    count = round(int(per_decade) * np.log10(last / first)) + 1 if per_decade.isdecimal() else 0
    if not 2 <= count <= MOST_TIMES:
        text = f"{per_decade} a decade is not 2 to {MOST_TIMES} times in all"
        raise usage_error("--times", text, remedy, "E-RANGE")
    return np.geomspace(first, last, count)
