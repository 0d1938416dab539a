"""Thermal impedances: exact slab, packages, insensitivity to rounding, files, figures, the command."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from exact.heated_slab import PUBLISHED, HeatedSlab
from support.small_result import small_package

from thermostack.cli.main import main
from thermostack.cli.zth import read_times
from thermostack.errors import DescriptionError, OutputError, ResourceError
from thermostack.impedance.ports import find_port, find_source, heated_stacks
from thermostack.impedance.reduced_model import KrylovBasis
from thermostack.impedance.thermal_impedance import thermal_impedance
from thermostack.io.description.package_file import read_package
from thermostack.io.results.impedance_files import FILE_SIGNATURES, circuits, impedance_files, write_impedance
from thermostack.materials.material import Material
from thermostack.mesh.grid import Grid
from thermostack.mesh.model import Model, discretize
from thermostack.package.cooling import Convection, Cooling, FaceCooling, FixedTemperature
from thermostack.package.package import Package
from thermostack.package.stack import Interface, Layer, Stack
from thermostack.report.impedance_table import decades, impedance_table, networks_table
from thermostack.report.table_layout import as_text
from thermostack.results.impedance_result import ThermalImpedance
from thermostack.steady import solve_steady
from thermostack.transient.simulation import Simulation
from thermostack.units import mm, nm, um

SLAB = HeatedSlab()
TIMES = np.array(list(PUBLISHED))


def slab(cells: int, ratio: float = 1.1) -> Model:
    """Return the slab of the exact solution, heated in a skin of 10 nm, each cell thinner than that below."""
    silicon = Material("plain", SLAB.conductivity, volumetric_heat_capacity=SLAB.capacity)
    skin = 10 * nm
    layers = (Layer("bulk", SLAB.thickness - skin, silicon), Layer("skin", skin, silicon, power=1.0))
    package = Package(
        "slab", (Stack("die", (10 * mm, 10 * mm), layers),), Cooling(bottom=FixedTemperature(300.0))
    )
    width = ratio ** -np.arange(cells)
    z = np.append(0.0, np.cumsum(width) / width.sum() * (SLAB.thickness - skin))
    side = np.array([0.0, 10 * mm])
    return discretize(package, grid=Grid(side, side, np.append(z, SLAB.thickness)))


def storing_package() -> Package:
    """Return the small package with heat capacities for all that had none."""
    package = small_package()
    whole = {
        name: replace(material, volumetric_heat_capacity=2e6) if isinstance(material, Material) else material
        for name, material in package.materials.items()
    }
    logic = package.stacks[1]
    own = Material(
        "own", {"power_law": {"at_reference": 148.0, "exponent": 1.3}}, volumetric_heat_capacity=1.6e6
    )
    layers = (logic.layers[0], replace(logic.layers[1], material=own))
    stacks = (package.stacks[0], replace(logic, layers=layers), package.stacks[2])
    return replace(package, stacks=stacks, materials=whole)


@pytest.fixture(scope="module")
def model() -> Model:
    return discretize(storing_package(), cell=1 * mm)


@pytest.fixture(scope="module")
def logic(model: Model) -> ThermalImpedance:
    return thermal_impedance(
        model, "logic", outputs=["memory", "interposer", "logic.active.io"], temperature=300.0
    )


# -- the slab ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fine() -> ThermalImpedance:
    return thermal_impedance(slab(80), "die", times=np.geomspace(1e-6, 1e2, 161))


def test_slab_rise_equals_published_and_exact_values(fine: ThermalImpedance) -> None:
    assert fine.rise(TIMES) == pytest.approx(list(PUBLISHED.values()), rel=5e-3)
    assert fine.zth["die"] == pytest.approx(SLAB.impedance(fine.time, 40_000), rel=3e-3)
    assert fine.theta == pytest.approx(SLAB.resistance, rel=1e-4)  # the skin is heated through
    assert fine.theta == pytest.approx(0.033784, rel=5e-5)
    assert fine.capacity == pytest.approx(SLAB.heat_capacity, rel=1e-9)
    assert not fine.warnings


def test_slab_converges_with_the_grid() -> None:
    """The error falls by four when cells are halved, whatever the skin does."""
    found = [thermal_impedance(slab(cells, 1.0), tolerance=1e-6) for cells in (25, 50, 100)]
    times = np.geomspace(1e-4, 5e-4, 9)
    coarse, middle, fine = (each.rise(times) for each in found)
    assert (coarse - middle) / (middle - fine) == pytest.approx(np.full(9, 4.0), rel=0.1)
    assert middle + (middle - coarse) / 3.0 == pytest.approx(SLAB.impedance(times), rel=1e-4)
    early = [np.abs(each.rise(TIMES[:2]) / SLAB.impedance(TIMES[:2]) - 1.0) for each in found]
    assert (early[0] > 2.0 * early[1]).all()
    assert (early[1] > 2.0 * early[2]).all()


def test_largest_time_constants_of_the_slab_are_exact() -> None:
    tau, resistance = thermal_impedance(slab(200, 1.0)).spectrum
    slow, of = SLAB.time_constants(4)
    for time, part in zip(slow, of, strict=True):
        n = int(np.argmin(np.abs(np.log(tau / time))))
        assert tau[n] == pytest.approx(time, rel=5e-4)
        assert resistance[n] == pytest.approx(part, rel=5e-3)


def test_structure_function_of_the_slab_is_a_straight_line(fine: ThermalImpedance) -> None:
    structure = fine.structure
    ramp = structure.resistance / SLAB.resistance
    assert structure.capacity / SLAB.heat_capacity == pytest.approx(ramp, abs=0.02)
    end, capacity = structure.held_end
    assert end == pytest.approx(0.03378, rel=1e-3)
    assert capacity == pytest.approx(0.0814, rel=0.02)
    share = structure.resistance / end
    slope = structure.slope[(share > 0.02) & (share < 0.9)] / (SLAB.heat_capacity / SLAB.resistance)
    assert slope == pytest.approx(np.ones(slope.size), abs=0.15)
    assert np.sqrt(np.mean((slope - 1.0) ** 2)) < 0.05


def test_impedance_of_the_slab_is_that_of_a_line_with_fixed_end(fine: ThermalImpedance) -> None:
    omega = np.geomspace(1e-1, 1e5, 30)
    x = np.sqrt(1j * omega * SLAB.resistance * SLAB.heat_capacity)
    assert fine.at(omega) == pytest.approx(SLAB.resistance * np.tanh(x) / x, rel=5e-3)
    assert fine.cauer.at(omega) == pytest.approx(fine.at(omega), rel=1e-8)


def test_time_integration_gives_the_same_rise() -> None:
    """Another way to the same rise: a simulation from the cold, its own error held small."""
    model = slab(30, 1.0)
    found = thermal_impedance(model)
    run = Simulation(model, initial="outside", tolerance=2e-6)
    place = find_port(model, "die.skin")
    for time in (1e-4, 1e-3, 1e-2):
        run.advance(time)
        assert place.mean(run.field) - 300.0 == pytest.approx(float(found.rise(time)), rel=1e-3)


@pytest.mark.parametrize("cells", [5, 20])
def test_grid_error_is_below_five_percent_from_the_resolved_time_on(cells: int) -> None:
    coarse = thermal_impedance(slab(cells, 1.0), times=np.geomspace(1e-6, 1.0, 121))
    error = np.abs(coarse.zth["die"] / SLAB.impedance(coarse.time, 40_000) - 1.0)
    assert 0.01 < error[coarse.time >= coarse.resolved].max() < 0.05
    assert error[coarse.time < 0.3 * coarse.resolved].max() > 0.05
    (warning,) = coarse.warnings
    assert warning.startswith("die: the grid causes an estimated error of ")
    assert "below 5 % from" in warning
    assert 'from the cells along z; use --from "1 us"' in warning
    assert "W-GRID" in warning


# -- rounding ------------------------------------------------------------------------------------


def structure_capacity(impedance: ThermalImpedance) -> np.ndarray:
    """Return the capacity [J/K] at 80 resistances from 0.2 % to 98 % of the total."""
    structure = impedance.structure
    share = np.geomspace(2e-3, 0.98, 80)
    return np.interp(share * impedance.theta, structure.resistance, structure.capacity)


@pytest.mark.parametrize("size", [1e-16, 1e-15, 1e-14, 1e-13])
def test_structure_function_does_not_depend_on_rounding(
    size: float, fine: ThermalImpedance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative errors of rounding size in every cell of every field change it by less than 1e-5."""
    draw = np.random.default_rng(0)
    add = KrylovBasis.add

    def add_with_error(self: KrylovBasis, t: np.ndarray) -> bool:
        return add(self, t * (1.0 + size * draw.uniform(-1.0, 1.0, t.shape)))

    monkeypatch.setattr(KrylovBasis, "add", add_with_error)
    for _ in range(3):
        again = thermal_impedance(slab(80), "die", times=fine.time)
        assert structure_capacity(again) == pytest.approx(structure_capacity(fine), rel=1e-5)
        assert again.zth["die"] == pytest.approx(fine.zth["die"], rel=5e-6)


