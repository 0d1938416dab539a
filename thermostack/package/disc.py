"""Round plans as rectangles: discs and rings with exact area, their sides, and the key `diameter`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import asin, pi, sin, sqrt
from typing import Any

from pydantic import ValidationError
from pydantic_core import ArgsKwargs, InitErrorDetails, PydanticCustomError

from thermostack.package.rectangles import COINCIDENCE_TOLERANCE, Rectangle, frame_rectangles
from thermostack.schema.fields import fail
from thermostack.units import UnitError, format_quantity, parse_quantity

STEPS = 4  # of the edge in a quarter of a disc

_ANY_SIZE = "1 mm"  # of a plan whose diameter is reported as wrong


@dataclass(frozen=True)
class Circle:
    """The edge of a round plan."""

    x: float  # m
    y: float  # m
    radius: float  # m

    def step_at(self, axis: int, position: float, middle: float) -> int | None:
        """Return the step of the staircase to which an edge normal to an axis, 0 or 1, belongs.

        The edge has a `position` [m] along the axis and a `middle` [m] along the other. None if it is no
        step.
        """
        along, across = (self.x, self.y) if axis == 0 else (self.y, self.x)
        heights = _staircase(self.radius)
        distance = abs(middle - across)
        for n in range(STEPS):
            if heights[n] <= distance < heights[n + 1]:
                is_step = abs(abs(position - along) - heights[STEPS - n]) < COINCIDENCE_TOLERANCE
                return n if is_step else None
        return None


def plan_circles(outline: Rectangle, frame: float | None, *, is_round: bool) -> tuple[Circle, ...]:
    """Return the circles at the edges of a plan in its outline [m]: none, one, or two of a ring."""
    if not is_round:
        return ()
    x, y = 0.5 * (outline[0] + outline[2]), 0.5 * (outline[1] + outline[3])
    radius = 0.5 * (outline[2] - outline[0])
    radii = (radius,) if frame is None else (radius, radius - frame)
    return tuple(Circle(x, y, each) for each in radii)


def step_cosines() -> list[float]:
    """Return the mean direction cosine of the edge of a disc over each step of its staircase, (STEPS,).

    The cosine is the component of the unit normal of the circle along the normal of the step. It is the ratio
    of the length of the circle to that of the steps, and its mean is pi/4 along x and along y.
    """
    heights = _staircase(1.0)
    areas = [0.5 * (height * sqrt(max(1.0 - height**2, 0.0)) + asin(height)) for height in heights]
    return [(areas[n + 1] - areas[n]) / (heights[n + 1] - heights[n]) for n in range(STEPS)]


def plan_rectangles(outline: Rectangle, frame: float | None, *, is_round: bool) -> list[Rectangle]:
    """Return the rectangles [m] of a plan in its outline, or of a frame of a width [m] along its edge."""
    return disc_rectangles(outline, frame) if is_round else frame_rectangles(outline, frame)


def disc_rectangles(outline: Rectangle, frame: float | None = None) -> list[Rectangle]:
    """Return rectangles [m] that do not overlap and together have the area of the disc in a square.

    With `frame` [m] they are those of a ring of this width along the edge of the disc. The edge is a
    staircase with `STEPS` steps in each quarter, which a rotation by 90 degrees and a reflection leave
    unchanged. Power that enters a half space evenly through it raises its mean temperature by 0.30 % less
    than through the disc, and the temperature of its centre by 0.07 % less.
    """
    x, y = 0.5 * (outline[0] + outline[2]), 0.5 * (outline[1] + outline[3])
    radius = 0.5 * (outline[2] - outline[0])
    outer = _staircase(radius)
    inner = _staircase(radius - frame) if frame is not None else [0.0]
    levels = sorted({*outer, *inner})
    levels = [-level for level in reversed(levels[1:])] + levels
    found = []
    for low, high in pairwise(levels):
        height = abs(0.5 * (low + high))
        end, start = _half_width(outer, height), _half_width(inner, height)
        parts = [(-end, end)] if start == 0.0 else [(-end, -start), (start, end)]
        found += [(x + west, y + low, x + east, y + high) for west, east in parts]
    return found


def _staircase(radius: float) -> list[float]:
    """Return the heights [m] of the steps in the first quarter, which in reverse are its half widths."""
    return [radius * height for height in _unit_staircase()]


@cache
def _unit_staircase() -> tuple[float, ...]:
    """Return the heights of the steps in the first quarter of a disc of radius 1.

    The last height is 1, so that the staircase touches the square around the disc. The others lie
    at equal angles on a smaller circle, whose radius gives the area of the disc.
    """
    b = [sin(0.5 * pi * n / STEPS) for n in range(STEPS)]
    inner = sum((b[n + 1] - b[n]) * b[STEPS - n] for n in range(1, STEPS - 1))
    quadratic = inner - b[STEPS - 1] * b[1]  # the area of a quarter is quadratic s^2 + 2 b[1] s
    scale = (sqrt(b[1] ** 2 + 0.25 * pi * quadratic) - b[1]) / quadratic
    return (*(scale * height for height in b), 1.0)


def flat_width(radius: float) -> float:
    """Return the width [m] of the outermost step of the staircase of a disc."""
    return 2.0 * _staircase(radius)[1]


def _half_width(heights: list[float], height: float) -> float:
    """Return the half width [m] of a staircase at a height [m], 0 beyond it."""
    for n in range(len(heights) - 1):
        if heights[n] <= height < heights[n + 1]:
            return heights[len(heights) - 1 - n]
    return 0.0


def size_from_diameter(value: Any) -> Any:
    """Return the fields of a plan with the size of its `diameter`, if it has one and no size."""
    fields = value.kwargs if isinstance(value, ArgsKwargs) else value
    if not isinstance(fields, Mapping) or fields.get("diameter") is None or fields.get("size") is not None:
        return value
    diameter = fields["diameter"]
    if isinstance(diameter, str):
        try:
            parse_quantity(diameter, "length")
        except UnitError:
            diameter = _ANY_SIZE
    elif not isinstance(value, ArgsKwargs):
        diameter = _ANY_SIZE  # a number in a file has no unit
    made = {**fields, "size": [diameter, diameter]}
    return ArgsKwargs((), made) if isinstance(value, ArgsKwargs) else made


def check_diameter(diameter: float | None, size: tuple[float, float], kind: str) -> None:
    """Raise the error of a plan whose diameter [m] and size [m] differ."""
    if diameter is None or (size[0] == diameter and size[1] == diameter):
        return
    plan = " x ".join(format_quantity(length, "length") for length in size)
    text = f"{format_quantity(diameter, 'length')} differs from the size {plan}"
    error: PydanticCustomError = fail("E-VALUE", text, "give the diameter alone")
    details = InitErrorDetails(type=error, loc=("diameter",), input=diameter)
    raise ValidationError.from_exception_data(kind, [details])
