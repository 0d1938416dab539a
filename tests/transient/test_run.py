"""A workload played to its end: what is kept of it, in memory and in a file, and how it is gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.small_workloads import AMBIENT, pulses, workload_model, workload_package

from thermostack import (
    ArgumentError,
    DescriptionError,
    Governor,
    Simulation,
    Trace,
    TransientResult,
    gpu_throttle,
    read_transient,
    solve_transient,
)
from thermostack.finite_volume.heat_capacity import assemble_capacity
from thermostack.units import celsius, mm, ms

pytestmark = pytest.mark.usefixtures("in_this_process")
MODEL = workload_model()
END = 0.08  # s
PROBES = {"die": (2 * mm, 2 * mm, 1.3 * mm), "board": (0.0, 0.0, 0.0)}
TIMES = (0.05, 0.01, 0.02)


def play(duration: float = END, **options: Any) -> TransientResult:
    usual = {"loads": pulses(), "threads": 1, "tolerance": 0.1}
    return solve_transient(MODEL, duration, **{**usual, **options})


def same(one: TransientResult, other: TransientResult) -> bool:
    """Return whether two runs have the same numbers, bit for bit, but for the seconds they took."""
    for field in fields(TransientResult):
        if field.name in ("model", "report"):
            continue
        mine, yours = getattr(one, field.name), getattr(other, field.name)
        if field.name == "probes":
            assert list(mine) == list(yours)
            mine, yours = np.array(list(mine.values())), np.array(list(yours.values()))
        if field.name == "frames":
            mine, yours = np.asarray(mine), np.asarray(yours)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == yours.dtype, field.name
            assert mine.tobytes() == yours.tobytes(), field.name
        else:
            assert mine == yours, field.name
    assert one.report is not None
    assert other.report is not None
    counts = ("scheme", "tolerance", "step", "steps", "rejected", "solves", "iterations")
    assert [getattr(one.report, name) for name in counts] == [getattr(other.report, name) for name in counts]
    return True


@pytest.fixture(scope="module")
def run() -> TransientResult:
    return play(times=TIMES, probes=PROBES, initial="outside")


# -- what is kept --------------------------------------------------------------------------------


def test_rows_span_start_to_end(run: TransientResult) -> None:
    assert run.time[0] == 0.0
    assert run.time[-1] == END
    assert (np.diff(run.time) > 0.0).all()
    start = Simulation(MODEL, pulses(), initial="outside", threads=1)
    assert np.array_equal(run.frames[0], start.field.astype(np.float32), equal_nan=True)
    members = start.temperatures()
    assert run.max[0].tolist() == [members[name].max for name in run.names]
    assert run.power[0].tolist() == [members[name].power for name in run.names]
    assert run.energy[0].tolist() == [0.0, 0.0, 0.0]


def test_every_step_has_a_row_of_all_members(run: TransientResult) -> None:
    assert run.report is not None
    n = run.report.steps + 1
    assert run.names == (*(part.name for part in MODEL.parts), "die.active.left", "die.active.right")
    for values in (run.min, run.mean, run.max, run.power):
        assert values.shape == (n, len(run.names))
    assert run.time.shape == (n,)
    assert run.energy.shape == (n, 3)
    assert (run.min <= run.mean + 1e-9).all()
    assert (run.mean <= run.max + 1e-9).all()


def test_power_holds_from_each_time_on(run: TransientResult) -> None:
    die = run.of("die").power
    for time, watts in ((0.0, 5.0), (0.02, 30.0), (0.04, 30.0), (0.05, 5.0), (END, 5.0)):
        assert die[run.time == time] == pytest.approx([watts])
    between = (run.time >= 0.02) & (run.time < 0.05)
    assert die[between] == pytest.approx(30.0)
    assert die[~between] == pytest.approx(5.0)
    left, right = (run.of(f"die.active.{side}").power for side in ("left", "right"))
    assert left == pytest.approx(0.7 * die)
    assert left + right == pytest.approx(run.of("die.active").power)


def test_frames_are_fields_at_requested_times_start_and_end(run: TransientResult) -> None:
    assert run.frame_time.tolist() == [0.0, 0.01, 0.02, 0.05, END]
    assert run.frames.shape == (5, *MODEL.grid.shape)
    assert run.frames.dtype == np.float32
    assert np.array_equal(np.isnan(run.frames[2]), MODEL.part == 0)
    assert np.array_equal(run.frames[-1], run.field.astype(np.float32), equal_nan=True)
    assert {0.01, 0.02, 0.05} < set(run.time.tolist())
    simulation = Simulation(MODEL, pulses(), initial="outside", tolerance=0.1, threads=1)
    for time, frame in zip(run.frame_time, run.frames, strict=True):
        simulation.advance(float(time))
        assert np.array_equal(frame, simulation.field.astype(np.float32), equal_nan=True)


def test_duplicate_time_gives_one_frame() -> None:
    found = play(0.01, times=[0.0, 0.005, 0.005, 0.01])
    assert found.frame_time.tolist() == [0.0, 0.005, 0.01]


def test_probes_are_recorded_at_every_step(run: TransientResult) -> None:
    assert list(run.probes) == ["die", "board"]
    bulk = run.names.index("die.bulk")
    assert (run.probes["die"] <= run.max[:, bulk] + 1e-9).all()
    assert (run.probes["die"] >= run.min[:, bulk] - 1e-9).all()
    assert run.probes["die"][-1] > run.probes["board"][-1]


def test_probe_outside_the_body_is_refused() -> None:
    for position in ((0.5 * mm, 0.5 * mm, 1.2 * mm), (1.0, 1.0, 1.0)):  # in a void, and outside the grid
        with pytest.raises(ArgumentError, match=r"probes: void at .* is outside the body .*\[E-OUTSIDE\]"):
            play(0.01, probes={"void": position})


def test_mean_of_a_stack_is_over_its_volume(run: TransientResult) -> None:
    """As the mean of a stack of a steady result and of a simulation."""
    found = Simulation(run.model, pulses(), initial=run.field, time=END, threads=1).temperatures()
    names = [name for name in run.names if name.startswith("die.") and name.count(".") == 1]
    volumes = [found[name].volume for name in names]
    means = [run.mean[-1, run.names.index(name)] for name in names]
    assert run.of("die").mean[-1] == pytest.approx(np.average(means, weights=volumes), rel=1e-12)
    assert found["die"].mean == pytest.approx(
        np.average([found[name].mean for name in names], weights=volumes), rel=1e-12
    )
    assert run.of("die").mean[-1] < run.mean[-1, run.names.index("die.active")]


def test_energy_balance_closes(run: TransientResult) -> None:
    made = 5.0 * 0.02 + 30.0 * 0.03 + 5.0 * 0.03 + 2.0 * 0.04 + 4.0 * 0.04
    assert run.energy[-1, 0] == pytest.approx(made, rel=1e-9)
    assert run.imbalance < 1e-6
    assert (np.diff(run.energy[:, 0]) > 0.0).all()
    rise = run.field - run.frames[0].astype(float)
    stored = float(np.nansum(assemble_capacity(MODEL) * rise))
    assert run.energy[-1, 2] == pytest.approx(stored, rel=1e-5)  # the frame is float32


def test_peak_is_the_maximum(run: TransientResult) -> None:
    assert run.peak == run.max.max()
    die = run.of("die")
    assert die.hottest == run.peak
    assert die.when == 0.05
    with pytest.raises(KeyError, match="did you mean die"):
        run.of("dye")


def test_temperature_is_a_labelled_array(run: TransientResult) -> None:
    t = run.temperature
    assert t.dims == ("time", "z", "y", "x")
    assert t.time.values.tolist() == run.frame_time.tolist()
    assert t.attrs["units"] == "K"
    place = {"x": 2.5 * mm, "y": 2.5 * mm, "z": 1.2 * mm}
    warm = t.sel(time=0.05, **place, method="nearest").item()
    assert AMBIENT < warm < run.peak


def test_table_and_figure(run: TransientResult, tmp_path: Path) -> None:
    assert "die" in run.table()
    assert "memory" not in run.table(names=["die"])
    run.plot(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 1000


def test_progress_is_called_after_every_step() -> None:
    reported: list[tuple[float, float, float]] = []
    found = play(0.05, progress=lambda *values: reported.append(values))
    assert [time for time, _, _ in reported] == found.time[1:].tolist()
    assert [peak for _, _, peak in reported] == found.max[1:].max(axis=1).tolist()


def test_package_is_discretized() -> None:
    found = solve_transient(workload_package(), 1e-3, tolerance=1.0, threads=1)
    assert found.package.name == "workload"
    assert found.peak == pytest.approx(found.max[0].max(), abs=0.1)  # steady under the drawn power


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration", "options", "said"),
    [
        (0.0, {}, "duration: 0 ms is not greater than zero"),
        (-1.0, {}, "duration: -1 s is not greater than zero"),
        (float("nan"), {}, "duration: nan is not a finite time"),
        (float("inf"), {}, "duration: inf is not a finite time"),
        (0.01, {"times": [0.02]}, "a frame at 0.02 s is not between the start and 0.01 s"),
        (0.01, {"times": [-1e-9]}, "is not between the start"),
        (0.01, {"times": [float("nan")]}, "a frame at nan s"),
        (0.01, {"scheme": "rk4"}, "scheme: 'rk4' is not a scheme"),
        (0.01, {"scheme": "implicit_euler"}, "give the length of its steps"),
        (0.01, {"initial": "cold"}, "initial: 'cold' is not an initial temperature"),
        (0.01, {"tolerance": 0.0}, "greater than zero"),
    ],
)
def test_invalid_argument_raises(duration: float, options: dict[str, Any], said: str, tmp_path: Path) -> None:
    for path in (None, tmp_path / "run.vtkhdf"):
        with pytest.raises(ValueError, match=said):
            play(duration, path=path, **options)
    assert os.listdir(tmp_path) == []


def test_trace_shorter_than_the_run_raises() -> None:
    short = Trace.of([0.0, 0.01], {"die": [5.0, 5.0]})
    with pytest.raises(DescriptionError, match="the trace ends at 10 ms"):
        play(loads=short)


# -- in a file -----------------------------------------------------------------------------------


def test_result_in_a_file_equals_result_in_memory(run: TransientResult, tmp_path: Path) -> None:
    path = tmp_path / "run.vtkhdf"
    found = play(times=TIMES, probes=PROBES, initial="outside", path=path)
    assert same(found, run)
    assert same(read_transient(path), run)
    assert os.listdir(tmp_path) == ["run.vtkhdf"]


def test_saved_result_is_read_back_unchanged(run: TransientResult, tmp_path: Path) -> None:
    run.save(tmp_path / "saved.vtkhdf")
    assert same(read_transient(tmp_path / "saved.vtkhdf"), run)
    again = read_transient(tmp_path / "saved.vtkhdf")
    again.save(tmp_path / "again.vtkhdf")
    assert same(read_transient(tmp_path / "again.vtkhdf"), run)


class Stop(Exception):
    """Raised to end a run in the middle."""


def stop_at(steps: int) -> Callable[[float, float, float], None]:
    left = [steps]

    def stop(time: float, step: float, peak: float) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Stop

    return stop


THROTTLE = gpu_throttle("die", celsius(40.0), period=2 * ms, dwell=4 * ms, hysteresis=1.0)
WHOLE: dict[str, Any] = {"times": TIMES, "probes": PROBES, "controllers": [THROTTLE]}


@pytest.fixture(scope="module")
def throttled() -> TransientResult:
    return play(**WHOLE)


@pytest.mark.parametrize("steps", [1, 13, 29, 40])
def test_failed_run_resumes_to_the_same_bits(steps: int, throttled: TransientResult, tmp_path: Path) -> None:
    path = tmp_path / "run.vtkhdf"
    with pytest.raises(Stop):
        play(**WHOLE, path=path, checkpoint=0.0, progress=stop_at(steps))
    assert (tmp_path / "run.checkpoint").exists()
    reported: list[float] = []
    found = play(**WHOLE, path=path, resume=True, progress=lambda time, *_: reported.append(time))
    assert same(found, throttled)
    assert reported == throttled.time[steps:].tolist()  # what had been done was not done again
    assert os.listdir(tmp_path) == ["run.vtkhdf"]


def test_repeatedly_stopped_run_resumes_to_the_same_bits(throttled: TransientResult, tmp_path: Path) -> None:
    path = tmp_path / "run.vtkhdf"
    stops = 0
    while not path.exists():
        try:
            play(**WHOLE, path=path, checkpoint=0.0, resume=True, progress=stop_at(7))
        except Stop:
            stops += 1
    assert stops > 5
    assert same(read_transient(path), throttled)


def test_resume_without_checkpoint_starts(run: TransientResult, tmp_path: Path) -> None:
    path = tmp_path / "run.vtkhdf"
    made = play(times=TIMES, probes=PROBES, initial="outside", path=path, resume=True)
    assert same(made, run)
    reported: list[float] = []
    again = play(
        times=TIMES, probes=PROBES, initial="outside", path=path, resume=True,
        progress=lambda time, *_: reported.append(time),
    )  # fmt: skip
    assert same(again, run)
    assert reported == []


@pytest.mark.parametrize(
    "other",
    [
        {"duration": 0.07},
        {"tolerance": 0.05},
        {"scheme": "sdirk4"},
        {"step": 1e-3},
        {"initial": 300.0},
        {"times": (0.01,)},
        {"probes": {"die": (2 * mm, 2 * mm, 1.2 * mm)}},
        {"controllers": ()},
        {"controllers": [gpu_throttle("die", celsius(41.0), period=2 * ms, dwell=4 * ms, hysteresis=1.0)]},
        {"loads": Trace.constant({"die": 5.0})},
        {"method": "direct"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_checkpoint_of_another_run_raises(other: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "run.vtkhdf"
    with pytest.raises(Stop):
        play(**WHOLE, path=path, checkpoint=0.0, progress=stop_at(3))
    before = (tmp_path / "run.checkpoint").read_bytes()
    with pytest.raises(DescriptionError, match="the checkpoint is of another run"):
        play(**{**WHOLE, **other}, path=path, resume=True)
    windy = workload_model(top=3e3)
    with pytest.raises(DescriptionError, match="the checkpoint is of another model"):
        solve_transient(windy, END, pulses(), **WHOLE, path=path, resume=True)
    assert (tmp_path / "run.checkpoint").read_bytes() == before


# -- controllers ---------------------------------------------------------------------------------


def test_throttle_acts_at_its_periods_and_is_logged(throttled: TransientResult) -> None:
    (did,) = throttled.throttling
    assert did.changes > 2
    for time in did.times:
        assert time / 0.002 == pytest.approx(round(time / 0.002), abs=1e-6)
    free = play(times=TIMES)
    assert throttled.peak < free.peak
    assert throttled.energy[-1, 0] < free.energy[-1, 0]
    assert throttled.imbalance < 1e-6
    drawn, at = 30.0, (throttled.time > 0.0201) & (throttled.time < 0.0499)
    assert set(np.round(throttled.of("die").power[at] / drawn, 3)) <= {
        1.0, *(round(0.2 + 0.8 * clock**3, 3) for clock in (0.9, 0.8, 0.7, 0.6, 0.5)),
    }  # fmt: skip


def test_controller_receives_present_temperatures() -> None:
    reported: list[tuple[float, float]] = []

    def listen(time: float, temperatures: Any) -> dict[str, float]:
        reported.append((time, temperatures["die"].max))
        return {}

    found = play(0.06, controllers=[Governor(listen, 10 * ms)])
    assert [time for time, _ in reported] == pytest.approx([0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    die = found.of("die").peak
    for time, peak in reported:
        assert die[int(np.argmin(np.abs(found.time - time)))] == peak
    assert same(found, play(0.06, controllers=[Governor(listen, 10 * ms)]))


def test_control_time_that_rounds_to_the_end_is_the_end() -> None:
    reported: list[float] = []

    def listen(time: float, temperatures: Any) -> dict[str, float]:
        reported.append(time)
        return {}

    assert 3 * 0.1 > 0.3
    play(0.3, tolerance=5.0, controllers=[Governor(listen, 0.1)])
    assert reported == [0.0, 0.1, 0.2, 0.3]


def test_no_step_has_the_length_of_a_rounding() -> None:
    """Beats at n 2 ms, frames at n 6 ms and jumps of the trace meet but for roundings."""
    found = play(
        0.06,
        loads=Trace.duty_cycle("die", 30.0, 0.006, 0.5),
        controllers=[THROTTLE],
        times=[n * 0.006 for n in range(1, 10)],
    )
    steps = np.diff(found.time)
    assert (steps[steps > 1e-12] > 1e-8).all()
