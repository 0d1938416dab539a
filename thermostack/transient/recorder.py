"""Recorder of a transient run in memory: rows of every step, and frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray


class MemoryRecorder:
    """Keeps the results of a run in memory, with the interface of `TransientWriter`."""

    is_finished, resumed = False, None

    def __init__(self, names: Sequence[str], probes: Sequence[str]) -> None:
        """Start without rows; `names` are those of the members, parts and then blocks."""
        self.names, self.probes = tuple(names), tuple(probes)
        self.rows: list[tuple[Any, ...]] = []
        self.fields: list[Array] = []

    def __enter__(self) -> MemoryRecorder:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def frames(self) -> int:
        """Return the number of frames recorded so far."""
        return len(self.fields)

    def row(self, *row: Any) -> None:
        """Record time, temperatures, powers, probes, energies and heat of links, as `TransientWriter.row`."""
        self.rows.append(row)

    def frame(self, time: float, field: Array) -> None:
        """Record a field (nz, ny, nx) [K]."""
        self.fields.append(field.astype(np.float32))

    def checkpoint(self, state: Mapping[str, Any]) -> None:
        """Do nothing: a run in memory cannot be resumed."""

    def arrays(self, frame_times: Array) -> dict[str, Any]:
        """Return the arrays of a `TransientResult` by the names of its fields."""
        time, low, mean, high, power, probes, energy, heat = zip(*self.rows, strict=True)
        values = {"time": time, "min": low, "mean": mean, "max": high, "power": power, "energy": energy}
        values["link_heat"] = heat
        return {
            "names": self.names,
            **{name: np.array(value) for name, value in values.items()},
            "probes": {name: np.array([row[name] for row in probes]) for name in self.probes},
            "frame_time": frame_times,
            "frames": np.array(self.fields),
        }
