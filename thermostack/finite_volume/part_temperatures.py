"""What an engineer asks of a field: the temperatures of the parts, and where the heat goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from thermostack.finite_volume import _part_statistics
from thermostack.finite_volume.reconstruction import Fluxes, cell_extremum
from thermostack.mesh.boundary_faces import SURROUNDINGS
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model
from thermostack.package.cooling import FACES


@dataclass(frozen=True)
class PartTemperature:
    """The temperatures of one part, or of several taken together.

    Means are over the volume; least and greatest temperatures over all of it, rebuilt between the
    cell centres from the fluxes.
    """

    name: str
    power: float  # W
    min: float  # K
    mean: float  # K
    max: float  # K
    at: tuple[float, float, float]  # m, where the greatest is
    volume: float  # m3
    error: float | None = None  # K, of the greatest; None: not estimated
    mean_error: float | None = None  # K
    extrapolated: float | None = None  # K, the greatest with the estimated part of its error removed
    limit: float | None = None  # K
    is_block: bool = False  # of a floorplan: a piece of the part of its layer
    least_margin: float | None = None  # K, of parts taken together: of the one nearest to its limit

    @property
    def margin(self) -> float | None:
        """Return how far the greatest temperature is below the limit [K], of several the least."""
        if self.least_margin is not None:
            return self.least_margin
        return None if self.limit is None else self.limit - self.max


@dataclass(frozen=True)
class HeatBalance:
    """Heat in and out [W]: what the parts make, and what leaves through each face (negative: enters)."""

    heat_in: float
    out: dict[str, float]

    @property
    def imbalance(self) -> float:
        """Return the heat that is neither stored nor leaves [W]."""
        return self.heat_in - sum(self.out.values())

    @property
    def relative(self) -> float:
        """Return the imbalance relative to the heat that passes through."""
        passing = max(abs(self.heat_in), sum(abs(heat) for heat in self.out.values()) / 2.0)
        return abs(self.imbalance) / passing if passing > 0.0 else 0.0

    def __str__(self) -> str:
        """Return a line per face."""
        rows = [f"{'heat in':<18}{self.heat_in:12.5g} W"]
        rows += [f"{'out ' + face:<18}{heat:12.5g} W" for face, heat in self.out.items()]
        return "\n".join([*rows, f"{'imbalance':<18}{self.imbalance:12.2g} W  ({self.relative:.1e})"])


def balance_heat(fluxes: Fluxes) -> HeatBalance:
    """Return the heat that the parts make and what leaves through each face [W]."""
    model = fluxes.model
    by_face = np.bincount(model.boundary.face, weights=fluxes.leaving, minlength=SURROUNDINGS + 1)
    present = np.bincount(model.boundary.face, minlength=SURROUNDINGS + 1) > 0
    names = (*FACES, "surroundings")
    out = {names[n]: float(by_face[n]) for n in range(SURROUNDINGS + 1) if present[n]}
    return HeatBalance(model.total_power, out)


class PartsAndBlocks:
    """The parts of a model and their heated blocks, and integrals over them, plane by plane."""

    def __init__(self, model: Model) -> None:
        self.model = model
        bounds = [[edge for s in block.window for edge in (s.start, s.stop)] for block in model.blocks]
        rows = [[n, *bound] for n, bound in enumerate(bounds, len(model.parts))]
        self.windows = np.array(rows, dtype=np.intp).reshape(
            -1, 7
        )  # of blocks: member, k0, k1, j0, j1, i0, i1
        self.volume = np.zeros(self.count)  # (members,) m3: parts, then blocks
        ones = np.ones(model.grid.shape[1:])
        for k in range(model.grid.shape[0]):
            self.add(k, ones, self.volume)

    @property
    def count(self) -> int:
        """Return the number of parts and blocks."""
        return len(self.model.parts) + len(self.model.blocks)

    def add(self, k: int, values: np.ndarray, sums: np.ndarray) -> None:
        """Add the integral of a plane of values (ny, nx) over the volume of each member at height k."""
        grid, part = self.model.grid, self.model.part
        row, of_plane = np.empty((1, grid.shape[2])), np.zeros(self.count)
        _part_statistics.add_plane(k, part, grid.dz, grid.dy, grid.dx, self.windows, values, row, of_plane)
        sums += of_plane


@dataclass(frozen=True, eq=False)
class PeakLocations:
    """Where each member is hottest: its cell, and in it the place from -1/2 to 1/2 along z, y and x."""

    cell: np.ndarray  # (members,) index in the raveled grid, -1 where the member has no cell
    offset: np.ndarray  # (3, members)
    rise: np.ndarray  # (3, members) K over the centre of the cell
    bend: np.ndarray  # (3, members) K, h |s_hi - s_lo|


@dataclass(frozen=True, eq=False)
class PartMeasurements:
    """What was found in one field: the members, their temperatures, and where each is hottest."""

    members: PartsAndBlocks
    peaks: PeakLocations
    temperatures: dict[int, PartTemperature]  # by member, each part before its blocks


def measure_parts(
    fluxes: Fluxes,
    members: PartsAndBlocks | None = None,
    power: np.ndarray | None = None,
    *,
    is_steady: bool = True,
) -> PartMeasurements:
    """Return the temperatures of every part that has cells, each followed by its heated blocks.

    `members` are those of the model, if they are there already, `power` (members,) their heat [W] where it
    is not the drawn one. A steady temperature cannot pass those outside where nothing heats or cools within.
    """
    model, c = fluxes.model, fluxes.conduction
    members = PartsAndBlocks(model) if members is None else members
    grid, (nz, ny, nx) = model.grid, model.grid.shape
    # Summed by planes, because one long sum would gather its rounding.
    integral, of_plane = np.zeros((2, members.count))
    conductivity = np.zeros((3, members.count))
    lowest, highest = np.full(members.count, np.inf), np.full(members.count, -np.inf)
    hottest = np.full(members.count, -1, dtype=np.intp)
    work = np.empty((_part_statistics.WORK_ROWS, nx + 2))
    least, most = _bounds(fluxes) if is_steady else (-np.inf, np.inf)
    for k in range(nz):
        plane, surfaces = fluxes.conductivity.plane(k), fluxes.surfaces_of_plane(k)
        of_plane[:] = 0.0
        _part_statistics.measure_plane(
            k,
            c.g_x,
            c.g_y,
            c.g_z,
            fluxes.t,
            model.part,
            plane,
            grid.dz,
            grid.dy,
            grid.dx,
            surfaces.column,
            surfaces.axis,
            surfaces.is_high,
            fluxes.leaving[surfaces.which],
            members.windows,
            least,
            most,
            work,
            of_plane,
            lowest,
            highest,
            hottest,
        )
        integral += of_plane
        here = np.flatnonzero(hottest // (ny * nx) == k)
        conductivity[:, here] = plane.reshape(3, -1)[:, hottest[here] % (ny * nx)]
    peaks = _find_peaks(fluxes, hottest, conductivity)
    temperatures = {
        n: PartTemperature(
            name,
            drawn if power is None else float(power[n]),
            float(lowest[n]),
            float(integral[n] / members.volume[n]),
            float(highest[n]),
            _position(grid, peaks, n),
            float(members.volume[n]),
            limit=limit,
            is_block=is_block,
        )
        for n, name, drawn, limit, is_block in _in_order(members)
    }
    return PartMeasurements(members, peaks, temperatures)


def _find_peaks(fluxes: Fluxes, hottest: np.ndarray, conductivity: np.ndarray) -> PeakLocations:
    """Return where in their hottest cells, of conductivities [W/(m K)] (3, members), the members peak."""
    k, j, i = np.unravel_index(np.maximum(hottest, 0), fluxes.t.shape)
    a, b = fluxes.of_cells((k, j, i), conductivity).slopes
    return PeakLocations(hottest, *cell_extremum(a, b, *fluxes.hotter((k, j, i))), np.abs(b - a))


def _in_order(members: PartsAndBlocks) -> Iterator[tuple[int, str, float, float | None, bool]]:
    """Yield number, name, heat [W], limit [K] and kind of every member, each part before its blocks."""
    model = members.model
    for n, part in enumerate(model.parts):
        if members.volume[n] == 0.0:
            continue
        yield n, part.name, float(model.power_of_parts[n]), part.limit, False
        for m, block in enumerate(model.blocks, len(model.parts)):
            if block.part == n:
                yield m, block.name, block.power, part.limit, True


def _bounds(fluxes: Fluxes) -> tuple[float, float]:
    """Return what no temperature [K] can pass: those outside, where nothing heats or cools within."""
    surfaces = fluxes.model.boundary
    fixed = surfaces.temperature[surfaces.h > 0.0]
    heats = [*(source.plane for source in fluxes.model.layer_sources), surfaces.flux]
    least = min((float(heat.min()) for heat in heats if heat.size), default=0.0)
    most = max((float(heat.max()) for heat in heats if heat.size), default=0.0)
    return float(fixed.min()) if least >= 0.0 else -np.inf, float(fixed.max()) if most <= 0.0 else np.inf


def _position(grid: Grid, peaks: PeakLocations, n: int) -> tuple[float, float, float]:
    """Return the place [m] where a member is hottest."""
    k, j, i = np.unravel_index(peaks.cell[n], grid.shape)
    z, y, x = peaks.offset[:, n].tolist()
    return (
        float(grid.x_center[i] + x * grid.dx[i]),
        float(grid.y_center[j] + y * grid.dy[j]),
        float(grid.z_center[k] + z * grid.dz[k]),
    )


@dataclass(frozen=True)
class FaceTemperature:
    """The temperatures of one side of a part or stack, rebuilt from the heat through it."""

    name: str
    side: str  # of FACES
    area: float  # m2
    heat: float  # W out of the part through this side
    min: float  # K
    mean: float  # K, over the area
    max: float  # K


SIDES = {"bottom": (0, False), "top": (0, True), "south": (1, False), "north": (1, True)}
SIDES |= {"west": (2, False), "east": (2, True)}  # axis z, y, x and whether the high side


def measure_face(fluxes: Fluxes, name: str, members: Sequence[int], side: str) -> FaceTemperature:
    """Return the temperatures of the side of some parts (their indices) where they end.

    A junction is the bottom of a die's silicon, a case the top of the lid. Raises KeyError where there is
    no such side, ValueError where the parts have no face there.
    """
    if side not in SIDES:
        raise KeyError(f"no side is named {side!r}; there are {', '.join(SIDES)}")
    axis, is_high = SIDES[side]
    grid, part = fluxes.model.grid, fluxes.model.part
    belongs = np.zeros(len(fluxes.model.parts) + 1, dtype=bool)
    belongs[np.asarray(members) + 1] = True
    areas, heats, values = [], [], []
    for k in range(grid.shape[0]):
        j, i = np.nonzero(_ends(belongs, part, k, axis, 1 if is_high else -1))
        if j.size == 0:
            continue
        cells = np.full(j.shape, k), j, i
        flux = fluxes.of_cells(cells, fluxes.conductivity.plane(k)[:, j, i])
        a, b = (slope[axis] for slope in flux.slopes)
        widths = np.full(j.shape, grid.dz[k]), grid.dy[j], grid.dx[i]
        areas.append(np.prod([width for n, width in enumerate(widths) if n != axis], axis=0))
        heats.append(flux.high[axis] if is_high else -flux.low[axis])
        values.append(fluxes.t[cells] + (0.5 * b if is_high else -0.5 * a))
    if not values:
        raise ValueError(f"{name} has no face at its {side}")
    area, heat, t = (np.concatenate(pieces) for pieces in (areas, heats, values))
    mean = float(np.average(t, weights=area))
    return FaceTemperature(
        name, side, float(area.sum()), float(heat.sum()), float(t.min()), mean, float(t.max())
    )


def _ends(belongs: np.ndarray, part: np.ndarray, k: int, axis: int, step: int) -> np.ndarray:
    """Return which cells at height k belong, and their neighbours along an axis do not, (ny, nx)."""
    inside = belongs[part[k]]
    beside = np.zeros_like(inside)
    if axis == 0 and 0 <= k + step < part.shape[0]:
        beside = belongs[part[k + step]]
    elif axis > 0:
        here, there = (slice(None, -1), slice(1, None))[::step]
        along = (slice(None),) * (axis - 1)
        beside[(*along, here)] = inside[(*along, there)]
    ends: np.ndarray = inside & ~beside
    return ends


def merge_parts(name: str, parts: Sequence[PartTemperature]) -> PartTemperature:
    """Return several parts taken together; limit and margin are those of the part nearest to its limit."""
    hottest = max(parts, key=lambda part: part.max)
    volume = sum(part.volume for part in parts)
    mean = sum(part.mean * part.volume for part in parts) / volume
    mean_errors = [part.mean_error for part in parts]
    known = all(error is not None for error in mean_errors)
    margins = [(part.margin, part.limit) for part in parts if part.margin is not None]
    margin, limit = min(margins, key=lambda pair: pair[0], default=(None, None))
    return replace(
        hottest,
        name=name,
        power=sum(part.power for part in parts),
        min=min(part.min for part in parts),
        mean=mean,
        volume=volume,
        mean_error=sum((part.mean_error or 0.0) * part.volume for part in parts) / volume if known else None,
        limit=limit,
        least_margin=margin,
    )
