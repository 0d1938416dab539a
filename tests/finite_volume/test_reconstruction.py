"""Reconstruction between cell centres: points, heat flows through faces, and slopes at faces."""

from __future__ import annotations

from itertools import pairwise
from math import isnan

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    FaceCooling,
    FixedFlux,
    FixedTemperature,
    Grid,
    Interface,
    Layer,
    Material,
    Package,
    Power,
    Region,
    Stack,
    SteadyResult,
    discretize,
    solve_steady,
)
from thermostack.finite_volume.reconstruction import (
    CellFluxes,
    Cells,
    X,
    Y,
    Z,
    cell_resistance,
)
from thermostack.materials.material import VOID
from thermostack.units import mm

pytestmark = pytest.mark.usefixtures("float64_conductances_in_module")
SILICON, MOLD = Material("si", 100.0), Material("mold", 2.0)


def solve(package: Package, grid: Grid) -> SteadyResult:
    return solve_steady(discretize(package, grid=grid), method="direct", residual=1e-12, estimate=False)


def cells_of(steady: SteadyResult, k: int) -> Cells:
    j, i = np.indices(steady.model.grid.shape[1:])
    return np.full(j.shape, k), j, i


def plane_of(steady: SteadyResult, k: int) -> CellFluxes:
    return steady.fluxes.of_cells(cells_of(steady, k))


# -- a wall ----------------------------------------------------------------------------------

FLUX = 2e5  # W/m2 upwards through 1 mm of mould, a contact resistance, and 2 mm of silicon
GRID = Grid(
    np.array([0.0, 1.0, 4.0]) * mm, np.array([0.0, 2.0]) * mm, np.array([0.0, 0.3, 1.0, 1.5, 3.0]) * mm
)
AREA = 8e-6


@pytest.fixture(scope="module")
def wall() -> SteadyResult:
    """Return a wall at 500 K below, with 1e4 W/(m2 K) on top to an ambient temperature that gives FLUX."""
    layers = (
        Layer("mold", 1 * mm, MOLD),
        Layer("si", 2 * mm, SILICON, interface=Interface(bottom=1e-4)),
    )
    ambient = 500.0 - FLUX * (5e-4 + 1e-4 + 2e-5 + 1e-4)
    cooling = Cooling(bottom=FixedTemperature(500.0), top=Convection(1e4, ambient))
    return solve(Package("wall", (Stack("wall", (4 * mm, 2 * mm), layers),), cooling), GRID)


def exact(z: float) -> float:
    """Return the temperature [K] of the wall at a height [mm]."""
    mold = 500.0 - FLUX * min(z, 1.0) * mm / 2.0
    return mold if z < 1.0 else mold - FLUX * (1e-4 + (z - 1.0) * mm / 100.0)


@pytest.mark.parametrize("z", [0.0, 0.1, 0.3, 0.9999, 1.0, 1.2, 1.5, 2.9, 3.0])
def test_temperature_of_a_wall_is_exact_at_any_point(wall: SteadyResult, z: float) -> None:
    for x, y in ((0.0, 0.0), (0.9, 1.9), (4.0, 2.0), (2.5, 1.0)):
        assert wall.at(x * mm, y * mm, z * mm) == pytest.approx(exact(z), abs=1e-7)


def test_temperature_outside_the_grid_is_nan(wall: SteadyResult) -> None:
    inside = (2 * mm, 1 * mm, 1 * mm)
    assert not isnan(wall.at(*inside))
    for axis, size in enumerate((4 * mm, 2 * mm, 3 * mm)):
        for beyond in (-1e-9, size + 1e-9):
            point = list(inside)
            point[axis] = beyond
            assert isnan(wall.at(*point)), (axis, beyond)


def test_temperatures_of_faces_of_a_wall_are_exact(wall: SteadyResult) -> None:
    """On both sides of the contact resistance, at the convective face, and at the fixed temperature."""
    for name, side, z in (("mold", "bottom", 0.0), ("mold", "top", 0.99999999), ("si", "top", 3.0)):
        face = wall.face(f"wall.{name}", side)
        assert (face.min, face.mean, face.max) == pytest.approx((exact(z),) * 3, abs=1e-6)
    assert wall.face("wall.si", "bottom").mean == pytest.approx(exact(1.0), abs=1e-6)
    assert wall.face("wall.mold", "top").mean - wall.face("wall.si", "bottom").mean == pytest.approx(
        FLUX * 1e-4
    )


