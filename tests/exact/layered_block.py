"""A box of orthotropic layers with rectangular sources: temperature, means and peaks by cosine series.

Adiabatic sides, a heat-transfer coefficient (or a fixed temperature, h = inf) below and above, interface
resistances between the layers, any number of rectangles of uniform volumetric heat, each as thick as its
layer. The solution is a double cosine series in the plan, with the exact transfer across the layers for
every mode (method: Culham, Yovanovich and Lemczyk, J. Electronic Packaging 122, 220 (2000); Muzychka,
Bagnall and Wang, IEEE Trans. CPMT 3, 1826 (2013); extended here to heat inside layers, see `layered_column`).

Accuracy, checked in test_exact_references by doubling the modes, by other nodes, by the plain double sum and
against the differential equation: means to 2e-7 of the rise, temperatures at points and peaks to 1e-6 of it
(on source edges and corners too), for sources wider than a hundredth of the box. Closer to a source edge
than the resolution (box width / 65 536), but not on it, a point is off by at most 1e-5 of the rise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from .cosine_modes import mean_series, modes, point_series, window_series
from .layered_column import Column, Layer, Response

__all__ = ["FINE", "Layer", "LayeredBlock", "Peak", "Region", "Source"]

FINE = 2**16  # modes of means and of the final value of a peak
SEARCH = 2**12  # modes of the search for a peak


class Source(NamedTuple):
    """A rectangle of uniform heat through the whole thickness of layer number `layer`."""

    name: str
    layer: int
    x0: float  # m
    y0: float
    width: float  # m along x
    height: float  # m along y
    power: float  # W


class Region(NamedTuple):
    """A closed box: a rectangle of the plan times a range of heights in one layer."""

    layer: int
    x: tuple[float, float]  # m
    y: tuple[float, float]
    z: tuple[float, float]  # m above the lower face of the layer


class Peak(NamedTuple):
    """The highest temperature of a region and where it is."""

    temperature: float  # K, in the scale of the ambients
    at: tuple[float, float, float]  # m, z from the bottom of the block


@dataclass(frozen=True)
class LayeredBlock:
    """The block; temperatures are in the scale of `t_bottom` and `t_top`, z = 0 is its bottom."""

    size: tuple[float, float]  # m along x and y
    layers: tuple[Layer, ...]  # from the bottom
    sources: tuple[Source, ...]
    h_bottom: float  # W/(m2 K); 0: adiabatic, inf: the face is at t_bottom
    t_bottom: float
    h_top: float
    t_top: float
    name: str = "block"

    def __post_init__(self) -> None:
        if self.h_bottom <= 0.0 and self.h_top <= 0.0:
            raise ValueError("one of h_bottom and h_top must be positive")

    @property
    def levels(self) -> np.ndarray:
        """Return the heights of the layer faces [m], one more than layers."""
        return np.concatenate([[0.0], np.cumsum([layer.thickness for layer in self.layers])])

    @property
    def power(self) -> float:
        """Return the heat made in the block [W]."""
        return sum(source.power for source in self.sources)

    @property
    def regions(self) -> dict[str, Region]:
        """Return the parts by name: every layer, and every source with its layer's thickness."""
        a, b = self.size
        parts = {
            layer.name: Region(index, (0.0, a), (0.0, b), (0.0, layer.thickness))
            for index, layer in enumerate(self.layers)
        }
        for name, index, x0, y0, width, height, _ in self.sources:
            z = (0.0, self.layers[index].thickness)
            parts[name] = Region(index, (x0, x0 + width), (y0, y0 + height), z)
        return parts

    def temperature(
        self, x: np.ndarray, y: np.ndarray, z: np.ndarray, layer: int | None = None, count: int = FINE
    ) -> np.ndarray:
        """Return the temperature [K] on the tensor grid as (nz, ny, nx).

        z is from the bottom of the block. On a face between layers `layer` says whose side is meant;
        without it the lower one is.
        """
        x, y, z = (np.atleast_1d(np.asarray(points, dtype=float)) for points in (x, y, z))
        a, b = self.size
        plan_x, plan_y = point_series(a, x, count), point_series(b, y, count)
        return self._evaluate(plan_x, plan_y, self._heights(z, layer), count)

    def temperature_at(
        self, x: np.ndarray, y: np.ndarray, z: np.ndarray, layer: int | None = None, count: int = FINE
    ) -> np.ndarray:
        """Return the temperature [K] at scattered points, x, y and z of one shape."""
        x, y, z = np.broadcast_arrays(*(np.asarray(points, dtype=float) for points in (x, y, z)))
        values = [
            self.temperature(px, py, pz, layer, count)[0, 0, 0]
            for px, py, pz in zip(x.ravel(), y.ravel(), z.ravel(), strict=True)
        ]
        return np.array(values).reshape(x.shape)

    def mean(self, region: Region, count: int = FINE) -> float:
        """Return the mean temperature [K] of a region."""
        a, b = self.size
        plan_x, plan_y = mean_series(a, *region.x, count), mean_series(b, *region.y, count)
        return float(self._evaluate(plan_x, plan_y, [(region.layer, *region.z)], count)[0, 0, 0])

    def peak(self, region: Region, count: int = FINE, search: int = SEARCH) -> Peak:
        """Return the highest temperature of a closed region.

        A grid with nodes on every source edge inside the region finds the local maxima; each that is near
        the highest is followed to a thousandth of a node distance on ever finer grids of 5 x 5 x 5 points,
        where it is flat to 1e-7 of the rise (on edges, where it is not flat, it is met exactly). The
        search uses few modes, the value many.
        """
        a, b = self.size
        x = _nodes(region.x, [edge for s in self.sources for edge in (s.x0, s.x0 + s.width)])
        y = _nodes(region.y, [edge for s in self.sources for edge in (s.y0, s.y0 + s.height)])
        z = region.z[0] + (region.z[1] - region.z[0]) * np.array([0.0, 0.25, 0.5, 0.75, 1.0])
        field = self._sample(region.layer, x, y, z, search)
        best: tuple[float, tuple[float, float, float]] | None = None
        for k, j, i in _summits(field):
            found = self._climb(region, (x, y, z), (k, j, i), search)
            if best is None or found[0] > best[0]:
                best = found
        assert best is not None
        px, py, height = best[1]
        value = self._evaluate(
            point_series(a, np.array([px]), count),
            point_series(b, np.array([py]), count),
            [(region.layer, height, height)],
            count,
        )
        bottom = float(self.levels[region.layer])
        return Peak(float(value[0, 0, 0]), (px, py, bottom + height))

    def heat_out(self) -> tuple[float, float]:
        """Return the heat [W] that leaves through the bottom and through the top."""
        zero = _column(self.layers, self.h_bottom, self.h_top, (1.0, 1.0), 16)[0]
        through = -self._ambient_flux() * self.size[0] * self.size[1]
        bottom = through
        for source in self.sources:
            volume = self.size[0] * self.size[1] * self.layers[source.layer].thickness
            response = zero.respond(source.layer)
            conductance = self.layers[0].conductivity[2] / self.layers[0].thickness
            if source.layer > 0:
                flux = (response.top[0] - response.bottom[0])[0, 0] * conductance
            else:
                up = zero.above[0]
                flux = self.layers[0].thickness - (response.top[0] * up[0] / up[1])[0, 0]
            bottom += source.power / volume * flux * self.size[0] * self.size[1]
        return bottom, self.power - bottom

    def _sample(self, layer: int, x: np.ndarray, y: np.ndarray, z: np.ndarray, count: int) -> np.ndarray:
        """Return the temperature (nz, ny, nx) with z above the lower face of a layer."""
        a, b = self.size
        heights = [(layer, float(height), float(height)) for height in z]
        return self._evaluate(point_series(a, x, count), point_series(b, y, count), heights, count)

    def _climb(
        self,
        region: Region,
        axes: tuple[np.ndarray, np.ndarray, np.ndarray],
        start: tuple[int, int, int],
        count: int,
    ) -> tuple[float, tuple[float, float, float]]:
        """Return the local maximum near a node of the search grid: value and (x, y, height)."""
        bounds = (region.x, region.y, region.z)
        centre = [float(axis[i]) for axis, i in zip(axes, reversed(start), strict=True)]
        reach = [
            max(axis[min(i + 1, axis.size - 1)] - axis[i], axis[i] - axis[max(i - 1, 0)])
            for axis, i in zip(axes, reversed(start), strict=True)
        ]
        value = -np.inf
        for _ in range(10):
            grids = [
                np.unique(np.clip(c + r * np.array([-1.0, -0.5, 0.0, 0.5, 1.0]), *limits))
                for c, r, limits in zip(centre, reach, bounds, strict=True)
            ]
            field = self._sample(region.layer, grids[0], grids[1], grids[2], count)
            k, j, i = np.unravel_index(int(np.argmax(field)), field.shape)
            value = float(field[k, j, i])
            centre = [float(grids[0][i]), float(grids[1][j]), float(grids[2][k])]
            reach = [0.5 * r for r in reach]
        return value, (centre[0], centre[1], centre[2])

    def _heights(self, z: np.ndarray, layer: int | None) -> list[tuple[int, float, float]]:
        levels = self.levels
        heights = []
        for level in z:
            index = layer
            if index is None:
                index = int(np.clip(np.searchsorted(levels, level, side="left") - 1, 0, len(self.layers) - 1))
            height = float(np.clip(level - levels[index], 0.0, self.layers[index].thickness))
            heights.append((index, height, height))
        return heights

    def _evaluate(
        self, plan_x: np.ndarray, plan_y: np.ndarray, heights: list[tuple[int, float, float]], count: int
    ) -> np.ndarray:
        """Return the temperature (nz, ny, nx) for plan functionals (nx, count), (ny, count).

        Each of `heights` is (layer, low, high): the mean over low..high, the value where they are equal.
        """
        a, b = self.size
        column, responses = _column(self.layers, self.h_bottom, self.h_top, self.size, count)
        grid = modes(count)
        plans: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        for _, index, x0, y0, width, height, power in self.sources:
            density = power / (width * height * self.layers[index].thickness)
            along_x = grid.project(plan_x * (density * window_series(a, x0, x0 + width, count)))
            along_y = grid.project(plan_y * window_series(b, y0, y0 + height, count))
            plans.setdefault(index, []).append((along_x, along_y))
        field = np.empty((len(heights), plan_y.shape[0], plan_x.shape[0]))
        for row, (index, low, high) in enumerate(heights):
            field[row] = self._ambient(index, 0.5 * (low + high))
            for source, pairs in plans.items():
                if source not in responses:
                    responses[source] = column.respond(source)
                kernel = _kernel(column, responses[source], index, low, high)
                field[row] += sum(along_y @ (kernel @ along_x.T) for along_x, along_y in pairs)
        return field

    def _ambient_flux(self) -> float:
        """Return the upward heat flux [W/m2] that the ambients alone drive through the block."""
        if self.h_bottom == 0.0 or self.h_top == 0.0:
            return 0.0
        layers = sum(layer.thickness / layer.conductivity[2] + layer.interface_below for layer in self.layers)
        return (self.t_bottom - self.t_top) / (1.0 / self.h_bottom + layers + 1.0 / self.h_top)

    def _ambient(self, index: int, height: float) -> float:
        """Return the temperature [K] without sources at a height above the lower face of layer index."""
        if self.h_bottom == 0.0:
            return self.t_top
        below = self.layers[:index]
        resistance = 1.0 / self.h_bottom + height / self.layers[index].conductivity[2]
        resistance += sum(layer.thickness / layer.conductivity[2] for layer in below)
        resistance += sum(layer.interface_below for layer in self.layers[: index + 1])
        return self.t_bottom - self._ambient_flux() * resistance


