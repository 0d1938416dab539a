"""Sweeps on a Dask cluster: the same table, also where a worker is killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from support.slab_study import write_study

import thermostack as ts

STUDY = """\
package: slab.yaml
axes:
  cooling.top.convection.h: {name: h, from: 1 kW/m2/K, to: 4 kW/m2/K, steps: 100}
  stacks.die.layers.body.power: {name: p, values: [5 W, 10 W, 20 W]}
outputs: {peak: max of die}
analysis: {steady: {cell: 10 mm}}
"""


def test_a_scheduler_without_dask_tells_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ts.ThermostackError, match=r'pip install "thermostack\[sweep\]"'):
        ts.sweep(write_study(tmp_path, STUDY), tmp_path / "out.csv", scheduler="tcp://127.0.0.1:1")


@pytest.mark.slow
def test_a_scheduler_that_cannot_be_reached(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra thermostack[sweep] is not installed")
    with pytest.raises(ts.ThermostackError, match="cannot be reached"):
        ts.sweep(write_study(tmp_path, STUDY), tmp_path / "out.csv", scheduler="tcp://127.0.0.1:1")


@pytest.mark.slow
def test_a_killed_worker_of_a_cluster_loses_no_case(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra thermostack[sweep] is not installed")
    study = write_study(tmp_path, STUDY)
    expected = ts.sweep(study, tmp_path / "local.csv", workers=2)
    killed: list[int] = []
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster:

        def kill_one(done: int, count: int, failed: int) -> None:
            if done >= 30 and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        found = ts.sweep(study, tmp_path / "dask.csv", scheduler=cluster.scheduler_address, progress=kill_one)
    assert killed
    assert found.is_ok.all(), found.column("message")
    for name in ("case", "h", "p", "peak", "hash"):
        assert (found.column(name) == expected.column(name)).all()
