"""Loads of a local model: powers and coolers of the whole package, boundary temperatures between frames."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from thermostack.mesh.local_model import find_positions
from thermostack.schema.fields import to_si
from thermostack.transient.loads import Loads
from thermostack.zoom.local_solution import LocalCells


class LocalLoads(Loads):
    """The loads of a local model at any time.

    Heat sources have the power of those of the same name in the whole package. The cut faces have
    temperatures that are interpolated linearly in time between the frames of a global run.
    """

    def __init__(self, cells: LocalCells, parent: Loads, times: np.ndarray, temperature: np.ndarray) -> None:
        """Store the global loads, and the temperatures (frames, faces) [K] of the cut faces at times [s]."""
        super().__init__(cells.model)
        number = {name: n for n, name in enumerate(parent.sources.names)}
        self._parent = parent
        self._source = np.array([number[name] for name in self.sources.names], dtype=np.intp)
        self._cut = find_positions(cells.model.boundary, cells.cut.faces)
        self._cooled, self._of_parent = cells.cooled, cells.cooled_of_parent
        self._times, self._frames = times, temperature

    @property
    def is_ambient_constant(self) -> bool:
        """Return False: the temperatures of the cut faces change."""
        return False

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the warnings of the global loads."""
        return self._parent.warnings

    def source_powers(self, t: float | str, *, before: bool = False) -> np.ndarray:
        """Return the power [W] of each whole heat source at a time [s], also outside the box."""
        powers: np.ndarray = self._parent.source_powers(t, before=before)[self._source]
        return powers * self._scale

    def ambient_temperature(self, t: float | str, *, before: bool = False) -> np.ndarray:
        """Return the ambient or the given temperature [K] of each boundary face at a time [s], (faces,)."""
        time = to_si(t, "time", "t")
        temperature = self.model.boundary.temperature.copy()
        ambient = self._parent.ambient_temperature(time, before=before)
        temperature[self._cooled] = ambient[self._of_parent]
        temperature[self._cut] = self._interpolated(time)
        return temperature

    def _interpolated(self, time: float) -> np.ndarray:
        """Return the temperatures of the cut faces [K] at a time [s]."""
        last = self._times.size - 1
        n = int(np.clip(np.searchsorted(self._times, time, side="right") - 1, 0, max(last - 1, 0)))
        if last == 0:
            return np.asarray(self._frames[0])
        fraction = float(np.clip((time - self._times[n]) / (self._times[n + 1] - self._times[n]), 0.0, 1.0))
        found: np.ndarray = (1.0 - fraction) * self._frames[n] + fraction * self._frames[n + 1]
        return found

    def next_event(self, t: float | str) -> float:
        """Return the next time [s] after t at which a value or a slope jumps, infinity if none does."""
        time = to_si(t, "time", "t")
        later = self._times[self._times > time]
        frame = float(later[0]) if later.size else math.inf
        return min(frame, self._parent.next_event(time))

    def must_cover(self, until: float | str, since: float | str = 0.0) -> None:
        """Raise DescriptionError if a trace has no values at some times [s] from `since` to `until`."""
        self._parent.must_cover(until, since)

    def override(self, powers: Any) -> None:
        """Raise: powers of a local model follow those of the package."""
        raise NotImplementedError("the powers of a local model are those of the package")
