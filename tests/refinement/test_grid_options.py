"""The tolerance in a description: reading, writing, and the solves that follow it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thermostack import DescriptionError, GridOptions, discretize, read_package, solve_steady, write_package
from thermostack.cli.main import main
from thermostack.units import mm

DESCRIPTION = """\
package: small_die
stacks:
  board:
    size: [20 mm, 20 mm]
    layers:
      - {name: pcb, thickness: 1 mm, material: pcb_jedec}
  die:
    on: board
    at: [8 mm, 8 mm]
    size: [4 mm, 4 mm]
    layers:
      - {name: si, thickness: 0.5 mm, material: silicon, power: 5 W}
cooling: {bottom: {convection: {h: 500 W/m2/K, ambient: 25 degC}}}
grid: {tolerance: 0.5 K}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "small_die.yaml"
    path.write_text(DESCRIPTION, encoding="utf-8")
    return path


def test_tolerance_is_read_and_written(path: Path, tmp_path: Path) -> None:
    package = read_package(path)
    assert package.grid == GridOptions("0.5 K")
    write_package(package, tmp_path / "again.yaml")
    assert read_package(tmp_path / "again.yaml") == package
    assert read_package(path, overrides={"grid": None}).grid is None


def test_solves_of_the_package_refine_the_default_grid_to_it(path: Path) -> None:
    package = read_package(path)
    steady = solve_steady(package)
    assert steady.refinement is not None
    assert steady.refinement.is_reached
    assert steady.refinement.tolerance == 0.5
    assert steady.refinement.passes[0].cells == discretize(package).grid.cells
    assert len(steady.refinement.passes) > 1
    error = steady.of("die.si").error
    assert error is not None
    assert error <= 0.5


def test_arguments_take_precedence(path: Path) -> None:
    """A tolerance, a grid, and a solve without estimate."""
    package = read_package(path)
    given = solve_steady(package, tolerance="2 K").refinement
    assert given is not None
    assert given.tolerance == 2.0
    assert solve_steady(discretize(package, cell=2 * mm)).refinement is None
    assert solve_steady(package, estimate=False).refinement is None


def test_command_follows_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refinement(*options: str) -> dict[str, object] | None:
        assert main(["solve", str(path), "--no-save", "--json", *options]) == 0
        found: dict[str, object] | None = json.loads(capsys.readouterr().out).get("refinement")
        return found

    own, given = refinement(), refinement("--tolerance", "2 K")
    assert own is not None
    assert given is not None
    assert own["outcome"] == "reached"
    assert own != given
    assert refinement("--cell", "2 mm") is None
    assert refinement("--no-estimate") is None
    assert refinement("--set", "grid=null") is None


@pytest.mark.parametrize("value", ["0 K", "-1 K", "1e-6 K", "5 mm", "5", "{}"])
def test_wrong_tolerance_is_refused_at_its_place(path: Path, value: str) -> None:
    path.write_text(DESCRIPTION.replace("0.5 K", value), encoding="utf-8")
    with pytest.raises(DescriptionError, match=r"small_die\.yaml:14.*grid"):
        read_package(path)
