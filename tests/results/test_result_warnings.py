"""Warnings about results: limits, melting points, heat, missing power; in solve, transient, zth and check."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    FixedFlux,
    FixedTemperature,
    Layer,
    Material,
    Model,
    Package,
    Power,
    Simulation,
    Stack,
    Trace,
    discretize,
    read_package,
    read_result,
    read_transient,
    solve_steady,
    solve_transient,
    thermal_impedance,
)
from thermostack.cli.main import main
from thermostack.cli.timing import StageTimer
from thermostack.errors import ResourceError
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.report.table_layout import format_margin
from thermostack.results.result_warnings import grid_error_warnings
from thermostack.units import mm

DESCRIPTION = """\
package: hot
materials:
  wax: {conductivity: 5 W/m/K, volumetric_heat_capacity: 2 MJ/m3/K, melting_point: 70 degC}
stacks:
  board:
    size: [20 mm, 20 mm]
    layers:
      - {name: pcb, thickness: 1 mm, material: copper}
  die:
    on: board
    copies: {a: [0 mm, 0 mm], b: [10 mm, 0 mm]}
    size: [10 mm, 10 mm]
    limit: 75 degC
    layers:
      - {name: glue, thickness: 50 um, material: wax}
      - {name: si, thickness: 0.5 mm, material: silicon, power: 5 W}
