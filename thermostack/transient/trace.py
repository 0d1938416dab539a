"""Traces: values of named columns at ascending times, as steps or lines, that end, hold or repeat."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any, Literal, get_args

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.results.history import TIME_ROUNDING
from thermostack.schema.fields import quote_value, suggest
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.transient.waveform import column_diagnostic, seconds, unit_of

Kind = Literal["steps", "linear"]
After = Literal["hold", "repeat", "refuse"]
Rest = Literal["drawn", "off", "refuse"]
CHOICES: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "after": get_args(After),
    "rest": get_args(Rest),
}
MOST_DIAGNOSTICS = 1000  # of a trace; those beyond are not told
STRAIGHT = 1e-9  # of a slope: what changes less is no break


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a trace stands in a file; lines and columns count from 1."""

    file: str
    line: int  # of the header
    columns: tuple[int, ...]  # at which the label of each column begins
    lines: np.ndarray  # (n,) of the rows


@dataclass(frozen=True, eq=False)
class Trace:
    """Values of named columns over time.

    A name is that of a block, part or stack ("gpu.active.gpc_0", "gpu.active", "gpu", or a block's own name
    where no other has it) for a power, in W or as a share of the drawn one ("1"); "cooling.top" for the
    temperature outside of a face [K]; "cooling.top.h" for a share of its drawn film, in steps only.

    With kind "steps" a row holds from its time until the next; with "linear" values go along straight lines
    from row to row, and two rows at one time are a jump. `after` says what comes after the last time:
    nothing ("refuse"), the last row ("hold") or all of it again ("repeat"). A repeated trace lasts `period`
    [s], its last row until the end of it; without a period it ends with its last row, which in a trace of
    steps must be the first row again. `rest` is about the heaters that no column names: they make what is
    drawn, nothing ("off"), or must not be, in a layer whose other blocks are named ("refuse").

    Raises DescriptionError with everything that is wrong.
    """

    times: np.ndarray  # (n,) s, ascending
    names: tuple[str, ...]  # of the columns
    units: tuple[str, ...]  # of the columns: "W", "1" or "K"
    values: np.ndarray  # (n, columns)
    kind: Kind = "steps"
    after: After = "refuse"
    period: float | None = None  # s
    rest: Rest = "drawn"
    origin: Origin | None = None

    def __post_init__(self) -> None:
        """Keep copies that nobody changes, and raise every fault."""
        kept: dict[str, Any] = {"names": tuple(self.names), "units": tuple(self.units)}
        for name in ("times", "values"):
            try:
                kept[name] = np.array(getattr(self, name), dtype=np.float64)
            except (TypeError, ValueError):
                text = f"{quote_value(getattr(self, name))} is not a table of numbers"
                raise DescriptionError(diagnostic_at(("Trace", name), text, "", "E-TYPE")) from None
            kept[name].setflags(write=False)
        for name, value in kept.items():
            object.__setattr__(self, name, value)
        diagnostics = list(islice(trace_diagnostics(self), MOST_DIAGNOSTICS))
        if diagnostics:
            raise DescriptionError(diagnostics)

    # -- making ------------------------------------------------------------------------------

    @classmethod
    def of(
        cls,
        times: Sequence[float] | np.ndarray,
        columns: Mapping[str, Any],
        *,
        units: Mapping[str, str] | None = None,
        kind: Kind = "steps",
        after: After = "refuse",
        period: float | None = None,
        rest: Rest = "drawn",
    ) -> Trace:
        """Return the trace of columns by name, each with a value for every time [s].

        Powers are in W and temperatures outside in K; `units` says which columns are shares: {"gpu": "1"}.
        """
        said = units or {}
        for name in said.keys() - columns.keys():
            diagnostic = diagnostic_at(
                ("Trace", "units"), f"no column is named {name!r}", suggest(name, columns), "E-NAME"
            )
            raise DescriptionError(diagnostic)
        for name, column in columns.items():
            if np.shape(column) != np.shape(times):
                text = f"{np.size(column)} values for {np.size(times)} times"
                raise DescriptionError(diagnostic_at(("Trace", "columns", name), text, "", "E-TYPE"))
        values = np.column_stack(list(columns.values())) if columns else np.zeros((np.size(times), 0))
        chosen = tuple(said.get(name, unit_of(name)) for name in columns)
        return cls(np.asarray(times), tuple(columns), chosen, values, kind, after, period, rest)

    @classmethod
    def constant(cls, columns: Mapping[str, float], *, units: Mapping[str, str] | None = None) -> Trace:
        """Return the trace in which nothing changes."""
        return cls.of([0.0], {name: [value] for name, value in columns.items()}, units=units, after="hold")

    @classmethod
    def duty_cycle(
        cls, name: str, power: float, period: float, share: float, *, low: float = 0.0, unit: str = "W"
    ) -> Trace:
        """Return a power for a share (0 to 1) of each period [s], and `low` for the rest of it, for ever."""
        if not 0.0 < share < 1.0:
            text = f"{share!r} is not the share of a duty cycle"
            raise DescriptionError(diagnostic_at(("Trace", "share"), text, "between 0 and 1", "E-RANGE"))
        rows = {name: [power, low]}
        return cls.of([0.0, share * period], rows, units={name: unit}, after="repeat", period=period)

    @classmethod
    def pattern(
        cls, durations: Sequence[float], columns: Mapping[str, Any], *, units: Mapping[str, str] | None = None
    ) -> Trace:
        """Return steps of given durations [s], repeated for ever."""
        times = [math.fsum(durations[:n]) for n in range(len(durations))]
        return cls.of(times, columns, units=units, after="repeat", period=math.fsum(durations))

    def repeated(self, period: float | None = None) -> Trace:
        """Return this trace over and over, each time as long as `period` [s]."""
        return dataclasses.replace(self, after="repeat", period=period)

    # -- asking ------------------------------------------------------------------------------

    def at(self, t: float, *, before: bool = False) -> np.ndarray:
        """Return the values at a time [s], (columns,): those that begin there, or with `before` end there.

        Raises DescriptionError where the trace says nothing of that time.
        """
        cycle, row = self._find(t, before)
        then = self._then(row)
        if then == row:
            held: np.ndarray = self.values[row].copy()
            return held
        begin, end = self._time(cycle, row), self._time(cycle, row + 1)
        weight = min(max((t - begin) / (end - begin), 0.0), 1.0) if end > begin else 1.0
        values: np.ndarray = (1.0 - weight) * self.values[row] + weight * self.values[then]
        return values

    def next_event(self, t: float) -> float:
        """Return the next time [s] after t at which a value or a slope jumps, infinite where none does."""
        if self._breaks.size == 0:
            return math.inf
        cycle, row = self._find(min(max(t, self._begin), self._end), before=False)
        place = int(np.searchsorted(self._breaks, row, side="right"))
        for _ in range(self._breaks.size + 2):
            if place == self._breaks.size:
                if self.after != "repeat":
                    return math.inf
                cycle, place = cycle + 1, 0
            time = self._time(cycle, int(self._breaks[place]))
            if time > t:
                return time
            place += 1
        return math.nextafter(t, math.inf)  # so late that floats cannot tell one period from the next

    def integral(self, since: float, until: float) -> np.ndarray:
        """Return the integral of each column over a time [s], (columns,): J where the unit is W."""
        difference: np.ndarray = self._integral(until) - self._integral(since)
        return difference

    def covers(self, until: float, since: float = 0.0) -> bool:
        """Return whether the trace says something of all the time [s] from since to until."""
        return self._begin <= since and until <= self._end

    def must_cover(self, until: float, since: float = 0.0) -> None:
        """Raise DescriptionError where the trace says nothing of a piece of the time [s]."""
        diagnostics = []
        if since < self._begin:
            text = f"the trace begins at {seconds(self.times[0])}, {seconds(since)} is asked for"
            diagnostics.append(
                self.diagnostic(text, f"begin with a row at {seconds(since)}", "E-TRACE", row=0)
            )
        if until > self._end:
            text = f"the trace ends at {seconds(self.times[-1])}, {seconds(until)} is asked for"
            remedy = "say what comes after the last row: after: hold, or after: repeat"
            diagnostics.append(self.diagnostic(text, remedy, "E-TRACE", row=self.times.size - 1))
        if diagnostics:
            raise DescriptionError(diagnostics)

    def diagnostic(
        self, text: str, remedy: str, code: str, column: int | None = None, row: int | None = None
    ) -> Diagnostic:
        """Return what is wrong with a column, a row or the value in both, at its place in the file."""
        diagnostic = Diagnostic("time" if column is None else self.names[column], text, remedy, code)
        if self.origin is None:
            return diagnostic
        if row is not None:
            return diagnostic.located_at(self.origin.file, int(self.origin.lines[row]))
        place = 1 if column is None else self.origin.columns[column]
        return diagnostic.located_at(self.origin.file, self.origin.line, place)

    # -- where a time lies -------------------------------------------------------------------

    @property
    def _begin(self) -> float:
        return float(self.times[0]) - TIME_ROUNDING * abs(float(self.times[0]))

    @property
    def _end(self) -> float:
        last = float(self.times[-1])
        return last + TIME_ROUNDING * abs(last) if self.after == "refuse" else math.inf

    @cached_property
    def _rows(self) -> int:
        """Return how many rows begin a piece of time; the last of a closed trace only ends one."""
        return self.times.size - _is_closed(self)

    @cached_property
    def _length(self) -> float:
        """Return the period [s]."""
        return float(self.times[-1] - self.times[0]) if self.period is None else float(self.period)

    def _time(self, cycle: int, row: int) -> float:
        """Return when a row begins [s], from the number of the period: nothing adds up over periods."""
        if row == self._rows:
            if self.after != "repeat":
                return math.inf
            cycle, row = cycle + 1, 0
        time = float(self.times[row])
        if cycle == 0:
            return time
        return min(time + cycle * self._length, float(self.times[0]) + (cycle + 1) * self._length)

    def _then(self, row: int) -> int:
        """Return the row to whose values the values of a row go."""
        return row if self.kind == "steps" else min(row + 1, self.times.size - 1)

    def _find(self, t: float, before: bool) -> tuple[int, int]:
        """Return period and row that a time [s] lies in; where two meet, the later, or the one before."""
        if not self._begin <= t <= self._end:
            self.must_cover(t, t)
            raise ValueError(f"{t} s is not a time")
        side: Literal["left", "right"] = "left" if before else "right"
        if self.after != "repeat":
            return 0, max(int(np.searchsorted(self.times, t, side=side)) - 1, 0)

        def has_begun(cycle: int, row: int) -> bool:
            begin = self._time(cycle, row)
            return begin < t or (begin == t and not before)

        cycle = max(math.floor((t - self.times[0]) / self._length), 0)
        while cycle > 0 and not has_begun(cycle, 0):
            cycle -= 1
        while has_begun(cycle + 1, 0):
            cycle += 1
        row = int(np.searchsorted(self.times[: self._rows], t - cycle * self._length, side=side)) - 1
        row = max(row, 0)
        while row > 0 and not has_begun(cycle, row):
            row -= 1
        while row + 1 < self._rows and has_begun(cycle, row + 1):
            row += 1
        return cycle, row

    @cached_property
    def _breaks(self) -> np.ndarray:
        """Return the rows, ascending, at whose beginning something jumps."""
        rows, is_repeated = self._rows, self.after == "repeat"
        then = np.array([self._then(row) for row in range(rows)])
        widths = np.diff(self.times[:rows], append=self.times[0] + self._length if is_repeated else math.inf)
        rise = self.values[then] - self.values[:rows]
        slope = np.divide(rise, widths[:, None], out=np.zeros_like(rise), where=widths[:, None] > 0.0)
        slope_before, reached = np.roll(slope, 1, axis=0), np.roll(self.values[then], 1, axis=0)
        bends = np.abs(slope - slope_before) > STRAIGHT * np.maximum(np.abs(slope), np.abs(slope_before))
        jumps = np.any(bends | (reached != self.values[:rows]), axis=1) | np.roll(widths == 0.0, 1)
        if not is_repeated:
            jumps[0] = False
        return np.flatnonzero(jumps)

    @cached_property
    def _sums(self) -> np.ndarray:
        """Return the integrals from the first time to the beginning of each row and to the period's end."""
        rows = self._rows
        then = np.array([self._then(row) for row in range(rows)])
        end = self.times[0] + self._length if self.after == "repeat" else self.times[-1]
        widths = np.diff(self.times[:rows], append=end)
        pieces = 0.5 * widths[:, None] * (self.values[:rows] + self.values[then])
        return np.concatenate([np.zeros((1, len(self.names))), np.cumsum(pieces, axis=0)])

    def _integral(self, t: float) -> np.ndarray:
        cycle, row = self._find(t, before=False)
        piece = 0.5 * (t - self._time(cycle, row)) * (self.values[row] + self.at(t))
        whole: np.ndarray = cycle * self._sums[-1] + self._sums[row] + piece
        return whole


