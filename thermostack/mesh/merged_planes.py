"""Planes at the faces of the geometry, without those that nearly coincide with another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.units import format_quantity

IDENTITY_DISTANCE = 1e-12  # m: planes closer than this are equal but for rounding
MERGE_DISTANCES = {"x": 5e-9, "y": 5e-9, "z": 1e-9}  # m: planes closer than this are merged
MERGE_FRACTION = 1e-6  # of the smaller of two parts: faces of theirs that are closer than this are merged

AXIS_NAMES = ("x", "y", "z")


@dataclass(frozen=True)
class MergedPlane:
    """A plane that was replaced by its lower neighbour."""

    axis: str
    position: float  # m
    distance: float  # m, from the neighbour


def merge_planes(faces: np.ndarray, axis: int) -> tuple[np.ndarray, list[MergedPlane]]:
    """Return the distinct planes [m] of some faces, ascending, and the planes that were merged.

    A face is its position and the extent of its part along the axis [m], (faces, 2). Of two faces that are
    closer than `MERGE_DISTANCES`, or than `MERGE_FRACTION` of the smaller extent, the lower one is kept. The
    two faces of one part are therefore never merged unless the part is thinner than `MERGE_DISTANCES`.
    """
    name = AXIS_NAMES[axis]
    planes: list[float] = []
    merged: list[MergedPlane] = []
    smallest = np.inf  # extent of the parts with a face at the last plane
    for position, extent in _distinct(faces).tolist():
        distance = position - planes[-1] if planes else np.inf
        if distance > max(MERGE_DISTANCES[name], MERGE_FRACTION * min(smallest, extent)):
            planes.append(position)
            smallest = extent
            continue
        smallest = min(smallest, extent)
        is_new = not merged or position - merged[-1].position > IDENTITY_DISTANCE
        if distance > IDENTITY_DISTANCE and is_new:
            merged.append(MergedPlane(name, position, distance))
    return np.array(planes), merged


def _distinct(faces: np.ndarray) -> np.ndarray:
    """Return the faces in the order of their positions; of equal positions that with the smallest extent."""
    faces = faces[np.lexsort(faces.T[::-1])]
    is_first = np.ones(len(faces), dtype=bool)
    is_first[1:] = faces[1:, 0] != faces[:-1, 0]
    return np.asarray(faces[is_first])


def merge_warnings(merged: Sequence[MergedPlane]) -> list[Diagnostic]:
    """Return one warning with the number of merged planes and the position of the first, or none."""
    if not merged:
        return []
    first = merged[0]
    distance, position = (format_quantity(value, "length") for value in (first.distance, first.position))
    where = f"two planes at a distance of {distance} at {first.axis} = {position} are merged"
    text = (
        where
        if len(merged) == 1
        else f"{len(merged)} planes are merged with a neighbour: {where}, and others"
    )
    return [Diagnostic("grid", text, "align the faces of the description", "W-GRID")]
