"""Kernels of a time step against NumPy twins, on odd sizes and with several numbers of threads."""

from __future__ import annotations

import math

import numpy as np
import pytest

from thermostack.transient import _stage_vectors
from thermostack.transient._stage_vectors import CELLS_PER_PIECE as PIECE
from thermostack.transient._stage_vectors import WeightedSum

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


def plain_sum(fields: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted sum of rows, added in order."""
    out = np.zeros(fields.shape[1])
    for row, weight in zip(rows, weights, strict=True):
        out += weight * fields[row]
    return out


def plain_error_and_storage(
    fields: np.ndarray, rows: np.ndarray, weights: np.ndarray, capacity: np.ndarray
) -> np.ndarray:
    """Return the maximum magnitude of the weighted sum and capacity times the rise, for each piece."""
    error, rise = np.abs(plain_sum(fields, rows, weights)), fields[rows[-1]] - fields[rows[0]]
    return np.array([(error[each].max(), capacity[each] @ rise[each]) for each in pieces(error.size)])


def roundings(fields: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return a bound of the difference of two orders of summation in each cell."""
    bound: np.ndarray = 4 * EPSILON * (np.abs(weights)[:, None] * np.abs(fields[rows])).sum(axis=0)
    return bound


# -- combine -----------------------------------------------------------------------------------------


@EVERY_SIZE
@pytest.mark.parametrize("count", [1, 2, 5])
def test_combine_returns_the_weighted_sum(cells: int, count: int) -> None:
    fields, (rows, weights) = numbers(cells, ROWS), chosen(count)
    out, before = np.full(cells, np.nan), fields.copy()
    _stage_vectors.combine(WeightedSum(fields, rows, weights), 0, out, 1)
    assert (np.abs(out - plain_sum(fields, rows, weights)) <= roundings(fields, rows, weights)).all()
    assert np.array_equal(fields, before)


def test_combine_into_a_row_that_is_not_summed() -> None:
    fields, (rows, weights) = numbers(5000, ROWS), chosen(3)
    expected = np.empty(5000)
    _stage_vectors.combine(WeightedSum(fields, rows, weights), 0, expected, 1)
    _stage_vectors.combine(WeightedSum(fields, rows, weights), 0, fields[ROWS - 1], 1)
    assert np.array_equal(fields[ROWS - 1], expected)


def test_combine_copies_one_row_of_weight_one() -> None:
    fields, out = numbers(77, ROWS), np.empty(77)
    _stage_vectors.combine(WeightedSum(fields, np.array([4], np.intc), np.ones(1)), 0, out, 1)
    assert np.array_equal(out, fields[4])


# -- stage_rhs ---------------------------------------------------------------------------------------


@EVERY_SIZE
@pytest.mark.parametrize("shift", [0.0, 0.3, 1e9])
def test_stage_rhs_sets_right_hand_side_and_guess(cells: int, shift: float) -> None:
    fields, capacity = numbers(cells, ROWS), np.maximum(numbers(cells, seed=1), 0.0)  # half of them zero
    (base, base_weights), (near, near_weights) = chosen(4), chosen(3, seed=9)
    rhs, guess = np.full(cells, np.nan), fields[ROWS - 1]
    others = fields[: ROWS - 1].copy()
    sums = WeightedSum(fields, base, base_weights), WeightedSum(fields, near, near_weights)
    _stage_vectors.stage_rhs(*sums, shift, capacity, rhs, guess, 1)
    stored = shift * capacity * plain_sum(others, base, base_weights)
    bound = shift * capacity * roundings(others, base, base_weights) + 4 * EPSILON * np.abs(stored)
    assert (np.abs(rhs - stored) <= bound).all()
    expected = np.where(capacity > 0.0, plain_sum(others, near, near_weights), 0.0)
    assert (np.abs(guess - expected) <= roundings(others, near, near_weights)).all()
    assert (guess[capacity == 0.0] == 0.0).all()
    assert np.array_equal(fields[: ROWS - 1], others)


def test_stage_rhs_is_zero_without_a_shift() -> None:
    fields, rhs = numbers(3000, ROWS), np.full(3000, np.nan)
    rows, weights = chosen(2)
    terms = WeightedSum(fields, rows, weights)
    _stage_vectors.stage_rhs(terms, terms, 0.0, np.ones(3000), rhs, fields[ROWS - 1], 1)
    assert not rhs.any()


def test_combine_of_a_piece_equals_the_piece_of_the_whole() -> None:
    fields, (rows, weights) = numbers(5000, ROWS), chosen(3)
    whole, piece = np.empty(5000), np.empty(PIECE + 5)
    _stage_vectors.combine(WeightedSum(fields, rows, weights), 0, whole, 1)
    _stage_vectors.combine(WeightedSum(fields, rows, weights), 777, piece, 1)
    assert np.array_equal(piece, whole[777 : 777 + piece.size])


# -- distance --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, PIECE, PIECE + 1, 3 * PIECE + 5])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_distance_is_the_maximum_difference_in_each_plane(size: int, count: int) -> None:
    fields, (rows, weights) = numbers(5 * size, ROWS), chosen(count)
    other, planes = numbers(5 * size, seed=4).reshape(5, size), np.array([0, 3, 4], np.intp)
    found = np.full(3, np.nan)
    _stage_vectors.distance(WeightedSum(fields, rows, weights), other, planes, found, 1)
    expected = np.abs(plain_sum(fields, rows, weights).reshape(5, size) - other)[planes].max(axis=1)
    bounds = roundings(fields, rows, weights).reshape(5, size) + EPSILON * np.abs(other)
    assert (np.abs(found - expected) <= bounds[planes].max(axis=1)).all()


@pytest.mark.parametrize("array", ["fields", "other"])
@pytest.mark.parametrize("cell", [0, 7, PIECE, 2 * PIECE + 1])
def test_distance_is_nan_where_a_value_is_nan(array: str, cell: int) -> None:
    size = 3 * PIECE
    fields, (rows, weights), other = numbers(3 * size, ROWS), chosen(3), numbers(3 * size, seed=4)
    (fields[rows[0]] if array == "fields" else other)[size + cell] = np.nan
    found = np.empty(3)
    _stage_vectors.distance(
        WeightedSum(fields, rows, weights), other.reshape(3, size), np.arange(3), found, 1
    )
    assert np.isnan(found).tolist() == [False, True, False]


# -- error_and_storage ---------------------------------------------------------------------------------------


@EVERY_SIZE
def test_error_and_stored_heat_of_each_piece(cells: int) -> None:
    fields, capacity = numbers(cells, ROWS), np.abs(numbers(cells, seed=1))
    rows, weights = chosen(4)
    found = np.full((-(-cells // PIECE), 2), np.nan)
    _stage_vectors.error_and_storage(WeightedSum(fields, rows, weights), capacity, found, 1)
    expected = plain_error_and_storage(fields, rows, weights, capacity)
    assert found.shape == expected.shape
    bounds = roundings(fields, rows, weights)
    heat_magnitude = capacity * (np.abs(fields[rows[-1]]) + np.abs(fields[rows[0]]))
    for one, other, each in zip(found, expected, pieces(cells), strict=True):
        assert abs(one[0] - other[0]) <= bounds[each].max()
        assert abs(one[1] - other[1]) <= PIECE * EPSILON * heat_magnitude[each].sum()


@pytest.mark.parametrize("cells", [1, 5, 8, 2049, 5000])
def test_error_of_a_single_cell_is_found_at_any_position(cells: int) -> None:
    rows, weights = np.array([0, 1], np.intc), np.array([-1.0, 1.0])
    for index in {0, cells // 3, cells // 2, cells - 1}:
        for sign in (-1.0, 1.0):
            fields = np.zeros((2, cells))
            fields[1, index] = 7.5 * sign
            found = np.empty((-(-cells // PIECE), 2))
            _stage_vectors.error_and_storage(
                WeightedSum(fields, rows, weights), np.full(cells, 2.0), found, 1
            )
            assert found[:, 0].max() == 7.5
            assert found[:, 1].sum() == 15.0 * sign
            assert np.count_nonzero(found) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("cells", [1, 9, 2048, 4500])
def test_error_with_nan_or_infinity_is_not_finite(cells: int, bad: float) -> None:
    rows, weights = np.array([0, 1], np.intc), np.array([-1.0, 1.0])
    for index in {0, cells // 2, cells - 1}:
        fields = numbers(cells, 2)
        fields[1, index] = bad
        found = np.empty((-(-cells // PIECE), 2))
        _stage_vectors.error_and_storage(WeightedSum(fields, rows, weights), np.ones(cells), found, 1)
        assert not np.isfinite(found[index // PIECE, 0])
        assert not found[:, 0].max() <= 1e300  # the comparison that rejects a step


# -- threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [1, PIECE + 1, 9 * PIECE])
def test_results_do_not_depend_on_the_number_of_threads(cells: int) -> None:
    fields, capacity, other = numbers(cells, ROWS), np.abs(numbers(cells, seed=1)), numbers(cells, seed=2)
    rows, weights = chosen(5)
    results = []
    for threads in (1, 2, 3, 8):
        own = fields.copy()
        terms = WeightedSum(own, rows, weights)
        out, rhs, found = np.empty(cells), np.empty(cells), np.empty((-(-cells // PIECE), 2))
        planes = np.arange(math.gcd(cells, 9))
        farthest = np.empty(planes.size)
        _stage_vectors.combine(terms, 0, out, threads)
        _stage_vectors.distance(terms, other.reshape(planes.size, -1), planes, farthest, threads)
        _stage_vectors.stage_rhs(terms, terms, 3.0, capacity, rhs, own[ROWS - 1], threads)
        _stage_vectors.error_and_storage(terms, capacity, found, threads)
        results.append(b"".join(each.tobytes() for each in (out, rhs, own, found, farthest)))
    assert len(set(results)) == 1
