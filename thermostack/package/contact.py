"""Contact of each stack with its supports, and of the base of a cooler with the stacks below it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.material import VOID
from thermostack.package.box import Box, plan
from thermostack.package.height_hint import IsFixed, height_hint
from thermostack.package.placement import Placement
from thermostack.package.position_frame import position_frame
from thermostack.package.rectangles import (
    COINCIDENCE_TOLERANCE,
    Rectangle,
    have_common_area,
    intersection,
)
from thermostack.schema.validated_dataclass import FieldPath, diagnostic_at
from thermostack.units import format_quantity

# m: an empty gap between a stack without power and a base that is narrower than this is probably an error.
# The length decides about errors and warnings only: a gap fill fills gaps of any height.
MAX_SUSPICIOUS_GAP = 0.2e-3


def support_diagnostics(
    placements: Mapping[str, Placement], is_fixed: IsFixed = lambda path: False
) -> Iterator[Diagnostic]:
    """Yield an error for each stack that does not touch all stacks named in its `on`.

    Only a `gap_fill` of the stack itself permits a gap: the filler of another stack would take the place of
    the contact that was described. Hints propose no change of fields that are fixed.
    """
    for placement in placements.values():
        stack = placement.stack
        supports = [placements[name] for name in stack.on]
        short = []
        for support in supports:
            if not _common_area(placement, support):
                frame = position_frame(stack, placements)
                name = frame.stack.name if frame is not None else "the package"
                text = f"{stack.name} stands on {support.stack.name} but lies beside it"
                hint = f"its position is in the frame of {name}; correct it, or remove {support.stack.name}"
                yield diagnostic_at(("stacks", stack.name, "on"), text, hint, "E-GAP")
            elif stack.gap_fill is None and placement.z0 - support.z1 > COINCIDENCE_TOLERANCE:
                short.append(support)
        if short:
            yield _gap_above(placement, short, placements, is_fixed)


def _gap_above(
    placement: Placement,
    short: Sequence[Placement],
    placements: Mapping[str, Placement],
    is_fixed: IsFixed,
) -> Diagnostic:
    """Return the error of a stack that lies above some of its supports instead of on them."""
    name, lower = placement.stack.name, [each.stack.name for each in short]
    gaps = [placement.z0 - each.z1 for each in short]
    low, high = (format_quantity(gap, "length") for gap in (min(gaps), max(gaps)))
    gap, verb = (f"a gap of {low}", "separates") if low == high else (f"gaps of {low} to {high}", "separate")
    tall = [other for other in placement.stack.on if other not in lower]
    text = f"{gap} {verb} {name} from {_listed(lower)}, because it rests on {_listed(tall)}"
    stacks = {other: each.stack for other, each in placements.items()}
    follow = height_hint(name, lower, stacks, is_fixed) or "change a thickness"
    hint = f"{follow}, or give {name} a gap_fill (void leaves the gap empty)"
    return diagnostic_at(("stacks", name), text, hint, "E-GAP")


def _listed(names: Sequence[str]) -> str:
    """Return names as text; of more than three the rest is counted."""
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _common_area(one: Placement, other: Placement) -> bool:
    """Return whether the solid plans of two stacks have a common area."""
    return any(have_common_area(a, b) for a in one.solid for b in other.solid)


def gap_diagnostics(boxes: Sequence[Box], placements: Mapping[str, Placement]) -> Iterator[Diagnostic]:
    """Yield an error for each stack on several others with an empty space below it."""
    for placement in placements.values():
        stack = placement.stack
        if len(stack.on) < 2 or stack.gap_fill == VOID:
            continue
        for outline in placement.solid:
            gap = find_gap_below(boxes, outline, placement.z0)
            if gap is None:
                continue
            x, y, floor = gap
            values = [format_quantity(value, "length") for value in (floor, placement.z0, x, y)]
            text = "nothing fills the space from z = {} to {} under it, at ({}, {})".format(*values)
            hint = "give this stack a gap_fill, or the stack below a filler; gap_fill: void leaves it empty"
            yield diagnostic_at(("stacks", stack.name), text, hint, "E-GAP")
            break


def gaps_below_base(
    boxes: Sequence[Box], base: Rectangle, z: float, placements: Mapping[str, Placement]
) -> dict[str, list[Rectangle]]:
    """Return by stack the rectangles [m] where an empty gap separates it from a base at height z [m]."""
    found = {}
    for name, placement in placements.items():
        if z - placement.z1 > COINCIDENCE_TOLERANCE:
            under = [common for outline in placement.solid if (common := intersection(outline, base))]
            if open_ones := [outline for outline in under if find_gap_below(boxes, outline, z, placement.z1)]:
                found[name] = open_ones
    return found


def is_probable_error(name: str, z: float, placements: Mapping[str, Placement]) -> bool:
    """Return whether an empty gap between a stack and a base at height z [m] is probably not meant.

    So it is for stacks with power in or below them, and for a gap narrower than `MAX_SUSPICIOUS_GAP`. For a
    stack that carries others which the base touches only the second counts: a base extends above its board.
    """
    if z - placements[name].z1 < MAX_SUSPICIOUS_GAP:
        return True
    carriers = touched_carriers(z, placements)
    tower = set() if name in carriers else {name, *_carriers([name], placements)} - carriers
    return any(layer.power is not None for each in tower for layer in placements[each].stack.layers)


def gaps_above_base(
    boxes: Sequence[Box], base: Rectangle, z: float, placements: Mapping[str, Placement]
) -> dict[str, list[Rectangle]]:
    """Return by stack the rectangles [m] where an empty gap separates it from a base below it.

    The top of the base is at height z [m], and the stacks extend beyond their support.
    """
    top = max(box.high[2] for box in boxes)
    upside_down = [
        Box(box.part, (*box.low[:2], top - box.high[2]), (*box.high[:2], top - box.low[2])) for box in boxes
    ]
    found = {}
    for name, placement in placements.items():
        if placement.z0 - z <= COINCIDENCE_TOLERANCE:
            continue
        over = [common for outline in placement.solid if (common := intersection(outline, base))]
        if open_ones := [
            each for each in over if find_gap_below(upside_down, each, top - z, top - placement.z0)
        ]:
            found[name] = open_ones
    return found


def base_gap_error(name: str, gap: float, path: FieldPath) -> Diagnostic:
    """Return the error of a gap [m] between a base and a stack that its gap fill would fill."""
    hint = f"add a layer to {name}, or give the base a gap_fill (void leaves the gap empty)"
    return diagnostic_at((*path, "base"), _gap_text(name, gap), hint, "E-GAP")


def base_gap_warning(name: str, gap: float, path: FieldPath, *, is_fillable: bool) -> Diagnostic:
    """Return the warning of a gap [m] between a base and a stack."""
    advice = "give the base a gap_fill" if is_fillable else f"give {name} a layer or a filler"
    hint = f"{advice}; gap_fill: void of the base leaves the gap empty"
    return diagnostic_at((*path, "base"), _gap_text(name, gap), hint, "W-GAP")


def _gap_text(name: str, gap: float) -> str:
    return f"an empty gap of {format_quantity(gap, 'length')} separates the base from {name}"


def touched_carriers(z: float, placements: Mapping[str, Placement]) -> set[str]:
    """Return the names of the stacks that carry those with their top at height z [m]."""
    touched = [name for name, each in placements.items() if abs(z - each.z1) < COINCIDENCE_TOLERANCE]
    return _carriers(touched, placements)


def _carriers(names: Sequence[str], placements: Mapping[str, Placement]) -> set[str]:
    """Return the names of all stacks that carry some stacks."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        supports = set(placements[waiting.pop()].stack.supports) - found
        found |= supports
        waiting += supports
    return found


