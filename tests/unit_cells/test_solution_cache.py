"""Cache of unit cells: one solution for each key, damaged files, and switching it off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from thermostack.materials.cell_geometry import CellGeometry, CellShape, CellSlice
from thermostack.unit_cells import cell_solution, solution_cache
from thermostack.unit_cells.cell_solution import solve_geometry
from thermostack.unit_cells.solution_cache import cache_directory, clear_memory, solution_key

SQUARE = CellGeometry((1.0, 1.0), (CellSlice(1.0, 0, (CellShape(1, (0.5, 0.5), (0.5, 0.5), False),)),), 2)
CONDUCTIVITY = np.array([[1.0] * 3, [5.0] * 3])
PLAN = {"tolerance": 1e-3}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory of the files of an empty cache."""
    monkeypatch.setenv("THERMOSTACK_CACHE", str(tmp_path))
    clear_memory()
    return tmp_path / "unit_cells"


@pytest.fixture
def solves(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one with every cell that is solved."""
    counts: list[int] = []
    inner = cell_solution._solve

    def counted(*arguments: object) -> object:
        counts.append(1)
        return inner(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cell_solution, "_solve", counted)
    return counts


def test_cell_is_solved_once(directory: Path, solves: list[int]) -> None:
    first = solve_geometry(SQUARE, CONDUCTIVITY)
    assert solve_geometry(SQUARE, CONDUCTIVITY) is first
    clear_memory()
    assert solve_geometry(SQUARE, CONDUCTIVITY) == first  # from the file
    assert len(solves) == 1
    assert [path.suffix for path in directory.iterdir()] == [".json"]


def test_other_cells_have_other_keys() -> None:
    keys = {
        solution_key(SQUARE, CONDUCTIVITY, PLAN),
        solution_key(replace(SQUARE, pitch=(1.0, 1.1)), CONDUCTIVITY, PLAN),
        solution_key(SQUARE, CONDUCTIVITY * (1.0 + 1e-15), PLAN),
        solution_key(SQUARE, CONDUCTIVITY, PLAN | {"tolerance": 1e-4}),
    }
    assert len(keys) == 4
    assert solution_key(replace(SQUARE), CONDUCTIVITY.copy(), dict(PLAN)) in keys


@pytest.mark.parametrize(
    "damage", ["", "{", "null", '{"key": "0", "axes": []}', "negative", "not finite", "other"]
)
def test_damaged_file_is_solved_and_written_again(directory: Path, solves: list[int], damage: str) -> None:
    first = solve_geometry(SQUARE, CONDUCTIVITY)
    (file,) = directory.iterdir()
    content = file.read_text()
    changed = {
        "negative": content.replace('"lower": ', '"lower": -'),
        "not finite": content.replace('"value": ', '"value": NaN, "error": ', 1),
        "other": content.replace(file.stem, "0" * 64),
    }
    file.write_text(changed.get(damage, damage))
    clear_memory()
    assert solve_geometry(SQUARE, CONDUCTIVITY) == first
    assert len(solves) == 2
    assert file.read_text() == content


@pytest.mark.parametrize("value", ["off", "OFF", "0", "no"])
def test_files_are_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("THERMOSTACK_CACHE", value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() is None
    clear_memory()
    solve_geometry(SQUARE, CONDUCTIVITY)
    assert not list(tmp_path.iterdir())


def test_directory_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("THERMOSTACK_CACHE", str(tmp_path / "file"))
    clear_memory()
    assert solve_geometry(SQUARE, CONDUCTIVITY).axes[0].value == pytest.approx(1.4, rel=0.1)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/cache"}, "/cache/thermostack/unit_cells"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/thermostack/unit_cells"),
        ("linux", {}, "/home/me/.cache/thermostack/unit_cells"),
        ("darwin", {}, "/home/me/Library/Caches/thermostack/unit_cells"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/thermostack/unit_cells"),
        ("win32", {}, "/home/me/AppData/Local/thermostack/unit_cells"),
    ],
)
def test_directory_follows_the_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    for name in ("THERMOSTACK_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(solution_cache.sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/me"))
    assert cache_directory() == Path(expected)


def test_home_that_is_unknown_leaves_the_cache_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("no home directory")

    for name in ("THERMOSTACK_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", unknown)
    assert cache_directory() is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solution_cache, "MAX_IN_MEMORY", 2)
    clear_memory()
    for contrast in (2.0, 3.0, 4.0):
        solve_geometry(SQUARE, np.array([[1.0] * 3, [contrast] * 3]), 0.1)
    assert len(solution_cache._in_memory) == 2
