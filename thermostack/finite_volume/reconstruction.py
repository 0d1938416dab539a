"""Temperatures inside cells and on their faces, reconstructed from the heat fluxes through the faces.

In a cell of width h the slopes s at its low and high face follow from the fluxes there, and along each
axis `T(x) = T + x h (s_lo + s_hi) / 2 + x^2 h (s_hi - s_lo) / 2` with x from -1/2 to 1/2. Temperatures
between cell centres are thereby of second order, also at the edge of a heated block, where the nearest
cell centre is of first order.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from thermostack.finite_volume.conduction import CellConductivity, Conduction
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model

Z, Y, X = 0, 1, 2  # axes
ON_FACE_TOLERANCE = 1e-12  # m: a point nearer to a grid plane than this lies on the plane

Cells = tuple[np.ndarray, np.ndarray, np.ndarray]  # indices k, j and i, each (...)


@dataclass(frozen=True, eq=False)
class CellFluxes:
    """Heat flow through the faces of some cells, and the thermal resistance of the cells."""

    low: np.ndarray  # (3, ...) W through the low face along z, y and x, positive towards the high side
    high: np.ndarray  # (3, ...) W through the high face
    resistance: np.ndarray  # (3, ...) K/W: h / (k A), zero outside the body

    @property
    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return h s_lo and h s_hi [K] along z, y and x, each (3, ...)."""
        return -self.resistance * self.low, -self.resistance * self.high


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

    def plane_arrays(
        self, windows: np.ndarray
    ) -> tuple[tuple[Any, ...], tuple[np.ndarray, ...], tuple[np.ndarray, ...], np.ndarray]:
        """Return the arguments of the kernel type `PlaneFluxes`: cells, conductances, boundary, field.

        `windows` (blocks, 7) are those of `PartsAndBlocks`.
        """
        model, c, boundary = self.model, self.conduction, self.model.boundary
        grid, (nz, ny, nx) = model.grid, self.t.shape
        cell = np.ascontiguousarray(boundary.cell, dtype=np.intp)
        faces = (
            np.searchsorted(cell, np.arange(nz + 1) * ny * nx).astype(np.intp),
            cell,
            np.ascontiguousarray(boundary.axis, dtype=np.uint8),
            np.ascontiguousarray(boundary.is_high, dtype=np.uint8),
            self.boundary_outflow,
            c.boundary_face_conductance,
            np.ascontiguousarray(self.ambient, dtype=np.float64),
            boundary.flux * boundary.area,
        )
        cells = ((grid.dz, grid.dy, grid.dx), model.part, windows)
        return cells, (c.g_z, c.g_y, c.g_x), faces, self.t

    def of_cells(self, cells: Cells, conductivity: np.ndarray) -> CellFluxes:
        """Return the heat flow through the faces of some cells, given by arrays of one axis or more.

        `conductivity` (3, ...) [W/(m K)] is that of the cells along z, y and x.
        """
        c = self.conduction
        low, high = np.zeros(conductivity.shape), np.zeros(conductivity.shape)
        for axis, g in ((Z, c.g_z), (Y, c.g_y), (X, c.g_x)):
            for flow, step in ((low, -1), (high, 1)):
                neighbour, exists = self._neighbour(cells, axis, step)
                face = tuple(np.minimum(a, b)[exists] for a, b in zip(cells, neighbour, strict=True))
                difference = self.t[neighbour] - self.t[cells]
                flow[axis][exists] = g[face] * (-step * difference)[exists]
        self._set_boundary_flows(cells, low, high)
        return CellFluxes(low, high, cell_resistance(self.model.grid, conductivity, cells))

    def slopes_of(self, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return h s_lo and h s_hi [K] along z, y and x, each (3, n), of cells with indices (n,)."""
        return self.of_cells(self._unravel(cell), self._conductivity_of(cell)).slopes

    def resistance_of(self, cell: np.ndarray) -> np.ndarray:
        """Return the thermal resistance h / (k A) [K/W] along z, y and x, (3, n), of cells (n,)."""
        return cell_resistance(self.model.grid, self._conductivity_of(cell), self._unravel(cell))

    def _unravel(self, cell: np.ndarray) -> Cells:
        k, j, i = np.unravel_index(cell, self.t.shape)
        return k, j, i

    def _conductivity_of(self, cell: np.ndarray) -> np.ndarray:
        """Return the conductivity [W/(m K)] along z, y and x, (3, n), of cells with indices (n,)."""
        k, j, i = self._unravel(cell)
        conductivity = np.empty((3, cell.size))
        for height in np.unique(k).tolist():
            own = k == height
            conductivity[:, own] = self.conductivity.plane(height)[:, j[own], i[own]]
        return conductivity

    def neighbour_rise(self, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
        """Return the temperatures of the low and the high neighbours minus those of cells [K], each (3, ...).

        The value is infinite where no neighbour is in the body.
        """
        differences = []
        for step in (-1, 1):
            along = []
            for axis in (Z, Y, X):
                neighbour, exists = self._neighbour(cells, axis, step)
                exists &= self.model.part[neighbour] > 0
                along.append(np.where(exists, self.t[neighbour] - self.t[cells], np.inf))
            differences.append(np.stack(along))
        return differences[0], differences[1]

    def _neighbour(self, cells: Cells, axis: int, step: int) -> tuple[Cells, np.ndarray]:
        """Return the neighbours of cells along an axis and where they exist; elsewhere the cells."""
        index = cells[axis] + step
        exists = (index >= 0) & (index < self.t.shape[axis])
        k, j, i = (np.where(exists, index, own) if n == axis else own for n, own in enumerate(cells))
        return (k, j, i), exists

    def _set_boundary_flows(self, cells: Cells, low: np.ndarray, high: np.ndarray) -> None:
        """Set the heat flow [W] through those faces of some cells that are boundary faces."""
        boundary, (_, ny, nx) = self.model.boundary, self.t.shape
        cell = (cells[0] * ny + cells[1]) * nx + cells[2]
        first = np.searchsorted(boundary.cell, cell)
        count = np.searchsorted(boundary.cell, cell, side="right") - first
        for n in range(int(count.max(initial=0))):
            where = np.nonzero(count > n)
            which = first[where] + n
            axis, is_high, outflow = (
                boundary.axis[which],
                boundary.is_high[which],
                self.boundary_outflow[which],
            )
            for flow, side, sign in ((high, is_high, 1.0), (low, ~is_high, -1.0)):
                flow[(axis[side], *(index[side] for index in where))] = sign * outflow[side]

    def temperature_at(self, x: float, y: float, z: float) -> float:
        """Return the temperature [K] at a point of the body [m] or of its surface; NaN outside the body."""
        grid = self.model.grid
        candidates = product(_cells_at(grid.z, z), _cells_at(grid.y, y), _cells_at(grid.x, x))
        cell = next((cell for cell in candidates if self.model.part[cell] > 0), None)
        if cell is None:
            return float("nan")
        k, j, i = cell
        cells = np.array([k]), np.array([j]), np.array([i])
        a, b = (slope[:, 0] for slope in self.of_cells(cells, self.conductivity.plane(k)[:, j, [i]]).slopes)
        offset = np.array(
            (
                (z - grid.z_center[k]) / grid.dz[k],
                (y - grid.y_center[j]) / grid.dy[j],
                (x - grid.x_center[i]) / grid.dx[i],
            )
        )
        return float(self.t[k, j, i] + profile(a, b, offset).sum())


def _cells_at(planes: np.ndarray, position: float) -> list[int]:
    """Return the cells along an axis that contain a position [m]; on a shared face the high cell is first."""
    bounds = (position + ON_FACE_TOLERANCE, position - ON_FACE_TOLERANCE)
    cells = dict.fromkeys(int(np.searchsorted(planes, bound, side="right")) - 1 for bound in bounds)
    return [n for n in cells if 0 <= n < planes.size - 1]


def cell_resistance(grid: Grid, conductivity: np.ndarray, cells: Cells) -> np.ndarray:
    """Return the thermal resistance h / (k A) [K/W] of some cells along z, y and x, (3, ...).

    It is zero outside the body. `conductivity` (3, ...) [W/(m K)] is that of the cells along z, y and x.
    """
    dz, dy, dx = (width[index] for width, index in zip((grid.dz, grid.dy, grid.dx), cells, strict=True))
    resistance = np.zeros(conductivity.shape)
    shape = np.stack(np.broadcast_arrays(dz / (dy * dx), dy / (dz * dx), dx / (dz * dy)))
    np.divide(shape, conductivity, out=resistance, where=conductivity > 0.0)
    return resistance


def profile(a: np.ndarray, b: np.ndarray, x: np.ndarray | float) -> np.ndarray:
    """Return T(x) - T [K] in cells with h s_lo = a and h s_hi = b, x in [-1/2, 1/2]."""
    value: np.ndarray = 0.5 * x * ((a + b) + x * (b - a))
    return value


def cell_extremum(
    a: np.ndarray, b: np.ndarray, rise_low: np.ndarray, rise_high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the position in [-1/2, 1/2] of the maximum of each profile, and its height above the centre [K].

    `rise_low` and `rise_high` [K] are the temperatures of the low and the high neighbour minus that of the
    cell, infinite without a neighbour. They bound the temperature of a face by that of the hotter of its two
    cells; a maximum between two faces is bounded by the value that the smaller slope reaches at the face. In
    cells that are wide for the local solution the parabola exceeds both bounds.
    """
    at_low = np.minimum(-(3.0 * a + b) / 8.0, np.maximum(rise_low, 0.0))
    at_high = np.minimum((a + 3.0 * b) / 8.0, np.maximum(rise_high, 0.0))
    position = np.where(at_high >= at_low, 0.5, -0.5)
    rise = np.maximum(at_low, at_high)
    with np.errstate(divide="ignore", invalid="ignore"):
        is_inside = (a > 0.0) & (b < 0.0)
        maximum = np.minimum((a + b) ** 2 / (8.0 * (a - b)), 0.5 * np.minimum(a, -b))
        return np.where(is_inside, 0.5 * (a + b) / (a - b), position), np.where(is_inside, maximum, rise)
