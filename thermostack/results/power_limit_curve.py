"""The power that a source may have for a limited time under a temperature limit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thermostack.results.actions import call
from thermostack.schema.spelling import counted
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False, repr=False)
class PowerLimitCurve:
    """The constant power after which a source reaches its temperature limit, by duration.

    `power_limit_curve` returns it.

    Parameters
    ----------
    package, source, output : str
        Names of the package, of the source, and of the output that has the limit.
    limit, ambient : float
        Temperature limit, and temperature of the output without power of the source [K].
    base_power : float
        Power P1 of the source before, for a time that is long [W].
    base_temperature : float
        Steady temperature of the output at this power [K].
    steady_power : float
        Power that reaches the limit at steady state [W].
    duration : numpy.ndarray, shape (n,)
        Durations t2 of the higher power [s], ascending.
    power : numpy.ndarray, shape (n,)
        Power P2 that reaches the limit at the end of each duration [W].
    error : numpy.ndarray, shape (n,)
        Estimated error of each power by the grid [W]; NaN without an estimate.

    Examples
    --------
    >>> import numpy as np
    >>> curve = PowerLimitCurve(
    ...     "p", "die", "die", 360.0, 300.0, 10.0, 310.0, 60.0, np.array([1.0]), np.array([90.0]), np.zeros(1)
    ... )
    >>> curve.energy.tolist()
    [80.0]
    """

    package: str
    source: str
    output: str
    limit: float
    ambient: float
    base_power: float
    base_temperature: float
    steady_power: float
    duration: np.ndarray
    power: np.ndarray
    error: np.ndarray

    def __repr__(self) -> str:
        """Return limit, powers and durations in five lines."""
        base = format_quantity(self.base_temperature, "temperature")
        count = counted(self.duration.size, "duration")
        first, last = (format_quantity(float(self.duration[n]), "time") for n in (0, -1))
        return "\n".join(
            [
                f"PowerLimitCurve of {self.source!r} in {self.package!r}",
                f"  limit   {format_quantity(self.limit, 'temperature')} of {self.output!r}",
                f"  before  {self.base_power:.5g} W, {base}",
                f"  power   {self.power[0]:.5g} W for {first} to {self.power[-1]:.5g} W for {last}, {count}",
                f"  steady  {self.steady_power:.5g} W",
            ]
        )

    def _repr_html_(self) -> str:
        """Return the table of powers as HTML, for notebooks."""
        table = call("report.power_limit_table", "power_limit_table", self)
        html: str = call("report.html_table", "as_html", table)
        return html

    @property
    def energy(self) -> np.ndarray:
        """Return the energy above that of the base power within each duration [J], (n,)."""
        energy: np.ndarray = (self.power - self.base_power) * self.duration
        return energy

    def table(self, width: int = 120) -> str:
        """Return the table of durations, powers, errors and energies as text."""
        table = call("report.power_limit_table", "power_limit_table", self)
        text: str = call("report.table_layout", "as_text", table, width)
        return text

    def to_csv(self, path: str | Path) -> None:
        """Write durations, powers, errors and energies as CSV. Raises OutputError if it cannot be written."""
        call("io.results.power_limit_file", "write_power_limits", self, path)

    def plot(self, path: str | Path | None = None) -> Figure:
        """Return the log-log figure of power over duration; write it to `path` if given."""
        figure: Figure = call("plot.power_limits", "plot_power_limits", self, path)
        return figure
