"""Paths of results and figures, checked before anything is computed; other files are never replaced."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thermostack.errors import OutputError
from thermostack.io.files.file_kinds import HDF5_SIGNATURE, dangling_link

RESULT_SUFFIX = ".vtkhdf"
DESCRIPTION_SUFFIXES = (".yaml", ".yml")
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
_SIGNATURES = {
    RESULT_SUFFIX: HDF5_SIGNATURE,
    ".png": b"\x89PNG\r\n\x1a\n",
    ".pdf": b"%PDF",
    ".svg": b"<?xml",
}  # first bytes of files


@dataclass(frozen=True)
class Destination:
    """A directory, which may not exist yet, and the file name if the user gave one."""

    directory: Path
    name: str | None = None  # with its suffix

    def file(self, default: str, suffix: str | None = None) -> Path:
        """Return the path of a file, with another suffix if one is given.

        Raises OutputError if a file of another kind exists there.
        """
        path = self.directory / (self.name or default)
        return require_replaceable(path if suffix is None else path.with_name(_stem(path.name) + suffix))


def find_destination(output: str | Path | None, suffixes: tuple[str, ...]) -> Destination:
    """Return the destination of an option: a file with one of the suffixes, or a directory.

    The default is the current directory. A missing directory is created later inside an existing one. Raises
    OutputError if that is impossible.
    """
    path = Path(output if output is not None else "")
    if path.suffix.lower() in suffixes and not path.is_dir():
        return Destination(_directory(path.parent, suffixes), path.name)
    return Destination(_directory(path, suffixes))


def require_suffix(path: str | Path, suffixes: Sequence[str]) -> Path:
    """Return a path that ends in one of some suffixes. Raises OutputError for another one."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise OutputError(f"cannot write {path}: name a file that ends in {' or '.join(suffixes)}")
    return path


def _stem(name: str) -> str:
    """Return a name without the suffix of a result or a figure; "v1.2" has none."""
    stem, dot, end = name.rpartition(".")
    return stem if dot and f".{end.lower()}" in (RESULT_SUFFIX, *FIGURE_SUFFIXES) else name


def _directory(path: Path, suffixes: tuple[str, ...]) -> Path:
    if path.is_dir():
        if not os.access(path, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write into {path}: it is write-protected")
        return path
    hint = f"name a directory, or a file that ends in {' or '.join(suffixes)}"
    if path.exists() or path.is_symlink():
        raise OutputError(f"{path} is not a directory; {hint}")
    if path.suffix or not path.parent.is_dir():
        raise OutputError(f"there is no directory {path}; create it, or {hint}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot create the directory {path}: {path.parent} is write-protected")
    return path


def require_result_path(path: Path) -> Path:
    """Return the path if no file exists there, or an HDF5 file, which a result may replace.

    Raises OutputError for a directory and for a file of another kind, whatever its suffix.
    """
    return require_replaceable(path, _SIGNATURES[RESULT_SUFFIX])


def require_replaceable(path: Path, mark: bytes | None = None) -> Path:
    """Return the path if no file exists there, or a file of the same kind, which may be replaced.

    `mark` is the beginning of such a file, if it does not follow from the suffix. Raises OutputError for a
    directory and for a file of another kind.
    """
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a directory")
    if dangling_link(path) and not os.path.isdir(os.path.dirname(os.path.realpath(path))):
        problem = f"it {dangling_link(path)} and cannot be created"
        raise OutputError(f"cannot write {path}: {problem}; remove the link")
    mark = mark or _SIGNATURES.get(path.suffix.lower())
    if mark is not None and path.exists():
        try:
            with path.open("rb") as file:
                is_own_kind = file.read(len(mark)) in (mark, b"")  # an empty file has nothing to lose
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
        if not is_own_kind:
            raise OutputError(
                f"{path} has another content than its name suggests and is not replaced; move it away"
            )
    return path
