"""Number of threads of a solver, also in a process that was forked from one with running threads.

OpenMP keeps its threads for the next loop. A forked process has none of them, and a loop that expects them
would wait forever. Solvers of such a process have one thread; their solutions are the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from thermostack.errors import ThermostackError

MIN_CELLS_PER_THREAD = 100_000  # unless threads are given; one thread solves as many in 20 ms

_owner: list[int] = []  # process that started threads first; a forked process inherits the number


def choose_threads(threads: int | None, cells: int) -> int:
    """Return the number of threads of a solver for some cells; by default that of the processors.

    It is one in a process that was forked after threads had started.
    """
    chosen = threads or min(_processors(), max(1, cells // MIN_CELLS_PER_THREAD))
    if chosen == 1:
        return 1
    if not _owner:
        _owner.append(os.getpid())
    return chosen if _owner[0] == os.getpid() else 1


def require_same_process(threads: int, process: int) -> None:
    """Raise ThermostackError if threads belong to another process than this one."""
    if threads > 1 and process != os.getpid():
        text = f"a solver with {threads} threads was prepared before this process was forked"
        hint = 'prepare it in this process, give threads=1, or start processes with the method "spawn"'
        raise ThermostackError(f"{text}; {hint}")


def _processors() -> int:
    """Return the processors this process may use, at most OMP_NUM_THREADS."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    available = len(affinity(0)) if affinity else os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return max(1, min(available, int(limit))) if limit.isdigit() else available
