"""Boundary faces whose heat flux is a law of the surface temperature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thermostack.boundary_laws.laws import BoundaryLaw
from thermostack.mesh.boundary_faces import BoundaryFaces, cooler_entries
from thermostack.mesh.grid import Grid
from thermostack.package.boundary_law import boundary_law, is_nonlinear
from thermostack.package.geometry import Geometry

Array = np.ndarray

MIN_COEFFICIENT = 1e-3  # W/(m2 K), of the first coefficient
FIRST_RISE = 20.0  # K of the surface over the ambient, at which the first coefficient holds
DIRECTIONS = (("bottom", "top"), ("south", "north"), ("west", "east"))  # by axis z, y, x


@dataclass(frozen=True, eq=False)
class NonlinearFaces:
    """Boundary faces with a law: the heat flux out of the body by the temperature of the surface."""

    face: Array  # (m,) index into the boundary faces
    law: Array  # (m,) index into `laws`
    laws: tuple[BoundaryLaw, ...]

    def flux(self, surface: Array) -> Array:
        """Return the heat flux out of each face [W/m2] at surface temperatures (m,) [K]."""
        return self._of_laws(lambda law, t: law.flux(t), surface)

    def slope(self, surface: Array) -> Array:
        """Return the derivative of the heat flux of each face [W/(m2 K)]."""
        return self._of_laws(lambda law, t: law.slope(t), surface)

    def _of_laws(self, evaluate: Callable[[BoundaryLaw, Array], Array], surface: Array) -> Array:
        out = np.empty(self.face.size)
        for law, own in zip(self.laws, self._faces_of_laws, strict=True):
            out[own] = evaluate(law, surface[own])
        return out

    @cached_property
    def _faces_of_laws(self) -> list[Array]:
        return [np.flatnonzero(self.law == n) for n in range(len(self.laws))]

    @cached_property
    def temperatures(self) -> Array:
        """Return the lowest and the highest temperature of the surroundings of each face [K], (m, 2)."""
        return np.asarray(np.array([law.temperatures for law in self.laws])[self.law])

    @cached_property
    def critical_flux(self) -> Array:
        """Return the critical heat flux of each face [W/m2], infinite where nothing boils."""
        return np.asarray(np.array([law.critical_flux for law in self.laws])[self.law])

    def range_warnings(self, surface: Array) -> list[str]:
        """Return what is outside the range of its correlation at surface temperatures [K]."""
        found = [
            text
            for law, own in zip(self.laws, self._faces_of_laws, strict=True)
            for text in law.range_warnings(surface[own])
        ]
        return list(dict.fromkeys(found))


def find_nonlinear_faces(
    geometry: Geometry, grid: Grid, boundary: BoundaryFaces
) -> tuple[NonlinearFaces | None, BoundaryFaces]:
    """Return the faces with a law, None without any, and all faces with first coefficients of the laws.

    A cooler has one law for each direction of its faces. Its length, where the description gives none, is
    that of the rectangle around the faces of the direction.
    """
    entries = cooler_entries(geometry.package.cooling)
    nonlinear = [n for n, (*_, entry) in enumerate(entries) if is_nonlinear(entry.cooler)]
    is_own = np.isin(boundary.cooler, nonlinear)
    if not is_own.any():
        return None, boundary
    face, laws = np.flatnonzero(is_own), []
    law: Array = np.empty(face.size, np.intp)
    h, temperature = boundary.h.copy(), boundary.temperature.copy()
    area = np.bincount(boundary.cooler, weights=boundary.area)
    key = np.stack([boundary.cooler[face], boundary.axis[face], boundary.is_high[face]], axis=1)
    for n, (cooler, axis, is_high) in enumerate(np.unique(key, axis=0).tolist()):
        own = (key == (cooler, axis, is_high)).all(axis=1)
        direction = DIRECTIONS[axis][is_high]
        length = _length(grid, boundary.cell[face[own]], axis)
        made = boundary_law(entries[cooler][2].cooler, direction, float(area[cooler]), length)
        first = np.array([made.ambient + FIRST_RISE])
        h[face[own]] = max(float(made.flux(first)[0]) / FIRST_RISE, MIN_COEFFICIENT)
        temperature[face[own]] = made.ambient
        law[own] = n
        laws.append(made)
    return NonlinearFaces(face, law, tuple(laws)), replace(boundary, h=h, temperature=temperature)


def _length(grid: Grid, cell: Array, axis: int) -> float:
    """Return area over perimeter of the rectangle around horizontal faces, or the height [m]."""
    k, j, i = np.unravel_index(cell, grid.shape)
    width, depth, height = (
        float(edges[index.max() + 1] - edges[index.min()])
        for edges, index in ((grid.x, i), (grid.y, j), (grid.z, k))
    )
    return height if axis != 0 else width * depth / (2.0 * (width + depth))
