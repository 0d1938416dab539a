"""The coefficients of `C dT/dt + G T = P`, which change as materials get warm and films follow a trace."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from thermostack.finite_volume.conduction import CellConductivity, assemble_conduction, update_conduction
from thermostack.finite_volume.heat_capacity import (
    CellHeatCapacity,
    assemble_capacity,
    has_constant_capacity,
    update_capacity,
)
from thermostack.mesh.model import Model
from thermostack.transient.stepper import LinearCombination

Array = np.ndarray

# Materials' dependence on temperature is judged over some spans of so many kelvin, from the outside's
# temperature up, each by so many steps.
SPAN, SPANS, STEPS = 60.0, 5, 6
DRIFT = 1.0  # of the tolerance: what a material taken at another temperature may change


class MaterialUpdate:
    """`G` and `C`, taken at the temperatures of the middle of a step, and kept while those hardly move.

    They are made anew in those planes of cells where that could change a temperature by the tolerance, in the
    same arrays. A method that may change `conduction` and `capacity` returns whether it did. Temperatures
    (nz, ny, nx) are over the caller's zero.
    """

    def __init__(self, model: Model, zero: float, tolerance: float, share: Array | None = None) -> None:
        """Make them of materials at 300 K; `zero` and `tolerance` are in K.

        `share` is what each surface has of its film, None if all of it. Raises DescriptionError where a
        material has no heat capacity.
        """
        self.model, self.zero, self.tolerance = model, zero, tolerance
        self.are_constant = are_constant(model)
        self._share, self._cooled = share, _cooled(model, share)
        self._conductivity, self._storage = CellConductivity(model), CellHeatCapacity(model)
        self.conduction = assemble_conduction(self._cooled, self._conductivity)
        self.capacity = assemble_capacity(model)
        self._sensitivity = _sensitivity(model, zero)
        self._varies: Array = self._conductivity.varies | self._storage.varies  # (nz,), which planes do
        self._varying = np.flatnonzero(self._varies)
        self._taken_at = np.zeros(0 if self.are_constant else model.grid.shape)  # K over zero
        self._taken_at[self._varying] = np.nan
        self._stored_at = self._taken_at.copy()  # the same of the capacities, which need it less often
        self._span = math.inf  # K of rise, of which materials that are off would change a share
        # K that temperatures of each plane have moved since its capacities were taken, at most
        self._strayed = np.where(self._varies, math.inf, 0.0)

    def conductivity_at(self, temperature: Array) -> CellConductivity:
        """Return the conductivities at temperatures [K], here not over zero."""
        return self._conductivity if self.are_constant else self._conductivity.at_temperature(temperature)

    # -- what changes them -----------------------------------------------------------------------

    def set_htc_fraction(self, share: Array | None) -> bool:
        """Give each surface such a share of its film, and return whether that changes anything."""
        if _is_same(share, self._share):
            return False
        self._change_films(share)
        return True

    def evaluate(self, t: Array) -> None:
        """Take all materials at temperatures t [K]."""
        self._taken_at[...] = t
        self._store(self._varies)
        self._conduct(self._varies)

    def predict(self, now: Array, middle: LinearCombination) -> bool:
        """Take materials as foreseen for the middle of a step from `now` [K] on, if that matters.

        Returns whether it does.
        """
        if self.are_constant:
            return False
        self._span = max(float(now.max()), -float(now.min()), 1.0)
        return self._follow(middle, 1.0)

    def correct(self, middle: LinearCombination) -> bool:
        """Take materials as found in the middle of the step that was foreseen last, if that matters.

        Returns whether it does; they may be off by twice what `foresee` lets be.
        """
        return not self.are_constant and self._follow(middle, 0.5)

    def _follow(self, middle: LinearCombination, share: float) -> bool:
        """Take materials in the middle of a step in planes where a share of what they are off matters."""
        drift = np.zeros(self._strayed.shape)  # K
        drift[self._varying] = middle.distances(self._taken_at, self._varying)
        moved = self._matters(share * drift, self._sensitivity.max(axis=0))
        if not moved.any():
            return False
        for k in np.flatnonzero(moved).tolist():
            middle.write(k, self._taken_at[k])
        self._strayed[moved] += drift[moved]
        self._store(moved & self._matters(self._strayed, self._sensitivity[1]))  # what is little adds up
        self._conduct(moved)
        return True

    # -- going on from a state -------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return where materials were taken: arrays and numbers by name."""
        return {
            "taken_at": self._taken_at.copy(),
            "stored_at": self._stored_at.copy(),
            "strayed": self._strayed.copy(),
        }

    def restore(self, state: Mapping[str, Any], share: Array | None) -> None:
        """Make them again as they were when `state` returned that, with a share of each film."""
        self._taken_at[...], self._stored_at[...] = state["taken_at"], state["stored_at"]
        self._strayed[...] = state["strayed"]
        self._fill()
        self._change_films(share)

    # -- how they are made -----------------------------------------------------------------------

    def _matters(self, drift: Array, sensitivity: Array) -> Array:
        """Return in which planes materials taken so many kelvin off could change a temperature noticeably."""
        most = np.full(drift.shape, math.inf)  # K
        np.divide(DRIFT * self.tolerance / self._span, sensitivity, out=most, where=sensitivity > 0.0)
        is_little: Array = drift <= most  # not where there is no number yet
        return ~is_little

    def _store(self, planes: Array) -> None:
        """Take capacities where conductivities are taken."""
        self._stored_at[planes], self._strayed[planes] = self._taken_at[planes], 0.0
        self._fill(planes)

    def _fill(self, planes: Array | None = None) -> None:
        stored = self._storage.at_temperature(self._if_taken(self._stored_at), self.zero)
        update_capacity(self.capacity, self.model, stored, planes)

    def _change_films(self, share: Array | None) -> None:
        self._share, self._cooled = share, _cooled(self.model, share)
        self.conduction = assemble_conduction(self._cooled, self._taken)

    def _conduct(self, planes: Array) -> None:
        self.conduction = update_conduction(self.conduction, self._cooled, self._taken, planes)

    @property
    def _taken(self) -> CellConductivity:
        return self._conductivity.at_temperature(self._if_taken(self._taken_at), self.zero)

    def _if_taken(self, temperature: Array) -> Array | None:
        """Return temperatures that materials were taken at, None before they were."""
        is_taken = self._varying.size > 0 and math.isfinite(temperature[self._varying[0], 0, 0])
        return temperature if is_taken else None


