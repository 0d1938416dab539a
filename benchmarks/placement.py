"""Placements a minute of ten dies on an interposer, and their errors against fine solutions.

    python benchmarks/placement.py [--placements 1000] [--references 40] [--fineness 0.5] [--json FILE]

Ten dies of random sizes and powers lie at random, non-overlapping positions on an interposer of 50 mm x 40 mm
below a lid. A session solves each placement and reads the maximum of each die, in one thread. References are
refined until their estimated error is 0.05 K. All dimensions and powers are assumed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import thermostack as ts

DIES = 10
SIZE = (50.0, 40.0)  # mm, of the interposer
GAP = 0.5  # mm, least distance of two dies and of a die from the edge
AIM_ERROR, AIM_SHARE, AIM_RATE = 0.5, 0.95, 1000.0  # K, fraction, placements a minute
Rectangles = list[tuple[float, float, float, float]]

HEAD = """\
package: placement
materials:
  underfill: {conductivity: 0.7 W/m/K}
stacks:
  substrate:
    size: [60 mm, 50 mm]
    layers: [{name: laminate, thickness: 1.4 mm, material: abf_laminate}]
  interposer:
    on: substrate
    at: [5 mm, 5 mm]
    size: [50 mm, 40 mm]
    filler: emc
    layers:
      - {name: c4, thickness: 70 um, material: c4_130}
      - {name: silicon, thickness: 100 um, material: silicon}
"""
DIE = """\
  die{n}:
    on: interposer
    at: [{x} mm, {y} mm]
    size: [{width} mm, {depth} mm]
    layers:
      - {{name: bumps, thickness: 30 um, material: ubump_40}}
      - {{name: active, thickness: 5 um, material: silicon, power: {power} W}}
      - {{name: bulk, thickness: 700 um, material: silicon}}
"""
TAIL = """\
  tim:
    on: [{names}]
    relative_to: interposer
    at: [0 mm, 0 mm]
    size: [50 mm, 40 mm]
    layers: [{{name: sheet, thickness: 50 um, material: tim_grease}}]
  lid:
    on: tim
    at: [0 mm, 0 mm]
    size: [50 mm, 40 mm]
    layers: [{{name: plate, thickness: 2 mm, material: copper}}]
cooling:
  top: {{convection: {{h: 8 kW/m2/K, ambient: 35 degC}}, on: highest}}
  bottom: {{convection: {{h: 15 W/m2/K, ambient: 35 degC}}, on: lowest}}
"""


def random_sizes(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Return width [mm], depth [mm] and power [W] of each die."""
    return [
        (round(rng.uniform(5, 11), 2), round(rng.uniform(5, 10), 2), round(rng.uniform(5, 60), 1))
        for _ in range(DIES)
    ]


def random_positions(rng: np.random.Generator, sizes: list[tuple[float, float, float]]) -> Rectangles:
    """Return non-overlapping rectangles (x, y, width, depth) of the dies [mm], the largest placed first."""
    while True:
        placed: dict[int, tuple[float, float, float, float]] = {}
        for n in sorted(range(DIES), key=lambda n: -sizes[n][0] * sizes[n][1]):
            width, depth, _ = sizes[n]
            for _ in range(200):
                x = round(rng.uniform(GAP, SIZE[0] - GAP - width), 2)
                y = round(rng.uniform(GAP, SIZE[1] - GAP - depth), 2)
                if all(
                    x + width + GAP <= a or a + w + GAP <= x or y + depth + GAP <= b or b + d + GAP <= y
                    for a, b, w, d in placed.values()
                ):
                    placed[n] = (x, y, width, depth)
                    break
        if len(placed) == DIES:
            return [placed[n] for n in range(DIES)]


def description(sizes: list[tuple[float, float, float]], positions: Rectangles) -> str:
    """Return the description of a placement."""
    dies = [
        DIE.format(n=n, x=x, y=y, width=width, depth=depth, power=sizes[n][2])
        for n, (x, y, width, depth) in enumerate(positions)
    ]
    return HEAD + "".join(dies) + TAIL.format(names=", ".join(f"die{n}" for n in range(DIES)))


def values_of(positions: Rectangles) -> dict[str, Any]:
    """Return the values of a session that move the dies."""
    return {f"stacks.die{n}.at": [f"{x} mm", f"{y} mm"] for n, (x, y, _, _) in enumerate(positions)}


def maxima(result: ts.SteadyResult) -> np.ndarray:
    """Return the maximum of each die [K]."""
    return np.array([result.of(f"die{n}.active").max for n in range(DIES)])


def main() -> None:
    """Solve random placements, compare some with references, and print the claim with the values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--placements", type=int, default=1000)
    parser.add_argument("--references", type=int, default=40)
    parser.add_argument("--fineness", type=float, default=0.5)
    parser.add_argument("--tolerance", type=float, default=0.1, help="K, of the solver")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    placements, references = (4, 1) if options.quick else (options.placements, options.references)
    rng = np.random.default_rng(3)
    sizes = random_sizes(rng)
    first = random_positions(rng, sizes)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "placement.yaml"
        file.write_text(description(sizes, first))
        session = ts.Session(file, fineness=options.fineness, threads=1)
        session.solve(options.tolerance)
        seconds, errors, cells = 0.0, [], 0
        for n in range(placements):
            values = values_of(random_positions(rng, sizes))
            start = time.process_time()
            session.set(values)
            found = maxima(session.solve(options.tolerance))
            seconds += time.process_time() - start
            cells += session.model.grid.cells
            if n < references:
                fine = ts.solve_steady(session.package, tolerance=2.0 if options.quick else 0.05, threads=1)
                errors.append(float(np.abs(found - maxima(fine)).max()))
    rate = 60.0 * placements / seconds
    share = float(np.mean(np.array(errors) <= AIM_ERROR))
    print(f"claim: {AIM_RATE:.0f} placements a minute on one core, within {AIM_ERROR} K in {AIM_SHARE:.0%}")
    print(f"{rate:.0f} placements a minute, {cells / placements:.0f} cells on average")
    print(f"{share:.0%} of {len(errors)} within {AIM_ERROR} K, largest error {max(errors):.2f} K")
    if options.json:
        found_values = {"rate": rate, "cells": cells / placements, "share": share, "errors": errors}
        options.json.write_text(json.dumps(found_values, indent=1) + "\n")


if __name__ == "__main__":
    main()
