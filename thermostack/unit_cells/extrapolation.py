"""Extrapolation of a value from nested grids, with an estimate of its error and the observed order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MIN_GRIDS = 3
# Shapes that cut the cells give the first order. Where all edges are on the grid the order is the second, or
# less at corners, where the temperature has a singularity; it is small where corners of conductors touch.
CUT_ORDER, MIN_ORDER, MAX_ORDER = 1.0, 0.25, 2.0
REMAINDER = 0.1  # fraction of the correction that is always part of the estimate


@dataclass(frozen=True)
class Extrapolation:
    """The limit of values on grids of halved cells, the estimate of its error, and the observed order."""

    value: float
    error: float
    order: float | None


def extrapolate(values: Sequence[float], *, is_cut: bool) -> Extrapolation:
    """Return the limit of at least three values; `is_cut` states that shapes cut the cells.

    With cut cells the order of three values is noisy, and the limit assumes the first order. Its error is the
    change of the limit by the last grid or by an earlier one, halved for each grid since, or the difference
    to the limit of a smaller observed order, whichever is the largest. Without cut cells the observed order
    is used, and the error is the whole correction.
    """
    before, middle, last = values[-3:]
    first_step, step = middle - before, last - middle
    order = math.log2(first_step / step) if first_step * step > 0.0 else None
    used = CUT_ORDER if order is None else min(max(order, MIN_ORDER), MAX_ORDER)
    if not is_cut:
        limit = _limit(middle, last, used)
        return Extrapolation(limit, abs(limit - last) + (abs(step) if order is None else 0.0), order)
    limit = _limit(middle, last, CUT_ORDER)
    limits = [_limit(low, high, CUT_ORDER) for low, high in pairwise(values)]
    changes = [abs(later - earlier) for earlier, later in pairwise(limits)]
    change = max(change / 2.0**n for n, change in enumerate(reversed(changes))) + REMAINDER * abs(step)
    slower = abs(_limit(middle, last, min(used, CUT_ORDER)) - limit)
    return Extrapolation(limit, max(change, slower), order)


def _limit(before: float, last: float, order: float) -> float:
    return last + (last - before) / float(2.0**order - 1.0)
