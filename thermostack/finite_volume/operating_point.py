"""Boundary laws and leakage at the temperatures of a field, as the linear equations of a Newton step.

At the surface temperature Ts a law q(T) becomes the boundary condition q = h (T - temperature), with the
slope h = dq/dT and the temperature Ts - q(Ts) / h at which the tangent is zero. The leakage power becomes a
heat source, and its slope a term of the operator.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from thermostack.finite_volume.conduction import (
    Conduction,
    PowerSlope,
    boundary_resistance,
    with_coefficients,
)
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.model import Model
from thermostack.mesh.nonlinear_faces import NonlinearFaces

MIN_SLOPE = 1e-3  # W/(m2 K), of a linearised boundary condition, so that it has a conductance
MAX_ITERATIONS = 60  # of the surface temperatures; the interval is halved where Newton's method leaves it
SURFACE_TOLERANCE = 1e-9  # K
START_RISE = 20.0  # K of the surface over the ambient, before any solution
MAX_START_TEMPERATURE = 5000.0  # K


def linearise(
    described: Model, present: Model, conduction: Conduction, t: np.ndarray
) -> tuple[Model, Conduction]:
    """Return the model and the conductances whose boundary conditions and powers are those at t [K].

    Parameters
    ----------
    described
        The model with its boundary laws and its leakage.
    present
        The model with the boundary conditions of which `conduction` was computed.
    conduction
        Conductances [W/K].
    t
        Temperatures of the cells [K], (nz, ny, nx).
    """
    if described.nonlinear_faces is None and described.leakage is None:
        return described, conduction
    boundary, sources = present.boundary, described.layer_sources
    faces = described.nonlinear_faces
    if faces is not None:
        surface = surface_temperatures(faces, boundary, conduction, t)
        boundary = linearised_boundary(boundary, faces, surface)
        conduction = with_coefficients(conduction, present.boundary, boundary)
    if described.leakage is not None:
        sources = (*sources, *described.leakage.layer_sources(t))
    return described.linearised(boundary, sources), conduction


def leakage_slope(described: Model, t: np.ndarray) -> PowerSlope:
    """Return the derivative of the leakage power of the cells at temperatures t [K]."""
    leakage = described.leakage
    assert leakage is not None
    return PowerSlope(leakage.cell, leakage.slope(t))


def surface_temperatures(
    faces: NonlinearFaces, boundary: BoundaryFaces, conduction: Conduction, t: np.ndarray
) -> np.ndarray:
    """Return the temperatures [K] of surfaces with a law, (m,), at cell temperatures t (nz, ny, nx) [K].

    The heat flux through the half cell behind a face is that of the law: (t - Ts) / r = q(Ts). Both sides are
    monotone, so that there is one solution, between the cell and the ambient.
    """
    resistance, cell = _behind_faces(faces, boundary, conduction, t)
    lower, upper = faces.temperatures.T
    low, high = np.minimum(lower, cell), np.maximum(upper, cell)
    surface = np.clip(linear_surface_temperatures(faces, boundary, conduction, t)[0], low, high)
    for _ in range(MAX_ITERATIONS):
        excess = faces.flux(surface) * resistance - (cell - surface)  # K
        low, high = np.where(excess < 0.0, surface, low), np.where(excess > 0.0, surface, high)
        step = excess / (1.0 + faces.slope(surface) * resistance)
        following = surface - step
        is_outside = (following < low) | (following > high)
        following = np.where(is_outside, 0.5 * (low + high), following)
        change = np.abs(following - surface).max(initial=0.0)
        surface = following
        if change <= SURFACE_TOLERANCE:
            break
    return np.asarray(surface)


def linear_surface_temperatures(
    faces: NonlinearFaces, boundary: BoundaryFaces, conduction: Conduction, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return temperatures [K] and heat fluxes [W/m2] (m,) of the surfaces by their linear conditions."""
    resistance, cell = _behind_faces(faces, boundary, conduction, t)
    h, ambient = boundary.h[faces.face], boundary.temperature[faces.face]
    flux = (cell - ambient) / (resistance + 1.0 / h)
    return cell - resistance * flux, flux


def _behind_faces(
    faces: NonlinearFaces, boundary: BoundaryFaces, conduction: Conduction, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return resistances [m2 K/W] of the half cells behind the faces, and temperatures [K] of the cells."""
    resistance = boundary_resistance(conduction, boundary)[faces.face]
    return resistance, t.reshape(-1)[boundary.cell[faces.face]]


def linearised_boundary(
    boundary: BoundaryFaces, faces: NonlinearFaces, surface: np.ndarray, slope: np.ndarray | None = None
) -> BoundaryFaces:
    """Return boundary faces with the coefficients of their laws at surface temperatures (m,) [K].

    `slope` (m,) [W/(m2 K)] replaces the derivatives of the laws.
    """
    coefficient = np.maximum(faces.slope(surface) if slope is None else slope, MIN_SLOPE)
    h, temperature = boundary.h.copy(), boundary.temperature.copy()
    h[faces.face] = coefficient
    temperature[faces.face] = surface - faces.flux(surface) / coefficient
    return replace(boundary, h=h, temperature=temperature)


def starting_boundary(model: Model) -> BoundaryFaces:
    """Return the boundary faces of a model whose laws are linearised before any solution.

    The surface has the one temperature at which the power leaves through all faces. The first coefficient is
    the larger of secant and slope there, so that a law that rises steeply is not overshot.
    """
    faces, boundary = model.nonlinear_faces, model.boundary
    assert faces is not None
    surface = np.full(faces.face.size, _uniform_temperature(model, faces))
    rise = surface - boundary.temperature[faces.face]
    is_far = np.abs(rise) > 1e-3
    secant = np.where(is_far, faces.flux(surface) / np.where(is_far, rise, 1.0), 0.0)
    return linearised_boundary(boundary, faces, surface, np.maximum(secant, faces.slope(surface)))


def _uniform_temperature(model: Model, faces: NonlinearFaces) -> float:
    """Return the one temperature of the surface [K] at which the power of a model leaves."""
    boundary = model.boundary
    is_linear = np.ones(boundary.cell.size, dtype=bool)
    is_linear[faces.face] = False
    low = float(boundary.temperature[boundary.h > 0.0].min())
    if np.isinf(boundary.h).any():  # fixed temperatures carry the power
        return boundary.mean_ambient + START_RISE
    area, h = boundary.area[is_linear], boundary.h[is_linear]
    ambient, flux = boundary.temperature[is_linear], boundary.flux[is_linear]

    def excess(t: float) -> float:
        of_laws = faces.flux(np.full(faces.face.size, t)) @ boundary.area[faces.face]
        return float(of_laws + (h * (t - ambient) - flux) @ area) - model.total_power

    high = MAX_START_TEMPERATURE
    if excess(low) >= 0.0:
        return low
    while high - low > 0.1:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
    return high
