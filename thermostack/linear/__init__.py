"""Solving `G T = P`: prepare once for a conduction operator, then solve for any number of heat loads."""

from __future__ import annotations

from thermostack.linear.report import SolverReport
from thermostack.linear.solve import Solver, prepare

__all__ = ["Solver", "SolverReport", "prepare"]
