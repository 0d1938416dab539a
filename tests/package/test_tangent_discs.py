"""Round stacks that touch another stack in a line, where their staircases share a face."""

from __future__ import annotations

import pytest

from thermostack import Convection, Cooling, Layer, Material, Package, Stack, discretize
from thermostack.units import mm

METAL, COOLING = Material("m", 100.0), Cooling(bottom=Convection(1e3, 300.0))


def warnings_of(*stacks: Stack) -> list[str]:
    board = Stack("board", (20 * mm, 20 * mm), (Layer("core", 1 * mm, METAL),))
    model = discretize(Package("p", (board, *stacks), COOLING), cell=2 * mm)
    return [text for text in model.warnings if "in a line" in text]


def disc(name: str, x: float, y: float, diameter: float = 4 * mm, frame: float | None = None) -> Stack:
    """Return a disc or a ring around a point of the board."""
    layer = Layer("cu", 1 * mm, METAL, power="1 W")
    return Stack(name, layers=(layer,), on=("board",), center=(x, y), diameter=diameter, frame=frame)


def block(x: float, y: float, *, frame: float | None = None) -> Stack:
    layer = Layer("si", 0.5 * mm, METAL)
    return Stack(f"block_{round(1e6 * x)}", (6 * mm, 6 * mm), (layer,), on=("board",), frame=frame).at(x, y)


@pytest.mark.parametrize(
    "stacks",
    [
        (disc("a", 5 * mm, 5 * mm), disc("b", 9 * mm, 5 * mm)),
        (disc("a", 5 * mm, 5 * mm), block(7 * mm, 4 * mm)),
        (disc("a", 5 * mm, 5 * mm), block(4 * mm, 7 * mm)),
        (disc("a", 10 * mm, 10 * mm), block(7 * mm, 7 * mm, frame=1 * mm)),
        (disc("ring", 10 * mm, 10 * mm, 12 * mm, 2 * mm), disc("a", 12 * mm, 10 * mm)),
    ],
    ids=["two discs", "east", "north", "in a frame", "in a ring"],
)
def test_line_of_contact_is_a_warning(stacks: tuple[Stack, ...]) -> None:
    (warning,) = warnings_of(*stacks)
    assert "in a line, but on the grid in a face that is 1.404 mm wide" in warning
    assert warning.endswith("(leave a gap between them, or let one enclose the other) [W-GRID]")


@pytest.mark.parametrize(
    "stacks",
    [
        (disc("a", 5 * mm, 5 * mm), disc("b", 9.05 * mm, 5 * mm)),
        (disc("a", 5 * mm, 5 * mm), block(7.05 * mm, 4 * mm)),
        (disc("ring", 10 * mm, 10 * mm, 8 * mm, 2 * mm), disc("a", 10 * mm, 10 * mm)),
        (
            block(7 * mm, 4 * mm),
            Stack("c", (2 * mm, 2 * mm), (Layer("si", 1 * mm, METAL),), on=("board",)).at(0, 0),
        ),
    ],
    ids=["gap", "gap to a block", "disc fills a ring", "rectangles"],
)
def test_gap_or_full_contact_is_no_warning(stacks: tuple[Stack, ...]) -> None:
    assert warnings_of(*stacks) == []
