"""Round plans: area, symmetry and resistance of the staircase, the key `diameter`, and round parts."""

from __future__ import annotations

from math import inf, pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Convection,
    Cooling,
    DescriptionError,
    FixedTemperature,
    Layer,
    Package,
    Region,
    Stack,
    discretize,
    read_package,
    solve_steady,
    write_package,
)
from thermostack.materials.material import Material
from thermostack.package.disc import disc_rectangles
from thermostack.package.rectangles import Rectangle, intersection
from thermostack.units import mm

UNIT_DISC = (-1.0, -1.0, 1.0, 1.0)
COPPER = Material("cu", 400.0)


def area(rectangles: list[Rectangle]) -> float:
    return sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in rectangles)


# -- staircase ---------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [None, 0.1, 0.3, 0.9])
def test_area_is_that_of_the_disc_or_ring(frame: float | None) -> None:
    found = disc_rectangles((2.0, 3.0, 8.0, 9.0), None if frame is None else 3.0 * frame)
    inner = 0.0 if frame is None else 3.0 - 3.0 * frame
    assert area(found) == pytest.approx(pi * (9.0 - inner**2), rel=1e-12)


@pytest.mark.parametrize("frame", [None, 0.25])
def test_rectangles_do_not_overlap_and_are_symmetric(frame: float | None) -> None:
    found = disc_rectangles(UNIT_DISC, frame)
    for n, one in enumerate(found):
        assert one[0] < one[2]
        assert one[1] < one[3]
        assert not any(intersection(one, other) for other in found[:n])
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (400, 2))

    def is_inside(x: float, y: float) -> bool:
        return any(x0 < x < x1 and y0 < y < y1 for x0, y0, x1, y1 in found)

    for x, y in points.tolist():
        images = {is_inside(x, y), is_inside(y, x), is_inside(-x, y), is_inside(x, -y)}
        assert len(images) == 1


