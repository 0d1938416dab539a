"""The result of a thermal impedance analysis: Foster networks from a source to its outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np

from thermostack.errors import Diagnostic, GridWarning
from thermostack.impedance.networks import Cauer, Foster, angular_frequencies, foster_to_cauer
from thermostack.impedance.structure_function import StructureFunction, structure_function
from thermostack.results.actions import call
from thermostack.results.impedance_error import ImpedanceError
from thermostack.results.names import unknown_name
from thermostack.schema.arguments import quantities_in_si
from thermostack.schema.spelling import counted
from thermostack.units import format_quantity, format_share

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray

RESOLVED_ERROR = 0.05  # of the rise of the source: discretisation error from the time `resolved` on


@dataclass(frozen=True, eq=False, repr=False)
class ThermalImpedance:
    """Temperature rise per watt of a source, at the source and at other outputs, over time and frequency.

    `thermal_impedance` returns it. An output is a part, a block or a stack; the source is the first, and
    "SOURCE peak" is the hottest cell of the source.

    Parameters
    ----------
    package, source : str
        Names of the package and of the source.
    time : numpy.ndarray, shape (n,)
        Times of the tables and figures [s].
    networks : dict of str to Foster
        Network from the source to each output; all have the same time constants.
    error : float
        Estimated error of the reduced model, relative to the rise of the source at the same time.
    rates : tuple of float
        Rates s [1/s] at which the equations of the cells were solved, 0 first.
    taken_at : str
        Temperatures at which conductivities and capacities were evaluated, in words.
    peak_at : tuple of float
        Centre x, y, z [m] of the hottest cell of the source.
    capacity : float
        Heat capacity of the whole body [J/K].
    resolved : float
        Time [s] from which the estimated discretisation error of the source is below 5 % of its rise;
        infinite if it is never.
    warnings : tuple of str
        Warnings of the mesh builder and of the analysis.
    seconds : dict of str to float
        Wall-clock time of each stage [s].
    grid_error : ImpedanceError, optional
        Estimated discretisation error of every output; None without an estimate.

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("hbm3_8h"), cell=3e-3)
    >>> impedance = ts.thermal_impedance(model, temperature=350.0, tolerance=1e-2)
    >>> bool(impedance.rise(1e4) > 0.999 * impedance.theta)
    True
    >>> round(impedance.cauer.total / impedance.theta, 6)
    1.0
    """

    package: str
    source: str
    time: Array  # (n,) s
    networks: dict[str, Foster]  # by output, the source first; with the same time constants
    error: float  # estimated, of the reduced model, relative to the rise of the source at the same time
    rates: tuple[float, ...]  # 1/s, of the solves, 0 first
    taken_at: str  # temperatures of conductivities and capacities, in words
    peak_at: tuple[float, float, float]  # m, centre of the source's hottest cell
    capacity: float  # J/K, of the whole body
    resolved: float  # s, from it on the discretisation error of the source is below 5 %; may be infinite
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)  # by stage
    grid_error: ImpedanceError | None = None

    def __repr__(self) -> str:
        """Return source, resistance, times, networks and error in six lines at most."""
        rows = [
            f"ThermalImpedance of {self.source!r} in {self.package!r}",
            f"  theta     {self.theta:.5g} K/W",
            f"  time      {self.time[0]:g} to {self.time[-1]:g} s, {self.time.size} times",
            f"  networks  {len(self.networks)} outputs, {self.foster.resistance.size} terms",
            f"  error     {self.error:.1e} of the rise, estimated from {len(self.rates)} solves",
        ]
        if self.warnings:
            rows.append(f"  {counted(len(self.warnings), 'warning')}, the first: {self.warnings[0]}")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """Return the table of rises at every decade of time as HTML, for notebooks."""
        html: str = call("report.html_table", "as_html", call("report.impedance_table", "rise_table", self))
        return html

    def time_of_rise(self, share: float) -> float:
        """Return the time [s] at which the rise of the source reaches a share of its steady rise."""
        tau = self.foster.time_constant
        time = np.geomspace(1e-3 * tau[0], 30.0 * tau[-1], 4000)
        return float(np.exp(np.interp(share * self.theta, self.rise(time), np.log(time))))

    @property
    def theta(self) -> float:
        """Return the thermal resistance from the source to the ambient [K/W], the steady-state rise."""
        return self.foster.total

    @cached_property
    def zth(self) -> dict[str, Array]:
        """Return the temperature rise per watt [K/W] of every output at every time, (n,) each."""
        return {name: network.rise(self.time) for name, network in self.networks.items()}

    @property
    def foster(self) -> Foster:
        """Return the Foster network of the source."""
        return self.networks[self.source]

    @cached_property
    def cauer(self) -> Cauer:
        """Return the ladder with the impedance of the source.

        Its elements far from the source can depend on rounding; `structure` does not.
        """
        return foster_to_cauer(self.foster)

    @cached_property
    def structure(self) -> StructureFunction:
        """Return the structure function of the source, as far as the impedance at `time` determines it."""
        return structure_function(self.foster, self.time)

    @property
    def spectrum(self) -> tuple[Array, Array]:
        """Return the time constants [s] and the resistances [K/W] of the source, (m,) each."""
        return self.foster.time_constant, self.foster.resistance

    def rise(self, time: Any, output: str | None = None) -> Array:
        """Return the temperature rise per watt [K/W] of the source or of an output at times [s].

        Text has a unit, "10 ms". Raises UnknownNameError for an unknown output.
        """
        return self._network(output).rise(time)

    def at(self, omega: Any, output: str | None = None) -> Array:
        """Return the complex impedance [K/W] of the source or of an output at angular frequencies [rad/s].

        Text has a unit: "314 rad/s", or "50 Hz" for 2 pi times 50 rad/s. Raises UnknownNameError for an
        unknown output. A GridWarning tells where the estimated discretisation error, which `error_at`
        returns, exceeds 5 % of the impedance.
        """
        impedance = self._network(output).at(omega)
        frequency = np.atleast_1d(angular_frequencies(omega))
        relative = np.atleast_1d(self.error_at(omega, output)) / np.abs(np.atleast_1d(impedance))
        if (relative > RESOLVED_ERROR).any():
            worst = int(np.nanargmax(relative))
            hertz = format_quantity(float(frequency[worst]) / (2.0 * np.pi), "frequency")
            share = format_share(relative[worst])
            text = f"the grid causes an estimated error of {share} of the impedance at {hertz}"
            hint = "use discretize(..., from_time=...) with a time of a tenth of the period"
            diagnostic = Diagnostic(output or self.source, text, hint, "W-GRID")
            warn(str(diagnostic), GridWarning, stacklevel=2)
        return impedance

    def error_of_rise(self, time: Any, output: str | None = None) -> Array:
        """Return the estimated discretisation error [K/W] of the rise of an output at times [s].

        The default output is the source. It is NaN without an estimate. Text has a unit, "10 ms". Raises
        UnknownNameError for an unknown output.
        """
        name, seconds = self._name_of(output), quantities_in_si(time, "time", "time")
        if self.grid_error is None:
            return np.full(seconds.shape, np.nan)
        return self.grid_error.at_time(seconds, name)

    def error_at(self, omega: Any, output: str | None = None) -> Array:
        """Return the estimated discretisation error [K/W] of the complex impedance at angular frequencies.

        The frequencies are as in `at`. It is NaN without an estimate. Raises UnknownNameError for an unknown
        output.
        """
        name, frequency = self._name_of(output), angular_frequencies(omega)
        if self.grid_error is None:
            return np.full(frequency.shape, np.nan)
        return self.grid_error.at_frequency(frequency, name)

    def _network(self, output: str | None) -> Foster:
        return self.networks[self._name_of(output)]

    def _name_of(self, output: str | None) -> str:
        name = output or self.source
        if name not in self.networks:
            raise unknown_name(name, list(self.networks), "output")
        return name

    def plot(self, path: str | Path | None = None) -> Figure:
        """Return the figure of rise, spectrum and structure functions; write it to `path` if given."""
        figure: Figure = call("plot.impedance", "plot_impedance", self, path)
        return figure

    def save(self, directory: str | Path) -> list[Path]:
        """Write tables, circuits and a summary to an existing directory; return their paths.

        Raises OutputError if a file cannot be written, or if another kind of file has its name.
        """
        module, stem = "io.results.impedance_files", Path(directory) / f"{self.package}_zth"
        paths: list[Path] = call(module, "write_impedance", self, call(module, "impedance_files", stem))
        return paths
