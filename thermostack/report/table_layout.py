"""Layout of all tables of text: columns with units, rows of a stack, number formats, style of a margin."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from thermostack.units import ZERO_CELSIUS

if TYPE_CHECKING:  # the table of packages is printed without numpy
    from thermostack.mesh.grid import Grid

NARROW_MARGIN = 5.0  # K; a margin below this is yellow
MAX_LISTED_BLOCKS = 40  # per stack; the hottest are listed
NAME_COLUMN_WIDTH = 24  # characters reserved for names when columns are chosen
MIN_NAME_WIDTH, MAX_NAME_WIDTH = 16, 34  # characters
EXCEEDS_MARK, UNCERTAIN_MARK = "!", "?"  # before a margin
MARGIN_NOTES = {
    EXCEEDS_MARK: "exceeds its limit",
    UNCERTAIN_MARK: "the margin is less than the error: a finer grid may change its sign",
}
MM_PER_M = 1e3
MAX_POSITION_DECIMALS = 7  # of a position in mm: 0.1 nm
ROUNDING = 1e-9  # of the logarithm of a cell size; 1 um has three decimals


@dataclass(frozen=True)
class Column:
    """Unit of a column of numbers, and the characters that it takes with the space beside it."""

    unit: str
    width: int


def as_text(table: RenderableType, width: int = 120) -> str:
    """Return a table as lines of text with at most `width` characters."""
    console = Console(width=width, color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


# -- empty tables --------------------------------------------------------------------------------


def header_table() -> Table:
    """Return an empty table whose columns have bold titles and no lines between them."""
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)


def fact_table(min_width: int | None = None) -> Table:
    """Return an empty table of two columns without titles: a bold name, of a minimum width, and its value."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True, min_width=min_width)
    table.add_column()
    return table


def add_number_column(table: Table, title: str, unit: str = "") -> None:
    """Add a right-aligned column with its unit below the title."""
    header = Text(f"{title}\n{unit}" if unit else title, justify="right")
    table.add_column(header, justify="right", no_wrap=True)


def add_name_column(table: Table, title: str) -> None:
    """Add a column of names; names longer than `MAX_NAME_WIDTH` are cut."""
    table.add_column(
        title, no_wrap=True, overflow="ellipsis", min_width=MIN_NAME_WIDTH, max_width=MAX_NAME_WIDTH
    )


def part_table(
    columns: Mapping[str, Column], drop_order: Sequence[Sequence[str]], width: int
) -> tuple[Table, list[str]]:
    """Return an empty table with a column of part names, and the titles of the columns that fit into `width`.

    `drop_order` lists groups of titles; the first groups are dropped until the rest fits.
    """
    titles = list(columns)
    for dropped in drop_order:
        if NAME_COLUMN_WIDTH + sum(columns[title].width for title in titles) <= width:
            break
        titles = [title for title in titles if title not in dropped]
    table = header_table()
    add_name_column(table, "part")
    for title in titles:
        header = Text(f"{title}\n{columns[title].unit}", justify="right")
        table.add_column(header, justify="right", no_wrap=True)
    return table, titles


# -- rows of a stack -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """A part or a block of a stack, as far as the choice of rows depends on it."""

    name: str
    is_block: bool
    max: float  # K


@dataclass(frozen=True)
class Row:
    """One row of a stack: the index of its member, its label, and the depth of its indentation."""

    member: int
    label: str
    depth: int

    @property
    def name(self) -> Text:
        """Return the indented label."""
        return Text(" " * (2 * self.depth) + self.label)


def stack_heading(stack: str, members: Sequence[Member]) -> str:
    """Return the name in the first row of a stack: that of its part if it has one part only."""
    parts = [member.name for member in members if not member.is_block]
    return parts[0] if len(parts) == 1 else stack


def stack_rows(stack: str, members: Sequence[Member], *, all_parts: bool) -> Iterator[Row]:
    """Yield the rows below the first row of a stack.

    Without `all_parts` these are the blocks, at most `MAX_LISTED_BLOCKS`, the hottest.
    With it they are all parts, each followed by its blocks. The members hold each part before its blocks.
    """
    heading = stack_heading(stack, members)
    if not all_parts:
        blocks = [n for n, member in enumerate(members) if member.is_block]
        hottest = sorted(blocks, key=lambda n: members[n].max, reverse=True)[:MAX_LISTED_BLOCKS]
        yield from (Row(n, members[n].name.removeprefix(f"{heading}."), 1) for n in sorted(hottest))
        return
    has_part_rows = heading == stack
    part = heading
    for n, member in enumerate(members):
        if member.is_block:
            yield Row(n, member.name.removeprefix(f"{part}."), 1 + has_part_rows)
        else:
            part = member.name
            if has_part_rows:
                yield Row(n, member.name.removeprefix(f"{stack}."), 1)


