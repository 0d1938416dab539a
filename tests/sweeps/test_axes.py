"""Axes of a study: values, units, quantiles and corners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from thermostack.errors import DescriptionError
from thermostack.sweeps.axes import AxisField, ListAxis, RangeAxis
from thermostack.sweeps.axis_numbers import with_unit
from thermostack.sweeps.distributions import LognormalAxis, NormalAxis, ToleranceAxis
from thermostack.sweeps.study import Study


def axis_of(value: Any) -> Any:
    return TypeAdapter(AxisField).validate_python(value, context={"from_file": True})


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (["1 um", "2 um"], ListAxis),
        ({"values": [1, 2]}, ListAxis),
        ({"from": "1 um", "to": "2 um"}, RangeAxis),
        ({"nominal": "1 um", "tolerance": "10 %"}, ToleranceAxis),
        ({"mean": "1 um", "deviation": "0.1 um"}, NormalAxis),
        ({"median": "1 um", "factor": 1.2}, LognormalAxis),
    ],
)
def test_the_keys_tell_the_kind_of_an_axis(value: Any, kind: type) -> None:
    assert isinstance(axis_of(value), kind)


def test_values_of_a_list_are_the_values_of_the_field() -> None:
    axis = axis_of(["20 um", "50 um"])
    assert [axis.value(level) for level in axis.grid_levels()] == ["20 um", "50 um"]
    assert [axis.cell(level) for level in axis.grid_levels()] == [20.0, 50.0]
    assert axis.unit == "um"


def test_texts_and_labels_stand_in_the_table() -> None:
    materials = axis_of(["copper", "silicon"])
    assert [materials.cell(n) for n in range(2)] == ["copper", "silicon"]
    assert materials.unit == ""
    coolers = axis_of({"values": {"cold": {"convection": {"h": "1 kW/m2/K"}}, "hot": {"adiabatic": {}}}})
    assert [coolers.cell(n) for n in range(2)] == ["cold", "hot"]
    assert coolers.value(1) == {"adiabatic": {}}


def test_a_linear_range_has_equal_steps() -> None:
    axis = axis_of({"from": "0.1 mm", "to": "0.4 mm", "steps": 4})
    assert [axis.value(level) for level in axis.grid_levels()] == ["0.1 mm", "0.2 mm", "0.3 mm", "0.4 mm"]


def test_a_logarithmic_range_has_equal_ratios() -> None:
    axis = axis_of({"from": "1 um", "to": "100 um", "steps": 5, "scale": "log"})
    numbers = axis.grid_levels()
    np.testing.assert_allclose(numbers[1:] / numbers[:-1], 10.0**0.5)


@pytest.mark.parametrize(
    ("value", "distribution"),
    [
        ({"from": "2 um", "to": "5 um"}, stats.uniform(2.0, 3.0)),
        ({"from": "2 um", "to": "5 um", "scale": "log"}, stats.loguniform(2.0, 5.0)),
        ({"nominal": "10 um", "tolerance": "10 %"}, stats.uniform(9.0, 2.0)),
        ({"nominal": "10 um", "plus": "3 um", "minus": "1 um"}, stats.uniform(9.0, 4.0)),
        ({"mean": "10 um", "deviation": "2 um"}, stats.norm(10.0, 2.0)),
        ({"nominal": "25 degC", "tolerance": "5 K"}, stats.uniform(20.0, 10.0)),
        ({"mean": "25 degC", "deviation": "5 K"}, stats.norm(25.0, 5.0)),
        ({"mean": "10 um", "deviation": "2 um", "min": "9 um", "max": "14 um"},
         stats.truncnorm(-0.5, 2.0, 10.0, 2.0)),
        ({"median": "10 um", "factor": 1.5}, stats.lognorm(np.log(1.5), scale=10.0)),
    ],
)  # fmt: skip
def test_quantiles_are_those_of_the_distribution(value: Any, distribution: Any) -> None:
    u = np.linspace(0.01, 0.99, 21)
    np.testing.assert_allclose(axis_of(value).quantile(u), distribution.ppf(u), rtol=1e-12)


def test_listed_values_are_equally_probable() -> None:
    u = (np.arange(90) + 0.5) / 90
    assert np.bincount(axis_of(["a", "b", "c"]).quantile(u).astype(int)).tolist() == [30, 30, 30]
    steps = axis_of({"from": 1, "to": 3, "steps": 3}).quantile(u)
    assert [int((steps == value).sum()) for value in (1.0, 2.0, 3.0)] == [30, 30, 30]


def test_corners_of_a_tornado() -> None:
    assert axis_of({"nominal": "50 um", "tolerance": "10 %"}).corners() == (50.0, 45.0, 55.0)
    assert axis_of({"from": "1 um", "to": "100 um", "scale": "log"}).corners() == (10.0, 1.0, 100.0)
    normal = axis_of({"mean": 10, "deviation": 1}).corners()
    np.testing.assert_allclose(normal, [10.0, 10.0 - 1.644854, 10.0 + 1.644854], rtol=1e-6)


def test_a_value_has_at_most_twelve_digits() -> None:
    assert with_unit(0.1 + 0.2, "mm") == "0.3 mm"
    assert with_unit(4.0, "") == 4
    assert isinstance(with_unit(4.0, ""), int)


ERRORS = [
    (3, "E-TYPE", "neither a list"),
    ({"values": []}, "E-TYPE", "is not a list of values"),
    ({"values": ["1 um", "2 mm"]}, "E-UNIT", "several units: mm, um"),
    ({"values": [["1 um"]]}, "E-TYPE", "has no place in a table"),
    ({"from": "1 um"}, "E-MISSING", "is missing"),
    ({"from": "1 um", "to": "2 mm"}, "E-UNIT", "from is in um, to in mm"),
    ({"from": "1 um", "to": "1 um"}, "E-RANGE", "equal"),
    ({"from": "0 um", "to": "1 um", "scale": "log"}, "E-RANGE", "positive ends"),
    ({"from": "1 um", "to": "2 um", "steps": 1}, "E-RANGE", "steps is 1"),
    ({"from": "1 um", "to": "2 um", "scale": "cubic"}, "E-TYPE", "cubic"),
    ({"from": "1 xyz", "to": "2 xyz"}, "E-UNIT", "xyz"),
    ({"from": [1], "to": 2}, "E-TYPE", "is not a number"),
    ({"nominal": "1 um"}, "E-MISSING", "give tolerance"),
    ({"nominal": "1 um", "plus": "1 um"}, "E-MISSING", "belong together"),
    ({"nominal": "1 um", "tolerance": "-1 um"}, "E-RANGE", "negative"),
    ({"nominal": "1 um", "tolerance": "0 um"}, "E-RANGE", "tolerance is zero"),
    ({"nominal": "1 um", "tolerance": "1 K"}, "E-UNIT", "nominal is in um"),
    ({"nominal": "25 degC", "tolerance": "5 degC"}, "E-UNIT", "write tolerance: 5 K"),
    ({"nominal": "25 degC", "plus": "5 °C", "minus": "1 K"}, "E-UNIT", "write plus: 5 K"),
    ({"nominal": "25 degC", "tolerance": "10 %"}, "E-UNIT", "write it in K"),
    ({"mean": "25 degC", "deviation": "5 degC"}, "E-UNIT", "write deviation: 5 K"),
    ({"median": "25 degC", "factor": 1.1}, "E-UNIT", "write it in K"),
    ({"from": "25 degC", "to": "85 degC", "scale": "log"}, "E-UNIT", "write it in K"),
    ({"mean": "1 um", "deviation": "0 um"}, "E-RANGE", "deviation"),
    ({"mean": "1 um", "deviation": "1 um", "min": "2 um", "max": "1 um"}, "E-RANGE", "min is not below max"),
    ({"median": "0 um", "factor": 2}, "E-RANGE", "median"),
    ({"median": "1 um", "factor": 1}, "E-RANGE", "not above 1"),
    ({"mean": "1 um", "deviation": "1 um", "sigma": 3}, "E-KEY", "sigma"),
    ({"values": ["1 um"], "name": "a.b"}, "E-NAME", "a.b"),
]


@pytest.mark.parametrize(("value", "code", "text"), ERRORS)
def test_errors_of_axes(value: Any, code: str, text: str) -> None:
    with pytest.raises(DescriptionError) as error:
        Study(package="fcbga", axes={"stacks.die.size": value}, outputs={"peak": "peak"})
    (diagnostic, *_) = error.value.diagnostics
    assert diagnostic.code == code
    assert text in diagnostic.message + diagnostic.hint
    assert "stacks.die.size" in diagnostic.field
