"""Frames in which positions of stacks are given: the stack whose lower-left corner `at` is relative to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.package.rectangles import COINCIDENCE_TOLERANCE
from thermostack.package.stack import Stack
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity


class Frame(Protocol):
    """A placed stack: its plan is transformed by `matrix` and moved by `shift` [m]."""

    @property
    def stack(self) -> Stack: ...
    @property
    def matrix(self) -> tuple[tuple[int, int], tuple[int, int]]: ...
    @property
    def shift(self) -> tuple[float, float]: ...
    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the stack's plan in coordinates of the package [m]."""


def position_frame(stack: Stack, placements: Mapping[str, Frame]) -> Frame | None:
    """Return the placement in whose frame the position of a stack is given, None for the package itself.

    It is the stack of `relative_to`; without it the only support, or with several supports the stack that
    carries the first of them. `frame_diagnostics` reports a stack for which the order would matter.
    """
    if not stack.supports:
        return None
    if stack.relative_to is not None:
        return placements[stack.relative_to]
    if len(stack.supports) == 1:
        return placements[stack.supports[0]]
    below = placements[stack.supports[0]].stack.supports
    return placements[below[0]] if below else None


def frame_diagnostics(stack: Stack, placements: Mapping[str, Frame]) -> Iterator[Diagnostic]:
    """Yield an error if the position of a stack on several others would depend on their order."""
    if len(stack.supports) < 2 or stack.relative_to is not None:
        return
    carriers: dict[str, Frame] = {}
    for support in stack.supports:
        below = placements[support].stack.supports or (support,)  # the root carries itself
        carriers |= {name: placements[name] for name in below}
    first, *others = carriers.values()
    other = next((frame for frame in others if not _coincide(first, frame)), None)
    if other is None:
        return
    corners = []
    for frame in (first, other):
        x, y = (format_quantity(value, "length") for value in frame.point(*stack.corner))
        corners.append(f"({x}, {y}) of the package relative to {frame.stack.name}")
    text = f"its position depends on the order of `on`: {' and '.join(corners)}"
    names = list(carriers)
    hint = f"write relative_to: {names[0]}, or relative_to: {other.stack.name}"
    yield diagnostic_at(("stacks", stack.name, "relative_to"), text, hint, "E-MISSING")


def _coincide(one: Frame, other: Frame) -> bool:
    """Return whether positions in two frames are the same positions in the package."""
    moved = np.abs(np.subtract(one.shift, other.shift)).max()
    return one.matrix == other.matrix and bool(moved <= COINCIDENCE_TOLERANCE)
