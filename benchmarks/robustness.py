"""Random stacks of the families the solver is held to: iterations, fall-backs, and errors.

    python benchmarks/robustness.py [--stacks 10008] [--families NAME ...] [--quick] [--json FILE]

The families are those of tests/random_stacks.py. Iterations are those of all ways together; a stack of up to
3000 cells is compared with the direct solver, every other by its residual and its heat balance.
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

HOUSE = Path(__file__).parents[1]
sys.path.insert(0, str(HOUSE / "tests"))

from support.random_stacks import ERROR, FAMILIES, MOST, Outcome, outcome_of, random_stack  # noqa: E402

from thermostack.errors import ConvergenceError  # noqa: E402

QUICK = 2  # stacks of each family


def summary(outcomes: Sequence[Outcome], failures: int) -> dict[str, object]:
    """Return the figures of one family."""
    counts = np.array([outcome.iterations for outcome in outcomes])
    compared = [outcome.error for outcome in outcomes if not np.isnan(outcome.error)]
    return {
        "stacks": len(outcomes) + failures,
        "cells_largest": max(outcome.cells for outcome in outcomes),
        "failures": failures,
        "wrong": sum(not outcome.is_right for outcome in outcomes),
        "iterations_median": float(np.median(counts)),
        "iterations_worst": int(counts.max()),
        "fallbacks": dict(Counter(taken(outcomes))),
        "compared": len(compared),
        "error_worst": max(compared, default=np.nan),
        "residual_worst": max(outcome.residual for outcome in outcomes),
        "imbalance_worst": max(outcome.imbalance for outcome in outcomes),
    }


def taken(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the way of each stack that fell back."""
    return [outcome.taken for outcome in outcomes if outcome.fallback]


def study(family: str, stacks: int) -> dict[str, object]:
    """Solve so many stacks of a family, print what came of them, and return the figures."""
    outcomes, failures = [], 0
    for seed in range(stacks):
        try:
            outcomes.append(outcome_of(random_stack(family, seed)))
        except ConvergenceError as error:
            failures += 1
            print(f"{family} {seed}: {error}")
    found = summary(outcomes, failures)
    fallen = ", ".join(f"{count} {way}" for way, count in Counter(taken(outcomes)).items()) or "none"
    print(
        f"{family:<18}{found['stacks']:7}{failures:8}{found['wrong']:6}{found['iterations_median']:8.0f}"
        f"{found['iterations_worst']:6} of {MOST[family]}{found['error_worst']:9.0e}"
        f"{found['residual_worst']:9.0e}{found['imbalance_worst']:9.0e}  {fallen}",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stacks", type=int, default=10_008, help="in all")
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} stacks of each family")
    parser.add_argument("--json", type=Path, help="where to save the figures too")
    options = parser.parse_args()
    each = QUICK if options.quick else -(-options.stacks // len(options.families))
    start = time.perf_counter()
    print(
        f"claim: no failure, no error over {ERROR:g} of the rise, iterations within their bounds\n"
        f"{'family':<18}{'stacks':>7}{'failed':>8}{'wrong':>6}{'median':>8}{'worst':>12}{'error':>9}"
        f"{'residual':>9}{'balance':>9}  fell back to"
    )
    found = {family: study(family, each) for family in options.families}
    print(f"{each * len(found)} stacks in {time.perf_counter() - start:.0f} s")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
