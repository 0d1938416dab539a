"""Source locations of the fields of a description, and paths of the files that it refers to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.yaml_nodes import Key, Mark, Node, to_plain
from thermostack.schema.validated_dataclass import field_path

# Shown in place of a file name for values that are set from outside: on the command line and in Python.
COMMAND_OVERRIDES, PYTHON_OVERRIDES = "--set", "overrides"
# Codes of warnings that follow from several fields of an object: one that is overridden is the cause.
CODES_OF_VALUES = ("W-POWER", "W-RANGE", "W-LINK")


def diagnostic_in(
    node: Node, message: str, hint: str = "", code: str = "E-VALUE", key: str | None = None
) -> Diagnostic:
    """Return a diagnostic at a node, or at one of its keys."""
    mark = node.mark if key is None else node.key_mark(key)
    path = node.path if key is None else (*node.path, key)
    return Diagnostic(field_path(path), message, hint, code, mark.file, mark.line, mark.column, path)


class SourceMap:
    """Map from the fields of a package to the file, line and column of the description."""

    def __init__(self, root: Node) -> None:
        self.root = root

    def __call__(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic with its location, and its field as written in the file."""
        if diagnostic.file is not None:
            return diagnostic
        node, mark, missing = self.find_node(diagnostic.path, at_key=diagnostic.code == "E-KEY")
        if diagnostic.code in CODES_OF_VALUES:
            mark = self.overridden_mark(diagnostic.path, node) or mark
        path = (*node.path, *missing)
        message = diagnostic.message
        if diagnostic.code == "E-DUPLICATE" and (first := self.first_definition(diagnostic.path)) is not None:
            message += f"; first in line {first.line}"
        return replace(diagnostic, field=field_path(path), message=message, **mark._asdict())

    def is_overridden(self, path: tuple[Key, ...]) -> bool:
        """Return whether the field at a path is that of an override."""
        _, mark, missing = self.find_node(path, at_key=False)
        return not missing and mark.file in (COMMAND_OVERRIDES, PYTHON_OVERRIDES)

    def overridden_mark(self, path: tuple[Key, ...], node: Node) -> Mark | None:
        """Return the location of an override inside a node, or of the power of its stack."""
        found = next(_overridden_marks(node), None)
        if found is None and len(path) > 2 and path[0] == "stacks" and "power" in path:
            stack, _, _ = self.find_node(path[:2], at_key=False)
            power = stack.get("power")
            found = None if power is None else next(_overridden_marks(power), None)
        return found

    def first_definition(self, path: tuple[Key, ...]) -> Mark | None:
        """Return the location of the first item of a list that has the same name."""
        node = self.root
        for part in path:
            if node.is_list and isinstance(part, int):
                name = to_plain(node.value[part].get("name") or node)
                return next(
                    (item.mark for item in node.value if (own := item.get("name")) and own.value == name),
                    None,
                )
            found = _child(node, part)
            node = found[0] if found is not None else node
        return None

    def find_node(self, path: tuple[Key, ...], *, at_key: bool) -> tuple[Node, Mark, tuple[Key, ...]]:
        """Return the last node along a path that exists, its location, and the keys that do not exist."""
        node, mark = self.root, self.root.mark
        for n, part in enumerate(path):
            if isinstance(part, str) and part.startswith("@"):
                continue
            found = _child(node, part)
            if found is None:
                if node.is_mapping and part not in (0, "cooler"):
                    place = mark if part == "name" else node.keys.get(str(part), node.mark)
                    return node, place, tuple(path[n:])
                continue
            node, mark = found
        if at_key or node.is_mapping or node.is_list:
            return node, mark, ()
        return node, node.mark, ()


def _overridden_marks(node: Node) -> Iterator[Mark]:
    """Yield the locations of the overrides in a tree."""
    if node.mark.file in (COMMAND_OVERRIDES, PYTHON_OVERRIDES):
        yield node.mark
    children = node.value.values() if node.is_mapping else node.value if node.is_list else ()
    for child in children:
        yield from _overridden_marks(child)


_FILE_KEYS = {"position": "at", "name": "package"}  # field: its key in a file


def _child(node: Node, part: Key) -> tuple[Node, Mark] | None:
    """Return the child of a mapping or list, and the location of its key."""
    if node.is_mapping:
        for key in (str(part), _FILE_KEYS.get(str(part), "")):
            if (item := node.get(key)) is not None:
                return item, node.key_mark(key)
    if node.is_list:
        for n, item in enumerate(node.value):
            if part == n or part == getattr(item.get("name"), "value", None):
                return item, item.mark
    return None


def resolve_file(named: Node, directory: Path, *, may_leave: bool) -> Path:
    """Return the path of the file that a node refers to, relative to the file of the node.

    Overrides are relative to `directory`. Raises DescriptionError (E-FILE) if the path is outside the
    directory of the description, also through a link, unless `may_leave`. The file is not read.
    """
    name = str(named.value)
    base = (
        directory
        if named.mark.file in (COMMAND_OVERRIDES, PYTHON_OVERRIDES)
        else Path(named.mark.file).parent
    )
    if "://" in name or "\0" in name:
        raise DescriptionError(
            diagnostic_in(
                named, f"{name!r} is not a local file", "give a file beside the description", "E-FILE"
            )
        )
    path = base / name
    try:
        is_inside = path.resolve().is_relative_to(base.resolve())
    except (OSError, RuntimeError):  # the links form a loop
        is_inside = False
    if not is_inside and not may_leave:
        hint = "move it there, or allow it with --allow-include-root"
        raise DescriptionError(
            diagnostic_in(named, f"{name!r} is outside the directory of the description", hint, "E-FILE")
        )
    return path
