"""A run that is cheap, goes its way by its state alone, and shows any bit of it that is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from support.small_result import small_package

from thermostack.io.results import hdf5_check
from thermostack.io.results.transient_writer import TransientWriter
from thermostack.mesh.model import Model, discretize
from thermostack.results.throttling_log import ThrottlingLog

NAMES = ("logic.active", "logic.bulk", "logic.active.core")
PROBES = {"corner": (0.0, 0.0, 0.0), "middle": (1e-3, 1e-3, 1e-4)}
FRAME_TIMES = (0.0, 0.11, 0.3, 0.5)
EVERY = 5  # steps between checkpoints


LOG = ThrottlingLog("logic", ("logic",), ("full", "half"), (1.0, None), 0.0, 0.5, (0.0, 0.1), (0, 1))
METADATA = {"throttling": (LOG,), "report": None, "warnings": ("warm",)}


def coarse_model() -> Model:
    """Return the small package on some hundred cells."""
    return discretize(small_package(), cell=5e-3)


class FakeSimulation:
    """Numbers that never settle: each step's size and values follow from the last ones by a chaotic map."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.x = np.linspace(0.2, 0.7, 5)
        self.time, self.steps, self.energy = 0.0, 0, np.zeros(3)

    def state(self) -> dict[str, Any]:
        numbers = {"time": self.time, "steps": self.steps, "kept": [{"share": 0.1 * self.steps, "on": True}]}
        return {"x": self.x, "energy": self.energy, "more": numbers}

    def restore(self, state: Any) -> None:
        self.x, self.energy = state["x"], state["energy"]
        self.time, self.steps = state["more"]["time"], state["more"]["steps"]

    def step(self, until: float) -> None:
        self.x = 3.9 * self.x * (1.0 - self.x)
        self.time = min(self.time + 0.02 * (0.5 + self.x[0]), until)
        self.steps += 1
        self.energy = self.energy + self.x[:3]

    @property
    def field(self) -> np.ndarray:
        ramp = np.linspace(0.0, 1.0, self.model.grid.cells).reshape(self.model.grid.shape)
        return np.where(self.model.part > 0, 300.0 + 50.0 * self.x[1] + 10.0 * self.x[2] * ramp, np.nan)

    def note(self, writer: TransientWriter) -> None:
        mean = 300.0 + 10.0 * self.x[:3]
        writer.row(self.time, mean - 1.0, mean, mean + self.x[3], self.x[2:], self.x[:2], self.energy)


def fake_run(
    path: Path,
    model: Model,
    resume: bool = False,
    request: str = "all of it",
    after_step: Callable[[FakeSimulation], None] = lambda simulation: None,
) -> TransientWriter:
    """Run the simulation into a file as a solver would."""
    with TransientWriter(path, model, NAMES, PROBES, FRAME_TIMES, request, resume) as writer:
        if writer.is_finished:
            return writer
        simulation = FakeSimulation(model)
        if writer.resumed is None:
            simulation.note(writer)
            writer.frame(0.0, simulation.field)
            writer.checkpoint(simulation.state())
        else:
            simulation.restore(writer.resumed)
        for until in FRAME_TIMES[1:]:
            while simulation.time < until:
                simulation.step(until)
                simulation.note(writer)
                if simulation.time == until:
                    writer.frame(until, simulation.field)
                if simulation.steps % EVERY == 0:
                    writer.checkpoint(simulation.state())
                after_step(simulation)
        writer.finish(simulation.field, METADATA)
    return writer


def contents(path: Path) -> dict[str, Any]:
    """Return all that a file holds but for when and by whom it was written."""
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        for name, item in hdf5_check.walk_objects(file):
            found[f"{name} attributes"] = {
                key: np.asarray(value).tolist() for key, value in item.attrs.items()
            }
            if isinstance(item, h5py.Dataset) and not name.endswith("provenance"):
                values = item[()]
                found[name] = values.tolist() if values.dtype == object else values.tobytes()
    return found
