"""Cell sizes for temperatures shortly after a change of power.

Heat that was released a time t ago has spread over the diffusion length sqrt(k t / c). Cells at the sources
are a fraction of it and grow with the distance, because later heat has spread farther.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.package.box import Box
from thermostack.package.geometry import Geometry, Part


@dataclass(frozen=True)
class ShortTimeRule:
    """Coefficients of the rule: with them the estimated error of heated boxes is below 5 % of the rise."""

    vertical_fraction: float = 0.15  # of the diffusion length: cell size along z at the faces of a source
    vertical_growth: float = 0.2  # m/m: growth of the cell size along z per distance from these faces
    lateral_fraction: float = 0.8  # of the diffusion length: cell size along x and y at the edge of a block
    lateral_growth: float = 0.3  # m/m
    min_block_fraction: float = 0.02  # of the width of a block: smaller cells at its edge change little


RULE = ShortTimeRule()


class ShortTimeSize:
    """The maximum cell size along one axis for a shortest time after a change of power."""

    def __init__(
        self, geometry: Geometry, plan: np.ndarray, height: np.ndarray, axis: int, time: float
    ) -> None:
        """Take the rectangles (n, 4) and heights (n, 2) [m] of the sources, and the time [s].

        Raises DescriptionError (E-MISSING) where a material at a source has no heat capacity.
        """
        boxes = [box for box in geometry.boxes if box.part >= 0 and overlaps(box, plan)]
        lengths = _diffusion_lengths(geometry, boxes, axis, time)
        self.axis = axis
        if axis == 2:
            self.low, self.high = np.unique(height, axis=0).T
            self.spans = [(box.low[2], box.high[2]) for box in boxes]
            self.lengths = RULE.vertical_fraction * lengths
        else:
            low, high = plan[:, axis], plan[:, axis + 2]
            length = np.array([_length_at(boxes, lengths, *span) for span in height.tolist()])
            size = np.maximum(RULE.lateral_fraction * length, RULE.min_block_fraction * (high - low))
            rows = np.unique(np.column_stack([low, high, size]), axis=0)
            self.low, self.high, self.lengths = rows.T

    def size(self, s: np.ndarray) -> np.ndarray:
        """Return the maximum cell size [m] at coordinates s [m] along the axis."""
        low, high = self.low[:, None], self.high[:, None]
        if self.axis < 2:
            distance = np.minimum(np.abs(s - low), np.abs(s - high))
            smallest = (self.lengths[:, None] + RULE.lateral_growth * distance).min(axis=0, initial=np.inf)
            return np.asarray(smallest)
        distance = np.minimum(np.abs(s - low), np.abs(s - high)).min(axis=0, initial=np.inf)
        size = np.full(s.shape, np.inf)
        for (bottom, top), length in zip(self.spans, self.lengths.tolist(), strict=True):
            inside = (s >= bottom) & (s <= top)
            size[inside] = np.minimum(size[inside], length)
        limited: np.ndarray = size + RULE.vertical_growth * distance
        return limited


def overlaps(box: Box, plan: np.ndarray) -> bool:
    """Return whether a box lies below, above or in any of some rectangles, (n, 4) m."""
    (x0, y0, _), (x1, y1, _) = box.low, box.high
    return bool(np.any((plan[:, 0] < x1) & (plan[:, 2] > x0) & (plan[:, 1] < y1) & (plan[:, 3] > y0)))


def _diffusion_lengths(geometry: Geometry, boxes: list[Box], axis: int, time: float) -> np.ndarray:
    """Return the diffusion length [m] along an axis in each box, (n,)."""
    materials = {geometry.parts[box.part].material.name: box.part for box in boxes}
    missing = [part for part in materials.values() if not geometry.parts[part].material.has_capacity]
    if missing:
        hint = "give density and specific_heat, or volumetric_heat_capacity"
        raise DescriptionError([_missing_capacity(geometry.parts[part], hint) for part in missing])
    parts = [geometry.parts[box.part] for box in boxes]
    conductivity = np.array([part.room_conductivity[axis] for part in parts])
    capacity = np.array([part.material.capacity_at(ROOM_TEMPERATURE) for part in parts])
    lengths: np.ndarray = np.sqrt(conductivity * time / capacity)
    return lengths


def _missing_capacity(part: Part, hint: str) -> Diagnostic:
    text = f"the material of {part.name} has no heat capacity"
    return Diagnostic(f"materials.{part.material.name}", text, hint, "E-MISSING")


def _length_at(boxes: list[Box], lengths: np.ndarray, bottom: float, top: float) -> float:
    """Return the minimum diffusion length [m] of the boxes at the height of a source."""
    middle = 0.5 * (bottom + top)
    found = [
        length
        for box, length in zip(boxes, lengths.tolist(), strict=True)
        if box.low[2] < middle < box.high[2]
    ]
    return min(found, default=np.inf)
