"""Position and orientation of every stack of a package, and the errors in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.package.disc import Circle, plan_circles, plan_rectangles
from thermostack.package.heights import StackHeights, find_heights
from thermostack.package.package import Package
from thermostack.package.position_frame import frame_diagnostics, position_frame
from thermostack.package.rectangles import (
    COINCIDENCE_TOLERANCE,
    Rectangle,
    intersection,
    length_beyond_circle,
)
from thermostack.package.stack import Stack
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity


@dataclass(frozen=True)
class Placement:
    """Position of a stack: plan transformed by `matrix` and moved by `shift` [m], bottom at z0 [m]."""

    stack: Stack
    matrix: tuple[tuple[int, int], tuple[int, int]]
    shift: tuple[float, float]
    z0: float

    @cached_property
    def z1(self) -> float:
        """Return the height of the top face [m]."""
        return self.z0 + self.stack.height

    def rectangle(self, x: float, y: float, width: float, depth: float) -> Rectangle:
        """Return a rectangle of the stack's plan in coordinates of the package [m]."""
        corners = [self.point(x, y), self.point(x + width, y + depth)]
        (xa, ya), (xb, yb) = corners
        return min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)

    @cached_property
    def outline(self) -> Rectangle:
        """Return the whole plan of the stack in coordinates of the package [m]."""
        return self.rectangle(0.0, 0.0, *self.stack.size)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the stack's plan in coordinates of the package [m]."""
        (a, b), (c, d) = self.matrix
        return a * x + b * y + self.shift[0], c * x + d * y + self.shift[1]

    @property
    def swaps_xy(self) -> bool:
        """Return whether the x axis of the stack lies along the y axis of the package."""
        return self.matrix[0][0] == 0

    @property
    def orientation(self) -> tuple[int, bool]:
        """Return the rotation of the plan [degrees] and whether x is mirrored before the rotation."""
        (a, b), (c, d) = self.matrix
        is_mirrored = a * d - b * c < 0
        cosine, sine = (-a, -c) if is_mirrored else (a, c)
        return {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}[cosine, sine], is_mirrored

    @cached_property
    def solid(self) -> tuple[Rectangle, ...]:
        """Return the rectangles [m] that the stack fills: its plan, or its frame alone."""
        return tuple(
            plan_rectangles(self.outline, self.stack.frame, is_round=self.stack.diameter is not None)
        )

    @cached_property
    def plan(self) -> tuple[Rectangle, ...]:
        """Return the rectangles [m] of its plan, also inside its frame."""
        return tuple(plan_rectangles(self.outline, None, is_round=self.stack.diameter is not None))

    @cached_property
    def circles(self) -> tuple[Circle, ...]:
        """Return the circles at the edges of its plan and of its frame, none if it is not round."""
        return plan_circles(self.outline, self.stack.frame, is_round=self.stack.diameter is not None)


_ROTATIONS = {0: ((1, 0), (0, 1)), 90: ((0, -1), (1, 0)), 180: ((-1, 0), (0, -1)), 270: ((0, 1), (-1, 0))}


def place_stacks(package: Package) -> dict[str, Placement]:
    """Return the placement of every stack by name, each stack after its supports.

    Layers of thickness `fill` have the thickness that follows. Stacks without a position are omitted, and so
    are those on or in them, and those whose height nothing sets.
    """
    return _place_at(find_heights(_stacks_with_position(package)))


def place_and_diagnose(package: Package) -> tuple[dict[str, Placement], list[Diagnostic]]:
    """Return the placements, and the errors in the heights and the positions of the stacks."""
    heights = find_heights(_stacks_with_position(package))
    placements = _place_at(heights)
    unsure = {name for name in placements if heights.has_unsure_height(name)}
    return placements, [*heights.diagnostics, *placement_diagnostics(placements, unsure)]


def _stacks_with_position(package: Package) -> dict[str, Stack]:
    """Return the stacks that have a position, and the root, by name."""
    roots = [stack for stack in package.stacks if not stack.supports]
    others = [stack for stack in package.stacks if stack.supports and (stack.position or stack.center)]
    return {stack.name: stack for stack in (*roots[:1], *others)}


def _place_at(heights: StackHeights) -> dict[str, Placement]:
    """Return the placements of stacks at their heights."""
    remaining = list(heights.stack.values())
    placements: dict[str, Placement] = {}
    while ready := [stack for stack in remaining if all(name in placements for name in stack.placed_before)]:
        for stack in ready:
            z0 = heights.bottom[stack.name]
            placements.setdefault(stack.name, _placement(stack, z0, placements))
        remaining = [stack for stack in remaining if stack.name not in placements]
    return placements


def _placement(stack: Stack, z0: float, placements: dict[str, Placement]) -> Placement:
    """Return the placement of a stack with its bottom at z0 [m], whose supports are placed."""
    frame = position_frame(stack, placements)
    own = np.array(_ROTATIONS[stack.rotate]) @ (
        np.array(((-1, 0), (0, 1))) if stack.flip else np.eye(2, dtype=int)
    )
    corners = own @ np.array(((0.0, stack.size[0]), (0.0, stack.size[1])))
    shift = np.array(stack.corner) - corners.min(axis=1)
    if frame is not None:
        outer = np.array(frame.matrix)
        own, shift = outer @ own, outer @ shift + np.array(frame.shift)
    (a, b), (c, d) = own.tolist()
    return Placement(stack, ((a, b), (c, d)), (float(shift[0]), float(shift[1])), z0)


