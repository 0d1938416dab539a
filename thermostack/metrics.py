"""What an engineer asks of a field: the temperatures of the parts, and where the heat goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from thermostack.cooling import FACES
from thermostack.grid import Grid
from thermostack.model import Model
from thermostack.reconstruction import Fluxes, crest
from thermostack.surfaces import SURROUNDINGS


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
    by_face = np.bincount(model.surfaces.face, weights=fluxes.leaving, minlength=SURROUNDINGS + 1)
    present = np.bincount(model.surfaces.face, minlength=SURROUNDINGS + 1) > 0
    names = (*FACES, "surroundings")
    out = {names[n]: float(by_face[n]) for n in range(SURROUNDINGS + 1) if present[n]}
    return HeatBalance(model.total_power, out)


@dataclass(frozen=True)
class Peak:
    """Where a part is hottest: its cell (k, j, i), and in it the place from -1/2 to 1/2 along z, y and x."""

    cell: tuple[int, int, int]
    offset: tuple[float, ...]
    rise: tuple[float, ...]  # K over the centre of the cell, along z, y and x


class Members:
    """The parts of a model that have cells and their heated blocks, and sums and maxima over them.

    Everything is taken plane by plane, so that nothing as large as the field is held beside it.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.present = np.flatnonzero(np.bincount(model.part.ravel(), minlength=len(model.parts) + 1)[1:])
        self.windows = [block.window for block in model.blocks]
        self.volume = np.zeros(self.count)  # (members,) m3: parts, then blocks
        for k in range(model.grid.shape[0]):
            self.volume += self.sums(k, np.ones(model.grid.shape[1:]))

    def sums(self, k: int, values: np.ndarray) -> np.ndarray:
        """Return the integral of a plane of values over the volume of each member at height k."""
        grid, parts = self.model.grid, len(self.model.parts)
        weighted = grid.dz[k] * grid.dy[:, None] * grid.dx * values
        total = np.zeros(self.count)
        total[:parts] = np.bincount(self.model.part[k].ravel(), weighted.ravel(), minlength=parts + 1)[1:]
        for n, (_, rows, columns) in self.blocks_at(k):
            total[n] = (weighted[rows, columns] * (self.model.part[k, rows, columns] > 0)).sum()
        return total

    @property
    def count(self) -> int:
        """Return the number of parts and blocks."""
        return len(self.model.parts) + len(self.windows)

    def blocks_at(self, k: int) -> Iterator[tuple[int, tuple[slice, slice, slice]]]:
        """Yield the number among the members and the window of every block that has cells at height k."""
        for n, window in enumerate(self.windows, len(self.model.parts)):
            if window[0].start <= k < window[0].stop:
                yield n, window

    def maxima(self, k: int, values: np.ndarray) -> np.ndarray:
        """Return the greatest of a plane of values in each member at height k, -inf where it has no cell."""
        parts = len(self.model.parts)
        greatest = np.full(self.count + 1, -np.inf)
        np.maximum.at(greatest[: parts + 1], self.model.part[k].ravel(), values.ravel())
        for n, (_, rows, columns) in self.blocks_at(k):
            inside = self.model.part[k, rows, columns] > 0
            greatest[n + 1] = values[rows, columns].max(initial=-np.inf, where=inside)
        return greatest[1:]

    def find(self, n: int, k: int, values: np.ndarray, value: float) -> tuple[int, int]:
        """Return (j, i) of the cell of member n at height k that has a value."""
        parts = len(self.model.parts)
        if n < parts:
            j, i = np.argwhere((values == value) & (self.model.part[k] == n + 1))[0]
            return int(j), int(i)
        _, rows, columns = self.windows[n - parts]
        j, i = np.argwhere((values[rows, columns] == value) & (self.model.part[k, rows, columns] > 0))[0]
        return int(j) + rows.start, int(i) + columns.start


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found in one field: the members, their temperatures, and where each is hottest."""

    members: Members
    peaks: dict[int, Peak]  # by member
    temperatures: dict[int, PartTemperature]  # by member, each part before its blocks


def measure_parts(fluxes: Fluxes) -> Measured:
    """Return the temperatures of every part that has cells, each followed by its heated blocks."""
    model, members = fluxes.model, Members(fluxes.model)
    low_bound, high_bound = _bounds(fluxes)
    highest, lowest = (np.full(members.count, -np.inf) for _ in range(2))  # lowest: of -T
    integral = np.zeros(members.count)
    peaks: dict[int, Peak] = {}
    for k in range(model.grid.shape[0]):
        a, b = fluxes.plane(k).slopes
        before, beyond = fluxes.hotter(k)
        x, rise = crest(a, b, before, beyond)
        colder = (np.where(np.isfinite(step), -step, np.inf) for step in (before, beyond))
        fall = crest(-a, -b, *colder)[1]
        high = np.minimum(fluxes.t[k] + rise.sum(axis=0), high_bound)
        low = np.maximum(fluxes.t[k] - fall.sum(axis=0), low_bound)
        integral += members.sums(k, fluxes.t[k] + (b - a).sum(axis=0) / 24.0)
        lowest = np.maximum(lowest, members.maxima(k, -low))
        here = members.maxima(k, high)
        for n in np.flatnonzero(here > highest).tolist():
            j, i = members.find(n, k, high, here[n])
            peaks[n] = Peak((k, j, i), tuple(x[:, j, i].tolist()), tuple(rise[:, j, i].tolist()))
        highest = np.maximum(highest, here)
    temperatures = {}
    for n, name, power, limit, is_block in _in_order(members):
        temperatures[n] = PartTemperature(
            name,
            power,
            float(-lowest[n]),
            float(integral[n] / members.volume[n]),
            float(highest[n]),
            _position(model.grid, peaks[n]),
            float(members.volume[n]),
            limit=limit,
            is_block=is_block,
        )
    return Measured(members, peaks, temperatures)


def _in_order(members: Members) -> Iterator[tuple[int, str, float, float | None, bool]]:
    """Yield number, name, heat [W], limit [K] and kind of every member, each part before its blocks."""
    model = members.model
    for n in members.present.tolist():
        part = model.parts[n]
        yield n, part.name, float(model.power_of_parts[n]), part.limit, False
        for m, block in enumerate(model.blocks, len(model.parts)):
            if block.part == n:
                yield m, block.name, block.power, part.limit, True


def _bounds(fluxes: Fluxes) -> tuple[float, float]:
    """Return what no temperature [K] can pass: those outside, where nothing heats or cools within."""
    surfaces = fluxes.model.surfaces
    fixed = surfaces.temperature[surfaces.h > 0.0]
    heats = [*(source.plane for source in fluxes.model.heating), surfaces.flux]
    least = min((float(heat.min()) for heat in heats if heat.size), default=0.0)
    most = max((float(heat.max()) for heat in heats if heat.size), default=0.0)
    return float(fixed.min()) if least >= 0.0 else -np.inf, float(fixed.max()) if most <= 0.0 else np.inf


def _position(grid: Grid, peak: Peak) -> tuple[float, float, float]:
    (k, j, i), (z, y, x) = peak.cell, peak.offset
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
    inside = belongs[part]
    ends = inside & ~_shifted(inside, axis, is_high)
    areas, heats, values = [], [], []
    for k in np.flatnonzero(ends.any(axis=(1, 2))).tolist():
        flux, chosen = fluxes.plane(k), ends[k]
        a, b = (slope[axis] for slope in flux.slopes)
        face = fluxes.t[k] + (0.5 * b if is_high else -0.5 * a)
        plan = (grid.dy[:, None] * grid.dx, grid.dz[k] * grid.dx, grid.dz[k] * grid.dy[:, None])[axis]
        areas.append(np.broadcast_to(plan, chosen.shape)[chosen])
        heats.append((flux.high[axis] if is_high else -flux.low[axis])[chosen])
        values.append(face[chosen])
    if not values:
        raise ValueError(f"{name} has no face at its {side}")
    area, heat, t = (np.concatenate(pieces) for pieces in (areas, heats, values))
    mean = float(np.average(t, weights=area))
    return FaceTemperature(
        name, side, float(area.sum()), float(heat.sum()), float(t.min()), mean, float(t.max())
    )


def _shifted(inside: np.ndarray, axis: int, is_high: bool) -> np.ndarray:
    """Return whether the neighbour of each cell on one side is inside too."""
    neighbour = np.zeros_like(inside)
    here, there = [slice(None)] * 3, [slice(None)] * 3
    here[axis], there[axis] = (
        (slice(None, -1), slice(1, None)) if is_high else (slice(1, None), slice(None, -1))
    )
    neighbour[tuple(here)] = inside[tuple(there)]
    return neighbour


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
