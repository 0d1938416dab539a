"""Overrides of the value `null`: they remove an entry, and a field has its default again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thermostack import DescriptionError, discretize, read_package
from thermostack.cli.main import main
from thermostack.package.stack import Interface
from thermostack.units import mm

TEXT = """\
package: two
materials: {own: {conductivity: 4 W/m/K}}
stacks:
  board: {size: [10 mm, 6 mm], layers: [{name: core, thickness: 1 mm, material: fr4}]}
  die:
    on: board
    at: [1 mm, 1 mm]
    size: [4 mm, 4 mm]
    limit: 90 degC
    rotate: 90
    layers:
      - name: si
        thickness: 0.3 mm
        material: silicon
        power: {blocks: {a: {at: [0 mm, 0 mm], size: [1 mm, 1 mm], power: 1 W},
                         b: {at: [2 mm, 2 mm], size: [1 mm, 1 mm], power: 2 W}}}
        regions: [{name: hole, at: [3 mm, 0 mm], size: [1 mm, 1 mm], material: copper}]
        interface: {bottom: 5 mm2 K/W}
  pads: {on: board, copies: {a: [6 mm, 1 mm], b: [8 mm, 1 mm]}, size: [1 mm, 2 mm],
    layers: [{name: cu, thickness: 0.2 mm, material: copper}]}
links:
  wires: {from: {part: die, at: [0 mm, 0 mm], size: [1 mm, 1 mm]}, to: pads.a,
    material: gold, diameter: 25 um, length: 8 mm, count: 20}
  strap: {from: die, to: pads.b, resistance: 50 K/W}
contacts: [{between: [die, board], resistance: 2 mm2 K/W}]
cooling:
  bottom: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}
  top: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}
  surroundings: {convection: {h: 5 W/m2/K, ambient: 25 degC}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a description file with objects of every kind."""
    path = tmp_path / "two.yaml"
    path.write_text(TEXT)
    return path


def test_entries_are_removed(path: Path) -> None:
    """A description with removed entries is that of a file without them."""
    package = read_package(path, {"links.wires": "null", "stacks.pads.copies.b": None, "links.strap": "~"})
    assert package.links == ()
    assert [stack.name for stack in package.stacks] == ["board", "die", "pads.a"]
    package = read_package(
        path,
        {
            "stacks.die.layers.si.regions.hole": "null",
            "stacks.die.layers.si.power.blocks.a": "null",
            "contacts.0": "null",
            "cooling.top": "null",
            "links.wires": "null",
        },
    )
    layer = package.stack("die").layers[0]
    assert (layer.regions, package.contacts, package.cooling.top) == ((), (), ())
    assert layer.power is not None
    assert [block.name for block in layer.power.blocks] == ["b"]
    assert [link.name for link in package.links] == ["strap"]
    assert discretize(package, cell=1 * mm).total_power == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("changes", "field", "default"),
    [
        ({"links.wires.count": "null"}, "links/wires/count", 1),
        ({"links.strap.count": "null"}, "links/strap/count", 1),  # the file has none
        ({"links.wires.from.face": "null"}, "links/wires/start/face", "top"),
        ({"stacks.die.rotate": "null"}, "stacks/die/rotate", 0),
        ({"stacks.pads.b.rotate": "null"}, "stacks/pads.b/rotate", 0),
        ({"stacks.die.limit": "null"}, "stacks/die/limit", None),
        ({"stacks.board.limit": "null"}, "stacks/board/limit", None),
        ({"stacks.board.flip": "null"}, "stacks/board/flip", False),
        ({"stacks.die.layers.si.interface": "null"}, "stacks/die/layers/si/interface", Interface()),
        ({"stacks.die.layers.si.interface.top": "null"}, "stacks/die/layers/si/interface/top", 0.0),
        ({"stacks.board.layers.core.interface.top": "null"}, "stacks/board/layers/core/interface/top", 0.0),
        ({"stacks.die.layers.si.power": "null"}, "stacks/die/layers/si/power", None),
        ({"links": "null"}, "links", ()),
    ],
)
def test_field_has_its_default_again(path: Path, changes: dict[str, Any], field: str, default: Any) -> None:
    found: Any = read_package(path, changes)
    for name in field.split("/"):
        if isinstance(found, tuple):
            found = next(each for each in found if each.name == name)
        else:
            found = getattr(found, name)
    assert found == default


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stacks.die.size", "overrides: stacks.die.size: is missing [E-MISSING]"),
        ("links.strap.to", "overrides: links.strap.to: is missing [E-MISSING]"),
        ("links.strap.resistance", "links.strap: its conductance is missing"),
        ("cooling.bottom.convection.ambient",
         "overrides: cooling.bottom.convection.ambient: is missing [E-MISSING]"),
        ("stacks.x", "overrides: stacks.x: an empty value (null) is not a stack"),
        ("stacks.die", "overrides: stacks.die: an empty value (null) is not a stack"),
        ("materials.own", "overrides: materials.own: "),
        ("stacks.die.layers.si", "overrides: stacks.die.layers"),
        ("links.wire", "overrides: links.wire: links has no 'wire' (did you mean wires?)"),
        ("links.wires.cuont", "overrides: links.wires.cuont: unknown key 'cuont' (did you mean count?)"),
        ("stacks.die.sise", "overrides: stacks.die.sise: unknown key 'sise' (did you mean size?)"),
        ("stacks.die.layers.si.regions.hoel", "overrides: stacks.die.layers.si.regions.hoel: "),
    ],
)  # fmt: skip
def test_other_null_is_an_error_of_the_override(path: Path, name: str, message: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        read_package(path, {name: "null"})
    assert message in str(caught.value)


def test_removed_object_that_others_name_is_an_error(path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"links\.strap\.to.*: no stack is named 'pads\.b'"):
        read_package(path, {"stacks.pads.copies.b": "null"})


def test_value_after_null_is_set_again(path: Path) -> None:
    changes = {"links.wires.diameter": "null", "links.wires.area": "0.01 mm2", "links.wires": "null"}
    with pytest.raises(DescriptionError, match=r"overrides: links\.wires\.diameter: links has no 'wires'"):
        read_package(path, changes)  # a field comes after its object in any order, and this one is removed
    del changes["links.wires"]
    package = read_package(path, {**changes, "stacks.die.layers.si.interface": "null",
                                  "stacks.die.layers.si.interface.top": "4 mm2 K/W"})  # fmt: skip
    assert package.links[0].conductor_width == pytest.approx(0.1 * mm)
    assert package.stack("die").layers[0].interface == Interface(top=4e-6)


def test_empty_value_of_a_file_stays_an_error(path: Path) -> None:
    path.write_text(TEXT.replace("count: 20", "count: null"))
    with pytest.raises(DescriptionError, match="None is not a number of conductors"):
        read_package(path)


def test_command_removes_an_entry(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(path), "--set", "links.wires=null", "--set", "links.strap=null"]) == 0
    assert "wires" not in capsys.readouterr().out
    assert main(["check", str(path), "--set", "links.strap.to=null"]) == 2
    assert "--set: links.strap.to: is missing" in capsys.readouterr().err
