"""Steady heat conduction G(T) T = P(T): solution at the temperatures of the materials, and heat balance."""

from __future__ import annotations

import copy
import dataclasses
import resource
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from thermostack.errors import ConvergenceError, DescriptionError, Diagnostic
from thermostack.finite_volume.error_estimate import estimate_errors
from thermostack.finite_volume.heat_balance import HeatBalance
from thermostack.finite_volume.link_heat import measure_links
from thermostack.finite_volume.part_temperatures import measure_parts
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.error_control import MIN_SOLVER_ERROR, ErrorControl, check_solver_error
from thermostack.linear.solver import MIN_TOLERANCE
from thermostack.linear.solver_report import ERROR_REASON, SolverReport
from thermostack.linear.steady_problem import (
    BALANCE_TOLERANCE,
    Progress,
    SteadyProblem,
    steady_memory,
    timed,
)
from thermostack.mesh.grid import Grid
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.model import Model, as_model, discretize
from thermostack.package.geometry import Geometry
from thermostack.package.package import Package
from thermostack.refinement.indicators import SolvedGrid
from thermostack.refinement.passes import solve_to_tolerance
from thermostack.refinement.settings import RULE, Limits, check_limits, check_tolerance
from thermostack.results.fields import fill_inactive
from thermostack.results.result_warnings import extremes_of_parts, grid_error_warnings, result_warnings
from thermostack.results.steady_result import SteadyResult
from thermostack.schema.arguments import (
    argument_error,
    check_number,
    require_callable,
)

DEFAULT_RESIDUAL = 1e-8  # relative to the power
FIRST_SOLVER_ERROR = 0.1  # K, of a solution whose grid error is not known yet


class SolverOptions(NamedTuple):
    """Options of the solve on one grid."""

    residual: float
    method: str
    threads: int | None
    estimate: bool
    solver_error: float | None = None  # K; a share of the grid error if `is_share`
    is_share: bool = False


