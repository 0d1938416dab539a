"""Sources of an influence matrix: blocks, layers, stacks or tiles, and the fraction of each in the cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from thermostack.errors import DescriptionError, UnknownNameError
from thermostack.mesh.area_overlap import rectangle_fractions
from thermostack.mesh.heat_sources import HeatSources
from thermostack.mesh.layer_cells import layer_mask
from thermostack.mesh.layer_heat_source import restrict_to_layer
from thermostack.mesh.model import Model
from thermostack.mesh.source_names import listed
from thermostack.results.names import unknown_name
from thermostack.schema.arguments import argument_error, as_names, check_whole_number, require_mapping

MAX_TILES = 256  # along an axis of a layer: more tiles than cells carry no information
LEVELS = ("blocks", "layers", "stacks")


@dataclass(frozen=True, eq=False)
class SourceColumns:
    """Sources of heat with the fraction of each in the cells, and the heat that belongs to none of them.

    A plane of fractions has a row for each cell of the window of a layer source of the model.
    """

    names: tuple[str, ...]
    layers: tuple[str, ...]  # name of the part of each source, of the first of several
    power: np.ndarray  # (sources,) W, described
    planes: tuple[
        scipy.sparse.csr_array, ...
    ]  # by layer source: (rows columns, sources), a column sums to 1 in all
    other_planes: tuple[np.ndarray, ...]  # by layer source: (rows, columns) W that belong to no source
    cell: np.ndarray  # (n,) index in the raveled grid of every cell that can have a power, ascending
    fractions: scipy.sparse.csc_array  # (n, sources), each column sums to 1

    @property
    def other_power(self) -> float:
        """Return the power that belongs to no source [W]."""
        return float(sum(plane.sum() for plane in self.other_planes))

    def add_source(self, n: int, power: np.ndarray) -> None:
        """Add one watt of a source to the powers of all cells [W], (nz, ny, nx)."""
        entries = slice(*self.fractions.indptr[n : n + 2].tolist())
        power.reshape(-1)[self.cell[self.fractions.indices[entries]]] += self.fractions.data[entries]

    def mean(self, t: np.ndarray) -> np.ndarray:
        """Return the mean of a field of all cells, weighted by the power of each source, (sources,)."""
        means: np.ndarray = self.fractions.T @ t.reshape(-1)[self.cell]
        return means

    def powered_model(self, model: Model, power: np.ndarray) -> Model:
        """Return a model with other powers of the sources [W], (sources,), and the same cells."""
        layers = [
            replace(layer, plane=(plane @ power).reshape(layer.plane.shape) + other)
            for layer, plane, other in zip(model.layer_sources, self.planes, self.other_planes, strict=True)
        ]
        return replace(model, layer_sources=tuple(layers))


def source_columns(
    model: Model, sources: str | Sequence[str] = "blocks", tiles: Mapping[str, int] | None = None
) -> SourceColumns:
    """Return the sources of an influence matrix.

    `sources` is "blocks" (every block, map and evenly powered layer), "layers", "stacks", or names of parts,
    blocks or stacks. `tiles` divides the area of a layer into n by n rectangles, which replace the sources of
    that layer. Raises ArgumentError where there is no source, and where two names share one; UnknownNameError
    where nothing with heat has a name.
    """
    found = model.heat_sources
    counts = _checked_tiles(model, tiles)
    groups = _groups(found, sources, np.isin(found.layer, list(counts)))
    mixing = _mixing(found, groups)
    parts = [model.parts[layer.part].name for layer in model.layer_sources]
    names, layers = list(groups), [parts[found.layer[own[0]]] for own in groups.values()]
    power = [np.array([found.described_power[own].sum() for own in groups.values()])]
    is_used = np.isin(np.arange(found.count), np.concatenate([np.zeros(0, np.intp), *groups.values()]))
    unused_power = np.where(is_used, 0.0, found.described_power)
    planes, others = [], []
    for n, (layer, fractions) in enumerate(zip(model.layer_sources, _window_fractions(model), strict=True)):
        own = found.planes[n].sources
        planes.append(scipy.sparse.csr_array(fractions @ mixing[own]))
        others.append((fractions @ unused_power[own]).reshape(layer.plane.shape))
    for n, count in counts.items():
        tile, tile_names, tile_power = _tiles(model, n, count)
        names += [f"{parts[n]}.{name}" for name in tile_names]
        layers += [parts[n]] * len(tile_names)
        power.append(tile_power)
        others[n] = np.zeros(others[n].shape)
        planes = [
            scipy.sparse.csr_array(
                scipy.sparse.hstack(
                    [plane, tile if k == n else scipy.sparse.csr_array((plane.shape[0], tile.shape[1]))]
                )
            )
            for k, plane in enumerate(planes)
        ]
    if not names:
        hint = "give a layer a power, which may be 0 W"
        raise argument_error("sources", "the package has no heat source", hint, "E-POWER")
    cell, of_cells = _on_cells(model, planes)
    described = np.concatenate(power)
    return SourceColumns(tuple(names), tuple(layers), described, tuple(planes), tuple(others), cell, of_cells)


# -- sources by name ---------------------------------------------------------------------------


def _groups(found: HeatSources, sources: str | Sequence[str], is_tiled: np.ndarray) -> dict[str, np.ndarray]:
    """Return the indices of the heat sources of each column, by its name.

    The powers of a map that add to zero cannot be scaled: it belongs to no column.
    """
    is_usable = (found.fraction_sums != 0.0) & ~is_tiled
    groups: dict[str, list[int]] = {}
    if isinstance(sources, str) and sources in LEVELS:
        for n in np.flatnonzero(is_usable).tolist():
            layer = found.part_names[found.layer_parts[found.layer[n]]]
            stack = layer.rpartition(".")[0] or layer
            name = {"blocks": found.names[n], "layers": layer, "stacks": stack}[sources]
            groups.setdefault(name, []).append(n)
        return {name: np.array(own, dtype=np.intp) for name, own in groups.items()}
    named = as_names(sources, "sources")
    owner: dict[int, str] = {}
    for name in named:
        try:
            groups[name] = [n for n in found.find(name).tolist() if is_usable[n]]
        except DescriptionError as error:
            raise UnknownNameError(error.diagnostics) from None
        if shared := [owner[n] for n in groups[name] if n in owner]:
            text = f"{name} and {shared[0]} have the source {listed(found.names[n] for n in groups[name])}"
            raise argument_error("sources", text, "name each source once", "E-DUPLICATE")
        owner |= dict.fromkeys(groups[name], name)
    return {name: np.array(own, dtype=np.intp) for name, own in groups.items() if own}


def _mixing(found: HeatSources, groups: Mapping[str, np.ndarray]) -> scipy.sparse.csr_array:
    """Return the fraction of each heat source in each column, (heat sources, columns)."""
    mixing = scipy.sparse.lil_array((found.count, len(groups)))
    for n, (name, own) in enumerate(groups.items()):
        mixing[own, n] = 1.0 if own.size == 1 else found.power_fractions(name, own)
    return scipy.sparse.csr_array(mixing)


def _window_fractions(model: Model) -> list[scipy.sparse.csr_array]:
    """Return for each layer source the fraction of its heat sources in each cell of its window."""
    pairs = zip(model.layer_sources, model.heat_sources.planes, strict=True)
    return [plane.in_window(layer.plane.size) for layer, plane in pairs]


def _on_cells(
    model: Model, planes: Sequence[scipy.sparse.csr_array]
) -> tuple[np.ndarray, scipy.sparse.csc_array]:
    """Return the cells that can have a power, ascending, and the fraction of each source in them."""
    _, ny, nx = model.grid.shape
    cells, pieces = [], []
    for layer, plane in zip(model.layer_sources, planes, strict=True):
        used = np.flatnonzero(np.diff(plane.indptr))
        j, i = np.divmod(used, layer.plane.shape[1])
        column = (layer.j0 + j) * nx + layer.i0 + i
        heights = np.arange(layer.k0, layer.k0 + layer.shares.size)
        cells.append(np.add.outer(heights * (ny * nx), column).reshape(-1))
        pieces.append(scipy.sparse.kron(layer.shares[:, np.newaxis], plane[used], format="csr"))
    cell = np.concatenate(cells)
    order = np.argsort(cell, kind="stable")
    return cell[order], scipy.sparse.csc_array(scipy.sparse.csr_array(scipy.sparse.vstack(pieces))[order])


# -- tiles -------------------------------------------------------------------------------------


def _checked_tiles(model: Model, tiles: Mapping[str, int] | None) -> dict[int, int]:
    """Return the tiles along each axis of a layer, by the index of the layer source."""
    if tiles is None:
        return {}
    require_mapping(tiles, "tiles", 'write {"gpu.active": 8}')
    parts = [model.parts[layer.part].name for layer in model.layer_sources]
    counts = {}
    for name, count in tiles.items():
        if name not in parts:
            raise unknown_name(name, parts, "layer with power")
        counts[parts.index(name)] = check_whole_number(count, f"tiles.{name}", min=1, max=MAX_TILES)
    return counts


def _tiles(model: Model, n: int, count: int) -> tuple[scipy.sparse.csr_array, list[str], np.ndarray]:
    """Return the tiles of a layer that have cells: fractions in its window, names, described powers [W].

    The described power of a cell belongs to the tiles in proportion to the common area.
    """
    layer, source = model.layer_sources[n], model.geometry.sources[n]
    k, j, i = layer.window
    x, y = model.grid.x[i.start : i.stop + 1], model.grid.y[j.start : j.stop + 1]
    x0, y0, x1, y1 = source.rectangle
    edges_x, edges_y = np.linspace(x0, x1, count + 1), np.linspace(y0, y1, count + 1)
    low = np.meshgrid(edges_x[:-1], edges_y[:-1])
    high = np.meshgrid(edges_x[1:], edges_y[1:])
    overlap = rectangle_fractions(x, y, *(edge.reshape(-1) for edge in (*low, *high)))
    mask = layer_mask(model.geometry, model.part[k, j, i], source.part)
    fractions = restrict_to_layer(overlap, mask)
    kept = np.flatnonzero(np.asarray(fractions.sum(axis=0)).reshape(-1) > 0.0)
    fractions = scipy.sparse.csr_array(fractions[:, kept])
    total = np.asarray(fractions.sum(axis=1)).reshape(-1)
    per_cell = np.divide(layer.plane.reshape(-1), total, out=np.zeros(total.size), where=total > 0.0)
    rows, columns = np.divmod(kept, count)
    names = [f"tile_{column}_{row}" for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    return fractions, names, np.asarray(fractions.T @ per_cell)
