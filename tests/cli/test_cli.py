"""The commands solve, plot, mesh, check, materials and packages: output, files, exit codes and signals."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from support.command_line import (
    TWO_DIES,
    command_line,
    enter_work_directory,
    files,
    reset_signals,
    run,
    start,
)
from support.cost import peak_memory

from thermostack import __version__
from thermostack.cli import signals
from thermostack.cli.app import app
from thermostack.cli.main import main
from thermostack.cli.options import read_cell, read_settings
from thermostack.cli.signals import between_steps, interruptible
from thermostack.errors import ConvergenceError, DescriptionError, OutputError, ResourceError, RunawayError
from thermostack.io.files.output_lock import output_lock

FAST = ["--cell", "2 mm", "--threads", "1"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory beside one with a description."""
    return enter_work_directory(tmp_path, monkeypatch, {"two_dies.yaml": TWO_DIES})


TWO_DIES_FILE = "../descriptions/two_dies.yaml"


# -- solve ---------------------------------------------------------------------------------------


def test_solve_prints_tables_and_writes_two_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST, "--all"]) == 0
    printed, logged = capsys.readouterr()
    for word in ("two_dies", "Two dies on a carrier", "logic", "active", "core", "memory", "filler"):
        assert word in printed
    for word in ("peak", "margin", "heat", "out, top", "imbalance", "grid", "solver", "iterations", "time"):
        assert word in printed
    assert "memory" in printed
    assert "written  two_dies.vtkhdf, two_dies.png" in printed
    assert "solving" in logged
    assert "\x1b" not in printed + logged
    assert not [line for line in printed.splitlines() if line != line.rstrip() or len(line) > 132]
    assert files(here) == ["two_dies.png", "two_dies.vtkhdf"]


def test_default_table_lists_stacks_and_powered_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST, "--no-save"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = [line.split()[0] for line in lines[4 : lines.index("", 2)]]
    assert first == ["carrier", "logic", "active.core", "memory", "?", "6"]
    assert "6 parts and blocks are not listed (--all, in Python all_parts=True)" in lines


