"""Short paths of overrides: `stacks.gpu.active.power` without `layers`, `cooling.top.h` without a kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import cache

from thermostack.io.description.group_paths import LAYERS, STACKS, copies_of
from thermostack.io.description.overrides import Override
from thermostack.io.description.yaml_nodes import Node
from thermostack.package.cooling import COOLER_TYPES, FaceCooling
from thermostack.package.stack import Stack
from thermostack.schema.validated_dataclass import class_key

COOLING = "cooling"
SHORT_FORMS = ("copies", "array", "use")  # keys of a stack that other forms replace


def complete_paths(overrides: Iterable[Override], tree: Callable[[], Node]) -> list[Override]:
    """Return the overrides with the keys that their paths leave out.

    `tree` returns the description without short forms. It is called only if a path may leave out a key.
    """
    return [
        replace(each, parts=complete_path(tree(), each.parts)) if may_be_short(each.parts) else each
        for each in overrides
    ]


def may_be_short(parts: tuple[str, ...]) -> bool:
    """Return whether a path may leave out `layers` or the kind of a cooler."""
    if parts[:1] == (STACKS,):
        return len(parts) > 3 and LAYERS not in parts[2:] and not set(parts[2:]) & set(SHORT_FORMS)
    if parts[:1] == (COOLING,) and len(parts) > 2:
        return not set(parts[2:]) & (_cooler_kinds() | _face_keys())
    return False


def complete_path(tree: Node, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path with the keys that it leaves out, if the description has the field that it then names."""
    return _complete_layer(tree, parts) if parts[0] == STACKS else _complete_cooler(tree, parts)


def _complete_layer(tree: Node, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path with `layers` before the name of a layer, where the stack has no such field."""
    stacks = tree.get(STACKS)
    if stacks is None or not stacks.is_mapping:
        return parts
    for n in range(len(parts) - 2, 0, -1):  # the longest name of a stack first
        name, rest = ".".join(parts[1 : n + 1]), parts[n + 1 :]
        members = [name] if name in stacks.value else copies_of(name, stacks.value)
        if members:
            is_field = rest[0] in _stack_keys()
            has_layer = any(_has_layer(stacks.value[member], rest[0]) for member in members)
            return (*parts[: n + 1], LAYERS, *rest) if has_layer and not is_field else parts
    return parts


def _has_layer(stack: Node, name: str) -> bool:
    """Return whether a stack has a layer of a name, or repeats of it."""
    layers = stack.get(LAYERS)
    if layers is None or not layers.is_list:
        return False
    names = [str(found.value) for item in layers.value if (found := item.get("name")) is not None]
    return any(re.fullmatch(rf"{re.escape(name)}(_\d+)*", each) for each in names)


def _complete_cooler(tree: Node, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path with the kind of the cooler of a face, where the face has one cooler."""
    cooling = tree.get(COOLING)
    face = None if cooling is None else cooling.get(parts[1])
    n = 2
    if face is not None and face.is_list and parts[2].isdigit() and int(parts[2]) < len(face.value):
        face, n = face.value[int(parts[2])], 3
    if face is None or not face.is_mapping or n >= len(parts):
        return parts
    kinds = [key for key in face.value if key in _cooler_kinds()]
    return (*parts[:n], kinds[0], *parts[n:]) if len(kinds) == 1 else parts


@cache
def _stack_keys() -> frozenset[str]:
    """Return the keys of a stack in a description."""
    return frozenset(each.name for each in fields(Stack)) | {"at"}


@cache
def _cooler_kinds() -> frozenset[str]:
    return frozenset(class_key(kind) for kind in COOLER_TYPES)


@cache
def _face_keys() -> frozenset[str]:
    """Return the keys beside the cooler of a face."""
    return frozenset(each.name for each in fields(FaceCooling)) - {"cooler"}
