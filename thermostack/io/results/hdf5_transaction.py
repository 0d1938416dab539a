"""Atomic change of an HDF5 file: a process killed at any moment leaves the old content or the new content.

HDF5 itself marks a file as open while it writes, and changes it piece by piece; if it is killed meanwhile,
the file cannot be opened any more. Here HDF5 writes to pages in memory over the file. New data are appended
to the file, where nothing refers to them, and are flushed to the disk. Then the first page of the file, which
contains all references to the new data, is written in one call. Therefore groups that are changed later must
be in the first page: they are created before anything else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import h5py
import numpy as np

from thermostack.io.files.atomic_file import write_all_at

PAGE_BYTES = 4096  # the operating system copies a page completely even if the process is killed
LIBVER_BOUNDS = ("v110", "v110")  # HDF5 1.10: metadata have checksums
_END_OF_FILE = slice(28, 36)  # bytes of the end-of-file address in the superblock of HDF5 1.10


class Transaction:
    """File object for HDF5: the content on the disk, overlaid by the pages written since."""

    def __init__(self, file: int, is_new: bool = False) -> None:
        self.file, self.is_new = file, is_new  # a new file contains zeros
        self.size = 0 if is_new else os.fstat(file).st_size
        self.position = 0
        self.pages: dict[int, bytearray] = {}  # by number; other pages are on the disk, or zeros

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self.position = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}[whence] + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def read(self, size: int) -> bytes:
        content = bytearray(size)
        self.readinto(content)
        return bytes(content)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        view = memoryview(buffer).cast("B")
        for number, within, piece in self._pieces(len(view)):
            page = self.pages.get(number) or self._read_page(number)
            view[piece] = page[within]
        self.position += len(view)
        return len(view)

    def write(self, content: bytes | memoryview) -> int:
        view = memoryview(content).cast("B")
        is_nothing = self.is_new and not np.frombuffer(view, np.uint8).any()
        for number, within, piece in self._pieces(len(view)):
            if number not in self.pages:
                if is_nothing:
                    continue
                self.pages[number] = self._read_page(number)
            self.pages[number][within] = view[piece]
        self.position += len(view)
        return len(view)

    def truncate(self, size: int) -> int:
        self.size = size
        return size

    def flush(self) -> None:
        """Do nothing, since `commit` writes."""

    def commit(self, end: int) -> None:
        """Write to the disk: first the data after `end`, the old end of the file, then the first page."""
        changed: list[tuple[int, memoryview]] = []
        for number, page in sorted(self.pages.items()):
            start = number * PAGE_BYTES
            kept = min(max(end - start, 0), PAGE_BYTES)
            if kept < PAGE_BYTES:
                write_all_at(self.file, memoryview(page)[kept:], start + kept)
            before = self._read_page(number)
            if different := [n for n in range(kept) if page[n] != before[n]]:
                first, last = different[0], different[-1] + 1
                changed.append((start + first, memoryview(page)[first:last]))
        if any(offset >= PAGE_BYTES for offset, _ in changed):
            raise RuntimeError("a change is outside the first page of the file")
        os.fdatasync(self.file)
        for offset, content in changed:
            write_all_at(self.file, content, offset)

    def _pieces(self, size: int) -> Iterator[tuple[int, slice, slice]]:
        """Yield (page number, bytes of the page, bytes of the buffer) of the next `size` bytes."""
        done = 0
        while done < size:
            number, first = divmod(self.position + done, PAGE_BYTES)
            length = min(PAGE_BYTES - first, size - done)
            yield number, slice(first, first + length), slice(done, done + length)
            done += length

    def _read_page(self, number: int) -> bytearray:
        content = os.pread(self.file, PAGE_BYTES, number * PAGE_BYTES)
        return bytearray(content.ljust(PAGE_BYTES, b"\0"))


def open_transaction(file: int, write: Callable[[h5py.File], None]) -> Transaction:
    """Return the uncommitted content of a new file; pages of zeros are left out.

    Objects begin at multiples of 8 bytes, so that no number is split between two pages.
    """
    made = Transaction(file, is_new=True)
    with h5py.File(made, "w", libver=LIBVER_BOUNDS, alignment_threshold=1, alignment_interval=8) as hdf:
        write(hdf)
    return made


def commit(file: int, change: Callable[[h5py.File], None]) -> None:
    """Change an HDF5 file that is open for reading and writing, atomically.

    Raises OSError if it cannot be written; the file is then unchanged.
    """
    end = hdf5_end(file)
    made = Transaction(file)
    with h5py.File(made, "r+", libver=LIBVER_BOUNDS) as hdf:
        change(hdf)
    made.commit(end)


def hdf5_end(file: int) -> int:
    """Return the end [bytes] of the HDF5 content of an open file; bytes after it are ignored."""
    return int.from_bytes(os.pread(file, PAGE_BYTES, 0)[_END_OF_FILE], "little")
