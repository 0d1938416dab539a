"""The linear solver: accuracy on difficult stacks, bounded work, fallbacks, and errors for invalid input."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import re
import sys
import tracemalloc
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from thermostack.errors import ArgumentError, ConvergenceError, ResourceError
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction, conductivity_contrast
from thermostack.linear import Solver, amg, fallback, prepare
from thermostack.linear.amg import AmgPreconditioner
from thermostack.linear.multigrid import Multigrid, pair_columns
from thermostack.linear.pcg import solve_pcg

CONDUCTIVITIES = (0.03, 0.5, 0.8, 4.0, 20.0, 120.0, 398.0)  # W/(m K), air to copper


def load_benchmark(name: str) -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


standard = load_benchmark("standard_problem")


def assemble(
    k: np.ndarray, dx: np.ndarray, dy: np.ndarray, dz: np.ndarray, top: float, bottom: float = 0.0
) -> Conduction:
    """Return the conductances of cells of conductivity k (3, nz, ny, nx), which is zero in inactive cells."""
    with np.errstate(divide="ignore"):
        half_x, half_y, half_z = dx / (2 * k[0]), dy[:, None] / (2 * k[1]), dz[:, None, None] / (2 * k[2])
    area = dy[:, None] * dx
    boundary = np.zeros(k.shape[1:])
    boundary[-1] += area / (half_z[-1] + 1 / top)
    if bottom:
        boundary[0] += area / (half_z[0] + 1 / bottom)
    return Conduction(
        dz[:, None, None] * dy[:, None] / (half_x[:, :, 1:] + half_x[:, :, :-1]),
        dz[:, None, None] * dx / (half_y[:, 1:] + half_y[:, :-1]),
        area / (half_z[1:] + half_z[:-1]),
        BoundaryConductance.from_dense(boundary),
    )


def random_stack(
    seed: int,
    shape: tuple[int, int, int] = (9, 17, 20),
    *,
    grading: float = 0.0,
    aspect: float = 1.0,
    anisotropy: float = 0.0,
    top: float | None = None,
    outside: bool = False,
    contrast: bool = False,
) -> tuple[Conduction, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return operator, right-hand side and widths of layers with boxes of other materials."""
    rng = np.random.default_rng(seed)
    nz, ny, nx = shape
    dz = 10.0 ** rng.uniform(-6, -2.7, nz)
    dx = 0.5e-3 * np.exp(np.cumsum(rng.normal(0.0, grading, nx)))
    dy = 0.5e-3 * aspect * np.exp(np.cumsum(rng.normal(0.0, grading, ny)))
    k = np.empty((3, *shape))
    for layer in range(nz):
        k[:, layer] = rng.choice(CONDUCTIVITIES)
        for _ in range(rng.integers(0, 5)):
            x, y = np.sort(rng.integers(0, nx + 1, 2)), np.sort(rng.integers(0, ny + 1, 2))
            direction = 10.0 ** rng.uniform(-anisotropy, anisotropy, 3)
            k[:, layer, y[0] : y[1], x[0] : x[1]] = rng.choice(CONDUCTIVITIES) * direction[:, None, None]
    if contrast:
        k *= 10.0 ** rng.choice([-3.0, 0.0, 3.0], size=k.shape[1:])
    if outside:
        k[:, nz // 2 :, :, nx // 2 + 1 :] = 0.0
        k[:, nz // 2 :, : ny // 3] = 0.0
    conduction = assemble(k, dx, dy, dz, 10.0 ** rng.uniform(0, 5) if top is None else top, 1.0)
    rhs = np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0) * (conduction.diagonal() > 0.0)
    rhs[0, -1, 0] += 1.0
    return conduction, rhs, (dx, dy)


HARD: dict[str, dict[str, object]] = {
    "plain": {},
    "graded": {"grading": 0.2},
    "wildly graded": {"grading": 0.5},
    "long cells": {"aspect": 30.0},
    "orthotropic": {"anisotropy": 1.0},
    "outside": {"outside": True},
    "near Neumann": {"top": 1e-3},
    "contrast of 1e6 cell by cell": {"contrast": True},
    "one column": {"shape": (9, 1, 1)},
    "one row": {"shape": (5, 1, 23)},
    "one file": {"shape": (5, 23, 1)},
    "one layer": {"shape": (1, 14, 15)},
    "one cell": {"shape": (1, 1, 1)},
}


@pytest.mark.parametrize("family", HARD)
@pytest.mark.parametrize("seed", range(3))
def test_multigrid_and_direct_agree(family: str, seed: int) -> None:
    conduction, rhs, widths = random_stack(seed, **HARD[family])  # type: ignore[arg-type]
    tolerance = 1e-12 if family == "near Neumann" else 1e-10
    t, report = prepare(conduction, widths=widths, threads=1).solve(rhs, tolerance=tolerance)
    expected, _ = prepare(conduction, "direct").solve(rhs, tolerance=1e-8)
    assert np.abs(t - expected).max() <= 1e-8 * np.abs(expected).max()
    assert report.imbalance <= tolerance
    assert (t[~conduction.is_active] == 0.0).all()


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 7), st.integers(1, 19), st.integers(1, 19)),
    grading=st.sampled_from([0.0, 0.3]),
    outside=st.booleans(),
)
@example(seed=0, shape=(1, 2, 1), grading=0.3, outside=False)  # solved at once: what is left is rounding
def test_any_shape_is_solved(seed: int, shape: tuple[int, int, int], grading: float, outside: bool) -> None:
    conduction, rhs, widths = random_stack(seed, shape, grading=grading, outside=outside)
    rhs *= conduction.is_active
    t, report = prepare(conduction, widths=widths).solve(rhs, tolerance=1e-9)
    left = rhs - conduction.apply(t)
    rounding = 1e-15 * np.linalg.norm(2 * conduction.diagonal() * np.abs(t))
    assert np.linalg.norm(left) <= 1.01e-9 * np.linalg.norm(rhs) + rounding
    assert report.residual <= 1e-9 or "rounding" in report.reason
    assert report.imbalance <= 1e-9


