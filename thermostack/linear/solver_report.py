"""What a solver says about its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SolverReport:
    """How a temperature was found, and how well it satisfies its equation."""

    method: str  # "multigrid" or "direct"
    iterations: int  # of conjugate gradients, 0 for a direct solve
    residual: float  # norm of P - G T over the norm of P, recomputed in float64 from the answer
    imbalance: float  # |heat in - heat out| over the sum of |heat|, from the answer
    history: tuple[float, ...]  # residual at the start and after each iteration, as the iteration saw it
    reason: str  # why it stopped
    levels: int  # grids of the multigrid, 1 for a direct solve
    fallback: str  # what had to be changed on the way and why, "" where nothing had to
    seconds: float  # of this solve, preparation not counted
    memory: int  # bytes the prepared solver holds
