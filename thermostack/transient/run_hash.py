"""Hash of the inputs of a transient run, by which a resumed run recognises its checkpoint."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from thermostack.results.steady_result import SteadyResult
from thermostack.transient.trace import Origin


def run_hash(*inputs: Any) -> str:
    """Return the SHA-256 hash of all inputs of a run except its model."""
    digest = hashlib.sha256()
    for piece in _bytes_of(list(inputs)):
        digest.update(piece)
    return digest.hexdigest()


def _bytes_of(value: Any) -> Iterator[bytes]:
    """Yield bytes that differ between values that give different results."""
    if isinstance(value, np.ndarray):
        yield f"{value.shape}{value.dtype}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, Mapping):
        yield from _bytes_of([list(value), list(value.values())])
    elif isinstance(value, (list, tuple)):
        yield f"[{len(value)}".encode()
        for item in value:
            yield from _bytes_of(item)
    elif isinstance(value, SteadyResult):
        yield from _bytes_of(value.field)
    elif isinstance(value, Origin):
        return  # the file that a trace was read from does not change the result
    elif callable(value):
        yield f"{value.__module__}.{value.__qualname__}".encode()
    elif dataclasses.is_dataclass(value):
        yield type(value).__name__.encode()
        yield from _bytes_of([getattr(value, field.name) for field in dataclasses.fields(value)])
    elif hasattr(value, "__dict__"):
        yield type(value).__name__.encode()
        yield from _bytes_of({name: item for name, item in vars(value).items() if not name.startswith("_")})
    else:
        yield repr(value).encode()
