"""The kernels of a step in time against plain NumPy twins, on odd sizes, with any number of threads."""

from __future__ import annotations

import math

import numpy as np
import pytest

from thermostack.transient import _stage_vectors

PIECE = 2048  # cells that the kernels take at one time
SIZES = (1, 2, 7, 8, 9, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5, 9 * PIECE)
EVERY_SIZE = pytest.mark.parametrize("cells", SIZES)
ROWS = 7
EPSILON = np.finfo(float).eps


def numbers(cells: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, cells)).normal(0.0, 30.0, (*shape, cells))


def chosen(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return some of the first six rows, and weights of both signs."""
    rng = np.random.default_rng((seed, count))
    return rng.permutation(ROWS - 1)[:count].astype(np.intc), rng.normal(0.0, 2.0, count)


def pieces(cells: int) -> list[slice]:
    return [slice(begin, min(begin + PIECE, cells)) for begin in range(0, cells, PIECE)]


# -- twins ---------------------------------------------------------------------------------------


def plain_mix(fields: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted sum of rows, in their order."""
    out = np.zeros(fields.shape[1])
    for row, weight in zip(rows, weights, strict=True):
        out += weight * fields[row]
    return out


def plain_judge(
    fields: np.ndarray, rows: np.ndarray, weights: np.ndarray, capacity: np.ndarray
) -> np.ndarray:
    """Return for each piece the largest magnitude of the weighted sum, and capacity times the rise."""
    error, rise = np.abs(plain_mix(fields, rows, weights)), fields[rows[-1]] - fields[rows[0]]
    return np.array([(error[each].max(), capacity[each] @ rise[each]) for each in pieces(error.size)])


def roundings(fields: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how far two ways to add up may be apart in each cell."""
    bound: np.ndarray = 4 * EPSILON * (np.abs(weights)[:, None] * np.abs(fields[rows])).sum(axis=0)
    return bound


# -- mix -----------------------------------------------------------------------------------------


@EVERY_SIZE
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_mixture_is_the_weighted_sum_of_its_rows(cells: int, count: int) -> None:
    fields, (rows, weights) = numbers(cells, ROWS), chosen(count)
    out, before = np.full(cells, np.nan), fields.copy()
    _stage_vectors.mix(fields, rows, weights, 0, out, 1)
    assert (np.abs(out - plain_mix(fields, rows, weights)) <= roundings(fields, rows, weights)).all()
    assert np.array_equal(fields, before)


def test_a_row_that_is_not_summed_may_take_the_sum() -> None:
    fields, (rows, weights) = numbers(5000, ROWS), chosen(3)
    expected = np.empty(5000)
    _stage_vectors.mix(fields, rows, weights, 0, expected, 1)
    _stage_vectors.mix(fields, rows, weights, 0, fields[ROWS - 1], 1)
    assert np.array_equal(fields[ROWS - 1], expected)


def test_one_row_of_weight_one_is_copied() -> None:
    fields, out = numbers(77, ROWS), np.empty(77)
    _stage_vectors.mix(fields, np.array([4], np.intc), np.ones(1), 0, out, 1)
    assert np.array_equal(out, fields[4])


# -- begin ---------------------------------------------------------------------------------------


@EVERY_SIZE
@pytest.mark.parametrize("shift", [0.0, 0.3, 1e9])
def test_a_stage_begins_with_what_is_stored_and_with_a_guess(cells: int, shift: float) -> None:
    fields, capacity = numbers(cells, ROWS), np.maximum(numbers(cells, seed=1), 0.0)  # half of them empty
    (base, base_weights), (near, near_weights) = chosen(4), chosen(3, seed=9)
    heat, guess = np.full(cells, np.nan), fields[ROWS - 1]
    others = fields[: ROWS - 1].copy()
    _stage_vectors.begin(fields, base, base_weights, shift, capacity, heat, near, near_weights, guess, 1)
    stored = shift * capacity * plain_mix(others, base, base_weights)
    bound = shift * capacity * roundings(others, base, base_weights) + 4 * EPSILON * np.abs(stored)
    assert (np.abs(heat - stored) <= bound).all()
    expected = np.where(capacity > 0.0, plain_mix(others, near, near_weights), 0.0)
    assert (np.abs(guess - expected) <= roundings(others, near, near_weights)).all()
    assert (guess[capacity == 0.0] == 0.0).all()
    assert np.array_equal(fields[: ROWS - 1], others)


def test_without_a_shift_nothing_stored_is_left() -> None:
    fields, heat = numbers(3000, ROWS), np.full(3000, np.nan)
    rows, weights = chosen(2)
    _stage_vectors.begin(fields, rows, weights, 0.0, np.ones(3000), heat, rows, weights, fields[ROWS - 1], 1)
    assert not heat.any()


def test_a_piece_of_a_mixture_is_that_of_the_whole() -> None:
    fields, (rows, weights) = numbers(5000, ROWS), chosen(3)
    whole, piece = np.empty(5000), np.empty(PIECE + 5)
    _stage_vectors.mix(fields, rows, weights, 0, whole, 1)
    _stage_vectors.mix(fields, rows, weights, 777, piece, 1)
    assert np.array_equal(piece, whole[777 : 777 + piece.size])


# -- depart --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, PIECE, PIECE + 1, 3 * PIECE + 5])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_mixture_departs_from_others_by_the_largest_difference_in_each_plane(size: int, count: int) -> None:
    fields, (rows, weights) = numbers(5 * size, ROWS), chosen(count)
    other, planes = numbers(5 * size, seed=4).reshape(5, size), np.array([0, 3, 4], np.intp)
    found = np.full(3, np.nan)
    _stage_vectors.depart(fields, rows, weights, other, planes, found, 1)
    expected = np.abs(plain_mix(fields, rows, weights).reshape(5, size) - other)[planes].max(axis=1)
    bounds = roundings(fields, rows, weights).reshape(5, size) + EPSILON * np.abs(other)
    assert (np.abs(found - expected) <= bounds[planes].max(axis=1)).all()


@pytest.mark.parametrize("place", ["fields", "other"])
@pytest.mark.parametrize("cell", [0, 7, PIECE, 2 * PIECE + 1])
def test_a_departure_of_what_is_no_number_is_none(place: str, cell: int) -> None:
    size = 3 * PIECE
    fields, (rows, weights), other = numbers(3 * size, ROWS), chosen(3), numbers(3 * size, seed=4)
    (fields[rows[0]] if place == "fields" else other)[size + cell] = np.nan
    found = np.empty(3)
    _stage_vectors.depart(fields, rows, weights, other.reshape(3, size), np.arange(3), found, 1)
    assert np.isnan(found).tolist() == [False, True, False]


# -- judge ---------------------------------------------------------------------------------------


@EVERY_SIZE
def test_a_step_is_judged_by_its_largest_error_and_by_what_it_stores(cells: int) -> None:
    fields, capacity = numbers(cells, ROWS), np.abs(numbers(cells, seed=1))
    rows, weights = chosen(4)
    found = np.full((-(-cells // PIECE), 2), np.nan)
    _stage_vectors.judge(fields, rows, weights, capacity, found, 1)
    expected = plain_judge(fields, rows, weights, capacity)
    assert found.shape == expected.shape
    bounds = roundings(fields, rows, weights)
    heats = capacity * (np.abs(fields[rows[-1]]) + np.abs(fields[rows[0]]))
    for one, other, each in zip(found, expected, pieces(cells), strict=True):
        assert abs(one[0] - other[0]) <= bounds[each].max()
        assert abs(one[1] - other[1]) <= PIECE * EPSILON * heats[each].sum()


@pytest.mark.parametrize("cells", [1, 5, 8, 2049, 5000])
def test_one_cell_that_is_far_off_is_seen_wherever_it_is(cells: int) -> None:
    rows, weights = np.array([0, 1], np.intc), np.array([-1.0, 1.0])
    for place in {0, cells // 3, cells // 2, cells - 1}:
        for sign in (-1.0, 1.0):
            fields = np.zeros((2, cells))
            fields[1, place] = 7.5 * sign
            found = np.empty((-(-cells // PIECE), 2))
            _stage_vectors.judge(fields, rows, weights, np.full(cells, 2.0), found, 1)
            assert found[:, 0].max() == 7.5
            assert found[:, 1].sum() == 15.0 * sign
            assert np.count_nonzero(found) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("cells", [1, 9, 2048, 4500])
def test_what_is_no_number_is_not_overlooked(cells: int, bad: float) -> None:
    rows, weights = np.array([0, 1], np.intc), np.array([-1.0, 1.0])
    for place in {0, cells // 2, cells - 1}:
        fields = numbers(cells, 2)
        fields[1, place] = bad
        found = np.empty((-(-cells // PIECE), 2))
        _stage_vectors.judge(fields, rows, weights, np.ones(cells), found, 1)
        assert not np.isfinite(found[place // PIECE, 0])
        assert not found[:, 0].max() <= 1e300  # as a step is judged by it


# -- threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [1, PIECE + 1, 9 * PIECE])
def test_threads_change_no_bit(cells: int) -> None:
    fields, capacity, other = numbers(cells, ROWS), np.abs(numbers(cells, seed=1)), numbers(cells, seed=2)
    rows, weights = chosen(5)
    results = []
    for threads in (1, 2, 3, 8):
        own = fields.copy()
        out, heat, found = np.empty(cells), np.empty(cells), np.empty((-(-cells // PIECE), 2))
        planes = np.arange(math.gcd(cells, 9))
        farthest = np.empty(planes.size)
        _stage_vectors.mix(own, rows, weights, 0, out, threads)
        _stage_vectors.depart(own, rows, weights, other.reshape(planes.size, -1), planes, farthest, threads)
        _stage_vectors.begin(own, rows, weights, 3.0, capacity, heat, rows, weights, own[ROWS - 1], threads)
        _stage_vectors.judge(own, rows, weights, capacity, found, threads)
        results.append(b"".join(each.tobytes() for each in (out, heat, own, found, farthest)))
    assert len(set(results)) == 1