def test_heat_through_the_faces_of_a_wall_is_the_flux_times_area(wall: SteadyResult) -> None:
    for name, side, sign in (("mold", "top", 1), ("mold", "bottom", -1), ("si", "top", 1), ("si", "west", 0)):
        face = wall.face(f"wall.{name}", side)
        assert face.heat == pytest.approx(sign * FLUX * AREA, rel=1e-9, abs=1e-9)
    assert wall.face("wall.si").area == pytest.approx(AREA)


def test_flux_out_of_a_cell_equals_flux_into_its_neighbour(wall: SteadyResult) -> None:
    planes = [plane_of(wall, k) for k in range(4)]
    for below, above in pairwise(planes):
        assert np.array_equal(below.high[Z], above.low[Z])
    for plane in planes:
        assert np.array_equal(plane.high[X, :, :-1], plane.low[X, :, 1:])
        assert plane.high[Z] == pytest.approx(plane.low[Z], rel=1e-9)  # no heat source
        assert not plane.low[Y].any()
    assert planes[0].low[Z, 0] == pytest.approx(FLUX * np.array([2e-6, 6e-6]), rel=1e-9)
    assert wall.fluxes.boundary_outflow.sum() == pytest.approx(0.0, abs=1e-9)


def test_slopes_follow_the_conductivities(wall: SteadyResult) -> None:
    """Each h s = -q h / k; the temperature falls by 100 K/mm in the mould and by 2 K/mm in the silicon."""
    for k, fall in ((0, 30.0), (1, 70.0), (2, 1.0), (3, 3.0)):
        for slope in plane_of(wall, k).slopes:
            assert slope[Z] == pytest.approx(np.full((1, 2), -fall), rel=1e-9)


# -- boundaries of the body ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def notched() -> SteadyResult:
    """Return a body of 3 x 2 x 2 cells of 1 mm with a gap in the upper layer; 1 W enters in the west."""
    gap = Region("gap", (1 * mm, 2 * mm), VOID, (1 * mm, 0.0))
    layers = Layer("low", 1 * mm, SILICON), Layer("high", 1 * mm, MOLD, regions=(gap,))
    cooling = Cooling(
        west=FaceCooling(FixedFlux(heat=1.0), on="highest"),
        east=FaceCooling(Convection(1e3, 300.0), on="highest"),
        surroundings=Convection(50.0, 310.0),
    )
    package = Package("notched", (Stack("s", (3 * mm, 2 * mm), layers),), cooling)
    return solve(package, Grid(np.arange(4) * mm, np.arange(3) * mm, np.arange(3) * mm))


def test_temperature_is_nan_in_a_hole_but_not_at_its_walls(notched: SteadyResult) -> None:
    assert isnan(notched.at(1.5 * mm, 1 * mm, 1.5 * mm))
    for x, z in ((0.5, 1.5), (2.5, 1.5), (1.5, 0.5), (2.0, 1.5)):
        assert not isnan(notched.at(x * mm, 1 * mm, z * mm))


def test_point_on_a_face_belongs_to_the_body() -> None:
    """Top of a board beside a die, also with a rounding error; 1 nm above it is outside."""
    board = Stack("board", (4 * mm, 2 * mm), (Layer("core", 0.7 * mm, SILICON),))
    die = Stack("die", (2 * mm, 2 * mm), (Layer("d", 0.3 * mm, SILICON),), on="board", position=(1e-3, 0.0))
    cooling = Cooling(bottom=FixedTemperature(300.0), top=Convection(1e4, 400.0))
    steady = solve(
        Package("step", (board, die), cooling),
        Grid(np.array([0, 1, 3, 4]) * mm, np.array([0, 2]) * mm, np.array([0, 0.7, 1.0]) * mm),
    )
    top = steady.at(0.5 * mm, 1 * mm, 0.7 * mm)
    assert top == pytest.approx(steady.at(0.5 * mm, 1 * mm, 0.7 * mm - 1e-9), abs=1e-3)
    assert steady.at(0.5 * mm, 1 * mm, 0.7 * mm + 1e-16) == pytest.approx(top, abs=1e-9)
    assert isnan(steady.at(0.5 * mm, 1 * mm, 0.7 * mm + 1e-9))
    for x in (1 * mm, 3 * mm):  # the sides of the die
        assert not isnan(steady.at(x, 1 * mm, 0.9 * mm))
    assert not isnan(steady.at(4 * mm + 1e-16, 2 * mm, 0.0))
    assert isnan(steady.at(np.nan, 1 * mm, 0.5 * mm))


