"""Bounds that the maximum principle of heat conduction sets to the temperatures of a transient."""

from __future__ import annotations

import math

import numpy as np

from thermostack.mesh.boundary_faces import BoundaryFaces

Array = np.ndarray


def load_bounds(ambient: Array, cell_powers: Array, faces: BoundaryFaces) -> tuple[float, float]:
    """Return the bounds [K] between which the loads at one time keep temperatures that are between them.

    They are the coldest and the hottest ambient temperature, infinite where heat is extracted or generated.
    `ambient` (boundary faces,) is in K; `cell_powers` (n,) [W] are the powers of the heated cells.
    """
    heat = (cell_powers, faces.flux)
    convected = ambient[faces.h > 0.0]
    is_cooled = any(float(values.min(initial=0.0)) < 0.0 for values in heat)
    is_heated = any(float(values.max(initial=0.0)) > 0.0 for values in heat)
    coldest, hottest = float(convected.min(initial=math.inf)), float(convected.max(initial=-math.inf))
    return -math.inf if is_cooled else coldest, math.inf if is_heated else hottest


class TemperatureBounds:
    """The lowest and the highest temperature that a body can have reached since the start.

    Without heat sinks nothing is colder than the coldest of the initial temperatures and of the ambient
    temperatures so far; without heat sources nothing is hotter than the hottest.
    """

    def __init__(self, initial: Array) -> None:
        """Start at the initial temperatures of the cells [K]."""
        self.min, self.max = float(initial.min()), float(initial.max())

    def extend(self, bounds: tuple[float, float]) -> None:
        """Extend the bounds by those of loads [K]."""
        self.min, self.max = min(self.min, bounds[0]), max(self.max, bounds[1])

    def clip(self, t: Array) -> Array:
        """Return temperatures [K] without the part of their numerical errors that is beyond the bounds."""
        clipped: Array = np.clip(t, self.min, self.max)
        return clipped

    def state(self) -> Array:
        """Return both bounds [K], (2,)."""
        return np.array([self.min, self.max])

    def restore(self, state: Array) -> None:
        """Continue from the bounds that `state` returned."""
        self.min, self.max = map(float, state)
