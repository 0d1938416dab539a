"""Power on cells: the kernel and its twin, the sum of the power on any grid, and maps and blocks together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from thermostack import Block, Power, PowerMap
from thermostack.mesh import _area_overlap
from thermostack.mesh.area_overlap import deposit_raster, deposit_rectangles, overlap_fractions
from thermostack.mesh.layer_heat_source import deposit_power
from thermostack.package.power_layout import lay_out_power, orient_power
from thermostack.package.rectangles import Rectangle
from thermostack.units import mm, um

A = Block("a", (0.0, 0.0), (1 * mm, 1 * mm), 2.0)
B = Block("core0/alu[3]", (1 * mm, 0.0), (1 * mm, 2 * mm), 3.0)


def deposited(power: Power, x: np.ndarray, y: np.ndarray, rectangle: Rectangle) -> np.ndarray:
    """Return the power [W] of each cell, (ny, nx), of a layer over a rectangle [m]."""
    return deposit_power(lay_out_power(power, rectangle), x, y)


# -- twins of the kernel ---------------------------------------------------------------------


def overlaps(edges: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the fraction of an interval in each cell."""
    covered = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.maximum(covered, 0.0) / (high - low)


def deposit_plainly(x: np.ndarray, y: np.ndarray, corners: np.ndarray, watts: np.ndarray) -> np.ndarray:
    """Return the result of the kernel by outer products."""
    total = np.zeros((y.size - 1, x.size - 1))
    for (x0, y0, x1, y1), one in zip(corners, watts, strict=True):
        total += one * np.outer(overlaps(y, y0, y1), overlaps(x, x0, x1))
    return total


def ascending(low: float = 0.0, high: float = 1.0, max_size: int = 12) -> st.SearchStrategy[np.ndarray]:
    """Return strictly ascending edges from low to high with very different spacings."""
    inner = st.lists(st.floats(1e-9, 1.0 - 1e-9), max_size=max_size, unique=True)
    return inner.map(lambda values: low + (high - low) * np.unique([0.0, *values, 1.0]))


@st.composite
def rectangles_in(draw: st.DrawFn, width: float, height: float) -> list[tuple[float, float, float, float]]:
    """Return x, y, width, height of rectangles on a layer, including very thin ones and the whole layer."""
    rectangles = []
    for _ in range(draw(st.integers(1, 6))):
        w, h = (length * draw(st.sampled_from([1e-6, 0.01, 0.3, 1.0])) for length in (width, height))
        x, y = ((length - part) * draw(st.floats(0.0, 1.0)) for length, part in ((width, w), (height, h)))
        rectangles.append((x, y, w, h))
    return rectangles


@given(ascending(), ascending(), rectangles_in(1.0, 1.0), st.data())
def test_kernel_equals_its_plain_twin(
    x: np.ndarray, y: np.ndarray, rectangles: list[tuple[float, ...]], data: st.DataObject
) -> None:
    table = np.array(rectangles)
    corners = np.clip(np.hstack([table[:, :2], table[:, :2] + table[:, 2:]]), 0.0, 1.0)
    watts = data.draw(hnp.arrays(np.float64, len(rectangles), elements=st.floats(-10.0, 10.0)))
    found = np.zeros((y.size - 1, x.size - 1))
    bounds = np.ascontiguousarray(corners[:, (0, 2, 1, 3)].T)
    _area_overlap.deposit_rectangles(x, y, bounds, watts, found)
    np.testing.assert_allclose(found, deposit_plainly(x, y, corners, watts), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("nx", "ny"), [(1, 1), (1, 7), (5, 1), (3, 2)])
def test_kernel_on_odd_shapes(nx: int, ny: int) -> None:
    x, y = np.linspace(0.0, 1.0, nx + 1), np.linspace(2.0, 3.0, ny + 1)
    corners = np.array([[0.0, 2.0, 1.0, 3.0], [0.1, 2.2, 0.3, 2.25], [0.5, 2.5, 1.0, 3.0]])
    watts = np.array([1.0, 10.0, 100.0])
    found = deposit_rectangles(x, y, *corners.T.copy(), watts)
    np.testing.assert_allclose(found, deposit_plainly(x, y, corners, watts), rtol=1e-13)


def test_kernel_without_rectangles_adds_nothing() -> None:
    none = np.empty(0)
    edges = np.array([0.0, 1.0])
    assert deposit_rectangles(edges, edges, none, none, none, none, none).tolist() == [[0.0]]


