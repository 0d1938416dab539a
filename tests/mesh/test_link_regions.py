"""The default grid at the ends of links: cells as far as the path of the heat matters for the link."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from thermostack import (
    Convection,
    Cooling,
    Layer,
    LinkEnd,
    Package,
    Stack,
    ThermalLink,
    discretize,
    solve_steady,
)
from thermostack.materials.material import Material
from thermostack.mesh.link_regions import RULE, LinkEnds, find_link_ends
from thermostack.package.geometry import build_geometry
from thermostack.units import mm, um

COPPER = Material("cu", 390.0)
SILICON = Material("si", 130.0)
LAMINATE = Material("laminate", (15.0, 15.0, 0.4))
PAD = 80 * um

# Centres of four pads on the die and on the board [mm], all at different positions along x and y.
PADS = [
    ((0.1, 0.3), (0.9, 1.3)),
    ((2.9, 1.9), (7.2, 6.3)),
    ((0.7, 2.5), (2.1, 7.1)),
    ((2.2, 0.1), (6.1, 0.8)),
]


def pad(part: str, center: tuple[float, float], size: float = PAD) -> LinkEnd:
    """Return a square end with its centre in mm."""
    x, y = center
    return LinkEnd(part, size=(size, size), center=(x * mm, y * mm))


def package(board: Material, size: float = PAD, count: int = 4, **wire: Any) -> Package:
    """Return a die on a board with bond wires between them, 2.5 mm of 25 um gold unless `wire` is given."""
    layers = Layer("glue", 30 * um, Material("glue", 2.0)), Layer("si", 0.31 * mm, SILICON, power=1.0)
    die = Stack("die", (3 * mm, 2.6 * mm), layers, on="board", center=(4 * mm, 4 * mm))
    plate = Stack("board", (8 * mm, 8 * mm), (Layer("m", 0.5 * mm, board),))
    wire = wire or {"material": Material("gold", 315.0), "diameter": 25 * um, "length": 2.5 * mm}
    links = tuple(
        ThermalLink(f"w{n}", pad("die", one, size), pad("board", other, size), **wire)
        for n, (one, other) in enumerate(PADS[:count])
    )
    cooling = Cooling(top=Convection(20.0, 300.0), bottom=Convection(100.0, 300.0))
    return Package("wires", (plate, die), cooling, links=links)


def ends_of(board: Material, **more: Any) -> LinkEnds:
    return find_link_ends(build_geometry(package(board, **more)))


def block(k: Any, conductance: float, height: float = 20 * mm) -> LinkEnds:
    """Return the ends of one link from the middle of a thick block to a whole face of another."""
    body = Stack("body", (40 * mm, 40 * mm), (Layer("m", height, Material("m", k)),))
    top = Stack(
        "top", (1 * mm, 1 * mm), (Layer("m", 1 * mm, COPPER, power=1.0),), on="body", center=(2 * mm, 2 * mm)
    )
    link = ThermalLink("link", pad("body", (20.0, 20.0), 100 * um), "top", conductance=conductance)
    cooling = Cooling(bottom=Convection(100.0, 300.0))
    return find_link_ends(build_geometry(Package("p", (body, top), cooling, links=(link,))))


def fraction_at_pad(cells: float) -> float:
    """Return the fraction of the first piece of the path, from the cells across an end."""
    return RULE.full_fraction * (cells / RULE.cells_across) ** 2


@pytest.mark.parametrize("k", [10.0, (16.0, 25.0, 5.0)])
def test_resistance_under_an_end_is_that_of_a_half_space(k: Any) -> None:
    """Up to the width 3 a the path has 2/3 of 0.5 / (k a), with k = (k_z (k_x k_y)^1/2)^1/2."""
    k_x, k_y, k_z = (k, k, k) if isinstance(k, float) else k
    k_mean = (k_z * (k_x * k_y) ** 0.5) ** 0.5
    whole = 0.5 / (k_mean * 100 * um)  # K/W
    own = 5.0 * whole
    found = block(k, 1.0 / own)
    share = 2.0 / 3.0 * whole / (own + whole * (1.0 - 1.0 / 3.0**RULE.shells))
    assert fraction_at_pad(found.cells_across[0]) == pytest.approx(share, rel=1e-6)


def test_cells_across_an_end_grow_with_its_part_of_the_resistance() -> None:
    cells = [float(block(10.0, g).cells_across[0]) for g in (1e-6, 1e-4, 3e-4, 1e-3, 1.0)]
    assert cells == sorted(cells)
    assert cells[0] == RULE.min_cells_across
    assert cells[-1] == RULE.cells_across


def test_path_through_a_lead_reaches_the_board_below_it() -> None:
    """A pad on copper above a poor conductor: the cells follow from the width of the path in the latter."""
    board = Stack("board", (6 * mm, 6 * mm), (Layer("m", 2 * mm, Material("poor", 0.5)),))
    lead = Stack(
        "lead", (0.4 * mm, 0.4 * mm), (Layer("m", 0.1 * mm, COPPER),), on="board", center=(3 * mm, 3 * mm)
    )
    top = Stack(
        "top", (1 * mm, 1 * mm), (Layer("m", 1 * mm, COPPER, power=1.0),), on="board", center=(1 * mm, 1 * mm)
    )
    link = ThermalLink("link", pad("lead", (0.2, 0.2)), "top", conductance=1e-3)
    cooling = Cooling(bottom=Convection(100.0, 300.0))
    ends = find_link_ends(build_geometry(Package("p", (board, lead, top), cooling, links=(link,))))
    assert ends.cells_across[0] == pytest.approx(RULE.cells_across / RULE.shell_growth, rel=1e-6)


def test_ends_without_rectangle_have_no_cells() -> None:
    link = ThermalLink("link", "die", "board", conductance=1e-3)
    bare = package(COPPER, count=0)
    found = find_link_ends(build_geometry(Package("p", bare.stacks, bare.cooling, links=(link,))))
    assert len(found) == 0
    assert found.size(np.zeros(3), 0).tolist() == [np.inf] * 3


# Cells before the rule, when every end had four cells across and smaller ones at its edges.
@pytest.mark.parametrize(
    ("board", "more", "before", "bound"),
    [
        (COPPER, {}, 651_651, 45_000),
        (LAMINATE, {}, 1_471_470, 400_000),
        (LAMINATE, {"size": 180 * um, "conductance": 0.02}, 663_520, 450_000),
    ],
)
def test_four_wires_drawn_one_by_one_have_few_cells(
    board: Material, more: dict[str, Any], before: int, bound: int
) -> None:
    cells = discretize(package(board, **more)).grid.cells
    assert cells < bound < before


@pytest.mark.parametrize("board", [COPPER, LAMINATE])
def test_temperatures_with_wires_are_those_of_finer_cells_within_the_estimate(board: Material) -> None:
    coarse = solve_steady(discretize(package(board, count=1)))
    fine = solve_steady(discretize(package(board, count=1), fineness=2.0), estimate=False)
    for one, other in zip(coarse.parts, fine.parts, strict=True):
        assert abs(one.mean - other.mean) <= one.mean_error + 1e-3
        assert abs(one.max - other.max) <= one.error + 1e-3
    assert coarse.links[0].heat == pytest.approx(fine.links[0].heat, rel=0.01)


def test_heat_of_a_strap_is_that_of_finer_cells() -> None:
    """The laminate under the ends of a strap has most of the resistance, and six cells across each."""
    strap: dict[str, Any] = {"size": 180 * um, "count": 1, "conductance": 0.02}
    coarse = solve_steady(discretize(package(LAMINATE, **strap)), estimate=False)
    fine = solve_steady(discretize(package(LAMINATE, **strap), fineness=2.0), estimate=False)
    assert coarse.links[0].heat == pytest.approx(fine.links[0].heat, rel=0.03)
    assert coarse.of("die").mean - fine.of("die").mean == pytest.approx(0.0, abs=1.0)
