"""Heat flow through the faces of the cells, and the slopes of the temperature at them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import BoundaryConductance, Conduction
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model

Z, Y, X = 0, 1, 2  # axes

Cells = tuple[np.ndarray, np.ndarray, np.ndarray]  # indices k, j and i, each (...)


@dataclass(frozen=True, eq=False)
class CellFluxes:
    """Heat flow through the faces of some cells, and the thermal resistance of the cells.

    The resistances are h / (k A) with the means of k over the low and the high half, zero outside the body.
    """

    low: np.ndarray  # (3, ...) W through the low face along z, y and x, positive towards the high side
    high: np.ndarray  # (3, ...) W through the high face
    conductivity: np.ndarray  # (3, ...) W/(m K) at the temperature of the cell
    resistance_low: np.ndarray  # (3, ...) K/W, of the low half
    resistance_high: np.ndarray  # (3, ...) K/W, of the high half

    @property
    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return h s_lo and h s_hi [K] along z, y and x, each (3, ...): the means over the two halves.

        Half of them is the difference between the temperatures of the cell and of its face.
        """
        return -self.resistance_low * self.low, -self.resistance_high * self.high


class LinkEnds(NamedTuple):
    """The cells at the ends of links, and the heat through their upper or lower faces into the links."""

    cell: np.ndarray  # (n,) indices in the raveled grid
    is_top: np.ndarray  # (n,) whether it is the upper face
    outflow: np.ndarray  # (n,) W


