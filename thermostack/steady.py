"""Steady heat conduction: G(T) T = P(T), solved, checked, and handed out as a result."""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from thermostack.errors import ConvergenceError, DescriptionError, Diagnostic
from thermostack.finite_volume.conduction import (
    CellConductivity,
    Conduction,
    add_boundary_sources,
    assemble_conduction,
    update_conduction,
)
from thermostack.finite_volume.error_estimate import ESTIMATE_TOLERANCE, estimate_errors
from thermostack.finite_volume.heat_balance import HeatBalance, balance_heat
from thermostack.finite_volume.part_temperatures import (
    PartTemperature,
    measure_parts,
)
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.solver import Solver, prepare
from thermostack.linear.solver_report import SolverReport
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.model import Model, discretize
from thermostack.package.package import Package
from thermostack.results.fields import fill_inactive
from thermostack.results.steady_result import SteadyResult
from thermostack.units import format_quantity

BALANCE_TOLERANCE = 1e-6  # of the heat that passes through: a field that loses more is no result
FINEST = 1e-13  # tolerance of the solver that is asked for, for the balance's sake
SETTLED = 1e-6  # of the rise: conductivities and temperatures agree to this
MOST_ROUNDS = 30  # of conductivity after temperature; five are usual

Progress = Callable[[str], None]


def solve_steady(
    model: Model | Package,
    *,
    tolerance: float = 1e-8,
    method: str = "multigrid",
    threads: int | None = None,
    estimate: bool = True,
    progress: Progress = lambda stage: None,
) -> SteadyResult:
    """Return the steady temperatures of a model, with heat balance and estimated errors.

    `tolerance` bounds the residual relative to the heat, and what fails to balance relative to the heat
    that passes through; `estimate=False` leaves the errors out. A conductivity that depends on temperature
    is taken at the temperatures found, repeated until both agree.

    Raises DescriptionError where nothing fixes the temperature, ConvergenceError where the solver stalls or
    the heat does not balance to 1e-6, and ResourceError, before anything is allocated, where the solve
    would not fit in this machine's memory, or later where conductivities over 1e5-fold apart in a plane ask
    for a method that would not.
    """
    seconds: dict[str, float] = {}
    if isinstance(model, Package):
        with timed(seconds, "mesh", progress):
            model = discretize(model)
    require_fixed_temperature(model)
    check_memory(_foreseen(model, method, estimate), held=model.memory)
    solving = _Solving(model, tolerance, method, threads, seconds, progress)
    fluxes, balance, report = solving.balanced(*solving.run())
    solving.forget_heat()
    with timed(seconds, "measure", progress):
        measured = measure_parts(fluxes)
    if balance.relative > BALANCE_TOLERANCE:
        text = f"heat balance is off by {balance.relative:.1e} of the heat, more than {BALANCE_TOLERANCE:.0e}"
        raise ConvergenceError(f"{text}; ask for a smaller tolerance", report.history)
    parts = list(measured.temperatures.values())
    if estimate:
        with timed(seconds, "estimate", progress):
            parts = estimate_errors(fluxes, measured, solving.solve_loosely)
    temperature = fluxes.t
    fill_inactive(model, temperature, np.nan)
    warnings = (*model.warnings, *_range_warnings(model, parts))
    return SteadyResult(model, temperature, tuple(parts), balance, report, warnings, seconds, _peak_memory())


def require_fixed_temperature(model: Model) -> None:
    """Raise DescriptionError where nothing fixes the temperature of the body at rest."""
    if not (model.boundary.h > 0.0).any():
        text = "the body is isolated: nothing fixes its temperature at rest"
        remedy = "cool a face, or play a transient that does not begin at rest (initial: outside)"
        raise DescriptionError(Diagnostic("cooling", text, remedy, "E-COOLING"))


def _foreseen(model: Model, method: str, estimate: bool) -> MemoryEstimate:
    active = model.active if method == "direct" else None
    return MemoryEstimate(model.grid, model.is_linear, estimate, method, model.boundary.cell.size, active)


