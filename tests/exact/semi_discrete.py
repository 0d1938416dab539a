"""C dT/dt + G T = P(t) solved exactly in time, for power that is piecewise linear: space left as it is.

With the modes of C**-1/2 G C**-1/2 every unknown stands alone, y' + r y = p(t), and over an interval in which
p goes from p0 to p1 it is exp(-r h) y + h phi1(-r h) p0 + h phi2(-r h) (p1 - p0) (Hochbruck and Ostermann,
Acta Numerica 19, 209, 2010, section 2.1). What a time stepper differs from it by is its error in time alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class SemiDiscrete:
    """The cells: their capacities and the conductances between them, as a dense symmetric matrix."""

    capacity: np.ndarray  # (n,) J/K
    conductance: np.ndarray  # (n, n) W/K

    @cached_property
    def _modes(self) -> tuple[np.ndarray, np.ndarray]:
        root = np.sqrt(self.capacity)
        rates, vectors = np.linalg.eigh(self.conductance / np.outer(root, root))
        return np.maximum(rates, 0.0), vectors

    @property
    def rates(self) -> np.ndarray:
        """Return the decay rates [1/s], ascending."""
        return self._modes[0]

    def mode(self, number: int) -> np.ndarray:
        """Return the field (n,) that dies out at rate `number` without changing its shape, largest 1."""
        shape = self._modes[1][:, number] / np.sqrt(self.capacity)
        return shape / shape[np.argmax(np.abs(shape))]

    def steady(self, heat: np.ndarray) -> np.ndarray:
        """Return the temperatures [K] under a constant heat [W], (n,)."""
        return np.linalg.solve(self.conductance, heat)

    def temperature(
        self, start: np.ndarray, times: np.ndarray, powers: np.ndarray, at: np.ndarray
    ) -> np.ndarray:
        """Return the temperatures [K] at the times `at` [s], ascending and not before the first of `times`.

        `heats` [W], (times, n), is linear between `times`; a jump is two rows at one time, and after the last
        one it stays as it is. `start` [K], (n,), is the field at the first time.
        """
        rates, vectors = self._modes
        root = np.sqrt(self.capacity)
        y, p = vectors.T @ (root * start), (powers / root) @ vectors
        found = np.empty((at.size, self.capacity.size))
        now, row = float(times[0]), 0
        for n, wanted in enumerate(at.tolist()):
            while row + 1 < times.size and times[row + 1] <= wanted:
                y = _over(rates, y, times[row + 1] - now, self._power(p, times, row, now), p[row + 1])
                now, row = float(times[row + 1]), row + 1
            if wanted > now:
                first, last = (self._power(p, times, row, t) for t in (now, wanted))
                y, now = _over(rates, y, wanted - now, first, last), wanted
            found[n] = vectors @ y / root
        return found

    @staticmethod
    def _power(p: np.ndarray, times: np.ndarray, row: int, t: float) -> np.ndarray:
        if row + 1 == times.size or times[row + 1] == times[row]:
            return p[row]
        share = (t - times[row]) / (times[row + 1] - times[row])
        return p[row] + share * (p[row + 1] - p[row])


def _over(rates: np.ndarray, y: np.ndarray, h: float, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return y after a time h [s] in which its heat goes evenly from `first` to `last`."""
    x = rates * h
    is_small = x < 1e-3
    safe = np.where(is_small, 1.0, x)
    phi1 = np.where(is_small, 1.0 - x / 2.0 + x**2 / 6.0 - x**3 / 24.0, -np.expm1(-safe) / safe)
    phi2 = np.where(is_small, 0.5 - x / 6.0 + x**2 / 24.0 - x**3 / 120.0, (1.0 - phi1) / safe)
    return np.exp(-x) * y + h * (phi1 * first + phi2 * (last - first))
