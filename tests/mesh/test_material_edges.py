"""Cell sizes at the edges of dies in mold or air, and the packages that keep their grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Convection,
    Cooling,
    Layer,
    Material,
    Package,
    Power,
    Region,
    Stack,
    discretize,
    read_package,
)
from thermostack.mesh import material_edges
from thermostack.mesh.face_grid import FaceGrid
from thermostack.mesh.grid import Grid
from thermostack.mesh.material_edges import RULE, EdgeHeights, MaterialEdges, singular_exponent
from thermostack.package.geometry import Geometry, package_geometry
from thermostack.units import mm, um

SILICON, MOLD = Material("silicon", 148.0), Material("mold", 0.9)
COOLING = Cooling(top=Convection(1e4, 300.0))
HEIGHT = 400 * um


def in_mold(*corners: tuple[float, float], scale: float = 1.0, **options: Any) -> Package:
    """Return dies of 3 mm on an interposer of 12 mm in mold."""
    mold = options.pop("mold", MOLD)
    layer = Layer("silicon", 100 * um * scale, SILICON)
    stacks = [Stack("interposer", (12 * mm * scale, 12 * mm * scale), (layer,), filler=mold)]
    for n, (x, y) in enumerate(corners):
        layers = (Layer("bulk", HEIGHT * scale, SILICON, Power(total=2.0)),)
        die = Stack(f"die_{n}", (3 * mm * scale, 3 * mm * scale), layers, on=("interposer",), **options)
        stacks.append(die.at(x * scale, y * scale))
    return Package("in_mold", tuple(stacks), COOLING)


ONE = in_mold((2 * mm, 5 * mm))


def without_rule(package: Package, monkeypatch: pytest.MonkeyPatch) -> Grid:
    with monkeypatch.context() as patch:
        patch.setattr(material_edges, "RULE", replace(RULE, max_exponent=-1.0))
        return discretize(package).grid


def has_equal_planes(one: Grid, other: Grid) -> bool:
    return all(np.array_equal(getattr(one, axis), getattr(other, axis)) for axis in "xyz")


@pytest.mark.parametrize("axis", ["x", "y"])
def test_dies_that_end_at_the_edge_of_the_body(axis: str) -> None:
    """Rounding places their ends just inside or outside the outermost plane, where there is no edge."""
    for n in range(1, 99):
        start, length = 0.1 * n * mm, (10.0 - 0.1 * n) * mm
        corner, size = (
            ((start, 2 * mm), (length, 3 * mm)) if axis == "x" else ((2 * mm, start), (3 * mm, length))
        )
        board = Stack("board", (10 * mm, 10 * mm), (Layer("core", 1 * mm, MOLD),))
        die = Stack("die", size, (Layer("bulk", HEIGHT, SILICON, Power(total=1.0)),), on=("board",)).at(
            *corner
        )
        position = MaterialEdges(
            package_geometry(Package("p", (board, die), COOLING)), "xy".index(axis)
        ).position
        assert position == pytest.approx([start])


# -- where ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quadrants", "exponent"),
    [
        ((1.0, 1.0, 1.0, 1.0), 1.0),
        ((5.0, 5.0, 1.0, 1.0), 1.0),  # layers
        ((1.0, 1.0, 1.0, 0.0), 2.0 / 3.0),  # a corner of 270 degrees
        ((1.0, 1.0, 0.0, 0.0), 1.0),  # a plane surface
        ((1.0, 3.0, 0.0, 0.0), 1.0),
        ((120.0, 0.9, 5.0, 5.0), 0.5656),  # die, mold and a sheet of interface material
        ((1e4, 0.0, 1.0, 1.0), 0.5),  # a hot plate beside an insulator on a body
    ],
)
def test_exponent_at_an_edge_of_four_quadrants(quadrants: tuple[float, ...], exponent: float) -> None:
    """In closed form; the solution of div(k grad r^s f(angle)) = 0 in the four quadrants.

    For a thin hot plate on a half space it is 1/2.
    """
    for turned in range(4):
        rolled = np.roll(quadrants, turned)
        assert singular_exponent(*(np.array(k) for k in rolled)) == pytest.approx(exponent, abs=1e-3)
        assert singular_exponent(*(np.array(k) for k in rolled[::-1])) == pytest.approx(exponent, abs=1e-3)


def test_exponent_agrees_with_transfer_matrices() -> None:
    """T and the flux return after a turn around the edge: its matrix has the eigenvalue 1."""
    rng = np.random.default_rng(0)
    for quadrants in 10.0 ** rng.uniform(-2.0, 2.0, (50, 4)):
        angle = 0.5 * np.pi * float(singular_exponent(*(np.array(k) for k in quadrants)))
        cosine, sine = np.cos(angle), np.sin(angle)
        around = np.eye(2)
        for k in quadrants:
            around = np.array([[cosine, sine / k], [-k * sine, cosine]]) @ around
        assert np.linalg.det(around - np.eye(2)) == pytest.approx(0.0, abs=1e-8 * np.abs(around).max())


@pytest.mark.parametrize("axis", [0, 1])
def test_cells_at_the_sides_of_a_die_and_their_growth(axis: int) -> None:
    """At both sides cells of an eighth of its height; away from them each is less than 2.2 times the last."""
    edges = MaterialEdges(package_geometry(ONE), axis)
    low = (2 * mm, 5 * mm)[axis]
    assert edges.position == pytest.approx([low, low + 3 * mm])
    assert edges.edge_size == pytest.approx([HEIGHT / 8.0] * 2)
    grid = discretize(ONE).grid
    planes = (grid.x, grid.y)[axis]
    width = np.diff(planes)
    for edge in edges.position:
        n = int(np.argmin(np.abs(planes - edge)))
        assert planes[n] == pytest.approx(edge, abs=1e-12)
        for cell in (width[n - 1], width[n]):
            assert 0.9 * HEIGHT / 8.0 < cell < 1.8 * HEIGHT / 8.0
    assert np.maximum(width[1:] / width[:-1], width[:-1] / width[1:]).max() < 2.6


def test_size_grows_linearly_from_the_nearest_edge() -> None:
    edges = MaterialEdges(package_geometry(in_mold((1 * mm, 1 * mm), (7 * mm, 8 * mm))), 0)
    s = np.linspace(0.0, 12 * mm, 2000)
    cones = edges.edge_size[:, None] + RULE.growth * np.abs(s - edges.position[:, None])
    assert edges.size(s) == pytest.approx(cones.min(axis=0))


def test_small_edge_limits_the_size_at_its_neighbours() -> None:
    """The size at an edge is at most that of the next edge plus the growth to it."""
    found = material_edges._limited(np.array([1.0, 1.0, 0.1, 5.0]), np.array([0.0, 0.5, 1.0, 2.0]))
    assert found == pytest.approx([0.8, 0.45, 0.1, 0.8])


@pytest.mark.parametrize("width", [20.0, 200.0])
def test_cells_at_the_sides_of_a_die_do_not_depend_on_the_board(width: float) -> None:
    """The bound of the cells is a part of the distance of the outermost edges, not of the board."""
    side = width * mm
    board = Stack("board", (side, side), (Layer("core", 1 * mm, Material("board", (25.0, 25.0, 0.3))),))
    die = Stack("die", (3 * mm, 3 * mm), (Layer("bulk", HEIGHT, SILICON, Power(total=1.0)),), on=("board",))
    package = Package("on_board", (board, die.at(0.4 * side, 0.3 * side)), COOLING)
    for axis in (0, 1):
        assert MaterialEdges(package_geometry(package), axis).edge_size == pytest.approx([HEIGHT / 8.0] * 2)


@pytest.mark.parametrize("size_of_die", [3 * mm, 10 * mm])
def test_cells_along_z_at_the_heights_of_edges(size_of_die: float) -> None:
    """The cells below and above an edge are as high as they are wide beside it, and grow from there."""
    board = Stack("board", (20 * mm, 20 * mm), (Layer("core", 2 * mm, MOLD),))
    layers = (Layer("bulk", HEIGHT, SILICON, Power(total=1.0)), Layer("top", HEIGHT, SILICON))
    die = Stack("die", (size_of_die, size_of_die), layers, on=("board",)).at(1 * mm, 2 * mm)
    geometry = package_geometry(Package("on_board", (board, die), COOLING))
    edges = EdgeHeights(geometry)
    assert edges.position == pytest.approx([2 * mm])  # the top of the die is no edge: there is air above
    assert edges.edge_size == pytest.approx([max(2.0 * HEIGHT / 8.0, RULE.min_span_fraction * size_of_die)])
    assert edges.size(np.array([1 * mm, 2.5 * mm])) == pytest.approx(
        edges.edge_size + RULE.vertical_growth * np.array([1 * mm, 0.5 * mm])
    )
    z = discretize(geometry).grid.z
    n = int(np.argmin(np.abs(z - 2 * mm)))
    assert z[n] - z[n - 1] < 1.8 * edges.edge_size[0]


# -- where not --------------------------------------------------------------------------------


def layered(region: Material | None = None) -> Package:
    regions = () if region is None else (Region("inner", (4 * mm, 5 * mm), region, (2 * mm, 3 * mm)),)
    layers = (
        Layer("laminate", 0.8 * mm, Material("laminate", (20.0, 20.0, 0.4))),
        Layer("die", 300 * um, SILICON, Power(total=5.0), regions=regions),
    )
    return Package("layers", (Stack("block", (12 * mm, 10 * mm), layers),), COOLING)


@pytest.mark.parametrize(
    "package",
    [layered(), layered(SILICON), layered(Material("doped", 110.0)), in_mold((2 * mm, 5 * mm), mold=SILICON)],
)
def test_packages_without_unlike_sides_keep_their_grid(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not MaterialEdges(package_geometry(package), 0)
    assert not EdgeHeights(package_geometry(package))
    assert has_equal_planes(discretize(package).grid, without_rule(package, monkeypatch))


def test_region_of_an_unlike_material_has_edges() -> None:
    assert MaterialEdges(package_geometry(layered(Material("glass", 1.1))), 0).position == pytest.approx(
        [2 * mm, 6 * mm]
    )


def test_given_cells_have_no_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    assert discretize(ONE, cell=1 * mm).grid.dx.min() > 0.4 * mm


# -- bounds and symmetries --------------------------------------------------------------------


def test_round_die_has_cells_at_its_outermost_edges_only() -> None:
    base = Stack("base", (9 * mm, 9 * mm), (Layer("silicon", 100 * um, SILICON),), filler=MOLD)
    die = Stack("die", (5 * mm, 5 * mm), (Layer("bulk", HEIGHT, SILICON),), on=("base",), diameter=5 * mm)
    package = Package("round", (base, die.at(2 * mm, 2 * mm)), COOLING)
    assert MaterialEdges(package_geometry(package), 0).position == pytest.approx([2 * mm, 7 * mm])


def test_cells_of_64_dies_stay_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """128 edges along an axis at random places: the cells at an edge are a part of their distance."""
    rng = np.random.default_rng(1)
    base = Stack("base", (60 * mm, 60 * mm), (Layer("silicon", 100 * um, SILICON),), filler=MOLD)
    dies = [
        Stack(
            f"die_{n}", (3 * mm, 3 * mm), (Layer("bulk", 80 * um, SILICON, Power(total=1.0)),), on=("base",)
        )
        for n in range(64)
    ]
    placed = []
    for n, die in enumerate(dies):
        x, y = (1 * mm + 7 * mm * place + rng.uniform(0.0, 3.9 * mm) for place in divmod(n, 8))
        placed.append(die.at(x, y))
    package = Package("many", (base, *placed), COOLING)
    edges = MaterialEdges(package_geometry(package), 0)
    assert len(edges) == 128
    assert edges.edge_size.min() >= RULE.min_span_fraction * np.ptp(edges.position) * (1 - 1e-12)
    assert discretize(package).grid.cells < 1.2 * without_rule(package, monkeypatch).cells


def test_turned_and_mirrored_packages_have_turned_and_mirrored_planes() -> None:
    plain = discretize(in_mold((1.5 * mm, 6 * mm), (7 * mm, 2 * mm))).grid
    turned = discretize(in_mold((6 * mm, 1.5 * mm), (2 * mm, 7 * mm))).grid
    mirrored = discretize(in_mold((7.5 * mm, 6 * mm), (2 * mm, 2 * mm))).grid
    assert turned.y == pytest.approx(plain.x)
    assert turned.x == pytest.approx(plain.y)
    assert mirrored.x == pytest.approx(12 * mm - plain.x[::-1])
    assert mirrored.y == pytest.approx(plain.y)


@pytest.mark.parametrize("scale", [0.1, 30.0])
def test_planes_scale_with_the_package(scale: float) -> None:
    plain, scaled = (discretize(in_mold((2 * mm, 5 * mm), scale=each)).grid for each in (1.0, scale))
    assert scaled.x / scale == pytest.approx(plain.x)
    assert scaled.y / scale == pytest.approx(plain.y)


def test_fineness_divides_the_size_at_an_edge() -> None:
    coarse, fine = (discretize(ONE, fineness=fineness).grid.dx.min() for fineness in (1.0, 2.0))
    assert fine == pytest.approx(0.5 * coarse, rel=0.25)


def heights_plane_by_plane(geometry: Geometry, faces: FaceGrid, axis: int, planes: list[int]) -> np.ndarray:
    """Return the height [m] of the highest face at each edge, with loops over all planes and columns."""
    k = [0.0, *((part.room_conductivity[axis] * part.room_conductivity[2]) ** 0.5 for part in geometry.parts)]
    z, part = faces.grid.z - faces.grid.z[0], np.moveaxis(faces.part, 2 - axis, 0)
    heights = np.zeros((len(planes), z.size))
    for n, plane in enumerate(planes):
        for column in range(part.shape[2]):
            low, high = ([0.0, *(k[each] for each in part[at, :, column]), 0.0] for at in (plane - 1, plane))
            is_face = [a != b for a, b in zip(low, high, strict=True)]
            for m in range(z.size):
                quadrants = [np.array(each) for each in (low[m], high[m], high[m + 1], low[m + 1])]
                if sum(each > 0.0 for each in quadrants) < 2:
                    continue
                if singular_exponent(*quadrants) < RULE.max_exponent:
                    bottom = next(b for b in range(m, -1, -1) if not is_face[b])
                    top = next(t for t in range(m + 1, z.size + 1) if not is_face[t])
                    heights[n, m] = max(heights[n, m], z[m] - z[bottom], z[top - 1] - z[m])
    return heights


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("max_tiles", [1, 10**6])
def test_heights_of_edges_equal_those_found_plane_by_plane(
    axis: int, max_tiles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material_edges, "MAX_TILES", max_tiles)
    geometry = package_geometry(read_package("hbm_beside_gpu"))
    faces = FaceGrid(geometry)
    planes = list(range(1, faces.planes[axis].size - 1))
    found = material_edges._edge_heights(geometry, faces, axis, planes)
    assert found == pytest.approx(heights_plane_by_plane(geometry, faces, axis, planes), rel=1e-12)
    assert np.count_nonzero(found) > len(planes)
