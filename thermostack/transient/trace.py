"""Traces: values of named columns at ascending times, stepwise or linear, that end, hold or repeat."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Literal

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.results.history import TIME_ROUNDING
from thermostack.schema.arguments import argument_error, as_names, quantities_in_si, require_mapping
from thermostack.schema.fields import to_si
from thermostack.schema.raster import restore_read_only
from thermostack.schema.spelling import suggest
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.transient.trace_checks import (
    MAX_DIAGNOSTICS,
    After,
    Kind,
    Rest,
    is_closed,
    trace_diagnostics,
)
from thermostack.transient.waveform import DIMENSION_OF_UNIT, MAX_SHOWN_COLUMNS, seconds, unit_of

SLOPE_TOLERANCE = 1e-9  # relative: a smaller change of slope is not an event


@dataclass(frozen=True, eq=False)
class Origin:
    """Location of a trace in a file; lines and columns count from 1."""

    file: str
    line: int  # of the header
    columns: tuple[int, ...]  # at which the header of each column begins
    lines: np.ndarray  # (n,) of the rows


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """Values of named columns over time: powers, ambient temperatures and heat-transfer coefficients.

    Parameters
    ----------
    times : array_like, shape (n,)
        Ascending times of the rows [s]. Times, values and the period are numbers in SI units or text with a
        unit, "5 ms".
    names : tuple of str
        Names of the columns. "gpu.active.gpc_0", "gpu.active" or "gpu" is the power of a block, part or stack
        (a block's own name suffices if it is unique); "cooling.top" is the ambient temperature of a face;
        "cooling.top.h" is a fraction of its heat-transfer coefficient, for `kind` "steps" only.
    units : tuple of str
        Unit of each column: "W" (power), "1" (fraction of the power or coefficient in the package) or "K".
    values : array_like, shape (n, columns)
        Values of the columns.
    kind : {"steps", "linear"}
        A row holds until the next one, or values are interpolated linearly, where two rows at one time are a
        jump.
    after : {"refuse", "hold", "repeat"}
        After the last time there are no values, those of the last row, or the trace repeats.
    period : float, optional
        Length of a repeated trace [s]; its last row lasts until the end of the period. Without it the trace
        ends with its last row, which must equal the first one if `kind` is "steps".
    rest : {"drawn", "off", "refuse"}
        Heat sources without a column have the power in the package, no power, or are an error in a layer of
        which other blocks have a column.
    origin : Origin, optional
        Location in the file that the trace was read from.

    Raises
    ------
    DescriptionError
        If anything is wrong with the trace; it contains all errors.

    Examples
    --------
    >>> import thermostack as ts
    >>> trace = ts.Trace.of([0.0, 1.0], {"gpu": [500.0, 100.0]}, after="hold")
    >>> trace.at(0.5), trace.at(2.0)
    (array([500.]), array([100.]))
    >>> trace
    Trace(2 rows from 0 to 1 s, kind steps, after hold; columns gpu [W])
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

    def __repr__(self) -> str:
        """Return size, times, kind and the first columns in one line."""
        columns = [f"{name} [{unit}]" for name, unit in zip(self.names, self.units, strict=True)]
        more = f" and {len(columns) - MAX_SHOWN_COLUMNS} more" if len(columns) > MAX_SHOWN_COLUMNS else ""
        rows = f"{self.times.size} rows from {self.times[0]:g} to {self.times[-1]:g} s"
        shown = ", ".join(columns[:MAX_SHOWN_COLUMNS])
        return f"Trace({rows}, kind {self.kind}, after {self.after}; columns {shown}{more})"

    __setstate__ = restore_read_only

    def __post_init__(self) -> None:
        """Copy the arrays, make them read-only, and check everything."""
        names, units = as_names(self.names, "Trace.names"), as_names(self.units, "Trace.units")
        kept: dict[str, Any] = {"names": names, "units": units}
        kept["times"] = np.array(quantities_in_si(self.times, "time", "Trace.times"))
        kept["values"] = _values_in_si(self.values, units)
        kept["period"] = None if self.period is None else to_si(self.period, "time", "Trace.period")
        for name in ("times", "values"):
            kept[name].setflags(write=False)
        for name, value in kept.items():
            object.__setattr__(self, name, value)
        diagnostics = list(islice(trace_diagnostics(self), MAX_DIAGNOSTICS))
        if diagnostics:
            raise DescriptionError(diagnostics)

    # -- construction ------------------------------------------------------------------------------

    @classmethod
    def of(
        cls,
        times: Sequence[float | str] | np.ndarray,
        columns: Mapping[str, Any],
        *,
        units: Mapping[str, str] | None = None,
        kind: Kind = "steps",
        after: After = "refuse",
        period: float | str | None = None,
        rest: Rest = "drawn",
    ) -> Trace:
        """Return the trace of columns by name, each with a value for every time [s].

        Powers are in W and ambient temperatures in K; `units` gives the columns that are fractions, as in
        {"gpu": "1"}. Times and values may be text with a unit. The other arguments are those of `Trace`.
        """
        hint = 'write {"gpu": [500.0, 100.0]}'
        require_mapping(columns, "columns", hint)
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
        chosen = tuple(said.get(name, unit_of(name)) for name in columns)
        values = np.empty((np.size(times), len(columns)))
        for n, ((name, column), unit) in enumerate(zip(columns.items(), chosen, strict=True)):
            dimension = DIMENSION_OF_UNIT.get(unit, "fraction")  # an unknown unit is reported by the trace
            values[:, n] = quantities_in_si(column, dimension, f"columns[{name!r}]").reshape(-1)
        seconds = quantities_in_si(times, "time", "times")
        length = None if period is None else to_si(period, "time", "period")
        return cls(seconds, tuple(columns), chosen, values, kind, after, length, rest)

    @classmethod
    def constant(cls, columns: Mapping[str, float | str], *, units: Mapping[str, str] | None = None) -> Trace:
        """Return the trace of constant values by name; text has a unit, {"gpu": "500 W"}."""
        require_mapping(columns, "columns", 'write {"gpu": 500.0}')
        return cls.of([0.0], {name: [value] for name, value in columns.items()}, units=units, after="hold")

    @classmethod
    def duty_cycle(
        cls,
        name: str,
        power: float | str,
        period: float | str,
        share: float | str,
        *,
        low: float | str = 0.0,
        unit: str = "W",
    ) -> Trace:
        """Return a repeated trace: a power for a fraction `share` of each period [s], then `low`.

        Text has a unit, as in `Trace.duty_cycle("gpu", "300 W", period="10 ms", share="40 %")`.
        """
        dimension = DIMENSION_OF_UNIT.get(unit, "power")
        power, low = to_si(power, dimension, "power"), to_si(low, dimension, "low")
        period, share = to_si(period, "time", "period"), to_si(share, "fraction", "share")
        if not 0.0 < share < 1.0:
            text = f"share must be between 0 and 1, got {share!r}"
            raise DescriptionError(diagnostic_at(("Trace", "share"), text, "", "E-RANGE"))
        rows = {name: [power, low]}
        return cls.of([0.0, share * period], rows, units={name: unit}, after="repeat", period=period)

    @classmethod
    def pattern(
        cls,
        durations: float | str | Sequence[float | str],
        columns: Mapping[str, Any],
        *,
        units: Mapping[str, str] | None = None,
    ) -> Trace:
        """Return a repeated trace of steps with durations [s, or text with a unit]."""
        seconds = quantities_in_si(durations, "time", "durations").reshape(-1).tolist()
        times = [math.fsum(seconds[:n]) for n in range(len(seconds))]
        return cls.of(times, columns, units=units, after="repeat", period=math.fsum(seconds))

    def repeated(self, period: float | str | None = None) -> Trace:
        """Return this trace, repeated with a period [s, or text with a unit]."""
        length = None if period is None else to_si(period, "time", "period")
        return dataclasses.replace(self, after="repeat", period=length)

    # -- values ------------------------------------------------------------------------------

    def at(self, t: float | str, *, before: bool = False) -> np.ndarray:
        """Return the values at a time [s], (columns,); at a jump those after it, or before it if `before`.

        Raises DescriptionError if the trace has no values at that time.
        """
        t = to_si(t, "time", "t")
        cycle, row = self._find(t, before)
        then = self._next_row(row)
        if then == row:
            held: np.ndarray = self.values[row].copy()
            return held
        begin, end = self._time(cycle, row), self._time(cycle, row + 1)
        weight = min(max((t - begin) / (end - begin), 0.0), 1.0) if end > begin else 1.0
        values: np.ndarray = (1.0 - weight) * self.values[row] + weight * self.values[then]
        return values

    def next_event(self, t: float | str) -> float:
        """Return the next time [s] after t at which a value or a slope jumps, infinity if none does."""
        t = to_si(t, "time", "t")
        if self._breaks.size == 0:
            return math.inf
        cycle, row = self._find(min(max(t, self._begin), self._end), before=False)
        n = int(np.searchsorted(self._breaks, row, side="right"))
        for _ in range(self._breaks.size + 2):
            if n == self._breaks.size:
                if self.after != "repeat":
                    return math.inf
                cycle, n = cycle + 1, 0
            time = self._time(cycle, int(self._breaks[n]))
            if time > t:
                return time
            n += 1
        return math.nextafter(t, math.inf)  # so late that two periods differ by rounding

    def integral(self, since: float | str, until: float | str) -> np.ndarray:
        """Return the integral of each column from `since` to `until` [s], (columns,): J if the unit is W."""
        since, until = to_si(since, "time", "since"), to_si(until, "time", "until")
        difference: np.ndarray = self._integral(until) - self._integral(since)
        return difference

    def covers(self, until: float | str, since: float | str = 0.0) -> bool:
        """Return whether the trace has values at all times [s] from `since` to `until`."""
        since, until = to_si(since, "time", "since"), to_si(until, "time", "until")
        return self._begin <= since and until <= self._end

    def must_cover(self, until: float | str, since: float | str = 0.0) -> None:
        """Raise DescriptionError if the trace has no values at some times [s] from `since` to `until`."""
        since, until = to_si(since, "time", "since"), to_si(until, "time", "until")
        diagnostics = []
        if since < self._begin:
            text = f"the trace begins at {seconds(self.times[0])}, after {seconds(since)}"
            diagnostics.append(
                self.diagnostic(text, f"begin with a row at {seconds(since)}", "E-TRACE", row=0)
            )
        if until > self._end:
            text = f"the trace ends at {seconds(self.times[-1])}, before {seconds(until)}"
            hint = "set after: hold or after: repeat"
            diagnostics.append(self.diagnostic(text, hint, "E-TRACE", row=self.times.size - 1))
        if diagnostics:
            raise DescriptionError(diagnostics)

    def diagnostic(
        self, text: str, hint: str, code: str, column: int | None = None, row: int | None = None
    ) -> Diagnostic:
        """Return a diagnostic of a column, a row or the value in both, with its location in the file."""
        diagnostic = Diagnostic("time" if column is None else self.names[column], text, hint, code)
        if self.origin is None:
            return diagnostic
        if row is not None:
            return diagnostic.located_at(self.origin.file, int(self.origin.lines[row]))
        begin = 1 if column is None else self.origin.columns[column]
        return diagnostic.located_at(self.origin.file, self.origin.line, begin)

    # -- periods and rows -------------------------------------------------------------------

    @property
    def _begin(self) -> float:
        return float(self.times[0]) - TIME_ROUNDING * abs(float(self.times[0]))

    @property
    def _end(self) -> float:
        last = float(self.times[-1])
        return last + TIME_ROUNDING * abs(last) if self.after == "refuse" else math.inf

    @cached_property
    def _rows(self) -> int:
        """Return the number of rows that begin an interval; the last row of a closed trace only ends one."""
        return self.times.size - is_closed(self)

    @cached_property
    def _length(self) -> float:
        """Return the period [s]."""
        return float(self.times[-1] - self.times[0]) if self.period is None else float(self.period)

    def _time(self, cycle: int, row: int) -> float:
        """Return the time of a row [s] from the number of its period, without accumulated rounding."""
        if row == self._rows:
            if self.after != "repeat":
                return math.inf
            cycle, row = cycle + 1, 0
        time = float(self.times[row])
        if cycle == 0:
            return time
        return min(time + cycle * self._length, float(self.times[0]) + (cycle + 1) * self._length)

    def _next_row(self, row: int) -> int:
        """Return the row whose values are reached at the end of a row."""
        return row if self.kind == "steps" else min(row + 1, self.times.size - 1)

    def _find(self, t: float, before: bool) -> tuple[int, int]:
        """Return period and row of a time [s]; where two rows meet, the later, or the earlier if `before`."""
        if not self._begin <= t <= self._end:
            self.must_cover(t, t)
            raise argument_error("t", f"{t} s is not a time", "", "E-RANGE")
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
        """Return the rows, ascending, at whose beginning a value or a slope jumps."""
        rows, is_repeated = self._rows, self.after == "repeat"
        then = np.array([self._next_row(row) for row in range(rows)])
        widths = np.diff(self.times[:rows], append=self.times[0] + self._length if is_repeated else math.inf)
        rise = self.values[then] - self.values[:rows]
        slope = np.divide(rise, widths[:, None], out=np.zeros_like(rise), where=widths[:, None] > 0.0)
        slope_before, reached = np.roll(slope, 1, axis=0), np.roll(self.values[then], 1, axis=0)
        bends = np.abs(slope - slope_before) > SLOPE_TOLERANCE * np.maximum(
            np.abs(slope), np.abs(slope_before)
        )
        jumps = np.any(bends | (reached != self.values[:rows]), axis=1) | np.roll(widths == 0.0, 1)
        if not is_repeated:
            jumps[0] = False
        return np.flatnonzero(jumps)

    @cached_property
    def _sums(self) -> np.ndarray:
        """Return the integrals from the first time to the beginning of each row and to the period's end."""
        rows = self._rows
        then = np.array([self._next_row(row) for row in range(rows)])
        end = self.times[0] + self._length if self.after == "repeat" else self.times[-1]
        widths = np.diff(self.times[:rows], append=end)
        pieces = 0.5 * widths[:, None] * (self.values[:rows] + self.values[then])
        return np.concatenate([np.zeros((1, len(self.names))), np.cumsum(pieces, axis=0)])

    def _integral(self, t: float) -> np.ndarray:
        cycle, row = self._find(t, before=False)
        piece = 0.5 * (t - self._time(cycle, row)) * (self.values[row] + self.at(t))
        whole: np.ndarray = cycle * self._sums[-1] + self._sums[row] + piece
        return whole


def _values_in_si(values: Any, units: Sequence[str]) -> np.ndarray:
    """Return the values of a trace as a table of numbers, text converted by the unit of its column.

    Raises ArgumentError (E-TYPE, E-UNIT) where a value is neither a number nor such a text.
    """
    given = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    if given.dtype.kind in "fiu":
        return np.array(given, dtype=np.float64)
    if given.ndim != 2 or given.shape[1] != len(units):
        return quantities_in_si(given, "power", "Trace.values")
    table = np.empty(given.shape)
    for n, unit in enumerate(units):
        dimension = DIMENSION_OF_UNIT.get(unit, "power")  # an unknown unit is reported by the trace
        for row, value in enumerate(given[:, n]):
            table[row, n] = to_si(value, dimension, f"Trace.values[{row}][{n}]")
    return table
