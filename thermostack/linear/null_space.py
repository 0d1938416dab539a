"""Connected components of the conduction graph, and which of them have a path to an ambient temperature."""

from __future__ import annotations

import numpy as np

from thermostack.finite_volume.conduction import Conduction

Array = np.ndarray

MAX_NET_POWER = 1e-9  # net power of a floating body over the sum of the absolute powers of all cells


class FloatingBodies:
    """Bodies without a path to an ambient: their net power must be zero, their mean temperature is free."""

    def __init__(self, conduction: Conduction, weights: Array | None = None) -> None:
        """Find the bodies. `weights` (nz, ny, nx) are those of the mean, such as capacities, or all equal."""
        self._count, label = conduction.components()
        self._label = np.where(conduction.is_active.ravel(), label, self._count)
        self._weights = np.ones(label.size) if weights is None else weights.ravel()
        self._weight = self._sum(self._weights)
        self.first_cells = np.unique(label, return_index=True)[1]  # one cell of each body

    def net_power(self, rhs: Array) -> float:
        """Return the maximum net power [W] of a floating body, 0.0 where it is zero up to rounding."""
        max_power = float(np.abs(self._sum(rhs.ravel())).max())
        return max_power if max_power > MAX_NET_POWER * float(np.abs(rhs).sum()) else 0.0

    def remove_mean(self, t: Array) -> None:
        """Shift each body's temperatures [K] so that their weighted mean is zero."""
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self._sum(self._weights * t.ravel()) / self._weight
        t -= np.append(mean, 0.0)[self._label].reshape(t.shape)

    def _sum(self, values: Array) -> Array:
        return np.bincount(self._label, values, self._count + 1)[: self._count]


def why_unsolvable(conduction: Conduction, rhs: Array) -> str:
    """Return why no temperature satisfies G t = rhs, "" where one does."""
    faces = {name: getattr(conduction, name) for name in ("g_x", "g_y", "g_z")}
    for name, values in (faces | {"boundary": conduction.boundary.conductance}).items():
        if not (np.isfinite(values) & (values >= 0.0)).all():
            return f"{name} has conductances that are negative or no number"
    outside = np.flatnonzero((rhs != 0.0) & ~conduction.is_active)
    if outside.size:
        k, j, i = np.unravel_index(outside[0], rhs.shape)
        return f"power in {outside.size} cells outside the body, the first at (k, j, i) = ({k}, {j}, {i})"
    count, body = conduction.components()
    boundary = np.bincount(body[conduction.boundary.cell], conduction.boundary.conductance, count)
    net_power = np.bincount(body, rhs.ravel(), count)
    is_floating = ~(boundary > 0.0) & (np.abs(net_power) > MAX_NET_POWER * float(np.abs(rhs).sum()))
    floating = np.flatnonzero(is_floating[body] & conduction.is_active.ravel())
    if floating.size:
        k, j, i = np.unravel_index(floating[0], rhs.shape)
        return (
            f"{floating.size} cells with no path to an ambient, the first at (k, j, i) = ({k}, {j}, {i}), "
            f"and {net_power[body[floating[0]]]:.3g} W too much; cool them, join them to a cooled part, "
            "or remove the power in them"
        )
    return ""
