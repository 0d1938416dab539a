"""The conduction operator: one thermal conductance for each face of the cells."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import scipy

from thermostack.finite_volume import _face_conductance
from thermostack.finite_volume.cell_conductivity import CellConductivity
from thermostack.finite_volume.link_conductance import LinkConductance, assemble_links
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model
from thermostack.mesh.part_contacts import FaceResistances

# Conductances rounded to seven digits change a temperature rise by 1e-7 of its value at most, far below the
# uncertainty of any conductivity, and halve the memory of the largest arrays.
FACE_CONDUCTANCE_DTYPE: type = np.float32


@dataclass(frozen=True, eq=False)
class BoundaryConductance:
    """Conductances [W/K] from cells to ambient temperatures, stored for the few cells that have one."""

    shape: tuple[int, int, int]  # (nz, ny, nx) of the cells
    cell: np.ndarray  # (n,) index of the cell in the raveled grid, strictly ascending
    conductance: np.ndarray  # (n,) W/K

    @classmethod
    def from_dense(cls, dense: np.ndarray) -> BoundaryConductance:
        """Return the conductances given as an array of all cells, (nz, ny, nx) [W/K]."""
        nz, ny, nx = dense.shape
        cell = np.flatnonzero(dense)
        return cls((nz, ny, nx), cell, dense.reshape(-1)[cell].astype(np.float64))

    @classmethod
    def accumulate(
        cls, shape: tuple[int, int, int], cell: np.ndarray, conductance: np.ndarray
    ) -> BoundaryConductance:
        """Return the sum of conductances (n,) [W/K] in each cell; `cell` (n,) ascends, with repetitions."""
        first = np.flatnonzero(np.diff(cell, prepend=-1))
        total = np.add.reduceat(conductance, first) if first.size else np.zeros(0)
        return cls(shape, cell[first].astype(np.intp), total)

    def with_conductance(self, conductance: np.ndarray) -> BoundaryConductance:
        """Return the same cells with other conductances (n,) [W/K], in the same order."""
        other = BoundaryConductance(self.shape, self.cell, conductance)
        other.__dict__["start"] = self.start  # computed once, because it reads all cells
        return other

    @property
    def dense(self) -> np.ndarray:
        """Return the conductances of all cells [W/K], (nz, ny, nx)."""
        values = np.zeros(self.shape)
        values.reshape(-1)[self.cell] = self.conductance
        return values

    @cached_property
    def start(self) -> np.ndarray:
        """Return the first entry of each row of cells along x, and the number of entries, (nz ny + 1,)."""
        nz, ny, nx = self.shape
        return np.searchsorted(self.cell, np.arange(nz * ny + 1) * nx).astype(np.intp)


@dataclass(frozen=True, eq=False)
class PowerSlope:
    """The derivative of the power of some cells with respect to their temperature."""

    cell: np.ndarray  # (n,) index of the cell in the raveled grid, strictly ascending
    slope: np.ndarray  # (n,) W/K

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the term of G for the values in the cells: minus the slope times each, (n,)."""
        return np.asarray(-self.slope * values)


