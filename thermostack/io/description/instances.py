"""Expansion of repeated stacks and layers: `copies` of a stack, and `repeat` of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.source_locations import diagnostic_in
from thermostack.io.description.yaml_nodes import Mark, Node
from thermostack.schema.spelling import suggest

MAX_STACKS = 2_000  # after copies; overlaps are searched for pair by pair
MAX_LAYERS = 20_000  # of all stacks, after repeats and copies


def host_names(stack: Node) -> list[str]:
    """Return the names of the stacks on or in which a stack is placed."""
    found = []
    for key in ("on", "inside"):
        given = stack.get(key)
        if given is not None:
            items = given.value if given.is_list else [given]
            found += [item.value for item in items if isinstance(item.value, str)]
    return found


def stack_group(stacks: Mapping[str, Node], root: str, copies: Iterable[str] = ()) -> list[str]:
    """Return the names of a stack and of all stacks that are placed only on or in members of this group.

    A stack that is placed on one of the `copies` by name, or relative to a stack outside the group, such as a
    lid on all copies, is not in the group.
    """
    found = [root]
    apart = tuple(f"{root}.{copy}." for copy in copies)
    for _ in stacks:
        heads = (*found, *(f"{name}." for name in found))
        more = [
            name
            for name, stack in stacks.items()
            if name not in found
            and (hosts := host_names(stack))
            and all(host in found or host.startswith(heads[len(found) :]) for host in hosts)
            and not any(f"{host}.".startswith(apart) for host in hosts)
            and _frame_name(stack) in (None, *found)
        ]
        if not more:
            break
        found += more
    return found


def _frame_name(stack: Node) -> str | None:
    """Return the name of the stack to which a stack is placed explicitly, None without one."""
    frame = stack.get("relative_to")
    return frame.value if frame is not None and isinstance(frame.value, str) else None


def rename_hosts(stack: Node, rename: Callable[[str], list[str]]) -> Node:
    """Return a stack with the names of its hosts replaced; `rename` returns the new names of an old one.

    The stack of `relative_to` is renamed too, unless it has several copies: one position fits one of them.
    """
    if not stack.is_mapping:  # the validation of the package reports it
        return stack
    items = dict(stack.items())
    for key in ("on", "inside"):
        given = stack.get(key)
        if given is None:
            continue
        made = [
            replace(item, value=name)
            for item in (given.value if given.is_list else [given])
            for name in (rename(item.value) if isinstance(item.value, str) else [item.value])
        ]
        items[key] = made[0] if len(made) == 1 and not given.is_list else replace(given, value=made)
    frame = stack.get("relative_to")
    if frame is not None and isinstance(frame.value, str) and len(found := rename(frame.value)) == 1:
        items["relative_to"] = replace(frame, value=found[0])
    target = items.get("height")
    if target is not None and isinstance(target.value, str) and target.value.startswith("to "):
        name = rename(target.value.removeprefix("to ").strip())[0]  # copies have equal heights
        items["height"] = replace(target, value=f"to {name}")
    return stack.with_items(items)


# -- repeat ----------------------------------------------------------------------------------


class RepeatExpander:
    """Expander of `- repeat: {times: 7, layers: [...]}` into layers that are numbered from 0."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def expand(self, stack: Node) -> Node:
        """Return a stack with its repeats expanded."""
        layers = stack.get("layers")
        if layers is None or not layers.is_list:
            return stack
        try:
            return stack.with_items({**stack.value, "layers": replace(layers, value=self.flatten(layers))})
        except DescriptionError as error:
            self.diagnostics += error.diagnostics
            return stack.with_items({**stack.value, "layers": replace(layers, value=[])})

    def flatten(self, layers: Node) -> list[Node]:
        """Return the layers of a list with its repeats expanded."""
        found: list[Node] = []
        for item in layers.value:
            repeat = item.get("repeat")
            if repeat is None:
                found.append(item)
                continue
            times, inner = _check_repeat(item, repeat)
            once = self.flatten(inner)
            if len(found) + times * len(once) > MAX_LAYERS:
                raise DescriptionError(
                    diagnostic_in(repeat, f"makes more than {MAX_LAYERS} layers", "", "E-RANGE")
                )
            found += [_numbered(layer, n) for n in range(times) for layer in once]
        return found


