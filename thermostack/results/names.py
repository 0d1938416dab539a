"""Names that a result may be asked for: parts, blocks and the stacks that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from thermostack.schema.spelling import suggest


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


def unknown_name(name: str, names: Sequence[str]) -> KeyError:
    """Return the error that says that no part has a name, with similar names."""
    hint = suggest(name, names)
    return KeyError(f"no part is named {name!r}{'; ' if hint else ''}{hint}")
