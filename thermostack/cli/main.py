"""The command line: solve, transient, zth, mesh, check, plot, materials, packages.

What a command is asked for goes to stdout, all else to stderr. What takes time to import is imported
where it is used, so that help comes at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from thermostack import __version__
from thermostack.cli.console import FAULT, log, print_json, print_tables, show_progress, warn
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
    read_length,
    read_output,
    read_settings,
    usage_error,
)
from thermostack.cli.signals import INTERRUPTED, interruptible
from thermostack.cli.timing import StageTimer
from thermostack.cli.transient import transient
from thermostack.cli.zth import zth
from thermostack.errors import DescriptionError, OutputError, ResourceError, ThermostackError
from thermostack.io.files.output_paths import FIGURE_SUFFIXES, RESULT_SUFFIX, find_destination

LARGEST_CELL = 1.0  # m: no cell is cut for its size
UNEXPECTED = 1  # the exit code of a fault of our own

app = App(
    name="thermostack",
    help="How hot a chip package gets, where, and with what error.",
    help_epilogue="Exit codes: 0 done, 2 bad input, 3 no solution found, 4 too large for this machine, "
    "5 a file cannot be written, 6 a damaged result file, 130 interrupted.",
    version=__version__,
    help_format="plaintext",
    default_parameter=Parameter(show_default=False, negative=()),
)


# -- commands ------------------------------------------------------------------------------------


@app.command
def solve(
    package: PackageName,
    /,
    *,
    cell: CellOption = None,
    settings: Settings = (),
    output: Annotated[Path | None, output_option("NAME.vtkhdf and NAME.png", (RESULT_SUFFIX,))] = None,
    no_save: NoSave = False,
    no_estimate: Annotated[bool, Parameter(help="Leave out the estimate of the errors.")] = False,
    method: Annotated[
        Literal["multigrid", "direct"],
        Parameter(
            help="How to solve the linear equations; direct is slow, a second opinion.", show_default=True
        ),
    ] = "multigrid",
    threads: Threads = None,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Solve for the steady temperatures of every part; write a result file and a picture."""
    destination = read_output(output, no_save, (RESULT_SUFFIX,))
    overrides, size = read_settings(settings), read_cell(cell)
    with show_progress() as progress:
        timed = StageTimer(progress)
        drawn = timed.read(package, overrides, may_leave=allow_include_root)
        places = (
            [destination.file(drawn.name, suffix) for suffix in (RESULT_SUFFIX, ".png")]
            if destination
            else []
        )
        model = timed.discretize(drawn, size)
        from thermostack.steady import solve_steady

        solved = solve_steady(
            model, method=method, threads=threads, estimate=not no_estimate, progress=progress
        )
        steady = replace(solved, seconds={**timed.seconds, **solved.seconds})
        if places:
            timed.save(steady, *places)
    steady = replace(steady, seconds={**steady.seconds, **timed.seconds})
    warn(steady.warnings)
    files = [str(place) for place in places]
    if json:
        from thermostack.io.results.summary import result_summary

        print_json({**result_summary(steady), "files": files})
        return
    from thermostack.report.tables import result_table, summary_table

    heading = (drawn.name, drawn.about)
    print_tables(lambda width: [result_table(steady, width), "", summary_table(steady, files)], heading)


app.command(transient)
app.command(zth)