# -- what is wrong with one ------------------------------------------------------------------


def trace_diagnostics(trace: Trace) -> Iterator[Diagnostic]:
    """Yield what is wrong with a trace, at paths like ("Trace", "values", 3, 1)."""
    for key, choices in CHOICES.items():
        if getattr(trace, key) not in choices:
            text = f"{quote_value(getattr(trace, key))} is not one of {', '.join(choices)}"
            yield diagnostic_at(("Trace", key), text, suggest(str(getattr(trace, key)), choices), "E-NAME")
    n, columns = trace.times.size, len(trace.names)
    if trace.times.ndim != 1 or trace.values.shape != (n, columns) or len(trace.units) != columns or n == 0:
        text = f"times of shape {trace.times.shape} and values of shape {trace.values.shape} for {columns}"
        yield diagnostic_at(
            ("Trace", "values"), f"{text} columns", "a row for each time, one at least", "E-TYPE"
        )
        return
    yield from chain(
        _column_diagnostics(trace),
        _time_diagnostics(trace),
        _value_diagnostics(trace),
        _end_diagnostics(trace),
    )


def _column_diagnostics(trace: Trace) -> Iterator[Diagnostic]:
    if not trace.names:
        yield diagnostic_at(
            ("Trace", "names"), "there are times but nothing over them", "name a block", "E-MISSING"
        )
    seen: set[str] = set()
    for column, (name, unit) in enumerate(zip(trace.names, trace.units, strict=True)):
        wrong = column_diagnostic(name, unit, is_stepped=trace.kind == "steps")
        if wrong is not None:
            yield diagnostic_at(("Trace", "names", column), *wrong)
        elif name in seen:
            yield diagnostic_at(("Trace", "names", column), f"{name!r} names two columns", "", "E-DUPLICATE")
        seen.add(name)


