"""A file is written whole or not at all: whatever interrupts, its name holds the old content or the new.

The content goes to a file without a name in the same directory, is flushed to the disk, and only then
takes the name. A process that is killed leaves nothing behind, since a file without a name ends with it.
Where the file system has no such files (some network and user-space ones), a hidden file stands in; a
later write of the same name removes one that a killed process left.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from thermostack.errors import OutputError

_PERMISSIONS = 0o666  # less the umask, as `open` has it
_O_TMPFILE = getattr(os, "O_TMPFILE", 0)
_TMPFILE_UNSUPPORTED = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}
_MAX_WRITE_BYTES = 2**24  # bytes per call, so that an interrupt is heeded soon


def write_atomic(path: str | Path, content: bytes) -> None:
    """Write a file, replacing one of that name when all of it is on the disk.

    Raises OutputError with the path, the bytes needed and the bytes free; what stood there is untouched.
    """
    with atomic_file(path, len(content)) as file:
        write_all(file, content)


@contextlib.contextmanager
def atomic_file(path: str | Path, needed: int) -> Iterator[int]:
    """Yield a new file to be filled, which takes its name when all of it is on the disk.

    Raises OutputError with the path, the bytes needed and the bytes free; what stood there is untouched.
    """
    with with_path_error(Path(path), needed), _replacing(resolve_target(path)) as file:
        yield file


def resolve_target(path: str | Path) -> Path:
    """Return the file that a name stands for: of a symbolic link, what it points to is replaced.

    Raises OutputError where that cannot be a file.
    """
    path = Path(path)
    try:
        with with_path_error(path, 0):
            target = Path(os.path.realpath(path))
            if target.is_dir():
                raise OutputError(f"cannot write {_printable(path)}: it is a directory; name a file in it")
            if target.exists() and not target.is_file():
                raise OutputError(f"cannot write {_printable(path)}: it is no regular file")
    except ValueError as error:
        raise OutputError(f"cannot write {_printable(path)}: {error}") from None
    return target


@contextlib.contextmanager
def with_path_error(
    path: Path, needed: int, after: str = "what stood under that name is untouched"
) -> Iterator[None]:
    """Turn what the system says of a file that cannot be written into an OutputError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not the system's: a library's own
            raise
        raise OutputError(_reason(path, error, needed, after)) from None


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[int]:
    place = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _temporary_file(place, target.name) as (file, hidden):
            yield file
            if target.exists():
                os.close(os.open(target, os.O_WRONLY))  # a file protected from writing is not replaced
                os.fchmod(file, target.stat().st_mode & 0o777)
            os.fsync(file)
            _rename_into_place(file, hidden, target.name, place)
        os.fsync(place)
    finally:
        os.close(place)


def write_all(file: int, content: bytes | memoryview) -> None:
    """Write all of a text to an open file, where it stands."""
    rest = memoryview(content)
    while rest:
        written = os.write(file, rest[:_MAX_WRITE_BYTES])
        rest = rest[written:]


def write_all_at(file: int, content: bytes | memoryview, place: int) -> None:
    """Write all of a text to an open file, at a place in it."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(file, rest[:_MAX_WRITE_BYTES], place)
        rest, place = rest[written:], place + written


@contextlib.contextmanager
def _temporary_file(place: int, name: str) -> Iterator[tuple[int, str]]:
    """Yield a new file in a directory, without a name or with a hidden one, and the hidden name; close it."""
    hidden = f"{_stem(name)}{os.getpid()}.partial"
    try:
        file = os.open(".", _O_TMPFILE | os.O_RDWR, _PERMISSIONS, dir_fd=place)
    except OSError as error:
        if error.errno not in _TMPFILE_UNSUPPORTED:
            raise
        _remove_stale(place, name)
        file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PERMISSIONS, dir_fd=place)
    try:
        yield file, hidden
    finally:
        os.close(file)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=place)


def _stem(name: str) -> str:
    """Return how the hidden names of a file begin, short enough for any file system."""
    return f".{name.encode()[:200].decode(errors='ignore')}."


def _remove_stale(place: int, name: str) -> None:
    """Remove the hidden files of that name whose process is gone."""
    for entry in os.listdir(place):
        process = entry.removeprefix(_stem(name)).removesuffix(".partial")
        if entry == f"{_stem(name)}{process}.partial" and process.isdigit():
            with contextlib.suppress(OSError):
                if process == str(os.getpid()) or not Path(f"/proc/{process}").exists():
                    os.unlink(entry, dir_fd=place)


def _rename_into_place(file: int, hidden: str, name: str, place: int) -> None:
    """Give a file its name, taking it from another in one step: a link cannot do that, a rename can."""
    if os.fstat(file).st_nlink == 0:
        os.link(f"/proc/self/fd/{file}", hidden, dst_dir_fd=place, follow_symlinks=True)
    os.rename(hidden, name, src_dir_fd=place, dst_dir_fd=place)


def _reason(path: Path, error: OSError, needed: int, after: str) -> str:
    """Return why a file could not be written, and what to do."""
    text = f"cannot write {_printable(path)}: {error.strerror}"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{text}; the directory {_printable(path.parent)} is not there"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        with contextlib.suppress(OSError):
            state = os.statvfs(path.parent)
            text += f"; {_bytes(needed)} are needed, {_bytes(state.f_bavail * state.f_frsize)} are free"
        if error.errno == errno.EFBIG:
            text += ", but this process may not write files that large (ulimit -f)"
    return f"{text}; {after}"


def _printable(path: Path) -> str:
    """Return a path as text that has no line breaks and no control characters in it."""
    text = str(path)
    return text if text.isprintable() else repr(text)


def _bytes(count: int) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
