"""Estimated errors compared with true errors over all exact cases: coverage and distribution of their ratio.

    python benchmarks/error_estimate.py [--finenesses 0.35 0.6 1.0 1.5] [--json FILE]

The cases, with the exact mean and peak of every part, are in tests/exact; a row is one mean or peak on one
grid. Errors are in % of the maximum temperature rise of the case.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests"))

from exact.cases import block_cases  # noqa: E402
from support.exact_packages import FINENESSES, Comparison, study  # noqa: E402

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 10.0, np.inf])  # of estimate over error
CLAIMS = {"covered": 0.95, "within_5": 0.90}
BAR = 50  # characters


def ratios(rows: Sequence[Comparison]) -> np.ndarray:
    """Return the estimates over the true errors."""
    return np.array([row.estimate / max(row.error, 1e-300) for row in rows])


def summary(rows: Sequence[Comparison]) -> dict[str, float]:
    """Return the fractions of rows with estimate >= error and with estimate <= 5 error, and quantiles."""
    values = ratios(rows)
    found = {
        "rows": float(len(rows)),
        "covered": float(np.mean(values >= 1.0)),
        "within_5": float(np.mean(values <= 5.0)),
        "max_error": max(100.0 * row.error / row.rise for row in rows),
    }
    return found | {f"q{round(100 * q)}": float(np.quantile(values, q)) for q in QUANTILES}


def print_cases(rows: Sequence[Comparison]) -> None:
    """Print one line per case: its grids, the maximum error on each, the coverage and the median ratio."""
    print(f"{'case':<24}{'cells':>22}  {'max peak error, %':<28}{'covered':>8}{'median':>8}")
    for name in dict.fromkeys(row.case for row in rows):
        own = [row for row in rows if row.case == name]
        cells = sorted({row.cells for row in own})
        errors = [
            max(100.0 * row.error / row.rise for row in own if row.cells == n and row.quantity == "peak")
            for n in cells
        ]
        values = ratios(own)
        shown = " ".join(f"{value:6.2f}" for value in errors)
        span = f"{cells[0]} to {cells[-1]}"
        print(f"{name:<24}{span:>22}  {shown:<28}{np.mean(values >= 1.0):8.1%}{np.median(values):8.2f}")


def print_distribution(quantity: str, rows: Sequence[Comparison]) -> None:
    """Print the distribution of estimate over error, and the claims of the documentation."""
    found = summary(rows)
    print(f"\n{quantity}s: estimate / true error of {len(rows)} on {len({row.cells for row in rows})} grids")
    counts, _ = np.histogram(ratios(rows), BINS)
    for low, high, count in zip(BINS[:-1], BINS[1:], counts.tolist(), strict=True):
        bar = "#" * round(BAR * count / max(counts))
        print(f"  {low:4.1f} to {high:4.1f} {count:5d} {bar}")
    print("  quantiles " + "  ".join(f"{q:.0%} {found[f'q{round(100 * q)}']:.2f}" for q in QUANTILES))
    print(f"  covered {found['covered']:.1%} (claim: {CLAIMS['covered']:.0%} or more)")
    print(f"  under five times the error {found['within_5']:.1%} (claim: {CLAIMS['within_5']:.0%} or more)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--finenesses", type=float, nargs="+", default=list(FINENESSES))
    parser.add_argument("--json", type=Path, help="also write the summary to this file")
    options = parser.parse_args()
    rows = [row for case in block_cases() for row in study(case, tuple(options.finenesses))]
    print_cases(rows)
    by_quantity = {name: [row for row in rows if row.quantity == name] for name in ("peak", "mean")}
    for name, own in by_quantity.items():
        print_distribution(name, own)
    if options.json:
        found = {name: summary(own) for name, own in by_quantity.items()}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
