"""A workload played through a package: the run from its start to its end, and what it leaves."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thermostack.errors import ResultFileError
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.io.results.checkpoint_file import read_checkpoint
from thermostack.io.results.transient_file import read_transient
from thermostack.io.results.transient_writer import TransientWriter, checkpoint_path
from thermostack.mesh.model import Model, discretize
from thermostack.package.package import Package
from thermostack.results.steady_result import SteadyResult
from thermostack.results.transient_result import RunReport, TransientResult
from thermostack.transient.controllers import Controller, ControllerSet, Startable
from thermostack.transient.loads import Loads
from thermostack.transient.simulation import Simulation
from thermostack.transient.trace import Origin
from thermostack.transient.waveform import Waveform

Array = np.ndarray
Place = tuple[float, float, float]  # x, y, z in m
Progress = Callable[[float, float, float], None]  # time [s], step [s], greatest temperature [K]

TOLERANCE = 0.1  # K
EVERY = 60.0  # s of the clock between two states from which a run can go on
LANDED = 1e-9  # of a period: what is nearer to its end is there


def solve_transient(
    model: Model | Package,
    duration: float,
    loads: Loads | Waveform | Sequence[Waveform] | None = None,
    *,
    controllers: Sequence[Startable | Controller] = (),
    initial: str | float | Array | SteadyResult = "steady",
    tolerance: float = TOLERANCE,
    scheme: str = "sdirk3",
    step: float | None = None,
    times: Sequence[float] = (),
    probes: Mapping[str, Place] | None = None,
    method: str = "multigrid",
    threads: int | None = None,
    progress: Progress = lambda time, step, peak: None,
    path: str | Path | None = None,
    checkpoint: float = EVERY,
    resume: bool = False,
) -> TransientResult:
    """Return the temperatures of a model over `duration` seconds from t = 0 on.

    `loads` are traces of power and cooling, `controllers` act on them. `initial`, `tolerance` [K], `scheme`
    and `step` are those of `Simulation`. Whole fields are kept at `times` [s] and at both ends, temperatures
    of the parts and of `probes`, places x, y, z [m], at every step.

    With a `path` the result is written there as the run goes on, and nothing but the present is held in
    memory; every `checkpoint` seconds of the clock it is made such that, after the process was killed, the
    same call with `resume` goes on from there, to the same result. Without it the run begins anew, and what
    `find_unfinished` finds there is lost.

    Raises DescriptionError where loads, controllers or materials do not fit, ConvergenceError where the
    equations are not solved, OutputError where the file cannot be written, ValueError on wrong arguments.
    """
    began = clock.perf_counter()
    model = discretize(model) if isinstance(model, Package) else model
    if not (math.isfinite(duration) and duration > 0.0):
        raise ValueError(f"a duration of {duration:g} s is no time to run")
    loads = loads if isinstance(loads, Loads) else Loads(model, loads)
    loads.must_cover(duration)
    frame_times = _frame_times(times, duration)
    made: dict[str, Any] = {"scheme": scheme, "tolerance": tolerance, "step": step, "method": method}
    places = dict(probes or {})
    names = [*(part.name for part in model.parts), *(block.name for block in model.blocks)]
    control = ControllerSet(controllers)
    if path is None:
        keeper: Any = _Memory(names, list(places))
    else:
        asked = _hash(duration, loads, controllers, initial, frame_times, places, made)
        keeper = TransientWriter(path, model, names, places, frame_times, asked, resume)
    with keeper:
        if keeper.is_finished:
            return read_transient(keeper.path)
        start = initial if keeper.resumed is None else "outside"
        simulation = Simulation(model, loads, initial=start, threads=threads, **made)
        run = _Run(simulation, control, keeper, places, frame_times, checkpoint, progress)
        if keeper.resumed is not None:
            run.restore(keeper.resumed)
        run.go(duration)
        facts: dict[str, Any] = {
            "throttling": control.outcomes(duration),
            "report": _report(simulation, clock.perf_counter() - began),
            "warnings": model.warnings,
        }
        if path is None:
            return TransientResult(model=model, field=simulation.field, **keeper.arrays(frame_times), **facts)
        keeper.finish(simulation.field, facts)
    return read_transient(keeper.path)


def find_unfinished(path: str | Path) -> tuple[Path, float] | None:
    """Return the state that a run to a path has left to go on from, if any, and the time [s] it reached."""
    path = Path(path)
    state = checkpoint_path(path.resolve() if path.is_symlink() else path)
    try:
        return state, float(read_checkpoint(state)["state"]["simulation"]["time"])
    except (FileNotFoundError, ResultFileError, LookupError, TypeError, ValueError):
        return None


class _Run:
    """A simulation on its way, with what acts on it and what keeps its results."""

    def __init__(
        self,
        simulation: Simulation,
        control: ControllerSet,
        keeper: Any,
        probes: Mapping[str, Place],
        frame_times: Array,
        every: float,
        progress: Progress,
    ) -> None:
        self.simulation, self.control, self.keeper = simulation, control, keeper
        self.probes, self.frame_times, self.every, self.progress = probes, frame_times, every, progress
        self.kept_at = -math.inf  # of the clock: the last state to go on from
        self.reached = simulation.time  # s, before the last step

    def go(self, end: float) -> None:
        """Go on to the end [s]."""
        simulation = self.simulation
        if self.keeper.frames == 0:
            self.act()
            self.note(simulation)
        while True:
            now = simulation.time
            if self.keeper.frames < self.frame_times.size and now == self.frame_times[self.keeper.frames]:
                self.keeper.frame(now, simulation.field)
            if now >= end:
                return
            self.keep()
            until = min(end, self.frame_times[self.keeper.frames], self.control.next_after(now))
            simulation.advance(float(until), self.watch)

    def act(self) -> None:
        """Let those controllers act whose time has come."""
        control, now = self.control, self.simulation.time
        if not control.running:
            return
        if control.acted is None or control.next_after(control.acted) <= now * (1.0 + LANDED):
            temperatures = self.simulation.temperatures()
            for name, at in control.probes.items():
                value = self.simulation.at({name: at})[name]
                temperatures[name] = PartTemperature(name, 0.0, value, value, value, at, 0.0)
            self.simulation.scale(control.act(now, temperatures))

    def watch(self, simulation: Simulation) -> None:
        """Note what holds after a step; where `progress` ends the run here, it can go on from here."""
        self.act()
        peak = self.note(simulation)
        try:
            self.progress(simulation.time, simulation.time - self.reached, peak)
        except KeyboardInterrupt:
            self.kept_at = -math.inf
            self.keep()
            raise
        self.reached = simulation.time
        self.keep()

    def note(self, simulation: Simulation) -> float:
        """Keep a row of what holds now, and return the greatest temperature [K]."""
        measured = simulation.measure().temperatures
        rows = np.full((4, simulation.members.count), np.nan)
        for n, part in measured.items():
            rows[:, n] = part.min, part.mean, part.max, part.power
        energy = simulation.energy
        probes = simulation.at(self.probes)
        self.keeper.row(simulation.time, *rows, probes, (energy.generated, energy.outflow, energy.stored))
        return float(np.nanmax(rows[2]))

    def keep(self) -> None:
        """Keep a state to go on from, where the last one is old."""
        if clock.monotonic() - self.kept_at >= self.every:
            self.keeper.checkpoint({"simulation": self.simulation.state(), "control": self.control.state()})
            self.kept_at = clock.monotonic()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.control.restore(state["control"])
        self.simulation.restore(state["simulation"])
        self.reached = self.simulation.time
        self.kept_at = clock.monotonic()


class _Memory:
    """Keeps a run in memory, as `SeriesWriter` does in a file."""

    is_finished, resumed = False, None

    def __init__(self, names: Sequence[str], probes: Sequence[str]) -> None:
        self.names, self.probes = tuple(names), tuple(probes)
        self.rows: list[tuple[Any, ...]] = []
        self.fields: list[Array] = []

    def __enter__(self) -> _Memory:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def frames(self) -> int:
        return len(self.fields)

    def row(self, *row: Any) -> None:
        self.rows.append(row)

    def frame(self, time: float, field: Array) -> None:
        self.fields.append(field.astype(np.float32))

    def checkpoint(self, state: Mapping[str, Any]) -> None:
        pass

    def arrays(self, frame_times: Array) -> dict[str, Any]:
        """Return what a transient is made of."""
        time, low, mean, high, power, probes, energy = zip(*self.rows, strict=True)
        values = {"time": time, "min": low, "mean": mean, "max": high, "power": power, "energy": energy}
        return {
            "names": self.names,
            **{name: np.array(value) for name, value in values.items()},
            "probes": {name: np.array([row[name] for row in probes]) for name in self.probes},
            "frame_time": frame_times,
            "frames": np.array(self.fields),
        }


def _frame_times(times: Sequence[float], duration: float) -> Array:
    """Return the times [s] of the frames, those at both ends with them, each once."""
    asked = np.asarray(times, dtype=np.float64).reshape(-1)
    if not (np.isfinite(asked).all() and (asked >= 0.0).all() and (asked <= duration).all()):
        wrong = asked[~((asked >= 0.0) & (asked <= duration))][0]
        raise ValueError(f"a frame at {wrong:g} s is not between the start and {duration:g} s")
    return np.unique([0.0, *asked, duration])


def _report(simulation: Simulation, seconds: float) -> RunReport:
    work = simulation.work
    return RunReport(
        simulation.scheme.name,
        simulation.tolerance,
        simulation.fixed_step,
        simulation.steps,
        simulation.rejected,
        work.solves,
        work.iterations,
        simulation.energy.correction,
        seconds,
    )


def _hash(duration: float, loads: Loads, controllers: Sequence[Any], *rest: Any) -> str:
    """Return a hash of all that is asked of a run beside its model."""
    found = hashlib.sha256()
    for piece in _pieces([duration, loads.waveforms, controllers, *rest]):
        found.update(piece)
    return found.hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    """Yield what tells a value from others."""
    if isinstance(value, np.ndarray):
        yield f"{value.shape}{value.dtype}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Mapping):
        yield from _pieces([list(value), list(value.values())])
    elif isinstance(value, (list, tuple)):
        yield f"[{len(value)}".encode()
        for item in value:
            yield from _pieces(item)
    elif isinstance(value, SteadyResult):
        yield from _pieces(value.field)
    elif isinstance(value, Origin):
        return  # where a trace was read from changes nothing
    elif callable(value):
        yield f"{value.__module__}.{value.__qualname__}".encode()
    elif dataclasses.is_dataclass(value):
        yield type(value).__name__.encode()
        yield from _pieces([getattr(value, field.name) for field in dataclasses.fields(value)])
    elif hasattr(value, "__dict__"):
        yield type(value).__name__.encode()
        yield from _pieces({name: item for name, item in vars(value).items() if not name.startswith("_")})
    else:
        yield repr(value).encode()
