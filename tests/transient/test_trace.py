"""Traces: what they say at any time, where they jump, and what is refused."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack import DescriptionError, Trace
from thermostack.transient.trace import After, Kind
from thermostack.units import ms


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(DescriptionError) as caught:
        Trace.of(*args, **kwargs)
    return str(caught.value)


def ramp(**more: Any) -> Trace:
    """Return 0 to 10 W in 2 s, a jump to 30 W, and down to 20 W in 2 s."""
    return Trace.of([0.0, 2.0, 2.0, 4.0], {"gpu": [0.0, 10.0, 30.0, 20.0]}, kind="linear", **more)


def stairs(**more: Any) -> Trace:
    return Trace.of([0.0, 1.0, 3.0], {"gpu": [5.0, 7.0, 5.0]}, **more)


def breaks_of(trace: Trace, until: float, since: float = 0.0) -> list[float]:
    """Return the breaks of a trace from one time to another."""
    found = [trace.next_event(since)]
    while found[-1] <= until:
        found.append(trace.next_event(found[-1]))
    return found[:-1]


# -- at a time -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("t", "value", "value_before"),
    [(0.0, 5.0, 5.0), (0.5, 5.0, 5.0), (1.0, 7.0, 5.0), (2.9, 7.0, 7.0), (3.0, 5.0, 7.0), (99.0, 5.0, 5.0)],
)
def test_a_step_holds_until_the_next(t: float, value: float, value_before: float) -> None:
    trace = stairs(after="hold")
    assert trace.at(t).tolist() == [value]
    assert trace.at(t, before=True).tolist() == [value_before]


@pytest.mark.parametrize(
    ("t", "value", "value_before"),
    [(0.0, 0.0, 0.0), (0.5, 2.5, 2.5), (2.0, 30.0, 10.0), (3.0, 25.0, 25.0), (4.0, 20.0, 20.0),
     (9.0, 20.0, 20.0)],
)  # fmt: skip
def test_lines_are_straight_between_rows_and_jump_where_two_share_a_time(
    t: float, value: float, value_before: float
) -> None:
    trace = ramp(after="hold")
    assert trace.at(t).tolist() == [value]
    assert trace.at(t, before=True).tolist() == [value_before]


def test_several_columns_keep_their_order() -> None:
    trace = Trace.of([0.0, 1.0], {"b": [1.0, 3.0], "a": [10.0, 20.0]}, kind="linear")
    assert trace.names == ("b", "a")
    assert trace.at(0.5).tolist() == [2.0, 15.0]


def test_what_is_handed_out_is_not_the_trace_itself() -> None:
    times = np.array([0.0, 1.0])
    trace = Trace.of(times, {"gpu": [1.0, 2.0]})
    times[0] = 99.0
    trace.at(0.5)[0] = 99.0
    assert trace.at(0.5).tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        trace.values[0] = 99.0


def test_a_trace_says_nothing_beyond_its_ends() -> None:
    trace = stairs()
    assert trace.at(3.0).tolist() == [5.0]
    with pytest.raises(DescriptionError, match=r"time: the trace ends at 3 s, before 3\.5 s \(set after"):
        trace.at(3.5)
    with pytest.raises(DescriptionError, match=r"the trace begins at 0 s, after -1 s \(begin with a row"):
        trace.at(-1.0)


def test_an_end_that_is_missed_by_rounding_is_met() -> None:
    trace = Trace.of([0.1, 0.3], {"gpu": [1.0, 2.0]}, kind="linear")
    assert trace.at(math.nextafter(0.3, 1.0)).tolist() == [2.0]
    assert trace.at(math.nextafter(0.1, 0.0)).tolist() == [1.0]


def test_covers() -> None:
    assert stairs().covers(3.0)
    assert not stairs().covers(3.1)
    assert stairs(after="hold").covers(1e9)
    assert stairs(after="repeat").covers(1e9)
    late = Trace.of([1.0, 2.0], {"gpu": [1.0, 2.0]})
    assert late.covers(2.0, since=1.0)
    assert not late.covers(2.0)
    late.must_cover(2.0, since=1.0)
    with pytest.raises(DescriptionError) as caught:
        late.must_cover(5.0)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E-TRACE", "E-TRACE"]


def test_constant() -> None:
    trace = Trace.constant({"gpu": 500.0, "cooling.top": 300.0})
    assert trace.units == ("W", "K")
    assert trace.at(0.0).tolist() == trace.at(1e9).tolist() == [500.0, 300.0]
    assert trace.next_event(0.0) == math.inf


# -- over and over ---------------------------------------------------------------------------


def test_a_closed_trace_repeats_from_its_last_row() -> None:
    trace = stairs(after="repeat")
    assert [trace.at(t).item() for t in (0.0, 1.0, 3.0, 3.9, 4.0, 6.0)] == [5.0, 7.0, 5.0, 5.0, 7.0, 5.0]
    assert trace.at(3.0, before=True).item() == 7.0
    assert breaks_of(trace, 9.0) == [1.0, 3.0, 4.0, 6.0, 7.0, 9.0]


def test_with_a_period_the_last_row_lasts_until_its_end() -> None:
    trace = Trace.of([0.0, 1.0], {"gpu": [5.0, 7.0]}, after="repeat", period=4.0)
    assert [trace.at(t).item() for t in (0.0, 1.0, 3.9, 4.0, 5.0)] == [5.0, 7.0, 7.0, 5.0, 7.0]
    line = Trace.of([0.0, 1.0], {"gpu": [5.0, 7.0]}, kind="linear", after="repeat", period=4.0)
    assert [line.at(t).item() for t in (0.5, 1.0, 3.0, 4.0, 4.5)] == [6.0, 7.0, 7.0, 5.0, 6.0]
    assert line.at(4.0, before=True).item() == 7.0
    assert breaks_of(line, 9.0) == [1.0, 4.0, 5.0, 8.0, 9.0]


def test_a_repeated_line_jumps_to_its_first_row() -> None:
    trace = Trace.of([0.0, 2.0], {"gpu": [0.0, 10.0]}, kind="linear", after="repeat")
    assert trace.at(2.0).item() == 0.0
    assert trace.at(2.0, before=True).item() == 10.0
    assert trace.at(3.0).item() == 5.0
    assert breaks_of(trace, 6.0) == [2.0, 4.0, 6.0]


def test_a_repeated_trace_may_begin_late() -> None:
    trace = Trace.of([1.0, 2.0, 4.0], {"gpu": [1.0, 2.0, 1.0]}, after="repeat")
    assert [trace.at(t).item() for t in (1.0, 2.0, 3.9, 4.0, 5.0, 7.0)] == [1.0, 2.0, 2.0, 1.0, 2.0, 1.0]
    assert trace.next_event(0.0) == 2.0


@pytest.mark.parametrize("period", [0.1, 1.0 / 3.0, 7e-5, 2.3e-3])
def test_nothing_drifts_over_a_million_periods(period: float) -> None:
    trace = Trace.duty_cycle("gpu", 100.0, period, 0.3, low=1.0)
    rise = Fraction(period) * 10**6
    fall = rise + Fraction(0.3 * period)
    assert trace.next_event(float(rise - Fraction(period) / 2)) == float(rise)
    assert abs(Fraction(trace.next_event(float(rise))) - fall) <= Fraction(math.ulp(float(fall)))
    assert trace.at(float(rise)).item() == 100.0
    assert trace.at(float(rise), before=True).item() == 1.0
    end = trace.next_event(float(rise))
    assert trace.at(end).item() == 1.0
    assert trace.at(end, before=True).item() == 100.0


def test_stepping_from_break_to_break_never_adds_up() -> None:
    period = 0.1
    trace, t = Trace.duty_cycle("gpu", 100.0, period, 0.5), 0.0
    for n in range(1, 20001):
        t = trace.next_event(t)
        cycle, is_rise = divmod(n, 2)[0], n % 2 == 0
        assert t == (cycle * period if is_rise else 0.05 + cycle * period)
        assert trace.at(t).item() == (100.0 if is_rise else 0.0)


def test_a_time_at_which_floats_cannot_tell_periods_apart_still_ends() -> None:
    trace = Trace.duty_cycle("gpu", 100.0, 1e-9, 0.5)
    assert trace.next_event(1e9) > 1e9
    assert trace.at(1e9).item() in (0.0, 100.0)


# -- laws ------------------------------------------------------------------------------------


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Return a trace of one or two columns, of any kind and end, jumps and equal rows among them."""
    kind: Kind = draw(st.sampled_from(["steps", "linear"]))
    after: After = draw(st.sampled_from(["hold", "repeat", "refuse"]))
    gaps = draw(st.lists(st.integers(0 if kind == "linear" else 1, 20), min_size=1, max_size=8))
    gaps = [gap if n == 0 or gap or gaps[n - 1] else 1 for n, gap in enumerate(gaps)]
    gaps[-1] = max(gaps[-1], 1)
    times = draw(st.sampled_from([0.0, 0.3, 7.0])) + np.cumsum([0, *gaps]) * draw(
        st.sampled_from([1.0, 0.1, 1e-3])
    )
    table = [
        [draw(st.sampled_from([0.0, 1.0, 2.5, 40.0])) for _ in times] for _ in range(draw(st.integers(1, 2)))
    ]
    period = None
    if after == "repeat":
        if draw(st.booleans()):
            period = float(times[-1] - times[0]) * draw(st.sampled_from([1.25, 3.0]))
        elif kind == "steps":
            table = [[*row[:-1], row[0]] for row in table]
    return Trace.of(
        times, {f"c{n}": row for n, row in enumerate(table)}, kind=kind, after=after, period=period
    )


