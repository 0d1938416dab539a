"""The command `zoom`: tables, JSON, files and messages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import thermostack as ts
from tests.support.via_pieces import UM, via_piece
from thermostack.cli.main import main

BOX = "40 um, 40 um, 0 um : 160 um, 160 um, 75 um"


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a result to a new working directory."""
    monkeypatch.chdir(tmp_path)
    steady = ts.solve_steady(ts.discretize(via_piece(5), cell=20 * UM), estimate=False)
    steady.save(tmp_path / "piece.vtkhdf")
    return "piece.vtkhdf"


def test_zoom_writes_a_result_and_a_figure(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--box", BOX, "--cell", "10 um", "--resolve", "die.bulk"]
    assert main(["zoom", result, *options]) == 0
    printed = capsys.readouterr().out
    assert "heat flows differ by" in printed
    assert "die.bulk" in printed
    assert Path("piece_zoom.png").exists()
    local = ts.read_result("piece_zoom.vtkhdf")
    assert "die.bulk.core" in local.names
    assert main(["zoom", "piece_zoom.vtkhdf", "--around", "die.active", "--margin", "0 um", "-o", "in"]) == 0
    assert Path("in/piece_zoom.vtkhdf").exists()


def test_json_has_the_agreement(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--around", "die.active.hot", "--margin", "40 um", "--cell", "10 um, 10 um, 20 um"]
    assert main(["zoom", result, *options, "--boundary", "flux", "--no-estimate", "--no-save", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    agreement = printed["agreement"]
    assert printed["files"] == []
    assert agreement["boundary"] == "flux"
    assert set(agreement["faces"]) == {"bottom", "west", "east", "south", "north"}
    assert agreement["power"] == pytest.approx(0.2)
    assert agreement["heat_difference"] < 1e-3
    assert agreement["parts"]["die.active"]["mean"] == pytest.approx(
        agreement["parts"]["die.active"]["global_mean"], abs=0.5
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], "--box: give one of --box and --around"),
        (["--box", BOX, "--around", "die"], "--box: give one of --box and --around"),
        (["--box", "1 mm, 2 mm : 3 mm"], "is not a box"),
        (["--box", "1 m, 1 m, 1 m : 2 m, 2 m, 2 m"], "--box: the box lies outside the model"),
        (["--around", "dye"], "no part is named 'dye'"),
        (["--box", BOX, "--margin", "1 um"], "--margin: a margin needs the name of a part"),
        (["--box", BOX, "--cell", "1 um, 1 um, 1 um, 1 um"], "--cell: 4 sizes for 3 axes"),
        (["--box", BOX, "--resolve", "die.active"], "not an array of vias, bumps or lines"),
    ],
)
def test_wrong_options(
    result: str, capsys: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    assert main(["zoom", result, *options]) == 2
    assert text in capsys.readouterr().err
    assert not Path("piece_zoom.vtkhdf").exists()
