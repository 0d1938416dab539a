"""The published metrics of TI's TDA2x (data sheet JAJSGK9F, table 5-18) against those of `tda2x`."""

from __future__ import annotations

import pytest

from thermostack import JedecResult, jedec, read_package

PUBLISHED = {0: 11.1, 1: 8.8, 2: 8.0, 3: 7.5}  # theta_JA by air speed, K/W


@pytest.fixture(scope="module")
def found() -> JedecResult:
    return jedec(read_package("tda2x"), ambient="85 degC", fineness=2.0)


def theta(found: JedecResult, speed: int) -> float:
    return found.of("theta_JMA", f"air {speed} m/s").value if speed else found.of("theta_JA").value


@pytest.mark.slow
def test_theta_ja_in_still_air(found: JedecResult) -> None:
    assert theta(found, 0) == pytest.approx(PUBLISHED[0], rel=0.15)


@pytest.mark.slow
def test_resistance_from_board_to_air(found: JedecResult) -> None:
    """theta_JA - psi_JB, 7.67 K/W published, depends on the board and on the air, not on the die."""
    assert theta(found, 0) - found.of("psi_JB").value == pytest.approx(7.67, rel=0.15)


@pytest.mark.slow
def test_theta_ja_falls_with_the_speed_of_the_air(found: JedecResult) -> None:
    values = [theta(found, speed) for speed in PUBLISHED]
    assert values == sorted(values, reverse=True)
    falls = [values[0] - value for value in values[1:]]
    published = [PUBLISHED[0] - PUBLISHED[speed] for speed in (1, 2, 3)]
    assert falls == pytest.approx(published, rel=0.4)


@pytest.mark.slow
def test_inequalities(found: JedecResult) -> None:
    assert found.of("psi_JB").value < found.of("theta_JB").value
    assert found.of("psi_JT").value < found.of("theta_JC_top").value
