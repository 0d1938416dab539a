"""Geometry of unit cells: chords, fractions, bounds, mirror planes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack.materials.cell_bounds import conductivity_bounds
from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice, chord_integrals
from thermostack.materials.cell_symmetry import has_equal_axes, mirror_plane, shifted


def cell(*shapes: CellShape, pitch: tuple[float, float] = (1.0, 1.0)) -> CellGeometry:
    return CellGeometry(pitch, (CellSlice(1.0, 0, shapes),), 3)


def disc(material: int, x: float, y: float, diameter: float) -> CellShape:
    return CellShape(material, (x, y), (diameter, diameter), is_round=True)


def square(material: int, x: float, y: float, width: float, depth: float) -> CellShape:
    """Return a rectangle by its centre."""
    return CellShape(material, (x, y), (width, depth), is_round=False)


def test_chord_has_the_uppermost_shapes() -> None:
    geometry = cell(disc(1, 0.5, 0.5, 0.6), disc(2, 0.5, 0.5, 0.2))
    cuts, material = geometry.chords(geometry.slices[0], 0, np.array([0.5, 0.75, 0.95]))
    assert cuts[0] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert material[0].tolist() == [0, 1, 2, 1, 0]
    lengths = [chord_integrals((cuts, material), np.eye(3)[n]) for n in range(3)]
    assert lengths[1] == pytest.approx([0.4, 2.0 * math.sqrt(0.3**2 - 0.25**2), 0.0])
    assert sum(lengths) == pytest.approx([1.0, 1.0, 1.0])


def test_shape_continues_on_the_other_side_of_the_period() -> None:
    geometry = cell(square(1, 0.0, 1.0, 0.4, 0.6))  # around a corner
    cuts, material = geometry.chords(geometry.slices[0], 0, np.array([0.1, 0.5, 0.8]))
    covered = chord_integrals((cuts, material), np.array([0.0, 1.0, 0.0]))
    assert covered == pytest.approx([0.4, 0.0, 0.4])
    assert geometry.fractions[0] == pytest.approx([0.76, 0.24, 0.0])


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.05, 0.99), st.floats(0.1, 0.9))
def test_fractions_of_a_lined_disc_are_exact(x: float, y: float, diameter: float, core: float) -> None:
    geometry = cell(disc(1, x, y, diameter), disc(2, x, y, core * diameter))
    area = 0.25 * math.pi * diameter**2
    expected = [1.0 - area, area * (1.0 - core**2), area * core**2]
    assert geometry.fractions[0] == pytest.approx(expected, abs=1e-7)
    assert geometry.fractions[0].sum() == pytest.approx(1.0, abs=1e-15)


def test_volume_fractions_are_weighted_by_thickness() -> None:
    geometry = CellGeometry(
        (1.0, 2.0), (CellSlice(1.0, 0), CellSlice(3.0, 1, (square(2, 0.5, 1.0, 0.5, 1.0),))), 3
    )
    assert geometry.volume_fractions == pytest.approx([0.25, 0.5625, 0.1875])
    assert not geometry.is_columnar


def test_bounds_of_upright_lines_meet() -> None:
    lines = cell(square(1, 0.3, 0.5, 0.4, 1.0))
    bounds = conductivity_bounds(lines, np.array([[1.0] * 3, [9.0] * 3, [1.0] * 3]))
    for found in (bounds.lower, bounds.upper):
        assert found == pytest.approx([1.0 / (0.6 + 0.4 / 9.0), 4.2, 4.2])


def test_bounds_of_a_square_inclusion() -> None:
    """Tubes past and through the square; planes with and without it."""
    bounds = conductivity_bounds(
        cell(square(1, 0.5, 0.5, 0.5, 0.5)), np.array([[1.0] * 3, [9.0] * 3, [1.0] * 3])
    )
    through = 1.0 / (0.5 + 0.5 / 9.0)
    assert bounds.lower[:2] == pytest.approx([0.5 + 0.5 * through] * 2)
    assert bounds.upper[:2] == pytest.approx([1.0 / (0.5 + 0.5 / 5.0)] * 2)
    assert bounds.lower[2] == bounds.upper[2] == pytest.approx(3.0)


def test_bounds_upwards_of_two_slices() -> None:
    pad = CellSlice(1.0, 0, (square(1, 0.5, 0.5, 0.5, 0.5),))
    bounds = conductivity_bounds(
        CellGeometry((1.0, 1.0), (pad, CellSlice(1.0, 0)), 2), np.array([[1.0] * 3, [9.0] * 3])
    )
    assert bounds.lower[2] == pytest.approx(0.75 + 0.25 * 2.0 / (1.0 + 1.0 / 9.0))
    assert bounds.upper[2] == pytest.approx(2.0 / (1.0 + 1.0 / 3.0))


@pytest.mark.parametrize(
    ("shapes", "x", "y", "is_equal"),
    [
        ((), 0.0, 0.0, True),
        ((disc(1, 0.3, 0.9, 0.5),), 0.3, 0.4, True),
        ((disc(1, 0.2, 0.5, 0.1), disc(1, 0.4, 0.5, 0.1)), 0.3, 0.0, False),
        ((disc(1, 0.2, 0.5, 0.1), disc(2, 0.4, 0.5, 0.1)), None, 0.0, False),
        ((square(1, 0.25, 0.5, 0.5, 1.0),), 0.25, 0.0, False),
        ((square(1, 0.2, 0.2, 0.1, 0.3), square(1, 0.6, 0.5, 0.1, 0.2)), None, None, False),
        ((square(1, 0.1, 0.1, 0.1, 0.1), square(1, 0.6, 0.6, 0.1, 0.1)), 0.1, 0.1, True),
    ],
)
def test_mirror_planes(
    shapes: tuple[CellShape, ...], x: float | None, y: float | None, is_equal: bool
) -> None:
    geometry = cell(*shapes)
    planes = mirror_plane(geometry, 0), mirror_plane(geometry, 1)
    for found, expected in zip(planes, (x, y), strict=True):
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert (found - expected + 1e-9) % 0.5 == pytest.approx(0.0, abs=1e-8)
    assert has_equal_axes(geometry, planes) == is_equal


def test_order_of_overlapping_shapes_matters_for_mirror_planes() -> None:
    over = cell(square(1, 0.3, 0.5, 0.4, 0.2), square(2, 0.5, 0.5, 0.2, 0.2), square(1, 0.7, 0.5, 0.4, 0.2))
    assert mirror_plane(over, 0) is None
    assert mirror_plane(over, 1) == pytest.approx(0.0)


def test_shifted_cell_has_the_same_fractions() -> None:
    geometry = cell(disc(1, 0.5, 0.5, 0.6), square(2, 0.9, 0.1, 0.4, 0.1))
    assert shifted(geometry, 0.77, 0.31).fractions == pytest.approx(geometry.fractions, abs=1e-4)
