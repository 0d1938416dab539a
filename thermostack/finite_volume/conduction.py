"""Heat conduction through the cells: one conductance per face, which is the whole operator."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from thermostack.finite_volume import _face_conductance
from thermostack.finite_volume.cell_properties import CellProperties, Law
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model
from thermostack.package.geometry import Part

# Of the faces' conductances. Rounded to seven digits they move a rise by 1e-7 of it at most, far below what
# any conductivity is known to, and take half the memory of the largest arrays there are.
PRECISION: type = np.float32


@dataclass(frozen=True, eq=False)
class BoundaryConductance:
    """Conductances [W/K] from cells to temperatures fixed outside. Few cells have any, so few are kept."""

    shape: tuple[int, int, int]  # (nz, ny, nx) of the cells
    cell: np.ndarray  # (n,) index of the cell in the raveled grid, ascending, each once
    conductance: np.ndarray  # (n,) W/K

    @classmethod
    def from_dense(cls, dense: np.ndarray) -> BoundaryConductance:
        """Return the ground whose conductances stand in an array of all cells, (nz, ny, nx)."""
        nz, ny, nx = dense.shape
        cell = np.flatnonzero(dense)
        return cls((nz, ny, nx), cell, dense.reshape(-1)[cell].astype(np.float64))

    @classmethod
    def accumulate(
        cls, shape: tuple[int, int, int], cell: np.ndarray, conductance: np.ndarray
    ) -> BoundaryConductance:
        """Return it from conductances that may share a cell; `cell` ascends."""
        first = np.flatnonzero(np.diff(cell, prepend=-1))
        total = np.add.reduceat(conductance, first) if first.size else np.zeros(0)
        return cls(shape, cell[first].astype(np.intp), total)

    def with_conductance(self, conductance: np.ndarray) -> BoundaryConductance:
        """Return the same cells with other conductances [W/K], in their order."""
        other = BoundaryConductance(self.shape, self.cell, conductance)
        other.__dict__["start"] = self.start  # a search through all cells
        return other

    @property
    def dense(self) -> np.ndarray:
        """Return the conductances of all cells [W/K], (nz, ny, nx)."""
        values = np.zeros(self.shape)
        values.reshape(-1)[self.cell] = self.conductance
        return values

    @cached_property
    def start(self) -> np.ndarray:
        """Return which entry is the first of each line of cells along x, and one beyond, (nz ny + 1,)."""
        nz, ny, nx = self.shape
        return np.searchsorted(self.cell, np.arange(nz * ny + 1) * nx).astype(np.intp)


@dataclass(frozen=True, eq=False)
class Conduction:
    """`G` of `C dT/dt + G T = P`: heat [W] that leaves a cell per kelvin, face by face.

    A cell with no conductance at all lies outside the body. The faces' conductances are all of float32,
    which is seven digits and half the memory, or all of float64.
    """

    g_x: np.ndarray  # (nz, ny, nx - 1) W/K, between cells i and i + 1
    g_y: np.ndarray  # (nz, ny - 1, nx) W/K
    g_z: np.ndarray  # (nz - 1, ny, nx) W/K
    boundary: BoundaryConductance
    surface: np.ndarray = field(
        default_factory=lambda: np.zeros(0)
    )  # (n,) W/K, of each of the model's surfaces

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (nz, ny, nx)."""
        return self.boundary.shape

    @property
    def cells(self) -> int:
        """Return the number of cells, those outside the body included."""
        return math.prod(self.shape)

    @property
    def memory(self) -> int:
        """Return the bytes of the conductances."""
        ground = self.boundary.cell.nbytes + self.boundary.conductance.nbytes
        return self.g_x.nbytes + self.g_y.nbytes + self.g_z.nbytes + ground

    def apply(self, t: np.ndarray) -> np.ndarray:
        """Return the heat [W] that leaves each cell at temperatures t [K], (nz, ny, nx)."""
        heat = np.zeros(self.shape)
        heat.reshape(-1)[self.boundary.cell] = self.boundary.conductance * t.reshape(-1)[self.boundary.cell]
        for g, axis in ((self.g_x, 2), (self.g_y, 1), (self.g_z, 0)):
            flux = g * -np.diff(t, axis=axis)
            heat[_low(axis)] += flux
            heat[_high(axis)] -= flux
        return heat

    def diagonal_of_plane(self, k: int) -> np.ndarray:
        """Return the sum of the conductances of each cell at height k [W/K], (ny, nx)."""
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
        """Return the sum of each cell's conductances [W/K], (nz, ny, nx)."""
        return np.stack([self.diagonal_of_plane(k) for k in range(self.shape[0])])

    @property
    def is_active(self) -> np.ndarray:
        """Return where the body is: cells with any conductance, (nz, ny, nx)."""
        active: np.ndarray = self.diagonal() > 0.0
        return active

    def to_csr(self) -> sp.csr_array:
        """Return G as a sparse matrix [W/K]; cells outside the body have a row of their own, 1 W/K."""
        diagonal = self.diagonal()
        cells = diagonal.size
        diagonals = [np.where(diagonal > 0.0, diagonal, 1.0).ravel()]
        offsets = [0]
        for g, axis, stride in (
            (self.g_x, 2, 1),
            (self.g_y, 1, self.shape[2]),
            (self.g_z, 0, self.shape[1] * self.shape[2]),
        ):
            if not g.size:  # one cell along this axis: its stride is another's
                continue
            padded = np.zeros(self.shape)
            padded[_low(axis)] = g
            off = -padded.ravel()[: cells - stride]
            diagonals += [off, off]
            offsets += [stride, -stride]
        kept = [n for n, d in enumerate(diagonals) if d.size]
        matrix = sp.diags_array(
            [diagonals[n] for n in kept], offsets=[offsets[n] for n in kept], format="csr"
        )
        matrix.eliminate_zeros()
        return sp.csr_array(matrix)


