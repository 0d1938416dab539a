"""The leakage of blocks and layers on their cells, as power and slope over the temperature of the cells.

Leakage takes the path of the described power (`layer_heat_source`): rectangles are distributed over cells by
area, and the sum is preserved. Only the temperature of a cell decides on its leakage power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from thermostack.mesh.area_overlap import rectangle_fractions
from thermostack.mesh.block_cells import MAX_LISTED_BLOCKS
from thermostack.mesh.grid import Grid
from thermostack.mesh.layer_cells import disc_plan, layer_columns, layer_window
from thermostack.mesh.layer_heat_source import MAX_LOST_FRACTION, LayerHeatSource, restrict_to_layer
from thermostack.mesh.part_map import PartMap
from thermostack.package.geometry import Geometry, HeatSource
from thermostack.package.leakage import LeakageLaw
from thermostack.package.leakage_shares import LeakageShare
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity


@dataclass(frozen=True, eq=False)
class LeakageSource:
    """The leakage of a block or of a layer on the cells at one height, with one law."""

    part: int
    k: int
    j0: int
    i0: int
    plane: np.ndarray  # (rows, columns) W at the reference temperature of the law, from cell (j0, i0)
    law: LeakageLaw
    block: str | None  # "<stack>.<layer>.<block>"; None for a layer, or the blocks of a long floorplan

    @property
    def window(self) -> tuple[int, slice, slice]:
        """Return the index of the cells of the plane in an array (nz, ny, nx)."""
        rows, columns = self.plane.shape
        return self.k, slice(self.j0, self.j0 + rows), slice(self.i0, self.i0 + columns)


@dataclass(frozen=True, eq=False)
class _LawCells:
    """The cells with the leakage of one law."""

    law: LeakageLaw
    place: np.ndarray  # (m,) index in `LeakageSources.cell`, ascending
    watts: np.ndarray  # (m,) W at the reference temperature


@dataclass(frozen=True, eq=False)
class _LayerCells:
    """The cells of a layer with leakage at one height."""

    part: int
    k: int
    j0: int
    i0: int
    shape: tuple[int, int]
    place: np.ndarray  # (m,) index in `LeakageSources.cell`
    in_window: np.ndarray  # (m,) index in the raveled window


@dataclass(frozen=True, eq=False)
class LeakageSources:
    """The leakage of a model: power and slope of the cells with leakage at their temperatures."""

    sources: tuple[LeakageSource, ...]
    shape: tuple[int, int, int]  # of the grid
    cell: np.ndarray  # (n,) index of the cells with leakage in the raveled grid, strictly ascending
    reference: float  # W, sum at the reference temperatures

    @classmethod
    def of_sources(
        cls, sources: Sequence[LeakageSource], shape: tuple[int, int, int]
    ) -> LeakageSources | None:
        """Return the leakage of some sources on a grid of a shape, None without power."""
        sources = tuple(source for source in sources if source.plane.any())
        if not sources:
            return None
        cell = np.unique(np.concatenate([_cells_of(source, shape)[0] for source in sources]))
        return cls(sources, shape, cell, float(sum(source.plane.sum() for source in sources)))

    @property
    def arrays(self) -> list[np.ndarray]:
        """Return the arrays, for a model that makes them read-only."""
        return [self.cell, *(source.plane for source in self.sources)]

    @cached_property
    def _laws(self) -> tuple[_LawCells, ...]:
        """Return the power of the cells by law."""
        by_law: dict[LeakageLaw, list[tuple[np.ndarray, np.ndarray]]] = {}
        for source in self.sources:
            by_law.setdefault(source.law, []).append(_cells_of(source, self.shape))
        found = []
        for law, pieces in by_law.items():
            place = np.searchsorted(self.cell, np.concatenate([cell for cell, _ in pieces]))
            watts = np.concatenate([watts for _, watts in pieces])
            sums = np.bincount(place, watts, minlength=self.cell.size)
            used = np.unique(place)
            found.append(_LawCells(law, used, sums[used]))
        return tuple(found)

    @cached_property
    def _layers(self) -> tuple[_LayerCells, ...]:
        """Return the cells by layer and height; a cell belongs to the first layer that has it."""
        layers: dict[tuple[int, int], list[LeakageSource]] = {}
        for source in self.sources:
            layers.setdefault((source.part, source.k), []).append(source)
        is_free = np.ones(self.cell.size, dtype=bool)
        found = []
        for (part, k), sources in layers.items():
            cell = np.unique(np.concatenate([_cells_of(source, self.shape)[0] for source in sources]))
            place = np.searchsorted(self.cell, cell)
            place = place[is_free[place]]
            is_free[place] = False
            if not place.size:
                continue
            _, j, i = np.unravel_index(self.cell[place], self.shape)
            j0, i0 = int(j.min()), int(i.min())
            rows, columns = int(j.max()) + 1 - j0, int(i.max()) + 1 - i0
            found.append(_LayerCells(part, k, j0, i0, (rows, columns), place, (j - j0) * columns + i - i0))
        return tuple(found)

    def power(self, temperature: np.ndarray) -> np.ndarray:
        """Return the leakage power [W] of the cells of `cell`, (n,), at temperatures [K], (nz, ny, nx)."""
        at_cells = temperature.reshape(-1)[self.cell]
        power = np.zeros(self.cell.size)
        for each in self._laws:
            power[each.place] += each.watts * each.law.factor(at_cells[each.place])
        return power

    def slope(self, temperature: np.ndarray) -> np.ndarray:
        """Return the derivative [W/K] of the power of the cells of `cell`, (n,), by their temperature [K]."""
        at_cells = temperature.reshape(-1)[self.cell]
        slope = np.zeros(self.cell.size)
        for each in self._laws:
            slope[each.place] += each.watts * each.law.slope(at_cells[each.place])
        return slope

    @cached_property
    def reference_power(self) -> np.ndarray:
        """Return the leakage power [W] of the cells of `cell`, (n,), at the reference temperature."""
        power = np.zeros(self.cell.size)
        for each in self._laws:
            power[each.place] += each.watts
        return power

    def layer_sources(self, temperature: np.ndarray) -> tuple[LayerHeatSource, ...]:
        """Return the leakage power at temperatures [K], (nz, ny, nx), as heat sources of one height each."""
        return self._as_layers(self.power(temperature))

    @property
    def reference_sources(self) -> tuple[LayerHeatSource, ...]:
        """Return the leakage power at the reference temperatures as heat sources of one height each."""
        return self._as_layers(self.reference_power)

    def _as_layers(self, power: np.ndarray) -> tuple[LayerHeatSource, ...]:
        found = []
        for layer in self._layers:
            plane = np.zeros(layer.shape)
            plane.reshape(-1)[layer.in_window] = power[layer.place]
            found.append(LayerHeatSource(layer.part, layer.k, np.ones(1), layer.j0, layer.i0, plane))
        return tuple(found)


def _cells_of(source: LeakageSource, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the raveled indices of the cells of a source with power, ascending, and their powers [W]."""
    j, i = np.nonzero(source.plane)
    _, ny, nx = shape
    return (source.k * ny + source.j0 + j) * nx + source.i0 + i, source.plane[j, i]


