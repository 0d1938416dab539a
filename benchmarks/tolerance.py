"""Cells and errors of grids that are refined to a tolerance, beside uniform grids of the same true error.

    python benchmarks/tolerance.py [--parts exact uniform shipped] [--packages NAME ...]
        [--package-tolerance K] [--json FILE]

`exact` compares estimate and truth on the exact cases of tests/exact. `uniform` compares the cells that a
tolerance of 0.1 K takes with those of uniform grids, whose cells have one width in plan and a height of one
or a quarter of it (thinner layers have one cell), or the heights of the default rule. The largest errors of
the peaks with power on three uniform grids give an order, and this order the cells for the true error of the
refined grid. `shipped` compares estimate and truth on shipped packages.
References of packages are extrapolated from a grid that is refined to a quarter of the tolerance, or as far
as the memory limit permits. An existing JSON file is updated.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thermostack import Package, PartTemperature, SteadyResult, discretize, read_package, solve_steady
from thermostack.refinement.indicators import bounded_parts

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT / "tests"))

from exact.cases import block_cases, largest_rise, reference_values  # noqa: E402
from support.exact_packages import package_of_case  # noqa: E402

TOLERANCES = (1.0, 0.1)  # K
SMALL_RISE = 50.0  # K: cases with a smaller rise have tolerances in proportion
TOLERANCE = 0.1  # K, of packages
REFERENCE_FACTOR = 0.25  # of the tolerance; the extrapolated values are several times more accurate
REFERENCE_MEMORY = "250 MB"
UNIFORM_PACKAGES = ("cowos_s_h100", "v_cache", "gaa2_fspdn", "gaa2_bspdn")
HEIGHTS = {"width": 1.0, "width/4": 0.25, "default rule": None}  # of uniform cells, in widths
UNIFORM_CELLS = (5e4, 2e5, 8e5)
MAX_TRIALS = 30  # of a width: planes at faces are fixed, so that the cells do not follow from it
MIN_ORDER, SECOND_ORDER = 1e-3, 1.5  # of the error in the number of cells; of the cells in the error
CLAIMS = {"ratio": 5.0, "inside": 0.95}


def bounded(steady: SteadyResult) -> list[PartTemperature]:
    """Return the parts and blocks whose peaks a tolerance bounds."""
    return [steady.parts[n] for n in bounded_parts(steady.parts)]


def exact_rows(names: Sequence[str], tolerances: Sequence[float]) -> list[dict[str, Any]]:
    """Return cells, estimate and true error of each exact case and tolerance."""
    rows = []
    for case in block_cases():
        if names and case.name not in names:
            continue
        for tolerance in tolerances:
            bound = tolerance * min(1.0, largest_rise(case) / SMALL_RISE)
            steady = solve_steady(package_of_case(case), tolerance=bound, threads=1)
            exact = reference_values(case)
            errors = [abs(part.max - exact[part.name.split(".")[-1]].peak) for part in bounded(steady)]
            rows.append(
                {
                    "case": case.name,
                    "tolerance_K": bound,
                    "outcome": steady.refinement.outcome if steady.refinement else "",
                    "passes": len(steady.refinement.passes) if steady.refinement else 0,
                    "cells": steady.model.grid.cells,
                    "estimate_K": max(part.error or 0.0 for part in bounded(steady)),
                    "error_K": max(errors),
                    "covered": float(
                        np.mean(
                            [
                                error <= (part.error or 0.0)
                                for error, part in zip(errors, bounded(steady), strict=True)
                            ]
                        )
                    ),
                }
            )
            print("  " + "  ".join(f"{key} {_shown(value)}" for key, value in rows[-1].items()), flush=True)
    return rows


def references(package: Package, options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the extrapolated peaks of the parts [K], and the cells and the estimate of their grid."""
    bound, memory = max(options.reference_factor * options.package_tolerance, 1e-3), options.reference_memory
    fine = solve_steady(package, tolerance=bound, max_memory=memory, max_time="1 h", threads=1)
    peaks = {part.name: part.max if part.extrapolated is None else part.extrapolated for part in fine.parts}
    assert fine.refinement is not None
    return peaks, {"reference_cells": fine.model.grid.cells, "reference_estimate_K": fine.refinement.error}


def errors_of(steady: SteadyResult, peaks: dict[str, float]) -> list[float]:
    """Return the true errors of the bounded peaks [K]."""
    return [abs(part.max - peaks[part.name]) for part in bounded(steady)]


def package_row(name: str, options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, float]]:
    """Return cells, estimate and true error of a shipped package, and its reference peaks [K]."""
    package = read_package(name)
    peaks, of_reference = references(package, options)
    steady = solve_steady(package, tolerance=options.package_tolerance, threads=1)
    errors = errors_of(steady, peaks)
    assert steady.refinement is not None
    return {
        "package": name,
        "tolerance_K": options.package_tolerance,
        "outcome": steady.refinement.outcome,
        "passes": len(steady.refinement.passes),
        "cells": steady.model.grid.cells,
        "estimate_K": steady.refinement.error,
        "error_K": max(errors),
        "parts": len(errors),
        "covered": float(
            np.mean(
                [error <= (part.error or 0.0) for error, part in zip(errors, bounded(steady), strict=True)]
            )
        ),
        **of_reference,
    }, peaks


