"""Frames of positions: `relative_to`, lists of supports whose order matters, and copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from thermostack import (
    Convection,
    Cooling,
    DescriptionError,
    Layer,
    Package,
    Stack,
    read_package,
    write_package,
)
from thermostack.package.placement import place_stacks
from thermostack.units import mm

DESCRIPTION = """\
package: frames
stacks:
  substrate:
    size: [20 mm, 20 mm]
    layers: [{name: core, thickness: 1 mm, material: silicon}]
  interposer:
    on: substrate
    at: [2 mm, 4 mm]
    size: [12 mm, 10 mm]
    layers: [{name: plate, thickness: 0.1 mm, material: silicon}]
  die:
    on: interposer
    at: [1 mm, 1 mm]
    size: [5 mm, 5 mm]
    layers: [{name: bulk, thickness: 0.5 mm, material: silicon, power: 1 W}]
  ring:
    on: substrate
    at: [0 mm, 0 mm]
    size: [20 mm, 20 mm]
    frame: 1 mm
    layers: [{name: foot, thickness: 0.6 mm, material: copper}]
  lid:
    on: [ring, die]
    at: [0 mm, 0 mm]
    size: [20 mm, 20 mm]
    gap_fill: void
    layers: [{name: plate, thickness: 1 mm, material: copper}]
cooling: {top: {convection: {h: 1000 W/m2/K, ambient: 25 degC}}}
"""


def write(folder: Path, text: str = DESCRIPTION) -> Path:
    path = folder / "frames.yaml"
    path.write_text(text)
    return path


def refusal(path: Path, overrides: dict[str, str]) -> str:
    with pytest.raises(DescriptionError) as caught:
        read_package(path, overrides)
    return str(caught.value)


@pytest.mark.parametrize("order", ["[ring, die]", "[die, ring]"])
def test_order_that_would_decide_the_frame_is_an_error(tmp_path: Path, order: str) -> None:
    path = write(tmp_path, DESCRIPTION.replace("[ring, die]", order))
    message = refusal(path, {})
    assert "stacks.lid.relative_to: its position depends on the order of `on`" in message
    assert "(0 um, 0 um) of the package relative to substrate" in message
    assert "(2 mm, 4 mm) of the package relative to interposer" in message
    assert "write relative_to: " in message
    assert "[E-MISSING]" in message
    for frame, corner in (("substrate", (0.0, 0.0)), ("interposer", (2 * mm, 4 * mm))):
        changes = {"stacks.lid.relative_to": frame, "stacks.lid.size": "[17.5 mm, 15.5 mm]"}
        placed = place_stacks(read_package(path, changes))["lid"]
        assert placed.outline[:2] == pytest.approx(corner)


def test_list_with_one_carrier_needs_no_frame(tmp_path: Path) -> None:
    other = """\
  memory:
    on: interposer
    at: [7 mm, 1 mm]
    size: [4 mm, 4 mm]
    layers: [{name: bulk, thickness: 0.5 mm, material: silicon}]
"""
    text = DESCRIPTION.replace("  ring:\n", f"{other}  ring:\n").replace("[ring, die]", "[memory, die]")
    text = text.replace("    size: [20 mm, 20 mm]\n    gap_fill", "    size: [11 mm, 9 mm]\n    gap_fill")
    placed = place_stacks(read_package(write(tmp_path, text)))["lid"]
    assert placed.outline == pytest.approx((2 * mm, 4 * mm, 13 * mm, 13 * mm))


@pytest.mark.parametrize(
    ("rotate", "corner"), [(0, (4 * mm, 6 * mm)), (90, (4 * mm, 6 * mm)), (180, (4 * mm, 6 * mm))]
)
def test_position_relative_to_a_stack_below_the_support(
    tmp_path: Path, rotate: int, corner: tuple[float, float]
) -> None:
    changes = {"stacks.lid.relative_to": "substrate", "stacks.die.relative_to": "substrate"}
    changes |= {"stacks.die.at": "[4 mm, 6 mm]", "stacks.interposer.rotate": str(rotate)}
    placed = place_stacks(read_package(write(tmp_path), changes))["die"]
    assert placed.outline[:2] == pytest.approx(corner)
    assert placed.orientation == (0, False)  # the axes of the stack are those of the frame


def test_position_relative_to_a_neighbour(tmp_path: Path) -> None:
    beside = """\
  chiplet:
    on: interposer
    relative_to: die
    at: [5.2 mm, 0 mm]
    size: [3 mm, 5 mm]
    layers: [{name: bulk, thickness: 0.3 mm, material: silicon}]
