"""Heights of the stacks: bottom planes, and layers whose thickness follows from their neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from thermostack.errors import Diagnostic
from thermostack.package.stack import Stack
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

MIN_FILL = 10e-9  # m: thickness below which no layer is described


@dataclass
class StackHeights:
    """The bottom plane [m] and the layers with their thicknesses of every stack whose height can be found.

    A layer of thickness `fill` takes the height that is left below a stack that also stands on others, or
    below the top of the stack that `height` names.
    """

    bottom: dict[str, float] = field(default_factory=dict)  # m
    stack: dict[str, Stack] = field(default_factory=dict)  # without `fill`
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)  # stacks with a layer that fills, and that is an error

    def has_unsure_height(self, name: str) -> bool:
        """Return whether an error in a layer that fills decides about the height of a stack."""
        on = self.stack[name].on
        return name in self.unsure or (bool(on) and all(self.has_unsure_height(below) for below in on))

    def top(self, name: str) -> float:
        """Return the height of the top face of a stack [m]."""
        return self.bottom[name] + self.stack[name].height

    def find_bottom(self, stack: Stack, stacks: Mapping[str, Stack]) -> bool:
        """Find the bottom plane of a stack, and the tops of those below it that follow; return whether."""
        if stack.inside is not None:
            if stack.inside not in self.stack or stack.has_fill:
                return False
            self.bottom[stack.name] = self.top(stack.inside) - stack.depth - stack.height
            return True
        known = [name for name in stack.on if name in self.stack]
        others = [name for name in stack.on if name not in self.stack]
        follow = all(name in self.bottom and stacks[name].height_to is None for name in others)
        if (stack.on and not known) or not follow:
            return False
        bottom = max((self.top(name) for name in known), default=0.0)
        self.bottom[stack.name] = bottom
        for name in others:
            self.find_fill(stacks[name], bottom, f"{stack.name} lies at")
        return True

    def find_top(self, stack: Stack) -> bool:
        """Find the thicknesses of a stack whose bottom plane is known; return whether they are."""
        if not stack.has_fill:
            self.stack[stack.name] = stack
        elif stack.height_to in self.stack:
            self.find_fill(stack, self.top(stack.height_to), f"the top of {stack.height_to} is at")
        return stack.name in self.stack

    def find_fill(self, stack: Stack, top: float, limit: str) -> None:
        """Set the thickness of the filling layer of a stack such that its top is at a height [m]."""
        n = next(n for n, layer in enumerate(stack.layers) if layer.is_fill)
        fixed = sum(layer.thickness for layer in stack.layers if not layer.is_fill)
        thickness = top - self.bottom[stack.name] - fixed
        if thickness < MIN_FILL:
            heights = [format_quantity(value, "length") for value in (top, self.bottom[stack.name] + fixed)]
            text = f"no height is left to fill: {limit} {heights[0]}, the other layers reach {heights[1]}"
            hint = f"make {stack.name} thinner, or what stands beside it higher"
            path = ("stacks", stack.name, "layers", n, "thickness")
            self.diagnostics.append(diagnostic_at(path, text, hint, "E-GAP"))
            thickness = MIN_FILL
            self.unsure.add(stack.name)
        layers = list(stack.layers)
        layers[n] = replace(layers[n], thickness=thickness)
        self.stack[stack.name] = replace(stack, layers=tuple(layers), height_to=None)


def find_heights(stacks: Mapping[str, Stack]) -> StackHeights:
    """Return the heights of stacks by name, in the order in which they follow from each other.

    A stack on a stack that is not among them is omitted. Diagnostics are the errors of layers that fill: no
    height is left, or nothing sets it.
    """
    heights = StackHeights()
    waiting = [stack for stack in stacks.values() if all(name in stacks for name in stack.supports)]
    while True:
        before = len(heights.bottom), len(heights.stack)
        for stack in waiting:
            if stack.name in heights.bottom or heights.find_bottom(stack, stacks):
                stack.name in heights.stack or heights.find_top(stack)
        if (len(heights.bottom), len(heights.stack)) == before:
            break
    for stack in waiting:
        is_unset = stack.name in heights.bottom and stack.name not in heights.stack
        if is_unset and (stack.height_to is None or stack.height_to in stacks):
            heights.diagnostics.append(_unset_height(stack))
    heights.unsure |= {stack.name for stack in waiting if sum(layer.is_fill for layer in stack.layers) > 1}
    return heights


def _unset_height(stack: Stack) -> Diagnostic:
    """Return the error of a stack with a layer that fills, whose top nothing sets."""
    n = next(n for n, layer in enumerate(stack.layers) if layer.is_fill)
    text = "nothing sets the height that it fills"
    hint = f"place a stack on {stack.name} and on another stack, or write height: to NAME"
    if stack.height_to is not None:
        text = f"the height of {stack.height_to}, to which {stack.name} reaches, depends on {stack.name}"
        hint = "name another stack"
    return diagnostic_at(("stacks", stack.name, "layers", n, "thickness"), text, hint, "E-GAP")


def fill_diagnostics(stack: Stack, known: Mapping[str, Stack]) -> Iterator[Diagnostic]:
    """Yield the errors in the keys of a stack that concern its height."""
    path = ("stacks", stack.name)
    fills = [n for n, layer in enumerate(stack.layers) if layer.is_fill]
    for n in fills[1:]:
        text, hint = "a second layer of the stack fills", "give all but one a thickness"
        yield diagnostic_at((*path, "layers", n, "thickness"), text, hint, "E-VALUE")
    if stack.height_to is not None:
        if stack.height_to not in known:
            text, hint = f"no stack is named {stack.height_to!r}", f"there are {', '.join(known)}"
            yield diagnostic_at((*path, "height"), text, hint, "E-NAME")
        if not fills:
            hint = "write thickness: fill in the layer whose thickness follows"
            yield diagnostic_at((*path, "height"), "no layer of the stack can follow", hint, "E-VALUE")
    if fills and stack.inside is not None:
        text, hint = "a layer of an embedded stack cannot fill", "give it a thickness"
        yield diagnostic_at((*path, "layers", fills[0], "thickness"), text, hint, "E-VALUE")
