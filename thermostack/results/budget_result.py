"""The largest power of a package under its temperature limits: powers, binding limits and prices."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from thermostack.results.actions import call
from thermostack.schema.spelling import counted
from thermostack.units import format_quantity


@dataclass(frozen=True)
class BindingLimit:
    """A limit that the optimum reaches.

    Parameters
    ----------
    name : str
        Part or block.
    temperature, limit : float
        Its temperature at the optimum, and its limit [K].
    price : float
        Increase of the weighted power per kelvin of the limit [W/K].
    resistance : dict of str to float
        Rise of the binding point per watt of each chiplet or source [K/W].
    at : tuple of float, optional
        Position x, y, z of the binding point [m]; None for a mean.

    Examples
    --------
    >>> BindingLimit("die.active", 368.15, 368.15, 2.0, {"die": 0.5}).price
    2.0
    """

    name: str
    temperature: float
    limit: float
    price: float
    resistance: dict[str, float]
    at: tuple[float, float, float] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class PowerBudget:
    """The largest weighted power under temperature limits.

    `power_budget` returns it.

    Parameters
    ----------
    package : str
        Name of the package.
    kind : str
        "peak" or "mean": the temperature of a part that its limit holds for.
    powers : dict of str to float
        Power of each chiplet or source that was free [W].
    total : float
        Power of all sources, fixed ones included [W].
    sources : tuple of str
        Names of all sources of the matrix.
    source_power : numpy.ndarray, shape (sources,)
        Their powers at the optimum [W].
    binding : tuple of BindingLimit
        Limits that are reached, the highest price first.
    margins : dict of str to float
        Limit minus temperature of every limited part [K].
    bounds : dict of str to float
        Increase of the weighted power per watt of the bound, for powers at their minimum or maximum [W/W].
    is_verified : bool
        Whether a full solve at the optimum holds every limit and reaches the binding ones, within 0.05 K.
    error : float, optional
        Maximum difference of that solve from the limits: excess of any, or shortfall of a binding one [K].
    solves : int
        Full solves at optima.
    candidates : int
        Points with a limit, of which the linear programme used `rows`.
    rows : int
        Rows of the linear programme.
    seconds : dict of str to float
        Wall-clock time [s].

    Examples
    --------
    >>> import thermostack as ts
    >>> matrix = ts.influence(ts.discretize(ts.read_package("fcbga"), cell=4e-3))
    >>> budget = ts.power_budget(matrix)
    >>> budget.is_verified, budget.binding[0].name
    (True, 'die.active')
    """

    package: str
    kind: str
    powers: dict[str, float]
    total: float
    sources: tuple[str, ...]
    source_power: np.ndarray
    binding: tuple[BindingLimit, ...]
    margins: dict[str, float]
    bounds: dict[str, float]
    is_verified: bool = False
    error: float | None = None
    solves: int = 0
    candidates: int = 0
    rows: int = 0
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        """Return total, powers, binding limits and the check in five lines."""
        powers = ", ".join(f"{name} {power:.5g}" for name, power in list(self.powers.items())[:4])
        more = f", {len(self.powers) - 4} more" if len(self.powers) > 4 else ""
        limits = ", ".join(
            f"{each.name} at {format_quantity(each.limit, 'temperature')}" for each in self.binding[:3]
        )
        return "\n".join(
            [
                f"PowerBudget of {self.package!r}",
                f"  total     {self.total:.6g} W",
                f"  powers    {powers}{more} W",
                f"  binding   {counted(len(self.binding), 'limit')}: {limits}",
                f"  verified  {self.check}",
            ]
        )

    @property
    def check(self) -> str:
        """Return the result of the full solve at the optimum, in words."""
        if self.error is None:
            return "no full solve: the matrix has no mesh, or verify=False"
        text = f"within {self.error:.2g} K by {counted(self.solves, 'full solve')}"
        return text if self.is_verified else f"no: {text}"

    def to_dict(self) -> dict[str, Any]:
        """Return the budget as dictionaries, lists and numbers in SI units."""
        summary: dict[str, Any] = call("report.budget_table", "budget_summary", self)
        return summary
