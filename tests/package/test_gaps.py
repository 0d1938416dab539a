"""Empty spaces below a height: equal to those found box by box."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack.package.box import Box, plan
from thermostack.package.contact import find_gap_below
from thermostack.package.rectangles import Rectangle, have_common_area, intersection


def gap_point_by_point(
    boxes: list[Box], outline: Rectangle, z: float, required_floor: float | None
) -> tuple[float, float, float] | None:
    """Return the first point with an empty space below z and its floor, from the boxes over each point."""
    below = [box for box in boxes if box.low[2] < z and intersection(plan(box), outline)]
    cuts = [
        sorted({*outline[axis::2], *(e for box in below for e in (box.low[axis], box.high[axis]))})
        for axis in (0, 1)
    ]
    cuts = [[c for c in own if outline[axis] <= c <= outline[axis + 2]] for axis, own in enumerate(cuts)]
    for x in (0.5 * (a + b) for a, b in zip(cuts[0][:-1], cuts[0][1:], strict=True)):
        for y in (0.5 * (a + b) for a, b in zip(cuts[1][:-1], cuts[1][1:], strict=True)):
            is_closed, floor = False, 0.0
            for box in below:
                if box.low[0] < x < box.high[0] and box.low[1] < y < box.high[1]:
                    if box.high[2] >= z:
                        is_closed = box.part >= 0
                    elif box.part >= 0:
                        floor = max(floor, box.high[2])
            if not is_closed and (required_floor is None or floor == required_floor):
                return x, y, floor
    return None


@pytest.mark.parametrize("seed", range(40))
def test_gap_equals_that_found_point_by_point(seed: int) -> None:
    """Integer coordinates, so that many boxes touch, and many have one plan as the layers of a stack."""
    random = np.random.default_rng(seed)
    plans = [np.sort(random.integers(0, 7, (2, 2)), axis=0) for _ in range(5)]
    boxes = []
    for _ in range(15):
        (x0, y0), (x1, y1) = plans[int(random.integers(5))].astype(float).tolist()
        z0, z1 = np.sort(random.choice(6, 2, replace=False)).astype(float).tolist()
        boxes += [Box(int(random.integers(-1, 3)), (x0, y0, z0), (x1, y1, z1))] * int(x0 < x1 and y0 < y1)
    outline = (1.0, 1.0, 6.0, 5.0)
    for z in (1.0, 3.0, 5.0):
        for floor in (None, 0.0, 2.0):
            found = find_gap_below(boxes, outline, z, floor)
            assert found == gap_point_by_point(boxes, outline, z, floor)


def test_rectangles_have_a_common_area_where_they_intersect() -> None:
    random = np.random.default_rng(3)
    sides = np.sort(random.integers(0, 4, (300, 2, 2)), axis=1).reshape(300, 4).astype(float)
    pairs = [(tuple(a.tolist()), tuple(b.tolist())) for a, b in zip(sides[:150], sides[150:], strict=True)]
    found = [have_common_area(a, b) for a, b in pairs]  # type: ignore[arg-type]
    assert found == [intersection(a, b) is not None for a, b in pairs]  # type: ignore[arg-type]
    assert 0 < sum(found) < len(found)
