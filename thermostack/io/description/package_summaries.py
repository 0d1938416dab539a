"""Stored facts of the shipped packages, so that listing them does not read their descriptions.

The module imports neither the reader of descriptions nor their classes, which take most of a second.
"""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

SUMMARIES = "summaries.json"  # written by benchmarks/reference_packages.py
PEAKS = "peaks.json"  # written by benchmarks/reference_packages.py
SUFFIXES_READ = (".yaml", ".csv", ".npy")  # of the files from which packages are read


def shipped_peaks() -> dict[str, dict[str, Any]]:
    """Return the results of the shipped packages on their default grids by name.

    Each has the maximum temperature [K], its estimated error [K], its part, the smallest margin [K] to a
    limit, that limit [K], the part that has it, and the number of cells.
    """
    found: dict[str, dict[str, Any]] = json.loads((_directory() / PEAKS).read_text(encoding="utf-8"))
    return found


def stored_summaries() -> dict[str, dict[str, Any]] | None:
    """Return the stored facts of the shipped packages by name, or None if a file of theirs has changed.

    Each has what `thermostack.report.package_summary.package_summary` returns.
    """
    directory = _directory()
    try:
        stored = json.loads((directory / SUMMARIES).read_text(encoding="utf-8"))
    except OSError:
        return None
    if stored["digest"] != digest_of_descriptions(directory):
        return None
    found: dict[str, dict[str, Any]] = stored["packages"]
    return found


def write_summaries(summaries: dict[str, dict[str, Any]], directory: Path) -> None:
    """Store the facts of the packages of a directory with the digest of their files."""
    stored = {"digest": digest_of_descriptions(directory), "packages": summaries}
    (directory / SUMMARIES).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def digest_of_descriptions(directory: Path) -> str:
    """Return the SHA-256 of the names and contents of all descriptions, floorplans and maps of a directory.

    Line ends of text do not count, because version control may change them.
    """
    made = hashlib.sha256()
    for path in sorted(directory.iterdir()):
        if path.suffix in SUFFIXES_READ:
            content = path.read_bytes()
            if path.suffix != ".npy":
                content = content.replace(b"\r\n", b"\n")
            made.update(f"{path.name} {len(content)}\n".encode() + content)
    return made.hexdigest()


def _directory() -> Path:
    """Return the directory of the shipped packages."""
    return Path(str(files("thermostack.meshes")))
