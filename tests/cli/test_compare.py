"""The command `compare`: tables, JSON, CSV, files, and errors."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from thermostack.cli.main import main

CELL = ("--cell", "6 mm", "--quiet")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return the files of two results in the current directory."""
    monkeypatch.chdir(tmp_path)
    for name, power in (("a", "10 W"), ("b", "12 W")):
        setting = f"stacks.die.layers.active.power={power}"
        assert main(["solve", "fcbga", *CELL, "--no-plot", "--set", setting, "-o", f"{name}.vtkhdf"]) == 0
    return "a.vtkhdf", "b.vtkhdf"


def test_two_results(results: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["compare", *results, "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "A  a.vtkhdf" in text
    assert "stacks.die.layers.active.power" in text
    assert "written  a_b_difference.vtkhdf, a_b_difference.png" in text
    assert Path("a_b_difference.vtkhdf").exists()
    assert Path("a_b_difference.png").exists()


def test_json_and_csv_have_the_same_numbers(
    results: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["compare", *results, "--no-save", "--quiet", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["files"] == []
    assert data["heat"]["in"]["difference"] == pytest.approx(2.0)
    assert main(["compare", *results, "--no-save", "--quiet", "--csv"]) == 0
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert rows.keys() == data["parts"].keys()
    for name, part in data["parts"].items():
        assert float(rows[name]["difference of max [K]"]) == part["difference"]
        assert float(rows[name]["power [W], second"]) == part["second"]["power"]
    assert data["parts"]["die"]["difference"] > 0.0


def test_only_some_parts(results: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["compare", *results, "--no-save", "--quiet", "--only", "die", "--json"]) == 0
    names = set(json.loads(capsys.readouterr().out)["parts"])
    assert {"die", "die.active"} <= names
    assert all(name == "die" or name.startswith("die.") for name in names)
    assert main(["compare", *results, "--no-save", "--quiet", "--only", "dye"]) == 2
    assert "'dye' is no stack, part or block of the results (did you mean die" in capsys.readouterr().err


def test_no_plot(results: tuple[str, str]) -> None:
    assert main(["compare", *results, "--no-plot", "--quiet", "-o", "difference.vtkhdf"]) == 0
    assert Path("difference.vtkhdf").exists()
    assert not Path("difference.png").exists()


def test_a_file_that_is_read_is_not_replaced(
    results: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("b.vtkhdf").read_bytes()
    assert main(["compare", *results, "--quiet", "-o", "b.vtkhdf"]) == 2
    assert "is not replaced" in capsys.readouterr().err
    assert Path("b.vtkhdf").read_bytes() == before


def test_packages_are_solved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "fcbga", "fcbga_bare", *CELL, "--no-save"]) == 0
    text = capsys.readouterr().out
    assert "only in A" in text
    assert "stacks.lid" in text


def test_descriptions_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "fcbga", "fcbga_bare", "--packages"]) == 0
    text = capsys.readouterr().out
    assert "stacks.die.layers.active.power" in text
    assert "peak" not in text
    assert main(["compare", "fcbga", "fcbga_bare", "--packages", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["descriptions"]
    assert data["stacks.lid"] == {"kind": "removed", "first": "a stack of plate", "second": None}
    assert main(["compare", "fcbga", "fcbga_bare", "--packages", "--csv"]) == 0
    rows = {row["path"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert rows.keys() == data.keys()
    assert main(["compare", "fcbga", "fcbga", "--packages"]) == 0
    assert capsys.readouterr().out == "the descriptions of fcbga and fcbga are equal\n"


def test_unknown_names_and_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "fcbga", "fcbgaa", "--no-save", "--quiet"]) == 2
    assert "did you mean fcbga" in capsys.readouterr().err
    assert main(["compare", "missing.vtkhdf", "fcbga", "--no-save", "--quiet"]) == 2
    assert "there is no such file" in capsys.readouterr().err