"""
    text = DESCRIPTION.replace("  interposer:\n", f"{beside}  interposer:\n", 1)
    package = read_package(write(tmp_path, text), {"stacks.lid.relative_to": "substrate"})
    outline = place_stacks(package)["chiplet"].outline
    assert outline == pytest.approx((8.2 * mm, 5 * mm, 11.2 * mm, 10 * mm))
    written = tmp_path / "written.yaml"
    write_package(package, written)
    assert read_package(written) == package


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"stacks.lid.relative_to": "substrat"},
            "relative_to: no stack is named 'substrat' (did you",
        ),
        ({"stacks.substrate.relative_to": "die"}, "substrate has no support, and its corner is the origin"),
        (
            {"stacks.die.relative_to": "lid"},
            "depends on itself: die relative to lid relative to die",
        ),
        ({"stacks.die.relative_to": "die"}, "its position depends on itself: die relative to die"),
    ],
)
def test_wrong_frame_is_an_error(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    assert message in refusal(write(tmp_path), {"stacks.lid.relative_to": "substrate"} | changes)


def test_frame_inside_a_copied_group_is_that_of_the_copy(tmp_path: Path) -> None:
    text = DESCRIPTION[: DESCRIPTION.index("  ring:")].replace(
        "    at: [2 mm, 4 mm]\n", "    copies: {west: [0 mm, 0 mm], east: {at: [14 mm, 2 mm], rotate: 90}}\n"
    )
    text = text.replace("[5 mm, 5 mm]", "[4 mm, 4 mm]").replace("[12 mm, 10 mm]", "[5 mm, 5 mm]")
    spot = "  spot:\n    on: die\n    relative_to: interposer\n    at: [2 mm, 1 mm]\n    size: [1 mm, 1 mm]\n"
    spot += "    layers: [{name: bump, thickness: 0.1 mm, material: copper}]\n"
    text += spot + DESCRIPTION[DESCRIPTION.index("cooling:") :]
    package = read_package(write(tmp_path, text))
    placements = place_stacks(package)
    assert package.stack("interposer.west.spot").relative_to == "interposer.west"
    assert placements["interposer.west.spot"].outline[:2] == pytest.approx((2 * mm, 1 * mm))
    assert placements["interposer.east.spot"].outline[:2] == pytest.approx((17 * mm, 4 * mm))
    outside = {"stacks.spot.on": "substrate", "stacks.spot.relative_to": "interposer"}
    assert "no stack is named 'interposer' (did you mean interposer.west" in refusal(
        write(tmp_path, text), outside
    )


def test_order_matters_in_python_too() -> None:
    def plate(name: str, size: float, **more: object) -> Stack:
        return Stack(name, (size, size), (Layer("p", 1e-3, "copper"),), **more)  # type: ignore[arg-type]

    stacks = (
        plate("board", 20 * mm),
        plate("base", 10 * mm, on="board", position=(1 * mm, 1 * mm)),
        plate("top", 6 * mm, on="base", position=(1 * mm, 1 * mm)),
        plate("post", 2 * mm, on="board", position=(15 * mm, 1 * mm)),
    )
    cooling = Cooling(top=Convection(10.0, 300.0))
    lid = plate("lid", 20 * mm, on=("top", "post"), position=(0.0, 0.0), gap_fill="void")
    from thermostack.package.geometry import build_geometry

    with pytest.raises(
        DescriptionError, match=r"depends on the order of `on`.*write relative_to: base, or relative"
    ):
        build_geometry(Package("p", (*stacks, lid), cooling))
