"""Frames of a transient in a VTKHDF file: allocated at the start, written one by one, and read.

A frame is a field of temperatures [K] as float32, in uncompressed chunks, each with a checksum. HDF5 gives
the file offsets of the chunks; frames are written there directly, so that the structure of the file never
changes. After the last frame there is an empty one without disk space, which reads as NaN: each step points
to it until its own frame is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from thermostack.errors import ResultFileError
from thermostack.io.files.atomic_file import write_all_at
from thermostack.io.results import hdf5_check
from thermostack.io.results.hdf5_arrays import chunk_shape

FRAMES_DATASET = hdf5_check.FRAMES_DATASET
FRAME_INDEX_DATASET = "VTKHDF/Steps/CellDataOffsets/temperature"  # number of the frame of each step
_CHECKSUM = 4  # bytes, at the end of a chunk

Shape = tuple[int, int, int]


def allocate_frames(cells: h5py.Group, shape: Shape, count: int) -> h5py.Dataset:
    """Allocate `count` frames of a shape (nz, ny, nx), filled with zeros, and the empty frame."""
    chunk = _chunk(shape)
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((1, *chunk))
    properties.set_fletcher32()
    properties.set_fill_value(np.array(np.nan, np.float32))
    space = h5py.h5s.create_simple((count + 1, *shape))
    name = FRAMES_DATASET.rpartition("/")[2].encode()
    made = h5py.h5d.create(cells.id, name, h5py.h5t.IEEE_F32LE, space, properties)
    zeros = bytes(int(np.prod(chunk)) * 4 + _CHECKSUM)  # the checksum of zeros is zero
    for corner in np.ndindex(count, *_pieces(shape, chunk)):
        made.write_direct_chunk(tuple(n * size for n, size in zip(corner, (1, *chunk), strict=True)), zeros)
    return h5py.Dataset(made)


def frame_bytes(shape: Shape, count: int) -> int:
    """Return the disk space [bytes] of the frames."""
    chunk = _chunk(shape)
    pieces = np.prod(_pieces(shape, chunk), dtype=object)
    return int(count * pieces * (np.prod(chunk, dtype=object) * 4 + _CHECKSUM))


def _pieces(shape: Shape, chunk: Shape) -> list[int]:
    return [-(-n // size) for n, size in zip(shape, chunk, strict=True)]


def _chunk(shape: Shape) -> Shape:
    """Return the shape of a chunk of at most about 1 MB that divides the shape evenly."""
    nz, ny, nx = (-(-n // -(-n // c)) for n, c in zip(shape, chunk_shape(shape, 4), strict=True))
    return nz, ny, nx


class ChunkOffsets:
    """The offsets [bytes] of the chunks of all frames in a file."""

    def __init__(self, hdf: h5py.File) -> None:
        dataset = hdf[FRAMES_DATASET]
        self.shape: Shape = dataset.shape[1:]
        self.chunk: Shape = dataset.chunks[1:]
        self.offsets = np.zeros((dataset.shape[0] - 1, *_pieces(self.shape, self.chunk)), dtype=np.int64)
        for n in np.ndindex(self.offsets.shape):
            corner = tuple(i * size for i, size in zip(n, dataset.chunks, strict=True))
            self.offsets[n] = dataset.id.get_chunk_info_by_coord(corner).byte_offset

    def write(self, file: int, n: int, field: np.ndarray) -> None:
        """Write a field (nz, ny, nx) [K] to frame n of an open file."""
        for piece in np.ndindex(self.offsets.shape[1:]):
            window = tuple(slice(i * c, (i + 1) * c) for i, c in zip(piece, self.chunk, strict=True))
            part = field[window]
            chunk = np.zeros(self.chunk, "<f4")  # values beyond the grid are never read
            chunk[tuple(slice(size) for size in part.shape)] = part
            content = chunk.tobytes()
            content += fletcher32(content).to_bytes(_CHECKSUM, "little")
            write_all_at(file, content, int(self.offsets[(n, *piece)]))


class FrameWriter:
    """Writer of frames into an open file, in which each step then refers to its frame."""

    def __init__(self, file: int, hdf: h5py.File) -> None:
        self.file = file
        self._offsets = ChunkOffsets(hdf)
        self._steps, self._count = hdf[FRAME_INDEX_DATASET].id.get_offset(), hdf[FRAME_INDEX_DATASET].size

    def write(self, n: int, field: np.ndarray) -> None:
        """Write a field (nz, ny, nx) [K] to frame n, and refer to it from step n."""
        self._offsets.write(self.file, n, field)
        self._set_frame_index(n, n)

    def hide_after(self, count: int) -> None:
        """Refer from all steps after the first `count` to the empty frame."""
        for n in range(count, self._count):
            self._set_frame_index(n, self._count)

    def _set_frame_index(self, step: int, frame: int) -> None:
        write_all_at(self.file, frame.to_bytes(8, "little"), self._steps + 8 * step)


def fletcher32(content: bytes) -> int:
    """Return the checksum that HDF5 appends to a chunk of an even number of bytes.

    J. G. Fletcher (IEEE Trans. Communications 30, 247, 1982), over words of 16 bits with the high byte first,
    modulo 65535. Nonzero sums are represented by 1 to 65535, as in HDF5.
    """
    words = np.frombuffer(content, ">u2").astype(np.uint64)
    sums = int(words.sum()), int(words @ np.arange(words.size, 0, -1, dtype=np.uint64))
    low, high = ((total - 1) % 65535 + 1 if total else 0 for total in sums)
    return high << 16 | low


class FrameSequence:
    """The frames of a transient, read from its file on access: `frames[3]` is a field (nz, ny, nx) [K].

    It is indexed like an array (frames, nz, ny, nx) of float32; `numpy.asarray(frames)` reads all frames.
    Raises ResultFileError if an accessed frame is damaged.
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(self, path: Path, count: int, shape: Shape) -> None:
        self.path = path.absolute()
        self.shape = (count, *shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> np.ndarray:
        first, *rest = key if isinstance(key, tuple) else (key,)
        within = tuple(rest)
        if isinstance(first, (int, np.integer)) and not -len(self) <= first < len(self):
            raise IndexError(f"there are {len(self)} frames, not {first}")
        which = np.arange(len(self))[first]
        try:
            with h5py.File(self.path, "r", locking="best-effort") as hdf:
                dataset = hdf[FRAMES_DATASET]
                if diagnostic := self._diagnostic(dataset):
                    raise ResultFileError(f"{self.path}: {FRAMES_DATASET} {diagnostic}")
                if which.ndim == 0:
                    return np.asarray(dataset[int(which)][within])
                shape = np.broadcast_to(np.float32(0.0), self.shape[1:])[within].shape
                values = np.empty((which.size, *shape), np.float32)
                for n, frame in enumerate(which.tolist()):
                    values[n] = dataset[frame][within]
        except (OSError, RuntimeError, KeyError) as error:
            raise ResultFileError(f"{self.path}: {FRAMES_DATASET}[{key}] is damaged: {error}") from None
        return values

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[n] for n in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def _diagnostic(self, dataset: Any) -> str:
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype != self.dtype:
            return "is not an array of float32"
        if dataset.shape[1:] != self.shape[1:] or dataset.shape[0] <= len(self):
            return f"has the shape {dataset.shape}, not {self.shape}"
        return ""
