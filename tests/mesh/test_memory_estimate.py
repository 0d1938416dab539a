"""Memory estimate: agreement with measured memory, and the error where memory is insufficient."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from thermostack import (
    Convection,
    Cooling,
    Grid,
    Layer,
    Package,
    ResourceError,
    Simulation,
    Stack,
    discretize,
    read_package,
    solve_steady,
)
from thermostack.finite_volume.conduction import assemble_conduction
from thermostack.linear.solver import prepare
from thermostack.mesh import memory_estimate
from thermostack.mesh.memory_estimate import (
    MAX_MEMORY_FRACTION,
    MemoryEstimate,
    available_memory,
    check_memory,
)
from thermostack.units import mm


def plate() -> Package:
    layer = Layer("plate", 1 * mm, "copper")
    return Package(
        "plate", (Stack("plate", (10 * mm, 10 * mm), (layer,)),), Cooling(top=Convection(1e3, 300.0))
    )


def even(nx: int, ny: int, nz: int) -> Grid:
    """Return a grid of nx x ny x nz cubes of 1 mm."""
    return Grid(*(np.arange(count + 1.0) * mm for count in (nx, ny, nz)))


# -- what is foreseen ------------------------------------------------------------------------

MEASURE = """\
import sys
from thermostack import discretize, read_package, solve_steady
from thermostack.mesh.memory_estimate import MemoryEstimate

def rows(name):
    found = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(found[name].split()[0]) * 1024

name, cell, fineness, estimate = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "1"
package = read_package(name)
solve_steady(discretize(package, cell=5e-3))
before = rows("VmRSS")
model = discretize(package, cell or None, fineness=fineness)
predicted = MemoryEstimate(model.grid, model.is_linear, estimate).memory
solve_steady(model, estimate=estimate)
print(rows("VmHWM") - before, predicted)
"""
CASES = {
    "graded, of temperature": ("v_cache", 0.0, 1.0, True),
    "even, of temperature": ("cowos_s_h100", 0.5 * mm, 1.0, True),
    "without estimate": ("cowos_s_h100", 0.5 * mm, 1.0, False),
}
SLOW = {
    "constant": ("mfit_16", 0.0, 2.0, True),
    "flat": ("fcbga", 0.4 * mm, 1.0, True),
    "finely graded": ("cowos_s_h100", 0.0, 1.3, False),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no such file here")
@pytest.mark.parametrize(
    "case",
    [
        *(pytest.param(case, id=name) for name, case in CASES.items()),
        *(pytest.param(case, id=name, marks=pytest.mark.slow) for name, case in SLOW.items()),
    ],
)
def test_memory_of_a_steady_solve_is_as_estimated(case: tuple[str, float, float, bool]) -> None:
    """The peak memory of a separate process above that before the solve, on 0.4 to 2 million cells."""
    name, cell, fineness, estimate = case
    options = [name, str(cell), str(fineness), str(int(estimate))]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *options], capture_output=True, text=True, check=True, env=environment
    )
    measured, predicted = map(int, done.stdout.split())
    assert measured == pytest.approx(predicted, rel=0.15)


IN_TIME = """\
import sys
from thermostack import Simulation, discretize, read_package
from thermostack.mesh.memory_estimate import MemoryEstimate

def rows(name):
    found = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(found[name].split()[0]) * 1024

package = read_package(sys.argv[1])
Simulation(discretize(package, cell=5e-3)).step(1e-3)
before = rows("VmRSS")
model = discretize(package, float(sys.argv[2]) or None)
simulation = Simulation(model)
for duration in (1e-4, 1e-3, 1e-2):
    simulation.step(duration).keys()
    simulation.field.sum()
