"""Errors and warnings that only the cells of a geometry show: planes, coarse sources, unconnected pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.mesh.block_cells import BlockCells
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.connected_pieces import label_pieces
from thermostack.mesh.grid import Grid
from thermostack.mesh.layer_heat_source import LayerHeatSource
from thermostack.mesh.link_cells import LinkCells
from thermostack.mesh.merged_planes import MERGE_DISTANCES
from thermostack.mesh.part_map import PartMap, cells_of_boxes
from thermostack.package.geometry import Geometry
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

SINGLE_CELL_WARNING = "only one cell across"
MAX_NAMED_SOURCES = 3  # in a warning
MAX_NAMED_PARTS = 5


def grid_diagnostics(geometry: Geometry, grid: Grid, fixed: Sequence[np.ndarray]) -> Iterator[Diagnostic]:
    """Yield an error where given planes omit a piece of the body or have no cell for a part.

    `fixed` are the planes along x, y and z [m] at the faces of the geometry.
    """
    for name, planes, faces in zip("xyz", (grid.x, grid.y, grid.z), fixed, strict=True):
        if planes[0] - faces[0] > MERGE_DISTANCES[name] or faces[-1] - planes[-1] > MERGE_DISTANCES[name]:
            ends = [format_quantity(float(end), "length") for end in (faces[0], faces[-1])]
            text = f"the planes do not cover the body, which extends from {' to '.join(ends)} in {name}"
            yield diagnostic_at(("grid", name), text, "add planes at the faces of the body", "E-GRID")
    has_cells = np.all([ends[:, 0] < ends[:, 1] for ends in cells_of_boxes(geometry, grid)], axis=0)
    resolved = {geometry.boxes[n].part for n in np.flatnonzero(has_cells).tolist()}
    for n, part in enumerate(geometry.parts):
        if n not in resolved:
            yield diagnostic_at(("grid",), f"no cell for {part.name}", "add planes at its faces", "E-GRID")


def single_cell_windows(
    geometry: Geometry, grid: Grid, sources: Sequence[LayerHeatSource], blocks: Sequence[BlockCells]
) -> list[tuple[str, int, slice]]:
    """Return name, axis (1 is y, 2 is x) and cell of the layers and blocks with power with one cell across.

    The body has more cells along that axis. Blocks of 0 W are left out.
    """
    windows = [(geometry.parts[source.part].name, source.window) for source in sources]
    windows += [(block.name, block.window) for block in blocks if block.power]
    return [
        (name, axis, window[axis])
        for name, window in windows
        for axis in (1, 2)
        if grid.shape[axis] > 1 and window[axis].stop - window[axis].start < 2
    ]


def single_cell_sources(
    geometry: Geometry, grid: Grid, sources: Sequence[LayerHeatSource], blocks: Sequence[BlockCells]
) -> list[str]:
    """Return the names of the layers and blocks with power that have one cell across x or y."""
    return list(dict.fromkeys(name for name, *_ in single_cell_windows(geometry, grid, sources, blocks)))


def single_cell_warnings(
    geometry: Geometry, grid: Grid, sources: Sequence[LayerHeatSource], blocks: Sequence[BlockCells]
) -> list[Diagnostic]:
    """Return a warning that names the sources with one cell across x or y, where the body has more.

    Blocks of 0 W are left out: one cell is enough to read the temperature that other sources cause.
    """
    found = single_cell_sources(geometry, grid, sources, blocks)
    if not found:
        return []
    more = f" and {len(found) - MAX_NAMED_SOURCES} more" if len(found) > MAX_NAMED_SOURCES else ""
    shown = ", ".join(found[:MAX_NAMED_SOURCES])
    text = f"{SINGLE_CELL_WARNING}: {shown}{more}; the error there cannot be estimated reliably"
    return [Diagnostic("grid", text, "use smaller cells there", "W-GRID")]


def closed_cavity_warnings(geometry: Geometry, grid: Grid, part_map: PartMap) -> list[Diagnostic]:
    """Return a warning with number, volume and a point of the cavities that parts close on all sides."""
    cavities = part_map.closed_cavities()
    if not cavities.any():
        return []
    labels, count = label_pieces(cavities)
    ends = [planes[first] for planes, first in zip((grid.z, grid.y, grid.x), part_map.first, strict=True)]
    dz, dy, dx = (np.diff(planes) for planes in ends)
    volumes = dz[:, None, None] * dy[:, None] * dx
    volume = np.bincount(labels.reshape(-1), volumes.reshape(-1))[1:]
    k, j, i = np.argwhere(labels == 1 + int(np.argmax(volume)))[0].tolist()
    point = [
        format_quantity(0.5 * (planes[n] + planes[n + 1]), "length")
        for planes, n in zip(ends[::-1], (i, j, k), strict=True)
    ]
    size = f"{volume.max() * 1e9:.3g} mm3"
    text = f"a closed cavity of {size}" if count == 1 else f"{count} closed cavities, the largest of {size},"
    text += f" at ({', '.join(point)}) exchange{'s' if count == 1 else ''} no heat: the walls are adiabatic"
    hint = "fill the void with a material, such as air, if heat crosses it"
    return [geometry.package.locate(diagnostic_at(("stacks",), text, hint, "W-GAP"))]


def remove_unpowered_islands(
    geometry: Geometry,
    part_map: PartMap,
    boundary: BoundaryFaces,
    sources: Sequence[LayerHeatSource],
    links: Sequence[LinkCells],
) -> list[Diagnostic]:
    """Remove the pieces of the body without power and without a path to a cooler; return a warning for each.

    Links join pieces. Raises DescriptionError where such a piece has power or the end of a link, or where no
    piece is cooled. Nothing is removed from an isolated package.
    """
    if geometry.package.cooling.isolated:
        return []
    part = part_map.part
    labels, count = label_pieces(part > 0)
    if count == 1 and np.any(boundary.h > 0.0):
        return []
    ends = [
        np.concatenate([part_map.tile_indices(end.index(part_map.shape)) for end in link.ends], axis=1)
        for link in links
    ]
    labels = _join_labels(labels, count, [labels[tuple(tiles)] for tiles in ends])
    cooled = np.unique(labels[part_map.tile_indices(boundary.cell[boundary.h > 0.0])])
    powered = [labels[tuple(tiles)] for tiles in ends]
    powered += [labels[part_map.tile_indices(boundary.cell[boundary.flux != 0.0])]]
    for source in sources:
        j, i = np.nonzero(source.plane)
        k = part_map.tile_index(np.arange(source.k0, source.k0 + source.shares.size), 0)
        columns = part_map.tile_index(source.j0 + j, 1), part_map.tile_index(source.i0 + i, 2)
        powered += [labels[tile][columns] for tile in np.unique(k).tolist()]
    diagnostics: list[Diagnostic] = []
    for label in np.setdiff1d(labels[labels > 0], cooled).tolist():
        island = labels == label
        names = [geometry.parts[number - 1].name for number in np.unique(part[island]).tolist()]
        more = f" and {len(names) - MAX_NAMED_PARTS} more" if len(names) > MAX_NAMED_PARTS else ""
        shown = ", ".join(names[:MAX_NAMED_PARTS]) + more
        through = "solids and links" if links else "solids"
        text = f"no path through {through} leads from {shown} to a cooled face"
        is_removed = cooled.size > 0 and not any(np.any(found == label) for found in powered)
        if is_removed:
            text += "; it is removed, for its temperature is undetermined"
            part[island] = 0
        code = "W-GAP" if is_removed else "E-COOLING"
        hint = "close the gap around it, or cool one of its faces"
        diagnostics.append(diagnostic_at(("stacks",), text, hint, code))
    geometry.package.refuse(diagnostics)
    return [geometry.package.locate(diagnostic) for diagnostic in diagnostics]


def _join_labels(labels: np.ndarray, count: int, joined: Sequence[np.ndarray]) -> np.ndarray:
    """Return the labels of pieces of the body, one label for all pieces that links join.

    `joined` are the labels that each link joins.
    """
    first = np.arange(count + 1)  # of the piece that each piece is joined to
    for each in joined:
        is_joined = np.isin(first, first[each])
        first[is_joined] = first[is_joined].min()
    return np.asarray(first[labels])
