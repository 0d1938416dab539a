"""Conductances of links between the mean temperatures of their ends: symmetric terms of rank one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from thermostack.finite_volume.cell_properties import CellProperties
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.link_cells import EndCells
from thermostack.mesh.model import Model

WeightedPoints = tuple[np.ndarray, np.ndarray]  # indices in a raveled array, and their weights


@dataclass(frozen=True, eq=False)
class LinkConductance:
    """The terms U g U^T that links add to the conduction operator, U^T t being the differences of their ends.

    Attributes
    ----------
    cell : ndarray, shape (n,)
        Indices of the cells at all ends in the raveled grid, strictly ascending.
    difference : sparse array, shape (links, n)
        U^T: the weights of the start, minus the weights of the end.
    own_conductance : ndarray, shape (links,)
        Conductance of the conductors [W/K].
    half_cell : ndarray, shape (n,)
        Resistance between the centre and the face of each cell [K/W].
    resistance : sparse array, shape (links, links)
        Resistance of the conductors and of the half cells in series [K/W]; links that end on the same cells
        share their half cells.
    conductance : sparse array, shape (links, links)
        g, the inverse of the resistance [W/K].
    """

    cell: np.ndarray
    difference: scipy.sparse.csr_array
    own_conductance: np.ndarray
    half_cell: np.ndarray
    resistance: scipy.sparse.csr_array
    conductance: scipy.sparse.csr_array

    @property
    def count(self) -> int:
        """Return the number of links."""
        return self.own_conductance.size

    def heat(self, t: np.ndarray) -> np.ndarray:
        """Return the heat flow [W] from start to end of each link, (links,), at t (nz, ny, nx) [K]."""
        flow: np.ndarray = self.conductance @ (self.difference @ t.reshape(-1)[self.cell])
        return flow

    def outflow(self, t: np.ndarray) -> np.ndarray:
        """Return the heat flow [W] out of each of `cell` into links, (n,), at t (nz, ny, nx) [K]."""
        flow: np.ndarray = self.difference.T @ self.heat(t)
        return flow

    def add_outflow(self, t: np.ndarray, out: np.ndarray) -> None:
        """Add the heat flow [W] out of the cells into links to `out` (nz, ny, nx), in place."""
        out.reshape(-1)[self.cell] += self.outflow(t)

    def outflow_of_plane(self, k: int, t: np.ndarray) -> np.ndarray:
        """Return the heat flow [W] out of the cells at height k into links, (ny, nx)."""
        _, ny, nx = t.shape
        plane = np.zeros(ny * nx)
        own = slice(*np.searchsorted(self.cell, (k * ny * nx, (k + 1) * ny * nx)))
        if own.start < own.stop:
            plane[self.cell[own] - k * ny * nx] = self.outflow(t)[own]
        return plane.reshape(ny, nx)

    def to_csr(self, cells: int) -> scipy.sparse.csr_array:
        """Return the terms as a sparse matrix [W/K], dense in the cells at the ends of each link."""
        terms = scipy.sparse.coo_array(self.difference.T @ self.conductance @ self.difference)
        index = self.cell[terms.row], self.cell[terms.col]
        return scipy.sparse.csr_array((terms.data, index), shape=(cells, cells))

    def connections(self, cells: int) -> scipy.sparse.coo_array:
        """Return the graph of the cells that links join, for connected components."""
        rows, columns = [], []
        for n in range(self.count):
            own = self.cell[self.difference.indices[slice(*self.difference.indptr[n : n + 2])]]
            rows.append(np.full(own.size - 1, own[0]))
            columns.append(own[1:])
        row, column = np.concatenate(rows), np.concatenate(columns)
        return scipy.sparse.coo_array((np.ones(row.size), (row, column)), shape=(cells, cells))


def assemble_links(model: Model, conductivity: CellProperties) -> LinkConductance | None:
    """Return the conductances of the links of a model, None where it has none.

    A link has the resistance of its conductors and of the half cells at both ends in series, so that its ends
    are at the face of the part, and not at the centres of the cells below. `conductivity` has the
    temperatures at which materials are evaluated, by default 300 K; a conductor is evaluated at the mean of
    the temperatures of both ends.
    """
    if not model.geometry.links:
        return None
    own = np.empty(len(model.link_cells))
    for n, link in enumerate(model.link_cells):
        mean = sum(_mean_temperature(conductivity, end) for end in link.ends) / len(link.ends)
        own[n] = link.link.conductance_at(mean)
    points = [[(end.index(model.grid.shape), end.weight) for end in link.ends] for link in model.link_cells]
    return join_points(points, own, lambda cell: _half_cell_resistance(model, conductivity, cell))


def join_points(
    ends: Sequence[Sequence[WeightedPoints]],
    own_conductance: np.ndarray,
    half_cell: Callable[[np.ndarray], np.ndarray] | None = None,
) -> LinkConductance:
    """Return links between points with weights: for each link its start and its end, (indices, weights).

    `own_conductance` (links,) [W/K] is that of the conductors. `half_cell` returns the resistances [K/W]
    between points with given indices and the ends on them, by default zero.
    """
    flat = [
        (n, sign, *end) for n, pair in enumerate(ends) for sign, end in zip((1.0, -1.0), pair, strict=True)
    ]
    index = np.concatenate([points for _, _, points, _ in flat])
    weight = np.concatenate([sign * weights for _, sign, _, weights in flat])
    row = np.concatenate([np.full(points.size, n) for n, _, points, _ in flat])
    cell, column = np.unique(index, return_inverse=True)
    difference = scipy.sparse.csr_array((weight, (row, column)), shape=(len(ends), cell.size))
    half = np.zeros(cell.size) if half_cell is None else half_cell(cell)
    shared = difference @ scipy.sparse.diags_array(half) @ difference.T
    resistance = scipy.sparse.csr_array(scipy.sparse.diags_array(1.0 / own_conductance) + shared)
    return LinkConductance(cell, difference, own_conductance, half, resistance, _inverse(resistance))


def _inverse(resistance: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    """Return the inverse of a symmetric positive definite matrix, mostly a diagonal one."""
    diagonal = resistance.diagonal()
    if np.count_nonzero(resistance.data) == diagonal.size:
        return scipy.sparse.csr_array(scipy.sparse.diags_array(1.0 / diagonal))
    return scipy.sparse.csr_array(np.linalg.inv(resistance.toarray()))


def _half_cell_resistance(model: Model, conductivity: CellProperties, cell: np.ndarray) -> np.ndarray:
    """Return the resistance [K/W] along z between the centre and the face of some cells, (n,)."""
    k, j, i = np.unravel_index(cell, model.grid.shape)
    grid = model.grid
    along_z = conductivity.of_cells(k, j, i)[0]
    return np.asarray(0.5 * grid.dz[k] / (along_z * grid.dy[j] * grid.dx[i]))


def _mean_temperature(conductivity: CellProperties, end: EndCells) -> float:
    """Return the mean temperature [K] of the cells at an end at which the conductivities are evaluated."""
    if conductivity.temperature is None:
        return ROOM_TEMPERATURE
    return float(end.weight @ conductivity.temperature[end.k, end.j, end.i]) + conductivity.zero
