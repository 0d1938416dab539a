"""Solving `G T = P`: prepare once for a conduction operator, then solve for any number of heat loads."""

from __future__ import annotations

from thermostack.linear.solver import Solver, prepare
from thermostack.linear.solver_report import SolverReport

__all__ = ["Solver", "SolverReport", "prepare"]
