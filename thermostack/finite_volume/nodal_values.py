"""Temperatures at the centre, the faces and the vertices of some cells, which bound all temperatures in them.

The temperature of a face follows from the heat flux through half a cell and is between the temperatures of
its two cells. The temperature of a vertex is a mean over the cells around it, weighted by their
conductivities. Between these points the temperature is interpolated (docs/numerics.md, section 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from thermostack.finite_volume.reconstruction import Cells, FaceFluxes, X, Y, Z

CONTACT_TOLERANCE = 1e-5  # of the resistance between two cells: a contact with less does not separate them

ON_FACE_TOLERANCE = 1e-12  # m: a point nearer to a grid plane than this lies on the plane

TIE_TOLERANCE = 1e-6  # of the range of temperatures in a cell: smaller differences are rounding

CORNERS = tuple(product((0, 1), repeat=3))  # cells around a vertex along z, y and x; vertices of a cell
SIDES = tuple(product((Z, Y, X), (0, 1)))  # axis and side of each face of a cell
OFFSETS = np.array([-0.5, 0.0, 0.5])


@dataclass(frozen=True, eq=False)
class NodalValues:
    """Temperatures at points of some cells, and the cell that each of them is most reliable in.

    The points along each axis are the low face, the centre and the high face: `t[0, 1, 1]` is at the centre
    of the low face along z, `t[2, 2, 2]` at a vertex. The middle of an edge has the mean of two vertices.
    """

    cells: Cells
    t: np.ndarray  # (3, 3, 3, n) K, along z, y, x
    source: np.ndarray  # (3, 3, 3, 3, n) steps along z, y and x (first axis) to the best conductor there

    def hottest(self) -> np.ndarray:
        """Return the index (3, n) along z, y and x, 0 to 2, of the hottest point of each cell.

        Of equally hot points it is the one in the middle of them. A cell that shares a maximum with its
        neighbour has the same temperature at its centre and at the common face, which is in the middle.
        """
        flat, n = self.t.reshape(27, -1), np.arange(self.t.shape[-1])
        tolerance = TIE_TOLERANCE * (flat.max(axis=0) - flat.min(axis=0))
        is_hot = self.t >= flat.max(axis=0) - tolerance
        first = np.stack(np.unravel_index(flat.argmax(axis=0), (3, 3, 3)))
        point = np.where(is_hot[1, 1, 1], 1, first)
        for axis in (Z, Y, X):
            low, high = point.copy(), point.copy()
            low[axis], high[axis] = 0, 2
            only_low, only_high = is_hot[(*low, n)], is_hot[(*high, n)]
            only_low, only_high = only_low & ~only_high, only_high & ~only_low
            point[axis] = np.where(only_low, 0, np.where(only_high, 2, point[axis]))
        return point

    def at(self, offset: np.ndarray) -> np.ndarray:
        """Return the temperature [K] at offsets (3, n) from -1/2 to 1/2 along z, y and x, (n,)."""
        low = (np.asarray(offset) > 0.0).astype(int)  # the octant of the cell, from point `low` to `low + 1`
        fraction = np.clip(2.0 * offset - low + 1.0, 0.0, 1.0)
        n = np.arange(self.t.shape[-1])
        total = np.zeros(n.size)
        for corner in CORNERS:
            weight = np.prod([f if c else 1.0 - f for f, c in zip(fraction, corner, strict=True)], axis=0)
            total += weight * self.t[(*(at + c for at, c in zip(low, corner, strict=True)), n)]
        return total


@dataclass(frozen=True, eq=False)
class _Neighbourhood:
    """Values of the 27 cells around each of some cells; the first axes are steps along z, y, x, plus 1."""

    t: np.ndarray  # (3, 3, 3, n) K
    weight: np.ndarray  # (3, 3, 3, n) W/(m K), zero outside the body
    rise: np.ndarray  # (2, 3, 3, 3, 3, n) K above the centre: low and high face, axis
    is_joined: tuple[np.ndarray, ...]  # for each axis: without contact to the next cell, shorter by one there
    has_contact: tuple[np.ndarray, ...]  # for each axis: with a contact to the next cell


def nodal_values(fluxes: FaceFluxes, cells: Cells) -> NodalValues:
    """Return the temperatures at the centre, the faces and the vertices of cells given by indices (n,)."""
    around = _neighbourhood(fluxes, cells)
    t = np.empty((3, 3, 3, cells[0].size))
    source = np.zeros((3, *t.shape), dtype=np.intp)
    t[1, 1, 1] = around.t[1, 1, 1]
    for axis, side in SIDES:
        point, beyond = [1, 1, 1], [1, 1, 1]
        point[axis] = beyond[axis] = 2 * side
        t[tuple(point)] = t[1, 1, 1] + around.rise[side, axis, 1, 1, 1]
        is_joined = around.is_joined[axis][tuple(side if n == axis else 1 for n in range(3))]
        is_better = is_joined & (around.weight[tuple(beyond)] > around.weight[1, 1, 1])
        source[(axis, *point)] = np.where(is_better, 2 * side - 1, 0)
    for z, y, x in CORNERS:
        vertex = (2 * z, 2 * y, 2 * x)
        t[vertex], steps = _vertex(around, (z, y, x))
        source[(slice(None), *vertex)] = steps
    _set_edges(t)
    return NodalValues(cells, t, source)


def _set_edges(t: np.ndarray) -> None:
    """Set the middle of each edge to the mean of its two vertices."""
    t[1, ::2, ::2] = 0.5 * (t[0, ::2, ::2] + t[2, ::2, ::2])
    t[::2, 1, ::2] = 0.5 * (t[::2, 0, ::2] + t[::2, 2, ::2])
    t[::2, ::2, 1] = 0.5 * (t[::2, ::2, 0] + t[::2, ::2, 2])


def _neighbourhood(fluxes: FaceFluxes, cells: Cells) -> _Neighbourhood:
    """Return the values of the 27 cells around each cell (n,)."""
    shape = fluxes.t.shape
    steps = np.stack(np.meshgrid(*([np.arange(-1, 2)] * 3), indexing="ij"))[..., None]
    index = np.stack(cells)[:, None, None, None] + steps  # (3, 3, 3, 3, n)
    limit = np.array(shape).reshape(3, 1, 1, 1, 1)
    exists = ((index >= 0) & (index < limit)).all(axis=0)
    k, j, i = np.clip(index, 0, limit - 1)
    exists &= fluxes.model.part[k, j, i] > 0
    flux = fluxes.of_cells((k, j, i))
    a, b = flux.slopes
    weight = np.where(exists, flux.conductivity.max(axis=0), 0.0)
    joined, contacts = [], []
    for axis, g in ((Z, fluxes.conduction.g_z), (Y, fluxes.conduction.g_y), (X, fluxes.conduction.g_x)):
        low = tuple(slice(None, 2) if n == axis else slice(None) for n in range(3))
        high = tuple(slice(1, None) if n == axis else slice(None) for n in range(3))
        both = exists[low] & exists[high]
        face = tuple(np.where(both, at[low], 0) for at in (k, j, i))
        half = 0.5 * (flux.resistance_high[axis][low] + flux.resistance_low[axis][high])
        conductance = g[face] if g.size else np.zeros(both.shape)
        has_contact = both & (conductance * half < 1.0 - CONTACT_TOLERANCE)
        joined.append(both & ~has_contact)
        contacts.append(has_contact)
    return _Neighbourhood(
        fluxes.t[k, j, i], weight, np.stack([-0.5 * a, 0.5 * b]), tuple(joined), tuple(contacts)
    )


def _vertex(around: _Neighbourhood, corner: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return temperatures [K] of a vertex of each cell, (n,), and the steps (3, n) to its best conductor."""
    block = tuple(slice(side, side + 2) for side in corner)
    t, weight = around.t[block], around.weight[block]
    face_rise = []
    for axis in (Z, Y, X):
        low, high = around.rise[0, axis][block], around.rise[1, axis][block]
        is_below = np.array([True, False]).reshape([-1 if n == axis else 1 for n in range(4)])
        face_rise.append(np.where(is_below, high, low))  # at the face that has the vertex
    own = (1 - corner[0], 1 - corner[1], 1 - corner[2])  # the cell itself among the eight around the vertex
    is_connected = _connected(around, corner, own) & (weight > 0.0)
    weight = np.where(is_connected, weight, 0.0)
    low, high = t + np.minimum(np.min(face_rise, axis=0), 0.0), t + np.maximum(np.max(face_rise, axis=0), 0.0)
    low = np.where(is_connected, low, np.inf).min(axis=(0, 1, 2))
    high = np.where(is_connected, high, -np.inf).max(axis=(0, 1, 2))
    value = np.clip(t + face_rise[Z] + face_rise[Y] + face_rise[X], low, high)
    mean = np.clip((weight * value).sum(axis=(0, 1, 2)) / weight.sum(axis=(0, 1, 2)), low, high)
    best = weight.copy()
    best[own] *= 1.0 + 1e-9  # of equal conductors the cell itself
    which = np.stack(np.unravel_index(best.reshape(8, -1).argmax(axis=0), (2, 2, 2)))
    return mean, which - np.array(own)[:, None]


