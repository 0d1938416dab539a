"""Grid line placement: planes at the faces of the geometry, and between them by a cell-size function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thermostack.errors import ResourceError
from thermostack.mesh.face_grid import FaceGrid, body_extent, box_faces
from thermostack.mesh.geometry_features import GeometryFeatures
from thermostack.mesh.material_edges import RULE as EDGE_RULE
from thermostack.mesh.merged_planes import AXIS_NAMES, IDENTITY_DISTANCE, MergedPlane, merge_planes
from thermostack.mesh.part_cell_sizes import part_sizes
from thermostack.mesh.short_times import ShortTimeSize, overlaps
from thermostack.mesh.volume_sources import volume_source_sizes
from thermostack.package.geometry import Geometry
from thermostack.package.rectangles import Rectangle

Cell = float | Sequence[float] | Mapping[str, float] | None  # m


@dataclass(frozen=True)
class CellSizeRule:
    """Coefficients of the default rule.

    They are tuned on the sixteen exact cases of tests/exact/cases.py, where the maximum error of a peak is
    1.3 % of the temperature rise (docs/numerics.md, section 6).
    """

    cells_across_block: float = 8.0  # along the width of a powered block
    cells_across_map: float = 32.0  # along the width of a map, or of a floorplan without planes
    min_cells_across_box: float = 3.0  # along x and y, between neighbouring faces of boxes
    min_cells_across_body: float = 24.0  # along x and y
    min_occupancy: float = 0.75  # of the layers: where fewer are solid, cells across the body are wider
    edge_fraction: float = 0.5  # cell size at the edge of a block, in sizes in its middle
    healing_fraction: float = 0.5  # maximum cell size at the edge of a block, in healing lengths
    lateral_growth: float = 0.35  # m/m: growth of the cell size per distance from an edge
    vertical_fraction: float = 0.25  # cell size at a source along z, in cell sizes along its shorter side
    vertical_growth: float = 0.25  # m/m: growth of the cell size along z per distance from a source
    min_anisotropy_factor: float = 0.25  # of the cell size along z in anisotropic layers


RULE = CellSizeRule()

MAX_BLOCK_PLANES = 150  # along an axis: a floorplan with more edges adds no planes to the grid
COUNT_TOLERANCE = 1e-6  # cells: rounding errors of a rotated or mirrored package do not change the cell count
MAX_CELLS_ALONG_AXIS = 1e6
SAMPLES_PER_INTERVAL = 129  # points of the integral of 1 / size between two fixed planes
MIN_SAMPLE_DISTANCE = 1e-6  # of half an interval: first point of the integral where cells grow from its ends
ROUNDING_DOWN_SLACK = 0.25  # cells: amount by which the default rule rounds a cell count down
MAX_SIZES_AT_ONCE = 200_000  # pairs of a powered region and a point: bounds the memory of an evaluation

# Of half an interval: distances of the points from its ends where cells grow from there.
_GROWING_DISTANCES = np.geomspace(MIN_SAMPLE_DISTANCE, 1.0, SAMPLES_PER_INTERVAL)


@dataclass(frozen=True, eq=False)
class PoweredRegions:
    """The rectangles of heat sources that the grid resolves, including those of 0 W."""

    plan: np.ndarray  # (n, 4) m: x0, y0, x1, y1
    height: np.ndarray  # (n, 2) m: z0, z1
    edges: np.ndarray  # (m, 4) m: rectangles whose edges are planes of the grid
    cells_across: np.ndarray  # (n,)
    min_size: np.ndarray  # (n,) m: the rule sets no smaller cell size across the region, 0 if it has power
    features: GeometryFeatures  # of the geometry

    @cached_property
    def healing(self) -> np.ndarray:
        """Return the healing length [m] at the centre of each region, (n,)."""
        centers = 0.5 * (self.plan[:, :2] + self.plan[:, 2:])
        z = 0.5 * (self.height[:, 0] + self.height[:, 1])
        return self.features.healing_lengths.at_points(centers, z)


def find_powered_regions(geometry: Geometry, block_planes: int = MAX_BLOCK_PLANES) -> PoweredRegions:
    """Return the blocks, or the whole layer where their edges are more than `block_planes`.

    Blocks without power are included, because a trace may heat them. If other blocks of the layer have power,
    the cells across an idle block are not smaller than those across the smallest of these blocks.
    """
    plans, heights, edges, cells_across, min_sizes = [], [], [], [], []
    for source in geometry.sources:
        plan = source.layout.corners
        planes = 2
        if not source.layout.is_even:
            planes = max(_count_planes(plan[:, [axis, axis + 2]]) for axis in (0, 1))
        is_few = source.power.map is None and planes <= block_planes
        if is_few:
            edges.append(plan)
            min_sizes.append(_min_sizes(plan, source.layout.is_powered))
        else:
            plan = np.array([source.rectangle])
            min_sizes.append(np.zeros(1))
        plans.append(plan)
        heights += [(source.z0, source.z1)] * len(plan)
        cells_across += [RULE.cells_across_block if is_few else RULE.cells_across_map] * len(plan)
    return PoweredRegions(
        _stacked(plans, 4),
        np.array(heights).reshape(-1, 2),
        _stacked(edges, 4),
        np.array(cells_across),
        np.concatenate([*min_sizes, []]),
        GeometryFeatures(geometry),
    )


def _min_sizes(plan: np.ndarray, is_powered: np.ndarray) -> np.ndarray:
    """Return the minimum cell size [m] of the rule across each block of a layer, (blocks,)."""
    if is_powered.all() or not is_powered.any():
        return np.zeros(len(plan))
    smallest = float((plan[is_powered, 2:] - plan[is_powered, :2]).min())
    return np.where(is_powered, 0.0, smallest / RULE.cells_across_block)


def _count_planes(edges: np.ndarray) -> int:
    """Return the number of distinct edges; those of adjacent blocks differ by rounding."""
    return 1 + int(np.count_nonzero(np.diff(np.sort(edges, axis=None)) > IDENTITY_DISTANCE))


def _stacked(rows: list[np.ndarray], columns: int) -> np.ndarray:
    return np.concatenate([*rows, np.zeros((0, columns))])


# -- planes at the faces of the geometry -------------------------------------------------------------


def fixed_planes(
    geometry: Geometry, powered: PoweredRegions, axis: int
) -> tuple[np.ndarray, list[MergedPlane]]:
    """Return the planes [m] that every grid has along an axis, and the planes that were merged with them."""
    faces = [box_faces(geometry, axis)]
    if axis < 2:
        rectangles = [powered.edges, *(np.array([contact.rectangle]) for contact in geometry.contacts)]
        rectangles.append(powered.features.link_ends.plan)
        low, high = np.concatenate(rectangles)[:, [axis, axis + 2]].T
        faces += [np.column_stack([end, high - low]) for end in (low, high)]
    else:
        faces += [np.array([(contact.z, np.inf)]) for contact in geometry.contacts]
    faces.append(np.array(_region_faces(geometry, axis)).reshape(-1, 2))
    all_faces = np.concatenate(faces)
    low, high = body_extent(geometry, axis)
    return merge_planes(all_faces[(low <= all_faces[:, 0]) & (all_faces[:, 0] <= high)], axis)


def _region_faces(geometry: Geometry, axis: int) -> list[tuple[float, float]]:
    """Return the edges of the regions of coolers along an axis, and their extent [m]."""
    edges: list[tuple[float, float]] = []
    for face, entry in geometry.package.cooling:
        if entry.region is None:
            continue
        along = {"top": (0, 1), "bottom": (0, 1), "west": (1, 2), "east": (1, 2)}.get(face, (0, 2))
        if axis in along:
            n = along.index(axis)
            low, extent = entry.region.position[n], entry.region.size[n]
            edges += [(low, extent), (low + extent, extent)]
    return edges


# -- cell sizes -----------------------------------------------------------------------------------


class CellSize:
    """The cell size along one axis as a function of the coordinate, and the planes that follow from it."""

    def __init__(
        self,
        geometry: Geometry,
        powered: PoweredRegions,
        axis: int,
        cell: Cell,
        fineness: float = 1.0,
        from_time: float | None = None,
    ) -> None:
        """Take the maximum cell size [m], and the factor `fineness` that divides the default sizes.

        `from_time` [s] is the shortest time after a change of power that the cells resolve.
        """
        self.axis = axis
        self.fineness = fineness
        self.powered = powered
        self.max_size, self.uses_default = _max_size(cell, axis)
        self.rows = np.zeros((0, 3 if axis == 2 else 4))
        if self.uses_default:
            self.rows = _vertical_rows(powered) if axis == 2 else _lateral_rows(powered, axis)
        features = powered.features
        self.link_ends = features.link_ends
        self.edges = features.material_edges[axis] if axis < 2 and self.uses_default else None
        self.edge_heights = features.edge_heights if axis == 2 and self.uses_default else None
        self.rule_fineness = fineness / (EDGE_RULE.size_factor if self.edges else 1.0)
        self.anisotropy = _anisotropy_factors(geometry, powered) if axis == 2 and self.uses_default else []
        low, high = body_extent(geometry, axis)
        self.faces = features.faces.planes[axis]
        occupancy = np.maximum(_occupancy(geometry, features.faces, axis), RULE.min_occupancy)
        self.max_lateral_size = (high - low) / RULE.min_cells_across_body / occupancy
        self.parts = part_sizes(geometry, cell, axis) if isinstance(cell, Mapping) else []
        self.volume_sources: list[tuple[float, float, float]] = []
        if axis == 2 and self.uses_default:
            self.volume_sources = volume_source_sizes(geometry, features.healing_lengths)
        self.short_times = None
        if from_time is not None and len(powered.plan) > 0:
            self.short_times = ShortTimeSize(geometry, powered.plan, powered.height, axis, from_time)

    def size(self, s: np.ndarray) -> np.ndarray:
        """Return the cell size [m] at coordinates s [m] along the axis."""
        size: np.ndarray = np.full(s.shape, self.max_size)
        if self.uses_default and (self.axis < 2 or len(self.powered.plan) == 0):
            interval = np.clip(np.searchsorted(self.faces, s) - 1, 0, self.faces.size - 2)
            across_box = np.diff(self.faces)[interval] / RULE.min_cells_across_box
            size = np.minimum(
                size, np.minimum(self.max_lateral_size[interval], across_box) / self.rule_fineness
            )
        if self.uses_default and len(self.rows) + len(self.link_ends) > 0:
            rule = _vertical_size if self.axis == 2 else _lateral_size
            by_rule = np.minimum(rule(self.rows, s), self.link_ends.size(s, self.axis)) / self.rule_fineness
            if self.edge_heights:
                by_rule = np.minimum(by_rule, self.edge_heights.size(s) / self.fineness)
            for low, high, factor in self.anisotropy:
                by_rule[(s > low) & (s < high)] *= factor
            size = np.minimum(size, by_rule)
        if self.edges:
            size = np.minimum(size, self.edges.size(s) / self.fineness)
        for low, high, max_size in self.volume_sources:
            inside = (s > low) & (s < high)
            size[inside] = np.minimum(size[inside], max_size / self.fineness)
        if self.short_times is not None:
            size = np.minimum(size, self.short_times.size(s) / self.fineness)
        for low, high, max_size in self.parts:
            size[(s >= low) & (s <= high)] = np.minimum(size[(s >= low) & (s <= high)], max_size)
        return size

    def planes(self, fixed: np.ndarray) -> np.ndarray:
        """Return the planes [m]: the fixed ones, and others between them according to the cell size.

        The cell count of an interval is the integral of ds / size, rounded up. Raises ResourceError above
        `MAX_CELLS_ALONG_AXIS`.
        """
        pieces = []
        samples = self._samples(fixed)
        slack = COUNT_TOLERANCE + (ROUNDING_DOWN_SLACK if self.uses_default else 0.0)
        for s, size in zip(samples, self._sizes_between(samples), strict=True):
            number = np.concatenate(([0.0], np.cumsum(np.diff(s) / size)))
            cells = max(1.0, np.ceil(number[-1] - slack))
            pieces.append((s, number, cells))
        total = sum(cells for _, _, cells in pieces)
        if not total <= MAX_CELLS_ALONG_AXIS:
            text = f"{total:.3g} cells along {AXIS_NAMES[self.axis]} do not fit in memory"
            raise ResourceError(f"{text}; use larger cells")
        planes = [fixed[:1]]
        for s, number, cells in pieces:
            if cells > 1.0:
                planes.append(np.interp(np.linspace(0.0, number[-1], int(cells) + 1)[1:-1], number, s))
            planes.append(s[-1:])
        return np.concatenate(planes)

    def _samples(self, fixed: np.ndarray) -> list[np.ndarray]:
        """Return the points [m] between each two fixed planes at which the cell size is evaluated."""
        low, high = fixed[:-1], fixed[1:]
        count = SAMPLES_PER_INTERVAL if self.uses_default or self.parts else 3
        even = np.ascontiguousarray(np.linspace(low, high, count, axis=1))
        if self.short_times is not None or self.edges:
            needs_more = np.ones(low.size, dtype=bool)
        else:
            needs_more = self._are_fine_at_ends(even)
        distance = 0.5 * (high - low)[:, None] * _GROWING_DISTANCES if needs_more.any() else even
        return [
            np.unique(np.concatenate([even[n], low[n] + distance[n], high[n] - distance[n]]))
            if is_fine
            else even[n]
            for n, is_fine in enumerate(needs_more.tolist())
        ]

    def _are_fine_at_ends(self, even: np.ndarray) -> np.ndarray:
        """Return whether the cells along z at an end of even samples [m] are smaller than their distance.

        `even` has a row for each interval.
        """
        if self.axis < 2 or not self.uses_default:
            return np.zeros(len(even), dtype=bool)
        distance = even[:, 1] - even[:, 0]
        ends = 0.5 * np.stack([even[:, 1] + even[:, 0], even[:, -1] + even[:, -2]])
        size = self.size(ends.reshape(-1)).reshape(2, -1) - RULE.vertical_growth * 0.5 * distance
        return np.asarray(size.min(axis=0) < distance)

    def _sizes_between(self, samples: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the cell sizes [m] in the middle between the samples of each interval.

        The sizes of several intervals are evaluated at once, as far as the memory is limited.
        """
        rows = 1 + len(self.rows) + len(self.link_ends)
        waiting: list[np.ndarray] = []
        for n, s in enumerate(samples, start=1):
            waiting.append(0.5 * (s[1:] + s[:-1]))
            count = sum(middle.size for middle in waiting)
            if n == len(samples) or rows * count > MAX_SIZES_AT_ONCE:
                ends = np.cumsum([middle.size for middle in waiting])
                yield from np.split(self.size(np.concatenate(waiting)), ends[:-1])
                waiting = []


