"""Solution of the steady equations until the temperatures of heated parts are within a bound [K]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from thermostack.errors import ConvergenceError
from thermostack.linear.solver import Solver
from thermostack.linear.steady_problem import SteadyProblem, timed
from thermostack.mesh.model import Model
from thermostack.schema.arguments import argument_error, check_quantity

Array = np.ndarray

MIN_SOLVER_ERROR = 1e-4  # K; conductances in float32 change temperatures by about 1e-5 K
MAX_SOLVER_ERROR_SHARE = 0.5  # of the estimated error of the grid


@dataclass(frozen=True)
class ErrorControlSettings:
    """Constants of the solution to an error in kelvin.

    Parameters
    ----------
    resistance_tolerance
        Residual of the solve for the thermal resistances of cells.
    resistance_margin
        Factor of the largest resistance: the hottest cell of a part may move, and conductances may change up
        to twofold, until the resistances are computed again.
    max_rounds
        Evaluations of the materials after which the solution continues with the strict tolerance.
    first_contraction
        Contraction of the change of temperature from one evaluation of the materials to the next, before two
        changes have been seen.
    contraction_margin
        Factor of the contraction seen.
    min_contraction, max_contraction
        Bounds of the contraction.
    solver_share
        Fraction of the error left to the linear solver; the materials have the rest.
    """

    resistance_tolerance: float = 1e-3
    resistance_margin: float = 2.0
    max_rounds: int = 20
    first_contraction: float = 0.3
    contraction_margin: float = 2.0
    min_contraction: float = 0.03
    max_contraction: float = 0.7
    solver_share: float = 0.5


SETTINGS = ErrorControlSettings()


class BoundedField(NamedTuple):
    """A temperature field and the bound of its algebraic error."""

    rise: Array  # (nz, ny, nx) K over the reference
    error: float  # K, of the temperatures of parts with power: by the linear solver and by the materials


class ErrorControl:
    """Solution of one steady problem, and of changes of it, to an error in kelvin.

    The error e of a field in the energy norm bounds that of an output c.T: |c.e| <= sqrt(R e.Ge), where
    R = c.G^-1 c is the thermal resistance that a source distributed like c sees. The inverse of G has no
    negative entry, so that one solve with 1 W in each of several cells bounds the resistances of all.
    """

    def __init__(self, problem: SteadyProblem, settings: ErrorControlSettings = SETTINGS) -> None:
        self.problem, self.settings = problem, settings
        self.contraction = settings.first_contraction  # of the change by the materials, from round to round
        self.resistance: float | None = None  # K/W, of the outputs; None: not known
        self.evaluated: Array | None = None  # K over the reference: the rise of the present materials

    def forget_resistance(self) -> None:
        """Let the next solution compute the resistances again, after a large change of the conductances."""
        self.resistance = None

    def solve(self, guess: Array | None, max_error: float) -> BoundedField:
        """Return the rise, from a guess if there is one, with an error of at most `max_error` [K].

        The operator of the problem is that of its present materials if there is a guess.
        """
        if self.problem.has_newton_terms:
            return BoundedField(self._solve_newton(guess), 0.0)
        if guess is None:
            self.problem.assemble()
            self.evaluated = None
            guess = self._first_field()
        elif (
            not self.problem.is_linear
            and self._of_materials(guess) > (1.0 - self.settings.solver_share) * max_error
        ):
            self.evaluate(guess)
        if self.resistance is None:
            self._find_resistance(guess)
        try:
            return self._solve_rounds(guess, max_error)
        except ConvergenceError:
            rise = self.problem.solve_nonlinear()
            self.evaluated = None
            return BoundedField(rise, 0.0)

    def _solve_newton(self, guess: Array | None) -> Array:
        """Return the rise with boundary laws or leakage, solved to the strict tolerance."""
        rise = self.problem.solve_nonlinear(guess)
        self.evaluated = rise.copy()
        return rise

    def evaluate(self, rise: Array, *, is_new: bool = False) -> None:
        """Evaluate the materials at a rise, and update operator and right-hand side, or build both."""
        self.evaluated = rise.copy()
        self.problem.assemble(self.evaluated, is_new=is_new)

    def shift_reference(self, difference: float) -> None:
        """Keep the temperatures of the materials where the reference changes by `-difference` [K]."""
        if self.evaluated is not None and difference != 0.0:
            self.evaluated = self.evaluated + difference
            self.problem.conductivity = self.problem.conductivity.at_temperature(
                self.evaluated, self.problem.zero
            )

    def _first_field(self) -> Array:
        """Return a field from which the resistances and the first materials follow."""
        problem = self.problem
        rise = problem.solve(None, problem.tolerance) if problem.method == "direct" else None
        if rise is None:
            rise = problem.solve_to(None, self.settings.resistance_tolerance)
        if not problem.is_linear:
            self.evaluate(rise)
        return rise

    def _find_resistance(self, rise: Array) -> None:
        cells = hottest_cells(self.problem.model, rise)
        found = max_resistance(self.problem.solver, cells, self.settings.resistance_tolerance)
        self.resistance = self.settings.resistance_margin * found

    def _solve_rounds(self, rise: Array, max_error: float) -> BoundedField:
        settings, problem = self.settings, self.problem
        if problem.is_linear:
            return BoundedField(rise, self._reduce(rise, max_error))
        aim, last = settings.solver_share * max_error, math.inf
        for _ in range(settings.max_rounds):
            of_solver = self._reduce(rise, aim)
            change = self._max_change(rise)
            if last < math.inf and last > 2.0 * of_solver:
                seen = settings.contraction_margin * change / last
                self.contraction = float(np.clip(seen, settings.min_contraction, settings.max_contraction))
            of_materials = self._of_materials(rise)
            if of_solver + of_materials <= max_error:
                return BoundedField(rise, of_solver + of_materials)
            last = change
            self.evaluate(rise)
        raise ConvergenceError(f"{settings.max_rounds} evaluations of the materials were not enough", [])

    def _of_materials(self, rise: Array) -> float:
        """Return the expected error [K] of a solution by materials that were evaluated before it."""
        return self._max_change(rise) * self.contraction / (1.0 - self.contraction)

    def _max_change(self, rise: Array) -> float:
        """Return the largest change of temperature [K] of cells with a law since its last evaluation."""
        if self.evaluated is None:
            return math.inf
        varies = self.problem.conductivity.varies
        planes = np.flatnonzero(varies).tolist()
        changes = (
            np.abs(rise[k] - self.evaluated[k]) * self.problem.conductivity.varies_in_plane(k) for k in planes
        )
        return max((float(change.max()) for change in changes), default=0.0)

    def solve_linear(self, rhs: Array, guesses: Array, max_error: float) -> list[BoundedField]:
        """Return the fields of right-hand sides [W] with constant materials, in the array of the guesses.

        Both are (right-hand sides, nz, ny, nx); they are solved together.
        """
        if self.resistance is None:
            self._find_resistance(guesses[0])
        error = self._reduce_all(rhs, guesses, max_error)
        return [BoundedField(rise, error) for rise in guesses]

    def _reduce(self, rise: Array, max_error: float) -> float:
        """Reduce the error of a rise by the linear solver, in place, and return its bound [K]."""
        return self._reduce_all(self.problem.rhs[None], rise[None], max_error)

    def _reduce_all(self, rhs: Array, fields: Array, max_error: float) -> float:
        problem = self.problem
        assert self.resistance is not None
        total_boundary = float(problem.conduction.boundary.conductance.sum())
        # The constant that closes the heat balance moves all temperatures by |e|_G / sqrt(sum of boundary).
        kelvin_per_error = math.sqrt(self.resistance) + 1.0 / math.sqrt(total_boundary)
        with timed(problem.seconds, "solve", problem.progress):
            report = problem.solver.reduce_error(rhs, fields, max_error / kelvin_per_error)
            if report is None:
                problem.solver.solve_many(rhs, fields, problem.tolerance, overwrites_guess=True)
                return 0.0
        problem.iterations += report.iterations
        return report.error * kelvin_per_error


def check_solver_error(
    solver_error: float | str, method: str, *, estimate: bool, argument: str = "solver_error"
) -> tuple[float, bool]:
    """Return the bound of the algebraic error [K], or its share of the error of the grid and True.

    Raises ArgumentError for other quantities, and for options that exclude the bound.
    """
    if method == "direct":
        text = "the direct method has no algebraic error to stop at"
        raise argument_error(argument, text, "omit the solver error, or the method direct")
    if isinstance(solver_error, str) and solver_error.strip().endswith("%"):
        share = check_quantity(solver_error, "fraction", argument, above=0.0)
        if share > MAX_SOLVER_ERROR_SHARE:
            text = f"{solver_error} is more than {MAX_SOLVER_ERROR_SHARE:.0%} of the error of the grid"
            raise argument_error(argument, text, "write 10 %")
        if not estimate:
            raise argument_error(argument, "a share needs the error estimate", "write 0.02 K")
        return share, True
    return check_quantity(solver_error, "temperature_difference", argument, min=MIN_SOLVER_ERROR), False


def hottest_cells(model: Model, rise: Array) -> Array:
    """Return the hottest cell of each powered layer and block, indices in the raveled grid."""
    cells = []
    for source in model.layer_sources:
        k, j, i = source.window
        is_heated = source.plane != 0.0
        if is_heated.any():
            cells.append(_hottest(rise, (k, j, i), is_heated))
    cells += [_hottest(rise, block.window) for block in model.blocks if block.power != 0.0]
    return np.unique(cells if cells else [int(np.argmax(rise))])


def _hottest(rise: Array, window: tuple[slice, ...], is_heated: Array | None = None) -> int:
    """Return the index in the raveled grid of the hottest cell in a window."""
    values = rise[window]
    if is_heated is not None:
        values = np.where(is_heated, values, -np.inf)
    inside = np.unravel_index(int(np.argmax(values)), values.shape)
    index = [each.start + int(n) for each, n in zip(window, inside, strict=True)]
    return int(np.ravel_multi_index(index, rise.shape))


def max_resistance(solver: Solver, cells: Array, tolerance: float) -> float:
    """Return an upper bound of the largest thermal resistance e.G^-1 e of some cells [K/W]."""
    rhs = np.zeros(solver.conduction.shape)
    rhs.reshape(-1)[cells] = 1.0
    rise, _ = solver.solve(rhs, tolerance=tolerance)
    return float(rise.reshape(-1)[cells].max())
