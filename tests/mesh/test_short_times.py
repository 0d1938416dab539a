"""Grids for a shortest time after a change of power, and cell sizes by direction."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from exact.heated_box import HeatedBox

from thermostack import (
    ArgumentError,
    Block,
    Convection,
    Cooling,
    DescriptionError,
    FixedTemperature,
    Layer,
    Material,
    Package,
    Power,
    ResourceError,
    Stack,
    discretize,
    read_package,
    solve_transient,
    thermal_impedance,
)
from thermostack.cli.main import main
from thermostack.units import mm, um

CAPACITY = 1.63e6  # J/(m3 K)


def plate(box: HeatedBox, capacity: float | None = CAPACITY) -> Package:
    """Return the package of a heated box."""
    silicon = Material("plain", 120.0, volumetric_heat_capacity=capacity)
    power = Power(blocks=(Block("core", box.corner, box.width, box.power),))
    layers = (Layer("bulk", box.low, silicon), Layer("skin", box.size[2] - box.low, silicon, power=power))
    cooler = FixedTemperature(300.0) if box.h == inf else Convection(box.h, 300.0)
    return Package("plate", (Stack("die", box.size[:2], layers),), Cooling(bottom=cooler))


def heated_box(thickness: float, skin: float, width: tuple[float, float], h: float = inf) -> HeatedBox:
    size = (6 * mm, 5 * mm, thickness)
    return HeatedBox(size, (120.0,) * 3, CAPACITY, (2 * mm, 1.5 * mm), width, thickness - skin, 1.0, h)


THIN = heated_box(300 * um, 20 * um, (2 * mm, 2 * mm))
BOXES = {"thin": THIN, "thick": heated_box(600 * um, 250 * um, (2 * mm, 1 * mm), 2e4)}


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize("first", [1e-5, 1e-4])
def test_rises_are_accurate_from_the_shortest_time_on(name: str, first: float) -> None:
    box = BOXES[name]
    model = discretize(plate(box), from_time=first)
    times = np.geomspace(first, 1.0, 9)
    impedance = thermal_impedance(model, "die.skin.core", times=times)
    assert impedance.rise(times) == pytest.approx(box.mean(times), rel=0.025)
    assert impedance.resolved <= first
    assert not any("W-GRID" in warning for warning in impedance.warnings)
    coarse = thermal_impedance(discretize(plate(box)), "die.skin.core", times=times)
    assert any("W-GRID" in warning for warning in coarse.warnings)
    assert model.grid.cells < 60_000


def test_transient_of_short_pulses_is_accurate() -> None:
    model = discretize(plate(THIN), from_time="10 us")
    exact = float(THIN.temperature(3 * mm, 2.5 * mm, THIN.size[2], 1e-5)[0])
    run = solve_transient(model, 1e-5, initial="outside", tolerance=1e-3 * exact)
    core = run.of("die.skin.core")
    assert core.hottest - 300.0 == pytest.approx(exact, rel=0.02)
    assert core.error is not None
    assert core.error < 0.05 * exact
    assert not run.warnings


def test_cells_grow_with_the_time_and_with_the_distance() -> None:
    grids = [discretize(plate(THIN), from_time=time).grid for time in (1e-6, 1e-4)]
    assert grids[0].dz.min() < 0.2 * grids[1].dz.min()
    assert grids[0].cells > grids[1].cells
    for grid in grids:
        below = grid.dz[grid.z[1:] <= THIN.low + 1e-9]
        assert below[-1] == below.min()
        assert (below[:-1] / below[1:]).max() < 1.5


def test_wrong_time_and_missing_capacity_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"from_time"):
        discretize(plate(THIN), from_time=0.0)
    with pytest.raises(DescriptionError, match=r"the material of die.* has no heat capacity .*E-MISSING"):
        discretize(plate(THIN, capacity=None), from_time=1e-6)


def test_too_many_cells_are_refused_before_they_need_memory() -> None:
    with pytest.raises(ResourceError, match=r"from_time: .* cells .* would be needed from 1 ns on"):
        discretize(read_package("cowos_s_h100"), from_time="1 ns")


def test_size_by_direction_does_not_refine_the_others() -> None:
    package = plate(THIN)
    plain = discretize(package).grid
    along_z = discretize(package, cell={"die.bulk.z": 20 * um}).grid
    assert np.array_equal(along_z.x, plain.x)
    assert np.array_equal(along_z.y, plain.y)
    assert along_z.dz[along_z.z[1:] <= THIN.low + 1e-9].max() <= 20.000001 * um
    along_x = discretize(package, cell={"x": "0.1 mm"}).grid
    assert along_x.dx.max() <= 0.1000001 * mm
    assert np.array_equal(along_x.y, plain.y)
    both = discretize(package, cell={"die.skin.x": 0.1 * mm, "die.bulk": 0.2 * mm}).grid
    assert both.dx.max() <= 0.1000001 * mm
    assert 0.1 * mm < both.dy.max() <= 0.2000001 * mm
    with pytest.raises(DescriptionError, match=r"no part is named 'die.bulky.z'"):
        discretize(package, cell={"die.bulky.z": 20 * um})


def test_part_with_the_name_of_an_axis_keeps_all_directions() -> None:
    silicon = Material("plain", 120.0, volumetric_heat_capacity=CAPACITY)
    layers = (Layer("z", 300 * um, silicon), Layer("top", 20 * um, silicon, power=1.0))
    package = Package(
        "named", (Stack("die", (4 * mm, 4 * mm), layers),), Cooling(bottom=Convection(1e4, 300.0))
    )
    grid = discretize(package, cell={"die.z": 50 * um}).grid
    assert max(grid.dx.max(), grid.dz[:-1].max()) <= 50.0001 * um


def test_commands_report_the_number_of_cells(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--from", "10 ms", "--no-save"]
    assert main(["zth", "hbm3_8h", "--cell", "hbm3_8h.base.z=50 um", "--temperature", "350 K", *options]) == 0
    shown = capsys.readouterr()
    assert "grid from 10 ms on: " in shown.err
    assert "cells (" in shown.err
    assert any(line.startswith("10 ms") for line in shown.out.splitlines())
    assert main(["mesh", "hbm3_8h", *options]) == 0
    assert "grid from 10 ms on: " in capsys.readouterr().err
    assert main(["transient", "hbm3_8h", "--duration", "20 ms", "--tolerance", "5 K", *options]) == 0
    assert "grid from 10 ms on: " in capsys.readouterr().err
    assert main(["mesh", "hbm3_8h", "--from", "0 s", "--no-save"]) == 2
    assert "--from: must be positive" in capsys.readouterr().err
