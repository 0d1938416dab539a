"""Temperatures at faces and vertices: exact values, contacts, continuity, and bounds by the cells around."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from thermostack import (
    Block,
    ContactResistance,
    Convection,
    Cooling,
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
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.nodal_values import nodal_values, temperature_at
from thermostack.finite_volume.part_temperatures import PartsAndBlocks, measure_parts, measure_zones
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.materials.material import VOID
from thermostack.units import mm

pytestmark = pytest.mark.usefixtures("float64_conductances_in_module")
SILICON, MOLD, COPPER = Material("si", 100.0), Material("mold", 2.0), Material("cu", 400.0)
SIDE = 4 * mm
CUBE = Grid(*(np.arange(5.0) * mm for _ in range(3)))


def solve(package: Package, grid: Grid) -> SteadyResult:
    return solve_steady(discretize(package, grid=grid), method="direct", residual=1e-13, estimate=False)


def cube(regions: tuple[Region, ...] = (), power: Power | None = None, contact: float = 0.0) -> SteadyResult:
    """Return 4 x 4 x 4 cells of 1 mm in two layers, at 300 K below, with convection on top and west."""
    layers = (
        Layer("low", 2 * mm, SILICON, power),
        Layer("high", 2 * mm, SILICON, regions=regions, interface=Interface(bottom=contact)),
    )
    cooling = Cooling(bottom=FixedTemperature(300.0), top=Convection(2e4, 400.0), west=Convection(5e3, 330.0))
    return solve(Package("cube", (Stack("s", (SIDE, SIDE), layers),), cooling), CUBE)


def with_field(steady: SteadyResult, gradient: tuple[float, float, float]) -> FaceFluxes:
    """Return the fluxes of a field that is linear in x, y and z [K/m] without boundary flows."""
    grid = steady.model.grid
    x, y, z = gradient
    t = 300.0 + z * grid.z_center[:, None, None] + y * grid.y_center[:, None] + x * grid.x_center
    fluxes = FaceFluxes(steady.model, steady.fluxes.conduction, steady.fluxes.conductivity, t)
    fluxes.boundary_outflow = np.zeros(fluxes.boundary_outflow.size)
    return fluxes


def test_linear_field_is_exact_at_any_inner_point() -> None:
    gradient = (2e3, -1e3, 5e3)
    fluxes = with_field(cube(), gradient)
    for point in np.random.default_rng(0).uniform(1 * mm, 3 * mm, (50, 3)):
        expected = 300.0 + float(point @ gradient)
        assert temperature_at(fluxes, *point.tolist()) == pytest.approx(expected, abs=1e-9)


def test_nodes_of_a_layered_wall_by_hand() -> None:
    """1e5 W/m2 through 2 mm of silicon and 2 mm of mold: 2 K, then 100 K, in cells of 1 mm."""
    layers = Layer("si", 2 * mm, SILICON), Layer("mold", 2 * mm, MOLD)
    cooling = Cooling(bottom=FixedTemperature(402.0), top=FixedTemperature(300.0))
    steady = solve(Package("wall", (Stack("s", (SIDE, SIDE), layers),), cooling), CUBE)
    cells = np.array([0, 1, 2, 3]), np.full(4, 1), np.full(4, 2)
    nodes = nodal_values(steady.fluxes, cells)
    expected = np.array([[402, 401.5, 401], [401, 400.5, 400], [400, 375, 350], [350, 325, 300]])
    for j, i in product(range(3), repeat=2):
        np.testing.assert_allclose(nodes.t[:, j, i].T, expected, atol=1e-8)
    assert nodes.source[0, 0, 1, 1].tolist() == [0, 0, -1, 0]  # the joint belongs to the silicon
    assert nodes.source[0, 2, 1, 1].tolist() == [0, 0, 0, 0]


def test_vertex_is_the_mean_weighted_by_conductivity() -> None:
    """Around the centre of a cube with four cells of silicon and four of mold, and a heat flow along x."""
    steady = cube(regions=(Region("piece", (SIDE, SIDE), MOLD, (0.0, 0.0)),))
    fluxes = with_field(steady, (1e3, 0.0, 0.0))
    nodes = nodal_values(fluxes, (np.array([1]), np.array([1]), np.array([1])))
    assert nodes.t[2, 2, 2, 0] == pytest.approx(302.0, abs=1e-9)


def test_field_is_continuous_across_faces_without_contact() -> None:
    """In a body with a heated corner, a piece of mold and a hole, at random points of all inner faces."""
    regions = (
        Region("piece", (1 * mm, 2 * mm), MOLD, (1 * mm, 1 * mm)),
        Region("hole", (1 * mm, 1 * mm), VOID, (3 * mm, 0.0)),
    )
    power = Power(blocks=(Block("b", (0.0, 0.0), (1 * mm, 1 * mm), 5.0),))
    steady = cube(regions, power)
    rng, step = np.random.default_rng(1), 1e-9
    for axis in range(3):
        for _ in range(60):
            point = rng.uniform(0.0, SIDE, 3)
            point[axis] = rng.integers(1, 4) * mm
            low, high = point.copy(), point.copy()
            low[axis] -= step
            high[axis] += step
            jump = steady.at(*high.tolist()) - steady.at(*low.tolist())
            assert not abs(jump) > 1e-3, (axis, point)


def test_contact_separates_the_temperatures_of_its_two_sides() -> None:
    """At any point of a contact that has ten times the resistance of the cells beside it."""
    steady = cube(contact=1e-4)
    t = steady.field
    for x, y in product((0.5, 1.0, 2.2, 3.9), repeat=2):
        below, above = (steady.at(x * mm, y * mm, 2 * mm + step) for step in (-1e-9, 1e-9))
        assert t[1].min() < below < above < t[2].max()
        assert above - below > 0.7 * (t[2].min() - t[1].max())


def test_extremes_at_the_end_of_a_contact_are_those_of_each_side() -> None:
    """Below and beside a heated die in mold, and between two dies side by side on an insulator."""
    board = Stack("board", (9 * mm, 6 * mm), (Layer("core", 1 * mm, COPPER),), filler=MOLD)
    silicon = Layer("si", 0.4 * mm, SILICON, power=Power(total=10.0), interface=Interface(bottom=5e-5))
    die = Stack("die", (3 * mm, 3 * mm), (silicon,), on=("board",)).at(1 * mm, 1 * mm)
    sink = Stack("sink", (3 * mm, 3 * mm), (Layer("cu", 0.4 * mm, COPPER),), on=("board",)).at(4 * mm, 1 * mm)
    contact = ContactResistance(("die", "sink"), 1e-4, "sides")
    cooling = Cooling(bottom=Convection(5e3, 300.0))
    steady = solve_steady(discretize(Package("p", (board, die, sink), cooling, contacts=(contact,))))
    for name in ("die.si", "board.core", "sink.cu"):
        part = steady.of(name)
        number = next(n for n, each in enumerate(steady.model.parts, 1) if each.name == name)
        cells = steady.field[steady.model.part == number]
        spread = np.ptp(cells)
        assert cells.min() - 0.5 * spread < part.min <= cells.min()
        assert cells.max() <= part.max < cells.max() + 0.5 * spread


def test_cells_that_meet_at_an_edge_only_do_not_share_a_vertex() -> None:
    """Two quarters of the upper layer are void; the others touch along a line and through the lower layer."""
    holes = (
        Region("a", (2 * mm, 2 * mm), VOID, (0.0, 0.0)),
        Region("b", (2 * mm, 2 * mm), VOID, (2 * mm, 2 * mm)),
    )
    fluxes = with_field(cube(holes), (0.0, 0.0, 0.0))
    fluxes.t[2:, 2:, :2] = 310.0  # one of the two quarters
    cells = np.array([3, 3]), np.array([2, 1]), np.array([1, 2])
    nodes = nodal_values(fluxes, cells)
    assert nodes.t[..., 0] == pytest.approx(np.full((3, 3, 3), 310.0), abs=1e-9)
    assert nodes.t[..., 1] == pytest.approx(np.full((3, 3, 3), 300.0), abs=1e-9)


def test_value_in_a_cell_is_bounded_by_its_nodes() -> None:
    steady = cube(power=Power(total=4.0))
    rng = np.random.default_rng(2)
    cells = tuple(rng.integers(0, 4, 200) for _ in range(3))
    nodes = nodal_values(steady.fluxes, cells)
    values = nodes.at(rng.uniform(-0.5, 0.5, (3, 200)))
    assert (values >= nodes.t.min(axis=(0, 1, 2)) - 1e-12).all()
    assert (values <= nodes.t.max(axis=(0, 1, 2)) + 1e-12).all()


def test_value_at_a_node_is_that_of_the_node() -> None:
    steady = cube(power=Power(total=4.0))
    cells = np.array([1]), np.array([2]), np.array([0])
    nodes = nodal_values(steady.fluxes, cells)
    for point in product(range(3), repeat=3):
        offset = 0.5 * (np.array(point) - 1.0)[:, None]
        assert nodes.at(offset)[0] == pytest.approx(nodes.t[(*point, 0)], abs=1e-12)


def test_hottest_point_of_equal_ones_is_in_their_middle() -> None:
    """The centre of a cell of uniform temperature; the face that it shares with an equally hot neighbour."""
    fluxes = with_field(cube(), (0.0, 0.0, 0.0))
    cells = np.array([1]), np.array([1]), np.array([1])
    assert nodal_values(fluxes, cells).hottest().ravel().tolist() == [1, 1, 1]
    fluxes.t[...] = 300.0 - np.array([8.0, 0.0, 0.0, 8.0])
    assert nodal_values(fluxes, cells).hottest().ravel().tolist() == [1, 1, 2]


def test_peak_at_a_joint_is_that_of_the_better_conductor() -> None:
    """The peak of mold around a heated die is at the die, and its error estimate from a cell of the die."""
    power = Power(total=4.0)
    die = Stack(
        "die", (2 * mm, 2 * mm), (Layer("d", 2 * mm, SILICON, power),), on="base", position=(1e-3, 1e-3)
    )
    base = Stack("base", (SIDE, SIDE), (Layer("b", 2 * mm, MOLD),), filler=MOLD)
    steady = solve(Package("p", (base, die), Cooling(bottom=Convection(1e4, 300.0))), CUBE)
    measured = measure_parts(steady.fluxes)
    names = [part.name for part in steady.model.parts]
    n, own = names.index("base.filler"), names.index("die.d")
    assert steady.model.part.ravel()[measured.peaks.cell[n]] == 1 + n
    assert steady.model.part.ravel()[measured.peaks.source_cell[n]] == 1 + own
    assert steady.of("base.filler").max <= steady.of("die.d").max + 1e-9
    assert steady.peak.name == "die.d"


def test_cells_of_a_field_without_flow_have_one_temperature() -> None:
    steady = cube()
    t = np.random.default_rng(3).uniform(300.0, 400.0, (4, 4, 4))
    fluxes = FaceFluxes.without_flow(steady.model, CellConductivity(steady.model), t)
    found = measure_zones(fluxes, PartsAndBlocks(steady.model), bounds=(-np.inf, np.inf))
    assert (found.min[0], found.max[0]) == (t[:2].min(), t[:2].max())
    assert found.mean[0] == pytest.approx(t[:2].mean(), rel=1e-14)
    assert temperature_at(fluxes, 3.9 * mm, 0.1 * mm, 1.1 * mm) == t[1, 0, 3]


def test_values_beyond_the_given_bounds_are_removed() -> None:
    steady = cube()
    zones = PartsAndBlocks(steady.model)
    found = measure_zones(steady.fluxes, zones, bounds=(320.0, 340.0))
    assert (found.min[0], found.max[1]) == (320.0, 340.0)
    for bound in (200.0, 500.0):  # every value is beyond it
        found = measure_zones(steady.fluxes, zones, bounds=(bound, bound))
        for values in (found.min, found.mean, found.max):
            assert values.tolist() == [bound, bound]
