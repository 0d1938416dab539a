"""The default grid of layers that are heated throughout, and beside tall stacks."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    FixedTemperature,
    Layer,
    Material,
    Package,
    Power,
    Stack,
    discretize,
    solve_steady,
)
from thermostack.cli.main import main
from thermostack.io.results.summary import result_summary
from thermostack.mesh import grid_lines
from thermostack.mesh.default_grid import default_grid, fraction_outside
from thermostack.mesh.healing_length import HealingLengths
from thermostack.mesh.volume_sources import volume_source_sizes
from thermostack.package.geometry import build_geometry
from thermostack.report.grid_table import cell_counts, grid_summary
from thermostack.units import mm, um

SIDE, POWER = 10 * mm, 10.0


def slab(thickness: float, k: float, below: float, above: float) -> Package:
    """Return a slab heated throughout; `below` and `above` are heat-transfer coefficients [W/(m2 K)]."""
    coolers = {
        face: FixedTemperature(300.0) if h == inf else Convection(h, 300.0)
        for face, h in (("bottom", below), ("top", above))
        if h
    }
    layers = (Layer("heated", thickness, Material("plain", k), power=POWER),)
    return Package("slab", (Stack("plate", (SIDE, SIDE), layers),), Cooling(**coolers))


def mean_rise(thickness: float, k: float, below: float, above: float) -> float:
    """Return the mean rise [K] of the slab: a + b z - q z2 / (2 k) with the fluxes at both faces."""
    q = POWER / (SIDE**2 * thickness)
    below, above = min(below, 1e12), min(above, 1e12)
    matrix = np.array([[below, -k], [above, k + above * thickness]])
    a, b = np.linalg.solve(matrix, [0.0, q * thickness + above * q * thickness**2 / (2.0 * k)])
    return float(a + b * thickness / 2.0 - q * thickness**2 / (6.0 * k))


# Thickness, conductivity and both coefficients; before the rule the first had an error of 27 to 37 %.
SLABS = [
    (500 * um, 1.0, inf, inf),
    (500 * um, 148.0, inf, inf),
    (2 * mm, 148.0, inf, 0.0),
    (2 * mm, 1.0, 100.0, 100.0),
    (2 * mm, 1.0, 1e4, 1e4),
    (2 * mm, 1.0, 1e4, 0.0),
    (500 * um, 148.0, 1e4, 1e4),
    (500 * um, 148.0, 1e6, 1e4),
]


@pytest.mark.parametrize("case", SLABS)
def test_mean_of_a_layer_heated_throughout(case: tuple[float, float, float, float]) -> None:
    steady = solve_steady(discretize(slab(*case)))
    exact = mean_rise(*case)
    (plate,) = steady.parts
    error = abs(plate.mean - 300.0 - exact)
    assert error < 0.012 * exact
    assert plate.mean_error is not None
    assert error < plate.mean_error + 1e-6 * exact


def test_cells_follow_the_share_of_the_layer_in_the_rise() -> None:
    """With the resistance outside, the number of cells falls; an isolated body needs none for it."""
    counts = [discretize(slab(500 * um, 148.0, h, h)).grid.shape[0] for h in (inf, 1e6, 1e4)]
    assert counts[0] > counts[1] > counts[2]
    isolated = Package("slab", slab(500 * um, 148.0, inf, 0.0).stacks, Cooling(isolated=True))
    geometry = build_geometry(isolated)
    assert volume_source_sizes(geometry, HealingLengths(geometry)) == []


def test_cell_sizes_and_fineness_apply_to_heated_layers() -> None:
    package = slab(500 * um, 148.0, inf, inf)
    default = discretize(package).grid.shape[0]
    assert discretize(package, fineness=2.0).grid.shape[0] >= 1.8 * default
    assert discretize(package, cell=(5 * mm, 5 * mm, 1 * mm)).grid.shape[0] == 1


def high_die(board: float, die: float, dies: int) -> Package:
    """Return a tall stack of dies on a wide substrate."""
    silicon, laminate = Material("silicon", 148.0), Material("laminate", 30.0)
    power = Power(blocks=(Block("core", (0.0, 0.0), (die, die), 300.0),))
    layers = [Layer(f"die_{n}", 50 * um, silicon) for n in range(dies)]
    layers += [Layer("active", 5 * um, silicon, power=power), Layer("bulk", 300 * um, silicon)]
    substrate = Stack("substrate", (board, board), (Layer("core", 1.5 * mm, laminate),))
    corner = (0.5 * (board - die), 0.5 * (board - die))
    tower = Stack("tower", (die, die), tuple(layers), on="substrate", position=corner)
    cooling = Cooling(top=Convection(1e4, 300.0), bottom=Convection(20.0, 300.0))
    return Package("high", (substrate, tower), cooling)


def test_low_surroundings_of_a_tall_stack_have_wider_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the rule: 33 x 33 x 14 cells, 74 % of them outside the body."""
    model = discretize(high_die(65 * mm, 30 * mm, 11))
    with monkeypatch.context() as patch:
        patch.setattr(grid_lines, "RULE", replace(grid_lines.RULE, min_occupancy=1.0))
        plain = discretize(high_die(65 * mm, 30 * mm, 11))
    assert model.grid.cells < 0.9 * plain.grid.cells
    assert model.outside < min(0.72, plain.outside)
    fine = solve_steady(discretize(high_die(65 * mm, 30 * mm, 11), fineness=2.0))
    steady = solve_steady(model)
    for name in ("tower.active", "substrate.core"):
        coarse = next(part for part in steady.parts if part.name == name)
        reference = next(part for part in fine.parts if part.name == name)
        assert coarse.mean_error is not None
        assert abs(coarse.mean - reference.mean) < 1.1 * coarse.mean_error
        assert coarse.mean_error < 0.07 * (coarse.mean - 300.0)