@given(ascending(), ascending(-0.2, 1.1))
def test_fractions_of_every_interval_add_to_one(cells: np.ndarray, pieces: np.ndarray) -> None:
    shares = overlap_fractions(cells, pieces)
    assert shares.shape == (cells.size - 1, pieces.size - 1)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, rtol=1e-14)


@given(ascending(), ascending(max_size=5))
def test_fractions_equal_relative_overlaps(cells: np.ndarray, pieces: np.ndarray) -> None:
    plain = np.stack([overlaps(cells, *ends) for ends in pairwise(pieces)], axis=1)
    np.testing.assert_allclose(overlap_fractions(cells, pieces).toarray(), plain, atol=1e-13)


def test_intervals_beyond_the_grid_belong_to_the_nearest_cell() -> None:
    shares = overlap_fractions(np.array([0.0, 1.0, 2.0]), np.array([-2.0, -1.0, 0.5, 3.0, 4.0])).toarray()
    np.testing.assert_allclose(shares, [[1, 1, 1 / 3, 0], [0, 0, 2 / 3, 1]])


# -- the sum is kept -------------------------------------------------------------------------


@st.composite
def powers(draw: st.DrawFn, width: float, height: float, is_signed: bool = False) -> Power:
    low = -50.0 if is_signed else 0.0
    watts = st.floats(low, 50.0)
    blocks = [
        Block(f"b{n}", (x, y), (max(w, 1e-8), max(h, 1e-8)), draw(watts))
        for n, (x, y, w, h) in enumerate(draw(rectangles_in(width, height)))
    ]
    values = draw(
        st.none() | hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=watts)
    )
    power_map = None
    if values is not None:
        is_part = draw(st.booleans())
        place = ((0.25 * width, 0.1 * height), (0.5 * width, 0.9 * height)) if is_part else (None, None)
        power_map = PowerMap(values, draw(st.sampled_from(["W", "W/m2"])), *place)
    return Power(blocks=blocks, map=power_map, allow_negative=is_signed)


SIZE = (12 * mm, 7 * mm)


def placed_edges(length: float, start: float) -> st.SearchStrategy[np.ndarray]:
    return ascending(start, start + length)


@given(powers(*SIZE, is_signed=True), placed_edges(SIZE[0], 3.1 * mm), placed_edges(SIZE[1], -2.7 * mm))
def test_sum_is_preserved_on_any_grid(power: Power, x: np.ndarray, y: np.ndarray) -> None:
    rectangle = (3.1 * mm, -2.7 * mm, 3.1 * mm + SIZE[0], -2.7 * mm + SIZE[1])
    watts = deposited(power, x, y, rectangle)
    size = abs(lay_out_power(power, (0.0, 0.0, *SIZE)).power).sum()
    size += abs(power.map.pixel_powers(*SIZE)).sum() if power.map else 0.0
    assert watts.shape == (y.size - 1, x.size - 1)
    assert abs(watts.sum() - power.power_on(*SIZE)) <= 1e-12 * size


@given(powers(*SIZE), ascending(0.0, SIZE[0]), ascending(0.0, SIZE[1]))
def test_scaled_sum_is_preserved(power: Power, x: np.ndarray, y: np.ndarray) -> None:
    if power.power_on(*SIZE) > 1e-3:
        scaled = Power(blocks=power.blocks, map=power.map, scale_to=700.0)
        watts = deposited(scaled, x, y, (0.0, 0.0, *SIZE))
        assert watts.sum() == pytest.approx(700.0, rel=1e-12, abs=0.0)
        assert watts.min() >= 0.0


@given(powers(*SIZE), ascending(0.0, SIZE[0]), ascending(0.0, SIZE[1]))
def test_coarse_cells_hold_the_power_of_fine_cells(power: Power, x: np.ndarray, y: np.ndarray) -> None:
    watts = deposited(power, x, y, (0.0, 0.0, *SIZE))
    finer = np.unique(np.concatenate([x, 0.5 * (x[1:] + x[:-1])]))
    starts = np.searchsorted(finer, x[:-1])
    coarse = np.add.reduceat(deposited(power, finer, y, (0.0, 0.0, *SIZE)), starts, axis=1)
    np.testing.assert_allclose(coarse, watts, rtol=1e-9, atol=1e-10)


def test_total_is_distributed_evenly() -> None:
    x, y = np.array([0.0, 1.0, 4.0]), np.array([0.0, 2.0, 4.0])
    assert deposited(Power(16.0), x, y, (0.0, 0.0, 4.0, 4.0)).tolist() == [[2.0, 6.0], [2.0, 6.0]]


