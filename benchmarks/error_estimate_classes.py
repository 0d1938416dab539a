"""Coverage and sharpness of the error estimate on random packages of three classes, against references.

    python benchmarks/error_estimate_classes.py [--seeds 100 120] [--finenesses 0.6 1.0] [--json FILE]

The classes are layers uniform in plan, with exact references (cosine series), dies in mold, and dies in mold
with conductivities that depend on temperature. References of the last two are extrapolated from three grids
with up to 6 million cells. They are read from the file of `--references`; those that it lacks are computed
and added, which takes half a minute to two minutes each. A row is one mean or peak of a part on one grid.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests"))

from exact.cases import reference_values  # noqa: E402
from support.exact_packages import package_of_case  # noqa: E402
from support.fine_references import fine_references  # noqa: E402
from support.random_die_layouts import dies_in_mold, layered_block  # noqa: E402

from thermostack import Package, discretize, solve_steady  # noqa: E402

REFERENCES = PROJECT / "tests" / "support" / "die_layout_references.json"
CLASSES = ("uniform", "mold", "k_of_t")
SEEDS, FINENESSES = (100, 120), (0.6, 1.0)
TARGETS = {"covered": 0.95, "within_5": 0.90}
ROUNDING = 1e-7  # of the maximum rise: the accuracy of the solver
MAX_DOUBT = 1.0 / 3.0  # of an error: with more, the reference is called doubtful

# Value and doubt of the reference [K] of a mean and of a peak.
References = dict[str, tuple[tuple[float, float], tuple[float, float]]]


@dataclass(frozen=True)
class Row:
    """One mean or peak on one grid [K]."""

    package: str
    part: str
    quantity: str  # "mean" or "peak"
    fineness: float
    cells: int
    value: float
    estimate: float
    extrapolated: float
    reference: float
    doubt: float
    rounding: float

    @property
    def error(self) -> float:
        """Return the magnitude of the error."""
        return abs(self.value - self.reference)

    @property
    def is_covered(self) -> bool:
        """Return whether the estimate is at least the error."""
        return self.error <= self.estimate + self.rounding

    @property
    def is_sharp(self) -> bool:
        """Return whether the estimate is at most five times the error."""
        return self.estimate <= 5.0 * self.error + self.rounding


def package_and_references(kind: str, seed: int, recorded: Path) -> tuple[Package, References]:
    """Return a package of a class, and the references of its parts and blocks."""
    if kind == "uniform":
        case = layered_block(seed)
        values = reference_values(case)
        return replace(package_of_case(case), name=case.name), {
            f"block.{path}": ((values[name].mean, 0.0), (values[name].peak, 0.0))
            for name, path in _paths(case)
        }
    package = dies_in_mold(seed, depends_on_temperature=kind == "k_of_t")
    known = json.loads(recorded.read_text(encoding="utf-8")) if recorded.exists() else {}
    if package.name not in known:
        print(f"computing the references of {package.name}", flush=True)
        found, cells = fine_references(package)
        known[package.name] = {
            "cells": list(cells),
            "values": {
                name: [round(number, 7) for each in both for number in (each.value, each.correction)]
                for name, both in found.items()
            },
        }
        recorded.write_text(json.dumps(known, indent=0) + "\n", encoding="utf-8")
    values = known[package.name]["values"]
    return package, {name: ((row[0], row[1]), (row[2], row[3])) for name, row in values.items()}


def _paths(case: object) -> Iterator[tuple[str, str]]:
    """Yield the name of each layer and source of an exact case, and its path in the package."""
    layers = [layer.name for layer in case.layers]  # type: ignore[attr-defined]
    yield from ((name, name) for name in layers)
    for source in case.sources:  # type: ignore[attr-defined]
        yield source.name, f"{layers[source.layer]}.{source.name}"


def compare(package: Package, references: References, fineness: float) -> Iterator[Row]:
    """Yield the rows of a package on its default grid of a fineness."""
    steady = solve_steady(discretize(package, fineness=fineness), threads=1)
    rounding = ROUNDING * (steady.peak.max - steady.model.boundary.mean_ambient)
    for part in steady.parts:
        values = (
            ("mean", part.mean, part.mean_error, part.extrapolated_mean),
            ("peak", part.max, part.error, part.extrapolated),
        )
        for (quantity, value, estimate, extrapolated), (reference, doubt) in zip(
            values, references[part.name], strict=True
        ):
            assert estimate is not None
            assert extrapolated is not None
            where = package.name, part.name, quantity, fineness, steady.model.grid.cells
            yield Row(*where, value, estimate, extrapolated, reference, abs(doubt), rounding)


def summary(rows: list[Row]) -> dict[str, float]:
    """Return coverage, sharpness and errors of some rows."""
    error = np.array([row.error for row in rows])
    ratio = np.array([row.estimate for row in rows]) / np.maximum(error, 1e-12)
    extrapolated = np.array([abs(row.extrapolated - row.reference) for row in rows])
    return {
        "rows": len(rows),
        "covered": float(np.mean([row.is_covered for row in rows])),
        "within_5": float(np.mean([row.is_sharp for row in rows])),
        "median_ratio": float(np.median(ratio)),
        "min_ratio": float(ratio.min()),
        "mean_error": float(error.mean()),
        "mean_error_of_extrapolated": float(extrapolated.mean()),
        "extrapolated_is_better": float(np.mean(extrapolated <= error)),
        "doubtful_references": float(np.mean([row.doubt > MAX_DOUBT * row.error for row in rows])),
    }


def print_table(results: dict[str, dict[str, float]]) -> None:
    """Print one line per class and quantity."""
    heading = f"{'class':<16}{'rows':>6}{'covered':>9}{'within 5':>10}{'median':>8}{'error':>10}"
    print(f"\n{heading}{'extrapolated':>14}")
    for name, found in results.items():
        print(
            f"{name:<16}{found['rows']:6.0f}{found['covered']:9.1%}{found['within_5']:10.1%}"
            f"{found['median_ratio']:8.2f}{found['mean_error']:8.3f} K"
            f"{found['mean_error_of_extrapolated']:12.3f} K"
        )
    print(f"targets: covered {TARGETS['covered']:.0%}, within five times {TARGETS['within_5']:.0%}")
    missed = [
        f"{name}: {key} {found[key]:.1%}"
        for name, found in results.items()
        for key, target in TARGETS.items()
        if found[key] < target
    ]
    print("missed: " + ("; ".join(missed) or "none"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs=2, default=list(SEEDS), help="first seed, and the end")
    parser.add_argument("--finenesses", type=float, nargs="+", default=list(FINENESSES))
    parser.add_argument("--classes", nargs="+", choices=CLASSES, default=list(CLASSES))
    parser.add_argument("--references", type=Path, default=REFERENCES)
    parser.add_argument("--json", type=Path, help="also write the summary and the worst rows to this file")
    parser.add_argument("--worst", type=int, default=0, help="print this many rows that are covered least")
    options = parser.parse_args()
    results, cells = {}, {}
    for kind in options.classes:
        rows: list[Row] = []
        for seed in range(*options.seeds):
            package, references = package_and_references(kind, seed, options.references)
            for fineness in options.finenesses:
                rows += compare(package, references, fineness)
        cells[kind] = [min(row.cells for row in rows), max(row.cells for row in rows)]
        for quantity in ("mean", "peak"):
            own = [row for row in rows if row.quantity == quantity]
            results[f"{kind} {quantity}s"] = summary(own)
            own.sort(key=lambda row: row.estimate / max(row.error, 1e-12))
            for row in own[: options.worst]:
                print(row)
    print_table(results)
    if options.json:
        facts = {"seeds": options.seeds, "finenesses": options.finenesses, "cells": cells}
        text = json.dumps(facts | results, indent=2)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
