"""Minimum, mean and maximum temperature of parts, blocks and faces, from a solved field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thermostack.errors import Diagnostic, UnknownNameError
from thermostack.finite_volume import _part_statistics
from thermostack.finite_volume.nodal_values import OFFSETS, nodal_values
from thermostack.finite_volume.reconstruction import Cells, FaceFluxes
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model
from thermostack.schema.arguments import argument_error


@dataclass(frozen=True)
class PartTemperature:
    """The temperatures of one part, of a block, or of several parts together.

    Parameters
    ----------
    name : str
        "<stack>.<layer>" of a part, "<stack>.<layer>.<block>" of a block of its floorplan.
    power : float
        Power generated in the part [W], without leakage.
    min, mean, max : float
        Temperatures [K]. The mean is over the volume; minimum and maximum are over the whole volume.
    at : tuple of float
        Position (x, y, z) of the maximum [m].
    volume : float
        Volume of the part [m3].
    error, mean_error : float, optional
        Estimated discretisation errors of the maximum and of the mean [K]; None without an estimate.
    extrapolated, extrapolated_mean : float, optional
        Maximum and mean temperature extrapolated to cells of size zero [K], more accurate than `max` and
        `mean` in most parts; None without an estimate, where the extrapolation would be more than a fifth of
        the rise over the farthest ambient, and where a heat source has one cell across (W-GRID).
    limit : float, optional
        Maximum permitted temperature [K].
    is_block : bool
        Whether it is a block of a floorplan, which is contained in the part of its layer.
    min_margin : float, optional
        Minimum margin of several parts together [K].
    leakage : float, optional
        Leakage power at the temperatures of the result [W]; None without leakage or if it is not known.
    reference_leakage : float, optional
        Leakage power at the reference temperature [W]; None without leakage.

    Notes
    -----
    Temperatures between cell centres follow from the heat fluxes (docs/numerics.md, section 7).

    Examples
    --------
    >>> die = PartTemperature("die.active", 10.0, 350.0, 355.0, 362.0, (0.0, 0.0, 0.0), 1e-9, limit=378.0)
    >>> die.margin
    16.0
    """

    name: str
    power: float
    min: float
    mean: float
    max: float
    at: tuple[float, float, float]
    volume: float
    error: float | None = None
    mean_error: float | None = None
    extrapolated: float | None = None
    extrapolated_mean: float | None = None
    limit: float | None = None
    is_block: bool = False
    min_margin: float | None = None
    leakage: float | None = None
    reference_leakage: float | None = None

    @property
    def margin(self) -> float | None:
        """Return the limit minus the maximum [K], of several parts the minimum; None without a limit."""
        if self.min_margin is not None:
            return self.min_margin
        return None if self.limit is None else self.limit - self.max

    @property
    def exceeds(self) -> bool:
        """Return whether the maximum is above the limit, of several parts whether any is above its own."""
        return self.margin is not None and self.margin < 0.0

    @property
    def is_within_error(self) -> bool:
        """Return whether the margin is less than the estimated error, so that it may have the other sign."""
        return self.margin is not None and self.error is not None and abs(self.margin) < self.error


class PartsAndBlocks:
    """The zones of a model and volume integrals over them, plane by plane.

    A zone is a part or one of its blocks. Zones are numbered: all parts, then all blocks.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        bounds = [[edge for s in block.window for edge in (s.start, s.stop)] for block in model.blocks]
        rows = [[n, *bound] for n, bound in enumerate(bounds, len(model.parts))]
        # (blocks, 7): zone, k0, k1, j0, j1, i0, i1
        self.windows = np.array(rows, dtype=np.intp).reshape(-1, 7)
        grid = model.grid
        self._cells = _part_statistics.PartCells((grid.dz, grid.dy, grid.dx), model.part, self.windows)
        self.volume = np.zeros(self.count)  # (zones,) m3
        ones = np.ones(grid.shape[1:])
        for k in range(grid.shape[0]):
            self.add_integral(k, ones, self.volume)

    @property
    def count(self) -> int:
        """Return the number of parts and blocks."""
        return len(self.model.parts) + len(self.model.blocks)

    def add_integral(self, k: int, values: np.ndarray, sums: np.ndarray) -> None:
        """Add the volume integral over each zone of a plane of values (ny, nx) at height k to `sums`."""
        work, of_plane = np.empty(self.model.grid.shape[2]), np.zeros(self.count)
        _part_statistics.add_plane(self._cells, k, values, work, of_plane)
        sums += of_plane