@app.command
def mesh(
    package: PackageName,
    /,
    *,
    cell: CellOption = None,
    settings: Settings = (),
    output: Annotated[Path | None, output_option("NAME_grid.png", FIGURE_SUFFIXES)] = None,
    no_save: NoSave = False,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Cut a package into cells and show the grid; nothing is solved."""
    destination = read_output(output, no_save, FIGURE_SUFFIXES)
    overrides, size = read_settings(settings), read_cell(cell)
    files = []
    with show_progress() as progress:
        timed = StageTimer(progress)
        drawn = timed.read(package, overrides, may_leave=allow_include_root)
        picture = destination.file(f"{drawn.name}_grid.png") if destination is not None else None
        model = timed.discretize(drawn, size)
        if picture is not None:
            from thermostack.plot.overview import plot_grid

            progress("plot")
            picture.parent.mkdir(exist_ok=True)
            plot_grid(model, picture)
            files.append(str(picture))
    warn(model.warnings)
    from thermostack.report.tables import grid_summary, grid_table

    if json:
        print_json({**grid_summary(model), "files": files})
    else:
        print_tables(lambda width: [grid_table(model, files)], (drawn.name, drawn.about))


@app.command
def check(
    package: PackageName,
    /,
    *,
    settings: Settings = (),
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Check a description: every fault with its line and what would be right; nothing is solved."""
    timed = StageTimer(lambda stage: None)
    try:
        drawn = timed.read(package, read_settings(settings), may_leave=allow_include_root)
        model = timed.discretize(drawn, LARGEST_CELL)  # for what only cells show, as islands
    except DescriptionError as error:
        if json:
            names = ("file", "line", "column", "field", "message", "remedy", "code")
            diagnostics = [
                {name: getattr(diagnostic, name) for name in names} for diagnostic in error.diagnostics
            ]
            print_json({"package": package, "faults": diagnostics})
        raise
    from thermostack.mesh.model import COARSE

    warnings = [text for text in model.warnings if COARSE not in text]  # of these cells alone
    warn(warnings)
    size = [float(axis[-1] - axis[0]) for axis in (model.grid.x, model.grid.y, model.grid.z)]
    counts = {"stacks": len(drawn.stacks), "parts": len(model.parts)}
    if json:
        facts = {"package": drawn.name, "faults": [], **counts, "power": model.total_power, "size": size}
        print_json({**facts, "warnings": warnings})
        return
    from thermostack.units import format_quantity

    sizes = " x ".join(format_quantity(length, "length") for length in size)
    power = format_quantity(model.total_power, "power")
    print(f"{drawn.name}: no faults; {counts['stacks']} stacks, {counts['parts']} parts, {sizes}, {power}")


@app.command
def plot(
    result: Annotated[Path, Parameter(help="A result file (.vtkhdf) that solve wrote.")],
    /,
    *,
    part: Annotated[str | None, Parameter(help="The plane where a part is hottest, as gpu.active.")] = None,
    x: Annotated[str | None, Parameter(help='A cross-section at this place along x, as "27 mm".')] = None,
    y: Annotated[str | None, Parameter(help="A cross-section at this place along y.")] = None,
    z: Annotated[str | None, Parameter(help="The plane at this height.")] = None,
    output: Annotated[Path | None, output_option("NAME.png", FIGURE_SUFFIXES)] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Draw a result: the hottest layer and cross-sections through the peak, or the plane asked for."""
    from thermostack.io.results.steady_file import read_result
    from thermostack.plot.overview import plot_layer_map, plot_overview, plot_section

    asked = {
        name: value for name, value in (("part", part), ("x", x), ("y", y), ("z", z)) if value is not None
    }
    if len(asked) > 1:
        raise usage_error(f"--{' and --'.join(asked)}", "ask for different pictures", "give one of them")
    destination = find_destination(output, FIGURE_SUFFIXES)
    with show_progress() as progress:
        progress("open")
        steady = read_result(result)
        ending = "".join(f"_{name}_{value.replace(' ', '')}" for name, value in asked.items())
        picture = destination.file(f"{steady.package.name}{ending}.png")
        progress("plot")
        picture.parent.mkdir(exist_ok=True)
        try:
            if part is not None or z is not None:
                plot_layer_map(steady, part, z=read_length("--z", z) if z is not None else None, path=picture)
            elif asked:
                ((axis, place),) = asked.items()
                plot_section(steady, axis, at=read_length(f"--{axis}", place), path=picture)
            else:
                plot_overview(steady, picture)
        except (KeyError, ValueError) as error:
            raise usage_error(f"--{next(iter(asked), 'part')}", str(error.args[0]), code="E-NAME") from None
    if json:
        print_json({"package": steady.package.name, "files": [str(picture)]})
    else:
        print(f"written: {picture}")


@app.command
def materials(
    name: Annotated[str | None, Parameter(help="A material, or a piece of some names.")] = None,
    /,
    *,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """List the materials that come along, or show one with its source."""
    from thermostack.materials.material_library import find_material, library
    from thermostack.report.tables import material_summary, material_table, materials_table

    known = library()
    names = [each for each in known if name is None or name == each or (name not in known and name in each)]
    found = [known[each] for each in names] if names else [find_material(name or "")]
    if json:
        print_json({material.name: material_summary(material) for material in found})
    elif len(found) == 1:
        print_tables(lambda width: [material_table(found[0])])
    else:
        print_tables(lambda width: [materials_table(found, width)])


@app.command
def packages(*, json: Json = False, debug: Debug = False) -> None:
    """List the packages that come along."""
    from thermostack.io.description.package_file import shipped_packages

    shipped = shipped_packages()
    if json:
        print_json(shipped)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, about in shipped.items():
        table.add_row(name, about)
    print_tables(lambda width: [table])


# -- from the shell and back ---------------------------------------------------------------------


def main(tokens: Sequence[str] | None = None) -> int:
    """Return the exit code of a command: 0, that of its error, or 130 where it was interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # names may hold signs the terminal lacks
    arguments = list(sys.argv[1:] if tokens is None else tokens)
    is_debugging = "--debug" in arguments
    try:
        with interruptible():
            _run(arguments)
            sys.stdout.flush()
    except KeyboardInterrupt:
        log("interrupted")
        exec("")  # Python forgets an interrupt inside another exec, of which `python -m` would die otherwise
        return INTERRUPTED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except Exception as error:
        if is_debugging:
            import traceback

            traceback.print_exc()
        return _report(error, is_debugging)
    return 0


def _run(arguments: Sequence[str]) -> None:
    command, bound, *_ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    command(*bound.args, **bound.kwargs)


def _report(error: Exception, is_debugging: bool) -> int:
    """Return the exit code of an error, after saying on stderr what is wrong."""
    if isinstance(error, ThermostackError):
        log(str(error), FAULT)
        return error.exit_code
    if isinstance(error, CycloptsError):
        log(f"{error}\n`thermostack --help` shows how it is used.", FAULT)
        return DescriptionError.exit_code
    if isinstance(error, MemoryError):
        log("this machine has not enough memory for it; ask for larger cells (--cell)", FAULT)
        return ResourceError.exit_code
    if isinstance(error, OSError):
        if error.filename is None:  # stdout, which would fail again when Python empties it at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):  # else who reads has enough
            log(f"cannot write {error.filename or 'what is to be printed'}: {error.strerror}", FAULT)
        return OutputError.exit_code
    hint = "" if is_debugging else "; --debug shows where"
    log(f"this is a fault of thermostack, not of your input: {type(error).__name__}: {error}{hint}", FAULT)
    return UNEXPECTED
