"""Overrides of values of a description: `stacks.gpu.layers.active.power.scale_to=700 W`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.source_locations import OVERRIDE_SOURCE
from thermostack.io.description.yaml_nodes import Key, Mark, Node, parse_scalar, parse_yaml
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import field_path


@dataclass(frozen=True)
class Override:
    """A new value of the field at a path like `stacks.gpu.layers.active.power.total`."""

    parts: tuple[str, ...]
    value: Node


def read_overrides(overrides: Mapping[str, Any]) -> list[Override]:
    """Return the overrides of a mapping; text is parsed as YAML. Raises DescriptionError if it is not."""
    made, diagnostics = [], []
    for path, value in overrides.items():
        parts = tuple(part for part in re.split(r"[.\[\]]+", path) if part)
        try:
            made.append(Override(parts, _without_marks(_read_value(value), parts)))
        except DescriptionError as error:
            diagnostics += [
                replace(diagnostic, field=path, file=OVERRIDE_SOURCE, line=None, column=None)
                for diagnostic in error.diagnostics
            ]
    if diagnostics:
        raise DescriptionError(diagnostics)
    return made


def _read_value(value: Any) -> Node:
    """Return the node of a value; text is parsed as YAML, and `null` stands for a field without a value."""
    if not isinstance(value, str) or not value.strip():
        return Node(value, Mark(OVERRIDE_SOURCE))
    if parse_scalar(value.strip()) is None:
        return Node(None, Mark(OVERRIDE_SOURCE))
    if value.lstrip().startswith("#"):
        message, hint = f"{value!r} is a comment in YAML, not a value", "put it in quotes inside the value"
        raise DescriptionError(Diagnostic("", message, hint, "E-YAML"))
    return parse_yaml(value, OVERRIDE_SOURCE)


def _without_marks(node: Node, path: tuple[Key, ...]) -> Node:
    """Return a tree without lines and columns."""
    value = node.value
    if node.is_mapping:
        value = {key: _without_marks(item, (*path, key)) for key, item in node.items()}
    elif node.is_list:
        value = [_without_marks(item, (*path, n)) for n, item in enumerate(value)]
    return Node(value, Mark(OVERRIDE_SOURCE), path, dict.fromkeys(node.keys, Mark(OVERRIDE_SOURCE)))


# Keys of mappings whose keys are names that the user chose: a name that is not there is an error.
NAMED_COLLECTIONS = ("stacks", "templates", "materials", "copies", "regions", "blocks", "powers")


def apply_overrides(
    root: Node, overrides: Iterable[Override], *, create: bool = False
) -> tuple[Node, list[Override]]:
    """Return the tree with the new values, and the overrides whose fields do not exist.

    With `create`, mappings before the last key are created where they are missing, as `interface` in
    `stacks.die.layers.tim.interface.top`, but no stack, material or other named object.
    """
    missed = []
    for override in overrides:
        made = _assign(root, override.parts, override.value) if override.parts else None
        if made is None and create and override.parts:
            made = _create(root, override.parts, override.value, is_collection=True)
        if made is None:
            missed.append(override)
        else:
            root = made
    return root, missed


def _assign(node: Node, parts: tuple[str, ...], value: Node) -> Node | None:
    """Return the tree with a value at a path, or None if a key before the last does not exist."""
    if node.is_mapping:
        for n in range(1, len(parts) + 1):  # the name of a copy has dots of its own
            key, rest = ".".join(parts[:n]), parts[n:]
            if not rest and (n == 1 or key in node.value):
                return node.with_items({**node.value, key: value}, {key: value.mark})
            if rest and key in node.value and (made := _assign(node.value[key], rest, value)) is not None:
                return node.with_items({**node.value, key: made})
    if node.is_list:
        return _in_list(node, parts, value, _assign)
    return None


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
    if is_collection or (len(parts) > 1 and node.get("copies") is not None):  # the name of a copy
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
            made = change(item, parts[1:], value) if parts[1:] else value
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
    while done < len(override.parts):
        step = _descend(node, override.parts[done:])
        if step is None:
            break
        node, taken = step
        done += taken
    where = field_path(override.parts[:done]) or "the description"
    missing = override.parts[done] if done < len(override.parts) else ""
    known = [*node.value] if node.is_mapping else []
    if node.is_list:
        known = [str(name.value) for item in node.value if (name := item.get("name")) is not None]
    if node.is_mapping or node.is_list:
        message = f"{where} has no {missing!r}"
        hint = suggest(missing, known) or (f"it has {', '.join(known[:12])}" if known else "")
    else:
        message, hint = f"{where} is a single value without fields", "set it as a whole"
    return Diagnostic(
        field_path(override.parts), message, hint, "E-NAME", OVERRIDE_SOURCE, path=override.parts
    )


def _descend(node: Node, parts: tuple[str, ...]) -> tuple[Node, int] | None:
    if node.is_mapping:
        for n in range(len(parts), 0, -1):
            if (found := node.get(".".join(parts[:n]))) is not None:
                return found, n
    if node.is_list:
        for n, item in enumerate(node.value):
            if parts[0] in (str(n), getattr(item.get("name"), "value", None)):
                return item, 1
    return None
