"""Symmetries of a unit cell: mirror planes and equal axes, found from its shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import TypeAlias

from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice

Key: TypeAlias = tuple[int, ...]

KEY_DIGITS = 10**8  # positions are compared in this fraction of the pitch


def mirror_plane(geometry: CellGeometry, axis: int) -> float | None:
    """Return the coordinate [m] of a mirror plane normal to an axis (0 is x), None where there is none.

    There is another one at a distance of half a pitch. Shapes that overlap others of another material are
    compared in their order, so that a mirror plane may be missed where the order does not matter.
    """
    pitch = geometry.pitch[axis]
    narrow = [
        [shape for shape in each.shapes if shape.size[axis] < pitch or shape.is_round]
        for each in geometry.slices
    ]
    shapes = next((found for found in narrow if found), None)
    if shapes is None:
        return 0.0
    first = shapes[0].center[axis]
    for shape in shapes:
        plane = (0.5 * (first + shape.center[axis])) % (0.5 * pitch)

        def mirrored(each: CellShape, plane: float = plane) -> CellShape:
            center = list(each.center)
            center[axis] = 2.0 * plane - center[axis]
            return CellShape(each.material, (center[0], center[1]), each.size, each.is_round)

        if _is_unchanged(geometry, mirrored):
            return plane
    return None


def has_equal_axes(geometry: CellGeometry, planes: tuple[float | None, float | None]) -> bool:
    """Return whether x and y are equal by symmetry; `planes` are the mirror planes normal to both [m]."""
    if geometry.is_isotropic:
        return True
    x, y = planes
    if x is None or y is None or geometry.pitch[0] != geometry.pitch[1]:
        return False
    half = 0.5 * geometry.pitch[0]
    return any(_is_unchanged(geometry, _exchanged(x, y + shift)) for shift in (0.0, half))


def _exchanged(x: float, y: float) -> Callable[[CellShape], CellShape]:
    """Return the exchange of both axes about a point."""

    def exchanged(each: CellShape) -> CellShape:
        center = x + each.center[1] - y, y + each.center[0] - x
        return CellShape(each.material, center, (each.size[1], each.size[0]), each.is_round)

    return exchanged


def _is_unchanged(geometry: CellGeometry, change: Callable[[CellShape], CellShape]) -> bool:
    """Return whether a change of its shapes leaves a cell as it is."""
    return all(
        _groups(geometry, map(change, each.shapes)) == _groups(geometry, iter(each.shapes))
        for each in geometry.slices
    )


def _groups(geometry: CellGeometry, shapes: Iterator[CellShape]) -> list[list[Key]]:
    """Return the shapes as whole numbers; those of one material that follow each other are sorted."""
    return [
        sorted({_key(geometry, shape) for shape in group})
        for _, group in groupby(shapes, key=lambda shape: shape.material)
    ]


def _key(geometry: CellGeometry, shape: CellShape) -> Key:
    numbers = [shape.material, int(shape.is_round)]
    for center, size, pitch in zip(shape.center, shape.size, geometry.pitch, strict=True):
        is_wide = size >= pitch and not shape.is_round  # at every position the same
        numbers.append(0 if is_wide else round(center / pitch * KEY_DIGITS) % KEY_DIGITS)
        numbers.append(KEY_DIGITS if is_wide else round(size / pitch * KEY_DIGITS))
    return tuple(numbers)


def shifted(geometry: CellGeometry, x: float, y: float) -> CellGeometry:
    """Return the cell with the point (x, y) [m] at its corner."""
    slices = tuple(
        CellSlice(
            each.thickness,
            each.background,
            tuple(
                CellShape(
                    shape.material,
                    ((shape.center[0] - x) % geometry.pitch[0], (shape.center[1] - y) % geometry.pitch[1]),
                    shape.size,
                    shape.is_round,
                )
                for shape in each.shapes
            ),
        )
        for each in geometry.slices
    )
    return CellGeometry(geometry.pitch, slices, geometry.constituents, geometry.is_isotropic)