def test_work_does_not_grow_with_the_grid() -> None:
    counts = []
    for cell in (2e-3, 1e-3, 0.5e-3):
        problem = standard.standard_problem(cell)
        _, report = prepare(problem.conduction, widths=problem.widths).solve(problem.rhs)
        assert report.residual <= 1e-8
        assert not report.fallback
        counts.append(report.iterations)
    assert max(counts) <= 9
    assert max(counts) - min(counts) <= 2


def test_predicted_true_residual_needs_no_separate_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = standard.with_model_precision(standard.standard_problem(1e-3))
    monkeypatch.delattr(Multigrid, "residual")
    t, report = prepare(problem.conduction, widths=problem.widths).solve(problem.rhs)
    left = problem.rhs - problem.conduction.apply(t)
    assert np.linalg.norm(left) / np.linalg.norm(problem.rhs) == pytest.approx(report.residual, rel=1e-6)
    assert abs(left.sum()) / problem.rhs.sum() == pytest.approx(report.imbalance, abs=1e-14)
    assert report.residual <= 1e-8


@pytest.mark.parametrize(
    ("family", "max_iterations"),
    [
        ("plain", 16),
        ("graded", 20),
        ("long cells", 24),
        ("orthotropic", 20),
        ("outside", 20),
        ("near Neumann", 24),
    ],
)
def test_work_on_hard_stacks_is_bounded(family: str, max_iterations: int) -> None:
    for seed in range(6):
        conduction, rhs, widths = random_stack(seed, (12, 40, 44), **HARD[family])  # type: ignore[arg-type]
        _, report = prepare(conduction, widths=widths, threads=1).solve(rhs)
        assert not report.fallback
        assert report.iterations <= max_iterations


def test_loose_tolerance_needs_few_iterations() -> None:
    problem = standard.standard_problem(2e-3)
    solver = prepare(problem.conduction, widths=problem.widths)
    exact, tight = solver.solve(problem.rhs)
    loose, report = solver.solve(problem.rhs, tolerance=1e-3)
    assert report.iterations <= 3 < tight.iterations
    assert np.abs(loose - exact).max() <= 1e-2 * exact.max()


