"""The error of a local result that its boundary causes: that of the global field on the cut faces.

The two quantities of the error estimate, the change on bisection and the difference to the corner scheme,
are evaluated for the global field on the cut faces. The local model is solved with each of them as
temperatures of these faces, and with no other heat (docs/numerics.md, section 11).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from thermostack.errors import ConvergenceError, Diagnostic, ResourceError
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.corner_scheme import CornerScheme
from thermostack.finite_volume.error_estimate import (
    CHANGE_TOLERANCE,
    CORNER_TOLERANCE,
    MAX_EXTRAPOLATION,
    WEIGHTS,
    change_field,
)
from thermostack.finite_volume.part_temperatures import (
    PartsAndBlocks,
    PartTemperature,
    measure_parts,
    measure_zones,
)
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.linear.solver import Solver, prepare
from thermostack.linear.steady_problem import steady_memory
from thermostack.mesh.local_model import find_positions
from thermostack.mesh.memory_estimate import check_memory
from thermostack.mesh.model import Model
from thermostack.results.steady_result import SteadyResult
from thermostack.results.zoom_agreement import ErrorContribution
from thermostack.zoom.agreement import boundary_error_warnings, surface_temperatures
from thermostack.zoom.local_boundary import CutFaces, offsets_in_cells, temperatures_at


def with_boundary_error(
    parent: SteadyResult, local: SteadyResult, cut: CutFaces, choice: SolverChoice, *, is_same_body: bool
) -> SteadyResult:
    """Return a local result whose errors contain those of its boundary, with a warning where they are large.

    `is_same_body` is whether the local model has the materials and powers of its parent: otherwise the
    difference of both boundaries is no correction of a result with the boundary "flux".
    """
    assert local.agreement is not None
    names = [part.name for part in local.model.parts]
    errors, bound = None, 0.0
    warnings = []
    if cut.temperature.size:
        errors = face_errors(parent, cut, choice)
        known = bound_of_parts(parent, names) if errors is None else inherited_bound(parent, names)
        if known is None:
            warnings.append(unknown_error_warning())
        bound = known or 0.0
    boundary = local.agreement.boundary
    found = boundary_errors(local, cut, errors, boundary, choice, bound)
    if boundary == "flux" and not is_same_body:
        found = replace(found, correction=None)
    shares = contributions(local, found)
    ambients = parent.model.boundary.temperature[parent.model.boundary.h > 0.0]
    warnings += boundary_error_warnings(shares, [(part.max, part.power) for part in local.parts], ambients)
    return replace(
        local,
        parts=add_boundary_errors(local, found),
        agreement=replace(local.agreement, errors=shares),
        warnings=(*local.warnings, *warnings),
    )


class SolverChoice(NamedTuple):
    """The linear solver of all equations of an estimate."""

    method: str
    threads: int | None


class FaceErrors(NamedTuple):
    """The quantities of the error estimate of a global field on the cut faces [K], each (n,)."""

    change: np.ndarray
    difference: np.ndarray


@dataclass(frozen=True, eq=False)
class BoundaryErrors:
    """The errors of the maximum and the mean of each part and block that the boundary causes."""

    error: np.ndarray  # (parts, 2) K, of maximum and mean
    correction: np.ndarray | None  # (parts, 2) K, of their extrapolated values; None where unknown


def face_errors(parent: SteadyResult, cut: CutFaces, choice: SolverChoice) -> FaceErrors | None:
    """Return the errors of a global field on the cut faces, None where their equations cannot be solved."""
    model, fluxes = parent.model, parent.fluxes
    try:
        check_memory(steady_memory(model, choice.method, estimate=True), held=model.memory)
        zones = PartsAndBlocks(model)
        change = _solve_change(fluxes, zones, choice)
        corners = CornerScheme(fluxes, zones)
        _solve_corners(corners, choice, is_contrast_known=not parent.report.fallback)
    except (ResourceError, ConvergenceError):
        return None
    faces = cut.faces
    changed = FaceFluxes(model, fluxes.conduction, fluxes.conductivity, fluxes.t + change)
    after = temperatures_at(changed, faces.parent, faces.center)
    offset = offsets_in_cells(model.grid, faces.parent, faces.center)
    by_corners = corners.temperatures_at(faces.parent, offset)
    return FaceErrors(after - cut.temperature, by_corners - cut.temperature)


def _solve_change(fluxes: FaceFluxes, zones: PartsAndBlocks, choice: SolverChoice) -> np.ndarray:
    """Return the change of a field on bisection [K], (nz, ny, nx)."""
    widths = (fluxes.model.grid.dx, fluxes.model.grid.dy)
    solver = prepare(fluxes.conduction, choice.method, widths=widths, threads=choice.threads)
    return change_field(fluxes, zones, lambda heat: solver.solve(heat, tolerance=CHANGE_TOLERANCE)[0])


def _solve_corners(corners: CornerScheme, choice: SolverChoice, *, is_contrast_known: bool) -> None:
    """Solve the corner scheme of a field in its array of rises [K]."""
    max_contrast = np.inf if is_contrast_known else None  # as `SteadyProblem.solve_corners`
    solver = prepare(
        corners.conduction,
        choice.method,
        widths=corners.widths,
        threads=choice.threads,
        max_contrast=max_contrast,
    )
    solver.solve(corners.power, guess=corners.rise, tolerance=CORNER_TOLERANCE, overwrites_guess=True)


class _HeldFaces:
    """A local model whose cut faces have given temperatures, linearised at its solved field."""

    def __init__(self, local: SteadyResult, cut: CutFaces, surface: np.ndarray, choice: SolverChoice) -> None:
        """Store the field with its temperatures `surface` (n,) [K] of the cut faces."""
        boundary = local.model.boundary
        self._position = find_positions(boundary, cut.faces)
        self._cell = cut.faces.cell
        h, temperature, flux = (each.copy() for each in (boundary.h, boundary.temperature, boundary.flux))
        h[self._position], temperature[self._position], flux[self._position] = np.inf, surface, 0.0
        held = replace(boundary, h=h, temperature=temperature, flux=flux)
        self._model: Model = replace(local.model, boundary=held)
        self._conductivity = local.fluxes.conductivity.with_boundary(held)
        self._conduction = assemble_conduction(self._model, self._conductivity)
        self._zones, self._t = PartsAndBlocks(self._model), local.fluxes.t
        widths = (self._model.grid.dx, self._model.grid.dy)
        self._solver: Solver = prepare(self._conduction, choice.method, widths=widths, threads=choice.threads)

    def response(self, values: np.ndarray) -> np.ndarray:
        """Return the change of the field [K], (nz, ny, nx), by that of the cut faces [K], (n,)."""
        heat = np.zeros(self._t.size)
        np.add.at(heat, self._cell, self._conduction.boundary_face_conductance[self._position] * values)
        if not heat.any():
            return np.zeros(self._t.shape)
        return self._solver.solve(heat.reshape(self._t.shape), tolerance=CHANGE_TOLERANCE)[0]

    def measure(self, change: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return maximum and mean of each part and block [K], (parts, 2), of the changed field."""
        ambient = self._model.boundary.temperature.copy()
        ambient[self._position] += values
        fluxes = FaceFluxes(self._model, self._conduction, self._conductivity, self._t + change, ambient)
        found = measure_zones(fluxes, self._zones, bounds=(-np.inf, np.inf))
        parts = measure_parts(fluxes, self._zones, found).temperatures.values()
        return np.array([(part.max, part.mean) for part in parts]).reshape(-1, 2)


