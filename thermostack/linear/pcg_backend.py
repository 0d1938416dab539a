"""Interface between the conjugate-gradient loop and its preconditioners, and the settings of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from thermostack.finite_volume.conduction import Conduction

Array = np.ndarray


@dataclass(frozen=True)
class PcgSettings:
    """Tuning constants of the iteration.

    Parameters
    ----------
    forecast_iteration, forecast_window
        After `forecast_iteration` iterations, the contraction of the last `forecast_window` is used to
        predict how many are needed.
    max_growth_in_float32
        Growth of the residual in one or two iterations above which float32 cannot represent the solution.
    replacement_reduction
        Reduction after which a float32 recurrence is replaced by the true residual, before its drift matters.
    recurrence_drift
        Upper bound of the drift of a float32 recurrence, relative to the residual where it started.
    contraction_slack
        Factor by which an iteration may contract more than the previous one, where the end is predicted.
    max_fall
        Fall of the residual in one iteration above which the search direction restarts: the preconditioner is
        nearly exact, as on a few cells.
    max_growth
        Growth of the residual in one iteration above which the search direction restarts.
    rounding_units
        Unit roundoffs of each face flux that count as rounding of the residual.
    tolerance_margin
        Fraction of the tolerance that the recurrence must reach, because it only estimates the true residual.
    min_tolerance
        Smallest tolerance, whatever the residual of the guess.
    max_corrections, min_correction
        After `max_corrections` true residuals that miss the tolerance, each must be smaller than the previous
        one by the factor `min_correction`.
    target_reduction
        Factor of the target of the recurrence after a true residual within the tolerance, but an imbalance.
    """

    forecast_iteration: int = 12
    forecast_window: int = 8
    max_growth_in_float32: float = 1e4
    replacement_reduction: float = 1e-4
    recurrence_drift: float = 1e-6
    contraction_slack: float = 3.0
    max_fall: float = 1e3
    max_growth: float = 30.0
    rounding_units: float = 1.0
    tolerance_margin: float = 0.9
    min_tolerance: float = 1e-14
    max_corrections: int = 3
    min_correction: float = 0.5
    target_reduction: float = 0.1


PCG_SETTINGS = PcgSettings()


class PcgBackend(Protocol):
    """The operator, the preconditioner and the vectors of the iteration, for several right-hand sides n.

    r is the scaled residual, z the preconditioned residual, p the search direction.
    """

    conduction: Conduction
    threads: int

    @property
    def is_single(self) -> bool:
        """Return whether residuals and directions are float32."""

    def allocate(self, rhs_count: int) -> None:
        """Allocate the vectors of a number of right-hand sides."""

    def set_active(self, indices: Sequence[int]) -> None:
        """Set the right-hand sides that the preconditioner and `update` process."""

    def set_rhs(self, n: int, rhs: Array, scale: float) -> None:
        """Set r = scale rhs."""

    def residual(self, n: int, rhs: Array, field: Array, scale: float) -> tuple[float, float]:
        """Set r = scale (rhs - G field); return norm and sum of rhs - G field [W]."""

    def residual_replacement(self, rhs: Array, scales: Array) -> Any | None:
        """Return the object by which `update` computes true residuals, None where it cannot."""

    def apply_preconditioner(self) -> None:
        """Set z from r."""

    def apply_first_preconditioner(self) -> None:
        """Set z from r in the first iteration from a zero guess."""

    def values_at(self, vector: str, n: int, cell: Array) -> Array:
        """Return the vector r, z or p in some cells, given by their indices in the raveled grid, (cells,)."""

    def set_residual(self, n: int, cell: Array, values: Array) -> None:
        """Set r in some cells."""

    def products(self, n: int) -> tuple[float, float, float, float]:
        """Return z.r, z.Gz, z.Gp and the sum of Gz; p is the last direction."""

    def update(self, steps: Array, fields: Array, squares: Array, replacement: Any | None = None) -> None:
        """Set p = z + beta p, field += step p + constant and r -= alpha G p; set squares to r.r.

        `steps` (4, right-hand sides) are beta, alpha, step and constant.
        """
