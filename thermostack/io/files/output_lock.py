"""Lock of the files that a command writes, so that a second one with the same output stops at its start.

The lock is a hidden file beside the result, `.NAME.lock`, which exists while the command runs. The operating
system releases it if the process is killed; the next command then takes over the file that is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from thermostack.errors import OutputError
from thermostack.io.files.atomic_file import with_path_error

MAX_ATTEMPTS = 100  # to open a lock file that other processes remove at the same time

_held: set[Path] = set()  # lock files of this process


@contextlib.contextmanager
def output_lock(result: Path) -> Iterator[None]:
    """Lock the files of a result, which share its name without the suffix, until the end of the block.

    The directory is created if it is missing, and removed again if it stays empty. Raises OutputError if
    another process has the lock.
    """
    target = Path(os.path.realpath(result))
    is_new = not target.parent.exists()
    with with_path_error(result, 0):
        target.parent.mkdir(exist_ok=True)
        lock = target.with_name(f".{target.stem}.lock")
        file = _open_locked(lock, result)
    _held.add(lock)
    try:
        yield
    finally:
        _remove(lock)
        os.close(file)
        if is_new:
            with contextlib.suppress(OSError):  # the directory has files
                target.parent.rmdir()


def remove_locks() -> None:
    """Remove the lock files of this process, before it ends without unwinding."""
    for lock in tuple(_held):
        _remove(lock)


def _remove(lock: Path) -> None:
    """Remove a lock file; it is held until then, because another thread may end the process in between."""
    with contextlib.suppress(OSError):
        lock.unlink(missing_ok=True)
    _held.discard(lock)


def _open_locked(lock: Path, result: Path) -> int:
    """Return the descriptor of the locked file. Raises OutputError if another process has locked it."""
    for _ in range(MAX_ATTEMPTS):
        file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            break
        except OSError:
            return file  # a file system without locks
        with contextlib.suppress(FileNotFoundError):
            if os.stat(lock).st_ino == os.fstat(file).st_ino:
                return file
        os.close(file)  # the process that had it has removed the file in between
    raise OutputError(f"{result}: another run is writing to it; wait, or name another file with --output")
