"""Sweeps whose process or workers are killed: nothing is lost, nothing is solved twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command_line import reset_signals
from support.slab_study import H, peak, slab_study, write_study

import thermostack as ts
from thermostack.errors import OutputError
from thermostack.sweeps import worker_pool
from thermostack.sweeps.case_log import CaseLog, read_log
from thermostack.sweeps.case_rows import Row
from thermostack.sweeps.worker_pool import WorkerPool

CASES = 90
STUDY = """\
package: slab.yaml
axes:
  cooling.top.convection.h: {name: h, from: 1 kW/m2/K, to: 4 kW/m2/K, steps: 30}
  stacks.die.layers.body.power: {name: p, values: [5 W, 10 W, 20 W]}
outputs: {peak: max of die, rise: peak - 298.15}
analysis: {steady: {cell: 10 mm}}
"""
DIE = """
import os, signal, sys
from thermostack.sweeps import case_solver
solve = case_solver.CaseSolver.solve
def dying(self, overrides, admit=lambda memory: None):
    if overrides.get({path!r}) == {value!r} and not os.path.exists({flag!r}):
        {mark}
        os.kill(os.getpid(), signal.SIGKILL)
    return solve(self, overrides, admit)
case_solver.CaseSolver.solve = dying
"""


def rows_of(log: Path) -> list[Row]:
    return [*read_log(log)[1]]


def without_seconds(table: Path) -> list[list[str]]:
    """Return the cells of a table without the seconds, of which the message has none."""
    lines = [line.split(",") for line in table.read_text().splitlines()]
    column = lines[0].index("seconds [s]")
    return [line[:column] + line[column + 1 :] for line in lines]


def start_sweep(study: Path, output: Path, workers: int = 2) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "thermostack.cli", "sweep", str(study), "-o", str(output)]
    return subprocess.Popen(
        [*command, "--workers", str(workers)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=reset_signals,
    )


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.01)


def lines_of(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def children_of(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in text.split()]


def kill_after(process: subprocess.Popen[str], log: Path, lines: int) -> None:
    """Kill a sweep when its log has more than a number of lines; its workers end without it."""
    wait_for(lambda: lines_of(log) > lines or process.poll() is not None)
    workers = children_of(process.pid)
    process.kill()
    process.wait()
    wait_for(lambda: not any(Path(f"/proc/{each}").exists() for each in workers), 10.0)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    ts.sweep(write_study(folder, STUDY), folder / "out.csv", workers=2)
    return without_seconds(folder / "out.csv")


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_killed_sweep_resumes_to_the_same_table(
    tmp_path: Path, undisturbed: list[list[str]], seed: int
) -> None:
    study, output = write_study(tmp_path, STUDY), tmp_path / "out.csv"
    log, draw = tmp_path / "out.sweeplog", random.Random(seed)
    counts = [0]
    for _ in range(2):
        kill_after(start_sweep(study, output), log, counts[-1] + draw.randint(2, 12))
        counts.append(len(rows_of(log)))
        assert counts[-1] > counts[-2]
        assert not output.exists()
    progress: list[int] = []
    ts.sweep(study, output, workers=2, progress=lambda done, count, failed: progress.append(done))
    assert progress[0] == counts[-1]
    assert without_seconds(output) == undisturbed
    assert lines_of(log) == CASES + 1


def test_killed_workers_are_replaced(tmp_path: Path, undisturbed: list[list[str]]) -> None:
    study, output = write_study(tmp_path, STUDY), tmp_path / "out.csv"
    log = tmp_path / "out.sweeplog"
    process = start_sweep(study, output)
    for stop in (5, 15, 30):
        wait_for(lambda stop=stop: lines_of(log) > stop or process.poll() is not None)
        if process.poll() is None and (workers := children_of(process.pid)):
            os.kill(min(workers), signal.SIGKILL)  # the oldest, which repeats no case
    assert process.wait(60) == 0, process.stderr.read() if process.stderr else ""
    assert without_seconds(output) == undisturbed
    assert lines_of(log) == CASES + 1


def test_an_interrupted_sweep_ends_with_130_and_resumes(tmp_path: Path, undisturbed: list[list[str]]) -> None:
    study, output = write_study(tmp_path, STUDY), tmp_path / "out.csv"
    log = tmp_path / "out.sweeplog"
    process = start_sweep(study, output)
    wait_for(lambda: lines_of(log) > 5 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "to continue, repeat the command" in messages
    assert "Traceback" not in messages
    assert not output.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.sweeplog", "slab.yaml", "study.yaml"]
    ts.sweep(study, output, workers=1)
    assert without_seconds(output) == undisturbed


def sweep_with_deaths(folder: Path, monkeypatch: pytest.MonkeyPatch, *, deaths: int) -> ts.SweepResult:
    """Return a sweep of three cases, of which the second one kills its worker once or always."""
    flag = folder / "died"
    mark = f"open({str(flag)!r}, 'w').close()" if deaths == 1 else "pass"
    hook = folder / "hook"
    hook.mkdir()
    text = DIE.format(path=H, value="2 kW/m2/K", flag=str(flag), mark=mark)
    (hook / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(hook))
    values = ["1 kW/m2/K", "2 kW/m2/K", "3 kW/m2/K"]
    study = slab_study(folder, axes={H: {"name": "h", "values": values}})
    return ts.sweep(study, folder / "out.csv", workers=1)


def test_a_case_whose_worker_died_is_solved_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = sweep_with_deaths(tmp_path, monkeypatch, deaths=1)
    assert result.is_ok.all()
    assert result.column("peak")[1] == pytest.approx(peak(h=2e3), abs=1e-4)


def test_a_case_that_kills_two_workers_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = sweep_with_deaths(tmp_path, monkeypatch, deaths=2)
    assert result.failed.tolist() == [1]
    assert "ended 2 times in this case, by SIGKILL" in result.column("message")[1]
    assert result.column("peak")[2] == pytest.approx(peak(h=3e3), abs=1e-4)


def test_workers_that_do_not_start_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ts.ThermostackError, match="do not start: exit code 1"):
        ts.sweep(slab_study(tmp_path), tmp_path / "out.csv", workers=1)


def test_a_second_sweep_with_the_same_output_is_refused(tmp_path: Path) -> None:
    study, output = write_study(tmp_path, STUDY), tmp_path / "out.csv"
    process = start_sweep(study, output, workers=1)
    wait_for(lambda: lines_of(tmp_path / "out.sweeplog") > 0)
    try:
        with pytest.raises(OutputError, match="another run is writing to it"):
            ts.sweep(study, output, workers=1)
    finally:
        process.kill()
        process.wait()


# -- memory ------------------------------------------------------------------------------------------


def test_a_case_that_is_too_large_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "available_memory", lambda: 1000)
    result = ts.sweep(slab_study(tmp_path), tmp_path / "out.csv", workers=2)
    assert result.failed.tolist() == [0, 1]
    assert "GB are available" in result.column("message")[0]


def test_a_large_case_waits_until_the_others_have_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every case needs more than the share of a worker: cases are solved one at a time, and none fails."""
    most_running = [0]

    class Watched(WorkerPool):
        def _answer_requests(self) -> None:
            super()._answer_requests()
            running = sum(worker.memory > 0 for worker in self.workers)
            most_running[0] = max(most_running[0], running)

    monkeypatch.setattr("thermostack.sweeps.run.WorkerPool", Watched)
    study = slab_study(tmp_path, axes={H: {"from": "1 kW/m2/K", "to": "4 kW/m2/K", "steps": 8}})
    memory = memory_of_slab(study)
    monkeypatch.setattr(worker_pool, "available_memory", lambda: int(1.5 * memory / 0.9))
    result = ts.sweep(study, tmp_path / "out.csv", workers=2)
    assert result.is_ok.all(), result.column("message")
    assert most_running == [1]


