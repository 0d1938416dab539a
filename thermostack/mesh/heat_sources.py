"""Heat sources whose power can be set by name, and the fraction of each in the cells.

They serve powers that vary in time; `layer_heat_source` has the power of the description.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.area_overlap import deposit_raster, rectangle_fractions
from thermostack.mesh.block_cells import BlockCells
from thermostack.mesh.box_cuts import planes_beyond_box, share_in_height
from thermostack.mesh.grid import Grid
from thermostack.mesh.layer_cells import layer_mask
from thermostack.mesh.layer_heat_source import BALANCE_TOLERANCE, LayerHeatSource, restrict_to_layer
from thermostack.mesh.source_names import SourceNames, listed
from thermostack.package.geometry import Geometry, HeatSource
from thermostack.package.rectangles import Rectangle


@dataclass(frozen=True, eq=False)
class SourcePlane:
    """The sources of one layer: the fraction of each in the cells of a plane, and of the plane by height."""

    sources: slice
    fractions: scipy.sparse.csr_array  # (cells of the plane, sources of the layer)
    shares: np.ndarray  # (heights,), sum 1
    part: np.ndarray  # (cells of the plane,) index of the part of each cell
    window_cell: np.ndarray  # (cells of the plane,) index in the raveled window of the layer, ascending

    def in_window(self, cells: int) -> scipy.sparse.csr_array:
        """Return the fraction of each source in all cells of the window of the layer, (cells, sources)."""
        entries = self.fractions.tocoo()
        row = self.window_cell[entries.row]
        return scipy.sparse.csr_array(
            (entries.data, (row, entries.col)), shape=(cells, self.fractions.shape[1])
        )


@dataclass(frozen=True, eq=False)
class HeatSources:
    """The sources of a model whose power can be set by name, and the fraction of each in the cells.

    A source is a block of a floorplan, "gpu.active.gpc_0", the map of a layer, "gpu.active.map", or a layer
    with a bare total, "gpu.active". Sources with a described power of zero are included.
    """

    names: tuple[str, ...]
    layer: np.ndarray  # (sources,) index of the layer source in the model
    layer_parts: tuple[int, ...]  # (layer sources,) index of the part of each
    part_names: tuple[str, ...]
    blocks: tuple[BlockCells, ...]  # of the model
    described_power: np.ndarray  # (sources,) W
    is_given: np.ndarray  # (sources,) bool: the description contains a power, which may be 0 W
    area: np.ndarray  # (sources,) m2
    allows_negative: np.ndarray  # (sources,) bool
    cell: np.ndarray  # (n,) index of every cell that can have a power in the raveled grid, ascending
    planes: tuple[SourcePlane, ...]  # by layer source
    order: np.ndarray | None  # (cells of all planes,) permutation into the order of `cell`; None: identity
    fraction_sums: np.ndarray  # (sources,) sum of the fractions: 1, but 0 where all cells lie off the layer

    # The powers of a map may add to zero. Then the magnitudes of its fractions add to 1, the fractions to 0,
    # and its described power is the sum of the magnitudes.

    @property
    def count(self) -> int:
        """Return the number of sources."""
        return len(self.names)

    def cell_powers(self, source_powers: np.ndarray) -> np.ndarray:
        """Return the power [W] of the cells of `cell`, (n,), for powers of the sources [W], (sources,)."""
        pieces = [
            np.multiply.outer(plane.shares, plane.fractions @ source_powers[plane.sources]).reshape(-1)
            for plane in self.planes
        ]
        power: np.ndarray = np.concatenate(pieces) if pieces else np.zeros(0)
        return power if self.order is None else power[self.order]

    @cached_property
    def part_fractions(self) -> scipy.sparse.csr_array:
        """Return the fraction of each source in each part and each block, (parts + blocks, sources).

        The rows have the order of `PartsAndBlocks`. A cell belongs to its part; a block is its own source.
        """
        parts = len(self.part_names)
        of_parts = [scipy.sparse.csr_array((parts, 0))]
        for plane in self.planes:
            cells = np.arange(plane.part.size)
            shape = parts, cells.size
            is_of_part = scipy.sparse.csr_array((np.ones(cells.size), (plane.part, cells)), shape=shape)
            of_parts.append(is_of_part @ plane.fractions)
        number: dict[str, int] = {}
        for n, name in enumerate(self.names):
            number.setdefault(name, n)
        own = [number[block.name] for block in self.blocks]
        shape = len(own), self.count
        of_blocks = scipy.sparse.csr_array((self.fraction_sums[own], (np.arange(len(own)), own)), shape=shape)
        return scipy.sparse.csr_array(scipy.sparse.vstack([scipy.sparse.hstack(of_parts), of_blocks]))

    @cached_property
    def _lookup(self) -> SourceNames:
        layer_names = [self.part_names[part] for part in self.layer_parts]
        return SourceNames(self.names, [layer_names[n] for n in self.layer.tolist()], self.part_names)

    def find(self, name: str, *, is_hinted: bool = True) -> np.ndarray:
        """Return the indices of the sources with a name: of a source, a part, a stack, or a block alone.

        Raises DescriptionError where there is none, with similar names if `is_hinted`, or where the name is
        ambiguous.
        """
        found = self._lookup.find(name, is_hinted=is_hinted)
        off_layer = [n for n in found if self.fraction_sums[n] == 0.0 and self.described_power[n] == 0.0]
        if len(off_layer) == len(found):
            text = (
                f"the layer of {listed(self.names[n] for n in off_layer)} is open there, or another stack is"
            )
            raise DescriptionError(
                Diagnostic(name, f"{text} embedded", "move the block onto the layer", "E-POWER")
            )
        return np.array([n for n in found if n not in off_layer], dtype=np.intp)

    def power_fractions(self, name: str, sources: np.ndarray) -> np.ndarray:
        """Return the fraction of each source in a power that is given for all of them together, (sources,).

        The fractions are proportional to the described powers, or to the areas where those are all zero.
        Raises DescriptionError where some described powers are positive and others negative.
        """
        weight = np.where(self.fraction_sums[sources] != 0.0, self.described_power[sources], 0.0)
        if not weight.any():
            weight = self.area[sources]
        is_mixed = bool(np.any(weight < 0.0) and np.any(weight > 0.0))
        if is_mixed or np.any(self.fraction_sums[sources] == 0.0):
            text = f"{name} has positive and negative powers: a power in watts for all of it is ambiguous"
            raise DescriptionError(Diagnostic(name, text, "give shares in %, or name its blocks", "E-POWER"))
        fractions: np.ndarray = weight / weight.sum()
        return fractions


@dataclass(frozen=True, eq=False)
class _PlaneFractions:
    """The fraction of each source of a layer in the cells of a plane, (rows columns, sources)."""

    matrix: scipy.sparse.csr_array

    @cached_property
    def used(self) -> np.ndarray:
        """Return the cells with a fraction."""
        return np.flatnonzero(np.diff(self.matrix.indptr))

    @cached_property
    def of_used(self) -> scipy.sparse.csr_array:
        """Return the fractions of these cells, (cells, sources)."""
        return self.matrix[self.used]

    @cached_property
    def sums(self) -> np.ndarray:
        """Return the sum of the fractions of each source, (sources,)."""
        return np.asarray(self.matrix.sum(axis=0))


@dataclass(frozen=True, eq=False)
class _LayerSources:
    """The sources of one layer: names, powers [W], areas [m2], and fractions in a plane of cells."""

    names: list[str]
    described_power: np.ndarray
    is_given: np.ndarray
    area: np.ndarray
    fractions: _PlaneFractions


def find_heat_sources(
    geometry: Geometry,
    grid: Grid,
    part: np.ndarray,
    layer_sources: Sequence[LayerHeatSource],
    blocks: tuple[BlockCells, ...],
) -> HeatSources:
    """Return the sources of a model that can be powered by name, with the fraction of each in the cells.

    `part` is the part number of every cell, (nz, ny, nx).
    """
    found, planes, cells = [], [], []
    _, ny, nx = grid.shape
    first = 0
    even: dict[tuple[Rectangle, bytes], _PlaneFractions] = {}  # of bare totals: stacks repeat equal layers
    for source, layer in zip(geometry.sources, layer_sources, strict=True):
        own = _source_fractions(geometry, grid, part, source, layer, even)
        used = own.fractions.used
        j, i = np.divmod(used, layer.plane.shape[1])
        column = (layer.j0 + j) * nx + layer.i0 + i
        heights = np.arange(layer.k0, layer.k0 + layer.shares.size)
        cells.append(np.add.outer(heights * (ny * nx), column).reshape(-1))
        part_of_column = part[layer.k0].reshape(-1)[column].astype(np.intp) - 1
        last = first + len(own.names)
        planes.append(
            SourcePlane(slice(first, last), own.fractions.of_used, layer.shares, part_of_column, used)
        )
        found.append(own)
        first = last
    cell, order = _in_ascending_order([piece for piece in cells if piece.size])
    counts = [len(own.names) for own in found]
    allowed = [source.power.allow_negative for source in geometry.sources]
    sums = np.concatenate([np.zeros(0), *(own.fractions.sums for own in found)])
    return HeatSources(
        tuple(name for own in found for name in own.names),
        np.repeat(np.arange(len(found)), counts),
        tuple(source.part for source in layer_sources),
        tuple(part.name for part in geometry.parts),
        blocks,
        np.concatenate([np.zeros(0), *(own.described_power for own in found)]),
        np.concatenate([np.zeros(0, dtype=bool), *(own.is_given for own in found)]),
        np.concatenate([np.zeros(0), *(own.area for own in found)]),
        np.repeat(np.array(allowed, dtype=bool), counts),
        cell,
        tuple(planes),
        order,
        np.where(np.abs(sums) > BALANCE_TOLERANCE, sums, 0.0),
    )


def _in_ascending_order(pieces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the cells of ascending pieces in ascending order, and the permutation, None for the identity."""
    cell = np.concatenate([np.zeros(0, dtype=np.intp), *pieces])
    if all(one[-1] < other[0] for one, other in pairwise(pieces)):
        return cell, None
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    if np.any(cell[1:] == cell[:-1]):
        text = "two layers have the same cells: the name of one begins with the whole name of the other"
        raise DescriptionError(Diagnostic("stacks", text, "rename one of the two", "E-NAME"))
    return cell, order