@dataclass(frozen=True, eq=False)
class Conduction:
    """The operator G of `C dT/dt + G T = P` [W/K], stored as face conductances and terms of links.

    Cells without any conductance are outside the body. The face conductances are all float32 or all float64.
    With `power_slope` the operator is that of a Newton step: the slope of the power is subtracted from its
    diagonal.
    """

    g_x: np.ndarray  # (nz, ny, nx - 1) W/K between cells i and i + 1
    g_y: np.ndarray  # (nz, ny - 1, nx) W/K
    g_z: np.ndarray  # (nz - 1, ny, nx) W/K
    boundary: BoundaryConductance
    boundary_face_conductance: np.ndarray = field(default_factory=lambda: np.zeros(0))  # (n,) W/K
    links: LinkConductance | None = None
    power_slope: PowerSlope | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (nz, ny, nx)."""
        return self.boundary.shape

    @property
    def cells(self) -> int:
        """Return the number of cells, including those outside the body."""
        return math.prod(self.shape)

    @property
    def memory(self) -> int:
        """Return the memory of the conductances in bytes."""
        boundary = self.boundary.cell.nbytes + self.boundary.conductance.nbytes
        return self.g_x.nbytes + self.g_y.nbytes + self.g_z.nbytes + boundary

    def apply(self, t: np.ndarray) -> np.ndarray:
        """Return G t, the heat flow out of each cell [W] at temperatures t [K], (nz, ny, nx)."""
        outflow = np.zeros(self.shape)
        outflow.reshape(-1)[self.boundary.cell] = (
            self.boundary.conductance * t.reshape(-1)[self.boundary.cell]
        )
        for g, axis in ((self.g_x, 2), (self.g_y, 1), (self.g_z, 0)):
            flux = g * -np.diff(t, axis=axis)
            outflow[_low(axis)] += flux
            outflow[_high(axis)] -= flux
        if self.links is not None:
            self.links.add_outflow(t, outflow)
        if self.power_slope is not None:
            cell = self.power_slope.cell
            outflow.reshape(-1)[cell] += self.power_slope.apply(t.reshape(-1)[cell])
        return outflow

    def outflow_of_plane(self, k: int, t: np.ndarray) -> np.ndarray:
        """Return G t for the cells at height k [W], (ny, nx), at temperatures t (nz, ny, nx) [K]."""
        nz, ny, nx = self.shape
        outflow, here = np.zeros((ny, nx)), t[k]
        faces = slice(*self.boundary.start[[k * ny, (k + 1) * ny]].tolist())
        columns = self.boundary.cell[faces] - k * ny * nx
        outflow.reshape(-1)[columns] = self.boundary.conductance[faces] * here.reshape(-1)[columns]
        for g, axis in ((self.g_x[k], 1), (self.g_y[k], 0)):
            flux = g * np.diff(here, axis=axis)
            outflow[_low(axis)[:2]] -= flux
            outflow[_high(axis)[:2]] += flux
        if k > 0:
            outflow += self.g_z[k - 1] * (here - t[k - 1])
        if k + 1 < nz:
            outflow += self.g_z[k] * (here - t[k + 1])
        if self.links is not None:
            outflow += self.links.outflow_of_plane(k, t)
        if self.power_slope is not None:
            cell = self.power_slope.cell
            own = slice(*np.searchsorted(cell, (k * ny * nx, (k + 1) * ny * nx)).tolist())
            columns = cell[own] - k * ny * nx
            outflow.reshape(-1)[columns] -= self.power_slope.slope[own] * here.reshape(-1)[columns]
        return outflow

    def diagonal_of_plane(self, k: int) -> np.ndarray:
        """Return the diagonal of G without links for the cells at height k [W/K], (ny, nx)."""
        nz, ny, nx = self.shape
        total = np.zeros((ny, nx))
        here = slice(*self.boundary.start[[k * ny, (k + 1) * ny]].tolist())
        total.reshape(-1)[self.boundary.cell[here] - k * ny * nx] = self.boundary.conductance[here]
        for g, axis in ((self.g_x[k], 1), (self.g_y[k], 0)):
            total[_low(axis)[:2]] += g
            total[_high(axis)[:2]] += g
        for below in range(max(k - 1, 0), min(k + 1, nz - 1)):
            total += self.g_z[below]
        return total

    def diagonal(self) -> np.ndarray:
        """Return the diagonal of G without links [W/K], (nz, ny, nx)."""
        return np.stack([self.diagonal_of_plane(k) for k in range(self.shape[0])])

    @property
    def is_active(self) -> np.ndarray:
        """Return which cells are in the body, those with any conductance, (nz, ny, nx) bool."""
        active: np.ndarray = self.diagonal() > 0.0
        if self.links is not None:
            active.reshape(-1)[self.links.cell] = True
        return active

    def components(self) -> tuple[int, np.ndarray]:
        """Return the number of connected components of G, and the component of each cell, (cells,).

        A cell outside the body is a component of its own.
        """
        from scipy.sparse.csgraph import connected_components  # it takes long to load, and is seldom needed

        graph = self.to_csr()
        if self.links is not None:
            graph = scipy.sparse.csr_array(graph + self.links.connections(self.cells))
        count, label = connected_components(graph, directed=False)
        return int(count), label

    def to_csr(self) -> scipy.sparse.csr_array:
        """Return G without links as a sparse matrix [W/K]; outside the body its diagonal is 1 W/K."""
        diagonal = self.diagonal()
        cells = diagonal.size
        diagonals = [np.where(self.is_active, diagonal, 1.0).ravel()]
        if self.power_slope is not None:
            diagonals[0][self.power_slope.cell] -= self.power_slope.slope
        offsets = [0]
        for g, axis, stride in (
            (self.g_x, 2, 1),
            (self.g_y, 1, self.shape[2]),
            (self.g_z, 0, self.shape[1] * self.shape[2]),
        ):
            if not g.size:  # with one cell along this axis, its stride is that of another axis
                continue
            padded = np.zeros(self.shape)
            padded[_low(axis)] = g
            off = -padded.ravel()[: cells - stride]
            diagonals += [off, off]
            offsets += [stride, -stride]
        kept = [n for n, d in enumerate(diagonals) if d.size]
        matrix = scipy.sparse.diags_array(
            [diagonals[n] for n in kept], offsets=[offsets[n] for n in kept], format="csr"
        )
        matrix.eliminate_zeros()
        return scipy.sparse.csr_array(matrix)


def face_conductance_sums(
    cells: tuple[np.ndarray, ...], conductances: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> np.ndarray:
    """Return the sum of the conductances of the faces of some cells [W/K], given by indices k, j, i, (n,).

    `conductances` are those of the faces along z, y and x [W/K].
    """
    total = np.zeros(cells[0].size)
    for axis, g in enumerate(conductances):
        for step in (-1, 0):
            index = cells[axis] + step
            exists = (index >= 0) & (index < g.shape[axis])
            face = tuple((index if n == axis else at)[exists] for n, at in enumerate(cells))
            total[exists] += g[face]
    return total


def _low(axis: int) -> tuple[slice, ...]:
    return tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))


def _high(axis: int) -> tuple[slice, ...]:
    return tuple(slice(1, None) if a == axis else slice(None) for a in range(3))


def assemble_conduction(
    model: Model, conductivity: CellConductivity | None = None, dtype: type | None = None
) -> Conduction:
    """Return the conductances of a model [W/K].

    A face has the resistances of two half cells and of any contact between them in series, which is exact in
    layered media (Patankar 1980, section 4.2-3). `conductivity` gives the temperatures of the cells; a
    conductivity that depends on temperature is the mean over each half cell. By default it is that at 300 K.
    `dtype` is that of the face conductances, by default FACE_CONDUCTANCE_DTYPE.
    """
    nz, ny, nx = model.grid.shape
    dtype = dtype or FACE_CONDUCTANCE_DTYPE
    g_x: np.ndarray = np.empty((nz, ny, nx - 1), dtype)
    g_y: np.ndarray = np.empty((nz, ny - 1, nx), dtype)
    g_z: np.ndarray = np.empty((nz - 1, ny, nx), dtype)
    faces = np.empty(model.boundary.cell.size)
    _set_conductances(
        model, conductivity or CellConductivity(model), np.ones(nz, dtype=bool), g_x, g_y, g_z, faces
    )
    boundary = BoundaryConductance.accumulate((nz, ny, nx), model.boundary.cell, faces)
    links = assemble_links(model, conductivity or CellConductivity(model))
    return Conduction(g_x, g_y, g_z, boundary, faces, links)


def update_conduction(
    conduction: Conduction, model: Model, conductivity: CellConductivity, planes: np.ndarray | None = None
) -> Conduction:
    """Return the conductances of a model at other temperatures [W/K], in the arrays of `conduction`.

    Only the faces of cells in the given planes (nz,) bool are updated, by default of all planes in which a
    conductivity depends on temperature, and all links.
    """
    g_x, g_y, g_z = conduction.g_x, conduction.g_y, conduction.g_z
    faces = conduction.boundary_face_conductance.copy()
    is_updated = conductivity.varies if planes is None else planes
    _set_conductances(model, conductivity, is_updated, g_x, g_y, g_z, faces)
    total = BoundaryConductance.accumulate(conduction.shape, model.boundary.cell, faces)
    boundary = conduction.boundary.with_conductance(total.conductance)
    return Conduction(g_x, g_y, g_z, boundary, faces, assemble_links(model, conductivity))


def boundary_resistance(conduction: Conduction, boundary: BoundaryFaces) -> np.ndarray:
    """Return the resistance of the half cell behind each boundary face [m2 K/W], per area of the face.

    `boundary` are the faces of which the conductances were computed; faces without a heat-transfer
    coefficient have the resistance zero.
    """
    cools = boundary.h > 0.0
    resistance = np.zeros(boundary.area.size)
    total = boundary.area[cools] / conduction.boundary_face_conductance[cools]
    resistance[cools] = np.maximum(total - 1.0 / boundary.h[cools], 0.0)
    return resistance


def with_coefficients(conduction: Conduction, before: BoundaryFaces, boundary: BoundaryFaces) -> Conduction:
    """Return conductances with other heat-transfer coefficients at the same boundary faces.

    The resistances of the half cells behind the faces stay the same.
    """
    with np.errstate(divide="ignore"):
        faces = boundary.area / (boundary_resistance(conduction, before) + 1.0 / boundary.h)
    total = BoundaryConductance.accumulate(conduction.shape, boundary.cell, faces)
    changed = conduction.boundary.with_conductance(total.conductance)
    return replace(conduction, boundary=changed, boundary_face_conductance=faces)


def _set_conductances(
    model: Model,
    conductivity: CellConductivity,
    is_updated: np.ndarray,
    g_x: np.ndarray,
    g_y: np.ndarray,
    g_z: np.ndarray,
    boundary_faces: np.ndarray,
) -> None:
    """Set the conductances [W/K] of all faces of the cells in the updated planes, boundary faces included."""
    grid, boundary, of_parts = model.grid, model.boundary, model.part_contacts.faces
    is_needed = is_updated.copy()
    is_needed[1:] |= is_updated[:-1]
    is_needed[:-1] |= is_updated[1:]
    below = np.zeros(0)  # resistances of the upper halves of the plane before
    for k in np.flatnonzero(is_needed).tolist():
        low, high = half_cell_resistances(grid, conductivity, k)
        if k > 0 and (is_updated[k - 1] or is_updated[k]):
            for contact in model.contacts:
                if contact.k == k:
                    below[contact.j, contact.i] += contact.resistance
            j, i, resistance = of_parts[0].in_plane(k - 1)
            below[j, i] += resistance
            _face_conductance.vertical_conductance(below, low[0], grid.dy, grid.dx, g_z[k - 1])
        if is_updated[k]:
            _face_conductance.lateral_conductance(low, high, grid.dz[k], grid.dy, grid.dx, g_x[k], g_y[k])
            _add_side_contacts(of_parts, grid, k, g_x[k], g_y[k])
            of_plane = model.boundary_of_plane(k)
            halves = boundary.axis[of_plane], *model.columns_of(of_plane)
            resistance = np.where(boundary.is_high[of_plane], high[halves], low[halves])
            resistance *= boundary.direction_cosine[of_plane]  # per area of the side of a round part
            with np.errstate(divide="ignore"):
                boundary_faces[of_plane] = boundary.area[of_plane] / (resistance + 1.0 / boundary.h[of_plane])
        below = high[0]


def half_cell_resistances(
    grid: Grid, conductivity: CellConductivity, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the area-specific resistances of the low and of the high halves at height k [m2 K/W].

    Each is (3, ny, nx) along z, y and x, infinite outside the body.
    """
    plane = conductivity.plane(k)
    low, high = conductivity.halves(k, plane)
    if low is None or high is None:
        both = half_cell_resistance(grid, plane, k)
        return both, both
    return half_cell_resistance(grid, low, k), half_cell_resistance(grid, high, k)


