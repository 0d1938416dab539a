"""How much memory a solve takes, told before it begins, and how much there is."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from thermostack.errors import ResourceError
from thermostack.mesh.coarsening_rule import coarsen_sheet, row_width
from thermostack.mesh.grid import Grid

FIELD = 8  # bytes a cell of temperatures or heat
NAMES = 2  # of the part of each cell
FACES = 12  # of the conductances of its faces, in float32
SURFACE = 75  # bytes a cooled face of a cell: what it is, its conductances, the heat through it
# Arrays of the solver, in float32, with one value for each place of a row: on the finest grid conductances of
# faces and ground, pivots, temperature, heat and direction; on coarser ones the first six.
FINEST, COARSE = 8, 6
ROWS = 4  # that a sweep of each grid works with besides
# Fields of a transient besides two for each stage of its scheme, which are its temperatures in this step
# and the last: the present, what a stage is solved with, capacities, two that the shifted operator is made
# of, the temperatures that are measured and those that are handed out. Where materials depend on temperature:
# where conductivities were taken and where capacities were.
IN_TIME, VARYING = 7, 2
PLANES = 24  # fields of one plane of cells that measuring and the estimate work with
# SuperLU takes so many bytes times the number of cells in the body to the power of 4/3: the most of nine runs
# on four packages of 5 000 to 95 000 cells, where it was 124 to 240. Nobody knows the fill before.
FACTORS = 240.0
USABLE = 0.9  # of the memory that is free
GROUPS = "/sys/fs/cgroup"
FILES = {  # of a control group: its limit, what it uses, and the row of memory.stat that files give back
    "": ("memory.max", "memory.current", "inactive_file"),
    "/memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@dataclass(frozen=True, eq=False)
class MemoryEstimate:
    """A steady solve as far as its memory depends on it."""

    grid: Grid
    is_linear: bool = True  # no conductivity depends on temperature
    estimate: bool = False  # of the errors
    method: str = "multigrid"
    surfaces: int | None = None  # cooled faces of cells; None: not known yet
    active: int | None = None  # cells in the body; None: not known yet
    fields: int = 0  # of all cells that are kept besides, as of a reduced model
    in_time: int = 0  # stages of the scheme of a transient; 0: it is steady

    @cached_property
    def stages(self) -> dict[str, int]:
        """Return the bytes held at the height of each stage."""
        cells, (nz, ny, nx) = self.grid.cells, self.grid.shape
        outside = 2 * (nx * ny + ny * nz + nz * nx)
        model = NAMES * cells + SURFACE * (outside if self.surfaces is None else self.surfaces)
        before = FIELD * cells * (0 if self.is_linear else 1)  # where conductivities are taken
        ready = model + FACES * cells + before + self.solver
        planes = FIELD * PLANES * nx * ny
        if self.in_time:
            varying = 0 if self.is_linear else VARYING
            fields = (2 * self.in_time + IN_TIME + varying) * FIELD * cells
            return {"mesh": model, "steps": model + FACES * cells + self.solver + fields + planes}
        stages = {
            "mesh": model,
            "solve": ready + (2 + self.fields) * FIELD * cells,
            "measure": ready + FIELD * cells + planes,
        }
        if self.estimate:
            stages["estimate"] = ready + 3 * FIELD * cells + planes
        return stages

    @property
    def memory(self) -> int:
        """Return the most that is held [bytes]."""
        return max(self.stages.values())

    @cached_property
    def solver(self) -> int:
        """Return the bytes of the solver."""
        grid = self.grid
        if self.method == "direct":
            return int(FACTORS * (grid.cells if self.active is None else self.active) ** (4.0 / 3.0))
        nz, dx, dy = grid.shape[0], grid.dx, grid.dy
        values = FINEST * _places(*grid.shape) + ROWS * _places(nz, 1, dx.size)
        coarse = COARSE + (1 if self.in_time else 0)
        while dx.size * dy.size > 1:
            dx, dy = coarsen_sheet(dx, dy)
            values += coarse * _places(nz, dy.size, dx.size) + ROWS * _places(nz, 1, dx.size)
        return 4 * values


def _places(nz: int, ny: int, nx: int) -> int:
    """Return the values that cells take in the solver's rows."""
    return 2 * nz * ny * row_width(nx)


def check_memory(solve: MemoryEstimate, held: int = 0) -> None:
    """Raise ResourceError where a solve would not fit in memory, of which so many bytes are held already."""
    asked, there = solve.memory, max(1, available_memory() + held)
    if asked <= USABLE * there:
        return
    power = 4.0 if solve.method == "direct" else 3.0  # of the size of a cell, to which memory falls
    factor = (asked / (USABLE * there)) ** (1.0 / power)
    advice = f"Ask for cells about {factor:.2g} times as large"
    if solve.method == "direct":
        advice += ", or for the multigrid method"
    elif solve.estimate and replace(solve, estimate=False).memory <= USABLE * there:
        advice += ", or leave the error estimate out"
    shape, cells = " x ".join(map(str, solve.grid.shape[::-1])), solve.grid.cells
    raise ResourceError(
        f"{shape} cells are {cells:.3g} and need about {asked / 1e9:.3g} GB; "
        f"{there / 1e9:.3g} GB are there. {advice}."
    )


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
