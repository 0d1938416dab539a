"""What may change over time: columns of powers, temperatures outside and films; given by a function here."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.package.cooling import FACES
from thermostack.schema.fields import quote_value, suggest
from thermostack.units import write_quantity

UNITS = ("W", "1", "K")  # a power, a share of what is drawn, a temperature outside
COOLED = (*FACES, "surroundings")
_UNIT_NOUNS = {"W": "a power", "1": "a share", "K": "a temperature"}


class Waveform(Protocol):
    """Columns of values over time: a trace, or a function of time."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return what each column is of."""

    @property
    def units(self) -> tuple[str, ...]:
        """Return the unit of each column, of `UNITS`."""

    def at(self, t: float, *, before: bool = False) -> np.ndarray:
        """Return the values at a time [s], (columns,): those that begin there, or with `before` end there."""

    def next_event(self, t: float) -> float:
        """Return the next time [s] after t at which a value or a slope jumps, infinite where none does."""

    def must_cover(self, until: float, since: float = 0.0) -> None:
        """Raise DescriptionError where nothing is said of a piece of the time [s] from since to until."""

    def diagnostic(
        self, text: str, remedy: str, code: str, column: int, row: int | None = None
    ) -> Diagnostic:
        """Return what is wrong with a column, or with its value in a row, at its place."""


class TimeFunction:
    """Powers [W], and temperatures outside [K], as a Python function of time.

    The function takes a time [s] and returns values by name, the same names at any time. It may be asked at
    any time, in any order. `breaks` are the times [s] at which its values or their slopes jump: only they
    are met exactly.
    """

    def __init__(
        self, function: Callable[[float], Mapping[str, float]], breaks: Sequence[float] = ()
    ) -> None:
        self.function = function
        self.breaks = tuple(sorted(float(time) for time in breaks))
        self.names = tuple(self._asked(0.0))
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

    def at(self, t: float, *, before: bool = False) -> np.ndarray:
        """Return the values at a time [s], (columns,); with `before` just before it."""
        if before and t in self.breaks:
            t = math.nextafter(t, -math.inf)
        found = self._asked(t)
        if found.keys() != set(self.names):
            odd = sorted(found.keys() ^ set(self.names), key=str)[0]
            text = f"the function names {odd!r} at {seconds(0.0 if odd not in found else t)} alone"
            raise DescriptionError(Diagnostic(str(odd), text, "return the same names at any time", "E-NAME"))
        values = np.array([float(found[name]) for name in self.names])
        for n in np.flatnonzero(~np.isfinite(values)).tolist():
            text = f"{values[n]} at {seconds(t)} is not a finite number"
            raise DescriptionError(Diagnostic(self.names[n], text, "", "E-RANGE"))
        for n in np.flatnonzero((values <= 0.0) & (np.array(self.units) == "K")).tolist():
            text = f"{values[n]:g} K at {seconds(t)} is not above absolute zero"
            raise DescriptionError(Diagnostic(self.names[n], text, "temperatures are in kelvin", "E-RANGE"))
        return values

    def next_event(self, t: float) -> float:
        """Return the next break [s] after t, infinite where there is none."""
        n = bisect_right(self.breaks, t)
        return self.breaks[n] if n < len(self.breaks) else math.inf

    def must_cover(self, until: float, since: float = 0.0) -> None:
        """Do nothing: a function has a value at any time."""

    def diagnostic(
        self, text: str, remedy: str, code: str, column: int, row: int | None = None
    ) -> Diagnostic:
        """Return what is wrong with a column."""
        return Diagnostic(self.names[column], text, remedy, code)

    def _asked(self, t: float) -> Mapping[str, float]:
        found = self.function(t)
        if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
            text = f"the function returns {quote_value(found)}"
            raise DescriptionError(
                Diagnostic("function", text, 'return powers by name: {"gpu": 500.0}', "E-TYPE")
            )
        return found


def face_of(name: str) -> tuple[str, bool] | None:
    """Return the face that a column of the cooling is of, and whether of its film; None for other names."""
    for face in COOLED:
        if name in (f"cooling.{face}", f"cooling.{face}.h"):
            return face, name.endswith(".h")
    return None


def unit_of(name: str) -> str:
    """Return the unit of a column of that name where none is said."""
    face = face_of(name)
    return "W" if face is None else "1" if face[1] else "K"


def column_diagnostic(name: str, unit: str, *, is_stepped: bool) -> tuple[str, str, str] | None:
    """Return message, remedy and code of what is wrong with a column by its name and unit alone."""
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable():
        return f"{quote_value(name)} is not the name of a column", "", "E-NAME"
    if unit not in UNITS:
        return f"{quote_value(unit)} is not the unit of a column", "W, 1 (a share) or K", "E-UNIT"
    face = face_of(name)
    if unit == "K" and (face is None or face[1]):
        text = f"{quote_value(name)} has no temperature that could be given"
        if not name.startswith("cooling."):
            return text, "write cooling.top, or give W or %", "E-UNIT"
        remedy = suggest(name.split(".")[1], COOLED) or f"the faces are {', '.join(COOLED)}"
        return text, remedy, "E-NAME"
    if face is not None and not face[1] and unit != "K":
        text = f"{_UNIT_NOUNS[unit]} is not what is outside of a face"
        return text, f"write {name} [degC], or {name}.h [%] for its film", "E-UNIT"
    if face is not None and face[1] and unit != "1":
        return f"{_UNIT_NOUNS[unit]} is not a share of a film", f"write {name} [%]", "E-UNIT"
    if face is not None and face[1] and not is_stepped:
        remedy = "give the film a trace of its own, of steps"
        return "a film changes in steps alone", remedy, "E-TRACE"
    return None


def seconds(time: float) -> str:
    """Return a time as text, all of its digits."""
    return "0 s" if time == 0.0 or not math.isfinite(time) else write_quantity(float(time), "time")
