"""The steady equations of a model: operator, right-hand side and linear solver at the present materials."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from thermostack.errors import BoilingCrisisError, ConvergenceError, Diagnostic, RunawayError
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import (
    Conduction,
    PowerSlope,
    add_boundary_sources,
    assemble_conduction,
    update_conduction,
)
from thermostack.finite_volume.error_estimate import CHANGE_TOLERANCE, CORNER_TOLERANCE
from thermostack.finite_volume.heat_balance import (
    HeatBalance,
    balance_heat,
    heat_through,
    residual_rounding,
    total_residual,
)
from thermostack.finite_volume.kirchhoff_variable import KirchhoffVariable, steepest_interval
from thermostack.finite_volume.operating_point import (
    leakage_slope,
    linearise,
    starting_boundary,
    surface_temperatures,
)
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.anderson import ANDERSON, solve_anderson
from thermostack.linear.loop_gain import loop_gain
from thermostack.linear.multigrid import Widths
from thermostack.linear.nonlinear_iteration import NONLINEAR, runaway_error, solve_nonlinear
from thermostack.linear.nonlinear_report import BoilingMargin, NonlinearReport
from thermostack.linear.solver import Solver, prepare
from thermostack.linear.solver_report import SolverReport
from thermostack.mesh.grid import Grid
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.model import Model
from thermostack.units import format_quantity

BALANCE_TOLERANCE = 1e-6  # of the heat that flows through: a result with a larger imbalance is refused
RESIDUAL_TOLERANCE = 1e-6  # of the heat that flows through: sum of the residuals of all cells
MIN_SOLVER_TOLERANCE = 1e-13  # minimum tolerance of the linear solver for the sake of the heat balance

FIRST_TOLERANCE = 1e-3  # of the linear solver, with materials at 300 K
NONLINEAR_MARGIN = (
    100.0  # tolerance of the nonlinear iteration, relative to that of the linear solver, at most
)
ITERATION_FIELDS = 16  # of float64, at most, that the accelerated iteration allocates
LEAST_RISE = 1e-3  # K, of the whole body: the heat that it loses by it is the least to which residuals relate
TINY_HEAT = 1e-300  # W, in place of zero where relative quantities are computed

Progress = Callable[[str], None]


def steady_memory(model: Model, method: str, estimate: bool, grid: Grid | None = None) -> MemoryEstimate:
    """Return the memory of the steady solve of a model, or of its geometry on another grid."""
    grid, cells = model.grid if grid is None else grid, model.grid.cells
    active = model.active * grid.cells // cells if method == "direct" else None
    faces = model.boundary.cell.size if grid is model.grid else None
    corrected_rhs = int(bool(model.geometry.links))
    return MemoryEstimate(grid, model.is_linear, estimate, method, faces, active, extra_fields=corrected_rhs)


class SteadyProblem:
    """The steady equations of a model: operator, right-hand side and solver at the last temperatures.

    `described` is the model with its boundary laws and its leakage, `model` that with the linear boundary
    conditions and the powers that stand for them at the last temperatures.
    """

    def __init__(
        self,
        model: Model,
        tolerance: float,
        method: str,
        threads: int | None,
        seconds: dict[str, float],
        progress: Progress,
        *,
        is_fixed: bool = True,
    ) -> None:
        """Store the model and the options; `is_fixed`: the operator changes with temperature alone."""
        self.is_fixed = is_fixed
        self.set_model(model)
        self.tolerance, self.method, self.threads = tolerance, method, threads
        self.seconds, self.progress = seconds, progress
        self.iterations = 0
        self.zero = model.boundary.mean_ambient  # K: rises over it have less cancellation
        self.conductivity: CellConductivity
        self.conduction: Conduction
        self.solver: Solver
        self.rhs: np.ndarray  # (nz, ny, nx) W, for rises over `zero`
        self.report: SolverReport  # of the last solve

    def set_model(self, model: Model) -> None:
        """Set the described model; the next `assemble` makes its equations linear."""
        self.described = self.model = model
        self.history: list[float] = []  # residual of each evaluation of the last nonlinear iteration
        self._largest_heat = 0.0  # W, that passed through the body in the iterations so far
        self._slope: PowerSlope | None = None  # of the leakage power at the last temperatures

    @property
    def is_linear(self) -> bool:
        return self.described.is_linear

    @property
    def has_boundary_laws(self) -> bool:
        return self.described.nonlinear_faces is not None

    @property
    def has_leakage(self) -> bool:
        return self.described.leakage is not None

    @property
    def has_newton_terms(self) -> bool:
        """Return whether boundary laws or powers depend on temperature."""
        return self.has_boundary_laws or self.has_leakage

    @property
    def power_slope(self) -> PowerSlope | None:
        """Return the slope of the leakage power at the last temperatures, None without leakage."""
        return self._slope

    def solve_nonlinear(self, guess: np.ndarray | None = None) -> np.ndarray:
        """Return the rise over `zero` [K], solved to the tolerance.

        A guess [K] is one for the present linear equations. Raises RunawayError where the equations with
        leakage have no solution.
        """
        if guess is None:
            self.assemble()
        tolerance = min(NONLINEAR.tolerance, NONLINEAR_MARGIN * self.tolerance)
        settings = dataclasses.replace(NONLINEAR, tolerance=tolerance)
        self.history = []
        try:
            rise = solve_nonlinear(self, settings, guess, self.history)
        except RunawayError as error:
            if guess is not None:  # from above the solution, a Newton step may find no minimum of its own
                return self.solve_nonlinear()
            raise runaway_error(self.described.leakage, error.history) from None
        except ConvergenceError as error:
            if self.has_newton_terms or self.described.has_constant_conductivity:
                raise
            rise = self.solve_accelerated(tolerance, error)
        if self.is_linear:
            return rise
        rise = self.solve_to(rise, self.tolerance)
        if self.has_newton_terms:
            self.update(rise.copy())
        return rise

    def nonlinear_report(self, t: np.ndarray) -> NonlinearReport | None:
        """Return the report of the nonlinear iteration at its solution t [K]; None where there was none.

        Raises BoilingCrisisError where a surface exceeds its critical heat flux.
        """
        if not self.has_newton_terms:
            return None
        report = NonlinearReport(len(self.history) - 1, tuple(self.history), boiling=self._boiling_margin(t))
        if self._slope is None:
            return report
        leakage = self.described.leakage
        assert leakage is not None
        with timed(self.seconds, "loop gain", self.progress):
            gain = loop_gain(self.solver, self.conduction, self._slope)
        power = self.model.total_power - self.described.total_power
        return dataclasses.replace(report, loop_gain=gain, leakage=power, reference_leakage=leakage.reference)

    def range_warnings(self, t: np.ndarray) -> list[str]:
        """Return W-RANGE for each correlation that is used outside its range at the solution t [K]."""
        faces = self.described.nonlinear_faces
        if faces is None:
            return []
        surface = surface_temperatures(faces, self.model.boundary, self.conduction, t)
        hint = "the heat flux may be wrong by more than the correlation; give h, or a table of h"
        texts = dict.fromkeys(text for _, text in faces.range_warnings(surface))
        return [str(Diagnostic("cooling", text, hint, "W-RANGE")) for text in texts]

    def _boiling_margin(self, t: np.ndarray) -> BoilingMargin | None:
        """Return the margin of the boiling surface nearest to its critical heat flux, None without any."""
        faces = self.described.nonlinear_faces
        if faces is None or not np.isfinite(faces.critical_flux).any():
            return None
        surface = surface_temperatures(faces, self.model.boundary, self.conduction, t)
        flux = faces.flux(surface)
        n = int(np.argmax(flux / faces.critical_flux))
        grid = self.model.grid
        k, j, i = np.unravel_index(int(self.model.boundary.cell[faces.face[n]]), grid.shape)
        place = float(grid.x_center[i]), float(grid.y_center[j]), float(grid.z_center[k])
        margin = BoilingMargin(float(flux[n]), float(faces.critical_flux[n]), place)
        if margin.ratio < 1.0:
            shown = ", ".join(format_quantity(x, "length") for x in place)
            raise BoilingCrisisError(
                f"boiling crisis: the heat flux at ({shown}) would be "
                f"{format_quantity(margin.flux, 'heat_flux')}, above the critical heat flux of "
                f"{format_quantity(margin.critical_flux, 'heat_flux')}; spread the heat, or cool by flow",
                self.history,
            )
        return margin

    def solve_accelerated(self, tolerance: float, error: ConvergenceError) -> np.ndarray:
        """Return the rise over `zero` [K] by Anderson's acceleration in the Kirchhoff variable.

        Raises the error of the Picard iteration, with the steepest table, if it fails too.
        """
        estimate = steady_memory(self.model, self.method, estimate=False)
        estimate = dataclasses.replace(estimate, extra_fields=estimate.extra_fields + ITERATION_FIELDS)
        check_memory(estimate, held=estimate.memory - ITERATION_FIELDS * 8 * self.model.grid.cells)
        try:
            iteration = _KirchhoffIteration(self)
            u = solve_anderson(iteration, iteration.start(), tolerance, ANDERSON)
        except ConvergenceError:
            steepest = steepest_interval(self.model)
            advice = (
                f"; {steepest}: write rows that are farther apart, or a smaller change" if steepest else ""
            )
            raise ConvergenceError(f"{error}{advice}", error.history) from None
        rise = iteration.rise_at(u)
        self.update(rise.copy())  # the caller changes its array, and the materials keep this one
        return rise

    def assemble(self, rise: np.ndarray | None = None, *, is_new: bool = False) -> None:
        """Build operator and solver with materials at 300 K, or update both at a rise over `zero` [K].

        Without a rise the leakage is zero, and boundary laws are linear at an estimated temperature of the
        surface. With `is_new` operator and solver are built at the rise.
        """
        self.__dict__.pop("rhs", None)  # its memory is freed before the new one is allocated
        is_new = is_new or rise is None
        if is_new:
            self.__dict__.pop("solver", None)
            self.model, self._slope, self._largest_heat = self.described, None, 0.0
            if self.has_boundary_laws:
                start = starting_boundary(self.described)
                self.model = self.described.linearised(start, self.described.layer_sources)
        with timed(self.seconds, "assemble", self.progress):
            conductivity = CellConductivity(self.model) if is_new else self.conductivity
            if rise is not None:
                conductivity = conductivity.at_temperature(rise, self.zero)
            self.conductivity = conductivity.with_boundary(self.model.boundary)
            if is_new:
                self.conduction = assemble_conduction(self.model, self.conductivity)
            elif not self.described.has_constant_conductivity:
                self.conduction = update_conduction(self.conduction, self.model, self.conductivity)
            if rise is not None and self.has_newton_terms:
                self._linearise(rise)
            self.set_rhs()
        with timed(self.seconds, "prepare", self.progress):
            if "solver" in self.__dict__:
                only_boundary = self.described.has_constant_conductivity
                self.solver.update(self.newton_operator, only_boundary=only_boundary)
            else:
                self.solver = self._prepared()

    def _linearise(self, rise: np.ndarray) -> None:
        """Make boundary laws and leakage linear at a rise over `zero` [K]."""
        t = rise + self.zero
        self.model, self.conduction = linearise(self.described, self.model, self.conduction, t)
        self.conductivity = self.conductivity.with_boundary(self.model.boundary)
        if self.has_leakage:
            self._slope = leakage_slope(self.described, t)
            self._slope_heat = self._slope.slope * rise.reshape(-1)[self._slope.cell]  # W

    @property
    def newton_operator(self) -> Conduction:
        """Return the operator of the next linear solve: conduction minus the slope of the leakage power."""
        return dataclasses.replace(self.conduction, power_slope=self._slope)

    def set_rhs(self) -> None:
        """Set the right-hand side to the power and the boundary conditions of the model."""
        self.rhs = self.model.power
        add_boundary_sources(self.model, self.conduction, self.rhs, self.zero)

    def _prepared(self) -> Solver:
        widths = (self.model.grid.dx, self.model.grid.dy)
        return prepare(
            self.newton_operator,
            widths=widths,
            method=self.method,
            threads=self.threads,
            is_fixed=self.is_fixed and self.is_linear,
        )

    def update(self, rise: np.ndarray) -> float:
        """Evaluate materials, boundary laws and leakage at a rise over `zero` [K].

        Returns the residual relative to the heat.
        """
        self.assemble(rise)
        return self.residual(rise)

    def rounding(self, rise: np.ndarray) -> float:
        """Return the residual that rounding may cause, relative to the heat."""
        return residual_rounding(self.conduction, rise) / self.heat_through(rise)

    def residual(self, rise: np.ndarray) -> float:
        """Return the sum of the residuals of all cells, relative to the heat that passes through the body.

        With boundary laws or leakage it is relative to the largest heat of all iterations, because the heat
        of a body without power is its residual.
        """
        before = self._largest_heat if self.has_newton_terms else 0.0
        self._largest_heat = max(self.heat_through(rise), before)
        return total_residual(self.conduction, self.rhs, rise) / self._largest_heat

    def boundary_outflow(self, rise: np.ndarray) -> np.ndarray:
        """Return the heat flow out through each boundary face [W], (faces,).

        The difference of rises is exact where that of temperatures near 300 K is rounding, as with powers of
        nanowatts.
        """
        boundary = self.model.boundary
        difference = rise.reshape(-1)[boundary.cell] - (boundary.temperature - self.zero)
        convected = self.conduction.boundary_face_conductance * difference
        return np.asarray(convected - boundary.flux * boundary.area)

    def heat_through(self, rise: np.ndarray) -> float:
        """Return the heat that passes through the body [W]."""
        powers = [source.plane for source in self.model.layer_sources]
        return max(heat_through(powers, self.boundary_outflow(rise)), self._least_heat, TINY_HEAT)

    @property
    def _least_heat(self) -> float:
        """Return the least heat [W] to which imbalances relate.

        A surface may exchange heat with two surroundings while none passes through the body.
        """
        if not self.has_newton_terms:
            return 0.0
        return LEAST_RISE * float(self.conduction.boundary_face_conductance.sum())

    def solve(self, rise: np.ndarray | None, reduction: float) -> np.ndarray:
        """Return the rise [K]; the residual of a guess is reduced by a factor."""
        if rise is None:
            return self.solve_to(None, self.tolerance if self.is_linear else FIRST_TOLERANCE)
        return self.solve_to(rise, reduction, relative_to_guess=True)

    def solve_to(
        self, rise: np.ndarray | None, tolerance: float, *, relative_to_guess: bool = False
    ) -> np.ndarray:
        """Return the rise over `zero` [K] to a relative residual, in the array of the guess if given."""
        with timed(self.seconds, "solve", self.progress):
            rise, report = self.solver.solve(
                self._newton_rhs(),
                guess=rise,
                tolerance=tolerance,
                overwrites_guess=True,
                relative_to_guess=relative_to_guess,
            )
        self.iterations += report.iterations
        self.report = dataclasses.replace(report, total_iterations=self.iterations)
        return rise

    def _newton_rhs(self) -> np.ndarray:
        """Return the right-hand side of the operator of the next linear solve [W]."""
        if self._slope is None:
            return self.rhs
        rhs = self.rhs.copy()
        rhs.reshape(-1)[self._slope.cell] -= self._slope_heat
        return rhs

    def solve_adjoint(self, rhs: np.ndarray) -> np.ndarray:
        """Return the solution [K] of a right-hand side [W] with the operator at the solution.

        The operator is symmetric, so that it is its own adjoint. The solver is prepared again, because the
        error estimate frees it.
        """
        if "solver" not in self.__dict__:
            self.solver = self._prepared()
        return self.solver.solve(rhs, tolerance=CHANGE_TOLERANCE)[0]

    def free_rhs(self) -> None:
        del self.rhs

    def solve_correction(self, rhs: np.ndarray) -> np.ndarray:
        """Return the solution [K] of a right-hand side [W] to the tolerance of an error estimate."""
        return self.solver.solve(rhs, tolerance=CHANGE_TOLERANCE)[0]

    def solve_corners(
        self, conduction: Conduction, power: np.ndarray, rise: np.ndarray, widths: Widths
    ) -> None:
        """Solve the corner scheme to the tolerance of an error estimate, in the array of the guess [K].

        Where the cells needed no algebraic multigrid, the corners need none either: their contrast in a plane
        is larger only because a corner contains cells of both layers, which may differ in thickness.
        """
        self.__dict__.pop("solver", None)  # its memory is freed before the next one is allocated
        max_contrast = None if self.report.fallback else np.inf
        solver = prepare(
            conduction, self.method, widths=widths, threads=self.threads, max_contrast=max_contrast
        )
        solver.solve(power, guess=rise, tolerance=CORNER_TOLERANCE, overwrites_guess=True)

    def close_balance(self, rise: np.ndarray) -> None:
        """Add the constant [K] to a rise with which the heat that leaves is the heat that enters."""
        excess = self.model.total_power - float(self.boundary_outflow(rise).sum())
        rise += excess / float(self.conduction.boundary_face_conductance.sum())
        rise[self.model.part == 0] = 0.0

    def measure_balance(self, rise: np.ndarray) -> tuple[FaceFluxes, HeatBalance]:
        """Return the fluxes and the heat balance of a rise, whose array becomes the temperature [K]."""
        outflow = self.boundary_outflow(rise)
        rise += self.zero
        fluxes = FaceFluxes(self.model, self.conduction, self.conductivity, rise)
        fluxes.boundary_outflow = outflow
        balance = balance_heat(fluxes)
        return fluxes, dataclasses.replace(balance, through=max(balance.through, self._least_heat))

    def balance(self, rise: np.ndarray) -> tuple[FaceFluxes, HeatBalance, SolverReport]:
        """Return fluxes, heat balance and report, solving further until heat flows meet the tolerance.

        The residual of the solver is relative to the heat that boundary conditions bring to a body at `zero`.
        Between two fixed temperatures that is far more than the heat that flows through, to which the balance
        and the residual of the cells are relative here. At a tolerance above BALANCE_TOLERANCE a constant
        closes the balance instead.
        """
        tolerance = self.tolerance
        if self.tolerance > BALANCE_TOLERANCE:
            self.close_balance(rise)
            return *self.measure_balance(rise), self.report
        while True:
            residual = self.residual(rise)
            fluxes, balance = self.measure_balance(rise)
            excess = max(balance.relative / self.tolerance, residual / RESIDUAL_TOLERANCE)
            if excess <= 1.0 or tolerance <= MIN_SOLVER_TOLERANCE:
                return fluxes, balance, self.report
            tolerance = max(MIN_SOLVER_TOLERANCE, 0.1 * tolerance / excess)
            try:
                rise = self.solve_to(rise - self.zero, tolerance)
            except ConvergenceError:
                return fluxes, balance, self.report
            if self.has_newton_terms:
                self.update(rise.copy())


class _KirchhoffIteration:
    """The steady equations in the Kirchhoff variable u [K], for `solve_anderson`."""

    def __init__(self, problem: SteadyProblem) -> None:
        self.problem = problem
        self.variable = KirchhoffVariable(problem.model)
        self._rise: np.ndarray = np.zeros(0)  # (nz, ny, nx) K over `zero`, of the last state

    def start(self) -> np.ndarray:
        """Return u of the solution with the materials at 300 K."""
        problem = self.problem
        problem.assemble()
        return self.variable.of_temperature(problem.solve_to(None, FIRST_TOLERANCE) + problem.zero)

    def rise_at(self, u: np.ndarray) -> np.ndarray:
        """Return the rise over `zero` [K]."""
        return self.variable.to_temperature(u) - self.problem.zero

    def set_state(self, u: np.ndarray) -> float:
        """Evaluate the materials at u and return the residual relative to the heat."""
        self._rise = self.rise_at(u)
        return self.problem.update(self._rise)

    def change(self) -> np.ndarray:
        """Return the change of u [K] by which the residual of the last state would vanish in one material."""
        problem = self.problem
        residual = problem.rhs - problem.conduction.apply(self._rise)
        conduction = self.variable.conduction(problem.conduction, self._rise + problem.zero)
        widths = (problem.model.grid.dx, problem.model.grid.dy)
        problem.__dict__.pop("solver", None)  # its memory is freed before the next one is allocated
        solver = prepare(conduction, widths=widths, method=problem.method, threads=problem.threads)
        change, report = solver.solve(residual, tolerance=NONLINEAR.reduction)
        problem.iterations += report.iterations
        return change


@contextmanager
def timed(seconds: dict[str, float], stage: str, progress: Progress) -> Iterator[None]:
    """Report the start of a stage, and add its duration to `seconds` under its name."""
    progress(stage)
    start = time.perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
