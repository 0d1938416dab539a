"""Solved unit cells: published and exact values, bounds, symmetries, reciprocity and order of convergence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from thermostack.materials.cell_bounds import conductivity_bounds
from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice
from thermostack.materials.cell_symmetry import mirror_plane, shifted
from thermostack.materials.transverse_conductivity import Arrangement, conductivity_across
from thermostack.unit_cells import cell_solution
from thermostack.unit_cells.axis_solution import CellSolution
from thermostack.unit_cells.cell_solution import solve_geometry

PERFECT = 5e4  # of the conductivity of the host; for these arrays the difference to infinity is below 1e-4


def iso(*values: float) -> np.ndarray:
    """Return isotropic conductivities (n, 3)."""
    return np.repeat(np.array(values, dtype=float)[:, np.newaxis], 3, axis=1)


def rectangle(material: int, x: float, y: float, width: float, depth: float) -> CellShape:
    """Return a rectangle by its lower-left corner."""
    return CellShape(material, (x + 0.5 * width, y + 0.5 * depth), (width, depth), is_round=False)


def disc(material: int, x: float, y: float, diameter: float) -> CellShape:
    return CellShape(material, (x, y), (diameter, diameter), is_round=True)


def columns(
    *shapes: CellShape, pitch: tuple[float, float] = (1.0, 1.0), constituents: int = 2
) -> CellGeometry:
    return CellGeometry(pitch, (CellSlice(1.0, 0, shapes),), constituents)


def cylinders(fraction: float, arrangement: Arrangement = "square") -> tuple[CellGeometry, float]:
    """Return an array of cylinders of an area fraction with a pitch of one, and their diameter."""
    if arrangement == "square":
        diameter = math.sqrt(4.0 * fraction / math.pi)
        return columns(disc(1, 0.5, 0.5, diameter)), diameter
    height = math.sqrt(3.0)
    diameter = math.sqrt(2.0 * height * fraction / math.pi)
    shapes = disc(1, 0.0, 0.0, diameter), disc(1, 0.5, 0.5 * height, diameter)
    return replace(columns(*shapes, pitch=(1.0, height)), is_isotropic=True), diameter


def values(solution: CellSolution) -> np.ndarray:
    return np.array([axis.value for axis in solution.axes])


# Cells without any symmetry: columns, and slices of rectangles.
SKEW = columns(
    rectangle(1, 0.1, 0.2, 0.5, 0.2), rectangle(1, 0.7, 0.5, 0.2, 0.4), rectangle(1, 0.3, 0.6, 0.1, 0.1)
)
CLIP = CellGeometry(
    (1.0, 1.0),
    (
        CellSlice(0.2, 0, (rectangle(1, 0.0, 0.1, 1.0, 0.2), rectangle(1, 0.1, 0.5, 0.5, 0.2))),
        CellSlice(0.2, 0, (rectangle(1, 0.2, 0.1, 0.1, 0.1),)),
        CellSlice(0.2, 0, (rectangle(1, 0.1, 0.0, 0.2, 1.0), rectangle(1, 0.6, 0.2, 0.2, 0.7))),
    ),
    2,
)


# -- exact values ----------------------------------------------------------------------------


def test_cell_of_one_material_is_that_material() -> None:
    only = np.array([[3.0, 2.0, 0.5]] * 2)
    for geometry in (SKEW, CLIP, cylinders(0.3)[0]):
        assert values(solve_geometry(geometry, only)) == pytest.approx([3.0, 2.0, 0.5], rel=1e-12)


def test_laminates_are_exact() -> None:
    layers = CellGeometry((2.0, 1.0), (CellSlice(1.0, 0), CellSlice(3.0, 1)), 2)
    solution = solve_geometry(layers, iso(8.0, 2.0))
    assert values(solution) == pytest.approx([3.5, 3.5, 4.0 / (1.0 / 8.0 + 3.0 / 2.0)], rel=1e-14)
    assert [axis.error for axis in solution.axes] == [0.0, 0.0, 0.0]
    lines = columns(rectangle(1, 0.6, 0.0, 0.5, 1.0), pitch=(2.0, 1.0))  # along y, over the end of the period
    series = 1.0 / (0.75 / 8.0 + 0.25 / 2.0)
    assert values(solve_geometry(lines, iso(8.0, 2.0))) == pytest.approx([series, 6.5, 6.5], rel=1e-12)


def test_chessboard_has_the_geometric_mean() -> None:
    """Dykhne (Sov. Phys. JETP 32, 63, 1971). Where corners touch, convergence is slow."""
    board = columns(rectangle(1, 0.0, 0.0, 0.5, 0.5), rectangle(1, 0.5, 0.5, 0.5, 0.5))
    for contrast, bound in ((4.0, 1e-3), (100.0, 0.25)):
        x, y, z = solve_geometry(board, iso(1.0, contrast)).axes
        assert x.value == y.value == pytest.approx(math.sqrt(contrast), rel=bound)
        assert abs(x.value - math.sqrt(contrast)) <= x.error <= bound * x.value
        assert z.value == pytest.approx(0.5 * (1.0 + contrast), rel=1e-12)


@pytest.mark.parametrize(
    ("fraction", "perfect", "ten"),
    [
        (0.1, 1.222, 1.1782),
        (0.2, 1.500, 1.3915),
        (0.3, 1.860, 1.6520),
        (0.4, 2.351, 1.9806),
        (0.5, 3.080, 2.4155),
        (0.6, 4.342, 3.0372),
        (0.7, 7.433, 4.0617),
    ],
)
def test_square_array_of_perrins_mckenzie_and_mcphedran(fraction: float, perfect: float, ten: float) -> None:
    """Proc. R. Soc. A 369, 207 (1979)."""
    geometry, _ = cylinders(fraction)
    for contrast, expected in ((PERFECT, perfect), (10.0, ten)):
        x, y, z = values(solve_geometry(geometry, iso(1.0, contrast)))
        assert x == y == pytest.approx(expected, rel=2e-3)
        assert z == pytest.approx(1.0 + fraction * (contrast - 1.0), rel=1e-9)


@pytest.mark.parametrize(
    ("arrangement", "fraction", "contrast"),
    [
        ("square", 0.77, 10.0),
        ("square", 0.77, 0.02),
        ("hexagonal", 0.88, 10.0),
        pytest.param("square", 0.78, 1e4, marks=pytest.mark.slow),
        pytest.param("hexagonal", 0.89, 200.0, marks=pytest.mark.slow),
    ],
)
def test_nearly_touching_cylinders(arrangement: Arrangement, fraction: float, contrast: float) -> None:
    """The gap is 1 %, 0.3 % and 1 % of the pitch; exact values by Rayleigh's multipoles."""
    geometry, diameter = cylinders(fraction, arrangement)
    exact = float(conductivity_across(np.array(1.0), np.array(contrast), diameter, 1.0, arrangement))
    assert solve_geometry(geometry, iso(1.0, contrast)).axes[0].value == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("contrast", [0.01, 5.0, 300.0])
