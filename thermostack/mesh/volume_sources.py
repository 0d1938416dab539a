"""Cell sizes across layers that are heated throughout: the temperature over their height is a parabola.

In a layer of thickness d that is cooled on both faces, the rise of the mean over the faces is q d2 / (12 k).
On n equal cells its error is 1.5 / n2 of it. Where the rest of the path to the ambient has a large
resistance, this is a small part of the rise, and fewer cells are enough.
"""

from __future__ import annotations

import numpy as np

from thermostack.mesh.healing_length import HealingLengths
from thermostack.package.geometry import Geometry, HeatSource

MAX_PARABOLA_ERROR = 0.01  # of the rise of a wide source
MEAN_ERROR_FACTOR = 1.5  # error of the mean of a parabola on n cells, relative, times n2
MAX_POINTS = 64  # of the blocks of a layer at which its resistance is evaluated


def volume_source_sizes(
    geometry: Geometry, healing_lengths: HealingLengths
) -> list[tuple[float, float, float]]:
    """Return (low, high, maximum cell size along z) [m] of each layer with power."""
    sizes = []
    for source in geometry.sources:
        share = _internal_share(geometry, healing_lengths, source)
        cells = np.ceil(np.sqrt(MEAN_ERROR_FACTOR * share / MAX_PARABOLA_ERROR))
        if cells > 1:
            sizes.append((source.z0, source.z1, (source.z1 - source.z0) / float(cells)))
    return sizes


def _internal_share(geometry: Geometry, healing_lengths: HealingLengths, source: HeatSource) -> float:
    """Return the maximum fraction of its rise that a layer with power causes by its own resistance."""
    plan = source.layout.corners
    plan = plan[:: max(1, len(plan) // MAX_POINTS)]
    thickness, middle = source.z1 - source.z0, 0.5 * (source.z0 + source.z1)
    k_z = geometry.parts[source.part].room_conductivity[2]
    internal = thickness / (4.0 * k_z)  # m2 K/W, of the two halves of the layer in parallel
    centers = 0.5 * (plan[:, :2] + plan[:, 2:])
    columns = [healing_lengths.column(x, y) for x, y in centers.tolist()]
    resistance = min((column.resistance(middle) for column in columns), default=np.inf)
    return float(min(1.0, internal / resistance)) if resistance > 0.0 else 1.0
