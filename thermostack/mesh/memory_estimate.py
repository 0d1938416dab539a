"""Estimate of the memory of a solve before it starts, and the memory that is available."""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from thermostack.errors import ResourceError
from thermostack.mesh.coarsening_rule import coarsen_sheet, row_width
from thermostack.mesh.grid import Grid

BYTES_PER_CELL_FIELD = 8  # a field of temperatures or powers
BYTES_PER_CELL_PART = 2  # the part number of a cell
BYTES_PER_CELL_CONDUCTANCES = 12  # the conductances of three faces in float32
BYTES_PER_BOUNDARY_FACE = 75  # its description, conductances and heat flow
# Of the corner scheme: index and conductance of the four corners of a face, sorted by corner.
CORNER_BYTES_PER_BOUNDARY_FACE = 6 * 4 * 8
# Arrays of the multigrid solver in float32 with one value for each place of a row. On the fine grid they are
# the conductances of faces and boundary, pivots, temperature, right-hand side and direction; on coarser grids
# the first six.
FINE_LEVEL_ARRAYS, COARSE_LEVEL_ARRAYS = 8, 6
SMOOTHER_ROWS = 4  # rows of workspace of the smoother on each grid
# Fields of a transient in addition to two for each stage of its scheme (the temperatures of the stage in this
# step and the last): current temperature, right-hand side of a stage, heat capacity, two of the shifted
# operator, temperatures of the report, and temperatures returned to the caller. With materials that depend on
# temperature: the temperatures at which conductivities and heat capacities were last evaluated, and the
# conductivities of half cells along three axes.
TRANSIENT_FIELDS, VARIABLE_MATERIAL_FIELDS = 7, 8
PLANE_FIELDS = 24  # fields of one plane of cells as workspace of part temperatures and error estimate
# SuperLU takes this many bytes times the number of cells in the body to the power 4/3: the maximum of nine
# runs on four packages of 5 000 to 95 000 cells, with 124 to 240. Its fill-in is not known in advance.
LU_BYTES = 240.0
MAX_MEMORY_FRACTION = 0.9  # of the available memory that a solve may take
CGROUP_ROOT = "/sys/fs/cgroup"
# Files of a control group by version: limit, usage, and the row of memory.stat with reclaimable file pages.
CGROUP_FILES = {
    "": ("memory.max", "memory.current", "inactive_file"),
    "/memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@dataclass(frozen=True, eq=False)
class MemoryEstimate:
    """The properties of a solve that its memory depends on, and the memory [bytes]."""

    grid: Grid
    is_linear: bool = True  # no conductivity depends on temperature
    estimate: bool = False  # with an error estimate
    method: str = "multigrid"
    boundary_faces: int | None = None  # None: unknown, those of a full cuboid are assumed
    active: int | None = None  # cells in the body; None: unknown, all cells are assumed
    extra_fields: int = 0  # additional fields of all cells, as of a reduced model
    time_stages: int = 0  # stages of the Runge-Kutta scheme of a transient; 0: steady

    @cached_property
    def stages(self) -> dict[str, int]:
        """Return the peak memory of each stage of the solve [bytes]."""
        cells, (nz, ny, nx) = self.grid.cells, self.grid.shape
        cuboid_faces = 2 * (nx * ny + ny * nz + nz * nx)
        boundary_faces = cuboid_faces if self.boundary_faces is None else self.boundary_faces
        field = BYTES_PER_CELL_FIELD * cells
        conductances = BYTES_PER_CELL_CONDUCTANCES * cells
        model = BYTES_PER_CELL_PART * cells + BYTES_PER_BOUNDARY_FACE * boundary_faces
        last_temperature = 0 if self.is_linear else field  # at which conductivities were evaluated
        ready = model + conductances + last_temperature + self.solver
        planes = BYTES_PER_CELL_FIELD * PLANE_FIELDS * nx * ny
        if self.time_stages:
            variable = 0 if self.is_linear else VARIABLE_MATERIAL_FIELDS
            fields = (2 * self.time_stages + TRANSIENT_FIELDS + variable) * field
            return {"mesh": model, "steps": model + conductances + self.solver + fields + planes}
        stages = {
            "mesh": model,
            "solve": ready + (2 + self.extra_fields) * field + last_temperature // 2,  # with the last change
            "measure": ready + field + planes,
        }
        if self.estimate:
            held = model + conductances + last_temperature + field + planes
            corners = self._corner_scheme + CORNER_BYTES_PER_BOUNDARY_FACE * boundary_faces
            stages["estimate"] = max(ready + 3 * field + planes, held + corners)
        return stages

    @property
    def _corner_scheme(self) -> int:
        """Return the memory of the corner scheme [bytes]: conductances, power, temperatures and solver."""
        corners = [n + 1 for n in self.grid.shape]
        count = math.prod(corners)
        if self.method == "direct":
            solver = int(LU_BYTES * (self.active or count) ** (4.0 / 3.0))
        else:
            dx, dy = (np.append(width, width[-1]) for width in (self.grid.dx, self.grid.dy))
            solver = self._multigrid(corners[0], dx, dy)
        return solver + (BYTES_PER_CELL_CONDUCTANCES + 2 * BYTES_PER_CELL_FIELD) * count

    @property
    def memory(self) -> int:
        """Return the peak memory [bytes]."""
        return max(self.stages.values())

    @cached_property
    def solver(self) -> int:
        """Return the memory of the linear solver [bytes]."""
        grid = self.grid
        if self.method == "direct":
            return int(LU_BYTES * (grid.cells if self.active is None else self.active) ** (4.0 / 3.0))
        return self._multigrid(grid.shape[0], grid.dx, grid.dy)

    def _multigrid(self, nz: int, dx: np.ndarray, dy: np.ndarray) -> int:
        """Return the memory of the multigrid solver [bytes] for nz planes, column widths dx and dy [m]."""
        fine = _row_values(nz, dy.size, dx.size)
        values = FINE_LEVEL_ARRAYS * fine + SMOOTHER_ROWS * _row_values(nz, 1, dx.size)
        coarse = COARSE_LEVEL_ARRAYS + (1 if self.time_stages else 0)
        while dx.size * dy.size > 1:
            dx, dy = coarsen_sheet(dx, dy)
            values += coarse * _row_values(nz, dy.size, dx.size) + SMOOTHER_ROWS * _row_values(nz, 1, dx.size)
        return 4 * values


def _row_values(nz: int, ny: int, nx: int) -> int:
    """Return the number of values of one array of the solver, whose rows are padded."""
    return 2 * nz * ny * row_width(nx)


def check_memory(solve: MemoryEstimate, held: int = 0) -> None:
    """Raise ResourceError where a solve does not fit in memory; `held` bytes of it are allocated already."""
    needed, available = solve.memory, max(1, available_memory() + held)
    usable = MAX_MEMORY_FRACTION * available
    if needed <= usable:
        return
    power = 4.0 if solve.method == "direct" else 3.0  # memory is proportional to cell size ** -power
    factor = (needed / usable) ** (1.0 / power)
    advice = f"Use cells about {factor:.2g} times as large"
    if solve.method == "direct":
        advice += ", or the multigrid method"
    elif solve.estimate and replace(solve, estimate=False).memory <= usable:
        advice += ", or omit the error estimate"
    shape, cells = " x ".join(map(str, solve.grid.shape[::-1])), solve.grid.cells
    raise ResourceError(
        f"{shape} cells are {cells:.3g} and need about {needed / 1e9:.3g} GB; "
        f"{available / 1e9:.3g} GB are available. {advice}."
    )


def available_memory() -> int:
    """Return the memory that this process may still allocate [bytes].

    It is the minimum over the machine, the control groups of the process, and its address-space limit.
    """
    page = os.sysconf("SC_PAGE_SIZE")
    free = os.sysconf("SC_AVPHYS_PAGES") * page
    with suppress(OSError, ValueError, IndexError):
        rows = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(rows["MemAvailable"].split()[0]) * 1024
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        with suppress(OSError, ValueError, IndexError):
            free = min(free, limit - int(Path("/proc/self/statm").read_text().split()[0]) * page)
    return max(0, min([free, *_available_in_cgroups()]))


def _available_in_cgroups() -> Iterator[int]:
    """Yield the memory left in each control group of this process [bytes], version 2 (no prefix) and 1."""
    names = {"": "/", "/memory": "/"}
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if not controllers or "memory" in controllers.split(","):
                names["/memory" if controllers else ""] = name
    for prefix, name in names.items():
        limit, usage, reclaimable = CGROUP_FILES[prefix]
        for directory in {
            str(path).rstrip("/") for path in (PurePosixPath(name), *PurePosixPath(name).parents)
        }:
            group = f"{CGROUP_ROOT}{prefix}{directory}"
            with suppress(OSError, ValueError, KeyError):
                left = int(Path(f"{group}/{limit}").read_text()) - int(Path(f"{group}/{usage}").read_text())
                yield left + _stat_value(f"{group}/memory.stat", reclaimable)


def _stat_value(path: str, name: str) -> int:
    """Return the number of a named row of a file, 0 without one."""
    with suppress(OSError, ValueError, KeyError):
        return int(dict(line.split() for line in Path(path).read_text().splitlines())[name])
    return 0
