"""Structure functions: cumulative capacity over cumulative resistance along the heat-flow path.

Single elements of a ladder can depend on rounding. A structure function of a known impedance is therefore
taken from a ladder of lower order, whose elements the impedance determines.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from thermostack.impedance.networks import Cauer, Foster, distinct_terms, foster_to_cauer, orthogonalize
from thermostack.schema.arguments import argument_error

Array = np.ndarray

SLOPE_HALF_WIDTH = 3  # points; error of the slope of a uniform slab: 5 %, without averaging 20 %
MIN_RATE, MAX_RATE = 0.3, 10.0  # rates that cover a time window, over 1 / longest and 1 / shortest time
LADDER_SPACING = 1.0 / 3.0  # decades between the rates that determine a structure function
MIN_NEW_SHARE = 3e-3  # of the norm of a state outside the span of the others; errors of Z grow by 1 / share^2


@dataclass(frozen=True, eq=False)
class StructureFunction:
    """Cumulative capacity over cumulative resistance along the path from the source to the ambient.

    Parameters
    ----------
    cauer : Cauer
        The ladder.

    Notes
    -----
    A uniform section of the path with cross-section A, volumetric capacity c and conductivity k is a straight
    line of slope c k A^2 (Protonotarios and Wing, IEEE Trans. Circuit Theory 14 (1967) 2; Szekely and Van
    Bien, Solid-State Electronics 31 (1988) 1363). The ladder is a staircase about this line; the points of
    the structure function are the midpoints of its risers and treads.

    Examples
    --------
    >>> StructureFunction(Cauer([1.0, 3.0], [1.0, 4.0])).capacity
    array([0.5, 1. , 3. , 5. ])
    """

    cauer: Cauer

    @cached_property
    def resistance(self) -> Array:
        """Return the cumulative resistances [K/W] of the points, (2 n,), from zero on.

        The last point lies at one third of the last tread: to first order in s, a uniform section with a
        fixed temperature at its end acts as its resistance with a third of its capacity.
        """
        step = self.cauer.resistance
        corner = np.append(0.0, np.cumsum(step[:-1]))
        return _interleaved(corner, corner + np.append(0.5 * step[:-1], step[-1] / 3.0))

    @cached_property
    def capacity(self) -> Array:
        """Return the cumulative capacities [J/K] of the points, (2 n,)."""
        corner = np.append(0.0, np.cumsum(self.cauer.capacity))
        return _interleaved(0.5 * (corner[:-1] + corner[1:]), corner[1:])

    @cached_property
    def slope(self) -> Array:
        """Return the differential structure function dC/dR [W2 s/K2] at these points, (2 n,).

        It is the mean slope over SLOPE_HALF_WIDTH points to either side, because single elements of a ladder
        that approximates a continuous path have no physical meaning.
        """
        here = np.arange(self.resistance.size)
        low, high = np.maximum(here - SLOPE_HALF_WIDTH, 0), np.minimum(here + SLOPE_HALF_WIDTH, here[-1])
        difference = self.resistance[high] - self.resistance[low]
        return np.asarray((self.capacity[high] - self.capacity[low]) / difference)

    @property
    def held_end(self) -> tuple[float, float]:
        """Return the end [K/W, J/K] of a path whose last section is uniform and ends at a fixed temperature.

        A path that ends in a heat-transfer coefficient has no such section; its total capacity is the last
        value of `capacity`.
        """
        return self.cauer.total, float(self.cauer.capacity.sum() + self.cauer.capacity[-1])


def _interleaved(first: Array, second: Array) -> Array:
    """Return first[0], second[0], first[1], second[1] ..."""
    return np.column_stack([first, second]).ravel()


def structure_function(network: Foster | Cauer, time: Array | None = None) -> StructureFunction:
    """Return the structure function of a network.

    Parameters
    ----------
    network : Foster or Cauer
        A passive network.
    time : array_like, optional
        Times [s] at which the impedance of the Foster network is known. The network is first reduced, see
        `reduce_order`, to interpolate the impedance at steady state and at three rates per decade.

    Returns
    -------
    StructureFunction
        The structure function of the ladder.

    Raises
    ------
    ArgumentError
        If a resistance is negative, or all are zero.

    Notes
    -----
    Elements of the full ladder may change by their own size with the last digits of the impedance, and then
    differ between processors. Elements of the reduced ladder change by at most about 1 / MIN_NEW_SHARE**2 =
    1e5 times the relative error of the impedance.

    Examples
    --------
    >>> structure_function(Foster([1.0, 1.0], [1.0, 3.0])).cauer.capacity.round(6)
    array([0.75, 6.25])
    """
    if isinstance(network, Cauer):
        return StructureFunction(network)
    if time is not None:
        network = reduce_order(network, np.append(0.0, 10.0 ** rate_exponents(time, LADDER_SPACING)))
    return StructureFunction(foster_to_cauer(network))


def reduce_order(foster: Foster, rates: Array) -> Foster:
    """Return a passive network with fewer terms, with the same impedance and dZ/ds at real rates s [1/s].

    The state of term n at rate s is sqrt(R_n) / (1 + s tau_n). The network is projected on the span of its
    states at the rates (Grimme, PhD thesis, University of Illinois, 1997). A rate is omitted if its state has
    less than MIN_NEW_SHARE of its norm outside the span of the states before it: errors of the impedance,
    divided by the square of this share, would determine the new term. Raises ArgumentError if a resistance is
    negative or all are zero.
    """
    if not foster.is_passive:
        raise argument_error("foster", "a network with negative resistances has no ladder")
    resistance, tau = distinct_terms(foster)
    root = np.sqrt(resistance)
    basis = np.zeros((0, root.size))
    for rate in rates:
        state = root / (1.0 + rate * tau)
        new = np.asarray(orthogonalize(state, list(basis)))
        share = np.linalg.norm(new)
        if share > MIN_NEW_SHARE * np.linalg.norm(state):
            basis = np.vstack([basis, new / share])
    modes, roots, _ = np.linalg.svd(basis * np.sqrt(tau), full_matrices=False)
    return Foster((basis @ root @ modes) ** 2, roots**2)


def rate_exponents(time: Array, spacing: float) -> Array:
    """Return log10 of real rates s [1/s] that cover times [s], about `spacing` decades apart, ascending."""
    low, high = np.log10(MIN_RATE / np.max(time)), np.log10(MAX_RATE / np.min(time))
    return np.linspace(low, high, 1 + max(1, round((high - low) / spacing)))
