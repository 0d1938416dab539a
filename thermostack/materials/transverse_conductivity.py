"""Conductivity of upright cylinders across their axes: exact for regular arrays, averaged for scattered ones.

Rayleigh (Phil. Mag. 34, 481, 1892) expanded the potential around a cylinder into multipoles, which the
lattice couples; Perrins, McKenzie and McPhedran (Proc. R. Soc. A 369, 207, 1979) gave the lattice sums
and numerical values. With the contrast t = (cylinder - host) / (cylinder + host), the eigenvalues p and
the weights w of the coupling matrix M (equation below) depend on the geometry alone, and

    conductivity / host = 1 + 2 f t sum_n w_n / (1 - t p_n)

This is the Maxwell-Garnett formula for p = (f) and w = (1). Poles and weights do not depend on temperature.
With a the radius over the pitch and S the lattice sums, for multipoles l, m = 1, 3, 5, ...

    M_lm = (l + m - 1)! / ((l - 1)! (m - 1)! sqrt(l m)) a^(l + m) S_(l + m)
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Arrangement: TypeAlias = Literal["square", "hexagonal"]

CELL_AREA = {"square": 1.0, "hexagonal": math.sqrt(3.0) / 2.0}  # area per cylinder over pitch^2
MIN_WEIGHT = 1e-16  # of the last multipole and of a pole
MAX_MULTIPOLES = 100  # reached only near contact: 12 digits at a gap of 1 % of the pitch, contrast 1000
MAX_NEWTON_STEPS = 100  # about 6 are needed; bisection alone needs 60


def area_fraction(diameter: float, pitch: float, arrangement: Arrangement = "square") -> float:
    """Return the area fraction of cylinders with a diameter and a pitch [m]."""
    return math.pi * (diameter / pitch) ** 2 / (4.0 * CELL_AREA[arrangement])


def conductivity_across(
    host: Array, cylinder: Array, diameter: float, pitch: float, arrangement: Arrangement = "square"
) -> Array:
    """Return the conductivity [W/(m K)] of a regular array of cylinders in a host, across their axes."""
    poles, weights = _spectrum(diameter / pitch, arrangement)
    contrast = (cylinder - host) / (cylinder + host)
    fraction = area_fraction(diameter, pitch, arrangement)
    total = sum(weight / (1.0 - contrast * pole) for pole, weight in zip(poles, weights, strict=True))
    return np.asarray(host * (1.0 + 2.0 * fraction * contrast * total))


def dilute_conductivity(host: Array, cylinder: Array, fraction: float) -> Array:
    """Return the conductivity [W/(m K)] of scattered cylinders across their axes (Maxwell-Garnett in 2-D)."""
    contrast = (cylinder - host) / (cylinder + host)
    return np.asarray(host * (1.0 + fraction * contrast) / (1.0 - fraction * contrast))


def self_consistent_mean(fractions: list[float], values: list[Array]) -> Array:
    """Return the conductivity [W/(m K)] across upright columns of several phases without a matrix phase.

    It is the root of sum f (k - mean) / (k + mean) = 0 (Bruggeman, Ann. Phys. 416, 636, 1935, in two
    dimensions). With u = log(mean), Newton's method with bisection solves sum f tanh((log(k) - u) / 2) = 0.
    """
    logs = [np.log(value) for value in values]
    low, high = np.minimum.reduce(logs), np.maximum.reduce(logs)
    u = 0.5 * (low + high)
    for _ in range(MAX_NEWTON_STEPS):
        slopes = [np.tanh(0.5 * (log - u)) for log in logs]
        balance = sum(f * slope for f, slope in zip(fractions, slopes, strict=True))
        decline = sum(0.5 * f * (1.0 - slope**2) for f, slope in zip(fractions, slopes, strict=True))
        low, high = np.where(balance > 0.0, u, low), np.where(balance > 0.0, high, u)
        step = u + balance / np.maximum(decline, np.finfo(float).tiny)
        inside = (step > low) & (step < high)
        before, u = u, np.where(inside, step, 0.5 * (low + high))
        if np.all(np.abs(u - before) <= 4.0 * np.finfo(float).eps * np.maximum(np.abs(u), 1.0)):
            break
    return np.asarray(np.exp(u))


@lru_cache(maxsize=256)
def _spectrum(diameter: float, arrangement: Arrangement) -> tuple[Array, Array]:
    """Return the poles and weights of an array of cylinders; `diameter` is relative to the pitch."""
    needed = math.log(MIN_WEIGHT) / (2.0 * math.log(min(diameter, 0.999)))
    order = 1 + 2 * np.arange(min(math.ceil(needed / 2.0) + 2, MAX_MULTIPOLES))
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 2 * order[-1])))])  # logarithm
    rows, columns = np.meshgrid(order, order, indexing="ij")
    size = factorial[rows + columns - 1] - factorial[rows - 1] - factorial[columns - 1]
    radius = (rows + columns) * math.log(diameter / 2.0)
    sums = _lattice_sums(int(2 * order[-1]), arrangement)
    coupling = np.exp(size + radius - 0.5 * np.log(rows * columns)) * sums[rows + columns]
    poles, vectors = np.linalg.eigh(coupling)
    weights = vectors[0] ** 2
    kept = weights > MIN_WEIGHT
    return poles[kept], weights[kept]


def _lattice_sums(max_order: int, arrangement: Arrangement) -> Array:
    """Return S_n, the sum of z^-n over all lattice points z except the origin, for n = 0 ... `max_order`.

    S_2 = pi / cell area is the value for a mean gradient along the field (Perrins et al.). The others follow
    from the first nonzero sum, S_4 or S_6, by the recurrence of the Laurent coefficients (2 n - 1) S_2n of
    Weierstrass's elliptic function (Abramowitz and Stegun 18.5).
    """
    half = max(max_order // 2, 3)
    laurent = np.zeros(half + 1)
    if arrangement == "square":
        laurent[2] = 3.0 * math.gamma(0.25) ** 8 / (960.0 * math.pi**2)
    else:
        laurent[3] = 5.0 * math.gamma(1.0 / 3.0) ** 18 / (8960.0 * math.pi**6)
    for n in range(4, half + 1):
        product = float(laurent[2 : n - 1] @ laurent[n - 2 : 1 : -1])
        laurent[n] = 3.0 / ((2 * n + 1) * (n - 3)) * product
    sums = np.zeros(2 * half + 1)
    sums[4::2] = laurent[2:] / (2 * np.arange(2, half + 1) - 1)
    sums[2] = math.pi / CELL_AREA[arrangement]
    return sums
