"""The reduced model: exact at rest, passive, reciprocal, and as near to the cells as it says."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from thermostack.errors import ConvergenceError
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.impedance.ports import Port
from thermostack.impedance.reduced_model import KrylovBasis, build_basis, impedance_rises

Array = np.ndarray


class Body:
    """A small random body, and its answers by dense matrices."""

    def __init__(self, seed: int, shape: tuple[int, int, int] = (4, 5, 6)) -> None:
        draw = np.random.default_rng(seed)
        nz, ny, nx = shape

        def some(*size: int) -> Array:
            return 10.0 ** draw.uniform(-2.0, 1.0, size)

        ground = np.zeros(shape)
        ground[-1] = some(ny, nx)
        self.conduction = Conduction(
            some(nz, ny, nx - 1),
            some(nz, ny - 1, nx),
            some(nz - 1, ny, nx),
            BoundaryConductance.from_dense(ground),
        )
        self.capacity = 10.0 ** draw.uniform(-4.0, 0.0, shape)
        self.matrix = self.conduction.to_csr().toarray()
        cell = np.sort(draw.choice(self.capacity.size, 2 * 5, replace=False))
        self.one, self.other = (Port(cells, self.shares(draw, cells.size)) for cells in np.split(cell, 2))

    @staticmethod
    def shares(draw: np.random.Generator, size: int) -> Array:
        values = draw.random(size) + 0.1
        return values / values.sum()

    def solve(self, source: Port, rate: float) -> Array:
        heat = source.source_field(self.capacity.shape).ravel()
        matrix = self.matrix + rate * np.diag(self.capacity.ravel())
        return np.linalg.solve(matrix, heat).reshape(self.capacity.shape)

    def space(self, source: Port) -> KrylovBasis:
        space = KrylovBasis(self.conduction.apply, self.capacity, source)
        space.add(self.solve(source, 0.0))
        return space

    def exact(self, source: Port, place: Port, time: Array) -> Array:
        """Return the rise at a place after a step, by the matrix exponential of all cells."""
        root = np.sqrt(self.capacity.ravel())
        rate = self.matrix / root / root[:, None]
        rest = self.solve(source, 0.0).ravel()
        weight = place.source_field(self.capacity.shape).ravel()
        return np.array([weight @ (rest - scipy.linalg.expm(-rate * t) @ (root * rest) / root) for t in time])


TIME = np.geomspace(1e-4, 1e3, 36)


def explored(
    body: Body, source: Port, places: list[Port], tolerance: float
) -> tuple[KrylovBasis, float, int]:
    space = body.space(source)
    error, rates = build_basis(space, places, TIME, lambda rate, _: body.solve(source, rate), tolerance)
    return space, error, len(rates)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_rises_are_those_of_the_matrix_exponential_to_the_tolerance(seed: int, tolerance: float) -> None:
    body = Body(seed)
    space, error, _ = explored(body, body.one, [body.one, body.other], tolerance)
    found = impedance_rises(*space.terms([body.one, body.other]), TIME)
    exact = np.array([body.exact(body.one, place, TIME) for place in (body.one, body.other)])
    assert error <= tolerance
    assert np.abs(found - exact).max(axis=0) / exact[0] == pytest.approx(0.0, abs=tolerance)


def test_a_tighter_tolerance_takes_more_answers() -> None:
    body = Body(1)
    counts = [explored(body, body.one, [body.one], tolerance)[2] for tolerance in (1e-1, 1e-4, 1e-7)]
    assert counts == sorted(set(counts))


def test_at_rest_it_is_exact_with_one_answer() -> None:
    body = Body(2)
    tau, resistance = body.space(body.one).terms([body.one, body.other])
    rest = body.solve(body.one, 0.0)
    assert tau.size == 1
    assert resistance.sum(axis=1) == pytest.approx([body.one.mean(rest), body.other.mean(rest)], rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_passive_whatever_the_answers(seed: int) -> None:
    """Fields that solve nothing still make a network of positive elements."""
    body, draw = Body(seed), np.random.default_rng(seed)
    space = body.space(body.one)
    for _ in range(5):
        space.add(draw.normal(size=body.capacity.shape))
    tau, resistance = space.terms([body.one])
    assert (tau > 0.0).all()
    assert (resistance >= 0.0).all()
    assert resistance.sum() == pytest.approx(body.one.mean(body.solve(body.one, 0.0)), rel=1e-12)


def test_it_agrees_with_the_cells_at_each_rate_and_in_slope() -> None:
    body, rates = Body(3), (0.0, 0.3, 40.0)
    space = body.space(body.one)
    for rate in rates[1:]:
        space.add(body.solve(body.one, rate))
    tau, resistance = space.terms([body.one])
    for rate in rates:
        t = body.solve(body.one, rate)
        assert (resistance[0] / (1.0 + rate * tau)).sum() == pytest.approx(body.one.mean(t), rel=1e-11)
        slope = float((t * body.capacity * t).sum())  # -dZ/ds
        assert (resistance[0] * tau / (1.0 + rate * tau) ** 2).sum() == pytest.approx(slope, rel=1e-9)
        assert space.answer(rate) == pytest.approx(t, rel=1e-7, abs=1e-12)


def test_there_and_back_are_the_same() -> None:
    body = Body(4)
    there = explored(body, body.one, [body.one, body.other], 1e-6)[0].terms([body.one, body.other])
    back = explored(body, body.other, [body.other, body.one], 1e-6)[0].terms([body.other, body.one])
    scale = np.minimum(impedance_rises(*there, TIME)[0], impedance_rises(*back, TIME)[0])
    assert np.abs(
        impedance_rises(*there, TIME)[1] - impedance_rises(*back, TIME)[1]
    ) / scale == pytest.approx(0.0, abs=2e-6)


def test_what_is_known_already_is_not_taken_in_twice() -> None:
    body = Body(5)
    space = body.space(body.one)
    assert space.add(body.solve(body.one, 1.0))
    assert not space.add(body.solve(body.one, 1.0))
    assert not space.add(space.answer(7.0))
    assert not space.add(np.zeros(body.capacity.shape))
    assert space.size == 2


def test_the_fields_are_orthonormal_in_energy() -> None:
    body = Body(6)
    space, _, _ = explored(body, body.one, [body.one], 1e-8)
    fields = np.concatenate(list(space.fields))
    assert fields @ body.matrix @ fields.T == pytest.approx(np.eye(space.size), abs=1e-11)
    assert (fields * body.capacity.ravel()) @ fields.T == pytest.approx(space.inertia, abs=1e-11)


def test_answers_that_do_not_settle_are_no_result() -> None:
    body, draw = Body(7), np.random.default_rng(7)

    def wrong(rate: float, _: Array) -> Array:
        return body.solve(body.one, rate) * (1.0 + 0.3 * draw.normal(size=body.capacity.shape))

    with pytest.raises(ConvergenceError, match=r"do not settle: .* ask for a looser tolerance"):
        build_basis(body.space(body.one), [body.one], TIME, wrong, 1e-9)
