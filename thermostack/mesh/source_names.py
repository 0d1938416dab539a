"""Lookup of heat sources by name: of a source, a part, a stack, or a block alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.schema.spelling import suggest

MAX_HINTS = 20  # names for which similar ones are searched; the search takes long among many names
MAX_NAMES_IN_HINT = 10


class SourceNames:
    """The names of heat sources, and the indices of the sources that each name stands for."""

    def __init__(self, names: Sequence[str], layers: Sequence[str], parts: Sequence[str]) -> None:
        """Take the name of each source, the name of the layer of each source, and the names of all parts."""
        self.names, self.parts = names, parts
        self.by_prefix: dict[str, list[int]] = {}  # sources of each source, part and stack name
        self.by_block: dict[str, list[int]] = {}  # sources by their name without that of the layer
        for n, (name, layer) in enumerate(zip(names, layers, strict=True)):
            pieces = layer.split(".")
            for prefix in dict.fromkeys([*(".".join(pieces[: k + 1]) for k in range(len(pieces))), name]):
                self.by_prefix.setdefault(prefix, []).append(n)
            if name != layer:
                self.by_block.setdefault(name.removeprefix(f"{layer}."), []).append(n)

    def find(self, name: str, *, is_hinted: bool = True) -> list[int]:
        """Return the indices of the sources of a name.

        Raises DescriptionError where there is none, with similar names if `is_hinted`, or where the name is
        ambiguous.
        """
        found = self.by_prefix.get(name)
        if found is None:
            found = self.by_block.get(name, [])
            if len(found) > 1:
                text = f"{name!r} may be {listed((self.names[n] for n in found), 'or')}"
                raise DescriptionError(Diagnostic(name, text, "write its whole name", "E-NAME"))
        if not found:
            hint = self._hint(name) if is_hinted else ""
            raise DescriptionError(Diagnostic(name, f"{name!r} has no heat source", hint, "E-NAME"))
        return found

    def _hint(self, name: str) -> str:
        if any(part == name or part.startswith(f"{name}.") for part in self.parts):
            return "give the layer a power, which may be 0 W"
        known = [*self.by_prefix, *self.by_block]
        return suggest(name, known) or f"there are {listed(known[:MAX_NAMES_IN_HINT])}"


def listed(names: Iterable[str], conjunction: str = "and", max_shown: int = 5) -> str:
    """Return names as text; of more than `max_shown` names, the rest is counted."""
    shown = list(names)
    if len(shown) > max_shown:
        return f"{', '.join(shown[:max_shown])} {conjunction} {len(shown) - max_shown} more"
    return f" {conjunction} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