# -- packages ------------------------------------------------------------------------------------


def without_power(stack: Stack) -> Stack:
    return replace(stack, layers=tuple(replace(layer, power=None) for layer in stack.layers))


def test_steady_rise_equals_the_steady_resistance(model: Model) -> None:
    """One heated die and one temperature outside: with conductivities as they are when it is hot."""
    package, ambient = storing_package(), 313.15
    stacks = (*package.stacks[:2], without_power(package.stacks[2]))
    cooling = replace(package.cooling, bottom=FaceCooling(Convection(15.0, ambient)))
    alone = discretize(replace(package, stacks=stacks, cooling=cooling), grid=model.grid)
    steady = solve_steady(alone, residual=1e-11)
    places = ["memory", "interposer.silicon"]
    found = thermal_impedance(alone, temperature=steady, outputs=places, times=[1.0])
    rise = np.nan_to_num(steady.field) - ambient
    assert found.source == "logic"
    assert found.theta == pytest.approx(find_source(alone, "logic").mean(rise) / 40.0, rel=1e-6)
    for name in places:
        expected = find_port(alone, name).mean(rise) / 40.0
        assert found.networks[name].total == pytest.approx(expected, rel=1e-6)
        assert expected == pytest.approx((steady.of(name).mean - ambient) / 40.0, rel=1e-3)
    assert found.networks["logic peak"].total == pytest.approx(rise[alone.part > 0].max() / 40.0, rel=1e-6)
    assert found.taken_at == "the steady temperatures at 40 W"
    assert thermal_impedance(alone, times=[1.0]).theta == pytest.approx(found.theta, rel=1e-6)
    assert thermal_impedance(alone, times=[1.0], temperature=steady.field).theta == found.theta
    assert thermal_impedance(alone, times=[1.0], temperature=250.0).theta < found.theta