def placement_diagnostics(
    placements: dict[str, Placement], unsure: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """Yield an error for each stack that extends beyond its support, and for each pair that overlaps.

    The overlaps of stacks whose height is `unsure` follow from an error that is reported.
    """
    for placement in placements.values():
        yield from frame_diagnostics(placement.stack, placements)
        yield from _containment_diagnostics(placement, placements)
    sound = [placement for placement in placements.values() if not _protrudes_below(placement, placements)]
    embedded = {placement.stack.name: _embedding_stacks(placement.stack, placements) for placement in sound}
    for n, one in enumerate(sound):
        for other in sound[:n]:
            a, b = one.stack.name, other.stack.name
            if a in unsure or b in unsure or b in embedded[a] or a in embedded[b]:
                continue
            if common := _common_rectangle(one, other):
                x0, y0, x1, y1 = (format_quantity(value, "length") for value in common)
                text = f"{a} overlaps {b} from ({x0}, {y0}) to ({x1}, {y1}) of the package"
                yield diagnostic_at(("stacks", a), text, "move one, or write `inside:`", "E-OVERLAP")


def _containment_diagnostics(placement: Placement, placements: dict[str, Placement]) -> Iterator[Diagnostic]:
    stack = placement.stack
    if len(stack.supports) != 1:
        return
    support = placements[stack.supports[0]]
    path = ("stacks", stack.name)
    overhang = _unintended_overhang(placement, support)
    sides = [f"{format_quantity(length, 'length')} to the {side}" for side, length in overhang.items()]
    if by := " and ".join(sides) or _unintended_length_beyond_circle(placement, support):
        text = f"{stack.name} extends beyond {support.stack.name} by {by}"
        hint = "move it, change one of the two sizes"
        hint += ", or write overhang: true" if stack.inside is None else ""
        yield diagnostic_at(path, text, hint, "E-OUTSIDE")
    if _protrudes_below(placement, placements):
        depth = format_quantity(support.z0 - placement.z0, "length")
        text = f"{stack.name} extends {depth} below {support.stack.name}"
        yield diagnostic_at(path, text, "reduce depth, or the thickness of its layers", "E-OUTSIDE")


def _unintended_overhang(placement: Placement, support: Placement) -> dict[str, float]:
    """Return by side how far a stack extends [m] beyond its only support, empty where that is intended.

    It is intended along an axis where the stack is longer than its support and covers it, and on a stack with
    `overhang`. An embedded stack never extends beyond the stack around it.
    """
    (x0, y0, x1, y1), (a0, b0, a1, b1) = placement.outline, support.outline
    beyond = {"west": a0 - x0, "east": x1 - a1, "south": b0 - y0, "north": y1 - b1}
    found = {side: length for side, length in beyond.items() if length > COINCIDENCE_TOLERANCE}
    if placement.stack.inside is not None:
        return found
    if placement.stack.overhang:
        return {}
    for sides in (("west", "east"), ("south", "north")):
        if all(beyond[side] >= -COINCIDENCE_TOLERANCE for side in sides):
            found = {side: length for side, length in found.items() if side not in sides}
    return found


def _unintended_length_beyond_circle(placement: Placement, support: Placement) -> str:
    """Return by how much a stack in the square around its round support extends beyond the circle, or "".

    As over a rectangle it is intended with `overhang`, and where the stack is longer than its support along
    an axis. An embedded stack never extends beyond the stack around it.
    """
    if support.stack.diameter is None:
        return ""
    if placement.stack.inside is None:
        is_longer = any(
            own > other + COINCIDENCE_TOLERANCE
            for own, other in zip(_extent(placement), _extent(support), strict=True)
        )
        if placement.stack.overhang or is_longer:
            return ""
    circle = support.circles[0]
    is_round = placement.stack.diameter is not None
    return length_beyond_circle(placement.outline, (circle.x, circle.y), circle.radius, is_round=is_round)


def _extent(placement: Placement) -> tuple[float, float]:
    """Return the lengths of the plan of a stack along x and y of the package [m]."""
    x0, y0, x1, y1 = placement.outline
    return x1 - x0, y1 - y0


def _protrudes_below(placement: Placement, placements: dict[str, Placement]) -> bool:
    """Return whether an embedded stack extends below the bottom of the stack it is inside of."""
    inside = placement.stack.inside
    return inside is not None and placement.z0 < placements[inside].z0 - COINCIDENCE_TOLERANCE


def _embedding_stacks(stack: Stack, placements: dict[str, Placement]) -> set[str]:
    """Return the stacks that a stack may overlap: those that it, or a stack below it, is embedded in."""
    found: set[str] = set()
    remaining = [stack]
    while remaining:
        one = remaining.pop()
        if one.inside is not None:
            found.add(one.inside)
        remaining += [placements[name].stack for name in one.supports]
    return found


def _common_rectangle(one: Placement, other: Placement) -> Rectangle | None:
    """Return a rectangle [m] in which two stacks fill the same space, None where they do not overlap."""
    if min(one.z1, other.z1) - max(one.z0, other.z0) <= COINCIDENCE_TOLERANCE:
        return None
    for a in one.solid:
        for b in other.solid:
            if common := intersection(a, b):
                return common
    return None
