"""Steady results: access by name, table, figure, file; convergence and errors of steady solves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thermostack as ts
from thermostack import (
    Block,
    Convection,
    Cooling,
    FixedTemperature,
    HeatSink,
    Layer,
    Material,
    Package,
    Power,
    Stack,
    SteadyResult,
    discretize,
    solve_steady,
)
from thermostack import steady as steady_module
from thermostack.errors import ConvergenceError
from thermostack.linear.solver import Solver
from thermostack.report.steady_table import solution_facts
from thermostack.report.table_layout import as_text
from thermostack.units import mm

COPPER, MOLD = Material("cu", 390.0), Material("mold", 0.8)
STAGES = ["mesh", "assemble", "prepare", "solve", "measure", "estimate"]


def two_dies(**cooling: Any) -> Package:
    """Return a logic die with a block and a die without power, on a board with convection on all faces."""
    power = Power(blocks=(Block("core", (0.5 * mm, 0.5 * mm), (1 * mm, 1 * mm), 3.0),), total=3.0)
    logic = (
        Layer("active", 0.02 * mm, Material("si", 148.0), power),
        Layer("bulk", 0.4 * mm, Material("si", 148.0), limit=400.0),
    )
    stacks = (
        Stack("board", (8 * mm, 4 * mm), (Layer("core", 1 * mm, MOLD),)),
        Stack("logic", (3 * mm, 2 * mm), logic, on="board", position=(1 * mm, 1 * mm)),
        Stack(
            "cold",
            (2 * mm, 2 * mm),
            (Layer("bulk", 0.42 * mm, COPPER),),
            on="board",
            position=(5 * mm, 1 * mm),
        ),
    )
    faces = cooling or {"top": Convection(5e3, 300.0), "surroundings": Convection(10.0, 300.0)}
    return Package("two_dies", stacks, Cooling(**faces))


@pytest.fixture(scope="module")
def steady() -> SteadyResult:
    return solve_steady(discretize(two_dies(), cell=0.5 * mm))


def slab(material: Material, heat: float = 5.0, **cooling: Any) -> Package:
    layers = (
        Layer("bulk", 1 * mm, material),
        Layer("hot", 0.1 * mm, material, Power(total=heat) if heat else None),
    )
    return Package("slab", (Stack("s", (2 * mm, 2 * mm), layers),), Cooling(**cooling))


HELD = {"bottom": FixedTemperature(300.0)}

# -- asking ----------------------------------------------------------------------------------


def test_parts_blocks_and_stacks_by_name(steady: SteadyResult) -> None:
    assert steady.of("logic.active").name == "logic.active"
    assert steady.of("logic.active.core").is_block
    logic = steady.of("logic")
    assert (logic.name, logic.power) == ("logic", pytest.approx(3.0))
    assert logic.volume == pytest.approx(3 * 2 * 0.42e-9)
    assert logic.max == steady.of("logic.active").max


def test_names_lists_parts_blocks_and_stacks(steady: SteadyResult) -> None:
    names = [
        "board",
        "board.core",
        "logic",
        "logic.active",
        "logic.active.core",
        "logic.bulk",
        "cold",
        "cold.bulk",
    ]
    assert sorted(steady.names) == sorted(names)
    assert [steady.of(name).name for name in names] == names


@pytest.mark.parametrize(
    ("name", "hint"),
    [("logik", "did you mean logic"), ("logic.activ", "did you mean logic.active"), ("zzz", "the names are")],
)
def test_unknown_name_raises_with_suggestion(steady: SteadyResult, name: str, hint: str) -> None:
    for ask in (steady.of, steady.face):
        with pytest.raises(KeyError) as caught:
            ask(name)
        assert caught.value.args[0].startswith(f"no part is named {name!r}")
        assert hint in caught.value.args[0]
        assert str(caught.value).endswith(") [E-NAME]")


def test_prefix_of_a_name_is_unknown(steady: SteadyResult) -> None:
    with pytest.raises(KeyError):
        steady.of("log")


def test_peak_is_the_powered_part_of_a_shared_face() -> None:
    """A part without power that shares the hottest face is not the peak, even if it is slightly hotter."""
    cap = Layer("cap", 0.1 * mm, COPPER)
    package = slab(COPPER, **HELD)
    stack = package.stacks[0]
    steady = solve_steady(replace(package, stacks=(replace(stack, layers=(*stack.layers, cap)),)))
    cap_found, hot = steady.of("s.cap"), steady.of("s.hot")
    assert abs(cap_found.max - hot.max) < 0.01
    assert steady.peak.name == "s.hot"
    barely = tuple(
        replace(part, max=part.max + 0.02) if part.name == "s.cap" else part for part in steady.parts
    )
    assert replace(steady, parts=barely).peak.name == "s.hot"
    clearly = tuple(
        replace(part, max=part.max + 0.1) if part.name == "s.cap" else part for part in steady.parts
    )
    assert replace(steady, parts=clearly).peak.name == "s.cap"


def test_field_is_nan_outside_the_body(steady: SteadyResult) -> None:
    assert np.array_equal(np.isnan(steady.field), steady.model.part == 0)
    assert steady.temperature.dims == ("z", "y", "x")
    assert float(steady.temperature.max()) == np.nanmax(steady.field)
    assert np.nanmax(steady.field) <= steady.peak.max


# -- showing ---------------------------------------------------------------------------------


def test_table_lists_every_part_and_its_peak(steady: SteadyResult) -> None:
    text = steady.table(all_parts=True)
    for word in ("board", "logic", "active", "core", "bulk", "cold", "margin"):
        assert word in text
    peak = f"{steady.peak.max - 273.15:.2f}"
    assert peak in text
    (line,) = [line for line in text.splitlines() if line.split()[:1] == ["active"]]
    assert peak in line
    assert "3.000" in line
    assert line.split()[5] != "?"
    assert max(map(len, steady.table(80).splitlines())) <= 80
    assert max(map(len, steady.table(80, all_parts=True).splitlines())) <= 80


def test_table_has_question_marks_without_error_estimate() -> None:
    steady = solve_steady(discretize(two_dies(), cell=1 * mm), estimate=False)
    assert steady.of("logic").error is None
    assert steady.of("logic").extrapolated is None
    lines = steady.table(all_parts=True).splitlines()
    column = next(line for line in lines if line.split()[:1] == ["active"]).split()
    assert column[5] == "?"
    assert "estimate" not in steady.seconds


def test_every_part_has_an_error_estimate(steady: SteadyResult) -> None:
    for part in steady.parts:
        assert part.error is not None
        assert 0.0 <= part.error < 0.2 * (steady.peak.max - 300.0)
        assert part.extrapolated == pytest.approx(part.max, abs=2.0 * part.error + 1e-9)


def test_saved_result_is_read_back_unchanged(steady: SteadyResult, tmp_path: Path) -> None:
    """A saved result equals the original, through the public names."""
    steady.save(tmp_path / "result.vtkhdf")
    back = ts.read_result(tmp_path / "result.vtkhdf")
    assert isinstance(back, SteadyResult)
    assert np.array_equal(back.field, steady.field, equal_nan=True)
    assert back.parts == steady.parts
    assert back.table() == steady.table()
    point = (2 * mm, 2 * mm, 1.1 * mm)
    assert back.at(*point) == steady.at(*point)
    assert back.face("logic", "top") == steady.face("logic", "top")


def test_plot_is_written(steady: SteadyResult, tmp_path: Path) -> None:
    steady.plot(tmp_path / "result.png")
    assert (tmp_path / "result.png").read_bytes().startswith(b"\x89PNG")


# -- solving ---------------------------------------------------------------------------------


def test_stages_are_reported_and_timed() -> None:
    reported: list[str] = []
    steady = solve_steady(two_dies(), progress=reported.append)
    assert list(dict.fromkeys(reported)) == STAGES
    assert list(steady.seconds) == STAGES
    assert all(seconds >= 0.0 for seconds in steady.seconds.values())
    assert steady.memory > 10**7
    reported.clear()
    solve_steady(discretize(two_dies(), cell=1 * mm), progress=reported.append, estimate=False)
    assert list(dict.fromkeys(reported)) == STAGES[1:-1]


def test_result_has_the_warnings_of_the_model() -> None:
    steady = solve_steady(slab(COPPER, bottom=FixedTemperature(700.0)))
    assert any("unusual ambient temperature" in warning for warning in steady.warnings)


def test_field_without_power_is_at_ambient() -> None:
    """Without power all temperatures equal the ambient to rounding, with zero errors and imbalance."""
    steady = solve_steady(
        slab(COPPER, 0.0, surroundings=Convection(10.0, 310.0), top=HeatSink(310.0, resistance=3.0))
    )
    assert steady.field == pytest.approx(np.full(steady.field.shape, 310.0), abs=1e-12)
    assert steady.heat_balance.heat_in == 0.0
    assert steady.heat_balance.relative == 0.0
    for part in steady.parts:
        assert (part.min, part.mean, part.max) == pytest.approx((310.0,) * 3, abs=1e-10)
        assert part.error == pytest.approx(0.0, abs=1e-10)
    assert "310" not in steady.table()  # degrees Celsius
    assert "36.85" in steady.table()


def test_heat_flows_between_two_ambients() -> None:
    """Convection (6 K/W) and copper (0.66 K/W) between 360 and 300 K: heat balances to the tolerance."""
    cooling = {"bottom": HeatSink(360.0, resistance=4.0), "top": HeatSink(300.0, resistance=2.0)}
    steady = solve_steady(slab(COPPER, 0.0, **cooling))
    passes = 60.0 / (6.0 + 1.1 * mm / (390.0 * 4e-6))
    assert steady.heat_balance.out == pytest.approx({"top": passes, "bottom": -passes}, rel=1e-7)
    assert steady.heat_balance.relative <= 1e-8
    assert 300.0 < steady.of("s").min < steady.of("s").max < 360.0
    assert steady.of("s.hot").max < steady.of("s.bulk").max


def test_large_imbalance_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady_module, "BALANCE_TOLERANCE", -1.0)
    with pytest.raises(ConvergenceError, match=r"heat balance is off by .* ask for a smaller residual"):
        solve_steady(slab(COPPER, **HELD))


def test_loose_residual_is_tightened_until_heat_balances() -> None:
    """Ambients 1 mK apart with large htc: little heat flows through, and the solver continues."""
    package = two_dies(bottom=Convection(1e6, 300.0), top=Convection(1e6, 300.001))
    cold = tuple(
        replace(stack, layers=tuple(replace(layer, power=None) for layer in stack.layers))
        for stack in package.stacks
    )
    reported: list[str] = []
    model = discretize(replace(package, stacks=cold), cell=0.5 * mm)
    steady = solve_steady(model, residual=1e-6, progress=reported.append)
    assert steady.heat_balance.relative <= 1e-6
    assert reported.count("solve") > 1


# -- conductivity of temperature -------------------------------------------------------------


def test_picard_iteration_converges_for_silicon() -> None:
    """Hotter than with k at 300 K, and within 2 % of the result with k at the mean temperature."""
    falling = Material("si", {"power_law": {"at_reference": 148.0, "exponent": 1.3}})
    steady = solve_steady(slab(falling, 40.0, **HELD))
    constant = solve_steady(slab(Material("si", 148.0), 40.0, **HELD))
    assert steady.peak.max > 1.02 * (constant.peak.max - 300.0) + 300.0
    assert steady.heat_balance.relative <= 1e-8
    mean = steady.of("s.bulk").mean
    settled = solve_steady(slab(Material("si", float(falling.conductivity_at(mean)[0])), 40.0, **HELD))
    assert steady.peak.max - 300.0 == pytest.approx(settled.peak.max - 300.0, rel=0.02)
    assert steady.warnings == ()


def test_both_methods_converge_to_the_same_temperature() -> None:
    falling = Material("si", {"power_law": {"at_reference": 148.0, "exponent": 1.3}})
    one, other = (
        solve_steady(slab(falling, 40.0, **HELD), method=method, estimate=False)
        for method in ("direct", "multigrid")
    )
    assert one.peak.max == pytest.approx(other.peak.max, abs=1e-4)
    assert (one.report.method, other.report.method) == ("direct", "multigrid")


def test_material_outside_its_range_warns() -> None:
    """One warning for the parts of a material outside its range, none inside."""
    table = {"table": {"temperature": [290.0, 350.0], "conductivity": [120.0, 100.0]}}
    known = Material("alloy", table)
    warm = solve_steady(slab(known, 100.0, **HELD))
    assert warm.of("s.hot").max > 350.0 > 290.0
    (hot,) = (warning for warning in warm.warnings if "W-RANGE" in warning)
    assert hot.startswith("s.hot: ")
    assert "is reached, alloy is known from" in hot
    assert "; s.bulk is outside too" in hot
    assert solve_steady(slab(known, 1.0, **HELD)).warnings == ()
    cold = solve_steady(slab(known, 0.0, bottom=FixedTemperature(250.0)))
    assert "-23.15 degC is reached" in cold.warnings[0]


def test_stalled_solver_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def stall(*_: object, **__: object) -> None:
        raise ConvergenceError("it stalls", (1.0, 0.9))

    monkeypatch.setattr(Solver, "solve", stall)
    with pytest.raises(ConvergenceError, match="it stalls") as caught:
        solve_steady(slab(COPPER, **HELD))
    assert caught.value.history == (1.0, 0.9)


@pytest.mark.parametrize("method", ["multigrid", "direct"])
def test_imbalance_is_relative_to_heat_that_enters_and_leaves_through_one_face(method: str) -> None:
    """The bottom is hot in the west and cold in the east: its net heat flow is rounding alone."""
    block = Stack("s", (4 * mm, 2 * mm), (Layer("cu", 1 * mm, COPPER),))
    halves = [
        ts.FaceCooling(FixedTemperature(t), region=ts.FaceRectangle((x, 0.0), (2 * mm, 2 * mm)))
        for t, x in ((400.0, 0.0), (300.0, 2 * mm))
    ]
    balance = solve_steady(
        discretize(Package("p", (block,), Cooling(bottom=halves)), cell=0.5 * mm), method=method
    ).heat_balance
    assert balance.through > 1.0
    assert balance.relative < 1e-8
    assert abs(balance.imbalance) == pytest.approx(balance.relative * balance.through)


@pytest.mark.parametrize("name", ["fcbga", "hbm3_8h"])
@pytest.mark.parametrize("bound", [0.5, "0.02 K", "10 %"])
def test_solver_error_is_kept(name: str, bound: float | str) -> None:
    model = ts.discretize(ts.read_package(name), cell=2e-3)
    strict = ts.solve_steady(model)
    loose = ts.solve_steady(model, solver_error=bound)
    kelvin = (
        0.1 * (strict.peak.error or 0.0) + 1e-4 if bound == "10 %" else float(str(bound).removesuffix(" K"))
    )
    for part in strict.parts:
        if part.power > 0.0:
            assert abs(loose.of(part.name).max - part.max) <= kelvin
    assert abs(loose.heat_balance.relative) < 1e-9
    assert "algebraic error" in loose.report.reason


@pytest.mark.parametrize(
    ("bound", "options"),
    [
        (0.0, {}),
        ("1 uK", {}),
        ("60 %", {}),
        ("0 %", {}),
        ("1 W", {}),
        ("50 degC", {}),
        ("0.1 K", {"method": "direct"}),
        ("10 %", {"estimate": False}),
    ],
)
def test_wrong_solver_error_is_refused(bound: float | str, options: dict[str, Any]) -> None:
    model = ts.discretize(ts.read_package("hbm3_8h"), cell=4e-3)
    with pytest.raises(ts.ArgumentError, match="solver_error"):
        ts.solve_steady(model, solver_error=bound, **options)


def test_a_residual_beside_a_solver_error_is_refused() -> None:
    model = ts.discretize(ts.read_package("hbm3_8h"), cell=4e-3)
    with pytest.raises(ts.ArgumentError, match="in place of the residual"):
        ts.solve_steady(model, solver_error="0.1 K", residual=1e-6)


@pytest.mark.parametrize("residual", [1e-2, 1e-4, 1e-5])
def test_heat_balance_of_a_loose_residual_is_closed(residual: float) -> None:
    model = ts.discretize(ts.read_package("fcbga"), cell=2e-3)
    strict, loose = (ts.solve_steady(model, residual=each, estimate=False) for each in (1e-8, residual))
    assert abs(loose.heat_balance.relative) < 1e-9
    assert loose.of("die").max == pytest.approx(strict.of("die").max, abs=0.5)


def test_report_states_the_solver_error() -> None:
    steady = ts.solve_steady(ts.discretize(ts.read_package("fcbga"), cell=4e-3), solver_error="0.05 K")
    strict = ts.solve_steady(steady.model)
    assert "algebraic error of at most" in as_text(solution_facts(steady, has_files=False), 120)
    assert "residual" in as_text(solution_facts(strict, has_files=False), 120)