def test_guess_saves_iterations() -> None:
    problem = standard.standard_problem(2e-3)
    solver = prepare(problem.conduction, widths=problem.widths)
    t, first = solver.solve(problem.rhs)
    before = t.copy()
    again, report = solver.solve(problem.rhs, guess=t)
    assert report.iterations == 0
    assert (t == before).all()
    assert np.abs(again - t).max() == 0.0
    _, near = solver.solve(problem.rhs, guess=0.999 * t)
    assert near.iterations < first.iterations


def test_solution_is_linear_in_rhs() -> None:
    conduction, rhs, widths = random_stack(3)
    solver = prepare(conduction, widths=widths)
    one, _ = solver.solve(rhs, tolerance=1e-11)
    other, _ = solver.solve(rhs[::-1].copy(), tolerance=1e-11)
    both, _ = solver.solve(2 * rhs + rhs[::-1], tolerance=1e-11)
    assert np.abs(both - (2 * one + other)).max() <= 1e-9 * both.max()


@pytest.mark.parametrize("cell", [2e-3, 1e-3])
def test_solution_does_not_depend_on_threads(cell: float) -> None:
    problem = standard.standard_problem(cell)
    answers = [
        prepare(problem.conduction, widths=problem.widths, threads=threads).solve(problem.rhs)[0].tobytes()
        for threads in (1, 2, 3)
    ]
    assert answers[0] == answers[1] == answers[2]


def test_three_threads_have_three_blocks() -> None:
    problem = standard.standard_problem(1e-3)
    assert Multigrid(problem.conduction, problem.widths, threads=3).finest.blocks == 3


@pytest.mark.parametrize("method", ["multigrid", "direct"])
def test_zero_rhs_gives_zero_rise(method: str) -> None:
    conduction, rhs, _ = random_stack(0)
    t, report = prepare(conduction, method).solve(0.0 * rhs, guess=rhs)
    assert (t == 0.0).all()
    assert report.iterations == 0
    assert report.reason == "no heat"


@pytest.mark.parametrize("method", ["multigrid", "direct"])
def test_body_without_ambient_is_an_error(method: str) -> None:
    conduction, rhs, _ = random_stack(1, (4, 6, 6))
    conduction.boundary.conductance[...] = 0.0
    with pytest.raises(ConvergenceError, match="ambient"):
        prepare(conduction, method).solve(rhs)


def test_power_in_inactive_cell_is_an_error() -> None:
    conduction, rhs, widths = random_stack(1, outside=True)
    rhs[-1, 0, -1] = 1.0
    with pytest.raises(ConvergenceError, match="outside the body"):
        prepare(conduction, widths=widths).solve(rhs)


@pytest.mark.parametrize("wrong", [-1.0, np.nan])
def test_invalid_conductance_is_an_error(wrong: float) -> None:
    conduction, rhs, _ = random_stack(1, (4, 6, 6))
    conduction.g_z[...] = wrong
    with pytest.raises(ConvergenceError, match="g_z has conductances that are negative or no number"):
        prepare(conduction).solve(rhs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rhs: rhs[1:], "shape"),
        (lambda rhs: np.where(rhs > 0, np.nan, rhs), "not a finite number"),
    ],
)
def test_invalid_rhs_is_an_error(change: object, message: str) -> None:
    conduction, rhs, _ = random_stack(0)
    with pytest.raises(ValueError, match=message):
        prepare(conduction).solve(change(rhs))  # type: ignore[operator]


def test_invalid_arguments_are_errors() -> None:
    conduction, rhs, (dx, dy) = random_stack(0)
    with pytest.raises(ValueError, match="'multigrid' or 'direct'"):
        prepare(conduction, "magic")
    for threads in (0, -3, 1.5, "2", True, 100_000):
        with pytest.raises(ArgumentError, match="threads: "):
            prepare(conduction, threads=threads)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="widths have shapes"):
        prepare(conduction, widths=(dy, dx))
    with pytest.raises(ValueError, match="greater than zero"):
        prepare(conduction, widths=(-dx, dy))
    with pytest.raises(ValueError, match="tolerance: must be at least 1e-15 and less than 1, got 0"):
        prepare(conduction).solve(rhs, tolerance=0.0)


