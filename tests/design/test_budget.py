"""The power budget: closed-form optima, prices against differences, full solves at the optimum, errors."""

from __future__ import annotations

import numpy as np
import pytest
from support.two_dies import two_die_model

import thermostack as ts
from thermostack.design.budget_programme import Candidates, Programme, maximize_power
from thermostack.errors import ArgumentError, UnknownNameError


@pytest.fixture(scope="module")
def dies() -> ts.InfluenceMatrix:
    """Two equal dies with a limit of 360 K at an ambient of 300 K."""
    return ts.influence(two_die_model())


def rise_of_means(matrix: ts.InfluenceMatrix) -> np.ndarray:
    """Return the resistances of the means of the two heated layers [K/W], (2, 2)."""
    rows = [matrix.outputs.index(f"{name}.active") for name in ("west", "east")]
    return matrix.resistance[rows]


def test_two_equal_dies_share_the_budget(dies: ts.InfluenceMatrix) -> None:
    budget = ts.power_budget(dies, kind="mean", limits={"west.active": 360.0, "east.active": 360.0})
    r = rise_of_means(dies)
    each = 60.0 / (r[0, 0] + r[0, 1])
    assert budget.powers["west"] == pytest.approx(each, rel=1e-6)
    assert budget.powers["east"] == pytest.approx(each, rel=1e-6)
    assert budget.total == pytest.approx(2.0 * each, rel=1e-6)
    assert [limit.price for limit in budget.binding] == pytest.approx([1.0 / r[0].sum()] * 2, rel=1e-5)
    own = budget.binding[0].name.split(".")[0]
    assert budget.binding[0].resistance[own] == pytest.approx(r[0, 0], rel=1e-5)


def test_a_heavy_weight_gives_all_power_to_one_die(dies: ts.InfluenceMatrix) -> None:
    budget = ts.power_budget(dies, kind="mean", limits={"west.active": 360.0}, weights={"west": 2.0})
    r = rise_of_means(dies)[0]
    # Per kelvin of the limit, the west die yields 2 / r_ww, the east die 1 / r_we.
    assert 2.0 / r[0] > 1.0 / r[1]
    assert budget.powers == pytest.approx({"west": 60.0 / r[0], "east": 0.0})
    assert budget.bounds["east"] == pytest.approx(1.0 - 2.0 * r[1] / r[0], rel=1e-5)


@pytest.mark.parametrize("kind", ["peak", "mean"])
def test_prices_are_the_change_of_the_budget_per_kelvin(dies: ts.InfluenceMatrix, kind: str) -> None:
    limits = {"west.active": 355.0, "east.active": 362.0}
    budget = ts.power_budget(dies, limits, kind=kind, verify=False)
    assert len(budget.binding) == 2
    for each in budget.binding:
        warmer = ts.power_budget(dies, {**limits, each.name: each.limit + 0.1}, kind=kind, verify=False)
        assert (warmer.total - budget.total) / 0.1 == pytest.approx(each.price, rel=1e-3)


def test_ratios_and_fixed_powers_give_one_free_power(dies: ts.InfluenceMatrix) -> None:
    budget = ts.power_budget(dies, ratios={"both": {"west": 3.0, "east": 1.0}}, kind="mean")
    west, east = budget.source_power
    assert west == pytest.approx(3.0 * east)
    fixed = ts.power_budget(dies, fixed={"east": "0.5 W"}, kind="mean")
    assert list(fixed.powers) == ["west"]
    assert fixed.source_power[1] == pytest.approx(0.5)
    assert min(fixed.margins.values()) == pytest.approx(0.0, abs=0.05)


def test_bounds_of_powers_hold(dies: ts.InfluenceMatrix) -> None:
    budget = ts.power_budget(dies, min_power={"east": "0.2 W"}, max_power={"west": 0.4, "east": 0.6})
    assert budget.powers == pytest.approx({"west": 0.4, "east": 0.6})
    assert not budget.binding
    assert budget.bounds == pytest.approx({"west": 1.0, "east": 1.0})


