"""Record of a run for its error estimate: the maximum of every part, and the loads since the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from thermostack.finite_volume.part_temperatures import ZoneTemperatures
    from thermostack.transient.simulation import Simulation

Array = np.ndarray

MAX_CHANGES = 4096  # of the loads that are kept; above, every second one of the older half is merged


class PeakRecord:
    """The maximum temperatures of all parts and blocks with their positions, and all changes of the loads."""

    def __init__(self, simulation: Simulation) -> None:
        """Start at the present time of a simulation."""
        count = simulation.members.count
        self.temperature = np.full(count, -np.inf)  # (members,) K
        self.start = np.full(count, np.nan)  # (members,) K, maximum at the start
        self.mean_start = float(np.nanmean(simulation.field))  # K, over the cells of the body
        self.time = np.zeros(count)  # (members,) s, of the maximum
        self.cell = np.full(count, -1, dtype=np.intp)  # (members,) index in the raveled grid
        self.offset = np.zeros((3, count))  # -1/2, 0 or 1/2 along z, y and x
        self.rise = np.zeros((3, count))  # K, above the centre of the cell, along z, y and x
        self.slope_change = np.zeros(count)  # K, sum over the axes
        self.is_powered = np.zeros(count, dtype=bool)  # (members,) at any time
        self.changes: list[tuple[float, Array, Array]] = []  # s; W of each source; K of each boundary face

    def add(self, simulation: Simulation, found: ZoneTemperatures) -> None:
        """Add the present loads of a simulation, and its temperatures `found` of all parts and blocks."""
        now = simulation.time
        if not self.changes:
            self.start = found.max.copy()
        exists = found.hottest >= 0
        self.is_powered |= exists & (simulation.loads.power(now) != 0.0)
        hotter = np.flatnonzero(exists & (found.max > self.temperature))
        if hotter.size:
            peaks = simulation.peak_locations()
            self.temperature[hotter], self.time[hotter] = found.max[hotter], now
            self.cell[hotter] = peaks.source_cell[hotter]
            self.offset[:, hotter], self.rise[:, hotter] = (
                peaks.source_offset[:, hotter],
                peaks.rise[:, hotter],
            )
            self.slope_change[hotter] = peaks.slope_change[:, hotter].sum(axis=0)
        powers, ambient = simulation.loads.source_powers(now), simulation.loads.ambient_temperature(now)
        if self.changes:
            _, last_powers, last_ambient = self.changes[-1]
            if np.array_equal(powers, last_powers) and np.array_equal(ambient, last_ambient):
                return
            if np.array_equal(ambient, last_ambient):
                ambient = last_ambient  # keep one array
        self.changes.append((now, powers, ambient))
        if len(self.changes) > MAX_CHANGES:
            half = MAX_CHANGES // 2
            self.changes = [*self.changes[:1], *self.changes[1:half:2], *self.changes[half:]]

    def state(self) -> dict[str, Any]:
        """Return the record as arrays by name."""
        arrays = {name: getattr(self, name).copy() for name in _ARRAYS}
        times, powers, ambients = zip(*self.changes, strict=True)
        return arrays | {
            "mean_start": self.mean_start,
            "times": np.array(times),
            "powers": np.stack(powers),
            "ambients": np.stack(ambients),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state."""
        for name in _ARRAYS:
            setattr(self, name, np.array(state[name]))
        self.mean_start = float(state["mean_start"])
        self.changes = list(zip(state["times"].tolist(), state["powers"], state["ambients"], strict=True))


_ARRAYS = ("temperature", "start", "time", "cell", "offset", "rise", "slope_change", "is_powered")