def _connected(around: _Neighbourhood, corner: tuple[int, int, int], own: tuple[int, int, int]) -> np.ndarray:
    """Return which of the eight cells around a vertex are connected to the cell itself without contact.

    A contact that ends at the vertex is continued across it; else the two sides would share a temperature
    there through the cells beyond its end.
    """
    joined = []
    for axis in (Z, Y, X):
        block = tuple(
            slice(side, side + 1) if n == axis else slice(side, side + 2) for n, side in enumerate(corner)
        )
        joined.append(around.is_joined[axis][block] & ~around.has_contact[axis][block].any(axis=(0, 1, 2)))
    connected = np.zeros((2, 2, 2, around.t.shape[-1]), dtype=bool)
    connected[own] = True
    for _ in range(7):  # the longest path through the eight cells
        before = connected
        for axis, across in zip((Z, Y, X), joined, strict=True):
            connected = connected | (np.flip(connected, axis) & across)
        if np.array_equal(before, connected):
            break
    return connected


# -- points -----------------------------------------------------------------------------------


def temperature_at(fluxes: FaceFluxes, x: float, y: float, z: float) -> float:
    """Return the temperature [K] at a point of the body [m] or of its surface; NaN outside the body."""
    grid = fluxes.model.grid
    candidates = product(_cells_at(grid.z, z), _cells_at(grid.y, y), _cells_at(grid.x, x))
    cell = next((cell for cell in candidates if fluxes.model.part[cell] > 0), None)
    if cell is None:
        return float("nan")
    k, j, i = cell
    offset = (
        (z - grid.z_center[k]) / grid.dz[k],
        (y - grid.y_center[j]) / grid.dy[j],
        (x - grid.x_center[i]) / grid.dx[i],
    )
    cells = np.array([k]), np.array([j]), np.array([i])
    return float(nodal_values(fluxes, cells).at(np.array(offset)[:, None])[0])


def _cells_at(planes: np.ndarray, position: float) -> list[int]:
    """Return the cells along an axis that contain a position [m]; on a shared face the high cell is first."""
    bounds = (position + ON_FACE_TOLERANCE, position - ON_FACE_TOLERANCE)
    cells = dict.fromkeys(int(np.searchsorted(planes, bound, side="right")) - 1 for bound in bounds)
    return [n for n in cells if 0 <= n < planes.size - 1]