def test_a_full_solve_at_the_optimum_reaches_the_limits_with_variable_conductivity() -> None:
    model = ts.discretize(ts.read_package("cowos_s_h100"), cell="4 mm")
    matrix = ts.influence(model, sources="stacks", check=False)
    budget = ts.power_budget(matrix)
    assert budget.is_verified
    steady = ts.solve_steady(matrix.columns.powered_model(model, budget.source_power), estimate=False)
    margins = {part.name: part.margin for part in steady.parts if part.margin is not None}
    assert min(margins.values()) > -0.05
    assert {each.name for each in budget.binding} <= {name for name, gap in margins.items() if gap < 0.05}
    assert budget.total > 660.0
    assert budget.rows < budget.candidates


def test_a_matrix_of_a_file_gives_a_budget_without_a_full_solve(
    dies: ts.InfluenceMatrix, tmp_path: object
) -> None:
    dies.save(f"{tmp_path}/dies.npz")
    budget = ts.power_budget(ts.read_influence(f"{tmp_path}/dies.npz"))
    assert budget.error is None
    assert not budget.is_verified
    assert "no full solve" in budget.check
    assert budget.total == pytest.approx(ts.power_budget(dies).total, rel=1e-4)


def test_rows_are_added_until_no_point_is_exceeded() -> None:
    draw = np.random.default_rng(5)
    rise = draw.uniform(0.1, 1.0, (400, 6))
    points = Candidates(
        ("a", "b"), np.array([50.0, 60.0]), np.repeat([0, 1], 200), np.arange(400), np.zeros(400), rise
    )
    names = tuple("uvwxyz")
    programme = Programme(names, np.ones(6), np.zeros(6), np.full(6, np.inf))
    optimum = maximize_power(programme, points, np.zeros(2))
    from scipy.optimize import linprog

    full = linprog(-np.ones(6), A_ub=rise, b_ub=points.limits[points.group], method="highs")
    assert optimum.power.sum() == pytest.approx(-full.fun, rel=1e-6)
    assert optimum.rows < 100


def test_a_package_without_limits_is_refused() -> None:
    matrix = ts.influence(two_die_model(limit=None))
    with pytest.raises(ArgumentError, match=r"no part has a temperature limit .*E-MISSING"):
        ts.power_budget(matrix)


def test_a_limit_that_fixed_powers_exceed_is_named(dies: ts.InfluenceMatrix) -> None:
    with pytest.raises(ArgumentError, match=r"east\.\w+ reaches .* above its limit .*E-LIMIT"):
        ts.power_budget(dies, fixed={"east": "20 W"})


def test_a_power_without_bound_is_named() -> None:
    points = Candidates(
        ("a",), np.array([1.0]), np.zeros(1, int), np.zeros(1, int), np.zeros(1), np.eye(1, 2)
    )
    programme = Programme(("die", "far"), np.ones(2), np.zeros(2), np.full(2, np.inf))
    with pytest.raises(ArgumentError, match=r"no limit bounds the power of far .*E-LIMIT"):
        maximize_power(programme, points, np.zeros(1))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"limits": {"gpu": 350.0}}, UnknownNameError, "gpu"),
        ({"limits": {"west": "90"}}, ArgumentError, "limits.west"),
        ({"weights": {"gpu": 1.0}}, UnknownNameError, "no free power is named 'gpu'"),
        ({"fixed": {"west": 1.0, "east": 1.0}}, ArgumentError, "all sources are fixed"),
        ({"min_power": 2.0, "max_power": 1.0}, ArgumentError, "maximum below its minimum"),
        ({"kind": "median"}, ArgumentError, "not a kind of limit"),
        ({"ratios": "cells"}, ArgumentError, "not a level"),
        ({"ratios": {"a": "west", "b": ["west", "east"]}}, ArgumentError, "share the source"),
        ({"max_power": {"gpu": 1.0}}, UnknownNameError, "no free power is named 'gpu'"),
    ],
)
def test_a_wrong_argument_names_its_remedy(
    dies: ts.InfluenceMatrix, options: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        ts.power_budget(dies, **options)  # type: ignore[arg-type]
