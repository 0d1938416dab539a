"""Search for overlapping blocks: against all pairs, at shared edges, and in large floorplans."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cost import count_calls

from thermostack.package.block_overlap import find_overlaps
from thermostack.units import mm, nm

MAX_CALLS_PER_BLOCK = 12


def table_of(*rectangles: tuple[float, float, float, float]) -> np.ndarray:
    """Return x, y, width and height [m] of rectangles given in mm."""
    return np.array(rectangles).reshape(-1, 4) * mm


def overlapping_pairs(rectangles: list[tuple[int, int, int, int]]) -> set[tuple[int, int]]:
    """Return the pairs (later, earlier) of rectangles with a common area, from a test of every pair."""
    found = set()
    for (n, (x, y, w, h)), (m, (a, b, c, d)) in combinations(enumerate(rectangles), 2):
        if min(x + w, a + c) > max(x, a) and min(y + h, b + d) > max(y, b):
            found.add((m, n))
    return found


lattice = st.tuples(*[st.integers(0, 8)] * 2, *[st.integers(1, 4)] * 2)


@given(st.lists(lattice, max_size=12))
def test_overlaps_are_those_of_a_test_of_every_pair(rectangles: list[tuple[int, int, int, int]]) -> None:
    found = {(one, other) for one, other, _ in find_overlaps(table_of(*rectangles))}
    expected = overlapping_pairs(rectangles)
    assert found <= expected
    assert bool(found) == bool(expected)
    if len(rectangles) == 2:
        assert found == expected


def test_common_rectangle_and_order_of_the_names() -> None:
    ((one, other, rectangle),) = find_overlaps(table_of((2, 3, 4, 4), (0, 0, 3, 5)))
    assert (one, other) == (1, 0)
    assert rectangle == pytest.approx((2 * mm, 3 * mm, 3 * mm, 5 * mm))


@pytest.mark.parametrize("thin", [10 * nm, 100 * nm])
def test_a_strip_is_found_at_any_width(thin: float) -> None:
    strip = np.array([[5 * mm, 0.0, thin, 10 * mm]])
    whole = table_of((0, 0, 10, 10))
    assert [pair[:2] for pair in find_overlaps(np.concatenate([whole, strip]))] == [(1, 0)]
    assert [pair[:2] for pair in find_overlaps(np.concatenate([strip, strip]))] == [(1, 0)]


def test_shared_edges_and_rounding_errors_are_no_overlap() -> None:
    edges = np.linspace(0.0, 17.3 * mm, 8)
    columns = np.array([[low, 0.0, high - low, 1 * mm] for low, high in pairwise(edges)])
    assert find_overlaps(columns) == []
    columns[3, 2] += 15 * nm  # a millionth of the floorplan is 17 nm
    assert find_overlaps(columns) == []
    columns[3, 2] += 10 * nm
    assert [pair[:2] for pair in find_overlaps(columns)] == [(4, 3)]


@pytest.mark.parametrize("shape", [(100, 100), (1, 10_000), (10_000, 1)])
def test_cost_is_linear_in_the_number_of_blocks(shape: tuple[int, int]) -> None:
    j, i = np.indices(shape).reshape(2, -1)
    blocks = np.stack([i, j, np.ones(i.size), np.ones(i.size)], axis=1) * mm
    calls, found = count_calls(lambda: find_overlaps(blocks))
    assert found == []
    assert calls < MAX_CALLS_PER_BLOCK * len(blocks)
