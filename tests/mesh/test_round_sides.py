"""Sides of round parts: coolers and contacts act on the area of the disc, not on that of its staircase."""

from __future__ import annotations

from dataclasses import replace
from math import pi
from pathlib import Path

import h5py
import numpy as np
import pytest

from thermostack import (
    ContactResistance,
    Convection,
    Cooling,
    FixedFlux,
    FixedTemperature,
    Layer,
    Package,
    Region,
    Stack,
    SteadyResult,
    discretize,
    solve_steady,
)
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.io.results.steady_file import read_result
from thermostack.materials.material import Material
from thermostack.materials.temperature_laws import Table
from thermostack.package.disc import Circle, step_cosines
from thermostack.units import mm

AIR = Convection(200.0, 300.0)
SHUT = Convection(0.0, 300.0)
METAL = Material("metal", 400.0)
FINENESSES = [0.6, 1.0, 1.7]


def disc(name: str, diameter: float, *layers: Layer, **more: object) -> Stack:
    """Return a round stack."""
    return Stack(name, (diameter, diameter), layers, diameter=diameter, **more)  # type: ignore[arg-type]


def rod(cooling: Cooling, length: float = 20 * mm, material: Material = METAL) -> Package:
    """Return a rod with a diameter of 4 mm, heated at its bottom by 1 W."""
    hot = Layer("hot", 1e-6, Material("even", 1e4), power=1.0)
    return Package("rod", (disc("rod", 4 * mm, hot, Layer("body", length, material)),), cooling)


SIDE = Cooling(surroundings=AIR, bottom=SHUT, top=SHUT)


def test_direction_cosines_are_the_length_of_the_circle_over_that_of_the_steps() -> None:
    """Each step has the mean of sqrt(1 - y2) over its heights."""
    cosines = step_cosines()
    circle = Circle(0.0, 0.0, 1.0)
    heights = np.linspace(0.0, 1.0, 200_001)
    middle = 0.5 * (heights[1:] + heights[:-1])
    quarter = discretize(rod(SIDE)).geometry.boxes[0].circles
    assert quarter == (Circle(2 * mm, 2 * mm, 2 * mm),)
    edges = {box.high[0] for box in discretize(rod(SIDE)).geometry.boxes}
    steps = {}
    for edge in sorted(edges):
        for height in middle[::1000]:
            step = circle.step_at(0, edge / (2 * mm) - 1.0, float(height))
            if step is not None:
                steps.setdefault(step, []).append(height)
    assert sorted(steps) == list(range(len(cosines)))
    for step, found in steps.items():
        low, high = min(found), max(found)
        inside = middle[(middle > low) & (middle < high)]
        assert cosines[step] == pytest.approx(float(np.sqrt(1.0 - inside**2).mean()), abs=0.02)
    assert cosines == sorted(cosines, reverse=True)


@pytest.mark.parametrize("fineness", FINENESSES)
def test_area_of_the_side_is_that_of_the_cylinder(fineness: float) -> None:
    model = discretize(rod(SIDE), fineness=fineness)
    (cooler,) = model.coolers
    assert cooler.area == pytest.approx(pi * 4 * mm * (20 * mm + 1e-6), rel=1e-12)
    quarters = Cooling(bottom=SHUT, **dict.fromkeys(("west", "east", "south", "north"), AIR))
    areas = [each.area for each in discretize(rod(quarters), fineness=fineness).coolers if each.area > 0.0]
    assert areas == pytest.approx([cooler.area / 4] * 4, rel=1e-12)


def test_ring_has_an_inner_and_an_outer_side() -> None:
    ring = Stack("ring", (6 * mm, 6 * mm), (Layer("wall", 2 * mm, METAL),), frame=1 * mm, diameter=6 * mm)
    model = discretize(Package("ring", (ring,), Cooling(surroundings=AIR, bottom=SHUT, top=SHUT)))
    assert model.coolers[0].area == pytest.approx(pi * (6 * mm + 4 * mm) * 2 * mm, rel=1e-12)


def test_hole_has_the_area_of_its_side() -> None:
    """The sides of a square plate with a round hole through it."""
    hole = Region("hole", (3 * mm, 3 * mm), "void", (1 * mm, 2 * mm), diameter=3 * mm)
    plate = Stack("plate", (8 * mm, 6 * mm), (Layer("cu", 1 * mm, METAL, regions=(hole,)),))
    model = discretize(Package("plate", (plate,), Cooling(surroundings=AIR, bottom=SHUT, top=SHUT)))
    assert model.coolers[0].area == pytest.approx((28 * mm + pi * 3 * mm) * 1 * mm, rel=1e-12)


def test_flat_side_that_a_disc_touches_stays_flat() -> None:
    coin = Region("coin", (4 * mm, 4 * mm), METAL, (0.0, 1 * mm), diameter=4 * mm)
    block = Stack("block", (6 * mm, 6 * mm), (Layer("core", 1 * mm, Material("m", 1.0), regions=(coin,)),))
    model = discretize(Package("block", (block,), Cooling(surroundings=AIR, bottom=SHUT, top=SHUT)))
    assert model.coolers[0].area == pytest.approx(24e-6, rel=1e-12)