def test_heat_balance_of_every_cell_closes(notched: SteadyResult) -> None:
    """The sum over six faces is zero with convection, fixed fluxes and neighbours."""
    for k in range(2):
        plane = plane_of(notched, k)
        kept = (plane.low - plane.high).sum(axis=0)
        assert kept == pytest.approx(np.zeros((2, 3)), abs=1e-12)
    assert plane_of(notched, 0).low[X, :, 0].sum() == pytest.approx(0.5)
    assert plane_of(notched, 1).low[X, :, 0].sum() == pytest.approx(0.5)


def test_fluxes_of_some_cells_equal_those_of_all_cells(notched: SteadyResult) -> None:
    """In any order, at several heights, with one cell twice."""
    cells = np.array([1, 0, 1, 1]), np.array([1, 0, 0, 1]), np.array([2, 1, 0, 2])
    some, every = notched.fluxes.of_cells(cells), [plane_of(notched, k) for k in range(2)]
    for n, (k, j, i) in enumerate(zip(*cells, strict=True)):
        for name in ("low", "high", "conductivity", "resistance_low", "resistance_high"):
            assert np.array_equal(getattr(some, name)[:, n], getattr(every[k], name)[:, j, i])


def test_heat_through_all_faces_of_a_part_without_sources_is_zero(notched: SteadyResult) -> None:
    """Over all sides of the low layer, and of the whole body."""
    sides = ("top", "bottom", "west", "east", "south", "north")
    for name in ("s.low", "s"):
        faces = [notched.face(name, side) for side in sides]
        assert sum(face.heat for face in faces) == pytest.approx(0.0, abs=1e-9)
        if name == "s":
            boundary = notched.model.boundary
            west = (boundary.axis == 2) & ~boundary.is_high
            assert faces[2].heat == pytest.approx(notched.fluxes.boundary_outflow[west].sum(), rel=1e-9)
            assert -1.0 < faces[2].heat < -0.95
            assert faces[2].area == pytest.approx((4 + 2) * 1e-6)  # the wall of the notch faces west too
            assert faces[0].area == pytest.approx(6e-6)


def test_heat_through_all_faces_of_a_part_equals_its_power() -> None:
    """The sum over six sides of a heated die on a board, to a relative 1e-6."""
    power = Power(blocks=(Block("b", (0.0, 0.0), (1 * mm, 1 * mm), 3.0),))
    board = Stack("board", (5 * mm, 4 * mm), (Layer("core", 1 * mm, MOLD),), filler=MOLD)
    die = Stack(
        "die", (2 * mm, 2 * mm), (Layer("d", 0.4 * mm, SILICON, power),), on="board", position=(2e-3, 1e-3)
    )
    steady = solve_steady(Package("p", (board, die), Cooling(surroundings=Convection(500.0, 300.0))))
    sides = [steady.face("die.d", side).heat for side in ("top", "bottom", "west", "east", "south", "north")]
    assert sum(sides) == pytest.approx(3.0, rel=1e-6)
    assert all(abs(heat) > 0.01 for heat in sides)


def test_cell_resistance() -> None:
    """Width / (k A) along z, y and x, zero outside the body."""
    conductivity = np.array([[0.0, 5.0], [0.0, 20.0], [0.0, 10.0]])
    cells = np.array([2, 2]), np.array([0, 0]), np.array([0, 1])
    resistance = cell_resistance(GRID, conductivity, cells)
    dx, dy, dz = 3 * mm, 2 * mm, 0.5 * mm
    assert resistance[:, 1] == pytest.approx([dz / (5 * dx * dy), dy / (20 * dx * dz), dx / (10 * dy * dz)])
    assert not resistance[:, 0].any()