def leakage_of_parts(
    leakage: LeakageSources, part: np.ndarray, count: int, temperature: np.ndarray | None = None
) -> np.ndarray:
    """Return the leakage power [W] of each of `count` parts at temperatures [K], (nz, ny, nx).

    `part` is the part number of every cell, (nz, ny, nx), 0 outside. Without temperatures every law is at its
    reference temperature.
    """
    power = leakage.reference_power if temperature is None else leakage.power(temperature)
    numbers = part.reshape(-1)[leakage.cell]
    return np.bincount(numbers, power, minlength=count + 1)[1:]


def leakage_of_blocks(leakage: LeakageSources, temperature: np.ndarray | None = None) -> dict[str, float]:
    """Return the leakage power [W] of each block by its full name at temperatures [K], (nz, ny, nx).

    Blocks of floorplans with more than `MAX_LISTED_BLOCKS` blocks are left out. Without temperatures every
    law is at its reference temperature.
    """
    power: dict[str, float] = {}
    for source in leakage.sources:
        if source.block is None:
            continue
        plane = source.plane
        if temperature is not None:
            plane = plane * source.law.factor(temperature[source.window])
        power[source.block] = power.get(source.block, 0.0) + float(plane.sum())
    return power


def find_leakage_sources(geometry: Geometry, grid: Grid, part_map: PartMap) -> LeakageSources | None:
    """Return the leakage of a geometry on the cells of its layers, None without leakage.

    Raises DescriptionError where leakage lies outside of its layer.
    """
    found: list[LeakageSource] = []
    for source in geometry.sources:
        if source.leakage:
            found += _layer_leakage(geometry, grid, part_map, source)
    return LeakageSources.of_sources(found, grid.shape)