def test_there_and_back_are_the_same(model: Model, logic: ThermalImpedance) -> None:
    back = thermal_impedance(model, "memory", outputs=["logic"], temperature=300.0)
    error = np.abs(back.zth["logic"] - logic.zth["memory"])
    assert (error <= 2e-4 * np.minimum(back.zth["memory"], logic.zth["logic"])).all()
    assert back.networks["logic"].total == pytest.approx(logic.networks["memory"].total, rel=1e-6)


def test_it_is_passive_and_rises_only(logic: ThermalImpedance) -> None:
    assert logic.foster.is_passive
    assert (np.diff(logic.zth["logic"]) >= 0.0).all()
    assert (logic.at(np.geomspace(1e-4, 1e8, 60)).real > 0.0).all()
    assert logic.cauer.total == pytest.approx(logic.theta, rel=1e-9)
    assert logic.error <= 1e-4
    assert logic.rates[0] == 0.0
    omega = np.geomspace(1e-2, 1e5, 20)
    assert logic.cauer.at(omega) == pytest.approx(logic.at(omega), rel=1e-6)


def test_neighbour_rises_later_than_a_block_of_the_source(logic: ThermalImpedance) -> None:
    own, memory, block = (logic.zth[name] for name in ("logic", "memory", "logic.active.io"))
    early = logic.time < 1e-4
    assert (np.abs(memory[early]) < 1e-4 * own[early]).all()
    assert logic.rise(1e3, "memory") == pytest.approx(logic.networks["memory"].total)
    assert (block > 0.1 * own).all()
    assert logic.at(0.0, "memory") == pytest.approx(logic.networks["memory"].total)
    assert (logic.zth["logic peak"] >= own * (1.0 - 1e-4)).all()


