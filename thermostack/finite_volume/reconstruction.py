"""Temperatures inside cells and on their faces, rebuilt from the heat that crosses the faces.

In a cell of width h the slopes s at its low and high face follow from the fluxes there, and along each
axis `T(x) = T + x h (s_lo + s_hi) / 2 + x^2 h (s_hi - s_lo) / 2` with x from -1/2 to 1/2. What is
read between cell centres is thereby of second order, at the edge of a heated block too, where the
nearest cell centre is of first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from thermostack.finite_volume.conduction import CellConductivity, Conduction
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model

Z, Y, X = 0, 1, 2  # axes
ON_PLANE = 1e-12  # m: a place nearer to a plane than this is on it

Cells = tuple[np.ndarray, np.ndarray, np.ndarray]  # k, j and i, each (...)


@dataclass(frozen=True, eq=False)
class CellFluxes:
    """Heat through the faces of some cells."""

    low: np.ndarray  # (3, ...) W towards the high side through the low face along z, y and x
    high: np.ndarray  # (3, ...) W, through the high face
    width_over_conductance: np.ndarray  # (3, ...) K/W: h / (k A), zero outside the body

    @property
    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return h s_lo and h s_hi [K] along z, y and x, each (3, ...)."""
        return -self.width_over_conductance * self.low, -self.width_over_conductance * self.high


@dataclass(frozen=True, eq=False)
class PlaneSurfaces:
    """Which of a model's surfaces belong to cells at one height, as the kernels read them."""

    which: slice
    column: np.ndarray  # (n,) intp, j nx + i of the cell, ascending
    axis: np.ndarray  # (n,) uint8
    is_high: np.ndarray  # (n,) uint8


