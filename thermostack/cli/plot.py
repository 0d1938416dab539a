"""The command `plot`: figures of a steady result file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, show_progress
from thermostack.cli.options import Debug, Json, Quiet, output_option, read_length, usage_error
from thermostack.cli.timing import load_matplotlib
from thermostack.errors import ArgumentError, UnknownNameError
from thermostack.io.files.output_paths import FIGURE_SUFFIXES, find_destination

if TYPE_CHECKING:
    from thermostack.results.steady_result import SteadyResult


def plot(
    result: Annotated[Path, Parameter(help="A result file (.vtkhdf) of the command solve.")],
    /,
    *,
    part: Annotated[
        str | None, Parameter(help="Map of the plane in which a part is hottest, as gpu.active.")
    ] = None,
    x: Annotated[str | None, Parameter(help='Cross-section at this x, as "27 mm".')] = None,
    y: Annotated[str | None, Parameter(help="Cross-section at this y.")] = None,
    z: Annotated[str | None, Parameter(help="Map at this height z.")] = None,
    output: Annotated[Path | None, output_option("NAME.png", FIGURE_SUFFIXES)] = None,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Plot a result: the hottest layer with cross-sections through the peak, or one plane."""
    from thermostack.io.results.steady_file import read_result

    options = {"part": part, "x": x, "y": y, "z": z}
    selected = {name: value for name, value in options.items() if value is not None}
    if len(selected) > 1:
        raise usage_error(f"--{' and --'.join(selected)}", "select different planes", "give one of them")
    destination = find_destination(output, FIGURE_SUFFIXES)
    with show_progress(quiet=quiet) as progress:
        progress("open")
        steady = read_result(result)
        suffix = "".join(f"_{name}_{value.replace(' ', '')}" for name, value in selected.items())
        figure = destination.file(f"{steady.package.name}{suffix}.png")
        progress("plot")
        figure.parent.mkdir(exist_ok=True)
        try:
            _plot_plane(steady, selected, figure)
        except (ArgumentError, UnknownNameError) as error:
            (found,) = error.diagnostics
            option = f"--{next(iter(selected), 'part')}"
            raise usage_error(option, found.message, found.hint, found.code) from None
    if json:
        print_json({"package": steady.package.name, "files": [str(figure)]})
    else:
        print(f"written: {figure}")


def _plot_plane(steady: SteadyResult, selected: dict[str, str], figure: Path) -> None:
    """Write the figure of the selected plane, or the overview if none is selected."""
    load_matplotlib()
    from thermostack.plot.overview import plot_layer_map, plot_overview, plot_section

    if not selected:
        plot_overview(steady, figure)
        return
    ((option, value),) = selected.items()
    if option == "part":
        plot_layer_map(steady, value, path=figure)
    elif option == "z":
        plot_layer_map(steady, z=read_length("--z", value), path=figure)
    else:
        plot_section(steady, option, at=read_length(f"--{option}", value), path=figure)