def test_runs_and_threads_give_the_same_bits(model: Model, logic: ThermalImpedance) -> None:
    places = ["memory", "interposer", "logic.active.io"]
    for threads in (1, 3):
        again = thermal_impedance(model, "logic", outputs=places, temperature=300.0, threads=threads)
        for name, network in logic.networks.items():
            assert np.array_equal(again.networks[name].resistance, network.resistance)


def test_change_with_the_tolerance_is_below_the_tolerance(model: Model, logic: ThermalImpedance) -> None:
    loose, tight = (
        thermal_impedance(model, "logic", outputs=["memory"], temperature=300.0, tolerance=tolerance)
        for tolerance in (1e-2, 1e-6)
    )
    for name in ("logic", "logic peak", "memory"):
        assert (np.abs(loose.zth[name] - tight.zth[name]) <= 1e-2 * tight.zth["logic"]).all()
        assert (np.abs(logic.zth[name] - tight.zth[name]) <= 1e-4 * tight.zth["logic"]).all()
    assert len(loose.rates) < len(logic.rates) < len(tight.rates)


def test_structure_function_separates_die_interface_and_plate() -> None:
    """Heat flows down through silicon, an interface without heat capacity, and copper into convection."""
    area = (10 * mm) ** 2
    silicon = Material("si", 148.0, volumetric_heat_capacity=1.628e6)
    copper = Material("cu", 398.0, volumetric_heat_capacity=3.45e6)
    layers = (
        Layer("plate", 2 * mm, copper),
        Layer("bulk", 0.5 * mm, silicon, interface=Interface(bottom=1e-5)),
        Layer("skin", 10 * nm, silicon, power=1.0),
    )
    cooling = Cooling(bottom=FaceCooling(Convection(5000.0, 300.0)))
    package = Package("sandwich", (Stack("die", (10 * mm, 10 * mm), layers),), cooling)
    structure = thermal_impedance(discretize(package, cell=(10 * mm, 10 * mm, 20 * um))).structure
    assert structure.cauer.total == pytest.approx(0.0338 + 0.1 + 0.0503 + 2.0, rel=1e-3)
    die, plate = 0.5 * mm * area * 1.628e6, 2 * mm * area * 3.45e6
    for at, expected in ((0.0169, 0.5 * die), (0.084, die), (1.2, die + plate)):
        found = float(np.interp(at, structure.resistance, structure.capacity))
        assert found == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("name", ["v_cache", "fcbga"])
def test_shipped_packages_have_an_impedance(name: str) -> None:
    model = discretize(read_package(name), cell=3 * mm)
    found = thermal_impedance(model, temperature=300.0, tolerance=1e-2)
    assert found.source == next(iter(heated_stacks(model)))
    assert found.theta > 0.0
    assert found.foster.is_passive
    assert found.time[0] == 1e-6
    assert found.time[-1] == pytest.approx({"v_cache": 1e2, "fcbga": 1e3}[name])
    assert not [text for text in found.warnings if "W-TIME" in text]


