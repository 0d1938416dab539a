"""Thermal networks: exact lines, conversions, circuits solved by nodal analysis, structure functions."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from thermostack.impedance.networks import (
    Cauer,
    Foster,
    cauer_to_foster,
    foster_to_cauer,
)
from thermostack.impedance.structure_function import StructureFunction, reduce_order, structure_function

OMEGA = np.geomspace(1e-3, 1e6, 40)  # rad/s


def line(resistance: float, capacity: float, terms: int) -> Foster:
    """Return the first terms of R tanh(x) / x, x = sqrt(s R C): a uniform line with a fixed end."""
    root = (np.arange(terms) + 0.5) * np.pi
    return Foster(2.0 * resistance / root**2, resistance * capacity / root**2)


def tanh_impedance(resistance: float, capacity: float, omega: np.ndarray) -> np.ndarray:
    """Return the same impedance in closed form (Carslaw and Jaeger 1959, section 3.7)."""
    x = np.sqrt(1j * omega * resistance * capacity)
    return resistance * np.tanh(x) / x


def random_ladder(seed: int, size: int) -> Cauer:
    """Return a ladder of random elements, each over four decades."""
    draw = np.random.default_rng(seed)
    return Cauer(10.0 ** draw.uniform(-3.0, 1.0, size), 10.0 ** draw.uniform(-4.0, 0.0, size))


def nodal_impedance(text: str, omega: float) -> complex:
    """Return the impedance between `junction` and `ambient` of a subcircuit, by nodal analysis."""
    head, *rows, tail = text.strip().splitlines()
    assert re.fullmatch(r"\.subckt \w+ junction ambient", head)
    assert tail.startswith(".ends")
    parts = [row.split() for row in rows]
    assert len({name for name, *_ in parts}) == len(parts)
    nodes = sorted({node for _, a, b, _ in parts for node in (a, b)} - {"ambient"})
    admittance = np.zeros((len(nodes) + 1, len(nodes) + 1), dtype=complex)
    index = {"ambient": len(nodes)} | {node: n for n, node in enumerate(nodes)}
    for name, a, b, value in parts:
        y = 1.0 / float(value) if name[0] == "R" else 1j * omega * float(value)
        admittance[np.ix_((index[a], index[b]), (index[a], index[b]))] += [[y, -y], [-y, y]]
    current = np.zeros(len(nodes))
    current[index["junction"]] = 1.0
    return complex(np.linalg.solve(admittance[:-1, :-1], current)[index["junction"]])


def exponential_rise(cauer: Cauer, time: float) -> float:
    """Return the rise after a step of 1 W by the matrix exponential of the ladder's equations."""
    n = cauer.resistance.size
    g = np.zeros((n + 1, n + 1))
    for i, r in enumerate(cauer.resistance):
        g[i : i + 2, i : i + 2] += np.array([[1.0, -1.0], [-1.0, 1.0]]) / r
    rate = g[:n, :n] / cauer.capacity[:, None]
    rest = np.linalg.solve(g[:n, :n], np.eye(n)[0])
    return float((rest - scipy.linalg.expm(-rate * time) @ rest)[0])


# -- exact ---------------------------------------------------------------------------------------


def test_impedance_of_a_uniform_line_is_a_hyperbolic_tangent() -> None:
    omega = np.geomspace(1e-2, 1e3, 30)
    exact = tanh_impedance(2.0, 0.5, omega)
    assert line(2.0, 0.5, 20_000).at(omega) == pytest.approx(exact, rel=1e-3)
    steps = np.full(2_000, 1.0 / 2_000)
    ladder = Cauer(2.0 * steps, 0.5 * np.append(0.5 * steps[0], steps[1:]))  # a node at the very surface
    assert ladder.at(omega) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_rise_equals_the_matrix_exponential(size: int) -> None:
    cauer = random_ladder(size, size)
    foster = cauer_to_foster(cauer)
    for time in (1e-4, 1e-2, 1.0, 30.0):
        assert float(foster.rise(time)) == pytest.approx(exponential_rise(cauer, time), rel=1e-8)


