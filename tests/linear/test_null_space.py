"""An isolated body: it has no steady temperature, and all heat is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from thermostack import (
    Cooling,
    DescriptionError,
    Layer,
    Material,
    Package,
    Power,
    Simulation,
    Stack,
    discretize,
    read_package,
    solve_steady,
    solve_transient,
    write_package,
)
from thermostack.units import mm, um

SILICON = Material("si", 148.0, volumetric_heat_capacity=1.628e6)
STORES = 10 * mm * 8 * mm * 500 * um * 1.628e6  # J/K


def slab(cooling: Cooling) -> Package:
    """Return a slab of silicon with 10 W in a layer at its top."""
    layers = (Layer("bulk", 490 * um, SILICON), Layer("source", 10 * um, SILICON, Power(10.0)))
    return Package("slab", (Stack("die", (10 * mm, 8 * mm), layers),), cooling)


ISOLATED = slab(Cooling(isolated=True))


@pytest.mark.parametrize("scheme", ["sdirk3", "sdirk4"])
def test_all_heat_is_stored(scheme: str) -> None:
    """The mean rises with the heat; the top is above it by q (L / 3 - d) / k, d the depth of the source."""
    simulation = Simulation(discretize(ISOLATED, (5 * mm, 4 * mm, 5 * um)), initial=300.0, scheme=scheme)
    simulation.advance(2.0)
    energy, model = simulation.energy, simulation.model
    assert energy.outflow == 0.0
    assert energy.generated == pytest.approx(20.0, rel=1e-12)
    assert energy.stored == pytest.approx(energy.generated, rel=1e-9)
    mean = float(np.average(simulation.field, axis=0, weights=model.grid.dz).mean())
    assert mean == pytest.approx(300.0 + 20.0 / STORES, abs=1e-6)
    flux = 10.0 / (10 * mm * 8 * mm)
    peak = simulation.temperatures()["die"].max
    assert peak - mean == pytest.approx(flux * (500 / 3.0 - 5.0) * um / 148.0, rel=0.005)


def test_result_reports_stored_heat() -> None:
    run = solve_transient(discretize(ISOLATED, 2 * mm), 0.5, initial="outside")
    assert run.imbalance < 1e-9
    assert run.energy[-1] == pytest.approx([5.0, 0.0, 5.0], abs=1e-8)


def test_steady_solve_is_an_error() -> None:
    model = discretize(ISOLATED, 5 * mm)
    for refused in (lambda: solve_steady(model), lambda: Simulation(model, initial="steady")):
        with pytest.raises(DescriptionError, match=r"isolated.*cool a face.*E-COOLING"):
            refused()


def test_body_without_cooling_is_an_error() -> None:
    with pytest.raises(
        DescriptionError, match=r"no face has an ambient or fixed temperature.*isolated: true"
    ):
        discretize(slab(Cooling()))


def test_isolated_package_is_written_and_read(tmp_path: Path) -> None:
    write_package(ISOLATED, tmp_path / "slab.yaml")
    assert "isolated: true" in (tmp_path / "slab.yaml").read_text()
    assert read_package(tmp_path / "slab.yaml").cooling == ISOLATED.cooling
