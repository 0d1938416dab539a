"""A thousand steps of a million cells, written to a file: memory held, over the run.

    python benchmarks/transient_memory.py [--package NAME] [--cells 1e6] [--steps 1000] [--tolerance 0.1]
                                          [--threads 1] [--quick] [--json FILE]

Claim: memory stays constant: half way and at the end it is that of the tenth step, within 3 %.

The GPU makes 560 W for 20 ms of every 100 ms and 100 W in between; the run goes on until it has made so many
steps, in `solve_transient` with a path, as a user runs it: parts measured at every step, states kept to go
on from. The memory is what the kernel calls resident; the most of it, and the spread of the steps from the
tenth on, are told beside it, as states are written in between.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from pipeline import cell_for, process_memory
from transient_stage import BURST, QUICK, REST, at_rest, bursts, drawn, shown

from thermostack import Model, discretize
from thermostack.transient.run import solve_transient

CLAIM = 0.03
SETTLED = 10  # steps, after which memory counts


class EnoughError(Exception):
    """So many steps were made."""


def measure(model: Model, options: Any, folder: Path) -> dict[str, Any]:
    """Return the figures of one run."""
    memory, path = [], folder / "run.vtkhdf"
    start = at_rest(model)
    before, begun, clock = process_memory("VmRSS"), time.process_time(), time.perf_counter()

    def progress(*_: float) -> None:
        memory.append(process_memory("VmRSS"))  # the first is that of the start
        if len(memory) > options.steps:
            raise EnoughError

    try:
        end = options.steps * (BURST + REST)  # beyond what so many steps reach
        solve_transient(
            model,
            end,
            bursts(),
            initial=start,
            tolerance=options.tolerance,
            threads=options.threads,
            progress=progress,
            path=path,
            checkpoint=options.checkpoint,
        )
    except EnoughError:
        pass
    seconds, elapsed = time.process_time() - begun, time.perf_counter() - clock
    steps = len(memory) - 1
    after = np.array(memory[min(SETTLED, steps) :], dtype=np.float64)
    cells = model.grid.cells
    return {
        "cells": cells,
        "steps": steps,
        "seconds_per_step": seconds / steps,
        "elapsed_s": elapsed,
        "model_bytes_per_cell": before / cells,
        **{f"at_step_{n}_bytes": memory[n] for n in (SETTLED, steps // 2, steps) if n <= steps},
        "most_bytes": process_memory("VmHWM"),
        "held_bytes_per_cell": memory[-1] / cells,
        "growth": float(max(after[after.size // 2], after[-1]) / after[0] - 1.0),
        "spread": float((after.max() - after.min()) / after[0]),
        "growth_bytes_per_step": float(np.polyfit(np.arange(after.size), after, 1)[0])
        if steps > SETTLED
        else 0.0,
        "file_bytes": sum(each.stat().st_size for each in folder.iterdir()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", default="cowos_s_h100")
    parser.add_argument("--cells", type=float, default=1e6)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--tolerance", type=float, default=0.1, help="K")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoint", type=float, default=60.0, help="s of the clock between two states")
    parser.add_argument("--quick", action="store_true", help="few cells: does it run?")
    parser.add_argument("--json", type=Path, help="where to save the figures too")
    options = parser.parse_args()
    if options.quick:
        options.cells, options.steps, options.checkpoint = QUICK, 20, 0.2
    geometry = drawn(options.package, is_constant=False)
    model = discretize(geometry, cell_for(geometry, options.cells))
    with tempfile.TemporaryDirectory() as folder:
        found = measure(model, options, Path(folder))
    for name, value in found.items():
        print(f"{name:>24}{shown(value):>16}")
    verdict = "held" if found["growth"] < CLAIM else f"MISSED, {found['growth']:.1%}"
    print(f"claim of constant memory, within {CLAIM:.0%} from step {SETTLED} on: {verdict}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
