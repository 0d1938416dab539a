"""The multigrid kernels equal plain NumPy versions on odd shapes, in both precisions, with any threads."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.linear import multigrid as owner
from thermostack.linear.multigrid import Multigrid, apply_operator, pair_columns, vector_norms
from thermostack.mesh.coarsening_rule import COARSENING

SHAPES = [
    (1, 1, 2),
    (3, 1, 5),
    (3, 5, 1),
    (4, 6, 7),
    (2, 33, 3),
    (1, 8, 9),
    (3, 21, 70),
]
CASES: list[tuple[tuple[int, int, int], type, int]] = [
    *((shape, dtype, 1) for shape in SHAPES for dtype in (np.float32, np.float64)),
    ((2, 5, 200), np.float32, 1),
    ((2, 4, 150), np.float64, 1),
    ((2, 33, 3), np.float32, 2),
    ((3, 49, 10), np.float64, 3),
    ((3, 48, 11), np.float32, 3),
]
KERNEL_CASES = pytest.mark.parametrize(("shape", "dtype", "threads"), CASES)
SWEEP_CASES = pytest.mark.parametrize(
    ("shape", "dtype", "threads", "sweeps"),
    [
        *((*case, 2) for case in CASES),
        *(((3, 5, 70), dtype, 1, sweeps) for dtype in (np.float32, np.float64) for sweeps in (1, 3, 4)),
        ((2, 41, 5), np.float32, 2, 3),
        ((3, 75, 10), np.float32, 3, 4),
        ((2, 50, 9), np.float64, 2, 4),
    ],
)


@pytest.fixture(autouse=True)
def few_cells_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "MIN_CELLS_PER_THREAD", 1)


def random_conduction(shape: tuple[int, int, int], seed: int = 0) -> Conduction:
    rng = np.random.default_rng(seed)
    nz, ny, nx = shape
    g = [10.0 ** rng.uniform(-2, 2, size) for size in ((nz, ny, nx - 1), (nz, ny - 1, nx), (nz - 1, ny, nx))]
    ground = np.where(rng.random(shape) < 0.2, rng.random(shape), 0.0)
    ground[-1] += 0.1
    if nx > 4:  # an inactive column, and an inactive cell
        g[0][:, 0, 1:3] = 0.0
        for face in (g[1][:, :1, 2], g[2][:, 0, 2], ground[:, 0, 2]):
            face[...] = 0.0
    return Conduction(*g, BoundaryConductance.from_dense(ground))


def in_precision(conduction: Conduction, dtype: type) -> Conduction:
    """Return the operator with conductances of faces in a precision."""
    faces = (g.astype(dtype) for g in (conduction.g_x, conduction.g_y, conduction.g_z))
    return Conduction(*faces, conduction.boundary)


def widths(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    return 1.0 + np.arange(shape[2]) % 3, 1.0 + np.arange(shape[1]) % 2


def build(shape: tuple[int, int, int], dtype: type, threads: int) -> tuple[Conduction, Multigrid]:
    conduction = random_conduction(shape)
    multigrid = Multigrid(conduction, widths(shape), dtype=dtype, threads=threads)
    assert multigrid.finest.blocks == threads
    return conduction, multigrid


def natural(slabs: Any, nx: int) -> np.ndarray:
    """Return a field (nz, ny, nx) in float64 from rows of even and odd columns (ny, 2, nz, width)."""
    array = np.asarray(slabs, dtype=np.float64)
    field = np.empty((array.shape[2], array.shape[0], nx))
    field[:, :, ::2] = array[:, 0, :, : (nx + 1) // 2].transpose(1, 0, 2)
    field[:, :, 1::2] = array[:, 1, :, : nx // 2].transpose(1, 0, 2)
    return field


def slabs_of(field: np.ndarray, slabs: Any) -> None:
    """Store a field in rows of even and odd columns."""
    array, nx = np.asarray(slabs), field.shape[2]
    array[:, 0, :, : (nx + 1) // 2] = field[:, :, ::2].transpose(1, 0, 2)
    array[:, 1, :, : nx // 2] = field[:, :, 1::2].transpose(1, 0, 2)


def unused(slabs: Any, nx: int) -> np.ndarray:
    """Return the unused values."""
    array = np.asarray(slabs)
    return np.concatenate([array[:, 0, :, (nx + 1) // 2 :].ravel(), array[:, 1, :, nx // 2 :].ravel()])


def conduction_of(level: Any, ground: np.ndarray) -> Conduction:
    """Return a level's operator in natural order and float64."""
    g_x, g_y, g_z = (natural(getattr(level, name), level.nx) for name in ("g_x", "g_y", "g_z"))
    return Conduction(g_x[:, :, :-1], g_y[:, :-1], g_z[:-1], BoundaryConductance.from_dense(ground))


