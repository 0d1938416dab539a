"""A slab heated on its top from t = 0 on and held at its bottom: the textbook thermal impedance.

Carslaw and Jaeger, Conduction of Heat in Solids (1959), section 3.8: the rise of the top is a sum of modes,
good for late times, or of reflections, ierfc, good for early ones. The modes are also the exact time
constants of the impedance, and the slab's cumulative structure function is a straight ramp to its whole
resistance and capacity (Szekely, Microelectronics J. 28, 277, 1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfc


@dataclass(frozen=True)
class HeatedSlab:
    """The slab; one-dimensional, so the area is that of its top."""

    thickness: float = 5e-4  # m
    conductivity: float = 148.0  # W/(m K)
    capacity: float = 1.628e6  # J/(m3 K)
    area: float = 1e-4  # m2

    @property
    def resistance(self) -> float:
        """Return the whole resistance [K/W]."""
        return self.thickness / (self.conductivity * self.area)

    @property
    def heat_capacity(self) -> float:
        """Return the whole capacity [J/K]."""
        return self.capacity * self.thickness * self.area

    def time_constants(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the slowest time constants [s], and of each its resistance [K/W]; all are the whole."""
        turns = (np.arange(count) + 0.5) * np.pi
        return self.resistance * self.heat_capacity / turns**2, 2.0 * self.resistance / turns**2

    def impedance(self, t: np.ndarray | float, terms: int = 4000) -> np.ndarray:
        """Return the rise of the top per watt [K/W] at times t [s], by modes; to 1e-12 from 1e-6 s on."""
        constants, resistances = self.time_constants(terms)
        late = resistances * np.exp(-np.divide.outer(np.asarray(t, dtype=float), constants))
        return self.resistance - late.sum(axis=-1)

    def impedance_by_reflections(self, t: np.ndarray | float, terms: int = 60) -> np.ndarray:
        """Return the same by images of alternating sign."""
        t = np.asarray(t, dtype=float)[..., None]
        n = np.arange(1, terms)
        depth = np.sqrt(self.conductivity / self.capacity * t)  # m
        images = np.where(n % 2, -2.0, 2.0) * _ierfc(n * self.thickness / depth)
        whole = 1.0 / np.sqrt(np.pi) + images.sum(axis=-1)
        return 2.0 * depth[..., 0] / (self.conductivity * self.area) * whole


def _ierfc(x: np.ndarray) -> np.ndarray:
    return np.exp(-x * x) / np.sqrt(np.pi) - x * erfc(x)


PUBLISHED = {
    1e-6: 0.000727,
    1e-5: 0.002299,
    1e-4: 0.007269,
    5e-4: 0.016245,
    1e-3: 0.022618,
    5e-3: 0.033475,
    1e-2: 0.033780,
}  # K/W, by s
