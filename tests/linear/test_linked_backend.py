"""Operators with links against dense ones: products, solutions by every method, bodies that links join."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thermostack import ConvergenceError
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.finite_volume.link_conductance import join_points
from thermostack.linear import fallback
from thermostack.linear.linked_backend import MAX_PRECONDITIONED_LINKS, LinkCorrection
from thermostack.linear.multigrid import apply_operator
from thermostack.linear.shifted import ShiftedOperator
from thermostack.linear.solver import prepare

SHAPE = (3, 5, 7)


def linked(
    seed: int, links: int, scale: float = 0.1, *, is_cooled: bool = True, shape: tuple[int, int, int] = SHAPE
) -> Conduction:
    """Return an operator of two bodies, the low and the high half along x, with links between random points.

    Only the first body is cooled; `scale` [W/K] is that of the conductances of the links.
    """
    random = np.random.default_rng(seed)
    nz, ny, nx = shape
    g_x, g_y, g_z = (
        random.uniform(0.2, 2.0, size).astype(np.float32)
        for size in ((nz, ny, nx - 1), (nz, ny - 1, nx), (nz - 1, ny, nx))
    )
    g_x[:, :, nx // 2] = 0.0
    boundary = np.zeros(shape)
    boundary[0, :, : nx // 2] = 0.05 * is_cooled
    cells = np.arange(nz * ny * nx).reshape(shape)
    low, high = cells[..., : nx // 2 + 1].ravel(), cells[..., nx // 2 + 1 :].ravel()
    ends = []
    for n in range(links):  # the first one joins both bodies
        start = random.choice(low, 8, replace=False)
        end = random.choice(high if n == 0 else np.setdiff1d(low, start), 3, replace=False)
        weights = random.uniform(0.5, 1.0, start.size), random.uniform(0.5, 1.0, end.size)
        ends.append(((start, weights[0] / weights[0].sum()), (end, weights[1] / weights[1].sum())))
    conductance = scale * random.uniform(0.5, 2.0, links)
    terms = join_points(ends, conductance, lambda cell: random.uniform(0.0, 0.3, cell.size))
    return Conduction(g_x, g_y, g_z, BoundaryConductance.from_dense(boundary), links=terms)


def dense(conduction: Conduction) -> np.ndarray:
    """Return the matrix of G [W/K], from the definition of the terms of links."""
    matrix: np.ndarray = replace(conduction, links=None).to_csr().toarray()
    links = conduction.links
    assert links is not None
    u = np.zeros((links.count, len(matrix)))
    u[:, links.cell] = links.difference.toarray()
    at_faces = links.difference.toarray() @ np.diag(links.half_cell) @ links.difference.toarray().T
    matrix += u.T @ np.linalg.inv(np.diag(1.0 / links.own_conductance) + at_faces) @ u
    return matrix


def powers(seed: int, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(1000 + seed).normal(size=shape)


@pytest.mark.parametrize("links", [1, 3])
def test_products_contain_the_links(links: int) -> None:
    conduction = linked(1, links)
    t, out = powers(1), np.empty(SHAPE)
    expected = (dense(conduction) @ t.ravel()).reshape(SHAPE)
    np.testing.assert_allclose(conduction.apply(t), expected, rtol=1e-12, atol=1e-13)
    planes = [conduction.outflow_of_plane(k, t) for k in range(SHAPE[0])]
    np.testing.assert_allclose(planes, expected, rtol=1e-12, atol=1e-13)
    apply_operator(conduction, t, out)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-13)


def test_correction_is_the_difference_to_the_operator_of_the_preconditioner() -> None:
    conduction = linked(2, 3)
    assert conduction.links is not None
    correction = LinkCorrection(conduction.links, conduction)
    t = powers(2)
    rest = correction.preconditioned_part(conduction).apply(t)
    rest.reshape(-1)[correction.cell] += correction.apply(t.reshape(-1)[correction.cell])
    np.testing.assert_allclose(rest, conduction.apply(t), rtol=1e-12, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    links=st.integers(1, MAX_PRECONDITIONED_LINKS + 4),
    scale=st.sampled_from([1e-6, 1e-3, 0.1, 10.0]),
    method=st.sampled_from(["multigrid", "direct"]),
)
def test_solution_is_that_of_the_dense_matrix(seed: int, links: int, scale: float, method: str) -> None:
    """The second body has no other path to the ambient than the links."""
    conduction, rhs = linked(seed, links, scale), powers(seed)
    t, report = prepare(conduction, method).solve(rhs, tolerance=1e-11)
    expected = np.linalg.solve(dense(conduction), rhs.ravel()).reshape(SHAPE)
    np.testing.assert_allclose(t, expected, rtol=0.0, atol=1e-7 * np.abs(expected).max())
    assert report.residual <= 1e-11 or "rounding" in report.reason


def test_several_right_hand_sides_are_solved_together() -> None:
    conduction = linked(3, 2)
    rhs = np.stack([powers(n) for n in range(3)])
    together, _ = prepare(conduction).solve_many(rhs, tolerance=1e-10)
    for one, t in zip(rhs, together, strict=True):
        expected = np.linalg.solve(dense(conduction), one.ravel()).reshape(SHAPE)
        np.testing.assert_allclose(t, expected, rtol=0.0, atol=1e-7 * np.abs(expected).max())


def test_algebraic_multigrid_solves_with_links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fallback, "MAX_CONTRAST", 0.0)
    conduction, rhs = linked(4, 2), powers(4)
    t, report = prepare(conduction).solve(rhs, tolerance=1e-10)
    assert "algebraic multigrid" in report.fallback
    expected = np.linalg.solve(dense(conduction), rhs.ravel()).reshape(SHAPE)
    np.testing.assert_allclose(t, expected, rtol=0.0, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("method", ["multigrid", "direct"])
def test_isolated_bodies_are_one_where_a_link_joins_them(method: str) -> None:
    """Without an ambient the power of both bodies together must be zero, not that of each."""
    conduction, rhs = linked(5, 2, is_cooled=False), powers(5)
    rhs -= rhs.mean()
    t, _ = prepare(conduction, method).solve(rhs, tolerance=1e-10)
    assert t.mean() == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(conduction.apply(t), rhs, atol=1e-7)
    with pytest.raises(ConvergenceError, match="no path to an ambient"):
        prepare(replace(conduction, links=None), method).solve(rhs)


@pytest.mark.parametrize("method", ["multigrid", "direct"])
@pytest.mark.parametrize("shift", [0.0, 1e-3, 10.0, 1e6])
def test_shifted_operator_has_the_links(method: str, shift: float) -> None:
    conduction, rhs = linked(6, 3), powers(6)
    capacity = np.random.default_rng(6).uniform(0.5, 2.0, SHAPE)
    shifted = ShiftedOperator(conduction, capacity, method=method).update_shift(shift)
    t, _ = shifted.solve(rhs, tolerance=1e-11)
    expected = np.linalg.solve(dense(conduction) + shift * np.diag(capacity.ravel()), rhs.ravel())
    np.testing.assert_allclose(t.ravel(), expected, rtol=0.0, atol=1e-7 * np.abs(expected).max())
    np.testing.assert_allclose(shifted.apply_conduction(t), conduction.apply(t), rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 1.0])
def test_links_hardly_change_the_iteration_count(scale: float) -> None:
    shape = (6, 24, 30)
    conduction, rhs = linked(7, 4, scale, is_cooled=True, shape=shape), powers(7, shape)
    _, with_links = prepare(conduction).solve(rhs)
    other = np.zeros(shape)
    other[0] = 0.05
    bare = replace(conduction, boundary=BoundaryConductance.from_dense(other), links=None)
    _, without = prepare(bare).solve(rhs)
    assert with_links.iterations <= without.iterations + 6
    assert not with_links.fallback
