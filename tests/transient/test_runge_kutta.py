"""The schemes in time: their orders, their stability, and what is derived from their tableaus."""

from __future__ import annotations

import numpy as np
import pytest

from thermostack.transient.runge_kutta import SCHEMES, RungeKuttaScheme

ALL = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
EMBEDDED = pytest.mark.parametrize("scheme", [each for each in SCHEMES.values() if each.embedded is not None])


def order_conditions(a: np.ndarray, b: np.ndarray) -> dict[str, tuple[int, float]]:
    """Return order and error of every rooted tree up to order 4 (Hairer, Norsett and Wanner, II.2)."""
    c, one = a.sum(axis=1), np.ones(len(a))
    return {
        "t": (1, b @ one - 1),
        "[t]": (2, b @ c - 1 / 2),
        "[t,t]": (3, b @ c**2 - 1 / 3),
        "[[t]]": (3, b @ a @ c - 1 / 6),
        "[t,t,t]": (4, b @ c**3 - 1 / 4),
        "[t,[t]]": (4, b @ (c * (a @ c)) - 1 / 8),
        "[[t,t]]": (4, b @ a @ c**2 - 1 / 12),
        "[[[t]]]": (4, b @ a @ a @ c - 1 / 24),
    }


def order_of(a: np.ndarray, b: np.ndarray) -> int:
    """Return the greatest order up to which no condition is violated."""
    broken = [order for order, error in order_conditions(a, b).values() if abs(error) > 1e-12]
    return min(broken, default=5) - 1


def gains(scheme: RungeKuttaScheme, z: np.ndarray) -> np.ndarray:
    """Return by what a step multiplies each of some modes."""
    return np.array([scheme.gain(complex(each)) for each in z.ravel()]).reshape(z.shape)


@ALL
def test_a_step_has_the_order_it_says(scheme: RungeKuttaScheme) -> None:
    assert order_of(scheme.a, scheme.b) == scheme.order


@EMBEDDED
def test_the_embedded_method_has_the_order_it_says(scheme: RungeKuttaScheme) -> None:
    assert scheme.embedded is not None
    assert order_of(scheme.a, scheme.embedded) == scheme.embedded_order
    assert scheme.embedded_order == scheme.order - 1


@ALL
def test_stages_are_solved_one_after_the_other_with_one_matrix(scheme: RungeKuttaScheme) -> None:
    assert not np.triu(scheme.a, 1).any()
    assert (np.diag(scheme.a) == scheme.gamma).all()
    assert scheme.gamma > 0.0
    assert scheme.stages == len(scheme.a)


@ALL
def test_the_last_stage_is_the_end_of_the_step(scheme: RungeKuttaScheme) -> None:
    assert np.array_equal(scheme.b, scheme.a[-1])
    assert scheme.c[-1] == pytest.approx(1.0, abs=1e-14)
    assert (scheme.c > 0.0).all()
    assert (scheme.c <= 1.0 + 1e-14).all()


@ALL
def test_the_gain_is_that_of_one_step(scheme: RungeKuttaScheme) -> None:
    """A step of dy/dt = z y made stage by stage, as rates of change have it."""
    for z in (-0.3, -40.0, 0.5j, -2.0 + 3.0j):
        rates = np.zeros(scheme.stages, dtype=complex)
        for n in range(scheme.stages):
            rates[n] = z * (1.0 + scheme.a[n, :n] @ rates[:n]) / (1.0 - z * scheme.gamma)
        assert scheme.gain(z) == pytest.approx(1.0 + scheme.b @ rates, rel=1e-12)


@ALL
def test_what_is_fast_is_forgotten(scheme: RungeKuttaScheme) -> None:
    """L-stability: the gain goes to zero as 1/z, however fast a mode decays."""
    for angle in (np.pi, 0.75 * np.pi, 0.51 * np.pi):
        far = np.array([1e6, 1e9]) * np.exp(1j * angle)
        gain = np.abs(gains(scheme, far))
        assert gain[0] < 1e-4
        assert gain[1] == pytest.approx(1e-3 * gain[0], rel=1e-2)


@ALL
def test_nothing_that_decays_grows(scheme: RungeKuttaScheme) -> None:
    """|gain| <= 1 on the imaginary axis, and the poles lie to its right: so on the whole left half plane."""
    y = np.concatenate([np.linspace(0.0, 20.0, 801), np.geomspace(20.0, 1e6, 60)])
    assert np.abs(gains(scheme, 1j * y)).max() <= 1.0 + 1e-12
    x = -np.geomspace(1e-6, 1e6, 200)
    assert np.abs(gains(scheme, x)).max() <= 1.0
    inside = x[::4, None] + 1j * y[None, ::40]
    assert np.abs(gains(scheme, inside)).max() <= 1.0


@ALL
def test_slow_decay_is_followed_to_the_order(scheme: RungeKuttaScheme) -> None:
    errors = np.abs(gains(scheme, np.array([-0.1, -0.05])) - np.exp([-0.1, -0.05]))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(scheme.order + 1, abs=0.12)


@ALL
def test_w_gives_each_stage_what_its_rates_would(scheme: RungeKuttaScheme) -> None:
    """Sum of a_ij h K_j over j < i equals that of w_ij (Y_j - y), for any rates K."""
    rates = np.random.default_rng(1).normal(size=scheme.stages)
    increases = scheme.a @ rates
    assert np.allclose(scheme.w @ increases, np.tril(scheme.a, -1) @ rates, rtol=0.0, atol=1e-12)
    assert not np.triu(scheme.w).any()


@EMBEDDED
def test_e_gives_the_difference_of_both_methods(scheme: RungeKuttaScheme) -> None:
    assert scheme.embedded is not None
    rates = np.random.default_rng(2).normal(size=scheme.stages)
    expected = (scheme.b - scheme.embedded) @ rates
    assert scheme.e @ (scheme.a @ rates) == pytest.approx(expected, abs=1e-12)


@EMBEDDED
def test_the_estimate_of_what_is_gone_is_what_it_was(scheme: RungeKuttaScheme) -> None:
    """The error estimate of fast decaying components is a multiple of their size, however fast they are."""
    estimates = []
    for z in (-1e3, -1e6, -1e9):
        rates = np.linalg.solve(np.eye(scheme.stages) - z * scheme.a, np.full(scheme.stages, z))
        estimates.append(scheme.e @ (scheme.a @ rates))
    assert estimates[-1] == pytest.approx(-scheme.e.sum(), rel=1e-6)
    assert np.abs(estimates).max() < 5.0


def test_schemes_are_found_by_name_and_say_where_they_are_from() -> None:
    assert list(SCHEMES) == ["implicit_euler", "sdirk3", "sdirk4"]
    for name, scheme in SCHEMES.items():
        assert scheme.name == name
        assert scheme.source
    assert SCHEMES["implicit_euler"].embedded is None


def test_the_published_digits() -> None:
    """Alexander's gamma, and the embedded weights of Hairer and Wanner add up to one."""
    assert SCHEMES["sdirk3"].gamma == pytest.approx(0.4358665215084590, abs=1e-15)
    assert SCHEMES["sdirk4"].gamma == 0.25
    for name in ("sdirk3", "sdirk4"):
        embedded = SCHEMES[name].embedded
        assert embedded is not None
        assert embedded.sum() == pytest.approx(1.0, abs=1e-13)
