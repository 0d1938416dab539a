"""Lock of the files of a command: one command at a time writes them, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from thermostack.errors import OutputError
from thermostack.io.files.output_lock import output_lock, remove_locks

HOLD = """\
import sys, time
from pathlib import Path
from thermostack.io.files.output_lock import output_lock
with output_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def start_holder(path: Path) -> subprocess.Popen[str]:
    """Return a process that holds the lock until its input is closed."""
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def test_second_process_is_rejected_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "die.vtkhdf"
    holder = start_holder(path)
    with pytest.raises(OutputError, match=r"die\.vtkhdf: another run is writing to it"), output_lock(path):
        pass
    with output_lock(tmp_path / "other.vtkhdf"):
        pass
    link = tmp_path / "link.vtkhdf"
    link.symlink_to("die.vtkhdf")
    with pytest.raises(OutputError, match="another run is writing to it"), output_lock(link):
        pass
    holder.communicate(timeout=60)
    with output_lock(path):
        assert [each.name for each in tmp_path.iterdir() if not each.is_symlink()] == [".die.lock"]
    link.unlink()
    assert list(tmp_path.iterdir()) == []


def test_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "die.vtkhdf"
    holder = start_holder(path)
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=60)
    assert (tmp_path / ".die.lock").exists()
    with output_lock(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_lock_is_removed_after_an_error_with_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), output_lock(tmp_path / "new" / "die.vtkhdf"):
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []
    with output_lock(tmp_path / "new" / "die.vtkhdf"):
        (tmp_path / "new" / "die.vtkhdf").write_text("x")
    assert os.listdir(tmp_path / "new") == ["die.vtkhdf"]


def test_locks_are_removed_before_a_forced_exit(tmp_path: Path) -> None:
    with output_lock(tmp_path / "die.vtkhdf"):
        remove_locks()
        assert list(tmp_path.iterdir()) == []


def test_directory_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"), output_lock(tmp_path / "a" / "b" / "die.vtkhdf"):
        pass
