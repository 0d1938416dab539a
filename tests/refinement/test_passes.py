"""Solves to a tolerance in kelvin: the truth is inside, limits end it, and wrong input is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from exact.cases import block_cases, reference_values
from support.exact_packages import package_of_case

import thermostack as ts
from thermostack import (
    Convection,
    Cooling,
    FixedTemperature,
    Layer,
    Material,
    Package,
    Power,
    Stack,
    SteadyResult,
    discretize,
    read_package,
    read_result,
    solve_steady,
)
from thermostack.mesh.mesh_diagnostics import single_cell_windows
from thermostack.package.power import Block
from thermostack.refinement import passes as passes_module
from thermostack.refinement.settings import RULE
from thermostack.results.refinement_log import Refinement, RefinementPass
from thermostack.units import mm, um

CASES = {case.name: case for case in block_cases()}


def largest_error(name: str, steady: SteadyResult) -> float:
    """Return the largest true error [K] of the peaks of an exact case that have power."""
    exact = reference_values(CASES[name])
    return max(abs(part.max - exact[part.name.split(".")[-1]].peak) for part in steady.parts if part.power)


def heated(material: Material, power: Power | None) -> Package:
    layers = (Layer("bulk", 0.3 * mm, material), Layer("active", 20 * um, material, power=power))
    cooling = Cooling(bottom=Convection(1e4, 300.0), top=Convection(100.0, 310.0))
    return Package("die", (Stack("die", (4 * mm, 3 * mm), layers),), cooling)


SPOT = Power(blocks=(Block("spot", (0.5 * mm, 0.6 * mm), (0.7 * mm, 0.9 * mm), 3.0),))
SILICON = Material("si", 148.0)


@pytest.mark.parametrize(
    "name", ["edge_and_corner", "stack_of_two", "interfaces", "orthotropic_substrate", "memory_stack"]
)
def test_truth_of_exact_cases_is_inside(name: str) -> None:
    steady = solve_steady(package_of_case(CASES[name]), tolerance="0.5 K", threads=1)
    refinement = steady.refinement
    assert refinement is not None
    assert refinement.outcome == "reached"
    assert refinement.cells == steady.model.grid.cells
    assert refinement.error == max(part.error or 0.0 for part in steady.parts if part.power)
    assert largest_error(name, steady) <= refinement.error <= 0.5
    assert not [text for text in steady.warnings if "W-TOLERANCE" in text]


def test_true_error_falls_with_the_tolerance() -> None:
    package = package_of_case(CASES["interfaces"])
    found = [solve_steady(package, tolerance=tolerance, threads=1) for tolerance in (4.0, 1.0, 0.25)]
    errors = [largest_error("interfaces", steady) for steady in found]
    assert errors[0] > errors[1] > errors[2]
    cells = [steady.model.grid.cells for steady in found]
    assert cells[0] < cells[1] < cells[2]


@pytest.mark.parametrize("name", ["orthotropic_substrate", "memory_stack"])
def test_refined_grid_needs_fewer_cells_than_the_default_grid(name: str) -> None:
    package = package_of_case(CASES[name])
    default = solve_steady(package, threads=1)
    bound = max(part.error or 0.0 for part in default.parts if part.power)
    steady = solve_steady(package, tolerance=bound, threads=1)
    assert steady.model.grid.cells < 0.8 * default.model.grid.cells
    assert largest_error(name, steady) < largest_error(name, default)


def test_grid_of_a_model_is_the_start() -> None:
    model = discretize(heated(SILICON, SPOT), cell=0.5 * mm)
    steady = solve_steady(model, tolerance="50 mK", threads=1)
    assert steady.refinement is not None
    assert steady.refinement.passes[0].cells == model.grid.cells
    assert len(steady.refinement.passes) > 1
    for axis in "xyz":
        assert set(getattr(model.grid, axis)) <= set(getattr(steady.model.grid, axis))


def test_enough_cells_take_one_pass() -> None:
    model = discretize(heated(SILICON, SPOT))
    plain, steady = solve_steady(model, threads=1), solve_steady(model, tolerance="20 K", threads=1)
    assert steady.refinement is not None
    assert steady.refinement.text.startswith("tolerance 20 K reached in 1 pass, ")
    assert steady.parts == plain.parts


def test_conductivity_that_depends_on_temperature() -> None:
    falling = Material("si", {"power_law": {"at_reference": 148.0, "exponent": 1.3}})
    package = heated(falling, SPOT)
    steady = solve_steady(package, tolerance="0.1 K", threads=1)
    fine = solve_steady(package, tolerance="0.02 K", threads=1)
    assert steady.refinement is not None
    assert steady.refinement.is_reached
    reference = fine.of("die.active.spot")
    assert abs(steady.of("die.active.spot").max - (reference.extrapolated or reference.max)) < 0.1


def test_direct_method_reaches_the_same_grid() -> None:
    package = heated(SILICON, SPOT)
    grids = [
        solve_steady(package, tolerance=1.0, method=method, threads=1) for method in ("multigrid", "direct")
    ]
    assert grids[0].model.grid.shape == grids[1].model.grid.shape
    assert grids[0].peak.max == pytest.approx(grids[1].peak.max, abs=1e-5)


def test_package_without_power_bounds_all_parts() -> None:
    """Heat flows between two fixed temperatures, and no part has power."""
    package = replace(
        heated(SILICON, None), cooling=Cooling(bottom=FixedTemperature(300.0), top=FixedTemperature(320.0))
    )
    steady = solve_steady(package, tolerance="0.1 K", threads=1)
    assert steady.refinement is not None
    assert steady.refinement.is_reached
    assert steady.peak.max == pytest.approx(320.0, abs=1e-6)


def test_links_are_refined_too() -> None:
    package = read_package("qfn_wirebond")
    steady = solve_steady(package, tolerance="3 K", threads=1)
    assert steady.links
    assert steady.refinement is not None
    assert steady.refinement.is_reached


def test_sources_with_one_cell_across_are_refined() -> None:
    model = discretize(heated(SILICON, SPOT), cell=5 * mm)
    assert single_cell_windows(model.geometry, model.grid, model.layer_sources, model.blocks)
    steady = solve_steady(model, tolerance="100 K", threads=1)
    final = steady.model
    assert not single_cell_windows(final.geometry, final.grid, final.layer_sources, final.blocks)
    assert not [text for text in steady.warnings if "one cell across" in text]


# -- limits ------------------------------------------------------------------------------------------


def outcome(**options: Any) -> tuple[SteadyResult, str]:
    """Return the result of a solve to 1 mK within limits, and its warning."""
    steady = solve_steady(heated(SILICON, SPOT), tolerance="1 mK", threads=1, **options)
    (warning,) = (text for text in steady.warnings if "W-TOLERANCE" in text)
    return steady, warning


def test_memory_ends_the_refinement() -> None:
    steady, warning = outcome(max_memory="2 MB")
    assert steady.refinement is not None
    assert steady.refinement.outcome == "memory"
    assert "the next grid and its solver would need more than the permitted 2 MB, largest error" in warning
    assert "times the cells; permit more memory (max_memory, --max-memory)" in warning
    assert "in die.active" in warning


def test_time_ends_the_refinement(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of this test advances by one second at each reading."""
    now = iter(range(10_000))
    monkeypatch.setattr(passes_module.time, "perf_counter", lambda: float(next(now)))
    steady, warning = outcome(max_time="20 s")
    assert steady.refinement is not None
    assert steady.refinement.outcome == "time"
    assert "the next grid would take more than the rest of 20 s" in warning
    assert "more time (max_time, --max-time)" in warning


