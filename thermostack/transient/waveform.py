"""Waveforms: powers, ambient temperatures and heat-transfer coefficients over time, as columns of values."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.package.cooling import FACES
from thermostack.schema.arguments import quantities_in_si, require_callable
from thermostack.schema.fields import quote_value, to_si
from thermostack.schema.spelling import counted, suggest
from thermostack.units import write_quantity

UNITS = (
    "W",
    "1",
    "K",
)  # a power, a fraction of a power or coefficient of the package, an ambient temperature
MAX_SHOWN_COLUMNS = 4  # in a representation
DIMENSION_OF_UNIT = {"W": "power", "1": "fraction", "K": "temperature"}
COOLED_FACES = (*FACES, "surroundings")
_UNIT_NOUNS = {"W": "a power", "1": "a fraction", "K": "a temperature"}


@runtime_checkable
class Waveform(Protocol):
    """Interface of columns of values over time, such as a `Trace` or a function of time.

    A column is a power [W], a fraction of the power in the package or of a heat-transfer coefficient ("1"),
    or an ambient temperature [K]; its name says of which part or face, as in `Trace`.

    Examples
    --------
    >>> import thermostack as ts
    >>> waveform = ts.Trace.duty_cycle("gpu", 500.0, period=0.1, share=0.5)
    >>> waveform.names, waveform.units, waveform.at(0.02), waveform.next_event(0.02)
    (('gpu',), ('W',), array([500.]), 0.05)
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Return the name of each column."""

    @property
    def units(self) -> tuple[str, ...]:
        """Return the unit of each column: "W", "1" or "K"."""

    def at(self, t: float, *, before: bool = False) -> np.ndarray:
        """Return the values at a time [s], (columns,); at a jump those after it, or before it if `before`."""

    def next_event(self, t: float) -> float:
        """Return the next time [s] after t at which a value or a slope jumps, infinity if none does."""

    def must_cover(self, until: float, since: float = 0.0) -> None:
        """Raise DescriptionError if the values are not defined at all times [s] from `since` to `until`."""

    def diagnostic(self, text: str, hint: str, code: str, column: int, row: int | None = None) -> Diagnostic:
        """Return a diagnostic of a column, or of its value in a row, with its location in the file."""


class TimeFunction:
    """Powers [W] and ambient temperatures [K] as a Python function of time.

    Parameters
    ----------
    function : callable
        Takes a time [s] and returns values by name, the same names at any time; text has a unit, "10 W". The
        solver calls it at any time, not in increasing order.
    breaks : sequence of float
        Times [s] at which values or slopes jump; a step ends at each of them.

    Raises
    ------
    DescriptionError
        If a name has no unit that is known, a break is not finite, or the function returns no mapping.

    Examples
    --------
    >>> from thermostack import TimeFunction
    >>> ramp = TimeFunction(lambda t: {"gpu": 100.0 * min(t, 1.0)}, breaks=[1.0])
    >>> ramp.at(0.5).tolist(), ramp.next_event(0.0)
    ([50.0], 1.0)
    """

    def __init__(
        self, function: Callable[[float], Mapping[str, float | str]], breaks: Sequence[float | str] = ()
    ) -> None:
        require_callable(function, "function", 'pass a function of time: lambda t: {"gpu": 500.0}')
        self.function = function
        times: list[float] = quantities_in_si(breaks, "time", "breaks").reshape(-1).tolist()
        self.breaks = tuple(sorted(times))
        self.names = tuple(self._evaluate(0.0))
        self.units = tuple(unit_of(name) for name in self.names)
        diagnostics = [
            Diagnostic(name, *wrong)
            for name, unit in zip(self.names, self.units, strict=True)
            if (wrong := column_diagnostic(name, unit, is_stepped=False))
        ]
        if not all(math.isfinite(time) for time in self.breaks):
            diagnostics.append(Diagnostic("breaks", "a break is not a finite time", "", "E-RANGE"))
        if diagnostics:
            raise DescriptionError(diagnostics)

    def __repr__(self) -> str:
        """Return the columns and the number of breaks in one line."""
        columns = [f"{name} [{unit}]" for name, unit in zip(self.names, self.units, strict=True)]
        more = f" and {len(columns) - MAX_SHOWN_COLUMNS} more" if len(columns) > MAX_SHOWN_COLUMNS else ""
        shown = ", ".join(columns[:MAX_SHOWN_COLUMNS])
        return f"TimeFunction(columns {shown}{more}; {counted(len(self.breaks), 'break')})"

    def at(self, t: float | str, *, before: bool = False) -> np.ndarray:
        """Return the values at a time [s], (columns,); just before it if `before`."""
        t = to_si(t, "time", "t")
        if before and t in self.breaks:
            t = math.nextafter(t, -math.inf)
        found = self._evaluate(t)
        if found.keys() != set(self.names):
            odd = sorted(found.keys() ^ set(self.names), key=str)[0]
            text = f"the function returns {odd!r} at {seconds(0.0 if odd not in found else t)} only"
            raise DescriptionError(Diagnostic(str(odd), text, "return the same names at any time", "E-NAME"))
        columns = zip(self.names, self.units, strict=True)
        values = np.array([to_si(found[name], DIMENSION_OF_UNIT[unit], name) for name, unit in columns])
        for n in np.flatnonzero(~np.isfinite(values)).tolist():
            text = f"{values[n]} at {seconds(t)} is not a finite number"
            raise DescriptionError(Diagnostic(self.names[n], text, "", "E-RANGE"))
        for n in np.flatnonzero((values <= 0.0) & (np.array(self.units) == "K")).tolist():
            text = f"{values[n]:g} K at {seconds(t)} is not above absolute zero"
            raise DescriptionError(Diagnostic(self.names[n], text, "temperatures are in kelvin", "E-RANGE"))
        return values

    def next_event(self, t: float | str) -> float:
        """Return the next break [s] after t, infinity if there is none."""
        t = to_si(t, "time", "t")
        n = bisect_right(self.breaks, t)
        return self.breaks[n] if n < len(self.breaks) else math.inf

    def must_cover(self, until: float | str, since: float | str = 0.0) -> None:
        """Do nothing: a function has values at all times."""

    def diagnostic(self, text: str, hint: str, code: str, column: int, row: int | None = None) -> Diagnostic:
        """Return a diagnostic of a column."""
        return Diagnostic(self.names[column], text, hint, code)

    def _evaluate(self, t: float) -> Mapping[str, float | str]:
        found = self.function(t)
        if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
            text = f"the function returns {quote_value(found)}"
            raise DescriptionError(
                Diagnostic("function", text, 'return powers by name: {"gpu": 500.0}', "E-TYPE")
            )
        return found


def face_of(name: str) -> tuple[str, bool] | None:
    """Return the face of a cooling column, and whether it is a heat-transfer coefficient; else None."""
    for face in COOLED_FACES:
        if name in (f"cooling.{face}", f"cooling.{face}.h"):
            return face, name.endswith(".h")
    return None


def unit_of(name: str) -> str:
    """Return the default unit of a column with a name."""
    face = face_of(name)
    return "W" if face is None else "1" if face[1] else "K"


def column_diagnostic(name: str, unit: str, *, is_stepped: bool) -> tuple[str, str, str] | None:
    """Return message, hint and code of an error in the name or unit of a column, None if there is none."""
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable():
        return f"{quote_value(name)} is not a column name", "", "E-NAME"
    if unit not in UNITS:
        return f"{quote_value(unit)} is not the unit of a column", "use W, 1 (a fraction) or K", "E-UNIT"
    face = face_of(name)
    if unit == "K" and (face is None or face[1]):
        text = f"{quote_value(name)} has no temperature that a trace could set"
        if not name.startswith("cooling."):
            return text, "write cooling.top, or give W or %", "E-UNIT"
        hint = suggest(name.split(".")[1], COOLED_FACES) or f"the faces are {', '.join(COOLED_FACES)}"
        return text, hint, "E-NAME"
    if face is not None and not face[1] and unit != "K":
        text = f"{_UNIT_NOUNS[unit]} is not an ambient temperature"
        return text, f"write {name} [degC], or {name}.h [%] for its heat-transfer coefficient", "E-UNIT"
    if face is not None and face[1] and unit != "1":
        text = f"{_UNIT_NOUNS[unit]} is not a fraction of a heat-transfer coefficient"
        return text, f"write {name} [%]", "E-UNIT"
    if face is not None and face[1] and not is_stepped:
        hint = "put it in a trace of kind steps"
        return "a heat-transfer coefficient cannot change linearly", hint, "E-TRACE"
    return None


def seconds(time: float) -> str:
    """Return a time as text with all of its digits."""
    return "0 s" if time == 0.0 or not math.isfinite(time) else write_quantity(float(time), "time")
