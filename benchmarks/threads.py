"""Two threads beside one, beside what they get of the memory, and beside two processes that share nothing.

    python benchmarks/threads.py [--cells 1.84 6.9] [--threads 2] [--repeat 15] [--quick] [--json FILE]

Claim: on a quiet machine two threads set up and solve the standard problem 1.65 times as fast as one, at
1.84 and 6.9 million cells. One and two have their turns by turns. `total` and `solve` are of the least
seconds of each, which is as quiet as the machine has been; `median` is that of the ratios of neighbours.
Each solver is let go when the next one has been made, so that all but the first find memory which the
process has already: to hand out and clear fresh pages takes the system's time, not the solver's.
`bandwidth` is how much faster the threads read as many bytes as a solver holds, least seconds again.
`apart` is how many solutions two processes of one thread make, each of a problem of its own, while one
alone makes one, by turns too, as a median.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, MutableSequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

import numpy as np
from standard_problem import CELL, StandardProblem, as_a_model_has_it, seconds_of, standard_problem

from thermostack.linear import Solver, prepare
from thermostack.linear.multigrid import vector_norms
from thermostack.units import mm

CLAIM = 1.65
CLAIMED = (1.84, 6.9)  # million cells
HELD = 67  # bytes a cell, of the solver with its fields
QUICK = 2 * mm


class Worker:
    """Sets up and solves one problem again and again."""

    def __init__(self, problem: StandardProblem) -> None:
        self.problem = problem
        self.solver: Solver | None = None

    def seconds(self, threads: int) -> tuple[float, float]:
        """Return the seconds of set-up and those of the solution."""
        problem = self.problem
        start = time.perf_counter()
        self.solver = prepare(problem.conduction, widths=problem.widths, threads=threads)
        ready = time.perf_counter()
        self.solver.solve(problem.heat)
        return ready - start, time.perf_counter() - ready


def in_turns(repeat: int, threads: int, timed: Callable[[int], tuple[float, ...]]) -> np.ndarray:
    """Return what is timed with one thread and with so many, by turns: (repeat, 2, figures), s."""
    seconds = np.array(
        [[timed(1), timed(threads)] if n % 2 else [timed(threads), timed(1)] for n in range(repeat + 1)]
    )
    seconds[::2] = seconds[::2, ::-1]
    return seconds[1:]  # the first turn warms up


def bandwidth(problem: StandardProblem, threads: int, repeat: int) -> float:
    """Return how many times faster so many threads read as many bytes as a solver holds."""
    planes = -(-HELD * problem.heat.size // (8 * problem.heat[0].size))
    held = np.ones((planes, *problem.heat.shape[1:]))
    one, more = in_turns(repeat, threads, lambda count: (seconds_of(lambda: vector_norms(held, count)),)).min(
        axis=0
    )
    return float(one[0] / more[0])


def compare(problem: StandardProblem, threads: int, repeat: int) -> dict[str, float]:
    """Return how many times faster so many threads are than one."""
    seconds = in_turns(repeat, threads, Worker(problem).seconds)
    total = seconds.sum(axis=2)
    least, ratios = total.min(axis=0), total[:, 0] / total[:, 1]
    return {
        "total": least[0] / least[1],
        "solve": float(np.divide(*seconds[:, :, 1].min(axis=0))),
        "median": float(np.median(ratios)),
        "lowest": ratios.min(),
        "highest": ratios.max(),
    }


def work(cell: float, repeat: int, number: int, start: Barrier, seconds: MutableSequence[float]) -> None:
    """Set up and solve with one thread, at every other turn only if this is the first process."""
    worker = Worker(as_a_model_has_it(standard_problem(cell)))
    for turn in range(2 * repeat + 2):
        start.wait()
        is_at_work = turn % 2 == 1 or number == 0
        seconds.append(sum(worker.seconds(1)) if is_at_work else 0.0)


def apart(cell: float, processes: int, repeat: int) -> float:
    """Return the median of how many solutions so many processes make while one alone makes one."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        seconds = [manager.list() for _ in range(processes)]
        start = context.Barrier(processes)
        workers = [
            context.Process(target=work, args=(cell, repeat, number, start, own))
            for number, own in enumerate(seconds)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        longest = [max(turn) for turn in zip(*(list(own) for own in seconds), strict=True)]
    # The first two turns warm up.
    return median(
        processes * alone / together for alone, together in zip(longest[2::2], longest[3::2], strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=float, nargs="+", default=CLAIMED, choices=sorted(CELL))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="few cells: does it run?")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = []
    for million in [0.0] if options.quick else options.cells:
        cell, repeat = (QUICK, 1) if options.quick else (CELL[million], options.repeat)
        problem = as_a_model_has_it(standard_problem(cell))
        found = {"cells": problem.heat.size, "threads": options.threads}
        found |= compare(problem, options.threads, repeat)
        found["bandwidth"] = bandwidth(problem, options.threads, repeat)
        del problem
        found["apart"] = apart(cell, options.threads, repeat)
        results.append(found)
        print("  ".join(f"{name} {value:.3g}" for name, value in found.items()))
        if million in CLAIMED and options.threads == 2:
            verdict = "held" if found["total"] >= CLAIM else "MISSED"
            print(f"claim: two threads {CLAIM:g} times as fast; measured {found['total']:.2f}: {verdict}")
    if options.quick:
        print("claim: not judged on so few cells")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
