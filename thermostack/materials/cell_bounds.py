"""Bounds of the effective conductivity of a unit cell: adiabatic tubes below, isothermal planes above.

The heat that flows along straight tubes with adiabatic walls is an admissible flux, and temperatures that are
constant in planes are admissible, so that by the principles of minimum complementary energy and of minimum
energy the value lies between both (Milton, The Theory of Composites, 2002, chapter 13). For a laminate these
are the bounds of Wiener (1912).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from thermostack.materials.cell_geometry import CellGeometry, chord_integrals
from thermostack.materials.cell_symmetry import has_equal_axes, mirror_plane

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class CellBounds:
    """Lower (adiabatic tubes) and upper bound (isothermal planes) along x, y and z [W/(m K)], (3,) each."""

    lower: Array
    upper: Array


def conductivity_bounds(geometry: CellGeometry, conductivity: Array) -> CellBounds:
    """Return the bounds for conductivities of the constituents along x, y and z, (constituents, 3)."""
    along_x, along_y = (_in_plane(geometry, axis, conductivity[:, axis]) for axis in (0, 1))
    thickness = np.array([each.thickness for each in geometry.slices])
    upper_z = thickness.sum() / np.sum(thickness / (geometry.fractions @ conductivity[:, 2]))
    lower_z = upper_z if geometry.is_columnar else _tubes_upwards(geometry, conductivity[:, 2])
    lower = np.array([along_x[0], along_y[0], lower_z])
    upper = np.array([along_x[1], along_y[1], upper_z])
    return CellBounds(np.minimum(lower, upper), np.maximum(lower, upper))  # equal ones differ by rounding


def symmetric_bounds(geometry: CellGeometry, conductivity: Array) -> CellBounds:
    """Return the bounds, for x and y the closer ones of both where a symmetry makes these axes equal."""
    bounds = conductivity_bounds(geometry, conductivity)
    planes = mirror_plane(geometry, 0), mirror_plane(geometry, 1)
    if np.any(conductivity[:, 0] != conductivity[:, 1]) or not has_equal_axes(geometry, planes):
        return bounds
    lower, upper = bounds.lower.copy(), bounds.upper.copy()
    lower[:2], upper[:2] = lower[:2].max(), upper[:2].min()
    return CellBounds(np.minimum(lower, upper), np.maximum(lower, upper))


def _in_plane(geometry: CellGeometry, axis: int, conductivity: Array) -> tuple[float, float]:
    """Return both bounds along x (axis 0) or y (1)."""
    pitch = geometry.pitch
    ordinates, weight = geometry.ordinates(axis)
    tubes = 0.0
    for each in geometry.slices:
        resistance = chord_integrals(geometry.chords(each, axis, ordinates), 1.0 / conductivity)
        tubes += each.thickness * pitch[axis] * float(weight @ (1.0 / resistance))
    ordinates, weight = geometry.ordinates(1 - axis)
    planes = np.zeros(ordinates.size)
    for each in geometry.slices:
        chords = geometry.chords(each, 1 - axis, ordinates)
        planes += each.thickness * chord_integrals(chords, conductivity) / pitch[1 - axis]
    return tubes / geometry.height, 1.0 / (geometry.height * float(weight @ (1.0 / planes)))


def _tubes_upwards(geometry: CellGeometry, conductivity: Array) -> float:
    """Return the lower bound along z: the mean over the area of the heat through upright tubes."""
    ordinates, weight = geometry.ordinates(0)
    chords = [geometry.chords(each, 0, ordinates) for each in geometry.slices]
    cuts = np.sort(np.concatenate([own for own, _ in chords], axis=1), axis=1)
    middle = 0.5 * (cuts[:, 1:] + cuts[:, :-1])
    resistance = np.zeros(middle.shape)
    row = np.arange(ordinates.size)[:, np.newaxis]
    for each, (own, material) in zip(geometry.slices, chords, strict=True):
        interval = np.sum(own[:, np.newaxis, 1:-1] < middle[:, :, np.newaxis], axis=2)
        resistance += each.thickness / conductivity[material[row, interval]]
    mean = np.sum(np.diff(cuts, axis=1) / resistance, axis=1) / geometry.pitch[0]
    return float(weight @ mean) * geometry.height