def are_constant(model: Model) -> bool:
    """Return whether no material depends on temperature."""
    return model.is_linear and has_constant_capacity(model)


def _sensitivity(model: Model, zero: float) -> Array:
    """Return the largest relative change of conductivities and capacities with temperature, (2, nz) [1/K]."""
    at = zero + np.linspace(0.0, SPANS * SPAN, SPANS * STEPS + 1)
    known: dict[int, list[float]] = {}
    of_part = np.zeros((2, 1 + len(model.parts)))
    for n, part in enumerate(model.parts, 1):
        material = part.material
        if id(material) not in known:
            laws = material.conductivity_at(at), [material.capacity_at(at)]
            known[id(material)] = [_steepest(np.array(values)) for values in laws]
        of_part[:, n] = known[id(material)]
    present = [np.bincount(part.ravel(), minlength=of_part.shape[1]) > 0 for part in model.part]
    return np.array([of_part[:, here].max(axis=1) for here in present]).T


def _steepest(values: Array) -> float:
    """Return how much values (n, SPANS * STEPS + 1) go up and down over a span, relative, the most [1/K]."""
    steps = np.abs(np.diff(np.log(values), axis=1)).reshape(len(values), SPANS, STEPS)
    return float(steps.sum(axis=2).max()) / SPAN


def _cooled(model: Model, share: Array | None) -> Model:
    """Return a model with a share of each surface's film."""
    surfaces = model.boundary
    return model if share is None else replace(model, boundary=replace(surfaces, h=surfaces.h * share))


def _is_same(one: Array | None, other: Array | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
