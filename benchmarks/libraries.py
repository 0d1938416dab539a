"""Time of the linear solver and of other libraries for one matrix and right-hand side, with one thread.

    python benchmarks/libraries.py [--cells 0.13 0.46 1.84 6.9] [--repeat 5] [--amgcl FOLDER] [--json FILE]
        [--history 0.46] [--only NAME ...] [--limit 3600] [--quick]

The standard problem is solved from zero until the residual, recomputed from the solution, is 1e-8 of the
right-hand side. All libraries use the same matrix, whose face conductances are exact in float32, as in a
model of thermostack. Times are those of set-up and solution; the transfer of the matrix is not timed. Each
library runs in its own process, thermostack before each of them. Missing libraries are skipped: hypre,
PyAMG, PARDISO (pypardiso) and CHOLMOD (scikit-sparse) are detected, AMGCL is given as a folder of headers.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from standard_problem import CELL_SIZES, StandardProblem, standard_problem, with_model_precision

from thermostack.mesh.memory_estimate import available_memory
from thermostack.units import mm

DRIVERS = Path(__file__).parent / "drivers"
sys.path.insert(0, str(DRIVERS))

from catalogue import CLAIMS, LIBRARIES, THERMOSTACK, THERMOSTACK_NAME, Library  # noqa: E402
from python_library import write_problem  # noqa: E402

TOLERANCE = 1e-8
HISTORY_TOLERANCES = [10.0**-n for n in range(1, 9)]
QUICK_CELL = 4 * mm
MAX_CELLS_FOR_ALL_SETTINGS = 500_000  # above, only the two fastest settings of the size before are run
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "TBB")}
STREAM_BYTES = [round(2.0**n * 1e6) for n in range(12)]  # 1 MB to 2 GB

Found = dict[str, Any]


# -- drivers and machine -----------------------------------------------------------------------------------


def compiled(name: str, folder: Path, *options: str) -> list[str] | str:
    """Return the command of a driver, or the reason why there is none."""
    compiler = shutil.which("mpicxx" if name == "hypre" else "g++")
    if compiler is None:
        return "no compiler"
    out = folder / name
    command = [
        compiler,
        "-O3",
        "-march=native",
        "-DNDEBUG",
        "-w",
        str(DRIVERS / f"{name}.cpp"),
        "-o",
        str(out),
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
    return [str(out)] if done.returncode == 0 else f"does not compile: {lines[0] if lines else '?'}"


def find_drivers(folder: Path, amgcl: Path | None) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the command of each available driver, and the versions; print the missing ones with reasons."""
    drivers = {"python": [sys.executable, str(DRIVERS / "python_library.py")]}
    versions: dict[str, str] = {}
    headers = next((path for path in ("/usr/include/hypre",) if Path(path).is_dir()), None)
    tries: dict[str, list[str] | str] = {
        "stream": compiled("stream", folder),
        "hypre": compiled("hypre", folder, f"-I{headers}", "-lHYPRE") if headers else "no headers",
        "amgcl": compiled("amgcl", folder, f"-I{amgcl}") if amgcl else "no --amgcl",
    }
    for name, found in tries.items():
        if isinstance(found, str):
            print(f"skipped {name}: {found}")
        else:
            drivers[name] = found
    if "hypre" in drivers:
        said = subprocess.run([*drivers["hypre"], "--version"], capture_output=True, text=True)
        versions["hypre"] = f"hypre {said.stdout.strip()}"
    if "amgcl" in drivers and amgcl:
        release = amgcl / "RELEASE-VERSION"
        versions["AMGCL"] = (
            f"AMGCL {release.read_text().strip() if release.is_file() else 'of unknown version'}"
        )
    for library in LIBRARIES:
        if library.distribution:
            try:
                versions[library.name] = " with ".join(
                    f"{name} {importlib.metadata.version(name)}" for name in library.distribution.split()
                )
            except importlib.metadata.PackageNotFoundError as error:
                print(f"skipped {library.name}: {error.name} is not installed")
    print("\n".join(versions.values()))
    return drivers, versions


