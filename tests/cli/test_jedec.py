"""The command jedec: tables, JSON, files, compact models, and errors that name the option."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.command_line import CHIP, enter_work_directory

from thermostack.cli.main import main

PACKAGE = ("../descriptions/chip.yaml", "--cell", "3 mm")


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty current directory beside ../descriptions with a package."""
    return enter_work_directory(tmp_path, monkeypatch, {"chip.yaml": CHIP})


def test_tables_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jedec", *PACKAGE]) == 0
    out = capsys.readouterr().out
    for text in ("theta_JA", "theta_JMA", "theta_JB", "theta_JC_top", "theta_JC_bottom", "psi_JT", "psi_JB"):
        assert text in out
    assert "added: solder balls" in out
    assert "replaces the coolers of the description: convection on bottom" in out
    assert "rise in still air" in out  # the matrix of the dies
    with open("chip_jedec.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["metric"] == "theta_JA"
    assert float(rows[0]["value [K/W]"]) > 0.0
    assert Path("chip_jedec.png").read_bytes().startswith(b"\x89PNG")


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--environment", "top", "--power", "6 W", "--ambient", "40 degC", "--no-save", "--quiet")
    assert main(["jedec", *PACKAGE, *options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["power"] == pytest.approx(6.0)
    assert found["ambient"] == pytest.approx(313.15)
    assert [each["name"] for each in found["metrics"]] == ["theta_JC_top"] * 2
    first = found["metrics"][0]
    assert first["difference"] == pytest.approx(6.0 * first["value"])
    assert first["heat"] == pytest.approx({"top": 1.0})
    assert found["matrices"][0]["dies"] == ["gpu", "hbm.west", "hbm.east"]
    assert found["files"] == []
    assert not list(Path().iterdir())


def test_compact_models(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--environment", "ring", "--environment", "top", "--compact", "--no-plot", "--quiet")
    assert main(["jedec", *PACKAGE, *options]) == 0
    out = capsys.readouterr().out
    assert "DELPHI network" in out
    assert "40 environments: junction rise within" in out
    for suffix in ("json", "csv", "cir"):
        assert Path(f"chip_compact.{suffix}").exists()
    assert not Path("chip_jedec.png").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--board", "jesd51-8"), "--board: no board is named 'jesd51-8'"),
        (("--board-size", "30 mm"), "--board-size: '30 mm' is not a width and a depth"),
        (("--board-size", "30 mm, 30 mm"), "is too small"),
        (("--environment", "still"), "no environment is named 'still'"),
        (("--power", "-1 W"), "--power: must be positive"),
        (("--junction", "gpu.activ"), "gpu.active"),
        (("--own-board", "gpu"), "--own-board: the board is the stack without support, not 'gpu'"),
        (("--compact", "--environment", "top"), "has no theta_JB"),
    ],
)
def test_errors_name_the_option(
    options: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jedec", *PACKAGE, "--no-save", *options]) == 2
    assert text in capsys.readouterr().err
