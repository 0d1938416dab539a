"""Heat through a plane wall of layers with interface resistances and uniform sources, exact at any height.

Incropera and DeWitt, Fundamentals of Heat and Mass Transfer, chapter 3: in a layer with conductivity k and
heat s per volume the upward flux grows by s z and the temperature falls by q z / k + s z**2 / (2 k). Each end
is a heat-transfer coefficient, a fixed temperature, or a fixed flux; two fixed fluxes have no steady state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np


class WallLayer(NamedTuple):
    """One layer; `interface_below` [m2 K/W] is below it (of the first layer: between ambient and wall)."""

    thickness: float  # m
    conductivity: float  # W/(m K)
    source: float = 0.0  # W/m3
    interface_below: float = 0.0  # m2 K/W


class RobinEnd(NamedTuple):
    """Convection to `ambient`."""

    h: float  # W/(m2 K)
    ambient: float  # K


class FixedTemperature(NamedTuple):
    """A face at a given temperature (behind the interface, where there is one)."""

    temperature: float  # K


class FixedFlux(NamedTuple):
    """Heat into the wall through a face."""

    flux: float  # W/m2


End = RobinEnd | FixedTemperature | FixedFlux


@dataclass(frozen=True)
class LayeredWall:
    """The wall, layers from the bottom (z = 0) to the top."""

    layers: tuple[WallLayer, ...]
    bottom: End
    top: End

    @cached_property
    def levels(self) -> np.ndarray:
        """Return the heights of the layer faces [m], one more than layers."""
        return np.concatenate([[0.0], np.cumsum([layer.thickness for layer in self.layers])])

    @cached_property
    def fluxes(self) -> np.ndarray:
        """Return the upward heat flux [W/m2] at the faces, one more than layers."""
        return self._ends[1] + self._made

    @cached_property
    def bottoms(self) -> np.ndarray:
        """Return the temperature [K] at the lower face of every layer, above its interface."""
        start, flux = self._ends
        return start - flux * self._resistances[:-1] - self._drops[:-1]

    def temperature(self, z: np.ndarray | float, layer: int | None = None) -> np.ndarray:
        """Return the temperature [K] at z [m]; on an interface `layer` says whose side, else the lower."""
        z = np.asarray(z, dtype=float)
        index = np.clip(np.searchsorted(self.levels, z, side="left") - 1, 0, len(self.layers) - 1)
        index = index if layer is None else np.full_like(index, layer)
        height = z - self.levels[index]
        k = np.array([layer.conductivity for layer in self.layers])[index]
        s = np.array([layer.source for layer in self.layers])[index]
        return self.bottoms[index] - self.fluxes[index] * height / k - s * height**2 / (2.0 * k)

    def layer_mean(self, index: int) -> float:
        """Return the mean temperature [K] of layer index."""
        t, k, s, _ = self.layers[index]
        return float(self.bottoms[index] - self.fluxes[index] * t / (2.0 * k) - s * t**2 / (6.0 * k))

    def layer_max(self, index: int) -> float:
        """Return the highest temperature [K] of layer index, at a face or where the flux turns."""
        t, k, s, _ = self.layers[index]
        heights = [0.0, t]
        if s > 0.0:
            heights.append(float(np.clip(-self.fluxes[index] / s, 0.0, t)))
        return max(
            float(self.bottoms[index] - self.fluxes[index] * z / k - s * z**2 / (2.0 * k)) for z in heights
        )

    @cached_property
    def _made(self) -> np.ndarray:
        """Return the heat [W/m2] made below each face."""
        return np.concatenate([[0.0], np.cumsum([layer.source * layer.thickness for layer in self.layers])])

    @cached_property
    def _resistances(self) -> np.ndarray:
        """Return the resistance [m2 K/W] from the bottom to each layer's lower face, and to the top."""
        resistances, resistance = [], 0.0
        for t, k, _, interface in self.layers:
            resistances.append(resistance + interface)
            resistance += interface + t / k
        return np.array([*resistances, resistance])

    @cached_property
    def _drops(self) -> np.ndarray:
        """Return how far the sources lower each layer's lower face, and the top, at zero bottom flux [K]."""
        drops, drop = [], 0.0
        for index, (t, k, s, interface) in enumerate(self.layers):
            drop += self._made[index] * interface
            drops.append(drop)
            drop += self._made[index] * t / k + s * t**2 / (2.0 * k)
        return np.array([*drops, drop])

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Return the temperature [K] of the bottom face and the upward flux [W/m2] through it."""
        made, resistance, drop = self._made[-1], self._resistances[-1], self._drops[-1]
        # unknowns (T0, q0); the top face is at T0 - q0 resistance - drop and passes q0 + made
        rows, values = [], []
        match self.bottom:
            case RobinEnd(h, ambient):
                rows.append((h, 1.0))
                values.append(h * ambient)
            case FixedTemperature(temperature):
                rows.append((1.0, 0.0))
                values.append(temperature)
            case FixedFlux(flux):
                rows.append((0.0, 1.0))
                values.append(flux)
        match self.top:
            case RobinEnd(h, ambient):
                rows.append((h, -h * resistance - 1.0))
                values.append(h * (ambient + drop) + made)
            case FixedTemperature(temperature):
                rows.append((1.0, -resistance))
                values.append(temperature + drop)
            case FixedFlux(flux):
                rows.append((0.0, 1.0))
                values.append(-flux - made)
        matrix = np.array(rows)
        if matrix[0, 0] == matrix[1, 0] == 0.0:
            raise ValueError("a wall with two fixed fluxes has no steady temperature")
        solution = np.linalg.solve(matrix, np.array(values))
        return float(solution[0]), float(solution[1])
