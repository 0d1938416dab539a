"""Cell sizes at the edges of parts that conduct much better or worse than what is beside them.

At the side of a die in mold or air, heat leaves through the edges of its top and bottom. Towards them the
temperature follows r^s with s from 1/2 to 2/3, and without small cells there, along x, y and z, a mean
converges with order 2 s only (docs/numerics.md, section 6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from thermostack.mesh.face_grid import FaceGrid, body_extent
from thermostack.mesh.part_map import nearest_plane
from thermostack.package.box import Box
from thermostack.package.geometry import Geometry


@dataclass(frozen=True)
class MaterialEdgeRule:
    """Coefficients of the rule, measured on packages with dies in mold."""

    height_fraction: float = 0.125  # cell size at an edge, in heights of the faces between unlike materials
    min_span_fraction: float = 2e-3  # of the distance of the outermost edges: no smaller cells at an edge
    growth: float = 0.7  # m/m: growth of the cell size per distance from an edge
    max_exponent: float = 0.8  # of r^s: an edge with a greater one needs no small cells
    vertical_fraction: float = 1.0  # cell size along z at the height of an edge, in cell sizes at the edge
    vertical_growth: float = 0.7  # m/m: growth of the cell size along z per distance from that height
    size_factor: float = 1.2  # of all other sizes along an axis with edges, which then matter less


RULE = MaterialEdgeRule()

NO_CONDUCTIVITY = 1e-9  # of the maximum conductivity around an edge: that of air
TINY = 1e-300
MAX_TILES = 200_000  # whose edges are evaluated at once


class MaterialEdges:
    """The edges of parts along x or y between unlike materials, and the cell sizes at them."""

    def __init__(self, geometry: Geometry, axis: int, faces: FaceGrid | None = None) -> None:
        """Find the edges along an axis, 0 or 1, inside the outline of the body.

        `faces` saves the computation of its planes.
        """
        faces = FaceGrid(geometry) if faces is None else faces
        along = faces.planes[axis]
        candidates = {nearest_plane(along, end) for end in _part_ends(geometry.boxes, axis)}
        first, last = (nearest_plane(along, end) for end in body_extent(geometry, axis))
        inside = [n for n in sorted(candidates) if first < n < last]
        height = _edge_heights(geometry, faces, axis, inside)  # (edges, planes along z)
        largest = height.max(axis=1, initial=0.0)
        is_edge = largest > 0.0
        self.position = along[inside][is_edge]  # (n,) m
        smallest = RULE.min_span_fraction * float(np.ptp(self.position)) if is_edge.any() else 0.0
        size = np.maximum(RULE.height_fraction * largest[is_edge], smallest)
        self.edge_size = _limited(size, self.position)  # (n,) m
        self.height = faces.planes[2]
        of_plane = np.where(height[is_edge] > 0.0, self.edge_size[:, None], np.inf)
        self.size_at_height = of_plane.min(axis=0, initial=np.inf)  # (planes along z,) m

    def __len__(self) -> int:
        return int(self.position.size)

    def size(self, s: np.ndarray) -> np.ndarray:
        """Return the maximum cell size [m] at coordinates s [m] along the axis."""
        return _grown(self.position, self.edge_size, RULE.growth, s)


class EdgeHeights:
    """The heights of the edges between unlike materials, and the cell sizes along z at them."""

    def __init__(
        self, geometry: Geometry, lateral: tuple[MaterialEdges, MaterialEdges] | None = None
    ) -> None:
        """Find the heights of the edges along x and y; `lateral` saves their computation."""
        along_x, along_y = lateral or (MaterialEdges(geometry, 0), MaterialEdges(geometry, 1))
        size = np.minimum(along_x.size_at_height, along_y.size_at_height)
        self.position = along_x.height[np.isfinite(size)]
        self.edge_size = RULE.vertical_fraction * size[np.isfinite(size)]

    def __len__(self) -> int:
        return int(self.position.size)

    def size(self, s: np.ndarray) -> np.ndarray:
        """Return the maximum cell size [m] at heights s [m]."""
        return _grown(self.position, self.edge_size, RULE.vertical_growth, s)


def _grown(position: np.ndarray, edge_size: np.ndarray, growth: float, s: np.ndarray) -> np.ndarray:
    """Return the cell size [m] at coordinates s [m] that grows with the distance from edges, (n,)."""
    size: np.ndarray = np.full(s.shape, np.inf)
    for at, start in zip(position.tolist(), edge_size.tolist(), strict=True):
        np.minimum(size, start + growth * np.abs(s - at), out=size)
    return size


def _limited(size: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the sizes at edges so that they grow from edge to edge by no more than the rule allows, (n,)."""
    grown = RULE.growth * position
    upward = np.minimum.accumulate(size - grown) + grown
    downward = np.minimum.accumulate((size + grown)[::-1])[::-1] - grown
    return np.asarray(np.minimum(upward, downward))


