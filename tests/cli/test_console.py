"""Progress of a run on stderr: simulated time, and the estimate of the remaining wall time."""

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
    """A clock whose time is set by the test."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def estimator(end: float, speeds: list[tuple[float, float]], per_second: int = 20) -> EtaEstimator:
    """Return the estimator of a run at speeds [simulated s per s], each for a wall time [s]."""
    clock = Clock()
    eta, simulated = EtaEstimator(end, clock), 0.0
    for speed, seconds in speeds:
        for _ in range(round(seconds * per_second)):
            clock.now += 1.0 / per_second
            simulated += speed / per_second
            eta.update(simulated)
    return eta


def remaining(eta: EtaEstimator) -> tuple[float, float]:
    found = eta.seconds()
    assert found is not None
    return found


def test_no_estimate_at_the_start() -> None:
    assert str(EtaEstimator(1.0)) == ""
    assert str(estimator(100.0, [(1.0, 1.0)])) == ""


@given(st.floats(1e-6, 1e3), st.floats(5.0, 200.0))
def test_estimate_is_exact_at_constant_speed(speed: float, seconds: float) -> None:
    eta = estimator(speed * 1000.0, [(speed, seconds)])
    quarter, half = remaining(eta)
    due = 1000.0 - round(seconds * 20) / 20
    assert quarter == pytest.approx(due, rel=1e-6)
    assert half == pytest.approx(due, rel=1e-6)
    assert str(eta).startswith("about ")


def test_slow_start_does_not_matter() -> None:
    eta = estimator(1000.0, [(0.001, 20.0), (10.0, 30.0)])
    assert remaining(eta)[0] == pytest.approx((1000.0 - 300.02) / 10.0, rel=1e-3)
    assert str(eta) == "about 1 min left"


def test_accelerating_run_gives_an_upper_bound() -> None:
    eta = estimator(1e6, [(2.0**n, 3.0) for n in range(8)])
    quarter, half = remaining(eta)
    assert quarter < half
    assert str(eta).startswith("less than ")


def test_decelerating_run_gives_a_lower_bound() -> None:
    eta = estimator(1e6, [(10.0, 20.0), (1.0, 8.0)])
    quarter, half = remaining(eta)
    assert quarter > half
    assert str(eta).startswith("more than ")


def test_upper_bound_holds_while_steps_grow() -> None:
    clock = Clock()
    eta, simulated, step = EtaEstimator(1.0, clock), 0.0, 1e-6
    bounds = []
    while simulated < 1.0:
        simulated, step = min(1.0, simulated + step), step * 1.1
        clock.now += 0.5
        eta.update(simulated)
        if str(eta).startswith("less"):
            bounds.append((clock.now, remaining(eta)[0]))
    assert len(bounds) > 50
    assert all(now + bound >= clock.now for now, bound in bounds)


def test_number_of_samples_is_bounded() -> None:
    eta = estimator(1e9, [(1.0, 300.0)], per_second=200)
    assert len(eta.samples) < 300


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
def test_remaining_time_is_rounded(seconds: float, text: str) -> None:
    eta = estimator(10.0 + seconds, [(1.0, 10.0)])
    assert str(eta) == f"about {text} left"


def test_run_logs_every_tenth_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with show_run(2.0, start=1.0) as show:
        for n in range(1, 201):
            show(1.0 + 0.01 * n, 0.01, 300.0 + n)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "200 ms of 2 s, step 10 ms, peak 46.9 degC"
    assert lines[-1] == "2 s of 2 s, step 10 ms, peak 226.9 degC"


def test_no_estimate_at_the_end() -> None:
    eta = estimator(10.0, [(1.0, 10.0)])
    assert str(eta) == ""
    assert format_progress(10.0, 10.0, 0.5, 300.0, eta) == "10 s of 10 s, step 500 ms, peak 26.9 degC"


def test_step_over_several_tenths_logs_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with show_run(1.0) as show:
        show(0.55, 0.55, 300.0)
        show(1.0, 0.45, 300.0)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_terminal_shows_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_rows_of_equal_time_are_not_a_step() -> None:
    time = np.array([0.0, 0.1, np.nextafter(0.1, 1.0), 0.3])
    assert step_lengths(time) == pytest.approx([0.1, 0.2])
