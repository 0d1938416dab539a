"""What a run says of itself while it goes on: how far it is, and how long it will take, told honestly."""

from __future__ import annotations

import io
import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermostack.cli.console import EtaEstimator, format_progress, show_run
from thermostack.results.history import step_lengths


class Clock:
    """A clock that goes as it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def noted(end: float, speeds: list[tuple[float, float]], per_second: int = 20) -> EtaEstimator:
    """Return what a run knows that went at some speeds [simulated s per s], each for some seconds."""
    clock = Clock()
    left, simulated = EtaEstimator(end, clock), 0.0
    for speed, seconds in speeds:
        for _ in range(round(seconds * per_second)):
            clock.now += 1.0 / per_second
            simulated += speed / per_second
            left.update(simulated)
    return left


def seconds_of(left: EtaEstimator) -> tuple[float, float]:
    found = left.seconds()
    assert found is not None
    return found


def test_nothing_is_said_before_anything_is_known() -> None:
    assert str(EtaEstimator(1.0)) == ""
    assert str(noted(100.0, [(1.0, 1.0)])) == ""


@given(st.floats(1e-6, 1e3), st.floats(5.0, 200.0))
def test_at_an_even_speed_the_time_left_is_exact(speed: float, seconds: float) -> None:
    left = noted(speed * 1000.0, [(speed, seconds)])
    lately, before = seconds_of(left)
    due = 1000.0 - round(seconds * 20) / 20
    assert lately == pytest.approx(due, rel=1e-6)
    assert before == pytest.approx(due, rel=1e-6)
    assert str(left).startswith("about ")


def test_a_slow_beginning_is_forgotten() -> None:
    left = noted(1000.0, [(0.001, 20.0), (10.0, 30.0)])
    assert seconds_of(left)[0] == pytest.approx((1000.0 - 300.02) / 10.0, rel=1e-3)
    assert str(left) == "about 1 min left"


def test_of_a_run_that_becomes_faster_less_isformat_progress() -> None:
    left = noted(1e6, [(2.0**n, 3.0) for n in range(8)])
    lately, before = seconds_of(left)
    assert lately < before
    assert str(left).startswith("less than ")


def test_of_a_run_that_becomes_slower_more_isformat_progress() -> None:
    left = noted(1e6, [(10.0, 20.0), (1.0, 8.0)])
    lately, before = seconds_of(left)
    assert lately > before
    assert str(left).startswith("more than ")


def test_less_is_true_while_steps_grow() -> None:
    clock = Clock()
    left, simulated, step = EtaEstimator(1.0, clock), 0.0, 1e-6
    bounds = []
    while simulated < 1.0:
        simulated, step = min(1.0, simulated + step), step * 1.1
        clock.now += 0.5
        left.update(simulated)
        if str(left).startswith("less"):
            bounds.append((clock.now, seconds_of(left)[0]))
    assert len(bounds) > 50
    assert all(now + bound >= clock.now for now, bound in bounds)


def test_marks_do_not_pile_up() -> None:
    left = noted(1e9, [(1.0, 300.0)], per_second=200)
    assert len(left.samples) < 300


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.2, "2 s"),
        (0.1, "1 s"),
        (43.0, "45 s"),
        (58.0, "1 min"),
        (610.0, "10 min"),
        (5400.0, "1 h 30 min"),
        (7200.0, "2 h"),
    ],
)
def test_times_are_told_as_people_tell_them(seconds: float, text: str) -> None:
    left = noted(10.0 + seconds, [(1.0, 10.0)])
    assert str(left) == f"about {text} left"


def test_without_a_terminal_a_run_logs_its_tenths(capsys: pytest.CaptureFixture[str]) -> None:
    with show_run(2.0, start=1.0) as show:
        for n in range(1, 201):
            show(1.0 + 0.01 * n, 0.01, 300.0 + n)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "200 ms of 2 s, step 10 ms, peak 46.9 degC"
    assert lines[-1] == "2 s of 2 s, step 10 ms, peak 226.9 degC"


def test_at_the_end_no_time_is_left_to_tell_of() -> None:
    left = noted(10.0, [(1.0, 10.0)])
    assert str(left) == ""
    assert format_progress(10.0, 10.0, 0.5, 300.0, left) == "10 s of 10 s, step 500 ms, peak 26.9 degC"


def test_steps_over_several_tenths_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with show_run(1.0) as show:
        show(0.55, 0.55, 300.0)
        show(1.0, 0.45, 300.0)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_on_a_terminal_there_is_one_moving_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    with show_run(2.0) as show:
        show(0.5, 1e-3, 350.0)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert "500 ms of 2 s, step 1 ms, peak 76.9 degC" in plain


def test_two_times_that_are_meant_to_be_one_are_no_step() -> None:
    time = np.array([0.0, 0.1, np.nextafter(0.1, 1.0), 0.3])
    assert step_lengths(time) == pytest.approx([0.1, 0.2])