class Fluxes:
    """Heat through the faces of all cells for one field of temperatures."""

    def __init__(
        self,
        model: Model,
        conduction: Conduction,
        conductivity: CellConductivity,
        t: np.ndarray,
        outside: np.ndarray | None = None,
    ) -> None:
        """Take `t` (nz, ny, nx) [K], any finite value outside the body.

        `outside` (surfaces,) [K] are the temperatures behind the films where they are not the drawn ones.
        """
        self.model, self.conduction, self.conductivity = model, conduction, conductivity
        self.t = t
        surfaces = model.boundary
        behind = surfaces.temperature if outside is None else outside
        film = conduction.surface * (t.reshape(-1)[surfaces.cell] - behind)
        self.leaving = film - surfaces.flux * surfaces.area  # (n,) W through each of the model's surfaces

    def surfaces_of_plane(self, k: int) -> PlaneSurfaces:
        """Return the surfaces of the cells at height k."""
        which, surfaces = self.model.boundary_of_plane(k), self.model.boundary
        first = k * self.t.shape[1] * self.t.shape[2]
        return PlaneSurfaces(
            which,
            np.asarray(surfaces.cell[which] - first, dtype=np.intp),
            np.asarray(surfaces.axis[which], dtype=np.uint8),
            np.asarray(surfaces.is_high[which], dtype=np.uint8),
        )

    def of_cells(self, cells: Cells, conductivity: np.ndarray) -> CellFluxes:
        """Return the heat through the faces of some cells, given by arrays of one axis or more.

        Their conductivity [W/(m K)] is given along z, y and x, (3, ...).
        """
        c = self.conduction
        low, high = np.zeros(conductivity.shape), np.zeros(conductivity.shape)
        for axis, g in ((Z, c.g_z), (Y, c.g_y), (X, c.g_x)):
            for flow, step in ((low, -1), (high, 1)):
                beside, exists = self._beside(cells, axis, step)
                face = tuple(np.minimum(at, other)[exists] for at, other in zip(cells, beside, strict=True))
                difference = self.t[beside] - self.t[cells]
                flow[axis][exists] = g[face] * (-step * difference)[exists]
        self._place_surfaces(cells, low, high)
        ratio = width_over_conductance(self.model.grid, conductivity, cells)
        return CellFluxes(low, high, ratio)

    def hotter(self, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
        """Return how much hotter [K] the neighbours at the low and the high side are, each (3, ...).

        It is infinite where there is none in the body.
        """
        found = []
        for step in (-1, 1):
            along = []
            for axis in (Z, Y, X):
                beside, exists = self._beside(cells, axis, step)
                exists &= self.model.part[beside] > 0
                along.append(np.where(exists, self.t[beside] - self.t[cells], np.inf))
            found.append(np.stack(along))
        return found[0], found[1]

    def _beside(self, cells: Cells, axis: int, step: int) -> tuple[Cells, np.ndarray]:
        """Return the neighbours of cells along an axis, and where the grid has them; else the cells."""
        there = cells[axis] + step
        exists = (there >= 0) & (there < self.t.shape[axis])
        k, j, i = (np.where(exists, there, at) if n == axis else at for n, at in enumerate(cells))
        return (k, j, i), exists

    def _place_surfaces(self, cells: Cells, low: np.ndarray, high: np.ndarray) -> None:
        """Write the heat [W] that leaves through the surfaces of cells to the faces they are."""
        surfaces, (_, ny, nx) = self.model.boundary, self.t.shape
        cell = (cells[0] * ny + cells[1]) * nx + cells[2]
        first = np.searchsorted(surfaces.cell, cell)
        count = np.searchsorted(surfaces.cell, cell, side="right") - first
        for n in range(int(count.max(initial=0))):
            where = np.nonzero(count > n)
            which = first[where] + n
            axis, is_high, heat = surfaces.axis[which], surfaces.is_high[which], self.leaving[which]
            for flow, side, sign in ((high, is_high, 1.0), (low, ~is_high, -1.0)):
                flow[(axis[side], *(index[side] for index in where))] = sign * heat[side]

    def at(self, x: float, y: float, z: float) -> float:
        """Return the temperature [K] at a point of the body [m], its faces included; NaN outside it."""
        grid = self.model.grid
        around = product(_holding(grid.z, z), _holding(grid.y, y), _holding(grid.x, x))
        cell = next((cell for cell in around if self.model.part[cell] > 0), None)
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


def _holding(planes: np.ndarray, value: float) -> list[int]:
    """Return the cells along an axis that hold a place [m], the higher of two that meet there first."""
    near = (value + ON_PLANE, value - ON_PLANE)
    found = dict.fromkeys(int(np.searchsorted(planes, at, side="right")) - 1 for at in near)
    return [n for n in found if 0 <= n < planes.size - 1]


def width_over_conductance(grid: Grid, conductivity: np.ndarray, cells: Cells) -> np.ndarray:
    """Return h / (k A) [K/W] along z, y and x of some cells, zero outside the body, (3, ...).

    Their conductivity [W/(m K)] is given along z, y and x, (3, ...).
    """
    dz, dy, dx = (width[at] for width, at in zip((grid.dz, grid.dy, grid.dx), cells, strict=True))
    ratio = np.zeros(conductivity.shape)
    shape = np.stack(np.broadcast_arrays(dz / (dy * dx), dy / (dz * dx), dx / (dz * dy)))
    np.divide(shape, conductivity, out=ratio, where=conductivity > 0.0)
    return ratio


def profile(a: np.ndarray, b: np.ndarray, x: np.ndarray | float) -> np.ndarray:
    """Return T(x) - T [K] in cells with h s_lo = a and h s_hi = b, x in [-1/2, 1/2]."""
    value: np.ndarray = 0.5 * x * ((a + b) + x * (b - a))
    return value


def cell_extremum(
    a: np.ndarray, b: np.ndarray, before: np.ndarray, beyond: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where in [-1/2, 1/2] each profile is highest, and how much higher than the centre [K].

    `before` and `beyond` are how much hotter the cells at the low and the high side are [K], infinite
    where there is none. A face is no hotter than the hotter of its two cells, and a summit between two
    faces no higher than the flatter side leads to: in cells too wide for what happens in them the
    parabola overshoots both.
    """
    at_low = np.minimum(-(3.0 * a + b) / 8.0, np.maximum(before, 0.0))
    at_high = np.minimum((a + 3.0 * b) / 8.0, np.maximum(beyond, 0.0))
    place = np.where(at_high >= at_low, 0.5, -0.5)
    rise = np.maximum(at_low, at_high)
    with np.errstate(divide="ignore", invalid="ignore"):
        is_summit = (a > 0.0) & (b < 0.0)
        summit = np.minimum((a + b) ** 2 / (8.0 * (a - b)), 0.5 * np.minimum(a, -b))
        return np.where(is_summit, 0.5 * (a + b) / (a - b), place), np.where(is_summit, summit, rise)
