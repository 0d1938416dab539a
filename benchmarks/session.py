"""Cases a second of a session, against a new reading, meshing and strict solution of each case.

    python benchmarks/session.py [--cases 12] [--tolerance 0.2] [--json FILE] [--page] [--quick]

Each kind of change is repeated with random values. A case sets the values, solves to the tolerance and reads
the maximum of every part with power. The reference reads the description with the same values, builds the
grid and solves with a residual of 1e-8, without error estimate. Processor time of one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import thermostack as ts

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/development/session_benchmark.md"
Change = Callable[[np.random.Generator], dict[str, Any]]


def near(rng: np.random.Generator, value: float, unit: str, spread: float = 0.1) -> str:
    """Return a quantity within a relative distance of a value."""
    return f"{value * (1.0 + spread * rng.uniform(-1.0, 1.0)):.6g} {unit}"


PACKAGES: dict[str, tuple[float | None, dict[str, Change]]] = {
    "fcbga": (
        None,
        {
            "power": lambda rng: {"stacks.die.active.power": near(rng, 10.0, "W")},
            "coefficient": lambda rng: {"cooling.top.h": near(rng, 10.0, "W/(m2 K)")},
            "ambient": lambda rng: {"cooling.top.ambient": near(rng, 300.0, "K", 0.02)},
            "material": lambda rng: {"stacks.die.tim.interface": {"top": near(rng, 1.0, "mm2 K/W", 0.2)}},
            "thickness": lambda rng: {"stacks.substrate.laminate.thickness": near(rng, 1.1, "mm")},
            "position": lambda rng: {
                "stacks.die.center": [near(rng, 17.5, "mm", 0.01), near(rng, 17.5, "mm", 0.01)]
            },
        },
    ),
    "cowos_s_h100": (
        0.9e-3,
        {
            "power": lambda rng: {"stacks.gpu.active.power": near(rng, 560.0, "W")},
            "coefficient": lambda rng: {"cooling.top.h": near(rng, 25.0, "kW/(m2 K)")},
            "ambient": lambda rng: {"cooling.top.coolant": near(rng, 313.0, "K", 0.02)},
            "material": lambda rng: {"stacks.tim.sheet.interface": {"top": near(rng, 1.0, "mm2 K/W", 0.2)}},
            "thickness": lambda rng: {"stacks.tim.sheet.thickness": near(rng, 30.0, "um")},
            "position": lambda rng: {
                "stacks.hbm.west_1.at": [near(rng, 0.45, "mm", 0.1), near(rng, 13.5, "mm", 0.01)]
            },
        },
    ),
}


def peaks(result: ts.SteadyResult, names: list[str]) -> np.ndarray:
    """Return the maxima of some parts [K]."""
    return np.array([result.of(name).max for name in names])


def measure(name: str, cell: float | None, change: Change, cases: int, tolerance: float) -> dict[str, float]:
    """Return median processor times of a case in a session and of a new solution [s], and the errors [K]."""
    rng = np.random.default_rng(1)
    session = ts.Session(name, cell=cell, threads=1)
    parts = session.solve(tolerance).parts
    names = [part.name for part in parts if part.power > 0.0 and not part.is_block]
    mine, new, errors = [], [], []
    for _ in range(cases):
        values = change(rng)
        start = time.process_time()
        session.set(values)
        found = peaks(session.solve(tolerance), names)
        mine.append(time.process_time() - start)
        start = time.process_time()
        model = ts.discretize(ts.read_package(name, values), cell)
        strict = peaks(ts.solve_steady(model, estimate=False, threads=1), names)
        new.append(time.process_time() - start)
        errors.append(float(np.abs(found - strict).max()))
    return {
        "session_ms": 1e3 * float(np.median(mine)),
        "new_ms": 1e3 * float(np.median(new)),
        "cases_per_second": 1.0 / float(np.median(mine)),
        "ratio": float(np.median(new) / np.median(mine)),
        "max_error": max(errors),
    }


def table(found: dict[str, dict[str, float]]) -> str:
    """Return the results as a table in Markdown."""
    rows = ["| package, change | session, ms | new, ms | ratio | cases a second | largest difference, K |"]
    rows.append("|---|---|---|---|---|---|")
    for case, value in found.items():
        rows.append(
            f"| {case} | {value['session_ms']:.1f} | {value['new_ms']:.0f} | {value['ratio']:.1f} "
            f"| {value['cases_per_second']:.0f} | {value['max_error']:.3f} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Measure all kinds of change, and print the claim with the values."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--tolerance", type=float, default=0.2, help="K")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for name, (cell, changes) in list(PACKAGES.items())[: 1 if options.quick else None]:
        for kind, change in changes.items():
            cases = 2 if options.quick else options.cases
            found[f"{name}, {kind}"] = measure(name, cell, change, cases, options.tolerance)
            print(f"{name}, {kind}: {found[f'{name}, {kind}']}", flush=True)
    print(f"claim: every difference is below the tolerance of {options.tolerance:g} K")
    print(table(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.page:
        head = PAGE.read_text().split("| package, change")[0]
        PAGE.write_text(head + table(found) + "\n")


if __name__ == "__main__":
    main()
