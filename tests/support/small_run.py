"""A run as it might be of the small package: curves by formula, so that what is shown of them is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from thermostack.mesh.model import Model
from thermostack.results.throttling_log import ThrottlingLog


@dataclass(frozen=True, eq=False)
class Run:
    """The fields of a transient result that tables and figures read."""

    model: Model
    time: np.ndarray  # (n,) s
    names: tuple[str, ...]
    min: np.ndarray  # (n, members) K
    mean: np.ndarray
    max: np.ndarray
    power: np.ndarray  # (n, members) W
    throttling: tuple[ThrottlingLog, ...] = ()
    probes: dict[str, np.ndarray] = field(default_factory=dict)
    peak_error: tuple[float | None, ...] = ()  # (members,) K


def small_run(
    model: Model, throttling: tuple[ThrottlingLog, ...] = (), *, count: int = 201, end: float = 2.0
) -> Run:
    """Return a run of 2 s in which every member n warms from 310 K to 330 K + 2 n, faster the smaller n."""
    names = (*(part.name for part in model.parts), *(block.name for block in model.blocks))
    time = np.unique(np.concatenate([[0.0, 0.5 * end], np.geomspace(1e-5 * end, end, count - 2)]))
    n = np.arange(len(names))
    rise = 1.0 - np.exp(-time[:, None] / (0.05 * end * (1.0 + 0.2 * n)))
    maximum = 310.0 + (20.0 + 2.0 * n) * rise
    heat = np.concatenate([model.power_of_parts, [block.power for block in model.blocks]])
    power = np.where(time[:, None] < 0.5 * end, heat, 0.5 * heat)
    return Run(model, time, names, maximum - 4.0, maximum - 2.0, maximum, power, throttling)
