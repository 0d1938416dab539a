"""Loads: traces and functions of time mapped to cell powers, ambient temperatures and htc of a model."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import scipy

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.heat_sources import HeatSources
from thermostack.mesh.model import Model, is_equal_model
from thermostack.mesh.source_names import MAX_HINTS, listed
from thermostack.schema.arguments import argument_error, require_instance, require_mapping
from thermostack.schema.fields import to_si
from thermostack.schema.spelling import counted
from thermostack.transient.trace import Trace
from thermostack.transient.trace_warnings import ambient_warnings, htc_warnings
from thermostack.transient.waveform import COOLED_FACES, TimeFunction, Waveform, face_of, seconds
from thermostack.units import format_quantity

_NEGATIVE_HINT = "set allow_negative: true in its power if it is a cooler"

MAX_REPR_NAMES = 6  # columns in the text that represents loads


class Loads:
    """Powers, ambient temperatures and heat-transfer coefficients of a model at any time.

    Heat sources without a column keep the power in the package. A power of a part or a stack is distributed
    to its heat sources in proportion to their power in the package, or by area if that is zero. A run uses a
    copy, so that its throttling and its replaced powers do not change the loads of the next run.

    Parameters
    ----------
    model : Model
        The mesh.
    trace : Waveform or sequence of Waveform, optional
        One or several traces.
    function : callable, optional
        Function of time [s] that returns powers [W] by name.
    breaks : sequence of float
        Times [s] at which the function jumps.

    Raises
    ------
    DescriptionError
        With every column that has no heat source, every heat source with two columns, and every power below
        zero that the package does not permit.

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("fcbga"), cell=6e-3)
    >>> loads = ts.Loads(model, ts.Trace.duty_cycle("die", 60.0, period=1.0, share=0.25))
    >>> float(loads.cell_powers(0.1).sum()), loads.next_event(0.1)
    (60.0, 0.25)
    """

    def __init__(
        self,
        model: Model,
        trace: Waveform | Sequence[Waveform] | None = None,
        function: Callable[[float], Mapping[str, float]] | None = None,
        *,
        breaks: Sequence[float | str] = (),
    ) -> None:
        hint = "discretize(package) returns a model"
        require_instance(model, (Model,), "model", "a Model", hint, reader="read_package")
        self.model = model
        self.sources: HeatSources = model.heat_sources
        waveforms = _as_waveforms(trace)
        if function is not None:
            waveforms.append(TimeFunction(function, breaks))
        self.waveforms: tuple[Waveform, ...] = tuple(waveforms)
        columns = _Columns(model, self.waveforms)
        if columns.diagnostics:
            raise DescriptionError(columns.diagnostics)
        self._base, self._gain = columns.base, columns.gain()
        self._ambient, self._htc = columns.ambient, columns.htc
        self._is_checked = any(isinstance(waveform, TimeFunction) for waveform in waveforms)
        self._override = np.full(self.sources.count, np.nan)  # W
        self._scale = np.ones(self.sources.count)
        self._last: tuple[float, bool, np.ndarray] | None = None

    def __repr__(self) -> str:
        """Return the number of heat sources and of waveforms, and the names of the first columns."""
        names = [name for waveform in self.waveforms for name in waveform.names]
        columns = ", ".join(names[:MAX_REPR_NAMES]) + (", ..." if len(names) > MAX_REPR_NAMES else "")
        driven = f" driven by {columns}" if names else ", constant"
        return f"Loads of {self.model.package.name!r}: {counted(self.sources.count, 'heat source')}{driven}"

    # -- at a time ---------------------------------------------------------------------------

    @property
    def cell(self) -> np.ndarray:
        """Return the index of every heated cell in the raveled grid, (n,), ascending."""
        return self.sources.cell

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the warnings of `trace_warnings` (W-RANGE, W-COOLING), over all rows of every trace."""
        found: list[Diagnostic] = []
        for trace in self.waveforms:
            found += ambient_warnings(trace) if isinstance(trace, Trace) else ()
        owners = [(waveform, n) for waveform in self.waveforms for n in range(len(waveform.names))]
        for column, which in self._htc:
            waveform, n = owners[column]
            if isinstance(waveform, Trace):
                found += htc_warnings(waveform, n, self.model.boundary.h[which])
        return tuple(map(str, found))

    @property
    def is_ambient_constant(self) -> bool:
        """Return whether no ambient temperature changes."""
        return not self._ambient

    @property
    def is_htc_constant(self) -> bool:
        """Return whether no heat-transfer coefficient changes."""
        return not self._htc

    def cell_powers(self, t: float | str, *, before: bool = False) -> np.ndarray:
        """Return the power [W] of the cells of `cell` at a time [s], (n,).

        At a jump it is the power after it, or before it if `before`.
        """
        return self.sources.cell_powers(self.source_powers(t, before=before))

    def power(self, t: float | str, *, before: bool = False) -> np.ndarray:
        """Return the power [W] of every part, then of every block, at a time [s], (members,)."""
        power: np.ndarray = self.sources.part_fractions @ self.source_powers(t, before=before)
        return power

    def ambient_temperature(self, t: float | str, *, before: bool = False) -> np.ndarray:
        """Return the ambient temperature [K] of each boundary face at a time [s], (faces,)."""
        temperature = self.model.boundary.temperature.copy()
        values = self._values(t, before)
        for column, which in self._ambient:
            temperature[which] = values[column]
        return temperature

    def htc_fraction(self, t: float | str, *, before: bool = False) -> np.ndarray | None:
        """Return the factor of each boundary face's htc at a time [s], (faces,); None if none changes."""
        if not self._htc:
            return None
        fraction = np.ones(self.model.boundary.cell.size)
        values = self._values(t, before)
        for column, which in self._htc:
            fraction[which] = values[column]
        return fraction

    def source_powers(self, t: float | str, *, before: bool = False) -> np.ndarray:
        """Return the power [W] of each heat source at a time [s, or text with a unit], (sources,)."""
        t = to_si(t, "time", "t")
        power: np.ndarray = self._base + self._gain @ self._values(t, before)
        if self._is_checked:
            self._check_signs(power, f"at {seconds(t)}")
        power = np.where(np.isnan(self._override), power, self._override)
        return power * self._scale

    def next_event(self, t: float | str) -> float:
        """Return the next time [s] after t at which a value or a slope jumps, infinity if none does."""
        t = to_si(t, "time", "t")
        return min((waveform.next_event(t) for waveform in self.waveforms), default=math.inf)

    def must_cover(self, until: float | str, since: float | str = 0.0) -> None:
        """Raise DescriptionError if a trace has no values at some times [s] from `since` to `until`."""
        since, until = to_si(since, "time", "since"), to_si(until, "time", "until")
        diagnostics: list[Diagnostic] = []
        for waveform in self.waveforms:
            try:
                waveform.must_cover(until, since)
            except DescriptionError as error:
                diagnostics += error.diagnostics
        if diagnostics:
            raise DescriptionError(diagnostics)

    def _values(self, t: float | str, before: bool) -> np.ndarray:
        """Return the values of all columns at a time [s]."""
        t = to_si(t, "time", "t")
        if self._last is None or self._last[:2] != (t, before):
            values = [waveform.at(t, before=before) for waveform in self.waveforms]
            self._last = t, before, np.concatenate([np.zeros(0), *values])
        return self._last[2]

    def copy_for(self, model: Model) -> Loads:
        """Return a copy whose replacements and factors can change without those of these loads.

        Raises ArgumentError if the loads belong to a model with another package or other cells.
        """
        if not is_equal_model(self.model, model):
            text = f"they belong to a model of {self.model.package.name!r} with another description or grid"
            hint = "write Loads(model, ...) with the model of the run"
            raise argument_error("loads", text, hint)
        copied = copy.copy(self)
        copied.restore(self.state())
        return copied

    # -- overrides and scales ---------------------------------------------------------------

    def override(self, powers: Mapping[str, float | str | None]) -> None:
        """Replace the powers [W] of heat sources by name from now on; None removes the replacement.

        Raises DescriptionError with every name without a heat source and every power that is not permitted.
        """
        require_mapping(powers, "powers", 'write {"gpu": "60 W"}')
        diagnostics: list[Diagnostic] = []
        override = self._override.copy()
        for name, power in powers.items():
            try:
                found = self.sources.find(name)
                if power is None:
                    override[found] = np.nan
                    continue
                power = to_si(power, "power", name)
                if not math.isfinite(power):
                    raise DescriptionError(Diagnostic(name, f"{power} is not a finite power", "", "E-RANGE"))
                shares = self.sources.power_fractions(name, found) * power
                self._check_signs(shares, "", found)
                override[found] = shares
            except DescriptionError as error:
                diagnostics += error.diagnostics
        if diagnostics:
            raise DescriptionError(diagnostics)
        self._override = override

    def scale(self, shares: Mapping[str, float | str]) -> None:
        """Multiply the powers of heat sources by factors, by name, until the next call.

        The factor of a heat source without a name is 1; factors of several names for one source multiply.
        Text has a unit, {"gpu": "50 %"}. Raises DescriptionError with every name without a heat source and
        every factor below zero.
        """
        require_mapping(shares, "shares", 'write {"gpu": 0.5}')
        diagnostics: list[Diagnostic] = []
        scale = np.ones(self.sources.count)
        for name, share in shares.items():
            try:
                found = self.sources.find(name)
                share = to_si(share, "fraction", name)
                if not (math.isfinite(share) and share >= 0.0):
                    text = f"{share} is not a factor of power"
                    raise DescriptionError(Diagnostic(name, text, "a number of zero or more", "E-RANGE"))
                scale[found] *= share
            except DescriptionError as error:
                diagnostics += error.diagnostics
        if diagnostics:
            raise DescriptionError(diagnostics)
        self._scale = scale

    def state(self) -> dict[str, np.ndarray]:
        """Return replacements [W], NaN without one, and factors of all heat sources, (sources,) each."""
        return {"override": self._override.copy(), "scale": self._scale.copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state. Raises DescriptionError if it has another number of heat sources."""
        kept = {name: np.array(state[name], dtype=np.float64) for name in ("override", "scale")}
        if any(values.shape != (self.sources.count,) for values in kept.values()):
            text = f"the state has {kept['scale'].size} heat sources, the model has {self.sources.count}"
            raise DescriptionError(Diagnostic("loads", text, "resume with the same package", "E-VALUE"))
        self._override, self._scale = kept["override"], kept["scale"]

    def _check_signs(self, power: np.ndarray, when: str, which: np.ndarray | None = None) -> None:
        """Raise DescriptionError if a power [W] is below zero and the package does not permit that."""
        which = np.arange(self.sources.count) if which is None else which
        for n in np.flatnonzero((power < 0.0) & ~self.sources.allows_negative[which])[:MAX_HINTS].tolist():
            text = " ".join([format_quantity(power[n], "power"), *([when] if when else []), "is negative"])
            raise DescriptionError(Diagnostic(self.sources.names[which[n]], text, _NEGATIVE_HINT, "E-POWER"))


def _as_waveforms(trace: Waveform | Sequence[Waveform] | None) -> list[Waveform]:
    """Return the waveforms of an argument. Raises ArgumentError where one is none."""
    if trace is None:
        return []
    waveforms: list[Any] = list(trace) if isinstance(trace, (list, tuple)) else [trace]
    for waveform in waveforms:
        hint = "pass a Trace, a TimeFunction, or Loads"
        require_instance(waveform, (Waveform,), "loads", "a trace", hint, reader="read_trace")
    return waveforms


class _Columns:
    """Targets of the columns of waveforms, heat sources or boundary faces, and errors in them."""

    def __init__(self, model: Model, waveforms: Sequence[Waveform]) -> None:
        self.model = model
        sources = self.sources = model.heat_sources
        self.owner: list[tuple[Waveform, int] | None] = [None] * sources.count  # column of each source
        self.faces: dict[str, str] = {}
        self.rows: list[np.ndarray] = [np.zeros(0, dtype=np.intp)]  # of the gains, by column
        self.gains: list[np.ndarray] = [np.zeros(0)]
        self.ambient: list[tuple[int, np.ndarray]] = []  # column and its boundary faces
        self.htc: list[tuple[int, np.ndarray]] = []
        self.diagnostics: list[Diagnostic] = []
        self.columns = 0
        for waveform in waveforms:
            for n, (name, unit) in enumerate(zip(waveform.names, waveform.units, strict=True)):
                try:
                    self._add_column(waveform, n, name, unit)
                except DescriptionError as error:
                    self.diagnostics += [
                        waveform.diagnostic(f.message, f.hint, f.code, n) for f in error.diagnostics
                    ]
                self.columns += 1
        if not self.diagnostics:
            for waveform in waveforms:
                self.diagnostics += _missing_blocks(sources, self.owner, waveform)
        is_owned = np.array([owner is not None for owner in self.owner], dtype=bool)
        is_off = any(isinstance(waveform, Trace) and waveform.rest == "off" for waveform in waveforms)
        self.base = np.where(is_owned | is_off, 0.0, sources.described_power)  # W of sources without a column

    def gain(self) -> scipy.sparse.csr_array:
        """Return the power of each heat source per unit of each column, (sources, columns) sparse."""
        which = np.repeat(np.arange(len(self.rows)), [rows.size for rows in self.rows]) - 1
        data = np.concatenate(self.gains)
        shape = self.sources.count, self.columns
        return scipy.sparse.csr_array((data, (np.concatenate(self.rows), which)), shape=shape)

    def _add_column(self, waveform: Waveform, n: int, name: str, unit: str) -> None:
        rows, gains = self._boundary(name) if face_of(name) else self._power(waveform, n, name, unit)
        self.rows.append(rows)
        self.gains.append(gains)

    def _power(self, waveform: Waveform, n: int, name: str, unit: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the heat sources of a column, and the power [W] of each per unit of the column."""
        sources = self.sources
        found = sources.find(name, is_hinted=len(self.diagnostics) < MAX_HINTS)
        for owner in dict.fromkeys(self.owner[source] for source in found.tolist()):
            if owner is not None:
                other, column = owner
                text = f"{name} and {other.names[column]} both set the power of "
                text += sources.names[next(h for h in found.tolist() if self.owner[h] == owner)]
                raise DescriptionError(Diagnostic(name, text, "remove one of the columns", "E-DUPLICATE"))
        for source in found.tolist():
            self.owner[source] = waveform, n
        if unit == "1":
            if not sources.described_power[found].any():
                text = f"{name} has no power in the package to take a fraction of"
                raise DescriptionError(Diagnostic(name, text, f"write {name} [W]", "E-POWER"))
            return found, sources.described_power[found]
        shares = sources.power_fractions(name, found)
        if isinstance(waveform, Trace) and not sources.allows_negative[found].all():
            negative = np.flatnonzero(waveform.values[:, n] < 0.0)
            if negative.size:
                watts = format_quantity(waveform.values[negative[0], n], "power")
                more = f", and {negative.size - 1} more of its values are" if negative.size > 1 else ""
                self.diagnostics.append(
                    waveform.diagnostic(
                        f"{watts} is negative{more}", _NEGATIVE_HINT, "E-POWER", n, int(negative[0])
                    )
                )
        return found, shares

    def _boundary(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Add the boundary faces of a column; return no heat sources."""
        faces = self.model.boundary
        face, is_htc = face_of(name) or ("", False)
        which = np.flatnonzero((faces.face == COOLED_FACES.index(face)) & (faces.h > 0.0))
        if which.size == 0:
            there = sorted({f"cooling.{COOLED_FACES[n]}" for n in faces.face[faces.h > 0.0].tolist()})
            text = f"the package has no boundary condition with an ambient temperature at {face}"
            raise DescriptionError(Diagnostic(name, text, f"there is {listed(there)}", "E-COOLING"))
        if is_htc and np.isinf(faces.h[which]).any():
            text = f"{face} has a fixed temperature and no heat-transfer coefficient"
            raise DescriptionError(Diagnostic(name, text, f"set cooling.{face} [degC]", "E-COOLING"))
        nonlinear = self.model.nonlinear_faces
        if nonlinear is not None and np.isin(which, nonlinear.face).any():
            text = f"the heat flux at {face} follows from the temperature of the surface by a law"
            hint = "a trace changes the ambient and the coefficient of linear coolers only"
            raise DescriptionError(Diagnostic(name, text, hint, "E-COOLING"))
        if name in self.faces:
            text = f"{name} is in two traces"
            raise DescriptionError(Diagnostic(name, text, "remove one of the columns", "E-DUPLICATE"))
        self.faces[name] = name
        (self.htc if is_htc else self.ambient).append((self.columns, which))
        return np.zeros(0, dtype=np.intp), np.zeros(0)


def _missing_blocks(
    sources: HeatSources, owners: Sequence[tuple[Waveform, int] | None], waveform: Waveform
) -> Iterator[Diagnostic]:
    """Yield an error for each layer with blocks both in a trace and without a column, for rest: refuse."""
    if not isinstance(waveform, Trace) or waveform.rest != "refuse":
        return
    for layer in range(len(sources.layer_parts)):
        own = np.flatnonzero(sources.layer == layer).tolist()
        columns = [owner[1] for n in own if (owner := owners[n]) is not None and owner[0] is waveform]
        is_powered = bool(sources.described_power[own].any())
        # Blocks of 0 W stay at 0 W, and so do blocks without a power among powered ones.
        missing = [
            n
            for n in own
            if owners[n] is None
            and (sources.described_power[n] != 0.0 or not (is_powered or sources.is_given[n]))
        ]
        if columns and missing:
            part = sources.part_names[sources.layer_parts[layer]]
            names = listed(sources.names[n].removeprefix(f"{part}.") for n in missing)
            text = f"{len(missing)} of the {len(own)} blocks of {part} have no column: {names}"
            hint = "add columns, or set rest: drawn or rest: off"
            yield waveform.diagnostic(text, hint, "E-MISSING", min(columns))
