"""The difference of two fields on a common grid preserves integrals, and is antisymmetric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.shipped import shipped
from support.small_result import small_package

from thermostack import ResourceError
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model, discretize
from thermostack.results import difference_field
from thermostack.results.difference_field import DifferenceField, common_grid, resample
from thermostack.units import mm

PACKAGE = small_package()
COARSE, FINE = discretize(PACKAGE, cell=3 * mm), discretize(PACKAGE, cell=2.1 * mm)


def random_field(model: Model, seed: int) -> np.ndarray:
    """Return temperatures [K] of the cells of a model, NaN outside the body."""
    values = 300.0 + 50.0 * np.random.default_rng(seed).random(model.grid.shape)
    return np.where(model.part > 0, values, np.nan)


def integral(model: Model, field: np.ndarray) -> float:
    """Return the integral of a field over the body [K m3]."""
    return float(np.nansum(field * model.grid.volume))


@pytest.mark.parametrize("seed", range(3))
def test_integral_of_the_difference_is_the_difference_of_the_integrals(seed: int) -> None:
    first, second = random_field(COARSE, seed), random_field(FINE, seed + 10)
    field = DifferenceField.between(COARSE, first, FINE, second)
    assert COARSE.grid.shape != FINE.grid.shape
    assert field.volume == pytest.approx(COARSE.grid.volume[COARSE.part > 0].sum(), rel=1e-12)
    expected = integral(FINE, second) - integral(COARSE, first)
    assert field.integral == pytest.approx(expected, abs=1e-12 * integral(FINE, second))
    assert field.mean == pytest.approx(expected / field.volume, rel=1e-9)


@pytest.mark.parametrize("name", ["logic.active", "interposer.silicon"])
def test_integral_over_a_part(name: str) -> None:
    first, second = random_field(COARSE, 1), random_field(FINE, 2)
    field = DifferenceField.between(COARSE, first, FINE, second)
    number = 1 + [part.name for part in COARSE.parts].index(name)
    over_part = np.nansum((field.values * field.grid.volume)[field.part == number])
    expected = sum(
        sign * np.nansum((values * model.grid.volume)[model.part == number])
        for sign, model, values in ((1.0, FINE, second), (-1.0, COARSE, first))
    )
    assert over_part == pytest.approx(expected, abs=1e-12 * np.nansum(second * FINE.grid.volume))


def test_a_field_minus_itself_is_zero() -> None:
    values = random_field(COARSE, 4)
    field = DifferenceField.between(COARSE, values, COARSE, values)
    assert field.grid.shape == COARSE.grid.shape
    assert np.array_equal(np.isfinite(field.values), COARSE.part > 0)
    assert field.min == field.max == field.rms == 0.0


def test_antisymmetry() -> None:
    first, second = random_field(COARSE, 5), random_field(FINE, 6)
    one = DifferenceField.between(COARSE, first, FINE, second)
    other = DifferenceField.between(FINE, second, COARSE, first)
    np.testing.assert_array_equal(one.values, -other.values)
    assert one.rms == pytest.approx(other.rms)
    assert one.largest_at == other.largest_at


def test_cells_of_one_body_alone_have_no_difference() -> None:
    lidded, bare = (discretize(shipped(name), cell=6 * mm) for name in ("fcbga", "fcbga_bare"))
    field = DifferenceField.between(lidded, random_field(lidded, 7), bare, random_field(bare, 8))
    names = [part.name for part in lidded.parts]
    lid, board = (field.part == 1 + names.index(name) for name in ("lid.plate", "board.pcb"))
    assert lid.any()
    assert not field.is_common[lid].any()
    assert field.is_common[board].all()


def test_bodies_without_a_common_volume() -> None:
    low, high = (Grid([x, x + 1e-3], [0.0, 1e-3], [0.0, 1e-3]) for x in (0.0, 5e-3))
    grid = common_grid(low, high)
    one, other = (
        resample(np.ones((1, 1, 1)), low, grid, np.nan),
        resample(np.ones((1, 1, 1)), high, grid, np.nan),
    )
    field = DifferenceField(grid, one, other, np.zeros(grid.shape, np.uint16))
    assert not field.is_common.any()
    assert np.isnan([field.min, field.max, field.mean, field.rms]).all()
    assert "no common volume" in repr(field)


def test_planes_that_differ_by_rounding_are_one_plane() -> None:
    planes = np.linspace(0.0, 1e-2, 11)
    moved = planes * (1.0 + 1e-14)
    axis = [0.0, 1e-3]
    assert common_grid(Grid(planes, axis, axis), Grid(moved, axis, axis)).shape == (1, 1, 10)


widths = st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=6)


@given(widths, widths, st.floats(-1.0, 1.0))
def test_resampled_integral_of_random_axes(first: list[float], second: list[float], offset: float) -> None:
    one = Grid(np.cumsum([0.0, *first]), [0.0, 1.0], [0.0, 1.0])
    other = Grid(offset + np.cumsum([0.0, *second]), [0.0, 1.0], [0.0, 1.0])
    grid = common_grid(one, other)
    values = np.arange(1.0, len(first) + 1.0).reshape(one.shape)
    made = resample(values, one, grid, 0.0)
    assert np.sum(made * grid.volume) == pytest.approx(np.sum(values * one.volume), rel=1e-6)


def test_a_common_grid_that_does_not_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(difference_field, "available_memory", lambda: 1000)
    with pytest.raises(
        ResourceError, match=r"common grid .* too many for the memory; solve both on the same grid"
    ):
        DifferenceField.between(COARSE, random_field(COARSE, 1), FINE, random_field(FINE, 1))
