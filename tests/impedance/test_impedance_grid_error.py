"""The estimated discretisation error of thermal impedances against exact solutions."""

from __future__ import annotations

import warnings
from math import inf
from pathlib import Path

import numpy as np
import pytest
from exact.heated_box import HeatedBox
from exact.heated_slab import HeatedSlab

from thermostack.errors import GridWarning
from thermostack.impedance.thermal_impedance import thermal_impedance
from thermostack.io.results.impedance_files import impedance_summary, rise_table
from thermostack.materials.material import Material
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import discretize
from thermostack.package.cooling import Convection, Cooling, FixedFlux, FixedTemperature
from thermostack.package.package import Package
from thermostack.package.power import Block, Power
from thermostack.package.stack import Layer, Stack
from thermostack.report.impedance_table import rise_table as printed_rises
from thermostack.report.table_layout import as_text
from thermostack.results.impedance_result import ThermalImpedance
from thermostack.units import mm, um

TIMES = np.geomspace(1e-6, 1.0, 13)

# Plate, block and cooling; the cells are wide along z, along x and y, or along all axes.
BOXES = {
    "thin source, wide cells along z": (0.3, 20 * um, (2.0, 2.0), inf, (0.25, 0.25, 100 * um)),
    "thick source in one cell": (0.6, 250 * um, (3.0, 2.0), 2e4, (0.4, 0.4, 300 * um)),
    "one cell across the block": (1.0, 40 * um, (1.5, 1.0), 5e4, (1.5, 1.0, 10 * um)),
    "three cells across the block": (1.0, 100 * um, (2.4, 1.8), inf, (0.8, 0.6, 25 * um)),
    "fine": (0.4, 50 * um, (2.0, 2.0), inf, (0.2, 0.2, 5 * um)),
}


def box_of(thickness: float, skin: float, block: tuple[float, float], h: float) -> HeatedBox:
    size = (10 * mm, 8 * mm, thickness * mm)
    corner, width = (3 * mm, 2.5 * mm), (block[0] * mm, block[1] * mm)
    return HeatedBox(size, (120.0,) * 3, 1.63e6, corner, width, size[2] - skin, 1.0, h)


def package_of(box: HeatedBox) -> Package:
    material = Material("plain", box.conductivity[0], volumetric_heat_capacity=box.capacity)
    power = Power(blocks=(Block("core", box.corner, box.width, box.power),))
    layers = (Layer("bulk", box.low, material), Layer("skin", box.size[2] - box.low, material, power=power))
    cooler = FixedTemperature(300.0) if box.h == inf else Convection(box.h, 300.0)
    return Package("plate", (Stack("die", box.size[:2], layers),), Cooling(bottom=cooler))


def impedance_of(name: str) -> tuple[ThermalImpedance, np.ndarray]:
    """Return the impedance of a block on the cells of a case, and the exact rises [K/W] at TIMES."""
    *body, (dx, dy, dz) = BOXES[name]
    box = box_of(*body)
    model = discretize(package_of(box), cell=(dx * mm, dy * mm, dz))
    return thermal_impedance(model, "die.skin.core", times=TIMES), box.mean(TIMES)


@pytest.mark.parametrize("name", BOXES)
def test_estimate_covers_the_error_of_a_heated_box_at_every_time(name: str) -> None:
    """The estimates of wide cells at the earliest times are up to seven times too large, else three times."""
    impedance, exact = impedance_of(name)
    error = np.abs(impedance.rise(TIMES) - exact)
    estimate = impedance.error_of_rise(TIMES)
    assert (estimate >= error - 1e-4 * exact).all()
    is_large = error > 2e-3 * exact
    ratio = estimate[is_large] / error[is_large]
    assert np.median(ratio) < 3.0
    assert np.mean(ratio <= 5.0) > 0.7
    assert ratio.max(initial=1.0) < 16.0


def test_direction_of_the_wide_cells_is_named() -> None:
    along_z, _ = impedance_of("thin source, wide cells along z")
    in_plan, _ = impedance_of("one cell across the block")
    assert "most of it from the cells along z;" in " ".join(along_z.warnings)
    assert "most of it from the cells along x and y;" in " ".join(in_plan.warnings)
    assert in_plan.resolved == inf
    assert impedance_summary(in_plan)["resolved"] is None


def test_fine_cells_have_a_small_error_after_the_first_times() -> None:
    fine, _ = impedance_of("fine")
    late = TIMES[TIMES > 2e-4]
    assert fine.resolved < 2e-4
    assert (fine.error_of_rise(late) < 0.05 * fine.rise(late)).all()


@pytest.mark.parametrize("cells", [5, 20])
def test_error_of_the_complex_impedance_is_covered(cells: int) -> None:
    """The slab heated at its top: Z = tanh(L sqrt(s c / k)) / sqrt(s c k) per area."""
    slab = HeatedSlab()
    silicon = Material("plain", slab.conductivity, volumetric_heat_capacity=slab.capacity)
    skin = 1e-8
    layers = (Layer("bulk", slab.thickness - skin, silicon), Layer("skin", skin, silicon, power=1.0))
    package = Package(
        "slab", (Stack("die", (10 * mm, 10 * mm), layers),), Cooling(bottom=FixedTemperature(300.0))
    )
    side, z = np.array([0.0, 10 * mm]), np.linspace(0.0, slab.thickness - skin, cells + 1)
    grid = Grid(side, side, np.append(z, slab.thickness))
    impedance = thermal_impedance(discretize(package, grid=grid), times=TIMES)
    omega = 2.0 * np.pi * np.geomspace(1.0, 1e5, 11)
    s = 1j * omega
    effusivity = np.sqrt(s * slab.capacity * slab.conductivity) * 1e-4
    exact = np.tanh(slab.thickness * np.sqrt(s * slab.capacity / slab.conductivity)) / effusivity
    with pytest.warns(GridWarning, match=r"of the impedance at 100 kHz.*W-GRID"):
        found = impedance.at(omega)
    error, estimate = np.abs(found - exact), impedance.error_at(omega)
    assert (estimate >= error - 2e-4 * np.abs(exact)).all()
    assert np.median(estimate / error) < 4.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        impedance.at("1 Hz")


def test_flux_through_a_face_does_not_change_the_error() -> None:
    """A response is a rise over the temperatures of the other loads."""
    box = box_of(0.3, 20 * um, (2.0, 2.0), inf)
    package = package_of(box)
    heated = Package("plate", package.stacks, Cooling(bottom=FixedTemperature(300.0), top=FixedFlux(1e5)))
    one, other = (
        thermal_impedance(discretize(each, cell=(1 * mm, 1 * mm, 50 * um)), temperature=300.0, times=TIMES)
        for each in (package, heated)
    )
    assert other.error_of_rise(TIMES) == pytest.approx(one.error_of_rise(TIMES), rel=1e-6)


def test_table_and_files_hold_the_error(tmp_path: Path) -> None:
    impedance, _ = impedance_of("thick source in one cell")
    summary = impedance_summary(impedance)
    assert list(summary["grid_error"]) == list(summary["zth"])
    assert summary["grid_error"]["die.skin.core"] == impedance.error_of_rise(TIMES).tolist()
    head = rise_table(impedance).splitlines()[0]
    assert head.startswith("time [s],die.skin.core [K/W]")
    assert head.endswith("die.skin.core peak grid error [K/W]")
    text = as_text(printed_rises(impedance), 100)
    assert "grid error" in text.splitlines()[0]
    assert text.splitlines()[-1].rstrip().endswith("%")