def corner_integral(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the integral of 1/r over the rectangle from the origin to (x, y), signed."""
    a, b = np.abs(x) + 1e-300, np.abs(y) + 1e-300
    return np.asarray(np.sign(x) * np.sign(y) * (a * np.arcsinh(b / a) + b * np.arcsinh(a / b)))


def test_spreading_resistance_is_that_of_the_disc_within_what_the_text_says() -> None:
    """Even heat flux on a half space: mean rise of a disc 8 q a / (3 pi k), at its centre q a / k."""
    found = disc_rectangles(UNIT_DISC)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    mean = 0.0
    for x0, y0, x1, y1 in found:
        x, y = np.meshgrid(
            0.5 * (x0 + x1 + (x1 - x0) * nodes), 0.5 * (y0 + y1 + (y1 - y0) * nodes), indexing="ij"
        )
        rise = sum(
            corner_integral(b - x, d - y)
            - corner_integral(a - x, d - y)
            - corner_integral(b - x, c - y)
            + corner_integral(a - x, c - y)
            for a, c, b, d in found
        )
        mean += float((weights[:, None] * weights * rise).sum()) * 0.25 * (x1 - x0) * (y1 - y0)
    mean /= 2.0 * pi * pi
    origin = np.zeros(1)
    center = sum(
        corner_integral(b - origin, d - origin)
        - corner_integral(a - origin, d - origin)
        - corner_integral(b - origin, c - origin)
        + corner_integral(a - origin, c - origin)
        for a, c, b, d in found
    ).item() / (2.0 * pi)  # type: ignore[union-attr]
    assert mean / (8.0 / (3.0 * pi)) - 1.0 == pytest.approx(-0.0030, abs=1e-4)
    assert center - 1.0 == pytest.approx(-0.0007, abs=1e-4)


# -- key ---------------------------------------------------------------------------------------

ROUND = """
package: round
stacks:
  board:
    size: [20 mm, 20 mm]
    layers:
      - name: core
        thickness: 1 mm
        material: fr4
        regions: {via: {material: copper, center: [5 mm, 6 mm], diameter: 1 mm}}
  slug:
    on: board
    center: [10 mm, 10 mm]
    diameter: 6 mm
    rotate: 90
    layers: [{name: cu, thickness: 2 mm, material: copper, power: 5 W}]
cooling:
  top: {convection: {h: 50 W/m2/K, ambient: 25 degC}}
"""


def read(path: Path, text: str, overrides: dict[str, Any] | None = None) -> Package:
    path.write_text(text)
    return read_package(path, overrides)


def test_round_stack_and_region_of_a_file(tmp_path: Path) -> None:
    package = read(tmp_path / "round.yaml", ROUND)
    slug, via = package.stack("slug"), package.stack("board").layers[0].regions[0]
    assert (slug.diameter, slug.size, slug.corner) == (0.006, (0.006, 0.006), (0.007, 0.007))
    assert (via.diameter, via.corner) == (0.001, pytest.approx((0.0045, 0.0055)))
    steady = solve_steady(discretize(package), estimate=False)
    assert steady.of("slug").volume == pytest.approx(pi * 9e-6 * 2e-3, rel=1e-9)
    assert steady.of("board.core.via").volume == pytest.approx(pi * 0.25e-6 * 1e-3, rel=1e-9)
    assert steady.heat_balance.heat_in == pytest.approx(5.0, rel=1e-12)
    write_package(package, tmp_path / "again.yaml")
    assert read_package(tmp_path / "again.yaml") == package
    larger = read_package(tmp_path / "again.yaml", {"stacks.slug.diameter": "8 mm"})
    assert larger.stack("slug").size == (0.008, 0.008)


def test_round_stack_in_python() -> None:
    slug = Stack("slug", layers=Layer("cu", 2 * mm, COPPER), diameter="6 mm")  # type: ignore[call-arg]
    assert slug == Stack("slug", (6 * mm, 6 * mm), Layer("cu", 2 * mm, COPPER), diameter=6 * mm)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("diameter: 6 mm", "diameter: 6", "stacks.slug.diameter: 6 has no unit"),
        ("diameter: 6 mm", "diameter: 6 K", "stacks.slug.diameter: "),
        ("diameter: 6 mm", "diameter: -6 mm", "stacks.slug.diameter: -6 mm is not greater than zero"),
        (
            "diameter: 6 mm",
            "diameter: 6 mm\n    size: [6 mm, 5 mm]",
            r"stacks.slug.diameter: 6 mm differs from the size 6 mm x 5 mm \(give the diameter alone\)",
        ),
        ("diameter: 1 mm", "diameter: 12 mm", "region 'via' extends beyond its layer by 1 mm to the west"),
        ("diameter: 6 mm", "diameter: 6 mm\n    frame: 3 mm", "stacks.slug.frame"),
    ],
)
def test_wrong_diameter_is_explained(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(DescriptionError, match=message) as caught:
        discretize(read(tmp_path / "round.yaml", ROUND.replace(old, new)))
    assert all(found.line for found in caught.value.diagnostics)


# -- temperatures ------------------------------------------------------------------------------


def test_round_rod_conducts_by_its_area() -> None:
    """A rod between a heated and a cold end is one-dimensional: R = L / (k A)."""
    layers = Layer("body", 5 * mm, COPPER), Layer("hot", 1e-6, COPPER, power=2.0)
    rod = Stack("rod", (4 * mm, 4 * mm), layers, diameter=4 * mm)
    steady = solve_steady(discretize(Package("rod", (rod,), Cooling(bottom=FixedTemperature(300.0)))))
    rise = 2.0 * 5e-3 / (400.0 * pi * 4e-6)
    assert steady.of("rod.hot").mean - 300.0 == pytest.approx(rise, rel=1e-3)


def test_ring_of_a_round_frame_carries_the_lid() -> None:
    """A ring under a plate is the only path: its resistance is L / (k pi (R2^2 - R1^2))."""
    steel = Material("steel", 15.0)
    floor = Stack("floor", (12 * mm, 12 * mm), Layer("cu", 0.1 * mm, Material("d", 1e5)))  # type: ignore[arg-type]
    ring = Stack(
        "ring", (10 * mm, 10 * mm), (Layer("wall", 4 * mm, steel),), on="floor", center=(6 * mm, 6 * mm),
        frame=1 * mm, diameter=10 * mm,
    )  # fmt: skip
    plate = Layer("plate", 0.1 * mm, Material("d", 1e5), power=3.0)
    lid = Stack("lid", (10 * mm, 10 * mm), (plate,), on="ring", diameter=10 * mm, center=(5 * mm, 5 * mm))
    cooling = Cooling(bottom=FixedTemperature(300.0))
    steady = solve_steady(discretize(Package("can", (floor, ring, lid), cooling)))
    rise = 3.0 * 4e-3 / (15.0 * pi * (25.0 - 16.0) * 1e-6)
    assert steady.of("lid").mean - 300.0 == pytest.approx(rise, rel=5e-3)


def test_spreading_from_a_round_source_agrees_with_the_series() -> None:
    """A disc of 1 mm on a rod of 6 mm, sides insulated, bottom cold: the series of Kennedy (1960).

    The power is generated in a sheet that does not conduct sideways: its upper half adds a third of the
    resistance of its thickness to the mean.
    """
    from scipy.special import j0, j1, jn_zeros

    k, a, b, height, heat = 100.0, 1 * mm, 6 * mm, 6 * mm, 2.0
    silicon = Material("si", k)
    body = Stack("body", (2 * b, 2 * b), (Layer("bulk", height, silicon),), diameter=2 * b)
    layers = (Layer("sheet", 1e-6, Material("thin", (1e-3, 1e-3, 10.0)), power=heat),)
    source = Stack("source", (2 * a, 2 * a), layers, on="body", center=(b, b), diameter=2 * a)
    cooling = Cooling(bottom=FixedTemperature(300.0))
    steady = solve_steady(discretize(Package("spot", (body, source), cooling), fineness=1.5))
    zeros = jn_zeros(1, 400) / b
    terms = j1(zeros * a) ** 2 / (zeros**3 * j0(zeros * b) ** 2) * np.tanh(zeros * height)
    spreading = 4.0 / (pi * a**2 * b**2 * k) * float(terms.sum())
    rise = heat * (height / (k * pi * b**2) + spreading)
    sheet = heat * 1e-6 / (10.0 * pi * a**2) / 3.0
    found = steady.of("source").mean - 300.0 - sheet
    assert found == pytest.approx(rise, rel=0.015)
    assert inf > steady.peak.error > 0.0  # type: ignore[operator]


def test_convection_acts_on_the_round_top_alone() -> None:
    layer = Layer("cu", 1 * mm, COPPER, power=1.0)
    plate = Stack("plate", (10 * mm, 10 * mm), (layer,), diameter=10 * mm)
    steady = solve_steady(discretize(Package("plate", (plate,), Cooling(top=Convection(1e3, 300.0)))))
    assert steady.model.coolers[0].area == pytest.approx(pi * 25e-6, rel=1e-12)
    assert steady.of("plate").mean - 300.0 == pytest.approx(1.0 / (1e3 * pi * 25e-6), rel=1e-2)


def test_round_region_keeps_its_frame() -> None:
    ring = Region("ring", (4 * mm, 4 * mm), COPPER, (1 * mm, 1 * mm), frame=1 * mm, diameter=4 * mm)
    layer = Layer("core", 1 * mm, Material("mold", 1.0), power=1.0, regions=(ring,))
    package = Package("p", (Stack("s", (6 * mm, 6 * mm), (layer,)),), Cooling(top=Convection(1e3, 300.0)))
    steady = solve_steady(discretize(package), estimate=False)
    assert steady.of("s.core.ring").volume == pytest.approx(pi * 3e-9, rel=1e-9)
