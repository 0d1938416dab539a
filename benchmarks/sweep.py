"""Overhead of a sweep for each case beyond solving, speed-up of two workers, and memory over many cases.

    python benchmarks/sweep.py [--cases 10000] [--kills 0] [--dask] [--json FILE]

The cheap case is a slab of one cell column, which takes about 20 ms. The overhead is the time of the workers
between the first and the last row that no case accounts for, divided by the number of cases; other load on
the machine increases it. The processor time of the process of the sweep itself is also given. The speed-up is
measured on a memory stack of about 20 000 cells. The memory is the resident memory of the process of the
sweep, which the workers do not share.

With `--kills N` a sweep of a Latin hypercube, in which 1 % of the cases have no positive thickness, is killed
N times at random moments, and each time after one of its two workers was killed. Its table is compared with
single solves of some of its cases. With `--dask` one of two workers of a Dask cluster is killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import thermostack as ts
from thermostack.sweeps.case_log import read_log

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
THICKNESS = "stacks.die.layers.body.thickness"
FAILING = """\
package: slab.yaml
design: {{latin_hypercube: {{cases: {cases}, seed: 1}}}}
axes:
  cooling.top.convection.h: {{name: h, from: 1 kW/m2/K, to: 9 kW/m2/K}}
  stacks.die.layers.body.thickness: {{name: t, from: -10 um, to: 990 um}}
outputs: {{peak: max of die, rise: peak - 298.15}}
analysis: {{steady: {{cell: 10 mm}}}}
"""
SAMPLES = 50  # cases that are solved alone
MAX_DIFFERENCE = 1e-6  # K, of a row from the single solve of its case
MAX_OVERHEAD = 1e-3  # s for each case
MAX_MEMORY_GROWTH = 20e6  # bytes, from a tenth of the cases to the end


class Recorder:
    """Time and resident memory at the first row, at a tenth of the rows, and at the last row."""

    def __init__(self) -> None:
        self.times: list[tuple[int, float]] = []
        self.memory: list[tuple[int, int]] = []
        self.processor_time: list[float] = []  # s, of this process

    def __call__(self, done: int, count: int, failed: int) -> None:
        if done > 0:
            self.times = [*self.times[:1], (done, time.perf_counter())]
            self.processor_time = [*self.processor_time[:1], time.process_time()]
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


# -- killed sweeps ------------------------------------------------------------------------------------------


def write_failing_study(folder: Path, cases: int) -> Path:
    """Write the slab and a study in which 1 % of the cases fail; return the file of the study."""
    (folder / "slab.yaml").write_text(SLAB)
    study = folder / "failing.yaml"
    study.write_text(FAILING.format(cases=cases))
    return study


def kill_sweeps(folder: Path, cases: int, kills: int, seed: int = 1) -> dict[str, int]:
    """Kill a sweep and its workers at random moments, and finish it; return what was killed and repeated."""
    study, output, log = write_failing_study(folder, cases), folder / "killed.csv", folder / "killed.sweeplog"
    command = [sys.executable, "-m", "thermostack.cli", "sweep", str(study), "-o", str(output)]
    draw, done = random.Random(seed), 0
    found = {"killed_sweeps": 0, "killed_workers": 0, "lost_rows": 0}
    for kill in range(kills):
        process = subprocess.Popen([*command, "--workers", "2", "--quiet"], stdout=subprocess.DEVNULL)
        for share in (0.5, 1.0):  # of the rows until the next kill of the sweep
            wait_for_rows(log, int((kill + share) * cases / (kills + 1)), process)
            time.sleep(draw.uniform(0.0, 0.2))
            workers = children_of(process.pid)
            if share < 1.0 and workers:
                os.kill(draw.choice(workers), signal.SIGKILL)
                found["killed_workers"] += 1
        found["killed_sweeps"] += process.poll() is None
        process.kill()
        process.wait()
        rows = len(case_numbers(log))
        found["lost_rows"] += max(0, done - rows)
        done = rows
    subprocess.run([*command, "--workers", "2", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    numbers = case_numbers(log)
    found["missing_rows"] = cases - len(set(numbers))
    found["repeated_rows"] = len(numbers) - len(set(numbers))
    return found


def wait_for_rows(log: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a log has a number of lines, or its sweep has ended."""
    while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < count):
        time.sleep(0.05)


