"""Comparison of the solved local model with the global field in the same box, and the warnings about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from thermostack.errors import Diagnostic
from thermostack.finite_volume.reconstruction import FaceFluxes
from thermostack.mesh.local_model import find_positions
from thermostack.mesh.model import Model
from thermostack.package.local_region import LocalRegion
from thermostack.package.resolved_arrays import ArrayLattice
from thermostack.results.result_warnings import ADVISED_ERROR, MIN_WARNED_ERROR, WARNED_ERROR
from thermostack.results.zoom_agreement import ErrorContribution, FaceAgreement, PartAgreement, ZoomAgreement
from thermostack.units import format_quantity, format_share
from thermostack.zoom.local_boundary import SIDES, CutFaces
from thermostack.zoom.zoom_box import overlap_lengths

MAX_HEAT_DIFFERENCE = 0.05  # of the heat through the box, between the local and the global model
MAX_FACE_DIFFERENCE = 0.05  # of the range of global temperatures in the box, of the mean of a side
MAX_BOUNDARY_ERROR = WARNED_ERROR  # of the rise of a part: a larger error by the boundary is a warning
MIN_PITCHES = 3.0  # along x and y, of a resolved array in the box


class Field(Protocol):
    """A temperature field with its heat flows: a steady result, or a frame of a run."""

    @property
    def model(self) -> Model:
        """Return the cells."""

    @property
    def field(self) -> np.ndarray:
        """Return the temperature of the cells [K], NaN outside the body."""

    @property
    def fluxes(self) -> FaceFluxes:
        """Return the heat flows through the faces of the cells."""


def measure_agreement(
    parent: Field, local: Field, region: LocalRegion, cut: CutFaces, boundary: str
) -> ZoomAgreement:
    """Return the agreement of a local field with its parent in the region of the local model."""
    return ZoomAgreement(
        region.low,
        region.high,
        boundary,
        _measure_faces(local, cut),
        tuple(_measure_parts(parent, local, region)),
        local.model.total_power,
        _power_in_box(parent.model, region),
        local.model.grid.cells,
        parent.model.grid.cells,
    )


def _measure_faces(local: Field, cut: CutFaces) -> tuple[FaceAgreement, ...]:
    """Return the heat flow and the mean temperature of each side of the box in both models."""
    faces, found = cut.faces, []
    outflow = local.fluxes.boundary_outflow[find_positions(local.model.boundary, faces)]
    temperature = surface_temperatures(local, cut)
    for axis, names in enumerate(SIDES):
        for is_high, name in enumerate(names):
            own = cut.side(axis, is_high=bool(is_high))
            if own.size == 0:
                continue
            area = faces.area[own]
            means = (float(np.average(t[own], weights=area)) for t in (temperature, cut.temperature))
            heat, before = float(outflow[own].sum()), -float(cut.inflow[own].sum())
            found.append(FaceAgreement(name, float(area.sum()), heat, before, *means))
    return tuple(found)


def surface_temperatures(local: Field, cut: CutFaces) -> np.ndarray:
    """Return the temperatures of the cut faces in the local model [K], (n,)."""
    fluxes, faces = local.fluxes, cut.faces
    outflow = fluxes.boundary_outflow[find_positions(local.model.boundary, faces)]
    resistance = fluxes.resistance_of(faces.cell)[faces.axis, np.arange(faces.cell.size)]
    found: np.ndarray = local.field.reshape(-1)[faces.cell] - 0.5 * resistance * outflow
    return found


def _measure_parts(parent: Field, local: Field, region: LocalRegion) -> list[PartAgreement]:
    """Return the mean temperatures of the parts in the box in both models."""
    names = [part.name for part in parent.model.parts]
    index = {name: n for n, name in enumerate(names)}
    of_parent = [
        index.get(part.name, index.get(part.name.rpartition(".")[0], -1)) for part in local.model.parts
    ]
    means = _means(parent, np.arange(len(names)), len(names), region)
    own = _means(local, np.array(of_parent, dtype=int), len(names), region)
    return [
        PartAgreement(name, float(own[n]), float(means[n]))
        for n, name in enumerate(names)
        if np.isfinite(own[n]) and np.isfinite(means[n])
    ]


def _means(result: Field, group: np.ndarray, count: int, region: LocalRegion) -> np.ndarray:
    """Return the mean temperature [K] of groups of parts in a region, (count,), NaN of those outside."""
    grid, part = result.model.grid, result.model.part
    z, y, x = (
        overlap_lengths(planes, region.low[2 - n], region.high[2 - n])
        for n, planes in enumerate((grid.z, grid.y, grid.x))
    )
    j, i = (np.flatnonzero(lengths) for lengths in (y, x))
    area = np.outer(y[j], x[i])
    total, volume = np.zeros(count + 1), np.zeros(count + 1)
    number = np.concatenate(([count], np.where(group < 0, count, group)))
    for k in np.flatnonzero(z).tolist():
        own = number[part[k][np.ix_(j, i)]]
        t = np.where(own < count, result.field[k][np.ix_(j, i)], 0.0)
        total += np.bincount(own.ravel(), (z[k] * area * t).ravel(), count + 1)
        volume += np.bincount(own.ravel(), (z[k] * area).ravel(), count + 1)
    total += _cut_cells(result, region, (z, y, x), number, count)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: np.ndarray = (total / volume)[:count]
    return means


def _cut_cells(
    result: Field,
    region: LocalRegion,
    lengths: tuple[np.ndarray, np.ndarray, np.ndarray],
    number: np.ndarray,
    count: int,
) -> np.ndarray:
    """Return the change of integrals of the temperature [K m3] in cells that the region cuts, (count + 1,).

    The temperature of the part of a cell in the region differs from that of the cell by its mean slopes.
    """
    grid = result.model.grid
    planes, widths = (grid.z, grid.y, grid.x), (grid.dz, grid.dy, grid.dx)
    shifts = []  # of the middle of the part of a cell in the region, in cell widths
    for n, (own, width) in enumerate(zip(planes, widths, strict=True)):
        low, high = np.maximum(own[:-1], region.low[2 - n]), np.minimum(own[1:], region.high[2 - n])
        shifts.append((0.5 * (low + high) - 0.5 * (own[:-1] + own[1:])) / width)
    inside = [np.flatnonzero(each) for each in lengths]
    cells = np.zeros((0, 3), dtype=np.intp)
    for axis in range(3):
        cut = [
            index[np.abs(shift[index]) > 0.0] if n == axis else index
            for n, (index, shift) in enumerate(zip(inside, shifts, strict=True))
        ]
        cells = np.concatenate([cells, np.stack(np.meshgrid(*cut, indexing="ij"), -1).reshape(-1, 3)])
    k, j, i = np.unique(cells, axis=0).T
    solid = number[result.model.part[k, j, i]] < count
    k, j, i = k[solid], j[solid], i[solid]
    if k.size == 0:
        return np.zeros(count + 1)
    slopes = 0.5 * np.add(*result.fluxes.of_cells((k, j, i)).slopes)
    change = sum(slopes[n] * shifts[n][at] for n, at in enumerate((k, j, i)))
    volume = lengths[0][k] * lengths[1][j] * lengths[2][i]
    return np.bincount(number[result.model.part[k, j, i]], change * volume, count + 1)


def _power_in_box(model: Model, region: LocalRegion) -> float:
    """Return the described power [W] of a model in a region."""
    total = 0.0
    shares = region_shares(model, region)
    for source in model.layer_sources:
        k, j, i = source.window
        total += float(shares[0][k] @ source.shares * (shares[1][j] @ source.plane @ shares[2][i]))
    return total


def region_shares(model: Model, region: LocalRegion) -> list[np.ndarray]:
    """Return the fraction of each cell along z, y and x that lies in a region."""
    return [
        overlap_lengths(planes, region.low[2 - n], region.high[2 - n]) / np.diff(planes)
        for n, planes in enumerate((model.grid.z, model.grid.y, model.grid.x))
    ]


def boundary_error_warnings(
    errors: Iterable[ErrorContribution], maxima: Iterable[tuple[float, float]], ambients: np.ndarray
) -> list[str]:
    """Return W-ZOOM for the part whose maximum has the largest error by the boundary, relative to its rise.

    `maxima` are the maximum [K] and the power [W] of each part. Parts without power have no warning, unless
    all have none. There is none up to MAX_BOUNDARY_ERROR of the rise over the farthest of `ambients` [K].
    """
    found = [
        (each.boundary / rise, rise, each.name, power)
        for each, (peak, power) in zip(errors, maxima, strict=True)
        if each.boundary > MIN_WARNED_ERROR
        and (rise := float(np.abs(peak - ambients).max(initial=0.0))) > 0.0
    ]
    found = [each for each in found if each[3] != 0.0] or found
    if not found:
        return []
    relative, rise, name, _ = max(found)
    if not relative > MAX_BOUNDARY_ERROR:
        return []
    error, advised = (
        format_quantity(float(f"{value:.2g}"), "temperature_difference")
        for value in (relative * rise, ADVISED_ERROR * rise)
    )
    text = f"the boundary causes an estimated error of {error}, {format_share(relative)} of the rise"
    hint = f'solve the global model with --tolerance "{advised}" first'
    return [str(Diagnostic(name, text, hint, "W-ZOOM"))]


def zoom_warnings(
    agreement: ZoomAgreement | None, cut: CutFaces, region: LocalRegion, lattices: dict[str, ArrayLattice]
) -> list[str]:
    """Return W-ZOOM where the local model disagrees with the global one at the faces of its box.

    Without an agreement, as of a run that ends between two frames, only the size of the box is checked.
    """
    found = [] if agreement is None else _disagreement(agreement, cut)
    for name, lattice in lattices.items():
        pitch = lattice.medium.pitch
        width = min(region.high[axis] - region.low[axis] for axis in (0, 1))
        if width < MIN_PITCHES * pitch:
            shown = format_quantity(pitch, "length")
            text = f"the box is narrower than {MIN_PITCHES:g} pitches of {shown} of {name}"
            found.append(Diagnostic("zoom", text, "use a larger box", "W-ZOOM"))
    return [str(diagnostic) for diagnostic in found]


def _disagreement(agreement: ZoomAgreement, cut: CutFaces) -> list[Diagnostic]:
    """Return the warnings about heat flows and temperatures of the sides of a box."""
    found = []
    if agreement.boundary == "temperature" and agreement.heat_difference > MAX_HEAT_DIFFERENCE:
        text = (
            f"heat flows through the sides differ by {100.0 * agreement.heat_difference:.2g} % of the heat "
            "from those of the global model"
        )
        hint = "use a larger box, or a finer grid of the global model"
        found.append(Diagnostic("zoom", text, hint, "W-ZOOM"))
    difference = max((abs(face.mean - face.global_mean) for face in agreement.faces), default=0.0)
    span = float(np.ptp(cut.temperature)) if cut.temperature.size else 0.0
    if agreement.boundary == "flux" and difference > MAX_FACE_DIFFERENCE * span > 0.0:
        shown = format_quantity(difference, "temperature_difference")
        text = f"the mean temperature of a side differs by {shown} from that of the global model"
        hint = "use a larger box, or a finer grid of the global model"
        found.append(Diagnostic("zoom", text, hint, "W-ZOOM"))
    return found
