"""Names that a result may be asked for: parts, blocks and the stacks that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.schema.fields import quote_value
from thermostack.schema.spelling import suggest

MAX_LISTED_NAMES = 12  # in a hint


def with_stacks(names: Iterable[str]) -> list[str]:
    """Return names of parts and blocks with those of all stacks before them, each once.

    >>> with_stacks(["gpu.active", "gpu.bulk"])
    ['gpu', 'gpu.active', 'gpu.bulk']
    """
    found: dict[str, None] = {}
    for name in names:
        pieces = name.split(".")
        found.update(dict.fromkeys(".".join(pieces[: n + 1]) for n in range(len(pieces))))
    return list(found)


def unknown_name(name: Any, names: Sequence[str], noun: str = "part") -> UnknownNameError:
    """Return the error that says that no part, or another noun, has a name, with similar names."""
    hint = suggest(name, names) if isinstance(name, str) else ""
    if not hint and len(names) <= MAX_LISTED_NAMES:
        hint = f"the names are {', '.join(names)}" if names else ""
    return UnknownNameError(Diagnostic("", f"no {noun} is named {quote_value(name)}", hint, "E-NAME"))
