"""Solve the shipped packages as `thermostack solve` does: peaks, errors, balances, cells, seconds.

The variants of meshes/README.md are solved after them, or alone with --variants. With --write the results
of the packages are stored in meshes/peaks.json, which `thermostack packages` reads, and the peaks in both
tables of meshes/README.md are renewed. With --write or --summaries, which solves nothing, the kinds, sizes
and powers are stored in meshes/summaries.json, with a digest of the descriptions.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from thermostack import SteadyResult, read_package, solve_steady
from thermostack.cli.options import read_settings
from thermostack.io.description.package_file import shipped_packages
from thermostack.io.description.package_summaries import write_summaries
from thermostack.report.package_summary import package_summary
from thermostack.units import ZERO_CELSIUS

MESHES = Path(__file__).parents[1] / "meshes"
README = MESHES / "README.md"
MAX_SECONDS, MAX_ERROR = 10.0, 1.0  # aims: seconds and K for each package


def record(steady: SteadyResult) -> dict[str, Any]:
    """Return the numbers of a result that are stored."""
    peak = steady.peak
    limited = [(part.limit - part.max, part) for part in steady.parts if part.limit is not None]
    margin, nearest = min(limited, key=lambda each: each[0], default=(None, None))
    powered = [part.error or 0.0 for part in steady.parts if part.power != 0.0]
    return {
        "cells": steady.model.grid.cells,
        "peak": round(peak.max, 3),
        "part": peak.name,
        "error": round(peak.error or 0.0, 3),
        "largest_error": round(max(powered), 3),
        "limit": None if nearest is None else nearest.limit,
        "limited_part": None if nearest is None else nearest.name,
        "margin": None if margin is None else round(margin, 3),
    }


def measure(name: str) -> tuple[dict[str, Any], float, float, float]:
    """Return the record of a package, wall and processor seconds, and the imbalance of heat."""
    start, used = time.perf_counter(), time.process_time()
    steady = solve_steady(read_package(name))
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return record(steady), seconds, used, steady.heat_balance.relative


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="packages; default: all")
    parser.add_argument("--write", action="store_true", help="renew meshes/peaks.json and meshes/README.md")
    parser.add_argument("--summaries", action="store_true", help="renew meshes/summaries.json alone")
    parser.add_argument("--variants", action="store_true", help="solve the variants of the README alone")
    options = parser.parse_args()
    if options.write or options.summaries:
        write_summaries({name: package_summary(read_package(name)) for name in shipped_packages()}, MESHES)
    if options.summaries:
        return 0
    if not options.variants:
        solve_packages(options.names or shipped_packages(), writes=options.write)
    if options.variants or not options.names:
        solve_variants(writes=options.write)
    return 0


def solve_packages(names: Iterable[str], *, writes: bool) -> None:
    """Print the results of packages, and store them if asked."""
    path = MESHES / "peaks.json"
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    head = "package", "peak degC", "error K", "largest K", "margin K", "cells", "balance", "s", "processor s"
    print("{:22} {:>10} {:>8} {:>9} {:>9} {:>9} {:>8} {:>6} {:>12}".format(*head))
    is_met = True
    for name in names:
        found, seconds, used, imbalance = measure(name)
        margin = "" if found["margin"] is None else f"{found['margin']:.1f}"
        print(
            f"{name:22} {found['peak'] - ZERO_CELSIUS:10.1f} {found['error']:8.2f} "
            f"{found['largest_error']:9.2f} {margin:>9} {found['cells']:9d} {imbalance:8.0e} {seconds:6.1f} "
            f"{used:12.1f}",
            flush=True,
        )
        is_met &= seconds < MAX_SECONDS and found["largest_error"] < MAX_ERROR
        stored[name] = found
        if writes:
            write(path, stored)
    print(f"aims of {MAX_SECONDS:g} s and {MAX_ERROR:g} K: {'met' if is_met else 'missed'}")


def solve_variants(*, writes: bool) -> None:
    """Print the peaks of the variants of the README, and renew its table if asked."""
    for variant, (name, overrides) in variants(README.read_text(encoding="utf-8")).items():
        peak = solve_steady(read_package(name, overrides)).peak
        print(f"{variant:70} {peak_text(peak.max, peak.error or 0.0)}", flush=True)
        if writes:
            text = README.read_text(encoding="utf-8")
            README.write_text(with_peak(text, variant, peak.max, peak.error or 0.0), encoding="utf-8")


def variants(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Return the package and the overrides of each variant in the text of the README."""
    found = {}
    for variant, command in re.findall(
        r"^\| ([^|]*) \|[^|]*\| `thermostack solve (.*)` \|$", text, re.MULTILINE
    ):
        name, *options = shlex.split(command)
        found[variant] = name, read_settings(option for option in options if option != "--set")
    return found


def write(path: Path, stored: dict[str, Any]) -> None:
    """Write the results of the packages that exist, and renew the table of the README."""
    existing = shipped_packages()
    kept = {name: stored[name] for name in sorted(stored) if name in existing}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    for name, found in kept.items():
        text = with_peak(text, f"`{name}`", found["peak"], found["error"])
    README.write_text(text, encoding="utf-8")


def with_peak(text: str, row: str, peak: float, error: float) -> str:
    """Return the text of the README with the peak [K] in the row of a package or of a variant renewed.

    The peak is in the third column of a package, and in the second of a variant.
    """
    before = r"[^|]*\|" if row.startswith("`") else ""
    pattern = rf"^(\| {re.escape(row)} \|{before})[^|]*\|"
    return re.sub(pattern, rf"\g<1> {peak_text(peak, error)} |", text, flags=re.MULTILINE)


def peak_text(peak: float, error: float) -> str:
    """Return a peak [K] and its estimated error [K] as they stand in the README."""
    return f"{peak - ZERO_CELSIUS:.1f} degC +- {error:.1g} K"


if __name__ == "__main__":
    sys.exit(main())
