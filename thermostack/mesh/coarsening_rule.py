"""Rule by which the column multigrid pairs grid intervals; the solver and the memory estimate share it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
PairIntervals = Callable[[Array, float], Array]

CACHE_LINE = 64  # bytes
ROW_PADDING = 8  # values: rows of columns are a multiple of it, which is a vector of float32 in the kernels


@dataclass(frozen=True)
class CoarseningRule:
    """Costs and bounds of semicoarsening: how many columns of cells a coarser grid may keep.

    A coarse interval is one interval or a pair. The partition of an axis minimizes the costs of its
    pairs plus `interval_cost` per coarse interval. `interval_cost` grows until enough columns are removed.

    Parameters
    ----------
    interval_cost
        Initial cost of a coarse interval; a pair of equal, isotropic columns costs log2(3) = 1.58.
    interval_cost_growth
        Factor by which `interval_cost` grows while too few columns are removed.
    min_removed
        Fraction of the columns to remove. More would join pairs that are so weakly coupled that the smoother
        does not reduce their error; fewer would make many levels.
    interface_cost
        Additional cost of a pair with a material interface along its whole face.
    max_pair_cost
        Upper bound of the cost of a pair: log2 of the coupling ratio of two columns that are hardly coupled.
    """

    interval_cost: float = 2.0
    interval_cost_growth: float = 1.2
    min_removed: float = 0.2
    interface_cost: float = 0.8
    max_pair_cost: float = 40.0

    def coarsen(self, cost_x: Array, cost_y: Array, pair: PairIntervals) -> tuple[Array, Array]:
        """Return the first interval of each coarse interval in x and in y, each with the end of the axis.

        `cost_x` (nx - 1,) and `cost_y` (ny - 1,) are the costs of pairing each interval with the next.
        `pair(costs, interval_cost)` returns the partition of one axis.
        """
        columns = (len(cost_x) + 1) * (len(cost_y) + 1)
        interval_cost = self.interval_cost
        while True:
            first_x, first_y = pair(cost_x, interval_cost), pair(cost_y, interval_cost)
            removed = 1.0 - (len(first_x) - 1) * (len(first_y) - 1) / columns
            every_pair_is_made = interval_cost > 2.0 * self.max_pair_cost
            if removed >= self.min_removed or every_pair_is_made:
                return first_x, first_y
            interval_cost *= self.interval_cost_growth


COARSENING = CoarseningRule()
# The last fallback: more levels, of which each removes few columns and therefore loses little accuracy.
GENTLE_COARSENING = CoarseningRule(interval_cost=0.1, min_removed=0.12)


def coarsen_sheet(dx: Array, dy: Array, rule: CoarseningRule = COARSENING) -> tuple[Array, Array]:
    """Return the interval widths of the next coarser grid in x and in y [m], for one homogeneous sheet.

    It is an approximation of the multigrid hierarchy of a package, which needs no conductances.
    """
    cost_x, cost_y = _sheet_pair_costs(dx, dy, rule), _sheet_pair_costs(dy, dx, rule)
    first_x, first_y = rule.coarsen(cost_x, cost_y, _pair_alternately)
    return np.add.reduceat(dx, first_x[:-1]), np.add.reduceat(dy, first_y[:-1])


def row_width(nx: int) -> int:
    """Return the values per stored line of one parity: a multiple of the padding, one value unused."""
    return -(-((nx + 1) // 2 + 1) // ROW_PADDING) * ROW_PADDING


def _sheet_pair_costs(along: Array, across: Array, rule: CoarseningRule) -> Array:
    """Return the cost of pairing each interval with the next: log2 of 1 + the rms weakness."""
    product = along[1:] * along[:-1]
    squares = 1.0 + 2.0 * product * np.mean(across**-2.0) + product**2 * np.mean(across**-4.0)
    costs = np.log2(1.0 + np.sqrt(squares))
    return np.asarray(np.minimum(costs, rule.max_pair_cost))


def _pair_alternately(costs: Array, interval_cost: float) -> Array:
    """Return the partition that makes every other pair of each run of pairs cheaper than `interval_cost`."""
    is_cheap = costs < interval_cost
    index = np.arange(is_cheap.size)
    since = index - np.maximum.accumulate(np.where(is_cheap, -1, index)) - 1
    is_first = np.concatenate(([True], ~is_cheap | (since % 2 == 1)))
    return np.append(np.flatnonzero(is_first), costs.size + 1)