def test_rise_and_impedance_reach_the_steady_resistance() -> None:
    foster = cauer_to_foster(random_ladder(3, 12))
    assert foster.rise(1e9) == pytest.approx(foster.total, rel=1e-14)
    assert foster.at(0.0) == pytest.approx(foster.total, rel=1e-14)
    assert foster.rise(0.0) == 0.0
    early = 1e-12
    slope = float((foster.resistance / foster.time_constant).sum())
    assert foster.rise(early) == pytest.approx(slope * early, rel=1e-5)


def test_shape_of_the_times_is_kept() -> None:
    foster = Foster(np.array([1.0]), np.array([1.0]))
    assert foster.rise(np.ones((2, 3))).shape == (2, 3)
    assert foster.at(np.ones((2, 3))).shape == (2, 3)
    assert foster.density(np.ones((2, 3))).shape == (2, 3)
    assert np.shape(foster.rise(1.0)) == ()


# -- conversions ---------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_conversion_to_foster_and_back_keeps_the_impedance(seed: int, size: int) -> None:
    cauer = random_ladder(seed, size)
    foster = cauer_to_foster(cauer)
    again = foster_to_cauer(foster)
    assert again.at(OMEGA) == pytest.approx(cauer.at(OMEGA), rel=1e-9)
    assert foster.at(OMEGA) == pytest.approx(cauer.at(OMEGA), rel=1e-9)
    assert again.total == pytest.approx(cauer.total, rel=1e-12)
    assert foster.total == pytest.approx(cauer.total, rel=1e-13)


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_every_passive_network_has_a_ladder(seed: int, size: int) -> None:
    draw = np.random.default_rng(seed)
    foster = Foster(10.0 ** draw.uniform(-5.0, 0.0, size), 10.0 ** draw.uniform(-8.0, 3.0, size))
    cauer = foster_to_cauer(foster)
    assert cauer.total == pytest.approx(foster.total, rel=1e-9)
    assert cauer.capacity[0] == pytest.approx(1.0 / (foster.resistance / foster.time_constant).sum())
    assert cauer.at(OMEGA) == pytest.approx(foster.at(OMEGA), rel=1e-8)
    assert (cauer.at(OMEGA).real > 0.0).all()


@pytest.mark.parametrize("size", [1, 3, 10, 100])
def test_uniform_ladder_is_recovered_element_by_element(size: int) -> None:
    cauer = Cauer(np.full(size, 0.2), np.full(size, 3.0))
    again = foster_to_cauer(cauer_to_foster(cauer))
    assert again.resistance == pytest.approx(cauer.resistance, rel=1e-6)
    assert again.capacity == pytest.approx(cauer.capacity, rel=1e-6)


def test_ladder_of_two_terms_equals_long_division() -> None:
    """1 / (1 + s) + 1 / (1 + 3 s) by long division."""
    cauer = foster_to_cauer(Foster(np.ones(2), np.array([1.0, 3.0])))
    # Z = (2 + 4 s) / (1 + 4 s + 3 s^2): C1 = 3/4, R1 = 8/5, C2 = 25/4, R2 = 2/5.
    assert cauer.capacity == pytest.approx([3.0 / 4.0, 25.0 / 4.0], rel=1e-14)
    assert cauer.resistance == pytest.approx([8.0 / 5.0, 2.0 / 5.0], rel=1e-14)


def test_equal_time_constants_are_merged_and_negligible_terms_omitted() -> None:
    cauer = foster_to_cauer(Foster(np.array([1.0, 2.0, 0.0, 1e-18]), np.array([0.5, 0.5, 7.0, 9.0])))
    assert cauer.resistance == pytest.approx([3.0])
    assert cauer.capacity == pytest.approx([0.5 / 3.0])


# -- circuits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("omega", [0.0, 1.0, 1e3])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_both_circuits_have_the_impedance_of_the_network(size: int, omega: float) -> None:
    cauer = random_ladder(7, size)
    expected = complex(cauer.at(omega))
    assert nodal_impedance(cauer.spice(), omega) == pytest.approx(expected, rel=1e-9)
    assert nodal_impedance(cauer_to_foster(cauer).spice(), omega) == pytest.approx(expected, rel=1e-9)


