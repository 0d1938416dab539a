"""The corner scheme in NumPy, without planes of two corners: the twin of the kernel `CornerEquations`."""

from __future__ import annotations

from itertools import product

import numpy as np

from thermostack.finite_volume.reconstruction import FaceFluxes

AXES = (0, 1, 2)
CORNERS = list(product((0, 1), repeat=3))


def corners_of(shape: tuple[int, ...], corner: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the window of one corner of every cell in an array of corners."""
    return tuple(slice(c, c + n) for c, n in zip(corner, shape, strict=True))


def plain_equations(
    fluxes: FaceFluxes,
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Return the conductances along z, y and x [W/K], the power [W] and the mean rise [K] of every corner.

    Conductances have the shape of corners, shorter by one along their axis.
    """
    grid, shape = fluxes.model.grid, fluxes.t.shape
    conductivity = np.stack([fluxes.conductivity.plane(k) for k in range(shape[0])], axis=1)
    widths = np.meshgrid(grid.dz, grid.dy, grid.dx, indexing="ij")
    corners = tuple(n + 1 for n in shape)
    conductances = []
    for axis in AXES:
        g = np.zeros([n - (a == axis) for a, n in enumerate(corners)])
        of_cells = conductivity[axis] * grid.volume / (4.0 * widths[axis] ** 2)
        for corner in CORNERS:
            if corner[axis] == 0:
                g[corners_of(shape, corner)] += of_cells
        conductances.append(g)
    power, total, weight = np.zeros((3, *corners))
    largest = conductivity.max(axis=0)
    rise = fluxes.t - fluxes.model.boundary.mean_ambient
    for corner in CORNERS:
        window = corners_of(shape, corner)
        power[window] += fluxes.model.power / 8.0
        total[window] += largest * rise
        weight[window] += largest
    mean = np.divide(total, weight, out=np.zeros(corners), where=weight > 0.0)
    return (conductances[0], conductances[1], conductances[2]), power, mean


def plain_means(fluxes: FaceFluxes, t: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return mean and maximum [K] of every part from temperatures of corners (nz + 1, ny + 1, nx + 1)."""
    model, shape = fluxes.model, fluxes.t.shape
    of_cells = np.stack([t[corners_of(shape, corner)] for corner in CORNERS])
    mean, largest = of_cells.mean(axis=0), of_cells.max(axis=0)
    found = {}
    for n, part in enumerate(model.parts):
        own = model.part == n + 1
        if own.any():
            found[part.name] = (
                float(np.average(mean[own], weights=model.grid.volume[own])),
                float(largest[own].max()),
            )
    return found