# -- ports ---------------------------------------------------------------------------------------


def test_weights_of_ports_sum_to_one(model: Model) -> None:
    power = model.power.ravel()
    for name, heat in (("logic", 40.0), ("logic.active", 40.0), ("logic.active.core", 25.0), ("memory", 5.0)):
        place = find_source(model, name)
        assert place.weight.sum() == pytest.approx(1.0, rel=1e-14)
        assert heat * place.weight == pytest.approx(power[place.cell], rel=1e-12)
        assert place.source_field(model.grid.shape).sum() == pytest.approx(1.0)
    whole = find_port(model, "interposer")
    numbers = [n for n, part in enumerate(model.parts, 1) if part.name.startswith("interposer.")]
    assert np.array_equal(whole.cell, np.flatnonzero(np.isin(model.part, numbers)))
    assert whole.mean(np.ones(model.grid.shape)) == pytest.approx(1.0)
    assert heated_stacks(model) == pytest.approx({"logic": 40.0, "memory": 5.0})
    assert list(heated_stacks(model)) == ["logic", "memory"]


def test_unknown_name_is_reported_with_similar_names(model: Model) -> None:
    with pytest.raises(KeyError, match=r"no part is named 'logc' \(did you mean logic"):
        thermal_impedance(model, "logc")
    with pytest.raises(KeyError, match="no part is named 'memry'"):
        thermal_impedance(model, "logic", outputs=["memry"])
    with pytest.raises(ValueError, match=r"interposer has no power \(stacks with power: logic, memory"):
        thermal_impedance(model, "interposer")


@pytest.mark.parametrize("times", [[0.0, 1.0], [-1.0], [np.nan], []])
def test_invalid_times_raise(model: Model, times: list[float]) -> None:
    with pytest.raises(ValueError, match="times must be finite and greater than zero"):
        thermal_impedance(model, "logic", times=times)


def test_temperature_of_another_shape_raises(model: Model) -> None:
    with pytest.raises(ValueError, match="temperature: an array of float64 with shape"):
        thermal_impedance(model, "logic", temperature=np.ones((1, 2, 3)))


def test_materials_without_capacity_are_listed() -> None:
    with pytest.raises(DescriptionError) as caught:
        thermal_impedance(discretize(small_package(), cell=3 * mm), "logic", temperature=300.0)
    assert {diagnostic.code for diagnostic in caught.value.diagnostics} == {"E-MISSING"}
    assert {diagnostic.field for diagnostic in caught.value.diagnostics} == {
        "materials.own",
        "materials.epoxy",
    }


