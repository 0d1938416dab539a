"""State of an iteration: residual, heat balance, history, and the criteria of convergence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from thermostack.finite_volume.conduction import Conduction
from thermostack.linear.multigrid import vector_norms
from thermostack.linear.pcg_backend import PCG_SETTINGS, PcgSettings

Array = np.ndarray


@dataclass
class IterationState:
    """Residual, heat balance and history of one iteration."""

    residual: float = 1.0  # true residual relative to the right-hand side
    imbalance: float = (
        1.0  # sum of the true residual relative to the sum of absolute values of the right-hand side
    )
    tolerance: float = 0.0  # of both
    history: list[float] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)  # sqrt(r.z) before each iteration
    coefficients: list[tuple[float, float]] = field(default_factory=list)  # alpha and beta of each iteration
    is_converged: bool = False
    exceeds_float32: bool = False
    is_indefinite: bool = False  # the operator is not positive definite: a direction has negative energy
    reason: str = ""

    @classmethod
    def initial(cls, power: float, tolerance: float) -> IterationState:
        """Return the initial state; it is converged where the right-hand side is zero (`power` [W])."""
        if power > 0.0:
            return cls(tolerance=tolerance)
        return cls(0.0, 0.0, tolerance, [0.0], is_converged=True, reason="no heat")

    def set_tolerance(self, tolerance: float, min_tolerance: float = PCG_SETTINGS.min_tolerance) -> None:
        """Set the tolerance, and whether it is met."""
        self.tolerance = max(min_tolerance, tolerance)
        self.update_convergence()

    def update_convergence(self) -> None:
        """Set whether residual and heat balance are within the tolerance."""
        self.is_converged = self.residual <= self.tolerance and self.imbalance <= self.tolerance

    @property
    def iterations(self) -> int:
        """Return the number of iterations."""
        return len(self.history) - 1


def accept_rounding(
    state: IterationState,
    conduction: Conduction,
    rhs: Array,
    t: Array,
    tolerance: float,
    settings: PcgSettings = PCG_SETTINGS,
) -> None:
    """Accept a residual that is rounding: temperatures stored in float64 have no smaller one.

    The bound is the rounding of each face's flux, after Higham, Accuracy and Stability (2002), section 7.1.
    """
    squares = (np.square(2.0 * conduction.diagonal_of_plane(k) * t[k]).sum() for k in range(len(t)))
    roundoff = settings.rounding_units * np.finfo(np.float64).eps
    floor = roundoff * math.sqrt(sum(map(float, squares))) / vector_norms(rhs)[0]
    if tolerance < state.residual <= floor and state.imbalance <= tolerance:
        state.is_converged = True
        state.reason = f"the residual is the rounding of float64 temperatures, {floor:.1e} at most"