@dataclass(frozen=True, eq=False)
class ZoneTemperatures:
    """Minimum, mean and maximum temperature of all zones in one field, NaN for a zone without cells."""

    min: np.ndarray  # (zones,) K
    mean: np.ndarray  # (zones,) K, over the volume
    max: np.ndarray  # (zones,) K
    hottest: (
        np.ndarray
    )  # (zones,) cell with the maximum, index in the raveled grid, -1 for a zone without cells


@dataclass(frozen=True, eq=False)
class PeakLocations:
    """The point of the maximum temperature of each zone: in a cell of the zone, and in its source cell.

    The source cell is the best conductor among the cells that share the point; its temperature determines
    that of the point.
    """

    cell: np.ndarray  # (zones,) index in the raveled grid, -1 for a zone without cells
    offset: np.ndarray  # (3, zones) -1/2, 0 or 1/2 along z, y and x
    source_cell: np.ndarray  # (zones,) index in the raveled grid
    source_offset: np.ndarray  # (3, zones) -1/2, 0 or 1/2
    rise: np.ndarray  # (3, zones) K over the centre of the source cell, for offset 0 the maximum on the axis
    slope_change: np.ndarray  # (3, zones) K, h |s_hi - s_lo| in the source cell


@dataclass(frozen=True, eq=False)
class PartMeasurements:
    """The temperatures of all zones in one field, and the positions of their maxima."""

    zones: PartsAndBlocks
    peaks: PeakLocations
    temperatures: dict[int, PartTemperature]  # by zone, each part before its blocks


def measure_parts(
    fluxes: FaceFluxes, zones: PartsAndBlocks | None = None, temperatures: ZoneTemperatures | None = None
) -> PartMeasurements:
    """Return the temperatures of every part that has cells, each followed by its blocks.

    `zones` are the parts and blocks of the model, and `temperatures` those of this field, where they are
    known already.
    """
    zones = PartsAndBlocks(fluxes.model) if zones is None else zones
    found = measure_zones(fluxes, zones) if temperatures is None else temperatures
    peaks = find_peaks(fluxes, found.hottest)
    reference, leakage = fluxes.model.leakage_of_zones(), fluxes.model.leakage_of_zones(fluxes.t)
    measured = {
        n: PartTemperature(
            name,
            power,
            float(found.min[n]),
            float(found.mean[n]),
            float(found.max[n]),
            _position(zones.model.grid, peaks, n),
            float(zones.volume[n]),
            limit=limit,
            is_block=is_block,
            leakage=None if leakage is None else float(leakage[n]),
            reference_leakage=None if reference is None else float(reference[n]),
        )
        for n, name, power, limit, is_block in _in_order(zones)
    }
    return PartMeasurements(zones, peaks, measured)


