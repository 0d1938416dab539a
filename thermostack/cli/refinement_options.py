"""Options of the command `solve` for a grid that meets a tolerance, and functions that read their values."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from thermostack.cli.options import read_positive, usage_error

SteadyTolerance = Annotated[
    str | None,
    Parameter(
        help='Refine the grid until the estimated error of every peak of a powered part is below, as "0.1 K".'
    ),
]
MaxMemory = Annotated[
    str | None,
    Parameter(
        name="--max-memory",
        help='With --tolerance: memory of a refined grid, as "4 GB". Default: half of the available memory.',
    ),
]
MaxTime = Annotated[
    str | None,
    Parameter(
        name="--max-time", help='With --tolerance: time of all grids, as "2 min". Default: ten minutes.'
    ),
]


def read_refinement(
    tolerance: str | None, max_memory: str | None, max_time: str | None, *, no_estimate: bool
) -> dict[str, float]:
    """Return the arguments of `solve_steady` for a refinement [SI], empty without a tolerance.

    Raises DescriptionError where an option needs --tolerance, or where --tolerance needs the estimate.
    """
    limits = (("--max-memory", max_memory, "memory_size"), ("--max-time", max_time, "time"))
    given = {
        option[2:].replace("-", "_"): read_positive(option, text, dimension)
        for option, text, dimension in limits
        if text is not None
    }
    if tolerance is None:
        for option, text, _ in limits:
            if text is not None:
                message = "limits the refinement of the grid"
                raise usage_error(option, message, 'add --tolerance "0.1 K"', "E-MISSING")
        return {}
    if no_estimate:
        raise usage_error("--no-estimate", "a tolerance needs the error estimate", "omit one of them")
    from thermostack.refinement.settings import check_tolerance

    bound = read_positive("--tolerance", tolerance, "temperature_difference")
    return {"tolerance": check_tolerance(bound, "--tolerance"), **given}


def require_solver_error(solver_error: str | None, method: str, *, no_estimate: bool) -> None:
    """Raise DescriptionError for a wrong value of --solver-error, and for options that exclude it."""
    if solver_error is None:
        return
    from thermostack.linear.error_control import check_solver_error

    check_solver_error(solver_error, method, estimate=not no_estimate, argument="--solver-error")


def start_fineness() -> float:
    """Return the fineness of the first grid of a refinement."""
    from thermostack.refinement.settings import RULE

    return RULE.start_fineness