def _low(axis: int) -> tuple[slice, ...]:
    return tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))


def _high(axis: int) -> tuple[slice, ...]:
    return tuple(slice(1, None) if a == axis else slice(None) for a in range(3))


class CellConductivity(CellProperties):
    """The conductivity [W/(m K)] of every cell along z, y and x; `plane(k)` is (3, ny, nx)."""

    def __init__(self, model: Model, temperature: np.ndarray | None = None) -> None:
        """Take it at temperatures (nz, ny, nx) [K], where none are given at 300 K."""
        super().__init__(
            model.part,
            [part.conductivity_at(ROOM_TEMPERATURE)[::-1] for part in model.parts],
            {
                n: ((id(part.material), part.is_turned), _along_zyx(part))
                for n, part in enumerate(model.parts)
                if not part.material.is_constant
            },
        )
        self.temperature = temperature


def _along_zyx(part: Part) -> Law:
    return lambda temperature: part.conductivity_at(temperature)[::-1]


def assemble_conduction(
    model: Model, conductivity: CellConductivity | None = None, dtype: type | None = None
) -> Conduction:
    """Return the conductance [W/K] of every face: two half cells and any contact between them in series.

    `conductivity` says where conductivities that depend on temperature are taken, by default at 300 K.
    `dtype` is that of the faces' conductances, PRECISION unless said.
    The series of half cells is exact in layered media (Patankar 1980, section 4.2-3).
    """
    nz, ny, nx = model.grid.shape
    dtype = dtype or PRECISION
    g_x: np.ndarray = np.empty((nz, ny, nx - 1), dtype)
    g_y: np.ndarray = np.empty((nz, ny - 1, nx), dtype)
    g_z: np.ndarray = np.empty((nz - 1, ny, nx), dtype)
    surface = np.empty(model.boundary.cell.size)
    _join(model, conductivity or CellConductivity(model), np.ones(nz, dtype=bool), g_x, g_y, g_z, surface)
    return Conduction(
        g_x, g_y, g_z, BoundaryConductance.accumulate((nz, ny, nx), model.boundary.cell, surface), surface
    )


