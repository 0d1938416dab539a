"""Laws of the leakage power over temperature: exponential, table and polynomial.

A law is the factor of the leakage power at its reference temperature, at which it is 1. Every law is positive
and continues beyond its data as an exponential, so that a simulation can find a thermal runaway.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thermostack.materials.temperature_laws import Array

MAX_EXPONENT = 600.0  # of e: a factor beyond it would overflow, and no solution has such temperatures


class LeakageLaw:
    """Base class of the laws of the leakage power over temperature.

    Attributes
    ----------
    reference : float
        Reference temperature [K], at which the factor is 1.

    Examples
    --------
    >>> import thermostack as ts
    >>> law = ts.Leakage("20 W", at="85 degC", doubles_every="30 K").law
    >>> isinstance(law, ts.LeakageLaw), law.factor(np.array([388.15]))
    (True, array([2.]))
    """

    reference: float

    @property
    def is_convex(self) -> bool:
        """Return whether the slope of the factor nowhere decreases with temperature."""
        raise NotImplementedError

    def factor(self, temperature: Array) -> Array:
        """Return the leakage power at temperatures [K] over that at the reference temperature."""
        raise NotImplementedError

    def slope(self, temperature: Array) -> Array:
        """Return the derivative of the factor [1/K] at temperatures [K]."""
        raise NotImplementedError


def _exponential(exponent: Array) -> Array:
    return np.exp(np.minimum(exponent, MAX_EXPONENT))


@dataclass(frozen=True)
class ExponentialLeakage(LeakageLaw):
    """Factor exp(beta (T - reference)).

    >>> ExponentialLeakage(358.15, 0.02).slope(np.array(358.15))
    np.float64(0.02)
    """

    reference: float  # K
    beta: float  # 1/K

    @property
    def is_convex(self) -> bool:
        """Return True."""
        return True

    def factor(self, temperature: Array) -> Array:
        """Return the leakage power at temperatures [K] over that at the reference temperature."""
        return _exponential(self.beta * (np.asarray(temperature) - self.reference))

    def slope(self, temperature: Array) -> Array:
        """Return the derivative of the factor [1/K] at temperatures [K]."""
        return self.beta * self.factor(temperature)


@dataclass(frozen=True)
class TabulatedLeakage(LeakageLaw):
    """Factors at ascending temperatures, exponential between two rows and through the last two beyond an end.

    The factors are divided by the interpolated one at the reference temperature. At the temperature of an
    inner row the slope is that above it.

    >>> law = TabulatedLeakage(358.15, (298.15, 358.15, 398.15), (0.4, 1.0, 2.0))
    >>> law.factor(np.array([358.15, 438.15]))
    array([1., 4.])
    """

    reference: float  # K
    temperature: tuple[float, ...]  # K
    factors: tuple[float, ...]

    @cached_property
    def _pieces(self) -> tuple[Array, Array, Array]:
        """Return the temperatures [K], and the logarithm of the factor and its slope [1/K] above each row."""
        rows, logs = np.array(self.temperature), np.log(self.factors)
        logs -= np.interp(self.reference, rows, logs)
        return rows[:-1], logs[:-1], np.diff(logs) / np.diff(rows)

    @property
    def is_convex(self) -> bool:
        """Return whether the slope of the logarithm nowhere decreases from one row to the next."""
        _, _, beta = self._pieces
        return bool(np.all(np.diff(beta) >= 0.0))

    def _evaluate(self, temperature: Array) -> tuple[Array, Array]:
        """Return the factor and the slope of its logarithm [1/K] at temperatures [K]."""
        rows, logs, betas = self._pieces
        piece = np.maximum(np.searchsorted(rows, temperature, side="right") - 1, 0)
        beta = betas[piece]
        return _exponential(logs[piece] + beta * (temperature - rows[piece])), beta

    def factor(self, temperature: Array) -> Array:
        """Return the leakage power at temperatures [K] over that at the reference temperature."""
        return self._evaluate(np.asarray(temperature))[0]

    def slope(self, temperature: Array) -> Array:
        """Return the derivative of the factor [1/K] at temperatures [K]."""
        factor, beta = self._evaluate(np.asarray(temperature))
        return beta * factor


@dataclass(frozen=True)
class PolynomialLeakage(LeakageLaw):
    """Factor c0 + c1 (T - reference) + c2 (T - reference)^2 + ... in a range of temperatures.

    Beyond an end of the range it is the exponential with the value and the slope of the polynomial there.

    >>> law = PolynomialLeakage(358.15, (1.0, 0.02), (273.15, 423.15))
    >>> law.factor(np.array([358.15, 408.15]))
    array([1., 2.])
    """

    reference: float  # K
    coefficients: tuple[float, ...]  # 1, 1/K, 1/K2, ...
    range: tuple[float, float]  # K

    @cached_property
    def _polynomials(self) -> tuple[np.polynomial.Polynomial, np.polynomial.Polynomial]:
        """Return the polynomial in T - reference and its derivative; the constant term is exactly 1."""
        value = np.polynomial.Polynomial((1.0, *self.coefficients[1:]))
        return value, value.deriv()

    @property
    def minimum(self) -> tuple[float, float]:
        """Return the smallest factor in the range, and its temperature [K]."""
        value, derivative = self._polynomials
        low, high = (end - self.reference for end in self.range)
        roots = derivative.roots()
        inside = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > low) & (roots.real < high)]
        candidates = np.array([low, high, *inside])  # K above the reference temperature
        n = int(np.argmin(value(candidates)))
        return float(value(candidates)[n]), float(self.reference + candidates[n])

    @property
    def is_convex(self) -> bool:
        """Return whether the slope of the polynomial nowhere decreases in the range."""
        _, derivative = self._polynomials
        low, high = (end - self.reference for end in self.range)
        second = derivative.deriv()
        turns = second.deriv().roots()
        inside = turns.real[(np.abs(turns.imag) < 1e-9) & (turns.real > low) & (turns.real < high)]
        return bool(np.all(second(np.array([low, high, *inside])) >= 0.0))

    def _evaluate(self, temperature: Array) -> tuple[Array, Array]:
        """Return the factor and its slope [1/K] at temperatures [K]."""
        value, derivative = self._polynomials
        inside = np.clip(temperature, *self.range)
        factor, slope = value(inside - self.reference), derivative(inside - self.reference)
        growth = _exponential(slope / factor * (temperature - inside))  # 1 inside the range
        return factor * growth, slope * growth

    def factor(self, temperature: Array) -> Array:
        """Return the leakage power at temperatures [K] over that at the reference temperature."""
        return self._evaluate(np.asarray(temperature))[0]

    def slope(self, temperature: Array) -> Array:
        """Return the derivative of the factor [1/K] at temperatures [K]."""
        return self._evaluate(np.asarray(temperature))[1]