def _time_diagnostics(trace: Trace) -> Iterator[Diagnostic]:
    times, is_finite = trace.times, np.isfinite(trace.times)
    for row in np.flatnonzero(~is_finite).tolist():
        yield diagnostic_at(("Trace", "times", row), f"{times[row]} is not a finite time", "", "E-RANGE")
    rows = np.flatnonzero(is_finite)
    steps = np.diff(times[rows])
    for place in np.flatnonzero(steps <= 0.0).tolist():
        path, time, last = (
            ("Trace", "times", int(rows[place + 1])),
            times[rows[place + 1]],
            times[rows[place]],
        )
        if steps[place] < 0.0:
            text = f"{seconds(time)} comes after {seconds(last)}"
            yield diagnostic_at(path, text, "times ascend: sort the rows", "E-TRACE")
        elif trace.kind == "steps":
            remedy = "one of the rows is too many; only in a linear trace two rows of one time are a jump"
            yield diagnostic_at(path, f"{seconds(time)} stands twice", remedy, "E-TRACE")
        elif place > 0 and steps[place - 1] == 0.0:
            yield diagnostic_at(
                path, f"{seconds(time)} stands three times", "a jump takes two rows", "E-TRACE"
            )


def _value_diagnostics(trace: Trace) -> Iterator[Diagnostic]:
    units = np.array(trace.units)
    with np.errstate(invalid="ignore"):
        wrong = ~np.isfinite(trace.values)
        wrong |= (trace.values < 0.0) & (units == "1")
        wrong |= (trace.values <= 0.0) & (units == "K")
    for row, column in np.argwhere(wrong)[:MOST_DIAGNOSTICS].tolist():
        value = trace.values[row, column]
        text, remedy = f"{value} is not a finite number", ""
        if math.isfinite(value):
            is_share = units[column] == "1"
            text = (
                f"{100.0 * value:g} % is negative" if is_share else f"{value:g} K is not above absolute zero"
            )
            remedy = "" if is_share else "temperatures are in kelvin"
        yield diagnostic_at(("Trace", "values", row, column), text, remedy, "E-RANGE")


