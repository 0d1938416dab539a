"""Extremes of all cells of a field in NumPy: the twin of the kernel `NodalPlanes`."""

from __future__ import annotations

from dataclasses import fields
from itertools import product

import numpy as np

from thermostack.finite_volume.nodal_values import CONTACT_TOLERANCE
from thermostack.finite_volume.reconstruction import CellFluxes, Cells, FaceFluxes, cell_resistance

AXES = (0, 1, 2)
CORNERS = list(product((0, 1), repeat=3))
FIRST_AND_LAST = (slice(None, -1), slice(1, None))


def cells_of_plane(fluxes: FaceFluxes, k: int) -> Cells:
    """Return the indices of the cells at height k, each (ny, nx)."""
    j, i = np.indices(fluxes.t.shape[1:])
    return np.full(j.shape, k), j, i


def plane_fluxes(fluxes: FaceFluxes, k: int) -> CellFluxes:
    """Return the fluxes of the cells at height k, arrays (3, ny, nx), with the halves of the plane."""
    cells = cells_of_plane(fluxes, k)
    plane = fluxes.conductivity.plane(k)
    low, high = (plane if half is None else half for half in fluxes.conductivity.halves(k, plane))
    found, grid = fluxes.of_cells(cells), fluxes.model.grid
    resistances = (cell_resistance(grid, half, cells) for half in (low, high))
    return CellFluxes(found.low, found.high, plane, *resistances)


def all_fluxes(fluxes: FaceFluxes) -> CellFluxes:
    """Return the fluxes of all cells, arrays (3, nz, ny, nx)."""
    planes = [plane_fluxes(fluxes, k) for k in range(fluxes.t.shape[0])]
    return CellFluxes(
        *(np.stack([getattr(plane, each.name) for plane in planes], axis=1) for each in fields(CellFluxes))
    )


def shifted(values: np.ndarray, corner: tuple[int, ...], fill: float | bool) -> np.ndarray:
    """Return the values of the cells on one side of every vertex, (nz + 1, ny + 1, nx + 1)."""
    padded = np.pad(values, 1, constant_values=fill)
    return padded[tuple(slice(c, c + n + 1) for c, n in zip(corner, values.shape, strict=True))]


def joints(fluxes: FaceFluxes, flux: CellFluxes) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return for each axis whether each cell and the next one touch without contact, and with one."""
    is_body, c = fluxes.model.part > 0, fluxes.conduction
    found, contacts = [], []
    for axis, g in zip(AXES, (c.g_z, c.g_y, c.g_x), strict=True):
        low, high = (tuple(side if n == axis else slice(None) for n in AXES) for side in FIRST_AND_LAST)
        half = 0.5 * (flux.resistance_high[axis][low] + flux.resistance_low[axis][high])
        joined = np.zeros(is_body.shape, dtype=bool)  # to the next cell along the axis
        contact = np.zeros(is_body.shape, dtype=bool)
        contact[low] = is_body[low] & is_body[high] & (g * half < 1.0 - CONTACT_TOLERANCE)
        joined[low] = is_body[low] & is_body[high] & ~contact[low]
        found.append(joined)
        contacts.append(contact)
    return found, contacts


def groups(
    joined: list[np.ndarray], contacts: list[np.ndarray], shape: tuple[int, ...]
) -> dict[tuple[int, ...], np.ndarray]:
    """Return for each cell around every vertex the number of the first cell that it is connected to.

    A contact at one of the four faces along an axis separates the cells at all of them.
    """
    is_cut = [
        np.logical_or.reduce([shifted(contact, corner, False) for corner in CORNERS if corner[axis] == 0])
        for axis, contact in enumerate(contacts)
    ]
    group = {corner: np.full(shape, n) for n, corner in enumerate(CORNERS)}
    for _ in CORNERS:
        for axis in AXES:
            for corner in CORNERS:
                if corner[axis]:
                    continue
                other = tuple(1 if n == axis else c for n, c in enumerate(corner))
                is_joined = shifted(joined[axis], corner, False) & ~is_cut[axis]
                first = np.minimum(group[corner], group[other])
                group[corner] = np.where(is_joined, first, group[corner])
                group[other] = np.where(is_joined, first, group[other])
    return group


def plain_extremes(fluxes: FaceFluxes) -> tuple[np.ndarray, np.ndarray]:
    """Return the minimum and the maximum temperature [K] of each cell, not bounded by the ambient."""
    flux = all_fluxes(fluxes)
    a, b = flux.slopes
    t, is_body = fluxes.t, fluxes.model.part > 0
    low = t + np.minimum(np.minimum(-0.5 * a, 0.5 * b).min(axis=0), 0.0)
    high = t + np.maximum(np.maximum(-0.5 * a, 0.5 * b).max(axis=0), 0.0)
    group = groups(*joints(fluxes, flux), tuple(n + 1 for n in t.shape))
    face_rise = {
        corner: np.stack(
            [
                shifted(-0.5 * a[axis] if side else 0.5 * b[axis], corner, 0.0)
                for axis, side in enumerate(corner)
            ]
        )
        for corner in CORNERS
    }
    weight = {
        corner: shifted(np.where(is_body, flux.conductivity.max(axis=0), 0.0), corner, 0.0)
        for corner in CORNERS
    }
    for corner in CORNERS:
        value = vertex_values(t, corner, group, face_rise, weight)
        cells = tuple(slice(1 - c, n + 1 - c) for c, n in zip(corner, t.shape, strict=True))
        low, high = np.fmin(low, value[cells]), np.fmax(high, value[cells])
    return low, high


def vertex_values(
    t: np.ndarray,
    corner: tuple[int, ...],
    group: dict[tuple[int, ...], np.ndarray],
    face_rise: dict[tuple[int, ...], np.ndarray],
    weight: dict[tuple[int, ...], np.ndarray],
) -> np.ndarray:
    """Return the temperature [K] of every vertex in the cell on one side of it, NaN outside the body."""
    is_own = {other: (group[other] == group[corner]) & (weight[other] > 0.0) for other in CORNERS}
    center = {other: shifted(t, other, 0.0) for other in CORNERS}
    lower = np.full(group[corner].shape, np.inf)
    upper = -lower
    for other in CORNERS:
        down, up = (
            np.minimum(face_rise[other].min(axis=0), 0.0),
            np.maximum(face_rise[other].max(axis=0), 0.0),
        )
        lower = np.where(is_own[other], np.minimum(lower, center[other] + down), lower)
        upper = np.where(is_own[other], np.maximum(upper, center[other] + up), upper)
    total, sum_of_weights = np.zeros((2, *lower.shape))
    for other in CORNERS:
        value = np.minimum(np.maximum(center[other] + face_rise[other].sum(axis=0), lower), upper)
        total += np.where(is_own[other], weight[other] * np.where(is_own[other], value, 0.0), 0.0)
        sum_of_weights += np.where(is_own[other], weight[other], 0.0)
    with np.errstate(invalid="ignore"):
        values: np.ndarray = np.where(weight[corner] > 0.0, total / sum_of_weights, np.nan)
    return values
