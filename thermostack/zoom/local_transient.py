"""Zoom of a transient: a local run whose boundary temperatures follow the frames of a global run."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.mesh.model import Model
from thermostack.package.local_region import LocalRegion
from thermostack.results.fields import fill_inactive
from thermostack.results.transient_result import TransientResult
from thermostack.results.zoom_agreement import ErrorContribution, ZoomAgreement
from thermostack.schema.arguments import argument_error, check_quantity
from thermostack.transient.loads import Loads
from thermostack.transient.run import solve_transient
from thermostack.units import format_quantity
from thermostack.zoom.agreement import measure_agreement, region_shares, zoom_warnings
from thermostack.zoom.boundary_error import largest_error, unknown_error_warning
from thermostack.zoom.local_boundary import find_cut_faces, temperatures_at
from thermostack.zoom.local_loads import LocalLoads
from thermostack.zoom.local_solution import LocalCells, LocalProblem
from thermostack.zoom.run_powers import power_warnings
from thermostack.zoom.zoom_box import read_box

INTERPOLATION_SHARE = 0.25  # of the deviation of a frame from the line between its neighbours: the error


def zoom_transient(
    run: TransientResult,
    box: Any,
    *,
    loads: Any = None,
    margin: Any = None,
    cell: Any = None,
    resolve: Any = (),
    initial: Any = None,
    duration: float | str | None = None,
    times: Sequence[float | str] | None = None,
    tolerance: float | str = 0.1,
    threads: int | None = None,
    progress: Callable[[float, float, float], None] = lambda time, step, peak: None,
) -> TransientResult:
    """Return the result of a local transient; `TransientResult.zoom` describes the arguments."""
    run.model.require_linear_terms("a local model")
    tolerance = check_quantity(tolerance, "temperature_difference", "tolerance", above=0.0)
    end = float(run.frame_time[-1])
    duration = end if duration is None else check_quantity(duration, "time", "duration", above=0.0)
    if not 0.0 < duration <= end:
        text = f"the frames end at {format_quantity(end, 'time')}"
        raise argument_error("duration", text, "choose a shorter time", "E-RANGE")
    parent = loads if isinstance(loads, Loads) else Loads(run.model, loads)
    parent = parent.copy_for(run.model)
    if not parent.is_htc_constant:
        text = "heat transfer coefficients that change in time are not possible in a local model"
        raise argument_error("loads", text, "give loads without them")
    differences = power_warnings(run, parent)
    problem = LocalProblem.build(run.model, read_box(run.model, box, margin), resolve)
    count = int(np.searchsorted(run.frame_time, duration)) + 1
    used = np.asarray(run.frame_time[: min(count, run.frame_time.size)])
    first = _fluxes(run, parent, 0)
    cells = problem.discretize(first, cell)
    faces = cells.cut.faces
    later = (
        temperatures_at(_fluxes(run, parent, n), faces.parent, faces.center) for n in range(1, used.size)
    )
    temperature = np.array([cells.cut.temperature, *later])
    local = LocalLoads(cells, parent, used, temperature)
    if initial is None:
        initial = "steady" if run.is_steady_start else _initial_field(first, cells.model)
    kept = [time for time in used[1:].tolist() if time < duration] if times is None else times
    options: dict[str, Any] = {"tolerance": tolerance, "threads": threads, "progress": progress}
    found = solve_transient(cells.model, duration, local, initial=initial, times=kept, **options)
    agreement = _agreement_at_end(run, parent, local, found, problem.region, cells)
    warnings = [
        *differences,
        *_frame_warnings(used, temperature, tolerance),
        *zoom_warnings(agreement, cells.cut, problem.region, problem.lattices),
    ]
    found = replace(found, warnings=(*found.warnings, *warnings), agreement=agreement)
    return _with_boundary_error(run, found) if faces.cell.size else found


def _with_boundary_error(run: TransientResult, local: TransientResult) -> TransientResult:
    """Return a local run whose errors contain a bound of those of its boundary.

    By the maximum principle the error in the box is at most that of the temperatures of its surface and of
    the start. The bound is the largest error of a maximum of the parts of the global run in the box.
    """
    errors = itertools.zip_longest(run.names, run.peak_error)
    bound = largest_error(errors, [part.name for part in local.model.parts])
    if bound is None or not local.peak_error:
        return replace(local, warnings=(*local.warnings, unknown_error_warning()))
    pairs = list(zip(local.names, local.peak_error, strict=True))
    shares = [ErrorContribution(name, error, bound) for name, error in pairs if error is not None]
    agreement = local.agreement
    return replace(
        local,
        peak_error=tuple(None if error is None else error + bound for _, error in pairs),
        agreement=None if agreement is None else replace(agreement, errors=tuple(shares)),
    )


@dataclass(frozen=True, eq=False)
class _Frame:
    """A temperature field with its heat flows."""

    model: Model
    field: np.ndarray  # (nz, ny, nx) K, NaN outside the body
    fluxes: FaceFluxes


def _agreement_at_end(
    run: TransientResult,
    parent: Loads,
    local: LocalLoads,
    found: TransientResult,
    region: LocalRegion,
    cells: LocalCells,
) -> ZoomAgreement | None:
    """Return the agreement of the end of a local run with the frame of the global run at that time."""
    time = float(found.time[-1])
    n = int(np.argmin(np.abs(np.asarray(run.frame_time) - time)))
    if abs(float(run.frame_time[n]) - time) > 1e-9 * time:
        return None
    fluxes = _fluxes(run, parent, n)
    cut = find_cut_faces(fluxes, region, cells.model.grid, cells.faces)
    before = _Frame(run.model, np.asarray(run.frames[n], dtype=np.float64), fluxes)
    after = _Frame(cells.model, found.field, _flow_of(cells.model, found.field, local, time))
    agreement = measure_agreement(before, after, region, cut, "temperature")
    powers = (
        _power_in_box(loads, time, region, model)
        for loads, model in ((local, cells.model), (parent, run.model))
    )
    power, global_power = powers
    return replace(agreement, power=power, global_power=global_power)


def _power_in_box(loads: Loads, time: float, region: LocalRegion, model: Model) -> float:
    """Return the power [W] of loads in a region at a time [s]."""
    shares = region_shares(model, region)
    index = np.unravel_index(loads.cell, model.grid.shape)
    weight = np.prod([share[at] for share, at in zip(shares, index, strict=True)], axis=0)
    return float(weight @ loads.cell_powers(time, before=True))


def _fluxes(run: TransientResult, loads: Loads, n: int) -> FaceFluxes:
    """Return the heat flows of frame n of a run."""
    field = np.asarray(run.frames[n], dtype=np.float64)
    return _flow_of(run.model, field, loads, float(run.frame_time[n]))


def _flow_of(model: Model, field: np.ndarray, loads: Loads, time: float) -> FaceFluxes:
    """Return the heat flows of a field (nz, ny, nx) [K] of a model at a time [s]."""
    t = field.copy()
    fill_inactive(model, t, 0.0)
    conductivity = CellConductivity(model, t)
    ambient = loads.ambient_temperature(time)
    return FaceFluxes(model, assemble_conduction(model, conductivity), conductivity, t, ambient)


def _initial_field(fluxes: FaceFluxes, model: Model) -> np.ndarray:
    """Return the temperature [K] of a global field at the centres of the cells of a local model."""
    parent, grid = fluxes.model, model.grid
    index = np.nonzero(model.part > 0)
    centers = (grid.z_center, grid.y_center, grid.x_center)
    position = np.array([own[at] for own, at in zip(centers, index, strict=True)])
    planes = (parent.grid.z, parent.grid.y, parent.grid.x)
    cells = np.array(
        [
            np.clip(np.searchsorted(own, at, side="right") - 1, 0, own.size - 2)
            for own, at in zip(planes, position, strict=True)
        ]
    )
    field = np.full(grid.shape, parent.boundary.mean_ambient)
    field[index] = temperatures_at(fluxes, cells, position)
    return field


def _frame_warnings(times: np.ndarray, temperature: np.ndarray, tolerance: float) -> list[str]:
    """Return W-ZOOM where linear interpolation between the frames may be wrong by more than a tolerance [K].

    A frame is compared with the line between its neighbours. A parabola deviates four times as much there as
    between two frames.
    """
    worst = 0.0
    if times.size == 2 and temperature.shape[1]:
        worst = INTERPOLATION_SHARE * float(np.abs(temperature[1] - temperature[0]).max())
    for n in range(1, times.size - 1):
        fraction = (times[n] - times[n - 1]) / (times[n + 1] - times[n - 1])
        line = (1.0 - fraction) * temperature[n - 1] + fraction * temperature[n + 1]
        worst = max(worst, INTERPOLATION_SHARE * float(np.abs(temperature[n] - line).max(initial=0.0)))
    if worst <= tolerance:
        return []
    shown = format_quantity(worst, "temperature_difference")
    text = f"boundary temperatures between the frames are uncertain by about {shown}"
    return [str(Diagnostic("zoom", text, "record more frames in the global run (times=)", "W-ZOOM"))]
