"""Coefficients of the refinement, and its limits of memory and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thermostack.mesh.memory_estimate import available_memory
from thermostack.package.grid_options import MIN_TOLERANCE
from thermostack.schema.arguments import argument_error, check_quantity
from thermostack.units import format_quantity

DEFAULT_MEMORY_FRACTION = 0.5  # of the available memory
DEFAULT_MAX_TIME = 600.0  # s


@dataclass(frozen=True)
class RefinementRule:
    """Coefficients of the refinement (docs/numerics.md, section 7).

    Parameters
    ----------
    start_fineness
        Factor that divides the cell sizes of the default rule on the first grid of a package.
    min_weight
        Errors below this fraction of the tolerance have no weight in the adjoint.
    min_score
        Of the largest score: intervals below are not bisected.
    target
        Of the tolerance: no more intervals are bisected than this predicted error needs.
    reduction
        Fraction of the indicator of an interval that its bisection removes.
    max_ratio
        Of the widths of neighbouring intervals; a pass bisects each interval once at most.
    stall_growth, stall_error
        The refinement ends where the cells have grown by this factor, and the error is still more than this
        fraction of the smallest one before.
    max_passes
        Maximum number of grids.
    """

    start_fineness: float = 0.25
    min_weight: float = 0.5
    min_score: float = 0.25
    target: float = 0.85
    reduction: float = 0.75
    max_ratio: float = 3.0
    stall_growth: float = 8.0
    stall_error: float = 0.9
    max_passes: int = 40


RULE = RefinementRule()


@dataclass(frozen=True)
class Limits:
    """Limits of the memory of a solve [bytes] and of the wall-clock time of all passes [s]."""

    memory: float
    time: float


def check_tolerance(tolerance: Any, argument: str = "tolerance") -> float:
    """Return a tolerance [K] from a number in K or text with a unit.

    Raises ArgumentError where it is no temperature difference, not positive, or smaller than MIN_TOLERANCE.
    """
    checked = check_quantity(tolerance, "temperature_difference", argument, above=0.0)
    if checked < MIN_TOLERANCE:
        shown, bound = (format_quantity(each, "temperature_difference") for each in (checked, MIN_TOLERANCE))
        text = f"{shown} is less than {bound}; it is the error of the peaks that the grid may cause"
        hint = 'write "0.1 K"; the bound of the linear solver, such as 1e-8, is the argument `residual`'
        raise argument_error(argument, text, hint, "E-RANGE")
    return checked


def check_limits(max_memory: Any, max_time: Any) -> Limits:
    """Return the limits [bytes, s] from numbers or texts with a unit, None for the defaults."""
    memory = DEFAULT_MEMORY_FRACTION * available_memory()
    if max_memory is not None:
        memory = check_quantity(max_memory, "memory_size", "max_memory", above=0.0)
    time = DEFAULT_MAX_TIME
    if max_time is not None:
        time = check_quantity(max_time, "time", "max_time", above=0.0)
    return Limits(memory, time)
