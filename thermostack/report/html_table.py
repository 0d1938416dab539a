"""Tables as HTML, with the rows of the text tables, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_STYLE = "white-space: pre; text-align: "


def as_html(table: RenderableType) -> str:
    """Return a table, or each table of a group, as an HTML table; all texts are escaped.

    >>> table = Table("part")
    >>> table.add_row("<gpu>")
    >>> "&lt;gpu&gt;" in as_html(table)
    True
    """
    if isinstance(table, Group):
        return "\n".join(as_html(each) for each in table.renderables if isinstance(each, Table))
    if not isinstance(table, Table):
        raise TypeError(f"a {type(table).__name__} is not a table")
    return "\n".join(["<table>", *_rows(table), "</table>"])


def _rows(table: Table) -> Iterator[str]:
    sides = [column.justify if column.justify == "right" else "left" for column in table.columns]
    if table.show_header:
        yield _row("th", [column.header for column in table.columns], sides)
    cells = [list(column.cells) for column in table.columns]
    for n in range(table.row_count):
        yield _row("td", [column[n] for column in cells], sides)


def _row(tag: str, cells: list[Any], sides: list[str]) -> str:
    texts = [cell.plain if isinstance(cell, Text) else str(cell) for cell in cells]
    return "".join(
        [
            "<tr>",
            *(
                f'<{tag} style="{_STYLE}{side}">{escape(text)}</{tag}>'
                for text, side in zip(texts, sides, strict=True)
            ),
            "</tr>",
        ]
    )
