"""Advice for a stack that stands on stacks of different heights: a layer whose thickness can follow."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from thermostack.package.heights import find_heights
from thermostack.package.rectangles import COINCIDENCE_TOLERANCE
from thermostack.package.stack import Stack
from thermostack.schema.validated_dataclass import FieldPath

IsFixed = Callable[[FieldPath], bool]


def height_hint(name: str, short: Sequence[str], stacks: Mapping[str, Stack], is_fixed: IsFixed) -> str:
    """Return the layers that may fill, so that a stack touches all stacks below it; "" if there are none.

    `short` are the supports that the stack does not touch, and `stacks` has all stacks with their
    thicknesses. `is_fixed` tells whether a field was set on purpose, so that it should not fill. Either the
    short supports follow the others, or the others follow them: the choice with fewer layers, and of two the
    one without power. Each choice is tried.
    """
    tall = [other for other in stacks[name].on if other not in short]
    choices = [
        (len(set(layers.values())), any(_has_power(stacks[each]) for each in group), layers)
        for group in (short, tall)
        if (layers := _filling_layers(group, stacks, is_fixed)) and _touches_all(name, layers, stacks)
    ]
    if not choices:
        return ""
    _, _, layers = min(choices, key=lambda choice: choice[:2])
    paths = list(
        dict.fromkeys(f"stacks.{group}.layers.{layer}.thickness" for group, layer in layers.values())
    )
    follows = "it follows" if len(paths) == 1 else "they follow"
    return f"set {' and '.join(paths)} to fill, so that {follows}"


Layers = dict[str, tuple[str, str]]  # by stack: its group of copies or itself, and the name of a layer


def _filling_layers(names: Collection[str], stacks: Mapping[str, Stack], is_fixed: IsFixed) -> Layers:
    """Return the thickest layer without power of each stack; none if a stack has none that may change."""
    found: Layers = {}
    for name in names:
        layers = [(n, layer) for n, layer in enumerate(stacks[name].layers) if layer.power is None]
        if not layers:
            return {}
        n, thickest = max(layers, key=lambda each: each[1].thickness)
        if is_fixed(("stacks", name, "layers", n, "thickness")):
            return {}
        group = name.rpartition(".")[0]
        copies = [other for other in stacks if group and other.startswith(f"{group}.")]
        is_whole_group = bool(copies) and all(other in names for other in copies)
        found[name] = group if is_whole_group else name, thickest.name
    return found


def _touches_all(name: str, layers: Layers, stacks: Mapping[str, Stack]) -> bool:
    """Return whether a stack touches all stacks below it if these layers fill."""
    filled = dict(stacks)
    for each, (_, layer_name) in layers.items():
        thicknesses = [
            replace(layer, thickness=math.inf) if layer.name == layer_name else layer
            for layer in stacks[each].layers
        ]
        filled[each] = replace(stacks[each], layers=tuple(thicknesses))
    heights = find_heights(filled)
    return not heights.diagnostics and all(
        below in heights.stack and abs(heights.top(below) - heights.bottom[name]) < COINCIDENCE_TOLERANCE
        for below in stacks[name].on
    )


def _has_power(stack: Stack) -> bool:
    return any(layer.power is not None for layer in stack.layers)