def boundary_errors(
    local: SteadyResult,
    cut: CutFaces,
    errors: FaceErrors | None,
    boundary: str,
    choice: SolverChoice,
    bound: float,
) -> BoundaryErrors:
    """Return the errors that the boundary causes in the parts and blocks of a local result.

    The errors `errors` of the global field act as temperatures of the cut faces. With the boundary "flux" the
    change to the global temperatures there is added: the error of a temperature is at most that of the
    boundary temperatures, by the maximum principle, but that of a heat flow has no such bound. `bound` [K] is
    added to all errors; it is that of boundary temperatures without `errors`.
    """
    plain = np.array([(part.max, part.mean) for part in local.parts]).reshape(-1, 2)
    if cut.temperature.size == 0:
        return BoundaryErrors(np.zeros(plain.shape), np.zeros(plain.shape))
    is_flux = boundary == "flux"
    surface = surface_temperatures(local, cut) if is_flux else cut.temperature
    if errors is None and not is_flux:
        return BoundaryErrors(np.full(plain.shape, bound), None)
    held = _HeldFaces(local, cut, surface, choice)
    step = cut.temperature - surface  # zero with the boundary "temperature"
    to_global = held.response(step)
    at_global = held.measure(to_global, step) if is_flux else plain
    if errors is None:
        return BoundaryErrors(np.abs(at_global - plain) + bound, None)
    change, difference = (
        held.measure(to_global + held.response(values), step + values) - at_global for values in errors
    )
    w, offset = WEIGHTS, at_global - plain
    error = np.abs(offset + change) + (w.mean_change - 1.0) * np.abs(change)
    error += w.mean_difference * np.abs(difference) + bound
    correction = offset + w.extrapolated_change * change + w.extrapolated_difference * difference
    return BoundaryErrors(error, correction)


