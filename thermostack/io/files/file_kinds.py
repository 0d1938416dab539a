"""Kinds of files that are recognised by their first bytes or their suffix, for error messages."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
SIGNATURE_BYTES = 16  # at the beginning of a file; every signature below is shorter


class FileKind(NamedTuple):
    """A kind of file: its name with article, and the advice to a user who gave it as a description."""

    noun: str
    advice: str


_IMAGE = "name the description (YAML) that the figure shows"
_ARCHIVE = "unpack it first"
_CAD = "write its bodies as stacks of layers in YAML; docs/guide/first_package.md shows how"
_TABLE = (
    "name it in a description, as power: {floorplan: FILE} or power: {map: FILE} of a layer, "
    "or after --trace if it contains powers over time"
)
_STACKS = "write each chiplet as a stack with `on`, `at` and its layers in YAML (docs/guide/description.md)"
_FLOORPLAN = (
    'write its blocks as CSV with the header "name,x [mm],y [mm],width [mm],height [mm],power [W]" and name '
    "the file in a layer of a description, power: {floorplan: plan.csv}"
)
_SOURCES = "list its sources as blocks of a layer, and its cuboids as stacks of layers, in YAML"

_BY_SIGNATURE = {
    HDF5_SIGNATURE: FileKind(
        "an HDF5 file, as results are",
        "`thermostack plot` draws a result; to solve it again, name the description (YAML) that it came from",
    ),
    b"\x89PNG\r\n\x1a\n": FileKind("a PNG image", _IMAGE),
    b"\xff\xd8\xff": FileKind("a JPEG image", _IMAGE),
    b"GIF8": FileKind("a GIF image", _IMAGE),
    b"%PDF": FileKind("a PDF document", _IMAGE),
    b"PK\x03\x04": FileKind("a ZIP archive or a workbook", _ARCHIVE),
    b"\x1f\x8b": FileKind("a compressed file", _ARCHIVE),
    b"\x93NUMPY": FileKind("a NumPy array", _TABLE),
    b"\x7fELF": FileKind("a program", "name a description (YAML)"),
}
_BY_SUFFIX = {
    ".3dbx": FileKind("a 3Dblox assembly", _STACKS),
    ".3dbv": FileKind("a 3Dblox chiplet definition", _STACKS),
    ".stk": FileKind(
        "a stack file of 3D-ICE",
        "write its layers as a stack in YAML, from the bottom to the top (3D-ICE lists them from the top), "
        "and its floorplans as CSV files",
    ),
    ".flp": FileKind("a floorplan of HotSpot or 3D-ICE", _FLOORPLAN),
    ".lcf": FileKind(
        "a layer configuration of HotSpot", "write its layers as a stack in YAML, from the bottom to the top"
    ),
    ".ptrace": FileKind(
        "a power trace of HotSpot",
        'write it as CSV with a header like "time [ms],die.core [W]" and name it after --trace of '
        "`thermostack transient`",
    ),
    ".ecxml": FileKind("an ECXML model (JEDEC JEP181)", _SOURCES),
    ".xml": FileKind("an XML file", _SOURCES),
    ".emn": FileKind("an IDF board", _CAD),
    ".idf": FileKind("an IDF board", _CAD),
    ".step": FileKind("a STEP model", _CAD),
    ".stp": FileKind("a STEP model", _CAD),
    ".stl": FileKind("an STL model", _CAD),
    ".svg": FileKind("an SVG image", _IMAGE),
    ".csv": FileKind("a CSV table", _TABLE),
}


def kind_of_content(data: bytes) -> FileKind | None:
    """Return the kind of a file by its first `SIGNATURE_BYTES` bytes, None if they are not recognised."""
    return next((kind for signature, kind in _BY_SIGNATURE.items() if data.startswith(signature)), None)


def kind_of_name(path: Path) -> FileKind | None:
    """Return the kind of a file of another program by its suffix, None if that is not recognised."""
    return _BY_SUFFIX.get(path.suffix.lower())


def dangling_link(path: Path) -> str:
    """Return the problem of a symbolic link whose target does not exist, "" for other paths."""
    if not path.is_symlink() or path.exists():
        return ""
    return f"is a symbolic link to {path.readlink()}, which does not exist"
