"""Reader of the files that a description refers to, with diagnostics at the line of the reference."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.source_locations import diagnostic_in, resolve_file
from thermostack.io.description.yaml_nodes import Node
from thermostack.io.files.file_kinds import dangling_link
from thermostack.schema.spelling import suggest

T = TypeVar("T")


class ReferencedFiles:
    """Reader of files in the directory of the description, or outside it if `may_leave`."""

    def __init__(self, directory: Path, *, may_leave: bool) -> None:
        self.directory = directory
        self.may_leave = may_leave
        self.diagnostics: list[Diagnostic] = []

    def read_file(self, named: Node, read: Callable[[Path], T]) -> T:
        """Return the content of a file; a diagnostic without a line gets the line of the reference."""
        if not isinstance(named.value, str):
            raise DescriptionError(
                diagnostic_in(named, f"{named.value!r} is not the name of a file", "", "E-TYPE")
            )
        path = resolve_file(named, self.directory, may_leave=self.may_leave)
        if problem := dangling_link(path):
            raise DescriptionError(diagnostic_in(named, f"{named.value!r} {problem}", "", "E-FILE"))
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
        """Remove the options of reading a file from `given`, and return their texts.

        `examples` has an example for each option, for messages.
        """
        options = {}
        for key, example in examples.items():
            item = given.pop(key, None)
            if item is None:
                continue
            if not isinstance(item.value, str):
                text = f"{item.value!r} is not a text"
                raise DescriptionError(diagnostic_in(named, text, example, "E-TYPE", key))
            options[key] = item.value
        return options


def _locate(named: Node, path: Path, diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic of a referenced file, at the line of the reference if it has no line."""
    if diagnostic.line is not None:
        return diagnostic
    message = f"{os.path.basename(path)}: {diagnostic.message}"
    return diagnostic_in(named, message, diagnostic.hint, diagnostic.code)
