"""Axis-parallel rectangles in the plane: their type, intersection, difference, frame and overhang."""

from __future__ import annotations

from math import hypot

from thermostack.units import format_quantity

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 in m

COINCIDENCE_TOLERANCE = 1e-9  # m: planes and edges closer than this coincide


def frame_rectangles(outline: Rectangle, frame: float | None) -> list[Rectangle]:
    """Return the four sides [m] of a frame of width `frame` [m], or the outline if it is None."""
    if frame is None:
        return [outline]
    x0, y0, x1, y1 = outline
    return [
        (x0, y0, x1, y0 + frame),
        (x0, y1 - frame, x1, y1),
        (x0, y0 + frame, x0 + frame, y1 - frame),
        (x1 - frame, y0 + frame, x1, y1 - frame),
    ]


def intersection(a: Rectangle, b: Rectangle) -> Rectangle | None:
    """Return the common rectangle [m] of two rectangles, None where they touch at most."""
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    has_area = x1 - x0 > COINCIDENCE_TOLERANCE and y1 - y0 > COINCIDENCE_TOLERANCE
    return (x0, y0, x1, y1) if has_area else None


def have_common_area(a: Rectangle, b: Rectangle) -> bool:
    """Return whether two rectangles [m] have an `intersection`; where most lie apart it takes less time."""
    if a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]:
        return False
    return intersection(a, b) is not None


def difference(whole: Rectangle, removed: Rectangle) -> list[Rectangle]:
    """Return one rectangle minus another as up to four rectangles [m]."""
    common = intersection(whole, removed)
    if common is None:
        return [whole]
    (x0, y0, x1, y1), (a0, b0, a1, b1) = whole, common
    pieces = [(x0, y0, x1, b0), (x0, b1, x1, y1), (x0, b0, a0, b1), (a1, b0, x1, b1)]
    return [
        piece
        for piece in pieces
        if piece[2] - piece[0] > COINCIDENCE_TOLERANCE and piece[3] - piece[1] > COINCIDENCE_TOLERANCE
    ]


def lengths_beyond(
    corner: tuple[float, float],
    size: tuple[float, float],
    plan: tuple[float, float],
    *,
    is_round: bool = False,
    is_in_circle: bool = False,
    tolerance: float = COINCIDENCE_TOLERANCE,
) -> str:
    """Return by how much a rectangle extends beyond a plan with its corner at (0, 0): "1 mm to the east".

    Corner and sizes are in m. The text is empty if the rectangle lies in the plan. `is_round` is that of the
    rectangle, which then stands for the disc in it; the plan is a disc if `is_in_circle`.
    """
    (x, y), (width, depth) = corner, plan
    beyond = {"west": -x, "east": x + size[0] - width, "south": -y, "north": y + size[1] - depth}
    sides = " and ".join(
        f"{format_quantity(length, 'length')} to the {side}"
        for side, length in beyond.items()
        if length > tolerance
    )
    if sides or not is_in_circle:
        return sides
    center = 0.5 * width, 0.5 * depth
    outline = x, y, x + size[0], y + size[1]
    return length_beyond_circle(outline, center, center[0], is_round=is_round, tolerance=tolerance)


def length_beyond_circle(
    outline: Rectangle,
    center: tuple[float, float],
    radius: float,
    *,
    is_round: bool,
    tolerance: float = COINCIDENCE_TOLERANCE,
) -> str:
    """Return by how much a plan extends beyond a circle: "1 mm at the north-east corner", or an empty text.

    `outline` [m] is that of the plan, which is the disc in it if `is_round`.
    """
    x0, y0, x1, y1 = outline
    if is_round:
        x, y = 0.5 * (x0 + x1) - center[0], 0.5 * (y0 + y1) - center[1]
        length = hypot(x, y) + 0.5 * (x1 - x0) - radius
        where = f"to the {_direction(x, y)}"
    else:
        corners = {
            f"{side}-{end}": hypot(x - center[0], y - center[1]) - radius
            for side, y in (("south", y0), ("north", y1))
            for end, x in (("west", x0), ("east", x1))
        }
        length = max(corners.values())
        outside = [name for name, each in corners.items() if each > tolerance]
        every = "all corners" if len(outside) == len(corners) else f"the {' and '.join(outside)} corner"
        where = f"at {every}{'s' if 1 < len(outside) < len(corners) else ''}"
    return f"{format_quantity(length, 'length')} {where}" if length > tolerance else ""


def _direction(x: float, y: float) -> str:
    """Return the compass direction of a vector: "north-east"."""
    ends = "" if abs(x) < 0.5 * abs(y) else "east" if x > 0.0 else "west"
    sides = "" if abs(y) < 0.5 * abs(x) else "north" if y > 0.0 else "south"
    return "-".join(filter(None, (sides, ends)))
