"""Rows of numbers in a file, each added behind the last with its number and checksum.

A process that is killed leaves whole rows and at most one torn one at the end, which is cut off.
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
_HEADER_BYTES = len(_SIGNATURE) + 8 + 32  # bytes: the mark, how wide a row is, of which run the rows are


class AppendLog:
    """A file of rows, open and held by this process alone; it goes free when the process ends."""

    def __init__(self, path: Path, width: int, key: str) -> None:
        """Open the file, or make it. Raises OutputError where another run holds it."""
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
        """Throw away what the file holds and begin anew."""
        self.count = 0
        with with_path_error(self.path, _HEADER_BYTES):
            os.ftruncate(self.file, 0)
            write_all_at(self.file, self._head, 0)

    def truncate(self, count: int) -> None:
        """Go on after some rows and cut off all else; raises ResultFileError where they are not whole."""
        if os.pread(self.file, _HEADER_BYTES, 0) != self._head:
            raise ResultFileError(f"{self.path}: is missing, damaged, or of another run; start the run anew")
        whole = self._whole(count)
        if whole < count:
            raise ResultFileError(f"{self.path}: holds {whole} of {count} rows undamaged; start the run anew")
        self.count = count
        os.ftruncate(self.file, _HEADER_BYTES + count * self._row.itemsize)

    def append(self, values: np.ndarray) -> None:
        """Add a row (width,). Raises OutputError where it cannot be written."""
        record = np.zeros((), self._row)
        record["values"], record["number"] = values, self.count
        content = record.tobytes()[:-4]
        content += zlib.crc32(content).to_bytes(4, "little")
        after = "the rows before it are whole"
        with with_path_error(self.path, len(content), after):
            write_all_at(self.file, content, _HEADER_BYTES + self.count * len(content))
        self.count += 1

    def rows(self) -> np.ndarray:
        """Return all rows (count, width), read from the disk as they are used."""
        if not self.count:
            return np.zeros((0, self.width))
        records = np.memmap(self.path, self._row, "r", _HEADER_BYTES, (self.count,))
        values: np.ndarray = records["values"]
        return values

    def sync(self) -> None:
        """Return when all rows are on the disk."""
        with with_path_error(self.path, 0):
            os.fdatasync(self.file)

    def close(self) -> None:
        """Let the file go."""
        with contextlib.suppress(OSError):
            os.close(self.file)

    def _whole(self, count: int) -> int:
        """Return how many of the first rows are there and undamaged."""
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
