"""Iterations, fallbacks and errors of the solver on random stacks.

    python benchmarks/robustness.py [--stacks 10008] [--families NAME ...] [--quick] [--json FILE]

The families are those of tests/support/random_stacks.py. Iterations are those of all methods together. A
stack of up to 3000 cells is compared with the direct solver, a larger one is checked by residual and balance.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.random_stacks import FAMILIES, MAX_ERROR, MAX_ITERATIONS, Outcome, random_stack, solve_stack  # noqa: E402

from thermostack.errors import ConvergenceError  # noqa: E402

QUICK_STACKS = 2  # of each family


def summary(outcomes: Sequence[Outcome], failures: int) -> dict[str, object]:
    """Return the results of one family."""
    counts = np.array([outcome.iterations for outcome in outcomes])
    compared = [outcome.error for outcome in outcomes if not np.isnan(outcome.error)]
    return {
        "stacks": len(outcomes) + failures,
        "max_cells": max(outcome.cells for outcome in outcomes),
        "failures": failures,
        "wrong": sum(not outcome.is_right for outcome in outcomes),
        "median_iterations": float(np.median(counts)),
        "max_iterations": int(counts.max()),
        "fallbacks": dict(Counter(fallback_methods(outcomes))),
        "compared": len(compared),
        "max_error": max(compared, default=np.nan),
        "max_residual": max(outcome.residual for outcome in outcomes),
        "max_imbalance": max(outcome.imbalance for outcome in outcomes),
    }


def fallback_methods(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the method that solved each stack with a fallback."""
    return [outcome.last_method for outcome in outcomes if outcome.fallback]


def study(family: str, stacks: int) -> dict[str, object]:
    """Solve a number of stacks of a family, print the results, and return them."""
    outcomes, failures = [], 0
    for seed in range(stacks):
        try:
            outcomes.append(solve_stack(random_stack(family, seed)))
        except ConvergenceError as error:
            failures += 1
            print(f"{family} {seed}: {error}")
    found = summary(outcomes, failures)
    fallbacks = (
        ", ".join(f"{count} {method}" for method, count in Counter(fallback_methods(outcomes)).items())
        or "none"
    )
    print(
        f"{family:<18}{found['stacks']:7}{failures:8}{found['wrong']:6}{found['median_iterations']:8.0f}"
        f"{found['max_iterations']:6} of {MAX_ITERATIONS[family]}{found['max_error']:9.0e}"
        f"{found['max_residual']:9.0e}{found['max_imbalance']:9.0e}  {fallbacks}",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stacks", type=int, default=10_008, help="total number")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_STACKS} stacks of each family")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    each = QUICK_STACKS if options.quick else -(-options.stacks // len(options.families))
    start = time.perf_counter()
    print(
        f"claim: no failure, no error over {MAX_ERROR:g} of the rise, iterations within their bounds\n"
        f"{'family':<18}{'stacks':>7}{'failed':>8}{'wrong':>6}{'median':>8}{'max':>12}{'error':>9}"
        f"{'residual':>9}{'balance':>9}  fallbacks"
    )
    found = {family: study(family, each) for family in options.families}
    print(f"{each * len(found)} stacks in {time.perf_counter() - start:.0f} s")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
