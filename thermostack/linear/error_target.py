"""Bound of the error of an iteration in the energy norm, and the smallest eigenvalue that it needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ErrorTarget:
    """The end of an iteration of the conjugate gradients: a bound of its error, and the constants of it.

    Parameters
    ----------
    max_error
        Bound of the error e of the field in the energy norm, sqrt(e.Ge) [sqrt(W K)].
    min_eigenvalue, max_eigenvalue
        Bounds of the eigenvalues of the preconditioned operator.
    min_iterations, max_iterations
        Iterations before which the iteration does not stop, and after which it fails.
    drift
        Residual of the recurrence, relative to the largest one, below which it is rounding.
    """

    max_error: float
    min_eigenvalue: float
    max_eigenvalue: float
    min_iterations: int = 0
    max_iterations: int = 30
    drift: float = 1e-5

    @property
    def contraction(self) -> float:
        """Return the factor by which every step reduces the error in the energy norm, at least.

        It is that of steepest descent, than which a step of conjugate gradients is not worse (Saad 2003,
        theorem 5.2).
        """
        return (self.max_eigenvalue - self.min_eigenvalue) / (self.max_eigenvalue + self.min_eigenvalue)

    def bound_after_step(self, zr: float) -> float:
        """Return the bound of the error after a step from a residual with the product z.r [W K]."""
        return self.contraction * math.sqrt(zr / self.min_eigenvalue)


@dataclass(frozen=True)
class SpectrumSettings:
    """Constants of the bounds of the eigenvalues of the preconditioned operator.

    Parameters
    ----------
    min_eigenvalue, max_eigenvalue
        Bounds before any iteration. Those seen on most packages are 0.49 to 0.84 and 1.10 to 1.44.
    min_iterations
        Iterations of one solve without which the bounds are not trusted.
    margin
        Relative distance of the bounds from the extreme Ritz values, which lie inside the spectrum.
    """

    min_eigenvalue: float = 0.45
    max_eigenvalue: float = 1.3
    min_iterations: int = 3
    margin: float = 0.1


SPECTRUM = SpectrumSettings()


class SpectrumBounds:
    """Bounds of the eigenvalues of the preconditioned operator, from the iterations so far."""

    def __init__(self, settings: SpectrumSettings = SPECTRUM) -> None:
        self.settings = settings
        self.min, self.max = settings.min_eigenvalue, settings.max_eigenvalue
        self._iterations = 0  # the most of one solve

    def add(self, coefficients: Sequence[tuple[float, float]]) -> None:
        """Take the step lengths alpha and the beta of the iterations of one solve into account."""
        self._iterations = max(self._iterations, len(coefficients))
        if coefficients:
            values = ritz_values(coefficients)
            smallest, largest = float(values[0]), float(values[-1])
            if smallest > 0.0:
                self.min = min(self.min, smallest * (1.0 - self.settings.margin))
                self.max = max(self.max, largest * (1.0 + self.settings.margin))

    def target(self, max_error: float) -> ErrorTarget:
        """Return the end of an iteration at a bound of the error in the energy norm [sqrt(W K)]."""
        missing = max(self.settings.min_iterations - self._iterations, 0)
        return ErrorTarget(max_error, self.min, self.max, missing)


def ritz_values(coefficients: Sequence[tuple[float, float]]) -> np.ndarray:
    """Return the eigenvalues of the Lanczos matrix of a conjugate-gradient iteration, ascending.

    `coefficients` are alpha and beta of each iteration; the first beta is not used. Saad, Iterative Methods
    for Sparse Linear Systems, 2nd ed. 2003, section 6.7.3.
    """
    alpha, beta = np.array(coefficients).T
    beta = np.maximum(beta[1:], 0.0)
    matrix = np.diag(1.0 / alpha)
    n = np.arange(beta.size)
    matrix[n + 1, n + 1] += beta / alpha[:-1]
    matrix[n, n + 1] = matrix[n + 1, n] = np.sqrt(beta) / alpha[:-1]
    return np.asarray(np.linalg.eigvalsh(matrix))
