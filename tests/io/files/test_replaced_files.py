"""Files that a result or a figure may replace: those of its own kind and empty ones, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from thermostack import (
    Convection,
    Cooling,
    Layer,
    OutputError,
    Package,
    Stack,
    discretize,
    solve_steady,
    solve_transient,
)
from thermostack.units import mm

LAYER = Layer("body", 1 * mm, "silicon_constant", power=1.0)
PACKAGE = Package("case", (Stack("die", (2 * mm, 2 * mm), (LAYER,)),), Cooling(top=Convection(1e3, 300.0)))
MODEL = discretize(PACKAGE, "1 mm")
STEADY = solve_steady(MODEL, estimate=False)
OPTIONS: dict[str, Any] = {"initial": 300.0, "tolerance": 5.0, "threads": 1}
RUN = solve_transient(MODEL, 1e-3, **OPTIONS)

WRITERS: dict[str, Callable[[Path], Any]] = {
    "steady": STEADY.save,
    "transient": RUN.save,
    "run": lambda path: solve_transient(MODEL, 1e-3, path=path, **OPTIONS),
}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("notes.txt", "name a file that ends in .vtkhdf"),
        ("notes", "name a file that ends in .vtkhdf"),
        ("notes.vtkhdf", "has another content than its name suggests and is not replaced"),
    ],
)
@pytest.mark.parametrize("writer", WRITERS)
def test_file_of_another_kind_is_not_replaced(tmp_path: Path, writer: str, name: str, message: str) -> None:
    path = tmp_path / name
    path.write_text("weeks of work")
    with pytest.raises(OutputError, match=message):
        WRITERS[writer](path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(name, "weeks of work")]


@pytest.mark.parametrize("writer", WRITERS)
def test_own_and_empty_files_are_replaced(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "result.vtkhdf"
    path.touch()
    for _ in range(2):
        WRITERS[writer](path)
        assert path.read_bytes().startswith(b"\x89HDF")


@pytest.mark.parametrize("name", ["figure.png", "figure.pdf", "figure.svg"])
def test_figure_replaces_figures_only(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    STEADY.plot(path)
    STEADY.plot(path)
    path.write_text("weeks of work")
    with pytest.raises(OutputError, match="is not replaced"):
        STEADY.plot(path)
    assert path.read_text() == "weeks of work"
