"""Compact thermal models of a package: two resistors (JESD15-3) and a DELPHI network (JESD15-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thermostack.results.actions import call

NODES = ("junction", "top_inner", "top_outer", "bottom_inner", "bottom_outer", "sides")
PAIRS = tuple((i, j) for i in range(len(NODES)) for j in range(i + 1, len(NODES)))


@dataclass(frozen=True)
class TwoResistorCase:
    """An environment in which a two-resistor model is compared with the full model.

    Parameters
    ----------
    top, bottom : float
        Heat-transfer coefficients of the top and of the bottom [W/(m2 K)].
    full, model : float
        Junction rise per watt of the full model and of the two resistors [K/W].

    Examples
    --------
    >>> round(TwoResistorCase(10.0, 1000.0, 2.0, 2.1).error, 3)
    0.05
    """

    top: float
    bottom: float
    full: float
    model: float

    @property
    def error(self) -> float:
        """Return the relative error of the junction rise."""
        return self.model / self.full - 1.0


@dataclass(frozen=True)
class TwoResistor:
    """The two-resistor model of a package: junction, case and board (JESD15-3).

    Parameters
    ----------
    theta_jc, theta_jb : float
        Resistance from the junction to the top and to the board [K/W].
    top_area, bottom_area : float
        Areas of the two outer nodes [m2].
    cases : tuple of TwoResistorCase
        Comparison with the full model in other environments.

    Examples
    --------
    >>> round(TwoResistor(0.5, 4.0, 1e-4, 1e-4, ()).rise(1e4, 1e3), 6)
    1.354839
    """

    theta_jc: float
    theta_jb: float
    top_area: float
    bottom_area: float
    cases: tuple[TwoResistorCase, ...] = ()

    def rise(self, top: float, bottom: float) -> float:
        """Return the junction rise per watt [K/W] for coefficients on top and bottom [W/(m2 K)]."""
        up = 1.0 / (self.theta_jc + 1.0 / (top * self.top_area))
        down = 1.0 / (self.theta_jb + 1.0 / (bottom * self.bottom_area))
        return 1.0 / (up + down)

    @property
    def max_error(self) -> float:
        """Return the maximum relative error of the junction rise over the cases."""
        return max((abs(case.error) for case in self.cases), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, in SI units."""
        cases = [
            {"top": c.top, "bottom": c.bottom, "full": c.full, "model": c.model, "error": c.error}
            for c in self.cases
        ]
        return {
            "theta_jc": self.theta_jc,
            "theta_jb": self.theta_jb,
            "top_area": self.top_area,
            "bottom_area": self.bottom_area,
            "max_error": self.max_error,
            "cases": cases,
        }


