"""Rectangles at the ends of links, and the cells that the default grid has across them.

The heat of a link spreads from its end into the body. The resistance of this path is resolved as far as it
is a part of the whole resistance between both ends: pads of bond wires on a die need hardly any cells,
because the resistance of the wire is several hundred times that of the silicon under its pad.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.part_selection import layer_part_names
from thermostack.package.geometry import Geometry
from thermostack.package.link_geometry import LinkRectangle


@dataclass(frozen=True)
class LinkEndRule:
    """Coefficients of the rule, measured on packages with bond wires and straps."""

    cells_across: float = 6.0  # along the width of an end, or of the path of its heat at a depth
    full_fraction: float = 0.225  # of the whole resistance: a piece of the path with more has `cells_across`
    shell_growth: float = 3.0  # ratio of the widths of the path at both ends of a piece
    shells: int = 4
    min_cells_across: float = 1.0  # the peak under an end with a poor link matters for its part alone
    cells_across_even_end: float = 2.0  # cells across an end with more than these are smaller at its edges
    lateral_growth: float = 0.5  # m/m: growth of the cell size per distance from an end
    vertical_fraction: float = 0.25  # cell size along z under an end, in cell sizes along its shorter side
    vertical_growth: float = 0.35  # m/m


RULE = LinkEndRule()


@dataclass(frozen=True, eq=False)
class LinkEnds:
    """The rectangles in which links end, and the cells across each."""

    plan: np.ndarray  # (n, 4) m: x0, y0, x1, y1
    height: np.ndarray  # (n,) m, of the face
    cells_across: np.ndarray  # (n,) along both sides of the rectangle

    def __len__(self) -> int:
        return len(self.plan)

    def size(self, s: np.ndarray, axis: int) -> np.ndarray:
        """Return the cell size [m] at coordinates s [m] along an axis: 0 x, 1 y, 2 z."""
        size = (self.plan[:, 2:] - self.plan[:, :2]) / self.cells_across[:, None]
        if axis == 2:
            start = RULE.vertical_fraction * size.min(axis=1)[:, None]
            distance = np.abs(s - self.height[:, None])
            return np.asarray((start + RULE.vertical_growth * distance).min(axis=0, initial=np.inf))
        inside = size[:, axis, None]
        edge = inside * np.minimum(1.0, RULE.cells_across_even_end / self.cells_across)[:, None]
        low, high = self.plan[:, axis, None], self.plan[:, axis + 2, None]
        distance = np.maximum(np.maximum(low - s, s - high), 0.0)
        edge_distance = np.minimum(np.abs(s - low), np.abs(s - high))
        growth = RULE.lateral_growth
        sizes = np.minimum(inside + growth * distance, edge + growth * edge_distance)
        return np.asarray(sizes.min(axis=0, initial=np.inf))


def find_link_ends(geometry: Geometry) -> LinkEnds:
    """Return the ends of links that have a rectangle."""
    found = [(n, place) for n, link in enumerate(geometry.links) for place in link.ends if place.rectangle]
    number = np.array([n for n, _ in found], dtype=int)
    plan = np.array([place.rectangle for _, place in found]).reshape(-1, 4)
    height = np.array([_face_height(geometry, place) for _, place in found]).reshape(-1)
    is_top = np.array([place.is_top for _, place in found], dtype=bool)
    paths = np.zeros((len(found), RULE.shells))  # K/W of the pieces of the path from each end
    for n in range(len(found)):
        paths[n] = _spreading_resistances(geometry, plan[n], float(height[n]), is_down=bool(is_top[n]))
    own = np.array([1.0 / link.conductance_at(ROOM_TEMPERATURE) for link in geometry.links])
    total = own + np.bincount(number, weights=paths.sum(axis=1), minlength=own.size)
    share = paths / total[number][:, None]
    cells = RULE.cells_across * np.sqrt(np.minimum(share / RULE.full_fraction, 1.0))
    across = np.max(cells / RULE.shell_growth ** np.arange(RULE.shells), axis=1)
    return LinkEnds(plan, height, np.maximum(across, RULE.min_cells_across))


def _spreading_resistances(
    geometry: Geometry, rectangle: np.ndarray, height: float, *, is_down: bool
) -> np.ndarray:
    """Return the resistances [K/W] of the pieces of the path of heat from an end into the body, (shells,).

    The path widens at 45 degrees, in a layer of other conductivities along z than in the plane at the angle
    with the tangent (k_xy / k_z)^1/2. In a half space it has 0.5 / (k a) below a square of side a, 6 % more
    than the mean of the exact solution. A piece ends where the path is `shell_growth` times as wide.
    """
    depth, along_z, in_plane = _column(geometry, rectangle, height, is_down=is_down)
    found = np.zeros(RULE.shells)
    sides = np.array([rectangle[2] - rectangle[0], rectangle[3] - rectangle[1]])  # m, of the path
    start = float(sides.min())
    for thickness, k_z, k_xy in zip(depth, along_z, in_plane, strict=True):
        slope = 2.0 * (k_xy / k_z) ** 0.5
        left = thickness
        for shell in range(RULE.shells):
            end = start * RULE.shell_growth ** (shell + 1)
            piece = min(left, max(0.0, end - sides.min()) / slope)
            other = sides + slope * piece
            if piece > 0.0:
                found[shell] += piece / k_z / float(np.sqrt(sides * other).prod())
            sides, left = other, left - piece
    return found


def _column(
    geometry: Geometry, rectangle: np.ndarray, height: float, *, is_down: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return thickness [m] and conductivity along z and in the plane [W/(m K)] of the layers behind an end.

    They begin at the face at a height [m] and end where the body ends.
    """
    x, y = 0.5 * (rectangle[0] + rectangle[2]), 0.5 * (rectangle[1] + rectangle[3])
    over = [box for box in geometry.boxes if box.low[0] < x < box.high[0] and box.low[1] < y < box.high[1]]
    edges = np.unique([edge for box in over for edge in (box.low[2], box.high[2])])
    edges = np.unique(np.append(edges, height))
    edges = edges[edges <= height][::-1] if is_down else edges[edges >= height]
    layers = []
    for near, far in pairwise(edges.tolist()):
        middle = 0.5 * (near + far)
        inside = [box.part for box in over if box.low[2] < middle < box.high[2]]
        if not inside or inside[-1] < 0:
            break
        k_x, k_y, k_z = geometry.parts[inside[-1]].room_conductivity
        layers.append((abs(far - near), k_z, (k_x * k_y) ** 0.5))
    thickness, along_z, in_plane = np.array(layers).reshape(-1, 3).T
    return thickness, along_z, in_plane


def _face_height(geometry: Geometry, place: LinkRectangle) -> float:
    """Return the height [m] of the outermost face of the boxes of a part; zero where there is none."""
    of_layers = layer_part_names(geometry, place.part)
    boxes = [box for box in geometry.boxes if box.part >= 0 and geometry.parts[box.part].name in of_layers]
    if place.is_top:
        return max((box.high[2] for box in boxes), default=0.0)
    return min((box.low[2] for box in boxes), default=0.0)