def length_of(trace: Trace) -> float:
    """Return a time worth looking at: three periods, or all of a trace."""
    span = float(trace.times[-1] - trace.times[0])
    return {"repeat": 3.0 * (trace.period or span), "hold": 1.5 * span, "refuse": span}[trace.after]


def plainly(trace: Trace, t: float) -> np.ndarray:
    """Return the values at a time that is no row's, by looking at every row."""
    first, last = Fraction(trace.times[0]), Fraction(trace.times[-1])
    period = Fraction(trace.period) if trace.period is not None else last - first
    place = Fraction(t)
    if trace.after == "repeat":
        place = first + (place - first) % period
    row = max(n for n, time in enumerate(trace.times) if Fraction(time) <= place)
    if trace.kind == "steps" or row + 1 == trace.times.size:
        return trace.values[row]
    begin, end = (Fraction(trace.times[n]) for n in (row, row + 1))
    weight = float((place - begin) / (end - begin))
    return (1.0 - weight) * trace.values[row] + weight * trace.values[row + 1]


@given(traces(), st.floats(0.0, 1.0))
def test_values_are_those_of_a_plain_search(trace: Trace, share: float) -> None:
    t = float(trace.times[0]) + share * length_of(trace)
    near = [trace.times + n * (trace.period or trace.times[-1] - trace.times[0]) for n in range(4)]
    if np.abs(np.concatenate(near) - t).min() > 1e-9 and trace.covers(t, t):
        np.testing.assert_allclose(trace.at(t), plainly(trace, t), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(trace.at(t), trace.at(t, before=True))


@given(traces())
def test_between_breaks_nothing_jumps_or_bends(trace: Trace) -> None:
    start = float(trace.times[0])
    end = start + length_of(trace)
    edges = [start, *breaks_of(trace, end, start), end]
    assert edges == sorted(edges)
    assert len(set(edges[:-1])) == len(edges) - 1
    for low, high in pairwise(edges):
        if high > low:
            first, last = trace.at(low), trace.at(high, before=True)
            for share in (0.25, 0.5, 0.9):
                expected = first + share * (last - first)
                np.testing.assert_allclose(trace.at(low + share * (high - low)), expected, atol=1e-7)
            if trace.kind == "steps":
                np.testing.assert_array_equal(first, last)


@given(traces())
def test_at_a_break_something_jumps_or_bends(trace: Trace) -> None:
    start = float(trace.times[0])
    eps = 1e-5 * np.diff(np.unique(trace.times)).min()
    for t in breaks_of(trace, start + length_of(trace), start):
        jump = np.abs(trace.at(t) - trace.at(t, before=True)).max()
        if trace.covers(t + eps):
            bend = np.abs(
                trace.at(t + eps) - trace.at(t) - trace.at(t, before=True) + trace.at(t - eps)
            ).max()
            assert jump + bend > 0.0


@given(traces())
def test_the_integral_is_the_sum_of_the_pieces_between_breaks(trace: Trace) -> None:
    start = float(trace.times[0])
    end = start + length_of(trace)
    edges = [start, *breaks_of(trace, end, start), end]
    total = sum(
        0.5 * (high - low) * (trace.at(low) + trace.at(high, before=True)) for low, high in pairwise(edges)
    )
    np.testing.assert_allclose(trace.integral(start, end), total, rtol=1e-9, atol=1e-12)


@given(traces(), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4))
def test_integrals_add(trace: Trace, shares: list[float]) -> None:
    start, length = float(trace.times[0]), length_of(trace)
    times = [start, *(start + share * length for share in sorted(shares)), start + length]
    pieces = sum(trace.integral(a, b) for a, b in pairwise(times))
    np.testing.assert_allclose(pieces, trace.integral(times[0], times[-1]), rtol=1e-9, atol=1e-9)


