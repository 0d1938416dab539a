"""Curves of a run are those of its members, and what is told of them adds up."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_result import small_model
from support.small_run import Run, small_run

from thermostack.report.history_table import history_table, throttling_table
from thermostack.report.table_layout import as_text
from thermostack.results.history import (
    group_stacks,
    history_of,
    time_above,
)
from thermostack.results.names import with_stacks
from thermostack.results.throttling_log import ThrottlingLog

CELSIUS = 273.15


@pytest.fixture(scope="module")
def run() -> Run:
    return small_run(small_model())


def text_of(run: Any, width: int = 132, **options: Any) -> str:
    return as_text(history_table(run, width, **options), width)


def row_of(text: str, name: str) -> list[str]:
    """Return the cells of the row that begins with a name."""
    return next(line for line in text.splitlines() if line.split()[:1] == [name]).split()


# -- curves ----------------------------------------------------------------------------------------


def test_the_curve_of_a_stack_is_the_greatest_of_its_parts(run: Any) -> None:
    curve = history_of(run, "logic")
    members = [n for n, name in enumerate(run.names) if name in ("logic.active", "logic.bulk")]
    assert len(members) == 2
    assert np.array_equal(curve.peak, run.max[:, members].max(axis=1))
    assert np.array_equal(curve.power, run.power[:, members].sum(axis=1))
    assert curve.limit == 360.0
    assert curve.power[0] == pytest.approx(40.0)


def test_a_block_has_a_curve_and_the_limit_of_its_part(run: Any) -> None:
    curve = history_of(run, "logic.active.core")
    assert curve.power[0] == pytest.approx(25.0)
    assert curve.limit == 360.0


def test_of_several_limits_the_least_counts(run: Any) -> None:
    limits = {"logic.active": 350.0, "logic.bulk": 380.0}
    parts = [replace(part, limit=limits.get(part.name)) for part in run.model.parts]
    model = SimpleNamespace(parts=parts, blocks=run.model.blocks, volume_of_parts=run.model.volume_of_parts)
    mixed: Any = replace(run, model=model)
    assert history_of(mixed, "logic").limit == 350.0
    assert history_of(mixed, "logic.bulk").limit == 380.0
    assert history_of(mixed, "memory").limit is None


def test_blocks_are_not_counted_twice(run: Any) -> None:
    total = sum(family.power[0] for family in group_stacks(run))
    assert total == pytest.approx(run.model.total_power)


def test_an_unknown_name_is_answered_with_the_nearest(run: Any) -> None:
    with pytest.raises(KeyError, match="did you mean logic"):
        history_of(run, "logc")


def test_parts_without_cells_are_left_out(run: Any) -> None:
    member = run.names.index("logic.bulk")
    maximum = run.max.copy()
    maximum[:, member] = -np.inf
    odd: Any = replace(run, max=maximum)
    assert np.array_equal(history_of(odd, "logic").peak, run.max[:, run.names.index("logic.active")])
    with pytest.raises(KeyError):
        history_of(odd, "logic.bulk")


def test_names_are_those_of_parts_blocks_and_stacks(run: Any) -> None:
    names = with_stacks(run.names)
    assert {"logic", "logic.active", "logic.active.core", "interposer"} <= set(names)
    assert len(names) == len(set(names))


def test_stacks_that_neither_heat_nor_have_a_limit_stay_out_of_the_picture(run: Any) -> None:
    assert [family.name for family in group_stacks(run)] == ["logic", "memory"]
    assert [family.name for family in group_stacks(run, ["interposer", "logic.bulk"])] == [
        "interposer",
        "logic.bulk",
    ]


def test_copies_are_a_family(run: Any) -> None:
    def named(name: str) -> str:
        return f"die.{name}" if name.split(".")[0] in ("logic", "memory") else name

    drawn = run.model
    stacks = [SimpleNamespace(name=named(stack.name)) for stack in drawn.package.stacks]
    model = SimpleNamespace(
        parts=[replace(part, name=named(part.name)) for part in drawn.parts],
        blocks=drawn.blocks,
        volume_of_parts=drawn.volume_of_parts,
        package=SimpleNamespace(stacks=stacks),
    )
    copied: Any = replace(run, model=model, names=tuple(map(named, run.names)))
    (family,) = group_stacks(copied)
    assert family.label == "die, 2 stacks"
    both = [history_of(copied, name).peak for name in ("die.logic", "die.memory")]
    assert np.array_equal(family.max, np.max(both, axis=0))
    assert np.array_equal(family.min, np.min(both, axis=0))
    assert family.power[0] == pytest.approx(45.0)
    assert family.limit == 360.0


# -- time above a limit ----------------------------------------------------------------------------


def test_the_time_above_a_limit_is_that_of_straight_lines() -> None:
    time = np.array([0.0, 1.0, 3.0, 4.0])
    values = np.array([0.0, 2.0, 2.0, 0.0])
    assert time_above(time, values, 1.0) == pytest.approx(0.5 + 2.0 + 0.5)
    assert time_above(time, values, 2.0) == 0.0
    assert time_above(time, values, 1.999) == pytest.approx(2.0, abs=2e-3)
    assert time_above(time, values, -1.0) == 4.0
    assert time_above(time, values, 3.0) == 0.0


@given(st.lists(st.floats(0.0, 10.0), min_size=2, max_size=30), st.floats(-1.0, 11.0))
def test_time_above_and_time_below_are_all_time(values: list[float], limit: float) -> None:
    time = np.arange(len(values), dtype=float)
    curve = np.array(values)
    above, below = time_above(time, curve, limit), time_above(time, -curve, -limit)
    even = float(np.sum((curve[1:] == limit) & (curve[:-1] == limit)))
    assert above + below + even == pytest.approx(time[-1], abs=1e-9)


# -- tables ------------------------------------------------------------------------------------------


def test_a_row_tells_peak_time_end_and_margin(run: Any) -> None:
    curve = history_of(run, "logic")
    cells = row_of(text_of(run), "logic")
    assert cells[1] == "30.000"  # 40 W for one half of the time, 20 W for the other
    assert cells[3] == f"{curve.hottest - CELSIUS:.2f}"
    assert f"{360.0 - curve.hottest:.1f}" in cells
    assert "never" in cells


def test_time_above_the_limit_is_told(run: Any) -> None:
    curve = history_of(run, "logic")
    hot: Any = replace(run, max=run.max + (365.0 - curve.hottest))
    line = " ".join(row_of(text_of(hot), "logic"))
    assert "never" not in line
    assert "-5.0" in line


@pytest.mark.parametrize("width", [60, 80, 100, 132])
def test_a_table_fits_its_width(run: Any, width: int) -> None:
    throttled = ThrottlingLog("logic", ("logic",), ("full", "half"), (1.0, 0.5), 0.0, 2.0, (0.0, 1.0), (0, 1))
    lines = text_of(replace(run, throttling=(throttled,)), width).splitlines()
    assert max(map(len, lines)) <= width
    assert any("peak" in line for line in lines)


def test_of_many_blocks_the_hottest_are_shown(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thermostack.report.table_layout.MAX_LISTED_BLOCKS", 1)
    text = text_of(run)
    hottest, other = sorted(
        ("core", "io"), key=lambda name: history_of(run, f"logic.active.{name}").hottest, reverse=True
    )
    assert row_of(text, f"active.{hottest}")
    assert f"active.{other}" not in text
    assert "7 parts and blocks are not listed" in text


def test_all_parts_lists_each_part_before_its_blocks(run: Any) -> None:
    rows = [line.split()[0] for line in text_of(run, all_parts=True).splitlines()[2:] if line]
    assert rows == "interposer filler silicon logic active core io bulk memory active bulk".split()


def test_only_what_is_asked_for_is_listed(run: Any) -> None:
    text = text_of(run, names=["memory", "logic.active.io"])
    assert row_of(text, "memory")
    assert row_of(text, "logic.active.io")
    assert "interposer" not in text


def test_the_account_of_the_controllers_stands_below(run: Any) -> None:
    accounts = (
        ThrottlingLog(
            "logic", ("logic",), ("full", "half"), (1.0, 0.6), 0.0, 2.0, (0.0, 0.5, 1.0), (0, 1, 0)
        ),
        ThrottlingLog("rule", ("memory",), ("free", "held"), (1.0, None), 0.0, 2.0, (0.0, 1.5), (0, 1)),
        ThrottlingLog("idle", ("memory",), ("free", "held"), (1.0, 0.5), 0.0, 2.0, (0.0,), (0,)),
    )
    text = as_text(throttling_table(accounts), 120)
    assert row_of(text, "logic") == "logic 500 ms 500 ms 25.0 % 2 10.0 % full 75.0 %, half 25.0 %".split()
    assert row_of(text, "rule")[-8:] == "1 ? free 75.0 %, held 25.0 %".split()
    assert row_of(text, "idle") == "idle never 0 0.0 % free 100.0 %".split()
    assert text in text_of(replace(run, throttling=accounts), 120)
