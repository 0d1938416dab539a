"""Description files: what they may say in short, what comes from elsewhere, and the way back."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.cost import count_calls
from support.shipped import NAMES, shipped

from thermostack import (
    Block,
    BumpArray,
    Convection,
    Cooling,
    DescriptionError,
    FixedFlux,
    HeatSink,
    Interface,
    Layer,
    Material,
    Package,
    Power,
    PowerMap,
    Region,
    Stack,
)
from thermostack.io.description.json_schema import json_schema
from thermostack.io.description.package_file import find_package, read_package, shipped_packages
from thermostack.io.description.write_package import package_to_yaml, write_package
from thermostack.io.description.yaml_nodes import parse_scalar, parse_yaml, to_plain
from thermostack.package.cooling import Adiabatic, FaceCooling, FaceRectangle, FixedTemperature
from thermostack.package.geometry import build_geometry
from thermostack.units import mm

ROOT = Path(__file__).parents[3]
HEAD = """\
package: case
stacks:
  board:
    size: [20 mm, 10 mm]
    layers: [{name: core, thickness: 1 mm, material: copper}]
"""
TAIL = "cooling: {top: {convection: {h: 10 W/m2/K, ambient: 25 degC}}}\n"


def write(folder: Path, stacks: str, *, head: str = HEAD, name: str = "case.yaml") -> Path:
    path = folder / name
    path.write_text(head + stacks + TAIL)
    return path


def names(package: Package) -> list[str]:
    return [stack.name for stack in package.stacks]


def refusal(source: Path, overrides: dict[str, Any] | None = None, **more: Any) -> str:
    with pytest.raises(DescriptionError) as caught:
        read_package(source, overrides, **more)
    assert all(diagnostic.file for diagnostic in caught.value.diagnostics)
    return str(caught.value)


# -- scalars ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-6", 1e-6),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("010", 10),
        ("0x10", 16),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30:45", "12:30:45"),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        (".inf", float("inf")),
        ("1_000", "1_000"),
        ("5 mm", "5 mm"),
        ("9" * 400, float("inf")),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    found = parse_scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_quoted_scalars_and_keys_are_text() -> None:
    assert to_plain(parse_yaml("no: '1e3'\n010: \"true\"\n", "f")) == {"no": "1e3", "010": "true"}


def test_aliases_repeat_their_anchor() -> None:
    assert to_plain(parse_yaml("a: &a [1, {b: 2}]\nc: *a\n", "f")) == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}


# -- where packages are ----------------------------------------------------------------------


LARGEST = "cowos_l_2300w", "ucie_64"  # eight memories of sixteen dies; 72 chiplets


@pytest.mark.parametrize("name", LARGEST)
def test_shipped_packages_are_read_at_bounded_cost(name: str) -> None:
    calls, package = count_calls(functools.partial(read_package, name))
    assert calls < 900_000
    assert build_geometry(package).boxes


def test_the_largest_packages_are_those_with_bounded_cost() -> None:
    layers = {name: sum(len(stack.layers) for stack in shipped(name).stacks) for name in NAMES}
    assert set(sorted(layers, key=layers.__getitem__)[-2:]) == set(LARGEST)


def test_path_takes_precedence_over_package_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_package("fcbga").parent == ROOT / "meshes"
    write(tmp_path, "", name="fcbga.yaml")
    assert find_package("fcbga.yaml") == Path("fcbga.yaml")
    assert find_package("sub/fcbga") == Path("sub/fcbga")
    assert read_package("fcbga.yaml").name == "case"
    write(tmp_path, "", name="own.yaml")
    with pytest.raises(DescriptionError, match=r"named 'own' \(did you mean own\.yaml\?\)"):
        find_package("own")


# -- repeat ----------------------------------------------------------------------------------


def test_repeated_layers_are_numbered(tmp_path: Path) -> None:
    stacks = """\
  mem:
    on: board
    at: [1 mm, 1 mm]
    size: [4 mm, 4 mm]
    layers:
      - {name: base, thickness: 60 um, material: silicon}
      - repeat: {times: 2, layers: [{name: gap, thickness: 10 um, material: tim_gel},
                 {repeat: {times: 2, layers: [{name: core, thickness: 20 um, material: silicon}]}}]}
"""
    layers = read_package(write(tmp_path, stacks)).stack("mem").layers
    assert [layer.name for layer in layers] == [
        "base",
        "gap_0",
        "core_0_0",
        "core_1_0",
        "gap_1",
        "core_0_1",
        "core_1_1",
    ]


# -- copies ----------------------------------------------------------------------------------

COPIED = """\
  mem:
    on: board
    copies: {a: [1 mm, 1 mm], b: {at: [7 mm, 1 mm], rotate: 90}}
    size: [4 mm, 4 mm]
    layers: [{name: x, thickness: 0.2 mm, material: silicon}]
  cap:
    on: mem
    at: [0.5 mm, 1 mm]
    size: [1 mm, 1 mm]
    layers: [{name: y, thickness: 0.1 mm, material: silicon}]
"""


def test_copies_include_stacks_on_them(tmp_path: Path) -> None:
    package = read_package(write(tmp_path, COPIED))
    assert names(package) == ["board", "mem.a", "mem.a.cap", "mem.b", "mem.b.cap"]
    assert package.stack("mem.b.cap").on == ("mem.b",)
    assert (package.stack("mem.a").rotate, package.stack("mem.b").rotate) == (0, 90)


def test_reference_to_copied_stack_means_all_copies(tmp_path: Path) -> None:
    lid = """\
  chip:
    on: board
    at: [12 mm, 1 mm]
    size: [4 mm, 4 mm]
    layers: [{name: x, thickness: 0.3 mm, material: silicon}]
  lid:
    on: [chip, cap]
    relative_to: board
    at: [0 mm, 0 mm]
    size: [18 mm, 8 mm]
    gap_fill: void
    layers: [{name: plate, thickness: 1 mm, material: copper}]
