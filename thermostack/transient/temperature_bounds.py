"""Bounds that the maximum principle of heat conduction sets to the temperatures of a transient."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray


class TemperatureBounds:
    """The lowest and the highest temperature that a body can have reached since the start.

    Without heat sinks nothing is colder than the coldest of the initial temperatures and of the ambient
    temperatures so far; without heat sources nothing is hotter than the hottest. Loads are linear between the
    times at which they are added, so that their extremes are among the added ones.
    """

    def __init__(self, initial: Array) -> None:
        """Start at the initial temperatures of the cells [K]."""
        self.min, self.max = float(initial.min()), float(initial.max())

    def add_loads(self, ambient: Array, cell_powers: Array, flux: Array) -> None:
        """Extend the bounds by the loads at one time.

        `ambient` [K] is that of the faces with a heat-transfer coefficient, `cell_powers` [W] are those of
        the cells, `flux` [W/m2] are the fixed heat fluxes into the body.
        """
        heat = np.concatenate([cell_powers, flux])
        coldest = float(ambient.min(initial=math.inf))
        hottest = float(ambient.max(initial=-math.inf))
        self.min = min(self.min, -math.inf if heat.min(initial=0.0) < 0.0 else coldest)
        self.max = max(self.max, math.inf if heat.max(initial=0.0) > 0.0 else hottest)

    def state(self) -> Array:
        """Return both bounds [K], (2,)."""
        return np.array([self.min, self.max])

    def restore(self, state: Array) -> None:
        """Continue from the bounds that `state` returned."""
        self.min, self.max = map(float, state)
