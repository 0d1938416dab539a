"""Rate and remaining time of a sweep whose cases end irregularly."""

from __future__ import annotations

import heapq
import random
from itertools import pairwise

import pytest

from thermostack.cli.case_rate import CaseRate


def ends_of_cases(count: int, workers: int, seed: int, pauses: list[tuple[float, float]]) -> list[float]:
    """Return the times [s] at which cases of irregular duration end, 0.5 s in the mean; none in a pause."""
    draw = random.Random(seed)
    free = [0.0] * workers
    ends = []
    for _ in range(count):
        end = heapq.heappop(free) + draw.choice([0.1, 0.2, 0.3, 0.4, 1.5])
        for begin, length in pauses:
            end += length if end - length < begin <= end else 0.0
        heapq.heappush(free, end)
        ends.append(end)
    return sorted(ends)


def errors_of(ends: list[float], chunk: int = 1) -> tuple[list[float], list[float]]:
    """Return errors of the predicted ends relative to the whole time, and changes of these ends [s].

    Cases are reported in chunks, from a fifth of them on.
    """
    now = [0.0]
    rate = CaseRate(len(ends), lambda: now[0])
    rate.update(0)
    errors, predicted = [], []
    for done in range(chunk, len(ends) + 1, chunk):
        now[0] = ends[done - 1]
        rate.update(done)
        remaining = rate.remaining
        if done > len(ends) // 5 and done < 0.95 * len(ends) and remaining is not None:
            errors.append((now[0] + remaining) / ends[-1] - 1.0)
            predicted.append(now[0] + remaining)
    changes = [abs(after - before) for before, after in pairwise(predicted)]
    return errors, changes


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("chunk", [1, 16])
def test_the_end_is_predicted_within_a_fifth(workers: int, chunk: int) -> None:
    ends = ends_of_cases(1000, workers, seed=3, pauses=[])
    errors, _ = errors_of(ends, chunk)
    assert errors
    assert max(map(abs, errors)) < 0.2  # 100 cases have a mean within 10 %


def test_a_pause_moves_the_predicted_end_by_no_more_than_the_pause() -> None:
    """All workers stop for 20 s of 250 s."""
    ends = ends_of_cases(1000, 2, seed=5, pauses=[(120.0, 20.0)])
    _, changes = errors_of(ends)
    assert max(changes) < 20.0
    at_pause = ends_of_cases(1000, 2, seed=5, pauses=[])
    assert ends[-1] - at_pause[-1] == pytest.approx(20.0, abs=2.0)


def test_the_remaining_time_follows_a_changed_rate() -> None:
    fast = [0.1 * n for n in range(1, 501)]
    ends = fast + [fast[-1] + 0.4 * n for n in range(1, 501)]
    errors, _ = errors_of(ends)
    assert abs(errors[-1]) < 0.02


def test_nothing_is_stated_before_three_seconds_and_at_the_end() -> None:
    now = [0.0]
    rate = CaseRate(4, lambda: now[0])
    assert str(rate) == ""
    rate.update(0)
    now[0] = 2.0
    rate.update(1)
    assert str(rate) == "0.5 cases/s"
    now[0] = 4.0
    rate.update(2)
    assert str(rate) == "0.5 cases/s, about 4 s left"
    now[0] = 8.0
    rate.update(4)
    assert "left" not in str(rate)


def test_the_number_of_samples_is_bounded() -> None:
    now = [0.0]
    rate = CaseRate(100_000, lambda: now[0])
    for n in range(20_000):
        now[0] = 0.01 * n
        rate.update(n)
    assert len(rate.samples) < 300