def _occupancy(geometry: Geometry, faces: FaceGrid, axis: int) -> np.ndarray:
    """Return the fraction of the layers of the package with a solid box in each interval along x or y, (n,).

    Cells outside the body cost as much as others: planes cross the package, also where it is low.
    """
    along, layers = (0.5 * (planes[1:] + planes[:-1]) for planes in (faces.planes[axis], faces.planes[2]))
    if axis == 2:
        return np.ones(layers.size)
    solid = geometry.corners[geometry.is_solid]
    spans = (
        along.searchsorted(solid[:, axis], side="right"),
        along.searchsorted(solid[:, axis + 3]),
        layers.searchsorted(solid[:, 2], side="right"),
        layers.searchsorted(solid[:, 5]),
    )
    is_solid = np.zeros((along.size, layers.size), dtype=bool)
    for first, end, bottom, top in np.stack(spans, axis=1).tolist():
        is_solid[first:end, bottom:top] = True
    fraction: np.ndarray = is_solid.mean(axis=1)
    return fraction


def _max_size(cell: Cell, axis: int) -> tuple[float, bool]:
    """Return the maximum cell size [m] along an axis, and whether the default rule applies too."""
    if cell is None or isinstance(cell, Mapping):
        return np.inf, True
    if isinstance(cell, Sequence):
        if axis < len(cell):
            return float(cell[axis]), False
        return float(max(cell)), True
    return float(cell), axis == 2


