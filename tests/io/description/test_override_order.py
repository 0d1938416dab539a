"""Of two overrides of the same value the more specific one wins, in originals and in written packages."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from support.shipped import MESHES, NAMES, shipped

from thermostack import DescriptionError, discretize, read_package, write_package
from thermostack.cli.main import main
from thermostack.io.description.group_paths import copies_of
from thermostack.io.description.override_order import OverrideOrder
from thermostack.io.description.overrides import read_overrides
from thermostack.io.description.package_file import expand
from thermostack.io.description.yaml_nodes import Node, read_yaml, to_plain
from thermostack.package.package import Package
from thermostack.package.stack import Stack

TEXT = """\
package: board
stacks:
  board: {size: [20 mm, 20 mm], layers: [{name: core, thickness: 1 mm, material: fr4}]}
  mem:
    on: board
    copies: {west: [1 mm, 1 mm], east: {at: [10 mm, 1 mm], power: 20 W}}
    size: [5 mm, 5 mm]
    layers:
      - name: base
        thickness: 100 um
        material: silicon
        power: {blocks: {phy: {at: [0 mm, 0 mm], size: [5 mm, 1 mm], power: 2 W}}}
      - repeat:
          times: 3
          layers:
            - {name: gap, thickness: 20 um, material: underfill}
            - {name: core, thickness: 50 um, material: silicon, power: 1 W}