@given(st.floats(1e-6, 10.0), st.floats(0.05, 0.95), st.floats(0.0, 500.0), st.integers(1, 1000))
def test_energy_of_a_duty_cycle(period: float, share: float, low: float, count: int) -> None:
    trace = Trace.duty_cycle("gpu", 700.0, period, share, low=low)
    due = count * period * (700.0 * share + low * (1.0 - share))
    assert trace.integral(0.0, count * period).item() == pytest.approx(due, rel=1e-12)


def test_energy_of_a_line_with_a_jump() -> None:
    assert ramp().integral(0.0, 4.0).item() == 10.0 + 50.0
    assert ramp(after="repeat").integral(1.0, 9.0).item() == 2.0 * 60.0
    assert ramp(after="hold").integral(4.0, 6.0).item() == 40.0


# -- made in Python --------------------------------------------------------------------------


def test_pattern() -> None:
    trace = Trace.pattern([10 * ms, 5 * ms, 5 * ms], {"gpu": [700.0, 100.0, 300.0], "hbm": [1.0, 0.5, 0.5]},
                          units={"hbm": "1"})  # fmt: skip
    assert trace.units == ("W", "1")
    assert breaks_of(trace, 40 * ms) == [0.01, 0.015, 0.02, 0.03, 0.035, 0.04]
    assert trace.at(35 * ms).tolist() == [300.0, 0.5]
    assert trace.integral(0.0, 20 * ms).tolist() == pytest.approx([9.0, 0.015])