def test_fraction_outside_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    package = high_die(65 * mm, 30 * mm, 3)
    model = discretize(package)
    expected = float(np.mean(model.part == 0))
    assert model.outside == pytest.approx(expected)
    grid = default_grid(model.geometry)
    assert np.array_equal(grid.x, model.grid.x)
    assert np.array_equal(grid.z, model.grid.z)
    assert fraction_outside(model.geometry, grid) == pytest.approx(expected)
    assert f"{100 * expected:.2g} % outside" in cell_counts(model)
    summary = grid_summary(model)["grid"]
    assert isinstance(summary, dict)
    assert summary["outside"] == model.outside
    assert result_summary(solve_steady(model))["grid"]["outside"] == model.outside
    assert main(["check", "hbm3_8h"]) == 0
    assert "default grid: 21 896 cells, 0 % outside the body" in capsys.readouterr().out
    assert main(["check", "hbm3_8h", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["grid"] == {
        "cells": 21896,
        "outside": 0.0,
        "shape": [23, 28, 34],
    }


def heated_post(height: float, width: float = 0.2 * mm, k: float = 20.0, h: float = 500.0) -> Package:
    """Return a post on a cold plane, heated throughout and cooled on its sides, its top insulated."""
    post = Stack("post", (width, width), (Layer("body", height, Material("m", k), power=0.1),))
    faces = dict.fromkeys(("west", "east", "south", "north"), Convection(h, 300.0))
    return Package("post", (post,), Cooling(bottom=FixedTemperature(300.0), **faces))


@pytest.mark.parametrize("height", [1 * mm, 4 * mm, 16 * mm])
def test_post_heated_throughout_is_exact(height: float) -> None:
    """A fin with heat generation: mean rise Q / (h P L) (1 - tanh(m L) / (m L)), m2 = h P / (k A)."""
    steady = solve_steady(discretize(heated_post(height)))
    perimeter, area = 0.8 * mm, 0.04 * mm**2
    m = np.sqrt(500.0 * perimeter / (20.0 * area))
    rise = 0.1 / (500.0 * perimeter * height) * (1.0 - np.tanh(m * height) / (m * height))
    post = steady.of("post")
    assert post.mean - 300.0 == pytest.approx(rise, rel=0.01)
    assert abs(post.mean - 300.0 - rise) <= post.mean_error + 2e-3 * rise  # 1D differs by the Biot number
    top = 0.1 / (500.0 * perimeter * height) * (1.0 - 1.0 / np.cosh(m * height))
    assert post.max - 300.0 == pytest.approx(top, rel=0.01)


def test_planes_across_a_heated_post_grow_with_the_logarithm_of_its_height() -> None:
    """The cells along z grow from both ends; before, they had 6 um over the whole height."""
    heights = 2 * mm, 8 * mm, 32 * mm
    counts = [default_grid(build_geometry(heated_post(each))).z.size for each in heights]
    assert counts[0] < 60
    assert counts[1] - counts[0] < 20
    assert counts[2] - counts[1] < 20
    dz = np.diff(default_grid(build_geometry(heated_post(8 * mm))).z)
    np.testing.assert_allclose(dz, dz[::-1], rtol=1e-9)
    assert dz[0] == pytest.approx(0.2 * mm / 32, rel=0.3)
    assert np.all(dz[1:] / dz[:-1] < 1.4)
