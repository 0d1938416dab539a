"""The shipped packages, each read once in a run of the tests: reading all of them takes ten seconds.

A package does not change after its construction, so that tests can share it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from thermostack import Package, read_package

MESHES = Path(__file__).parents[2] / "meshes"
NAMES = sorted(path.stem for path in MESHES.glob("*.yaml"))


@cache
def shipped(name: str) -> Package:
    """Return a shipped package."""
    return read_package(name)


def with_bands() -> list[str]:
    """Return the names of the packages whose descriptions have bands."""
    return [name for name in NAMES if "\nbands:" in (MESHES / f"{name}.yaml").read_text(encoding="utf-8")]
