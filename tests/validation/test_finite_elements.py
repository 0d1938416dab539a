"""Means and peaks of a die in mold by quadratic finite elements, beside fine grids and the error estimate."""

from __future__ import annotations

import numpy as np
import pytest
from skfem import Basis, BilinearForm, ElementHex2, FacetBasis, LinearForm, MeshHex, solve
from skfem.helpers import dot, grad
from support.fine_references import Reference, extrapolated

from thermostack import (
    Convection,
    Cooling,
    Grid,
    Layer,
    Material,
    Package,
    Power,
    Stack,
    discretize,
    solve_steady,
)
from thermostack.units import mm, um

AMBIENT, HTC, POWER = 300.0, 1e4, 5.0  # K, W/(m2 K), W
SIZE, SIDE = 5 * mm, 3 * mm  # of the interposer and of the die, a quarter of each
HEIGHTS = {"silicon": 100 * um, "joint": 50 * um, "active": 20 * um, "bulk": 380 * um}
CONDUCTIVITY = {"silicon": 148.0, "joint": 2.0, "active": 148.0, "bulk": 148.0, "mold": 0.9}  # W/(m K)
Z = np.concatenate([[0.0], np.cumsum(list(HEIGHTS.values()))])


def package() -> Package:
    """Return the quarter of a package: the die fills one corner, the planes of symmetry are adiabatic."""
    material = {name: Material(name, value) for name, value in CONDUCTIVITY.items()}
    base = Stack(
        "base",
        (SIZE, SIZE),
        (Layer("silicon", HEIGHTS["silicon"], material["silicon"]),),
        filler=material["mold"],
    )
    layers = [
        Layer(name, HEIGHTS[name], material[name], power=Power(total=POWER) if name == "active" else None)
        for name in ("joint", "active", "bulk")
    ]
    die = Stack("die", (SIDE, SIDE), tuple(layers), on=("base",)).at(0.0, 0.0)
    return Package("quarter", (base, die), Cooling(top=Convection(HTC, AMBIENT)))


def graded_planes(first: float, ratio: float, length: float) -> np.ndarray:
    """Return distances [m] from an edge: cells from `first` on, each larger by the ratio, up to a length."""
    count = max(1, round(np.log(1.0 + length * (ratio - 1.0) / first) / np.log(ratio)))
    widths = ratio ** np.arange(count)
    return np.concatenate([[0.0], np.cumsum(widths) * length / widths.sum()])


# What `by_finite_elements` returns; the slow tests compute it again, for a minute.
BY_FINITE_ELEMENTS = {
    "die.joint": (344.23091520899135, 347.0679505954704),
    "die.active": (345.2005850337856, 347.0679505954704),
    "die.bulk": (344.5789224684666, 347.03387715344076),
}


