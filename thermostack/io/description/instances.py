"""Stacks and layers said once and meant several times: `copies` of a stack, `repeat` of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.io.description.source_locations import diagnostic_in
from thermostack.io.description.yaml_nodes import Mark, Node
from thermostack.schema.fields import suggest

MAX_STACKS = 2_000  # after copies; their overlaps are looked for pair by pair
MAX_LAYERS = 20_000  # of all stacks, after repeats and copies


def host_names(stack: Node) -> list[str]:
    """Return the names of what a stack stands on or in."""
    found = []
    for key in ("on", "inside"):
        said = stack.get(key)
        if said is not None:
            found += [
                item.value for item in (said.value if said.is_list else [said]) if isinstance(item.value, str)
            ]
    return found


def stack_group(stacks: Mapping[str, Node], root: str, copies: Iterable[str] = ()) -> list[str]:
    """Return the names of a stack and of all that stands on or in it alone.

    What stands on one of its `copies` by name, as a lid on all of them, is not of the family.
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
        ]
        if not more:
            break
        found += more
    return found


def rename_hosts(stack: Node, rename: Callable[[str], list[str]]) -> Node:
    """Return a stack that stands on others, by the new names of each of the old ones."""
    items = dict(stack.items())
    for key in ("on", "inside"):
        said = stack.get(key)
        if said is None:
            continue
        given = said.value if said.is_list else [said]
        made = [
            replace(item, value=name)
            for item in given
            for name in (rename(item.value) if isinstance(item.value, str) else [item.value])
        ]
        items[key] = made[0] if len(made) == 1 and not said.is_list else replace(said, value=made)
    return stack.with_items(items)


# -- repeat ----------------------------------------------------------------------------------


class RepeatExpander:
    """Replaces `- repeat: {times: 7, layers: [...]}` by that many layers, numbered from 0."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def expand(self, stack: Node) -> Node:
        """Return a stack without repeats."""
        layers = stack.get("layers")
        if layers is None or not layers.is_list:
            return stack
        try:
            return stack.with_items({**stack.value, "layers": replace(layers, value=self.flatten(layers))})
        except DescriptionError as error:
            self.diagnostics += error.diagnostics
            return stack.with_items({**stack.value, "layers": replace(layers, value=[])})

    def flatten(self, layers: Node) -> list[Node]:
        """Return the layers of a list, those of repeats as often as they are repeated."""
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
                diagnostic_in(item, "a repeat stands alone", "put it into its layers", "E-KEY", key)
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
            diagnostic_in(times, f"{times.value!r} is not a number of times", "1, 2, 3, ...", "E-RANGE")
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
    """Replaces a stack `it` with `copies: {west: [x, y]}` by `it.west` ..., each with what stands on it."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []

    def expand(self, stacks: Node) -> Node:
        """Return the stacks without copies."""
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
                    f"there is a stack {name}.{key} already",
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
        """Return the stacks with one of them and its family copied."""
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
    """Return a stack with copies that stands on none with copies, None where nothing is copied any more."""
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
    """Return a stack at the place of one of its copies; that may also be a mapping of other fields."""
    own = stack.without("copies", "at", "center")
    if place.is_mapping:
        return own.with_items({**own.value, **place.value}, place.keys)
    return own.with_items({**own.value, "at": place})