def _add_side_contacts(
    faces: tuple[FaceResistances, ...], grid: Grid, k: int, g_x: np.ndarray, g_y: np.ndarray
) -> None:
    """Add the contact resistances between named parts to the conductances [W/K] of the plane at height k."""
    for (j, i, resistance), g, widths in (
        (faces[1].in_plane(k), g_y, grid.dx[np.newaxis, :]),
        (faces[2].in_plane(k), g_x, grid.dy[:, np.newaxis]),
    ):
        area = grid.dz[k] * np.broadcast_to(widths, (grid.dy.size, grid.dx.size))[j, i]
        g[j, i] = 1.0 / (1.0 / g[j, i].astype(np.float64) + resistance / area)


def half_cell_resistance(grid: Grid, conductivity: np.ndarray, k: int) -> np.ndarray:
    """Return the area-specific resistance of half a cell along z, y and x at height k [m2 K/W], (3, ny, nx).

    It is infinite outside the body. `conductivity` (3, ny, nx) [W/(m K)] is that of the plane.
    """
    half = np.empty(conductivity.shape)
    widths = grid.dz[k], grid.dy[:, None], grid.dx
    with np.errstate(divide="ignore"):
        for width, along, out in zip(widths, conductivity, half, strict=True):
            np.divide(0.5 * width, along, out=out)
    return half


