"""Warnings about descriptions that are possible, but improbable, each with its place in the file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from thermostack import (
    Block,
    ColdPlate,
    Convection,
    Cooling,
    FixedFlux,
    Layer,
    Material,
    Package,
    Power,
    PowerMap,
    Stack,
    discretize,
    find_material,
    read_package,
)
from thermostack.io.description.package_file import _shipped
from thermostack.materials.material_library import library
from thermostack.package.cooling import HtcMap
from thermostack.package.geometry import build_geometry
from thermostack.units import mm, um

DESCRIPTION = """\
package: one
materials:
  own: {conductivity: 2 W/m/K, density: 2000 kg/m3, specific_heat: 1000 J/kg/K}
stacks:
  die:
    size: [10 mm, 10 mm]
    limit: 100 degC
    layers:
      - {name: bulk, thickness: 0.5 mm, material: silicon, power: 20 W}
      - {name: top, thickness: 20 um, material: own}
cooling:
  top: {convection: {h: 20000 W/m2/K, ambient: 40 degC}}
  surroundings: {convection: {h: 5 W/m2/K, ambient: 25 degC}}
"""
TOP = "thickness: 20 um, material: own"
BLOCK = "power: {blocks: {a: {at: [1 mm, 1 mm], size: [%s, 2 mm], power: %s}}}"
CAPACITY = "density: 2000 kg/m3, specific_heat: 1000 J/kg/K"


def warnings_of(path: Path, *changes: tuple[str, str]) -> tuple[str, ...]:
    """Return the warnings of the description with some texts replaced, without directories."""
    text = DESCRIPTION
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = path / "one.yaml"
    file.write_text(text)
    return tuple(each.replace(f"{path}/", "") for each in discretize(read_package(file)).warnings)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (TOP, "thickness: 2 mm, material: beol", r"10:\d+: .*top\.thickness: 2 mm of beol .* 1 mm .*W-RANGE"),
        (TOP, "thickness: 2 mm, material: low_k", r"10:\d+: .*: 2 mm of low_k .* 1 mm .*deposited .*W-RANGE"),
        (TOP, "thickness: 6 mm, material: tim_gel", r"10:\d+: .*: 6 mm of tim_gel .* 5 mm .*W-RANGE"),
        (TOP, "thickness: 6 mm, material: adhesive_mfit", r"6 mm of adhesive_mfit .* 5 mm .*W-RANGE"),
        ("name: top, thickness: 20 um", "name: tim_2, thickness: 6 mm", r"6 mm of own .* 5 mm .*W-RANGE"),
        ("own: {", "own: {kind: wiring, ", None),
        ("limit: 100 degC", "limit: 20 degC",
         r"7:12: stacks\.die\.limit: a limit of 20 degC is below .* 25 degC .*W-LIMIT"),
        ("power: 20 W", "power: 20 W, limit: 24 degC", r"9:\d+: .*bulk\.limit: a limit of 24 degC .*W-LIMIT"),
        ("power: 20 W", "power: 12 kW",
         r"9:\d+: .*bulk\.power: the layer generates 12000 W/cm2, more than 10000 W/cm2 .*W-POWER"),
        ("power: 20 W", BLOCK % ("20 um", "5 W"),
         r"9:\d+: .*blocks\.a.*: block 'a' generates 12500 W/cm2, more than 10000 W/cm2 .*W-POWER"),
        ("power: 20 W", BLOCK % ("4 um", "1 mW"),
         r"9:\d+: .*: block 'a' is 4 um wide, less than 10 um .*W-POWER"),
        ("h: 20000", "h: 2e7",
         r"12:\d+: .*convection\.h: .* of 20000 kW/m2/K is outside 1 W/m2/K to 1000 kW/m2/K .*W-COOLING"),
        ("h: 5 ", "h: 0.5 ", r"13:\d+: .*surroundings.*h: .* 0\.5 W/m2/K is outside .*W-COOLING"),
        ("convection: {h: 20000 W/m2/K, ambient", "cold_plate: {resistance: 0.001 K/W, coolant",
         r"12:\d+: .*resistance: over 100 mm2 it is .* of 10000 kW/m2/K, outside .*W-COOLING"),
        (CAPACITY, "density: 2000 kg/m3, specific_heat: 1 J/kg/K",
         r"3:\d+: materials\.own\.density: density times specific_heat of own is 2000 J/m3/K, out.*gas"),
        (CAPACITY, "volumetric_heat_capacity: 2e7 J/m3/K",
         r"3:\d+: materials\.own\.volumetric_heat_capacity: .* is 20 MJ/m3/K, outside .*W-RANGE"),
    ],
)  # fmt: skip
def test_improbable_value_is_a_warning(tmp_path: Path, old: str, new: str, expected: str | None) -> None:
    assert warnings_of(tmp_path) == ()
    found = warnings_of(tmp_path, (old, new))
    if expected is None:  # 20 um of wiring are usual
        assert found == ()
    else:
        (warning,) = found
        assert re.fullmatch(rf"one\.yaml:.*{expected}.*", warning), warning


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TOP, "thickness: 1 mm, material: beol"),
        (TOP, "thickness: 5 mm, material: tim_gel"),
        (TOP, "thickness: 20 mm, material: own"),
        ("name: top", "name: timber"),
        ("limit: 100 degC", "limit: 30 degC"),  # above the air, below the coolant
        ("power: 20 W", BLOCK % ("10 um", "1 W")),
        ("h: 5 ", "h: 0 "),
        (CAPACITY, "density: 1.2 kg/m3, specific_heat: 1000 J/kg/K, kind: gas"),
        ("material: own", "material: air"),
        (", density: 2000 kg/m3, specific_heat: 1000 J/kg/K", ""),
    ],
)
def test_usual_value_is_no_warning(tmp_path: Path, old: str, new: str) -> None:
    assert warnings_of(tmp_path, (old, new)) == ()


def test_kind_of_the_material_takes_precedence_over_names(tmp_path: Path) -> None:
    layer = ("name: top, thickness: 20 um", "name: tim, thickness: 2 mm")
    assert warnings_of(tmp_path, layer) == ()
    (warning,) = warnings_of(tmp_path, layer, ("own: {", "own: {kind: wiring, "))
    assert "2 mm of own is more than the 1 mm that wiring of a die may have" in warning


def test_thickness_that_follows_from_the_neighbours_is_checked() -> None:
    base = Stack("base", (20 * mm, 20 * mm), (Layer("plate", 1 * mm, "copper"),))
    wall = Stack("wall", (20 * mm, 20 * mm), (Layer("ring", 7 * mm, "copper"),), on="base", frame=2 * mm,
                 position=(0.0, 0.0))  # fmt: skip
    layers = (Layer("si", 0.5 * mm, "silicon", "5 W"), Layer("gel", "fill", "tim_gel"))
    die = Stack("die", (8 * mm, 8 * mm), layers, on="base", center=(10 * mm, 10 * mm), height_to="to wall")
    lid = Stack("lid", (20 * mm, 20 * mm), (Layer("plate", 1 * mm, "copper"),), on=("wall", "die"),
                position=(0.0, 0.0), relative_to="wall", gap_fill="void")  # fmt: skip
    package = Package("lidded", (base, wall, die, lid), Cooling(top=Convection(1e3, 300.0)))
    (warning,) = (str(each) for each in build_geometry(package).warnings)
    assert warning.startswith("stacks.die.layers[1].thickness: 6.5 mm of tim_gel is more than the 5 mm")


def one_die(power: Power | str, cooling: Cooling | None = None, limit: float | None = None) -> Package:
    """Return a die of 10 mm with a power."""
    die = Stack("die", (10 * mm, 10 * mm), (Layer("si", 0.5 * mm, "silicon", power),), limit=limit)
    return Package("one", (die,), cooling or Cooling(top=Convection(1e4, 300.0)))


def test_pixels_of_a_map_and_several_blocks_give_one_line_each() -> None:
    values = np.ones((10, 10))
    values[3, 4:6] = 200.0
    blocks = tuple(Block(f"b{n}", (n * mm, 0.0), (5 * um, 8 * mm), 5.0 + n) for n in range(4))
    flux, pixels, width = build_geometry(one_die(Power(blocks=blocks, map=PowerMap(values)))).warnings
    assert flux.message == "block 'b3' generates 20000 W/cm2, more than 10000 W/cm2; 3 others do too"
    assert flux.field == "stacks.die.layers[0].power.blocks.b3"
    assert pixels.message == (
        "a pixel of the map generates 20000 W/cm2, more than 10000 W/cm2; 1 other does too"
    )
    assert re.fullmatch(r"block 'b\d' is 5 um wide, less than 10 um; 3 others are too", width.message)


def test_scaled_power_counts_and_the_area_of_a_frame() -> None:
    block = Block("a", (0.0, 0.0), (1 * mm, 1 * mm), 1.0)
    assert build_geometry(one_die(Power(blocks=(block,)))).warnings == ()
    (warning,) = build_geometry(one_die(Power(blocks=(block,), scale_to=150.0))).warnings
    assert "generates 15000 W/cm2" in warning.message
    layers = (Layer("si", 0.5 * mm, "silicon", "700 W"),)
    ring = Stack("ring", (10 * mm, 10 * mm), layers, frame=100 * um)
    (warning,) = build_geometry(Package("ring", (ring,), Cooling(top=Convection(1e4, 300.0)))).warnings
    assert "the layer generates 17680 W/cm2" in warning.message
    disc = Stack("disc", layers=(Layer("si", 0.5 * mm, "silicon", "9 kW"),), diameter=10 * mm)
    (warning,) = build_geometry(Package("disc", (disc,), Cooling(top=Convection(1e4, 300.0)))).warnings
    assert "the layer generates 11460 W/cm2" in warning.message


def test_flux_of_a_face_and_map_of_coefficients() -> None:
    inwards = Cooling(top=Convection(1e4, 300.0), bottom=FixedFlux(heat="20 kW"))
    (warning,) = discretize(one_die("1 W", inwards)).warnings
    assert "a heat flux of 20000 W/cm2, more than 10000 W/cm2" in warning
    h = HtcMap([[0.0, 2e4], [2e6, 1e4]])
    (warning,) = discretize(one_die("1 W", Cooling(top=Convection(h, 300.0)))).warnings
    assert "a heat-transfer coefficient of 2000 kW/m2/K is outside" in warning
    assert discretize(one_die("1 W", Cooling(top=Convection(HtcMap([[0.0, 3.0]]), 300.0)))).warnings == ()


def test_limit_below_the_ambient_is_possible_with_a_heat_sink_in_the_body() -> None:
    cooling = Cooling(top=ColdPlate(300.0, "0.1 K/W"))
    assert len(build_geometry(one_die("5 W", cooling, limit=290.0)).warnings) == 1
    peltier = Power(total=-5.0, allow_negative=True)
    assert build_geometry(one_die(peltier, cooling, limit=290.0)).warnings == ()
    outwards = Cooling(top=ColdPlate(300.0, "0.1 K/W"), bottom=FixedFlux(heat="-5 W"))
    assert build_geometry(one_die("5 W", outwards, limit=290.0)).warnings == ()


def test_copies_are_reported_once(tmp_path: Path) -> None:
    text = DESCRIPTION.replace("stacks:", "stacks:\n  board:\n    size: [40 mm, 20 mm]\n    layers:\n"
                               "      - {name: pcb, thickness: 1 mm, material: fr4}")  # fmt: skip
    text = text.replace(
        "  die:\n", "  die:\n    on: board\n    copies: {a: [0 mm, 0 mm], b: [15 mm, 0 mm]}\n"
    )
    file = tmp_path / "two.yaml"
    file.write_text(text.replace("limit: 100 degC", "limit: 20 degC"))
    (warning,) = read_package_warnings(file)
    assert "a limit of 20 degC" in warning


def read_package_warnings(file: Path) -> list[str]:
    """Return the warnings of a description."""
    return [str(each) for each in build_geometry(read_package(file)).warnings]


@pytest.mark.parametrize("name", sorted(_shipped()))
def test_shipped_package_has_no_warning(name: str) -> None:
    """Except the gate fingers of 0.5 um of an amplifier, which are real."""
    warnings = build_geometry(read_package(name)).warnings
    assert all(name == "sip_rf_power" and "finger_" in warning.message for warning in warnings)


def test_melting_points_of_the_library() -> None:
    assert find_material("c4_130").melting_point == find_material("solder_bump").melting_point
    assert find_material("galinstan").melting_point is None  # liquid in use
    for name, material in library().items():
        if material.melting_point is not None and name in library().definitions:
            assert 400.0 < material.melting_point < 4000.0
            if "conductivity" in library().definitions[name]:
                assert "melting point: " in material.source
    own = Material("own", 10.0, melting_point="60 degC")
    assert own.melting_point == pytest.approx(333.15)


def test_each_of_equal_layers_has_its_warning() -> None:
    layer = Layer("hot", 0.1 * mm, "silicon", power="20 kW")
    usual = Layer("usual", 0.1 * mm, "silicon", power="20 W")
    stacks = [
        Stack("a", (10 * mm, 10 * mm), (layer, usual)),
        Stack("b", (10 * mm, 10 * mm), (layer, usual), on="a", position=(0.0, 0.0)),
    ]
    geometry = build_geometry(Package("two", tuple(stacks), Cooling(top=Convection(1e4, 300.0))))
    fields = [warning.field for warning in geometry.warnings if warning.code == "W-POWER"]
    assert fields == ["stacks.a.layers[0].power", "stacks.b.layers[0].power"]
