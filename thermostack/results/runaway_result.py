"""Result of the search for thermal runaway."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from thermostack.results.actions import call
from thermostack.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Outcome = Literal["runaway", "boiling crisis"]


@dataclass(frozen=True)
class RunawayPoint:
    """One steady state of a series with one quantity that changes.

    Parameters
    ----------
    value : float
        Value of the quantity.
    temperature : float
        Maximum temperature [K]; NaN above the critical value.
    loop_gain : float
        Loop gain; NaN above the critical value.

    Examples
    --------
    >>> from thermostack import RunawayPoint
    >>> RunawayPoint(1.2, 370.0, 0.5).loop_gain
    0.5
    """

    value: float
    temperature: float
    loop_gain: float


@dataclass(frozen=True)
class CriticalValue:
    """The value of a quantity at which the last steady state ends.

    Parameters
    ----------
    quantity : {"power scale", "ambient change", "cooler resistance"}
        Factor of all powers and leakage powers; change of all ambient temperatures [K]; thermal resistance of
        a cooler [K/W].
    present : float
        Present value.
    low, high : float
        The largest value with a steady state, and the smallest without one; infinite where none was found.
    points : tuple of RunawayPoint
        Steady states from which it was found, in the order of their values.
    name : str
        Name of the cooler.
    outcome : {"runaway", "boiling crisis"}
        Why no state exists above the critical value.

    Examples
    --------
    >>> from thermostack import CriticalValue
    >>> round(CriticalValue("power scale", 1.0, 1.29, 1.30, ()).value, 3)
    1.295
    """

    quantity: str
    present: float
    low: float
    high: float
    points: tuple[RunawayPoint, ...]
    name: str = ""
    outcome: Outcome = "runaway"

    @property
    def value(self) -> float:
        """Return the middle of the interval; infinite where no runaway was found."""
        return 0.5 * (self.low + self.high)


@dataclass(frozen=True, repr=False)
class RunawayResult:
    """Loop gain of a package with leakage, and its critical power, ambient and cooler resistance.

    `runaway` returns it.

    Parameters
    ----------
    package : str
        Name of the package.
    loop_gain : float, optional
        Loop gain at the described powers, None where they have no steady state.
    temperature : float, optional
        Maximum temperature there [K].
    power, leakage : float
        Dynamic power of the description, and leakage power at the steady state [W], at the reference
        temperatures where there is none.
    critical : tuple of CriticalValue
        Critical values; a quantity that the package does not have is left out.

    Examples
    --------
    >>> from thermostack import RunawayResult
    >>> print(RunawayResult("chip", 0.4, 350.0, 10.0, 1.0, ()))
    RunawayResult of 'chip': loop gain 0.4 at 76.85 degC
    """

    package: str
    loop_gain: float | None
    temperature: float | None
    power: float
    leakage: float
    critical: tuple[CriticalValue, ...]

    def __repr__(self) -> str:
        """Return the loop gain, and a line for each critical value."""
        state = "no steady state at the described powers"
        if self.loop_gain is not None and self.temperature is not None:
            shown = format_quantity(self.temperature, "temperature")
            state = f"loop gain {self.loop_gain:.3g} at {shown}"
        rows = [f"RunawayResult of {self.package!r}: {state}"]
        return "\n".join([*rows, *(f"  {each.quantity} {each.value:.4g}" for each in self.critical)])

    def of(self, quantity: str) -> CriticalValue:
        """Return the critical value of a quantity. Raises KeyError if the package does not have it."""
        return next(each for each in self.critical if each.quantity == quantity)

    def table(self, width: int = 120) -> str:
        """Return the table of critical values as text."""
        table = call("report.runaway_table", "runaway_table", self)
        text: str = call("report.table_layout", "as_text", table, width)
        return text

    def plot(self, path: str | Path | None = None) -> Figure:
        """Return the figure of temperature and loop gain over each quantity; write it to `path` if given."""
        figure: Figure = call("plot.runaway", "plot_runaway", self, path)
        return figure

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain data in SI units."""
        critical = [{**asdict(each), "value": each.value} for each in self.critical]
        return {**asdict(self), "critical": critical}
