"""Errors and warnings about ends of links on faces with a boundary condition, and on covered faces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.grid import Grid
from thermostack.mesh.link_cells import EndCells, LinkCells
from thermostack.package.geometry import Geometry
from thermostack.package.link_geometry import LinkRectangle
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

# h dz / (2 k) of a half cell under an end. Heat of the link crosses the half cell first, while the boundary
# condition acts on the face itself, which is a relative error of this order.
MAX_BIOT_NUMBER = 0.05
# Chosen: below these the error is small compared with usual estimates.
MAX_FLUX_RISE = 0.1  # K across a half cell under an end, by a fixed heat flux through its face
MAX_CONDUCTIVITY_RATIO = 0.5  # of what covers an end to what is under it


def link_face_diagnostics(
    geometry: Geometry, grid: Grid, boundary: BoundaryFaces, part: np.ndarray, links: Sequence[LinkCells]
) -> Iterator[Diagnostic]:
    """Yield an error for an end on a face of fixed temperature, and warnings for ends with large errors.

    They are on faces that are strongly cooled, have a fixed flux, or are covered by a better conductor.

    `part` (nz, ny, nx) is 1 + the index of the part of each cell.
    """
    along_z = [each.room_conductivity[2] for each in geometry.parts]
    for link in links:
        for end, place in zip(link.ends, link.link.ends, strict=True):
            h, flux = _face_values(grid, boundary, end, is_top=place.is_top)
            if np.isinf(h).any():
                text = "this end is on a face of fixed temperature, where the link joins nothing to its part"
                hint = "end it on another face, or cool the face by convection"
                yield diagnostic_at(place.path, text, hint, "E-LINK")
                continue
            number = part[end.k, end.j, end.i].astype(np.intp) - 1
            conductivity = np.array(along_z)[number]
            rise = np.abs(0.5 * flux * grid.dz[end.k] / conductivity)  # K
            if rise.max() > MAX_FLUX_RISE:
                kelvin = format_quantity(float(rise.max()), "temperature_difference")
                text = f"the fixed flux through the face of this end causes {kelvin} across the cell under it"
                hint = "use smaller cells, or end the link beside the flux"
                yield diagnostic_at(place.path, text, hint, "W-GRID")
            yield from _covered_warnings(geometry, grid, part, end, place, along_z)
            biot = 0.5 * h * grid.dz[end.k] / conductivity
            worst = int(np.argmax(biot))
            if biot[worst] > MAX_BIOT_NUMBER:
                size = _rounded_down(float(grid.dz[end.k[worst]] * MAX_BIOT_NUMBER / biot[worst]))
                text = f"the face of this end is cooled, and h dz / (2 k) of its cells is {biot[worst]:.2g}"
                hint = f'use smaller cells, --cell "{geometry.parts[number[worst]].name}.z={size}"'
                yield diagnostic_at(place.path, text, hint, "W-GRID")


def _covered_warnings(
    geometry: Geometry,
    grid: Grid,
    part: np.ndarray,
    end: EndCells,
    place: LinkRectangle,
    along_z: Sequence[float],
) -> Iterator[Diagnostic]:
    """Yield a warning for an end that is covered by a better conductor than is under it."""
    k = end.k + (1 if place.is_top else -1)
    exists = (k >= 0) & (k < len(part))
    own, other = part[end.k, end.j, end.i][exists], part[k[exists], end.j[exists], end.i[exists]]
    values = np.array([np.nan, *along_z])
    ratio = np.where(other > 0, values[other] / values[own], 0.0)
    if ratio.size and ratio.max() > MAX_CONDUCTIVITY_RATIO:
        name = geometry.parts[int(other[np.argmax(ratio)]) - 1].name
        text = f"the face of this end is covered by {name}, which conducts {ratio.max():.2g} times as well"
        face = "bottom" if place.is_top else "top"
        hint = f"end the link on that side of the face, {{part: {name}, face: {face}}}"
        if ratio.max() * MAX_CONDUCTIVITY_RATIO <= 1.0:  # the other side would be covered as well
            under = geometry.parts[int(part[end.k[0], end.j[0], end.i[0]]) - 1].name
            size = _rounded_down(0.25 * float(grid.dz[end.k].min()))
            hint = f'use smaller cells, --cell "{under}.z={size}"; the error is proportional to their height'
        yield diagnostic_at(place.path, text, hint, "W-GRID")


def _face_values(
    grid: Grid, boundary: BoundaryFaces, end: EndCells, *, is_top: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the coefficients h [W/(m2 K)] and the flux [W/m2] on the face of each cell of an end, (n,)."""
    faces = np.flatnonzero((boundary.axis == 0) & (boundary.is_high == is_top))
    cell = end.index(grid.shape)
    position = np.minimum(np.searchsorted(boundary.cell[faces], cell), max(faces.size - 1, 0))
    h, flux = np.zeros((2, cell.size))
    if faces.size:
        is_face = boundary.cell[faces[position]] == cell
        h[is_face] = boundary.h[faces[position[is_face]]]
        flux[is_face] = boundary.flux[faces[position[is_face]]]
    return h, flux


def _rounded_down(size: float) -> str:
    """Return a length [m] with one digit that is not larger."""
    unit = 10.0 ** np.floor(np.log10(size))
    return format_quantity(float(np.floor(size / unit) * unit), "length")
