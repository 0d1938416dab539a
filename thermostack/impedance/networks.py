"""Thermal networks with one port: Foster and Cauer, one from the other, structure functions, SPICE text.

A Foster network is a sum, Z(s) = sum of R_i / (1 + s tau_i). A Cauer network is a ladder: at every node a
capacity to the ambient, and a resistance to the next node, the last one to the ambient. Both say the same
impedance; only in a ladder do resistances and capacities stand where the heat meets them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

Array = np.ndarray

NEGLIGIBLE = 1e-15  # of the total resistance: a term that is less says nothing
BEHIND = 1e-10  # of the resistance of a ladder: nodes with no more behind them are the ambient
EQUAL = 1e-12  # relative: time constants that differ by less are one
SIDE = 3  # points; the slope of a uniform slab is met to 5 % with it, to 20 % without
MIN_RATE, MAX_RATE = 0.3, 10.0  # rates that cover a time window, over 1 / longest and 1 / shortest time
LADDER_SPACING = 1.0 / 3.0  # decades between the rates that determine a structure function
MIN_NEW_SHARE = 3e-3  # of a response outside the span of the others; below, noise of the data decides it
DIGITS = 12  # of a value in SPICE text


def _checked(values: Array, name: str) -> Array:
    values = np.array(values, dtype=np.float64, ndmin=1)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"{name} is not a row of finite numbers")
    values.setflags(write=False)
    return values


@dataclass(frozen=True, eq=False)
class Foster:
    """A sum of terms R / (1 + s tau). It is passive where no resistance is negative.

    From one place to another, as from a die to its neighbour, resistances of either sign occur.

    >>> Foster([1.0, 3.0], [1e-3, 1.0]).rise([0.0, 1.0]).round(4)
    array([0.    , 2.8964])
    """

    resistance: Array  # (n,) K/W
    time_constant: Array  # (n,) s, ascending

    def __post_init__(self) -> None:
        """Check the numbers and sort them by time constant."""
        resistance = _checked(self.resistance, "resistance")
        tau = _checked(self.time_constant, "time_constant")
        if resistance.shape != tau.shape:
            raise ValueError(f"{resistance.size} resistances for {tau.size} time constants")
        if not (tau > 0.0).all():
            raise ValueError("a time constant is not greater than zero")
        order = np.argsort(tau, kind="stable")
        object.__setattr__(self, "resistance", _checked(resistance[order], "resistance"))
        object.__setattr__(self, "time_constant", _checked(tau[order], "time_constant"))

    @property
    def is_passive(self) -> bool:
        """Return whether resistors and capacitors could be bought for it."""
        return bool((self.resistance >= 0.0).all())

    @property
    def total(self) -> float:
        """Return the resistance at rest [K/W]."""
        return float(self.resistance.sum())

    def rise(self, time: Array) -> Array:
        """Return the rise per watt [K/W] at times [s] after a step of heat."""
        ratio = np.asarray(time, dtype=np.float64)[..., None] / self.time_constant
        return np.asarray(-np.expm1(-ratio) @ self.resistance)

    def at(self, omega: Array) -> Array:
        """Return the complex impedance [K/W] at angular frequencies [rad/s]."""
        s = 1j * np.asarray(omega, dtype=np.float64)[..., None]
        return np.asarray((self.resistance / (1.0 + s * self.time_constant)).sum(axis=-1))

    def density(self, time_constant: Array, width: float = 0.6) -> Array:
        """Return the spectrum [K/W] per unit of ln(tau), smooth, at some time constants [s].

        It is -Im Z(s) / (pi - width) on the ray s = exp(i (pi - width)) / tau. On the negative axis itself a
        term is a line (Szekely and Van Bien, Solid-State Electronics 31 (1988) 1363). On a ray turned away
        from it by `width` [rad] it is a peak of that half width, in units of ln(tau), and of area R.
        """
        if not 0.0 < width < np.pi:
            raise ValueError(f"width is {width:g}; it lies between 0 and pi")
        at = np.asarray(time_constant, dtype=np.float64)[..., None]
        away = np.log(at / self.time_constant)
        peak = np.sin(width) / (np.cosh(away) - np.cos(width)) / (2.0 * (np.pi - width))
        return np.asarray(peak @ self.resistance)

    def spice(self, name: str = "zth") -> str:
        """Return a subcircuit between nodes `junction` and `ambient`; 1 A is 1 W, 1 V is 1 K.

        Terms beyond the digits of the text are left out. Raises ValueError where a resistance is negative.
        """
        if not self.is_passive:
            raise ValueError("a network with negative resistances has no circuit")
        kept = self.resistance > 10.0**-DIGITS * self.total
        resistance, capacity = self.resistance[kept], (self.time_constant[kept] / self.resistance[kept])
        nodes = ["junction", *(f"n{n}" for n in range(1, resistance.size)), "ambient"]
        rows = [
            f"{kind}{n} {nodes[n - 1]} {nodes[n]} {value:.{DIGITS}e}"
            for n, (r, c) in enumerate(zip(resistance, capacity, strict=True), 1)
            for kind, value in (("R", r), ("C", c))
        ]
        return _subcircuit(name, rows)


@dataclass(frozen=True, eq=False)
class Cauer:
    """A ladder: from each node a capacity to the ambient and a resistance on, the last to the ambient."""

    resistance: Array  # (n,) K/W, from the source to the ambient
    capacity: Array  # (n,) J/K, the first at the source

    def __post_init__(self) -> None:
        """Check that both are rows of positive numbers."""
        for name in ("resistance", "capacity"):
            object.__setattr__(self, name, values := _checked(getattr(self, name), name))
            if not (values > 0.0).all():
                raise ValueError(f"a {name} of the ladder is not greater than zero")
        if self.resistance.shape != self.capacity.shape:
            raise ValueError(f"{self.resistance.size} resistances for {self.capacity.size} capacities")

    @property
    def total(self) -> float:
        """Return the resistance at rest [K/W]."""
        return float(self.resistance.sum())

    def at(self, omega: Array) -> Array:
        """Return the complex impedance [K/W] at angular frequencies [rad/s], as a continued fraction."""
        s = 1j * np.asarray(omega, dtype=np.float64)
        z = np.zeros(s.shape, dtype=np.complex128)
        for r, c in zip(self.resistance[::-1], self.capacity[::-1], strict=True):
            z = 1.0 / (s * c + 1.0 / (r + z))
        return z

    def spice(self, name: str = "zth") -> str:
        """Return a subcircuit between nodes `junction` and `ambient`; 1 A is 1 W, 1 V is 1 K."""
        nodes = ["junction", *(f"n{n}" for n in range(1, self.resistance.size)), "ambient"]
        rows = [
            row
            for n, (r, c) in enumerate(zip(self.resistance, self.capacity, strict=True), 1)
            for row in (
                f"C{n} {nodes[n - 1]} ambient {c:.{DIGITS}e}",
                f"R{n} {nodes[n - 1]} {nodes[n]} {r:.{DIGITS}e}",
            )
        ]
        return _subcircuit(name, rows)


def _subcircuit(name: str, rows: list[str]) -> str:
    safe = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return "\n".join([f".subckt {safe} junction ambient", *rows, f".ends {safe}", ""])


def foster_to_cauer(foster: Foster) -> Cauer:
    """Return the ladder of the same impedance; ValueError where a resistance is negative.

    Z(s) = sum of r_i / (s + l_i) with r = R / tau and l = 1 / tau. The bidiagonal form of the diagonal matrix
    sqrt(l), begun at sqrt(r) (Golub and Kahan, SIAM J. Numer. Anal. 2 (1965) 205), is the ladder: its entries
    are alpha_n = 1 / sqrt(R_n C_n) and beta_n = 1 / sqrt(R_n C_n+1). They are norms, so that nothing is
    subtracted and every element comes out positive, which long division of polynomials does not grant.
    """
    if not foster.is_passive:
        raise ValueError("a network with negative resistances is no ladder")
    resistance, tau = (values.astype(np.longdouble) for values in _distinct(foster))
    step = 1.0 / np.sqrt(tau)
    left = np.sqrt(resistance) * step
    capacities: list[np.longdouble] = [1.0 / left.dot(left)]
    resistances: list[np.longdouble] = []
    lefts: list[Array] = [left / np.sqrt(left.dot(left))]
    rights: list[Array] = []
    for n in range(tau.size):
        right = _orthogonal(step * lefts[n], rights)
        alpha = np.sqrt(right.dot(right))
        rights.append(right / alpha)
        resistances.append(1.0 / (alpha**2 * capacities[n]))
        if n + 1 == tau.size:
            break
        left = _orthogonal(step * rights[n], lefts)
        beta = np.sqrt(left.dot(left))
        lefts.append(left / beta)
        capacities.append(1.0 / (beta**2 * resistances[n]))
    behind = 1.0 - np.cumsum(resistances) / np.sum(resistances)
    size = 1 + int(np.argmax(behind <= BEHIND))
    resistances[size - 1] += np.sum(resistances[size:], initial=0.0)
    return Cauer(np.array(resistances[:size], np.float64), np.array(capacities[:size], np.float64))


def _distinct(foster: Foster) -> tuple[Array, Array]:
    """Return resistances and time constants with equal ones taken together and what is nothing left out."""
    kept = foster.resistance > NEGLIGIBLE * foster.total
    if not kept.any():
        raise ValueError("a network without resistance is no ladder")
    resistance, tau = foster.resistance[kept], foster.time_constant[kept]
    first = np.flatnonzero(np.diff(tau, prepend=-1.0) > EQUAL * tau)
    return np.add.reduceat(resistance, first), tau[first]


def rate_exponents(time: Array, spacing: float) -> Array:
    """Return log10 of real rates s [1/s] that cover times [s], about `spacing` decades apart, ascending."""
    low, high = np.log10(MIN_RATE / np.max(time)), np.log10(MAX_RATE / np.min(time))
    return np.linspace(low, high, 1 + max(1, round((high - low) / spacing)))


def reduce_order(foster: Foster, rates: Array) -> Foster:
    """Return a passive network of fewer terms with the same impedance and dZ/ds at real rates s [1/s].

    The state of term n at rate s is sqrt(R_n) / (1 + s tau_n). The network is projected on the span of its
    states at the rates (Grimme, PhD thesis, University of Illinois, 1997). A rate whose state has less than
    MIN_NEW_SHARE of its norm outside the span of the others is left out: the impedance hardly depends on the
    direction, so that errors of the impedance, divided by that share, would decide it. Raises ValueError
    where a resistance is negative or all are zero.
    """
    if not foster.is_passive:
        raise ValueError("a network with negative resistances is no ladder")
    resistance, tau = _distinct(foster)
    root = np.sqrt(resistance)
    basis = np.zeros((0, root.size))
    for rate in rates:
        state = root / (1.0 + rate * tau)
        new = np.asarray(_orthogonal(state, list(basis)))
        share = np.linalg.norm(new)
        if share > MIN_NEW_SHARE * np.linalg.norm(state):
            basis = np.vstack([basis, new / share])
    modes, roots, _ = np.linalg.svd(basis * np.sqrt(tau), full_matrices=False)
    return Foster((basis @ root @ modes) ** 2, roots**2)


def _orthogonal(vector: Array, basis: list[Array]) -> Array:
    for _ in range(2 if basis else 0):  # twice is enough (Parlett, The Symmetric Eigenvalue Problem, 6-9)
        known = np.array(basis)
        vector = vector - known.T @ (known @ vector)
    return vector


def cauer_to_foster(cauer: Cauer) -> Foster:
    """Return the sum of terms of the same impedance: the singular values of the ladder's bidiagonal form."""
    alpha = 1.0 / np.sqrt(cauer.resistance * cauer.capacity)
    beta = 1.0 / np.sqrt(cauer.resistance[:-1] * cauer.capacity[1:])
    bidiagonal = np.diag(alpha) + np.diag(beta, -1)
    _, values, rows = np.linalg.svd(bidiagonal)
    # Of the ambient's side: the resistances' roots, whose squares add up to the total.
    share = rows @ (np.cumprod(np.append(1.0 / alpha[0], -beta / alpha[1:])) / np.sqrt(cauer.capacity[0]))
    return Foster(share**2, values**-2.0)


