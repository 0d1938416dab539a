"""Functions of time as courses, and what the name of a column says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from thermostack import DescriptionError
from thermostack.transient.waveform import TimeFunction, column_diagnostic, face_of, seconds, unit_of


def saw(t: float) -> dict[str, float]:
    return {"gpu": 100.0 * (t % 1.0), "cooling.top": 300.0 + t}


def test_a_function_is_asked_at_any_time() -> None:
    course = TimeFunction(saw, breaks=[2.0, 1.0])
    assert course.names == ("gpu", "cooling.top")
    assert course.units == ("W", "K")
    assert course.at(0.25).tolist() == [25.0, 300.25]
    assert course.at(7.5).tolist() == [50.0, 307.5]


def test_only_what_is_said_is_a_break() -> None:
    course = TimeFunction(saw, breaks=[2.0, 1.0])
    assert [course.next_event(t) for t in (0.0, 1.0, 1.5, 2.0)] == [1.0, 2.0, 2.0, math.inf]
    assert TimeFunction(saw).next_event(0.0) == math.inf


def test_before_a_break_is_just_before_it() -> None:
    course = TimeFunction(saw, breaks=[1.0])
    assert course.at(1.0)[0] == 0.0
    assert course.at(1.0, before=True)[0] == pytest.approx(100.0)
    assert course.at(1.5, before=True)[0] == course.at(1.5)[0]


def said(function: Any, at: float = 1.0, breaks: Any = ()) -> str:
    with pytest.raises(DescriptionError) as caught:
        TimeFunction(function, breaks).at(at)
    return str(caught.value)


def forgetful(t: float) -> Mapping[str, float]:
    return {"gpu": 1.0} if t < 1.0 else {"gpu": 1.0, "hbm": 2.0}


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda t: 5.0,
            'function: the function returns 5.0 (return powers by name: {"gpu": 500.0}) [E-TYPE]',
        ),
        (
            lambda t: {1: 5.0},
            'function: the function returns {1: 5.0} (return powers by name: {"gpu": 500.0}) [E-TYPE]',
        ),
        (
            lambda t: {"gpu": 1.0 / (t - 1.0 + 1e-320) if t < 1.0 else math.nan},
            "gpu: nan at 1 s is not a finite number [E-RANGE]",
        ),
        (
            lambda t: {"cooling.top": 1.0 - t},
            "cooling.top: 0 K at 1 s is not above absolute zero (temperatures are in kelvin) [E-RANGE]",
        ),
        (
            forgetful,
            "hbm: the function returns 'hbm' at 1 s only (return the same names at any time) [E-NAME]",
        ),
        (
            lambda t: {"cooling.top.h": 1.0},
            (
                "cooling.top.h: a heat-transfer coefficient cannot change linearly (put it in a trace of "
                "kind steps) [E-TRACE]"
            ),
        ),
    ],
)
def test_diagnostic(function: Any, message: str) -> None:
    assert said(function) == message


def test_a_break_is_a_time() -> None:
    assert said(saw, breaks=[math.nan]) == "breaks: a break is not a finite time [E-RANGE]"


@pytest.mark.parametrize(
    ("name", "face", "unit"),
    [
        ("cooling.top", ("top", False), "K"),
        ("cooling.surroundings.h", ("surroundings", True), "1"),
        ("cooling.tops", None, "W"),
        ("gpu.active", None, "W"),
        ("cooling", None, "W"),
    ],
)
def test_a_name_says_what_is_given(name: str, face: tuple[str, bool] | None, unit: str) -> None:
    assert face_of(name) == face
    assert unit_of(name) == unit
    assert column_diagnostic(name, unit, is_stepped=True) is None


def test_seconds_keep_their_digits() -> None:
    assert seconds(0.0) == "0 s"
    assert seconds(1.0000001e-3) == "1.0000001 ms"
