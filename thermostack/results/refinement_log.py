"""The passes of a solve that refined its grid to a tolerance, and the reason for which it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from thermostack.units import format_quantity

Outcome = Literal["reached", "memory", "time", "stalled"]

ADVICE = {  # by outcome: what to change, after the semicolon of the message
    "memory": "more memory (max_memory, --max-memory) or a tolerance of about {error} would do",
    "time": "more time (max_time, --max-time) or a tolerance of about {error} would do",
    "stalled": "the estimate no longer falls with the cells; look at this part, or ask for about {error}",
}
FAR_ADVICE = {  # the same for an error of more than `FAR_RATIO` tolerances, no useful tolerance
    "memory": "the tolerance needs {factor} times the cells; permit more memory (max_memory, --max-memory)",
    "time": "the tolerance needs {factor} times the cells; permit more time (max_time, --max-time)",
    "stalled": "the estimate no longer falls with the cells; look at this part",
}
FAR_RATIO = 3.0
CELLS_EXPONENT = 1.5  # cells grow about with this power of 1 / tolerance (docs/guide/grid.md)


@dataclass(frozen=True)
class RefinementPass:
    """One grid of a refinement.

    Parameters
    ----------
    cells : int
        Number of cells, including those outside the body.
    error : float
        Largest estimated error of the peak of a powered part or block [K].
    part : str
        Name of the part or block with this error.
    seconds : float
        Wall-clock time of the pass [s].

    Examples
    --------
    >>> RefinementPass(4200, 0.8, "die.active", 0.3).error
    0.8
    """

    cells: int
    error: float
    part: str
    seconds: float


@dataclass(frozen=True)
class Refinement:
    """The grids on which a package was solved to meet a tolerance; `solve_steady(tolerance=)` returns it.

    Parameters
    ----------
    tolerance : float
        Bound of the estimated errors [K].
    outcome : {"reached", "memory", "time", "stalled"}
        Whether the tolerance was reached, or the reason for which the last grid was not refined further:
        the limits of memory or time, or an estimate that does not fall.
    passes : tuple of RefinementPass
        The grids, from the first to the one of the result.
    max_memory : float
        Limit of the memory of a solve [bytes].
    max_time : float
        Limit of the wall-clock time of all passes [s].

    Examples
    --------
    >>> import thermostack as ts
    >>> steady = ts.solve_steady(ts.read_package("hbm3_8h"), tolerance="2 K")
    >>> steady.refinement.outcome, steady.refinement.error < 2.0
    ('reached', True)
    """

    tolerance: float
    outcome: Outcome
    passes: tuple[RefinementPass, ...]
    max_memory: float
    max_time: float

    @property
    def is_reached(self) -> bool:
        """Return whether all estimated errors are within the tolerance."""
        return self.outcome == "reached"

    @property
    def error(self) -> float:
        """Return the largest estimated error of the result [K]."""
        return self.passes[-1].error

    @property
    def part(self) -> str:
        """Return the part or block with the largest error."""
        return self.passes[-1].part

    @property
    def cells(self) -> int:
        """Return the number of cells of the result."""
        return self.passes[-1].cells

    @property
    def text(self) -> str:
        """Return the outcome in words."""
        tolerance = f"tolerance {format_quantity(self.tolerance, 'temperature_difference')}"
        grids = (
            f"{len(self.passes)} {'pass' if len(self.passes) == 1 else 'passes'}, {_spaced(self.cells)} cells"
        )
        if self.is_reached:
            return f"{tolerance} reached in {grids}"
        return (
            f"{tolerance} not reached in {grids}: {self._reason}, largest error {self._error} in {self.part}"
        )

    @property
    def advice(self) -> str:
        """Return the advice for a tolerance that was not reached, an empty text for one that was."""
        if self.is_reached:
            return ""
        ratio = self.error / self.tolerance
        if ratio <= FAR_RATIO:
            return ADVICE[self.outcome].format(error=self._error)
        return FAR_ADVICE[self.outcome].format(factor=f"about {float(f'{ratio**CELLS_EXPONENT:.1g}'):,.0f}")

    @property
    def _error(self) -> str:
        return format_quantity(float(f"{self.error:.2g}"), "temperature_difference")

    @property
    def _reason(self) -> str:
        if self.outcome == "memory":
            limit = format_quantity(self.max_memory, "memory_size")
            return f"the next grid and its solver would need more than the permitted {limit}"
        if self.outcome == "time":
            return f"the next grid would take more than the rest of {format_quantity(self.max_time, 'time')}"
        return "the error does not fall"


def _spaced(count: int) -> str:
    """Return a whole number with a space between thousands."""
    return f"{count:,}".replace(",", " ")
