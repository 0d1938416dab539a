"""A second discretization on the same grid, with the temperatures at the corners of the cells.

The edge between two corners conducts as a quarter of each of its four cells, in parallel. These are trilinear
finite elements, integrated at their corners: a symmetric operator of seven points. Cells put the resistances
of materials in series and corners put them in parallel, so that the errors of the two schemes have opposite
signs where materials change in plan (docs/numerics.md, section 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from thermostack.finite_volume import _corner_scheme
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.conduction import (
    FACE_CONDUCTANCE_DTYPE,
    BoundaryConductance,
    Conduction,
    face_conductance_sums,
)
from thermostack.finite_volume.link_conductance import LinkConductance, WeightedPoints, join_points
from thermostack.finite_volume.part_temperatures import PartsAndBlocks
from thermostack.finite_volume.reconstruction import FaceFluxes, X, Y
from thermostack.mesh.link_cells import EndCells
from thermostack.mesh.model import Model

# Conductance between two corners without contact resistance, or to a fixed temperature, in conductances of
# the edges that meet there. Its temperature difference is below the tolerance of the solution, and float32
# keeps four digits of the other conductances.
RIGID_FACTOR = 1e3

QUARTERS = tuple(product((slice(None, -1), slice(1, None)), repeat=2))  # corners of a cell in plan

# Conduction, power (planes, ny + 1, nx + 1) [W], first temperatures [K], which are replaced, widths [m].
CornerSolve = Callable[[Conduction, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]], None]


@dataclass(frozen=True, eq=False)
class CornerTemperatures:
    """Mean and maximum of the corner scheme in every part and block, each (zones,) K."""

    mean: np.ndarray
    max: np.ndarray


class OwnTemperatures(NamedTuple):
    """Means and largest corners of single cells in a plane that replace those from the corners [K]."""

    cell: np.ndarray  # (n,) j nx + i, ascending
    mean: np.ndarray
    max: np.ndarray


class CornerScheme:
    """The equations of the corner scheme, with the conductivities and heat sources of a solved field.

    Attributes
    ----------
    base : ndarray, shape (nz,)
        Plane of the lower corners of the cells at each height; their upper corners are in the next plane. A
        plane of the grid with contact resistance has two planes of corners.
    conduction : Conduction
        Conductances between corners and to the ambient [W/K].
    power : ndarray, shape (planes, ny + 1, nx + 1)
        Heat of each corner [W], for rises over `zero`.
    rise : ndarray, same shape
        Rise over `zero` [K]: at first the mean of the cells around each corner, weighted by conductivity.
    widths : tuple of ndarray
        Widths (dx, dy) [m] of the columns of corners.
    """

    def __init__(self, fluxes: FaceFluxes, zones: PartsAndBlocks) -> None:
        model = fluxes.model
        grid, (nz, ny, nx) = model.grid, model.grid.shape
        self._zones, self._zero = zones, model.boundary.mean_ambient
        self._model, self._conductivity = model, fluxes.conductivity
        of_layers = {contact.k for contact in model.contacts if 0 < contact.k < nz}
        contacts = sorted(of_layers | {int(k) + 1 for k in model.part_contacts.faces[0].k})
        self.base: np.ndarray = np.arange(nz) + np.searchsorted(contacts, np.arange(nz), side="right")
        self.widths = _dual(grid.dx), _dual(grid.dy)
        shape = int(self.base[-1]) + 2, ny + 1, nx + 1
        self.power, self.rise = np.zeros(shape), np.zeros(shape)
        g_x: np.ndarray = np.zeros((shape[0], ny + 1, nx), FACE_CONDUCTANCE_DTYPE)
        g_y: np.ndarray = np.zeros((shape[0], ny, nx + 1), FACE_CONDUCTANCE_DTYPE)
        g_z: np.ndarray = np.zeros((shape[0] - 1, ny + 1, nx + 1), FACE_CONDUCTANCE_DTYPE)
        self._equations = _corner_scheme.CornerEquations(
            ((grid.dz, grid.dy, grid.dx), model.part, zones.windows),
            self.base.astype(np.intp),
            (g_z, g_y, g_x),
            self.power,
            self.rise,
        )
        for k in range(nz):
            rise = fluxes.t[k] - self._zero
            conductivity = _between_faces(fluxes.conductivity, k)
            _include_side_contacts(model, k, conductivity)
            self._equations.add_cells(k, conductivity, model.power_of_plane(k), rise)
        for k in contacts:
            below = int(self.base[k]) - 1
            g_z[below] = _contact_conductance(model, k, g_z[below - 1], g_z[below + 1])
        boundary = self._add_boundary(fluxes, (g_z, g_y, g_x))
        self.conduction = Conduction(g_x, g_y, g_z, boundary, links=self._links(fluxes))

    def _add_boundary(
        self, fluxes: FaceFluxes, conductances: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> BoundaryConductance:
        """Return the conductances to the ambient [W/K], and add the heat of the boundary to the power.

        Each corner has a quarter of the coefficient times the area of its faces, and of their fixed flux. A
        fixed temperature is not that of a corner in the middle of a contact resistance, unless its face has
        no others.
        """
        boundary, shape = fluxes.model.boundary, self.power.shape
        quarter = 0.25 * boundary.area
        is_fixed = np.isinf(boundary.h)
        g = np.where(is_fixed, 0.0, quarter * np.where(is_fixed, 0.0, boundary.h))
        ambient = fluxes.ambient - self._zero
        corners = self._corners_of_faces(fluxes.model)
        in_contact = np.isin(corners, self._corners_in_contacts(fluxes.model))
        is_fixed = is_fixed & (~in_contact | in_contact.all(axis=0))  # (4, faces)
        corner, inverse = np.unique(corners, return_inverse=True)
        rows = (
            np.bincount(inverse.ravel(), np.broadcast_to(values, corners.shape).ravel(), corner.size)
            for values in (
                g,
                g * ambient + quarter * boundary.flux,
                is_fixed,
                np.where(is_fixed, ambient, 0.0),
            )
        )
        conductance, heat, fixed, temperature = (np.asarray(row, dtype=np.float64) for row in rows)
        where = np.flatnonzero(fixed)
        if where.size:
            rigid = RIGID_FACTOR * face_conductance_sums(np.unravel_index(corner[where], shape), conductances)
            target = temperature[where] / fixed[where]
            conductance[where] += rigid
            heat[where] += rigid * target
            self.rise.reshape(-1)[corner[where]] = target
        self.power.reshape(-1)[corner] += heat
        return BoundaryConductance(shape, corner, conductance)

    def _corners_of_faces(self, model: Model) -> np.ndarray:
        """Return the indices of the four corners of every boundary face in the raveled array, (4, faces)."""
        boundary = model.boundary
        k, j, i = np.unravel_index(boundary.cell, model.grid.shape)
        first = np.stack([self.base[k], j, i])
        found = []
        for a, b in product((0, 1), repeat=2):
            step = np.where(np.arange(3)[:, None] == boundary.axis, boundary.is_high, 0)
            low, high = np.array([1, 0, 0]), np.array([2, 2, 1])  # the two axes of a face along each axis
            for axes, side in ((low, a), (high, b)):
                step[axes[boundary.axis], np.arange(boundary.cell.size)] = side
            found.append(np.ravel_multi_index(tuple(first + step), self.power.shape))
        return np.stack(found)

    def _corners_in_contacts(self, model: Model) -> np.ndarray:
        """Return the indices in the raveled array of the corners in the middle of contacts at sides."""
        found = [np.empty(0, dtype=np.intp)]
        for axis in (Y, X):
            faces = model.part_contacts.faces[axis]
            for a, b in product((0, 1), repeat=2):
                j, i = (faces.j + 1, faces.i + b) if axis == Y else (faces.j + b, faces.i + 1)
                found.append(np.ravel_multi_index((self.base[faces.k] + a, j, i), self.power.shape))
        return np.concatenate(found)

    def _links(self, fluxes: FaceFluxes) -> LinkConductance | None:
        """Return the links between the corners on the faces where they end."""
        links, model = fluxes.conduction.links, fluxes.model
        if links is None:
            return None
        points = []
        for link in model.link_cells:
            pair = zip(link.ends, link.link.ends, strict=True)
            points.append([self._corners_at(end, is_top=place.is_top) for end, place in pair])
        return join_points(points, links.own_conductance)

    def _corners_at(self, end: EndCells, *, is_top: bool) -> WeightedPoints:
        """Return the indices of the corners at an end, each with a quarter of the weight of its cell."""
        plane = self.base[end.k] + is_top
        corners = [(plane, end.j + a, end.i + b) for a, b in product((0, 1), repeat=2)]
        index = np.concatenate([np.ravel_multi_index(each, self.power.shape) for each in corners])
        return index, np.tile(0.25 * end.weight, len(corners))

    def measure(self) -> CornerTemperatures:
        """Return the mean and the largest corner of every part and block."""
        zones = self._zones
        integral, largest = np.zeros(zones.count), np.full(zones.count, -np.inf)
        for k, low in enumerate(self.base):
            bend = _bend(self._conductivity, k)
            own = _beside_contacts(self._model, k, self._conductivity, self.rise[low : low + 2])
            self._equations.measure(k, bend, own, integral, largest)
        mean = np.divide(integral, zones.volume, out=np.zeros(zones.count), where=zones.volume > 0.0)
        return CornerTemperatures(mean + self._zero, largest + self._zero)

    def temperatures_at(self, cells: np.ndarray, offset: np.ndarray) -> np.ndarray:
        """Return the temperature [K] at offsets (3, n), -1/2 to 1/2, in cells (3, n), along z, y and x."""
        k, j, i = cells
        total = np.full(k.size, self._zero)
        for corner in product((0, 1), repeat=3):
            sides = [0.5 + at if side else 0.5 - at for side, at in zip(corner, offset, strict=True)]
            index = self.base[k] + corner[0], j + corner[1], i + corner[2]
            total += np.prod(sides, axis=0) * self.rise[index]
        return total


def solve_corners(fluxes: FaceFluxes, zones: PartsAndBlocks, solve: CornerSolve) -> CornerTemperatures:
    """Return the temperatures of the parts and blocks by the corner scheme."""
    scheme = CornerScheme(fluxes, zones)
    solve(scheme.conduction, scheme.power, scheme.rise, scheme.widths)
    return scheme.measure()


def _dual(widths: np.ndarray) -> np.ndarray:
    """Return the widths between the middles of intervals, with half intervals at the ends [m]."""
    halves = 0.5 * widths
    return np.asarray(np.append(halves, 0.0) + np.append(0.0, halves))


def _between_faces(conductivity: CellConductivity, k: int) -> np.ndarray:
    """Return the conductivities of the cells at height k, (3, ny, nx) [W/(m K)], of both halves in series."""
    plane = conductivity.plane(k)
    low, high = conductivity.halves(k, plane)
    if low is None or high is None:
        return plane
    series: np.ndarray = np.divide(2.0 * low * high, low + high, out=plane, where=plane > 0.0)
    return series


def _bend(conductivity: CellConductivity, k: int) -> np.ndarray | None:
    """Return how far the mean of each cell at height k is below the mean of its faces, (3, ny, nx).

    It is relative to the difference between its two faces along each axis, and caused by the different
    conductivities of its halves; None where they are equal.
    """
    plane = conductivity.plane(k)
    low, high = conductivity.halves(k, plane)
    if low is None or high is None:
        return None
    both = 3.0 * (low + high)
    bend: np.ndarray = np.divide(low - high, both, out=np.zeros(plane.shape), where=both > 0.0)
    return bend


def _side_resistances(model: Model, k: int) -> np.ndarray | None:
    """Return half of the contact resistances at the sides of the cells at height k, (2, 2, ny, nx) m2 K/W.

    The first index is the axis, y or x, the second one the low or high face. Planes of the grid along x and
    y have no second corners, so that each of the two cells at a contact has half of its resistance. The
    result is None without such contacts.
    """
    _, ny, nx = model.grid.shape
    of_faces = np.zeros((ny + 1, nx)), np.zeros((ny, nx + 1))  # between cells along y, along x
    for axis, resistance in zip((Y, X), of_faces, strict=True):
        j, i, found = model.part_contacts.faces[axis].in_plane(k)
        resistance[j + (axis == Y), i + (axis == X)] = 0.5 * found
    if not any(each.any() for each in of_faces):
        return None
    along_y, along_x = of_faces
    halves = np.stack([[along_y[:-1], along_y[1:]], [along_x[:, :-1], along_x[:, 1:]]])
    _continue_at_turns(along_y, along_x, halves)
    return halves


def _continue_at_turns(along_y: np.ndarray, along_x: np.ndarray, halves: np.ndarray) -> None:
    """Add the resistances of a contact that turns to the cell opposite to the turn, in place.

    Of the four cells around the turn it is the one without contact. It would join the corner there to one of
    the two sides, and the next corner of a round part to the other one.
    """
    # At each inner corner, of the cells before and after it.
    at_x = along_x[:-1, 1:-1] > 0.0, along_x[1:, 1:-1] > 0.0
    at_y = along_y[1:-1, :-1] > 0.0, along_y[1:-1, 1:] > 0.0
    j, i = np.nonzero((at_x[0] ^ at_x[1]) & (at_y[0] ^ at_y[1]))
    row, column = j + at_x[0][j, i], i + at_y[0][j, i]  # of the cell opposite to the two faces
    of_y = along_y[j + 1, i + 1 - at_y[0][j, i]]
    of_x = along_x[j + 1 - at_x[0][j, i], i + 1]
    at_rows: Any = 0, (row == j).astype(np.intp), row, column
    at_columns: Any = 1, (column == i).astype(np.intp), row, column
    np.maximum.at(halves, at_rows, of_y)
    np.maximum.at(halves, at_columns, of_x)


def _include_side_contacts(model: Model, k: int, conductivity: np.ndarray) -> None:
    """Include contact resistances between parts side by side in the conductivity of a plane, in place.

    `conductivity` (3, ny, nx) [W/(m K)] is along z, y and x.
    """
    if (halves := _side_resistances(model, k)) is None:
        return
    for axis, of_axis in zip((Y, X), halves, strict=True):
        at = of_axis.any(axis=0)
        widths = _widths_along(model, axis, at)
        conductivity[axis][at] = widths / (widths / conductivity[axis][at] + of_axis.sum(axis=0)[at])


def _widths_along(model: Model, axis: int, at: np.ndarray) -> np.ndarray:
    """Return the widths of the cells `at` (ny, nx) along y or x [m]."""
    grid = model.grid
    widths = grid.dy[:, np.newaxis] if axis == Y else grid.dx[np.newaxis, :]
    selected: np.ndarray = np.broadcast_to(widths, at.shape)[at]
    return selected


def _beside_contacts(
    model: Model, k: int, conductivity: CellConductivity, t: np.ndarray
) -> OwnTemperatures | None:
    """Return the temperatures of the cells at height k with contacts at their sides, without the contacts.

    A corner at a contact has the temperature in the middle of the resistance. A cell has that of its own side
    of it: the corner less the flux along the axis times half of the resistance. `t` (2, ny + 1, nx + 1) [K]
    are the lower and upper corners of the cells.
    """
    if (halves := _side_resistances(model, k)) is None:
        return None
    at = np.asarray(halves.any(axis=(0, 1)))
    plane = _between_faces(conductivity, k)
    j, i = np.nonzero(at)
    corners = np.stack([[t[:, j + b, i + a] for a in (0, 1)] for b in (0, 1)])  # along y, x, z
    for axis, of_axis in zip((Y, X), halves, strict=True):
        low, high = of_axis[:, at]
        whole = low + high + _widths_along(model, axis, at) / plane[axis][at]
        first, last = np.moveaxis(corners, axis - Y, 0)
        drop = (last - first) / whole
        corners = np.moveaxis(np.stack([first + low * drop, last - high * drop]), 0, axis - Y)
    corners = corners.reshape(8, j.size)
    return OwnTemperatures(np.ravel_multi_index((j, i), at.shape), corners.mean(axis=0), corners.max(axis=0))


def _contact_conductance(model: Model, k: int, below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return the conductance between both corners on each vertical line at a plane with contacts [W/K].

    `below` and `above` (ny + 1, nx + 1) [W/K] are the conductances of the edges below and above the plane.
    Where a part of the faces around a corner is without contact, both corners have one temperature.
    """
    _, ny, nx = model.grid.shape
    resistance = np.zeros((ny, nx))
    for contact in model.contacts:
        if contact.k == k:
            resistance[contact.j, contact.i] += contact.resistance
    j, i, of_parts = model.part_contacts.faces[0].in_plane(k - 1)
    resistance[j, i] += of_parts
    quarter = 0.25 * model.grid.dy[:, None] * model.grid.dx
    is_joined = (model.part[k - 1] > 0) & (model.part[k] > 0)
    is_open = is_joined & (resistance == 0.0)
    of_faces = np.divide(quarter, resistance, out=np.zeros((ny, nx)), where=is_joined & ~is_open)
    conductance, rigid = np.zeros((ny + 1, nx + 1)), np.zeros((ny + 1, nx + 1), dtype=bool)
    for corners in QUARTERS:
        conductance[corners] += of_faces
        rigid[corners] |= is_open
    return np.where(rigid, RIGID_FACTOR * (below + above), conductance)
