"""V-cycle and full multigrid: the order in which the levels of a hierarchy smooth, restrict and prolong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any


def v_cycle(levels: Sequence[Any], *, has_coarsest: bool) -> None:
    """Set t of the first level from its b by one V-cycle: a symmetric positive definite map of b to t.

    `levels` are extension types of `ext/linear`, the finest first. The last of them is solved exactly if it
    is the coarsest of the hierarchy; otherwise its correction is zero, because coarser levels add little.
    """
    for fine, coarse in pairwise(levels):
        fine.presmooth_restrict(coarse)
    if has_coarsest:
        levels[-1].solve_coarsest()
    else:
        levels[-1].set_solution_to_zero()
    for fine, coarse in zip(levels[-2::-1], levels[:0:-1], strict=True):
        fine.prolong_postsmooth(coarse)


def full_multigrid(levels: Sequence[Any]) -> None:
    """Set t of the first level from its b by full multigrid: solve the coarsest level, prolong and smooth.

    Trottenberg, Oosterlee and Schüller, Multigrid (2001), section 2.6, with one postsmoothing pass per level.
    """
    for fine, coarse in pairwise(levels):
        fine.restrict_rhs(coarse)
    levels[-1].solve_coarsest()
    for fine, coarse in zip(levels[-2::-1], levels[:0:-1], strict=True):
        fine.set_solution_to_zero()
        fine.prolong_postsmooth(coarse)
