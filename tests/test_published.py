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
from thermostack.materials import Material
from thermostack.units import mm, um

SIDE = 10 * mm
QUADRANT = (5 * mm, 5 * mm)


def two_dies() -> Package:
    """Return the two dies of 3D-ICE's steady solid test with a film on both outer faces.

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


def test_two_dies_of_3d_ice() -> None:
    """Its two probes are the cells, 50 um by 200 um, that begin at the points named: 5 mK, as it prints 1 mK.

    3D-ICE is finite volumes of the same kind on the same cells, one per layer, so what differs is rounding.
    """
    grid = Grid(
        np.linspace(0.0, SIDE, 201), np.linspace(0.0, SIDE, 51), np.array([0.0, 2.0, 50.0, 98.0, 100.0]) * um
    )
    steady = solve_steady(discretize(two_dies(), grid=grid), estimate=False)
    j, i = (
        int(np.searchsorted(edges, at + 1e-9)) - 1 for edges, at in ((grid.y, 4.8 * mm), (grid.x, 5 * mm))
    )
    assert steady.field[0, j, i] == pytest.approx(303.745, abs=5e-3)
    assert steady.field[-1, 0, 0] == pytest.approx(305.004, abs=5e-3)


def test_two_dies_on_the_default_grid() -> None:
    """The corner agrees to 20 mK on other cells: it lies in a flat field, so both have little error there."""
    steady = solve_steady(two_dies())
    assert steady.of("die_2.source").max == pytest.approx(305.004, abs=0.02)
    assert steady.heat_balance.out["top"] + steady.heat_balance.out["bottom"] == pytest.approx(75.0, rel=1e-7)