def test_x_and_y_of_a_hexagonal_array_are_equal(contrast: float) -> None:
    geometry, diameter = cylinders(0.5, "hexagonal")
    found = solve_geometry(replace(geometry, is_isotropic=False), iso(1.0, contrast))
    exact = float(conductivity_across(np.array(1.0), np.array(contrast), diameter, 1.0, "hexagonal"))
    assert values(found)[:2] == pytest.approx([exact] * 2, rel=1e-3)


# -- bounds, symmetries, reciprocity ---------------------------------------------------------


@pytest.mark.parametrize("contrast", [0.01, 30.0])
@pytest.mark.parametrize("geometry", [SKEW, cylinders(0.4)[0]])
def test_bounds_enclose_the_value(geometry: CellGeometry, contrast: float) -> None:
    solution = solve_geometry(geometry, iso(1.0, contrast))
    for axis in solution.axes:
        assert axis.lower <= axis.value <= axis.upper
        for _, value in axis.grids[-1:]:
            assert axis.lower * (1.0 - 1e-9) <= value <= axis.upper * (1.0 + 1e-9)


def test_bounds_of_a_clip_enclose_every_grid() -> None:
    conductivity = iso(0.3, 300.0)
    bounds = conductivity_bounds(CLIP, conductivity)
    coarse = values(solve_geometry(CLIP, conductivity, 0.9))
    assert (bounds.lower < coarse).all()
    assert (coarse < bounds.upper).all()


