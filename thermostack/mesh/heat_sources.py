"""Who can be heated one by one: blocks, maps and evenly heated layers, each with its cells and its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from thermostack.errors import DescriptionError, Diagnostic
from thermostack.mesh.area_overlap import deposit_raster, rectangle_fractions
from thermostack.mesh.model import LayerHeatSource, Model, is_layer
from thermostack.package.geometry import HeatSource
from thermostack.package.power import power_rectangles, power_scale
from thermostack.schema.fields import suggest

BALANCED = 1e-9  # of the heat and cold of a map: a sum below it is none that could be scaled
MOST_HINTS = 20  # names that are looked up for the nearest ones; that takes long among many


@dataclass(frozen=True, eq=False)
class SourcePlane:
    """The heaters of one source and their cells: one plane of them, the same shares of it at each height."""

    sources: slice
    shapes: sp.csr_array  # (cells of the plane, its heaters) share of each heater's heat in each cell
    shares: np.ndarray  # (heights,), sum 1
    part: np.ndarray  # (cells of the plane,) index of the part each is of


@dataclass(frozen=True, eq=False)
class HeatSources:
    """The heaters of a model and how the heat of each is shared by its cells.

    A heater is a block of a floorplan, "gpu.active.gpc_0", the map of a layer, "gpu.active.map", or a
    layer that is heated evenly, "gpu.active". What is drawn as zero watts is one too.
    """

    model: Model
    names: tuple[str, ...]
    source: np.ndarray  # (heaters,) index into model.heating
    drawn: np.ndarray  # (heaters,) W, as the package has it
    area: np.ndarray  # (heaters,) m2
    may_cool: np.ndarray  # (heaters,) bool: the drawing allows negative powers
    cell: np.ndarray  # (n,) index of every cell that can be heated in the raveled grid, ascending
    planes: tuple[SourcePlane, ...]  # by source
    order: np.ndarray | None  # (cells of all planes,) which comes when in `cell`; None: in their own order
    sums: np.ndarray  # (heaters,) of each heater's shares: 1, but 0 where it lies wholly off its layer

    # A map that cools as much as it heats has no heat to take shares of: the magnitudes of its shares add
    # to 1, their sum is 0, and what is drawn is the sum of the magnitudes.

    @property
    def count(self) -> int:
        """Return the number of heaters."""
        return len(self.names)

    def cell_powers(self, levels: np.ndarray) -> np.ndarray:
        """Return the heat [W] of the cells of `cell`, (n,), where the heaters make some heats [W]."""
        pieces = [
            np.multiply.outer(plane.shares, plane.shapes @ levels[plane.sources]).reshape(-1)
            for plane in self.planes
        ]
        heat: np.ndarray = np.concatenate(pieces) if pieces else np.zeros(0)
        return heat if self.order is None else heat[self.order]

    @cached_property
    def members(self) -> sp.csr_array:
        """Return the share of each heater's heat in each part and each block of the model.

        (members, heaters), members in the order of `metrics.Members`: a cell's heat is that of its part,
        a block has its own.
        """
        parts, blocks = len(self.model.parts), self.model.blocks
        of_parts = [sp.csr_array((parts, 0))]
        for plane in self.planes:
            cells = np.arange(plane.part.size)
            shape = parts, cells.size
            which = sp.csr_array((np.ones(cells.size), (plane.part, cells)), shape=shape)
            of_parts.append(which @ plane.shapes)
        number: dict[str, int] = {}
        for n, name in enumerate(self.names):
            number.setdefault(name, n)
        own = [number[block.name] for block in blocks]
        of_blocks = sp.csr_array((self.sums[own], (np.arange(len(own)), own)), shape=(len(own), self.count))
        return sp.csr_array(sp.vstack([sp.hstack(of_parts), of_blocks]))

    # -- names -------------------------------------------------------------------------------

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        """Return the heaters of every name of a heater, a part or a stack."""
        found: dict[str, list[int]] = {}
        for n, (name, source) in enumerate(zip(self.names, self.source.tolist(), strict=True)):
            pieces = self.model.parts[self.model.layer_sources[source].part].name.split(".")
            for prefix in dict.fromkeys([*(".".join(pieces[: k + 1]) for k in range(len(pieces))), name]):
                found.setdefault(prefix, []).append(n)
        return found

    @cached_property
    def _by_block(self) -> dict[str, list[int]]:
        """Return the heaters by what their name has more than that of their part."""
        found: dict[str, list[int]] = {}
        for n, (name, source) in enumerate(zip(self.names, self.source.tolist(), strict=True)):
            part = self.model.parts[self.model.layer_sources[source].part].name
            if name != part:
                found.setdefault(name.removeprefix(f"{part}."), []).append(n)
        return found

    def find(self, name: str, *, is_hinted: bool = True) -> np.ndarray:
        """Return the heaters that a name stands for: a heater, a part, a stack, or a block's own name.

        Raises DescriptionError where it heats nothing, with the nearest names, or may be any of several.
        """
        found = self._by_name.get(name)
        if found is None:
            found = self._by_block.get(name, [])
        if len(found) > 1 and name not in self._by_name:
            full = [self.names[n] for n in found]
            text = f"{name!r} may be {listed(full, 'or')}"
            raise DescriptionError(Diagnostic(name, text, "write its whole name", "E-NAME"))
        if not found:
            remedy = self._hint(name) if is_hinted else ""
            raise DescriptionError(Diagnostic(name, f"{name!r} heats nothing", remedy, "E-NAME"))
        lost = [self.names[n] for n in found if self.sums[n] == 0.0 and self.drawn[n] == 0.0]
        if len(lost) == len(found):
            text = f"{listed(lost)}: its layer is open there, or another stack is"
            raise DescriptionError(Diagnostic(name, text, "move the block onto the layer", "E-POWER"))
        return np.array([n for n in found if self.names[n] not in lost], dtype=np.intp)

    def _hint(self, name: str) -> str:
        parts = {part.name for part in self.model.parts}
        if name in parts or any(part.startswith(f"{name}.") for part in parts):
            return "give the layer a power, 0 W if need be, so that it can be heated"
        known = [*self._by_name, *self._by_block]
        return suggest(name, known) or f"there are {listed(known[:10])}"

    def shares(self, name: str, heaters: np.ndarray) -> np.ndarray:
        """Return how heaters share a power given for all of them, (heaters,), in proportion to what is drawn.

        Where nothing is drawn they share it by area. Raises DescriptionError where some are drawn to heat
        and others to cool: then nothing says who makes how much.
        """
        drawn = np.where(self.sums[heaters] != 0.0, self.drawn[heaters], 0.0)
        if not drawn.any():
            drawn = self.area[heaters]
        is_mixed = bool(np.any(drawn < 0.0) and np.any(drawn > 0.0))
        if is_mixed or np.any(self.sums[heaters] == 0.0):
            text = f"{name} is drawn to heat and to cool: watts for all of it say too little"
            raise DescriptionError(Diagnostic(name, text, "give shares in %, or name its blocks", "E-POWER"))
        shares: np.ndarray = drawn / drawn.sum()
        return shares


def listed(names: Iterable[str], last: str = "and", most: int = 5) -> str:
    """Return names as a text, the first few of many."""
    shown = list(names)
    if len(shown) > most:
        return f"{', '.join(shown[:most])} {last} {len(shown) - most} more"
    return f" {last} ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


# -- finding them ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Own:
    """The heaters of one source: their names, heats [W], areas [m2], and shares in a plane of cells."""

    names: list[str]
    drawn: np.ndarray
    area: np.ndarray
    plane: sp.csr_array  # (rows columns, heaters)


def find_heat_sources(model: Model) -> HeatSources:
    """Return all that can be heated in a model, with the cells of each."""
    found, planes, cells = [], [], []
    _, ny, nx = model.grid.shape
    first = 0
    for source, heating in zip(model.geometry.sources, model.layer_sources, strict=True):
        own = _heaters_of(model, source, heating)
        used = np.flatnonzero(np.diff(own.plane.indptr))
        j, i = np.divmod(used, heating.plane.shape[1])
        column = (heating.j0 + j) * nx + heating.i0 + i
        heights = np.arange(heating.k0, heating.k0 + heating.shares.size)
        cells.append(np.add.outer(heights * (ny * nx), column).reshape(-1))
        part = model.part[heating.k0].reshape(-1)[column].astype(np.intp) - 1
        last = first + len(own.names)
        planes.append(SourcePlane(slice(first, last), own.plane[used], heating.shares, part))
        found.append(own)
        first = last
    cell, order = _in_order([piece for piece in cells if piece.size])
    counts = [len(own.names) for own in found]
    allowed = [source.power.allow_negative for source in model.geometry.sources]
    sums = np.concatenate([np.zeros(0), *(own.plane.sum(axis=0) for own in found)])
    return HeatSources(
        model,
        tuple(name for own in found for name in own.names),
        np.repeat(np.arange(len(found)), counts),
        np.concatenate([np.zeros(0), *(own.drawn for own in found)]),
        np.concatenate([np.zeros(0), *(own.area for own in found)]),
        np.repeat(np.array(allowed, dtype=bool), counts),
        cell,
        tuple(planes),
        order,
        np.where(np.abs(sums) > BALANCED, sums, 0.0),
    )


def _in_order(pieces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return cells that come in ascending pieces in one ascending row, and their order where it changed."""
    cell = np.concatenate([np.zeros(0, dtype=np.intp), *pieces])
    if all(one[-1] < other[0] for one, other in pairwise(pieces)):
        return cell, None
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    if np.any(cell[1:] == cell[:-1]):
        text = "two layers heat the same cells: the name of one begins with the whole name of the other"
        raise DescriptionError(Diagnostic("stacks", text, "rename one of the two", "E-NAME"))
    return cell, order


