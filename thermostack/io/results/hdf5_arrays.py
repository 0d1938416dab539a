"""Arrays and JSON texts in an HDF5 file: writing with checksums, and validated reading."""

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
from thermostack.io.files.file_kinds import (
    HDF5_SIGNATURE,
    SIGNATURE_BYTES,
    dangling_link,
    kind_of_content,
    kind_of_name,
)
from thermostack.io.results import hdf5_check
from thermostack.mesh.memory_estimate import available_memory
from thermostack.schema.spelling import suggest

CHUNK_BYTES = 2**20  # approximate size of a chunk
DEFLATE_LEVEL = 1  # higher levels take twice the time for a few per cent of space
MIN_CHECK_SECONDS = 60.0  # time limit of the check of a file, plus its size divided by
MIN_CHECK_RATE = 1e6  # bytes/s
MAX_SHOWN_PROBLEMS = 8  # per file

Shape = tuple[int | None, ...]
_READERS = {"steady": "read_result in Python", "transient": "read_transient in Python"}  # by kind


# -- writing ---------------------------------------------------------------------------------


def write_array(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    """Write an array with compression and checksums, and return its dataset."""
    if values.size == 0:
        return group.create_dataset(name, data=values)
    chunks = chunk_shape(values.shape, values.dtype.itemsize)
    return group.create_dataset(
        name, data=values, chunks=chunks, compression=DEFLATE_LEVEL, shuffle=True, fletcher32=True
    )


def write_json(group: h5py.Group, name: str, value: Any) -> None:
    """Write plain data as JSON in UTF-8, in an array of bytes, since HDF5 text has no checksum."""
    text = json.dumps(value, ensure_ascii=False).encode()
    write_array(group, name, np.frombuffer(text, dtype=np.uint8))


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the shape of a chunk of about `CHUNK_BYTES`, complete along the last axes."""
    remaining = max(CHUNK_BYTES // itemsize, 1)
    chunk: list[int] = []
    for size in reversed(shape):
        chunk.append(max(min(size, remaining), 1))
        remaining = max(remaining // size, 1)
    return tuple(reversed(chunk))


# -- reading ---------------------------------------------------------------------------------


class Hdf5Reader:
    """Reader of an open file whose links, layouts and checksums were checked."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self.file = file

    def fail(self, text: str) -> ResultFileError:
        """Return the error of this file with a message."""
        return ResultFileError(f"{self.path}: {text}")

    def array(self, name: str, dtype: Any, shape: Shape) -> np.ndarray:
        """Return an array of a type and shape; None in the shape permits any size."""
        item = self._item(name)
        if not isinstance(item, h5py.Dataset):
            raise self.fail(f"{name} is not an array")
        try:
            diagnostic = hdf5_check.layout_problem(item) or _shape_problem(item, np.dtype(dtype), shape)
            values = None if diagnostic else np.asarray(item[()])
        except Exception:  # HDF5 raises many kinds of errors for damaged files
            raise self.fail(f"{name} is damaged") from None
        if values is None:
            raise self.fail(f"{name} {diagnostic}")
        return values

    def json(self, name: str) -> Any:
        """Return the plain data of a JSON dataset."""
        text = self.array(name, np.uint8, (None,)).tobytes()
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self.fail(f"{name} is not JSON text") from None

    def names(self, group: str) -> list[str]:
        """Return the names in a group, or an empty list if there is no such group."""
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
    """Return the problem of the type or shape of a dataset, or "" if they are as expected."""
    if dataset.dtype != dtype:
        return f"has type {dataset.dtype}, not {dtype}"
    sizes = dataset.shape
    if len(sizes) == len(shape) and all(size in (None, n) for n, size in zip(sizes, shape, strict=True)):
        return ""
    expected = ", ".join("any" if size is None else str(size) for size in shape)
    return f"has the shape {sizes}, not ({expected})"


def result_kind(path: Path) -> str:
    """Return the kind of a result file, "steady" or "transient"; "" if it is not known.

    Raises the errors of `open_checked` for a file that is not HDF5, or that does not exist.
    """
    found = _run_check(path)["format"]
    return str(found["kind"]) if found else ""


@contextlib.contextmanager
def open_checked(path: Path, form: int, kind: str) -> Iterator[Hdf5Reader]:
    """Yield a reader of a result file of a format and kind, after a check in a separate process.

    Raises ResultFileError if the file is damaged, of another program, newer, or not safe to read, and
    DescriptionError (E-FILE) if it does not exist.
    """
    state = _run_check(path)
    _check_format(path, state, form, kind)
    if state["faults"]:
        problems = "; ".join(state["faults"][:MAX_SHOWN_PROBLEMS])
        more = (
            f"; and {len(state['faults']) - MAX_SHOWN_PROBLEMS} more faults"
            if len(state["faults"]) > MAX_SHOWN_PROBLEMS
            else ""
        )
        raise ResultFileError(f"{path}: {problems}{more} ({len(state['intact'])} datasets are intact)")
    try:
        file = h5py.File(path, "r", locking="best-effort")
    except (OSError, RuntimeError, ValueError) as error:
        raise ResultFileError(f"{path}: cannot be opened: {error}") from None
    with file:
        yield Hdf5Reader(path, file)


def _run_check(path: Path) -> dict[str, Any]:
    """Return the result of `check_hdf5` in a separate process."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ResultFileError(f"{path}: is not a file")
        with path.open("rb") as stream:
            _refuse_other_kind(path, stream.read(SIGNATURE_BYTES))
    except FileNotFoundError:
        if problem := dangling_link(path):
            raise DescriptionError(Diagnostic("", problem, "", "E-FILE", str(path))) from None
        near = [other.name for other in path.parent.glob(f"*{path.suffix}")] if path.parent.is_dir() else []
        hint = suggest(path.name, near) or "`thermostack solve` and `transient` write results, as NAME.vtkhdf"
        diagnostic = Diagnostic("", "there is no such file", hint, "E-FILE", str(path))
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
        raise ResultFileError(f"{path}: HDF5 does not finish reading it; the file is damaged") from None
    if done.returncode != 0:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
        raise ResultFileError(f"{path}: HDF5 crashes on it ({how}); the file is damaged or malicious")
    state: dict[str, Any] = json.loads(done.stdout)
    return state


def _refuse_other_kind(path: Path, head: bytes) -> None:
    """Raise ResultFileError for a file that is recognised as something else than HDF5 by its first bytes."""
    if head.startswith(HDF5_SIGNATURE):
        return
    if path.suffix.lower() in (".yaml", ".yml"):
        hint = "`thermostack solve` computes its result"
        raise ResultFileError(f"{path}: is a description, not a result; {hint}")
    kind = kind_of_content(head) or kind_of_name(path)
    if kind is not None:
        raise ResultFileError(f"{path}: is {kind.noun}, not a result; results end in .vtkhdf")


def _check_format(path: Path, state: dict[str, Any], form: int, kind: str) -> None:
    found = state["format"]
    if not found and not state["faults"]:
        raise ResultFileError(f"{path}: is HDF5, but not a result of thermostack")
    if found and found["format"] > form:
        newer = f"written by thermostack {found['version']} in a newer format"
        raise ResultFileError(f"{path}: {newer}; reading it needs thermostack >= {found['needs']}")
    if found and found["kind"] != kind:
        reader = f"{_READERS.get(found['kind'], 'ParaView and PyVista')} reads it"
        raise ResultFileError(f"{path}: contains a {found['kind']} result, not a {kind} result; {reader}")
