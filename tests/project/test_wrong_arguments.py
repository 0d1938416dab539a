"""Wrong arguments of public functions: each is refused with its name, a code and a hint."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thermostack as ts
from tests.support.small_workloads import workload_model


class Objects:
    """The objects whose methods the cases call."""

    def __init__(self) -> None:
        self.model = workload_model()
        self.package = self.model.package
        self.steady = ts.solve_steady(self.model)
        self.trace = ts.Trace.of([0.0, 1.0], {"die": [10.0, 20.0]}, after="hold")
        self.loads = ts.Loads(self.model, self.trace)
        self.simulation = ts.Simulation(self.model, initial="outside")
        self.run = ts.solve_transient(self.model, "1 ms", initial="outside")
        self.foster = ts.Foster([1.0, 2.0], [1.0, 2.0])
        self.impedance = ts.thermal_impedance(self.model, "die", outputs="board")


@pytest.fixture(scope="module")
def objects() -> Objects:
    return Objects()


Case = tuple[Callable[[Objects], Any], str]

OBJECTS: list[Case] = [  # a name, a path or another object in place of the right one
    (lambda o: ts.solve_steady("fcbga"), "model: 'fcbga' is not a Model or a Package (read the"),
    (lambda o: ts.solve_steady(o.steady), "model: an object of SteadyResult is not a Model or a Package ("),
    (lambda o: ts.solve_steady(None), "model: None is not a Model or a Package (discretize(package)"),
    (lambda o: ts.Simulation("fcbga"), "model: 'fcbga' is not a Model or a Package"),
    (lambda o: ts.solve_transient(Path("x.yaml"), "1 s"), "(read the package first: read_package('x.yaml'))"),
    (lambda o: ts.thermal_impedance("x.yaml"), "model: 'x.yaml' is not a Model or a Package"),
    (lambda o: ts.discretize("fcbga"), "package: 'fcbga' is not a Package (read the"),
    (lambda o: ts.discretize(o.model), "package: an object of Model is not a Package (pass its attribute "),
    (lambda o: ts.discretize(o.package, grid="x"), "grid: 'x' is not a Grid"),
    (lambda o: ts.write_package(o.model, "x.yaml"), "package: an object of Model is not a Package"),
    (lambda o: ts.Loads("fcbga"), "model: 'fcbga' is not a Model"),
    (lambda o: ts.Loads(o.package), "model: an object of Package is not a Model (discretize(package)"),
    (lambda o: ts.Loads(o.model, "x.csv"), "loads: 'x.csv' is not a trace (read the trace first: "),
    (lambda o: ts.solve_transient(o.model, "1 ms", "x.csv"), "loads: 'x.csv' is not a trace"),
    (lambda o: ts.solve_transient(o.model, "1 ms", [5]), "loads: 5 is not a trace"),
    (lambda o: ts.solve_transient(o.model, "1 ms", controllers=5), "controllers: 5 is not a sequence"),
    (lambda o: ts.read_package(5), "source: 5 is not a path or a name"),
    (lambda o: ts.read_package("fcbga", "x=1"), "overrides: 'x=1' is not a mapping"),
    (lambda o: ts.solve_steady(o.model, progress="x"), "progress: 'x' is not a function"),
    (lambda o: o.simulation.restore({}), "state: the state has no time and no next_step"),
    (lambda o: o.simulation.restore(None), "state: None is not a mapping"),
]

NUMBERS: list[Case] = [  # out of range, or of the wrong type
    (lambda o: ts.solve_steady(o.model, threads=-3), "threads: must be from 1 to 1024, got -3"),
    (lambda o: ts.solve_steady(o.model, threads=0), "threads: must be from 1 to 1024, got 0"),
    (lambda o: ts.solve_transient(o.model, "1 ms", threads=100_000), "threads: must be from 1 to 1024"),
    (lambda o: ts.Simulation(o.model, threads=1.5), "threads: 1.5 is not a whole number"),
    (lambda o: ts.thermal_impedance(o.model, threads="2"), "threads: '2' is not a whole number"),
    (lambda o: ts.solve_steady(o.model, residual="1e-6"), "residual: '1e-6' is not a number (write"),
    (lambda o: ts.solve_steady(o.model, residual=math.nan), "residual: nan is not a finite number"),
    (lambda o: ts.solve_steady(o.model, residual=0), "residual: must be at least 1e-15 and less"),
    (lambda o: ts.thermal_impedance(o.model, tolerance=math.inf), "tolerance: inf is not a finite number"),
    (lambda o: ts.discretize(o.package, fineness=0), "fineness: must be greater than 0, got 0"),
    (lambda o: ts.discretize(o.package, fineness=-1.0), "fineness: must be greater than 0, got -1.0"),
    (lambda o: ts.discretize(o.package, fineness="2"), "fineness: '2' is not a number"),
    (lambda o: ts.discretize(o.package, block_planes="10"), "block_planes: '10' is not a whole number"),
    (lambda o: ts.discretize(o.package, block_planes=-1), "block_planes: must be at least 0, got -1"),
    (lambda o: ts.discretize(o.package, cell=[1e-3] * 4), "cell: 4 sizes for 3 axes"),
    (lambda o: ts.discretize(o.package, cell=["1 mm", 0.0]), "cell[1]: a cell size must be positive"),
    (lambda o: ts.clock_states(80), "clocks[0]: 8000 % is not below 100 % (list clocks"),
    (lambda o: ts.clock_states(0.6, 0.8), "clocks[1]: 80 % is not below 60 %"),
    (lambda o: ts.clock_states(-0.5), "clocks[0]: -50 % is not greater than zero"),
    (lambda o: ts.clock_states(0.5, still=2.0), "still: 2 is more than 100 %"),
    (lambda o: ts.PowerState("a", 1.5), "PowerState.power: 150 % is more than 110 %"),
    (lambda o: ts.PowerState("a", 0.5, 1.5), "PowerState.performance: 150 % is more than 100 %"),
    (lambda o: ts.hbm_throttle("hbm", limit="90 degC"), "limit has no effect: every state"),
    (lambda o: o.simulation.advance(math.nan), "until: nan is not a finite time"),
    (lambda o: ts.solve_transient(o.model, "1 ms", checkpoint=-1.0), "checkpoint: -1 s is less than zero"),
]


NAMES: list[Case] = [  # names that nothing has, and containers of the wrong kind
    (lambda o: ts.gpu_throttle("gpu", product="h10"), "product: unknown processor 'h10' (did you mean h100"),
    (
        lambda o: ts.gpu_throttle("gpu", product="b200"),
        "product: unknown processor 'b200' (choose one of h100",
    ),
    (lambda o: ts.Cooling(top=ts.Adiabatic()).face("up"), "no face is named 'up' (the faces are top, bottom"),
    (lambda o: o.impedance.rise(1.0, "nope"), "no output is named 'nope' (the names are "),
    (lambda o: o.impedance.at("1 kHz", "dies"), "no output is named 'dies' (did you mean die?"),
    (lambda o: o.steady.of(3), "no part is named 3"),
    (lambda o: o.run.table(names=5), "names: 5 is not a sequence of names"),
    (lambda o: o.run.table("80"), "width: '80' is not a whole number"),
    (lambda o: o.steady.table(0), "width: must be at least 1, got 0"),
    (
        lambda o: o.simulation.at(("1 mm", "1 mm", "1 mm")),
        "'1 mm', '1 mm') is not a mapping",
    ),
    (lambda o: o.simulation.at({"a": ("1 mm", "1 mm")}), "probes.a: ['1 mm', '1 mm'] is not"),
    (
        lambda o: ts.solve_transient(o.model, "1 ms", probes={"a": "1 mm"}),
        "probes.a: '1 mm' is not",
    ),
    (lambda o: o.simulation.step("1 ms", "60 W"), "powers: '60 W' is not a mapping"),
    (lambda o: o.loads.scale({"die": "x"}), 'die: "x" does not begin with a number'),
    (lambda o: ts.TimeFunction(5), "function: 5 is not a function"),
    (lambda o: ts.Trace.of([0.0], [5.0]), "columns: [5.0] is not a mapping"),
    (
        lambda o: ts.Trace.of([0.0], {"die": ["5 K"]}),
        "columns['die'][0]: \"5 K\" is a temp",
    ),
    (lambda o: ts.Trace.of(["0 s", "2 m"], {"die": [1, 2]}), 'times[1]: "2 m" is a length; expected a time'),
    (lambda o: o.foster.rise(-1.0), "time: -1 s is before the step of power"),
    (lambda o: o.foster.at("1 K"), 'omega: "1 K" is a temperature; expected a frequency'),
    (lambda o: ts.Grid(["0 mm", "1 W"], [0, 1], [0, 1]), 'x[1]: "1 W" is a power; expected a length'),
    (lambda o: ts.Grid([0, 0], [0, 1], [0, 1]), "x: the x planes of a grid must ascend"),
]


WORDS: list[Case] = [  # hints for Python, and the argument as the place of the error
    (
        lambda o: ts.Package("x", (), ts.Adiabatic()),
        "Adiabatic() is not a cooling (write Cooling(",
    ),
    (lambda o: ts.Cooling(top="25 degC"), "'25 degC' is not a cooler (it is one of adiabatic, convection, "),
    (lambda o: ts.Layer("a", "1 mm", "copper", regions=5), "5 is not a mapping of names"),
    (lambda o: ts.discretize(o.package, grid=ts.Grid([0, 1], [0, 1], [0, 1])), "grid: no cell for "),
]


@pytest.mark.parametrize(("call", "said"), [*OBJECTS, *NUMBERS, *NAMES, *WORDS])
def test_wrong_argument_is_explained(objects: Objects, call: Callable[[Objects], Any], said: str) -> None:
    with pytest.raises(ts.DescriptionError) as caught:
        call(objects)
    assert said in str(caught.value)


def test_wrong_argument_is_also_a_value_error(objects: Objects) -> None:
    """Existing handlers of ValueError and KeyError catch the errors of arguments and of names."""
    with pytest.raises(ValueError, match="threads"):
        ts.solve_steady(objects.model, threads=0)
    with pytest.raises(KeyError, match="no part is named"):
        objects.steady.of("dye")


def test_a_file_of_another_kind_is_not_written(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    calls: list[Callable[[], Any]] = [
        lambda: objects.steady.save("x.txt"),
        lambda: objects.run.save("x.csv"),
        lambda: ts.solve_transient(objects.model, "1 ms", path="x.foo"),
        lambda: ts.write_package(objects.package, "x.txt"),
        lambda: objects.steady.plot("x.gif"),
    ]
    for call in calls:
        with pytest.raises(ts.OutputError, match=r"cannot write x\.\w+: name a file that ends in "):
            call()
    assert list(tmp_path.iterdir()) == []


def test_loads_of_another_model_are_refused(objects: Objects) -> None:
    """The cells of other loads are those of another grid, so their power would be at wrong places."""
    finer = ts.discretize(objects.package, cell="0.5 mm")
    with pytest.raises(ts.ArgumentError, match="loads: they belong to a model of"):
        ts.solve_transient(finer, "1 ms", objects.loads)
    same = ts.discretize(objects.package, grid=objects.model.grid)
    powers = ts.Simulation(same, objects.loads, initial="outside").loads.source_powers(0.0)
    assert np.array_equal(powers, objects.loads.source_powers(0.0))


def test_one_controller_needs_no_list(objects: Objects) -> None:
    throttle = ts.gpu_throttle("die")
    runs = [
        ts.solve_transient(objects.model, "1 ms", initial="outside", controllers=controllers)
        for controllers in (throttle, [throttle])
    ]
    assert [log.name for log in runs[0].throttling] == ["die"]
    assert np.array_equal(runs[0].field, runs[1].field, equal_nan=True)


def test_overrides_are_plain_data() -> None:
    size = "stacks.die.size"
    expected = ts.read_package("fcbga", {size: "[10 mm, 11 mm]"})
    for value in (["10 mm", "11 mm"], ("10 mm", "11 mm")):
        assert ts.read_package("fcbga", {size: value}) == expected
    power = {"total": "5 W"}
    assert ts.read_package("fcbga", {"stacks.die.layers.active.power": power}).stack("die").layers
    with pytest.raises(ts.DescriptionError, match="an object of Material is not plain data"):
        ts.read_package("fcbga", {"stacks.die.layers.bulk.material": ts.find_material("copper")})
    with pytest.raises(ts.DescriptionError, match=r"^overrides: .*did you mean die"):
        ts.read_package("fcbga", {"stacks.dye.size": ["1 mm", "1 mm"]})


def test_linear_law_needs_its_range() -> None:
    """The class attribute of the base class of laws is not the default of the field."""
    law = {"linear": {"at_reference": 170.0, "change_per_kelvin": "-0.1 W/m/K"}}
    with pytest.raises(ts.DescriptionError, match=r"linear\.range: is missing \[E-MISSING\]"):
        ts.Material("ceramic", law)


# -- quantities as text ----------------------------------------------------------------------------

Pair = tuple[Callable[[Objects], Any], Callable[[Objects], Any]]

QUANTITIES: dict[str, Pair] = {  # a call with text, and the same call with numbers in SI units
    "trace": (
        lambda o: ts.Trace.of(["0 ms", 5e-3], {"die": ["10 W", 20], "cooling.top": ["25 degC", 300]}).values,
        lambda o: np.array([[10.0, 298.15], [20.0, 300.0]]),
    ),
    "fraction of a trace": (
        lambda o: ts.Trace(["0 ms", "5 ms"], ("die",), ("1",), [["50 %"], [0.2]]).values,
        lambda o: np.array([[0.5], [0.2]]),
    ),
    "period": (
        lambda o: ts.Trace.of([0, 1], {"die": [1, 2]}, after="repeat", period="2 s").period,
        lambda o: 2.0,
    ),
    "constant": (lambda o: ts.Trace.constant({"die": "10 W"}).values, lambda o: np.array([[10.0]])),
    "pattern": (
        lambda o: ts.Trace.pattern(["8 ms", 2e-3], {"die": ["70 W", 10]}).at("9 ms"),
        lambda o: np.array([10.0]),
    ),
    "one duration": (lambda o: ts.Trace.pattern("8 ms", {"die": ["70 W"]}).period, lambda o: 8e-3),
    "trace at": (lambda o: o.trace.at("1000 ms", before=True), lambda o: o.trace.at(1.0, before=True)),
    "next event": (lambda o: o.trace.next_event("5 ms"), lambda o: o.trace.next_event(5e-3)),
    "integral": (lambda o: o.trace.integral("0 s", "1 s"), lambda o: o.trace.integral(0.0, 1.0)),
    "covers": (lambda o: o.trace.covers("2 s", "1 s"), lambda o: True),
    "must cover": (lambda o: o.trace.must_cover("2 s", "1 s"), lambda o: None),
    "function": (lambda o: ts.TimeFunction(lambda t: {"die": "10 W"}).at("0 s"), lambda o: np.array([10.0])),
    "break": (lambda o: ts.TimeFunction(lambda t: {"die": t}, "5 ms").next_event("1 ms"), lambda o: 5e-3),
    "cell powers": (lambda o: o.loads.cell_powers("5 ms"), lambda o: o.loads.cell_powers(5e-3)),
    "powers": (lambda o: o.loads.power("5 ms"), lambda o: o.loads.power(5e-3)),
    "source powers": (lambda o: o.loads.source_powers("2 s"), lambda o: o.loads.source_powers(2.0)),
    "ambient": (lambda o: o.loads.ambient_temperature("2 s"), lambda o: o.loads.ambient_temperature(2.0)),
    "event of loads": (lambda o: o.loads.next_event("5 ms"), lambda o: 1.0),
    "coverage of loads": (lambda o: o.loads.must_cover("5 ms", "1 ms"), lambda o: None),
    "clock": (
        lambda o: [state.power for state in ts.clock_states("80 %", still="20 %")],
        lambda o: [1.0, 0.2 + 0.8 * 0.8**3],
    ),
    "map": (
        lambda o: ts.PowerMap([[1, 2], [3, 4]], "W/m2").pixel_powers("10 mm", "10 mm"),
        lambda o: np.array([[1, 2], [3, 4]]) * 25e-6,
    ),
    "power on": (
        lambda o: ts.Power(map=ts.PowerMap([[4.0]], "W/m2")).power_on("10 mm", "5 mm"),
        lambda o: 4.0 * 50e-6,
    ),
    "rectangle": (lambda o: ts.PowerMap([[4.0]]).rectangle("1 mm", "2 mm"), lambda o: (0.0, 0.0, 1e-3, 2e-3)),
    "conductivity": (
        lambda o: ts.find_material("silicon").conductivity_at(["85 degC", 300.0]),
        lambda o: ts.find_material("silicon").conductivity_at(np.array([358.15, 300.0])),
    ),
    "capacity": (
        lambda o: ts.find_material("silicon").capacity_at("85 degC"),
        lambda o: ts.find_material("silicon").capacity_at(358.15),
    ),
    "rise": (lambda o: o.impedance.rise("10 ms"), lambda o: o.impedance.rise(0.01)),
    "frequency": (lambda o: o.impedance.at("50 Hz"), lambda o: o.impedance.at(100.0 * np.pi)),
    "angular frequency": (lambda o: o.impedance.at(["50 rad/s", 7.0]), lambda o: o.impedance.at([50.0, 7.0])),
    "network": (
        lambda o: ts.Cauer(["1 K/W"], ["2 J/K"]).at("1 kHz"),
        lambda o: ts.Cauer([1.0], [2.0]).at(2e3 * np.pi),
    ),
    "grid": (lambda o: ts.Grid(["0 mm", "1 mm"], [0, 1], [0, 1]).x, lambda o: np.array([0.0, 1e-3])),
    "celsius": (lambda o: ts.units.celsius("25 degC"), lambda o: 298.15),
}


@pytest.mark.parametrize("name", QUANTITIES)
def test_text_with_a_unit_is_the_same_as_a_number(objects: Objects, name: str) -> None:
    text, number = (call(objects) for call in QUANTITIES[name])
    assert text is number if number is None else np.allclose(text, number, rtol=1e-14, atol=0.0)


def test_steps_and_factors_of_a_simulation_accept_text(objects: Objects) -> None:
    pair = [ts.Simulation(objects.model, initial="outside", step=1e-3) for _ in range(2)]
    pair[0].scale({"die": "50 %"})
    pair[0].advance("2 ms")
    pair[1].scale({"die": 0.5})
    pair[1].advance(2e-3)
    assert np.array_equal(pair[0].field, pair[1].field, equal_nan=True)


def test_one_name_needs_no_list(objects: Objects) -> None:
    assert list(objects.impedance.networks) == ["die", "board", "die peak"]
    assert objects.run.table(names="die") == objects.run.table(names=["die"])


def test_period_of_a_trace_file_accepts_text(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("time [ms],die [W]\n0,100\n5,250\n")
    assert ts.read_trace(path, after="repeat", period="8 ms").period == 8e-3


def test_one_object_needs_no_sequence() -> None:
    region = ts.Region("coin", ("3 mm", "3 mm"), "copper")
    layer = ts.Layer("bulk", "1 mm", "silicon", regions=region)
    assert layer == ts.Layer("bulk", "1 mm", "silicon", regions=(region,))
    stack = ts.Stack("die", ("10 mm", "10 mm"), layer)
    assert stack.layers == (layer,)
    assert ts.Package("x", stack, ts.Cooling(top=ts.Convection(100.0, 300.0))).stacks == (stack,)


def test_wrong_argument_of_a_trace_file_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("time [ms],die [W]\n0,100\n5,250\n")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"kind": "step"}, "kind: 'step' is not one of steps, linear"),
        ({"period": "1 ms"}, "period: only a repeated trace has a period"),
        ({"after": "repeat", "period": "1 ms"}, "period: a period of 1 ms ends before"),
    ]
    for options, said in cases:
        with pytest.raises(ts.DescriptionError, match=f"^{said}"):
            ts.read_trace(path, **options)


def test_change_of_conductivity_has_its_own_unit() -> None:
    laws = []
    for change in ("-0.68 W/m/K2", "-0.68 W/m/K", -0.68):
        law = {"at_reference": "170 W/m/K", "change_per_kelvin": change, "range": (250, 450)}
        laws.append(ts.Material("x", {"linear": law}))
    assert laws[0] == laws[1] == laws[2]
    with pytest.raises(ts.DescriptionError, match="is a power; expected a conductivity change"):
        ts.Material("x", {"linear": {"at_reference": 170, "change_per_kelvin": "1 W", "range": (250, 450)}})
