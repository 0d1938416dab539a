"""The boundary of a local model from a global field: temperatures and heat flows on the faces of the box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from thermostack.finite_volume.nodal_values import NodalValues, nodal_values
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.mesh.area_overlap import overlap_fractions
from thermostack.mesh.grid import Grid
from thermostack.mesh.local_model import FACE_TOLERANCE, LocalFaces
from thermostack.package.local_region import LocalRegion

CELLS_AT_ONCE = 20_000  # whose neighbourhoods are held in memory together
POINTS_AT_ONCE = 100_000
SIDES = (("bottom", "top"), ("south", "north"), ("west", "east"))  # by axis z, y, x


@dataclass(frozen=True, eq=False)
class CutFaces:
    """The faces on which a local model is cut out of the body, with the values of the global field."""

    faces: LocalFaces
    temperature: np.ndarray  # (n,) K, at the centres of the faces
    inflow: np.ndarray  # (n,) W into the local model

    def side(self, axis: int, *, is_high: bool) -> np.ndarray:
        """Return the indices of the faces with a normal direction."""
        return np.flatnonzero((self.faces.axis == axis) & (self.faces.is_high == is_high))


def find_cut_faces(fluxes: FaceFluxes, region: LocalRegion, grid: Grid, faces: LocalFaces) -> CutFaces:
    """Return the cut faces of a local model with temperatures and heat flows of a global field.

    The heat flow through a side of the box is conserved: each face of the global grid gives its heat flow
    to the faces of the local grid in proportion to the common area. Inside of a global cell, the heat flow
    is interpolated linearly between its two faces, which its balance requires.
    """
    cut = faces.select(faces.is_cut)
    temperature = temperatures_at(fluxes, cut.parent, cut.center)
    inflow = np.zeros(cut.cell.size)
    for axis in range(3):
        for is_high in (False, True):
            own = np.flatnonzero((cut.axis == axis) & (cut.is_high == is_high))
            if own.size:
                outward = _outflow_of_side(fluxes, region, grid, axis, is_high)
                index = list(np.unravel_index(cut.cell[own], grid.shape))
                del index[axis]
                inflow[own] = -outward[tuple(index)]
    return CutFaces(cut, temperature, inflow)


def temperatures_at(fluxes: FaceFluxes, cells: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the temperature [K] of a field at positions (3, n) [m] in cells (3, n), along z, y and x."""
    grid, shape = fluxes.model.grid, fluxes.model.grid.shape
    offset = offsets_in_cells(grid, cells, position)
    unique, place = np.unique(np.ravel_multi_index(tuple(cells), shape), return_inverse=True)
    temperature = np.empty(place.size)
    for first in range(0, unique.size, CELLS_AT_ONCE):
        some = unique[first : first + CELLS_AT_ONCE]
        k, j, i = np.unravel_index(some, shape)
        nodal = nodal_values(fluxes, (k, j, i))
        own = np.flatnonzero((place >= first) & (place < first + some.size))
        for start in range(0, own.size, POINTS_AT_ONCE):
            piece = own[start : start + POINTS_AT_ONCE]
            index = place[piece] - first
            here = NodalValues((k[index], j[index], i[index]), nodal.t[..., index], nodal.source[..., index])
            temperature[piece] = here.at(offset[:, piece])
    return temperature


def offsets_in_cells(grid: Grid, cells: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the offsets (3, n), -1/2 to 1/2, of positions (3, n) [m] in cells (3, n), along z, y and x."""
    centers, widths = (grid.z_center, grid.y_center, grid.x_center), (grid.dz, grid.dy, grid.dx)
    offset = np.array(
        [(position[axis] - centers[axis][cells[axis]]) / widths[axis][cells[axis]] for axis in range(3)]
    ).reshape(3, -1)
    clipped: np.ndarray = np.clip(offset, -0.5, 0.5)
    return clipped


def _outflow_of_side(
    fluxes: FaceFluxes, region: LocalRegion, grid: Grid, axis: int, is_high: bool
) -> np.ndarray:
    """Return the heat flow [W] out of the box through each face of the local grid on one side of it.

    The array has the axes of the other two coordinates, in the order z, y, x.
    """
    parent = fluxes.model.grid
    planes = (parent.z, parent.y, parent.x)
    local = (grid.z, grid.y, grid.x)
    surface = local[axis][-1 if is_high else 0]
    cell, fraction = _cell_and_fraction(planes[axis], surface, is_high)
    others = [n for n in range(3) if n != axis]
    spans = [_touched(planes[n], local[n]) for n in others]
    first, second = np.meshgrid(*(np.arange(span.start, span.stop) for span in spans), indexing="ij")
    index = [np.full(first.shape, cell)] * 3
    index[others[0]], index[others[1]] = first, second
    k, j, i = index
    flow = fluxes.of_cells((k, j, i))
    along = flow.low[axis] + fraction * (flow.high[axis] - flow.low[axis])
    outward = np.where(fluxes.model.part[k, j, i] > 0, along if is_high else -along, 0.0)
    rows, columns = (
        _overlap(local[n], planes[n][span.start : span.stop + 1])
        for n, span in zip(others, spans, strict=True)
    )
    found: np.ndarray = (columns @ (rows @ outward).T).T
    return found


def _cell_and_fraction(planes: np.ndarray, surface: float, is_high: bool) -> tuple[int, float]:
    """Return the cell on the inner side of a surface [m] along an axis, and the position in it, 0 to 1."""
    inner = surface + (-FACE_TOLERANCE if is_high else FACE_TOLERANCE)
    cell = int(np.clip(np.searchsorted(planes, inner, side="right") - 1, 0, planes.size - 2))
    fraction = (surface - planes[cell]) / (planes[cell + 1] - planes[cell])
    width = planes[cell + 1] - planes[cell]
    if abs(surface - planes[cell + is_high]) <= min(FACE_TOLERANCE, 0.5 * width):
        fraction = float(is_high)
    return cell, float(np.clip(fraction, 0.0, 1.0))


def _touched(planes: np.ndarray, local: np.ndarray) -> slice:
    """Return the cells of an axis that planes of a local grid [m] overlap."""
    start = int(np.clip(np.searchsorted(planes, local[0], side="right") - 1, 0, planes.size - 2))
    stop = int(np.clip(np.searchsorted(planes, local[-1], side="left"), start + 1, planes.size - 1))
    return slice(start, stop)


def _overlap(local: np.ndarray, parent: np.ndarray) -> scipy.sparse.csr_array:
    """Return the fraction of each interval of the parent in each cell of a local axis, (cells, intervals)."""
    low, high = min(local[0], parent[0]) - 1.0, max(local[-1], parent[-1]) + 1.0
    fractions = overlap_fractions(np.concatenate(([low], local, [high])), parent)
    return scipy.sparse.csr_array(fractions[1:-1])
