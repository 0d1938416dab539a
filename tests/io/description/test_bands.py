"""Bands of a description: reading, writing, and the check of both ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.shipped import shipped, with_bands

from thermostack import Band, DescriptionError, read_package, write_package
from thermostack.cli.main import main
from thermostack.io.description.bands import band_diagnostics

TEXT = """\
package: chip
kind: test chip
bands:
  stacks.die.layers.si.thickness: {low: 0.2 mm, high: 0.4 mm, source: "two suppliers"}
  stacks.die.layers.si.material: {low: silicon, high: silicon_doped_1e20}
stacks:
  die: {size: [4 mm, 4 mm], layers: [{name: si, thickness: 0.3 mm, material: silicon, power: 1 W}]}
cooling:
  top: {convection: {h: 5 kW/m2/K, ambient: 25 degC}}
"""


def described(tmp_path: Path, old: str = "", new: str = "") -> Path:
    """Return a description file with one replacement in its text."""
    assert old in TEXT
    path = tmp_path / "chip.yaml"
    path.write_text(TEXT.replace(old, new))
    return path


def test_bands_are_read_and_written(tmp_path: Path) -> None:
    package = read_package(described(tmp_path))
    thickness, material = package.bands
    assert thickness == Band("stacks.die.layers.si.thickness", "0.2 mm", "0.4 mm", "two suppliers")
    assert (material.low, material.high, material.source) == ("silicon", "silicon_doped_1e20", "")
    write_package(package, tmp_path / "copy.yaml")
    assert read_package(tmp_path / "copy.yaml") == package
    assert package.kind == "test chip"


def test_a_band_does_not_change_the_package(tmp_path: Path) -> None:
    package = read_package(described(tmp_path))
    assert package.stack("die").layers[0].thickness == pytest.approx(0.3e-3)


def test_a_number_without_unit_is_an_end_of_a_band() -> None:
    assert Band("materials.own.specific_heat", 1, 2.5).high == "2.5"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("low: 0.2 mm, high: 0.4 mm", "low: 0.2 mm", "high: is missing"),
        ("low: 0.2 mm", "low: 0.5 mm", "low: low is '0.5 mm', above high, which is '0.4 mm'"),
        ("low: 0.2 mm", "low: 401 um", "(exchange low and high) [E-RANGE]"),
        ("low: 0.2 mm", "low: [1, 2]", "[1, 2] is not a value of a description"),
        ("low: 0.2 mm", "low: true", "True is not a value of a description"),
        ("low: 0.2 mm", "lo: 0.2 mm", "unknown key 'lo'"),
    ],
)
def test_wrong_bands(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        read_package(described(tmp_path, old, new))
    assert message in str(caught.value)
    assert "chip.yaml:4" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("low: 0.2 mm", "low: 0.2 W", "with 0.2 W the description is not valid"),
        ("high: 0.4 mm", "high: 400 mm", "with 400 mm the description is not valid"),
        ("stacks.die.layers.si.thickness", "stacks.dye.layers.si.thickness", "stacks has no 'dye'"),
        ("high: silicon_doped_1e20", "high: silikon", "with silikon the description is not valid"),
    ],
)
def test_check_tries_both_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, message: str
) -> None:
    path = described(tmp_path, old, new)
    read_package(path)  # only `check` tries the ends
    assert main(["check", str(path)]) == 2
    found = capsys.readouterr().err
    assert message in found
    assert "chip.yaml:" in found


def test_check_accepts_right_bands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(described(tmp_path))]) == 0


def test_bands_of_shipped_packages_are_valid() -> None:
    count = 0
    for name in with_bands():
        package = shipped(name)
        assert not list(band_diagnostics(package, name))
        assert all(band.source for band in package.bands)
        count += len(package.bands)
    assert count >= 25
