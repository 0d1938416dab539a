"""Geometry of a unit cell: slices with rectangles and discs, periodic in the plane, and chords through it.

A chord is a line through a slice parallel to x or y: a list of cuts, and the material between each two of
them. All volumes and bounds of a cell are integrals over its chords.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
# Of several chords: cuts (chords, n + 1) [m] that do not descend, material of each interval (chords, n).
Chords: TypeAlias = tuple[Array, NDArray[np.intp]]

GAUSS_POINTS = 16  # between two edges, where a shape is round; chords of rectangles are constant there
MIN_EDGE_DISTANCE = 1e-9  # of the pitch; edges closer than this are one


@dataclass(frozen=True)
class CellShape:
    """A rectangle or a disc of a material; it continues on the other side where it leaves the period."""

    material: int  # index of the constituent
    center: tuple[float, float]  # m
    size: tuple[float, float]  # along x and y [m]
    is_round: bool

    def half_length(self, axis: int, ordinates: Array, pitch: float) -> Array:
        """Return half the lengths [m] of chords along an axis (0 is x) at ordinates of the other, or zero."""
        center, half = self.center[1 - axis], 0.5 * self.size[1 - axis]
        distance = np.abs((ordinates - center + 0.5 * pitch) % pitch - 0.5 * pitch)
        if self.is_round:
            return np.sqrt(np.maximum(half**2 - distance**2, 0.0))
        return np.where(distance < half, 0.5 * self.size[axis], 0.0)


@dataclass(frozen=True)
class CellSlice:
    """A slice of a cell: a background and the shapes on it, of which a later one covers an earlier one."""

    thickness: float  # m
    background: int  # index of the constituent
    shapes: tuple[CellShape, ...] = ()

    @property
    def pattern(self) -> tuple[int, tuple[CellShape, ...]]:
        """Return the slice without its thickness."""
        return self.background, self.shapes


@dataclass(frozen=True)
class CellGeometry:
    """A period of a structure that repeats along x and y, of slices from the bottom up.

    `is_isotropic` states a symmetry under rotation that the period does not show, as of a hexagonal array.
    """

    pitch: tuple[float, float]  # along x and y [m]
    slices: tuple[CellSlice, ...]
    constituents: int
    is_isotropic: bool = False

    @property
    def height(self) -> float:
        """Return the sum of the thicknesses of the slices [m]."""
        return math.fsum(each.thickness for each in self.slices)

    @property
    def is_columnar(self) -> bool:
        """Return whether all slices are equal, so that the cell is a set of straight columns."""
        return len({each.pattern for each in self.slices}) == 1

    @property
    def is_round(self) -> bool:
        """Return whether the cell has discs."""
        return any(shape.is_round for each in self.slices for shape in each.shapes)

    def edges(self, axis: int) -> Array:
        """Return the coordinates [m] of the edges of all shapes along an axis, from 0 to the pitch."""
        return self._edges_of([shape for each in self.slices for shape in each.shapes], axis)

    def straight_edges(self, of_slice: CellSlice, axis: int) -> Array:
        """Return the coordinates [m] of the edges of the rectangles of a slice, from 0 to the pitch."""
        return self._edges_of([shape for shape in of_slice.shapes if not shape.is_round], axis)

    def _edges_of(self, shapes: Iterable[CellShape], axis: int) -> Array:
        pitch = self.pitch[axis]
        found: list[float] = []
        for shape in shapes:
            if shape.size[axis] < pitch:
                found += [(shape.center[axis] + sign * 0.5 * shape.size[axis]) % pitch for sign in (-1, 1)]
        distance = MIN_EDGE_DISTANCE * pitch
        kept = [0.0]
        for edge in sorted(found):
            if kept[-1] + distance < edge < pitch - distance:
                kept.append(edge)
        return np.array([*kept, pitch])

    def chords(self, of_slice: CellSlice, axis: int, ordinates: Array) -> Chords:
        """Return the chords along an axis (0 is x) of a slice at ordinates [m] of the other axis."""
        pitch, other = self.pitch[axis], self.pitch[1 - axis]
        spans = [
            (low, high, shape.material)
            for shape in of_slice.shapes
            for low, high in _spans(shape, axis, shape.half_length(axis, ordinates, other), pitch)
        ]
        ends = np.zeros_like(ordinates), np.full_like(ordinates, pitch)
        cuts = np.sort(np.stack([*ends, *(end for span in spans for end in span[:2])], axis=1), axis=1)
        is_empty = ~(np.diff(cuts, axis=1) > 0.0).any(axis=0)
        cuts = np.delete(cuts, np.flatnonzero(is_empty), axis=1)
        middle = 0.5 * (cuts[:, 1:] + cuts[:, :-1])
        material = np.full(middle.shape, of_slice.background, dtype=np.intp)
        for low, high, index in spans:
            material[(middle > low[:, np.newaxis]) & (middle < high[:, np.newaxis])] = index
        return cuts, material

    def ordinates(self, axis: int) -> tuple[Array, Array]:
        """Return ordinates [m] and weights, of sum one, for integrals over all chords along an axis.

        The ordinates are Gauss points of the angle of a circle through two adjacent edges, so that chords of
        discs, which begin like a root, are integrated exactly.
        """
        edges = self.edges(1 - axis)
        nodes, weights = np.polynomial.legendre.leggauss(GAUSS_POINTS if self.is_round else 1)
        angle = 0.5 * math.pi * (nodes + 1.0)
        share = weights * np.sin(angle)
        width = np.diff(edges)[:, np.newaxis]
        places = edges[:-1, np.newaxis] + 0.5 * width * (1.0 - np.cos(angle))
        return places.ravel(), (width * share / (share.sum() * edges[-1])).ravel()

    @cached_property
    def fractions(self) -> Array:
        """Return the area fractions of the constituents in each slice, (slices, constituents)."""
        known: dict[tuple[int, tuple[CellShape, ...]], Array] = {}
        for each in self.slices:
            if each.pattern not in known:
                ordinates, weight = self.ordinates(0)
                cuts, material = self.chords(each, 0, ordinates)
                area = weight[:, np.newaxis] * np.diff(cuts, axis=1) / self.pitch[0]
                total = np.bincount(material.ravel(), area.ravel(), self.constituents)
                known[each.pattern] = total / total.sum()
        return np.array([known[each.pattern] for each in self.slices])

    @property
    def volume_fractions(self) -> Array:
        """Return the volume fractions of the constituents, (constituents,)."""
        thickness = np.array([each.thickness for each in self.slices])
        fractions: Array = thickness @ self.fractions / thickness.sum()
        return fractions


def _spans(shape: CellShape, axis: int, half: Array, pitch: float) -> list[tuple[Array, Array]]:
    """Return the intervals [m] of chords in a shape, in one piece, or in two where it leaves the period."""
    if 2.0 * float(half.max(initial=0.0)) >= pitch:  # a rectangle over the whole period
        return [(np.zeros_like(half), np.where(half > 0.0, pitch, 0.0))]
    center = shape.center[axis] % pitch
    low, high = center - half, center + half
    is_there = half > 0.0
    spans = [
        (np.where(is_there, np.maximum(low, 0.0), 0.0), np.where(is_there, np.minimum(high, pitch), 0.0))
    ]
    if (low < 0.0).any():
        spans.append((np.where(low < 0.0, low + pitch, pitch), np.full_like(half, pitch)))
    if (high > pitch).any():
        spans.append((np.zeros_like(half), np.where(high > pitch, high - pitch, 0.0)))
    return spans


def chord_integrals(chords: Chords, values: Array) -> Array:
    """Return the integrals over chords of a quantity with a value for each constituent, (chords,)."""
    cuts, material = chords
    return np.asarray(np.einsum("ce,ce->c", np.diff(cuts, axis=1), values[material]))
