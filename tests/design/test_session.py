"""Sessions: the answers and errors of a new reading and a strict solve, after any sequence of changes."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import thermostack as ts
from thermostack.design.live_system import MAX_COEFFICIENT_CHANGE
from thermostack.mesh.model import Model

TOLERANCE = 0.05  # K


def changes_of_fcbga(rng: np.random.Generator) -> dict[str, Any]:
    """Return one random change of the package `fcbga`."""
    factor = float(rng.uniform(0.8, 1.25))
    x, y = 17.5 + rng.uniform(-0.5, 0.5, 2)
    choices: list[dict[str, Any]] = [
        {"stacks.die.layers.active.power": f"{10 * factor} W"},
        {"cooling.top.convection.h": f"{10 * factor} W/(m2 K)"},
        {"cooling.bottom.convection.ambient": f"{25 + 20 * rng.uniform(-1, 1)} degC"},
        {"stacks.die.layers.tim.material": str(rng.choice(["tim_gel", "tim_grease", "solder_bump"]))},
        {"stacks.die.layers.tim.interface": {"top": f"{factor} mm2 K/W"}},
        {"stacks.substrate.layers.laminate.thickness": f"{1.1 * factor} mm"},
        {"stacks.die.center": [f"{x} mm", f"{y} mm"]},
        {"stacks.die.rotate": int(rng.choice([0, 90, 180]))},
        {
            "stacks.die.layers.active.power": f"{10 * factor} W",
            "cooling.top.convection.h": f"{12 * factor} W/(m2 K)",
        },
    ]
    return choices[rng.integers(len(choices))]


def changes_of_cowos(rng: np.random.Generator) -> dict[str, Any]:
    """Return one random change of the package `cowos_s_h100`."""
    factor = float(rng.uniform(0.7, 1.4))
    choices: list[dict[str, Any]] = [
        {"stacks.gpu.layers.active.power.scale_to": f"{560 * factor} W"},
        {"stacks.hbm.west_1.layers.base.power": f"{8 * factor} W"},
        {"cooling.top.cold_plate.h": f"{25 * factor} kW/(m2 K)"},
        {"cooling.top.cold_plate.coolant": f"{40 * factor} degC"},
        {"stacks.tim.layers.sheet.thickness": f"{30 * factor} um"},
        {"stacks.tim.layers.sheet.material": str(rng.choice(["tim_pcm", "tim_grease", "solder_bump"]))},
        {"stacks.gpu.layers.bulk.material": str(rng.choice(["silicon", "silicon_carbide_4h"]))},
        {"stacks.hbm.west_1.at": [f"{0.45 + 0.1 * factor} mm", f"{13.5 + 0.2 * factor} mm"]},
    ]
    return choices[rng.integers(len(choices))]


def assert_equal_models(one: Model, other: Model) -> None:
    """Assert that two models have the same cells, parts, powers, boundary faces and warnings."""
    assert [part.name for part in one.parts] == [part.name for part in other.parts]
    assert [part.material for part in one.parts] == [part.material for part in other.parts]
    assert np.array_equal(one.part, other.part)
    assert one.blocks == other.blocks
    assert one.contacts == other.contacts
    assert one.warnings == other.warnings
    assert np.array_equal(one.power, other.power)
    for name, values in vars(one.boundary).items():
        assert np.array_equal(values, getattr(other.boundary, name)), name


@pytest.mark.parametrize(
    ("name", "cell", "change_of", "seed"),
    [("fcbga", 3e-3, changes_of_fcbga, seed) for seed in range(4)]
    + [("cowos_s_h100", 3e-3, changes_of_cowos, seed) for seed in range(4)],
)
def test_session_agrees_with_new_strict_solves(name: str, cell: float, change_of: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    session = ts.Session(name, cell=cell)
    for _ in range(7):
        session.set(change_of(rng))
        result = session.solve(TOLERANCE)
        package = ts.read_package(name, session.values)
        assert session.package == package
        new = ts.discretize(package, grid=session.model.grid)
        assert_equal_models(session.model, new)
        strict = ts.solve_steady(new, estimate=False)
        assert result.algebraic_error <= TOLERANCE
        for part in strict.parts:
            if part.power > 0.0:
                mine = result.of(part.name)
                assert abs(mine.max - part.max) <= result.algebraic_error + 1e-5
                assert abs(mine.mean - part.mean) <= result.algebraic_error + 1e-5
        assert abs(result.heat_balance.relative) < 1e-9


def test_grid_is_that_of_discretize_until_faces_move() -> None:
    session = ts.Session("fcbga", cell=3e-3)
    grid = ts.discretize(ts.read_package("fcbga"), cell=3e-3).grid
    session.set("stacks.die.layers.active.power", "12 W")
    assert all(np.array_equal(getattr(session.model.grid, axis), getattr(grid, axis)) for axis in "xyz")


def test_moved_grid_has_the_faces_of_the_package() -> None:
    session = ts.Session("fcbga", cell=3e-3)
    cells = session.model.grid.shape
    session.move("die", "17.8 mm", "17.3 mm")
    assert session.model.grid.shape == cells
    sides = [box for box in session.model.geometry.boxes if session.model.parts[box.part].name == "die.bulk"]
    for box in sides:
        assert np.abs(session.model.grid.x - box.low[0]).min() < 1e-12
        assert np.abs(session.model.grid.x - box.high[0]).min() < 1e-12
    assert session.solve().of("die").max > 300.0


def test_cells_are_chosen_again_after_a_large_change() -> None:
    session = ts.Session("fcbga")
    session.solve()
    session.set("cooling.top.convection.h", f"{11.0 * MAX_COEFFICIENT_CHANGE} W/(m2 K)")
    expected = ts.discretize(session.package).grid
    assert all(np.array_equal(getattr(session.model.grid, axis), getattr(expected, axis)) for axis in "xyz")
    session.set("stacks.substrate.layers.laminate.thickness", "3 mm")
    expected = ts.discretize(session.package).grid
    assert all(np.array_equal(getattr(session.model.grid, axis), getattr(expected, axis)) for axis in "xyz")
    strict = ts.solve_steady(session.model, estimate=False)
    assert session.solve(0.01).of("die").max == pytest.approx(strict.of("die").max, abs=0.01)


@pytest.mark.parametrize(
    "values",
    [
        {"stacks.die.layers.active.power": "10 kg"},
        {"stacks.die.layers.activ.power": "10 W"},
        {"stacks.die.size": ["50 mm", "50 mm"]},
        {"cooling.top.convection.h": "-1 W/(m2 K)"},
        {"stacks.die.layers.tim.material": "unobtainium"},
    ],
)
def test_errors_are_those_of_reading_and_change_nothing(values: dict[str, Any]) -> None:
    session = ts.Session("fcbga", cell=4e-3)
    session.set("stacks.die.layers.active.power", "11 W")
    before = session.solve(0.01).of("die").max
    with pytest.raises(ts.DescriptionError) as expected:
        ts.read_package("fcbga", {**session.values, **values})
    with pytest.raises(ts.DescriptionError) as found:
        session.set(values)
    assert str(found.value) == str(expected.value)
    assert session.values == {"stacks.die.layers.active.power": "11 W"}
    assert session.solve(0.01).of("die").max == pytest.approx(before, abs=0.02)


def test_package_without_fixed_temperature_is_refused() -> None:
    session = ts.Session("fcbga", cell=4e-3)
    none = {"adiabatic": {}}
    session.set(
        {"cooling.top": none, "cooling.bottom": none, "cooling.surroundings": none, "cooling.isolated": True}
    )
    with pytest.raises(ts.DescriptionError, match="isolated"):
        session.solve()


@pytest.mark.parametrize("tolerance", [0.0, 1e-5, -1.0, "3 W", float("nan"), True])
def test_wrong_tolerance_is_an_error(tolerance: Any) -> None:
    session = ts.Session("hbm3_8h", cell=4e-3)
    with pytest.raises(ts.ArgumentError, match="tolerance"):
        session.solve(tolerance)


def test_unknown_stack_is_an_error() -> None:
    session = ts.Session("fcbga", cell=4e-3)
    with pytest.raises(ts.DescriptionError, match="did you mean die"):
        session.move("dye", 0.0, 0.0)
    with pytest.raises(ts.DescriptionError, match="did you mean die"):
        session.rotate("dye", 90)
    with pytest.raises(ts.ArgumentError, match="x"):
        session.move("die", [1.0], 0.0)  # type: ignore[arg-type]


def test_session_of_a_package_object_is_that_of_its_file() -> None:
    of_file, of_object = ts.Session("hbm3_8h", cell=3e-3), ts.Session(ts.read_package("hbm3_8h"), cell=3e-3)
    for session in (of_file, of_object):
        session.set("cooling.top.h", "3 kW/(m2 K)")
    assert of_object.package == of_file.package
    assert of_object.solve(0.01).peak.max == pytest.approx(of_file.solve(0.01).peak.max, abs=0.02)


def test_reset_removes_values() -> None:
    session = ts.Session("fcbga", {"stacks.die.layers.active.power": "12 W"}, cell=4e-3)
    warm = session.solve(0.01).of("die").max
    session.reset()
    assert session.values == {}
    assert session.package == ts.read_package("fcbga")
    assert session.solve(0.01).of("die").max < warm
    session.reset({"stacks.die.layers.active.power": "12 W"})
    assert session.solve(0.01).of("die").max == pytest.approx(warm, abs=0.02)


LATER_CHANGES = [
    {"stacks.die.active.power": "90 W"},
    {"cooling.top.h": "14 W/(m2 K)"},
    {"stacks.die.tim.material": "solder_bump"},
    {"stacks.substrate.laminate.thickness": "1.3 mm"},
]


@pytest.mark.parametrize("later", LATER_CHANGES)
def test_result_is_independent_of_later_changes(later: dict[str, Any]) -> None:
    """Also of a result whose parts were not read before the change."""
    session, other = (ts.Session("fcbga", cell=4e-3) for _ in range(2))
    first, read = session.solve(1e-3), other.solve(1e-3)
    expected = {part.name: (part.min, part.mean, part.max) for part in read.parts}
    field = first.field.copy()
    session.set(later)
    session.solve(1e-3)
    assert np.array_equal(first.field, field, equal_nan=True)
    assert first.warnings == read.warnings
    for part in first.parts:
        assert (part.min, part.mean, part.max) == pytest.approx(expected[part.name], abs=1e-3)


def test_results_of_many_cases_are_those_of_their_own_powers() -> None:
    """Materials depend on temperature, and the powers are far apart."""
    session = ts.Session("fcbga", cell=4e-3)
    cases = [{"stacks.die.active.power": power} for power in ("60 W", "1 W", "30 W")]
    for case, result in zip(cases, session.solve_many(cases, 1e-3), strict=True):
        model = ts.discretize(ts.read_package("fcbga", case), grid=session.model.grid)
        strict = ts.solve_steady(model, estimate=False)
        for mine, part in zip(result.parts, strict.parts, strict=True):
            assert (mine.min, mine.mean, mine.max) == pytest.approx((part.min, part.mean, part.max), abs=5e-3)


def test_warnings_about_coolers_follow_the_coefficients() -> None:
    session = ts.Session("fcbga", cell=4e-3)
    session.solve()
    for value in ("14 W/(m2 K)", "20 W/(m2 K)", "5 W/(m2 K)"):
        session.set("cooling.surroundings.h", value)
        new = ts.discretize(ts.read_package("fcbga", session.values), grid=session.model.grid)
        assert session.model.warnings == new.warnings


def test_result_is_a_steady_result(tmp_path: Any) -> None:
    result = ts.Session("hbm3_8h", cell=3e-3).solve()
    assert isinstance(result, ts.SteadyResult)
    assert "base_active" in result.table(all_parts=True)
    result.save(tmp_path / "result.vtkhdf")
    again = ts.read_result(tmp_path / "result.vtkhdf")
    assert again.peak.max == pytest.approx(result.peak.max, abs=1e-6)
    copied = pickle.loads(pickle.dumps(result))
    assert copied.peak == result.peak
    assert copied.algebraic_error == result.algebraic_error


@pytest.mark.parametrize("name", ["mfit_16", "fcbga"])
def test_many_cases_agree_with_single_ones(name: str) -> None:
    """The materials of the first package are constant, so that its cases are solved in pairs."""
    session = ts.Session(name, cell=3e-3)
    assert session.model.is_linear == (name == "mfit_16")
    layer = "stacks.chiplet.c0r0.layers.die" if name == "mfit_16" else "stacks.die.layers.active"
    face = session.package.cooling.top[0]
    path = f"cooling.top.{'ambient' if hasattr(face.cooler, 'ambient') else 'coolant'}"
    cases = [
        {f"{layer}.power": "3 W"},
        {f"{layer}.power": "5 W"},
        {f"{layer}.power": "0.5 W"},
        {f"{layer}.power": "0.5 W", path: "30 degC"},
        {f"{layer}.power": "4 W", path: "30 degC"},
    ]
    session.solve(0.02)
    together = session.solve_many(cases, tolerance=0.02)
    assert session.values == {}
    assert len(together) == len(cases)
    for case, result in zip(cases, together, strict=True):
        package = ts.read_package(name, case)
        assert result.package == package
        strict = ts.solve_steady(ts.discretize(package, grid=session.model.grid), estimate=False)
        for part in strict.parts:
            if part.power > 0.0:
                assert abs(result.of(part.name).max - part.max) <= 0.02
        assert result.heat_balance.heat_in == pytest.approx(package.power)
        assert abs(result.heat_balance.relative) < 1e-9


def test_error_in_one_of_many_cases_keeps_the_values() -> None:
    session = ts.Session("fcbga", {"stacks.die.layers.active.power": "9 W"}, cell=4e-3)
    with pytest.raises(ts.DescriptionError, match="kg"):
        session.solve_many([{"cooling.top.h": "11 W/(m2 K)"}, {"cooling.top.h": "11 kg"}])
    with pytest.raises(ts.ArgumentError, match="cases"):
        session.solve_many(["cooling.top.h"])  # type: ignore[list-item]
    assert session.values == {"stacks.die.layers.active.power": "9 W"}
    assert session.package == ts.read_package("fcbga", session.values)
    assert session.solve_many([]) == []
