"""Cell sizes along x and y at the edges of parts that conduct much better or worse than what is beside them.

At the side of a die in mold or air, heat leaves through the edges of its top and bottom. Towards them the
temperature follows r^s with s from 1/2 to 2/3, and without small cells there a mean converges with order 2 s
only (docs/numerics.md, section 6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.grid import Grid
from thermostack.mesh.merged_planes import merge_planes
from thermostack.mesh.part_map import nearest_plane, rasterize
from thermostack.package.box import Box
from thermostack.package.geometry import Geometry


@dataclass(frozen=True)
class MaterialEdgeRule:
    """Coefficients of the rule, measured on packages with dies in mold."""

    height_fraction: float = 0.125  # cell size at an edge, in heights of the faces between unlike materials
    min_body_fraction: float = 2.5e-3  # of the width of the body: no smaller cells at an edge
    growth: float = 0.7  # m/m: growth of the cell size per distance from an edge
    max_exponent: float = 0.8  # of r^s: an edge with a greater one needs no small cells
    size_factor: float = 1.2  # of all other sizes along an axis with edges, which then matter less


RULE = MaterialEdgeRule()

NO_CONDUCTIVITY = 1e-9  # of the maximum conductivity around an edge: that of air
TINY = 1e-300


class MaterialEdges:
    """The edges of parts along x or y between unlike materials, and the cell sizes at them."""

    def __init__(self, geometry: Geometry, axis: int) -> None:
        """Find the edges along an axis, 0 or 1, inside the outline of the body."""
        planes = [merge_planes(box_faces(geometry.boxes, each), each)[0] for each in range(3)]
        along = planes[axis]
        candidates = {nearest_plane(along, end) for end in _part_ends(geometry.boxes, axis)}
        low, high = body_extent(geometry.boxes, axis)
        first, last = nearest_plane(along, low), nearest_plane(along, high)
        inside = [n for n in sorted(candidates) if first < n < last]
        height = _edge_heights(geometry, Grid(*planes), axis, inside)
        self.position = along[inside][height > 0.0]  # (n,) m
        smallest = RULE.min_body_fraction * (high - low)
        size = np.maximum(RULE.height_fraction * height[height > 0.0], smallest)
        self.edge_size = _limited(size, self.position)  # (n,) m

    def __len__(self) -> int:
        return int(self.position.size)

    def size(self, s: np.ndarray) -> np.ndarray:
        """Return the maximum cell size [m] at coordinates s [m] along the axis."""
        position = np.concatenate([[-np.inf], self.position, [np.inf]])
        edge_size = np.concatenate([[np.inf], self.edge_size, [np.inf]])
        above = np.searchsorted(position, s).clip(1, position.size - 1)
        from_low = edge_size[above - 1] + RULE.growth * (s - position[above - 1])
        from_high = edge_size[above] + RULE.growth * (position[above] - s)
        return np.asarray(np.minimum(from_low, from_high))


def _limited(size: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the sizes at edges so that they grow from edge to edge by no more than the rule allows, (n,)."""
    grown = RULE.growth * position
    upward = np.minimum.accumulate(size - grown) + grown
    downward = np.minimum.accumulate((size + grown)[::-1])[::-1] - grown
    return np.asarray(np.minimum(upward, downward))


def box_faces(boxes: Iterable[Box], axis: int) -> list[tuple[float, float]]:
    """Return the position of every face of a box along an axis, and the extent of the box [m]."""
    ends = [(box.low[axis], box.high[axis]) for box in boxes]
    return [(end, high - low) for low, high in ends for end in (low, high)]


def body_extent(boxes: Iterable[Box], axis: int) -> tuple[float, float]:
    """Return the minimum and the maximum coordinate of the solid boxes along an axis [m]."""
    solid = [box for box in boxes if box.part >= 0]
    return min(box.low[axis] for box in solid), max(box.high[axis] for box in solid)


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


def _edge_heights(geometry: Geometry, grid: Grid, axis: int, planes: list[int]) -> np.ndarray:
    """Return the height [m] of the highest face at a singular edge in some planes of a grid, 0 if none, (n,).

    The grid has the faces of boxes as its planes.
    """
    at_room = [part.conductivity_at(ROOM_TEMPERATURE) for part in geometry.parts]
    plan_mean = np.array([0.0, *((k[axis] * k[2]) ** 0.5 for k in at_room)])  # W/(m K), 0 outside the body
    parts = np.moveaxis(rasterize(geometry, grid).cells(), 2 - axis, 0)  # along the axis, z, the other axis
    heights = np.zeros(len(planes))
    for n, plane in enumerate(planes):
        low, high = (np.pad(plan_mean[parts[at]], ((1, 1), (0, 0))) for at in (plane - 1, plane))
        exponent = singular_exponent(low[:-1], high[:-1], high[1:], low[1:])
        heights[n] = _highest_face(low[1:-1] != high[1:-1], exponent < RULE.max_exponent, grid.dz)
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


def _highest_face(is_face: np.ndarray, is_edge: np.ndarray, dz: np.ndarray) -> float:
    """Return the greatest height [m] of a face with an edge at its bottom or its top, 0 if there is none.

    `is_face` (nz, m) marks where materials differ, `is_edge` (nz + 1, m) the planes with an edge.
    """
    z = np.concatenate([[0.0], np.cumsum(dz)])
    start, end = np.pad(is_face, ((1, 0), (0, 0))), np.pad(is_face, ((0, 1), (0, 0)))
    # The lowest plane of the face below each plane, and the highest plane of the face above it.
    bottom = np.maximum.accumulate(np.where(start, 0.0, z[:, None]), axis=0)
    top = np.minimum.accumulate(np.where(end, np.inf, z[:, None])[::-1], axis=0)[::-1]
    height = np.maximum(z[:, None] - bottom, top - z[:, None])
    return float(np.where(is_edge, height, 0.0).max())
