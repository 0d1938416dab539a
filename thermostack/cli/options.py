"""Options that several commands share, and the functions that read their values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, Token

from thermostack.errors import ArgumentError, DescriptionError, Diagnostic
from thermostack.io.files.output_paths import Destination, find_destination

if TYPE_CHECKING:
    from thermostack.mesh.grid_lines import Cell


def usage_error(option: str, message: str, hint: str = "", code: str = "E-VALUE") -> DescriptionError:
    """Return the error for a wrong value of an option."""
    return DescriptionError(Diagnostic(option, message, hint, code))


def _read_threads(_: type, tokens: Sequence[Token]) -> int | None:
    from thermostack.schema.arguments import check_threads

    text = tokens[0].value.strip()
    try:
        return check_threads(int(text), "--threads")
    except ArgumentError as error:
        raise DescriptionError(error.diagnostics) from None  # cyclopts would catch a ValueError
    except ValueError:
        raise usage_error("--threads", f"{text!r} is not a whole number", "as 4", "E-TYPE") from None


# -- types of options ----------------------------------------------------------------------------


PackageName = Annotated[str, Parameter(help="A description file (YAML), or the name of a shipped package.")]
CellOption = Annotated[
    str | None,
    Parameter(
        name="--cell",
        help='Largest cell size: "0.25 mm", "0.25 mm, 0.25 mm, 0.1 mm" along x, y, z, or by part: '
        '"gpu=0.1 mm, hbm.base.z=20 um", with .x, .y or .z for one direction. Default: chosen from the sizes '
        "of the blocks.",
    ),
]
FromOption = Annotated[
    str | None,
    Parameter(
        name="--from",
        help='Shortest time after a change of power that the cells resolve, as "1 us". Default: cells for '
        "the steady state.",
    ),
]
Settings = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set",
        help="Set a field of the description, as stacks.gpu.layers.active.power.scale_to=700 W; may be "
        "repeated.",
    ),
]
NoSave = Annotated[bool, Parameter(name="--no-save", help="Write no files.")]
Threads = Annotated[
    int | None,
    Parameter(name="--threads", help="Number of threads. Default: all processors.", converter=_read_threads),
]
AllParts = Annotated[
    bool,
    Parameter(
        name="--all", help="List all parts and blocks. Default: stacks and the blocks that have power."
    ),
]
NoPlot = Annotated[bool, Parameter(name="--no-plot", help="Write no figure.")]
Quiet = Annotated[bool, Parameter(name="--quiet", help="Print no progress; warnings and errors remain.")]
Json = Annotated[bool, Parameter(name="--json", help="Print JSON in SI units instead of tables.")]
Debug = Annotated[bool, Parameter(name="--debug", help="Print the traceback of an error.")]
IncludeRoot = Annotated[
    bool,
    Parameter(
        name="--allow-include-root", help="Allow the description to read files outside its own directory."
    ),
]


def output_option(files: str, suffixes: tuple[str, ...]) -> Parameter:
    """Return the option --output of a command, for use as Annotated[Path | None, output_option(...)]."""
    *others, last = suffixes
    endings = f"{', '.join(others)} or {last}" if others else last
    text = f"A directory for {files}, or a file that ends in {endings}. Default: the current directory."
    return Parameter(name=["--output", "-o"], help=text)


# -- the command line ------------------------------------------------------------------------------

_NEGATIVE = re.compile(r"-\.?[0-9]")  # the beginning of a negative number


def join_negative_values(arguments: Sequence[str]) -> list[str]:
    """Return the command line with each negative number joined to the option before it.

    Otherwise the value "-40 degC" would be taken for an option, because it begins with a hyphen.

    >>> join_negative_values(["transient", "fcbga", "--initial", "-40 degC", "--json"])
    ['transient', 'fcbga', '--initial=-40 degC', '--json']
    """
    joined: list[str] = []
    for argument in arguments:
        before = joined[-1] if joined else ""
        if _NEGATIVE.match(argument) and before.startswith("--") and "=" not in before:
            joined[-1] = f"{before}={argument}"
        else:
            joined.append(argument)
    return joined


# -- values of options ---------------------------------------------------------------------------


def read_output(output: Path | None, no_save: bool, suffixes: tuple[str, ...]) -> Destination | None:
    """Return the destination of files, None with --no-save.

    Raises DescriptionError for --output beside --no-save, OutputError if the destination is not writable.
    """
    if no_save and output is not None:
        raise usage_error("--no-save", "writes no files, and --output names one", "omit one of them")
    return None if no_save else find_destination(output, suffixes)


def require_one_format(*, json: bool, csv: bool) -> None:
    """Raise DescriptionError if a command would print JSON and CSV."""
    if json and csv:
        raise usage_error("--csv", "--json prints JSON in its place", "omit one of them")


def require_not_read(file: Path, source: Path) -> None:
    """Raise DescriptionError if a command would replace the file that it reads."""
    if file.exists() and file.samefile(source):
        message = f"{file} is the file that the command reads, and is not replaced"
        raise usage_error("--output", message, "name another file with --output")


def read_quantity(option: str, text: str, dimension: str) -> float:
    """Return the value [SI] of a text with a unit."""
    from thermostack.units import UnitError, parse_quantity

    try:
        value = parse_quantity(text, dimension)
    except UnitError as error:
        raise usage_error(option, str(error), code="E-UNIT") from None
    if dimension == "temperature" and value <= 0.0:
        raise usage_error(option, f"{text} is not above absolute zero", 'as "25 degC"', "E-RANGE")
    return value


def read_length(option: str, text: str) -> float:
    """Return a length [m]."""
    return read_quantity(option, text, "length")


def read_positive(option: str, text: str, dimension: str) -> float:
    """Return the value [SI] of a text with a unit. Raises DescriptionError unless it is positive."""
    value = read_quantity(option, text, dimension)
    if not value > 0.0:
        from thermostack.units import example_of

        raise usage_error(option, f"must be positive, got {text}", f'as "{example_of(dimension)}"', "E-RANGE")
    return value


def read_cell(text: str | None) -> Cell:
    """Return the largest cell size [m]: one for all axes, a tuple for x, y and z, or a dict by part.

    >>> read_cell("0.25 mm")
    0.00025
    >>> read_cell("gpu=0.1 mm, hbm=0.2 mm")
    {'gpu': 0.0001, 'hbm': 0.0002}
    >>> read_cell("die.bulk.z=20 um")
    {'die.bulk.z': 2e-05}
    """
    if text is None:
        return None
    items = [item.strip() for item in text.split(",")]
    if any("=" in item for item in items):
        return _read_sizes_by_part(items)
    lengths = tuple(read_length("--cell", item) for item in items)
    if len(lengths) > 3:
        message = f"{len(lengths)} sizes for 3 axes"
        raise usage_error("--cell", message, 'as "0.25 mm, 0.25 mm, 0.1 mm"')
    return lengths[0] if len(lengths) == 1 else lengths


def _read_sizes_by_part(items: Iterable[str]) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for item in items:
        part, equals, size = (piece.strip() for piece in item.partition("="))
        if not (part and equals):
            raise usage_error("--cell", f"{item!r} is not part=size", 'write "gpu=0.1 mm, hbm.z=20 um"')
        if part in sizes:
            raise usage_error("--cell", f"{part!r} is given twice", "", "E-DUPLICATE")
        sizes[part] = read_length("--cell", size)
    return sizes


def read_from(text: str | None) -> float | None:
    """Return the shortest time [s] after a change of power that the cells resolve."""
    return None if text is None else read_positive("--from", text, "time")


def read_settings(settings: Iterable[str]) -> dict[str, str]:
    """Return the values of --set by the paths of their fields, from texts like `path=value`."""
    values: dict[str, str] = {}
    diagnostics = []
    for setting in settings:
        path, equals, value = (piece.strip() for piece in setting.partition("="))
        if not equals or not path:
            hint = "write path=value, as stacks.gpu.layers.active.power.scale_to=700 W"
            diagnostics.append(Diagnostic("--set", f"{setting!r} is not path=value", hint, "E-MISSING"))
        elif path in values:
            diagnostics.append(Diagnostic("--set", f"{path!r} is set twice", "", "E-DUPLICATE"))
        values[path] = value
    if diagnostics:
        raise DescriptionError(diagnostics)
    return values
