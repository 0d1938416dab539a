"""The part map: equal to the parts assigned cell by cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.ndimage

from thermostack import Convection, Cooling, Grid, Layer, Material, Package, Stack, discretize
from thermostack.mesh.layer_cells import fills_window, layer_columns, layer_mask
from thermostack.mesh.part_map import (
    PartMap,
    cell_range,
    cell_window,
    cells_of_boxes,
    nearest_plane,
    nearest_planes,
    rasterize,
)
from thermostack.package.box import Box
from thermostack.package.geometry import Geometry, build_geometry
from thermostack.units import mm

SHAPE = (7, 11, 13)


def random_body(seed: int) -> tuple[Geometry, Grid]:
    """Return boxes of many parts and of void, some thinner than a cell, on an uneven grid."""
    random = np.random.default_rng(seed)
    silicon = Material("si", 148.0)
    plate = Stack("plate", (10 * mm, 10 * mm), (Layer("sheet", 1 * mm, silicon),))
    geometry = build_geometry(Package("case", (plate,), Cooling(top=Convection(10.0, 300.0))))
    planes = [np.concatenate([[0.0], np.cumsum(random.uniform(0.1, 1.0, count))]) for count in SHAPE[::-1]]
    grid = Grid(*planes)
    boxes = []
    for _ in range(12):
        ends = [np.sort(random.uniform(-0.1, edges[-1] + 0.1, 2)).tolist() for edges in planes]
        low, high = zip(*ends, strict=True)
        boxes.append(Box(int(random.integers(-1, 3)), low, high))
    return replace(geometry, parts=geometry.parts * 3, boxes=tuple(boxes)), grid


def parts_by_cell(geometry: Geometry, grid: Grid) -> np.ndarray:
    """Return the part of every cell, box by box."""
    part = np.zeros(grid.shape, dtype=np.uint16)
    for box in geometry.boxes:
        part[cell_window(grid, box)] = box.part + 1
    return part


@pytest.mark.parametrize("seed", range(20))
def test_tiles_equal_the_parts_cell_by_cell(seed: int) -> None:
    geometry, grid = random_body(seed)
    part_map, expected = rasterize(geometry, grid), parts_by_cell(geometry, grid)
    assert part_map.shape == grid.shape
    assert np.array_equal(part_map.cells(), expected)
    for k in range(grid.shape[0]):
        assert np.array_equal(part_map.plane(k), expected[k])
    found = part_map.part[part_map.tile_indices(np.arange(grid.cells))]
    assert np.array_equal(found, expected.ravel())


@pytest.mark.parametrize("is_high", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("seed", range(5))
def test_boundary_cells_have_a_neighbour_outside(seed: int, axis: int, is_high: bool) -> None:
    geometry, grid = random_body(seed)
    part = parts_by_cell(geometry, grid)
    padded = np.pad(part, 1)
    pieces, _ = scipy.ndimage.label(padded == 0)  # closed cavities are other pieces than the outside
    neighbour = np.roll(pieces, -1 if is_high else 1, axis)[1:-1, 1:-1, 1:-1]
    expected = np.nonzero((part > 0) & (neighbour == pieces[0, 0, 0]))
    assert expected[0].size > 0
    for found, wanted in zip(rasterize(geometry, grid).boundary_cells(axis, is_high), expected, strict=True):
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize(("start", "stop"), [(0, 7), (2, 5), (3, 4), (4, 4)])
def test_planes_in_a_range_are_complete(start: int, stop: int) -> None:
    geometry, grid = random_body(3)
    part = parts_by_cell(geometry, grid)
    shown = list(rasterize(geometry, grid).planes_in(slice(start, stop)))
    assert {plane.tobytes() for plane in shown} == {plane.tobytes() for plane in part[start:stop]}


def test_number_of_tiles_does_not_depend_on_the_cells() -> None:
    plate = Stack("plate", (10 * mm, 8 * mm), (Layer("sheet", 1 * mm, Material("si", 148.0)),))
    package = Package("case", (plate,), Cooling(top=Convection(10.0, 300.0)))
    shapes = []
    for cell in (1 * mm, 0.1 * mm):
        model = discretize(package, cell=cell)
        shapes.append(rasterize(model.geometry, model.grid).part.shape)
    assert shapes == [(1, 1, 1)] * 2


def test_part_map_of_one_tile() -> None:
    part_map = PartMap(np.ones((1, 1, 1), np.uint16), (np.array([0, 2]), np.array([0, 3]), np.array([0, 1])))
    assert np.array_equal(part_map.cells(), np.ones((2, 3, 1)))
    assert [len(part_map.boundary_cells(axis, is_high=True)[0]) for axis in range(3)] == [3, 2, 6]


@pytest.mark.parametrize(("value", "number"), [(-1.0, 0), (0.4, 0), (0.5, 0), (0.51, 1), (2.0, 2), (9.0, 2)])
def test_nearest_plane(value: float, number: int) -> None:
    planes = np.array([0.0, 1.0, 2.0])
    assert nearest_plane(planes, value) == number
    assert cell_range(planes, 0.0, value) == slice(0, number)


def test_nearest_planes_equal_those_of_single_coordinates() -> None:
    random = np.random.default_rng(5)
    planes = np.unique(random.integers(0, 50, 20)).astype(float)
    middles = 0.5 * (planes[1:] + planes[:-1])
    values = np.concatenate([planes, middles, random.uniform(-10.0, 60.0, 100)]).reshape(-1, 1)
    expected = [nearest_plane(planes, value) for value in values.ravel().tolist()]
    assert nearest_planes(planes, values).ravel().tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_cells_of_boxes_equal_the_window_of_each_box(seed: int) -> None:
    geometry, grid = random_body(seed)
    for n, box in enumerate(geometry.boxes):
        window = tuple(slice(*ends[n].tolist()) for ends in cells_of_boxes(geometry, grid))
        assert window == cell_window(grid, box)


@pytest.mark.parametrize("seed", range(5))
def test_layer_columns_equal_the_mask_of_its_planes(seed: int) -> None:
    """A layer fills a window where its mask does; a window of whole tiles shows it either way."""
    geometry, grid = random_body(seed)
    part_map = rasterize(geometry, grid)
    for part in range(len(geometry.parts)):
        for k in (slice(0, 1), slice(2, 5), slice(0, SHAPE[0]), slice(3, 3)):
            mask = np.ones(grid.shape[1:], dtype=bool) & layer_mask(geometry, part_map.planes_in(k), part)
            assert np.array_equal(layer_columns(geometry, part_map, k, part), mask)
            for first_j, first_i in zip(part_map.first[1][:-1], part_map.first[2][:-1], strict=False):
                j, i = slice(first_j, SHAPE[1]), slice(first_i, SHAPE[2])
                assert fills_window(geometry, part_map, (k, j, i), part) == mask[j, i].all()
