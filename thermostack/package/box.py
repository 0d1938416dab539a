"""Cuboids of the parts of a package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from thermostack.package.disc import Circle
from thermostack.package.rectangles import Rectangle


@dataclass(frozen=True)
class Box:
    """A cuboid of one part, or an empty space (part -1). A later box covers an earlier one."""

    part: int
    low: tuple[float, float, float]  # x, y, z in m
    high: tuple[float, float, float]
    circles: tuple[Circle, ...] = ()  # of the round plans of which it is a piece


def plan(box: Box) -> Rectangle:
    """Return the plan of a box [m]."""
    return box.low[0], box.low[1], box.high[0], box.high[1]


def boxes_over(
    rectangles: Iterable[Rectangle], part: int, z0: float, z1: float, circles: tuple[Circle, ...] = ()
) -> list[Box]:
    """Return a box of a part over each of some rectangles [m], pieces of round plans, from z0 to z1 [m]."""
    return [Box(part, (x0, y0, z0), (x1, y1, z1), circles) for x0, y0, x1, y1 in rectangles]
