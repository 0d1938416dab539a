"""Log of the rows of a sweep: one line for each case that has ended, with a checksum.

A process that is killed leaves complete lines, and at most one incomplete line at the end, which is removed
when the log is opened again. A damaged line is ignored, so that its case is solved again.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from thermostack.errors import DescriptionError, Diagnostic, ResultFileError
from thermostack.io.files.atomic_file import with_path_error, write_all
from thermostack.sweeps.case_rows import Row

LOG_SUFFIX = ".sweeplog"
SIGNATURE = "thermostack sweep log 1"
SYNC_INTERVAL = 1.0  # s between two flushes to the disk; the system keeps lines of a killed process
_AFTER = "the rows before it are intact"


def _line(content: Any) -> bytes:
    """Return a line of the log: the checksum of a JSON text, and the text."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _content(line: bytes) -> Any:
    """Return the content of a line, None if it is damaged or incomplete."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    with contextlib.suppress(ValueError):
        if line.endswith(b"\n") and int(checksum, 16) == zlib.crc32(text):
            return json.loads(text)
    return None


class CaseLog:
    """An open log of a sweep, to which rows are appended."""

    def __init__(self, path: Path, header: dict[str, Any], *, overwrite: bool = False) -> None:
        """Open or create a log. Raises DescriptionError if it belongs to another sweep."""
        self.path, self.header = path, header
        count = header["count"]
        self.is_done = np.zeros(count, dtype=bool)  # (cases,)
        with with_path_error(path, 0):
            self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            is_new = overwrite or os.fstat(self.file).st_size == 0
            if not is_new:
                is_new = self._resume()
            if is_new:
                self._write_header()
        except BaseException:
            self.close()
            raise
        self.synced = time.monotonic()

    def _write_header(self) -> None:
        with with_path_error(self.path, 0, _AFTER):
            os.ftruncate(self.file, 0)
            write_all(self.file, _line({"format": SIGNATURE, **self.header}))
            os.fsync(self.file)

    def _resume(self) -> bool:
        """Mark the cases of the log as done; return whether the log has no header yet."""
        with self.path.open("rb") as file:
            first = file.readline()
            if not first.endswith(b"\n") and not file.read(1):  # killed while the header was written
                return _is_beginning(first)
            self._require_same_sweep(_content(first))
            end = file.tell()
            for line in file:
                end = end + len(line) if line.endswith(b"\n") else end
                row = _content(line)
                if row is not None:
                    self.is_done[row[0]] = True
        os.ftruncate(self.file, end)
        return False

    def _require_same_sweep(self, found: Any) -> None:
        if not isinstance(found, dict) or found.get("format") != SIGNATURE:
            raise ResultFileError(f"{self.path}: is not the log of a sweep; move it away, or use --overwrite")
        if found["key"] == self.header["key"]:
            return
        parts = [name for name in ("version", "study", "package") if found.get(name) != self.header.get(name)]
        text = f"the log is of another {' and '.join(parts) or 'sweep'}"
        hint = "discard it with --overwrite, or choose another --output"
        raise DescriptionError(Diagnostic("", text, hint, "E-UNFINISHED", str(self.path)))

    def append(self, row: Row) -> None:
        """Append the row of a case; a case that has one already is left as it is."""
        number = row[0]
        assert isinstance(number, int)
        if self.is_done[number]:
            return
        content = _line(row)
        with with_path_error(self.path, len(content), _AFTER):
            write_all(self.file, content)
        self.is_done[number] = True
        if time.monotonic() - self.synced > SYNC_INTERVAL:
            self.sync()

    def sync(self) -> None:
        """Flush all rows to the disk."""
        with with_path_error(self.path, 0, _AFTER):
            os.fdatasync(self.file)
        self.synced = time.monotonic()

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            os.close(self.file)


def _is_beginning(first: bytes) -> bool:
    """Return whether an incomplete first line may be the beginning of a header."""
    text = first.partition(b" ")[2]
    expected = json.dumps({"format": SIGNATURE}).encode()[:-1]
    return text[: len(expected)] == expected[: len(text)]


def read_log(path: Path) -> tuple[dict[str, Any], Iterator[Row]]:
    """Return the header of a log, and its rows in the order of the case numbers.

    Rows are read one at a time. Raises ResultFileError if the file is not the log of a sweep.
    """
    offsets: dict[int, int] = {}
    try:
        with path.open("rb") as file:
            header = _content(file.readline())
            if not isinstance(header, dict) or header.get("format") != SIGNATURE:
                raise ResultFileError(f"{path}: is not the log of a sweep")
            position = file.tell()
            for line in file:
                row = _content(line)
                if row is not None:
                    offsets.setdefault(row[0], position)
                position += len(line)
    except OSError as error:
        raise DescriptionError(
            Diagnostic("", f"cannot be read: {error.strerror}", "", "E-FILE", str(path))
        ) from None
    return header, _rows_at(path, [offsets[number] for number in sorted(offsets)])


def _rows_at(path: Path, offsets: list[int]) -> Iterator[Row]:
    with path.open("rb") as file:
        for offset in offsets:
            file.seek(offset)
            yield _content(file.readline())
