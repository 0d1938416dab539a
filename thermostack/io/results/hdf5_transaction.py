"""An HDF5 file changed in one step: a process killed at any moment leaves it as it was or as it is to be.

HDF5 itself marks a file as open while it writes, and changes it piece by piece; killed in between, it leaves
a file that nothing opens. Here HDF5 writes to a draft in memory that lies over the file. What it added goes
to the end of the file, where nothing refers to it yet, and is flushed to the disk. Only then is the first
page of the file written, in one call, with all that refers to what is new. So what is to be changed later
must stand in the first page: groups made first, before anything else is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import h5py
import numpy as np

from thermostack.io.files.atomic_file import write_all_at

PAGE_BYTES = 4096  # bytes; the system copies a page whole, whatever happens to the process
LIBVER_BOUNDS = ("v110", "v110")  # HDF5 1.10: the structure has checksums
_END_OF_FILE = slice(28, 36)  # where the first block of such a file says where it ends


class Transaction:
    """What HDF5 takes for the file: what is on the disk, and over it what was written since."""

    def __init__(self, file: int, is_new: bool = False) -> None:
        self.file, self.is_new = file, is_new  # a new file holds zeros, room for what will be
        self.size = 0 if is_new else os.fstat(file).st_size
        self.position = 0
        self.pages: dict[int, bytearray] = {}  # by number; what is not here is on the disk, or zeros

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
        """Do nothing: `commit` writes."""

    def commit(self, end: int) -> None:
        """Write to the disk: first what lies beyond `end`, where the file ended, then the first page."""
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
        if any(place >= PAGE_BYTES for place, _ in changed):
            raise RuntimeError("what is changed does not stand in the first page of the file")
        os.fdatasync(self.file)
        for place, content in changed:
            write_all_at(self.file, content, place)

    def _pieces(self, size: int) -> Iterator[tuple[int, slice, slice]]:
        """Yield page by page: its number, which bytes of it, and which of `size` bytes from here."""
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
    """Return what a new file is to hold, nothing of which is on the disk yet; arrays of zeros are left out.

    What it holds begins at multiples of 8 bytes, so that no number lies across two pages.
    """
    made = Transaction(file, is_new=True)
    with h5py.File(made, "w", libver=LIBVER_BOUNDS, alignment_threshold=1, alignment_interval=8) as hdf:
        write(hdf)
    return made


def commit(file: int, change: Callable[[h5py.File], None]) -> None:
    """Change an HDF5 file that is open for reading and writing, in one step.

    Raises OSError where it cannot be written; the file is then as it was.
    """
    end = hdf5_end(file)
    made = Transaction(file)
    with h5py.File(made, "r+", libver=LIBVER_BOUNDS) as hdf:
        change(hdf)
    made.commit(end)


def hdf5_end(file: int) -> int:
    """Return where what HDF5 knows of an open file ends [bytes]; there may be more, which means nothing."""
    return int.from_bytes(os.pread(file, PAGE_BYTES, 0)[_END_OF_FILE], "little")