# ---- fall-backs


def columns_at_random(n: int = 48) -> tuple[Conduction, np.ndarray]:
    """Return columns of copper and polymer at random, which no pairs of columns represent well."""
    rng = np.random.default_rng(2)
    k = np.broadcast_to(rng.choice([0.2, 398.0], size=(n, n)), (3, 6, n, n))
    conduction = assemble(k, np.full(n, 5e-4), np.full(n, 5e-4), np.full(6, 2e-4), 50.0)
    rhs = np.zeros(conduction.shape)
    rhs[0, 10:20, 10:30] = 1e-3
    return conduction, rhs


def test_fallback_is_reported_with_reason() -> None:
    conduction, rhs = columns_at_random()
    solver = prepare(conduction, threads=1)
    before = solver.memory
    t, report = solver.solve(rhs)
    assert re.fullmatch("algebraic multigrid because .*(foreseen|not enough).*", report.fallback)
    assert np.linalg.norm(rhs - conduction.apply(t)) <= 1e-8 * np.linalg.norm(rhs)
    assert report.method == "multigrid"
    assert report.iterations == len(report.history) - 1 <= 60
    assert report.levels > 1
    assert report.memory > before
    _, again = solver.solve(rhs)
    assert again.iterations <= 15  # a method that failed is not tried again
    assert again.fallback == report.fallback


def test_rise_beyond_float32_uses_float64() -> None:
    conduction, rhs, widths = random_stack(0, (12, 30, 30))
    conduction.boundary.conductance[1:] = 0.0
    conduction.boundary.conductance[0] = 1e-10
    t, report = prepare(conduction, widths=widths, threads=1).solve(rhs)
    assert report.fallback.startswith("float64 cycle because")
    assert report.iterations <= 60
    assert (conduction.boundary.dense * t).sum() == pytest.approx(rhs.sum(), rel=1e-8)


def insulated_blocks(contrast: float, seed: int) -> tuple[Conduction, np.ndarray]:
    """Return silicon with unpowered copper blocks in coats, which may overlap, and one hot cell."""
    rng = np.random.default_rng(seed)
    k = np.full((3, 6, 16, 16), 120.0)
    for _ in range(5):
        low = rng.integers((0, 1, 1), (4, 11, 11))
        coat = tuple(slice(a, a + n) for a, n in zip(low, (3, 5, 5), strict=True))
        block = tuple(slice(a + 1, a + n - 1) for a, n in zip(low, (3, 5, 5), strict=True))
        k[(slice(None), *coat)] = 398.0 / contrast
        k[(slice(None), *block)] = 398.0
    width = np.full(16, 5e-4)
    conduction = assemble(k, width, width, 10.0 ** rng.uniform(-5, -3, 6), 1e4)
    rhs = np.zeros(conduction.shape)
    rhs[0, 0, 0] = 1.0
    return conduction, rhs


@pytest.mark.parametrize("contrast", [1e5, 9e5, 1e7, 4e8])
@pytest.mark.parametrize("seed", [15, 24])
def test_insulated_blocks_have_correct_temperature(contrast: float, seed: int) -> None:
    """With the column multigrid the second at 4e8 has a residual of 1e-8 and an error of 2 % of the rise."""
    conduction, rhs = insulated_blocks(contrast, seed)
    t, report = prepare(conduction, threads=1).solve(rhs)
    expected, _ = prepare(conduction, "direct").solve(rhs)
    assert np.abs(t - expected).max() <= 1e-6 * expected.max()
    by_contrast = f"algebraic multigrid because conductivities are {contrast:.0e}-fold apart in a plane"
    assert (report.fallback == by_contrast) == (contrast > fallback.MAX_CONTRAST)


def test_contrast_does_not_depend_on_grid() -> None:
    rng = np.random.default_rng(0)
    dx, dy = np.exp(rng.normal(0.0, 1.0, (2, 16)))
    k = np.full((3, 3, 16, 16), 4.0)
    k[:, 1, 3:7, 4:9], k[:, 2] = 4e4, 4e9
    conduction = assemble(k, dx, dy, np.array([1e-3, 1e-6, 1e-2]), 1e4)
    assert conductivity_contrast(conduction, dx, dy) == pytest.approx(1e4, rel=1e-6)
    turned = assemble(k[..., 4:5], dx[4:5], dy, np.array([1e-3, 1e-6, 1e-2]), 1e4)
    assert conductivity_contrast(turned, dx[4:5], dy) == pytest.approx(1e4, rel=1e-6)


