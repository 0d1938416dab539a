"""The command `jedec`: thermal metrics of a package on a test board, and compact models."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, warn
from thermostack.cli.options import (
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
    read_positive,
    read_quantity,
    read_settings,
    usage_error,
)
from thermostack.cli.timing import StageTimer, load_matplotlib
from thermostack.errors import ArgumentError, UnknownNameError
from thermostack.io.files.output_lock import output_lock
from thermostack.io.files.output_paths import FIGURE_SUFFIXES, require_replaceable

if TYPE_CHECKING:
    from collections.abc import Callable

    from thermostack.io.files.output_paths import Destination
    from thermostack.mesh.grid_lines import Cell
    from thermostack.package.package import Package
    from thermostack.results.compact_model import CompactModels
    from thermostack.results.jedec_result import JedecResult
    from thermostack.thermal_metrics.board import JedecBoard

TABLE_START = b"metric,"  # of the CSV file
OPTIONS = {
    "board": "--board",
    "size": "--board-size",
    "pad": "--pad",
    "environments": "--environment",
    "own_board": "--own-board",
    "junction": "--junction",
    "fineness": "--fineness",
    "metrics": "--environment",
}

BoardOption = Annotated[
    str,
    Parameter(
        name="--board",
        help="jesd51-9/2s2p, jesd51-9/1s (balls), jesd51-7, jesd51-3 (leads), jesd51-5 (exposed pad).",
        show_default=True,
    ),
]
EnvironmentOption = Annotated[
    tuple[str, ...],
    Parameter(
        name="--environment",
        help="still-air, moving-air, ring, top or bottom; may be repeated. Default: all.",
    ),
]
PowerOption = Annotated[
    str | None,
    Parameter(help='Power of all sources, as "1.5 W". Default: the described powers.'),
]
JunctionOption = Annotated[
    str,
    Parameter(
        help='"max" or "mean" of the hottest part with power, or a part, a block or a stack.',
        show_default=True,
    ),
]
OwnBoardOption = Annotated[
    str | None,
    Parameter(
        name="--own-board",
        help='The stack that is the board of the description, "none" without one. Default: by its name and '
        "materials.",
    ),
]


def jedec(
    package: PackageName,
    /,
    *,
    board: BoardOption = "jesd51-9/2s2p",
    board_size: Annotated[
        str | None, Parameter(name="--board-size", help='Other size of the board, as "150 mm, 170 mm".')
    ] = None,
    pad: Annotated[
        str | None, Parameter(help="The exposed pad of jesd51-5. Default: the largest stack on the board.")
    ] = None,
    copper_area: Annotated[
        str | None,
        Parameter(name="--copper-area", help='Copper on the board around the package, as "300 mm2".'),
    ] = None,
    environment: EnvironmentOption = (),
    power: PowerOption = None,
    ambient: Annotated[str, Parameter(help="Temperature of the air.", show_default=True)] = "25 degC",
    junction: JunctionOption = "max",
    emissivity: Annotated[float, Parameter(help="Of all surfaces in air.", show_default=True)] = 0.9,
    cold_plate_htc: Annotated[
        str, Parameter(name="--cold-plate-htc", help="Of the cold plate on the top.", show_default=True)
    ] = "10 kW/m2/K",
    own_board: OwnBoardOption = None,
    compact: Annotated[
        bool,
        Parameter(
            help="Fit compact models, two resistors and a DELPHI network, and write NAME_compact.json, .csv "
            "and .cir (SPICE)."
        ),
    ] = False,
    cell: CellOption = None,
    fineness: Annotated[
        float, Parameter(help="Factor that divides the cell sizes of the default rule.", show_default=True)
    ] = 1.0,
    settings: Settings = (),
    output: Annotated[Path | None, output_option("NAME_jedec.png and its table", FIGURE_SUFFIXES)] = None,
    no_save: NoSave = False,
    no_plot: NoPlot = False,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Compute the thermal metrics of JEDEC: theta_JA, theta_JB, theta_JC, psi_JT, psi_JB, matrix of dies."""
    destination = read_output(output, no_save, FIGURE_SUFFIXES)
    overrides, size = read_settings(settings), read_cell(cell)
    watts = None if power is None else read_positive("--power", power, "power")
    kelvin = read_quantity("--ambient", ambient, "temperature")
    htc = read_positive("--cold-plate-htc", cold_plate_htc, "heat_transfer_coefficient")
    with show_progress(quiet=quiet) as progress, ExitStack() as stack:
        timer = StageTimer(progress)
        description = timer.read(package, overrides, allow_include_root=allow_include_root)
        files = []
        if destination is not None:
            figure = destination.file(f"{description.name}_jedec.png")
            table = require_replaceable(figure.with_suffix(".csv"), TABLE_START)
            files = [table] if no_plot else [figure, table]
            stack.enter_context(output_lock(figure))
        compact_files = _compact_files(destination, description) if compact else []
        from thermostack.thermal_metrics.metrics import jedec as compute

        try:
            found = compute(
                description,
                board=read_board(board, board_size, pad, copper_area),
                environments=environment or None,
                power=watts,
                ambient=kelvin,
                junction=junction,
                emissivity=emissivity,
                cold_plate_htc=htc,
                own_board=own_board,
                cell=size,
                fineness=fineness,
                threads=threads,
                progress=progress,
            )
            models = None
            if compact:
                models = _compact_models(found, description, own_board, size, fineness, threads, progress)
        except (ArgumentError, UnknownNameError) as error:
            (first,) = error.diagnostics
            option = OPTIONS.get(first.field, f"--{first.field.replace('_', '-')}")
            raise usage_error(option, first.message, first.hint, first.code) from None
        if files:
            files[0].parent.mkdir(exist_ok=True)
            with timer.stage("write"):
                found.to_csv(files[-1])
            if not no_plot:
                with timer.stage("plot"):
                    load_matplotlib()
                    found.plot(files[0])
        if models is not None:
            for path in compact_files:
                path.parent.mkdir(exist_ok=True)
                models.save(path)
    warn(found.warnings)
    seconds, written = {**timer.seconds, **found.seconds}, [str(file) for file in [*files, *compact_files]]
    if json:
        of_models = {} if models is None else {"compact": models.to_dict()}
        print_json({**found.to_dict(), **of_models, "seconds": seconds, "files": written})
        return
    from thermostack.report.jedec_table import compact_tables, jedec_tables

    tables = jedec_tables(found, seconds, written)
    if models is not None:
        tables = [*tables[:-1], *compact_tables(models), "", tables[-1]]
    print_tables(lambda width: tables, (description.name, description.about))


