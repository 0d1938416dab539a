"""Overhead of a sweep for each case beyond solving, speed-up of two workers, and memory over many cases.

    python benchmarks/sweep.py [--cases 10000] [--json FILE]

The cheap case is a slab of one cell column, which takes about 20 ms. The overhead is the time of the workers
between the first and the last row that no case accounts for, divided by the number of cases. The speed-up is
measured on a memory stack of about 20 000 cells. The memory is the resident memory of the process of the
sweep, which the workers do not share.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import thermostack as ts

SLAB = """\
package: slab
stacks:
  die:
    size: [10 mm, 10 mm]
    layers: [{name: body, thickness: 1 mm, material: silicon_constant, power: 10 W}]
cooling:
  top: {convection: {h: 2 kW/m2/K, ambient: 25 degC}}
"""
H = "cooling.top.convection.h"
MAX_OVERHEAD = 1e-3  # s for each case
MAX_MEMORY_GROWTH = 20e6  # bytes, from a tenth of the cases to the end


class Recorder:
    """Time and resident memory at the first row, at a tenth of the rows, and at the last row."""

    def __init__(self) -> None:
        self.times: list[tuple[int, float]] = []
        self.memory: list[tuple[int, int]] = []

    def __call__(self, done: int, count: int, failed: int) -> None:
        if done > 0:
            self.times = [*self.times[:1], (done, time.perf_counter())]
        if done in (count // 10, count):
            self.memory.append((done, resident_memory()))

    @property
    def seconds(self) -> float:
        """Return the time from the first to the last row [s]."""
        return self.times[-1][1] - self.times[0][1]


def resident_memory() -> int:
    """Return the resident memory of this process [bytes]."""
    rows = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(row for row in rows if row.startswith("VmRSS:")).split()[1])


def sweep_slab(folder: Path, cases: int, workers: int) -> tuple[Recorder, ts.SweepResult]:
    """Return the times of a sweep of the slab over the heat transfer coefficient, and its table."""
    (folder / "slab.yaml").write_text(SLAB)
    study = {
        "package": str(folder / "slab.yaml"),
        "axes": {H: {"from": "1 kW/m2/K", "to": "9 kW/m2/K", "steps": cases}},
        "outputs": {"peak": "max of die", "rise": "peak - 298.15"},
        "analysis": {"steady": {"cell": "10 mm"}},
    }
    record = Recorder()
    return record, ts.sweep(
        study, folder / f"slab_{cases}_{workers}.csv", workers=workers, progress=record, overwrite=True
    )


def overhead(record: Recorder, result: ts.SweepResult, workers: int) -> float:
    """Return the time of a worker for each case beyond solving [s]."""
    first = record.times[0][0]
    solving = float(result.column("seconds")[first:].sum())  # cases are solved in the order of their numbers
    return (workers * record.seconds - solving) / (len(result) - first)


def speed_up(folder: Path, cases: int) -> dict[str, float]:
    """Return the rates of one and of two workers [1/s] on a memory stack, between first and last row."""
    study = {
        "package": "hbm3_8h",
        "axes": {H: {"from": "2 kW/m2/K", "to": "9 kW/m2/K", "steps": cases}},
        "outputs": {"peak": "max of hbm3_8h"},
    }
    rates = {}
    for workers in (1, 2):
        record = Recorder()
        output = folder / f"hbm_{workers}.csv"
        ts.sweep(study, output, workers=workers, progress=record, overwrite=True)
        rates[f"{workers}"] = (cases - record.times[0][0]) / record.seconds
    return rates


def main() -> None:
    """Run the three measurements and print the claim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="few cases, for the test")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cases, few, stacks = (60, 20, 4) if options.quick else (options.cases, 300, 32)
    found: dict[str, Any] = {"cases": cases}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record, result = sweep_slab(folder, few, 1)
        found["overhead_one_worker"] = overhead(record, result, 1)
        found["seconds_of_a_case"] = float(result.column("seconds").mean())
        rates = speed_up(folder, stacks)
        found["rates"], found["speed_up"] = rates, rates["2"] / rates["1"]
        record, result = sweep_slab(folder, cases, 2)
        found["overhead_two_workers"] = overhead(record, result, 2)
        found["rate"] = (cases - record.times[0][0]) / record.seconds
        (_, begin), (_, end) = record.memory[0], record.memory[-1]
        found["memory_at_a_tenth"], found["memory_at_the_end"] = begin, end
        found["failed"] = int(result.failed.size)
    print(f"cheap case            {1e3 * found['seconds_of_a_case']:.1f} ms")
    print(f"overhead, one worker  {1e3 * found['overhead_one_worker']:.2f} ms a case")
    print(f"overhead, two workers {1e3 * found['overhead_two_workers']:.2f} ms a case, {cases} cases")
    print(f"two workers           {found['speed_up']:.2f} times one, {rates['2']:.1f} memory stacks/s")
    print(f"memory                {begin / 1e6:.0f} MB at a tenth, {end / 1e6:.0f} MB at the end")
    is_met = found["overhead_one_worker"] < MAX_OVERHEAD and end - begin < MAX_MEMORY_GROWTH
    print(
        f"claim: below {1e3 * MAX_OVERHEAD:g} ms a case and constant memory: {'met' if is_met else 'not met'}"
    )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
