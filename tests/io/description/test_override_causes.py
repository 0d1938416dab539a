"""Errors that overrides cause name them, and hints about heights that give a package without errors."""

from __future__ import annotations

import re
from typing import Any

import pytest

from thermostack import DescriptionError, read_package

HBM_GAP = "stacks.hbm.layers.gap.thickness"
GPU_BULK = "stacks.gpu.layers.bulk.thickness"
TIM = "stacks.die.layers.tim.thickness"


def error_of(package: str, overrides: dict[str, Any]) -> str:
    with pytest.raises(DescriptionError) as caught:
        read_package(package, overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("package", "overrides", "proposed"),
    [
        ("cowos_s_h100", {HBM_GAP: "20 um"}, ["stacks.hbm.layers.cap.thickness"]),
        ("cowos_s_h100", {HBM_GAP: "10 um"}, ["stacks.hbm.layers.cap.thickness"]),
        (
            "cowos_s_h100",
            {"stacks.hbm.east_0.layers.gap.thickness": "20 um"},
            ["stacks.hbm.east_0.layers.cap.thickness"],
        ),
        (
            "cowos_s_h100",
            {GPU_BULK: "700 um"},
            ["stacks.hbm.layers.cap.thickness", "stacks.spacer.layers.silicon.thickness"],
        ),
        ("fcbga", {TIM: "50 um"}, ["stacks.foot.layers.wall.thickness"]),
    ],
)
def test_the_hint_about_a_gap_is_right(package: str, overrides: dict[str, Any], proposed: list[str]) -> None:
    message = error_of(package, overrides)
    assert message.count("[E-GAP]") == 1  # one for all supports that the stack does not touch
    (path,) = overrides
    assert f"; caused by overrides {path}={overrides[path]} (" in message
    paths = re.findall(r"stacks\.\S+\.thickness", message.partition("(set ")[2])
    assert paths == proposed
    filled = read_package(package, {**overrides, **dict.fromkeys(paths, "fill")})
    assert filled.power == pytest.approx(read_package(package).power)


def test_only_overrides_that_cause_an_error_are_named() -> None:
    message = error_of("fcbga", {TIM: "50 um", "stacks.die.power": "3 W"})
    assert f"caused by overrides {TIM}=50 um (" in message
    assert "stacks.die.power" not in message


def test_overrides_that_cause_an_error_together_are_named() -> None:
    base = "stacks.hbm.layers.base.thickness"
    message = error_of("cowos_s_h100", {HBM_GAP: "20 um", base: "60 um"})
    assert f"caused by overrides {HBM_GAP}=20 um and {base}=60 um (" in message


def test_other_errors_of_overrides_name_them_too() -> None:
    message = error_of("cowos_s_h100", {"stacks.hbm.east_1.at": ["37 mm", "13 mm"]})
    assert "overlaps gpu" in message
    assert "caused by overrides stacks.hbm.east_1.at=" in message


def test_errors_at_an_override_do_not_name_it_twice() -> None:
    message = error_of("fcbga", {TIM: "-50 um"})
    assert message.startswith("overrides: stacks.die.layers.tim")
    assert "caused by" not in message
