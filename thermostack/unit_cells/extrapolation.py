"""Extrapolation of a value from nested grids, with an estimate of its error and the observed order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MIN_GRIDS = 3
# Shapes that cut the cells give the first order. Where all edges are on the grid it is the second, or less at
# edges of conductors, where the temperature has a singularity.
CUT_ORDER, MAX_ORDER = 1.0, 2.0
REMAINDER = 0.1  # fraction of the correction that is always part of the estimate


@dataclass(frozen=True)
class Extrapolation:
    """The limit of values on grids of halved cells, the estimate of its error, and the observed order."""

    value: float
    error: float
    order: float | None


def extrapolate(values: Sequence[float], *, is_cut: bool) -> Extrapolation:
    """Return the limit of at least three values; `is_cut` states that shapes cut the cells."""
    before, middle, last = values[-3:]
    first_step, step = middle - before, last - middle
    order = None
    if first_step * step > 0.0:
        order = math.log2(first_step / step)
    if is_cut:
        limit = _limit(middle, last, CUT_ORDER)
        error = abs(limit - _limit(before, middle, CUT_ORDER)) + REMAINDER * abs(limit - last)
        return Extrapolation(limit, error, order)
    used = CUT_ORDER if order is None else min(max(order, CUT_ORDER), MAX_ORDER)
    limit = _limit(middle, last, used)
    return Extrapolation(limit, abs(limit - last), order)


def _limit(before: float, last: float, order: float) -> float:
    return last + (last - before) / (2.0**order - 1.0)
