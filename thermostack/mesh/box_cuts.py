"""Layers with power that the box of a local model cuts: their planes beyond it, and their part in it."""

from __future__ import annotations

import numpy as np

from thermostack.package.geometry import Geometry, HeatSource
from thermostack.package.power_layout import PowerLayout


def planes_beyond_box(layout: PowerLayout, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return planes x and y [m] of a local model with one more on each side, beyond the layer of a layout.

    The cells between the added planes and the others receive the power outside the box of the model.
    """
    left, front, right, back = layout.rectangle
    ends = ((x, left, right), (y, front, back))
    with_ends = (
        np.concatenate(
            (
                [min(low, planes[0]) - (planes[1] - planes[0])],
                planes,
                [max(high, planes[-1]) + (planes[-1] - planes[-2])],
            )
        )
        for planes, low, high in ends
    )
    x, y = with_ends
    return x, y


def share_in_height(geometry: Geometry, source: HeatSource) -> float:
    """Return the fraction of the height of a layer that lies in the box of a local model."""
    if geometry.region is None:
        return 1.0
    low, high = max(source.z0, geometry.region.low[2]), min(source.z1, geometry.region.high[2])
    return (high - low) / (source.z1 - source.z0)
