"""Runge-Kutta schemes: L-stable, singly diagonally implicit, with embedded error estimate.

Their stages solve `(C / (gamma h) + G) Y_i = C / (gamma h) B_i + P(t + c_i h)`, with
`B_i = y + sum over j < i of w_ij (Y_j - y)`, which needs temperatures but no rates of change. The last
stage is the end of the step (stiffly accurate), so the heat stored in a step is the heat received in the
stages, weighted by the last row of `a`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RungeKuttaScheme:
    """Butcher tableau of a scheme, lower triangular with equal diagonal elements."""

    name: str
    a: Array  # (stages, stages)
    embedded: Array | None  # (stages,) weights of the embedded method of lower order; None: no error estimate
    order: int  # of the step
    embedded_order: int
    source: str

    @property
    def stages(self) -> int:
        """Return the number of stages, each one solution of a linear system."""
        return len(self.a)

    @property
    def gamma(self) -> float:
        """Return the diagonal element of the tableau."""
        return float(self.a[0, 0])

    @cached_property
    def c(self) -> Array:
        """Return the times of the stages in a step of length one, (stages,)."""
        times: Array = self.a.sum(axis=1)
        return times

    @property
    def b(self) -> Array:
        """Return the weights of the stages in the step, (stages,); their sum is 1."""
        last: Array = self.a[-1]
        return last

    @cached_property
    def w(self) -> Array:
        """Return the weights w_ij of the temperatures of earlier stages, (stages, stages)."""
        weights: Array = np.tril(self.a, -1) @ np.linalg.inv(self.a)
        return np.tril(weights, -1)

    @cached_property
    def e(self) -> Array:
        """Return the weights of `Y_i - y` in the estimated error of a step, (stages,)."""
        assert self.embedded is not None
        weights: Array = (self.b - self.embedded) @ np.linalg.inv(self.a)
        return weights

    def gain(self, z: complex) -> complex:
        """Return the stability function R(z), the factor of a step of `dy/dt = lambda y`; z = lambda h."""
        inverse = np.linalg.inv(np.eye(self.stages) - z * self.a)
        return complex(1.0 + z * self.b @ inverse.sum(axis=1))


def _alexander() -> RungeKuttaScheme:
    # The root in (1/6, 1/2) of x^3 - 3 x^2 + 3 x / 2 - 1/6, with which it is L-stable.
    roots = np.roots([1.0, -3.0, 1.5, -1.0 / 6.0]).real
    g = float(next(root for root in roots if 1.0 / 6.0 < root < 0.5))
    middle = (1.0 - g) / 2.0
    first, second = -(6.0 * g * g - 16.0 * g + 1.0) / 4.0, (6.0 * g * g - 20.0 * g + 5.0) / 4.0
    a = np.array([[g, 0.0, 0.0], [middle, g, 0.0], [first, second, g]])
    share = (0.5 - g) / middle  # of the second stage in the method of order 2 that has the first two
    return RungeKuttaScheme(
        "sdirk3",
        a,
        np.array([1.0 - share, share, 0.0]),
        3,
        2,
        "Alexander, SIAM J. Numer. Anal. 14 (1977) 1006; the embedded weights follow from order 2",
    )


def _hairer_wanner() -> RungeKuttaScheme:
    a = np.zeros((5, 5))
    a[0, :1] = 1 / 4
    a[1, :2] = 1 / 2, 1 / 4
    a[2, :3] = 17 / 50, -1 / 25, 1 / 4
    a[3, :4] = 371 / 1360, -137 / 2720, 15 / 544, 1 / 4
    a[4, :5] = 25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4
    embedded = np.array([59 / 48, -17 / 96, 225 / 32, -85 / 12, 0.0])
    source = "Hairer and Wanner, Solving Ordinary Differential Equations II (1996), table IV.6.5"
    return RungeKuttaScheme("sdirk4", a, embedded, 4, 3, source)


SCHEMES = {
    scheme.name: scheme
    for scheme in (
        RungeKuttaScheme("implicit_euler", np.ones((1, 1)), None, 1, 0, "for steps of fixed length alone"),
        _alexander(),
        _hairer_wanner(),
    )
}