def test_blocks_and_map_add() -> None:
    power = Power(blocks=(A, B), map=np.array([[0.0, 1.0], [2.0, 3.0]]))
    edges = np.array([0.0, 1.0, 2.0]) * mm
    found = deposited(power, edges, edges, (0.0, 0.0, 2 * mm, 2 * mm))
    np.testing.assert_allclose(found, [[2.0, 2.5], [2.0, 4.5]], rtol=1e-14)
    assert power.total_power == 11.0


def test_overlapping_blocks_add() -> None:
    blocks = (A, Block("twin", A.position, A.size, 5.0))
    assert deposited(Power(blocks=blocks), *[np.array([0.0, 1 * mm])] * 2, (0, 0, 1 * mm, 1 * mm)) == 7.0


def test_power_of_a_thin_block_is_preserved() -> None:
    thin = Power(blocks=(Block("strip", (0.4999 * mm, 0.0), (10e-9, 1 * mm), 4.0),))
    edges = np.array([0.0, 0.5, 1.0]) * mm
    found = deposited(thin, edges, np.array([0.0, 1.0]) * mm, (0.0, 0.0, 1 * mm, 1 * mm))
    np.testing.assert_allclose(found, [[4.0, 0.0]], rtol=1e-14)


def test_power_beyond_merged_planes_goes_to_the_outermost_cell() -> None:
    strip = Power(blocks=(Block("edge", (0.0, 0.0), (50e-9, 1 * mm), 4.0),))
    x = np.array([0.1 * um, 500 * um, 1000 * um])  # the plane at 0 was merged with one at 0.1 um
    found = deposited(strip, x, np.array([0.0, 1.0]) * mm, (0.0, 0.0, 1 * mm, 1 * mm))
    assert found.tolist() == [[4.0, 0.0]]


def test_layer_beyond_the_grid_is_an_error() -> None:
    edges = np.array([0.0, 1.0])
    with pytest.raises(ValueError, match=r"from 5\.0 to 6\.0 m extends beyond the grid from 0\.0 to 1\.0 m"):
        deposited(Power(1.0), edges, edges, (5.0, 0.0, 6.0, 1.0))


def test_first_row_of_a_map_is_south() -> None:
    edges = np.array([0.0, 1.0, 2.0]) * mm
    found = deposited(Power(map=np.array([[1.0, 2.0], [3.0, 4.0]])), edges, edges, (0, 0, 2 * mm, 2 * mm))
    np.testing.assert_allclose(found, [[1.0, 2.0], [3.0, 4.0]], rtol=1e-14)


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(0.0, 1e3)))
def test_map_on_its_own_pixels_is_unchanged(values: np.ndarray) -> None:
    found = deposit_raster(np.linspace(0.0, 1.0, 5), np.linspace(0.0, 1.0, 4), values, 0.0, 0.0, 1.0, 1.0)
    np.testing.assert_allclose(found, values, rtol=1e-13)


def test_scale_to_replaces_the_total() -> None:
    edges = np.array([0.0, 1.0])
    assert deposited(Power(total=3.0, scale_to=5.0), edges, edges, (0.0, 0.0, 1.0, 1.0)) == 5.0


# -- orientation ----------------------------------------------------------------------------


def turned_array(plane: np.ndarray, rotate: int, flip: bool) -> np.ndarray:
    """Return a plane of cells after the mirroring and the rotation, rows from the south."""
    plane = plane[:, ::-1] if flip else plane
    for _ in range(rotate // 90):
        ny, nx = plane.shape
        plane = np.array([[plane[ny - 1 - i, j] for i in range(ny)] for j in range(nx)])
    return plane


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", [False, True])
@given(power=powers(*SIZE))
def test_oriented_power_gives_the_oriented_field(power: Power, rotate: int, flip: bool) -> None:
    width, height = SIZE
    turned = orient_power(power, width, height, rotate, flip)
    w, h = (width, height) if rotate % 180 == 0 else (height, width)
    watts = deposited(power, np.linspace(0, width, 7), np.linspace(0, height, 5), (0.0, 0.0, width, height))
    nx, ny = (6, 4) if rotate % 180 == 0 else (4, 6)
    found = deposited(turned, np.linspace(0, w, nx + 1), np.linspace(0, h, ny + 1), (0.0, 0.0, w, h))
    np.testing.assert_allclose(found, turned_array(watts, rotate, flip), rtol=1e-9, atol=1e-9)
