"""Atomic writing of files: after any interruption a file has its old content or its new content.

The content is written to an unnamed file in the same directory and flushed to the disk; then the file gets
its name. An unnamed file disappears if its process is killed. On file systems without unnamed files (some
network and user-space ones) a hidden file is used; if a killed process leaves one, a later write of the same
name removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from thermostack.errors import OutputError

_PERMISSIONS = 0o666  # minus the umask, as for `open`
_O_TMPFILE = getattr(os, "O_TMPFILE", 0)
_TMPFILE_UNSUPPORTED = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}
_MAX_WRITE_BYTES = 2**24  # per call, so that an interrupt is handled soon


def write_atomic(path: str | Path, content: bytes) -> None:
    """Write a file; it replaces an older one of that name when all of it is on the disk.

    Raises OutputError with the path, the bytes needed and the bytes free; an older file is then unchanged.
    """
    with atomic_file(path, len(content)) as file:
        write_all(file, content)


@contextlib.contextmanager
def atomic_file(path: str | Path, needed: int) -> Iterator[int]:
    """Yield the descriptor of a new file, which gets its name when all of it is on the disk.

    Raises OutputError with the path, the bytes needed and the bytes free; an older file is then unchanged.
    """
    with with_path_error(Path(path), needed), _replacing(resolve_target(path)) as file:
        yield file


def resolve_target(path: str | Path) -> Path:
    """Return the path with symbolic links resolved, so that a link is kept and its target is replaced.

    Raises OutputError if the target cannot be a file.
    """
    path = Path(path)
    try:
        with with_path_error(path, 0):
            target = Path(os.path.realpath(path))
            if target.is_dir():
                raise OutputError(f"cannot write {_printable(path)}: it is a directory; name a file in it")
            if target.exists() and not target.is_file():
                raise OutputError(f"cannot write {_printable(path)}: it is not a regular file")
    except ValueError as error:
        raise OutputError(f"cannot write {_printable(path)}: {error}") from None
    return target


@contextlib.contextmanager
def with_path_error(
    path: Path, needed: int, after: str = "an older file of that name is unchanged"
) -> Iterator[None]:
    """Convert an error of the operating system to an OutputError with the path and a hint."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # raised by a library, not by the operating system
            raise
        raise OutputError(_reason(path, error, needed, after)) from None


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[int]:
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with _temporary_file(directory, target.name) as (file, hidden):
            yield file
            if target.exists():
                os.close(os.open(target, os.O_WRONLY))  # fails if the file is write-protected
                os.fchmod(file, target.stat().st_mode & 0o777)
            os.fsync(file)
            _rename_into_place(file, hidden, target.name, directory)
        os.fsync(directory)
    finally:
        os.close(directory)


def write_all(file: int, content: bytes | memoryview) -> None:
    """Write all of the content at the current position of an open file."""
    rest = memoryview(content)
    while rest:
        written = os.write(file, rest[:_MAX_WRITE_BYTES])
        rest = rest[written:]


def write_all_at(file: int, content: bytes | memoryview, offset: int) -> None:
    """Write all of the content at an offset [bytes] of an open file."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(file, rest[:_MAX_WRITE_BYTES], offset)
        rest, offset = rest[written:], offset + written


@contextlib.contextmanager
def _temporary_file(directory: int, name: str) -> Iterator[tuple[int, str]]:
    """Yield the descriptor and the hidden name of a new file in a directory, unnamed if possible."""
    hidden = f"{_stem(name)}{os.getpid()}.partial"
    try:
        file = os.open(".", _O_TMPFILE | os.O_RDWR, _PERMISSIONS, dir_fd=directory)
    except OSError as error:
        if error.errno not in _TMPFILE_UNSUPPORTED:
            raise
        _remove_stale(directory, name)
        file = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PERMISSIONS, dir_fd=directory)
    try:
        yield file, hidden
    finally:
        os.close(file)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(hidden, dir_fd=directory)


def _stem(name: str) -> str:
    """Return the beginning of the hidden names of a file, short enough for any file system."""
    return f".{name.encode()[:200].decode(errors='ignore')}."


def _remove_stale(directory: int, name: str) -> None:
    """Remove the hidden files of a name whose processes have ended."""
    for entry in os.listdir(directory):
        process = entry.removeprefix(_stem(name)).removesuffix(".partial")
        if entry == f"{_stem(name)}{process}.partial" and process.isdigit():
            with contextlib.suppress(OSError):
                if process == str(os.getpid()) or not Path(f"/proc/{process}").exists():
                    os.unlink(entry, dir_fd=directory)


def _rename_into_place(file: int, hidden: str, name: str, directory: int) -> None:
    """Give a file its name, atomically replacing an older file; a rename can do that, a link cannot."""
    if os.fstat(file).st_nlink == 0:
        os.link(f"/proc/self/fd/{file}", hidden, dst_dir_fd=directory, follow_symlinks=True)
    os.rename(hidden, name, src_dir_fd=directory, dst_dir_fd=directory)


def _reason(path: Path, error: OSError, needed: int, after: str) -> str:
    """Return the message of a file that could not be written, with a hint."""
    text = f"cannot write {_printable(path)}: {error.strerror}"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{text}; the directory {_printable(path.parent)} does not exist"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        with contextlib.suppress(OSError):
            state = os.statvfs(path.parent)
            text += f"; {_size(needed)} are needed, {_size(state.f_bavail * state.f_frsize)} are free"
        if error.errno == errno.EFBIG:
            text += ", but the file size limit of this process is smaller (ulimit -f)"
    return f"{text}; {after}"


def _printable(path: Path) -> str:
    """Return a path as text without line breaks and control characters."""
    text = str(path)
    return text if text.isprintable() else repr(text)


def _size(count: int) -> str:
    """Return a number of bytes with a readable unit."""
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
