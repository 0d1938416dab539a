"""The cells of a local model: a region of a package on a finer grid, with the powers and coolers in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.errors import ResourceError
from thermostack.mesh.area_overlap import overlap_fractions
from thermostack.mesh.block_cells import BlockCells, covering_cells
from thermostack.mesh.boundary_faces import BoundaryFaces, cooler_entries
from thermostack.mesh.box_cuts import planes_beyond_box, share_in_height
from thermostack.mesh.geometry_features import GeometryFeatures
from thermostack.mesh.grid import Grid
from thermostack.mesh.grid_lines import MAX_BLOCK_PLANES, MAX_CELLS_ALONG_AXIS, PoweredRegions, fixed_planes
from thermostack.mesh.layer_cells import disc_plan, layer_columns, layer_mask, layer_window
from thermostack.mesh.layer_heat_source import LayerHeatSource, deposit_power
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.merged_planes import AXIS_NAMES, MERGE_DISTANCES
from thermostack.mesh.model import Model
from thermostack.mesh.part_map import PartMap
from thermostack.package.geometry import Geometry, HeatSource
from thermostack.package.local_region import LocalRegion
from thermostack.package.rectangles import intersection

CellSizes = tuple[float, float, float]  # m, maximum along x, y and z
COUNT_TOLERANCE = 1e-6  # cells: a count that exceeds a whole number by less is that number
FACE_TOLERANCE = 1.1 * max(MERGE_DISTANCES.values())  # m: planes of two grids that are closer coincide


# -- grid ------------------------------------------------------------------------------------------


def local_grid(parent: Model, geometry: Geometry, sizes: CellSizes) -> Grid:
    """Return the grid of a local model: planes at the faces of its parts, and cells of a maximum size [m].

    No cell is larger than those of the parent there.
    """
    edges = _block_edges(geometry)
    none = np.zeros(0)
    features = GeometryFeatures(geometry)
    powered = PoweredRegions(np.zeros((0, 4)), np.zeros((0, 2)), edges, none, none, features)
    planes = []
    for axis, (name, size) in enumerate(zip(AXIS_NAMES, sizes, strict=True)):
        fixed, _ = fixed_planes(geometry, powered, axis)
        planes.append(_refined(fixed, getattr(parent.grid, name), size, name))
    return Grid(*planes)


def _block_edges(geometry: Geometry) -> np.ndarray:
    """Return the rectangles of the blocks in the region [m], (n, 4), of floorplans with few edges."""
    region, found = geometry.region, [np.zeros((0, 4))]
    if region is None:
        return found[0]
    for source in geometry.sources:
        corners = source.layout.corners
        inside = [
            common for corner in corners.tolist() if (common := intersection(tuple(corner), region.plan))
        ]
        count = max((np.unique(np.array(inside)[:, n::2]).size for n in (0, 1)), default=0) if inside else 0
        if inside and count <= MAX_BLOCK_PLANES:
            found.append(np.array(inside))
    return np.concatenate(found)


def _refined(fixed: np.ndarray, parent: np.ndarray, size: float, name: str) -> np.ndarray:
    """Return the fixed planes [m] and others between them, for a maximum size [m] and that of the parent."""
    pieces = [fixed[:1]]
    total = 0.0
    for low, high in zip(fixed[:-1].tolist(), fixed[1:].tolist(), strict=True):
        ends = np.concatenate(([low], parent[(parent > low) & (parent < high)], [high]))
        middle = 0.5 * (ends[1:] + ends[:-1])
        width = np.diff(parent)[np.clip(np.searchsorted(parent, middle) - 1, 0, parent.size - 2)]
        number = np.concatenate(([0.0], np.cumsum(np.diff(ends) / np.minimum(size, width))))
        cells = max(1.0, np.ceil(number[-1] - COUNT_TOLERANCE))
        total += cells
        if not total <= MAX_CELLS_ALONG_AXIS:
            text = f"{total:.3g} cells along {name} do not fit in memory"
            raise ResourceError(f"{text}; use larger cells or a smaller box")
        inner = np.interp(np.linspace(0.0, number[-1], int(cells) + 1)[1:-1], number, ends)
        pieces += [inner, np.array([high])]
    return np.concatenate(pieces)


def require_memory(grid: Grid, geometry: Geometry) -> None:
    """Raise ResourceError where a solve on a grid does not fit in the memory of this machine."""
    check_memory(MemoryEstimate(grid, geometry.is_linear))


# -- powers ----------------------------------------------------------------------------------------


def local_heat_source(
    parent: Model, geometry: Geometry, grid: Grid, part_map: PartMap, source: HeatSource
) -> LayerHeatSource:
    """Return a heat source of a local geometry on the cells of its layer.

    The power in the box is the part of each block, pixel or total that lies in it. Where the parent
    distributes a bare total over the existing cells of a layer, it has the same power per area here.
    """
    window = layer_window(grid, source)
    k, j, i = window
    x, y = grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1]
    mask = layer_columns(geometry, part_map, k, source.part)[j, i]
    known = _source_of_parent(parent, source)
    is_bare = source.power.is_bare_total
    if known is not None and not is_bare and disc_plan(geometry, grid, source) is not None:
        plane = _resampled(parent, known[1], x, y)
    else:
        plane = share_in_height(geometry, source) * _power_in_box(source, x, y)
        if is_bare and known is not None:
            plane = plane * _density_factor(parent, *known)
    plane = np.where(mask, plane, 0.0)
    shares = grid.dz[k] / grid.dz[k].sum()
    return LayerHeatSource(source.part, k.start, shares, j.start, i.start, np.ascontiguousarray(plane))


def _power_in_box(source: HeatSource, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the described power [W] of each cell between planes x and y [m], which may cut the layer."""
    layout = source.layout
    return deposit_power(layout, *planes_beyond_box(layout, x, y))[1:-1, 1:-1]


