"""Order of overrides: of two that set the same value the more specific one wins, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from thermostack.errors import Diagnostic
from thermostack.io.description.group_paths import LAYERS, STACKS, expand_group_path
from thermostack.io.description.overrides import Override, apply_overrides, find_child
from thermostack.io.description.yaml_nodes import Node
from thermostack.schema.validated_dataclass import field_path

Path = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Selection:
    """The fields that an override sets in a description without short forms."""

    override: Override
    number: int  # of the override, as they are given
    targets: tuple[Path, ...]

    @cached_property
    def rank(self) -> tuple[bool, int, bool, int, int, int]:
        """Return the key by which overrides are applied: the last one wins.

        An override of fewer stacks comes later, then one of fewer layers of each, then one of a deeper field.
        """
        first = self.targets[0]
        in_layer = len(first) > 3 and first[0] == STACKS and first[2] == LAYERS
        stacks = len({target[:2] for target in self.targets}) if first[0] == STACKS else 1
        return (len(first) > 1, -stacks, in_layer, -len(self.targets), len(first), self.number)

    def common(self, other: Selection) -> list[Path]:
        """Return the paths that both overrides set; of a path in an object, that path."""
        ours, theirs = set(self.targets), set(other.targets)
        found = [path for path in self.targets if _begins_in(path, theirs)]
        return found + [path for path in other.targets if path not in ours and _begins_in(path, ours)]

    def contains(self, other: Selection) -> bool:
        """Return whether an override sets a part of, or around, each field that another one sets."""
        begins = {path[:n] for path in self.targets for n in range(1, len(path) + 1)}
        ours = set(self.targets)
        return all(path in begins or _begins_in(path, ours) for path in other.targets)


def _begins_in(path: Path, paths: set[Path]) -> bool:
    """Return whether a path or the path of an object that contains it is in a set."""
    return any(path[:n] in paths for n in range(1, len(path) + 1))


def with_item_names(root: Node, parts: Path) -> Path:
    """Return a path with names in place of the numbers of list items, and the name of a stack as one key.

    The part of a path that does not exist remains.
    """
    node, made, done = root, list[str](), 0
    while done < len(parts) and (step := find_child(node, parts[done:])) is not None:
        child, taken = step
        name = child.get("name") if node.is_list else None
        made.append(".".join(parts[done : done + taken]) if name is None else str(name.value))
        node, done = child, done + taken
    return (*made, *parts[done:])


def select(root: Node, overrides: Sequence[Override]) -> list[Selection]:
    """Return the fields that overrides set in a description without short forms."""
    return [
        Selection(
            override,
            number,
            tuple(with_item_names(root, path) for path in expand_group_path(root, override.parts)),
        )
        for number, override in enumerate(overrides)
        if override.parts
    ]


class OverrideOrder:
    """The overrides of a description, of which `missed` are not applied yet.

    Overrides are applied to the file, to the file with its included stacks, and to the description without
    short forms, the first time that their field exists.
    """

    def __init__(self, overrides: Sequence[Override]) -> None:
        self.given = list(overrides)  # an applied one has names in place of numbers
        self.missed = sorted(overrides, key=lambda each: len(each.parts))  # an object before its fields

    def apply(self, root: Node, *, create: bool = False) -> Node:
        """Return the tree with the values of the fields that exist, or, with `create`, may be created."""
        made, missed = apply_overrides(root, self.missed, create=create)
        is_missed = {id(each) for each in missed}
        is_applied = {id(each) for each in self.missed} - is_missed
        self.given = [
            replace(each, parts=with_item_names(root, each.parts)) if id(each) in is_applied else each
            for each in self.given
        ]
        self.missed = missed
        return made

    def apply_to_groups(self, root: Node, own: Mapping[str, set[str]]) -> tuple[Node, list[Diagnostic]]:
        """Return a tree without short forms with the other overrides, and the errors of their order.

        An override that is applied already, and is more specific than one of the others, is applied again
        after it. `own` has the keys that the copies of a stack define themselves: an override of the stack
        replaces them too.
        """
        is_missed = {id(each) for each in self.missed}
        selections = select(root, self.given)
        pending = [
            each
            for each in selections
            if id(each.override) in is_missed or (len(each.targets) > 1 and _is_own(each.override.parts, own))
        ]
        waiting = [each for each in selections if each not in pending]
        while again := [
            each
            for each in waiting
            if any(each.rank > other.rank and each.common(other) for other in pending)
        ]:
            pending += again
            waiting = [each for each in waiting if each not in again]
        ordered = [each.override for each in sorted(pending, key=lambda each: each.rank)]
        unnamed = [each for each in self.missed if not each.parts]
        root, unknown = apply_overrides(root, [*unnamed, *ordered], create=True, groups=True)
        self.missed = [each for each in unknown if id(each) in is_missed]
        return root, conflicts(selections)


def _is_own(parts: Path, own: Mapping[str, set[str]]) -> bool:
    """Return whether a path is that of a field of a stack that one of its copies defines itself."""
    return parts[0] == STACKS and any(
        parts[n] in own.get(".".join(parts[1:n]), ()) for n in range(2, len(parts))
    )


def own_fields_of_copies(stacks: Node) -> dict[str, set[str]]:
    """Return the keys of the fields that the copies of each stack define themselves."""
    own: dict[str, set[str]] = {}
    for name, stack in stacks.items():
        copies = stack.get("copies")
        if copies is not None and copies.is_mapping:
            own[name] = {key for _, copy in copies.items() if copy.is_mapping for key in copy.value}
    return own


def conflicts(selections: Sequence[Selection]) -> list[Diagnostic]:
    """Return an error for each two overrides that share fields, of which none is more specific.

    An override of the shared fields, which is more specific than both, decides them.
    """
    groups = [each for each in selections if len(each.targets) > 1]
    found = []
    for n, one in enumerate(groups):
        for other in groups[:n]:
            if one.contains(other) or other.contains(one):
                continue
            decided = {
                path
                for each in selections
                if one.contains(each) and other.contains(each)
                for path in each.targets
            }
            shared = [path for path in one.common(other) if not _begins_in(path, decided)]
            if shared:
                found.append(_conflict(one.override, other.override, shared[0]))
    return found


def _conflict(one: Override, other: Override, path: Path) -> Diagnostic:
    """Return the error of two overrides that set the field at a path, of which none is more specific."""
    text = f"{field_path(path)} is also set by {field_path(other.parts)}, and neither path is more specific"
    return Diagnostic(
        field_path(one.parts),
        text,
        f"set {field_path(path)} too, which decides",
        "E-DUPLICATE",
        one.value.mark.file,
        path=one.parts,
    )
