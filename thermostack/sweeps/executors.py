"""Sweeps on executors of other libraries: any with `submit`, and clusters of Dask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any

from thermostack.errors import ThermostackError
from thermostack.schema.arguments import argument_error
from thermostack.sweeps.case_rows import Row, failed_row
from thermostack.sweeps.case_solver import SweepTask
from thermostack.sweeps.study import Case
from thermostack.sweeps.table import INSTALL_HINT
from thermostack.sweeps.worker import solve_chunk
from thermostack.sweeps.worker_pool import MAX_ATTEMPTS, Write

CHUNK_SECONDS = 1.0  # duration of a task that is aimed at; its rows are on the disk when it ends
MAX_CHUNK_CASES = 64
TASKS_PER_WORKER = 2  # that are submitted at the same time
DEFAULT_WORKERS = 8  # of an executor that does not tell its number


class ExecutorRun:
    """The cases of a sweep on an executor, of which few tasks are submitted at the same time."""

    def __init__(self, task: SweepTask, executor: Any, cases: Iterable[Case], workers: int | None) -> None:
        if not callable(getattr(executor, "submit", None)):
            text, hint = "has no method submit", "pass a concurrent.futures executor"
            raise argument_error("executor", f"an object of {type(executor).__name__} {text}", hint, "E-TYPE")
        self.task, self.executor = task, executor
        self.pending = iter(cases)
        self.again: list[Case] = []  # cases whose process ended, each of which is submitted alone
        self.attempts: dict[int, int] = {}
        count = workers or getattr(executor, "_max_workers", None) or DEFAULT_WORKERS
        self.max_tasks = TASKS_PER_WORKER * int(count)
        self.running: dict[Future[list[Row]], list[Case]] = {}
        self.seconds, self.solved = 0.0, 0

    def run(self, write: Write) -> None:
        """Solve all cases; `write` is called with the row of each when its task ends.

        Raises ThermostackError if the executor is broken.
        """
        try:
            while self._submit():
                done, _ = wait(self.running, return_when=FIRST_COMPLETED)
                for future in done:
                    self._collect(future, write)
        finally:
            for future in self.running:
                future.cancel()

    def _submit(self) -> bool:
        """Submit tasks up to the bound; return whether any is running."""
        while len(self.running) < self.max_tasks and (cases := self._next_chunk()):
            try:
                future = self.executor.submit(solve_chunk, self.task, cases)
            except BrokenExecutor as error:
                raise _broken(error) from None
            self.running[future] = cases
        return bool(self.running)

    def _next_chunk(self) -> list[Case]:
        if self.again:
            return [self.again.pop(0)]
        mean = max(self.seconds / self.solved, 1e-6) if self.solved else CHUNK_SECONDS
        return list(islice(self.pending, max(1, min(MAX_CHUNK_CASES, int(CHUNK_SECONDS / mean)))))

    def _collect(self, future: Future[list[Row]], write: Write) -> None:
        """Write the rows of a task, or submit its cases again."""
        cases = self.running.pop(future)
        try:
            rows = future.result()
        except BrokenExecutor as error:
            raise _broken(error) from None
        except Exception as error:
            self._retry(cases, error, write)
            return
        for row in rows:
            seconds = row[-4]
            self.seconds += seconds if isinstance(seconds, float) else 0.0
            self.solved += 1
            write(row)

    def _retry(self, cases: list[Case], error: Exception, write: Write) -> None:
        """Submit the cases of a task that was lost again, each alone; a case lost twice has failed."""
        for case in cases:
            self.attempts[case.number] = self.attempts.get(case.number, 0) + 1
            if self.attempts[case.number] < MAX_ATTEMPTS:
                self.again.append(case)
            else:
                text = f"the task was lost {MAX_ATTEMPTS} times: {type(error).__name__}: {error}"
                write(failed_row(self.task.study, self.task.key, case, text))


def _broken(error: Exception) -> ThermostackError:
    text = f"the executor is broken ({error}); run the sweep again with a new one: it resumes"
    return ThermostackError(text)


# -- Dask --------------------------------------------------------------------------------------------------


@contextmanager
def dask_executor(scheduler: Any) -> Iterator[tuple[Any, Callable[[], int]]]:
    """Yield the executor of a Dask client, or of the scheduler at an address, and its number of workers.

    Raises ThermostackError without dask, or if the scheduler cannot be reached.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ThermostackError(f"--scheduler needs dask: {INSTALL_HINT}") from None
    if isinstance(scheduler, str):
        try:
            client: Any = Client(scheduler, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise ThermostackError(f"the scheduler {scheduler} cannot be reached: {error}") from None
    try:
        yield client.get_executor(pure=False, retries=0), lambda: len(client.scheduler_info()["workers"])
    finally:
        if client is not scheduler:
            client.close()
