"""Power: what may be drawn, what is refused, and that no watt is lost on any grid."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import TypeAdapter, ValidationError

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh import _area_overlap
from thermostack.mesh.area_overlap import deposit_raster, deposit_rectangles, overlap_fractions
from thermostack.package.power import (
    Block,
    Power,
    PowerMap,
    assign_powers,
    blocks_of,
    deposit_power,
    orient_power,
    power_rectangles,
    powered_rectangles,
)
from thermostack.schema.validated_dataclass import diagnostics_of, dump
from thermostack.units import mm, um

READER = TypeAdapter(Power)
PLACE = {"at": ["0 mm", "0 mm"], "size": ["1 mm", "1 mm"]}
A = Block("a", (0.0, 0.0), (1 * mm, 1 * mm), 2.0)
B = Block("core0/alu[3]", (1 * mm, 0.0), (1 * mm, 2 * mm), 3.0)


def read(value: Any) -> Power:
    """Return a power as a file states it."""
    return READER.validate_python(value, context={"from_file": True})


def diagnostics_in(value: Any) -> list[Diagnostic]:
    with pytest.raises(ValidationError) as caught:
        read(value)
    return diagnostics_of(caught.value, root="power")


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(DescriptionError) as caught:
        Power(*args, **kwargs)
    return str(caught.value)


# -- twins of the kernel ---------------------------------------------------------------------


def overlaps(edges: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return which share of an interval lies in each cell."""
    covered = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.maximum(covered, 0.0) / (high - low)


