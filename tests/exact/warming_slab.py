"""A slab whose conductivity and heat capacity change alike with temperature: linear after all.

Carslaw and Jaeger, Conduction of Heat in Solids (1959), section 1.6: with k(T) = k0 f(T) and C(T) = C0 f(T)
the integral of f over T obeys the linear equation with k0 and C0, held and given fluxes as they are. With f =
1 + b (T - start) the integral is u + b u**2 / 2 of u = T - start, and comes back by a square root.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .layered_wall import FixedFlux, FixedTemperature
from .transient_wall import TransientLayer, TransientWall


@dataclass(frozen=True)
class WarmingSlab:
    """The slab, at `start` until t = 0, held there at its bottom, with `flux` entering above from then on."""

    thickness: float  # m
    conductivity: float  # W/(m K) at the start
    capacity: float  # J/(m3 K) at the start
    change: float  # 1/K, of both, relative
    start: float  # K
    flux: float  # W/m2

    def temperature(self, z: np.ndarray | float, t: np.ndarray | float) -> np.ndarray:
        """Return the temperature [K] at times t > 0 [s] and heights z [m], (times, heights)."""
        layer = TransientLayer(self.thickness, self.conductivity, self.capacity)
        wall = TransientWall((layer,), FixedTemperature(0.0), FixedFlux(self.flux))
        linear = wall.temperature(z, t)
        return self.start + 2.0 * linear / (1.0 + np.sqrt(1.0 + 2.0 * self.change * linear))
