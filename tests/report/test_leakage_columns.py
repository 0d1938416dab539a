"""Leakage in tables, JSON and CSV of results, grids and descriptions."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    Layer,
    Leakage,
    Package,
    Power,
    Stack,
    SteadyResult,
    discretize,
    solve_steady,
    write_package,
)
from thermostack.cli.main import main
from thermostack.finite_volume.part_temperatures import merge_parts
from thermostack.io.results.summary import result_summary, table_text
from thermostack.report.grid_table import grid_summary, grid_table
from thermostack.report.steady_table import steady_table
from thermostack.report.table_layout import as_text
from thermostack.units import mm


def package(leakage: Leakage | None) -> Package:
    """Return a die of two layers; the first has two blocks, and the leakage."""
    blocks = (
        Block("core", (0.0, 0.0), (1 * mm, 3 * mm), 2.0),
        Block("cache", (1 * mm, 0.0), (3 * mm, 3 * mm), 1.0),
    )
    layers = (
        Layer("active", 0.1 * mm, "silicon_constant", power=Power(blocks=blocks, leakage=leakage)),
        Layer("bulk", 0.3 * mm, "silicon_constant"),
    )
    return Package("leaking", (Stack("die", (4 * mm, 3 * mm), layers),), Cooling(top=Convection(2e4, 300.0)))


LEAKING = package(Leakage("4 W", at="85 degC", doubles_every="30 K"))


def solved(leaking: Package, *, is_known: bool = True) -> SteadyResult:
    """Return a result whose parts have twice their leakage at the reference temperature, if it is known."""
    steady = solve_steady(discretize(leaking, 0.5 * mm))
    parts = tuple(
        replace(
            part,
            leakage=2.0 * part.reference_leakage if is_known and part.reference_leakage is not None else None,
        )
        for part in steady.parts
    )
    return replace(steady, parts=parts)


def test_result_table_has_columns_of_leakage() -> None:
    lines = as_text(steady_table(solved(LEAKING), 160, all_parts=True), 160).splitlines()
    head = next(line for line in lines if "reference leakage" in line)
    assert head.index("power") < head.index("leakage") < head.index("reference leakage") < head.index("min")
    core = next(line for line in lines if line.split()[:1] == ["core"]).split()
    assert core[1:4] == ["2.000", "2.000", "1.000"]
    die = next(line for line in lines if line.startswith("die")).split()
    assert die[1:4] == ["3.000", "8.000", "4.000"]


def test_columns_of_leakage_appear_only_where_it_is_known() -> None:
    before = as_text(steady_table(solved(LEAKING, is_known=False), 160), 160)
    assert before.count("leakage") == before.count("reference leakage") == 1
    assert "leakage" not in as_text(steady_table(solved(package(None)), 160), 160)


def test_json_and_csv_have_the_leakage() -> None:
    steady = solved(LEAKING)
    summary = json.loads(json.dumps(result_summary(steady)))
    assert summary["parts"]["die.active"]["leakage"] == pytest.approx(8.0)
    assert summary["parts"]["die.active"]["reference_leakage"] == pytest.approx(4.0)
    assert summary["parts"]["die.bulk"]["reference_leakage"] == 0.0
    assert summary["blocks"]["die.active.cache"]["reference_leakage"] == pytest.approx(3.0)
    rows = {row["part"]: row for row in csv.DictReader(io.StringIO(table_text(steady)))}
    assert float(rows["die.active"]["leakage [W]"]) == pytest.approx(8.0)
    assert float(rows["die.active.cache"]["reference leakage [W]"]) == pytest.approx(3.0)
    without = result_summary(solved(package(None)))["parts"]["die.active"]
    assert (without["leakage"], without["reference_leakage"]) == (None, None)


def test_leakage_of_several_parts_is_their_sum() -> None:
    active, _, _, bulk = solved(LEAKING).parts
    merged = merge_parts("die", (active, bulk))
    assert (merged.leakage, merged.reference_leakage) == (pytest.approx(8.0), pytest.approx(4.0))
    merged = merge_parts("die", (replace(active, leakage=None), replace(bulk, leakage=None)))
    assert merged.leakage is None


def test_grid_summary_and_check_state_the_leakage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert grid_summary(discretize(LEAKING))["leakage"] == pytest.approx(4.0)
    assert grid_summary(discretize(package(None)))["leakage"] == 0.0
    path = tmp_path / "leaking.yaml"
    write_package(LEAKING, path)
    assert main(["check", str(path)]) == 0
    assert "3 W and 4 W of leakage" in capsys.readouterr().out
    assert main(["check", str(path), "--json"]) == 0
    assert '"leakage": 4.0' in capsys.readouterr().out
    shown = as_text(grid_table(discretize(LEAKING)))
    assert "4 W at the reference temperature" in shown
    assert "die.active.cache" in shown