def spread_plainly(x: np.ndarray, y: np.ndarray, corners: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return what the kernel adds, by outer products."""
    spread = np.zeros((y.size - 1, x.size - 1))
    for (x0, y0, x1, y1), watts in zip(corners, heat, strict=True):
        spread += watts * np.outer(overlaps(y, y0, y1), overlaps(x, x0, x1))
    return spread


def ascending(low: float = 0.0, high: float = 1.0, most: int = 12) -> st.SearchStrategy[np.ndarray]:
    """Return strictly ascending edges from low to high, spacings of very different size among them."""
    inner = st.lists(st.floats(1e-9, 1.0 - 1e-9), max_size=most, unique=True)
    return inner.map(lambda values: low + (high - low) * np.unique([0.0, *values, 1.0]))


@st.composite
def rectangles_in(draw: st.DrawFn, width: float, height: float) -> list[tuple[float, float, float, float]]:
    """Return x, y, width, height of rectangles on a layer, slivers and the whole layer among them."""
    drawn = []
    for _ in range(draw(st.integers(1, 6))):
        w, h = (length * draw(st.sampled_from([1e-6, 0.01, 0.3, 1.0])) for length in (width, height))
        x, y = ((length - part) * draw(st.floats(0.0, 1.0)) for length, part in ((width, w), (height, h)))
        drawn.append((x, y, w, h))
    return drawn


@given(ascending(), ascending(), rectangles_in(1.0, 1.0), st.data())
def test_kernel_does_what_its_twin_does(
    x: np.ndarray, y: np.ndarray, drawn: list[tuple[float, ...]], data: st.DataObject
) -> None:
    table = np.array(drawn)
    corners = np.clip(np.hstack([table[:, :2], table[:, :2] + table[:, 2:]]), 0.0, 1.0)
    heat = data.draw(hnp.arrays(np.float64, len(drawn), elements=st.floats(-10.0, 10.0)))
    found = np.zeros((y.size - 1, x.size - 1))
    bounds = np.ascontiguousarray(corners[:, (0, 2, 1, 3)].T)
    _area_overlap.deposit_rectangles(x, y, bounds, heat, found)
    np.testing.assert_allclose(found, spread_plainly(x, y, corners, heat), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("nx", "ny"), [(1, 1), (1, 7), (5, 1), (3, 2)])
def test_kernel_on_odd_shapes(nx: int, ny: int) -> None:
    x, y = np.linspace(0.0, 1.0, nx + 1), np.linspace(2.0, 3.0, ny + 1)
    corners = np.array([[0.0, 2.0, 1.0, 3.0], [0.1, 2.2, 0.3, 2.25], [0.5, 2.5, 1.0, 3.0]])
    heat = np.array([1.0, 10.0, 100.0])
    found = deposit_rectangles(x, y, *corners.T.copy(), heat)
    np.testing.assert_allclose(found, spread_plainly(x, y, corners, heat), rtol=1e-13)


def test_kernel_without_rectangles_adds_nothing() -> None:
    none = np.empty(0)
    edges = np.array([0.0, 1.0])
    assert deposit_rectangles(edges, edges, none, none, none, none, none).tolist() == [[0.0]]


@given(ascending(), ascending(-0.2, 1.1))
def test_shares_of_every_piece_add_to_one(cells: np.ndarray, pieces: np.ndarray) -> None:
    shares = overlap_fractions(cells, pieces)
    assert shares.shape == (cells.size - 1, pieces.size - 1)
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, rtol=1e-14)


@given(ascending(), ascending(most=5))
def test_shares_are_overlaps(cells: np.ndarray, pieces: np.ndarray) -> None:
    plain = np.stack([overlaps(cells, *ends) for ends in pairwise(pieces)], axis=1)
    np.testing.assert_allclose(overlap_fractions(cells, pieces).toarray(), plain, atol=1e-13)


def test_pieces_beyond_the_grid_go_to_the_nearest_cell() -> None:
    shares = overlap_fractions(np.array([0.0, 1.0, 2.0]), np.array([-2.0, -1.0, 0.5, 3.0, 4.0])).toarray()
    np.testing.assert_allclose(shares, [[1, 1, 1 / 3, 0], [0, 0, 2 / 3, 1]])


# -- the sum is kept -------------------------------------------------------------------------


@st.composite
def powers(draw: st.DrawFn, width: float, height: float, is_signed: bool = False) -> Power:
    low = -50.0 if is_signed else 0.0
    heat = st.floats(low, 50.0)
    blocks = [
        Block(f"b{n}", (x, y), (max(w, 1e-8), max(h, 1e-8)), draw(heat))
        for n, (x, y, w, h) in enumerate(draw(rectangles_in(width, height)))
    ]
    values = draw(st.none() | hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=heat))
    drawn = None
    if values is not None:
        is_part = draw(st.booleans())
        place = ((0.25 * width, 0.1 * height), (0.5 * width, 0.9 * height)) if is_part else (None, None)
        drawn = PowerMap(values, draw(st.sampled_from(["W", "W/m2"])), *place)
    return Power(blocks=blocks, map=drawn, allow_negative=is_signed)


SIZE = (12 * mm, 7 * mm)


def placed_edges(length: float, start: float) -> st.SearchStrategy[np.ndarray]:
    return ascending(start, start + length)


@given(powers(*SIZE, is_signed=True), placed_edges(SIZE[0], 3.1 * mm), placed_edges(SIZE[1], -2.7 * mm))
def test_sum_is_kept_on_any_grid(power: Power, x: np.ndarray, y: np.ndarray) -> None:
    rectangle = (3.1 * mm, -2.7 * mm, 3.1 * mm + SIZE[0], -2.7 * mm + SIZE[1])
    heat = deposit_power(power, x, y, rectangle)
    size = abs(power_rectangles(power, *SIZE).power).sum()
    size += abs(power.map.pixels(*SIZE)).sum() if power.map else 0.0
    assert heat.shape == (y.size - 1, x.size - 1)
    assert abs(heat.sum() - power.power_on(*SIZE)) <= 1e-12 * size


@given(powers(*SIZE), ascending(0.0, SIZE[0]), ascending(0.0, SIZE[1]))
def test_sum_is_kept_where_it_is_scaled(power: Power, x: np.ndarray, y: np.ndarray) -> None:
    if power.power_on(*SIZE) > 1e-3:
        scaled = Power(blocks=power.blocks, map=power.map, scale_to=700.0)
        heat = deposit_power(scaled, x, y, (0.0, 0.0, *SIZE))
        assert heat.sum() == pytest.approx(700.0, rel=1e-12, abs=0.0)
        assert heat.min() >= 0.0


@given(powers(*SIZE), ascending(0.0, SIZE[0]), ascending(0.0, SIZE[1]))
def test_coarser_cells_hold_the_heat_of_the_finer_ones(power: Power, x: np.ndarray, y: np.ndarray) -> None:
    heat = deposit_power(power, x, y, (0.0, 0.0, *SIZE))
    finer = np.unique(np.concatenate([x, 0.5 * (x[1:] + x[:-1])]))
    starts = np.searchsorted(finer, x[:-1])
    coarse = np.add.reduceat(deposit_power(power, finer, y, (0.0, 0.0, *SIZE)), starts, axis=1)
    np.testing.assert_allclose(coarse, heat, rtol=1e-9, atol=1e-10)


def test_total_heats_evenly() -> None:
    x, y = np.array([0.0, 1.0, 4.0]), np.array([0.0, 2.0, 4.0])
    assert deposit_power(Power(16.0), x, y, (0.0, 0.0, 4.0, 4.0)).tolist() == [[2.0, 6.0], [2.0, 6.0]]


def test_blocks_and_map_add() -> None:
    power = Power(blocks=(A, B), map=np.array([[0.0, 1.0], [2.0, 3.0]]))
    edges = np.array([0.0, 1.0, 2.0]) * mm
    found = deposit_power(power, edges, edges, (0.0, 0.0, 2 * mm, 2 * mm))
    np.testing.assert_allclose(found, [[2.0, 2.5], [2.0, 4.5]], rtol=1e-14)
    assert power.total_power == 11.0


def test_overlapping_blocks_add() -> None:
    blocks = (A, Block("twin", A.position, A.size, 5.0))
    assert deposit_power(Power(blocks=blocks), *[np.array([0.0, 1 * mm])] * 2, (0, 0, 1 * mm, 1 * mm)) == 7.0


def test_block_thinner_than_a_cell_keeps_its_heat() -> None:
    thin = Power(blocks=(Block("strip", (0.4999 * mm, 0.0), (10e-9, 1 * mm), 4.0),))
    edges = np.array([0.0, 0.5, 1.0]) * mm
    found = deposit_power(thin, edges, np.array([0.0, 1.0]) * mm, (0.0, 0.0, 1 * mm, 1 * mm))
    np.testing.assert_allclose(found, [[4.0, 0.0]], rtol=1e-14)


def test_heat_beyond_merged_planes_goes_into_the_outermost_cell() -> None:
    strip = Power(blocks=(Block("edge", (0.0, 0.0), (50e-9, 1 * mm), 4.0),))
    x = np.array([0.1 * um, 500 * um, 1000 * um])  # the plane at 0 was merged with one at 0.1 um
    found = deposit_power(strip, x, np.array([0.0, 1.0]) * mm, (0.0, 0.0, 1 * mm, 1 * mm))
    assert found.tolist() == [[4.0, 0.0]]


def test_layer_off_the_grid_is_an_error() -> None:
    edges = np.array([0.0, 1.0])
    with pytest.raises(ValueError, match=r"from 5\.0 to 6\.0 m leaves the grid from 0\.0 to 1\.0 m"):
        deposit_power(Power(1.0), edges, edges, (5.0, 0.0, 6.0, 1.0))


def test_first_row_of_a_map_is_south() -> None:
    edges = np.array([0.0, 1.0, 2.0]) * mm
    found = deposit_power(Power(map=np.array([[1.0, 2.0], [3.0, 4.0]])), edges, edges, (0, 0, 2 * mm, 2 * mm))
    np.testing.assert_allclose(found, [[1.0, 2.0], [3.0, 4.0]], rtol=1e-14)


def test_map_per_area_takes_the_area_it_covers() -> None:
    whole = Power(map=PowerMap(np.full((3, 2), 1e6), "W/m2"))
    part = Power(map=PowerMap(np.full((3, 2), 1e6), "W/m2", (0.0, 0.0), (1 * mm, 2 * mm)))
    assert whole.power_on(2 * mm, 3 * mm) == pytest.approx(6.0)
    assert part.power_on(2 * mm, 3 * mm) == pytest.approx(2.0)
    assert part.total_power == pytest.approx(2.0)
    with pytest.raises(DescriptionError, match=r"map: .* depends on the size of its layer \(ask heat_on"):
        _ = whole.total_power


# -- orientation -----------------------------------------------------------------------------


def turned_array(plane: np.ndarray, rotate: int, flip: bool) -> np.ndarray:
    """Return a plane of cells as it looks after the mirroring and the rotation, rows from the south."""
    plane = plane[:, ::-1] if flip else plane
    for _ in range(rotate // 90):
        ny, nx = plane.shape
        plane = np.array([[plane[ny - 1 - i, j] for i in range(ny)] for j in range(nx)])
    return plane


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", [False, True])
@given(power=powers(*SIZE))
def test_turned_power_is_the_turned_heat(power: Power, rotate: int, flip: bool) -> None:
    width, height = SIZE
    turned = orient_power(power, width, height, rotate, flip)
    w, h = (width, height) if rotate % 180 == 0 else (height, width)
    heat = deposit_power(
        power, np.linspace(0, width, 7), np.linspace(0, height, 5), (0.0, 0.0, width, height)
    )
    nx, ny = (6, 4) if rotate % 180 == 0 else (4, 6)
    found = deposit_power(turned, np.linspace(0, w, nx + 1), np.linspace(0, h, ny + 1), (0.0, 0.0, w, h))
    np.testing.assert_allclose(found, turned_array(heat, rotate, flip), rtol=1e-9, atol=1e-9)


def test_quarter_turn_is_counter_clockwise() -> None:
    power = Power(blocks=(Block("east", (9 * mm, 0.0), (1 * mm, 2 * mm), 1.0),))
    (north,) = orient_power(power, 10 * mm, 4 * mm, 90).blocks
    assert north.position == pytest.approx((2 * mm, 9 * mm))
    assert north.size == (2 * mm, 1 * mm)
    (west,) = orient_power(power, 10 * mm, 4 * mm, flip=True).blocks
    assert west.position == pytest.approx((0.0, 0.0))


def test_four_quarter_turns_change_nothing() -> None:
    power = Power(map=PowerMap(np.arange(6.0).reshape(2, 3), "W/m2", (0.0, 0.0), (1 * mm, 2 * mm), "m.csv"))
    turned = power
    for width, height in ((4 * mm, 2 * mm), (2 * mm, 4 * mm)) * 2:
        turned = orient_power(turned, width, height, 90)
    assert turned == power


def test_other_angles_are_refused() -> None:
    with pytest.raises(ValueError, match="not by 45"):
        orient_power(Power(1.0), 1.0, 1.0, 45)


# -- what the grid asks ----------------------------------------------------------------------


def test_powered_rectangles_leave_out_what_does_not_heat() -> None:
    cold = Block("cold", (0.0, 1 * mm), (1 * mm, 1 * mm))
    off = Block("off", (0.0, 1 * mm), (1 * mm, 1 * mm), 0.0)
    found = powered_rectangles(Power(blocks=(A, cold, off)), 2 * mm, 2 * mm)
    np.testing.assert_allclose(found, [[0.0, 0.0, 1 * mm, 1 * mm]])
    found = powered_rectangles(Power(5.0), 2 * mm, 3 * mm)
    np.testing.assert_allclose(found, [[0.0, 0.0, 2 * mm, 3 * mm]])
    found = powered_rectangles(Power(blocks=(A,), map=np.ones((2, 2))), 2 * mm, 3 * mm)
    assert found.shape == (2, 4)
    assert powered_rectangles(Power(0.0), 1.0, 1.0).shape == (0, 4)


def test_block_over_the_edge_by_rounding_is_cut_to_it() -> None:
    power = Power(blocks=(Block("a", (-5e-10, 0.0), (1 * mm + 9e-10, 1 * mm), 1.0),))
    assert power.diagnostics(1 * mm, 1 * mm) == []
    assert powered_rectangles(power, 1 * mm, 1 * mm).tolist() == [[0.0, 0.0, 1 * mm, 1 * mm]]


# -- forms -----------------------------------------------------------------------------------


def test_short_forms() -> None:
    assert read("560 W") == Power(560.0) == read({"total": "560 W"})
    assert READER.validate_python(560) == Power(total=560.0)
    by_name = {"blocks": {"a": {"at": ["0 mm", "0 mm"], "size": ["1 mm", "1 mm"], "power": "2 W"}}}
    as_list = {"blocks": [{"name": "a", **by_name["blocks"]["a"]}]}
    assert read(by_name) == read(as_list) == Power(blocks=(A,))


def test_what_is_written_reads_back() -> None:
    drawn = PowerMap(np.array([[0.1, 1e-7]]), "W/m2", (0.0, 0.0), (1 * mm, 2 * mm), "map.csv")
    power = Power(blocks=(A, B), map=drawn, scale_to=1.1, allow_negative=True)
    assert read(json.loads(json.dumps(dump(Power, power)))) == power
    assert hash(power) == hash(read(dump(Power, power)))
    assert power != Power(blocks=(A, B), scale_to=1.1, allow_negative=True)
    assert drawn != PowerMap(np.array([[0.1, 2e-7]]), "W/m2", (0.0, 0.0), (1 * mm, 2 * mm), "map.csv")
    assert drawn != "map.csv"


def test_map_is_a_copy_and_frozen() -> None:
    values = np.ones((2, 2))
    drawn = PowerMap(values)
    values[0, 0] = 9.0
    assert drawn.values[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        drawn.values[0, 0] = 2.0


def test_unchecked_blocks_are_blocks() -> None:
    (made,) = blocks_of(["a"], np.array([[0.0, 0.0, 1 * mm, 1 * mm]]), [2.0])
    assert made == A
    assert hash(made) == hash(A)
    assert repr(made) == repr(A)


def test_schema_has_the_forms_that_name_files() -> None:
    text = json.dumps(READER.json_schema())
    assert all(key in text for key in ('"floorplan"', '"powers"', '"origin"', '"scale_to"'))


# -- what is refused -------------------------------------------------------------------------


def test_declared_total_must_be_the_sum() -> None:
    assert refused(total=6.0, blocks=(A, B)) == (
        "Power.total: 6 W is declared, but its blocks add up to 5 W "
        '(correct one of them, or write scale_to: "6 W" instead) [E-POWER]'
    )
    assert "its blocks and its map add up to 9 W" in refused(total=6.0, blocks=(A, B), map=np.ones((2, 2)))
    assert "its map adds up to 4 W" in refused(total=6.0, map=np.ones((2, 2)))
    assert Power(total=5.004, blocks=(A, B)).total_power == 5.0
    assert refused(total=5.006, blocks=(A, B))


def test_declared_total_of_a_map_per_area_is_checked_on_the_layer() -> None:
    power = Power(total=5.0, map=PowerMap(np.full((2, 2), 1e6), "W/m2"))
    (diagnostic,) = power.diagnostics(2 * mm, 2 * mm)
    assert diagnostic.path == ("total",)
    assert diagnostic.message == "5 W is declared, but its map adds up to 4 W"
    assert power.diagnostics(2 * mm, 2.5 * mm) == []


def test_nothing_cannot_be_scaled() -> None:
    dark = Block("dark", (0.0, 0.0), (1 * mm, 1 * mm))
    assert refused(blocks=(dark,), scale_to=5.0) == (
        "Power.scale_to: 0 W cannot be scaled to 5 W (give each part its share of the power) [E-POWER]"
    )
    assert Power(blocks=(A,), scale_to=0.0).total_power == 0.0
    assert deposit_power(Power(total=3.0, scale_to=5.0), *[np.array([0.0, 1.0])] * 2, (0, 0, 1, 1)) == 5.0


def test_negative_power_needs_permission() -> None:
    cooled = Block("peltier", (0.0, 0.0), (1 * mm, 1 * mm), -0.5)
    remedy = "(write allow_negative: true where something is cooled here) [E-POWER]"
    assert refused(blocks=(A, cooled)) == f"Power.blocks.peltier.power: -500 mW is negative {remedy}"
    assert refused(-1.0) == f"Power.total: -1 W is negative {remedy}"
    assert refused(map=np.array([[1.0, 1.0], [1.0, -2.0]])) == (
        f"Power.map: 1 of its pixels are negative, the first -2 W in row 2 from the south, column 2 {remedy}"
    )
    assert Power(blocks=(A, cooled), allow_negative=True).total_power == 1.5
    assert Power(-1.0, allow_negative=True).total_power == -1.0


def test_two_blocks_of_one_name_are_refused() -> None:
    assert refused(blocks=(A, A)) == "Power.blocks.a: 'a' names two blocks [E-DUPLICATE]"


def test_no_power_at_all_is_refused() -> None:
    assert refused() == "Power: no heat is given (give total, blocks or map) [E-MISSING]"


def test_all_diagnostics_of_a_power_are_named_at_once() -> None:
    block = {"at": ["1 mm", "0 mm"], "size": ["1 mm", "1 mm"], "power": "-3 W"}
    found = diagnostics_in({"total": "6 W", "blocks": [{"name": "a", **block}, {"name": "a", **block}]})
    assert [(diagnostic.field, diagnostic.code) for diagnostic in found] == [
        ("power.blocks.a.power", "E-POWER"),
        ("power.blocks.a.power", "E-POWER"),
        ("power.blocks.a", "E-DUPLICATE"),
        ("power.total", "E-POWER"),
    ]


@pytest.mark.parametrize(
    ("value", "field", "code", "words"),
    [
        (560, "power.total", "E-UNIT", "560 has no unit"),
        ("560 K", "power.total", "E-UNIT", "a power is due"),
        ("nan W", "power.total", "E-UNIT", "nan W"),
        ({"total": "5 W", "totl": "5 W"}, "power.totl", "E-KEY", "unknown key"),
        ({"total": "5 W", "scale_to": "-1 W"}, "power.scale_to", "E-RANGE", "less than zero"),
        ({"blocks": {"a": {"size": ["1 mm", "1 mm"]}}}, "power.blocks.a.at", "E-MISSING", "is missing"),
        (
            {"blocks": {"a": {"at": ["0 m", "0 m"], "size": ["26 m", "1 mm"]}}},
            "power.blocks.a.size[0]",
            "E-SLIP",
            "26 m is outside",
        ),
        (
            {"blocks": {"a": {"at": ["0 m", "0 m"], "size": ["1 mm", "0 mm"]}}},
            "power.blocks.a.size[1]",
            "E-RANGE",
            "not greater than zero",
        ),
        ({"blocks": [{"name": "a\nb", **PLACE}]}, "power.blocks[0].name", "E-NAME", "not a name"),
        ({"blocks": [{"name": 7, **PLACE}]}, "power.blocks[0].name", "E-TYPE", "7 is not a name"),
        ({"map": [[1, 2], [3]]}, "power.map.values", "E-TYPE", "differ in length"),
        ({"map": [1, 2]}, "power.map.values", "E-TYPE", "with shape (2,) is not a map"),
        ({"map": [["x"]]}, "power.map.values", "E-TYPE", "is not a map"),
        ({"map": [[1j]]}, "power.map.values", "E-TYPE", "complex128"),
        ({"map": [[1.0, float("nan")]]}, "power.map.values", "E-RANGE", "nan in row 1, column 2"),
        ({"map": {"values": [[1.0]], "unit": "kW"}}, "power.map.unit", "E-TYPE", "'kW' is not 'W' or 'W/m2'"),
        ({"map": {"values": [[1.0]], "at": ["0 m", "0 m"]}}, "power.map", "E-MISSING", "belong together"),
    ],
)  # fmt: skip
def test_diagnostic(value: Any, field: str, code: str, words: str) -> None:
    (diagnostic,) = diagnostics_in(value)
    assert (diagnostic.field, diagnostic.code) == (field, code)
    assert words in diagnostic.message


def test_blocks_outside_are_named_with_how_far() -> None:
    power = Power(blocks=(A, Block("far", (-2 * mm, 0.0), (1 * mm, 5 * mm), 1.0)))
    (diagnostic,) = power.diagnostics(1 * mm, 2 * mm)
    assert diagnostic.path == ("blocks", "far")
    assert str(diagnostic) == (
        "blocks.far: block 'far' leaves its layer of 1 mm x 2 mm by 2 mm to the west and 3 mm to the north "
        "(positions are in the frame of the stack, from its lower-left corner) [E-OUTSIDE]"
    )
    (diagnostic,) = Power(blocks=(A,)).diagnostics(1 * mm - 2e-9, 1 * mm)
    assert "by 2 nm to the east" in diagnostic.message
    (diagnostic,) = Power(map=PowerMap(np.ones((2, 2)), "W", (0.0, 0.0), (3 * mm, 1 * mm))).diagnostics(
        2 * mm, 2 * mm
    )
    assert diagnostic.path == ("map",)
    assert diagnostic.message == "the map leaves its layer of 2 mm x 2 mm by 1 mm to the east"


def test_block_without_power_in_a_powered_plan_is_a_warning() -> None:
    dark = Block("dark", (0.0, 0.0), (1 * mm, 1 * mm))
    (diagnostic,) = Power(blocks=(A, dark)).diagnostics(1 * mm, 1 * mm)
    assert diagnostic.is_warning
    assert str(diagnostic) == (
        "blocks.dark: block 'dark' gets no power, others do (write \"0 W\" where this is meant) [W-POWER]"
    )
    off = Block("dark", (0.0, 0.0), (1 * mm, 1 * mm), 0.0)
    assert Power(blocks=(A, off)).diagnostics(1 * mm, 1 * mm) == []
    assert Power(blocks=(dark,)).diagnostics(1 * mm, 1 * mm) == []


def test_powers_by_name() -> None:
    blocks = assign_powers((A, B), {"a": "7 W"}, from_file=True)
    assert [block.power for block in blocks] == [7.0, 3.0]
    assert [block.power for block in assign_powers((A, B), {B.name: 1})] == [2.0, 1.0]
    with pytest.raises(DescriptionError) as caught:
        assign_powers(
            (A, Block("gpc0", A.position, A.size)), {"gpc1": "1 W", "zz": "1 W", "a": 3}, from_file=True
        )
    assert str(caught.value).splitlines() == [
        "powers.gpc1: no block is named 'gpc1' (did you mean gpc0?) [E-POWER]",
        "powers.zz: no block is named 'zz' (there are a, gpc0) [E-POWER]",
        'powers.a: 3 has no unit; a power is due (write "10 W") [E-UNIT]',
    ]
    with pytest.raises(DescriptionError, match="the floorplan has no blocks"):
        assign_powers((), {"a": 1.0})
    many = tuple(Block(f"core{n:02}", A.position, A.size) for n in range(30))
    with pytest.raises(DescriptionError, match="core19 and others"):
        assign_powers(many, {"zz": 1.0})


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(0.0, 1e3)))
def test_map_on_its_own_pixels_is_itself(values: np.ndarray) -> None:
    found = deposit_raster(np.linspace(0.0, 1.0, 5), np.linspace(0.0, 1.0, 4), values, 0.0, 0.0, 1.0, 1.0)
    np.testing.assert_allclose(found, values, rtol=1e-13)