def test_json_has_the_documented_keys(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    contract = "package parts peak heat coolers links grid solver seconds memory warnings refinement".split()
    contract += ["nonlinear"]
    assert set(contract) <= set(summary) <= {*contract, "blocks", "files", "fill", "margin"}
    assert summary["package"] == "two_dies"
    assert set(summary["parts"]) == {
        "carrier.filler",
        "carrier.silicon",
        "logic.active",
        "logic.bulk",
        "memory.active",
        "memory.bulk",
    }
    for part in summary["parts"].values():
        assert {"power", "min", "mean", "max", "error", "at"} <= set(part)
        assert 298.0 < part["min"] <= part["mean"] <= part["max"] < 400.0
        assert len(part["at"]) == 3
    assert set(summary["blocks"]) == {"logic.active.core"}
    assert sum(part["power"] for part in summary["parts"].values()) == pytest.approx(15.0)
    assert set(summary["peak"]) == {"part", "temperature", "error", "at"}
    assert summary["peak"]["part"].startswith("logic.")
    assert set(summary["heat"]) == {"in", "out", "imbalance"}
    assert summary["heat"]["in"] == pytest.approx(15.0)
    assert sum(summary["heat"]["out"].values()) == pytest.approx(15.0, rel=1e-7)
    assert set(summary["grid"]) == {"cells", "active", "outside", "shape"}
    assert {"iterations", "residual", "error", "method"} <= set(summary["solver"])
    assert summary["solver"]["error"] is None
    assert {"read", "mesh", "solve", "estimate", "write", "plot"} <= set(summary["seconds"])
    assert summary["memory"] > 10e6
    assert all("[W-GRID]" in warning for warning in summary["warnings"])
    assert summary["files"] == files(here)[::-1]


def test_methods_agree_and_no_estimate_skips_the_errors(capsys: pytest.CaptureFixture[str]) -> None:
    results = {}
    for method in ("multigrid", "direct"):
        options = ["--no-save", "--no-estimate", "--json", "--method", method]
        assert main(["solve", TWO_DIES_FILE, *FAST, *options]) == 0
        results[method] = json.loads(capsys.readouterr().out)
    peaks = [results[method]["peak"] for method in results]
    assert peaks[0]["temperature"] == pytest.approx(peaks[1]["temperature"], abs=1e-5)
    assert peaks[0]["error"] is None
    assert results["direct"]["solver"]["method"] == "direct"
    assert main(["solve", TWO_DIES_FILE, *FAST, "--no-save", "--no-estimate"]) == 0
    assert "error not estimated" in capsys.readouterr().out


def test_set_overrides_values(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "stacks.memory.layers.active.power=7.5 W"]
    settings += ["--set", "stacks.logic.layers.active.power.blocks.core.power=20 W"]
    settings += ["--set", "stacks.logic.layers.active.power.total=20 W"]
    assert main(["solve", TWO_DIES_FILE, *FAST, "--no-save", "--json", *settings]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["heat"]["in"] == pytest.approx(27.5)
    assert summary["parts"]["memory.active"]["power"] == pytest.approx(7.5)


def test_narrow_terminal_drops_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "62")
    assert main(["solve", TWO_DIES_FILE, *FAST, "--no-save"]) == 0
    printed = capsys.readouterr().out
    assert max(len(line) for line in printed.splitlines()) <= 62
    assert all(title in printed for title in ("part", "peak", "error", "margin"))


GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "command_line.md"


def test_settings_of_the_guide_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    settings = [shlex.split(line) for line in lines if line.startswith("--set ")]
    assert len(settings) == 3
    assert main(["check", "cowos_s_h100", *chain.from_iterable(settings), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["power"] == pytest.approx(800.0)


# -- where files go ------------------------------------------------------------------------------


def test_output_is_a_new_directory_or_a_file(here: Path) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST, "--output", "run_1"]) == 0
    assert files(here / "run_1") == ["two_dies.png", "two_dies.vtkhdf"]
    assert main(["solve", TWO_DIES_FILE, *FAST, "-o", "run_1/v1.2.vtkhdf"]) == 0
    assert files(here / "run_1") == ["two_dies.png", "two_dies.vtkhdf", "v1.2.png", "v1.2.vtkhdf"]


def test_result_overwrites_results_only(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST]) == 0
    assert main(["solve", TWO_DIES_FILE, *FAST]) == 0
    for name in files(here):
        (here / name).write_text("notes of months")
        assert main(["solve", TWO_DIES_FILE, *FAST]) == 5
        assert "has another content than its name suggests" in capsys.readouterr().err
        assert (here / name).read_text() == "notes of months"
        (here / name).unlink()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("missing/deeper", "there is no directory missing/deeper"),
        ("result.vtk", "there is no directory result.vtk; create it, or name"),
        ("../descriptions/two_dies.yaml", "is not a directory"),
        ("missing/r.vtkhdf", "missing"),
    ],
)
def test_invalid_output_is_rejected_before_reading(
    output: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["solve", "no_such_package", "--output", output])
    if output == "missing/r.vtkhdf":  # its directory can be made, so the package is the first fault
        assert code == 2
    else:
        assert (code, message in capsys.readouterr().err) == (5, True)
    assert files(here) == []


