"""Exact conduction across a stack of layers for one lateral mode, stable for any thickness and wave number.

In each layer the mode obeys kz T'' - (kx lx**2 + ky ly**2) T + q = 0, a line with the decay rate beta =
sqrt((kx lx**2 + ky ly**2) / kz) (Carslaw and Jaeger, Conduction of Heat in Solids, 1959, section 3.7, with
quadrupoles as in Maillet et al., Thermal Quadrupoles, 2000, chapter 3). A layer is a pi network: a series
admittance kz beta / sinh(beta t) between its faces, a shunt kz beta tanh(beta t / 2) at each face, and half
of the heat that the layer makes, tanh(beta t / 2) / beta, sent into each face. Only sums of positive
terms occur, exponentials have arguments <= 0, and beta = 0 is the ordinary 1-D wall.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np


class Layer(NamedTuple):
    """One layer; `interface_below` [m2 K/W] is between it and the layer or the ambient below."""

    name: str
    thickness: float  # m
    conductivity: tuple[float, float, float]  # W/(m K) along x, y, z
    interface_below: float = 0.0  # m2 K/W


class Response(NamedTuple):
    """Temperature per volumetric source [K m3/W] at both faces of every layer."""

    source: int
    bottom: tuple[np.ndarray, ...]
    top: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Column:
    """The layers seen by a field of modes: `lateral_x`, `lateral_y` are squared wave numbers [1/m2]."""

    layers: tuple[Layer, ...]
    h_bottom: float  # W/(m2 K), 0 for adiabatic, inf for a fixed temperature
    h_top: float
    lateral_x: np.ndarray
    lateral_y: np.ndarray
    decay: tuple[np.ndarray, ...] = field(init=False)  # 1/m
    below: tuple[tuple[np.ndarray, np.ndarray], ...] = field(init=False)
    above: tuple[tuple[np.ndarray, np.ndarray], ...] = field(init=False)

    def __post_init__(self) -> None:
        decay = tuple(
            np.sqrt((kx * self.lateral_x + ky * self.lateral_y) / kz) for _, _, (kx, ky, kz), _ in self.layers
        )
        object.__setattr__(self, "decay", decay)
        object.__setattr__(self, "below", self._loads(upward=True))
        object.__setattr__(self, "above", self._loads(upward=False))

    def _loads(self, upward: bool) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Return what loads each layer's lower (upper) face: admittance as a pair, heat flux over rise.

        A pair (flux, rise) says 0 W/(m2 K) and infinity without a special case.
        """
        h = self.h_bottom if upward else self.h_top
        shape = np.broadcast(self.lateral_x, self.lateral_y).shape
        flux = np.full(shape, 1.0 if np.isinf(h) else h)
        rise = np.full(shape, 0.0 if np.isinf(h) else 1.0)
        loads = []
        order = range(len(self.layers)) if upward else reversed(range(len(self.layers)))
        for index in order:
            layer, x = self.layers[index], self.decay[index] * self.layers[index].thickness
            if upward:
                rise = rise + layer.interface_below * flux
            loads.append((flux, rise))
            series = layer.thickness / layer.conductivity[2] * _tanhc(x)
            shunt = layer.conductivity[2] * self.decay[index] * np.tanh(x)
            flux, rise = flux + shunt * rise, rise + series * flux
            flux, rise = flux / rise, np.ones(shape)
            if not upward:
                rise = rise + layer.interface_below * flux
        return tuple(loads if upward else reversed(loads))

    def _network(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the series and the shunt admittance [W/(m2 K)] of layer index."""
        layer, x = self.layers[index], self.decay[index] * self.layers[index].thickness
        shunt = layer.conductivity[2] * self.decay[index] * np.tanh(0.5 * x)
        return layer.conductivity[2] / layer.thickness * _x_over_sinh(x), shunt

    def respond(self, source: int) -> Response:
        """Return the face temperatures of all layers for 1 W/m3 in the layer `source` [K m3/W]."""
        last = len(self.layers) - 1
        bottom: list[np.ndarray] = [np.empty(0)] * (last + 1)
        top: list[np.ndarray] = [np.empty(0)] * (last + 1)
        half_heat = (
            0.5
            * self.layers[source].thickness
            * _tanhc(0.5 * self.decay[source] * self.layers[source].thickness)
        )
        series, shunt = self._network(source)
        (down, m_down), (up, m_up) = self.below[source], self.above[source]
        down, up = down + shunt * m_down, up + shunt * m_up
        determinant = down * up + series * (down * m_up + up * m_down)
        bottom[source] = half_heat * m_down * (up + 2.0 * series * m_up) / determinant
        top[source] = half_heat * m_up * (down + 2.0 * series * m_down) / determinant
        for index in range(source + 1, last + 1):
            bottom[index] = top[index - 1] / self.above[index - 1][1]  # the rise is 1 past the interface
            series, shunt = self._network(index)
            flux, rise = self.above[index]
            top[index] = bottom[index] * series * rise / (flux + (shunt + series) * rise)
        for index in range(source - 1, -1, -1):
            top[index] = bottom[index + 1] / self.below[index + 1][1]
            series, shunt = self._network(index)
            flux, rise = self.below[index]
            bottom[index] = top[index] * series * rise / (flux + (shunt + series) * rise)
        return Response(source, tuple(bottom), tuple(top))

    def at(self, response: Response, index: int, height: float) -> np.ndarray:
        """Return the temperature per source [K m3/W] at `height` [m] above the lower face of layer index."""
        beta, t = self.decay[index], self.layers[index].thickness
        rest = t - height
        whole = t * _decayed(2.0 * beta * t)
        value = response.bottom[index] * np.exp(-beta * height) * rest * _decayed(2.0 * beta * rest) / whole
        value += response.top[index] * np.exp(-beta * rest) * height * _decayed(2.0 * beta * height) / whole
        if index == response.source:
            value += self._held(index, height)
        return value

    def mean(self, response: Response, index: int, low: float, high: float) -> np.ndarray:
        """Return the mean of `at` over low <= height <= high [K m3/W]."""
        beta, t = self.decay[index], self.layers[index].thickness
        whole = 2.0 * t * _decayed(2.0 * beta * t)
        slab = _decayed(beta * (high - low))

        def face(near: float, far: float) -> np.ndarray:  # distances from the other face, near < far
            return np.exp(-beta * (t - far)) * (near + far) * _decayed(beta * (near + far)) * slab / whole

        value = response.bottom[index] * face(t - high, t - low) + response.top[index] * face(low, high)
        if index == response.source:
            value += self._held_mean(index, low, high)
        return value

    def _held(self, index: int, height: float) -> np.ndarray:
        """Return the temperature per source in layer index when both its faces are held at zero."""
        beta, t = self.decay[index], self.layers[index].thickness
        parabola = 0.5 * height * (t - height) / self.layers[index].conductivity[2]
        decayed = _decayed(beta * height) * _decayed(beta * (t - height))
        return parabola * decayed * 2.0 / (1.0 + np.exp(-beta * t))

    def _held_mean(self, index: int, low: float, high: float) -> np.ndarray:
        """Return the mean of `_held`: quadrature where the closed form cancels, the closed form beyond."""
        beta, t, kz = self.decay[index], self.layers[index].thickness, self.layers[index].conductivity[2]
        points, weights = np.polynomial.legendre.leggauss(10)
        heights = 0.5 * (low + high) + 0.5 * (high - low) * points
        thin = sum(0.5 * w * self._held(index, float(z)) for w, z in zip(weights, heights, strict=True))

        def odd(height: float) -> np.ndarray:  # sinh(beta (height - t/2)) / cosh(beta t/2)
            return (np.exp(-beta * (t - height)) - np.exp(-beta * height)) / (1.0 + np.exp(-beta * t))

        safe = np.where(beta > 0.0, beta, 1.0)
        thick = (1.0 - (odd(high) - odd(low)) / (safe * (high - low))) / (kz * safe**2)
        return np.where(beta * t > 1.0, thick, thin)


def _tanhc(x: np.ndarray) -> np.ndarray:
    """Return tanh(x) / x."""
    safe = np.where(x > 0.0, x, 1.0)
    return np.where(x > 0.0, np.tanh(safe) / safe, 1.0)


def _decayed(x: np.ndarray) -> np.ndarray:
    """Return (1 - exp(-x)) / x."""
    safe = np.where(x > 0.0, x, 1.0)
    return np.where(x > 0.0, -np.expm1(-safe) / safe, 1.0)


def _x_over_sinh(x: np.ndarray) -> np.ndarray:
    """Return x / sinh(x)."""
    return np.exp(-x) / _decayed(2.0 * x)
