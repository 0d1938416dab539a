"""Where things stand: the line of a fault in a description, and the files beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.yaml_nodes import Key, Mark, Node, to_plain
from thermostack.schema.validated_dataclass import field_path

OVERRIDE_SOURCE = "--set"  # the file that values set from outside stand in


def diagnostic_in(
    node: Node, message: str, hint: str = "", code: str = "E-VALUE", key: str | None = None
) -> Diagnostic:
    """Return a fault at a node, or at a key of it."""
    mark = node.mark if key is None else node.key_mark(key)
    path = node.path if key is None else (*node.path, key)
    return Diagnostic(field_path(path), message, hint, code, mark.file, mark.line, mark.column, path)


class SourceMap:
    """Finds the file, line and column of a fault, and names its field as it is written there."""

    def __init__(self, root: Node) -> None:
        self.root = root

    def __call__(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a fault with its place; one that has a place already is returned as it is."""
        if diagnostic.file is not None:
            return diagnostic
        node, mark, rest = self.find_node(diagnostic.path, at_key=diagnostic.code == "E-KEY")
        path = (*node.path, *rest)
        message = diagnostic.message
        if diagnostic.code == "E-DUPLICATE" and (first := self.first_definition(diagnostic.path)) is not None:
            message += f"; first in line {first.line}"
        return replace(diagnostic, field=field_path(path), message=message, **mark._asdict())

    def first_definition(self, path: tuple[Key, ...]) -> Mark | None:
        """Return where the name of an item of a list stands first."""
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
        """Return the node a path leads to, or the last on its way; the place; and the keys it lacks."""
        node, mark = self.root, self.root.mark
        for n, part in enumerate(path):
            if isinstance(part, str) and part.startswith("@"):
                continue
            found = _child(node, part)
            if found is None:
                if node.is_mapping and part not in (0, "cooler"):
                    return node, mark if part == "name" else node.mark, tuple(path[n:])
                continue
            node, mark = found
        if at_key or node.is_mapping or node.is_list:
            return node, mark, ()
        return node, node.mark, ()


_FILE_KEYS = {"position": "at", "name": "package"}


def _child(node: Node, part: Key) -> tuple[Node, Mark] | None:
    """Return what a mapping or list holds under a key, and the place of the key."""
    if node.is_mapping:
        for key in (str(part), _FILE_KEYS.get(str(part), "")):
            if (item := node.get(key)) is not None:
                return item, node.key_mark(key)
    if node.is_list:
        for n, item in enumerate(node.value):
            if part == n or part == getattr(item.get("name"), "value", None):
                return item, item.mark
    return None


def resolve_file(named: Node, home: Path, *, may_leave: bool) -> Path:
    """Return the file that a node names, beside the file it is named in.

    Raises DescriptionError (E-FILE) where that is outside the directory of the description, also by a
    link, unless it may leave it. Nothing of the file is read.
    """
    name = str(named.value)
    base = home if named.mark.file == OVERRIDE_SOURCE else Path(named.mark.file).parent
    if "://" in name or "\0" in name:
        raise DescriptionError(
            diagnostic_in(
                named, f"{name!r} is not a file here", "give a file beside the description", "E-FILE"
            )
        )
    path = base / name
    try:
        is_inside = path.resolve().is_relative_to(base.resolve())
    except (OSError, RuntimeError):  # a loop of links
        is_inside = False
    if not is_inside and not may_leave:
        hint = "move it there, or allow it with --allow-include-root"
        raise DescriptionError(
            diagnostic_in(named, f"{name!r} is outside the directory of the description", hint, "E-FILE")
        )
    return path
