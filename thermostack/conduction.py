"""Heat conduction through the cells: one conductance per face, which is the whole operator."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from thermostack.grid import Grid
from thermostack.materials import ROOM_TEMPERATURE
from thermostack.model import Model


@dataclass(frozen=True)
class Conduction:
    """`G` of `C dT/dt + G T = P`: heat [W] that leaves a cell per kelvin, face by face.

    A cell with no conductance at all lies outside the body.
    """

    g_x: np.ndarray  # (nz, ny, nx - 1) W/K, between cells i and i + 1
    g_y: np.ndarray  # (nz, ny - 1, nx) W/K
    g_z: np.ndarray  # (nz - 1, ny, nx) W/K
    ground: np.ndarray  # (nz, ny, nx) W/K, to temperatures fixed outside
    surface: np.ndarray = field(
        default_factory=lambda: np.zeros(0)
    )  # (n,) W/K, of each of the model's surfaces

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (nz, ny, nx)."""
        nz, ny, nx = self.ground.shape
        return nz, ny, nx

    def apply(self, t: np.ndarray) -> np.ndarray:
        """Return the heat [W] that leaves each cell at temperatures t [K], (nz, ny, nx)."""
        heat: np.ndarray = self.ground * t
        for g, axis in ((self.g_x, 2), (self.g_y, 1), (self.g_z, 0)):
            flux = g * -np.diff(t, axis=axis)
            heat[_low(axis)] += flux
            heat[_high(axis)] -= flux
        return heat

    def diagonal(self) -> np.ndarray:
        """Return the sum of each cell's conductances [W/K], (nz, ny, nx)."""
        total = self.ground.copy()
        for g, axis in ((self.g_x, 2), (self.g_y, 1), (self.g_z, 0)):
            total[_low(axis)] += g
            total[_high(axis)] += g
        return total

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


class Conductivity:
    """The conductivity of every cell along z, y and x, from its part and its temperature."""

    def __init__(self, model: Model, temperature: np.ndarray | None = None) -> None:
        self.model = model
        self.temperature = temperature  # (nz, ny, nx) K; None: every material at ROOM_TEMPERATURE
        constant = [part.conductivity_at(ROOM_TEMPERATURE)[::-1] for part in model.parts]
        self._table = np.array([(0.0, 0.0, 0.0), *constant])  # by 1 + part, zero outside the body
        varying = [n for n, part in enumerate(model.parts, 1) if not part.material.is_constant]
        self._varying = varying if temperature is not None else []

    def plane(self, k: int) -> np.ndarray:
        """Return the conductivity [W/(m K)] along z, y and x of the cells at height k, (3, ny, nx)."""
        part = self.model.part[k]
        values: np.ndarray = np.moveaxis(self._table[part], -1, 0).copy()
        if self._varying and self.temperature is not None:
            present = np.bincount(part.ravel(), minlength=len(self._table)) > 0
            for n in self._varying:
                if present[n]:
                    where = part == n
                    conductivity = self.model.parts[n - 1].conductivity_at(self.temperature[k][where])
                    values[:, where] = conductivity[::-1]
        return values


def assemble_conduction(model: Model, conductivity: Conductivity | None = None) -> Conduction:
    """Return the conductance [W/K] of every face: two half cells and any contact between them in series.

    `conductivity` says where conductivities that depend on temperature are taken, by default at 300 K.
    The series of half cells is exact in layered media (Patankar 1980, section 4.2-3).
    """
    conductivity = conductivity or Conductivity(model)
    grid, surfaces = model.grid, model.surfaces
    nz, ny, nx = grid.shape
    g_x, g_y, g_z = np.empty((nz, ny, nx - 1)), np.empty((nz, ny - 1, nx)), np.empty((nz - 1, ny, nx))
    surface = np.empty(surfaces.cell.size)
    plan = grid.dy[:, None] * grid.dx
    below = np.zeros(0)  # half cells of the plane before
    for k in range(nz):
        half = half_cells(grid, conductivity.plane(k), k)
        g_x[k] = (
            grid.dz[k] * grid.dy[:, None] / (half[2, :, :-1] + half[2, :, 1:])
        )  # two half cells in series
        g_y[k] = grid.dz[k] * grid.dx / (half[1, :-1] + half[1, 1:])
        if k > 0:
            series = below + half[0]
            for contact in model.contacts:
                if contact.k == k:
                    series[contact.j, contact.i] += contact.resistance
            g_z[k - 1] = plan / series
        below = half[0]
        here = model.surfaces_of_plane(k)
        resistance = half[surfaces.axis[here], *model.columns_of(here)]
        with np.errstate(divide="ignore"):
            surface[here] = surfaces.area[here] / (resistance + 1.0 / surfaces.h[here])
    ground = np.zeros(grid.shape)
    np.add.at(ground.reshape(-1), surfaces.cell, surface)
    return Conduction(g_x, g_y, g_z, ground, surface)


def half_cells(grid: Grid, conductivity: np.ndarray, k: int) -> np.ndarray:
    """Return the resistance [m2 K/W] of half a cell along z, y and x at height k, (3, ny, nx).

    It is infinite outside the body. `conductivity` [W/(m K)] is that of the plane, (3, ny, nx).
    """
    half = np.empty(conductivity.shape)
    half[0], half[1], half[2] = 0.5 * grid.dz[k], 0.5 * grid.dy[:, None], 0.5 * grid.dx
    with np.errstate(divide="ignore"):
        half /= conductivity
    return half


def add_outside_heat(model: Model, conduction: Conduction, heat: np.ndarray, zero: float = 0.0) -> None:
    """Add to `heat` [W], (nz, ny, nx), what the outside gives each cell at temperature `zero` [K].

    It is what fixed fluxes bring and what each film would bring to a body at that temperature.
    """
    surfaces = model.surfaces
    given = conduction.surface * (surfaces.temperature - zero) + surfaces.flux * surfaces.area
    np.add.at(heat.reshape(-1), surfaces.cell, given)