def test_shift_of_the_period_changes_nothing() -> None:
    conductivity = iso(1.0, 40.0)
    found = values(solve_geometry(SKEW, conductivity))
    moved = values(solve_geometry(shifted(SKEW, 0.37, 0.81), conductivity))
    assert moved == pytest.approx(found, rel=2e-3)
    round_cell = columns(disc(1, 0.2, 0.3, 0.7))
    one, other = (
        values(solve_geometry(each, conductivity)) for each in (round_cell, shifted(round_cell, 0.2, 0.6))
    )
    assert other == pytest.approx(one, rel=1e-7)


def test_exchange_of_the_axes_exchanges_the_values() -> None:
    turned = CellGeometry(
        SKEW.pitch,
        tuple(
            CellSlice(
                each.thickness,
                each.background,
                tuple(replace(s, center=s.center[::-1], size=s.size[::-1]) for s in each.shapes),
            )
            for each in SKEW.slices
        ),
        2,
    )
    conductivity = iso(1.0, 40.0)
    x, y, z = values(solve_geometry(SKEW, conductivity))
    assert values(solve_geometry(turned, conductivity)) == pytest.approx([y, x, z], rel=1e-5)


@pytest.mark.parametrize(
    "geometry",
    [
        columns(rectangle(1, 0.1, 0.1, 0.4, 0.2), rectangle(1, 0.2, 0.5, 0.2, 0.3)),
        columns(disc(1, 0.3, 0.5, 0.5), rectangle(1, 0.2, 0.1, 0.2, 0.2)),
    ],
)
def test_exchange_of_two_materials_obeys_keller(geometry: CellGeometry) -> None:
    """J. Math. Phys. 5, 548 (1964): kx(a, b) ky(b, a) = a b for straight columns.

    The cells have a mirror plane, so that x and y are principal axes.
    """
    assert (mirror_plane(geometry, 0) is None) != (mirror_plane(geometry, 1) is None)
    one, other = solve_geometry(geometry, iso(1.0, 30.0)), solve_geometry(geometry, iso(30.0, 1.0))
    for along, across in ((0, 1), (1, 0)):
        pair = one.axes[along], other.axes[across]
        error = sum(axis.error / axis.value for axis in pair)
        assert pair[0].value * pair[1].value == pytest.approx(30.0, rel=error)
        assert error < 0.03


def test_cross_component_completes_the_theorem_of_keller_and_mendelson() -> None:
    """J. Appl. Phys. 46, 4740 (1975), Mendelson: the inverse tensor, turned by 90 degrees, times a b."""
    one, other = solve_geometry(SKEW, iso(1.0, 30.0)), solve_geometry(SKEW, iso(30.0, 1.0))
    determinant = one.axes[0].value * one.axes[1].value - one.cross**2
    assert abs(one.cross) > 0.01
    assert other.axes[1].value == pytest.approx(30.0 * one.axes[1].value / determinant, rel=3e-3)
    assert other.axes[0].value == pytest.approx(30.0 * one.axes[0].value / determinant, rel=3e-3)
    assert other.cross == pytest.approx(30.0 * one.cross / determinant, rel=0.03)


def test_reflection_changes_the_sign_of_the_cross_component() -> None:
    def reflected(shape: CellShape) -> CellShape:
        return replace(shape, center=(1.0 - shape.center[0], shape.center[1]))

    (of_slice,) = SKEW.slices
    other = replace(SKEW, slices=(replace(of_slice, shapes=tuple(map(reflected, of_slice.shapes))),))
    cross = [solve_geometry(each, iso(1.0, 30.0)).cross for each in (SKEW, other)]
    assert cross[0] == pytest.approx(-cross[1], rel=1e-3)
    assert solve_geometry(cylinders(0.4)[0], iso(1.0, 30.0)).cross == 0.0


