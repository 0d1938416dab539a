"""Where every stack of a package stands, and what is wrong with it there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.package.package import Package, Stack
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

TOUCH = 1e-9  # m: faces nearer than this are one; also how far a stack may leave its host

Rectangle = tuple[float, float, float, float]  # x0, y0, x1, y1 in m


@dataclass(frozen=True)
class Placement:
    """Where a stack is: its plan turned by `matrix` and moved by `shift`, its bottom at z0."""

    stack: Stack
    matrix: tuple[tuple[int, int], tuple[int, int]]
    shift: tuple[float, float]
    z0: float

    @property
    def z1(self) -> float:
        """Return the height of its top [m]."""
        return self.z0 + self.stack.height

    def rectangle(self, x: float, y: float, width: float, depth: float) -> Rectangle:
        """Return a rectangle of the stack's plan in absolute coordinates."""
        corners = [self.point(x, y), self.point(x + width, y + depth)]
        (xa, ya), (xb, yb) = corners
        return min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)

    @property
    def outline(self) -> Rectangle:
        """Return the whole plan in absolute coordinates."""
        return self.rectangle(0.0, 0.0, *self.stack.size)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the stack's plan in absolute coordinates."""
        (a, b), (c, d) = self.matrix
        return a * x + b * y + self.shift[0], c * x + d * y + self.shift[1]

    @property
    def is_turned(self) -> bool:
        """Return whether x of the stack lies along y of the package."""
        return self.matrix[0][0] == 0

    @property
    def turn(self) -> tuple[int, bool]:
        """Return the plan's rotation [degrees] after its mirroring in x, and whether it is mirrored."""
        (a, b), (c, d) = self.matrix
        is_mirrored = a * d - b * c < 0
        cosine, sine = (-a, -c) if is_mirrored else (a, c)
        return {(1, 0): 0, (0, 1): 90, (-1, 0): 180, (0, -1): 270}[cosine, sine], is_mirrored

    def solid(self) -> list[Rectangle]:
        """Return the rectangles the stack fills: one, or the four sides of its frame."""
        return frame_rectangles(self.outline, self.stack.frame)


def frame_rectangles(outline: Rectangle, frame: float | None) -> list[Rectangle]:
    """Return a rectangle, or the four sides of a frame of that width [m] along its outline."""
    if frame is None:
        return [outline]
    x0, y0, x1, y1 = outline
    return [
        (x0, y0, x1, y0 + frame),
        (x0, y1 - frame, x1, y1),
        (x0, y0 + frame, x0 + frame, y1 - frame),
        (x1 - frame, y0 + frame, x1, y1 - frame),
    ]


_TURNS = {0: ((1, 0), (0, 1)), 90: ((0, -1), (1, 0)), 180: ((-1, 0), (0, -1)), 270: ((0, 1), (-1, 0))}


def place_stacks(package: Package) -> dict[str, Placement]:
    """Return every stack's place, hosts before those that stand on them; without those it is not said of."""
    roots = [stack for stack in package.stacks if not stack.supports]
    others = [stack for stack in package.stacks if stack.supports and (stack.position or stack.center)]
    waiting = [*roots[:1], *others]
    places: dict[str, Placement] = {}
    while ready := [stack for stack in waiting if all(host in places for host in stack.supports)]:
        for stack in ready:
            places.setdefault(stack.name, _place(stack, places))
        waiting = [stack for stack in waiting if stack.name not in places]
    return places


def _place(stack: Stack, places: dict[str, Placement]) -> Placement:
    hosts = [places[name] for name in stack.supports]
    if stack.inside is not None:
        z0 = hosts[0].z1 - stack.depth - stack.height
    else:
        z0 = max((host.z1 for host in hosts), default=0.0)
    frame: Placement | None = hosts[0] if hosts else None
    if len(hosts) > 1:  # on several: in the frame of what the first of them stands on
        below = hosts[0].stack.supports
        frame = places[below[0]] if below else None
    own = np.array(_TURNS[stack.rotate]) @ (
        np.array(((-1, 0), (0, 1))) if stack.flip else np.eye(2, dtype=int)
    )
    corners = own @ np.array(((0.0, stack.size[0]), (0.0, stack.size[1])))
    shift = np.array(stack.corner) - corners.min(axis=1)
    if frame is not None:
        outer = np.array(frame.matrix)
        own, shift = outer @ own, outer @ shift + np.array(frame.shift)
    (a, b), (c, d) = own.tolist()
    return Placement(stack, ((a, b), (c, d)), (float(shift[0]), float(shift[1])), z0)


