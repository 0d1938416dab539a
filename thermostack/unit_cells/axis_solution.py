"""Effective conductivities of a solved unit cell, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Grids: TypeAlias = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class AxisSolution:
    """Effective conductivity along one axis.

    Parameters
    ----------
    value : float
        Conductivity [W/(m K)], extrapolated from the grids.
    error : float
        Estimate of the error of the value [W/(m K)].
    lower, upper : float
        Bounds [W/(m K)]: adiabatic tubes along the axis, isothermal planes across it.
    order : float, optional
        Observed order of convergence of the last three grids; None where the value is exact.
    grids : tuple of (int, float)
        Number of cells of each grid, and the conductivity on it [W/(m K)].

    Examples
    --------
    >>> AxisSolution(152.3, 0.1, 149.2, 155.9).value
    152.3
    """

    value: float
    error: float
    lower: float
    upper: float
    order: float | None = None
    grids: Grids = ()


@dataclass(frozen=True)
class CellSolution:
    """Effective conductivities of a cell along x, y and z.

    `cross` is the component xy [W/(m K)] on the finest grid, zero where x and y are principal axes.
    `unresolved` is the width [m] of the narrowest gap or shell that no grid resolves, zero if there is none;
    the errors are then the distances to the bounds.
    """

    axes: tuple[AxisSolution, AxisSolution, AxisSolution]
    cross: float = 0.0
    unresolved: float = 0.0