"""
    package = read_package(write(tmp_path, COPIED + lid))
    assert package.stack("lid").on == ("chip", "mem.a.cap", "mem.b.cap")


def test_copies_of_copies(tmp_path: Path) -> None:
    text = COPIED.replace("    at: [0.5 mm, 1 mm]\n", "    copies: {l: [0 mm, 0 mm], r: [2 mm, 0 mm]}\n")
    package = read_package(write(tmp_path, text))
    assert names(package)[1:] == [
        "mem.a",
        "mem.a.cap.l",
        "mem.a.cap.r",
        "mem.b",
        "mem.b.cap.l",
        "mem.b.cap.r",
    ]


def test_copy_with_name_of_existing_stack_is_refused(tmp_path: Path) -> None:
    layers = "layers: [{name: x, thickness: 1 mm, material: silicon}]"
    other = f"  mem.a: {{on: board, at: [14 mm, 1 mm], size: [1 mm, 1 mm], {layers}}}\n"
    assert "there already is a stack mem.a" in refusal(write(tmp_path, COPIED + other))


GRID = """\
  mem:
    on: board
    at: [1 mm, 1.1 mm]
    array: {columns: 3, rows: 2, pitch: [4 mm, 3.3 mm]}
    size: [2 mm, 3 mm]
    rotate: 90
    layers: [{name: x, thickness: 0.2 mm, material: silicon}]
  cap:
    on: mem
    at: [0.5 mm, 0.5 mm]
    size: [1 mm, 1 mm]
    layers: [{name: y, thickness: 0.1 mm, material: silicon}]
"""


def test_array_equals_copies_at_its_positions(tmp_path: Path) -> None:
    package = read_package(write(tmp_path, GRID))
    places = ", ".join(
        f"c{column}r{row}: [{1 + 4 * column} mm, {(11 + 33 * row) / 10} mm]"
        for row in (0, 1)
        for column in range(3)
    )
    copied = GRID.replace("    at: [1 mm, 1.1 mm]\n", "")
    copied = re.sub("array: .*", f"copies: {{{places}}}", copied)
    assert package == read_package(write(tmp_path, copied))
    assert package.stack("mem.c2r1.cap").on == ("mem.c2r1",)
    moved = read_package(write(tmp_path, GRID), {"stacks.mem.array.pitch": ["5 mm", "3.5 mm"]})
    assert moved.stack("mem.c2r1").position == pytest.approx((11 * mm, 4.6 * mm))
    centred = read_package(write(tmp_path, GRID.replace("at: [1 mm, 1.1 mm]", "center: [3 mm, 2 mm]")))
    assert centred.stack("mem.c1r1").center == pytest.approx((7 * mm, 5.3 * mm))


def test_lid_relative_to_another_stack_is_one_over_all_copies(tmp_path: Path) -> None:
    lid = """\
  lid:
    on: cap
    relative_to: board
    at: [0 mm, 0 mm]
    size: [18 mm, 8 mm]
    gap_fill: void
    layers: [{name: plate, thickness: 1 mm, material: copper}]
"""
    package = read_package(write(tmp_path, COPIED + lid))
    assert package.stack("lid").on == ("mem.a.cap", "mem.b.cap")
    within = lid.replace("relative_to: board", "relative_to: mem").replace("18 mm, 8 mm", "1 mm, 1 mm")
    within = within.replace("[0 mm, 0 mm]", "[0.5 mm, 1 mm]")
    assert names(read_package(write(tmp_path, COPIED + within)))[-1] == "mem.b.lid"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("{columns: 3, rows: 0, pitch: [4 mm, 3 mm]}", "0 is not a number of copies"),
        ("{columns: 3, row: 2, pitch: [4 mm, 3 mm]}", "unknown key 'row'"),
        ("{columns: 3, pitch: [4 mm, 3 mm]}", "array.rows: is missing"),
        ("{columns: 3, rows: 2, pitch: 4 mm}", "is not a list of two lengths"),
        ("{columns: 3, rows: 2, pitch: [4 W, 3 mm]}", "expected a length"),
        ("[3, 2]", "is not a mapping"),
        ("{columns: 300, rows: 20, pitch: [4 mm, 3 mm]}", "makes more than 2000 stacks"),
        ("{columns: 3, rows: 2, pitch: [4 mm, 3 mm]}\n    copies: {a: [0 mm, 0 mm]}", "copies or an array"),
    ],
)
def test_wrong_array_is_refused(wrong: str, message: str, tmp_path: Path) -> None:
    text = GRID.replace("{columns: 3, rows: 2, pitch: [4 mm, 3.3 mm]}", wrong)
    assert message in refusal(write(tmp_path, text))


def test_array_without_position_is_refused(tmp_path: Path) -> None:
    text = GRID.replace("    at: [1 mm, 1.1 mm]\n", "")
    assert "position of its first copy" in refusal(write(tmp_path, text))


def test_too_many_copies(tmp_path: Path) -> None:
    many = ", ".join(f"c{n}: [0 mm, 0 mm]" for n in range(1500))
    text = COPIED.replace("{a: [1 mm, 1 mm], b: {at: [7 mm, 1 mm], rotate: 90}}", f"{{{many}}}")
    assert "makes more than 2000 stacks" in refusal(write(tmp_path, text))


# -- overrides -----------------------------------------------------------------------------


NESTED = """\
  chip:
    on: board
    at: [14 mm, 1 mm]
    size: [4 mm, 4 mm]
    layers:
      - {name: tim, thickness: 0.1 mm, material: tim_gel}
      - repeat: {times: 2, layers: [{name: core, thickness: 20 um, material: silicon}]}
