"""Transient runs from start to end: frames, probes, controllers, result files, checkpoints and resuming."""

from __future__ import annotations

import math
import time as clock
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thermostack.errors import DescriptionError, ResultFileError
from thermostack.finite_volume.part_temperatures import PartTemperature
from thermostack.io.results.checkpoint_file import read_checkpoint
from thermostack.io.results.transient_file import read_transient
from thermostack.io.results.transient_writer import TransientWriter, checkpoint_path
from thermostack.mesh.model import Model, as_model
from thermostack.package.package import Package
from thermostack.results.result_warnings import Extremes, power_warnings, result_warnings
from thermostack.results.transient_result import RunReport, TransientResult
from thermostack.schema.arguments import (
    argument_error,
    check_quantity,
    quantities_in_si,
    require_callable,
)
from thermostack.transient.controllers import Controller, ControllerSet, Startable, as_controllers
from thermostack.transient.grid_error import estimate_peak_errors, peak_warnings
from thermostack.transient.initial_field import Initial, is_steady_start, read_initial, require_parts
from thermostack.transient.loads import Loads
from thermostack.transient.peak_record import PeakRecord
from thermostack.transient.probes import Position, positions_in_metres, require_inside
from thermostack.transient.recorder import MemoryRecorder
from thermostack.transient.run_hash import run_hash
from thermostack.transient.simulation import Simulation
from thermostack.transient.waveform import Waveform

Array = np.ndarray
Progress = Callable[[float, float, float], None]  # time [s], step [s], maximum temperature [K]

TOLERANCE = 0.1  # K
CHECKPOINT_INTERVAL = 60.0  # s of wall-clock time between two checkpoints
CONTROL_TIME_ROUNDING = 1e-9  # relative: a control time that is nearer to the present is now


def solve_transient(
    model: Model | Package,
    duration: float | str,
    loads: Loads | Waveform | Sequence[Waveform] | None = None,
    *,
    controllers: Startable | Controller | Sequence[Startable | Controller] = (),
    initial: Initial = "steady",
    tolerance: float | str = TOLERANCE,
    scheme: str = "sdirk3",
    step: float | str | None = None,
    times: Sequence[float | str] = (),
    probes: Mapping[str, Sequence[float | str]] | None = None,
    method: str = "multigrid",
    threads: int | None = None,
    progress: Progress = lambda time, step, peak: None,
    path: str | Path | None = None,
    checkpoint: float | str = CHECKPOINT_INTERVAL,
    resume: bool = False,
) -> TransientResult:
    """Return the temperatures of a model from t = 0 to `duration`.

    Quantities are numbers in SI units or text with a unit, like "10 ms".

    Parameters
    ----------
    model : Model or Package
        The mesh; a package is discretized with the default grid.
    duration : float
        Time at the end [s].
    loads : Loads, Waveform or sequence of Waveform, optional
        Power, ambient temperatures and heat-transfer coefficients over time; by default the power of the
        package, constant.
    controllers : controller or sequence of controllers
        Throttles, governors or other controllers, which reduce power.
    initial, tolerance, scheme, step, method, threads
        As in `Simulation`.
    times : sequence of float
        Times [s] of the frames, at which the whole field is kept, besides the start and the end.
    probes : mapping of str to tuple of float, optional
        Positions x, y, z [m] in the body by name, whose temperature is recorded at every step.
    progress : callable
        Function that is called after every step with time [s], length of the step [s] and maximum
        temperature [K].
    path : str or pathlib.Path, optional
        File (.vtkhdf) to which the result is written during the run. Without it the result is kept in memory.
    checkpoint : float
        Wall-clock time [s] between two checkpoints of a run with a `path`.
    resume : bool
        Whether to resume an interrupted run to the same `path` from its last checkpoint, to the same result.
        If false, such a run is discarded; `find_unfinished` returns it. Functions and controllers are
        compared by their code and by the values that they use.

    Returns
    -------
    TransientResult
        Temperatures and powers at every step, frames, energy balance and throttling.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or is out of its range.
    DescriptionError
        If loads, controllers or materials do not fit the package, or the run to resume has other inputs.
    ConvergenceError
        If a step does not converge.
    OutputError
        If the file cannot be written.

    Notes
    -----
    The schemes and their sources are in the notes of `Simulation`.

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("fcbga"), cell=6e-3)
    >>> bursts = ts.Trace.duty_cycle("die", 60.0, period=0.2, share=0.5)
    >>> run = ts.solve_transient(model, 0.2, bursts, initial="outside", tolerance=0.5)
    >>> run.of("die").when
    0.1
    """
    start_time = clock.perf_counter()
    model = as_model(model)
    duration = check_quantity(duration, "time", "duration", above=0.0)
    tolerance = check_quantity(tolerance, "temperature_difference", "tolerance", above=0.0)
    step = None if step is None else check_quantity(step, "time", "step", above=0.0)
    checkpoint = check_quantity(checkpoint, "time", "checkpoint", min=0.0)
    initial = read_initial(initial)
    if isinstance(initial, Mapping):
        require_parts(initial, model)
    require_callable(progress, "progress", "pass a function of time, step and maximum temperature")
    loads = loads if isinstance(loads, Loads) else Loads(model, loads)
    loads.must_cover(duration)
    frame_times = _frame_times(times, duration)
    options: dict[str, Any] = {"scheme": scheme, "tolerance": tolerance, "step": step, "method": method}
    positions = positions_in_metres(probes)
    require_inside(positions, model)
    controllers = as_controllers(controllers)
    names = [*(part.name for part in model.parts), *(block.name for block in model.blocks)]
    controller_set = ControllerSet(controllers)
    if path is None:
        recorder: Any = MemoryRecorder(names, list(positions))
    else:
        inputs = {
            "duration": duration,
            "loads": [loads.waveforms, loads.state()],
            "controllers": list(controllers),
            "initial": initial,
            "times": frame_times,
            "probes": positions,
            "options": options,
        }
        key = _request_key(inputs, Path(path), resume)
        recorder = TransientWriter(path, model, names, positions, frame_times, key, resume)
    with recorder:
        if recorder.is_finished:
            return read_transient(recorder.path)
        start = initial if recorder.resumed is None else "outside"
        simulation = Simulation(model, loads, initial=start, threads=threads, **options)
        run = _Run(simulation, controller_set, recorder, positions, frame_times, checkpoint, progress)
        if recorder.resumed is not None:
            run.restore(recorder.resumed)
        run.advance(duration)
        field = simulation.bounds.clip(simulation.field)
        is_steady = isinstance(initial, str) and initial == "steady"
        errors = estimate_peak_errors(simulation, run.peaks, is_steady_start=is_steady)
        metadata: dict[str, Any] = {
            "throttling": controller_set.outcomes(duration),
            "report": _report(simulation, clock.perf_counter() - start_time),
            "warnings": (
                *model.warnings,
                *loads.warnings,
                *run.warnings(),
                *peak_warnings(errors, names, run.peaks.is_powered, tolerance),
            ),
            "is_steady_start": is_steady_start(initial, loads),
            "peak_error": tuple(None if np.isnan(error) else float(error) for error in errors.error),
        }
        if path is None:
            arrays = recorder.arrays(frame_times)
            return TransientResult(model=model, field=field, **arrays, **metadata)
        recorder.finish(field, metadata)
    return read_transient(recorder.path)