def measure_zones(
    fluxes: FaceFluxes,
    zones: PartsAndBlocks,
    *,
    bounds: tuple[float, float] | None = None,
    power_of_plane: Callable[[int], np.ndarray] | None = None,
) -> ZoneTemperatures:
    """Return the temperatures of all parts and blocks.

    `bounds` [K] are the minimum and maximum possible temperature; numerical errors beyond them are removed.
    By default they are those of a steady field: without heat sources the maximum ambient temperature,
    without heat sinks the minimum. `power_of_plane` returns the power generated in the cells at a height
    (ny, nx) [W], which shows how much heat the cells store; without it they store none.
    """
    nz = fluxes.model.grid.shape[0]
    # Integrals are summed by planes, because one long sum would accumulate rounding errors.
    integral, of_plane = np.zeros((2, zones.count))
    zone_min, zone_max = np.full(zones.count, np.inf), np.full(zones.count, -np.inf)
    hottest = np.full(zones.count, -1, dtype=np.intp)
    t_min, t_max = _steady_bounds(fluxes) if bounds is None else bounds
    planes = _part_statistics.NodalPlanes(_part_statistics.PlaneFluxes(*fluxes.plane_arrays(zones.windows)))
    for k in range(nz + 1):
        if k < nz:
            plane_power = None if power_of_plane is None else power_of_plane(k)
            integral += _measure_plane(planes, fluxes, k, of_plane, plane_power)
        planes.join(k)
        if k > 0:
            planes.update_extremes(k - 1, t_min, t_max, zone_min, zone_max, hottest)
    has_cells = zones.volume > 0.0
    mean = np.divide(integral, zones.volume, out=np.full(zones.count, np.nan), where=has_cells)
    zone_min[~has_cells] = zone_max[~has_cells] = np.nan
    return ZoneTemperatures(zone_min, np.clip(mean, zone_min, zone_max), zone_max, hottest)


PlaneConductivity = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]  # of cells, low and high halves


def plane_conductivities(fluxes: FaceFluxes) -> list[PlaneConductivity]:
    """Return the conductivities of all planes of cells [W/(m K)], for several fields with the same ones."""
    found = []
    for k in range(fluxes.model.grid.shape[0]):
        plane = fluxes.conductivity.plane(k)
        found.append((plane, *fluxes.conductivity.halves(k, plane)))
    return found


def measure_means(
    fluxes: FaceFluxes, zones: PartsAndBlocks, conductivities: Sequence[PlaneConductivity] | None = None
) -> np.ndarray:
    """Return the mean temperatures of parts and blocks in a steady field [K], NaN without cells, (zones,).

    `conductivities` are those of `plane_conductivities`, where they are known already.

    They are those of `measure_zones` without bounds, and depend linearly on the field and on the heat flow
    through the boundary faces.
    """
    planes = _part_statistics.NodalPlanes(_part_statistics.PlaneFluxes(*fluxes.plane_arrays(zones.windows)))
    integral, of_plane = np.zeros((2, zones.count))
    for k in range(fluxes.model.grid.shape[0]):
        known = None if conductivities is None else conductivities[k]
        integral += _measure_plane(planes, fluxes, k, of_plane, conductivity=known)
    means = np.full(zones.count, np.nan)
    np.divide(integral, zones.volume, out=means, where=zones.volume > 0.0)
    return means


def _measure_plane(
    planes: Any,
    fluxes: FaceFluxes,
    k: int,
    integral: np.ndarray,
    power: np.ndarray | None = None,
    conductivity: PlaneConductivity | None = None,
) -> np.ndarray:
    """Return the integral over each zone of the cells at height k [K m3], in `integral` (zones,).

    `power` (ny, nx) [W] is generated in them, None in a steady field.
    """
    integral[:] = 0.0
    if conductivity is None:
        plane = fluxes.conductivity.plane(k)
        conductivity = (plane, *fluxes.conductivity.halves(k, plane))
    plane, low, high = conductivity
    planes.measure(k, plane, low, high, np.zeros((0, 0)) if power is None else power, integral)
    return integral


def find_peaks(fluxes: FaceFluxes, hottest: np.ndarray) -> PeakLocations:
    """Return the maxima in the hottest cells (zones,), at least one of them a cell of the body."""
    in_body = np.where(hottest < 0, hottest.max(), hottest)  # any cell of the body for a zone without cells
    k, j, i = np.unravel_index(in_body, fluxes.t.shape)
    cells = (k, j, i)
    nodes = nodal_values(fluxes, cells)
    point = nodes.hottest()
    n = np.arange(hottest.size)
    steps = nodes.source[(slice(None), *point, n)]
    source: Cells = tuple(index + step for index, step in zip(cells, steps, strict=True))
    offset = OFFSETS[point]
    source_offset = offset - steps
    a, b = fluxes.of_cells(source).slopes
    largest = np.max([-0.5 * a, np.zeros(a.shape), 0.5 * b], axis=0)
    rise = np.where(source_offset < 0.0, -0.5 * a, np.where(source_offset > 0.0, 0.5 * b, largest))
    source_cell = np.ravel_multi_index(source, fluxes.t.shape)
    return PeakLocations(hottest, offset, source_cell, source_offset, rise, np.abs(b - a))


