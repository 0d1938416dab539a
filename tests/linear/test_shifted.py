"""`G + s C` for any shift: equal to dense solves over 16 decades, after updates, and with balanced heat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.small_workloads import HOT_SILICON, workload_model

from thermostack.errors import ConvergenceError
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction, assemble_conduction
from thermostack.finite_volume.heat_capacity import assemble_capacity
from thermostack.linear.multigrid import Multigrid
from thermostack.linear.shifted import ShiftedOperator
from thermostack.mesh.model import Model

SHIFTS = (0.0, *(10.0**n for n in range(-8, 9)))
METHODS = pytest.mark.parametrize("method", ["multigrid", "direct"])


@pytest.fixture(scope="module")
def model() -> Model:
    return workload_model()


@pytest.fixture(scope="module")
def heat(model: Model) -> np.ndarray:
    """Return heat [W] in every cell of the body, of both signs."""
    rough = np.random.default_rng(5).normal(0.5, 1.0, model.grid.shape)
    return np.where(model.part > 0, rough, 0.0)


def shifted(model: Model, method: str = "multigrid", threads: int = 1) -> ShiftedOperator:
    widths = model.grid.dx, model.grid.dy
    capacity = assemble_capacity(model)
    return ShiftedOperator(
        assemble_conduction(model), capacity, widths=widths, method=method, threads=threads
    )


def dense(conduction: Conduction, capacity: np.ndarray, shift: float, heat: np.ndarray) -> np.ndarray:
    """Return the temperatures [K] by elimination, zero outside the body."""
    chosen = np.flatnonzero(capacity)
    matrix = conduction.to_csr()[chosen][:, chosen].toarray() + shift * np.diag(capacity.reshape(-1)[chosen])
    t = np.zeros(heat.size)
    t[chosen] = np.linalg.solve(matrix, heat.reshape(-1)[chosen])
    return t.reshape(heat.shape)


# -- any shift -----------------------------------------------------------------------------------


@METHODS
def test_every_shift_equals_dense_solve(model: Model, heat: np.ndarray, method: str) -> None:
    operators = shifted(model, method)
    for shift in np.random.default_rng(7).permutation(SHIFTS).tolist():
        t, report = operators.update_shift(shift).solve(heat, tolerance=1e-11)
        expected = dense(operators.conduction, operators.capacity, shift, heat)
        assert np.abs(t - expected).max() <= 1e-8 * np.abs(expected).max(), shift
        assert (t[model.part == 0] == 0.0).all()
        assert report.residual <= 1e-11


def test_operator_is_conductance_plus_shifted_capacity(model: Model) -> None:
    operators = shifted(model).update_shift(12.5)
    t = np.random.default_rng(2).random(model.grid.shape)
    expected = assemble_conduction(model).apply(t) + 12.5 * assemble_capacity(model) * t
    assert np.allclose(operators.operator.apply(t), expected, rtol=1e-12, atol=1e-12)
    assert np.allclose(
        operators.apply_conduction(t), assemble_conduction(model).apply(t), rtol=0.0, atol=1e-9
    )


def test_same_shift_gives_same_bits(model: Model, heat: np.ndarray) -> None:
    operators = shifted(model)
    first = operators.update_shift(3.0).solve(heat)[0].copy()
    operators.update_shift(5e4).solve(heat)
    assert operators.update_shift(3.0).solve(heat)[0].tobytes() == first.tobytes()
    assert operators.update_shift(3.0) is operators


@pytest.mark.parametrize("shift", [0.0, 1e-3, 40.0, 1e7])
def test_other_ground_gives_the_bits_of_all_made_again(model: Model, heat: np.ndarray, shift: float) -> None:
    one, other = shifted(model), shifted(model)
    one.update_shift(shift)
    other.shift = shift
    other.solver.update(other.operator)  # conductances and all
    assert one.solve(heat)[0].tobytes() == other.solve(heat)[0].tobytes()


def test_threads_give_same_bits(model: Model, heat: np.ndarray) -> None:
    fields = [shifted(model, threads=threads).update_shift(25.0).solve(heat)[0] for threads in (1, 2)]
    assert fields[0].tobytes() == fields[1].tobytes()


@pytest.mark.parametrize("shift", [-1e-12, -5.0, float("nan")])
def test_negative_shift_is_an_error(model: Model, shift: float) -> None:
    operators = shifted(model).update_shift(2.0)
    with pytest.raises(ValueError, match="is below zero"):
        operators.update_shift(shift)
    assert operators.shift == 2.0


def test_good_guess_saves_iterations(model: Model, heat: np.ndarray) -> None:
    operators = shifted(model).update_shift(10.0)
    t, cold = operators.solve(heat)
    _, warm = operators.solve(heat, t.copy())
    assert warm.iterations == 0 < cold.iterations
    guess = t + 1e-3 * np.abs(t).max() * np.random.default_rng(1).random(t.shape) * (model.part > 0)
    before = np.linalg.norm(operators.operator.apply(guess) - heat)
    better, _ = operators.solve(heat, guess.copy(), 0.1, relative_to_guess=True)
    assert np.linalg.norm(operators.operator.apply(better) - heat) <= 0.1 * before


@METHODS
@pytest.mark.parametrize("reduction", [0.3, 1e-2, 1e-4, 1e-9])
@pytest.mark.parametrize("shift", [0.0, 1e-3, 40.0, 1e7])
def test_reduced_residual_is_within_target_and_balanced(
    model: Model, heat: np.ndarray, shift: float, reduction: float, method: str
) -> None:
    operators = shifted(model, method).update_shift(shift)
    inside = model.part > 0
    t = np.where(inside, np.random.default_rng(6).normal(0.0, 20.0, heat.shape), 0.0)
    before = np.linalg.norm(operators.operator.apply(t) - heat)
    iterations, reached = operators.reduce_residual(heat, t, reduction)
    assert reached <= reduction
    remaining = operators.operator.apply(t) - heat
    assert np.linalg.norm(remaining) <= 1.05 * reduction * before  # the recurrence may drift a little
    assert abs(remaining[inside].sum()) <= 1e-6 * before  # to the rounding of float32 residuals
    assert iterations >= (method == "multigrid")


# -- updates --------------------------------------------------------------------------------


@METHODS
def test_updated_materials_equal_new_operator(heat: np.ndarray, method: str) -> None:
    model = workload_model(HOT_SILICON)
    t = np.where(model.part > 0, 420.0, 0.0)
    conduction, capacity = assemble_conduction(model, CellConductivity(model, t)), assemble_capacity(model, t)
    operators = shifted(model, method).update_shift(7.0)
    before = operators.solve(heat)[0].copy()
    operators.update_operator(conduction, capacity)
    after = operators.solve(heat, tolerance=1e-11)[0].copy()
    fresh = (
        ShiftedOperator(conduction, capacity, method=method, threads=1)
        .update_shift(7.0)
        .solve(heat, tolerance=1e-11)[0]
    )
    scale = np.abs(fresh).max()
    assert np.abs(after - fresh).max() <= 1e-8 * scale
    assert np.abs(before - fresh).max() > 1e-3 * scale
    assert operators.shift == 7.0
    expected = dense(conduction, capacity, 7.0, heat)
    assert np.abs(after - expected).max() <= 1e-8 * scale


def test_boundary_can_be_removed_and_restored(model: Model, heat: np.ndarray) -> None:
    conduction, capacity = assemble_conduction(model), assemble_capacity(model)
    operators = shifted(model).update_shift(1.0)
    first = operators.solve(heat)[0].copy()
    bare = replace(conduction, boundary=BoundaryConductance.from_dense(np.zeros(conduction.shape)))
    operators.update_operator(bare, capacity)
    insulated = operators.solve(heat, tolerance=1e-11)[0]
    assert np.allclose(insulated, dense(bare, capacity, 1.0, heat), rtol=1e-8, atol=1e-9)
    operators.update_operator(conduction, capacity)
    assert operators.solve(heat)[0].tobytes() == first.tobytes()


def test_adiabatic_body_without_shift_is_an_error(model: Model, heat: np.ndarray) -> None:
    bare = replace(
        assemble_conduction(model), boundary=BoundaryConductance.from_dense(np.zeros(model.grid.shape))
    )
    operators = ShiftedOperator(bare, assemble_capacity(model), threads=1)
    stored = operators.update_shift(1e-6).solve(heat)[0]  # almost all heat is stored, evenly
    assert stored[model.part > 0].mean() == pytest.approx(
        heat.sum() / 1e-6 / operators.capacity.sum(), rel=1e-3
    )
    with pytest.raises(ConvergenceError):
        operators.update_shift(0.0).solve(heat)


# -- balance -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 1e-8, 0.3, 1e8])
def test_balanced_field_closes_heat_balance(model: Model, heat: np.ndarray, shift: float) -> None:
    operators = shifted(model).update_shift(shift)
    t = np.where(model.part > 0, np.random.default_rng(4).normal(0.0, 5.0, heat.shape), 0.0)
    before = t.copy()
    operators.balance(heat, t)
    remaining = heat - operators.operator.apply(t)
    inside = model.part > 0
    assert abs(remaining[inside].sum()) <= 1e-12 * np.abs(operators.operator.apply(t)).sum()
    moved = (t - before)[inside]
    assert np.allclose(moved, moved[0], rtol=1e-9, atol=1e-12)
    # and in the norm of the operator no other constant brings it nearer to the answer
    answer = dense(operators.conduction, operators.capacity, shift, heat)
    error = np.where(inside, t - answer, 0.0)
    ones = np.where(inside, 1.0, 0.0)
    product = float((ones * operators.operator.apply(error)).sum())
    assert abs(product) <= 1e-9 * np.abs(operators.operator.apply(error)).sum()


def test_adiabatic_body_without_shift_is_not_balanced(model: Model, heat: np.ndarray) -> None:
    bare = replace(
        assemble_conduction(model), boundary=BoundaryConductance.from_dense(np.zeros(model.grid.shape))
    )
    operators = ShiftedOperator(bare, assemble_capacity(model), threads=1).update_shift(0.0)
    t = np.random.default_rng(4).random(heat.shape)
    before = t.copy()
    operators.balance(heat, t)
    assert np.array_equal(t, before)


# -- the processor -------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_denormals_are_restored_after_solve(model: Model, heat: np.ndarray, threads: int) -> None:
    """A cycle flushes subnormal numbers to zero; afterwards arithmetic on them is exact again."""
    small = np.full(64, 1e-40, np.float32), np.full(64, 1e-310)
    halves = [each * each.dtype.type(0.5) for each in small]
    assert all(any(half.tobytes()) for half in halves)
    operators = shifted(model, threads=threads).update_shift(1e6)  # corrections die out within a cell or two
    for scale in (1.0, 1e-30, 1e-100):
        operators.solve(scale * heat, tolerance=1e-6)
    for each, half in zip(small, halves, strict=True):
        now = each * each.dtype.type(0.5)
        assert now.tobytes() == half.tobytes()  # with flushing, a comparison also treats them as zero


def test_memory_includes_diagonal(model: Model) -> None:
    operators = shifted(model)
    assert operators.memory >= operators.solver.memory + 2 * 8 * (model.part > 0).sum()


# -- work ----------------------------------------------------------------------------------------


def depths(operators: ShiftedOperator, shifts: tuple[float, ...]) -> list[int]:
    """Return how many coarse grids a cycle visits."""
    chain = operators.solver._chain
    assert chain is not None
    found = []
    for shift in shifts:
        operators.update_shift(shift)
        assert isinstance(chain._preconditioner, Multigrid)
        found.append(chain._preconditioner.depth)
    return found


def test_large_shifts_skip_coarse_grids(model: Model) -> None:
    shifts = (0.0, *np.geomspace(1e-2, 1e6, 100).tolist())
    found = depths(shifted(model), shifts)
    levels = len(shifted(model).solver._chain._preconditioner.levels)  # type: ignore[union-attr]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (levels - 1, 1)
    assert len(set(found)) > 2


@pytest.mark.parametrize("shift", SHIFTS)
def test_skipped_grids_cost_few_iterations(model: Model, heat: np.ndarray, shift: float) -> None:
    _, report = shifted(model).update_shift(shift).solve(heat, tolerance=1e-8)
    assert report.iterations <= 12
    assert not report.fallback


def test_conductive_sheet_keeps_coarse_grids(model: Model, heat: np.ndarray) -> None:
    """A conductive sheet of low capacity next to a large capacity: the minimum decides, not the mean."""
    conduction, capacity = assemble_conduction(model), assemble_capacity(model)
    k = model.grid.shape[0] // 2
    conduction.g_x[k] *= 1e4
    conduction.g_y[k] *= 1e4
    widths = model.grid.dx, model.grid.dy
    operators = ShiftedOperator(conduction, capacity, widths=widths, threads=1)
    assert depths(operators, (1e4,))[0] > depths(shifted(model), (1e4,))[0]
    t, report = operators.update_shift(1e4).solve(heat, tolerance=1e-11)
    expected = dense(conduction, capacity, 1e4, heat)
    assert np.abs(t - expected).max() <= 1e-8 * np.abs(expected).max()
    assert not report.fallback
