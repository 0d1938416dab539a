"""Cost of a column of the influence matrix against a single solve, and power vectors superposed per second.

python benchmarks/influence_matrix.py [--package NAME] [--cell SIZE] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

import thermostack as ts
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.linear.solver import prepare

MAX_COLUMN_COST = 0.6  # target: seconds of a column over those of a single steady solve
MIN_RATE = 10_000  # target: power vectors a second, means of all parts and blocks
VECTORS = 4096
PREPARED = 512  # vectors of the first call for peaks, from which the rises are used as products of low rank
CHECKED = 20  # vectors whose peaks are compared with those of single calls


def rate_of(superpose: object, power: np.ndarray) -> float:
    """Return the power vectors per second of a method of the matrix."""
    start = time.perf_counter()
    superpose(power)  # type: ignore[operator]
    return len(power) / (time.perf_counter() - start)


def linear_seconds(model: ts.Model) -> float:
    """Return the time of one linear solve for the described powers [s], without set-up."""
    solver = prepare(assemble_conduction(model), widths=(model.grid.dx, model.grid.dy))
    power, seconds = model.power, []
    for _ in range(5):
        start = time.perf_counter()
        solver.solve(power)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def measure(package: str, cell: str | None) -> dict[str, float | str | int]:
    """Return the costs and rates of a package."""
    model = ts.discretize(ts.read_package(package), cell=cell)
    ts.solve_steady(model, estimate=False)  # loads all modules
    solves = []
    for _ in range(3):
        start = time.perf_counter()
        ts.solve_steady(model, estimate=False)
        solves.append(time.perf_counter() - start)
    matrix = ts.influence(model, check=False)
    columns = len(matrix.sources) + len(matrix.ambients)
    column = matrix.seconds["columns"] / columns
    power = np.random.default_rng(0).uniform(0.0, 10.0, (VECTORS, len(matrix.sources)))
    assert matrix.peaks is not None
    start = time.perf_counter()
    peaks = matrix.peak(power[:PREPARED])  # factorises the rises once
    preparation = time.perf_counter() - start
    single = np.array([matrix.peak(each) for each in power[:CHECKED]])
    return {
        "package": package,
        "cells": model.grid.cells,
        "sources": len(matrix.sources),
        "solve": float(np.median(solves)),
        "column": column,
        "column_cost": column / float(np.median(solves)),
        "column_linear_cost": column / linear_seconds(model),
        "mean_rate": rate_of(matrix.temperatures, power),
        "peak_rate": rate_of(matrix.peak, power),
        "peak_preparation": preparation,
        "peak_error": float(np.abs(peaks[:CHECKED] - single).max()),
        "peak_cells": matrix.peaks.cells,
        "peak_memory": matrix.peaks.memory,
        "peak_difference": matrix.peaks.difference,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", default="cowos_s_h100")
    parser.add_argument("--cell", default="1 mm")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    row = measure(options.package, options.cell)
    print(f"{row['package']}, {row['cells']} cells, {row['sources']} sources")
    print(f"a column costs {row['column_cost']:.2f} of a steady solve (target: {MAX_COLUMN_COST})")
    print(f"and {row['column_linear_cost']:.2f} of a linear solve for all powers, outputs included")
    print(f"{row['mean_rate']:.3g} power vectors a second, means of all parts (target: {MIN_RATE})")
    print(f"{row['peak_rate']:.3g} power vectors a second, peaks over {row['peak_cells']} cells")
    print(
        f"after {row['peak_preparation']:.2g} s of preparation; "
        f"peaks within {row['peak_error']:.1g} K of those of single vectors"
    )
    if options.json:
        options.json.write_text(json.dumps(row, indent=2) + "\n")


if __name__ == "__main__":
    main()