def children_of(process: int) -> list[int]:
    """Return the numbers of the processes that a process has started."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


def case_numbers(log: Path) -> list[Any]:
    """Return the numbers of the cases of a log, one for each row."""
    return [row[0] for row in read_log(log)[1]]


def compare_with_solves(folder: Path, samples: int, seed: int = 2) -> dict[str, Any]:
    """Return the largest difference of sampled rows from single solves [K], and facts of the failed rows."""
    result = ts.read_sweep(folder / "killed.csv")
    solved = np.flatnonzero(result.is_ok)
    differences = []
    for n in random.Random(seed).sample(solved.tolist(), min(samples, solved.size)):
        h, t = (result.column(name)[n] for name in ("h", "t"))
        changed = ts.read_package(
            folder / "slab.yaml", overrides={H: f"{float(h)!r} kW/m2/K", THICKNESS: f"{float(t)!r} um"}
        )
        single = ts.solve_steady(ts.discretize(changed, cell="10 mm"))
        differences.append(abs(single.peak.max - result.column("peak")[n]))
    is_failed = ~result.is_ok
    is_wrong = is_failed != (result.column("t") <= 0.0)
    return {
        "compared_with_single_solves": len(differences),
        "largest_difference": float(max(differences)),
        "failed_of_killed_sweeps": int(is_failed.sum()),
        "failed_for_another_reason": int(is_wrong.sum()),
        "failed_without_message": int((result.column("message")[is_failed] == "").sum()),
    }


def lose_dask_worker(folder: Path, cases: int) -> dict[str, int]:
    """Kill one of two workers of a Dask cluster in the middle of a sweep; return the facts of its table."""
    from distributed import LocalCluster

    study, killed = write_failing_study(folder, cases), []
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with LocalCluster(**options) as cluster:

        def kill_one(done: int, count: int, failed: int) -> None:
            if done >= count // 2 and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        address = cluster.scheduler_address
        result = ts.sweep(study, folder / "dask.csv", scheduler=address, progress=kill_one)
    numbers = case_numbers(folder / "dask.sweeplog")
    return {
        "dask_cases": cases,
        "dask_killed_workers": len(killed),
        "dask_missing_rows": cases - len(set(numbers)),
        "dask_repeated_rows": len(numbers) - len(set(numbers)),
        "dask_failed_for_another_reason": int((~result.is_ok != (result.column("t") <= 0.0)).sum()),
    }


def main() -> None:
    """Run the measurements and print the claims."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=0, help="sweeps that are killed")
    parser.add_argument("--dask", action="store_true", help="kill a worker of a Dask cluster")
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
        used = record.processor_time
        found["processor_time_of_the_sweep"] = (used[-1] - used[0]) / (cases - record.times[0][0])
        (_, begin), (_, end) = record.memory[0], record.memory[-1]
        found["memory_at_a_tenth"], found["memory_at_the_end"] = begin, end
        found["failed"] = int(result.failed.size)
    print(f"cheap case            {1e3 * found['seconds_of_a_case']:.1f} ms")
    print(f"overhead, one worker  {1e3 * found['overhead_one_worker']:.2f} ms a case")
    print(f"overhead, two workers {1e3 * found['overhead_two_workers']:.2f} ms a case, {cases} cases")
    print(
        f"the sweep itself      {1e3 * found['processor_time_of_the_sweep']:.2f} ms of processor time a case"
    )
    print(f"two workers           {found['speed_up']:.2f} times one, {rates['2']:.1f} memory stacks/s")
    print(f"memory                {begin / 1e6:.0f} MB at a tenth, {end / 1e6:.0f} MB at the end")
    is_met = found["overhead_one_worker"] < MAX_OVERHEAD and end - begin < MAX_MEMORY_GROWTH
    print(
        f"claim: below {1e3 * MAX_OVERHEAD:g} ms a case and constant memory: {'met' if is_met else 'not met'}"
    )
    if options.kills:
        with tempfile.TemporaryDirectory() as name:
            found |= kill_sweeps(Path(name), cases, options.kills)
            found |= compare_with_solves(Path(name), SAMPLES)
        print_killed(found)
    if options.dask:
        with tempfile.TemporaryDirectory() as name:
            found |= lose_dask_worker(Path(name), max(100, cases // 10))
        killed = f"{found['dask_cases']} cases, {found['dask_killed_workers']} worker killed"
        rows = f"{found['dask_missing_rows']} rows missing, {found['dask_repeated_rows']} twice"
        print(f"Dask cluster          {killed}: {rows}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


def print_killed(found: dict[str, Any]) -> None:
    """Print the facts of the killed sweeps, and the claim."""
    kills = f"{found['killed_sweeps']} sweeps and {found['killed_workers']} workers killed"
    lost = found["lost_rows"] + found["missing_rows"]
    wrong = found["failed_for_another_reason"] + found["failed_without_message"]
    print(f"killed                {kills}: {lost} rows lost, {found['repeated_rows']} twice")
    print(f"failed cases          {found['failed_of_killed_sweeps']}, {wrong} with a wrong message or reason")
    count, difference = found["compared_with_single_solves"], found["largest_difference"]
    print(f"single solves         {count} rows differ by at most {difference:.1e} K")
    is_met = lost == found["repeated_rows"] == wrong == 0 and difference < MAX_DIFFERENCE
    print(f"claim: nothing lost, nothing twice, equal to single solves: {'met' if is_met else 'not met'}")


if __name__ == "__main__":
    main()
