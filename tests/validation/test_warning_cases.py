"""The same warnings from every command and every function of Python, for the same package."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Simulation,
    discretize,
    read_package,
    read_result,
    read_transient,
    solve_steady,
    solve_transient,
    thermal_impedance,
)
from thermostack.cli.main import main
from thermostack.units import mm, s

RANGE = Path(__file__).parent / "cases" / "range.yaml"
OUTSIDE = (
    "die.a: 326.4 degC is reached, sac305 is known from -23.15 degC to 216.8 degC "
    "(the conductivity at the end of that range was used) [W-RANGE]"
)
COMMANDS = {
    "solve": ["solve", "--no-save"],
    "transient": ["transient", "--duration", "60 s", "--no-save"],
    "zth": ["zth", "--no-save"],
    "check": ["check"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_material_outside_its_range_is_reported_by_every_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = COMMANDS[command]
    assert main([name, str(RANGE), *options, "--json"]) == 0
    printed = capsys.readouterr()
    warnings = json.loads(printed.out)["warnings"]
    assert OUTSIDE in [re.sub(r"326\.\d", "326.4", text) for text in warnings]
    assert all(f"warning: {text}" in printed.err.splitlines() for text in warnings)


def test_material_outside_its_range_is_reported_in_python(tmp_path: Path) -> None:
    model = discretize(read_package(RANGE), cell=2 * mm)
    steady = solve_steady(model)
    run = solve_transient(model, 60 * s, initial="outside", tolerance=1.0, path=tmp_path / "run.vtkhdf")
    simulation = Simulation(model, initial=steady)
    impedance = thermal_impedance(model, temperature=steady)
    for result in (steady, run, simulation, impedance, read_transient(tmp_path / "run.vtkhdf")):
        warning, melting = result.warnings  # type: ignore[attr-defined]
        assert re.sub(r"326\.\d", "326.4", warning) == OUTSIDE
        assert melting.endswith("[W-TEMPERATURE]")
    steady.save(tmp_path / "steady.vtkhdf")
    assert read_result(tmp_path / "steady.vtkhdf").warnings == steady.warnings


def test_warning_of_a_transient_covers_the_whole_run() -> None:
    """The initial temperature is the only one outside the range, and the first step leaves it."""
    model = discretize(read_package(RANGE, {"stacks.die.layers.a.power": "0.1 W"}), cell=5 * mm)
    run = solve_transient(model, 100 * s, initial=490.15, tolerance=1.0)
    assert run.of("die.a").peak[-1] < 400.0
    assert any("217 degC is reached" in warning for warning in run.warnings)


def test_impedance_at_a_given_temperature_reports_the_range() -> None:
    model = discretize(read_package(RANGE), cell=5 * mm)
    outside: dict[str, Any] = {"uniform": 490.15, "field": np.full(model.grid.shape, 490.15)}
    for temperature in outside.values():
        found = thermal_impedance(model, temperature=temperature).warnings
        assert any("217 degC is reached, sac305" in warning for warning in found)
    assert thermal_impedance(model, temperature=350.0).warnings == ()


def test_heat_capacity_outside_its_range_is_reported_where_it_is_used() -> None:
    """The table of the specific heat of silicon ends at 800 K, that of its conductivity at 1000 K."""
    changes = {"stacks.die.layers.a.material": "silicon", "stacks.die.layers.a.power": "55 W"}
    model = discretize(read_package(RANGE, changes), cell=5 * mm)
    assert not any("silicon is known" in warning for warning in solve_steady(model).warnings)
    run = solve_transient(model, 60 * s, initial="outside", tolerance=5.0)
    (warning,) = (each for each in run.warnings if "silicon is known" in each)
    assert "known from -73.15 degC to 526.9 degC (the heat capacity at the end of that range" in warning
