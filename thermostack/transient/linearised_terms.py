"""Boundary laws and leakage of a transient, linear around the temperatures in the middle of a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from thermostack.errors import BoilingCrisisError
from thermostack.finite_volume.conduction import Conduction, PowerSlope, with_coefficients
from thermostack.finite_volume.operating_point import (
    linear_surface_temperatures,
    linearised_boundary,
    starting_boundary,
    surface_temperatures,
)
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.model import Model

Array = np.ndarray

MAX_PREDICTED_ERROR = 0.2  # of the tolerance: error of the linear terms in the middle of the next step
MIN_SLOPE_RATIO = 1e-6  # of the slope of a law to its largest slope, in place of a smaller one


class LinearisedTerms:
    """The linear boundary conditions and leakage powers of the present steps, and their errors.

    Both have the value and the slope of their laws at one temperature of each surface and each cell; the
    error grows with the square of the distance from it. Temperatures (nz, ny, nx) are over the reference
    `zero`.
    """

    def __init__(self, model: Model, zero: float, tolerance: float) -> None:
        """Start with linear boundary conditions and without leakage; `zero` and `tolerance` are in K."""
        self.described, self.zero, self.tolerance = model, zero, tolerance
        self.faces, self.leakage = model.nonlinear_faces, model.leakage
        self.boundary: BoundaryFaces = model.boundary if self.faces is None else starting_boundary(model)
        self.slope: PowerSlope | None = None  # of the leakage power
        self.leakage_power = np.zeros(0)  # (cells,) W at `leakage_at`
        self.surface_at = np.zeros(0)  # (faces,) K, at which the laws are linear
        self.leakage_at = np.zeros(0)  # (cells,) K

    @property
    def exist(self) -> bool:
        """Return whether there are boundary laws or leakage."""
        return self.faces is not None or self.leakage is not None

    @property
    def _is_new(self) -> bool:
        """Return whether there are terms that no temperatures are known for."""
        is_without_surface = self.faces is not None and self.surface_at.size == 0
        return is_without_surface or (self.leakage is not None and self.slope is None)

    @property
    def leakage_cells(self) -> Array:
        """Return the indices of the cells with leakage, (cells,)."""
        return self.leakage.cell if self.leakage is not None else np.zeros(0, np.intp)

    @property
    def ambient_change(self) -> Array:
        """Return the temperatures of the linear conditions minus those of the model [K], (faces,)."""
        return np.asarray(self.boundary.temperature - self.described.boundary.temperature)

    def linearise(self, rise: Array, conduction: Conduction) -> Conduction:
        """Make all terms linear at the temperatures of a field, and return the conductances with them."""
        t = rise + self.zero
        if self.faces is not None:
            surface = surface_temperatures(self.faces, self.boundary, conduction, t)
            conduction = self._with_surface(surface, conduction)
        if self.leakage is not None:
            self._set_leakage(t)
        return self.with_slope(conduction)

    def with_slope(self, conduction: Conduction) -> Conduction:
        """Return conductances with the slope of the leakage power."""
        return replace(conduction, power_slope=self.slope)

    def _with_surface(self, surface: Array, conduction: Conduction) -> Conduction:
        assert self.faces is not None
        before, self.surface_at = self.boundary, surface
        self.boundary = linearised_boundary(before, self.faces, surface)
        return with_coefficients(conduction, before, self.boundary)

    def _set_leakage(self, t: Array) -> None:
        assert self.leakage is not None
        self.leakage_at = t.reshape(-1)[self.leakage.cell].copy()
        self.leakage_power = self.leakage.power(t)
        self.slope = PowerSlope(self.leakage.cell, self.leakage.slope(t))

    def constant_leakage(self) -> Array:
        """Return the leakage power of the cells at the reference temperature `zero` [W], (cells,).

        It is that of the linear law; its slope is a term of the operator.
        """
        if self.slope is None:
            return np.zeros(self.leakage_cells.size)
        return np.asarray(self.leakage_power - self.slope.slope * (self.leakage_at - self.zero))

    def leakage_at_rise(self, rise: Array) -> float:
        """Return the leakage power of the linear law at temperatures of the cells [W]."""
        if self.slope is None:
            return 0.0
        at_cells = rise.reshape(-1)[self.slope.cell]
        return float(self.constant_leakage().sum() + self.slope.slope @ at_cells)

    def error(self, rise: Array, conduction: Conduction) -> float:
        """Return the largest error of the terms at the temperatures of a field, as a temperature [K].

        It is the difference of heat flux, or of leakage power, over the slope: the temperature difference
        that has the same effect.
        """
        if self._is_new:
            return np.inf
        t = rise + self.zero
        largest = 0.0
        if self.faces is not None:
            faces, boundary = self.faces, self.boundary
            surface, linear = linear_surface_temperatures(faces, boundary, conduction, t)
            excess = np.abs(faces.flux(surface) - linear) / boundary.h[faces.face]
            largest = float(excess.max(initial=0.0))
        if self.leakage is not None and self.slope is not None:
            linear = self.leakage_power + self.slope.slope * (
                t.reshape(-1)[self.leakage.cell] - self.leakage_at
            )
            excess = np.abs(self.leakage.power(t) - linear)
            scale = np.maximum(self.slope.slope, MIN_SLOPE_RATIO * self.slope.slope.max(initial=0.0))
            has_slope = scale > 0.0
            largest = max(largest, float((excess[has_slope] / scale[has_slope]).max(initial=0.0)))
        return largest

    def must_change(self, rise: Array, conduction: Conduction) -> bool:
        """Return whether the terms are too inaccurate at the temperatures of a field."""
        return self.exist and not self.error(rise, conduction) <= MAX_PREDICTED_ERROR * self.tolerance

    def check_critical_flux(self, time: float) -> None:
        """Raise BoilingCrisisError where a surface exceeds its critical heat flux at a time [s]."""
        if self.faces is None or self.surface_at.size == 0:
            return
        ratio = self.faces.flux(self.surface_at) / self.faces.critical_flux
        if ratio.max(initial=0.0) > 1.0:
            text = f"boiling crisis at {time:.6g} s: the heat flux is {ratio.max():.3g} of the critical one"
            raise BoilingCrisisError(f"{text}; reduce the power, or cool by flow")

    def model(self, rise: Array) -> Model:
        """Return the model with the present linear boundary, and with the leakage power at a field."""
        if not self.exist:
            return self.described
        sources = self.described.layer_sources
        if self.leakage is not None:
            sources = (*sources, *self.leakage.layer_sources(rise + self.zero))
        return self.described.linearised(self.boundary, sources)

    def state(self) -> dict[str, Any]:
        """Return the temperatures at which the terms are linear: arrays by name."""
        return {"surface_at": self.surface_at.copy(), "leakage_at": self.leakage_at.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Make the terms linear at the temperatures that `state` returned."""
        self.surface_at, self.leakage_at = np.array(state["surface_at"]), np.array(state["leakage_at"])
        if self.faces is not None:
            self.boundary = linearised_boundary(self.boundary, self.faces, self.surface_at)
        if self.leakage is not None:
            t = np.full(self.described.grid.shape, self.zero)
            t.reshape(-1)[self.leakage.cell] = self.leakage_at
            self._set_leakage(t)
