"""Where the planes of the grid stand: on the faces of the drawing, and between them as the heat asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from thermostack.errors import Diagnostic, ResourceError
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.healing_length import HealingLengths
from thermostack.package.geometry import Box, Geometry
from thermostack.package.power import power_rectangles
from thermostack.units import format_quantity

Cell = float | Sequence[float] | Mapping[str, float] | None

# The default rule and its coefficients, tuned on the sixteen exact cases of tests/exact/cases.py: the
# worst error of a peak there is 1.3 % of the rise (docs/numerics.md, section 6).
CELLS_ACROSS = 8.0  # a powered block is cut into about this many cells each way
EDGE = 0.5  # beside the edge of a block cells are this much finer than in its middle
HEALING = 0.5  # nor wider there than this much of the length over which the edge is felt
GROWTH = 0.35  # and grow by this much per metre away from it
VERTICAL_START = 0.25  # of an eighth of the shorter side: cells at the plane of the source
VERTICAL_GROWTH = 0.25
LEAST_SQUEEZE = 0.25  # of a cell's height in layers that conduct far better along than through
LEAST_ACROSS = 3.0  # cells across whatever is drawn, in plan
LEAST_IN_ALL = 24.0  # cells across the body, in plan
BLOCK_PLANES = 150  # along an axis: a floorplan whose blocks have more edges is spread by overlap alone
MOST_BLOCKS = 2000  # of a floorplan that are told apart in results
SPREAD_CELLS = 32.0  # cells across a map, or a floorplan of more blocks than that

TIE = 1e-6  # of a cell: the rounding of a drawing that is turned or mirrored, which may not change the count
ROUNDING = 1e-12  # m: planes nearer than this are one and the same
MERGE = {"x": 5e-9, "y": 5e-9, "z": 1e-9}  # m: nearer planes are merged, with a warning
MOST_ALONG_AN_AXIS = 1e6
AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Heated:
    """The rectangles that are heated."""

    plan: np.ndarray  # (n, 4) m: x0, y0, x1, y1
    height: np.ndarray  # (n, 2) m: z0, z1
    edges: np.ndarray  # (m, 4) m: rectangles whose edges are planes
    across: np.ndarray  # (n,) cells across
    healing: np.ndarray  # (n,) m: lengths over which the edges are felt


def find_heated(geometry: Geometry, block_planes: int = BLOCK_PLANES) -> Heated:
    """Return what the grid must resolve: powered blocks while they are few, else all they lie in."""
    plans, heights, edges, across, healing = [], [], [], [], []
    felt = HealingLengths(geometry)
    for source in geometry.sources:
        x0, y0, x1, y1 = source.rectangle
        drawn = power_rectangles(source.power, x1 - x0, y1 - y0)  # in the frame of the source
        plan = np.stack([drawn.x0 + x0, drawn.y0 + y0, drawn.x1 + x0, drawn.y1 + y0], axis=1)
        planes = max(_count_planes(plan[:, [axis, axis + 2]]) for axis in (0, 1))
        is_few = source.power.map is None and planes <= block_planes
        if is_few:
            edges.append(plan)
        else:
            plan = np.array([source.rectangle])
        plans.append(plan)
        heights.append(np.tile((source.z0, source.z1), (len(plan), 1)))
        across.append(np.full(len(plan), CELLS_ACROSS if is_few else SPREAD_CELLS))
        middles = 0.5 * (plan[:, :2] + plan[:, 2:])
        z = 0.5 * (source.z0 + source.z1)
        healing.append(felt.lengths(middles, z))
    rest = (np.concatenate([*rows, []]) for rows in (across, healing))
    return Heated(_stacked(plans, 4), _stacked(heights, 2), _stacked(edges, 4), *rest)


def _count_planes(edges: np.ndarray) -> int:
    """Return how many planes edges are: those of blocks that abut differ by rounding."""
    return 1 + int(np.count_nonzero(np.diff(np.unique(edges)) > ROUNDING))


def _stacked(rows: list[np.ndarray], columns: int) -> np.ndarray:
    return np.concatenate([*rows, np.zeros((0, columns))])


# -- planes the drawing asks for -------------------------------------------------------------


def fixed_planes(geometry: Geometry, heated: Heated, axis: int) -> tuple[np.ndarray, list[Diagnostic]]:
    """Return the planes [m] every grid has across an axis, and a warning for each that was merged."""
    values = [edge for box in geometry.boxes for edge in (box.low[axis], box.high[axis])]
    if axis < 2:
        values += heated.edges[:, axis].tolist() + heated.edges[:, axis + 2].tolist()
        values += [edge for contact in geometry.contacts for edge in contact.rectangle[axis::2]]
    else:
        values += [contact.z for contact in geometry.contacts]
    values += _region_edges(geometry, axis)
    bounds = _body(geometry.boxes, axis)
    inside = np.unique([value for value in values if bounds[0] <= value <= bounds[1]])
    tolerance = MERGE[AXES[axis]]
    kept = [float(inside[0])]
    diagnostics = []
    for value in inside[1:].tolist():
        if value - kept[-1] > tolerance:
            kept.append(value)
        elif value - kept[-1] > ROUNDING:
            near = format_quantity(value - kept[-1], "length")
            at = f"{AXES[axis]} = {format_quantity(value, 'length')}"
            text = f"planes {near} apart at {at} are merged into one"
            diagnostics.append(Diagnostic("grid", text, "align the faces of the drawing", "W-GRID"))
    return np.array(kept), diagnostics


def _region_edges(geometry: Geometry, axis: int) -> list[float]:
    edges: list[float] = []
    for face, cooled in geometry.package.cooling:
        if cooled.region is None:
            continue
        along = {"top": (0, 1), "bottom": (0, 1), "west": (1, 2), "east": (1, 2)}.get(face, (0, 2))
        if axis in along:
            n = along.index(axis)
            edges += [cooled.region.position[n], cooled.region.position[n] + cooled.region.size[n]]
    return edges


def _body(boxes: Sequence[Box], axis: int) -> tuple[float, float]:
    solid = [box for box in boxes if box.part >= 0]
    return min(box.low[axis] for box in solid), max(box.high[axis] for box in solid)


# -- sizes -----------------------------------------------------------------------------------


class CellSize:
    """The wanted size of a cell along one axis, as a function of place."""

    def __init__(
        self, geometry: Geometry, heated: Heated, axis: int, cell: Cell, fineness: float = 1.0
    ) -> None:
        self.axis = axis
        self.fineness = fineness  # of the default rule
        self.heated = heated
        self.rows = _vertical_rows(heated) if axis == 2 else _lateral_rows(heated, axis)
        self.bound, self.uses_default = _bound(cell, axis)
        self.squeezed = _squeezed(geometry, heated) if axis == 2 and self.uses_default else []
        low, high = _body(geometry.boxes, axis)
        self.widest = (high - low) / LEAST_IN_ALL
        edges = np.unique([edge for box in geometry.boxes for edge in (box.low[axis], box.high[axis])])
        self.faces = edges[np.concatenate(([True], np.diff(edges) > MERGE[AXES[axis]]))]
        self.parts = _part_bounds(geometry, cell, axis) if isinstance(cell, Mapping) else []

    def size(self, at: np.ndarray) -> np.ndarray:
        """Return the wanted size [m] at places `at` [m] along the axis."""
        wanted: np.ndarray = np.full(at.shape, self.bound)
        if self.uses_default and (self.axis < 2 or len(self.heated.plan) == 0):
            drawn = np.clip(np.searchsorted(self.faces, at) - 1, 0, self.faces.size - 2)
            widest = np.minimum(self.widest, np.diff(self.faces)[drawn] / LEAST_ACROSS)
            wanted = np.minimum(wanted, widest / self.fineness)
        if self.uses_default and len(self.heated.plan) > 0:
            rule = _vertical if self.axis == 2 else _lateral
            by_rule = rule(self.rows, at) / self.fineness
            for low, high, factor in self.squeezed:
                by_rule[(at > low) & (at < high)] *= factor
            wanted = np.minimum(wanted, by_rule)
        for low, high, bound in self.parts:
            wanted[(at >= low) & (at <= high)] = np.minimum(wanted[(at >= low) & (at <= high)], bound)
        return wanted

    def planes(self, fixed: np.ndarray) -> np.ndarray:
        """Return the planes [m]: the fixed ones and, between them, as many as the sizes ask.

        Raises ResourceError where that is more than any machine holds.
        """
        pieces = []
        for low, high in pairwise(fixed.tolist()):
            s = np.linspace(low, high, 129 if self.uses_default or self.parts else 3)
            middle = 0.5 * (s[1:] + s[:-1])
            number = np.concatenate(([0.0], np.cumsum(np.diff(s) / self.size(middle))))  # integral of dx / h
            slack = TIE + (0.25 if self.uses_default else 0.0)
            cells = max(1.0, np.ceil(number[-1] - slack))
            pieces.append((s, number, cells))
        total = sum(cells for _, _, cells in pieces)
        if not total <= MOST_ALONG_AN_AXIS:
            text = f"{total:.3g} cells along {AXES[self.axis]} do not fit in memory"
            raise ResourceError(f"{text}; ask for larger cells")
        planes = [fixed[:1]]
        for s, number, cells in pieces:
            inner = np.interp(np.linspace(0.0, number[-1], int(cells) + 1)[1:-1], number, s)
            planes += [inner, s[-1:]]
        return np.concatenate(planes)


def _bound(cell: Cell, axis: int) -> tuple[float, bool]:
    """Return the largest cell [m] along an axis, and whether the default rule applies too."""
    if cell is None or isinstance(cell, Mapping):
        return np.inf, True
    if isinstance(cell, Sequence):
        if axis < len(cell):
            return float(cell[axis]), False
        return float(max(cell)), True
    return float(cell), axis == 2


def _part_bounds(
    geometry: Geometry, cell: Mapping[str, float], axis: int
) -> list[tuple[float, float, float]]:
    """Return (low, high, size) [m] for the boxes of every part that `cell` names."""
    bounds = []
    for box in geometry.boxes:
        name = geometry.parts[box.part].name if box.part >= 0 else ""
        for prefix, size in cell.items():
            if name == prefix or name.startswith(f"{prefix}."):
                bounds.append((box.low[axis], box.high[axis], size))
    return bounds


def _squeezed(geometry: Geometry, heated: Heated) -> list[tuple[float, float, float]]:
    """Return (low, high, factor) where layers under or over the heat conduct less through than along.

    Heat spreads in them as in an isotropic layer that is thicker by sqrt(k_along / k_through).
    """
    factors: dict[tuple[float, float], float] = {}
    for box in geometry.boxes:
        if box.part < 0 or not _meets(box, heated.plan):
            continue
        kx, ky, kz = geometry.parts[box.part].material.conductivity_at(ROOM_TEMPERATURE)
        factor = max(LEAST_SQUEEZE, min(1.0, (kz / max(kx, ky)) ** 0.5))
        span = box.low[2], box.high[2]
        factors[span] = min(factor, factors.get(span, 1.0))
    return [(low, high, factor) for (low, high), factor in factors.items() if factor < 1.0]


def _meets(box: Box, plan: np.ndarray) -> bool:
    (x0, y0, _), (x1, y1, _) = box.low, box.high
    return bool(np.any((plan[:, 0] < x1) & (plan[:, 2] > x0) & (plan[:, 1] < y1) & (plan[:, 3] > y0)))


def _lateral_rows(heated: Heated, axis: int) -> np.ndarray:
    """Return low, high, cells across and healing length of all that differs along x or y, (n, 4)."""
    low, high = heated.plan[:, axis], heated.plan[:, axis + 2]
    return np.unique(np.stack([low, high, heated.across, heated.healing], axis=1), axis=0)


def _lateral(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the default size [m] along x or y: fine in and near powered blocks, finest at their edges."""
    low, high, across, healing = rows.T[:, :, None]
    own = (high - low) / across
    outside = np.maximum(np.maximum(low - at, at - high), 0.0)
    edge = np.minimum(np.abs(at - low), np.abs(at - high))
    at_edge = np.minimum(EDGE * own, HEALING * healing)
    sizes = np.minimum(own + GROWTH * outside, at_edge + GROWTH * edge)
    smallest: np.ndarray = sizes.min(axis=0, initial=np.inf)
    return smallest


def _vertical_rows(heated: Heated) -> np.ndarray:
    """Return size at the source, low and high of all that differs along z, (n, 3) m."""
    sides = np.minimum(heated.plan[:, 2] - heated.plan[:, 0], heated.plan[:, 3] - heated.plan[:, 1])
    start = VERTICAL_START * sides / heated.across
    return np.unique(np.column_stack([start, heated.height]), axis=0)


def _vertical(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the default size [m] along z: fine at the planes of the sources."""
    start, low, high = rows.T[:, :, None]
    distance = np.maximum(np.maximum(low - at, at - high), 0.0)
    smallest: np.ndarray = (start + VERTICAL_GROWTH * distance).min(axis=0, initial=np.inf)
    return smallest
