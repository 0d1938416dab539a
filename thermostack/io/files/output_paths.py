"""Where results and pictures go: settled before anything is computed, and never over something else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from thermostack.errors import OutputError

RESULT_SUFFIX = ".vtkhdf"
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")
_SIGNATURES = {
    RESULT_SUFFIX: b"\x89HDF\r\n\x1a\n",
    ".png": b"\x89PNG\r\n\x1a\n",
    ".pdf": b"%PDF",
}  # how such files begin


@dataclass(frozen=True)
class Destination:
    """A directory, there or to be made, and the name a file gets in it where the user gave one."""

    directory: Path
    name: str | None = None  # with its suffix

    def file(self, default: str, suffix: str | None = None) -> Path:
        """Return the path of a file, its suffix replaced where one is given.

        Raises OutputError where something else than a file of its kind stands there.
        """
        path = self.directory / (self.name or default)
        return require_replaceable(path if suffix is None else path.with_name(_stem(path.name) + suffix))


def find_destination(output: str | Path | None, suffixes: tuple[str, ...]) -> Destination:
    """Return where files go: a file of one of the kinds, a directory, or the current one.

    A directory that is not there will be made inside one that is. Raises OutputError where that cannot be.
    """
    path = Path(output if output is not None else "")
    if path.suffix.lower() in suffixes and not path.is_dir():
        return Destination(_directory(path.parent, suffixes), path.name)
    return Destination(_directory(path, suffixes))


def _stem(name: str) -> str:
    """Return a name without the suffix of a result or a picture; "v1.2" has none."""
    stem, dot, end = name.rpartition(".")
    return stem if dot and f".{end.lower()}" in (RESULT_SUFFIX, *FIGURE_SUFFIXES) else name


def _directory(path: Path, suffixes: tuple[str, ...]) -> Path:
    if path.is_dir():
        if not os.access(path, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write into {path}: it is protected")
        return path
    hint = f"name a directory, or a file that ends in {' or '.join(suffixes)}"
    if path.exists() or path.is_symlink():
        raise OutputError(f"{path} is no directory; {hint}")
    if path.suffix or not path.parent.is_dir():
        raise OutputError(f"there is no directory {path}; make it, or {hint}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"cannot make the directory {path}: {path.parent} is protected")
    return path


def require_replaceable(path: Path, mark: bytes | None = None) -> Path:
    """Return the path where nothing stands there, or a file of its own kind, which a newer one may replace.

    `mark` is how such a file begins, where its suffix does not say.
    Raises OutputError for a directory, or a file that is something else than its name says.
    """
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a directory")
    mark = mark or _SIGNATURES.get(path.suffix.lower())
    if mark is not None and path.exists():
        try:
            with path.open("rb") as file:
                is_own_kind = file.read(len(mark)) == mark
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
        if not is_own_kind:
            raise OutputError(
                f"{path} is something else than its name says and is not replaced; move it away"
            )
    return path
