"""The command `transient`: output, files, errors, interruption and resumption."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import CHIP, command_line, enter_work_directory, files, start

from thermostack import discretize, read_package, read_transient
from thermostack.cli.main import main
from thermostack.cli.transient_options import (
    find_throttles,
    read_duration,
    read_frames,
    read_initial,
    read_probes,
    read_throttles,
)
from thermostack.errors import ConvergenceError, DescriptionError, OutputError
from thermostack.io.results.transient_file import read_frames as read_stored_frames
from thermostack.transient.run import find_unfinished
from thermostack.units import format_quantity

pytestmark = pytest.mark.usefixtures("in_this_process")
TRACE = """\
time [ms], gpu [W], hbm.west [%]
0, 5, 100
10, 30, 50
20, 8, 100
40, 8, 100
"""
CHIP_FILE, TRACE_FILE = "../descriptions/chip.yaml", "../descriptions/load.csv"
FAST = ["--cell", "4 mm", "--tolerance", "1 K", "--threads", "1"]
RUN = ["transient", CHIP_FILE, *FAST]
TRACED = [*RUN, "--trace", TRACE_FILE]
BARE = ["transient", CHIP_FILE, "--trace", TRACE_FILE, "--cell", "4 mm"]
FILES = ["chip_transient.png", "chip_transient.vtkhdf", "chip_transient_history.csv"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working directory beside one with a description and a trace."""
    return enter_work_directory(tmp_path, monkeypatch, {"chip.yaml": CHIP, "load.csv": TRACE})


@pytest.fixture
def plotted() -> None:
    """Plot figures, which takes longer than the rest of a test."""