@dataclass(frozen=True)
class FitError:
    """Relative errors of a network over a set of environments.

    Parameters
    ----------
    rows : int
        Number of environments.
    mean_junction, max_junction : float
        Mean and maximum error of the junction rise, relative to it.
    max_heat : float
        Maximum error of the heat through a class of faces, relative to the power.

    Examples
    --------
    >>> FitError(112, 0.01, 0.03, 0.02).max_junction
    0.03
    """

    rows: int
    mean_junction: float
    max_junction: float
    max_heat: float

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class DelphiNetwork:
    """A network of conductances between the junction and five surface nodes (JESD15-4).

    Parameters
    ----------
    conductance : numpy.ndarray, shape (15,)
        Conductance of each pair of nodes [W/K], in the order of `PAIRS`.
    area : numpy.ndarray, shape (5,)
        Areas of the surface nodes [m2].
    training, test : FitError
        Errors over the environments that were fitted, and over others.
    inner_size : tuple of float
        Width and depth of the inner rectangles of top and bottom [m].

    Examples
    --------
    >>> error = FitError(0, 0.0, 0.0, 0.0)
    >>> network = DelphiNetwork(np.full(15, 0.1), np.full(5, 1e-4), error, error)
    >>> rise, heat = network.solve([[1e3, 1e3, 1e3, 1e3, 10.0]])
    >>> round(float(heat.sum()), 9)
    1.0
    """

    conductance: np.ndarray
    area: np.ndarray
    training: FitError
    test: FitError
    inner_size: tuple[float, float] = (0.0, 0.0)

    def matrix(self) -> np.ndarray:
        """Return the conductance matrix of the nodes without any cooling [W/K], (6, 6)."""
        found = np.zeros((len(NODES), len(NODES)))
        for (i, j), g in zip(PAIRS, self.conductance.tolist(), strict=True):
            found[i, i] += g
            found[j, j] += g
            found[i, j] -= g
            found[j, i] -= g
        return found

    def solve(self, coefficients: Sequence[Sequence[float]] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the junction rise [K/W] and the heat through each surface node per watt.

        `coefficients` are those of the five surface nodes [W/(m2 K)], (rows, 5).
        """
        h = np.asarray(coefficients, dtype=float)
        matrices = np.repeat(self.matrix()[np.newaxis], len(h), axis=0)
        nodes = np.arange(1, len(NODES))
        matrices[:, nodes, nodes] += h * self.area
        load = np.zeros((len(h), len(NODES), 1))
        load[:, 0] = 1.0
        rise = np.linalg.solve(matrices, load)[:, :, 0]
        return rise[:, 0], rise[:, 1:] * h * self.area

    def to_dict(self) -> dict[str, Any]:
        """Return nodes, areas, conductances and errors by name, in SI units."""
        pairs = [
            {"nodes": [NODES[i], NODES[j]], "conductance": g}
            for (i, j), g in zip(PAIRS, self.conductance.tolist(), strict=True)
        ]
        return {
            "nodes": list(NODES),
            "area": dict(zip(NODES[1:], self.area.tolist(), strict=True)),
            "inner_size": list(self.inner_size),
            "conductances": pairs,
            "training": self.training.to_dict(),
            "test": self.test.to_dict(),
        }


@dataclass(frozen=True, eq=False, repr=False)
class CompactModels:
    """The compact models of a package with their errors.

    `compact_models` returns it.

    Parameters
    ----------
    package : str
        Name of the package.
    power : float
        Power of all sources, with the described shares [W].
    two_resistor : TwoResistor
        The two-resistor model.
    delphi : DelphiNetwork
        The network.
    reduction_error : float
        Maximum relative error of the junction rise from the reduced model with which the environments were
        computed, against full solves.
    notes : tuple of str
        Conditions of the models.

    Examples
    --------
    >>> import thermostack as ts
    >>> found = ts.compact_models(ts.read_package("fcbga"), cell="4 mm", starts=2)
    >>> found.delphi.test.max_junction < 0.1
    True
    """

    package: str
    power: float
    two_resistor: TwoResistor
    delphi: DelphiNetwork
    reduction_error: float
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return the models with their errors in three lines."""
        two, fit = self.two_resistor, self.delphi
        resistors = f"theta_JC {two.theta_jc:.4g}, theta_JB {two.theta_jb:.4g} K/W"
        errors = [100 * each.max_junction for each in (fit.training, fit.test)]
        return "\n".join(
            [
                f"CompactModels of {self.package!r}",
                f"  two resistors  {resistors}, error up to {100 * two.max_error:.2g} %",
                f"  DELPHI         error up to {errors[0]:.2g} % in training, {errors[1]:.2g} % in test",
            ]
        )

    def save(self, path: str | Path) -> None:
        """Write the models to a file that ends in .json, .csv or .cir (SPICE).

        Raises OutputError if the file cannot be written or has another suffix.
        """
        call("io.results.compact_files", "write_compact", self, path)

    def to_dict(self) -> dict[str, Any]:
        """Return all values by name, in SI units."""
        return {
            "package": self.package,
            "power": self.power,
            "two_resistor": self.two_resistor.to_dict(),
            "delphi": self.delphi.to_dict(),
            "reduction_error": self.reduction_error,
            "notes": list(self.notes),
        }
