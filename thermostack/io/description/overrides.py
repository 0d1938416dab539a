"""Overrides of values of a description: `stacks.gpu.layers.active.power.scale_to=700 W`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.group_paths import expand_group_path
from thermostack.io.description.source_locations import PYTHON_OVERRIDES
from thermostack.io.description.yaml_nodes import Key, Mark, Node, parse_scalar, parse_yaml
from thermostack.schema.arguments import require_mapping
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import field_path


@dataclass(frozen=True)
class Override:
    """A new value of the field at a path like `stacks.gpu.layers.active.power.total`."""

    parts: tuple[str, ...]
    value: Node


def read_overrides(overrides: Mapping[str, Any], source: str = PYTHON_OVERRIDES) -> list[Override]:
    """Return the overrides of a mapping; text is parsed as YAML.

    `source` is shown in place of a file name. Raises DescriptionError with every value that is no plain data.
    """
    require_mapping(overrides, source, 'write {"stacks.gpu.layers.active.power": "700 W"}')
    made, diagnostics = [], []
    for path, value in overrides.items():
        parts = tuple(part for part in re.split(r"[.\[\]]+", str(path)) if part)
        try:
            node = _node_of(value, parts, Mark(source))
            made.append(Override(parts, replace(node, is_unset=node.value is None)))
        except DescriptionError as error:
            diagnostics += [
                replace(diagnostic, field=str(path), file=source, line=None, column=None)
                for diagnostic in error.diagnostics
            ]
    if diagnostics:
        raise DescriptionError(diagnostics)
    return made


def _node_of(value: Any, path: tuple[Key, ...], mark: Mark) -> Node:
    """Return the tree of a value: text in YAML, a number, or mappings and sequences of them.

    Raises DescriptionError (E-TYPE) if it is another object.
    """
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, str) and value.strip():
        return _with_mark(_parse_text(value, mark), path, mark)
    if isinstance(value, Mapping):
        items = {str(key): _node_of(item, (*path, str(key)), mark) for key, item in value.items()}
        return Node(items, mark, path, dict.fromkeys(items, mark))
    if isinstance(value, (list, tuple)):
        return Node([_node_of(item, (*path, n), mark) for n, item in enumerate(value)], mark, path)
    if value is not None and not isinstance(value, (str, Real)):
        text = f"an object of {type(value).__name__} is not plain data"
        hint = "write text, numbers, lists and mappings as in a file"
        raise DescriptionError(Diagnostic(".".join(map(str, path)), text, hint, "E-TYPE"))
    return Node(value, mark, path)


def _parse_text(text: str, mark: Mark) -> Node:
    """Return the tree of text in YAML; `null` stands for a field without a value."""
    if parse_scalar(text.strip()) is None:
        return Node(None, mark)
    if text.lstrip().startswith("#"):
        message, hint = f"{text!r} is a comment in YAML, not a value", "put it in quotes inside the value"
        raise DescriptionError(Diagnostic("", message, hint, "E-YAML"))
    return parse_yaml(text, mark.file)


def _with_mark(node: Node, path: tuple[Key, ...], mark: Mark) -> Node:
    """Return a tree with one location for all of its nodes."""
    value = node.value
    if node.is_mapping:
        value = {key: _with_mark(item, (*path, key), mark) for key, item in node.items()}
    elif node.is_list:
        value = [_with_mark(item, (*path, n), mark) for n, item in enumerate(value)]
    return Node(value, mark, path, dict.fromkeys(node.keys, mark))


# Keys of mappings whose keys are names that the user chose: a name that is not there is an error.
NAMED_COLLECTIONS = ("stacks", "templates", "materials", "copies", "regions", "blocks", "powers", "links")
# Of these `null` removes no object: others refer to it, and a layer has those below and above it.
KEPT_COLLECTIONS = (("stacks",), ("templates",), ("materials",))
KEPT_LIST = "layers"


def apply_overrides(
    root: Node, overrides: Iterable[Override], *, create: bool = False, groups: bool = False
) -> tuple[Node, list[Override]]:
    """Return the tree with the new values, and the overrides whose fields do not exist.

    With `create`, mappings before the last key are created where they are missing, as `interface` in
    `stacks.die.layers.tim.interface.top`, but no stack, material or other named object. With `groups`, for a
    tree without short forms, a path that names a group of copies or repeats is the path of all its members.
    """
    missed = []
    for override in overrides:
        made: Node | None = root if override.parts else None
        for path in expand_group_path(root, override.parts) if groups else [override.parts]:
            made = _set_value(made, path, override.value, create=create) if made is not None else None
        if made is None:
            missed.append(override)
        else:
            root = made
    return root, missed


def _set_value(root: Node, path: tuple[str, ...], value: Node, *, create: bool) -> Node | None:
    """Return the tree with a value at a path, or None if there is no such field."""
    made = _assign(root, path, value)
    return _create(root, path, value, is_collection=True) if made is None and create else made


def _assign(node: Node, parts: tuple[str, ...], value: Node) -> Node | None:
    """Return the tree with a value at a path, or None if a key before the last does not exist."""
    if node.is_mapping:
        for n in range(1, len(parts) + 1):  # the name of a copy has dots of its own
            key, rest = ".".join(parts[:n]), parts[n:]
            if not rest and (n == 1 or key in node.value):
                return None if _removes_nothing(node, key, value) else _with_value(node, key, value)
            if rest and key in node.value and (made := _assign(node.value[key], rest, value)) is not None:
                return node.with_items({**node.value, key: made})
    if node.is_list:
        return _in_list(node, parts, value, _assign)
    return None


def _removes_nothing(node: Node, key: str, value: Node) -> bool:
    """Return whether a value is to remove an object that is not in its mapping of named objects."""
    is_named = bool(node.path) and node.path[-1] in NAMED_COLLECTIONS and node.path not in KEPT_COLLECTIONS
    return value.is_unset and is_named and key not in node.value


def _with_value(node: Node, key: str, value: Node) -> Node:
    """Return a mapping with a value at a key; a value that is unset removes what is there.

    Objects of `KEPT_COLLECTIONS` cannot be removed, so that they keep the value null, which is an error.
    """
    if value.is_unset and key in node.value and node.path not in KEPT_COLLECTIONS:
        return node.without_overridden(key, value.mark)
    if value.is_unset and node.path[-1:] and node.path[-1] in NAMED_COLLECTIONS:
        value = replace(value, is_unset=False)
    return node.with_items({**node.value, key: value}, {key: value.mark})


def _create(node: Node, parts: tuple[str, ...], value: Node, *, is_collection: bool = False) -> Node | None:
    """Return the tree with a value at a path whose mappings are created, or None if that is not possible."""
    if not parts:
        return value
    if node.is_list:
        return _in_list(node, parts, value, _create)
    if not node.is_mapping:
        return None
    for n in range(len(parts), 0, -1):  # the longest name first
        key, rest = ".".join(parts[:n]), parts[n:]
        if key in node.value and node.value[key].value is not None:
            made = _create(node.value[key], rest, value, is_collection=key in NAMED_COLLECTIONS)
            return None if made is None else node.with_items({**node.value, key: made})
    has_copies = node.get("copies") is not None or node.get("array") is not None
    if is_collection or (len(parts) > 1 and has_copies):  # the name of a copy
        return None
    made = value
    for n in range(len(parts) - 1, 0, -1):
        path = (*node.path, *parts[:n])
        made = Node({parts[n]: made}, value.mark, path, {parts[n]: value.mark})
    return node.with_items({**node.value, parts[0]: made}, {parts[0]: value.mark})


Change = Callable[[Node, tuple[str, ...], Node], Node | None]


def _in_list(node: Node, parts: tuple[str, ...], value: Node, change: Change) -> Node | None:
    """Return a list with one item changed, which the first part selects by its name or its number."""
    for n, item in enumerate(node.value):
        if parts[0] in (str(n), getattr(item.get("name"), "value", None)):
            if value.is_unset and not parts[1:] and item.is_mapping and node.path[-1:] != (KEPT_LIST,):
                return replace(node, value=[*node.value[:n], *node.value[n + 1 :]])
            made = change(item, parts[1:], value) if parts[1:] else replace(value, is_unset=False)
        elif repeat := item.get("repeat"):
            within = change(repeat, ("layers", *parts), value)
            made = item.with_items({"repeat": within}) if within is not None else None
        else:
            continue
        if made is not None:
            return replace(node, value=[*node.value[:n], made, *node.value[n + 1 :]])
    return None


def unknown_field(root: Node, override: Override) -> Diagnostic:
    """Return the diagnostic of an override of an unknown field, with its first unknown key."""
    node, done = root, 0
    parts = expand_group_path(root, override.parts)[0]  # of the first member
    while done < len(parts):
        step = find_child(node, parts[done:])
        if step is None:
            break
        node, taken = step
        done += taken
    where = field_path(parts[:done]) or "the description"
    missing = parts[done] if done < len(parts) else ""
    known = [*node.value] if node.is_mapping else []
    if node.is_list:
        known = [str(name.value) for item in node.value if (name := item.get("name")) is not None]
    if node.is_mapping or node.is_list:
        message = f"{where} has no {missing!r}"
        hint = suggest(missing, known) or (f"it has {', '.join(known[:12])}" if known else "")
    else:
        message, hint = f"{where} is a single value without fields", "set it as a whole"
    return Diagnostic(
        field_path(override.parts), message, hint, "E-NAME", override.value.mark.file, path=override.parts
    )


def find_child(node: Node, parts: tuple[str, ...]) -> tuple[Node, int] | None:
    """Return the child that the first parts of a path name, and their number; the longest name first."""
    if node.is_mapping:
        for n in range(len(parts), 0, -1):
            if (found := node.get(".".join(parts[:n]))) is not None:
                return found, n
    if node.is_list:
        for n, item in enumerate(node.value):
            if parts[0] in (str(n), getattr(item.get("name"), "value", None)):
                return item, 1
    return None