@pytest.fixture(autouse=True)
def _not_plotted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write an empty image instead of a figure, unless the test uses `plotted`."""
    if "plotted" not in request.fixturenames:
        monkeypatch.setattr(
            "thermostack.plot.history.plot_history",
            lambda run, path: Path(path).write_bytes(b"\x89PNG\r\n\x1a\n"),
        )


def summary(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return the JSON output of a command."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# -- results -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("plotted")
def test_transient_prints_tables_and_writes_three_files(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(TRACED) == 0
    printed, logged = capsys.readouterr()
    for word in ("chip", "Two dies on a plate", "gpu", "core", "hbm.west", "above limit", "margin"):
        assert word in printed
    for word in (
        "peak",
        "energy",
        "generated",
        "outflow",
        "stored",
        "steps",
        "sdirk3",
        "error held at 1 K",
        "grid",
    ):
        assert word in printed
    assert "written  chip_transient.vtkhdf, chip_transient_history.csv, chip_transient.png" in printed
    assert "of 40 ms" in logged
    assert "\x1b" not in printed + logged
    assert not [line for line in printed.splitlines() if line != line.rstrip() or len(line) > 132]
    assert files(here) == FILES


def test_result_file_has_the_simulated_workload(here: Path) -> None:
    assert main([*TRACED, "--frames", "every 10 ms", "--probe", "lid=3 mm, 4 mm, 1.3 mm"]) == 0
    run = read_transient("chip_transient.vtkhdf")
    assert run.time[0] == 0.0
    assert run.time[-1] == 0.04
    assert {0.01, 0.02} < set(run.time.tolist())  # every jump is met
    assert run.frame_time.tolist() == [0.0, 0.01, 0.02, 0.03, 0.04]
    assert len(run.frames) == 5
    gpu, west, east = (run.of(name) for name in ("gpu", "hbm.west", "hbm.east"))
    at = [int(np.searchsorted(run.time, t)) for t in (0.0, 0.01, 0.02)]
    assert gpu.power[at].tolist() == [5.0, 30.0, 8.0]
    assert west.power[at].tolist() == [1.0, 0.5, 1.0]
    assert (east.power == 1.0).all()
    assert gpu.when == 0.02
    assert run.probes["lid"][at[2]] > run.probes["lid"][0] + 1.0
    assert run.imbalance < 1e-6


def test_history_has_a_row_for_every_step(here: Path) -> None:
    assert main(TRACED) == 0
    run = read_transient("chip_transient.vtkhdf")
    with open("chip_transient_history.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header[0] == "time [s]"
    assert len(rows) == run.time.size
    column = header.index("gpu.active max [K]")
    assert [float(row[column]) for row in rows] == run.max[:, run.names.index("gpu.active")].tolist()


def test_json_has_the_documented_keys(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = summary(capsys, *TRACED, "--probe", "lid=3 mm, 4 mm, 1.3 mm", "--throttle", "gpu=60 degC")
    contract = (
        "package duration stacks parts blocks peak probes links energy throttling frames grid solver "
        "warnings seconds files"
    )
    assert set(found) == set(contract.split())
    assert found["package"] == "chip"
    assert found["duration"] == 0.04
    assert set(found["stacks"]) == {"plate", "gpu", "hbm.west", "hbm.east"}
    assert set(found["blocks"]) == {"gpu.active.core"}
    gpu = found["stacks"]["gpu"]
    assert set(gpu) == {"power", "error", "start", "max", "time", "end", "limit", "margin", "above"}
    assert gpu["limit"] == 358.15
    assert gpu["margin"] == gpu["limit"] - gpu["max"]
    assert found["stacks"]["plate"]["limit"] is found["stacks"]["plate"]["above"] is None
    assert set(found["peak"]) == {"part", "temperature", "error", "time"}
    hottest = max(part["max"] for part in found["parts"].values())
    assert found["peak"]["temperature"] == pytest.approx(hottest, abs=0.01)
    assert found["peak"]["part"].startswith("gpu.active")
    assert set(found["probes"]["lid"]) == {"start", "max", "time", "end"}
    assert set(found["energy"]) == {"made", "left", "stored", "imbalance"}
    assert found["energy"]["imbalance"] < 1e-6
    (throttle,) = found["throttling"]
    assert throttle["name"] == "gpu"
    assert throttle["changes"] > 0
    assert sum(throttle["seconds"].values()) == pytest.approx(0.04)
    assert set(found["grid"]) == {"cells", "active", "outside", "shape"}
    keys = {"scheme", "tolerance", "step", "steps", "rejected", "solves", "iterations"}
    keys |= {"shortest_step", "longest_step"}
    assert set(found["solver"]) == keys
    assert found["solver"]["tolerance"] == 1.0
    assert {"read", "mesh", "solve", "write", "plot"} == set(found["seconds"])
    assert found["files"] == ["chip_transient.vtkhdf", "chip_transient_history.csv", "chip_transient.png"]


def test_stack_powers_are_those_of_the_trace(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = summary(capsys, *TRACED, "--no-save")
    assert found["stacks"]["gpu"]["power"] == pytest.approx((5 * 10 + 30 * 10 + 8 * 20) / 40)
    assert found["stacks"]["hbm.west"]["power"] == pytest.approx(0.875)
    made = found["energy"]["made"]
    assert made == pytest.approx(0.04 * sum(stack["power"] for stack in found["stacks"].values()))
    assert found["files"] == files(here) == []


def test_without_a_trace_the_power_is_switched_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = summary(capsys, *RUN, "--duration", "20 ms", "--no-save")
    gpu = found["stacks"]["gpu"]
    assert gpu["power"] == pytest.approx(10.0)
    assert gpu["start"] == pytest.approx(298.15, abs=0.5)  # cold, but for the drop inside a heated cell
    assert gpu["end"] > gpu["start"] + 1.0
    steady = summary(capsys, *RUN, "--duration", "20 ms", "--no-save", "--initial", "steady")
    assert steady["stacks"]["gpu"]["end"] == pytest.approx(steady["stacks"]["gpu"]["start"], abs=0.01)
    warm = summary(capsys, *RUN, "--duration", "1 us", "--no-save", "--initial", "50 degC")
    assert warm["stacks"]["plate"]["start"] == pytest.approx(323.15, abs=0.1)


def test_fixed_steps_have_that_size(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fixed = ["--scheme", "implicit_euler", "--step", "1 ms"]
    assert main([*TRACED, *fixed]) == 0
    assert "of fixed size, their error not estimated" in capsys.readouterr().out
    assert np.allclose(np.diff(read_transient("chip_transient.vtkhdf").time), 1e-3)
    found = summary(capsys, *TRACED, "--scheme", "sdirk4", "--no-save")
    assert found["solver"]["scheme"] == "sdirk4"


def test_run_longer_than_its_trace_is_rejected(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRACED, "--duration", "1 s"]) == 2
    error_output = capsys.readouterr().err
    assert f"{TRACE_FILE}:5" in error_output
    assert "the trace ends at 40 ms, before 1 s" in error_output
    assert "E-TRACE" in error_output
    assert main([*TRACED, "--duration", "15 ms", "--no-save"]) == 0


def test_two_traces_are_combined(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("../descriptions/outside.csv").write_text("#! after: hold\ntime [s], cooling.bottom [degC]\n0, 45\n")
    both = summary(capsys, *TRACED, "--trace", "../descriptions/outside.csv", "--no-save")
    alone = summary(capsys, *TRACED, "--no-save")
    assert both["stacks"]["gpu"]["max"] == pytest.approx(alone["stacks"]["gpu"]["max"] + 20.0, abs=1.0)


def test_throttle_reduces_the_power(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    free = summary(capsys, *TRACED, "--no-save")
    held = summary(capsys, *TRACED, "--no-save", "--throttle", "gpu = 40 degC", "--throttle", "hbm=hbm")
    assert held["stacks"]["gpu"]["max"] < free["stacks"]["gpu"]["max"]
    assert held["energy"]["made"] < free["energy"]["made"]
    assert [each["name"] for each in held["throttling"]] == ["gpu", "hbm.west", "hbm.east"]
    assert held["throttling"][1]["first"] is None


def test_output_names_the_files_of_a_run(here: Path) -> None:
    assert main([*TRACED, "--output", "first.vtkhdf"]) == 0
    assert files(here) == ["first.png", "first.vtkhdf", "first_history.csv"]
    assert main([*TRACED, "--output", "runs"]) == 0
    assert files(here / "runs") == FILES


def test_transient_and_steady_files_do_not_collide(here: Path) -> None:
    assert main(["solve", CHIP_FILE, "--cell", "4 mm", "--no-estimate"]) == 0
    steady = {name: (here / name).read_bytes() for name in ("chip.png", "chip.vtkhdf")}
    assert main(TRACED) == 0
    assert files(here) == sorted([*steady, *FILES])
    assert {name: (here / name).read_bytes() for name in steady} == steady
    assert main(["solve", CHIP_FILE, "--cell", "4 mm", "--no-estimate"]) == 0
    assert read_transient("chip_transient.vtkhdf").time[-1] == 0.04


def test_other_files_are_not_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in FILES:
        (here / name).write_text("mine")
        assert main(TRACED) == 5
        assert f"{name} has another content than its name suggests" in capsys.readouterr().err
        assert files(here) == [name]
        (here / name).unlink()
    own = here / "chip_transient_history.csv"
    own.write_text("time [s],gpu [W]\n0,1\n1,1\n")
    assert main([*RUN, "--trace", str(own)]) == 5
    assert "is a trace of this run and is not overwritten; choose another --output" in capsys.readouterr().err
    assert main(TRACED) == 0  # its own history it may replace
    assert main(TRACED) == 0


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (RUN, '--duration: is required: there is no trace (as "10 s") [E-MISSING]'),
        ([*RUN, "--duration", "10"], '--duration: "10" has no unit'),
        ([*RUN, "--duration", "0 s"], '--duration: must be positive, got 0 s (as "10 ms") [E-RANGE]'),
        ([*RUN, "--duration=-1 s"], "--duration: must be positive, got -1 s"),
        ([*RUN, "--duration", "10 W"], "--duration"),
        ([*BARE, "--tolerance", "0 K"], "--tolerance: must be positive, got 0 K"),
        ([*BARE, "--tolerance", "0.1"], '--tolerance: "0.1" has no unit'),
        ([*BARE, "--tolerance", "1 W"], "--tolerance"),
        ([*TRACED, "--step", "-1 ms"], "--step"),
        ([*TRACED, "--step", "0 s"], '--step: must be positive, got 0 s (as "10 ms") [E-RANGE]'),
        ([*TRACED, "--step", "nan ms"], "--step"),
        ([*TRACED, "--step", "fast"], "--step"),
        ([*RUN, "--duration", "nan s"], "--duration"),
        ([*RUN, "--duration", "inf s"], "--duration"),
        ([*TRACED, "--scheme", "rk4"], "sdirk3"),
        (
            [*TRACED, "--scheme", "implicit_euler"],
            "--scheme: implicit_euler does not estimate its error (set the step size, as --step",
        ),
        (
            [*TRACED, "--initial", "cold"],
            "--initial: unknown initial condition 'cold' (steady, outside, or a temperature",
        ),
        ([*TRACED, "--initial", "25"], '--initial: "25" has no unit'),
        ([*TRACED, "--initial=-300 degC"], "--initial"),
        (
            [*TRACED, "--frames", "1"],
            "--frames: the number of frames must be 2 to 100000, with the first and the last, got '1'",
        ),
        (
            [*TRACED, "--frames", "every 1 ns"],
            "must be 2 to 100000, with the first and the last, got 'every 1 ns'",
        ),
        ([*TRACED, "--frames", "every 0 s"], "--frames: must be positive, got 0 s"),
        ([*TRACED, "--frames", "every"], "--frames"),
        ([*TRACED, "--frames", "10 ms, 50 ms"], "--frames: 50 ms is outside the run of 40 ms"),
        ([*TRACED, "--frames", "often"], "--frames"),
        (
            [*TRACED, "--probe", "lid"],
            "--probe: 'lid' is not a name with three coordinates (write name=x,y,z",
        ),
        ([*TRACED, "--probe", "lid=1 mm, 2 mm"], "is not a name with three coordinates"),
        ([*TRACED, "--probe", "lid=1, 2 mm, 3 mm"], '--probe: "1" has no unit'),
        (
            [*TRACED, "--probe", "a=1 mm,1 mm,1 mm", "--probe", "a=1 mm,2 mm,1 mm"],
            "--probe: 'a' is given twice",
        ),
        (
            [*TRACED, "--probe", "lid=1 mm, 1 mm, 1.2 mm"],
            "lid at 1 mm, 1 mm, 1.2 mm is outside the body (the package extends from 0 to 12 mm x 8 mm",
        ),
        ([*TRACED, "--probe", "lid=1 mm, 1 mm, 1 m"], "is outside the body"),
        (
            [*TRACED, "--throttle", "gpu"],
            "--throttle: 'gpu' is not stack=temperature (write stack=temperature",
        ),
        ([*TRACED, "--throttle", "gpu=105"], '--throttle: "105" has no unit'),
        (
            [*TRACED, "--throttle", "gpu=hmb"],
            "--throttle: unknown throttle 'hmb' (did you mean hbm?)",
        ),
        (
            [*TRACED, "--throttle", "gpp=90 degC"],
            "--throttle: 'gpp' has no heat source (did you mean gpu?)",
        ),
        ([*TRACED, "--throttle", "plate=90 degC"], "--throttle: 'plate' has no heat source"),
        (
            [*TRACED, "--throttle", "gpu=gpu", "--throttle", "gpu=90 degC"],
            "--throttle: 'gpu' is given twice",
        ),
        (
            [*TRACED, "--throttle", "hbm=hbm", "--throttle", "hbm.west=hbm"],
            "--throttle: 'hbm.west' is given twice",
        ),
        ([*TRACED, "--resume", "--no-save"], "--resume: needs the files that --no-save does not write"),
        (
            [*TRACED, "--resume", "--overwrite"],
            "--resume: continues an unfinished run, which --overwrite discards (omit one of them)",
        ),
        ([*TRACED, "--checkpoint", "0 s"], "--checkpoint: must be positive, got 0 s"),
        ([*BARE, "--threads", "0"], "--threads: must be from 1 to 1024, got 0"),
        ([*RUN, "--trace", "../descriptions/lod.csv"], "did you mean load.csv?"),
        ([*TRACED, "--trace", TRACE_FILE], "both set the power of"),
        (["transient", CHIP_FILE, "--trace", TRACE_FILE, "--cell", "1"], "--cell"),
        (["transient", "chp.yaml", "--trace", TRACE_FILE], "chp.yaml"),
        (["transient"], "requires an argument"),
    ],
)
def test_wrong_option_is_explained(
    arguments: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed, logged = capsys.readouterr()
    assert printed == ""
    assert message in logged
    assert "Traceback" not in logged
    assert files(here) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("time [ms], gpu [W]\n0, 5\n10, x\n", "load.csv:3:5: gpu: "),
        ("time [ms], gpu [W]\n0, 5\n10, 5\n5, 5\n", "load.csv:4:1: time: 5 ms comes after 10 ms"),
        ("time [ms], gpuu [W]\n0, 5\n10, 5\n", "did you mean gpu?"),
        ("time [ms], gpu [W]\n0, -5\n10, 5\n", "is negative"),
        ("time [ms], gpu [W]\n0, 5\n", "--duration: is required: the trace has one row only, at 0 s"),
        ("time [ms], gpu [W]\n5, 5\n10, 5\n", "the trace begins at 5 ms"),
        ("#! after: hold\ntime [ms], gpu [W]\n0, 5\n", "--duration: is required: no trace ends"),
    ],
)
def test_wrong_trace_is_reported_with_its_line(
    content: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(TRACE_FILE).write_text(content)
    assert main(TRACED) == 2
    assert message in capsys.readouterr().err
    assert files(here) == []


def test_package_without_heat_capacity_is_rejected(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path(CHIP_FILE).write_text(
        CHIP.replace("material: copper", "material: bare") + "materials: {bare: {conductivity: 100 W/m/K}}\n"
    )
    assert main(TRACED) == 2
    error_output = capsys.readouterr().err
    assert "materials.bare: the material of plate.copper has no heat capacity" in error_output
    assert "E-MISSING" in error_output
    assert files(here) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConvergenceError("stalled", [1.0]), 3), (OutputError("disk full"), 5), (RuntimeError("a bug"), 1)],
)
@pytest.mark.parametrize(
    "place", ["transient.simulation.Simulation.__init__", "io.results.history_files.write_history_csv"]
)
def test_every_error_has_its_exit_code(
    error: Exception, code: int, place: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(f"thermostack.{place}", fail)
    assert main([*TRACED, "--json"]) == code
    printed, logged = capsys.readouterr()
    assert printed == ""
    assert str(error) in logged
    assert files(here) == (["chip_transient.vtkhdf"] if "history" in place else [])


# -- interrupted and resumed ---------------------------------------------------------------------


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int, error: type[BaseException] | None = None) -> None:
    """Send a signal to this process after a number of steps, or raise an error within the next step."""
    from thermostack.transient import simulation

    made = [0]
    step = simulation.Simulation._advance_step

    def counted(self: Any, edge: float) -> None:
        made[0] += 1
        if made[0] == steps:
            if error is not None:
                raise error
            os.kill(os.getpid(), signal.SIGTERM)
        step(self, edge)

    monkeypatch.setattr(simulation.Simulation, "_advance_step", counted)


def count_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list with the number of steps from now on."""
    from thermostack.transient import simulation

    made, step = [0], simulation.Simulation._advance_step

    def counted(self: Any, edge: float) -> None:
        made[0] += 1
        step(self, edge)

    monkeypatch.setattr(simulation.Simulation, "_advance_step", counted)
    return made


