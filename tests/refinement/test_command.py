"""The option --tolerance of the command `solve`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thermostack.cli.main import main

DIE = """\
package: die
stacks:
  die:
    size: [4 mm, 3 mm]
    layers:
      - {name: bulk, thickness: 0.3 mm, material: silicon}
      - name: active
        thickness: 20 um
        material: silicon
        power: {blocks: [{name: spot, at: [0.5 mm, 0.6 mm], size: [0.7 mm, 0.9 mm], power: 3 W}]}
cooling:
  bottom: {convection: {h: 10 kW/m2/K, ambient: 27 degC}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "die.yaml").write_text(DIE, encoding="utf-8")
    return "die.yaml"


def test_summary_names_the_outcome(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", file, "--tolerance", "2 K", "--threads", "1"]) == 0
    assert "tolerance 2 K reached in " in capsys.readouterr().out
    assert Path("die.vtkhdf").exists()


def test_tolerance_that_is_not_reached_is_a_warning(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--tolerance", "1 mK", "--max-memory", "2 MB", "--no-save", "--threads", "1"]
    assert main(["solve", file, *options]) == 0
    captured = capsys.readouterr()
    assert "W-TOLERANCE" in captured.err
    assert "not reached" in captured.out
    assert "more memory" in captured.out


def test_json_has_the_passes(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", file, "--tolerance", "2 K", "--no-save", "--json", "--threads", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    refinement = found["refinement"]
    assert refinement["outcome"] == "reached"
    assert refinement["tolerance"] == 2.0
    assert refinement["passes"][-1]["cells"] == found["grid"]["cells"]
    assert refinement["passes"][-1]["error"] == refinement["error"] <= 2.0
    assert main(["solve", file, "--cell", "1 mm", "--no-save", "--json", "--threads", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["refinement"] is None


def test_cells_of_the_command_are_the_start(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    for cell in ("0.5 mm", "1 mm"):
        options = ["--cell", cell, "--tolerance", "100 K", "--no-save", "--json", "--threads", "1"]
        assert main(["solve", file, *options]) == 0
    cells = [
        json.loads(text)["refinement"]["passes"][0]["cells"]
        for text in capsys.readouterr().out.replace("}\n{", "}\f{").split("\f")
    ]
    assert cells[0] > cells[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tolerance", "1e-8"], '--tolerance: "1e-8" has no unit'),
        (["--tolerance", "1e-8 K"], "is the argument `residual`"),
        (["--tolerance", "0.1 W"], '--tolerance: "0.1 W" is a power'),
        (["--tolerance", "-1 K"], "--tolerance: must be positive, got -1 K"),
        (["--tolerance", "1 K", "--no-estimate"], "--no-estimate: a tolerance needs the error estimate"),
        (["--tolerance", "1 K", "--max-memory", "4 gb"], "did you mean GB?"),
        (["--max-time", "2 min"], "--max-time: limits the refinement of the grid"),
    ],
)
def test_wrong_options_are_explained(
    file: str, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["solve", file, "--no-save", *options]) == 2
    assert said in capsys.readouterr().err


def test_memory_below_the_first_grid_ends_with_code_4(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--tolerance", "1 K", "--max-memory", "1 kB", "--no-save"]
    assert main(["solve", file, *options]) == 4
    assert "more than max_memory, 1 kB" in capsys.readouterr().err