def _source_fractions(
    geometry: Geometry,
    grid: Grid,
    part: np.ndarray,
    source: HeatSource,
    layer: LayerHeatSource,
    even: dict[tuple[Rectangle, bytes], _PlaneFractions],
) -> _LayerSources:
    """Return the sources of a layer with the fraction of each in the cells of a plane.

    In a local model the fractions of the sources that its box cuts add to less than 1. `even` has those of
    bare totals by the rectangle and the cells of their layer, and receives new ones.
    """
    k, j, i = layer.window
    x, y = grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1]
    layout = source.layout
    is_local = geometry.region is not None
    title = geometry.parts[source.part].name
    mask = layer_mask(geometry, _distinct(part[k, j, i]), source.part)
    if layout.is_even and not is_local:
        key = source.rectangle, mask.tobytes()
        if key not in even:
            whole_layer = rectangle_fractions(x, y, layout.x0, layout.y0, layout.x1, layout.y1)
            even[key] = _PlaneFractions(
                restrict_to_layer(scipy.sparse.csr_array(scipy.sparse.hstack([whole_layer])), mask)
            )
        return _LayerSources([title], layout.power, layout.is_given, layout.area, even[key])
    if is_local:
        x, y = planes_beyond_box(layout, x, y)
    names = [f"{title}.{name}" if name else title for name in layout.names]
    planes = [rectangle_fractions(x, y, layout.x0, layout.y0, layout.x1, layout.y1)]
    powers, areas, is_given = [layout.power], [layout.area], [layout.is_given]
    if layout.pixels is not None and layout.map_rectangle is not None:
        pixels = layout.scale * layout.pixels
        if not pixels.any():
            pixels = np.ones((1, 1))  # a map of zeros is powered evenly, if it is given a power
        plane = deposit_raster(x, y, pixels, *layout.map_rectangle)
        total, magnitude = float(plane.sum()), float(np.abs(plane).sum())
        whole = magnitude if abs(total) <= BALANCE_TOLERANCE * magnitude else total
        planes.append(scipy.sparse.csr_array((plane / whole).reshape(-1, 1)))
        powers.append(np.array([whole if layout.pixels.any() else 0.0]))
        areas.append(np.array([layout.map_area]))
        is_given.append(np.ones(1, dtype=bool))
        names.append(f"{title}.map")
    fractions = scipy.sparse.csr_array(scipy.sparse.hstack(planes))
    if is_local:
        inner = np.arange((y.size - 1) * (x.size - 1)).reshape(y.size - 1, x.size - 1)[1:-1, 1:-1]
        fractions = scipy.sparse.csr_array(fractions[inner.reshape(-1)]) * share_in_height(geometry, source)
    fractions = restrict_to_layer(fractions, mask)
    if is_local and layout.is_even and layout.power[0] != 0.0:
        fractions = scipy.sparse.csr_array(layer.plane.reshape(-1, 1) / layout.power[0])
    described_power, given, area = (np.concatenate(pieces) for pieces in (powers, is_given, areas))
    return _LayerSources(names, described_power, given, area, _PlaneFractions(fractions))


def _distinct(planes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the planes that differ from the one below them."""
    last = None
    for plane in planes:
        if last is None or not np.array_equal(plane, last):
            yield plane
        last = plane
