"""Time of every stage relative to the linear solve, and peak memory relative to its estimate.

    python benchmarks/pipeline.py [--package NAME] [--cells 1.84e6] [--constant] [--no-estimate]
                                  [--threads 1] [--repeat 3] [--limit "22e9"] [--json FILE]

Claims: the total is less than three times the linear solve (prepare and solve); the memory estimate is within
15 % of the peak; and 200 million cells fit in 24 GB (--cells 200e6 --repeat 1).

Seconds are processor times, which do not depend on other programs; `elapsed_s` is wall-clock time.
`--constant` evaluates every conductivity at 300 K. `--limit` bounds the address space [bytes] of the process,
so that the process fails and not the machine.
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
from thermostack.mesh.grid import Grid
from thermostack.mesh.grid_lines import CellSize, find_powered_regions, fixed_planes
from thermostack.mesh.memory_estimate import MemoryEstimate
from thermostack.mesh.model import Model
from thermostack.package.geometry import Geometry, build_geometry

MAX_TIME_RATIO = 3.0  # claim: total time in times of the linear solve
MAX_MEMORY_ERROR = 0.15  # claim: relative error of the memory estimate
WARM_UP_CELL = 5e-3  # m: cell size of a first run, which loads the libraries


def process_memory(name: str) -> int:
    """Return a row of the process status [bytes]: VmHWM is the peak, VmRSS the current memory."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(rows[name].split()[0]) * 1024


def reset_peak_memory() -> None:
    """Reset the peak memory that the kernel counts."""
    Path("/proc/self/clear_refs").write_text("5")


def with_constant_materials(geometry: Geometry) -> Geometry:
    """Return the geometry with conductivities and heat capacities at 300 K."""
    return replace(
        geometry,
        parts=tuple(replace(part, material=_at_300_kelvin(part.material)) for part in geometry.parts),
    )


def _at_300_kelvin(material: Material) -> Material:
    capacity = material.capacity_at(ROOM_TEMPERATURE) if material.has_capacity else None
    conductivity = material.conductivity_at(ROOM_TEMPERATURE)
    return Material(material.name, conductivity, volumetric_heat_capacity=capacity)


def cell_for(geometry: Geometry, cells: float) -> float:
    """Return the cell size [m] that gives about a number of cells."""
    low, high = 1e-6, 5e-3
    while high / low > 1.002:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if grid_of(geometry, middle).cells > cells else (low, middle)
    return high


def grid_of(geometry: Geometry, cell: float) -> Grid:
    """Return the grid of a cell size [m]."""
    powered = find_powered_regions(geometry)
    fixed = [fixed_planes(geometry, powered, axis)[0] for axis in range(3)]
    return Grid(*(CellSize(geometry, powered, axis, cell).planes(fixed[axis]) for axis in range(3)))


class Stages:
    """Processor time [s] and peak memory [bytes] of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.memory: dict[str, int] = {}
        self.stage, self.start = "", 0.0

    def begin(self, stage: str) -> None:
        """End the current stage and begin another."""
        now = time.process_time()
        if self.stage:
            self.seconds[self.stage] = self.seconds.get(self.stage, 0.0) + now - self.start
            self.memory[self.stage] = max(self.memory.get(self.stage, 0), process_memory("VmHWM"))
        reset_peak_memory()
        self.stage, self.start = stage, time.process_time()


def measure(
    geometry: Geometry, cell: float, threads: int, estimate: bool
) -> tuple[Model, SteadyResult, Stages, float]:
    """Return the model, the result, the stages and the elapsed seconds."""
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
    parser.add_argument("--json", type=Path, help="file for the numbers")
    options = parser.parse_args()
    if options.limit:
        resource.setrlimit(resource.RLIMIT_AS, (int(options.limit), int(options.limit)))
    geometry = build_geometry(read_package(options.package))
    if options.constant:
        geometry = with_constant_materials(geometry)
    cell = cell_for(geometry, options.cells)
    solve_steady(discretize(geometry, WARM_UP_CELL))
    before, ratios, memory = process_memory("VmRSS"), [], {}
    for _ in range(options.repeat):
        model = result = None  # frees their memory before the next run
        model, result, stages, elapsed = measure(geometry, cell, options.threads, options.estimate)
        memory = memory or stages.memory  # later runs reuse memory of the first
        linear = stages.seconds["prepare"] + stages.seconds["solve"]
        ratios.append(sum(stages.seconds.values()) / linear)
    cells, peak = model.grid.cells, max(memory.values()) - before
    estimate = MemoryEstimate(model.grid, model.is_linear, options.estimate)
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
        "memory_bytes": peak,
        "estimated_bytes": estimate.memory,
        "estimated_per_used": estimate.memory / peak,
        "total_per_linear": statistics.median(ratios),
    }
    for name, value in found.items():
        print(f"{name:<28}{value:16.6g}")
    is_fast = found["total_per_linear"] < MAX_TIME_RATIO
    is_accurate = abs(estimate.memory / peak - 1.0) < MAX_MEMORY_ERROR
    print(f"claim of {MAX_TIME_RATIO:g} times the linear solve: {'held' if is_fast else 'MISSED'}")
    print(f"claim of a memory estimate within {MAX_MEMORY_ERROR:.0%}: {'held' if is_accurate else 'MISSED'}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
