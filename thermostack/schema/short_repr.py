"""Short representations of objects: one call with long values abbreviated, or an HTML table."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_ITEMS = 4  # of a collection that are shown
MAX_TEXT = 60  # characters of a text that are shown
MAX_DEPTH = 2  # dataclasses inside each other; a deeper one shows its first field alone


def short_repr(value: Any) -> str:
    """Return the call that makes a dataclass, with the fields that differ from their defaults.

    Collections show their first four items and their length, arrays their shape and type, dataclasses more
    than two levels deep their first field.

    >>> from thermostack import Layer
    >>> Layer("bulk", "700 um", "silicon")
    Layer(name='bulk', thickness=0.0007, material='silicon')
    """
    return _call(value, 0)


def _call(value: Any, depth: int) -> str:
    shown = [field for field in dataclasses.fields(value) if field.init and field.repr]
    shown = [field for field in shown if not _is_default(field, getattr(value, field.name))]
    texts = [f"{field.name}={_abbreviate(getattr(value, field.name), depth + 1)}" for field in shown]
    if depth >= MAX_DEPTH and len(texts) > 1:
        texts = [texts[0], "..."]
    return f"{type(value).__name__}({', '.join(texts)})"


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    """Return whether a field has its default; arrays have none."""
    default = field.default
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    return type(value) is type(default) and bool(value == default)


def _abbreviate(value: Any, depth: int) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _call(value, depth)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"<array {value.shape} of {value.dtype}>" if value.shape else repr(value)
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}...")
    if isinstance(value, Mapping):
        items = (
            f"{_abbreviate(key, depth)}: {_abbreviate(item, depth)}" for key, item in _first(value.items())
        )
        return f"{{{', '.join([*items, *_more(value)])}}}"
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        items = (_abbreviate(item, depth) for item in _first(value))
        text = ", ".join([*items, *_more(value)])
        return f"({text}{',' if len(value) == 1 else ''})" if isinstance(value, tuple) else f"[{text}]"
    return repr(value)


def _first(items: Iterable[Any]) -> list[Any]:
    return [item for item, _ in zip(items, range(MAX_ITEMS), strict=False)]


def _more(items: Any) -> list[str]:
    return [f"... {len(items) - MAX_ITEMS} more"] if len(items) > MAX_ITEMS else []


def html_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table with a caption; every text is escaped."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>" for row in rows)
    caption = f"<caption>{html.escape(title)}</caption>"
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
