"""Processor time of commands and of their stages, for one interpreter or beside another one.

    python benchmarks/command_line.py [--turns 10] [--other PYTHON] [--json FILE] [--quick]

Runs each command several times in its own process, alternately with both interpreters. Prints the minimum
processor time (user and system) and the ratio of both. `--other` is the Python of another version or checkout
of thermostack. The stages are those of `solve`, measured in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

AIMS = {  # s of processor time of a quiet core
    "solve fcbga": 0.9,
    "solve fcbga --no-save": 0.5,
    "solve cowos_s_h100": 1.6,
    "solve cowos_s_h100 --no-save": 1.2,
}
OTHERS = ("--version", "packages", "check fcbga", "compare fcbga fcbga_bare --packages")
STAGES = """
import json, sys, time
start = time.process_time()
seconds, package = {"python": start}, sys.argv[1]
def lap(name):
    global start
    now = time.process_time()
    seconds[name] = now - start
    start = now
import thermostack.cli.app
lap("import of the commands")
from thermostack.io.description.package_file import load_package
lap("import of the reader")
described = load_package(package)
lap("read")
from thermostack.mesh.model import discretize
lap("import of the mesh")
from thermostack.steady import solve_steady
lap("import of the solver")
tolerance = described.grid.tolerance if described.grid is not None else None
steady = solve_steady(discretize(described), tolerance=tolerance)
lap("mesh and solve")
from rich.console import Console
from thermostack.report.steady_table import solution_facts, steady_table
with open("/dev/null", "w") as sink:
    Console(file=sink, width=132).print(steady_table(steady, 132), solution_facts(steady, has_files=True))
lap("tables")
from thermostack.io.results.steady_file import write_result
lap("import of HDF5")
write_result(steady, "stages.vtkhdf")
lap("write")
try:
    from thermostack.cli.timing import load_matplotlib
    load_matplotlib()
except ImportError:
    import matplotlib.figure
from thermostack.plot.overview import plot_overview
lap("import of matplotlib")
plot_overview(steady, "stages.png")
lap("figure")
print(json.dumps(seconds))
"""


def environment() -> dict[str, str]:
    """Return the environment of a command: one thread, and compiled modules that are kept."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "OMP_NUM_THREADS": "1"}


def processor_time(command: Sequence[str], directory: Path) -> float:
    """Return the processor time [s] of a command, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=directory, env=environment(), check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def minimum_times(commands: Sequence[Sequence[str]], turns: int, directory: Path) -> list[float]:
    """Return the minimum processor time [s] of each command over alternate turns."""
    best = [float("inf")] * len(commands)
    for _ in range(turns):
        for n, command in enumerate(commands):
            best[n] = min(best[n], processor_time(command, directory))
    return best


def stage_times(pythons: Sequence[str], package: str, turns: int, directory: Path) -> list[dict[str, float]]:
    """Return the minimum processor time [s] of each stage of `solve`, for each interpreter."""
    best: list[dict[str, float]] = [{} for _ in pythons]
    for _ in range(turns):
        for found, python in zip(best, pythons, strict=True):
            command = [python, "-c", STAGES, package]
            done = subprocess.run(
                command, cwd=directory, env=environment(), check=True, capture_output=True, text=True
            )
            for name, seconds in json.loads(done.stdout).items():
                found[name] = min(found.get(name, float("inf")), seconds)
    return best


def row(name: str, times: Sequence[float], aim: float | None = None) -> str:
    """Return a line with the times [ms] and the ratio of the first to the second."""
    texts = "".join(f"{1e3 * seconds:9.0f}" for seconds in times)
    ratio = f"{times[0] / times[1]:9.2f}" if len(times) > 1 else ""
    return f"{name:40}{texts}{ratio}" + (f"   aim {1e3 * aim:.0f}" if aim is not None else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--turns", type=int, default=10, help="runs of each command; the minimum counts")
    parser.add_argument("--other", help="Python of another thermostack, for the ratio")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--quick", action="store_true", help="one turn of few commands")
    options = parser.parse_args()
    pythons = [sys.executable] + ([options.other] if options.other else [])
    turns = 1 if options.quick else options.turns
    names = ["--version", "solve fcbga"] if options.quick else [*AIMS, *OTHERS]
    packages = ["fcbga"] if options.quick else ["fcbga", "cowos_s_h100"]
    results: dict[str, dict[str, list[float]]] = {"commands": {}}
    print("claim: the command line takes little processor time beyond the solution")
    print(f"{'processor time [ms]':40}{'this':>9}" + (f"{'other':>9}{'ratio':>9}" if options.other else ""))
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            quiet = ["--quiet"] if name.startswith("solve") else []
            commands = [[python, "-m", "thermostack.cli", *name.split(), *quiet] for python in pythons]
            kept = commands if "compare" not in name else commands[:1]  # other versions may not have it
            times = minimum_times(kept, turns, Path(directory))
            results["commands"][name] = times
            print(row(name, times, AIMS.get(name)), flush=True)
        for package in packages:
            print(f"stages of solve {package}")
            stages = stage_times(pythons, package, turns, Path(directory))
            results[package] = {name: [each[name] for each in stages] for name in stages[0]}
            for name, times in results[package].items():
                print(row(f"  {name}", times), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
