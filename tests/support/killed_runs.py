"""Runs the cheap simulation in children and kills them: a program, for its own process without threads.

    python killed_runs.py moments FOLDER KILLS SEED    at random moments
    python killed_runs.py calls FOLDER                 before every system call, and in the middle of writes

Each killed run is looked at, gone on with, and its result compared with that of a run never killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, without the path that pytest sets
from support import small_series
from support.small_series import coarse_model, contents, fake_run

from thermostack.io.results import model_record
from thermostack.io.results.transient_writer import partial_path

CALLS = "write pwrite ftruncate posix_fallocate fsync fdatasync open link rename unlink".split()
WRITES = ("write", "pwrite")
FRAMES = "VTKHDF/CellData/temperature"
MODEL = coarse_model()
SHORT, LONG = (0.0, 0.05, 0.1), tuple(np.linspace(0.0, 4.0, 9).tolist())  # s, of frames
DRAWN = model_record.describe(MODEL.package)


def look_at(path: Path) -> None:
    """Read all frames that a file shows so far: complete frames in their order, and none after them."""
    file_path = path if path.exists() else partial_path(path)
    if file_path.exists():
        with h5py.File(file_path, locking=False) as file:
            shown = file["VTKHDF/Steps/CellDataOffsets/temperature"][()]
            assert shown.size == file["VTKHDF/Steps"].attrs["NSteps"]
            count = int(np.sum(shown < shown.size))
            assert np.array_equal(shown[:count], np.arange(count))
            for n in range(shown.size):
                field = file[FRAMES][shown[n]]
                assert np.array_equal(np.isnan(field), (MODEL.part == 0) | (n >= count))


def child(work: Callable[[], Any]) -> int:
    """Return the process of a child that does something and ends."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return process


def is_killed(process: int) -> bool:
    """Return whether a child was killed, when it has ended; a child that fails fails everything."""
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def at_moments(
    folder: Path, kills: int, seed: int, expected: dict[str, Any], seconds: float
) -> dict[str, int]:
    """Kill runs at random moments until there were as many kills, and compare each that came to its end."""
    draw = random.Random(seed)
    done = {"kills": 0, "results": 0, "resumed": 0}
    path = folder / "killed.vtkhdf"
    while done["kills"] < kills or any(folder.glob("killed*")):
        process = child(lambda: fake_run(path, MODEL, resume=True))
        if done["kills"] < kills:
            time.sleep(draw.uniform(0.0, 1.2 * seconds))
            os.kill(process, signal.SIGKILL)
        if is_killed(process):
            done["kills"] += 1
            done["resumed"] += path.with_suffix(".checkpoint").exists()
            look_at(path)
            continue
        assert contents(path) == expected
        assert sorted(entry.name for entry in folder.glob("killed*")) == ["killed.vtkhdf"]
        done["results"] += 1
        path.unlink()
    return done


def watch_calls(react: Callable[[int, str, Callable[..., Any], tuple[Any, ...]], None]) -> None:
    """Have `react` told of every system call of this process that touches a file, before it is made."""
    calls = [0]

    def watched(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **options: Any) -> Any:
            calls[0] += 1
            react(calls[0], name, call, arguments)
            return call(*arguments, **options)

        return made

    for name in CALLS:
        setattr(os, name, watched(name, getattr(os, name)))


def run_and_list_calls(path: Path, into: Path) -> None:
    """Run to the end, and write down the system calls made on the way."""
    names: list[str] = []
    watch_calls(lambda nth, name, call, arguments: names.append(name))
    fake_run(path, MODEL)
    into.write_text(json.dumps(names))


def run_until(path: Path, last: int, is_half: bool) -> None:
    """Run until the process is killed before a system call, or when a write is half done."""

    def react(nth: int, name: str, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        if nth == last:
            if is_half:
                file, content, *place = arguments
                call(file, bytes(content)[: len(content) // 2], *place)
            os.kill(os.getpid(), signal.SIGKILL)

    watch_calls(react)
    fake_run(path, MODEL)


def at_calls(folder: Path, expected: dict[str, Any]) -> dict[str, int]:
    """Kill a run at every system call in turn, and go on with it."""
    done = {"kills": 0, "results": 0, "resumed": 0}
    path, listed = folder / "killed.vtkhdf", folder / "calls"
    assert not is_killed(child(lambda: run_and_list_calls(path, listed)))
    names = json.loads(listed.read_text())
    moments = [(n, False) for n in range(1, len(names) + 1)]
    moments += [(n, True) for n, name in enumerate(names, 1) if name in WRITES]
    for last, is_half in moments:
        path.unlink(missing_ok=True)
        assert is_killed(child(lambda last=last, is_half=is_half: run_until(path, last, is_half)))
        done["kills"] += 1
        done["resumed"] += path.with_suffix(".checkpoint").exists()
        look_at(path)
        assert not is_killed(child(lambda: fake_run(path, MODEL, resume=True)))
        assert contents(path) == expected, (last, names[last - 1], is_half)
        assert sorted(entry.name for entry in folder.glob("killed*")) == ["killed.vtkhdf"]
        done["results"] += 1
    return done


def main(what: str, folder: str, *numbers: str) -> None:
    """Do what the first lines of this file say, and print how much was done."""
    home = Path(folder)
    model_record.describe = lambda package: DRAWN  # which takes half of the time of a run
    small_series.FRAME_TIMES = LONG if what == "moments" else SHORT
    start = time.perf_counter()
    assert not is_killed(child(lambda: fake_run(home / "never.vtkhdf", MODEL)))
    seconds = time.perf_counter() - start
    expected = contents(home / "never.vtkhdf")
    if what == "moments":
        kills, seed = map(int, numbers)
        print(json.dumps(at_moments(home, kills, seed, expected, seconds)))
    else:
        print(json.dumps(at_calls(home, expected)))


if __name__ == "__main__":
    main(*sys.argv[1:])
