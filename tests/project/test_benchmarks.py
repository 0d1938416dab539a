"""Every benchmark runs on a small problem and prints its claim."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
QUICK = {
    "command_line.py": (["--quick"], "claim"),
    "edge_grading.py": (
        ["--seeds", "118", "119", "--finenesses", "0.4", "0.6", "--classes", "mold"],
        "claim",
    ),
    "error_estimate.py": (["--finenesses", "0.35"], "claim"),
    "error_estimate_classes.py": (["--seeds", "118", "119", "--finenesses", "0.6"], "targets"),
    "influence_matrix.py": (["--package", "fcbga", "--cell", "4 mm"], "target"),
    "libraries.py": (["--quick"], "times thermostack"),
    "main_job.py": (["--quick"], "claim"),
    "nonlinear.py": (["--quick"], "target"),
    "pipeline.py": (["--cells", "2e4", "--repeat", "1"], "claim"),
    "placement.py": (["--quick"], "claim"),
    "plots.py": (["--quick"], "written"),
    "power_deposit.py": (["--quick"], "sum preserved"),
    "reference_packages.py": (["hbm3_8h", "hermetic_mcm"], "aims"),
    "robustness.py": (["--quick"], "claim"),
    "session.py": (["--quick"], "claim"),
    "standard_problem.py": (["--cells", "0.13", "--repeat", "1"], "total_wu"),
    "sweep.py": (["--quick"], "claim"),
    "threads.py": (["--quick", "--busy", "1"], "slowdown_when_busy"),
    "tolerance.py": (["--parts", "exact", "--packages", "two_sided", "--tolerances", "1"], "claim"),
    "transient_euler.py": (["--quick"], "claim"),
    "transient_factorised.py": (["--quick"], "claim"),
    "transient_memory.py": (["--quick"], "claim"),
    "transient_stage.py": (["--quick"], "claim"),
    "unit_cells.py": (["--quick"], "claim"),
    "zoom.py": (["--quick"], "claim"),
}

LONG = {"edge_grading.py", "error_estimate.py", "error_estimate_classes.py", "libraries.py"} | {
    name for name in QUICK if name.startswith("transient_")
}


def test_every_benchmark_has_its_smoke_run() -> None:
    assert {path.name for path in (ROOT / "benchmarks").glob("*.py")} == set(QUICK)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in QUICK]
)
def test_benchmark_runs(name: str) -> None:
    options, word = QUICK[name]
    command = [sys.executable, str(ROOT / "benchmarks" / name), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ, timeout=300)
    assert done.returncode == 0, done.stderr
    assert word in done.stdout
