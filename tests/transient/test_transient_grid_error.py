"""The estimated discretisation error of the maxima of transient runs against exact solutions."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest
from exact.heated_box import HeatedBox
from exact.layered_wall import FixedFlux, RobinEnd
from exact.transient_wall import TransientLayer, TransientWall

from thermostack import (
    Grid,
    Loads,
    Model,
    Package,
    Simulation,
    Trace,
    discretize,
    solve_steady,
    solve_transient,
)
from thermostack.io.results.transient_file import read_transient
from thermostack.materials.material import Material
from thermostack.package.cooling import Convection, Cooling, FixedTemperature
from thermostack.package.power import Block, Power
from thermostack.package.stack import Layer, Stack
from thermostack.report.run_summary import run_summary
from thermostack.transient import peak_record
from thermostack.transient.peak_record import PeakRecord
from thermostack.units import mm, ns, um

SILICON = Material("plain", 148.0, volumetric_heat_capacity=1.63e6)
POWER = 50.0  # W
FACES = (300 * um, 2 * um)  # thicknesses of the chip and of its heated layer
H, AREA = 2e4, 25e-6  # W/(m2 K), m2


def chip() -> Package:
    """Return a chip that is heated evenly, so that only the cells along z matter."""
    layers = (Layer("bulk", FACES[0], SILICON), Layer("active", FACES[1], SILICON, power=POWER))
    return Package("chip", (Stack("die", (5 * mm, 5 * mm), layers),), Cooling(bottom=Convection(H, 300.0)))


def exact_rise(times: np.ndarray) -> np.ndarray:
    """Return the rise [K] of the top of the chip at times [s] after its power is switched on."""
    source = POWER / (AREA * FACES[1])
    layers = (TransientLayer(FACES[0], 148.0, 1.63e6), TransientLayer(FACES[1], 148.0, 1.63e6, source=source))
    return TransientWall(layers, RobinEnd(H, 0.0), FixedFlux(0.0)).temperature(sum(FACES), times)[:, 0]


def graded_chip(cells: int, ratio: float, active: int = 2) -> Model:
    """Return the chip with cells that grow away from its heated layer."""
    width = ratio ** -np.arange(float(cells))
    z = np.append(0.0, np.cumsum(width) / width.sum() * FACES[0])
    z = np.append(z, FACES[0] + FACES[1] * np.arange(1, active + 1) / active)
    side = np.array([0.0, 5 * mm])
    return discretize(chip(), grid=Grid(side, side, z))


MODELS = {
    "default": discretize(chip(), cell=5 * mm),
    "wide": graded_chip(8, 1.6),
    "fine": graded_chip(30, 1.15),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
@pytest.mark.parametrize("slot", [10 * ns, 1e-6, 1e-4])
def test_error_of_short_slots_is_covered(model: Model, slot: float) -> None:
    """Ten slots of power; the maximum is at the end of the last one. Errors are 1 to 160 % of the rise."""
    trace = Trace.duty_cycle("die", POWER, period=2.0 * slot, share=0.5)
    run = solve_transient(model, 20.0 * slot, trace, initial="outside", tolerance=1e-4)
    end = 19.0 * slot
    on, off = end - 2.0 * slot * np.arange(10), end - slot - 2.0 * slot * np.arange(9)
    exact = float(exact_rise(on).sum() - exact_rise(off).sum())
    active = run.of("die.active")
    error = abs(active.hottest - 300.0 - exact)
    assert active.when == pytest.approx(end)
    assert active.error is not None
    assert error < active.error + 2e-4
    assert active.error < 8.0 * error + 0.02 * exact
    is_warned = any("die.active: the grid causes an estimated error" in text for text in run.warnings)
    assert is_warned == (active.error > 0.05 * (active.hottest - 300.0))


def test_warning_names_part_error_direction_and_time() -> None:
    trace = Trace.duty_cycle("die", POWER, period=20 * ns, share=0.5)
    run = solve_transient(discretize(chip()), 200 * ns, trace, initial="outside", tolerance=1e-4)
    (warning,) = run.warnings
    assert warning.startswith("die.active: the grid causes an estimated error of ")
    assert "% of its largest rise" in warning
    assert 'along z; use --from "10 ns", or smaller cells there' in warning
    assert "W-GRID" in warning


# Thickness of plate and source, block, h, and cells; the maximum is above the middle of the block.
BOXES = {
    "wide along z": (0.3, 20 * um, (2.0, 2.0), inf, (0.25, 0.25, 100 * um)),
    "thick source": (0.6, 250 * um, (3.0, 2.0), 2e4, (0.4, 0.4, 300 * um)),
    "three cells across": (1.0, 100 * um, (2.4, 1.8), inf, (0.8, 0.6, 25 * um)),
}


@pytest.mark.parametrize("name", BOXES)
def test_error_of_a_heated_box_is_covered(name: str) -> None:
    thickness, skin, block, h, (dx, dy, dz) = BOXES[name]
    size = (10 * mm, 8 * mm, thickness * mm)
    corner, width = (3 * mm, 2.5 * mm), (block[0] * mm, block[1] * mm)
    box = HeatedBox(size, (120.0,) * 3, 1.63e6, corner, width, size[2] - skin, 100.0, h)
    material = Material("plain", 120.0, volumetric_heat_capacity=box.capacity)
    power = Power(blocks=(Block("core", corner, width, box.power),))
    layers = (Layer("bulk", box.low, material), Layer("skin", skin, material, power=power))
    cooler = FixedTemperature(300.0) if h == inf else Convection(h, 300.0)
    package = Package("plate", (Stack("die", size[:2], layers),), Cooling(bottom=cooler))
    model = discretize(package, cell=(dx * mm, dy * mm, dz))
    x, y = corner[0] + 0.5 * width[0], corner[1] + 0.5 * width[1]
    for time in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        exact = float(box.temperature(x, y, size[2], time)[0])
        run = solve_transient(model, time, initial="outside", tolerance=1e-3 * exact)
        core = run.of("die.skin.core")
        assert core.error is not None
        error = abs(core.hottest - 300.0 - exact)
        assert error < core.error + 1e-3 * exact
        assert core.error < max(5.0 * error, 0.06 * exact) or time < 1e-4


def test_error_of_a_long_run_is_about_that_of_the_steady_state() -> None:
    """The change on bisection is the same; the slope change across the hottest cell has a larger weight."""
    model = graded_chip(4, 1.3, active=1)
    steady = next(part for part in solve_steady(model).parts if part.name == "die.active")
    for initial in ("outside", "steady"):
        run = solve_transient(model, 10.0, initial=initial)
        assert steady.error is not None
        found = run.of("die.active").error
        assert found is not None
        assert steady.error < found < 2e-5 * (steady.max - 300.0)


def cold(model: Model, *traces: Trace) -> Loads:
    loads = Loads(model, list(traces))
    loads.override({"die": 0.0})
    return loads


def test_body_that_cools_down_has_no_error_at_the_start() -> None:
    model = graded_chip(3, 1.0)
    run = solve_transient(model, 1e-4, cold(model), initial=350.0, tolerance=1e-3)
    assert run.of("die.bulk").error == pytest.approx(0.0, abs=1e-3)
    assert run.warnings == model.warnings


@pytest.mark.parametrize("initial", ["outside", "steady", 300.0])
def test_change_of_the_ambient_temperature_belongs_to_the_loads(initial: str | float) -> None:
    values = np.array([[300.0], [350.0], [350.0]])
    warmer = Trace(np.array([0.0, 1e-3, 2e-3]), ("cooling.bottom",), ("K",), values, after="hold")
    wide, fine = graded_chip(3, 1.0), graded_chip(60, 1.0)
    runs = [
        solve_transient(model, 2e-3, cold(model, warmer), initial=initial, tolerance=1e-3)
        for model in (wide, fine)
    ]
    peaks = [run.of("die.bulk") for run in runs]
    assert peaks[0].error is not None
    assert abs(peaks[0].hottest - peaks[1].hottest) < peaks[0].error + 2e-3
    assert peaks[0].error < 1.0


def test_run_that_ends_without_a_cooler_has_no_error_and_a_warning() -> None:
    """Its response to the steady start does not exist at the end, and the run is kept."""
    trace = Trace.of([0.0, 5e-3, 20e-3], {"cooling.bottom.h": [1.0, 0.0, 0.0]}, kind="steps", after="hold")
    run = solve_transient(discretize(chip(), cell=5 * mm), 20e-3, trace, tolerance=0.1)
    active = run.of("die.active")
    assert active.error is None
    assert active.hottest > 400.0
    (warning,) = run.warnings
    assert warning.startswith("grid: the error of the maxima by the grid is unknown, because its estimate")
    assert "cells with no path to an ambient) [W-GRID]" in warning


def test_error_is_in_table_json_and_file(tmp_path: Path) -> None:
    model = graded_chip(4, 1.3)
    run = solve_transient(model, 1e-3, initial="outside", path=tmp_path / "run.vtkhdf")
    assert len(run.peak_error) == len(run.names)
    assert read_transient(tmp_path / "run.vtkhdf").peak_error == run.peak_error
    summary = run_summary(run)
    assert summary["parts"]["die.active"]["error"] == run.of("die.active").error
    assert summary["stacks"]["die"]["error"] == run.of("die").error
    assert "error" in run.table(140).splitlines()[0]
    without = replace(run, peak_error=())
    assert without.of("die").error is None
    assert "error" in without.table(140).splitlines()[0]


def test_long_histories_of_loads_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak_record, "MAX_CHANGES", 16)
    simulation = Simulation(graded_chip(3, 1.0), initial="outside", tolerance=1.0)
    record = PeakRecord(simulation)
    for n in range(100):
        simulation.step(1e-6, {"die": 10.0 + n % 7})
        record.add(simulation, simulation.zone_temperatures())
    assert len(record.changes) <= 16
    times = [change[0] for change in record.changes]
    assert times == sorted(times)
    assert times[-1] == simulation.time
    other = PeakRecord(simulation)
    other.restore(record.state())
    assert other.temperature == pytest.approx(record.temperature)
    assert len(other.changes) == len(record.changes)