cooling: {bottom: {convection: {h: 500 W/m2/K, ambient: 25 degC}}}
"""
EXCEEDS = (
    r"hot\.yaml:13:12: stacks\.die\.limit: die\.\w\.si exceeds its limit of 75 degC by %s K with "
    r"%s; die\.\w\.glue, die\.\w\.glue and die\.\w\.si exceed it too \(.*\) \[W-LIMIT\]"
)
MELTS = (
    r"hot\.yaml:15:\d+: stacks\.die\.layers\.glue\.material: [\d.]+ degC is reached in die\.\w\.glue, above "
    r"70 degC, the melting point of wax; die\.\w\.glue exceeds it too \(.*\) \[W-TEMPERATURE\]"
)


@pytest.fixture
def hot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a package above its limit and above a melting point."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hot.yaml"
    path.write_text(DESCRIPTION.replace("a: [0 mm", "a: [0.0 mm"))
    return Path("hot.yaml")


def with_code(warnings: tuple[str, ...] | list[str], code: str) -> list[str]:
    """Return the warnings with a code."""
    return [each for each in warnings if each.endswith(f"[{code}]")]


def test_steady_result_says_what_exceeds_its_limit_and_what_melts(hot: Path, tmp_path: Path) -> None:
    steady = solve_steady(discretize(read_package(hot), cell=2 * mm))
    (limit,) = with_code(steady.warnings, "W-LIMIT")
    (melting,) = with_code(steady.warnings, "W-TEMPERATURE")
    assert re.fullmatch(EXCEEDS % (r"3\.\d", r"78\.\d+ degC"), limit), limit
    assert re.fullmatch(MELTS, melting), melting
    assert set(steady.above_limit) == {f"die.{copy}.{layer}" for copy in "ab" for layer in ("si", "glue")}
    steady.save(tmp_path / "steady.vtkhdf")
    again = read_result(tmp_path / "steady.vtkhdf")
    assert again.warnings == steady.warnings
    assert again.above_limit == steady.above_limit
    cool = solve_steady(discretize(read_package(hot, {"stacks.die.power": "1 W"}), cell=2 * mm))
    assert cool.warnings == ()
    assert cool.above_limit == ()


def test_transient_names_the_time_of_the_peak_of_the_whole_run(hot: Path, tmp_path: Path) -> None:
    """The power stops after 100 s, and the end of the run is cool."""
    model = discretize(read_package(hot), cell=5 * mm)
    trace = Trace.of([0.0, 100.0], {"die": [20.0, 0.0]}, after="hold")
    run = solve_transient(model, 400.0, trace, initial="outside", tolerance=0.5, path=tmp_path / "run.vtkhdf")
    assert run.of("die").peak[-1] < 330.0
    (limit,) = with_code(run.warnings, "W-LIMIT")
    assert re.fullmatch(EXCEEDS % (r"[\d.]+", r"[\d.]+ degC at 100 s"), limit), limit
    (melting,) = with_code(run.warnings, "W-TEMPERATURE")
    assert re.fullmatch(MELTS, melting), melting
    assert read_transient(tmp_path / "run.vtkhdf").warnings == run.warnings
    assert set(run.above_limit) == {f"die.{copy}.{layer}" for copy in "ab" for layer in ("si", "glue")}
    assert solve_transient(model, 1.0, initial="outside", tolerance=0.5).above_limit == ()


def test_resumed_run_knows_the_peak_before_the_interruption(hot: Path, tmp_path: Path) -> None:
    model = discretize(read_package(hot), cell=5 * mm)
    trace = Trace.of([0.0, 100.0], {"die": [20.0, 0.0]}, after="hold")

    def interrupt(now: float, step: float, peak: float) -> None:
        if now > 120.0:
            raise KeyboardInterrupt

    path, quiet = tmp_path / "run.vtkhdf", lambda now, step, peak: None
    with pytest.raises(KeyboardInterrupt):
        solve_transient(model, 400.0, trace, initial="outside", tolerance=0.5, path=path, progress=interrupt)
    found = [
        solve_transient(
            model, 400.0, trace, initial="outside", tolerance=0.5, path=file, resume=True, progress=quiet
        ).warnings
        for file in (path, tmp_path / "whole.vtkhdf")
    ]
    assert found[0] == found[1]
    assert "at 100 s" in with_code(found[0], "W-LIMIT")[0]


def test_simulation_and_impedance_report_what_melts(hot: Path) -> None:
    model = discretize(read_package(hot), cell=5 * mm)
    steady = solve_steady(model, estimate=False)
    found = Simulation(model, initial=steady).warnings
    for code, stem in (("W-LIMIT", " by "), ("W-TEMPERATURE", ": stacks.die")):
        ((expected,), (warning,)) = (with_code(each, code) for each in (steady.warnings, found))
        assert warning.partition(stem)[0] == expected.partition(stem)[0]
    impedance = thermal_impedance(model, temperature=steady, tolerance=1e-2)
    (melting,) = with_code(impedance.warnings, "W-TEMPERATURE")
    assert "melting point of wax" in melting
    assert with_code(impedance.warnings, "W-LIMIT") == []  # no power, and so no temperature of its own


SPOT = """package: spot
stacks:
  board:
    size: [40 mm, 40 mm]
    limit: 105 degC
    layers: [{name: fr4, thickness: 1.5 mm, material: fr4}]
  die:
    on: board
    center: [20 mm, 20 mm]
    size: [8 mm, 8 mm]
    limit: 105 degC
    layers:
      - name: silicon
        thickness: 0.3 mm
        material: silicon
        power: {blocks: [{name: spot, at: [1 mm, 1 mm], size: [0.2 mm, 0.2 mm], power: 1 W}]}
cooling:
  top: {convection: {h: 100 W/m2/K, ambient: 25 degC}}
  bottom: {convection: {h: 100 W/m2/K, ambient: 25 degC}}
"""


@pytest.mark.parametrize("power", ["0.5 W", "2 W", "4 W", "8 W", "12 W"])
def test_check_has_the_warnings_of_solve(
    power: str, hot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the error on the coarsest grid, on which `check` solves first, is large."""
    spot = tmp_path / "spot.yaml"
    spot.write_text(SPOT)
    for file, setting in (
        (hot, "stacks.die.power"),
        (spot, "stacks.die.layers.silicon.power.blocks.spot.power"),
    ):
        found = []
        for command in (["check"], ["solve", "--no-save"]):
            assert main([*command, str(file), "--set", f"{setting}={power}", "--json"]) == 0
            found.append(json.loads(capsys.readouterr().out)["warnings"])
        assert found[0] == found[1]
        assert power != "12 W" or with_code(found[0], "W-LIMIT")


