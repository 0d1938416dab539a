"""The command `sweep`: table, JSON, progress and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import run
from support.slab_study import STUDY, write_study

import thermostack as ts
from thermostack.cli.main import main
from thermostack.cli.sweep import _ProgressLine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_study(tmp_path, STUDY.replace("steps: 4", "steps: 2"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_table_and_files(folder: Path) -> None:
    done = run("sweep", "study.yaml", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "cases    6" in done.stdout
    assert "study.csv, study.sweeplog" in done.stdout
    assert "0 of 6 cases" in done.stderr
    assert "6 of 6 cases, " in done.stderr
    assert "cases/s" in done.stderr
    again = run("sweep", "study.yaml", "--json", "--quiet")
    assert again.stderr == ""
    facts = json.loads(again.stdout)
    assert facts["cases"] == 6
    assert facts["failed"] == 0
    assert facts["inputs"] == ["h", "p"]
    assert facts["outputs"] == ["peak", "mean"]
    assert len(ts.read_sweep("study.csv")) == 6


def test_failed_cases_are_a_warning_and_all_of_them_exit_code_3(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = STUDY.replace("[5 W, 10 W, 20 W]", "[-5 W, 10 W]").replace("steps: 4", "steps: 2")
    (folder / "study.yaml").write_text(text)
    assert main(["sweep", "study.yaml", "--workers", "1"]) == 0
    assert "warning: 2 cases failed; case 0: " in capsys.readouterr().err
    (folder / "study.yaml").write_text(text.replace("[-5 W, 10 W]", "[-5 W]"))
    assert main(["sweep", "study.yaml", "--workers", "1"]) == 2
    assert "another study" in capsys.readouterr().err
    assert main(["sweep", "study.yaml", "--workers", "1", "--overwrite"]) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["absent.yaml"], 2, "no such file or directory"),
        (["study.yaml", "--workers", "0"], 2, "--workers: must be from 1"),
        (["study.yaml", "-o", "table.txt"], 5, "ends in .csv"),
        (["study.yaml", "-o", "absent/deeper/table.csv"], 5, "absent/deeper"),
        (["slab.yaml"], 2, "not a study"),
    ],
)
def test_errors(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, text: str
) -> None:
    assert main(["sweep", *arguments]) == code
    assert text in capsys.readouterr().err


def test_progress_has_the_rate_and_the_remaining_time() -> None:
    now = [0.0]
    line = _ProgressLine(clock=lambda: now[0])
    assert line.text(10, 110, 0) == "10 of 110 cases"
    for n in range(1, 51):
        now[0] = float(n)
        text = line.text(10 + n, 110, 2)
    assert text == "60 of 110 cases, 2 failed, 1 cases/s, about 50 s left"
