"""Boundary of a local model: exact fields, conservation, coolers, empty space, convergence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import thermostack as ts
from thermostack.mesh.grid import Grid

MM = 1e-3
BOUNDARIES = ("temperature", "flux")


def block(cooling: ts.Cooling, *layers: ts.Layer, size: float = 1 * MM) -> ts.Package:
    layers = layers or (ts.Layer("si", 1 * MM, "silicon_constant"),)
    return ts.Package("block", (ts.Stack("block", (size, size), layers),), cooling)


@pytest.fixture(scope="module")
def slab() -> ts.SteadyResult:
    """Return a slab between two fixed temperatures: the field is linear in z."""
    cooling = ts.Cooling(top=ts.FixedTemperature(300.0), bottom=ts.FixedTemperature(400.0))
    return ts.solve_steady(ts.discretize(block(cooling), cell=0.1 * MM))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_linear_field_is_exact(slab: ts.SteadyResult, boundary: str) -> None:
    """The box cuts cells in all directions; conductances have single precision."""
    box = ((0.13 * MM, 0.2 * MM, 0.17 * MM), (0.6 * MM, 0.71 * MM, 0.63 * MM))
    local = slab.zoom(box, cell="40 um", boundary=boundary)
    exact = 400.0 - 1e5 * local.model.grid.z_center
    assert np.abs(local.field - exact[:, None, None]).max() < 1e-4
    assert local.agreement is not None
    heat = 148.0 * 1e5 * 0.47 * MM * 0.51 * MM
    faces = {face.side: face for face in local.agreement.faces}
    assert faces["top"].heat == pytest.approx(heat, rel=1e-5)
    assert faces["bottom"].global_heat == pytest.approx(-heat, rel=1e-5)
    assert local.agreement.heat_difference < 1e-5
    assert local.agreement.max_difference < 1e-3
    assert local.warnings == ()


def hot_block(size: float = 1 * MM) -> ts.Package:
    """Return a slab with a hot spot on top, cooled by convection at the bottom and weakly at the top."""
    hot = ts.Block("hot", (0.4 * MM, 0.4 * MM), (0.2 * MM, 0.2 * MM), 1.0)
    cooling = ts.Cooling(bottom=ts.Convection(5e4, 300.0), top=ts.Convection(500.0, 310.0))
    active = ts.Layer("active", 0.02 * MM, "silicon_constant", power=ts.Power(blocks=(hot,)))
    return block(cooling, ts.Layer("si", 0.5 * MM, "silicon_constant"), active, size=size)


@pytest.fixture(scope="module")
def spot() -> ts.SteadyResult:
    return ts.solve_steady(ts.discretize(hot_block(), cell=(0.05 * MM, 0.05 * MM, 0.05 * MM)))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_same_grid_reproduces_the_field(spot: ts.SteadyResult, boundary: str) -> None:
    """On the planes of the global grid with its heat flows, the discrete solution is the same."""
    box = ((0.3 * MM, 0.3 * MM, 0.1 * MM), (0.7 * MM, 0.7 * MM, 0.52 * MM))
    local = spot.zoom(box, cell=1.0, boundary=boundary)
    grid = spot.model.grid
    window = tuple(
        slice(int(np.argmin(abs(p - low))), int(np.argmin(abs(p - high))))
        for p, low, high in zip((grid.z, grid.y, grid.x), box[0][::-1], box[1][::-1], strict=True)
    )
    assert np.allclose(local.model.grid.x, grid.x[window[2].start : window[2].stop + 1], atol=1e-12)
    rise = np.nanmax(spot.field) - 300.0
    limit = {"flux": 1e-4, "temperature": 0.02}[boundary]  # faces are interpolated, heat flows are not
    assert np.abs(local.field - spot.field[window]).max() < limit * rise


def test_flux_is_conserved_through_every_side(spot: ts.SteadyResult) -> None:
    """The box cuts cells of the global grid, and no cooler takes up a difference."""
    box = ((0.33 * MM, 0.31 * MM, 0.12 * MM), (0.72 * MM, 0.68 * MM, 0.43 * MM))
    local = spot.zoom(box, cell="30 um", boundary="flux")
    agreement = local.agreement
    assert agreement is not None
    assert len(agreement.faces) == 6
    through = sum(abs(face.global_heat) for face in agreement.faces)
    for face in agreement.faces:
        assert abs(face.heat - face.global_heat) < 1e-5 * through
        assert face.mean == pytest.approx(face.global_mean, abs=0.2)
    assert abs(sum(face.global_heat for face in agreement.faces)) < 1e-6 * through
    assert local.heat_balance.relative < 1e-6


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_outer_faces_keep_their_coolers(spot: ts.SteadyResult, boundary: str) -> None:
    box = ((0.3 * MM, 0.3 * MM, 0.0), (1.0 * MM, 0.7 * MM, 0.52 * MM))
    local = spot.zoom(box, cell="50 um", boundary=boundary)
    assert local.agreement is not None
    assert {face.side for face in local.agreement.faces} == {"south", "north", "west"}
    top = local.model.boundary.h[local.model.boundary.h == 500.0]
    assert top.size == local.model.grid.shape[1] * local.model.grid.shape[2]
    assert set(local.model.boundary.temperature[local.model.boundary.h == 5e4]) == {300.0}
    assert local.heat_balance.relative < 1e-6
    assert local.of("block.active").max == pytest.approx(spot.of("block.active").max, abs=0.3)


def test_total_resistance_keeps_its_share_of_the_area() -> None:
    """A cold plate with a resistance in K/W covers the whole face; the box has a part of it."""
    package = replace(hot_block(), cooling=ts.Cooling(bottom=ts.ColdPlate(300.0, resistance=2.0)))
    steady = ts.solve_steady(ts.discretize(package, cell=0.1 * MM))
    local = steady.zoom(((0.0, 0.0, 0.0), (0.5 * MM, 1 * MM, 0.52 * MM)), cell="50 um")
    h = local.model.boundary.h
    assert h[np.isfinite(h)] == pytest.approx(1.0 / (2.0 * 1e-6))


def test_finer_zooms_converge_to_the_fine_field(spot: ts.SteadyResult) -> None:
    """A local model of a fine global result on the same fine grid has its peak."""
    fine = ts.solve_steady(ts.discretize(hot_block(), cell=(0.02 * MM, 0.02 * MM, 0.02 * MM)))
    box = ((0.1 * MM, 0.1 * MM, 0.0), (0.9 * MM, 0.9 * MM, 0.52 * MM))
    truth = fine.of("block.active.hot").max
    before = abs(spot.of("block.active.hot").max - truth)
    local = spot.zoom(box, cell="20 um")
    assert abs(local.of("block.active.hot").max - truth) < 0.35 * before


def test_empty_space_in_the_box_stays_empty() -> None:
    """Beside a die on a carrier there is no body: the box has no boundary condition there."""
    die = ts.Stack(
        "die",
        (0.4 * MM, 0.4 * MM),
        (ts.Layer("si", 0.2 * MM, "silicon_constant", power="1 W"),),
        on=("carrier",),
        position=(0.3 * MM, 0.3 * MM),
    )
    carrier = ts.Stack("carrier", (1 * MM, 1 * MM), (ts.Layer("cu", 0.3 * MM, "copper"),))
    cooling = ts.Cooling(bottom=ts.Convection(2e4, 300.0), surroundings=ts.Convection(100.0, 300.0))
    package = ts.Package("one", (carrier, die), cooling)
    steady = ts.solve_steady(ts.discretize(package, cell=0.1 * MM))
    local = steady.zoom(((0.5 * MM, 0.2 * MM, 0.1 * MM), (0.9 * MM, 0.9 * MM, 0.5 * MM)), cell="50 um")
    assert np.isnan(local.field).any()
    assert local.model.active < local.model.grid.cells
    faces = {face.side: face for face in local.agreement.faces} if local.agreement else {}
    assert faces["west"].area == pytest.approx(0.7 * 0.2 * MM**2 + 0.4 * 0.2 * MM**2)
    assert "top" not in faces  # the top of the die is on the surface of the body
    assert local.heat_balance.relative < 1e-6
    assert local.of("die").max == pytest.approx(steady.of("die").max, abs=0.5)


def test_resistance_on_the_surface_of_the_box_lies_outside() -> None:
    """The temperature of a cut face at an interface is that of its inner side."""
    bond = ts.Layer("low", 0.5 * MM, "silicon_constant", interface=ts.Interface(top="10 mm2 K/W"))
    high = ts.Layer("high", 0.5 * MM, "silicon_constant")
    cooling = ts.Cooling(top=ts.FixedTemperature(300.0), bottom=ts.FixedTemperature(400.0))
    steady = ts.solve_steady(ts.discretize(block(cooling, bond, high), cell=0.1 * MM))
    box = ((0.2 * MM, 0.2 * MM, 0.5 * MM), (0.8 * MM, 0.8 * MM, 0.9 * MM))
    local = steady.zoom(box, cell="50 um")
    assert local.model.contacts == ()
    flux = 100.0 / (1 * MM / 148.0 + 1e-5)
    faces = {face.side: face for face in local.agreement.faces} if local.agreement else {}
    assert faces["bottom"].mean == pytest.approx(300.0 + flux * 0.5 * MM / 148.0, abs=1e-3)
    assert faces["bottom"].heat == pytest.approx(-flux * (0.6 * MM) ** 2, rel=1e-4)
    across = steady.zoom(((0.2 * MM, 0.2 * MM, 0.2 * MM), (0.8 * MM, 0.8 * MM, 0.9 * MM)), cell="50 um")
    assert len(across.model.contacts) == 1
    assert across.agreement is not None
    assert across.agreement.heat_difference < 1e-5


def test_temperature_dependent_conductivity() -> None:
    package = hot_block()
    stack = package.stacks[0]
    layers = tuple(replace(layer, material="silicon") for layer in stack.layers)
    package = replace(package, stacks=(replace(stack, layers=layers),))
    steady = ts.solve_steady(ts.discretize(package, cell=0.05 * MM))
    box = ((0.3 * MM, 0.3 * MM, 0.1 * MM), (0.7 * MM, 0.7 * MM, 0.52 * MM))
    for boundary in BOUNDARIES:
        local = steady.zoom(box, cell=1.0, boundary=boundary)
        assert local.of("block").max == pytest.approx(steady.of("block").max, abs=0.02)


def test_grid_is_no_coarser_than_that_of_the_result(spot: ts.SteadyResult) -> None:
    local = spot.zoom("block.active.hot", margin="0.1 mm", cell=1.0)
    grid: Grid = local.model.grid
    assert grid.dx.max() <= spot.model.grid.dx.max() * (1.0 + 1e-9)
    assert (grid.x[0], grid.x[-1]) == pytest.approx((0.3 * MM, 0.7 * MM))