def test_repeated() -> None:
    trace = stairs().repeated()
    assert trace.after == "repeat"
    assert trace.at(4.5).item() == 7.0
    assert stairs().repeated(10.0).at(9.5).item() == 5.0


def test_a_row_in_which_nothing_changes_is_no_break() -> None:
    trace = Trace.of([0.0, 1.0, 2.0, 3.0], {"gpu": [5.0, 5.0, 6.0, 6.0]}, after="hold")
    assert breaks_of(trace, 10.0) == [2.0]
    line = Trace.of([0.0, 0.1, 0.2, 0.3], {"gpu": [0.0, 1.0, 2.0, 3.0]}, kind="linear", after="hold")
    assert breaks_of(line, 10.0) == [0.3]


def test_of_says_what_units_are() -> None:
    trace = Trace.of(
        [0.0], {"gpu": [0.5], "cooling.top": [300.0], "cooling.bottom.h": [0.5]}, units={"gpu": "1"}
    )
    assert trace.units == ("1", "K", "1")


# -- refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "columns", "more", "message"),
    [
        ([0.0, math.nan], {"gpu": [1, 2]}, {}, "Trace.times[1]: nan is not a finite time [E-RANGE]"),
        ([0.0, 1.0], {"gpu": [1, math.inf]}, {}, "Trace.values[1][0]: inf is not a finite number [E-RANGE]"),
        (
            [0.0, 2e-3, 1e-3],
            {"gpu": [1, 2, 3]},
            {},
            "Trace.times[2]: 1 ms comes after 2 ms (sort the rows by time) [E-TRACE]",
        ),
        (
            [0.0, 1.0, 1.0],
            {"gpu": [1, 2, 3]},
            {},
            (
                "Trace.times[2]: two rows are at 1 s (remove one of the rows; two rows at one time are a "
                "jump in a linear trace only) [E-TRACE]"
            ),
        ),
        (
            [0.0, 1.0, 1.0, 1.0],
            {"gpu": [1, 2, 3, 4]},
            {"kind": "linear"},
            "Trace.times[3]: three rows are at 1 s (a jump has two rows) [E-TRACE]",
        ),
        (
            [0.0],
            {"gpu": [-0.5]},
            {"units": {"gpu": "1"}},
            "Trace.values[0][0]: -50 % is negative [E-RANGE]",
        ),
        (
            [0.0],
            {"cooling.top": [-10.0]},
            {},
            "Trace.values[0][0]: -10 K is not above absolute zero (temperatures are in kelvin) [E-RANGE]",
        ),
        ([0.0], {}, {}, "Trace.names: there are times but no columns (add a column) [E-MISSING]"),
        (
            [],
            {"gpu": []},
            {},
            (
                "Trace.values: times of shape (0,) and values of shape (0, 1) for 1 columns (give one "
                "row for each time, and one at least) [E-TYPE]"
            ),
        ),
        ([0.0, 1.0], {"gpu": [1.0]}, {}, "Trace.columns.gpu: 1 values for 2 times [E-TYPE]"),
        (
            [0.0, 1.0],
            {"gpu": [1, 2]},
            {"kind": "lines"},
            "Trace.kind: 'lines' is not one of steps, linear (did you mean linear?) [E-NAME]",
        ),
        (
            [0.0, 1.0],
            {"gpu": [1, 2]},
            {"after": "loop"},
            "Trace.after: 'loop' is not one of hold, repeat, refuse [E-NAME]",
        ),
        (
            [0.0, 1.0],
            {"gpu": [1, 2]},
            {"rest": "of"},
            "Trace.rest: 'of' is not one of drawn, off, refuse (did you mean off?) [E-NAME]",
        ),
        (
            [0.0, 1.0],
            {"gpu": [1, 2]},
            {"after": "repeat"},
            (
                "Trace.period: a repeated trace of steps needs the duration of its last row (give a period, "
                "or end with the values of the first row) [E-TRACE]"
            ),
        ),
        (
            [0.0],
            {"gpu": [1]},
            {"after": "repeat"},
            ("Trace.period: a repeated trace of one row needs a period (give a period) [E-TRACE]"),
        ),
        (
            [0.0, 1.0],
            {"gpu": [1, 2]},
            {"after": "repeat", "period": 0.5},
            (
                "Trace.period: a period of 500 ms ends before the last row, 1 s after the first (use a "
                "longer period, or fewer rows) [E-TRACE]"
            ),
        ),
        (
            [0.0, 1.0],
            {"gpu": [1, 2]},
            {"after": "repeat", "period": -1.0},
            "Trace.period: -1.0 s is not the length of a period [E-RANGE]",
        ),
        (
            [0.0, 1.0],
            {"gpu": [1, 2]},
            {"period": 2.0},
            "Trace.period: only a repeated trace has a period (set after: repeat) [E-TRACE]",
        ),
        (
            [0.0, 1.0, 1.0],
            {"gpu": [1, 2, 1]},
            {"kind": "linear", "after": "repeat"},
            (
                "Trace.times[2]: a repeated trace cannot end with a jump: it jumps to its first row (remove "
                "the last row) [E-TRACE]"
            ),
        ),
        (
            [0.0],
            {"gpu": [1]},
            {"units": {"gpu": "kW"}},
            "Trace.names[0]: 'kW' is not the unit of a column (use W, 1 (a fraction) or K) [E-UNIT]",
        ),
        (
            [0.0],
            {"gpu": [300]},
            {"units": {"gpu": "K"}},
            (
                "Trace.names[0]: 'gpu' has no temperature that a trace could set (write cooling.top, or give "
                "W or %) [E-UNIT]"
            ),
        ),
        (
            [0.0],
            {"cooling.tpo": [300]},
            {"units": {"cooling.tpo": "K"}},
            (
                "Trace.names[0]: 'cooling.tpo' has no temperature that a trace could set (did you mean top?) "
                "[E-NAME]"
            ),
        ),
        (
            [0.0],
            {"cooling.top": [3]},
            {"units": {"cooling.top": "W"}},
            (
                "Trace.names[0]: a power is not an ambient temperature (write cooling.top [degC], or "
                "cooling.top.h [%] for its heat-transfer coefficient) [E-UNIT]"
            ),
        ),
        (
            [0.0],
            {"cooling.top.h": [3]},
            {"units": {"cooling.top.h": "W"}},
            (
                "Trace.names[0]: a power is not a fraction of a heat-transfer coefficient "
                "(write cooling.top.h [%]) [E-UNIT]"
            ),
        ),
        (
            [0.0],
            {"cooling.top.h": [0.5]},
            {"kind": "linear"},
            (
                "Trace.names[0]: a heat-transfer coefficient cannot change linearly (put it in a trace "
                "of kind steps) [E-TRACE]"
            ),
        ),
        ([0.0], {" ": [0.5]}, {}, "Trace.names[0]: ' ' is not a column name [E-NAME]"),
        (
            [0.0],
            {"gpu": [0.5]},
            {"units": {"gpuu": "1"}},
            "Trace.units: no column is named 'gpuu' (did you mean gpu?) [E-NAME]",
        ),
    ],
)
def test_diagnostic(times: list[float], columns: dict[str, Any], more: dict[str, Any], message: str) -> None:
    assert refused(times, columns, **more) == message


