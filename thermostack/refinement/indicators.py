"""Adjoint of the peaks with large errors, and the indicator of the error of every interval of the grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.part_temperatures import PartMeasurements, PartTemperature
from thermostack.finite_volume.reconstruction import FaceFluxes, X, Y, Z
from thermostack.mesh.model import Model
from thermostack.results.steady_result import SteadyResult

Intervals = tuple[np.ndarray, np.ndarray, np.ndarray]  # a value of each interval along z, y and x


@dataclass(frozen=True, eq=False)
class SolvedGrid:
    """The result on one grid, with the operator that the adjoint needs."""

    result: SteadyResult
    fluxes: FaceFluxes
    measured: PartMeasurements
    solve: Callable[[np.ndarray], np.ndarray]  # heat [W] to temperature rise [K], each (nz, ny, nx)


def bounded_parts(parts: Sequence[PartTemperature]) -> list[int]:
    """Return the indices of the parts and blocks whose peaks the tolerance bounds.

    These are all with power; in a package without power, all parts.
    """
    powered = [n for n, part in enumerate(parts) if part.power != 0.0]
    return powered or [n for n, part in enumerate(parts) if not part.is_block]


def error_of(part: PartTemperature) -> float:
    """Return the estimated error of a peak [K], infinite where it is unknown."""
    return part.error if part.error is not None and np.isfinite(part.error) else np.inf


def adjoint_source(solved: SolvedGrid, tolerance: float, min_weight: float) -> np.ndarray:
    """Return the right-hand side of the adjoint (nz, ny, nx) [W]: the weights of the peaks in their cells.

    The weight of a peak is its error over the tolerance, less `min_weight`. An unknown error has weight 1.
    """
    source = np.zeros(solved.fluxes.t.shape)
    zones, parts = list(solved.measured.temperatures), solved.result.parts
    for n in bounded_parts(parts):
        error = error_of(parts[n])
        weight = error / tolerance - min_weight if np.isfinite(error) else 1.0
        source.reshape(-1)[solved.measured.peaks.source_cell[zones[n]]] += max(weight, 0.0)
    return source


def interval_indicators(fluxes: FaceFluxes, adjoint: np.ndarray) -> Intervals:
    """Return the indicator of the weighted error of each interval along z, y and x [K].

    It is the sum of `k V |ds| |ds'| / 12` over the cells between two planes, with the changes of slope of the
    temperature and of the adjoint within a cell [K/m]. Both follow from the heat flows through its faces, so
    that kinks at the faces of materials do not count.
    """
    model, conduction = fluxes.model, fluxes.conduction
    nz, ny, nx = model.grid.shape
    found = np.zeros(nz), np.zeros(ny), np.zeros(nx)
    response = FaceFluxes(model, conduction, fluxes.conductivity, adjoint, np.zeros(model.boundary.cell.size))
    response.boundary_outflow = (
        conduction.boundary_face_conductance * adjoint.reshape(-1)[model.boundary.cell]
    )
    for k in range(nz):
        resistance = _resistance_of_plane(model, fluxes.conductivity, k)
        flows, others = net_outflow_of_plane(fluxes, k), net_outflow_of_plane(response, k)
        values = resistance * np.abs(flows) * np.abs(others) / 12.0
        found[Z][k] = values[Z].sum()
        found[Y][:] += values[Y].sum(axis=1)
        found[X][:] += values[X].sum(axis=0)
    return found


def net_outflow_of_plane(fluxes: FaceFluxes, k: int) -> np.ndarray:
    """Return the net heat flow out of the cells at height k along z, y and x [W], (3, ny, nx)."""
    c, t = fluxes.conduction, fluxes.t
    nz, ny, nx = t.shape
    net = np.zeros((3, ny, nx))
    flow = _flow(c.g_x[k], t[k][:, :-1], t[k][:, 1:])
    net[X][:, :-1] += flow
    net[X][:, 1:] -= flow
    flow = _flow(c.g_y[k], t[k][:-1], t[k][1:])
    net[Y][:-1] += flow
    net[Y][1:] -= flow
    if k > 0:
        net[Z] -= _flow(c.g_z[k - 1], t[k - 1], t[k])
    if k + 1 < nz:
        net[Z] += _flow(c.g_z[k], t[k], t[k + 1])
    boundary, faces = fluxes.model.boundary, fluxes.model.boundary_of_plane(k)
    j, i = fluxes.model.columns_of(faces)
    np.add.at(net, (boundary.axis[faces], j, i), fluxes.boundary_outflow[faces])
    ends = fluxes.link_ends
    here = ends.cell // (ny * nx) == k
    np.add.at(net[Z].reshape(-1), ends.cell[here] % (ny * nx), ends.outflow[here])
    return net


def _flow(conductance: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the heat flow between cells [W]; temperatures outside the body may be NaN."""
    flow: np.ndarray = np.where(conductance > 0.0, conductance * (low - high), 0.0)
    return flow


def _resistance_of_plane(model: Model, conductivity: CellConductivity, k: int) -> np.ndarray:
    """Return h / (k A) of the cells at height k along z, y and x [K/W], (3, ny, nx), 0 outside the body."""
    grid = model.grid
    dz, dy, dx = grid.dz[k], grid.dy[:, None], grid.dx[None, :]
    shape = np.stack(np.broadcast_arrays(dz / (dy * dx), dy / (dz * dx), dx / (dz * dy)))
    plane = conductivity.plane(k)
    resistance: np.ndarray = np.divide(shape, plane, out=np.zeros(shape.shape), where=plane > 0.0)
    return resistance