cooling: {top: {convection: {h: 5 kW/m2/K, ambient: 25 degC}}}
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return a description with copies and repeats, and the same as `write_package` writes it."""
    original, written = tmp_path / "board.yaml", tmp_path / "written.yaml"
    original.write_text(TEXT)
    write_package(read_package(original), written)
    return original, written


def fields(stack: Stack, key: str) -> list[Any]:
    return [getattr(layer, key) for layer in stack.layers]


def powers(stack: Stack) -> list[float]:
    return [layer.power.total_power for layer in stack.layers if layer.power is not None]


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize(
    ("general", "specific", "key", "expected"),
    [
        (("mem.limit", "50 degC"), ("mem.west.limit", "80 degC"), "limit", (353.15, 323.15)),
        (("mem.power", "24 W"), ("mem.west.power", "28 W"), "power", (28.0, 24.0)),
        (("mem.power", "24 W"), ("mem.west.power", "null"), "power", (None, 24.0)),
        (("mem.size", "[6 mm, 5 mm]"), ("mem.west.size", "[7 mm, 5 mm]"), "size",
         ((7e-3, 5e-3), (6e-3, 5e-3))),
        (("mem.size", "[6 mm, 5 mm]"), ("mem.west.size[0]", "7 mm"), "size", ((7e-3, 5e-3), (6e-3, 5e-3))),
    ],
)  # fmt: skip
def test_copy_wins_over_all_copies(
    files: tuple[Path, Path],
    general: tuple[str, str],
    specific: tuple[str, str],
    key: str,
    expected: tuple[Any, Any],
    is_reversed: bool,
) -> None:
    pair = [(f"stacks.{path}", value) for path, value in (general, specific)]
    for file in files:
        package = read_package(file, dict(reversed(pair) if is_reversed else pair))
        found = tuple(getattr(package.stack(f"mem.{name}"), key) for name in ("west", "east"))
        assert found == expected


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize(
    ("overrides", "west", "east"),
    [
        ({"gap": "silicon", "west.gap_1": "copper"}, "scs", "sss"),
        ({"gap": "silicon", "gap_1": "copper"}, "scs", "scs"),
        ({"west.gap": "silicon", "west.gap_1": "copper"}, "scs", "uuu"),
        ({"gap_1": "silicon", "west.gap_1": "copper"}, "ucu", "usu"),
        ({"gap": "silicon", "gap_1": "copper", "west.gap_1": "air"}, "sas", "scs"),
        ({"gap_1": "silicon", "west.gap": "copper", "west.gap_1": "air"}, "cac", "usu"),
        ({"west.3": "copper", "gap_1": "silicon"}, "ucu", "usu"),  # by its number
    ],
)
def test_layer_wins_over_its_repeats_and_copies(
    files: tuple[Path, Path], overrides: dict[str, str], west: str, east: str, is_reversed: bool
) -> None:
    items = []
    for path, value in overrides.items():
        copy, _, layer = path.rpartition(".")
        items.append((f"stacks.mem{'.' if copy else ''}{copy}.layers.{layer}.material", value))
    for file in files:
        package = read_package(file, dict(reversed(items) if is_reversed else items))
        for name, letters in (("west", west), ("east", east)):
            materials = fields(package.stack(f"mem.{name}"), "material")[1::2]
            assert "".join(material[0] for material in materials) == letters


@pytest.mark.parametrize("is_reversed", [False, True])
def test_field_wins_over_the_object_that_contains_it(files: tuple[Path, Path], is_reversed: bool) -> None:
    pair = [
        ("stacks.mem.layers.core.interface", "{top: 1 mm2 K/W, bottom: 2 mm2 K/W}"),
        ("stacks.mem.layers.core.interface.top", "3 mm2 K/W"),
    ]
    for file in files:
        package = read_package(file, dict(reversed(pair) if is_reversed else pair))
        for name in ("west", "east"):
            interface = fields(package.stack(f"mem.{name}"), "interface")[2]
            assert (interface.top, interface.bottom) == pytest.approx((3e-6, 2e-6))


def test_set_on_the_command_line_has_the_same_order(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for file in files:
        settings = ["--set", "stacks.mem.west.power=28 W", "--set", "stacks.mem.power=24 W"]
        assert main(["check", str(file), *settings]) == 0
        assert "52 W" in capsys.readouterr().out


def test_copies_of_an_array_are_selected(tmp_path: Path) -> None:
    file = tmp_path / "array.yaml"
    file.write_text(
        TEXT.replace(
            "copies: {west: [1 mm, 1 mm], east: {at: [10 mm, 1 mm], power: 20 W}}",
            "{at: [1 mm, 1 mm], array: {columns: 2, rows: 1, pitch: [9 mm, 9 mm]}}"[1:-1].replace(
                ", array", "\n    array"
            ),
        )
    )
    package = read_package(
        file, {"stacks.mem.c1r0.layers.base.thickness": "90 um", "stacks.mem.limit": "90 degC"}
    )
    assert [fields(package.stack(f"mem.{name}"), "thickness")[0] for name in ("c0r0", "c1r0")] == [1e-4, 9e-5]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_paths_of_which_none_is_more_specific_are_an_error(
    files: tuple[Path, Path], is_reversed: bool
) -> None:
    paths = ["stacks.mem.layers.gap_1.material", "stacks.mem.west.layers.gap.material"]
    pair = list(zip(paths, ("silicon", "copper"), strict=True))
    for file in files:
        with pytest.raises(DescriptionError) as caught:
            read_package(file, dict(reversed(pair) if is_reversed else pair))
        (diagnostic,) = caught.value.diagnostics
        assert (diagnostic.code, diagnostic.file) == ("E-DUPLICATE", "overrides")
        assert {diagnostic.field, *(path for path in paths if path in diagnostic.message)} == set(paths)
        assert "stacks.mem.west.layers.gap_1.material is also set by" in diagnostic.message
        assert diagnostic.hint == "set stacks.mem.west.layers.gap_1.material too, which decides"


@pytest.mark.parametrize(
    ("overrides", "west", "east"),
    [
        ({}, [2, 1, 1, 1], [8, 4, 4, 4]),
        ({"east.layers.base.power": "6 W"}, [2, 1, 1, 1], [20 * 6 / 9, 20 / 9, 20 / 9, 20 / 9]),
        ({"layers.core.power": "2 W"}, [2, 2, 2, 2], [5, 5, 5, 5]),
        ({"layers.core_1.power": "3 W"}, [2, 1, 3, 1], [40 / 7, 20 / 7, 60 / 7, 20 / 7]),
        ({"east.power": None}, [2, 1, 1, 1], [2, 1, 1, 1]),
        ({"power": "10 W"}, [4, 2, 2, 2], [4, 2, 2, 2]),  # also of the copy with a power of its own
        ({"power": None}, [2, 1, 1, 1], [2, 1, 1, 1]),
        ({"layers.base.power.blocks.phy.power": "3 W"}, [3, 1, 1, 1], [10, 20 / 6, 20 / 6, 20 / 6]),
    ],
)
def test_powers_of_layers_are_written_as_described(
    files: tuple[Path, Path], overrides: dict[str, Any], west: list[float], east: list[float]
) -> None:
    for file in files:
        package = read_package(file, {f"stacks.mem.{path}": value for path, value in overrides.items()})
        assert powers(package.stack("mem.west")) == pytest.approx(west)
        assert powers(package.stack("mem.east")) == pytest.approx(east)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("east.layers.base.power", "6 W", "mem.east.base gets 13.33 W, not 6 W: the powers in mem.east"),
        ("layers.core.power", "2 W", "mem.east.core_0 gets 5 W, not 2 W: the powers in mem.east are scaled"),
        ("east.layers.core.power", "2 W", "mem.east.core_0 gets 5 W, not 2 W"),
        ("layers.base.power.blocks.phy.power", "3 W", "mem.east.base.phy gets 10 W, not 3 W"),
        ("layers.base.power.scale_to", "3 W", "mem.east.base gets 10 W, not 3 W"),
    ],
)  # fmt: skip
def test_override_of_a_power_that_is_scaled_is_a_warning(
    files: tuple[Path, Path], path: str, value: str, message: str
) -> None:
    for file in files:
        (warning,) = discretize(read_package(file, {f"stacks.mem.{path}": value}), cell="5 mm").warnings[:1]
        assert warning.startswith(f"overrides: stacks.mem.{path}: {message}")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("west.layers.base.power", "6 W"),  # has no power of its own
        ("power", "10 W"),
        ("layers.base.thickness", "90 um"),
        ("layers.base.power.blocks.phy.size", "[5 mm, 2 mm]"),
        ("layers.base.power.allow_negative", "true"),
    ],
)
def test_other_overrides_give_no_warning_about_scaled_powers(
    files: tuple[Path, Path], path: str, value: str
) -> None:
    model = discretize(read_package(files[0], {f"stacks.mem.{path}": value}), cell="5 mm")
    assert not any("scaled" in warning for warning in model.warnings)


# -- random pairs ----------------------------------------------------------------------------

DRAWS = 8  # of each of 17 packages


def plain(root: Node, directory: Path, overrides: dict[str, str]) -> Any:
    """Return the package of a tree with overrides without its geometry, or the codes of its errors."""
    order = OverrideOrder(read_overrides(overrides))
    tree, diagnostics = expand(root, directory, order, may_leave=False)
    if diagnostics:
        return sorted(diagnostic.code for diagnostic in diagnostics)
    try:
        return TypeAdapter(Package).validate_python(to_plain(tree), context={"from_file": True})
    except ValidationError as error:
        return sorted({line["type"] for line in error.errors()})


@cache
def groups(name: str) -> list[tuple[str, list[str]]]:
    """Return the stacks with copies of a shipped package, or those with repeats, and their copies."""
    known = [stack.name for stack in shipped(name).stacks]
    given = [stack for stack, _ in read_yaml(MESHES / f"{name}.yaml").value["stacks"].items()]
    return [(stack, copies) for stack in given if (copies := copies_of(stack, known))]


def random_path(draw: random.Random, name: str) -> tuple[str, str]:
    """Return the path and the value of a random override of a group or of one of its members."""
    package = shipped(name)
    stack, copies = draw.choice(groups(name))
    chosen = draw.choice([stack, draw.choice(copies)])
    layer = draw.choice(package.stack(copies[0]).layers).name
    base = layer.rstrip("0123456789").removesuffix("_")
    names = [each.name for each in package.stack(copies[0]).layers]
    layer = draw.choice([layer, base]) if base not in names and layer != base else layer
    values = {
        "power": f"{draw.randint(1, 40)} W",
        "limit": f"{draw.randint(80, 120)} degC",
        f"layers.{layer}.material": draw.choice(["silicon", "copper", "underfill"]),
        f"layers.{layer}.thickness": f"{draw.randint(10, 90)} um",
        f"layers.{layer}.power": draw.choice([f"{draw.randint(1, 9)} W", "null"]),
        f"layers.{layer}.interface.top": f"{draw.randint(1, 9)} mm2 K/W",
        f"layers.{layer}.limit": f"{draw.randint(80, 120)} degC",
    }
    field = draw.choice([*values])
    return f"stacks.{chosen}.{field}", values[field]


@pytest.mark.parametrize(
    "name", [name for name in NAMES if "\n    copies:" in (MESHES / f"{name}.yaml").read_text()]
)
def test_random_pairs_mean_the_same_in_a_written_package(tmp_path: Path, name: str) -> None:
    """The same package, or the same codes of errors, in both files; 130 draws of all packages."""
    copy = tmp_path / f"{name}.yaml"
    write_package(shipped(name), copy)
    original, written = read_yaml(MESHES / f"{name}.yaml"), read_yaml(copy)
    draw = random.Random(name)
    valid = 0
    for _ in range(DRAWS):
        pair = [random_path(draw, name) for _ in range(2)]
        if pair[0][0] == pair[1][0]:
            continue
        expected = plain(original, MESHES, dict(pair))
        assert plain(written, tmp_path, dict(pair)) == expected, pair
        assert plain(written, tmp_path, dict(reversed(pair))) == expected, pair
        valid += isinstance(expected, Package)
    assert valid > 0
