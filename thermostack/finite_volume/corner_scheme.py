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
from thermostack.finite_volume.reconstruction import FaceFluxes
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
        self._conductivity = fluxes.conductivity
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

        Each corner has a quarter of the coefficient times the area of its faces, and of their fixed flux.
        """
        boundary, shape = fluxes.model.boundary, self.power.shape
        quarter = 0.25 * boundary.area
        is_fixed = np.isinf(boundary.h)
        g = np.where(is_fixed, 0.0, quarter * np.where(is_fixed, 0.0, boundary.h))
        ambient = fluxes.ambient - self._zero
        corner, inverse = np.unique(self._corners_of_faces(fluxes.model), return_inverse=True)
        rows = (
            np.bincount(inverse.ravel(), np.tile(values, len(QUARTERS)), corner.size)
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
        for k in range(self.base.size):
            self._equations.measure(k, _bend(self._conductivity, k), integral, largest)
        mean = np.divide(integral, zones.volume, out=np.zeros(zones.count), where=zones.volume > 0.0)
        return CornerTemperatures(mean + self._zero, largest + self._zero)


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


def _include_side_contacts(model: Model, k: int, conductivity: np.ndarray) -> None:
    """Include contact resistances between parts side by side in the conductivity of a plane, in place.

    Each of the two cells at a contact gets half of its resistance in series, because planes of the grid along
    x and y have no second corners. `conductivity` (3, ny, nx) [W/(m K)] is along z, y and x.
    """
    grid = model.grid
    for axis, width in ((1, grid.dy[:, np.newaxis]), (2, grid.dx[np.newaxis, :])):
        j, i, resistance = model.part_contacts.faces[axis].in_plane(k)
        if j.size == 0:
            continue
        added = np.zeros(conductivity.shape[1:])  # m2 K/W
        np.add.at(added, (j, i), 0.5 * resistance)
        np.add.at(added, (j + (axis == 1), i + (axis == 2)), 0.5 * resistance)
        at = added > 0.0
        widths = np.broadcast_to(width, added.shape)[at]
        conductivity[axis][at] = widths / (widths / conductivity[axis][at] + added[at])


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