def _in_order(zones: PartsAndBlocks) -> Iterator[tuple[int, str, float, float | None, bool]]:
    """Yield zone, name, power [W], limit [K] and whether it is a block, each part before its blocks."""
    model = zones.model
    blocks: dict[int, list[int]] = {}  # zones of the blocks of each part
    for zone, block in enumerate(model.blocks, len(model.parts)):
        blocks.setdefault(block.part, []).append(zone)
    for n, part in enumerate(model.parts):
        if zones.volume[n] > 0.0:
            yield n, part.name, float(model.power_of_parts[n]), part.limit, False
        for zone in blocks.get(n, ()):
            block = model.blocks[zone - len(model.parts)]
            if zones.volume[zone] > 0.0:
                yield zone, block.name, block.power, part.limit, True


def _steady_bounds(fluxes: FaceFluxes) -> tuple[float, float]:
    """Return the bounds of temperatures [K]: ambient temperatures, infinite with a heat sink or source."""
    boundary = fluxes.model.boundary
    ambient = boundary.temperature[boundary.h > 0.0]
    sources = [*(source.plane for source in fluxes.model.layer_sources), boundary.flux]
    heat_min = min((float(heat.min()) for heat in sources if heat.size), default=0.0)
    heat_max = max((float(heat.max()) for heat in sources if heat.size), default=0.0)
    t_min = float(ambient.min()) if heat_min >= 0.0 else -np.inf
    return t_min, float(ambient.max()) if heat_max <= 0.0 else np.inf


def _position(grid: Grid, peaks: PeakLocations, n: int) -> tuple[float, float, float]:
    """Return the position (x, y, z) of the maximum of a zone [m]."""
    z, y, x = (
        _coordinate(planes, int(index), offset)
        for planes, index, offset in zip(
            (grid.z, grid.y, grid.x),
            np.unravel_index(peaks.cell[n], grid.shape),
            peaks.offset[:, n].tolist(),
            strict=True,
        )
    )
    return x, y, z


def _coordinate(planes: np.ndarray, index: int, offset: float) -> float:
    """Return the coordinate [m] at -0.5 to 0.5 of the width of a cell from its centre."""
    low, high = float(planes[index]), float(planes[index + 1])
    if abs(offset) == 0.5:
        return high if offset > 0.0 else low
    return 0.5 * (low + high) + offset * (high - low)


@dataclass(frozen=True)
class FaceTemperature:
    """The temperatures of one face of a part or stack, reconstructed from the heat flux through it.

    Parameters
    ----------
    name : str
        Name of the part or stack.
    side : str
        "bottom", "top", "south", "north", "west" or "east".
    area : float
        Area of the face [m2].
    heat : float
        Heat flow out of the part through the face [W].
    min, mean, max : float
        Temperatures of the face [K]; the mean is over the area.

    Examples
    --------
    >>> case = FaceTemperature("lid", "top", 4e-4, 50.0, 340.0, 342.0, 346.5)
    >>> case.max - case.min
    6.5
    """

    name: str
    side: str
    area: float
    heat: float
    min: float
    mean: float
    max: float


SIDES = {"bottom": (0, False), "top": (0, True), "south": (1, False), "north": (1, True)}
SIDES |= {"west": (2, False), "east": (2, True)}  # axis z, y, x and whether the face is at the high side


