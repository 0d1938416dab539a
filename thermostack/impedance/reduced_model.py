"""Reduced model of a package with one source: Galerkin projection on a rational Krylov space.

The equation C dT/dt + G T = b is projected on the responses v of (G + s C) v = b at real rates s >= 0. The
projection is passive for any set of fields. Its impedance and its slope agree with those of the cells at each
rate (Grimme, PhD thesis, University of Illinois, 1997; on such spaces and evolution in time Druskin,
Knizhnerman and Zaslavsky, SIAM J. Sci. Comput. 31 (2009) 3760).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from thermostack.errors import ConvergenceError
from thermostack.impedance.ports import Port
from thermostack.impedance.structure_function import rate_exponents

Array = np.ndarray

FIRST_SPACING = 1.0  # decades between the first rates
MIN_SPACING = 0.05  # decades; responses at closer rates are equal to the tolerance of the solver
ERROR_REDUCTION = 0.2  # bound of the error left by a response over the change it made; measured 0.01 to 0.1
FIELDS_PER_BLOCK = 8  # fields that share one array
MAX_DIRECTION_ERROR = 2e-5  # of a basis field, caused by the rounding of the response it comes from


class KrylovBasis:
    """Temperature fields v, orthonormal in v.G v, that span the reduced model."""

    def __init__(self, apply: Callable[[Array], Array], capacity: Array, source: Port) -> None:
        """Start without fields. `apply` returns G t [W] of temperatures t [K], `capacity` is C [J/K]."""
        self.apply, self.capacity, self.source = apply, capacity, source
        self.size = 0
        self.capacity_matrix = np.zeros((0, 0))  # (size, size) s, v.C v
        self._blocks: list[Array] = []  # (FIELDS_PER_BLOCK, cells) K each, filled one after the other

    def add(self, t: Array) -> bool:
        """Add the part of a field [K] outside the span; return False if rounding determines that part."""
        rounding = self.rounding_energy(t)
        t = t.ravel()
        left = 0.0
        for _ in range(2):
            heat = self.apply(t.reshape(self.capacity.shape)).ravel()
            projection = self.products(heat)
            left = float(t @ heat) - float(projection @ projection)
            t = t - self.combine(projection)
        if not left > rounding / MAX_DIRECTION_ERROR**2:
            return False
        if self.size % FIELDS_PER_BLOCK == 0:
            self._blocks.append(np.empty((FIELDS_PER_BLOCK, t.size)))
        field = self._blocks[-1][self.size % FIELDS_PER_BLOCK]
        np.divide(t, np.sqrt(left), out=field)
        self.size += 1
        row = self.products(self.capacity.ravel() * field)
        self.capacity_matrix = np.block([[self.capacity_matrix, row[:-1, None]], [row[None, :]]])
        return True

    def rounding_energy(self, t: Array) -> float:
        """Return the energy v.G v [W K] of a rounding error v in each cell of a field t [K].

        The signs alternate from cell to cell, which maximizes the energy of such errors.
        """
        error = np.finfo(float).eps * t.reshape(self.capacity.shape)
        error[1::2] *= -1.0
        error[:, 1::2] *= -1.0
        error[:, :, 1::2] *= -1.0
        return float(error.ravel() @ self.apply(error).ravel())

    @property
    def fields(self) -> Iterator[Array]:
        """Yield the blocks of fields [K], (fields, cells) each."""
        for n, block in enumerate(self._blocks):
            yield block[: self.size - n * FIELDS_PER_BLOCK]

    def products(self, values: Array) -> Array:
        """Return the inner products of each field with values of all cells, (cells,): (size,)."""
        return np.concatenate([np.zeros(0), *(block @ values for block in self.fields)])

    def combine(self, weights: Array) -> Array:
        """Return the linear combination of the fields with weights, (size,): (cells,) K."""
        t = np.zeros(self.capacity.size)
        for n, block in enumerate(self.fields):
            t += weights[n * FIELDS_PER_BLOCK : (n + 1) * FIELDS_PER_BLOCK] @ block
        return t

    def means(self, port: Port) -> Array:
        """Return the mean [K] of each field over a port, (size,)."""
        return np.concatenate([block[:, port.cell] @ port.weight for block in self.fields])

    def terms(self, ports: Sequence[Port]) -> tuple[Array, Array]:
        """Return time constants [s], (m,), and resistances [K/W] from the source to ports, (ports, m).

        The resistances sum to the steady rise exactly: the steady response is one of the fields.
        """
        tau, modes = np.linalg.eigh(self.capacity_matrix)
        tau = np.maximum(tau, np.finfo(float).eps * tau[-1])  # the matrix is positive definite
        drive = self.means(self.source) @ modes
        return tau, np.array([self.means(port) @ modes for port in ports]) * drive

    def response(self, rate: float) -> Array:
        """Return the response [K] of the reduced model to one watt at a rate s [1/s], (nz, ny, nx)."""
        matrix = np.eye(self.size) + rate * self.capacity_matrix
        weights = np.linalg.solve(matrix, self.means(self.source))
        return self.combine(weights).reshape(self.capacity.shape)


def impedance_rises(tau: Array, resistance: Array, time: Array) -> Array:
    """Return the temperature rise per watt [K/W] at ports after a step of power, (ports, times)."""
    return np.asarray(resistance @ -np.expm1(-np.asarray(time) / tau[:, None]))


Solve = Callable[[float, Array], Array]  # response [K] at a rate [1/s], from an initial guess [K]


def build_basis(
    basis: KrylovBasis, ports: Sequence[Port], time: Array, solve: Solve, tolerance: float
) -> tuple[float, list[float]]:
    """Add responses until the rises converge; return their estimated error and the rates [1/s].

    The basis holds the steady response at the start. The interval of rates whose bisection changed the rises
    at the `time`s [s] most is bisected next, until the estimated error is less than `tolerance`, relative to
    the rise of the source at the same time. Raises ConvergenceError if the intervals become too short.
    """
    rates: list[float] = []

    def add(exponent: float) -> None:
        rate = 10.0**exponent
        basis.add(solve(rate, basis.response(rate)))
        rates.append(rate)

    first = rate_exponents(time, FIRST_SPACING).tolist()
    for exponent in first:
        add(exponent)
    queue = [(-np.inf, low, high) for low, high in pairwise(first)]  # by estimated error, the maximum first
    before = impedance_rises(*basis.terms(ports), time)
    while -queue[0][0] > tolerance:
        error, low, high = heapq.heappop(queue)
        if high - low < MIN_SPACING:
            text = f"the rises do not converge: the error is {-error:.1e}, the tolerance {tolerance:.1e}"
            raise ConvergenceError(f"{text}; use a larger tolerance")
        middle = 0.5 * (low + high)
        add(middle)
        after = impedance_rises(*basis.terms(ports), time)
        error = -ERROR_REDUCTION * float((np.abs(after - before) / after[0]).max())
        before = after
        heapq.heappush(queue, (error, low, middle))
        heapq.heappush(queue, (error, middle, high))
    return -queue[0][0], rates
