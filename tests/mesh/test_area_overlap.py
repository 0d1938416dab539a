"""Area fractions of rectangles in the cells of a grid: their sums, and equality with the kernel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack.mesh.area_overlap import deposit_rectangles, rectangle_fractions


def edges(low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    """Return ascending edges from low to high with spacings of very different size."""
    inner = st.lists(st.floats(1e-9, 1.0 - 1e-9), max_size=12, unique=True)
    return inner.map(lambda values: low + (high - low) * np.unique([0.0, *values, 1.0]))


intervals = st.tuples(st.floats(-0.1, 1.1), st.sampled_from([1e-9, 1e-3, 0.2, 0.7, 1.2]))
corners = st.lists(st.tuples(intervals, intervals), max_size=6).map(
    lambda found: np.array([[x, y, x + w, y + h] for (x, w), (y, h) in found]).reshape(-1, 4)
)


@given(edges(0.0, 1.0), edges(0.0, 1.0), corners)
def test_fractions_of_every_rectangle_add_to_one(
    x: np.ndarray, y: np.ndarray, rectangles: np.ndarray
) -> None:
    fractions = rectangle_fractions(x, y, *rectangles.T)
    assert fractions.shape == ((x.size - 1) * (y.size - 1), len(rectangles))
    np.testing.assert_allclose(fractions.sum(axis=0), 1.0, rtol=1e-12)
    assert fractions.nnz == 0 or fractions.data.min() >= 0.0


@given(edges(0.0, 1.0), edges(0.0, 1.0), corners)
def test_fractions_equal_those_of_the_kernel(x: np.ndarray, y: np.ndarray, rectangles: np.ndarray) -> None:
    fractions = rectangle_fractions(x, y, *rectangles.T).toarray()
    for n, corner in enumerate(rectangles):
        found = deposit_rectangles(x, y, *corner[:, None], np.ones(1))
        np.testing.assert_allclose(fractions[:, n].reshape(found.shape), found, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("nx", "ny"), [(1, 1), (1, 7), (5, 1), (3, 2)])
def test_fractions_on_odd_shapes(nx: int, ny: int) -> None:
    x, y = np.linspace(0.0, 1.0, nx + 1), np.linspace(2.0, 3.0, ny + 1)
    fractions = rectangle_fractions(x, y, np.zeros(1), np.array([2.0]), np.ones(1), np.array([3.0]))
    np.testing.assert_allclose(fractions.toarray().reshape(-1), 1.0 / (nx * ny), rtol=1e-12)


def test_rectangle_that_ends_on_grid_planes_has_no_fraction_beyond_them() -> None:
    planes = np.linspace(0.0, 4.0, 5)
    fractions = rectangle_fractions(planes, planes, *(np.array([value]) for value in (1.0, 2.0, 3.0, 3.0)))
    assert fractions.nnz == 2
    assert fractions.toarray().reshape(4, 4)[2, 1:3].tolist() == [0.5, 0.5]


def test_no_rectangles() -> None:
    none = np.zeros(0)
    planes = np.array([0.0, 1.0])
    assert rectangle_fractions(planes, planes, none, none, none, none).shape == (1, 0)
