"""A file is written whole or not at all, whatever interrupts."""

from __future__ import annotations

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import reset_signals

from thermostack.errors import OutputError
from thermostack.io.files import atomic_file as module
from thermostack.io.files.atomic_file import atomic_file, write_atomic

OLD, NEW = b"old content", b"new content " * 1000


@pytest.fixture(params=["unnamed", "hidden"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory, with and without the file system's unnamed files."""
    if request.param == "hidden":
        monkeypatch.setattr(module, "_O_TMPFILE", 0)
    return tmp_path


def test_new_file_is_written(place: Path) -> None:
    write_atomic(place / "result", NEW)
    assert (place / "result").read_bytes() == NEW
    assert [path.name for path in place.iterdir()] == ["result"]


def test_replaced_file_keeps_permissions(place: Path) -> None:
    path = place / "result"
    path.write_bytes(OLD)
    path.chmod(0o640)
    write_atomic(path, NEW)
    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [path.name for path in place.iterdir()] == ["result"]


def test_new_file_has_default_permissions(place: Path) -> None:
    (place / "usual").write_bytes(OLD)
    write_atomic(place / "result", NEW)
    assert (place / "result").stat().st_mode == (place / "usual").stat().st_mode


@pytest.mark.parametrize("call", ["write", "fsync", "rename", "fchmod"])
@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt(), MemoryError()]
)
def test_failed_system_call_keeps_old_file(
    place: Path, monkeypatch: pytest.MonkeyPatch, call: str, failure: BaseException
) -> None:
    path = place / "result"
    path.write_bytes(OLD)

    def fail(*args: object, **kwargs: object) -> None:
        raise failure

    monkeypatch.setattr(module.os, call, fail)
    with pytest.raises(OutputError if isinstance(failure, OSError) else type(failure)):
        write_atomic(path, NEW)
    monkeypatch.undo()
    assert path.read_bytes() == OLD
    assert [path.name for path in place.iterdir()] == ["result"]


@pytest.mark.parametrize("nth", range(1, 5))
def test_full_disk_at_any_write_keeps_old_file(
    place: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    path = place / "result"
    path.write_bytes(OLD)
    write, calls = os.write, [0]

    def write_until_full(file: int, content: memoryview) -> int:
        calls[0] += 1
        if calls[0] == nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, content)

    monkeypatch.setattr(module, "_MAX_WRITE_BYTES", len(NEW) // 4)
    monkeypatch.setattr(module.os, "write", write_until_full)
    with pytest.raises(
        OutputError, match=r"No space left.*12 kB are needed, .* are free.*unchanged"
    ) as caught:
        write_atomic(path, NEW)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == OLD
    assert [path.name for path in place.iterdir()] == ["result"]


def test_file_size_limit_is_output_error(place: Path) -> None:
    path = place / "result"
    path.write_bytes(OLD)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OutputError, match="ulimit"):
            write_atomic(path, NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == OLD
    assert [path.name for path in place.iterdir()] == ["result"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_killed_process_keeps_old_file_only(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "result"
    path.write_bytes(OLD)
    program = (
        "import sys, time\n"
        "from thermostack.io.files import atomic_file\n"
        "write_all = atomic_file.write_all\n"
        "def slow(file, content):\n"
        "    write_all(file, content); print('filled', flush=True); time.sleep(600)\n"
        "atomic_file.write_all = slow\n"
        "atomic_file.write_atomic(sys.argv[1], b'new')\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=reset_signals) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"filled\n"
        process.send_signal(number)
        process.wait(timeout=10)
    assert path.read_bytes() == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_hidden_file_of_killed_process_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_O_TMPFILE", 0)
    left, foreign = tmp_path / ".result.4194999.partial", tmp_path / ".result.txt.partial"
    left.write_bytes(b"half")
    foreign.write_bytes(b"of somebody else")
    write_atomic(tmp_path / "result", NEW)
    assert sorted(path.name for path in tmp_path.iterdir()) == [foreign.name, "result"]


def test_missing_directory_is_named(place: Path) -> None:
    with pytest.raises(OutputError, match=r"directory .*absent does not exist"):
        write_atomic(place / "absent" / "result", NEW)


def test_directory_is_not_replaced(place: Path) -> None:
    (place / "result").mkdir()
    with pytest.raises(OutputError, match="is a directory"):
        write_atomic(place / "result", NEW)
    with pytest.raises(OutputError, match="is a directory"):
        write_atomic("", NEW)


def test_pipe_is_not_replaced(place: Path) -> None:
    os.mkfifo(place / "result")
    with pytest.raises(OutputError, match="not a regular file"):
        write_atomic(place / "result", NEW)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_write_protected_file_is_not_replaced(place: Path) -> None:
    path = place / "result"
    path.write_bytes(OLD)
    path.chmod(0o444)
    with pytest.raises(OutputError, match="Permission denied"):
        write_atomic(path, NEW)
    assert path.read_bytes() == OLD


def test_target_of_link_is_replaced(place: Path) -> None:
    target, link = place / "real", place / "link"
    target.write_bytes(OLD)
    link.symlink_to(target)
    write_atomic(link, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("name", ["a b;rm -rf $HOME", "line\nbreak", "näme", "-x", "x" * 250])
def test_file_name_is_taken_literally(place: Path, name: str) -> None:
    write_atomic(place / name, NEW)
    assert [path.name for path in place.iterdir()] == [name]


def test_impossible_file_name_is_refused(place: Path) -> None:
    with pytest.raises(OutputError, match="null"):
        write_atomic(place / "a\0b", NEW)
    with pytest.raises(OutputError, match="too long"):
        write_atomic(place / ("x" * 300), NEW)


def test_library_errors_are_not_converted(place: Path) -> None:
    with pytest.raises(OSError, match="of a library"), atomic_file(place / "result", 0):
        raise OSError("of a library")
    assert list(place.iterdir()) == []