class FaceFluxes:
    """Heat flow through the faces of all cells for one temperature field."""

    def __init__(
        self,
        model: Model,
        conduction: Conduction,
        conductivity: CellConductivity,
        t: np.ndarray,
        ambient: np.ndarray | None = None,
    ) -> None:
        """Store the temperatures `t` (nz, ny, nx) [K], any finite value outside the body.

        `ambient` (boundary faces,) [K] replaces the ambient temperatures of the package description.
        """
        self.model, self.conduction, self.conductivity = model, conduction, conductivity
        self.t = t
        boundary = model.boundary
        self.ambient = boundary.temperature if ambient is None else ambient  # (n,) K, of each boundary face
        convected = conduction.boundary_face_conductance * (t.reshape(-1)[boundary.cell] - self.ambient)
        self.boundary_outflow = convected - boundary.flux * boundary.area  # (n,) W out of each boundary face

    @cached_property
    def link_ends(self) -> LinkEnds:
        """The cells at the ends of all links, and the heat through their faces."""
        links = self.conduction.links
        if links is None:
            return LinkEnds(*(np.empty(0, dtype=dtype) for dtype in (np.intp, bool, np.float64)))
        heat, ends = links.heat(self.t), []
        for n, link in enumerate(self.model.link_cells):
            for sign, end, place in zip((1.0, -1.0), link.ends, link.link.ends, strict=True):
                cell = end.index(self.t.shape)
                ends.append(LinkEnds(cell, np.full(cell.size, place.is_top), sign * heat[n] * end.weight))
        return LinkEnds(*(np.concatenate(column) for column in zip(*ends, strict=True)))

    @classmethod
    def without_flow(cls, model: Model, conductivity: CellConductivity, t: np.ndarray) -> FaceFluxes:
        """Return the fluxes of a field (nz, ny, nx) [K] in which every cell has one temperature."""
        nz, ny, nx = t.shape
        faces = model.boundary.cell.size
        no_flow = Conduction(
            np.zeros((nz, ny, nx - 1), np.float32),
            np.zeros((nz, ny - 1, nx), np.float32),
            np.zeros((nz - 1, ny, nx), np.float32),
            BoundaryConductance.accumulate((nz, ny, nx), model.boundary.cell, np.zeros(faces)),
            np.zeros(faces),
        )
        fluxes = cls(model, no_flow, conductivity, t)
        fluxes.boundary_outflow = np.zeros(faces)
        return fluxes

    def plane_arrays(
        self, windows: np.ndarray
    ) -> tuple[tuple[Any, ...], tuple[np.ndarray, ...], tuple[np.ndarray, ...], np.ndarray]:
        """Return the arguments of the kernel type `PlaneFluxes`: cells, conductances, boundary, field.

        `windows` (blocks, 7) are those of `PartsAndBlocks`. The ends of links are boundary faces with a fixed
        heat flow, in addition to the boundary condition or the heat flow through the same face.
        """
        model, c = self.model, self.conduction
        grid, (nz, ny, nx) = model.grid, self.t.shape
        cell, *values = self._boundary_columns()
        start = np.searchsorted(cell, np.arange(nz + 1) * ny * nx).astype(np.intp)
        cells = ((grid.dz, grid.dy, grid.dx), model.part, windows)
        return cells, (c.g_z, c.g_y, c.g_x), (start, cell, *values), self.t

    def _boundary_columns(self) -> list[np.ndarray]:
        """Return the columns of the kernel type `BoundaryFaces` but the first, with the ends of links."""
        c, boundary, ends = self.conduction, self.model.boundary, self.link_ends
        none = np.zeros(ends.cell.size)
        columns = (
            (boundary.cell, ends.cell, np.intp),
            (boundary.axis, np.full(ends.cell.size, Z), np.uint8),
            (boundary.is_high, ends.is_top, np.uint8),
            (self.boundary_outflow, ends.outflow, np.float64),
            (c.boundary_face_conductance, none, np.float64),
            (self.ambient, none, np.float64),
            (boundary.flux * boundary.area, -ends.outflow, np.float64),
        )
        if ends.cell.size == 0:
            return [np.ascontiguousarray(column, dtype=dtype) for column, _, dtype in columns]
        order = np.argsort(np.concatenate([boundary.cell, ends.cell]), kind="stable")
        return [np.concatenate([column, end])[order].astype(dtype) for column, end, dtype in columns]

    def of_cells(self, cells: Cells) -> CellFluxes:
        """Return the heat flow through the faces of some cells, given by arrays of one axis or more."""
        grid, conductivity = self.model.grid, self.conductivity
        low, high = self._flows(cells, self.t, lambda face: self.boundary_outflow[face])
        self._add_link_flows(cells, low, high)
        if not conductivity.has_halves:
            own = conductivity.of_cells(*cells)
            resistance = cell_resistance(grid, own, cells)
            return CellFluxes(low, high, own, resistance, resistance)
        dz, dy, dx = (width[index] for width, index in zip((grid.dz, grid.dy, grid.dx), cells, strict=True))
        area = np.stack(np.broadcast_arrays(dy * dx, dz * dx, dz * dy))
        inflow_low, outflow_high = self._flows(
            cells, np.asarray(conductivity.temperature), self._outflow_then
        )
        halves = conductivity.halves_of_cells(*cells, (inflow_low / area, -outflow_high / area))
        own, of_low, of_high = halves
        of_halves = (cell_resistance(grid, half, cells) for half in (of_low, of_high))
        return CellFluxes(low, high, own, *of_halves)

    def slopes_of(self, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return h s_lo and h s_hi [K] along z, y and x, each (3, n), of cells with indices (n,)."""
        k, j, i = np.unravel_index(cell, self.t.shape)
        return self.of_cells((k, j, i)).slopes

    def resistance_of(self, cell: np.ndarray) -> np.ndarray:
        """Return the thermal resistance h / (k A) [K/W] along z, y and x, (3, n), of cells (n,)."""
        k, j, i = np.unravel_index(cell, self.t.shape)
        return cell_resistance(self.model.grid, self.conductivity.of_cells(k, j, i), (k, j, i))

    def _flows(
        self, cells: Cells, t: np.ndarray, outflow: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the heat flow [W] through the low and high faces of cells at temperatures t [K].

        `outflow` returns the heat flow [W] out of boundary faces given by their indices.
        """
        c, shape = self.conduction, (3, *np.shape(cells[0]))
        low, high = np.zeros(shape), np.zeros(shape)
        for axis, g in ((Z, c.g_z), (Y, c.g_y), (X, c.g_x)):
            for flow, step in ((low, -1), (high, 1)):
                neighbour, exists = self._neighbour(cells, axis, step)
                face = tuple(np.minimum(a, b)[exists] for a, b in zip(cells, neighbour, strict=True))
                conductance, difference = g[face], (t[neighbour] - t[cells])[exists]
                # Outside the body t may be NaN.
                flow[axis][exists] = np.where(conductance > 0.0, conductance * (-step * difference), 0.0)
        self._set_boundary_flows(cells, low, high, outflow)
        return low, high

    def _add_link_flows(self, cells: Cells, low: np.ndarray, high: np.ndarray) -> None:
        """Add the heat flow [W] of links through the low and high faces of some cells along z."""
        ends = self.link_ends
        if ends.cell.size == 0:
            return
        _, ny, nx = self.t.shape
        cell = (cells[0] * ny + cells[1]) * nx + cells[2]
        for flow, side, sign in ((high, ends.is_top, 1.0), (low, ~ends.is_top, -1.0)):
            of_cell, position = np.unique(ends.cell[side], return_inverse=True)
            if of_cell.size:
                total = np.bincount(position, ends.outflow[side])
                found = np.minimum(np.searchsorted(of_cell, cell), of_cell.size - 1)
                flow[Z] += np.where(of_cell[found] == cell, sign * total[found], 0.0)

    def _outflow_then(self, face: np.ndarray) -> np.ndarray:
        """Return the heat flow [W] out of boundary faces at the temperatures of the conductivities."""
        at, boundary = self.conductivity, self.conductivity.boundary
        t = np.asarray(at.temperature).reshape(-1)[boundary.cell[face]] + at.zero
        convected = self.conduction.boundary_face_conductance[face] * (t - boundary.temperature[face])
        outflow: np.ndarray = convected - boundary.flux[face] * boundary.area[face]
        return outflow

    def _neighbour(self, cells: Cells, axis: int, step: int) -> tuple[Cells, np.ndarray]:
        """Return the neighbours of cells along an axis and where they exist; elsewhere the cells."""
        index = cells[axis] + step
        exists = (index >= 0) & (index < self.t.shape[axis])
        k, j, i = (np.where(exists, index, own) if n == axis else own for n, own in enumerate(cells))
        return (k, j, i), exists

    def _set_boundary_flows(
        self,
        cells: Cells,
        low: np.ndarray,
        high: np.ndarray,
        outflow_of: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        """Set the heat flow [W] through those faces of some cells that are boundary faces."""
        boundary, (_, ny, nx) = self.model.boundary, self.t.shape
        cell = (cells[0] * ny + cells[1]) * nx + cells[2]
        first = np.searchsorted(boundary.cell, cell)
        count = np.searchsorted(boundary.cell, cell, side="right") - first
        for n in range(int(count.max(initial=0))):
            where = np.nonzero(count > n)
            which = first[where] + n
            axis, is_high, outflow = boundary.axis[which], boundary.is_high[which], outflow_of(which)
            for flow, side, sign in ((high, is_high, 1.0), (low, ~is_high, -1.0)):
                flow[(axis[side], *(index[side] for index in where))] = sign * outflow[side]


def cell_resistance(grid: Grid, conductivity: np.ndarray, cells: Cells) -> np.ndarray:
    """Return the thermal resistance h / (k A) [K/W] of some cells along z, y and x, (3, ...).

    It is zero outside the body. `conductivity` (3, ...) [W/(m K)] is that of the cells along z, y and x.
    """
    dz, dy, dx = (width[index] for width, index in zip((grid.dz, grid.dy, grid.dx), cells, strict=True))
    resistance = np.zeros(conductivity.shape)
    shape = np.stack(np.broadcast_arrays(dz / (dy * dx), dy / (dz * dx), dx / (dz * dy)))
    np.divide(shape, conductivity, out=resistance, where=conductivity > 0.0)
    return resistance
