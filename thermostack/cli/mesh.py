"""The command `mesh`: the grid of a package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from thermostack.cli.console import print_json, print_tables, show_progress, warn
from thermostack.cli.options import (
    CellOption,
    Debug,
    FromOption,
    IncludeRoot,
    Json,
    NoSave,
    PackageName,
    Quiet,
    Settings,
    output_option,
    read_cell,
    read_from,
    read_output,
    read_settings,
)
from thermostack.cli.timing import StageTimer
from thermostack.io.files.output_paths import FIGURE_SUFFIXES


def mesh(
    package: PackageName,
    /,
    *,
    cell: CellOption = None,
    from_: FromOption = None,
    settings: Settings = (),
    output: Annotated[Path | None, output_option("NAME_grid.png", FIGURE_SUFFIXES)] = None,
    no_save: NoSave = False,
    quiet: Quiet = False,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Build the grid of a package and plot it, without solving."""
    destination = read_output(output, no_save, FIGURE_SUFFIXES)
    overrides, size, from_time = read_settings(settings), read_cell(cell), read_from(from_)
    files = []
    with show_progress(quiet=quiet) as progress:
        timer = StageTimer(progress)
        description = timer.read(package, overrides, allow_include_root=allow_include_root)
        figure = destination.file(f"{description.name}_grid.png") if destination is not None else None
        model = timer.discretize(description, size, from_time)
        if figure is not None:
            from thermostack.plot.overview import plot_grid

            progress("plot")
            figure.parent.mkdir(exist_ok=True)
            plot_grid(model, figure)
            files.append(str(figure))
    warn(model.warnings)
    from thermostack.report.grid_table import grid_summary, grid_table

    if json:
        print_json({**grid_summary(model), "files": files})
    else:
        print_tables(lambda width: [grid_table(model, files)], (description.name, description.about))