def _check_repeat(item: Node, repeat: Node) -> tuple[int, Node]:
    for key in item.value:
        if key != "repeat":
            raise DescriptionError(
                diagnostic_in(item, "a repeat has no other keys", "put it into its layers", "E-KEY", key)
            )
    if not repeat.is_mapping:
        raise DescriptionError(
            diagnostic_in(repeat, "is not a mapping", "write repeat: {times: 7, layers: [...]}", "E-TYPE")
        )
    for key in repeat.value:
        if key not in ("times", "layers"):
            diagnostic = diagnostic_in(
                repeat,
                f"unknown key {key!r}",
                suggest(key, ("times", "layers")) or "times and layers",
                "E-KEY",
                key,
            )
            raise DescriptionError(diagnostic)
    times, layers = repeat.get("times"), repeat.get("layers")
    if times is None or layers is None:
        raise DescriptionError(
            diagnostic_in(repeat, "is missing", "", "E-MISSING", "layers" if times else "times")
        )
    if not isinstance(times.value, int) or isinstance(times.value, bool) or times.value < 1:
        raise DescriptionError(
            diagnostic_in(times, f"{times.value!r} is not a number of repeats", "1, 2, 3, ...", "E-RANGE")
        )
    if not layers.is_list:
        raise DescriptionError(diagnostic_in(layers, "is not a list of layers", "", "E-TYPE"))
    return times.value, layers


def _numbered(layer: Node, number: int) -> Node:
    name = layer.get("name")
    if name is None or not isinstance(name.value, str):
        return layer
    return layer.with_items({**layer.value, "name": replace(name, value=f"{name.value}_{number}")})


# -- copies ----------------------------------------------------------------------------------


class InstanceExpander:
    """Expander of a stack `it` with `copies: {west: [x, y]}` into `it.west` ..., with the stacks on it."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def expand(self, stacks: Node) -> Node:
        """Return the stacks with their copies expanded."""
        made, marks = dict(stacks.items()), dict(stacks.keys)
        given = set(made)
        while (name := _next_to_copy(made)) is not None:
            copies = made[name].value["copies"]
            if not copies.is_mapping or not copies.value:
                hint = 'write copies: {west: ["1 mm", "2 mm"]}'
                self.diagnostics.append(
                    diagnostic_in(copies, "is not a mapping from names to positions", hint, "E-TYPE")
                )
                made[name] = made[name].without("copies")
                continue
            family = stack_group(made, name, copies.value)
            if len(made) + len(copies.value) * len(family) > MAX_STACKS:
                self.diagnostics.append(
                    diagnostic_in(copies, f"makes more than {MAX_STACKS} stacks", "", "E-RANGE")
                )
                return stacks.with_items({key: stack.without("copies") for key, stack in stacks.items()})
            made = self.copy_group(made, name, family, marks)
            self.diagnostics += [
                diagnostic_in(
                    copies,
                    f"there already is a stack {name}.{key}",
                    "give one another name",
                    "E-DUPLICATE",
                    key,
                )
                for key in copies.value
                if f"{name}.{key}" in given
            ]
        return stacks.with_items(made, marks)

    def copy_group(
        self, stacks: dict[str, Node], name: str, family: list[str], marks: dict[str, Mark]
    ) -> dict[str, Node]:
        """Return the stacks with one of them and the group on it copied."""
        copies = stacks[name].value["copies"]
        renamed: dict[str, list[str]] = {member: [] for member in family}
        made: dict[str, Node] = {}
        for key, place in copies.items():
            names = {
                member: f"{name}.{key}" + ("" if member == name else f".{member.removeprefix(f'{name}.')}")
                for member in family
            }
            for member in family:
                new = names[member]
                renamed[member].append(new)
                marks[new] = (
                    copies.key_mark(key) if member == name else marks.get(member, stacks[member].mark)
                )
                own = rename_hosts(stacks[member], lambda host, names=names: [names.get(host, host)])  # type: ignore[misc]
                made[new] = replace(_at_position(own, place), mark=marks[name]) if member == name else own
        result: dict[str, Node] = {}
        for other, stack in stacks.items():
            if other == name:
                result |= made
            elif other not in renamed:
                result[other] = rename_hosts(stack, lambda host: renamed.get(host, [host]))
        return result


def _next_to_copy(stacks: Mapping[str, Node]) -> str | None:
    """Return a stack with copies whose hosts have none, or None if no stack has copies."""
    copied = [name for name, stack in stacks.items() if stack.get("copies") is not None]
    for name in copied:
        above: set[str] = set()
        waiting = host_names(stacks[name])
        while waiting:
            host = waiting.pop()
            if host in stacks and host not in above:
                above.add(host)
                waiting += host_names(stacks[host])
        if not above & set(copied) - {name}:
            return name
    return copied[0] if copied else None


def _at_position(stack: Node, place: Node) -> Node:
    """Return a stack at the position of one of its copies, which may also be a mapping of fields."""
    own = stack.without("copies", "at", "center")
    if place.is_mapping:
        return own.with_items({**own.value, **place.value}, place.keys)
    return own.with_items({**own.value, "at": place})
