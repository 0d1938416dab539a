"""Cells that can be the hottest of a part, and the temperatures at their centres and faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.finite_volume.conduction import Conduction
from thermostack.finite_volume.reconstruction import FaceFluxes, X, Y, Z
from thermostack.mesh.model import Model
from thermostack.results.peak_map import POINTS


@dataclass(frozen=True, eq=False)
class PeakGroups:
    """The parts and blocks whose peak is known, and the cells that can be the hottest of each."""

    cell: np.ndarray  # (cells,) index in the raveled grid, ascending
    names: tuple[str, ...]
    limits: tuple[float | None, ...]
    is_block: tuple[bool, ...]
    start: np.ndarray  # (names + 1,)
    member: np.ndarray  # (members,) index into `cell`


def find_peak_groups(model: Model) -> PeakGroups:
    """Return the parts with power or a limit, each followed by its blocks.

    A steady temperature has its maximum in a heated cell or at the surface of a part. The cells of a part are
    therefore all of a part with power, and those at the surface of one without.
    """
    powered = set(
        np.concatenate([np.zeros(0, np.intp), *(p.part for p in model.heat_sources.planes)]).tolist()
    )
    chosen = [n for n, part in enumerate(model.parts) if n in powered or part.limit is not None]
    chosen = [n for n in chosen if model.volume_of_parts[n] > 0.0]
    own = {n: _cells_of_part(model, n, is_whole=n in powered) for n in chosen}
    cell = np.unique(np.concatenate([np.zeros(0, np.intp), *own.values()]))
    names, limits, is_block, members = [], [], [], []
    for n in chosen:
        part = model.parts[n]
        groups = [(part.name, own[n], False)]
        if n in powered:
            blocks = (block for block in model.blocks if block.part == n)
            groups += [(block.name, _in_window(model, own[n], block.window), True) for block in blocks]
        for name, cells, block in groups:
            if cells.size:
                names.append(name)
                limits.append(part.limit)
                is_block.append(block)
                members.append(np.searchsorted(cell, cells))
    start = np.cumsum([0, *(member.size for member in members)])
    member = np.concatenate([np.zeros(0, np.intp), *members])
    return PeakGroups(cell, tuple(names), tuple(limits), tuple(is_block), start, member)


def _cells_of_part(model: Model, n: int, *, is_whole: bool) -> np.ndarray:
    """Return the cells of a part, all or those with a face at its surface."""
    belongs = model.part == n + 1
    if not is_whole:
        inner = np.pad(belongs, 1)
        core = (slice(1, -1),) * 3
        is_inside = belongs.copy()
        for axis in (Z, Y, X):
            for step in (slice(0, -2), slice(2, None)):
                is_inside &= inner[tuple(step if a == axis else core[a] for a in range(3))]
        belongs &= ~is_inside
    return np.flatnonzero(belongs)


def _in_window(model: Model, cell: np.ndarray, window: tuple[slice, ...]) -> np.ndarray:
    """Return the cells that lie in a window."""
    inside = np.ones(cell.size, dtype=bool)
    for index, bounds in zip(np.unravel_index(cell, model.grid.shape), window, strict=True):
        inside &= (index >= bounds.start) & (index < bounds.stop)
    return cell[inside]


class CellPoints:
    """Temperatures at the centre and the faces of some cells, for any field of a model."""

    def __init__(self, fluxes: FaceFluxes, cell: np.ndarray) -> None:
        """Take cells by their index in the raveled grid, ascending; `fluxes` has their resistances."""
        self.cell = cell
        shape = fluxes.t.shape
        index = np.unravel_index(cell, shape)
        of_cells = fluxes.of_cells((index[0], index[1], index[2]))
        # (3, 2, n) K/W from the centre to the low and the high face along z, y and x.
        self._half = 0.5 * np.stack([of_cells.resistance_low, of_cells.resistance_high], axis=1)
        self._faces = [
            _inner_face(fluxes.conduction, index, axis, side) for axis in (Z, Y, X) for side in (0, 1)
        ]
        boundary = fluxes.model.boundary
        position, self._outer = _positions(cell, boundary.cell)
        axis, side = boundary.axis[self._outer].astype(np.intp), boundary.is_high[self._outer].astype(np.intp)
        self._outer_at = position, 1 + 2 * axis + side
        self._outer_half = self._half[axis, side, position]

    def values(self, fluxes: FaceFluxes) -> np.ndarray:
        """Return the temperatures of the points [K], (n, 7), in another field with the same conductances."""
        t = fluxes.t.reshape(-1)
        values = np.repeat(t[self.cell][:, np.newaxis], POINTS, axis=1)
        for slot, (neighbour, conductance) in enumerate(self._faces):
            half = self._half[slot // 2, slot % 2]
            values[:, 1 + slot] += half * conductance * (t[neighbour] - values[:, 0])
        np.subtract.at(values, self._outer_at, self._outer_half * fluxes.boundary_outflow[self._outer])
        ends = fluxes.link_ends
        if ends.cell.size:
            order = np.argsort(ends.cell, kind="stable")
            position, which = _positions(self.cell, ends.cell[order])
            end, side = order[which], ends.is_top[order[which]].astype(np.intp)
            heat = self._half[Z, side, position] * ends.outflow[end]
            np.subtract.at(values, (position, 1 + side), heat)
        return values


def _inner_face(
    conduction: Conduction, index: tuple[np.ndarray, ...], axis: int, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the neighbours of cells through one face, and the conductance to them [W/K], 0 without one."""
    shape = conduction.shape
    g = (conduction.g_z, conduction.g_y, conduction.g_x)[axis]
    beside = index[axis] + (1 if side else -1)
    exists = (beside >= 0) & (beside < shape[axis])
    neighbour = tuple(np.where(exists, beside, own) if a == axis else own for a, own in enumerate(index))
    face = tuple(np.minimum(own, other)[exists] for own, other in zip(index, neighbour, strict=True))
    conductance = np.zeros(exists.size)
    conductance[exists] = g[face]
    return np.ravel_multi_index(neighbour, shape), conductance


def _positions(cell: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions in `cell` of those of `others` that are in it, and their indices in `others`."""
    if not cell.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    position = np.minimum(np.searchsorted(cell, others), cell.size - 1)
    which = np.flatnonzero(cell[position] == others)
    return position[which], which