def _part_ends(boxes: Iterable[Box], axis: int) -> set[float]:
    """Return the ends [m] of each part along an axis: of a staircase along a round plan the outermost ones.

    The boxes of a part at one height count as one body.
    """
    ends: dict[tuple[int, float, float], tuple[float, float]] = {}
    for box in boxes:
        key = box.part, box.low[2], box.high[2]
        low, high = ends.get(key, (np.inf, -np.inf))
        ends[key] = min(low, box.low[axis]), max(high, box.high[axis])
    return {end for pair in ends.values() for end in pair}


def _edge_heights(geometry: Geometry, faces: FaceGrid, axis: int, planes: list[int]) -> np.ndarray:
    """Return the height [m] of the highest face at each singular edge, (n, planes along z), 0 if none."""
    at_room = [part.room_conductivity for part in geometry.parts]
    plan_mean = np.array([0.0, *((k[axis] * k[2]) ** 0.5 for k in at_room)])  # W/(m K), 0 outside the body
    part = np.moveaxis(faces.part, 2 - axis, 0)  # along the axis, z, the other axis
    heights = np.zeros((len(planes), faces.grid.z.size))
    count = max(1, MAX_TILES // part[0].size)
    for first in range(0, len(planes), count):
        some = np.array(planes[first : first + count])
        low, high = (np.pad(plan_mean[part[at]], ((0, 0), (1, 1), (0, 0))) for at in (some - 1, some))
        is_face = low != high
        # Elsewhere no face between unlike materials ends at the edge.
        at = np.nonzero(is_face[:, :-1] | is_face[:, 1:])
        quadrants = low[:, :-1][at], high[:, :-1][at], high[:, 1:][at], low[:, 1:][at]
        is_edge = np.zeros((len(some), faces.grid.z.size, low.shape[2]), dtype=bool)
        # In a body that fills one quadrant the temperature is smooth: only the air around it has an edge.
        is_edge[at] = (singular_exponent(*quadrants) < RULE.max_exponent) & (
            np.count_nonzero(quadrants, axis=0) > 1
        )
        heights[first : first + count] = _highest_faces(is_face[:, 1:-1], is_edge, faces.grid.dz)
    return heights


def singular_exponent(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Return s of the temperature r^s near an edge around which four quadrants a, b, c, d of a plane meet.

    They are conductivities [W/(m K)] in this order around the edge, 0 in air.
    """
    smallest = NO_CONDUCTIVITY * np.maximum(np.maximum(a, b), np.maximum(c, d)) + TINY
    a, b, c, d = (np.maximum(k, smallest) / (smallest / NO_CONDUCTIVITY) for k in (a, b, c, d))
    triples = b * c * d + a * c * d + a * b * d + a * b * c
    tangent = np.sqrt((a + b + c + d) * triples) / np.maximum(np.abs(a * c - b * d), TINY)
    exponent: np.ndarray = 2.0 / np.pi * np.arctan(tangent)
    return exponent


def _highest_faces(is_face: np.ndarray, is_edge: np.ndarray, dz: np.ndarray) -> np.ndarray:
    """Return the greatest height [m] of a face with an edge in each plane along z, 0 without, (n, nz + 1).

    `is_face` (n, nz, m) marks where materials differ, `is_edge` (n, nz + 1, m) the planes with an edge.
    """
    z = np.concatenate([[0.0], np.cumsum(dz)])[:, None]
    bottom, top = np.tile(z, (len(is_face), 1, is_face.shape[2])), np.empty(is_edge.shape)
    top[:] = bottom
    bottom[:, 1:][is_face] = 0.0
    top[:, :-1][is_face] = np.inf
    # The lowest plane of the face below each plane, and the highest plane of the face above it.
    bottom = np.maximum.accumulate(bottom, axis=1)
    top = np.minimum.accumulate(top[:, ::-1], axis=1)[:, ::-1]
    largest: np.ndarray = np.where(is_edge, np.maximum(z - bottom, top - z), 0.0).max(axis=2)
    return largest