def _end_diagnostics(trace: Trace) -> Iterator[Diagnostic]:
    """Yield what is wrong with how a trace ends, where its times are in order."""
    here, span = ("Trace", "period"), trace.times[-1] - trace.times[0]
    if trace.period is not None and trace.after != "repeat":
        yield diagnostic_at(here, "only a repeated trace has a period", "say after: repeat", "E-TRACE")
    if trace.after != "repeat" or not np.isfinite(trace.times).all() or np.any(np.diff(trace.times) < 0.0):
        return
    if trace.period is not None and not (math.isfinite(trace.period) and trace.period > 0.0):
        yield diagnostic_at(here, f"{trace.period} s is not the length of a period", "", "E-RANGE")
    elif not _is_closed(trace):
        if trace.period is not None and trace.period < span:
            period, last = seconds(trace.period), seconds(span)
            text = f"a period of {period} ends before the last row, {last} after the first"
            yield diagnostic_at(here, text, "a longer one, or fewer rows", "E-TRACE")
    elif span == 0.0:
        text = "nothing says how long the one row lasts before the trace repeats"
        yield diagnostic_at(here, text, "give a period", "E-TRACE")
    elif trace.kind == "linear" and trace.times[-1] == trace.times[-2]:
        text = "a jump at the end of a repeated trace is that to its first row"
        yield diagnostic_at(
            ("Trace", "times", trace.times.size - 1), text, "leave out the last row", "E-TRACE"
        )
    elif trace.kind == "steps" and not np.array_equal(trace.values[-1], trace.values[0]):
        text = "nothing says how long the last row lasts before the trace repeats"
        yield diagnostic_at(here, text, "end with the first row again, or give a period", "E-TRACE")


def _is_closed(trace: Trace) -> bool:
    """Return whether a trace repeats from its last row on, which then only ends the row before it."""
    span = trace.times[-1] - trace.times[0]
    is_as_long = trace.period is None or math.isclose(trace.period, span, rel_tol=TIME_ROUNDING)
    return trace.after == "repeat" and is_as_long
