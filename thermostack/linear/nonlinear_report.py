"""Report of a nonlinear steady solve: outer iterations, loop gain, margin to the boiling crisis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BoilingMargin:
    """The place of a boiling surface that is nearest to its critical heat flux.

    Parameters
    ----------
    flux : float
        Heat flux there [W/m2].
    critical_flux : float
        Critical heat flux [W/m2].
    at : tuple of float
        Position (x, y, z) of the centre of the cell [m].

    Examples
    --------
    >>> from thermostack import BoilingMargin
    >>> BoilingMargin(8e4, 1.6e5, (0.0, 0.0, 1e-3)).ratio
    2.0
    """

    flux: float
    critical_flux: float
    at: tuple[float, float, float]

    @property
    def ratio(self) -> float:
        """Return the critical heat flux over the heat flux."""
        return self.critical_flux / self.flux if self.flux > 0.0 else float("inf")


@dataclass(frozen=True)
class NonlinearReport:
    """Cost and safety of a steady solve with boundary laws or leakage.

    Parameters
    ----------
    iterations : int
        Outer iterations: evaluations of boundary laws, leakage and materials after the first solve.
    history : tuple of float
        Heat by which the cells are out of balance, relative to the heat that passes through the body, at each
        evaluation.
    loop_gain : float, optional
        Loop gain of the leakage: a small additional heat raises the leakage power by this multiple of itself,
        and so on. A steady state is stable below 1. None without leakage.
    leakage : float
        Leakage power at the solution [W].
    reference_leakage : float
        Leakage power at the reference temperatures of its description [W].
    boiling : BoilingMargin, optional
        Margin to the critical heat flux; None where nothing boils.

    Examples
    --------
    >>> import thermostack as ts
    >>> air = ts.FreeConvection("25 degC", emissivity=0.9)
    >>> die = ts.Stack("die", ("10 mm", "10 mm"), ts.Layer("si", "0.5 mm", "silicon", "0.5 W"))
    >>> steady = ts.solve_steady(ts.Package("bare", die, ts.Cooling(surroundings=air)))
    >>> steady.nonlinear.iterations < 8
    True
    """

    iterations: int
    history: tuple[float, ...]
    loop_gain: float | None = None
    leakage: float = 0.0
    reference_leakage: float = 0.0
    boiling: BoilingMargin | None = None