def _anisotropy_factors(geometry: Geometry, powered: PoweredRegions) -> list[tuple[float, float, float]]:
    """Return (low, high [m], factor) of layers in line with a source that conduct better laterally.

    Heat spreads in such a layer as in an isotropic one that is thicker by sqrt(max(k_x, k_y) / k_z).
    """
    factors: dict[tuple[float, float], float] = {}
    is_in_line: dict[Rectangle, bool] = {}  # by plan: the layers of a stack have the same one
    for box in geometry.boxes:
        outline = *box.low[:2], *box.high[:2]
        if box.part >= 0 and outline not in is_in_line:
            is_in_line[outline] = overlaps(box, powered.plan)
        if box.part < 0 or not is_in_line[outline]:
            continue
        kx, ky, kz = geometry.parts[box.part].material.room_conductivity
        factor = max(RULE.min_anisotropy_factor, min(1.0, (kz / max(kx, ky)) ** 0.5))
        span = box.low[2], box.high[2]
        factors[span] = min(factor, factors.get(span, 1.0))
    return [(low, high, factor) for (low, high), factor in factors.items() if factor < 1.0]


def _lateral_rows(powered: PoweredRegions, axis: int) -> np.ndarray:
    """Return distinct rows of low, high, size in the middle and size at the edges along x or y, (n, 4) m."""
    low, high = powered.plan[:, axis], powered.plan[:, axis + 2]
    size = np.maximum((high - low) / powered.cells_across, powered.min_size)
    edge_size = np.minimum(RULE.edge_fraction * size, RULE.healing_fraction * powered.healing)
    edge_size = np.maximum(edge_size, RULE.edge_fraction * powered.min_size)
    return np.unique(np.stack([low, high, size, edge_size], axis=1), axis=0)


