"""Arguments of zoom: errors that name the argument and the remedy, files, and the model of a zoom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thermostack as ts
from tests.support.via_pieces import PITCH, UM, middle_box, via_piece

CORNER, FAR = (0.0, 0.0, 0.0), (100 * UM, 100 * UM, 50 * UM)


@pytest.fixture(scope="module")
def piece() -> ts.SteadyResult:
    return ts.solve_steady(ts.discretize(via_piece(5), cell=20 * UM), estimate=False)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ({"box": ((1.0, 1.0, 0.0), (2.0, 2.0, 1.0))}, "E-OUTSIDE", "lies outside the model"),
        ({"box": (FAR, CORNER)}, "E-RANGE", "no extent along x"),
        ({"box": (CORNER, (1e-4, 1e-4, 0.0))}, "E-RANGE", "no extent along z"),
        ({"box": (CORNER,)}, "E-TYPE", "is not a box"),
        ({"box": 3.0}, "E-TYPE", "is not a box"),
        ({"box": (CORNER, (1e-4, 1e-4))}, "E-TYPE", "three coordinates"),
        ({"box": ("0 mm", "1 mm")}, "E-TYPE", "three coordinates"),
        ({"box": (CORNER, ("1 K", 1e-4, 1e-4))}, "E-UNIT", "box.high.x"),
        ({"box": "die.actve"}, "E-NAME", "did you mean die.active"),
        ({"box": "die.active", "margin": "-1 um"}, "E-RANGE", "margin"),
        ({"margin": "1 um"}, "E-VALUE", "a margin needs the name of a part"),
        ({"resolve": "die.bluk"}, "E-NAME", "did you mean die.bulk"),
        ({"resolve": "die.active"}, "E-VALUE", "not an array of vias, bumps or lines"),
        ({"resolve": 3}, "E-TYPE", "not a sequence of names"),
        ({"resolve": {"die.bulk": "1 um"}}, "E-TYPE", "corner of a unit cell"),
        ({"resolve": {"die.bulk": ("1 um", "2 K")}}, "E-UNIT", "resolve.die.bulk"),
        ({"cell": "0 um"}, "E-RANGE", "cell"),
        ({"cell": ("1 um",) * 4}, "E-GRID", "4 sizes for 3 axes"),
        ({"boundary": "robin"}, "E-VALUE", "temperature or flux"),
        ({"power": 3.0}, "E-TYPE", "is not a mapping"),
        ({"power": {"die.actve": 1.0}}, "E-NAME", "did you mean die.active"),
        ({"power": {"die.active": np.full((2, 2), -1.0)}}, "E-POWER", "negative"),
    ],
)
def test_wrong_argument(piece: ts.SteadyResult, arguments: dict[str, Any], code: str, text: str) -> None:
    with pytest.raises(ts.DescriptionError) as error:
        piece.zoom(**{"box": (CORNER, FAR), **arguments})
    assert code in str(error.value)
    assert text in str(error.value)


def test_too_many_vias(piece: ts.SteadyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    from thermostack.package import local_geometry

    monkeypatch.setattr(local_geometry, "MAX_INCLUSIONS", 3)
    with pytest.raises(ts.DescriptionError, match=r"about 6\.25 vias, bumps or lines of die\.bulk"):
        piece.zoom((CORNER, FAR), resolve="die.bulk")


def test_too_many_cells(piece: ts.SteadyResult) -> None:
    with pytest.raises(ts.ResourceError):
        piece.zoom((CORNER, FAR), cell="1 nm")
    with pytest.raises(ts.ResourceError, match="use larger cells or a smaller box"):
        piece.zoom((CORNER, FAR), cell=1e-12)


def test_box_in_empty_space() -> None:
    small = ts.Stack("small", (1e-4, 1e-4), (ts.Layer("si", 1e-4, "silicon"),), on=("low",), position=(0, 0))
    low = ts.Stack("low", (1e-3, 1e-3), (ts.Layer("si", 1e-4, "silicon", power="1 W"),))
    package = ts.Package("two", (low, small), ts.Cooling(bottom=ts.Convection(1e4, 300.0)))
    steady = ts.solve_steady(ts.discretize(package, cell=1e-4), estimate=False)
    with pytest.raises(ts.ArgumentError, match="the box contains no part"):
        steady.zoom(((5e-4, 5e-4, 1.2e-4), (8e-4, 8e-4, 1.8e-4)))


def test_box_with_the_end_of_a_link() -> None:
    link = ts.ThermalLink("strap", ts.LinkEnd("left.si"), ts.LinkEnd("right.si"), conductance="1 mW/K")
    stacks = [ts.Stack("low", (3e-3, 1e-3), (ts.Layer("fr4", 1e-3, "fr4"),))]
    for name, x in (("left", 0.0), ("right", 2e-3)):
        layer = ts.Layer("si", 1e-3, "silicon", power="0.1 W")
        stacks.append(ts.Stack(name, (1e-3, 1e-3), (layer,), on=("low",), position=(x, 0.0)))
    package = ts.Package("pair", tuple(stacks), ts.Cooling(bottom=ts.Convection(1e3, 300.0)), links=(link,))
    steady = ts.solve_steady(ts.discretize(package, cell=5e-4), estimate=False)
    with pytest.raises(ts.ArgumentError, match="the link strap ends in the box"):
        steady.zoom("left")
    local = steady.zoom(((0.0, 0.0, 0.0), (3e-3, 1e-3, 0.9e-3)), cell=5e-4, estimate=False)
    assert local.heat_balance.relative < 1e-6


def test_local_geometry_is_no_package(piece: ts.SteadyResult) -> None:
    local = piece.zoom((CORNER, FAR), estimate=False)
    with pytest.raises(ts.ArgumentError, match="geometry is that of a local model"):
        ts.discretize(local.model.geometry)


def test_local_result_is_stored_with_its_agreement(piece: ts.SteadyResult, tmp_path: Path) -> None:
    power = np.full((10, 10), 0.002)
    box = middle_box(5, 3.0)
    local = piece.zoom(box, cell=10 * UM, resolve={"die.bulk": (0.0, 0.0)}, power={"die.active": power})
    local.save(tmp_path / "local.vtkhdf")
    again = ts.read_result(tmp_path / "local.vtkhdf")
    assert np.array_equal(again.field, local.field, equal_nan=True)
    assert again.parts == local.parts
    assert again.agreement == local.agreement
    assert again.model.geometry.region == local.model.geometry.region
    assert again.warnings == local.warnings
    assert again.at(2.5 * PITCH, 2.5 * PITCH, 70 * UM) == local.at(2.5 * PITCH, 2.5 * PITCH, 70 * UM)
    finer = again.zoom("die.active", margin=0.0, cell=5 * UM, estimate=False)
    assert finer.peak.max == pytest.approx(again.peak.max, abs=0.5)


def test_texts_of_the_agreement(piece: ts.SteadyResult) -> None:
    local = piece.zoom(middle_box(5, 3.0), cell=10 * UM, estimate=False)
    agreement = local.agreement
    assert agreement is not None
    assert len(repr(agreement).splitlines()) == 5
    assert "heat flows differ by" in repr(agreement)
    table = agreement.table()
    assert all(name in table for name in ("south", "west", "die.bond", "die.active"))
    assert agreement._repr_html_().startswith("<table>")
    assert piece.agreement is None


def test_figure_of_a_local_result(piece: ts.SteadyResult, tmp_path: Path) -> None:
    local = piece.zoom(middle_box(5, 3.0), cell=10 * UM, resolve="die.bulk", estimate=False)
    local.plot(tmp_path / "local.png")
    assert (tmp_path / "local.png").stat().st_size > 10_000
    assert "die" in local.table()