@lru_cache(maxsize=6)
def _column(
    layers: tuple[Layer, ...], h_bottom: float, h_top: float, size: tuple[float, float], count: int
) -> tuple[Column, dict[int, Response]]:
    """Return the column of the layers on the nodes (p of y, p of x), and a store for its responses."""
    nodes = modes(count).nodes
    wave_x, wave_y = nodes * np.pi / size[0], nodes * np.pi / size[1]
    return Column(layers, h_bottom, h_top, (wave_x**2)[None, :], (wave_y**2)[:, None]), {}


def _kernel(column: Column, response: Response, index: int, low: float, high: float) -> np.ndarray:
    """Return the mean over low..high of one layer, its value where they are equal, per source [K m3/W]."""
    if low == high:
        return column.at(response, index, low)
    return column.mean(response, index, low, high)


def _nodes(limits: tuple[float, float], edges: list[float]) -> np.ndarray:
    """Return the search nodes [m] in a closed range: edges inside it and eight intervals between them."""
    low, high = limits
    inside = sorted({low, high, *(edge for edge in edges if low < edge < high)})
    kept = [low]
    for edge in inside[1:]:
        if edge - kept[-1] > 1e-9 * (high - low):
            kept.append(edge)
    kept[-1] = high
    fractions = np.arange(8) / 8.0
    pieces = [p + (q - p) * fractions for p, q in pairwise(kept)]
    return np.concatenate([*pieces, [high]])


def _summits(field: np.ndarray) -> list[tuple[int, int, int]]:
    """Return the nodes (k, j, i), at most six, that no neighbour tops and that could hold the maximum."""
    padded = np.pad(field, 1, constant_values=-np.inf)
    neighbours = np.full(field.shape, -np.inf)
    for dk in (0, 1, 2):
        for dj in (0, 1, 2):
            for di in (0, 1, 2):
                shifted = padded[dk : dk + field.shape[0], dj : dj + field.shape[1], di : di + field.shape[2]]
                neighbours = np.maximum(neighbours, shifted)
    close = field >= field.max() - 0.05 * (field.max() - field.min())
    nodes = np.argwhere((field >= neighbours) & close)
    ranked = sorted(nodes.tolist(), key=lambda node: -field[tuple(node)])
    return [(k, j, i) for k, j, i in ranked[:6]]
