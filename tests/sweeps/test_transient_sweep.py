"""Sweeps of transient runs: outputs over time, throttled time, and traces."""

from __future__ import annotations

from math import exp, log
from pathlib import Path

import numpy as np
import pytest
from support.slab_study import AMBIENT, AREA, POWER, slab_study

import thermostack as ts
from thermostack.sweeps.case_solver import CaseSolver
from thermostack.sweeps.study import Study

HEAT_CAPACITY = 3.4e6  # J/(m3 K)
H, THICKNESS = 2e3, 1e-3
TIME_CONSTANT = HEAT_CAPACITY * THICKNESS / H  # s, of the slab at one temperature: its Biot number is 0.02
SET = {"materials.slab.volumetric_heat_capacity": "3.4 MJ/m3/K"}


def sweep(folder: Path, powers: list[str], outputs: dict[str, str], **transient: object) -> ts.SweepResult:
    from concurrent.futures import ThreadPoolExecutor

    options = {"duration": "3 s", "tolerance": "10 mK", "cell": "10 mm", **transient}
    study = slab_study(
        folder,
        axes={POWER: {"name": "p", "values": powers}},
        outputs=outputs,
        analysis={"transient": options},
        set=SET,
    )
    with ThreadPoolExecutor(1) as executor:
        return ts.sweep(study, folder / "out.csv", executor=executor)


def test_rise_time_above_the_limit_and_margin_are_those_of_a_lumped_slab(tmp_path: Path) -> None:
    outputs = {
        "final": "final_mean of die",
        "peak": "max of die",
        "above": "time_above of die",
        "when": "time_of_max of die",
        "margin": "margin of die",
        "power": "power",
    }
    result = sweep(tmp_path, ["10 W", "20 W"], outputs)
    assert result.is_ok.all(), result.column("message")
    for n, power in enumerate((10.0, 20.0)):
        final = power / AREA / H
        lumped = AMBIENT + final * (1.0 - exp(-3.0 / TIME_CONSTANT))
        assert result.column("final")[n] == pytest.approx(lumped, abs=0.02 * final)
        assert result.column("when")[n] == 3.0
        assert result.column("margin")[n] == pytest.approx(358.15 - result.column("peak")[n])
        assert result.column("power")[n] == pytest.approx(power)
    reached = -TIME_CONSTANT * log(1.0 - (358.15 - AMBIENT) / (20.0 / AREA / H))
    assert result.column("above")[0] == 0.0
    assert result.column("above")[1] == pytest.approx(3.0 - reached, rel=0.05)


def test_throttled_time_grows_with_the_power(tmp_path: Path) -> None:
    outputs = {"throttled": "throttled of die", "lost": "performance_lost of die", "peak": "max of die"}
    options = {"throttle": {"die": "55 degC"}, "duration": "0.9 s", "tolerance": "0.3 K"}
    result = sweep(tmp_path, ["5 W", "20 W", "40 W"], outputs, **options)
    throttled = result.column("throttled")
    assert throttled[0] == 0.0
    assert 0.0 < throttled[1] < throttled[2] < 0.9
    assert result.column("lost")[2] > result.column("lost")[1] > 0.0
    assert result.column("peak")[2] < 345.0  # 380 K without the throttle


def test_a_trace_gives_the_power_and_the_duration(tmp_path: Path) -> None:
    (tmp_path / "trace.csv").write_text("time [s],die [%]\n0,100\n1,50\n2,50\n")
    study = Study(
        **{
            **slab_study(tmp_path, set=SET),
            "axes": {POWER: ["10 W"]},
            "outputs": {"power": "power", "final": "final_max of die"},
            "analysis": {"transient": {"trace": "trace.csv", "cell": "10 mm", "initial": "outside"}},
        }
    )
    run = CaseSolver(study, tmp_path).solve(study.case(0).overrides)
    assert isinstance(run, ts.TransientResult)
    assert run.time[-1] == 2.0
    assert study.outputs["power"].read(run).value == pytest.approx(7.5, rel=1e-9)
    assert np.isfinite(study.outputs["final"].read(run).value or np.nan)


def test_memory_is_asked_for_before_the_run(tmp_path: Path) -> None:
    study = Study(
        **{
            **slab_study(tmp_path, set=SET),
            "analysis": {"transient": {"duration": "1 s", "cell": "10 mm"}},
        }
    )
    asked: list[int] = []

    def refuse(memory: int) -> None:
        asked.append(memory)
        raise ts.ResourceError("too large")

    with pytest.raises(ts.ResourceError):
        CaseSolver(study, Path()).solve(study.case(0).overrides, refuse)
    assert asked[0] > 0
