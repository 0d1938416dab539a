"""Linear solver of `G T = P`: prepared once for an operator, then used for any number of right-hand sides."""

from __future__ import annotations

from thermostack.linear.solver import Solver, prepare
from thermostack.linear.solver_report import SolverReport

__all__ = ["Solver", "SolverReport", "prepare"]