class _Solving:
    """One steady problem on its way: the operator at the temperatures reached so far."""

    def __init__(
        self,
        model: Model,
        tolerance: float,
        method: str,
        threads: int | None,
        seconds: dict[str, float],
        progress: Progress,
    ) -> None:
        self.model, self.tolerance, self.method, self.threads = model, tolerance, method, threads
        self.seconds, self.progress = seconds, progress
        self.iterations = 0
        self.zero = model.boundary.mean_ambient  # K, less cancellation
        self.conductivity: CellConductivity
        self.conduction: Conduction
        self.solver: Solver
        self.heat: np.ndarray  # (nz, ny, nx) W, to a body at `zero`

    def assemble(self, temperature: np.ndarray | None = None) -> None:
        """Make the operator: at first with materials at 300 K, then at the temperatures of cells [K]."""
        for name in ("heat", "solver"):  # their memory is free before the next are built
            self.__dict__.pop(name, None)
        with timed(self.seconds, "assemble", self.progress):
            if temperature is None:
                self.conductivity = CellConductivity(self.model)
                self.conduction = assemble_conduction(self.model, self.conductivity)
            else:
                self.conductivity = self.conductivity.at_temperature(temperature)
                self.conduction = update_conduction(self.conduction, self.model, self.conductivity)
            self.heat = self.model.power
            add_boundary_sources(self.model, self.conduction, self.heat, self.zero)
        with timed(self.seconds, "prepare", self.progress):
            widths = (self.model.grid.dx, self.model.grid.dy)
            self.solver = prepare(self.conduction, widths=widths, method=self.method, threads=self.threads)

    def solve(self, rise: np.ndarray | None, tolerance: float) -> tuple[np.ndarray, SolverReport]:
        """Return the rise over `zero` [K], in the array of a guess where one is given, and how it went."""
        with timed(self.seconds, "solve", self.progress):
            rise, report = self.solver.solve(
                self.heat, guess=rise, tolerance=tolerance, overwrites_guess=True
            )
        self.iterations += report.iterations
        return rise, dataclasses.replace(report, total_iterations=self.iterations)

    def forget_heat(self) -> None:
        del self.heat

    def solve_loosely(self, heat: np.ndarray) -> np.ndarray:
        return self.solver.solve(heat, tolerance=ESTIMATE_TOLERANCE)[0]

    def balanced(
        self, rise: np.ndarray, report: SolverReport
    ) -> tuple[FaceFluxes, HeatBalance, SolverReport]:
        """Return the fluxes, solved on until heat in and out balance to the tolerance, and their balance.

        The solver weighs what is left over against all heat that films bring to a body at `zero`. Between
        two fixed temperatures that is far more than what passes through.
        """
        tolerance = self.tolerance
        while True:
            rise += self.zero
            fluxes = FaceFluxes(self.model, self.conduction, self.conductivity, rise)
            balance = balance_heat(fluxes)
            if balance.relative <= self.tolerance or tolerance <= FINEST:
                return fluxes, balance, report
            tolerance = max(FINEST, 0.1 * tolerance * self.tolerance / balance.relative)
            try:
                rise, report = self.solve(rise - self.zero, tolerance)
            except ConvergenceError:
                return fluxes, balance, report

    def run(self) -> tuple[np.ndarray, SolverReport]:
        """Return the rise over `zero` [K] and the report of the last solve."""
        self.assemble()
        rise, report = self.solve(None, self.tolerance if self.model.is_linear else ESTIMATE_TOLERANCE)
        if self.model.is_linear:
            return rise, report
        changes: list[float] = []
        temperature = np.empty(rise.shape)  # at which conductivities are taken
        for _ in range(MOST_ROUNDS):
            np.add(rise, self.zero, out=temperature)
            self.assemble(temperature)
            scale = max(float(rise.max()), -float(rise.min()), 1e-300)
            last = changes[-1] if changes else 1.0
            rise, report = self.solve(rise, max(self.tolerance, min(ESTIMATE_TOLERANCE, 1e-2 * last)))
            changes.append(_largest_change(temperature, rise, self.zero) / scale)
            if changes[-1] <= SETTLED:
                return self.solve(rise, self.tolerance)
        text = "conductivities and temperatures do not settle"
        raise ConvergenceError(f"{text}: they still change by {changes[-1]:.1e} of the rise", changes)


def _largest_change(temperature: np.ndarray, rise: np.ndarray, zero: float) -> float:
    """Return by how much temperatures [K] differ at most from those of a rise over `zero`."""
    return max(float(np.abs((new + zero) - old).max()) for new, old in zip(rise, temperature, strict=True))


def _range_warnings(model: Model, parts: list[PartTemperature]) -> Iterator[str]:
    """Yield where a material was taken beyond the temperatures its conductivity is known for."""
    materials = {part.name: part.material for part in model.parts}
    for part in parts:
        if part.is_block:
            continue
        known = materials[part.name].temperature_range
        if known is None or (part.min >= known[0] and part.max <= known[1]):
            continue
        reached = part.max if part.max > known[1] else part.min
        low, high, value = (format_quantity(t, "temperature") for t in (*known, reached))
        text = f"{value} is reached, {materials[part.name].name} is known from {low} to {high}"
        yield str(Diagnostic(part.name, text, "its conductivity at that end was taken", "W-RANGE"))


@contextmanager
def timed(seconds: dict[str, float], stage: str, progress: Progress) -> Iterator[None]:
    """Show a stage, and add what it takes to the seconds of its name."""
    progress(stage)
    start = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start


def _peak_memory() -> int:
    """Return the most memory this program has held so far [bytes]."""
    with suppress(OSError, StopIteration):  # getrusage would count what the program that started it held
        rows = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(row for row in rows if row.startswith("VmHWM:")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