def uniform_cells(
    package: Package, height: float | None, peaks: dict[str, float], cells: Sequence[float]
) -> Any:
    """Return cells and largest true errors [K] of uniform grids, whose cells have this height in widths."""
    found = []
    width = 2e-3
    for wanted in cells:
        for _ in range(MAX_TRIALS):
            sizes = (width, width) if height is None else (width, width, height * width)
            model = discretize(package, cell=sizes)
            ratio = model.grid.cells / wanted
            if 0.8 < ratio < 1.25:
                break
            width *= ratio ** (0.5 if height is None else 1.0 / 3.0)
        steady = solve_steady(model, estimate=False, threads=1)
        found.append((model.grid.cells, width, max(errors_of(steady, peaks))))
        print(f"    uniform, height {height}: {found[-1]}", flush=True)
    return found


def cells_for_error(found: Sequence[Sequence[float]], error: float) -> dict[str, float]:
    """Return the cells of a uniform grid of a true error [K], from cells and errors of three grids.

    The order is the larger one of a line through all grids and of the last two. With the order 2/3 in the
    number of cells, that of second order in the size, fewer cells would do than with any lower one.
    """
    count, errors = (np.log([each[n] for each in found]) for n in (0, 2))
    fitted, _ = np.polyfit(count, errors, 1)
    last = (errors[-1] - errors[-2]) / (count[-1] - count[-2])
    order = max(-float(fitted), -float(last), MIN_ORDER)
    factor = float(errors[-1] - np.log(error))
    return {
        "order_in_cells": order,
        "cells_for_error": float(np.exp(count[-1] + factor / order)),
        "cells_at_second_order": float(np.exp(count[-1] + factor * SECOND_ORDER)),
    }


def with_ratios(row: dict[str, Any], grids: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the best uniform grid of its true error, and the ratios of the cells."""
    uniform = {
        label: {"grids": found, **cells_for_error(found, row["error_K"])} for label, found in grids.items()
    }
    needed = min(each["cells_for_error"] for each in uniform.values())
    bound = min(each["cells_at_second_order"] for each in uniform.values())
    return row | {
        "uniform": uniform,
        "uniform_cells": needed,
        "ratio": needed / row["cells"],
        "ratio_at_second_order": bound / row["cells"],
        "is_extrapolated": bool(needed > max(found[-1][0] for found in grids.values())),
    }


def compare_uniform(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the cells of the refined grid of a package, and of the best uniform grid of its true error."""
    row, peaks = package_row(name, options)
    package = read_package(name)
    grids = {
        label: uniform_cells(package, height, peaks, options.uniform_cells)
        for label, height in HEIGHTS.items()
    }
    result = with_ratios(row, grids)
    print("  " + "  ".join(f"{key} {_shown(result[key])}" for key in result if key != "uniform"), flush=True)
    return result


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--parts", nargs="+", default=["exact", "uniform"], choices=["exact", "uniform", "shipped"]
    )
    parser.add_argument("--packages", nargs="*", default=[], help="of exact cases and shipped packages")
    parser.add_argument(
        "--tolerances", type=float, nargs="+", default=list(TOLERANCES), help="K, exact cases"
    )
    parser.add_argument("--package-tolerance", type=float, default=TOLERANCE, help="K, shipped packages")
    parser.add_argument("--uniform-cells", type=float, nargs="+", default=list(UNIFORM_CELLS))
    parser.add_argument("--reference-factor", type=float, default=REFERENCE_FACTOR)
    parser.add_argument("--reference-memory", default=REFERENCE_MEMORY)
    parser.add_argument("--json", type=Path, help="also write or update this file")
    options = parser.parse_args()
    stored: dict[str, Any] = {}
    if options.json and options.json.exists():
        stored = json.loads(options.json.read_text(encoding="utf-8"))

    def store(part: str, key: str, rows: Sequence[dict[str, Any]]) -> None:
        new = {row[key] if "tolerance_K" not in row else (row[key], row["tolerance_K"]) for row in rows}
        kept = [
            row
            for row in stored.get(part, [])
            if (row[key] if "tolerance_K" not in row else (row[key], row["tolerance_K"])) not in new
        ]
        stored[part] = [*kept, *rows]
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")

    if "exact" in options.parts:
        print("exact cases: estimate and true error of the worst peak")
        store("exact", "case", exact_rows(options.packages, options.tolerances))
    if "uniform" in options.parts:
        print(f"cells for {options.package_tolerance:g} K, and uniform cells for the same true error")
        for name in options.packages or UNIFORM_PACKAGES:
            store("uniform", "package", [compare_uniform(name, options)])
    if "shipped" in options.parts:
        print(f"shipped packages at {options.package_tolerance:g} K")
        for name in options.packages:
            row, _ = package_row(name, options)
            print("  " + "  ".join(f"{key} {_shown(value)}" for key, value in row.items()), flush=True)
            store("shipped", "package", [row])
    print(f"claim: at least {CLAIMS['ratio']:g} times fewer cells; truth inside in {CLAIMS['inside']:.0%}")


if __name__ == "__main__":
    main()