def by_finite_elements() -> dict[str, tuple[float, float]]:
    """Return mean and maximum [K] of the parts of the die, by elements that are small at its side."""
    beside = graded_planes(10 * um, 2.2, SIZE - SIDE)
    inside = graded_planes(10 * um, 2.2, SIDE)
    x = np.concatenate([SIDE - inside[::-1], SIDE + beside[1:]])
    z = np.concatenate(
        [[0.0, 60 * um], [90 * um, 100 * um, 110 * um, 125 * um, 140 * um, 150 * um, 160 * um, 170 * um],
         [185 * um, 225 * um, 320 * um, 440 * um, 510 * um, 540 * um, 550 * um]]
    )  # fmt: skip
    mesh = MeshHex.init_tensor(x, x, z)
    center = mesh.p[:, mesh.t].mean(axis=1)
    layer = np.searchsorted(Z, center[2]) - 1
    is_die = (center[0] < SIDE) & (center[1] < SIDE) & (layer > 0)
    names = np.array(list(HEIGHTS))[layer]
    conductivity = np.array([CONDUCTIVITY[name] for name in names])
    conductivity[(layer > 0) & ~is_die] = CONDUCTIVITY["mold"]
    source = np.where(is_die & (names == "active"), POWER / (SIDE**2 * HEIGHTS["active"]), 0.0)
    basis = Basis(mesh, ElementHex2())
    top = FacetBasis(mesh, ElementHex2(), facets=mesh.facets_satisfying(lambda p: np.isclose(p[2], Z[-1])))

    @BilinearForm
    def conduction(u, v, w):  # type: ignore[no-untyped-def]
        return w.k * dot(grad(u), grad(v))

    @BilinearForm
    def convection(u, v, w):  # type: ignore[no-untyped-def]
        return HTC * u * v

    @LinearForm
    def heat(v, w):  # type: ignore[no-untyped-def]
        return w.q * v

    each = np.ones((1, basis.X.shape[-1]))
    matrix = conduction.assemble(basis, k=conductivity[:, None] * each) + convection.assemble(top)
    t = solve(matrix, heat.assemble(basis, q=source[:, None] * each))
    found = {}
    for name in ("joint", "active", "bulk"):
        own = np.flatnonzero(is_die & (names == name))
        part = basis.with_elements(own)
        value, volume = np.asarray(part.interpolate(t)), part.dx
        largest = t[np.unique(basis.element_dofs[:, own])].max()
        found[f"die.{name}"] = (
            AMBIENT + float((value * volume).sum() / volume.sum()),
            AMBIENT + float(largest),
        )
    return found


def by_fine_grids() -> dict[str, tuple[Reference, Reference]]:
    """Return mean and maximum of the parts, extrapolated from three grids that are fine at its side."""
    values: dict[str, list[tuple[float, float]]] = {}
    x = np.concatenate(
        [
            SIDE - graded_planes(40 * um, 1.25, SIDE)[::-1],
            SIDE + graded_planes(40 * um, 1.25, SIZE - SIDE)[1:],
        ]
    )
    z = np.unique(
        np.concatenate(
            [np.linspace(a, b, n + 1) for a, b, n in zip(Z[:-1], Z[1:], (3, 2, 1, 5), strict=True)]
        )
    )
    for n in range(3):
        if n:
            x, z = (np.sort(np.concatenate([p, 0.5 * (p[1:] + p[:-1])])) for p in (x, z))
        for part in solve_steady(discretize(package(), grid=Grid(x, x, z)), estimate=False).parts:
            values.setdefault(part.name, []).append((part.mean, part.max))
    return {
        name: (extrapolated([row[0] for row in rows]), extrapolated([row[1] for row in rows]))
        for name, rows in values.items()
    }


@pytest.mark.slow
def test_stored_values_are_those_of_quadratic_elements() -> None:
    for name, values in by_finite_elements().items():
        assert values == pytest.approx(BY_FINITE_ELEMENTS[name], abs=1e-7), name


@pytest.mark.slow
def test_fine_grids_agree_with_quadratic_elements() -> None:
    """The references of the benchmark are made like this: means to 5e-4 of the rise, peaks to 1e-3."""
    found = by_fine_grids()
    for name, (mean, peak) in BY_FINITE_ELEMENTS.items():
        assert abs(found[name][0].value - mean) < 5e-4 * (peak - AMBIENT), name
        assert abs(found[name][1].value - peak) < 1e-3 * (peak - AMBIENT), name


def test_estimate_covers_the_error_against_quadratic_elements() -> None:
    """On three grids, with the extrapolated value nearer to the elements than the plain one."""
    for fineness in (0.5, 0.8, 1.2):
        steady = solve_steady(discretize(package(), fineness=fineness))
        for name, (mean, peak) in BY_FINITE_ELEMENTS.items():
            part = steady.of(name)
            assert abs(part.mean - mean) <= part.mean_error <= 5.0 * abs(part.mean - mean), (fineness, name)
            assert abs(part.max - peak) <= part.error <= 5.0 * abs(part.max - peak), (fineness, name)
            assert abs(part.extrapolated_mean - mean) < 0.5 * abs(part.mean - mean), (fineness, name)
            assert abs(part.extrapolated - peak) < abs(part.max - peak), (fineness, name)