"""


@pytest.mark.parametrize(
    ("path", "stack", "layers"),
    [
        ("stacks.chip.layers.tim.interface.bottom", "chip", ["tim"]),
        ("stacks.chip.layers.0.interface.bottom", "chip", ["tim"]),
        ("stacks.chip.layers.core.interface.bottom", "chip", ["core_0", "core_1"]),
        ("stacks.chip.layers.core_1.interface.bottom", "chip", ["core_1"]),
        ("stacks.mem.layers.x.interface.bottom", "mem.b", ["x"]),
        ("stacks.mem.b.layers.x.interface.bottom", "mem.b", ["x"]),
    ],
)
def test_override_creates_the_mappings_before_its_field(
    tmp_path: Path, path: str, stack: str, layers: list[str]
) -> None:
    package = read_package(write(tmp_path, COPIED + NESTED), {path: "5 mm2 K/W"})
    made = {layer.name: layer.interface.bottom for layer in package.stack(stack).layers}
    assert [name for name, value in made.items() if value] == layers
    assert set(made.values()) <= {0.0, 5e-6}
    assert package.stack("mem.a").layers[0].interface.bottom == (
        5e-6 if path.startswith("stacks.mem.l") else 0.0
    )


def test_overrides_of_two_fields_create_one_mapping(tmp_path: Path) -> None:
    changes = {"cooling.bottom.convection.h": "5 W/m2/K", "cooling.bottom.convection.ambient": "30 degC"}
    (entry,) = read_package(write(tmp_path, ""), changes).cooling.bottom
    assert entry.cooler == Convection("5 W/m2/K", "30 degC")
    text = refusal(write(tmp_path, ""), {"cooling.bottom.convection.h": "5 W/m2/K"})
    assert text == "overrides: cooling.bottom.convection.ambient: is missing [E-MISSING]"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("stacks.chip.layers.tim.interfce.top", "unknown key 'interfce' (did you mean interface?)"),
        ("stacks.chip.layer.tim.interface.top", "unknown key 'layer' (did you mean layers?)"),
        ("stacks.chp.layers.tim.interface.top", "stacks has no 'chp' (did you mean chip?)"),
        ("stacks.chip.layers.tmi.interface.top", "stacks.chip.layers has no 'tmi' (did you mean tim?)"),
        (
            "stacks.mem.c.layers.x.interface.top",
            "stacks has no 'mem' (did you mean mem.a or mem.a.cap or mem.b?)",
        ),
        ("stacks.chip.size.x", "stacks.chip.size has no 'x'"),
        ("stacks.chip.layers.tim.thickness.top", "stacks.chip.layers.tim.thickness is a single value"),
    ],
)
def test_override_of_an_unknown_object_is_refused(tmp_path: Path, path: str, message: str) -> None:
    text = refusal(write(tmp_path, COPIED + NESTED), {path: "5 mm2 K/W"})
    assert text.startswith("overrides: ")
    assert message in text


# -- use -------------------------------------------------------------------------------------

TEMPLATES = """\
templates:
  mem:
    size: [4 mm, 4 mm]
    filler: emc
    layers: [{name: base, thickness: 0.2 mm, material: silicon}]
  core:
    on: mem
    at: [0.5 mm, 0.5 mm]
    size: [3 mm, 3 mm]
    layers: [{name: x, thickness: 0.1 mm, material: silicon, power: 1 W}]
  other:
    use: mem
    limit: 95 degC
"""
USED = "  hbm: {use: other, on: board, copies: {a: [1 mm, 1 mm], b: [7 mm, 1 mm]}}\n"


def test_template_includes_stacks_on_it(tmp_path: Path) -> None:
    package = read_package(write(tmp_path, USED + TEMPLATES))
    assert names(package) == ["board", "hbm.a", "hbm.a.core", "hbm.b", "hbm.b.core"]
    hbm = package.stack("hbm.b")
    assert (hbm.limit, hbm.filler, hbm.on) == (95 + 273.15, "emc", ("board",))
    assert package.stack("hbm.b.core").on == ("hbm.b",)


def test_given_fields_replace_those_of_template(tmp_path: Path) -> None:
    used = "  hbm: {use: mem, on: board, at: [1 mm, 1 mm], filler: void, size: [5 mm, 5 mm]}\n"
    hbm = read_package(write(tmp_path, used + TEMPLATES)).stack("hbm")
    assert (hbm.filler, hbm.size) == ("void", (5e-3, 5e-3))


def test_shipped_package_is_included(tmp_path: Path) -> None:
    package = read_package(
        write(
            tmp_path,
            "  hbm: {use: hbm3_8h, on: board, at: [1 mm, -0.5 mm], rotate: 90}\n",
            head=HEAD.replace("10 mm]", "12 mm]"),
        ),
        {"stacks.hbm.at": "[1 mm, 0.5 mm]"},
    )
    assert names(package) == ["board", "hbm"]
    assert len(package.stack("hbm").layers) > 16
    assert package.stack("hbm").center is None


LIBRARY = """\
package: lib
materials:
  goo: {conductivity: 2 W/m/K}
stacks:
  lib:
    size: [4 mm, 4 mm]
    layers: [{name: x, thickness: 0.2 mm, material: goo, power: {floorplan: plan.csv}}]
