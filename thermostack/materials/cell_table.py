"""Table of the conductivity of a unit cell over temperature, from a few solutions and bounds at every node.

Between its bounds, the adiabatic tubes L and the isothermal planes U, the conductivity is L^(1 - s) U^s. The
position s depends only on the ratios of the conductivities of the constituents, and on these smoothly. The
cell is solved at few temperatures, s is interpolated over the change of the ratios, and L and U are evaluated
at each node of the table. So the table follows the constituents and does not leave the bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from thermostack.materials.cell_bounds import symmetric_bounds
from thermostack.materials.cell_geometry import CellGeometry
from thermostack.materials.material import ROOM_TEMPERATURE

Array: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = Callable[[float], Array]  # conductivities of the constituents at a temperature, (n, 3)

MAX_TEMPERATURE_RATIO = 1.5  # of a piece of the table
MAX_STEP = 0.1  # change of the logarithm of a conductivity over half a piece: 1e-4 of error
MAX_DIVISIONS = 30  # of a piece, which a law with a jump reaches
SOLVED_STEP = 0.3  # change of the logarithm of a ratio over which s is interpolated without a check
SAME_RATIOS = 1e-3  # change of it over which s is constant
MAX_MISS = (
    4e-3  # of an interpolation, relative to the conductivity; with the solution there a quarter remains
)
REMAINDER = 0.25
MIN_SOLUTIONS_APART = 2  # nodes between two solutions


@dataclass(frozen=True, eq=False)
class CellTable:
    """Pieces of three nodes, of which the last is the first of the next one.

    `temperature` (n,) and `conductivity` (3, n) are logarithms of K and W/(m K); `errors` are the largest
    estimated relative errors along x, y and z.
    """

    temperature: Array
    conductivity: Array
    errors: tuple[float, float, float]

    def evaluate(self, temperature: Array) -> tuple[Array, Array, Array]:
        """Return the conductivity [W/(m K)] along x, y and z at temperatures [K].

        Its logarithm is a parabola in the logarithm of the temperature on each piece.
        """
        ends = self.temperature[::2]
        log_t = np.clip(np.log(temperature), ends[0], ends[-1])
        piece = np.clip(np.searchsorted(ends, log_t, side="right") - 1, 0, ends.size - 2)
        s = (log_t - ends[piece]) / (ends[piece + 1] - ends[piece])
        weights = (1.0 - s) * (1.0 - 2.0 * s), 4.0 * s * (1.0 - s), s * (2.0 * s - 1.0)
        x, y, z = (
            np.exp(sum(weight * log[2 * piece + n] for n, weight in enumerate(weights)))
            for log in self.conductivity
        )
        return x, y, z


def cell_table(
    geometry: CellGeometry, rows: Rows, breakpoints: Sequence[float], solve: Callable[[Array], Any]
) -> CellTable:
    """Return the table of a cell between temperatures [K] at which the slope of a constituent may jump.

    `solve` returns the solution for conductivities of the constituents.
    """
    nodes = np.array(_nodes(rows, breakpoints))
    conductivity = np.array([rows(math.exp(node)) for node in nodes])
    bounds = [symmetric_bounds(geometry, each) for each in conductivity]
    lower, upper = (np.log([getattr(each, key) for each in bounds]) for key in ("lower", "upper"))
    positions = _Positions(conductivity, lower, upper, solve)
    positions.solve_at(int(np.argmin(np.abs(nodes - math.log(ROOM_TEMPERATURE)))))
    found = positions.of_all_nodes()
    values = np.where(upper > lower, lower + found * (upper - lower), lower)
    x, y, z = (positions.errors + REMAINDER * positions.miss).tolist()
    return CellTable(nodes, values.T, (x, y, z))


def _nodes(rows: Rows, breakpoints: Sequence[float]) -> list[float]:
    """Return logarithms of temperatures [K], an odd number of them, between which all laws change little."""
    inner = [ROOM_TEMPERATURE] if breakpoints[0] < ROOM_TEMPERATURE < breakpoints[-1] else []
    ends = np.log(sorted({*breakpoints, *inner})).tolist()
    nodes: list[float] = [ends[0]]
    for low, high in pairwise(ends):
        nodes += _divided(lambda node: np.log(rows(math.exp(node))), low, high, MAX_DIVISIONS)
    return nodes


def _divided(logs: Callable[[float], Array], low: float, high: float, divisions: int) -> list[float]:
    """Return the nodes of a piece without the first: middle and end, or those of both halves."""
    middle = 0.5 * (low + high)
    steps = [np.abs(logs(b) - logs(a)).max() for a, b in ((low, middle), (middle, high))]
    is_short = high - low <= math.log(MAX_TEMPERATURE_RATIO)
    if divisions == 0 or (is_short and max(steps) <= MAX_STEP) or not low < middle < high:
        return [middle, high]
    return [each for a, b in ((low, middle), (middle, high)) for each in _divided(logs, a, b, divisions - 1)]


class _Positions:
    """Positions s between the bounds at nodes: solved at some, interpolated at the others.

    `lower` and `upper` are the logarithms of the bounds, (nodes, 3).
    """

    def __init__(
        self, conductivity: Array, lower: Array, upper: Array, solve: Callable[[Array], Any]
    ) -> None:
        self.conductivity, self.lower, self.upper, self.solve = conductivity, lower, upper, solve
        logs = np.log(conductivity).reshape(conductivity.shape[0], -1)
        change = np.diff(logs, axis=0)
        step = change.max(axis=1) - change.min(axis=1)
        self.path = np.concatenate([[0.0], np.cumsum(step)])  # of the logarithms of all ratios
        self.found: dict[int, Array] = {}
        self.known: dict[int, Array] = {}  # whether s is certain, where the bounds are apart
        self.errors, self.miss = np.zeros(3), np.zeros(3)  # relative, of solutions and of the interpolation

    def solve_at(self, node: int) -> None:
        """Solve at a node, and wherever the ratios differ from it."""
        self._solve(node)
        last = self.path.size - 1
        for end in (0, last):
            if abs(self.path[end] - self.path[node]) > SAME_RATIOS:
                self._solve(end)
        solved = sorted(self.found)
        for low, high in pairwise(solved):
            self._check_between(low, high)

    def _check_between(self, low: int, high: int) -> None:
        """Solve between two nodes until the interpolation agrees, or until the ratios change little."""
        if self.path[high] - self.path[low] <= SOLVED_STEP or high - low < MIN_SOLUTIONS_APART:
            return
        target = 0.5 * (self.path[low] + self.path[high])
        node = min(max(int(np.searchsorted(self.path, target)), low + 1), high - 1)
        expected = self.of_all_nodes()[node]
        self._solve(node)
        width = self.upper[node] - self.lower[node]
        miss = np.abs(self.of_all_nodes()[node] - expected) * width
        if miss.max() <= MAX_MISS:
            self.miss = np.maximum(self.miss, miss)
        else:
            self._check_between(low, node)
            self._check_between(node, high)

    def _solve(self, node: int) -> None:
        axes = self.solve(self.conductivity[node]).axes
        value, error = (np.array([getattr(each, key) for each in axes]) for key in ("value", "error"))
        width = self.upper[node] - self.lower[node]
        relative = error / value
        self.errors = np.maximum(self.errors, relative)
        self.known[node] = width > relative
        position = (np.log(value) - self.lower[node]) / np.where(width > 0.0, width, 1.0)
        self.found[node] = np.clip(position, 0.0, 1.0)

    def of_all_nodes(self) -> Array:
        """Return the positions at all nodes, (nodes, 3)."""
        from scipy.interpolate import PchipInterpolator  # it takes long to load, and is seldom needed

        nodes = sorted(self.found)
        columns = []
        for axis in range(3):
            certain = [node for node in nodes if self.known[node][axis]] or nodes
            places, first = np.unique(self.path[certain], return_index=True)
            values = np.array([self.found[certain[n]][axis] for n in first])
            path = np.clip(self.path, places[0], places[-1])
            spline = PchipInterpolator(places, values) if places.size > 1 else None
            columns.append(np.full(path.size, values[0]) if spline is None else spline(path))
        return np.asarray(np.clip(np.stack(columns, axis=1), 0.0, 1.0))
