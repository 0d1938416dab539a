"""Cache of solved unit cells: in memory, and in a file for each in the cache directory of the user.

The key is a hash of the shapes, the conductivities, the tolerance and the version of the method. A file that
cannot be read, or does not belong to its key, is ignored and replaced. `THERMOSTACK_CACHE=off` turns the
files off, and a path there is the directory in their place.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from thermostack.errors import OutputError
from thermostack.io.files.atomic_file import write_atomic
from thermostack.materials.cell_geometry import CellGeometry
from thermostack.unit_cells.axis_solution import AxisSolution, CellSolution

METHOD_VERSION = 2  # raised with every change of the method that changes a value
MAX_IN_MEMORY = 1000  # solutions
VARIABLE = "THERMOSTACK_CACHE"  # "off", or a directory
OFF = ("0", "off", "no", "none", "false")

_in_memory: OrderedDict[str, CellSolution] = OrderedDict()


def cached_solution(
    geometry: CellGeometry,
    conductivity: np.ndarray,
    plan: Mapping[str, float | None],
    solve: Callable[[], CellSolution],
) -> CellSolution:
    """Return the solution of a cell from the cache, or from `solve`, which is then stored.

    `plan` has the settings of the solution.
    """
    key = solution_key(geometry, conductivity, plan)
    found = _in_memory.get(key)
    if found is None:
        directory = cache_directory()
        found = _read(directory, key) if directory is not None else None
        if found is None:
            found = solve()
            if directory is not None:
                _write(directory, key, found)
        _in_memory[key] = found
        while len(_in_memory) > MAX_IN_MEMORY:
            _in_memory.popitem(last=False)
    return found


def clear_memory() -> None:
    """Forget the solutions in memory; those in files stay."""
    _in_memory.clear()


def solution_key(geometry: CellGeometry, conductivity: np.ndarray, plan: Mapping[str, float | None]) -> str:
    """Return the key of a cell: the same for equal numbers on every computer."""
    content = [METHOD_VERSION, asdict(geometry), np.asarray(conductivity).tolist(), dict(plan)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def cache_directory() -> Path | None:
    """Return the directory of the files, None where they are turned off or there is no home directory."""
    stated = os.environ.get(VARIABLE, "")
    if stated.strip().lower() in OFF:
        return None
    if stated:
        return Path(stated) / "unit_cells"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "") or str(home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(home / "Library" / "Caches")
    else:
        base = str(home / ".cache")
    stated = os.environ.get("XDG_CACHE_HOME", "")
    return Path(stated if os.path.isabs(stated) else base) / "thermostack" / "unit_cells"


def _read(directory: Path, key: str) -> CellSolution | None:
    """Return the solution in a file, None where there is none or the file is damaged."""
    try:
        stored = json.loads((directory / f"{key}.json").read_text(encoding="utf-8"))
        if stored["key"] != key:
            return None
        x, y, z = (_axis(each) for each in stored["axes"])
        cross, unresolved = float(stored["cross"]), float(stored["unresolved"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not (math.isfinite(cross) and 0.0 <= unresolved < math.inf):
        return None
    return CellSolution((x, y, z), cross, unresolved)


def _axis(stored: dict[str, object]) -> AxisSolution:
    """Return the solution along an axis; raise ValueError if its numbers are impossible."""
    grids = tuple((int(cells), float(value)) for cells, value in stored.pop("grids"))  # type: ignore[attr-defined]
    axis = AxisSolution(**stored, grids=grids)  # type: ignore[arg-type]
    numbers = axis.value, axis.error, axis.lower, axis.upper
    if (
        not all(math.isfinite(number) for number in numbers)
        or not 0.0 < axis.lower <= axis.value <= axis.upper
    ):
        raise ValueError("the numbers of a solution are impossible")
    return axis


def _write(directory: Path, key: str, solution: CellSolution) -> None:
    """Write the file of a solution; where that is impossible, the cache stays in memory."""
    content = json.dumps({"key": key, **asdict(solution)}, indent=1)
    with suppress(OSError, OutputError):
        directory.mkdir(parents=True, exist_ok=True)
        write_atomic(directory / f"{key}.json", content.encode())