def test_low_memory_uses_gentle_cycle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amg, "available_memory", lambda: 1_000_000)
    conduction, rhs = columns_at_random()
    t, report = prepare(conduction, threads=1).solve(rhs)
    refusal, _, taken = report.fallback.partition("; then ")
    assert refusal == "algebraic multigrid needs about 0.014 GB and 0.0009 GB are available"
    assert taken.startswith("float64 cycle, gentler coarsening because")
    assert np.linalg.norm(rhs - conduction.apply(t)) <= 1e-8 * np.linalg.norm(rhs)


def test_high_contrast_without_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The column multigrid alone would have an error of 2 % at a small residual."""
    monkeypatch.setattr(amg, "available_memory", lambda: 1_000_000)
    conduction, rhs = insulated_blocks(4e8, 24)
    with pytest.raises(
        ResourceError, match=r"4e\+08-fold apart in a plane, and .* GB are available.*direct method"
    ):
        prepare(conduction)
    t, _ = prepare(conduction, "direct").solve(rhs)
    assert (t > 0.0).all()
    mild, rhs = insulated_blocks(1e5, 24)
    assert not prepare(mild).solve(rhs)[1].fallback


def test_failure_of_all_methods_is_an_error_with_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amg, "available_memory", lambda: 0)
    monkeypatch.setattr(
        fallback, "GENTLE_CYCLE", dataclasses.replace(fallback.GENTLE_CYCLE, max_iterations=3)
    )
    conduction, rhs = columns_at_random()
    with pytest.raises(ConvergenceError, match="3 iterations were not enough") as caught:
        prepare(conduction, threads=1).solve(rhs)
    assert "float64 cycle, gentler coarsening because" in str(caught.value)
    assert len(caught.value.history) > 3


def test_algebraic_multigrid_checks_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amg, "available_memory", lambda: 10**6)
    with pytest.raises(ResourceError, match="GB"):
        AmgPreconditioner(columns_at_random()[0])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("is_cut", [False, True])
def test_algebraic_cycle_is_symmetric_positive_definite(seed: int, is_cut: bool) -> None:
    conduction, _, _ = random_stack(seed, (4, 9, 10), contrast=True, top=1e3, outside=is_cut)
    preconditioner = AmgPreconditioner(conduction)
    assert len(preconditioner.levels) > 1
    cycle = preconditioner.cycle @ np.eye(preconditioner.active.size)
    assert np.abs(cycle - cycle.T).max() <= 1e-9 * np.abs(cycle).max()
    scale = np.sqrt(np.diag(cycle))
    assert np.linalg.eigvalsh((cycle + cycle.T) / 2 / np.outer(scale, scale)).min() > 0.0


@pytest.mark.parametrize("family", HARD)
def test_algebraic_multigrid_and_direct_agree(family: str) -> None:
    conduction, rhs, _ = random_stack(3, **HARD[family])  # type: ignore[arg-type]
    t = np.zeros(rhs.shape)
    (state,) = solve_pcg(
        AmgPreconditioner(conduction),
        rhs[None],
        t[None],
        is_zero=True,
        tolerance=1e-12,
        max_predicted=math.inf,
        max_iterations=60,
    )
    expected, _ = prepare(conduction, "direct").solve(rhs)
    assert state.is_converged
    assert state.imbalance <= 1e-12
    assert state.iterations <= 25
    assert np.abs(t - expected).max() <= 1e-8 * np.abs(expected).max()


# ---- multigrid theory


def matrix_of_cycle(multigrid: Multigrid) -> np.ndarray:
    """Return the cycle as a matrix over the cells in natural order."""
    level = multigrid.finest
    shape = multigrid.conduction.shape
    rows = []
    for cell in range(math.prod(shape)):
        rhs = np.zeros(shape)
        rhs.flat[cell] = 1.0
        multigrid.set_rhs(0, rhs, 1.0)
        multigrid.cycle()
        rows.append(natural(np.asarray(level.t)[0], shape).ravel())
    return np.array(rows)


def natural(slabs: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return a field (nz, ny, nx) from rows of even and odd columns (ny, 2, nz, width)."""
    field = np.empty(shape)
    nx = shape[2]
    field[:, :, ::2] = slabs[:, 0, :, : (nx + 1) // 2].transpose(1, 0, 2)
    field[:, :, 1::2] = slabs[:, 1, :, : nx // 2].transpose(1, 0, 2)
    return field


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(3, 5, 6), (2, 9, 4), (4, 1, 7), (3, 6, 1)])
def test_cycle_is_symmetric_positive_definite(seed: int, shape: tuple[int, int, int]) -> None:
    conduction, _, widths = random_stack(seed, shape, top=1e3)
    cycle = matrix_of_cycle(Multigrid(conduction, widths, dtype=np.float64))
    assert np.abs(cycle - cycle.T).max() <= 1e-12 * np.abs(cycle).max()
    assert np.linalg.eigvalsh(cycle).min() > 0.0


