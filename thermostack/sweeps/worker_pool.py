"""Pool of worker processes of a sweep: chunks of cases, memory of large cases, and replaced workers."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path

from thermostack.errors import ThermostackError
from thermostack.mesh.memory_estimate import MAX_MEMORY_FRACTION, available_memory
from thermostack.sweeps.case_rows import Row, failed_row
from thermostack.sweeps.case_solver import SweepTask
from thermostack.sweeps.messages import Chunk, Finished, MemoryAnswer, MemoryRequest, Ready
from thermostack.sweeps.study import Case

MAX_ATTEMPTS = 2  # of a case whose worker died
MAX_FAILED_STARTS = 3  # of workers, one after another
CHUNK_SECONDS = 2.0  # duration of a chunk that is aimed at
MAX_CHUNK_CASES = 64
POLL_SECONDS = 1.0
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SITE_DIRECTORIES = ("site-packages", "dist-packages")  # where a new interpreter finds packages itself

Write = Callable[[Row], None]


class _Worker:
    """A worker process with its connection, the cases that it has, and the memory that it may use."""

    def __init__(self, task: SweepTask, share: int) -> None:
        own, other = socket.socketpair()
        environment = {**os.environ, **ONE_THREAD}
        root = Path(__file__).parents[2]  # from which this package is imported
        if root.name not in SITE_DIRECTORIES:
            paths = [str(root), *filter(None, [environment.get("PYTHONPATH")])]
            environment["PYTHONPATH"] = os.pathsep.join(paths)
        command = [sys.executable, "-m", "thermostack.sweeps.worker", str(other.fileno())]
        with other:
            self.process = subprocess.Popen(
                command, pass_fds=[other.fileno()], env=environment, stdin=subprocess.DEVNULL
            )
        self.connection = Connection(own.detach())
        self.cases: deque[Case] = deque()
        self.is_started = self.is_idle = False
        self.memory = 0  # bytes of a large case
        self.request = 0  # bytes for which it waits
        self.send((task, share))

    def send(self, message: object) -> None:
        """Send a message; that to a dead worker is lost, and its death is found by the next receive."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(message)

    def assign(self, cases: list[Case]) -> None:
        """Send a chunk of cases."""
        self.cases.extend(cases)
        self.is_idle = False
        self.send(Chunk(tuple(cases)))

    def stop(self) -> None:
        """End the process and close the connection."""
        self.connection.close()
        self.process.kill()
        self.process.wait()


class WorkerPool:
    """Worker processes that solve the cases of a sweep."""

    def __init__(self, task: SweepTask, workers: int, cases: Iterable[Case], count: int) -> None:
        self.task, self.size = task, workers
        self.pending: Iterator[Case] = iter(cases)
        self.remaining = count  # cases that have not ended
        self.again: deque[Case] = deque()  # cases whose worker died
        self.attempts: dict[int, int] = {}  # by the number of a case whose worker died
        self.budget = int(MAX_MEMORY_FRACTION * available_memory())  # bytes for all cases
        self.share = self.budget // workers  # bytes that a worker may use without asking
        self.workers: list[_Worker] = []
        self.failed_starts = 0
        self.seconds, self.solved = 0.0, 0  # of the solved cases

    def run(self, write: Write) -> None:
        """Solve all cases; `write` is called with the row of each when it ends.

        Raises ThermostackError if workers cannot start.
        """
        try:
            while self.remaining:
                self._start_workers()
                self._assign_chunks()
                self._answer_requests()
                by_connection = {worker.connection: worker for worker in self.workers}
                for connection in wait([*by_connection], POLL_SECONDS):
                    self._receive(by_connection[connection], write)  # type: ignore[index]
        finally:
            for worker in self.workers:
                worker.stop()
            self.workers.clear()

    def _start_workers(self) -> None:
        """Start workers for the cases that no worker has."""
        unassigned = self.remaining - sum(len(worker.cases) for worker in self.workers)
        idle = sum(worker.is_idle or not worker.is_started for worker in self.workers)
        while len(self.workers) < self.size and unassigned > idle:
            self.workers.append(_Worker(self.task, self.share))
            idle += 1

    def _assign_chunks(self) -> None:
        """Give chunks to idle workers that have room beside large cases, and none while such a case waits."""
        if any(worker.request for worker in self.workers):
            return
        for worker in self.workers:
            has_room = self._used_memory() + self.share <= self.budget
            if worker.is_idle and has_room and (cases := self._next_chunk()):
                worker.assign(cases)

    def _used_memory(self) -> int:
        """Return the memory that the running cases may use [bytes]."""
        running = (worker for worker in self.workers if worker.cases and not worker.request)
        return sum(max(worker.memory, self.share) for worker in running)

    def _next_chunk(self) -> list[Case]:
        """Return the next cases: one whose worker died alone, otherwise neighbours."""
        if self.again:
            return [self.again.popleft()]
        size = 1
        if self.solved:
            fair = self.remaining // (2 * self.size)  # so that the last chunks end together
            mean = max(self.seconds / self.solved, 1e-6)
            size = max(1, min(MAX_CHUNK_CASES, fair, int(CHUNK_SECONDS / mean)))
        return list(islice(self.pending, size))

    def _answer_requests(self) -> None:
        """Grant memory to large cases that fit beside the others; refuse one that does not fit alone."""
        for worker in self.workers:
            if not worker.request:
                continue
            used = self._used_memory()  # of others
            is_granted = worker.request + used <= self.budget
            if is_granted or not used:
                worker.memory = worker.request if is_granted else 0
                worker.request = 0
                worker.send(MemoryAnswer(is_granted, self.budget))

    def _receive(self, worker: _Worker, write: Write) -> None:
        """Handle one message of a worker, or its death."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker, write)
            return
        if isinstance(message, Ready):
            worker.is_started = worker.is_idle = True
            self.failed_starts = 0
        elif isinstance(message, MemoryRequest):
            worker.request = message.memory
        elif isinstance(message, Finished):
            case = worker.cases.popleft()
            assert message.row[0] == case.number
            worker.memory = 0
            self.solved += 1
            seconds = message.row[-4]
            self.seconds += seconds if isinstance(seconds, float) else 0.0
            self._end(message.row, write)

    def _end(self, row: Row, write: Write) -> None:
        self.remaining -= 1
        write(row)

    def _bury(self, worker: _Worker, write: Write) -> None:
        """Remove a worker that died; the case that it was solving is tried again once."""
        self.workers.remove(worker)
        worker.stop()
        code = worker.process.returncode
        reason = _signal_name(-code) if code < 0 else f"exit code {code}"
        if not worker.is_started:
            self.failed_starts += 1
            if self.failed_starts >= MAX_FAILED_STARTS:
                raise ThermostackError(f"the workers of the sweep do not start: {reason}")
        if not worker.cases:
            return
        case = worker.cases.popleft()
        self.again.extend(worker.cases)
        self.attempts[case.number] = self.attempts.get(case.number, 0) + 1
        if self.attempts[case.number] < MAX_ATTEMPTS:
            self.again.appendleft(case)
            return
        text = f"the worker process ended {MAX_ATTEMPTS} times in this case, by {reason}"
        self._end(failed_row(self.task.study, self.task.key, case, text), write)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
