"""The thermal metrics of a package: resistances with their readings, and the matrices of several dies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.results.actions import call
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.spelling import counted, suggest

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class TemperatureReading:
    """A temperature and the place where it is read.

    Parameters
    ----------
    place : str
        "die.active, maximum", "board, 1 mm from the package" or "ambient".
    temperature : float
        Temperature [K].
    at : tuple of float, optional
        Position x, y, z in coordinates of the placed package [m].

    Examples
    --------
    >>> TemperatureReading("ambient", 298.15).at is None
    True
    """

    place: str
    temperature: float
    at: tuple[float, float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, in SI units."""
        return {"place": self.place, "temperature": self.temperature, "at": self.at}


@dataclass(frozen=True)
class JedecMetric:
    """One thermal metric: a temperature difference per watt in an environment.

    Parameters
    ----------
    name : str
        "theta_JA", "theta_JMA", "theta_JB", "theta_JC_top", "theta_JC_bottom", "psi_JT" or "psi_JB".
    value : float
        Value [K/W].
    error : float
        Estimated discretisation error [K/W].
    environment, standard, board : str
        The environment, the standard that defines it, and the board with its size ("none" without one).
    power : float
        Power of all sources [W].
    junction, reference : TemperatureReading
        The two temperatures whose difference it is.
    heat : dict of str to float
        Share of the heat that leaves through each surface; they add to 1.

    Examples
    --------
    >>> junction, air = TemperatureReading("die", 320.0), TemperatureReading("ambient", 298.0)
    >>> metric = JedecMetric("theta_JA", 11.0, 0.1, "still air", "JESD51-2A", "none", 2.0, junction, air)
    >>> metric.difference
    22.0
    """

    name: str
    value: float
    error: float
    environment: str
    standard: str
    board: str
    power: float
    junction: TemperatureReading
    reference: TemperatureReading
    heat: dict[str, float] = field(default_factory=dict)

    @property
    def difference(self) -> float:
        """Return the temperature difference [K]."""
        return self.junction.temperature - self.reference.temperature

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, in SI units."""
        return {
            "name": self.name,
            "value": self.value,
            "error": self.error,
            "environment": self.environment,
            "standard": self.standard,
            "board": self.board,
            "power": self.power,
            "difference": self.difference,
            "junction": self.junction.to_dict(),
            "reference": self.reference.to_dict(),
            "heat": dict(self.heat),
        }


@dataclass(frozen=True, eq=False)
class DieMatrix:
    """Rise of every die per watt in every die in one environment (JESD51-31).

    Parameters
    ----------
    environment : str
        Name of the environment.
    dies : tuple of str
        Names of the stacks with power.
    resistance : numpy.ndarray, shape (dies, dies)
        Rise of the mean of die i, weighted by its power, per watt in die j [K/W]; symmetric.
    heat : dict of str to numpy.ndarray
        Share of the heat of each die that leaves through each surface, (dies,).

    Examples
    --------
    >>> matrix = DieMatrix("still air", ("a", "b"), np.array([[3.0, 1.0], [1.0, 4.0]]), {})
    >>> matrix.asymmetry
    0.0
    """

    environment: str
    dies: tuple[str, ...]
    resistance: np.ndarray
    heat: dict[str, np.ndarray]

    @property
    def asymmetry(self) -> float:
        """Return the maximum difference of R_ij and R_ji, relative to the maximum of the matrix."""
        difference = np.abs(self.resistance - self.resistance.T).max()
        return float(difference / np.abs(self.resistance).max())

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, in SI units."""
        return {
            "environment": self.environment,
            "dies": list(self.dies),
            "resistance": self.resistance.tolist(),
            "heat": {name: share.tolist() for name, share in self.heat.items()},
        }


@dataclass(frozen=True, eq=False, repr=False)
class JedecResult:
    """The thermal metrics of a package on a test board.

    `jedec` returns it.

    Parameters
    ----------
    package, board : str
        Name of the package, and the board with its size.
    power, ambient : float
        Power of all sources [W], and temperature of the air and of the cold plates [K].
    metrics : tuple of JedecMetric
        The metrics in the order of the environments.
    matrices : tuple of DieMatrix
        Matrices of a package with several dies, one for each environment.
    notes : tuple of str
        Differences between the placed package and its description, and other conditions of the metrics.
    fields : dict of str to SteadyResult
        Temperature field of each environment.
    outline : tuple of float
        The package on its board (x0, y0, x1, y1) [m].
    warnings : tuple of str
        Warnings of the solves.
    seconds : dict of str to float
        Wall-clock time of each stage [s].

    Examples
    --------
    >>> import thermostack as ts
    >>> found = ts.jedec(ts.read_package("fcbga"), environments="top", cell="4 mm")
    >>> [metric.name for metric in found.metrics]
    ['theta_JC_top', 'theta_JC_top']
    """

    package: str
    board: str
    power: float
    ambient: float
    metrics: tuple[JedecMetric, ...]
    matrices: tuple[DieMatrix, ...] = ()
    notes: tuple[str, ...] = ()
    fields: dict[str, SteadyResult] = field(default_factory=dict)
    outline: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    warnings: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return the package, the board and the first metrics, at most ten lines."""
        rows = [f"JedecResult of {self.package!r} on {self.board}: {counted(len(self.metrics), 'metric')}"]
        rows += [
            f"  {each.name:16} {each.value:.4g} +- {each.error:.2g} K/W in {each.environment}"
            for each in self.metrics[:8]
        ]
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """Return the table of metrics as HTML, for notebooks."""
        table = call("report.jedec_table", "metric_table", self)
        html: str = call("report.html_table", "as_html", table)
        return html

    def of(self, name: str, environment: str | None = None) -> JedecMetric:
        """Return a metric by its name, and by its environment where several have the name.

        Raises UnknownNameError where there is none.
        """
        for metric in self.metrics:
            if metric.name == name and environment in (None, metric.environment):
                return metric
        known = [f"{each.name} in {each.environment}" for each in self.metrics]
        wanted = name if environment is None else f"{name} in {environment}"
        names = dict.fromkeys(each.name for each in self.metrics)
        hint = suggest(wanted, known) or f"there are {', '.join(names)}"
        raise UnknownNameError(Diagnostic("name", f"no metric is {wanted}", hint, "E-NAME"))

    def table(self, width: int = 120) -> str:
        """Return the table of metrics as text."""
        table = call("report.jedec_table", "metric_table", self)
        text: str = call("report.table_layout", "as_text", table, width)
        return text

    def plot(self, path: str | Path | None = None) -> Figure:
        """Return the page of metrics, board temperatures and theta_JA over air speed; write it to `path`."""
        figure: Figure = call("plot.jedec", "plot_jedec", self, path)
        return figure

    def to_csv(self, path: str | Path) -> None:
        """Write the metrics as CSV. Raises OutputError if it cannot be written."""
        call("io.results.jedec_file", "write_metrics", self, path)

    def to_dict(self) -> dict[str, Any]:
        """Return all values but the fields by name, in SI units."""
        data: Mapping[str, Any] = {
            "package": self.package,
            "board": self.board,
            "power": self.power,
            "ambient": self.ambient,
            "metrics": [metric.to_dict() for metric in self.metrics],
            "matrices": [matrix.to_dict() for matrix in self.matrices],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }
        return dict(data)