faces = model.boundary.cell.size
predicted = MemoryEstimate(model.grid, model.is_linear, boundary_faces=faces, time_stages=3).memory
print(rows("VmHWM") - before, predicted)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no such file here")
@pytest.mark.parametrize(("name", "minimum"), [("cowos_s_h100", 0.85), ("fcbga", 0.75)])
def test_memory_of_a_transient_is_as_estimated(name: str, minimum: float) -> None:
    """1.0 and 1.2 million cells; a quarter of them depends on temperature, and very few.

    The estimate does not know in how many planes such cells are, so that it is too large for the second.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", IN_TIME, name, str(0.5 * mm)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    measured, predicted = map(int, done.stdout.split())
    assert minimum * predicted < measured < 1.15 * predicted


def test_simulation_that_does_not_fit_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    model = discretize(read_package("fcbga"), 3 * mm)
    monkeypatch.setattr(memory_estimate, "available_memory", lambda: 10**5)
    with pytest.raises(ResourceError, match="Use cells about"):
        Simulation(model)


@pytest.mark.parametrize(
    ("name", "cell", "fineness"),
    [
        ("cowos_s_h100", 1 * mm, 1.0),
        ("cowos_s_h100", None, 0.5),
        ("v_cache", None, 1.0),
        ("mfit_16", None, 1.0),
        ("fcbga", None, 1.5),
        ("fcbga", 0.3 * mm, 1.0),
    ],
)
def test_memory_of_the_solver_is_as_estimated(name: str, cell: float | None, fineness: float) -> None:
    """The coarser grids are included; their number depends on the grading of the cells."""
    model = discretize(read_package(name), cell, fineness=fineness)
    solver = prepare(assemble_conduction(model), widths=(model.grid.dx, model.grid.dy), threads=1)
    assert solver.memory == pytest.approx(MemoryEstimate(model.grid).solver, rel=0.15)


def test_narrow_grids_need_more_memory_per_cell() -> None:
    """The solver pads the even and the odd cells of a row to whole cache lines."""
    narrow, wide = even(3, 300, 30), even(300, 300, 30)
    assert MemoryEstimate(narrow).solver / narrow.cells > 5.0 * MemoryEstimate(wide).solver / wide.cells


def test_options_that_add_memory() -> None:
    grid = even(200, 200, 50)
    base_memory = MemoryEstimate(grid).memory
    assert MemoryEstimate(grid, is_linear=False).memory == base_memory + 12 * grid.cells
    faces = 2 * (200 * 200 + 2 * 200 * 50)
    assert (
        base_memory + 8 * grid.cells
        <= MemoryEstimate(grid, estimate=True).memory
        <= base_memory + 28 * grid.cells + 192 * faces
    )
    assert (
        MemoryEstimate(grid, boundary_faces=0).memory
        < base_memory
        < MemoryEstimate(grid, boundary_faces=grid.cells).memory
    )
    assert list(MemoryEstimate(grid, estimate=True).stages) == ["mesh", "solve", "measure", "estimate"]


def test_memory_of_the_direct_method_grows_with_the_cells() -> None:
    small, large = even(20, 20, 20), even(40, 40, 40)
    needs = [MemoryEstimate(grid, method="direct").solver for grid in (small, large)]
    assert needs[1] == pytest.approx(16.0 * needs[0], rel=1e-6)
    assert MemoryEstimate(small, method="direct", active=100).solver < needs[0]


def test_one_cell_needs_memory() -> None:
    assert 0 < MemoryEstimate(even(1, 1, 1)).memory < 10**5


# -- what is refused -------------------------------------------------------------------------


def test_check_passes_up_to_the_available_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = MemoryEstimate(even(10, 10, 10))
    monkeypatch.setattr(
        memory_estimate, "available_memory", lambda: int(1.001 * solve.memory / MAX_MEMORY_FRACTION)
    )
    check_memory(solve)
    with pytest.raises(ResourceError):
        check_memory(MemoryEstimate(even(10, 10, 11)))
    with pytest.raises(ResourceError, match="or omit the error estimate"):
        check_memory(MemoryEstimate(even(10, 10, 10), estimate=True))
    check_memory(MemoryEstimate(even(10, 10, 10), estimate=True), held=solve.memory)


def test_message_states_the_need_and_a_cell_size_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_estimate, "available_memory", lambda: 2 * 10**9)
    solve = MemoryEstimate(even(1000, 500, 200))
    with pytest.raises(ResourceError) as caught:
        check_memory(solve)
    text = str(caught.value)
    assert "1000 x 500 x 200 cells are 1e+08" in text
    assert f"need about {solve.memory / 1e9:.3g} GB; 2 GB are available" in text
    factor = float(text.split("about ")[2].split()[0])
    check_memory(MemoryEstimate(even(*(int(count / (1.02 * factor)) for count in (1000, 500, 200)))))
    with pytest.raises(ResourceError):
        check_memory(MemoryEstimate(even(*(int(count / (0.95 * factor)) for count in (1000, 500, 200)))))
    assert caught.value.exit_code == 4


def test_message_for_the_direct_method_advises_multigrid(monkeypatch: pytest.MonkeyPatch) -> None:
    model = discretize(read_package("mfit_16"))
    monkeypatch.setattr(memory_estimate, "available_memory", lambda: 10**9)
    with pytest.raises(ResourceError, match=r"GB are available. .* or the multigrid method"):
        solve_steady(model, method="direct")
    assert solve_steady(model, estimate=False).report.residual < 1e-8


def test_check_counts_the_memory_held_already(monkeypatch: pytest.MonkeyPatch) -> None:
    model = discretize(plate(), cell=0.2 * mm)
    need = MemoryEstimate(model.grid, model.is_linear, True, boundary_faces=model.boundary.cell.size).memory
    monkeypatch.setattr(
        memory_estimate, "available_memory", lambda: int(1.001 * need / MAX_MEMORY_FRACTION) - model.memory
    )
    solve_steady(model)
    monkeypatch.setattr(
        memory_estimate, "available_memory", lambda: int(0.999 * need / MAX_MEMORY_FRACTION) - model.memory
    )
    with pytest.raises(ResourceError, match="omit the error estimate"):
        solve_steady(model)
    solve_steady(model, estimate=False)


def test_too_large_grid_is_rejected_before_allocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check follows the planes; no array of the size of the grid is allocated."""
    touched: list[str] = []
    monkeypatch.setattr("thermostack.mesh.model.rasterize", lambda *_: touched.append("rasterize"))
    monkeypatch.setattr(memory_estimate, "available_memory", lambda: 10**6)
    with pytest.raises(ResourceError, match="GB are available"):
        discretize(plate(), cell=0.1 * mm)
    with pytest.raises(ResourceError, match="cells along x do not fit in memory"):
        discretize(plate(), cell=1e-9)
    assert touched == []