def is_close(values: Any, expected: np.ndarray, dtype: type, ulps: float = 200.0) -> bool:
    """Return whether values agree to so many units in the last place of the maximum."""
    max_value = np.abs(expected).max() if expected.size else 0.0
    return bool(
        np.abs(np.asarray(values) - expected).max(initial=0.0) <= ulps * np.finfo(dtype).eps * max_value
    )


# ---- plain versions with dense columns


def red_columns(shape: tuple[int, int, int]) -> np.ndarray:
    _, ny, nx = shape
    return np.add.outer(np.arange(ny), np.arange(nx)) % 2 == 0


def solve_colour(conduction: Conduction, b: np.ndarray, t: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Return t with the columns of one colour solved exactly for b and their neighbours."""
    nz = conduction.shape[0]
    diagonal = conduction.diagonal()
    out = t.copy()
    lateral = Conduction(
        conduction.g_x,
        conduction.g_y,
        0 * conduction.g_z,
        BoundaryConductance.from_dense(np.zeros(conduction.shape)),
    )
    inflow = lateral.diagonal() * t - lateral.apply(t)
    for j, i in np.argwhere(colour):
        column = np.diag(diagonal[:, j, i])
        for k in range(nz - 1):
            column[k, k + 1] = column[k + 1, k] = -conduction.g_z[k, j, i]
        there = diagonal[:, j, i] > 0.0
        out[:, j, i] = 0.0
        out[there, j, i] = np.linalg.solve(column[np.ix_(there, there)], (b + inflow)[there, j, i])
    return out


def sums_of_pairs(field: np.ndarray, first_x: np.ndarray, first_y: np.ndarray) -> np.ndarray:
    return np.add.reduceat(np.add.reduceat(field, first_y[:-1], axis=1), first_x[:-1], axis=2)


def coarse_twin(
    fine: Conduction,
    dx: np.ndarray,
    dy: np.ndarray,
    first_x: np.ndarray,
    first_y: np.ndarray,
) -> Conduction:
    g_x = conductances_in_series(fine.g_x, dx, first_x)
    g_y = conductances_in_series(fine.g_y.swapaxes(1, 2), dy, first_y).swapaxes(1, 2)
    return Conduction(
        np.add.reduceat(g_x, first_y[:-1], axis=1),
        np.add.reduceat(g_y, first_x[:-1], axis=2),
        sums_of_pairs(fine.g_z, first_x, first_y),
        BoundaryConductance.from_dense(sums_of_pairs(fine.boundary.dense, first_x, first_y)),
    )


def conductances_in_series(g: np.ndarray, width: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the conductance between the centres of adjacent coarse intervals of the last axis, row by row.

    On each side of the fine face it has the share of the resistance inside a pair from its centre to that of
    the nearer interval, or the resistance of this distance in the material of the face if that is smaller.
    """
    found = np.zeros((*g.shape[:-1], len(first) - 2))
    for n, far in enumerate(first[1:-1] - 1):
        resistance = np.divide(1.0, g[..., far], out=np.full(g.shape[:-1], np.inf), where=g[..., far] > 0.0)
        total = resistance.copy()
        for begin, end, outer in ((first[n], far, far - 1), (far + 1, first[n + 2] - 1, far + 2)):
            if end > begin:
                inner = g[..., begin]
                share = width[outer] / width[begin : end + 1].sum()
                inside = np.divide(share, inner, out=np.full_like(inner, np.inf), where=inner > 0.0)
                total += np.minimum(inside, resistance * width[outer] / (width[far] + width[far + 1]))
        found[..., n] = 1.0 / total
    return found


def pairs_of(multigrid: Multigrid) -> tuple[np.ndarray, np.ndarray]:
    """Return the first interval of each coarse one of the finest level, as its transfers hold them."""
    return multigrid.pairs[0]


# ---- the tests


@KERNEL_CASES
def test_level_contains_operator_and_zeros(shape: tuple[int, int, int], dtype: type, threads: int) -> None:
    conduction, multigrid = build(shape, dtype, threads)
    level = multigrid.finest
    line = np.asarray(level.boundary_line)
    lines = np.concatenate([np.asarray(level.boundary), np.zeros((1, 2, level.width), dtype=dtype)])[line]
    held = conduction_of(level, natural(lines.transpose(0, 2, 1, 3), level.nx))
    for name in ("g_x", "g_y", "g_z"):
        assert is_close(getattr(held, name), getattr(conduction, name), dtype, 1.0)
    assert is_close(held.boundary.dense, conduction.boundary.dense, dtype, 1.0)
    for slabs in (level.g_x, level.g_y, level.g_z, lines.transpose(0, 2, 1, 3)):
        assert not unused(slabs, level.nx).any()
    assert np.array_equal((line >= 0).T, (conduction.boundary.dense != 0.0).any(axis=2))


@KERNEL_CASES
def test_update_and_operator_agree_with_numpy(shape: tuple[int, int, int], dtype: type, threads: int) -> None:
    conduction, multigrid = build(shape, dtype, threads)
    rng = np.random.default_rng(1)
    level, z, p, t = (
        multigrid.finest,
        rng.random(shape),
        rng.random(shape),
        rng.random(shape),
    )
    slabs_of(z, np.asarray(level.t)[0])
    slabs_of(p, np.asarray(level.p)[0])
    heat = rng.random(shape) * conduction.is_active
    multigrid.set_rhs(0, heat, 1.0)
    field, square = t.copy(), np.zeros(1)
    level.pcg_update(*np.array([[0.5], [0.75], [0.25], [3.0]]), field[None], square)
    turned = z + 0.5 * p
    assert is_close(field, t + 0.25 * turned + 3.0, dtype, 4.0)
    assert is_close(natural(np.asarray(level.p)[0], level.nx), turned, dtype, 4.0)
    left = heat - 0.75 * conduction.apply(turned)
    assert is_close(natural(np.asarray(level.b)[0], level.nx), left, dtype)
    assert square[0] == pytest.approx((left**2).sum(), rel=1e3 * float(np.finfo(dtype).eps))
    assert not unused(np.asarray(level.p)[0], level.nx).any()
    assert not unused(np.asarray(level.b)[0], level.nx).any()
    out = np.empty(shape)
    apply_operator(conduction, t, out, threads)
    assert is_close(out, conduction.apply(t), np.float64)


@KERNEL_CASES
def test_update_with_residual_replacement_agrees_with_numpy(
    shape: tuple[int, int, int], dtype: type, threads: int
) -> None:
    """The right-hand side whose residual is due gets it from its field, the other one by the recurrence."""
    conduction = in_precision(random_conduction(shape), dtype)
    multigrid, other = (Multigrid(conduction, widths(shape), dtype=dtype, threads=threads) for _ in range(2))
    rng = np.random.default_rng(8)
    rhs_fields, fields = rng.random((2, 2, *shape)) * conduction.is_active
    steps, square, plain = rng.random((4, 2)), np.zeros(2), np.zeros(2)
    again = fields.copy()
    replacement = multigrid.residual_replacement(rhs_fields, np.array([2.0, 3.0]))
    replacement.request(1, True)
    for cycles in (multigrid, other):
        cycles.allocate(2)
        cycles.set_active([0, 1])
        for n in range(2):
            cycles.set_rhs(n, rhs_fields[n], 1.0)
        cycles.cycle()
    multigrid.finest.pcg_update(*steps, fields, square, replacement)
    other.finest.pcg_update(*steps, again, plain)
    assert np.array_equal(fields, again)
    assert np.array_equal(multigrid.finest.p, other.finest.p)
    assert np.array_equal(np.asarray(multigrid.finest.b)[0], np.asarray(other.finest.b)[0])
    assert square[0] == plain[0]
    assert replacement.result(0) is None
    left = rhs_fields[1] - conduction.apply(fields[1])
    length, total = replacement.result(1)
    assert length == pytest.approx(np.linalg.norm(left))
    assert total == pytest.approx(left.sum(), abs=1e-9 * np.abs(left).sum())
    assert square[1] == pytest.approx((3.0 * length) ** 2)
    assert is_close(natural(np.asarray(multigrid.finest.b)[1], shape[2]), 3.0 * left, dtype)
    assert not unused(np.asarray(multigrid.finest.b)[1], shape[2]).any()


def test_rounded_conductances_give_no_residual_replacement() -> None:
    multigrid = Multigrid(random_conduction((2, 5, 6)), dtype=np.float32)
    assert multigrid.residual_replacement(np.ones((1, 2, 5, 6)), np.ones(1)) is None


@KERNEL_CASES
def test_residual_agrees_with_numpy(shape: tuple[int, int, int], dtype: type, threads: int) -> None:
    conduction, multigrid = build(shape, dtype, threads)
    rng = np.random.default_rng(2)
    level, heat, t = multigrid.finest, rng.random(shape), rng.random(shape)
    field = t.copy()
    length, total = multigrid.residual(0, heat, field, 2.0)
    left = heat - conduction.apply(t)
    assert np.array_equal(field, t)
    assert is_close(natural(np.asarray(level.b)[0], level.nx), 2.0 * left, dtype)
    assert length == pytest.approx(np.linalg.norm(left))
    assert total == pytest.approx(left.sum())
    multigrid.set_rhs(0, heat, 3.0)
    assert is_close(natural(np.asarray(level.b)[0], level.nx), 3.0 * heat, dtype, 2.0)
    assert not unused(np.asarray(level.b)[0], level.nx).any()


@SWEEP_CASES
def test_presmoothing_and_restriction_agree_with_numpy(
    shape: tuple[int, int, int], dtype: type, threads: int, sweeps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "SWEEPS", {0.0: sweeps})
    conduction, multigrid = build(shape, dtype, threads)
    fine, coarse = multigrid.levels[:2]
    heat = np.random.default_rng(3).random(shape)
    heat[~conduction.is_active] = 0.0
    multigrid.set_rhs(0, heat, 1.0)
    fine.presmooth_restrict(coarse)
    red, t = red_columns(shape), np.zeros(shape)
    for _ in range(sweeps):
        before = t
        t = solve_colour(conduction, heat, t, red)
        t = solve_colour(conduction, heat, t, ~red)
    swept = natural(np.asarray(fine.t)[0], fine.nx)
    assert is_close(swept[:, red], t[:, red], dtype, 2000.0)
    assert is_close(swept[:, ~red], (t - before)[:, ~red], dtype, 2000.0)
    left = sums_of_pairs(heat - conduction.apply(t), *pairs_of(multigrid))
    assert (
        np.abs(natural(np.asarray(coarse.b)[0], coarse.nx) - left).max()
        <= 5000 * np.finfo(dtype).eps * heat.max()
    )
    assert not unused(np.asarray(fine.t)[0], fine.nx).any()
    assert not unused(np.asarray(coarse.b)[0], coarse.nx).any()


@SWEEP_CASES
def test_prolongation_and_postsmoothing_agree_with_numpy(
    shape: tuple[int, int, int], dtype: type, threads: int, sweeps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "SWEEPS", {0.0: sweeps})
    conduction, multigrid = build(shape, dtype, threads)
    fine, coarse = multigrid.levels[:2]
    rng = np.random.default_rng(4)
    heat, t = rng.random(shape) * conduction.is_active, rng.random(shape)
    correction = rng.random((shape[0], coarse.ny, coarse.nx))
    multigrid.set_rhs(0, heat, 1.0)
    slabs_of(t, np.asarray(fine.t)[0])
    slabs_of(correction, np.asarray(coarse.t)[0])
    slabs_of(rng.random(shape), np.asarray(fine.p)[0])
    fine.prolong_postsmooth(coarse)
    first_x, first_y = pairs_of(multigrid)
    prolonged = np.repeat(np.repeat(correction, np.diff(first_y), axis=1), np.diff(first_x), axis=2)
    t, red = t + prolonged, red_columns(shape)
    for colour in (~red, red) * sweeps:
        t = solve_colour(conduction, heat, t, colour)
    assert is_close(natural(np.asarray(fine.t)[0], fine.nx), t, dtype, 2000.0)
    z, r, p = (natural(values, fine.nx) for values in (np.asarray(v)[0] for v in (fine.t, fine.b, fine.p)))
    sent = conduction.apply(z)
    expected = (z * r).sum(), (z * sent).sum(), (p * sent).sum(), sent.sum()
    sizes = np.abs(z * r).sum(), (z * sent).sum(), np.abs(p * sent).sum(), np.abs(sent).sum()
    for found, wanted, size in zip(fine.products(0), expected, sizes, strict=True):
        assert abs(found - wanted) <= 1e3 * np.finfo(dtype).eps * size


@KERNEL_CASES
def test_full_multigrid_start_agrees_with_numpy(
    shape: tuple[int, int, int], dtype: type, threads: int
) -> None:
    """The right-hand side is summed to the coarsest grid; each finer grid smooths the prolonged solution."""
    conduction, multigrid = build(shape, dtype, threads)
    heat = np.random.default_rng(5).random(shape) * conduction.is_active
    multigrid.set_rhs(0, heat, 1.0)
    operators, rhs_fields = [conduction], [heat]
    dx, dy = widths(shape)
    for first_x, first_y in multigrid.pairs:
        operators.append(coarse_twin(operators[-1], dx, dy, first_x, first_y))
        rhs_fields.append(sums_of_pairs(rhs_fields[-1], first_x, first_y))
        dx, dy = np.add.reduceat(dx, first_x[:-1]), np.add.reduceat(dy, first_y[:-1])
    multigrid.full_multigrid_start()
    for level, expected in zip(multigrid.levels, rhs_fields, strict=True):
        assert is_close(natural(np.asarray(level.b)[0], level.nx), expected, dtype, 200.0)
        assert not unused(np.asarray(level.b)[0], level.nx).any()
    t = solve_colour(
        operators[-1], rhs_fields[-1], np.zeros(operators[-1].shape), np.ones((1, 1), dtype=bool)
    )
    for level, (first_x, first_y), operator, b in zip(
        multigrid.levels[-2::-1], multigrid.pairs[::-1], operators[-2::-1], rhs_fields[-2::-1], strict=True
    ):
        t = np.repeat(np.repeat(t, np.diff(first_y), axis=1), np.diff(first_x), axis=2)
        red = red_columns(operator.shape)
        for colour in (~red, red) * (level.half_sweeps // 2):
            t = solve_colour(operator, b, t, colour)
    assert is_close(natural(np.asarray(multigrid.finest.t)[0], shape[2]), t, dtype, 5000.0)


@KERNEL_CASES
def test_each_of_several_loads_is_treated_as_if_alone(
    shape: tuple[int, int, int], dtype: type, threads: int
) -> None:
    """To the last bit, and a right-hand side that rests keeps what it has."""
    conduction, several = build(shape, dtype, threads)
    _, alone = build(shape, dtype, threads)
    rng = np.random.default_rng(6)
    rhs_fields, steps = rng.random((3, *shape)) * conduction.is_active, rng.random((4, 3))
    fields, square = rng.random((3, *shape)), np.zeros(3)
    before = fields.copy()
    several.allocate(3)
    for n, heat in enumerate(rhs_fields):
        several.set_rhs(n, heat, 1.0)
    several.set_active([2, 0])
    several.cycle()
    sums = [several.finest.products(n) for n in range(3)]
    several.finest.pcg_update(*steps, fields, square)
    for n in (2, 0):
        alone.set_rhs(0, rhs_fields[n], 1.0)
        for level in alone.levels:
            level.set_solution_to_zero()
        np.asarray(alone.finest.p)[...] = 0.0
        alone.cycle()
        assert sums[n] == alone.finest.products(0) != (0.0, 0.0, 0.0, 0.0)
        field, one = before[n : n + 1].copy(), np.zeros(1)
        alone.finest.pcg_update(*steps[:, n : n + 1].copy(), field, one)
        for name in ("t", "b", "p"):
            mine, his = (np.asarray(getattr(m.finest, name)) for m in (several, alone))
            assert np.array_equal(mine[n], his[0])
        assert square[n] == one[0]
        assert np.array_equal(fields[n], field[0])
    assert np.array_equal(fields[1], before[1])
    assert square[1] == 0.0
    assert not np.asarray(several.finest.t)[1].any()


@KERNEL_CASES
def test_coarse_conductances_agree_with_numpy(shape: tuple[int, int, int], dtype: type, threads: int) -> None:
    conduction, multigrid = build(shape, dtype, threads)
    coarse = multigrid.levels[1]
    expected = coarse_twin(conduction, *widths(shape), *pairs_of(multigrid))
    held = conduction_of(coarse, expected.boundary.dense)
    for name in ("g_x", "g_y", "g_z"):
        assert is_close(getattr(held, name), getattr(expected, name), dtype, 20.0)
        assert not unused(getattr(coarse, name), coarse.nx).any()
    # Pivots hold the ground conductance, which a coarse level keeps in no other form.
    heat = expected.apply(np.ones(expected.shape))
    slabs_of(heat, np.asarray(coarse.b)[0])
    ones = solve_colour(
        expected,
        heat,
        np.zeros(expected.shape),
        np.ones((coarse.ny, coarse.nx), dtype=bool),
    )
    if (coarse.ny, coarse.nx) == (1, 1):
        coarse.solve_coarsest()
        assert is_close(natural(np.asarray(coarse.t)[0], 1), ones, dtype, 2000.0)


@pytest.mark.parametrize("shape", [(4, 6, 7), (1, 5, 4), (3, 1, 9), (3, 9, 1)])
def test_pair_costs_agree_with_numpy(shape: tuple[int, int, int]) -> None:
    conduction, multigrid = build(shape, np.float64, 1)
    cost_x, cost_y = multigrid._pair_costs(multigrid.finest, *widths(shape))
    dx, dy = widths(shape)
    turned = Conduction(
        *(values.transpose(0, 2, 1) for values in (conduction.g_y, conduction.g_x, conduction.g_z)),
        BoundaryConductance.from_dense(conduction.boundary.dense.transpose(0, 2, 1)),
    )
    assert cost_x == pytest.approx(cost_twin(conduction, dx))
    assert cost_y == pytest.approx(cost_twin(turned, dy))


def cost_twin(conduction: Conduction, dx: np.ndarray) -> np.ndarray:
    """Return the cost of pairing each interval in x with the next, as DESIGN of the solver has it."""
    _, ny, nx = conduction.shape
    hold = conduction.diagonal()
    hold[1:] -= conduction.g_z
    hold[:-1] -= conduction.g_z
    hold = np.maximum(hold, 0.0)

    def harmonic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.divide(a * b, a + b, out=np.zeros_like(a), where=a + b > 0.0)

    costs = []
    for i in range(nx - 1):
        weak, jumps = [], []
        for j in range(ny):
            d = harmonic(hold[:, j, i], hold[:, j, i + 1])
            if not d.any():
                continue
            ga, gb = conduction.g_z[:, j, i], conduction.g_z[:, j, i + 1]
            link = harmonic(ga, gb)
            matrix = np.diag(conduction.g_x[:, j, i] + 1e-6 * d)
            for k, g in enumerate(link):
                matrix[k : k + 2, k : k + 2] += g * np.array([[1.0, -1.0], [-1.0, 1.0]])
            there = np.diag(matrix) > 0.0
            weak.append(np.linalg.solve(matrix[np.ix_(there, there)], d[there]).max())
            area = np.array([ga * dx[i + 1], gb * dx[i]])
            area = area[:, area.sum(axis=0) > 0.0]
            jumps.append(np.mean(np.abs(area[0] - area[1]) / area.sum(axis=0)) if area.size else 0.0)
        rms, jump = (np.sqrt(np.mean(np.square(weak))), np.mean(jumps)) if weak else (0.0, 0.0)
        costs.append(min(np.log2(1.0 + rms) + COARSENING.interface_cost * jump, COARSENING.max_pair_cost))
    return np.array(costs)


def test_pairs_have_minimum_cost() -> None:
    rng = np.random.default_rng(0)
    for n in range(1, 9):
        cost = rng.uniform(0.0, 4.0, n - 1)
        first = pair_columns(cost, 2.0)
        sizes = np.diff(first)
        assert sizes.sum() == n
        assert set(sizes) <= {1, 2}
        assert price_of(first, cost) == pytest.approx(min(price_of(other, cost) for other in all_pairs(n)))


def price_of(first: Any, cost: np.ndarray) -> float:
    return 2.0 * (len(first) - 1) + sum(cost[a] for a, b in pairwise(first) if b - a == 2)


def all_pairs(n: int) -> list[list[int]]:
    partitions = [[[0]], [[0, 1]]]
    for i in range(2, n + 1):
        partitions.append([[*partition, i] for last in (1, 2) for partition in partitions[i - last]])
    return partitions[n]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_norms_agree_with_numpy(shape: tuple[int, int, int], threads: int) -> None:
    field = np.random.default_rng(8).standard_normal(shape)
    expected = np.linalg.norm(field), np.abs(field).sum()
    assert vector_norms(field, threads) == pytest.approx(expected, rel=1e-13)
    assert vector_norms(field, threads) == vector_norms(field)
    for bad in (np.nan, np.inf, -np.inf):  # the solver checks its input by this norm
        field[-1, -1, -1] = bad
        assert not np.isfinite(vector_norms(field, threads)[1])
