"""The steady equations of a package that changes: cells, conductances, multigrid and field are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import (
    assemble_conduction,
    update_conduction,
    with_coefficients,
)
from thermostack.linear.error_control import SETTINGS, BoundedField, ErrorControl
from thermostack.linear.steady_problem import SteadyProblem
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.boundary_faces import cooler_entries
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import CellInput, Model, discretize
from thermostack.mesh.model_change import Change, change_model, differs_in_power, has_equal_plan
from thermostack.mesh.moved_grid import FixedPlanes, max_stretch, move_grid
from thermostack.mesh.part_map import PartMap, rasterize
from thermostack.package.geometry import Geometry, package_geometry
from thermostack.package.package import Package
from thermostack.package.robin_coefficients import robin_coefficients

Array = np.ndarray

RESIDUAL = 1e-8  # of the strict solution, used where the error cannot be controlled
# Factor by which a conductivity or a heat-transfer coefficient may change before the cell sizes are chosen
# again: the lengths over which temperatures change go with its square root.
MAX_COEFFICIENT_CHANGE = 4.0
MAX_SCALING = 5.0  # of the last field as the guess for another power
MAX_PAIR_STRETCH = 1.5  # of a cell, up to which the pairs of columns of the multigrid are kept


class CellRule(NamedTuple):
    """The arguments of `discretize` by which cell sizes are chosen."""

    cell: CellInput
    fineness: float


class _Basis(NamedTuple):
    """The geometry and the grid for which the cell sizes were chosen."""

    geometry: Geometry
    grid: Grid
    fixed: FixedPlanes


class LiveSystem:
    """A model, its equations and its last field, which follow the changes of a package.

    Parameters
    ----------
    package
        The first package.
    rule
        Arguments of `discretize`.
    threads
        Number of threads of the solver.
    """

    def __init__(self, package: Package, rule: CellRule, threads: int | None) -> None:
        self.rule, self.threads = rule, threads
        self.model: Model
        self.problem: SteadyProblem
        self.control: ErrorControl
        self._guess: Array | None = None  # (nz, ny, nx) K over the reference, of the last solution
        self._choose_cells(package_geometry(package))

    def solve(self, max_error: float) -> BoundedField:
        """Return the rise over the reference with an algebraic error of at most `max_error` [K]."""
        found = self.control.solve(None if self._guess is None else self._guess.copy(), max_error)
        self._guess = found.rise.copy()
        return found

    def may_pair(self, package: Package) -> bool:
        """Return whether a package can be solved together with the present one: only powers differ."""
        geometry = package_geometry(package)
        return (
            self._guess is not None
            and self.model.is_linear
            and has_equal_plan(self.model, geometry)
            and differs_in_power(self.model, geometry)
        )

    def solve_pair(self, other: Model, max_error: float) -> list[BoundedField]:
        """Return the rises of another model and of the present one, which differ in power alone."""
        assert self._guess is not None
        problem, scale = self.problem, 1.0
        rhs = np.empty((2, *self._guess.shape))
        rhs[1] = problem.rhs
        present = problem.model
        problem.set_model(other)
        problem.set_rhs()
        rhs[0] = problem.rhs
        problem.set_model(present)
        if present.total_power != 0.0:
            scale = float(np.clip(other.total_power / present.total_power, 1.0 / MAX_SCALING, MAX_SCALING))
        found = self.control.solve_linear(rhs, np.stack([scale * self._guess, self._guess]), max_error)
        self._guess = found[1].rise.copy()
        return found

    def change(self, package: Package) -> None:
        """Change the model to that of another package. Raises DescriptionError; then nothing has changed."""
        geometry, old = package_geometry(package), self.model.geometry
        if geometry is old:
            return
        if _differs_widely(self._basis.geometry, geometry):
            self._choose_cells(geometry)
        elif has_equal_plan(self.model, geometry):
            self._update(*change_model(self.model, geometry, self._tiles()))
        else:
            self._move_cells(geometry)

    # -- cells --------------------------------------------------------------------------------------

    def _choose_cells(self, geometry: Geometry) -> None:
        """Choose the cells by the rule, and build the equations."""
        model = discretize(geometry, self.rule.cell, fineness=self.rule.fineness)
        self._basis = _Basis(geometry, model.grid, FixedPlanes.of_geometry(geometry))
        self._part_map: PartMap | None = None
        self._reset(model)

    def _move_cells(self, geometry: Geometry) -> None:
        """Move the planes of the grid with the faces of the package, or choose the cells again."""
        fixed = FixedPlanes.of_geometry(geometry)
        if not self._basis.fixed.is_near(fixed):
            self._choose_cells(geometry)
            return
        model = discretize(geometry, grid=move_grid(self._basis.grid, self._basis.fixed, fixed))
        self._part_map = None
        if self._has_equal_faces(model) and max_stretch(self._paired_grid, model.grid) <= MAX_PAIR_STRETCH:
            self._update(model, Change.CELLS)
        else:
            self._reset(model)

    def _tiles(self) -> PartMap:
        """Return the parts of the tiles of the present grid, islands included."""
        if self._part_map is None:
            self._part_map = rasterize(self.model.geometry, self.model.grid)
        return self._part_map

    def _has_equal_faces(self, model: Model) -> bool:
        """Return whether a model has the active cells and the boundary cells of the present one."""
        old = self.model
        return (
            model.grid.shape == old.grid.shape
            and not (model.geometry.links or old.geometry.links)
            and np.array_equal(model.boundary.cell, old.boundary.cell)
            and np.array_equal(model.part > 0, old.part > 0)
        )

    # -- equations ----------------------------------------------------------------------------------

    def _reset(self, model: Model) -> None:
        """Build the equations of a model with other cells; the last field becomes the guess."""
        guess = None if self._guess is None else resample(self._guess, self.model.grid, model.grid)
        self.model, self._paired_grid, self._resistance_model = model, model.grid, model
        self.problem = SteadyProblem(
            model, RESIDUAL, "multigrid", self.threads, {}, _no_progress, is_fixed=False
        )
        self.control = ErrorControl(self.problem)
        self._guess = guess
        if guess is not None:
            guess[model.part == 0] = 0.0
            self.control.evaluate(guess, is_new=True)

    def _update(self, model: Model, change: Change) -> None:
        """Update the equations to a model with the same cells and boundary faces."""
        problem, before = self.problem, self.model
        self.model = model
        problem.set_model(model)
        if self._guess is not None and change == Change.POWER and before.total_power != 0.0:
            self._guess *= np.clip(model.total_power / before.total_power, 1.0 / MAX_SCALING, MAX_SCALING)
        if self._guess is None:  # nothing is assembled yet
            problem.zero = model.boundary.mean_ambient
            return
        if problem.has_newton_terms:
            self.control.evaluate(self._guess, is_new=True)
            return
        difference = problem.zero - model.boundary.mean_ambient
        problem.zero -= difference
        self.control.shift_reference(difference)
        if change & (Change.CELLS | Change.CONDUCTANCE):
            self._assemble(model, change)
        elif change & Change.BOUNDARY:
            problem.conductivity = problem.conductivity.with_boundary(model.boundary)
            problem.conduction = with_coefficients(problem.conduction, before.boundary, model.boundary)
            problem.solver.update(problem.conduction, only_boundary=True)
        if (
            change & ~Change.POWER
            and max_weakening(self._resistance_model, model) > SETTINGS.resistance_margin
        ):
            self.control.forget_resistance()
            self._resistance_model = model
        problem.set_rhs()

    def _assemble(self, model: Model, change: Change) -> None:
        """Assemble the conductances of a model at the temperatures of the present materials."""
        problem, evaluated = self.problem, self.control.evaluated
        if evaluated is None and not model.is_linear:
            evaluated = self._guess
            self.control.evaluated = evaluated
        conductivity = CellConductivity(model)
        if evaluated is not None:
            conductivity = conductivity.at_temperature(evaluated, problem.zero)
        problem.conductivity = conductivity
        if change & Change.CELLS:
            problem.conduction = assemble_conduction(model, conductivity)
        else:
            every = np.ones(model.grid.shape[0], dtype=bool)
            problem.conduction = update_conduction(problem.conduction, model, conductivity, every)
        problem.solver.update(problem.conduction)


def _no_progress(stage: str) -> None:
    """Ignore the start of a stage."""


def resample(field: Array, before: Grid, grid: Grid) -> Array:
    """Return a field on other cells: the value of the old cell that contains the centre of each new one."""
    index = [
        np.clip(np.searchsorted(planes, centers, side="right") - 1, 0, planes.size - 2)
        for planes, centers in (
            (before.z, grid.z_center),
            (before.y, grid.y_center),
            (before.x, grid.x_center),
        )
    ]
    return np.ascontiguousarray(field[np.ix_(*index)])


def _differs_widely(old: Geometry, new: Geometry) -> bool:
    """Return whether parts, conductivities or coefficients differ so much that other cells suit better."""
    if [part.name for part in old.parts] != [part.name for part in new.parts]:
        return True
    changed = [(a, b) for a, b in zip(old.parts, new.parts, strict=True) if a.material != b.material]
    ratios = [
        np.divide(b.conductivity_at(ROOM_TEMPERATURE), a.conductivity_at(ROOM_TEMPERATURE))
        for a, b in changed
    ]
    ratios += coefficient_ratios(old, new)
    return any(
        np.max(ratio) > MAX_COEFFICIENT_CHANGE or np.min(ratio) < 1.0 / MAX_COEFFICIENT_CHANGE
        for ratio in ratios
    )


def max_weakening(old: Model, new: Model) -> float:
    """Return a bound of the factor by which a conductance of a model is smaller than that of another one.

    The models have the same cells, whose sizes may differ. No thermal resistance grows by more.
    """
    one, other = old.geometry, new.geometry
    changed = [(a, b) for a, b in zip(one.parts, other.parts, strict=True) if a.material != b.material]
    ratios = [
        float(np.max(np.divide(a.conductivity_at(ROOM_TEMPERATURE), b.conductivity_at(ROOM_TEMPERATURE))))
        for a, b in changed
    ]
    ratios += [1.0 / ratio for ratio in coefficient_ratios(one, other)]
    has_equal_contacts = len(one.contacts) == len(other.contacts)
    if not has_equal_contacts or one.package.contacts != other.package.contacts or one.links != other.links:
        return np.inf
    for before, after in zip(one.contacts, other.contacts, strict=True):
        if after.resistance > before.resistance:
            ratios.append(after.resistance / before.resistance if before.resistance > 0.0 else np.inf)
    of_sizes = 1.0 if old.grid is new.grid else max_stretch(old.grid, new.grid) ** 3  # area over distance
    return max(ratios, default=1.0) * of_sizes


def coefficient_ratios(old: Geometry, new: Geometry) -> Sequence[float]:
    """Return the ratio of the heat-transfer coefficients of each cooler; 1 where one has none."""
    ratios = []
    for (*_, before), (*_, after) in zip(
        cooler_entries(old.package.cooling), cooler_entries(new.package.cooling), strict=False
    ):
        one, other = (robin_coefficients(each.cooler, 1.0).h for each in (before, after))
        if 0.0 < one < np.inf and 0.0 < other < np.inf:
            ratios.append(other / one)
    return ratios