def test_all_diagnostics_are_told_at_once() -> None:
    message = refused([0.0, 2.0, 1.0], {"gpu": [math.nan, 1, 2], "hbm": [1, 2, -3]}, units={"hbm": "1"})
    assert message.splitlines() == [
        "Trace.times[2]: 1 s comes after 2 s (sort the rows by time) [E-TRACE]",
        "Trace.values[0][0]: nan is not a finite number [E-RANGE]",
        "Trace.values[2][1]: -300 % is negative [E-RANGE]",
    ]


def test_columns_of_one_name() -> None:
    with pytest.raises(DescriptionError, match="'gpu' names two columns"):
        Trace(np.zeros(1), ("gpu", "gpu"), ("W", "W"), np.zeros((1, 2)))


def test_time_that_is_no_quantity() -> None:
    with pytest.raises(
        DescriptionError, match=r'Trace\.times\[0\]: "a" does not begin with a number; expected'
    ):
        Trace(["a"], ("gpu",), ("W",), [[1.0]])  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, math.nan])
def test_a_duty_cycle_is_neither_on_nor_off(share: float) -> None:
    with pytest.raises(DescriptionError, match="share must be between 0 and 1, got"):
        Trace.duty_cycle("gpu", 100.0, 1.0, share)


def test_diagnostics_are_bounded() -> None:
    with pytest.raises(DescriptionError) as caught:
        Trace.of(np.arange(5000.0), {"gpu": np.full(5000, np.nan)})
    assert len(caught.value.diagnostics) == 1000
