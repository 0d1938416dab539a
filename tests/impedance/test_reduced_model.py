"""The reduced model: exact at steady state, passive, reciprocal, with an error below the tolerance."""

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
    """A small random body and its responses by dense matrices."""

    def __init__(self, seed: int, shape: tuple[int, int, int] = (4, 5, 6)) -> None:
        draw = np.random.default_rng(seed)
        nz, ny, nx = shape

        def some(*size: int) -> Array:
            return 10.0 ** draw.uniform(-2.0, 1.0, size)

        boundary = np.zeros(shape)
        boundary[-1] = some(ny, nx)
        self.conduction = Conduction(
            some(nz, ny, nx - 1),
            some(nz, ny - 1, nx),
            some(nz - 1, ny, nx),
            BoundaryConductance.from_dense(boundary),
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

    def basis(self, source: Port) -> KrylovBasis:
        basis = KrylovBasis(self.conduction.apply, self.capacity, source)
        basis.add(self.solve(source, 0.0))
        return basis

    def exact(self, source: Port, port: Port, time: Array) -> Array:
        """Return the rise at a port after a step, by the matrix exponential of all cells."""
        root = np.sqrt(self.capacity.ravel())
        rate = self.matrix / root / root[:, None]
        rest = self.solve(source, 0.0).ravel()
        weight = port.source_field(self.capacity.shape).ravel()
        return np.array([weight @ (rest - scipy.linalg.expm(-rate * t) @ (root * rest) / root) for t in time])


TIME = np.geomspace(1e-4, 1e3, 36)


def reduced(body: Body, source: Port, ports: list[Port], tolerance: float) -> tuple[KrylovBasis, float, int]:
    basis = body.basis(source)
    error, rates = build_basis(basis, ports, TIME, lambda rate, _: body.solve(source, rate), tolerance)
    return basis, error, len(rates)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
def test_rises_equal_the_matrix_exponential_to_the_tolerance(seed: int, tolerance: float) -> None:
    body = Body(seed)
    basis, error, _ = reduced(body, body.one, [body.one, body.other], tolerance)
    found = impedance_rises(*basis.terms([body.one, body.other]), TIME)
    exact = np.array([body.exact(body.one, port, TIME) for port in (body.one, body.other)])
    assert error <= tolerance
    assert np.abs(found - exact).max(axis=0) / exact[0] == pytest.approx(0.0, abs=tolerance)


def test_smaller_tolerance_needs_more_responses() -> None:
    body = Body(1)
    counts = [reduced(body, body.one, [body.one], tolerance)[2] for tolerance in (1e-1, 1e-4, 1e-7)]
    assert counts == sorted(set(counts))


def test_steady_state_is_exact_with_one_response() -> None:
    body = Body(2)
    tau, resistance = body.basis(body.one).terms([body.one, body.other])
    rest = body.solve(body.one, 0.0)
    assert tau.size == 1
    assert resistance.sum(axis=1) == pytest.approx([body.one.mean(rest), body.other.mean(rest)], rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_model_is_passive_for_any_fields(seed: int) -> None:
    """Random fields give a network of positive elements."""
    body, draw = Body(seed), np.random.default_rng(seed)
    basis = body.basis(body.one)
    for _ in range(5):
        basis.add(draw.normal(size=body.capacity.shape))
    tau, resistance = basis.terms([body.one])
    assert (tau > 0.0).all()
    assert (resistance >= 0.0).all()
    assert resistance.sum() == pytest.approx(body.one.mean(body.solve(body.one, 0.0)), rel=1e-12)


def test_impedance_and_slope_agree_with_the_cells_at_each_rate() -> None:
    body, rates = Body(3), (0.0, 0.3, 40.0)
    basis = body.basis(body.one)
    for rate in rates[1:]:
        basis.add(body.solve(body.one, rate))
    tau, resistance = basis.terms([body.one])
    for rate in rates:
        t = body.solve(body.one, rate)
        assert (resistance[0] / (1.0 + rate * tau)).sum() == pytest.approx(body.one.mean(t), rel=1e-11)
        slope = float((t * body.capacity * t).sum())  # -dZ/ds
        assert (resistance[0] * tau / (1.0 + rate * tau) ** 2).sum() == pytest.approx(slope, rel=1e-9)
        assert basis.response(rate) == pytest.approx(t, rel=1e-7, abs=1e-12)


def test_transfer_impedance_is_reciprocal() -> None:
    body = Body(4)
    there = reduced(body, body.one, [body.one, body.other], 1e-6)[0].terms([body.one, body.other])
    back = reduced(body, body.other, [body.other, body.one], 1e-6)[0].terms([body.other, body.one])
    scale = np.minimum(impedance_rises(*there, TIME)[0], impedance_rises(*back, TIME)[0])
    assert np.abs(
        impedance_rises(*there, TIME)[1] - impedance_rises(*back, TIME)[1]
    ) / scale == pytest.approx(0.0, abs=2e-6)


def test_fields_inside_the_span_are_not_added() -> None:
    body = Body(5)
    basis = body.basis(body.one)
    assert basis.add(body.solve(body.one, 1.0))
    assert not basis.add(body.solve(body.one, 1.0))
    assert not basis.add(basis.response(7.0))
    assert not basis.add(np.zeros(body.capacity.shape))
    assert basis.size == 2


def test_fields_are_orthonormal_in_energy() -> None:
    body = Body(6)
    basis, _, _ = reduced(body, body.one, [body.one], 1e-8)
    fields = np.concatenate(list(basis.fields))
    assert fields @ body.matrix @ fields.T == pytest.approx(np.eye(basis.size), abs=1e-11)
    assert (fields * body.capacity.ravel()) @ fields.T == pytest.approx(basis.capacity_matrix, abs=1e-11)


def test_responses_that_do_not_converge_raise() -> None:
    body, draw = Body(7), np.random.default_rng(7)

    def wrong(rate: float, _: Array) -> Array:
        return body.solve(body.one, rate) * (1.0 + 0.3 * draw.normal(size=body.capacity.shape))

    with pytest.raises(ConvergenceError, match=r"do not converge: .* use a larger tolerance"):
        build_basis(body.basis(body.one), [body.one], TIME, wrong, 1e-9)
