"""Thin shells around discs, such as liners and barriers, widened so that the grid resolves them.

A coated cylinder acts on its surroundings, in the first multipole, exactly as a homogeneous cylinder of a
conductivity m (Hashin and Rosen, J. Appl. Mech. 31, 223, 1964). From the inside to the outside of a set of
concentric discs, with the conductivity k of a shell and the ratio q of the areas within and with it,

    m = k ((1 + q) m_core + (1 - q) k) / ((1 - q) m_core + (1 + q) k)

A thin shell is replaced by a wider one, at the expense of the core, whose conductivity leaves m the same.
Resistance across and conduction along the shell are then exact in the first multipole. In the multipole n
every q is q^n, and the change of the third one gives an estimate of the error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice

Array = np.ndarray

MAX_LOSS = 0.5  # fraction of the radius of the core that widened shells may take
SAME_CENTER = 1e-9  # of the pitch
# Two first multipoles of a square lattice act on each other by (d / pitch)^8 times 0.12, which changes the
# value by 2 f < 1.6 times that; of scattered discs `pitch` is the distance of the nearest one.
MULTIPOLE_COUPLING = 0.2


@dataclass(frozen=True, eq=False)
class WidenedCell:
    """A cell without thin shells between concentric discs, and the conductivities of its constituents.

    `multipole_error` estimates the relative error of straight columns. `change` is the largest ratio of the
    width that a shell still has too much to the width, (w - t) / w, and `halvings` how often w is halved
    until it is t, of the best conductors, for which the error may fall only like the logarithm.
    """

    geometry: CellGeometry
    conductivity: Array  # W/(m K), (constituents, 3)
    multipole_error: float
    change: float
    halvings: float


def widened(geometry: CellGeometry, conductivity: Array, width: float) -> WidenedCell:
    """Return a cell whose shells between concentric discs have a width of at least `width` outer diameters.

    `conductivity` along x, y, z [W/(m K)] has a row for each constituent, (n, 3); those of widened shells
    are added as further ones.
    """
    added = _Constituents(conductivity)
    slices = []
    error = change = 0.0
    halvings = 1.0
    for each in geometry.slices:
        shapes = list(each.shapes)
        for group in concentric_discs(each.shapes, geometry.pitch):
            coated = _CoatedDisc([each.shapes[n] for n in group], width, conductivity)
            if not coated.is_changed:
                continue
            for n, disc in zip(group, coated.discs(added), strict=True):
                shapes[n] = disc
            host = conductivity[each.background]
            near = _nearest(shapes[group[0]], each.shapes, geometry.pitch)
            coupling = MULTIPOLE_COUPLING * min(2.0 * coated.radii[0] / near, 1.0) ** 8
            error = max(error, coupling * coated.third_multipole_change(host))
            change = max(change, coated.change)
            halvings = max(halvings, coated.halvings(host))
        slices.append(CellSlice(each.thickness, each.background, tuple(shapes)))
    changed = replace(geometry, slices=tuple(slices), constituents=len(added.rows))
    return WidenedCell(changed, np.array(added.rows), error, change, halvings)


def concentric_discs(shapes: Sequence[CellShape], pitch: tuple[float, float]) -> Iterator[list[int]]:
    """Yield the indices of concentric discs, two or more, from the outermost to the innermost.

    Each covers a part of the one before; other shapes between them in the sequence may not cover either.
    """
    used: set[int] = set()
    for first, outer in enumerate(shapes):
        if first in used or not outer.is_round:
            continue
        group = [first]
        for n in range(first + 1, len(shapes)):
            shape, last = shapes[n], shapes[group[-1]]
            if shape.is_round and _distance(shape, outer, pitch) <= SAME_CENTER * min(pitch):
                if shape.size[0] >= last.size[0]:
                    break
                group.append(n)
            elif _may_overlap(shape, outer, pitch):
                break
        used.update(group)
        if len(group) > 1:
            yield group


def _distance(one: CellShape, other: CellShape, pitch: tuple[float, float]) -> float:
    """Return the smallest distance [m] of the centres of two shapes of the periodic structure."""
    return math.hypot(*_offsets(one, other, pitch))


def _offsets(one: CellShape, other: CellShape, pitch: tuple[float, float]) -> list[float]:
    return [
        abs((a - b + 0.5 * period) % period - 0.5 * period)
        for a, b, period in zip(one.center, other.center, pitch, strict=True)
    ]


def _may_overlap(shape: CellShape, disc: CellShape, pitch: tuple[float, float]) -> bool:
    if shape.is_round:
        return _distance(shape, disc, pitch) < 0.5 * (shape.size[0] + disc.size[0])
    offsets = _offsets(shape, disc, pitch)
    return all(d < 0.5 * (a + b) for d, a, b in zip(offsets, shape.size, disc.size, strict=True))


@dataclass(eq=False)
class _Constituents:
    """Conductivities of the constituents, to which those of widened shells are added."""

    conductivity: Array

    def __post_init__(self) -> None:
        self.rows: list[list[float]] = self.conductivity.tolist()

    def add(self, row: list[float]) -> int:
        """Return the index of a row, added unless it is there."""
        if row in self.rows[len(self.conductivity) :]:
            return self.rows.index(row, len(self.conductivity))
        self.rows.append(row)
        return len(self.rows) - 1


class _CoatedDisc:
    """Concentric discs, from the outermost on, and the radii [m] with which no shell is thin."""

    def __init__(self, discs: list[CellShape], width: float, conductivity: Array) -> None:
        self.shapes = discs
        self.rows = [conductivity[disc.material] for disc in discs]
        self.radii = [0.5 * disc.size[0] for disc in discs]
        widths = [outer - inner for outer, inner in pairwise(self.radii)]
        more = [max(2.0 * width * self.radii[0] - own, 0.0) for own in widths]
        self.is_changed = any(more)
        scale = min(1.0, MAX_LOSS * self.radii[-1] / sum(more)) if self.is_changed else 0.0
        self.wide_radii = [self.radii[0]]
        for own, extra in zip(widths, more, strict=True):
            self.wide_radii.append(self.wide_radii[-1] - own - scale * extra)
        self.ratios = [own / (own + scale * extra) for own, extra in zip(widths, more, strict=True)]
        self.change = 1.0 - min(self.ratios)

    def halvings(self, host: Array) -> float:
        """Return how often a widened good conductor is halved until it has its thickness, else one."""
        inner = [row.max() for row in self.rows[1:]]
        outer = [host.max(), *inner[:-1]]
        return max(
            max(1.0, -math.log2(ratio)) if shell.max() > max(a, b) else 1.0
            for ratio, shell, a, b in zip(self.ratios, self.rows, inner, outer, strict=False)
        )

    def discs(self, added: _Constituents) -> list[CellShape]:
        """Return the discs with the other radii; conductivities of the shells are added."""
        shells = self._wide_shells()
        materials = [*(added.add(row.tolist()) for row in shells), self.shapes[-1].material]
        return [
            CellShape(material, disc.center, (2.0 * radius,) * 2, is_round=True)
            for material, disc, radius in zip(materials, self.shapes, self.wide_radii, strict=True)
        ]

    def third_multipole_change(self, host: Array) -> float:
        """Return the change of the contrast to the host that the multipole n = 3 sees."""
        shells = self._wide_shells()
        true = _mean(self.rows, self.radii, 3)
        wide = _mean([*shells, self.rows[-1]], self.wide_radii, 3)
        contrasts = [(mean - host) / (mean + host) for mean in (true, wide)]
        return float(np.abs(contrasts[1] - contrasts[0])[:2].max())

    def _wide_shells(self) -> list[Array]:
        """Return the conductivities of the shells, from the outermost on."""
        core = self.rows[-1]  # the true and the changed cylinder have the same mean at every shell
        shells: list[Array] = []
        for n in range(len(self.shapes) - 2, -1, -1):
            mean = _coated(core, self.rows[n], (self.radii[n + 1] / self.radii[n]) ** 2)
            ratio = (self.wide_radii[n + 1] / self.wide_radii[n]) ** 2
            shells.insert(0, _shell_of(core, mean, ratio))
            core = mean
        return shells


def _mean(rows: Sequence[Array], radii: Sequence[float], multipole: int) -> Array:
    """Return the conductivities of the cylinder equivalent to concentric ones for a multipole."""
    mean = rows[-1]
    for n in range(len(rows) - 2, -1, -1):
        mean = _coated(mean, rows[n], (radii[n + 1] / radii[n]) ** (2 * multipole))
    return mean


def _nearest(disc: CellShape, shapes: Sequence[CellShape], pitch: tuple[float, float]) -> float:
    """Return the distance [m] to the nearest other centre of a shape, at most that of the next period."""
    distances = (_distance(disc, shape, pitch) for shape in shapes)
    others = [each for each in distances if each > SAME_CENTER * min(pitch)]
    return min([*others, *pitch])


def _coated(core: Array, shell: Array, q: float) -> Array:
    """Return the conductivities of the cylinder equivalent to a coated one, whose core has the area q."""
    across = shell * ((1.0 + q) * core + (1.0 - q) * shell) / ((1.0 - q) * core + (1.0 + q) * shell)
    across[2] = q * core[2] + (1.0 - q) * shell[2]
    return np.asarray(across)


def _shell_of(core: Array, mean: Array, q: float) -> Array:
    """Return the conductivities of the shell around a core of the area q with which `mean` is equivalent."""
    half = 0.5 * (1.0 + q) * (core - mean) / (1.0 - q)
    root = np.hypot(half, np.sqrt(core * mean))
    # of two forms of the positive root, the one without cancellation
    shell = np.where(half > 0.0, core * mean / (half + root), root - half)
    shell[2] = (mean[2] - q * core[2]) / (1.0 - q)
    return np.asarray(shell)
