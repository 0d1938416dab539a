"""Checkpoint files: the state of a run (numbers, text, arrays), written atomically with a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from thermostack.errors import ResultFileError
from thermostack.io.files.atomic_file import atomic_file, write_all

CHECKPOINT_SUFFIX = ".checkpoint"
State = Mapping[str, Any]  # by name: arrays of numbers, numbers, text, None, lists and nested states

_SIGNATURE = b"thermostack checkpoint 1\n"
_CHECKSUM_BYTES = 32  # bytes
_DTYPE_KINDS = "biufc"  # of arrays; objects are not permitted


def write_checkpoint(path: Path, state: State) -> None:
    """Write a state; it replaces the older one atomically.

    Raises OutputError if it cannot be written, and TypeError if it has values other than numbers, text and
    arrays of numbers.
    """
    pieces = _pieces(state)
    with atomic_file(path, sum(map(len, pieces))) as file:
        for piece in pieces:
            write_all(file, piece)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the state that was written, bit for bit equal, except that tuples become lists.

    Raises ResultFileError if the file is damaged or of another kind, and FileNotFoundError if there is none.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ResultFileError(f"{path}: cannot be read: {error.strerror}") from None
    state = unpack(content)
    if state is None:
        raise ResultFileError(f"{path}: is damaged, or not a checkpoint; start the run again")
    return state


def pack(state: State) -> bytes:
    """Return a state as bytes: JSON with the positions of its arrays, the arrays, and a checksum."""
    return b"".join(_pieces(state))


def _pieces(state: State) -> list[bytes | memoryview]:
    """Return the pieces of `pack`, without copies of the arrays."""
    arrays: list[np.ndarray] = []
    tree = _to_json(state, arrays)
    head = json.dumps([tree, [[array.dtype.str, list(array.shape)] for array in arrays]]).encode()
    flat = [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays if array.size]
    pieces: list[bytes | memoryview] = [_SIGNATURE, len(head).to_bytes(8, "little"), head, *flat]
    checksum = hashlib.sha256()
    for piece in pieces:
        checksum.update(piece)
    return [*pieces, checksum.digest()]


def unpack(content: bytes) -> dict[str, Any] | None:
    """Return the state of bytes that `pack` returned, or None if they are damaged."""
    body = memoryview(content)[:-_CHECKSUM_BYTES]
    if (
        bytes(body[: len(_SIGNATURE)]) != _SIGNATURE
        or hashlib.sha256(body).digest() != content[-_CHECKSUM_BYTES:]
    ):
        return None
    start = len(_SIGNATURE) + 8
    offset = start + int.from_bytes(body[len(_SIGNATURE) : start], "little")
    tree, forms = json.loads(bytes(body[start:offset]))
    arrays = []
    for form, shape in forms:
        dtype, size = np.dtype(form), int(np.prod(shape, dtype=np.int64))
        arrays.append(np.frombuffer(body, dtype, size, offset).reshape(shape).copy())
        offset += size * dtype.itemsize
    state: dict[str, Any] = _from_json(tree, arrays)
    return state


def _to_json(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return part of a state as data for JSON, [kind, content] except for scalars; collect its arrays."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _DTYPE_KINDS:
            raise TypeError(f"an array of {value.dtype} cannot be kept in a checkpoint")
        arrays.append(value)
        return ["array", len(arrays) - 1]
    if isinstance(value, np.generic):
        return _to_json(value.item(), arrays)
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("the names in a checkpoint must be text")
        return ["names", {name: _to_json(item, arrays) for name, item in value.items()}]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return ["list", [_to_json(item, arrays) for item in value]]
    raise TypeError(f"a {type(value).__name__} cannot be kept in a checkpoint")


def _from_json(value: Any, arrays: list[np.ndarray]) -> Any:
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind == "array":
        return arrays[content]
    if kind == "names":
        return {name: _from_json(item, arrays) for name, item in content.items()}
    return [_from_json(item, arrays) for item in content]
