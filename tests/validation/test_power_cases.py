"""Small inputs on power and blocks that once gave a wrong result without a message, with the right result."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from thermostack import (
    Block,
    Convection,
    Cooling,
    DescriptionError,
    Layer,
    Package,
    Power,
    Simulation,
    Stack,
    discretize,
    read_package,
    read_result,
    read_trace,
    read_transient,
    solve_steady,
    solve_transient,
    thermal_impedance,
)
from thermostack.cli.main import main
from thermostack.io.results.history_files import write_power_csv
from thermostack.units import mm, s

CASES = Path(__file__).parent / "cases"


def test_block_under_two_names_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(CASES / "overlapping_blocks.yaml")
    assert main(["solve", file, "--no-save"]) == DescriptionError.exit_code
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"{file}:10:28: stacks.plate.layers.top.power.floorplan: ")
    assert "'core0_copy' overlaps block 'core0' from (20 mm, 20 mm) to (120 mm, 120 mm)" in line
    assert line.endswith("[E-OVERLAP]")


def test_block_under_two_names_adds_where_this_is_declared() -> None:
    package = read_package(
        CASES / "overlapping_blocks.yaml", {"stacks.plate.layers.top.power.overlap": "add"}
    )
    assert package.power == 4.0


# -- blocks without power that a trace heats --------------------------------------------------------

IDLE = CASES / "idle_blocks.yaml"
NAMES = ["die.a.one", "die.a.two"]


def test_idle_blocks_have_rows_in_a_steady_result(tmp_path: Path) -> None:
    steady = solve_steady(read_package(IDLE))
    assert [part.name for part in steady.parts if part.is_block] == NAMES
    for text in (steady.table(), steady.table(all_parts=True)):
        assert {line.split()[0] for line in text.splitlines()[2:]} >= {"one", "two"}
    steady.save(tmp_path / "idle.vtkhdf")
    assert [part.name for part in read_result(tmp_path / "idle.vtkhdf").parts if part.is_block] == NAMES


def test_idle_blocks_have_rows_in_a_transient(tmp_path: Path) -> None:
    trace = read_trace(CASES / "idle_blocks.csv")
    run = solve_transient(read_package(IDLE), 5 * s, trace, tolerance=0.5, path=tmp_path / "run.vtkhdf")
    one, two = (run.of(name) for name in NAMES)
    assert [one.power[0], two.power[0], one.power[-1], two.power[-1]] == pytest.approx([1.0, 5.0, 5.0, 1.0])
    # 6 W over 1 cm2 at 1000 W/m2/K are 60 K in the mean; the hotter half is symmetric to the other half.
    assert 0.5 * (one.mean[-1] + two.mean[-1]) == pytest.approx(298.15 + 60.0, abs=0.05)
    assert one.peak[-1] == pytest.approx(two.peak[0], abs=0.2)
    assert {line.split()[0] for line in run.table().splitlines()[2:]} >= {"one", "two"}
    assert read_transient(tmp_path / "run.vtkhdf").names == ("die.a", *NAMES)
    write_power_csv(run, tmp_path / "power.csv")
    with (tmp_path / "power.csv").open() as file:
        assert next(csv.reader(list(file)[1:])) == ["time [s]", "die.a.one [W]", "die.a.two [W]"]


def test_idle_blocks_have_rows_in_a_simulation() -> None:
    simulation = Simulation(discretize(read_package(IDLE), cell=1 * mm), initial="outside", tolerance=0.5)
    found = simulation.step(0.1, {"one": 5.0, "two": 1.0})
    assert set(found) == {"die", "die.a", *NAMES}
    assert found["die.a.one"].power == pytest.approx(5.0)
    assert found["die.a.one"].mean > found["die.a.two"].mean > 298.15


def test_idle_block_has_a_thermal_impedance(capsys: pytest.CaptureFixture[str]) -> None:
    package = read_package(IDLE)
    impedance = thermal_impedance(package, "die.a.one", outputs=["die.a.two"])
    # 1 W over the whole die is 10 K/W: the mean of the heated and of the other half.
    steady = [impedance.zth[name][-1] for name in ("die.a.one", "die.a.two")]
    assert sum(steady) / 2.0 == pytest.approx(10.0, rel=1e-3)
    assert thermal_impedance(package, times=[100 * s]).source == "die"
    assert main(["zth", str(IDLE), "--source", "die.a.one", "--no-save", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["source"] == "die.a.one"


def test_power_of_a_map_beside_blocks_is_written_as_a_trace(tmp_path: Path) -> None:
    block = Block("core", (0.0, 0.0), (2 * mm, 2 * mm), 3.0)
    layer = Layer("a", 0.1 * mm, "silicon", power=Power(blocks=(block,), map=[[1.0, 2.0]]))
    package = Package("die", (Stack("die", (4 * mm, 4 * mm), (layer,)),), Cooling(top=Convection(1e3, 300.0)))
    run = solve_transient(discretize(package, cell=1 * mm), 0.1, initial="outside", tolerance=1.0)
    write_power_csv(run, tmp_path / "power.csv")
    trace = read_trace(tmp_path / "power.csv")
    assert set(trace.names) == {"die.a.map", "die.a.core"}
    assert trace.values[0].tolist() == pytest.approx([3.0, 3.0])
    again = solve_transient(run.model, 0.1, trace, initial="outside", tolerance=1.0)
    assert again.of("die").power == pytest.approx(6.0)
