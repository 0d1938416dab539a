"""Arrays that a local model resolves: vias, bumps and lines against their description and a global grid."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import thermostack as ts
from tests.support.via_pieces import BOTTOM, DIAMETER, LINER, PITCH, UM, middle_box, via_medium, via_piece

CELLS = (5 * UM, 5 * UM, 10 * UM)


@pytest.fixture(scope="module")
def piece() -> ts.SteadyResult:
    """Return 15 x 15 vias as an effective medium."""
    return ts.solve_steady(ts.discretize(via_piece(15), cell=(10 * UM, 10 * UM, 10 * UM)), estimate=False)


@pytest.fixture(scope="module")
def resolved_peak() -> tuple[float, int]:
    """Return the peak [K] and the cells of one grid that resolves every via."""
    model = ts.discretize(via_piece(15, resolved=True), cell=CELLS)
    steady = ts.solve_steady(model, estimate=False)
    return steady.peak.max, model.grid.cells


@pytest.mark.parametrize("boundary", ["temperature", "flux"])
def test_peak_is_that_of_a_global_grid_that_resolves_every_via(
    piece: ts.SteadyResult, resolved_peak: tuple[float, int], boundary: str
) -> None:
    """2 % of the rise at under 5 % of the cells: 3 x 3 of 15 x 15 vias are resolved."""
    box = middle_box(15, 3.0)
    local = piece.zoom(box, cell=CELLS, resolve="die.bulk", boundary=boundary, estimate=False)
    peak, cells = resolved_peak
    assert local.model.grid.cells < 0.05 * cells
    assert abs(local.peak.max - peak) < 0.02 * (peak - BOTTOM)
    assert abs(piece.peak.max - peak) > 2.0 * abs(local.peak.max - peak)
    assert local.warnings == ()


def test_vias_have_the_volumes_of_the_description(piece: ts.SteadyResult) -> None:
    local = piece.zoom(middle_box(15, 3.0), cell=CELLS, resolve=["die.bulk"], estimate=False)
    volume = dict(zip([p.name for p in local.model.parts], local.model.volume_of_parts, strict=True))
    core = DIAMETER - 2 * LINER
    assert volume["die.bulk.core"] == pytest.approx(9 * 0.25 * math.pi * core**2 * 50 * UM, rel=1e-9)
    both = volume["die.bulk.core"] + volume["die.bulk.liner"]
    assert both == pytest.approx(9 * 0.25 * math.pi * DIAMETER**2 * 50 * UM, rel=1e-9)
    assert both + volume["die.bulk"] == pytest.approx((3 * PITCH) ** 2 * 50 * UM, rel=1e-9)
    assert {part.name: part.material.name for part in local.model.parts} == {
        "die.bond": "bond",
        "die.bulk": "silicon_constant",
        "die.bulk.liner": "silicon_dioxide",
        "die.bulk.core": "copper",
        "die.active": "silicon_constant",
    }


def centers(local: ts.SteadyResult, name: str) -> np.ndarray:
    """Return the x and y [um] of the centre of gravity of a part in the first plane with its cells."""
    number = [part.name for part in local.model.parts].index(name) + 1
    plane = next(plane for plane in local.model.part if (plane == number).any())
    grid = local.model.grid
    area = (plane == number) * grid.dy[:, None] * grid.dx
    return np.array([(area * grid.x_center).sum(), (area.T * grid.y_center).sum()]) / area.sum() / UM


def test_array_begins_at_the_corner_of_its_part_or_at_a_given_one(piece: ts.SteadyResult) -> None:
    """A box of one pitch around a via has it in its middle; with a shifted origin it is elsewhere."""
    low = 6 * PITCH
    box = ((low, low, 30 * UM), (low + PITCH, low + PITCH, 75 * UM))
    options = {"cell": CELLS, "estimate": False}
    local = piece.zoom(box, resolve="die.bulk", **options)
    assert centers(local, "die.bulk.core") == pytest.approx((low + 0.5 * PITCH) / UM)
    moved = piece.zoom(box, resolve={"die.bulk": ("5 um", "3 um")}, **options)
    expected = np.array([low + 0.5 * PITCH + 5 * UM, low + 0.5 * PITCH + 3 * UM]) / UM
    assert centers(moved, "die.bulk.core") == pytest.approx(expected)
    assert any("narrower than 3 pitches" in warning for warning in local.warnings)


def media() -> dict[str, tuple[object, str, float]]:
    """Return media with the suffix of their inclusions and their volume fraction."""
    hexagonal = math.pi * DIAMETER**2 / (4 * math.sqrt(0.75) * PITCH**2)
    square = math.pi * DIAMETER**2 / (4 * PITCH**2)
    lines = {"line": "copper", "dielectric": "silicon_dioxide", "width": 10 * UM, "pitch": 40 * UM}
    return {
        "bumps": (ts.BumpArray("copper", "underfill", DIAMETER, PITCH), "bump", square),
        "hexagonal": (replace(via_medium("hexagonal"), liner=None, liner_thickness=0.0), "core", hexagonal),
        "lines along x": (ts.LineLayer(**lines), "line", 0.25),
        "lines along y": (ts.LineLayer(**lines, direction="y"), "line", 0.25),
    }


@pytest.mark.parametrize("kind", sorted(media()))
@pytest.mark.parametrize("rotate", [0, 90])
def test_every_kind_of_array_is_resolved(kind: str, rotate: int) -> None:
    """The box has whole unit cells, so that the volume fraction is exact; lines keep their direction."""
    medium, suffix, fraction = media()[kind]
    size = (400 * UM, 20 * math.sqrt(0.75) * PITCH) if kind == "hexagonal" else (400 * UM, 400 * UM)
    layers = (
        ts.Layer("low", 50 * UM, "silicon_constant"),
        ts.Layer("array", 20 * UM, medium),
        ts.Layer("high", 50 * UM, "silicon_constant", power="1 W"),
    )
    die = ts.Stack("die", size, layers, rotate=rotate)
    steady = ts.solve_steady(
        ts.discretize(ts.Package("one", (die,), ts.Cooling(bottom=ts.FixedTemperature(300.0))), cell=50 * UM),
        estimate=False,
    )
    x, y = 160 * UM, (4 * math.sqrt(0.75) * PITCH if kind == "hexagonal" else 160 * UM)
    x, y = (y, x) if rotate else (x, y)
    local = steady.zoom(
        ((x / 2, y / 2, 40 * UM), (1.5 * x, 1.5 * y, 80 * UM)), resolve="die.array", estimate=False
    )
    volume = dict(zip([p.name for p in local.model.parts], local.model.volume_of_parts, strict=True))
    found = volume[f"die.array.{suffix}"] / (volume[f"die.array.{suffix}"] + volume["die.array"])
    assert found == pytest.approx(fraction, rel=1e-6)
    if suffix == "line":
        number = [p.name for p in local.model.parts].index("die.array.line") + 1
        plane = next(plane for plane in local.model.part if (plane == number).any()) == number
        runs_along_x = (medium.direction == "x") != bool(rotate)
        assert bool(plane.any(axis=1).all()) is not runs_along_x
        assert bool(plane.any(axis=0).all()) is runs_along_x


def test_zoom_within_zoom_keeps_the_array_and_converges(piece: ts.SteadyResult) -> None:
    first = piece.zoom(middle_box(15, 5.0), cell=CELLS, resolve="die.bulk", estimate=False)
    second = first.zoom(middle_box(15, 2.0), cell=(2.5 * UM, 2.5 * UM, 5 * UM), estimate=False)
    assert "die.bulk.core" in [part.name for part in second.model.parts]
    assert second.agreement is not None
    assert second.agreement.heat_difference < 0.02
    direct = piece.zoom(
        middle_box(15, 5.0), cell=(2.5 * UM, 2.5 * UM, 5 * UM), resolve="die.bulk", estimate=False
    )
    assert second.peak.max == pytest.approx(direct.peak.max, abs=0.01 * (direct.peak.max - BOTTOM))
    whole = first.zoom(middle_box(15, 9.0), cell=CELLS, estimate=False)  # as large as the first box
    assert whole.peak.max == pytest.approx(first.peak.max, abs=1e-4)
    assert whole.agreement is not None
    assert whole.agreement.faces == ()


def test_vias_that_leave_their_part_are_left_out(piece: ts.SteadyResult) -> None:
    """With an origin that is no corner, no via is cut by the edge of the die."""
    box = ((0.0, 0.0, 30 * UM), (2 * PITCH, 2 * PITCH, 75 * UM))
    local = piece.zoom(box, cell=CELLS, resolve={"die.bulk": ("18 um", "0 um")}, estimate=False)
    number = [part.name for part in local.model.parts].index("die.bulk.core") + 1
    first = np.flatnonzero((local.model.part == number).any(axis=(0, 1)))[0]
    assert local.model.grid.x[first] == pytest.approx(18 * UM + 0.5 * PITCH - 5 * UM)