"""
PLAN = "name,x [mm],y [mm],width [mm],height [mm],power [W]\na,0,0,1,1,2\nb,1,1,1,1,3\n"


def test_included_file_brings_materials_and_files(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "lib.yaml").write_text(LIBRARY)
    (tmp_path / "parts" / "plan.csv").write_text(PLAN)
    package = read_package(write(tmp_path, "  a: {use: parts/lib.yaml, on: board, at: [1 mm, 1 mm]}\n"))
    assert package.materials["goo"].conductivity_at(300.0) == (2.0, 2.0, 2.0)
    power = package.stack("a").layers[0].power
    assert power is not None
    assert power.total_power == 5.0


def test_diagnostic_of_included_file_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "lib.yaml").write_text(LIBRARY.replace("0.2 mm", "0.2"))
    (tmp_path / "plan.csv").write_text(PLAN.replace("1,1,1,1,3", "1,x,1,1,3"))
    text = refusal(write(tmp_path, "  a: {use: lib.yaml, on: board, at: [1 mm, 1 mm]}\n"))
    assert re.search(r"lib.yaml:7:\d+: stacks.lib.layers.x.thickness: 0.2 has no unit", text)
    assert re.search(r"plan.csv:3:\d+: ", text)


def test_different_materials_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "lib.yaml").write_text(LIBRARY.replace(", power: {floorplan: plan.csv}", ""))
    used = "  a: {use: lib.yaml, on: board, at: [1 mm, 1 mm]}\n"
    own = "materials: {goo: {conductivity: 3 W/m/K}}\n"
    text = refusal(write(tmp_path, used + own))
    assert "case.yaml:7:13: materials.goo: 'goo' is a different material in" in text
    assert "E-DUPLICATE" in text
    read_package(write(tmp_path, used + own.replace("3 W/m/K", "2 W/m/K")))


def test_cyclic_use_is_refused(tmp_path: Path) -> None:
    templates = "templates:\n  a: {use: b}\n  b: {use: a}\n"
    text = refusal(write(tmp_path, "  x: {use: a, on: board, at: [0 mm, 0 mm]}\n" + templates))
    assert "uses itself: template a uses template b uses template a" in text
    (tmp_path / "one.yaml").write_text("package: one\nstacks: {one: {use: two.yaml}}\n")
    (tmp_path / "two.yaml").write_text("package: two\nstacks: {two: {use: one.yaml}}\n")
    text = refusal(write(tmp_path, "  x: {use: one.yaml, on: board, at: [0 mm, 0 mm]}\n"))
    assert "uses itself: one (one.yaml) uses two (two.yaml) uses one (one.yaml)" in text


def test_exponential_templates_are_refused(tmp_path: Path) -> None:
    copies = "copies: {a: [0 mm, 0 mm], b: [0 mm, 0 mm], c: [0 mm, 0 mm], d: [0 mm, 0 mm]}"
    rows = [
        "templates:\n  t0: {size: [1 mm, 1 mm], layers: [{name: x, thickness: 1 mm, material: silicon}]}\n"
    ]
    rows += [
        f"  t{n}: {{use: t{n - 1}}}\n  u{n}: {{use: t{n - 1}, on: t{n}, {copies}}}\n" for n in range(1, 12)
    ]
    path = write(tmp_path, "  x: {use: t11, on: board, at: [0 mm, 0 mm]}\n" + "".join(rows))
    assert count_calls(lambda: refusal(path))[0] < 1_000_000


def test_included_file_needs_one_root_stack(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text("package: x\nstacks: {a: {}, b: {}}\n")
    text = refusal(write(tmp_path, "  x: {use: two.yaml, on: board, at: [0 mm, 0 mm]}\n"))
    assert "expected one stack without a host in" in text
    assert "two.yaml, got 2 (give its package the name of the stack to use)" in text


def test_files_outside_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("password: 12345\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (inner / "loop.yaml").symlink_to(inner / "loop.yaml")
    for name in (
        "../secret.yaml",
        "link.yaml",
        str(tmp_path / "secret.yaml"),
        "file:///etc/passwd",
        "loop.yaml",
    ):
        path = write(inner, f"  x: {{use: '{name}', on: board, at: [0 mm, 0 mm]}}\n")
        text = refusal(path)
        assert "E-FILE" in text
        assert "12345" not in text
        assert "password" not in text
    (tmp_path / "lib.yaml").write_text(LIBRARY.replace(", power: {floorplan: plan.csv}", ""))
    path = write(inner, "  x: {use: ../lib.yaml, on: board, at: [0 mm, 0 mm]}\n")
    assert names(read_package(path, allow_include_root=True)) == ["board", "x"]


# -- floorplans and maps ---------------------------------------------------------------------


def chip(power: str) -> str:
    layer = f"{{name: x, thickness: 0.2 mm, material: silicon, power: {power}}}"
    return f"  chip:\n    on: board\n    at: [1 mm, 1 mm]\n    size: [4 mm, 2 mm]\n    layers: [{layer}]\n"


def power_of(path: Path, overrides: dict[str, Any] | None = None) -> Power:
    power = read_package(path, overrides).stack("chip").layers[0].power
    assert power is not None
    return power


def test_floorplan_with_powers_by_name(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(PLAN)
    power = power_of(write(tmp_path, chip("{floorplan: plan.csv, powers: {b: 7 W}, total: 9 W}")))
    assert [(block.name, block.power) for block in power.blocks] == [("a", 2.0), ("b", 7.0)]
    assert power.blocks[1].position == (1e-3, 1e-3)
    text = refusal(write(tmp_path, chip("{floorplan: plan.csv, total: 9 W}")))
    assert "9 W is declared" in text


def test_floorplan_of_copies_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "plan.csv").write_text(PLAN)
    text = chip("{floorplan: plan.csv}").replace(
        "at: [1 mm, 1 mm]", "copies: {a: [1 mm, 1 mm], b: [6 mm, 1 mm]}"
    )
    package = read_package(write(tmp_path, text))
    first, second = (package.stack(f"chip.{name}").layers[0].power for name in "ab")
    assert first == second


def test_power_map_with_unit_and_origin(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("1,2\n3,4\n")
    np.save(tmp_path / "map.npy", np.array([[3.0, 4.0], [1.0, 2.0]]))
    north = power_of(write(tmp_path, chip("{map: map.csv, unit: W, origin: north, total: 10 W}")))
    south = power_of(write(tmp_path, chip("{map: {file: map.npy}}")))
    assert north.map is not None
    assert south.map is not None
    assert np.array_equal(north.map.values, south.map.values)
    flux = power_of(
        write(tmp_path, chip("{map: {file: map.csv, unit: W/cm2, at: [1 mm, 0 mm], size: [2 mm, 2 mm]}}"))
    )
    assert flux.total_power == pytest.approx(10.0 * 0.01)


@pytest.mark.parametrize(
    ("power", "words"),
    [
        ("{floorplan: plan.csv, blocks: {}}", "blocks and floorplan are given"),
        ("{powers: {a: 1 W}}", "powers needs a floorplan"),
        ("{floorplan: plan.csv, powers: [1 W]}", "is not a mapping from blocks to powers"),
        ("{floorplan: plan.csv, powers: {a: 1}}", "1 has no unit; expected a power"),
        ("{floorplan: 5}", "5 is not the name of a file"),
        ("{map: map.csv, unit: K}", "unit"),
        ("{map: map.csv, origin: west}", "south or north"),
        ("{map: {file: map.csv, unit: 5}}", "5 is not a text"),
        ("{map: {fle: map.csv}}", "unknown key 'fle'"),
        ("{floorplan: plan.csv, totl: 5 W}", "did you mean total?"),
    ],
)
def test_refused_powers(tmp_path: Path, power: str, words: str) -> None:
    (tmp_path / "plan.csv").write_text(PLAN)
    (tmp_path / "map.csv").write_text("1,2\n3,4\n")
    text = refusal(write(tmp_path, chip(power)))
    assert words in text
    assert re.match(rf"{re.escape(str(tmp_path))}/case.yaml:10:\d+: stacks.chip.layers.x.power", text)


# -- values set from outside -----------------------------------------------------------------


def test_overrides_by_path(tmp_path: Path) -> None:
    path = write(tmp_path, chip("{total: 5 W}") + USED + TEMPLATES.replace("copies", "copies"))
    path.write_text(
        path.read_text().replace("a: [1 mm, 1 mm], b: [7 mm, 1 mm]", "a: [6 mm, 1 mm], b: [11 mm, 1 mm]")
    )
    package = read_package(
        path,
        {
            "stacks.chip.layers.x.power.total": "7 W",
            "stacks.board.layers.0.thickness": "2 mm",
            "stacks.board.layers[0].material": "silicon",
            "stacks.chip.limit": "100 degC",
            "stacks.hbm.layers.base.thickness": "0.3 mm",
            "stacks.hbm.a.core.layers.x.power": "4 W",
            "stacks.hbm.copies.b": "[12 mm, 2 mm]",
            "cooling.top.convection.h": "20 W/m2/K",
            "about": "what is set",
        },
    )
    chip_power = package.stack("chip").layers[0].power
    assert chip_power is not None
    assert chip_power.total_power == 7.0
    assert package.stack("board").layers[0] == Layer("core", 2e-3, "silicon")
    assert package.stack("chip").limit == 373.15
    assert [package.stack(f"hbm.{name}").layers[0].thickness for name in "ab"] == [3e-4, 3e-4]
    powers = [package.stack(f"hbm.{name}.core").layers[0].power for name in "ab"]
    assert [power.total_power for power in powers if power is not None] == [4.0, 1.0]
    assert package.stack("hbm.b").position == (12e-3, 2e-3)
    assert isinstance(package.cooling.top[0].cooler, Convection)
    assert package.cooling.top[0].cooler.h == 20.0
    assert package.about == "what is set"


def test_overrides_of_repeated_layers() -> None:
    package = read_package(
        "hbm3_8h", {"stacks.hbm3_8h.layers.core.power": "2 W", "stacks.hbm3_8h.layers.core_3.power": "3 W"}
    )
    powers = [
        layer.power.total_power
        for layer in package.stack("hbm3_8h").layers
        if layer.name.startswith("core_") and layer.power
    ]
    assert powers == [2.0] * 3 + [3.0] + [2.0] * 4


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("stacks.chp.limit", "5 degC", "stacks has no 'chp' (did you mean chip?) [E-NAME]"),
        ("stacks.chip.layers.y.limit", "5 degC", "stacks.chip.layers has no 'y' (it has x) [E-NAME]"),
        ("coling.top", "{}", "the description has no 'coling' (did you mean cooling?) [E-NAME]"),
        ("stacks.chip.limt", "5 degC", "unknown key 'limt' (did you mean limit?) [E-KEY]"),
        ("stacks.chip.limit", "5 W", '"5 W" is a power; expected a temperature'),
        ("stacks.chip.limit", "5", "5 has no unit"),
        ("stacks.chip.limit", "{a", "is not YAML"),
        ("stacks.chip.limit.x", "5", "no"),
        ("stacks.chip.size.0", "-4 mm", "-4 mm is not greater than zero (did you mean 4 mm?) [E-RANGE]"),
        ("", "5", "E-NAME"),
    ],
)
def test_refused_overrides(tmp_path: Path, path: str, value: str, words: str) -> None:
    text = refusal(write(tmp_path, chip("5 W")), {path: value})
    assert words in text
    assert text.startswith("overrides: ")


# -- places ----------------------------------------------------------------------------------


def test_later_diagnostics_and_warnings_are_located(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        chip(
            "{blocks: {a: {at: [0 mm, 0 mm], size: [1 mm, 1 mm]},"
            " b: {at: [1 mm, 1 mm], size: [1 mm, 1 mm], power: 1 W}}}"
        ),
    )
    path.write_text(path.read_text().replace("25 degC", "500 degC"))
    warnings = build_geometry(read_package(path)).warnings
    assert [(diagnostic.code, diagnostic.line, diagnostic.field) for diagnostic in warnings] == [
        ("W-POWER", 10, "stacks.chip.layers.x.power.blocks.a"),
        ("W-RANGE", 11, "cooling.top.convection.ambient"),
    ]


# -- the way back ----------------------------------------------------------------------------

LENGTHS = st.floats(1e-6, 1e-2)
TEMPERATURES = st.floats(200.0, 600.0)
WORDS = st.text(alphabet="abcxyz_09é", min_size=1, max_size=8)
POINTS = st.tuples(st.floats(-1e-2, 1e-2), st.floats(-1e-2, 1e-2))
SIZES = st.tuples(LENGTHS, LENGTHS)
MATERIALS = st.one_of(
    st.sampled_from(["silicon", "copper", "void", "own"]),
    st.builds(
        BumpArray,
        bump=st.just("copper"),
        fill=st.just("own"),
        diameter=st.floats(1e-5, 5e-5),
        pitch=st.floats(6e-5, 1e-4),
    ),
)
BLOCKS = st.lists(
    st.builds(Block, st.text(min_size=1, max_size=9).map(lambda name: f"b{name!a}b"),
              POINTS, SIZES, st.one_of(st.none(), st.floats(0, 9))),
    max_size=3, unique_by=lambda block: block.name,
)  # fmt: skip
POWERS = st.one_of(
    st.builds(Power, total=st.floats(0.0, 1e3)),
    st.builds(Power, total=st.floats(-1e3, 0.0), allow_negative=st.just(True)),
    BLOCKS.filter(bool).map(lambda blocks: Power(blocks=tuple(blocks))),
    st.builds(
        Power,
        map=st.builds(PowerMap, st.lists(st.lists(st.floats(1e-9, 9), min_size=2, max_size=2), min_size=1),
                      st.sampled_from(["W", "W/m2"]), source=st.sampled_from(["", "a.csv"])),
        scale_to=st.one_of(st.none(), st.floats(1, 9)),
    ),
)  # fmt: skip
REGIONS = st.lists(
    st.builds(Region, WORDS, SIZES, MATERIALS, POINTS), max_size=2, unique_by=lambda each: each.name
)
LAYERS = st.builds(
    Layer,
    WORDS,
    st.floats(1e-6, 1e-2),
    MATERIALS,
    st.one_of(st.none(), POWERS),
    st.builds(Interface, st.floats(0, 1e-5), st.floats(0, 1e-5)),
    REGIONS.map(tuple),
    st.one_of(st.none(), TEMPERATURES),
)
STACKS = st.builds(
    Stack,
    WORDS,
    SIZES,
    st.lists(LAYERS, min_size=1, max_size=3).map(tuple),
    on=st.sampled_from([(), ("board",), ("a", "b.c")]),
    position=st.one_of(st.none(), POINTS),
    depth=st.floats(0, 1e-3),
    filler=st.one_of(st.none(), MATERIALS),
    frame=st.one_of(st.none(), LENGTHS),
    rotate=st.sampled_from([0, 90, 180, 270]),
    flip=st.booleans(),
    limit=st.one_of(st.none(), TEMPERATURES),
)
COOLERS = st.one_of(
    st.builds(
        Convection, st.lists(st.lists(st.floats(0, 1e5), min_size=2, max_size=2), min_size=1), TEMPERATURES
    ),
    st.builds(Convection, st.floats(0, 1e5), TEMPERATURES),
    st.builds(FixedTemperature, TEMPERATURES),
    st.builds(FixedFlux, flux=st.floats(-1e6, 1e6)),
    st.builds(HeatSink, TEMPERATURES, resistance=st.floats(1e-3, 10)),
    st.just(Adiabatic()),
)
FACES = st.lists(
    st.builds(FaceCooling, COOLERS, st.one_of(st.none(), st.builds(FaceRectangle, POINTS, SIZES))), max_size=2
).map(tuple)
PACKAGES = st.builds(
    Package,
    WORDS,
    st.lists(STACKS, max_size=3, unique_by=lambda stack: stack.name).map(tuple),
    st.builds(Cooling, top=FACES, west=FACES, surroundings=FACES),
    st.text(max_size=30),
    st.lists(st.text(max_size=20), max_size=2).map(tuple),
    st.just({"own": Material("own", 3.0)}),
)


@settings(max_examples=60)
@given(PACKAGES)
def test_written_package_reads_back_equal(package: Package) -> None:
    from pydantic import TypeAdapter

    text = package_to_yaml(package)
    data = to_plain(parse_yaml(text, "written"))
    data["stacks"] = data.get("stacks", {})
    for face in data.get("cooling", {}).values():
        assert face
    read = TypeAdapter(Package).validate_python(data, context={"from_file": True})
    assert read == package


@pytest.mark.parametrize("name", NAMES)
def test_shipped_packages_read_back_equal(tmp_path: Path, name: str) -> None:
    write_package(shipped(name), tmp_path / f"{name}.yaml")
    assert read_package(tmp_path / f"{name}.yaml") == shipped(name)


def test_maps_and_many_blocks_are_written_to_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    blocks = tuple(
        Block(
            f"b{n}",
            (1e-3 * (n % 20) / 20, 1e-3 * (n // 20) / 20),
            (1e-3 / 20, 1e-3 / 20),
            float(rng.random()),
        )
        for n in range(300)
    )
    power_map = PowerMap(rng.random((30, 40)), "W", (0.0, 0.0), (1e-3, 1e-3), "traced.csv")
    layers = (
        Layer("bulk", 1e-3, "silicon", Power(blocks=blocks)),
        Layer("top", 1e-3, "silicon", Power(map=power_map)),
    )
    package = Package("case", (Stack("die", (1e-3, 1e-3), layers),), Cooling(top=Convection(10.0, 300.0)))
    write_package(package, tmp_path / "case.yaml")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "case.die.bulk.csv",
        "case.die.top.npy",
        "case.yaml",
    ]
    assert read_package(tmp_path / "case.yaml") == package


def test_material_objects_are_written_by_name(tmp_path: Path) -> None:
    goo = Material("goo", 2.5)
    mixed = BumpArray(goo, "silicon", 1e-5, 3e-5)
    layers = (Layer("a", 1e-3, goo), Layer("b", 1e-3, mixed, regions=(Region("r", (1e-4, 1e-4), goo),)))
    package = Package(
        "case", (Stack("die", (1e-3, 1e-3), layers, filler=goo),), Cooling(top=Convection(10.0, 300.0))
    )
    write_package(package, tmp_path / "case.yaml")
    again = read_package(tmp_path / "case.yaml")
    assert again.materials == {"goo": goo}
    values = [
        [part.material.conductivity_at(300.0) for part in build_geometry(each).parts]
        for each in (package, again)
    ]
    assert values[0] == values[1]
    other = (*layers, Layer("c", 1e-3, Material("goo", 2.6)))
    twice = Package("case", (Stack("die", (1e-3, 1e-3), other),), package.cooling)
    with pytest.raises(DescriptionError, match="two different materials are named 'goo'"):
        package_to_yaml(twice)


# -- JSON Schema -----------------------------------------------------------------------------


def accepts(schema: Any, value: Any, root: dict[str, Any]) -> bool:
    """Return whether a value is valid by a JSON Schema, for the keywords that ours has."""
    if "$ref" in schema:
        return accepts(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, root)
    if "anyOf" in schema or "oneOf" in schema:
        return any(accepts(form, value, root) for form in schema.get("anyOf", schema.get("oneOf")))
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        return False
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "null": type(None),
        "integer": int,
    }
    kind = schema.get("type")
    if kind == "number" and (isinstance(value, bool) or not isinstance(value, (int, float))):
        return False
    if kind in kinds and not isinstance(value, kinds[kind]):
        return False
    if isinstance(value, dict):
        own = schema.get("properties", {})
        rest = schema.get("additionalProperties", True)
        if any(key not in value for key in schema.get("required", ())):
            return False
        return all(
            accepts(own[key], item, root)
            if key in own
            else rest is True or (rest and accepts(rest, item, root))
            for key, item in value.items()
        )
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return False
        items = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        return all(accepts(form, item, root) for form, item in zip(items, value, strict=True))
    return True


def descriptions() -> Iterator[tuple[str, Any]]:
    for name in shipped_packages():
        yield name, to_plain(parse_yaml(find_package(name).read_text(), name))
    for number, text in enumerate(guide_examples()):
        yield f"guide {number}", to_plain(parse_yaml(text, "guide"))


def guide_examples() -> list[str]:
    text = (ROOT / "docs" / "guide" / "description.md").read_text()
    return [block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if block.startswith("package:")]


def test_json_schema_accepts_descriptions_and_refuses_errors() -> None:
    schema = json_schema()
    json.dumps(schema)
    for name, description in descriptions():
        assert accepts(schema, description, schema), name
        assert not accepts(schema, {**description, "stack": {}}, schema)
        assert not accepts(
            schema, {key: item for key, item in description.items() if key != "cooling"}, schema
        )
        for stack in description["stacks"].values():
            stack["colour"] = "red"
            assert not accepts(schema, description, schema)
            del stack["colour"]
        for layer in (layer for stack in description["stacks"].values() for layer in stack.get("layers", ())):
            layer["thickniss"] = "5 um"
            assert not accepts(schema, description, schema)
            del layer["thickniss"]
        for cooler in description["cooling"].values():
            if isinstance(cooler, dict):
                cooler["convecton"] = {}
                assert not accepts(schema, description, schema)
                del cooler["convecton"]


@pytest.mark.parametrize(
    ("h", "is_right"),
    [
        ("{map: h.csv, unit: kW/m2/K, origin: north}", True),
        ("{map: [[1, 2]], unit: W/m2/K}", True),
        ("{map: h.csv}", False),
        ("{map: h.csv, unit: W/m2/K, origin: west}", False),
        ("{map: [[1, 2]], unit: kW/m2/K}", False),
        ("[[1, 2]]", False),
    ],
)
def test_json_schema_of_htc_maps(h: str, is_right: bool) -> None:
    text = f"{{package: a, stacks: {{}}, cooling: {{top: {{convection: {{h: {h}, ambient: 35 degC}}}}}}}}"
    schema = json_schema()
    assert accepts(schema, to_plain(parse_yaml(text, "case")), schema) == is_right


@pytest.mark.parametrize(
    ("leakage", "is_right"),
    [
        ("3 W", True),
        ("{total: 3 W, at: 85 degC, doubles_every: 30 K}", True),
        ("{total: 3 W, at: 85 degC, beta: 0.02 1/K}", True),
        ("{total: 3 W, at: 85 degC, table: [[25 degC, 0.4], [85 degC, 1.0]]}", True),
        ("{total: 3 W, at: 85 degC, polynomial: [1.0, 0.02 1/K, 1e-4 1/K2]}", True),
        ("{total: 3 W, at: 85 degC, preset: gaa_2nm}", True),
        ("{at: 85 degC, preset: gaa_2nm}", True),
        ("{total: 3 W, at: 85 degC, preset: gaa_1nm}", False),
        ("{total: 3 W, at: 85 degC, doubles: 30 K}", False),
        ("{total: 3 W, at: 85 degC, beta: 0.02}", False),
        ("{total: 3 W, at: 85 degC, table: [[25 degC, 0.4, 1.0]]}", False),
        ("[3 W]", False),
    ],
)
def test_json_schema_of_leakage(leakage: str, is_right: bool) -> None:
    block = f"{{at: [0 mm, 0 mm], size: [1 mm, 1 mm], power: 1 W, leakage: {leakage}}}"
    layer = "{{name: a, thickness: 1 um, material: silicon, power: {}}}"
    schema = json_schema()
    for stack in (
        f"layers: [{layer.format('1 W')}], leakage: {leakage}",
        f"layers: [{layer.format(f'{{total: 1 W, leakage: {leakage}}}')}]",
        f"layers: [{layer.format(f'{{blocks: {{b: {block}}}}}')}]",
    ):
        cooling = "cooling: {top: {convection: {h: 10 W/m2/K, ambient: 35 degC}}}"
        text = f"{{package: a, stacks: {{s: {{size: [1 mm, 1 mm], {stack}}}}}, {cooling}}}"
        assert accepts(schema, to_plain(parse_yaml(text, "case")), schema) == is_right


def test_written_packages_match_json_schema() -> None:
    schema = json_schema()
    for name in NAMES:
        assert accepts(schema, to_plain(parse_yaml(package_to_yaml(shipped(name)), name)), schema)


# -- the guide -------------------------------------------------------------------------------


def test_examples_of_guide_are_read(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "guide" / "description.md").read_text()
    for name, content in re.findall(r"```csv title=(\S+)\n(.*?)```", text, re.S):
        (tmp_path / name).write_text(content)
    examples = guide_examples()
    assert len(examples) >= 3
    for example in examples:
        path = tmp_path / "example.yaml"
        path.write_text(example)
        assert build_geometry(read_package(path)).boxes


def test_every_code_is_in_guide() -> None:
    listed = set(re.findall(r"`([EW]-[A-Z]+)`", (ROOT / "docs" / "guide" / "errors.md").read_text()))
    sources = [path.read_text() for path in (ROOT / "thermostack").rglob("*.py")]
    used = {code for text in sources for code in re.findall(r'"([EW]-[A-Z]+)"', text)}
    assert used - listed == set()


# -- every key of every class ----------------------------------------------------------------

VIAS = {"via_array": {"core": "copper", "host": "silicon", "diameter": "10 um", "pitch": "50 um"}}
PLIES = {
    "plies": [{"material": VIAS, "thickness": "10 um", "coverage": 0.5}],
    "filler": "abf",
    "vias": {"material": "copper", "fraction": 0.01},
}
BLEND = {
    "area_blend": {
        "parts": [{"material": {"laminate": PLIES}, "fraction": 0.5}, {"material": VIAS, "fraction": 0.5}]
    }
}
BASE = {"material": VIAS, "thickness": "3 mm"}
RECTANGLE = {"at": ["0 mm", "0 mm"], "size": ["1 mm", "1 mm"]}
FULL: dict[str, Any] = {
    "package": "full",
    "materials": {
        "l": {"laminate": PLIES},
        "p": {"conductivity": {"power_law": {"at_reference": "148 W/m/K", "exponent": 1.3}}},
    },
    "stacks": {
        "s": {
            "size": ["1 mm", "1 mm"],
            "filler": BLEND,
            "leakage": {"total": "9 W", "at": "85 degC", "beta": "0.02 1/K"},
            "layers": [
                {
                    "name": "x",
                    "thickness": "1 mm",
                    "material": BLEND,
                    "interface": {"top": "1 mm2 K/W"},
                    "power": {
                        "blocks": {"q": {**RECTANGLE, "power": "1 W", "leakage": {"total": "1 W"}}},
                        "leakage": {"at": "85 degC", "doubles_every": "30 K"},
                    },
                    "regions": {"r": {**RECTANGLE, "material": {"laminate": PLIES}}},
                },
                {"name": "y", "thickness": "1 mm", "material": VIAS, "power": {"map": {"values": [[1.0]]}}},
            ],
        },
    },
    "cooling": {
        "top": {"cold_plate": {"h": "1 W/m2/K", "coolant": "1 degC", "base": BASE}},
        "bottom": [{"heat_sink": {"h": "1 W/m2/K", "ambient": "1 degC", "base": BASE}, "region": RECTANGLE}],
        "west": {"adiabatic": {}},
        "south": {"fixed_flux": {"flux": "1 W/m2"}},
        "north": {"fixed_temperature": {"temperature": "1 degC"}},
        "surroundings": {"convection": {"h": "1 W/m2/K", "ambient": "1 degC"}},
    },
}  # fmt: skip


def mappings_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        yield path
        for key, item in value.items():
            yield from mappings_in(item, (*path, key))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from mappings_in(item, (*path, n))


@pytest.mark.parametrize("path", list(mappings_in(FULL)), ids=lambda path: ".".join(map(str, path)) or "top")
def test_unknown_key_is_refused_at_any_level(tmp_path: Path, path: tuple[str | int, ...]) -> None:
    data = json.loads(json.dumps(FULL))
    here = data
    for key in path:
        here = here[key]
    here["zzz"] = "7 mm"
    file = tmp_path / "full.yaml"
    file.write_text(json.dumps(data, indent=1))
    with pytest.raises(DescriptionError) as caught:
        read_package(file)
    assert "zzz" in str(caught.value)
    line = next(n for n, row in enumerate(file.read_text().splitlines(), 1) if "zzz" in row)
    assert all(
        diagnostic.line == line for diagnostic in caught.value.diagnostics if "'zzz'" in diagnostic.message
    )
    assert {diagnostic.code for diagnostic in caught.value.diagnostics} <= {"E-KEY", "E-TYPE"}


def test_json_schema_accepts_unit_cells_and_refuses_errors() -> None:
    schema = json_schema()
    via = {"core": "copper", "host": "silicon", "diameter": "5 um", "pitch": "20 um"}
    layer = {
        "material": "low_k",
        "thickness": "1 um",
        "inclusions": [{"material": via["core"], "diameter": "1 um"}],
    }
    cell = {"pitch": ["2 um", "3 um"], "layers": [layer]}

    def is_accepted(unit_cell: Any) -> bool:
        stack = {
            "size": ["1 mm", "1 mm"],
            "layers": [{"name": "a", "thickness": "1 um", "material": "wiring"}],
        }
        materials = {"wiring": {"unit_cell": unit_cell}}
        cooling = {"top": {"convection": {"h": "10 W/m2/K", "ambient": "25 degC"}}}
        package = {"package": "a", "materials": materials, "stacks": {"die": stack}, "cooling": cooling}
        return accepts(schema, package, schema)

    for right in ({"via": via}, cell, {**cell, "pitch": "2 um"}):
        assert is_accepted(right)
    for wrong in ({"via": {"core": "copper"}}, {**cell, "pich": "2 um"}, {**cell, "pitch": ["1 um"] * 3}):
        assert not is_accepted(wrong)
