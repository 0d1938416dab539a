"""Results of unit cells: table, JSON, representations, arguments."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import thermostack as ts
from thermostack.materials.material import Material
from thermostack.report.unit_cell_table import unit_cell_summary
from thermostack.unit_cells.unit_cell_result import UnitCellResult, solve_unit_cell

um = 1e-6
BUMP = ts.UnitCell(bump=ts.BumpCell("solder_bump", "underfill", 25 * um, 40 * um, 30 * um))


@pytest.fixture(scope="module")
def result() -> UnitCellResult:
    return solve_unit_cell(BUMP)


def test_table_has_axes_constituents_and_formula(result: UnitCellResult) -> None:
    text = result.table()
    lines = text.splitlines()
    assert "bump_array" in lines[0]
    assert [line.split()[0] for line in lines[2:5]] == ["x", "y", "z"]
    assert "exact" in lines[4]
    assert "bump.fill" in text
    assert "a layer of 30 um has 1.912 mm2 K/W between isothermal faces" in text
    assert ">x</td>" in result._repr_html_()


def test_repr_is_short(result: UnitCellResult) -> None:
    assert repr(result).startswith("UnitCellResult(x=0.93")
    assert "at 300 K)" in repr(result)


def test_material_is_usable_in_a_package(result: UnitCellResult) -> None:
    assert result.material.conductivity_at(300.0) == pytest.approx(result.conductivity)
    layer = ts.Layer("joints", 30 * um, result.material)
    assert layer.material is result.material


def test_summary_has_all_numbers(result: UnitCellResult) -> None:
    summary: Any = unit_cell_summary(result)
    assert summary["formula"]["kind"] == "bump_array"
    assert summary["axes"]["x"]["lower"] < summary["conductivity"][0] < summary["axes"]["x"]["upper"]
    assert summary["axes"]["z"]["grids"] == []
    assert [each["field"] for each in summary["constituents"]] == ["bump.fill", "bump.bump"]
    assert summary["area_resistance"] == pytest.approx(30 * um / summary["conductivity"][2])


def test_via_without_height_has_no_resistance() -> None:
    result = solve_unit_cell(ts.UnitCell(via=ts.ViaCell("copper", "silicon", 10 * um, 50 * um)))
    assert result.area_resistance is None
    assert "isothermal faces" not in result.table()
    assert unit_cell_summary(result)["height"] is None


def test_notes_name_large_errors_and_the_cross_component() -> None:
    def square(x: float, y: float, width: float) -> ts.Inclusion:
        return ts.Inclusion("copper", (width * um, 0.2 * um), (x * um, y * um))

    layer = ts.CellLayer("low_k", um, (square(0.1, 0.2, 0.5), square(0.4, 0.4, 0.3), square(0.6, 0.6, 0.3)))
    result = solve_unit_cell(ts.UnitCell(pitch=um, layers=(layer,)))
    text = result.table()
    assert "x and y are not principal axes: the component xy of" in text
    assert result.formula is None
    rough = dataclasses.replace(result, x=dataclasses.replace(result.x, error=0.02 * result.x.value))
    assert "estimated errors: x 2.0 % (the largest grid, or widened shells)" in rough.table()
    narrow = dataclasses.replace(rough, unresolved=2e-9)
    assert "estimated errors: x 2.0 % (a gap or shell of 2 nm is not resolved)" in narrow.table()


def test_definitions_of_a_package_take_precedence() -> None:
    own = {"underfill": Material("underfill", 2.0)}
    result = solve_unit_cell(BUMP, materials=own)
    assert result.x.value > 2.0
    assert result.volumetric_heat_capacity is None


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (("via",), {}, "cell: 'via' is not a UnitCell"),
        ((BUMP, "300 mm"), {}, "temperature: "),
        ((BUMP, -5.0), {}, "temperature: "),
        ((BUMP,), {"tolerance": 0.0}, "tolerance: "),
        ((BUMP,), {"tolerance": "x"}, "tolerance: "),
    ],
)
def test_wrong_arguments_raise(arguments: Any, options: Any, text: str) -> None:
    with pytest.raises(ts.ArgumentError) as caught:
        solve_unit_cell(*arguments, **options)
    assert str(caught.value).startswith(text)
