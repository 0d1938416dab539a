"""Solve the shipped packages as `thermostack solve` does: peaks, errors, balances, cells, seconds.

With --write the results are stored in meshes/peaks.json, which `thermostack packages` reads, and the
table in meshes/README.md is renewed. With --write or --summaries, which solves nothing, the kinds, sizes
and powers are stored in meshes/summaries.json, with a digest of the descriptions.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from thermostack import SteadyResult, read_package, solve_steady
from thermostack.io.description.package_file import shipped_packages
from thermostack.io.description.package_summaries import write_summaries
from thermostack.report.package_summary import package_summary
from thermostack.units import ZERO_CELSIUS

MESHES = Path(__file__).parents[1] / "meshes"
MAX_SECONDS, MAX_ERROR = 10.0, 1.0  # aims: seconds and K for each package


def record(steady: SteadyResult) -> dict[str, Any]:
    """Return the numbers of a result that are stored."""
    peak = steady.peak
    limited = [(part.limit - part.max, part.limit) for part in steady.parts if part.limit is not None]
    margin, limit = min(limited, default=(None, None))
    powered = [part.error or 0.0 for part in steady.parts if part.power != 0.0]
    return {
        "cells": steady.model.grid.cells,
        "peak": round(peak.max, 3),
        "part": peak.name,
        "error": round(peak.error or 0.0, 3),
        "largest_error": round(max(powered), 3),
        "limit": limit,
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
    parser.add_argument("--write", action="store_true", help="renew meshes/peaks.json")
    parser.add_argument("--summaries", action="store_true", help="renew meshes/summaries.json alone")
    options = parser.parse_args()
    if options.write or options.summaries:
        write_summaries({name: package_summary(read_package(name)) for name in shipped_packages()}, MESHES)
    if options.summaries:
        return 0
    path = MESHES / "peaks.json"
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    head = "package", "peak degC", "error K", "largest K", "margin K", "cells", "balance", "s", "processor s"
    print("{:22} {:>10} {:>8} {:>9} {:>9} {:>9} {:>8} {:>6} {:>12}".format(*head))
    is_met = True
    for name in options.names or shipped_packages():
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
        if options.write:
            write(path, stored)
    print(f"aims of {MAX_SECONDS:g} s and {MAX_ERROR:g} K: {'met' if is_met else 'missed'}")
    return 0


def write(path: Path, stored: dict[str, Any]) -> None:
    """Write the results of the packages that exist, and renew the table of the README."""
    existing = shipped_packages()
    kept = {name: stored[name] for name in sorted(stored) if name in existing}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    readme = MESHES / "README.md"
    readme.write_text(with_peaks(readme.read_text(encoding="utf-8"), kept), encoding="utf-8")


def with_peaks(text: str, stored: dict[str, Any]) -> str:
    """Return the text of the README with the peaks of its table renewed."""
    for name, found in stored.items():
        peak = f"{found['peak'] - ZERO_CELSIUS:.1f} degC"
        text = re.sub(rf"^(\| `{name}` \|[^|]*\|)[^|]*\|", rf"\1 {peak} |", text, flags=re.MULTILINE)
    return text


if __name__ == "__main__":
    sys.exit(main())
