"""A package in time: `C dT/dt + G T = P(t)` from event to event, in steps whose error is held in kelvin."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thermostack.errors import ConvergenceError
from thermostack.finite_volume.part_temperatures import (
    PartMeasurements,
    PartsAndBlocks,
    PartTemperature,
    measure_parts,
    merge_parts,
)
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.shifted import ShiftedOperator
from thermostack.mesh.memory_estimate import MemoryEstimate, check_memory
from thermostack.mesh.model import Model, discretize
from thermostack.package.package import Package
from thermostack.results.history import TIME_ROUNDING
from thermostack.results.steady_result import SteadyResult
from thermostack.results.transient_result import Energy
from thermostack.steady import require_fixed_temperature
from thermostack.transient.loads import Loads
from thermostack.transient.material_update import MaterialUpdate, are_constant
from thermostack.transient.runge_kutta import SCHEMES
from thermostack.transient.stepper import SparseSource, Stepper
from thermostack.transient.waveform import Waveform

Array = np.ndarray

SHARE = 1.0  # of the tolerance that the estimated error of one step may take
SOLVED = 0.1  # of that, to which a stage is solved
GROWTH, LEAST = 8.0, 0.1  # a step's length over that of the one before, at most and at least
SAFETY = 0.9
KEPT = 1.25  # growth below which the step stays as it is, and the solver with it
MOST_TRIES = 30  # of one step
EPSILON = 1e-9  # of what is left: a step that ends nearer to it ends there
STEADY = 1e-10  # tolerance of the steady start
SETTLED = 1e-8  # of the rise: what conductivities may still change of it
MOST_ROUNDS = 50  # of conductivity after temperature, in a steady start
ASTRAY = 0.01  # of the tolerance: the mean temperature of heat that is astray and no rounding any more


@dataclass(frozen=True, eq=False)
class _Given:
    """What the heat of a stage was made of."""

    levels: Array  # (heaters,) W
    outside: Array  # (surfaces,) K
    surface: Array  # (surfaces,) W/K
    heats: Array  # (cells of the loads,) W


class Simulation:
    """The temperatures of a model as time goes on."""

    def __init__(
        self,
        model: Model | Package,
        loads: Loads | Waveform | Sequence[Waveform] | None = None,
        *,
        initial: str | float | Array | SteadyResult = "steady",
        time: float = 0.0,
        tolerance: float = 0.1,
        scheme: str = "sdirk3",
        step: float | None = None,
        method: str = "multigrid",
        threads: int | None = None,
    ) -> None:
        """Begin at a time [s] with the `initial` temperatures.

        These are "steady", the answer of `solve_steady` to the power at that time, "outside", the mean
        temperature of the surroundings, one temperature [K] for all, or a field (nz, ny, nx) [K].
        `tolerance` [K] is the error in time that is held; `step` [s] takes steps of that length instead,
        which is what scheme "implicit_euler" needs.
        Raises ValueError on wrong arguments, DescriptionError where a material has no heat capacity or a
        trace does not fit, ConvergenceError where the equations are not solved, and ResourceError, before
        anything is allocated, where it would not fit in this machine's memory.
        """
        self.model = discretize(model) if isinstance(model, Package) else model
        if scheme not in SCHEMES:
            raise ValueError(f"scheme is {scheme!r}; it is one of {', '.join(SCHEMES)}")
        if step is None and SCHEMES[scheme].embedded is None:
            raise ValueError(f"{scheme} does not estimate its error; give the length of its steps")
        if not tolerance > 0.0 or (step is not None and not step > 0.0):
            raise ValueError("tolerance and step are greater than zero")
        surfaces, stages = self.model.boundary, SCHEMES[scheme].stages
        linear = are_constant(self.model)
        solve = MemoryEstimate(
            self.model.grid, linear, method=method, boundary_faces=surfaces.cell.size, time_stages=stages
        )
        check_memory(solve, held=self.model.memory)
        self.loads = loads if isinstance(loads, Loads) else Loads(self.model, loads)
        self.time, self.tolerance, self.scheme = time, tolerance, SCHEMES[scheme]
        self.fixed_step = step
        self.next_step = 0.0  # s; 0: from the rates of change
        self.steps = self.rejected = 0
        self.energy = Energy()
        self.members = PartsAndBlocks(self.model)
        self._zero = surfaces.mean_ambient
        self._coefficients = MaterialUpdate(self.model, self._zero, tolerance, self.loads.htc_fraction(time))
        operators = self._coefficients.conduction, self._coefficients.capacity
        widths = (self.model.grid.dx, self.model.grid.dy)
        self._shifted = ShiftedOperator(*operators, widths=widths, method=method, threads=threads)
        shape = self.model.grid.shape
        self._flux = surfaces.flux * surfaces.area  # W, of each surface
        self._first = np.flatnonzero(np.diff(surfaces.cell, prepend=-1))  # surface of each cooled cell
        self._heats = [SparseSource(())] * stages  # of each stage of a step
        self._power, self._brought = [0.0] * stages, [0.0] * stages  # W, of it what parts make, faces bring
        self._given: list[_Given | None] = [None] * stages  # what it was made of
        self._shown = np.empty(shape)  # K, what is measured
        self._outside = self.loads.ambient_temperature(time)
        self._measured: PartMeasurements | None = None
        self._stepper = Stepper(self._shifted, self.scheme, shape, self._shifted.solver.threads)
        self._stepper.field[...] = self._start(initial)
        self._follow(is_jump=True)

    # -- what is asked of it -----------------------------------------------------------------------

    @property
    def field(self) -> Array:
        """Return the temperatures [K], (nz, ny, nx), NaN outside the body."""
        t = self._stepper.field + self._zero
        t[self.model.part == 0] = np.nan
        return t

    @property
    def peak(self) -> float:
        """Return the highest temperature of a cell [K]."""
        return float(self._stepper.field[self.model.part > 0].max()) + self._zero

    @property
    def work(self) -> Any:
        """Return how many systems were solved, in how many iterations, and how often the shift changed."""
        return self._stepper.work

    def step(self, duration: float, power: Mapping[str, float] | None = None) -> dict[str, PartTemperature]:
        """Go on for so many seconds and return the temperatures of all parts, blocks and stacks by name.

        `power` [W] by the names of stacks, parts or blocks replaces what the trace says, from now on.
        """
        if not duration > 0.0:
            raise ValueError(f"a duration of {duration:g} s is no way forward")
        if power is not None:
            self.override(power)
        self.advance(self.time + duration)
        return self.temperatures()

    def override(self, power: Mapping[str, float]) -> None:
        """Let these stacks, parts or blocks make so many watts from now on, whatever the trace says."""
        self.loads.override(power)
        self._measured = None
        self._follow(is_jump=True)

    def scale(self, share: Mapping[str, float]) -> None:
        """Let these stacks, parts or blocks make such shares of what the trace says from now on."""
        before = self.loads.source_powers(self.time)
        self.loads.scale(share)
        if not np.array_equal(before, self.loads.source_powers(self.time)):
            self._measured = None
            self._follow(is_jump=True)

    def temperatures(self) -> dict[str, PartTemperature]:
        """Return the temperatures of all parts, blocks and stacks by name."""
        found = {part.name: part for part in self.measure().temperatures.values()}
        stacks: dict[str, list[PartTemperature]] = {}
        for name, part in found.items():
            pieces = name.split(".")
            for n in range(1, len(pieces)):
                if not part.is_block:
                    stacks.setdefault(".".join(pieces[:n]), []).append(part)
        together = {name: merge_parts(name, parts) for name, parts in stacks.items() if name not in found}
        return found | together

    def measure(self) -> PartMeasurements:
        """Return the temperatures of the parts, rebuilt between the cell centres from the fluxes."""
        if self._measured is None:
            power = self.loads.power(self.time)
            self._measured = measure_parts(self._fluxes(), self.members, power, is_steady=False)
        return self._measured

    def at(self, places: Mapping[str, tuple[float, float, float]]) -> dict[str, float]:
        """Return the temperatures [K] at some places x, y, z [m], NaN outside the body."""
        if not places:
            return {}
        fluxes = self._fluxes()
        return {name: fluxes.temperature_at(*place) for name, place in places.items()}

    def _fluxes(self) -> FaceFluxes:
        """Return the fluxes now, good until they are asked for again."""
        t = np.add(self._stepper.field, self._zero, out=self._shown)
        conductivity = self._coefficients.conductivity_at(t)
        return FaceFluxes(self.model, self._coefficients.conduction, conductivity, t, self._outside)

    def state(self) -> dict[str, Any]:
        """Return all that what follows depends on: arrays and numbers by name, states in it too."""
        return {
            "time": self.time,
            "next_step": self.next_step,
            "steps": self.steps,
            "rejected": self.rejected,
            "energy": list(dataclasses.astuple(self.energy)),
            "coefficients": self._coefficients.state(),
            "loads": self.loads.state(),
            "stepper": self._stepper.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned, of a simulation made alike: to the last bit.

        Raises DescriptionError where it is of another model.
        """
        self._stepper.check(state["stepper"])
        self.loads.restore(state["loads"])
        self.time, self.next_step = float(state["time"]), float(state["next_step"])
        self.steps, self.rejected = int(state["steps"]), int(state["rejected"])
        self.energy = Energy(*map(float, state["energy"]))
        self._measured = None
        self._stepper.restore(state["stepper"])
        self._outside = self.loads.ambient_temperature(self.time)
        self._coefficients.restore(state["coefficients"], self.loads.htc_fraction(self.time))
        self._renew()

    # -- going on ------------------------------------------------------------------------------------

    def advance(self, until: float, watch: Callable[[Simulation], None] | None = None) -> None:
        """Go on until a time [s], which is reached exactly, as is every jump of the loads before it.

        `watch` is called after every step. Raises ConvergenceError where a step is not solved.
        """
        while self.time < until:
            event = self.loads.next_event(self.time)
            edge = min(until, event)
            is_step = edge - self.time > TIME_ROUNDING * abs(edge)
            if is_step:
                self._make_step(edge)
            else:  # two times that are meant to be one
                self.time, self._measured = edge, None
            if self.time == event:
                self._follow(is_jump=self._jumps())
            if watch is not None and (is_step or self.time == event):
                watch(self)

    def _make_step(self, edge: float) -> None:
        """Make one step, which ends at the edge [s] at the latest."""
        left, tried = edge - self.time, 0.0
        for _ in range(MOST_TRIES):
            wanted = self.fixed_step or self.next_step or self._first_step(left)
            step, is_last = _fitted(wanted, left)
            end = edge if is_last else self.time + step
            self._heat_stages(step, end)
            if not self._coefficients.are_constant and step != tried:
                self._foresee(step)
            self._stepper.try_step(step, self._heats, SOLVED * SHARE * self.tolerance)
            tried = step
            error, stored = self._stepper.error_norm()
            if self._is_settled() and self._is_good(step, wanted, error):
                break
        else:
            raise ConvergenceError(f"no step from {self.time:g} s on has an error under {self.tolerance:g} K")
        self._count(step, stored)
        self._stepper.accept()
        self.time = end
        self.steps += 1
        self._measured = None

    def _is_good(self, step: float, wanted: float, error: float) -> bool:
        """Return whether the error [K] of a step is as small as asked, and set how long the next one is."""
        if self.fixed_step is not None:
            return True
        ratio = SHARE * self.tolerance / error if error > 0.0 else np.inf
        growth = float(np.clip(SAFETY * ratio ** (1.0 / (self.scheme.embedded_order + 1)), LEAST, GROWTH))
        if not error <= SHARE * self.tolerance:
            self.rejected += 1
            self.next_step = step * (min(growth, 0.7) if math.isfinite(error) else LEAST)
            return False
        longer = step * growth if growth > KEPT else step
        self.next_step = max(longer, wanted) if step < wanted else longer
        return True

    def _first_step(self, left: float) -> float:
        """Return how long a step [s] would change no cell by more than the tolerance."""
        self._set_heat(0, self.time, before=False)
        rate = self._stepper.rates(self._heats[0])
        return min(left, SHARE * self.tolerance / rate) if rate > 0.0 else left

    def _jumps(self) -> bool:
        now = self.time
        for values in (self.loads.source_powers, self.loads.ambient_temperature):
            if not np.array_equal(values(now, before=True), values(now)):
                return True
        return self.loads.htc_fraction(now) is not None

    def _follow(self, *, is_jump: bool) -> None:
        """Take note of the loads as they are from now on."""
        if self._coefficients.set_htc_fraction(self.loads.htc_fraction(self.time)):
            self._renew()
        self._outside = self.loads.ambient_temperature(self.time)
        if is_jump:
            self._stepper.reset_history()
            self.next_step = 0.0

    # -- heat ----------------------------------------------------------------------------------------

    def _heat_stages(self, step: float, end: float) -> None:
        """Set the heat of every stage of a step that ends at a time [s]."""
        for n, c in enumerate(self.scheme.c.tolist()[:-1]):
            self._set_heat(n, self.time + c * step, before=False)
        self._set_heat(self.scheme.stages - 1, end, before=True)

    def _set_heat(self, n: int, time: float, *, before: bool) -> None:
        """Set the heat [W] that cells at the zero of temperatures receive in stage n."""
        levels, outside = (
            self.loads.source_powers(time, before=before),
            self.loads.ambient_temperature(time, before=before),
        )
        surfaces, surface, known = (
            self.model.boundary,
            self._coefficients.conduction.boundary_face_conductance,
            self._given[n],
        )
        if known is not None and np.array_equal(known.levels, levels):
            if known.surface is surface and np.array_equal(known.outside, outside):
                return
            heats = known.heats
        else:
            heats = self.loads.cell_powers(time, before=before)
        self._given[n] = _Given(levels, outside, surface, heats)
        given = surface * (outside - self._zero) + self._flux
        sources = [(self.loads.cell, heats)]
        if given.any():  # else all faces see the zero of temperatures
            sources.append((surfaces.cell[self._first], np.add.reduceat(given, self._first)))
        self._heats[n] = SparseSource(tuple(sources))
        self._power[n], self._brought[n] = float(heats.sum()), float(given.sum())

    def _count(self, step: float, stored: float) -> None:
        """Add the heat of a step to the balance, and to its end what rounding has left out.

        Raises ConvergenceError where that is more than rounding.
        """
        cell, ground = self.model.boundary.cell, self._coefficients.conduction.boundary_face_conductance
        made = left = 0.0
        for n, share in enumerate(self.scheme.b.tolist()):
            leaving = float((ground * self._stepper.stage(n).reshape(-1)[cell]).sum()) - self._brought[n]
            made += share * step * self._power[n]
            left += share * step * leaving
        astray = made - left - stored
        lift = astray / self._shifted.stores  # K
        if not abs(lift) <= ASTRAY * self.tolerance:
            text = f"the heat of a step at {self.time:g} s does not balance: {astray:.1e} J are astray"
            raise ConvergenceError(f"{text}; ask for a smaller tolerance")
        self._stepper.add_constant(lift)
        energy = self.energy
        self.energy = Energy(
            energy.generated + made,
            energy.outflow + left,
            energy.stored + made - left,
            energy.correction + abs(astray),
        )

    # -- coefficients --------------------------------------------------------------------------------

    def _foresee(self, step: float) -> None:
        """Take materials at the temperatures foreseen for the middle of a step [s], if that matters."""
        if self._coefficients.predict(self._stepper.field, self._stepper.extrapolate(0.5 * step)):
            self._renew(self._stepper.shift_of(step))

    def _is_settled(self) -> bool:
        """Return whether materials were taken as the step has them in its middle; if not, take them so."""
        if self._coefficients.correct(self._stepper.middle):
            self._renew()
            return False
        return True

    def _renew(self, shift: float | None = None) -> None:
        """Go on with the coefficients as they are now, and with a shift [1/s] where one is given."""
        self._shifted.change(self._coefficients.conduction, self._coefficients.capacity, shift)

    # -- how it begins -----------------------------------------------------------------------

    def _start(self, initial: str | float | Array | SteadyResult) -> Array:
        """Return the temperatures over zero to begin with [K]."""
        shape = self.model.grid.shape
        if isinstance(initial, SteadyResult):
            initial = initial.field
        if isinstance(initial, str):
            if initial == "outside":
                return np.zeros(shape)
            if initial != "steady":
                raise ValueError(
                    f'initial is {initial!r}; it is "steady", "outside", a temperature or a field'
                )
            initial = self._steady_field()
        if np.ndim(initial) == 0:
            if not 0.0 < float(initial) < math.inf:
                raise ValueError(f"an initial temperature of {initial} K cannot be")
            return np.where(self.model.part > 0, float(initial) - self._zero, 0.0)
        start = np.asarray(initial, dtype=np.float64)
        if start.shape != shape:
            raise ValueError(f"initial temperatures have shape {start.shape}; the cells have {shape}")
        if not np.isfinite(start[self.model.part > 0]).all():
            raise ValueError("initial temperatures are not finite in every cell of the body")
        return np.where(self.model.part > 0, start - self._zero, 0.0)

    def _steady_field(self) -> Array:
        """Return the steady temperatures [K] of the loads as they are now."""
        require_fixed_temperature(self.model)
        t = np.zeros(self.model.grid.shape)
        for _ in range(MOST_ROUNDS):
            before, heat = t.copy(), np.zeros(t.shape)
            self._set_heat(0, self.time, before=False)
            self._heats[0].add_to(heat)
            self._shifted.update_shift(0.0).solve(heat, t, STEADY)
            self._shifted.balance(heat, t)
            is_same = float(np.abs(t - before).max()) <= SETTLED * float(np.abs(t).max())
            if self._coefficients.are_constant or is_same:
                return t + self._zero
            self._coefficients.evaluate(t)
            self._renew()
        raise ConvergenceError("conductivities and temperatures of the steady start do not settle")


def _fitted(wanted: float, left: float) -> tuple[float, bool]:
    """Return how long a step [s] is, and whether it is the last of what is left: no stub comes after it."""
    if wanted >= left * (1.0 - EPSILON):
        return left, True
    return (0.5 * left if wanted > 0.5 * left else wanted), False
