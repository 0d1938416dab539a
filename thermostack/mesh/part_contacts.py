"""Contact resistances between named parts as resistances of the faces between their cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.mesh.grid import Grid
from thermostack.mesh.part_selection import select_parts
from thermostack.mesh.round_sides import RoundSides, find_round_sides
from thermostack.package.contact_resistance import ContactResistance
from thermostack.package.geometry import Geometry
from thermostack.schema.validated_dataclass import diagnostic_at

_AXES = {"all": (0, 1, 2), "sides": (1, 2), "top": (0,), "bottom": (0,)}


@dataclass(frozen=True, eq=False)
class FaceResistances:
    """Area resistances of faces between cells that are neighbours along one axis, in ascending planes k."""

    k: np.ndarray  # (faces,) index of the cell below, or in the south or west
    j: np.ndarray
    i: np.ndarray
    resistance: np.ndarray  # (faces,) m2 K/W, per area of the faces of the cells

    def in_plane(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return j, i and the resistance [m2 K/W] of the faces of the cells at height k."""
        found = slice(*np.searchsorted(self.k, (k, k + 1)))
        return self.j[found], self.i[found], self.resistance[found]


@dataclass(frozen=True, eq=False)
class PartContacts:
    """The faces with the contact resistance, along z, y and x, and the number of those of each."""

    faces: tuple[FaceResistances, FaceResistances, FaceResistances]
    count: tuple[int, ...]  # by contact


def find_part_contacts(geometry: Geometry, grid: Grid, part: np.ndarray) -> PartContacts:
    """Return the faces between the cells of the parts that the contacts of a package name.

    `part` (nz, ny, nx) is 1 + the index of the part of each cell, 0 outside the body. On the side of a round
    part the resistance per area of the cells is greater, because they have more area than the side. Raises
    DescriptionError where a name is unknown or both name the same parts.
    """
    contacts = geometry.package.contacts
    if not contacts:
        nothing = _listed(np.full((0, 0, 0), np.nan))
        return PartContacts((nothing, nothing, nothing), ())
    resistance = [np.full(_face_shape(part.shape, axis), np.nan) for axis in range(3)]
    counts = []
    for n, contact in enumerate(contacts):
        first, second = (np.isin(part, list(numbers)) for numbers in _two_sides(geometry, contact, n))
        count = 0
        for axis in _AXES[contact.on]:
            touches = _touching(first, second, axis, contact)
            resistance[axis][touches] = contact.resistance
            count += int(touches.sum())
        counts.append(count)
    sides = find_round_sides(geometry, grid)
    along_z, along_y, along_x = (
        _per_cell_area(_listed(values), axis, sides) for axis, values in enumerate(resistance)
    )
    return PartContacts((along_z, along_y, along_x), tuple(counts))


def part_contact_diagnostics(geometry: Geometry, found: PartContacts) -> Iterator[Diagnostic]:
    """Yield an error for each contact whose parts do not touch."""
    for n, (contact, count) in enumerate(zip(geometry.package.contacts, found.count, strict=True)):
        if count == 0:
            first, second = contact.between
            where = {"all": "", "sides": " side by side"}.get(contact.on, f" at the {contact.on} of {first}")
            text, hint = f"{first} and {second} do not touch{where}", "name parts that share a face"
            yield diagnostic_at(("contacts", n, "between"), text, hint, "E-CONTACT")


def _face_shape(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(size - (other == axis) for other, size in enumerate(shape))


def _two_sides(geometry: Geometry, contact: ContactResistance, n: int) -> tuple[set[int], set[int]]:
    """Return 1 + the index of the parts on the two sides of contact number n.

    A stack or a layer that contains the other side, such as a region, stands for the rest of it.
    """
    path = ("contacts", n, "between")
    one, other = (
        set(select_parts(geometry, name, (*path, m)).tolist()) for m, name in enumerate(contact.between)
    )
    if one == other:
        text = f"{contact.between[0]} and {contact.between[1]} are the same parts"
        geometry.package.refuse([diagnostic_at(path, text, "name two different parts", "E-CONTACT")])
    return (one - other, other) if one > other else (one, other - one)


def _touching(first: np.ndarray, second: np.ndarray, axis: int, contact: ContactResistance) -> np.ndarray:
    """Return whether the two cells at each face normal to an axis belong to the two sides of a contact."""
    low, high = (
        tuple(cut if other == axis else slice(None) for other in range(3))
        for cut in (slice(None, -1), slice(1, None))
    )
    up, down = first[low] & second[high], second[low] & first[high]
    found: np.ndarray = up if contact.on == "top" else down if contact.on == "bottom" else up | down
    return found


def _listed(resistance: np.ndarray) -> FaceResistances:
    """Return the faces whose resistance [m2 K/W] is set."""
    k, j, i = np.nonzero(~np.isnan(resistance))
    return FaceResistances(k, j, i, resistance[k, j, i])


def _per_cell_area(faces: FaceResistances, axis: int, sides: RoundSides) -> FaceResistances:
    """Return resistances per area of the cells [m2 K/W] of faces normal to an axis, from those per area."""
    cosine = sides.direction_cosine(axis, (faces.k, faces.j, faces.i), is_high=True)
    return FaceResistances(faces.k, faces.j, faces.i, faces.resistance / cosine)
