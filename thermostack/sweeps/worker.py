"""Worker process of a sweep: solves the cases that it receives, and sends a row after each.

The sweep starts it as `python -m thermostack.sweeps.worker FILE_DESCRIPTOR`. It is a new interpreter, so that
scripts need no `if __name__ == "__main__"`, and no thread of the sweep is copied.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from thermostack.errors import ResourceError
from thermostack.sweeps.case_rows import Row, solve_case
from thermostack.sweeps.case_solver import CaseSolver, SweepTask
from thermostack.sweeps.messages import Chunk, Finished, MemoryAnswer, MemoryRequest, Ready
from thermostack.sweeps.study import Case

PARENT_CHECK_INTERVAL = 0.5  # s between two checks that the process of the sweep still exists

_solvers = threading.local()


def solve_chunk(task: SweepTask, cases: Sequence[Case]) -> list[Row]:
    """Return the rows of some cases. Executors of other libraries call it in their processes or threads.

    The solver of the last study is kept for the next call in the same thread.
    """
    solver = getattr(_solvers, "solver", None)
    if solver is None or _solvers.key != (task.key, task.directory):
        solver = CaseSolver(task.study, Path(task.directory))
        _solvers.solver, _solvers.key = solver, (task.key, task.directory)
    return [solve_case(solver, task, case) for case in cases]


def main(descriptor: int) -> None:
    """Solve chunks until the connection is closed."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # of the whole terminal; the sweep ends its workers itself
    parent = os.getppid()
    threading.Thread(target=_exit_without_parent, args=(parent,), daemon=True).start()
    connection = Connection(descriptor)
    try:
        task, share = connection.recv()
        solver = CaseSolver(task.study, Path(task.directory), max_memory=share)

        def admit(memory: int) -> None:
            """Wait until a large solve may start. Raises ResourceError if it never can."""
            if memory <= share:
                return
            connection.send(MemoryRequest(memory))
            answer: MemoryAnswer = connection.recv()
            if not answer.is_granted:
                text = f"needs about {memory / 1e9:.3g} GB; {answer.budget / 1e9:.3g} GB are available"
                raise ResourceError(f"{text}. Use larger cells.")

        connection.send(Ready())
        while True:
            chunk: Chunk = connection.recv()
            for case in chunk.cases:
                connection.send(Finished(solve_case(solver, task, case, admit)))
            connection.send(Ready())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _exit_without_parent(parent: int) -> None:
    """End this process when the process of the sweep has ended, also in the middle of a solve."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_INTERVAL)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
