"""Right-hand sides of the stages of a step: power of the heat sources and heat from boundary conditions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.mesh.model import Model
from thermostack.transient.linearised_terms import LinearisedTerms
from thermostack.transient.loads import Loads
from thermostack.transient.runge_kutta import RungeKuttaScheme
from thermostack.transient.stepper import SparseSource
from thermostack.transient.temperature_bounds import load_bounds as linear_bounds

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class _StageInput:
    """The values that the right-hand side of a stage was computed from."""

    source_powers: Array  # (heat sources,) W
    ambient: Array  # (boundary faces,) K
    surface: Array  # (boundary faces,) W/K
    cell_powers: Array  # (cells of the loads,) W
    bounds: tuple[float, float]  # K, of the temperatures


class StageSources:
    """Heat that cells at the reference temperature receive in each stage of a step [W].

    A stage whose loads and boundary conductances are those of its last right-hand side keeps it.
    """

    def __init__(self, model: Model, loads: Loads, zero: float, stages: int) -> None:
        """Start with empty sources; `zero` is the reference temperature [K]."""
        faces = model.boundary
        self.loads, self.zero = loads, zero
        self.sources = [SparseSource(())] * stages
        self.power = [0.0] * stages  # W, generated in the parts
        self.boundary_heat = [0.0] * stages  # W, through boundary faces into a body at `zero`
        self._faces = faces
        self._flux = faces.flux * faces.area  # W, of each boundary face
        self._ambient_change = np.zeros(faces.cell.size)  # K, by the linear boundary conditions of laws
        self._leakage = np.zeros(0, np.intp), np.zeros(0)  # cells, and W of the linear law at `zero`
        self._surroundings = model.nonlinear_faces.temperatures if model.nonlinear_faces else np.zeros(0)
        self._first = np.flatnonzero(np.diff(faces.cell, prepend=-1))  # first face of each boundary cell
        self._input: list[_StageInput | None] = [None] * stages

    def set_step(
        self, scheme: RungeKuttaScheme, start: float, step: float, end: float, surface: Array
    ) -> None:
        """Set the sources of every stage of a step from `start` to `end` [s].

        `surface` holds the conductance of each boundary face [W/K].
        """
        for n, c in enumerate(scheme.c.tolist()[:-1]):
            self.set_stage(n, start + c * step, surface, before=False)
        self.set_stage(scheme.stages - 1, end, surface, before=True)

    def set_terms(self, terms: LinearisedTerms) -> None:
        """Set the linear boundary conditions and leakage powers."""
        self._ambient_change = terms.ambient_change
        self._leakage = terms.leakage_cells, terms.constant_leakage()
        self._input = [None] * len(self._input)

    @property
    def ambient_at_end(self) -> Array:
        """Return the ambient temperatures at the end of the step [K], (boundary faces,)."""
        last = self._input[-1]
        assert last is not None, "no step was set"
        return last.ambient

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the bounds of the temperatures by the loads of all stages of the step [K]."""
        low, high = zip(*(stage.bounds for stage in self._input if stage is not None), strict=True)
        return min(low), max(high)

    def set_stage(self, n: int, time: float, surface: Array, *, before: bool) -> None:
        """Set the sources of stage n to the loads at a time [s], at a jump those before it if `before`."""
        source_powers = self.loads.source_powers(time, before=before)
        ambient = self.loads.ambient_temperature(time, before=before)
        last = self._input[n]
        if last is not None and np.array_equal(last.source_powers, source_powers):
            if last.surface is surface and np.array_equal(last.ambient, ambient):
                return
            cell_powers = last.cell_powers
        else:
            cell_powers = self.loads.cell_powers(time, before=before)
        bounds = self.load_bounds(ambient, cell_powers)
        self._input[n] = _StageInput(source_powers, ambient, surface, cell_powers, bounds)
        inflow = surface * (ambient + self._ambient_change - self.zero) + self._flux
        sources = [(self.loads.cell, cell_powers)]
        if inflow.any():  # otherwise every face is at the reference temperature
            sources.append((self._faces.cell[self._first], np.add.reduceat(inflow, self._first)))
        if self._leakage[0].size:
            sources.append(self._leakage)
        self.sources[n] = SparseSource(tuple(sources))
        self.power[n], self.boundary_heat[n] = float(cell_powers.sum()), float(inflow.sum())

    def load_bounds(self, ambient: Array, cell_powers: Array) -> tuple[float, float]:
        """Return the bounds of the temperatures by the loads at one time [K], with all surroundings."""
        low, high = linear_bounds(ambient, cell_powers, self._faces)
        low = min(low, float(self._surroundings.min(initial=np.inf)))
        high = max(high, float(self._surroundings.max(initial=-np.inf)))
        return low, np.inf if self._leakage[0].size else high
