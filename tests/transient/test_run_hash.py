"""The hash of the inputs of a run: equal for equal inputs, different for different functions and values."""

from __future__ import annotations

import functools
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.small_workloads import workload_model

from thermostack import DescriptionError, Governor, Loads, TimeFunction, read_transient, solve_transient
from thermostack.transient.run_hash import run_hash

POWER = 1.0


def hashed(value: Any) -> str:
    return run_hash({"loads": value})


def constant(power: float) -> Callable[[float], dict[str, float]]:
    return lambda t: {"die": power}


def with_default(power: float) -> Callable[[float], dict[str, float]]:
    def function(t: float, p: float = power) -> dict[str, float]:
        return {"die": p}

    return function


def with_keyword(power: float) -> Callable[[float], dict[str, float]]:
    def function(t: float, *, p: float = power) -> dict[str, float]:
        return {"die": p}

    return function


class Ramp:
    """A function of time with a private attribute."""

    def __init__(self, power: float) -> None:
        self._power = power

    def __call__(self, t: float) -> dict[str, float]:
        return {"die": self._power}

    def method(self, t: float) -> dict[str, float]:
        return {"die": self._power}


class Slotted:
    """A function of time without a dictionary of attributes."""

    __slots__ = ("power",)

    def __init__(self, power: float) -> None:
        self.power = power

    def __call__(self, t: float) -> dict[str, float]:
        return {"die": self.power}


def class_of(power: float) -> Callable[[float], dict[str, float]]:
    class Fixed:
        def __call__(self, t: float) -> dict[str, float]:
            return {"die": power}

    return Fixed()


def given(t: float, powers: Mapping[str, float]) -> Mapping[str, float]:
    return powers


def cached(power: float) -> Callable[[float], dict[str, float]]:
    return functools.lru_cache(constant(power))


def of_array(power: float) -> Callable[[float], dict[str, float]]:
    table = np.array([power, 2.0])
    return lambda t: {"die": float(np.interp(t, [0.0, 1.0], table))}


def nested(power: float) -> Callable[[float], dict[str, float]]:
    inner = constant(power)
    return lambda t: {name: 2.0 * value for name, value in inner(t).items()}


WAYS: dict[str, Callable[[float], Any]] = {
    "closure": constant,
    "default": with_default,
    "keyword": with_keyword,
    "attribute": Ramp,
    "method": lambda power: Ramp(power).method,
    "slots": Slotted,
    "class": class_of,
    "partial": lambda power: functools.partial(given, powers={"die": power}),
    "cached": cached,
    "array": of_array,
    "nested": nested,
    "code": lambda power: eval(f"lambda t: {{'die': {power!r}}}"),
    "set": lambda power: functools.partial(given, powers=frozenset({power, "die"})),
}


@pytest.mark.parametrize("wrap", [lambda f: f, lambda f: Governor(f, 1e-3)], ids=["function", "governor"])
@pytest.mark.parametrize("name", WAYS)
def test_functions_are_compared_by_what_they_use(name: str, wrap: Callable[[Any], Any]) -> None:
    way = WAYS[name]
    first, equal, other = (hashed(wrap(way(power))) for power in (1.0, 1.0, 1.5))
    assert first == equal != other


def test_global_variables_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def function(t: float) -> dict[str, float]:
        return {"die": POWER}

    before = hashed(function)
    assert hashed(function) == before
    monkeypatch.setattr(sys.modules[__name__], "POWER", 2.0)
    assert hashed(function) != before


def test_variables_of_an_own_module_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_parameters.py").write_text("POWER = 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("import own_parameters\ndef function(t):\n    return {'die': own_parameters.POWER}\n", space)
    before = hashed(space["function"])
    space["own_parameters"].POWER = 2.0
    assert hashed(space["function"]) != before


def test_functions_that_call_each_other_are_compared() -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    text = "def f(n): return g(n - 1) if n else 0\ndef g(n): return f({}) if n else 1\n"
    found = []
    for number in ("n", "n", "n - 1"):
        exec(text.format(number), space)
        found.append(hashed(space["f"]))
    assert found[0] == found[1] != found[2]


def test_hash_is_equal_in_another_process() -> None:
    program = (
        "from thermostack.transient.run_hash import run_hash\n"
        "class C:\n"
        "    def __init__(self): self._p = {'a', 'b', 'c', 2.0}\n"
        "    def __call__(self, t): return {}\n"
        "print(run_hash({'loads': [C(), lambda t: t in {'x', 'y', 'z'}]}))\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_equal_objects_have_equal_hashes_whether_they_are_shared() -> None:
    shared = [1.0, 2.0]
    assert hashed([shared, shared]) == hashed([[1.0, 2.0], [1.0, 2.0]])


# -- runs ----------------------------------------------------------------------------------------

MODEL = workload_model()


class Stop(Exception):
    """The end of a run before its end."""


def stop(time: float, step: float, peak: float) -> None:
    raise Stop


def play(path: Path, loads: Any, **options: Any) -> Any:
    usual = {"initial": "outside", "threads": 1, "tolerance": 0.5, "path": path, "checkpoint": 0.0}
    return solve_transient(MODEL, 0.02, loads, **{**usual, **options})


@pytest.mark.parametrize("is_finished", [False, True], ids=["interrupted", "finished"])
def test_run_of_another_function_is_not_resumed(tmp_path: Path, is_finished: bool) -> None:
    path = tmp_path / "run.vtkhdf"
    if is_finished:
        play(path, TimeFunction(constant(1.0)))
        other = play(path, TimeFunction(constant(4.0)), resume=True)  # starts again
        assert other.energy[-1, 0] > 1.5 * play(path, TimeFunction(constant(1.0))).energy[-1, 0]
        return
    with pytest.raises(Stop):
        play(path, TimeFunction(constant(1.0)), progress=stop)
    with pytest.raises(DescriptionError, match="the checkpoint is of another run with other loads"):
        play(path, TimeFunction(constant(4.0)), resume=True)
    play(path, TimeFunction(constant(1.0)), resume=True)


def test_run_with_other_replaced_powers_is_not_resumed(tmp_path: Path) -> None:
    path, loads = tmp_path / "run.vtkhdf", Loads(MODEL)
    with pytest.raises(Stop):
        play(path, loads, progress=stop)
    loads.override({"die": 1.0})
    with pytest.raises(DescriptionError, match="the checkpoint is of another run with other loads"):
        play(path, loads, resume=True)


def test_run_of_any_callable_has_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.vtkhdf"
    for power, way in ((1.0, WAYS["partial"]), (2.0, WAYS["slots"])):
        run = play(path, TimeFunction(way(power)))
        assert read_transient(path).power.tobytes() == run.power.tobytes()


def test_run_that_cannot_be_compared_is_not_resumed(tmp_path: Path) -> None:
    path, lock = tmp_path / "run.vtkhdf", threading.Lock()

    def function(t: float) -> dict[str, float]:
        with lock:
            return {"die": 1.0}

    first = play(path, TimeFunction(function), resume=True)  # there is nothing to resume
    with pytest.raises(DescriptionError, match=r"loads: <unlocked .*lock.* cannot be compared .*\[E-TYPE\]"):
        play(path, TimeFunction(function), resume=True)
    assert play(path, TimeFunction(function)).energy.tobytes() == first.energy.tobytes()
