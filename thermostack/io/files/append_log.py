"""Log file of rows of numbers; each row is appended with its number and a checksum.

A process that is killed leaves complete rows, and at most one incomplete row at the end, which is removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import zlib
from pathlib import Path

import numpy as np

from thermostack.errors import OutputError, ResultFileError
from thermostack.io.files.atomic_file import with_path_error, write_all_at

_SIGNATURE = b"thermostack rows"
_HEADER_BYTES = len(_SIGNATURE) + 8 + 32  # signature, width of a row, hash of the run


class AppendLog:
    """An open file of rows, locked by this process until it is closed or the process ends."""

    def __init__(self, path: Path, width: int, key: str) -> None:
        """Open or create the file. Raises OutputError if another run has locked it."""
        self.path, self.width, self.count = path, width, 0
        self._head = _SIGNATURE + width.to_bytes(8, "little") + hashlib.sha256(key.encode()).digest()
        self._row = np.dtype([("values", "<f8", (width,)), ("number", "<u4"), ("checksum", "<u4")])
        with with_path_error(path, _HEADER_BYTES):
            self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.close()
                text = f"{path}: another run is writing to it; wait, or name another file"
                raise OutputError(text) from None
            except OSError:
                pass  # a file system without locks

    def clear(self) -> None:
        """Remove all rows."""
        self.count = 0
        with with_path_error(self.path, _HEADER_BYTES):
            os.ftruncate(self.file, 0)
            write_all_at(self.file, self._head, 0)

    def truncate(self, count: int) -> None:
        """Keep the first `count` rows only. Raises ResultFileError if they are damaged."""
        if os.pread(self.file, _HEADER_BYTES, 0) != self._head:
            raise ResultFileError(f"{self.path}: is missing, damaged, or of another run; start the run again")
        intact = self._count_intact(count)
        if intact < count:
            raise ResultFileError(
                f"{self.path}: only {intact} of {count} rows are intact; start the run again"
            )
        self.count = count
        os.ftruncate(self.file, _HEADER_BYTES + count * self._row.itemsize)

    def append(self, values: np.ndarray) -> None:
        """Append a row (width,). Raises OutputError if it cannot be written."""
        record = np.zeros((), self._row)
        record["values"], record["number"] = values, self.count
        content = record.tobytes()[:-4]
        content += zlib.crc32(content).to_bytes(4, "little")
        after = "the rows before it are intact"
        with with_path_error(self.path, len(content), after):
            write_all_at(self.file, content, _HEADER_BYTES + self.count * len(content))
        self.count += 1

    def rows(self) -> np.ndarray:
        """Return all rows (count, width), read from the disk on access."""
        if not self.count:
            return np.zeros((0, self.width))
        records = np.memmap(self.path, self._row, "r", _HEADER_BYTES, (self.count,))
        values: np.ndarray = records["values"]
        return values

    def sync(self) -> None:
        """Flush all rows to the disk."""
        with with_path_error(self.path, 0):
            os.fdatasync(self.file)

    def close(self) -> None:
        """Close and unlock the file."""
        with contextlib.suppress(OSError):
            os.close(self.file)

    def _count_intact(self, count: int) -> int:
        """Return the number of rows before the first damaged or missing one, at most `count`."""
        size = self._row.itemsize
        for n in range(count):
            content = os.pread(self.file, size, _HEADER_BYTES + n * size)
            number, checksum = content[-8:-4], int.from_bytes(content[-4:], "little")
            if (
                len(content) < size
                or number != n.to_bytes(4, "little")
                or zlib.crc32(content[:-4]) != checksum
            ):
                return n
        return count
