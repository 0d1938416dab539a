"""Arrays and texts in an HDF5 file: written with a checksum each, read without trusting the file."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from thermostack.errors import DescriptionError, Diagnostic, ResultFileError
from thermostack.io.results import hdf5_check
from thermostack.mesh.memory_estimate import available_memory
from thermostack.schema.fields import suggest

CHUNK_BYTES = 2**20  # bytes, about
DEFLATE_LEVEL = 1  # of deflate: higher ones take twice the time for a few per cent
MIN_CHECK_SECONDS = 60.0  # to look a file through, and
MIN_CHECK_RATE = 1e6  # beyond that
MAX_SHOWN_PROBLEMS = 8  # faults of a file

Shape = tuple[int | None, ...]


# -- writing ---------------------------------------------------------------------------------


def write_array(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    """Write an array, packed and with checksums, and return its dataset."""
    if values.size == 0:
        return group.create_dataset(name, data=values)
    chunks = chunk_shape(values.shape, values.dtype.itemsize)
    return group.create_dataset(
        name, data=values, chunks=chunks, compression=DEFLATE_LEVEL, shuffle=True, fletcher32=True
    )


def write_json(group: h5py.Group, name: str, value: Any) -> None:
    """Write plain data as JSON in UTF-8: an array of bytes, since HDF5 keeps no checksum of texts."""
    text = json.dumps(value, ensure_ascii=False).encode()
    write_array(group, name, np.frombuffer(text, dtype=np.uint8))


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return a chunk of about `CHUNK` bytes, whole along the last axes."""
    room = max(CHUNK_BYTES // itemsize, 1)
    chunk: list[int] = []
    for size in reversed(shape):
        chunk.append(max(min(size, room), 1))
        room = max(room // size, 1)
    return tuple(reversed(chunk))


# -- reading ---------------------------------------------------------------------------------


class Hdf5Reader:
    """An open file whose links, layouts and checksums have been looked at."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.file = file

    def fail(self, text: str) -> ResultFileError:
        """Return the error that says what is wrong with this file."""
        return ResultFileError(f"{self.path}: {text}")

    def array(self, name: str, dtype: Any, shape: Shape) -> np.ndarray:
        """Return an array of that type and shape, None for a size that is free."""
        item = self._item(name)
        if not isinstance(item, h5py.Dataset):
            raise self.fail(f"{name} is no array")
        try:
            diagnostic = hdf5_check.layout_problem(item) or _shape_problem(item, np.dtype(dtype), shape)
            values = None if diagnostic else np.asarray(item[()])
        except Exception:  # whatever HDF5 trips over in a broken file is the file's fault
            raise self.fail(f"{name} is damaged") from None
        if values is None:
            raise self.fail(f"{name} {diagnostic}")
        return values

    def json(self, name: str) -> Any:
        """Return the plain data of a JSON text."""
        text = self.array(name, np.uint8, (None,)).tobytes()
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self.fail(f"{name} is not the text it should be") from None

    def names(self, group: str) -> list[str]:
        """Return the names in a group, none where there is no such group."""
        parent, _, last = group.rpartition("/")
        holder = self._item(parent) if parent else self.file
        if not isinstance(holder, h5py.Group) or last not in holder:
            return []
        found = self._item(group)
        return sorted(found) if isinstance(found, h5py.Group) else []

    def _item(self, name: str) -> Any:
        item: Any = self.file
        for piece in name.split("/"):
            try:
                diagnostic = hdf5_check.link_problem(item, piece)
                item = None if diagnostic else item[piece]
            except (KeyError, AttributeError, OSError, RuntimeError, ValueError):
                raise self.fail(f"{name} is missing") from None
            if diagnostic:
                raise self.fail(f"{name} {diagnostic}")
        return item


def _shape_problem(dataset: h5py.Dataset, dtype: np.dtype[Any], shape: Shape) -> str:
    """Return why a dataset is not of the type and shape it should be, "" where it is."""
    if dataset.dtype != dtype:
        return f"holds {dataset.dtype}, not {dtype}"
    sizes = dataset.shape
    if len(sizes) == len(shape) and all(due in (None, n) for n, due in zip(sizes, shape, strict=True)):
        return ""
    due = ", ".join("any" if size is None else str(size) for size in shape)
    return f"has the shape {sizes}, not ({due})"


@contextlib.contextmanager
def open_checked(path: Path, form: int, kind: str) -> Iterator[Hdf5Reader]:
    """Yield a result file of a known format and kind, looked through in a process of its own.

    Raises ResultFileError where it is damaged, foreign, newer, or not safe to read, and DescriptionError
    (E-FILE) where it is not there.
    """
    state = _run_check(path)
    _check_format(path, state, form, kind)
    if state["faults"]:
        shown = "; ".join(state["faults"][:MAX_SHOWN_PROBLEMS])
        more = (
            f"; and {len(state['faults']) - MAX_SHOWN_PROBLEMS} more faults"
            if len(state["faults"]) > MAX_SHOWN_PROBLEMS
            else ""
        )
        raise ResultFileError(f"{path}: {shown}{more} ({len(state['intact'])} datasets are intact)")
    try:
        file = h5py.File(path, "r", locking="best-effort")
    except (OSError, RuntimeError, ValueError) as error:
        raise ResultFileError(f"{path}: cannot be opened: {error}") from None
    with file:
        yield Hdf5Reader(path, file)


def _run_check(path: Path) -> dict[str, Any]:
    """Return what `examine` finds in a file."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ResultFileError(f"{path}: is no file")
    except FileNotFoundError:
        near = [other.name for other in path.parent.glob(f"*{path.suffix}")] if path.parent.is_dir() else []
        diagnostic = Diagnostic("", "there is no such file", suggest(path.name, near), "E-FILE", str(path))
        raise DescriptionError(diagnostic) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ResultFileError(f"{path}: cannot be read: {reason}") from None
    command = [sys.executable, "-P", hdf5_check.__file__, str(path), str(int(0.9 * available_memory()))]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=MIN_CHECK_SECONDS + size / MIN_CHECK_RATE, check=False
        )
    except subprocess.TimeoutExpired:
        raise ResultFileError(f"{path}: HDF5 does not come to an end with it; it is damaged") from None
    if done.returncode != 0:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ResultFileError(f"{path}: HDF5 breaks down on it ({how}); it is damaged, or made to do that")
    state: dict[str, Any] = json.loads(done.stdout)
    return state


def _check_format(path: Path, state: dict[str, Any], form: int, kind: str) -> None:
    found = state["format"]
    if not found and not state["faults"]:
        raise ResultFileError(f"{path}: is HDF5, but no result of thermostack")
    if found and found["format"] > form:
        newer = f"written by thermostack {found['version']} in a newer format"
        raise ResultFileError(f"{path}: {newer}; reading it needs thermostack >= {found['needs']}")
    if found and found["kind"] != kind:
        raise ResultFileError(f"{path}: holds a {found['kind']} result, not a {kind} one")
