"""Links in descriptions: conductances, forms in files, and messages about wrong ones."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Cooling,
    DescriptionError,
    FixedTemperature,
    Grid,
    Layer,
    LinkEnd,
    Material,
    Package,
    Stack,
    ThermalLink,
    discretize,
    read_package,
    write_package,
)
from thermostack.units import mm, um

TEXT = """\
package: wire_bond
stacks:
  board: {size: [8 mm, 4 mm], layers: [{name: core, thickness: 1 mm, material: fr4}]}
  die: {on: board, at: [0.5 mm, 1 mm], size: [2 mm, 2 mm], rotate: 90,
    layers: [{name: attach, thickness: 20 um, material: fr4},
      {name: si, thickness: 0.3 mm, material: silicon, power: 0.5 W,
        regions: [{name: hole, at: [0 mm, 0 mm], size: [0.5 mm, 0.5 mm], material: void}]}]}
  pads: {on: board, copies: {a: [4 mm, 1 mm], b: [6 mm, 1 mm]}, size: [1 mm, 2 mm],
    layers: [{name: cu, thickness: 0.2 mm, material: copper}]}
links:
  wires: {from: {part: die, at: [0.2 mm, 1.8 mm], size: [1.6 mm, 0.1 mm]}, to: {part: pads.a},
    material: gold, diameter: 25 um, length: 2 mm, count: 40}
  strap: {from: die.attach, to: {part: pads.b, center: [0.5 mm, 1 mm], size: [0.4 mm, 0.4 mm], face: bottom},
    resistance: 50 K/W}
cooling:
  bottom: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}
"""
FIRST = "{part: die, at: [0.2 mm, 1.8 mm], size: [1.6 mm, 0.1 mm]}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a description file with two links."""
    path = tmp_path / "wire_bond.yaml"
    path.write_text(TEXT)
    return path


def test_conductance_is_that_of_the_conductors_in_parallel(path: Path) -> None:
    wires, strap = read_package(path).links
    area = math.pi * (25 * um) ** 2 / 4
    assert wires.conductance_of(317.0) == pytest.approx(40 * 317.0 * area / (2 * mm), rel=1e-12)
    assert strap.conductance_of(0.0) == pytest.approx(0.02, rel=1e-12)
    ribbon = ThermalLink("r", "a", "b", "gold", area="0.1 mm2", length="4 mm", count=3)
    assert ribbon.conductance_of(300.0) == pytest.approx(3 * 300.0 * 0.1e-6 / 4e-3, rel=1e-12)
    assert ThermalLink("s", "a", "b", conductance="2 mW/K", count=5).conductance_of(0.0) == 0.01


def test_ends_are_in_the_frame_of_their_stack(path: Path) -> None:
    """The die is turned by 90 degrees: its upper edge is the west edge of the package's rectangle."""
    model = discretize(read_package(path), cell=0.1 * mm)
    wires, strap = model.link_cells
    assert wires.link.start.rectangle == pytest.approx((0.6 * mm, 1.2 * mm, 0.7 * mm, 2.8 * mm), rel=1e-9)
    grid = model.grid
    for end, area in ((wires.start, 0.16e-6), (wires.end, 2e-6), (strap.start, 4e-6), (strap.end, 0.16e-6)):
        assert end.weight.sum() == pytest.approx(1.0)
        assert end.area == pytest.approx(area, rel=1e-9)
    assert {model.parts[n - 1].name for n in model.part[wires.start.k, wires.start.j, wires.start.i]} == {
        "die.si"
    }
    assert set(grid.z[wires.start.k + 1].tolist()) == {grid.z[-1]}
    assert set(grid.z[strap.end.k].round(9).tolist()) == {1 * mm}


def test_cells_count_with_the_area_under_an_end(path: Path) -> None:
    """Planes of a given grid need not be at the edges of an end."""
    package = read_package(path)
    fine = discretize(package, cell=0.1 * mm).grid
    x = np.unique([*np.arange(0.0, 8.01, 0.25).round(3), 0.5, 2.5, 4.0, 5.0, 6.0, 7.0]) * mm
    (end, _) = discretize(package, grid=Grid(x, fine.y, fine.z)).link_cells[0].ends  # from 0.6 to 0.7 mm
    assert set(end.i.tolist()) == {2}
    assert end.area == pytest.approx(0.16e-6, rel=1e-9)
    widths = fine.dy[end.j]
    np.testing.assert_allclose(end.weight, widths / widths.sum())


def test_links_are_written_and_read(path: Path, tmp_path: Path) -> None:
    package = read_package(path)
    write_package(package, tmp_path / "again.yaml")
    assert read_package(tmp_path / "again.yaml") == package


def test_link_of_a_material_object_is_written(path: Path, tmp_path: Path) -> None:
    package = read_package(path)
    own = Material("bond_gold", 280.0)
    package = replace(package, links=(replace(package.links[0], material=own),))
    write_package(package, tmp_path / "again.yaml")
    again = read_package(tmp_path / "again.yaml")
    assert again.material(again.links[0].material or "") == own


