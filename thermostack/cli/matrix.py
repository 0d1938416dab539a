"""The command `matrix`: temperatures per watt of every source, and heat through every cooler."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, warn
from thermostack.cli.options import (
    AllParts,
    CellOption,
    Debug,
    IncludeRoot,
    Json,
    NoSave,
    PackageName,
    Quiet,
    Settings,
    Threads,
    output_option,
    read_cell,
    read_length,
    read_output,
    read_settings,
    require_one_format,
    usage_error,
)
from thermostack.cli.timing import StageTimer
from thermostack.errors import ArgumentError, UnknownNameError
from thermostack.io.files.output_lock import output_lock
from thermostack.io.files.output_paths import require_replaceable

if TYPE_CHECKING:
    from collections.abc import Sequence

MATRIX_SUFFIXES = (".npz",)
TABLE_START = b"output,quantity,"  # of the CSV file

SourcesOption = Annotated[
    str | None,
    Parameter(
        help='"blocks" (every block, map and evenly powered layer), "layers", "stacks", or names as '
        '"gpu, hbm.west_0". Default: blocks.'
    ),
]
OutputsOption = Annotated[
    str | None,
    Parameter(help="Parts, blocks or stacks whose mean is an output. Default: every part and block."),
]
TilesOption = Annotated[
    int | None,
    Parameter(name="--tiles", help="Divide the layer of --layer into N by N tiles, each a source."),
]
LayerOption = Annotated[
    str | None, Parameter(name="--layer", help="The layer with power that --tiles divides, as gpu.active.")
]
PointOption = Annotated[
    tuple[str, ...],
    Parameter(
        name="--point",
        help='A position whose temperature is an output, as "sensor=12 mm, 8 mm, 1.2 mm"; may be repeated.',
    ),
]
CsvOption = Annotated[bool, Parameter(name="--csv", help="Print the CSV table instead of tables.")]


def matrix(
    package: PackageName,
    /,
    *,
    sources: SourcesOption = None,
    outputs: OutputsOption = None,
    tiles: TilesOption = None,
    layer: LayerOption = None,
    points: PointOption = (),
    cell: CellOption = None,
    settings: Settings = (),
    output: Annotated[Path | None, output_option("NAME_matrix.npz and its table", MATRIX_SUFFIXES)] = None,
    no_save: NoSave = False,
    all_parts: AllParts = False,
    threads: Threads = None,
    quiet: Quiet = False,
    json: Json = False,
    csv: CsvOption = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Compute the influence matrix: temperatures per watt of every source, and heat through every cooler."""
    require_one_format(json=json, csv=csv)
    if (tiles is None) != (layer is None):
        raise usage_error(
            "--tiles", "--tiles and --layer are given together", "as --tiles 8 --layer gpu.active"
        )
    destination = read_output(output, no_save, MATRIX_SUFFIXES)
    overrides, size, positions = read_settings(settings), read_cell(cell), read_points(points)
    with show_progress(quiet=quiet) as progress, ExitStack() as stack:
        timer = StageTimer(progress)
        description = timer.read(package, overrides, allow_include_root=allow_include_root)
        files = []
        if destination is not None:
            name = f"{description.name}_matrix.npz"
            files = [destination.file(name)]
            files.append(require_replaceable(files[0].with_suffix(".csv"), TABLE_START))
            stack.enter_context(output_lock(files[0]))
        model = timer.discretize(description, size)
        from thermostack.design.influence import influence

        try:
            found = influence(
                model,
                read_names(outputs),
                read_sources(sources),
                None if tiles is None or layer is None else {layer: tiles},
                points=positions,
                threads=threads,
                progress=progress,
            )
        except (ArgumentError, UnknownNameError) as error:
            raise named_option(
                error, {"tiles": "--tiles", "points": "--point", "outputs": "--outputs"}
            ) from None
        if files:
            files[0].parent.mkdir(exist_ok=True)
            with timer.stage("write"):
                found.save(files[0])
                found.to_csv(files[1])
    warn(found.warnings)
    seconds, written = {**timer.seconds, **found.seconds}, [str(file) for file in files]
    if json:
        print_json({**found.to_dict(), "seconds": seconds, "files": written})
        return
    if csv:
        from thermostack.io.results.influence_file import influence_table as csv_table

        print(csv_table(found), end="")
        return
    from thermostack.report.influence_table import influence_table, summary_table

    print_tables(
        lambda width: [
            *influence_table(found, width, all_parts=all_parts),
            "",
            summary_table(found, seconds, written),
        ],
        (description.name, description.about),
    )


def named_option(error: ArgumentError | UnknownNameError, options: dict[str, str]) -> Exception:
    """Return the error of a wrong argument as that of the option that gave it."""
    (found,) = error.diagnostics
    option = options.get(found.field.split(".")[0], f"--{found.field}" if found.field else "--sources")
    return usage_error(option, found.message, found.hint, found.code)


def read_names(text: str | None) -> list[str] | None:
    """Return the names of a list with commas.

    >>> read_names("gpu, hbm")
    ['gpu', 'hbm']
    """
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def read_sources(text: str | None) -> str | Sequence[str]:
    """Return a level of sources, or their names."""
    names = read_names(text) or ["blocks"]
    return names[0] if names in (["blocks"], ["layers"], ["stacks"]) else names


def read_points(texts: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Return the positions [m] of points by name.

    >>> read_points(["sensor=12 mm, 8 mm, 1.2 mm"])
    {'sensor': (0.012, 0.008, 0.0012)}
    """
    positions = {}
    for text in texts:
        name, equals, position = (piece.strip() for piece in text.partition("="))
        pieces = position.split(",")
        if not (name and equals) or len(pieces) != 3:
            hint = 'write "sensor=12 mm, 8 mm, 1.2 mm"'
            raise usage_error("--point", f"{text!r} is not a name and a position", hint)
        x, y, z = (read_length("--point", piece) for piece in pieces)
        positions[name] = (x, y, z)
    return positions
