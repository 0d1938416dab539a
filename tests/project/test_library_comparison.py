"""The comparison with other libraries: what counts as an answer, and a page that shows what was measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thermostack.units import mm

ROOT = Path(__file__).parents[2]
FOLDERS = [str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "drivers")]
LIAR = """
import sys
import numpy as np
cells = int(np.prod(np.fromfile(sys.argv[1], np.int64, 3)))
np.full(cells, 1.0).tofile(sys.argv[2])
print('{"setup_s": 0.0, "solve_s": [0.0], "iterations": [1], "bytes": 0}')
"""


@pytest.fixture(scope="module", autouse=True)
def _benchmarks_are_found() -> Iterator[None]:
    sys.path[:0] = FOLDERS
    yield
    for folder in FOLDERS:
        sys.path.remove(folder)


@pytest.fixture
def size(tmp_path: Path) -> Any:
    libraries, standard = import_module("libraries"), import_module("standard_problem")
    problem = standard.with_model_precision(standard.standard_problem(8 * mm))
    file = tmp_path / "problem"
    import_module("python_library").write_problem(file, problem.conduction, problem.rhs, problem.widths)
    script = [sys.executable, str(ROOT / "benchmarks" / "drivers" / "python_library.py")]
    return libraries.Size(problem, file, {"python": script}, 60.0)


def library(name: str) -> Any:
    catalogue = import_module("catalogue")
    return next(one for one in (catalogue.THERMOSTACK, *catalogue.LIBRARIES) if one.name == name)


def test_problem_is_read_as_it_was_written(size: Any) -> None:
    conduction, heat, widths = import_module("python_library").read_problem(str(size.file))
    own = size.problem
    for name in ("g_x", "g_y", "g_z"):
        np.testing.assert_array_equal(getattr(conduction, name), getattr(own.conduction, name))
    np.testing.assert_array_equal(conduction.boundary.dense, own.conduction.boundary.dense)
    np.testing.assert_array_equal(heat, own.rhs)
    for read, given in zip(widths, own.widths, strict=True):
        np.testing.assert_array_equal(read, given)


@pytest.mark.parametrize("name", ["thermostack", "SuperLU"])
def test_answer_counts_by_its_true_residual(size: Any, name: str) -> None:
    found = size.solve(library(name), next(iter(library(name).settings.values())), 1)
    assert found["residual"] <= 1e-8
    assert found["total_s"] == found["setup_s"] + found["solve_s"] > 0.0


def test_wrong_answer_does_not_count(size: Any, tmp_path: Path) -> None:
    liar = tmp_path / "liar.py"
    liar.write_text(LIAR, encoding="utf-8")
    size.drivers["python"] = [sys.executable, str(liar)]
    assert "residual" in size.solve(library("SuperLU"), "", 1)["failed"]


def test_library_that_breaks_down_says_why(size: Any) -> None:
    assert "nonsense" in size.solve(library("SuperLU"), "library=nonsense", 1)["failed"]


def test_library_that_needs_too_much_memory_is_not_run(size: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("libraries"), "available_memory", lambda: 1000)
    assert "not available" in size.solve(library("SuperLU"), "library=superlu", 1)["failed"]


def test_page_shows_what_was_measured() -> None:
    plots = import_module("plots")
    saved = json.loads(plots.RESULTS.read_text(encoding="utf-8"))
    page = plots.TABLE_PAGE.read_text(encoding="utf-8")
    assert plots.on_page(page, plots.tables(saved)) == page
    changed = json.loads(json.dumps(saved))
    changed["sizes"][0]["results"]["thermostack"]["total_s"] *= 2.0
    assert plots.on_page(page, plots.tables(changed)) != page
