"""A body reduced to few modes: its answers to one heat at several rates span a rational Krylov space.

The equation C dT/dt + G T = b is projected on the answers v of (G + s C) v = b for some real s >= 0. The
projection is passive whatever the answers, and its impedance agrees with that of the cells at each s,
together with its slope (Grimme, PhD thesis, University of Illinois, 1997; on such spaces and evolution in
time Druskin, Knizhnerman and Zaslavsky, SIAM J. Sci. Comput. 31 (2009) 3760).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from thermostack.errors import ConvergenceError
from thermostack.impedance.networks import rate_exponents
from thermostack.impedance.ports import Port

Array = np.ndarray

SPACING = 1.0  # decades between the first rates
NARROWEST = 0.05  # decades; answers closer together than this are one to the solver's tolerance
LEFT = 0.2  # of the change by an answer: the error after it, at most; 1/10 to 1/100 were measured
BLOCK = 8  # fields that are kept together
MAX_DIRECTION_ERROR = 2e-5  # of a basis field, by the rounding of the response that it is taken from


class KrylovBasis:
    """The span of some temperature fields v, orthonormal in v.G v, in which the body moves."""

    def __init__(self, apply: Callable[[Array], Array], capacity: Array, source: Port) -> None:
        """Begin with no field. `apply` returns G t [W] of temperatures t [K], `capacity` is C [J/K]."""
        self.apply, self.capacity, self.source = apply, capacity, source
        self.size = 0
        self.inertia = np.zeros((0, 0))  # (size, size) s, v.C v
        self._blocks: list[Array] = []  # (BLOCK, cells) K each, filled one after the other

    def add(self, t: Array) -> bool:
        """Take in a field [K]; False where it brings nothing new."""
        rounding = self.rounding_energy(t)
        t = t.ravel()
        left = 0.0
        for _ in range(2):
            heat = self.apply(t.reshape(self.capacity.shape)).ravel()
            known = self.products(heat)
            left = float(t @ heat) - float(known @ known)
            t = t - self.combine(known)
        if not left > rounding / MAX_DIRECTION_ERROR**2:
            return False
        if self.size % BLOCK == 0:
            self._blocks.append(np.empty((BLOCK, t.size)))
        np.divide(t, np.sqrt(left), out=self._blocks[-1][self.size % BLOCK])
        self.size += 1
        row = self.products(self.capacity.ravel() * self._blocks[-1][(self.size - 1) % BLOCK])
        self.inertia = np.block([[self.inertia, row[:-1, None]], [row[None, :]]])
        return True

    def rounding_energy(self, t: Array) -> float:
        """Return the energy v.G v [W K] of an error v of one rounding in each cell of a field t [K].

        Signs alternate from cell to cell, which is the largest energy of such errors.
        """
        error = np.finfo(float).eps * t.reshape(self.capacity.shape)
        error[1::2] *= -1.0
        error[:, 1::2] *= -1.0
        error[:, :, 1::2] *= -1.0
        return float(error.ravel() @ self.apply(error).ravel())

    @property
    def fields(self) -> Iterator[Array]:
        """Yield the blocks of fields [K], (some, cells) each."""
        for n, block in enumerate(self._blocks):
            yield block[: self.size - n * BLOCK]

    def products(self, values: Array) -> Array:
        """Return the sum of each field times some values of all cells, (cells,): (size,)."""
        return np.concatenate([np.zeros(0), *(block @ values for block in self.fields)])

    def combine(self, share: Array) -> Array:
        """Return the sum of the fields with some shares, (size,): (cells,) K."""
        t = np.zeros(self.capacity.size)
        for n, block in enumerate(self.fields):
            t += share[n * BLOCK : (n + 1) * BLOCK] @ block
        return t

    def means(self, place: Port) -> Array:
        """Return the mean of each field at a place, (size,)."""
        return np.concatenate([block[:, place.cell] @ place.weight for block in self.fields])

    def terms(self, places: Sequence[Port]) -> tuple[Array, Array]:
        """Return time constants [s], (m,), and resistances [K/W] from the source to places, (places, m).

        They sum up to the rise at rest exactly, for the answer at rest is one of the fields.
        """
        tau, modes = np.linalg.eigh(self.inertia)
        tau = np.maximum(tau, np.finfo(float).eps * tau[-1])  # of a positive matrix, less is rounding
        drive = self.means(self.source) @ modes
        return tau, np.array([self.means(place) @ modes for place in places]) * drive

    def answer(self, rate: float) -> Array:
        """Return the answer [K] to one watt at a rate s [1/s] as far as it lies in this space."""
        share = np.linalg.solve(np.eye(self.size) + rate * self.inertia, self.means(self.source))
        return self.combine(share).reshape(self.capacity.shape)


def impedance_rises(tau: Array, resistance: Array, time: Array) -> Array:
    """Return the rise [K/W] at places after a step, (places, times)."""
    return np.asarray(resistance @ -np.expm1(-np.asarray(time) / tau[:, None]))


Solve = Callable[[float, Array], Array]  # the answer [K] at a rate [1/s], from a guess


def build_basis(
    space: KrylovBasis, places: Sequence[Port], time: Array, solve: Solve, tolerance: float
) -> tuple[float, list[float]]:
    """Add answers until the rises settle; return their estimated error and the rates [1/s].

    The space holds the answer at rest. Intervals of rates are halved where that changed the rises at the
    `time`s asked for [s] most, until the error left is less than `tolerance`, relative to the rise of the
    source at the same time. Raises ConvergenceError where that is not reached.
    """
    rates: list[float] = []

    def add(exponent: float) -> None:
        rate = 10.0**exponent
        space.add(solve(rate, space.answer(rate)))
        rates.append(rate)

    first = rate_exponents(time, SPACING).tolist()
    for exponent in first:
        add(exponent)
    queue = [(-np.inf, a, b) for a, b in pairwise(first)]  # by the error that is left, the largest first
    before = impedance_rises(*space.terms(places), time)
    while -queue[0][0] > tolerance:
        error, a, b = heapq.heappop(queue)
        if b - a < NARROWEST:
            text = (
                f"the rises do not settle: an error of {-error:.1e} is left where {tolerance:.1e} was asked"
            )
            raise ConvergenceError(f"{text}; ask for a looser tolerance")
        middle = 0.5 * (a + b)
        add(middle)
        after = impedance_rises(*space.terms(places), time)
        error = -LEFT * float((np.abs(after - before) / after[0]).max())
        before = after
        heapq.heappush(queue, (error, a, middle))
        heapq.heappush(queue, (error, middle, b))
    return -queue[0][0], rates
