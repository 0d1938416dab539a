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

from thermostack.conduction import Conduction, Conductivity
from thermostack.grid import Grid
from thermostack.model import Model

Z, Y, X = 0, 1, 2  # axes
ON_PLANE = 1e-12  # m: a place nearer to a plane than this is on it


@dataclass(frozen=True, eq=False)
class PlaneFluxes:
    """Heat through the faces of the cells at one height."""

    low: np.ndarray  # (3, ny, nx) W towards the high side through the low face along z, y and x
    high: np.ndarray  # (3, ny, nx) W, through the high face
    width_over_conductance: np.ndarray  # (3, ny, nx) K/W: h / (k A), zero outside the body

    @property
    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return h s_lo and h s_hi [K] along z, y and x, each (3, ny, nx)."""
        return -self.width_over_conductance * self.low, -self.width_over_conductance * self.high


class Fluxes:
    """Heat through the faces of all cells for one field of temperatures, taken plane by plane."""

    def __init__(
        self, model: Model, conduction: Conduction, conductivity: Conductivity, t: np.ndarray
    ) -> None:
        self.model, self.conduction, self.conductivity = model, conduction, conductivity
        self.t = t  # (nz, ny, nx) K; any finite value outside the body
        surfaces = model.surfaces
        film = conduction.surface * (t.reshape(-1)[surfaces.cell] - surfaces.temperature)
        self.leaving = film - surfaces.flux * surfaces.area  # (n,) W through each of the model's surfaces

    def plane(self, k: int) -> PlaneFluxes:
        """Return the heat through the faces of the cells at height k."""
        c, t = self.conduction, self.t
        low, high = np.zeros((3, *t.shape[1:])), np.zeros((3, *t.shape[1:]))
        low[X, :, 1:] = high[X, :, :-1] = c.g_x[k] * (t[k, :, :-1] - t[k, :, 1:])
        low[Y, 1:] = high[Y, :-1] = c.g_y[k] * (t[k, :-1] - t[k, 1:])
        if k > 0:
            low[Z] = c.g_z[k - 1] * (t[k - 1] - t[k])
        if k + 1 < t.shape[0]:
            high[Z] = c.g_z[k] * (t[k] - t[k + 1])
        place_surfaces(self.model, k, self.leaving, low, high)
        return PlaneFluxes(low, high, width_over_conductance(self.model.grid, self.conductivity.plane(k), k))

    def hotter(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return how much hotter [K] the cells at the low and the high side are, each (3, ny, nx).

        It is infinite where there is none in the body.
        """
        t, part = self.t, self.model.part
        before, beyond = np.full((3, *t.shape[1:]), np.inf), np.full((3, *t.shape[1:]), np.inf)
        if k > 0:
            before[Z] = np.where(part[k - 1] > 0, t[k - 1] - t[k], np.inf)
        if k + 1 < t.shape[0]:
            beyond[Z] = np.where(part[k + 1] > 0, t[k + 1] - t[k], np.inf)
        before[Y, 1:] = np.where(part[k, :-1] > 0, t[k, :-1] - t[k, 1:], np.inf)
        beyond[Y, :-1] = np.where(part[k, 1:] > 0, t[k, 1:] - t[k, :-1], np.inf)
        before[X, :, 1:] = np.where(part[k, :, :-1] > 0, t[k, :, :-1] - t[k, :, 1:], np.inf)
        beyond[X, :, :-1] = np.where(part[k, :, 1:] > 0, t[k, :, 1:] - t[k, :, :-1], np.inf)
        return before, beyond

    def at(self, x: float, y: float, z: float) -> float:
        """Return the temperature [K] at a point of the body [m], its faces included; NaN outside it."""
        grid = self.model.grid
        around = product(_holding(grid.z, z), _holding(grid.y, y), _holding(grid.x, x))
        cell = next((cell for cell in around if self.model.part[cell] > 0), None)
        if cell is None:
            return float("nan")
        k, j, i = cell
        a, b = (slope[:, j, i] for slope in self.plane(k).slopes)
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


def place_surfaces(model: Model, k: int, leaving: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    """Write the heat [W] that leaves through the surfaces at height k to the faces they are."""
    here, surfaces = model.surfaces_of_plane(k), model.surfaces
    j, i = model.columns_of(here)
    is_high, axis, heat = surfaces.is_high[here], surfaces.axis[here], leaving[here]
    high[axis[is_high], j[is_high], i[is_high]] = heat[is_high]
    is_low = ~is_high
    low[axis[is_low], j[is_low], i[is_low]] = -heat[is_low]


def width_over_conductance(grid: Grid, conductivity: np.ndarray, k: int) -> np.ndarray:
    """Return h / (k A) [K/W] along z, y and x of the cells at height k, zero outside the body, (3, ny, nx).

    `conductivity` [W/(m K)] is that of the plane, (3, ny, nx).
    """
    dz, dy, dx = grid.dz[k], grid.dy[:, None], grid.dx
    ratio = np.empty(conductivity.shape)
    ratio[Z], ratio[Y], ratio[X] = dz / (dy * dx), dy / (dz * dx), dx / (dz * dy)
    with np.errstate(divide="ignore"):
        ratio /= conductivity
    ratio[conductivity == 0.0] = 0.0
    return ratio


def profile(a: np.ndarray, b: np.ndarray, x: np.ndarray | float) -> np.ndarray:
    """Return T(x) - T [K] in cells with h s_lo = a and h s_hi = b, x in [-1/2, 1/2]."""
    value: np.ndarray = 0.5 * x * ((a + b) + x * (b - a))
    return value


def crest(
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