def test_mirror_planes_and_the_whole_period_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    geometry, conductivity = columns(disc(1, 0.5, 0.5, 0.7), pitch=(1.0, 1.2)), iso(1.0, 20.0)
    assert mirror_plane(geometry, 0) == 0.0
    halves = values(solve_geometry(geometry, conductivity))
    monkeypatch.setattr(cell_solution, "mirror_plane", lambda geometry, axis: None)
    whole = values(solve_geometry(geometry, conductivity, 1.1e-3))  # another tolerance, another key
    assert whole == pytest.approx(halves, rel=1e-3)


def test_orthotropic_constituents_equal_a_stretched_cell() -> None:
    """With x stretched by a factor s, a conductivity s^2 along x has the same temperatures."""
    stretched = columns(rectangle(1, 0.2, 0.3, 1.0, 0.5), pitch=(2.0, 1.0))
    plain = columns(rectangle(1, 0.1, 0.3, 0.5, 0.5))
    x, y, _ = values(solve_geometry(plain, iso(1.0, 50.0)))
    along = np.array([[4.0, 1.0, 1.0], [200.0, 50.0, 50.0]])
    assert values(solve_geometry(stretched, along))[:2] == pytest.approx([4.0 * x, y], rel=2e-3)


def test_contrast_of_100_000_converges() -> None:
    solution = solve_geometry(SKEW, iso(1e-2, 1e3))
    for axis in solution.axes[:2]:
        assert axis.error < 0.02 * axis.value
    assert solution.axes[0].lower < solution.axes[0].value < 1.0


# -- height ----------------------------------------------------------------------------------


def test_layer_between_isothermal_plates_has_the_resistance_of_its_constriction() -> None:
    """A thin pad in an insulating layer on a plate: the resistance is that of both, plus a constriction."""
    pad = CellSlice(0.1, 0, (disc(1, 0.5, 0.5, 0.3),))
    cell = CellGeometry((1.0, 1.0), (CellSlice(1.0, 1), pad, CellSlice(1.0, 1)), 2)
    solution = solve_geometry(cell, iso(1e-3, 1.0))
    area = 0.25 * math.pi * 0.3**2
    in_series = 2.0 + 0.1 / (area + 1e-3 * (1.0 - area))
    resistance = cell.height / solution.axes[2].value
    spreading = resistance - in_series
    # Two constrictions of a disc of radius a in a half space are 2 / (4 k a); the finite cell has less.
    assert 0.4 * 2.0 / (4.0 * 0.15) < spreading < 2.0 / (4.0 * 0.15)
    assert solution.axes[2].error < 0.02 * solution.axes[2].value


@pytest.mark.slow
def test_clip_without_symmetry_agrees_with_its_exchange_upside_down() -> None:
    turned = CellGeometry(CLIP.pitch, CLIP.slices[::-1], 2)
    one, other = (solve_geometry(each, iso(0.3, 30.0)) for each in (CLIP, turned))
    assert values(other) == pytest.approx(values(one), rel=1e-5)
    for axis in one.axes:
        assert axis.lower < axis.value < axis.upper


# -- convergence -----------------------------------------------------------------------------


def test_order_of_convergence() -> None:
    """Discs cut the cells: first order. Rectangles on grid lines: more, less than two at their corners."""
    geometry, diameter = cylinders(0.4)
    exact = float(conductivity_across(np.array(1.0), np.array(20.0), diameter, 1.0))
    grids = solve_geometry(geometry, iso(1.0, 20.0), 1e-4).axes[0].grids
    errors = np.array([value - exact for _, value in grids])
    assert len(errors) >= 4
    assert np.log2(errors[0] / errors[-1]) / (len(errors) - 1) == pytest.approx(1.0, abs=0.2)
    squares = solve_geometry(columns(rectangle(1, 0.2, 0.2, 0.5, 0.5)), iso(1.0, 20.0), 1e-4).axes[0]
    assert squares.order is not None
    assert 1.15 < squares.order < 2.05


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("contrast", [0.05, 30.0])
def test_estimated_error_covers_the_true_one(fraction: float, contrast: float) -> None:
    geometry, diameter = cylinders(fraction)
    exact = float(conductivity_across(np.array(1.0), np.array(contrast), diameter, 1.0))
    axis = solve_geometry(geometry, iso(1.0, contrast)).axes[0]
    assert abs(axis.value - exact) <= axis.error <= 1.01e-3 * axis.value
