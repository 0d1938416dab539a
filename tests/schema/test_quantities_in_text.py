"""Quantities as text in Python: every public function with a unit reads "0.25 mm" like 0.25e-3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Convection,
    Cooling,
    DescriptionError,
    Layer,
    Material,
    Model,
    Package,
    Simulation,
    Stack,
    TimeFunction,
    Trace,
    discretize,
    solve_steady,
    solve_transient,
    thermal_impedance,
)
from thermostack.schema.fields import point_in_metres, to_si
from thermostack.units import mm

SILICON = Material("si", 148.0, volumetric_heat_capacity=1.6e6)


@pytest.fixture(scope="module")
def model() -> Model:
    """Return the model of a heated plate."""
    layer = Layer("die", "0.5 mm", SILICON, power="2 W")
    plate = Stack("plate", ("4 mm", "3 mm"), (layer,))
    return discretize(Package("plate", (plate,), Cooling(top=Convection(1e4, 300.0))), cell="0.5 mm")


@pytest.mark.parametrize(
    ("value", "dimension", "expected"),
    [
        ("0.25 mm", "length", 0.25e-3),
        ("10 ms", "time", 0.01),
        ("25 degC", "temperature", 298.15),
        ("0.5 K", "temperature_difference", 0.5),
        ("40 %", "fraction", 0.4),
        (0.25, "length", 0.25),
        (3, "time", 3.0),
        (np.float32(0.5), "length", 0.5),
        (2 * mm, "length", 2e-3),
    ],
)
def test_numbers_and_text_in_si(value: Any, dimension: str, expected: float) -> None:
    found = to_si(value, dimension)
    assert found == expected
    assert type(found) is float


@pytest.mark.parametrize(
    ("value", "dimension", "code", "words"),
    [
        ("0.25", "length", "E-UNIT", "has no unit"),
        ("0.25 s", "length", "E-UNIT", "is a time"),
        ("0.25 widgets", "length", "E-UNIT", "unknown unit"),
        ("thin", "length", "E-UNIT", "number"),
        (None, "time", "E-TYPE", "None is not a time"),
        (True, "length", "E-TYPE", "True is not a length"),
        ([1.0], "length", "E-TYPE", "[1.0] is not a length"),
    ],
)
def test_invalid_quantities_are_rejected(value: Any, dimension: str, code: str, words: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        to_si(value, dimension, "argument")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.field, diagnostic.code) == ("argument", code)
    assert words in diagnostic.message
    assert diagnostic.hint.endswith("or a number in SI units")


def test_points_in_text() -> None:
    assert point_in_metres(("1 mm", 2e-3, "0.5 mm")) == (1e-3, 2e-3, 0.5e-3)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 mm", 1e-3),
        (("1 mm", "0.5 mm"), (1e-3, 0.5e-3)),
        (("1 mm", 0.5e-3, "100 um"), (1e-3, 0.5e-3, 1e-4)),
        ({"plate": "0.2 mm"}, {"plate": 0.2e-3}),
    ],
)
def test_grid_liness_in_text(model: Model, text: Any, number: Any) -> None:
    one, other = discretize(model.package, cell=text), discretize(model.package, cell=number)
    for axis in ("x", "y", "z"):
        assert getattr(one.grid, axis).tolist() == getattr(other.grid, axis).tolist()


@pytest.mark.parametrize(
    ("cell", "field"),
    [("1 W", "cell"), (("1 mm", "2 s"), "cell[1]"), ({"plate": "2"}, "cell.plate"), (object(), "cell")],
)
def test_invalid_cell_sizes_in_text(model: Model, cell: Any, field: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        discretize(model.package, cell=cell)
    assert caught.value.diagnostics[0].field == field


def test_transient_in_text(model: Model) -> None:
    probe = ("2 mm", "1.5 mm", "0.25 mm")
    text = solve_transient(
        model, "20 ms", Trace.duty_cycle("plate", "3 W", period="10 ms", share="40 %", low="1 W"),
        initial="310 K", tolerance="0.05 K", times=["5 ms"], probes={"middle": probe},
    )  # fmt: skip
    number = solve_transient(
        model, 0.02, Trace.duty_cycle("plate", 3.0, period=0.01, share=0.4, low=1.0),
        initial=310.0, tolerance=0.05, times=[0.005], probes={"middle": (2e-3, 1.5e-3, 0.25e-3)},
    )  # fmt: skip
    assert text.time.tolist() == number.time.tolist()
    assert np.array_equal(text.field, number.field)


def test_simulation_in_text(model: Model) -> None:
    text = Simulation(model, initial="36.85 degC", step="1 ms", scheme="implicit_euler")
    number = Simulation(model, initial=310.0, step=1e-3, scheme="implicit_euler")
    text.step("5 ms", {"plate": "4 W"})
    number.step(5e-3, {"plate": 4.0})
    assert np.array_equal(text.field, number.field)
    assert text.at({"p": ("2 mm", "1 mm", "0.1 mm")}) == number.at({"p": (2e-3, 1e-3, 1e-4)})


def test_point_of_a_steady_result_in_text(model: Model) -> None:
    steady = solve_steady(model, estimate=False, threads=1)
    assert steady.at("2 mm", "1 mm", "0.1 mm") == steady.at(2e-3, 1e-3, 1e-4)


def test_impedance_in_text(model: Model) -> None:
    text = thermal_impedance(model, "plate", times=["1 ms", "20 ms"], temperature="310 K", threads=1)
    number = thermal_impedance(model, "plate", times=[1e-3, 0.02], temperature=310.0, threads=1)
    assert text.time.tolist() == number.time.tolist() == [1e-3, 0.02]
    assert np.array_equal(text.zth["plate"], number.zth["plate"])


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda model: solve_transient(model, "20 W"), "duration"),
        (lambda model: solve_transient(model, 1e-3, tolerance="1 s"), "tolerance"),
        (lambda model: solve_transient(model, 1e-3, times=["1 mm"]), "times[0]"),
        (lambda model: solve_transient(model, 1e-3, initial="20 W"), "initial"),
        (lambda model: Simulation(model, step="1 mm"), "step"),
        (lambda model: thermal_impedance(model, "plate", times=["1 mm"]), "times[0]"),
        (lambda model: Simulation(model, initial=300.0).step("1 mm"), "duration"),
        (lambda model: Simulation(model, initial=300.0).step(1e-3, {"plate": "1 s"}), "plate"),
        (lambda model: Trace.duty_cycle("plate", "1 s", period=1.0, share=0.5), "power"),
        (lambda model: Trace.duty_cycle("plate", 1.0, period="1 W", share=0.5), "period"),
        (lambda model: Trace.pattern(["1 s", "1 W"], {"plate": [1.0, 2.0]}), "durations[1]"),
        (lambda model: Trace.constant({"plate": 1.0}).repeated("1 W"), "period"),
        (lambda model: TimeFunction(lambda t: {"plate": 1.0}, breaks=["1 W"]), "breaks[0]"),
    ],
)
def test_invalid_text_names_the_argument(model: Model, call: Callable[[Model], Any], field: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        call(model)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.field, diagnostic.code) == (field, "E-UNIT")


def test_durations_and_breaks_in_text_equal_those_in_seconds() -> None:
    columns = {"plate": [1.0, 2.0]}
    assert Trace.pattern(["1 ms", "2 ms"], columns).period == Trace.pattern([1e-3, 2e-3], columns).period
    assert TimeFunction(lambda t: {"plate": 1.0}, breaks=["2 s", 1.0]).breaks == (1.0, 2.0)
