"""Results of another tool on a case it publishes with its own regression tests."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    Grid,
    Layer,
    Package,
    Power,
    Stack,
    discretize,
    solve_steady,
)
from thermostack.materials.material import Material
from thermostack.transient.simulation import Simulation
from thermostack.units import mm, um

SIDE = 10 * mm
QUADRANT = (5 * mm, 5 * mm)


def two_dies() -> Package:
    """Return the two dies of 3D-ICE's steady solid test with convection on both outer faces.

    Source: 3D-ICE (Sridhar et al., ICCAD 2010), test "bothsink" with the floorplan "four_elements": two dies
    of 48 um and a source of 2 um on the outer face of each. The second element of the upper die is given
    there as six rectangles, which together fill the quadrant at (5, 5) mm.
    """
    silicon = Material("silicon", 130.0, volumetric_heat_capacity=1.63566e6)
    heated = (
        Block("element_1", (0.0, 0.0), QUADRANT, 12.5),
        Block("element_4", QUADRANT, QUADRANT, 12.5),
    )
    lower = Layer("source", 2 * um, silicon, Power(total=50.0)), Layer("bulk", 48 * um, silicon)
    upper = Layer("bulk", 48 * um, silicon), Layer("source", 2 * um, silicon, Power(blocks=heated))
    sink = (Convection(1e5, 300.0),)
    stacks = (
        Stack("die_1", (SIDE, SIDE), lower),
        Stack("die_2", (SIDE, SIDE), upper, on="die_1", position=(0.0, 0.0)),
    )
    return Package("two_dies", stacks, Cooling(top=sink, bottom=sink))


def ice_grid() -> Grid:
    """Return the grid of 3D-ICE: cells of 50 um by 200 um, one per layer."""
    z = np.array([0.0, 2.0, 50.0, 98.0, 100.0]) * um
    return Grid(np.linspace(0.0, SIDE, 201), np.linspace(0.0, SIDE, 51), z)


def probe_of_die_1(grid: Grid) -> tuple[int, int]:
    """Return (j, i) of the cell that begins at (5.0, 4.8) mm."""
    return tuple(  # type: ignore[return-value]
        int(np.searchsorted(edges, at + 1e-9)) - 1 for edges, at in ((grid.y, 4.8 * mm), (grid.x, 5 * mm))
    )


# K at the two probes after every step of 2 ms, as 3D-ICE has them
IN_TIME = ((302.666, 303.558), (303.427, 304.579), (303.652, 304.879), (303.718, 304.967), (303.737, 304.993))


def test_two_dies_of_3d_ice() -> None:
    """Both probes are cells of 50 um by 200 um at the named corners: 5 mK, with an output of 1 mK.

    3D-ICE uses the same finite volumes on the same cells, so only rounding differs.
    """
    grid = ice_grid()
    steady = solve_steady(discretize(two_dies(), grid=grid), estimate=False)
    j, i = probe_of_die_1(grid)
    assert steady.field[0, j, i] == pytest.approx(303.745, abs=5e-3)
    assert steady.field[-1, 0, 0] == pytest.approx(305.004, abs=5e-3)


def test_two_dies_of_3d_ice_in_time() -> None:
    """The same test from 300 K, with the implicit Euler steps of 2 ms of 3D-ICE: both probes to 1 mK."""
    grid = ice_grid()
    simulation = Simulation(
        discretize(two_dies(), grid=grid), initial=300.0, scheme="implicit_euler", step=2e-3, tolerance=1e-3
    )
    j, i = probe_of_die_1(grid)
    for n, (first, second) in enumerate(IN_TIME, 1):
        simulation.advance(n * 2e-3)
        assert simulation.steps == n
        assert simulation.field[0, j, i] == pytest.approx(first, abs=1e-3)
        assert simulation.field[-1, 0, 0] == pytest.approx(second, abs=1e-3)


def test_two_dies_on_the_default_grid() -> None:
    """The corner agrees to 20 mK on other cells: the field is flat there, so both errors are small."""
    steady = solve_steady(two_dies())
    assert steady.of("die_2.source").max == pytest.approx(305.004, abs=0.02)
    assert steady.heat_balance.out["top"] + steady.heat_balance.out["bottom"] == pytest.approx(75.0, rel=1e-7)
