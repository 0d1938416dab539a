"""The coefficients of `C dT/dt + G T = P`, which change as materials get warm and films follow a trace."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from thermostack.capacity import assemble_capacity, is_constant
from thermostack.conduction import Conductivity, assemble_conduction
from thermostack.model import Model
from thermostack.surfaces import Surfaces

Array = np.ndarray

SPAN = 60.0  # K over which materials' dependence on temperature is judged
DRIFT = 1.0  # of the tolerance: what a material taken at another temperature may change


class Coefficients:
    """`G` and `C`, taken at the temperatures of the middle of a step, and kept while those hardly move.

    They are made anew where that could change a temperature by the tolerance. A method that may change
    `conduction` and `capacity` returns whether it did. Temperatures (nz, ny, nx) are over the caller's zero.
    """

    def __init__(self, model: Model, zero: float, tolerance: float, share: Array | None = None) -> None:
        """Make them of materials at 300 K; `zero` and `tolerance` are in K.

        `share` is what each surface has of its film, None if all of it. Raises DescriptionError where a
        material has no heat capacity.
        """
        self.model, self.zero, self.tolerance = model, zero, tolerance
        self.are_constant = are_constant(model)
        self._share, self._surfaces = share, _filmed(model, share)
        self._conductivity = Conductivity(model)
        self.conduction = assemble_conduction(replace(model, surfaces=self._surfaces), self._conductivity)
        self.capacity = assemble_capacity(model)
        self._sensitivity = _sensitivity(model, zero)
        self._taken_at = np.full(0 if self.are_constant else model.grid.shape, np.nan)  # K over zero
        self._stored_at = self._taken_at.copy()  # the same of the capacities, which need it less often
        self._strayed = math.inf  # K that temperatures have moved since the capacities were taken, at most
        self._kelvin = np.empty(self._taken_at.shape)

    def conductivity_at(self, temperature: Array) -> Conductivity:
        """Return the conductivities at temperatures [K], here not over zero."""
        return self._conductivity if self.are_constant else Conductivity(self.model, temperature)

    # -- what changes them -----------------------------------------------------------------------

    def let_films(self, share: Array | None) -> bool:
        """Give each surface such a share of its film, and return whether that changes anything."""
        if _is_same(share, self._share):
            return False
        self._share, self._surfaces = share, _filmed(self.model, share)
        self._conduct()
        return True

    def take(self, t: Array) -> None:
        """Take all materials at temperatures t [K]."""
        self._taken_at[...] = t
        self._store()
        self._conduct()

    def foresee(self, now: Array, middle: Array) -> bool:
        """Take materials as foreseen for the middle of a step from `now` [K] on, if that matters.

        Returns whether it does.
        """
        if self.are_constant:
            return False
        planes = zip(middle, self._taken_at, strict=True)
        drift = float(np.max([np.abs(t - taken).max() for t, taken in planes]))
        if not self._matters(drift, now, *self._sensitivity):
            return False
        self._taken_at[...] = middle
        self._stray(drift, now)
        return True

    def correct(self, now: Array, end: Array) -> bool:
        """Take materials as found in the middle of a step from `now` to `end` [K], if that matters.

        Returns whether it does; they may be off by twice what `foresee` lets be.
        """
        if self.are_constant:
            return False
        planes = zip(now, end, self._taken_at, strict=True)
        drift = float(np.max([np.abs(a + b - 2.0 * taken).max() for a, b, taken in planes])) / 2.0
        if not self._matters(0.5 * drift, now, *self._sensitivity):
            return False
        np.add(now, end, out=self._taken_at)
        self._taken_at *= 0.5
        self._stray(drift, now)
        return True

    # -- going on from a state -------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return where materials were taken: arrays and numbers by name."""
        return {
            "taken_at": self._taken_at.copy(),
            "stored_at": self._stored_at.copy(),
            "strayed": self._strayed,
        }

    def restore(self, state: Mapping[str, Any], share: Array | None) -> None:
        """Make them again as they were when `state` returned that, with a share of each film."""
        self._share, self._surfaces = share, _filmed(self.model, share)
        self._taken_at[...], self._stored_at[...] = state["taken_at"], state["stored_at"]
        self._strayed = float(state["strayed"])
        self._assemble_capacity()
        self._conduct()

    # -- how they are made -----------------------------------------------------------------------

    def _stray(self, drift: float, now: Array) -> None:
        """Make them anew, which temperatures have moved by a drift [K]; capacities only when that adds up."""
        self._strayed += drift
        if self._matters(self._strayed, now, self._sensitivity[1]):
            self._store()
        self._conduct()

    def _matters(self, drift: float, now: Array, *sensitivities: float) -> bool:
        """Return whether materials taken so many kelvin off could change a temperature noticeably."""
        span = max(float(now.max()), -float(now.min()), 1.0)  # K of which a part would change
        return not drift * max(sensitivities) * span <= DRIFT * self.tolerance

    def _store(self) -> None:
        """Take capacities where conductivities are taken."""
        self._stored_at[...], self._strayed = self._taken_at, 0.0
        self._assemble_capacity()

    def _assemble_capacity(self) -> None:
        if not is_constant(self.model):
            self.capacity = assemble_capacity(self.model, self._in_kelvin(self._stored_at))

    def _conduct(self) -> None:
        conductivity = Conductivity(self.model, self._in_kelvin(self._taken_at))
        self.conduction = assemble_conduction(replace(self.model, surfaces=self._surfaces), conductivity)

    def _in_kelvin(self, taken: Array) -> Array | None:
        """Return temperatures over zero in K, in a place that is used again; None before they were taken."""
        is_taken = not self.are_constant and math.isfinite(float(taken.max()))
        return np.add(taken, self.zero, out=self._kelvin) if is_taken else None


def are_constant(model: Model) -> bool:
    """Return whether no material depends on temperature."""
    return model.is_linear and is_constant(model)


def _sensitivity(model: Model, zero: float) -> tuple[float, float]:
    """Return the largest relative changes of a conductivity and of a capacity with temperature [1/K]."""
    materials = {part.material.name: part.material for part in model.parts}.values()
    ends = zero, zero + SPAN
    conductivity = [np.array([material.conductivity_at(end) for material in materials]) for end in ends]
    capacity = [np.array([material.capacity_at(end) for material in materials]) for end in ends]
    most = [float(np.abs(np.log(high / low)).max()) / SPAN for low, high in (conductivity, capacity)]
    return most[0], most[1]


def _filmed(model: Model, share: Array | None) -> Surfaces:
    """Return the model's surfaces with a share of each one's film."""
    surfaces = model.surfaces
    return surfaces if share is None else replace(surfaces, h=surfaces.h * share)


def _is_same(one: Array | None, other: Array | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))
