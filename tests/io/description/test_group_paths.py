"""Paths of groups: one path for all copies of a stack or repeats of a layer, also in written descriptions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.shipped import shipped, with_bands

from thermostack import DescriptionError, OutputError, discretize, read_package, write_package
from thermostack.cli.main import main
from thermostack.io.description.group_paths import copies_of, expand_group_path
from thermostack.io.description.yaml_nodes import read_yaml
from thermostack.mesh.model import has_equal_cells
from thermostack.package.package import Package
from thermostack.package.stack import Stack
from thermostack.units import mm

LEVEL = {"stacks.hbm.height": "to gpu", "stacks.hbm.layers.cap.thickness": "fill"}  # below one cold plate
TEXT = """\
package: board
stacks:
  board: {size: [20 mm, 20 mm], layers: [{name: core, thickness: 1 mm, material: fr4}]}
  die:
    on: board
    size: [5 mm, 5 mm]
    copies: {west: [1 mm, 1 mm], east: {at: [10 mm, 1 mm], rotate: 90}}
    layers:
      - repeat:
          times: 2
          layers:
            - {name: gap, thickness: 20 um, material: underfill}
            - repeat: {times: 3, layers: [{name: si, thickness: 50 um, material: silicon, power: 0.1 W}]}
  cache:
    on: die
    at: [1 mm, 1 mm]
    size: [1 mm, 1 mm]
    copies: {a: [0.5 mm, 1 mm], b: [3 mm, 1 mm]}
    layers: [{name: si, thickness: 50 um, material: silicon, power: 0.2 W}]
