"""Expressions: values as in Python, and nothing but arithmetic."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from thermostack.sweeps.expression import Expression, identifier

NUMBERS = {"a": 3.0, "b": -2.0, "peak": 350.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("(peak - 298.15) / a", (350.0 - 298.15) / 3.0),
        ("-a ** 2", -9.0),
        ("a ** b", 3.0**-2.0),
        ("max(a, b, 10) + min(a, b)", 8.0),
        ("abs(b) + sqrt(9) + log(exp(2))", 7.0),
        ("a > b", 1.0),
        ("b < a < 2", 0.0),
        ("(a == 3) + (a != 3) + (a >= 3) + (a <= 2)", 2.0),
        ("+a", 3.0),
    ],
)
def test_value(text: str, value: float) -> None:
    assert Expression(text).evaluate(NUMBERS) == pytest.approx(value, rel=1e-15)


def test_names_are_those_of_values() -> None:
    assert Expression("max(a, b) + log(c)").names == {"a", "b", "c"}


REFUSED = [
    "a.real",
    "().__class__",
    "__import__('os')",
    "__builtins__",
    "a.__class__",
    "open('x')",
    "eval('1')",
    "max(a)",
    "sqrt(a, b)",
    "max(a, key=b)",
    "max(*a)",
    "(lambda: 1)()",
    "[1, 2]",
    "[x for x in a]",
    "{1: 2}",
    "a[0]",
    "'text'",
    "f'{a}'",
    "a if b else 1",
    "a and b",
    "not a",
    "~a",
    "a // b",
    "a % b",
    "a << b",
    "a @ b",
    "a in b",
    "a is b",
    "True",
    "None",
    "1j",
    "a := 1",
    "(a := 1)",
    "a = 1",
    "import os",
    "a; b",
    "",
    "a +",
    "1 +" * 300 + "1",
    "(" * 300 + "a" + ")" * 300,
    "+".join(["a"] * 120),
    "a" * 501,
]


@pytest.mark.parametrize("text", REFUSED)
def test_other_syntax_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError) as error:
        Expression(text)
    assert error.value.type == "E-EXPRESSION"


@pytest.mark.parametrize(
    "text", ["1 / (a - 3)", "sqrt(b)", "log(0)", "exp(1000)", "b ** 0.5", "9 ** 9 ** 9", "1e300 * 1e300"]
)
def test_a_value_that_is_not_finite_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\*\*|/|sqrt|log|exp|\*"):
        Expression(text).evaluate(NUMBERS)


@given(st.text(max_size=60))
def test_any_text_is_arithmetic_or_refused(text: str) -> None:
    codes, values = set(), []
    try:
        made = Expression(text)
    except PydanticCustomError as error:
        codes.add(error.type)
    else:
        with suppress(ValueError):
            values.append(made.evaluate(dict.fromkeys(made.names, 1.5)))
    assert codes <= {"E-EXPRESSION"}
    assert all(map(math.isfinite, values))


def test_names_of_functions_and_private_names_are_no_identifiers() -> None:
    assert [identifier(name) for name in ("peak", "max", "__a", "a-b", "1a", "é")] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]