def _source_of_parent(parent: Model, source: HeatSource) -> tuple[HeatSource, LayerHeatSource] | None:
    """Return the heat source of the same layer in the parent, None where the layer has no power there."""
    pairs = zip(parent.geometry.sources, parent.layer_sources, strict=True)
    return next((pair for pair in pairs if pair[0].path == source.path), None)


def _density_factor(parent: Model, source: HeatSource, layer: LayerHeatSource) -> float:
    """Return the factor by which the parent's power per area exceeds the total over the whole layer."""
    if not source.power.is_bare_total:
        return 1.0
    k, j, i = layer.window
    x, y = parent.grid.x[i.start : i.stop + 1], parent.grid.y[j.start : j.stop + 1]
    plane = share_in_height(parent.geometry, source) * _power_in_box(source, x, y)
    mask = layer_mask(parent.geometry, list(parent.part[k, j, i]), source.part)
    kept = float(plane[mask].sum())
    return float(layer.plane.sum()) / kept if kept != 0.0 else 1.0


def _resampled(parent: Model, layer: LayerHeatSource, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the parent's power [W] of each cell between planes x and y [m], even in each of its cells."""
    _, j, i = layer.window
    ends = [(parent.grid.x[i.start : i.stop + 1], x), (parent.grid.y[j.start : j.stop + 1], y)]
    columns, rows = (
        overlap_fractions(np.concatenate(([own[0] - 1.0], new, [own[-1] + 1.0])), own)[1:-1]
        for own, new in ends
    )
    plane: np.ndarray = (columns @ (rows @ layer.plane).T).T
    return plane


def local_blocks(geometry: Geometry, grid: Grid, part_map: PartMap, named: set[str]) -> Iterator[BlockCells]:
    """Yield the blocks with cells in a local model; the power is that of their part in the box.

    `named` are the names of the blocks of the parent.
    """
    region = geometry.region
    for source in geometry.sources if region is not None else ():
        layout = source.layout
        title, share = geometry.parts[source.part].name, share_in_height(geometry, source)
        k, _, _ = layer_window(grid, source)
        mask = layer_columns(geometry, part_map, k, source.part)
        for name, power, corners in zip(layout.names, layout.power.tolist(), layout.corners, strict=True):
            common = intersection(tuple(corners.tolist()), region.plan) if region else None
            if not name or common is None or f"{title}.{name}" not in named:
                continue
            x0, y0, x1, y1 = common
            j, i = covering_cells(grid.y, y0, y1), covering_cells(grid.x, x0, x1)
            if mask[j, i].any():
                area = (x1 - x0) * (y1 - y0) / ((corners[2] - corners[0]) * (corners[3] - corners[1]))
                own = share * power * float(min(area, 1.0))
                yield BlockCells(f"{title}.{name}", source.part, own, (k, j, i))


# -- faces -----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LocalFaces:
    """Boundary faces of the cells of a local model, with the cells of the parent behind them."""

    cell: np.ndarray  # (n,) index in the raveled grid
    axis: np.ndarray  # (n,) 0 z, 1 y, 2 x
    is_high: np.ndarray  # (n,)
    area: np.ndarray  # (n,) m2, of the face of the cell
    center: np.ndarray  # (3, n) m: z, y, x of the centre of the face
    parent: np.ndarray  # (3, n) k, j, i of the parent's cell on the inner side
    is_cut: np.ndarray  # (n,) on the surface of the box, with the body on both sides in the parent

    def select(self, chosen: np.ndarray) -> LocalFaces:
        """Return some of the faces."""
        rest = (self.cell, self.axis, self.is_high, self.area)
        cell, axis, is_high, area = (column[chosen] for column in rest)
        positions = self.center[:, chosen], self.parent[:, chosen]
        return LocalFaces(cell, axis, is_high, area, *positions, self.is_cut[chosen])


def find_local_faces(parent: Model, region: LocalRegion, grid: Grid, part_map: PartMap) -> LocalFaces:
    """Return the boundary faces of the cells of a local model."""
    pieces = [
        _faces_of_side(parent, region, grid, part_map, axis, is_high)
        for axis in range(3)
        for is_high in (False, True)
    ]
    columns = (
        np.concatenate([getattr(piece, name) for piece in pieces], axis=-1)
        for name in LocalFaces.__dataclass_fields__
    )
    return LocalFaces(*columns)


def _faces_of_side(
    parent: Model, region: LocalRegion, grid: Grid, part_map: PartMap, axis: int, is_high: bool
) -> LocalFaces:
    """Return the boundary faces with one normal direction."""
    index = part_map.boundary_cells(axis, is_high)
    centers = [grid.z_center, grid.y_center, grid.x_center]
    widths = [grid.dz, grid.dy, grid.dx]
    planes = [parent.grid.z, parent.grid.y, parent.grid.x]
    edges = (grid.z, grid.y, grid.x)[axis]
    center = np.array([own[at] for own, at in zip(centers, index, strict=True)]).reshape(3, -1)
    center[axis] = edges[index[axis] + is_high]
    position = center.copy()
    position[axis] += -FACE_TOLERANCE if is_high else FACE_TOLERANCE
    inner = np.array(
        [
            np.clip(np.searchsorted(own, at, side="right") - 1, 0, own.size - 2)
            for own, at in zip(planes, position, strict=True)
        ]
    ).reshape(3, -1)
    area = np.ones(center.shape[1])
    for other in {0, 1, 2} - {axis}:
        area = area * widths[other][index[other]]
    beyond = inner.copy()
    far = planes[axis][inner[axis] + is_high]
    on_plane = np.abs(far - center[axis]) <= FACE_TOLERANCE
    beyond[axis] += np.where(on_plane, 1 if is_high else -1, 0)
    exists = (beyond[axis] >= 0) & (beyond[axis] < planes[axis].size - 1)
    within = np.where(exists, beyond, inner)
    surface = (region.high if is_high else region.low)[2 - axis]
    is_cut = exists & (parent.part[tuple(within)] > 0)
    is_cut &= np.abs(center[axis] - surface) <= FACE_TOLERANCE
    _, ny, nx = grid.shape
    k, j, i = index
    count = center.shape[1]
    sides = np.full(count, axis, np.uint8), np.full(count, is_high)
    return LocalFaces((k * ny + j) * nx + i, *sides, area, center, inner, is_cut)


def cooled_faces(parent: Model, faces: LocalFaces) -> tuple[BoundaryFaces, np.ndarray]:
    """Return the faces of a local model on the surface of the parent, with its boundary conditions there.

    The second value is the index of the boundary face of the parent behind each of them.
    """
    boundary = parent.boundary
    outer = faces.select(~faces.is_cut)
    own = np.ravel_multi_index(tuple(outer.parent), parent.grid.shape)
    keys = (boundary.cell * 3 + boundary.axis) * 2 + boundary.is_high
    wanted = (own * 3 + outer.axis) * 2 + outer.is_high
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys[order], wanted), max(keys.size - 1, 0))
    found = keys[order][place] == wanted if keys.size else np.zeros(wanted.size, dtype=bool)
    source = order[place[found]] if keys.size else np.zeros(0, np.intp)
    outer = outer.select(found)
    cosine = boundary.direction_cosine[source]
    found_faces = BoundaryFaces(
        outer.cell,
        outer.axis,
        outer.is_high,
        outer.area * cosine,
        cosine,
        boundary.h[source],
        boundary.temperature[source],
        boundary.flux[source],
        boundary.face[source],
        boundary.cooler[source],
    )
    return found_faces, source


