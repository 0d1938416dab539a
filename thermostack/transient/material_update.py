"""Updates of G and C in `C dT/dt + G T = P` with temperature (materials) and time (htc)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from thermostack.finite_volume.cell_conductivity import CellConductivity, StoredHalves
from thermostack.finite_volume.conduction import assemble_conduction, update_conduction
from thermostack.finite_volume.heat_capacity import (
    CellHeatCapacity,
    assemble_capacity,
    has_constant_capacity,
    update_capacity,
)
from thermostack.mesh.model import Model
from thermostack.transient.linearised_terms import LinearisedTerms
from thermostack.transient.stepper import LinearCombination

Array = np.ndarray

# The sensitivity of materials to temperature is evaluated in intervals above the ambient temperature.
SENSITIVITY_INTERVAL = 60.0  # K
SENSITIVITY_INTERVALS = 5
SENSITIVITY_SAMPLES = 6  # in each interval
MAX_MATERIAL_ERROR = 1.0  # of the tolerance: change of temperature that outdated materials may cause


class MaterialUpdate:
    """Conductances and heat capacities, evaluated at the temperatures in the middle of a step.

    They are evaluated again, in the same arrays, in those planes of cells where the change since the last
    evaluation could change a temperature by the tolerance. Methods that may change `conduction` and
    `capacity` return whether they did. Temperatures (nz, ny, nx) are over the reference `zero`.
    """

    def __init__(
        self, model: Model, zero: float, tolerance: float, htc_fraction: Array | None = None
    ) -> None:
        """Evaluate materials at 300 K; `zero` and `tolerance` are in K.

        `htc_fraction` is the factor of each boundary face's heat-transfer coefficient, None if all are 1.
        Raises DescriptionError if a material has no heat capacity.
        """
        self.model, self.zero, self.tolerance = model, zero, tolerance
        self.are_constant = are_constant(model)
        self.terms = LinearisedTerms(model, zero, tolerance)
        model = model.linearised(self.terms.boundary, model.layer_sources)
        self._htc_fraction, self._cooled = htc_fraction, _with_htc_fraction(model, htc_fraction)
        self._conductivity, self._cell_capacity = CellConductivity(model), CellHeatCapacity(model)
        self.conduction = assemble_conduction(self._cooled, self._conductivity)
        self.capacity = assemble_capacity(model)
        self._sensitivity = _sensitivity(model, zero)
        varies: Array = self._conductivity.varies | self._cell_capacity.varies | _has_varying_link(model)
        self._varies = varies  # (nz,) planes
        self._varying = np.flatnonzero(varies)
        # K over `zero` at which conductivities and heat capacities were evaluated, NaN before
        self._conductivity_at = np.zeros(0 if self.are_constant else model.grid.shape)
        self._conductivity_at[self._varying] = np.nan
        self._capacity_at = self._conductivity_at.copy()
        # K, ambient temperature of each boundary face; the conductivity of the cell behind it depends on it
        self._ambient_at = self._ambient = model.boundary.temperature
        self._halves: StoredHalves = {}  # of the present conductances; they are read after every step
        self._max_rise = math.inf  # K, which errors of the materials act on
        # K, maximum change of temperature in each plane since its capacities were evaluated
        self._capacity_drift = np.where(varies, math.inf, 0.0)

    @property
    def conductivity(self) -> CellConductivity:
        """Return the conductivities that the present conductances were computed from."""
        ambient = self._ambient_at + self.terms.ambient_change
        boundary = replace(self._cooled.boundary, temperature=ambient)
        at = self._conductivity.at_temperature(self._if_evaluated(self._conductivity_at), self.zero)
        return at.with_boundary(boundary).with_stored(self._halves)

    def set_ambient(self, ambient: Array) -> None:
        """Set the ambient temperature of each boundary face [K], which the next evaluation uses."""
        self._ambient = ambient

    # -- updates ---------------------------------------------------------------------------------

    def linearise(self, rise: Array) -> None:
        """Make boundary laws and leakage linear at the temperatures of a field [K]."""
        self.conduction = self.terms.linearise(rise, self.conduction)
        self._cooled = self.model.linearised(self.terms.boundary, self.model.layer_sources)

    def set_htc_fraction(self, htc_fraction: Array | None) -> bool:
        """Set the factor of each face's heat-transfer coefficient; return whether that changes anything."""
        if _is_same(htc_fraction, self._htc_fraction):
            return False
        self._assemble_conduction(htc_fraction)
        return True

    def evaluate(self, t: Array) -> None:
        """Evaluate all materials, boundary laws and leakage at temperatures t [K]."""
        if not self.are_constant:
            self._conductivity_at[...] = t
            self._ambient_at = self._ambient
            self._evaluate_capacity(self._varies)
            self._update_conduction(self._varies)
        if self.terms.exist:
            self.linearise(t)

    def predict(self, present: Array, middle: LinearCombination) -> bool:
        """Evaluate materials at the temperatures predicted for the middle of a step, where that matters.

        `present` [K] is the field at the start of the step. Returns whether any material was evaluated.
        """
        if self.are_constant:
            return False
        self._max_rise = max(float(present.max()), -float(present.min()), 1.0)
        return self._update(middle, 1.0)

    def correct(self, middle: LinearCombination) -> bool:
        """Evaluate materials at the temperatures computed for the middle of a step, where that matters.

        Returns whether any material was evaluated. The permitted error is twice that of `predict`.
        """
        return not self.are_constant and self._update(middle, 0.5)

    def _update(self, middle: LinearCombination, weight: float) -> bool:
        """Evaluate materials in the planes where their weighted change of temperature matters."""
        change = np.zeros(self._capacity_drift.shape)  # K
        change[self._varying] = middle.distances(self._conductivity_at, self._varying)
        ambient_change = self._ambient_change()
        np.maximum(change, ambient_change, out=change)
        planes = self._matters(weight * change, self._sensitivity.max(axis=0))
        if not planes.any():
            return False
        planes = self._with_constant_neighbours(planes | (ambient_change > 0.0))
        self._ambient_at = self._ambient
        for k in np.flatnonzero(planes).tolist():
            middle.write(k, self._conductivity_at[k])
        self._capacity_drift[planes] += change[planes]  # small changes add up
        self._evaluate_capacity(planes & self._matters(self._capacity_drift, self._sensitivity[1]))
        self._update_conduction(planes)
        return True

    def _ambient_change(self) -> Array:
        """Return the maximum change of ambient temperatures since the last evaluation in each plane [K].

        It is zero in planes of constant materials.
        """
        change, largest = np.abs(self._ambient - self._ambient_at), np.zeros(self._capacity_drift.shape)
        if change.any():
            np.maximum.at(largest, self.model.boundary.cell // self._conductivity_at[0].size, change)
        found: Array = np.where(self._varies, largest, 0.0)
        return found

    def _with_constant_neighbours(self, planes: Array) -> Array:
        """Return planes and those of constant materials next to them.

        The conductivity of half a cell depends on the temperature of the cell beyond its face.
        """
        beside = np.zeros_like(planes)
        beside[1:] |= planes[:-1]
        beside[:-1] |= planes[1:]
        found: Array = planes | (beside & ~self._varies)
        return found

    # -- state -----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return the temperatures at which materials were evaluated: arrays by name."""
        return {
            "conductivity_at": self._conductivity_at.copy(),
            "capacity_at": self._capacity_at.copy(),
            "capacity_drift": self._capacity_drift.copy(),
            "ambient_at": self._ambient_at.copy(),
            "terms": self.terms.state(),
        }

    def restore(self, state: Mapping[str, Any], htc_fraction: Array | None) -> None:
        """Evaluate materials as they were when `state` returned its value."""
        self._conductivity_at[...] = state["conductivity_at"]
        self._capacity_at[...] = state["capacity_at"]
        self._capacity_drift[...] = state["capacity_drift"]
        self._ambient_at = np.array(state["ambient_at"])
        self.terms.restore(state["terms"])
        self._update_capacity()
        self._assemble_conduction(htc_fraction)

    # -- evaluation ------------------------------------------------------------------------------

    def _matters(self, change: Array, sensitivity: Array) -> Array:
        """Return the planes in which a change of temperature [K] of the materials exceeds the tolerance."""
        max_change = np.full(change.shape, math.inf)  # K
        limit = MAX_MATERIAL_ERROR * self.tolerance / self._max_rise
        np.divide(limit, sensitivity, out=max_change, where=sensitivity > 0.0)
        is_small: Array = change <= max_change  # False for NaN: not evaluated yet
        return ~is_small

    def _evaluate_capacity(self, planes: Array) -> None:
        """Evaluate heat capacities at the temperatures of the conductivities."""
        self._capacity_at[planes], self._capacity_drift[planes] = self._conductivity_at[planes], 0.0
        self._update_capacity(planes)

    def _update_capacity(self, planes: Array | None = None) -> None:
        capacity = self._cell_capacity.at_temperature(self._if_evaluated(self._capacity_at), self.zero)
        update_capacity(self.capacity, self.model, capacity, planes)

    def _assemble_conduction(self, htc_fraction: Array | None) -> None:
        self._halves.clear()
        model = self.model.linearised(self.terms.boundary, self.model.layer_sources)
        self._htc_fraction, self._cooled = htc_fraction, _with_htc_fraction(model, htc_fraction)
        self.conduction = self.terms.with_slope(assemble_conduction(self._cooled, self.conductivity))

    def _update_conduction(self, planes: Array) -> None:
        for k in np.flatnonzero(planes).tolist():
            for near in (k - 1, k, k + 1):  # half a cell depends on the temperature beyond its face
                self._halves.pop(near, None)
        conductivity = self.conductivity
        updated = update_conduction(self.conduction, self._cooled, conductivity, planes)
        self.conduction = self.terms.with_slope(updated)

    def _if_evaluated(self, temperature: Array) -> Array | None:
        """Return temperatures of an evaluation, None if there was none."""
        is_evaluated = self._varying.size > 0 and math.isfinite(temperature[self._varying[0], 0, 0])
        return temperature if is_evaluated else None


def are_constant(model: Model) -> bool:
    """Return whether no material depends on temperature."""
    return model.has_constant_conductivity and has_constant_capacity(model)


def _sensitivity(model: Model, zero: float) -> Array:
    """Return the maximum relative change of conductivities and capacities with temperature, (2, nz) [1/K]."""
    count = SENSITIVITY_INTERVALS * SENSITIVITY_SAMPLES + 1
    at = zero + np.linspace(0.0, SENSITIVITY_INTERVALS * SENSITIVITY_INTERVAL, count)
    known: dict[int, list[float]] = {}
    of_part = np.zeros((2, 1 + len(model.parts)))
    for n, part in enumerate(model.parts, 1):
        material = part.material
        if id(material) not in known:
            laws = material.conductivity_at(at), [material.capacity_at(at)]
            known[id(material)] = [_max_slope(np.array(values)) for values in laws]
        of_part[:, n] = known[id(material)]
    present = [np.bincount(part.ravel(), minlength=of_part.shape[1]) > 0 for part in model.part]
    of_plane = np.array([of_part[:, here].max(axis=1) for here in present]).T
    for link in model.link_cells:
        conductor = link.link.material
        if conductor is not None and not conductor.is_constant:
            planes = np.unique(np.concatenate([end.k for end in link.ends]))
            slope = _max_slope(np.array(conductor.conductivity_at(at)))
            of_plane[0, planes] = np.maximum(of_plane[0, planes], slope)
    return of_plane


def _has_varying_link(model: Model) -> Array:
    """Return which planes have an end of a link whose conductance depends on temperature, (nz,) bool."""
    varies: Array = np.zeros(model.grid.shape[0], dtype=bool)
    for link in model.link_cells:
        if not link.link.is_constant:
            for end in link.ends:
                varies[end.k] = True
    return varies


def _max_slope(values: Array) -> float:
    """Return the maximum over all intervals of the relative slope of sampled values (n, samples) [1/K]."""
    steps = np.abs(np.diff(np.log(values), axis=1))
    steps = steps.reshape(len(values), SENSITIVITY_INTERVALS, SENSITIVITY_SAMPLES)
    return float(steps.sum(axis=2).max()) / SENSITIVITY_INTERVAL


def _with_htc_fraction(model: Model, htc_fraction: Array | None) -> Model:
    """Return a model whose heat-transfer coefficients are multiplied by a factor for each boundary face."""
    faces = model.boundary
    if htc_fraction is None:
        return model
    return replace(model, boundary=replace(faces, h=faces.h * htc_fraction))


def _is_same(one: Array | None, other: Array | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
