"""Checks of traces: columns, times, values, and how a trace ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from typing import Literal, Protocol, get_args

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.results.history import TIME_ROUNDING
from thermostack.schema.fields import quote_value
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.transient.waveform import column_diagnostic, seconds

Kind = Literal["steps", "linear"]
After = Literal["hold", "repeat", "refuse"]
Rest = Literal["drawn", "off", "refuse"]
CHOICES: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "after": get_args(After),
    "rest": get_args(Rest),
}
MAX_DIAGNOSTICS = 1000  # of a trace; further ones are dropped


class TraceFields(Protocol):
    """The fields of a trace that the checks read, as `Trace` documents them."""

    @property
    def times(self) -> np.ndarray:
        """Return the times of the rows [s], (n,)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns."""

    @property
    def units(self) -> tuple[str, ...]:
        """Return the units of the columns."""

    @property
    def values(self) -> np.ndarray:
        """Return the values, (n, columns)."""

    @property
    def kind(self) -> Kind:
        """Return whether values are stepwise or linear."""

    @property
    def after(self) -> After:
        """Return how the trace ends."""

    @property
    def period(self) -> float | None:
        """Return the period [s]."""


def trace_diagnostics(trace: TraceFields) -> Iterator[Diagnostic]:
    """Yield the errors of a trace, at paths like ("Trace", "values", 3, 1)."""
    for key, choices in CHOICES.items():
        if getattr(trace, key) not in choices:
            text = f"{quote_value(getattr(trace, key))} is not one of {', '.join(choices)}"
            yield diagnostic_at(("Trace", key), text, suggest(str(getattr(trace, key)), choices), "E-NAME")
    n, columns = trace.times.size, len(trace.names)
    if trace.times.ndim != 1 or trace.values.shape != (n, columns) or len(trace.units) != columns or n == 0:
        text = f"times of shape {trace.times.shape} and values of shape {trace.values.shape} for {columns}"
        yield diagnostic_at(
            ("Trace", "values"), f"{text} columns", "give one row for each time, and one at least", "E-TYPE"
        )
        return
    yield from chain(
        _column_diagnostics(trace),
        _time_diagnostics(trace),
        _value_diagnostics(trace),
        _end_diagnostics(trace),
    )


def _column_diagnostics(trace: TraceFields) -> Iterator[Diagnostic]:
    if not trace.names:
        yield diagnostic_at(("Trace", "names"), "there are times but no columns", "add a column", "E-MISSING")
    seen: set[str] = set()
    for column, (name, unit) in enumerate(zip(trace.names, trace.units, strict=True)):
        wrong = column_diagnostic(name, unit, is_stepped=trace.kind == "steps")
        if wrong is not None:
            yield diagnostic_at(("Trace", "names", column), *wrong)
        elif name in seen:
            yield diagnostic_at(("Trace", "names", column), f"{name!r} names two columns", "", "E-DUPLICATE")
        seen.add(name)


def _time_diagnostics(trace: TraceFields) -> Iterator[Diagnostic]:
    times, is_finite = trace.times, np.isfinite(trace.times)
    for row in np.flatnonzero(~is_finite).tolist():
        yield diagnostic_at(("Trace", "times", row), f"{times[row]} is not a finite time", "", "E-RANGE")
    rows = np.flatnonzero(is_finite)
    steps = np.diff(times[rows])
    for n in np.flatnonzero(steps <= 0.0).tolist():
        path = ("Trace", "times", int(rows[n + 1]))
        time, last = times[rows[n + 1]], times[rows[n]]
        if steps[n] < 0.0:
            text = f"{seconds(time)} comes after {seconds(last)}"
            yield diagnostic_at(path, text, "sort the rows by time", "E-TRACE")
        elif trace.kind == "steps":
            hint = "remove one of the rows; two rows at one time are a jump in a linear trace only"
            yield diagnostic_at(path, f"two rows are at {seconds(time)}", hint, "E-TRACE")
        elif n > 0 and steps[n - 1] == 0.0:
            yield diagnostic_at(path, f"three rows are at {seconds(time)}", "a jump has two rows", "E-TRACE")


def _value_diagnostics(trace: TraceFields) -> Iterator[Diagnostic]:
    units = np.array(trace.units)
    with np.errstate(invalid="ignore"):
        wrong = ~np.isfinite(trace.values)
        wrong |= (trace.values < 0.0) & (units == "1")
        wrong |= (trace.values <= 0.0) & (units == "K")
    for row, column in np.argwhere(wrong)[:MAX_DIAGNOSTICS].tolist():
        value = trace.values[row, column]
        text, hint = f"{value} is not a finite number", ""
        if math.isfinite(value):
            is_fraction = units[column] == "1"
            text = (
                f"{100.0 * value:g} % is negative"
                if is_fraction
                else f"{value:g} K is not above absolute zero"
            )
            hint = "" if is_fraction else "temperatures are in kelvin"
        yield diagnostic_at(("Trace", "values", row, column), text, hint, "E-RANGE")


def _end_diagnostics(trace: TraceFields) -> Iterator[Diagnostic]:
    """Yield the errors of end and period of a trace whose times ascend."""
    path, span = ("Trace", "period"), trace.times[-1] - trace.times[0]
    if trace.period is not None and trace.after != "repeat":
        yield diagnostic_at(path, "only a repeated trace has a period", "set after: repeat", "E-TRACE")
    if trace.after != "repeat" or not np.isfinite(trace.times).all() or np.any(np.diff(trace.times) < 0.0):
        return
    if trace.period is not None and not (math.isfinite(trace.period) and trace.period > 0.0):
        yield diagnostic_at(path, f"{trace.period} s is not the length of a period", "", "E-RANGE")
    elif not is_closed(trace):
        if trace.period is not None and trace.period < span:
            period, last = seconds(trace.period), seconds(span)
            text = f"a period of {period} ends before the last row, {last} after the first"
            yield diagnostic_at(path, text, "use a longer period, or fewer rows", "E-TRACE")
    elif span == 0.0:
        text = "a repeated trace of one row needs a period"
        yield diagnostic_at(path, text, "give a period", "E-TRACE")
    elif trace.kind == "linear" and trace.times[-1] == trace.times[-2]:
        text = "a repeated trace cannot end with a jump: it jumps to its first row"
        yield diagnostic_at(("Trace", "times", trace.times.size - 1), text, "remove the last row", "E-TRACE")
    elif trace.kind == "steps" and not np.array_equal(trace.values[-1], trace.values[0]):
        text = "a repeated trace of steps needs the duration of its last row"
        yield diagnostic_at(path, text, "give a period, or end with the values of the first row", "E-TRACE")


def is_closed(trace: TraceFields) -> bool:
    """Return whether a trace repeats at its last row, which then only ends the row before it."""
    span = trace.times[-1] - trace.times[0]
    is_as_long = trace.period is None or math.isclose(trace.period, span, rel_tol=TIME_ROUNDING)
    return trace.after == "repeat" and is_as_long
