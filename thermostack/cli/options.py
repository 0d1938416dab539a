"""The options that the commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.files.output_paths import Destination, find_destination

if TYPE_CHECKING:
    from thermostack.mesh.cell_size import Cell


def usage_error(option: str, message: str, remedy: str = "", code: str = "E-VALUE") -> DescriptionError:
    return DescriptionError(Diagnostic(option, message, remedy, code))


def _check_threads(_: type, threads: int | None) -> None:
    if threads is not None and threads < 1:
        raise usage_error("--threads", f"{threads} is not a number of threads", "1, 2, 3, ...", "E-RANGE")


# -- what they are -------------------------------------------------------------------------------


PackageName = Annotated[
    str, Parameter(help="A description file (YAML), or the name of a package that comes along.")
]
CellOption = Annotated[
    str | None,
    Parameter(
        name="--cell",
        help='Largest size of a cell: "0.25 mm", "0.25 mm, 0.25 mm, 0.1 mm" along x, y, z, or for parts: '
        '"gpu=0.1 mm, hbm=0.2 mm". Without it the grid follows the powered blocks.',
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
    Parameter(
        name="--threads", help="How many threads; all processors without it.", validator=_check_threads
    ),
]
Json = Annotated[bool, Parameter(name="--json", help="Print JSON in SI units instead of tables.")]
Debug = Annotated[bool, Parameter(name="--debug", help="Show where in the program an error arose.")]
IncludeRoot = Annotated[
    bool,
    Parameter(name="--allow-include-root", help="Let a description use files outside its own directory."),
]


def output_option(files: str, suffixes: tuple[str, ...]) -> Parameter:
    """Return the option for where a command writes, as Annotated[Path | None, output_option(...)]."""
    *others, last = suffixes
    endings = f"{', '.join(others)} or {last}" if others else last
    text = f"A directory for {files}, or a file that ends in {endings}. Without it the current directory."
    return Parameter(name=["--output", "-o"], help=text)


# -- how they are read ---------------------------------------------------------------------------


def read_output(output: Path | None, no_save: bool, suffixes: tuple[str, ...]) -> Destination | None:
    """Return where files go, None where none are to be written. Raises OutputError where they cannot go."""
    return None if no_save else find_destination(output, suffixes)


def read_quantity(option: str, text: str, dimension: str) -> float:
    """Return the value [SI] that an option says, with its unit."""
    from thermostack.units import UnitError, parse_quantity

    try:
        return parse_quantity(text, dimension)
    except UnitError as error:
        raise usage_error(option, str(error), code="E-UNIT") from None


def read_length(option: str, text: str) -> float:
    return read_quantity(option, text, "length")


def read_positive(option: str, text: str, dimension: str) -> float:
    """Return the value [SI] greater than zero that an option says, with its unit."""
    value = read_quantity(option, text, dimension)
    if not value > 0.0:
        from thermostack.units import example_of

        raise usage_error(
            option, f"{text} is not greater than zero", f'as "{example_of(dimension)}"', "E-RANGE"
        )
    return value


def read_cell(text: str | None) -> Cell:
    """Return the size of cells [m] that an option says: one to three sizes, or sizes by part.

    >>> read_cell("0.25 mm")
    0.00025
    >>> read_cell("gpu=0.1 mm, hbm=0.2 mm")
    {'gpu': 0.0001, 'hbm': 0.0002}
    """
    if text is None:
        return None
    items = [item.strip() for item in text.split(",")]
    if any("=" in item for item in items):
        sizes: dict[str, float] = {}
        for item in items:
            part, equals, size = (piece.strip() for piece in item.partition("="))
            if not (part and equals) or part in sizes:
                text = f"{item!r} is not a size of another part"
                raise usage_error("--cell", text, 'write "gpu=0.1 mm, hbm=0.2 mm"')
            sizes[part] = read_length("--cell", size)
        return sizes
    lengths = tuple(read_length("--cell", item) for item in items)
    if len(lengths) > 3:
        raise usage_error(
            "--cell", f"{len(lengths)} sizes are more than there are axes", 'as "0.25 mm, 0.25 mm, 0.1 mm"'
        )
    return lengths[0] if len(lengths) == 1 else lengths


def read_settings(settings: Iterable[str]) -> dict[str, str]:
    """Return values by the paths of the fields they are set in, from texts like `path=value`."""
    made: dict[str, str] = {}
    diagnostics = []
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not path.strip():
            remedy = "write path=value, as stacks.gpu.layers.active.power.scale_to=700 W"
            diagnostics.append(Diagnostic("--set", f"{setting!r} sets no field", remedy, "E-MISSING"))
        elif path.strip() in made:
            diagnostics.append(Diagnostic("--set", f"{path.strip()!r} is set twice", "", "E-DUPLICATE"))
        made[path.strip()] = value.strip()
    if diagnostics:
        raise DescriptionError(diagnostics)
    return made
