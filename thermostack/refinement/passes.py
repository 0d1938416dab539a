"""The passes of a refinement: solve, estimate, adjoint, and the next grid, until the tolerance or a limit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np

from thermostack.errors import Diagnostic, ResourceError
from thermostack.mesh.grid import Grid
from thermostack.mesh.memory_estimate import MemoryEstimate
from thermostack.mesh.mesh_diagnostics import single_cell_windows
from thermostack.mesh.model import Model, discretize
from thermostack.refinement.indicators import (
    Intervals,
    SolvedGrid,
    adjoint_source,
    bounded_parts,
    error_of,
    interval_indicators,
)
from thermostack.refinement.refined_grid import refined_grid
from thermostack.refinement.settings import RULE, Limits, RefinementRule
from thermostack.results.refinement_log import Outcome, Refinement, RefinementPass
from thermostack.results.steady_result import SteadyResult
from thermostack.units import format_quantity

SolveGrid = Callable[[Model, int], SolvedGrid]  # a model and the number of the pass, from 1


def solve_to_tolerance(
    model: Model,
    tolerance: float,
    limits: Limits,
    solve: SolveGrid,
    memory_of: Callable[[Model, Grid], MemoryEstimate],
    rule: RefinementRule = RULE,
) -> SteadyResult:
    """Return the result on the first grid whose errors are within the tolerance [K], or on the last one.

    `solve` solves the equations on a grid and estimates the errors; `memory_of` estimates the memory of a
    solve on a grid. Raises ResourceError where the first grid does not fit in the memory of the limits.
    """
    _require_memory(memory_of(model, model.grid), limits)
    passes: list[RefinementPass] = []
    start, refining = time.perf_counter(), 0.0
    result: SteadyResult | None = None
    while True:
        began = time.perf_counter()
        try:
            solved = solve(model, len(passes) + 1)
        except ResourceError:
            if result is None:
                raise
            outcome: Outcome = "memory"
            break
        result = solved.result
        forced = _single_cell_intervals(model)
        worst = max((result.parts[n] for n in bounded_parts(result.parts)), key=error_of)
        passes.append(
            RefinementPass(model.grid.cells, error_of(worst), worst.name, time.perf_counter() - began)
        )
        if passes[-1].error <= tolerance and forced is None:
            outcome = "reached"
            break
        if _has_stalled(passes, rule):
            outcome = "stalled"
            break
        solved_at = time.perf_counter()
        indicators = interval_indicators(
            solved.fluxes, solved.solve(adjoint_source(solved, tolerance, rule.min_weight))
        )
        del solved  # its memory is freed before the next grid is solved
        passes[-1] = dataclasses.replace(passes[-1], seconds=time.perf_counter() - began)
        check = _LimitCheck(model, passes[-1], limits, time.perf_counter() - start, memory_of)
        needed = 1.0 - rule.target * tolerance / passes[-1].error
        grid = refined_grid(model.grid, indicators, needed, rule, forced, check.fits)
        if grid is None:
            outcome = check.reason
            break
        if grid is model.grid:
            outcome = "stalled"
            break
        model = discretize(model.geometry, grid=grid)
        refining += time.perf_counter() - solved_at
    refinement = Refinement(tolerance, outcome, tuple(passes), limits.memory, limits.time)
    warnings = (*result.warnings, *tolerance_warnings(refinement))
    seconds = result.seconds | {"refine": refining}
    return dataclasses.replace(result, refinement=refinement, warnings=warnings, seconds=seconds)


class _LimitCheck:
    """Whether a refined grid is within the limits, and the limit that the last one exceeded."""

    def __init__(
        self,
        model: Model,
        last: RefinementPass,
        limits: Limits,
        elapsed: float,
        memory_of: Callable[[Model, Grid], MemoryEstimate],
    ) -> None:
        self.model, self.last, self.limits, self.elapsed = model, last, limits, elapsed
        self.memory_of = memory_of
        self.reason: Outcome = "memory"

    def fits(self, grid: Grid) -> bool:
        """Return whether a grid is within the limits; the time per cell is that of the last pass."""
        seconds = self.last.seconds * grid.cells / self.last.cells
        if self.elapsed + seconds > self.limits.time:
            self.reason = "time"
            return False
        if self.memory_of(self.model, grid).memory > self.limits.memory:
            self.reason = "memory"
            return False
        return True


def _require_memory(first: MemoryEstimate, limits: Limits) -> None:
    """Raise ResourceError where the solve on the first grid exceeds the limit of memory."""
    if first.memory > limits.memory:
        needed, limit = (format_quantity(each, "memory_size") for each in (first.memory, limits.memory))
        text = (
            f"the first grid of {first.grid.cells} cells needs about {needed}, more than max_memory, {limit}"
        )
        raise ResourceError(f"{text}; permit more memory, or start with a coarser grid")


def _has_stalled(passes: Sequence[RefinementPass], rule: RefinementRule) -> bool:
    """Return whether the error has not fallen although the cells have grown, or the passes are too many."""
    last = passes[-1]
    before = [each.error for each in passes if rule.stall_growth * each.cells <= last.cells]
    return len(passes) >= rule.max_passes or last.error > rule.stall_error * min(before, default=np.inf)


def _single_cell_intervals(model: Model) -> Intervals | None:
    """Return the intervals across sources with one cell across, None without any."""
    found = single_cell_windows(model.geometry, model.grid, model.layer_sources, model.blocks)
    if not found:
        return None
    nz, ny, nx = model.grid.shape
    marks = np.zeros(nz, bool), np.zeros(ny, bool), np.zeros(nx, bool)
    for _, axis, window in found:
        marks[axis][window] = True
    return marks


def tolerance_warnings(refinement: Refinement) -> list[str]:
    """Return W-TOLERANCE where a refinement did not reach its tolerance."""
    if refinement.is_reached:
        return []
    return [str(Diagnostic("grid", refinement.text, refinement.advice, "W-TOLERANCE"))]
