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
    assert Path("in/piece_zoom_zoom.vtkhdf").exists()


def test_the_file_that_is_read_is_never_replaced(result: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The default name follows from that file; as --output it is an error, also through a link."""
    before = Path(result).read_bytes()
    Path("link.vtkhdf").symlink_to(result)
    for output in (result, "link.vtkhdf"):
        assert main(["zoom", result, "--box", BOX, "--no-estimate", "-o", output]) == 2
        printed = capsys.readouterr().err
        assert "is the file that the command reads" in printed
        assert "--output" in printed
    assert Path(result).read_bytes() == before


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


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write a transient result and its trace to a new working directory."""
    monkeypatch.chdir(tmp_path)
    Path("pulse.csv").write_text("time [us],die.active.hot [W]\n0,0.2\n10,0.1\n20,0.1\n", encoding="utf-8")
    model = ts.discretize(via_piece(5), cell=20 * UM)
    times = [5e-6, 1e-5, 1.5e-5]
    trace = ts.read_trace("pulse.csv")
    found = ts.solve_transient(model, "20 us", trace, initial="outside", tolerance=0.1, times=times)
    found.save(tmp_path / "run.vtkhdf")
    return "run.vtkhdf"


def test_zoom_of_a_transient(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--box", BOX, "--cell", "20 um", "--trace", "pulse.csv"]
    assert main(["zoom", run, *options]) == 0
    assert "heat flows differ by" in capsys.readouterr().out
    assert Path("run_zoom.png").exists()
    assert ts.read_transient("run_zoom.vtkhdf").time[-1] == pytest.approx(2e-5)
    assert main(["zoom", run, *options, "--duration", "10 us", "--json", "--no-save"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["duration"] == pytest.approx(1e-5)
    assert printed["agreement"]["power"] == pytest.approx(0.2)


def test_zoom_of_a_transient_needs_its_trace(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoom", run, "--box", BOX, "--cell", "20 um"]) == 2
    printed = capsys.readouterr().err
    assert "--trace: die.active" in printed
    assert "had 100 mW in the run at" in printed
    assert "E-MISSING" in printed
    assert not Path("run_zoom.vtkhdf").exists()


def test_options_of_the_other_kind_of_result(
    run: str, result: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["zoom", run, "--box", BOX, "--boundary", "flux"]) == 2
    assert "--boundary: flux needs a steady result" in capsys.readouterr().err
    assert main(["zoom", result, "--box", BOX, "--tolerance", "1 K"]) == 2
    assert "--tolerance: needs a transient result" in capsys.readouterr().err
    assert main(["zoom", run, "--box", BOX, "--trace", "pulse.csv", "--duration", "1 s"]) == 2
    assert "--duration: the frames end at 20 us" in capsys.readouterr().err


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