def test_cycle_contracts() -> None:
    conduction, _, widths = random_stack(5, (3, 8, 8), top=1e3)
    product = matrix_of_cycle(Multigrid(conduction, widths, dtype=np.float64)) @ conduction.to_csr().toarray()
    spectrum = np.linalg.eigvals(product).real
    assert spectrum.min() > 0.5
    assert spectrum.max() < 1.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_smoother_is_exact_for_a_column(dtype: type) -> None:
    conduction, rhs, _ = random_stack(7, (12, 1, 1))
    multigrid = Multigrid(conduction, dtype=dtype)
    multigrid.set_rhs(0, rhs, 1.0)
    multigrid.cycle()
    exact, _ = prepare(conduction, "direct").solve(rhs)
    assert len(multigrid.levels) == 1
    t = natural(np.asarray(multigrid.finest.t)[0], conduction.shape)
    assert np.abs(t - exact).max() <= 50 * np.finfo(dtype).eps * np.abs(exact).max()


def test_every_level_is_an_m_matrix_of_the_same_body() -> None:
    conduction, _, widths = random_stack(2, (5, 20, 22), outside=True)
    multigrid = Multigrid(conduction, widths, dtype=np.float64)
    for fine, coarse in zip(multigrid.levels, multigrid.levels[1:], strict=False):
        for name in ("g_x", "g_y", "g_z", "inverse"):
            assert np.asarray(getattr(coarse, name)).min() >= 0.0
        assert np.asarray(coarse.g_z).sum() == pytest.approx(np.asarray(fine.g_z).sum(), rel=1e-12)
        assert coarse.nx * coarse.ny < fine.nx * fine.ny
    last = multigrid.levels[-1]
    assert (last.nx, last.ny, last.nz) == (1, 1, 5)
    g_z, inverse = (np.asarray(getattr(last, name))[0, 0, :, 0] for name in ("g_z", "inverse"))
    boundary = 1 / inverse - g_z
    boundary = boundary - np.concatenate([[0.0], (g_z * inverse * boundary)[:-1]])
    assert boundary.sum() == pytest.approx(conduction.boundary.dense.sum(), rel=1e-6)


@pytest.mark.parametrize(("cell", "count"), [(2e-3, 7), (1e-3, 7), (0.5e-3, 8)])
def test_levels_shrink_fast_on_plain_regions(cell: float, count: int) -> None:
    """Twice the columns along each axis need at most one more level, at bounded total work."""
    problem = standard.standard_problem(cell)
    levels = Multigrid(problem.conduction, problem.widths).levels
    columns = [level.nx * level.ny for level in levels]
    assert len(levels) == count
    assert sum(columns) <= 1.45 * columns[0]


# ---- several right-hand sides, floating bodies, memory


