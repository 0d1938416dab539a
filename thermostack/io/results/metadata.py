"""Metadata of a result file: format, provenance, and the fields of the result that are stored as JSON."""

from __future__ import annotations

import dataclasses
import platform
import sys
import typing
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import h5py
import numpy as np
from pydantic import TypeAdapter, ValidationError

from thermostack import __version__
from thermostack.io.results.hdf5_arrays import Hdf5Reader
from thermostack.io.results.model_record import input_hash
from thermostack.mesh.model import Model

FORMAT_VERSION = 1  # increased if older versions would misread the file
MIN_READER_VERSION = "0.1.0"  # oldest thermostack that reads this format


def write_format(home: h5py.Group, kind: str) -> None:
    """Write the format, the versions and the kind of a file."""
    home.attrs["format"] = FORMAT_VERSION
    home.attrs["needs"] = MIN_READER_VERSION
    home.attrs["version"] = __version__
    home.attrs["kind"] = kind


def provenance(model: Model) -> dict[str, str]:
    """Return the provenance of a result: versions, time, and a hash of its input."""
    return {
        "thermostack": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "hdf5": h5py.version.hdf5_version,
        "platform": f"{sys.platform} {platform.machine()}",
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": input_hash(model),
    }


def metadata_types(kind: Any, arrays: Collection[str]) -> dict[str, Any]:
    """Return {name: type} of the fields of a result class, except those that are stored as arrays."""
    hints = typing.get_type_hints(kind)
    names = (field.name for field in dataclasses.fields(kind) if field.init)
    return {name: hints[name] for name in names if name not in arrays}


def plain_metadata(metadata: dict[str, Any], types: dict[str, Any]) -> dict[str, Any]:
    """Return metadata as plain data for JSON."""
    return {name: TypeAdapter(hint).dump_python(metadata[name], mode="json") for name, hint in types.items()}


def read_metadata(
    stored: Hdf5Reader, name: str, types: dict[str, Any], defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the metadata in a JSON dataset.

    `defaults` are the values of fields that files of earlier versions do not have. Raises ResultFileError if
    another field is missing, or if one is invalid.
    """
    written = stored.json(name)
    metadata = {}
    for key, hint in types.items():
        if defaults is not None and key in defaults and isinstance(written, dict) and key not in written:
            metadata[key] = defaults[key]
            continue
        if not isinstance(written, dict) or key not in written:
            raise stored.fail(f"{name} has no field {key}")
        try:
            metadata[key] = TypeAdapter(hint).validate_python(written[key])
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(piece) for piece in (key, *first["loc"]))
            raise stored.fail(f"{name}.{field}: {first['msg']}") from None
    return metadata
