"""The state of a run in a file: numbers, texts and arrays, written whole and with a checksum."""

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
State = Mapping[str, Any]  # of names: arrays of numbers, numbers, texts, None; lists and states of such

_SIGNATURE = b"thermostack checkpoint 1\n"
_CHECKSUM_BYTES = 32  # bytes
_DTYPE_KINDS = "biufc"  # of arrays: nothing that is or hides an object


def write_checkpoint(path: Path, state: State) -> None:
    """Write a state, in place of the last one when all of it is on the disk.

    Raises OutputError where it cannot be written, TypeError where it holds something else than numbers, texts
    and arrays of numbers.
    """
    pieces = _pieces(state)
    with atomic_file(path, sum(map(len, pieces))) as file:
        for piece in pieces:
            write_all(file, piece)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the state that was written, equal to the last bit; lists for tuples.

    Raises ResultFileError where the file is damaged or something else, FileNotFoundError where there is none.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ResultFileError(f"{path}: cannot be read: {error.strerror}") from None
    state = unpack(content)
    if state is None:
        raise ResultFileError(f"{path}: is damaged, or no checkpoint; start the run anew")
    return state


def pack(state: State) -> bytes:
    """Return a state as bytes: a line of JSON that holds its arrays' places, the arrays, a checksum."""
    return b"".join(_pieces(state))


def _pieces(state: State) -> list[bytes | memoryview]:
    """Return what `pack` puts together; arrays are not copied."""
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
    """Return the state in what `pack` made, None where that is not whole."""
    body = memoryview(content)[:-_CHECKSUM_BYTES]
    if (
        bytes(body[: len(_SIGNATURE)]) != _SIGNATURE
        or hashlib.sha256(body).digest() != content[-_CHECKSUM_BYTES:]
    ):
        return None
    start = len(_SIGNATURE) + 8
    place = start + int.from_bytes(body[len(_SIGNATURE) : start], "little")
    tree, forms = json.loads(bytes(body[start:place]))
    arrays = []
    for form, shape in forms:
        dtype, size = np.dtype(form), int(np.prod(shape, dtype=np.int64))
        arrays.append(np.frombuffer(body, dtype, size, place).reshape(shape).copy())
        place += size * dtype.itemsize
    state: dict[str, Any] = _from_json(tree, arrays)
    return state


def _to_json(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return a piece of a state as JSON has it, its arrays collected: [kind, content] for all but scalars."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in _DTYPE_KINDS:
            raise TypeError(f"an array of {value.dtype} cannot be kept in a checkpoint")
        arrays.append(value)
        return ["array", len(arrays) - 1]
    if isinstance(value, np.generic):
        return _to_json(value.item(), arrays)
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("the names in a checkpoint are texts")
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
