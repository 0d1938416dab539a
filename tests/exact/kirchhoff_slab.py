"""A slab whose conductivity falls as a power of temperature, by Kirchhoff's transformation.

Carslaw and Jaeger, Conduction of Heat in Solids (1959), section 1.6: with k(T) = k0 (T0 / T)**n the integral
of k over T from the fixed bottom grows as flux times height; it inverts in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class KirchhoffSlab:
    """The slab, held at `bottom` below, with `flux` entering above."""

    thickness: float  # m
    flux: float  # W/m2
    conductivity: float  # W/(m K) at the reference temperature
    reference: float  # K
    exponent: float  # n of k = k0 (T0 / T)**n; 0 is a constant conductivity
    bottom: float  # K

    def conductivity_at(self, temperature: np.ndarray | float) -> np.ndarray:
        """Return the conductivity [W/(m K)]."""
        return self.conductivity * (self.reference / np.asarray(temperature)) ** self.exponent

    def temperature(self, z: np.ndarray | float) -> np.ndarray:
        """Return the temperature [K] at height z [m] above the bottom; NaN past the flux it can carry."""
        z = np.asarray(z, dtype=float)
        rise = self.flux * z / (self.conductivity * self.reference)  # integral of (T0/T)**n dT / T0
        start, n = self.bottom / self.reference, self.exponent
        if n == 1.0:
            return self.bottom * np.exp(rise)
        base = start ** (1.0 - n) + (1.0 - n) * rise
        power = np.where(base > 0.0, base, np.nan) ** (1.0 / (1.0 - n))
        return self.reference * power

    @property
    def top(self) -> float:
        """Return the temperature of the heated face [K]."""
        return float(self.temperature(self.thickness))


def silicon_slab(exponent: float) -> KirchhoffSlab:
    """Return 0.5 mm of silicon, 148 (300 K / T)**n W/(m K), under 1000 W/cm2 on a bottom at 300 K."""
    return KirchhoffSlab(5e-4, 1e7, 148.0, 300.0, exponent, 300.0)


PUBLISHED = {0.0: 333.7838, 1.0: 335.7595, 1.3: 336.4136, 4.0 / 3.0: 336.4882}  # K at the top, by exponent
