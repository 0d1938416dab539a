"""Failures: how a fault reads, how many are shown, and the exit code of each kind."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from thermostack import errors
from thermostack.errors import (
    MAX_SHOWN_DIAGNOSTICS,
    ArgumentError,
    BoilingCrisisError,
    ConvergenceError,
    DescriptionError,
    Diagnostic,
    OutputError,
    ResourceError,
    ResultFileError,
    RunawayError,
    ThermostackError,
    UnknownNameError,
)

FAULT = Diagnostic(
    "stacks.gpu.layers[0].thickness", "-50 um is not greater than zero", "did you mean 50 um?", "E-RANGE"
)


@pytest.mark.parametrize(
    ("diagnostic", "text"),
    [
        (Diagnostic("", "it is wrong"), "it is wrong [E-VALUE]"),
        (Diagnostic("cell", "it is wrong"), "cell: it is wrong [E-VALUE]"),
        (Diagnostic("", "it is wrong", "right it", "E-X"), "it is wrong (right it) [E-X]"),
        (Diagnostic("a.b", "it is wrong", file="f.yaml"), "f.yaml: a.b: it is wrong [E-VALUE]"),
        (Diagnostic("a.b", "it is wrong", file="f.yaml", line=7), "f.yaml:7: a.b: it is wrong [E-VALUE]"),
        (Diagnostic("", "it is wrong", file="f.yaml", line=7, column=3), "f.yaml:7:3: it is wrong [E-VALUE]"),
    ],
)
def test_text_of_diagnostic(diagnostic: Diagnostic, text: str) -> None:
    assert str(diagnostic) == text


def test_located_at_sets_only_the_location() -> None:
    placed = FAULT.located_at("h100.yaml", 12, 9)
    assert str(placed) == f"h100.yaml:12:9: {FAULT}"
    assert FAULT.file is None
    assert placed.located_at(None) == FAULT


def test_warning_has_code_w() -> None:
    assert Diagnostic("x", "odd", code="W-RANGE").is_warning
    assert not FAULT.is_warning


def test_description_error_has_all_diagnostics() -> None:
    other = Diagnostic("cooling", "nothing cools", code="E-COOLING")
    error = DescriptionError(diagnostic for diagnostic in (FAULT, other))
    assert error.diagnostics == (FAULT, other)
    assert str(error) == f"{FAULT}\n{other}"
    assert DescriptionError(FAULT).diagnostics == (FAULT,)


@pytest.mark.parametrize("more", [0, 1, 25])
def test_at_most_fifty_diagnostics_are_shown(more: int) -> None:
    diagnostics = [Diagnostic(f"x{n}", "bad") for n in range(MAX_SHOWN_DIAGNOSTICS + more)]
    lines = str(DescriptionError(diagnostics)).splitlines()
    assert lines[:MAX_SHOWN_DIAGNOSTICS] == [
        str(diagnostic) for diagnostic in diagnostics[:MAX_SHOWN_DIAGNOSTICS]
    ]
    assert lines[MAX_SHOWN_DIAGNOSTICS:] == ([f"... and {more} more"] if more else [])
    assert len(DescriptionError(diagnostics).diagnostics) == MAX_SHOWN_DIAGNOSTICS + more


def test_convergence_error_has_history() -> None:
    error = ConvergenceError("it stalls", [1.0, 0.5])
    assert (str(error), error.history) == ("it stalls", (1.0, 0.5))
    assert ConvergenceError("it stalls").history == ()


def test_exit_codes() -> None:
    codes = {
        ThermostackError: 1,
        DescriptionError: 2,
        ArgumentError: 2,
        UnknownNameError: 2,
        ConvergenceError: 3,
        RunawayError: 3,
        BoilingCrisisError: 3,
        ResourceError: 4,
        OutputError: 5,
        ResultFileError: 6,
    }
    assert {kind: kind.exit_code for kind in codes} == codes
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    kinds = {kind for kind in kinds if not issubclass(kind, Warning)}
    assert kinds == set(codes)
    assert all(issubclass(kind, ThermostackError) for kind in kinds)


def test_runaway_is_a_convergence_error() -> None:
    with pytest.raises(ConvergenceError):
        raise RunawayError("it runs away", (1.0, 2.0))


def test_diagnostics_can_be_pickled() -> None:
    """They pass between processes, so they are pickled."""
    assert pickle.loads(pickle.dumps(FAULT)) == FAULT
    assert hash(FAULT) == hash(FAULT.located_at(None))


@pytest.mark.parametrize(
    "error",
    [
        DescriptionError(Diagnostic("a.b", "is wrong", "write 1", "E-VALUE", "case.yaml", 3, 4, ("a", "b"))),
        DescriptionError([Diagnostic("a", "is wrong"), Diagnostic("b", "is wrong too")]),
        ConvergenceError("stopped", [1.0, 0.5]),
        RunawayError("no steady state", [1.0]),
        ResourceError("too little memory"),
        OutputError("cannot write"),
        ResultFileError("damaged"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_copied_and_pickled_errors_are_equal(error: ThermostackError, copied: Callable[[Any], Any]) -> None:
    again = copied(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