def _lateral_size(rows: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Return the default size [m] along x or y: small in and near powered blocks, minimal at their edges."""
    low, high, size, edge_size = rows.T[:, :, None]
    distance = np.maximum(np.maximum(low - s, s - high), 0.0)
    edge_distance = np.minimum(np.abs(s - low), np.abs(s - high))
    growth = RULE.lateral_growth
    sizes = np.minimum(size + growth * distance, edge_size + growth * edge_distance)
    smallest: np.ndarray = sizes.min(axis=0, initial=np.inf)
    return smallest


def _vertical_rows(powered: PoweredRegions) -> np.ndarray:
    """Return the distinct rows of size at the source, low and high along z, (n, 3) m."""
    sides = np.minimum(powered.plan[:, 2] - powered.plan[:, 0], powered.plan[:, 3] - powered.plan[:, 1])
    start = RULE.vertical_fraction * np.maximum(sides / powered.cells_across, powered.min_size)
    return np.unique(np.column_stack([start, powered.height]), axis=0)


def _vertical_size(rows: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Return the default size [m] along z: minimal at the lower and upper faces of the sources."""
    start, low, high = rows.T[:, :, None]
    distance = np.minimum(np.abs(s - low), np.abs(s - high))
    smallest: np.ndarray = (start + RULE.vertical_growth * distance).min(axis=0, initial=np.inf)
    return smallest
