"""Ten thousand random stacks: not one failure, not one wrong answer, and work that is bounded."""

from __future__ import annotations

import numpy as np
import pytest
from support.random_stacks import FAMILIES, MOST, Stack, directly, outcome_of, random_stack

from thermostack.finite_volume.conduction import BoundaryConductance, Conduction

EVERY_DAY, ALL = 17, 556  # seeds of each family: 306 and 10 008 stacks


def examine(family: str, seeds: range) -> None:
    for seed in seeds:
        outcome = outcome_of(random_stack(family, seed))
        assert outcome.is_right, f"{family} {seed}: {outcome}"
        assert outcome.iterations <= MOST[family], f"{family} {seed}: {outcome}"


@pytest.mark.parametrize("family", FAMILIES)
def test_random_stacks_are_solved(family: str) -> None:
    examine(family, range(EVERY_DAY))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_ten_thousand_random_stacks_are_solved(family: str) -> None:
    assert ALL * len(FAMILIES) >= 10_000
    examine(family, range(EVERY_DAY, EVERY_DAY + ALL))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stack_is_the_same_for_the_same_seed(family: str) -> None:
    one, other, third = (random_stack(family, seed, (3, 4, 5)) for seed in (7, 7, 8))
    assert (one.heat == other.heat).all()
    assert (one.conduction.g_z == other.conduction.g_z).all() or one.conduction.g_z.shape[0] == 0
    assert not np.array_equal(one.heat, third.heat)


@pytest.mark.parametrize("family", ["one cooled cell", "near Neumann"])
def test_a_wrong_answer_would_be_seen(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = random_stack(family, 3, (3, 6, 7))
    assert outcome_of(stack).is_right
    g = stack.conduction
    weaker = Conduction(g.g_x, g.g_y, g.g_z, BoundaryConductance.from_dense(g.boundary.dense * (1.0 - 1e-5)))
    other = directly(Stack(weaker, stack.heat, stack.widths))
    monkeypatch.setattr("support.random_stacks.directly", lambda _: other)
    assert not outcome_of(stack).is_right
