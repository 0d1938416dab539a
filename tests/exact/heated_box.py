"""A box heated in a rectangle of its top layer from t = 0 on: products of one-dimensional Green's functions.

Carslaw and Jaeger, Conduction of Heat in Solids (1959), sections 14.4 and 14.5; Beck et al., Heat Conduction
Using Green's Functions (1992), chapters 4 and 5. The sides and the top are adiabatic; the bottom is
adiabatic, at a fixed temperature, or cooled by a heat-transfer coefficient. Each factor is the response at a
point to heat generated at one instant in an interval, as a sum of images (for short times) or of cosines (for
long times). The temperature rise is the time integral of their product.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.special import erf

PANELS, POINTS = 60, 10  # of the integral over time: panels that double, Gauss points in each


@dataclass(frozen=True)
class HeatedBox:
    """The box at 0 K, heated evenly in a rectangle between height `low` and the top."""

    size: tuple[float, float, float]  # m
    conductivity: tuple[float, float, float]  # W/(m K) along x, y, z
    capacity: float  # J/(m3 K)
    corner: tuple[float, float]  # m, of the rectangle
    width: tuple[float, float]  # m
    low: float  # m
    power: float  # W
    h: float  # W/(m2 K) at the bottom; 0 insulated, inf held

    def temperature(
        self, x: float, y: float, z: float, t: np.ndarray | float, way: str = "both"
    ) -> np.ndarray:
        """Return the rise [K] of a point at times t > 0 [s], (times,)."""
        volume = self.width[0] * self.width[1] * (self.size[2] - self.low)
        points, weights = np.polynomial.legendre.leggauss(POINTS)
        edges = np.concatenate([[0.0], 0.5 ** np.arange(PANELS, -1, -1)])
        half = 0.5 * np.diff(edges)[:, None]
        share, weight = (edges[:-1, None] + half * (1.0 + points)).ravel(), (half * weights).ravel()
        increases = []
        for time in np.atleast_1d(np.asarray(t, dtype=float)).tolist():
            product = time * weight
            for axis, at in enumerate((x, y, z)):
                product = product * self.factor(axis, at, time * share, way)
            increases.append(self.power / (volume * self.capacity) * product.sum())
        return np.array(increases)

    def factor(self, axis: int, at: float, age: np.ndarray, way: str = "both") -> np.ndarray:
        """Return the factor [1] of one axis at `age` [s] after the instant, (ages,).

        `way`: "images", "modes", or "both", each where it is good: at the middle both are to 1e-15.
        """
        if way == "images":
            return self._by_images(axis, at, age)
        if way == "modes":
            return self._by_modes(axis, at, age)
        reach = np.sqrt(self._diffusivity(axis) * age)
        is_late = reach > 0.2 * self.size[axis]
        has_htc = axis == 2 and 0.0 < self.h < inf
        values = np.empty(age.size)
        values[is_late] = self._by_modes(axis, at, age[is_late])
        if has_htc:
            # until heat has come to the bottom and on to the point (12 reaches, 1e-16) it is as if insulated
            is_early = 12.0 * reach < self.low + at
            between = ~is_late & ~is_early
            values[between] = self._by_modes(axis, at, age[between], 4000)
            values[is_early] = self._by_images(axis, at, age[is_early])
        else:
            values[~is_late] = self._by_images(axis, at, age[~is_late])
        return values

    def mean(self, t: np.ndarray | float) -> np.ndarray:
        """Return the mean rise [K] over the heated part at times t > 0 [s], (times,)."""
        volume = self.width[0] * self.width[1] * (self.size[2] - self.low)
        points, weights = np.polynomial.legendre.leggauss(6)
        edges = np.concatenate([[0.0], 0.5 ** np.arange(44, -1, -1)])
        half = 0.5 * np.diff(edges)[:, None]
        share, weight = (edges[:-1, None] + half * (1.0 + points)).ravel(), (half * weights).ravel()
        increases = []
        for time in np.atleast_1d(np.asarray(t, dtype=float)).tolist():
            product = time * weight
            for axis in range(3):
                product = product * self.mean_factor(axis, time * share)
            increases.append(self.power / (volume * self.capacity) * product.sum())
        return np.array(increases)

    def mean_factor(self, axis: int, age: np.ndarray, count: int = 600) -> np.ndarray:
        """Return the mean over the heated interval of the factor of one axis at `age` [s], (ages,)."""
        length, (low, high) = self.size[axis], self._interval(axis)
        reach = np.sqrt(self._diffusivity(axis) * age)
        is_late = reach > 0.02 * length
        biot = self.h * length / self.conductivity[2] if axis == 2 else 0.0
        turns, values = _roots(biot, count), np.empty(age.size)
        p = turns / length
        safe = np.where(p > 0.0, p, 1.0)
        norm = np.where(p > 0.0, 0.5 * length + np.sin(2.0 * turns) / (4.0 * safe), length)
        heat = (np.sin(p * (length - low)) - np.sin(p * (length - high))) / safe
        heat = np.where(p > 0.0, heat, high - low)
        decay = np.exp(-self._diffusivity(axis) * np.outer(age[is_late], p**2))
        values[is_late] = decay @ (heat**2 / norm / (high - low))
        spread = 2.0 * reach[~is_late]
        early = _exchange(low, high, low, high, spread)
        early = early + _exchange(low, high, 2.0 * length - high, 2.0 * length - low, spread)
        if axis < 2:  # along z heat has not come to the bottom
            early = early + _exchange(low, high, -high, -low, spread)
        values[~is_late] = early / (high - low)
        return values

    def _diffusivity(self, axis: int) -> float:
        return self.conductivity[axis] / self.capacity

    def _interval(self, axis: int) -> tuple[float, float]:
        if axis == 2:
            return self.low, self.size[2]
        return self.corner[axis], self.corner[axis] + self.width[axis]

    def _by_images(self, axis: int, at: float, age: np.ndarray, count: int = 6) -> np.ndarray:
        length, (low, high) = self.size[axis], self._interval(axis)
        sign = -1.0 if axis == 2 and self.h == inf else 1.0  # of what the lower end reflects
        spread = 2.0 * np.sqrt(self._diffusivity(axis) * age)
        total = np.zeros(age.size)
        for n in range(-count, count + 1):
            for turn, a, b in (
                (1.0, low, high),
                (sign, -high, -low),
                (1.0, 2.0 * length - high, 2.0 * length - low),
                (sign, 2.0 * length + low, 2.0 * length + high),
            ):
                shift = at - 4.0 * n * length
                total += 0.5 * turn * (erf((shift - a) / spread) - erf((shift - b) / spread))
        return total

    def _by_modes(self, axis: int, at: float, age: np.ndarray, count: int = 400) -> np.ndarray:
        """Return the sum over cos(p (length - x)), which the upper end, insulated, lets stand."""
        length, (low, high) = self.size[axis], self._interval(axis)
        biot = self.h * length / self.conductivity[2] if axis == 2 else 0.0
        turns = _roots(biot, count)
        p = turns / length
        safe = np.where(p > 0.0, p, 1.0)
        norm = np.where(p > 0.0, 0.5 * length + np.sin(2.0 * turns) / (4.0 * safe), length)
        heat = np.where(
            p > 0.0, (np.sin(p * (length - low)) - np.sin(p * (length - high))) / safe, high - low
        )
        shape = heat / norm * np.cos(p * (length - at))
        return np.exp(-self._diffusivity(axis) * np.outer(age, p**2)) @ shape


def _exchange(low: float, high: float, a: float, b: float, spread: np.ndarray) -> np.ndarray:
    """Return the integral from low to high of the free response to heat between a and b [m], (ages,)."""

    def integral(x: np.ndarray) -> np.ndarray:
        return x * erf(x) + np.exp(-(x**2)) / np.sqrt(np.pi)

    ends = integral((high - a) / spread) - integral((low - a) / spread)
    return 0.5 * spread * (ends - integral((high - b) / spread) + integral((low - b) / spread))


def _roots(biot: float, count: int) -> np.ndarray:
    """Return the first roots of s tan(s) = biot by bisection, one in each (n pi, n pi + pi/2)."""
    low = np.arange(count) * np.pi
    if biot == 0.0:
        return low
    high = low + 0.5 * np.pi
    if biot == inf:
        return high
    for _ in range(80):
        middle = 0.5 * (low + high)
        above = middle * np.sin(middle) * np.sign(np.cos(middle)) > biot * np.abs(np.cos(middle))
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)
