"""Errors and warnings about ends of links on faces with a boundary condition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.boundary_faces import BoundaryFaces
from thermostack.mesh.grid import Grid
from thermostack.mesh.link_cells import EndCells, LinkCells
from thermostack.package.geometry import Geometry
from thermostack.schema.validated_dataclass import diagnostic_at
from thermostack.units import format_quantity

# h dz / (2 k) of a half cell under an end. Heat of the link crosses the half cell first, while the boundary
# condition acts on the face itself, which is a relative error of this order.
MAX_BIOT_NUMBER = 0.05


def link_face_diagnostics(
    geometry: Geometry, grid: Grid, boundary: BoundaryFaces, part: np.ndarray, links: Sequence[LinkCells]
) -> Iterator[Diagnostic]:
    """Yield an error for an end on a face of fixed temperature, a warning for one that is strongly cooled.

    `part` (nz, ny, nx) is 1 + the index of the part of each cell.
    """
    along_z = [each.conductivity_at(ROOM_TEMPERATURE)[2] for each in geometry.parts]
    for link in links:
        for end, place in zip(link.ends, link.link.ends, strict=True):
            h = _face_htc(grid, boundary, end, is_top=place.is_top)
            if np.isinf(h).any():
                text = "this end is on a face of fixed temperature, where the link joins nothing to its part"
                hint = "end it on another face, or cool the face by convection"
                yield diagnostic_at(place.path, text, hint, "E-LINK")
                continue
            number = part[end.k, end.j, end.i].astype(np.intp) - 1
            biot = 0.5 * h * grid.dz[end.k] / np.array(along_z)[number]
            worst = int(np.argmax(biot))
            if biot[worst] > MAX_BIOT_NUMBER:
                size = _rounded_down(float(grid.dz[end.k[worst]] * MAX_BIOT_NUMBER / biot[worst]))
                text = f"the face of this end is cooled, and h dz / (2 k) of its cells is {biot[worst]:.2g}"
                hint = f'use smaller cells, --cell "{geometry.parts[number[worst]].name}.z={size}"'
                yield diagnostic_at(place.path, text, hint, "W-GRID")


def _face_htc(grid: Grid, boundary: BoundaryFaces, end: EndCells, *, is_top: bool) -> np.ndarray:
    """Return the heat-transfer coefficient [W/(m2 K)] on the face of each cell at an end, (n,)."""
    faces = np.flatnonzero((boundary.axis == 0) & (boundary.is_high == is_top))
    cell = end.index(grid.shape)
    position = np.minimum(np.searchsorted(boundary.cell[faces], cell), max(faces.size - 1, 0))
    h = np.zeros(cell.size)
    if faces.size:
        is_face = boundary.cell[faces[position]] == cell
        h[is_face] = boundary.h[faces[position[is_face]]]
    return h


def _rounded_down(size: float) -> str:
    """Return a length [m] with one digit that is not larger."""
    unit = 10.0 ** np.floor(np.log10(size))
    return format_quantity(float(np.floor(size / unit) * unit), "length")
