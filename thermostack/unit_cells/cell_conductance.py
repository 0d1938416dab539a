"""Face conductances of a unit cell whose shapes cut the grid cells.

Between two cell centres heat flows through a block of several materials. Straight tubes with adiabatic walls
and isothermal planes give two conductances of the block, which are equal where interfaces are parallel or
normal to the face. The geometric mean of both is taken: in two dimensions it is exact for a chessboard, and
the exchange of two materials changes it as Keller's theorem requires.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.materials.cell_geometry import MIN_EDGE_DISTANCE, CellGeometry, CellSlice
from thermostack.unit_cells.cell_grid import CellGrid

Array = np.ndarray

GAUSS_POINTS = 2  # chords between two edges of rectangles in each half of a cell


@dataclass(frozen=True, eq=False)
class CellConductances:
    """Conductances [W/K] between cell centres, from the first and last centres to the ends, and around.

    For the axes x, y, z: `inner` are those of the faces between cells, in the arrays (nz, ny, nx) less one
    along the axis; `low` and `high` those of the half cells at the ends, and `around` both in series, which
    join the last cell to the first of the next period.
    """

    inner: tuple[Array, Array, Array]
    low: tuple[Array, Array, Array]
    high: tuple[Array, Array, Array]
    around: tuple[Array, Array]  # x and y


def cell_conductances(geometry: CellGeometry, grid: CellGrid, conductivity: Array) -> CellConductances:
    """Return the conductances for conductivities of the constituents along x, y, z, (constituents, 3)."""
    tops = np.cumsum([each.thickness for each in geometry.slices])
    dz = np.diff(grid.z)
    if geometry.is_columnar:
        row = np.zeros(dz.size, dtype=int)
    else:
        middle = 0.5 * (grid.z[1:] + grid.z[:-1])
        row = np.minimum(np.searchsorted(tops, middle), len(geometry.slices) - 1)
    known = {}
    for each in geometry.slices:
        if each.pattern not in known:
            known[each.pattern] = _slice_conductances(geometry, each, grid, conductivity)
    planes = [known[geometry.slices[n].pattern] for n in row]
    x, y = (
        [np.stack([plane[axis][part] * h for plane, h in zip(planes, dz, strict=True)]) for part in range(4)]
        for axis in (0, 1)
    )
    upward = np.stack([plane[2] / (0.5 * h) for plane, h in zip(planes, dz, strict=True)])
    between = 1.0 / (1.0 / upward[1:] + 1.0 / upward[:-1])
    return CellConductances(
        (x[0], y[0], between), (x[1], y[1], upward[0]), (x[2], y[2], upward[-1]), (x[3], y[3])
    )


AxisConductances = tuple[Array, Array, Array, Array]  # inner, low, high, around, for one metre of height


def _slice_conductances(
    geometry: CellGeometry, of_slice: CellSlice, grid: CellGrid, conductivity: Array
) -> tuple[AxisConductances, AxisConductances, Array]:
    """Return the conductances along x and y per height [W/(m K)], and area times kz [W m/K], of a slice."""
    chords = [_Chords(geometry, of_slice, axis, grid, conductivity) for axis in (0, 1)]
    x, y = _along(chords[0], chords[1]), _along(chords[1], chords[0])
    area = chords[0].sum_over_cells(chords[0].weight[:, np.newaxis] * chords[0].upward)
    return x, (y[0].T, y[1], y[2], y[3]), area


class _Chords:
    """Integrals over chords along an axis at ordinates in each half of a cell, of widths `weight` (n,) [m].

    The halves are divided at the edges of rectangles that lie in them, so that no line or gap lies between
    two chords.

    `resistance` (n, half cells) is that of straight tubes over their width, `across` (n, cells) the
    conductivity across the chords times the length of the cells, and `upward` the same along z.
    """

    def __init__(
        self, geometry: CellGeometry, of_slice: CellSlice, axis: int, grid: CellGrid, conductivity: Array
    ) -> None:
        edges = grid.x, grid.y
        along, across = _half_edges(edges[axis]), _half_edges(edges[1 - axis])
        nodes, weights = np.polynomial.legendre.leggauss(GAUSS_POINTS)
        parts, self.first = _divided(across, geometry.straight_edges(of_slice, 1 - axis))
        width = np.diff(parts)[:, np.newaxis]
        self.weight = (0.5 * width * weights).ravel()
        ordinate = (parts[:-1, np.newaxis] + 0.5 * width * (nodes + 1.0)).ravel()
        cuts, material = geometry.chords(of_slice, axis, ordinate)
        inverse = 1.0 / conductivity[:, axis]
        values = [inverse[material], conductivity[:, 1 - axis][material], conductivity[:, 2][material]]
        totals = [np.zeros((ordinate.size, along.size)) for _ in values]
        for low, high, *of_interval in zip(
            cuts.T[:-1], cuts.T[1:], *(each.T for each in values), strict=True
        ):
            inside = np.clip(along, low[:, np.newaxis], high[:, np.newaxis]) - low[:, np.newaxis]
            for total, value in zip(totals, of_interval, strict=True):
                total += value[:, np.newaxis] * inside
        self.resistance = np.diff(totals[0], axis=1)
        self.across, self.upward = (np.diff(total[:, ::2], axis=1) for total in totals[1:])

    def sum_over_halves(self, values: Array) -> Array:
        """Return the sums of values (n, ...) of the ordinates in each half of a cell."""
        return np.asarray(np.add.reduceat(values, GAUSS_POINTS * self.first, axis=0))

    def sum_over_cells(self, values: Array) -> Array:
        """Return the sums of values (n, ...) of the ordinates in each cell."""
        return np.asarray(np.add.reduceat(values, GAUSS_POINTS * self.first[::2], axis=0))


def _half_edges(edges: Array) -> Array:
    """Return the edges and the centres of cells [m]."""
    both = np.empty(2 * edges.size - 1)
    both[::2], both[1::2] = edges, 0.5 * (edges[1:] + edges[:-1])
    return both


def _divided(halves: Array, edges: Array) -> tuple[Array, Array]:
    """Return the coordinates of half cells with the edges inside them, and the first part of each half."""
    nearest = np.abs(edges[:, np.newaxis] - halves).min(axis=1, initial=np.inf)
    is_inside = (edges > halves[0]) & (edges < halves[-1]) & (nearest > MIN_EDGE_DISTANCE * halves[-1])
    parts = np.sort(np.concatenate([halves, edges[is_inside]]))
    return parts, np.searchsorted(parts, halves[:-1])


def _along(own: _Chords, other: _Chords) -> AxisConductances:
    """Return the conductances along the axis of `own` for one metre of height, rows across it."""
    tubes = own.resistance
    planes = other.sum_over_halves(other.weight[:, np.newaxis] / other.across).T

    def mean(of_tubes: Array, of_planes: Array) -> Array:
        width = own.weight.reshape(-1, *(1,) * (of_tubes.ndim - 1))
        return np.asarray(np.sqrt(own.sum_over_cells(width / of_tubes) / of_planes))

    return (
        mean(tubes[:, 1:-1:2] + tubes[:, 2::2], planes[:, 1:-1:2] + planes[:, 2::2]),
        mean(tubes[:, 0], planes[:, 0]),
        mean(tubes[:, -1], planes[:, -1]),
        mean(tubes[:, 0] + tubes[:, -1], planes[:, 0] + planes[:, -1]),
    )
