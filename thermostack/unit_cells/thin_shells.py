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

import numpy as np

from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice

Array = np.ndarray

MIN_WIDTH = 0.05  # of the outer diameter, to which thinner shells are widened
MAX_LOSS = 0.5  # fraction of the radius of the core that widened shells may take
SAME_CENTER = 1e-9  # of the pitch


def widened(geometry: CellGeometry, conductivity: Array) -> tuple[CellGeometry, Array]:
    """Return a cell without thin shells between concentric discs, and the conductivities of it.

    `conductivity` along x, y, z [W/(m K)] has a row for each constituent, (n, 3); those of widened shells
    are added as further ones.
    """
    added = _Constituents(conductivity)
    slices = []
    for each in geometry.slices:
        shapes = list(each.shapes)
        for group in concentric_discs(each.shapes, geometry.pitch):
            discs = [shapes[n] for n in group]
            for n, disc in zip(group, _widened_discs(discs, added), strict=True):
                shapes[n] = disc
        slices.append(CellSlice(each.thickness, each.background, tuple(shapes)))
    changed = replace(geometry, slices=tuple(slices), constituents=len(added.rows))
    return changed, np.array(added.rows)


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
        self.rows = self.conductivity.tolist()

    def add(self, row: list[float]) -> int:
        """Return the index of a row, added unless it is there."""
        if row in self.rows[len(self.conductivity) :]:
            return self.rows.index(row, len(self.conductivity))
        self.rows.append(row)
        return len(self.rows) - 1


def _widened_discs(discs: list[CellShape], added: _Constituents) -> list[CellShape]:
    """Return concentric discs, from the outermost on, with wider shells between them where they are thin."""
    radii = [0.5 * disc.size[0] for disc in discs]
    widths = [outer - inner for outer, inner in zip(radii, radii[1:], strict=False)]
    more = [max(2.0 * MIN_WIDTH * radii[0] - width, 0.0) for width in widths]
    if not any(more):
        return discs
    scale = min(1.0, MAX_LOSS * radii[-1] / sum(more))
    changed = [radii[0]]
    for width, extra in zip(widths, more, strict=True):
        changed.append(changed[-1] - width - scale * extra)
    materials = [disc.material for disc in discs]
    core = mean = added.conductivity[materials[-1]]  # of the true and of the changed cylinder: equal
    found = [replace(discs[-1], size=(2.0 * changed[-1],) * 2)]
    for n in range(len(discs) - 2, -1, -1):  # from the inside to the outside
        shell = added.conductivity[materials[n]]
        q, wide = (radii[n + 1] / radii[n]) ** 2, (changed[n + 1] / changed[n]) ** 2
        mean = _coated(core, shell, q)
        material = added.add(_shell_of(core, mean, wide).tolist())
        found.insert(0, CellShape(material, discs[n].center, (2.0 * changed[n],) * 2, is_round=True))
        core = mean
    return found


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
