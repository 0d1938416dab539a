"""The linear programme of a power budget, with the rows of the hottest points added as they are exceeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from thermostack.errors import ConvergenceError
from thermostack.schema.arguments import argument_error
from thermostack.units import format_quantity

POINT_TOLERANCE = 1e-6  # K by which a point may exceed its limit in the linear programme
MAX_ROUNDS = 200  # of added rows
BINDING_TOLERANCE = 1e-4  # K: a limit that is nearer to its temperature is reached


@dataclass(frozen=True, eq=False)
class Candidates:
    """Points with a limit: their temperatures are `constant + rise @ power` of the free powers."""

    names: tuple[str, ...]  # of the limited parts
    limits: np.ndarray  # (names,) K
    group: np.ndarray  # (points,) index of the name, ascending
    point: np.ndarray  # (points,) index in the peak map, or of the output
    constant: np.ndarray  # (points,) K
    rise: np.ndarray  # (points, variables) K/W

    def hottest(self, values: np.ndarray) -> np.ndarray:
        """Return the point with the maximum value of each name, (names,)."""
        start = np.searchsorted(self.group, np.arange(len(self.names)))
        largest = np.maximum.reduceat(values, start)
        where = np.flatnonzero(values == largest[self.group])
        return where[np.flatnonzero(np.diff(self.group[where], prepend=-1))]


@dataclass(frozen=True, eq=False)
class Programme:
    """Weights and bounds of the free powers."""

    variables: tuple[str, ...]
    weight: np.ndarray  # (variables,)
    min: np.ndarray  # (variables,) W
    max: np.ndarray  # (variables,) W, may be infinite


@dataclass(frozen=True, eq=False)
class Optimum:
    """Powers, and the prices of the limits and of the bounds."""

    power: np.ndarray  # (variables,) W
    price: np.ndarray  # (names,) W/K
    hottest: np.ndarray  # (names,) index of the hottest point
    temperature: np.ndarray  # (names,) K
    bound_price: np.ndarray  # (variables,) W/W
    rows: int


def maximize_power(programme: Programme, points: Candidates, offset: np.ndarray) -> Optimum:
    """Return the largest weighted power under the limits minus an offset of each name [K].

    Only a few of the points can be the hottest. The programme starts with the hottest point of each part for
    each free power, and the hottest exceeded point of each part is added until none is exceeded. Raises
    ArgumentError where a limit is exceeded at the minimum powers, or where no limit bounds a power.
    """
    limit = (points.limits - offset)[points.group]
    _require_feasible(programme, points, offset)
    chosen = {int(n) for column in points.rise.T for n in points.hottest(column)}
    chosen |= {int(n) for n in points.hottest(points.constant)}
    for _ in range(MAX_ROUNDS):
        rows = np.array(sorted(chosen), dtype=np.intp)
        solution = _solve(programme, points.rise[rows], limit[rows] - points.constant[rows])
        t = points.constant + points.rise @ solution.x
        hottest = points.hottest(t - limit)
        exceeded = hottest[t[hottest] - limit[hottest] > POINT_TOLERANCE]
        if not set(exceeded.tolist()) - chosen:
            price = np.zeros(len(points.names))
            np.add.at(price, points.group[rows], -solution.ineqlin.marginals)
            bound_price = -(solution.lower.marginals + solution.upper.marginals)
            return Optimum(solution.x, price, hottest, t[hottest], bound_price, rows.size)
        chosen |= set(exceeded.tolist())
    raise ConvergenceError(f"the linear programme has not found its rows in {MAX_ROUNDS} rounds", [])


def _solve(programme: Programme, rise: np.ndarray, rise_limit: np.ndarray):  # type: ignore[no-untyped-def]
    """Return the solution of SciPy for some rows. Raises ArgumentError where a power has no bound."""
    from scipy.optimize import linprog  # it takes long to load

    bounds = np.stack([programme.min, programme.max], axis=1)
    solution = linprog(-programme.weight, A_ub=rise, b_ub=rise_limit, bounds=bounds, method="highs")
    if solution.status == 3:
        free = [
            name
            for n, name in enumerate(programme.variables)
            if programme.weight[n] > 0.0 and not (rise[:, n] > 0.0).any()
        ]
        text = f"no limit bounds the power of {', '.join(free) or 'some sources'}"
        raise argument_error("limits", text, "give a limit to a part that they heat, or max_power", "E-LIMIT")
    if not solution.success:
        raise ConvergenceError(f"the linear programme has no solution: {solution.message}", [])
    return solution


def _require_feasible(programme: Programme, points: Candidates, offset: np.ndarray) -> None:
    """Raise ArgumentError where a limit is exceeded at the minimum powers."""
    t = points.constant + points.rise @ programme.min
    hottest = points.hottest(t)
    excess = t[hottest] - (points.limits - offset)
    if (worst := int(excess.argmax())) is not None and excess[worst] > 0.0:
        name, limit = points.names[worst], format_quantity(float(points.limits[worst]), "temperature")
        reached = format_quantity(float(points.limits[worst] + excess[worst]), "temperature")
        text = f"{name} reaches {reached} with the fixed and minimum powers, above its limit of {limit}"
        raise argument_error("limits", text, "fix less power, cool more, or raise the limit", "E-LIMIT")