def numbers_of(path: str = "chip_transient.vtkhdf") -> dict[str, Any]:
    """Return all numbers of a transient result, arrays as bytes."""
    run = read_transient(path)
    arrays = {"frames": np.asarray(run.frames), "field": run.field, "energy": run.energy, **run.probes}
    arrays |= {name: getattr(run, name) for name in ("time", "min", "mean", "max", "power")}
    assert run.report is not None
    numbers = {name: array.tobytes() for name, array in arrays.items()}
    work = (run.report.steps, run.report.rejected, run.report.solves, run.report.iterations)
    return {**numbers, "work": work, "throttling": run.throttling}


WHOLE = [
    *TRACED,
    "--frames",
    "every 5 ms",
    "--throttle",
    "gpu=40 degC",
    "--probe",
    "p=3 mm, 4 mm, 1.3 mm",
]


@pytest.mark.parametrize("steps", [2, 9, 18])
def test_run_interrupted_between_steps_resumes_there(
    steps: int, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WHOLE, "--output", "whole.vtkhdf"]) == 0
    with monkeypatch.context() as patch:
        stop_after(patch, steps)
        capsys.readouterr()
        assert main(WHOLE) == 130
    printed, logged = capsys.readouterr()
    assert printed == ""
    assert (
        "chip_transient.checkpoint holds the state of the run: to continue, repeat the command with --resume"
        in logged
    )
    assert logged.endswith("interrupted\n")
    assert {"chip_transient.checkpoint", "chip_transient.partial.vtkhdf", "chip_transient.rows"} < set(
        files(here)
    )
    first = read_stored_frames("chip_transient.partial.vtkhdf")[0]
    assert 1 <= len(first) < 9
    made = count_steps(monkeypatch)
    assert main([*WHOLE, "--resume"]) == 0
    report = read_transient("chip_transient.vtkhdf").report
    assert report is not None
    assert made[0] == report.steps - steps  # none was made twice
    assert numbers_of() == numbers_of("whole.vtkhdf")
    assert Path("chip_transient_history.csv").read_bytes() == Path("whole_history.csv").read_bytes()
    left = [name for name in files(here) if not name.startswith("whole")]
    assert left == FILES