def find_unfinished(path: str | Path) -> tuple[Path, float] | None:
    """Return the checkpoint of an unfinished run to a path and its time [s], None if there is none."""
    path = Path(path)
    state = checkpoint_path(path.resolve() if path.is_symlink() else path)
    try:
        return state, float(read_checkpoint(state)["state"]["simulation"]["time"])
    except (FileNotFoundError, ResultFileError, LookupError, TypeError, ValueError):
        return None


def _request_key(inputs: Mapping[str, Any], path: Path, resume: bool) -> str:
    """Return the hash of the inputs of a run, or a unique text if some of them cannot be compared.

    Raises DescriptionError if such a run would have to be compared with an older one to be resumed.
    """
    try:
        return run_hash(inputs)
    except DescriptionError:
        if resume and (path.exists() or checkpoint_path(path).exists()):
            raise
        return uuid.uuid4().hex


class _Run:
    """A simulation with its controllers and the recorder of its results."""

    def __init__(
        self,
        simulation: Simulation,
        controllers: ControllerSet,
        recorder: Any,
        probes: Mapping[str, Position],
        frame_times: Array,
        checkpoint_interval: float,
        progress: Progress,
    ) -> None:
        self.simulation, self.controllers, self.recorder = simulation, controllers, recorder
        self.probes, self.frame_times, self.progress = probes, frame_times, progress
        self.checkpoint_interval = checkpoint_interval  # s, wall-clock
        self.last_checkpoint = -math.inf  # s, wall-clock
        self.last_time = simulation.time  # s, before the last step
        self.peaks = PeakRecord(simulation)
        count = simulation.members.count
        self.min, self.max = np.full(count, np.inf), np.full(count, -np.inf)  # (members,) K, of all steps
        self.time_of_max = np.zeros(count)  # (members,) s
        self.max_power = np.zeros(count)  # (members,) W, of the magnitudes

    def advance(self, end: float) -> None:
        """Advance to the end [s], with a stop at every frame and every control time."""
        simulation, recorder = self.simulation, self.recorder
        if recorder.frames == 0:
            self.control()
            self.record(simulation)
        while True:
            now = simulation.time
            if recorder.frames < self.frame_times.size and now == self.frame_times[recorder.frames]:
                recorder.frame(now, simulation.bounds.clip(simulation.field))
            if now >= end:
                return
            self.write_checkpoint()
            until = min(end, self.frame_times[recorder.frames], self.controllers.next_after(now))
            simulation.advance(float(until), self.after_step)

    def control(self) -> None:
        """Call the controllers whose control time has come, and apply their factors to the power."""
        controllers, now = self.controllers, self.simulation.time
        if not controllers.running:
            return
        last = controllers.last_time
        if last is None or controllers.next_after(last) <= now * (1.0 + CONTROL_TIME_ROUNDING):
            temperatures = self.simulation.temperatures()
            for name, position in controllers.probes.items():
                value = self.simulation.at({name: position})[name]
                temperatures[name] = PartTemperature(name, 0.0, value, value, value, position, 0.0)
            self.simulation.scale(controllers.act(now, temperatures))

    def after_step(self, simulation: Simulation) -> None:
        """Control, record and report a step; an interrupt in `progress` leaves a checkpoint here."""
        self.control()
        peak = self.record(simulation)
        try:
            self.progress(simulation.time, simulation.time - self.last_time, peak)
        except KeyboardInterrupt:
            self.last_checkpoint = -math.inf
            self.write_checkpoint()
            raise
        self.last_time = simulation.time
        self.write_checkpoint()

    def record(self, simulation: Simulation) -> float:
        """Record the present temperatures, powers and energies; return the maximum temperature [K]."""
        found = simulation.zone_temperatures()
        power = np.where(np.isnan(found.max), np.nan, simulation.powers())
        self.time_of_max[found.max > self.max] = simulation.time
        self.min, self.max = np.fmin(self.min, found.min), np.fmax(self.max, found.max)
        self.max_power = np.fmax(self.max_power, np.abs(power))
        self.peaks.add(simulation, found)
        energy = simulation.energy
        probes = simulation.at(self.probes)
        rows = (found.min, found.mean, found.max, power)
        terms = energy.generated, energy.outflow, energy.stored
        heat = [link.heat for link in simulation.links]
        self.recorder.row(simulation.time, *rows, probes, terms, heat)
        return float(np.nanmax(found.max))

    def warnings(self) -> list[str]:
        """Return the warnings about the extreme temperatures and powers of all steps so far."""
        model = self.simulation.model
        rows = zip(self.min.tolist(), self.max.tolist(), self.time_of_max.tolist(), strict=True)
        extremes = {
            part.name: Extremes(low, high, time=time)
            for part, (low, high, time) in zip(model.parts, rows, strict=False)
            if low <= high
        }
        is_powered = bool(self.max_power.any())
        found = result_warnings(model, extremes, is_powered=is_powered, uses_capacity=True)
        return [*power_warnings(model, self.max_power), *found]

    def write_checkpoint(self) -> None:
        """Write a checkpoint if the last one is older than the interval."""
        if clock.monotonic() - self.last_checkpoint >= self.checkpoint_interval:
            state = {
                "simulation": self.simulation.state(),
                "control": self.controllers.state(),
                "peaks": self.peaks.state(),
                "extremes": [self.min, self.max, self.time_of_max, self.max_power],
            }
            self.recorder.checkpoint(state)
            self.last_checkpoint = clock.monotonic()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from the state of a checkpoint."""
        self.controllers.restore(state["control"])
        self.peaks.restore(state["peaks"])
        self.simulation.restore(state["simulation"])
        self.min, self.max, self.time_of_max, self.max_power = map(np.array, state["extremes"])
        self.last_time = self.simulation.time
        self.last_checkpoint = clock.monotonic()


def _frame_times(times: Sequence[float | str], duration: float) -> Array:
    """Return the times [s] of the frames with start and end, ascending, each once."""
    given = quantities_in_si(times, "time", "times").reshape(-1)
    outside = np.flatnonzero(~((given >= 0.0) & (given <= duration)))
    if outside.size:
        text = f"a frame at {given[outside[0]]:g} s is not between the start and {duration:g} s"
        raise argument_error(f"times[{outside[0]}]", text, "", "E-RANGE")
    return np.unique([0.0, *given, duration])


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
