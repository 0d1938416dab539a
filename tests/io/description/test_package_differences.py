"""Differences of descriptions: none for a copy, one for each override, added and removed objects."""

from __future__ import annotations

import pytest
from support.shipped import NAMES, shipped

from thermostack import FieldDifference, read_package
from thermostack.io.description.package_differences import package_differences


@pytest.mark.parametrize("name", NAMES[::4])
def test_a_package_does_not_differ_from_itself(name: str) -> None:
    assert package_differences(shipped(name), read_package(name)) == ()


@pytest.mark.parametrize(
    ("path", "value", "first", "second"),
    [
        ("stacks.lid.layers.plate.thickness", "2 mm", "1 mm", "2 mm"),
        ("stacks.die.layers.active.power", "12 W", "10 W", "12 W"),
        ("cooling.top.convection.h", "20 W/m2/K", "10 W/m2/K", "20 W/m2/K"),
        ("stacks.die.layers.tim.material", "indium", "tim_gel", "indium"),
        ("stacks.die.limit", "110 degC", "125 degC", "110 degC"),
        ("grid.tolerance", "2 K", "1 K", "2 K"),
    ],
)
def test_an_override_is_one_difference(path: str, value: str, first: str, second: str) -> None:
    changed = read_package("fcbga", {path: value})
    assert package_differences(shipped("fcbga"), changed) == (FieldDifference(path, first, second),)


def test_added_and_removed_objects() -> None:
    differences = {each.path: each for each in package_differences(shipped("fcbga"), shipped("fcbga_bare"))}
    assert differences["stacks.lid"].kind == "removed"
    assert differences["stacks.lid"].first == "a stack of plate"
    assert differences["stacks.die.layers.active.power"].second == "7.5 W"
    swapped = {each.path: each for each in package_differences(shipped("fcbga_bare"), shipped("fcbga"))}
    assert swapped["stacks.lid"].kind == "added"
    assert differences.keys() == swapped.keys()


def test_blocks_are_compared_by_name() -> None:
    package = shipped("cowos_s_h100")
    changed = read_package("cowos_s_h100", {"stacks.gpu.layers.active.power.scale_to": "500 W"})
    paths = [each.path for each in package_differences(package, changed)]
    assert paths == ["stacks.gpu.layers.active.power.scale_to"]


def test_texts_about_a_package_are_not_compared() -> None:
    assert package_differences(shipped("fcbga"), read_package("fcbga", {"about": "another text"})) == ()


def test_text_of_a_difference() -> None:
    assert str(FieldDifference("a.b", None, "1 W")) == "a.b: added 1 W"
    assert str(FieldDifference("a.b", "1 W", None)) == "a.b: removed 1 W"
