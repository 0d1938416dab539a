"""Half-range cosine series of a rectangle's plan, summed over 65 536 modes a direction by few nodes.

A layered block answers the mode cos(m pi x / a) cos(n pi y / b) with a kernel K(m, n) that is analytic for
real positive m and n (its poles lie at imaginary wave numbers, because the block only dissipates). On every
octave [M, 2M] it is therefore replaced by its Chebyshev interpolant; the nearest singularity is m = 0, three
half widths from the middle of the octave, so p nodes leave an error below 5.83**-p of the kernel (Trefethen,
Approximation Theory and Approximation Practice, 2013, theorem 8.2): 2e-11 for the 14 nodes used here. A sum
over all pairs of modes becomes `u @ K @ v` with 190 nodes a side, at the cost of two single sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

EXACT_MODES = 8  # the first modes are nodes themselves
OCTAVE_NODES = 14


@dataclass(frozen=True, eq=False)
class Modes:
    """The modes 0 .. count-1 of one direction and the nodes that stand for them."""

    count: int
    nodes: np.ndarray  # (p,) real mode numbers
    octaves: tuple[tuple[slice, slice, np.ndarray], ...]  # nodes, modes, weights (modes, nodes)

    def project(self, series: np.ndarray) -> np.ndarray:
        """Return the weight (rows, p) on each node of the series (rows, count) over the modes."""
        projected = np.empty((series.shape[0], self.nodes.size))
        projected[:, :EXACT_MODES] = series[:, :EXACT_MODES]
        for nodes, modes, weights in self.octaves:
            projected[:, nodes] = series[:, modes] @ weights
        return projected


@lru_cache(maxsize=8)
def modes(count: int) -> Modes:
    """Return the nodes and weights for `count` modes, a power of two above 8.

    The last octave is faded out smoothly. A truncation with a jump leaves an error of order log(count) /
    count**2 that oscillates; the fade removes it wherever the field is smooth, and also on the edges and
    corners of the sources, where the part of the field that is not smooth is odd and the fade is even.
    """
    if count <= EXACT_MODES or count & (count - 1):
        raise ValueError(f"count must be a power of two above {EXACT_MODES}, not {count}")
    angles = (np.arange(OCTAVE_NODES) + 0.5) * np.pi / OCTAVE_NODES
    nodes = [np.arange(EXACT_MODES, dtype=float)]
    octaves = []
    low, at = EXACT_MODES, EXACT_MODES
    while low < count:
        chebyshev = low * (1.5 + 0.5 * np.cos(angles))
        weights = _lagrange(chebyshev, angles, np.arange(low, 2 * low, dtype=float))
        if 2 * low == count:
            weights *= _fade(np.arange(low) / low)[:, None]
        nodes.append(chebyshev)
        octaves.append((slice(at, at + OCTAVE_NODES), slice(low, 2 * low), weights))
        low, at = 2 * low, at + OCTAVE_NODES
    return Modes(count, np.concatenate(nodes), tuple(octaves))


def _lagrange(nodes: np.ndarray, angles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the Lagrange polynomials (points, nodes) of Chebyshev nodes of the first kind.

    Barycentric form: Berrut and Trefethen, SIAM Review 46, 501 (2004), equation 5.3.
    """
    weight = np.where(np.arange(nodes.size) % 2, -1.0, 1.0) * np.sin(angles)
    difference = points[:, None] - nodes[None, :]
    hit = difference == 0.0
    terms = weight / np.where(hit, 1.0, difference)
    values = terms / terms.sum(axis=1, keepdims=True)
    struck = hit.any(axis=1)
    values[struck] = hit[struck]
    return values


def _fade(s: np.ndarray) -> np.ndarray:
    """Return an infinitely smooth step from 1 at s = 0 to 0 at s = 1."""
    s = np.clip(s, 2e-3, 1.0 - 2e-3)  # beyond it the step is 0 or 1 to rounding
    return 1.0 / (1.0 + np.exp(1.0 / (1.0 - s) - 1.0 / s))


def wave_numbers(length: float, count: int) -> np.ndarray:
    """Return the wave numbers m pi / length [1/m] of the modes 0 .. count-1."""
    return np.arange(count) * (np.pi / length)


def point_series(length: float, points: np.ndarray, count: int) -> np.ndarray:
    """Return cos(m pi x / length) as (points, count): what each mode contributes at a point."""
    return np.cos(np.multiply.outer(np.asarray(points, dtype=float), wave_numbers(length, count)))


def mean_series(length: float, low: float, high: float, count: int) -> np.ndarray:
    """Return the mean of each cosine over low <= x <= high as (1, count)."""
    wave = wave_numbers(length, count)
    half = 0.5 * (high - low) * wave
    half[0] = 1.0
    mean = np.cos(0.5 * (high + low) * wave) * np.sin(half) / half
    mean[0] = 1.0
    return mean[None, :]


@lru_cache(maxsize=256)
def window_series(length: float, low: float, high: float, count: int) -> np.ndarray:
    """Return the cosine coefficients (count,) of the function that is 1 in low..high and 0 elsewhere."""
    coefficient = 2.0 * (high - low) / length * mean_series(length, low, high, count)[0]
    coefficient[0] *= 0.5
    coefficient.flags.writeable = False  # it is shared
    return coefficient
