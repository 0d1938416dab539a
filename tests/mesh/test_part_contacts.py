"""Contact resistances between named parts: exact walls along each axis, selection of faces, and errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermostack import (
    ContactResistance,
    Cooling,
    DescriptionError,
    FixedFlux,
    FixedTemperature,
    Grid,
    Interface,
    Layer,
    Package,
    Region,
    Stack,
    discretize,
    read_package,
    read_transient,
    solve_steady,
    solve_transient,
    write_package,
)
from thermostack.materials.material import Material
from thermostack.units import mm

K, FLUX, RESISTANCE = 50.0, 1e5, 2e-5  # W/(m K), W/m2, m2 K/W
BLOCK = Material("block", K, volumetric_heat_capacity=2e6)
FACES = {"x": ("west", "east"), "y": ("south", "north"), "z": ("bottom", "top")}


def wall(axis: str, contacts: Any = (), interface: float = 0.0, **more: Any) -> Package:
    """Return two bodies of 2 mm side by side along an axis, cold at the low end, heated at the high one."""
    cold, hot = FACES[axis]
    cooling = Cooling(**{cold: FixedTemperature(300.0), hot: FixedFlux(flux=FLUX)})
    if axis == "z":
        layers = (
            Layer("low", 2 * mm, BLOCK, interface=Interface(top=interface)),
            Layer("high", 2 * mm, BLOCK),
        )
        stack = Stack("s", (3 * mm, 3 * mm), layers)
    else:
        size = (4 * mm, 3 * mm) if axis == "x" else (3 * mm, 4 * mm)
        at = (2 * mm, 0.0) if axis == "x" else (0.0, 2 * mm)
        half = Region("high", (size[0] - at[0], size[1] - at[1]), BLOCK, at)
        stack = Stack("s", size, (Layer("low", 1 * mm, BLOCK, regions=(half,)),))
    return Package("wall", (stack,), cooling, contacts=contacts, **more)


def names(axis: str) -> tuple[str, str]:
    return ("s.low", "s.high") if axis == "z" else ("s.low", "s.low.high")


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("cell", [0.5 * mm, 1 * mm])
def test_wall_with_a_contact_is_exact(axis: str, cell: float) -> None:
    """Mean of the hot half of a wall: T = T0 + q (x / k + R)."""
    contact = ContactResistance(names(axis), RESISTANCE)
    steady = solve_steady(discretize(wall(axis, (contact,)), cell=cell))
    cold, hot = (steady.of(name) for name in names(axis))
    assert cold.mean - 300.0 == pytest.approx(FLUX * 1e-3 / K, rel=1e-6)
    assert hot.mean - 300.0 == pytest.approx(FLUX * (3e-3 / K + RESISTANCE), rel=1e-6)
    assert hot.min - cold.max == pytest.approx(FLUX * RESISTANCE, rel=1e-5)
    assert hot.error == pytest.approx(0.0, abs=1e-3)
    reversed_names = replace(contact, between=names(axis)[::-1])
    again = solve_steady(discretize(wall(axis, (reversed_names,)), cell=cell))
    np.testing.assert_array_equal(again.field, steady.field)


def test_contact_is_added_to_the_interface_and_the_last_contact_counts() -> None:
    contacts = ContactResistance(names("z"), 1.0), ContactResistance(names("z"), RESISTANCE)
    steady = solve_steady(discretize(wall("z", contacts, interface=3 * RESISTANCE)))
    rise = steady.of("s.high").mean - 300.0
    assert rise == pytest.approx(FLUX * (3e-3 / K + 4 * RESISTANCE), rel=1e-6)


def test_selected_faces_alone_have_the_resistance() -> None:
    """A cube in a body: of its faces, `on` selects the four sides, the upper or the lower one."""
    cube = Region("cube", (1 * mm, 1 * mm), BLOCK, (1 * mm, 1 * mm))
    layers = (
        Layer("low", 1 * mm, BLOCK),
        Layer("middle", 1 * mm, BLOCK, regions=(cube,)),
        Layer("high", 1 * mm, BLOCK),
    )
    package = Package(
        "cube", (Stack("s", (3 * mm, 3 * mm), layers),), Cooling(bottom=FixedTemperature(300.0))
    )
    planes = np.arange(4) * mm
    grid = Grid(planes, planes, planes)
    touched = {"top": ("s.high",), "bottom": ("s.low",), "sides": ("s.middle",)}
    touched["all"] = (*touched["top"], *touched["bottom"], *touched["sides"])
    found = {}
    for on, others in touched.items():
        contacts = tuple(ContactResistance(("s.middle.cube", other), RESISTANCE, on=on) for other in others)
        faces = discretize(replace(package, contacts=contacts), grid=grid).part_contacts.faces
        found[on] = [each.resistance.size for each in faces]  # along z, y and x
        for other in {*touched["all"]} - {*others}:
            wrong = ContactResistance(("s.middle.cube", other), RESISTANCE, on=on)
            with pytest.raises(DescriptionError, match="do not touch"):
                discretize(replace(package, contacts=(wrong,)), grid=grid)
    assert found == {"all": [2, 2, 2], "sides": [0, 2, 2], "top": [1, 0, 0], "bottom": [1, 0, 0]}


def test_contact_counts_in_transients_and_is_stored(tmp_path: Path) -> None:
    package = wall("x", (ContactResistance(names("x"), RESISTANCE),))
    run = solve_transient(discretize(package, cell=0.5 * mm), 6.0, initial=300.0, path=tmp_path / "w.vtkhdf")
    rise = run.of("s.low.high").mean[-1] - 300.0
    assert rise == pytest.approx(FLUX * (3e-3 / K + RESISTANCE), rel=2e-3)
    again = read_transient(tmp_path / "w.vtkhdf")
    assert again.package.contacts == package.contacts
    assert again.model.part_contacts.faces[2].resistance.size > 0


TEXT = """
package: pair
stacks:
  base: {size: [4 mm, 2 mm], layers: [{name: core, thickness: 1 mm, material: copper}]}
  one: {on: base, at: [0 mm, 0 mm], size: [2 mm, 2 mm],
    layers: [{name: si, thickness: 1 mm, material: si, power: 1 W}]}
  two: {on: base, at: [2 mm, 0 mm], size: [2 mm, 2 mm], layers: [{name: si, thickness: 1 mm, material: si}]}
  far: {on: two, at: [0 mm, 0 mm], size: [2 mm, 2 mm], layers: [{name: si, thickness: 1 mm, material: si}]}
