"""Time of each stage from a description to a temperature field, relative to the linear solve, and memory.

    python benchmarks/main_job.py [--package NAME] [--cell "0.25 mm"] [--threads 1] [--json FILE] [--quick]

Claims: over a million cells in seconds, within 1 GB; no stage dominates.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

from thermostack import discretize, read_package, solve_steady

MAX_MEMORY = 1e9  # bytes, claimed


def measure(package: str, cell: str, threads: int) -> dict[str, float]:
    """Return the seconds of each stage, cells, iterations and the peak memory [bytes]."""
    start = time.perf_counter()
    description = read_package(package)
    read = time.perf_counter()
    model = discretize(description, cell)
    meshed = time.perf_counter()
    steady = solve_steady(model, threads=threads)
    total = time.perf_counter() - start
    seconds = {"read": read - start, "mesh": meshed - read, **steady.seconds, "total": total}
    found = {f"{stage}_s": value for stage, value in seconds.items()}
    found |= {f"{stage}_per_solve": value / seconds["solve"] for stage, value in seconds.items()}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found |= {"cells": model.grid.cells, "active": model.active, "iterations": steady.report.iterations}
    return found | {"memory_bytes": memory, "memory_bytes_per_cell": memory / model.grid.cells}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--package", default="cowos_s_h100")
    parser.add_argument("--cell", default="0.25 mm")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--quick", action="store_true", help="few cells, to test the script")
    options = parser.parse_args()
    found = measure(options.package, "3 mm" if options.quick else options.cell, options.threads)
    for name, value in found.items():
        print(f"{name:<24}{value:16.6g}")
    print(f"memory claim {MAX_MEMORY:g} bytes: {'held' if found['memory_bytes'] < MAX_MEMORY else 'MISSED'}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