def solve_steady(
    model: Model | Package,
    *,
    tolerance: float | str | None = None,
    max_memory: float | str | None = None,
    max_time: float | str | None = None,
    residual: float = DEFAULT_RESIDUAL,
    solver_error: float | str | None = None,
    method: str = "multigrid",
    threads: int | None = None,
    estimate: bool = True,
    progress: Progress = lambda stage: None,
) -> SteadyResult:
    """Return the steady temperatures of a model, with heat balance and estimated errors.

    Parameters
    ----------
    model : Model or Package
        The mesh; a package is discretized with the default grid.
    tolerance : float or str, optional
        Bound of the estimated error of the peak of every part and block with power [K, or text with a unit],
        "0.1 K". The grid is refined until it is met: from the grid of a model, or from one that is coarser
        than the default grid of a package. Without it the equations are solved on the given grid; the
        default grid of a package whose description has a tolerance is refined to that.
    max_memory : float or str, optional
        Limit of the memory of a refined grid [bytes, or text with a unit], "4 GB"; by default half of the
        available memory.
    max_time : float or str, optional
        Limit of the time of all grids [s, or text with a unit], "2 min"; by default ten minutes. No grid is
        begun that would exceed it, as predicted from the last one.
    residual : float
        Bound on the residual of the linear solver relative to the power, and on the imbalance of heat
        relative to the heat that flows through. Above 1e-6 a constant closes the heat balance.
    solver_error : float or str, optional
        Bound of the algebraic error of mean and maximum of the parts and blocks with power, in place of
        `residual`: [K, or text with a unit], "0.02 K", or a share of the estimated error of the grid at the
        peak, "10 %" (at most 50 %). A constant closes the heat balance. The direct method has none.
    method : str
        "multigrid" (conjugate gradients with a multigrid preconditioner) or "direct" (LU factorization).
    threads : int, optional
        Number of threads, by default that of the available processor cores.
    estimate : bool
        Whether to estimate the discretization error of every part.
    progress : callable
        Function that is called with the name of each stage when it starts.

    Returns
    -------
    SteadyResult
        Temperature field, temperatures of the parts, heat balance and solver report; with `tolerance` also
        the refinement, and the warning W-TOLERANCE where the tolerance was not reached.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or is out of its range.
    DescriptionError
        If no boundary condition fixes the temperature.
    ConvergenceError
        If the solver or the Picard iteration does not converge, or the imbalance of heat exceeds 1e-6.
    ResourceError
        If the solve would exceed the memory of this machine. It is raised before anything is allocated, or
        later if conductivities that differ by more than 1e6 within a plane need another method.

    Notes
    -----
    The equations are the finite-volume balance of every cell with two-point fluxes and harmonic means of the
    conductivities (Patankar, Numerical Heat Transfer and Fluid Flow, 1980, chapter 4). If conductivities
    depend on temperature, a Picard iteration alternates between solving and evaluating them at the
    temperatures of the cells.

    Examples
    --------
    >>> import thermostack as ts
    >>> steady = ts.solve_steady(ts.discretize(ts.read_package("fcbga"), cell=4e-3))
    >>> steady.heat_balance.relative < 1e-8
    True
    """
    check_number(residual, "residual", min=MIN_TOLERANCE, below=1.0)
    require_callable(progress, "progress", "pass a function of the name of a stage")
    options = SolverOptions(residual, method, threads, estimate)
    if solver_error is not None:
        if residual != DEFAULT_RESIDUAL:
            text = "the solver stops at the solver error, in place of the residual"
            raise argument_error("residual", text, "omit one of them")
        bound, is_share = check_solver_error(solver_error, method, estimate=estimate)
        options = options._replace(solver_error=bound, is_share=is_share)
    seconds: dict[str, float] = {}
    if tolerance is not None:
        bound, limits = check_tolerance(tolerance), check_limits(max_memory, max_time)
        if not estimate:
            text = "a tolerance needs the error estimate"
            raise argument_error("estimate", text, "omit estimate=False, or the tolerance")
        return _refine(model, bound, limits, options, seconds, progress)
    own = model.grid if isinstance(model, Package) and estimate else None
    if own is not None:
        with timed(seconds, "mesh", progress):
            model = as_model(model)
        return _refine(model, own.tolerance, check_limits(max_memory, max_time), options, seconds, progress)
    for name, given in (("max_memory", max_memory), ("max_time", max_time)):
        if given is not None:
            raise argument_error(name, "limits the refinement of the grid", "add a tolerance, as 0.1 K")
    with timed(seconds, "mesh", progress) if isinstance(model, Package) else nullcontext():
        model = as_model(model)
    return _solve_grid(model, options, seconds, progress).result


def _refine(
    model: Model | Package,
    tolerance: float,
    limits: Limits,
    options: SolverOptions,
    seconds: dict[str, float],
    progress: Progress,
) -> SteadyResult:
    """Return the result on a grid that meets a tolerance [K], or on the last grid within the limits."""
    with timed(seconds, "mesh", progress):
        if isinstance(model, (Package, Geometry)):
            model = discretize(model, fineness=RULE.start_fineness)
        model = as_model(model)

    def solve(refined: Model, number: int) -> SolvedGrid:
        progress(f"solve grid {number}, {refined.grid.cells} cells")
        return _solve_grid(refined, options, seconds, lambda stage: None)

    def memory_of(before: Model, grid: Grid) -> MemoryEstimate:
        return steady_memory(before, options.method, estimate=True, grid=grid)

    return solve_to_tolerance(model, tolerance, limits, solve, memory_of)


