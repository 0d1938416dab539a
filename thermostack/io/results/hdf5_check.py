"""An HDF5 file from anywhere, looked through before it is believed, by a process of its own.

HDF5 follows links out of the file, reads other files as "external storage", loads filters from
libraries, fills what is missing with zeros, and crashes on some damaged or crafted files. So every link,
layout, filter and checksum is checked here first. This file needs nothing of this package: the process
that runs it starts quickly, and where it dies, the one that started it lives.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5z

KNOWN_FILTERS = {h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32}
MAX_OBJECTS = 20_000
MAX_CHUNK_BYTES = 2**28  # bytes
ROOT_GROUP = "thermostack"  # the group that makes a VTKHDF file a result
FRAMES_DATASET = (
    "VTKHDF/CellData/temperature"  # of four axes in a film: read frame by frame, and checked then
)


def link_problem(group: h5py.Group, name: str) -> str:
    """Return why a name of a group cannot be followed, "" where it can."""
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        return "is a link to another file, which is not followed"
    if isinstance(link, h5py.SoftLink):
        return "is a link, which is not followed"
    return ""


def layout_problem(dataset: h5py.Dataset, is_film: bool = False) -> str:
    """Return why the values of a dataset cannot be trusted to be in this file, "" where they can.

    The last frame of a film is empty.
    """
    properties = dataset.id.get_create_plist()
    if properties.get_external_count() > 0:
        return "keeps its values in another file, which is not read"
    if properties.get_layout() == h5d.VIRTUAL:
        return "is made of other datasets, which are not read"
    filters = {properties.get_filter(n)[0] for n in range(properties.get_nfilters())}
    if filters - KNOWN_FILTERS:
        return f"is packed by an unknown filter ({', '.join(map(str, sorted(filters - KNOWN_FILTERS)))})"
    if dataset.shape is None:
        return "has no values"
    if dataset.size and properties.get_layout() == h5d.CHUNKED:
        chunk = dataset.chunks
        if int(np.prod(chunk, dtype=object)) * dataset.dtype.itemsize > MAX_CHUNK_BYTES:
            return f"is cut into chunks of {chunk}, which is too large"
        sizes = (dataset.shape[0] - is_film, *dataset.shape[1:])
        expected = int(np.prod([-(-n // c) for n, c in zip(sizes, chunk, strict=True)], dtype=object))
        if dataset.id.get_num_chunks() != expected:
            return f"has {dataset.id.get_num_chunks()} of its {expected} chunks"
    elif dataset.size and dataset.id.get_storage_size() < dataset.size * dataset.dtype.itemsize:
        return "claims more values than the file has"
    return ""


def value_problem(dataset: h5py.Dataset) -> str:
    """Return which piece of a dataset cannot be read, "" where all can."""
    if dataset.chunks is None or not dataset.size:
        try:
            dataset[()]
        except (OSError, RuntimeError, ValueError):
            return "cannot be read"
        return ""
    for n, piece in enumerate(dataset.iter_chunks()):
        try:
            dataset[piece]
        except (OSError, RuntimeError, ValueError):
            return f"is damaged: checksum of chunk {n}"
    return ""


def walk_objects(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield every name in a file with its group or dataset, or with the fault of its link as a text."""
    waiting: list[tuple[str, h5py.Group]] = [("", file)]
    seen = set()
    count = 0
    while waiting:
        path, group = waiting.pop()
        if hash(group.id) in seen:
            yield path, "is a group inside itself"
            continue
        seen.add(hash(group.id))
        for name in sorted(group):
            count += 1
            if count > MAX_OBJECTS:
                yield path, f"holds more than {MAX_OBJECTS} objects"
                return
            full = f"{path}/{name}".lstrip("/")
            if diagnostic := link_problem(group, name):
                yield full, diagnostic
                continue
            try:
                item = group[name]
            except (OSError, RuntimeError, KeyError, ValueError):
                yield full, "cannot be opened"
                continue
            yield full, item
            if isinstance(item, h5py.Group):
                waiting.append((full, item))


def check_hdf5(path: str, most: int) -> dict[str, Any]:
    """Return the faults of a file, its intact datasets, and what it says of its format.

    `most` is how many bytes its values may take together.
    """
    diagnostics: list[str] = []
    intact: list[str] = []
    try:
        file = h5py.File(path, "r", locking="best-effort")
    except (OSError, RuntimeError, ValueError) as error:
        return {"faults": [f"cannot be opened as HDF5: {_cause(error)}"], "intact": [], "format": {}}
    form: dict[str, Any] = {}
    with file:
        try:
            form = _read_format(file)
            _check_objects(file, most, diagnostics, intact)
        except Exception as error:  # whatever HDF5 trips over in a broken file is the file's fault
            diagnostics.append(f"is damaged: {_cause(error)}")
    return {"faults": diagnostics, "intact": intact, "format": form}


def _check_objects(file: h5py.File, most: int, diagnostics: list[str], intact: list[str]) -> None:
    """Add the faults of a file and the names of its intact datasets to the two lists."""
    total = 0
    for name, item in walk_objects(file):
        diagnostic = item if isinstance(item, str) else ""
        if isinstance(item, h5py.Dataset):
            is_film = name == FRAMES_DATASET and item.ndim == 4
            total += _memory_bytes(item, is_film)
            if total > most:
                diagnostics.append(
                    f"{name} claims {total / 1e9:.3g} GB, {most / 1e9:.3g} GB of memory are free"
                )
                return
            diagnostic = layout_problem(item, is_film) or ("" if is_film else value_problem(item))
            if not diagnostic:
                intact.append(name)
        if diagnostic:
            diagnostics.append(f"{name} {diagnostic}")


def _memory_bytes(dataset: h5py.Dataset, is_film: bool) -> int:
    """Return how much memory a dataset takes when it is read: of a film, a frame."""
    if dataset.shape is None:
        return 0
    count = int(np.prod(dataset.shape[1:] if is_film else dataset.shape, dtype=object))
    return count * int(dataset.dtype.itemsize)


def _read_format(file: h5py.File) -> dict[str, Any]:
    """Return what a result says of its format, {} where it is none."""
    try:
        if link_problem(file, ROOT_GROUP):
            return {}
        attributes = file[ROOT_GROUP].attrs
        number = attributes["format"]
        texts = {key: attributes[key] for key in ("needs", "version", "kind")}
    except (KeyError, OSError, RuntimeError, ValueError, AttributeError):
        return {}
    if not isinstance(number, np.integer) or not all(isinstance(text, str) for text in texts.values()):
        return {}
    return {"format": int(number), **{key: text[:100] for key, text in texts.items()}}


def _cause(error: Exception) -> str:
    """Return what HDF5 says, without its wrapping."""
    text = str(error)
    return text[text.rfind("(") + 1 :].rstrip(")") if "(" in text else text


if __name__ == "__main__":
    sys.stdout.write(json.dumps(check_hdf5(sys.argv[1], int(sys.argv[2]))))
