"""Paths that name a group: a stack by the name that its copies share, a layer by that of its repeats."""

from __future__ import annotations

import re
from collections.abc import Collection

from thermostack.io.description.yaml_nodes import Node

STACKS, LAYERS = "stacks", "layers"
OWN_FIELDS = ("at", "center", "copies", "array", "use")  # a copy has its own position, and no short forms


def expand_group_path(root: Node, parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the paths of all members of the groups in a path, or the path itself if it has no group.

    `root` is a description without short forms, where the copies of `hbm` are `hbm.west`, `hbm.east` and
    the repeats of `gap` are `gap_0`, `gap_1`. Names that exist are no groups.
    """
    stacks = root.get(STACKS)
    if parts[:1] != (STACKS,) or stacks is None or not stacks.is_mapping:
        return [parts]
    for n in range(len(parts) - 2, 0, -1):  # the longest name first; a field follows it
        name, rest = ".".join(parts[1 : n + 1]), parts[n + 1 :]
        members = [name] if name in stacks.value else copies_of(name, stacks.value)
        if name not in stacks.value and not all(_has_field(stacks.value[each], rest) for each in members):
            continue
        if members:
            return [
                (STACKS, member, *inner)
                for member in members
                for inner in _expand_layer(stacks.value[member], rest)
            ]
    return [parts]


def _has_field(stack: Node, rest: tuple[str, ...]) -> bool:
    """Return whether the rest of a path is in a stack, or is a field that all copies may share."""
    return stack.is_mapping and (rest[0] in stack.value or len(rest) == 1) and rest[0] not in OWN_FIELDS


def copies_of(name: str, stacks: Collection[str]) -> list[str]:
    """Return the names of the stacks that are copies of a stack `name`, or copies of it with its support.

    Two stacks that are called the same before they were copied, on different supports, are no group.

    Examples
    --------
    >>> copies_of("hbm", ["gpu", "hbm.west", "hbm.east", "hbm.west.lid", "hbm.east.lid"])
    ['hbm.west', 'hbm.east']
    >>> copies_of("lid", ["gpu", "hbm.west", "hbm.east", "hbm.west.lid", "hbm.east.lid"])
    ['hbm.west.lid', 'hbm.east.lid']
    """
    wanted = tuple(name.split("."))
    found: dict[tuple[str, ...], list[str]] = {}
    for stack in stacks:
        before = _name_before_copies(stack, stacks)
        if len(before) < len(stack.split(".")) and before[-len(wanted) :] == wanted:
            found.setdefault(before, []).append(stack)
    return next(iter(found.values())) if len(found) == 1 else []


def _name_before_copies(name: str, stacks: Collection[str]) -> tuple[str, ...]:
    """Return the parts of the name of a stack without those that name a copy.

    A part names a copy if the parts before it are not a stack: the copies of `hbm` replace it.
    """
    parts = name.split(".")
    kept, is_copy = [], False
    for n, part in enumerate(parts, 1):
        if not is_copy:
            kept.append(part)
        is_copy = not is_copy and ".".join(parts[:n]) not in stacks
    return tuple(kept)


def _expand_layer(stack: Node, rest: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the paths inside a stack with the name of a repeated layer replaced by those of its repeats."""
    layers = stack.get(LAYERS)
    if len(rest) < 3 or rest[0] != LAYERS or layers is None or not layers.is_list:
        return [rest]
    names = [str(name.value) for item in layers.value if (name := item.get("name")) is not None]
    if rest[1] in names:
        return [rest]
    repeats = [each for each in names if re.fullmatch(rf"{re.escape(rest[1])}(_\d+)+", each)]
    return [(LAYERS, each, *rest[2:]) for each in repeats] or [rest]
