"""Transient simulation of a package: `C dT/dt + G T = P(t)` from event to event, with error control in K."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from thermostack.errors import ConvergenceError, RunawayError
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.link_heat import LinkHeat, measure_links
from thermostack.finite_volume.nodal_values import temperature_at
from thermostack.finite_volume.part_temperatures import (
    PartsAndBlocks,
    PartTemperature,
    PeakLocations,
    ZoneTemperatures,
    find_peaks,
    measure_parts,
    measure_zones,
    merge_parts,
)
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.shifted import ShiftedOperator
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.model import Model, as_model
from thermostack.package.package import Package
from thermostack.results.history import TIME_ROUNDING
from thermostack.results.result_warnings import extremes_of_parts, result_warnings
from thermostack.results.transient_result import Energy
from thermostack.schema.arguments import argument_error, check_quantity, require_mapping
from thermostack.transient.initial_field import Initial, initial_fluxes, initial_rise, steady_start
from thermostack.transient.loads import Loads
from thermostack.transient.material_update import MaterialUpdate, are_constant
from thermostack.transient.probes import positions_in_metres
from thermostack.transient.runge_kutta import SCHEMES
from thermostack.transient.stage_sources import StageSources
from thermostack.transient.step_size import StepSizeController
from thermostack.transient.stepper import Counts, LinearCombination, Stepper
from thermostack.transient.temperature_bounds import TemperatureBounds
from thermostack.transient.waveform import Waveform
from thermostack.units import format_quantity

Array = np.ndarray

STAGE_TOLERANCE = 0.1  # of the tolerance in time: error to which the linear system of a stage is solved
NO_BOUNDS = (-math.inf, math.inf)  # K
_STATE_KEYS = ("time", "next_step", "steps", "rejected", "energy", "materials", "bounds", "loads", "stepper")
RUNAWAY_TEMPERATURE = 1500.0  # K, above which a package with leakage counts as runaway
MAX_IMBALANCE = 0.01  # of the tolerance in time: temperature of an imbalance that is more than rounding


class Simulation:
    """The temperatures of a model, advanced in time.

    Parameters
    ----------
    model : Model or Package
        The mesh; a package is discretized with the default grid.
    loads : Loads, Waveform or sequence of Waveform, optional
        Power, ambient temperatures and heat-transfer coefficients over time; by default the power of the
        package, constant. Of `Loads` it uses a copy, the attribute `loads`.
    initial : {"steady", "outside"}, float, str, numpy.ndarray, SteadyResult or mapping
        Initial temperatures: the steady solution for the loads at `time`, the mean ambient temperature, one
        temperature [K], a field (nz, ny, nx) [K], or that of a steady result. A mapping has one of these by
        the name of a stack or part; its key "*" stands for all others, by default "outside".
    time : float
        Time at the start [s].
    tolerance : float
        Tolerance of the error in time [K].
    scheme : str
        "sdirk3", "sdirk4" or "implicit_euler".
    step : float, optional
        Fixed length of the steps [s], without error control; "implicit_euler" needs it.
    method : str
        "multigrid" or "direct".
    threads : int, optional
        Number of threads, by default that of the available processor cores.

    Raises
    ------
    ArgumentError
        If an argument has the wrong type or is out of its range.
    DescriptionError
        If a material has no heat capacity or a trace does not fit the package.
    ConvergenceError
        If the steady start does not converge.
    ResourceError
        If the simulation would exceed the memory of this machine; raised before anything is allocated.

    Notes
    -----
    L-stable singly diagonally implicit Runge-Kutta schemes with embedded error estimate: Alexander, SIAM J.
    Numer. Anal. 14 (1977) 1006; Hairer and Wanner, Solving Ordinary Differential Equations II (1996).

    Examples
    --------
    >>> import thermostack as ts
    >>> model = ts.discretize(ts.read_package("fcbga"), cell=6e-3)
    >>> simulation = ts.Simulation(model, initial="outside", tolerance=0.5)
    >>> parts = simulation.step(0.1, {"die": 60.0})
    >>> parts["die"].power, simulation.time
    (60.0, 0.1)
    """

    def __init__(
        self,
        model: Model | Package,
        loads: Loads | Waveform | Sequence[Waveform] | None = None,
        *,
        initial: Initial = "steady",
        time: float | str = 0.0,
        tolerance: float | str = 0.1,
        scheme: str = "sdirk3",
        step: float | str | None = None,
        method: str = "multigrid",
        threads: int | None = None,
    ) -> None:
        self.model = as_model(model)
        time = check_quantity(time, "time", "time")
        tolerance = check_quantity(tolerance, "temperature_difference", "tolerance", above=0.0)
        step = _checked_step(scheme, step, "step")
        self.time, self.scheme = time, SCHEMES[scheme]
        self._step_size = StepSizeController(tolerance, self.scheme.embedded_order, step)
        self._check_memory(method)
        self.loads = (loads if isinstance(loads, Loads) else Loads(self.model, loads)).copy_for(self.model)
        self.steps = 0
        self.energy = Energy()
        self.members = PartsAndBlocks(self.model)
        self._zero = self.model.boundary.mean_ambient  # K
        self._materials = MaterialUpdate(self.model, self._zero, tolerance, self.loads.htc_fraction(time))
        operators = self._materials.conduction, self._materials.capacity
        widths = (self.model.grid.dx, self.model.grid.dy)
        self._shifted = ShiftedOperator(*operators, widths=widths, method=method, threads=threads)
        shape = self.model.grid.shape
        self._sources = StageSources(self.model, self.loads, self._zero, self.scheme.stages)
        self._sources.set_terms(self._materials.terms)
        self._temperature = np.empty(shape)  # K, workspace of measurements
        self._ambient = self.loads.ambient_temperature(time)
        self._measured: ZoneTemperatures | None = None
        self._stepper = Stepper(self._shifted, self.scheme, shape, self._shifted.solver.threads)
        self._stepper.field[...] = initial_rise(initial, time, self._materials, self._sources, self._shifted)
        self._initial = steady_start(initial)
        self.bounds = TemperatureBounds(self._stepper.field[self.model.part > 0] + self._zero)
        self._update_loads(is_jump=True)

    def _check_memory(self, method: str) -> None:
        faces, stages = self.model.boundary.cell.size, self.scheme.stages
        linear = are_constant(self.model)
        estimate = MemoryEstimate(
            self.model.grid, linear, method=method, boundary_faces=faces, time_stages=stages
        )
        check_memory(estimate, held=self.model.memory)

    def __repr__(self) -> str:
        """Return package, grid, scheme, time and energy in four lines."""
        nz, ny, nx = self.model.grid.shape
        fixed, tolerance = self.fixed_step, f"tolerance {self.tolerance:g} K"
        control = tolerance if fixed is None else f"step {fixed:g} s"
        rows = [
            f"Simulation of {self.model.package.name!r}: {nx} x {ny} x {nz} cells",
            f"  scheme  {self.scheme.name}, {control}",
            f"  time    {self.time:g} s after {self.steps} steps, peak {self.peak:.2f} K",
            f"  energy  {self.energy.generated:.5g} J generated, imbalance {self.energy.imbalance:.1e} J",
        ]
        return "\n".join(rows)

    # -- present state -----------------------------------------------------------------------------

    @property
    def field(self) -> Array:
        """Return the temperatures [K], (nz, ny, nx), NaN outside the body.

        They are the state of the time integration, whose stored heat is that of `energy`. They can be beyond
        `bounds` by its tolerance; all temperatures that are reported and recorded are within the bounds.
        """
        t = self._stepper.field + self._zero
        t[self.model.part == 0] = np.nan
        return t

    @property
    def peak(self) -> float:
        """Return the maximum temperature of a cell [K]."""
        hottest = float(self._stepper.field[self.model.part > 0].max()) + self._zero
        return min(hottest, self.bounds.max)

    @property
    def tolerance(self) -> float:
        """Return the tolerance of the error in time [K]."""
        return self._step_size.tolerance

    @property
    def fixed_step(self) -> float | None:
        """Return the fixed length of the steps [s]; None with error control. It can be set between steps."""
        return self._step_size.fixed_step

    @fixed_step.setter
    def fixed_step(self, step: float | str | None) -> None:
        self._step_size.fixed_step = _checked_step(self.scheme.name, step, "fixed_step")

    @property
    def next_step(self) -> float:
        """Return the length of the next step [s]; 0 where it follows from the rates of change."""
        return self._step_size.next_step

    @property
    def rejected(self) -> int:
        """Return the number of rejected steps."""
        return self._step_size.rejected

    @property
    def work(self) -> Counts:
        """Return the numbers of linear systems, of their iterations, and of changes of the shift."""
        return self._stepper.counts

    def step(
        self, duration: float | str, power: Mapping[str, float | str] | None = None
    ) -> dict[str, PartTemperature]:
        """Advance by a duration and return the temperatures of all parts, blocks and stacks by name.

        Parameters
        ----------
        duration : float or str
            Time to advance [s]; text has a unit, "10 ms".
        power : mapping of str to float or str, optional
            Power [W] of stacks, parts or blocks by name, which replaces that of the trace from now on.

        Returns
        -------
        dict of str to PartTemperature
            Minimum, mean and maximum [K] and power [W] by name.

        Raises
        ------
        ArgumentError
            If the duration is not positive.
        DescriptionError
            If a name has no heat source.
        ConvergenceError
            If a step does not converge.
        """
        duration = check_quantity(duration, "time", "duration", above=0.0)
        if power is not None:
            self.override(power)
        self.advance(self.time + duration)
        return self.temperatures()

    def override(self, power: Mapping[str, float | str]) -> None:
        """Replace the power [W] of stacks, parts or blocks by name, whatever the trace says, from now on."""
        self.loads.override(power)
        self._measured = None
        self._update_loads(is_jump=True)

    def scale(self, share: Mapping[str, float | str]) -> None:
        """Multiply the power of stacks, parts or blocks by a factor from now on; others have factor 1."""
        before = self.loads.source_powers(self.time)
        self.loads.scale(share)
        if not np.array_equal(before, self.loads.source_powers(self.time)):
            self._measured = None
            self._update_loads(is_jump=True)

    def temperatures(self) -> dict[str, PartTemperature]:
        """Return the temperatures of all parts, blocks and stacks by name."""
        found = self._part_temperatures()
        stacks: dict[str, list[PartTemperature]] = {}
        for name, part in found.items():
            pieces = name.split(".")
            for n in range(1, len(pieces)):
                if not part.is_block:
                    stacks.setdefault(".".join(pieces[:n]), []).append(part)
        merged = {name: merge_parts(name, parts) for name, parts in stacks.items() if name not in found}
        return found | merged

    def _part_temperatures(self) -> dict[str, PartTemperature]:
        """Return the temperatures of all parts and blocks by name."""
        measured = measure_parts(self._fluxes(), self.members, self.zone_temperatures()).temperatures
        power = self.loads.power(self.time)
        return {part.name: dataclasses.replace(part, power=float(power[n])) for n, part in measured.items()}

    def powers(self) -> Array:
        """Return the present power of every part, then of every block, with leakage [W]."""
        power = self.loads.power(self.time)
        leakage = self.model.leakage_of_zones(self._stepper.field + self._zero)
        return power if leakage is None else power + leakage

    def zone_temperatures(self) -> ZoneTemperatures:
        """Return the minimum, mean and maximum temperatures of all parts and blocks."""
        if self._measured is None and self.steps == 0:
            self._measured = measure_zones(self._fluxes(), self.members, bounds=NO_BOUNDS)
        elif self._measured is None:
            self._measured = measure_zones(
                self._fluxes(),
                self.members,
                bounds=(self.bounds.min, self.bounds.max),
                power_of_plane=self._power_of_plane(),
            )
        return self._measured

    @property
    def links(self) -> tuple[LinkHeat, ...]:
        """Return the present heat flow through every link, and the temperatures of its ends."""
        t = self._stepper.field + self._zero if self.model.link_cells else self._stepper.field
        return measure_links(self.model, self._materials.conduction.links, t)

    def peak_locations(self) -> PeakLocations:
        """Return the points of the present maximum temperatures of all parts and blocks."""
        return find_peaks(self._fluxes(), self.zone_temperatures().hottest)

    def _power_of_plane(self) -> Callable[[int], Array]:
        """Return a function that gives the present power of the cells at a height [W], (ny, nx)."""
        nz, ny, nx = self.model.grid.shape
        sources = [(self.loads.cell, self.loads.cell_powers(self.time)), self._leakage]
        starts = [np.searchsorted(cell, np.arange(nz + 1) * ny * nx) for cell, _ in sources]

        def power_of_plane(k: int) -> Array:
            plane = np.zeros(ny * nx)
            for (cell, powers), start in zip(sources, starts, strict=True):
                own = slice(start[k], start[k + 1])
                plane[cell[own] - k * ny * nx] += powers[own]
            return plane.reshape(ny, nx)

        return power_of_plane

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return the warnings of the mesh builder, of the loads, and about the present temperatures."""
        parts = list(self._part_temperatures().values())
        is_powered = any(part.power for part in parts)
        extremes = extremes_of_parts(parts)
        found = result_warnings(self.model, extremes, is_powered=is_powered, uses_capacity=True)
        return (*self.model.warnings, *self.loads.warnings, *found)

    def at(self, probes: Mapping[str, Sequence[float | str]]) -> dict[str, float]:
        """Return the temperatures [K] at positions x, y, z [m] by name, NaN outside the body."""
        points = positions_in_metres(probes)
        if not points:
            return {}
        fluxes = self._fluxes()
        t = np.array([temperature_at(fluxes, *point) for point in points.values()])
        if self.steps > 0:
            t = self.bounds.clip(t)
        return dict(zip(points, t.tolist(), strict=True))

    def _fluxes(self) -> FaceFluxes:
        """Return the present fluxes, valid until the next call."""
        t = np.add(self._stepper.field, self._zero, out=self._temperature)
        initial = initial_fluxes(self._initial, self.model, t) if self.steps == 0 else None
        if initial is not None:
            return initial
        materials = self._materials
        model = materials.terms.model(self._stepper.field)
        ambient = self._ambient + materials.terms.ambient_change
        return FaceFluxes(model, materials.conduction, materials.conductivity, t, ambient)

    @property
    def _leakage(self) -> tuple[Array, Array]:
        """Return the cells with leakage (n,), and their present leakage power [W]."""
        leakage = self.model.leakage
        if leakage is None:
            return np.zeros(0, np.intp), np.zeros(0)
        return leakage.cell, leakage.power(self._stepper.field + self._zero)

    @property
    def _surface(self) -> Array:
        """Return the conductance of each boundary face [W/K]."""
        return self._materials.conduction.boundary_face_conductance

    def state(self) -> dict[str, Any]:
        """Return the state that all later steps depend on: arrays, numbers and nested states by name."""
        return {
            "time": self.time,
            "next_step": self.next_step,
            "steps": self.steps,
            "rejected": self.rejected,
            "energy": list(dataclasses.astuple(self.energy)),
            "materials": self._materials.state(),
            "bounds": self.bounds.state(),
            "loads": self.loads.state(),
            "stepper": self._stepper.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that `state` returned; later steps are the same to the last bit.

        Raises DescriptionError if the state belongs to another model, or if it is not such a state.
        """
        require_mapping(state, "state", "pass the value of `state()`")
        if missing := [key for key in _STATE_KEYS if key not in state]:
            text = f"the state has no {' and no '.join(missing)}"
            raise argument_error("state", text, "pass the value of `state()`", "E-MISSING")
        self._stepper.check(state["stepper"])
        self.loads.restore(state["loads"])
        self.time, self._step_size.next_step = float(state["time"]), float(state["next_step"])
        self.steps, self._step_size.rejected = int(state["steps"]), int(state["rejected"])
        self.energy = Energy(*map(float, state["energy"]))
        self._measured = None
        self.bounds.restore(state["bounds"])
        self._stepper.restore(state["stepper"])
        self._ambient = self.loads.ambient_temperature(self.time)
        self._materials.restore(state["materials"], self.loads.htc_fraction(self.time))
        self._sources.set_terms(self._materials.terms)
        self._update_operator()

    # -- steps ---------------------------------------------------------------------------------------

    def advance(self, until: float | str, after_step: Callable[[Simulation], None] | None = None) -> None:
        """Advance to a time [s], which is reached exactly, as is every jump of the loads before it.

        Text has a unit, "10 ms"; a time before the present one has no effect. `after_step` is called after
        every step. Raises ConvergenceError if a step does not converge.
        """
        until = check_quantity(until, "time", "until")
        self._shifted.solver.require_own_process()
        while self.time < until:
            event = self.loads.next_event(self.time)
            end = min(until, event)
            is_step = end - self.time > TIME_ROUNDING * abs(end)
            if is_step:
                self._advance_step(end)
            else:  # the two times differ by rounding
                self.time, self._measured = end, None
            if self.time == event:
                self._update_loads(is_jump=self._loads_jump())
            if after_step is not None and (is_step or self.time == event):
                after_step(self)

    def _advance_step(self, latest_end: float) -> None:
        """Advance by one accepted step, which ends at `latest_end` [s] or before."""
        remaining, last_step = latest_end - self.time, 0.0
        control = self._step_size
        for _ in range(control.settings.max_attempts):
            proposed = control.propose(remaining, self._initial_step)
            step, is_last = control.fit(proposed, remaining)
            end = latest_end if is_last else self.time + step
            if step != last_step:
                self._predict_materials(step)
            self._sources.set_step(self.scheme, self.time, step, end, self._surface)
            last_step = step
            try:
                self._stepper.try_step(step, self._sources.sources, STAGE_TOLERANCE * self.tolerance)
            except RunawayError:  # the step is too long for leakage that grows
                control.accept(step, proposed, math.inf)
                continue
            error, stored = self._stepper.error_norm()
            if self._materials_agree() and control.accept(step, proposed, max(error, self._terms_error())):
                break
        else:
            raise ConvergenceError(f"no step from {self.time:g} s on has an error under {self.tolerance:g} K")
        self._balance_step(step, stored)
        self._stepper.accept()
        self.bounds.extend(self._sources.bounds)
        self._ambient = self._sources.ambient_at_end
        self.time = end
        self.steps += 1
        self._measured = None
        self._check_outcome()

    def _check_outcome(self) -> None:
        """Raise RunawayError or BoilingCrisisError, with the time, where the step led to one of them."""
        self._materials.terms.check_critical_flux(self.time)
        if self._materials.terms.leakage is not None and self.peak > RUNAWAY_TEMPERATURE:
            raise RunawayError(
                f"thermal runaway: at {self.time:.6g} s the maximum temperature is above "
                f"{format_quantity(RUNAWAY_TEMPERATURE, 'temperature')}, since the leakage power grows "
                "faster with temperature than the heat that leaves; cool more, or reduce the power"
            )

    def _terms_error(self) -> float:
        """Return the error of the linear boundary conditions and powers at the end of a step [K]."""
        materials = self._materials
        return (
            materials.terms.error(self._stepper.end, materials.conduction) if materials.terms.exist else 0.0
        )

    def _initial_step(self, remaining: float) -> float:
        """Return the length of a step [s] in which no temperature would change by more than the tolerance."""
        self._sources.set_stage(
            0, self.time, self._materials.conduction.boundary_face_conductance, before=False
        )
        rate = self._stepper.max_rate(self._sources.sources[0])
        return min(remaining, self.tolerance / rate) if rate > 0.0 else remaining

    def _loads_jump(self) -> bool:
        now = self.time
        values = (self.loads.source_powers, self.loads.ambient_temperature)
        is_jump = any(not np.array_equal(each(now, before=True), each(now)) for each in values)
        return is_jump or self.loads.htc_fraction(now) is not None

    def _update_loads(self, *, is_jump: bool) -> None:
        """Use the loads that hold from the present time on."""
        if self._materials.set_htc_fraction(self.loads.htc_fraction(self.time)):
            self._update_operator()
        self._ambient = self.loads.ambient_temperature(self.time)
        cell_powers = self.loads.cell_powers(self.time)
        self.bounds.extend(self._sources.load_bounds(self._ambient, cell_powers))
        if is_jump:
            self._stepper.reset_history()
            self._step_size.restart()

    def _balance_step(self, step: float, stored: float) -> None:
        """Add the heat of a step to the energy, and the imbalance that rounding caused to its end.

        Raises ConvergenceError if the imbalance is more than rounding.
        """
        cell, surface = self.model.boundary.cell, self._surface
        generated = outflow = 0.0
        for n, weight in enumerate(self.scheme.b.tolist()):
            leakage = self._materials.terms.leakage_at_rise(self._stepper.stage(n))
            through_faces = float((surface * self._stepper.stage(n).reshape(-1)[cell]).sum())
            through_faces -= self._sources.boundary_heat[n]
            generated += weight * step * (self._sources.power[n] + leakage)
            outflow += weight * step * through_faces
        imbalance = generated - outflow - stored
        rise = imbalance / self._shifted.total_capacity  # K
        if not abs(rise) <= MAX_IMBALANCE * self.tolerance:
            text = f"the heat of a step at {self.time:g} s does not balance: {imbalance:.1e} J are missing"
            raise ConvergenceError(f"{text}; ask for a smaller tolerance")
        self._stepper.add_constant(rise)
        energy = self.energy
        self.energy = Energy(
            energy.generated + generated,
            energy.outflow + outflow,
            energy.stored + generated - outflow,
            energy.correction + abs(imbalance),
        )

    # -- materials -----------------------------------------------------------------------------------

    def _predict_materials(self, step: float) -> None:
        """Evaluate materials at temperatures extrapolated to the middle of a step [s], if that matters."""
        materials = self._materials
        materials.set_ambient(self.loads.ambient_temperature(self.time + 0.5 * step))
        middle = self._stepper.extrapolate(0.5 * step)
        is_changed = materials.predict(self._stepper.field, middle)
        if self._linearise(middle) or is_changed:
            self._update_operator(self._stepper.shift_of(step), only_boundary=not is_changed)

    def _materials_agree(self) -> bool:
        """Return whether materials and linear terms agree with the middle of the step.

        If not, evaluate them there.
        """
        is_changed = self._materials.correct(self._stepper.middle)
        if self._linearise(self._stepper.middle) or is_changed:
            self._update_operator(only_boundary=not is_changed)
            return False
        return True

    def _linearise(self, middle: LinearCombination) -> bool:
        """Make boundary laws and leakage linear at the middle of a step, where that matters.

        Returns whether they changed.
        """
        materials = self._materials
        if not materials.terms.exist:
            return False
        rise = np.empty(self._stepper.shape)
        for k, plane in enumerate(rise):
            middle.write(k, plane)
        if not materials.terms.must_change(rise, materials.conduction):
            return False
        materials.linearise(rise)
        self._sources.set_terms(materials.terms)
        return True

    def _update_operator(self, shift: float | None = None, *, only_boundary: bool = False) -> None:
        """Use the present conductances and capacities, and a shift [1/s] if one is given."""
        self._shifted.update_operator(
            self._materials.conduction, self._materials.capacity, shift, only_boundary=only_boundary
        )


def response_operators(simulation: Simulation) -> tuple[ShiftedOperator, CellConductivity]:
    """Return the operator of conduction and storage, and the conductivities, at the present temperatures.

    The shift of the operator may be changed: the next step sets its own.
    """
    return simulation._shifted, simulation._materials.conductivity


def _checked_step(scheme: str, step: float | str | None, argument: str) -> float | None:
    """Return the fixed length of the steps [s], None with error control.

    Raises ArgumentError if it is not positive, if the scheme is unknown, or if it needs a fixed length.
    """
    if scheme not in SCHEMES:
        hint = f"it is one of {', '.join(SCHEMES)}"
        raise argument_error("scheme", f"{scheme!r} is not a scheme", hint, "E-NAME")
    if step is not None:
        return check_quantity(step, "time", argument, above=0.0)
    if SCHEMES[scheme].embedded is None:
        text = f"{scheme} does not estimate its error"
        raise argument_error(argument, text, 'give the length of its steps, "1 ms"', "E-MISSING")
    return None