# -- what there is ---------------------------------------------------------------------------


def fake_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **files: str) -> None:
    """Replace the files of the kernel that state the available memory by texts."""
    places = {
        "meminfo": "/proc/meminfo",
        "groups": "/proc/self/cgroup",
        "limit": "/sys/fs/cgroup/memory.max",
        "current": "/sys/fs/cgroup/memory.current",
        "stat": "/sys/fs/cgroup/memory.stat",
        "job_limit": "/sys/fs/cgroup/batch/job/memory.max",
        "job_current": "/sys/fs/cgroup/batch/job/memory.current",
        "old_limit": "/sys/fs/cgroup/memory/job/memory.limit_in_bytes",
        "old_current": "/sys/fs/cgroup/memory/job/memory.usage_in_bytes",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    names = {place: tmp_path / name for name, place in places.items()}
    monkeypatch.setattr(memory_estimate, "Path", lambda place: names.get(place, tmp_path / "absent"))


MEMINFO = "MemTotal: 32000000 kB\nMemFree: 1000 kB\nMemAvailable:   8000000 kB\n"


def test_available_memory_is_that_of_meminfo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_files(monkeypatch, tmp_path, meminfo=MEMINFO)
    assert available_memory() == 8_000_000 * 1024


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("3000000000\n", 2_000_000_000),
        ("max\n", 8_000_000 * 1024),
        ("90000000000\n", 8_000_000 * 1024),
    ],
    ids=["tighter", "none", "wider than the machine"],
)
def test_control_group_limits_the_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str, expected: int
) -> None:
    fake_files(monkeypatch, tmp_path, meminfo=MEMINFO, limit=limit, current="1000000000\n")
    assert available_memory() == expected


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({"stat": "anon 5\ninactive_file 400000000\n"}, 2_400_000_000),
        ({"groups": "0::/batch/job\n", "job_limit": "1500000000", "job_current": "500000000"}, 1_000_000_000),
        ({"groups": "0::/batch/job\n", "job_limit": "max", "job_current": "500000000"}, 2_000_000_000),
        ({"groups": "4:cpu,memory:/job\n", "old_limit": "900000000", "old_current": "1"}, 899_999_999),
        ({"groups": "no such thing", "stat": "nonsense\n"}, 2_000_000_000),
    ],
    ids=["files give way", "group in a group", "no limit of its own", "version 1", "nonsense"],
)
def test_every_enclosing_control_group_limits_the_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], left: int
) -> None:
    fake_files(monkeypatch, tmp_path, meminfo=MEMINFO, limit="3000000000", current="1000000000", **files)
    assert available_memory() == left


def test_free_pages_count_without_meminfo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_files(monkeypatch, tmp_path)
    monkeypatch.setattr(
        memory_estimate.os, "sysconf", {"SC_AVPHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}.__getitem__
    )
    assert available_memory() == 4_096_000


def test_this_machine_has_memory() -> None:
    assert 10**6 < available_memory() < 10**15
