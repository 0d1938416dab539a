"""Warnings about round stacks that touch another stack in a line, where the grid gives them a common face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from math import hypot

from thermostack.errors import Diagnostic
from thermostack.package.disc import Circle, flat_width
from thermostack.package.placement import Placement
from thermostack.package.rectangles import COINCIDENCE_TOLERANCE, Rectangle
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

TANGENT_TOLERANCE = 1e-6  # of the radius


def tangent_warnings(placements: Mapping[str, Placement]) -> Iterator[Diagnostic]:
    """Yield W-GRID for each pair of stacks of which one is round and touches the side of the other in a line.

    The outermost step of a staircase is flat, so that heat passes from one to the other without resistance.
    """
    for one, other in combinations(placements.values(), 2):
        if min(one.z1, other.z1) - max(one.z0, other.z0) <= COINCIDENCE_TOLERANCE:
            continue
        radius = _tangent_radius(one, other)
        if radius is None:
            continue
        width = format_quantity(flat_width(radius), "length")
        text = f"touches {other.stack.name} in a line, but on the grid in a face that is {width} wide"
        hint = "leave a gap between them, or let one enclose the other"
        yield diagnostic_at(("stacks", one.stack.name), text, hint, "W-GRID")


def _tangent_radius(one: Placement, other: Placement) -> float | None:
    """Return the radius [m] of the smaller disc of two stacks that touch in a line, None if they do not."""
    found = []
    for a, b in ((one, other), (other, one)):
        if not a.circles:
            continue
        circle = a.circles[0]  # the outer one
        is_tangent = (
            _touches_circle(circle, b.circles)
            if b.circles
            else any(_touches_rectangle(circle, each) for each in b.solid)
        )
        if is_tangent:
            found.append(circle.radius)
    return min(found, default=None)


def _touches_circle(circle: Circle, others: tuple[Circle, ...]) -> bool:
    """Return whether a circle touches the outer circle of another plan, or the hole in it from inside."""
    distance = hypot(circle.x - others[0].x, circle.y - others[0].y)
    tolerance = TANGENT_TOLERANCE * circle.radius
    if abs(distance - circle.radius - others[0].radius) < tolerance:
        return True
    is_inside = len(others) > 1 and distance > tolerance  # else the disc may fill the whole hole
    return is_inside and abs(distance + circle.radius - others[1].radius) < tolerance


def _touches_rectangle(circle: Circle, rectangle: Rectangle) -> bool:
    """Return whether a circle touches a side of a rectangle from outside."""
    x0, y0, x1, y1 = rectangle
    tolerance = TANGENT_TOLERANCE * circle.radius
    gaps_x = (x0 - circle.x - circle.radius, circle.x - circle.radius - x1)
    gaps_y = (y0 - circle.y - circle.radius, circle.y - circle.radius - y1)
    touches_x = y0 < circle.y < y1 and min(map(abs, gaps_x)) < tolerance
    touches_y = x0 < circle.x < x1 and min(map(abs, gaps_y)) < tolerance
    return touches_x or touches_y
