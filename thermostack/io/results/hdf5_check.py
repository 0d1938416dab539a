"""Safety check of an HDF5 file of unknown origin, in a separate process before the file is read.

HDF5 follows links to other files, reads other files as "external storage", loads filters from libraries,
fills missing data with zeros, and crashes on some damaged or malicious files. Therefore every link, layout,
filter and checksum is checked first. This file imports nothing of this package, so that its process starts
quickly; if HDF5 crashes, only that process ends.
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
ROOT_GROUP = "thermostack"  # group that only result files of thermostack have
FRAMES_DATASET = "VTKHDF/CellData/temperature"  # 4 axes in a transient; read and checked frame by frame


def link_problem(group: h5py.Group, name: str) -> str:
    """Return the problem of a link in a group, or "" if there is none."""
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        return "is a link to another file; such links are not followed"
    if isinstance(link, h5py.SoftLink):
        return "is a soft link; such links are not followed"
    return ""


def layout_problem(dataset: h5py.Dataset, has_frames: bool = False) -> str:
    """Return the problem of the storage of a dataset, or "" if all its values are in this file.

    With `has_frames` the last frame is allowed to be empty.
    """
    properties = dataset.id.get_create_plist()
    if properties.get_external_count() > 0:
        return "stores its values in another file; such files are not read"
    if properties.get_layout() == h5d.VIRTUAL:
        return "is a virtual dataset; such datasets are not read"
    filters = {properties.get_filter(n)[0] for n in range(properties.get_nfilters())}
    if filters - KNOWN_FILTERS:
        return f"has an unknown filter ({', '.join(map(str, sorted(filters - KNOWN_FILTERS)))})"
    if dataset.shape is None:
        return "has no values"
    if dataset.size and properties.get_layout() == h5d.CHUNKED:
        chunk = dataset.chunks
        if int(np.prod(chunk, dtype=object)) * dataset.dtype.itemsize > MAX_CHUNK_BYTES:
            return f"has chunks of shape {chunk}, which is too large"
        sizes = (dataset.shape[0] - has_frames, *dataset.shape[1:])
        expected = int(np.prod([-(-n // c) for n, c in zip(sizes, chunk, strict=True)], dtype=object))
        if dataset.id.get_num_chunks() != expected:
            return f"has {dataset.id.get_num_chunks()} of its {expected} chunks"
    elif dataset.size and dataset.id.get_storage_size() < dataset.size * dataset.dtype.itemsize:
        return "declares more values than the file contains"
    return ""


def value_problem(dataset: h5py.Dataset) -> str:
    """Return which chunk of a dataset cannot be read, or "" if all can be."""
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
    """Yield the name of every object in a file, with its group or dataset, or with its problem as text."""
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
                yield path, f"contains more than {MAX_OBJECTS} objects"
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


def check_hdf5(path: str, max_bytes: int) -> dict[str, Any]:
    """Return the problems of a file ("faults"), its intact datasets ("intact") and its "format".

    `max_bytes` is the memory that all values together may take.
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
            _check_objects(file, max_bytes, diagnostics, intact)
        except Exception as error:  # HDF5 raises many kinds of errors for damaged files
            diagnostics.append(f"is damaged: {_cause(error)}")
    return {"faults": diagnostics, "intact": intact, "format": form}


def _check_objects(file: h5py.File, max_bytes: int, diagnostics: list[str], intact: list[str]) -> None:
    """Add the problems of a file and the names of its intact datasets to the two lists."""
    total = 0
    for name, item in walk_objects(file):
        diagnostic = item if isinstance(item, str) else ""
        if isinstance(item, h5py.Dataset):
            has_frames = name == FRAMES_DATASET and item.ndim == 4
            total += _memory_bytes(item, has_frames)
            if total > max_bytes:
                diagnostics.append(
                    f"{name} needs {total / 1e9:.3g} GB of memory, {max_bytes / 1e9:.3g} GB are available"
                )
                return
            diagnostic = layout_problem(item, has_frames) or ("" if has_frames else value_problem(item))
            if not diagnostic:
                intact.append(name)
        if diagnostic:
            diagnostics.append(f"{name} {diagnostic}")


def _memory_bytes(dataset: h5py.Dataset, has_frames: bool) -> int:
    """Return the memory [bytes] of the values of a dataset, or of one frame of a dataset of frames."""
    if dataset.shape is None:
        return 0
    count = int(np.prod(dataset.shape[1:] if has_frames else dataset.shape, dtype=object))
    return count * int(dataset.dtype.itemsize)


def _read_format(file: h5py.File) -> dict[str, Any]:
    """Return format number, versions and kind of a result file, or {} if it is not one."""
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
    """Return the innermost message of an HDF5 error."""
    text = str(error)
    return text[text.rfind("(") + 1 :].rstrip(")") if "(" in text else text


if __name__ == "__main__":
    sys.stdout.write(json.dumps(check_hdf5(sys.argv[1], int(sys.argv[2]))))
