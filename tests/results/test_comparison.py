"""Comparisons of results: zero for equal results, uniform for a shift of the ambient, antisymmetric."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvista
from support.shipped import shipped
from support.small_result import small_package

import thermostack as ts
from thermostack import ArgumentError, ResultFileError, UnknownNameError
from thermostack.results.comparison import Comparison

CELL = "6 mm"
OVERRIDES = {f"cooling.{face}.convection.ambient": "35 degC" for face in ("top", "bottom", "surroundings")}


class OwnLaw(ts.ConductivityLaw):
    """A law without a form in a file."""

    is_constant = True
    coefficients = ((50.0, 50.0, 50.0),)

    def evaluate(self, temperature: Any) -> Any:
        return (50.0 + 0.0 * temperature,) * 3


@pytest.fixture(scope="module")
def cool() -> ts.SteadyResult:
    return ts.solve_steady(ts.discretize(shipped("fcbga"), cell=CELL))


@pytest.fixture(scope="module")
def warm() -> ts.SteadyResult:
    """Return the same package in an ambient that is warmer by 10 K."""
    return ts.solve_steady(ts.discretize(ts.read_package("fcbga", OVERRIDES), cell=CELL))


@pytest.fixture(scope="module")
def bare() -> ts.SteadyResult:
    return ts.solve_steady(ts.discretize(shipped("fcbga_bare"), cell=CELL))


@pytest.fixture(scope="module")
def run() -> ts.TransientResult:
    return ts.solve_transient(
        ts.discretize(shipped("fcbga"), cell=CELL), 2.0, initial="outside", tolerance=0.5
    )


def test_a_result_compared_with_itself_is_zero(cool: ts.SteadyResult) -> None:
    comparison = ts.compare(cool, cool)
    assert all(
        part.difference == part.mean_difference == part.power_difference == 0.0 for part in comparison.parts
    )
    assert all(each.difference == 0.0 for each in comparison.heat)
    assert not comparison.only_first
    assert not comparison.only_second
    assert not comparison.descriptions
    assert comparison.field.rms == 0.0
    assert not any(part.exceeds_error for part in comparison.parts)


def test_every_part_block_and_stack_is_compared(cool: ts.SteadyResult) -> None:
    names = [part.name for part in ts.compare(cool, cool).parts]
    stacks = [stack.name for stack in cool.package.stacks]
    assert names == [*stacks, *(part.name for part in cool.parts)]


def test_shift_of_the_ambient_is_a_uniform_difference(cool: ts.SteadyResult, warm: ts.SteadyResult) -> None:
    """The package is linear but for the conductivity of its materials, which changes by a per mille."""
    comparison = ts.compare(cool, warm)
    assert comparison.field.min == pytest.approx(10.0, abs=0.5)
    assert comparison.field.max == pytest.approx(10.0, abs=0.5)
    for part in comparison.parts:
        assert part.difference == pytest.approx(10.0, abs=0.5)
        assert part.power_difference == 0.0
    assert comparison.of("die").margin_difference == pytest.approx(-comparison.of("die").difference)
    paths = {each.path: (each.first, each.second) for each in comparison.descriptions}
    assert paths == dict.fromkeys(OVERRIDES, ("25 degC", "35 degC"))


def test_shift_of_the_ambient_without_laws_of_temperature() -> None:
    """With constant conductivities the field is the same rise over another ambient."""
    silicon = ts.Material("linear", 100.0)
    layers = (ts.Layer("active", 1e-4, silicon, power=ts.Power(5.0)), ts.Layer("bulk", 4e-4, silicon))
    results = [
        ts.solve_steady(
            ts.discretize(
                ts.Package(
                    "die",
                    (ts.Stack("die", (4e-3, 3e-3), layers),),
                    ts.Cooling(top=ts.Convection(1e4, ambient)),
                ),
                cell=cell,
            ),
            tolerance=None,
        )
        for ambient, cell in ((300.0, 1e-3), (307.0, 1e-3))
    ]
    field = ts.compare(*results).field
    np.testing.assert_allclose(field.values[field.is_common], 7.0, atol=1e-5)


def test_antisymmetry(cool: ts.SteadyResult, bare: ts.SteadyResult) -> None:
    one, other = ts.compare(cool, bare), ts.compare(bare, cool)
    np.testing.assert_array_equal(one.field.values, -other.field.values)
    assert {part.name for part in one.parts} == {part.name for part in other.parts}
    for part in one.parts:
        mirrored = other.of(part.name)
        assert part.difference == -mirrored.difference
        assert part.mean_difference == -mirrored.mean_difference
        assert part.power_difference == -mirrored.power_difference
        assert part.margin_difference is None or part.margin_difference == -(
            mirrored.margin_difference or 0.0
        )
        assert (part.error, part.exceeds_error) == (mirrored.error, mirrored.exceeds_error)
    heat = {each.name: each.difference for each in other.heat}
    assert all(each.difference == -heat[each.name] for each in one.heat)
    assert one.only_first == other.only_second
    assert [(each.first, each.second) for each in sorted(one.descriptions, key=lambda each: each.path)] == [
        (each.second, each.first) for each in sorted(other.descriptions, key=lambda each: each.path)
    ]


def test_values_are_those_of_the_results(cool: ts.SteadyResult, bare: ts.SteadyResult) -> None:
    comparison = ts.compare(cool, bare)
    for name in ("die", "die.active", "board.pcb"):
        part, first, second = comparison.of(name), cool.of(name), bare.of(name)
        assert (part.first.max, part.first.mean, part.first.power) == (first.max, first.mean, first.power)
        assert (part.second.max, part.second.margin) == (second.max, second.margin)
        assert part.error == first.error + second.error
        assert part.exceeds_error == (abs(second.max - first.max) > first.error + second.error)
    assert comparison.heat[0].first == cool.heat_balance.heat_in
    assert sum(each.difference for each in comparison.heat[1:]) == pytest.approx(
        comparison.heat[0].difference, abs=1e-6
    )


def test_names_of_one_result_alone_are_listed(cool: ts.SteadyResult, bare: ts.SteadyResult) -> None:
    comparison = ts.compare(cool, bare)
    assert "lid.plate" in comparison.only_first
    assert not comparison.only_second
    assert "lid" not in {part.name for part in comparison.parts}
    with pytest.raises(UnknownNameError, match="no part of both results is named 'lid'"):
        comparison.of("lid")


def test_without_an_estimate_the_significance_is_unknown(cool: ts.SteadyResult) -> None:
    rough = ts.solve_steady(cool.model, estimate=False)
    part = ts.compare(cool, rough).of("die")
    assert part.error is None
    assert part.exceeds_error is None


def test_transients(run: ts.TransientResult) -> None:
    half = ts.solve_transient(run.model, 1.0, initial="outside", tolerance=0.5)
    comparison = ts.compare(half, run)
    die = comparison.of("die")
    assert die.first.max == half.of("die").hottest
    assert die.second.final_max == run.of("die").peak[-1]
    assert die.final_difference > 0.0
    assert die.first.power == pytest.approx(10.0)
    assert die.second.mean == run.of("die").mean[-1]
    np.testing.assert_array_equal(comparison.field.values, run.field - half.field)
    assert [each.name for each in comparison.heat] == ["generated", "outflow", "stored"]
    assert comparison.heat[0].difference == pytest.approx(10.0)
    assert "end B" in comparison.table(200)
    assert comparison.to_dict()["kind"] == "transient"
    assert comparison.plot() is not None


def test_a_transient_and_a_steady_result_are_refused(cool: ts.SteadyResult, run: ts.TransientResult) -> None:
    with pytest.raises(ArgumentError, match=r"second: a steady and a transient result .*same kind.*E-TYPE"):
        ts.compare(cool, run)


@pytest.mark.parametrize("wrong", [None, 3.0, ["fcbga"]])
def test_other_objects_are_refused(cool: ts.SteadyResult, wrong: object) -> None:
    with pytest.raises(ArgumentError, match=r"first: .* is not a result or a package"):
        ts.compare(wrong, cool)  # type: ignore[arg-type]


def test_packages_models_files_and_names(cool: ts.SteadyResult, tmp_path: Path) -> None:
    cool.save(tmp_path / "cool.vtkhdf")
    file = tmp_path / "cool.vtkhdf"
    for other in (shipped("fcbga"), "fcbga"):
        assert ts.compare(file, other, cell=CELL).of("die").difference == pytest.approx(0.0, abs=1e-6)
    assert ts.compare(cool, cool.model).of("die").difference == pytest.approx(0.0, abs=1e-6)


def test_file_that_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "broken.vtkhdf").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ResultFileError, match="is a PNG image"):
        ts.compare(tmp_path / "broken.vtkhdf", "fcbga")


def test_packages_that_no_file_can_contain_are_compared_without_descriptions() -> None:
    package = small_package()
    own = replace(package.stacks[1].layers[1], material=ts.Material("other", OwnLaw()))
    logic = replace(package.stacks[1], layers=(package.stacks[1].layers[0], own))
    other = replace(package, stacks=(package.stacks[0], logic, package.stacks[2]))
    comparison = ts.compare(package, other, cell="4 mm")
    assert comparison.descriptions == ()
    assert "the descriptions are not compared" in comparison.warnings[0]


def test_file_of_a_comparison_opens_in_pyvista(
    cool: ts.SteadyResult, bare: ts.SteadyResult, tmp_path: Path
) -> None:
    comparison = ts.compare(cool, bare)
    comparison.save(tmp_path / "difference.vtkhdf")
    grid = pyvista.read(tmp_path / "difference.vtkhdf")
    difference = grid.cell_data["temperature_difference"].reshape(comparison.field.grid.shape)
    np.testing.assert_array_equal(difference, comparison.field.values)
    first, second = (grid.cell_data[f"temperature_{which}"] for which in ("first", "second"))
    np.testing.assert_array_equal(second - first, grid.cell_data["temperature_difference"])
    with pytest.raises(ResultFileError, match=r"contains a comparison result.*ParaView and PyVista reads it"):
        ts.read_result(tmp_path / "difference.vtkhdf")


def test_figure_is_symmetric_about_zero(cool: ts.SteadyResult, bare: ts.SteadyResult, tmp_path: Path) -> None:
    comparison = ts.compare(cool, bare)
    figure = comparison.plot(tmp_path / "difference.png")
    meshes = [each for axes in figure.axes for each in axes.collections if hasattr(each, "get_coordinates")]
    largest = max(abs(comparison.field.min), comparison.field.max)
    assert meshes[:3]
    for mesh in meshes[:3]:
        assert mesh.get_clim() == pytest.approx((-largest, largest))
    assert (tmp_path / "difference.png").stat().st_size > 10_000


def test_figure_without_a_common_volume(cool: ts.SteadyResult) -> None:
    comparison = ts.compare(cool, cool)
    empty = replace(cool, field=np.full_like(cool.field, np.nan))
    nothing = Comparison(**{**vars(comparison), "second": empty})
    with pytest.raises(ArgumentError, match=r"no common volume"):
        nothing.plot()


def test_texts(cool: ts.SteadyResult, bare: ts.SteadyResult) -> None:
    comparison = ts.compare(cool, bare)
    assert len(repr(comparison).splitlines()) == 4
    assert "die" in comparison.table()
    assert "lid.plate" in comparison.table()
    assert comparison.table(all_parts=True).count("\n") > comparison.table().count("\n")
    assert "<table" in comparison._repr_html_()
    assert "stacks.die.layers.active.power" in comparison.table()