def update_conduction(
    conduction: Conduction, model: Model, conductivity: CellConductivity, planes: np.ndarray | None = None
) -> Conduction:
    """Return a model's conductances at other temperatures, where the old ones of its faces stood.

    Only the faces of cells in some planes (nz,) bool are joined again, by default of all in which a
    conductivity depends on temperature.
    """
    g_x, g_y, g_z, surface = conduction.g_x, conduction.g_y, conduction.g_z, conduction.surface.copy()
    _join(model, conductivity, conductivity.varies if planes is None else planes, g_x, g_y, g_z, surface)
    ground = BoundaryConductance.accumulate(conduction.shape, model.boundary.cell, surface)
    return Conduction(g_x, g_y, g_z, conduction.boundary.with_conductance(ground.conductance), surface)


def _join(
    model: Model,
    conductivity: CellConductivity,
    is_new: np.ndarray,
    g_x: np.ndarray,
    g_y: np.ndarray,
    g_z: np.ndarray,
    surface: np.ndarray,
) -> None:
    """Set the conductances of the faces of cells in the planes (nz,) that are new, and of their surfaces."""
    grid, surfaces = model.grid, model.boundary
    is_needed = is_new.copy()
    is_needed[1:] |= is_new[:-1]
    is_needed[:-1] |= is_new[1:]
    below = np.zeros(0)  # half cells of the plane before
    for k in np.flatnonzero(is_needed).tolist():
        half = half_cell_resistance(grid, conductivity.plane(k), k)
        if k > 0 and (is_new[k - 1] or is_new[k]):
            for contact in model.contacts:
                if contact.k == k:
                    below[contact.j, contact.i] += contact.resistance
            _face_conductance.join_upwards(below, half[0], grid.dy, grid.dx, g_z[k - 1])
        if is_new[k]:
            _face_conductance.join_sideways(half, grid.dz[k], grid.dy, grid.dx, g_x[k], g_y[k])
            here = model.boundary_of_plane(k)
            resistance = half[surfaces.axis[here], *model.columns_of(here)]
            with np.errstate(divide="ignore"):
                surface[here] = surfaces.area[here] / (resistance + 1.0 / surfaces.h[here])
        below = half[0]


def half_cell_resistance(grid: Grid, conductivity: np.ndarray, k: int) -> np.ndarray:
    """Return the resistance [m2 K/W] of half a cell along z, y and x at height k, (3, ny, nx).

    It is infinite outside the body. `conductivity` [W/(m K)] is that of the plane, (3, ny, nx).
    """
    half = np.empty(conductivity.shape)
    widths = grid.dz[k], grid.dy[:, None], grid.dx
    with np.errstate(divide="ignore"):
        for width, along, out in zip(widths, conductivity, half, strict=True):
            np.divide(0.5 * width, along, out=out)
    return half


def contrast_of(conduction: Conduction, dx: np.ndarray, dy: np.ndarray, threads: int = 1) -> float:
    """Return the largest conductivity over the smallest within one plane of cells, the most of all planes.

    They are taken along x, or along y where there is one cell along x, from face to face; `dx` and `dy` [m]
    are the cells' widths.
    """
    if dx.size > 1:
        faces, ratio = conduction.g_x, (dx[1:] + dx[:-1]) / dy[:, None]
    else:
        faces, ratio = conduction.g_y, (dy[1:] + dy[:-1])[:, None] / dx
    low, high = np.empty((2, len(faces)))
    _face_conductance.span(faces, ratio.astype(faces.dtype), low, high, threads)
    return float(np.max(high / low, initial=1.0))


def add_boundary_sources(model: Model, conduction: Conduction, heat: np.ndarray, zero: float = 0.0) -> None:
    """Add to `heat` [W], (nz, ny, nx), what the outside gives each cell at temperature `zero` [K].

    It is what fixed fluxes bring and what each film would bring to a body at that temperature.
    """
    surfaces = model.boundary
    given = conduction.surface * (surfaces.temperature - zero) + surfaces.flux * surfaces.area
    np.add.at(heat.reshape(-1), surfaces.cell, given)
