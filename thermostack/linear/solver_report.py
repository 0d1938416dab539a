"""Report of a linear solve: method, accuracy, and cost."""

from __future__ import annotations

from dataclasses import dataclass

ERROR_REASON = "algebraic error of at most"  # begins the reason of a solution to an error


@dataclass(frozen=True)
class SolverReport:
    """Method, accuracy and cost of the last linear solve of a temperature field.

    Parameters
    ----------
    method : str
        "multigrid" or "direct".
    iterations : int
        Conjugate-gradient iterations of the last linear solve, 0 for a direct one.
    residual : float
        Norm of P - G T over the norm of P, computed in float64 from the solution.
    imbalance : float
        |heat in - heat out| over the sum of the absolute powers, computed from the solution.
    history : tuple of float
        Relative residual at the start and after each iteration of the last solve, as the recurrence has it.
    reason : str
        Why the iteration stopped.
    levels : int
        Grids of the multigrid hierarchy, 1 for a direct solve.
    fallback : str
        Methods that replaced the first one, each with its reason; "" where the first one solved the problem.
    seconds : float
        Wall-clock time of the last solve [s], without the preparation.
    memory : int
        Bytes that the prepared solver holds.
    total_iterations : int
        Iterations of all linear solves of the problem. A steady solve with conductivities that depend on
        temperature has several linear solves; for one linear solve it equals `iterations`.
    error : float, optional
        Bound of the algebraic error of mean and maximum of the parts with power [K], of a solution to such a
        bound.

    Examples
    --------
    >>> import thermostack as ts
    >>> report = ts.solve_steady(ts.discretize(ts.read_package("hbm3_8h"), cell=2e-3)).report
    >>> report.method, report.residual < 1e-8, len(report.history) == report.iterations + 1
    ('multigrid', True, True)
    """

    method: str
    iterations: int
    residual: float
    imbalance: float
    history: tuple[float, ...]
    reason: str
    levels: int
    fallback: str
    seconds: float
    memory: int
    total_iterations: int
    error: float | None = None

    @property
    def bounds_error(self) -> bool:
        """Return whether the solver stopped at a bound of the algebraic error."""
        return self.error is not None
