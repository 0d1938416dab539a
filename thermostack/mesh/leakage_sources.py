"""Leakage power of the cells: what layers and blocks have at a reference temperature, and its laws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thermostack.mesh.grid import Grid
from thermostack.mesh.layer_heat_source import LayerHeatSource, layer_heat_source
from thermostack.mesh.part_map import PartMap
from thermostack.package.geometry import Geometry, HeatSource
from thermostack.package.leakage import Leakage
from thermostack.package.power import Block, Power

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class LeakageSource:
    """The leakage power of a layer, or of some of its blocks, with one law, on the cells of one height."""

    part: int
    k: int
    j0: int
    i0: int
    plane: Array  # (rows, columns) W at the reference temperature
    law: Leakage

    @property
    def window(self) -> tuple[int, slice, slice]:
        """Return the cells."""
        rows, columns = self.plane.shape
        return self.k, slice(self.j0, self.j0 + rows), slice(self.i0, self.i0 + columns)

    def power(self, temperature: Array) -> Array:
        """Return the power of the cells at temperatures (nz, ny, nx) [K], (rows, columns) [W]."""
        return np.asarray(self.plane * self.law.factor(temperature[self.window]))

    def slope(self, temperature: Array) -> Array:
        """Return the derivative of the power of the cells [W/K], (rows, columns)."""
        return np.asarray(self.plane * self.law.slope(temperature[self.window]))


@dataclass(frozen=True, eq=False)
class LeakageSources:
    """The leakage power of a package on its cells.

    Parameters
    ----------
    sources
        Leakage power by law and height.
    shape
        (nz, ny, nx) of the cells.
    """

    sources: tuple[LeakageSource, ...]
    shape: tuple[int, int, int]

    @property
    def reference(self) -> float:
        """Return the sum of all leakage powers at their reference temperatures [W]."""
        return float(sum(source.plane.sum() for source in self.sources))

    @cached_property
    def cell(self) -> Array:
        """Return the cells with leakage, (n,) indices in the raveled grid, ascending."""
        return np.unique(np.concatenate([self._cells_of(source) for source in self.sources]))

    @cached_property
    def _positions(self) -> list[Array]:
        """Return the positions in `cell` of the cells of each source."""
        return [np.searchsorted(self.cell, self._cells_of(source)) for source in self.sources]

    def _cells_of(self, source: LeakageSource) -> Array:
        """Return the indices of the cells of a source in the raveled grid."""
        k, j, i = source.window
        _, ny, nx = self.shape
        rows, columns = np.arange(j.start, j.stop), np.arange(i.start, i.stop)
        return np.asarray(((k * ny + rows)[:, None] * nx + columns).reshape(-1))

    def power(self, temperature: Array) -> Array:
        """Return the power of `cell` at temperatures (nz, ny, nx) [K], (n,) [W]."""
        return self._sum(source.power(temperature) for source in self.sources)

    def slope(self, temperature: Array) -> Array:
        """Return the derivative of the power of `cell` with temperature, (n,) [W/K]."""
        return self._sum(source.slope(temperature) for source in self.sources)

    def _sum(self, planes: Iterator[Array]) -> Array:
        total = np.zeros(self.cell.size)
        for position, plane in zip(self._positions, planes, strict=True):
            total[position] += plane.reshape(-1)
        return total

    def power_of_parts(self, temperature: Array, part: Array, parts: int) -> Array:
        """Return the leakage power of each part [W], (parts,), by the part of every cell (nz, ny, nx)."""
        total = np.zeros(parts + 1)
        for source in self.layer_sources(temperature):
            source.add_to_parts(total, part)
        return total[1:]

    def power_in(self, temperature: Array, window: tuple[slice, slice, slice]) -> float:
        """Return the leakage power of the cells in a window [W]."""
        total, (heights, rows, columns) = 0.0, window
        for source in self.sources:
            k, j, i = source.window
            if heights.start <= k < heights.stop:
                own = _overlap(j, rows), _overlap(i, columns)
                total += float(source.power(temperature)[own].sum())
        return total

    def layer_sources(self, temperature: Array) -> tuple[LayerHeatSource, ...]:
        """Return the leakage power at temperatures (nz, ny, nx) [K] as heat sources of one height each."""
        return tuple(
            LayerHeatSource(
                source.part, source.k, np.ones(1), source.j0, source.i0, source.power(temperature)
            )
            for source in self.sources
        )


def _overlap(own: slice, other: slice) -> slice:
    """Return the part of a range of cells that lies in another one, counted from its start."""
    start = max(other.start, own.start) - own.start
    return slice(start, max(min(other.stop, own.stop) - own.start, start))


def find_leakage_sources(geometry: Geometry, grid: Grid, part_map: PartMap) -> LeakageSources | None:
    """Return the leakage power of a geometry on its cells; None where there is none."""
    found: list[LeakageSource] = []
    for source in geometry.sources:
        for law, power in leakage_powers(source):
            layer = layer_heat_source(geometry, grid, part_map, replace(source, power=power))
            found += [
                LeakageSource(layer.part, layer.k0 + n, layer.j0, layer.i0, share * layer.plane, law)
                for n, share in enumerate(layer.shares.tolist())
            ]
    found = [source for source in found if source.plane.any()]
    return LeakageSources(tuple(found), grid.shape) if found else None


def leakage_powers(source: HeatSource) -> Iterator[tuple[Leakage, Power]]:
    """Yield each law of a layer with the power that it has at the reference temperature.

    The leakage of the layer and that of its stack are spread over the layer, the leakage of a block over
    the block.
    """
    power = source.power
    x0, y0, x1, y1 = source.rectangle
    dynamic = power.power_on(x1 - x0, y1 - y0)
    for leakage in source.leakages:
        yield leakage, Power(total=leakage.total_beside(dynamic))
    laws: dict[Leakage, list[int]] = {}
    for n, block in enumerate(power.blocks):
        if block.leakage is not None:
            laws.setdefault(_law_of(block.leakage), []).append(n)
    watts = source.layout.power
    for law, numbers in laws.items():
        yield law, Power(blocks=_blocks(power, numbers, watts))


def _law_of(leakage: Leakage) -> Leakage:
    """Return a leakage without its own power, which several blocks may share."""
    return replace(leakage, total=0.0)


def _blocks(power: Power, numbers: Sequence[int], watts: Array) -> tuple[Block, ...]:
    """Return blocks with their leakage power at the reference temperature as their power [W]."""
    chosen = [(power.blocks[n], float(watts[n])) for n in numbers]
    return tuple(
        replace(block, power=block.leakage.total_beside(dynamic), leakage=None)
        for block, dynamic in chosen
        if block.leakage is not None
    )
