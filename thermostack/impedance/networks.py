"""Thermal networks with one port: Foster and Cauer form, conversions, SPICE text.

The impedance of a Foster network is a sum of terms, Z(s) = sum of R_i / (1 + s tau_i). A Cauer network is a
ladder: each node has a capacity to the ambient and a resistance to the next node, the last node to the
ambient. Both forms have the same impedance. In the Cauer form, the elements in their order correspond to the
resistance and capacity along the heat-flow path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from thermostack.schema.arguments import argument_error, quantities_in_si
from thermostack.schema.fields import to_si
from thermostack.schema.spelling import counted

Array = np.ndarray

MIN_TERM_SHARE = 1e-15  # of the total resistance; smaller terms are rounding errors
MIN_REMAINING_SHARE = 1e-10  # of the total resistance; a ladder ends where the rest of it is smaller
TIME_CONSTANT_TOLERANCE = 1e-12  # relative difference of time constants that are merged
SPICE_DIGITS = 12  # of a value in SPICE text


_DIMENSIONS = {  # of the arrays of a network
    "resistance": "thermal_resistance",
    "time_constant": "time",
    "capacity": "heat_capacity",
}


def _checked(values: Any, name: str) -> Array:
    """Return a one-dimensional read-only array [SI]. Raises ArgumentError where it is none."""
    checked: Array = np.atleast_1d(quantities_in_si(values, _DIMENSIONS[name], name)).copy()
    if checked.ndim != 1 or not checked.size or not np.isfinite(checked).all():
        raise argument_error(name, f"{name} must be a one-dimensional array of finite numbers", "", "E-RANGE")
    checked.setflags(write=False)
    return checked


@dataclass(frozen=True, eq=False, repr=False)
class Foster:
    """A thermal network as a sum of terms R / (1 + s tau).

    The network is passive if no resistance is negative. A transfer impedance, for example from a die to its
    neighbour, has terms of either sign.

    Parameters
    ----------
    resistance : array_like, shape (n,)
        Resistances R [K/W].
    time_constant : array_like, shape (n,)
        Time constants tau [s], all greater than zero. The terms are sorted by them.

    Raises
    ------
    ArgumentError
        If the arrays differ in size, or hold a value that is not allowed.

    Examples
    --------
    >>> Foster([1.0, 3.0], [1e-3, 1.0]).rise([0.0, 1.0]).round(4)
    array([0.    , 2.8964])
    """

    resistance: Array  # (n,) K/W
    time_constant: Array  # (n,) s, ascending

    def __post_init__(self) -> None:
        """Check the values and sort the terms by time constant."""
        resistance = _checked(self.resistance, "resistance")
        tau = _checked(self.time_constant, "time_constant")
        if resistance.shape != tau.shape:
            raise argument_error(
                "time_constant", f"{resistance.size} resistances for {tau.size} time constants"
            )
        if not (tau > 0.0).all():
            raise argument_error("time_constant", "time constants must be greater than zero", "", "E-RANGE")
        order = np.argsort(tau, kind="stable")
        object.__setattr__(self, "resistance", _checked(resistance[order], "resistance"))
        object.__setattr__(self, "time_constant", _checked(tau[order], "time_constant"))

    def __repr__(self) -> str:
        """Return the number of terms, the total resistance and the range of time constants in one line."""
        tau = self.time_constant
        return (
            f"Foster({counted(tau.size, 'term')}, total {self.total:.5g} K/W, "
            f"time constants {tau[0]:.3g} to {tau[-1]:.3g} s)"
        )

    @property
    def is_passive(self) -> bool:
        """Return whether no resistance is negative."""
        return bool((self.resistance >= 0.0).all())

    @property
    def total(self) -> float:
        """Return the steady-state resistance [K/W]."""
        return float(self.resistance.sum())

    def rise(self, time: Any) -> Array:
        """Return the temperature rise per watt [K/W] at times [s] after a step of power.

        A time may be text with a unit, "10 ms". The rise before the step, at negative times, is an error.
        """
        t = quantities_in_si(time, "time", "time")
        if (t < 0.0).any():
            text = f"{float(t[t < 0.0].flat[0]):g} s is before the step of power"
            raise argument_error("time", text, "times are zero or more", "E-RANGE")
        ratio = t[..., None] / self.time_constant
        return np.asarray(-np.expm1(-ratio) @ self.resistance)

    def at(self, omega: Any) -> Array:
        """Return the complex impedance [K/W] at angular frequencies [rad/s].

        Text has a unit: "314 rad/s" is an angular frequency, and "50 Hz" is a frequency f, for which omega is
        2 pi f.
        """
        s = 1j * angular_frequencies(omega)[..., None]
        return np.asarray((self.resistance / (1.0 + s * self.time_constant)).sum(axis=-1))

    def density(self, time_constant: Array, width: float = 0.6) -> Array:
        """Return the smoothed time-constant spectrum [K/W] per unit of ln(tau) at time constants [s].

        It is -Im Z(s) / (pi - width) on the ray s = exp(i (pi - width)) / tau. On the negative real axis each
        term is a line (Szekely and Van Bien, Solid-State Electronics 31 (1988) 1363). On a ray rotated from
        the axis by `width` [rad], each term is a peak of area R whose half width in ln(tau) is `width`.
        """
        if not 0.0 < width < np.pi:
            raise argument_error("width", f"width must lie between 0 and pi, got {width:g}", "", "E-RANGE")
        tau = np.asarray(time_constant, dtype=np.float64)[..., None]
        distance = np.log(tau / self.time_constant)
        peak = np.sin(width) / (np.cosh(distance) - np.cos(width)) / (2.0 * (np.pi - width))
        return np.asarray(peak @ self.resistance)

    def spice(self, name: str = "zth") -> str:
        """Return a SPICE subcircuit between nodes `junction` and `ambient`; 1 A is 1 W, 1 V is 1 K.

        Terms smaller than the last digit of the text are omitted. Raises ArgumentError if a resistance is
        negative.
        """
        if not self.is_passive:
            raise argument_error("resistance", "a network with negative resistances has no passive circuit")
        kept = self.resistance > 10.0**-SPICE_DIGITS * self.total
        resistance, capacity = self.resistance[kept], (self.time_constant[kept] / self.resistance[kept])
        nodes = ["junction", *(f"n{n}" for n in range(1, resistance.size)), "ambient"]
        rows = [
            f"{kind}{n} {nodes[n - 1]} {nodes[n]} {value:.{SPICE_DIGITS}e}"
            for n, (r, c) in enumerate(zip(resistance, capacity, strict=True), 1)
            for kind, value in (("R", r), ("C", c))
        ]
        return _subcircuit(name, rows)


@dataclass(frozen=True, eq=False, repr=False)
class Cauer:
    """A thermal network as a ladder from the source to the ambient.

    Parameters
    ----------
    resistance : array_like, shape (n,)
        Resistance [K/W] from each node to the next, the last to the ambient. All are greater than zero.
    capacity : array_like, shape (n,)
        Capacity [J/K] from each node to the ambient; the first node is the source. All are greater than zero.

    Raises
    ------
    ArgumentError
        If the arrays differ in size, or hold a value that is not allowed.

    Examples
    --------
    >>> Cauer([1.0, 3.0], [1e-3, 1.0]).total
    4.0
    """

    resistance: Array  # (n,) K/W, from the source to the ambient
    capacity: Array  # (n,) J/K, the first at the source

    def __post_init__(self) -> None:
        """Check that both are arrays of positive numbers of one size."""
        for name in ("resistance", "capacity"):
            object.__setattr__(self, name, values := _checked(getattr(self, name), name))
            if not (values > 0.0).all():
                raise argument_error(
                    name, f"each {name} of the ladder must be greater than zero", "", "E-RANGE"
                )
        if self.resistance.shape != self.capacity.shape:
            text = f"{self.resistance.size} resistances for {self.capacity.size} capacities"
            raise argument_error("capacity", text)

    def __repr__(self) -> str:
        """Return the number of nodes, the total resistance and the total capacity in one line."""
        nodes, capacity = counted(self.capacity.size, "node"), float(self.capacity.sum())
        return f"Cauer({nodes}, total {self.total:.5g} K/W and {capacity:.3g} J/K)"

    @property
    def total(self) -> float:
        """Return the steady-state resistance [K/W]."""
        return float(self.resistance.sum())

    def at(self, omega: Any) -> Array:
        """Return the complex impedance [K/W] at angular frequencies [rad/s], as a continued fraction.

        Text has a unit, "314 rad/s" or "50 Hz", as in `Foster.at`.
        """
        s = 1j * angular_frequencies(omega)
        z = np.zeros(s.shape, dtype=np.complex128)
        for r, c in zip(self.resistance[::-1], self.capacity[::-1], strict=True):
            z = 1.0 / (s * c + 1.0 / (r + z))
        return z

    def spice(self, name: str = "zth") -> str:
        """Return a SPICE subcircuit between nodes `junction` and `ambient`; 1 A is 1 W, 1 V is 1 K."""
        nodes = ["junction", *(f"n{n}" for n in range(1, self.resistance.size)), "ambient"]
        rows = [
            row
            for n, (r, c) in enumerate(zip(self.resistance, self.capacity, strict=True), 1)
            for row in (
                f"C{n} {nodes[n - 1]} ambient {c:.{SPICE_DIGITS}e}",
                f"R{n} {nodes[n - 1]} {nodes[n]} {r:.{SPICE_DIGITS}e}",
            )
        ]
        return _subcircuit(name, rows)


def angular_frequencies(omega: Any) -> Array:
    """Return angular frequencies [rad/s] from numbers [rad/s] and from text in rad/s or Hz."""
    given = np.asarray(omega)
    if given.dtype.kind in "fiu":
        return given.astype(np.float64)
    result = np.empty(given.shape)
    for index, each in np.ndenumerate(np.array(omega, dtype=object)):
        if isinstance(each, str) and "rad" not in each:
            result[index] = 2.0 * np.pi * to_si(each, "frequency", "omega")
        else:
            result[index] = to_si(each, "angular_frequency", "omega")
    return result


def _subcircuit(name: str, rows: list[str]) -> str:
    """Return a SPICE subcircuit; characters that a name must not contain become underscores."""
    safe = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return "\n".join([f".subckt {safe} junction ambient", *rows, f".ends {safe}", ""])


def foster_to_cauer(foster: Foster) -> Cauer:
    """Return the ladder with the impedance of a Foster network.

    Parameters
    ----------
    foster : Foster
        A passive network.

    Returns
    -------
    Cauer
        The ladder. It ends where the remaining resistance is less than 1e-10 of the total.

    Raises
    ------
    ArgumentError
        If a resistance is negative, or all are zero.

    Notes
    -----
    Z(s) = sum of r_i / (s + l_i) with r = R / tau and l = 1 / tau. The bidiagonal form of the diagonal matrix
    sqrt(l) with start vector sqrt(r) (Golub and Kahan, SIAM J. Numer. Anal. 2 (1965) 205) is the ladder: its
    entries are alpha_n = 1 / sqrt(R_n C_n) and beta_n = 1 / sqrt(R_n C_n+1). They are norms. No subtraction
    occurs, and every element is positive; polynomial long division does not guarantee this.

    The impedance of the ladder is accurate, but single elements far from the source can be ill-conditioned:
    they then change with the last digits of the terms. See
    `structure_function`.

    Examples
    --------
    >>> foster_to_cauer(Foster([1.0, 1.0], [1.0, 3.0])).resistance.round(6)
    array([1.6, 0.4])
    """
    if not foster.is_passive:
        raise argument_error("foster", "a network with negative resistances has no ladder")
    resistance, tau = (values.astype(np.longdouble) for values in distinct_terms(foster))
    step = 1.0 / np.sqrt(tau)
    left = np.sqrt(resistance) * step
    capacities: list[np.longdouble] = [1.0 / left.dot(left)]
    resistances: list[np.longdouble] = []
    lefts: list[Array] = [left / np.sqrt(left.dot(left))]
    rights: list[Array] = []
    for n in range(tau.size):
        right = orthogonalize(step * lefts[n], rights)
        alpha = np.sqrt(right.dot(right))
        rights.append(right / alpha)
        resistances.append(1.0 / (alpha**2 * capacities[n]))
        if n + 1 == tau.size:
            break
        left = orthogonalize(step * rights[n], lefts)
        beta = np.sqrt(left.dot(left))
        lefts.append(left / beta)
        capacities.append(1.0 / (beta**2 * resistances[n]))
    remaining = 1.0 - np.cumsum(resistances) / np.sum(resistances)
    size = 1 + int(np.argmax(remaining <= MIN_REMAINING_SHARE))
    resistances[size - 1] += np.sum(resistances[size:], initial=0.0)
    return Cauer(np.array(resistances[:size], np.float64), np.array(capacities[:size], np.float64))


def distinct_terms(foster: Foster) -> tuple[Array, Array]:
    """Return resistances and time constants, equal time constants merged and negligible terms omitted."""
    kept = foster.resistance > MIN_TERM_SHARE * foster.total
    if not kept.any():
        raise argument_error("foster", "a network without resistance has no ladder")
    resistance, tau = foster.resistance[kept], foster.time_constant[kept]
    first = np.flatnonzero(np.diff(tau, prepend=-1.0) > TIME_CONSTANT_TOLERANCE * tau)
    return np.add.reduceat(resistance, first), tau[first]


def orthogonalize(vector: Array, basis: list[Array]) -> Array:
    """Return a vector minus its projection on orthonormal vectors."""
    for _ in range(2 if basis else 0):  # two passes suffice (Parlett, The Symmetric Eigenvalue Problem, 6-9)
        rows = np.array(basis)
        vector = vector - rows.T @ (rows @ vector)
    return vector


def cauer_to_foster(cauer: Cauer) -> Foster:
    """Return the Foster network with the impedance of a ladder.

    Parameters
    ----------
    cauer : Cauer
        The ladder.

    Returns
    -------
    Foster
        The terms, as many as the ladder has nodes, from the singular values of its bidiagonal form.

    Examples
    --------
    >>> cauer_to_foster(Cauer([1.6, 0.4], [0.75, 6.25])).time_constant.round(6)
    array([1., 3.])
    """
    alpha = 1.0 / np.sqrt(cauer.resistance * cauer.capacity)
    beta = 1.0 / np.sqrt(cauer.resistance[:-1] * cauer.capacity[1:])
    bidiagonal = np.diag(alpha) + np.diag(beta, -1)
    _, values, rows = np.linalg.svd(bidiagonal)
    # On the side of the ambient, the components are the square roots of the resistances.
    root = rows @ (np.cumprod(np.append(1.0 / alpha[0], -beta / alpha[1:])) / np.sqrt(cauer.capacity[0]))
    return Foster(root**2, values**-2.0)
