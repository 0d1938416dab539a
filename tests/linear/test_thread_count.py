"""Threads of solvers in forked processes: no solve waits for threads of another process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from thermostack.linear import thread_count
from thermostack.linear.thread_count import choose_threads

PROGRAM = """
import os, sys
import thermostack as ts

def solve(threads):
    return ts.solve_steady(model, threads=threads, estimate=False).field.tobytes()

model = ts.discretize(ts.read_package("hbm3_8h"), "1 mm")
simulation = ts.Simulation(model, initial="outside", threads=3)
simulation.step("1 ms")
expected = solve(3)
for threads in (1, 3, None):
    child = os.fork()
    if child == 0:
        os._exit(0 if solve(threads) == expected else 3)
    print("solve", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
child = os.fork()
if child == 0:
    try:
        simulation.step("1 ms")
    except ts.ThermostackError as error:
        print(error, flush=True)
        os._exit(0)
print("step", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), solve(3) == expected)
"""


@pytest.mark.timeout(120)
def test_forked_process_solves_or_explains() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    *solves, error, last = done.stdout.splitlines()
    assert solves == ["solve 0"] * 3
    assert error.startswith(
        "a solver with 3 threads was prepared before this process was forked; prepare it in"
    )
    assert last == "step 0 True"


def test_threads_are_limited_in_a_forked_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_count, "_owner", [])
    assert choose_threads(1, 10**6) == 1
    assert choose_threads(4, 10) == 4
    assert choose_threads(None, 10) == 1
    monkeypatch.setattr(thread_count, "_owner", [os.getpid() + 1])
    assert choose_threads(4, 10**6) == 1
    assert choose_threads(None, 10**9) == 1
