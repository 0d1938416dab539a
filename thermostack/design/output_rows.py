"""Outputs of an influence matrix: means of parts, blocks and stacks, and temperatures at points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model
from thermostack.results.names import unknown_name, with_stacks
from thermostack.schema.arguments import argument_error, as_names
from thermostack.transient.probes import Position, positions_in_metres, require_inside

ON_FACE_TOLERANCE = 1e-12  # m: a point nearer to a grid plane than this lies on the plane


@dataclass(frozen=True, eq=False)
class OutputRows:
    """Outputs as weights of the means of zones, and as weights of the points of cells."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    zone_weight: scipy.sparse.csr_array  # (means, zones)
    cell: np.ndarray  # (cells,) index in the raveled grid, ascending, of the cells with points
    probe_cell: np.ndarray  # (points,) index into `cell`
    probe_weight: np.ndarray  # (points, 7) of the centre and the faces of the cell

    def values(self, means: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Return the outputs for the means of all zones (zones,) and the points of the cells (cells, 7)."""
        of_probes = (self.probe_weight * points[self.probe_cell]).sum(axis=1)
        return np.concatenate([self.zone_weight @ np.nan_to_num(means), of_probes])


def find_outputs(
    model: Model,
    outputs: str | Sequence[str] | None,
    points: Mapping[str, Sequence[float | str]] | None = None,
) -> OutputRows:
    """Return the outputs of some names, by default every part and block, and at some points.

    Raises UnknownNameError where no part, block or stack has a name, and ArgumentError where a point is
    outside the body or has the name of another output.
    """
    volume = _zone_volumes(model)
    zone_names = [*(part.name for part in model.parts), *(block.name for block in model.blocks)]
    present = np.flatnonzero(volume > 0.0).tolist()
    positions = positions_in_metres(points, "points")
    require_inside(positions, model, "points")
    names = _default_order(model, volume) if outputs is None else list(as_names(outputs, "outputs"))
    for name in [*names, *positions]:
        if [*names, *positions].count(name) > 1:
            raise argument_error("outputs", f"{name} is given twice", "use another name", "E-DUPLICATE")
    weight = scipy.sparse.lil_array((len(names), len(zone_names)))
    for n, name in enumerate(names):
        own = _zones_of(model, name, zone_names, present)
        weight[n, own] = volume[own] / volume[own].sum()
    cell, weights = _probe_weights(model.grid, model.part, list(positions.values()))
    unique, inverse = np.unique(cell, return_inverse=True)
    kinds = ("mean",) * len(names) + ("point",) * len(positions)
    return OutputRows((*names, *positions), kinds, scipy.sparse.csr_array(weight), unique, inverse, weights)


def _zone_volumes(model: Model) -> np.ndarray:
    """Return the volume of each part and block [m3], (parts + blocks,)."""
    grid, volumes = model.grid, model.volume_of_parts.tolist()
    for block in model.blocks:
        k, j, i = block.window
        inside = model.part[block.window] == block.part + 1
        volumes.append(np.einsum("kji,k,j,i->", inside, grid.dz[k], grid.dy[j], grid.dx[i]))
    return np.array(volumes)


def _default_order(model: Model, volume: np.ndarray) -> list[str]:
    """Return the names of all parts with cells, each followed by its blocks."""
    names = []
    for n, part in enumerate(model.parts):
        names += [part.name] if volume[n] > 0.0 else []
        own = ((zone, block) for zone, block in enumerate(model.blocks, len(model.parts)) if block.part == n)
        names += [block.name for zone, block in own if volume[zone] > 0.0]
    return list(dict.fromkeys(names))


def _zones_of(model: Model, name: str, zone_names: Sequence[str], present: Sequence[int]) -> list[int]:
    """Return the zones of a part, a block or a stack."""
    if exact := [n for n in present if zone_names[n] == name]:
        return exact[:1]
    parts = [n for n in present if n < len(model.parts) and zone_names[n].startswith(f"{name}.")]
    if not parts:
        raise unknown_name(name, with_stacks(zone_names[n] for n in present))
    return parts


def _probe_weights(
    grid: Grid, part: np.ndarray, positions: Sequence[Position]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell of each position [m], and the weights of its centre and faces, (points, 7).

    The temperature is linear from the centre to each face.
    """
    cells, weights = np.zeros(len(positions), np.intp), np.zeros((len(positions), 7))
    for n, (x, y, z) in enumerate(positions):
        index = _cell_at(grid, part, (z, y, x))
        weights[n, 0] = 1.0
        for axis, (planes, value) in enumerate(((grid.z, z), (grid.y, y), (grid.x, x))):
            low, high = planes[index[axis]], planes[index[axis] + 1]
            offset = (2.0 * value - low - high) / (high - low)  # -1 at the low face, 1 at the high face
            side = 1 + 2 * axis + (offset > 0.0)
            weights[n, side] += abs(offset)
            weights[n, 0] -= abs(offset)
        cells[n] = np.ravel_multi_index(index, grid.shape)
    return cells, weights


def _cell_at(grid: Grid, part: np.ndarray, position: Position) -> tuple[int, int, int]:
    """Return k, j and i of a cell of the body that contains a position (z, y, x) [m]."""
    found: list[tuple[int, ...]] = [()]
    for planes, value in zip((grid.z, grid.y, grid.x), position, strict=True):
        bounds = (value + ON_FACE_TOLERANCE, value - ON_FACE_TOLERANCE)
        near = dict.fromkeys(int(np.searchsorted(planes, bound, side="right")) - 1 for bound in bounds)
        near = dict.fromkeys(min(max(n, 0), planes.size - 2) for n in near)
        found = [(*cell, n) for cell in found for n in near]
    k, j, i = next((cell for cell in found if part[cell] > 0), found[0])
    return k, j, i