def add_boundary_errors(local: SteadyResult, found: BoundaryErrors) -> tuple[PartTemperature, ...]:
    """Return the parts and blocks of a local result with the errors of its boundary in theirs."""
    boundary, parts = local.model.boundary, []
    ambient = boundary.temperature[boundary.h > 0.0]
    corrections = np.full(found.error.shape, np.nan) if found.correction is None else found.correction
    for part, error, correction in zip(local.parts, found.error.tolist(), corrections.tolist(), strict=True):
        parts.append(
            replace(
                part,
                error=(part.error or 0.0) + error[0],
                mean_error=(part.mean_error or 0.0) + error[1],
                extrapolated=_corrected(part.extrapolated, part.max, correction[0], ambient),
                extrapolated_mean=_corrected(part.extrapolated_mean, part.mean, correction[1], ambient),
            )
        )
    return tuple(parts)


def _corrected(
    extrapolated: float | None, plain: float, correction: float, ambient: np.ndarray
) -> float | None:
    """Return an extrapolated value [K] with the correction of its boundary, None where that is too large.

    A correction that is unknown is NaN.
    """
    if extrapolated is None:
        return None
    rise = float(np.abs(plain - ambient).max(initial=0.0))
    return extrapolated + correction if abs(correction) <= MAX_EXTRAPOLATION * rise else None


def contributions(local: SteadyResult, found: BoundaryErrors) -> tuple[ErrorContribution, ...]:
    """Return the errors of the local grid and of the boundary in each part and block."""
    return tuple(
        ErrorContribution(
            part.name,
            part.error or 0.0,
            float(found.error[n, 0]),
            part.mean_error or 0.0,
            float(found.error[n, 1]),
        )
        for n, part in enumerate(local.parts)
    )


# -- bounds ----------------------------------------------------------------------------------------


def inherited_bound(parent: SteadyResult, names: Iterable[str]) -> float | None:
    """Return the largest error [K] of some parts of a local result by its own boundary, None where unknown.

    It bounds the error of the boundary of a local model of that local model. It is zero for a whole package.
    """
    before = parent.agreement
    if before is None or not before.faces:
        return 0.0
    errors = [(each.name, max(each.boundary, each.mean_boundary or 0.0)) for each in before.errors]
    return largest_error(errors, names)


def bound_of_parts(parent: SteadyResult, names: Iterable[str]) -> float | None:
    """Return the largest estimated error [K] of some parts and their blocks, None where one is unknown."""
    return largest_error(((part.name, part.error) for part in parent.parts), names)


def largest_error(errors: Iterable[tuple[str, float | None]], names: Iterable[str]) -> float | None:
    """Return the largest error [K] of some parts and their blocks, None where one is unknown.

    The inclusions of resolved arrays have names after that of their part, as blocks have.
    """
    wanted = {name for own in names for name in (own, own.rpartition(".")[0])}
    found = [error for name, error in errors if name in wanted or name.rpartition(".")[0] in wanted]
    known = [error for error in found if error is not None]
    return max(known) if found and len(known) == len(found) else None


def unknown_error_warning() -> str:
    """Return W-ZOOM where the error of the boundary is unknown."""
    text = "the errors are those of the local grid alone: that of the boundary is unknown"
    hint = "solve the global model with the error estimate"
    return str(Diagnostic("zoom", text, hint, "W-ZOOM"))