def measure_face(fluxes: FaceFluxes, name: str, parts: Sequence[int], side: str) -> FaceTemperature:
    """Return the temperatures of one outer face of some parts together, given by their indices.

    The junction is the bottom of the silicon of a die, the case the top of the lid. Raises UnknownNameError
    for an unknown side, ArgumentError where the parts have no face on that side.
    """
    if side not in SIDES:
        hint = f"there are {', '.join(SIDES)}"
        raise UnknownNameError(Diagnostic("side", f"no side is named {side!r}", hint, "E-NAME"))
    axis, is_high = SIDES[side]
    grid, part = fluxes.model.grid, fluxes.model.part
    belongs = np.zeros(len(fluxes.model.parts) + 1, dtype=bool)
    belongs[np.asarray(parts) + 1] = True
    areas, flows, values = [], [], []
    for k in range(grid.shape[0]):
        j, i = np.nonzero(_face_cells(belongs, part, k, axis, 1 if is_high else -1))
        if j.size == 0:
            continue
        cells = np.full(j.shape, k), j, i
        flux = fluxes.of_cells(cells)
        a, b = (slope[axis] for slope in flux.slopes)
        widths = np.full(j.shape, grid.dz[k]), grid.dy[j], grid.dx[i]
        areas.append(np.prod([width for n, width in enumerate(widths) if n != axis], axis=0))
        flows.append(flux.high[axis] if is_high else -flux.low[axis])
        values.append(fluxes.t[cells] + (0.5 * b if is_high else -0.5 * a))
    if not values:
        raise argument_error("side", f"{name} has no face at its {side}")
    area, heat, t = (np.concatenate(pieces) for pieces in (areas, flows, values))
    coldest, hottest = float(t.min()), float(t.max())
    mean = min(max(float(np.average(t, weights=area)), coldest), hottest)
    return FaceTemperature(name, side, float(area.sum()), float(heat.sum()), coldest, mean, hottest)


def _face_cells(belongs: np.ndarray, part: np.ndarray, k: int, axis: int, step: int) -> np.ndarray:
    """Return the cells of some parts at height k whose neighbour is in none of them, (ny, nx) bool."""
    inside = belongs[part[k]]
    neighbour = np.zeros_like(inside)
    if axis == 0 and 0 <= k + step < part.shape[0]:
        neighbour = belongs[part[k + step]]
    elif axis > 0:
        here, there = (slice(None, -1), slice(1, None))[::step]
        along = (slice(None),) * (axis - 1)
        neighbour[(*along, here)] = inside[(*along, there)]
    is_face: np.ndarray = inside & ~neighbour
    return is_face


def merge_parts(name: str, parts: Sequence[PartTemperature]) -> PartTemperature:
    """Return the temperatures of several parts together, with the limit that has the minimum margin."""
    hottest = max(parts, key=lambda part: part.max)
    coldest = min(part.min for part in parts)
    volume = sum(part.volume for part in parts)
    mean = sum(part.mean * part.volume for part in parts) / volume
    margins = [(part.margin, part.limit) for part in parts if part.margin is not None]
    margin, limit = min(margins, key=lambda pair: pair[0], default=(None, None))
    return replace(
        hottest,
        name=name,
        power=sum(part.power for part in parts),
        min=coldest,
        mean=min(max(mean, coldest), hottest.max),  # rounding does not exceed the extremes
        volume=volume,
        mean_error=_volume_mean([part.mean_error for part in parts], parts),
        extrapolated_mean=_volume_mean([part.extrapolated_mean for part in parts], parts),
        limit=limit,
        min_margin=margin,
        leakage=_sum([part.leakage for part in parts]),
        reference_leakage=_sum([part.reference_leakage for part in parts]),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    """Return the sum of the known values, None without any."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _volume_mean(values: Sequence[float | None], parts: Sequence[PartTemperature]) -> float | None:
    """Return the mean of a value of each part [K], weighted by volume; None where one is unknown."""
    known = [value * part.volume for value, part in zip(values, parts, strict=True) if value is not None]
    return sum(known) / sum(part.volume for part in parts) if len(known) == len(values) else None
