"""Cost of nonlinear steady solves and transients against linear ones of the same package.

    python benchmarks/nonlinear.py [--packages NAME ...] [--finenesses 0.5 1] [--json FILE] [--quick]

The nonlinear package has leakage in every heated layer and free convection that radiates on the surfaces
without a cooler; the linear one has a constant coefficient there, and no leakage. Both have the
conductivities of the package, which depend on temperature in some. Times are processor times of one
thread, medians of turns.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import thermostack as ts

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.exposed_packages import exposed

MAX_STEADY_RATIO, MAX_TRANSIENT_RATIO = 3.0, 1.5  # targets
LEAKAGE = 0.05  # of the powers at 85 degC
DURATION, TOLERANCE = 20.0, 0.1  # s, K, of the transients


def linear_twin(package: ts.Package) -> ts.Package:
    """Return a package without leakage, and with a constant coefficient on its surroundings."""
    stacks = []
    for stack in package.stacks:
        layers = tuple(
            layer if layer.power is None else replace(layer, power=replace(layer.power, leakage=None))
            for layer in stack.layers
        )
        stacks.append(replace(stack, layers=layers))
    air = ts.FaceCooling(ts.Convection(10.0, "35 degC"))
    return replace(package, stacks=tuple(stacks), cooling=replace(package.cooling, surroundings=air))


def steady_seconds(model: ts.Model) -> tuple[float, ts.SteadyResult]:
    start = time.process_time()
    steady = ts.solve_steady(model, estimate=False, threads=1)
    return time.process_time() - start, steady


def transient_seconds(model: ts.Model) -> tuple[float, ts.Simulation]:
    start = time.process_time()
    simulation = ts.Simulation(model, initial="outside", tolerance=TOLERANCE, threads=1)
    simulation.advance(DURATION)
    return time.process_time() - start, simulation


def measure(name: str, fineness: float, turns: int) -> dict[str, float | str | int]:
    """Return the times of both packages, and the work of the nonlinear one."""
    package = exposed(name, leakage=LEAKAGE)
    models = [ts.discretize(each, fineness=fineness) for each in (package, linear_twin(package))]
    steady, transient = np.empty((turns, 2)), np.empty((turns, 2))
    results: list[ts.SteadyResult] = []
    runs: list[ts.Simulation] = []
    for turn in range(turns):
        for n, model in enumerate(models):
            steady[turn, n], result = steady_seconds(model)
            results.append(result)
    for turn in range(max(turns // 2, 1)):
        for n, model in enumerate(models):
            transient[turn, n], run = transient_seconds(model)
            runs.append(run)
    report = results[0].nonlinear
    assert report is not None
    medians = np.median(steady, axis=0)
    of_runs = np.median(transient[: max(turns // 2, 1)], axis=0)
    return {
        "package": name,
        "cells": models[0].grid.cells,
        "outer": report.iterations,
        "loop_gain": float(report.loop_gain or 0.0),
        "iterations": results[0].report.total_iterations,
        "linear_iterations": results[1].report.total_iterations,
        "steady_ratio": float(medians[0] / medians[1]),
        "linear_seconds": float(medians[1]),
        "transient_ratio": float(of_runs[0] / of_runs[1]),
        "steps": runs[0].steps,
        "linear_steps": runs[1].steps,
    }


def main() -> None:
    """Print a row for each package and grid, and whether the targets are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", nargs="*", default=["fcbga", "cowos_s_h100"])
    parser.add_argument("--finenesses", nargs="*", type=float, default=[0.5, 1.0])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    packages, finenesses, turns = options.packages, options.finenesses, options.turns
    if options.quick:
        packages, finenesses, turns = ["fcbga"], [0.4], 1
    rows = [measure(name, fineness, turns) for name in packages for fineness in finenesses]
    titles = ("package", "cells", "outer", "gain", "iterations", "linear", "steady ratio", "transient ratio")
    print("{:16}{:>10}{:>7}{:>7}{:>12}{:>8}{:>14}{:>17}".format(*titles))
    for row in rows:
        print(
            f"{row['package']:16}{row['cells']:10}{row['outer']:7}{row['loop_gain']:7.2f}{row['iterations']:12}"
            f"{row['linear_iterations']:8}{row['steady_ratio']:14.2f}{row['transient_ratio']:17.2f}"
        )
    worst = [max(float(row[key]) for row in rows) for key in ("steady_ratio", "transient_ratio")]
    print(
        f"target: a nonlinear steady solve at most {MAX_STEADY_RATIO:g} linear ones, measured {worst[0]:.2f}"
    )
    print(
        f"target: a nonlinear transient at most {MAX_TRANSIENT_RATIO:g} linear ones, measured {worst[1]:.2f}"
    )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