def _heaters_of(model: Model, source: HeatSource, heating: LayerHeatSource) -> _Own:
    """Return the heaters of a source; what lies where its layer is not heats nothing there."""
    _, j, i = heating.window
    grid, power, title = model.grid, source.power, model.parts[source.part].name
    x, y = grid.x[i.start : i.stop + 1], grid.y[j.start : j.stop + 1]
    left, front, right, back = source.rectangle
    width, height = right - left, back - front
    drawn = power_rectangles(power, width, height, with_idle=True)
    names = [f"{title}.{block.name}" for block in power.blocks]
    if not power.blocks and power.map is None:
        names = [title]
    corners = drawn.x0 + left, drawn.y0 + front, drawn.x1 + left, drawn.y1 + front
    area = (drawn.x1 - drawn.x0) * (drawn.y1 - drawn.y0)
    planes, heats, areas = [rectangle_fractions(x, y, *corners)], [drawn.power], [area]
    if power.map is not None:
        x0, y0, x1, y1 = power.map.rectangle(width, height)
        pixels = power_scale(power, width, height) * power.map.pixels(width, height)
        if not pixels.any():
            pixels = np.ones((1, 1))  # shared evenly, if it is ever heated
        plane = deposit_raster(x, y, pixels, left + x0, front + y0, left + x1, front + y1)
        is_drawn = bool(power.map.values.any())
        total, size = float(plane.sum()), float(np.abs(plane).sum())
        is_balanced = abs(total) <= BALANCED * size
        whole = size if is_balanced else total
        planes.append(sp.csr_array((plane / whole).reshape(-1, 1)))
        heats.append(np.array([whole if is_drawn else 0.0]))
        areas.append(np.array([(x1 - x0) * (y1 - y0)]))
        names.append(f"{title}.map")
    plane_of = sp.csr_array(sp.hstack(planes))
    return _Own(names, np.concatenate(heats), np.concatenate(areas), _cut(model, source, heating, plane_of))


def _cut(model: Model, source: HeatSource, heating: LayerHeatSource, plane: sp.csr_array) -> sp.csr_array:
    """Return shares without those outside the layer, which what is inside takes over, where anything is."""
    k, j, i = heating.window
    is_inside = np.ones((j.stop - j.start, i.stop - i.start), dtype=bool)
    for part in _different(model.part[k, j, i]):
        is_inside &= is_layer(model.geometry, part, source.part)
    if is_inside.all():
        return plane
    before = np.asarray(abs(plane).sum(axis=0)).reshape(-1)
    kept = sp.csr_array(sp.diags_array(is_inside.reshape(-1).astype(np.float64)) @ plane)
    kept.eliminate_zeros()
    left = np.asarray(abs(kept).sum(axis=0)).reshape(-1)
    scale = np.divide(before, left, out=np.zeros(left.size), where=left > BALANCED * before)
    return sp.csr_array(kept @ sp.diags_array(scale))


def _different(planes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the planes that differ from the one below."""
    last = None
    for plane in planes:
        if last is None or not np.array_equal(plane, last):
            yield plane
        last = plane