def test_sides_of_a_disc_in_a_filler_and_of_its_gap_fill_are_round() -> None:
    """A disc on two blocks of unequal height: its gap fill ends at its edge."""
    blocks = [
        Stack(name, (3 * mm, 8 * mm), (Layer("m", height, METAL),), on="board", position=(x, 1 * mm))
        for name, x, height in (("low", 2 * mm, 1 * mm), ("high", 5 * mm, 1.5 * mm))
    ]
    board = Stack("board", (10 * mm, 10 * mm), (Layer("m", 1 * mm, METAL),))
    lid = disc(
        "lid", 6 * mm, Layer("m", 1 * mm, METAL), on=("low", "high"), center=(5 * mm, 5 * mm),
        relative_to="board", gap_fill=Material("grease", 3.0),
    )  # fmt: skip
    model = discretize(Package("p", (board, *blocks, lid), SIDE))
    faces = model.boundary
    of_lid = np.flatnonzero(model.part.ravel()[faces.cell] == 1 + names(model).index("lid.m"))
    lateral = of_lid[faces.axis[of_lid] > 0]
    assert faces.area[lateral].sum() == pytest.approx(pi * 6 * mm * 1 * mm, rel=1e-12)
    of_gap = np.flatnonzero(model.part.ravel()[faces.cell] == 1 + names(model).index("lid.gap_fill"))
    assert 0.0 < faces.direction_cosine[of_gap].min() < 1.0


def names(model: object) -> list[str]:
    return [part.name for part in model.parts]  # type: ignore[attr-defined]


@pytest.mark.parametrize("fineness", FINENESSES)
def test_fin_with_convection_on_its_side_is_exact(fineness: float) -> None:
    """A rod with an insulated tip: rise of its base Q / (k A m tanh(m L)), m2 = 4 h / (k d)."""
    steady = solve_steady(discretize(rod(SIDE), fineness=fineness))
    m = np.sqrt(4.0 * AIR.h / (400.0 * 4 * mm))
    rise = 1.0 / (400.0 * pi * (2 * mm) ** 2 * m * np.tanh(m * 20 * mm))
    found = steady.of("rod.hot")
    assert found.mean - 300.0 == pytest.approx(rise, rel=2e-3)
    assert abs(found.mean - 300.0 - rise) <= found.mean_error + 1e-3 * rise


def test_heat_of_a_fixed_flux_is_that_of_the_round_side() -> None:
    cooling = Cooling(surroundings=FixedFlux(flux=1e4), bottom=SHUT, top=AIR)
    steady = solve_steady(discretize(rod(cooling)), estimate=False)
    heat = 1e4 * pi * 4 * mm * (20 * mm + 1e-6)
    assert -steady.heat_balance.out["surroundings"] == pytest.approx(heat, rel=1e-9)
    assert steady.heat_balance.out["top"] == pytest.approx(1.0 + heat, rel=1e-6)


def slug(fineness: float) -> SteadyResult:
    """Return a slug in a ring with a contact resistance of 1 K m2/kW between them, cooled on the ring."""
    center = (6 * mm, 6 * mm)
    floor = Stack("floor", (12 * mm, 12 * mm), (Layer("f", 0.1 * mm, Material("insulator", 1e-4)),))
    core = disc("slug", 4 * mm, Layer("m", 2 * mm, Material("s", 2e3), power=2.0), on="floor", center=center)
    ring = disc(
        "ring", 10 * mm, Layer("m", 2 * mm, Material("r", 1e4)), on="floor", center=center, frame=3 * mm
    )
    contact = ContactResistance(("slug", "ring"), 1e-3, on="sides")
    package = Package("p", (floor, core, ring), SIDE, contacts=(contact,))
    return solve_steady(discretize(package, fineness=fineness), estimate=False)


@pytest.mark.parametrize("fineness", FINENESSES)
def test_contact_on_the_side_of_a_slug_has_the_area_of_the_cylinder(fineness: float) -> None:
    """Temperature difference Q R / (pi d h), and that of the ring to air Q / (h_air pi D h)."""
    steady = slug(fineness)
    inner, outer = steady.of("slug").mean, steady.of("ring").mean
    assert inner - outer == pytest.approx(2.0 * 1e-3 / (pi * 4 * mm * 2 * mm), rel=1e-3)
    assert outer - 300.0 == pytest.approx(2.0 / (AIR.h * pi * 10 * mm * 2 * mm), rel=1e-3)


def test_perfect_joints_and_fixed_temperatures_have_the_conductance_of_the_cells() -> None:
    """A fixed temperature on the side acts through the whole faces of the cells, as other parts do."""
    fixed = rod(Cooling(surroundings=FixedTemperature(300.0)))
    model = discretize(fixed, cell=0.4 * mm)
    faces = model.boundary
    lateral = faces.axis > 0
    own = assemble_conduction(model).boundary_face_conductance[lateral]
    flat = replace(
        model,
        boundary=replace(
            faces, area=faces.area / faces.direction_cosine, direction_cosine=np.ones(faces.cell.size)
        ),
    )
    np.testing.assert_allclose(own, assemble_conduction(flat).boundary_face_conductance[lateral], rtol=1e-12)


def test_conductivity_laws_see_the_flux_through_the_round_side() -> None:
    """A law that hardly varies gives the temperatures of a constant conductivity."""
    law = Material("law", Table((250.0, 450.0), (20.0, 20.0 * (1.0 + 1e-9))))
    results = [
        solve_steady(discretize(rod(SIDE, 5 * mm, material)), estimate=False).field
        for material in (law, Material("constant", 20.0))
    ]
    np.testing.assert_allclose(*results, rtol=1e-7)


def test_result_file_keeps_the_round_sides_and_older_files_open(tmp_path: Path) -> None:
    steady = solve_steady(discretize(rod(SIDE, 3 * mm), cell=1 * mm), estimate=False)
    path = tmp_path / "rod.vtkhdf"
    steady.save(path)
    kept = read_result(path)
    np.testing.assert_array_equal(
        kept.model.boundary.direction_cosine, steady.model.boundary.direction_cosine
    )
    assert kept.model.boundary.direction_cosine.min() < 0.5
    with h5py.File(path, "a") as file:
        del file["thermostack/surfaces/direction_cosine"]
    older = read_result(path)
    assert (older.model.boundary.direction_cosine == 1.0).all()