def test_model_larger_than_memory_raises(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The available memory suffices for a steady solve, but not for the fields of the reduced model."""
    monkeypatch.setattr(
        "thermostack.mesh.memory_estimate.available_memory", lambda: 30 * 8 * model.grid.cells
    )
    solve_steady(model, estimate=False)
    with pytest.raises(ResourceError, match="Use cells about"):
        thermal_impedance(model, "logic", temperature=300.0)


def test_times_that_end_too_early_cause_a_warning(model: Model) -> None:
    early = thermal_impedance(model, "logic", times=np.geomspace(1e-3, 1e-1, 20), temperature=300.0)
    (said,) = (text for text in early.warnings if "W-TIME" in text)
    assert "at 100 ms the rise is" in said


# -- files ---------------------------------------------------------------------------------------


def rows(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open(newline="") as file:
        head, *body = list(csv.reader(file))
    return head, np.array([[float(value or "nan") for value in row] for row in body])


def test_files_contain_the_values_of_the_result(logic: ThermalImpedance, tmp_path: Path) -> None:
    written = logic.save(tmp_path)
    names = [f"two_dies_zth{ending}" for ending in FILE_SIGNATURES]
    assert [path.name for path in written] == names
    head, table = rows(tmp_path / names[0])
    assert head[:2] == ["time [s]", "logic [K/W]"]
    count = 1 + len(logic.zth)
    assert np.array_equal(table[:, :count], np.column_stack([logic.time, *logic.zth.values()]))
    assert head[count:] == [f"{name} grid error [K/W]" for name in logic.zth]
    assert np.array_equal(table[:, count], logic.error_of_rise(logic.time, "logic"))
    head, table = rows(tmp_path / names[1])
    assert np.array_equal(table[:, :2], np.column_stack(logic.spectrum))
    head, table = rows(tmp_path / names[2])
    assert np.array_equal(
        table[:, :2], np.column_stack([logic.structure.resistance, logic.structure.capacity])
    )
    assert np.array_equal(table[:, 2], logic.structure.slope)
    summary = json.loads((tmp_path / names[4]).read_text())
    assert summary["theta"]["logic"] == logic.theta
    assert summary["zth"]["memory"] == logic.zth["memory"].tolist()
    assert summary["foster"]["resistance"]["logic"] == logic.foster.resistance.tolist()
    assert sum(summary["cauer"]["resistance"]) == pytest.approx(logic.theta)
    contract = "package source theta peak_at time zth foster cauer taken_at error solves capacity resolved"
    assert set(contract.split()) | {"grid_error", "rise_time", "seconds", "warnings"} == set(summary)


def test_both_circuits_have_the_resistance_of_the_source(logic: ThermalImpedance) -> None:
    text = circuits(logic)
    assert text.startswith("* thermal impedance of logic in two_dies\n")
    for kind in ("cauer", "foster"):
        body = text.partition(f".subckt two_dies_logic_{kind} junction ambient")[2].partition(".ends")[0]
        values = [float(row.split()[3]) for row in body.strip().splitlines() if row.startswith("R")]
        assert sum(values) == pytest.approx(logic.theta, rel=1e-9)


def test_files_of_another_kind_are_not_overwritten(logic: ThermalImpedance, tmp_path: Path) -> None:
    logic.save(tmp_path)
    logic.save(tmp_path)
    for ending in FILE_SIGNATURES:
        path = tmp_path / f"two_dies_zth{ending}"
        path.write_text("notes of months")
        with pytest.raises(OutputError, match="has another content than its name suggests"):
            logic.save(tmp_path)
        assert path.read_text() == "notes of months"
        path.unlink()
    with pytest.raises(OutputError, match="missing"):
        write_impedance(logic, impedance_files(tmp_path / "missing" / "x"))


# -- figure and tables ----------------------------------------------------------------------------


def test_figure_shows_rise_spectrum_and_both_structure_functions(
    logic: ThermalImpedance, tmp_path: Path
) -> None:
    figure = logic.plot(tmp_path / "zth.png")
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles == [
        "after a step of power",
        "time constants",
        "cumulative structure function",
        "differential structure function",
    ]
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    assert any(np.array_equal(values, logic.zth["logic"]) for values in drawn)
    assert any(np.array_equal(line.get_ydata(), logic.structure.capacity) for line in figure.axes[2].lines)
    assert any(np.array_equal(line.get_ydata(), logic.structure.slope) for line in figure.axes[3].lines)
    assert "two_dies" in [text.get_text() for text in figure.texts]
    assert (tmp_path / "zth.png").read_bytes().startswith(b"\x89PNG")


def test_single_time_and_single_term_are_plotted(tmp_path: Path) -> None:
    tiny = thermal_impedance(slab(1), "die", times=[1e-3, 1e-2])
    tiny.plot(tmp_path / "tiny.svg")
    assert (tmp_path / "tiny.svg").stat().st_size > 1000


def test_tables_contain_rises_and_totals(logic: ThermalImpedance) -> None:
    text = as_text(impedance_table(logic, 132), 132)
    assert [line.split("  ")[0] for line in text.splitlines()[2:5]] == ["1 us", "10 us", "100 us"]
    assert f"{logic.theta:.4g}" in text
    assert "steady" in text
    narrow = as_text(impedance_table(logic, 45), 45)
    assert "more outputs in the files" in narrow
    assert max(map(len, narrow.splitlines())) <= 45
    summary = as_text(networks_table(logic, {"reduce": 1.0}, ["a.csv"]), 200)
    for word in ("resistance", "peak", "rise", "terms", "evaluated at", "error", "solves", "written"):
        assert word in summary
    half = logic.time_of_rise(0.5)
    assert logic.rise(half) == pytest.approx(0.5 * logic.theta, rel=1e-3)


def test_decades_are_powers_of_ten_between_first_and_last() -> None:
    assert decades(np.array([1e-6, 1e-3])) == [1e-6, 1e-5, 1e-4, 1e-3]
    assert decades(np.array([5.0])) == [5.0]
    assert decades(np.array([2.0, 3.0])) == [2.0, 3.0]


# -- the command ---------------------------------------------------------------------------------

FAST = ["--cell", "3 mm", "--threads", "1", "--tolerance", "1e-2", "--temperature", "300 K"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


def test_zth_prints_tables_and_writes_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zth", "fcbga", *FAST, "--output", "run"]) == 0
    printed, logged = capsys.readouterr()
    for word in ("fcbga", "K/W", "steady", "resistance", "terms", "evaluated at", "written"):
        assert word in printed
    assert "building the reduced model" in logged
    assert not [line for line in printed.splitlines() if line != line.rstrip() or len(line) > 132]
    names = sorted(["fcbga_zth.png", *(f"fcbga_zth{ending}" for ending in FILE_SIGNATURES)])
    assert sorted(path.name for path in (here / "run").iterdir()) == names


def test_zth_prints_json_and_saves_under_another_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--source",
        "die",
        "--outputs",
        "die, board",
        "--times",
        "1 us, 10 s, 3",
        "--json",
        "-o",
        "v1.2.png",
    ]
    assert main(["zth", "fcbga", *FAST, *options]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["package"] == "fcbga"
    assert len(summary["time"]) == 22
    assert set(summary["zth"]) == {"die", "die peak", "board"}
    assert {"read", "mesh", "assemble", "reduce", "write", "plot"} <= set(summary["seconds"])
    assert summary["files"] == ["v1.2.png", *(f"v1.2{ending}" for ending in FILE_SIGNATURES)]
    assert all((here / name).is_file() for name in summary["files"])
    assert main(["zth", "fcbga", *FAST, "--no-save"]) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--source", "dye"], "--source: no part is named 'dye'"),
        (["--source", "board"], "--source: board has no power"),
        (["--outputs", "lit"], "--outputs: no part is named 'lit'"),
        (["--times", "1 us"], "--times: '1 us' is not a first time, a last time"),
        (["--times", "1 s, 1 us"], "the first time must be positive and before the last"),
        (["--times", "1 us, 1 s, many"], "many per decade must give 2 to 100000 times"),
        (["--times", "1, 2"], "--times"),
        (["--times", "1 us, 1 s, 100000"], "100000 per decade must give 2 to 100000 times"),
        (["--temperature", "20"], "--temperature"),
        (["--tolerance", "2"], "--tolerance: must be at least 1e-07 and below 1, got 2"),
        (["--threads", "0"], "--threads: must be from 1 to 1024, got 0"),
    ],
)
def test_invalid_options_are_reported(
    options: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["zth", "fcbga", "--cell", "5 mm", *options]) == 2
    printed, logged = capsys.readouterr()
    assert printed == ""
    assert said in logged
    assert "Traceback" not in logged
    assert list(here.iterdir()) == []


def test_times_are_read() -> None:
    assert read_times(None) is None
    times = read_times("1 ms, 10 s")
    assert times is not None
    assert (times[0], times.size) == (1e-3, 81)
    assert times[-1] == pytest.approx(10.0)
