"""Layers of thickness `fill`, stacks whose height follows another, and stacks that overhang their support."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from thermostack import Convection, Cooling, DescriptionError, Layer, Package, Stack, write_package
from thermostack.io.description.package_file import read_package
from thermostack.package.geometry import Geometry, build_geometry
from thermostack.package.placement import place_stacks
from thermostack.units import mm, um

AIR = Cooling(surroundings=Convection(10.0, 300.0))


def sheet(name: str, thickness: float | str, material: str = "silicon") -> Layer:
    return Layer(name, thickness, material)  # type: ignore[arg-type]


def stack(name: str, *layers: Layer, on: Any = "board", size: float = 4 * mm, **more: Any) -> Stack:
    return Stack(name, (size, size), layers, on=on, **{"position": (1 * mm, 1 * mm), **more})


BOARD = Stack("board", (20 * mm, 20 * mm), (sheet("core", 1 * mm),), filler="emc")
DIE = stack("die", sheet("bulk", 0.7 * mm), sheet("tim", 0.1 * mm))
WALL = stack(
    "wall", sheet("seal", 0.1 * mm), sheet("wall", "fill"), size=6 * mm, frame=0.5 * mm, position=(0, 0)
)
LID = stack("lid", sheet("plate", 1 * mm), on=("wall", "die"), size=6 * mm, position=(0, 0))


def geometry_of(*stacks: Stack) -> Geometry:
    return build_geometry(Package("case", (BOARD, *stacks), AIR))


def fills(*stacks: Stack) -> dict[str, float]:
    return dict(geometry_of(*stacks).fills)


def messages(*stacks: Stack) -> list[str]:
    with pytest.raises(DescriptionError) as caught:
        geometry_of(*stacks)
    return [str(diagnostic) for diagnostic in caught.value.diagnostics]


# -- fill ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tim", [20 * um, 100 * um, 900 * um])
def test_wall_follows_the_die_below_a_common_lid(tim: float) -> None:
    die = stack("die", sheet("bulk", 0.7 * mm), sheet("tim", tim))
    assert fills(die, WALL, LID) == {"wall.wall": pytest.approx(0.6 * mm + tim)}
    placed = place_stacks(Package("case", (BOARD, die, WALL, LID), AIR))
    assert placed["wall"].z1 == pytest.approx(placed["lid"].z0, abs=1e-15)


def test_bond_line_fills_the_height_below_a_lid() -> None:
    die = stack("die", sheet("bulk", 0.7 * mm), sheet("tim", "fill"))
    wall = replace(WALL, layers=(sheet("wall", 0.75 * mm),))
    assert fills(die, wall, LID) == {"die.tim": pytest.approx(50 * um)}
    between = stack("die", sheet("underfill", "fill"), sheet("bulk", 0.7 * mm))  # wherever in the stack
    assert fills(between, wall, LID) == {"die.underfill": pytest.approx(50 * um)}


def test_stack_reaches_up_to_another() -> None:
    spacer = stack("spacer", sheet("si", "fill"), position=(10 * mm, 1 * mm), height_to="to die")
    assert fills(DIE, spacer) == {"spacer.si": pytest.approx(0.8 * mm)}
    chain = replace(spacer, name="other", position=(10 * mm, 10 * mm), height_to="to spacer")
    assert fills(chain, spacer, DIE)["other.si"] == pytest.approx(0.8 * mm)


def test_file_keeps_fill_and_height(tmp_path: Path) -> None:
    spacer = stack("spacer", sheet("si", "fill"), position=(10 * mm, 1 * mm), height_to="to die")
    package = Package("case", (BOARD, DIE, WALL, LID, spacer), AIR)
    write_package(package, tmp_path / "case.yaml")
    text = (tmp_path / "case.yaml").read_text()
    assert "thickness: fill" in text
    assert "height: to die" in text
    assert read_package(tmp_path / "case.yaml") == package


def test_copies_follow_their_own_stack(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(
        "package: case\nstacks:\n"
        "  board: {size: [20 mm, 20 mm], layers: [{name: core, thickness: 1 mm, material: silicon}]}\n"
        "  die:\n    on: board\n    size: [4 mm, 4 mm]\n    copies: {a: [1 mm, 1 mm], b: [8 mm, 1 mm]}\n"
        "    layers: [{name: bulk, thickness: 0.7 mm, material: silicon}]\n"
        "  wall:\n    on: board\n    at: [1 mm, 8 mm]\n    size: [4 mm, 4 mm]\n    height: to die\n"
        "    layers: [{name: si, thickness: fill, material: silicon}]\n"
        "cooling: {surroundings: {convection: {h: 10 W/m2/K, ambient: 25 degC}}}\n"
    )
    (found,) = build_geometry(read_package(tmp_path / "case.yaml")).fills
    assert found == ("wall.si", pytest.approx(0.7 * mm))


@pytest.mark.parametrize(
    ("stacks", "words"),
    [
        ((DIE, WALL), "wall.layers[1].thickness: nothing sets the height that it fills (place a stack on"),
        (
            (stack("die", sheet("bulk", 0.05 * mm)), WALL, LID),
            "no height is left to fill: lid lies at 1.05 mm, the other layers reach 1.1 mm",
        ),
        ((DIE, replace(WALL, height_to="to nobody"), LID), "stacks.wall.height: no stack is named 'nobody'"),
        ((replace(DIE, height_to="to board"),), "stacks.die.height: no layer of the stack can follow"),
        ((stack("die", sheet("a", "fill"), sheet("b", "fill")),), "a second layer of the stack fills"),
        (
            (DIE, replace(WALL, height_to="to wall"), LID),
            "the height of wall, to which wall reaches, depends on wall",
        ),
        (
            (stack("die", sheet("a", "fill"), on=(), inside="board"),),
            "a layer of an embedded stack cannot fill",
        ),
    ],
    ids=["unset", "no-height", "unknown", "nothing-follows", "two", "itself", "embedded"],
)  # fmt: skip
def test_message(stacks: tuple[Stack, ...], words: str) -> None:
    assert any(words in text for text in messages(*stacks))


def test_height_in_a_file_needs_to() -> None:
    with pytest.raises(DescriptionError, match="the height of a stack is the sum of its layers"):
        replace(DIE, height_to=1.0)  # type: ignore[arg-type]


# -- contact and overhang --------------------------------------------------------------------


def test_lid_beside_a_named_support_is_rejected() -> None:
    far = replace(DIE, position=(12 * mm, 12 * mm))
    (text,) = [
        text for text in messages(far, replace(WALL, layers=(sheet("w", 0.8 * mm),)), LID) if "beside" in text
    ]
    assert (
        "stacks.lid.on: lid stands on die but lies beside it (its position is in the frame of board" in text
    )


def test_stack_that_is_wider_than_its_support_may_overhang() -> None:
    wide = stack("wide", sheet("cu", 1 * mm), on="die", size=10 * mm, position=(-3 * mm, -3 * mm))
    assert geometry_of(DIE, wide).boxes
    aside = replace(wide, position=(1 * mm, -3 * mm))
    assert (
        "wide extends beyond die by 7 mm to the east (move it, change one of the two sizes, or write"
        in messages(DIE, aside)[0]
    )
    assert geometry_of(DIE, replace(aside, overhang=True)).boxes
    beside = replace(aside, position=(4 * mm, 0.0), overhang=True)
    assert "wide stands on die but lies beside it" in messages(DIE, beside)[0]
    fits = stack("fits", sheet("cu", 1 * mm), on="die", size=2 * mm, position=(3 * mm, 0))
    assert "fits extends beyond die by 1 mm to the east" in messages(DIE, fits)[0]


def test_gap_fill_fills_below_an_overhang() -> None:
    wide = stack(
        "wide", sheet("cu", 1 * mm), on="die", size=10 * mm, position=(-3 * mm, -3 * mm), gap_fill="air"
    )
    geometry = build_geometry(
        Package("case", (replace(BOARD, filler=None), replace(DIE, position=(8 * mm, 8 * mm)), wide), AIR)
    )
    (box,) = [box for box in geometry.boxes if geometry.parts[box.part].name == "wide.gap_fill"]
    assert box.low == pytest.approx((5 * mm, 5 * mm, 1 * mm))
    assert box.high == pytest.approx((15 * mm, 15 * mm, 1.8 * mm))
