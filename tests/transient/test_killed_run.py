"""The command `transient` killed at random moments and gone on with: the same bits as never killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CHIP, command_line
from support.small_series import contents

from thermostack.io.results.transient_file import read_frames

PACKAGE_TEXT = CHIP.replace("silicon_constant", "silicon", 2)  # the processor: it conducts less when hot
TRACE = """\
#! after: repeat, period: 40 ms
time [ms], gpu [W], hbm.west [%], cooling.bottom.h [%]
0, 5, 100, 100
10, 30, 50, 100
20, 8, 100, 80
"""
RUN = ["transient", "chip.yaml", "--trace", "load.csv", "--duration", "0.16 s", "--cell", "1.5 mm"]
RUN += ["--tolerance", "0.05 K", "--threads", "1", "--throttle", "gpu=66 degC", "--frames", "every 7 ms"]
RUN += ["--probe", "p=3 mm, 4 mm, 1.3 mm", "--checkpoint", "30 ms"]
FACTS = "thermostack/history/result"  # with the seconds of the clock


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("chip.yaml").write_text(PACKAGE_TEXT)
    Path("load.csv").write_text(TRACE)
    return tmp_path


def start(*options: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command_line(*RUN, *options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )


def finish(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a run was killed, when it has ended; one that failed fails the test."""
    _, said = process.communicate(timeout=600)
    assert process.returncode in (0, -signal.SIGKILL), said.decode()
    return process.returncode != 0


def result(name: str) -> dict[str, Any]:
    """Return all that a run found, bit for bit, in its heat-transfer coefficient and in its history."""
    found = contents(Path(f"{name}.vtkhdf"))
    facts = json.loads(found.pop(FACTS))
    seconds = facts["report"].pop("seconds")
    assert seconds > 0.0
    history = Path(f"{name}_history.csv").read_bytes()
    assert Path(f"{name}.png").stat().st_size > 1000
    return {**found, FACTS: facts, "history": history}


def kill(kills: int, seed: int) -> dict[str, int]:
    """Kill runs at random moments, compare each that comes to its end, and return how many there were."""
    draw = random.Random(seed)
    began = time.monotonic()
    assert not finish(start("--output", "never.vtkhdf"))
    seconds = time.monotonic() - began
    expected = result("never")
    done = {"kills": 0, "results": 0, "resumed": 0}
    while done["kills"] < kills or done["results"] == 0:
        state = Path("chip_transient.checkpoint")
        process = start("--resume")
        if done["kills"] < kills:
            if done["kills"] % 2:  # where there is something to lose
                while not state.exists() and process.poll() is None:
                    time.sleep(0.005)
                time.sleep(draw.uniform(0.0, 0.08 * seconds))
            else:
                time.sleep(draw.uniform(0.0, seconds))
            process.kill()
        if finish(process):
            done["kills"] += 1
            done["resumed"] += state.exists()
            if Path("chip_transient.partial.vtkhdf").exists():
                times, frames = read_frames("chip_transient.partial.vtkhdf")
                assert len(times) == len(frames)
            continue
        assert result("chip_transient") == expected
        left = sorted(Path().glob("chip_*"))
        assert left == [Path(f"chip_transient{end}") for end in (".png", ".vtkhdf", "_history.csv")]
        done["results"] += 1
        for path in left:
            path.unlink()
    return done


def test_a_killed_run_goes_on_to_the_same_bits() -> None:
    done = kill(8, seed=1)
    assert done["kills"] == 8
    assert done["resumed"] >= 2
    assert done["results"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3, 4, 5])
def test_runs_killed_a_hundred_times_go_on_to_the_same_bits(seed: int) -> None:
    done = kill(25, seed)
    print(done)
    assert done["kills"] == 25
    assert done["resumed"] >= 6
    assert done["results"] >= 1