@pytest.mark.parametrize("method", ["multigrid", "direct"])
def test_several_right_hand_sides_equal_single_solves(method: str) -> None:
    """There are more than are solved together; one is zero."""
    conduction, rhs, widths = random_stack(3, (6, 12, 11))
    rng = np.random.default_rng(0)
    rhs = rng.random((6, *rhs.shape)) * (rng.random((6, 1, 1, 1)) + 0.1)
    rhs[2] = 0.0
    solver = prepare(conduction, method, widths=widths)
    fields, reports = solver.solve_many(rhs, tolerance=1e-10)
    assert fields.shape == rhs.shape
    for one, t, report in zip(rhs, fields, reports, strict=True):
        alone, other = prepare(conduction, method, widths=widths).solve(one, tolerance=1e-10)
        assert np.array_equal(t, alone)
        assert (report.iterations, report.residual) == (other.iterations, other.residual)
    again, reports = solver.solve_many(rhs, fields, tolerance=1e-8)
    assert np.abs(again - fields).max() <= 1e-7 * np.abs(fields).max()
    assert [report.iterations for report in reports] == [0] * 6


def test_several_right_hand_sides_fall_back() -> None:
    conduction, rhs, widths = random_stack(0, (6, 24, 24), contrast=True)
    rhs = np.stack([rhs, rhs[:, ::-1, ::-1], 0.5 * rhs])
    solver = prepare(conduction, widths=widths)
    fields, reports = solver.solve_many(np.ascontiguousarray(rhs), tolerance=1e-9)
    exact = prepare(conduction, "direct").solve_many(np.ascontiguousarray(rhs))[0]
    assert "algebraic" in reports[0].fallback
    assert np.abs(fields - exact).max() <= 1e-6 * np.abs(exact).max()


def test_influence_matrix_is_symmetric() -> None:
    conduction, _, widths = random_stack(4, (5, 10, 9))
    cells = [(0, 1, 1), (2, 5, 5), (4, 9, 8), (1, 0, 7), (3, 3, 3)]
    rhs = np.zeros((5, *conduction.shape))
    for n, cell in enumerate(cells):
        rhs[(n, *cell)] = 1.0
    fields, _ = prepare(conduction, widths=widths).solve_many(rhs, tolerance=1e-11)
    influence = np.array([[t[cell] for cell in cells] for t in fields])
    assert np.abs(influence - influence.T).max() <= 1e-9 * influence.max()


@pytest.mark.parametrize("method", ["multigrid", "direct"])
@pytest.mark.parametrize("shape", [(4, 6, 7), (5, 1, 1), (1, 9, 8), (3, 20, 22)])
def test_floating_body_has_zero_mean(method: str, shape: tuple[int, int, int]) -> None:
    """All faces are adiabatic and the powers sum to zero: the solution of zero mean is returned."""
    conduction, rhs, widths = random_stack(1, shape)
    conduction = dataclasses.replace(conduction, boundary=BoundaryConductance.from_dense(np.zeros(shape)))
    rhs -= rhs.mean()
    weights = np.random.default_rng(0).random(shape) + 0.5
    for chosen, mean in ((None, np.ones(shape)), (weights, weights)):
        solver = prepare(conduction, method, widths=widths, weights=chosen)
        t, report = solver.solve(rhs, tolerance=1e-9)
        assert np.linalg.norm(rhs - conduction.apply(t)) <= 2e-9 * np.linalg.norm(rhs)
        assert abs((mean * t).sum()) <= 1e-9 * (mean * np.abs(t)).sum()
        assert not report.fallback
    rhs[0, 0, 0] += 1e-3 * np.abs(rhs).sum()
    with pytest.raises(ConvergenceError, match=r"no path to an ambient.* W too much; cool them"):
        solver.solve(rhs)


def test_two_floating_bodies_have_zero_mean_each() -> None:
    conduction, rhs, widths = random_stack(2, (3, 6, 8))
    conduction.g_x[:, :, 3] = 0.0
    conduction = dataclasses.replace(conduction, boundary=BoundaryConductance.from_dense(np.zeros(rhs.shape)))
    for half in (rhs[:, :, :4], rhs[:, :, 4:]):
        half -= half.mean()
    t, _ = prepare(conduction, widths=widths).solve(rhs)
    assert np.abs([t[:, :, :4].mean(), t[:, :, 4:].mean()]).max() <= 1e-12 * np.abs(t).max()
    rhs[0, 0, 0] += 1.0
    rhs[0, 0, -1] -= 1.0  # the total is still zero
    with pytest.raises(ConvergenceError, match="144 cells with no path to an ambient"):
        prepare(conduction, widths=widths).solve(rhs)