def find_gap_below(
    boxes: Sequence[Box], outline: Rectangle, z: float, required_floor: float | None = None
) -> tuple[float, float, float] | None:
    """Return a point (x, y) of a rectangle with an empty space below height z, and the floor of that [m].

    With `required_floor` [m] only gaps with this floor are found.
    """
    below = [
        box
        for box in boxes
        if box.low[2] < z - COINCIDENCE_TOLERANCE and have_common_area(plan(box), outline)
    ]
    x, y = (0.5 * (cuts[1:] + cuts[:-1]) for cuts in (_cuts(below, outline, axis) for axis in (0, 1)))
    is_closed = np.zeros((x.size, y.size), dtype=bool)
    floor = np.zeros(is_closed.shape)
    columns, rows = x.tolist(), y.tolist()
    for (x0, y0, x1, y1), group in groupby(below, plan):  # the layers of a stack have one plan
        window = (
            slice(bisect_left(columns, x0), bisect_left(columns, x1)),
            slice(bisect_left(rows, y0), bisect_left(rows, y1)),
        )
        tops = [(box.high[2], box.part >= 0) for box in group]
        reaching = [is_solid for top, is_solid in tops if top > z - COINCIDENCE_TOLERANCE]
        lower = [top for top, is_solid in tops if is_solid and not top > z - COINCIDENCE_TOLERANCE]
        if reaching:
            is_closed[window] = reaching[-1]
        if lower:
            floor[window] = np.maximum(floor[window], max(lower))
    is_open = ~is_closed
    if required_floor is not None:
        is_open &= np.abs(floor - required_floor) < COINCIDENCE_TOLERANCE
    if not is_open.any():
        return None
    i, j = np.argwhere(is_open)[0]
    return float(x[i]), float(y[j]), float(floor[i, j])


def _cuts(boxes: list[Box], outline: Rectangle, axis: int) -> np.ndarray:
    """Return the ends of a rectangle and the faces of boxes between them along an axis [m], ascending."""
    edges = [outline[axis], outline[axis + 2]]
    edges += [
        edge
        for box in boxes
        for edge in (box.low[axis], box.high[axis])
        if outline[axis] < edge < outline[axis + 2]
    ]
    found = np.unique(edges)
    return found[np.concatenate(([True], np.diff(found) > COINCIDENCE_TOLERANCE))]
