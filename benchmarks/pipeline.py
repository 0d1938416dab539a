"""From a description to a checked field: every stage's time against the linear solve, and memory as foreseen.

    python benchmarks/pipeline.py [--package NAME] [--cells 1.84e6] [--constant] [--no-estimate]
                                  [--threads 1] [--repeat 3] [--limit "22e9"] [--json FILE]

Claims: all of it takes under three times the linear solve (prepare and solve); the most that is held is
foreseen within 15 %; and 200 million cells fit in 24 GB (--cells 200e6 --repeat 1).

Seconds are those of the processor this process had, which other programs on the machine do not stretch;
`elapsed_s` is the clock on the wall. `--constant` takes every conductivity at 300 K. `--limit` is the address
space [bytes] the process may have, so that it fails and not the machine.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from dataclasses import replace
from pathlib import Path

from thermostack import Material, SteadyResult, discretize, read_package, solve_steady
from thermostack.materials.material import ROOM_TEMPERATURE
from thermostack.mesh.cell_size import CellSize, find_powered_regions, fixed_planes
from thermostack.mesh.grid import Grid
from thermostack.mesh.memory_estimate import MemoryEstimate
from thermostack.mesh.model import Model
from thermostack.package.geometry import Geometry, build_geometry

CLAIM = 3.0  # of the linear solve
ACCURACY = 0.15  # of the foreseen memory
COARSE = 5e-3  # m: cells of the run before the measured one, which loads what is loaded once


def held(name: str) -> int:
    """Return a row of what the kernel says of this process [bytes]: VmHWM the most, VmRSS now."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(rows[name].split()[0]) * 1024


def forget_most() -> None:
    """Make the kernel count the most that is held anew from here."""
    Path("/proc/self/clear_refs").write_text("5")


def made_constant(geometry: Geometry) -> Geometry:
    """Return the geometry with every conductivity, and heat capacity, taken at 300 K."""
    return replace(
        geometry,
        parts=tuple(replace(part, material=_at_300_kelvin(part.material)) for part in geometry.parts),
    )


def _at_300_kelvin(material: Material) -> Material:
    capacity = material.capacity_at(ROOM_TEMPERATURE) if material.has_capacity else None
    conductivity = material.conductivity_at(ROOM_TEMPERATURE)
    return Material(material.name, conductivity, volumetric_heat_capacity=capacity)


def cell_for(geometry: Geometry, cells: float) -> float:
    """Return the size of cells [m] that makes about so many of them."""
    low, high = 1e-6, 5e-3
    while high / low > 1.002:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if grid_of(geometry, middle).cells > cells else (low, middle)
    return high


def grid_of(geometry: Geometry, cell: float) -> Grid:
    """Return the grid for a size of cells [m]."""
    heated = find_powered_regions(geometry)
    fixed = [fixed_planes(geometry, heated, axis)[0] for axis in range(3)]
    return Grid(*(CellSize(geometry, heated, axis, cell).planes(fixed[axis]) for axis in range(3)))


class Stages:
    """Seconds and the most memory [bytes] from the beginning of each stage to that of the next."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.memory: dict[str, int] = {}
        self.stage, self.start = "", 0.0

    def begin(self, stage: str) -> None:
        """End the stage there was, and begin another."""
        now = time.process_time()
        if self.stage:
            self.seconds[self.stage] = self.seconds.get(self.stage, 0.0) + now - self.start
            self.memory[self.stage] = max(self.memory.get(self.stage, 0), held("VmHWM"))
        forget_most()
        self.stage, self.start = stage, time.process_time()


def measure(
    geometry: Geometry, cell: float, threads: int, estimate: bool
) -> tuple[Model, SteadyResult, Stages, float]:
    """Return the model, the result, the stages and the seconds elapsed from the description on."""
    stages, started = Stages(), time.perf_counter()
    stages.begin("mesh")
    model = discretize(geometry, cell)
    result = solve_steady(model, threads=threads, estimate=estimate, progress=stages.begin)
    stages.begin("")
    return model, result, stages, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--package", default="cowos_s_h100")
    parser.add_argument("--cells", type=float, default=1.84e6)
    parser.add_argument("--constant", action="store_true", help="every conductivity at 300 K")
    parser.add_argument("--no-estimate", dest="estimate", action="store_false")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=float, help="address space [bytes]")
    parser.add_argument("--json", type=Path, help="where to save the figures too")
    options = parser.parse_args()
    if options.limit:
        resource.setrlimit(resource.RLIMIT_AS, (int(options.limit), int(options.limit)))
    geometry = build_geometry(read_package(options.package))
    if options.constant:
        geometry = made_constant(geometry)
    cell = cell_for(geometry, options.cells)
    solve_steady(discretize(geometry, COARSE))
    before, ratios, memory = held("VmRSS"), [], {}
    for _ in range(options.repeat):
        model = result = None  # their memory is free before the next ones are built
        model, result, stages, elapsed = measure(geometry, cell, options.threads, options.estimate)
        memory = memory or stages.memory  # later runs find what the first has left
        linear = stages.seconds["prepare"] + stages.seconds["solve"]
        ratios.append(sum(stages.seconds.values()) / linear)
    cells, most = model.grid.cells, max(memory.values()) - before
    told = MemoryEstimate(model.grid, model.is_linear, options.estimate)
    found = dict(zip(("nz", "ny", "nx"), model.grid.shape, strict=True)) | {
        "cells": cells,
        "iterations": result.report.iterations,
        "residual": result.report.residual,
        "imbalance": result.heat_balance.relative,
        "peak_K": result.peak.max,
        **{f"{stage}_s": value for stage, value in stages.seconds.items()},
        "linear_s": linear,
        "total_s": sum(stages.seconds.values()),
        "elapsed_s": elapsed,
        **{f"{stage}_bytes_per_cell": (value - before) / cells for stage, value in memory.items()},
        "memory_bytes": most,
        "foreseen_bytes": told.memory,
        "foreseen_per_taken": told.memory / most,
        "total_per_linear": statistics.median(ratios),
    }
    for name, value in found.items():
        print(f"{name:<28}{value:16.6g}")
    is_quick, is_foreseen = found["total_per_linear"] < CLAIM, abs(told.memory / most - 1.0) < ACCURACY
    print(f"claim of {CLAIM:g} times the linear solve: {'held' if is_quick else 'MISSED'}")
    print(f"claim of memory foreseen within {ACCURACY:.0%}: {'held' if is_foreseen else 'MISSED'}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
