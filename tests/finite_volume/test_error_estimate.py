"""The estimated errors against the true ones, over all exact cases, parts and four grids each."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest
from exact.cases import block_cases
from support.drawn_cases import FINENESSES, Comparison, draw, study

from thermostack import discretize, solve_steady

CASES = {case.name: case for case in block_cases()}
ROUNDING = 1e-7  # of the rise: below it the reference solutions and the solver are no yardstick


@lru_cache(maxsize=1)
def all_comparisons() -> tuple[Comparison, ...]:
    return tuple(row for case in CASES.values() for row in study(case))


def rows_of(quantity: str) -> list[Comparison]:
    return [row for row in all_comparisons() if row.quantity == quantity]


def test_the_study_is_as_large_as_it_says() -> None:
    """Sixteen cases, each part and block on four grids: the smallest half of the largest."""
    assert len(CASES) == 16
    assert len(FINENESSES) == 4
    for name in CASES:
        cells = sorted({row.cells for row in all_comparisons() if row.case == name})
        assert len(cells) == 4
        assert cells[-1] > 8 * cells[0]


@pytest.mark.parametrize("quantity", ["mean", "peak"])
def test_the_estimate_covers_the_error(quantity: str) -> None:
    """In 95 % at least (99.8 % of the means and 98.0 % of the peaks), as section 7 of the numerics claims."""
    rows = rows_of(quantity)
    covered = np.mean([row.error <= row.estimate + ROUNDING * row.rise for row in rows])
    assert len(rows) > 400
    assert covered >= 0.95


@pytest.mark.parametrize("quantity", ["mean", "peak"])
def test_the_estimate_is_not_wasteful(quantity: str) -> None:
    """Under five times the error in 90 % at least (94 % of the means and 91 % of the peaks)."""
    tight = np.mean([row.estimate <= 5.0 * row.error + ROUNDING * row.rise for row in rows_of(quantity)])
    assert tight >= 0.90


def test_the_estimate_covers_every_case_alike() -> None:
    """No case hides behind the others: in each at least 90 % of means and peaks are covered."""
    for name in CASES:
        rows = [row for row in all_comparisons() if row.case == name]
        assert np.mean([row.error <= row.estimate + ROUNDING * row.rise for row in rows]) >= 0.90, name


def test_peaks_on_the_default_grid() -> None:
    """Every peak within 1.5 % of the rise of its case (worst 1.28 %)."""
    cells = {name: discretize(draw(case)).active for name, case in CASES.items()}
    on_default = [row for row in rows_of("peak") if row.cells == cells[row.case]]
    assert {row.case for row in on_default} == CASES.keys()
    worst = max(on_default, key=lambda row: row.error / row.rise)
    assert worst.error < 0.015 * worst.rise, worst


@pytest.mark.parametrize("name", ["hot_spot", "stack_of_two", "two_chiplets"])
def test_the_estimate_falls_with_the_cells(name: str) -> None:
    """With half the cells of the default rule the median estimate falls to less than half (to a third)."""
    package = draw(CASES[name])
    coarse, fine = (solve_steady(discretize(package, fineness=f)) for f in (1.0, 2.0))
    for quantity in ("error", "mean_error"):
        ratios = [getattr(fine.of(p.name), quantity) / getattr(p, quantity) for p in coarse.parts]
        assert np.median(ratios) < 0.5, quantity


def test_the_extrapolated_peak_is_nearer_to_the_truth() -> None:
    """Where the estimated part of the error is removed, the median error falls to less than half."""
    plain, better = [], []
    for name in ("hot_spot", "thin_active", "strong_tim", "two_chiplets", "memory_stack"):
        case = CASES[name]
        steady = solve_steady(discretize(draw(case)))
        truths = {row.part: row.truth for row in rows_of("peak") if row.case == name}
        for part in steady.parts:
            assert part.extrapolated is not None
            plain.append(abs(part.max - truths[part.name]))
            better.append(abs(part.extrapolated - truths[part.name]))
    assert np.median(better) < 0.5 * np.median(plain)


def test_without_an_estimate_the_result_says_so() -> None:
    steady = solve_steady(discretize(draw(CASES["hot_spot"]), fineness=0.5), estimate=False)
    for part in steady.parts:
        assert (part.error, part.mean_error, part.extrapolated) == (None, None, None)


def test_no_error_is_invented_where_there_is_none() -> None:
    """A layer without sources between two films is exact in one cell: the estimate is rounding."""
    case = CASES["hot_spot"]
    bare = dataclasses.replace(case, sources=(), h_top=500.0, t_top=320.0)
    for part in solve_steady(discretize(draw(bare), cell=2e-3), tolerance=1e-12).parts:
        assert part.error is not None
        assert part.mean_error is not None
        assert max(part.error, part.mean_error) < 1e-7