class IdleOrBusy:
    """A worker that takes chunks and solves nothing."""

    def __init__(self, cases: list[int], memory: int = 0) -> None:
        self.cases, self.memory, self.request = cases, memory, 0
        self.is_idle = not cases

    def assign(self, cases: list[int]) -> None:
        self.cases, self.is_idle = cases, False


def test_no_case_begins_beside_a_large_one_without_room() -> None:
    task: Any = None
    cases: Any = range(10)
    pool = WorkerPool(task, 2, cases, 10)
    pool.budget, pool.share = 100, 50
    large, idle = IdleOrBusy([1], memory=80), IdleOrBusy([])
    workers: Any = [large, idle]
    pool.workers = workers
    pool._assign_chunks()
    assert idle.is_idle
    large.memory = 50
    pool._assign_chunks()
    assert idle.cases == [0]
    pool.workers = []


def memory_of_slab(study: dict[str, Any]) -> int:
    """Return the memory of a case [bytes]."""
    from thermostack.linear.steady_problem import steady_memory

    model = ts.discretize(ts.read_package(study["package"]), "10 mm")
    return steady_memory(model, "multigrid", estimate=True).memory


def test_the_log_of_a_case_is_written_once(tmp_path: Path) -> None:
    header = {"key": "a", "count": 2, "columns": ["case"]}
    log = CaseLog(tmp_path / "a.sweeplog", header)
    log.append([1, "first"])
    log.append([1, "second"])
    log.close()
    assert rows_of(tmp_path / "a.sweeplog") == [[1, "first"]]


@pytest.mark.parametrize("size", [0, 1, 9, 30, 60])
def test_a_log_that_was_killed_in_its_header_begins_again(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.sweeplog"
    header = {"key": "a", "count": 2, "columns": ["case"]}
    CaseLog(path, header).close()
    complete = path.read_bytes()
    path.write_bytes(complete[:size])
    CaseLog(path, header).close()
    assert path.read_bytes() == complete