def test_interrupt_within_a_step_keeps_the_last_state(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WHOLE, "--output", "whole.vtkhdf"]) == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 12, KeyboardInterrupt)
        assert main(WHOLE) == 130
    assert "repeat the command with --resume" in capsys.readouterr().err
    assert main([*WHOLE, "--resume"]) == 0
    assert numbers_of() == numbers_of("whole.vtkhdf")


def test_failed_run_can_be_resumed(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WHOLE, "--output", "whole.vtkhdf"]) == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 12, MemoryError)
        assert main([*WHOLE, "--checkpoint", "1 us"]) == 4
    assert main([*WHOLE, "--resume"]) == 0
    assert numbers_of() == numbers_of("whole.vtkhdf")


def test_long_step_is_interrupted(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signal arrives during a step that sleeps."""
    from thermostack.transient import simulation

    make_step, made = simulation.Simulation._advance_step, [0]
    returned: list[bool] = []

    def stuck(self: Any, edge: float) -> None:
        made[0] += 1
        if made[0] == 6:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(120.0)
            returned.append(True)
        make_step(self, edge)

    with monkeypatch.context() as patch:
        patch.setattr(simulation.Simulation, "_advance_step", stuck)
        assert main([*TRACED, "--checkpoint", "1 us"]) == 130
        assert not returned
    assert "repeat the command with --resume" in capsys.readouterr().err
    assert main([*TRACED, "--resume"]) == 0
    assert main([*TRACED, "--output", "whole.vtkhdf"]) == 0
    assert numbers_of() == numbers_of("whole.vtkhdf")


def test_interrupt_without_files_has_no_hint_to_resume(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop_after(monkeypatch, 5)
    assert main([*WHOLE, "--no-save"]) == 130
    assert "--resume" not in capsys.readouterr().err
    assert files(here) == []


def test_unfinished_run_is_overwritten_on_request_only(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 9)
        assert main(TRACED) == 130
    found = find_unfinished("chip_transient.vtkhdf")
    assert found is not None
    state, time = found
    assert state == Path("chip_transient.checkpoint")
    assert 0.0 < time < 0.04
    Path("link.vtkhdf").symlink_to("chip_transient.vtkhdf")
    assert find_unfinished("link.vtkhdf") == (state.resolve(), time)
    Path("link.vtkhdf").unlink()
    moment = datetime(2024, 2, 29, 23, 58, 30).astimezone().timestamp()
    os.utime(state, (moment, moment))
    left = {name: (here / name).read_bytes() for name in files(here)}
    capsys.readouterr()
    assert main(TRACED) == 2
    printed, error_output = capsys.readouterr()
    assert printed == ""
    assert (
        f"\nchip_transient.checkpoint: an unfinished run stopped at {format_quantity(time, 'time')}"
        in error_output
    )
    assert "on 2024-02-29 23:58 (continue it with --resume, discard it with --overwrite" in error_output
    assert "[E-UNFINISHED]" in error_output
    assert main([*TRACED, "--duration", "10 ms"]) == 2  # another run would drop it, too
    assert {name: (here / name).read_bytes() for name in files(here)} == left
    assert main([*TRACED, "--no-save"]) == 0
    assert main([*TRACED, "--output", "other.vtkhdf"]) == 0
    made = count_steps(monkeypatch)
    assert main([*TRACED, "--overwrite"]) == 0
    report = read_transient("chip_transient.vtkhdf").report
    assert report is not None
    assert made[0] == report.steps  # from the start
    assert numbers_of() == numbers_of("other.vtkhdf")
    assert find_unfinished("chip_transient.vtkhdf") is None
    assert main([*TRACED, "--overwrite"]) == 0  # there is nothing to drop


@pytest.mark.parametrize("left", ["nothing", "damage", "a start"])
def test_checkpoint_without_progress_is_overwritten(
    left: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Path("chip_transient.checkpoint")
    if left == "a start":
        with monkeypatch.context() as patch:
            stop_after(patch, 1, MemoryError)
            assert main(TRACED) == 4
        assert find_unfinished("chip_transient.vtkhdf") == (state, 0.0)
    elif left == "damage":
        state.write_text("damage")
        assert find_unfinished("chip_transient.vtkhdf") is None
    assert main(TRACED) == 0
    assert files(here) == FILES


def test_resume_without_a_checkpoint_starts_a_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRACED, "--resume"]) == 0
    assert "is complete" not in capsys.readouterr().err
    first = numbers_of()
    stamp = Path("chip_transient.vtkhdf").stat().st_mtime_ns
    assert main([*TRACED, "--resume"]) == 0  # it has come to its end: told once more
    assert "chip_transient.vtkhdf is complete: the run had finished" in capsys.readouterr().err
    assert Path("chip_transient.vtkhdf").stat().st_mtime_ns == stamp
    assert numbers_of() == first


@pytest.mark.parametrize(
    "other",
    [["--tolerance", "0.5 K"], ["--frames", "3"], ["--initial", "outside"], ["--duration", "39 ms"]],
    ids=lambda other: other[0],
)
def test_run_with_other_options_does_not_resume(
    other: list[str], here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        assert main(TRACED) == 130
    capsys.readouterr()
    assert main([*(BARE if "--tolerance" in other else TRACED), *other, "--resume"]) == 2
    logged = capsys.readouterr().err
    assert "the checkpoint is of another run with other loads or options" in logged
    assert "start again with --overwrite" in logged
    assert main([*TRACED, "--set", "stacks.gpu.limit=80 degC", "--resume"]) == 2
    assert "the checkpoint is of another model" in capsys.readouterr().err
    moved = Path(TRACE_FILE).rename("../descriptions/moved.csv")  # the same trace, wherever it is
    assert main([*RUN, "--trace", str(moved.resolve()), "--resume"]) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_signal_stops_a_running_process(number: signal.Signals, here: Path) -> None:
    endless = [*RUN, "--duration", "1 h", "--step", "1 ms", "--initial", "outside"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = start(command_line(*endless), env=environment)
    deadline = time.monotonic() + 60.0
    while not (here / "chip_transient.checkpoint").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(number)
    _, logged = process.communicate(timeout=30)  # the run takes longer
    assert process.returncode == 130
    assert "repeat the command with --resume" in logged
    assert "Traceback" not in logged
    assert files(here) == [
        "chip_transient.checkpoint",
        "chip_transient.partial.vtkhdf",
        "chip_transient.rows",
    ]


# -- values of options ---------------------------------------------------------------------------


def test_frames_by_interval_by_count_or_by_times() -> None:
    assert read_frames(None, 1.0) == []
    assert read_frames("every 0.1 s", 0.3) == [0.1, 0.2]
    assert read_frames("every 0.1 s", 0.35) == pytest.approx([0.1, 0.2, 0.3])
    assert read_frames("every 1 s", 0.5) == []
    assert read_frames("2", 1.0) == []
    assert read_frames("5", 2.0) == [0.5, 1.0, 1.5]
    assert read_frames(" 5 ms ,0 s, 1 s", 1.0) == [0.005, 0.0, 1.0]
    assert len(read_frames("every 0.7 ms", 0.7)) == 999  # none a rounding before the end


def test_initial_is_a_word_or_a_temperature() -> None:
    assert read_initial("steady") == "steady"
    assert read_initial("outside") == "outside"
    assert read_initial("25 degC") == 298.15
    assert read_initial("300 K") == 300.0
    assert read_initial("gpu=80 degC, outside") == {"gpu": 353.15, "*": "outside"}
    assert read_initial("steady, hbm.west = 60 degC") == {"*": "steady", "hbm.west": 333.15}


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        ("gpu=80", '--initial: "80" has no unit'),
        ("gpu=80 degC, hot", "--initial: unknown initial condition 'hot'"),
        ("gpu=80 degC, gpu=70 degC", "--initial: 'gpu' is given twice"),
        ("gpu=80 degC, 25 degC, outside", "--initial: two temperatures have no name"),
        ("=80 degC", "--initial: '=80 degC' has no name"),
        ("gpu=-300 degC", "below absolute zero"),
        ("gpv=80 degC", "initial: no stack or part is named 'gpv' (did you mean gpu?)"),
    ],
)
def test_wrong_initial_temperature_by_name(
    initial: str, message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["transient", CHIP_FILE, *FAST, "--duration", "1 ms", "--initial", initial]) == 2
    assert message in capsys.readouterr().err
    assert files(here) == []


def test_initial_temperature_by_stack_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--duration", "1 us", "--initial", "gpu=80 degC, hbm=60 degC, outside", "--no-save", "--json"]
    assert main(["transient", CHIP_FILE, *FAST, *options]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    for name, value in (("gpu.bulk", 353.15), ("hbm.west.bulk", 333.15), ("hbm.east.bulk", 333.15)):
        assert parts[name]["end"] == pytest.approx(value, abs=2.0), name


def test_default_duration_ends_with_the_first_trace() -> None:
    from thermostack import Trace

    long, short = (Trace.of([0.0, end], {"gpu": [1.0, 1.0]}) for end in (2.0, 1.5))
    held = Trace.of([0.0, 0.1], {"gpu": [1.0, 1.0]}, after="hold")
    assert read_duration(None, [long, held, short]) == 1.5
    assert read_duration("3 s", [long]) == 3.0
    with pytest.raises(DescriptionError, match="no trace ends"):
        read_duration(None, [held])


def test_probes_and_throttles_by_name() -> None:
    assert read_probes(["a = 1 mm, 2mm,3 um"]) == {"a": (1e-3, 2e-3, 3e-6)}
    assert read_throttles(["gpu = 105degC", "hbm=hbm"]) == {"gpu": 378.15, "hbm": "hbm"}
    model = discretize(read_package(CHIP_FILE), 4e-3)
    gpu, west, east = find_throttles({"gpu": 378.15, "hbm": "hbm"}, model)
    assert (gpu.stack, gpu.limit) == ("gpu", 378.15)
    assert [west.stack, east.stack] == ["hbm.west", "hbm.east"]
    assert west.states[1].limit == 358.15
    (usual,) = find_throttles({"gpu": "gpu"}, model)
    assert usual.limit == 362.15
    assert find_throttles({"gpu": "mi100"}, model)[0].limit == 373.15
    (one,) = find_throttles({"hbm.east": "hbm"}, model)
    assert one.stack == "hbm.east"


@pytest.fixture(autouse=True)
def _handlers_are_restored(default_signals: None) -> Iterator[None]:
    """Check that a command restores the signal handlers."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    assert [signal.getsignal(number) for number in numbers] == before
