"""NAFEMS test T3: a bar at 0 degC, one end held there, the other following a sine of 100 degC.

NAFEMS, The Standard NAFEMS Benchmarks (1990), test T3: 0.1 m, 35 W/(m K), 7200 kg/m3, 440.5 J/(kg K), T(L) =
100 sin(pi t / 40) degC. With T = T(L) x / L + sum of b_n(t) sin(n pi x / L) the b_n obey b_n' + r_n b_n =
(-1)**n 2 / (n pi) dT(L)/dt, solved in closed form (Carslaw and Jaeger, Conduction of Heat in Solids, 1959,
section 3.5).
"""

from __future__ import annotations

import numpy as np

LENGTH = 0.1  # m
CONDUCTIVITY, DENSITY, SPECIFIC_HEAT = 35.0, 7200.0, 440.5  # W/(m K), kg/m3, J/(kg K)
CAPACITY = DENSITY * SPECIFIC_HEAT  # J/(m3 K)
AMPLITUDE, FREQUENCY = 100.0, np.pi / 40.0  # degC, rad/s
PROBE, END = 0.08, 32.0  # m, s

PUBLISHED = {0.02: 0.091, 0.04: 1.150, 0.06: 8.668, 0.08: 36.6031}  # degC after 32 s


def end_temperature(t: np.ndarray | float) -> np.ndarray:
    """Return the temperature [degC] of the moving end at t [s]."""
    return AMPLITUDE * np.sin(FREQUENCY * np.asarray(t, dtype=float))


def temperature(x: np.ndarray | float, t: np.ndarray | float, terms: int = 10_000) -> np.ndarray:
    """Return the temperature [degC] at times t [s] and places x [m], (times, places).

    The terms fall with 1 / n**3 (and change sign along x): 2e-8 degC with the default, 1 mm from the ends.
    """
    x, t = np.atleast_1d(np.asarray(x, dtype=float)), np.atleast_1d(np.asarray(t, dtype=float))
    n = np.arange(1, terms + 1)
    rate = CONDUCTIVITY / CAPACITY * (n * np.pi / LENGTH) ** 2
    drive = 2.0 / (n * np.pi) * np.where(n % 2, -1.0, 1.0) * AMPLITUDE * FREQUENCY
    wt = FREQUENCY * t[:, None]
    # of b' + r b = cos(w t), b(0) = 0
    answer = (rate * np.cos(wt) + FREQUENCY * np.sin(wt) - rate * np.exp(-rate * t[:, None])) / (
        rate**2 + FREQUENCY**2
    )
    return np.outer(end_temperature(t), x / LENGTH) + (drive * answer) @ np.sin(
        np.outer(n, x) * np.pi / LENGTH
    )