def machine() -> dict[str, Any]:
    """Return the processor and its load."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    return {"processor": model, "processors": os.cpu_count(), "load": os.getloadavg()[0]}


# -- one size ----------------------------------------------------------------------------------------


@dataclass
class Size:
    """A problem in its file, and the runs of thermostack on it."""

    problem: StandardProblem
    file: Path
    drivers: dict[str, list[str]]
    limit: float  # s, of a process
    own: list[Found] = field(default_factory=list)  # runs of thermostack

    @property
    def cells(self) -> int:
        return self.problem.rhs.size

    def residuals(self, answers: Path) -> Iterator[float]:
        """Yield the true residual of each field in a file, relative to the right-hand side."""
        rhs = self.problem.rhs
        for t in np.fromfile(answers).reshape(-1, *rhs.shape):
            left = rhs - self.problem.conduction.apply(t)
            yield float(np.linalg.norm(left) / np.linalg.norm(rhs))

    def run(self, library: Library, settings: str, tolerances: Sequence[float], repeat: int) -> Found:
        """Return the fastest of some runs with the residuals of its solutions, or why it failed."""
        if library.bytes_per_cell * self.cells > available_memory():
            return {"failed": f"{library.bytes_per_cell * self.cells / 1e9:.0f} GB are not available"}
        answers = self.file.with_suffix(".answers")
        wanted = ",".join(f"{tolerance:.3g}" for tolerance in tolerances)
        command = [*self.drivers[library.driver], str(self.file), str(answers), str(repeat), wanted]
        environment = os.environ | ONE_THREAD
        try:
            done = subprocess.run(
                [*command, *settings.split()],
                capture_output=True,
                text=True,
                env=environment,
                timeout=self.limit,
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"more than {self.limit:.0f} s"}
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        runs = [line for line in lines if "setup_s" in line]
        if done.returncode or not runs:
            return {"failed": (done.stderr.strip().splitlines() or ["no answer"])[-1]}
        best = min(runs, key=lambda one: one["setup_s"] + one["solve_s"][-1])
        fastest = [min(times) for times in zip(*(run["solve_s"] for run in runs), strict=True)]
        others = {"min_solve_s": fastest} | {
            key: value for line in lines if "setup_s" not in line for key, value in line.items()
        }
        return best | others | {"residuals": list(self.residuals(answers)), "runs": len(runs)}

    def solve(self, library: Library, settings: str, repeat: int) -> Found:
        """Return the results of a solution whose true residual is within the tolerance."""
        found: Found = {"failed": "no residual within the tolerance"}
        for asked in (
            TOLERANCE,
            0.5 * TOLERANCE,
            0.1 * TOLERANCE,
        ):  # some libraries estimate a residual below the true one
            found = self.run(library, settings, [asked], repeat)
            if "failed" in found:
                return found
            if found["residuals"][-1] <= TOLERANCE:
                rest = {key: found[key] for key in ("unit_s", "cycle_s", "cells_of_levels") if key in found}
                return rest | {
                    "setup_s": found["setup_s"],
                    "solve_s": found["solve_s"][-1],
                    "total_s": found["setup_s"] + found["solve_s"][-1],
                    "iterations": found["iterations"][-1],
                    "residual": found["residuals"][-1],
                    "bytes_per_cell": found["bytes"] / self.cells,
                    "asked": asked,
                    "runs": found["runs"],
                }
        return {"failed": f"residual {found['residuals'][-1]:.1e} where {TOLERANCE:g} is due"}

    def solve_with_thermostack(self, repeat: int) -> None:
        """Solve with thermostack, and record the run."""
        self.own.append(self.solve(THERMOSTACK, THERMOSTACK.settings["default"], repeat))


def median_run(turns: Sequence[Found]) -> Found:
    """Return the run of thermostack of median time, with the median of its work units."""
    for turn in turns:
        if "failed" in turn:
            return turn
    middle = sorted(turns, key=lambda turn: float(turn["total_s"]))[len(turns) // 2]
    return middle | {key: median(turn[key] for turn in turns) for key in ("unit_s", "cycle_s")}


def compare(
    size: Size, libraries: Sequence[Library], before: dict[str, Found], repeat: int, *, is_quick: bool
) -> dict[str, Found]:
    """Return the results of each library on one size, with its fastest settings."""
    results: dict[str, Found] = {}
    print(f"\n{size.cells} cells")
    for library in libraries:
        size.solve_with_thermostack(repeat)
        if size.cells > library.max_cells:
            continue
        tried = library.settings
        if is_quick:
            tried = dict(list(tried.items())[:1])
        elif size.cells > MAX_CELLS_FOR_ALL_SETTINGS and "trials" in before.get(library.name, {}):
            times = before[library.name]["trials"]
            fastest = sorted((label for label in times if times[label] is not None), key=times.__getitem__)[
                :2
            ]
            tried = {label: tried[label] for label in fastest}
        found: dict[str, Found] = {}
        for label, settings in tried.items():
            one = found[label] = size.solve(library, settings, 1 if library.is_direct else repeat)
            said = (
                one.get("failed")
                or f"{one['total_s']:9.3f} s ({one['setup_s']:.3f} s set-up), {one['iterations']} iterations"
            )
            print(f"  {library.name:<16} {label:<44} {said}", flush=True)
        right = {label: one for label, one in found.items() if "failed" not in one}
        trials = {label: one.get("total_s") for label, one in found.items()}
        if right:
            best = min(right, key=lambda label: float(right[label]["total_s"]))
            results[library.name] = right[best] | {"settings": best, "trials": trials}
        else:
            results[library.name] = {"failed": next(iter(found.values()), {}).get("failed", "nothing to try")}
    size.solve_with_thermostack(repeat)
    return {
        THERMOSTACK_NAME: median_run(size.own) | {"turns": [turn.get("total_s") for turn in size.own]},
        **results,
    }


def histories(size: Size, libraries: Sequence[Library], results: dict[str, Found]) -> dict[str, Found]:
    """Return the time of each library, set-up included, to reach each true residual [s]."""
    found: dict[str, Found] = {}
    for library in (THERMOSTACK, *libraries):
        own = results.get(library.name, {})
        if library.is_direct or "failed" in own or not own:
            continue
        settings = library.settings[own.get("settings", "default")]
        one = size.run(library, settings, HISTORY_TOLERANCES, 3)
        if "failed" not in one:
            seconds = [one["setup_s"] + solve for solve in one["min_solve_s"]]
            found[library.name] = {
                "setup_s": one["setup_s"],
                "seconds": seconds,
                "residuals": one["residuals"],
            }
    return found


def bandwidths(drivers: dict[str, list[str]], extra: Sequence[int]) -> list[tuple[int, float]]:
    """Return the memory bandwidth of one thread [bytes/s] by the size of its arrays [bytes]."""
    if "stream" not in drivers:
        return []
    sizes = sorted({*STREAM_BYTES, *extra})
    done = subprocess.run([*drivers["stream"], *map(str, sizes)], capture_output=True, text=True, check=True)
    return list(zip(sizes, map(float, done.stdout.split()), strict=True))


def print_ratios(sizes: Sequence[Found]) -> None:
    """Print the time of each library relative to thermostack, and the claims."""
    names = list(dict.fromkeys(name for size in sizes for name in size["results"]))
    print(f"\n{'s, and times thermostack':<26}" + "".join(f"{size['cells']:>20}" for size in sizes))
    for name in names:
        row = ""
        for size in sizes:
            one, own = size["results"].get(name, {}), size["results"][THERMOSTACK_NAME]
            has_both = "total_s" in one and "total_s" in own
            row += (
                f"{one['total_s']:10.3f} {one['total_s'] / own['total_s']:9.1f}" if has_both else f"{'-':>20}"
            )
        print(f"{name:<26}{row}")
    for claimed, million, times in CLAIMS:
        for size in sizes:
            if size["million"] != million:
                continue
            own, others = (
                size["results"][THERMOSTACK_NAME],
                [size["results"].get(name, {}) for name in claimed],
            )
            totals = [one["total_s"] for one in others if "total_s" in one]
            if totals and "total_s" in own:
                ratio = min(totals) / own["total_s"]
                verdict = "held" if ratio >= times else "MISSED"
                print(
                    f"claim: {times:g} times faster than {' and '.join(claimed)} at {million} million cells; "
                    f"measured {ratio:.1f}: {verdict}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--cells", type=float, nargs="+", default=sorted(CELL_SIZES), choices=sorted(CELL_SIZES)
    )
    parser.add_argument(
        "--repeat", type=int, default=5, help="runs of each library, fewer where they take minutes"
    )
    parser.add_argument("--only", nargs="+", choices=[library.name for library in LIBRARIES])
    parser.add_argument("--history", type=float, default=0.46, help="size for the convergence histories")
    parser.add_argument("--amgcl", type=Path, help="folder that holds amgcl/, the headers")
    parser.add_argument("--limit", type=float, default=3600.0, help="time limit of a process in seconds")
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--quick", action="store_true", help="few cells, to test that it runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        drivers, versions = find_drivers(Path(folder), options.amgcl)
        available = [
            library
            for library in LIBRARIES
            if library.driver in drivers
            and (not library.distribution or library.name in versions)
            and (not options.only or library.name in options.only)
        ]
        saved: Found = {"machine": machine(), "versions": versions, "tolerance": TOLERANCE, "sizes": []}
        before: dict[str, Found] = {}
        for million in [0.0] if options.quick else options.cells:
            problem = with_model_precision(
                standard_problem(QUICK_CELL if options.quick else CELL_SIZES[million])
            )
            size = Size(problem, Path(folder, "problem"), drivers, options.limit)
            write_problem(size.file, problem.conduction, problem.rhs, problem.widths)
            repeat = 1 if options.quick else options.repeat
            before = compare(size, available, before, repeat, is_quick=options.quick)
            saved["sizes"].append({"million": million, "cells": size.cells, "results": before})
            if options.quick or million == options.history:
                saved["histories"] = {"cells": size.cells, "of": histories(size, available, before)}
            if options.json:  # an interrupted run keeps its results
                options.json.write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
        extra = [] if options.quick else [40 * size["cells"] for size in saved["sizes"]]
        saved["stream"] = bandwidths(drivers, extra) if not options.quick else []
    print_ratios(saved["sizes"])
    if options.json:
        options.json.write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
