"""Analysis of tables: kinds of designs, Sobol indices of functions with known ones, and Pareto fronts."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sweep_tables import SALTELLI, UNIT, Function, study_of, table_of

import thermostack as ts
from thermostack.sweeps.report_page import report_page
from thermostack.sweeps.sensitivity import (
    find_saltelli,
    find_tornado,
    pareto_front,
    sobol_indices,
    sorted_bars,
    worst_cases,
)


def test_a_tornado_is_recognised_and_the_widest_bar_is_first() -> None:
    axes = {name: {"nominal": 1, "tolerance": 0.5} for name in "abc"}
    result = table_of(study_of(axes, "tornado"), {"f": lambda a, b, c: a + 5 * b - 2 * c})
    bars = find_tornado(result)
    assert [bar.inputs for bar in bars] == [("a",), ("b",), ("c",)]
    assert [bar.inputs[0] for bar in sorted_bars(result, bars, "f")] == ["b", "c", "a"]
    assert find_saltelli(result) is None


def test_zipped_axes_are_one_bar_of_a_tornado() -> None:
    axes = {name: {"nominal": 1, "tolerance": 0.5, "zip": "z"} for name in "ab"}
    axes["c"] = {"nominal": 1, "tolerance": 0.5}
    result = table_of(study_of(axes, "tornado"), {"f": lambda a, b, c: a + b + c})
    assert [bar.inputs for bar in find_tornado(result)] == [("a", "b"), ("c",)]


def test_a_bar_of_a_list_has_its_smallest_and_its_largest_output() -> None:
    axes = {"m": ["p", "q", "r", "s"], "a": {"nominal": 1, "tolerance": 0.5}, "b": ["u", "v"]}
    values = {"p": 3.0, "q": 9.0, "r": np.nan, "s": -2.0, "u": 0.0, "v": 1.0}

    def output(m: Any, a: Any, b: Any) -> Any:
        return np.array([values[each] for each in m]) + a + np.array([values[each] for each in b])

    result = table_of(study_of(axes, "tornado"), {"f": output})
    bars = find_tornado(result)
    assert [(bar.inputs, bar.rows) for bar in bars] == [(("m",), (1, 2, 3)), (("a",), (4, 5)), (("b",), (6,))]
    assert [bar.rows for bar in sorted_bars(result, bars, "f")] == [(3, 1), (4, 5), (6,)]
    page = report_page(result, "t")
    assert page.count('class="bar b0"') == 3 + 1
    assert page.count('class="bar b1"') == 2 + 1


@pytest.mark.parametrize(
    ("axes", "design"),
    [
        ({"a": [1, 2, 3]}, "grid"),
        ({"a": [1, 2, 3], "b": [1, 2, 3]}, "grid"),
        ({"a": UNIT, "b": UNIT}, {"latin_hypercube": {"cases": 15, "seed": 1}}),
        ({"a": UNIT, "b": UNIT}, {"sobol": {"cases": 16, "seed": 1}}),
    ],
)
def test_other_designs_are_neither(axes: Any, design: Any) -> None:
    result = table_of(study_of(axes, design), {"f": lambda *columns: columns[0]})
    if result.column("a").tolist() == [1.0, 2.0, 3.0]:  # three values are also a tornado about the first
        assert len(find_tornado(result)) == 1
    else:
        assert find_tornado(result) == []
    assert find_saltelli(result) is None


@pytest.mark.parametrize("second_order", [False, True])
def test_a_saltelli_design_is_recognised(second_order: bool) -> None:
    design = {"saltelli": {**SALTELLI, "second_order": second_order}}
    result = table_of(study_of({"a": UNIT, "b": UNIT, "c": UNIT}, design), {"f": lambda a, b, c: a})
    found = find_saltelli(result)
    assert found is not None
    assert (found.samples, found.second_order) == (256, second_order)


def test_indices_of_a_sum_are_shares_of_its_variance() -> None:
    pytest.importorskip("SALib", reason="the extra thermostack[sweep] is not installed")
    axes = {"a": UNIT, "b": {"mean": 0, "deviation": 0.5}, "c": UNIT}
    result = table_of(study_of(axes, {"saltelli": SALTELLI}), {"f": lambda a, b, c: 2 * a + b + 0 * c})
    design = find_saltelli(result)
    assert design is not None
    indices = sobol_indices(result, design, "f")
    assert indices is not None
    variances = np.array([4.0 / 12.0, 0.25, 0.0])
    shares = variances / variances.sum()
    np.testing.assert_allclose(indices.total, shares, atol=0.03)
    np.testing.assert_allclose(indices.first, shares, atol=0.12)
    assert (np.abs(indices.first - shares) <= 1.5 * indices.first_confidence + 1e-12).all()


def test_indices_of_a_product_have_interactions() -> None:
    """Of (a - 1/2)(b - 1/2) each first index is 0 and each total index is 1."""
    pytest.importorskip("SALib", reason="the extra thermostack[sweep] is not installed")
    product: Function = lambda a, b: (a - 0.5) * (b - 0.5)  # noqa: E731 - short
    result = table_of(study_of({"a": UNIT, "b": UNIT}, {"saltelli": SALTELLI}), {"f": product})
    design = find_saltelli(result)
    assert design is not None
    indices = sobol_indices(result, design, "f")
    assert indices is not None
    np.testing.assert_allclose(indices.first, 0.0, atol=0.15)
    np.testing.assert_allclose(indices.total, 1.0, atol=0.2)


def test_samples_with_a_failed_case_are_left_out() -> None:
    pytest.importorskip("SALib", reason="the extra thermostack[sweep] is not installed")
    result = table_of(study_of({"a": UNIT, "b": UNIT}, {"saltelli": SALTELLI}), {"f": lambda a, b: a + b})
    result.column("f")[[3, 9]] = np.nan
    design = find_saltelli(result)
    assert design is not None
    indices = sobol_indices(result, design, "f")
    assert indices is not None
    assert indices.samples == 254
    result.column("f")[:] = 1.0
    assert sobol_indices(result, design, "f") is None


def test_indices_without_salib_tell_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    result = table_of(study_of({"a": UNIT, "b": UNIT}, {"saltelli": SALTELLI}), {"f": lambda a, b: a})
    design = find_saltelli(result)
    assert design is not None
    monkeypatch.setitem(sys.modules, "SALib.analyze", None)
    with pytest.raises(ts.ThermostackError, match=r'pip install "thermostack\[sweep\]"'):
        sobol_indices(result, design, "f")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_the_pareto_front_is_that_of_all_pairs(points: list[tuple[int, int]]) -> None:
    x, y = (np.array([point[n] for point in points], dtype=float) for n in (0, 1))
    front = {
        n
        for n, (a, b) in enumerate(points)
        if not any((c <= a and d <= b) and (c < a or d < b) for c, d in points)
    }
    assert set(pareto_front(x, y).tolist()) == front


def test_unknown_values_are_on_no_front() -> None:
    assert pareto_front(np.array([1.0, np.nan, 0.5]), np.array([1.0, 0.0, np.nan])).tolist() == [0]


def test_worst_cases_have_the_smallest_margins_and_the_largest_other_values() -> None:
    functions: dict[str, Function] = {"peak": lambda a: a, "margin": lambda a: 10.0 - a}
    result = table_of(study_of({"a": [1, 5, 3]}, "grid"), functions)
    assert worst_cases(result, "peak", 2).tolist() == [1, 2]
    assert worst_cases(result, "margin", 2).tolist() == [1, 2]
    assert worst_cases(result, "message", 2).size == 0
