"""Ten thousand random stacks are solved correctly, within bounds of the iterations."""

from __future__ import annotations

import numpy as np
import pytest
from support.random_stacks import FAMILIES, MAX_ITERATIONS, Stack, random_stack, solve_directly, solve_stack

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction

FAST_SEEDS, SLOW_SEEDS = 17, 556  # seeds of each family: 306 and 10 008 stacks


def check_family(family: str, seeds: range) -> None:
    for seed in seeds:
        outcome = solve_stack(random_stack(family, seed))
        assert outcome.is_right, f"{family} {seed}: {outcome}"
        assert outcome.iterations <= MAX_ITERATIONS[family], f"{family} {seed}: {outcome}"


@pytest.mark.parametrize("family", FAMILIES)
def test_random_stacks_are_solved(family: str) -> None:
    check_family(family, range(FAST_SEEDS))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_ten_thousand_random_stacks_are_solved(family: str) -> None:
    assert SLOW_SEEDS * len(FAMILIES) >= 10_000
    check_family(family, range(FAST_SEEDS, FAST_SEEDS + SLOW_SEEDS))


@pytest.mark.parametrize("family", FAMILIES)
def test_same_seed_gives_same_stack(family: str) -> None:
    one, other, third = (random_stack(family, seed, (3, 4, 5)) for seed in (7, 7, 8))
    assert (one.rhs == other.rhs).all()
    assert (one.conduction.g_z == other.conduction.g_z).all() or one.conduction.g_z.shape[0] == 0
    assert not np.array_equal(one.rhs, third.rhs)


@pytest.mark.parametrize("family", ["one cooled cell", "near Neumann"])
def test_wrong_temperatures_are_detected(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = random_stack(family, 3, (3, 6, 7))
    assert solve_stack(stack).is_right
    g = stack.conduction
    weaker = Conduction(g.g_x, g.g_y, g.g_z, BoundaryConductance.from_dense(g.boundary.dense * (1.0 - 1e-5)))
    other = solve_directly(Stack(weaker, stack.rhs, stack.widths))
    monkeypatch.setattr("support.random_stacks.solve_directly", lambda _: other)
    assert not solve_stack(stack).is_right