def test_error_that_does_not_fall_ends_the_refinement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes_module, "error_of", lambda part: 1.0 if part.power else 0.0)
    steady, warning = outcome()
    assert steady.refinement is not None
    assert steady.refinement.outcome == "stalled"
    cells = [each.cells for each in steady.refinement.passes]
    assert RULE.stall_growth * cells[0] <= cells[-1] < 100 * cells[0]
    assert "the error does not fall" in warning


def test_number_of_passes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = discretize(heated(SILICON, SPOT), cell=1 * mm)
    monkeypatch.setattr(passes_module, "RULE", RULE)
    monkeypatch.setattr(passes_module.solve_to_tolerance, "__defaults__", (replace(RULE, max_passes=2),))
    steady = solve_steady(model, tolerance="1 mK", threads=1)
    assert steady.refinement is not None
    assert len(steady.refinement.passes) == 2
    assert steady.refinement.outcome == "stalled"


def test_memory_below_the_first_grid_is_an_error() -> None:
    with pytest.raises(
        ts.ResourceError, match=r"the first grid of \d+ cells needs about .*, more than max_memory, 1 kB"
    ):
        solve_steady(heated(SILICON, SPOT), tolerance="1 K", max_memory="1 kB")


def test_memory_that_is_taken_meanwhile_keeps_the_last_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check before the second grid finds less memory than the prediction."""
    from thermostack import steady as steady_module

    checked = []

    def check(estimate: Any, held: int = 0) -> None:
        checked.append(estimate)
        if len(checked) > 1:
            raise ts.ResourceError("none is left")

    monkeypatch.setattr(steady_module, "check_memory", check)
    steady, _ = outcome()
    assert steady.refinement is not None
    assert steady.refinement.outcome == "memory"
    assert len(steady.refinement.passes) == 1


# -- input -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tolerance": 1e-8}, "tolerance: 0.01 uK is less than 100 uK; .*1e-8, is the argument `residual`"),
        ({"tolerance": -0.1}, "tolerance: -0.1 K is not greater than zero"),
        ({"tolerance": 0}, "tolerance: 0 K is not greater than zero"),
        ({"tolerance": math.nan}, "tolerance: nan is not a finite temperature difference"),
        ({"tolerance": "0.1 W"}, 'tolerance: "0.1 W" is a power; expected a temperature difference'),
        ({"tolerance": "0.1"}, 'tolerance: "0.1" has no unit'),
        ({"tolerance": [0.1]}, "tolerance: .* is not a temperature difference"),
        ({"tolerance": 0.1, "max_memory": "4 s"}, 'max_memory: "4 s" is a time; expected a memory size'),
        ({"tolerance": 0.1, "max_memory": 0}, "max_memory: 0 GB is not greater than zero"),
        ({"tolerance": 0.1, "max_time": "-1 s"}, "max_time: -1 s is not greater than zero"),
        ({"tolerance": 0.1, "estimate": False}, "estimate: a tolerance needs the error estimate"),
        ({"max_time": 5.0}, "max_time: limits the refinement of the grid .add a tolerance"),
        ({"max_memory": "1 GB"}, "max_memory: limits the refinement of the grid"),
    ],
)
def test_wrong_arguments_are_explained(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ts.ArgumentError, match=said):
        solve_steady(heated(SILICON, SPOT), **options)


# -- results -----------------------------------------------------------------------------------------


def test_refinement_is_saved_and_read(tmp_path: Path) -> None:
    steady, _ = outcome(max_memory="1 MB")
    steady.save(tmp_path / "die.vtkhdf")
    read = read_result(tmp_path / "die.vtkhdf")
    assert read.refinement == steady.refinement
    assert read.warnings == steady.warnings
    solve_steady(heated(SILICON, SPOT), threads=1).save(tmp_path / "plain.vtkhdf")
    assert read_result(tmp_path / "plain.vtkhdf").refinement is None


def test_representation_names_the_outcome() -> None:
    steady = solve_steady(heated(SILICON, SPOT), tolerance="5 K", threads=1)
    assert "  grid    tolerance 5 K reached in " in repr(steady)


def test_advice_for_a_tolerance_that_is_missed() -> None:
    """An error far above the tolerance is no useful tolerance: the number of cells is named instead."""
    for outcome_, near in (("memory", "or a tolerance of about"), ("stalled", "ask for about")):
        texts = []
        for error in (0.2, 10.0):
            passes = (RefinementPass(1000, error, "die.active", 0.1),)
            texts.append(Refinement(0.1, outcome_, passes, 1e6, 60.0).advice)  # type: ignore[arg-type]
        assert near in texts[0]
        assert "10 K" not in texts[1]
    assert "needs about 1,000 times the cells" in Refinement(0.1, "time", passes, 1e6, 60.0).advice
