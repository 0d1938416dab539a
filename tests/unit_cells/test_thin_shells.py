"""Thin liners and barriers: multipoles of coated cylinders, widened shells, and what is not resolved."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice
from thermostack.materials.transverse_conductivity import CELL_AREA, Arrangement
from thermostack.unit_cells import cell_solution
from thermostack.unit_cells.cell_solution import solve_geometry
from thermostack.unit_cells.solution_cache import clear_memory
from thermostack.unit_cells.thin_shells import concentric_discs, widened

MULTIPOLES = 1 + 2 * np.arange(30)  # 1, 3, 5 ...
NM, UM = 1e-9, 1e-6


def lattice_sum(order: int, arrangement: Arrangement) -> float:
    """Return the sum of z^-n over a lattice, row by row: derivatives of the cotangent.

    Every row but that of the origin, at i y + shift, converges like exp(-2 pi y). That of order two is
    pi over the area of the cell, for a mean gradient along the field (Perrins et al., 1979).
    """
    if order == 2:
        return math.pi / CELL_AREA[arrangement]
    height, shift = (1.0, 0.0) if arrangement == "square" else (0.5 * math.sqrt(3.0), 0.5)
    total = 2.0 * float(np.sum(np.arange(1.0, 4000.0) ** -order))
    k = np.arange(1.0, 80.0)
    log_factor = order * math.log(2.0 * math.pi) - math.lgamma(order)
    for row in range(1, 15):  # Lipschitz: the sum over m of (z + m)^-n, for z above the real axis
        powers = np.exp(log_factor + (order - 1) * np.log(k) - 2.0 * math.pi * k * height * row)
        phase = np.cos(2.0 * math.pi * k * shift * row - 0.5 * math.pi * order)
        total += 2.0 * float(np.sum(powers * phase))
    return total


def coated_array(
    radii: tuple[float, ...], values: tuple[float, ...], host: float, arrangement: Arrangement = "square"
) -> float:
    """Return the conductivity across an array of coated cylinders, pitch 1, from Rayleigh's multipoles.

    `radii` and `values` are those of the cylinders from the outermost to the core.
    """
    n = MULTIPOLES
    mean = np.full(n.size, values[-1])
    for k, inner, outer in reversed(list(zip(values[:-1], radii[1:], radii[:-1], strict=True))):
        q = (inner / outer) ** (2.0 * n)
        mean = k * ((1.0 + q) * mean + (1.0 - q) * k) / ((1.0 - q) * mean + (1.0 + q) * k)
    contrast = (mean - host) / (mean + host)
    sums = {order: lattice_sum(order, arrangement) for order in range(2, 2 * int(n[-1]) + 1, 2)}
    coupling = np.array(
        [
            [
                math.exp(
                    math.lgamma(a + b)
                    - math.lgamma(a)
                    - math.lgamma(b)
                    - 0.5 * math.log(a * b)
                    + (a + b) * math.log(radii[0])
                )
                * sums[a + b]
                for b in n.tolist()
            ]
            for a in n.tolist()
        ]
    )
    unit = np.zeros(n.size)
    unit[0] = 1.0
    moment = np.linalg.solve(np.diag(1.0 / contrast) - coupling, unit)[0]
    fraction = math.pi * radii[0] ** 2 / CELL_AREA[arrangement]
    return float(host * (1.0 + 2.0 * fraction * moment))


def disc(material: int, diameter: float, x: float = 0.5, y: float = 0.5) -> CellShape:
    return CellShape(material, (x, y), (diameter, diameter), is_round=True)


def iso(*values: float) -> np.ndarray:
    return np.repeat(np.array(values, dtype=float)[:, np.newaxis], 3, axis=1)


def lined_via(diameter: float, liner: float) -> CellGeometry:
    """Return a via with a pitch of one: host 0, liner 1, core 2."""
    shapes = disc(1, diameter), disc(2, diameter - 2.0 * liner)
    return CellGeometry((1.0, 1.0), (CellSlice(1.0, 0, shapes),), 3, is_isotropic=True)


def test_multipoles_have_published_values() -> None:
    """Perrins, McKenzie and McPhedran, Proc. R. Soc. A 369, 207 (1979): 40 % and 70 %, contrast 10."""
    for fraction, expected in ((0.4, 1.9806), (0.7, 4.0617)):
        radius = math.sqrt(fraction / math.pi)
        assert coated_array((radius,), (10.0,), 1.0) == pytest.approx(expected, rel=3e-5)
        same = coated_array((radius, 0.7 * radius), (10.0, 10.0), 1.0)
        assert same == pytest.approx(expected, rel=3e-5)


@pytest.mark.parametrize(
    ("diameter", "pitch", "thickness", "liner", "host"),
    [
        (50 * UM, 100 * UM, 1 * NM, 1.4, 148.0),
        (50 * UM, 100 * UM, 10 * NM, 1.4, 148.0),
        (50 * UM, 100 * UM, 50 * NM, 1.4, 148.0),
        (50 * UM, 100 * UM, 100 * NM, 1.4, 148.0),
        (10 * UM, 20 * UM, 1 * NM, 1.4, 148.0),
        (5 * UM, 8 * UM, 1 * NM, 1.4, 148.0),
        (10 * UM, 50 * UM, 1 * NM, 1e-3, 100.0),
        (10 * UM, 50 * UM, 10 * NM, 1e-3, 100.0),
        (9.5 * UM, 10 * UM, 1 * NM, 1.4, 148.0),
        (50 * UM, 100 * UM, 1000 * NM, 1.4, 148.0),
    ],
)
def test_vias_with_thin_liners(
    diameter: float, pitch: float, thickness: float, liner: float, host: float
) -> None:
    cell = lined_via(diameter / pitch, thickness / pitch)
    radii = 0.5 * diameter / pitch, (0.5 * diameter - thickness) / pitch
    exact = coated_array(radii, (liner, 400.0), host)
    x = solve_geometry(cell, iso(host, liner, 400.0)).axes[0]
    assert x.value == pytest.approx(exact, rel=5e-4)
    assert abs(x.value - exact) <= x.error <= 2e-3 * x.value


@pytest.mark.parametrize("thickness", [1e-4, 3e-3])
def test_thin_good_conductors_carry_heat_along_their_surface(thickness: float) -> None:
    radii = 0.3, 0.3 - thickness
    exact = coated_array(radii, (4000.0, 1.0), 1.0)
    x = solve_geometry(lined_via(0.6, thickness), iso(1.0, 4000.0, 1.0)).axes[0]
    assert abs(x.value - exact) <= x.error <= 2e-3 * x.value


def test_barrier_and_liner_are_two_shells() -> None:
    diameters = 0.5, 0.4995, 0.499
    shapes = tuple(disc(n + 1, diameter) for n, diameter in enumerate(diameters))
    cell = CellGeometry((1.0, 1.0), (CellSlice(1.0, 0, shapes),), 4, is_isotropic=True)
    values = 0.5, 3000.0, 20.0
    exact = coated_array(tuple(0.5 * each for each in diameters), values, 10.0)
    x = solve_geometry(cell, iso(10.0, *values)).axes[0]
    assert abs(x.value - exact) <= x.error <= 2e-3 * x.value


def test_liners_of_a_hexagonal_array_in_any_order() -> None:
    height = math.sqrt(3.0)
    exact = coated_array((0.3, 0.2995), (0.1, 400.0), 148.0, "hexagonal")
    centers = (0.0, 0.0), (0.5, 0.5 * height)
    outer = [disc(1, 0.6, *center) for center in centers]
    inner = [disc(2, 0.599, *center) for center in centers]
    for shapes in ((outer[0], inner[0], outer[1], inner[1]), (*outer, *inner)):
        cell = CellGeometry((1.0, height), (CellSlice(1.0, 0, shapes),), 3, is_isotropic=True)
        x = solve_geometry(cell, iso(148.0, 0.1, 400.0)).axes[0]
        assert abs(x.value - exact) <= x.error <= 2e-3 * x.value


def test_widened_shells_keep_the_heat_upwards() -> None:
    cell, conductivity = lined_via(0.5, 1e-4), iso(148.0, 1.4, 400.0)
    wide = widened(cell, conductivity, 0.05)
    assert wide.change == pytest.approx(1.0 - 1e-4 / 0.025)
    true, changed = (
        float(each.volume_fractions @ rows[:, 2])
        for each, rows in ((cell, conductivity), (wide.geometry, wide.conductivity))
    )
    assert changed == pytest.approx(true, rel=1e-6)
    thick = lined_via(0.5, 0.03)
    unchanged = widened(thick, conductivity, 0.05)
    assert unchanged.geometry == thick
    assert unchanged.change == unchanged.multipole_error == 0.0


def test_vias_with_pads_agree_with_a_resolved_liner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A liner of 2 % of the diameter, which the grid resolves if it is not widened."""
    via = lined_via(0.5, 0.01).slices[0]
    pad = CellSlice(0.05, 3, (disc(2, 0.6),))
    cell = CellGeometry((1.0, 1.0), (pad, via, pad), 4, is_isotropic=True)
    conductivity = iso(148.0, 0.5, 400.0, 1.4)
    found = solve_geometry(cell, conductivity)
    clear_memory()
    monkeypatch.setattr(cell_solution, "MIN_SHELL", 0.01)
    resolved = solve_geometry(cell, conductivity, 1.1e-3)  # another tolerance, another key
    for axis in (0, 2):
        one, other = found.axes[axis], resolved.axes[axis]
        assert abs(one.value - other.value) <= one.error + other.error
    assert found.axes[2].value == pytest.approx(resolved.axes[2].value, rel=5e-3)
    assert found.axes[2].error < 0.02 * found.axes[2].value


