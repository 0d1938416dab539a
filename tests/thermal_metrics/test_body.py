"""The body of a package on a test board and alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.jedec_packages import COPPER, SIZE, slab, with_own_board

from thermostack import (
    ArgumentError,
    DescriptionError,
    Interface,
    JedecBoard,
    Layer,
    Package,
    Stack,
    ThermalLink,
    discretize,
    jedec,
    read_package,
)
from thermostack.package.geometry import package_geometry
from thermostack.thermal_metrics.body import find_body, place_alone, place_on_board, top_of
from thermostack.thermal_metrics.environments import top_cooling
from thermostack.units import mm

BOARD = JedecBoard("jesd51-9/2s2p")


def test_package_without_joints_gets_balls() -> None:
    placed = place_on_board(find_body(slab()), BOARD)
    names = [stack.name for stack in placed.package.stacks]
    assert names == ["board", "balls", "die"]
    assert any("added: solder balls" in note for note in placed.notes)
    x0, y0, x1, y1 = placed.outline
    assert (x1 - x0, y1 - y0) == pytest.approx(SIZE)
    assert (0.5 * (x0 + x1), 0.5 * (y0 + y1)) == pytest.approx((50.75e-3, 63.75e-3))


def test_package_with_balls_keeps_them() -> None:
    package = read_package("xcube")
    placed = place_on_board(find_body(package), BOARD)
    names = [stack.name for stack in placed.package.stacks]
    assert names == ["board", "substrate", "logic", "cache"]  # without the grease to its heat sink
    assert not any("added" in note for note in placed.notes)


def test_own_board_is_replaced_and_positions_are_moved() -> None:
    placed = place_on_board(find_body(with_own_board()), BOARD)
    geometry = package_geometry(placed.package)
    laminate = next(box for box in geometry.boxes if geometry.parts[box.part].name == "substrate.laminate")
    assert laminate.low[:2] == pytest.approx((50.75e-3 - 6e-3, 63.75e-3 - 5e-3))
    assert placed.package.stack("board").height == pytest.approx(1.6e-3)
    assert any("replaced" in note for note in placed.notes)


def test_body_has_the_same_parts_on_the_board_as_alone() -> None:
    body = find_body(with_own_board())
    parts = []
    for placed in (place_on_board(body, BOARD), place_alone(body)):
        model = discretize(placed.cooled(top_cooling(300.0)), cell=1e-3)
        volumes = zip(model.parts, model.volume_of_parts.tolist(), strict=True)
        parts.append({part.name: v for part, v in volumes if not part.name.startswith("board")})
    assert parts[0].keys() == parts[1].keys()
    assert all(parts[0][name] == pytest.approx(parts[1][name]) for name in parts[0])


def test_shipped_board_of_a_package_is_found_by_its_name() -> None:
    assert find_body(read_package("fcbga")).own_board == "board"
    assert find_body(read_package("v_cache")).own_board is None
    assert find_body(read_package("fcbga"), "none").own_board is None


def test_interface_material_to_the_cooler_is_left_out() -> None:
    body = find_body(read_package("v_cache"))
    assert "left out: lid.grease, the interface material to the cooler" in body.notes
    assert "grease" not in [layer.name for layer in body.package.stack("lid").layers]
    inner = [layer.name for layer in body.package.stack("ccd").layers]
    assert inner == [layer.name for layer in read_package("v_cache").stack("ccd").layers]


def test_interface_material_with_a_gap_fill_is_kept() -> None:
    """Without it the mold compound around the die, its gap fill, would be missing."""
    base = Stack("base", (10 * mm, 10 * mm), (Layer("copper", 1 * mm, COPPER),))
    die = Stack(
        "die",
        (4 * mm, 4 * mm),
        (Layer("copper", 1 * mm, COPPER, power=1.0),),
        on=("base",),
        center=(5e-3, 5e-3),
    )
    sheet = Layer("sheet", 0.1 * mm, "tim_gel", interface=Interface(top=1e-6, bottom=1e-6))
    tim = Stack(
        "tim",
        (10 * mm, 10 * mm),
        (sheet,),
        on=("die",),
        relative_to="base",
        position=(0.0, 0.0),
        gap_fill="emc",
    )
    body = find_body(replace(slab(), stacks=(base, die, tim)))
    (kept,) = body.package.stack("tim").layers
    assert kept.interface == Interface(bottom=1e-6)
    assert body.notes == ("kept: tim.sheet, an interface material, for the gap fill below it",)
    found = jedec(replace(slab(), stacks=(base, die, tim)), environments="still-air", cell="3 mm")
    assert "tim.gap_fill" in [part.name for part in found.fields["still air"].parts]


def test_centre_of_the_top_lies_on_the_body() -> None:
    base = Stack("base", (10 * mm, 4 * mm), (Layer("copper", 1 * mm, COPPER),))
    die = Stack("die", (2 * mm, 2 * mm), (Layer("copper", 1 * mm, COPPER, power=1.0),), on=("base",))
    package = replace(slab(), stacks=(base, die.at(1 * mm, 1 * mm, "west"), die.at(7 * mm, 1 * mm, "east")))
    x, y, z = top_of(place_alone(find_body(package)))
    assert (y, z) == pytest.approx((2e-3, 2e-3))
    assert x == pytest.approx(2e-3) or x == pytest.approx(8e-3)


def test_board_on_which_nothing_stands() -> None:
    board = Stack("board", (50 * mm, 60 * mm), (Layer("pcb", 1.0 * mm, "fr4", power=1.0),))
    with pytest.raises(DescriptionError, match=r"has no bottom.*own_board"):
        find_body(replace(slab(), stacks=(board,)))


def test_wrong_name_of_the_own_board() -> None:
    with pytest.raises(ArgumentError, match=r"'substrate'.*'board' has no support"):
        find_body(with_own_board(), "substrate")


def test_link_to_the_replaced_board() -> None:
    link = ThermalLink("strap", "die", "board", conductance=0.01)
    package: Package = replace(with_own_board(), links=(link,))
    with pytest.raises(DescriptionError, match=r"ends on board.*remove the link"):
        place_on_board(find_body(package), BOARD)


def test_pad_that_does_not_stand_on_the_board() -> None:
    body = find_body(with_own_board())
    with pytest.raises(ArgumentError, match=r"'die' does not stand on the board.*substrate"):
        place_on_board(body, JedecBoard("jesd51-5", pad="die"))
