"""The command unit-cell: ready-made cells, files, packages, errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import CHIP, enter_work_directory

from thermostack import UnitCell, ViaCell, solve_unit_cell
from thermostack.cli.main import main

CELL = """\
materials:
  my_fill: {conductivity: 2 W/m/K}
unit_cell:
  bump: {bump: solder_bump, fill: my_fill, diameter: 25 um, pitch: 40 um, height: 30 um}
"""
MATERIALS = """\
materials:
  vias: {unit_cell: {via: {core: copper, host: silicon_constant, diameter: 10 um, pitch: 50 um}}}
"""
JOINTS = (
    "  joints: {unit_cell: {bump: {bump: sac305, fill: ncf, diameter: 9 um, pitch: 20 um, height: 9 um}}}\n"
)
VIA = ("via", "core=copper_mfit", "host=silicon_constant", "diameter=10 um", "pitch=50 um")


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty current directory beside ../descriptions with a cell and packages."""
    texts = {
        "cell.yaml": CELL,
        "one.yaml": CHIP + MATERIALS,
        "two.yaml": CHIP + MATERIALS + JOINTS,
        "chip.yaml": CHIP,
    }
    return enter_work_directory(tmp_path, monkeypatch, texts)


def test_ready_made_cell_is_solved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unit-cell", *VIA]) == 0
    out = capsys.readouterr().out
    assert "via_array" in out
    assert "152.3" in out
    assert main(["unit-cell", *VIA, "--temperature", "85 degC", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["temperature"] == pytest.approx(358.15)
    assert summary["conductivity"][0] == summary["conductivity"][1] == pytest.approx(152.3, rel=1e-3)


def test_temperature_outside_a_law_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    cold = ("unit-cell", *VIA[:2], "host=silicon", *VIA[3:], "--json", "--temperature")
    assert main([*cold, "85 K"]) == 0
    out, err = capsys.readouterr()
    assert "warning: via.host: -188.2 degC is outside the range of silicon, known from -73.15 degC" in err
    assert "(the conductivity at the end of that range was used) [W-RANGE]" in err
    warnings = json.loads(out)["warnings"]
    cell = UnitCell(via=ViaCell("copper_mfit", "silicon", "10 um", "50 um"))
    assert warnings == solve_unit_cell(cell, 85.0).warnings
    assert any("via.host" in warning and "heat capacity" in warning for warning in warnings)
    assert main([*cold, "85 degC"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == []


def test_file_is_solved_with_its_materials(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unit-cell", "../descriptions/cell.yaml", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["constituents"][0]["material"] == "my_fill"
    assert summary["area_resistance"] > 0.0


def test_cell_of_a_package_is_solved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unit-cell", "../descriptions/one.yaml"]) == 0
    assert "via.core" in capsys.readouterr().out
    assert main(["unit-cell", "../descriptions/two.yaml", "--material", "joints"]) == 0
    assert "bump.fill" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("via", "core"), "FIELDS: 'core' is not key=value (as pitch=\"50 um\")"),
        (("via", "core=copper", "core=silver"), "FIELDS: core is given twice"),
        (VIA[:-1], "via.pitch: is missing"),
        ((*VIA, "pich=2 um"), "via.pich: unknown key 'pich' (did you mean pitch?)"),
        ((*VIA[:-1], "pitch=9 um"), "via: vias of 10 um touch or overlap at a pitch of 9 um"),
        ((*VIA[:2], "host=silicn", *VIA[3:]), "no material is named 'silicn' (did you mean silicon"),
        ((*VIA, "--material", "x"), "--material: via is no package"),
        ((*VIA, "--temperature", "85"), "--temperature: "),
        ((*VIA, "--tolerance", "0"), "--tolerance: must be at least 1e-05 and below 1, got 0"),
        (
            ("viaa",),
            "'viaa' is not via, bump or hybrid_bond, a file or a shipped package (did you mean via?)",
        ),
        (("tsv", "core=copper"), "'tsv' is not via, bump or hybrid_bond, a file or a shipped package"),
        (("fcbgaa",), "no file and no shipped package is named 'fcbgaa' (did you mean fcbga"),
        (("absent.yaml",), "absent.yaml: cannot be read"),
        (("../descriptions/cell.yaml", "core=copper"), "FIELDS: 'core=copper' after a file"),
        (
            ("../descriptions/cell.yaml", "--material", "x"),
            "--material: the file has one unit cell and no package",
        ),
        (("../descriptions/chip.yaml",), "--material: chip.yaml defines no material as unit_cell"),
        (
            ("../descriptions/two.yaml",),
            "--material: two.yaml has several unit cells (name one of vias, joints",
        ),
        (("../descriptions/two.yaml", "--material", "joint"), "no unit cell 'joint' (did you mean joints?)"),
    ],
)
def test_errors_have_exit_code_2(
    arguments: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["unit-cell", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_errors_of_a_file_have_line_and_field(capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("../descriptions/cell.yaml")
    file.write_text(CELL.replace("pitch: 40 um", "pitch: 20 um"))
    assert main(["unit-cell", str(file)]) == 2
    assert "cell.yaml:4:" in (err := capsys.readouterr().err)
    assert "unit_cell.bump: bumps of 25 um touch or overlap at a pitch of 20 um" in err
    file.write_text("unit_cell: {}\n")
    assert main(["unit-cell", str(file)]) == 2
    assert "cell.yaml:1:" in (err := capsys.readouterr().err)
    assert "needs one structure" in err
    for content in ("- 1\n", "cell: {}\n"):
        file.write_text(content)
        assert main(["unit-cell", str(file)]) == 2
        assert "cell.yaml:1:" in capsys.readouterr().err
