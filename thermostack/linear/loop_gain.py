"""Loop gain of leakage: how much of an additional heat comes back as leakage power."""

from __future__ import annotations

import numpy as np

from thermostack.finite_volume.conduction import Conduction, PowerSlope
from thermostack.linear.solver import Solver

SOLVE_TOLERANCE = 1e-3  # relative, of each solve
GAIN_TOLERANCE = 1e-3  # relative change of the gain at which the iteration stops
MAX_ITERATIONS = 12


def loop_gain(solver: Solver, conduction: Conduction, slope: PowerSlope) -> float:
    """Return the largest eigenvalue mu of D v = mu G v, with the slope D of the leakage power [W/K].

    `solver` is that of G - D, whose largest response belongs to the same v, and `conduction` is G. It is
    inverse iteration with the Rayleigh quotient v.Dv / v.Gv, which is below mu and whose error is the square
    of that of v (Golub and Van Loan, Matrix Computations, 2013, section 8.2).
    """
    heat = np.zeros(conduction.shape)
    flat, gain = heat.reshape(-1), 0.0
    flat[slope.cell] = slope.slope
    if not slope.slope.any():
        return 0.0
    for _ in range(MAX_ITERATIONS):
        heat /= np.abs(heat).sum()
        v, _ = solver.solve(heat, tolerance=SOLVE_TOLERANCE)
        at_sources = v.reshape(-1)[slope.cell]
        returned = slope.slope * at_sources
        before, gain = gain, float(at_sources @ returned) / float(np.vdot(v, conduction.apply(v)))
        if abs(gain - before) <= GAIN_TOLERANCE * gain:
            break
        heat[...] = 0.0
        flat[slope.cell] = returned
    return gain
