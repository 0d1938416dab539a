"""Heat sources of the cells: from the described power of each layer to the power of every cell.

All powers take one path. `lay_out_power` turns the description of a layer into rectangles and pixels in
coordinates of the package, `layer_window` finds the cells of the layer, and `layer_mask` the cells that other
parts occupy. The last step exists in two forms: `deposit_power` returns the power of the cells for the powers
of the description, and `_source_fractions` returns the fraction of each source in each cell, for powers that
vary in time. The two differ by rounding only. The first form needs no matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.area_overlap import deposit_raster, deposit_rectangles, rectangle_fractions
from thermostack.mesh.block_cells import BlockCells
from thermostack.mesh.box_cuts import planes_beyond_box, share_in_height
from thermostack.mesh.grid import Grid
from thermostack.mesh.layer_cells import disc_plan, layer_mask, layer_window
from thermostack.mesh.part_map import PartMap, Window
from thermostack.mesh.source_names import SourceNames, listed
from thermostack.package.geometry import Geometry, HeatSource
from thermostack.package.power_layout import PowerLayout, lay_out_power
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

MAX_LOST_FRACTION = 1e-9  # of the power magnitudes of a layer: more outside the layer is an error
BALANCE_TOLERANCE = 1e-9  # of the magnitudes of a map: a smaller sum counts as zero and cannot be scaled


@dataclass(frozen=True, eq=False)
class LayerHeatSource:
    """The described power of a layer on its cells: a plane of powers, and its fraction at each height."""

    part: int
    k0: int
    shares: np.ndarray  # (heights,) fraction at heights k0, k0 + 1, ...; sum 1
    j0: int
    i0: int
    plane: np.ndarray  # (rows, columns) W, from cell (j0, i0)

    @property
    def window(self) -> Window:
        """Return the cells of the layer."""
        rows, columns = self.plane.shape
        return (
            slice(self.k0, self.k0 + self.shares.size),
            slice(self.j0, self.j0 + rows),
            slice(self.i0, self.i0 + columns),
        )

    def add_plane_to(self, power: np.ndarray, k: int) -> None:
        """Add the power of the cells at height k to a plane of powers [W], (ny, nx)."""
        if self.k0 <= k < self.k0 + self.shares.size:
            power[self.window[1:]] += self.shares[k - self.k0] * self.plane

    def add_to_parts(self, power: np.ndarray, part: np.ndarray) -> None:
        """Add the power to that of its parts [W], (1 + parts,), by the part of every cell, (nz, ny, nx).

        The cells of the layer with a power have one part over its whole height.
        """
        _, rows, columns = self.window
        below = part[self.k0, rows, columns]
        for number in np.unique(below[self.plane != 0.0]).tolist():
            power[number] += self.plane[below == number].sum()


# -- powers of the description ---------------------------------------------------------------


def deposit_power(layout: PowerLayout, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the power [W] of each cell between the planes x and y [m], (ny, nx).

    Each block and pixel is distributed over the cells that it overlaps in proportion to the common area.
    Parts beyond the first or last plane (close planes may have been merged) go to the outermost cells. The
    sum equals the power of the layout on any grid, to 1e-12 of the sum of the magnitudes.
    Raises ValueError where the layer extends beyond the planes by more than the outermost cell.
    """
    x, y = (np.ascontiguousarray(edges, dtype=np.float64) for edges in (x, y))
    left, front, right, back = layout.rectangle
    _check_extent(x, left, right)
    _check_extent(y, front, back)
    powered = layout.is_powered
    x0, y0, x1, y1 = (column[powered] for column in (layout.x0, layout.y0, layout.x1, layout.y1))
    power = deposit_rectangles(x, y, x0, y0, x1, y1, layout.power[powered])
    if layout.pixels is not None and layout.map_rectangle is not None:
        power += layout.scale * deposit_raster(x, y, layout.pixels, *layout.map_rectangle)
    return power


def layer_heat_source(
    geometry: Geometry, grid: Grid, part_map: PartMap, source: HeatSource
) -> LayerHeatSource:
    """Return a heat source of the geometry on the cells of its layer; the sum of the power is preserved.

    Raises DescriptionError where the layer extends beyond the grid, or where power lies outside the layer.
    A bare total is distributed over the existing cells of the layer instead.
    """
    k, j, i = layer_window(grid, source)
    x, y = grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1]
    plan = disc_plan(geometry, grid, source)
    try:
        layout = lay_out_power(source.power, source.rectangle)
        plane = deposit_power(layout, x, y)
        plane += _moved_onto_disc(layout, x, y, None if plan is None else plan[j, i])
    except ValueError as error:
        hint = "add planes at the edges of the powered layers"
        raise DescriptionError(Diagnostic("grid", str(error), hint, "E-GRID")) from None
    total = plane.sum()
    kept = plane.copy()
    kept[~layer_mask(geometry, (part[j, i] for part in part_map.planes_in(k)), source.part)] = 0.0
    lost = np.abs(plane - kept).sum()  # of magnitudes, because positive and negative powers may cancel
    if lost > MAX_LOST_FRACTION * np.abs(plane).sum():
        is_bare_total = not source.power.blocks and source.power.map is None
        if not is_bare_total or not kept.any():
            shown = format_quantity(float(lost), "power")
            text = f"{shown} of the power lie where the layer is open or another stack is embedded"
            geometry.package.refuse(
                [diagnostic_at(source.path, text, "move the blocks onto the layer", "E-POWER")]
            )
        kept *= total / kept.sum()
    shares = grid.dz[k] / grid.dz[k].sum()
    return LayerHeatSource(source.part, k.start, shares, j.start, i.start, kept)