def _compact_files(destination: Destination | None, package: Package) -> list[Path]:
    """Return the paths of the files of the compact models."""
    if destination is None:
        return []
    from thermostack.io.results.compact_files import STARTS

    stem = destination.file(f"{package.name}_jedec.png").with_name(f"{package.name}_compact")
    return [require_replaceable(stem.with_suffix(suffix), start) for suffix, start in STARTS.items()]


def _compact_models(
    metrics: JedecResult,
    package: Package,
    own_board: str | None,
    cell: Cell,
    fineness: float,
    threads: int | None,
    progress: Callable[[str], None],
) -> CompactModels:
    """Return the compact models, whose resistances are those of the metrics."""
    from thermostack.thermal_metrics.compact import compact_models

    return compact_models(
        package,
        metrics=metrics,
        own_board=own_board,
        cell=cell,
        fineness=fineness,
        threads=threads,
        progress=progress,
    )


def read_board(name: str, size: str | None, pad: str | None, copper_area: str | None) -> JedecBoard:
    """Return the board of a name, with another size where it is given."""
    from thermostack.thermal_metrics.board import JedecBoard

    sides = None
    if size is not None:
        pieces = [piece.strip() for piece in size.split(",")]
        if len(pieces) != 2:
            raise usage_error("--board-size", f"{size!r} is not a width and a depth", 'as "150 mm, 170 mm"')
        sides = (
            read_positive("--board-size", pieces[0], "length"),
            read_positive("--board-size", pieces[1], "length"),
        )
    area = 0.0 if copper_area is None else read_positive("--copper-area", copper_area, "area")
    return JedecBoard(name, sides, pad=pad, copper_area=area)
