"""What traces and functions of time do to a model: the heat of its cells and what is outside of its faces."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import scipy.sparse as sp

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.heat_sources import HeatSources
from thermostack.mesh.model import Model
from thermostack.mesh.source_names import MAX_HINTS, listed
from thermostack.transient.trace import Trace
from thermostack.transient.waveform import COOLED, TimeFunction, Waveform, face_of, seconds
from thermostack.units import format_quantity

_COLD = "write allow_negative: true in its power where something is cooled"


class Loads:
    """The powers, temperatures outside and films of a model at any time.

    Heaters that nothing names keep the power the package has drawn. A power for a part or a stack is shared
    by its heaters in proportion to what is drawn, by area where that is nothing.
    """

    def __init__(
        self,
        model: Model,
        trace: Waveform | Sequence[Waveform] | None = None,
        function: Callable[[float], Mapping[str, float]] | None = None,
        *,
        breaks: Sequence[float] = (),
    ) -> None:
        """Take one trace or several, and a function of time [s] that returns powers [W] by name.

        `breaks` are the times [s] at which the function jumps. Raises DescriptionError with every column that
        heats nothing or whose heaters have another one, and every power that the drawing does not allow.
        """
        self.model = model
        self.sources = model.heat_sources
        courses = [] if trace is None else list(trace) if isinstance(trace, Sequence) else [trace]
        if function is not None:
            courses.append(TimeFunction(function, breaks))
        self.waveforms: tuple[Waveform, ...] = tuple(courses)
        columns = _Columns(model, self.waveforms)
        if columns.diagnostics:
            raise DescriptionError(columns.diagnostics)
        self._base, self._gain = columns.base, columns.gain()
        self._outside, self._film = columns.outside, columns.film
        self._is_checked = any(isinstance(course, TimeFunction) for course in courses)
        self._overriding = np.full(self.sources.count, np.nan)  # W
        self._scale = np.ones(self.sources.count)
        self._last: tuple[float, bool, np.ndarray] | None = None

    # -- at a time ---------------------------------------------------------------------------

    @property
    def cell(self) -> np.ndarray:
        """Return the index of every heated cell in the raveled grid, (n,), ascending."""
        return self.sources.cell

    @property
    def is_ambient_constant(self) -> bool:
        """Return whether no temperature outside changes."""
        return not self._outside

    @property
    def is_htc_constant(self) -> bool:
        """Return whether no film changes."""
        return not self._film

    def cell_powers(self, t: float, *, before: bool = False) -> np.ndarray:
        """Return the heat [W] of the cells of `cell` at a time [s], (n,); at a jump what begins there.

        With `before` it is what ends there.
        """
        return self.sources.cell_powers(self.source_powers(t, before=before))

    def power(self, t: float, *, before: bool = False) -> np.ndarray:
        """Return the heat [W] of every part, then of every block of the model at a time [s], (members,)."""
        power: np.ndarray = self.sources.part_fractions @ self.source_powers(t, before=before)
        return power

    def ambient_temperature(self, t: float, *, before: bool = False) -> np.ndarray:
        """Return the temperature [K] outside of each of the model's surfaces at a time [s], (surfaces,)."""
        temperature = self.model.boundary.temperature.copy()
        values = self._values(t, before)
        for column, which in self._outside:
            temperature[which] = values[column]
        return temperature

    def htc_fraction(self, t: float, *, before: bool = False) -> np.ndarray | None:
        """Return the share of each surface's film at a time [s], (surfaces,); None where none changes."""
        if not self._film:
            return None
        share = np.ones(self.model.boundary.cell.size)
        values = self._values(t, before)
        for column, which in self._film:
            share[which] = values[column]
        return share

    def source_powers(self, t: float, *, before: bool = False) -> np.ndarray:
        """Return the heat [W] of each heater at a time [s], (heaters,)."""
        heat: np.ndarray = self._base + self._gain @ self._values(t, before)
        if self._is_checked:
            self._check_signs(heat, f"at {seconds(t)}")
        heat = np.where(np.isnan(self._overriding), heat, self._overriding)
        return heat * self._scale

    def next_event(self, t: float) -> float:
        """Return the next time [s] after t at which something jumps or bends, infinite where nothing does."""
        return min((course.next_event(t) for course in self.waveforms), default=math.inf)

    def must_cover(self, until: float, since: float = 0.0) -> None:
        """Raise DescriptionError where a trace says nothing of a piece of the time [s] between the two."""
        diagnostics: list[Diagnostic] = []
        for course in self.waveforms:
            try:
                course.must_cover(until, since)
            except DescriptionError as error:
                diagnostics += error.diagnostics
        if diagnostics:
            raise DescriptionError(diagnostics)

    def _values(self, t: float, before: bool) -> np.ndarray:
        """Return the values of all columns at a time [s]."""
        if self._last is None or self._last[:2] != (t, before):
            values = [course.at(t, before=before) for course in self.waveforms]
            self._last = t, before, np.concatenate([np.zeros(0), *values])
        return self._last[2]

    # -- by others than traces ---------------------------------------------------------------

    def override(self, powers: Mapping[str, float | None]) -> None:
        """Give heaters powers [W] by name, from now on; None gives them back to the trace or the drawing.

        Raises DescriptionError with every name that heats nothing and every power that cannot be.
        """
        diagnostics: list[Diagnostic] = []
        overriding = self._overriding.copy()
        for name, power in powers.items():
            try:
                found = self.sources.find(name)
                if power is None:
                    overriding[found] = np.nan
                    continue
                if not math.isfinite(power):
                    raise DescriptionError(Diagnostic(name, f"{power} is not a finite power", "", "E-RANGE"))
                shares = self.sources.power_fractions(name, found) * power
                self._check_signs(shares, "", found)
                overriding[found] = shares
            except DescriptionError as error:
                diagnostics += error.diagnostics
        if diagnostics:
            raise DescriptionError(diagnostics)
        self._overriding = overriding

    def scale(self, shares: Mapping[str, float]) -> None:
        """Let heaters make only a share of their power, by name, until said otherwise.

        What is not named makes all of it again; of several names for one heater the shares multiply.
        Raises DescriptionError with every name that heats nothing and every share below zero.
        """
        diagnostics: list[Diagnostic] = []
        scale = np.ones(self.sources.count)
        for name, share in shares.items():
            try:
                found = self.sources.find(name)
                if not (math.isfinite(share) and share >= 0.0):
                    text = f"{share} is not a share of a power"
                    raise DescriptionError(Diagnostic(name, text, "a number of zero or more", "E-RANGE"))
                scale[found] *= share
            except DescriptionError as error:
                diagnostics += error.diagnostics
        if diagnostics:
            raise DescriptionError(diagnostics)
        self._scale = scale

    def state(self) -> dict[str, np.ndarray]:
        """Return what was overridden [W], NaN where nothing was, and the shares, (heaters,) each."""
        return {"override": self._overriding.copy(), "scale": self._scale.copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from a state. Raises DescriptionError where it is not of these heaters."""
        kept = {name: np.array(state[name], dtype=np.float64) for name in ("override", "scale")}
        if any(values.shape != (self.sources.count,) for values in kept.values()):
            text = f"the state is of {kept['scale'].size} heaters, the model has {self.sources.count}"
            raise DescriptionError(Diagnostic("loads", text, "go on with the same package", "E-VALUE"))
        self._overriding, self._scale = kept["override"], kept["scale"]

    def _check_signs(self, heat: np.ndarray, when: str, which: np.ndarray | None = None) -> None:
        """Raise where a heater makes less than zero [W] and the drawing does not allow that."""
        which = np.arange(self.sources.count) if which is None else which
        for n in np.flatnonzero((heat < 0.0) & ~self.sources.allows_negative[which])[:MAX_HINTS].tolist():
            text = " ".join([format_quantity(heat[n], "power"), *([when] if when else []), "is negative"])
            raise DescriptionError(Diagnostic(self.sources.names[which[n]], text, _COLD, "E-POWER"))


class _Columns:
    """What every column of some traces and functions is for, and what is wrong with that."""

    def __init__(self, model: Model, courses: Sequence[Waveform]) -> None:
        self.model = model
        heaters = self.heaters = model.heat_sources
        self.owner: list[tuple[Waveform, int] | None] = [None] * heaters.count  # a column of each heater
        self.faces: dict[str, str] = {}
        self.rows: list[np.ndarray] = [np.zeros(0, dtype=np.intp)]  # of the gains, by column
        self.gains: list[np.ndarray] = [np.zeros(0)]
        self.outside: list[tuple[int, np.ndarray]] = []  # column and its surfaces
        self.film: list[tuple[int, np.ndarray]] = []
        self.diagnostics: list[Diagnostic] = []
        self.columns = 0
        for course in courses:
            for n, (name, unit) in enumerate(zip(course.names, course.units, strict=True)):
                try:
                    self._take(course, n, name, unit)
                except DescriptionError as error:
                    self.diagnostics += [
                        course.diagnostic(f.message, f.hint, f.code, n) for f in error.diagnostics
                    ]
                self.columns += 1
        if not self.diagnostics:
            for course in courses:
                self.diagnostics += _missing(heaters, self.owner, course)
        is_owned = np.array([owner is not None for owner in self.owner], dtype=bool)
        is_off = any(isinstance(course, Trace) and course.rest == "off" for course in courses)
        self.base = np.where(is_owned | is_off, 0.0, heaters.described_power)  # W of what no column gives

    def gain(self) -> sp.csr_array:
        """Return what each column adds to the heat of each heater, (heaters, columns)."""
        which = np.repeat(np.arange(len(self.rows)), [rows.size for rows in self.rows]) - 1
        data = np.concatenate(self.gains)
        shape = self.heaters.count, self.columns
        return sp.csr_array((data, (np.concatenate(self.rows), which)), shape=shape)

    def _take(self, course: Waveform, n: int, name: str, unit: str) -> None:
        rows, gains = self._cooling(name) if face_of(name) else self._heating(course, n, name, unit)
        self.rows.append(rows)
        self.gains.append(gains)

    def _heating(self, course: Waveform, n: int, name: str, unit: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the heaters of a column, and the watts of each for one unit of it."""
        heaters = self.heaters
        found = heaters.find(name, is_hinted=len(self.diagnostics) < MAX_HINTS)
        for owner in dict.fromkeys(self.owner[heater] for heater in found.tolist()):
            if owner is not None:
                other, column = owner
                text = f"{name} and {other.names[column]} both give the power of "
                text += heaters.names[next(h for h in found.tolist() if self.owner[h] == owner)]
                raise DescriptionError(Diagnostic(name, text, "leave one of the columns out", "E-DUPLICATE"))
        for heater in found.tolist():
            self.owner[heater] = course, n
        if unit == "1":
            if not heaters.described_power[found].any():
                text = f"a share of nothing: no power is drawn for {name}"
                raise DescriptionError(Diagnostic(name, text, f"write {name} [W]", "E-POWER"))
            return found, heaters.described_power[found]
        shares = heaters.power_fractions(name, found)
        if isinstance(course, Trace) and not heaters.allows_negative[found].all():
            negative = np.flatnonzero(course.values[:, n] < 0.0)
            if negative.size:
                watts = format_quantity(course.values[negative[0], n], "power")
                more = f", and {negative.size - 1} more of its values are" if negative.size > 1 else ""
                self.diagnostics.append(
                    course.diagnostic(f"{watts} is negative{more}", _COLD, "E-POWER", n, int(negative[0]))
                )
        return found, shares

    def _cooling(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Note the surfaces that a column of the cooling is for; it has no heaters."""
        surfaces = self.model.boundary
        face, is_film = face_of(name) or ("", False)
        which = np.flatnonzero((surfaces.face == COOLED.index(face)) & (surfaces.h > 0.0))
        if which.size == 0:
            there = sorted({f"cooling.{COOLED[n]}" for n in surfaces.face[surfaces.h > 0.0].tolist()})
            text = f"the package has no cooling of its own for {face} that has a temperature outside"
            raise DescriptionError(Diagnostic(name, text, f"there is {listed(there)}", "E-COOLING"))
        if is_film and np.isinf(surfaces.h[which]).any():
            text = f"{face} is held at a temperature and has no film"
            raise DescriptionError(Diagnostic(name, text, f"give cooling.{face} [degC]", "E-COOLING"))
        if name in self.faces:
            text = f"{name} stands in two traces"
            raise DescriptionError(Diagnostic(name, text, "leave one of the columns out", "E-DUPLICATE"))
        self.faces[name] = name
        (self.film if is_film else self.outside).append((self.columns, which))
        return np.zeros(0, dtype=np.intp), np.zeros(0)


def _missing(
    heaters: HeatSources, owners: Sequence[tuple[Waveform, int] | None], course: Waveform
) -> Iterator[Diagnostic]:
    """Yield the layers of which a trace names some heaters, and others nowhere, where it does not say so."""
    if not isinstance(course, Trace) or course.rest != "refuse":
        return
    for source in range(len(heaters.layer_parts)):
        own = np.flatnonzero(heaters.layer == source).tolist()
        columns = [owner[1] for n in own if (owner := owners[n]) is not None and owner[0] is course]
        is_drawn = bool(heaters.described_power[own].any())
        idle = [n for n in own if owners[n] is None and (heaters.described_power[n] != 0.0 or not is_drawn)]
        if columns and idle:
            part = heaters.part_names[heaters.layer_parts[source]]
            names = listed(heaters.names[n].removeprefix(f"{part}.") for n in idle)
            text = f"{len(idle)} of the {len(own)} blocks of {part} have no column: {names}"
            remedy = "add them, or say what they do: rest: drawn, or rest: off"
            yield course.diagnostic(text, remedy, "E-MISSING", min(columns))
