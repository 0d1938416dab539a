"""Numbers and arrays of NumPy in place of numbers and tuples of Python, and numbers that are no floats."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from thermostack import (
    Block,
    Convection,
    DescriptionError,
    FaceRectangle,
    Grid,
    Layer,
    Material,
    Power,
    Region,
    Stack,
    Trace,
)
from thermostack.materials.effective_media import Ply
from thermostack.materials.temperature_laws import PowerLaw

NUMBERS = [
    np.float32(0.5),
    np.float64(0.5),
    np.float16(0.5),
    np.array(0.5),
    np.array(0.5, np.float32),
    Fraction(1, 2),
]


@pytest.mark.parametrize("half", NUMBERS, ids=lambda value: f"{type(value).__name__}")
def test_any_real_number_is_accepted(half: Any) -> None:
    layer = Layer("a", 1e-3, "silicon", power=half)
    assert layer == Layer("a", 1e-3, "silicon", power=0.5)
    assert Ply("copper", 1e-5, coverage=half).coverage == 0.5
    assert Power(total=half) == Power(total=0.5)
    assert Material("a", half) == Material("a", 0.5)
    assert PowerLaw(half, half).exponent == 0.5
    assert Trace.duty_cycle("a", 1.0, half, half).values.tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize("three", [np.int64(3), np.uint8(3), np.array(3)], ids=lambda value: str(value.dtype))
def test_any_whole_number_is_accepted(three: Any) -> None:
    assert Layer("a", 1e-3, "silicon", power=three).power == Power(total=3.0)
    assert Convection(three, 300.0) == Convection(3.0, 300.0)


def test_arrays_are_accepted_for_pairs() -> None:
    pair, position = np.array([1e-3, 2e-3]), np.array([0.0, 1e-3], dtype=np.float32)
    layer = Layer("a", 1e-3, "silicon")
    assert Stack("a", pair, (layer,)).size == (1e-3, 2e-3)  # type: ignore[arg-type]
    assert Block("b", position, pair, 1.0).position == (0.0, float(np.float32(1e-3)))  # type: ignore[arg-type]
    assert Region("r", pair, "silicon", position=position).size == (1e-3, 2e-3)  # type: ignore[arg-type]
    assert FaceRectangle(position, pair).size == (1e-3, 2e-3)  # type: ignore[arg-type]
    assert Material("a", np.array([1.0, 2.0, 3.0])).conductivity_at(300.0) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (10**400, "is not a finite power"),
        (-(10**400), "is not a finite power"),
        (Fraction(10**400), "is not a finite power"),
        (np.float64(np.nan), "is not a finite power"),
        (np.bool_(True), "is not a"),
        (np.array(True), "is not a"),
        (1j, "is not a"),
        (np.complex128(1.0), "is not a"),
        (np.array([1.0]), "is not a"),
        (np.array("1"), "is not a"),
    ],
    ids=repr,
)
def test_other_values_are_refused(wrong: Any, message: str) -> None:
    with pytest.raises(DescriptionError, match=message):
        Power(total=wrong)
    with pytest.raises(DescriptionError, match="is not a"):
        Layer("a", 1e-3, "silicon", power=wrong)


@pytest.mark.parametrize("wrong", [10**400, np.nan, np.inf, -1.0, True, np.array(True), 2.0], ids=repr)
def test_fractions_are_from_zero_to_one(wrong: Any) -> None:
    with pytest.raises(DescriptionError, match="is not a fraction"):
        Ply("copper", 1e-5, coverage=wrong)


@pytest.mark.parametrize("planes", [["0", "1"], [True, False], [0.0, 1j]], ids=repr)
def test_planes_of_a_grid_are_lengths(planes: Any) -> None:
    with pytest.raises(ValueError, match=r"^x\[[01]\]: .*(has no unit|is not a length)"):
        Grid(planes, [0.0, 1.0], [0.0, 1.0])


def test_planes_of_a_grid_are_numbers_or_text_with_a_unit() -> None:
    assert Grid(["0 mm", "1 mm"], [0.0, 1.0], [0.0, 1.0]).x.tolist() == [0.0, 1e-3]
