"""Warnings about conductors that are shorter than the distance of their ends, or wider than their pads."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from thermostack import Grid, discretize, read_package
from thermostack.cli.main import main
from thermostack.mesh.link_cells import EndCells
from thermostack.mesh.link_dimensions import end_rectangles, plan_distance
from thermostack.package.link_geometry import LinkRectangle
from thermostack.units import mm

TEXT = """\
package: bonds
stacks:
  board: {size: [8 mm, 4 mm], layers: [{name: core, thickness: 1 mm, material: fr4}]}
  die: {on: board, at: [0.5 mm, 1 mm], size: [2 mm, 2 mm],
    layers: [{name: si, thickness: 0.3 mm, material: silicon, power: 0.5 W}]}
  tower: {on: board, at: [5 mm, 1 mm], size: [2 mm, 2 mm],
    layers: [{name: cu, thickness: 3.3 mm, material: copper}]}
links:
  wires: {from: {part: die, at: [1.8 mm, 0.2 mm], size: [0.2 mm, 1 mm]},
    to: {part: tower, at: [0 mm, 0.2 mm], size: [0.2 mm, 1 mm]},
    material: gold, diameter: 25 um, length: 4 mm, count: 20}
cooling:
  bottom: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}
"""
TO = "to: {part: tower, at: [0 mm, 0.2 mm], size: [0.2 mm, 1 mm]}"
WHOLE = "to: tower"  # 2.5 mm beside the die and 3 mm above it
FLAT = "to: {part: board, at: [3 mm, 1.2 mm], size: [0.5 mm, 0.5 mm]}"  # 0.5 mm beside, 0.3 mm below
DISTANCE = math.hypot(2.5, 3.0)  # mm


def link_warnings(path: Path, *changes: tuple[str, str], cell: float = 0.25 * mm) -> list[str]:
    """Return the warnings about links of the description with some texts replaced."""
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = path / "bonds.yaml"
    file.write_text(text)
    found = discretize(read_package(file), cell=cell).warnings
    return [each.replace(f"{path}/", "") for each in found if "[W-LINK]" in each]


# -- lengths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [TO, WHOLE])
def test_wire_shorter_than_the_distance_of_its_ends_is_reported(tmp_path: Path, end: str) -> None:
    """The distance is that of the nearest points, in the plan and in height."""
    (found,) = link_warnings(tmp_path, (TO, end), ("length: 4 mm", "length: 3.8 mm"))
    assert found == (
        "bonds.yaml:11:46: links.wires.length: wires is 3.8 mm long, and the straight distance between its "
        f"ends is {DISTANCE:.4g} mm (write the length along the loop, or correct the positions of the ends) "
        "[W-LINK]"
    )


@pytest.mark.parametrize(
    ("length", "is_reported"), [(DISTANCE, False), (DISTANCE * 0.9995, False), (DISTANCE * 0.998, True)]
)
def test_length_that_is_rounded_is_accepted(tmp_path: Path, length: float, is_reported: bool) -> None:
    found = link_warnings(tmp_path, ("length: 4 mm", f"length: {length!r} mm"))
    assert bool(found) is is_reported


@pytest.mark.parametrize(
    ("conductor", "is_reported"),
    [
        ("material: gold, area: 0.02 mm2, length: 0.5 mm", True),
        ("material: gold, area: 0.02 mm2, length: 0.6 mm", False),
        ("resistance: 5 K/W", False),
        ("conductance: 1 mW/K, count: 500", False),
    ],
)
def test_only_a_link_with_a_length_is_too_short(tmp_path: Path, conductor: str, is_reported: bool) -> None:
    wires = "material: gold, diameter: 25 um, length: 4 mm, count: 20"
    assert bool(link_warnings(tmp_path, (TO, FLAT), (wires, conductor))) is is_reported


def test_post_between_faces_above_each_other_may_be_as_long_as_their_gap(tmp_path: Path) -> None:
    """From the bottom to the top of one part the distance is its thickness."""
    post = "to: {part: die, at: [1.8 mm, 0.2 mm], size: [0.2 mm, 1 mm], face: bottom}"
    for length, count in (("0.3 mm", 0), ("0.29 mm", 1)):
        found = link_warnings(tmp_path, (TO, post), ("length: 4 mm", f"length: {length}"))
        assert len(found) == count


# -- widths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("count: 20", "count: 40", None),  # 1 mm on 1 mm
        ("count: 20", "count: 41",
         r"41 conductors of wires, each 25 um wide, need 1\.025 mm .* is 1 mm \(.*several rows of cond"),
        ("diameter: 25 um, length: 4 mm, count: 20", "diameter: 1.1 mm, length: 4 mm",
         r"wires is 1\.1 mm wide, and the longer side of its end `from` is 1 mm \(give the end"),
        ("diameter: 25 um", "area: 0.0016 mm2", None),  # 20 squares of 40 um
        ("diameter: 25 um", "area: 0.0036 mm2", r"each 60 um wide, need 1\.2 mm side by side"),
    ],
)  # fmt: skip
def test_conductors_wider_than_an_end_are_reported(
    tmp_path: Path, old: str, new: str, message: str | None
) -> None:
    found = link_warnings(tmp_path, (old, new))
    assert len(found) == (0 if message is None else 2)  # both ends have equal rectangles
    if message is not None:
        assert re.search(rf"bonds\.yaml:9:\d+: links\.wires: .*{message}.*W-LINK", found[0])
        assert "end `to`" in found[1]


def test_whole_face_is_as_wide_as_its_longer_side(tmp_path: Path) -> None:
    """Sixty conductors need 1.5 mm: the end on the die has 1 mm, the whole face of the tower 2 mm."""
    (found,) = link_warnings(tmp_path, (TO, WHOLE), ("count: 20", "count: 60"))
    assert "60 conductors" in found
    assert "end `from`" in found


# -- rectangles of an end --------------------------------------------------------------------------


def test_runs_of_cells_are_joined_to_rectangles() -> None:
    """A frame of cells has two sides over all inner rows, and two rows."""
    planes = np.arange(6.0)
    grid = Grid(planes, planes, np.array([0.0, 1.0]))
    is_frame = np.ones((5, 5), dtype=bool)
    is_frame[1:4, 1:4] = False
    j, i = np.nonzero(is_frame)
    end = EndCells(np.zeros_like(j), j, i, np.full(j.size, 1.0 / j.size), float(j.size))
    found = end_rectangles(grid, end, LinkRectangle("a", True, None, ()))
    expected = [(0, 0, 5, 1), (0, 1, 1, 4), (4, 1, 5, 4), (0, 4, 5, 5)]
    assert sorted(map(tuple, found.tolist())) == sorted(expected)
    given = (0.5, 0.5, 1.0, 2.0)
    assert end_rectangles(grid, end, LinkRectangle("a", True, given, ())).tolist() == [list(given)]
    inner = np.array([(2.0, 2.5, 2.5, 3.0)])
    assert plan_distance(found, inner) == 1.0
    assert plan_distance(inner, np.array([(5.5, 7.0, 6.0, 8.0)])) == 5.0


def test_warning_names_the_option_that_set_the_length(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bonds.yaml").write_text(TEXT)
    arguments = ["check", str(tmp_path / "bonds.yaml"), "--set", "links.wires.length=1 mm"]
    assert main(arguments) == 0
    assert "--set: links.wires.length: wires is 1 mm long" in capsys.readouterr().err