def find_positions(boundary: BoundaryFaces, faces: BoundaryFaces | LocalFaces) -> np.ndarray:
    """Return the indices in a boundary of some of its faces."""
    keys, wanted = ((each.cell * 3 + each.axis) * 2 + each.is_high for each in (boundary, faces))
    order = np.argsort(keys, kind="stable")
    found: np.ndarray = order[np.searchsorted(keys[order], wanted)] if wanted.size else np.zeros(0, np.intp)
    return found


def join_boundaries(first: BoundaryFaces, second: BoundaryFaces) -> BoundaryFaces:
    """Return the faces of two boundaries in the order of the cells."""
    columns = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in BoundaryFaces.__dataclass_fields__
    }
    order = np.argsort(columns["cell"], kind="stable")
    return BoundaryFaces(**{name: column[order] for name, column in columns.items()})


def cut_boundary(
    parent: Model, faces: LocalFaces, h: np.ndarray, temperature: np.ndarray, flux: np.ndarray
) -> BoundaryFaces:
    """Return the faces on which a local model is cut out, with h, temperature and flux of each.

    Their cooler has the number after the last one of the package.
    """
    order_of_faces = np.array([[1, 0], [4, 5], [2, 3]])  # index into FACES by axis and side
    number = len(cooler_entries(parent.package.cooling))
    count = faces.cell.size
    return BoundaryFaces(
        faces.cell,
        faces.axis,
        faces.is_high,
        faces.area,
        np.ones(count),
        h,
        temperature,
        flux,
        order_of_faces[faces.axis, faces.is_high.astype(int)].astype(np.uint8),
        np.full(count, number, np.uint16),
    )