def test_field_of_a_link_is_overridden(path: Path) -> None:
    overrides = {
        "links.wires.count": 20,
        "links.wires.from.size": ["1 mm", "0.1 mm"],
        "links.strap.resistance": "10 K/W",
    }
    wires, strap = read_package(path, overrides).links
    assert (wires.count, wires.start.size, strap.resistance) == (20, (1 * mm, 0.1 * mm), 10.0)
    with pytest.raises(DescriptionError, match=r"links has no 'wire'.*did you mean wires"):
        read_package(path, {"links.wire.count": 20})


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("part: die, at", "part: dye, at", 11, r"from\.part: no stack is named 'dye' \(did you mean die"),
        ("part: die, at", "part: die.sj, at", 11, r"no part or stack is named 'die.sj' \(did you mean"),
        ("{part: pads.a}", "{part: pads}", 11, "'pads' is a group of stacks .*name one of pads.a, pads.b"),
        ("at: [0.2 mm, 1.8", "at: [0.6 mm, 1.8", 11, "extends beyond die by 200 um to the east"),
        ("die, at: [0.2 mm, 1.8", "die.si, at: [0 mm, 0.45", 11, "15.6 % of this end is not on the top"),
        ("at: [0.2 mm, 1.8", "at: [0 mm, 0.45", 11, "at different heights, 1.02 mm to 1.32 mm"),
        ("at: [0.2 mm, 1.8 mm], ", "", 11, "the position of this end on die is missing"),
        (", size: [1.6 mm, 0.1 mm]", "", 11, "the size of this end is missing .*write size"),
        ("size: [1.6 mm, 0.1 mm]", "size: [1.6 mm, 0 mm]", 11, "0 um is not greater than zero"),
        ("at: [0.2 mm, 1.8 mm]", "at: [0 mm, 1 mm], center: [1 mm, 1 mm]", 11, "has both `at` and `center`"),
        (FIRST, "{part: die, face: west}", 11, "face: 'west' is not 'top' or 'bottom'"),
        (FIRST, "{at: [0 mm, 0 mm]}", 11, "part"),
        (FIRST, "[die, pads]", 11, "is not a link end"),
        (FIRST, "pads.a.cu", 11, "both ends are in the same place"),
        ("length: 2 mm", "length: 0 mm", 12, "length: 0 um is not greater than zero"),
        ("length: 2 mm", "length: 2", 12, "length: 2 has no unit"),
        ("length: 2 mm, ", "", 11, "length is missing .*write material, diameter and length"),
        ("material: gold, ", "", 11, "material is missing"),
        ("material: gold", "material: glod", 12, "no material is named 'glod' .*did you mean gold"),
        ("material: gold", "material: void", 12, "void does not conduct"),
        ("material: gold", "material: graphite_pyrolytic", 12, "conducts differently along x, y and z"),
        ("diameter: 25 um, ", "", 11, "diameter or area is missing"),
        ("diameter: 25 um", "diameter: 25 um, area: 1 mm2", 12, "has both `diameter` and `area`"),
        ("diameter: 25 um", "diameter: 25 W", 12, '"25 W" is a power'),
        ("count: 40", "count: 0", 12, "0 is not a number of conductors"),
        ("count: 40", "count: 2.5", 12, "2.5 is not a number of conductors"),
        ("count: 40", "count: 40, conductance: 5 mW/K", 12, "has both `conductance` and `material`"),
        ("resistance: 50 K/W", "resistance: 50 K/W, conductance: 20 mW/K", 14, "has both `conductance` and"),
        (",\n    resistance: 50 K/W", "", 13, "its conductance is missing"),
        ("resistance: 50 K/W", "resistance: 0 K/W", 14, "is not greater than zero"),
        ("resistance: 50 K/W", "resistanse: 50 K/W", 14, r"unknown key 'resistanse' \(did you mean"),
        ("links:\n", "links: [1]\nlink:\n", 10, "1 is not a thermal link"),
    ],
)  # fmt: skip
def test_wrong_link_is_explained(path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in TEXT
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(DescriptionError, match=message) as caught:
        discretize(read_package(path), cell=0.1 * mm)
    text = str(caught.value)
    found = [each for each in caught.value.diagnostics if each.line == line and each.file == str(path)]
    assert found, text


def test_names_of_links_differ() -> None:
    stack = Stack("s", (1 * mm, 1 * mm), (Layer("a", 1 * mm, "silicon"), Layer("b", 1 * mm, "silicon")))
    links = [ThermalLink("one", "s.a", "s.b", conductance=1e-3)] * 2
    package = Package("p", (stack,), Cooling(bottom=FixedTemperature(300.0)), links=links)
    with pytest.raises(DescriptionError, match="the name 'one' is used twice"):
        discretize(package)


@pytest.mark.parametrize(
    "arguments",
    [{"start": 5, "end": "b"}, {"start": "a", "end": "b", "count": True}, {"start": "a", "end": LinkEnd}],
)
def test_wrong_argument_of_a_link_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(DescriptionError):
        ThermalLink("w", conductance=1.0, **arguments)


def test_conductance_needs_a_definition() -> None:
    with pytest.raises(DescriptionError, match="its conductance is missing"):
        ThermalLink("w", "a", "b").conductance_of(300.0)


def test_links_and_contacts_between_used_stacks_are_not_lost(path: Path, tmp_path: Path) -> None:
    user = tmp_path / "user.yaml"
    user.write_text(
        "package: user\nstacks:\n  module: {use: wire_bond.yaml}\n"
        "cooling: {bottom: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}}\n"
    )
    with pytest.raises(
        DescriptionError, match=r"the link wires of .* joins stacks that are used here"
    ) as caught:
        read_package(user)
    assert {found.line for found in caught.value.diagnostics} == {3}
    text = TEXT.split("links:")[0] + "cooling:" + TEXT.split("cooling:")[1]
    path.write_text(text + "contacts: [{between: [die.si, board], resistance: 1 mm2 K/W}]\n")
    with pytest.raises(DescriptionError, match=r"the contact of die.si and board of .* joins stacks"):
        read_package(user)
    path.write_text(text)
    user.write_text(
        user.read_text() + "links: {wires: {from: module.die, to: module.pads.a, resistance: 9 K/W}}\n"
    )
    assert discretize(read_package(user), cell=1 * mm).link_cells
