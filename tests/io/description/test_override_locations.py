"""Warnings about values of overrides name the override as their place; one mistake is one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from thermostack import DescriptionError, discretize, read_package
from thermostack.units import mm

TEXT = """\
package: two
materials: {own: {conductivity: 2 W/m/K, density: 2000 kg/m3, specific_heat: 1000 J/kg/K}}
stacks:
  board: {size: [20 mm, 20 mm], layers: [{name: core, thickness: 1 mm, material: fr4}]}
  a:
    on: board
    at: [1 mm, 1 mm]
    size: [4 mm, 4 mm]
    layers:
      - {name: si, thickness: 0.5 mm, material: own,
        power: {blocks: {x: {at: [0 mm, 0 mm], size: [1 mm, 1 mm], power: 1 W}}}}
  m: {on: board, copies: {x: [8 mm, 1 mm], y: [8 mm, 8 mm]}, size: [4 mm, 4 mm],
    layers: [{name: si, thickness: 0.5 mm, material: silicon, power: 1 W}]}
links:
  w: {from: a, to: m.x, material: gold, diameter: 25 um, length: 8 mm, count: 2}
cooling:
  bottom: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}
"""


@pytest.mark.parametrize(
    ("name", "value", "begin"),
    [
        ("stacks.a.layers.si.power.blocks.x.power", "2 kW",
         "stacks.a.layers.si.power.blocks.x: block 'x' generates"),
        ("stacks.a.layers.si.power.blocks.x.size", "[4 mm, 5 um]",
         "stacks.a.layers.si.power.blocks.x: block 'x' is 5 um wide"),
        ("stacks.a.layers.si.power", "20 kW", "stacks.a.layers.si.power: the layer generates"),
        ("stacks.a.power", "20 kW", "stacks.a.layers.si.power.blocks.x: block 'x' generates"),
        ("stacks.m.power", "200 kW", "stacks.m.layers.si.power: the layer generates"),
        ("stacks.m.x.power", "200 kW", "stacks.m.layers.si.power: the layer generates"),
        ("materials.own.conductivity", "2e5 W/m/K", "materials.own: own has a conductivity"),
        ("materials.own.density", "20 kg/m3", "materials.own.density: density times specific_heat"),
        ("links.w.count", "500", "links.w: 500 conductors of w"),
        ("links.w.length", "1 mm", "links.w.length: w is 1 mm long"),
        ("cooling.bottom.convection.h", "1e-3 W/m2/K", "cooling.bottom.convection.h: a heat-transfer"),
        ("stacks.a.limit", "20 degC", "stacks.a.limit: a limit of 20 degC is below"),
    ],
)  # fmt: skip
def test_warning_names_the_override(tmp_path: Path, name: str, value: str, begin: str) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(TEXT)
    before = discretize(read_package(path), cell=2 * mm).warnings
    new = [
        text
        for text in discretize(read_package(path, {name: value}), cell=2 * mm).warnings
        if text not in before
    ]
    assert any(text.startswith(f"overrides: {begin}") for text in new), new


def test_warning_about_other_values_of_the_object_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(TEXT.replace("power: 1 W}}}}", "power: 2 kW}}}}"))
    found = discretize(read_package(path, {"stacks.a.limit": "90 degC"}), cell=2 * mm).warnings
    (text,) = [each for each in found if "generates" in each]
    assert text.startswith(f"{path}:11:")


# -- layers that fill ------------------------------------------------------------------------------

FILL = """\
package: p
stacks:
  board: {size: [20 mm, 20 mm], layers: [{name: core, thickness: 1 mm, material: fr4}]}
  a: {on: board, at: [1 mm, 1 mm], size: [4 mm, 4 mm],
    layers: [{name: si, thickness: 0.5 mm, material: silicon}]}
  b: {on: board, at: [8 mm, 1 mm], size: [4 mm, 4 mm], # height
    layers: [{name: si, thickness: 0.3 mm, material: silicon},
      {name: tim, thickness: fill, material: tim_gel}]}
  lid: {on: [a, b], at: [0 mm, 0 mm], size: [12 mm, 5 mm], gap_fill: void,
    layers: [{name: cu, thickness: 1 mm, material: copper}]}
  on_b: {on: b, at: [1 mm, 1 mm], size: [1 mm, 1 mm], layers: [{name: cu, thickness: 1 um, material: copper}]}
cooling: {bottom: {convection: {h: 1 kW/m2/K, ambient: 25 degC}}}
"""
ON_B = FILL[FILL.index("  on_b") : FILL.index("cooling")]


@pytest.mark.parametrize("has_stack_on_top", [False, True])
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.3 mm", "0.6 mm", "no height is left to fill: lid lies at 1.5 mm"),
        ("0.3 mm", "fill", "a second layer of the stack fills"),
        ("4 mm], # height", "4 mm], height: to x,", "no stack is named 'x'"),
    ],
)
def test_one_mistake_with_a_layer_that_fills_is_one_message(
    tmp_path: Path, old: str, new: str, message: str, has_stack_on_top: bool
) -> None:
    """No overlap is reported whose place follows from the missing height."""
    path = tmp_path / "p.yaml"
    text = FILL if has_stack_on_top and "height" not in old else FILL.replace(ON_B, "")
    path.write_text(text.replace(old, new))
    with pytest.raises(DescriptionError) as caught:
        read_package(path)
    (diagnostic,) = caught.value.diagnostics
    assert message in diagnostic.message


def test_other_overlaps_are_reported_beside_a_layer_that_fills(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    text = FILL.replace(ON_B, "").replace("0.3 mm", "0.6 mm")
    layers = "layers: [{name: cu, thickness: 0.1 mm, material: copper}]"
    other = f"  c: {{on: board, at: [3 mm, 2 mm], size: [3 mm, 3 mm], {layers}}}\n"
    path.write_text(text.replace("cooling:", other + "cooling:"))
    with pytest.raises(DescriptionError) as caught:
        read_package(path)
    assert [each.code for each in caught.value.diagnostics] == ["E-GAP", "E-OVERLAP"]
    assert "c overlaps a" in caught.value.diagnostics[1].message