def _solve_grid(
    model: Model, options: SolverOptions, seconds: dict[str, float], progress: Progress
) -> SolvedGrid:
    """Return the result on the grid of a model, and its operator."""
    residual, method, threads, estimate = options[:4]
    require_fixed_temperature(model)
    check_memory(steady_memory(model, method, estimate), held=model.memory)
    problem = SteadyProblem(model, residual, method, threads, seconds, progress)
    if options.solver_error is None:
        fluxes, balance, report = problem.balance(problem.solve_nonlinear())
    else:
        fluxes, balance, report = _solve_to_error(problem, options)
    problem.free_rhs()
    nonlinear = problem.nonlinear_report(fluxes.t)
    gain = nonlinear.loop_gain if nonlinear is not None else None
    with timed(seconds, "measure", progress):
        measured = measure_parts(fluxes)
    if balance.relative > BALANCE_TOLERANCE:
        text = f"heat balance is off by {balance.relative:.1e} of the heat, more than {BALANCE_TOLERANCE:.0e}"
        raise ConvergenceError(f"{text}; ask for a smaller residual", report.history)
    links = measure_links(model, fluxes.conduction.links, fluxes.t)
    parts = list(measured.temperatures.values())
    if estimate:
        with timed(seconds, "estimate", progress):
            parts = estimate_errors(
                fluxes, measured, problem.solve_correction, problem.solve_corners, loop_gain=gain or 0.0
            )
    temperature = fluxes.t
    fill_inactive(model, temperature, np.nan)
    found = result_warnings(model, extremes_of_parts(parts), is_powered=model.is_powered)
    if estimate:
        found += grid_error_warnings(parts, model.boundary.temperature[model.boundary.h > 0.0])
    warnings = (*model.warnings, *problem.range_warnings(temperature), *found)
    memory = _max_memory()
    result = SteadyResult(
        model,
        temperature,
        tuple(parts),
        balance,
        report,
        warnings,
        seconds,
        memory,
        links,
        nonlinear=nonlinear,
    )
    return SolvedGrid(result, fluxes, measured, problem.solve_adjoint)


def _solve_to_error(
    problem: SteadyProblem, options: SolverOptions
) -> tuple[FaceFluxes, HeatBalance, SolverReport]:
    """Return fluxes, heat balance and report of a solution to a bound of its algebraic error."""
    assert options.solver_error is not None
    control = ErrorControl(problem)
    solved = control.solve(None, FIRST_SOLVER_ERROR if options.is_share else options.solver_error)
    if options.is_share:
        bound = options.solver_error * _grid_error(problem, solved.rise)
        if solved.error > bound:
            solved = control.solve(solved.rise, max(bound, MIN_SOLVER_ERROR))
    problem.close_balance(solved.rise)
    fluxes, balance = problem.measure_balance(solved.rise)
    reason = f"{ERROR_REASON} {solved.error:.2g} K"
    report = dataclasses.replace(
        problem.report, reason=reason, imbalance=balance.relative, error=solved.error
    )
    return fluxes, balance, report


def _grid_error(problem: SteadyProblem, rise: np.ndarray) -> float:
    """Return the estimated error of the grid at the maximum of the hottest part with power [K]."""
    other = copy.copy(problem)  # the estimate frees the solver
    fluxes, _ = other.measure_balance(rise.copy())
    parts = estimate_errors(fluxes, measure_parts(fluxes), other.solve_correction, other.solve_corners)
    powered = [part for part in parts if part.power > 0.0] or parts
    hottest = max(powered, key=lambda part: part.max)
    return hottest.error if hottest.error is not None else FIRST_SOLVER_ERROR


def require_fixed_temperature(model: Model) -> None:
    """Raise DescriptionError if no boundary condition fixes the steady temperature of the body."""
    if not (model.boundary.h > 0.0).any():
        text = "the body is isolated: no boundary condition fixes its steady temperature"
        hint = "cool a face, or simulate a transient that does not start steady (initial: outside)"
        raise DescriptionError(Diagnostic("cooling", text, hint, "E-COOLING"))


def _max_memory() -> int:
    """Return the maximum resident memory of this process so far [bytes]."""
    with suppress(OSError, StopIteration):  # getrusage would include the memory of the parent process
        rows = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(row for row in rows if row.startswith("VmHWM:")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