@pytest.mark.parametrize(
    ("command", "file"), [("solve", "two_dies.vtkhdf"), ("zth", "two_dies_zth.png")], ids=["solve", "zth"]
)
def test_second_command_with_the_same_output_is_rejected(
    command: str, file: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with output_lock(Path(file)):
        assert main([command, TWO_DIES_FILE, *FAST]) == 5
        assert f"{file}: another run is writing to it" in capsys.readouterr().err
    monkeypatch.setattr("thermostack.mesh.model.discretize", None)
    with output_lock(Path("run") / file):  # rejected before anything is computed
        assert main([command, TWO_DIES_FILE, *FAST, "--output", "run"]) == 5
    assert files(here) == []


def test_plot_writes_figures_of_a_result(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST]) == 0
    (here / "two_dies.png").unlink()
    capsys.readouterr()
    assert main(["plot", "two_dies.vtkhdf"]) == 0
    assert capsys.readouterr().err.splitlines() == ["reading the result", "plotting"]
    assert main(["plot", "two_dies.vtkhdf", "--part", "memory.active", "-o", "memory.svg"]) == 0
    capsys.readouterr()
    assert main(["plot", "two_dies.vtkhdf", "--y", "7 mm", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == ["two_dies_y_7mm.png"]
    assert {"two_dies.png", "memory.svg", "two_dies_y_7mm.png"} < set(files(here))
    for wrong in (["--part", "memry"], ["--y", "7"], ["--y", "7 m"], ["--y", "1 mm", "--z", "1 mm"]):
        assert main(["plot", "two_dies.vtkhdf", *wrong]) == 2


# -- mesh, check, lists --------------------------------------------------------------------------


def test_mesh_describes_the_grid_without_solving(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("thermostack.linear.solver.prepare", None)
    assert main(["mesh", TWO_DIES_FILE, "--cell", "1 mm"]) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("smallest", "largest", "aspect", "cells", "written"))
    assert files(here) == ["two_dies_grid.png"]
    assert main(["mesh", TWO_DIES_FILE, "--cell", "1 mm", "--json", "--no-save"]) == 0
    summary = json.loads(capsys.readouterr().out)
    nz, ny, nx = summary["grid"]["shape"]
    assert summary["grid"]["cells"] == nx * ny * nz
    assert summary["axes"]["x"]["planes"] == nx + 1
    assert summary["axes"]["x"]["largest"] == pytest.approx(1e-3)
    assert summary["axes"]["z"]["smallest"] == pytest.approx(1e-6)
    assert summary["aspect"] == pytest.approx(1000.0)
    assert summary["power"] == pytest.approx(15.0)


def test_check_prints_every_error_with_its_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", TWO_DIES_FILE]) == 0
    printed, logged = capsys.readouterr()
    assert "two_dies: no errors; 3 stacks, 6 parts, 24 mm x 14 mm x 801 um, 15 W" in printed
    assert logged == ""  # no warning about the coarse grid of the check
    wrong = Path("../descriptions/wrong.yaml")
    text = TWO_DIES.replace("thickness: 700 um", "thickness: -700 um").replace(
        "material: emc", "materiel: emc"
    )
    wrong.write_text(text.replace("h: 10000 W/m2/K", "h: 10000"))
    assert main(["check", str(wrong)]) == 2
    printed, logged = capsys.readouterr()
    assert printed == ""
    assert logged.count("wrong.yaml:") == 3
    assert f"{wrong}:19:33: stacks.logic.layers.bulk.thickness: -700 um is not greater than zero" in logged
    assert "Traceback" not in logged
    assert main(["check", str(wrong), "--json"]) == 2
    diagnostics = json.loads(capsys.readouterr().out)["faults"]
    assert [diagnostic["code"] for diagnostic in diagnostics] == ["E-RANGE", "E-RANGE", "E-UNIT"]
    assert diagnostics[0]["line"] == 19


def test_check_finds_parts_without_a_path_to_cooling(capsys: pytest.CaptureFixture[str]) -> None:
    island = ["--set", "stacks.carrier.layers.silicon.material=void", "--set", "stacks.carrier.filler=void"]
    bare = ["--set", "cooling.top={fixed_flux: {heat: 1 W}}", "--set", "cooling.surroundings={adiabatic: {}}"]
    bare += ["--set", "cooling.west={convection: {h: 10 W/m2/K, ambient: 25 degC}, part: logic}"]
    assert main(["check", TWO_DIES_FILE, *island, *bare]) == 2
    assert "no path through solids leads from" in capsys.readouterr().err


def test_materials_and_packages_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["materials"]) == 0
    assert capsys.readouterr().out.count("\n") > 80
    assert main(["materials", "silicon"]) == 0
    printed = capsys.readouterr().out
    assert "149.3 W/m/K" in printed  # at 25 degC
    assert "Incropera" in printed
    assert main(["materials", "tim_", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["tim_pcm"]["conductivity"] == [8.5, 8.5, 8.5]
    assert all("tim_" in name for name in listed)
    assert main(["materials", "silicn"]) == 2
    assert "did you mean silicon" in capsys.readouterr().err
    assert main(["packages"]) == 0
    assert "cowos_s_h100" in capsys.readouterr().out
    assert main(["packages", "--json"]) == 0
    assert "fcbga" in json.loads(capsys.readouterr().out)


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__
    for command in (
        "solve",
        "transient",
        "zth",
        "mesh",
        "check",
        "plot",
        "materials",
        "packages",
        "unit-cell",
    ):
        assert main([command, "--help"]) == 0
        assert command in capsys.readouterr().out
        assert app[command].help or app[command].default_command


def test_help_does_not_import_numerical_libraries() -> None:
    code = "import sys; from thermostack.cli.main import main; main(['--help'])\n"
    code += "print(*sys.modules, sep=chr(10))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {
        "numpy",
        "scipy",
        "pydantic",
        "h5py",
        "xarray",
        "matplotlib",
        "pyvista",
        "vtkmodules",
    }


def test_negative_value_of_an_option_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--duration", "10 us", "--initial", "-40 degC", "--no-save", "--json"]
    assert main(["transient", TWO_DIES_FILE, *FAST, *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parts"]["memory.bulk"]["start"] == pytest.approx(233.15, abs=1.0)


def test_file_of_another_kind_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST]) == 0
    capsys.readouterr()
    assert main(["solve", "two_dies.vtkhdf"]) == 2
    assert "is an HDF5 file, as results are, not a description (`thermostack plot`" in capsys.readouterr().err
    assert main(["check", "two_dies.png"]) == 2
    assert "is a PNG image, not a description" in capsys.readouterr().err
    assert main(["plot", "two_dies.png"]) == 6
    assert "is a PNG image, not a result" in capsys.readouterr().err
    assert main(["plot", TWO_DIES_FILE]) == 6
    logged = capsys.readouterr().err
    assert "is a description, not a result; `thermostack solve` computes its result" in logged


def test_link_to_a_missing_directory_is_rejected_before_solving(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "r.vtkhdf").symlink_to("gone/r.vtkhdf")
    (here / "s.vtkhdf").symlink_to("target.vtkhdf")
    assert main(["solve", TWO_DIES_FILE, *FAST, "--output", "s.vtkhdf"]) == 0
    assert (here / "s.vtkhdf").is_symlink()
    assert (here / "target.vtkhdf").is_file()
    capsys.readouterr()
    monkeypatch.setattr("thermostack.mesh.model.discretize", None)
    assert main(["solve", TWO_DIES_FILE, *FAST, "--output", "r.vtkhdf"]) == 5
    message = (
        "it is a symbolic link to gone/r.vtkhdf, which does not exist and cannot be created; remove the link"
    )
    assert message in capsys.readouterr().err
    assert main(["plot", "r.vtkhdf"]) == 2
    assert "r.vtkhdf: is a symbolic link to gone/r.vtkhdf, which does not exist" in capsys.readouterr().err


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve"], "requires an argument"),
        (["solv", "x"], 'Did you mean "solve"?'),
        (["solve", "x", "--sel", "1 mm"], "--sel"),
        (["solve", "no_such_package"], "no file and no shipped package is named"),
        (["solve", "no_such_file.yaml"], "no such file"),
        (["solve", TWO_DIES_FILE, "--cell", "5"], '--cell: "5" has no unit'),
        (["solve", TWO_DIES_FILE, "--cell=-1 mm"], "a cell size must be positive, got -0.001 m"),
        (["solve", TWO_DIES_FILE, "--cell", "-1 mm"], "a cell size must be positive, got -0.001 m"),
        (["solve", TWO_DIES_FILE, "--cell", "1 mm, 1 mm, 1 mm, 1 mm"], "4 sizes for 3 axes"),
        (["transient", TWO_DIES_FILE, "--duration", "-1 s"], "--duration: must be positive, got -1 s"),
        (
            ["transient", TWO_DIES_FILE, "--duration", "1 s", "--initial", "0 K"],
            "--initial: 0 K is not above",
        ),
        (["zth", TWO_DIES_FILE, "--temperature", "-273.15 degC"], "-273.15 degC is not above absolute zero"),
        (["zth", TWO_DIES_FILE, "--times", "-1 us, 1 s"], "the first time must be positive"),
        (["solve", TWO_DIES_FILE, "--cell", "logik=1 mm"], "no part is named 'logik'"),
        (["solve", TWO_DIES_FILE, "--cell", "logic=1 W"], "--cell"),
        (["solve", TWO_DIES_FILE, "--cell", "logic=1 mm, logic=2 mm"], "--cell: 'logic' is given twice"),
        (["solve", TWO_DIES_FILE, "--set", "stacks.logic"], "is not path=value"),
        (["solve", TWO_DIES_FILE, "--set", "a=1", "--set", "a=2"], "is set twice"),
        (["solve", TWO_DIES_FILE, "--set", "stacks.logc.limit=1 degC"], "did you mean logic?"),
        (["solve", TWO_DIES_FILE, "--set", "stacks.logic.limt=90 degC"], "did you mean limit?"),
        (["solve", TWO_DIES_FILE, "--threads", "0"], "--threads: must be from 1 to 1024, got 0"),
        (["solve", TWO_DIES_FILE, "--threads", "100000"], "--threads: must be from 1 to 1024, got 100000"),
        (["solve", TWO_DIES_FILE, "--threads", "1.5"], "--threads: '1.5' is not a whole number"),
        (["solve", TWO_DIES_FILE, "--threads", "two"], "--threads: 'two' is not a whole number"),
        (["solve", TWO_DIES_FILE, "--method", "magic"], "multigrid"),
    ],
)
def test_wrong_command_line_is_explained(
    arguments: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed, logged = capsys.readouterr()
    assert printed == ""
    assert message in logged
    assert "Traceback" not in logged
    assert files(here) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DescriptionError([]), 2),
        (ConvergenceError("stalled at 1e-3", [1.0, 1e-3]), 3),
        (RunawayError("no steady state"), 3),
        (ResourceError("too many cells"), 4),
        (MemoryError(), 4),
        (OutputError("disk full"), 5),
        (OSError(28, "No space left on device", "x"), 5),
        (KeyboardInterrupt(), 130),
        (RuntimeError("a bug"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
@pytest.mark.parametrize("place", ["steady.solve_steady", "io.results.steady_file.write_result"])
def test_every_error_has_its_exit_code_and_writes_no_file(
    error: BaseException,
    code: int,
    place: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(f"thermostack.{place}", fail)
    assert main(["solve", TWO_DIES_FILE, *FAST, "--json"]) == code
    printed, logged = capsys.readouterr()
    assert printed == ""
    assert "Traceback" not in logged
    assert (error.strerror if isinstance(error, OSError) else str(error)) in logged
    assert files(here) == []


def test_debug_prints_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("thermostack.mesh.model.discretize", None)
    assert main(["solve", TWO_DIES_FILE, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
    assert main(["solve", TWO_DIES_FILE]) == 1
    assert "--debug prints the traceback" in capsys.readouterr().err


def test_too_many_cells_are_rejected_before_they_need_memory(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codes: list[int] = []
    assert peak_memory(lambda: codes.append(main(["solve", TWO_DIES_FILE, "--cell", "1 um"]))) < 50e6
    assert codes == [4]
    assert "GB are available" in capsys.readouterr().err
    assert files(here) == []


def test_damaged_result_is_rejected(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", TWO_DIES_FILE, *FAST]) == 0
    content = (here / "two_dies.vtkhdf").read_bytes()
    (here / "two_dies.png").unlink()
    (here / "two_dies.vtkhdf").write_bytes(content[: len(content) // 2])
    for path in ("two_dies.vtkhdf", TWO_DIES_FILE):
        assert main(["plot", path]) == 6
        assert Path(path).name in capsys.readouterr().err
    assert files(here) == ["two_dies.vtkhdf"]


def test_missing_result_file_is_bad_input(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "two_dies.vtkhdf").write_bytes(b"never read")
    assert main(["plot", "two_dis.vtkhdf"]) == 2
    error_output = capsys.readouterr().err
    assert "two_dis.vtkhdf: there is no such file (did you mean two_dies.vtkhdf?) [E-FILE]" in error_output
    assert main(["plot", "nowhere/missing.vtkhdf"]) == 2
    assert files(here) == ["two_dies.vtkhdf"]


def test_prefix_of_a_name_gives_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "cowos_s_h1"]) == 2
    assert "did you mean cowos_s_h100" in capsys.readouterr().err


def test_control_characters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "\x1b[2Jevil.yaml"]) == 2
    assert "\x1b" not in capsys.readouterr().err


# -- interrupts and pipes ------------------------------------------------------------------------

STUCK = """\
import sys, time
from thermostack import steady
from thermostack.cli.main import main
def stuck(*arguments, **options):
    print("stuck", file=sys.stderr, flush=True)
    {work}
steady.solve_steady = stuck
sys.exit(main(["solve", "../descriptions/two_dies.yaml", "--cell", "2 mm"]))
"""
IN_PYTHON = "time.sleep(600)"
IN_EXEC = "exec('time.sleep(600)')"  # as dataclasses are created during imports
# Like a factorisation of the direct solver: minutes in C, where Python does not handle signals.
IN_C = "import numpy; a = numpy.random.default_rng(0).random((6000, 6000)); numpy.linalg.svd(a)"


def test_process_ends_within_two_seconds_of_a_signal(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The thread that watches the signals ends a process whose main thread does not unwind in time."""
    waits: list[float] = []
    codes: list[int] = []
    unwound = threading.Event()
    monkeypatch.setattr(unwound, "wait", waits.append)  # returns None, as after a wait in vain
    monkeypatch.setattr(signals.os, "_exit", codes.append)
    reading, writing = os.pipe()
    os.write(writing, bytes([signal.SIGINT]))
    os.close(writing)
    signals._exit_if_stuck(reading, unwound)
    assert codes == [signals.INTERRUPTED_EXIT_CODE]
    assert waits == [signals.UNWIND_TIMEOUT]
    assert capfd.readouterr().err == "interrupted\n"
    assert signals.STEP_TIMEOUT < signals.UNWIND_TIMEOUT < 2.0  # s; a step ends before the process does


def test_step_is_interrupted_after_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[float] = []
    monkeypatch.setattr(signals.signal, "setitimer", lambda which, seconds: timers.append(seconds))
    with pytest.raises(KeyboardInterrupt), signals.between_steps():
        signal.raise_signal(signal.SIGTERM)
    assert timers[0] == signals.STEP_TIMEOUT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
@pytest.mark.parametrize("work", [IN_PYTHON, IN_EXEC, IN_C], ids=["python", "exec", "c"])
def test_interrupted_command_ends_without_files(number: signal.Signals, work: str, here: Path) -> None:
    Path("../descriptions/stuck.py").write_text(STUCK.format(work=work))
    command = [sys.executable, "-m", "stuck"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = "../descriptions"
    process = start(command, env=environment)
    assert process.stderr is not None
    for line in process.stderr:
        if line == "stuck\n":
            break
    time.sleep(1.0 if work == IN_C else 0.1)
    process.send_signal(number)
    _, logged = process.communicate(timeout=30)  # the work takes longer
    assert process.returncode == 130
    assert "interrupted" in logged
    assert "Traceback" not in logged
    assert files(here) == []


@pytest.mark.parametrize("library", ["cyclopts", "pydantic", "decimal"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_interrupt_during_the_imports_ends_without_traceback(
    library: str, number: signal.Signals, here: Path
) -> None:
    """A library of the same name that comes first on the path sends the signal where it is imported."""
    folder = Path("../descriptions")
    program = f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(60)\n"
    (folder / f"{library}.py").write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    process = start(command_line("solve", TWO_DIES_FILE), env=environment, stdout=subprocess.DEVNULL)
    _, logged = process.communicate(timeout=60)
    assert (process.returncode, logged.splitlines()[-1]) == (130, "interrupted")
    assert "Traceback" not in logged
    assert files(here) == []


DROPPED = """\
import os, signal, sys, time, weakref
from thermostack.cli.signals import between_steps, interruptible

class Part:
    pass

def send_signal(*arguments):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(1.0)  # a run has 0.6 s to finish its step

try:
    with {around}:
        part = Part()
        {how}
        del part
        time.sleep(600.0)
except KeyboardInterrupt:
    sys.exit("interrupted outside the destructor")
"""


@pytest.mark.parametrize("how", ["Part.__del__ = send_signal", "reference = weakref.ref(part, send_signal)"])
@pytest.mark.parametrize("around", ["interruptible()", "interruptible(), between_steps()"])
def test_interrupt_that_python_drops_is_raised_again(around: str, how: str) -> None:
    """Python only prints an exception of a destructor or a weak-reference callback."""
    code = DROPPED.format(around=around, how=how)
    process = start([sys.executable, "-c", code])
    _, logged = process.communicate(timeout=60)
    assert logged == "interrupted outside the destructor\n"
    assert process.returncode == 1


@pytest.mark.usefixtures("default_signals")
@pytest.mark.parametrize("lost", ["pass", "raise ValueError from None"])
@pytest.mark.parametrize("around", [interruptible, between_steps])
def test_interrupt_that_a_library_catches_is_raised_at_the_end(
    around: Callable[[], AbstractContextManager[object]], lost: str
) -> None:
    code = "try: os.kill(os.getpid(), signal.SIGINT); time.sleep(1.0)\nexcept KeyboardInterrupt: " + lost
    with pytest.raises(KeyboardInterrupt), around():
        exec(code, {"os": os, "signal": signal, "time": time})


def test_other_dropped_exceptions_are_printed() -> None:
    code = "from thermostack.cli.signals import interruptible\n"
    code += "class Part:\n    def __del__(self): raise ValueError('from a destructor')\n"
    code += "with interruptible(): Part()\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "ValueError: from a destructor" in done.stderr


def test_signal_ignored_at_the_start_stays_ignored() -> None:
    code = "import signal, os, sys; from thermostack.cli.signals import interruptible\n"
    code += "with interruptible(): os.kill(os.getpid(), signal.{name})\n"
    code += "print('still here')"
    nohup, background = ["nohup"], ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    for launcher, name in ((nohup, "SIGHUP"), (background, "SIGINT")):
        command = [*launcher, sys.executable, "-c", code.format(name=name)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=False, preexec_fn=reset_signals
        )
        assert (done.returncode, done.stdout) == (0, "still here\n")


def test_closed_pipe_and_full_disk_have_exit_code_5() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    listing = command_line("materials")
    done = subprocess.run(listing, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (5, "")
    with open("/dev/full", "w") as full:
        done = subprocess.run(listing, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 5
    assert done.stderr == "cannot write to standard output: No space left on device\n"


def test_ascii_terminal_gets_escaped_characters() -> None:
    path = Path("../descriptions/unicode.yaml")
    path.write_text(TWO_DIES.replace("Two dies on a carrier", "Zwei Würfel auf 硅"), encoding="utf-8")
    done = run("solve", str(path), *FAST, "--no-save", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "W\\xfcrfel" in done.stdout


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_valid_in_any_encoding(encoding: str) -> None:
    path = Path("../descriptions/json.yaml")
    path.write_text(TWO_DIES.replace("two_dies", "größe_硅"), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "thermostack.cli", "check", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert json.loads(done.stdout.decode("utf-8"))["package"] == "größe_硅"


# -- values of options ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        (None, None),
        ("0.25 mm", 0.25e-3),
        ("1 mm, 2 mm", (1e-3, 2e-3)),
        ("1 mm,2 mm,50um", (1e-3, 2e-3, 50e-6)),
        ("gpu=0.1 mm, hbm.west_0 = 0.2 mm", {"gpu": 0.1e-3, "hbm.west_0": 0.2e-3}),
    ],
)
def test_cell_option_is_one_size_or_by_axis_or_by_part(text: str | None, cell: object) -> None:
    assert read_cell(text) == cell


def test_setting_is_split_at_the_first_equals_sign() -> None:
    assert read_settings(["a.b = c=d", "x="]) == {"a.b": "c=d", "x": ""}
