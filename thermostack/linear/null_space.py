"""What hangs together, what of it is held by an ambient, and what that means for an answer."""

from __future__ import annotations

import numpy as np
from scipy.sparse.csgraph import connected_components

from thermostack.finite_volume.conduction import Conduction

Array = np.ndarray

COMPATIBLE = 1e-9  # of all heat: what a body that nothing holds may be given in all


class FloatingBodies:
    """Bodies that no ambient holds: their heats must cancel, and then their mean temperature is free."""

    def __init__(self, conduction: Conduction, weights: Array | None = None) -> None:
        """Find them. `weights` (nz, ny, nx) are those of the mean, as capacities; one per cell without."""
        self._count, label = connected_components(conduction.to_csr(), directed=False)
        self._label = np.where(conduction.is_active.ravel(), label, self._count)
        self._weights = np.ones(label.size) if weights is None else weights.ravel()
        self._weight = self._sum(self._weights)
        self.first = np.unique(label, return_index=True)[1]  # a cell of each

    def excess(self, heat: Array) -> float:
        """Return the largest heat [W] that a body has to get rid of and cannot, 0.0 where all cancel."""
        left = self._sum(heat.ravel())
        most = float(np.abs(left).max())
        return most if most > COMPATIBLE * float(np.abs(heat).sum()) else 0.0

    def remove_mean(self, t: Array) -> None:
        """Shift each body's temperatures [K] so that their mean is zero."""
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self._sum(self._weights * t.ravel()) / self._weight
        t -= np.append(mean, 0.0)[self._label].reshape(t.shape)

    def _sum(self, values: Array) -> Array:
        return np.bincount(self._label, values, self._count + 1)[: self._count]


def why_unsolvable(conduction: Conduction, heat: Array) -> str:
    """Return why no temperature satisfies G t = heat, "" where one does."""
    given = {name: getattr(conduction, name) for name in ("g_x", "g_y", "g_z")}
    for name, values in (given | {"ground": conduction.boundary.conductance}).items():
        if not (np.isfinite(values) & (values >= 0.0)).all():
            return f"{name} has conductances that are negative or no number"
    astray = np.flatnonzero((heat != 0.0) & ~conduction.is_active)
    if astray.size:
        k, j, i = np.unravel_index(astray[0], heat.shape)
        return f"heat in {astray.size} cells outside the body, the first at (k, j, i) = ({k}, {j}, {i})"
    count, part = connected_components(conduction.to_csr(), directed=False)
    grounded = np.bincount(part[conduction.boundary.cell], conduction.boundary.conductance, count) > 0.0
    left = np.bincount(part, heat.ravel(), count)
    heated = np.abs(left) > COMPATIBLE * float(np.abs(heat).sum())
    adrift = np.flatnonzero((~grounded & heated)[part] & conduction.is_active.ravel())
    if adrift.size:
        k, j, i = np.unravel_index(adrift[0], heat.shape)
        return (
            f"{adrift.size} cells with no path to an ambient, the first at (k, j, i) = ({k}, {j}, {i}), "
            f"and {left[part[adrift[0]]]:.3g} W too much; cool them, join them to a part that is cooled, "
            "or take away what heats them"
        )
    return ""
