"""The planes that cut the body into cells: their widths and middles, what is refused, what fits in memory."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from thermostack import Convection, Cooling, Grid, Layer, Package, ResourceError, Stack, discretize
from thermostack import grid as room
from thermostack.grid import BYTES_PER_CELL, USABLE, available_memory, check_memory
from thermostack.units import mm

GRID = Grid(np.array([0.0, 1.0, 3.0, 6.0]), np.array([-1.0, 1.0]), np.array([2.0, 2.5, 3.5]))


def plate() -> Package:
    layer = Layer("plate", 1 * mm, "copper")
    return Package(
        "plate", (Stack("plate", (10 * mm, 10 * mm), (layer,)),), Cooling(top=Convection(1e3, 300.0))
    )


# -- what it says ----------------------------------------------------------------------------


def test_shape_is_that_of_the_arrays() -> None:
    assert GRID.shape == (2, 1, 3)
    assert GRID.cells == 6


def test_widths_and_middles() -> None:
    assert GRID.dx.tolist() == [1.0, 2.0, 3.0]
    assert GRID.dy.tolist() == [2.0]
    assert GRID.dz.tolist() == [0.5, 1.0]
    assert GRID.x_center.tolist() == [0.5, 2.0, 4.5]
    assert GRID.y_center.tolist() == [0.0]
    assert GRID.z_center.tolist() == [2.25, 3.0]


def test_volumes_stand_where_their_cells_do_and_fill_the_whole() -> None:
    assert GRID.volume.shape == GRID.shape
    assert GRID.volume[1, 0, 2] == 1.0 * 2.0 * 3.0
    assert GRID.volume[0, 0, 1] == 0.5 * 2.0 * 2.0
    assert GRID.volume.sum() == 6.0 * 2.0 * 1.5


def test_planes_of_any_kind_become_doubles_that_stay() -> None:
    """Whole numbers, lists and views with strides are taken; what is held cannot be written to."""
    strided = np.arange(8, dtype=np.float32)[::2]
    grid = Grid([0, 1, 2], np.array([0, 5]), strided)  # type: ignore[arg-type]
    for planes in (grid.x, grid.y, grid.z):
        assert planes.dtype == np.float64
        assert planes.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            planes[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        grid.x = strided  # type: ignore[misc]


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [1.0],
        [0.0, 1.0, 1.0],
        [0.0, 2.0, 1.0],
        [1.0, 0.0],
        [0.0, np.nan, 1.0],
        [0.0, 1.0, np.inf],
        [-np.inf, 1.0],
        [[0.0, 1.0], [2.0, 3.0]],
    ],
    ids=[
        "none",
        "one",
        "twice the same",
        "back and forth",
        "descending",
        "not a number",
        "without end",
        "without beginning",
        "a table",
    ],
)
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_planes_that_cut_nothing_are_refused_by_name(axis: str, bad: list[float]) -> None:
    planes = {name: np.array([0.0, 1.0]) for name in ("x", "y", "z")} | {axis: np.array(bad)}
    with pytest.raises(ValueError, match=f"the {axis} planes of a grid must ascend"):
        Grid(**planes)


# -- memory ----------------------------------------------------------------------------------


def test_as_many_cells_as_fit_are_let_through_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = 1000
    monkeypatch.setattr(room, "available_memory", lambda: BYTES_PER_CELL * cells / USABLE)
    check_memory([10, 10, 10])
    with pytest.raises(ResourceError):
        check_memory([10, 10, 11])


def test_what_is_refused_says_how_much_it_needs_and_what_would_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "available_memory", lambda: 2 * 10**9)
    with pytest.raises(ResourceError) as caught:
        check_memory([1000, 500, 200])
    text = str(caught.value)
    assert "1000 x 500 x 200 cells are 1e+08" in text
    assert f"need about {BYTES_PER_CELL * 0.1:.3g} GB; 2 GB are there" in text
    factor = float(text.split("about ")[2].split()[0])
    cells = int(1e8 / (0.999 * factor + 0.01) ** 3)  # the factor has two digits behind the point
    check_memory([cells])
    assert caught.value.exit_code == 4


def test_a_grid_too_large_is_refused_before_anything_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model asks as soon as it has the planes: no array of the size of the grid is made."""
    touched: list[str] = []
    monkeypatch.setattr("thermostack.model.paint", lambda *_: touched.append("paint"))
    monkeypatch.setattr(room, "available_memory", lambda: 10**6)
    with pytest.raises(ResourceError, match="GB are there"):
        discretize(plate(), cell=0.1 * mm)
    with pytest.raises(ResourceError, match="cells along x do not fit in memory"):
        discretize(plate(), cell=1e-9)
    assert touched == []


def fake_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **files: str) -> None:
    """Put texts in the place of the files in which the kernel says how much memory there is."""
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
    monkeypatch.setattr(room, "Path", lambda place: names.get(place, tmp_path / "absent"))


MEMINFO = "MemTotal: 32000000 kB\nMemFree: 1000 kB\nMemAvailable:   8000000 kB\n"


def test_memory_is_what_the_kernel_says_is_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
def test_the_limit_of_a_control_group_counts(
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
def test_every_control_group_around_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, str], left: int
) -> None:
    fake_files(monkeypatch, tmp_path, meminfo=MEMINFO, limit="3000000000", current="1000000000", **files)
    assert available_memory() == left


def test_a_machine_that_says_nothing_of_it_has_its_free_pages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake_files(monkeypatch, tmp_path)
    monkeypatch.setattr(room.os, "sysconf", {"SC_AVPHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert available_memory() == 4_096_000


def test_this_machine_has_some() -> None:
    assert 10**6 < available_memory() < 10**15
