"""Axis-parallel rectangles in the plane: their type, intersection, difference, frame and overhang."""

from __future__ import annotations

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


def lengths_beyond(corner: tuple[float, float], size: tuple[float, float], plan: tuple[float, float]) -> str:
    """Return by how much a rectangle extends beyond a plan with its corner at (0, 0): "1 mm to the east".

    Corner and sizes are in m. The text is empty if the rectangle lies in the plan.
    """
    (x, y), (width, depth) = corner, plan
    beyond = {"west": -x, "east": x + size[0] - width, "south": -y, "north": y + size[1] - depth}
    return " and ".join(
        f"{format_quantity(length, 'length')} to the {side}"
        for side, length in beyond.items()
        if length > COINCIDENCE_TOLERANCE
    )
