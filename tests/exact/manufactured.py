"""A smooth field in a box of smoothly varying orthotropic conductivity, with uniform htc on six faces.

Method: Roache, J. Fluids Engineering 124, 4 (2002). T = ambient + rise X(x) Y(y) Z(z) with X = cos(p (x -
x0)) and so on; kx = k0 (1 + c sin(pi x / a) cos(pi y / b) cos(pi z / d)) and cyclically is constant on the
two faces that it meets, so that each face has ONE coefficient h = k0 p tan(p distance to x0) to the ONE
ambient: an ordinary package boundary, with an exact source in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FACES = ("west", "east", "south", "north", "bottom", "top")  # x-, x+, y-, y+, z-, z+


@dataclass(frozen=True)
class Manufactured:
    """The box and its numbers; each triple is along x, y, z. Arrays x, y, z broadcast."""

    size: tuple[float, float, float] = (0.012, 0.009, 0.004)  # m
    scale: tuple[float, float, float] = (120.0, 60.0, 20.0)  # W/(m K)
    variation: tuple[float, float, float] = (0.5, -0.4, 0.3)
    turns: tuple[float, float, float] = (1.9, 1.6, 1.1)  # p times the side
    summit: tuple[float, float, float] = (0.4, 0.55, 0.7)  # x0 over the side
    ambient: float = 300.0  # K
    rise: float = 60.0  # K at the summit

    def temperature(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the temperature [K]."""
        (f, _), (g, _), (h, _) = (self._wave(axis, at) for axis, at in enumerate((x, y, z)))
        return self.ambient + self.rise * f * g * h

    def gradient(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the derivatives of the temperature along x, y and z [K/m]."""
        (f, df), (g, dg), (h, dh) = (self._wave(axis, at) for axis, at in enumerate((x, y, z)))
        return self.rise * df * g * h, self.rise * f * dg * h, self.rise * f * g * dh

    def conductivity(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return (kx, ky, kz) [W/(m K)]."""
        return tuple(self._conductivity(axis, (x, y, z))[0] for axis in range(3))

    def source(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the heat per volume [W/m3] that the field needs: minus the divergence of k grad T.

        Along each axis it is kx p**2 (T - ambient) - (dkx/dx) (dT/dx), since X'' = -p**2 X.
        """
        points = (x, y, z)
        above = self.temperature(x, y, z) - self.ambient
        total = 0.0
        for axis, slope in enumerate(self.gradient(x, y, z)):
            conductivity, growth = self._conductivity(axis, points)
            p = self.turns[axis] / self.size[axis]
            total = total + conductivity * p**2 * above - growth * slope
        return np.asarray(total)

    @property
    def coefficients(self) -> dict[str, float]:
        """Return the coefficient [W/(m2 K)] to `ambient` of each face, by its name."""
        values = {}
        for axis in range(3):
            p = self.turns[axis] / self.size[axis]
            near = self.turns[axis] * self.summit[axis]
            far = self.turns[axis] * (1.0 - self.summit[axis])
            values[FACES[2 * axis]] = self.scale[axis] * p * float(np.tan(near))
            values[FACES[2 * axis + 1]] = self.scale[axis] * p * float(np.tan(far))
        return values

    def _wave(self, axis: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the factor of one axis and its derivative [1/m]."""
        p = self.turns[axis] / self.size[axis]
        phase = p * (np.asarray(at) - self.summit[axis] * self.size[axis])
        return np.cos(phase), -p * np.sin(phase)

    def _conductivity(self, axis: int, points: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return the conductivity along one axis and its derivative along the same axis [W/(m2 K)]."""
        phases = [np.pi * np.asarray(at) / side for at, side in zip(points, self.size, strict=True)]
        others = [np.cos(phase) for other, phase in enumerate(phases) if other != axis]
        swing = self.scale[axis] * self.variation[axis] * others[0] * others[1]
        growth = swing * np.cos(phases[axis]) * np.pi / self.size[axis]
        return self.scale[axis] + swing * np.sin(phases[axis]), growth
