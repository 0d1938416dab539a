"""The commands matrix and budget: tables, JSON, CSV, files, and errors that name the option."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import CHIP, enter_work_directory

import thermostack as ts
from thermostack.cli.main import main

PACKAGE = ("../descriptions/chip.yaml", "--cell", "1 mm")


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty current directory beside ../descriptions with a package."""
    return enter_work_directory(tmp_path, monkeypatch, {"chip.yaml": CHIP})


def test_matrix_prints_a_table_and_writes_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", *PACKAGE, "--point", "sensor=3 mm, 4 mm, 0.5 mm"]) == 0
    out = capsys.readouterr().out
    assert "gpu.active.core" in out
    assert "sensor" in out
    assert "heat through bottom" in out
    assert ts.read_influence("chip_matrix.npz").outputs[-1] == "sensor"
    assert Path("chip_matrix.csv").read_text().startswith("output,quantity,at zero power")


def test_matrix_as_json_has_the_temperatures_of_solve(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", *PACKAGE, "--json", "--no-save", "--sources", "stacks"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sources"] == ["gpu", "hbm.west", "hbm.east"]
    assert found["power"] == pytest.approx([10.0, 1.0, 1.0])
    row = found["outputs"].index("gpu.bulk")
    t = found["constant"][row] + sum(
        r * p for r, p in zip(found["resistance"][row], found["power"], strict=True)
    )
    assert main(["solve", *PACKAGE, "--json", "--no-save"]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert t == pytest.approx(parts["gpu.bulk"]["mean"], abs=1e-4)


def test_matrix_of_tiles_as_csv(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--tiles", "2", "--layer", "gpu.active", "--csv", "--no-save")
    assert main(["matrix", *PACKAGE, *options]) == 0
    assert "gpu.active.tile_1_1 [per W]" in capsys.readouterr().out.splitlines()[0]


def test_budget_prints_powers_and_limits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["budget", *PACKAGE, "--max", "hbm.west=2 W", "--max", "hbm.east=3 W"]) == 0
    out = capsys.readouterr().out
    assert "limit of the peak of" in out
    assert "full solve  within" in out
    assert main(["budget", *PACKAGE, "--json", "--fix", "hbm=2 W", "--limit", "gpu=70 degC"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["is_verified"]
    assert list(found["powers"]) == ["gpu"]
    assert min(found["margins"].values()) == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["matrix", *PACKAGE, "--tiles", "4"], "--tiles: --tiles and --layer are given together"),
        (["matrix", *PACKAGE, "--tiles", "4", "--layer", "gpu"], "no layer with power is named 'gpu'"),
        (["matrix", *PACKAGE, "--point", "3 mm, 4 mm"], "--point: '3 mm, 4 mm' is not a name and a position"),
        (["matrix", *PACKAGE, "--point", "a=3 mm, 4 mm, 9 mm"], "--point: a at"),
        (["matrix", *PACKAGE, "--outputs", "lid"], "no part is named 'lid'"),
        (["matrix", *PACKAGE, "--json", "--csv"], "--csv: --json prints JSON in its place"),
        (["matrix", *PACKAGE, "--no-save", "--output", "out"], "--no-save: writes no files"),
        (["solve", *PACKAGE, "--solver-error", "50 degC"], '--solver-error: "50 degC" is a temperature, not'),
        (["solve", *PACKAGE, "--solver-error", "1 K", "--method", "direct"], "--solver-error: the direct"),
        (["solve", *PACKAGE, "--tolerance", "50 degC"], '--tolerance: "50 degC" is a temperature, not'),
        (["transient", *PACKAGE, "--duration", "1 s", "--tolerance", "1 degC"], "is a temperature, not"),
        (["budget", *PACKAGE, "--limit", "gpu"], "--limit: 'gpu' is not name=value"),
        (["budget", *PACKAGE, "--limit", "gpu=20 degC"], "E-LIMIT"),
        (["budget", *PACKAGE, "--weight", "gpu=much"], "--weight: 'much' is not a number"),
        (["budget", *PACKAGE, "--max", "lid=1 W"], "no free power is named 'lid'"),
    ],
)
def test_wrong_options_are_named(capsys: pytest.CaptureFixture[str], arguments: list[str], text: str) -> None:
    assert main(arguments) == 2
    assert text in capsys.readouterr().err


def test_budget_writes_its_json(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--limit", "gpu=70 degC", "--json", "--quiet")
    assert main(["budget", *PACKAGE, *options, "--no-save"]) == 0
    assert list(Path.cwd().iterdir()) == []
    assert main(["budget", *PACKAGE, *options]) == 0
    printed = capsys.readouterr()
    found = json.loads(Path("chip_budget.json").read_text())
    assert printed.err == ""
    assert '"files": [\n    "chip_budget.json"' in printed.out
    assert found["described"] == {"gpu": 10.0, "hbm.west": 1.0, "hbm.east": 1.0}
    assert found["rows"] <= found["candidates"]


def test_json_states_the_solver_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", *PACKAGE, "--json", "--no-save", "--solver-error", "0.05 K"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert 0.0 < found["solver"]["error"] <= 0.05
    assert found["margin"]["margin"] == found["parts"][found["margin"]["part"]]["margin"]
