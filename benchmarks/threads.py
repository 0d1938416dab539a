"""Speed of two threads relative to one, to the memory bandwidth, and to two independent processes.

    python benchmarks/threads.py [--cells 1.84 6.9] [--threads 2] [--repeat 15] [--quick] [--json FILE]

Claim: on an idle machine two threads set up and solve the standard problem 1.65 times as fast as one, at
1.84 and 6.9 million cells. Runs with one and with two threads alternate. `total` and `solve` are ratios of
the minimum times, `median` is the median of the ratios of consecutive runs. Each solver is freed after the
next one is built, so that all but the first use memory the process has already: allocating and clearing new
pages is time of the operating system. `bandwidth` is the ratio of the minimum times to read as many bytes
as a solver holds. `separate_processes` is the median number of solutions of two processes of one thread,
each with its own problem, in the time of one solution of a single process.

`--busy 1` also compares the two beside one process that never waits. Claim: beside it two threads take at
most 1.2 times as long as one, by the median of the ratios of consecutive runs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, MutableSequence
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median

import numpy as np
from standard_problem import CELL_SIZES, StandardProblem, seconds_of, standard_problem, with_model_precision

from thermostack.linear import Solver, prepare
from thermostack.linear.multigrid import vector_norms
from thermostack.units import mm

MIN_SPEEDUP = 1.65
MAX_SLOWDOWN_WHEN_BUSY = 1.2
CLAIMED_SIZES = (1.84, 6.9)  # million cells
BYTES_PER_CELL = 67  # of the solver with its fields
QUICK_CELL = 2 * mm


class Worker:
    """Set-up and solution of one problem, repeatedly."""

    def __init__(self, problem: StandardProblem) -> None:
        self.problem = problem
        self.solver: Solver | None = None

    def seconds(self, threads: int) -> tuple[float, float]:
        """Return the times of set-up and of solution [s]."""
        problem = self.problem
        start = time.perf_counter()
        self.solver = prepare(problem.conduction, widths=problem.widths, threads=threads)
        ready = time.perf_counter()
        self.solver.solve(problem.rhs)
        return ready - start, time.perf_counter() - ready


def in_turns(repeat: int, threads: int, timed: Callable[[int], tuple[float, ...]]) -> np.ndarray:
    """Return times with one thread and with several, in turns: (repeat, 2, times) [s]."""
    seconds = np.array(
        [[timed(1), timed(threads)] if n % 2 else [timed(threads), timed(1)] for n in range(repeat + 1)]
    )
    seconds[::2] = seconds[::2, ::-1]
    return seconds[1:]  # the first turn warms up


def bandwidth(problem: StandardProblem, threads: int, repeat: int) -> float:
    """Return the speedup of several threads in reading as many bytes as a solver holds."""
    planes = -(-BYTES_PER_CELL * problem.rhs.size // (8 * problem.rhs[0].size))
    array = np.ones((planes, *problem.rhs.shape[1:]))
    one, several = in_turns(
        repeat, threads, lambda count: (seconds_of(lambda: vector_norms(array, count)),)
    ).min(axis=0)
    return float(one[0] / several[0])


def compare(problem: StandardProblem, threads: int, repeat: int) -> dict[str, float]:
    """Return the speedups of several threads over one."""
    seconds = in_turns(repeat, threads, Worker(problem).seconds)
    total = seconds.sum(axis=2)
    fastest, ratios = total.min(axis=0), total[:, 0] / total[:, 1]
    return {
        "total": fastest[0] / fastest[1],
        "solve": float(np.divide(*seconds[:, :, 1].min(axis=0))),
        "median": float(np.median(ratios)),
        "min": ratios.min(),
        "max": ratios.max(),
    }


def work(cell: float, repeat: int, number: int, start: Barrier, seconds: MutableSequence[float]) -> None:
    """Set up and solve with one thread; in every other turn only the first process works."""
    worker = Worker(with_model_precision(standard_problem(cell)))
    for turn in range(2 * repeat + 2):
        start.wait()
        is_working = turn % 2 == 1 or number == 0
        seconds.append(sum(worker.seconds(1)) if is_working else 0.0)


def separate_processes(cell: float, processes: int, repeat: int) -> float:
    """Return the median number of solutions of several processes in the time of one of a single process."""
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


def spin() -> None:
    """Compute without end."""
    while True:
        pass


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run processes that never wait."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=spin, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=float, nargs="+", default=CLAIMED_SIZES, choices=sorted(CELL_SIZES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--busy", type=int, default=0, help="processes that never wait beside the solver")
    parser.add_argument("--quick", action="store_true", help="few cells, to test that it runs")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = []
    for million in [0.0] if options.quick else options.cells:
        cell, repeat = (QUICK_CELL, 1) if options.quick else (CELL_SIZES[million], options.repeat)
        problem = with_model_precision(standard_problem(cell))
        found = {"cells": problem.rhs.size, "threads": options.threads}
        found |= compare(problem, options.threads, repeat)
        if options.busy:
            with busy_processes(options.busy):
                found["slowdown_when_busy"] = 1.0 / compare(problem, options.threads, repeat)["median"]
        found["bandwidth"] = bandwidth(problem, options.threads, repeat)
        del problem
        found["separate_processes"] = separate_processes(cell, options.threads, repeat)
        results.append(found)
        print("  ".join(f"{name} {value:.3g}" for name, value in found.items()))
        if million in CLAIMED_SIZES and options.threads == 2:
            verdict = "held" if found["total"] >= MIN_SPEEDUP else "MISSED"
            print(
                f"claim: two threads {MIN_SPEEDUP:g} times as fast; measured {found['total']:.2f}: {verdict}"
            )
            if options.busy:
                slowdown = found["slowdown_when_busy"]
                verdict = "held" if slowdown <= MAX_SLOWDOWN_WHEN_BUSY else "MISSED"
                print(
                    f"claim: beside {options.busy} busy processes two threads take at most "
                    f"{MAX_SLOWDOWN_WHEN_BUSY:g} times as long as one; measured {slowdown:.2f}: {verdict}"
                )
    if options.quick:
        print("claim: not judged on so few cells")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
