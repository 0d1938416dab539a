"""A rectilinear grid: the planes that cut the body into cells. It knows no package."""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from thermostack.errors import ResourceError


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells between planes at x, y and z [m]; cell (k, j, i) lies between planes k and k + 1 of z."""

    x: np.ndarray  # (nx + 1,) m, ascending
    y: np.ndarray  # (ny + 1,) m, ascending
    z: np.ndarray  # (nz + 1,) m, ascending, z[0] at the board

    def __post_init__(self) -> None:
        """Check that every axis has at least one cell and ascends."""
        for name in ("x", "y", "z"):
            edges = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            ascends = edges.ndim == 1 and edges.size >= 2 and np.all(np.diff(edges) > 0.0)
            if not ascends or not np.isfinite(edges[[0, -1]]).all():
                raise ValueError(f"the {name} planes of a grid must ascend, be finite and at least two")
            edges.flags.writeable = False
            object.__setattr__(self, name, edges)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (nz, ny, nx)."""
        return self.z.size - 1, self.y.size - 1, self.x.size - 1

    @property
    def cells(self) -> int:
        """Return the number of cells, outside the body too."""
        nz, ny, nx = self.shape
        return nz * ny * nx

    @cached_property
    def dx(self) -> np.ndarray:
        """Return the widths along x [m], (nx,)."""
        return np.diff(self.x)

    @cached_property
    def dy(self) -> np.ndarray:
        """Return the widths along y [m], (ny,)."""
        return np.diff(self.y)

    @cached_property
    def dz(self) -> np.ndarray:
        """Return the heights along z [m], (nz,)."""
        return np.diff(self.z)

    @cached_property
    def x_center(self) -> np.ndarray:
        """Return the cell centres along x [m], (nx,)."""
        return _middles(self.x)

    @cached_property
    def y_center(self) -> np.ndarray:
        """Return the cell centres along y [m], (ny,)."""
        return _middles(self.y)

    @cached_property
    def z_center(self) -> np.ndarray:
        """Return the cell centres along z [m], (nz,)."""
        return _middles(self.z)

    @property
    def volume(self) -> np.ndarray:
        """Return the cell volumes [m3], (nz, ny, nx)."""
        volume: np.ndarray = self.dz[:, None, None] * self.dy[None, :, None] * self.dx[None, None, :]
        return volume


def _middles(planes: np.ndarray) -> np.ndarray:
    middles: np.ndarray = 0.5 * (planes[1:] + planes[:-1])
    return middles


# The most that solve_steady with its error estimate took on cowos_s_h100, materials of temperature included:
# 148 bytes a cell on 0.3 million cells, 143 on 1.3 and 139 on 4.0; on v_cache 132 on 17 million. Drawing the
# result of 4.0 million takes 145. tests/test_reliability.py measures it again.
BYTES_PER_CELL = 145
USABLE = 0.9  # of the memory that is free
GROUPS = "/sys/fs/cgroup"
FILES = {  # of a control group: its limit, what it uses, and the row of memory.stat that files give back
    "": ("memory.max", "memory.current", "inactive_file"),
    "/memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def available_memory() -> int:
    """Return the bytes this process may still take, of the machine, its control groups and its own limit."""
    page = os.sysconf("SC_PAGE_SIZE")
    free = os.sysconf("SC_AVPHYS_PAGES") * page
    with suppress(OSError, ValueError, IndexError):
        rows = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(rows["MemAvailable"].split()[0]) * 1024
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        with suppress(OSError, ValueError, IndexError):
            free = min(free, limit - int(Path("/proc/self/statm").read_text().split()[0]) * page)
    return max(0, min([free, *_left_in_groups()]))


def _left_in_groups() -> Iterator[int]:
    """Yield the bytes left in each control group around this process, of version 2 (no prefix) or 1."""
    names = {"": "/", "/memory": "/"}
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if not controllers or "memory" in controllers.split(","):
                names["/memory" if controllers else ""] = name
    for prefix, name in names.items():
        limit, used, returned = FILES[prefix]
        for place in {str(path).rstrip("/") for path in (PurePosixPath(name), *PurePosixPath(name).parents)}:
            group = f"{GROUPS}{prefix}{place}"
            with suppress(OSError, ValueError, KeyError):
                left = int(Path(f"{group}/{limit}").read_text()) - int(Path(f"{group}/{used}").read_text())
                yield left + _row(f"{group}/memory.stat", returned)


def _row(path: str, name: str) -> int:
    """Return the number in a row of a file, 0 where there is none."""
    with suppress(OSError, ValueError, KeyError):
        return int(dict(line.split() for line in Path(path).read_text().splitlines())[name])
    return 0


def check_memory(counts: Sequence[int]) -> None:
    """Raise ResourceError where a solve on so many cells along x, y and z would not fit in memory."""
    cells = math.prod(counts)
    shape = " x ".join(map(str, counts))
    asked, there = BYTES_PER_CELL * cells, max(1, available_memory())
    if asked > USABLE * there:
        factor = (asked / (USABLE * there)) ** (1.0 / 3.0)
        raise ResourceError(
            f"{shape} cells are {cells:.3g} and need about {asked / 1e9:.3g} GB; "
            f"{there / 1e9:.3g} GB are there. "
            f"Ask for cells about {factor:.2g} times as large."
        )
