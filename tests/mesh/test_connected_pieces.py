"""Connected pieces of cells against those of scipy.ndimage."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage as ndimage

from thermostack.mesh.connected_pieces import label_pieces


@pytest.mark.parametrize("seed", range(40))
def test_pieces_are_those_of_ndimage(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 14, 3))
    mask = rng.random(shape) < rng.uniform(0.1, 0.9)
    labels, count = label_pieces(mask)
    expected, expected_count = ndimage.label(mask)
    assert count == expected_count
    assert np.array_equal(labels, expected)


def test_comb_whose_teeth_meet_last_is_one_piece() -> None:
    mask = np.zeros((1, 6, 9), dtype=bool)
    mask[0, :, ::2] = True
    mask[0, -1] = True
    labels, count = label_pieces(mask)
    assert count == 1
    assert np.array_equal(labels, mask)


@pytest.mark.parametrize("shape", [(0, 3, 3), (1, 1, 1), (2, 0, 4)])
def test_empty_sets_have_no_piece(shape: tuple[int, int, int]) -> None:
    labels, count = label_pieces(np.zeros(shape, dtype=bool))
    assert count == 0
    assert labels.shape == shape