def test_name_of_a_circuit_is_one_word() -> None:
    text = Cauer(np.ones(1), np.ones(1)).spice("gpu.active in a package; x")
    assert text.splitlines()[0] == ".subckt gpu_active_in_a_package__x junction ambient"
    assert text.splitlines()[1:3] == [
        "C1 junction ambient 1.000000000000e+00",
        "R1 junction ambient 1.000000000000e+00",
    ]


# -- spectrum ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.05, 0.6, 2.0])
def test_density_is_minus_the_imaginary_part_on_a_rotated_ray(width: float) -> None:
    foster = cauer_to_foster(random_ladder(5, 6))
    tau = np.geomspace(1e-8, 1e4, 50)
    s = np.exp(1j * (np.pi - width)) / tau
    z = (foster.resistance / (1.0 + s[:, None] * foster.time_constant)).sum(axis=1)
    assert foster.density(tau, width) == pytest.approx(-z.imag / (np.pi - width), rel=1e-9)


@pytest.mark.parametrize("width", [0.1, 0.6])
def test_area_of_the_density_is_the_resistance(width: float) -> None:
    foster = Foster(np.array([1.0, 2.0]), np.array([1e-3, 1.0]))
    ln_tau = np.linspace(-40.0, 40.0, 40_001)
    density = foster.density(np.exp(ln_tau), width)
    assert np.trapezoid(density, ln_tau) == pytest.approx(3.0, rel=1e-6)
    peak = foster.density(np.array([1.0]), 0.01)
    assert peak[0] == pytest.approx(2.0 / (np.pi * 0.01), rel=0.01)


# -- structure functions -------------------------------------------------------------------------


def test_structure_function_of_a_uniform_ladder_is_a_straight_line() -> None:
    n = 50
    step = np.full(n, 1.0 / n)
    found = structure_function(Cauer(0.3 * step, 0.08 * step))
    depth = found.resistance / 0.3  # from the middle of the first cell
    assert found.capacity[:-1] / 0.08 == pytest.approx(depth[:-1] + 0.5 / n, abs=1e-12)
    assert found.slope[:-4] == pytest.approx(np.full(2 * n - 4, 0.08 / 0.3))


