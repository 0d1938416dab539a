"""Zoom of transients: the boundary follows the frames of the global run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import thermostack as ts
from tests.support.via_pieces import UM, middle_box, via_piece

END = 2e-4  # s
TIMES = np.linspace(0.0, END, 21)[1:-1].tolist()
CELL = (10 * UM, 10 * UM, 10 * UM)


@pytest.fixture(scope="module")
def step() -> ts.Trace:
    """Return a pulse of power of the hot block."""
    return ts.Trace.of([0.0, 1e-4, 1.0], {"die.active.hot": [0.2, 0.05, 0.05]})


@pytest.fixture(scope="module")
def run(step: ts.Trace) -> ts.TransientResult:
    model = ts.discretize(via_piece(9), cell=CELL)
    return ts.solve_transient(model, END, step, initial="outside", tolerance=0.02, times=TIMES)


def test_local_run_on_the_same_cells_follows_the_global_one(run: ts.TransientResult, step: ts.Trace) -> None:
    """Temperatures at the frames agree, before and after the jump of the power."""
    local = run.zoom(middle_box(9, 5.0), loads=step, cell=CELL, tolerance=0.02)
    assert local.time[-1] == pytest.approx(END)
    assert local.imbalance < 1e-6
    assert np.array_equal(local.frame_time, run.frame_time)
    rise = run.of("die.active.hot").peak.max() - 300.0
    for time in (2e-5, 1e-4, 1.5e-4, END):
        both = [np.interp(time, each.time, each.of("die.active.hot").peak) for each in (local, run)]
        assert abs(both[0] - both[1]) < 0.01 * rise
    assert local.agreement is not None
    assert local.agreement.heat_difference < 0.05
    assert local.agreement.max_difference < 0.01 * rise
    assert local.agreement.power == pytest.approx(0.05)
    assert local.agreement.global_power == pytest.approx(0.05)
    powers = local.of("die.active.hot").power
    assert powers[0] == pytest.approx(0.2)
    assert powers[-1] == pytest.approx(0.05)


def test_resolved_run_ends_at_the_steady_local_result() -> None:
    """After a long time the local run has the temperatures of the steady zoom."""
    model = ts.discretize(via_piece(9), cell=CELL)
    steady = ts.solve_steady(model, estimate=False)
    run = ts.solve_transient(model, 1e-4, initial=steady, tolerance=0.02, times=[5e-5])
    box = middle_box(9, 3.0)
    options = {"cell": CELL, "resolve": "die.bulk"}
    local = run.zoom(box, tolerance=0.02, **options)
    assert "die.bulk.core" in local.names
    expected = steady.zoom(box, estimate=False, **options)
    assert local.of("die.active.hot").peak[-1] == pytest.approx(expected.of("die.active.hot").max, abs=0.05)
    assert not any("W-ZOOM" in each for each in local.warnings)


@pytest.mark.parametrize("resolve", [(), "die.bulk"])
@pytest.mark.parametrize("is_result", [True, False])
def test_local_run_of_a_steady_run_stays_steady(resolve: str, is_result: bool, tmp_path: Path) -> None:
    """With constant powers nothing happens, although arrays have another field than their medium."""
    cell, tolerance = 20 * UM, 0.02
    model = ts.discretize(via_piece(5), cell=cell)
    initial = ts.solve_steady(model, estimate=False) if is_result else "steady"
    run = ts.solve_transient(model, 1e-4, initial=initial, tolerance=tolerance, times=[5e-5])
    run.save(tmp_path / "run.vtkhdf")
    run = ts.read_transient(tmp_path / "run.vtkhdf")
    assert run.is_steady_start
    local = run.zoom(middle_box(5, 3.0), cell=cell, resolve=resolve, tolerance=tolerance)
    assert local.is_steady_start
    assert np.nanmax(np.ptp(local.max, axis=0)) < tolerance
    assert np.nanmax(np.ptp(local.min, axis=0)) < tolerance


def test_steady_start_needs_the_loads_of_the_run() -> None:
    """The steady field of other powers is no steady start."""
    model = ts.discretize(via_piece(5), cell=20 * UM)
    pulse = ts.Trace.of([0.0, 1.0], {"die.active.hot": [0.1, 0.1]})
    options = {"tolerance": 0.1, "step": 1e-5}
    starts = (ts.solve_steady(model, estimate=False), False), ("steady", True), (300.0, False)
    for initial, expected in starts:
        run = ts.solve_transient(model, 1e-5, pulse, initial=initial, **options)
        assert run.is_steady_start is expected


def test_disagreement_with_the_global_run_is_reported(step: ts.Trace) -> None:
    """A box below a hot block whose surroundings have few global cells, and which has one via."""
    model = ts.discretize(via_piece(5), cell=40 * UM)
    run = ts.solve_transient(model, END, step, initial="outside", tolerance=0.1, times=TIMES)
    box = (85 * UM, 85 * UM, 40 * UM), (115 * UM, 115 * UM, 75 * UM)
    options = {"loads": step, "cell": 5 * UM, "resolve": "die.bulk", "tolerance": 0.1}
    local = run.zoom(box, **options)
    assert local.agreement is not None
    shown = f"differ by {100.0 * local.agreement.heat_difference:.2g} % of the heat"
    assert local.agreement.heat_difference > 0.05
    assert any(shown in each and "W-ZOOM" in each for each in local.warnings)
    assert any("narrower than 3 pitches" in each for each in local.warnings)
    between = run.zoom(box, duration="15.5 us", **options)
    assert between.agreement is None
    assert any("narrower than 3 pitches" in each for each in between.warnings)


def test_loads_of_the_run_are_required(run: ts.TransientResult, step: ts.Trace) -> None:
    """Powers that are not those of the run are an error without loads, and a warning with others."""
    box, options = middle_box(9, 3.0), {"cell": CELL, "duration": "10 us", "tolerance": 0.1}
    with pytest.raises(ts.ArgumentError, match=r"had 50 mW in the run at .*E-MISSING"):
        run.zoom(box, **options)
    other = ts.Trace.of([0.0, 1e-4, 1.0], {"die.active.hot": [0.2, 0.1, 0.1]})
    local = run.zoom(box, loads=other, **options)
    assert any("had 50 mW in the run" in each and "has 100 mW" in each for each in local.warnings)
    assert not any("in the run at" in each for each in run.zoom(box, loads=step, **options).warnings)


def test_powers_that_a_controller_reduced_are_reported() -> None:
    """A local run cannot throttle; the description has the whole power."""
    model = ts.discretize(via_piece(5), cell=20 * UM)
    throttle = ts.gpu_throttle("die", 301.0)
    run = ts.solve_transient(model, 0.2, controllers=throttle, initial="outside", tolerance=0.5, times=[0.1])
    assert np.nanmin(run.power.max(axis=1)) < 0.2
    local = run.zoom(middle_box(5, 3.0), cell=20 * UM, tolerance=0.5)
    assert any("controllers reduced its power" in each for each in local.warnings)


def test_zoom_of_a_local_run_has_the_powers_of_the_package(run: ts.TransientResult, step: ts.Trace) -> None:
    """The block is cut by both boxes; its recorded power is that of the whole block."""
    options = {"loads": step, "cell": CELL, "duration": "10 us", "tolerance": 0.1}
    first = run.zoom(middle_box(9, 3.0), **options)
    second = first.zoom(middle_box(9, 0.6), **options)
    assert not any("in the run at" in each for each in second.warnings)


def test_sparse_frames_are_reported(run: ts.TransientResult, step: ts.Trace) -> None:
    sparse = ts.solve_transient(run.model, END, step, initial="outside", tolerance=0.5)
    local = sparse.zoom(middle_box(9, 3.0), loads=step, cell=CELL, tolerance=0.5)
    assert any("boundary temperatures between the frames are uncertain" in each for each in local.warnings)


def test_shorter_run_and_its_file(run: ts.TransientResult, step: ts.Trace, tmp_path: Path) -> None:
    box = middle_box(9, 3.0)
    local = run.zoom(box, loads=step, cell=CELL, duration="50 us", times=[2e-5], tolerance=0.1)
    assert local.frame_time.tolist() == [0.0, 2e-5, 5e-5]
    local.save(tmp_path / "local.vtkhdf")
    again = ts.read_transient(tmp_path / "local.vtkhdf")
    assert again.peak == local.peak
    assert local.agreement is not None
    assert again.agreement == local.agreement
    assert local.agreement.power == pytest.approx(0.2)
    other = run.zoom(box, loads=step, cell=CELL, duration="45.5 us", tolerance=0.1)
    assert other.agreement is None
    assert again.model.geometry.region == local.model.geometry.region


def test_wrong_arguments(run: ts.TransientResult, step: ts.Trace) -> None:
    with pytest.raises(ts.ArgumentError, match="the frames end at 200 us"):
        run.zoom(middle_box(9, 3.0), loads=step, duration="1 ms")
    with pytest.raises(ts.ArgumentError, match="lies outside the model"):
        run.zoom(((1.0, 1.0, 1.0), (2.0, 2.0, 2.0)), loads=step)
    with pytest.raises(ts.DescriptionError, match="no part is named"):
        run.zoom("dye", loads=step)