def test_only_concentric_discs_that_nothing_covers_are_one_group() -> None:
    pitch = (1.0, 1.0)
    outer, inner = disc(1, 0.5), disc(2, 0.49)
    across = CellShape(3, (0.5, 0.5), (1.0, 0.1), is_round=False)
    aside = CellShape(3, (0.5, 0.05), (1.0, 0.1), is_round=False)
    assert list(concentric_discs((outer, inner), pitch)) == [[0, 1]]
    assert list(concentric_discs((outer, aside, inner, across), pitch)) == [[0, 2]]
    assert list(concentric_discs((outer, across, inner), pitch)) == []
    assert list(concentric_discs((inner, outer), pitch)) == []
    assert list(concentric_discs((outer, disc(2, 0.49, 0.502)), pitch)) == []
    assert list(concentric_discs((outer, replace(inner, center=(1.5, 0.5))), pitch)) == [[0, 1]]


def test_liner_that_is_not_resolved_has_the_distance_to_the_bounds_as_error() -> None:
    eccentric = disc(1, 0.5), disc(2, 0.5 - 4e-6, 0.5 + 1e-6)
    cell = CellGeometry((1.0, 1.0), (CellSlice(1.0, 0, eccentric),), 3)
    solution = solve_geometry(cell, iso(148.0, 0.01, 400.0))
    assert solution.unresolved == pytest.approx(1e-6, rel=1e-3)
    for axis in solution.axes[:2]:
        assert axis.value - axis.error <= axis.lower
        assert axis.value + axis.error >= axis.upper
    assert solve_geometry(lined_via(0.5, 1e-6), iso(148.0, 0.01, 400.0)).unresolved == 0.0


def test_lines_narrower_than_the_cells_are_in_every_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without their edges on the grid, lines of 0.1 % of the pitch are still between no two chords."""

    def rectangle(x: float, y: float, width: float, depth: float) -> CellShape:
        return CellShape(1, (x + 0.5 * width, y + 0.5 * depth), (width, depth), is_round=False)

    shapes = (
        rectangle(0.1, 0.203, 0.8, 0.001),
        rectangle(0.3, 0.517, 0.6, 0.001),
        rectangle(0.4, 0.1, 0.001, 0.7),
    )
    cell = CellGeometry((1.0, 1.0), (CellSlice(1.0, 0, shapes),), 2)
    conductivity = iso(1.0, 2000.0)
    resolved = solve_geometry(cell, conductivity)
    monkeypatch.setattr(cell_solution, "MAX_CELLS_OF_SKEW_COLUMNS", (400, 300_000))
    coarse = solve_geometry(cell, conductivity, 1.1e-3)  # another tolerance, another key
    assert coarse.axes[0].grids[0][0] <= 400
    for one, other in zip(coarse.axes[:2], resolved.axes[:2], strict=True):
        assert one.grids[0][1] > 1.3
        assert abs(one.value - other.value) <= one.error + other.error
