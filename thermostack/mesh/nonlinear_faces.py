"""Boundary faces whose heat flux is not linear in the temperature of the surface, with their laws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from thermostack.boundary_laws.boundary_law import BoundaryLaw
from thermostack.mesh.boundary_faces import BoundaryFaces, cooler_entries
from thermostack.mesh.grid import Grid
from thermostack.package.boundary_law import boundary_law, first_law
from thermostack.package.geometry import Geometry
from thermostack.package.robin_coefficients import secant_coefficients

DIRECTIONS = (("bottom", "top"), ("south", "north"), ("west", "east"))  # by axis z, y, x and side


@dataclass(frozen=True, eq=False)
class NonlinearFaces:
    """The nonlinear boundary faces, in the order of the boundary faces."""

    face: np.ndarray  # (m,) index into the boundary faces
    law: np.ndarray  # (m,) index into `laws`
    laws: tuple[BoundaryLaw, ...]

    def flux(self, surface: np.ndarray) -> np.ndarray:
        """Return the flux out of the body [W/m2] at the surface temperature of each face [K], (m,)."""
        return self._gather(surface, lambda law: law.flux)

    def slope(self, surface: np.ndarray) -> np.ndarray:
        """Return the derivative of the flux [W/(m2 K)] at the surface temperature of each face [K], (m,)."""
        return self._gather(surface, lambda law: law.slope)

    @cached_property
    def temperatures(self) -> np.ndarray:
        """Return the lowest and the highest temperature of the surroundings of each face [K], (m, 2)."""
        return np.asarray(np.array([law.temperatures for law in self.laws]).reshape(-1, 2)[self.law])

    @cached_property
    def critical_flux(self) -> np.ndarray:
        """Return the critical flux of each face [W/m2], infinite where there is none, (m,)."""
        return np.asarray(np.array([law.critical_flux for law in self.laws])[self.law])

    def range_warnings(self, surface: np.ndarray) -> list[tuple[np.ndarray, str]]:
        """Return the texts of the laws about their ranges, each with the indices of its faces in `face`."""
        return [
            (own, text)
            for law, own in zip(self.laws, self._members, strict=True)
            for text in law.range_warnings(surface[own])
        ]

    @cached_property
    def _members(self) -> tuple[np.ndarray, ...]:
        """Return the indices of the faces of each law."""
        return tuple(np.flatnonzero(self.law == n) for n in range(len(self.laws)))

    def _gather(
        self, surface: np.ndarray, part: Callable[[BoundaryLaw], Callable[[np.ndarray], np.ndarray]]
    ) -> np.ndarray:
        found = np.empty(self.face.size)
        for law, own in zip(self.laws, self._members, strict=True):
            found[own] = part(law)(surface[own])
        return found


def find_nonlinear_faces(geometry: Geometry, grid: Grid, boundary: BoundaryFaces) -> NonlinearFaces | None:
    """Return the boundary faces with a nonlinear law, None where there are none.

    Each cooler has one law for each direction of its faces, with the area of all its faces and, unless it
    gives one, the characteristic length of those with that direction.
    """
    entries = cooler_entries(geometry.package.cooling)
    law_of_face = np.full(boundary.cell.size, -1)
    laws: list[BoundaryLaw] = []
    for number, (_, _, entry) in enumerate(entries):
        if first_law(entry.cooler, 1.0) is None:
            continue
        own = boundary.cooler == number
        area = float(boundary.area[own].sum())
        for axis, is_high, of_side in _sides(boundary, own):
            length = characteristic_length(grid, boundary, of_side)
            law = boundary_law(entry.cooler, DIRECTIONS[axis][is_high], area, length)
            assert law is not None
            if law not in laws:
                laws.append(law)
            law_of_face[of_side] = laws.index(law)
    if not laws:
        return None
    face = np.flatnonzero(law_of_face >= 0)
    return NonlinearFaces(face, law_of_face[face], tuple(laws))


def with_secants(boundary: BoundaryFaces, nonlinear: NonlinearFaces | None) -> BoundaryFaces:
    """Return boundary faces with the secant coefficients and the ambients of the nonlinear laws."""
    if nonlinear is None:
        return boundary
    robin = [secant_coefficients(law) for law in nonlinear.laws]
    h, temperature, flux = boundary.h.copy(), boundary.temperature.copy(), boundary.flux.copy()
    h[nonlinear.face] = np.array([each.h for each in robin])[nonlinear.law]
    temperature[nonlinear.face] = np.array([each.temperature for each in robin])[nonlinear.law]
    flux[nonlinear.face] = 0.0
    return replace(boundary, h=h, temperature=temperature, flux=flux)


def characteristic_length(grid: Grid, boundary: BoundaryFaces, faces: np.ndarray) -> float:
    """Return the characteristic length [m] of free convection from faces with one direction.

    For horizontal faces it is the area over the perimeter of their projection along z, with the perimeter of
    the staircase on round parts; for vertical ones the height from the lowest to the highest edge.
    """
    k, j, i = np.unravel_index(boundary.cell[faces], grid.shape)
    if boundary.axis[faces][0] != 0:
        return float(grid.z[k.max() + 1] - grid.z[k.min()])
    covered = np.zeros((grid.dy.size + 2, grid.dx.size + 2), dtype=bool)
    covered[j + 1, i + 1] = True
    inside = covered[1:-1, 1:-1]
    area = float((inside * grid.dy[:, None] * grid.dx).sum())
    along_y = (covered[1:-1, 1:] != covered[1:-1, :-1]).sum(axis=1) @ grid.dy
    along_x = (covered[1:, 1:-1] != covered[:-1, 1:-1]).sum(axis=0) @ grid.dx
    return area / float(along_x + along_y)


def _sides(boundary: BoundaryFaces, own: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield axis, side and indices of the faces of each direction among some boundary faces."""
    for axis in range(3):
        for is_high in (0, 1):
            of_side = np.flatnonzero(own & (boundary.axis == axis) & (boundary.is_high == is_high))
            if of_side.size:
                yield axis, is_high, of_side