@dataclass(frozen=True, eq=False)
class StructureFunction:
    """The capacity that heat has met on its way from the source, over the resistance it has met.

    A piece of one material and one cross-section A of the path is a straight line of slope c k A^2
    (volumetric capacity c, conductivity k) (Protonotarios and Wing, IEEE Trans. Circuit Theory 14 (1967) 2;
    Szekely and Van Bien, Solid-State Electronics 31 (1988) 1363). The ladder is a staircase about this line,
    and the line leads through the middles of its risers and treads.
    """

    cauer: Cauer

    @cached_property
    def resistance(self) -> Array:
        """Return the resistances met [K/W], (2 n,), from zero on.

        The last tread counts to its third: to first order in s, a uniform piece that is held at its end acts
        as its resistance with a third of its capacity.
        """
        step = self.cauer.resistance
        corner = np.append(0.0, np.cumsum(step[:-1]))
        return _interleaved(corner, corner + np.append(0.5 * step[:-1], step[-1] / 3.0))

    @cached_property
    def capacity(self) -> Array:
        """Return the capacities met [J/K] there, (2 n,)."""
        corner = np.append(0.0, np.cumsum(self.cauer.capacity))
        return _interleaved(0.5 * (corner[:-1] + corner[1:]), corner[1:])

    @cached_property
    def slope(self) -> Array:
        """Return the differential structure function dC/dR [W2 s/K2] at these points, (2 n,).

        It is the mean slope over SIDE points to either side: of a ladder that stands for a continuous path,
        single elements mean nothing.
        """
        here = np.arange(self.resistance.size)
        low, high = np.maximum(here - SIDE, 0), np.minimum(here + SIDE, here[-1])
        met = self.resistance[high] - self.resistance[low]
        return np.asarray((self.capacity[high] - self.capacity[low]) / met)

    @property
    def held_end(self) -> tuple[float, float]:
        """Return where the line ends [K/W, J/K] if its last piece is uniform and held at a fixed temperature.

        Behind a film there is no such piece: the line then ends with its last capacity.
        """
        return self.cauer.total, float(self.cauer.capacity.sum() + self.cauer.capacity[-1])


def _interleaved(first: Array, second: Array) -> Array:
    return np.column_stack([first, second]).ravel()


def structure_function(network: Foster | Cauer, time: Array | None = None) -> StructureFunction:
    """Return the structure function of a network; ValueError where it is no ladder.

    With `time` [s], the times at which the impedance of a Foster network is known, only the part of the
    ladder that they determine is used: the network is first reduced, see `reduce_order`, to interpolate the
    impedance at rest and at three rates per decade. Elements of a full ladder may change by their own size
    with the last digits of the impedance; those of the reduced ladder change by at most about
    1 / MIN_NEW_SHARE**2 = 1e5 times its relative error.
    """
    if isinstance(network, Cauer):
        return StructureFunction(network)
    if time is not None:
        network = reduce_order(network, np.append(0.0, 10.0 ** rate_exponents(time, LADDER_SPACING)))
    return StructureFunction(foster_to_cauer(network))