@pytest.mark.parametrize("terms", [6, 12, 24, 100])
def test_structure_function_of_a_line_with_fixed_end_is_a_straight_line(terms: int) -> None:
    """The slowest terms of a line, and one term for the rest of the resistance."""
    first = line(2.0, 0.5, terms)
    rest = 2.0 - first.total
    foster = Foster(
        np.append(first.resistance, rest), np.append(first.time_constant, 0.3 * first.time_constant[0])
    )
    found = structure_function(foster)
    inner = slice(4, None)  # beyond the section that the extra term represents
    assert found.capacity[inner] / 0.5 == pytest.approx(found.resistance[inner] / 2.0, abs=0.02)
    assert found.held_end == pytest.approx((2.0, 0.5), rel=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_structure_function_of_known_times_does_not_depend_on_small_terms(seed: int) -> None:
    """A line whose impedance is known to 1e-10 from 0.1 ms to 10 s, with and without small false terms."""
    draw, times = np.random.default_rng(seed), np.array([1e-4, 10.0])
    exact = line(2.0, 0.5, 100)
    small = Foster(
        np.append(exact.resistance, 1e-10 * draw.random(5)),
        np.append(exact.time_constant, 10.0 ** draw.uniform(-4.0, -1.0, 5)),
    )
    share = 2.0 * np.linspace(0.05, 0.95, 50)
    curves = [
        np.interp(share, structure.resistance, structure.capacity)
        for structure in (structure_function(network, times) for network in (exact, small))
    ]
    assert curves[1] == pytest.approx(curves[0], rel=1e-3)
    inner = share < 1.6
    assert curves[0][inner] / 0.5 == pytest.approx(share[inner] / 2.0, abs=0.02)


def test_network_of_lower_order_interpolates_the_impedance_and_its_slope() -> None:
    foster, rates = line(2.0, 0.5, 100), np.array([0.0, 1.0, 30.0, 1e3])
    lower = reduce_order(foster, rates)
    assert lower.is_passive
    assert lower.resistance.size == 4
    for rate in rates:
        (value, slope), (lower_value, lower_slope) = (
            (
                (each.resistance / (1.0 + rate * each.time_constant)).sum(),
                (each.resistance * each.time_constant / (1.0 + rate * each.time_constant) ** 2).sum(),
            )
            for each in (foster, lower)
        )
        assert lower_value == pytest.approx(value, rel=1e-11)
        assert lower_slope == pytest.approx(slope, rel=1e-9)
    assert reduce_order(foster, np.append(rates, rates + 1e-6)).resistance.size == 4
    with pytest.raises(ValueError, match="negative resistances has no ladder"):
        reduce_order(Foster(np.array([-0.1, 0.4]), np.array([1e-3, 1.0])), rates)


def test_structure_function_shows_where_a_line_becomes_wider() -> None:
    narrow, wide = Cauer(np.full(30, 0.1), np.full(30, 0.01)), Cauer(np.full(30, 0.02), np.full(30, 0.5))
    both = Cauer(*(np.append(getattr(narrow, n), getattr(wide, n)) for n in ("resistance", "capacity")))
    found = structure_function(cauer_to_foster(both))
    assert np.median(found.slope[:50]) == pytest.approx(0.1, rel=0.02)
    assert np.median(found.slope[70:]) == pytest.approx(25.0, rel=0.02)
    bend = found.resistance[np.argmax(found.slope > 1.0)]
    assert bend == pytest.approx(3.0, rel=0.05)
    assert (np.diff(found.resistance) > 0.0).all()
    assert (np.diff(found.capacity) > 0.0).all()


def test_structure_function_ends_at_the_sums_of_the_ladder() -> None:
    cauer = random_ladder(2, 8)
    found = StructureFunction(cauer)
    assert found.capacity[-1] == pytest.approx(cauer.capacity.sum())
    assert found.resistance[-1] == pytest.approx(cauer.total - 2.0 * cauer.resistance[-1] / 3.0)
    assert found.capacity[0] == pytest.approx(0.5 * cauer.capacity[0])
    assert found.resistance[0] == 0.0


# -- invalid values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resistance", "tau", "message"),
    [
        ([1.0], [0.0], "time constants must be greater than zero"),
        ([1.0], [-1.0], "time constants must be greater than zero"),
        ([1.0, 2.0], [1.0], "2 resistances for 1 time constants"),
        ([np.nan], [1.0], "resistance must be a one-dimensional array of finite numbers"),
        ([1.0], [np.inf], "time_constant must be a one-dimensional array of finite numbers"),
        ([], [], "must be a one-dimensional array of finite numbers"),
        ([[1.0]], [[1.0]], "must be a one-dimensional array of finite numbers"),
    ],
)
def test_invalid_foster_values_raise(resistance: list, tau: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Foster(np.array(resistance), np.array(tau))


@pytest.mark.parametrize(
    ("resistance", "capacity", "message"),
    [
        ([1.0, -1.0], [1.0, 1.0], "each resistance of the ladder must be greater than zero"),
        ([1.0], [0.0], "each capacity of the ladder must be greater than zero"),
        ([1.0], [1.0, 2.0], "1 resistances for 2 capacities"),
    ],
)
def test_invalid_cauer_values_raise(resistance: list, capacity: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cauer(np.array(resistance), np.array(capacity))


def test_network_that_is_not_passive_has_no_ladder_and_no_circuit() -> None:
    transfer = Foster(np.array([-0.1, 0.4]), np.array([1e-3, 1.0]))
    assert not transfer.is_passive
    with pytest.raises(ValueError, match="negative resistances has no ladder"):
        foster_to_cauer(transfer)
    with pytest.raises(ValueError, match="has no passive circuit"):
        transfer.spice()
    with pytest.raises(ValueError, match="without resistance"):
        foster_to_cauer(Foster(np.zeros(2), np.ones(2)))
    with pytest.raises(ValueError, match="width must lie between 0 and pi"):
        transfer.density(np.ones(1), width=np.pi)


def test_networks_are_read_only() -> None:
    foster = Foster(np.array([2.0, 1.0]), np.array([5.0, 3.0]))
    assert foster.time_constant.tolist() == [3.0, 5.0]
    assert foster.resistance.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        foster.resistance[0] = 7.0
