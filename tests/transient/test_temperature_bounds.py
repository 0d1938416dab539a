"""Temperatures of a transient at its boundaries, and the bounds that initial and ambient temperatures set."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.random_packages import AMBIENTS

from thermostack import (
    Convection,
    Cooling,
    FixedFlux,
    Layer,
    Material,
    Model,
    Package,
    Power,
    Simulation,
    Stack,
    TimeFunction,
    Trace,
    discretize,
    solve_transient,
)
from thermostack.transient.temperature_bounds import TemperatureBounds, load_bounds
from thermostack.units import mm

MOLD = Material("mold", 0.9, volumetric_heat_capacity=1.7e6)
SILICON = Material("silicon", 148.0, volumetric_heat_capacity=1.63e6)
SIDE = 4 * mm
BOTTOM = (1 * mm, 1 * mm, 0.0)
TOP = (1 * mm, 1 * mm, 1 * mm)


def plate(h: float, top: FixedFlux | None = None) -> Model:
    stack = Stack("plate", (SIDE, SIDE), (Layer("mold", 1 * mm, MOLD),))
    cooling = Cooling(bottom=Convection(h, 300.0), **({} if top is None else {"top": top}))
    return discretize(Package("plate", (stack,), cooling), cell=(2 * mm, 2 * mm, 0.1 * mm))


# -- temperatures of boundary faces ------------------------------------------------------------------


def test_faces_follow_a_linear_ambient_temperature_within_its_ramp() -> None:
    """A coefficient of 1e7 W/m2/K keeps the face within 0.02 K of the ambient."""
    ramp = Trace.of([0.0, 1.0], {"cooling.bottom": [300.0, 400.0]}, kind="linear", after="hold")
    run = solve_transient(
        plate(1e7), 1.0, ramp, initial="outside", probes={"face": BOTTOM}, step=0.05, tolerance=1.0
    )
    assert run.time.size > 10
    ambient = 300.0 + 100.0 * run.time
    np.testing.assert_allclose(run.max[:, 0], ambient, atol=0.02)
    np.testing.assert_allclose(run.probes["face"], ambient, atol=0.02)


# -- bounds ------------------------------------------------------------------------------------------


def test_bounds_of_loads() -> None:
    """Those of the ambient temperatures, infinite on the side that heat sources or sinks move them to."""
    faces = plate(50.0).boundary
    ambient = np.where(faces.h > 0.0, 310.0, 1e6)
    ambient[np.flatnonzero(faces.h > 0.0)[0]] = AMBIENTS[0]
    low, high = AMBIENTS[0], 310.0
    assert load_bounds(ambient, np.zeros(3), faces) == (low, high)
    assert load_bounds(ambient, np.zeros(0), faces) == (low, high)
    assert load_bounds(ambient, np.array([0.0, 2.0]), faces) == (low, math.inf)
    assert load_bounds(ambient, np.array([0.0, -2.0]), faces) == (-math.inf, high)
    assert load_bounds(ambient, np.array([1.0, -2.0]), faces) == (-math.inf, math.inf)
    heated = plate(50.0, FixedFlux(heat=1.0)).boundary
    assert load_bounds(np.full(heated.h.size, 305.0), np.zeros(1), heated) == (305.0, math.inf)


def test_bounds_are_those_of_all_times_so_far() -> None:
    bounds = TemperatureBounds(np.array([300.0, 320.0]))
    bounds.extend((305.0, 310.0))
    assert (bounds.min, bounds.max) == (300.0, 320.0)
    bounds.extend((290.0, math.inf))
    bounds.extend((300.0, 310.0))
    np.testing.assert_array_equal(bounds.clip(np.array([280.0, 500.0, np.nan])), [290.0, 500.0, np.nan])
    other = TemperatureBounds(np.array([0.0]))
    other.restore(bounds.state())
    assert (other.min, other.max) == (290.0, math.inf)


def test_bounds_contain_the_ambient_within_a_step() -> None:
    """Steps of one period of the ambient: it is 300 K at the end of each, and hotter within it."""
    periodic = TimeFunction(lambda t: {"cooling.bottom": 350.0 - 50.0 * math.cos(2.0 * math.pi * t)})
    simulation = Simulation(plate(1e4), periodic, initial="outside", step=1.0, tolerance=1.0)
    simulation.advance(5.0)
    assert simulation.peak > 310.0
    assert simulation.temperatures()["plate.mold"].mean > 310.0


@pytest.mark.parametrize(("scheme", "step"), [("sdirk3", None), ("sdirk3", 2e-4), ("sdirk4", 2e-4)])
@pytest.mark.parametrize("method", ["multigrid", "direct"])
def test_all_results_are_within_the_bounds(scheme: str, step: float | None, method: str) -> None:
    """Two bodies at 280 and 360 K in contact at the start, with a coarse tolerance."""
    layers = Layer("cold", 0.5 * mm, MOLD), Layer("hot", 0.5 * mm, SILICON, Power(total=0.0))
    cooling = Cooling(bottom=Convection(50.0, 300.0))
    package = Package("pair", (Stack("pair", (SIDE, SIDE), layers),), cooling)
    model = discretize(package, cell=(2 * mm, 2 * mm, 0.02 * mm))
    run = solve_transient(
        model,
        2e-3,
        initial={"pair.cold": 280.0, "pair.hot": 360.0},
        scheme=scheme,
        step=step,
        tolerance=5.0,
        method=method,
        times=[1e-5, 1e-4, 1e-3],
        probes={"bottom": BOTTOM, "joint": (1 * mm, 1 * mm, 0.5 * mm), "top": TOP},
    )
    outputs = (run.min, run.mean, run.max, run.frames, run.field, *run.probes.values())
    for values in outputs:
        assert np.nanmin(values) >= 280.0
        assert np.nanmax(values) <= 360.0
    assert run.min[0].tolist() == run.mean[0].tolist() == run.max[0].tolist() == [280.0, 360.0]


def test_means_of_equal_temperatures_equal_them() -> None:
    """Also of stacks and faces, whose weights are rounded."""
    layers = tuple(Layer(f"l{n}", (0.1 + 0.07 * n) * mm, MOLD) for n in range(6))
    package = Package("even", (Stack("body", (SIDE, SIDE), layers),), Cooling(top=Convection(50.0, 298.15)))
    simulation = Simulation(discretize(package, cell=0.37 * mm), initial=337.15)
    for part in simulation.temperatures().values():
        assert part.min == part.mean == part.max == 337.15