def test_iterations_allocate_no_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two cycles less memory than a line of cells is allocated."""
    conduction, rhs, widths = random_stack(5, (8, 60, 60))
    solver = prepare(conduction, widths=widths, threads=1)
    solver.solve(rhs)
    cycle, taken = Multigrid.cycle, []

    def watched(self: Multigrid) -> None:
        taken.append(tracemalloc.get_traced_memory()[1])
        cycle(self)
        tracemalloc.reset_peak()

    monkeypatch.setattr(Multigrid, "cycle", watched)
    tracemalloc.start()
    try:
        solver.solve(rhs, tolerance=1e-10)
    finally:
        tracemalloc.stop()
    assert len(taken) >= 6
    taken = taken[1:]  # the first cycle comes after the start, which may allocate
    assert max(taken) - min(taken) < 8_000  # bytes: of the histories; a field has 230 400


def test_boundary_with_gaps_is_updated() -> None:
    """Boundary cells: whole lines, runs from an even or odd cell, several runs, one cell, and none."""
    conduction, rhs, widths = random_stack(6, (6, 12, 13))
    boundary = np.zeros(rhs.shape)
    for k, cells in enumerate((slice(None), slice(2, 7), slice(3, 8), [0, 1, 4, 7, 8, 9, 12], [5])):
        boundary[k, :, cells] = 1.0
    solver = prepare(conduction_with(conduction, boundary), widths=widths, is_fixed=False)
    boundary *= np.random.default_rng(1).random(rhs.shape) + 0.5
    other = conduction_with(conduction, boundary)
    solver.update(other, only_boundary=True)
    t, report = solver.solve(rhs, tolerance=1e-11)
    direct, expected = prepare(other, widths=widths).solve(rhs, tolerance=1e-11)
    assert np.abs(t - direct).max() <= 1e-9 * np.abs(direct).max()
    assert abs(report.iterations - expected.iterations) <= 1


def conduction_with(conduction: Conduction, boundary: np.ndarray) -> Conduction:
    return dataclasses.replace(conduction, boundary=BoundaryConductance.from_dense(boundary))


def test_weakly_coupled_columns_are_paired_later() -> None:
    """Columns 100 times as far apart in x as in y are paired in y first."""
    k = np.full((3, 8, 32, 32), 4.0)
    conduction = assemble(k, np.full(32, 5e-2), np.full(32, 5e-4), np.full(8, 2e-4), 50.0)
    levels = Multigrid(conduction).levels
    assert [level.nx for level in levels[:5]] == [32] * 5
    assert [level.ny for level in levels[:5]] == [32, 16, 8, 4, 2]


def test_strong_couplings_are_paired_and_interfaces_kept() -> None:
    assert pair_columns(np.array([1.58, 1.58, 1.58]), 2.0).tolist() == [0, 2, 4]
    assert pair_columns(np.array([1.7, 1.58, 1.7]), 2.0).tolist() == [0, 2, 4]
    assert pair_columns(np.array([1.58, 1.58]), 2.0).tolist() in ([0, 1, 3], [0, 2, 3])
    assert pair_columns(np.array([5.0, 0.1, 5.0]), 2.0).tolist() == [0, 1, 3, 4]
    assert pair_columns(np.array([]), 2.0).tolist() == [0, 1]


def test_report_is_consistent() -> None:
    problem = standard.standard_problem(2e-3)
    solver = prepare(problem.conduction, widths=problem.widths)
    _, report = solver.solve(problem.rhs)
    assert isinstance(solver, Solver)
    assert report.method == "multigrid"
    assert len(report.history) == report.iterations + 1
    assert report.history[0] == pytest.approx(1.0)
    assert report.memory == solver.memory > problem.rhs.nbytes
    assert report.seconds > 0.0
    _, direct = prepare(problem.conduction, "direct").solve(problem.rhs)
    assert direct.method == "direct"
    assert direct.iterations == 0
    assert direct.residual <= 1e-8
