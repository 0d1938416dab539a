"""Errors on default grids with and without small cells at material edges, at equal numbers of cells.

    python benchmarks/edge_grading.py [--seeds 100 116] [--finenesses 0.6 0.8 1.0] [--json FILE]

The packages and references are those of `error_estimate_classes.py`. For each package, the logarithms of the
mean error of means and of peaks are fitted by lines over the logarithm of the number of cells, and compared
at the cells of the default grid without the rule. Ratios are geometric means over the packages of a class.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from error_estimate_classes import REFERENCES, References, package_and_references

from thermostack import Package, discretize, solve_steady
from thermostack.mesh import grid_lines, material_edges

CLASSES = ("mold", "k_of_t")
SEEDS, FINENESSES = (100, 116), (0.6, 0.8, 1.0)
COLUMNS = ("cells", "mean", "peak")
WITHOUT = replace(material_edges.RULE, max_exponent=-1.0, size_factor=1.0)


@contextmanager
def edge_rule(rule: material_edges.MaterialEdgeRule) -> Iterator[None]:
    """Replace the rule of default grids."""
    kept = material_edges.RULE
    material_edges.RULE = grid_lines.EDGE_RULE = rule
    try:
        yield
    finally:
        material_edges.RULE = grid_lines.EDGE_RULE = kept


def errors(package: Package, references: References, fineness: float) -> tuple[float, float, float]:
    """Return the cells of a default grid, and the mean errors of means and of peaks of the parts [K]."""
    steady = solve_steady(discretize(package, fineness=fineness), threads=1, estimate=False)
    means = [abs(part.mean - references[part.name][0][0]) for part in steady.parts]
    peaks = [abs(part.max - references[part.name][1][0]) for part in steady.parts]
    return float(steady.model.grid.cells), float(np.mean(means)), float(np.mean(peaks))


def study(kind: str, seeds: range, finenesses: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return logarithms of cells and errors without and with the rule, each (seeds, finenesses, 3)."""
    found: list[list[np.ndarray]] = [[], []]
    for seed in seeds:
        package, references = package_and_references(kind, seed, REFERENCES)
        for rule, rows in zip((WITHOUT, material_edges.RULE), found, strict=True):
            with edge_rule(rule):
                rows.append(np.log([errors(package, references, each) for each in finenesses]))
    return np.array(found[0]), np.array(found[1])


def compare(without: np.ndarray, graded: np.ndarray) -> dict[str, float]:
    """Return the ratios of cells and errors on the finest grid, and of errors at equal cells."""
    ratios = np.exp((graded - without)[:, -1])
    result = {f"{name}_ratio": float(np.exp(np.log(ratios[:, n]).mean())) for n, name in enumerate(COLUMNS)}
    result["max_cells_ratio"] = float(ratios[:, 0].max())
    for n, name in enumerate(COLUMNS[1:], 1):
        at_equal = [
            np.polyval(np.polyfit(new[:, 0], new[:, n], 1), old[-1, 0])
            - np.polyval(np.polyfit(old[:, 0], old[:, n], 1), old[-1, 0])
            for old, new in zip(without, graded, strict=True)
        ]
        result[f"{name}_at_equal_cells"] = float(np.exp(np.mean(at_equal)))
        result[f"worst_{name}_at_equal_cells"] = float(np.exp(np.max(at_equal)))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs=2, default=list(SEEDS), help="first seed, and the end")
    parser.add_argument("--finenesses", type=float, nargs="+", default=list(FINENESSES))
    parser.add_argument("--classes", nargs="+", choices=CLASSES, default=list(CLASSES))
    parser.add_argument("--json", type=Path, help="also write the ratios to this file")
    options = parser.parse_args()
    results: dict[str, object] = {"seeds": options.seeds, "finenesses": options.finenesses}
    for kind in options.classes:
        found = compare(*study(kind, range(*options.seeds), sorted(options.finenesses)))
        results[kind] = found
        print(f"{kind}: with the rule over without it, {options.seeds[1] - options.seeds[0]} packages")
        for name, ratio in found.items():
            print(f"  {name:<28}{ratio:6.2f}")
    print("claim: means and peaks at equal cells below 0.9 and 1.0 times those without the rule")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
