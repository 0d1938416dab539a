"""Arguments of runs that are out of range: temperatures, times, tolerances, and text without a unit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from support.small_workloads import workload_model

from thermostack import (
    DescriptionError,
    Simulation,
    Trace,
    solve_transient,
    thermal_impedance,
)

MODEL = workload_model()
SHAPE = MODEL.grid.shape
NAN_INSIDE = np.where(np.arange(MODEL.part.size).reshape(SHAPE) == 0, np.nan, 300.0)

TEMPERATURES: list[tuple[Any, type[Exception], str]] = [
    (-5.0, ValueError, "-5 K is not above absolute zero"),
    (0.0, ValueError, "^(initial|temperature): 0 K is not above absolute zero"),
    ("0 K", ValueError, "^(initial|temperature): 0 K is not above absolute zero"),
    ("-300 degC", DescriptionError, "absolute zero"),
    (math.inf, ValueError, "inf is not a finite temperature"),
    (math.nan, ValueError, "nan is not a finite temperature"),
    (True, DescriptionError, "True is not a temperature"),
    (np.array(-5.0), ValueError, "-5 K is not above absolute zero"),
    (np.full(SHAPE, -5.0), ValueError, "is not above absolute zero and finite in every cell"),
    (np.zeros(SHAPE), ValueError, "is not above absolute zero and finite in every cell"),
    (NAN_INSIDE, ValueError, "is not above absolute zero and finite in every cell"),
    (np.full(SHAPE, "300"), ValueError, "an array of <U3"),
    (np.full(SHAPE, True), ValueError, "an array of bool"),
    (np.full(3, 300.0), ValueError, r"with shape \(3,\) is no field of temperatures"),
    ([300.0, 310.0], ValueError, r"with shape \(2,\) is no field of temperatures"),
]


@pytest.mark.parametrize(("value", "error", "message"), TEMPERATURES, ids=lambda value: None)
def test_temperatures_are_above_absolute_zero(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Simulation(MODEL, initial=value)
    with pytest.raises(error, match=message):
        thermal_impedance(MODEL, temperature=value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": math.nan}, "^time: nan is not a finite time"),
        ({"time": math.inf}, "^time: inf is not a finite time"),
        ({"tolerance": math.inf}, "^tolerance: inf is not a finite temperature difference"),
        ({"tolerance": math.nan}, "^tolerance: nan is not a finite temperature difference"),
        ({"tolerance": 0.0}, "^tolerance: 0 K is not greater than zero"),
        ({"step": math.inf}, "^step: inf is not a finite time"),
        ({"step": -1.0}, "^step: -1 s is not greater than zero"),
    ],
    ids=repr,
)
def test_numbers_of_a_simulation_are_finite(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Simulation(MODEL, **{"initial": 300.0, **options})


@pytest.mark.parametrize("value", [math.nan, -1.0], ids=repr)
def test_checkpoint_interval_is_zero_or_more(value: float) -> None:
    with pytest.raises(ValueError, match=r"^checkpoint: (nan is not a finite time|-1 s is less than zero)"):
        solve_transient(MODEL, 1e-3, initial=300.0, checkpoint=value)


@pytest.mark.parametrize("value", [math.nan, math.inf], ids=repr)
def test_simulation_advances_to_a_finite_time(value: float) -> None:
    simulation = Simulation(MODEL, initial=300.0, threads=1)
    with pytest.raises(ValueError, match=r"^duration: (nan|inf) is not a finite time"):
        simulation.step(value)
    with pytest.raises(ValueError, match=r"^until: (nan|inf) is not a finite time"):
        simulation.advance(value)
    assert simulation.time == 0.0


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, math.nan, math.inf], ids=repr)
def test_tolerance_of_an_impedance_is_bounded(value: float) -> None:
    with pytest.raises(
        ValueError,
        match=r"^tolerance: (must be at least 1e-07 and less than 1|(nan|inf) is not a finite number)",
    ):
        thermal_impedance(MODEL, temperature=300.0, tolerance=value)


# -- traces ----------------------------------------------------------------------------------------


def test_columns_and_times_may_be_text_with_units() -> None:
    trace = Trace.of(
        ["0 s", "10 ms"], {"die": ["1 W", 2.0], "cooling.top": ["25 degC", "300 K"]}, after="hold"
    )
    assert trace.times.tolist() == [0.0, 0.01]
    assert trace.values.tolist() == [[1.0, 298.15], [2.0, 300.0]]
    assert Trace.of([0.0], {"die": ["50 %"]}, units={"die": "1"}).values.tolist() == [[0.5]]


@pytest.mark.parametrize(
    ("times", "column", "field"),
    [
        (["0", "1"], [1.0, 2.0], r"times\[0\]"),
        ([0.0, 1.0], ["1", "2"], r"columns\['die'\]\[0\]"),
        ([0.0, 1.0], [1.0, "2 s"], r"columns\['die'\]\[1\]"),
        ([0.0, 1.0], [True, False], r"columns\['die'\]\[0\]"),
        (["0 W", "1 s"], [1.0, 2.0], r"times\[0\]"),
    ],
)
def test_text_needs_a_unit(times: Any, column: Any, field: str) -> None:
    with pytest.raises(DescriptionError, match=rf"^{field}: .*\[E-(UNIT|TYPE)\]"):
        Trace.of(times, {"die": column})


def test_arrays_of_a_trace_are_numbers() -> None:
    for times, values in ((["0", "1"], [[1.0], [2.0]]), ([0.0, 1.0], [["1"], ["2"]])):
        with pytest.raises(DescriptionError, match=r"has no unit|is not a table of numbers"):
            Trace(times, ("die",), ("W",), values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("degrees", "is_unusual"), [([20.0, 30.0], True), ([293.0, 800.0], True), ([293.0, 303.0], False)]
)
def test_unusual_ambient_of_a_trace_is_a_warning(degrees: list[float], is_unusual: bool) -> None:
    trace = Trace.of([0.0, 1e-3], {"cooling.top": degrees}, after="hold")
    run = solve_transient(MODEL, 1e-3, trace, initial=300.0, tolerance=5.0, threads=1)
    found = [text for text in run.warnings if "cooling.top" in text]
    assert len(found) == is_unusual
    if is_unusual:
        assert found[0].endswith("is an unusual ambient temperature (check the unit) [W-RANGE]")