def test_check_without_a_default_grid_reports_what_is_beyond_doubt(
    hot: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default grid does not fit in memory."""
    discretize_on = StageTimer.discretize

    def refuse(timer: StageTimer, package: Package, cell: object, *rest: object) -> Model:
        if cell is None:
            raise ResourceError("too many planes")
        return discretize_on(timer, package, cell, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(StageTimer, "discretize", refuse)
    assert main(["check", str(hot), "--set", "stacks.die.power=12 W", "--json"]) == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert len(with_code(warnings, "W-LIMIT")) == len(with_code(warnings, "W-TEMPERATURE")) == 1
    assert main(["check", str(hot), "--set", "stacks.die.power=1 W"]) == 0
    assert "warning" not in capsys.readouterr().err


def test_temperatures_below_absolute_zero_are_a_warning() -> None:
    """A fixed flux extracts more heat than flows through the cooled face."""
    cooling = Cooling(bottom=Convection(100.0, 300.0), top=FixedFlux(flux=-5e4))
    layers = (Layer("low", 1 * mm, Material("a", 20.0)), Layer("high", 1 * mm, Material("b", 20.0)))
    package = Package("cold", (Stack("body", (10 * mm, 10 * mm), layers),), cooling)
    (warning,) = with_code(solve_steady(discretize(package, cell=5 * mm)).warnings, "W-TEMPERATURE")
    assert "body.high, below absolute zero; body.low is below it too" in warning


def test_1000_kelvin_is_too_hot_for_every_material() -> None:
    ceramic = Material("ceramic", 20.0)
    cooling = Cooling(bottom=Convection(100.0, 300.0))
    layers = (Layer("low", 1 * mm, ceramic), Layer("high", 1 * mm, ceramic, "8 W"))
    package = Package("kiln", (Stack("body", (10 * mm, 10 * mm), layers),), cooling)
    (warning,) = solve_steady(discretize(package, cell=5 * mm)).warnings
    assert re.search(
        r"degC is reached in body\.high, more than 726\.9 degC \(1000 K\); body\.low exceeds", warning
    )
    assert "stacks.body.layers[1]" in warning
    assert warning.endswith("[W-TEMPERATURE]")


# -- power ---------------------------------------------------------------------------------------


def slab(power: str, **cooling: object) -> Package:
    """Return a slab with a power and a cooling."""
    silicon = Material("si", 100.0, volumetric_heat_capacity=2e6)
    layers = (Layer("si", 1 * mm, silicon, Power(total=power)),)
    return Package("slab", (Stack("die", (10 * mm, 10 * mm), layers),), Cooling(**cooling))  # type: ignore[arg-type]


def test_no_power_and_equal_temperatures_are_a_warning() -> None:
    air = Convection(100.0, 300.0)
    idle = discretize(slab("0 W", top=air, bottom=air), cell=5 * mm)
    for result in (solve_steady(idle), solve_transient(idle, 1.0), Simulation(idle)):
        (warning,) = result.warnings
        assert re.fullmatch(
            r"stacks: no part has power, and all temperatures are 26\.85 degC .* \[W-POWER\]", warning
        )


def test_floorplan_that_a_trace_heats_is_no_warning_of_check(capsys: pytest.CaptureFixture[str]) -> None:
    case = Path(__file__).parents[1] / "validation" / "cases" / "idle_blocks.yaml"
    assert main(["check", str(case)]) == 0
    assert "warning" not in capsys.readouterr().err
    assert main(["solve", str(case), "--no-save"]) == 0
    assert "idle_blocks.yaml:2:1: stacks: no part has power" in capsys.readouterr().err


def test_heat_without_power_is_no_warning() -> None:
    """Two ambient temperatures, an initial temperature, a trace, or a power of zero in the sum."""
    air = Convection(100.0, 300.0)
    assert (
        solve_steady(discretize(slab("0 W", top=air, bottom=FixedTemperature(350.0)), cell=5 * mm)).warnings
        == ()
    )
    idle = discretize(slab("0 W", top=air), cell=5 * mm)
    assert solve_transient(idle, 1.0, initial=350.0).warnings == ()
    trace = Trace.of([0.0, 0.5], {"die": [0.0, 5.0]}, after="hold")
    assert solve_transient(idle, 1.0, trace, initial="outside").warnings == ()
    assert thermal_impedance(idle, "die", tolerance=1e-2, times=[1e2, 1e4]).warnings == ()


def test_power_of_a_trace_above_the_usual_heat_flux_is_a_warning() -> None:
    blocks = (
        Block("a", (1 * mm, 1 * mm), (1 * mm, 1 * mm), 1.0),
        Block("b", (5 * mm, 5 * mm), (1 * mm, 1 * mm), 1.0),
    )
    die = Stack("die", (10 * mm, 10 * mm), (Layer("si", 1 * mm, "silicon", Power(blocks=blocks)),))
    model = discretize(Package("one", (die,), Cooling(top=Convection(1e5, 300.0))), cell=0.5 * mm)
    assert model.warnings == ()
    trace = Trace.of([0.0, 1e-4, 2e-4], {"a": [1.0, 150.0, 1.0]}, after="hold")
    run = solve_transient(model, 4e-4, trace, initial="outside", tolerance=1.0)
    (warning,) = with_code(run.warnings, "W-POWER")
    assert "die.si.a: reaches a heat flux of 15000 W/cm2, more than 10000 W/cm2 (" in warning


# -- tables and exit codes -----------------------------------------------------------------------


def test_rows_above_their_limit_and_within_their_error_are_marked(hot: Path) -> None:
    steady = solve_steady(discretize(read_package(hot), cell=2 * mm))
    text = steady.table(all_parts=True)
    (row,) = [line for line in text.splitlines() if line.split()[:1] == ["si"]][:1]
    marks = "!?" if steady.of("die.a.si").is_within_error else "!"
    assert row.endswith(f"{marks} {steady.of('die.a.si').margin:.1f}")
    assert "! exceeds its limit" in text.splitlines()
    cool = solve_steady(discretize(read_package(hot, {"stacks.die.power": "1 W"}), cell=2 * mm)).table()
    assert "exceeds" not in cool
    assert format_margin(0.5, is_within_error=True) == "? 0.5"
    assert format_margin(-0.5, is_within_error=True) == "!? -0.5"


@pytest.mark.parametrize(
    ("peak", "error", "exceeds", "is_within"),
    [
        (104.0, 0.5, False, False),
        (104.0, 1.5, False, True),
        (106.0, 0.5, True, False),
        (106.0, 1.5, True, True),
        (106.0, None, True, False),
    ],
)
def test_margin_and_error_of_a_part(peak: float, error: float | None, exceeds: bool, is_within: bool) -> None:
    part = PartTemperature("die", 1.0, 90.0, 95.0, peak, (0.0, 0.0, 0.0), 1e-9, error, limit=105.0)
    assert (part.exceeds, part.is_within_error) == (exceeds, is_within)
    without = PartTemperature("die", 1.0, 90.0, 95.0, peak, (0.0, 0.0, 0.0), 1e-9, error)
    assert (without.exceeds, without.is_within_error) == (False, False)


def test_message_says_if_the_excess_is_less_than_the_error(hot: Path) -> None:
    """The limit is put just below the peak."""
    found = solve_steady(discretize(read_package(hot), cell=5 * mm))
    part = found.of("die.a.si")
    assert part.error is not None
    assert part.error > 1e-6
    limit = f"{part.max - 0.5 * part.error} K"
    close = solve_steady(discretize(read_package(hot, {"stacks.die.limit": limit}), cell=5 * mm))
    (warning,) = with_code(close.warnings, "W-LIMIT")
    assert "which is less than the estimated error of" in warning
    assert "?" in close.table()


@pytest.mark.parametrize("command", [["solve"], ["transient", "--duration", "2000 s", "--tolerance", "1 K"]])
def test_fail_on_limit_ends_with_exit_code_3_after_the_result(
    command: list[str], hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    options = [name, str(hot), "--cell", "5 mm", *options, "--json"]
    assert main([*options, "--fail-on-limit", "--no-save"]) == 3
    printed = capsys.readouterr()
    assert len(with_code(json.loads(printed.out)["warnings"], "W-LIMIT")) == 1
    assert "exceeds its limit of 75 degC" in printed.err
    assert main([*options, "--no-save"]) == 0
    assert main([*options, "--fail-on-limit", "--no-save", "--set", "stacks.die.power=1 W"]) == 0


@pytest.mark.parametrize("command", [["solve"], ["transient", "--duration", "1 s"]])
def test_fail_on_limit_needs_a_limit(
    command: list[str], hot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = command
    arguments = [name, str(hot), *options, "--cell", "5 mm", "--set", "stacks.die.limit=null"]
    assert main([*arguments, "--no-save", "--fail-on-limit"]) == 2
    assert "--fail-on-limit: no part of hot has a limit (write" in capsys.readouterr().err


def test_shipped_files_are_written_before_the_exit_code(hot: Path) -> None:
    assert main(["solve", str(hot), "--cell", "5 mm", "--fail-on-limit"]) == 3
    assert Path("hot.vtkhdf").exists()
    assert np.isfinite(read_result("hot.vtkhdf").peak.max)


# -- errors by the grid -----------------------------------------------------------------------

SMALL_DIE = """\
package: small_die
stacks:
  board:
    size: [20 mm, 20 mm]
    layers:
      - {name: pcb, thickness: 1 mm, material: pcb_jedec}
  die:
    on: board
    at: [8 mm, 8 mm]
    size: [4 mm, 4 mm]
    layers:
      - {name: si, thickness: 0.5 mm, material: silicon, power: 5 W}
cooling: {bottom: {convection: {h: 500 W/m2/K, ambient: 25 degC}}}
"""
GRID_WARNING = (
    r"die\.si: the grid causes an estimated error of ([\d.]+) K in its maximum, ([\d.]+) % of its rise "
    r'\(use --tolerance "(.*)", or smaller cells there\) \[W-GRID\]'
)


@pytest.fixture
def small_die(tmp_path: Path) -> Path:
    path = tmp_path / "small_die.yaml"
    path.write_text(SMALL_DIE, encoding="utf-8")
    return path


def test_large_errors_by_the_grid_are_a_warning(small_die: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In results of Python, and in the command; a grid of small cells gives none."""
    package = read_package(small_die)
    steady = solve_steady(discretize(package, cell=4 * mm))
    (found,) = [match for text in steady.warnings if (match := re.fullmatch(GRID_WARNING, text))]
    die = steady.of("die.si")
    assert die.error is not None
    assert float(found[1]) == pytest.approx(die.error, rel=0.06)
    assert float(found[2]) == pytest.approx(100.0 * die.error / (die.max - 298.15), rel=0.06)
    assert float(found[2]) > 5.0
    assert main(["solve", str(small_die), "--cell", "4 mm", "--no-save"]) == 0
    assert re.search(GRID_WARNING, capsys.readouterr().err.replace("\n", " "))
    assert not any("W-GRID" in text for text in solve_steady(package).warnings)
    coarse = solve_steady(discretize(package, cell=4 * mm), estimate=False)
    assert not any("the grid causes" in text for text in coarse.warnings)


def test_warning_about_the_grid_disappears_with_the_tolerance_it_names(small_die: Path) -> None:
    model = discretize(read_package(small_die), cell=4 * mm)
    (found,) = [match for text in solve_steady(model).warnings if (match := re.fullmatch(GRID_WARNING, text))]
    assert not solve_steady(model, tolerance=found[3]).warnings


def test_parts_without_power_and_without_rise_have_no_warning_about_the_grid() -> None:
    part = PartTemperature("die", 1.0, 300.0, 300.0, 300.0, (0.0, 0.0, 0.0), 1.0, error=5.0)
    assert grid_error_warnings([part], np.array([300.0])) == []
    assert grid_error_warnings([part], np.array([])) == []
    assert len(grid_error_warnings([part], np.array([280.0, 310.0]))) == 1
    assert grid_error_warnings([replace(part, power=0.0)], np.array([280.0])) == []
    assert grid_error_warnings([replace(part, error=None)], np.array([280.0])) == []
