"""The command `budget`: the largest power under the temperature limits of a package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from thermostack.cli.console import json_text, print_json, print_tables, show_progress, warn
from thermostack.cli.matrix import named_option
from thermostack.cli.options import (
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
    read_output,
    read_quantity,
    read_settings,
    usage_error,
)
from thermostack.cli.timing import StageTimer
from thermostack.errors import ArgumentError, UnknownNameError
from thermostack.io.files.atomic_file import write_atomic
from thermostack.io.files.output_paths import require_replaceable

FILE_START = b'{\n  "package"'
OPTIONS = {
    "limits": "--limit",
    "fixed": "--fix",
    "weights": "--weight",
    "min_power": "--min",
    "max_power": "--max",
}


def _pairs(name: str, text: str) -> Parameter:
    return Parameter(name=name, help=f"{text}; may be repeated.")


def budget(
    package: PackageName,
    /,
    *,
    limits: Annotated[
        tuple[str, ...],
        _pairs("--limit", 'Limit of a part or stack, as "gpu=95 degC". Default: those of the description'),
    ] = (),
    by: Annotated[
        Literal["stacks", "layers", "sources"],
        Parameter(help="Free powers: of each stack or layer with the described ratios, or of each source."),
    ] = "stacks",
    fixed: Annotated[tuple[str, ...], _pairs("--fix", 'A power that is not free, as "hbm.west_0=20 W"')] = (),
    weights: Annotated[tuple[str, ...], _pairs("--weight", 'Weight in the maximized sum, as "gpu=2"')] = (),
    min_power: Annotated[tuple[str, ...], _pairs("--min", 'Minimum of a free power, as "gpu=100 W"')] = (),
    max_power: Annotated[tuple[str, ...], _pairs("--max", 'Maximum of a free power, as "gpu=700 W"')] = (),
    mean: Annotated[bool, Parameter(help="Limit the mean of each part instead of its maximum.")] = False,
    cell: CellOption = None,
    settings: Settings = (),
    output: Annotated[Path | None, output_option("NAME_budget.json", (".json",))] = None,
    no_save: NoSave = False,
    threads: Threads = None,
    quiet: Quiet = False,
    json: Json = False,
    allow_include_root: IncludeRoot = False,
    debug: Debug = False,
) -> None:
    """Compute the power budget: the largest power under the temperature limits, by linear programming."""
    kelvin = _quantities("--limit", limits, "temperature")
    fix, low, high = (
        _quantities(option, texts, "power")
        for option, texts in (("--fix", fixed), ("--min", min_power), ("--max", max_power))
    )
    destination = read_output(output, no_save, (".json",))
    overrides, size, factors = read_settings(settings), read_cell(cell), _numbers("--weight", weights)
    with show_progress(quiet=quiet) as progress:
        timer = StageTimer(progress)
        description = timer.read(package, overrides, allow_include_root=allow_include_root)
        files = []
        if destination is not None:
            files = [require_replaceable(destination.file(f"{description.name}_budget.json"), FILE_START)]
        model = timer.discretize(description, size)
        from thermostack.design.budget import power_budget
        from thermostack.design.influence import influence

        try:
            matrix = influence(model, check=False, threads=threads, progress=progress)
            progress("budget")
            found = power_budget(
                matrix,
                kelvin or None,
                weights=factors,
                ratios=by,
                kind="mean" if mean else "peak",
                threads=threads,
                fixed=fix,
                min_power=low,
                max_power=high,
            )
        except (ArgumentError, UnknownNameError) as error:
            raise named_option(error, {**OPTIONS, "": "--limit"}) from None
    warn(matrix.warnings)
    seconds = {**timer.seconds, **matrix.seconds, **found.seconds}
    titles = {"stacks": matrix.stacks, "layers": matrix.layers, "sources": matrix.sources}[by]
    described: dict[str, float] = {}
    for title, power in zip(titles, matrix.power.tolist(), strict=True):
        described[title] = described.get(title, 0.0) + power
    written = [str(file) for file in files]
    data = {**found.to_dict(), "described": described, "warnings": list(matrix.warnings), "seconds": seconds}
    for file in files:
        file.parent.mkdir(exist_ok=True)
        write_atomic(file, f"{json_text(data)}\n".encode())
    if json:
        print_json({**data, "files": written})
        return
    from thermostack.report.budget_table import check_table, limit_table, power_table

    print_tables(
        lambda width: [
            power_table(found, described),
            "",
            limit_table(found),
            "",
            check_table(found, seconds, written),
        ],
        (description.name, description.about),
    )


def _pair(option: str, text: str, example: str) -> tuple[str, str]:
    """Return the name and the value of an option."""
    name, equals, value = (piece.strip() for piece in text.partition("="))
    if not (name and equals and value):
        raise usage_error(option, f"{text!r} is not name=value", f'write "{example}"')
    return name, value


def _quantities(option: str, texts: Sequence[str], dimension: str) -> dict[str, float]:
    """Return quantities [SI] by name."""
    example = "gpu=95 degC" if dimension == "temperature" else "gpu=100 W"
    pairs = (_pair(option, text, example) for text in texts)
    return {name: read_quantity(option, value, dimension) for name, value in pairs}


def _numbers(option: str, texts: Sequence[str]) -> dict[str, float]:
    """Return numbers by name."""
    numbers = {}
    for text in texts:
        name, value = _pair(option, text, "gpu=2")
        try:
            numbers[name] = float(value)
        except ValueError:
            raise usage_error(option, f"{value!r} is not a number", "as gpu=2", "E-TYPE") from None
    return numbers