def conductivity_contrast(conduction: Conduction, dx: np.ndarray, dy: np.ndarray, threads: int = 1) -> float:
    """Return the largest ratio of maximum to minimum conductivity within one plane of cells.

    Conductivities along x are computed from the face conductances, or along y with one cell along x.
    `dx` and `dy` [m] are the widths of the cells.
    """
    if dx.size > 1:
        faces, ratio = conduction.g_x, (dx[1:] + dx[:-1]) / dy[:, None]
    else:
        faces, ratio = conduction.g_y, (dy[1:] + dy[:-1])[:, None] / dx
    plane_min, plane_max = np.empty((2, len(faces)))
    _face_conductance.plane_extremes(faces, ratio.astype(faces.dtype), plane_min, plane_max, threads)
    return float(np.max(plane_max / plane_min, initial=1.0))


def add_boundary_sources(model: Model, conduction: Conduction, rhs: np.ndarray, zero: float = 0.0) -> None:
    """Add to `rhs` (nz, ny, nx) [W] the heat flow into each cell at temperature `zero` [K] from the boundary.

    It is the heat of fixed fluxes and the convective heat from each ambient temperature to a body at `zero`.
    """
    boundary = model.boundary
    heat = (
        conduction.boundary_face_conductance * (boundary.temperature - zero) + boundary.flux * boundary.area
    )
    np.add.at(rhs.reshape(-1), boundary.cell, heat)