def _layer_leakage(
    geometry: Geometry, grid: Grid, part_map: PartMap, source: HeatSource
) -> list[LeakageSource]:
    """Return the leakage of a layer on its cells."""
    k, j, i = layer_window(grid, source)
    fractions = _fractions_on_layer(geometry, grid, part_map, source).tocsc()
    heights = grid.dz[k] / grid.dz[k].sum()
    found = []
    for name, law, numbers in _by_name(geometry, source):
        own = fractions[:, numbers]
        watts = own.data * np.repeat([source.leakage[n].total for n in numbers], np.diff(own.indptr))
        row, column = np.divmod(own.indices, i.stop - i.start)
        row0, column0 = int(row.min()), int(column.min())
        shape = int(row.max()) + 1 - row0, int(column.max()) + 1 - column0
        place = (row - row0) * shape[1] + column - column0
        plane = np.bincount(place, watts, minlength=shape[0] * shape[1]).reshape(shape)
        found += [
            LeakageSource(source.part, height, j.start + row0, i.start + column0, share * plane, law, name)
            for height, share in zip(range(k.start, k.stop), heights.tolist(), strict=True)
        ]
    return found


def _by_name(geometry: Geometry, source: HeatSource) -> list[tuple[str | None, LeakageLaw, list[int]]]:
    """Return name, law and indices of the shares of each block; those of a long floorplan by law alone."""
    title = geometry.parts[source.part].name
    is_listed = len(source.power.blocks) <= MAX_LISTED_BLOCKS
    groups: dict[tuple[str | None, LeakageLaw], list[int]] = {}
    for n, share in enumerate(source.leakage):
        name = None
        if share.block is not None and is_listed:
            name = f"{title}.{source.power.blocks[share.block].name}"
        if share.total > 0.0:
            groups.setdefault((name, share.law), []).append(n)
    return [(name, law, numbers) for (name, law), numbers in groups.items()]


def _fractions_on_layer(
    geometry: Geometry, grid: Grid, part_map: PartMap, source: HeatSource
) -> scipy.sparse.csr_array:
    """Return the fraction of each share of leakage in the cells of its layer, (cells of a plane, shares).

    The leakage of a whole layer is distributed over the existing cells of the layer; that of a block outside
    of the layer is an error.
    """
    k, j, i = layer_window(grid, source)
    x, y = grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1]
    corners = np.array([_rectangle(source, share) for share in source.leakage])
    fractions = rectangle_fractions(x, y, *np.ascontiguousarray(corners.T))
    plan = disc_plan(geometry, grid, source)
    if plan is not None:
        fractions = restrict_to_layer(fractions, plan[j, i])
    mask = layer_columns(geometry, part_map, k, source.part)[j, i]
    if mask.all():
        return fractions
    kept = scipy.sparse.csr_array(scipy.sparse.diags_array(mask.reshape(-1).astype(np.float64)) @ fractions)
    inside = np.asarray(kept.sum(axis=0)).reshape(-1)
    watts = np.array([share.total for share in source.leakage])
    is_block = np.array([share.block is not None for share in source.leakage])
    lost = float((watts * (1.0 - inside))[is_block | (inside <= 0.0)].sum())
    if lost > MAX_LOST_FRACTION * watts.sum():
        shown = format_quantity(lost, "power")
        text = f"{shown} of the leakage lie where the layer is open or another stack is embedded"
        hint = "move the blocks onto the layer"
        geometry.package.refuse([diagnostic_at(source.path, text, hint, "E-POWER")])
    scale = np.divide(1.0, inside, out=np.zeros(inside.size), where=inside > 0.0)
    return scipy.sparse.csr_array(kept @ scipy.sparse.diags_array(scale))


def _rectangle(source: HeatSource, share: LeakageShare) -> tuple[float, float, float, float]:
    """Return the rectangle [m] over which a share of leakage spreads."""
    if share.block is None:
        return source.rectangle
    x0, y0, x1, y1 = source.layout.corners[share.block].tolist()
    return x0, y0, x1, y1