def note_on_rows(missing: int) -> Text:
    """Return the line below a table that does not list all parts and blocks."""
    return Text(f"{missing} parts and blocks are not listed (--all, in Python all_parts=True)", style="dim")


# -- numbers -------------------------------------------------------------------------------------


def format_celsius(temperature: float, digits: int = 2) -> str:
    """Return a temperature [K] in degrees Celsius, without the unit."""
    return f"{temperature - ZERO_CELSIUS:.{digits}f}"


def format_limit(limit: float | None) -> str:
    """Return a limit [K] in degrees Celsius with the decimals that it has; empty where there is none."""
    return "" if limit is None else format_celsius(limit).rstrip("0").rstrip(".")


def format_error(error: float | None) -> str:
    """Return an error [K] with two significant digits, more above 9.5 K; "?" where it was not estimated."""
    if error is None:
        return "?"
    return f"{error:.2g}" if error < 9.5 else f"{error:.0f}"


def format_margin(margin: float | None, *, is_within_error: bool = False) -> str:
    """Return a margin [K] with its mark; empty where there is no limit.

    >>> format_margin(-3.2), format_margin(0.4, is_within_error=True)
    ('! -3.2', '? 0.4')
    """
    if margin is None:
        return ""
    marks = (EXCEEDS_MARK if margin < 0.0 else "") + (UNCERTAIN_MARK if is_within_error else "")
    number = format_margin_number(margin)
    return f"{marks} {number}" if marks else number


def format_margin_number(margin: float) -> str:
    """Return a margin [K] with one decimal, a smaller one with its first digit.

    >>> format_margin_number(-0.03), format_margin_number(12.34)
    ('-0.03', '12.3')
    """
    return f"{margin:.1g}" if 0.0 < abs(margin) < 0.05 else f"{margin:.1f}"


def margin_notes(margins: Sequence[str]) -> list[Text]:
    """Return the lines below a table that explain the marks of its margins."""
    return [
        Text(f"{mark} {note}", style="dim")
        for mark, note in MARGIN_NOTES.items()
        if any(mark in margin for margin in margins)
    ]


def margin_style(margin: float | None) -> str:
    """Return the colour of a margin [K]: red below zero, yellow below `NARROW_MARGIN`, else green."""
    if margin is None:
        return ""
    return "red" if margin < 0.0 else "yellow" if margin < NARROW_MARGIN else "green"


def format_position(position: Sequence[float], cell_sizes: Sequence[float]) -> tuple[str, str, str]:
    """Return x, y and z [m] in millimetres, without the unit, with enough decimals for cells of a size [m].

    Cells of 1 um and larger need three decimals; a layer of 50 nm needs five.

    >>> format_position((1e-3, 2e-3, 1.25e-7), (1e-4, 1e-4, 5e-8))
    ('1.000', '2.000', '0.00013')
    """
    texts = []
    for coordinate, size in zip(position, cell_sizes, strict=True):
        decimals = math.ceil(-math.log10(MM_PER_M * size) - ROUNDING)
        texts.append(f"{MM_PER_M * coordinate:.{min(max(decimals, 3), MAX_POSITION_DECIMALS)}f}")
    return texts[0], texts[1], texts[2]


def smallest_cells(grid: Grid) -> tuple[float, float, float]:
    """Return the smallest cell size of a grid along x, y and z [m]."""
    return float(grid.dx.min()), float(grid.dy.min()), float(grid.dz.min())


def format_power(power: float) -> str:
    """Return a power [W] with three decimals, or with three significant digits below 0.1 W, without the unit.

    >>> format_power(12.3456), format_power(0.00123456)
    ('12.346', '0.00123')
    """
    return f"{power:.3f}" if power == 0.0 or abs(power) >= 0.0995 else f"{power:.3g}"


def format_percent(part: float, whole: float) -> str:
    """Return a part in percent of a whole; 0 where the whole is zero."""
    return f"{100.0 * part / whole if whole > 0.0 else 0.0:.1f} %"


def format_count(count: int) -> str:
    """Return a count with a space between groups of three digits.

    >>> format_count(1234567)
    '1 234 567'
    """
    return f"{count:,}".replace(",", " ")


def format_bytes(count: int) -> str:
    """Return an amount of memory with three significant digits.

    >>> format_bytes(209_400_000)
    '209 MB'
    """
    power = min(3, int(math.log10(max(count, 1)) // 3))
    return f"{count / 1000.0**power:.3g} {('bytes', 'kB', 'MB', 'GB')[power]}"


def format_stage_times(seconds: Mapping[str, float]) -> Text:
    """Return the time of a command [s], and of each of its stages."""
    stages = ", ".join(f"{stage} {each:.2f}" for stage, each in seconds.items())
    return Text(f"{sum(seconds.values()):.2f} s ({stages})")


def add_files_row(table: Table, files: Sequence[str]) -> None:
    """Add a row with the names of the files that a command wrote, if there are any."""
    if files:
        table.add_row("written", Text(", ".join(files)))