materials: {si: {conductivity: 150 W/m/K}}
contacts:
  - {between: [one, two], resistance: 5 mm2 K/W}
cooling:
  bottom: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}
"""


def test_contact_of_a_file_is_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "pair.yaml"
    path.write_text(TEXT)
    package = read_package(path)
    assert package.contacts == (ContactResistance(("one", "two"), 5e-6),)
    write_package(package, tmp_path / "again.yaml")
    assert read_package(tmp_path / "again.yaml") == package
    warm = solve_steady(discretize(package)).of("one").mean
    bare = solve_steady(discretize(replace(package, contacts=()))).of("one").mean
    assert warm > bare + 0.01


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[one, two]", "[one, tow]", r"between\[1\]: no part or stack is named 'tow' \(did you mean two"),
        ("[one, two]", "[one, far]", "one and far do not touch"),
        ("[one, two]", "[two, two.si]", "two and two.si are the same parts"),
        ("[one, two]", "[one, two, far]", r"between: names two parts or stacks \(write \[die, mold\]"),
        ("5 mm2 K/W", "-5 mm2 K/W", "is less than zero"),
        ("5 mm2 K/W", "5", "5 has no unit"),
        ("5 mm2 K/W}", "5 mm2 K/W, on: west}", "on: "),
        ("5 mm2 K/W}", "5 mm2 K/W, on: top}", "one and two do not touch at the top of one"),
    ],
)  # fmt: skip
def test_wrong_contact_is_explained(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "pair.yaml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(DescriptionError, match=message) as caught:
        discretize(read_package(path))
    assert all(found.line == 11 for found in caught.value.diagnostics)
