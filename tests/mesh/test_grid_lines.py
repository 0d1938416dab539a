"""Grid line placement: planes at all faces of the geometry, and cell sizes by sources and healing lengths."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import inf, nan, sqrt
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    DescriptionError,
    FixedTemperature,
    HeatSink,
    Interface,
    Layer,
    Material,
    Package,
    Power,
    PowerMap,
    Region,
    Stack,
    discretize,
    read_package,
)
from thermostack.mesh import grid_lines, material_edges
from thermostack.mesh.face_grid import FaceGrid
from thermostack.mesh.grid_lines import (
    RULE,
    CellSize,
    find_powered_regions,
    fixed_planes,
)
from thermostack.mesh.healing_length import HealingLengths
from thermostack.package.cooling import FaceCooling, FaceRectangle
from thermostack.package.geometry import build_geometry, package_geometry
from thermostack.units import mm, um

SILICON, COPPER, MOLD = Material("si", 148.0), Material("cu", 390.0), Material("mold", 0.8)
HTC = Cooling(top=Convection(1e4, 300.0))
SIDE = 20 * mm


def plate(power: Power | None = None, material: Material = SILICON, **more: Any) -> Package:
    """Return a plate of 20 x 20 x 1 mm below a convective face, with the power in its lowest 10 um."""
    layers = (
        Layer("active", 10 * um, material, power=power),
        Layer("bulk", 0.99 * mm, material),
    )
    return Package("plate", (Stack("die", (SIDE, SIDE), layers, **more),), HTC)


def block(x: float, y: float, width: float, depth: float, name: str = "b", power: float = 5.0) -> Block:
    return Block(name, (x * mm, y * mm), (width * mm, depth * mm), power)


def row(count: int) -> Power:
    """Return adjacent blocks of 1 mm from the west: count + 1 planes in x, two in y."""
    return Power(blocks=tuple(block(2 + n, 3, 1, 4, f"b{n}", 1.0) for n in range(count)))


def is_plane(planes: np.ndarray, value: float) -> bool:
    return bool(np.abs(planes - value).min() <= 1e-12)


# -- planes at the faces of boxes - -------------------------------------------------------------


def crowded() -> Package:
    """Return two dies on a board with a region, an interface resistance and coolers on regions of faces."""
    hole = Region("hole", (1.1 * mm, 0.7 * mm), COPPER, (2.3 * mm, 1.9 * mm))
    board = Stack("board", (SIDE, 12.7 * mm), (Layer("core", 1.03 * mm, MOLD, regions=(hole,)),), filler=MOLD)
    die = Stack(
        "die",
        (5.1 * mm, 4.3 * mm),
        (Layer("active", 12 * um, SILICON, Power(blocks=(block(0.21, 0.33, 1.7, 2.9),))),),
        on="board",
        position=(3.37 * mm, 2.11 * mm),
    )
    bulk = (Layer("bulk", 0.31 * mm, SILICON, interface=Interface(bottom=1e-5)),)
    cooling = Cooling(
        top=(
            Convection(1e4, 300.0),
            FaceCooling(Convection(1.0, 300.0), FaceRectangle((15.3e-3, 2e-3), (1e-3, 7e-3))),
        ),
        east=FaceCooling(FixedTemperature(300.0), FaceRectangle((1.7 * mm, 0.21 * mm), (4.9 * mm, 0.5 * mm))),
    )
    other = replace(die, name="other", layers=bulk).at(10.9 * mm, 2.5 * mm)
    return Package("crowded", (board, die, other), cooling)


@pytest.mark.parametrize("options", [{}, {"cell": 3 * mm}, {"fineness": 0.1}])
def test_faces_of_the_geometry_are_planes(options: dict[str, Any]) -> None:
    """Faces of boxes, regions, powered blocks, interfaces and cooler regions, for any cell size."""
    geometry = build_geometry(crowded())
    grid = discretize(geometry, **options).grid
    for axis, planes in enumerate((grid.x, grid.y, grid.z)):
        for box in geometry.boxes:
            assert is_plane(planes, box.low[axis])
            assert is_plane(planes, box.high[axis])
    faces = {
        "x": [3.37 + 0.21, 3.37 + 1.91, 2.3, 3.4, 15.3, 16.3],
        "y": [2.11 + 0.33, 2.11 + 3.23, 1.9, 2.6, 2.0, 9.0, 1.7, 6.6],
        "z": [1.03, 1.042, 0.21, 0.71],
    }
    for axis_name, values in faces.items():
        for value in values:
            assert is_plane(getattr(grid, axis_name), value * mm), (axis_name, value)


def test_grid_has_the_extent_of_the_body() -> None:
    grid = discretize(crowded()).grid
    assert (grid.x[0], grid.x[-1]) == (0.0, SIDE)
    assert (grid.y[0], grid.y[-1]) == (0.0, 12.7 * mm)
    assert (grid.z[0], grid.z[-1]) == (0.0, pytest.approx(1.34 * mm))


def test_block_edges_are_planes_up_to_a_limit() -> None:
    """Nine blocks in a row have ten edges in x: planes with a limit of ten, none with nine."""
    package = plate(row(9))
    few, many = (discretize(package, block_planes=planes) for planes in (10, 9))
    assert few.grid.dx.min() > 1 * um  # edges that differ by rounding are one
    edges = [(2 + n) * mm for n in range(10)]
    assert all(is_plane(few.grid.x, edge) for edge in edges)
    assert [found.name for found in few.blocks] == [f"die.active.b{n}" for n in range(9)]
    assert sum(is_plane(many.grid.x, edge) for edge in edges) < 5
    assert [found.name for found in many.blocks] == [f"die.active.b{n}" for n in range(9)]
    assert many.total_power == pytest.approx(9.0, rel=1e-12)


def test_floorplan_above_the_limit_is_meshed_as_one_source() -> None:
    geometry = build_geometry(plate(row(9)))
    powered = find_powered_regions(geometry, block_planes=9)
    assert powered.plan.tolist() == [[0.0, 0.0, SIDE, SIDE]]
    assert powered.cells_across.tolist() == [RULE.cells_across_map]
    assert powered.edges.shape == (0, 4)
    assert (
        find_powered_regions(geometry, block_planes=10).cells_across.tolist() == [RULE.cells_across_block] * 9
    )


def idle(x: float, y: float, width: float, height: float, name: str, power: float | None) -> Block:
    """Return a block given in mm that generates nothing."""
    return Block(name, (x * mm, y * mm), (width * mm, height * mm), power)


def test_blocks_without_power_are_resolved_like_powered_ones() -> None:
    """A trace may heat a floorplan without powers, and a layer of 0 W: the grid is the same."""
    cold = tuple(idle(2 + n, 3, 1, 4, f"b{n}", None if n % 2 else 0.0) for n in range(4))
    powered, unpowered = (discretize(plate(power)).grid for power in (row(4), Power(blocks=cold)))
    for axis in "xyz":
        assert np.array_equal(getattr(powered, axis), getattr(unpowered, axis))
    bare = [discretize(plate(Power(total))).grid for total in (5.0, 0.0)]
    assert all(np.array_equal(getattr(bare[0], axis), getattr(bare[1], axis)) for axis in "xyz")


def test_small_idle_block_beside_powered_ones_is_a_probe() -> None:
    """Its edges are planes of the grid, and the cells around it are not finer than at the powered blocks."""
    blocks = row(4).blocks
    probe = idle(8.35, 5.2, 0.05, 0.05, "thermistor", 0.0)
    without, with_probe = (discretize(plate(Power(blocks=each))) for each in (blocks, (*blocks, probe)))
    assert all(is_plane(with_probe.grid.x, edge * mm) for edge in (8.35, 8.4))
    assert all(is_plane(with_probe.grid.y, edge * mm) for edge in (5.2, 5.25))
    assert with_probe.warnings == ()
    more = with_probe.grid.x.size - without.grid.x.size, with_probe.grid.y.size - without.grid.y.size
    assert max(more) <= 12
    (found,) = (each for each in with_probe.blocks if each.name == "die.active.thermistor")
    assert (found.power, found.window[1].stop - found.window[1].start) == (0.0, 1)


def test_map_adds_no_planes() -> None:
    power = Power(map=PowerMap(values=np.arange(49.0).reshape(7, 7)), scale_to=5.0)
    geometry = build_geometry(plate(power))
    assert find_powered_regions(geometry).edges.shape == (0, 4)
    assert np.diff(discretize(geometry).grid.x).max() < SIDE / RULE.cells_across_map * 1.3
    assert fixed_planes(geometry, find_powered_regions(geometry), 0)[0].tolist() == [0.0, SIDE]


def test_nearly_equal_planes_are_merged_with_a_warning() -> None:
    """A block that ends 2 nm before its die gives one plane and one warning, and keeps its power."""
    package = plate(Power(blocks=(block(0.0, 5.0, 20.0 - 2e-6, 10.0),)))
    model = discretize(package)
    (warning,) = model.warnings
    assert "two planes at a distance of 2 nm at x = 20 mm are merged (align the faces" in warning
    assert "[W-GRID]" in warning
    assert model.grid.dx.min() > 1 * um
    assert model.total_power == pytest.approx(5.0, rel=1e-12)
    assert model.grid.volume[model.part > 0].sum() == pytest.approx(SIDE * SIDE * mm, rel=1e-6)
    assert discretize(plate(Power(blocks=(block(0.0, 5.0, 20.0, 10.0),)))).warnings == ()


def test_planes_above_the_merge_distance_are_kept() -> None:
    """The distance is a millionth of the smaller part, here of the block, but at least 5 nm."""
    kept, merged = (
        discretize(plate(Power(blocks=(block(0.0, 5.0, 20.0 - gap, 10.0),))), cell=1 * mm)
        for gap in (25e-6, 15e-6)
    )
    assert kept.warnings == ()
    assert kept.grid.dx.min() == pytest.approx(25e-9, rel=1e-6)
    (warning,) = merged.warnings
    assert "two planes at a distance of 15 nm at x = 20 mm are merged" in warning
    assert merged.grid.dx.min() > 1 * um


def test_a_thin_layer_is_kept_between_thick_ones() -> None:
    """Its faces are closer than a millionth of the thick layers, but not of the layer itself."""
    layers = tuple(Layer(name, d, SILICON) for name, d in (("low", 90e-3), ("sheet", 20e-9), ("high", 90e-3)))
    stack = Stack("die", (SIDE, SIDE), layers)
    model = discretize(Package("thin", (stack,), Cooling(top=Convection(1e3, 300.0))), cell=5 * mm)
    assert [np.count_nonzero(model.part == n) > 0 for n in (1, 2, 3)] == [True] * 3
    assert model.warnings == ()


def test_many_merged_planes_give_one_warning_with_their_number() -> None:
    blocks = [block(2 * n + (1e-6 if n % 2 else 0.0), 3, 2, 4, f"b{n}", 1.0) for n in range(9)]
    (warning,) = discretize(plate(Power(blocks=tuple(blocks)))).warnings
    assert warning == (
        "grid: 8 planes are merged with a neighbour: two planes at a distance of 1 nm at x = 2 mm are "
        "merged, and others (align the faces of the description) [W-GRID]"
    )


# -- sizes -----------------------------------------------------------------------------------

SPOT = plate(Power(blocks=(block(4, 6, 8, 4),)))


def spacing(package: Package, axis: int, fineness: float = 1.0, cell: Any = None) -> CellSize:
    geometry = build_geometry(package)
    return CellSize(geometry, find_powered_regions(geometry), axis, cell, fineness)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_cells_of_an_interval_hold_equal_integrals_of_the_size(axis: int) -> None:
    """Between two fixed planes every cell holds the same integral of dx / h, at most 1.25."""
    geometry = build_geometry(SPOT)
    fixed, _ = fixed_planes(geometry, find_powered_regions(geometry), axis)
    rule = spacing(SPOT, axis)
    planes = rule.planes(fixed)
    assert set(fixed) <= set(planes.tolist())
    for low, high in pairwise(fixed.tolist()):
        ends = planes[(planes >= low) & (planes <= high)]
        held = []
        for a, b in pairwise(ends.tolist()):
            s = np.linspace(a, b, 401)
            held.append(float(np.sum(np.diff(s) / rule.size(0.5 * (s[1:] + s[:-1])))))
        assert max(held) <= 1.26
        assert max(held) / min(held) < 1.06  # the integral is taken on 128 pieces
        if len(held) > 1:
            assert sum(held) / (len(held) - 1) > 1.0 - 0.01  # one cell fewer would not do


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_fineness_divides_every_size(axis: int) -> None:
    at = np.linspace(0.0, 1 * mm if axis == 2 else SIDE, 57)
    plain, fine = (spacing(SPOT, axis, fineness).size(at) for fineness in (1.0, 2.0))
    assert fine == pytest.approx(0.5 * plain, rel=1e-12)


def test_block_has_eight_cells_across_and_finer_edges() -> None:
    """The cell size is an eighth of the width in the middle, half of that at the edges, and grows outside."""
    rule = spacing(SPOT, 0)
    middle, west, east = rule.size(np.array([8.0, 4.0, 12.0]) * mm)
    assert west == pytest.approx(east)
    assert west == pytest.approx(min(0.5 * 1 * mm, 0.5 * rule.powered.healing[0]))
    assert middle == pytest.approx(min(1 * mm, SIDE / RULE.min_cells_across_body, west + 0.35 * 4 * mm))
    outside = rule.size(np.array([12.0, 12.5, 13.0]) * mm)
    assert np.all(np.diff(outside) > 0.0)


def test_short_healing_length_refines_the_edges() -> None:
    """With a coefficient 100 times as large only the cells at the edge are smaller."""
    strong = replace(SPOT, cooling=Cooling(top=Convection(1e6, 300.0)))
    weak, keen = spacing(SPOT, 0), spacing(strong, 0)
    assert keen.powered.healing[0] < 0.7 * weak.powered.healing[0]
    thin = replace(strong, stacks=(replace(strong.stacks[0], layers=(replace(SPOT.stacks[0].layers[0]),)),))
    assert spacing(thin, 0).powered.healing[0] < 0.1 * mm
    edge = spacing(thin, 0).size(np.array([4 * mm]))
    assert edge[0] == pytest.approx(0.5 * spacing(thin, 0).powered.healing[0])
    assert spacing(thin, 0).size(np.array([8 * mm]))[0] > 5.0 * edge[0]


def test_cells_along_z_are_finest_at_the_source() -> None:
    grid = discretize(SPOT).grid
    assert np.all(np.diff(grid.dz[1:]) > 0.0)
    assert grid.z[1] == 10 * um
    away = spacing(SPOT, 2).size(np.array([0.0, 0.11, 0.51]) * mm)
    assert away == pytest.approx(
        0.25 * 4 * mm / RULE.cells_across_block + 0.25 * np.array([0.0, 0.1, 0.5]) * mm
    )


def test_layers_of_low_vertical_conductivity_are_refined() -> None:
    """The factor is sqrt(k_z / k_xy): one half for a ratio of 1/4."""
    at = np.array([0.3, 0.6]) * mm
    for k, factor in (((40.0, 20.0, 10.0), 0.5), ((1.0, 1.0, 1e-4), 0.25), ((1.0, 1.0, 9.0), 1.0)):
        package = replace(
            SPOT,
            stacks=(
                replace(
                    SPOT.stacks[0],
                    layers=(SPOT.stacks[0].layers[0], Layer("bulk", 0.99 * mm, Material("odd", k))),
                ),
            ),
        )
        assert spacing(package, 2).size(at) == pytest.approx(factor * spacing(SPOT, 2).size(at))


def test_layer_beside_the_source_is_not_refined() -> None:
    """Only layers above or below a powered block count: a mould beside the die does not change its cells."""
    odd = Material("odd", (1.0, 1.0, 0.01))
    board = Stack("board", (SIDE, SIDE), (Layer("board", 1 * mm, SILICON),))
    hot = Stack(
        "hot",
        (5 * mm, 5 * mm),
        (Layer("die", 1 * mm, SILICON, Power(total=5.0)),),
        on="board",
        position=(1 * mm, 1 * mm),
    )
    at = np.array([1.2, 1.8]) * mm
    sizes = []
    for material in (SILICON, odd):
        cold = replace(hot, name="cold", layers=(Layer("die", 1 * mm, material),)).at(10 * mm, 1 * mm)
        sizes.append(spacing(Package("two", (board, hot, cold), HTC), 2).size(at))
    assert sizes[0].tolist() == sizes[1].tolist()


def test_every_interval_has_at_least_three_cells() -> None:
    """A gap of 0.2 mm far from the source has three cells, and the body has 24."""
    gap = (
        Region("left", (5 * mm, SIDE), COPPER),
        Region("right", (14.8 * mm, SIDE), COPPER, (5.2 * mm, 0.0)),
    )
    layers = (Layer("sheet", 1 * mm, MOLD, regions=gap),)
    grid = discretize(Package("gap", (Stack("s", (SIDE, SIDE), layers),), HTC)).grid
    assert int(np.sum((grid.x_center > 5 * mm) & (grid.x_center < 5.2 * mm))) == 3
    assert grid.dy.size == RULE.min_cells_across_body
    assert grid.dx.max() <= SIDE / RULE.min_cells_across_body * 1.05


# -- what the user asks for ------------------------------------------------------------------


def test_one_size_bounds_all_directions_and_the_rule_refines_z() -> None:
    grid = discretize(SPOT, cell=0.5 * mm).grid
    assert grid.dx == pytest.approx(np.full(40, 0.5 * mm))
    assert grid.dy == pytest.approx(np.full(40, 0.5 * mm))
    by_rule = discretize(SPOT).grid
    assert grid.z.tolist() == by_rule.z.tolist()
    assert discretize(SPOT, cell=0.05 * mm).grid.dz.max() <= 0.05 * mm * 1.26
    assert discretize(SPOT, cell=100 * mm).grid.dx == pytest.approx([4 * mm, 8 * mm, 8 * mm])


def test_three_sizes_replace_the_default_rule() -> None:
    grid = discretize(SPOT, cell=(1 * mm, 2 * mm, 0.3 * mm)).grid
    assert grid.dx == pytest.approx(np.full(20, 1 * mm))
    assert grid.dy == pytest.approx(np.full(10, 2 * mm))
    assert grid.dz == pytest.approx([0.01 * mm, *([0.2475 * mm] * 4)])


def test_two_sizes_keep_the_default_rule_along_z() -> None:
    grid = discretize(SPOT, cell=(1 * mm, 2 * mm)).grid
    assert (grid.dx.size, grid.dy.size) == (20, 10)
    assert grid.z.tolist() == discretize(SPOT).grid.z.tolist()


def test_mapping_bounds_the_cells_of_parts() -> None:
    """Other parts follow the default rule; the name of a stack stands for all its layers."""
    package = crowded()
    plain = discretize(package).grid
    grid = discretize(package, cell={"other": 0.1 * mm}).grid
    inside = (grid.x_center > 10.9 * mm) & (grid.x_center < 16.0 * mm)
    assert grid.dx[inside].max() <= 0.1 * mm * 1.26
    assert plain.dx[(plain.x_center > 10.9 * mm) & (plain.x_center < 16.0 * mm)].max() > 0.1 * mm * 1.26
    assert (
        grid.dx[~inside].tolist() == plain.dx[(plain.x_center < 10.9e-3) | (plain.x_center > 16e-3)].tolist()
    )
    one_part = discretize(package, cell={"other.bulk": 0.1 * mm}).grid
    assert one_part.x.tolist() == grid.x.tolist()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (0.0, "a cell size must be positive, got 0.0 m"),
        (-1 * mm, "a cell size must be positive, got -0.001 m"),
        (nan, "a cell size must be positive, got nan m"),
        ((1 * mm, 0.0), "a cell size must be positive, got 0.0 m"),
        ({"die": -1.0}, "a cell size must be positive, got -1.0 m"),
    ],
)
def test_invalid_sizes_are_rejected(cell: Any, words: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        discretize(SPOT, cell=cell)
    assert words in str(caught.value)
    assert "0.25 mm" in str(caught.value)
    assert caught.value.diagnostics[0].code == "E-GRID"


def test_unknown_part_is_rejected_with_a_similar_name() -> None:
    with pytest.raises(DescriptionError, match=r"no part is named 'die.bulb' \(did you mean die.bulk\?\)"):
        discretize(SPOT, cell={"die.active": 1 * mm, "die.bulb": 1 * mm})


def test_grid_lines_of_the_body_gives_one_cell() -> None:
    assert discretize(plate(), cell=(SIDE, inf, 0.99 * mm)).grid.shape == (2, 1, 1)


# -- healing ---------------------------------------------------------------------------------

MIDDLE = (10 * mm, 10 * mm, 5 * um)


def healing_length(geometry: Any, x: float, y: float, z: float) -> float:
    return HealingLengths(geometry).column(x, y).healing_length(z)


def sheets(*layers: Layer, **cooling: Any) -> Any:
    return build_geometry(Package("sheets", (Stack("s", (SIDE, SIDE), layers),), Cooling(**cooling)))


def test_healing_length_of_a_fin() -> None:
    """sqrt(k t / h) of a thin sheet cooled on one side; with two cooled sides the coefficients add."""
    sheet = Layer("sheet", 0.1 * mm, COPPER)
    one = sheets(sheet, top=Convection(500.0, 300.0))
    assert healing_length(one, *MIDDLE) == pytest.approx(sqrt(390.0 * 1e-4 / 500.0), rel=1e-3)
    both = sheets(sheet, top=Convection(500.0, 300.0), bottom=Convection(300.0, 350.0))
    assert healing_length(both, *MIDDLE) == pytest.approx(sqrt(390.0 * 1e-4 / 800.0), rel=1e-3)


def test_healing_length_uses_the_lateral_conductivity() -> None:
    odd = Layer("sheet", 0.1 * mm, Material("odd", (300.0, 100.0, 50.0)))
    length = healing_length(sheets(odd, top=Convection(500.0, 300.0)), *MIDDLE)
    assert length == pytest.approx(sqrt(200.0 * 1e-4 / 500.0), rel=1e-3)


def test_healing_length_below_a_sink_with_a_resistance() -> None:
    """A resistance R over the plan A is the coefficient h = 1 / (R A)."""
    sheet = Layer("sheet", 0.1 * mm, COPPER)
    by_htc = sheets(sheet, top=HeatSink(300.0, h=1.0 / (2.0 * SIDE * SIDE)))
    assert healing_length(sheets(sheet, top=HeatSink(300.0, resistance=2.0)), *MIDDLE) == pytest.approx(
        healing_length(by_htc, *MIDDLE)
    )


def test_healing_lengths_of_many_points_equal_those_of_each() -> None:
    """Columns differ by their boxes and interfaces; equal columns are solved once."""
    sheet = Layer("sheet", 0.1 * mm, COPPER)
    on_top = (
        Stack("die", (4 * mm, 4 * mm), (replace(sheet, interface=Interface(bottom=1e-5)),), on="s"),
        Stack("bare", (4 * mm, 4 * mm), (sheet,), on="s"),
    )
    stacks = (
        Stack("s", (SIDE, SIDE), (sheet,)),
        replace(on_top[0], position=(2 * mm, 2 * mm)),
        replace(on_top[1], position=(12 * mm, 12 * mm)),
    )
    geometry = build_geometry(Package("sheets", stacks, Cooling(bottom=Convection(500.0, 300.0))))
    points = np.array([(3, 3), (5, 5), (13, 13), (15, 15), (1, 1), (19, 1)]) * mm
    lengths = HealingLengths(geometry).at_points(points, 50 * um)
    assert lengths.tolist() == [healing_length(geometry, x, y, 50 * um) for x, y in points.tolist()]
    assert len(set(lengths.tolist())) == 3


def test_healing_length_of_two_sheets_with_an_interface_resistance() -> None:
    """A powered sheet over an interface resistance R on a cold sheet: about sqrt(k t R)."""
    joint = Layer("upper", 10 * um, SILICON, interface=Interface(bottom=1e-3))
    lower = Layer("lower", 10 * um, SILICON)
    geometry = sheets(lower, joint, bottom=FixedTemperature(300.0))
    assert healing_length(geometry, 10 * mm, 10 * mm, 15 * um) == pytest.approx(
        sqrt(148.0 * 10e-6 * 1e-3), rel=1e-3
    )
    as_layer = sheets(
        lower,
        Layer("joint", 1 * um, Material("bad", 1e-3)),
        replace(joint, interface=Interface()),
        bottom=FixedTemperature(300.0),
    )
    assert healing_length(as_layer, 10 * mm, 10 * mm, 16 * um) == pytest.approx(
        sqrt(148.0 * 10e-6 * 1e-3), rel=2e-3
    )


def test_healing_length_of_a_thick_body_is_of_the_order_of_its_height() -> None:
    """At an adiabatic face of a slab on a fixed temperature the slowest mode is 8 / pi^2 = 81 % of the rise.

    With the next mode, of decay length 2 H / (3 pi), it is 90 %, so this length is the healing length.
    """
    slab = sheets(Layer("slab", 10 * mm, COPPER), bottom=FixedTemperature(300.0))
    assert healing_length(slab, 10 * mm, 10 * mm, 9.9 * mm) == pytest.approx(
        20 * mm / (3.0 * np.pi), rel=0.05
    )


def test_healing_length_is_infinite_without_cooling_above_and_below() -> None:
    sheet = Layer("sheet", 0.1 * mm, COPPER)
    assert healing_length(sheets(sheet, west=Convection(500.0, 300.0)), *MIDDLE) == inf
    assert healing_length(sheets(sheet, top=Convection(500.0, 300.0)), 2 * SIDE, 0.0, 0.0) == inf


def test_healing_length_depends_on_the_local_column_only() -> None:
    """A block of copper on half of a sheet changes the columns below it only."""
    board = Stack("board", (SIDE, SIDE), (Layer("sheet", 0.1 * mm, COPPER),))
    lid = Stack("lid", (10 * mm, SIDE), (Layer("sheet", 0.1 * mm, COPPER),), on="board", position=(0.0, 0.0))
    geometry = build_geometry(Package("half", (board, lid), Cooling(bottom=Convection(500.0, 300.0))))
    under, beside = (healing_length(geometry, x * mm, 10 * mm, 50 * um) for x in (5.0, 15.0))
    assert under / beside == pytest.approx(sqrt(2.0), rel=1e-3)


# -- evaluation of many intervals at once -------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("cell", [None, 1 * mm])
def test_planes_do_not_depend_on_the_number_of_sizes_evaluated_at_once(
    axis: int, cell: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = plate(Power(blocks=(block(4, 6, 8, 4), block(13, 2, 1, 1, "c"))), MOLD)
    geometry = build_geometry(package)
    fixed, _ = fixed_planes(geometry, find_powered_regions(geometry), axis)
    together = spacing(package, axis, cell=cell).planes(fixed)
    monkeypatch.setattr(grid_lines, "MAX_SIZES_AT_ONCE", 1)
    assert spacing(package, axis, cell=cell).planes(fixed).tolist() == together.tolist()


@pytest.mark.parametrize("axis", [0, 1])
def test_occupancy_equals_that_of_all_intervals_and_layers(axis: int) -> None:
    """Beside dies of two heights; an opening that is void counts as solid where a layer surrounds it."""
    geometry = package_geometry(read_package("hbm_beside_gpu"))
    faces = FaceGrid(geometry)
    along, layers = (0.5 * (planes[1:] + planes[:-1]) for planes in (faces.planes[axis], faces.planes[2]))
    is_solid = [
        [
            any(
                box.part >= 0 and box.low[axis] < s < box.high[axis] and box.low[2] < z < box.high[2]
                for box in geometry.boxes
            )
            for z in layers
        ]
        for s in along
    ]
    assert grid_lines._occupancy(geometry, faces, axis).tolist() == np.mean(is_solid, axis=1).tolist()


def test_a_given_grid_needs_no_cell_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    package = plate(Power(total=5.0))
    grid = discretize(package).grid

    def refuse(*arguments: Any) -> None:
        raise AssertionError("a given grid has no cell sizes")

    for name in ("_find_column", "_solve_column"):
        monkeypatch.setattr(HealingLengths, name, refuse)
    monkeypatch.setattr(material_edges, "_edge_heights", refuse)
    monkeypatch.setattr(CellSize, "size", refuse)
    assert discretize(package, grid=grid).power.sum() == pytest.approx(5.0)
    with pytest.raises(AssertionError, match="no cell sizes"):
        discretize(package)
