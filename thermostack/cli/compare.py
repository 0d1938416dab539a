"""The command `compare`: two results, or two packages that are solved or described."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.cli.console import print_json, print_tables, show_progress, warn
from thermostack.cli.matrix import CsvOption
from thermostack.cli.options import (
    AllParts,
    CellOption,
    Debug,
    Json,
    NoPlot,
    NoSave,
    Quiet,
    Threads,
    output_option,
    read_cell,
    read_output,
    require_not_read,
    require_one_format,
    usage_error,
)
from thermostack.cli.part_rows import OnlyParts, require_names
from thermostack.cli.timing import StageTimer, load_matplotlib
from thermostack.errors import ArgumentError
from thermostack.io.files.output_lock import output_lock
from thermostack.io.files.output_paths import RESULT_SUFFIX, Destination

if TYPE_CHECKING:
    from thermostack.package.package import Package
    from thermostack.results.comparison import Comparison

ComparedName = Annotated[
    str, Parameter(help="A result file (.vtkhdf), a description file (YAML), or a shipped package.")
]


def compare(
    first: ComparedName,
    second: ComparedName,
    /,
    *,
    packages: Annotated[
        bool,
        Parameter(help="Compare the descriptions of both packages alone, without solving."),
    ] = False,
    cell: CellOption = None,
    output: Annotated[
        Path | None, output_option("A_B_difference.vtkhdf and its figure", (RESULT_SUFFIX,))
    ] = None,
    no_save: NoSave = False,
    threads: Threads = None,
    all_parts: AllParts = False,
    only: OnlyParts = (),
    no_plot: NoPlot = False,
    quiet: Quiet = False,
    json: Json = False,
    csv: CsvOption = False,
    debug: Debug = False,
) -> None:
    """Compare two results by part, heat and cell; write the difference field and a figure."""
    size = read_cell(cell)
    require_one_format(json=json, csv=csv)
    if packages:
        for option, value in (("--cell", cell), ("--output", output), ("--only", only)):
            if value:
                raise usage_error(
                    option, "needs results, which --packages does not solve", "omit one of them"
                )
        _compare_packages(first, second, json=json, csv=csv)
        return
    destination = read_output(output, no_save, (RESULT_SUFFIX,))
    with show_progress(quiet=quiet) as progress, ExitStack() as stack:
        timer = StageTimer(progress)
        files = _output_files(destination, first, second, stack, no_plot=no_plot)
        from thermostack.comparison.compare import compare as compare_results

        try:
            found = compare_results(first, second, cell=size, threads=threads, progress=progress)
        except ArgumentError as error:
            (wrong,) = error.diagnostics
            raise usage_error(wrong.field.upper(), wrong.message, wrong.hint, wrong.code) from None
        _require_names(only, found)
        if files:
            files = _write(found, files, timer)
    warn(found.warnings)
    _print(found, [str(file) for file in files], all_parts=all_parts, only=only, json=json, csv=csv)


def _output_files(
    destination: Destination | None, first: str, second: str, stack: ExitStack, *, no_plot: bool
) -> list[Path]:
    """Return the paths of the difference field and of its figure, none without a destination.

    Other commands cannot write them until the end. Raises DescriptionError if one of them is read.
    """
    if destination is None:
        return []
    suffixes = (RESULT_SUFFIX,) if no_plot else (RESULT_SUFFIX, ".png")
    name = f"{Path(first).stem}_{Path(second).stem}_difference"
    files = [destination.file(name, suffix) for suffix in suffixes]
    for source in (first, second):
        if Path(source).exists():
            require_not_read(files[0], Path(source))
    stack.enter_context(output_lock(files[0]))
    return files


def _write(found: Comparison, files: Sequence[Path], timer: StageTimer) -> list[Path]:
    """Write the difference field and its figure; return the files, none if there is no common volume."""
    if not found.field.is_common.any():
        warn(["the bodies of both results have no common volume: no difference is written"])
        return []
    files[0].parent.mkdir(exist_ok=True)
    with timer.stage("write"):
        found.save(files[0])
    for figure in files[1:]:
        with timer.stage("plot"):
            load_matplotlib()
            found.plot(figure)
    return list(files)


def _require_names(only: Sequence[str], found: Comparison) -> None:
    """Raise DescriptionError if a name of `--only` is in neither result."""
    names = [part.name for part in found.parts] + [*found.only_first, *found.only_second]
    require_names(only, names, "of the results", f"thermostack compare {' '.join(found.labels)} --all")


def _print(
    found: Comparison, files: list[str], *, all_parts: bool, only: Sequence[str], json: bool, csv: bool
) -> None:
    """Print the tables of a comparison, or its JSON or CSV."""
    from thermostack.report.comparison_table import chosen_parts, comparison_tables
    from thermostack.report.table_layout import add_files_row, fact_table

    if json:
        from thermostack.io.results.comparison_summary import comparison_summary

        data = comparison_summary(found)
        if only:
            kept = {part.name for part in chosen_parts(found, only=only)}
            data["parts"] = {name: part for name, part in data["parts"].items() if name in kept}
        print_json({**data, "files": files})
        return
    if csv:
        from thermostack.io.results.comparison_summary import parts_csv

        print(parts_csv(chosen_parts(found, all_parts=True, only=only)), end="")
        return
    written = fact_table()
    add_files_row(written, files)
    print_tables(
        lambda width: (
            [
                item
                for table in comparison_tables(found, width, all_parts=all_parts, only=only)
                for item in (table, "")
            ]
            + ([written] if files else [])
        )
    )


# -- descriptions --------------------------------------------------------------------------------


def _compare_packages(first: str, second: str, *, json: bool, csv: bool) -> None:
    """Print the differences of two descriptions."""
    from thermostack.io.description.package_differences import package_differences

    differences = package_differences(_package_of(first), _package_of(second))
    if json or csv:
        from thermostack.io.results.comparison_summary import differences_csv, differences_summary

        if json:
            data = differences_summary(differences)
            print_json({"first": first, "second": second, "descriptions": data})
        else:
            print(differences_csv(differences), end="")
        return
    from thermostack.report.comparison_table import differences_table, labels_table

    if not differences:
        print(f"the descriptions of {first} and {second} are equal")
        return
    print_tables(lambda width: [labels_table((first, second)), "", differences_table(differences)])


def _package_of(name: str) -> Package:
    """Return the package of a result file, of a description file, or of a shipped name."""
    if Path(name).suffix == RESULT_SUFFIX:
        from thermostack.comparison.compare import read_any_result

        return read_any_result(Path(name)).package
    from thermostack.io.description.package_file import read_package

    return read_package(name)
