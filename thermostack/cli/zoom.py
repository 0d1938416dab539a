"""The command `zoom`: a local model of a result file with vias, bumps or lines resolved."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, warn
from thermostack.cli.options import (
    AllParts,
    Debug,
    Json,
    NoSave,
    Threads,
    output_option,
    read_length,
    read_output,
    usage_error,
)
from thermostack.cli.timing import StageTimer
from thermostack.errors import ArgumentError
from thermostack.io.files.output_lock import output_lock
from thermostack.io.files.output_paths import RESULT_SUFFIX

if TYPE_CHECKING:
    from thermostack.results.steady_result import SteadyResult

OPTIONS = {"box": "--box", "margin": "--margin", "cell": "--cell", "resolve": "--resolve"}  # by argument


def zoom(
    result: Annotated[Path, Parameter(help="A result file (.vtkhdf) of the command solve or zoom.")],
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
        Parameter(help="Quantity of the result on the cut surfaces.", show_default=True),
    ] = "temperature",
    output: Annotated[
        Path | None, output_option("NAME_zoom.vtkhdf and NAME_zoom.png", (RESULT_SUFFIX,))
    ] = None,
    no_save: NoSave = False,
    no_estimate: Annotated[bool, Parameter(help="Do not estimate discretisation errors.")] = False,
    threads: Threads = None,
    all_parts: AllParts = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Solve a box of a result on a finer grid; write a result file and a figure."""
    if (box is None) == (around is None):
        raise usage_error("--box", "give one of --box and --around", 'as --around gpu.active --margin "1 mm"')
    destination = read_output(output, no_save, (RESULT_SUFFIX,))
    corners: Any = around if box is None else _read_corners(box)
    sizes = None if cell is None else [read_length("--cell", item.strip()) for item in cell.split(",")]
    with show_progress() as progress, ExitStack() as stack:
        timer = StageTimer(progress)
        from thermostack.io.results.steady_file import read_result

        progress("open")
        steady = read_result(result)
        paths = []
        if destination is not None:
            name = f"{steady.package.name}_zoom"
            paths = [destination.file(name, suffix) for suffix in (RESULT_SUFFIX, ".png")]
            stack.enter_context(output_lock(paths[0]))
        try:
            local = steady.zoom(
                corners,
                margin=None if margin is None else read_length("--margin", margin),
                cell=sizes,
                resolve=resolve,
                boundary=boundary,
                estimate=not no_estimate,
                threads=threads,
                progress=progress,
            )
        except ArgumentError as error:
            (found,) = error.diagnostics
            option = OPTIONS.get(found.field.partition(".")[0].partition("[")[0], found.field)
            raise usage_error(option, found.message, found.hint, found.code) from None
        if paths:
            timer.save(local, *paths)
    local = replace(local, seconds={**local.seconds, **timer.seconds})
    _print_result(local, [str(path) for path in paths], all_parts=all_parts, json=json)


def _read_corners(text: str) -> list[list[float]]:
    """Return the two corners [m] of a box.

    >>> _read_corners("0 mm, 0 mm, 0 mm : 1 mm, 1 mm, 0.5 mm")
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


def _print_result(local: SteadyResult, files: list[str], *, all_parts: bool, json: bool) -> None:
    """Print the tables of the local result and of its agreement with the global one, or JSON."""
    warn(local.warnings)
    if json:
        from thermostack.io.results.summary import result_summary

        print_json({**result_summary(local), "files": files})
        return
    from thermostack.report.steady_table import steady_summary, steady_table
    from thermostack.report.zoom_table import zoom_table

    print_tables(
        lambda width: [
            steady_table(local, width, all_parts=all_parts),
            "",
            zoom_table(local.agreement) if local.agreement else "",
            "",
            steady_summary(local, files),
        ],
        (local.package.name, local.package.about),
    )