def _moved_onto_disc(
    layout: PowerLayout, x: np.ndarray, y: np.ndarray, plan: np.ndarray | None
) -> np.ndarray | float:
    """Return the power [W] to add to each cell, so that blocks have none beyond the staircase of a disc."""
    if plan is None or layout.names == ("",):
        return 0.0
    powered = layout.is_powered
    fractions = rectangle_fractions(x, y, *layout.corners[powered].T)
    moved: np.ndarray = (restrict_to_layer(fractions, plan) - fractions) @ layout.power[powered]
    return moved.reshape(plan.shape)


def _check_extent(edges: np.ndarray, low: float, high: float) -> None:
    if low < 2.0 * edges[0] - edges[1] or high > 2.0 * edges[-1] - edges[-2]:
        raise ValueError(
            f"a layer from {low} to {high} m extends beyond the grid from {edges[0]} to {edges[-1]} m"
        )


# -- powers that vary in time ----------------------------------------------------------------


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
class _LayerSources:
    """The sources of one layer: names, powers [W], areas [m2], and fractions in a plane of cells."""

    names: list[str]
    described_power: np.ndarray
    is_given: np.ndarray
    area: np.ndarray
    fractions: scipy.sparse.csr_array  # (rows columns, sources)


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
    for source, layer in zip(geometry.sources, layer_sources, strict=True):
        own = _source_fractions(geometry, grid, part, source, layer)
        used = np.flatnonzero(np.diff(own.fractions.indptr))
        j, i = np.divmod(used, layer.plane.shape[1])
        column = (layer.j0 + j) * nx + layer.i0 + i
        heights = np.arange(layer.k0, layer.k0 + layer.shares.size)
        cells.append(np.add.outer(heights * (ny * nx), column).reshape(-1))
        part_of_column = part[layer.k0].reshape(-1)[column].astype(np.intp) - 1
        last = first + len(own.names)
        planes.append(
            SourcePlane(slice(first, last), own.fractions[used], layer.shares, part_of_column, used)
        )
        found.append(own)
        first = last
    cell, order = _in_ascending_order([piece for piece in cells if piece.size])
    counts = [len(own.names) for own in found]
    allowed = [source.power.allow_negative for source in geometry.sources]
    sums = np.concatenate([np.zeros(0), *(own.fractions.sum(axis=0) for own in found)])
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
    geometry: Geometry, grid: Grid, part: np.ndarray, source: HeatSource, layer: LayerHeatSource
) -> _LayerSources:
    """Return the sources of a layer with the fraction of each in the cells of a plane.

    In a local model the fractions of the sources that its box cuts add to less than 1.
    """
    k, j, i = layer.window
    x, y = grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1]
    layout = lay_out_power(source.power, source.rectangle)
    is_local = geometry.region is not None
    if is_local:
        x, y = planes_beyond_box(layout, x, y)
    title = geometry.parts[source.part].name
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
    mask = layer_mask(geometry, _distinct(part[k, j, i]), source.part)
    fractions = scipy.sparse.csr_array(scipy.sparse.hstack(planes))
    if is_local:
        inner = np.arange((y.size - 1) * (x.size - 1)).reshape(y.size - 1, x.size - 1)[1:-1, 1:-1]
        fractions = scipy.sparse.csr_array(fractions[inner.reshape(-1)]) * share_in_height(geometry, source)
    fractions = restrict_to_layer(fractions, mask)
    if is_local and layout.names == ("",) and layout.power[0] != 0.0:
        fractions = scipy.sparse.csr_array(layer.plane.reshape(-1, 1) / layout.power[0])
    described_power, given, area = (np.concatenate(pieces) for pieces in (powers, is_given, areas))
    return _LayerSources(names, described_power, given, area, fractions)


def restrict_to_layer(fractions: scipy.sparse.csr_array, mask: np.ndarray) -> scipy.sparse.csr_array:
    """Return fractions without cells off the layer; each source is distributed over its remaining cells."""
    if mask.all():
        return fractions
    before = np.asarray(abs(fractions).sum(axis=0)).reshape(-1)
    kept = scipy.sparse.csr_array(scipy.sparse.diags_array(mask.reshape(-1).astype(np.float64)) @ fractions)
    kept.eliminate_zeros()
    after = np.asarray(abs(kept).sum(axis=0)).reshape(-1)
    scale = np.divide(before, after, out=np.zeros(after.size), where=after > BALANCE_TOLERANCE * before)
    return scipy.sparse.csr_array(kept @ scipy.sparse.diags_array(scale))


def _distinct(planes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the planes that differ from the one below them."""
    last = None
    for plane in planes:
        if last is None or not np.array_equal(plane, last):
            yield plane
        last = plane