cooling: {top: {convection: {h: 5 kW/m2/K, ambient: 25 degC}}}
"""


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """Return a description with copies on copies, and repeats in repeats."""
    path = tmp_path / "board.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def written(original: Path) -> Path:
    """Return the same description as `write_package` writes it, without copies and repeats."""
    path = original.with_name("written.yaml")
    write_package(read_package(original), path)
    assert "copies" not in path.read_text()
    assert "repeat" not in path.read_text()
    return path


def assert_same_model(one: Package, other: Package, cell: float) -> None:
    """Check that two packages have equal cells and powers to the bit."""
    first, second = (discretize(package, cell=cell) for package in (one, other))
    assert has_equal_cells(first, second)
    assert np.array_equal(first.power, second.power)


@pytest.mark.parametrize(
    "overrides",
    [
        {"stacks.hbm.layers.gap.thickness": "12 um", **LEVEL},
        {"stacks.hbm.west_0.layers.gap.thickness": "12 um", **LEVEL},
        {"stacks.hbm.west_0.layers.gap_3.thickness": "12 um", **LEVEL},
        {"stacks.hbm.layers.gap.material": "hbm_gap_optimistic"},
        {"stacks.hbm.layers.core.interface.top": "1 mm2 K/W"},
        {"stacks.hbm.power": "24 W"},
        {"stacks.hbm.limit": "90 degC"},
    ],
)
def test_paths_of_groups_mean_the_same_in_a_written_package(
    tmp_path: Path, overrides: dict[str, str]
) -> None:
    copy = tmp_path / "copy.yaml"
    write_package(read_package("cowos_s_h100"), copy)
    expected, found = (read_package(source, overrides) for source in ("cowos_s_h100", copy))
    assert found == expected
    assert found != read_package(copy)
    assert_same_model(found, expected, 4 * mm)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("stacks.die.layers.si.thickness", "60 um"),
        ("stacks.die.layers.gap.interface.bottom", "2 mm2 K/W"),
        ("stacks.cache.layers.si.power", "0.3 W"),
        ("stacks.cache.power", "0.3 W"),
    ],
)
def test_copies_on_copies_and_repeats_in_repeats(
    original: Path, written: Path, path: str, value: str
) -> None:
    expected, found = (read_package(source, {path: value}) for source in (original, written))
    assert found == expected
    assert found != read_package(written)


def stacks_without_power(package: Package) -> list[Stack]:
    return [
        replace(stack, power=None, layers=tuple(replace(layer, power=None) for layer in stack.layers))
        for stack in package.stacks
    ]


def powers_of(package: Package) -> list[float]:
    """Return the powers of the blocks and of the layers of a package [W]."""
    powers = [layer.power for stack in package.stacks for layer in stack.layers if layer.power is not None]
    blocks = [block.power for power in powers for block in power.blocks if block.power is not None]
    return [*(power.total_power for power in powers), *blocks]


@pytest.mark.parametrize("name", with_bands())
def test_bands_of_a_written_package_mean_the_same(tmp_path: Path, name: str) -> None:
    """One end of each is enough: the path is that of both, and `test_bands` reads both.

    A path without groups has one meaning; `write_package` checks that it exists.
    """
    package, copy = shipped(name), tmp_path / f"{name}.yaml"
    assert package.bands
    write_package(package, copy)
    written = read_yaml(copy)
    for band in package.bands:
        parts = tuple(band.name.split("."))
        if expand_group_path(written, parts) == [parts]:
            continue
        found, expected = (read_package(source, {band.name: band.high}) for source in (copy, name))
        assert stacks_without_power(found) == stacks_without_power(expected)
        assert (found.cooling, found.links) == (expected.cooling, expected.links)
        assert powers_of(found) == pytest.approx(powers_of(expected), rel=1e-14)  # scaled twice


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("hbm3_8h", "emib_spr") else pytest.mark.slow)
        for name in with_bands()
    ],
)  # a repeat, and copies; the other packages in the slow tests
def test_a_written_package_is_valid_with_its_bands(tmp_path: Path, name: str) -> None:
    copy = tmp_path / f"{name}.yaml"
    write_package(shipped(name), copy)
    assert main(["check", str(copy)]) == 0


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("stacks.dye.power", "stacks has no 'dye'"),
        ("stacks.die.at", "stacks has no 'die'"),  # each copy has its own position
        ("stacks.die.north.power", "stacks has no 'die'"),
        ("stacks.die.layers.gpa.thickness", "stacks.die.west.layers has no 'gpa'"),
        ("stacks.west.power", "stacks has no 'west'"),
        ("stacks.cache.copies.a", "stacks has no 'cache'"),
        ("stacks.die.layers.gap", "stacks.die.west.layers has no 'gap'"),
    ],
)
def test_paths_that_name_no_group(written: Path, path: str, message: str) -> None:
    with pytest.raises(DescriptionError, match="E-NAME") as caught:
        read_package(written, {path: "1 W"})
    assert message in str(caught.value)


def test_equal_names_on_different_stacks_are_no_group() -> None:
    stacks = ["gpu.a", "gpu.b", "gpu.a.lid", "gpu.b.lid", "hbm.west", "hbm.west.lid"]
    assert copies_of("gpu", stacks) == ["gpu.a", "gpu.b"]
    assert copies_of("gpu.lid", stacks) == ["gpu.a.lid", "gpu.b.lid"]
    assert copies_of("lid", stacks) == []
    assert copies_of("lid", ["hbm", "hbm.lid"]) == []  # of `use`, not of copies


@pytest.mark.parametrize(
    "band",
    [
        "stacks.die.copies.west: {low: '[1 mm, 1 mm]', high: '[1 mm, 2 mm]'}",
        "templates.cap.layers.si.thickness: {low: 20 um, high: 40 um}",
    ],
)
def test_bands_of_short_forms_are_not_written(original: Path, band: str) -> None:
    template = "templates: {cap: {layers: [{name: si, thickness: 30 um, material: silicon}]}}\n"
    original.write_text(f"{TEXT}bands: {{{band}}}\n{template}")
    assert main(["check", str(original)]) == 0
    with pytest.raises(OutputError, match=r"bands\.") as caught:
        write_package(read_package(original), original.with_name("copy.yaml"))
    assert "is a path that a written package does not have" in str(caught.value)
    assert not original.with_name("copy.yaml").exists()
