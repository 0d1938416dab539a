"""The files that a description names: found beside it, read, and their faults told where they are named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.source_locations import diagnostic_in, resolve_file
from thermostack.io.description.yaml_nodes import Node
from thermostack.schema.fields import suggest

T = TypeVar("T")


class ReferencedFiles:
    """Reads files in the directory of the description that names them, or elsewhere where that is allowed."""

    def __init__(self, home: Path, *, may_leave: bool) -> None:
        self.home = home
        self.may_leave = may_leave
        self.diagnostics: list[Diagnostic] = []

    def read_file(self, named: Node, read: Callable[[Path], T]) -> T:
        """Return what a file holds; a fault that has no line in it is one of the line that names it."""
        if not isinstance(named.value, str):
            raise DescriptionError(
                diagnostic_in(named, f"{named.value!r} is not the name of a file", "", "E-TYPE")
            )
        path = resolve_file(named, self.home, may_leave=self.may_leave)
        if not path.exists():
            beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
            hint = suggest(path.name, beside)
            raise DescriptionError(diagnostic_in(named, f"there is no file {named.value!r}", hint, "E-FILE"))
        try:
            return read(path)
        except DescriptionError as error:
            raise DescriptionError(
                _locate(named, path, diagnostic) for diagnostic in error.diagnostics
            ) from None

    def take_options(self, named: Node, given: dict[str, Node], examples: dict[str, str]) -> dict[str, str]:
        """Take the fields that say how a file is read out of `given`, and return their texts."""
        said = {}
        for key, example in examples.items():
            item = given.pop(key, None)
            if item is None:
                continue
            if not isinstance(item.value, str):
                text = f"{item.value!r} is not a text"
                raise DescriptionError(diagnostic_in(named, text, example, "E-TYPE", key))
            said[key] = item.value
        return said


def _locate(named: Node, path: Path, diagnostic: Diagnostic) -> Diagnostic:
    """Return a fault of a file that is read, at the line that names it where it has none of its own."""
    if diagnostic.line is not None:
        return diagnostic
    said = f"{os.path.basename(path)}: {diagnostic.message}"
    return diagnostic_in(named, said, diagnostic.hint, diagnostic.code)