def spatial_diagnostics(places: dict[str, Placement]) -> Iterator[Diagnostic]:
    for placement in places.values():
        yield from _leaving(placement, places)
    placed = [placement for placement in places.values() if not _sinks(placement, places)]
    embedded = {placement.stack.name: _embedding_hosts(placement.stack, places) for placement in placed}
    for n, one in enumerate(placed):
        for other in placed[:n]:
            a, b = one.stack.name, other.stack.name
            if b in embedded[a] or a in embedded[b]:
                continue
            if shared := _shared(one, other):
                x0, y0, x1, y1 = (format_quantity(value, "length") for value in shared)
                text = f"{a} overlaps {b} from ({x0}, {y0}) to ({x1}, {y1}) of the package"
                yield diagnostic_at(("stacks", a), text, "move one, or say `inside:`", "E-OVERLAP")


def _leaving(placement: Placement, places: dict[str, Placement]) -> Iterator[Diagnostic]:
    stack = placement.stack
    if len(stack.supports) != 1:
        return
    host = places[stack.supports[0]]
    (x0, y0, x1, y1), (a0, b0, a1, b1) = placement.outline, host.outline
    out = {"west": a0 - x0, "east": x1 - a1, "south": b0 - y0, "north": y1 - b1}
    here = ("stacks", stack.name)
    if max(out.values()) > TOUCH:
        sides = [f"{format_quantity(by, 'length')} to the {side}" for side, by in out.items() if by > TOUCH]
        text = f"{stack.name} leaves {host.stack.name} by {' and '.join(sides)}"
        yield diagnostic_at(here, text, "move it, or change one of their sizes", "E-OUTSIDE")
    if _sinks(placement, places):
        below = format_quantity(host.z0 - placement.z0, "length")
        text = f"{stack.name} reaches {below} below {host.stack.name}"
        yield diagnostic_at(here, text, "less depth, or thinner layers", "E-OUTSIDE")


def _sinks(placement: Placement, places: dict[str, Placement]) -> bool:
    """Return whether an embedded stack comes out of its host below."""
    inside = placement.stack.inside
    return inside is not None and placement.z0 < places[inside].z0 - TOUCH


def _embedding_hosts(stack: Stack, places: dict[str, Placement]) -> set[str]:
    """Return the stacks in whose body this one may stand: those it is inside of, directly or below it."""
    found: set[str] = set()
    waiting = [stack]
    while waiting:
        one = waiting.pop()
        if one.inside is not None:
            found.add(one.inside)
        waiting += [places[host].stack for host in one.supports]
    return found


def _shared(one: Placement, other: Placement) -> Rectangle | None:
    """Return the rectangle in which two stacks fill the same space, None where they do not."""
    if min(one.z1, other.z1) - max(one.z0, other.z0) <= TOUCH:
        return None
    for a in one.solid():
        for b in other.solid():
            if common := intersection(a, b):
                return common
    return None


def intersection(a: Rectangle, b: Rectangle) -> Rectangle | None:
    x0, y0, x1, y1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (x0, y0, x1, y1) if x1 - x0 > TOUCH and y1 - y0 > TOUCH else None


def difference(whole: Rectangle, taken: Rectangle) -> list[Rectangle]:
    """Return what is left of a rectangle without another, as up to four rectangles."""
    common = intersection(whole, taken)
    if common is None:
        return [whole]
    (x0, y0, x1, y1), (a0, b0, a1, b1) = whole, common
    pieces = [(x0, y0, x1, b0), (x0, b1, x1, y1), (x0, b0, a0, b1), (a1, b0, x1, b1)]
    return [piece for piece in pieces if piece[2] - piece[0] > TOUCH and piece[3] - piece[1] > TOUCH]
