"""The influence matrix of a package: temperatures as a linear function of the powers of its sources."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from thermostack.errors import DescriptionError, UnknownNameError
from thermostack.mesh.source_names import SourceNames
from thermostack.results.actions import call
from thermostack.results.names import unknown_name
from thermostack.results.peak_map import PeakMap
from thermostack.schema.arguments import argument_error, check_quantity, require_mapping
from thermostack.schema.fields import to_si
from thermostack.schema.spelling import counted
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from thermostack.mesh.model import Model

Powers = Mapping[str, float | str] | Sequence[float] | np.ndarray | None


class PeakTemperature(NamedTuple):
    """The maximum temperature of a part or block for some powers.

    Parameters
    ----------
    name : str
        Name of the part or block.
    max : float
        Maximum temperature [K].
    at : tuple of float
        Position x, y, z of the maximum [m].
    limit : float, optional
        Limit [K].
    error : float, optional
        Difference of the peak from that of a solve at the described powers [K].

    Examples
    --------
    >>> PeakTemperature("die.active", 362.0, (1e-3, 1e-3, 1e-3), 378.0).max
    362.0
    """

    name: str
    max: float  # K
    at: tuple[float, float, float]  # x, y, z in m
    limit: float | None  # K
    error: float | None = None  # K


@dataclass(frozen=True)
class Linearisation:
    """The temperatures at which conductivities are evaluated, and the error of the matrix at other powers.

    Parameters
    ----------
    min, max : float
        Range of the temperatures of the body at the operating point [K].
    mean_error, peak_error : dict of float to float
        Maximum error of the means and of the peaks of all parts [K], by the factor of all powers; empty if
        it was not evaluated.

    Examples
    --------
    >>> Linearisation(320.0, 360.0, {0.8: 0.1, 1.2: 0.2}, {0.8: 0.2, 1.2: 0.3}).error
    0.3
    """

    min: float
    max: float
    mean_error: dict[float, float] = dataclasses.field(default_factory=dict)
    peak_error: dict[float, float] = dataclasses.field(default_factory=dict)

    @property
    def error(self) -> float | None:
        """Return the maximum of the errors [K], None if none was evaluated."""
        return max([*self.mean_error.values(), *self.peak_error.values()], default=None)


@dataclass(frozen=True, eq=False, repr=False)
class InfluenceMatrix:
    """Steady temperatures of a package as a linear function of the powers of its sources.

    `influence` returns it. The temperatures of the outputs are `constant + resistance @ power`.

    Parameters
    ----------
    package : str
        Name of the package.
    outputs : tuple of str
        Names of the outputs: parts, blocks or stacks, whose mean it is, and points.
    kinds : tuple of str
        "mean" or "point" for each output.
    sources : tuple of str
        Names of the sources.
    layers : tuple of str
        Name of the part of each source.
    power : numpy.ndarray, shape (sources,)
        Described powers [W].
    resistance : numpy.ndarray, shape (outputs, sources)
        Rise of each output per watt of each source [K/W].
    constant : numpy.ndarray, shape (outputs,)
        Temperatures at zero power of all sources [K], with the heat of fixed fluxes and of `other_power`.
    source_resistance : numpy.ndarray, shape (sources, sources)
        Rise of the mean of a source (row), weighted by its power, per watt of another [K/W]; symmetric.
    ambients : tuple of str
        Coolers with an ambient temperature.
    ambient_temperature : numpy.ndarray, shape (ambients,)
        Their ambient temperatures [K].
    ambient_weight : numpy.ndarray, shape (outputs, ambients)
        Change of each output per change of each ambient temperature; the rows add to 1.
    source_ambient_weight : numpy.ndarray, shape (sources, ambients)
        The same for the mean of each source.
    heat : numpy.ndarray, shape (ambients, sources)
        Heat that leaves through each cooler per watt of each source; the columns add to 1.
    constant_heat : numpy.ndarray, shape (ambients,)
        Heat that leaves through each cooler at zero power [W].
    ambient_heat : numpy.ndarray, shape (ambients, ambients)
        Heat that leaves through each cooler (row) per kelvin of an ambient temperature [W/K].
    other_power : float
        Described power that belongs to no source and is part of `constant` [W].
    peaks : PeakMap, optional
        Temperatures of the cells that can be the hottest of a part.
    linearisation : Linearisation, optional
        Operating point of a package whose conductivities depend on temperature.
    tolerance : float
        Relative residual of each column.
    iterations : int
        Iterations of the linear solver for all columns.
    seconds : dict of str to float
        Wall-clock time of each stage [s].
    warnings : tuple of str
        Warnings of the mesh builder.
    fields : numpy.ndarray, shape (sources, nz, ny, nx), optional
        Rise of every cell per watt of each source [K/W], in single precision.
    constant_field : numpy.ndarray, shape (nz, ny, nx), optional
        Temperature of every cell at zero power [K].
    model : Model, optional
        The mesh; None for a matrix that was read from a file.
    columns : SourceColumns, optional
        Fractions of the sources in the cells of the mesh.

    Examples
    --------
    >>> import thermostack as ts
    >>> matrix = ts.influence(ts.discretize(ts.read_package("fcbga"), cell=4e-3))
    >>> warm = matrix.temperatures({"die.active": "60 W"})
    >>> bool((warm > matrix.temperatures({"die.active": "30 W"})).all())
    True
    """

    package: str
    outputs: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]
    layers: tuple[str, ...]
    power: np.ndarray
    resistance: np.ndarray
    constant: np.ndarray
    source_resistance: np.ndarray
    ambients: tuple[str, ...]
    ambient_temperature: np.ndarray
    ambient_weight: np.ndarray
    source_ambient_weight: np.ndarray
    heat: np.ndarray
    constant_heat: np.ndarray
    ambient_heat: np.ndarray
    other_power: float = 0.0
    peaks: PeakMap | None = None
    linearisation: Linearisation | None = None
    tolerance: float = 1e-8
    iterations: int = 0
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    fields: np.ndarray | None = None
    constant_field: np.ndarray | None = None
    model: Model | None = None
    columns: Any = None

    def __repr__(self) -> str:
        """Return outputs, sources, range of resistances and operating point in seven lines at most."""
        rows = [
            f"InfluenceMatrix of {self.package!r}",
            f"  outputs     {counted(len(self.outputs), 'output')}, the first {self.outputs[0]}",
            f"  sources     {counted(len(self.sources), 'source')}, {self.power.sum():.5g} W described",
            f"  resistance  {self.resistance.min():.4g} to {self.resistance.max():.4g} K/W",
            f"  ambients    {counted(len(self.ambients), 'cooler')}",
        ]
        if self.peaks is not None:
            names, cells, error = len(self.peaks.names), self.peaks.cells, self.peaks.difference
            rows.append(
                f"  peaks       of {names} parts and blocks, from {cells} cells, within {error:.2g} K"
            )
        if self.linearisation is not None:
            rows.append(f"  linearised  {self.linearised_at}")
        return "\n".join(rows)

    @property
    def stacks(self) -> tuple[str, ...]:
        """Return the name of the stack of each source."""
        return tuple(layer.rpartition(".")[0] or layer for layer in self.layers)

    @property
    def is_linear(self) -> bool:
        """Return whether the matrix holds for any powers."""
        return self.linearisation is None

    @property
    def linearised_at(self) -> str:
        """Return the temperatures of the conductivities and the error at other powers, in words."""
        if self.linearisation is None:
            return "no conductivity depends on temperature"
        at = self.linearisation
        low, high = (format_quantity(t, "temperature") for t in (at.min, at.max))
        text = f"at the described powers, {low} to {high}"
        if at.error is None:
            return text
        factors = ", ".join(f"{factor - 1.0:+.0%}" for factor in at.mean_error)
        return f"{text}; error {at.error:.2g} K at {factors} power"

    # -- powers --------------------------------------------------------------------------------

    def power_vector(self, powers: Powers = None) -> np.ndarray:
        """Return powers of all sources [W], (sources,) or (vectors, sources).

        `powers` is an array in the order of `sources`, or a mapping from names of sources, parts, stacks or
        blocks to W or text with a unit; sources that it does not name keep their described power. The power
        of several sources is distributed as their described powers are, evenly if these are zero.
        Raises ArgumentError for an array of another length, UnknownNameError for an unknown name.
        """
        if powers is None:
            return self.power
        if not isinstance(powers, Mapping):
            array = np.asarray(powers, dtype=np.float64)
            if array.ndim not in (1, 2) or array.shape[-1] != len(self.sources):
                text = f"an array of shape {array.shape} for {counted(len(self.sources), 'source')}"
                hint = "the last axis has the order of matrix.sources"
                raise argument_error("powers", text, hint, "E-VALUE")
            return array
        vector = self.power.copy()
        for name, power in powers.items():
            own = self.find_sources(name)
            vector[own] = to_si(power, "power", f"powers.{name}") * self.shares(own)
        return vector

    def find_sources(self, name: str) -> np.ndarray:
        """Return the indices of the sources of a name: a source, part or stack, or a block alone.

        Raises UnknownNameError where there is none.
        """
        try:
            return np.array(self._names.find(name), dtype=np.intp)
        except DescriptionError as error:
            raise UnknownNameError(error.diagnostics) from None

    def shares(self, sources: np.ndarray) -> np.ndarray:
        """Return the share of each of some sources in their described power, equal shares if it is zero."""
        power = self.power[sources]
        total = float(power.sum())
        return power / total if total > 0.0 else np.full(sources.size, 1.0 / sources.size)

    @cached_property
    def _names(self) -> SourceNames:
        return SourceNames(self.sources, self.layers, ())

    def ambient_change(self, ambients: Mapping[str, float | str] | None) -> np.ndarray:
        """Return the change of each ambient temperature from its description [K], (ambients,).

        Raises UnknownNameError where there is no cooler with a name.
        """
        change = np.zeros(len(self.ambients))
        if ambients is None:
            return change
        require_mapping(ambients, "ambients", 'write {"top": "35 degC"}')
        for name, temperature in ambients.items():
            own = [n for n, cooler in enumerate(self.ambients) if name in (cooler, cooler.split()[0])]
            if not own:
                raise unknown_name(name, list(self.ambients), "cooler")
            value = check_quantity(temperature, "temperature", f"ambients.{name}", above=0.0)
            change[own] = value - self.ambient_temperature[own]
        return change

    # -- temperatures --------------------------------------------------------------------------

    def temperatures(
        self, powers: Powers = None, ambients: Mapping[str, float | str] | None = None
    ) -> np.ndarray:
        """Return the temperatures of the outputs [K], (outputs,) or (vectors, outputs).

        `powers` is as for `power_vector`. `ambients` maps coolers, or faces, to other ambient temperatures.
        """
        t: np.ndarray = self.power_vector(powers) @ self.resistance.T
        t += self.constant
        return t if ambients is None else t + self.ambient_weight @ self.ambient_change(ambients)

    def temperature(self, output: str, powers: Powers = None) -> float:
        """Return the temperature of one output [K]. Raises UnknownNameError for an unknown output."""
        if output not in self.outputs:
            raise unknown_name(output, self.outputs, "output")
        n = self.outputs.index(output)
        return float(self.constant[n] + self.resistance[n] @ self.power_vector(powers))

    def peak(self, powers: Powers = None, ambients: Mapping[str, float | str] | None = None) -> np.ndarray:
        """Return the maximum temperatures of `peaks.names` [K], (names,) or (vectors, names)."""
        peaks, vector = self.require_peaks(), self.power_vector(powers)
        constant = peaks.constant_at(self.ambient_change(ambients))
        t = peaks.maxima(np.atleast_2d(vector), constant)
        return t if vector.ndim == 2 else t[0]

    def hottest(
        self, powers: Powers = None, ambients: Mapping[str, float | str] | None = None
    ) -> list[PeakTemperature]:
        """Return the maximum temperature of each part and block of `peaks`, with its position."""
        peaks, vector = self.require_peaks(), self.power_vector(powers)
        if vector.ndim != 1:
            raise argument_error("powers", "hottest takes one power vector", "use peak for several")
        constant = peaks.constant_at(self.ambient_change(ambients))
        points = peaks.hottest_points(vector, constant)
        t = peaks.temperatures(vector, constant)[points]
        errors = np.abs(peaks.differences).tolist() or [None] * len(peaks.names)
        rows = zip(peaks.names, t.tolist(), points.tolist(), peaks.limits, errors, strict=True)
        return [
            PeakTemperature(name, each, peaks.position(at), limit, error)
            for name, each, at, limit, error in rows
        ]

    def require_peaks(self) -> PeakMap:
        """Return the peak map. Raises ArgumentError for a matrix without one."""
        if self.peaks is None:
            text, hint = "the matrix has no peaks", "compute it with peaks=True, for a package with power"
            raise argument_error("peaks", text, hint, "E-MISSING")
        return self.peaks

    def field(self, powers: Powers = None) -> np.ndarray:
        """Return the temperatures of all cells [K], (nz, ny, nx), NaN outside the body.

        Raises ArgumentError for a matrix that was computed without `fields=True`.
        """
        if self.fields is None or self.constant_field is None:
            raise argument_error(
                "fields", "the matrix has no fields", "compute it with fields=True", "E-MISSING"
            )
        vector = self.power_vector(powers)
        t = self.constant_field.copy()
        for power, field in zip(vector.tolist(), self.fields, strict=True):
            if power:
                t += power * field
        return t

    # -- heat ----------------------------------------------------------------------------------

    def heat_flows(self, powers: Powers = None) -> dict[str, float]:
        """Return the heat that leaves through each cooler [W]."""
        total = self.constant_heat + self.heat @ self.power_vector(powers)
        return dict(zip(self.ambients, total.tolist(), strict=True))

    @cached_property
    def heat_by_face(self) -> dict[str, np.ndarray]:
        """Return the heat that leaves through each face per watt of each source, (sources,) each."""
        faces: dict[str, np.ndarray] = {}
        for cooler, heat in zip(self.ambients, self.heat, strict=True):
            face = cooler.split()[0].split("[")[0]
            faces[face] = faces.get(face, np.zeros(heat.size)) + heat
        return faces

    # -- files ---------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the matrix to an NPZ file, without the mesh and the fields of all cells.

        `read_influence` reads it. Raises OutputError if it cannot be written.
        """
        call("io.results.influence_file", "write_influence", self, path)

    def to_csv(self, path: str | Path) -> None:
        """Write resistances and heat as CSV. Raises OutputError if it cannot be written."""
        call("io.results.influence_file", "write_influence_table", self, path)

    def to_dict(self) -> dict[str, Any]:
        """Return the matrix without peaks as dictionaries, lists and numbers in SI units."""
        summary: dict[str, Any] = call("io.results.influence_file", "influence_summary", self)
        return summary
