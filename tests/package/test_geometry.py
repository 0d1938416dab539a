"""Geometry: stacks on, inside and beside each other, rotated, flipped and filled."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack import (
    Base,
    Block,
    ColdPlate,
    Convection,
    Cooling,
    DescriptionError,
    Interface,
    Layer,
    Package,
    Power,
    Region,
    Stack,
    discretize,
    read_package,
    read_result,
    solve_steady,
)
from thermostack.io.description.write_package import package_to_yaml
from thermostack.package.geometry import Geometry, build_geometry, package_geometry
from thermostack.package.placement import place_stacks
from thermostack.package.rectangles import frame_rectangles
from thermostack.units import mm, um

AIR = Cooling(top=Convection(10.0, 300.0))


def sheet(name: str, thickness: float, material: str = "silicon", **more: Any) -> Layer:
    return Layer(name, thickness, material, **more)


def board(**more: Any) -> Stack:
    return Stack("board", (20 * mm, 10 * mm), (sheet("core", 1 * mm, "copper"),), **more)


def die(name: str, x: float, y: float, height: float = 0.5 * mm, on: Any = "board", **more: Any) -> Stack:
    size = more.pop("size", (4 * mm, 2 * mm))
    layers = more.pop("layers", (sheet("bulk", height),))
    return Stack(name, size, layers, on=on, position=(x, y), **more)


def geometry_of(*stacks: Stack, cooling: Cooling = AIR) -> Geometry:
    return build_geometry(Package("case", stacks, cooling))


def part_at(geometry: Geometry, x: float, y: float, z: float) -> str:
    """Return the name of the part at a point [m], "" outside the body."""
    found = -1
    for box in geometry.boxes:
        if all(low < value < high for low, value, high in zip(box.low, (x, y, z), box.high, strict=True)):
            found = box.part
    return geometry.parts[found].name if found >= 0 else ""


def diagnostics_of(*stacks: Stack, cooling: Cooling = AIR) -> dict[str, str]:
    """Return the error messages by code and field."""
    with pytest.raises(DescriptionError) as caught:
        geometry_of(*stacks, cooling=cooling)
    return {
        f"{diagnostic.code} {diagnostic.field}": f"{diagnostic.message} ({diagnostic.hint})"
        for diagnostic in caught.value.diagnostics
    }


# -- on each other ---------------------------------------------------------------------------


def test_stacks_of_different_height() -> None:
    geometry = geometry_of(
        board(),
        die("tall", 1 * mm, 1 * mm, 0.7 * mm),
        die("flat", 7 * mm, 1 * mm, 0.2 * mm),
        die("upper", 1 * mm, 0.5 * mm, 0.1 * mm, on="flat", size=(2 * mm, 1 * mm)),
    )
    assert [part.name for part in geometry.parts] == ["board.core", "tall.bulk", "flat.bulk", "upper.bulk"]
    assert part_at(geometry, 2 * mm, 2 * mm, 1.6 * mm) == "tall.bulk"
    assert part_at(geometry, 8 * mm, 2 * mm, 1.1 * mm) == "flat.bulk"
    assert part_at(geometry, 9 * mm, 2 * mm, 1.25 * mm) == "upper.bulk"
    assert part_at(geometry, 9 * mm, 2 * mm, 1.35 * mm) == ""
    (upper,) = [box for box in geometry.boxes if geometry.parts[box.part].name == "upper.bulk"]
    assert upper.low == pytest.approx((8 * mm, 1.5 * mm, 1.2 * mm), abs=1e-15)
    assert upper.high == pytest.approx((10 * mm, 2.5 * mm, 1.3 * mm), abs=1e-15)


def test_order_of_stacks_does_not_matter() -> None:
    stacks = (board(), die("a", 1 * mm, 1 * mm), die("b", 0.0, 0.0, on="a", size=(1 * mm, 1 * mm)))
    forth, back = geometry_of(*stacks), geometry_of(*reversed(stacks))
    assert [(forth.parts[box.part], box.low, box.high) for box in forth.boxes] == [
        (back.parts[box.part], box.low, box.high) for box in back.boxes
    ]


def test_center_is_the_middle_of_the_plan() -> None:
    middle = Stack("a", (4 * mm, 2 * mm), (sheet("bulk", 1 * mm),), on="board", center=(10 * mm, 5 * mm))
    (box,) = geometry_of(board(), middle).boxes[1:]
    assert box.low[:2] == pytest.approx((8 * mm, 4 * mm))


def test_copy_has_another_position() -> None:
    first = die("a", 1 * mm, 1 * mm)
    second = first.at(9 * mm, 1 * mm, name="b")
    assert (second.name, second.corner, second.layers) == ("b", (9 * mm, 1 * mm), first.layers)
    assert len(geometry_of(board(), first, second).parts) == 3


# -- embedded --------------------------------------------------------------------------------


def test_embedded_bridge_flush_and_below_the_top() -> None:
    bridge = Stack(
        "bridge",
        (2 * mm, 1 * mm),
        (sheet("die", 60 * um),),
        inside="board",
        position=(9 * mm, 4 * mm),
        depth=30 * um,
    )
    geometry = geometry_of(board(), bridge)
    assert part_at(geometry, 10 * mm, 4.5 * mm, 0.95 * mm) == "bridge.die"
    assert part_at(geometry, 10 * mm, 4.5 * mm, 0.98 * mm) == "board.core"
    assert part_at(geometry, 10 * mm, 4.5 * mm, 0.90 * mm) == "board.core"


def test_dies_over_a_common_bridge() -> None:
    bridge = Stack(
        "bridge", (2 * mm, 1 * mm), (sheet("die", 60 * um),), inside="board", position=(4 * mm, 1 * mm)
    )
    geometry = geometry_of(board(), bridge, die("a", 1 * mm, 1 * mm), die("b", 5.1 * mm, 1 * mm))
    assert part_at(geometry, 4.5 * mm, 1.5 * mm, 0.97 * mm) == "bridge.die"
    assert part_at(geometry, 4.5 * mm, 1.5 * mm, 1.1 * mm) == "a.bulk"


def test_die_in_an_open_cavity() -> None:
    air = (sheet("air", 0.6 * mm, "void"),)
    cavity = Stack("cavity", (6 * mm, 4 * mm), air, inside="board", position=(2 * mm, 2 * mm))
    bulk = (sheet("bulk", 0.2 * mm),)
    beside = Stack("chip", (4 * mm, 2 * mm), bulk, inside="board", position=(3 * mm, 3 * mm), depth=0.4 * mm)
    assert diagnostics_of(board(), cavity, beside).keys() == {"E-OVERLAP stacks.chip"}
    within = replace(beside, inside="cavity", position=(1 * mm, 1 * mm))
    geometry = geometry_of(board(), cavity, within)
    assert part_at(geometry, 5 * mm, 4 * mm, 0.5 * mm) == "chip.bulk"
    assert part_at(geometry, 5 * mm, 4 * mm, 0.8 * mm) == ""
    assert part_at(geometry, 5 * mm, 4 * mm, 0.3 * mm) == "board.core"
    assert "cavity.air" not in [part.name for part in geometry.parts]


def test_embedded_stack_must_not_protrude_below() -> None:
    thick = Stack("coin", (2 * mm, 1 * mm), (sheet("cu", 1.2 * mm),), inside="board", position=(0.0, 0.0))
    found = diagnostics_of(board(), thick)
    assert found == {
        "E-OUTSIDE stacks.coin": "coin extends 200 um below board "
        "(reduce depth, or the thickness of its layers)"
    }


# -- frames, regions, fillers ----------------------------------------------------------------


def test_frame_is_solid_along_its_edge_only() -> None:
    ring = die("ring", 0.0, 0.0, size=(20 * mm, 10 * mm), frame=2 * mm)
    geometry = geometry_of(board(), ring, die("chip", 5 * mm, 3 * mm))
    for x, y in ((1, 5), (19, 5), (10, 1), (10, 9), (1, 1)):
        assert part_at(geometry, x * mm, y * mm, 1.2 * mm) == "ring.bulk"
    assert part_at(geometry, 10 * mm, 5 * mm, 1.2 * mm) == ""
    assert part_at(geometry, 7 * mm, 4 * mm, 1.2 * mm) == "chip.bulk"


@given(st.floats(1e-3, 0.1), st.floats(1e-3, 0.1), st.floats(0.05, 0.45))
def test_area_of_a_frame(width: float, depth: float, share: float) -> None:
    frame = share * min(width, depth)
    area = math.fsum(
        (x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in frame_rectangles((0.0, 0.0, width, depth), frame)
    )
    assert area == pytest.approx(width * depth - (width - 2 * frame) * (depth - 2 * frame))


def test_chip_must_not_overlap_the_ring() -> None:
    ring = die("ring", 0.0, 0.0, size=(20 * mm, 10 * mm), frame=2 * mm)
    found = diagnostics_of(board(), ring, die("chip", 1 * mm, 3 * mm))
    assert found.keys() == {"E-OVERLAP stacks.chip"}
    assert "from (1 mm, 3 mm) to (2 mm, 5 mm) of the package" in found["E-OVERLAP stacks.chip"]


def test_later_region_covers_an_earlier_one() -> None:
    regions = (
        Region("coin", (2 * mm, 1 * mm), "copper", (1 * mm, 0.5 * mm)),
        Region("hole", (1 * mm, 0.5 * mm), "void", (1.5 * mm, 0.75 * mm)),
        Region("ring", (4 * mm, 2 * mm), "gold", frame=0.1 * mm),
    )
    chip = die("chip", 1 * mm, 1 * mm, layers=(sheet("bulk", 0.5 * mm, regions=regions),))
    geometry = geometry_of(board(), chip)
    assert part_at(geometry, 2.2 * mm, 1.6 * mm, 1.2 * mm) == "chip.bulk.coin"
    assert part_at(geometry, 3.0 * mm, 2.0 * mm, 1.2 * mm) == ""
    assert part_at(geometry, 1.05 * mm, 2.0 * mm, 1.2 * mm) == "chip.bulk.ring"
    assert part_at(geometry, 1.5 * mm, 2.0 * mm, 1.2 * mm) == "chip.bulk"


def test_filler_extends_to_the_maximum_height() -> None:
    geometry = geometry_of(
        board(filler="emc"),
        die("tall", 1 * mm, 1 * mm, 0.7 * mm),
        die("flat", 7 * mm, 1 * mm, 0.2 * mm),
    )
    assert part_at(geometry, 8 * mm, 2 * mm, 1.5 * mm) == "board.filler"
    assert part_at(geometry, 15 * mm, 8 * mm, 1.69 * mm) == "board.filler"
    assert part_at(geometry, 15 * mm, 8 * mm, 1.71 * mm) == ""
    assert part_at(geometry, 2 * mm, 2 * mm, 1.5 * mm) == "tall.bulk"


def test_filler_includes_stacks_on_stacks() -> None:
    geometry = geometry_of(
        board(filler="emc"), die("a", 1 * mm, 1 * mm), die("b", 0.0, 0.0, on="a", size=(1 * mm, 1 * mm))
    )
    assert part_at(geometry, 15 * mm, 8 * mm, 1.9 * mm) == "board.filler"


def lid(**more: Any) -> Stack:
    more = {"size": (12 * mm, 4 * mm), "layers": (sheet("plate", 1 * mm, "copper"),), **more}
    return die("lid", 0.5 * mm, 0.5 * mm, on=("tall", "flat"), **more)


TALL, FLAT = die("tall", 1 * mm, 1 * mm, 0.7 * mm), die("flat", 7 * mm, 1 * mm, 0.2 * mm)


def test_lid_on_several_stacks_with_gap_fill() -> None:
    geometry = geometry_of(board(filler="emc"), TALL, FLAT, lid(gap_fill="tim_gel"))
    assert part_at(geometry, 8 * mm, 2 * mm, 1.5 * mm) == "lid.gap_fill"
    assert part_at(geometry, 6 * mm, 2 * mm, 1.5 * mm) == "board.filler"
    assert part_at(geometry, 6 * mm, 2 * mm, 2.0 * mm) == "lid.plate"
    (plate,) = [box for box in geometry.boxes if geometry.parts[box.part].name == "lid.plate"]
    assert plate.low == pytest.approx((0.5 * mm, 0.5 * mm, 1.7 * mm))


def test_unfilled_gap_is_rejected() -> None:
    found = diagnostics_of(board(), TALL, FLAT, lid())
    assert found.keys() == {"E-GAP stacks.lid"}
    text = found["E-GAP stacks.lid"]
    assert "a gap of 500 um separates lid from flat, because it rests on tall (" in text
    assert diagnostics_of(board(filler="emc"), TALL, FLAT, lid()) == found  # a filler is no contact


def test_space_beside_the_supports_needs_a_fill() -> None:
    level = replace(FLAT, layers=TALL.layers)
    found = diagnostics_of(board(), TALL, level, lid())
    assert "the space from z = 1 mm to 1.7 mm under it, at (750 um, 750 um)" in found["E-GAP stacks.lid"]
    assert geometry_of(board(filler="emc"), TALL, level, lid()).boxes
    assert geometry_of(board(), TALL, level, lid(gap_fill="void")).boxes


def test_gap_fill_lies_over_and_beside_the_supports() -> None:
    geometry = geometry_of(board(), TALL, FLAT, lid(gap_fill="tim_gel"))
    for x in (0.7, 6.0, 8.0):  # beside both, between them, over the lower one
        assert part_at(geometry, x * mm, 2 * mm, 1.5 * mm) == "lid.gap_fill"
    assert part_at(geometry, 0.3 * mm, 2 * mm, 1.5 * mm) == ""
    within = lid(gap_fill="tim_gel", size=(8 * mm, 2 * mm)).at(1 * mm, 1 * mm)
    geometry = geometry_of(board(), TALL, FLAT.at(5 * mm, 1 * mm), within)
    assert part_at(geometry, 6 * mm, 2 * mm, 1.5 * mm) == "lid.gap_fill"


def test_void_permits_an_open_gap() -> None:
    geometry = geometry_of(board(), TALL, FLAT, lid(gap_fill="void"))
    assert part_at(geometry, 8 * mm, 2 * mm, 1.5 * mm) == ""


def test_equal_heights_need_no_gap_fill() -> None:
    twins = (TALL, TALL.at(5 * mm, 1 * mm, name="flat"))
    geometry = geometry_of(board(), *twins, lid(size=(8 * mm, 2 * mm)).at(1 * mm, 1 * mm))
    assert part_at(geometry, 5 * mm, 2 * mm, 2.0 * mm) == "lid.plate"


# -- turned and flipped ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rotate", "corner", "size", "mark"),
    [
        (0, (3, 2), (4, 2), (3.5, 2.25)),
        (90, (3, 2), (2, 4), (4.75, 2.5)),
        (180, (3, 2), (4, 2), (6.5, 3.75)),
        (270, (3, 2), (2, 4), (3.25, 5.5)),
    ],
)
def test_rotation_applies_to_plan_stacks_and_blocks(
    rotate: int, corner: tuple[float, float], size: tuple[float, float], mark: tuple[float, float]
) -> None:
    blocks = (Block("b", (0.25 * mm, 0.0), (0.5 * mm, 0.5 * mm), 1.0),)
    chip = die(
        "chip", 3 * mm, 2 * mm, rotate=rotate, layers=(sheet("bulk", 0.5 * mm, power=Power(blocks=blocks)),)
    )
    child = die("child", 0.25 * mm, 0.0, on="chip", size=(0.5 * mm, 0.5 * mm))
    geometry = geometry_of(board(), chip, child)
    low, high = geometry.boxes[1].low, geometry.boxes[1].high
    assert low[:2] == pytest.approx([value * mm for value in corner])
    assert [high[0] - low[0], high[1] - low[1]] == pytest.approx([value * mm for value in size])
    child_box = geometry.boxes[2]
    center = [0.5 * (child_box.low[axis] + child_box.high[axis]) for axis in (0, 1)]
    assert center == pytest.approx([value * mm for value in mark])
    (source,) = geometry.sources
    (block,) = source.power.blocks
    middle = [source.rectangle[axis] + block.position[axis] + 0.5 * block.size[axis] for axis in (0, 1)]
    assert middle == pytest.approx([value * mm for value in mark])


def test_rotations_add_up() -> None:
    chip = die("chip", 3 * mm, 2 * mm, rotate=90)
    child = die("child", 0.5 * mm, 0.25 * mm, on="chip", size=(1.5 * mm, 1 * mm), rotate=90)
    place = place_stacks(Package("case", (board(), chip, child), AIR))["child"]
    assert place.orientation == (180, False)
    assert place.outline == pytest.approx((3.25 * mm, 2.5 * mm, 4.75 * mm, 3.5 * mm))


def test_flip_reverses_layers_and_mirrors_the_plan() -> None:
    layers = (
        sheet("active", 0.1 * mm, power=Power(blocks=(Block("b", (0.0, 0.0), (1 * mm, 1 * mm), 2.0),))),
        sheet("bulk", 0.4 * mm, "copper", interface=Interface(top=1e-6)),
    )
    geometry = geometry_of(board(), die("chip", 3 * mm, 2 * mm, layers=layers, flip=True))
    assert part_at(geometry, 4 * mm, 3 * mm, 1.2 * mm) == "chip.bulk"
    assert part_at(geometry, 4 * mm, 3 * mm, 1.45 * mm) == "chip.active"
    (source,) = geometry.sources
    assert (source.z0, source.z1) == pytest.approx((1.4 * mm, 1.5 * mm))
    assert source.power.blocks[0].position == pytest.approx((3 * mm, 0.0))
    (contact,) = geometry.contacts
    assert contact.z == pytest.approx(1.0 * mm)


@given(
    st.sampled_from([0, 90, 180, 270]),
    st.booleans(),
    st.sampled_from([0, 90, 180, 270]),
    st.booleans(),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_orientation_equals_the_matrix(
    outer: int, outer_flip: bool, inner: int, inner_flip: bool, point: tuple[float, float]
) -> None:
    base = Stack("base", (0.04, 0.04), (sheet("x", 1e-3),))
    host = die("host", 0.01, 0.01, on="base", size=(0.02, 0.01), rotate=outer, flip=outer_flip)
    child = die("child", 1e-3, 1e-3, on="host", size=(4e-3, 2e-3), rotate=inner, flip=inner_flip)
    place = place_stacks(Package("case", (base, host, child), AIR))["child"]
    rotate, is_mirrored = place.orientation
    x, y = point[0] * 4e-3, point[1] * 2e-3
    width, depth = 4e-3, 2e-3
    if is_mirrored:
        x = width - x
    for _ in range(rotate // 90):
        x, y = depth - y, x
        width, depth = depth, width
    x0, y0, x1, y1 = place.outline
    assert (x1 - x0, y1 - y0) == pytest.approx((width, depth))
    assert place.point(point[0] * 4e-3, point[1] * 2e-3) == pytest.approx((x0 + x, y0 + y), abs=1e-12)


# -- what is refused -------------------------------------------------------------------------


def test_overlap_message_names_both_stacks_and_the_rectangle() -> None:
    found = diagnostics_of(board(), die("a", 1 * mm, 1 * mm), die("b", 3 * mm, 2 * mm))
    assert found == {
        "E-OVERLAP stacks.b": "b overlaps a from (3 mm, 2 mm) to (5 mm, 3 mm) of the package "
        "(move one, or write `inside:`)"
    }


def test_touching_stacks_do_not_overlap() -> None:
    geometry_of(
        board(), die("a", 1 * mm, 1 * mm), die("b", 5 * mm, 1 * mm), die("c", 5 * mm + 0.5e-9, 3 * mm)
    )


def test_stack_beyond_its_support_is_rejected() -> None:
    found = diagnostics_of(board(), die("a", 17 * mm, 9 * mm))
    assert found.keys() == {"E-OUTSIDE stacks.a"}
    assert "a extends beyond board by 1 mm to the east and 1 mm to the north" in found["E-OUTSIDE stacks.a"]


def test_rounding_beyond_the_support_is_permitted() -> None:
    geometry_of(board(), die("a", 16 * mm * (1 + 1e-12), 0.0))


def test_stacks_on_different_levels_may_overlap_in_plan() -> None:
    geometry_of(board(), die("a", 1 * mm, 1 * mm), die("b", 0.0, 0.0, on="a"))


def test_each_cycle_is_reported_once() -> None:
    a, b = die("a", 0.0, 0.0, on="b"), die("b", 0.0, 0.0, on="a")
    c = die("c", 0.0, 0.0, on="c")
    found = diagnostics_of(board(), a, b, c)
    assert found["E-CYCLE stacks.a.on"].startswith("is its own support: a on b on a")
    assert found["E-CYCLE stacks.c.on"].startswith("is its own support: c on c")
    assert len(found) == 2


# -- coolers' bases --------------------------------------------------------------------------


def test_base_covers_the_face_or_its_own_size() -> None:
    plate = ColdPlate(300.0, h=1e4, base=Base("copper", 3 * mm))
    geometry = geometry_of(board(), die("a", 1 * mm, 1 * mm), cooling=Cooling(top=plate))
    assert geometry.boxes[-1].low == pytest.approx((1 * mm, 1 * mm, 1.5 * mm))
    assert geometry.boxes[-1].high == pytest.approx((5 * mm, 3 * mm, 4.5 * mm))
    assert geometry.parts[-1].name == "cooling.top.base"
    wide = ColdPlate(300.0, h=1e4, base=Base("copper", 3 * mm, (30 * mm, 30 * mm), (10 * mm, 5 * mm)))
    geometry = geometry_of(board(), die("a", 1 * mm, 1 * mm), cooling=Cooling(top=wide, bottom=wide))
    assert geometry.boxes[-1].low == pytest.approx((-5 * mm, -10 * mm, 1.5 * mm))
    assert geometry.boxes[-2].high == pytest.approx((25 * mm, 20 * mm, 0.0))


def refused_gaps(*stacks: Stack, base: Base | None = None, **more: Any) -> list[str]:
    cooler = ColdPlate(
        300.0, h=1e4, base=base or Base("copper", 3 * mm, (20 * mm, 10 * mm), (10 * mm, 5 * mm))
    )
    try:
        geometry = geometry_of(board(**more), *stacks, cooling=Cooling(top=cooler))
    except DescriptionError as error:
        return [str(diagnostic) for diagnostic in error.diagnostics]
    return [str(diagnostic) for diagnostic in geometry.warnings]


def test_gap_below_a_base_is_rejected() -> None:
    tall, flat = die("tall", 1 * mm, 1 * mm, 0.5 * mm), die("flat", 7 * mm, 1 * mm, 0.48 * mm)
    (text,) = refused_gaps(tall, flat, die("far", 13 * mm, 1 * mm, 0.29 * mm))
    assert text.startswith("cooling.top[0].base: an empty gap of 20 um separates the base from flat (add")
    assert text.endswith("[E-GAP]")
    hot = die("hot", 13 * mm, 1 * mm, layers=(sheet("s", 0.29 * mm, power=1.0),))
    assert "gap of 210 um separates the base from hot" in refused_gaps(tall, hot)[0]
    on_hot = replace(hot, layers=(*hot.layers, sheet("cap", 0.01 * mm)))
    assert "gap of 200 um separates the base from hot" in refused_gaps(tall, on_hot)[0]


def test_gap_fill_of_a_base_fills_the_gaps_or_permits_them() -> None:
    tall, flat = die("tall", 1 * mm, 1 * mm, 0.5 * mm), die("flat", 7 * mm, 1 * mm, 0.48 * mm)
    for material, part in (("tim_gel", "cooling.top.gap_fill"), ("void", "")):
        base = Base("copper", 3 * mm, (20 * mm, 10 * mm), (10 * mm, 5 * mm), gap_fill=material)
        geometry = geometry_of(board(), tall, flat, cooling=Cooling(top=ColdPlate(300.0, h=1e4, base=base)))
        assert part_at(geometry, 8 * mm, 2 * mm, 1.49 * mm) == part
        assert part_at(geometry, 6 * mm, 2 * mm, 1.49 * mm) == ""


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_gap_fill_of_a_base_fills_gaps_of_any_height(scale: float) -> None:
    """It leaves stacks in place, and the space over the board that carries the die below the base."""
    tall, low = die("tall", 1 * mm, 1 * mm, 0.02 * scale * mm), die("low", 7 * mm, 1 * mm, 0.01 * scale * mm)
    base = Base("copper", 3 * mm, (20 * mm, 10 * mm), (10 * mm, 5 * mm), gap_fill="tim_gel")
    geometry = geometry_of(board(), tall, low, cooling=Cooling(top=ColdPlate(300.0, h=1e4, base=base)))
    above, below = (1 * mm + share * scale * mm for share in (0.015, 0.005))
    assert part_at(geometry, 2 * mm, 2 * mm, above).startswith("tall.")
    assert part_at(geometry, 8 * mm, 2 * mm, above) == "cooling.top.gap_fill"
    assert part_at(geometry, 8 * mm, 2 * mm, below).startswith("low.")
    assert part_at(geometry, 12 * mm, 2 * mm, above) == ""
    texts = [str(warning) for warning in geometry.warnings]
    assert [("separates the base from board" in text) for text in texts] == ([True] if scale < 10 else [])


def test_narrow_gap_above_a_base_on_the_bottom_is_a_warning_or_filled() -> None:
    """A spreader of 10 mm on a sheet of 4 mm: the base below both touches the sheet alone."""
    wide = Stack("wide", (10 * mm, 10 * mm), (sheet("cu", 1 * mm),), on="thin", position=(-3 * mm, -3 * mm))
    messages = {}
    for thickness in (0.02 * mm, 0.3 * mm):
        thin = Stack("thin", (4 * mm, 4 * mm), (sheet("si", thickness, power=1.0),))
        for fill in (None, "void", "tim_gel"):
            base = Base("copper", 2 * mm, (10 * mm, 10 * mm), gap_fill=fill)
            cooling = Cooling(bottom=ColdPlate(300.0, h=1e4, base=base))
            geometry = build_geometry(Package("p", (thin, wide), cooling))
            messages[thickness, fill] = [str(warning) for warning in geometry.warnings]
            beside = part_at(geometry, -1 * mm, 2 * mm, 0.5 * thickness)
            assert beside == ("cooling.bottom.gap_fill" if fill == "tim_gel" else "")
            assert part_at(geometry, 2 * mm, 2 * mm, 0.5 * thickness) == "thin.si"
    (text,) = messages.pop((0.02 * mm, None))
    assert text.startswith(
        "cooling.bottom[0].base: an empty gap of 20 um separates the base from wide (give the"
    )
    assert text.endswith("[W-GAP]")
    assert not any(messages.values())


def test_base_extends_above_the_board_that_carries_the_die() -> None:
    hot_board = replace(board(), layers=(sheet("core", 1 * mm, power=1.0),))
    tall, cap = die("tall", 1 * mm, 1 * mm, 0.1 * mm), die("cap", 0.0, 0.0, 0.02 * mm, on="tall")
    cooler = ColdPlate(300.0, h=1e4, base=Base("copper", 3 * mm, (20 * mm, 10 * mm), (10 * mm, 5 * mm)))
    assert geometry_of(hot_board, tall, cap, cooling=Cooling(top=cooler)).boxes


def test_no_error_without_a_gap_below_a_base() -> None:
    tall, flat = die("tall", 1 * mm, 1 * mm, 0.5 * mm), die("flat", 7 * mm, 1 * mm, 0.48 * mm)
    assert not refused_gaps(tall, die("other", 7 * mm, 1 * mm, 0.5 * mm))
    assert not refused_gaps(tall, flat, filler="emc")
    cap = die("cap", 0.0, 0.0, 0.02 * mm, on="flat")
    assert not refused_gaps(tall, flat, cap)
    beside = die("flat", 5 * mm, 1 * mm, 0.48 * mm)
    both = die("tim", 1 * mm, 1 * mm, 0.03 * mm, on=["tall", "flat"], size=(8 * mm, 2 * mm), gap_fill="emc")
    assert refused_gaps(tall, beside)
    assert not refused_gaps(tall, beside, both)
    assert not refused_gaps(tall, flat, base=Base("copper", 3 * mm))  # as large as the highest part


def test_gap_beside_a_smaller_stack_is_found() -> None:
    """A stack partly below a smaller one: its free part ends just below the base."""
    flat, cap = (
        die("flat", 7 * mm, 1 * mm, 0.5 * mm),
        die("cap", 0.0, 0.0, 0.1 * mm, on="flat", size=(1 * mm, 1 * mm)),
    )
    (text,) = refused_gaps(flat, cap)
    assert "an empty gap of 100 um separates the base from flat" in text
    assert text.endswith("[W-GAP]")


# -- the kept geometry -----------------------------------------------------------------------


def count_builds(monkeypatch: pytest.MonkeyPatch) -> list[Package]:
    """Return a list that receives every package whose geometry is built."""
    built: list[Package] = []

    def counted(package: Package) -> Geometry:
        built.append(package)
        return build_geometry(package)

    monkeypatch.setattr("thermostack.package.geometry.build_geometry", counted)
    return built


def test_geometry_of_a_package_is_built_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`read_package` builds it to check the description, and `discretize` and the result file use it."""
    built = count_builds(monkeypatch)
    package = read_package("hbm3_8h")
    model, finer = discretize(package, cell=2 * mm), discretize(package, cell=1 * mm)
    assert built == [package]
    assert model.geometry is finer.geometry is package_geometry(package)
    solve_steady(model, estimate=False, threads=1).save(tmp_path / "result.vtkhdf")
    assert len(built) == 1
    read = read_result(tmp_path / "result.vtkhdf")
    discretize(read.package, cell=2 * mm)
    assert len(built) == 2  # one for the package of the file


def test_changed_copy_has_a_geometry_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    package = Package("case", (board(),), AIR)
    before = package_geometry(package)
    built = count_builds(monkeypatch)
    thick = replace(package, stacks=(replace(board(), layers=(sheet("core", 3 * mm),)),))
    geometry = package_geometry(thick)
    assert built == [thick]
    assert geometry.package is thick
    assert geometry.boxes != before.boxes
    assert package_geometry(package) is before


def test_kept_geometry_is_no_part_of_the_description() -> None:
    package, other = (Package("case", (board(),), AIR) for _ in range(2))
    package_geometry(package)
    assert package == other
    assert repr(package) == repr(other)
    assert package_to_yaml(package) == package_to_yaml(other)
