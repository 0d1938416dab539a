"""Bounds of the algebraic error in the energy norm and in kelvin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from support.random_stacks import FAMILIES, random_stack

import thermostack as ts
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.linear.error_control import ErrorControl, hottest_cells, max_resistance
from thermostack.linear.error_target import ErrorTarget, SpectrumBounds, ritz_values
from thermostack.linear.solver import prepare
from thermostack.linear.steady_problem import SteadyProblem


def column(conductances: list[float], to_ambient: float) -> Conduction:
    """Return a column of cells with face conductances [W/K], whose last cell is joined to the ambient."""
    boundary = np.zeros((len(conductances) + 1, 1, 1))
    boundary[-1] = to_ambient
    g_z = np.array(conductances).reshape(-1, 1, 1)
    nz = len(boundary)
    faces = g_z, np.zeros((nz, 0, 1)), np.zeros((nz, 1, 0))
    return Conduction(faces[2], faces[1], faces[0], BoundaryConductance.from_dense(boundary))


def test_ritz_values_of_all_steps_are_the_eigenvalues() -> None:
    """Plain conjugate gradients on a small matrix, whose Lanczos matrix has the same eigenvalues."""
    rng = np.random.default_rng(2)
    q, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    eigenvalues = np.array([0.5, 0.7, 0.9, 1.0, 1.2, 1.4])
    matrix = q @ np.diag(eigenvalues) @ q.T
    r = rng.normal(size=6)
    p, coefficients, beta = r.copy(), [], 0.0
    for _ in range(6):
        alpha = float(r @ r / (p @ matrix @ p))
        coefficients.append((alpha, beta))
        new = r - alpha * matrix @ p
        beta = float(new @ new / (r @ r))
        r, p = new, new + beta * p
    assert ritz_values(coefficients) == pytest.approx(eigenvalues, rel=1e-8)


def test_spectrum_bounds_only_widen() -> None:
    bounds = SpectrumBounds()
    before = bounds.min, bounds.max
    bounds.add([])
    bounds.add([(1.0, 0.0)])  # one Ritz value of 1
    assert (bounds.min, bounds.max) == before
    bounds.add([(4.0, 0.0)])
    assert bounds.min == pytest.approx(0.9 * 0.25)
    bounds.add([(0.25, 0.0)])
    assert bounds.max == pytest.approx(1.1 * 4.0)
    assert 0.0 < bounds.target(1.0).contraction < 1.0


def test_contraction_is_that_of_steepest_descent() -> None:
    assert ErrorTarget(1.0, 0.5, 1.5).contraction == pytest.approx(0.5)
    assert ErrorTarget(1.0, 0.5, 1.5).bound_after_step(2.0) == pytest.approx(0.5 * math.sqrt(2.0 / 0.5))


@pytest.mark.parametrize("name", ["fcbga", "hbm3_8h", "cowos_s_h100", "qfn_wirebond", "v_cache"])
@pytest.mark.parametrize("is_zero", [True, False])
def test_error_in_the_energy_norm_is_below_its_bound(name: str, is_zero: bool) -> None:
    model = ts.discretize(ts.read_package(name), cell=2e-3)
    problem = SteadyProblem(model, 1e-8, "multigrid", 1, {}, lambda stage: None)
    problem.assemble()
    solver, rhs = problem.solver, problem.rhs
    exact, _ = solver.solve(rhs, tolerance=1e-12)
    rng = np.random.default_rng(4)
    for bound in (3.0, 0.3, 0.03, 3e-3):
        guess = np.zeros(exact.shape) if is_zero else exact * (1.0 + 0.3 * rng.random(exact.shape[2]))
        found = solver.reduce_error(rhs[None], guess[None], bound, is_zero=is_zero)
        assert found is not None
        error = guess - exact
        true = math.sqrt(float(np.vdot(error, problem.conduction.apply(error))))
        assert true <= found.error <= bound
        residual = rhs - problem.conduction.apply(guess)
        assert abs(residual.sum()) < 1e-5 * np.abs(rhs).sum()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("family", list(FAMILIES))
def test_bound_holds_on_random_stacks(family: str, seed: int) -> None:
    stack = random_stack(family, seed)
    conduction, widths, rhs = stack.conduction, stack.widths, stack.rhs
    exact, _ = prepare(conduction, widths=widths, threads=1).solve(rhs, tolerance=1e-11)
    energy = math.sqrt(float(np.vdot(exact, conduction.apply(exact))))
    t = np.zeros((1, *rhs.shape))
    solver = prepare(conduction, widths=widths, threads=1)
    found = solver.reduce_error(rhs[None], t, 1e-2 * energy, is_zero=True)
    if found is None:  # the strict solver takes over
        return
    error = t[0] - exact
    true = math.sqrt(max(float(np.vdot(error, conduction.apply(error))), 0.0))
    assert true <= found.error + 1e-6 * energy


def test_resistance_of_a_column_is_that_in_series() -> None:
    conduction = column([2.0, 4.0, 8.0], to_ambient=0.5)
    solver = prepare(conduction)
    alone = max_resistance(solver, np.array([0]), 1e-10)
    assert alone == pytest.approx(1 / 2 + 1 / 4 + 1 / 8 + 2.0)
    both = max_resistance(solver, np.array([0, 3]), 1e-10)
    assert both == pytest.approx(alone + 2.0)  # an upper bound of both


def test_hottest_cells_are_those_of_layers_and_blocks_with_power() -> None:
    model = ts.discretize(ts.read_package("cowos_s_h100"), cell=3e-3)
    rise = np.where(model.power > 0.0, np.arange(model.grid.cells).reshape(model.grid.shape), 0.0)
    cells = hottest_cells(model, rise)
    assert cells.size >= sum(1 for source in model.layer_sources if source.plane.any())
    assert np.all(model.power.reshape(-1)[cells] > 0.0)
    assert int(np.argmax(rise)) in cells


@pytest.mark.parametrize("name", ["fcbga", "mfit_16", "cowos_s_h100"])
@pytest.mark.parametrize("tolerance", [1.0, 0.1, 0.01])
def test_solution_is_within_the_tolerance(name: str, tolerance: float) -> None:
    model = ts.discretize(ts.read_package(name), cell=2e-3)
    problem = SteadyProblem(model, 1e-8, "multigrid", 1, {}, lambda stage: None)
    found = ErrorControl(problem).solve(None, tolerance)
    strict = SteadyProblem(model, 1e-10, "multigrid", 1, {}, lambda stage: None)
    exact = strict.solve_nonlinear()
    difference = np.abs(found.rise - exact)[model.power > 0.0].max()
    assert difference <= found.error <= tolerance


@pytest.mark.parametrize("method", ["direct", "multigrid"])
def test_method_without_error_control_solves_strictly(method: str) -> None:
    """The direct method has no error to control; a failing iteration is continued by the strict solver."""
    model = ts.discretize(ts.read_package("fcbga"), cell=5e-3)
    problem = SteadyProblem(model, 1e-8, method, 1, {}, lambda stage: None)
    control = ErrorControl(problem)
    if method == "multigrid":
        problem.assemble()
        control.evaluate(problem.solve_to(None, 1e-3))
        problem.solver.reduce_error = lambda *arguments, **options: None  # type: ignore[method-assign]
        rise = control.solve(problem.solve_to(None, 1e-2), 0.1).rise
    else:
        rise = control.solve(None, 0.1).rise
    strict = SteadyProblem(model, 1e-9, "multigrid", 1, {}, lambda stage: None)
    assert np.abs(rise - strict.solve_nonlinear()).max() < 0.1


def test_isolated_body_has_no_error_control() -> None:
    conduction = Conduction(
        np.ones((1, 1, 2)),
        np.ones((1, 0, 3)),
        np.ones((0, 1, 3)),
        BoundaryConductance.from_dense(np.zeros((1, 1, 3))),
    )
    rhs: Any = np.array([[[[1.0, 0.0, -1.0]]]])
    assert prepare(conduction).reduce_error(rhs, np.zeros(rhs.shape), 1.0) is None
